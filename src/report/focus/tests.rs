//! Charges against what the scan says, column by column.

use std::collections::HashMap;

use super::price::{decimal, ratio, unit_price};
use std::collections::BTreeMap;

use super::*;
use crate::{domain::fixture, report::sample};

/// The form of what a column must hold, as the specification's constraints have it.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Decimal,
    DateTime,
    Tags,
    Bool,
    One(&'static [&'static str]),
}

use Form::{Bool, DateTime, Decimal, One, Tags, Text};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Mandatory,
    Conditional,
    Recommended,
    Custom,
}

use Level::{Conditional, Custom, Mandatory, Recommended};

/// Name, feature level, whether nulls are allowed, form: FOCUS 1.2, specification/columns.
const RULES: &[(&str, Level, bool, Form)] = &[
    ("BilledCost", Mandatory, false, Decimal),
    ("BillingAccountId", Mandatory, false, Text),
    ("BillingAccountName", Mandatory, true, Text),
    ("BillingCurrency", Mandatory, false, One(&["USD"])),
    ("BillingPeriodEnd", Mandatory, false, DateTime),
    ("BillingPeriodStart", Mandatory, false, DateTime),
    (
        "ChargeCategory",
        Mandatory,
        false,
        One(&["Usage", "Purchase", "Tax", "Credit", "Adjustment"]),
    ),
    ("ChargeClass", Mandatory, true, One(&["Correction"])),
    ("ChargeDescription", Mandatory, true, Text),
    (
        "ChargeFrequency",
        Recommended,
        false,
        One(&["One-Time", "Recurring", "Usage-Based"]),
    ),
    ("ChargePeriodEnd", Mandatory, false, DateTime),
    ("ChargePeriodStart", Mandatory, false, DateTime),
    ("ConsumedQuantity", Conditional, true, Decimal),
    ("ConsumedUnit", Conditional, true, Text),
    ("ContractedCost", Mandatory, false, Decimal),
    ("ContractedUnitPrice", Conditional, true, Decimal),
    ("EffectiveCost", Mandatory, false, Decimal),
    ("InvoiceId", Recommended, true, Text),
    ("InvoiceIssuerName", Mandatory, false, Text),
    ("ListCost", Mandatory, false, Decimal),
    ("ListUnitPrice", Conditional, true, Decimal),
    (
        "PricingCategory",
        Conditional,
        true,
        One(&["Standard", "Dynamic", "Committed", "Other"]),
    ),
    ("PricingQuantity", Mandatory, true, Decimal),
    ("PricingUnit", Mandatory, true, Text),
    ("ProviderName", Mandatory, false, Text),
    ("PublisherName", Mandatory, false, Text),
    ("RegionId", Conditional, true, Text),
    ("RegionName", Conditional, true, Text),
    ("ResourceId", Conditional, true, Text),
    ("ResourceName", Conditional, true, Text),
    ("ResourceType", Conditional, true, Text),
    ("ServiceCategory", Mandatory, false, One(&["Security"])),
    ("ServiceName", Mandatory, false, Text),
    (
        "ServiceSubcategory",
        Recommended,
        false,
        One(&["Secret Management"]),
    ),
    ("SubAccountId", Conditional, true, Text),
    ("SubAccountName", Conditional, true, Text),
    ("Tags", Conditional, true, Tags),
    ("x_BillingAccountIsAssumed", Custom, false, Bool),
    ("x_CoveredShare", Custom, true, Decimal),
    ("x_EvidenceDays", Custom, true, Decimal),
    ("x_FocusVersion", Custom, false, One(&["1.2"])),
    ("x_IsEstimate", Custom, false, Bool),
    ("x_Owner", Custom, true, Text),
    (
        "x_PriceBasis",
        Custom,
        true,
        One(&["list", "assumed", "included"]),
    ),
    ("x_PriceSource", Custom, false, Text),
    (
        "x_Verdict",
        Custom,
        true,
        One(&["delete", "review", "keep"]),
    ),
];

/// The columns that a FOCUS 1.2 file cannot do without.
const MANDATORY: usize = 21;

fn rows(report: &Report) -> Vec<HashMap<String, String>> {
    let bytes = csv(report, FocusVersion::default());
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

fn fits(form: Form, cell: &str) -> bool {
    match form {
        Text => true,
        Decimal => {
            let digits = cell.strip_prefix('-').unwrap_or(cell);
            let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
            [whole, decimals]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        }
        DateTime => cell.len() == 20 && cell.parse::<Timestamp>().is_ok(),
        Tags => serde_json::from_str::<BTreeMap<String, String>>(cell).is_ok(),
        Bool => matches!(cell, "true" | "false"),
        One(allowed) => allowed.contains(&cell),
    }
}

#[test]
fn the_columns_are_those_of_the_specification_in_order() {
    let names: Vec<&str> = RULES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, FocusVersion::V1_2.columns());
    let mandatory = RULES.iter().filter(|(_, level, ..)| *level == Mandatory);
    assert_eq!(mandatory.count(), MANDATORY);
    for (name, level, ..) in RULES {
        assert_eq!(name.starts_with("x_"), *level == Custom, "{name}");
    }
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| (name.starts_with("x_"), *name));
    assert_eq!(names, sorted, "FOCUS columns first");
}

#[test]
fn every_row_keeps_the_rules_of_every_column() {
    for report in [fixture::report(300), sample::report()] {
        let rows = rows(&report);
        assert!(!rows.is_empty());
        for row in &rows {
            for (name, _, nulls, form) in RULES {
                let cell = &row[*name];
                assert!(*nulls || !cell.is_empty(), "{name} is null: {row:?}");
                assert!(cell.is_empty() || fits(*form, cell), "{name}: {cell}");
            }
        }
    }
}

#[test]
fn rules_between_columns_hold_in_every_row() {
    for row in rows(&fixture::report(300)) {
        let cell = |name: &str| row[name].as_str();
        let null = |name: &str| cell(name).is_empty();
        assert_eq!(null("ResourceId"), null("ResourceType"));
        assert_eq!(null("RegionId"), null("RegionName"));
        for (quantity, unit) in [
            ("PricingQuantity", "PricingUnit"),
            ("ConsumedQuantity", "ConsumedUnit"),
        ] {
            assert!(!null(quantity) && !null(unit), "a usage has both: {row:?}");
        }
        let moments: Vec<Timestamp> = [
            "BillingPeriodStart",
            "ChargePeriodStart",
            "ChargePeriodEnd",
            "BillingPeriodEnd",
        ]
        .iter()
        .map(|name| cell(name).parse().unwrap())
        .collect();
        assert!(moments[0] <= moments[1] && moments[1] < moments[2] && moments[2] <= moments[3]);
        let cost = cell("BilledCost");
        for same in ["ContractedCost", "EffectiveCost"] {
            assert_eq!(cell(same), cost);
        }
        let number = |name: &str| cell(name).parse::<f64>().unwrap();
        for kind in ["List", "Contracted"] {
            let unit = number(&format!("{kind}UnitPrice"));
            let off = unit * number("PricingQuantity") - number(&format!("{kind}Cost"));
            assert!(
                off.abs() < 0.000_000_6,
                "unit price times quantity is the cost: {row:?}"
            );
        }
    }
}

#[test]
fn the_rows_add_up_to_what_the_window_cost() {
    let report = fixture::report(300);
    let rows = rows(&report);
    let sum: Money = rows
        .iter()
        .map(|row| Money::parse(&row["BilledCost"]).unwrap())
        .sum();
    assert_eq!(sum, report.totals.window_cost.parts.total_usd);
    let mut keys: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                &row["ResourceId"],
                &row["ChargeDescription"],
                &row["RegionId"],
            )
        })
        .collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all, "one row a charge");
}

#[test]
fn unit_prices_multiply_back_to_the_cost() {
    for (micros, count, shown) in [
        (5, 1, "0.000005"),
        (50_000, 10_000, "0.000005"),
        (49_000, 10_000, "0.0000049"),
        (1, 3, "0.00000033"),
        (12_345_678, 987_654_321, "0.000000012499999"),
    ] {
        let price = unit_price(Money(micros), count, None);
        assert_eq!(price, shown);
    }
    assert_eq!(ratio(Money(400_000), Money(400_000)), "1");
    assert_eq!(ratio(Money(200_000), Money(400_000)), "0.5");
    assert_eq!(ratio(Money(13_793), Money(400_000)), "0.0344825");
    assert_eq!(decimal(1, 0, 6), "0");
}

#[test]
fn a_sliding_window_lies_in_the_months_that_hold_it() {
    let mut report = fixture::report(10);
    report.policy.month = None;
    report.window.from = "2026-09-24T08:52:32Z".parse().unwrap();
    report.window.to = "2026-10-24T08:52:32.5Z".parse().unwrap();
    let row = &rows(&report)[0];
    assert_eq!(row["BillingPeriodStart"], "2026-09-01T00:00:00Z");
    assert_eq!(row["BillingPeriodEnd"], "2026-11-01T00:00:00Z");
    assert_eq!(row["ChargePeriodEnd"], "2026-10-24T08:52:32Z");
}

#[test]
fn each_version_has_its_own_columns() {
    let has = |version: FocusVersion, column| version.columns().contains(&column);
    for version in [FocusVersion::V1_0, FocusVersion::V1_2, FocusVersion::V1_3] {
        let is = |wanted| version == wanted;
        assert_eq!(has(version, "InvoiceId"), !is(FocusVersion::V1_0));
        assert_eq!(has(version, "ServiceSubcategory"), !is(FocusVersion::V1_0));
        assert_eq!(has(version, "ServiceProviderName"), is(FocusVersion::V1_3));
        assert!(has(version, "ProviderName"));
        let bytes = csv(&fixture::report(3), version);
        let text = String::from_utf8(bytes).unwrap();
        let columns = version.columns().join(",");
        assert_eq!(text.lines().next(), Some(columns.as_str()));
    }
}

#[test]
fn a_window_over_two_months_has_a_billing_period_for_each() {
    let mut report = fixture::report(10);
    report.window.from = "2026-09-24T00:00:00Z".parse().unwrap();
    report.window.to = "2026-10-24T00:00:00Z".parse().unwrap();
    report.unattributed.clear();
    report.secrets.truncate(1);
    let row = &mut report.secrets[0];
    row.window_cost = Cost::new(Some(Money(400_000)), Some(Money(50)), Some(Money::ZERO));
    let part = |month: &str, storage, calls: u64| MonthPart {
        month: month.to_owned(),
        calls,
        reads: 0,
        cost: Cost::new(
            Some(Money(storage)),
            Some(Money(i64::try_from(calls).unwrap() * 5)),
            Some(Money::ZERO),
        ),
    };
    row.window_detail.months = vec![part("2026-09", 100_000, 4), part("2026-10", 300_000, 6)];
    let found: Vec<_> = rows(&report)
        .into_iter()
        .map(|row| {
            [
                "BillingPeriodStart",
                "ChargePeriodStart",
                "ChargePeriodEnd",
                "BilledCost",
            ]
            .map(|column| row[column].clone())
        })
        .collect();
    let (first, cut, last) = (
        "2026-09-24T00:00:00Z",
        "2026-10-01T00:00:00Z",
        "2026-10-24T00:00:00Z",
    );
    let september = "2026-09-01T00:00:00Z";
    let expect = [
        [september, first, cut, "0.100000"],
        [september, first, cut, "0.000020"],
        [cut, cut, last, "0.300000"],
        [cut, cut, last, "0.000030"],
    ];
    assert_eq!(found, expect);
}

#[test]
fn a_negotiated_price_stands_beside_the_public_one() {
    let negotiated = |cost, list| stored(Money(cost), Some(Money(360_000)), Some(Money(list)));
    let price = negotiated(180_000, 400_000);
    assert_eq!(price.quantity, "0.5");
    assert_eq!((&*price.contracted, &*price.list), ("0.360000", "0.400000"));
    assert_eq!(price.list_cost, Money(200_000));
    let calls = called(
        Money(45),
        10,
        QuantitySource::Counted,
        Some(Money(45_000)),
        Some(Money(50_000)),
    );
    assert_eq!(
        (&*calls.contracted, &*calls.list),
        ("0.0000045", "0.000005")
    );
    assert_eq!(calls.list_cost, Money(50));
}
