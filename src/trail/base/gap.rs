//! A gap: a part of the evidence that could not be read, and so proves nothing.

use serde::{Deserialize, Serialize};

use super::words;
use crate::base::names::{AccountId, Region, Scope};

words! {
    /// The source from which the missing evidence would have come.
    pub enum GapSource {
        /// The list of secrets.
        Inventory = "inventory",
        /// The log files or the event history.
        Trail = "trail",
        /// Identities and their policies.
        Iam = "iam",
        /// The price list.
        Prices = "prices",
        /// The results that earlier runs kept.
        Cache = "cache",
        /// The results that this run was to keep.
        Save = "save",
    }
    /// An API of AWS, such as `organizations:ListAccounts`.
    else Api
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// The account, if it is known.
    pub account: Option<AccountId>,
    /// The Region, if it is known.
    pub region: Option<Region>,
    /// The source that it would have come from.
    pub source: GapSource,
    /// The thing that is missing: a file, a span of time, an account.
    pub what: String,
    /// The reason, and the way out where there is one.
    pub why: String,
}

impl Gap {
    /// A gap in an account and Region; in none or in all of them if there is none.
    pub fn new(
        source: impl Into<GapSource>,
        scope: Option<&Scope>,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            account: scope.map(|scope| scope.account.clone()),
            region: scope.map(|scope| scope.region.clone()),
            source: source.into(),
            what: what.into(),
            why: why.into(),
        }
    }
}
