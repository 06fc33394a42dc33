//! The steps from the old total to the new one.

use super::moves::{Moves, NOTABLE, comparable};
use super::pairs::Pairs;
use super::{BridgeStep, Change, CompareBasis};
use crate::domain::base::money::Money;
use crate::domain::report::result::{Report, SecretRow};

/// Names the steps. They add up to the change of the totals.
pub(super) fn bridge(
    old: &Report,
    new: &Report,
    pairs: &Pairs<'_>,
    moves: &Moves,
    basis: CompareBasis,
) -> Vec<BridgeStep> {
    let of = |changes: &[Change]| -> (usize, Money) {
        let sum = changes.iter().map(|change| change.change_usd).sum();
        (changes.len(), sum)
    };
    let rows = |rows: &[&SecretRow]| -> Money {
        let costs = rows.iter().map(|row| basis.cost(row).known());
        costs.sum()
    };
    let comparable =
        |old: &SecretRow, new: &SecretRow| comparable(basis.cost(old), basis.cost(new));
    let listed = [
        ("appeared", "new secrets", of(&moves.appeared)),
        ("gone", "secrets that are gone", of(&moves.gone)),
        (
            "scheduled",
            "secrets scheduled for deletion",
            of(&moves.scheduled),
        ),
        ("restored", "secrets restored", of(&moves.restored)),
        ("dearer", "secrets that cost more", of(&moves.dearer)),
        ("cheaper", "secrets that cost less", of(&moves.cheaper)),
    ];
    let comparable_all: Money = pairs
        .both
        .iter()
        .map(|(old, new)| comparable(old, new))
        .sum();
    let uncertain = of(&moves.uncertain);
    let comparable_listed = listed[2..]
        .iter()
        .map(|(_, _, (_, sum))| *sum)
        .sum::<Money>()
        + uncertain.1;
    let is_small = |(old, new): &&(&SecretRow, &SecretRow)| {
        let change = comparable(old, new);
        let stayed = old.deleted.is_some() == new.deleted.is_some();
        stayed && change != Money::ZERO && change.0.unsigned_abs() < NOTABLE.0.unsigned_abs()
    };
    let small = pairs.both.iter().filter(is_small).count();
    let unlike = pairs
        .both
        .iter()
        .map(|(old, new)| {
            let change = basis.cost(new).known() - basis.cost(old).known();
            change - comparable(old, new)
        })
        .collect::<Vec<Money>>();
    let unlike_count = unlike
        .iter()
        .filter(|change| **change != Money::ZERO)
        .count();
    let rest = [
        (
            "small",
            "changes below one cent per month",
            (small, comparable_all - comparable_listed),
        ),
        (
            "unlike",
            "costs that only one of the scans knows",
            (unlike_count, unlike.into_iter().sum()),
        ),
        (
            "scopes-added",
            "accounts and Regions that only the new scan covers",
            (pairs.scopes_added.len(), rows(&pairs.added)),
        ),
        (
            "scopes-lost",
            "accounts and Regions that only the old scan covers",
            (pairs.scopes_lost.len(), Money::ZERO - rows(&pairs.lost)),
        ),
    ];
    let uncertain =
        (uncertain.0 > 0).then_some(("uncertain", "changes that estimates leave open", uncertain));
    let mut steps: Vec<BridgeStep> = listed
        .into_iter()
        .chain(uncertain)
        .chain(rest)
        .map(|(code, text, (count, change_usd))| step(code, text, count, change_usd))
        .collect();
    if basis == CompareBasis::Accrued && !(old.former.is_empty() && new.former.is_empty()) {
        let usd = |report: &Report| report.totals.window_cost.former_usd;
        steps.push(step(
            "former",
            "secrets deleted for good before the scan",
            new.former.len(),
            usd(new) - usd(old),
        ));
    }
    // What is left is what the totals hold beside the rows of secrets: calls that belong to none of them.
    let explained: Money = steps.iter().map(|step| step.change_usd).sum();
    let left = basis.total(new) - basis.total(old) - explained;
    steps.push(step(
        "unattributed",
        "calls that belong to no secret",
        0,
        left,
    ));
    steps
}

fn step(code: &str, text: &str, count: usize, change_usd: Money) -> BridgeStep {
    BridgeStep {
        code: code.to_owned(),
        text: text.to_owned(),
        count: count as u64,
        change_usd,
    }
}
