//! Sums over the rows of a report: the totals of a selection, and groups by account, Region, owner or prefix.
//!
//! The rules are those of the scan itself, so that the totals of a whole report come out as they stand in it: what
//! deleting saves is the cost of the secrets that can go with their replicas, and what mending saves is what the loops
//! of the secrets that stay would avoid.

mod bounds;
mod known;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::domain::base::money::{Money, Price};
use crate::domain::base::names::{AccountId, Region, Scope, SecretArn};
use crate::domain::report::result::{
    Estimate, FormerSecret, LoopRow, Report, SecretRow, Totals, UnattributedRow,
};
use crate::domain::report::verdict::Verdict;

use bounds::SumIntervals;

pub use known::{KnownSums, Parts, sum};

/// The prices of each account and Region, as far as they are known; none in a report of a version that did not say.
pub fn prices(report: &Report) -> HashMap<Scope, Price> {
    let scopes = report.scopes.iter().filter_map(|row| {
        let scope = Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        };
        Some((scope, row.price?))
    });
    scopes.collect()
}

/// The monthly storage of secrets that are pending deletion: already saved. `None`: the report does not say the prices.
pub fn pending(report: &Report) -> Option<Money> {
    let prices = prices(report);
    let pending = report.secrets.iter().filter(|row| row.saves_storage());
    let usd = pending.filter_map(|row| Some(prices.get(row.arn.scope())?.secret_month));
    (!prices.is_empty()).then(|| usd.sum())
}

/// The sums over the rows of a report. `pending_usd` is no sum of costs and stays zero: see [`pending`].
pub fn totals(report: &Report) -> Totals {
    let adder = Adder::new(report);
    let rows: Vec<&SecretRow> = report.secrets.iter().collect();
    let mut totals = adder.secrets(&rows);
    let rest = adder.unattributed();
    totals.calls += rest.calls;
    totals.cost += rest.cost;
    totals.savings_loops_usd += rest.savings_loops_usd;
    totals.savings_usd += rest.savings_usd;
    totals.unattributed_calls = rest.unattributed_calls;
    totals.unattributed_usd = rest.unattributed_usd;
    totals.window_cost.parts += rest.window_cost.parts;
    totals.window_cost.unattributed_usd = rest.window_cost.unattributed_usd;
    totals.window_cost.extrapolated_usd += rest.window_cost.extrapolated_usd;
    add_former(&mut totals, &report.former);
    totals.estimate = adder.bounds(&rows, &report.unattributed);
    totals
}

/// Adds what secrets that are gone cost in the window.
fn add_former<'a>(totals: &mut Totals, former: impl IntoIterator<Item = &'a FormerSecret>) {
    let usd: Money = former.into_iter().filter_map(|row| row.storage_usd).sum();
    let window = &mut totals.window_cost;
    window.former_usd += usd;
    window.parts.storage_usd += usd;
    window.parts = window.parts.totalled();
}

/// Returns what is known of the sums over the rows of a report.
pub fn known(report: &Report) -> KnownSums {
    let adder = Adder::new(report);
    let mut known = adder.known(report.secrets.iter());
    known += adder.known_of_nobody();
    for row in &report.former {
        known.former(row);
    }
    known
}

/// Adds up rows of one report.
struct Adder<'a> {
    report: &'a Report,
    savings: PossibleSavings<'a>,
    counted: Counted<'a>,
}

impl<'a> Adder<'a> {
    fn new(report: &'a Report) -> Self {
        Self {
            report,
            savings: PossibleSavings::new(report),
            counted: Counted::new(report),
        }
    }

    fn known<'b>(&self, rows: impl Iterator<Item = &'b SecretRow>) -> KnownSums {
        let mut known = KnownSums::default();
        for row in rows {
            known.secret(row, &self.savings, &self.counted);
        }
        known
    }

    fn known_of_nobody(&self) -> KnownSums {
        let mut known = KnownSums::default();
        for row in &self.report.unattributed {
            known.unattributed(row);
        }
        known.mending += self.savings.unnamed_known;
        known
    }

    fn secrets(&self, rows: &[&SecretRow]) -> Totals {
        let mut totals = Totals::default();
        for row in rows {
            let saving = self.savings.of(row);
            *totals.verdicts.entry(row.verdict).or_default() += 1;
            totals.secrets += 1;
            totals.cost += row.cost.or_zero();
            totals.window_cost.parts += row.window_cost.or_zero();
            totals.window_cost.extrapolated_usd += row.window_detail.extrapolated_usd;
            totals.savings_delete_usd += saving.by_deleting;
            totals.savings_loops_usd += saving.by_mending;
            totals.calls += row.calls;
            totals.reads += row.reads;
            totals.failed += row.failed;
            totals.unpriced_secrets += u64::from(!priced(row));
            totals.uncounted_secrets += u64::from(row.cost.api_usd.is_none());
        }
        totals.cost = totals.cost.totalled();
        totals.window_cost.parts = totals.window_cost.parts.totalled();
        totals.savings_usd = totals.savings_delete_usd + totals.savings_loops_usd;
        totals
    }

    /// Returns how sure the sums over these rows are, and over the loops on names that are not in the inventory if any
    /// calls of nobody are among them.
    fn bounds(&self, rows: &[&SecretRow], nobodys: &[UnattributedRow]) -> Option<Estimate> {
        let mut bounds = SumIntervals::default();
        for row in rows {
            bounds.secret(row, &self.savings);
        }
        for row in nobodys {
            bounds.nobodys(row);
        }
        let loops = self.report.loops.iter().filter(|row| row.arn.is_none());
        for row in loops.filter(|_| !nobodys.is_empty()) {
            bounds.unnamed(row);
        }
        bounds.estimate()
    }

    fn unattributed(&self) -> Totals {
        let mut totals = Totals::default();
        let window = &mut totals.window_cost;
        for row in &self.report.unattributed {
            totals.calls += row.calls;
            totals.cost.api_usd += row.api_usd.unwrap_or_default();
            window.parts.api_usd += row.window_api_usd.unwrap_or_default();
            window.extrapolated_usd += row.window_detail.extrapolated_usd;
        }
        window.parts = window.parts.totalled();
        window.unattributed_usd = window.parts.total_usd;
        totals.cost = totals.cost.totalled();
        totals.savings_loops_usd = self.savings.unnamed;
        totals.savings_usd = self.savings.unnamed;
        totals.unattributed_calls = totals.calls;
        totals.unattributed_usd = totals.cost.total_usd;
        totals
    }
}

/// The accounts and Regions whose calls could be counted. Zero calls of a secret whose calls nobody could see are
/// unknown, not zero.
#[derive(Debug)]
pub struct Counted<'a> {
    covered: HashSet<(&'a AccountId, &'a Region)>,
}

impl<'a> Counted<'a> {
    /// Reads from a report which accounts and Regions have covered hours in the window.
    pub fn new(report: &'a Report) -> Self {
        let scopes = report.scopes.iter();
        let covered = scopes.filter(|scope| scope.trail.covered_hours > 0);
        Self {
            covered: covered
                .map(|scope| (&scope.account, &scope.region))
                .collect(),
        }
    }

    /// Returns whether the calls of this secret could be counted: its account and Region have covered hours, or
    /// something was counted or priced.
    pub fn of(&self, row: &SecretRow) -> bool {
        row.calls > 0
            || row.cost.api_usd.is_some()
            || self.covered.contains(&(&row.account, &row.region))
    }
}

/// Returns whether the price of a secret is known. One that costs nothing has a known price.
pub fn priced(row: &SecretRow) -> bool {
    row.cost.storage_usd.is_some()
}

/// The savings that each secret would bring: by its deletion, or, if it stays, by fixing its loops.
#[derive(Debug)]
pub struct PossibleSavings<'a> {
    /// The secrets that can be deleted: replicas are deleted with their primaries.
    going: HashSet<&'a SecretArn>,
    loops: HashMap<&'a SecretArn, (Money, Parts)>,
    /// By mending the loops on names that are not in the inventory.
    pub unnamed: Money,
    unnamed_known: Parts,
}

/// The amounts that one secret would save a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// By deleting it, or its primary.
    pub by_deleting: Money,
    /// By mending its loops, if it stays.
    pub by_mending: Money,
}

impl<'a> PossibleSavings<'a> {
    /// Reads what can go and what loops from a report.
    pub fn new(report: &'a Report) -> Self {
        let rows = || report.secrets.iter();
        let deleted = rows().filter(|row| row.verdict == Verdict::Delete);
        let deleted: HashSet<_> = deleted.map(|row| &row.arn).collect();
        let goes = |row: &&SecretRow| {
            let primary = row.replica_of.as_deref();
            deleted.contains(&row.arn) || primary.is_some_and(|primary| deleted.contains(primary))
        };
        let mut savings = Self {
            going: rows().filter(goes).map(|row| &row.arn).collect(),
            loops: HashMap::new(),
            unnamed: Money::ZERO,
            unnamed_known: Parts::default(),
        };
        for found in &report.loops {
            let (usd, known) = match &found.arn {
                Some(arn) => {
                    let (usd, known) = savings.loops.entry(arn).or_default();
                    (usd, known)
                }
                None => (&mut savings.unnamed, &mut savings.unnamed_known),
            };
            *usd += found.avoidable_usd_month.unwrap_or_default();
            *known += Parts::one(found.avoidable_usd_month);
        }
        savings
    }

    /// Returns whether a secret can go. A replica goes with its primary.
    pub fn goes(&self, row: &SecretRow) -> bool {
        self.going.contains(&row.arn)
    }

    /// Returns whether what mending a loop saves is in the sum of the loops. A loop on a secret that can go ends with
    /// it.
    pub fn holds(&self, found: &LoopRow) -> bool {
        let arn = found.arn.as_ref();
        arn.is_none_or(|arn| !self.going.contains(arn))
    }

    /// Returns what one secret would save a month.
    pub fn of(&self, row: &SecretRow) -> Saving {
        if self.goes(row) {
            Saving {
                by_deleting: row.cost.known(),
                by_mending: Money::ZERO,
            }
        } else {
            Saving {
                by_deleting: Money::ZERO,
                by_mending: self.loops_on(row).0,
            }
        }
    }

    /// Returns what mending the loops on a secret would save a month, whether it stays or not, and of how many that is
    /// known.
    fn loops_on(&self, row: &SecretRow) -> (Money, Parts) {
        self.loops.get(&row.arn).copied().unwrap_or_default()
    }
}

/// The loops whose fix is in the totals, most expensive first; the others end when their secret goes.
pub fn loops(report: &Report) -> Vec<&LoopRow> {
    let savings = PossibleSavings::new(report);
    let loops = report.loops.iter();
    loops.filter(|found| savings.holds(found)).collect()
}

/// By what secrets are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// Everything in one group.
    Total,
    /// By account.
    Account,
    /// By Region.
    Region,
    /// By account and Region.
    AccountRegion,
    /// By the value of the owner tag.
    Owner,
    /// By the part of the name up to its first `/`.
    Prefix,
}

impl Grouping {
    /// The word in `summary.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Account => "account",
            Self::Region => "region",
            Self::AccountRegion => "account+region",
            Self::Owner => "owner",
            Self::Prefix => "prefix",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::AccountRegion => "account and Region",
            other => other.as_str(),
        }
    }

    fn key(self, row: &SecretRow) -> GroupKey {
        let scope = Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        };
        self.key_of(&scope, row.owner.as_deref(), &row.name)
    }

    /// The group of a secret that is gone. Nobody knows any more whose it was.
    fn key_of_former(self, row: &FormerSecret) -> GroupKey {
        let scope = Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        };
        self.key_of(&scope, None, &row.name)
    }

    fn key_of(self, scope: &Scope, owner: Option<&str>, name: &str) -> GroupKey {
        match self {
            Self::Total => GroupKey::Total,
            Self::Account => GroupKey::Of(scope.account.to_string()),
            Self::Region => GroupKey::Of(scope.region.to_string()),
            Self::AccountRegion => GroupKey::Of(scope.to_string()),
            Self::Owner => owner.map_or(GroupKey::NoOwner, |owner| GroupKey::Of(owner.to_owned())),
            Self::Prefix => {
                let prefix = name.split_once('/').map(|(prefix, _)| prefix);
                prefix.map_or(GroupKey::NoPrefix, |prefix| {
                    GroupKey::Of(format!("{prefix}/"))
                })
            }
        }
    }
}

/// The subject of a group. Shown, a tag that says one of our own words is in quotes: `"(no owner)"` is an owner of that
/// name, `(no owner)` nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    /// Everything.
    Total,
    /// Secrets without an owner tag.
    NoOwner,
    /// Names without a `/`.
    NoPrefix,
    /// The account, the Region, the owner ... Other people's text.
    Of(String),
    /// The calls that belong to no secret.
    Unattributed,
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The words that tags may not pass for.
        const OURS: [&str; 3] = ["(no owner)", "(no prefix)", "(unattributed)"];
        match self {
            Self::Total => f.write_str("total"),
            Self::NoOwner => f.write_str(OURS[0]),
            Self::NoPrefix => f.write_str(OURS[1]),
            Self::Unattributed => f.write_str(OURS[2]),
            // Also what has the quotes already, so that no two keys are shown alike.
            Self::Of(text) if OURS.contains(&text.trim_matches('"')) => write!(f, "\"{text}\""),
            Self::Of(text) => f.write_str(text),
        }
    }
}

/// The sums of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSums {
    /// The key of the group.
    pub key: GroupKey,
    /// The sums, without how sure they are: that is said of the whole. The group of the unattributed calls has no secrets.
    pub totals: Totals,
    /// The parts of the sums that are known.
    pub known: KnownSums,
}

impl GroupSums {
    /// A group that an earlier scan had and this one has not.
    pub fn gone(key: GroupKey) -> Self {
        Self {
            key,
            totals: Totals::default(),
            known: KnownSums::default(),
        }
    }
}

/// The groups in the order of their keys, so that the last are the calls that belong to no secret, if there are any. They
/// add up to the totals; [`Grouping::Total`] is one group that holds everything.
pub fn groups(report: &Report, by: Grouping) -> Vec<GroupSums> {
    if by == Grouping::Total {
        return vec![GroupSums {
            key: GroupKey::Total,
            totals: report.totals.clone(),
            known: known(report),
        }];
    }
    let mut secrets: BTreeMap<GroupKey, Vec<&SecretRow>> = BTreeMap::new();
    for row in &report.secrets {
        secrets.entry(by.key(row)).or_default().push(row);
    }
    let mut former: BTreeMap<GroupKey, Vec<&FormerSecret>> = BTreeMap::new();
    for row in &report.former {
        let key = by.key_of_former(row);
        secrets.entry(key.clone()).or_default();
        former.entry(key).or_default().push(row);
    }
    let adder = Adder::new(report);
    let sure = |rows: &[&SecretRow], nobodys| {
        let estimated = report.totals.estimate.as_ref();
        estimated.and_then(|_| adder.bounds(rows, nobodys))
    };
    let mut groups: Vec<GroupSums> = secrets
        .into_iter()
        .map(|(key, rows)| {
            let gone = former.remove(&key).unwrap_or_default();
            let mut known = adder.known(rows.iter().copied());
            let mut totals = Totals {
                estimate: sure(&rows, &[]),
                ..adder.secrets(&rows)
            };
            for row in &gone {
                known.former(row);
            }
            add_former(&mut totals, gone);
            GroupSums { key, totals, known }
        })
        .collect();
    let mut rest = adder.unattributed();
    if rest != Totals::default() {
        rest.estimate = sure(&[], &report.unattributed);
        groups.push(GroupSums {
            key: GroupKey::Unattributed,
            totals: rest,
            known: adder.known_of_nobody(),
        });
    }
    groups
}
