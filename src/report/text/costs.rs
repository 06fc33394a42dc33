//! What it costs: a month at the present rate, the window itself, and the same by group.

use super::page::{Look, Page, left, piece, right};
use super::words::{self, agree, number};
use crate::domain::money::{Money, thousands};
use crate::domain::report::{Range, Report, Totals};
use crate::domain::sums::{self, Grouping};
use crate::domain::verdict::Verdict;
use crate::report::estimates::dollars;

/// One line of the bill: what, how much, and what it is made of. Without an amount it explains the line above.
struct Line {
    label: &'static str,
    amount: String,
    note: String,
}

/// The section.
pub(super) fn costs(page: &mut Page, report: &Report) {
    page.heading("COST A MONTH (estimate)");
    let lines = lines(report);
    let amounts = lines
        .iter()
        .map(|line| line.amount.len())
        .max()
        .unwrap_or(0);
    for Line {
        label,
        amount,
        note,
    } in &lines
    {
        let look = if *label == "Total" {
            Look::Strong
        } else {
            Look::Usual
        };
        page.line(
            2,
            &[
                left(look, label, 9),
                right(look, amount, amounts + 2),
                piece(Look::Usual, "  "),
                piece(Look::Faint, note),
            ],
        );
    }
    let note = format!(
        "The window of {} cost {} (see ASSUMPTIONS).",
        words::length(&report.window),
        report.totals.window_cost.total_usd.dollars()
    );
    page.paragraph(2, Look::Faint, &note);
    left_out(page, &report.totals);
}

fn lines(report: &Report) -> Vec<Line> {
    let totals = &report.totals;
    let line = |label, amount: String, note: String| Line {
        label,
        amount,
        note,
    };
    let pending = report
        .secrets
        .iter()
        .filter(|row| row.deleted.is_some())
        .count() as u64;
    let secrets = number(totals.secrets, "secret");
    let storage = match pending {
        0 => secrets,
        some => format!(
            "{secrets}; {} pending deletion {} free",
            thousands(some),
            agree(some, "is", "are")
        ),
    };
    let mut lines = vec![line("Storage", totals.storage_usd.dollars(), storage)];
    if nothing_counted(totals) {
        let unknown = || "unknown".to_owned();
        lines.push(line(
            "API calls",
            unknown(),
            "no trail was read: calls are not counted".to_owned(),
        ));
        lines.push(line("KMS", unknown(), String::new()));
    } else {
        let about = if totals.estimate.is_some() {
            "about "
        } else {
            ""
        };
        let calls = format!(
            "{about}{} in {}",
            number(totals.calls, "call"),
            words::length(&report.window)
        );
        lines.push(line("API calls", totals.api_usd.dollars(), calls));
        if let Some(range) = totals.estimate.as_ref().and_then(|found| found.api_usd) {
            lines.push(line("", String::new(), sampled(range)));
        }
        if totals.unattributed_calls > 0 {
            let (calls, usd) = (
                thousands(totals.unattributed_calls),
                totals.unattributed_usd.dollars(),
            );
            lines.push(line(
                "",
                String::new(),
                format!("{calls} of them ({usd}) for no known secret"),
            ));
        }
        lines.push(line(
            "KMS",
            totals.kms_usd.dollars(),
            "reads with a customer-managed key".to_owned(),
        ));
    }
    let range = totals.estimate.as_ref().and_then(|found| found.total_usd);
    let sure = range.map(sampled).unwrap_or_default();
    lines.push(line("Total", totals.total_usd.dollars(), sure));
    lines
}

/// How sure an amount is that was estimated from a sample.
fn sampled(range: Range<Money>) -> String {
    format!("estimate from a sample: {}", dollars(range))
}

/// Whether no calls could be counted anywhere.
pub(super) fn nothing_counted(totals: &Totals) -> bool {
    totals.secrets > 0 && totals.uncounted_secrets == totals.secrets && totals.calls == 0
}

/// What the costs leave out, so that a low number is not taken for a good one.
fn left_out(page: &mut Page, totals: &Totals) {
    let mut parts = Vec::new();
    if totals.unpriced_secrets > 0 {
        parts.push(format!(
            "the price of {}",
            number(totals.unpriced_secrets, "secret")
        ));
    }
    // Without a price the cost of calls is unknown, too, and that is said already.
    let uncounted = totals
        .uncounted_secrets
        .saturating_sub(totals.unpriced_secrets);
    if uncounted > 0 && !nothing_counted(totals) {
        parts.push(format!("the calls of {}", number(uncounted, "secret")));
    }
    if !parts.is_empty() {
        let text = format!("Unknown and left out: {}.", words::listed(&parts));
        page.paragraph(2, Look::Warning, &text);
    }
}

/// The table of groups, the dearest first.
pub(super) fn groups(page: &mut Page, report: &Report, by: Grouping) {
    page.heading(&format!("COST A MONTH BY {}", by.words().to_uppercase()));
    let mut groups = sums::groups(report, by);
    // The calls of no secret stay at the end.
    groups.sort_by_key(|group| {
        (
            group.key == sums::Key::Unattributed,
            -group.totals.total_usd.0,
        )
    });
    let header = ["secrets", "cost", "savings", "delete", "review"];
    row(page, Look::Faint, by.words(), &header.map(str::to_owned));
    for group in &groups {
        let totals = &group.totals;
        let of = |verdict| thousands(totals.verdicts.get(&verdict).copied().unwrap_or(0));
        let cells = [
            thousands(totals.secrets),
            totals.total_usd.dollars(),
            totals.savings_usd.dollars(),
            of(Verdict::Delete),
            of(Verdict::Review),
        ];
        let key = match (by, &group.key) {
            (Grouping::Account, sums::Key::Of(account)) => report.account_label(account),
            (_, key) => key.to_string(),
        };
        row(page, Look::Usual, &key, &cells);
    }
}

fn row(page: &mut Page, look: Look, key: &str, cells: &[String; 5]) {
    let widths = [9, 13, 12, 8, 8];
    let mut pieces = vec![left(look, key, 28)];
    pieces.extend(
        cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| right(look, cell, width)),
    );
    page.line(2, &pieces);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::Cost;
    use crate::report::sample;
    use crate::report::text::{Options, summary};

    #[test]
    fn without_a_trail_calls_are_unknown_and_not_free() {
        let mut report = sample::report();
        report.unattributed.clear();
        report.loops.clear();
        for row in &mut report.secrets {
            row.cost = Cost::new(row.cost.storage_usd, None, None);
            (row.calls, row.reads, row.failed) = (0, 0, 0);
        }
        report.totals = sums::totals(&report);
        let text = summary(&report, &Options::default());
        let line = |label: &str| {
            text.lines()
                .find(|line| line.trim().starts_with(label))
                .unwrap()
                .to_owned()
        };
        assert!(
            line("API calls").contains("unknown  no trail was read"),
            "{text}"
        );
        assert!(line("KMS").ends_with("unknown"));
        assert!(line("Total").ends_with("$2.40"));
        assert!(!text.contains("the calls of"));
    }

    #[test]
    fn what_is_left_out_is_named_once() {
        for (unpriced, uncounted, said) in [
            (0, 0, None),
            (2, 2, Some("the price of 2 secrets.")),
            (0, 1, Some("the calls of 1 secret.")),
            (
                1,
                3,
                Some("the price of 1 secret and the calls of 2 secrets."),
            ),
        ] {
            let mut report = sample::report();
            report.totals.unpriced_secrets = unpriced;
            report.totals.uncounted_secrets = uncounted;
            let text = summary(&report, &Options::default());
            let found = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("Unknown and left out: "));
            assert_eq!(found, said);
        }
    }
}
