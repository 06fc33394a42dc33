//! What makes up the cost of the window: its calendar months, and the secrets that are in no inventory any more.
//!
//! A window that lies in one month has no parts, so that a report of a month is no larger than it has to be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Cost;
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region, SecretArn};

/// The cost of the window of one row, looked at more closely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowDetail {
    /// The part of the API calls and KMS requests that was not counted, but scaled from the hours that the trail covers.
    /// It is part of the cost of the window.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub extrapolated_usd: Money,
    /// The calendar months of the window, in their order; they add up to it. Empty if it lies in one month, and in a report
    /// of a version that did not write them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<MonthPart>,
}

impl WindowDetail {
    /// Nothing was scaled, and the window lies in one month.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// One calendar month of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthPart {
    /// `2026-10`.
    pub month: String,
    /// API calls.
    pub calls: u64,
    /// The successful `GetSecretValue` calls among them.
    pub reads: u64,
    /// The cost of that part of the window.
    pub cost: Cost,
}

/// A secret that was deleted for good before the inventory was listed, known by its `CreateSecret` and `DeleteSecret` in
/// the trail. AWS stops charging when `DeleteSecret` is called (Secrets Manager pricing), so it has storage until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerSecret {
    /// The ARN, if an event names it with its suffix.
    pub arn: Option<SecretArn>,
    /// The name. Other people's text.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The time when it was created; `None`: before the trail begins, or where it has a hole.
    pub created: Option<Timestamp>,
    /// The time when it was last scheduled for deletion.
    pub deleted: Timestamp,
    /// The amount that its storage cost in the window; `None`: the price is unknown.
    pub storage_usd: Option<Money>,
    /// The calendar months of the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<MonthPart>,
}
