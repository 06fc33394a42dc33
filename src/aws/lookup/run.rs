//! Reading the event history of one account and Region: first pages, the decision how to go on, and going on.

use futures_util::{FutureExt, StreamExt, stream};
use jiff::Timestamp;

use super::checkpoint::{Begun, Checkpoint, TimeSlice};
use super::effort::{PROBES, RemainingSpan, clamped, density, float, probe_window, whole, within};
use super::history::{Chunk, History, Remainder, StopReason};
use super::sink::ScopeSink;
use super::{HistoryRead, LookupRequest};
use crate::aws::locked;
use crate::domain::base::names::Scope;
use crate::domain::base::span::DAY_S;
use crate::domain::base::span::Span;
use crate::domain::sampling::{
    ENOUGH_WINDOWS, FinishedCombs, SUBCOMBS, Sample, SampleWindow, SamplingPlan,
    requests_per_window, seed_of,
};
use crate::ports::{LookupWay, ProgressEvent, ProgressSink};

/// Pages that are read before it is decided how to go on.
const FIRST_PAGES: u32 = 10;

/// Events expected in such a window, if the rest of the time is like its newest part: less than a page.
const PROBE_EVENTS: f64 = 40.0;

/// Requests that such a slice takes: its pages, and the rest of the last one.
const REQUESTS_PER_SLICE: u64 = 11;

/// With fewer windows a sample would say nothing.
const FEWEST_WINDOWS: u64 = 39;

/// The part of the requests that a sample spends; the rest is kept back for windows that are busier than most.
const SPENT: f64 = 0.95;

/// The number of requests that it would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// To read all that is wanted, after the first pages.
    pub(super) full: Option<u64>,
    /// For a sample of as many windows as give a good interval; `None`: no sample was needed.
    pub(super) sample: Option<u64>,
}

/// Requests for a sample of enough windows, with the first pages and the probes that come before it.
fn enough(rate: f64) -> u64 {
    let windows = f64::from(ENOUGH_WINDOWS) * requests_per_window(rate) / SPENT;
    whole(windows.ceil()) + u64::from(FIRST_PAGES + 3 * PROBES)
}

/// Reading one scope.
pub(super) struct ScopeLookup<'a> {
    pub(super) history: &'a History<'a>,
    pub(super) to: &'a ScopeSink<'a>,
    pub(super) notes: &'a dyn ProgressSink,
    /// Seconds that are wanted.
    pub(super) of_s: u64,
}

impl ScopeLookup<'_> {
    /// Reads what is wanted, as far as it goes.
    ///
    /// # Errors
    /// Why not all of it was read; what was read has been handed on.
    pub(super) async fn go(
        &self,
        wanted: Vec<TimeSlice>,
        read: &mut HistoryRead,
        need: &mut Need,
    ) -> Result<(), StopReason> {
        if let Some(begun) = self.to.checkpoint.as_ref().and_then(Checkpoint::begun)
            && fits(&begun, self.to.ask)
        {
            // A sample that was begun before goes on: what made it necessary has not changed.
            read.way = LookupWay::Sample;
            need.sample = Some(enough(begun.comb.rate()));
            return self.sample(begun.comb, read).await;
        }
        let left = self.first(wanted).await?;
        if left.is_empty() {
            return Ok(());
        }
        let [newer, window, older] = self.weigh(left).await?;
        let all = newer.requests() + window.requests() + older.requests();
        need.full = Some(all);
        let allowed = self.history.requests_left();
        if all <= allowed {
            read.way = LookupWay::Everything;
            self.plan(read.way, all, all);
            return self.all([newer, window, older], allowed).await;
        }
        if window.requests() > allowed
            && let Some(comb) = self.comb(window.rate, allowed)
        {
            read.way = LookupWay::Sample;
            need.sample = Some(enough(window.rate));
            self.plan(read.way, all, allowed);
            if let Some(checkpoint) = &self.to.checkpoint {
                let budget_s = self.to.ask.budget.as_secs();
                let comb = comb.clone();
                self.to
                    .troubled(checkpoint.put_begun(&Begun { comb, budget_s }));
            }
            return self.sample(comb, read).await;
        }
        read.way = LookupWay::Newest;
        self.plan(read.way, all, allowed);
        // What is counted comes first where what is newer would leave nothing for it.
        let parts = if newer.requests() + window.requests() <= allowed {
            [newer, window, older]
        } else {
            [window, newer, older]
        };
        self.all(parts, allowed).await
    }

    /// The comb that so many requests pay for, with a little kept back; `None` if it would say nothing.
    fn comb(&self, rate: f64, allowed: u64) -> Option<SamplingPlan> {
        let windows = whole(float(allowed) * SPENT / requests_per_window(rate));
        let span = window_of(self.to.ask);
        let Scope { account, region } = self.to.scope;
        let seed = seed_of(self.to.ask.seed, account.as_str(), region.as_str());
        (windows >= FEWEST_WINDOWS)
            .then(|| SamplingPlan::new(span, rate, clamped(windows), seed))
            .flatten()
    }

    /// Reads the first pages; gives what is left, newest first.
    async fn first(&self, wanted: Vec<TimeSlice>) -> Result<Vec<TimeSlice>, StopReason> {
        let mut pages = FIRST_PAGES;
        let mut left = wanted.into_iter();
        while let Some(slice) = left.next() {
            let before = self.history.requests();
            if let Remainder::Before(rest) = self.read(slice, pages.max(1)).await? {
                return Ok(std::iter::once(rest).chain(left).collect());
            }
            let made = u32::try_from(self.history.requests() - before).unwrap_or(u32::MAX);
            pages = pages.saturating_sub(made);
            if pages == 0 {
                break;
            }
        }
        Ok(left.collect())
    }

    async fn read(&self, slice: TimeSlice, pages: u32) -> Result<Remainder, StopReason> {
        let finished = |chunk: Chunk| {
            self.to.finished(&chunk);
            self.progress();
        };
        self.history.read(slice, pages, &finished).await
    }

    fn progress(&self) {
        self.notes.note(ProgressEvent::Lookup {
            scope: self.to.scope.clone(),
            requests: self.history.requests(),
            events: self.history.events(),
            done_s: self.to.read_s().min(self.of_s),
            of_s: self.of_s,
        });
    }

    fn plan(&self, way: LookupWay, need: u64, requests: u64) {
        self.notes.note(ProgressEvent::LookupPlan {
            scope: self.to.scope.clone(),
            full_requests: Some(need),
            way,
            seconds: self.history.seconds_for(requests),
        });
    }

    /// Returns how busy what is left is: after the window, in it, and before it. If the newest part suggests that
    /// reading it is little work, nothing is asked.
    async fn weigh(&self, left: Vec<TimeSlice>) -> Result<[RemainingSpan; 3], StopReason> {
        let read = float(self.to.read_s().max(1));
        let newest = float(self.history.events().max(1)) / read;
        let window = self.to.ask.window.seconds();
        let spans = [(window.1, i64::MAX), window, (i64::MIN, window.0)];
        let mut parts = spans.map(|span| RemainingSpan {
            slices: within(&left, span),
            rate: newest,
        });
        let guess: u64 = parts.iter().map(RemainingSpan::requests).sum();
        if guess.saturating_mul(4) < self.history.requests_left() {
            return Ok(parts);
        }
        for part in &mut parts {
            if !part.slices.is_empty() {
                part.rate = self.probe(&part.slices, newest).await?;
            }
        }
        Ok(parts)
    }

    /// Events a second in these slices: the mean of the newest part, which was read, and of one page each of windows
    /// spread over them.
    async fn probe(&self, slices: &[TimeSlice], newest: f64) -> Result<f64, StopReason> {
        let width = i64::try_from(whole(PROBE_EVENTS / newest)).unwrap_or(1);
        let mut sum = newest;
        for number in 0..PROBES {
            let window = probe_window(slices, number, width.clamp(1, 86_400));
            let page = self.history.page(window, None).await?;
            sum += density(&page, window);
        }
        Ok(sum / f64::from(PROBES + 1))
    }

    /// Reads what is left, part by part, each newest first, in slices of about ten pages, as many at once as keep the pace;
    /// no more slices than so many requests pay for, so that those that are begun are finished.
    async fn all(&self, parts: [RemainingSpan; 3], allowed: u64) -> Result<(), StopReason> {
        let slices: Vec<TimeSlice> = parts.iter().flat_map(RemainingSpan::cut).collect();
        let affordable = usize::try_from(allowed / REQUESTS_PER_SLICE).unwrap_or(usize::MAX);
        let all = slices.len();
        let mut results = stream::iter(slices.into_iter().take(affordable.max(1)))
            .map(|slice| self.read(slice, u32::MAX).boxed())
            .buffered(self.history.workers());
        let mut stopped = if all > affordable {
            Err(StopReason::Budget)
        } else {
            Ok(())
        };
        while let Some(result) = results.next().await {
            match result {
                Ok(_) => {}
                // The others stop at the deadline by themselves, and hand on what they have.
                Err(StopReason::Budget) => stopped = Err(StopReason::Budget),
                Err(stop) => return Err(stop),
            }
        }
        stopped
    }

    /// Reads the windows of a comb, part by part.
    async fn sample(&self, comb: SamplingPlan, read: &mut HistoryRead) -> Result<(), StopReason> {
        let mut done = FinishedCombs::default();
        let mut outcome = Ok(());
        for part in 0..SUBCOMBS {
            let checkpoint = self.to.checkpoint.as_ref();
            if let Some(records) = checkpoint.and_then(|checkpoint| checkpoint.part(&comb, part)) {
                self.sampled(&comb, &records);
                done.add(part);
                continue;
            }
            match self.part(&comb, part).await {
                Ok(records) => {
                    self.sampled(&comb, &records);
                    done.add(part);
                    if let Some(checkpoint) = checkpoint {
                        self.to.troubled(checkpoint.put_part(&comb, part, &records));
                    }
                }
                Err(stop) => {
                    outcome = Err(stop);
                    break;
                }
            }
            self.notes.note(ProgressEvent::Lookup {
                scope: self.to.scope.clone(),
                requests: self.history.requests(),
                events: self.history.events(),
                done_s: u64::from(done.count()),
                of_s: u64::from(SUBCOMBS),
            });
        }
        let window = self.to.ask.window.seconds();
        let full = within(&locked(&self.to.done), window);
        read.sample = Some(Sample::new(comb, done, full));
        outcome
    }

    fn sampled(&self, comb: &SamplingPlan, records: &[(u32, String)]) {
        for (window, text) in records {
            self.to
                .feed
                .sampled(self.to.scope, comb, *window, text.as_bytes());
        }
    }

    async fn part(&self, comb: &SamplingPlan, part: u32) -> Result<Vec<(u32, String)>, StopReason> {
        let windows: Vec<SampleWindow> = comb.subcomb(part).collect();
        let requests: Vec<_> = windows
            .into_iter()
            .map(|window| self.window(window).boxed())
            .collect();
        let mut records = Vec::new();
        let mut answers = stream::iter(requests).buffered(self.history.workers());
        while let Some(answer) = answers.next().await {
            records.extend(answer?);
        }
        Ok(records)
    }

    /// Every page of one window: a page cut short would say nothing about the window.
    async fn window(&self, window: SampleWindow) -> Result<Vec<(u32, String)>, StopReason> {
        let slice = (window.from.as_second(), window.last.as_second() + 1);
        let mut records = Vec::new();
        let (mut token, mut again): (Option<String>, _) = (None, 0);
        loop {
            match self.history.page(slice, token.as_deref()).await {
                Ok(page) => {
                    let texts = page.records.into_iter().map(|record| record.text);
                    records.extend(texts.map(|text| (window.index, text)));
                    token = page.next;
                }
                Err(StopReason::Token) if again < 2 => {
                    again += 1;
                    records.clear();
                    token = None;
                    continue;
                }
                Err(stop) => return Err(stop),
            }
            if token.is_none() {
                return Ok(records);
            }
        }
    }
}

/// The window as far as it is final and kept by AWS.
fn window_of(ask: &LookupRequest) -> Span {
    Span {
        from: ask.window.from.max(ask.oldest),
        to: ask.window.to.min(ask.settled),
    }
}

/// Returns whether a sample of an earlier run still answers what is asked.
fn fits(begun: &Begun, ask: &LookupRequest) -> bool {
    let (wanted, has) = (window_of(ask), begun.comb.span);
    let near = |a: Timestamp, b: Timestamp| (a.as_second() - b.as_second()).abs() <= DAY_S;
    ask.budget.as_secs() <= begun.budget_s && near(has.from, wanted.from) && near(has.to, wanted.to)
}
