//! A list of secrets: how many there are for which reason, and the first of them with what they would save.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::page::{Look, TextPage, left, piece, right};
use super::{Detail, Options, more, phrases};
use crate::domain::base::money::{Money, thousands};
use crate::domain::base::names::SecretArn;
use crate::domain::report::result::{PolicySummary, Report, SecretRow};
use crate::domain::report::verdict::{RuleCode, Verdict};

/// The reasons with their counts, and the rows that save most; of equal ones the longest unused.
pub(super) fn list(page: &mut TextPage, report: &Report, rows: &[&SecretRow], options: &Options) {
    by_reason(page, report, rows, options.detail);
    let rows = by_saving(report, rows);
    let shown = &rows[..rows.len().min(options.top)];
    if !shown.is_empty() {
        table(page, shown);
    }
    more(page, rows.len(), options, "secrets.csv");
}

/// Secrets with what they save, the largest saving first; of equal ones the longest unused.
pub(in crate::report) fn by_saving<'a>(
    report: &'a Report,
    rows: &[&'a SecretRow],
) -> Vec<(Option<Money>, &'a SecretRow)> {
    let costs = with_replicas(report);
    let saves = |row: &SecretRow| costs.get(&row.arn).copied();
    let mut rows: Vec<_> = rows.iter().map(|&row| (saves(row), row)).collect();
    // By cents, as they are shown.
    rows.sort_by_key(|(usd, row)| {
        let cents = usd.map(|usd| usd.scaled(1, 10_000));
        (Reverse((cents, row.idle_days)), &row.arn)
    });
    rows
}

/// Returns how many secrets each deciding reason holds for, the most frequent first.
fn counts<'a>(rows: &[&'a SecretRow]) -> Vec<(Option<&'a RuleCode>, u64)> {
    let mut counts: BTreeMap<Option<&RuleCode>, u64> = BTreeMap::new();
    for row in rows {
        let code = row.reasons.first().map(|reason| &reason.code);
        *counts.entry(code).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(code, count)| (Reverse(count), code));
    counts
}

/// The deciding reasons with their counts, in plain words.
pub(in crate::report) fn reasons(rows: &[&SecretRow], policy: &PolicySummary) -> Vec<String> {
    let counts = counts(rows).into_iter();
    let parts = counts.map(|(code, count)| {
        let phrase = code.map_or_else(String::new, |code| phrases::reason(code, policy));
        format!("{} {phrase}", thousands(count))
    });
    parts.collect()
}

/// The deciding reasons with their counts, a line each, or in one paragraph.
pub(super) fn by_reason(page: &mut TextPage, report: &Report, rows: &[&SecretRow], detail: Detail) {
    if detail == Detail::Short {
        let text = reasons(rows, &report.policy).join("; ");
        page.paragraph(4, Look::Faint, &text);
        return;
    }
    let counts = counts(rows);
    let columns = counts
        .iter()
        .map(|(_, count)| thousands(*count).len())
        .max()
        .unwrap_or(0);
    for (code, count) in counts {
        let phrase = code.map_or_else(String::new, |code| phrases::reason(code, &report.policy));
        let mark = format!("{:>columns$}  ", thousands(count));
        page.item(4, &mark, Look::Usual, &phrase);
    }
}

/// Writes what they would save, for how long they have been unused, and where they are.
fn table(page: &mut TextPage, rows: &[(Option<Money>, &SecretRow)]) {
    let scopes: Vec<_> = rows
        .iter()
        .map(|(_, row)| format!("{} {}", row.account, row.region))
        .collect();
    let longest = scopes.iter().map(String::len).max().unwrap_or(0);
    let amounts = rows
        .iter()
        .map(|(usd, _)| phrases::usd(*usd).len())
        .max()
        .unwrap_or(0)
        .max(5);
    let (days, gap) = (10, 2);
    let name = page
        .columns()
        .saturating_sub(4 + amounts + gap + days + gap + longest + gap);
    let line = |page: &mut TextPage, look, cells: [&str; 4]| {
        let [usd, secret, unused, scope] = cells;
        if page.is_narrow() {
            page.line(
                4,
                &[
                    right(look, usd, amounts),
                    piece(look, "  "),
                    piece(look, secret),
                ],
            );
            let below = format!("{unused}, {scope}");
            page.line(4 + amounts + gap, &[piece(Look::Faint, below)]);
            return;
        }
        page.line(
            4,
            &[
                right(look, usd, amounts),
                piece(look, "  "),
                left(look, secret, name),
                piece(look, "  "),
                right(look, unused, days),
                piece(look, "  "),
                piece(look, scope),
            ],
        );
    };
    line(
        page,
        Look::Faint,
        ["saves", "secret", "unused for", "account and Region"],
    );
    for ((usd, row), scope) in rows.iter().zip(&scopes) {
        line(
            page,
            Look::Usual,
            [&phrases::usd(*usd), &row.name, &unused(row), scope],
        );
    }
}

/// For how long a secret has been unused. If only maintenance reads one that can be deleted, the evidence says for how long at
/// least.
pub(in crate::report) fn unused(row: &SecretRow) -> String {
    match (row.idle_days, row.verdict) {
        (Some(idle), _) => phrases::days(idle),
        (None, Verdict::Delete) if row.evidence_days > 0 => format!("{}+ days", row.evidence_days),
        (None, _) => "unknown".to_owned(),
    }
}

/// Returns what each secret costs together with the replicas that go with it, as far as it is known; none of which it
/// is not.
fn with_replicas(report: &Report) -> HashMap<&SecretArn, Money> {
    let mut costs: HashMap<&SecretArn, Money> = HashMap::new();
    for row in &report.secrets {
        if let Some(usd) = row.cost.total_usd {
            *costs
                .entry(row.replica_of.as_deref().unwrap_or(&row.arn))
                .or_default() += usd;
        }
    }
    costs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::report::text::summary;

    #[test]
    fn a_maintained_secret_is_unused_for_as_long_as_the_evidence_reaches() {
        let mut row = sample::secret(
            sample::MAIN,
            "eu-west-1",
            "a",
            Verdict::Delete,
            "maintenance-only",
        );
        assert_eq!(unused(&row), "90+ days");
        row.idle_days = Some(1);
        assert_eq!(unused(&row), "1 day");
        row.idle_days = None;
        row.verdict = Verdict::Review;
        assert_eq!(unused(&row), "unknown");
    }

    #[test]
    fn the_most_expensive_come_first_and_the_rest_is_counted() {
        let report = sample::report();
        let top = |top| Options {
            top,
            ..Options::default()
        };
        let text = summary(&report, &top(1));
        assert!(text.contains("$0.80  legacy/db"), "{text}");
        assert!(!text.contains("legacy/never"), "{text}");
        assert!(text.contains("and 1 more in secrets.csv"), "{text}");
        assert!(!summary(&report, &top(0)).contains("unused for"));
    }

    #[test]
    fn an_unknown_reason_is_shown_by_its_code() {
        let mut report = sample::report();
        for row in &mut report.secrets {
            row.reasons[0].code = "from-the-future".into();
        }
        assert!(summary(&report, &Options::default()).contains("    2  from-the-future\n"));
    }
}
