//! Findings about rotation.

use serde_json::json;

use super::{check, on};
use crate::world::{
    Call, DAY, EAST, Secret, WEST, World, call, days_ago, get, never, role, service_event, time,
};

/// A secret that rotates and is used.
fn rotating(name: &str) -> Secret {
    never(name)
        .rotated_by("rotate")
        .accessed(3)
        .set("NextRotationDate", json!(time(days_ago(-9))))
}

fn event(name: &str, secret: &Secret, days: i64) -> Call {
    service_event(name, json!({"SecretId": secret.arn()})).days(days)
}

fn person() -> serde_json::Value {
    role("AWSReservedSSO_Admin_0123456789abcdef", "ann")
}

fn put(secret: &str, days: i64) -> Call {
    call("PutSecretValue", secret).days(days)
}

fn rotated(secret: Secret, days: i64) -> Secret {
    secret.set("LastRotatedDate", json!(time(days_ago(days))))
}

#[test]
fn a_rotation_fails_where_its_last_event_says_so() {
    let case = |what, secret: Secret, events: &[(&str, i64)], expected| {
        let calls = events
            .iter()
            .map(|(name, days)| event(name, &secret, *days));
        let calls = calls.collect();
        (what, secret, calls, expected)
    };
    let failed = ("RotationFailed", 5);
    let scan = check(
        "rotation-failing",
        "",
        vec![
            case("failed", rotating("a"), &[failed], true),
            case(
                "abandoned",
                rotating("b"),
                &[("RotationAbandoned", 5)],
                true,
            ),
            case(
                "repaired",
                rotating("c"),
                &[failed, ("RotationSucceeded", 4)],
                false,
            ),
            case(
                "broke",
                rotating("d"),
                &[("RotationSucceeded", 6), failed],
                true,
            ),
            case(
                "repaired, by the date",
                rotated(rotating("e"), 4),
                &[failed],
                false,
            ),
            case(
                "failed after the date",
                rotated(rotating("f"), 6),
                &[failed],
                true,
            ),
            case(
                "off",
                rotating("g").set("RotationEnabled", json!(false)),
                &[failed],
                false,
            ),
            case("pending", rotating("h").deleted(1), &[failed], false),
            case(
                "test failed",
                rotating("i"),
                &[("TestRotationFailed", 5)],
                false,
            ),
            case("silent", rotating("j"), &[], false),
        ],
    );
    let text = scan.findings("rotation-failing")[0]["text"].to_string();
    assert!(text.contains("the rotation failed on 2026-10-27"), "{text}");
    // The same without the events: nothing is made up.
    assert_eq!(scan.findings("rotation-overdue").len(), 0);
}

#[test]
fn a_version_in_staging_is_stuck_after_two_days() {
    let staged = |name: &str, stages: serde_json::Value, seconds: i64| {
        rotating(name)
            .set("SecretVersionsToStages", stages)
            .set("LastChangedDate", json!(time(days_ago(0) - seconds)))
    };
    let left = || json!({"one": ["AWSCURRENT"], "two": ["AWSPENDING"]});
    let same = || json!({"one": ["AWSCURRENT", "AWSPENDING"], "two": ["AWSPREVIOUS"]});
    let off = staged("off", left(), 9 * DAY).set("RotationEnabled", json!(false));
    check(
        "rotation-stuck",
        "",
        vec![
            ("left over", staged("a", left(), 2 * DAY), vec![], true),
            (
                "may be under way",
                staged("b", left(), 2 * DAY - 1),
                vec![],
                false,
            ),
            (
                "a rotation that ended",
                staged("c", same(), 9 * DAY),
                vec![],
                false,
            ),
            ("rotation is off", off, vec![], false),
        ],
    );
}

#[test]
fn a_rotation_is_overdue_by_the_rules_of_the_secret() {
    let next = |name: &str, seconds: i64| {
        rotating(name).set("NextRotationDate", json!(time(days_ago(0) - seconds)))
    };
    let rules = |name: &str, rules: serde_json::Value| {
        rotating(name)
            .without("NextRotationDate")
            .set("RotationRules", rules)
    };
    let monthly = || json!({"AutomaticallyAfterDays": 30});
    let rate = || json!({"ScheduleExpression": "rate(30 days)", "AutomaticallyAfterDays": 30});
    let done = next("done", 9 * DAY);
    let success = event("RotationSucceeded", &done, 3);
    let failing = next("failing", 9 * DAY);
    let failure = event("RotationFailed", &failing, 9);
    let cron = json!({"ScheduleExpression": "cron(0 8 1 * ? *)"});
    check(
        "rotation-overdue",
        "",
        vec![
            ("past its grace", next("a", 2 * DAY + 1), vec![], true),
            ("within its grace", next("b", 2 * DAY), vec![], false),
            (
                "days without a date",
                rotated(rules("c", monthly()), 33),
                vec![],
                true,
            ),
            (
                "days, in time",
                rotated(rules("d", monthly()), 31),
                vec![],
                false,
            ),
            (
                "a rate without a date",
                rotated(rules("e", rate()), 33),
                vec![],
                true,
            ),
            (
                "a calendar without a date",
                rotated(rules("f", cron), 300),
                vec![],
                false,
            ),
            ("never rotated", rules("g", monthly()), vec![], true),
            ("an older inventory", done, vec![success], false),
            ("said by rotation-failing", failing, vec![failure], false),
            (
                "off",
                next("h", 9 * DAY).set("RotationEnabled", json!(false)),
                vec![],
                false,
            ),
        ],
    );
}

#[test]
fn what_should_rotate_and_does_not_is_named() {
    let used = |name: &str| never(name).accessed(5);
    let was = rotated(used("was").set("RotationEnabled", json!(false)), 90);
    let scan = check(
        "rotation-off",
        "[findings]\nmust_rotate = [\"pay/*\"]\nmust_rotate_tags = [\"class=a\"]\n",
        vec![
            ("a database", used("orders/db"), vec![], true),
            (
                "a word in capitals",
                used("Orders_Postgres.1"),
                vec![],
                true,
            ),
            ("letters within a word", used("adbanner/key"), vec![], false),
            ("nobody reads it", never("unused/db"), vec![], false),
            (
                "somebody only asks",
                never("asked/db"),
                vec![get("asked/db").error("AccessDenied", "no")],
                false,
            ),
            ("it rotated before", was, vec![], true),
            ("the policy names it", never("pay/key"), vec![], true),
            ("a tag", never("tagged").tag("class", "a"), vec![], true),
            (
                "another value of the tag",
                never("other").tag("class", "b"),
                vec![],
                false,
            ),
            (
                "it rotates",
                used("rotating/db").rotated_by("f"),
                vec![],
                false,
            ),
            (
                "another service",
                used("rds!db").set("OwningService", json!("rds")),
                vec![],
                false,
            ),
            ("a replica", used("replica/db").primary(WEST), vec![], false),
            (
                "a program rotates it",
                used("vault/db"),
                vec![put("vault/db", 9)],
                false,
            ),
            (
                "a person wrote it",
                used("person/db"),
                vec![put("person/db", 9).by(person())],
                true,
            ),
        ],
    );
    for row in scan.findings("rotation-off") {
        let by_name = row["text"].to_string().contains("mentions a database");
        assert_eq!(row["severity"], if by_name { "low" } else { "medium" });
    }
}

#[test]
fn an_inventory_without_the_fields_of_rotation_is_said_once() {
    let bare = |name: &str| {
        never(name)
            .accessed(3)
            .only(&["LastAccessedDate", "CreatedDate"])
    };
    let scan = World::new()
        .secrets([bare("one/db"), bare("two/db")])
        .scan();
    assert_eq!(scan.findings("rotation-off").len(), 0);
    let said = scan.report["assumptions"].to_string();
    assert!(
        said.contains("Whether 2 secrets rotate could not be judged"),
        "{said}"
    );
}

#[test]
fn a_value_that_somebody_puts_into_a_rotating_secret_is_named() {
    let twenty = |name: &str| rotated(rotating(name), 20);
    let by_events = rotating("by-events");
    let success = event("RotationSucceeded", &by_events, 9);
    let function = || put("function", 5).by(role("rotate-role", "rotate"));
    let refused = put("refused", 5).by(person()).error("AccessDenied", "no");
    check(
        "changed-by-hand",
        "",
        vec![
            (
                "a person",
                twenty("a"),
                vec![put("a", 5).by(person())],
                true,
            ),
            ("a program", twenty("b"), vec![put("b", 5)], true),
            (
                "before it rotated",
                twenty("c"),
                vec![put("c", 25).by(person())],
                false,
            ),
            (
                "before the window",
                rotated(rotating("d"), 60),
                vec![put("d", 31)],
                false,
            ),
            (
                "in the window",
                rotated(rotating("e"), 60),
                vec![put("e", 29)],
                true,
            ),
            ("its function", twenty("function"), vec![function()], false),
            ("refused", twenty("refused"), vec![refused], false),
            (
                "known from events",
                by_events,
                vec![success, put("by-events", 5)],
                true,
            ),
            ("never rotated", rotating("f"), vec![put("f", 5)], false),
        ],
    );
}

#[test]
fn a_value_is_old_after_a_year_without_any_change() {
    let used = |name: &str, days| never(name).created(days).accessed(5);
    let read = never("read").created(500);
    check(
        "never-rotated",
        &on("never-rotated"),
        vec![
            ("a year", used("a", 365), vec![], true),
            ("a day less", used("b", 364), vec![], false),
            ("nobody reads it", never("c").created(500), vec![], false),
            ("read by the trail", read, vec![get("read")], true),
            ("it rotated", rotated(used("d", 500), 400), vec![], false),
            ("said by rotation-off", used("e/db", 500), vec![], false),
            (
                "a replica",
                used("f", 500).at(crate::world::ACCOUNT, EAST).primary(WEST),
                vec![],
                false,
            ),
        ],
    );
    let silent = World::new().secret(used("a", 500)).scan();
    assert_eq!(silent.findings("never-rotated").len(), 0, "off by default");
}
