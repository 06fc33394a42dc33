//! What moved the cost of a month most, and why: secrets that came, went, or are used otherwise.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::compare::{Change, Comparison};
use crate::domain::base::money::{Money, thousands};
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::report::result::{Report, SecretRow};

/// Sets how many are named a month.
const NAMED: usize = 3;

/// A secret that moved the cost of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mover {
    /// The key.
    pub arn: SecretArn,
    /// The name. Other people's text.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// By how much.
    pub change_usd: Money,
    /// The reason, in words.
    pub why: String,
}

/// Why a secret moved, in words.
type Why<'a> = &'a dyn Fn(&Change) -> String;

/// The biggest movers between two months, biggest first.
pub(super) fn movers(old: &Report, new: &Report, found: &Comparison) -> Vec<Mover> {
    fn by_arn(report: &Report) -> HashMap<&SecretArn, &SecretRow> {
        report.secrets.iter().map(|row| (&row.arn, row)).collect()
    }
    let (before, after) = (by_arn(old), by_arn(new));
    let stay = |change: &Change| {
        let rows = before.get(&change.arn).zip(after.get(&change.arn));
        rows.map_or_else(String::new, |(before, after)| {
            reason(before, after, new.window)
        })
    };
    let gone = |change: &Change| {
        let former = new.former.iter();
        let mut deleted = former.filter(|row| row.arn.as_ref() == Some(&change.arn));
        deleted.next().map_or_else(
            || "not there any more".to_owned(),
            |row| format!("deleted on {}", row.deleted.strftime("%Y-%m-%d")),
        )
    };
    let came = |change: &Change| {
        let created = after.get(&change.arn).and_then(|row| row.created);
        created.map_or_else(
            || "new".to_owned(),
            |created| format!("created on {}", created.strftime("%Y-%m-%d")),
        )
    };
    let pending = |change: &Change| {
        let deleted = after.get(&change.arn).and_then(|row| row.deleted);
        deleted.map_or_else(
            || "scheduled for deletion".to_owned(),
            |deleted| format!("scheduled for deletion on {}", deleted.strftime("%Y-%m-%d")),
        )
    };
    let restored = |_: &Change| "restored".to_owned();
    let lists: [(&[Change], Why<'_>); 6] = [
        (&found.appeared, &came),
        (&found.gone, &gone),
        (&found.scheduled, &pending),
        (&found.restored, &restored),
        (&found.dearer, &stay),
        (&found.cheaper, &stay),
    ];
    let mut all: Vec<(&Change, Why<'_>)> = lists
        .into_iter()
        .flat_map(|(changes, why)| changes.iter().map(move |change| (change, why)))
        .filter(|(change, _)| change.change_usd != Money::ZERO)
        .collect();
    all.sort_by(|(a, _), (b, _)| {
        let size = |change: &Change| change.change_usd.0.unsigned_abs();
        size(b).cmp(&size(a)).then_with(|| a.arn.cmp(&b.arn))
    });
    let mover = |(change, why): (&Change, Why<'_>)| Mover {
        arn: change.arn.clone(),
        name: change.name.clone(),
        account: change.account.clone(),
        region: change.region.clone(),
        change_usd: change.change_usd,
        why: why(change),
    };
    all.into_iter().take(NAMED).map(mover).collect()
}

/// Returns why a secret that stays costs more or less: the part that changed most.
fn reason(old: &SecretRow, new: &SecretRow, window: Span) -> String {
    let (before, after) = (&old.window_cost, &new.window_cost);
    let by = |old: Option<Money>, new: Option<Money>| {
        let change = new.unwrap_or_default() - old.unwrap_or_default();
        change.0.unsigned_abs()
    };
    let storage = by(before.storage_usd, after.storage_usd);
    let calls = by(before.api_usd, after.api_usd) + by(before.kms_usd, after.kms_usd);
    if storage <= calls {
        let (old, new) = (thousands(old.calls), thousands(new.calls));
        return format!("{new} calls ({old} before)");
    }
    let inside = |moment: Option<Timestamp>| {
        moment.filter(|moment| window.from <= *moment && *moment < window.to)
    };
    let day = |moment: Timestamp| moment.strftime("%Y-%m-%d");
    if let Some(deleted) = inside(new.deleted) {
        format!("scheduled for deletion on {}", day(deleted))
    } else if let Some(created) = inside(new.created) {
        format!("created on {}", day(created))
    } else {
        // It came or went in the month before, or was pending deletion for a while.
        "stored for more or fewer days".to_owned()
    }
}
