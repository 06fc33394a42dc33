//! Events from the windows of a sample: counted as seen like all others, and by window besides.
//!
//! They come in through a door of their own, so that an ordinary event pays nothing for them. The counts by window are
//! few: a sample holds some ten thousand events. How many calls each stands for follows from the sample of its account
//! and Region ([`Sample::weight`]); it is settled last, when everything that was read in full is known.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{CallKey, Ledger};
use crate::base::names::{Scope, split_arn};
use crate::sampling::{Sample, Samples};
use crate::trail::calls::{CallOutcome, CallSeries, SampledCalls};
use crate::trail::cell::Address;
use crate::trail::event::{EventId, TrailEvent};

/// Calls of one line in one hour from one address, in one window of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SampledCell {
    line: u32,
    key: u32,
    window: u32,
    address: Address,
    /// The sample of another account and Region stands for them: they are evidence here, and no volume.
    elsewhere: bool,
}

/// The calls that came from samples.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    calls: HashMap<SampledCell, u32, FixedState>,
    /// Calls that two accounts log, as one of them did, with their time.
    shared: Vec<(EventId, SampledCell, i64)>,
}

impl Sampled {
    /// Takes that of another ledger in, whose lines have these numbers here.
    pub(super) fn merge(&mut self, other: Self, lines: &[u32]) {
        let moved = |spot: SampledCell| SampledCell {
            line: lines[spot.line as usize],
            ..spot
        };
        for (spot, calls) in other.calls {
            *self.calls.entry(moved(spot)).or_default() += calls;
        }
        let shared = other.shared.into_iter();
        self.shared
            .extend(shared.map(|(id, spot, time)| (id, moved(spot), time)));
    }

    /// The shared ids of the calls that two accounts log.
    pub(super) fn shared_ids(&self) -> impl Iterator<Item = EventId> {
        self.shared.iter().map(|&(id, ..)| id)
    }

    /// The calls by line, sorted.
    pub(super) fn take(&mut self) -> HashMap<u32, Vec<SampledCalls>, FixedState> {
        let mut of_lines: HashMap<u32, Vec<SampledCalls>, FixedState> = HashMap::default();
        for (spot, calls) in std::mem::take(&mut self.calls) {
            of_lines.entry(spot.line).or_default().push(SampledCalls {
                key: spot.key,
                window: spot.window,
                address: spot.address,
                calls,
                stand_for: if spot.elsewhere { 0 } else { calls.into() },
            });
        }
        for line in of_lines.values_mut() {
            line.sort_unstable();
        }
        of_lines
    }
}

impl Ledger {
    /// Counts an event from a window of a sample.
    ///
    /// One that was counted before is not: what was read in full is known exactly, and the sample stands for the rest.
    /// So whatever is read in full of an account and Region has to come before its sample.
    pub fn sampled(&mut self, event: &TrailEvent<'_>, window: u32) {
        let inside = self.is_inside(event.time);
        // The copies of a shared event have ids of their own.
        if !inside || !self.seen.is_new(event.id) {
            return;
        }
        let line = self.line_for(event);
        let address = Address::of(event.source_ip.as_deref());
        let spot = SampledCell {
            line,
            key: self.cell_at(event.time, address).key,
            window,
            address,
            elsewhere: false,
        };
        match event.shared_id {
            Some(id) => {
                self.seen.note_in_sample(id, false);
                self.sampled.shared.push((id, spot, event.time));
            }
            None => self.count_sampled(spot, event.time),
        }
    }

    fn count_sampled(&mut self, spot: SampledCell, time: i64) {
        let cell = self.cell_at(time, spot.address);
        self.add(spot.line, cell);
        *self.sampled.calls.entry(spot).or_default() += 1;
    }

    /// Decides which copies of shared events count: none, if one was read in full; else the one that the account and
    /// Region of the secret logs, if those are sampled, too. That does not depend on which copies the windows hit, so
    /// that no call is estimated twice.
    pub(super) fn settle_shared(&mut self) {
        for (id, mut spot, time) in std::mem::take(&mut self.sampled.shared) {
            if self.seen.was_read_in_full(id) {
                continue;
            }
            let subject = self.lines[spot.line as usize].what.subject;
            let subject = self.subjects.row(subject);
            let [account, region, target, ..] =
                subject.strings.map(|symbol| self.strings.text(symbol));
            let home = split_arn(target).map(|(scope, _)| scope);
            spot.elsewhere = home.is_some_and(|home| {
                let here = home.account.as_str() == account && home.region.as_str() == region;
                !here && self.coverage.samples().contains_key(&home)
            });
            self.count_sampled(spot, time);
        }
    }

    fn line_for(&mut self, event: &TrailEvent<'_>) -> u32 {
        let key = CallKey::of(event);
        let failed = key.outcome != CallOutcome::Ok;
        let line = self.line_of(&key);
        if failed {
            self.keep_sample(line, event.error_message.as_deref().unwrap_or_default());
        }
        line
    }
}

/// Says how many calls each counted call stands for, in whole calls.
///
/// Rounded once: not each line by itself, but the running sum of an account and Region, in the order of the lines. So
/// the parts add up to the whole whatever they are grouped by, and the whole is rounded by less than one call.
pub(super) fn weigh(accesses: &mut [CallSeries], samples: &Samples) {
    let mut sums: HashMap<Scope, Running> = HashMap::new();
    for access in accesses
        .iter_mut()
        .filter(|access| !access.sampled.is_empty())
    {
        let Some(scope) = access.scope() else {
            continue;
        };
        let Some(weight) = samples.get(&scope).and_then(Sample::weight) else {
            continue;
        };
        let sum = sums.entry(scope).or_default();
        for calls in access
            .sampled
            .iter_mut()
            .filter(|calls| calls.stand_for > 0)
        {
            calls.stand_for = sum.share(calls.calls, weight);
        }
    }
}

/// The number of calls that were counted so far, and the number that they represent.
#[derive(Default)]
struct Running {
    counted: u64,
    shared_out: u64,
}

impl Running {
    fn share(&mut self, calls: u32, weight: f64) -> u64 {
        self.counted += u64::from(calls);
        let all = rounded(self.counted, weight);
        let share = all - self.shared_out.min(all);
        self.shared_out = all;
        share
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a sample are far below 2^52, the cast saturates, and nothing here is negative"
)]
fn rounded(counted: u64, weight: f64) -> u64 {
    (counted as f64 * weight).round() as u64
}
