//! Findings about what changed, and about stale copies.

use serde_json::{Value, json};

use super::check;
use crate::world::{
    ACCOUNT, BOTO, Call, DAY, EAST, HOUR, JAVA_CACHE, NOW_S, Secret, World, days_ago, describe,
    get, never, role, service_event, time,
};

const GO: &str = "aws-sdk-go-v2/1.25.3 os/linux lang/go#1.22 md/GOOS#linux md/GOARCH#amd64";

fn by(name: &str, secret: &str, days: i64) -> Call {
    get(secret).by(role(name, "worker")).days(days)
}

/// Reads on each of these days.
fn daily(name: &str, secret: &str, days: std::ops::RangeInclusive<i64>) -> Vec<Call> {
    days.map(|day| by(name, secret, day)).collect()
}

fn and(mut calls: Vec<Call>, more: impl IntoIterator<Item = Call>) -> Vec<Call> {
    calls.extend(more);
    calls
}

#[test]
fn a_new_reader_is_told_from_a_new_sdk_and_a_new_name() {
    let usual = |secret: &str| daily("old", secret, 1..=60);
    let at = |secret: &str, second: i64| by("new", secret, 0).at(second);
    let deploy = by("new", "h", 3).by(role("new", "AWSCodeBuild-1"));
    check(
        "new-reader",
        "",
        vec![
            (
                "new",
                never("a"),
                and(usual("a"), [by("new", "a", 3)]),
                true,
            ),
            (
                "at the edge",
                never("b"),
                and(usual("b"), [at("b", days_ago(7))]),
                true,
            ),
            (
                "before it",
                never("c"),
                and(usual("c"), [at("c", days_ago(7) - 1)]),
                false,
            ),
            (
                "a new SDK",
                never("d"),
                and(usual("d"), [by("old", "d", 3).agent(GO)]),
                false,
            ),
            (
                "a new name",
                never("e"),
                and(daily("old", "e", 4..=60), daily("new", "e", 1..=3)),
                false,
            ),
            (
                "a new secret",
                never("f").created(80),
                and(usual("f"), [by("new", "f", 3)]),
                false,
            ),
            ("nobody before", never("g"), vec![by("new", "g", 3)], false),
            (
                "refused",
                never("h"),
                and(usual("h"), [deploy.error("AccessDenied", "no")]),
                false,
            ),
        ],
    );
}

#[test]
fn a_steady_reader_that_stops_is_gone_after_its_longest_pause() {
    let every = |secret: &str, step: i64, from: i64| -> Vec<Call> {
        (0..12)
            .map(|number| by("job", secret, from + number * step))
            .collect()
    };
    let moved = and(daily("job", "f", 20..=60), daily("job-2", "f", 1..=19));
    check(
        "reader-gone",
        "",
        vec![
            ("stopped", never("a"), every("a", 1, 16), true),
            ("a day less", never("b"), every("b", 1, 14), false),
            ("pauses often", never("c"), every("c", 6, 16), false),
            ("pauses, and stopped", never("d"), every("d", 5, 17), true),
            ("few days", never("e"), daily("job", "e", 20..=28), false),
            ("another name", never("f"), moved, false),
        ],
    );
}

#[test]
fn what_changed_is_not_judged_without_the_time_before() {
    let scan = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(40), NOW_S + DAY, &[])
        .secret(never("a"))
        .calls(daily("old", "a", 20..=39))
        .call(by("new", "a", 3))
        .scan();
    for code in ["new-reader", "reader-gone"] {
        assert_eq!(scan.findings(code), Vec::<&Value>::new(), "{code}");
    }
    let said = scan.report["assumptions"].to_string();
    assert!(
        said.contains("New and vanished readers of 1 secret could not be judged"),
        "{said}"
    );
}

/// So many calls in a week, this many weeks before the scan.
fn week(secret: &str, weeks: i64, calls: i64) -> Vec<Call> {
    by("app", secret, 0)
        .at(days_ago(weeks * 7 + 7) + HOUR)
        .every(120, calls)
}

#[test]
fn a_volume_jumps_over_the_busiest_week_before() {
    let steady = |secret: &str, calls: i64| -> Vec<Call> {
        (1..=4)
            .flat_map(|number| week(secret, number, calls))
            .collect()
    };
    let new: Vec<Call> = (1..=2).flat_map(|number| week("e", number, 300)).collect();
    let busy = and(steady("c", 10), week("c", 2, 500));
    check(
        "volume-jump",
        "[findings]\noff = [\"hot-loop\"]\n",
        vec![
            (
                "five times",
                never("a"),
                and(steady("a", 300), week("a", 0, 1_500)),
                true,
            ),
            (
                "less",
                never("b"),
                and(steady("b", 300), week("b", 0, 1_499)),
                false,
            ),
            (
                "as busy before",
                never("c"),
                and(busy, week("c", 0, 1_600)),
                false,
            ),
            (
                "few",
                never("d"),
                and(steady("d", 10), week("d", 0, 900)),
                false,
            ),
            ("new", never("e"), and(new, week("e", 0, 1_600)), false),
        ],
    );
}

fn rotation(secret: &Secret, days: i64) -> Call {
    let event = json!({"SecretId": secret.arn()});
    service_event("RotationSucceeded", event).at(days_ago(days))
}

#[test]
fn a_program_that_never_fetched_the_new_value_may_hold_the_old_one() {
    let case = |what, name: &str, changed: i64, calls: Vec<Call>, expected| {
        let secret = never(name).rotated_by("f");
        let calls = and(calls, [rotation(&secret, 60), rotation(&secret, changed)]);
        (what, secret, calls, expected)
    };
    let cache = |name: &str, days| {
        describe(name)
            .agent(JAVA_CACHE)
            .by(role("app", "worker"))
            .days(days)
    };
    let by_date = never("date").set("LastRotatedDate", json!(time(days_ago(20))));
    check(
        "unread-since-rotation",
        "",
        vec![
            case("never since", "a", 20, vec![by("app", "a", 40)], true),
            case(
                "fetched it",
                "b",
                20,
                vec![by("app", "b", 40), by("app", "b", 12)],
                false,
            ),
            case(
                "its cache saw it",
                "c",
                20,
                vec![by("app", "c", 40), cache("c", 12)],
                false,
            ),
            case("seven days", "d", 7, vec![by("app", "d", 40)], true),
            case("six days", "e", 6, vec![by("app", "e", 40)], false),
            case(
                "read an older one",
                "f",
                20,
                vec![by("app", "f", 70)],
                false,
            ),
            case(
                "steady, and gone",
                "g",
                20,
                daily("app", "g", 30..=59),
                false,
            ),
            ("by the date", by_date, vec![by("app", "date", 40)], true),
            ("never changed", never("h"), vec![by("app", "h", 40)], false),
        ],
    );
}

#[test]
fn a_version_that_is_named_before_and_after_a_change_is_old() {
    let named = |secret: &str, days: i64| {
        let id = "7dc59e8b-63ae-454d-b7a4-8a7d64ab05e7";
        by("app", secret, days)
            .agent(BOTO)
            .request(json!({"secretId": secret, "versionId": id}))
    };
    let case = |what, name: &str, calls: Vec<Call>, expected| {
        let secret = never(name);
        let calls = and(calls, [rotation(&secret, 20)]);
        (what, secret, calls, expected)
    };
    let cache = describe("d").by(role("app", "worker")).days(9);
    check(
        "reads-old-version",
        "",
        vec![
            case(
                "before and after",
                "a",
                vec![named("a", 25), named("a", 5)],
                true,
            ),
            case("after it", "b", vec![named("b", 9), named("b", 5)], false),
            case(
                "before it",
                "c",
                vec![named("c", 25), named("c", 22)],
                false,
            ),
            case(
                "a cache",
                "d",
                vec![named("d", 25), cache, named("d", 5)],
                false,
            ),
            case(
                "no version",
                "e",
                vec![by("app", "e", 25), by("app", "e", 5)],
                false,
            ),
            (
                "no change",
                never("f"),
                vec![named("f", 25), named("f", 5)],
                false,
            ),
        ],
    );
}

#[test]
fn a_program_that_reads_the_previous_version_alone_is_named() {
    let staged = |secret: &str, stage: &str, days| {
        by("app", secret, days)
            .agent(BOTO)
            .request(json!({"secretId": secret, "versionStage": stage}))
    };
    let case = |what, name: &str, calls: Vec<Call>, expected| (what, never(name), calls, expected);
    check(
        "reads-old-version",
        "",
        vec![
            case("previous", "p", vec![staged("p", "AWSPREVIOUS", 5)], true),
            case("current", "q", vec![staged("q", "AWSCURRENT", 5)], false),
            case(
                "both, as for signatures",
                "r",
                vec![staged("r", "AWSPREVIOUS", 5), by("app", "r", 5).agent(BOTO)],
                false,
            ),
            case(
                "another reads the current one",
                "s",
                vec![
                    staged("s", "AWSPREVIOUS", 5),
                    by("other", "s", 5).agent(BOTO),
                ],
                true,
            ),
            case(
                "before the window",
                "t",
                vec![staged("t", "AWSPREVIOUS", 31)],
                false,
            ),
        ],
    );
}
