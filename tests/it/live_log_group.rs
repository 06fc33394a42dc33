//! Scans that read a log group of CloudWatch Logs, by the real program, against the AWS on the loopback.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::{Aws, Fault, World};
use crate::live::{scan, small};
use crate::run_result::Outcome;
use crate::world::bustle;

const A: &str = "111122223333";
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
const GROUP: &str = "CloudTrail/logs";

/// Everything that a trail of both Regions logged in ninety-two days.
fn records(world: &World) -> Vec<String> {
    let ours = world.events.values().flatten();
    let mut all: Vec<String> = ours.map(|event| event.text.clone()).collect();
    let begin = Timestamp::now().as_second() - 92 * 86_400;
    for region in REGIONS {
        let hours = (0..92 * 24).map(|hour| bustle(A, region, begin + hour * 3_600));
        all.extend(hours.enumerate().map(|(number, call)| {
            call.id(&format!("{number:08x}-{}", region.len()))
                .record(number)
        }));
    }
    all
}

fn world() -> World {
    let world = small();
    let records = records(&world);
    world.log_group(A, REGIONS[0], GROUP, records)
}

fn run(aws: &Aws, out: &Path, source: &str) -> Outcome {
    scan(aws, out, &["--trail", source])
}

fn reads(run: &Outcome) -> Vec<u64> {
    let secrets = run.report["secrets"].as_array().unwrap().iter();
    secrets.map(|one| one["reads"].as_u64().unwrap()).collect()
}

#[test]
fn the_records_of_secrets_manager_show_who_reads_and_never_who_does_not() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let run = run(&aws, folder.path(), &format!("logs://{GROUP}"));
    assert_eq!(run.verdict("used"), "keep: recently-read", "{}", run.said());
    assert!(run.verdict("idle").starts_with("review"));
    let told = run.report.to_string();
    assert!(told.contains("given out by a query"), "{told}");
    assert!(
        told.contains("were read in logs://CloudTrail/logs"),
        "{told}"
    );
    assert!(run.said().contains("a request for each MB or less"));
    let calls = aws.calls_of("logs", "FilterLogEvents");
    assert!(calls.len() > 80);
    let pattern = |call: &crate::aws::Call| call.param("filterPattern");
    assert!(
        calls
            .iter()
            .all(|call| pattern(call).to_string().contains("secretsmanager"))
    );
}

#[test]
fn all_records_of_a_log_group_are_as_good_as_log_files() {
    let world = world();
    let file = json!({ "Records": records(&world).iter().map(|text| serde_json::from_str(text).unwrap()).collect::<Vec<Value>>() });
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    std::fs::write(folder.path().join("trail.json"), file.to_string()).unwrap();
    let files = run(
        &aws,
        &folder.path().join("files"),
        folder.path().join("trail.json").to_str().unwrap(),
    );
    let place = format!("logs://{A}:{}:{GROUP}?all", REGIONS[0]);
    let group = run(&aws, &folder.path().join("group"), &place);
    assert_eq!(
        group.code(),
        Some(0),
        "{}\n{:?}",
        group.said(),
        group.gaps()
    );
    assert_eq!(group.verdict("idle"), "delete: idle");
    assert_eq!(group.verdict("used"), files.verdict("used"));
    assert_eq!(reads(&group), reads(&files));
}

#[test]
fn empty_pages_and_throttling_change_nothing() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let place = format!("logs://{GROUP}?all");
    let quiet = run(&aws, &folder.path().join("quiet"), &place);
    let on = |fault: Fault| fault.on("logs", "FilterLogEvents");
    aws.inject(on(Fault::empty_page()).nth(2));
    aws.inject(on(Fault::short_page(3)).nth(5));
    aws.inject(on(Fault::throttle()).nth(7));
    aws.inject(on(Fault::broken(503)).nth(9));
    let loud = run(&aws, &folder.path().join("loud"), &place);
    assert_eq!(loud.code(), Some(0), "{}\n{:?}", loud.said(), loud.gaps());
    assert_eq!(loud.verdict("idle"), "delete: idle");
    assert_eq!(reads(&loud), reads(&quiet));
}

#[test]
fn a_refusal_is_a_gap_that_names_the_permission() {
    let denied = || Fault::denied().on("logs", "FilterLogEvents");
    let folder = crate::scratch::tempdir().unwrap();
    let place = format!("logs://{GROUP}?all");
    for fault in [denied(), denied().nth(5)] {
        let aws = Aws::start(world().fault(fault));
        let run = run(&aws, folder.path(), &place);
        assert_eq!(run.code(), Some(3), "{}", run.said());
        let gaps = run.gaps();
        let names = |gap: &&String| gap.contains("logs:FilterLogEvents is missing");
        assert_eq!(gaps.iter().filter(names).count(), 1, "{gaps:?}");
        assert!(
            run.verdict("idle").starts_with("review"),
            "{}",
            run.verdict("idle")
        );
    }
}

#[test]
fn a_group_that_is_not_there_or_holds_something_else_is_a_gap() {
    let folder = crate::scratch::tempdir().unwrap();
    let aws = Aws::start(small());
    let absent = run(&aws, folder.path(), "logs://absent");
    assert_eq!(absent.code(), Some(3));
    assert!(
        absent.gaps()[0].contains("does not exist"),
        "{:?}",
        absent.gaps()
    );
    let mut world = small();
    let key = (A.to_owned(), REGIONS[0].to_owned(), "app".to_owned());
    let at = Timestamp::now().as_millisecond() - 3_600_000;
    world
        .log_groups
        .insert(key, vec![(at, "INFO started".to_owned())]);
    let aws = Aws::start(world);
    let other = run(&aws, folder.path(), "logs://app?all");
    assert_eq!(other.code(), Some(3));
    assert!(
        other.gaps()[0].contains("no records of CloudTrail"),
        "{:?}",
        other.gaps()
    );
}

#[test]
fn a_log_group_cannot_be_saved() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let save = folder.path().join("save");
    let args = ["--trail", "logs://x", "--save", save.to_str().unwrap()];
    let run = scan(&aws, &folder.path().join("out"), &args);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(run.said().contains("cannot keep"), "{}", run.said());
}

#[test]
fn the_policy_grants_exactly_the_calls_on_that_group() {
    let place = format!("logs://{A}:{}:{GROUP}", REGIONS[0]);
    let policy = |args: &[&str]| -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        let output = command.args(["iam-policy", "scan"]).args(args).output();
        serde_json::from_slice(&output.unwrap().stdout).unwrap()
    };
    let granted = policy(&["--trail", &place]);
    let statements = granted["Statement"].as_array().unwrap();
    let of_logs = statements.iter().find(|one| one["Sid"] == "ReadLogGroups");
    let of_logs = of_logs.unwrap();
    assert_eq!(of_logs["Action"], json!(["logs:FilterLogEvents"]));
    assert_eq!(
        of_logs["Resource"],
        json!([format!("arn:aws:logs:us-east-1:{A}:log-group:{GROUP}:*")])
    );
    assert!(!granted.to_string().contains("cloudtrail:LookupEvents"));
    assert!(!policy(&[]).to_string().contains("logs:"));
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    run(&aws, folder.path(), &place);
    let called: BTreeSet<String> = aws
        .calls()
        .iter()
        .filter(|call| call.service == "logs")
        .map(|call| call.op.clone())
        .collect();
    assert_eq!(called, BTreeSet::from(["FilterLogEvents".to_owned()]));
}
