//! What of the promised savings came true.

use std::collections::{BTreeMap, BTreeSet};

use super::{Loops, Pairs, Savings, comparable};
use crate::domain::money::Money;
use crate::domain::names::SecretArn;
use crate::domain::report::{Cost, Report, SecretRow};
use crate::domain::verdict::Verdict;

/// Compares what the old scan promised with what fell since.
pub(super) fn savings(old: &Report, pairs: &Pairs<'_>, loops: &Loops) -> Savings {
    let wanted: BTreeSet<&SecretArn> = old
        .secrets
        .iter()
        .filter(|row| row.verdict == Verdict::Delete)
        .map(|row| &row.arn)
        .collect();
    let is_wanted = |row: &SecretRow| {
        let primary = row.replica_of.as_deref();
        wanted.contains(&row.arn) || primary.is_some_and(|primary| wanted.contains(primary))
    };
    let gone: Money = pairs
        .gone
        .iter()
        .filter(|row| is_wanted(row))
        .map(|row| row.cost.known())
        .sum();
    let scheduled: Money = pairs
        .both
        .iter()
        .filter(|(old, new)| is_wanted(old) && old.deleted.is_none() && new.deleted.is_some())
        .map(|(old, new)| Money::ZERO - comparable(&old.cost, &new.cost))
        .sum();
    let mended = mended(old, pairs, loops);
    let promised = old.totals.savings_usd;
    let realised = gone + scheduled + mended;
    Savings {
        promised_usd: promised,
        deleted_usd: gone + scheduled,
        mended_usd: mended,
        realised_usd: realised,
        open_usd: (promised - realised).max(Money::ZERO),
    }
}

/// What API and KMS of the secrets with promised loops fell by, at most by what was promised for each.
fn mended(old: &Report, pairs: &Pairs<'_>, loops: &Loops) -> Money {
    let mut promised: BTreeMap<&SecretArn, Money> = BTreeMap::new();
    for row in &old.loops {
        if let (Some(arn), Some(usd)) = (&row.arn, row.avoidable_usd_month) {
            *promised.entry(arn).or_default() += usd;
        }
    }
    let of_secrets: Money = pairs
        .both
        .iter()
        .filter(|(old, _)| old.verdict != Verdict::Delete)
        .filter_map(|(old, new)| {
            let promised = *promised.get(&old.arn)?;
            let calls = |cost: &Cost| Some(cost.api_usd? + cost.kms_usd.unwrap_or_default());
            let fell = calls(&old.cost)? - calls(&new.cost)?;
            Some(fell.clamp(Money::ZERO, promised.max(Money::ZERO)))
        })
        .sum();
    let of_names: Money = loops
        .fixed
        .iter()
        .filter(|row| row.arn.is_none())
        .filter_map(|row| row.avoidable_usd_month)
        .sum();
    of_secrets + of_names
}
