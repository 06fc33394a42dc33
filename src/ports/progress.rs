//! How far a long piece of work is, for whoever shows it.

use super::engine::QueryProgress;
use crate::domain::base::names::Scope;

/// The events that a live source reports while it works, for a progress line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgressEvent {
    /// So many accounts of these were entered, and asked which Regions they use.
    Accounts {
        /// Those that were.
        done: usize,
        /// All of them, or those found so far.
        of: usize,
    },
    /// So many accounts and Regions will be looked at.
    Scopes(usize),
    /// The inventory of one is read: this many secrets so far, and whether that is all.
    Inventory {
        /// The account and Region.
        scope: Scope,
        /// The number of secrets so far.
        secrets: usize,
        /// Nothing more comes.
        done: bool,
    },
    /// The plan for reading the event history of one account and Region.
    LookupPlan {
        /// The account and Region.
        scope: Scope,
        /// Requests that a full read would take; `None`: not known yet.
        full_requests: Option<u64>,
        /// The way in which the history is read.
        way: LookupWay,
        /// The number of seconds that the reading may take at two requests a second.
        seconds: u64,
    },
    /// The progress.
    Lookup {
        /// The account and Region.
        scope: Scope,
        /// Requests made so far.
        requests: u64,
        /// Events received so far.
        events: u64,
        /// Seconds of the span that are done, of how many.
        done_s: u64,
        /// Seconds of the whole span.
        of_s: u64,
    },
    /// The progress of reading a bucket.
    Bucket {
        /// Objects listed so far that are wanted.
        listed: u64,
        /// Objects read.
        read: u64,
        /// Their bytes, as stored.
        bytes: u64,
    },
    /// The progress of a query of an engine.
    Query(QueryProgress),
    /// The progress of reading a log group.
    LogGroup {
        /// Days that are done.
        done: usize,
        /// All days.
        of: usize,
        /// Records received so far.
        records: u64,
    },
    /// The number of rotated secrets of which it is known who fetched their current version.
    Versions {
        /// Those that were asked about.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// So many policies of one kind are read.
    Policies {
        /// The holder of the policies.
        holder: PolicyHolder,
        /// Those that were asked for.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// An API throttles, and the tool waits.
    Throttled {
        /// The IAM action of the call.
        action: String,
        /// The time for which it waits, in milliseconds.
        wait_ms: u64,
    },
}

/// The holder of a policy that says who may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyHolder {
    /// The identities of an account.
    Account,
    /// A secret.
    Secret,
    /// A key.
    Key,
}

/// The way in which the event history is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupWay {
    /// All of it.
    Everything,
    /// As much of it as the budget allows: the window and the newest part first.
    Newest,
    /// Windows of it, to estimate from.
    Sample,
}

/// Receives the [`ProgressEvent`]s, and must return at once.
pub trait ProgressSink: Send + Sync {
    /// Takes one in.
    fn note(&self, note: ProgressEvent);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl ProgressSink for NoProgress {
    fn note(&self, _note: ProgressEvent) {}
}
