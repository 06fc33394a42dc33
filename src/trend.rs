//! The months of finished scans, side by side: what each cost, who paid, what moved, and what the next month will cost.
//!
//! Only scans of a calendar month take part: their windows neither overlap nor leave anything out. A month without a scan
//! is there, and empty; nothing is drawn across it. Sums are those of the scans themselves, to the micro-dollar.

mod forecast;
mod movers;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::compare::compare;
use crate::domain::base::money::Money;
use crate::domain::base::month::Month;
use crate::domain::report::result::{CostParts, Report};
use crate::domain::report::sums::{GroupKey, Grouping, groups};

pub use forecast::Forecast;
pub use movers::Mover;

/// The format number of a trend written as JSON.
pub const FORMAT: u32 = 1;

/// The months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// [`FORMAT`].
    pub format: u32,
    /// Every month from the first scan to the last, those without a scan among them.
    pub months: Vec<TrendMonth>,
    /// The owners with what they paid, the one that paid most first.
    pub owners: Vec<TrendGroup>,
    /// The accounts with what they paid, the one that paid most first.
    pub accounts: Vec<TrendGroup>,
    /// The forecast for the month after the last.
    pub forecast: Forecast,
}

/// One month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendMonth {
    /// `2026-10`.
    pub month: String,
    /// The scan of the month; `None`: there is none.
    pub scan: Option<MonthScan>,
}

/// The facts that a scan gives of its month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthScan {
    /// The time when the scan was made.
    pub made: Timestamp,
    /// The scan was made before the month was over: its cost is that until then.
    pub is_partial: bool,
    /// A part of the cost is no count: calls of hours that no trail covers, or estimated from a sample.
    pub is_estimated: bool,
    /// A part of the cost is unknown and left out: calls or prices.
    pub is_incomplete: bool,
    /// The cost of the month.
    pub cost: CostParts<Money>,
    /// The part of that which is scaled from the hours that the trail covers.
    pub extrapolated_usd: Money,
    /// The part of that which is calls that belong to no secret.
    pub unattributed_usd: Money,
    /// Secrets that stood in the month, those that are gone among them.
    pub secrets: u64,
    /// Secrets that were made in the month.
    pub made_secrets: u64,
    /// Secrets that were scheduled for deletion in the month.
    pub deleted_secrets: u64,
    /// Secrets that nobody had used for the idle time when the scan was made.
    pub idle_secrets: u64,
    /// The amount that the scan said could be saved a month.
    pub promised_usd: Money,
    /// The part of the savings that the scan of the month before promised that came true by this one, a month; `None`:
    /// there is no scan of the month before.
    pub realised_usd: Option<Money>,
    /// The change since the month before; `None`: there is no scan of it.
    pub change_usd: Option<Money>,
    /// The groups that moved the cost most since the month before, biggest first.
    pub movers: Vec<Mover>,
}

/// The amounts that one owner or account paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendGroup {
    /// The owner or account, as summaries show it. Other people's text.
    pub group: String,
    /// The amounts that it paid in each month, in the order of the months; `None`: there is no scan.
    pub months: Vec<Option<Money>>,
    /// The sum over all months.
    pub total_usd: Money,
}

/// Takes in the scans of months, one after another, so that two of them at most have to be in memory.
#[derive(Debug, Default)]
pub struct TrendBuilder {
    months: Vec<TrendMonth>,
    owners: BTreeMap<GroupKey, BTreeMap<usize, Money>>,
    accounts: BTreeMap<GroupKey, BTreeMap<usize, Money>>,
    last: Option<(Month, Report)>,
}

/// The calendar month that a scan is of; `None`: it has a sliding window.
pub fn month_of(report: &Report) -> Option<Month> {
    report.policy.month.as_deref()?.parse().ok()
}

impl TrendBuilder {
    /// Takes in the scan of a month. Scans come in the order of their months, and one for each; what has no month is left
    /// out.
    pub fn add(&mut self, report: Report) {
        let Some(month) = month_of(&report) else {
            return;
        };
        if let Some((last, _)) = &self.last {
            let mut missing = last.next();
            while missing < month {
                self.months.push(TrendMonth {
                    month: missing.to_string(),
                    scan: None,
                });
                missing = missing.next();
            }
        }
        let previous = self.last.as_ref();
        let before = previous.filter(|(last, _)| last.next() == month);
        let scan = scan(&report, month, before.map(|(_, report)| report));
        let at = self.months.len();
        self.months.push(TrendMonth {
            month: month.to_string(),
            scan: Some(scan),
        });
        for (by, sums) in [
            (Grouping::Owner, &mut self.owners),
            (Grouping::Account, &mut self.accounts),
        ] {
            for group in groups(&report, by) {
                let usd = group.totals.window_cost.parts.total_usd;
                sums.entry(group.key).or_default().insert(at, usd);
            }
        }
        self.last = Some((month, report));
    }

    /// The trend; `None` if no scan was of a month.
    pub fn finish(self) -> Option<Trend> {
        let (month, last) = self.last?;
        let known: Vec<bool> = self
            .months
            .iter()
            .map(|month| month.scan.is_some())
            .collect();
        Some(Trend {
            format: FORMAT,
            owners: listed(self.owners, &known),
            accounts: listed(self.accounts, &known),
            forecast: forecast::forecast(&last, month.next()),
            months: self.months,
        })
    }
}

fn scan(report: &Report, month: Month, before: Option<&Report>) -> MonthScan {
    let totals = &report.totals;
    let window = &totals.window_cost;
    let (covered, expected) = report.trail_hours();
    let comparison = before.map(|before| compare(before, report));
    let inside = |moment: Option<Timestamp>| {
        moment.is_some_and(|moment| report.window.from <= moment && moment < report.window.to)
    };
    let rows = || report.secrets.iter();
    let count = |number: usize| number as u64;
    let stood = rows().filter(|row| {
        row.created.is_none_or(|created| created < report.window.to)
            && row
                .deleted
                .is_none_or(|deleted| deleted > report.window.from)
    });
    let made = rows().filter(|row| inside(row.created)).count()
        + report
            .former
            .iter()
            .filter(|row| inside(row.created))
            .count();
    let deleted = rows().filter(|row| inside(row.deleted)).count()
        + report
            .former
            .iter()
            .filter(|row| inside(Some(row.deleted)))
            .count();
    let idle = rows().filter(|row| {
        row.deleted.is_none()
            && row
                .idle_days
                .is_some_and(|days| days >= report.policy.idle_days)
    });
    MonthScan {
        made: report.made,
        is_partial: !month.is_over(report.made),
        is_estimated: totals.estimate.is_some() || window.extrapolated_usd > Money::ZERO,
        is_incomplete: totals.unpriced_secrets + totals.uncounted_secrets > 0
            || (expected > 0 && covered == 0),
        cost: window.parts,
        extrapolated_usd: window.extrapolated_usd,
        unattributed_usd: window.unattributed_usd,
        secrets: count(stood.count() + report.former.len()),
        made_secrets: count(made),
        deleted_secrets: count(deleted),
        idle_secrets: count(idle.count()),
        promised_usd: totals.savings_usd,
        realised_usd: comparison.as_ref().map(|found| found.savings.realised_usd),
        change_usd: comparison.as_ref().map(|found| found.change_usd),
        movers: match (before, &comparison) {
            (Some(before), Some(found)) => movers::movers(before, report, found),
            _ => Vec::new(),
        },
    }
}

/// The groups with their months, the most expensive first. A group without a row in a month paid nothing in it.
fn listed(sums: BTreeMap<GroupKey, BTreeMap<usize, Money>>, known: &[bool]) -> Vec<TrendGroup> {
    let group = |(key, months): (GroupKey, BTreeMap<usize, Money>)| TrendGroup {
        group: key.to_string(),
        total_usd: months.values().copied().sum(),
        months: known
            .iter()
            .enumerate()
            .map(|(at, known)| known.then(|| months.get(&at).copied().unwrap_or_default()))
            .collect(),
    };
    let mut groups: Vec<TrendGroup> = sums.into_iter().map(group).collect();
    groups.sort_by(|a, b| (b.total_usd, &a.group).cmp(&(a.total_usd, &b.group)));
    groups
}

#[cfg(test)]
mod tests;
