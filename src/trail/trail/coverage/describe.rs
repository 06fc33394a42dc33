//! What is not covered, in words.

use jiff::Timestamp;

use super::{Coverage, RecordSelection, ScopeActivity};
use crate::base::names::Scope;
use crate::base::span::DAY_S;
use crate::trail::unread::Unread;

impl Coverage {
    /// Why these holes (seconds since 1970, ends exclusive) of this account and Region are not covered.
    pub fn why_not(&self, scope: &Scope, holes: &[(i64, i64)]) -> String {
        if let Some(selection) = self.of(scope).and_then(ScopeActivity::selection) {
            return in_selection(selection);
        }
        let is_hole = |one: &&Unread| {
            holes
                .iter()
                .any(|hole| one.from < hole.1 && hole.0 < one.to)
        };
        let unread = self.unread_of(scope).filter(is_hole).count();
        if unread > 0 && self.of(scope).is_some() {
            let files = if unread == 1 {
                "a log file of that time".to_owned()
            } else {
                format!("{unread} log files of that time, or records in them,")
            };
            return format!("{files} could not be read");
        }
        self.why_silent(scope, holes).to_owned()
    }

    fn why_silent(&self, scope: &Scope, holes: &[(i64, i64)]) -> &'static str {
        if self.samples().contains_key(scope) {
            return "only a sample of the event history was read, which shows use and never that there is none";
        }
        match self.of(scope) {
            None => "no log file has a record of this account and Region",
            Some(activity) if activity.is_selected_in(holes) => {
                "that time is in files of which all records are of one event name, service or caller, or failed: an \
                 export that was filtered shows who reads, never who does not"
            }
            Some(activity) if activity.is_taken_out_in(holes) => {
                "the records of that time were given out by a query, a log group or an event bus, which may filter them: they \
                 show who reads, never who does not"
            }
            Some(activity) if activity.is_write_only() => {
                "the trail holds no read-only events here (ReadWriteType: WriteOnly), so it shows no reads"
            }
            Some(activity) => match activity.activity_in(holes) {
                (false, _) => "no log file has a record of that time",
                (true, true) => {
                    "no log file has a record of a part of that time, and those of the rest hold no read-only events"
                }
                (true, false) => {
                    "the log files of that time hold no read-only events, so they show no reads"
                }
            },
        }
    }
}

/// Describes a selection of a trail.
fn in_selection(selection: RecordSelection<'_>) -> String {
    let what = match selection {
        RecordSelection::Name(name) => format!("all records here are of one event name ({name})"),
        RecordSelection::Service(service) => {
            format!("all records here are of one service ({service})")
        }
        RecordSelection::Caller(caller) => format!("all records here are of one caller ({caller})"),
        RecordSelection::Failures => "all records here are of calls that failed".to_owned(),
    };
    format!("{what}: an export that was filtered shows who reads, never who does not")
}

/// Holes (seconds since 1970, ends exclusive) in a time of so many seconds: how much is missing, and the longest of them.
/// Less than two days is given in hours. `None`: there are none.
pub fn in_words(holes: &[(i64, i64)], seconds: i64) -> Option<String> {
    let missing: i64 = holes.iter().map(|hole| hole.1 - hole.0).sum();
    if missing == 0 {
        return None;
    }
    let moment = |second: i64| {
        Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
    };
    let mut longest = holes.to_vec();
    longest.sort_by_key(|hole| (hole.0 - hole.1, hole.0));
    let mut shown: Vec<&(i64, i64)> = longest.iter().take(3).collect();
    shown.sort();
    let spans: Vec<String> = shown
        .iter()
        .map(|hole| format!("{} to {}", moment(hole.0), moment(hole.1)))
        .collect();
    let more = holes.len() - spans.len();
    let and_more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    let told = if seconds < 2 * DAY_S {
        in_hours
    } else {
        in_days
    };
    Some(format!(
        "{} of {} ({}{and_more})",
        told(missing),
        told(seconds),
        spans.join(", ")
    ))
}

/// Seconds as days with one decimal: `12.5 days`.
pub fn in_days(seconds: i64) -> String {
    in_units(seconds, 86_400, "day", "days")
}

/// Seconds as hours with one decimal: `1.5 hours`.
fn in_hours(seconds: i64) -> String {
    in_units(seconds, 3_600, "hour", "hours")
}

fn in_units(seconds: i64, unit: i64, one: &str, many: &str) -> String {
    let tenths = (seconds * 10 + unit / 2) / unit;
    let unit = if tenths == 10 { one } else { many };
    if tenths % 10 == 0 {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}
