//! A sample that was taken: which windows were read, and for how much time they stand.

use super::{ENOUGH_WINDOWS, FinishedCombs, SUBCOMBS, SamplingPlan};

/// Seconds since 1970: from inclusive, to exclusive.
type SampledSlice = (i64, i64);

/// With fewer finished sub-combs no interval can be given.
const FEWEST_PARTS: usize = 3;

/// A sample of one account and Region: the windows of a comb, and what was read in full besides.
///
/// Time that was read in full needs no estimate. The windows stand for the rest of the comb's span only, and what they
/// show of time that was read in full is not counted again: whoever counts, drops it by the events' ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    comb: SamplingPlan,
    done: FinishedCombs,
    /// The slices that were read in full: sorted, without overlap.
    read: Vec<SampledSlice>,
    /// The windows of the finished sub-combs with the seconds of each that were not read in full besides.
    looked: Vec<(u32, f64)>,
    /// The seconds of each sub-comb; zero for one that is not finished.
    covered: [f64; SUBCOMBS as usize],
    /// Seconds of the span that were not read in full.
    open: f64,
}

impl Sample {
    /// A sample of these finished sub-combs, and of these spans that were read in full, in any order.
    pub fn new(
        comb: SamplingPlan,
        done: FinishedCombs,
        read: impl IntoIterator<Item = SampledSlice>,
    ) -> Self {
        let read = joined(read.into_iter().collect());
        let mut covered = [0.0; SUBCOMBS as usize];
        let mut looked = Vec::new();
        for index in (0..comb.windows()).filter(|index| done.has(index % SUBCOMBS)) {
            if let Some(window) = comb.window(index) {
                let slice = (window.from.as_second(), window.last.as_second() + 1);
                let seconds = outside(slice, &read);
                covered[(index % SUBCOMBS) as usize] += seconds;
                looked.push((index, seconds));
            }
        }
        let open = outside(span_of(&comb), &read);
        Self {
            comb,
            done,
            read,
            looked,
            covered,
            open,
        }
    }

    /// The positions of the windows.
    pub fn comb(&self) -> &SamplingPlan {
        &self.comb
    }

    /// Returns which sub-combs are finished.
    pub fn done(&self) -> FinishedCombs {
        self.done
    }

    /// Returns how many windows were read.
    pub fn windows(&self) -> u32 {
        u32::try_from(self.looked.len()).unwrap_or(u32::MAX)
    }

    /// Returns whether it has so few windows that its intervals are too narrow for traffic on a schedule.
    pub fn is_thin(&self) -> bool {
        self.windows() < ENOUGH_WINDOWS
    }

    /// The windows that were read, by index, with the seconds of each that were not read in full besides.
    pub fn looked(&self) -> &[(u32, f64)] {
        &self.looked
    }

    /// Returns how many calls one counted call stands for; `None` if too little was read to say.
    pub fn weight(&self) -> Option<f64> {
        let seconds: f64 = self.covered.iter().sum();
        (self.parts().count() >= FEWEST_PARTS).then(|| (self.open / seconds).max(1.0))
    }

    /// The sub-combs that count, each with how many calls one call counted in it alone stands for.
    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let seconds = self.covered.iter().copied().enumerate();
        seconds
            .filter(|&(_, seconds)| seconds > 0.0)
            .map(|(part, seconds)| (part, self.open / seconds))
    }

    /// Seconds between two moments for which the sample and what was read in full stand together.
    pub fn seconds(&self, from: i64, to: i64) -> u64 {
        let mut all = self.read.clone();
        all.push(span_of(&self.comb));
        let parts = joined(all);
        let length = |&(start, end): &SampledSlice| (end.min(to) - start.max(from)).max(0);
        parts
            .iter()
            .map(length)
            .sum::<i64>()
            .try_into()
            .unwrap_or(0)
    }

    /// Seconds that were read in full.
    pub fn read_seconds(&self) -> u64 {
        let sum: i64 = self.read.iter().map(|slice| slice.1 - slice.0).sum();
        u64::try_from(sum).unwrap_or(0)
    }
}

fn span_of(comb: &SamplingPlan) -> SampledSlice {
    (comb.span.from.as_second(), comb.span.to.as_second())
}

/// Sorted, and without overlap.
fn joined(mut slices: Vec<SampledSlice>) -> Vec<SampledSlice> {
    slices.retain(|slice| slice.0 < slice.1);
    slices.sort_unstable();
    let mut joined: Vec<SampledSlice> = Vec::new();
    for slice in slices {
        match joined.last_mut() {
            Some(last) if slice.0 <= last.1 => last.1 = last.1.max(slice.1),
            _ => joined.push(slice),
        }
    }
    joined
}

/// Seconds of a slice outside these sorted ones.
#[expect(
    clippy::cast_precision_loss,
    reason = "spans of time in seconds are far below 2^52"
)]
fn outside(slice: SampledSlice, read: &[SampledSlice]) -> f64 {
    let begin = read.partition_point(|other| other.1 <= slice.0);
    let inside: i64 = read[begin..]
        .iter()
        .take_while(|other| other.0 < slice.1)
        .map(|other| other.1.min(slice.1) - other.0.max(slice.0))
        .sum();
    (slice.1 - slice.0 - inside).max(0) as f64
}
