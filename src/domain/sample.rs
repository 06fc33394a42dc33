//! Estimating call volume from windows of an event history that is too long to read.
//!
//! The windows form a comb: all of one width, their starts one step apart, the step a prime number of seconds, the
//! first start drawn at random and recorded. A prime step has no factor in common with a minute, an hour or a day, so
//! the comb meets every phase of a schedule equally often; round steps and random windows miss or multiply traffic that
//! comes on the minute. Every second of the span is in a window with the same probability, so the calls a second in the
//! windows are right on average for any shape of traffic.
//!
//! The interval comes from [`SUBCOMBS`] interleaved sub-combs, each of which is an estimate of its own. It is honest for
//! traffic that comes all day; for what came in a few bursts it is not, and [`Caveat`] says so.
//!
//! Nothing here asks anybody: the caller reads every event of each window (both ends of a query to CloudTrail are
//! inclusive, see [`Window`]) and counts them. A sample shows that something happened, never that it did not.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::report::Span;

/// How many interleaved sub-combs give the interval.
pub const SUBCOMBS: u32 = 13;

/// Events that one page of event history holds; a window should fit into it.
const PAGE: f64 = 50.0;

/// Events aimed at in a window of mean traffic: a little less than a page.
const PER_WINDOW: f64 = 45.0;

/// With fewer windows the interval of traffic on a schedule is too narrow (measured on generated traffic).
const ENOUGH_WINDOWS: u32 = 2_000;

/// The two-sided 95 % point of Student's t for 1 to 12 degrees of freedom.
const T95: [f64; 12] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
];

/// Where the windows lie. All that is needed to repeat the sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comb {
    /// What is estimated: whole seconds, from inclusive, to exclusive.
    pub span: Span,
    /// Seconds from one window to the next; a prime.
    pub step_s: u32,
    /// Seconds in a window.
    pub width_s: u32,
    /// The random part of the first window's place: less than the step.
    pub phase_s: u32,
}

/// One window: from inclusive, to exclusive, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its place in the comb.
    pub place: u32,
    /// The first second.
    pub from: Timestamp,
    /// The last second. `LookupEvents` takes `StartTime` and `EndTime` both inclusive: asking up to the first second
    /// after the window would count one second too many.
    pub last: Timestamp,
}

impl Comb {
    /// A comb of about `windows` windows for traffic of `rate` events a second, its phase drawn from `seed`.
    ///
    /// `None` if that would read most of the span anyway, or if the span is empty.
    pub fn new(span: Span, rate: f64, windows: u32, seed: u64) -> Option<Self> {
        let seconds = seconds(&span)?;
        let width_s = width(rate);
        let step_s = prime_near(seconds / windows.max(1));
        (u64::from(step_s) > 2 * u64::from(width_s) && step_s < seconds).then(|| Self {
            span,
            step_s,
            width_s,
            phase_s: u32::try_from(mix(seed) % u64::from(step_s)).unwrap_or(0),
        })
    }

    /// How many windows the comb has.
    pub fn windows(&self) -> u32 {
        let length = seconds(&self.span).unwrap_or(0);
        // The first start lies up to a width before the span, so that its first seconds are as likely as all others.
        (u64::from(length) + u64::from(self.width_s))
            .saturating_sub(u64::from(self.phase_s) + 1)
            .div_ceil(u64::from(self.step_s.max(1)))
            .try_into()
            .unwrap_or(u32::MAX)
    }

    /// The window at this place, cut to the span; `None` behind the end.
    pub fn window(&self, place: u32) -> Option<Window> {
        if place >= self.windows() {
            return None;
        }
        let (begin, end) = (self.span.from.as_second(), self.span.to.as_second());
        let start = begin - i64::from(self.width_s)
            + 1
            + i64::from(self.phase_s)
            + i64::from(place) * i64::from(self.step_s);
        let last = (start + i64::from(self.width_s) - 1).min(end - 1);
        Some(Window {
            place,
            from: Timestamp::from_second(start.max(begin)).ok()?,
            last: Timestamp::from_second(last).ok()?,
        })
    }

    /// The windows of one sub-comb, in order. Reading whole sub-combs one after the other leaves a usable sample
    /// whenever it is stopped.
    pub fn subcomb(&self, part: u32) -> impl Iterator<Item = Window> + '_ {
        (part..self.windows())
            .step_by(SUBCOMBS as usize)
            .filter_map(|place| self.window(place))
    }

    /// Seconds in the windows of a sub-comb.
    fn covered(&self, part: u32) -> f64 {
        let windows = self.windows();
        let count = windows.saturating_sub(part).div_ceil(SUBCOMBS);
        // Only the first and the last window can be cut by the ends of the span.
        let mut ends = vec![0, windows.saturating_sub(1)];
        ends.dedup();
        let cut: i64 = ends
            .into_iter()
            .filter(|place| place % SUBCOMBS == part)
            .filter_map(|place| self.window(place))
            .map(|window| {
                let length = window.last.as_second() - window.from.as_second() + 1;
                i64::from(self.width_s) - length
            })
            .sum();
        let whole = f64::from(count) * f64::from(self.width_s);
        whole - f64::from(i32::try_from(cut).unwrap_or(0))
    }
}

/// How many requests a window of mean traffic takes on average: its pages, as windows differ.
pub fn requests_per_window(rate: f64) -> f64 {
    1.0 + rate * f64::from(width(rate)) / PAGE * 0.5
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

/// The prime nearest to a number, at least 7: coprime to 60, 3600 and 86400.
fn prime_near(number: u32) -> u32 {
    // No two neighbouring primes of 32 bits are that far apart.
    (0..1_000)
        .flat_map(|away| [number.saturating_sub(away), number.saturating_add(away)])
        .find(|&candidate| candidate >= 7 && is_prime(candidate))
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

/// Which sub-combs were read to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done(u16);

impl Done {
    /// All of them.
    pub const ALL: Self = Self((1 << SUBCOMBS) - 1);

    /// Adds one.
    pub fn add(&mut self, part: u32) {
        if part < SUBCOMBS {
            self.0 |= 1 << part;
        }
    }

    /// Whether this one was read.
    pub fn has(self, part: u32) -> bool {
        part < SUBCOMBS && self.0 & (1 << part) != 0
    }

    /// How many were read.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// How often one thing (a secret, a reader of a secret) was seen in which windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<u32, u32>);

impl Counts {
    /// Counts one event of a window. The caller deduplicates.
    pub fn add(&mut self, window: u32) {
        *self.0.entry(window).or_default() += 1;
    }

    /// What the counts say about the whole span.
    ///
    /// Only windows of finished sub-combs count. `None` with fewer than three of those: no interval could be given.
    pub fn estimate(&self, comb: &Comb, done: Done) -> Option<Estimate> {
        let parts = done.count();
        if parts < 3 {
            return None;
        }
        let mut sums = [0_u64; SUBCOMBS as usize];
        let (mut windows, mut most) = (0, 0);
        for (&window, &count) in &self.0 {
            let part = window % SUBCOMBS;
            if done.has(part) {
                sums[part as usize] += u64::from(count);
                windows += 1;
                most = most.max(count);
            }
        }
        let seen: u64 = sums.iter().sum();
        let length = f64::from(seconds(&comb.span)?);
        let covered: f64 = (0..SUBCOMBS)
            .filter(|&part| done.has(part))
            .map(|part| comb.covered(part))
            .sum();
        // How many calls one counted call stands for.
        let weight = length / covered.max(1.0);
        let calls = float(seen) * weight;
        let half = half_width(&sums, done, comb, length);
        Some(Estimate {
            calls: whole(calls),
            low: whole(calls - half).max(seen),
            // Not seen at all: with 95 % certainty fewer than three in the windows (the rule of three).
            high: whole(if seen == 0 {
                3.0 * weight
            } else {
                calls + half
            }),
            windows,
            caveats: caveats(comb, parts, windows, most, seen),
        })
    }
}

/// Half the 95 % interval: t times the standard error of the mean of the sub-combs' own estimates.
fn half_width(sums: &[u64; SUBCOMBS as usize], done: Done, comb: &Comb, length: f64) -> f64 {
    let own: Vec<f64> = (0..SUBCOMBS)
        .filter(|&part| done.has(part))
        .map(|part| float(sums[part as usize]) * length / comb.covered(part).max(1.0))
        .collect();
    let count = f64::from(done.count());
    let mean = own.iter().sum::<f64>() / count;
    let spread = own.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0);
    T95[done.count().saturating_sub(2).min(11) as usize] * (spread / count).sqrt()
}

fn caveats(comb: &Comb, parts: u32, windows: u32, most: u32, seen: u64) -> Vec<Caveat> {
    let read = comb.windows() / SUBCOMBS * parts;
    let checks = [
        (windows < 10, Caveat::Rare(windows)),
        (u64::from(most) * 20 > seen, Caveat::Burst),
        (read < ENOUGH_WINDOWS, Caveat::FewWindows(read)),
    ];
    checks
        .into_iter()
        .filter_map(|(holds, caveat)| holds.then_some(caveat))
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate does not need more than 53 bits"
)]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and below zero means zero here"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// How often something happened in the whole span, as a sample shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub calls: u64,
    /// The lower end of the 95 % interval; never less than what was seen.
    pub low: u64,
    /// The upper end.
    pub high: u64,
    /// In how many windows it was seen.
    pub windows: u32,
    /// What the interval does not cover.
    pub caveats: Vec<Caveat>,
}

/// Why an interval may be too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Caveat {
    /// Seen in this many windows only.
    Rare(u32),
    /// One window holds more than a twentieth of what was seen: a burst, which the other windows may have missed.
    Burst,
    /// The sample has this many windows only.
    FewWindows(u32),
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rare(windows) => write!(f, "seen in {windows} windows only"),
            Self::Burst => f.write_str("it comes in bursts, which a sample may miss or hit"),
            Self::FewWindows(windows) => write!(
                f,
                "the sample has {windows} windows; below {ENOUGH_WINDOWS} the interval is too narrow for traffic on a \
                 schedule"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: u32 = 30 * 86_400;

    fn span(length: u32) -> Span {
        let from = Timestamp::from_second(1_790_000_000).unwrap();
        Span {
            from,
            to: Timestamp::from_second(from.as_second() + i64::from(length)).unwrap(),
        }
    }

    /// A small generator of our own, so that the numbers stay the same.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(1);
            mix(self.0)
        }

        fn below(&mut self, bound: u32) -> u32 {
            u32::try_from(self.next() % u64::from(bound)).unwrap()
        }
    }

    /// Seconds within a month at which calls happen, by shape. Sorted.
    fn traffic(shape: &str, seed: u64) -> Vec<u32> {
        let mut random = Random(seed);
        let mut times: Vec<u32> = match shape {
            "steady" => (0..120_000).map(|_| random.below(MONTH)).collect(),
            "day and night" => (0..160_000)
                .map(|_| random.below(MONTH))
                .filter(|second| {
                    let hour = second / 3_600 % 24;
                    (8..20).contains(&hour) || second % 2 == 0
                })
                .collect(),
            "every five minutes" => (0..MONTH / 300)
                .flat_map(|tick| (0..14).map(move |_| tick * 300))
                .map(|second| second + random.below(3))
                .collect(),
            "every hour" => (0..MONTH / 3_600)
                .flat_map(|tick| (0..166).map(move |_| tick * 3_600))
                .map(|second| second + random.below(10))
                .collect(),
            "two hot days" => (0..120_000)
                .map(|_| 11 * 86_400 + random.below(2 * 86_400))
                .collect(),
            other => panic!("no shape {other}"),
        };
        times.sort_unstable();
        times
    }

    fn sample(comb: &Comb, times: &[u32]) -> Counts {
        let mut counts = Counts::default();
        let begin = comb.span.from.as_second();
        for place in 0..comb.windows() {
            let window = comb.window(place).unwrap();
            let offset = |moment: Timestamp| u32::try_from(moment.as_second() - begin).unwrap();
            let from = times.partition_point(|&time| time < offset(window.from));
            let to = times.partition_point(|&time| time <= offset(window.last));
            (from..to).for_each(|_| counts.add(place));
        }
        counts
    }

    #[test]
    fn the_estimate_is_right_on_average_and_its_interval_holds_for_every_shape() {
        for shape in [
            "steady",
            "day and night",
            "every five minutes",
            "every hour",
            "two hot days",
        ] {
            let times = traffic(shape, 7);
            let truth = f64::from(u32::try_from(times.len()).unwrap());
            let (mut sum, mut inside) = (0.0, 0);
            let repetitions = 200;
            for seed in 0..repetitions {
                let comb = Comb::new(span(MONTH), 3.9, 2_400, seed).unwrap();
                let estimate = sample(&comb, &times).estimate(&comb, Done::ALL).unwrap();
                sum += float(estimate.calls) / truth;
                let held = u64::try_from(times.len()).unwrap();
                inside += u64::from((estimate.low..=estimate.high).contains(&held));
            }
            let bias = sum / float(repetitions) - 1.0;
            assert!(bias.abs() < 0.02, "{shape}: bias {bias}");
            let coverage = float(inside) / float(repetitions);
            assert!(coverage >= 0.90, "{shape}: coverage {coverage}");
        }
    }

    #[test]
    fn every_second_of_the_span_is_in_a_window_for_equally_many_phases() {
        let mut comb = Comb::new(span(1_000), 9.0, 30, 1).unwrap();
        assert_eq!((comb.step_s, comb.width_s), (31, 5));
        let mut covered = vec![0; 1_000];
        for phase in 0..comb.step_s {
            comb.phase_s = phase;
            for place in 0..comb.windows() {
                let window = comb.window(place).unwrap();
                let begin = comb.span.from.as_second();
                for second in window.from.as_second()..=window.last.as_second() {
                    covered[usize::try_from(second - begin).unwrap()] += 1;
                }
            }
            assert!(comb.window(comb.windows()).is_none());
        }
        assert!(covered.iter().all(|&times| times == 5), "{covered:?}");
    }

    #[test]
    fn the_sub_combs_are_the_comb() {
        let comb = Comb::new(span(86_400), 20.0, 700, 3).unwrap();
        let mut places: Vec<u32> = (0..SUBCOMBS)
            .flat_map(|part| comb.subcomb(part).map(|window| window.place))
            .collect();
        places.sort_unstable();
        assert_eq!(places, (0..comb.windows()).collect::<Vec<_>>());
    }

    #[test]
    fn the_step_is_a_prime_that_no_clock_has() {
        for (near, expect) in [
            (0, 7),
            (6, 7),
            (60, 59),
            (300, 293),
            (1_800, 1_801),
            (3_600, 3_593),
        ] {
            assert_eq!(prime_near(near), expect, "near {near}");
        }
    }

    #[test]
    fn a_comb_that_would_read_most_of_the_span_is_none() {
        assert_eq!(
            Comb::new(span(1_000), 1.0, 30, 1),
            None,
            "steps of 33 s, windows of 45 s"
        );
        assert_eq!(Comb::new(span(0), 100.0, 30, 1), None, "an empty span");
        assert_eq!(
            Comb::new(span(5), 1e9, 1, 1),
            None,
            "a span shorter than the smallest step"
        );
    }

    #[test]
    fn a_sample_cut_short_still_estimates_from_the_sub_combs_that_are_whole() {
        let times = traffic("steady", 11);
        let mut done = Done::default();
        done.add(0);
        done.add(1);
        let comb = Comb::new(span(MONTH), 3.9, 2_400, 0).unwrap();
        let counts = sample(&comb, &times);
        assert_eq!(counts.estimate(&comb, done), None, "two give no interval");
        done.add(2);
        done.add(3);
        let inside = (0..100)
            .filter(|&seed| {
                let comb = Comb::new(span(MONTH), 3.9, 2_400, seed).unwrap();
                let estimate = sample(&comb, &times).estimate(&comb, done).unwrap();
                assert!(matches!(estimate.caveats[..], [Caveat::FewWindows(_)]));
                (estimate.low..=estimate.high).contains(&120_000)
            })
            .count();
        assert!(inside >= 90, "the interval held {inside} times of 100");
    }

    #[test]
    fn what_was_seen_is_never_denied_and_rare_things_say_so() {
        let comb = Comb::new(span(MONTH), 3.9, 2_400, 5).unwrap();
        let mut counts = Counts::default();
        let none = counts.estimate(&comb, Done::ALL).unwrap();
        assert_eq!((none.calls, none.low), (0, 0));
        assert!(none.high > 0, "not seen is not absent");
        counts.add(17);
        let once = counts.estimate(&comb, Done::ALL).unwrap();
        assert_eq!(once.low, 1);
        assert_eq!(once.caveats, [Caveat::Rare(1), Caveat::Burst]);
    }
}
