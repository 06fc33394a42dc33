//! Who pays: the costs by owner, account and Region, the most expensive groups first.

use serde::Serialize;

use crate::domain::base::money::{Money, thousands};
use crate::domain::report::result::{Report, Totals};
use crate::domain::report::sums::{GroupKey, GroupSums, Grouping, KnownSums, groups};
use crate::report::escape::one_line;
use crate::report::format::money_or_unknown;
use crate::report::format::percent;

/// The number of groups that are shown before the rest is added up.
const GROUPS: usize = 12;

/// Cost by one grouping.
#[derive(Serialize)]
pub(super) struct Payers {
    heading: &'static str,
    id: &'static str,
    column: &'static str,
    rows: Vec<CostGrouping>,
    /// The groups that one row of `rows` adds up.
    rest: Vec<CostGrouping>,
    total: CostGrouping,
}

#[derive(Clone, Serialize)]
struct CostGrouping {
    name: String,
    /// The name is not somebody's but ours: nobody, the rest, the calls of no secret.
    ours: bool,
    secrets: String,
    cost: String,
    saves: String,
    alt: String,
    stays: String,
    saved: String,
}

/// By owner and by account, and by Region where there are several.
pub(super) fn payers(report: &Report, known: &KnownSums) -> Vec<Payers> {
    let by = |heading, id, column, by| {
        let mut found = groups(report, by);
        found.sort_by(|a, b| {
            let last = |group: &GroupSums| group.key == GroupKey::Unattributed;
            (last(a), b.totals.cost.total_usd, &a.key).cmp(&(
                last(b),
                a.totals.cost.total_usd,
                &b.key,
            ))
        });
        let most = found
            .iter()
            .map(|group| group.totals.cost.total_usd)
            .max()
            .unwrap_or_default();
        if by == Grouping::Account {
            for group in &mut found {
                if let GroupKey::Of(account) = &mut group.key {
                    *account = report.account_label(account);
                }
            }
        }
        let unattributed = found.pop_if(|group| group.key == GroupKey::Unattributed);
        let mut rows: Vec<CostGrouping> = found
            .iter()
            .take(GROUPS)
            .map(|group| payer(group, most))
            .collect();
        if let Some(rest) = found.get(GROUPS..).filter(|rest| !rest.is_empty()) {
            // Many together are no bar beside single ones.
            rows.push(CostGrouping {
                ours: true,
                stays: percent(0, 1),
                saved: percent(0, 1),
                ..payer(&added(rest), most)
            });
        }
        let rest = found.iter().skip(GROUPS);
        let rest = rest.map(|group| payer(group, most)).collect();
        rows.extend(unattributed.iter().map(|group| payer(group, most)));
        Payers {
            heading,
            id,
            column,
            rows,
            rest,
            total: payer(
                &GroupSums {
                    key: GroupKey::Of("Total".to_owned()),
                    totals: report.totals.clone(),
                    known: *known,
                },
                report.totals.cost.total_usd,
            ),
        }
    };
    let mut tables = vec![
        by("By owner", "owners", "Owner", Grouping::Owner),
        by("By account", "accounts", "Account", Grouping::Account),
    ];
    if report.accounts_and_regions().1 > 1 {
        tables.push(by("By Region", "regions", "Region", Grouping::Region));
    }
    tables
}

/// The groups that are not shown, as one.
fn added(rest: &[GroupSums]) -> GroupSums {
    let mut totals = Totals::default();
    let mut known = KnownSums::default();
    for group in rest {
        known += group.known;
        totals.secrets += group.totals.secrets;
        totals.cost += group.totals.cost;
        totals.savings_usd += group.totals.savings_usd;
    }
    GroupSums {
        key: GroupKey::Of(format!("{} more", rest.len())),
        totals,
        known,
    }
}

fn payer(group: &GroupSums, most: Money) -> CostGrouping {
    let totals = &group.totals;
    let cost = money_or_unknown(group.known.cost(totals).total_usd);
    let savings = group.known.savings().of(totals.savings_usd);
    let saved = totals.savings_usd.min(totals.cost.total_usd);
    let name = match &group.key {
        GroupKey::NoOwner => "no owner tag".to_owned(),
        GroupKey::Unattributed => "calls that match no secret".to_owned(),
        key => one_line(&key.to_string()),
    };
    CostGrouping {
        ours: matches!(group.key, GroupKey::NoOwner | GroupKey::Unattributed),
        secrets: if group.key == GroupKey::Unattributed {
            "–".to_owned()
        } else {
            thousands(totals.secrets)
        },
        alt: format!(
            "{name}: {cost} per month, of which {} can be saved",
            money_or_unknown(savings)
        ),
        cost,
        saves: match savings {
            Some(Money::ZERO) => "–".to_owned(),
            amount => money_or_unknown(amount),
        },
        stays: percent((totals.cost.total_usd - saved).0, most.0),
        saved: percent(saved.0, most.0),
        name,
    }
}
