//! What the tool needs from the world, in our words: where secrets are listed and where they are acted on.
//!
//! Small traits that both AWS and files (or a test) can stand behind. No method could return a secret's value, and none
//! could delete without recovery: [`Vault::delete`] takes a [`RecoveryWindow`].
//!
//! A [`Fault`] is the only error a caller branches on. It says what any implementation could meet; what is peculiar to
//! one of them stands in its message.

use std::io;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use thiserror::Error;

use crate::domain::base::names::{Region, Scope, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::cleanup::journal::JournalEntry;
use crate::domain::inventory::secret::Secret;
use crate::domain::sampling::SamplingPlan;

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

/// Who is asking, by `sts:GetCallerIdentity`.
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
    /// Who asked for the secret from this moment on, or may have: by ARN, by name, by filters, or by a refused call whose
    /// record names no secret. `arn` is the secret's own or a replica's. Never our own calls, nor those that would come
    /// anyway (rotation, infrastructure as code, audits).
    fn since<'a>(
        &'a self,
        secret: &'a Secret,
        arn: &'a SecretArn,
        from: jiff::Timestamp,
    ) -> BoxFuture<'a, Result<Vec<RecentCall>, Fault>>;

    /// When an earlier run of the same plan scheduled the deletion of this secret, by the mark that its calls carry;
    /// `None`: no such call was found.
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
    /// How many calls.
    pub calls: u64,
    /// How the records name the secret.
    pub target: RecentTarget,
}

/// How the record of a call names the secret that it is for.
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

/// A log file in a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogObject {
    /// The name of the bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Bytes as stored, as the listing has them.
    pub size: u64,
    /// The `ETag`, which is another one when the bytes are; empty if the listing gave none.
    pub etag: String,
}

/// How much of what was logged a document of records is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordCompleteness {
    /// All that a log group has of a time.
    Whole,
    /// What was picked there: it shows that something happened, never that something did not happen.
    Selection,
}

/// Takes in what a live source of events reads, in AWS's own bytes. The source does not know what is done with it.
///
/// Called from several tasks at once.
pub trait Feed: Send + Sync {
    /// One record of CloudTrail as JSON, as event history gave it for this account and Region. May come twice.
    fn record(&self, scope: &Scope, json: &[u8]);

    /// Whether it has a memory of log files at all: without one, [`knows`](Self::knows) need not be asked.
    fn remembers(&self) -> bool {
        false
    }

    /// Whether this log file was taken in without its bytes, because what it holds is known from an earlier scan. Asked
    /// before the bytes are fetched.
    fn knows(&self, _object: &LogObject) -> bool {
        false
    }

    /// One log file as it lies in the bucket, gzip or not.
    ///
    /// # Errors
    /// What is wrong with the bytes. The source fetches the object once more and then reports it as a gap.
    fn file(&self, object: &LogObject, bytes: &[u8]) -> Result<(), String>;

    /// A JSON document of records, as a log file has it, from this place.
    fn records(&self, place: &str, json: &[u8], completeness: RecordCompleteness);

    /// Everything of this service that was logged in this account and Region in this span has been handed over.
    fn covered(&self, scope: &Scope, span: Span);

    /// One record from a window of a sample: the window's place in the comb, and the record. Shows that something
    /// happened, and how often by [`SamplingPlan`]; never that something did not happen.
    fn sampled(&self, scope: &Scope, comb: &SamplingPlan, window: u32, json: &[u8]);
}

/// Takes in what a live source reads about who may read secrets: answers of AWS as `aws` prints them.
///
/// Called from several tasks at once.
pub trait IamSink: Send + Sync {
    /// One answer, or an array of its pages. The name is that of the file that would hold it: where an answer does not say
    /// what it is about, the name does.
    fn answer(&self, name: &str, answer: serde_json::Value);

    /// The resource policy of this secret could not be read: who may read it is not known.
    fn unknown_policy(&self, secret: &SecretArn, why: &Fault);
}

/// A folder that takes files as streams, for copies of what others keep.
///
/// Names are relative paths with `/`, made by others: one that leads out of the folder is refused.
pub trait FolderSink: Send + Sync {
    /// Begins a file, in the place of one of that name.
    ///
    /// # Errors
    /// What the file system says, or that the name leads out of the folder.
    fn create(&self, name: &str) -> io::Result<Box<dyn io::Write + Send>>;
}

/// A folder that remembers bytes by name: a cache, or what `--save` keeps.
///
/// Names are relative paths with `/`, made by us.
pub trait BlobStore: Send + Sync {
    /// Puts the bytes there, wholly or not at all.
    ///
    /// # Errors
    /// What the file system says.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// The bytes, if they are there.
    ///
    /// # Errors
    /// What the file system says, except that nothing is there.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// The names directly below a folder, sorted; none if there is no such folder.
    ///
    /// # Errors
    /// What the file system says, except that nothing is there.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Takes the bytes away; nothing happens if they are not there.
    ///
    /// # Errors
    /// What the file system says, except that nothing is there.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the engine writes it.
    pub kind: String,
    /// The folders of the table are named by it.
    pub is_partition: bool,
    /// How its values write a day, such as `yyyy/MM/dd`, if the table says so (partition projection).
    pub format: Option<String>,
    /// One of its values, if the engine lists them.
    pub sample: Option<String>,
}

/// What a table looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumns {
    /// All columns.
    pub columns: Vec<TableColumn>,
    /// Each row knows the file that it lies in (`"$path"`): a view does not.
    pub has_path: bool,
}

/// How far a query is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryProgress {
    /// Rows that were read.
    pub rows: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Why a query gave no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QueryFault {
    /// It took longer, or needs more memory, than the engine allows: a smaller part of the time may work.
    #[error("the query is too large for the engine: {0}")]
    TooLarge(String),
    /// The engine cannot run such a query, whatever part of the time it is for.
    #[error("the engine refuses the query: {0}")]
    Wrong(String),
    /// The query began and failed.
    #[error("the query failed: {0}")]
    Failed(String),
    /// It read more bytes than it may, and was ended.
    #[error("the query read more than {0} bytes and was canceled")]
    ScanLimit(u64),
    /// The engine could not be asked.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The values of a row, as texts; `None` for NULL.
pub type SqlRow = Vec<Option<String>>;

/// A request by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for none.
    pub body: String,
}

/// An answer by HTTP, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Such as 200.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Sends requests by HTTP or HTTPS, through the proxy and with the certificates of the environment.
pub trait HttpSender: Send + Sync {
    /// Sends one and waits for its answer. The error says what kept it from coming.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpAnswer, String>>;
}

/// Takes the rows of a query, page by page.
pub type RowSink<'a> = &'a mut (dyn FnMut(Vec<SqlRow>) + Send);

/// Learns how much a query has read so far; if it gives an error, the query is canceled.
pub type QueryWatch<'a> = &'a (dyn Fn(QueryProgress) -> Result<(), QueryFault> + Sync);

/// An engine that runs SQL over a table of trail records: Athena or Trino.
pub trait SqlEngine: Send + Sync {
    /// The columns of the table.
    fn table(&self) -> BoxFuture<'_, Result<TableColumns, QueryFault>>;

    /// The name of the table, quoted, for a query.
    fn table_name(&self) -> String;

    /// Runs a query and hands its rows over, page by page, without the names of the columns. Gives how much it read.
    ///
    /// `on_progress` is called with how much was read so far. If it gives an error, the query is canceled and ends with it.
    fn run<'a>(
        &'a self,
        sql: &'a str,
        on_rows: RowSink<'a>,
        on_progress: QueryWatch<'a>,
    ) -> BoxFuture<'a, Result<QueryProgress, QueryFault>>;

    /// Ends the query that runs, if one does.
    fn cancel(&self) -> BoxFuture<'_, ()>;
}

/// What a live source says while it works, for a progress line.
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
        /// Where.
        scope: Scope,
        /// How many secrets so far.
        secrets: usize,
        /// Nothing more comes.
        done: bool,
    },
    /// How reading the event history of one account and Region will go.
    LookupPlan {
        /// Where.
        scope: Scope,
        /// Requests that a full read would take; `None`: not known yet.
        full_requests: Option<u64>,
        /// What will be done.
        way: LookupWay,
        /// How many seconds that may take at two requests a second.
        seconds: u64,
    },
    /// How far it is.
    Lookup {
        /// Where.
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
    /// How far reading a bucket is.
    Bucket {
        /// Objects listed so far that are wanted.
        listed: u64,
        /// Objects read.
        read: u64,
        /// Their bytes, as stored.
        bytes: u64,
    },
    /// How far a query of an engine is.
    Query(QueryProgress),
    /// How far reading a log group is.
    LogGroup {
        /// Days that are done.
        done: usize,
        /// All days.
        of: usize,
        /// Records received so far.
        records: u64,
    },
    /// Of so many rotated secrets it is known who fetched their current version.
    Versions {
        /// Those that were asked about.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// So many policies of one kind are read.
    Policies {
        /// Whose.
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
        /// How long it waits, in milliseconds.
        wait_ms: u64,
    },
}

/// What has a policy that says who may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyHolder {
    /// The identities of an account.
    Account,
    /// A secret.
    Secret,
    /// A key.
    Key,
}

/// How the event history is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupWay {
    /// All of it.
    Everything,
    /// As much of it as the budget allows: the window and the newest part first.
    Newest,
    /// Windows of it, to estimate from.
    Sample,
}

/// Who hears the [`ProgressEvent`]s. Must return at once.
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
