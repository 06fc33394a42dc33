//! What takes in the things that a live source reads, and where their bytes are kept.

use std::io;

use super::Fault;
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::sampling::SamplingPlan;

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

/// The completeness of a document of records: how much of what was logged it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordCompleteness {
    /// All that a log group has of a time.
    Whole,
    /// Records that were picked there: they show that something happened, never that something did not happen.
    Selection,
}

/// Takes in what a live source of events reads, in AWS's own bytes. The source does not know what is done with it.
///
/// Called from several tasks at once.
pub trait Feed: Send + Sync {
    /// One record of CloudTrail as JSON, as event history gave it for this account and Region. May come twice.
    fn record(&self, scope: &Scope, json: &[u8]);

    /// Returns whether it has a memory of log files at all: without one, [`knows`](Self::knows) need not be asked.
    fn remembers(&self) -> bool {
        false
    }

    /// Returns whether this log file was taken in without its bytes, because what it holds is known from an earlier
    /// scan. Asked before the bytes are fetched.
    fn knows(&self, _object: &LogObject) -> bool {
        false
    }

    /// One log file as it lies in the bucket, gzip or not.
    ///
    /// # Errors
    /// What is wrong with the bytes. The source fetches the object once more and then reports it as a gap.
    fn file(&self, object: &LogObject, bytes: &[u8]) -> Result<(), String>;

    /// A JSON document of records, as a log file has it, from this source.
    fn records(&self, source: &str, json: &[u8], completeness: RecordCompleteness);

    /// Everything of this service that was logged in this account and Region in this span has been handed over.
    fn covered(&self, scope: &Scope, span: Span);

    /// One record from a window of a sample: the window's index in the comb, and the record. Shows that something
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
    /// Begins a file, which replaces one of that name.
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
