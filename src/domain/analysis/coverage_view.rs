//! How far the trail can be trusted, by account and Region.

use std::collections::{BTreeSet, HashMap};

use crate::domain::base::names::Scope;
use crate::domain::base::span::Span;
use crate::domain::pricing::cost::{Rate, WindowScale};
use crate::domain::report::result::TrailRow;
use crate::domain::trail::coverage::{Coverage, Covered, Proof, ScopeActivity};

use super::ScanSpans;

/// The time that the trail covers, by scope.
pub(super) struct CoverageView<'a> {
    pub(super) by_scope: HashMap<Scope, Covered>,
    coverage: &'a Coverage,
    spans: ScanSpans,
    idle_from: i64,
}

impl<'a> CoverageView<'a> {
    pub(super) fn new(
        coverage: &'a Coverage,
        scopes: &BTreeSet<Scope>,
        spans: ScanSpans,
        idle_from: i64,
    ) -> Self {
        let (from, to) = spans.evidence.seconds();
        let covered = |scope: &Scope| Some((scope.clone(), coverage.covered(scope, from, to)?));
        Self {
            by_scope: scopes.iter().filter_map(covered).collect(),
            coverage,
            spans,
            idle_from,
        }
    }

    pub(super) fn hours(&self, scope: &Scope, span: Span) -> u32 {
        let (from, to) = span.seconds();
        self.by_scope
            .get(scope)
            .map_or(0, |covered| covered.hours(from, to))
    }

    /// Returns what the calls of a scope stand for: the covered time, or the time that a sample was taken of. If the
    /// sample is too small to say anything, neither is known: what it showed cannot be told from what is counted. Nor
    /// does a part of an hour stand for a window that has more.
    pub(super) fn rate(&self, scope: &Scope) -> Rate {
        let (from, to) = self.spans.window.seconds();
        match self.coverage.samples().get(scope) {
            None => match self.by_scope.get(scope) {
                Some(covered) if covered.hours(from, to) > 0 => {
                    Rate::seconds(covered.seconds(from, to))
                }
                _ => Rate::UNKNOWN,
            },
            Some(sample) if sample.weight().is_some() => Rate::seconds(sample.seconds(from, to)),
            Some(_) => Rate::UNKNOWN,
        }
    }

    /// From what part of the window calls are scaled, where that is not all of it. A sample says itself what it stands for.
    pub(super) fn scale(&self, scope: &Scope) -> Option<WindowScale> {
        let (from, to) = self.spans.window.seconds();
        let covered = self.parts(scope)?.seconds(from, to);
        let whole = u64::try_from(to - from).unwrap_or(0);
        (covered > 0 && covered < whole).then_some(WindowScale { covered, whole })
    }

    /// Returns what of the window is covered, where that is not all of it: the calls of the rest are no part of a rate,
    /// although some may be known (of a trail that logged writes alone, those).
    pub(super) fn parts(&self, scope: &Scope) -> Option<&Covered> {
        let (from, to) = self.spans.window.seconds();
        let is_sampled = self.coverage.samples().contains_key(scope);
        let covered = self.by_scope.get(scope).filter(|_| !is_sampled)?;
        (!covered.is_complete(from, to)).then_some(covered)
    }

    /// The proof that a use within the idle time would have been seen.
    pub(super) fn proof(&self, scope: &Scope) -> Option<Proof> {
        let to = self.spans.evidence.to.as_second();
        self.by_scope.get(scope)?.proof(self.idle_from, to)
    }

    /// Returns whether a source says that it delivered everything of a scope.
    pub(super) fn is_asserted(&self, scope: &Scope) -> bool {
        self.coverage
            .of(scope)
            .is_some_and(ScopeActivity::is_asserted)
    }

    /// Returns what of the idle time is not covered.
    pub(super) fn holes(&self, scope: &Scope) -> Vec<(i64, i64)> {
        let to = self.spans.evidence.to.as_second();
        match self.by_scope.get(scope) {
            Some(covered) => covered.holes(self.idle_from, to),
            None => vec![(self.idle_from, to)],
        }
    }

    pub(super) fn row(&self, scope: &Scope) -> TrailRow {
        let (window, evidence) = (self.spans.window, self.spans.evidence);
        let complete = self.is_complete(scope, evidence);
        TrailRow {
            covered_hours: self.hours(scope, window),
            expected_hours: window.begun_hours(),
            complete,
            evidence_covered_hours: self.hours(scope, evidence),
            evidence_expected_hours: evidence.begun_hours(),
        }
    }

    pub(super) fn is_complete(&self, scope: &Scope, span: Span) -> bool {
        let (from, to) = span.seconds();
        let covered = self.by_scope.get(scope);
        covered.is_some_and(|covered| covered.is_complete(from, to))
    }

    /// Returns why these holes of a scope are not covered.
    pub(super) fn why(&self, scope: &Scope, holes: &[(i64, i64)]) -> String {
        self.coverage.why_not(scope, holes)
    }
}
