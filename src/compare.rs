//! What changed between two scans: a pure function of two reports.
//!
//! Where both scans are of a calendar month, what the months accrued is compared, else the run rates: an invoice follows the
//! first. What was promised and realised are run rates always.
//!
//! The change is explained without a remainder: [`Comparison::bridge`] names the steps from the old total
//! to the new one, and they add up to the micro-dollar. A secret that one of the scans could not see is neither new nor
//! gone: its account and Region go to a step of their own. Nor is a loop mended because the trail has a hole now.

mod bridge;
mod loop_changes;
mod moves;
mod pairs;
mod savings;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::loop_changes::LoopChanges;
use self::moves::{Moves, both, sorted};
use self::pairs::Pairs;
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region, Scope, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::report::result::{Cost, Estimate, Range, Report, SecretRow};
use crate::domain::report::verdict::Verdict;

/// The format number of a comparison written as JSON.
pub const FORMAT: u32 = 1;

/// The basis on which the costs of two scans are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompareBasis {
    /// The run rate of a month of 730 hours.
    #[default]
    RunRate,
    /// The cost of the calendar month of each scan.
    Accrued,
}

impl CompareBasis {
    /// Returns what two reports have in common.
    pub fn of(old: &Report, new: &Report) -> Self {
        if old.policy.month.is_some() && new.policy.month.is_some() {
            Self::Accrued
        } else {
            Self::RunRate
        }
    }

    /// The cost of a secret.
    fn cost(self, row: &SecretRow) -> &Cost {
        match self {
            Self::RunRate => &row.cost,
            Self::Accrued => &row.window_cost,
        }
    }

    /// The cost of everything.
    fn total(self, report: &Report) -> Money {
        match self {
            Self::RunRate => report.totals.cost.total_usd,
            Self::Accrued => report.totals.window_cost.parts.total_usd,
        }
    }

    /// The interval of a cost, if it was estimated from a sample.
    fn range(self, found: &Estimate) -> Option<Range<Money>> {
        match self {
            Self::RunRate => found.cost.total_usd,
            Self::Accrued => found.window_total_usd,
        }
    }
}

/// The changes from an old scan to a new one. Amounts are by the basis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`FORMAT`].
    pub format: u32,
    /// The basis on which costs are compared.
    #[serde(default)]
    pub basis: CompareBasis,
    /// The old scan.
    pub old: Side,
    /// The new scan.
    pub new: Side,
    /// The new total less the old one.
    pub change_usd: Money,
    /// The steps from the old total to the new one, in this order; they add up to `change_usd`.
    pub bridge: Vec<BridgeStep>,
    /// The part of the promised savings that came true.
    pub savings: SavingsReview,
    /// Secrets that were not there in the old scan.
    pub appeared: Vec<Change>,
    /// Secrets that are not there any more.
    pub gone: Vec<Change>,
    /// Secrets that are pending deletion now and were not.
    pub scheduled: Vec<Change>,
    /// Secrets that were pending deletion and are not any more.
    pub restored: Vec<Change>,
    /// Secrets that stay and cost more, by a cent a month or more.
    pub dearer: Vec<Change>,
    /// Secrets that stay and cost less, by a cent a month or more.
    pub cheaper: Vec<Change>,
    /// Secrets that stay and whose cost was estimated from a sample, before or now: the intervals meet, so whether they
    /// cost more or less is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<Change>,
    /// Secrets that nobody has used for the idle time of the new policy, and that were in use before.
    pub newly_idle: Vec<Change>,
    /// Secrets that were idle and are in use again.
    pub used_again: Vec<Change>,
    /// Loops that the old scan did not have.
    pub loops_found: Vec<LoopChange>,
    /// Loops that the new scan does not have any more, in accounts and Regions whose trail it could read: they stopped,
    /// or became too slow to be worth reporting. A name that now stands for a secret is still the same loop.
    pub loops_fixed: Vec<LoopChange>,
    /// Loops of which the new scan cannot say whether they stopped.
    pub loops_unseen: Vec<LoopChange>,
    /// Accounts and Regions that only the new scan looked at.
    pub scopes_added: Vec<Scope>,
    /// Accounts and Regions that only the old scan looked at.
    pub scopes_lost: Vec<Scope>,
}

/// One of the two scans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The moment that counted as "now".
    pub made: Timestamp,
    /// The span whose calls were counted.
    pub window: Span,
    /// The calendar month asked for.
    pub month: Option<String>,
    /// Secrets in the inventory.
    pub secrets: u64,
    /// The amount that everything costs, by the basis of the comparison.
    pub total_usd: Money,
    /// The amount that could be saved a month.
    pub savings_usd: Money,
    /// The 95 % interval of that, if some of it was estimated from a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_usd_range: Option<Range<Money>>,
}

/// One step between the totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeStep {
    /// Its code, such as `appeared`.
    pub code: String,
    /// Its meaning, for people.
    pub text: String,
    /// The number of secrets (or scopes) that it is about.
    pub count: u64,
    /// The amount that it adds to the total.
    pub change_usd: Money,
}

/// The savings that the old scan promised, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavingsReview {
    /// The amount that the old scan said could be saved a month.
    pub promised_usd: Money,
    /// Saved by deleting secrets that the old scan wanted deleted, with their replicas.
    pub deleted_usd: Money,
    /// Saved by mending loops that the old scan reported: what API and KMS of their secrets fell by, and for names that
    /// are not in the inventory what the calls of no secret fell by in their account and Region; at most what was
    /// promised.
    pub mended_usd: Money,
    /// The sum of both.
    pub realised_usd: Money,
    /// Promised and not realised.
    pub open_usd: Money,
}

/// One secret that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The key.
    pub arn: SecretArn,
    /// The name. Other people's text.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The owner. Other people's text.
    pub owner: Option<String>,
    /// Cost in the old scan; `None`: it was not there, or its cost is unknown.
    pub old_usd: Option<Money>,
    /// Cost in the new scan; `None`: it is not there, or its cost is unknown.
    pub new_usd: Option<Money>,
    /// The difference, over the parts of the cost that both scans know.
    pub change_usd: Money,
    /// The verdict of the new scan, or of the old one if it is gone.
    pub verdict: Verdict,
    /// Days since the last use, in the scan that `verdict` is from.
    pub idle_days: Option<u32>,
}

/// One loop that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopChange {
    /// The secret; `None`: a name that is not in the inventory.
    pub arn: Option<SecretArn>,
    /// The secret as people call it. Other people's text.
    pub name: String,
    /// The account.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// The ARN of the role or user.
    pub reader: String,
    /// The API that is called in a loop.
    pub what: String,
    /// Calls a month in the scan that has it.
    pub reads_month: u64,
    /// The amount that a cache would avoid, in the scan that has it.
    pub avoidable_usd_month: Option<Money>,
}

/// Compares two scans.
pub fn compare(old: &Report, new: &Report) -> Comparison {
    let pairs = Pairs::of(old, new);
    let basis = CompareBasis::of(old, new);
    let moves = Moves::of(&pairs, basis);
    let limit = new.policy.idle_days;
    let changed_use = |matches: fn(IdleChange) -> bool| {
        let crossed = |(old, new): &&(&SecretRow, &SecretRow)| {
            let (Some(before), Some(after)) = (old.idle_days, new.idle_days) else {
                return false;
            };
            let turned = IdleChange {
                was_idle: before >= limit,
                is_idle: after >= limit,
            };
            matches(turned) && new.deleted.is_none()
        };
        let crossed = pairs.both.iter().filter(crossed);
        sorted(crossed.map(|(old, new)| both(old, new, basis)))
    };
    let loops = LoopChanges::of(old, new);
    Comparison {
        format: FORMAT,
        basis,
        old: side(old, basis),
        new: side(new, basis),
        change_usd: basis.total(new) - basis.total(old),
        bridge: bridge::bridge(old, new, &pairs, &moves, basis),
        savings: savings::savings(old, new, &pairs),
        newly_idle: changed_use(|turned| !turned.was_idle && turned.is_idle),
        used_again: changed_use(|turned| turned.was_idle && !turned.is_idle),
        appeared: moves.appeared,
        gone: moves.gone,
        scheduled: moves.scheduled,
        restored: moves.restored,
        dearer: moves.dearer,
        cheaper: moves.cheaper,
        uncertain: moves.uncertain,
        loops_found: loops.found,
        loops_fixed: loops.fixed,
        loops_unseen: loops.unseen,
        scopes_added: pairs.scopes_added,
        scopes_lost: pairs.scopes_lost,
    }
}

/// The idleness of a secret before and now: whether nobody used it for the idle time.
#[derive(Clone, Copy)]
struct IdleChange {
    was_idle: bool,
    is_idle: bool,
}

fn side(report: &Report, basis: CompareBasis) -> Side {
    Side {
        made: report.made,
        window: report.window,
        month: report.policy.month.clone(),
        secrets: report.totals.secrets,
        total_usd: basis.total(report),
        savings_usd: report.totals.savings_usd,
        total_usd_range: report
            .totals
            .estimate
            .as_ref()
            .and_then(|found| basis.range(found)),
    }
}

#[cfg(test)]
mod tests;
