//! `--bill`: the estimate beside what AWS billed.

use anyhow::{Result, anyhow};

use super::Misuse;
use super::scan_plan::ScanPlan;
use crate::Exit;
use crate::cli::{PriceSource, View};
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::paid::paid_prices;
use crate::domain::pricing::bill::{Bill, Reconciliation};
use crate::files::bill;
use crate::report::{RenderContent, reconciliation};

/// Reads the bill that the view names, for a window; `None` if it names none.
pub(super) fn read(view: &View, window: Span) -> Result<Option<Bill>> {
    if view.bill.is_empty() {
        return Ok(None);
    }
    Ok(Some(bill::read(&view.bill, window)?))
}

/// Puts the prices that were paid by a bill into the policy, if they are asked for. Gives the sentences about them.
pub(super) fn pay(
    plan: &mut ScanPlan,
    prices: Option<&PriceSource>,
    bill: Option<&Bill>,
) -> Result<Vec<String>> {
    if prices != Some(&PriceSource::Bill) {
        return Ok(Vec::new());
    }
    let Some(bill) = bill else {
        let why = "`--prices from-bill` takes the prices of a bill: name one with `--bill`";
        return Err(Misuse(why.to_owned()).into());
    };
    let paid = paid_prices(bill, &plan.policy.prices)
        .map_err(|why| anyhow!("cannot use `--prices from-bill`: {why}"))?;
    plan.policy.pay(paid.rows);
    Ok(paid.notes)
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
