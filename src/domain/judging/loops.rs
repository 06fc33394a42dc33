//! Hot retrieval loops: readers that fetch a secret more often than a cache would.
//!
//! Judged per client and hour, because a thousand pods with an hour's cache are healthy and one pod that reads every
//! second is not. A client is a session at an address. With a cache of `T` seconds it needs at most `3600 / T` calls an
//! hour; what goes beyond, summed over its hours, a cache would avoid.
//!
//! `DescribeSecret` in a storm and lookups of names that do not exist are loops too. Refused reads are not: they are a
//! finding of their own, and no cache mends them.
//!
//! A loop is so many calls a month. Where nothing of the window is covered, what was counted stands for no time, and no
//! loop is judged: that the trail has a hole there is a gap of the report.

mod sampled;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::base::money::{Money, Price};
use crate::domain::base::names::Scope;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::inventory::secret::day_of;
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::Rate;
use crate::domain::report::result::{LoopEstimate, LoopShape};
use crate::domain::sampling::{Samples, Tally};
use crate::domain::trail::calls::{Address, CallOutcome};
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, Reader, ReaderUse};

/// What is called in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called {
    /// The value is read.
    Read,
    /// The description is read.
    Describe,
    /// The value of a secret that does not exist is asked for.
    Missing,
}

impl Called {
    /// The name of the API.
    pub fn api(self) -> &'static str {
        match self {
            Self::Read | Self::Missing => "GetSecretValue",
            Self::Describe => "DescribeSecret",
        }
    }

    fn fits(self, slice: &ActivitySlice<'_>) -> bool {
        match self {
            Self::Read => slice.is_read(),
            Self::Describe => slice.is_describe(),
            Self::Missing => slice.is_get() && slice.access.outcome == CallOutcome::NotFound,
        }
    }
}

/// A loop of one reader on one secret.
#[derive(Clone, Debug, PartialEq)]
pub struct HotLoop<'a> {
    /// What is called.
    pub called: Called,
    /// Such calls a month.
    pub calls_month: u64,
    /// How many clients.
    pub clients: u64,
    /// Mean seconds between two calls of the busiest client in its peak hour, to a tenth; of a sample, in the windows
    /// around which it was seen. `None`: a sample saw too little of it.
    pub interval_s: Option<f64>,
    /// How its calls lie in time.
    pub shape: LoopShape,
    /// Hours of the window with such calls.
    pub active_hours: u32,
    /// Calls a month that a cache would avoid.
    pub avoidable_month: u64,
    /// What they cost; `None`: price unknown.
    pub avoidable_usd: Option<Money>,
    /// Calls on each UTC day.
    pub days: BTreeMap<Date, u64>,
    /// How sure the numbers are, if they come from a sample.
    pub estimate: Option<LoopEstimate>,
    /// What the windows of the samples showed of the avoidable US dollars (millionths) a month.
    pub spread: Tally<'a>,
}

/// A client that calls more often than this in an hour is hot.
const HOT_CALLS_AN_HOUR: u64 = 60;
/// In at least this many of its hours.
const HOT_HOURS: usize = 3;

/// The places and prices that a loop is judged with.
#[derive(Clone, Copy, Debug)]
pub struct LoopTerms<'a> {
    /// Whose calls count.
    pub window: ActivityWindow,
    /// Hours of the window that are covered.
    pub rate: Rate,
    /// The price; `None`: unknown.
    pub price: Option<&'a Price>,
    /// Whether each read costs a decryption.
    pub customer_key: bool,
    /// The account and Region whose calls these mostly are; `None`: unknown.
    pub home: Option<&'a Scope>,
    /// The samples that were taken.
    pub samples: &'a Samples,
}

impl LoopTerms<'_> {
    fn decrypts(self, called: Called) -> bool {
        self.customer_key && called == Called::Read
    }

    /// What so many such calls of the window cost a month; `None`: unknown.
    fn usd(self, called: Called, calls: u64) -> Option<Money> {
        let price = self.price?;
        let kms = if self.decrypts(called) {
            price.decryptions(calls)
        } else {
            Money::ZERO
        };
        self.rate.month(price.calls(calls) + kms)
    }

    /// What one such call costs, in millionths of a US dollar; `None`: unknown.
    fn usd_each(self, called: Called) -> Option<f64> {
        let price = self.price?;
        let kms = if self.decrypts(called) {
            price.decryption_each()
        } else {
            0.0
        };
        Some(price.call_each() + kms)
    }

    /// Whether any of this was read as a sample only.
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
pub fn judge<'a>(
    reader: &Reader,
    what: &ReaderUse<'a>,
    called: Called,
    terms: LoopTerms<'a>,
    policy: &Policy,
) -> Option<HotLoop<'a>> {
    if matches!(
        reader.kind,
        ReaderKind::Ourselves | ReaderKind::Rotation | ReaderKind::Person
    ) {
        return None;
    }
    let allowed = u64::from((3_600 / what.class.cache_s.max(1)).max(1));
    if terms.is_sampled(what) {
        return sampled::judge(what, called, terms, allowed, policy);
    }
    let busy = client_hours(what, called, terms.window);
    if busy.iter().all(|hour| hour.calls <= allowed) {
        return None;
    }
    let (mut clients, mut calls, mut avoidable, mut peak) = (0, 0, 0, 0);
    let mut is_hot = false;
    let mut hours: BTreeMap<u32, u64> = BTreeMap::new();
    for of_client in busy.chunk_by(|one, next| one.client == next.client) {
        let mut hot_hours = 0;
        for &ClientHour {
            hour, calls: count, ..
        } in of_client
        {
            calls += count;
            avoidable += count - count.min(allowed);
            peak = peak.max(count);
            hot_hours += usize::from(count > HOT_CALLS_AN_HOUR);
            *hours.entry(hour).or_default() += count;
        }
        clients += 1;
        is_hot |= hot_hours >= HOT_HOURS;
    }
    let calls_month = terms.rate.month_calls(calls)?;
    let avoidable_month = terms.rate.month_calls(avoidable)?;
    let avoidable_usd = terms.usd(called, avoidable);
    if !is_hot && avoidable_usd.is_none_or(|usd| usd < policy.min_avoidable) {
        return None;
    }
    Some(HotLoop {
        called,
        calls_month,
        clients,
        interval_s: Some(interval(peak)),
        shape: shape(&hours),
        active_hours: u32::try_from(hours.len()).unwrap_or(u32::MAX),
        avoidable_month,
        avoidable_usd,
        days: days(&hours),
        estimate: None,
        spread: Tally::default(),
    })
}

/// The calls of one client in one hour. A client is its session and address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ClientHour<'a> {
    client: (&'a str, Address),
    hour: u32,
    calls: u64,
}

/// What each client did in each hour of a window: once each, by client and hour.
fn client_hours<'a>(
    what: &ReaderUse<'a>,
    called: Called,
    window: ActivityWindow,
) -> Vec<ClientHour<'a>> {
    let session = |slice: &&ActivitySlice<'a>| slice.access.caller.session.as_str();
    let slices: Vec<_> = what
        .slices
        .iter()
        .filter(|slice| called.fits(slice))
        .collect();
    // Sorted by the place of a session among all of them, because texts take long to compare.
    let mut sessions: Vec<&str> = slices.iter().map(session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    let mut hours = Vec::new();
    for slice in slices {
        let place = sessions.partition_point(|known| *known < session(&slice));
        let cells = slice.cells().iter();
        let inside = cells.filter(|cell| window.holds(cell.first()));
        hours.extend(inside.map(|cell| (place, cell.address, cell.hour(), u64::from(cell.calls))));
    }
    hours.sort_unstable();
    hours.dedup_by(|next, kept| {
        let same = (next.0, next.1, next.2) == (kept.0, kept.1, kept.2);
        if same {
            kept.3 += next.3;
        }
        same
    });
    let client_hour = |(place, address, hour, calls)| ClientHour {
        client: (sessions[place], address),
        hour,
        calls,
    };
    hours.into_iter().map(client_hour).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the calls of one hour are far below 2^52"
)]
fn interval(peak: u64) -> f64 {
    (36_000.0 / peak.max(1) as f64).round() / 10.0
}

/// Names the shape in time.
///
/// `steady`: seven of ten active hours lie within a quarter of the median: a timer, or a poll loop. `burst`: less than a
/// quarter of the hours between the first and the last are active: a job that comes and goes. `per-request`: calls
/// follow the load.
fn shape(hours: &BTreeMap<u32, u64>) -> LoopShape {
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
        if let Ok(at) = Timestamp::from_second(i64::from(hour) * 3_600) {
            *days.entry(day_of(at)).or_default() += calls;
        }
    }
    days
}
