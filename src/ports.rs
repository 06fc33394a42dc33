//! What the tool needs from the world, in our words: where secrets are listed and where they are acted on.
//!
//! Small traits that both AWS and files (or a test) can stand behind. No method could return a secret's value, and none
//! could delete without recovery: [`Vault::delete`] takes a [`RecoveryWindow`].
//!
//! A [`Fault`] is the only error a caller branches on. It says what any implementation could meet; what is peculiar to
//! one of them stands in its message.

mod engine;
mod intake;
mod progress;
mod vault;

use thiserror::Error;

pub use self::engine::{
    HttpAnswer, HttpRequest, HttpSender, QueryFault, QueryProgress, QueryWatch, RowSink, SqlEngine,
    SqlRow, TableColumn, TableColumns,
};
pub use self::intake::{BlobStore, Feed, FolderSink, IamSink, LogObject, RecordCompleteness};
pub use self::progress::{LookupWay, NoProgress, PolicyHolder, ProgressEvent, ProgressSink};
pub use self::vault::{
    CallerIdentity, JournalWriter, RecentCall, RecentReads, RecentTarget, RecoveryWindow,
    Scheduled, Vault,
};

/// The failure of one request.
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
    /// There are no credentials anywhere.
    #[error(
        "no credentials were found: not in the environment (AWS_ACCESS_KEY_ID), not in the profile (~/.aws/config, \
         ~/.aws/credentials), and no web identity, container or instance role gives any"
    )]
    NoCredentials,
    /// The profile that was named is not there.
    #[error(
        "there is no profile `{0}` in the config files (~/.aws/config and ~/.aws/credentials, or what AWS_CONFIG_FILE \
         and AWS_SHARED_CREDENTIALS_FILE name)"
    )]
    NoProfile(String),
    /// Still throttled after all retries.
    #[error("throttled, also after retries ({0})")]
    Throttled(String),
    /// The thing that was asked for is not there.
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
