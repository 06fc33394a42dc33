//! What finance gets: parts of a report, changes and charges that agree with the whole and with the price list.

use serde_json::{Value, json};

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
            ["RegionId", "PricingUnit", "ContractedUnitPrice"].map(|column| row[column].clone())
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
    let all = csv_records(charges.as_bytes());
    for row in all
        .iter()
        .filter(|row| row["PricingUnit"] == "Secret-Months")
    {
        assert_eq!(
            row["ListUnitPrice"], "0.400000",
            "the public price: {row:?}"
        );
    }
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

#[test]
fn a_charge_has_one_billing_period_and_the_names_that_are_known() {
    let scan = World::new()
        .policy("[accounts]\n111122223333 = \"production\"\n")
        .secret(idle("db").created(45))
        .calls(get("db").at(days_ago(33)).every(DAY, 20))
        .args(&["--window", "40d", "--format", "focus"])
        .scan();
    let rows = scan.csv("focus.csv");
    let mut months: Vec<_> = rows
        .iter()
        .map(|row| {
            [&row["BillingPeriodStart"], &row["BillingPeriodEnd"]].map(|text| text[..10].to_owned())
        })
        .collect();
    months.sort();
    months.dedup();
    let month = |from: &str, to: &str| [from.to_owned(), to.to_owned()];
    assert_eq!(
        months,
        [
            month("2026-09-01", "2026-10-01"),
            month("2026-10-01", "2026-11-01")
        ]
    );
    for row in &rows {
        assert!(
            row["ChargePeriodStart"] >= row["BillingPeriodStart"],
            "{row:?}"
        );
        assert!(row["ChargePeriodEnd"] <= row["BillingPeriodEnd"], "{row:?}");
        assert_eq!(row["SubAccountName"], "production");
        assert_eq!(row["RegionName"], "US East (N. Virginia)");
    }
    let sum: i64 = rows.iter().map(|row| micros_of(&row["BilledCost"])).sum();
    assert_eq!(
        sum,
        micros(&scan.report["totals"]["window_cost"]["total_usd"])
    );
    let newest = report(&scan, &["--format", "focus", "--focus-version", "1.3"]);
    assert!(
        newest
            .lines()
            .next()
            .unwrap()
            .contains("ServiceProviderName")
    );
}

#[test]
fn the_page_shows_the_bill() {
    let bill = "line_item_usage_account_id,line_item_usage_start_date,line_item_usage_end_date,line_item_usage_type,\
        line_item_unblended_cost\n111122223333,2026-10-01,2026-11-01,USE1-AWSSecretsManager-Secrets,7.25\n";
    let scan = World::new()
        .secret(idle("db"))
        .file("bill.csv", bill)
        .args(&["--month", "2026-10", "--bill", "bill.csv"])
        .scan();
    let page = scan.file("report.html");
    assert!(page.contains("id=\"bill\"") && page.contains("$7.25"));
    assert!(!report(&scan, &["--format", "html"]).contains("id=\"bill\""));
}

/// Two owners, one of whom also asks for a name that is missing; a list by nobody's role.
fn shared_out(policy: &str) -> Scan {
    let by = |role_name: &str, call: Call| call.by(role(role_name, "i-1"));
    World::new()
        .secret(idle("pay/db").tag("owner", "payments"))
        .secret(idle("web/key").tag("owner", "web"))
        .calls(by("pay-api", get("pay/db")).every(60, 30))
        .calls(by("web-api", get("web/key")).every(60, 70))
        .calls(
            by("web-api", get("missing"))
                .error("ResourceNotFoundException", "no")
                .every(60, 10),
        )
        .calls(by("audit", call("ListSecrets", "").request(json!({}))).every(60, 10))
        .policy(policy)
        .args(&["--month", "2026-10", "--format", "xlsx"])
        .scan()
}

#[test]
fn owners_pay_for_calls_of_no_secret_by_the_rule_of_the_policy() {
    let apart = shared_out("");
    assert_eq!(apart.code, 0, "{}", apart.stderr);
    assert!(!apart.path().join("out/owners.csv").exists());
    assert_eq!(apart.report["allocation"], Value::Null);
    for (rule, shares) in [
        // Three in ten of the attributed calls are of payments.
        ("by-share", ["0.000030", "0.000070"]),
        // The missing name is asked for by a role that reads the secrets of web alone; nobody owns the list.
        ("by-caller", ["0.000015", "0.000085"]),
    ] {
        let scan = shared_out(&format!("[allocation]\nunattributed = \"{rule}\"\n"));
        assert_eq!(scan.code, 0, "{}", scan.stderr);
        let rows = scan.csv("owners.csv");
        let of = |name: &str| {
            rows.iter()
                .map(|row| row[name].as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("owner"), ["payments", "web"]);
        assert_eq!(of("rule"), [rule, rule]);
        assert_eq!(of("share_usd_window"), shares, "{rule}");
        let micros = |usd: &str| usd.replace('.', "").parse::<i64>().unwrap();
        let totals = &scan.report["totals"];
        for (column, total) in [
            ("total_usd_month", &totals["total_usd"]),
            ("total_usd_window", &totals["window_cost"]["total_usd"]),
        ] {
            let sum: i64 = of(column).into_iter().map(micros).sum();
            assert_eq!(sum, micros(total.as_str().unwrap()), "{rule} {column}");
        }
        let sentence = format!("(unattributed = \"{rule}\")");
        assert_eq!(scan.report["allocation"]["rule"], rule);
        assert!(scan.report["assumptions"].to_string().contains(rule));
        // Words wrap.
        let shown = scan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(&sentence), "{shown}");
        assert!(shown.contains("ALL CALLS SHARED OUT"), "{shown}");
        assert!(scan.file("report.html").contains(rule));
    }
    let wrong = shared_out("[allocation]\nunattributed = \"by-hand\"\n");
    assert!(
        wrong.stderr.contains("`apart`, `by-caller`, `by-share`"),
        "{}",
        wrong.stderr
    );
}
