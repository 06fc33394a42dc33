//! Asking one account and Region for its event history, at the pace that AWS allows.
//!
//! AWS allows two requests a second for each account and Region and shares them among everybody, so the pace is held
//! here, and a throttle is waited out until the budget ends. Pages come newest first; after every few of them what is
//! finished is handed on (`Chunk`), so that nothing read is lost when the run ends early. The end of a query stays the
//! same on all its pages, because a token is only valid with exactly the same parameters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::retry::RetryConfig;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::Mutex;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout_at};

use super::checkpoint::TimeSlice;
use crate::aws::gate::ActionGuard;
use crate::aws::{AwsSession, fault};
use crate::domain::base::names::{SECRETS_MANAGER, Scope};
use crate::ports::{Fault, ProgressEvent, ProgressSink};

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &["cloudtrail:LookupEvents"];

/// The events that are wanted: AWS takes one condition only.
#[derive(Clone, Debug)]
pub(super) enum About {
    /// Everything that was asked of our service.
    Service,
    /// The events that AWS files under the name of a resource.
    Resource(String),
}

impl About {
    fn attribute(&self) -> Result<LookupAttribute, StopReason> {
        let (key, value) = match self {
            Self::Service => (LookupAttributeKey::EventSource, SECRETS_MANAGER),
            Self::Resource(name) => (LookupAttributeKey::ResourceName, name.as_str()),
        };
        LookupAttribute::builder()
            .attribute_key(key)
            .attribute_value(value)
            .build()
            .map_err(|error| StopReason::Fault(Fault::Unreachable(error.to_string())))
    }
}

/// Events on a page: the most that AWS gives.
pub(super) const PAGE: i32 = 50;

/// Pages after which what is finished is handed on: five seconds of work, and little memory.
const CHUNK: u32 = 10;

/// The event history of one account and Region.
pub(super) struct History<'a> {
    session: &'a AwsSession,
    client: Client,
    notes: &'a dyn ProgressSink,
    pace: Mutex<Interval>,
    about: About,
    bounds: ReadLimits,
    requests: AtomicU64,
    events: AtomicU64,
    /// Microseconds that all answers took.
    waited: AtomicU64,
    /// Records that came without their text.
    pub(super) textless: AtomicU64,
}

/// The limits of reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadLimits {
    /// Until when.
    pub(super) deadline: Instant,
    /// With how many requests.
    pub(super) requests: u64,
    /// The oldest second that AWS still has, so that a query from before it names no start at all.
    pub(super) oldest: i64,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct HistoryRecord {
    /// `eventTime`, seconds since 1970.
    pub(super) time: i64,
    /// The record as AWS gave it.
    pub(super) text: String,
}

/// A page of records, newest first, and the token of the next.
pub(super) struct HistoryPage {
    pub(super) records: Vec<HistoryRecord>,
    pub(super) next: Option<String>,
}

/// Why reading ends before its end.
#[derive(Clone, Debug)]
pub(super) enum StopReason {
    /// The budget is used up.
    Budget,
    /// AWS does not take its own token any more.
    Token,
    /// AWS cannot be asked.
    Fault(Fault),
}

/// A finished part of a slice: every event of its span.
pub(super) struct Chunk {
    pub(super) span: TimeSlice,
    pub(super) records: Vec<HistoryRecord>,
}

impl<'a> History<'a> {
    pub(super) fn new(
        session: &'a AwsSession,
        scope: &Scope,
        notes: &'a dyn ProgressSink,
        bounds: ReadLimits,
    ) -> Result<Self, Fault> {
        // One attempt: a second one of the SDK's own would break the pace.
        let settings = aws_sdk_cloudtrail::config::Builder::from(&session.in_scope(scope)?)
            .retry_config(RetryConfig::disabled())
            .interceptor(ActionGuard(Arc::clone(&session.gate)))
            .build();
        let pace = session.gate.patience().lookup_pace;
        let mut pace = interval(pace.max(Duration::from_millis(1)));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            session,
            client: Client::from_conf(settings),
            notes,
            pace: Mutex::new(pace),
            about: About::Service,
            bounds,
            requests: AtomicU64::new(0),
            events: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            textless: AtomicU64::new(0),
        })
    }

    /// The same history, at the same pace, asked for other events.
    pub(super) fn ask_about(&mut self, about: About) {
        self.about = about;
    }

    /// Requests made so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Events received so far.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Requests that the rest of the budget allows.
    pub(super) fn requests_left(&self) -> u64 {
        let bounds = &self.bounds;
        let left = bounds.deadline.saturating_duration_since(Instant::now());
        let pace = self.session.gate.patience().lookup_pace.as_millis().max(1);
        let by_time = u64::try_from(left.as_millis() / pace).unwrap_or(u64::MAX);
        by_time.min(bounds.requests.saturating_sub(self.requests()))
    }

    /// Seconds that so many requests take.
    pub(super) fn seconds_for(&self, requests: u64) -> u64 {
        let pace = self.session.gate.patience().lookup_pace.as_millis();
        requests.saturating_mul(u64::try_from(pace).unwrap_or(u64::MAX)) / 1_000
    }

    /// Returns how many queries at once keep the pace although answers take their time.
    pub(super) fn workers(&self) -> usize {
        let pace = self.session.gate.patience().lookup_pace.as_micros().max(1);
        let waited = u128::from(self.waited.load(Ordering::Relaxed));
        let mean = waited / u128::from(self.requests().max(1));
        usize::try_from(mean / pace + 1).unwrap_or(8).min(8)
    }

    /// One page of the events in a slice.
    pub(super) async fn page(
        &self,
        slice: TimeSlice,
        token: Option<&str>,
    ) -> Result<HistoryPage, StopReason> {
        let patience = self.session.gate.patience();
        let (mut failures, mut wait) = (0, patience.first_wait);
        loop {
            self.tick().await?;
            let fault = match self.request(slice, token).await {
                Ok(page) => return Ok(page),
                Err(StopReason::Fault(fault)) => fault,
                Err(stop) => return Err(stop),
            };
            match &fault {
                Fault::Throttled(_) => self.notes.note(ProgressEvent::Throttled {
                    action: ACTIONS[0].to_owned(),
                    wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                }),
                Fault::Unreachable(_) if failures + 1 < patience.attempts => failures += 1,
                _ => return Err(StopReason::Fault(fault)),
            }
            // Others use the same two requests a second: give way for longer each time.
            let until = (Instant::now() + wait).min(self.bounds.deadline);
            tokio::time::sleep_until(until).await;
            wait = (wait * 2).min(Duration::from_secs(8));
        }
    }

    async fn tick(&self) -> Result<(), StopReason> {
        let tick = async {
            self.pace.lock().await.tick().await;
        };
        let deadline = self.bounds.deadline;
        if self.requests() >= self.bounds.requests
            || Instant::now() >= deadline
            || timeout_at(deadline, tick).await.is_err()
        {
            return Err(StopReason::Budget);
        }
        Ok(())
    }

    async fn request(
        &self,
        (from, to): TimeSlice,
        token: Option<&str>,
    ) -> Result<HistoryPage, StopReason> {
        let attribute = self.about.attribute()?;
        // Within a minute of what AWS has dropped, clocks decide whether a start is refused: ask without one.
        let start = (from > self.bounds.oldest + 60).then(|| DateTime::from_secs(from));
        let _permit = self.session.gate.permit().await;
        let begun = Instant::now();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let client = &self.client;
        let answer = client
            .lookup_events()
            .lookup_attributes(attribute)
            .set_start_time(start)
            // Both ends are inclusive.
            .end_time(DateTime::from_secs(to - 1))
            .max_results(PAGE)
            .set_next_token(token.map(str::to_owned))
            .send()
            .await;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(took, Ordering::Relaxed);
        let page = answer.map_err(|error| {
            let code = error
                .as_service_error()
                .and_then(ProvideErrorMetadata::code);
            if code == Some("InvalidNextTokenException") {
                StopReason::Token
            } else {
                StopReason::Fault(fault::of(ACTIONS[0], &error))
            }
        })?;
        let mut records = Vec::new();
        for event in page.events.unwrap_or_default() {
            let Some(text) = event.cloud_trail_event else {
                self.textless.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            // An event without a time belongs somewhere into this query; at its end it is handed on last.
            let time = event.event_time.map_or(from, |time| time.secs());
            records.push(HistoryRecord { time, text });
        }
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.events.fetch_add(count, Ordering::Relaxed);
        Ok(HistoryPage {
            records,
            next: page.next_token,
        })
    }

    /// Reads a slice, newest first, at most `pages` pages of it, handing on what is finished.
    ///
    /// What is left of the slice is below the last chunk.
    ///
    /// # Errors
    /// Why the rest could not be read; everything finished has been handed on before.
    pub(super) async fn read(
        &self,
        slice: TimeSlice,
        pages: u32,
        finished: &(dyn Fn(Chunk) + Sync),
    ) -> Result<Remainder, StopReason> {
        let mut reading = SliceReading {
            slice,
            held: Vec::new(),
        };
        // The query stays as it was while there is a token: AWS takes it with the same parameters only.
        let mut query = slice;
        let mut token: Option<String> = None;
        let mut without_progress = 0;
        for number in 1..=pages {
            match self.page(query, token.as_deref()).await {
                Ok(page) => {
                    reading.held.extend(page.records);
                    token = page.next;
                }
                // A token that ran out: ask anew for what is left.
                Err(StopReason::Token) if without_progress < 2 => {
                    without_progress += 1;
                    reading.hand_on(finished, &mut without_progress);
                    reading.held.clear();
                    query = reading.slice;
                    token = None;
                    continue;
                }
                Err(StopReason::Token) => {
                    return Err(StopReason::Fault(Fault::Refused {
                        code: "InvalidNextTokenException".to_owned(),
                        message: "the token of the next page is refused again and again".to_owned(),
                    }));
                }
                Err(stop) => {
                    reading.hand_on(finished, &mut without_progress);
                    return Err(stop);
                }
            }
            if token.is_none() {
                let records = std::mem::take(&mut reading.held);
                finished(Chunk {
                    span: reading.slice,
                    records,
                });
                return Ok(Remainder::Nothing);
            }
            if number.is_multiple_of(CHUNK) {
                reading.hand_on(finished, &mut without_progress);
            }
        }
        reading.hand_on(finished, &mut without_progress);
        Ok(Remainder::Before(reading.slice))
    }
}

/// The rest of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remainder {
    /// Nothing: it was read to its end.
    Nothing,
    /// This.
    Before(TimeSlice),
}

/// A slice that is being read: what is left of it, and the records not yet handed on.
struct SliceReading {
    slice: TimeSlice,
    held: Vec<HistoryRecord>,
}

impl SliceReading {
    /// Hands on the seconds that are finished: all above the oldest second seen, which may go on on the next page.
    ///
    /// Should a page hold a record that is younger than an earlier one, it is handed on all the same.
    fn hand_on(&mut self, finished: &(dyn Fn(Chunk) + Sync), without_progress: &mut u32) {
        let Some(oldest) = self.held.iter().map(|record| record.time).min() else {
            return;
        };
        let edge = oldest.max(self.slice.0) + 1;
        if edge >= self.slice.1 {
            return;
        }
        let (records, later) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|record| record.time >= edge);
        self.held = later;
        *without_progress = 0;
        finished(Chunk {
            span: (edge, self.slice.1),
            records,
        });
        self.slice.1 = edge;
    }
}
