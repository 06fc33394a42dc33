//! What a report says of numbers that were estimated from a sample of the event history.
//!
//! The number itself stands where it always stands; beside it the interval in which the truth lies with 95 % certainty,
//! and why that interval may be too narrow. Whoever reads a report without looking here takes an estimate for a count,
//! so every rendering looks here.

use std::ops::{Add, AddAssign};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::amounts::{Amounts, CostParts};
use crate::domain::base::money::Money;
use crate::domain::sampling::{CaveatCode, IntervalCaveat};

/// The ends of a 95 % interval. The estimate lies between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range<T> {
    /// The lower end; never below what was seen.
    pub low: T,
    /// The upper end.
    pub high: T,
}

impl<T> Range<T> {
    /// Makes the interval of a number that is known exactly.
    pub fn exact(number: T) -> Self
    where
        T: Copy,
    {
        Self {
            low: number,
            high: number,
        }
    }
}

impl<T: Add<Output = T> + Copy> AddAssign for Range<T> {
    fn add_assign(&mut self, other: Self) {
        self.low = self.low + other.low;
        self.high = self.high + other.high;
    }
}

/// Why an interval may be too narrow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CaveatRow {
    /// The code.
    pub code: CaveatCode,
    /// The sentence.
    pub text: String,
}

impl From<IntervalCaveat> for CaveatRow {
    fn from(caveat: IntervalCaveat) -> Self {
        Self {
            code: caveat.code(),
            text: caveat.to_string(),
        }
    }
}

/// The certainty of the numbers of a row, or of the totals. The numbers here were estimated; all others were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// API calls in the window.
    pub calls: Range<u64>,
    /// Successful `GetSecretValue` in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Range<u64>>,
    /// Failed `GetSecretValue` in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Range<u64>>,
    /// The run rate; `None`: not estimated, or price unknown. Storage is never estimated.
    #[serde(flatten, serialize_with = "estimated_parts")]
    pub cost: CostParts<Option<Range<Money>>>,
    /// The cost of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_total_usd: Option<Range<Money>>,
    /// The run rate of the calls that a cache would avoid, on the row of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoidable_usd: Option<Range<Money>>,
    /// The amount that deleting and fixing loops would save a month, on the row of totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savings_usd: Option<Range<Money>>,
    /// In how many windows of the sample a call was seen. Of the totals of a selection: the most that any of its rows was
    /// seen in, because rows share windows and a report does not say which; there were at least so many.
    pub windows: u64,
    /// The reason why the intervals may be too narrow.
    pub caveats: Vec<CaveatRow>,
}

/// The parts that were estimated. API calls always are: they are written as `null` where their price is unknown.
fn estimated_parts<S: Serializer>(
    cost: &CostParts<Option<Range<Money>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let named = cost.named();
    let written = named
        .into_iter()
        .filter(|(name, range)| range.is_some() || *name == "api_usd");
    serializer.collect_map(written)
}

impl Estimate {
    /// An estimate of calls and of what they cost.
    pub fn new(
        ranges: Amounts<Range<u64>, Option<Range<Money>>>,
        windows: u64,
        caveats: Vec<CaveatRow>,
    ) -> Self {
        Self {
            calls: ranges.calls,
            reads: Some(ranges.reads),
            failed: Some(ranges.failed),
            cost: CostParts {
                storage_usd: None,
                ..ranges.cost
            },
            window_total_usd: ranges.window,
            avoidable_usd: None,
            savings_usd: None,
            windows,
            caveats,
        }
    }

    /// The intervals; `None` where the number is exact, or unknown.
    pub fn ranges(&self) -> Amounts<Option<Range<u64>>, Option<Range<Money>>> {
        Amounts {
            calls: Some(self.calls),
            reads: self.reads,
            failed: self.failed,
            cost: self.cost,
            window: self.window_total_usd,
        }
    }
}

/// The certainty of the numbers of a loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopEstimate {
    /// Such calls a month.
    pub reads_month: Range<u64>,
    /// Calls a month that a cache would avoid.
    pub avoidable_calls_month: Range<u64>,
    /// The amount that they cost; `None`: price unknown.
    pub avoidable_usd_month: Option<Range<Money>>,
    /// In how many windows of the sample a call was seen. Clients and active hours are those that were seen: at least.
    pub windows: u64,
    /// The reason why the intervals may be too narrow.
    pub caveats: Vec<CaveatRow>,
}

/// Between what the avoidable calls of a loop lie, where one client behind an address cannot be told from many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvoidableRange {
    /// Calls a month that a cache would avoid.
    pub calls_month: Range<u64>,
    /// The amount that they cost; `None`: price unknown.
    pub usd_month: Option<Range<Money>>,
}

/// The sample that was taken of an account and Region: all that is needed to repeat it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRow {
    /// The span that it stands for: from inclusive.
    pub from: Timestamp,
    /// To exclusive.
    pub to: Timestamp,
    /// Seconds from one window to the next.
    pub step_s: u32,
    /// Seconds in a window.
    pub width_s: u32,
    /// The offset of the first window within a step.
    pub phase_s: u32,
    /// The seed that the phase was drawn from.
    pub seed: u64,
    /// Windows of the whole comb.
    pub windows: u32,
    /// Windows that were read.
    pub windows_read: u32,
    /// Seconds that were read in full besides.
    pub full_s: u64,
    /// Calls in the window, by whomever and of whatever; `None`: too few windows to say.
    pub calls: Option<u64>,
    /// The interval.
    pub calls_range: Option<Range<u64>>,
    /// The reason why the interval may be too narrow.
    pub caveats: Vec<CaveatRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_estimated_is_not_written_except_the_cost_of_calls() {
        let usd = Range::exact(Money(5));
        let rare = Estimate::default();
        let whole = Estimate {
            cost: CostParts {
                storage_usd: None,
                api_usd: Some(usd),
                kms_usd: Some(usd),
                total_usd: Some(usd),
            },
            ..rare.clone()
        };
        let ends = r#"{"low":"0.000005","high":"0.000005"}"#;
        let begin = r#"{"calls":{"low":0,"high":0},"#;
        let end = r#","windows":0,"caveats":[]}"#;
        for (estimate, cost) in [
            (rare, r#""api_usd":null"#.to_owned()),
            (
                whole,
                format!(r#""api_usd":{ends},"kms_usd":{ends},"total_usd":{ends}"#),
            ),
        ] {
            let json = serde_json::to_string(&estimate).unwrap();
            assert_eq!(json, format!("{begin}{cost}{end}"));
            let read: Estimate = serde_json::from_str(&json).unwrap();
            assert_eq!(read, estimate);
        }
    }
}
