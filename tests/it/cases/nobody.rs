//! Calls of no known secret have a caller and a cost like all others, and the sums agree.

use serde_json::{Value, json};

use super::*;

/// The sum of the amounts at this key, in millionths of a US dollar.
fn total(rows: &[Value], key: &str) -> i64 {
    rows.iter().map(|row| micros(&row[key])).sum()
}

fn mixed() -> Scan {
    let missing = get("no/such").error(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    );
    let list = call("ListSecrets", "").request(json!({"maxResults": 100}));
    world()
        .logging(ACCOUNT, WEST)
        .secrets([idle("x").customer_key(), idle("y")])
        .calls(get("x").by(role("app", "pod-1")).days(3).every(HOUR, 31))
        .calls(get("x").by(role("other", "pod-2")).days(3).every(HOUR, 17))
        .calls(
            describe("x")
                .by(role("other", "pod-2"))
                .days(3)
                .every(HOUR, 13),
        )
        .calls(get("y").by(role("app", "pod-1")).days(5).every(HOUR, 7))
        .calls(missing.by(role("lost", "1")).days(3).every(700, 11))
        .calls(
            list.clone()
                .by(role("inventory", "poll"))
                .days(3)
                .every(60, 57),
        )
        .calls(list.by(role("auditor", "poll")).days(9).every(HOUR, 19))
        .calls(
            call("GetRandomPassword", "")
                .by(role("app", "pod-1"))
                .region(WEST)
                .days(2)
                .every(HOUR, 5),
        )
        .scan()
}

#[test]
fn every_priced_call_has_a_caller_and_the_shares_are_the_whole() {
    let scan = mixed();
    for row in scan.report["secrets"].as_array().unwrap() {
        let readers = row["readers"].as_array().unwrap();
        for key in ["api_usd", "kms_usd"] {
            assert_eq!(
                total(readers, key),
                micros(&row["cost"][key]),
                "{key} of {}",
                row["name"]
            );
        }
    }
    let nobodys = scan.report["unattributed"].as_array().unwrap();
    assert_eq!(nobodys.len(), 2, "one for each Region");
    for row in nobodys {
        let callers = row["callers"].as_array().unwrap();
        let calls: u64 = callers
            .iter()
            .map(|row| row["calls"].as_u64().unwrap())
            .sum();
        assert_eq!(Some(calls), row["calls"].as_u64());
        for key in ["api_usd", "window_api_usd"] {
            assert_eq!(total(callers, key), micros(&row[key]), "{key}");
        }
    }
}

#[test]
fn the_table_of_readers_holds_all_costs_of_calls() {
    let scan = mixed();
    let rows = scan.csv("readers.csv");
    for (column, key) in [("api_usd_month", "api_usd"), ("kms_usd_month", "kms_usd")] {
        let amounts = rows.iter().map(|row| row[column].as_str());
        let sum: i64 = amounts
            .filter(|amount| !amount.is_empty())
            .map(micros_of)
            .sum();
        assert_eq!(sum, micros(&scan.report["totals"][key]), "{column}");
    }
    let nobodys: Vec<_> = rows
        .iter()
        .filter(|row| row["arn"].is_empty())
        .map(|row| {
            let role = row["reader"].rsplit('/').next().unwrap();
            (role, row["what"].as_str(), row["calls"].as_str())
        })
        .collect();
    assert_eq!(
        nobodys,
        [
            ("app", "GetRandomPassword", "5"),
            ("inventory", "ListSecrets", "57"),
            ("auditor", "ListSecrets", "19"),
            ("lost", "name not in the inventory", "11"),
        ]
    );
}

#[test]
fn the_page_names_who_calls_for_no_known_secret() {
    let page = mixed().file("report.html");
    let (_, section) = page.split_once("<section id=\"nobody\"").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    for text in [
        "inventory <span",
        "ListSecrets",
        "lost <span",
        "name not in the inventory",
    ] {
        assert!(section.contains(text), "{text} is not in {section}");
    }
}
