//! The secrets of two reports, joined by ARN, as far as both reports could see them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::report::result::{InventoryState, Report, SecretRow};

/// The secrets of two reports, joined by ARN.
pub(super) struct Pairs<'a> {
    pub(super) both: Vec<(&'a SecretRow, &'a SecretRow)>,
    /// Only in the old report, in scopes that both read.
    pub(super) gone: Vec<&'a SecretRow>,
    /// Only in the new report, in scopes that both read.
    pub(super) appeared: Vec<&'a SecretRow>,
    /// In a scope that only one of the reports read.
    pub(super) lost: Vec<&'a SecretRow>,
    pub(super) added: Vec<&'a SecretRow>,
    pub(super) scopes_lost: Vec<Scope>,
    pub(super) scopes_added: Vec<Scope>,
}

impl<'a> Pairs<'a> {
    pub(super) fn of(old: &'a Report, new: &'a Report) -> Self {
        let (old_scopes, new_scopes) = (scopes_read(old), scopes_read(new));
        let by_arn = |report: &'a Report| -> BTreeMap<&'a SecretArn, &'a SecretRow> {
            report.secrets.iter().map(|row| (&row.arn, row)).collect()
        };
        let (old_rows, new_rows) = (by_arn(old), by_arn(new));
        let mut pairs = Self {
            both: Vec::new(),
            gone: Vec::new(),
            appeared: Vec::new(),
            lost: Vec::new(),
            added: Vec::new(),
            scopes_lost: old_scopes.difference(&new_scopes).cloned().collect(),
            scopes_added: new_scopes.difference(&old_scopes).cloned().collect(),
        };
        for (arn, row) in &old_rows {
            match new_rows.get(arn) {
                Some(now) => pairs.both.push((row, now)),
                None if new_scopes.contains(row.arn.scope()) => pairs.gone.push(row),
                None => pairs.lost.push(row),
            }
        }
        for (arn, row) in &new_rows {
            if old_rows.contains_key(arn) {
                continue;
            }
            if old_scopes.contains(row.arn.scope()) {
                pairs.appeared.push(row);
            } else {
                pairs.added.push(row);
            }
        }
        pairs
    }
}

/// The scopes whose inventory a report holds: those it says it read, and those it has secrets of.
fn scopes_read(report: &Report) -> BTreeSet<Scope> {
    let said = report
        .scopes
        .iter()
        .filter(|row| row.inventory == InventoryState::Read)
        .map(|row| Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        });
    said.chain(report.secrets.iter().map(SecretRow::scope))
        .collect()
}
