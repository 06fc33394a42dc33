//! The program with IAM data, and without: what it adds, and that it changes nothing else.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::demo::{DAY, HOSTILE};
use crate::world::program;

/// The codes that need IAM data.
const CODES: [&str; 5] = [
    "unused-access",
    "wildcard-access",
    "public-or-foreign-access",
    "orphan-access",
    "key-mismatch",
];

const ROLE: &str = "arn:aws:iam::111122223333:role/warehouse-api-task";

/// Scans the example organization with more options; gives the folder and how the program ended.
fn scan(options: &[&str]) -> (TempDir, Option<i32>) {
    let folder = crate::scratch::tempdir().unwrap();
    let text = |inside: &str| HOSTILE.path(inside).to_str().unwrap().to_owned();
    let (inventory, trail) = (text("inventory"), text("trail"));
    let policy = text("secretsweep.toml");
    let mut args = vec![
        "scan",
        "--inventory",
        &inventory,
        "--trail",
        &trail,
        "--policy",
        &policy,
        "--now",
        DAY,
        "--out",
        "out",
    ];
    args.extend(options);
    let code = program(folder.path(), &args).status.code();
    (folder, code)
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

#[test]
fn without_iam_data_nothing_changes() {
    let (plain, code) = scan(&["--allow-partial"]);
    assert_eq!(code, Some(0));
    let out = plain.path().join("out");
    assert!(!out.join("reach.csv").exists());
    let with = HOSTILE.path("report");
    for name in ["secrets.csv", "readers.csv"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap();
        assert!(read(&out) == read(&with), "{name}");
    }
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(!page.contains("Who may read"));
    let (plain, mut with) = (report(&out), report(&with));
    assert!(plain.get("reach").is_none());
    assert!(with.as_object_mut().unwrap().remove("reach").is_some());
    let findings = with["findings"].as_array_mut().unwrap();
    findings.retain(|row| !CODES.contains(&row["code"].as_str().unwrap()));
    // What was not given is said, once.
    let said = plain["assumptions"].as_array().unwrap().clone();
    with["assumptions"]
        .as_array_mut()
        .unwrap()
        .retain(|one| said.contains(one));
    assert!(plain == with);
}

#[test]
fn a_role_that_may_read_everything_and_reads_two_is_shown_with_the_policy_that_would_do() {
    let report = report(&HOSTILE.path("report"));
    let identities = report["reach"]["identities"].as_array().unwrap();
    let row = identities.iter().find(|row| row["reader"] == ROLE).unwrap();
    assert_eq!(row["did_read"], 2);
    assert_eq!(row["assumed_by"], json!(["ECS task"]));
    assert!(row["may_read"].as_u64().unwrap() > 60, "{row}");
    let grant = &row["grants"][0];
    assert_eq!(
        (&grant["by"], &grant["advice"]),
        (&json!("wildcard"), &json!("narrow"))
    );
    let resources: Vec<&str> = grant["narrowed"][0]["Resource"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(resources.len(), 2);
    assert!(
        resources
            .iter()
            .all(|one| one.contains("inventory/warehouse/"))
    );

    let folder = HOSTILE.path("report");
    let shown = program(
        folder.parent().unwrap(),
        &["reader", "warehouse-api-task", "--scan", "report"],
    );
    let shown = String::from_utf8(shown.stdout).unwrap();
    for words in [
        "Assumed by ECS task",
        "MAY READ",
        "--policy",
        "unused-access",
    ] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    let policy = |name: &str| {
        let args = ["reader", name, "--policy", "--scan", "report"];
        program(folder.parent().unwrap(), &args)
    };
    let printed: Value = serde_json::from_slice(&policy("warehouse-api-task").stdout).unwrap();
    assert_eq!(printed["Statement"], grant["narrowed"]);
    // Nothing to narrow is an error, not an empty policy, which would take everything away.
    assert_eq!(policy("checkout-api-lambda").status.code(), Some(1));
    let csv = fs::read_to_string(folder.join("reach.csv")).unwrap();
    assert!(
        csv.contains("warehouse-api,Secrets,wildcard"),
        "{csv:.2000}"
    );
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("Policies that allow what was used"));
}

#[test]
fn one_secret_says_who_may_read_it() {
    let folder = HOSTILE.path("report");
    let found = report(&folder);
    let mut secrets = found["secrets"].as_array().unwrap().iter();
    let secret = secrets
        .find(|row| row["name"] == "orders/postgres/app" && row["account"] == "111122223333");
    let arn = secret.unwrap()["arn"].as_str().unwrap();
    for command in ["who", "explain"] {
        let shown = program(
            folder.parent().unwrap(),
            &[command, arn, "--scan", "report"],
        );
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("WHO MAY READ"), "{shown}");
        assert!(shown.contains("warehouse-api-task"), "{shown}");
    }
}

#[test]
fn iam_data_that_cannot_be_read_is_a_gap_and_a_folder_that_is_not_there_an_error() {
    let data = crate::scratch::tempdir().unwrap();
    fs::write(data.path().join("broken.json"), "{").unwrap();
    let (folder, code) = scan(&["--iam", data.path().to_str().unwrap()]);
    assert_eq!(code, Some(3));
    let report = report(&folder.path().join("out"));
    let gaps = report["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["source"] == "iam").unwrap();
    assert!(
        gap["what"].as_str().unwrap().ends_with("broken.json"),
        "{gap}"
    );
    let (_, code) = scan(&["--iam", "nowhere"]);
    assert_eq!(code, Some(1));
}

#[test]
fn a_reader_that_is_not_known_is_an_error_with_the_nearest_name() {
    let folder = HOSTILE.path("report");
    let shown = program(
        folder.parent().unwrap(),
        &["reader", "warehouse-api-tusk", "--scan", "report"],
    );
    assert_eq!(shown.status.code(), Some(1));
    let said = String::from_utf8(shown.stderr).unwrap();
    assert!(said.contains("did you mean `warehouse-api-task`"), "{said}");
}

/// Text of a policy is other people's: it runs nothing, and breaks no table.
#[test]
fn text_of_policies_stays_text() {
    let inventory: Value = serde_json::from_slice(
        &fs::read(HOSTILE.path("inventory/111122223333-us-east-1.json")).unwrap(),
    )
    .unwrap();
    assert!(!inventory["SecretList"].as_array().unwrap().is_empty());
    let hostile = "=cmd|'/c'!A1\u{202e}<script>alert(1)</script>\u{1b}[31m";
    let details = json!({"RoleDetailList": [{
        "RoleName": "warehouse-api-task", "RoleId": "AROA1", "Arn": ROLE,
        "CreateDate": "2024-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": {"Statement": {
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {hostile: hostile}
        }},
        "RolePolicyList": [{"PolicyName": hostile, "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": {
                "Sid": hostile, "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*",
                "Condition": {"StringNotEquals": {format!("aws:ResourceTag/{hostile}"): hostile}}
            }
        }}]
    }]});
    let data = crate::scratch::tempdir().unwrap();
    fs::write(data.path().join("details.json"), details.to_string()).unwrap();
    let (folder, code) = scan(&["--iam", data.path().to_str().unwrap(), "--allow-partial"]);
    assert_eq!(code, Some(0));
    let out = folder.path().join("out");
    let csv = fs::read_to_string(out.join("reach.csv")).unwrap();
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    for row in reader.records() {
        for cell in &row.unwrap() {
            assert!(!cell.starts_with('='), "{cell}");
            assert!(!cell.contains(['\u{1b}', '\u{202e}', '\n']), "{cell:?}");
        }
    }
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains('\u{202e}'));
    for args in [
        &["reader", "warehouse-api-task", "--scan", "out"][..],
        &["report", "out", "--verbose"],
    ] {
        let shown = program(folder.path(), args);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("warehouse-api-task"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
}
