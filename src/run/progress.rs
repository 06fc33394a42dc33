//! Live sources to people: what is asked, how long it may take, how far it is.
//!
//! Sources report facts; the words are here, and where they appear is the terminal's business. Accounts and Regions are
//! read side by side, so one line sums them up.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::domain::base::money::{counted, thousands};
use crate::domain::base::names::Scope;
use crate::ports::{LookupWay, PolicyHolder, ProgressEvent, ProgressSink, QueryProgress};
use crate::term::{StatusLine, Term};

/// Says what a live source is doing.
pub(super) struct ProgressReporter<'a> {
    term: &'a Term,
    status: StatusLine,
    /// A part of the work that takes less is not announced.
    worth_saying: Duration,
    history: Mutex<HistoryProgress>,
}

/// The progress of the event history of all accounts and Regions.
#[derive(Debug, Default)]
struct HistoryProgress {
    scopes: BTreeMap<Scope, ScopeProgress>,
    /// The longest time that was announced.
    announced: Duration,
}

/// The progress of the event history of one account and Region.
#[derive(Debug, Default)]
struct ScopeProgress {
    /// The number of seconds that reading it may take as a whole.
    seconds: u64,
    requests: u64,
    events: u64,
    done_s: u64,
    of_s: u64,
}

impl ScopeProgress {
    fn is_done(&self) -> bool {
        self.of_s > 0 && self.done_s >= self.of_s
    }

    /// The part that is done, in thousandths.
    fn done(&self) -> u64 {
        (self.done_s * 1000).checked_div(self.of_s).unwrap_or(0)
    }
}

impl HistoryProgress {
    /// One line over all accounts and Regions. They are read at the same time, so the slowest of them says what is left.
    fn line(&self) -> String {
        let all = self.scopes.len() as u64;
        let sum = |part: fn(&ScopeProgress) -> u64| self.scopes.values().map(part).sum::<u64>();
        let percent = sum(ScopeProgress::done)
            .checked_div(all * 10)
            .unwrap_or(100);
        let left = self
            .scopes
            .values()
            .map(|scope| scope.seconds * (1000_u64.saturating_sub(scope.done())) / 1000)
            .max()
            .unwrap_or(0);
        let left = match left {
            0 => String::new(),
            some => format!(
                ", up to {} left",
                humantime::format_duration(Duration::from_secs(some))
            ),
        };
        let done = sum(|scope| u64::from(scope.is_done()));
        format!(
            "event history: {percent} %, {} of {} read, {}, {}{left}",
            thousands(done),
            counted(all, "account and Region", "accounts and Regions"),
            counted(sum(|scope| scope.requests), "request", "requests"),
            counted(sum(|scope| scope.events), "event", "events"),
        )
    }
}

impl<'a> ProgressReporter<'a> {
    /// Announces what may take this long.
    pub(super) fn new(term: &'a Term, worth_saying: Duration) -> Self {
        Self {
            term,
            status: term.status(),
            worth_saying,
            history: Mutex::default(),
        }
    }

    /// Notes something of one account and Region; gives the line over all of them.
    fn history(&self, scope: Scope, change: impl FnOnce(&mut ScopeProgress)) -> Option<String> {
        let mut history = self.history.lock().ok()?;
        change(history.scopes.entry(scope).or_default());
        Some(history.line())
    }

    /// Announces how long reading the event history may take. Accounts and Regions are read at the same time, so one that
    /// takes no longer than another that was announced adds nothing, and a live line shows the time anyway.
    fn announce(&self, scope: &Scope, how: &str, time: Duration) {
        let is_news = self.history.lock().is_ok_and(|mut history| {
            let is_longer = time > history.announced || history.announced.is_zero();
            history.announced = history.announced.max(time);
            is_longer
        });
        if is_news && time >= self.worth_saying && !self.term.has_live_line() {
            let time = humantime::format_duration(time);
            self.term
                .say(&format!("{scope}: event history, {how}, may take {time}"));
        }
    }

    /// Takes the line off the terminal: the work is over.
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
            ProgressEvent::Policies { holder, done, of } => {
                self.status.show(&policies_line(holder, done, of));
            }
            ProgressEvent::Scopes(count) => {
                let text = format!(
                    "asking {}",
                    counted(count as u64, "account and Region", "accounts and Regions")
                );
                if self.term.has_live_line() {
                    self.status.show(&text);
                } else {
                    self.term.say(&text);
                }
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
                self.announce(&scope, &how, Duration::from_secs(seconds));
                if let Some(line) = self.history(scope, |scope| scope.seconds = seconds) {
                    self.status.show(&line);
                }
            }
            ProgressEvent::Lookup {
                scope,
                requests,
                events,
                done_s,
                of_s,
            } => {
                let line = self.history(scope, |scope| {
                    (scope.requests, scope.events) = (requests, events);
                    (scope.done_s, scope.of_s) = (done_s, of_s);
                });
                if let Some(line) = line {
                    self.status.show(&line);
                }
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
            ProgressEvent::Query(done) => {
                self.status.show(&query_line(done));
            }
            ProgressEvent::LogGroup { done, of, records } => {
                self.status.show(&log_group_line(done, of, records));
            }
            ProgressEvent::Throttled { action, wait_ms } => {
                self.status
                    .show(&format!("{action} is throttled: waiting {wait_ms} ms"));
            }
        }
    }
}

/// The progress of reading a log group.
fn log_group_line(done: usize, of: usize, records: u64) -> String {
    format!(
        "log group: {} of {} read, {}",
        thousands(done as u64),
        counted(of as u64, "day", "days"),
        counted(records, "record", "records"),
    )
}

/// The progress of a query of an engine.
fn query_line(done: QueryProgress) -> String {
    format!("query: {} MB read", thousands(done.bytes / 1_000_000))
}

/// Returns how many policies of one kind are read.
fn policies_line(holder: PolicyHolder, done: usize, of: usize) -> String {
    let (what, one, more) = match holder {
        PolicyHolder::Account => ("roles and users", "account", "accounts"),
        PolicyHolder::Secret => ("policies", "secret", "secrets"),
        PolicyHolder::Key => ("policies", "key", "keys"),
    };
    let all = counted(of as u64, one, more);
    format!("{what} of {} of {all}", thousands(done as u64))
}
