//! Estimating call volume from windows of an event history that is too long to read.
//!
//! The windows form a comb: all of one width, their starts one step apart, the step a prime number of seconds, the
//! first start drawn at random and recorded. A prime step has no factor in common with a minute, an hour or a day, so
//! the comb meets every phase of a schedule equally often; round steps and random windows miss or multiply traffic that
//! comes on the minute. Every second of the span is in a window with the same probability, so the calls a second in the
//! windows are right on average for any shape of traffic.
//!
//! A [`Sample`] is a comb that was read, together with the time that was read in full besides; a [`Series`] is what was
//! counted in its windows, of a secret, a reader, a total, in calls or in money; a [`Tally`] is a series in each of
//! several samples. The interval comes from [`SUBCOMBS`] interleaved sub-combs, each of which is an estimate of its own.
//! It is honest for traffic that comes all day; for what came in a few bursts it is not, and [`IntervalCaveat`] says so.
//!
//! Nothing here asks anybody: the caller reads every event of each window (both ends of a query to CloudTrail are
//! inclusive, see [`SampleWindow`]) and counts them. A sample shows that something happened, never that it did not.
//!
//! Entry: `Samples`. May use: `base`.

mod series;
mod tally;
#[cfg(test)]
mod tests;
mod windows;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::span::Span;

pub use series::{CaveatCode, Halves, IntervalCaveat, Series};
pub use tally::{Samples, Tally};
pub use windows::Sample;

/// Sets how many interleaved sub-combs give the interval.
pub const SUBCOMBS: u32 = 13;

/// Events that one page of event history holds; a window should fit into it.
const PAGE: f64 = 50.0;

/// Events aimed at in a window of mean traffic: a little less than a page.
const PER_WINDOW: f64 = 45.0;

/// With fewer windows the interval of traffic on a schedule is too narrow (measured on generated traffic).
pub const ENOUGH_WINDOWS: u32 = 2_000;

/// The positions of the windows. All that is needed to repeat the sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplingPlan {
    /// The span that is estimated: whole seconds, from inclusive, to exclusive.
    pub span: Span,
    /// Seconds from one window to the next; a prime.
    pub step_s: u32,
    /// Seconds in a window.
    pub width_s: u32,
    /// The random part of the first window's start: less than the step.
    pub phase_s: u32,
    /// The seed that the phase was drawn from.
    #[serde(default)]
    pub seed: u64,
}

/// One window: from inclusive, to exclusive, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleWindow {
    /// Its index in the comb.
    pub index: u32,
    /// The first second.
    pub from: Timestamp,
    /// The last second. `LookupEvents` takes `StartTime` and `EndTime` both inclusive: asking up to the first second
    /// after the window would count one second too many.
    pub last: Timestamp,
}

impl SamplingPlan {
    /// A comb of about `windows` windows for traffic of `rate` events a second, its phase drawn from `seed`.
    ///
    /// `None` if that would read most of the span anyway, or if the span is empty.
    pub fn new(span: Span, rate: f64, windows: u32, seed: u64) -> Option<Self> {
        let seconds = seconds(&span)?;
        let width_s = width(rate);
        let step_s = step(seconds / windows.max(1), width_s, windows);
        (u64::from(step_s) > 2 * u64::from(width_s) && step_s < seconds).then(|| Self {
            span,
            step_s,
            width_s,
            phase_s: u32::try_from(mix(seed) % u64::from(step_s)).unwrap_or(0),
            seed,
        })
    }

    /// About how many events a second the windows were made for.
    pub fn rate(&self) -> f64 {
        PER_WINDOW / f64::from(self.width_s.max(1))
    }

    /// Returns how many windows the comb has.
    pub fn windows(&self) -> u32 {
        let length = seconds(&self.span).unwrap_or(0);
        // The first start lies up to a width before the span, so that its first seconds are as likely as all others.
        (u64::from(length) + u64::from(self.width_s))
            .saturating_sub(u64::from(self.phase_s) + 1)
            .div_ceil(u64::from(self.step_s.max(1)))
            .try_into()
            .unwrap_or(u32::MAX)
    }

    /// The window of this index, cut to the span; `None` behind the end.
    pub fn window(&self, index: u32) -> Option<SampleWindow> {
        if index >= self.windows() {
            return None;
        }
        let (begin, end) = (self.span.from.as_second(), self.span.to.as_second());
        let start = begin - i64::from(self.width_s)
            + 1
            + i64::from(self.phase_s)
            + i64::from(index) * i64::from(self.step_s);
        let last = (start + i64::from(self.width_s) - 1).min(end - 1);
        Some(SampleWindow {
            index,
            from: Timestamp::from_second(start.max(begin)).ok()?,
            last: Timestamp::from_second(last).ok()?,
        })
    }

    /// The windows of one sub-comb, in order. Reading whole sub-combs one after the other leaves a usable sample
    /// whenever it is stopped.
    pub fn subcomb(&self, part: u32) -> impl Iterator<Item = SampleWindow> + '_ {
        (part..self.windows())
            .step_by(SUBCOMBS as usize)
            .filter_map(|index| self.window(index))
    }
}

/// Returns how many requests a window of mean traffic takes on average: its pages, as windows differ.
pub fn requests_per_window(rate: f64) -> f64 {
    1.0 + rate * f64::from(width(rate)) / PAGE * 0.5
}

/// A count, to estimate with.
#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate does not need more than 53 bits"
)]
pub fn real(count: u64) -> f64 {
    count as f64
}

/// An estimate as a count: rounded half up, and none is below zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and below zero means zero here"
)]
pub fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}

fn width(rate: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is clamped to 1..=3600 before"
    )]
    let width = (PER_WINDOW / rate.max(f64::MIN_POSITIVE)).clamp(1.0, 3_600.0) as u32;
    width
}

fn seconds(span: &Span) -> Option<u32> {
    u32::try_from(span.to.as_second() - span.from.as_second())
        .ok()
        .filter(|&seconds| seconds > 0)
}

/// Sets how long schedules take to come round, in seconds: a minute to a week.
const SCHEDULES: [u32; 11] = [
    60, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800,
];

/// The number of primes that are tried for a step.
const TRIED: u32 = 16;

/// A step of about so many seconds or a little more, so that the windows are not more than were asked for.
///
/// A prime has no factor in common with any schedule, but one just beside a round number meets a schedule at nearly the
/// same second again and again: with 60 windows in a month, the step 43,201 sees one second of each half day. So of the
/// primes nearby the one is taken whose windows leave the smallest part of any schedule unseen.
fn step(about: u32, width: u32, windows: u32) -> u32 {
    let (least, apart) = (prime_from(about), (about / 300).max(1));
    let tried = (0..TRIED).map(|number| prime_from(about.saturating_add(number * apart)));
    let near = tried.filter(|&prime| prime - least <= about / 14 + 4);
    // A sub-comb is an estimate of its own, so it has to see all of a schedule, too.
    let unseen = |&step: &u32| {
        let all = SCHEDULES.map(|schedule| {
            let one = unseen(step, schedule, windows, width);
            one.max(unseen(
                step.saturating_mul(SUBCOMBS),
                schedule,
                windows / SUBCOMBS,
                width,
            ))
        });
        all.into_iter().max()
    };
    near.min_by_key(unseen).unwrap_or(least)
}

/// The largest part of a schedule in which no window begins, in thousandths of what even windows would leave.
fn unseen(step: u32, schedule: u32, windows: u32, width: u32) -> u64 {
    let fair = (schedule / windows.max(1)).max(width).max(1);
    u64::from(largest_gap(step, schedule, windows)) * 1_000 / u64::from(fair)
}

/// The largest part of a schedule in which no window begins, if so many begin one step apart (the three-gap theorem).
fn largest_gap(step: u32, schedule: u32, windows: u32) -> u32 {
    let mut up = step % schedule;
    let mut down = schedule - up;
    let (mut to_up, mut to_down) = (1_u64, 1_u64);
    while up > 0 && up != down && to_up + to_down < u64::from(windows) {
        if up < down {
            down -= up;
            to_down += to_up;
        } else {
            up -= down;
            to_up += to_down;
        }
    }
    if up == down { up } else { up + down }
}

/// The first prime from a number on, at least 7: coprime to 60, 3600 and 86400.
fn prime_from(number: u32) -> u32 {
    // No two neighbouring primes of 32 bits are that far apart.
    (0..1_000)
        .map(|more| number.max(7).saturating_add(more))
        .find(|&candidate| is_prime(candidate))
        .unwrap_or(7)
}

fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..=number)
            .take_while(|&divisor| u64::from(divisor) * u64::from(divisor) <= number.into())
            .all(|divisor| !number.is_multiple_of(divisor))
}

/// `SplitMix64`, one round: spreads a seed over 64 bits.
fn mix(seed: u64) -> u64 {
    let value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A seed for the sample of one account and Region among several that are taken at once, so that their combs lie
/// independently of each other. Below 2^53, so that every program reads it as it is.
pub fn seed_of(seed: u64, account: &str, region: &str) -> u64 {
    let text = account.bytes().chain(region.bytes());
    text.fold(mix(seed), |seed, byte| mix(seed ^ u64::from(byte))) >> 11
}

/// The sub-combs that were read to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedCombs(u16);

impl FinishedCombs {
    /// All of them.
    pub const ALL: Self = Self((1 << SUBCOMBS) - 1);

    /// Adds one.
    pub fn add(&mut self, part: u32) {
        if part < SUBCOMBS {
            self.0 |= 1 << part;
        }
    }

    /// Returns whether this one was read.
    pub fn has(self, part: u32) -> bool {
        part < SUBCOMBS && self.0 & (1 << part) != 0
    }

    /// Returns how many were read.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }
}
