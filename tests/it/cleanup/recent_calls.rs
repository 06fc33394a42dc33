//! Silence is a sign only where it could have been broken: in log files that cover the time since the deletion, and in an
//! event history that could be read.

use std::fs;

use jiff::{SignedDuration, Timestamp};

use super::binary_fixture::{A, EAST, Ended, Ground, WEST, idle, world};
use crate::aws::Fault;
use crate::aws::world::Event;

/// One secret with a replica in another Region, deleted.
fn deleted() -> Ground {
    let world = world().replicated(idle("a"), &[(WEST, None)]);
    let ground = Ground::new(world, &["a"]);
    ground.execute(&["--remove-replicas"]).expect(0);
    fs::create_dir(ground.path("trail")).unwrap();
    ground
}

/// Returns when it was deleted, by the journal.
fn moment(ground: &Ground) -> Timestamp {
    ground.state().secrets[&ground.arn("a")].intent.unwrap().at
}

fn later(ground: &Ground, minutes: i64) -> Timestamp {
    moment(ground) + SignedDuration::from_mins(minutes)
}

fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A log file of this Region with somebody else's read in each of these hours since the deletion, and with calls of other
/// services, as every whole trail has.
fn log(ground: &Ground, region: &str, hours: impl Iterator<Item = i64>) {
    write(ground, region, &reads(ground, region, hours));
}

fn reads(ground: &Ground, region: &str, hours: impl Iterator<Item = i64>) -> Vec<String> {
    let read = |hour| {
        let time = stamp(later(ground, 60 * hour));
        let read = Event::read(&time, A, region, "other", "web", "pod-1").text;
        let [service, name, role] = ["ec2.amazonaws.com", "DescribeInstances", "inventory"];
        let other = Event::read(&time, A, region, "x", role, "i-1")
            .text
            .replace("secretsmanager.amazonaws.com", service)
            .replace("GetSecretValue", name);
        [read, other]
    };
    hours.flat_map(read).collect()
}

fn write(ground: &Ground, region: &str, records: &[String]) {
    let file = ground.path("trail").join(format!("{region}.json"));
    let text = format!(r#"{{"Records":[{}]}}"#, records.join(","));
    fs::write(file, text).unwrap();
}

/// Watches by the log files, so many hours after the deletion, where there is no AWS to ask.
fn watch(ground: &Ground, hours: i64, more: &[&str]) -> Ended {
    let now = stamp(later(ground, 60 * hours));
    let args = [
        &["watch", "plan.csv", "--trail", "trail", "--now", &now],
        more,
    ]
    .concat();
    let mut program = ground.program(&args);
    program.env_remove("AWS_ENDPOINT_URL");
    let output = program.output().unwrap();
    Ended { output }
}

/// What log files hold, and what is said of it.
struct Case {
    what: &'static str,
    logged: fn(&Ground),
    /// So many hours after the deletion somebody watches, with these options.
    hours: i64,
    options: &'static [&'static str],
    says: &'static [&'static str],
}

const EAST_IS_MISSED: &str = "Not looked up: 111122223333 us-east-1";
const WEST_IS_MISSED: &str = "Not looked up: 111122223333 eu-west-1";

const CASES: &[Case] = &[
    Case {
        what: "no file at all",
        logged: |_| (),
        hours: 72,
        options: &[],
        says: &[
            EAST_IS_MISSED,
            WEST_IS_MISSED,
            "no log file has a record of this account and Region",
        ],
    },
    Case {
        what: "files from before the deletion",
        logged: |ground| {
            log(ground, EAST, -200..-24);
            log(ground, WEST, -200..-24);
        },
        hours: 72,
        options: &[],
        says: &[EAST_IS_MISSED, WEST_IS_MISSED],
    },
    Case {
        what: "files of one Region, and not of the replica's",
        logged: |ground| log(ground, EAST, 0..72),
        hours: 72,
        options: &[],
        says: &[WEST_IS_MISSED, "3 days of 3 days"],
    },
    Case {
        what: "files that end two days before now",
        logged: |ground| {
            log(ground, EAST, 0..24);
            log(ground, WEST, 0..72);
        },
        hours: 72,
        options: &[],
        says: &[EAST_IS_MISSED, "no log file has a record of that time"],
    },
    Case {
        what: "a hole of a day",
        logged: |ground| {
            log(ground, EAST, (0..100).chain(124..240));
            log(ground, WEST, 0..240);
        },
        hours: 240,
        options: &[],
        says: &[EAST_IS_MISSED, "1 day of 10 days"],
    },
    Case {
        what: "a trail of writes alone",
        logged: |ground| {
            let writes = |read: String| {
                read.replace(r#""readOnly":true"#, r#""readOnly":false"#)
                    .replace("GetSecretValue", "PutSecretValue")
            };
            let records: Vec<String> = reads(ground, EAST, 0..72).into_iter().map(writes).collect();
            write(ground, EAST, &records);
            log(ground, WEST, 0..72);
        },
        hours: 72,
        options: &[],
        says: &[EAST_IS_MISSED, "WriteOnly"],
    },
    Case {
        what: "a later part than was asked about",
        logged: |ground| {
            log(ground, EAST, 60..72);
            log(ground, WEST, 60..72);
        },
        hours: 72,
        options: &["--since", "2d"],
        says: &[EAST_IS_MISSED, WEST_IS_MISSED],
    },
    Case {
        what: "a file that cannot be read",
        logged: |ground| {
            log(ground, EAST, 0..72);
            log(ground, WEST, 0..72);
            fs::write(ground.path("trail/broken.json.gz"), b"\x1f\x8b no gzip").unwrap();
        },
        hours: 72,
        options: &[],
        says: &[
            "Not looked up: ",
            "trail/broken.json.gz: invalid gzip header",
        ],
    },
];

#[test]
fn log_files_that_do_not_cover_the_time_since_the_deletion_prove_nothing() {
    for case in CASES {
        let ground = deleted();
        (case.logged)(&ground);
        let said = watch(&ground, case.hours, case.options).expect(3).said();
        for words in case.says {
            assert!(said.contains(words), "{}: {words}: {said}", case.what);
        }
    }
}

#[test]
fn log_files_that_cover_the_time_since_the_deletion_tell_whether_somebody_asked() {
    let ground = deleted();
    log(&ground, EAST, 0..72);
    log(&ground, WEST, 0..72);
    for more in [&[][..], &["--since", "2d"], &["--since", "30d"]] {
        let said = watch(&ground, 72, more).expect(0).said();
        assert!(said.contains("No requests for"), "{more:?}: {said}");
        assert!(!said.contains("Not looked up"), "{more:?}: {said}");
    }
    let time = stamp(later(&ground, 90));
    let refused = Event::read(&time, A, EAST, "a", "billing", "pod-1").in_vain();
    write(&ground, "refused", &[refused.text]);
    let said = watch(&ground, 72, &[]).expect(5).said();
    assert!(said.contains("role/billing"), "{said}");
    // Who asked has asked, whatever else is not known.
    fs::remove_file(ground.path("trail").join(format!("{WEST}.json"))).unwrap();
    let said = watch(&ground, 72, &[]).expect(5).said();
    assert!(said.contains(WEST_IS_MISSED), "{said}");
}

/// Whoever asks now is in no file yet: that is no silence.
#[test]
fn what_cannot_have_been_heard_yet_is_not_taken_for_silence() {
    let ground = deleted();
    log(&ground, EAST, 0..72);
    log(&ground, WEST, 0..72);
    for (hours, options) in [
        (0, &[][..]),
        (72, &["--since", "0s"]),
        (72, &["--since", "1h"]),
    ] {
        let said = watch(&ground, hours, options).expect(3).said();
        for words in [EAST_IS_MISSED, WEST_IS_MISSED, "take up to an hour"] {
            assert!(said.contains(words), "{hours} {options:?}: {words}: {said}");
        }
    }
    watch(&ground, 72, &["--since", "2h"]).expect(0);
    // Hours are told as hours.
    let said = watch(&ground, 240, &["--since", "2h"]).expect(3).said();
    assert!(said.contains("1 hour of 1 hour"), "{said}");
}

/// A saved trail says itself which time it covers, and needs no events of others.
#[test]
fn a_saved_trail_covers_what_it_says() {
    let mut world = world().replicated(idle("a"), &[(WEST, None)]);
    let now = world.now;
    world.now = now - SignedDuration::from_hours(72);
    let (then, planned_at) = (stamp(world.now), world.now - SignedDuration::from_hours(1));
    let ground = Ground::planned_at(world, &["a"], planned_at);
    ground
        .execute(&["--remove-replicas", "--now", &then])
        .expect(0);
    ground.aws.world().now = now;
    let regions = format!("{EAST},{WEST}");
    ground
        .run(&["scan", "--regions", &regions, "--save", "kept"])
        .expect(0);
    let watch = ["watch", "plan.csv", "--trail", "kept/trail", "--now"];
    let until = |hours: i64| stamp(now + SignedDuration::from_hours(hours));
    let said = ground.run(&[&watch[..], &[&until(0)]].concat()).expect(0);
    assert!(!said.said().contains("Not looked up"), "{}", said.said());
    // It does not speak of what comes after it.
    let said = ground.run(&[&watch[..], &[&until(48)]].concat()).expect(3);
    assert!(said.said().contains("Not looked up"), "{}", said.said());
}

/// Taking back asks AWS, and that is not done at another time than AWS's own.
#[test]
fn another_time_is_for_log_files_and_not_for_taking_back() {
    let ground = deleted();
    let said = watch(&ground, 72, &["--restore"]).expect(1).said();
    assert!(said.contains("simulates AWS"), "{said}");
}

#[test]
fn what_could_not_be_looked_up_is_refused() {
    let world = world().secret(idle("a")).secret(idle("b"));
    let ground = Ground::new(world, &["a", "b"]);
    let denied = || Fault::denied().on("cloudtrail", "LookupEvents");
    ground.aws.inject(denied());
    let dry = ground
        .run(&["apply", "plan.csv", "--max-percent", "100"])
        .expect(3);
    assert!(dry.said().contains("2 refused."), "{}", dry.said());
    let refused = ground.execute(&[]).expect(3).said();
    assert!(
        refused.contains("could not be looked up") && refused.contains("cloudtrail:LookupEvents"),
        "{refused}"
    );
    assert!(refused.contains("2 refused."), "{refused}");
    assert!(!refused.contains("shows no call"), "{refused}");
    assert!(
        ground
            .aws
            .calls_of("secretsmanager", "DeleteSecret")
            .is_empty()
    );
    ground.aws.heal();
    ground.execute(&[]).expect(0);
    ground.aws.inject(denied());
    let again = ground.execute(&[]).expect(3).said();
    assert!(again.contains("could not be looked up"), "{again}");
    assert!(!again.contains("shows no call"), "{again}");
    let other = Ground::new(super::binary_fixture::world().secret(idle("a")), &["a"]);
    other.aws.inject(denied());
    other.execute(&["--no-lookup"]).expect(0);
    assert!(other.aws.calls_of("cloudtrail", "LookupEvents").is_empty());
}
