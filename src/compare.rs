//! What changed between two scans: a pure function of two reports.
//!
//! Where both scans are of a calendar month, what the months accrued is compared, else the run rates: an invoice follows the
//! first. What was promised and realised are run rates always.
//!
//! The change is explained without a remainder: [`Comparison::bridge`] names the steps from the old total
//! to the new one, and they add up to the micro-dollar. A secret that one of the scans could not see is neither new nor
//! gone: its account and Region go to a step of their own. Nor is a loop mended because the trail has a hole now.

mod bridge;
mod savings;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Index, Region, Resolution, Scope, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::report::result::{
    Cost, Estimate, InventoryState, LoopRow, Range, Report, ScopeRow, SecretRow,
};
use crate::domain::report::verdict::Verdict;

/// The format number of a comparison written as JSON.
pub const FORMAT: u32 = 1;

/// A run rate that moves by less than this is no news: the counts of a sliding window tremble.
const NOTABLE: Money = Money(10_000);

/// What two scans are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompareBasis {
    /// The run rate of a month of 730 hours.
    #[default]
    RunRate,
    /// What the calendar month of each scan cost.
    Accrued,
}

impl CompareBasis {
    /// What two reports have in common.
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

/// What changed from an old scan to a new one. Amounts are by the basis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`FORMAT`].
    pub format: u32,
    /// What is compared.
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
    /// What of the promised savings came true.
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
    /// Loops that the new scan does not have any more, in places whose trail it could read: they stopped, or became too
    /// slow to be worth reporting. A name that now stands for a secret is still the same loop.
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
    /// What everything costs, by the basis of the comparison.
    pub total_usd: Money,
    /// What could be saved a month.
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
    /// What it is, for people.
    pub text: String,
    /// How many secrets (or scopes) it is about.
    pub count: u64,
    /// What it adds to the total.
    pub change_usd: Money,
}

/// What the old scan promised, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavingsReview {
    /// What the old scan said could be saved a month.
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
    /// What a cache would avoid, in the scan that has it.
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

/// Whether nobody used a secret for the idle time, before and now.
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

/// The secrets of two reports, joined by ARN.
struct Pairs<'a> {
    both: Vec<(&'a SecretRow, &'a SecretRow)>,
    /// Only in the old report, in scopes that both read.
    gone: Vec<&'a SecretRow>,
    /// Only in the new report, in scopes that both read.
    appeared: Vec<&'a SecretRow>,
    /// In a scope that only one of the reports read.
    lost: Vec<&'a SecretRow>,
    added: Vec<&'a SecretRow>,
    scopes_lost: Vec<Scope>,
    scopes_added: Vec<Scope>,
}

impl<'a> Pairs<'a> {
    fn of(old: &'a Report, new: &'a Report) -> Self {
        let (old_scopes, new_scopes) = (scopes_read(old), scopes_read(new));
        let by_arn = |report: &'a Report| -> BTreeMap<&'a SecretArn, &'a SecretRow> {
            report.secrets.iter().map(|row| (&row.arn, row)).collect()
        };
        let (old_rows, new_rows) = (by_arn(old), by_arn(new));
        let mut pairs = Self {
            both: Vec::new(),
            gone: Vec::new(),
            appeared: Vec::new(),
            lost: Vec::new(),
            added: Vec::new(),
            scopes_lost: old_scopes.difference(&new_scopes).cloned().collect(),
            scopes_added: new_scopes.difference(&old_scopes).cloned().collect(),
        };
        for (arn, row) in &old_rows {
            match new_rows.get(arn) {
                Some(now) => pairs.both.push((row, now)),
                None if new_scopes.contains(row.arn.scope()) => pairs.gone.push(row),
                None => pairs.lost.push(row),
            }
        }
        for (arn, row) in &new_rows {
            if old_rows.contains_key(arn) {
                continue;
            }
            if old_scopes.contains(row.arn.scope()) {
                pairs.appeared.push(row);
            } else {
                pairs.added.push(row);
            }
        }
        pairs
    }
}

/// The scopes whose inventory a report holds: those it says it read, and those it has secrets of.
fn scopes_read(report: &Report) -> BTreeSet<Scope> {
    let said = report
        .scopes
        .iter()
        .filter(|row| row.inventory == InventoryState::Read)
        .map(|row| Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        });
    said.chain(report.secrets.iter().map(SecretRow::scope))
        .collect()
}

/// Each secret that both reports can speak of, at the one thing that happened to it.
#[derive(Default)]
struct Moves {
    appeared: Vec<Change>,
    gone: Vec<Change>,
    scheduled: Vec<Change>,
    restored: Vec<Change>,
    dearer: Vec<Change>,
    cheaper: Vec<Change>,
    uncertain: Vec<Change>,
}

impl Moves {
    fn of(pairs: &Pairs<'_>, basis: CompareBasis) -> Self {
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

/// Whether estimates leave open that a secret costs what it did.
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

fn both(old: &SecretRow, new: &SecretRow, basis: CompareBasis) -> Change {
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
fn comparable(old: &Cost, new: &Cost) -> Money {
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
fn sorted(changes: impl Iterator<Item = Change>) -> Vec<Change> {
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

/// The loops of two reports.
struct LoopChanges {
    found: Vec<LoopChange>,
    fixed: Vec<LoopChange>,
    unseen: Vec<LoopChange>,
}

/// What is called in a loop.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LoopSubject<'a> {
    Secret(&'a SecretArn),
    /// A name that stands for no secret in either report.
    Name(Option<&'a AccountId>, Option<&'a Region>, &'a str),
}

/// What makes a loop the same loop: what is called, the reader and the API.
type LoopKey<'a> = (LoopSubject<'a>, &'a str, &'a str);

/// The secrets of a report by name.
struct Names<'a> {
    rows: &'a [SecretRow],
    index: Index<'a>,
}

impl<'a> Names<'a> {
    fn of(report: &'a Report) -> Self {
        let created = |row: &SecretRow| row.created.map(Timestamp::as_second);
        let secrets = report.secrets.iter();
        Self {
            rows: &report.secrets,
            index: Index::new(secrets.map(|row| (&row.arn, created(row)))),
        }
    }

    /// The secret that the name of a loop on no secret stands for here: it was made since the other scan, or is gone in
    /// it.
    fn secret(&self, row: &LoopRow) -> Option<&'a SecretRow> {
        // Whoever asks under the name now means the youngest.
        match self
            .index
            .resolve(&row.name, scope_of(row).as_ref(), i64::MAX)
        {
            Resolution::One(place) => self.rows.get(place),
            _ => None,
        }
    }
}

/// Where the calls of a loop were logged, if it is known.
fn scope_of(row: &LoopRow) -> Option<Scope> {
    Some(Scope {
        account: row.account.clone()?,
        region: row.region.clone()?,
    })
}

fn key<'a>(row: &'a LoopRow, other: &Names<'a>) -> LoopKey<'a> {
    let named = || other.secret(row).map(|found| &found.arn);
    let subject = row.arn.as_ref().or_else(named).map_or_else(
        || LoopSubject::Name(row.account.as_ref(), row.region.as_ref(), &row.name),
        LoopSubject::Secret,
    );
    (subject, &row.reader, &row.what)
}

fn keys<'a>(report: &'a Report, other: &Names<'a>) -> BTreeSet<LoopKey<'a>> {
    report.loops.iter().map(|row| key(row, other)).collect()
}

impl LoopChanges {
    fn of(old: &Report, new: &Report) -> Self {
        let (old_names, new_names) = (Names::of(old), Names::of(new));
        let (before, after) = (keys(old, &new_names), keys(new, &old_names));
        let only = |rows: &[LoopRow], names: &Names<'_>, others: &BTreeSet<LoopKey<'_>>| {
            let rows = rows.iter();
            rows.filter(|row| !others.contains(&key(row, names)))
                .map(loop_change)
                .collect::<Vec<_>>()
        };
        let (fixed, unseen) = only(&old.loops, &new_names, &after)
            .into_iter()
            .partition(|row| can_tell(new, row.account.as_ref(), row.region.as_ref()));
        Self {
            found: only(&new.loops, &old_names, &before),
            fixed,
            unseen,
        }
    }
}

fn loop_change(row: &LoopRow) -> LoopChange {
    LoopChange {
        arn: row.arn.clone(),
        name: row.name.clone(),
        account: row.account.clone(),
        region: row.region.clone(),
        reader: row.reader.clone(),
        what: row.what.clone(),
        reads_month: row.reads_month,
        avoidable_usd_month: row.avoidable_usd_month,
    }
}

/// Whether a report would see what is called in a place: the trail covers nine tenths of its window there.
fn can_tell(report: &Report, account: Option<&AccountId>, region: Option<&Region>) -> bool {
    let here = |row: &&ScopeRow| Some(&row.account) == account && Some(&row.region) == region;
    report.scopes.iter().find(here).is_some_and(|row| {
        let (covered, expected) = (row.trail.covered_hours, row.trail.expected_hours);
        expected > 0 && u64::from(covered) * 10 >= u64::from(expected) * 9
    })
}

#[cfg(test)]
mod tests;
