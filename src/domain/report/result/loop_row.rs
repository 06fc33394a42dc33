//! A hot loop in a report.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{AvoidableRange, LoopEstimate};
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::base::reader_kind::ReaderKind;

/// The shape of a loop: how its calls lie in time, or who makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoopShape {
    /// Most active hours are alike: a timer, or a poll loop.
    Steady,
    /// Few hours are active: a job that comes and goes.
    Burst,
    /// Calls follow the load.
    PerRequest,
    /// Processes that each make up a name for their session.
    PerProcess,
    /// Tasks, instances or builds that start anew.
    TaskStart,
    /// A sample does not tell.
    #[serde(rename = "")]
    Unknown,
}

impl LoopShape {
    /// The word in reports; empty if it is unknown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Burst => "burst",
            Self::PerRequest => "per-request",
            Self::PerProcess => "per-process",
            Self::TaskStart => "task-start",
            Self::Unknown => "",
        }
    }
}

/// A reader that fetches a secret more often than a cache would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoopRow {
    /// The secret; `None`: a name that is not in the inventory.
    pub arn: Option<SecretArn>,
    /// The secret as people call it. Other people's text.
    pub name: String,
    /// The account of the secret, or of the event.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// The ARN of the role or user.
    pub reader: String,
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The program.
    pub client: String,
    /// The API that is called in a loop.
    pub what: String,
    /// Such calls a month, at the rate of the covered hours.
    pub reads_month: u64,
    /// The number of clients: sessions at addresses, and where the names of sessions were made up, what stands behind
    /// them.
    pub clients: u64,
    /// There may be as many clients, and as few as one for each address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clients_up_to: bool,
    /// Mean seconds between two calls of the busiest client in its peak hour; in a sample, while it was seen. `None`: a
    /// sample saw too little of it.
    pub interval_s: Option<f64>,
    /// The shape of the calls: how they lie in time, or who makes them.
    pub shape: LoopShape,
    /// Hours of the window in which it called.
    pub active_hours: u32,
    /// The cache time that the advice assumes, in seconds.
    pub cache_s: u32,
    /// Calls a month that a cache would avoid for certain.
    pub avoidable_calls_month: u64,
    /// The amount that they cost, API and KMS; `None`: price unknown, or not known how many can be avoided.
    pub avoidable_usd_month: Option<Money>,
    /// Between what the avoidable calls lie, where one client cannot be told from many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoidable_range: Option<AvoidableRange>,
    /// The advice, which names the setting.
    pub advice: String,
    /// Calls on each day of the window, for the picture.
    pub days: BTreeMap<Date, u64>,
    /// The certainty of the numbers, if some of them come from a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<LoopEstimate>,
}

impl LoopRow {
    /// Returns what stands before the number of clients: a sample shows some of them, and of those behind one address
    /// only the most is known.
    pub fn clients_bound(&self) -> &'static str {
        if self.estimate.is_some() {
            "at least "
        } else if self.clients_up_to {
            "up to "
        } else {
            ""
        }
    }

    /// Returns whether something starts anew each time, so that nobody can say how many calls a cache would avoid.
    pub fn avoidable_is_unknown(&self) -> bool {
        let starts = matches!(self.shape, LoopShape::TaskStart | LoopShape::PerProcess);
        let few = self.avoidable_calls_month < self.reads_month.div_ceil(2);
        starts && few && self.avoidable_usd_month.is_none() && self.avoidable_range.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_written_as_its_word_and_no_other_word_is_read() {
        use LoopShape::{Burst, PerProcess, PerRequest, Steady, TaskStart, Unknown};
        for shape in [Steady, Burst, PerRequest, PerProcess, TaskStart, Unknown] {
            let json = serde_json::to_string(&shape).unwrap();
            assert_eq!(json, format!("\"{}\"", shape.as_str()));
            assert_eq!(serde_json::from_str::<LoopShape>(&json).unwrap(), shape);
        }
        assert!(serde_json::from_str::<LoopShape>("\"other\"").is_err());
    }
}
