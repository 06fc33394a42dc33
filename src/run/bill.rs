//! `--bill`: the estimate beside what AWS billed.

use anyhow::Result;

use crate::Exit;
use crate::cli::View;
use crate::domain::pricing::bill::{Reconciliation, reconcile};
use crate::domain::report::result::Report;
use crate::files::bill;
use crate::report::{RenderContent, reconciliation};

/// Reads the bill that the view names, and compares; `None` if it names none.
pub(super) fn reconciliation(view: &View, report: &Report) -> Result<Option<Reconciliation>> {
    if view.bill.is_empty() {
        return Ok(None);
    }
    let bill = bill::read(&view.bill, report.window)?;
    Ok(Some(reconcile(report, &bill)))
}

/// How it ends that a scan ends so, and was compared with this bill: what cannot be read of a bill is missing as well.
pub(super) fn exit(exit: Exit, bill: Option<&Reconciliation>) -> Exit {
    match exit {
        Exit::Done if bill.is_some_and(|bill| bill.unreadable_lines > 0) => Exit::Partial,
        other => other,
    }
}

/// The files of a comparison with the bill.
pub(super) fn files(found: &Reconciliation) -> [(&'static str, RenderContent<'_>); 2] {
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
