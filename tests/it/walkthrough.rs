//! The clean-up as the README walks through it: scan, plan, review, apply, watch, restore, by the real program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp};

use crate::aws::world::{Account, Event, Rate, Secret};
use crate::aws::{Aws, World};

const A: &str = "111122223333";
const EAST: &str = "us-east-1";

fn ago(hours: i64) -> String {
    let at = Timestamp::now() - SignedDuration::from_hours(hours);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Ten secrets: eight in use, two that nobody has read for half a year.
fn world() -> World {
    let mut world = World::new(A)
        .account(Account::new(A, "main"))
        .regions(&[EAST])
        .lookup_rate(Rate::Unlimited);
    world.now = Timestamp::now();
    for name in ["growth/mixpanel/project-token", "legacy/report"] {
        let day = ago(200 * 24)[..10].to_owned();
        world = world.secret(
            Secret::new(A, EAST, name)
                .created("2024-01-01")
                .accessed(&day),
        );
    }
    for number in 0..8 {
        let name = format!("orders/db-{number}");
        let day = ago(24)[..10].to_owned();
        world = world.secret(
            Secret::new(A, EAST, &name)
                .created("2024-01-01")
                .accessed(&day),
        );
        world = world.events(
            A,
            EAST,
            [Event::read(
                &ago(30),
                A,
                EAST,
                &name,
                "orders",
                "i-0123456789abcdef0",
            )],
        );
    }
    world
}

fn run(aws: &Aws, folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    aws.on(command.args(args).current_dir(folder))
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn scan_plan_review_apply_watch_restore() {
    let aws = Aws::start(world());
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run(&aws, folder.path(), args);
    assert_eq!(
        code(&run(&[
            "scan",
            "--quiet",
            "--lookup-pace",
            "0",
            "--out",
            "reports/today"
        ])),
        0
    );
    assert_eq!(code(&run(&["plan", "reports/today"])), 0);

    // The review: one line is kept, as a spreadsheet might write it.
    let plan = folder.path().join("reports/today/plan.csv");
    let text = fs::read_to_string(&plan).unwrap();
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.contains("growth/mixpanel") {
                line.replacen("delete,", "KEEP ,", 1)
            } else {
                line.to_owned()
            }
        })
        .collect();
    fs::write(&plan, format!("\u{feff}{}\r\n", lines.join("\r\n"))).unwrap();

    assert_eq!(code(&run(&["apply", "reports/today/plan.csv"])), 0);
    assert!(
        aws.world()
            .named(A, EAST, "legacy/report")
            .deleted
            .is_none(),
        "a dry run changes nothing"
    );
    assert_eq!(
        code(&run(&[
            "apply",
            "reports/today/plan.csv",
            "--execute",
            "--yes",
            A
        ])),
        0
    );
    assert!(
        aws.world()
            .named(A, EAST, "legacy/report")
            .deleted
            .is_some()
    );
    assert!(
        aws.world()
            .named(A, EAST, "growth/mixpanel/project-token")
            .deleted
            .is_none()
    );

    assert_eq!(
        code(&run(&["watch", "reports/today/plan.csv", "--since", "2d"])),
        0
    );
    let asked = Event::read(
        &ago(0),
        A,
        EAST,
        "legacy/report",
        "monthly-report",
        "i-0123456789abcdef0",
    );
    let refused = asked.text.replace(
        "\"responseElements\"",
        "\"errorCode\":\"InvalidRequestException\",\"errorMessage\":\"You can't perform this operation on the secret because it was marked for deletion.\",\"responseElements\"",
    );
    fs::write(
        folder.path().join("today.json"),
        format!("{{\"Records\":[{refused}]}}"),
    )
    .unwrap();
    let watch = [
        "watch",
        "reports/today/plan.csv",
        "--since",
        "2d",
        "--trail",
        "today.json",
    ];
    assert_eq!(code(&run(&watch)), 5);

    let journal = fs::read_dir(folder.path().join("reports/today")).unwrap();
    let journal = journal
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let journal = journal.unwrap();
    assert_eq!(code(&run(&["restore", "reports/today/plan.csv"])), 0);
    assert!(
        aws.world()
            .named(A, EAST, "legacy/report")
            .deleted
            .is_none()
    );
    let journal = journal
        .strip_prefix(folder.path())
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(code(&run(&["status", &journal])), 0);
    assert_eq!((aws.value_reads(), aws.forced_deletes()), (0, 0));
}
