//! What each owner pays when the calls that belong to no secret are shared out, the one who pays most first.

use serde::Serialize;

use crate::domain::base::money::Money;
use crate::domain::report::result::{AllocationReport, OwnerShare, Report};
use crate::domain::report::sums::GroupKey;
use crate::report::escape::one_line;

/// The number of owners that are shown before the rest is folded.
const OWNERS: usize = 12;

/// The table of shares.
#[derive(Serialize)]
pub(super) struct Shares {
    /// The rule of the policy file, as a sentence.
    rule: &'static str,
    rows: Vec<ShareView>,
    /// The owners after those of `rows`.
    rest: Vec<ShareView>,
    total: ShareView,
}

#[derive(Serialize)]
struct ShareView {
    name: String,
    /// The name is ours and not an owner's.
    ours: bool,
    own: String,
    share: String,
    total: String,
}

/// The shares; `None` where those calls stand apart.
pub(super) fn shares(report: &Report) -> Option<Shares> {
    let shared = report.allocation.as_ref()?;
    let mut owners: Vec<&OwnerShare> = shared.owners.iter().collect();
    owners.sort_by_key(|row| std::cmp::Reverse(row.total_usd));
    let mut rows: Vec<ShareView> = owners.iter().map(|row| of_owner(row)).collect();
    let rest = rows.split_off(rows.len().min(OWNERS));
    let apart = shared.apart_usd;
    if apart != Money::ZERO {
        let key = GroupKey::Unattributed;
        rows.push(view(&key, Money::ZERO, apart));
    }
    Some(Shares {
        rule: shared.rule.sentence(),
        rows,
        rest,
        total: total(shared),
    })
}

fn of_owner(row: &OwnerShare) -> ShareView {
    let key = row.owner.clone().map_or(GroupKey::NoOwner, GroupKey::Of);
    view(&key, row.own_usd, row.share_usd)
}

fn total(shared: &AllocationReport) -> ShareView {
    let sum = |part: fn(&OwnerShare) -> Money| {
        let parts = shared.owners.iter().map(part);
        parts.fold(Money::ZERO, |sum, usd| sum + usd)
    };
    let (own, share) = (sum(|row| row.own_usd), sum(|row| row.share_usd));
    view(
        &GroupKey::Of("Total".to_owned()),
        own,
        share + shared.apart_usd,
    )
}

fn view(key: &GroupKey, own: Money, share: Money) -> ShareView {
    ShareView {
        name: one_line(&key.to_string()),
        ours: !matches!(key, GroupKey::Of(_)),
        own: own.dollars(),
        share: share.dollars(),
        total: (own + share).dollars(),
    }
}
