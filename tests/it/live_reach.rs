//! `scan --reach`: who may read, asked of the AWS on the loopback by the real program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::aws::world::reach::allows;
use crate::aws::world::{Account, Control, Secret};
use crate::aws::{Aws, Fault, World};
use crate::live::{scan, small};
use crate::run_result::Outcome;

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";
const APP: &str = "arn:aws:iam::111122223333:role/app";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Two secrets in each of two Regions. The role `app` reads `used`, and its policy lets it read all four; another role
/// may read nothing.
fn world() -> World {
    small()
        .reader(A, "app", &allows("secretsmanager:GetSecretValue", "*"))
        .reader(A, "other", &allows("s3:GetObject", "*"))
}

/// Returns what the report says of the reach of an identity.
fn reach<'a>(run: &'a Outcome, arn: &str) -> &'a Value {
    let rows = run.report["reach"]["identities"].as_array();
    let rows = rows.unwrap_or_else(|| panic!("no reach: {}", run.said()));
    let mut rows = rows.iter();
    rows.find(|row| row["reader"] == arn)
        .unwrap_or_else(|| panic!("no {arn}: {:#}", run.report["reach"]))
}

/// May read, may read under conditions, is not known.
fn counts(row: &Value) -> [u64; 3] {
    ["may_read", "conditional", "unknown"].map(|key| row[key].as_u64().unwrap())
}

fn assumptions(run: &Outcome) -> String {
    run.report["assumptions"].to_string()
}

#[test]
fn a_live_scan_finds_who_may_read_and_who_does() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
    let app = reach(&run, APP);
    assert_eq!(counts(app), [4, 0, 0]);
    assert_eq!((&app["did_read"], &app["unused"]), (&json!(2), &json!(2)));
    assert_eq!(app["assumed_by"], json!(["Lambda function"]));
    let rows = run.report["reach"]["identities"].to_string();
    assert!(!rows.contains("role/other"), "{rows}");
    assert!(folder.path().join("reach.csv").exists());
    // One call for each secret, and none for its value.
    assert_eq!(aws.calls_of("secretsmanager", "GetResourcePolicy").len(), 4);
    assert_eq!(aws.value_reads(), 0);
    assert!(assumptions(&run).contains("iam:GetAccountAuthorizationDetails"));
}

#[test]
fn without_the_option_nobody_is_asked_who_may_read() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &[]);
    assert!(run.report.get("reach").is_none());
    let asked = aws.calls();
    assert!(
        !asked
            .iter()
            .any(|call| ["iam", "kms"].contains(&call.service)
                || call.service == "organizations"
                || call.op == "GetResourcePolicy")
    );
}

#[test]
fn a_list_of_many_pages_is_read_to_its_end_past_empty_ones() {
    let mut world = world();
    for number in 0..7 {
        let name = format!("reader-{number}");
        world = world.reader(A, &name, &allows("secretsmanager:GetSecretValue", "*"));
    }
    let op = "GetAccountAuthorizationDetails";
    let world = world
        .fault(Fault::short_page(2).on("iam", op))
        .fault(Fault::empty_page().on("iam", op).nth(2))
        .fault(Fault::throttle().on("iam", op).nth(3));
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
    let rows = run.report["reach"]["identities"].as_array().unwrap();
    assert_eq!(rows.len(), 8, "{rows:#?}");
    // Nine identities in pages of two, an empty page, and a call that was throttled.
    assert_eq!(aws.calls_of("iam", op).len(), 7);
}

#[test]
fn what_was_saved_gives_the_same_answer_offline() {
    let world = world()
        .key(KEY, allows("kms:*", "*"))
        .account(Account::new(B, "other"))
        .organization(A)
        .below(A, "ou-root-teams")
        .below("ou-root-teams", "r-root")
        .control(everything());
    let aws = Aws::start(world);
    aws.world().named(A, EAST, "used").kms_key_id = Some(KEY.to_owned());
    let folder = crate::scratch::tempdir().unwrap();
    let saved = folder.path().join("saved");
    let out = folder.path().join("live");
    let save = saved.to_str().unwrap();
    let live = scan(&aws, &out, &["--reach", "--save", save]);
    assert_eq!(live.code(), Some(0), "{}\n{:?}", live.said(), live.gaps());
    let path = |name: &str| saved.join(name).to_str().unwrap().to_owned();
    let (inventory, trail, iam) = (path("inventory"), path("trail"), path("iam"));
    let args = ["--inventory", &inventory, "--trail", &trail, "--iam", &iam];
    let again = scan(&aws, &folder.path().join("again"), &args);
    assert_eq!(
        again.code(),
        Some(0),
        "{}\n{:?}",
        again.said(),
        again.gaps()
    );
    assert_eq!(live.report["reach"], again.report["reach"]);
    assert_eq!(counts(reach(&live, APP)), [3, 0, 0]);
    // A folder that holds such answers is not written over.
    fs::remove_dir_all(saved.join("inventory")).unwrap();
    fs::remove_dir_all(saved.join("trail")).unwrap();
    let refused = scan(&aws, &out, &["--reach", "--save", save]);
    assert!(
        refused.said().contains("holds an earlier scan"),
        "{}",
        refused.said()
    );
}

/// The policy that AWS attaches everywhere.
fn everything() -> Control {
    Control {
        id: "p-FullAWSAccess".to_owned(),
        name: "FullAWSAccess".to_owned(),
        kind: "SERVICE_CONTROL_POLICY",
        content: allows("*", "*"),
        targets: ["r-root", "ou-root-teams", A, B]
            .map(str::to_owned)
            .to_vec(),
    }
}

#[test]
fn a_list_that_breaks_off_is_a_gap_and_does_not_pass_for_a_whole_one() {
    let op = "GetAccountAuthorizationDetails";
    let world = world()
        .fault(Fault::short_page(1).on("iam", op))
        .fault(Fault::denied().on("iam", op).nth(2));
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let saved = folder.path().join("saved");
    let args = ["--reach", "--save", saved.to_str().unwrap()];
    let run = scan(&aws, &folder.path().join("live"), &args);
    assert_eq!(run.code(), Some(3), "{}", run.said());
    let gaps = run.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].contains("iam:GetAccountAuthorizationDetails"),
        "{gaps:?}"
    );
    assert!(gaps[0].contains(A), "{gaps:?}");
    assert_eq!(counts(reach(&run, APP)), [4, 0, 0]);
    let path = |name: &str| saved.join(name).to_str().unwrap().to_owned();
    let (inventory, iam) = (path("inventory"), path("iam"));
    let args = ["--inventory", &inventory, "--no-trail", "--iam", &iam];
    let again = scan(&aws, &folder.path().join("again"), &args);
    let gaps = again.gaps();
    assert!(
        gaps.iter().any(|gap| gap.contains("not the last one")),
        "{gaps:?}"
    );
}

#[test]
fn a_policy_of_a_secret_that_is_refused_makes_the_answer_unknown() {
    let fault = Fault::denied().on("secretsmanager", "GetResourcePolicy");
    let aws = Aws::start(world().fault(fault.region(EAST)));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(3), "{}", run.said());
    let gaps = run.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let gap = &gaps[0];
    assert!(gap.contains("secretsmanager:GetResourcePolicy"), "{gap}");
    assert!(gap.contains("2 secrets"), "{gap}");
    // A denial in a policy that nobody saw would forbid: only the other Region's secrets are certain.
    assert_eq!(counts(reach(&run, APP)), [2, 0, 2]);
}

#[test]
fn secrets_that_go_away_or_are_to_be_deleted_are_no_gap() {
    let gone = Fault::refuse(400, "ResourceNotFoundException", "there is no such secret");
    let gone = gone.on("secretsmanager", "GetResourcePolicy").first(1);
    let deleted = Secret::new(A, EAST, "deleted").deleted("2026-11-20");
    let aws = Aws::start(world().secret(deleted).fault(gone));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
    assert_eq!(aws.calls_of("secretsmanager", "GetResourcePolicy").len(), 4);
}

#[test]
fn a_resource_policy_lets_in_and_keeps_out() {
    let policy = |effect: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": effect, "Action": "secretsmanager:GetSecretValue", "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::111122223333:role/other"}
        }]})
        .to_string()
    };
    let aws = Aws::start(world());
    aws.world().named(A, EAST, "idle").resource_policy = Some(policy("Allow"));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    let other = "arn:aws:iam::111122223333:role/other";
    assert_eq!(counts(reach(&run, other)), [1, 0, 0]);
    let denies = policy("Deny").replace("role/other", "role/app");
    aws.world().named(A, EAST, "idle").resource_policy = Some(denies);
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(counts(reach(&run, APP)), [3, 0, 0]);
}

#[test]
fn the_key_decides_too_and_one_that_was_not_read_leaves_it_open() {
    let key_allows = |role: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
            "Principal": {"AWS": format!("arn:aws:iam::{A}:role/{role}")}
        }]})
    };
    let elsewhere = "arn:aws:kms:us-east-1:777788889999:key/1234abcd-12ab-34cd-56ef-1234567890ff";
    for (policy, fault, key, expect, code) in [
        (key_allows("app"), None, KEY, [4, 0, 0], 0),
        (key_allows("nobody"), None, KEY, [3, 0, 0], 0),
        (key_allows("app"), Some(Fault::denied()), KEY, [3, 0, 1], 3),
        // A grant of the other account may let it in, so this is no "no".
        (key_allows("app"), None, elsewhere, [3, 0, 1], 0),
    ] {
        let mut world = world().key(KEY, policy);
        world.faults_of(fault.map(|fault| fault.on("kms", "GetKeyPolicy")));
        let aws = Aws::start(world);
        aws.world().named(A, EAST, "used").kms_key_id = Some(key.to_owned());
        let folder = crate::scratch::tempdir().unwrap();
        let run = scan(&aws, folder.path(), &["--reach"]);
        assert_eq!(run.code(), Some(code), "{}\n{:?}", run.said(), run.gaps());
        assert_eq!(counts(reach(&run, APP)), expect, "{key}");
        let is_foreign = key == elsewhere;
        let asked = aws.calls_of("kms", "GetKeyPolicy");
        assert_eq!(asked.is_empty(), is_foreign, "{asked:?}");
        let said = assumptions(&run);
        assert_eq!(
            said.contains("in accounts that were not scanned"),
            is_foreign,
            "{said}"
        );
        assert!(asked.iter().all(|call| call.region == EAST));
    }
}

/// An organization with `A` in a unit, and a policy on that unit that forbids reading.
fn organization(management: &str) -> World {
    let denies = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    ]});
    world()
        .account(Account::new(B, "management"))
        .organization(management)
        .below(A, "ou-root-teams")
        .below("ou-root-teams", "r-root")
        .control(everything())
        .control(Control {
            id: "p-deny1234".to_owned(),
            name: "NoSecrets".to_owned(),
            kind: "SERVICE_CONTROL_POLICY",
            content: denies,
            targets: vec!["ou-root-teams".to_owned()],
        })
}

#[test]
fn policies_of_the_organization_count_where_the_caller_may_read_them() {
    let mut world = organization(B);
    world
        .organization
        .as_mut()
        .unwrap()
        .delegated
        .push(A.to_owned());
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
    let rows = run.report["reach"]["identities"].to_string();
    assert!(!rows.contains("\"may_read\":4"), "{rows}");
}

#[test]
fn a_policy_of_the_organization_that_cannot_be_described_leaves_the_answer_open() {
    let mut world =
        organization(B).fault(Fault::denied().on("organizations", "DescribePolicy").nth(2));
    let organization = world.organization.as_mut().unwrap();
    organization.delegated.push(A.to_owned());
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(counts(reach(&run, APP)), [0, 0, 4], "{}", run.said());
}

#[test]
fn a_member_that_may_not_read_them_is_told_so_and_nothing_fails() {
    let aws = Aws::start(organization(B));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
    assert_eq!(counts(reach(&run, APP)), [4, 0, 0]);
    let said = assumptions(&run);
    assert!(
        said.contains("may not read the policies of the organization"),
        "{said}"
    );
    // Anything but a refusal is a gap.
    aws.inject(Fault::broken(500).on("organizations", "ListPolicies"));
    aws.world()
        .organization
        .as_mut()
        .unwrap()
        .delegated
        .push(A.to_owned());
    let run = scan(&aws, folder.path(), &["--reach"]);
    assert_eq!(run.code(), Some(3), "{}", run.said());
    assert!(
        run.gaps()[0].contains("organizations:ListPolicies"),
        "{:?}",
        run.gaps()
    );
}

#[test]
fn each_account_is_asked_by_its_own_role() {
    let world = world()
        .account(Account::new(B, "second"))
        .regions(&[EAST])
        .role(B, "audit", None)
        .secret(Secret::new(B, EAST, "used"))
        .reader(B, "app", &allows("secretsmanager:GetSecretValue", "*"));
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let accounts = format!("{A},{B}");
    let args = ["--reach", "--accounts", &accounts, "--role-name", "audit"];
    let run = scan(&aws, folder.path(), &args);
    assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
    assert_eq!(counts(reach(&run, APP)), [4, 0, 0]);
    let other = "arn:aws:iam::444455556666:role/app";
    assert_eq!(counts(reach(&run, other)), [1, 0, 0]);
    // One account that refuses hides no other.
    let op = "GetAccountAuthorizationDetails";
    aws.inject(Fault::denied().on("iam", op).account(B));
    let run = scan(&aws, folder.path(), &args);
    assert_eq!(run.code(), Some(3), "{}", run.said());
    assert_eq!(counts(reach(&run, APP)), [4, 0, 0]);
    assert!(run.gaps()[0].contains(B), "{:?}", run.gaps());
}

#[test]
fn the_policy_grants_exactly_the_calls() {
    let mut world = organization(B).key(KEY, allows("kms:*", "*"));
    world
        .organization
        .as_mut()
        .unwrap()
        .delegated
        .push(A.to_owned());
    let aws = Aws::start(world);
    aws.world().named(A, EAST, "used").kms_key_id = Some(KEY.to_owned());
    let folder = crate::scratch::tempdir().unwrap();
    let actions = |args: &[&str]| -> BTreeSet<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        let output = command
            .args(["iam-policy", "scan"])
            .args(args)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let policy: Value = serde_json::from_slice(&output.stdout).unwrap();
        let statements = policy["Statement"].as_array().unwrap().iter();
        let allowing = statements.filter(|one| one["Effect"] == "Allow");
        let actions = allowing.flat_map(|one| one["Action"].as_array().unwrap());
        actions
            .map(|one| one.as_str().unwrap().to_owned())
            .collect()
    };
    let called = |args: &[&str], out: &Path| -> BTreeSet<String> {
        let before = aws.calls().len();
        let run = scan(&aws, out, args);
        assert_eq!(run.code(), Some(0), "{}\n{:?}", run.said(), run.gaps());
        let calls = aws.calls().split_off(before);
        let names = calls
            .iter()
            .map(|call| format!("{}:{}", call.service, call.op));
        names.collect()
    };
    let more: BTreeSet<String> = actions(&["--reach"])
        .difference(&actions(&[]))
        .cloned()
        .collect();
    let asked: BTreeSet<String> = called(&["--reach"], folder.path())
        .difference(&called(&[], folder.path()))
        .cloned()
        .collect();
    assert_eq!(more, asked);
}
