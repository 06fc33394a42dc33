//! The section on what was estimated from a sample of the event history.

use std::cmp::Reverse;

use serde::Serialize;

use crate::domain::base::money::thousands;
use crate::domain::report::result::Report;
use crate::report::escape::one_line;
use crate::report::estimates::{self, dollars, doubts, numbers, scope_count};
use crate::report::format::money_or_unknown;

/// The number of secrets that are shown.
const SHOWN: usize = 20;

/// The section.
#[derive(Serialize)]
pub(crate) struct Estimated {
    lead: String,
    samples: Vec<SampleView>,
    secrets: Vec<EstimatedSecret>,
    more: String,
}

#[derive(Serialize)]
struct SampleView {
    place: String,
    calls: String,
    range: String,
    windows: String,
}

#[derive(Serialize)]
struct EstimatedSecret {
    place: usize,
    name: String,
    cost: String,
    range: String,
    doubts: String,
}

/// The section; `None` if everything was counted.
pub(crate) fn estimated(report: &Report) -> Option<Estimated> {
    if !estimates::any(report) {
        return None;
    }
    let samples: Vec<SampleView> = report
        .scopes
        .iter()
        .filter_map(|row| {
            let found = row.sample.as_ref()?;
            let mut windows = estimates::sample(found);
            for caveat in &found.caveats {
                windows.push_str("; ");
                windows.push_str(&one_line(&caveat.text));
            }
            let calls = found.calls.map(thousands);
            Some(SampleView {
                place: format!("{} {}", row.account, row.region),
                calls: calls.unwrap_or_else(|| "unknown".to_owned()),
                range: found.calls_range.map(numbers).unwrap_or_default(),
                windows,
            })
        })
        .collect();
    let mut secrets: Vec<_> = report
        .secrets
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            let found = row.estimate.as_ref()?;
            let range = found.cost.total_usd?;
            Some((
                range.high.0.saturating_sub(range.low.0),
                index,
                row,
                found,
                range,
            ))
        })
        .collect();
    secrets.sort_by_key(|(width, index, ..)| (Reverse(*width), *index));
    let rest = secrets.len().saturating_sub(SHOWN);
    let total = report
        .totals
        .estimate
        .as_ref()
        .and_then(|found| found.cost.total_usd);
    Some(Estimated {
        lead: format!(
            "The event history of {} was too long for the lookup budget, so only windows of it were read. Calls, their \
             cost and loops there are estimates.{} Nothing is called unused from a sample.",
            scope_count(samples.len()),
            total.map_or_else(String::new, |range| format!(
                " In total, the monthly cost is {} with 95 % certainty.",
                dollars(range)
            ))
        ),
        samples,
        secrets: secrets
            .into_iter()
            .take(SHOWN)
            .map(|(_, index, row, found, range)| EstimatedSecret {
                place: index,
                name: one_line(&row.name),
                cost: money_or_unknown(row.cost.total_usd),
                range: dollars(range),
                doubts: one_line(&doubts(&found.caveats)),
            })
            .collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("{} more in estimates.csv", thousands(rest as u64))
        },
    })
}
