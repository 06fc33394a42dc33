//! What can be saved and how: the secrets that can go, and the loops to mend.

use std::collections::HashMap;

use super::page::{self, Look, Page, left, piece, right};
use super::words::{self, number};
use super::{Options, by_reason, more, of_verdict, place};
use crate::domain::money::{Money, thousands};
use crate::domain::names::{AccountId, SecretArn};
use crate::domain::report::{LoopRow, Report, SecretRow};
use crate::domain::verdict::Verdict;

/// The section.
pub(super) fn savings(page: &mut Page, report: &Report, options: &Options) {
    let totals = &report.totals;
    let deletes = of_verdict(report, Verdict::Delete);
    if deletes.is_empty() && report.loops.is_empty() {
        page.heading("NOTHING TO SAVE");
        let text = "No secret is unused for certain, and no program fetches one more often than it needs to.";
        page.paragraph(2, Look::Usual, text);
    } else {
        page.heading(&format!(
            "SAVE UP TO {} A MONTH",
            totals.savings_usd.dollars()
        ));
        if !deletes.is_empty() {
            deletable(page, report, deletes, options);
        }
        if !report.loops.is_empty() {
            if report.totals.verdicts.contains_key(&Verdict::Delete) {
                page.space();
            }
            hot_loops(page, report, options);
        }
    }
    if totals.pending_usd > Money::ZERO {
        page.space();
        let text = format!(
            "Pending deletions save {} a month already.",
            totals.pending_usd.dollars()
        );
        page.paragraph(2, Look::Faint, &text);
    }
}

fn title(page: &mut Page, usd: Money, what: &str, note: &str) {
    page.line(
        2,
        &[
            piece(Look::Good, usd.dollars()),
            piece(Look::Strong, format!("  {what}")),
            piece(Look::Faint, note),
        ],
    );
}

fn deletable(page: &mut Page, report: &Report, rows: Vec<&SecretRow>, options: &Options) {
    let costs = with_replicas(report);
    let saves = |row: &SecretRow| costs.get(&row.arn).copied().unwrap_or_default();
    let mut rows: Vec<_> = rows.into_iter().map(|row| (saves(row), row)).collect();
    // By cents, as they are shown: of equal ones the longest unused come first.
    let cents = |usd: Money| usd.scaled(1, 10_000);
    rows.sort_by(|(more, row), (less, next)| {
        let longest = next.idle_days.cmp(&row.idle_days);
        cents(*less)
            .cmp(&cents(*more))
            .then(longest)
            .then_with(|| row.arn.cmp(&next.arn))
    });
    let what = format!("delete {}", number(rows.len() as u64, "secret"));
    title(page, report.totals.savings_delete_usd, &what, "");
    by_reason(page, report, rows.iter().map(|(_, row)| *row));

    let shown = &rows[..rows.len().min(options.top)];
    if !shown.is_empty() {
        table(page, shown);
    }
    more(page, rows.len(), options, "secrets.csv");
    page.line(
        4,
        &[piece(
            Look::Usual,
            "Next, write the list of deletions for review; this deletes nothing:",
        )],
    );
    let folder = options
        .folder
        .as_deref()
        .map_or_else(|| "DIR".to_owned(), words::shell);
    page.paragraph(6, Look::Good, &format!("secretsweep plan {folder}"));
}

/// What the dearest would save, how long they have been unused, and where they are.
fn table(page: &mut Page, rows: &[(Money, &SecretRow)]) {
    let places: Vec<_> = rows
        .iter()
        .map(|(_, row)| format!("{} {}", row.account, row.region))
        .collect();
    let longest = places.iter().map(String::len).max().unwrap_or(0);
    let amounts = rows
        .iter()
        .map(|(usd, _)| usd.dollars().len())
        .max()
        .unwrap_or(0)
        .max(5);
    let (days, gap) = (10, 2);
    let name = page::COLUMNS.saturating_sub(4 + amounts + gap + days + gap + longest + gap);
    let line = |page: &mut Page, look, cells: [&str; 4]| {
        let [usd, secret, unused, place] = cells;
        page.line(
            4,
            &[
                right(look, usd, amounts),
                piece(look, "  "),
                left(look, secret, name),
                right(look, unused, days),
                piece(look, "  "),
                piece(look, place),
            ],
        );
    };
    line(
        page,
        Look::Faint,
        ["saves", "secret", "unused for", "account and Region"],
    );
    for ((usd, row), place) in rows.iter().zip(&places) {
        let unused = unused(row);
        line(
            page,
            Look::Usual,
            [&usd.dollars(), &row.name, &unused, place],
        );
    }
}

/// For how long a secret that can go has been unused. If only maintenance reads it, the evidence says for how long at
/// least.
fn unused(row: &SecretRow) -> String {
    match (row.idle_days, row.evidence_days) {
        (Some(idle), _) => words::days(idle),
        (None, 0) => "unknown".to_owned(),
        (None, seen) => format!("{seen}+ days"),
    }
}

/// What each secret costs together with the replicas that go with it.
fn with_replicas(report: &Report) -> HashMap<&SecretArn, Money> {
    let mut costs: HashMap<&SecretArn, Money> = HashMap::new();
    for row in &report.secrets {
        *costs
            .entry(row.replica_of.as_ref().unwrap_or(&row.arn))
            .or_default() += row.cost.known();
    }
    costs
}

fn hot_loops(page: &mut Page, report: &Report, options: &Options) {
    let what = format!("mend {}", number(report.loops.len() as u64, "hot loop"));
    let note = ": a program fetches a secret far too often";
    title(page, report.totals.savings_loops_usd, &what, note);
    for found in report.loops.iter().take(options.top) {
        hot_loop(page, found);
    }
    more(page, report.loops.len(), options, "findings.csv");
}

fn hot_loop(page: &mut Page, found: &LoopRow) {
    let usd = found
        .avoidable_usd_month
        .map_or_else(|| "unknown".to_owned(), Money::dollars);
    let missing = if found.arn.is_none() {
        " (no such secret)"
    } else {
        ""
    };
    let place = format!("  {}", place(found.account.as_ref(), found.region.as_ref()));
    let name = page::COLUMNS.saturating_sub(4 + usd.len() + 2 + missing.len() + place.len());
    page.line(
        4,
        &[
            piece(Look::Good, usd),
            piece(Look::Usual, "  "),
            page::cut(Look::Strong, &found.name, name),
            piece(Look::Usual, missing),
            piece(Look::Faint, place),
        ],
    );
    let reader = words::reader(&found.reader, found.account.as_ref().map(AccountId::as_str));
    let text = format!(
        "{reader} ({}) calls {} every {} at its peak; {}, {} times a month, {} of them needless.",
        found.client,
        found.what,
        words::interval(found.interval_s),
        number(found.clients, "client"),
        thousands(found.reads_month),
        thousands(found.avoidable_calls_month)
    );
    page.paragraph(6, Look::Usual, &text);
    page.item(6, "Fix: ", Look::Usual, &found.advice);
}
