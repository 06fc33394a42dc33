//! Evidence that names no secret: refused calls, and batches that select by filters. It counts for every secret of the
//! account and Region in which it was logged, as far as nothing narrows it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::base::names::Scope;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::judging::facts::UnnamedRefusal;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::cell::Cell;
use crate::domain::usage::activity::{Activity, ByCaller};

/// The evidence by the account and Region in which it was logged.
#[derive(Debug, Default)]
pub(super) struct Unnamed<'a> {
    refusals: HashMap<Scope, Vec<UnnamedRefusal>>,
    filters: HashMap<Scope, Vec<&'a ByCaller<'a>>>,
}

impl<'a> Unnamed<'a> {
    /// Sorts it by account and Region. Of each caller and outcome the last refusal counts.
    pub(super) fn new(activity: &'a Activity<'a>) -> Self {
        let mut unnamed = Self::default();
        for (scope, refusal) in latest(activity) {
            unnamed.refusals.entry(scope).or_default().push(refusal);
        }
        for refusals in unnamed.refusals.values_mut() {
            refusals.sort_by(|a, b| (b.last, &a.identity).cmp(&(a.last, &b.identity)));
        }
        for batch in &activity.filters {
            if let Some(scope) = batch.slice.access.scope() {
                unnamed.filters.entry(scope).or_default().push(batch);
            }
        }
        unnamed
    }

    pub(super) fn refusals(&self, scope: &Scope) -> impl Iterator<Item = &UnnamedRefusal> {
        self.refusals.get(scope).into_iter().flatten()
    }

    pub(super) fn filters(&self, scope: &Scope) -> impl Iterator<Item = &'a ByCaller<'a>> {
        self.filters.get(scope).into_iter().flatten().copied()
    }
}

/// The last refusal of each caller and outcome, by account and Region, without those that a record of KMS explains:
/// where the key refuses, KMS logs the ARN of the secret in the same hour, and that secret alone was meant.
fn latest(activity: &Activity<'_>) -> Vec<(Scope, UnnamedRefusal)> {
    let refused_keys: HashSet<(&str, u32)> = activity
        .key_uses
        .values()
        .flatten()
        .filter(|key_use| key_use.slice.access.outcome != CallOutcome::Ok)
        .flat_map(|key_use| {
            let identity = key_use.slice.access.caller.identity.as_str();
            let cells = key_use.slice.cells();
            cells.map(move |cell| (identity, cell.hour()))
        })
        .collect();
    let mut latest: BTreeMap<_, UnnamedRefusal> = BTreeMap::new();
    for call in &activity.unnamed {
        let (access, identity) = (call.slice.access, &call.reader.identity);
        let caller = &access.caller.identity;
        let cells = call.slice.cells();
        let last = cells
            .filter(|cell| !refused_keys.contains(&(caller.as_str(), cell.hour())))
            .map(Cell::last)
            .max();
        let (Some(last), Some(scope)) = (last, access.scope()) else {
            continue;
        };
        if call.reader.kind == ReaderKind::Ourselves {
            continue;
        }
        let refusal = UnnamedRefusal {
            last,
            identity: identity.clone(),
            outcome: access.outcome,
        };
        latest
            .entry((scope, identity.clone(), access.outcome))
            .and_modify(|known| known.last = known.last.max(last))
            .or_insert(refusal);
    }
    latest
        .into_iter()
        .map(|((scope, ..), refusal)| (scope, refusal))
        .collect()
}
