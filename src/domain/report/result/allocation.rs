//! What each owner pays: the cost of its own secrets, and its share of the calls that belong to no secret.

use serde::{Deserialize, Serialize};

use crate::domain::base::allocation_rule::AllocationRule;
use crate::domain::base::money::Money;

/// The whole cost by owner. The rows and what is left apart add up to the totals of the report, to the micro-dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationReport {
    /// The rule of the policy file.
    pub rule: AllocationRule,
    /// The owners by name, those without an owner tag first.
    pub owners: Vec<OwnerShare>,
    /// The amount that could not be shared out, because no call is attributed to any owner: run rate of a month.
    pub apart_usd: Money,
    /// The same of the window.
    pub window_apart_usd: Money,
}

/// One owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerShare {
    /// The value of the owner tag; `None`: secrets without one. Other people's text.
    pub owner: Option<String>,
    /// Run rate of its own secrets a month.
    pub own_usd: Money,
    /// Its share of the calls that belong to no secret.
    pub share_usd: Money,
    /// Both.
    pub total_usd: Money,
    /// The amount that its own secrets cost in the window, those deleted since among them.
    pub window_own_usd: Money,
    /// Its share of the other calls of the window.
    pub window_share_usd: Money,
    /// Both.
    pub window_total_usd: Money,
}
