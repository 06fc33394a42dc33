//! Bills that say the same as a scan, more, less, or something else.

use super::*;
use crate::domain::fixture;

fn line(report: &Report, index: usize, part: CostPart, cost: &str) -> BillLine {
    let row = &report.secrets[index];
    BillLine {
        account: Some(row.account.clone()),
        region: Some(row.region.clone()),
        part,
        kind: BillLineKind::Usage,
        cost: Amount::parse(cost).unwrap(),
        quantity: None,
        currency: "USD".to_owned(),
        secret: None,
        span: Some(report.window),
        estimated: false,
        usage_type: None,
    }
}

/// A bill that says exactly what the scan says.
fn perfect(report: &Report) -> Bill {
    let mut bill = Bill::new(report.window);
    for (key, usd) in estimates(report) {
        bill.add(BillLine {
            account: key.account,
            region: key.region,
            cost: Amount::parse(&usd.unwrap_or_default().to_string()).unwrap(),
            ..line(report, 0, key.part, "0")
        });
    }
    bill
}

#[test]
fn amounts_are_read_in_every_form_of_an_export() {
    for (text, shown) in [
        ("0.4", "0.400000000000"),
        ("0.0005376344", "0.000537634400"),
        ("-1", "-1.000000000000"),
        ("5.0E-6", "0.000005000000"),
        ("5e-06", "0.000005000000"),
        ("1.5e3", "1500.000000000000"),
        (".5", "0.500000000000"),
        ("1.", "1.000000000000"),
        ("0", "0.000000000000"),
        ("0.00000000000049", "0.000000000000"),
        ("1e-400", "0.000000000000"),
    ] {
        assert_eq!(
            Amount::parse(text).map(|amount| amount.to_string()),
            Some(shown.to_owned()),
            "{text}"
        );
    }
    for text in [
        "",
        "-",
        ".",
        "1,5",
        "abc",
        "1e",
        "--1",
        "NaN",
        "1e400",
        "1e999999999999",
        "1 2",
    ] {
        assert_eq!(Amount::parse(text), None, "{text}");
    }
}

#[test]
fn hourly_lines_add_up_to_the_month_and_are_rounded_once() {
    let report = fixture::report(20);
    let mut bill = Bill::new(report.window);
    for _ in 0..744 {
        bill.add(line(&report, 0, CostPart::Storage, "0.0005376344"));
    }
    let billed = bill.by_key.values().next().unwrap();
    assert_eq!(billed.usage.money(), Money(400_000));
    assert_eq!(bill.lines, 744);
}

#[test]
fn a_bill_that_says_the_same_has_no_gap() {
    let report = fixture::report(60);
    let found = reconcile(&report, &perfect(&report));
    assert_eq!(found.totals.difference_usd, Some(Money::ZERO));
    assert_eq!(
        found.totals.estimate_usd + found.kms.estimate_usd,
        report.totals.window_cost.parts.total_usd
    );
    for row in &found.rows {
        assert_eq!(row.difference_usd, Some(Money::ZERO), "{row:?}");
        assert!(row.reasons.is_empty(), "{row:?}");
    }
}

#[test]
fn lines_outside_the_window_are_counted_and_left_out() {
    let report = fixture::report(20);
    let mut bill = Bill::new(report.window);
    let hour = |from: &str| {
        let from: Timestamp = from.parse().unwrap();
        let to = Timestamp::from_second(from.as_second() + 3_600).unwrap();
        Some(Span { from, to })
    };
    for (from, outside) in [
        ("2026-09-30T23:00:00Z", 1),
        ("2026-10-01T00:00:00Z", 1),
        ("2026-10-31T23:00:00Z", 1),
        ("2026-11-01T00:00:00Z", 2),
    ] {
        bill.add(BillLine {
            span: hour(from),
            ..line(&report, 0, CostPart::Api, "1")
        });
        assert_eq!(bill.outside, outside, "{from}");
    }
    assert_eq!(bill.covers, Some(report.window));
    assert_eq!(
        bill.by_key.values().next().unwrap().usage.money(),
        Money(2_000_000)
    );
}

#[test]
fn a_monthly_line_that_begins_before_the_window_straddles_it_and_a_daily_one_is_outside() {
    let report = fixture::report(20);
    let mut bill = Bill::new(report.window);
    for (hours_before, hours, straddling) in [(24, 744, 1), (12, 24, 1), (800, 744, 1)] {
        let from = report.window.from.as_second() - 3_600 * hours_before;
        let moment = |second| Timestamp::from_second(second).unwrap();
        let (from, to) = (moment(from), moment(from + 3_600 * hours));
        bill.add(BillLine {
            span: Some(Span { from, to }),
            ..line(&report, 0, CostPart::Api, "1")
        });
        assert_eq!(bill.straddling, straddling, "{hours} from {from}");
    }
    let found = reconcile(&report, &bill);
    let totals = (found.totals.billed_usd, found.totals.difference_usd);
    assert_eq!(totals, (None, None));
    assert!(found.rows.iter().all(|row| row.reasons.is_empty()));
    assert_eq!(found.reasons[0].code, "straddles-window");
}

#[test]
fn adjustments_stand_beside_the_usage() {
    let report = fixture::report(20);
    let mut bill = perfect(&report);
    bill.add(BillLine {
        kind: BillLineKind::Adjustment,
        ..line(&report, 0, CostPart::Storage, "-0.25")
    });
    let found = reconcile(&report, &bill);
    assert_eq!(found.totals.adjustments_usd, Money(-250_000));
    assert_eq!(found.totals.difference_usd, Some(Money::ZERO));
}

#[test]
fn a_secret_that_the_bill_names_has_both_amounts() {
    let report = fixture::report(20);
    let mut bill = Bill::new(report.window);
    let known = report.secrets[0].arn.clone();
    let unknown: SecretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:gone-AbC123"
        .parse()
        .unwrap();
    for arn in [&known, &unknown] {
        bill.add(BillLine {
            secret: Some(arn.clone()),
            ..line(&report, 0, CostPart::Storage, "0.4")
        });
    }
    let found = reconcile(&report, &bill).secrets;
    let of = |arn: &SecretArn| found.iter().find(|row| row.arn == *arn).unwrap();
    assert!(of(&known).estimate_usd.is_some() && of(&known).name.is_some());
    assert_eq!(of(&unknown).estimate_usd, None);
    assert_eq!(of(&unknown).billed_usd, Money(400_000));
}

#[test]
fn kms_requests_of_other_services_are_no_row() {
    let report = fixture::report(0);
    let mut bill = Bill::new(report.window);
    let other = fixture::report(20);
    bill.add(line(&other, 0, CostPart::Kms, "12"));
    bill.add(line(&other, 0, CostPart::Storage, "0.4"));
    let found = reconcile(&report, &bill);
    assert!(found.rows.iter().all(|row| row.place.part != CostPart::Kms));
    assert!(
        found
            .rows
            .iter()
            .any(|row| row.place.part == CostPart::Storage)
    );
}

/// A perfect bill, told less finely.
fn coarser(report: &Report, change: impl Fn(&mut BillLine)) -> Reconciliation {
    let mut bill = Bill::new(report.window);
    for (key, usd) in estimates(report) {
        let mut line = BillLine {
            account: key.account,
            region: key.region,
            cost: Amount::parse(&usd.unwrap_or_default().to_string()).unwrap(),
            ..line(report, 0, key.part, "0")
        };
        change(&mut line);
        bill.add(line);
    }
    reconcile(report, &bill)
}

/// Makes a line less fine.
type Coarser<'a> = &'a dyn Fn(&mut BillLine);

#[test]
fn a_coarse_bill_is_compared_at_its_own_grain() {
    let report = fixture::report(60);
    let whole = |line: &mut BillLine| {
        if line.part != CostPart::Kms {
            line.part = CostPart::Whole;
        }
    };
    let coarse: [(&str, Coarser<'_>); 4] = [
        ("no account", &|line| line.account = None),
        ("no Region", &|line| line.region = None),
        ("no part", &whole),
        ("nothing", &|line| {
            (line.account, line.region) = (None, None);
            whole(line);
        }),
    ];
    for (what, change) in coarse {
        let found = coarser(&report, change);
        assert_eq!(found.totals.difference_usd, Some(Money::ZERO), "{what}");
        for row in &found.rows {
            assert_eq!(row.difference_usd, Some(Money::ZERO), "{what} {row:?}");
            assert!(row.reasons.is_empty(), "{what} {row:?}");
        }
        if what == "nothing" {
            let rows: Vec<_> = found.rows.iter().map(|row| row.place.part).collect();
            assert!(
                rows.contains(&CostPart::Whole) && rows.len() <= 2,
                "{rows:?}"
            );
        }
    }
}

#[test]
fn requests_of_other_services_to_kms_are_no_part_of_the_total() {
    let mut report = fixture::report(60);
    report.secrets[0].window_cost.kms_usd = Some(Money(500_000));
    let mut bill = perfect(&report);
    let before = reconcile(&report, &bill).totals;
    bill.add(line(&report, 0, CostPart::Kms, "300"));
    let after = reconcile(&report, &bill);
    assert_eq!(after.totals, before);
    assert_eq!(after.kms.difference_usd, Some(Money(300_000_000)));
}

#[test]
fn hours_of_the_month_explain_what_they_alone_make() {
    let mut report = fixture::report(60);
    report.policy.month = None;
    let storage = estimates(&report);
    let (key, usd) = storage
        .iter()
        .find(|(key, usd)| key.part == CostPart::Storage && usd.is_some_and(|usd| usd.0 > 0))
        .unwrap();
    let october: crate::domain::base::month::Month = "2026-10".parse().unwrap();
    let reasons = |usd: Money| {
        let mut bill = Bill::new(report.window);
        bill.add(BillLine {
            account: key.account.clone(),
            region: key.region.clone(),
            span: Some(report.window),
            ..line(&report, 0, CostPart::Storage, &usd.to_string())
        });
        let found = reconcile(&report, &bill);
        let row = found.rows.iter().find(|row| row.place == *key).unwrap();
        let codes: Vec<_> = row
            .reasons
            .iter()
            .map(|reason| reason.code.clone())
            .collect();
        codes
    };
    let usd = usd.unwrap();
    assert!(
        october.span().from <= report.window.from,
        "{:?}",
        report.window
    );
    let charged = usd.scaled(730, u64::from(october.hours()));
    assert_eq!(reasons(charged), ["month-hours"]);
    assert_eq!(reasons(usd.scaled(1, 2)), ["free-secrets"]);
}
