//! Scans of AWS itself, by the real program, against the AWS on the loopback.
//!
//! The event history reaches back ninety days from the real time, so these worlds stand around the real time, too.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;

use crate::aws::world::{Account, Bucket, Event, Rate, Secret, Status};
use crate::aws::{Aws, Fault, World};
use crate::run_result::Outcome;
use crate::world::words;

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// The real time, once for all worlds of a run.
static NOW: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);

/// A moment so many hours ago, as AWS writes it.
fn ago(hours: i64) -> String {
    let at = *NOW - SignedDuration::from_hours(hours);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A day so many days ago.
fn day(days: i64) -> String {
    ago(days * 24)[..10].to_owned()
}

/// Runs a scan and reads its report.
pub fn scan(aws: &Aws, out: &Path, args: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let command = aws.on(command
        .args(["scan", "--lookup-pace", "0", "--overwrite", "--out"])
        .arg(out)
        .args(args));
    Outcome::of(command, out)
}

/// One account, two Regions: a used secret and an idle one in each.
pub fn small() -> World {
    let idle = |region| {
        Secret::new(A, region, "idle")
            .created("2024-01-01")
            .accessed(&day(200))
    };
    let used = |region| {
        Secret::new(A, region, "used")
            .created("2024-01-01")
            .accessed(&day(1))
    };
    let mut world = World::new(A)
        .account(Account::new(A, "main"))
        .regions(&[EAST, WEST])
        .lookup_rate(Rate::Unlimited);
    // Events after the world's own time do not exist in it yet.
    world.now = *NOW;
    for region in [EAST, WEST] {
        world = world.secret(idle(region)).secret(used(region));
        let reads = (1..80).map(|hours| {
            Event::read(
                &ago(hours * 24),
                A,
                region,
                "used",
                "app",
                "i-0123456789abcdef0",
            )
        });
        world = world.events(A, region, reads);
    }
    world
}

#[test]
fn one_command_reads_inventory_and_event_history_of_every_region() {
    let aws = Aws::start(small());
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &[]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    assert_eq!(run.verdict("idle"), "delete: idle");
    assert_eq!(run.verdict("used"), "keep: recently-read");
    assert_eq!(run.report["scopes"].as_array().unwrap().len(), 2);
    assert_eq!(run.report["totals"]["secrets"], 4);
    assert!(run.report["caller"].as_str().unwrap().contains(A));
    let assumptions = run.report["assumptions"].to_string();
    assert!(
        assumptions.contains("secretsmanager:ListSecrets"),
        "{assumptions}"
    );
    assert_eq!(aws.value_reads(), 0);
    assert!(
        aws.calls()
            .iter()
            .all(|call| call.user_agent.contains("app/secretsweep"))
    );
}

#[test]
fn a_denied_region_is_a_gap_that_names_the_permission() {
    let aws = Aws::start(
        small().fault(
            Fault::denied()
                .on("secretsmanager", "ListSecrets")
                .region(WEST),
        ),
    );
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &[]);
    assert_eq!(run.code(), Some(3), "{}", run.said());
    assert_eq!(run.report["totals"]["secrets"], 2);
    let gaps = run.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].contains(WEST) && gaps[0].contains("secretsmanager:ListSecrets"),
        "{gaps:?}"
    );
    let run = scan(&aws, folder.path(), &["--allow-partial"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
}

#[test]
fn all_accounts_of_an_organization_are_read_but_suspended_ones() {
    let world = small()
        .account(Account::new(B, "team"))
        .account(Account::new("777788889999", "closed").status(Status::Suspended))
        .organization(A)
        .role(B, "audit", Some("ext"))
        .secret(
            Secret::new(B, EAST, "team")
                .created("2024-01-01")
                .accessed(&day(200)),
        );
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(
        &aws,
        folder.path(),
        &words("--organization --role-name audit --external-id ext"),
    );
    assert_eq!(run.code(), Some(0), "{} {:?}", run.said(), run.gaps());
    assert_eq!(run.report["totals"]["secrets"], 5);
    assert_eq!(run.verdict("team"), "delete: idle");
    assert!(
        run.report["assumptions"]
            .to_string()
            .contains("777788889999")
    );
}

#[test]
fn credentials_that_run_out_give_a_partial_report() {
    let aws = Aws::start(small().fault(Fault::expired().on("cloudtrail", "LookupEvents")));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &[]);
    assert_eq!(run.code(), Some(3), "{}", run.said());
    assert_eq!(run.report["totals"]["secrets"], 4);
    assert_eq!(run.verdict("idle"), "review: coverage-gap idle");
}

#[test]
fn the_same_world_gives_the_same_answer_from_history_bucket_and_files() {
    let now = ago(0);
    let mut world = small();
    // A whole trail, as CloudTrail delivers it: our events, and another service's event in each hour.
    let mut bucket = Bucket::new("trail", A, EAST);
    for region in [EAST, WEST] {
        for back in 0..91 {
            let mut records = Vec::new();
            for hour in 0..24 {
                let time = ago(back * 24 + hour);
                // Of one service and one name, they would be an export that was filtered.
                let (service, name) = match hour % 2 {
                    0 => ("sts", "GetCallerIdentity"),
                    _ => ("ec2", "DescribeInstances"),
                };
                records.push(format!(
                    r#"{{"eventVersion":"1.11","eventTime":"{time}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","eventID":"{back}-{hour}-{region}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{A}","userIdentity":{{"type":"AWSService","invokedBy":"config.amazonaws.com"}}}}"#
                ));
            }
            if (1..80).contains(&back) {
                records.push(
                    Event::read(
                        &ago(back * 24),
                        A,
                        region,
                        "used",
                        "app",
                        "i-0123456789abcdef0",
                    )
                    .text
                    .clone(),
                );
            }
            let stamp = ago(back * 24);
            let (date, minute) = (
                stamp[..10].replace('-', "/"),
                stamp[..16].replace(['-', ':'], ""),
            );
            let key = format!(
                "AWSLogs/{A}/CloudTrail/{region}/{date}/{A}_CloudTrail_{region}_{minute}Z_{back:016}.json"
            );
            bucket = bucket.object(&key, format!(r#"{{"Records":[{}]}}"#, records.join(",")));
        }
    }
    world = world.bucket(bucket);
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let saved = folder.path().join("saved");
    let by_history = scan(
        &aws,
        &folder.path().join("h"),
        &["--now", &now, "--save", saved.to_str().unwrap()],
    );
    let cache = folder.path().join("cache");
    let from_bucket = [
        "--now",
        &now,
        "--trail",
        "s3://trail",
        "--cache",
        cache.to_str().unwrap(),
    ];
    let by_bucket = scan(&aws, &folder.path().join("b"), &from_bucket);
    let fetched = aws.calls_of("s3", "GetObject").len();
    assert!(fetched >= 180, "{fetched} objects were fetched");
    let by_cache = scan(&aws, &folder.path().join("c"), &from_bucket);
    assert_eq!(
        aws.calls_of("s3", "GetObject").len(),
        fetched,
        "what is known is not fetched again"
    );
    let (inventory, trail) = (saved.join("inventory"), saved.join("trail"));
    let files = [
        "--now",
        &now,
        "--inventory",
        inventory.to_str().unwrap(),
        "--trail",
        trail.to_str().unwrap(),
    ];
    let by_files = scan(&aws, &folder.path().join("f"), &files);
    for run in [&by_history, &by_bucket, &by_cache, &by_files] {
        assert_eq!(run.code(), Some(0), "{} {:?}", run.said(), run.gaps());
    }
    let answer = |out: &str| but_for_the_source(&folder.path().join(out));
    let expected = answer("h");
    assert_eq!(expected.len(), 6, "all files that a scan writes");
    for other in ["b", "c", "f"] {
        let found = answer(other);
        assert!(found.keys().eq(expected.keys()), "{other}");
        for (name, lines) in &expected {
            let same = lines.iter().zip(&found[name]).take_while(|(a, b)| a == b);
            let at = same.count();
            assert_eq!(lines.get(at), found[name].get(at), "{other}/{name}");
        }
    }
    assert_eq!(by_history.verdict("idle"), "delete: idle");
}

/// The lines of every result file, but for those that say where it comes from: who asked, how often, and what was read.
fn but_for_the_source(out: &Path) -> BTreeMap<String, Vec<String>> {
    let file = |entry: std::io::Result<DirEntry>| {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let lines = text.lines().filter(|line| {
            let of_source = ["\"caller\":", "<footer>", "This scan made ", " log files ("];
            !of_source.iter().any(|word| line.contains(word))
        });
        // The last of several entries has no comma.
        let lines = lines.map(|line| line.trim_end_matches(',').to_owned());
        (
            entry.file_name().into_string().unwrap(),
            lines.collect::<Vec<_>>(),
        )
    };
    std::fs::read_dir(out).unwrap().map(file).collect()
}

#[test]
fn of_a_bucket_only_the_regions_are_fetched_that_were_named_or_hold_a_replica() {
    const SOUTH: &str = "ap-south-1";
    let mut bucket = Bucket::new("trail", A, EAST);
    for account in [A, B] {
        for region in [EAST, WEST, SOUTH] {
            let date = day(2);
            let (folder, stamp) = (date.replace('-', "/"), date.replace('-', ""));
            let key = format!(
                "AWSLogs/{account}/CloudTrail/{region}/{folder}/{account}_CloudTrail_{region}_{stamp}T1200Z_0000000000000000.json"
            );
            bucket = bucket.object(&key, r#"{"Records":[]}"#);
        }
    }
    let world = small()
        .regions(&[SOUTH])
        .bucket(bucket)
        .replicated(Secret::new(A, EAST, "wide"), &[(WEST, None)]);
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    for (regions, expect) in [(EAST, &[EAST, WEST][..]), (SOUTH, &[SOUTH])] {
        let before = aws.calls_of("s3", "GetObject").len();
        let args = ["--trail", "s3://trail", "--regions", regions];
        let run = scan(&aws, folder.path(), &args);
        let fetched = aws.calls_of("s3", "GetObject").split_off(before);
        assert_eq!(fetched.len(), 2 * expect.len(), "{}", run.said());
        let of = |region: &&str| fetched.iter().any(|call| call.body.contains(region));
        assert!(expect.iter().all(of), "{fetched:?}");
        let told = format!(
            "{} log files (1 KB) of {} accounts and Regions were read in s3://trail/",
            fetched.len(),
            fetched.len()
        );
        let notes = run.report["assumptions"].to_string();
        assert!(notes.contains(&told), "{told}: {notes}");
    }
}

#[test]
fn killed_in_the_middle_it_asks_only_for_what_is_missing() {
    let folder = crate::scratch::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let now = ago(0);
    let args = ["--now", &now, "--cache", cache.to_str().unwrap()];
    let events = |world: World| {
        // Enough for many pages: two reads an hour.
        let reads = (1..2_000).flat_map(|hours| {
            ["first", "second"]
                .map(|app| Event::read(&ago(hours), A, EAST, "used", app, "i-0123456789abcdef0"))
        });
        world.events(A, EAST, reads)
    };
    let whole = {
        let aws = Aws::start(events(small()));
        let run = scan(&aws, &folder.path().join("whole"), &["--now", &now]);
        (
            run.report.clone(),
            aws.calls_of("cloudtrail", "LookupEvents").len(),
        )
    };
    let aws = Aws::start(events(small()));
    let out = folder.path().join("killed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let command = aws.on(command
        .args(["scan", "--lookup-pace", "0", "--out"])
        .arg(&out)
        .args(args));
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let id = i32::try_from(child.id()).unwrap();
    aws.inject(
        Fault::before(move |_, _| {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        })
        .on("cloudtrail", "LookupEvents")
        .nth(whole.1 / 2),
    );
    child.wait().unwrap();
    assert!(!out.join("report.json").exists());
    aws.heal();
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    let run = scan(&aws, &out, &args);
    let asked = aws.calls_of("cloudtrail", "LookupEvents").len() - before;
    assert_eq!(run.code(), Some(0), "{} {:?}", run.said(), run.gaps());
    assert!(
        run.said().contains("event history, about"),
        "{}",
        run.said()
    );
    assert!(
        asked < whole.1,
        "{asked} requests after the kill, {} in all",
        whole.1
    );
    assert_eq!(run.report["secrets"], whole.0["secrets"]);
}

#[test]
fn a_past_month_is_counted_and_what_came_after_it_is_evidence() {
    // The month before the last has ended a month ago, and its evidence is in the history, which goes back 90 days: in the
    // last days of a month that is not so any more, but then the last month has ended nearly as long ago.
    let today = NOW.to_zoned(jiff::tz::TimeZone::UTC).date();
    let months = [2, 1].map(|ago| today.first_of_month().saturating_sub(ago.months()));
    let in_history = |start: &jiff::civil::Date| start.saturating_add(89.days()) > today;
    let month = months.into_iter().find(in_history).unwrap();
    let mut world = small();
    for region in [EAST, WEST] {
        // More than the first pages hold, all of it after the month.
        let reads = (1..600).map(|hours| {
            Event::read(
                &ago(hours),
                A,
                region,
                "used",
                "hourly",
                "i-0123456789abcdef0",
            )
        });
        world = world.events(A, region, reads);
    }
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let month = month.strftime("%Y-%m").to_string();
    let run = scan(&aws, folder.path(), &["--month", &month]);
    assert_eq!(run.code(), Some(0), "{} {:?}", run.said(), run.gaps());
    assert_eq!(run.gaps(), [""; 0]);
    assert_eq!(run.verdict("idle"), "delete: idle");
}

#[test]
fn a_budget_that_no_clock_can_hold_is_no_panic() {
    let aws = Aws::start(small());
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(
        &aws,
        folder.path(),
        &["--lookup-budget", "109500000000000d"],
    );
    assert_eq!(run.code(), Some(0), "{}", run.said());
}

#[test]
fn what_makes_no_sense_together_is_a_usage_error() {
    let aws = Aws::start(small());
    let folder = crate::scratch::tempdir().unwrap();
    for args in [
        &["--inventory", "x"][..],
        &["--accounts", A][..],
        &["--inventory", "x", "--no-trail", "--regions", EAST][..],
        &["--organization", "--accounts", A, "--role-name", "r"][..],
        &["--trail", "s3://trail", "--lookup-budget", "5m"][..],
        &["--trail", "gopher://trail"][..],
    ] {
        let run = scan(&aws, folder.path(), args);
        assert_eq!(run.code(), Some(2), "{args:?}: {}", run.said());
    }
}

/// The number of reads of the busiest secret.
const HOT: i64 = 28_799;

/// A secret read some forty times an hour for a month, a little more often at times, one read every hour, and one that nobody reads.
fn too_busy() -> World {
    let secret = |name| {
        Secret::new(A, EAST, name)
            .created("2024-01-01")
            .accessed(&day(1))
    };
    // An even rhythm that swings by some minutes, twice a day.
    let hot = |at: i64| {
        let second = at * 90 + 30;
        let swing = i32::try_from(second % 43_200).unwrap();
        let swing = 400.0 * (f64::from(swing) / 43_200.0 * std::f64::consts::TAU).sin();
        #[expect(clippy::cast_possible_truncation, reason = "minutes in seconds")]
        let moved = second + swing as i64;
        moved.clamp(1, 30 * 86_400 - 60)
    };
    let read = |seconds: i64, name: &str, role: &str| {
        let at = *NOW - SignedDuration::from_secs(seconds);
        let time = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Event::read(&time, A, EAST, name, role, "i-0123456789abcdef0")
    };
    let mut world = World::new(A)
        .account(Account::new(A, "main"))
        .regions(&[EAST])
        .lookup_rate(Rate::Unlimited);
    world.now = *NOW;
    world
        .secret(secret("hot"))
        .secret(secret("hourly"))
        .secret(
            Secret::new(A, EAST, "idle")
                .created("2024-01-01")
                .accessed(&day(200)),
        )
        .events(A, EAST, (0..HOT).map(|at| read(hot(at), "hot", "looping")))
        .events(
            A,
            EAST,
            (1..720).map(|at| read(at * 3_600 + 7, "hourly", "cron")),
        )
}

#[test]
fn what_does_not_fit_the_budget_is_estimated_in_every_output() {
    let aws = Aws::start(too_busy());
    let folder = crate::scratch::tempdir().unwrap();
    let (out, policy) = (folder.path().join("out"), folder.path().join("loops.toml"));
    std::fs::write(&policy, "[loops]\nmin_avoidable_usd = \"0.01\"\n").unwrap();
    let run = scan(
        &aws,
        &out,
        &[
            "--lookup-requests",
            "300",
            "--idle",
            "30d",
            "--policy",
            policy.to_str().unwrap(),
        ],
    );
    assert_eq!(run.code(), Some(3), "a sample is not all: {}", run.said());

    // What nobody was seen reading is not called unused, although windows were read of all its idle time.
    assert!(
        run.verdict("idle").starts_with("review: coverage-gap"),
        "{}",
        run.verdict("idle")
    );
    assert_eq!(run.verdict("hot"), "keep: recently-read");
    let gaps = run.gaps().join("\n");
    for said in [
        "estimated from a sample",
        "--trail s3://",
        "--lookup-budget",
        "at two a second",
    ] {
        assert!(gaps.contains(said), "{said}: {gaps}");
    }

    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value}"));
    let holds = |row: &Value, field: &str, truth: u64| {
        let range = &row["estimate"][field];
        let (low, point, high) = (
            number(&range["low"]),
            number(&row[field]),
            number(&range["high"]),
        );
        assert!(
            low <= point && point <= high && low < high,
            "{field}: {low} {point} {high}"
        );
        assert!(
            (low..=high).contains(&truth),
            "{field}: {low} {point} {high} of {truth}"
        );
    };
    let secrets = run.report["secrets"].as_array().unwrap();
    let row = |name: &str| secrets.iter().find(|row| row["name"] == name).unwrap();
    let hot = u64::try_from(HOT).unwrap();
    holds(row("hot"), "calls", hot);
    holds(row("hot"), "reads", hot);
    holds(row("hourly"), "calls", 719);
    holds(&run.report["totals"], "calls", hot + 719);
    assert_eq!(row("idle")["estimate"]["calls"]["low"], 0);
    let sample = &run.report["scopes"][0]["sample"];
    for recorded in [
        "step_s",
        "width_s",
        "phase_s",
        "seed",
        "windows",
        "windows_read",
    ] {
        assert!(sample[recorded].is_u64(), "{recorded}: {sample}");
    }
    let found = &run.report["loops"][0];
    assert!(found["reader"].as_str().unwrap().ends_with("looping"));
    let real = (40 - 1) * 730;
    let range = &found["estimate"]["avoidable_calls_month"];
    assert!(
        (number(&range["low"])..=number(&range["high"])).contains(&real),
        "{found}"
    );

    let total = run.report["totals"]["estimate"]["total_usd"].clone();
    let dollars = |value: &Value| {
        let cents = (value.as_str().unwrap().parse::<f64>().unwrap() * 100.0 + 0.5).floor();
        format!("${:.2}", cents / 100.0)
    };
    let interval = format!("{} to {}", dollars(&total["low"]), dollars(&total["high"]));
    let text = run.printed();
    assert!(text.contains("ESTIMATED FROM A SAMPLE"), "{text}");
    assert!(text.contains(&interval), "{interval}: {text}");
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(
        page.contains("id=\"estimated\"") && page.contains(&interval),
        "{interval}"
    );
    let csv = std::fs::read_to_string(out.join("estimates.csv")).unwrap();
    let range = &row("hot")["estimate"]["calls"];
    let line = csv
        .lines()
        .find(|line| line.starts_with("secret,") && line.contains(",hot,"))
        .unwrap();
    let columns = [&row("hot")["calls"], &range["low"], &range["high"]].map(ToString::to_string);
    assert!(line.contains(&format!(",{},", columns.join(","))), "{line}");
    // Every group of `summary.csv` has a row with its intervals here.
    let summary = std::fs::read_to_string(out.join("summary.csv")).unwrap();
    for row in summary.lines().skip(1) {
        let mut cells = row.split(',');
        let (by, group) = (cells.next().unwrap(), cells.next().unwrap());
        let name = if by == "total" { "" } else { group };
        assert!(
            csv.contains(&format!("\n{by},,{name},")),
            "{by} {group}: {csv}"
        );
    }
    let reader = &row("hot")["readers"][0];
    let range = &reader["estimate"]["reads"];
    let line = csv
        .lines()
        .find(|line| line.starts_with("reader,") && line.contains(",hot,"));
    let columns = [&reader["reads"], &range["low"], &range["high"]].map(ToString::to_string);
    assert!(
        line.unwrap().contains(&format!(",{},", columns.join(","))),
        "{line:?}"
    );

    // The commands that rest on the report say on what it rests.
    let command = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        let output = command.args(args).output().unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let both = [output.stdout, output.stderr].concat();
        String::from_utf8(both).unwrap()
    };
    let out = out.to_str().unwrap();
    assert!(command(&["report", out]).contains(&interval));
    let part = command(&["report", out, "--only", "hot", "--verbose"]);
    assert!(part.contains("sum of those of its secrets"), "{part}");
    assert!(command(&["compare", out, out]).contains("estimate from a sample"));
    let plan = command(&["plan", out, "--include-review"]);
    assert!(
        plan.contains("only a sample of the calls was read"),
        "{plan}"
    );
}
