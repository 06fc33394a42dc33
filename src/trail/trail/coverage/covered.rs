//! Covered time as spans, and the proof that only such time can give.
//!
//! It says nothing of how time comes to be covered: that is decided from records and assertions by the module above.

use crate::base::span::HOUR_S;

/// The proof that a read of a secret would have been seen at any moment of a span. Only covered time gives one
/// ([`Covered::proof`]), and only with one a secret is judged unused by the absence of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof(());

impl Proof {
    /// Joins the proofs of several scopes: all of them have one. Of no scope there is none.
    pub fn of_all(proofs: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        proofs.into_iter().reduce(Option::and).flatten()
    }
}

/// Time that is covered: sorted spans without overlap, in seconds since 1970, ends exclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered(Vec<(i64, i64)>);

impl Covered {
    /// Joins spans; those that end before they begin are left out.
    pub(super) fn new(mut spans: Vec<(i64, i64)>) -> Self {
        spans.retain(|(from, to)| from < to);
        spans.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for (from, to) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// Covered seconds between two moments.
    pub fn seconds(&self, from: i64, to: i64) -> u64 {
        let inside = |span: &(i64, i64)| (span.1.min(to) - span.0.max(from)).max(0);
        self.0.iter().map(inside).sum::<i64>().unsigned_abs()
    }

    /// Whole covered hours between two moments. Where all of it is covered, an hour that was begun counts as one, as it
    /// does in [`crate::base::span::Span::begun_hours`]: only what has a hole has fewer hours than its span.
    pub fn hours(&self, from: i64, to: i64) -> u32 {
        let seconds = self.seconds(from, to);
        let hour = HOUR_S.unsigned_abs();
        let hours = if self.is_complete(from, to) {
            seconds.div_ceil(hour)
        } else {
            seconds / hour
        };
        u32::try_from(hours).unwrap_or(u32::MAX)
    }

    /// Returns whether a moment is covered.
    pub fn holds(&self, moment: i64) -> bool {
        let behind = self.0.partition_point(|span| span.0 <= moment);
        behind > 0 && moment < self.0[behind - 1].1
    }

    /// Returns whether every second between two moments is covered.
    pub fn is_complete(&self, from: i64, to: i64) -> bool {
        self.holes(from, to).is_empty()
    }

    /// The proof for the span between two moments, if all of it is covered.
    pub fn proof(&self, from: i64, to: i64) -> Option<Proof> {
        self.is_complete(from, to).then_some(Proof(()))
    }

    /// Returns the spans between two moments that are not covered.
    pub fn holes(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut holes = Vec::new();
        let mut at = from;
        for span in &self.0 {
            if span.0.min(to) > at {
                holes.push((at, span.0.min(to)));
            }
            at = at.max(span.1);
        }
        if at < to {
            holes.push((at, to));
        }
        holes
    }

    /// Returns what is covered outside of these spans.
    #[must_use]
    pub(super) fn without(&self, spans: Vec<(i64, i64)>) -> Self {
        let spans = Self::new(spans);
        let parts = self.0.iter();
        Self::new(
            parts
                .flat_map(|&(from, to)| spans.holes(from, to))
                .collect(),
        )
    }

    /// Returns what both cover.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let both = self.0.iter().flat_map(|one| {
            let meet = |two: &(i64, i64)| (one.0.max(two.0), one.1.min(two.1));
            other.0.iter().map(meet)
        });
        Self::new(both.collect())
    }

    /// Returns what one of them covers, or both.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self::new(self.0.into_iter().chain(other.0).collect())
    }
}
