//! The section of hot loops, each with a chart of its calls by day.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Word, words_of};
use crate::domain::base::money::thousands;
use crate::domain::base::names::SecretArn;
use crate::domain::report::result::{LoopRow, LoopShape, Report};
use crate::domain::report::sums;
use crate::report::escape::one_line;
use crate::report::format::day;
use crate::report::text::phrases::{self, number};

/// The number of loops that are shown.
const LOOPS: usize = 8;

/// The most days that a picture of calls a day shows; a longer window shows its last ones.
const DAYS: usize = 93;

/// Height of the picture of calls a day, in its own units.
const HEIGHT: u64 = 100;

/// The hot loops.
#[derive(Serialize)]
pub(crate) struct LoopsView {
    shown: Vec<LoopView>,
    more: String,
    /// A sentence on further loops that end with their secrets.
    going: Option<String>,
    /// The sentence that is shown where there is none.
    none: &'static str,
}

#[derive(Serialize)]
struct LoopView {
    place: Option<usize>,
    name: String,
    scope: String,
    reader: String,
    client: String,
    rate: String,
    /// The certainty of the numbers, if they come from a sample.
    sure: String,
    saves: String,
    advice: Vec<Word>,
    days: DaysChart,
}

/// A picture of calls a day.
#[derive(Serialize)]
struct DaysChart {
    alt: String,
    first: String,
    last: String,
    most: String,
    width: usize,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Bar {
    x: usize,
    y: u64,
    height: u64,
}

/// The loops that waste most.
pub(crate) fn loops(report: &Report) -> LoopsView {
    let indexes: HashMap<&SecretArn, usize> = report
        .secrets
        .iter()
        .enumerate()
        .map(|(index, row)| (&row.arn, index))
        .collect();
    let loops = sums::loops(report);
    let rest = loops.len().saturating_sub(LOOPS);
    let is_read = report.trail_hours().0 > 0 || report.totals.estimate.is_some();
    LoopsView {
        none: if is_read {
            "No caller exceeds the thresholds for a hot loop. Less frequent or cheaper repeated calls are not listed."
        } else {
            "Not known: no trail covers the window."
        },
        going: phrases::going(report, &loops),
        shown: loops
            .iter()
            .take(LOOPS)
            .map(|row| {
                let index = row.arn.as_ref().and_then(|arn| indexes.get(arn)).copied();
                loop_of(report, row, index)
            })
            .collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("{} more in findings.csv", thousands(rest as u64))
        },
    }
}

fn loop_of(report: &Report, row: &LoopRow, index: Option<usize>) -> LoopView {
    let home = row.account.as_ref().map(ToString::to_string);
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let clients = format!("{}{}", row.clients_bound(), number(row.clients, "client"));
    LoopView {
        place: index,
        name: one_line(phrases::subject(row).0),
        scope: format!(
            "{} {}",
            or_unknown(home.clone()),
            or_unknown(row.region.as_ref().map(ToString::to_string))
        ),
        reader: one_line(&phrases::reader(&row.reader, home.as_deref())),
        client: format!("{}, {}", row.kind.as_str(), one_line(&row.client)),
        rate: format!(
            "{} {} {} per month from {clients}{}{}",
            thousands(row.reads_month),
            one_line(&row.what),
            phrases::agree(row.reads_month, "call", "calls"),
            row.interval_s.map_or_else(String::new, |seconds| {
                let when = if row.estimate.is_some() {
                    "while it calls"
                } else {
                    "at the peak"
                };
                format!("; every {} {when}", phrases::interval(seconds))
            }),
            match row.shape {
                LoopShape::Unknown => String::new(),
                known => format!("; {}", known.as_str()),
            }
        ),
        sure: phrases::how_sure(row).map_or_else(String::new, |sure| format!("Estimate {sure}")),
        saves: phrases::saving(row),
        advice: words_of(&row.advice),
        days: days(report, &row.days),
    }
}

fn days(report: &Report, calls: &BTreeMap<Date, u64>) -> DaysChart {
    let first = report.window.from.to_zoned(TimeZone::UTC).date();
    let last = report.window.to.to_zoned(TimeZone::UTC);
    // The window ends before `to`: a `to` at midnight belongs to the day before.
    let midnight = last.time() == jiff::civil::Time::midnight();
    let mut shown: Vec<Date> = first
        .series(jiff::ToSpan::day(1))
        .take_while(|day| *day < last.date() || (*day == last.date() && !midnight))
        .take(4_000)
        .collect();
    shown.drain(..shown.len().saturating_sub(DAYS));
    let of = |day: &Date| calls.get(day).copied().unwrap_or(0);
    let most = shown.iter().map(of).max().unwrap_or(0);
    let fewest = shown.iter().map(of).min().unwrap_or(0);
    let bars = shown.iter().enumerate().map(|(index, day)| {
        let part = u128::from(of(day)) * u128::from(HEIGHT) / u128::from(most.max(1));
        let mut height = u64::try_from(part).unwrap_or(HEIGHT);
        if of(day) > 0 {
            height = height.max(2);
        }
        Bar {
            x: index * 10,
            y: HEIGHT - height,
            height,
        }
    });
    let text = |found: Option<&Date>| found.map_or_else(String::new, |date| day(*date));
    DaysChart {
        bars: bars.collect(),
        width: shown.len() * 10,
        alt: format!(
            "Calls a day from {} to {}: {} at least, {} at most",
            text(shown.first()),
            text(shown.last()),
            thousands(fewest),
            thousands(most)
        ),
        first: shown
            .first()
            .map_or_else(String::new, |day| day.strftime("%-d %b").to_string()),
        last: shown
            .last()
            .map_or_else(String::new, |day| day.strftime("%-d %b").to_string()),
        most: thousands(most),
    }
}
