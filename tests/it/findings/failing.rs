//! Findings about failed reads.

use serde_json::json;

use super::check;
use crate::world::{
    ACCOUNT, BOTO, Call, World, call, days_ago, denied, get, never, role, service_event,
};

const NO_POLICY: &str =
    "because no identity-based policy allows the secretsmanager:GetSecretValue action";

fn refused(secret: &str, days: i64) -> Call {
    denied("GetSecretValue", secret, NO_POLICY).days(days)
}

fn read(secret: &str, days: i64) -> Call {
    get(secret).days(days)
}

/// Worlds of one secret each: (what, name, calls, whether the reader broke, whether it is a finding of the other kind).
fn stories() -> Vec<(&'static str, &'static str, Vec<Call>, bool, bool)> {
    let throttled = get("throttled")
        .days(3)
        .error("ThrottlingException", "Rate exceeded");
    let another = read("another", 9).by(role("other", "worker"));
    let new_sdk = read("sdk", 9).agent(&BOTO.replace("Boto3", "Boto9"));
    vec![
        (
            "broke",
            "broke",
            vec![read("broke", 9), refused("broke", 3)],
            true,
            false,
        ),
        (
            "never could",
            "never",
            vec![refused("never", 3)],
            false,
            true,
        ),
        (
            "works again",
            "again",
            vec![read("again", 9), refused("again", 5), read("again", 1)],
            false,
            true,
        ),
        (
            "works in between",
            "mixed",
            vec![refused("mixed", 9), read("mixed", 5), refused("mixed", 3)],
            false,
            true,
        ),
        (
            "throttled",
            "throttled",
            vec![read("throttled", 9), throttled],
            false,
            true,
        ),
        (
            "another role works",
            "another",
            vec![another, refused("another", 3)],
            false,
            true,
        ),
        (
            "with a new SDK",
            "sdk",
            vec![new_sdk, refused("sdk", 3)],
            true,
            false,
        ),
        (
            "before the window",
            "old",
            vec![read("old", 60), refused("old", 31)],
            false,
            false,
        ),
        (
            "read before the window",
            "long",
            vec![read("long", 60), refused("long", 3)],
            true,
            false,
        ),
        ("well", "well", vec![read("well", 3)], false, false),
    ]
}

#[test]
fn a_reader_that_broke_is_told_from_one_that_never_could() {
    let cases = |broken: bool| {
        let stories = stories().into_iter();
        let case = stories.map(|(what, name, calls, broke, fails)| {
            (what, never(name), calls, if broken { broke } else { fails })
        });
        case.collect()
    };
    let scan = check("broken-reads", "", cases(true));
    check("failing-reads", "", cases(false));
    let severity = |name: &str| {
        let rows = scan.report["findings"].as_array().unwrap();
        let codes = ["failing-reads", "broken-reads"].map(|code| json!(code));
        let row = rows
            .iter()
            .find(|row| row["name"] == name && codes.contains(&row["code"]));
        row.unwrap()["severity"].as_str().unwrap().to_owned()
    };
    for (name, expected) in [
        ("broke", "high"),
        ("never", "high"),
        ("again", "low"),
        ("mixed", "high"),
        ("throttled", "medium"),
    ] {
        assert_eq!(severity(name), expected, "{name}");
    }
}

#[test]
fn causes_are_told_apart_and_what_came_before_is_named() {
    let cause = |reason: &str| denied("GetSecretValue", "db", reason).days(3);
    let db = never("db");
    let policy = call("PutResourcePolicy", "db")
        .by(role("AWSReservedSSO_Admin_0123456789abcdef", "ann"))
        .at(days_ago(3) - 3_600);
    let early = service_event("RotationSucceeded", json!({"SecretId": db.arn()})).days(9);
    let scan = World::new()
        .secret(db)
        .calls([policy, early])
        .calls([
            cause(NO_POLICY),
            cause("with an explicit deny in a resource-based policy"),
            cause("with an explicit deny in a service control policy"),
            cause("because no VPC endpoint policy allows the secretsmanager:GetSecretValue action"),
            cause("because no permissions boundary allows the secretsmanager:GetSecretValue action"),
            get("db").days(3).error("AccessDenied", "Access to KMS is not allowed"),
            get("db").days(3).error(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
            ),
        ].into_iter().enumerate().map(|(number, call)| {
            // One role each: calls that are alike but for their message are one line of the ledger.
            call.by(role(&format!("app-{number}"), "worker"))
        }))
        .scan();
    let rows = scan.findings("failing-reads");
    let said: Vec<_> = rows
        .iter()
        .map(|row| row["text"].as_str().unwrap())
        .collect();
    for words in [
        "denied by the policies of the role or user",
        "denied by the resource policy of the secret",
        "denied by a policy of the organization (SCP or RCP)",
        "denied by the policy of a VPC endpoint",
        "denied by a permissions boundary",
        "refused by the key",
        "for a version that is not there",
    ] {
        assert_eq!(
            said.iter().filter(|text| text.contains(words)).count(),
            1,
            "{words}: {said:#?}"
        );
    }
    let evidence = rows[0]["evidence"].as_str().unwrap();
    assert!(
        evidence.starts_with("shortly before: PutResourcePolicy by ann at 2026-10-28T23:00:00Z; "),
        "{evidence}"
    );
    assert!(
        said[0].contains("has never succeeded in this time"),
        "{}",
        said[0]
    );
}

#[test]
fn failures_that_grow_are_said_to() {
    let fails = |name: &str, before: i64, now: i64| {
        let mut calls = refused(name, 10).every(60, before);
        calls.extend(refused(name, 3).every(60, now));
        (never(name), calls)
    };
    let mut world = World::new();
    for (secret, calls) in [
        fails("twice", 10, 20),
        fails("less", 10, 19),
        fails("few", 5, 12),
        fails("new", 0, 30),
    ] {
        world = world.secret(secret).calls(calls);
    }
    let scan = world.scan();
    let grows = |row: &&&serde_json::Value| row["text"].as_str().unwrap().contains("growing");
    let rows = scan.findings("failing-reads");
    let names: Vec<_> = rows
        .iter()
        .filter(grows)
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["twice"]);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["account"], ACCOUNT);
}

#[test]
fn a_wrong_parameter_is_a_cause_of_its_own() {
    for code in ["InvalidParameterException", "ValidationException"] {
        let message = "The parameter SecretId is too long.";
        let wrong = get("db").days(3).error(code, message);
        let scan = World::new().secret(never("db")).call(wrong).scan();
        let rows = scan.findings("failing-reads");
        let text = rows[0]["text"].as_str().unwrap();
        assert!(
            text.contains("refused because a parameter is wrong"),
            "{text}"
        );
        let evidence = rows[0]["evidence"].as_str().unwrap();
        assert!(evidence.contains(message), "{evidence}");
    }
}
