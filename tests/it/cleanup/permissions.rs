//! The policy that `iam-policy apply` prints is exactly what a clean-up asks AWS for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::binary_fixture::{A, EAST, Ground, NORTH, WEST, idle, world};

fn policy(ground: &Ground, args: &[&str]) -> Vec<Value> {
    let args = [&["iam-policy", "apply"], args].concat();
    let printed = ground.run(&args).expect(0);
    let policy: Value = serde_json::from_str(&printed.stdout()).unwrap();
    policy["Statement"].as_array().unwrap().clone()
}

fn words(statement: &Value, key: &str) -> Vec<String> {
    let values = statement[key].as_array().unwrap();
    values
        .iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

fn allowed(statements: &[Value]) -> BTreeSet<String> {
    statements
        .iter()
        .filter(|one| one["Effect"] == "Allow")
        .flat_map(|one| words(one, "Action"))
        .collect()
}

fn ground() -> Ground {
    let world = world()
        .secret(idle("a"))
        .replicated(idle("b"), &[(WEST, None), (NORTH, None)]);
    Ground::new(world, &["a", "b"])
}

#[test]
fn the_policy_allows_what_is_asked_for_and_nothing_else() {
    for (apply, restore, policy_args) in [
        (&[][..], false, &["--no-restore"][..]),
        (&[], true, &[]),
        (&["--tag", "leaving=yes"], true, &["--tag"]),
        (
            &["--tag", "leaving=yes", "--remove-replicas"],
            true,
            &["--tag", "--remove-replicas"],
        ),
        (&["--no-lookup"], false, &["--no-restore", "--no-lookup"]),
    ] {
        let ground = ground();
        let ended = ground.execute(apply);
        assert!(matches!(ended.code(), Some(0 | 3)), "{}", ended.said());
        if restore {
            ground.run(&["watch", "plan.csv"]).expect(0);
            ground.run(&["restore", "plan.csv"]).expect(0);
        }
        let asked: BTreeSet<String> = ground
            .aws
            .calls()
            .into_iter()
            .map(|call| format!("{}:{}", call.service, call.op))
            .filter(|action| action != "sts:GetCallerIdentity")
            .collect();
        let statements = policy(&ground, &[policy_args, &["--plan", "plan.csv"]].concat());
        let (keys, own): (BTreeSet<String>, BTreeSet<String>) = allowed(&statements)
            .into_iter()
            .partition(|action| action.starts_with("kms:"));
        assert_eq!(own, asked, "{policy_args:?}");
        // AWS asks for them in the caller's name, so no call of ours shows them.
        let replicates = asked.contains("secretsmanager:ReplicateSecretToRegions");
        assert_eq!(!keys.is_empty(), replicates, "{policy_args:?}");
    }
}

#[test]
fn the_policy_of_a_plan_names_its_secrets_its_window_and_no_wildcard_that_is_not_needed() {
    let ground = ground();
    let arns: Vec<String> = ["a", "b"].map(|name| ground.arn(name).to_string()).to_vec();
    let statements = policy(
        &ground,
        &[
            "--plan",
            "plan.csv",
            "--tag",
            "leaving=yes",
            "--remove-replicas",
            "--role-name",
            "cleaner",
        ],
    );
    let mut sids = BTreeSet::new();
    for statement in &statements {
        assert!(sids.insert(statement["Sid"].to_string()), "{statement}");
        if statement["Effect"] != "Allow" {
            continue;
        }
        let resources = words(statement, "Resource");
        match words(statement, "Action").as_slice() {
            // IAM knows no resource for it.
            [one] if one == "cloudtrail:LookupEvents" => assert_eq!(resources, ["*"]),
            [one] if one == "sts:AssumeRole" => {
                assert_eq!(resources, [format!("arn:aws:iam::{A}:role/cleaner")]);
            }
            [one] => {
                assert_eq!(resources, arns, "{one}");
                if one == "secretsmanager:TagResource" || one == "secretsmanager:UntagResource" {
                    let only = &statement["Condition"]["ForAllValues:StringEquals"];
                    assert_eq!(only["aws:TagKeys"], serde_json::json!(["leaving"]));
                }
                if one == "secretsmanager:DeleteSecret" {
                    let least = &statement["Condition"]["NumericGreaterThanEquals"];
                    assert_eq!(least["secretsmanager:RecoveryWindowInDays"][0], "14");
                    let force = &statement["Condition"]["BoolIfExists"];
                    assert_eq!(
                        force["secretsmanager:ForceDeleteWithoutRecovery"][0],
                        "false"
                    );
                }
            }
            [decrypt, encrypt, data_key] => {
                assert_eq!(
                    [decrypt, encrypt, data_key],
                    ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
                );
                let only = &statement["Condition"]["StringLike"];
                assert_eq!(only["kms:ViaService"][0], "secretsmanager.*.amazonaws.com*");
                let any_region: Vec<String> =
                    arns.iter().map(|arn| arn.replace(EAST, "*")).collect();
                assert_eq!(words(only, "kms:EncryptionContext:SecretARN"), any_region);
            }
            more => panic!("one statement, one permission: {more:?}"),
        }
    }
    let named = policy(
        &ground,
        &[
            "--accounts",
            A,
            "--regions",
            "us-east-1,eu-west-1",
            "--recovery",
            "9d",
        ],
    );
    let delete = named
        .iter()
        .find(|one| one["Sid"] == "DeleteWithRecovery")
        .unwrap();
    assert_eq!(
        words(delete, "Resource"),
        [EAST, WEST].map(|region| format!("arn:aws:secretsmanager:{region}:{A}:secret:*"))
    );
    assert_eq!(
        delete["Condition"]["NumericGreaterThanEquals"]["secretsmanager:RecoveryWindowInDays"][0],
        "9"
    );
}
