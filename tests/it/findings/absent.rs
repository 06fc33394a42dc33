//! What is absent gives no finding: a trail, the calls of Secrets Manager in it, tags, and covered time. What cannot be
//! judged is said once, however many secrets there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{ACCOUNT, DAY, EAST, NOW_S, Scan, Secret, World, days_ago, get, never, role};

/// All kinds are on, and every rule that needs a setting has one.
const EVERYTHING: &str = r#"
[findings]
on = ["no-description", "duplicate-name", "naming", "cross-team"]
require_vpc_endpoint = true
require_tls_1_3 = true
"#;

/// A database's secret, which rotates, and is old enough for every rule about age.
fn rotating(number: usize) -> Secret {
    never(&format!("team/{number}/db"))
        .created(700)
        .accessed(3)
        .set("Description", json!("Database of a team"))
        .rotated_by("rotate-db")
        .set("RotationRules", json!({"AutomaticallyAfterDays": 30}))
        .set("LastRotatedDate", json!(days_ago(10)))
        .set("NextRotationDate", json!(NOW_S + 20 * DAY))
}

fn secrets(count: usize) -> impl Iterator<Item = Secret> {
    (0..count).map(rotating)
}

fn codes(scan: &Scan) -> BTreeSet<String> {
    let rows = scan.report["findings"].as_array();
    let codes = rows.into_iter().flatten().map(|row| &row["code"]);
    codes.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The assumptions, without their numbers.
fn sentences(scan: &Scan) -> Vec<String> {
    let all = scan.report["assumptions"].as_array().unwrap();
    let words = all.iter().filter_map(Value::as_str);
    words
        .map(|text| text.replace(|letter: char| letter.is_ascii_digit(), ""))
        .map(|text| text.replace("secrets", "secret"))
        .collect()
}

/// A role that reads one secret a day for 80 days, and is refused another.
fn reads() -> Vec<crate::world::Call> {
    (1..80)
        .map(|day| get("team/0/db").by(role("app", "one")).days(day))
        .collect()
}

#[test]
fn nothing_is_found_where_nothing_can_be_seen() {
    let worlds = |count: usize| {
        [
            ("no trail", World::silent().no_trail(), count),
            (
                "a trail without calls of Secrets Manager",
                World::new(),
                count,
            ),
            (
                "reads, and a trail of which nothing is covered",
                World::silent().calls(reads()),
                count,
            ),
            (
                "reads, and a trail that covers two days",
                World::silent()
                    .logging_between(ACCOUNT, EAST, days_ago(2), NOW_S + DAY, &[])
                    .calls(reads()),
                count,
            ),
        ]
        .map(|(what, world, count)| {
            (
                what,
                world.policy(EVERYTHING).secrets(secrets(count)).scan(),
            )
        })
    };
    for ((what, few), (_, many)) in worlds(2).into_iter().zip(worlds(12)) {
        assert_eq!(codes(&few), BTreeSet::new(), "{what}: {few:#?}");
        assert_eq!(codes(&many), BTreeSet::new(), "{what}: {many:#?}");
        let said = sentences(&many);
        let distinct: BTreeSet<_> = said.iter().collect();
        assert_eq!(distinct.len(), said.len(), "{what}: said twice: {said:#?}");
        assert_eq!(sentences(&few).len(), said.len(), "{what}: {said:#?}");
        let is_unjudged = said.iter().any(|text| text.contains("could not be judged"));
        assert_eq!(is_unjudged, what.starts_with("reads"), "{what}: {said:#?}");
    }
}
