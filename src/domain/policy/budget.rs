//! `[budget]`: what may be spent a month, in all, by owner and by account.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::domain::base::money::Money;
use crate::domain::base::names::AccountId;

/// The most that may be spent a month. Compared with the run rate, or, for a calendar month, with what the month cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetLimits {
    /// By everybody.
    #[serde(deserialize_with = "limit")]
    pub total: Option<Money>,
    /// By the value of the owner tag.
    pub owners: BTreeMap<String, Money>,
    /// By account.
    pub accounts: BTreeMap<AccountId, Money>,
}

fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Money>, D::Error> {
    Money::deserialize(from).map(Some)
}
