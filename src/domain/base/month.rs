//! Calendar months in UTC, and what storage accrues in them.
//!
//! AWS charges storage per secret and month and prorates it, so an hour of February costs more than an hour of March.
//! A run rate has a month of 730 hours; an accrual has the months of the calendar, and a secret that stands for a whole
//! one costs the monthly price to the micro-dollar. That AWS counts by the hour is not documented: seconds are counted
//! here, and the one rounding is [`Money::scaled`]'s.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

use crate::domain::base::money::Money;
use crate::domain::base::span::Span;

/// A multiple of the hours of every calendar month (672, 696, 720 and 744), so that shares of different months add up
/// exactly.
const COMMON_HOURS: u64 = 9_061_920;

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

    /// Whether the month had ended by then.
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

/// The part of a span in which a secret was billable: from its creation until its deletion was scheduled (a secret that
/// is pending deletion is free, AWS user guide). Unknown creation: it was there before.
///
/// `None` if it was billable at no moment of the span.
pub fn billable(
    span: Span,
    created: Option<Timestamp>,
    deleted: Option<Timestamp>,
) -> Option<Span> {
    let from = created.map_or(span.from, |created| created.max(span.from));
    let to = deleted.map_or(span.to, |deleted| deleted.min(span.to));
    (from < to).then_some(Span { from, to })
}

/// Hours of a span in which a secret was billable, rounded to the nearest.
pub fn billable_hours(span: Span, created: Option<Timestamp>, deleted: Option<Timestamp>) -> u32 {
    billable(span, created, deleted).map_or(0, |alive| alive.hours())
}

/// What storage accrues over a span at a monthly price: in each calendar month the price times the share of that month.
///
/// A whole month is exactly the price, whatever its length; a span over several months is rounded once.
pub fn accrued(monthly: Money, span: Span) -> Money {
    let mut shares: u64 = 0;
    let mut from = span.from;
    while from < span.to {
        let month = Month::of(from);
        let to = month.span().to.min(span.to);
        let seconds = u64::try_from(to.as_second() - from.as_second()).unwrap_or(0);
        shares += seconds * (COMMON_HOURS / u64::from(month.hours()));
        if to <= from {
            break;
        }
        from = to;
    }
    monthly.scaled(shares, COMMON_HOURS * 3_600)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Money = Money(400_000);

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

    #[test]
    fn a_whole_month_costs_the_price_whatever_its_length() {
        for text in ["2026-02", "2028-02", "2026-04", "2026-10"] {
            assert_eq!(accrued(PRICE, month(text).span()), PRICE, "{text}");
        }
        let year = Span {
            from: month("2028-01").span().from,
            to: month("2028-12").span().to,
        };
        assert_eq!(accrued(PRICE, year), Money(12 * PRICE.0));
    }

    #[test]
    fn storage_accrues_from_creation_until_deletion_is_scheduled() {
        let cases = [
            ("2026-10", None, None, 744, 400_000),
            ("2026-10", Some("2026-10-16T12:00:00Z"), None, 372, 200_000),
            ("2026-10", None, Some("2026-10-16T12:00:00Z"), 372, 200_000),
            ("2026-02", Some("2026-02-15T00:00:00Z"), None, 336, 200_000),
            ("2028-02", Some("2028-02-29T00:00:00Z"), None, 24, 13_793),
            (
                "2026-11",
                Some("2026-11-10T00:00:00Z"),
                Some("2026-11-11T00:00:00Z"),
                24,
                13_333,
            ),
            ("2026-11", Some("2026-11-30T23:30:00Z"), None, 1, 278),
            ("2026-11", Some("2026-12-01T00:00:00Z"), None, 0, 0),
            ("2026-11", None, Some("2026-11-01T00:00:00Z"), 0, 0),
            (
                "2026-11",
                Some("2020-01-01T00:00:00Z"),
                Some("2027-01-01T00:00:00Z"),
                720,
                400_000,
            ),
            (
                "2026-11",
                Some("2026-11-11T00:00:00Z"),
                Some("2026-11-10T00:00:00Z"),
                0,
                0,
            ),
        ];
        for (text, created, deleted, hours, micros) in cases {
            let span = month(text).span();
            let (created, deleted) = (created.map(at), deleted.map(at));
            let case = format!("{text} {created:?} {deleted:?}");
            assert_eq!(billable_hours(span, created, deleted), hours, "{case}");
            let cost =
                billable(span, created, deleted).map_or(Money::ZERO, |alive| accrued(PRICE, alive));
            assert_eq!(cost, Money(micros), "{case}");
        }
    }

    #[test]
    fn a_span_over_two_months_is_the_sum_of_its_shares_rounded_once() {
        let span = Span {
            from: at("2026-10-24T08:52:32Z"),
            to: at("2026-11-23T08:52:32Z"),
        };
        let exact = 400_000.0 * (659_248.0 / (744.0 * 3_600.0) + 1_932_752.0 / (720.0 * 3_600.0));
        #[expect(clippy::cast_possible_truncation, reason = "an amount below a dollar")]
        let expect = Money(f64::round(exact) as i64);
        assert_eq!(accrued(PRICE, span), expect);
        let empty = Span {
            from: span.to,
            to: span.from,
        };
        assert_eq!(accrued(PRICE, empty), Money::ZERO);
    }
}
