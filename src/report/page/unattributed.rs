//! The callers of no known secret: who makes the calls that belong to no row of the table of secrets.
//!
//! Only the busiest are shown; `readers.csv` holds all of them.

use serde::Serialize;

use crate::domain::base::money::{Money, thousands};
use crate::domain::report::result::{CallerRow, Report, UnattributedRow};
use crate::report::escape::one_line;
use crate::report::format::money_or_unknown;
use crate::report::text::phrases;

/// The number of callers that are shown.
const CALLERS: usize = 8;

/// The callers of no known secret.
#[derive(Serialize)]
pub(crate) struct UnattributedSection {
    rows: Vec<NobodyRow>,
    /// The number of further ones; empty if there are none.
    more: String,
}

#[derive(Serialize)]
struct NobodyRow {
    reader: String,
    client: String,
    scope: String,
    what: String,
    calls: String,
    cost: String,
}

/// Lists them, the most expensive first.
pub(crate) fn unattributed(report: &Report) -> UnattributedSection {
    let rows = report.unattributed.iter();
    let mut callers: Vec<(&UnattributedRow, &CallerRow)> = rows
        .flat_map(|row| row.callers.iter().map(move |caller| (row, caller)))
        .collect();
    let worth = |caller: &CallerRow| (caller.api_usd.unwrap_or(Money::ZERO), caller.calls);
    callers.sort_by_key(|(_, caller)| std::cmp::Reverse(worth(caller)));
    let rest = callers.len().saturating_sub(CALLERS);
    callers.truncate(CALLERS);
    UnattributedSection {
        rows: callers.into_iter().map(row).collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("{} more in readers.csv", thousands(rest as u64))
        },
    }
}

fn row((scope, caller): (&UnattributedRow, &CallerRow)) -> NobodyRow {
    let home = scope.account.as_ref().map(ToString::to_string);
    let region = scope.region.as_ref().map(ToString::to_string);
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    NobodyRow {
        reader: one_line(&phrases::reader(&caller.reader, home.as_deref())),
        client: format!("{}, {}", caller.kind.as_str(), one_line(&caller.client)),
        scope: format!("{} {}", known(home), known(region)),
        what: one_line(&caller.what),
        calls: thousands(caller.calls),
        cost: money_or_unknown(caller.api_usd),
    }
}
