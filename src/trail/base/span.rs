//! A span of time, from inclusive and to exclusive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The seconds of an hour.
pub const HOUR_S: i64 = 3_600;

/// The seconds of a day in UTC, which has no leap seconds here as in Unix time.
pub const DAY_S: i64 = 24 * HOUR_S;

/// The first whole hour at a second since 1970 or after it, in hours since 1970.
pub fn next_hour(second: i64) -> i64 {
    (second + HOUR_S - 1).div_euclid(HOUR_S)
}

/// The first second of an hour, both since 1970.
pub fn start_of_hour(hour: u32) -> i64 {
    i64::from(hour) * HOUR_S
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Inclusive.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

impl Span {
    /// The two moments, in whole seconds since 1970.
    pub fn seconds(&self) -> (i64, i64) {
        (self.from.as_second(), self.to.as_second())
    }

    /// The length in whole hours, rounded to the nearest.
    pub fn hours(&self) -> u32 {
        let (from, to) = self.seconds();
        let seconds = to - from;
        u32::try_from((seconds + HOUR_S / 2) / HOUR_S).unwrap_or(0)
    }

    /// The length in hours, of which one that was begun counts.
    pub fn begun_hours(&self) -> u32 {
        let (from, to) = self.seconds();
        let seconds = to - from;
        u32::try_from(
            seconds
                .max(0)
                .unsigned_abs()
                .div_ceil(HOUR_S.unsigned_abs()),
        )
        .unwrap_or(u32::MAX)
    }
}
