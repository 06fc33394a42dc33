//! A run of hours of one line of the ledger: how many calls it has in a window, and what was asked for.
//!
//! It does not say who calls or for which secret: that is known where slices are grouped.

use std::ops::Range;

use crate::domain::base::reader_kind::name_of;
use crate::domain::trail::calls::{CallOutcome, CallSeries, SampledCalls};
use crate::domain::trail::cell::Cell;
use crate::domain::trail::cells;
use crate::domain::trail::coverage::Covered;

/// A span of time in seconds since 1970: from inclusive, to exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityWindow {
    /// Inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

impl ActivityWindow {
    /// All time.
    pub const ALWAYS: Self = Self {
        from: i64::MIN,
        to: i64::MAX,
    };

    /// Returns whether a moment lies in it.
    pub fn holds(self, second: i64) -> bool {
        self.from <= second && second < self.to
    }
}

/// Some hours of one line of the ledger.
#[derive(Clone, Debug)]
pub struct ActivitySlice<'a> {
    /// The line.
    pub access: &'a CallSeries,
    /// The hours of it that are meant.
    pub(super) hours: Range<usize>,
}

impl<'a> ActivitySlice<'a> {
    /// The hours, one by one and by address.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + use<'a> {
        let Range { start, end } = self.hours;
        self.access.cells.iter().skip(start).take(end - start)
    }

    /// The keys of the first and the last cell.
    fn keys(&self) -> (u32, u32) {
        let mut keys = self.cells().map(|cell| cell.key);
        let first = keys.next().unwrap_or(0);
        (first, keys.last().unwrap_or(first))
    }

    /// The sessions that are kept of many, each with its calls in these hours.
    pub fn sessions(&self) -> impl Iterator<Item = &'a [Cell]> + use<'a> {
        let (first, last) = self.keys();
        let of_these = move |all: &'_ [Cell]| {
            let from = all.partition_point(|cell| cell.key < first);
            from..all.partition_point(|cell| cell.key <= last)
        };
        let sessions = self.access.sessions.iter();
        sessions
            .map(move |session| &session.cells[of_these(&session.cells)])
            .filter(|cells| !cells.is_empty())
    }

    /// The calls of samples that lie in a window, each with its cell.
    pub fn sampled(&self, window: ActivityWindow) -> impl Iterator<Item = (Cell, SampledCalls)> {
        let sampled = &self.access.sampled;
        let (first, last) = self.keys();
        let cells: Vec<Cell> = self.cells().collect();
        let cell_of = move |calls: &SampledCalls| {
            let key_of = |cell: &Cell| (cell.key, cell.address);
            let found = cells.binary_search_by_key(&(calls.key, calls.address), key_of);
            found.ok().map(|at| cells[at])
        };
        sampled[sampled.partition_point(|calls| calls.key < first)..]
            .iter()
            .take_while(move |calls| calls.key <= last)
            .filter_map(move |calls| Some((cell_of(calls)?, *calls)))
            .filter(move |(cell, _)| window.holds(cell.first()))
    }

    /// Returns how many calls were seen in a window.
    pub fn seen_in(&self, window: ActivityWindow) -> u64 {
        if self.is_inside(window) {
            return self.access.calls();
        }
        let since = self.cells().filter(|cell| window.holds(cell.first()));
        since.map(|cell| u64::from(cell.calls)).sum()
    }

    /// Returns how many calls lie in a window (at whose start cells are cut, and whose end is the end or a full hour).
    ///
    /// Where only a sample was read, that is an estimate: those that were seen, and those that they stand for.
    pub fn calls_in(&self, window: ActivityWindow) -> u64 {
        let mut calls = self.seen_in(window);
        if !self.access.sampled.is_empty() {
            for (_, sampled) in self.sampled(window) {
                calls = calls.saturating_sub(sampled.calls.into()) + sampled.stand_for;
            }
        }
        calls
    }

    /// Returns how many calls lie in a window and in covered time.
    pub fn covered_calls(&self, window: ActivityWindow, covered: &Covered) -> u64 {
        if !self.access.sampled.is_empty() {
            return self.calls_in(window);
        }
        let counts = |cell: &Cell| window.holds(cell.first()) && covered.holds(cell.first());
        let cells = self.cells().filter(counts);
        cells.map(|cell| u64::from(cell.calls)).sum()
    }

    /// The first and the last call in a window, in seconds since 1970; `None` if none lies in it.
    pub(crate) fn span_in(&self, window: ActivityWindow) -> Option<(i64, i64)> {
        if self.is_inside(window) {
            return self.span();
        }
        cells::span(self.cells().filter(|cell| window.holds(cell.first())))
    }

    /// Returns whether these are all hours of the line, and no call is outside of a window. So much is known without a
    /// look at the hours.
    fn is_inside(&self, window: ActivityWindow) -> bool {
        let is_inside = |(first, last)| window.holds(first) && window.holds(last);
        self.is_whole() && self.span().is_some_and(is_inside)
    }

    /// Returns whether these are all hours of the line.
    fn is_whole(&self) -> bool {
        self.hours == (0..self.access.cells.len())
    }

    /// The first and the last call.
    fn span(&self) -> Option<(i64, i64)> {
        if self.is_whole() {
            self.access.cells.span()
        } else {
            cells::span(self.cells())
        }
    }

    pub(super) fn first(&self) -> i64 {
        self.span().map_or(i64::MAX, |(first, _)| first)
    }

    /// The name of the person or program behind the calls: the session of a person, else the role or user.
    pub fn caller_name(&self) -> &str {
        let caller = &self.access.caller;
        let is_person = caller.identity.contains("AWSReservedSSO_") || caller.from_console;
        if is_person && !caller.session.is_empty() {
            &caller.session
        } else {
            name_of(&caller.identity)
        }
    }

    /// The last call, in seconds since 1970.
    pub fn last(&self) -> i64 {
        self.span().map_or(i64::MIN, |(_, last)| last)
    }

    /// Returns whether the value was asked for, however the call ended, alone or in a batch.
    pub fn asks_for_value(&self) -> bool {
        self.access.asks_for_value()
    }

    /// Returns whether the description or the versions were asked for, however the call ended.
    pub fn asks_for_description(&self) -> bool {
        self.access.asks_for_description()
    }

    /// Returns whether the call changes the value of the secret or who may read it, however it ended. Tags and
    /// descriptions are left out: tools that label everything write those.
    pub fn is_write(&self) -> bool {
        WRITES.contains(&&*self.access.subject.api)
    }

    /// Returns whether this is a `GetSecretValue`, however it ended.
    pub fn is_get(&self) -> bool {
        &*self.access.subject.api == "GetSecretValue"
    }

    /// Returns whether this is a `GetSecretValue` that was answered.
    pub fn is_read(&self) -> bool {
        self.is_get() && self.access.outcome == CallOutcome::Ok
    }

    /// Returns whether this is a `DescribeSecret` that was answered.
    pub fn is_describe(&self) -> bool {
        &*self.access.subject.api == "DescribeSecret" && self.access.outcome == CallOutcome::Ok
    }
}

/// Calls that change the value of a secret or who may read it, or that take a deletion back: somebody works with it.
pub const WRITES: [&str; 11] = [
    "PutSecretValue",
    "UpdateSecret",
    "RestoreSecret",
    "PutResourcePolicy",
    "RotateSecret",
    "UpdateSecretVersionStage",
    "ReplicateSecretToRegions",
    "RemoveRegionsFromReplication",
    "StopReplicationToReplica",
    "AssociateCrossAccountReplica",
    "AcceptCrossAccountReplication",
];
