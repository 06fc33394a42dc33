//! Hot retrieval loops: readers that fetch a secret more often than a cache would.
//!
//! Judged per client and hour, because a thousand pods with an hour's cache are healthy and one pod that reads every
//! second is not. With a cache of `T` seconds a client needs at most `3600 / T` calls an hour; what goes beyond, summed
//! over its hours, a cache would avoid. Who the clients are is said in `clients`, what is called in `called`.
//!
//! Every API may be called in a loop: `DescribeSecret` in a storm, lookups of names that do not exist, writes without an
//! end, lists. Refused reads are left out: they are a finding of their own, and no cache mends them.
//!
//! A loop is so many calls a month. Where nothing of the window is covered, what was counted stands for no time, and no
//! loop is judged: that the trail has a hole there is a gap of the report.

mod addresses;
mod advice;
mod called;
mod clients;
mod crowds;
mod needs;
mod sampled;
mod sessions;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::base::money::{Money, Price};
use crate::domain::base::names::Scope;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::base::span::start_of_hour;
use crate::domain::inventory::secret::day_of;
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::Rate;
use crate::domain::report::result::{AvoidableRange, LoopEstimate, LoopShape, Range};
use crate::domain::sampling::{Samples, Tally};
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, Reader, ReaderUse};

pub use called::Called;
use clients::{FoldedClients, fold, in_a_row};
use crowds::{Crowd, crowds};
use needs::ClientNeeds;
use sessions::{SessionHour, session_hours};

/// A loop of one reader on one secret.
#[derive(Clone, Debug, PartialEq)]
pub struct HotLoop<'a> {
    /// Such calls a month.
    pub calls_month: u64,
    /// The number of clients.
    pub clients: u64,
    /// There may be as many clients, and as few as one for each address.
    pub clients_up_to: bool,
    /// Mean seconds between two calls of the busiest client in its peak hour, to a tenth; of a sample, in the windows
    /// around which it was seen. `None`: a sample saw too little of it.
    pub interval_s: Option<f64>,
    /// The shape of the calls: how they lie in time, or who makes them.
    pub shape: LoopShape,
    /// Hours of the window with such calls.
    pub active_hours: u32,
    /// Calls a month that a cache would avoid for certain.
    pub avoidable_month: u64,
    /// The amount that they cost; `None`: price unknown, or not known how many can be avoided.
    pub avoidable_usd: Option<Money>,
    /// Between what the avoidable calls lie, where one client cannot be told from many.
    pub avoidable_range: Option<AvoidableRange>,
    /// The advice, as a sentence.
    pub advice: String,
    /// Calls on each UTC day.
    pub days: BTreeMap<Date, u64>,
    /// The certainty of the numbers, if they come from a sample.
    pub estimate: Option<LoopEstimate>,
    /// The tally of what the windows of the samples showed of the avoidable US dollars (millionths) a month.
    pub spread: Tally<'a>,
}

/// A client that calls more often than this in an hour is hot.
const HOT_CALLS_AN_HOUR: u64 = 60;
/// In at least this many of its hours.
const HOT_HOURS: usize = 3;

/// The window, the price and the samples that a loop is judged with.
#[derive(Clone, Copy, Debug)]
pub struct LoopTerms<'a> {
    /// The window whose calls count.
    pub window: ActivityWindow,
    /// Hours of the window that are covered.
    pub rate: Rate,
    /// The price; `None`: unknown.
    pub price: Option<&'a Price>,
    /// `true` if each read costs a decryption.
    pub customer_key: bool,
    /// The account and Region whose calls these mostly are; `None`: unknown.
    pub home: Option<&'a Scope>,
    /// The samples that were taken.
    pub samples: &'a Samples,
}

impl LoopTerms<'_> {
    fn decrypts(self, called: Called<'_>) -> bool {
        self.customer_key && called == Called::Read
    }

    /// Returns what so many such calls of the window cost a month; `None`: unknown.
    fn usd(self, called: Called<'_>, calls: u64) -> Option<Money> {
        let price = self.price?;
        let kms = if self.decrypts(called) {
            price.decryptions(calls)
        } else {
            Money::ZERO
        };
        self.rate.month(price.calls(calls) + kms)
    }

    /// Returns what lies between two numbers of calls of the window, a month.
    fn range(self, called: Called<'_>, low: u64, high: u64) -> Option<AvoidableRange> {
        let usd = || {
            Some(Range {
                low: self.usd(called, low)?,
                high: self.usd(called, high)?,
            })
        };
        Some(AvoidableRange {
            calls_month: Range {
                low: self.rate.month_calls(low)?,
                high: self.rate.month_calls(high)?,
            },
            usd_month: usd(),
        })
    }

    /// Returns what one such call costs, in millionths of a US dollar; `None`: unknown.
    fn usd_each(self, called: Called<'_>) -> Option<f64> {
        let price = self.price?;
        let kms = if self.decrypts(called) {
            price.decryption_each()
        } else {
            0.0
        };
        Some(price.call_each() + kms)
    }

    /// Returns whether any of this was read as a sample only.
    fn is_sampled(self, what: &ReaderUse<'_>) -> bool {
        let of_sample = |slice: &ActivitySlice<'_>| !slice.access.sampled.is_empty();
        !self.samples.is_empty()
            && (self
                .home
                .is_some_and(|home| self.samples.contains_key(home))
                || what.slices.iter().any(of_sample))
    }
}

/// Judges what one reader did with one secret. `None`: no loop, or one not worth reporting by the policy.
///
/// The money comes first: whatever the shape, calls that may be needless and cost as much as the policy says are shown,
/// with what is known of them. What is cheaper is shown if it is hot.
pub fn judge<'a>(
    reader: &Reader,
    what: &ReaderUse<'a>,
    called: Called<'_>,
    terms: LoopTerms<'a>,
    policy: &Policy,
) -> Option<HotLoop<'a>> {
    if reader.kind == ReaderKind::Ourselves {
        return None;
    }
    let found = if terms.is_sampled(what) {
        // A sample sees too little of what people and rotations do to tell a program from them.
        let is_exempt = matches!(reader.kind, ReaderKind::Rotation | ReaderKind::Person);
        let allowed = called.needed(what.class.cache_s);
        (!is_exempt).then(|| sampled::judge(what, called, terms, allowed, policy))?
    } else {
        judge_counted(reader, what, called, terms, policy)
    }?;
    let is_before_writes = called == Called::Describe && what.writes();
    let advice = if is_before_writes {
        advice::before_writes(reader)
    } else {
        advice::advice(reader, &what.class, called, found.shape)
    };
    Some(HotLoop { advice, ..found })
}

/// Judges what was read in full.
fn judge_counted<'a>(
    reader: &Reader,
    what: &ReaderUse<'a>,
    called: Called<'_>,
    terms: LoopTerms<'a>,
    policy: &Policy,
) -> Option<HotLoop<'a>> {
    let needs = ClientNeeds {
        allowed: called.needed(what.class.cache_s),
        cache_s: what.class.cache_s,
        hot_hours: hot_hours(reader.kind),
        is_shared: reader.kind == ReaderKind::Sync,
    };
    if cannot_be_a_loop(what, called, terms, needs, policy) {
        return None;
    }
    let is_kept = |slice: &ActivitySlice<'_>| !slice.access.caller.is_many;
    let seen = session_hours(what, called, terms.window, is_kept);
    let crowds = crowds(what, called, terms.window);
    let sums = match called.hot_together() {
        Some(hot) => together(&seen, &crowds, needs, hot),
        None => fold(&seen, &crowds, needs),
    };
    let most_avoidable = sums.avoidable + sums.perhaps + sums.unknown;
    if most_avoidable == 0 {
        return None;
    }
    // Who describes a secret in order to write it is a loop of writes, which is judged by itself.
    let is_hot = sums.is_hot && !(called == Called::Describe && what.writes());
    let at_most = terms.usd(called, most_avoidable);
    if !is_hot && at_most.is_none_or(|usd| usd < policy.min_avoidable) {
        return None;
    }
    let likely = sums.avoidable + sums.perhaps;
    let is_unknown = likely < sums.unknown;
    let range = (sums.perhaps > 0 && !is_unknown)
        .then(|| terms.range(called, sums.avoidable, likely))
        .flatten();
    // Where nobody can say how many could be avoided, a few that seem certain are no number to print.
    let certain = if is_unknown { 0 } else { sums.avoidable };
    Some(HotLoop {
        calls_month: terms.rate.month_calls(sums.calls)?,
        clients: sums.count,
        clients_up_to: sums.up_to,
        interval_s: Some(interval(sums.peak)),
        shape: shape(&sums),
        active_hours: u32::try_from(sums.hours.len()).unwrap_or(u32::MAX),
        avoidable_month: terms.rate.month_calls(certain)?,
        avoidable_usd: terms.usd(called, sums.avoidable).filter(|_| !is_unknown),
        avoidable_range: range,
        advice: String::new(),
        days: days(&sums.hours),
        estimate: None,
        spread: Tally::default(),
    })
}

/// Returns whether all calls together are too few for a loop worth reporting, whoever stands behind them: they cost less
/// than the policy asks for, and no client can be hot. That is so of most readers, and their sessions need no look.
fn cannot_be_a_loop(
    what: &ReaderUse<'_>,
    called: Called<'_>,
    terms: LoopTerms<'_>,
    needs: ClientNeeds,
    policy: &Policy,
) -> bool {
    let slices = what.slices.iter().filter(|slice| called.fits(slice));
    let calls: u64 = slices.map(|slice| slice.seen_in(terms.window)).sum();
    let hot = called.hot_together().unwrap_or(HOT_CALLS_AN_HOUR);
    let is_cheap = |usd: Money| usd < policy.min_avoidable;
    calls <= hot.saturating_mul(needs.hot_hours as u64)
        && terms.usd(called, calls).is_none_or(is_cheap)
}

/// In how many of its hours a client is hot. People come back to a page and run a script again; what goes on for half a
/// day is a program under their role. Rotations read a few times in a row, too.
fn hot_hours(kind: ReaderKind) -> usize {
    match kind {
        ReaderKind::Person | ReaderKind::Rotation => 12,
        _ => HOT_HOURS,
    }
}

/// The calls of all clients of a reader as those of one, which is hot above so many an hour in hours that follow each
/// other.
fn together(
    seen: &[SessionHour<'_>],
    crowds: &[Crowd],
    needs: ClientNeeds,
    hot: u64,
) -> FoldedClients {
    // How many clients share the work is told as for reads.
    let found = fold(seen, crowds, needs);
    let hours = &found.hours;
    let beyond = hours
        .values()
        .map(|calls| calls.saturating_sub(needs.allowed));
    let hot_hours = hours.iter().filter(|(_, calls)| **calls > hot);
    FoldedClients {
        avoidable: beyond.sum(),
        is_hot: in_a_row(hot_hours.map(|(&hour, _)| hour)) >= needs.hot_hours,
        unknown: 0,
        perhaps: 0,
        ..found
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the calls of one hour are far below 2^52"
)]
fn interval(peak: u64) -> f64 {
    (36_000.0 / peak.max(1) as f64).round() / 10.0
}

/// Names the shape: by whose names do not last, if most calls are such, or else in time.
///
/// `task-start`: ids of tasks, instances or builds. `per-process`: names that were made up for processes. `steady`: seven
/// of ten active hours lie within a quarter of the median: a timer, or a poll loop. `burst`: less than a quarter of the
/// hours between the first and the last are active: a job that comes and goes. `per-request`: calls follow the load.
fn shape(sums: &FoldedClients) -> LoopShape {
    if sums.by_start * 2 > sums.calls {
        return LoopShape::TaskStart;
    }
    if (sums.by_process + sums.by_start) * 2 > sums.calls {
        return LoopShape::PerProcess;
    }
    let hours = &sums.hours;
    let mut counts: Vec<u64> = hours.values().copied().collect();
    counts.sort_unstable();
    let span = match (hours.first_key_value(), hours.last_key_value()) {
        (Some((first, _)), Some((last, _))) => last - first + 1,
        _ => 1,
    };
    named_shape(&counts, span)
}

/// The shape of sorted counts of active hours, of so many hours from the first to the last.
fn named_shape(counts: &[u64], span: u32) -> LoopShape {
    let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
    let near = counts
        .iter()
        .filter(|&&count| count * 4 >= median * 3 && count * 4 <= median * 5)
        .count();
    let active = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    if active.saturating_mul(4) < span {
        LoopShape::Burst
    } else if near * 10 >= counts.len() * 7 {
        LoopShape::Steady
    } else {
        LoopShape::PerRequest
    }
}

fn days(hours: &BTreeMap<u32, u64>) -> BTreeMap<Date, u64> {
    let mut days = BTreeMap::new();
    for (&hour, &calls) in hours {
        if let Ok(at) = Timestamp::from_second(start_of_hour(hour)) {
            *days.entry(day_of(at)).or_default() += calls;
        }
    }
    days
}
