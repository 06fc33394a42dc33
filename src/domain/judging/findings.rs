//! Findings: what a scan shows besides cost and verdicts. What each kind means stands in
//! [`crate::domain::base::finding_kinds::FINDINGS`]; the rooms below search for them.
//!
//! A finding is made of what was seen. Where a rule needs that something was *not* seen, it asks for covered time
//! (`ScanFacts::is_covered`); what cannot be judged at all is said once, in [`FindingSearch::unjudged`], never by secret.

mod change;
mod failing;
mod inventory;
mod mutes;
mod network;
mod reach;
mod rotation;
mod seen;
mod stale;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::names::Scope;
use crate::domain::base::span::DAY_S;
use crate::domain::inventory::secret::Secret;
use crate::domain::judging::facts;
use crate::domain::policy::Policy;
use crate::domain::report::result::FindingRow;
use crate::domain::trail::coverage::Covered;
use crate::domain::usage::activity::{Activity, ActivityWindow, Readers};

pub use mutes::mute;

/// The facts that a search for findings examines.
#[derive(Debug)]
pub struct ScanFacts<'a> {
    /// The inventory.
    pub secrets: &'a [Secret],
    /// The calls for each of them, by reader.
    pub activity: &'a Activity<'a>,
    /// The settings.
    pub policy: &'a Policy,
    /// The moment that counts as "now".
    pub now: Timestamp,
    /// The window whose calls are counted.
    pub window: ActivityWindow,
    /// The span over which use is judged. Holds the window.
    pub evidence: ActivityWindow,
    /// The time that the trail covers.
    pub covered: &'a HashMap<Scope, Covered>,
}

impl ScanFacts<'_> {
    /// Since when nothing may have used what is idle.
    fn idle_since(&self) -> Timestamp {
        let back = i64::from(self.policy.idle_days) * DAY_S;
        Timestamp::from_second(self.now.as_second() - back).unwrap_or(self.now)
    }

    /// Returns whether every call of a secret's account and Region between two moments would have been seen.
    fn is_covered(&self, scope: &Scope, from: i64, to: i64) -> bool {
        let covered = self.covered.get(scope);
        covered.is_some_and(|covered| covered.is_complete(from, to))
    }
}

/// The outcome of a search.
#[derive(Debug, Default)]
pub struct FindingSearch {
    /// The findings.
    pub rows: Vec<FindingRow>,
    /// Sentences about what could not be judged.
    pub unjudged: Vec<String>,
}

/// The findings of a scan, in no particular order, and what could not be judged. They speak of the window, unless their
/// rule says otherwise.
pub fn find(facts: &ScanFacts<'_>) -> FindingSearch {
    let mut found = FindingSearch::default();
    failing::find(facts, &mut found.rows);
    rotation::find(facts, &mut found);
    inventory::find(facts, &mut found);
    reach::find(facts, &mut found);
    network::find(facts, &mut found);
    change::find(facts, &mut found);
    stale::find(facts, &mut found);
    found
        .rows
        .retain(|row| facts.policy.findings.is_on(&row.code));
    found
}

/// Sorts findings: severity, code, account, Region, name, reader.
pub fn sort(findings: &mut [FindingRow]) {
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
}

/// Returns what findings are sorted by.
fn key(row: &FindingRow) -> impl Ord + '_ {
    (
        row.severity,
        &row.code,
        &row.account,
        &row.region,
        &row.name,
        &row.reader,
        &row.text,
    )
}

/// A finding about a secret, of the usual severity of its kind.
fn about(secret: &Secret, code: FindingCode, text: String) -> FindingRow {
    let scope = secret.arn.scope();
    FindingRow {
        arn: Some(secret.arn.clone()),
        name: secret.name.clone(),
        account: Some(scope.account.clone()),
        region: Some(scope.region.clone()),
        ..general(code, text)
    }
}

/// A finding about no single secret, without further evidence.
fn general(code: FindingCode, text: String) -> FindingRow {
    FindingRow::general(code, text, String::new())
}

/// The last use by a consumer, in seconds since 1970.
fn last_use(readers: &Readers<'_>, policy: &Policy) -> Option<i64> {
    facts::last_use(readers, policy).map(|(at, _)| at)
}

/// A moment as evidence shows it.
fn moment(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
}
