//! The loops that came and those that went, told apart from those that the new report cannot see.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::LoopChange;
use crate::domain::base::names::{AccountId, Index, Region, Resolution, Scope, SecretArn};
use crate::domain::report::result::{LoopRow, Report, ScopeRow, SecretRow};

/// The loops of two reports.
pub(super) struct LoopChanges {
    pub(super) found: Vec<LoopChange>,
    pub(super) fixed: Vec<LoopChange>,
    pub(super) unseen: Vec<LoopChange>,
}

/// The target of a loop.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LoopSubject<'a> {
    Secret(&'a SecretArn),
    /// A name that stands for no secret in either report.
    Name(Option<&'a AccountId>, Option<&'a Region>, &'a str),
}

/// The key by which two reports have the same loop: the target, the reader and the API.
type LoopKey<'a> = (LoopSubject<'a>, &'a str, &'a str);

/// The secrets of a report by name.
pub(super) struct Names<'a> {
    pub(super) rows: &'a [SecretRow],
    index: Index<'a>,
}

impl<'a> Names<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let created = |row: &SecretRow| row.created.map(Timestamp::as_second);
        let secrets = report.secrets.iter();
        Self {
            rows: &report.secrets,
            index: Index::new(secrets.map(|row| (&row.arn, created(row)))),
        }
    }

    /// The secret that the name of a loop on no secret stands for here: it was made since the other scan, or is gone in
    /// it.
    pub(super) fn secret(&self, row: &LoopRow) -> Option<&'a SecretRow> {
        // Whoever asks under the name now means the youngest.
        match self
            .index
            .resolve(&row.name, scope_of(row).as_ref(), i64::MAX)
        {
            Resolution::One(index) => self.rows.get(index),
            _ => None,
        }
    }
}

/// Returns where the calls of a loop were logged, if it is known.
pub(super) fn scope_of(row: &LoopRow) -> Option<Scope> {
    Some(Scope {
        account: row.account.clone()?,
        region: row.region.clone()?,
    })
}

fn key<'a>(row: &'a LoopRow, other: &Names<'a>) -> LoopKey<'a> {
    let named = || other.secret(row).map(|found| &found.arn);
    let subject = row.arn.as_ref().or_else(named).map_or_else(
        || LoopSubject::Name(row.account.as_ref(), row.region.as_ref(), &row.name),
        LoopSubject::Secret,
    );
    (subject, &row.reader, &row.what)
}

fn keys<'a>(report: &'a Report, other: &Names<'a>) -> BTreeSet<LoopKey<'a>> {
    report.loops.iter().map(|row| key(row, other)).collect()
}

impl LoopChanges {
    pub(super) fn of(old: &Report, new: &Report) -> Self {
        let (old_names, new_names) = (Names::of(old), Names::of(new));
        let (before, after) = (keys(old, &new_names), keys(new, &old_names));
        let only = |rows: &[LoopRow], names: &Names<'_>, others: &BTreeSet<LoopKey<'_>>| {
            let rows = rows.iter();
            rows.filter(|row| !others.contains(&key(row, names)))
                .map(loop_change)
                .collect::<Vec<_>>()
        };
        let (fixed, unseen) = only(&old.loops, &new_names, &after)
            .into_iter()
            .partition(|row| can_tell(new, row.account.as_ref(), row.region.as_ref()));
        Self {
            found: only(&new.loops, &old_names, &before),
            fixed,
            unseen,
        }
    }
}

fn loop_change(row: &LoopRow) -> LoopChange {
    LoopChange {
        arn: row.arn.clone(),
        name: row.name.clone(),
        account: row.account.clone(),
        region: row.region.clone(),
        reader: row.reader.clone(),
        what: row.what.clone(),
        reads_month: row.reads_month,
        avoidable_usd_month: row.avoidable_usd_month,
    }
}

/// Returns whether a report would see what is called in an account and Region: the trail covers nine tenths of its
/// window there.
pub(super) fn can_tell(
    report: &Report,
    account: Option<&AccountId>,
    region: Option<&Region>,
) -> bool {
    let here = |row: &&ScopeRow| Some(&row.account) == account && Some(&row.region) == region;
    report.scopes.iter().find(here).is_some_and(|row| {
        let (covered, expected) = (row.trail.covered_hours, row.trail.expected_hours);
        expected > 0 && u64::from(covered) * 10 >= u64::from(expected) * 9
    })
}
