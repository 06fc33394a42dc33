//! Which example organization is written: the day it lives on, and whether names that attack their readers are in it.
//!
//! Everything else in the example counts from one fixed moment, so that its calls are the same on every day. Only what is
//! written is moved to the day of the edition, by whole days, so that midnight stays midnight.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::NOW;
use super::everyday::SECRETS;
use super::roles::Cast;
use crate::domain::base::span::DAY_S;

/// One form of the example organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    /// Seconds from the fixed moment of the example to that of this edition, whole days.
    shift: i64,
    hostile: bool,
}

impl Edition {
    /// The organization as of the start (UTC) of the day of `moment`. Its trail covers the 90 days before that.
    ///
    /// ```
    /// let edition = secretsweep::demo::Edition::of_day("2026-11-01T17:30:00Z".parse()?);
    /// assert_eq!(edition.now().to_string(), "2026-11-01T00:00:00Z");
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn of_day(moment: Timestamp) -> Self {
        let seconds = moment.as_second();
        Self {
            shift: seconds - seconds.rem_euclid(DAY_S) - NOW,
            hostile: false,
        }
    }

    /// With names, tags and messages that try to be formulas, markup and terminal escapes, for tests of what is printed.
    #[must_use]
    pub const fn with_hostile_names(self) -> Self {
        Self {
            hostile: true,
            ..self
        }
    }

    /// The moment at which the organization is scanned.
    #[must_use]
    pub fn now(self) -> Timestamp {
        self.at(NOW)
    }

    /// The secrets of the organization, as the inventory lists them.
    pub fn cast(self) -> impl Iterator<Item = &'static Cast> {
        self.indexed().map(|(_, cast)| cast)
    }

    /// The secrets with their indexes in the table.
    pub(super) fn indexed(self) -> impl Iterator<Item = (usize, &'static Cast)> {
        let all = SECRETS.iter().enumerate();
        all.filter(move |(_, cast)| self.hostile || !cast.hostile)
    }

    pub(super) const fn is_hostile(self) -> bool {
        self.hostile
    }

    /// The instant that this edition has for a moment of the example, in seconds since 1970. At the ends of what a
    /// [`Timestamp`] can hold, the last one that it can.
    pub(super) fn at(self, seconds: i64) -> Timestamp {
        let second = seconds.saturating_add(self.shift);
        Timestamp::from_second(second).unwrap_or(if second < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    /// The day that lies so many days before that of this edition; after it, if there are fewer than none.
    pub(super) fn day(self, days_ago: i64) -> Date {
        let midnight = self.at(NOW - days_ago * DAY_S);
        midnight.to_zoned(TimeZone::UTC).date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_is_that_of_the_start_of_its_day() {
        for (moment, now) in [
            ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("2028-02-29T23:59:59.9Z", "2028-02-29T00:00:00Z"),
            ("1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z"),
        ] {
            let edition = Edition::of_day(moment.parse().unwrap());
            assert_eq!(edition.now().to_string(), now);
        }
    }

    #[test]
    fn days_are_counted_back_and_forth() {
        let edition = Edition::of_day("2028-03-01T08:00:00Z".parse().unwrap());
        assert_eq!(edition.day(1).to_string(), "2028-02-29");
        assert_eq!(edition.day(-31).to_string(), "2028-04-01");
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for end in [Timestamp::MIN, Timestamp::MAX] {
            let edition = Edition::of_day(end);
            assert!(edition.day(400) <= edition.day(-400));
        }
    }
}
