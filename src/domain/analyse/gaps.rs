//! What could not be seen: inventory that is missing, holes in the trail, prices that nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::money::counted;
use crate::domain::names::{Region, Scope};
use crate::domain::report::{Gap, SecretRow};

use super::cover::seconds;
use super::{Scan, Trail};

impl Scan<'_> {
    /// What could not be seen. A hole in the trail is a gap where it limits the result: in the window, whose calls are
    /// counted, or where a secret could not be judged for it.
    pub(super) fn gaps(&self, rows: &[SecretRow]) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (scope, names) in self.uninventoried() {
            gaps.push(Gap {
                account: Some(scope.account),
                region: Some(scope.region),
                source: "inventory".to_owned(),
                what: format!(
                    "no inventory, yet {} read here",
                    counted(names, "secret is", "secrets are")
                ),
                why: "no inventory file holds this account and Region".to_owned(),
            });
        }
        if self.trail == Trail::Given {
            let unjudged = unjudged(rows);
            let limits = |scope: &&Scope| {
                unjudged.contains(scope) || !self.cover.is_complete(scope, self.spans.window)
            };
            let limiting = self.inventoried.iter().filter(limits);
            gaps.extend(limiting.filter_map(|scope| self.trail_gap(scope)));
        }
        let unpriced: BTreeSet<&str> = self
            .secrets
            .iter()
            .filter(|secret| self.price(&secret.arn).is_none())
            .map(|secret| secret.arn.partition())
            .collect();
        gaps.extend(unpriced.into_iter().map(|partition| Gap {
            account: None,
            region: None,
            source: "prices".to_owned(),
            what: format!("no price is known for the partition `{partition}`"),
            why: "give one with `--prices FILE`; until then its costs are empty and left out of the totals".to_owned(),
        }));
        gaps
    }

    fn trail_gap(&self, scope: &Scope) -> Option<Gap> {
        let (from, to) = seconds(self.spans.evidence);
        let holes = match self.cover.by_scope.get(scope) {
            Some(covered) => covered.holes(from, to),
            None => vec![(from, to)],
        };
        let missing: i64 = holes.iter().map(|hole| hole.1 - hole.0).sum();
        if missing == 0 {
            return None;
        }
        let moment = |second: i64| {
            Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
        };
        let mut longest = holes.clone();
        longest.sort_by_key(|hole| (hole.0 - hole.1, hole.0));
        let mut shown: Vec<&(i64, i64)> = longest.iter().take(3).collect();
        shown.sort();
        let spans: Vec<String> = shown
            .iter()
            .map(|hole| format!("{} to {}", moment(hole.0), moment(hole.1)))
            .collect();
        let more = holes.len() - spans.len();
        let and_more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        Some(Gap {
            account: Some(scope.account.clone()),
            region: Some(scope.region.clone()),
            source: "trail".to_owned(),
            what: format!(
                "{} of {} ({}{and_more})",
                in_days(missing),
                in_days(to - from),
                spans.join(", ")
            ),
            why: self.cover.why(scope).to_owned(),
        })
    }

    /// Scopes without inventory in which secrets were called successfully, with how many names.
    pub(super) fn uninventoried(&self) -> BTreeMap<Scope, u64> {
        let mut scopes = BTreeMap::new();
        for (missing, readers) in &self.activity.missing {
            let answered = readers.values().any(|what| what.last_use().is_some());
            let Some(scope) = missing
                .scope()
                .filter(|scope| answered && !self.inventoried.contains(scope))
            else {
                continue;
            };
            *scopes.entry(scope).or_default() += 1;
        }
        scopes
    }
}

/// Where the secrets stand, replicas included, that could not be judged for want of evidence.
fn unjudged(rows: &[SecretRow]) -> BTreeSet<Scope> {
    let wants = |row: &&SecretRow| {
        row.reasons
            .iter()
            .any(|reason| reason.code == "coverage-gap")
    };
    let places = |row: &SecretRow| {
        let own = row.scope();
        let there = |region: &Region| Scope {
            account: own.account.clone(),
            region: region.clone(),
        };
        let mut places: Vec<Scope> = row.replicas.iter().map(there).collect();
        places.push(own);
        places
    };
    rows.iter().filter(wants).flat_map(places).collect()
}

/// Seconds as days with one decimal: `12.0 days`.
pub(super) fn in_days(seconds: i64) -> String {
    let tenths = (seconds * 10 + 43_200) / 86_400;
    let unit = if tenths == 10 { "day" } else { "days" };
    if tenths % 10 == 0 {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}
