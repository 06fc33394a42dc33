//! The policy that `iam-policy scan` prints is exact: these sources, accounts and Regions, and nothing beside them.

use std::process::Command;

use serde_json::{Value, json};

use crate::world::words;

/// The policy for these arguments of a scan.
fn policy(args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let output = command.args(["iam-policy", "scan"]).args(args).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The statement with this id.
fn of<'a>(policy: &'a Value, sid: &str) -> &'a Value {
    let mut all = policy["Statement"].as_array().unwrap().iter();
    all.find(|one| one["Sid"] == sid)
        .unwrap_or_else(|| panic!("no {sid}: {policy:#}"))
}

#[test]
fn every_bucket_every_account_and_every_region_that_is_named_is_in_it() {
    let args = "--trail s3://first --trail s3://second/org --trail folder --accounts 111122223333,444455556666 \
                --role-name audit --regions us-east-1,eu-west-1";
    let policy = policy(&args.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        of(&policy, "EnterAccounts")["Resource"],
        json!([
            "arn:aws:iam::111122223333:role/audit",
            "arn:aws:iam::444455556666:role/audit"
        ])
    );
    assert_eq!(
        of(&policy, "DescribeSecrets")["Resource"],
        json!([
            "arn:aws:secretsmanager:us-east-1:*:secret:*",
            "arn:aws:secretsmanager:eu-west-1:*:secret:*"
        ])
    );
    assert_eq!(
        of(&policy, "ReadTrail")["Resource"],
        json!(["arn:aws:s3:::first/*", "arn:aws:s3:::second/org/*"])
    );
    assert_eq!(
        of(&policy, "ListTrail")["Resource"],
        json!(["arn:aws:s3:::first"])
    );
    assert_eq!(
        of(&policy, "ListTrail2")["Condition"]["StringLike"]["s3:prefix"],
        json!(["org/*"])
    );
    assert_eq!(
        of(&policy, "ListAndLookUp")["Action"],
        json!(["secretsmanager:ListSecrets"])
    );
}

#[test]
fn regions_are_asked_for_only_where_aws_can_tell_them() {
    for (partition, asks) in [("aws", true), ("aws-cn", true), ("aws-us-gov", false)] {
        let policy = policy(&["--no-trail", "--partition", partition]);
        let actions = of(&policy, "ListAndLookUp")["Action"].to_string();
        assert_eq!(actions.contains("account:ListRegions"), asks, "{actions}");
    }
}

#[test]
fn the_bucket_of_a_bill_is_in_it() {
    let policy = policy(&words("--no-trail --bill s3://bills/cur --bill file.csv"));
    assert_eq!(
        of(&policy, "ReadTrail")["Resource"],
        json!(["arn:aws:s3:::bills/cur/*"])
    );
    assert_eq!(
        of(&policy, "ListTrail")["Condition"],
        json!({"StringLike": {"s3:prefix": ["cur/*"]}})
    );
}

#[test]
fn cost_explorer_is_in_it_where_the_bill_is_asked_for_there() {
    let actions = |args: &[&str]| {
        let policy = policy(args);
        of(&policy, "ListAndLookUp")["Action"].to_string()
    };
    assert!(actions(&["--bill", "ce"]).contains("ce:GetCostAndUsage"));
    assert!(!actions(&["--bill", "bill.csv"]).contains("ce:"));
}
