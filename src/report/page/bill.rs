//! The section on the bill: what it charges beside what the scan estimates, and why they differ.

use serde::Serialize;

use crate::domain::base::money::{Money, thousands};
use crate::domain::pricing::bill::{Reconciliation, ReconciliationRow};
use crate::report::escape::one_line;
use crate::report::reconciliation::{about_kms, by_difference, row_label, signed};

/// The number of rows that are shown; `bill.csv` holds them all.
const LISTED: usize = 20;

/// The bill.
#[derive(Serialize)]
pub(crate) struct BillView {
    estimate: String,
    billed: String,
    difference: String,
    rows: Vec<BillRowView>,
    more: String,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct BillRowView {
    place: String,
    estimate: String,
    billed: String,
    difference: String,
    reasons: Vec<String>,
}

/// Reads the section from a comparison with a bill.
pub(crate) fn bill(found: &Reconciliation) -> BillView {
    let totals = &found.totals;
    let rows = by_difference(found);
    let rest = rows.len().saturating_sub(LISTED);
    let mut notes: Vec<String> = about_kms(found).into_iter().collect();
    if totals.adjustments_usd != Money::ZERO {
        notes.push(format!(
            "Credits, discounts and taxes of {} stand beside the billed amounts.",
            totals.adjustments_usd.dollars()
        ));
    }
    notes.extend(found.reasons.iter().map(|reason| one_line(&reason.text)));
    BillView {
        estimate: totals.estimate_usd.dollars(),
        billed: known(totals.billed_usd),
        difference: signed(totals.difference_usd),
        rows: rows.into_iter().take(LISTED).map(row_view).collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("and {} more in bill.csv", thousands(rest as u64))
        },
        notes,
    }
}

fn row_view(row: &ReconciliationRow) -> BillRowView {
    let reasons = row.reasons.iter();
    BillRowView {
        place: row_label(row),
        estimate: known(row.estimate_usd),
        billed: known(row.billed_usd),
        difference: signed(row.difference_usd),
        reasons: reasons.map(|reason| one_line(&reason.text)).collect(),
    }
}

fn known(amount: Option<Money>) -> String {
    amount.map_or_else(|| "-".to_owned(), Money::dollars)
}
