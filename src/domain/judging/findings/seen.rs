//! What the searches share: the readers of a secret by role or user, whatever program and session they come with.

use std::collections::{BTreeMap, BTreeSet};

use super::ScanFacts;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::base::span::DAY_S;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::cell::Cell;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, Reader, ReaderUse};

/// One role or user and what it did with one secret. A new version of its SDK makes it no new reader.
#[derive(Debug)]
pub(super) struct ReaderIdentity<'a> {
    pub(super) name: &'a str,
    uses: Vec<(&'a Reader, &'a ReaderUse<'a>)>,
}

/// The consumers of a secret, by role or user.
pub(super) fn consumers<'a>(facts: &ScanFacts<'a>, index: usize) -> Vec<ReaderIdentity<'a>> {
    let mut all: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (reader, what) in &facts.activity.secrets[index] {
        if facts.policy.is_consumer(reader.kind) {
            all.entry(&reader.identity)
                .or_default()
                .push((&**reader, what));
        }
    }
    all.into_iter()
        .map(|(name, uses)| ReaderIdentity { name, uses })
        .collect()
}

impl<'a> ReaderIdentity<'a> {
    /// Returns whether it comes as one of these kinds.
    pub(super) fn is_any(&self, kinds: &[ReaderKind]) -> bool {
        self.uses
            .iter()
            .any(|(reader, _)| kinds.contains(&reader.kind))
    }

    /// Returns whether it comes as these kinds alone.
    pub(super) fn is_only(&self, kinds: &[ReaderKind]) -> bool {
        self.uses
            .iter()
            .all(|(reader, _)| kinds.contains(&reader.kind))
    }

    /// Returns whether another one comes with one of its programs.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let clients = |one: &Self| -> BTreeSet<String> {
            one.uses
                .iter()
                .map(|(reader, _)| reader.client.clone())
                .collect()
        };
        !clients(self).is_disjoint(&clients(other))
    }

    /// All its calls, and the batches that name the secret.
    pub(super) fn slices(&self) -> impl Iterator<Item = &'a ActivitySlice<'a>> {
        self.uses.iter().flat_map(|(_, what)| what.evidence())
    }

    /// The calls by which it used the secret: reads, and the refreshes of a cache.
    pub(super) fn used(&self) -> impl Iterator<Item = &'a ActivitySlice<'a>> {
        self.uses.iter().flat_map(|(_, what)| {
            let refreshes = what.refreshes();
            what.evidence().filter(move |slice| {
                slice.asks_for_value() && slice.access.outcome == CallOutcome::Ok
                    || refreshes && slice.is_describe()
            })
        })
    }

    /// The first and the last use in a span of time.
    pub(super) fn used_in(&self, window: ActivityWindow) -> Option<(i64, i64)> {
        let spans = self.used().filter_map(|slice| slice.span_in(window));
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The UTC days since 1970 on which it used the secret.
    pub(super) fn days(&self, window: ActivityWindow) -> BTreeSet<i64> {
        let cells = self.used().flat_map(ActivitySlice::cells);
        cells
            .filter(|cell| window.holds(cell.first()))
            .map(|cell| cell.first().div_euclid(DAY_S))
            .collect()
    }

    /// The role or user as people call it.
    pub(super) fn short(&self) -> &'a str {
        name_of(self.name)
    }
}

/// Returns whether a call came over a public path: from an address of the internet, and through no VPC endpoint. AWS
/// sees the address of a private network only of calls that come through an endpoint. What an AWS service calls has no
/// path of its own.
pub(super) fn is_public(slice: &ActivitySlice<'_>, cell: Cell) -> bool {
    let caller = &slice.access.caller;
    let is_of_service = !caller.invoked_by.is_empty()
        || !caller.source_service.is_empty()
        || caller.user_agent == "AWS Internal";
    !caller.vpc_endpoint
        && !is_of_service
        && cell.address != crate::domain::trail::cell::Address::default()
        && !cell.address.is_private()
}

/// Returns whether a call came through a VPC endpoint.
pub(super) fn is_through_endpoint(slice: &ActivitySlice<'_>, cell: Cell) -> bool {
    slice.access.caller.vpc_endpoint || cell.address.is_private()
}

/// Some names, and how many more there are.
pub(super) fn listed<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
