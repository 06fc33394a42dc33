//! What could not be seen: inventory that is missing, holes in the trail, prices that nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::counted;
use crate::domain::base::names::{Region, Scope};
use crate::domain::report::result::SecretRow;
use crate::domain::report::verdict::RuleCode;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::coverage::in_words;

use super::coverage_view::CoverageView;
use super::{Scan, ScanSpans, TrailInput};

impl Scan<'_> {
    /// Inventory that is missing.
    pub(super) fn missing(&self) -> Vec<Gap> {
        let gap = |(scope, names): (Scope, u64)| Gap {
            account: Some(scope.account),
            region: Some(scope.region),
            source: GapSource::Inventory,
            what: format!(
                "no inventory, yet {} called here",
                counted(names, "secret is", "secrets are")
            ),
            why: "no inventory file holds this account and Region".to_owned(),
        };
        self.uninventoried().into_iter().map(gap).collect()
    }

    /// Prices that nobody knows.
    pub(super) fn unpriced(&self) -> Vec<Gap> {
        let unpriced: BTreeSet<&str> = self
            .secrets
            .iter()
            .filter(|secret| self.price(&secret.arn).is_none())
            .map(|secret| secret.arn.partition())
            .collect();
        let gap = |partition: &str| {
            Gap {
            account: None,
            region: None,
            source: GapSource::Prices,
            what: format!("no price is known for the partition `{partition}`"),
            why: "give one with `--prices FILE`; until then its costs are empty and left out of the totals".to_owned(),
        }
        };
        unpriced.into_iter().map(gap).collect()
    }

    /// Scopes without inventory whose secrets were called successfully, with how many names.
    pub(super) fn uninventoried(&self) -> BTreeMap<Scope, u64> {
        let mut scopes = BTreeMap::new();
        for (missing, readers) in &self.activity.missing {
            let mut slices = readers.values().flat_map(|what| &what.slices);
            let answered = slices.any(|slice| slice.access.outcome == CallOutcome::Ok);
            let scope = missing.scope_and_name().map(|(scope, _)| scope);
            if let Some(scope) = scope.filter(|scope| answered && !self.inventoried.contains(scope))
            {
                *scopes.entry(scope).or_default() += 1;
            }
        }
        scopes
    }
}

/// Holes in the trail. One is a gap where it limits the result: in the window, whose calls are counted, or where a secret
/// could not be judged for it.
pub(super) fn in_trail(
    cover: &CoverageView<'_>,
    inventoried: &BTreeSet<Scope>,
    trail: TrailInput,
    spans: ScanSpans,
    rows: &[SecretRow],
) -> Vec<Gap> {
    if trail == TrailInput::Declined {
        return Vec::new();
    }
    let unjudged = unjudged(rows);
    let limits =
        |scope: &&Scope| unjudged.contains(scope) || !cover.is_complete(scope, spans.window);
    let limiting = inventoried.iter().filter(limits);
    limiting
        .filter_map(|scope| trail_gap(cover, spans, scope))
        .collect()
}

fn trail_gap(cover: &CoverageView<'_>, spans: ScanSpans, scope: &Scope) -> Option<Gap> {
    let (from, to) = spans.evidence.seconds();
    let holes = match cover.by_scope.get(scope) {
        Some(covered) => covered.holes(from, to),
        None => vec![(from, to)],
    };
    Some(Gap {
        account: Some(scope.account.clone()),
        region: Some(scope.region.clone()),
        source: GapSource::Trail,
        what: in_words(&holes, to - from)?,
        why: cover.why(scope, &holes),
    })
}

/// Returns where the secrets stand, replicas included, that could not be judged for want of evidence.
fn unjudged(rows: &[SecretRow]) -> BTreeSet<Scope> {
    let wants = |row: &&SecretRow| {
        row.reasons
            .iter()
            .any(|reason| reason.code == RuleCode::CoverageGap)
    };
    let scopes_of = |row: &SecretRow| {
        let own = row.scope();
        let there = |region: &Region| Scope {
            account: own.account.clone(),
            region: region.clone(),
        };
        let mut scopes: Vec<Scope> = row.replicas.iter().map(there).collect();
        scopes.push(own);
        scopes
    };
    rows.iter().filter(wants).flat_map(scopes_of).collect()
}
