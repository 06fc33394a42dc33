//! `owners.csv`: what each owner pays, where the policy file shares out the calls that belong to no secret.

use super::csv::{bytes, table};
use super::escape;
use crate::domain::base::money::Money;
use crate::domain::report::result::Report;
use crate::domain::report::sums::GroupKey;

/// The name of the file.
pub const FILE: &str = "owners.csv";

/// The columns: `kind` is `owner` or, for what no owner pays, `apart`. The rows add up to the totals of the report.
pub const COLUMNS: [&str; 9] = [
    "kind",
    "owner",
    "own_usd_month",
    "share_usd_month",
    "total_usd_month",
    "own_usd_window",
    "share_usd_window",
    "total_usd_window",
    "rule",
];

/// The table; `None`: those calls stand apart.
pub fn csv(report: &Report) -> Option<Vec<u8>> {
    let shared = report.allocation.as_ref()?;
    let rule = shared.rule.as_str();
    let line = |kind: &str, owner: String, amounts: [Money; 6]| {
        let [own, share, total, own_window, share_window, total_window] =
            amounts.map(|usd| usd.to_string());
        let kind = kind.to_owned();
        let rule = rule.to_owned();
        [
            kind,
            owner,
            own,
            share,
            total,
            own_window,
            share_window,
            total_window,
            rule,
        ]
    };
    let owners = shared.owners.iter().map(|row| {
        let key = row.owner.clone().map_or(GroupKey::NoOwner, GroupKey::Of);
        let amounts = [
            row.own_usd,
            row.share_usd,
            row.total_usd,
            row.window_own_usd,
            row.window_share_usd,
            row.window_total_usd,
        ];
        line("owner", escape::cell(&key.to_string()), amounts)
    });
    let (month, window) = (shared.apart_usd, shared.window_apart_usd);
    let is_apart = month != Money::ZERO || window != Money::ZERO;
    let zero = Money::ZERO;
    let apart = is_apart.then(|| {
        let amounts = [zero, month, month, zero, window, window];
        line("apart", GroupKey::Unattributed.to_string(), amounts)
    });
    Some(bytes(|out| table(COLUMNS, owners.chain(apart), out)))
}
