//! Users who may be invisible: other accounts and Regions that the scan does not see.

use serde_json::json;

use super::*;

#[test]
fn a_policy_that_names_another_account_is_a_question() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"secretsmanager:*","Resource":"*"}]}"#;
    let put = call("PutResourcePolicy", "x")
        .by(role("deploy", "run"))
        .request(json!({"secretId": "x", "resourcePolicy": policy}));
    let scan = world().secret(idle("x")).call(put.days(70)).scan();
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_key_of_another_account_is_a_question() {
    let key = json!("arn:aws:kms:us-east-1:444455556666:key/1234abcd");
    let scan = world().secret(idle("x").set("KmsKeyId", key)).scan();
    stays_because(&scan, "x", &["cross-account", "coverage-gap"]);
    goes(&scan, IDLE);
}

#[test]
fn a_key_of_the_same_account_is_none() {
    let scan = world().secret(idle("x").customer_key()).scan();
    goes(&scan, "x");
}

#[test]
fn a_read_from_another_account_is_use() {
    let scan = world()
        .secret(idle("x").accessed(20))
        .call(
            get(&idle("x").arn())
                .by(role_of(OTHER, "partner", "1"))
                .days(20),
        )
        .scan();
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn the_reader_of_a_replica_of_another_account_is_not_forgotten() {
    let replica = json!([{"ARN": "arn:aws:secretsmanager:us-east-1:444455556666:secret:x-Rep456", "Status": "InSync"}]);
    let scan = world()
        .logging(OTHER, EAST)
        .secrets([
            idle("x")
                .customer_key()
                .set("CrossAccountReplicas", replica),
            never("x-replica")
                .at(OTHER, EAST)
                .suffix("Rep456")
                .accessed(0),
        ])
        .calls(
            get("x-replica")
                .place(OTHER, EAST)
                .by(role_of(OTHER, "partner", "1"))
                .days(20)
                .every(HOUR * 6, 80),
        )
        .scan();
    stays(&scan, "x");
    is_judged(&scan, "x-replica", "keep");
}

#[test]
fn sessions_of_one_role_without_an_issuer_are_one_reader() {
    let foreign = |number: i64| {
        let identity = json!({"type": "AWSAccount", "principalId": format!("AROAEXAMPLEPARTNER:{number:032x}"), "accountId": OTHER});
        get(&idle("x").arn())
            .by(identity)
            .at(days_ago(20) + number * HOUR)
    };
    let scan = world()
        .secret(idle("x").accessed(13))
        .calls((0..177).map(foreign))
        .scan();
    let readers = scan.secret("x")["readers"].as_array().unwrap();
    assert_eq!(readers.len(), 1, "{readers:#?}");
    assert!(
        readers[0].to_string().contains(OTHER),
        "its account is shown"
    );
}

#[test]
fn secrets_of_every_partition_and_accounts_with_leading_zeros_are_judged() {
    for (partition, region) in [
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-eusc", "eusc-de-east-1"),
    ] {
        let account = "001122334455";
        let arn = |name: &str| {
            format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-AbC123")
        };
        let secret = |name: &str, days: i64| {
            idle(name)
                .at(account, region)
                .accessed(days)
                .set("ARN", json!(arn(name)))
        };
        let scan = World::silent()
            .logging(account, region)
            .secrets([secret(IDLE, 200), secret("used", 3), secret("asked", 200)])
            .call(get("used").place(account, region).days(3))
            .call(
                denied("GetSecretValue", &arn("asked"), "because")
                    .place(account, region)
                    .days(3),
            )
            .scan();
        goes(&scan, IDLE);
        assert_eq!(scan.secret("used")["verdict"], "keep", "{partition}");
        stays_because(&scan, "asked", &["failed-reads"]);
        assert_eq!(scan.secret("used")["account"], account, "{partition}");
    }
}
