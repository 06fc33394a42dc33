//! A [`Reconciliation`] as text for a terminal, as CSV and as JSON: estimate, bill and difference side by side.
//!
//! KMS requests stand beside the total: every service makes them, so a bill cannot say which are Secrets Manager's.

use super::csv::{bytes, known, table};
use super::escape::{self, fit, one_line};
use crate::domain::base::money::{Money, thousands};
use crate::domain::pricing::bill::gap::Reason;
use crate::domain::pricing::bill::usage_type::CostPart;
use crate::domain::pricing::bill::{Reconciliation, ReconciliationRow};

/// Columns of a line of text.
const WIDTH: usize = 80;
/// Sets how many rows of the text are shown; the files hold them all.
const SHOWN: usize = 30;

/// The columns of `reconciliation.csv`.
pub const COLUMNS: [&str; 11] = [
    "what",
    "account_id",
    "region",
    "part",
    "arn",
    "name",
    "estimate_usd",
    "billed_usd",
    "adjustments_usd",
    "difference_usd",
    "reasons",
];

/// The reconciliation as JSON, for programs.
pub fn json(found: &Reconciliation) -> Vec<u8> {
    // Plain data: strings, numbers and lists of them.
    let mut bytes = serde_json::to_vec_pretty(found).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The reconciliation as CSV: a row `place` for each account, Region and part, a row `kms` for the KMS requests of each
/// account and Region, a row `secret` for each secret that the bill names, and a row `total` that is the sum of the
/// rows `place`.
pub fn csv(found: &Reconciliation) -> Vec<u8> {
    let none = String::new;
    let parts = found.rows.iter().map(|row| {
        [
            if is_kms(row) { "kms" } else { "place" }.to_owned(),
            known(row.place.account.as_ref()),
            known(row.place.region.as_ref()),
            row.place.part.as_str().to_owned(),
            none(),
            none(),
            known(row.estimate_usd),
            known(row.billed_usd),
            row.adjustments_usd.to_string(),
            known(row.difference_usd),
            codes(&row.reasons),
        ]
    });
    let secrets = found.secrets.iter().map(|row| {
        let scope = row.arn.scope();
        let estimate = row.estimate_usd.unwrap_or_default();
        [
            "secret".to_owned(),
            scope.account.to_string(),
            scope.region.to_string(),
            none(),
            one_line(row.arn.as_str()),
            row.name.as_deref().map(escape::cell).unwrap_or_default(),
            known(row.estimate_usd),
            row.billed_usd.to_string(),
            none(),
            (row.billed_usd - estimate).to_string(),
            none(),
        ]
    });
    let totals = &found.totals;
    let total = [
        "total".to_owned(),
        none(),
        none(),
        none(),
        none(),
        none(),
        totals.estimate_usd.to_string(),
        known(totals.billed_usd),
        totals.adjustments_usd.to_string(),
        known(totals.difference_usd),
        codes(&found.reasons),
    ];
    let rows = parts.chain(secrets).chain(std::iter::once(total));
    bytes(|out| table(COLUMNS, rows, out))
}

fn codes(reasons: &[Reason]) -> String {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    codes.join(";")
}

/// The rows of the total, those that differ most first.
pub(super) fn by_difference(found: &Reconciliation) -> Vec<&ReconciliationRow> {
    let mut rows: Vec<_> = found.rows.iter().filter(|row| !is_kms(row)).collect();
    rows.sort_by_key(|row| {
        (
            std::cmp::Reverse(row.difference_usd.map(|usd| usd.0.unsigned_abs())),
            &row.place,
        )
    });
    rows
}

/// The label of a row for people: the account, the Region and the part, as far as the bill tells them apart.
pub(super) fn row_label(row: &ReconciliationRow) -> String {
    let key = &row.place;
    let account = key.account.as_ref().map(ToString::to_string);
    let region = key.region.as_ref().map(ToString::to_string);
    format!(
        "{} {} {}",
        account.as_deref().unwrap_or("any account"),
        region.as_deref().unwrap_or("any Region"),
        key.part.as_str()
    )
}

/// Returns what is said of KMS requests, if there are any.
pub(super) fn about_kms(found: &Reconciliation) -> Option<String> {
    let kms = &found.kms;
    let billed = kms.billed_usd.filter(|usd| *usd > Money::ZERO);
    if kms.estimate_usd == Money::ZERO && billed.is_none() {
        return None;
    }
    Some(format!(
        "KMS requests are not in this total: those of Secrets Manager cost {} by the estimate; the bill charges {} for the \
         requests of every service.",
        kms.estimate_usd.dollars(),
        kms.billed_usd
            .map_or_else(|| "an unknown amount".to_owned(), Money::dollars)
    ))
}

/// Returns whether a row is about KMS requests, which are no part of the total.
pub(super) fn is_kms(row: &ReconciliationRow) -> bool {
    row.place.part == CostPart::Kms
}

/// The reconciliation for a terminal of 80 columns, without colours: the rows that differ most, and why.
pub fn text(found: &Reconciliation) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(fit(text, WIDTH).trim_end());
        page.push('\n');
    };
    line(&columns("", "estimate", "billed", "difference"));
    let rows = by_difference(found);
    let usd = |amount: Option<Money>| amount.map_or_else(|| "-".to_owned(), Money::dollars);
    for row in rows.iter().take(SHOWN) {
        let label = row_label(row);
        line(&columns(
            &label,
            &usd(row.estimate_usd),
            &usd(row.billed_usd),
            &signed(row.difference_usd),
        ));
        for reason in &row.reasons {
            wrapped(&mut line, &reason.text);
        }
    }
    if rows.len() > SHOWN {
        line(&format!(
            "and {} more places",
            thousands((rows.len() - SHOWN) as u64)
        ));
    }
    let totals = &found.totals;
    line(&columns(
        "total",
        &totals.estimate_usd.dollars(),
        &usd(totals.billed_usd),
        &signed(totals.difference_usd),
    ));
    if let Some(kms) = about_kms(found) {
        line("");
        wrapped(&mut line, &kms);
    }
    if totals.adjustments_usd != Money::ZERO {
        line("");
        wrapped(
            &mut line,
            &format!(
                "Credits, discounts and taxes of {} stand beside the billed amounts.",
                totals.adjustments_usd.dollars()
            ),
        );
    }
    if !found.reasons.is_empty() {
        line("");
        line("For the bill as a whole:");
        for reason in &found.reasons {
            wrapped(&mut line, &reason.text);
        }
    }
    page
}

pub(super) fn signed(amount: Option<Money>) -> String {
    let Some(amount) = amount else {
        return "-".to_owned();
    };
    let plus = if amount > Money::ZERO { "+" } else { "" };
    format!("{plus}{}", amount.dollars())
}

fn columns(label: &str, estimate: &str, billed: &str, difference: &str) -> String {
    const LABEL: usize = 38;
    let label = fit(label, LABEL);
    let room = LABEL - escape::width(&label);
    format!(
        "{label}{:room$}{estimate:>14}{billed:>14}{difference:>14}",
        ""
    )
}

/// A sentence in lines of its own, indented.
fn wrapped(line: &mut impl FnMut(&str), text: &str) {
    let mut open = String::new();
    for word in one_line(text).split(' ') {
        if !open.is_empty() && 4 + escape::width(&open) + 1 + escape::width(word) > WIDTH {
            line(&format!("    {open}"));
            open.clear();
        }
        if !open.is_empty() {
            open.push(' ');
        }
        open.push_str(word);
    }
    line(&format!("    {open}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;
    use crate::domain::pricing::bill::usage_type::CostPart;
    use crate::domain::pricing::bill::{Amount, Bill, BillLine, BillLineKind, reconcile};

    fn found() -> Reconciliation {
        let report = fixture::report(60);
        let mut bill = Bill::new(report.window);
        for (index, row) in report.secrets.iter().enumerate() {
            let usd = row.window_cost.storage_usd.unwrap_or_default();
            bill.add(BillLine {
                account: Some(row.account.clone()),
                region: Some(row.region.clone()),
                part: CostPart::Storage,
                kind: if index == 0 {
                    BillLineKind::Adjustment
                } else {
                    BillLineKind::Usage
                },
                cost: Amount::parse(&usd.to_string()).unwrap(),
                quantity: None,
                currency: "USD".to_owned(),
                secret: Some(row.arn.clone()),
                span: Some(report.window),
                estimated: index == 3,
                usage_type: None,
            });
        }
        bill.skip("`\u{1b}[31m` is no amount");
        reconcile(&report, &bill)
    }

    #[test]
    fn the_text_fits_80_columns_and_shows_nothing_raw() {
        let text = text(&found());
        for line in text.lines() {
            assert!(escape::width(line) <= WIDTH, "{line}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("total"));
    }

    #[test]
    fn the_rows_of_the_csv_add_up_to_its_total() {
        let bytes = csv(&found());
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        let mut sum = Money::ZERO;
        let mut total = Money::ZERO;
        for record in reader.records() {
            let record = record.unwrap();
            let difference = Money::parse(&record[9]).unwrap();
            match &record[0] {
                "place" => sum += difference,
                "total" => total = difference,
                other => assert!(matches!(other, "secret" | "kms"), "{other}"),
            }
            assert!(!record[5].starts_with(['=', '+', '@']), "{record:?}");
        }
        assert_eq!(sum, total);
    }

    #[test]
    fn json_reads_back() {
        let found = found();
        let back: Reconciliation = serde_json::from_slice(&json(&found)).unwrap();
        assert_eq!(back, found);
    }
}
