//! The journal as an object in S3: written anew with each entry, on the condition that nobody else has written it.
//!
//! `PutObject` with `If-Match` (or `If-None-Match: *` for a new object) lets one of two runs go on and refuses the other
//! one before its next write to Secrets Manager (Amazon S3 user guide, "How to prevent object overwrites with conditional
//! writes"). There is no lock that a killed run could leave behind.
//!
//! An answer that was lost is no refusal: where the condition fails, the object is read, and if it is what this run wanted
//! to write, with the mark of this run in its metadata, it was written.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use futures_util::FutureExt;
use thiserror::Error;

use super::AwsSession;
use super::bucket::client_of;
use super::fault::NO_BUCKET;
use crate::domain::base::object_address::ObjectAddress;
use crate::domain::cleanup::journal::{
    JournalEntry, JournalError, JournalState, TornTail, line, parse, replay,
};

use crate::ports::{Fault, JournalWriter};

/// The actions that a journal in a bucket needs. Only with `s3:ListBucket` AWS answers differently for an object that is not
/// there and one that may not be read (API reference, `GetObject`, permissions).
pub const ACTIONS: &[&str] = &["s3:GetObject", "s3:PutObject"];

/// The most that a journal may hold: 50,000 lines of a plan take less.
const LARGEST: i64 = 256 << 20;

/// Why a journal in a bucket cannot be used.
#[derive(Debug, Error)]
pub enum JournalObjectError {
    /// It could not be read.
    #[error("failed to read the journal {address}: {fault}")]
    Unread {
        /// The object.
        address: ObjectAddress,
        /// The words of AWS.
        fault: Fault,
    },
    /// Its contents cannot be trusted.
    #[error("the journal {address} cannot be trusted")]
    Damaged {
        /// The object.
        address: ObjectAddress,
        /// The line and the error.
        source: JournalError,
    },
}

impl JournalObjectError {
    /// Returns what a user can do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Unread { .. } => {
                "check the address, and the permissions: `secretsweep iam-policy apply` with the same `--journal` prints them"
            }
            Self::Damaged { .. } => {
                "look at its last versions in the bucket, and bring back the one before it was changed"
            }
        }
    }
}

/// A journal in a bucket, as this run has last seen it.
pub struct JournalObject<'a> {
    session: &'a AwsSession,
    client: Client,
    address: ObjectAddress,
    bytes: Vec<u8>,
    /// The `ETag` of these bytes; `None`: there is no object yet.
    etag: Option<String>,
    /// A mark that no other run has: two runs may write the same entry in the same moment.
    run: String,
}

/// An object as it is now.
#[derive(Default, PartialEq)]
struct Found {
    bytes: Vec<u8>,
    etag: Option<String>,
    /// The mark of the run that wrote it.
    run: Option<String>,
}

impl<'a> JournalObject<'a> {
    /// Reads a journal, and gives where everything stands. An object that is not there is empty; nothing is written yet.
    ///
    /// # Errors
    /// [`JournalObjectError`].
    pub async fn open(
        session: &'a AwsSession,
        address: &ObjectAddress,
    ) -> Result<(Self, JournalState), JournalObjectError> {
        let mut journal = Self {
            session,
            client: client_of(session, &address.bucket).await,
            address: address.clone(),
            bytes: Vec::new(),
            etag: None,
            run: random_mark(),
        };
        let found = journal
            .fetch()
            .await
            .map_err(|fault| JournalObjectError::Unread {
                address: address.clone(),
                fault,
            })?;
        (journal.bytes, journal.etag) = (found.bytes, found.etag);
        let damaged = |source| JournalObjectError::Damaged {
            address: address.clone(),
            source,
        };
        let parsed = parse(&journal.bytes).map_err(damaged)?;
        let state = replay(&parsed.entries).map_err(damaged)?;
        journal.bytes.truncate(parsed.whole);
        if parsed.unended == TornTail::Yes {
            journal.bytes.push(b'\n');
        }
        Ok((journal, state))
    }

    /// Returns whether the object is there.
    pub fn exists(&self) -> bool {
        self.etag.is_some()
    }

    async fn fetch(&self) -> Result<Found, Fault> {
        let request = || async {
            let request = self.client.get_object();
            let answer = request
                .bucket(&self.address.bucket)
                .key(&self.address.key)
                .send()
                .await?;
            Ok(async move {
                if answer
                    .content_length()
                    .is_some_and(|length| length > LARGEST)
                {
                    return Err(Fault::Refused {
                        code: "TooLarge".to_owned(),
                        message: "it is larger than 256 MiB, which no journal is".to_owned(),
                    });
                }
                let etag = answer.e_tag().map(str::to_owned);
                let run = answer.metadata().and_then(|all| all.get(MARK)).cloned();
                let body = answer.body.collect().await;
                let body = body
                    .map_err(|error| Fault::Unreachable(format!("the body broke off: {error}")))?;
                Ok(Found {
                    bytes: body.to_vec(),
                    etag,
                    run,
                })
            }
            .await)
        };
        match self.session.gate.ask(ACTIONS[0], request).await {
            Err(Fault::Gone(what)) if !what.starts_with(NO_BUCKET) => Ok(Found::default()),
            Err(Fault::Denied { action, message }) => Err(Fault::Denied {
                action,
                message: format!(
                    "{message}; without `s3:ListBucket` AWS says so of an object that is not there, too"
                ),
            }),
            Err(fault) => Err(fault),
            Ok(found) => found,
        }
    }

    async fn put(&self, bytes: &[u8]) -> Result<Option<String>, Fault> {
        let answer = self
            .session
            .gate
            .ask(ACTIONS[1], || {
                let new = self.etag.is_none().then(|| "*".to_owned());
                self.client
                    .put_object()
                    .bucket(&self.address.bucket)
                    .key(&self.address.key)
                    .content_type("application/x-ndjson")
                    .metadata(MARK, &self.run)
                    .set_if_match(self.etag.clone())
                    .set_if_none_match(new)
                    .body(ByteStream::from(bytes.to_vec()))
                    .send()
            })
            .await?;
        Ok(answer.e_tag().map(str::to_owned))
    }

    /// Writes the entry behind the others, or says who stands in the way.
    async fn add(&mut self, entry: &JournalEntry) -> std::io::Result<()> {
        let bytes = [&self.bytes[..], &line(entry)?].concat();
        let etag = match self.put(&bytes).await {
            Ok(etag) => etag,
            Err(fault) => {
                // The attempt before the one that was answered may have been carried out.
                let there = self.fetch().await.map_err(std::io::Error::other)?;
                if there.bytes != bytes || there.run.as_ref() != Some(&self.run) {
                    return Err(std::io::Error::other(self.why_not(&fault, &there)));
                }
                there.etag
            }
        };
        (self.bytes, self.etag) = (bytes, etag);
        Ok(())
    }

    fn why_not(&self, fault: &Fault, there: &Found) -> String {
        if there.etag == self.etag {
            return fault.to_string();
        }
        "another run has written it in the meantime: wait until that has ended, then run the same again".to_owned()
    }
}

/// The key of the metadata that says which run wrote an object.
const MARK: &str = "secretsweep-run";

/// Random text. The standard library seeds its hashers from the system's source of randomness.
fn random_mark() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

impl JournalWriter for JournalObject<'_> {
    /// Waits for S3's answer. Nothing else of the run may happen before the entry is written, so the thread can wait.
    fn append(&mut self, entry: &JournalEntry) -> std::io::Result<()> {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| runtime.block_on(self.add(entry).boxed()))
    }
}
