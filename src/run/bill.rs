//! `--bill`: the estimate beside what AWS billed.

use anyhow::Result;

use crate::cli::View;
use crate::domain::bill::{Reconciliation, reconcile};
use crate::domain::report::Report;
use crate::files::bill;
use crate::report::{Content, reconciliation};

/// Reads the bill that the view names, and compares; `None` if it names none.
pub(super) fn reconciliation(view: &View, report: &Report) -> Result<Option<Reconciliation>> {
    if view.bill.is_empty() {
        return Ok(None);
    }
    let bill = bill::read(&view.bill, report.window)?;
    Ok(Some(reconcile(report, &bill)))
}

/// The files of a comparison with the bill.
pub(super) fn files(found: &Reconciliation) -> [(&'static str, Content<'_>); 2] {
    [
        (
            "bill.json",
            Box::new(|out| out.write_all(&reconciliation::json(found))),
        ),
        (
            "bill.csv",
            Box::new(|out| out.write_all(&reconciliation::csv(found))),
        ),
    ]
}
