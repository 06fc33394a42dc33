//! Live sources to people: what is asked, how long it may take, how far it is.
//!
//! Sources tell it as facts; the words are here, and where they appear is the terminal's business.

use std::time::Duration;

use crate::domain::base::money::{counted, thousands};
use crate::ports::{LookupWay, ProgressEvent, ProgressSink};
use crate::term::{StatusLine, Term};

/// Says what a live source is doing.
pub(super) struct ProgressReporter<'a> {
    term: &'a Term,
    status: StatusLine,
    /// A part of the work that takes less is not announced.
    worth_saying: Duration,
}

impl<'a> ProgressReporter<'a> {
    /// Announces what may take this long.
    pub(super) fn new(term: &'a Term, worth_saying: Duration) -> Self {
        Self {
            term,
            status: term.status(),
            worth_saying,
        }
    }

    /// The work is over; its line goes.
    pub(super) fn finish(&self) {
        self.status.finish();
    }
}

impl ProgressSink for ProgressReporter<'_> {
    fn note(&self, note: ProgressEvent) {
        match note {
            ProgressEvent::Accounts { done, of } => {
                self.status.show(&format!(
                    "{} of {} entered",
                    thousands(done as u64),
                    counted(of as u64, "account", "accounts")
                ));
            }
            ProgressEvent::Versions { done, of } => {
                self.status.show(&format!(
                    "current versions of {} of {}",
                    thousands(done as u64),
                    counted(of as u64, "rotated secret", "rotated secrets")
                ));
            }
            ProgressEvent::Scopes(count) => {
                self.term.say(&format!(
                    "asking {}",
                    counted(count as u64, "account and Region", "accounts and Regions")
                ));
            }
            ProgressEvent::Inventory {
                scope,
                secrets,
                done,
            } => {
                let more = if done { "" } else { " so far" };
                self.status.show(&format!(
                    "{scope}: {}{more}",
                    counted(secrets as u64, "secret", "secrets")
                ));
            }
            ProgressEvent::LookupPlan {
                scope,
                full_requests,
                way,
                seconds,
            } => {
                let time = Duration::from_secs(seconds);
                if time < self.worth_saying {
                    return;
                }
                let how = match (way, full_requests) {
                    (LookupWay::Everything, Some(requests)) => {
                        format!("about {}", counted(requests, "request", "requests"))
                    }
                    (LookupWay::Everything, None) => "all of it".to_owned(),
                    (LookupWay::Newest, _) => "as much of it as the budget allows".to_owned(),
                    (LookupWay::Sample, _) => {
                        "a sample, because all of it does not fit the budget".to_owned()
                    }
                };
                let time = humantime::format_duration(time);
                self.term
                    .say(&format!("{scope}: event history, {how}, may take {time}"));
            }
            ProgressEvent::Lookup {
                scope,
                requests,
                events,
                done_s,
                of_s,
            } => {
                let percent = (done_s * 100).checked_div(of_s).unwrap_or(100);
                self.status.show(&format!(
                    "{scope}: event history {percent} %, {}, {}",
                    counted(requests, "request", "requests"),
                    counted(events, "event", "events")
                ));
            }
            ProgressEvent::Bucket {
                listed,
                read,
                bytes,
            } => {
                self.status.show(&format!(
                    "trail: {} of {} read, {} MB",
                    thousands(read),
                    counted(listed, "file", "files"),
                    thousands(bytes / 1_000_000)
                ));
            }
            ProgressEvent::Throttled { action, wait_ms } => {
                self.status
                    .show(&format!("{action} is throttled: waiting {wait_ms} ms"));
            }
        }
    }
}
