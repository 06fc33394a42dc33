//! Who calls, in a report: the readers of a secret, and the callers of no secret.
//!
//! The costs of callers are shares of the cost of what they call, and add up to it exactly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amounts, Estimate, WindowDetail};
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region};
use crate::domain::base::reader_kind::ReaderKind;

/// The activity of one reader with one secret. Counts are of the window, first and last of the evidence span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderRow {
    /// The ARN of the role or user, or the name of the service.
    pub reader: String,
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The program, by its fingerprint. Other people's text.
    pub client: String,
    /// Successful `GetSecretValue`.
    pub reads: u64,
    /// Successful `DescribeSecret`.
    pub describes: u64,
    /// Failed `GetSecretValue`.
    pub failed: u64,
    /// All calls.
    pub calls: u64,
    /// The first call that is known.
    pub first: Timestamp,
    /// The last call that is known.
    pub last: Timestamp,
    /// Its share of what the API calls of the secret cost a month. The shares of all readers are the whole. `None`:
    /// unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_usd: Option<Money>,
    /// The same of the KMS requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_usd: Option<Money>,
    /// The certainty of the counts, if they come from a sample. `describes` has no interval of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Box<Estimate>>,
}

impl ReaderRow {
    /// Its calls. What they cost is in the cost of the secret.
    pub fn amounts(&self) -> Amounts<u64, Option<Money>> {
        Amounts {
            calls: self.calls,
            reads: self.reads,
            failed: self.failed,
            ..Amounts::default()
        }
    }
}

/// Calls that belong to no secret of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnattributedRow {
    /// The account, as the event has it; `None`: the event does not say.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// API calls in the window.
    pub calls: u64,
    /// The same by who makes them; empty in a report of an older version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<CallerRow>,
    /// The same by what they were: the API's name, `missing name`, `former secret`, `ambiguous name`.
    pub by_what: BTreeMap<String, u64>,
    /// Run rate; `None`: price unknown.
    pub api_usd: Option<Money>,
    /// The amount that they cost in the window.
    pub window_api_usd: Option<Money>,
    /// The part of that which is scaled, and its months.
    #[serde(default, skip_serializing_if = "WindowDetail::is_plain")]
    pub window_detail: WindowDetail,
    /// The certainty of the numbers, if some of them come from a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
}

/// Calls of one caller that belong to no secret. Counts are of the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerRow {
    /// The ARN of the role or user, or the name of the service.
    pub reader: String,
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The program, by its fingerprint. Other people's text.
    pub client: String,
    /// The call that it makes: the API's name, or why the name is nobody's, as in [`UnattributedRow::by_what`].
    pub what: String,
    /// API calls.
    pub calls: u64,
    /// Its share of the run rate; `None`: price unknown.
    pub api_usd: Option<Money>,
    /// Its share of what the window cost.
    pub window_api_usd: Option<Money>,
    /// The first call of the window.
    pub first: Timestamp,
    /// The last call of the window.
    pub last: Timestamp,
}
