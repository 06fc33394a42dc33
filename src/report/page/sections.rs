//! The sections below the key figures: most expensive secrets, hot loops, idle secrets by age, findings, coverage gaps.

pub(super) mod finding_list;
pub(super) mod idle_ages;
pub(super) mod loop_list;
pub(super) mod unseen;

use serde::Serialize;

use crate::domain::base::money::Money;
use crate::domain::report::result::{Report, SecretRow};
use crate::report::escape::one_line;
use crate::report::format::money_or_unknown;
use crate::report::format::percent;

/// Sets how many of the most expensive secrets are shown.
const MOST_EXPENSIVE: usize = 10;

/// One of the most expensive secrets.
#[derive(Serialize)]
pub(crate) struct ExpensiveSecret {
    place: usize,
    name: String,
    scope: String,
    owner: String,
    verdict: &'static str,
    cost: String,
    storage: String,
    calls: String,
    storage_width: String,
    calls_width: String,
    alt: String,
}

/// The secrets that cost most, the most expensive first.
pub(crate) fn most_expensive(report: &Report) -> Vec<ExpensiveSecret> {
    let mut rows: Vec<(usize, &SecretRow)> = report.secrets.iter().enumerate().collect();
    rows.sort_by(|(_, a), (_, b)| (b.cost.known(), &a.arn).cmp(&(a.cost.known(), &b.arn)));
    let most = rows
        .first()
        .map_or(Money::ZERO, |(_, row)| row.cost.known());
    let shown = |&(index, row): &(usize, &SecretRow)| {
        let storage = row.cost.storage_usd.unwrap_or_default();
        let counted = row.cost.api_usd.is_some() || row.cost.kms_usd.is_some();
        let calls = row.cost.known() - storage;
        let calls_text = money_or_unknown(counted.then_some(calls));
        ExpensiveSecret {
            place: index,
            name: one_line(&row.name),
            scope: row.scope().to_string(),
            owner: row
                .owner
                .as_deref()
                .map_or_else(|| "no owner tag".to_owned(), one_line),
            verdict: row.verdict.as_str(),
            cost: money_or_unknown(row.cost.total_usd),
            storage: money_or_unknown(row.cost.storage_usd),
            alt: format!(
                "{} for storage, {calls_text} for calls",
                money_or_unknown(row.cost.storage_usd)
            ),
            calls: calls_text,
            storage_width: percent(storage.0, most.0),
            calls_width: percent(calls.0, most.0),
        }
    };
    rows.iter()
        .filter(|(_, row)| row.cost.known() > Money::ZERO)
        .take(MOST_EXPENSIVE)
        .map(shown)
        .collect()
}

/// A piece of a sentence.
#[derive(Serialize)]
struct Word {
    text: String,
    /// It stood between backticks: a setting, a command.
    code: bool,
}

/// A sentence cut at its backticks.
fn words_of(sentence: &str) -> Vec<Word> {
    let sentence = one_line(sentence);
    let pieces = sentence.split('`').enumerate();
    pieces
        .filter(|(_, text)| !text.is_empty())
        .map(|(index, text)| Word {
            text: text.to_owned(),
            code: index % 2 == 1,
        })
        .collect()
}
