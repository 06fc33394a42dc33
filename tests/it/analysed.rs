//! The scan as a function, for tests that make its inputs by the thousand: the spans of a month, and its report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use secretsweep::domain::analyse::{Input, Spans, Trail, analyse};
use secretsweep::domain::cost::Accrual;
use secretsweep::domain::coverage::Coverage;
use secretsweep::domain::ledger::Bounds;
use secretsweep::domain::policy::Policy;
use secretsweep::domain::report::{Report, Span};
use secretsweep::domain::secret::Secret;
use secretsweep::domain::usage::Access;

use crate::world::{DAY, NOW_S};

/// Thirty days are counted, ninety are looked at.
pub const BOUNDS: Bounds = Bounds {
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

/// What a scan makes of these, with [`BOUNDS`] as its spans.
pub fn report(
    secrets: Vec<Secret>,
    accesses: &[Access],
    coverage: &Coverage,
    policy: &Policy,
    trail: Trail,
) -> Report {
    analyse(Input {
        secrets,
        accesses,
        coverage,
        trail,
        spans: Spans {
            window: span(BOUNDS.window_from, NOW_S),
            evidence: span(BOUNDS.from, NOW_S),
            accrual: Accrual::Sliding,
        },
        policy,
        gaps: Vec::new(),
        scopes: BTreeSet::new(),
        now: moment(NOW_S),
        tool: "secretsweep".to_owned(),
        caller: None,
        account_names: BTreeMap::new(),
        month: None,
        notes: Vec::new(),
    })
}
