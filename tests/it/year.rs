//! Twelve months of the example organization, side by side.
//!
//! Two of its months are scanned for real. A year is made of them by shifting their dates, as if the organization had gone on
//! so: the trend then has to say what the single scans say, to the micro-dollar.

use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::demo::MADE;
use crate::world::*;

fn run(folder: &Path, args: &[&str]) -> Output {
    let output = program(folder, args);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The two whole months of the example's trail, scanned once for all tests, and the example's own report. Each test works in
/// a copy of the results.
fn two_months() -> TempDir {
    static SCANNED: LazyLock<TempDir> = LazyLock::new(scanned);
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        (MADE.path("report"), "demo/report"),
        (SCANNED.path().join("2026-09"), "scanned/2026-09"),
        (SCANNED.path().join("2026-10"), "scanned/2026-10"),
    ] {
        let report = std::fs::read(from.join("report.json")).unwrap();
        write(&folder.path().join(to).join("report.json"), &report);
    }
    folder
}

fn scanned() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = |inside: &str| MADE.path(inside).to_str().unwrap().to_owned();
    let (inventory, trail) = (example("inventory"), example("trail"));
    let policy = example("secretsweep.toml");
    for month in ["2026-09", "2026-10"] {
        let args = [
            "scan",
            "--inventory",
            &inventory,
            "--trail",
            &trail,
            "--policy",
            &policy,
            "--now",
            NOW,
            "--month",
            month,
            "--out",
            month,
            "--allow-partial",
        ];
        run(folder.path(), &args);
    }
    folder
}

/// A scan of one month as one of another: its month, its window and its moment.
fn shifted(report: &Value, month: &str, next: &str) -> Value {
    let mut report = report.clone();
    report["policy"]["month"] = month.into();
    report["window"]["from"] = format!("{month}-01T00:00:00Z").into();
    report["window"]["to"] = format!("{next}-01T00:00:00Z").into();
    report["made"] = format!("{next}-02T00:00:00Z").into();
    report
}

/// `YYYY-MM` of so many months after November 2025.
fn month(number: u32) -> String {
    let at = 10 + number;
    format!("{}-{:02}", 2025 + at / 12, at % 12 + 1)
}

/// The parts of what a month cost, and their sum.
const PARTS: [&str; 4] = ["storage_usd", "api_usd", "kms_usd", "total_usd"];

/// A month and what its scan says it cost, by part, in micro-dollars.
type MonthCost = (String, [i64; 4]);

fn cost_of(name: &str, report: &Value) -> MonthCost {
    let parts = PARTS.map(|part| micros(&report["totals"]["window_cost"][part]));
    (name.to_owned(), parts)
}

#[test]
fn the_sums_of_a_year_are_those_of_its_scans() {
    let folder = two_months();
    let read = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.path().join(path)).unwrap()).unwrap()
    };
    let scans = ["2026-09", "2026-10"].map(|month| read(&format!("scanned/{month}/report.json")));
    let mut expect = Vec::new();
    for number in 0..12_u32 {
        let (name, next) = (month(number), month(number + 1));
        let report = shifted(&scans[number as usize % 2], &name, &next);
        expect.push(cost_of(&name, &report));
        let path = folder.path().join(format!("year/{name}/report.json"));
        write(&path, report.to_string().as_bytes());
    }
    trend_says(folder.path(), &expect);
}

/// The example organization of twelve days, each the first one of a month, and a scan of the month before each.
#[test]
#[ignore = "it writes and scans the example organization twelve times, which takes minutes"]
fn the_sums_of_twelve_scanned_months_are_those_of_the_scans() {
    let folder = tempfile::tempdir().unwrap();
    let mut expect = Vec::new();
    for number in 0..12_u32 {
        let (name, next) = (month(number), month(number + 1));
        let (demo, out) = (format!("demo-{name}"), format!("year/{name}"));
        let now = format!("{next}-01");
        run(folder.path(), &["demo", &demo, "--quiet", "--now", &now]);
        let path = |inside: &str| format!("{demo}/{inside}");
        let (inventory, trail) = (path("inventory"), path("trail"));
        let policy = path("secretsweep.toml");
        let args = [
            "scan",
            "--inventory",
            &inventory,
            "--trail",
            &trail,
            "--policy",
            &policy,
            "--now",
            &now,
            "--month",
            &name,
            "--out",
            &out,
            "--allow-partial",
        ];
        run(folder.path(), &args);
        std::fs::remove_dir_all(folder.path().join(&demo)).unwrap();
        let report = std::fs::read(folder.path().join(&out).join("report.json")).unwrap();
        expect.push(cost_of(&name, &serde_json::from_slice(&report).unwrap()));
    }
    // Months of 28, 30 and 31 days cost differently, so the sums are no copies of each other.
    let totals: std::collections::BTreeSet<i64> = expect.iter().map(|month| month.1[3]).collect();
    assert!(totals.len() > 2, "{expect:?}");
    trend_says(folder.path(), &expect);
}

/// The trend of the folder `year` has these months with these costs, and its groups and changes add up to them.
fn trend_says(folder: &Path, expect: &[MonthCost]) {
    let trend = run(folder, &["trend", "year", "--format", "json"]).stdout;
    let trend: Value = serde_json::from_slice(&trend).unwrap();
    let months = trend["months"].as_array().unwrap();
    let found: Vec<MonthCost> = months
        .iter()
        .map(|month| {
            let cost = &month["scan"]["cost"];
            let name = month["month"].as_str().unwrap().to_owned();
            (name, PARTS.map(|part| micros(&cost[part])))
        })
        .collect();
    assert_eq!(found, expect);
    for (at, (name, parts)) in expect.iter().enumerate() {
        for groups in ["owners", "accounts"] {
            let groups = trend[groups].as_array().unwrap().iter();
            let sum: i64 = groups.map(|group| micros(&group["months"][at])).sum();
            assert_eq!(sum, parts[3], "{name}");
        }
        if at > 0 {
            let change = micros(&months[at]["scan"]["change_usd"]);
            assert_eq!(change, parts[3] - expect[at - 1].1[3], "{name}");
            assert!(months[at]["scan"]["movers"].as_array().unwrap().len() <= 3);
        }
    }
    let csv = run(folder, &["trend", "year", "--format", "csv"]).stdout;
    for (name, parts) in expect {
        for by in ["total", "owner", "account"] {
            let rows = csv_records(&csv);
            let rows = rows
                .iter()
                .filter(|row| row["month"] == *name && row["group_by"] == by);
            let sum: i64 = rows.map(|row| micros_of(&row["total_usd"])).sum();
            assert_eq!(sum, parts[3], "{name} {by}");
        }
    }
    assert_eq!(trend["forecast"]["month"], "2026-11");
}

#[test]
fn what_takes_no_part_is_said_and_a_missing_month_is_marked() {
    let folder = two_months();
    let read = |month: &str| -> Value {
        let path = folder.path().join(format!("scanned/{month}/report.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let earlier = shifted(&read("2026-09"), "2026-07", "2026-08");
    let path = folder.path().join("scanned/2026-07/report.json");
    write(&path, earlier.to_string().as_bytes());
    // The example's own scan has a sliding window.
    std::fs::rename(
        folder.path().join("demo/report"),
        folder.path().join("scanned/sliding"),
    )
    .unwrap();
    let output = run(folder.path(), &["trend", "scanned"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("sliding` is skipped"), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("2026-08  no scan of this month"), "{text}");
    // The hole of the example's trail lies in both of its months.
    assert!(text.contains("estimated"), "{text}");
    let args = ["trend", "scanned", "--format", "html", "--out", "page"];
    run(folder.path(), &args);
    let page = std::fs::read_to_string(folder.path().join("page/trend.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("no scan"));

    std::fs::create_dir(folder.path().join("nothing")).unwrap();
    let empty = program(folder.path(), &["trend", "nothing"]);
    assert_eq!(empty.status.code(), Some(1));
    let said = String::from_utf8(empty.stderr).unwrap();
    assert!(said.contains("holds no finished scan"), "{said}");
    let sliding = program(folder.path(), &["trend", "scanned/sliding"]);
    let said = String::from_utf8(sliding.stderr).unwrap();
    assert!(said.contains("none of a calendar month"), "{said}");
}
