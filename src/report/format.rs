//! Amounts, shares and times as the page shows them.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::base::money::Money;

/// A percentage for an SVG attribute, without a trailing zero.
pub(super) fn percent(part: i64, whole: i64) -> String {
    let mut text = String::new();
    let hundredths = if whole > 0 {
        part.clamp(0, whole).saturating_mul(10_000) / whole
    } else {
        0
    };
    // Writing to a String cannot fail.
    let _ = write!(text, "{}.{:02}%", hundredths / 100, hundredths % 100);
    text
}

/// `1 November 2026`.
pub(crate) fn day(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// `1 November 2026, 06:00 UTC`.
pub(crate) fn moment(moment: Timestamp) -> String {
    let moment = moment.to_zoned(TimeZone::UTC);
    format!("{}, {}", day(moment.date()), moment.strftime("%H:%M UTC"))
}

pub(super) fn utc_day(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// An amount with its cents; what is more than nothing and less than a cent is said so.
pub(crate) fn money(amount: Money) -> String {
    if amount.0 > 0 && amount.0 < 5_000 {
        return "< $0.01".to_owned();
    }
    amount.dollars()
}

/// An amount, or a dash with the word for people who hear the page.
pub(crate) fn money_or_unknown(amount: Option<Money>) -> String {
    amount.map_or_else(|| "unknown".to_owned(), money)
}

/// A share in whole per cent; what is neither nothing nor everything is not rounded to it.
pub(super) fn share(part: Money, whole: Money) -> String {
    if whole.0 <= 0 || part.0 <= 0 {
        return "0 %".to_owned();
    }
    let rounded = (part.0.saturating_mul(200) / whole.0).saturating_add(1) / 2;
    match rounded {
        0 => "under 1 %".to_owned(),
        100.. if part < whole => "over 99 %".to_owned(),
        _ => format!("{rounded} %"),
    }
}
