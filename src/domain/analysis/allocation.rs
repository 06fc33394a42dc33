//! Who pays for the calls that belong to no secret, by the rule of the policy file.
//!
//! Lists of secrets and lookups of missing names cost like all other calls and have a caller, but no owner tag. A caller has
//! an owner if a team of the policy file holds it, or else if all secrets that it reads have the same owner; two owners are
//! none. What has no owner is shared out by the calls that are attributed to each, in whole micro-dollars: what does not
//! divide goes to the largest remainders, so nothing is lost and nothing is invented.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::base::allocation_rule::AllocationRule;
use crate::domain::base::money::Money;
use crate::domain::base::reader_kind::name_of;
use crate::domain::policy::Policy;
use crate::domain::report::result::{AllocationReport, OwnerShare, Report};
use crate::domain::report::sums::{GroupKey, Grouping, groups};

/// An owner; `None`: secrets without an owner tag.
type PayingOwner = Option<String>;

/// Returns what each owner pays; `None`: the rule leaves those calls apart.
pub(super) fn allocation(report: &Report, policy: &Policy) -> Option<AllocationReport> {
    let rule = policy.unattributed;
    if rule == AllocationRule::Apart {
        return None;
    }
    let mut owners = own_costs(report);
    let callers = match rule {
        AllocationRule::ByCaller => CallerOwners::new(report, policy),
        _ => CallerOwners::default(),
    };
    let calls = attributed_calls(report);
    let mut month = SharedPool::default();
    let mut window = SharedPool::default();
    for row in &report.unattributed {
        let named = || {
            let known = row.callers.iter();
            known.filter_map(|caller| Some((callers.of(&caller.reader)?, caller)))
        };
        let of_month = named().filter_map(|(owner, caller)| Some((owner, caller.api_usd?)));
        month.add(row.api_usd, of_month);
        let of_window = named().filter_map(|(owner, caller)| Some((owner, caller.window_api_usd?)));
        window.add(row.window_api_usd, of_window);
    }
    let (month, apart_usd) = month.shared(&calls);
    let (window, window_apart_usd) = window.shared(&calls);
    for (owner, usd) in month {
        let row = owner_row(&mut owners, owner);
        row.share_usd += usd;
        row.total_usd += usd;
    }
    for (owner, usd) in window {
        let row = owner_row(&mut owners, owner);
        row.window_share_usd += usd;
        row.window_total_usd += usd;
    }
    Some(AllocationReport {
        rule,
        owners: owners.into_values().collect(),
        apart_usd,
        window_apart_usd,
    })
}

fn owner_row(
    owners: &mut BTreeMap<PayingOwner, OwnerShare>,
    owner: PayingOwner,
) -> &mut OwnerShare {
    owners.entry(owner.clone()).or_insert_with(|| OwnerShare {
        owner,
        own_usd: Money::ZERO,
        share_usd: Money::ZERO,
        total_usd: Money::ZERO,
        window_own_usd: Money::ZERO,
        window_share_usd: Money::ZERO,
        window_total_usd: Money::ZERO,
    })
}

/// The cost of the secrets of each owner.
fn own_costs(report: &Report) -> BTreeMap<PayingOwner, OwnerShare> {
    let mut owners = BTreeMap::new();
    for group in groups(report, Grouping::Owner) {
        let owner = match group.key {
            GroupKey::Of(name) => Some(name),
            GroupKey::NoOwner => None,
            _ => continue,
        };
        let row = owner_row(&mut owners, owner);
        row.own_usd = group.totals.cost.total_usd;
        row.total_usd = row.own_usd;
        row.window_own_usd = group.totals.window_cost.parts.total_usd;
        row.window_total_usd = row.window_own_usd;
    }
    owners
}

/// The calls of the window that are attributed to the secrets of each owner.
fn attributed_calls(report: &Report) -> BTreeMap<PayingOwner, u64> {
    let mut calls: BTreeMap<PayingOwner, u64> = BTreeMap::new();
    for row in &report.secrets {
        *calls.entry(row.owner.clone()).or_default() += row.calls;
    }
    calls
}

/// The owners of callers, as far as they are known.
#[derive(Default)]
struct CallerOwners<'a> {
    policy: Option<&'a Policy>,
    /// The owners of the secrets that each reads.
    reads: BTreeMap<&'a str, BTreeSet<Option<&'a str>>>,
}

impl<'a> CallerOwners<'a> {
    fn new(report: &'a Report, policy: &'a Policy) -> Self {
        let mut reads: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
        for row in &report.secrets {
            for reader in row.readers.iter().filter(|reader| reader.reads > 0) {
                let owners = reads.entry(reader.reader.as_str()).or_default();
                owners.insert(row.owner.as_deref());
            }
        }
        Self {
            policy: Some(policy),
            reads,
        }
    }

    /// The owner of a caller; `None`: not known, or more than one.
    fn of(&self, caller: &str) -> Option<PayingOwner> {
        let teams = self.policy.iter().flat_map(|policy| &policy.findings.team);
        let teams: BTreeSet<&str> = teams
            .filter(|team| team.holds(caller, name_of(caller)))
            .map(|team| team.owner.as_str())
            .collect();
        if !teams.is_empty() {
            return only(&teams).map(|owner| Some((*owner).to_owned()));
        }
        let owner = only(self.reads.get(caller)?)?.as_deref();
        owner.map(|owner| Some(owner.to_owned()))
    }
}

/// The member of a set that has one.
fn only<T: Ord>(set: &BTreeSet<T>) -> Option<&T> {
    set.first().filter(|_| set.len() == 1)
}

/// Amounts of owners, and one amount that is nobody's yet.
#[derive(Default)]
struct SharedPool {
    owners: BTreeMap<PayingOwner, Money>,
    rest: Money,
}

impl SharedPool {
    /// Adds an amount, of which the callers with an owner make so much.
    fn add(&mut self, whole: Option<Money>, callers: impl Iterator<Item = (PayingOwner, Money)>) {
        self.rest += whole.unwrap_or_default();
        for (owner, usd) in callers {
            *self.owners.entry(owner).or_default() += usd;
            self.rest = self.rest - usd;
        }
    }

    /// Returns what each owner pays after the rest is shared out by calls, and what nobody pays because there are no
    /// calls.
    fn shared(
        mut self,
        calls: &BTreeMap<PayingOwner, u64>,
    ) -> (BTreeMap<PayingOwner, Money>, Money) {
        let weights: Vec<u64> = calls.values().copied().collect();
        let Some(shares) = by_largest_remainder(self.rest, &weights) else {
            return (self.owners, self.rest);
        };
        for (owner, share) in calls.keys().zip(shares) {
            *self.owners.entry(owner.clone()).or_default() += share;
        }
        (self.owners, Money::ZERO)
    }
}

/// Shares an amount out by weights, in whole micro-dollars: each gets its part rounded down, and what is left goes one by one
/// to the largest remainders, the first of equals first. The shares add up to the amount. `None`: no weight is above zero.
fn by_largest_remainder(amount: Money, weights: &[u64]) -> Option<Vec<Money>> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if all == 0 {
        return None;
    }
    let parts = weights
        .iter()
        .map(|weight| i128::from(amount.0) * i128::from(*weight));
    let (mut shares, mut remainders) = (Vec::new(), Vec::new());
    for (index, part) in parts.enumerate() {
        // A share of an amount that fits is no larger than it, so the conversion never fails.
        shares.push(i64::try_from(part.div_euclid(all)).unwrap_or_default());
        remainders.push((std::cmp::Reverse(part.rem_euclid(all)), index));
    }
    remainders.sort_unstable();
    let left = amount.0 - shares.iter().sum::<i64>();
    for (_, index) in remainders
        .iter()
        .take(usize::try_from(left).unwrap_or_default())
    {
        shares[*index] += 1;
    }
    Some(shares.into_iter().map(Money).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_add_up_and_are_within_one_of_their_part(
            amount in 0_i64..1_000_000_000_000,
            weights in proptest::collection::vec(0_u64..1_000_000_000, 1..40),
        ) {
            let shares = by_largest_remainder(Money(amount), &weights);
            let all: u64 = weights.iter().sum();
            prop_assert_eq!(shares.is_none(), all == 0);
            for (share, weight) in shares.iter().flatten().zip(&weights) {
                let exact = i128::from(amount) * i128::from(*weight);
                let given = i128::from(share.0) * i128::from(all);
                prop_assert!((given - exact).abs() < i128::from(all));
            }
            let sum: Money = shares.iter().flatten().copied().sum();
            prop_assert!(shares.is_none() || sum == Money(amount));
        }

        #[test]
        fn owners_pay_the_whole_by_every_rule(
            calls in proptest::collection::vec(0_u64..5_000, 60),
            by_caller: bool,
        ) {
            let mut report = fixture::report(60);
            for (row, calls) in report.secrets.iter_mut().zip(calls) {
                row.calls = calls;
            }
            report.totals = crate::domain::report::sums::totals(&report);
            let policy = Policy {
                unattributed: if by_caller { AllocationRule::ByCaller } else { AllocationRule::ByShare },
                ..Policy::default()
            };
            let shared = allocation(&report, &policy).unwrap();
            let sum = |of: fn(&OwnerShare) -> Money| shared.owners.iter().map(of).sum::<Money>();
            prop_assert_eq!(sum(|row| row.total_usd) + shared.apart_usd, report.totals.cost.total_usd);
            prop_assert_eq!(
                sum(|row| row.window_total_usd) + shared.window_apart_usd,
                report.totals.window_cost.parts.total_usd
            );
        }
    }

    #[test]
    fn what_does_not_divide_goes_to_the_largest_remainders() {
        let shares = |amount, weights: &[u64]| {
            by_largest_remainder(Money(amount), weights)
                .map(|shares| shares.into_iter().map(|share| share.0).collect::<Vec<_>>())
        };
        assert_eq!(shares(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(shares(10, &[0, 7, 3]), Some(vec![0, 7, 3]));
        assert_eq!(shares(2, &[1, 2, 4]), Some(vec![0, 1, 1]));
        assert_eq!(shares(5, &[0, 0]), None);
        assert_eq!(shares(5, &[]), None);
    }

    #[test]
    fn nothing_is_shared_out_unless_the_policy_says_so() {
        assert_eq!(allocation(&fixture::report(5), &Policy::default()), None);
    }
}
