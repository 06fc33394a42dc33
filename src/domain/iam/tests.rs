//! The policies as JSON.

use super::*;

fn json(actions: &[&str], resources: &PolicyResources) -> serde_json::Value {
    serde_json::to_value(policy(actions, resources)).unwrap()
}

#[test]
fn every_policy_denies_reading_values() {
    for actions in [&[][..], &["secretsmanager:ListSecrets"]] {
        let json = json(actions, &PolicyResources::default());
        let last = json["Statement"].as_array().unwrap().last().unwrap();
        assert_eq!(last["Effect"], "Deny");
        assert_eq!(
            last["Action"],
            serde_json::json!([
                "secretsmanager:BatchGetSecretValue",
                "secretsmanager:GetSecretValue"
            ])
        );
        assert_eq!(last["Resource"], serde_json::json!(["*"]));
    }
}

#[test]
fn a_scan_gets_each_action_once_on_the_narrowest_resource() {
    let resources = PolicyResources {
        partition: "aws-us-gov".to_owned(),
        role: Some("audit/reader".to_owned()),
        buckets: vec![("trail-logs".to_owned(), "org/".to_owned())],
        trail_keys: vec!["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k".to_owned()],
        ..PolicyResources::default()
    };
    let json = json(
        &[
            "sts:GetCallerIdentity",
            "sts:AssumeRole",
            "secretsmanager:ListSecrets",
            "secretsmanager:DescribeSecret",
            "secretsmanager:ListSecrets",
            "s3:ListBucket",
            "s3:GetObject",
        ],
        &resources,
    );
    let statements = json["Statement"].as_array().unwrap();
    let of = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    assert_eq!(
        of("ListAndLookUp")["Action"],
        serde_json::json!(["secretsmanager:ListSecrets"])
    );
    assert_eq!(
        of("DescribeSecrets")["Resource"][0],
        "arn:aws-us-gov:secretsmanager:*:*:secret:*"
    );
    assert_eq!(
        of("EnterAccounts")["Resource"][0],
        "arn:aws-us-gov:iam::*:role/audit/reader"
    );
    assert_eq!(
        of("ListTrail")["Condition"]["StringLike"]["s3:prefix"][0],
        "org/*"
    );
    assert_eq!(
        of("ReadTrail")["Resource"][0],
        "arn:aws-us-gov:s3:::trail-logs/org/*"
    );
    assert_eq!(of("DecryptTrail")["Action"][0], "kms:Decrypt");
    assert_eq!(statements.len(), 7, "{json:#}");
}

#[test]
fn each_bucket_is_listed_under_its_own_prefixes() {
    let bucket = |name: &str, prefix: &str| (name.to_owned(), prefix.to_owned());
    let resources = PolicyResources {
        buckets: vec![
            bucket("two", "b/"),
            bucket("whole", ""),
            bucket("two", "a/"),
            bucket("whole", "c/"),
            bucket("two", "b/"),
        ],
        ..PolicyResources::default()
    };
    let json = json(&["s3:ListBucket", "s3:GetObject"], &resources);
    let list = |sid: &str, bucket: &str, condition: serde_json::Value| {
        let mut statement = serde_json::json!({
            "Sid": sid,
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [format!("arn:aws:s3:::{bucket}")],
        });
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        statement
    };
    let prefixes = serde_json::json!({ "StringLike": { "s3:prefix": ["a/*", "b/*"] } });
    assert_eq!(json["Statement"][0], list("ListTrail", "two", prefixes));
    assert_eq!(
        json["Statement"][1],
        list("ListTrail2", "whole", serde_json::Value::Null)
    );
    assert_eq!(
        json["Statement"][2]["Resource"],
        serde_json::json!([
            "arn:aws:s3:::two/a/*",
            "arn:aws:s3:::two/b/*",
            "arn:aws:s3:::whole/*"
        ])
    );
}

#[test]
fn without_a_bucket_nothing_of_s3_is_allowed() {
    let json = json(
        &["s3:ListBucket", "s3:GetObject"],
        &PolicyResources::default(),
    );
    assert_eq!(json["Statement"].as_array().unwrap().len(), 1);
}

#[test]
fn deleting_is_allowed_with_the_recovery_window_and_denied_without() {
    let resources = PolicyResources {
        window: 14,
        ..PolicyResources::default()
    };
    let json = json(
        &[
            "secretsmanager:DescribeSecret",
            "secretsmanager:DeleteSecret",
        ],
        &resources,
    );
    let statements = json["Statement"].as_array().unwrap();
    let allowed = &statements[1];
    assert_eq!(
        allowed["Condition"],
        serde_json::json!({
            "NumericGreaterThanEquals": { "secretsmanager:RecoveryWindowInDays": ["14"] },
            "BoolIfExists": { "secretsmanager:ForceDeleteWithoutRecovery": ["false"] }
        })
    );
    let denied = &statements[2];
    assert_eq!(denied["Effect"], "Deny");
    assert_eq!(
        denied["Condition"],
        serde_json::json!({
            "Bool": { "secretsmanager:ForceDeleteWithoutRecovery": ["true"] }
        })
    );
    assert_eq!(statements.len(), 4);
}

#[test]
fn each_way_to_change_a_secret_is_a_statement_of_its_own_on_the_secrets_that_are_named() {
    let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbC123";
    let resources = PolicyResources {
        secrets: vec![arn.to_owned()],
        accounts: vec!["111122223333".parse().unwrap()],
        role: Some("cleaner".to_owned()),
        ..PolicyResources::default()
    };
    let changes = [
        ("secretsmanager:DeleteSecret", "DeleteWithRecovery"),
        ("secretsmanager:RestoreSecret", "TakeDeletionsBack"),
        ("secretsmanager:TagResource", "TagBeforeDeleting"),
        ("secretsmanager:UntagResource", "TakeTagsBack"),
        (
            "secretsmanager:RemoveRegionsFromReplication",
            "RemoveReplicas",
        ),
        ("secretsmanager:ReplicateSecretToRegions", "ReplicateAgain"),
    ];
    for (action, sid) in changes {
        let json = json(&[action, "sts:AssumeRole"], &resources);
        let statements = json["Statement"].as_array().unwrap();
        let allowed: Vec<_> = statements
            .iter()
            .filter(|one| one["Effect"] == "Allow")
            .collect();
        let keys = usize::from(sid == "ReplicateAgain");
        assert_eq!(allowed.len(), 2 + keys, "{json:#}");
        assert_eq!(
            allowed[0]["Resource"],
            serde_json::json!(["arn:aws:iam::111122223333:role/cleaner"])
        );
        assert_eq!(
            (&allowed[1]["Sid"], &allowed[1]["Action"]),
            (&serde_json::json!(sid), &serde_json::json!([action]))
        );
        assert_eq!(allowed[1]["Resource"], serde_json::json!([arn]));
    }
}

#[test]
fn sids_are_what_iam_takes() {
    let actions = [
        "secretsmanager:ListSecrets",
        "secretsmanager:DeleteSecret",
        "secretsmanager:TagResource",
    ];
    let policy = policy(&actions, &PolicyResources::default());
    assert!(
        policy
            .statement
            .iter()
            .all(|one| one.sid.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    );
}
