//! What one reader did with one secret: when it used the secret, whether it refreshes a cache, and how it failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::failure::FailureCause;
use super::slice::{ActivitySlice, ActivityWindow};
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::base::span::DAY_S;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::cell::Cell;
use crate::domain::usage::classify::Class;

/// A caller that describes a secret on so many days, or in so many hours, does so regularly: it refreshes a cache.
const REGULAR_DAYS: usize = 4;
const REGULAR_HOURS: usize = 12;

/// Returns whether calls come on so many days, or in so many hours, that somebody makes them by habit.
pub(super) fn is_regular(cells: impl Iterator<Item = Cell>) -> bool {
    let mut hours: Vec<u32> = cells.map(Cell::hour).collect();
    hours.sort_unstable();
    hours.dedup();
    let days = hours.chunk_by(|one, next| one / 24 == next / 24);
    hours.len() >= REGULAR_HOURS || days.count() >= REGULAR_DAYS
}

/// A reader, as reports group calls: by role or user and client, never by session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader {
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The ARN of the role or user, or the name of the service.
    pub identity: String,
    /// The program.
    pub client: String,
}

/// The activity of one reader with one secret, or with one name that is not in the inventory.
#[derive(Clone, Debug)]
pub struct ReaderUse<'a> {
    /// The cache time and advice for this reader.
    pub class: Arc<Class>,
    /// Its calls.
    pub slices: Vec<ActivitySlice<'a>>,
    /// The batches that name the secret. The calls themselves belong to no secret: what a batch reads is logged once more
    /// for each secret.
    pub batches: Vec<ActivitySlice<'a>>,
}

impl<'a> ReaderUse<'a> {
    /// Calls in a window.
    pub fn calls_in(&self, window: ActivityWindow) -> u64 {
        self.slices.iter().map(|slice| slice.calls_in(window)).sum()
    }

    /// Calls in a window of which something is true.
    pub fn count(&self, window: ActivityWindow, which: impl Fn(&ActivitySlice<'a>) -> bool) -> u64 {
        let chosen = self.slices.iter().filter(|slice| which(slice));
        chosen.map(|slice| slice.calls_in(window)).sum()
    }

    /// The calls, and the batches that name the secret.
    pub fn evidence(&self) -> impl Iterator<Item = &ActivitySlice<'a>> {
        self.slices.iter().chain(&self.batches)
    }

    /// The first and the last call, in seconds since 1970.
    pub fn span(&self) -> (i64, i64) {
        let first = self.evidence().map(ActivitySlice::first).min().unwrap_or(0);
        (
            first,
            self.evidence().map(ActivitySlice::last).max().unwrap_or(0),
        )
    }

    /// The last call by which this reader used the secret: a read, alone or in a batch, or the refresh of a cache.
    pub fn last_use(&self) -> Option<i64> {
        let refreshes = self.refreshes();
        let used = self.evidence().filter(|slice| {
            slice.asks_for_value() && slice.access.outcome == CallOutcome::Ok
                || refreshes && slice.is_describe()
        });
        used.map(ActivitySlice::last).max()
    }

    /// Returns whether the reader writes the secret.
    pub fn writes(&self) -> bool {
        self.slices.iter().any(ActivitySlice::is_write)
    }

    /// Returns whether a `DescribeSecret` by this reader refreshes a cache.
    ///
    /// AWS's caching libraries refresh so, and say who they are only where they make their own client: the examples in
    /// their READMEs hand one in. So whoever describes a secret regularly is taken for a cache, unless it is known to look
    /// after secrets, or writes this one: then it describes the secret in order to write it.
    pub fn refreshes(&self) -> bool {
        if self.class.kind.is_maintenance() || self.writes() {
            return false;
        }
        self.class.kind.describes_to_use() || self.describes_regularly()
    }

    fn describes_regularly(&self) -> bool {
        let describes = self.slices.iter().filter(|slice| slice.is_describe());
        is_regular(describes.flat_map(ActivitySlice::cells))
    }

    /// The UTC days since 1970 on which it read.
    pub fn read_days(&self) -> BTreeSet<i64> {
        let reads = self.slices.iter().filter(|slice| slice.is_read());
        reads
            .flat_map(|slice| slice.cells().map(|cell| cell.first().div_euclid(DAY_S)))
            .collect()
    }

    /// The failed attempts to use the secret. A describe counts by whoever is not known to look after secrets: a cache may
    /// want to refresh.
    pub fn failed(&self) -> impl Iterator<Item = &ActivitySlice<'a>> {
        let describes = !self.class.kind.is_maintenance();
        self.evidence().filter(move |slice| {
            let asks = slice.asks_for_value() || describes && slice.asks_for_description();
            asks && slice.access.outcome != CallOutcome::Ok
        })
    }

    /// The failed attempts in a window to use the secret, by their cause.
    pub fn failures(&self, window: ActivityWindow) -> BTreeMap<FailureCause, FailedCalls> {
        let mut failures: BTreeMap<FailureCause, FailedCalls> = BTreeMap::new();
        for slice in self.failed() {
            if let (Some(cause), Some(span)) = (FailureCause::of(slice), slice.span_in(window)) {
                let found = failures.entry(cause).or_default();
                found.add(slice, slice.calls_in(window), span);
            }
        }
        failures
    }
}

/// Failed calls that ended alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedCalls {
    /// The number of calls.
    pub calls: u64,
    /// Some of them were not seen: a sample stands for them.
    pub estimated: bool,
    /// The first of them, in seconds since 1970.
    pub first: Option<i64>,
    /// The last of them.
    pub last: Option<i64>,
    /// One of the error messages. Other people's text.
    pub sample: Option<String>,
}

impl FailedCalls {
    /// Adds so many calls, the first and the last of them at these moments.
    pub(crate) fn add(&mut self, slice: &ActivitySlice<'_>, calls: u64, (first, last): (i64, i64)) {
        self.calls += calls;
        self.first = Some(self.first.map_or(first, |kept| kept.min(first)));
        self.last = self.last.max(Some(last));
        self.estimated |= !slice.access.sampled.is_empty();
        let sample = slice.access.sample.as_deref();
        if let Some(sample) =
            sample.filter(|new| self.sample.as_deref().is_none_or(|kept| *new < kept))
        {
            self.sample = Some(sample.to_owned());
        }
    }
}

/// Readers with what they did, sorted.
pub type Readers<'a> = BTreeMap<Arc<Reader>, ReaderUse<'a>>;
