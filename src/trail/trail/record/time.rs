//! Event times, from bytes to seconds.
//!
//! AWS writes `2026-11-23T08:55:00Z`, always. Re-shaped trails add fractions, offsets or a blank for the `T`. A date
//! library would do, but this runs once for every record of every service, and the common form is twenty bytes.

use crate::base::span::{DAY_S, HOUR_S};

/// Seconds since 1970-01-01T00:00:00Z of `YYYY-MM-DD`, `T` or a blank, `HH:MM:SS`, then optionally a fraction (cut
/// off) and a zone (`Z`, `+HH:MM`, `+HHMM`, `+HH`; none means UTC).
///
/// `None` for anything else, for impossible dates and for times before 1970 or, as an hour, past a `u32`.
#[must_use]
pub(crate) fn seconds(text: &[u8]) -> Option<i64> {
    let (moment, rest) = text.split_first_chunk::<19>()?;
    let day = days(
        digits4(moment, 0)?,
        digits2(moment, 5)?,
        digits2(moment, 8)?,
    )?;
    let (hour, minute, second) = (
        digits2(moment, 11)?,
        digits2(moment, 14)?,
        digits2(moment, 17)?,
    );
    let joints = [moment[4], moment[7], moment[13], moment[16]] == *b"--::";
    // A leap second is written as 60.
    if !joints
        || !matches!(moment[10], b'T' | b't' | b' ')
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let local = day * DAY_S + hour * HOUR_S + minute * 60 + second;
    let moment = if rest == b"Z" {
        local
    } else {
        local - offset(without_fraction(rest)?)?
    };
    (moment >= 0).then_some(moment)
}

/// Reads one time after another. Most are of the same hour as the one before, and of these only minute and second are read.
#[derive(Debug, Default)]
pub(super) struct TimeReader {
    /// The latest hour as AWS writes it, `YYYY-MM-DDTHH:`; no text at first.
    hour: [u8; 14],
    /// Its start, in seconds since 1970-01-01T00:00:00Z.
    start: i64,
}

impl TimeReader {
    /// The same as [`seconds`].
    #[inline]
    pub(super) fn seconds(&mut self, text: &[u8]) -> Option<i64> {
        if let Some((hour, rest)) = text.split_first_chunk::<14>()
            && *hour == self.hour
            && let [_, _, b':', _, _, b'Z'] = rest
        {
            let (minute, second) = (digits2(rest, 0)?, digits2(rest, 3)?);
            let is_time = minute <= 59 && second <= 60;
            return is_time.then_some(self.start + minute * 60 + second);
        }
        self.turn(text)
    }

    #[cold]
    fn turn(&mut self, text: &[u8]) -> Option<i64> {
        let moment = seconds(text)?;
        if let Some((hour, [_, _, _, b'0'..=b'5', _, b'Z'])) = text.split_first_chunk() {
            self.hour = *hour;
            self.start = moment - moment.rem_euclid(HOUR_S);
        }
        Some(moment)
    }
}

fn without_fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some(rest);
    };
    let end = fraction
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(fraction.len());
    (end > 0).then(|| &fraction[end..])
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, clock) = match zone {
        [] | b"Z" | b"z" | b" UTC" => return Some(0),
        [b'+', clock @ ..] => (1, clock),
        [b'-', clock @ ..] => (-1, clock),
        _ => return None,
    };
    let (hours, minutes) = match clock {
        [_, _] => (digits2(clock, 0)?, 0),
        [_, _, _, _] => (digits2(clock, 0)?, digits2(clock, 2)?),
        [_, _, b':', _, _] => (digits2(clock, 0)?, digits2(clock, 3)?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * HOUR_S + minutes * 60))
}

#[inline]
fn digits2(text: &[u8], start: usize) -> Option<i64> {
    let (tens, ones) = (
        text[start].wrapping_sub(b'0'),
        text[start + 1].wrapping_sub(b'0'),
    );
    (tens <= 9 && ones <= 9).then(|| i64::from(tens * 10 + ones))
}

#[inline]
fn digits4(text: &[u8], start: usize) -> Option<i64> {
    Some(digits2(text, start)? * 100 + digits2(text, start + 2)?)
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last day of a year and needs no case of its own.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > month_days(year, month) {
        return None;
    }
    let march_year = if month > 2 { year } else { year - 1 };
    let march_month = (month + 9) % 12;
    let leaps = march_year / 4 - march_year / 100 + march_year / 400;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    Some(march_year * 365 + leaps + (march_month * 153 + 2) / 5 + day - 1 - 719_468)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_seen_in_trails_is_the_same_instant() {
        for text in [
            "2024-10-17T21:48:45Z",
            "2024-10-17t21:48:45z",
            "2024-10-17 21:48:45.000000000",
            "2024-10-17T21:48:45.710Z",
            "2024-10-17T23:48:45+02:00",
            "2024-10-17T16:18:45.5-0530",
            "2024-10-17T21:48:45",
            "2024-10-17 21:48:45 UTC",
            "2024-10-18T00:48:45+03",
        ] {
            assert_eq!(seconds(text.as_bytes()), Some(1_729_201_725), "{text}");
        }
        assert_eq!(
            seconds(b"2016-12-31T23:59:60Z"),
            seconds(b"2017-01-01T00:00:00Z")
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2024-10-17",
            "2024-13-17T21:48:45Z",
            "2023-02-29T00:00:00Z",
            "2024-10-17T24:00:00Z",
            "2024-10-17T21:48:45.Z",
            "2024-10-17T21:48:45+1",
            "2024-10-17T21:48:45Zulu",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "20241017T214845Z000",
            "2024/10/17T21:48:45Z",
        ] {
            assert_eq!(seconds(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_the_calendar_library(moment in 0_i64..253_402_300_800) {
            let text = jiff::Timestamp::from_second(moment).unwrap().to_string();
            prop_assert_eq!(seconds(text.as_bytes()), Some(moment));
        }

        #[test]
        fn a_clock_reads_each_time_as_if_it_were_the_first(
            times in proptest::collection::vec(
                prop_oneof![
                    "2026-11-23T0[89]:[0-6][0-9]:[0-6][0-9](Z|z|\\.5Z|\\+02:00|)",
                    "2016-12-31[T ]23:59:(59|60)Z",
                    "2026-11-23T08:[0-9a/]{2}[:.][0-9 ]{2}Z+",
                ],
                1..20,
            ),
        ) {
            let mut clock = TimeReader::default();
            for text in &times {
                prop_assert_eq!(clock.seconds(text.as_bytes()), seconds(text.as_bytes()), "{} of {:?}", text, times);
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = seconds(&bytes);
        }
    }
}
