//! The scan as a function, for tests that make its inputs by the thousand: the spans of a month, and its report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use secretsweep::domain::analysis::{Input, ScanSpans, TrailInput, VersionAnswers, analyse};
use secretsweep::domain::base::span::Span;
use secretsweep::domain::inventory::secret::Secret;
use secretsweep::domain::policy::Policy;
use secretsweep::domain::pricing::cost::Accrual;
use secretsweep::domain::report::result::Report;
use secretsweep::domain::trail::calls::CallSeries;
use secretsweep::domain::trail::coverage::Coverage;
use secretsweep::domain::trail::ledger::LedgerBounds;

use crate::world::{DAY, NOW_S};

/// Thirty days are counted, ninety are looked at.
pub const BOUNDS: LedgerBounds = LedgerBounds {
    from: NOW_S - 90 * DAY,
    window_from: NOW_S - 30 * DAY,
    to: NOW_S,
};

pub fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn span(from: i64, to: i64) -> Span {
    Span {
        from: moment(from),
        to: moment(to),
    }
}

/// Returns what a scan makes of these, with [`BOUNDS`] as its spans.
pub fn report(
    secrets: Vec<Secret>,
    accesses: &[CallSeries],
    coverage: &Coverage,
    policy: &Policy,
    trail: TrailInput,
) -> Report {
    let input = Input {
        secrets,
        accesses,
        coverage,
        trail,
        spans: ScanSpans {
            window: span(BOUNDS.window_from, NOW_S),
            evidence: span(BOUNDS.from, NOW_S),
            accrual: Accrual::Sliding,
        },
        policy,
        iam: None,
        gaps: Vec::new(),
        scopes: BTreeSet::new(),
        now: moment(NOW_S),
        tool: "secretsweep".to_owned(),
        caller: None,
        account_names: BTreeMap::new(),
        month: None,
        notes: Vec::new(),
    };
    analyse(input, |_| VersionAnswers::default())
}
