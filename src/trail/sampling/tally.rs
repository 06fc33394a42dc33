//! What was counted in the samples of several accounts and Regions.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::{Halves, IntervalCaveat, Sample, Series};
use crate::base::names::Scope;

/// The samples by account and Region.
pub type Samples = BTreeMap<Scope, Sample>;

/// A series in each of several samples. What was counted exactly is not in it: it has no spread.
///
/// The combs of the samples lie independently of each other, so variances add; within a sample what is added up is the
/// windows, so that things that come and go together spread together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally<'a>(pub(super) BTreeMap<&'a Scope, Series>);

impl<'a> Tally<'a> {
    /// The series in one sample.
    pub fn of(&mut self, scope: &'a Scope) -> &mut Series {
        self.0.entry(scope).or_default()
    }

    /// Takes another tally in, each amount times a factor.
    pub fn merge(&mut self, other: &Self, factor: f64) {
        for (scope, series) in &other.0 {
            self.0.entry(scope).or_default().merge(series, factor);
        }
    }

    /// Returns whether any sample speaks of it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn each<'s>(&'s self, samples: &'s Samples) -> impl Iterator<Item = (&'s Series, &'s Sample)> {
        self.0
            .iter()
            .filter_map(|(scope, series)| Some((series, samples.get(*scope)?)))
    }

    /// Returns what it came to in the time that the windows stand for.
    pub fn estimate(&self, samples: &Samples) -> f64 {
        self.each(samples)
            .filter_map(|(series, sample)| series.estimate(sample))
            .sum()
    }

    /// Returns what the windows themselves show.
    pub fn sum(&self) -> f64 {
        self.0.values().map(Series::sum).sum()
    }

    /// Returns how far the truth may lie from the estimate, with 95 % certainty.
    pub fn halves(&self, samples: &Samples) -> Halves {
        self.each(samples)
            .filter_map(|(series, sample)| series.halves(sample))
            .fold(Halves::default(), Halves::and)
    }

    /// In how many windows there was something.
    pub fn seen_in(&self) -> usize {
        self.0.values().map(Series::seen_in).sum()
    }

    /// Returns why the interval may be too narrow: all reasons of all samples that saw it; without any, of all.
    pub fn caveats(&self, samples: &Samples) -> Vec<IntervalCaveat> {
        let nothing = self.seen_in() == 0;
        let mut caveats: Vec<IntervalCaveat> = self
            .each(samples)
            .filter(|(series, _)| nothing || series.seen_in() > 0)
            .flat_map(|(series, sample)| series.caveats(sample))
            .collect();
        caveats.sort_unstable();
        caveats.dedup();
        caveats
    }
}

impl AddAssign for Tally<'_> {
    fn add_assign(&mut self, other: Self) {
        self.merge(&other, 1.0);
    }
}
