//! What was counted in the windows of one sample, and how far the truth may lie from the estimate.

use std::collections::BTreeMap;
use std::fmt;

use super::{ENOUGH_WINDOWS, SUBCOMBS, Sample};
use crate::base::words;

/// The two-sided 95 % point of Student's t for 1 to 12 degrees of freedom.
const T95: [f64; 12] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
];

/// Seen in fewer windows than this, chance decides whether a sub-comb saw it at all.
const FEW: usize = 10;

/// The exact 95 % interval of a mean of which so many events were seen (Garwood), for fewer than [`FEW`]. For none it is
/// the one-sided bound: the rule of three.
const RARE: [(f64, f64); FEW] = [
    (0.0, 3.0),
    (0.025, 5.57),
    (0.242, 7.22),
    (0.619, 8.77),
    (1.09, 10.24),
    (1.62, 11.67),
    (2.20, 13.06),
    (2.81, 14.42),
    (3.45, 15.76),
    (4.12, 17.08),
];

/// The amount that something came to in each window: calls, or what they cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub(super) windows: BTreeMap<u32, f64>,
    /// The most that one event comes to.
    each: f64,
}

impl Series {
    /// Counts events of a window that come to so much each.
    pub fn add(&mut self, window: u32, events: f64, each: f64) {
        *self.windows.entry(window).or_default() += events * each;
        self.at_most(each);
    }

    /// Notes what one event would come to, if any were seen.
    pub fn at_most(&mut self, each: f64) {
        self.each = self.each.max(each.abs());
    }

    /// Takes another series of the same sample in, each amount times a factor.
    pub fn merge(&mut self, other: &Self, factor: f64) {
        for (&window, &amount) in &other.windows {
            *self.windows.entry(window).or_default() += amount * factor;
        }
        self.at_most(other.each * factor);
    }

    /// In how many windows there was something.
    pub fn seen_in(&self) -> usize {
        self.windows
            .values()
            .filter(|&&amount| amount > 0.0)
            .count()
    }

    /// The sum over all windows.
    pub fn sum(&self) -> f64 {
        self.windows.values().sum()
    }

    fn most(&self) -> f64 {
        self.windows.values().copied().fold(0.0, f64::max)
    }

    /// Returns what it came to in the time that the windows stand for; `None` if the sample is too small to say.
    pub fn estimate(&self, sample: &Sample) -> Option<f64> {
        Some(self.sum() * sample.weight()?)
    }

    /// Returns how far the truth may lie below and above the estimate, with 95 % certainty; `None` if the sample is too
    /// small to say.
    ///
    /// From the spread of the sub-combs' own estimates; where little was seen that spread is chance, and the interval is
    /// at least that of rare events, which come as often as windows saw them.
    pub fn halves(&self, sample: &Sample) -> Option<Halves> {
        let weight = sample.weight()?;
        // One call more or less at the edge of a window is chance, however regular the traffic is.
        let half = self.spread(sample).max(weight * self.each);
        let seen = self.seen_in();
        let Some(&(low, high)) = RARE.get(seen) else {
            return Some(Halves {
                below: half,
                above: half,
            });
        };
        if seen == 0 {
            return Some(Halves {
                below: half,
                above: half.max(high * weight * self.each),
            });
        }
        let windows = float(seen);
        let mean = self.sum() / windows * weight;
        Some(Halves {
            below: half.max((windows - low) * mean),
            above: half.max((high - windows) * mean),
        })
    }

    /// t times the standard error of the mean of the sub-combs' own estimates.
    fn spread(&self, sample: &Sample) -> f64 {
        let mut sums = [0.0; SUBCOMBS as usize];
        for (&window, &amount) in &self.windows {
            sums[(window % SUBCOMBS) as usize] += amount;
        }
        let own: Vec<f64> = sample
            .parts()
            .map(|(part, weight)| sums[part] * weight)
            .collect();
        let count = float(own.len());
        let mean = own.iter().sum::<f64>() / count;
        let spread = own.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0);
        T95[own.len().saturating_sub(2).min(T95.len() - 1)] * (spread / count).sqrt()
    }

    /// Returns why the interval may be too narrow.
    pub fn caveats(&self, sample: &Sample) -> Vec<IntervalCaveat> {
        let (seen, read) = (self.seen_in(), sample.windows());
        let few = u32::try_from(seen).unwrap_or(u32::MAX);
        let checks = [
            (seen < FEW, IntervalCaveat::Rare(few)),
            (
                seen > 0 && self.most() * 20.0 > self.sum(),
                IntervalCaveat::Burst,
            ),
            (sample.is_thin(), IntervalCaveat::FewWindows(read)),
        ];
        checks
            .into_iter()
            .filter_map(|(holds, caveat)| holds.then_some(caveat))
            .collect()
    }
}

/// The two halves of an interval: how far the truth may lie from an estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Halves {
    /// Below it.
    pub below: f64,
    /// Above it.
    pub above: f64,
}

impl Halves {
    /// Adds the intervals of two independent amounts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            below: self.below.hypot(other.below),
            above: self.above.hypot(other.above),
        }
    }
}

words! {
    /// The code of a reason why an interval may be too narrow.
    pub enum CaveatCode {
        /// It was seen in few windows.
        Rare = "rare",
        /// Much of what was seen is in one window.
        Burst = "burst",
        /// The sample as a whole has few windows.
        FewWindows = "few-windows",
    }
    /// The code of a reason that this version does not have. Other people's text.
    else Other
}

/// Why an interval may be too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntervalCaveat {
    /// Seen in this many windows only.
    Rare(u32),
    /// One window holds more than a twentieth of what was seen: a burst, which the other windows may have missed.
    Burst,
    /// The sample has this many windows only.
    FewWindows(u32),
}

impl IntervalCaveat {
    /// The word in `report.json`.
    pub fn code(self) -> CaveatCode {
        match self {
            Self::Rare(_) => CaveatCode::Rare,
            Self::Burst => CaveatCode::Burst,
            Self::FewWindows(_) => CaveatCode::FewWindows,
        }
    }
}

impl fmt::Display for IntervalCaveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rare(0) => f.write_str("seen in no window of the sample"),
            Self::Rare(1) => f.write_str("seen in 1 window of the sample only"),
            Self::Rare(windows) => write!(f, "seen in {windows} windows of the sample only"),
            Self::Burst => f.write_str("it comes in bursts, which a sample may miss or hit"),
            Self::FewWindows(windows) => write!(
                f,
                "the sample has {windows} windows; below {ENOUGH_WINDOWS} the interval is too narrow for traffic on a \
                 schedule"
            ),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sample has far fewer than 2^52 windows"
)]
fn float(count: usize) -> f64 {
    count as f64
}
