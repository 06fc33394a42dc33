//! What finance gets: parts of a report, changes and charges that agree with the whole and with the price list.

use serde_json::Value;

use crate::world::*;

/// Ireland is cheaper, and only what is pending deletion stands there.
const PRICES: &str = r#"
    [[prices]]
    region = "eu-west-1"
    secret_month_usd = "0.30"
    api_10k_usd = "0.0455"
"#;

fn scan() -> Scan {
    let read = |name: &str| get(name).days(3);
    World::new()
        .logging(ACCOUNT, WEST)
        .secrets([
            idle("used").customer_key(),
            idle("pending").deleted(10),
            idle("events!connection/pending").deleted(10),
            idle("cheap").region(WEST).deleted(10),
            idle("cheap/used").region(WEST).deleted(2),
        ])
        .calls(read("used").every(HOUR, 3))
        .calls(read("cheap/used").region(WEST).every(HOUR, 3))
        .calls(get("nowhere").days(3).region(WEST).every(HOUR, 7))
        .file("prices.toml", PRICES)
        .args(&["--prices", "prices.toml", "--format", "focus"])
        .scan()
}

/// Renders a finished scan again.
fn report(scan: &Scan, args: &[&str]) -> String {
    let output = program(&scan.path(), &[&["report", "out"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn pending(scan: &Scan, args: &[&str]) -> String {
    let json = report(scan, &[&["--format", "json"], args].concat());
    let report: Value = serde_json::from_str(&json).unwrap();
    let pending = &report["totals"]["pending_usd"];
    pending.as_str().unwrap().to_owned()
}

/// Takes out of a finished scan what older versions did not write.
fn as_older_versions_wrote_it(scan: &Scan) {
    let mut report = scan.report.clone();
    for scope in report["scopes"].as_array_mut().unwrap() {
        scope.as_object_mut().unwrap().remove("price").unwrap();
    }
    write(
        &scan.path().join("out/report.json"),
        report.to_string().as_bytes(),
    );
}

#[test]
fn a_selection_knows_what_its_own_pending_deletions_save() {
    let scan = scan();
    let globs = [
        ("pending", "0.400000"),
        ("events!*", "0.000000"),
        ("cheap", "0.300000"),
        ("cheap*", "0.600000"),
        ("used", "0.000000"),
        ("*", "1.000000"),
    ];
    for (glob, saved) in globs {
        assert_eq!(pending(&scan, &["--only", glob]), saved, "{glob}");
    }
    assert_eq!(pending(&scan, &["--exclude", "cheap*"]), "0.400000");
    as_older_versions_wrote_it(&scan);
    assert_eq!(pending(&scan, &["--only", "*"]), "1.000000");
    assert_eq!(
        pending(&scan, &["--only", "pending"]),
        "0.250000",
        "by number"
    );
}

#[test]
fn charges_have_the_unit_prices_of_their_own_region() {
    let scan = scan();
    let shown = |text: &str| -> Vec<[String; 3]> {
        let rows = csv_records(text.as_bytes());
        let rows = rows.iter().map(|row| {
            ["RegionId", "PricingUnit", "ListUnitPrice"].map(|column| row[column].clone())
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        rows.dedup();
        rows
    };
    let of = |text: &str, region: &str, unit: &str| -> Vec<String> {
        let rows = shown(text).into_iter();
        let rows = rows.filter(|row| row[0] == region && row[1] == unit);
        rows.map(|[_, _, price]| price).collect()
    };
    let charges = scan.file("focus.csv");
    assert_eq!(of(&charges, EAST, "Secret-Months"), ["0.400000"]);
    assert_eq!(of(&charges, WEST, "Secret-Months"), ["0.300000"]);
    // The three reads of the secret, their decryptions, and the seven calls of no secret.
    assert_eq!(of(&charges, EAST, "Requests"), ["0.000003", "0.000005"]);
    assert_eq!(of(&charges, WEST, "Requests"), ["0.00000455"]);
    as_older_versions_wrote_it(&scan);
    let older = report(&scan, &["--format", "focus"]);
    let guessed = of(&older, WEST, "Secret-Months");
    assert_eq!(
        guessed,
        ["0.400000"],
        "of another Region: it said no other price"
    );
}

#[test]
fn an_earlier_scan_is_compared_in_the_same_view() {
    let scan = scan();
    let view = ["--previous", "out", "--only", "used", "--format", "csv"];
    report(&scan, &[view.as_slice(), &["--out", "part"]].concat());
    let summary = std::fs::read(scan.path().join("part/summary.csv")).unwrap();
    for row in csv_records(&summary) {
        assert_eq!(row["change_usd_month"], "0.000000", "{row:?}");
    }
}
