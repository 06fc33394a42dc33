//! Calendar months in UTC.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

use crate::base::span::Span;

/// Text that is no calendar month.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a month such as `2026-10`")]
pub struct MonthError(String);

/// A calendar month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The first day. Years 1970 to 9998, so that the month after it exists too.
    first: Date,
}

impl Month {
    /// The month in which a moment lies.
    pub fn of(moment: Timestamp) -> Self {
        Self {
            first: moment.to_zoned(TimeZone::UTC).date().first_of_month(),
        }
    }

    /// The first day.
    pub fn first_day(self) -> Date {
        self.first
    }

    /// From the first moment of the month to the first of the next.
    pub fn span(self) -> Span {
        Span {
            from: midnight(self.first),
            to: midnight(self.following()),
        }
    }

    /// Hours of the month: 672, 696, 720 or 744.
    pub fn hours(self) -> u32 {
        u32::from(self.first.days_in_month().unsigned_abs()) * 24
    }

    /// Returns whether the month had ended by then.
    pub fn is_over(self, now: Timestamp) -> bool {
        self.span().to <= now
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            first: self.following(),
        }
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self {
            first: self.first.saturating_sub(1.month()).first_of_month(),
        }
    }

    fn following(self) -> Date {
        self.first.saturating_add(1.month())
    }
}

impl FromStr for Month {
    type Err = MonthError;

    /// Reads exactly `YYYY-MM`.
    fn from_str(text: &str) -> Result<Self, MonthError> {
        let wrong = || MonthError(text.to_owned());
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(wrong());
        }
        let year: i16 = year.parse().map_err(|_| wrong())?;
        let month: i8 = month.parse().map_err(|_| wrong())?;
        if !(1970..=9998).contains(&year) {
            return Err(wrong());
        }
        let first = Date::new(year, month, 1).map_err(|_| wrong())?;
        Ok(Self { first })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MAX, |start| start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_read_and_written_as_year_and_month() {
        for text in ["1970-01", "2026-10", "9998-12"] {
            assert_eq!(month(text).to_string(), text);
        }
        for text in [
            "",
            "2026",
            "2026-1",
            "2026-13",
            "2026-00",
            "26-10",
            "2026-10-01",
            "+026-10",
            "2026-+1",
            "1969-12",
            "9999-01",
            "2026/10",
            "２０２６-10",
        ] {
            let error = text.parse::<Month>().unwrap_err();
            assert!(error.to_string().contains("2026-10"), "{text}");
        }
    }

    #[test]
    fn a_month_has_the_hours_of_the_calendar() {
        for (text, hours, to) in [
            ("2026-02", 672, "2026-03-01T00:00:00Z"),
            ("2028-02", 696, "2028-03-01T00:00:00Z"),
            ("2000-02", 696, "2000-03-01T00:00:00Z"),
            ("2100-02", 672, "2100-03-01T00:00:00Z"),
            ("2026-11", 720, "2026-12-01T00:00:00Z"),
            ("2026-12", 744, "2027-01-01T00:00:00Z"),
        ] {
            let month = month(text);
            assert_eq!(month.hours(), hours, "{text}");
            assert_eq!(month.span().hours(), hours, "{text}");
            assert_eq!(month.span().to, at(to), "{text}");
            assert_eq!(month.next().previous(), month, "{text}");
            assert!(month.is_over(at(to)), "{text}");
            assert!(!month.is_over(month.span().from), "{text}");
        }
    }

    #[test]
    fn a_moment_belongs_to_its_month_in_utc() {
        for (moment, expect) in [
            ("2026-10-31T23:59:59Z", "2026-10"),
            ("2026-11-01T00:00:00Z", "2026-11"),
            ("2026-11-01T00:30:00+01:00", "2026-10"),
        ] {
            assert_eq!(Month::of(at(moment)), month(expect), "{moment}");
        }
    }
}
