//! `summary.csv`: the sums of each account, Region and owner, with the change since an earlier scan.

use std::collections::BTreeMap;

use super::{bytes, known, table};
use crate::domain::base::money::Money;
use crate::domain::report::result::Report;
use crate::domain::report::sums::{self, GroupKey, GroupSums, Grouping};
use crate::domain::report::verdict::Verdict;
use crate::report::escape;

/// The groupings of `summary.csv`.
pub(in crate::report) const GROUPINGS: [Grouping; 5] = [
    Grouping::Total,
    Grouping::Account,
    Grouping::Region,
    Grouping::AccountRegion,
    Grouping::Owner,
];

/// The columns of `summary.csv`.
pub const SUMMARY: [&str; 27] = [
    "group_by",
    "group",
    "secrets",
    "storage_usd_month",
    "api_usd_month",
    "kms_usd_month",
    "total_usd_month",
    "savings_usd_month",
    "delete",
    "review",
    "keep",
    "calls",
    "reads",
    "failed_reads",
    "unpriced_secrets",
    "uncounted_secrets",
    "window_from",
    "window_to",
    "window_total_usd",
    "change_usd_month",
    "account_name",
    "storage_usd_window",
    "api_usd_window",
    "kms_usd_window",
    "extrapolated_usd_window",
    "former_secrets_usd_window",
    "change_usd_window",
];

/// `summary.csv`: the totals, and the same by account, by Region, by both and by owner. Each grouping adds up to the
/// totals; the calls that belong to no secret are a group of their own in each. An owner that is called like a group of
/// ours stands in quotes ([`sums::GroupKey`]). A sum of which nothing is known is empty; of which something is, it is that, and
/// the counts of unpriced and uncounted secrets say what is missing.
///
/// The changes are those of the run rate and of what the window cost since an earlier scan, and each grouping's adds up to that of the totals: a group
/// that was not there cost nothing then, and one that is not there any more costs nothing now.
pub fn summary(report: &Report, previous: Option<&Report>) -> Vec<u8> {
    let rows = GROUPINGS.into_iter().flat_map(|by| {
        let mut groups = sums::groups(report, by);
        let before = previous.map(|previous| usd_by_key(sums::groups(previous, by)));
        let keys = before.iter().flat_map(BTreeMap::keys);
        let gone: Vec<GroupSums> = keys
            .filter(|key| groups.binary_search_by(|group| group.key.cmp(key)).is_err())
            .map(|key| GroupSums::gone(key.clone()))
            .collect();
        groups.extend(gone);
        groups.sort_by(|a, b| a.key.cmp(&b.key));
        groups.into_iter().map(move |found| {
            let change = before.as_ref().map(|before| {
                let (month, window) = before.get(&found.key).copied().unwrap_or_default();
                let totals = &found.totals;
                let now = totals.window_cost.parts.total_usd;
                (totals.cost.total_usd - month, now - window)
            });
            group(report, previous, by, &found, change)
        })
    });
    bytes(|out| table(SUMMARY, rows, out))
}

/// The run rate of each group, and what the window cost.
fn usd_by_key(groups: Vec<GroupSums>) -> BTreeMap<GroupKey, (Money, Money)> {
    let pair = |group: GroupSums| {
        let totals = &group.totals;
        let usd = (totals.cost.total_usd, totals.window_cost.parts.total_usd);
        (group.key, usd)
    };
    groups.into_iter().map(pair).collect()
}

pub(super) fn group(
    report: &Report,
    previous: Option<&Report>,
    by: Grouping,
    group: &GroupSums,
    change: Option<(Money, Money)>,
) -> [String; 27] {
    let (totals, parts) = (&group.totals, &group.known);
    let cost = parts.cost(totals);
    let count = |sum: u64| known(parts.amounts.calls.of(sum));
    let verdict = |verdict: Verdict| {
        totals
            .verdicts
            .get(&verdict)
            .copied()
            .unwrap_or(0)
            .to_string()
    };
    let (window, paid) = (parts.window(totals), totals.window_cost.parts);
    let key = group.key.to_string();
    let id = key.split(' ').next().unwrap_or_default();
    let name = match by {
        Grouping::Account | Grouping::AccountRegion => std::iter::once(report)
            .chain(previous)
            .flat_map(|report| &report.account_names)
            .find(|(account, _)| account.as_str() == id)
            .map(|(_, name)| escape::cell(name))
            .unwrap_or_default(),
        _ => String::new(),
    };
    [
        by.as_str().to_owned(),
        escape::cell(&key),
        totals.secrets.to_string(),
        known(cost.storage_usd),
        known(cost.api_usd),
        known(cost.kms_usd),
        known(cost.total_usd),
        known(parts.savings().of(totals.savings_usd)),
        verdict(Verdict::Delete),
        verdict(Verdict::Review),
        verdict(Verdict::Keep),
        count(totals.calls),
        count(totals.reads),
        count(totals.failed),
        totals.unpriced_secrets.to_string(),
        totals.uncounted_secrets.to_string(),
        report.window.from.to_string(),
        report.window.to.to_string(),
        known(window),
        known(
            parts
                .amounts
                .cost
                .total_usd
                .of(change.map(|(month, _)| month))
                .flatten(),
        ),
        name,
        known(window.map(|_| paid.storage_usd)),
        known(window.and(cost.api_usd).map(|_| paid.api_usd)),
        known(window.and(cost.kms_usd).map(|_| paid.kms_usd)),
        known(window.map(|_| totals.window_cost.extrapolated_usd)),
        known(window.map(|_| totals.window_cost.former_usd)),
        known(window.and(change).map(|(_, window)| window)),
    ]
}
