//! Copying the objects below a location in a bucket into a folder, for files that are no log files.
//!
//! Everything is listed before anything is fetched, so that what is too large is refused without a byte. Objects are streamed
//! to where [`FolderSink`] puts them, so memory does not depend on their size; a body that breaks off is fetched again from its
//! beginning. One object that cannot be copied is an error: a bill without some of its files is no bill.

use std::io::{self, Write as _};

use futures_util::{FutureExt, TryStreamExt, stream};
use thiserror::Error;

use super::{ACTIONS, Bucket, BucketRequest, Counts, Location, PayerOfRequests, wait};
use crate::aws::AwsSession;
use crate::domain::base::money::thousands;
use crate::domain::base::span::Span;
use crate::ports::{Fault, FolderSink, ProgressSink};

/// Objects that are fetched side by side.
const AT_ONCE: usize = 8;

/// A request to copy something.
pub struct CopyRequest<'a> {
    /// The payer of the requests.
    pub payer: PayerOfRequests,
    /// The function that returns whether an object is wanted, by its key below the prefix.
    pub wanted: &'a (dyn Fn(&str) -> bool + Sync),
    /// The most bytes that all objects may have together.
    pub most: u64,
}

/// Why objects could not be copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// AWS refused, or could not be reached.
    #[error("{what} cannot be read: {why}")]
    Refused {
        /// The object or the listing.
        what: String,
        /// The words of AWS.
        why: String,
    },
    /// There is more than is allowed.
    #[error(
        "{location} holds {} MB of files, and {} MB is the most that is copied", thousands(.bytes / 1_000_000), thousands(.most / 1_000_000)
    )]
    TooLarge {
        /// The bucket and the prefix.
        location: String,
        /// Bytes that are there.
        bytes: u64,
        /// Bytes that may be.
        most: u64,
    },
    /// There is nothing.
    #[error("{0} holds no file of a bill of these days")]
    Empty(String),
    /// The folder cannot be written to.
    #[error("a copy of {key} cannot be written: {source}")]
    Write {
        /// The object.
        key: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl CopyError {
    /// Returns what a user can do about it.
    #[must_use]
    pub const fn help(&self) -> Option<&'static str> {
        match self {
            Self::Refused { .. } => Some(
                "check the address, and the permissions: `secretsweep iam-policy scan` with the same sources prints them",
            ),
            Self::TooLarge { .. } => {
                Some("name the folder of the month, or copy the files and name that folder")
            }
            Self::Empty(_) => Some(
                "check the prefix: it is the folder of the export in the bucket, and the window must have bills",
            ),
            Self::Write { .. } => None,
        }
    }
}

/// One object to copy.
struct ObjectToCopy {
    key: String,
    size: u64,
}

/// Copies the objects below a location that are wanted; gives their number and bytes.
///
/// # Errors
/// [`CopyError`]; what was copied before stays.
pub async fn copy(
    session: &AwsSession,
    location: &Location,
    ask: &CopyRequest<'_>,
    to: &dyn FolderSink,
    notes: &dyn ProgressSink,
) -> Result<(u64, u64), CopyError> {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let request = BucketRequest {
        span: Span { from: now, to: now },
        regions: Vec::new(),
        payer: ask.payer,
        in_flight: 0,
    };
    let bucket = Bucket::open(session, location, &request).await;
    let listed = list(&bucket, ask).await?;
    let bytes: u64 = listed.iter().map(|object| object.size).sum();
    if listed.is_empty() {
        return Err(CopyError::Empty(location.to_string()));
    }
    if bytes > ask.most {
        return Err(CopyError::TooLarge {
            location: location.to_string(),
            bytes,
            most: ask.most,
        });
    }
    let counts = Counts::default();
    let all = listed.len() as u64;
    counts
        .listed
        .store(all, std::sync::atomic::Ordering::Relaxed);
    stream::iter(listed.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |object| {
            let (bucket, counts) = (&bucket, &counts);
            async move {
                fetch(bucket, &object, to).await?;
                counts.read(object.size);
                counts.report_to(notes);
                Ok(())
            }
            .boxed()
        })
        .await?;
    Ok((all, bytes))
}

async fn list(bucket: &Bucket<'_>, ask: &CopyRequest<'_>) -> Result<Vec<ObjectToCopy>, CopyError> {
    let prefix = &bucket.location.prefix;
    let mut listed = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let request = || {
            bucket
                .client
                .list_objects_v2()
                .bucket(&bucket.location.bucket)
                .prefix(prefix)
                .set_request_payer(bucket.payer())
                .set_continuation_token(token.clone())
                .send()
        };
        let page = bucket.session.gate.ask(ACTIONS[0], request).await;
        let page = page.map_err(|fault| CopyError::Refused {
            what: format!("the list of files in {}", bucket.location),
            why: bucket.why(&fault),
        })?;
        for object in page.contents.unwrap_or_default() {
            let Some(key) = object.key else { continue };
            let below = key.strip_prefix(prefix.as_str()).unwrap_or(&key);
            // A folder of the console is an object whose name ends so.
            if !key.ends_with('/') && (ask.wanted)(below) {
                let size = object.size.and_then(|size| u64::try_from(size).ok());
                let size = size.unwrap_or(0);
                listed.push(ObjectToCopy { key, size });
            }
        }
        token = page.next_continuation_token;
        if token.is_none() {
            return Ok(listed);
        }
    }
}

/// Copies one object, after as many attempts as are allowed.
async fn fetch(
    bucket: &Bucket<'_>,
    object: &ObjectToCopy,
    to: &dyn FolderSink,
) -> Result<(), CopyError> {
    let first_wait = bucket.session.gate.patience().first_wait;
    let mut attempt = 1;
    loop {
        let fault = match once(bucket, object, to).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(source)) => {
                let key = object.key.clone();
                return Err(CopyError::Write { key, source });
            }
            Err(fault) => fault,
        };
        if !bucket.may_retry(&fault, attempt) {
            return Err(CopyError::Refused {
                what: format!("s3://{}/{}", bucket.location.bucket, object.key),
                why: bucket.why(&fault),
            });
        }
        tokio::time::sleep(wait(first_wait, attempt - 1)).await;
        attempt += 1;
    }
}

/// One attempt: what AWS answers, and inside what became of the file.
async fn once(
    bucket: &Bucket<'_>,
    object: &ObjectToCopy,
    to: &dyn FolderSink,
) -> Result<io::Result<()>, Fault> {
    let below = object.key.strip_prefix(bucket.location.prefix.as_str());
    let below = below.unwrap_or(&object.key);
    let request = || async {
        let answer = bucket.get(&object.key).await?;
        let mut file = match to.create(below) {
            Ok(file) => file,
            Err(source) => return Ok(Ok(Err(source))),
        };
        let mut body = answer.body;
        let mut length = 0;
        while let Some(chunk) = body.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    let why = format!("the body broke off after {length} bytes: {error}");
                    return Ok(Err(Fault::Unreachable(why)));
                }
            };
            length += chunk.len() as u64;
            if let Err(source) = file.write_all(&chunk) {
                return Ok(Ok(Err(source)));
            }
        }
        if length != object.size {
            let why = format!("{length} of {} bytes arrived", object.size);
            return Ok(Err(Fault::Unreachable(why)));
        }
        Ok(Ok(file.flush()))
    };
    bucket.session.gate.ask(ACTIONS[1], request).await?
}
