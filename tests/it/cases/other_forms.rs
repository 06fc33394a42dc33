//! The forms in which other services and tools hand out records: the report is that of the plain log files, but that what
//! was handed out proves no silence.

use super::*;
use crate::trail::forms::{calls, forms, texts};

fn inventory() -> World {
    World::silent().secrets([
        idle("app/db").accessed(19),
        idle("app/loop").accessed(10),
        idle(IDLE),
    ])
}

/// The parts of a report that say what was called, by whom, and what that costs.
fn story(scan: &Scan) -> serde_json::Value {
    let part = |name: &str| scan.report[name].clone();
    serde_json::json!([
        part("secrets"),
        part("totals"),
        part("loops"),
        part("findings")
    ])
}

#[test]
fn beside_a_whole_trail_each_form_gives_the_report_of_the_plain_records() {
    let records = texts(&calls());
    let world = || inventory().logging(ACCOUNT, EAST);
    let plain = format!("{{\"Records\":[{}]}}", records.join(","));
    let plain = world().file("trail/plain.json", plain).scan();
    assert_eq!(plain.code, 0, "{} {}", plain.stderr, plain.gaps());
    assert_eq!(plain.secret("app/loop")["reads"], 200);
    goes(&plain, IDLE);
    for (name, bytes) in forms(&records) {
        let scan = world().file(&format!("trail/{name}"), bytes).scan();
        assert_eq!(scan.gaps(), "[]", "{name}");
        assert_eq!(story(&scan), story(&plain), "{name}");
    }
}

#[test]
fn nothing_that_was_handed_out_proves_that_nobody_reads() {
    let hours = (0..92 * 24).map(|hour| bustle(ACCOUNT, EAST, days_ago(92) + hour * HOUR));
    let all: Vec<Call> = hours.chain(calls()).collect();
    let records = texts(&all);
    let plain = format!("{{\"Records\":[{}]}}", records.join(","));
    // The same records in log files cover the time.
    goes(&inventory().file("trail/plain.json", plain).scan(), IDLE);
    for (name, bytes) in forms(&records) {
        let scan = inventory()
            .file(&format!("trail/{name}"), bytes)
            .args(&["--allow-partial"])
            .scan();
        is_judged(&scan, IDLE, "review");
        let said = scan.secret(IDLE)["reasons"].to_string() + &scan.gaps();
        assert!(said.contains("given out by a query"), "{name}: {said}");
        assert_eq!(scan.secret("app/loop")["reads"], 200, "{name}");
    }
}

#[test]
fn the_signature_beside_a_result_of_lake_is_no_gap() {
    let folder = "trail/AWSLogs/111122223333/CloudTrail-Lake/Query/2026/11/01/0c5d";
    let sign = "{\"version\":\"1.0\",\"region\":\"us-east-1\",\"files\":[{\"fileHashValue\":\"de85a4\"}],\"hashAlgorithm\":\"SHA-256\"}";
    let scan = world()
        .file(&format!("{folder}/result_sign.json"), sign)
        .scan();
    assert_eq!(scan.gaps(), "[]");
    goes(&scan, IDLE);
}
