//! What was estimated from a sample of the event history, and how sure it is.

use std::cmp::Reverse;

use super::page::{Look, TextPage, left, piece};
use super::{Options, more};
use crate::domain::base::money::thousands;
use crate::domain::report::result::{Report, ScopeRow, SecretRow};
use crate::report::estimates::{self, dollars, doubts, numbers, scope_count};

/// The section; nothing if everything was counted.
pub(super) fn estimated(page: &mut TextPage, report: &Report, options: &Options) {
    let sampled: Vec<&ScopeRow> = report
        .scopes
        .iter()
        .filter(|row| row.sample.is_some())
        .collect();
    if sampled.is_empty() && !estimates::any(report) {
        return;
    }
    page.heading("ESTIMATED FROM A SAMPLE");
    let text = format!(
        "The event history of {} was too long for the lookup budget, so only windows of it were read. Calls, their \
         cost and loops there are estimates: with 95 % certainty the truth lies between the two numbers.",
        scope_count(sampled.len()),
    );
    page.paragraph(2, Look::Usual, &text);
    if let Some(found) = &report.totals.estimate {
        let usd = found.cost.total_usd.map(dollars).unwrap_or_default();
        let text = format!("In total: {usd} per month; {} calls.", numbers(found.calls));
        page.paragraph(2, Look::Strong, &text);
    }
    for row in sampled.iter().take(options.top) {
        scope(page, row);
    }
    more(page, sampled.len(), options, "estimates.csv");
    secrets(page, report, options);
}

fn scope(page: &mut TextPage, row: &ScopeRow) {
    let Some(sample) = &row.sample else {
        return;
    };
    let name = format!("{} {}", row.account, row.region);
    let calls = match (sample.calls, sample.calls_range) {
        (Some(calls), Some(range)) => {
            format!("about {} calls ({})", thousands(calls), numbers(range))
        }
        _ => "too little was read for an estimate".to_owned(),
    };
    page.line(
        4,
        &[left(Look::Usual, &name, 28), piece(Look::Strong, calls)],
    );
    let mut text = estimates::sample(sample);
    for caveat in &sample.caveats {
        text.push_str("; ");
        text.push_str(&caveat.text);
    }
    text.push('.');
    page.paragraph(6, Look::Faint, &text);
}

/// The secrets whose cost is least certain.
fn secrets(page: &mut TextPage, report: &Report, options: &Options) {
    let mut rows: Vec<(i64, &SecretRow)> = report
        .secrets
        .iter()
        .filter_map(|row| {
            let range = row.estimate.as_ref()?.cost.total_usd?;
            Some((range.high.0.saturating_sub(range.low.0), row))
        })
        .filter(|(width, _)| *width >= 10_000)
        .collect();
    rows.sort_by_key(|(width, row)| (Reverse(*width), &row.arn));
    if rows.is_empty() || options.top == 0 {
        return;
    }
    page.paragraph(2, Look::Usual, "Least certain, per month:");
    for (_, row) in rows.iter().take(options.top) {
        let Some(found) = &row.estimate else { continue };
        let usd = found.cost.total_usd.map(dollars).unwrap_or_default();
        page.line(
            4,
            &[left(Look::Usual, &usd, 28), piece(Look::Usual, &row.name)],
        );
        let doubts = doubts(&found.caveats);
        if !doubts.is_empty() {
            page.paragraph(6, Look::Faint, &format!("{doubts}."));
        }
    }
    more(page, rows.len(), options, "estimates.csv");
}
