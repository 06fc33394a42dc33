//! `--bill`: the estimate beside what AWS billed.

use anyhow::Result;

use crate::cli::View;
use crate::domain::bill::{Reconciliation, reconcile};
use crate::domain::report::Report;
use crate::files::bill;
use crate::report::reconciliation;

/// Reads the bill that the view names, and compares; `None` if it names none.
pub(super) fn reconciliation(view: &View, report: &Report) -> Result<Option<Reconciliation>> {
    if view.bill.is_empty() {
        return Ok(None);
    }
    let bill = bill::read(&view.bill, report.window)?;
    Ok(Some(reconcile(report, &bill)))
}

/// The files of a comparison with the bill.
pub(super) fn files(found: &Reconciliation) -> [(&'static str, Vec<u8>); 2] {
    [
        ("bill.json", reconciliation::json(found)),
        ("bill.csv", reconciliation::csv(found)),
    ]
}
