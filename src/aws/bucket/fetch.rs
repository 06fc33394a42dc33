//! Fetching log files, with a bound on how much of them is in memory, and handing them on.
//!
//! Attempts are made, and counted, here, since the SDK does not try a body again that breaks off. A body
//! counts as whole when it has the length that the listing and the answer gave.

use std::sync::Arc;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::find::Object;
use super::{ACTIONS, Bucket, parsers, wait};
use crate::domain::base::names::Scope;
use crate::ports::{Fault, Feed, LogObject};

/// The bytes that one permit of the bound stands for.
const UNIT: usize = 1 << 10;

/// The bounds on memory and on parsing, and where the files go.
pub(super) struct Held {
    memory: Arc<Semaphore>,
    units: usize,
    parsers: Arc<Semaphore>,
    feed: Arc<dyn Feed>,
}

impl Held {
    pub(super) fn new(bytes: usize, feed: Arc<dyn Feed>) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self {
            memory: Arc::new(Semaphore::new(units)),
            units,
            parsers: Arc::new(parsers()),
            feed,
        }
    }

    /// Waits until there is room for so many bytes. An object that is larger than all of it gets all of it.
    async fn room(&self, bytes: u64) -> OwnedSemaphorePermit {
        let units = usize::try_from(bytes).unwrap_or(usize::MAX) / UNIT + 1;
        let units = u32::try_from(units.min(self.units)).unwrap_or(u32::MAX);
        Arc::clone(&self.memory)
            .acquire_many_owned(units)
            .await
            .expect("the semaphore is never closed")
    }
}

/// An object that could not be read.
pub(super) struct Failed {
    pub(super) scope: Option<Scope>,
    pub(super) key: String,
    pub(super) why: String,
}

/// Fetches an object and hands it on; gives its length.
pub(super) async fn object(
    bucket: &Bucket<'_>,
    object: Object,
    held: &Held,
) -> Result<u64, Failed> {
    let (object, scope) = (Arc::new(object.log), object.scope);
    if held.feed.remembers()
        && let Some(length) = known(held, &object).await
    {
        return Ok(length);
    }
    let mut why = String::new();
    // Bytes that arrived whole but cannot be read are fetched once more: they may have been damaged on the way.
    for _ in 0..2 {
        let room = held.room(object.size).await;
        let body = match whole(bucket, &object).await {
            Ok(body) => body,
            Err(fault) => {
                why = bucket.why(&fault);
                break;
            }
        };
        match hand_on(held, &object, body, room).await {
            Ok(length) => return Ok(length),
            Err(reason) => why = reason,
        }
    }
    Err(Failed {
        scope,
        key: object.key.clone(),
        why,
    })
}

/// Asks whether the file need not be fetched; gives its length then.
async fn known(held: &Held, object: &Arc<LogObject>) -> Option<u64> {
    let (feed, object) = (Arc::clone(&held.feed), Arc::clone(object));
    let asking = tokio::task::spawn_blocking(move || feed.knows(&object).then_some(object.size));
    asking.await.ok().flatten()
}

/// Reads the file on a thread of its own: that is work for a processor, not for the network.
async fn hand_on(
    held: &Held,
    object: &Arc<LogObject>,
    body: Vec<u8>,
    room: OwnedSemaphorePermit,
) -> Result<u64, String> {
    let parser = Arc::clone(&held.parsers)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let (feed, object) = (Arc::clone(&held.feed), Arc::clone(object));
    let reading = tokio::task::spawn_blocking(move || {
        let length = body.len() as u64;
        let outcome = feed.file(&object, &body).map(|()| length);
        drop((room, parser));
        outcome
    });
    reading
        .await
        .unwrap_or_else(|_| Err("reading the file failed unexpectedly".to_owned()))
}

/// The bytes of an object, after as many attempts as are allowed.
async fn whole(bucket: &Bucket<'_>, object: &LogObject) -> Result<Vec<u8>, Fault> {
    let first_wait = bucket.session.gate.patience().first_wait;
    let mut attempt = 1;
    loop {
        let outcome = once(bucket, object).await;
        match &outcome {
            Err(fault) if bucket.may_retry(fault, attempt) => {}
            _ => return outcome,
        }
        tokio::time::sleep(wait(first_wait, attempt - 1)).await;
        attempt += 1;
    }
}

async fn once(bucket: &Bucket<'_>, object: &LogObject) -> Result<Vec<u8>, Fault> {
    // The body is read in there, so that the permit of the gate is held until it is whole.
    let request = || async {
        let answer = bucket.get(&object.key).await?;
        Ok(body_of(answer, object.size).await)
    };
    bucket.session.gate.ask(ACTIONS[1], request).await?
}

async fn body_of(answer: GetObjectOutput, size: u64) -> Result<Vec<u8>, Fault> {
    let stated = answer
        .content_length()
        .and_then(|length| u64::try_from(length).ok());
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(64 << 20));
    let mut body = answer.body;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| {
            Fault::Unreachable(format!(
                "the body broke off after {} bytes: {error}",
                bytes.len()
            ))
        })?;
        bytes.extend_from_slice(&chunk);
    }
    let length = bytes.len() as u64;
    if stated.is_some_and(|stated| stated != length) || length != size {
        return Err(Fault::Unreachable(format!(
            "{length} of {} bytes arrived",
            stated.unwrap_or(size)
        )));
    }
    Ok(bytes)
}
