//! Loops where only a sample of the event history was read.
//!
//! A sample shows a client in a few seconds of each hour, if at all. To scale an hour up from those would make a loop of
//! every healthy client that happened to be seen: what was seen decides whether the hour counts, and is then counted. So
//! a window never decides about itself. A window of a client counts if the [`NEAR`] windows before and after it together
//! show more calls than a cache would need, and then with what it shows beyond its own share of that need, which may be
//! less than nothing. For a client that needs no mending this comes to nothing on average, however few windows saw it;
//! for one that calls all the time it is right; in between, and at the edges of a short burst, it is too little.
//!
//! What is seen in the windows is no mean interval of an hour, and no picture of the hours: the interval is that of the
//! busiest client over its windows, the shape is named only where the windows hold enough calls to tell.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::sessions::session_hours;
use super::{Called, HOT_CALLS_AN_HOUR, HOT_HOURS, HotLoop, LoopTerms, named_shape};
use crate::domain::base::names::Scope;
use crate::domain::base::span::start_of_hour;
use crate::domain::inventory::secret::day_of;
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::Rate;
use crate::domain::report::result::{CaveatRow, LoopEstimate, LoopShape, Range};
use crate::domain::sampling::{Halves, Sample, Tally, real, whole};
use crate::domain::trail::cell::Address;
use crate::domain::trail::sessions::SessionForm;
use crate::domain::usage::activity::{ActivityWindow, ReaderUse};

/// Sets how many windows before and after a window decide whether it counts.
const NEAR: usize = 6;

/// A client must be seen in so many windows for its interval to be known.
const ENOUGH: usize = 10;

/// The shape is told only if half of the active windows hold at least so many calls: fewer vary by chance as much as
/// shapes differ.
const TELLING: u64 = 16;

/// The calls of one client that one window showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ClientWindow<'a> {
    scope: &'a Scope,
    client: (&'a str, Address),
    window: u32,
    hour: u32,
    calls: u64,
    stand_for: u64,
}

/// Judges like [`super::judge`] what was partly or wholly seen in a sample.
///
/// A loop that is not hot must be dear for certain: its interval of avoidable calls must not reach down to none.
pub(super) fn judge<'a>(
    what: &ReaderUse<'a>,
    called: Called<'_>,
    terms: LoopTerms<'a>,
    allowed: u64,
    policy: &Policy,
) -> Option<HotLoop<'a>> {
    let windows = client_windows(what, called, terms);
    let seen = client_hours(what, called, terms.window);
    let exact = without(&seen, &windows);
    let found = ClientSums::of(&exact, &windows, terms, allowed);
    let avoidable = CallInterval::new(
        real(found.avoidable) + found.excess.estimate(terms.samples).max(0.0),
        found.excess.halves(terms.samples),
        real(found.avoidable),
    );
    if avoidable.point == 0 {
        return None;
    }
    let avoidable_usd = terms.usd(called, avoidable.point);
    let is_dear = avoidable_usd.is_some_and(|usd| usd >= policy.min_avoidable);
    if !(found.is_hot || is_dear && avoidable.low > 0) {
        return None;
    }
    let calls: u64 = exact.iter().map(|hour| hour.calls).sum::<u64>()
        + windows.iter().map(|window| window.stand_for).sum::<u64>();
    let all = CallInterval::new(
        real(calls),
        found.calls.halves(terms.samples),
        real(seen.iter().map(|hour| hour.calls).sum()),
    );
    let usd = |calls: u64| terms.usd(called, calls).unwrap_or_default();
    let estimate = LoopEstimate {
        reads_month: all.month(terms.rate)?,
        avoidable_calls_month: avoidable.month(terms.rate)?,
        avoidable_usd_month: avoidable_usd.map(|_| Range {
            low: usd(avoidable.low),
            high: usd(avoidable.high),
        }),
        windows: found.calls.seen_in() as u64,
        caveats: caveats(&found.calls, terms),
    };
    let mut spread = Tally::default();
    if let Some(each) = terms.usd_each(called) {
        spread.merge(&found.excess, each * terms.rate.factor());
    }
    let hours: BTreeSet<u32> = seen.iter().map(|hour| hour.hour).collect();
    let clients = seen.chunk_by(|one, next| one.client == next.client).count();
    Some(HotLoop {
        calls_month: terms.rate.month_calls(calls)?,
        clients: clients as u64,
        clients_up_to: false,
        interval_s: found.interval,
        shape: shape(&windows),
        active_hours: u32::try_from(hours.len()).unwrap_or(u32::MAX),
        avoidable_month: terms.rate.month_calls(avoidable.point)?,
        avoidable_usd,
        avoidable_range: None,
        advice: String::new(),
        days: days(&exact, &windows),
        estimate: Some(estimate),
        spread,
    })
}

fn caveats(calls: &Tally<'_>, terms: LoopTerms<'_>) -> Vec<CaveatRow> {
    let caveats = calls.caveats(terms.samples);
    caveats.into_iter().map(CaveatRow::from).collect()
}

/// An estimate in whole calls with its interval.
struct CallInterval {
    point: u64,
    low: u64,
    high: u64,
}

impl CallInterval {
    fn new(point: f64, halves: Halves, least: f64) -> Self {
        let whole = |value: f64| whole(value.max(least));
        Self {
            point: whole(point),
            low: whole(point - halves.below),
            high: whole(point + halves.above),
        }
    }

    /// The interval of a month; `None`: the calls stand for no time.
    fn month(&self, rate: Rate) -> Option<Range<u64>> {
        Some(Range {
            low: rate.month_calls(self.low)?,
            high: rate.month_calls(self.high)?,
        })
    }
}

/// Returns what the windows of each client showed: once each, by account and Region, client and window.
fn client_windows<'a>(
    what: &ReaderUse<'a>,
    called: Called<'_>,
    terms: LoopTerms<'a>,
) -> Vec<ClientWindow<'a>> {
    let mut windows = Vec::new();
    for slice in what.slices.iter().filter(|slice| called.fits(slice)) {
        if slice.access.sampled.is_empty() {
            continue;
        }
        let scope = slice.access.scope();
        let known = scope.and_then(|scope| terms.samples.get_key_value(&scope));
        let Some((scope, _)) = known else { continue };
        windows.extend(
            slice
                .sampled(terms.window)
                .map(|(cell, calls)| ClientWindow {
                    scope,
                    client: client(&slice.access.caller.session, calls.address),
                    window: calls.window,
                    hour: cell.hour(),
                    calls: u64::from(calls.calls),
                    stand_for: calls.stand_for,
                }),
        );
    }
    windows.sort_unstable();
    windows
}

/// The client of a session. A sample does not show whether a session lasts: on a machine or pod of its own, a name that
/// was made up stands for the machine.
fn client(session: &str, address: Address) -> (&str, Address) {
    let form = SessionForm::of(session);
    let is_folded = matches!(form, SessionForm::Process | SessionForm::Renewed);
    if is_folded && address.is_private() {
        ("", address)
    } else {
        (session, address)
    }
}

/// The calls of one client in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ClientHour<'a> {
    client: (&'a str, Address),
    hour: u32,
    calls: u64,
}

/// Returns what each client did in each hour of a window: once each, by client and hour.
fn client_hours<'a>(
    what: &ReaderUse<'a>,
    called: Called<'_>,
    window: ActivityWindow,
) -> Vec<ClientHour<'a>> {
    let hours = session_hours(what, called, window, |_| true).into_iter();
    let mut hours: Vec<_> = hours
        .map(|seen| ClientHour {
            client: client(seen.session, seen.address),
            hour: seen.hour,
            calls: seen.calls,
        })
        .collect();
    hours.sort_unstable();
    hours.dedup_by(|next, kept| {
        let same = (next.client, next.hour) == (kept.client, kept.hour);
        if same {
            kept.calls += next.calls;
        }
        same
    });
    hours
}

/// The client hours less what the samples showed of them: what was read in full.
fn without<'a>(seen: &[ClientHour<'a>], windows: &[ClientWindow<'a>]) -> Vec<ClientHour<'a>> {
    let mut sampled: BTreeMap<_, u64> = BTreeMap::new();
    for window in windows {
        *sampled.entry((window.client, window.hour)).or_default() += window.calls;
    }
    let rest = |hour: &ClientHour<'a>| {
        let of_sample = sampled.get(&(hour.client, hour.hour)).copied().unwrap_or(0);
        ClientHour {
            calls: hour.calls.saturating_sub(of_sample),
            ..*hour
        }
    };
    seen.iter()
        .map(rest)
        .filter(|hour| hour.calls > 0)
        .collect()
}

/// The clients of a reader, added up.
#[derive(Default)]
struct ClientSums<'a> {
    /// Avoidable calls in what was read in full.
    avoidable: u64,
    /// The calls that the windows that count show beyond their share of what a cache needs.
    excess: Tally<'a>,
    calls: Tally<'a>,
    /// Mean seconds between two calls of the busiest client.
    interval: Option<f64>,
    is_hot: bool,
}

impl<'a> ClientSums<'a> {
    fn of(
        exact: &[ClientHour<'_>],
        windows: &[ClientWindow<'a>],
        terms: LoopTerms<'a>,
        allowed: u64,
    ) -> Self {
        let mut found = Self::default();
        found.exact(exact, allowed);
        let of_one = |one: &ClientWindow<'_>, next: &ClientWindow<'_>| {
            (one.scope, one.client) == (next.scope, next.client)
        };
        for of_client in windows.chunk_by(of_one) {
            if let Some(first) = of_client.first()
                && let Some(sample) = terms.samples.get(first.scope)
            {
                found.client(first.scope, sample, of_client, allowed);
            }
        }
        if let Some(home) = terms.home.filter(|home| terms.samples.contains_key(*home)) {
            found.excess.of(home).at_most(1.0);
        }
        found
    }

    fn exact(&mut self, hours: &[ClientHour<'_>], allowed: u64) {
        for of_client in hours.chunk_by(|one, next| one.client == next.client) {
            let hot = of_client
                .iter()
                .filter(|hour| hour.calls > HOT_CALLS_AN_HOUR);
            self.is_hot |= hot.count() >= HOT_HOURS;
            let avoidable = of_client
                .iter()
                .map(|hour| hour.calls - hour.calls.min(allowed));
            self.avoidable += avoidable.sum::<u64>();
        }
    }

    fn client(
        &mut self,
        scope: &'a Scope,
        sample: &Sample,
        windows: &[ClientWindow<'_>],
        allowed: u64,
    ) {
        let looked = sample.looked();
        let mut shown: BTreeMap<usize, (f64, u32)> = BTreeMap::new();
        for window in windows.iter().filter(|window| window.stand_for > 0) {
            let Ok(at) = looked.binary_search_by_key(&window.window, |&(known, _)| known) else {
                continue;
            };
            self.calls
                .of(scope)
                .add(window.window, real(window.calls), 1.0);
            shown.entry(at).or_insert((0.0, window.hour)).0 += real(window.calls);
        }
        let (Some((&first, _)), Some((&last, _))) =
            (shown.first_key_value(), shown.last_key_value())
        else {
            return;
        };
        let near = |at: usize| at.saturating_sub(NEAR)..(at + NEAR + 1).min(looked.len());
        let candidates: BTreeSet<usize> = shown.keys().flat_map(|&at| near(at)).collect();
        let mut hot = BTreeSet::new();
        let (mut calls, mut seconds) = (0.0, 0.0);
        for at in candidates {
            let others = near(at).filter(|&other| other != at);
            let time: f64 = others.map(|other| looked[other].1).sum();
            let around = shown.range(near(at)).filter(|&(&other, _)| other != at);
            let told: f64 = around.map(|(_, shown)| shown.0).sum();
            if told * HOUR <= real(allowed) * time {
                continue;
            }
            let (own_window, own_time) = looked[at];
            let own = shown.get(&at).copied();
            let own_calls = own.map_or(0.0, |own| own.0);
            let need = real(allowed) * own_time / HOUR;
            self.excess.of(scope).add(own_window, own_calls - need, 1.0);
            if first <= at && at <= last {
                calls += own_calls;
                seconds += own_time;
            }
            let is_hot = |calls: f64, time: f64| calls * HOUR > real(HOT_CALLS_AN_HOUR) * time;
            if let Some((_, hour)) = own
                && is_hot(own_calls, own_time)
                && is_hot(told, time)
            {
                hot.insert(hour);
            }
        }
        self.is_hot |= hot.len() >= HOT_HOURS;
        if shown.len() >= ENOUGH && calls > 0.0 {
            let interval = (seconds / calls * 10.0).round() / 10.0;
            self.interval = Some(self.interval.map_or(interval, |least| least.min(interval)));
        }
    }
}

const HOUR: f64 = 3_600.0;

/// Names the shape from the calls of all clients in each window between the first and the last that showed one; unknown
/// if the windows do not tell.
fn shape(windows: &[ClientWindow<'_>]) -> LoopShape {
    let mut by_window: BTreeMap<(&Scope, u32), u64> = BTreeMap::new();
    for window in windows {
        *by_window.entry((window.scope, window.window)).or_default() += window.calls;
    }
    let mut counts: Vec<u64> = by_window.values().copied().collect();
    counts.sort_unstable();
    let one_scope = by_window.keys().all(|key| {
        by_window
            .first_key_value()
            .is_some_and(|(first, _)| first.0 == key.0)
    });
    let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
    if counts.len() < ENOUGH || median < TELLING || !one_scope {
        return LoopShape::Unknown;
    }
    let span = match (by_window.first_key_value(), by_window.last_key_value()) {
        (Some((first, _)), Some((last, _))) => last.1 - first.1 + 1,
        _ => 1,
    };
    named_shape(&counts, span)
}

/// Calls on each day, estimated.
fn days(
    exact: &[ClientHour<'_>],
    windows: &[ClientWindow<'_>],
) -> BTreeMap<jiff::civil::Date, u64> {
    let exact = exact.iter().map(|hour| (hour.hour, hour.calls));
    let windows = windows.iter().map(|window| (window.hour, window.stand_for));
    let mut days = BTreeMap::new();
    for (hour, calls) in exact.chain(windows) {
        if let Ok(at) = Timestamp::from_second(start_of_hour(hour)) {
            *days.entry(day_of(at)).or_default() += calls;
        }
    }
    days
}
