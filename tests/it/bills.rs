//! Bills beside a month's scan: every charge counted once, shown by name, and never in the way of a program.

use serde_json::{Value, json};

use crate::world::*;

const HEADER: &str = "line_item_usage_account_id,line_item_usage_start_date,line_item_usage_end_date,\
    line_item_product_code,line_item_usage_type,line_item_unblended_cost,line_item_line_item_type,product_region_code\n";

/// A line of a Cost and Usage Report of the month.
fn line(usage_type: &str, usd: &str, kind: &str) -> String {
    format!(
        "{ACCOUNT},2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,AWSSecretsManager,{usage_type},{usd},{kind},{EAST}\n"
    )
}

fn storage(usd: &str) -> String {
    line("USE1-AWSSecretsManager-Secrets", usd, "Usage")
}

fn scan(bill: &[String]) -> Scan {
    World::new()
        .secret(idle("db"))
        .file("bill/cur.csv", format!("{HEADER}{}", bill.concat()))
        .args(&["--month", "2026-10", "--bill", "bill"])
        .scan()
}

/// Returns what the bill's comparison says, in JSON.
fn compared(scan: &Scan, bill: &str) -> Value {
    let args = ["report", "out", "--bill", bill, "--format", "json", "--out"];
    let output = program(
        &scan.path(),
        &[&args[..], &["with-bill", "--overwrite"]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let bytes = std::fs::read(scan.path().join("with-bill/bill.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_document_on_stdout_ends_where_its_format_ends() {
    let scan = scan(&[storage("0.40")]);
    for format in ["json", "csv", "focus", "html"] {
        let plain = program(&scan.path(), &["report", "out", "--format", format]);
        let args = ["report", "out", "--format", format, "--bill", "bill"];
        let both = program(&scan.path(), &args);
        assert_eq!(both.status.code(), Some(0), "{format}");
        if format == "html" {
            let page = String::from_utf8(both.stdout).unwrap();
            assert!(page.contains("id=\"bill\"") && page.trim_end().ends_with("</html>"));
        } else {
            assert!(plain.stdout == both.stdout, "{format} has more than itself");
        }
        let said = String::from_utf8(both.stderr).unwrap();
        assert!(said.contains("difference"), "{format}: {said}");
    }
    let text = program(&scan.path(), &["report", "out", "--bill", "bill"]);
    assert!(
        String::from_utf8(text.stdout)
            .unwrap()
            .contains("difference")
    );
}

#[test]
fn charges_and_taxes_that_are_not_understood_are_in_the_total_and_named() {
    let scan = scan(&[
        storage("20"),
        line("USE1-AWSSecretsManager-Vault", "150", "Usage"),
        line("", "3.80", "Tax"),
    ]);
    let found = compared(&scan, "bill");
    assert_eq!(found["totals"]["billed_usd"], "170.000000");
    assert_eq!(found["totals"]["adjustments_usd"], "3.800000");
    let rows = found["rows"].as_array().unwrap();
    let other = rows.iter().find(|row| row["place"]["part"] == "other");
    assert_eq!(other.unwrap()["billed_usd"], "150.000000");
    assert!(
        found["reasons"]
            .to_string()
            .contains("USE1-AWSSecretsManager-Vault"),
        "{}",
        found["reasons"]
    );
}

#[test]
fn a_tax_line_alone_is_an_adjustment_and_no_unknown_usage() {
    let scan = scan(&[storage("0.40"), line("", "0.08", "Tax")]);
    let found = compared(&scan, "bill");
    assert_eq!(found["totals"]["billed_usd"], "0.400000");
    assert_eq!(found["totals"]["adjustments_usd"], "0.080000");
    assert!(!found["reasons"].to_string().contains("not-understood"));
}

/// Two deliveries of one month, an old one and the one that counts, in a folder of the month.
fn two_deliveries(scan: &Scan, data: &str) {
    for (delivery, usd) in [("aaa-old", "9"), ("bbb-new", "20")] {
        let path = scan.path().join(format!("{data}/{delivery}/cur-00001.csv"));
        write(&path, format!("{HEADER}{}", storage(usd)).as_bytes());
    }
}

#[test]
fn the_manifest_of_a_month_says_which_delivery_counts() {
    let legacy = json!({"reportKeys": ["cur/r/20261001-20261101/bbb-new/cur-00001.csv"]});
    let exports = json!({"dataFiles": ["s3://bucket/cur/x/data/BILLING_PERIOD=2026-10/bbb-new/cur-00001.csv"]});
    for (data, manifest, text) in [
        (
            "legacy/r/20261001-20261101",
            "legacy/r/20261001-20261101/r-Manifest.json",
            legacy,
        ),
        (
            "exports/x/data/BILLING_PERIOD=2026-10",
            "exports/x/metadata/BILLING_PERIOD=2026-10/x-Manifest.json",
            exports,
        ),
    ] {
        let scan = scan(&[storage("20")]);
        let folder = data.split('/').next().unwrap();
        two_deliveries(&scan, data);
        let refused = program(&scan.path(), &["report", "out", "--bill", folder]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("aaa-old") && said.contains("bbb-new"),
            "{said}"
        );

        write(&scan.path().join(manifest), text.to_string().as_bytes());
        let found = compared(&scan, folder);
        assert_eq!(found["totals"]["billed_usd"], "20.000000", "{folder}");

        let missing = text
            .to_string()
            .replace("cur-00001.csv\"", "cur-00002.csv\"");
        write(&scan.path().join(manifest), missing.as_bytes());
        let refused = program(&scan.path(), &["report", "out", "--bill", folder]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("cur-00002.csv"), "{folder}: {said}");
    }
}

/// A line of usage with how much was used.
fn used(usage_type: &str, usd: &str, quantity: &str, kind: &str) -> String {
    let whole = line(usage_type, usd, kind);
    format!("{},{quantity}\n", whole.trim_end())
}

#[test]
fn the_prices_that_were_paid_are_those_of_the_bill_beside_the_list() {
    let header = format!("{},line_item_usage_amount\n", HEADER.trim_end());
    let storage = "USE1-AWSSecretsManager-Secrets";
    let lines = [
        used(storage, "20", "50", "Usage"),
        used(storage, "-2", "", "EdpDiscount"),
        used(storage, "-3", "", "Credit"),
    ];
    let world = World::new()
        .secret(idle("db"))
        .calls(get("db").days(3).every(60, 1_000))
        .file("bill/cur.csv", format!("{header}{}", lines.concat()))
        .args(&["--month", "2026-10", "--prices", "from-bill"]);
    let without = world.scan();
    assert_eq!(without.code, 2, "{}", without.stderr);
    assert!(without.stderr.contains("--bill"), "{}", without.stderr);
    let scan = world.args(&["--bill", "bill"]).scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    let cost = &scan.secret("db")["window_cost"];
    // 18 dollars for 50 secrets: the discount is in the price, the credit is not.
    assert_eq!(cost["storage_usd"], "0.360000");
    // The bill has no calls, so they cost what the list says.
    assert_eq!(cost["api_usd"], "0.005000");
    assert!(
        std::fs::read_to_string(scan.path().join("out/secrets.csv"))
            .unwrap()
            .contains(",paid\n")
    );
    let scope = &scan.report["scopes"][0];
    assert_eq!(scope["price"]["secret_month_usd"], "0.360000");
    assert_eq!(scope["list_price"]["secret_month_usd"], "0.400000");
    let said = scan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("$0.360000 a secret and month (list: $0.400000)"),
        "{said}"
    );
    assert!(
        said.contains("the bill charges nothing for calls"),
        "{said}"
    );
}
