//! What may be spent, beside what is.

use serde::{Deserialize, Serialize};

use crate::domain::base::money::Money;

/// One limit of the policy file's `[budget]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRow {
    /// `total`, `owner` or `account`.
    pub of: String,
    /// The owner or account; empty for the total. Other people's text.
    pub name: String,
    /// The amount that may be spent a month.
    pub limit_usd: Money,
    /// The amount that is spent: the run rate of a month, or what the calendar month cost if the scan is of one.
    pub cost_usd: Money,
}

impl BudgetRow {
    /// By how much it is exceeded; `None`: it is not.
    pub fn over(&self) -> Option<Money> {
        (self.cost_usd > self.limit_usd).then(|| self.cost_usd - self.limit_usd)
    }
}
