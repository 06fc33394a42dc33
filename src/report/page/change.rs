//! The section on what changed since the scan before.

use serde::Serialize;

use crate::compare::{Change, CompareBasis, Comparison, LoopChange};
use crate::domain::base::money::{Money, thousands};
use crate::report::comparison::{amount, estimates, loop_lists, reader, secret_lists, signed};
use crate::report::escape::one_line;
use crate::report::format::{moment, money_or_unknown};
use crate::report::text::phrases;

/// The number of secrets that a list shows.
const LISTED: usize = 10;

/// The changes since the earlier scan.
#[derive(Serialize)]
pub(crate) struct Changes {
    heading: String,
    since: String,
    old_total: String,
    new_total: String,
    change: String,
    steps: Vec<StepView>,
    found_before: String,
    saved: String,
    deleted: String,
    mended: String,
    open: String,
    lists: Vec<List>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct StepView {
    text: String,
    count: String,
    change: String,
}

#[derive(Serialize)]
struct List {
    heading: &'static str,
    count: String,
    rows: Vec<ChangeView>,
    more: String,
}

#[derive(Serialize)]
struct ChangeView {
    name: String,
    scope: String,
    text: String,
    change: String,
}

/// Reads the section from a comparison.
pub(crate) fn changes(comparison: &Comparison) -> Changes {
    let shown =
        |step: &&crate::compare::BridgeStep| step.count > 0 || step.change_usd != Money::ZERO;
    let savings = &comparison.savings;
    Changes {
        heading: match comparison.basis {
            CompareBasis::RunRate => "Monthly cost".to_owned(),
            CompareBasis::Accrued => "Cost of the month".to_owned(),
        },
        since: moment(comparison.old.made),
        old_total: comparison.old.total_usd.dollars(),
        new_total: comparison.new.total_usd.dollars(),
        change: signed(comparison.change_usd),
        steps: comparison
            .bridge
            .iter()
            .filter(shown)
            .map(|step| StepView {
                text: one_line(&step.text),
                count: if step.count == 0 {
                    String::new()
                } else {
                    thousands(step.count)
                },
                change: signed(step.change_usd),
            })
            .collect(),
        found_before: savings.promised_usd.dollars(),
        saved: savings.realised_usd.dollars(),
        deleted: savings.deleted_usd.dollars(),
        mended: savings.mended_usd.dollars(),
        open: savings.open_usd.dollars(),
        lists: lists(comparison),
        notes: notes(comparison),
    }
}

fn lists(comparison: &Comparison) -> Vec<List> {
    let secrets = secret_lists(comparison)
        .into_iter()
        .map(|(code, heading, rows)| list(heading, rows, |change| of_secret(code, change)));
    let loops = loop_lists(comparison)
        .into_iter()
        .map(|(_, heading, rows)| list(heading, rows, of_loop));
    secrets
        .chain(loops)
        .filter(|list| !list.rows.is_empty())
        .collect()
}

fn list<T>(heading: &'static str, rows: &[T], row: impl Fn(&T) -> ChangeView) -> List {
    let rest = rows.len().saturating_sub(LISTED);
    List {
        heading,
        count: thousands(rows.len() as u64),
        rows: rows.iter().take(LISTED).map(row).collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("and {} more", thousands(rest as u64))
        },
    }
}

fn of_secret(code: &str, change: &Change) -> ChangeView {
    ChangeView {
        name: one_line(&change.name),
        scope: change.arn.scope().to_string(),
        text: match (change.old_usd, change.new_usd) {
            (Some(old), Some(new)) => format!("{} to {}", old.dollars(), new.dollars()),
            _ => String::new(),
        },
        change: amount(code, change),
    }
}

fn of_loop(change: &LoopChange) -> ChangeView {
    let scope = [
        change.account.as_ref().map(ToString::to_string),
        change.region.as_ref().map(ToString::to_string),
    ];
    ChangeView {
        name: one_line(&change.name),
        scope: scope.into_iter().flatten().collect::<Vec<_>>().join(" "),
        text: format!(
            "{} per month by {}",
            phrases::number(change.reads_month, "call"),
            reader(change)
        ),
        change: money_or_unknown(change.avoidable_usd_month),
    }
}

fn notes(comparison: &Comparison) -> Vec<String> {
    let named = |scopes: &[crate::domain::base::names::Scope]| {
        let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let mut notes = estimates(comparison);
    if !comparison.scopes_added.is_empty() {
        notes.push(format!(
            "Scanned now and not before, so nothing there counts as new: {}.",
            named(&comparison.scopes_added)
        ));
    }
    if !comparison.scopes_lost.is_empty() {
        notes.push(format!(
            "Scanned before and not now, so nothing there counts as gone: {}.",
            named(&comparison.scopes_lost)
        ));
    }
    notes
}
