//! The event history of CloudTrail (`LookupEvents`) as a source of events.
//!
//! Every account and Region is read newest first, side by side. What is finished is handed on, asserted as covered, and
//! kept on the shelf, so that an interrupted run asks only for what is missing. After the first pages and a few probes
//! it is clear how long the rest takes; then one of three ways is gone ([`LookupWay`]): everything; the newest part, if
//! the window fits into the budget and only older evidence does not; or, if not even the window fits, a sample of it
//! ([`crate::domain::sample`]), from which volume can be estimated and nothing can be judged unused. What was not read
//! is a gap that names the better source.
//!
//! An event is final a while after it happened ([`LATE`]); what is younger is handed on, but neither kept nor asserted.

pub mod history;
mod kept;

use std::sync::Mutex;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::history::{Bounds, Chunk, History, Page, Rest, Stop};
use self::kept::{Begun, Kept, Slice, missing};
use super::{Session, fault, locked};
use crate::domain::names::Scope;
use crate::domain::report::{Gap, Span};
use crate::domain::sample::{Comb, Done, SUBCOMBS, Window, requests_per_window};
use crate::ports::{Fault, Feed, LookupWay, Note, Notes, Shelf};

/// How long AWS keeps the event history.
pub const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// After this time an event is in the history: files arrive 15 minutes after the call at the latest (CloudTrail user
/// guide), and some time is added.
pub const LATE: SignedDuration = SignedDuration::from_mins(20);

/// Pages that are read before it is decided how to go on.
const FIRST_PAGES: u32 = 10;

/// Windows that are looked at to learn how busy the rest of the time is.
const PROBES: u32 = 13;

/// Events expected in such a window, if the rest of the time is like its newest part: less than a page.
const PROBE_EVENTS: f64 = 40.0;

/// Events in a slice that one query reads: ten pages.
const SLICE_EVENTS: f64 = 500.0;

/// Requests that such a slice takes: its pages, and the rest of the last one.
const REQUESTS_PER_SLICE: u64 = 11;

/// With fewer windows a sample would say nothing.
const FEWEST_WINDOWS: u64 = 39;

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The span over which use is judged. All of it is read if the budget allows.
    pub evidence: Span,
    /// The span whose calls are counted, at the end of the evidence. It is what a sample is taken of.
    pub window: Span,
    /// Before this AWS has nothing: the real time less [`KEPT`].
    pub kept: Timestamp,
    /// What happened before this is final: the real time less [`LATE`].
    pub settled: Timestamp,
    /// How long reading may take in all.
    pub budget: Duration,
    /// How many requests each account and Region may take, if there is a bound besides time.
    pub requests: Option<u64>,
    /// Draws the place of a sample's first window. Recorded with the sample, so that it can be repeated.
    pub seed: u64,
}

impl Ask {
    /// What to read, with the limits that follow from the real time.
    pub fn new(evidence: Span, window: Span, clock: Timestamp, budget: Duration) -> Self {
        Self {
            evidence,
            window,
            kept: clock - KEPT,
            settled: clock - LATE,
            budget,
            requests: None,
            seed: clock.as_nanosecond().unsigned_abs() as u64,
        }
    }
}

/// What was read of one account and Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Where.
    pub scope: Scope,
    /// How.
    pub way: LookupWay,
    /// The sample, if one was taken, and which of its parts are finished.
    pub sample: Option<(Comb, Done)>,
    /// Requests made.
    pub requests: u64,
    /// Events received, from the shelf included. An event may come twice.
    pub events: u64,
    /// What was not read.
    pub gaps: Vec<Gap>,
}

/// Reads the event history of all scopes side by side. The order is that of `scopes`.
pub async fn read(
    session: &Session,
    scopes: &[Scope],
    ask: &Ask,
    feed: &dyn Feed,
    cache: Option<&dyn Shelf>,
    notes: &dyn Notes,
) -> Vec<Read> {
    let deadline = Instant::now() + ask.budget;
    let all = scopes.iter().map(|scope| {
        let to = Sink {
            scope,
            ask,
            feed,
            kept: cache.map(|shelf| Kept::new(shelf, scope)),
            trouble: Mutex::default(),
            done: Mutex::default(),
        };
        async move { read_scope(session, &to, deadline, notes).await }.boxed()
    });
    futures_util::future::join_all(all).await
}

/// Where the records of one scope go.
struct Sink<'a> {
    scope: &'a Scope,
    ask: &'a Ask,
    feed: &'a dyn Feed,
    kept: Option<Kept<'a>>,
    /// Why something could not be kept, the first time.
    trouble: Mutex<Option<String>>,
    /// What is finished and covered.
    done: Mutex<Vec<Slice>>,
}

impl Sink<'_> {
    /// Takes in a finished chunk: hands it on, keeps it, asserts it, in this order, so that what is asserted was there.
    fn finished(&self, chunk: &Chunk) {
        for record in &chunk.records {
            self.feed.record(self.scope, record.text.as_bytes());
        }
        let settled = self.ask.settled.as_second();
        let (from, to) = (chunk.span.0, chunk.span.1.min(settled));
        if from < to {
            let old = chunk.records.iter().filter(|record| record.time < to);
            if let Some(kept) = &self.kept {
                let put = kept.put((from, to), old.map(|record| record.text.as_str()));
                self.troubled(put);
            }
            self.cover((from, to));
        }
        locked(&self.done).push(chunk.span);
    }

    fn cover(&self, (from, to): Slice) {
        if let (Ok(from), Ok(to)) = (Timestamp::from_second(from), Timestamp::from_second(to)) {
            self.feed.covered(self.scope, Span { from, to });
        }
    }

    fn troubled(&self, result: std::io::Result<()>) {
        if let Err(error) = result {
            locked(&self.trouble).get_or_insert_with(|| error.to_string());
        }
    }

    /// Hands on what earlier runs kept of the span. Gives the slices and how many events they held.
    fn remembered(&self, span: Slice) -> (Vec<Slice>, u64) {
        let Some(kept) = &self.kept else {
            return (Vec::new(), 0);
        };
        let slices = kept.slices().unwrap_or_else(|error| {
            self.troubled(Err(error));
            Vec::new()
        });
        let (mut held, mut events) = (Vec::new(), 0);
        for slice in slices {
            if slice.0 >= span.1 || slice.1 <= span.0 {
                continue;
            }
            if let Some(records) = kept.get(slice) {
                for record in &records {
                    self.feed.record(self.scope, record.as_bytes());
                    events += 1;
                }
                self.cover(slice);
                locked(&self.done).push(slice);
                held.push(slice);
            }
        }
        (held, events)
    }
}

async fn read_scope(
    session: &Session,
    to: &Sink<'_>,
    deadline: Instant,
    notes: &dyn Notes,
) -> Read {
    let evidence = seconds(&to.ask.evidence);
    let (held, remembered) = to.remembered(evidence);
    let mut read = Read {
        scope: to.scope.clone(),
        way: LookupWay::Everything,
        sample: None,
        requests: 0,
        events: remembered,
        gaps: Vec::new(),
    };
    let kept = to.ask.kept.as_second();
    let wanted: Vec<Slice> = missing(evidence, &held)
        .into_iter()
        .filter(|slice| slice.1 > kept)
        .map(|slice| (slice.0.max(kept), slice.1))
        .collect();
    let mut full_requests = None;
    let stop = if wanted.is_empty() {
        None
    } else {
        let bounds = Bounds {
            deadline,
            requests: to.ask.requests.unwrap_or(u64::MAX),
            kept,
        };
        match History::new(session, to.scope, notes, bounds) {
            Ok(history) => {
                let mut run = Run {
                    history: &history,
                    to,
                    notes,
                    of_s: length(&wanted),
                };
                let outcome = run.go(wanted, &mut read, &mut full_requests).await;
                read.requests = history.requests();
                read.events += history.events();
                textless(&history, &mut read);
                outcome.err()
            }
            Err(fault) => Some(Stop::Fault(fault)),
        }
    };
    what_is_missing(to, &mut read, stop, full_requests);
    read
}

/// Reading one scope.
struct Run<'a> {
    history: &'a History<'a>,
    to: &'a Sink<'a>,
    notes: &'a dyn Notes,
    of_s: u64,
}

impl Run<'_> {
    async fn go(
        &mut self,
        wanted: Vec<Slice>,
        read: &mut Read,
        full_requests: &mut Option<u64>,
    ) -> Result<(), Stop> {
        if let Some(begun) = self.to.kept.as_ref().and_then(Kept::begun)
            && fits(&begun, self.to.ask)
        {
            // A sample that was begun before goes on: what made it necessary has not changed.
            read.way = LookupWay::Sample;
            return self.sample(begun.comb, read).await;
        }
        let left = self.first(wanted).await?;
        if left.is_empty() {
            return Ok(());
        }
        let parts = self.weigh(left).await?;
        let need = parts.iter().map(Part::requests).sum();
        *full_requests = Some(need);
        let allowed = self.history.requests_left();
        if need <= allowed {
            read.way = LookupWay::Everything;
            self.plan(read.way, need, need);
            return self.all(parts, allowed).await;
        }
        let window = &parts[0];
        if window.requests() > allowed
            && let Some(comb) = self.comb(window.rate, allowed)
        {
            read.way = LookupWay::Sample;
            self.plan(read.way, need, allowed);
            if let Some(kept) = &self.to.kept {
                let budget_s = self.to.ask.budget.as_secs();
                let comb = comb.clone();
                self.to.troubled(kept.put_begun(&Begun { comb, budget_s }));
            }
            return self.sample(comb, read).await;
        }
        read.way = LookupWay::Newest;
        self.plan(read.way, need, allowed);
        self.all(parts, allowed).await
    }

    /// The comb that so many requests pay for, with a little kept back; `None` if it would say nothing.
    fn comb(&self, rate: f64, allowed: u64) -> Option<Comb> {
        let windows = whole(float(allowed) * 0.95 / requests_per_window(rate));
        let span = window_of(self.to.ask);
        (windows >= FEWEST_WINDOWS)
            .then(|| Comb::new(span, rate, clamped(windows), self.to.ask.seed))
            .flatten()
    }

    /// Reads the first pages; gives what is left, newest first.
    async fn first(&self, wanted: Vec<Slice>) -> Result<Vec<Slice>, Stop> {
        let mut pages = FIRST_PAGES;
        let mut left = wanted.into_iter();
        while let Some(slice) = left.next() {
            let before = self.history.requests();
            if let Rest::Before(rest) = self.read(slice, pages.max(1)).await? {
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

    async fn read(&self, slice: Slice, pages: u32) -> Result<Rest, Stop> {
        let finished = |chunk: Chunk| {
            self.to.finished(&chunk);
            self.progress();
        };
        self.history.read(slice, pages, &finished).await
    }

    fn progress(&self) {
        let done = length(&locked(&self.to.done));
        self.notes.note(Note::Lookup {
            scope: self.to.scope.clone(),
            requests: self.history.requests(),
            events: self.history.events(),
            done_s: done.min(self.of_s),
            of_s: self.of_s,
        });
    }

    fn plan(&self, way: LookupWay, need: u64, requests: u64) {
        self.notes.note(Note::LookupPlan {
            scope: self.to.scope.clone(),
            full_requests: Some(need),
            way,
            seconds: self.history.seconds_for(requests),
        });
    }

    /// How busy what is left is: in the window, and before it. If the newest part suggests that reading it is little
    /// work, nothing is asked.
    async fn weigh(&self, left: Vec<Slice>) -> Result<[Part; 2], Stop> {
        let read = float(length(&locked(&self.to.done)).max(1));
        let newest = float(self.history.events().max(1)) / read;
        let window = seconds(&self.to.ask.window);
        let mut parts = [window, (i64::MIN, window.0)].map(|span| Part {
            slices: within(&left, span),
            rate: newest,
        });
        let guess: u64 = parts.iter().map(Part::requests).sum();
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
    async fn probe(&self, slices: &[Slice], newest: f64) -> Result<f64, Stop> {
        let width = i64::try_from(whole(PROBE_EVENTS / newest)).unwrap_or(1);
        let mut sum = newest;
        for number in 0..PROBES {
            let window = probe_window(slices, number, width.clamp(1, 86_400));
            let page = self.history.page(window, None).await?;
            sum += density(&page, window);
        }
        Ok(sum / f64::from(PROBES + 1))
    }

    /// Reads what is left, newest first, in slices of about ten pages, as many at once as keep the pace; no more slices
    /// than so many requests pay for, so that those that are begun are finished.
    async fn all(&self, parts: [Part; 2], allowed: u64) -> Result<(), Stop> {
        let slices: Vec<Slice> = parts.iter().flat_map(Part::cut).collect();
        let affordable = usize::try_from(allowed / REQUESTS_PER_SLICE).unwrap_or(usize::MAX);
        let all = slices.len();
        let mut results = stream::iter(slices.into_iter().take(affordable.max(1)))
            .map(|slice| self.read(slice, u32::MAX).boxed())
            .buffered(self.history.workers());
        let mut stopped = if all > affordable {
            Err(Stop::Budget)
        } else {
            Ok(())
        };
        while let Some(result) = results.next().await {
            match result {
                Ok(_) => {}
                // The others stop at the deadline by themselves, and hand on what they have.
                Err(Stop::Budget) => stopped = Err(Stop::Budget),
                Err(stop) => return Err(stop),
            }
        }
        stopped
    }

    /// Reads the windows of a comb, part by part.
    async fn sample(&self, comb: Comb, read: &mut Read) -> Result<(), Stop> {
        let mut done = Done::default();
        let mut outcome = Ok(());
        for part in 0..SUBCOMBS {
            let kept = self.to.kept.as_ref();
            if let Some(records) = kept.and_then(|kept| kept.part(&comb, part)) {
                self.sampled(&comb, &records);
                done.add(part);
                continue;
            }
            match self.part(&comb, part).await {
                Ok(records) => {
                    self.sampled(&comb, &records);
                    done.add(part);
                    if let Some(kept) = kept {
                        self.to.troubled(kept.put_part(&comb, part, &records));
                    }
                }
                Err(stop) => {
                    outcome = Err(stop);
                    break;
                }
            }
            self.notes.note(Note::Lookup {
                scope: self.to.scope.clone(),
                requests: self.history.requests(),
                events: self.history.events(),
                done_s: u64::from(done.count()),
                of_s: u64::from(SUBCOMBS),
            });
        }
        read.sample = Some((comb, done));
        outcome
    }

    fn sampled(&self, comb: &Comb, records: &[(u32, String)]) {
        for (window, text) in records {
            self.to
                .feed
                .sampled(self.to.scope, comb, *window, text.as_bytes());
        }
    }

    async fn part(&self, comb: &Comb, part: u32) -> Result<Vec<(u32, String)>, Stop> {
        let windows: Vec<Window> = comb.subcomb(part).collect();
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
    async fn window(&self, window: Window) -> Result<Vec<(u32, String)>, Stop> {
        let slice = (window.from.as_second(), window.last.as_second() + 1);
        let mut records = Vec::new();
        let (mut token, mut again): (Option<String>, _) = (None, 0);
        loop {
            match self.history.page(slice, token.as_deref()).await {
                Ok(page) => {
                    let texts = page.records.into_iter().map(|record| record.text);
                    records.extend(texts.map(|text| (window.place, text)));
                    token = page.next;
                }
                Err(Stop::Token) if again < 2 => {
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

fn seconds(span: &Span) -> Slice {
    (span.from.as_second(), span.to.as_second())
}

/// Seconds in slices that do not overlap.
fn length(slices: &[Slice]) -> u64 {
    let sum: i64 = slices.iter().map(|(from, to)| to - from).sum();
    u64::try_from(sum).unwrap_or(0)
}

/// The parts of slices that lie in a span.
fn within(slices: &[Slice], (from, to): Slice) -> Vec<Slice> {
    slices
        .iter()
        .map(|slice| (slice.0.max(from), slice.1.min(to)))
        .filter(|slice| slice.0 < slice.1)
        .collect()
}

/// The window as far as it is final and kept by AWS.
fn window_of(ask: &Ask) -> Span {
    Span {
        from: ask.window.from.max(ask.kept),
        to: ask.window.to.min(ask.settled),
    }
}

/// Whether a sample of an earlier run still answers what is asked.
fn fits(begun: &Begun, ask: &Ask) -> bool {
    let (wanted, has) = (window_of(ask), begun.comb.span);
    let near = |a: Timestamp, b: Timestamp| (a.as_second() - b.as_second()).abs() <= 86_400;
    ask.budget.as_secs() <= begun.budget_s && near(has.from, wanted.from) && near(has.to, wanted.to)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of seconds and requests are far below 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and the values are not negative"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

/// What is left of a span, and how busy it is.
struct Part {
    /// Newest first.
    slices: Vec<Slice>,
    /// Events a second.
    rate: f64,
}

impl Part {
    /// Requests that reading it takes: the pages, and the last page of each query.
    fn requests(&self) -> u64 {
        let events = self.rate * float(length(&self.slices));
        whole((events / f64::from(history::PAGE) + events / SLICE_EVENTS).ceil())
    }

    /// Cut into slices of about ten pages, newest first.
    fn cut(&self) -> impl Iterator<Item = Slice> {
        let rate = self.rate;
        self.slices.iter().flat_map(move |&slice| cut(slice, rate))
    }
}

fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The slice of this probe: the slices laid end to end, the probes spread evenly and each a little off, so that they
/// do not all fall on the same time of day.
fn probe_window(left: &[Slice], number: u32, width: i64) -> Slice {
    let total = i64::try_from(length(left)).unwrap_or(i64::MAX);
    let step = (total / i64::from(PROBES)).max(1);
    let mut at = step * i64::from(number) + (step / 2 + i64::from(number) * 7_919) % step;
    for &(from, to) in left {
        if at < to - from {
            let begin = from + at;
            return (begin, (begin + width).min(to));
        }
        at -= to - from;
    }
    left.first().copied().unwrap_or((0, 1))
}

/// Events a second, as the first page of a window shows it.
fn density(page: &Page, (from, to): Slice) -> f64 {
    let count = float(u64::try_from(page.records.len()).unwrap_or(0));
    let oldest = page.records.iter().map(|record| record.time).min();
    let begin = match (&page.next, oldest) {
        (Some(_), Some(oldest)) => oldest.clamp(from, to - 1),
        _ => from,
    };
    count / float(u64::try_from(to - begin).unwrap_or(1))
}

/// Cuts a slice into slices of about ten pages, newest first.
fn cut((from, to): Slice, rate: f64) -> impl Iterator<Item = Slice> {
    let size = i64::try_from(whole((SLICE_EVENTS / rate).clamp(1.0, 1e9))).unwrap_or(1);
    std::iter::successors(Some(to), move |&end| {
        (end - size > from).then_some(end - size)
    })
    .map(move |end| ((end - size).max(from), end))
}

fn textless(history: &History<'_>, read: &mut Read) {
    let count = history.textless.load(std::sync::atomic::Ordering::Relaxed);
    if count > 0 {
        read.gaps.push(Gap {
            account: Some(read.scope.account.clone()),
            region: Some(read.scope.region.clone()),
            source: history::ACTIONS[0].to_owned(),
            what: format!("{count} events"),
            why: "AWS listed them without their records".to_owned(),
        });
    }
}

/// Says what of the evidence was not read, and why.
fn what_is_missing(to: &Sink<'_>, read: &mut Read, stop: Option<Stop>, full: Option<u64>) {
    let evidence = seconds(&to.ask.evidence);
    let kept = to.ask.kept.as_second();
    let mut done = locked(&to.done).clone();
    done.sort_unstable();
    for slice in missing(evidence, &done) {
        let (old, open) = ((slice.0, slice.1.min(kept)), (slice.0.max(kept), slice.1));
        if old.0 < old.1 {
            let why = "AWS keeps the event history for 90 days; a trail (`--trail s3://...`) may hold more";
            read.gaps.push(gap(to.scope, old, why.to_owned()));
        }
        if open.0 < open.1 {
            read.gaps
                .push(gap(to.scope, open, why(read, stop.as_ref(), full)));
        }
    }
    if let Some(trouble) = locked(&to.trouble).as_ref() {
        read.gaps.push(Gap {
            account: Some(to.scope.account.clone()),
            region: Some(to.scope.region.clone()),
            source: "cache".to_owned(),
            what: "some of what was read could not be kept for the next run".to_owned(),
            why: trouble.clone(),
        });
    }
}

fn gap(scope: &Scope, (from, to): Slice, why: String) -> Gap {
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

fn why(read: &Read, stop: Option<&Stop>, full: Option<u64>) -> String {
    let better = "`--trail s3://...` reads all of it, `--lookup-budget` allows more time";
    let need = full.map_or_else(String::new, |full| {
        format!(" (a full read takes about {full} requests at two a second)")
    });
    match (stop, read.way) {
        (Some(Stop::Fault(fault)), _) => fault.to_string(),
        (_, LookupWay::Sample) => {
            format!(
                "too many events for the budget{need}, so volume is estimated from a sample; {better}"
            )
        }
        _ => format!("the budget was used up{need}; {better}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_cut_without_holes_newest_first() {
        for (slice, rate) in [
            ((0, 1_000), 5.0),
            ((0, 1_001), 5.0),
            ((7, 8), 1e9),
            ((0, 99), 1e-6),
        ] {
            let parts: Vec<Slice> = cut(slice, rate).collect();
            assert_eq!(parts.first().unwrap().1, slice.1);
            assert_eq!(parts.last().unwrap().0, slice.0);
            assert!(
                parts.windows(2).all(|two| two[0].0 == two[1].1),
                "{parts:?}"
            );
            assert!(parts.iter().all(|part| part.0 < part.1), "{parts:?}");
        }
    }

    #[test]
    fn probes_lie_in_what_is_left() {
        let left = [(1_000, 1_500), (100, 900), (0, 3)];
        for number in 0..PROBES {
            let (from, to) = probe_window(&left, number, 60);
            assert!(from < to);
            assert!(
                left.iter().any(|slice| slice.0 <= from && to <= slice.1),
                "{from}-{to}"
            );
        }
    }
}
