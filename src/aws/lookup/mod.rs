//! The event history of CloudTrail (`LookupEvents`) as a source of events.
//!
//! Every account and Region is read newest first, side by side. What is finished is handed on, asserted as covered, and
//! stored, so that an interrupted run asks only for what is missing. After the first pages and a few probes
//! it is clear how long the rest takes; then one of three ways is gone ([`LookupWay`]): everything; the newest part, if
//! the window fits into the budget and only other evidence does not; or, if not even the window fits, a sample of it
//! ([`crate::domain::sampling`]), from which volume can be estimated and nothing can be judged unused. What was not read
//! is a gap that names the better source.
//!
//! An event is final a while after it happened ([`LATE`]); what is younger is handed on, but neither stored nor asserted.

mod checkpoint;
mod effort;
pub mod history;
mod run;
mod sink;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::checkpoint::{Checkpoint, TimeSlice, missing};
use self::effort::length;
use self::history::{About, History, ReadLimits, StopReason};
use self::run::{Need, ScopeLookup};
use self::sink::ScopeSink;
use super::{AwsSession, fault, locked};
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::Scope;
use crate::domain::base::span::HOUR_S;
use crate::domain::base::span::Span;
use crate::domain::sampling::{ENOUGH_WINDOWS, Sample};
use crate::ports::{BlobStore, Fault, Feed, LookupWay, ProgressSink};

/// The time for which AWS keeps the event history.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// After this time an event is in the history: files arrive 15 minutes after the call at the latest (CloudTrail user
/// guide), and some time is added.
pub const LATE: SignedDuration = SignedDuration::from_mins(20);
/// So many seconds may be missing at the start: the history moves on while a scan runs, and idle times are days.
const EDGE: i64 = HOUR_S;

/// A request to read, with its limits.
#[derive(Clone, Copy, Debug)]
pub struct LookupRequest {
    /// The span over which use is judged. All of it is read if the budget allows.
    pub evidence: Span,
    /// The span whose calls are counted, within the evidence: at its end, or, as for a past month, before it. It is what
    /// a sample is taken of.
    pub window: Span,
    /// Before this AWS has nothing: the real time less [`RETENTION`].
    pub oldest: Timestamp,
    /// The moment before which everything is final: the real time less [`LATE`].
    pub settled: Timestamp,
    /// The time that reading may take in all.
    pub budget: Duration,
    /// The number of requests that each account and Region may take, if there is a bound besides time.
    pub requests: Option<u64>,
    /// Draws the start of a sample's first window. Recorded with the sample, so that it can be repeated.
    pub seed: u64,
    /// The advice on how to get more, in words.
    pub advice: &'static str,
}

impl LookupRequest {
    /// Makes a request to read, with the limits that follow from the real time.
    pub fn new(evidence: Span, window: Span, clock: Timestamp, budget: Duration) -> Self {
        Self {
            evidence,
            window,
            oldest: clock - RETENTION,
            settled: clock - LATE,
            budget,
            requests: None,
            seed: clock.as_microsecond().unsigned_abs(),
            advice: "`--trail s3://...` reads all of it, `--lookup-budget` allows more time",
        }
    }
}

/// The result of reading the event history of one account and Region.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRead {
    /// The account and Region.
    pub scope: Scope,
    /// The way in which it is read.
    pub way: LookupWay,
    /// The sample of the window, if one was taken, with what of the window was read in full besides.
    pub sample: Option<Sample>,
    /// Requests made.
    pub requests: u64,
    /// Events received, from the shelf included. An event may come twice.
    pub events: u64,
    /// The parts that were not read.
    pub gaps: Vec<Gap>,
    /// AWS listed events without their records: what they were is not known.
    pub textless: bool,
}

/// Reads the event history of all scopes side by side. The order is that of `scopes`.
pub async fn read(
    session: &AwsSession,
    scopes: &[Scope],
    ask: &LookupRequest,
    feed: &dyn Feed,
    cache: Option<&dyn BlobStore>,
    notes: &dyn ProgressSink,
) -> Vec<HistoryRead> {
    let deadline = after(ask.budget);
    let all = scopes.iter().map(|scope| {
        let to = ScopeSink {
            scope,
            ask,
            feed,
            checkpoint: cache.map(|store| Checkpoint::new(store, scope)),
            trouble: Mutex::default(),
            done: Mutex::default(),
            read_s: AtomicU64::default(),
        };
        async move { read_scope(session, &to, deadline, notes).await }.boxed()
    });
    futures_util::future::join_all(all).await
}

/// The moment after which nothing more is asked. A budget that no clock can hold is a year, which is as good as none.
fn after(budget: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(budget)
        .unwrap_or_else(|| now + Duration::from_hours(365 * 24))
}

/// Pages that are read of the events of one resource: who asks so often is found on the first.
const NAMED_PAGES: u32 = 4;

/// Asks one account and Region for the events of single resources, by the names that AWS may file them under, newest
/// first, and hands on what comes. Events that AWS files under no name, or under another, do not come: silence says
/// nothing here.
///
/// # Errors
/// Why not all names could be asked for; what came before has been handed on.
pub async fn named(
    session: &AwsSession,
    scope: &Scope,
    names: &[String],
    ask: &LookupRequest,
    feed: &dyn Feed,
    notes: &dyn ProgressSink,
) -> Result<(), String> {
    let bounds = ReadLimits {
        deadline: after(ask.budget),
        requests: ask.requests.unwrap_or(u64::MAX),
        oldest: ask.oldest.as_second(),
    };
    let (from, to) = ask.evidence.seconds();
    let slice = (from.max(bounds.oldest), to);
    let mut history =
        History::new(session, scope, notes, bounds).map_err(|fault| fault.to_string())?;
    for (asked, name) in names.iter().enumerate() {
        history.ask_about(About::Resource(name.clone()));
        let finished = |chunk: history::Chunk| {
            for record in &chunk.records {
                feed.record(scope, record.text.as_bytes());
            }
        };
        match history.read(slice, NAMED_PAGES, &finished).await {
            Ok(_) => {}
            Err(StopReason::Fault(fault)) => return Err(fault.to_string()),
            Err(_) => {
                return Err(format!(
                    "the budget was used up after {asked} of {} names",
                    names.len()
                ));
            }
        }
    }
    Ok(())
}

async fn read_scope(
    session: &AwsSession,
    to: &ScopeSink<'_>,
    deadline: Instant,
    notes: &dyn ProgressSink,
) -> HistoryRead {
    let evidence = to.ask.evidence.seconds();
    let (held, remembered) = to.remembered(evidence);
    let mut read = HistoryRead {
        scope: to.scope.clone(),
        way: LookupWay::Everything,
        sample: None,
        requests: 0,
        events: remembered,
        gaps: Vec::new(),
        textless: false,
    };
    let oldest = to.ask.oldest.as_second();
    let wanted: Vec<TimeSlice> = missing(evidence, &held)
        .into_iter()
        .filter(|slice| slice.1 > oldest)
        .map(|slice| (slice.0.max(oldest), slice.1))
        .collect();
    let mut need = Need::default();
    let stop = if wanted.is_empty() {
        None
    } else {
        let bounds = ReadLimits {
            deadline,
            requests: to.ask.requests.unwrap_or(u64::MAX),
            oldest,
        };
        match History::new(session, to.scope, notes, bounds) {
            Ok(history) => {
                let run = ScopeLookup {
                    history: &history,
                    to,
                    notes,
                    of_s: length(&wanted),
                };
                let outcome = run.go(wanted, &mut read, &mut need).await;
                read.requests = history.requests();
                read.events += history.events();
                textless(&history, &mut read);
                outcome.err()
            }
            Err(fault) => Some(StopReason::Fault(fault)),
        }
    };
    what_is_missing(to, &mut read, stop.as_ref(), need);
    read
}

fn textless(history: &History<'_>, read: &mut HistoryRead) {
    let count = history.textless.load(Ordering::Relaxed);
    read.textless = count > 0;
    if count > 0 {
        let why = "AWS listed them without their records";
        let what = format!("{count} events");
        let gap = Gap::new(history::ACTIONS[0], Some(&read.scope), what, why);
        read.gaps.push(gap);
    }
}

/// Says what of the evidence was not read, and why.
fn what_is_missing(
    to: &ScopeSink<'_>,
    read: &mut HistoryRead,
    stop: Option<&StopReason>,
    need: Need,
) {
    let evidence = to.ask.evidence.seconds();
    let oldest = to.ask.oldest.as_second();
    let mut done = locked(&to.done).clone();
    done.sort_unstable();
    for slice in missing(evidence, &done) {
        let (old, open) = (
            (slice.0, slice.1.min(oldest)),
            (slice.0.max(oldest), slice.1),
        );
        if old.1 - old.0 > EDGE {
            let why = "AWS keeps the event history for 90 days; a trail (`--trail s3://...`) may hold more";
            read.gaps.push(gap(to.scope, old, why.to_owned()));
        }
        if open.0 < open.1 {
            let why = why(read, stop, need, to.ask.advice);
            read.gaps.push(gap(to.scope, open, why));
        }
    }
    if let Some(trouble) = locked(&to.trouble).as_ref() {
        let what = "some of what was read could not be stored for the next run";
        let gap = Gap::new(GapSource::Cache, Some(to.scope), what, trouble.as_str());
        read.gaps.push(gap);
    }
}

fn gap(scope: &Scope, (from, to): TimeSlice, why: String) -> Gap {
    let time = |second| {
        Timestamp::from_second(second).map_or_else(|_| second.to_string(), |t| t.to_string())
    };
    let mut gap = fault::gap(
        scope,
        history::ACTIONS[0],
        &format!("events from {} to {}", time(from), time(to)),
        &Fault::Gone(String::new()),
    );
    gap.why = why;
    gap
}

fn why(read: &HistoryRead, stop: Option<&StopReason>, need: Need, better: &str) -> String {
    let full = need.full.map_or_else(String::new, |full| {
        format!(
            " (a full read takes about {full} requests, {} at two a second)",
            at_two_a_second(full)
        )
    });
    match (stop, read.way) {
        (Some(StopReason::Fault(fault)), _) => fault.to_string(),
        (_, LookupWay::Sample) => format!(
            "too many events for the budget{full}, so volume is estimated from a sample; `--trail s3://...` reads all \
             of it{}",
            more(read, need)
        ),
        _ => format!("the budget was used up{full}; {better}"),
    }
}

/// Returns what a longer budget would bring: everything, where that is a matter of hours, else a sample of enough
/// windows.
fn more(read: &HistoryRead, need: Need) -> String {
    match (need.full, need.sample) {
        (Some(full), _) if full <= WORTH_READING => format!(
            "; so does `--lookup-budget {}` with `--cache DIR`, which goes on where it stopped",
            at_two_a_second(full)
        ),
        (_, Some(enough)) if read.sample.as_ref().is_none_or(Sample::is_thin) => format!(
            "; `--lookup-budget {}` is enough for a sample of {ENOUGH_WINDOWS} windows",
            at_two_a_second(enough)
        ),
        _ => String::new(),
    }
}

/// So many requests are better made than estimated: a million events, about three hours.
const WORTH_READING: u64 = 22_000;

/// Returns how long so many requests take at the pace that AWS allows, in whole minutes.
fn at_two_a_second(requests: u64) -> String {
    let minutes = requests.div_ceil(2).div_ceil(60).max(1);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match (hours, minutes) {
        (0, _) => format!("{minutes}m"),
        (_, 0) => format!("{hours}h"),
        _ => format!("{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_requests_is_what_the_option_takes() {
        for (requests, text) in [
            (0, "1m"),
            (1, "1m"),
            (120, "1m"),
            (121, "2m"),
            (7_200, "1h"),
            (7_201, "1h1m"),
            (200_000, "27h47m"),
        ] {
            assert_eq!(at_two_a_second(requests), text);
            assert!(humantime::parse_duration(text).is_ok());
        }
    }
}
