//! The limits of the policy file beside what is spent.
//!
//! A limit on an owner or account that has nothing in the scan is kept, with nothing spent: a mistyped name is then seen.

use std::collections::BTreeMap;

use crate::domain::base::money::Money;
use crate::domain::policy::BudgetLimits;
use crate::domain::report::result::{BudgetRow, Report, Totals};
use crate::domain::report::sums::{GroupKey, Grouping, groups};

/// The limits, the total first, then owners and accounts by name.
pub(super) fn budgets(report: &Report, limits: &BudgetLimits) -> Vec<BudgetRow> {
    let is_month = report.policy.month.is_some();
    let cost = |totals: &Totals| {
        if is_month {
            totals.window_cost.parts.total_usd
        } else {
            totals.cost.total_usd
        }
    };
    let row = |of: &str, name: &str, limit_usd, cost_usd| BudgetRow {
        of: of.to_owned(),
        name: name.to_owned(),
        limit_usd,
        cost_usd,
    };
    let mut rows = Vec::new();
    if let Some(limit) = limits.total {
        rows.push(row("total", "", limit, cost(&report.totals)));
    }
    let spent = |by: Grouping| -> BTreeMap<GroupKey, Money> {
        let groups = groups(report, by).into_iter();
        groups
            .map(|group| (group.key, cost(&group.totals)))
            .collect()
    };
    let of = |spent: &BTreeMap<GroupKey, Money>, name: &str| {
        let key = GroupKey::Of(name.to_owned());
        spent.get(&key).copied().unwrap_or_default()
    };
    if !limits.owners.is_empty() {
        let spent = spent(Grouping::Owner);
        let owners = limits.owners.iter();
        rows.extend(owners.map(|(name, limit)| row("owner", name, *limit, of(&spent, name))));
    }
    if !limits.accounts.is_empty() {
        let spent = spent(Grouping::Account);
        let accounts = limits.accounts.iter();
        rows.extend(
            accounts
                .map(|(id, limit)| row("account", id.as_str(), *limit, of(&spent, id.as_str()))),
        );
    }
    rows
}
