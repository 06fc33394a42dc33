//! What of the promised savings came true.

use std::collections::{BTreeMap, BTreeSet};

use super::SavingsReview;
use super::loop_changes::{Names, can_tell, scope_of};
use super::moves::comparable;
use super::pairs::Pairs;
use crate::domain::base::money::Money;
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::report::result::{Cost, Report, SecretRow};
use crate::domain::report::sums::PossibleSavings;
use crate::domain::report::verdict::Verdict;

/// Compares what the old scan promised with what fell since.
pub(super) fn savings(old: &Report, new: &Report, pairs: &Pairs<'_>) -> SavingsReview {
    let possible = PossibleSavings::new(old);
    let gone: Money = pairs
        .gone
        .iter()
        .filter(|row| possible.goes(row))
        .map(|row| row.cost.known())
        .sum();
    let scheduled: Money = pairs
        .both
        .iter()
        .filter(|(old, new)| possible.goes(old) && old.deleted.is_none() && new.deleted.is_some())
        .map(|(old, new)| Money::ZERO - comparable(&old.cost, &new.cost))
        .sum();
    let mended = mended_secrets(old, pairs) + mended_names(old, new, pairs);
    let promised = old.totals.savings_usd;
    let realised = gone + scheduled + mended;
    SavingsReview {
        promised_usd: promised,
        deleted_usd: gone + scheduled,
        mended_usd: mended,
        realised_usd: realised,
        open_usd: (promised - realised).max(Money::ZERO),
    }
}

/// Returns what API and KMS of the secrets with promised loops fell by, at most by what was promised for each.
fn mended_secrets(old: &Report, pairs: &Pairs<'_>) -> Money {
    let mut promised: BTreeMap<&SecretArn, Money> = BTreeMap::new();
    for row in &old.loops {
        if let (Some(arn), Some(usd)) = (&row.arn, row.avoidable_usd_month) {
            *promised.entry(arn).or_default() += usd;
        }
    }
    pairs
        .both
        .iter()
        .filter(|(old, _)| old.verdict != Verdict::Delete)
        .filter_map(|(old, new)| {
            let promised = *promised.get(&old.arn)?;
            let fell = calls(&old.cost)? - calls(&new.cost)?;
            Some(at_most(fell, promised))
        })
        .sum()
}

/// The savings that were promised for the loops on names of one account and Region that are not in the inventory.
#[derive(Default)]
struct Promised<'a> {
    usd: Money,
    /// The secrets that such names stand for by now: calls on them are not saved but paid there.
    found: BTreeSet<&'a SecretArn>,
}

/// Returns what the calls of no secret fell by where loops on names were promised, at most by what was promised in each
/// account and Region. How much each name cost is not in a report.
fn mended_names(old: &Report, new: &Report, pairs: &Pairs<'_>) -> Money {
    let names = Names::of(new);
    let mut promised: BTreeMap<Scope, Promised<'_>> = BTreeMap::new();
    for row in old.loops.iter().filter(|row| row.arn.is_none()) {
        if let (Some(scope), Some(usd)) = (scope_of(row), row.avoidable_usd_month) {
            let promised = promised.entry(scope).or_default();
            promised.usd += usd;
            promised
                .found
                .extend(names.secret(row).map(|found| &found.arn));
        }
    }
    let cost_of = |rows: &[SecretRow], arn: &SecretArn| -> Option<Money> {
        let row = rows.iter().find(|row| row.arn == *arn);
        row.map_or(Some(Money::ZERO), |row| calls(&row.cost))
    };
    let fell = |scope: &Scope, promised: &Promised<'_>| -> Option<Money> {
        // Where only one scan knew the secrets, calls went to them or from them without anybody mending anything.
        let is_one_sided = pairs.scopes_added.contains(scope) || pairs.scopes_lost.contains(scope);
        if is_one_sided || !can_tell(new, Some(&scope.account), Some(&scope.region)) {
            return None;
        }
        let mut fell = unattributed(old, scope)? - unattributed(new, scope)?;
        for arn in &promised.found {
            let rose = cost_of(&new.secrets, arn)? - cost_of(&old.secrets, arn)?;
            fell = fell - rose.max(Money::ZERO);
        }
        Some(at_most(fell, promised.usd))
    };
    let promised = promised.iter();
    promised.filter_map(|(scope, usd)| fell(scope, usd)).sum()
}

/// The run rate of the calls of no secret in one account and Region; `None`: unknown.
fn unattributed(report: &Report, scope: &Scope) -> Option<Money> {
    let here = report.unattributed.iter().find(|row| {
        (row.account.as_ref(), row.region.as_ref()) == (Some(&scope.account), Some(&scope.region))
    });
    here.map_or(Some(Money::ZERO), |row| row.api_usd)
}

/// The run rate of the calls of a secret; `None`: unknown.
fn calls(cost: &Cost) -> Option<Money> {
    Some(cost.api_usd? + cost.kms_usd.unwrap_or_default())
}

/// A fall as far as it was promised. What rose saved nothing.
fn at_most(fell: Money, promised: Money) -> Money {
    fell.clamp(Money::ZERO, promised.max(Money::ZERO))
}
