//! What happened to each secret between two reports: it appeared, was deleted or restored, or costs something else.

use super::pairs::Pairs;
use super::{Change, CompareBasis};
use crate::domain::base::money::Money;
use crate::domain::report::result::{Cost, Range, SecretRow};

/// A run rate that moves by less than this is no news: the counts of a sliding window tremble.
pub(super) const NOTABLE: Money = Money(10_000);

/// Each secret that both reports can speak of, at the one thing that happened to it.
#[derive(Default)]
pub(super) struct Moves {
    pub(super) appeared: Vec<Change>,
    pub(super) gone: Vec<Change>,
    pub(super) scheduled: Vec<Change>,
    pub(super) restored: Vec<Change>,
    pub(super) dearer: Vec<Change>,
    pub(super) cheaper: Vec<Change>,
    pub(super) uncertain: Vec<Change>,
}

impl Moves {
    pub(super) fn of(pairs: &Pairs<'_>, basis: CompareBasis) -> Self {
        let mut moves = Self {
            appeared: sorted(pairs.appeared.iter().map(|row| only_new(row, basis))),
            gone: sorted(pairs.gone.iter().map(|row| only_old(row, basis))),
            ..Self::default()
        };
        for (old, new) in &pairs.both {
            let change = both(old, new, basis);
            match (old.deleted, new.deleted) {
                (None, Some(_)) => moves.scheduled.push(change),
                (Some(_), None) => moves.restored.push(change),
                _ if change.change_usd.0.unsigned_abs() >= NOTABLE.0.unsigned_abs()
                    && may_be_alike(old, new, basis) =>
                {
                    moves.uncertain.push(change);
                }
                _ if change.change_usd >= NOTABLE => moves.dearer.push(change),
                _ if Money::ZERO - change.change_usd >= NOTABLE => moves.cheaper.push(change),
                _ => {}
            }
        }
        for list in [
            &mut moves.scheduled,
            &mut moves.restored,
            &mut moves.dearer,
            &mut moves.cheaper,
            &mut moves.uncertain,
        ] {
            sort(list);
        }
        moves
    }
}

/// Returns whether estimates leave open that a secret costs what it did.
fn may_be_alike(old: &SecretRow, new: &SecretRow, basis: CompareBasis) -> bool {
    let range = |row: &SecretRow| {
        let found = row.estimate.as_ref().and_then(|found| basis.range(found));
        found.or(basis.cost(row).total_usd.map(Range::exact))
    };
    let is_estimate = old.estimate.is_some() || new.estimate.is_some();
    range(old)
        .zip(range(new))
        .is_some_and(|(old, new)| is_estimate && old.low <= new.high && new.low <= old.high)
}

fn only_new(row: &SecretRow, basis: CompareBasis) -> Change {
    let cost = basis.cost(row);
    change(row, None, cost.total_usd, cost.known())
}

fn only_old(row: &SecretRow, basis: CompareBasis) -> Change {
    let cost = basis.cost(row);
    change(row, cost.total_usd, None, Money::ZERO - cost.known())
}

pub(super) fn both(old: &SecretRow, new: &SecretRow, basis: CompareBasis) -> Change {
    let (before, after) = (basis.cost(old), basis.cost(new));
    let difference = comparable(before, after);
    change(new, before.total_usd, after.total_usd, difference)
}

fn change(
    row: &SecretRow,
    old_usd: Option<Money>,
    new_usd: Option<Money>,
    change_usd: Money,
) -> Change {
    Change {
        arn: row.arn.clone(),
        name: row.name.clone(),
        account: row.account.clone(),
        region: row.region.clone(),
        owner: row.owner.clone(),
        old_usd,
        new_usd,
        change_usd,
        verdict: row.verdict,
        idle_days: row.idle_days,
    }
}

/// The difference over the parts that both scans know: a part that became known is no price rise.
pub(super) fn comparable(old: &Cost, new: &Cost) -> Money {
    [
        (old.storage_usd, new.storage_usd),
        (old.api_usd, new.api_usd),
        (old.kms_usd, new.kms_usd),
    ]
    .into_iter()
    .filter_map(|(old, new)| Some(new? - old?))
    .sum()
}

/// Biggest change first.
pub(super) fn sorted(changes: impl Iterator<Item = Change>) -> Vec<Change> {
    let mut changes: Vec<Change> = changes.collect();
    sort(&mut changes);
    changes
}

fn sort(changes: &mut [Change]) {
    changes.sort_by(|a, b| {
        let size = |change: &Change| change.change_usd.0.unsigned_abs();
        size(b).cmp(&size(a)).then_with(|| a.arn.cmp(&b.arn))
    });
}
