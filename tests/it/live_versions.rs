//! Rotation keeps `LastAccessedDate` young. Where the trail cannot tell whether anybody else reads, the real program asks
//! who fetched the current version: there, only there, and never as a reason to delete.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::aws::world::{Account, Rate, Secret, Version, at};
use crate::aws::{Aws, Fault, World};
use crate::run_result::{self, Outcome};

const A: &str = "111122223333";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// The real time, once for all worlds of a run: the event history reaches back from it.
static NOW: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);

/// A moment so many days ago, as AWS writes it.
fn ago(days: i64) -> String {
    let at = *NOW - SignedDuration::from_hours(24 * days);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn day(days: i64) -> String {
    ago(days)[..10].to_owned()
}

/// A secret that was rotated and last read so many days ago. Its current version was fetched on that day, if ever.
fn rotated(name: &str, rotation: i64, read: i64, fetched: Option<i64>) -> Secret {
    let secret = Secret::new(A, EAST, name)
        .created("2024-01-01")
        .accessed(&day(read));
    secret.with(|secret| {
        secret.rotation_enabled = Some(true);
        secret.last_rotated = Some(at(&ago(rotation)));
        let version = |id: &str, stage: &str, created: i64, fetched: Option<i64>| Version {
            id: format!("00000000-0000-4000-8000-00000000{id}"),
            stages: vec![stage.to_owned()],
            created: at(&ago(created)),
            last_accessed: fetched.map(|days| at(&day(days))),
        };
        secret.versions = vec![
            version("aaaa", "AWSPREVIOUS", rotation + 30, Some(rotation)),
            version("bbbb", "AWSCURRENT", rotation, fetched),
        ];
    })
}

fn world() -> World {
    let mut world = World::new(A)
        .account(Account::new(A, "main"))
        .regions(&[EAST, WEST])
        .lookup_rate(Rate::Unlimited)
        .secret(rotated("unfetched", 20, 20, None))
        .secret(rotated("fetched", 20, 20, Some(20)))
        .secret(rotated("read-since", 20, 3, None))
        .secret(rotated("read-before", 20, 25, None))
        .secret(rotated("rotated-lately", 2, 2, None))
        .secret(rotated("idle", 200, 200, None))
        .secret(rotated("leaving", 20, 20, None).deleted(&ago(1)))
        .secret(rotated("owned", 20, 20, None).owned_by("rds"))
        .secret(
            rotated("unrotated", 20, 20, None).with(|secret| secret.rotation_enabled = Some(false)),
        )
        .replicated(
            rotated("read-elsewhere", 20, 20, None),
            &[(WEST, Some(&day(5)))],
        );
    world.now = *NOW;
    world
}

fn run(aws: &Aws, out: &Path, args: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let command = command
        .args(["scan", "--lookup-pace", "0", "--out"])
        .arg(out);
    Outcome::of(aws.on(command.args(args)), out)
}

/// The verdict on a secret in the Region where all of them were made.
fn verdict(report: &Value, name: &str) -> String {
    let mut rows = report["secrets"].as_array().unwrap().iter();
    let row = rows.find(|row| row["name"] == name && row["region"] == EAST);
    run_result::verdict(row.unwrap())
}

#[test]
fn versions_are_asked_for_where_nothing_else_decides_and_never_speak_for_a_deletion() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let saved = folder.path().join("saved");
    let Outcome {
        output,
        report: live,
    } = run(
        &aws,
        &folder.path().join("live"),
        &[
            "--no-trail",
            "--trust-last-accessed",
            "--save",
            saved.to_str().unwrap(),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (name, expected) in [
        ("unfetched", "review: coverage-gap maintenance-only"),
        ("fetched", "keep: recently-read"),
        ("read-since", "keep: recently-read"),
        ("read-before", "keep: recently-read"),
        ("rotated-lately", "keep: recently-read"),
        ("unrotated", "keep: recently-read"),
        ("read-elsewhere", "keep: recently-read replica-in-use"),
    ] {
        assert_eq!(verdict(&live, name), expected, "{name}");
    }
    let asked: Vec<String> = aws
        .calls_of("secretsmanager", "ListSecretVersionIds")
        .iter()
        .map(|call| call.param("SecretId").to_string())
        .collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|id| id.contains("fetched-")), "{asked:?}");
    assert!(
        live["assumptions"]
            .to_string()
            .contains("2 secretsmanager:ListSecretVersionIds")
    );

    // The same from what was saved, without AWS.
    let inventory = saved.join("inventory");
    let made = live["made"].as_str().unwrap();
    let Outcome {
        report: offline, ..
    } = run(
        &aws,
        &folder.path().join("offline"),
        &[
            "--no-trail",
            "--trust-last-accessed",
            "--now",
            made,
            "--inventory",
            inventory.to_str().unwrap(),
        ],
    );
    for part in ["secrets", "gaps", "totals", "scopes", "findings"] {
        assert_eq!(offline[part], live[part], "{part}");
    }
}

#[test]
fn a_whole_trail_decides_without_versions() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let Outcome { report, .. } = run(&aws, folder.path(), &[]);
    assert_eq!(verdict(&report, "unfetched"), "keep: recently-read");
    assert_eq!(
        aws.calls_of("secretsmanager", "ListSecretVersionIds").len(),
        0
    );
}

#[test]
fn versions_that_may_not_be_listed_are_one_gap_and_change_no_verdict() {
    let fault = Fault::denied().on("secretsmanager", "ListSecretVersionIds");
    let aws = Aws::start(world().fault(fault));
    let folder = crate::scratch::tempdir().unwrap();
    let Outcome { output, report } = run(&aws, folder.path(), &["--no-trail"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(verdict(&report, "unfetched"), "keep: recently-read");
    let gaps = report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0]["source"], "secretsmanager:ListSecretVersionIds");
    assert!(
        gaps[0]["what"]
            .as_str()
            .unwrap()
            .contains("2 rotated secrets"),
        "{gaps:?}"
    );
}
