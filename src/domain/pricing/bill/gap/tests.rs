//! Reasons that follow from what a bill and a scan both hold.

use super::*;
use crate::domain::fixture;
use crate::domain::pricing::bill::usage_type::CostPart;
use crate::domain::pricing::bill::{Amount, BillLine, BillLineKind, Reconciliation, reconcile};

fn codes(reasons: &[Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// Returns what a bill with one line in the scope of the first secret says of it.
fn against(report: &Report, part: CostPart, cost: &str, quantity: Option<&str>) -> Reconciliation {
    let first = &report.secrets[0];
    let mut bill = Bill::new(report.window);
    bill.add(BillLine {
        account: Some(first.account.clone()),
        region: Some(first.region.clone()),
        part,
        kind: BillLineKind::Usage,
        cost: Amount::parse(cost).unwrap(),
        quantity: quantity.and_then(Amount::parse),
        currency: "USD".to_owned(),
        secret: None,
        span: Some(report.window),
        estimated: false,
        usage_type: None,
    });
    reconcile(report, &bill)
}

fn row(found: &Reconciliation, report: &Report, part: CostPart) -> ReconciliationRow {
    let first = &report.secrets[0];
    let here = |row: &&ReconciliationRow| {
        row.place.part == part
            && row.place.account.as_ref() == Some(&first.account)
            && row.place.region.as_ref() == Some(&first.region)
    };
    found.rows.iter().find(here).unwrap().clone()
}

#[test]
fn reasons_follow_from_facts() {
    let mut report = fixture::report(60);
    let holed = {
        let mut holed = report.clone();
        let first = &holed.secrets[0];
        let scope = (first.account.clone(), first.region.clone());
        for row in &mut holed.scopes {
            if (&row.account, &row.region) == (&scope.0, &scope.1) {
                row.trail.covered_hours = 100;
            }
        }
        holed
    };
    report.secrets[0].failed = 7;
    for (report, part, cost, quantity, expect) in [
        (
            &report,
            CostPart::Storage,
            "999",
            None,
            vec!["deleted-secrets"],
        ),
        (
            &report,
            CostPart::Storage,
            "0.1",
            None,
            vec!["free-secrets"],
        ),
        (
            &report,
            CostPart::Storage,
            "0.36",
            Some("1"),
            vec!["other-price", "free-secrets"],
        ),
        (&report, CostPart::Api, "999", None, vec!["unlogged-calls"]),
        (&holed, CostPart::Api, "999", None, vec!["trail-hole"]),
        (
            &report,
            CostPart::Api,
            "0",
            None,
            vec!["failed-calls", "free-calls"],
        ),
    ] {
        let found = against(report, part, cost, quantity);
        let row = row(&found, report, part);
        assert_eq!(codes(&row.reasons), expect, "{part:?} {cost}");
    }
}

#[test]
fn kms_differs_by_other_services_or_the_free_requests() {
    let mut report = fixture::report(60);
    report.secrets[0].window_cost.kms_usd = Some(Money(5_000_000));
    for (cost, expect) in [("999", "other-services"), ("0.5", "free-requests")] {
        let found = against(&report, CostPart::Kms, cost, None);
        assert_eq!(
            codes(&row(&found, &report, CostPart::Kms).reasons)[0],
            expect
        );
    }
}

#[test]
fn a_row_that_only_one_side_knows_says_so() {
    let report = fixture::report(60);
    let found = against(&report, CostPart::Storage, "0.4", None);
    let elsewhere = found
        .rows
        .iter()
        .find(|row| row.billed_usd.is_none() && row.difference_usd.unwrap().0 < -10_000)
        .unwrap();
    assert_eq!(codes(&elsewhere.reasons), ["not-in-bill"]);
    let empty = fixture::report(0);
    let mut bill = Bill::new(empty.window);
    bill.add(BillLine {
        account: Some("999988887777".parse().unwrap()),
        region: Some("eu-west-1".parse().unwrap()),
        part: CostPart::Storage,
        kind: BillLineKind::Usage,
        cost: Amount::parse("4").unwrap(),
        quantity: None,
        currency: "CNY".to_owned(),
        secret: None,
        span: None,
        estimated: true,
        usage_type: None,
    });
    bill.skip("no amount");
    let found = reconcile(&empty, &bill);
    let there = found
        .rows
        .iter()
        .find(|row| row.billed_usd.is_some())
        .unwrap();
    assert_eq!(codes(&there.reasons), ["not-scanned"]);
    assert_eq!(
        codes(&found.reasons),
        ["no-dates", "currency", "not-final", "unreadable-lines"]
    );
}

#[test]
fn a_bill_of_another_time_says_so() {
    let report = fixture::report(10);
    let empty = Bill::new(report.window);
    assert_eq!(codes(&reconcile(&report, &empty).reasons), ["no-line"]);
}
