//! What acting on secrets needs: the secrets themselves, the calls for them since a plan was made, and a journal.
//!
//! No method could delete without recovery: [`Vault::delete`] takes a [`RecoveryWindow`].

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::Fault;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::journal::JournalEntry;
use crate::domain::inventory::secret::Secret;

/// Days between `DeleteSecret` and the end: 7 to 30 (AWS API reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecoveryWindow(u8);

impl RecoveryWindow {
    /// The longest window, and the default.
    pub const LONGEST: Self = Self(30);

    /// Checks that the window is one that AWS accepts; `None` otherwise.
    pub fn new(days: u64) -> Option<Self> {
        u8::try_from(days)
            .ok()
            .filter(|days| (7..=30).contains(days))
            .map(Self)
    }

    /// The window in days.
    pub fn days(self) -> u8 {
        self.0
    }
}

/// The answer of `DeleteSecret`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The end of the recovery window.
    pub deletion: Timestamp,
}

/// Acting on secrets. Each call names its secret by full ARN and goes to the ARN's account and Region.
pub trait Vault: Send + Sync {
    /// The secret as it is now, replicas included.
    fn describe<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<Secret, Fault>>;

    /// The resource policy of the secret, as JSON; `None` if it has none.
    fn resource_policy<'a>(
        &'a self,
        arn: &'a SecretArn,
    ) -> BoxFuture<'a, Result<Option<String>, Fault>>;

    /// Schedules the deletion for a plan. There is no way to ask for one without recovery.
    fn delete<'a>(
        &'a self,
        arn: &'a SecretArn,
        window: RecoveryWindow,
        plan: &'a str,
    ) -> BoxFuture<'a, Result<Scheduled, Fault>>;

    /// Takes a scheduled deletion back.
    fn restore<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<(), Fault>>;

    /// Sets a tag; only possible before a deletion is scheduled.
    fn tag<'a>(
        &'a self,
        arn: &'a SecretArn,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), Fault>>;

    /// Removes a tag.
    fn untag<'a>(&'a self, arn: &'a SecretArn, key: &'a str) -> BoxFuture<'a, Result<(), Fault>>;

    /// Removes replicas. They are gone at once, without a recovery window.
    fn remove_replicas<'a>(
        &'a self,
        arn: &'a SecretArn,
        regions: &'a [Region],
    ) -> BoxFuture<'a, Result<(), Fault>>;

    /// Replicates to a Region again, with the key that the replica had (`None`: `aws/secretsmanager`).
    fn replicate<'a>(
        &'a self,
        arn: &'a SecretArn,
        region: &'a Region,
        kms_key: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// The identity that is asking, by `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account: crate::domain::base::names::AccountId,
    /// The ARN of the user or session.
    pub arn: String,
}

/// Looking for calls that speak against a deletion, between the plan and now. What is not found proves nothing: events
/// arrive late, and not every read is logged.
pub trait RecentReads: Send + Sync {
    /// Returns who asked for the secret from this moment on, or may have: by ARN, by name, by filters, or by a refused
    /// call whose record names no secret. `arn` is the secret's own or a replica's. Never our own calls, nor those that
    /// would come anyway (rotation, infrastructure as code, audits).
    fn since<'a>(
        &'a self,
        secret: &'a Secret,
        arn: &'a SecretArn,
        from: jiff::Timestamp,
    ) -> BoxFuture<'a, Result<Vec<RecentCall>, Fault>>;

    /// Returns when an earlier run of the same plan scheduled the deletion of this secret, by the mark that its calls
    /// carry; `None`: no such call was found.
    fn own_deletion(&self, arn: &SecretArn) -> Option<Timestamp>;
}

/// Calls of one kind by one reader for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentCall {
    /// The last of them.
    pub at: Timestamp,
    /// The ARN of the role or user. Other people's text.
    pub reader: String,
    /// The API that was called.
    pub what: String,
    /// The number of calls.
    pub calls: u64,
    /// The way in which the records name the secret.
    pub target: RecentTarget,
}

/// The way in which the record of a call names the secret that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecentTarget {
    /// Not at all: AWS refused the call before it knew the secret, so any secret of the account and Region may be meant.
    Unnamed,
    /// By filters that may select it.
    Filters,
    /// By its name or ARN.
    Named,
}

/// Keeps what was done, for the next run and for people.
pub trait JournalWriter: Send {
    /// Writes the entry so that it survives whatever comes; only then may the next step be taken.
    ///
    /// # Errors
    /// Whatever kept it from being written. Nothing more may be written to AWS then.
    fn append(&mut self, entry: &JournalEntry) -> std::io::Result<()>;
}
