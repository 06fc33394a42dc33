//! What the tool needs from the world, in our words: where secrets are listed and where they are acted on.
//!
//! Small traits that both AWS and files (or a test) can stand behind. No method could return a secret's value, and none
//! could delete without recovery: [`Vault::delete`] takes a [`RecoveryWindow`].
//!
//! A [`Fault`] is the only error a caller branches on. It says what any implementation could meet; what is peculiar to
//! one of them stands in its message.

use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::domain::journal::Entry;
use crate::domain::names::{Region, SecretArn};
use crate::domain::secret::Secret;

/// What went wrong with one request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The caller may not do this. Holds the IAM action that is missing and AWS's own words.
    #[error("denied: {action} is missing ({message})")]
    Denied {
        /// Such as `secretsmanager:ListSecrets`.
        action: String,
        /// AWS's own words.
        message: String,
    },
    /// The credentials ran out or are not valid.
    #[error("the credentials are expired or not valid ({0})")]
    Credentials(String),
    /// Still throttled after all retries.
    #[error("throttled, also after retries ({0})")]
    Throttled(String),
    /// What was asked for is not there.
    #[error("not found ({0})")]
    Gone(String),
    /// AWS understood and refused, such as a secret that another service manages.
    #[error("refused: {code} ({message})")]
    Refused {
        /// The error code.
        code: String,
        /// AWS's own words.
        message: String,
    },
    /// No usable answer: network, time-out, 5xx, an answer that broke off. Whether the request was carried out is not
    /// known.
    #[error("no answer ({0})")]
    Unreachable(String),
}

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

/// What `DeleteSecret` answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The end of the recovery window.
    pub deletion: jiff::Timestamp,
}

/// Acting on secrets. Each call names its secret by full ARN and goes to the ARN's account and Region.
pub trait Vault: Send + Sync {
    /// The secret as it is now, replicas included.
    fn describe<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<Secret, Fault>>;

    /// Schedules the deletion. There is no way to ask for one without recovery.
    fn delete<'a>(
        &'a self,
        arn: &'a SecretArn,
        window: RecoveryWindow,
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

    /// The ARN of the caller and the account it is in.
    fn caller(&self) -> BoxFuture<'_, Result<Caller, Fault>>;
}

/// Who is asking, by `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: crate::domain::names::AccountId,
    /// The ARN of the user or session.
    pub arn: String,
}

/// Looking for calls that speak against a deletion, between the plan and now. What is not found proves nothing: events
/// arrive late, and not every read is logged.
pub trait Reads: Send + Sync {
    /// Who asked for the secret, by ARN or by name, from this moment on. Never our own calls, nor those that would come
    /// anyway (rotation, infrastructure as code, audits).
    fn since<'a>(
        &'a self,
        arn: &'a SecretArn,
        from: jiff::Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Asked>, Fault>>;
}

/// One call for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When.
    pub at: jiff::Timestamp,
    /// The ARN of the role or user. Other people's text.
    pub reader: String,
    /// The API that was called.
    pub what: String,
}

/// Keeps what was done, for the next run and for people.
pub trait Record: Send {
    /// Writes the entry so that it survives whatever comes; only then may the next step be taken.
    ///
    /// # Errors
    /// Whatever kept it from being written. Nothing more may be written to AWS then.
    fn append(&mut self, entry: &Entry) -> std::io::Result<()>;
}
