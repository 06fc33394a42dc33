//! A gap: a part of the evidence that could not be read, and so proves nothing.

use serde::{Deserialize, Serialize};

use crate::domain::base::names::{AccountId, Region};

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// The account, if it is known.
    pub account: Option<AccountId>,
    /// The Region, if it is known.
    pub region: Option<Region>,
    /// `inventory`, `trail`, `prices`, or the API.
    pub source: String,
    /// What is missing: a file, a span of time, an account.
    pub what: String,
    /// Why, and the way out where there is one.
    pub why: String,
}
