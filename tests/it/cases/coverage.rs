//! What a trail proves: only management events that may show a read say that nobody read.

use serde_json::{Value, json};

use super::*;

/// Hourly events of this shape for the whole idle time.
fn hourly(call: &Call) -> impl Iterator<Item = Call> + use<> {
    call.clone()
        .at(days_ago(91) + 900)
        .every(HOUR, 91 * 24)
        .into_iter()
}

fn object_read() -> Call {
    let mut call = background(ACCOUNT, EAST, 0);
    "s3.amazonaws.com".clone_into(&mut call.source);
    "GetObject".clone_into(&mut call.name);
    call.category("Data")
}

/// A world without a trail but these events.
fn only(calls: impl IntoIterator<Item = Call>) -> Scan {
    World::silent()
        .secrets([idle(IDLE), idle("cached")])
        .calls(calls)
        .args(&["--allow-partial"])
        .scan()
}

#[track_caller]
fn proves_nothing(scan: &Scan) {
    for name in [IDLE, "cached"] {
        stays_because(scan, name, &["coverage-gap"]);
    }
    assert_ne!(scan.gaps(), "[]", "the gap is named");
}

#[test]
fn data_events_prove_nothing() {
    proves_nothing(&only(hourly(&object_read())));
}

#[test]
fn network_activity_proves_nothing() {
    proves_nothing(&only(hourly(
        &get("elsewhere").unnamed().category("NetworkActivity"),
    )));
}

#[test]
fn insights_prove_nothing() {
    let insight = background(ACCOUNT, EAST, 0).category("Insight");
    proves_nothing(&only(hourly(&insight)));
}

#[test]
fn aggregated_events_prove_nothing() {
    let summary = background(ACCOUNT, EAST, 0).category("Aggregated");
    proves_nothing(&only(hourly(&summary)));
}

#[test]
fn data_events_of_old_records_without_a_category_prove_nothing() {
    proves_nothing(&only(hourly(&object_read().leave_out("eventCategory"))));
}

#[test]
fn reads_among_data_events_do_not_show_that_management_reads_are_logged() {
    let scan = World::silent()
        .logging_writes(ACCOUNT, EAST)
        .secrets([idle(IDLE), idle("cached")])
        .calls(hourly(&object_read()))
        .args(&["--allow-partial"])
        .scan();
    proves_nothing(&scan);
}

#[test]
fn reads_among_network_activity_do_not_show_that_management_reads_are_logged() {
    let scan = World::silent()
        .logging_writes(ACCOUNT, EAST)
        .secrets([idle(IDLE), idle("cached")])
        .calls(hourly(
            &get("elsewhere").unnamed().category("NetworkActivity"),
        ))
        .args(&["--allow-partial"])
        .scan();
    proves_nothing(&scan);
}

#[test]
fn old_records_without_a_category_prove_as_management_events() {
    let names = ["DescribeInstances", "ListBuckets", "GetCallerIdentity"];
    let calls = names.iter().enumerate().flat_map(|(number, name)| {
        let mut call = background(
            ACCOUNT,
            EAST,
            days_ago(91) + i64::try_from(number).unwrap() * 600,
        );
        (*name).clone_into(&mut call.name);
        call.source = format!("service-{number}.amazonaws.com");
        call.by(role(name, "x"))
            .leave_out("eventCategory")
            .every(HOUR, 92 * 24)
    });
    goes(&only(calls), IDLE);
}

#[test]
fn data_events_beside_a_whole_trail_take_nothing_away() {
    let scan = world().calls(hourly(&object_read())).scan();
    goes(&scan, IDLE);
}

#[test]
fn global_events_in_the_files_of_another_region_do_not_cover_us_east_1() {
    let mut global = background(ACCOUNT, EAST, 0);
    "iam.amazonaws.com".clone_into(&mut global.source);
    "ListRoles".clone_into(&mut global.name);
    let records: Vec<Call> = hourly(&global).collect();
    let mut world = World::silent()
        .logging(ACCOUNT, WEST)
        .secrets([idle("east"), idle("west").region(WEST)])
        .args(&["--allow-partial"]);
    for day in records.chunks(24) {
        let path = log_path(ACCOUNT, WEST, day[0].at, "GLOBAL");
        world = world.file(&format!("trail/{path}"), gzip(log(day).as_bytes()));
    }
    let scan = world.scan();
    stays_because(&scan, "east", &["coverage-gap"]);
    goes(&scan, "west");
}

/// Returns what a quiet account has for the whole idle time.
fn heartbeats() -> impl Iterator<Item = Call> {
    hourly(&heartbeat(ACCOUNT, EAST, 0))
}

/// A world of a quiet account whose records stand in this file.
fn quiet(path: &str, calls: impl IntoIterator<Item = Call>) -> World {
    let calls: Vec<Call> = calls.into_iter().collect();
    World::silent()
        .secrets([idle("idle"), never("used").accessed(0)])
        .file(&format!("trail/{path}"), gzip(log(&calls).as_bytes()))
}

#[test]
fn a_service_that_assumes_a_role_covers_its_region_wherever_the_file_lies() {
    let used = || get("used").days(3);
    for calls in [
        heartbeats().collect::<Vec<_>>(),
        heartbeats().chain([used()]).collect(),
    ] {
        for path in [
            "events-0.json.gz".to_owned(),
            log_path(ACCOUNT, EAST, NOW_S, "QUIET"),
        ] {
            let scan = quiet(&path, calls.clone()).scan();
            assert_eq!(scan.gaps(), "[]", "{path}");
            assert_eq!(scan.code, 0);
            goes(&scan, "idle");
        }
    }
}

#[test]
fn global_events_in_a_flat_trail_of_another_region_do_not_cover_us_east_1() {
    let mut elsewhere: Vec<Call> = (0..92)
        .flat_map(|day| (0..24).map(move |hour| days_ago(91) + day * DAY + hour * HOUR))
        .map(|at| bustle(ACCOUNT, WEST, at))
        .collect();
    elsewhere.extend(heartbeats());
    let scan = quiet("events-0.json.gz", elsewhere)
        .secrets([idle("west").region(WEST)])
        .args(&["--allow-partial"])
        .scan();
    stays_because(&scan, "idle", &["coverage-gap"]);
    goes(&scan, "west");
}

/// Scans an export: the output of `lookup-events` for these records.
fn export(calls: impl IntoIterator<Item = Call>, more: &[(&str, Value)]) -> Scan {
    let calls: Vec<Call> = calls.into_iter().collect();
    let mut text = lookup(&calls);
    for (key, value) in more {
        text[key] = value.clone();
    }
    World::silent()
        .secrets([idle("cached"), never("used").accessed(0)])
        .file("trail/lookup.json", text.to_string())
        .args(&["--allow-partial"])
        .scan()
}

/// Everything that reads, describes and lists in an account, so that an export may be drawn from it.
fn all() -> impl Iterator<Item = Call> {
    let mut start = background(ACCOUNT, EAST, 0);
    "StartInstances".clone_into(&mut start.name);
    let calls = [
        get("used"),
        describe("used").by(role("web", "1")),
        get("other").by(role("batch", "2")),
        call("ListSecrets", "").by(user("ops")).request(json!({})),
        background(ACCOUNT, EAST, 0),
        start.writes(),
    ];
    let late = |(number, call): (usize, Call)| {
        hourly(&call).map(move |call| {
            let at = call.at + i64::try_from(number).unwrap() * 60;
            call.at(at)
        })
    };
    calls.into_iter().enumerate().flat_map(late)
}

#[track_caller]
fn says_only_who_reads(scan: &Scan) {
    stays_because(scan, "cached", &["coverage-gap"]);
    assert_eq!(
        scan.secret("used")["verdict"],
        "keep",
        "what it shows is believed"
    );
}

#[test]
fn an_export_of_one_event_name_says_only_who_reads() {
    says_only_who_reads(&export(
        all().filter(|call| call.name == "GetSecretValue"),
        &[],
    ));
}

#[test]
fn an_export_of_one_secret_says_only_who_reads() {
    says_only_who_reads(&export(
        all().filter(|call| call.request["secretId"] == "used"),
        &[],
    ));
}

#[test]
fn an_export_of_one_user_says_only_who_reads() {
    let app = role("app", "worker");
    says_only_who_reads(&export(
        all().filter(|call| call.identity == app && call.request["secretId"] == "used"),
        &[],
    ));
}

#[test]
fn an_export_of_one_service_says_only_who_reads() {
    says_only_who_reads(&export(
        all().filter(|call| call.source.starts_with("secretsmanager")),
        &[],
    ));
}

#[test]
fn an_export_with_a_token_for_more_is_not_whole() {
    let scan = export(all(), &[("NextToken", json!("kbOt5LlZe++mOVuO"))]);
    stays_because(&scan, "cached", &["coverage-gap"]);
    assert_ne!(scan.gaps(), "[]", "the cut is named");
}

#[test]
fn a_query_for_reads_written_as_lines_says_only_who_reads() {
    let lines: Vec<String> = all()
        .filter(|call| call.name == "GetSecretValue")
        .enumerate()
        .map(|(number, call)| call.record(number))
        .collect();
    let scan = World::silent()
        .secrets([idle("cached"), never("used").accessed(0)])
        .file("trail/query.json", lines.join("\n"))
        .args(&["--allow-partial"])
        .scan();
    says_only_who_reads(&scan);
}

/// Scans exports of one event name each, beside whole log files of the last three days.
fn exports(names: &[&str], whole: bool) -> Scan {
    let mut world = World::silent()
        .secrets([idle("cached"), never("used").accessed(0)])
        .args(&["--allow-partial"]);
    if whole {
        world = world.logging_between(ACCOUNT, EAST, days_ago(3), NOW_S, &[]);
    }
    for name in names {
        let calls: Vec<Call> = all().filter(|call| call.name == *name).collect();
        world = world.file(&format!("trail/{name}.json"), lookup(&calls).to_string());
    }
    world.scan()
}

#[test]
fn a_few_whole_log_files_do_not_vouch_for_an_export_of_one_name() {
    let scan = exports(&["GetSecretValue"], true);
    says_only_who_reads(&scan);
    assert!(
        scan.gaps().contains("an export that was filtered"),
        "{}",
        scan.gaps()
    );
}

#[test]
fn an_export_of_one_name_beside_a_whole_trail_takes_nothing_away() {
    let calls: Vec<Call> = hourly(&get("used")).collect();
    let scan = world()
        .secret(never("used").accessed(0))
        .file("trail/lookup.json", lookup(&calls).to_string())
        .scan();
    goes(&scan, IDLE);
    is_judged(&scan, "used", "keep");
}

#[test]
fn an_access_that_a_whole_trail_does_not_show_is_a_gap() {
    let scan = world().secret(never("x").accessed(5)).scan();
    stays(&scan, "x");
    let gaps = scan.gaps();
    assert!(
        gaps.contains("LastAccessedDate") || gaps.contains("last access"),
        "{gaps}"
    );
}

#[test]
fn network_activity_is_no_second_call() {
    let call = |number: i64| {
        get("x")
            .at(days_ago(9) + number * 600)
            .more("requestID", json!(format!("request-{number}")))
    };
    let twin = |number: i64| {
        call(number)
            .unnamed()
            .category("NetworkActivity")
            .leave_out("userAgent")
            .shared(&format!("4d2a-{number}"))
    };
    let scan = world()
        .secret(never("x").accessed(0))
        .calls((0..40).flat_map(|number| [call(number), twin(number)]))
        .scan();
    assert_eq!(scan.secret("x")["calls"], 40);
    assert_eq!(scan.report["totals"]["unattributed_calls"], 0);
}
