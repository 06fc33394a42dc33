//! The order in which findings matter: open ones, by severity and kind, with the owners of the secrets they are about.
//!
//! Twelve secrets without rotation are one thing to do. Hot loops are left out: they stand among the savings.

use std::collections::{BTreeMap, HashMap};

use super::escape::fit;
use crate::domain::base::finding_kinds::{FINDINGS, FindingCode, Severity};
use crate::domain::base::names::SecretArn;
use crate::domain::report::result::{FindingRow, Report};

/// The number of groups that people are shown at most.
pub(crate) const MOST: usize = 10;

/// Sets how many owners of a group are named.
const OWNERS: usize = 3;

/// The open findings of one severity and kind.
#[derive(Debug)]
pub(crate) struct FindingGroup<'a> {
    pub(crate) severity: Severity,
    pub(crate) code: &'a FindingCode,
    pub(crate) rows: Vec<&'a FindingRow>,
    /// The owners of the secrets, those of the most findings first. Other people's text.
    pub(crate) owners: Vec<(&'a str, usize)>,
}

impl FindingGroup<'_> {
    /// The owners for people: `orders (3), loyalty and 2 more`. Empty if none is known.
    pub(crate) fn owners_in_words(&self) -> String {
        let shown = self
            .owners
            .iter()
            .take(OWNERS)
            .map(|(owner, count)| match count {
                1 => fit(owner, 30),
                many => format!("{} ({many})", fit(owner, 30)),
            });
        let shown: Vec<_> = shown.collect();
        match self.owners.len().saturating_sub(OWNERS) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

/// The groups, those that matter most first.
pub(crate) fn groups(report: &Report) -> Vec<FindingGroup<'_>> {
    let rank = |code: &FindingCode| {
        let known = FINDINGS.iter().position(|kind| kind.code == *code);
        known.unwrap_or(FINDINGS.len())
    };
    let mut kinds: BTreeMap<_, Vec<&FindingRow>> = BTreeMap::new();
    for row in shown(report) {
        let key = (row.severity, rank(&row.code), &row.code);
        kinds.entry(key).or_default().push(row);
    }
    let owners = owners(report);
    let groups = kinds
        .into_iter()
        .map(|((severity, _, code), rows)| FindingGroup {
            severity,
            code,
            owners: counted_owners(&rows, &owners),
            rows,
        });
    groups.collect()
}

/// The owners of the secrets that findings are about, those of the most findings first.
fn counted_owners<'a>(
    rows: &[&'a FindingRow],
    owners: &HashMap<&SecretArn, &'a str>,
) -> Vec<(&'a str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for arn in rows.iter().filter_map(|row| row.arn.as_ref()) {
        if let Some(owner) = owners.get(arn) {
            *counts.entry(owner).or_default() += 1;
        }
    }
    let mut counted: Vec<_> = counts.into_iter().collect();
    counted.sort_by_key(|(owner, count)| (std::cmp::Reverse(*count), *owner));
    counted
}

/// The findings that the groups hold.
pub(crate) fn shown(report: &Report) -> impl Iterator<Item = &FindingRow> {
    report
        .open_findings()
        .filter(|row| row.code != FindingCode::HotLoop)
}

/// The owners of the secrets that findings are about.
fn owners(report: &Report) -> HashMap<&SecretArn, &str> {
    let named = shown(report).filter_map(|row| row.arn.as_ref());
    let mut owners: HashMap<&SecretArn, &str> = named.map(|arn| (arn, "")).collect();
    for row in &report.secrets {
        if let (Some(owner), Some(known)) = (&row.owner, owners.get_mut(&row.arn)) {
            *known = owner;
        }
    }
    owners.retain(|_, owner| !owner.is_empty());
    owners
}
