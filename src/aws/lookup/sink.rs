//! Where the records of one account and Region go: on, and onto the shelf.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::LookupRequest;
use super::checkpoint::{Checkpoint, TimeSlice};
use super::effort::length;
use super::history::Chunk;
use crate::aws::locked;
use crate::domain::base::names::Scope;
use crate::domain::base::span::Span;
use crate::ports::Feed;

/// The destination of the records of one scope.
pub(super) struct ScopeSink<'a> {
    pub(super) scope: &'a Scope,
    pub(super) ask: &'a LookupRequest,
    pub(super) feed: &'a dyn Feed,
    pub(super) checkpoint: Option<Checkpoint<'a>>,
    /// The reason why something could not be kept, the first time.
    pub(super) trouble: Mutex<Option<String>>,
    /// The slices that are finished and covered.
    pub(super) done: Mutex<Vec<TimeSlice>>,
    /// Seconds of it that this run asked for: what is remembered says nothing of how busy the rest is.
    pub(super) read_s: AtomicU64,
}

impl ScopeSink<'_> {
    /// Takes in a finished chunk: hands it on, keeps it, asserts it, in this order, so that what is asserted was there.
    pub(super) fn finished(&self, chunk: &Chunk) {
        for record in &chunk.records {
            self.feed.record(self.scope, record.text.as_bytes());
        }
        let settled = self.ask.settled.as_second();
        let (from, to) = (chunk.span.0, chunk.span.1.min(settled));
        if from < to {
            let old = chunk.records.iter().filter(|record| record.time < to);
            if let Some(checkpoint) = &self.checkpoint {
                let put = checkpoint.put((from, to), old.map(|record| record.text.as_str()));
                self.troubled(put);
            }
            self.cover((from, to));
        }
        locked(&self.done).push(chunk.span);
        self.read_s
            .fetch_add(length(&[chunk.span]), Ordering::Relaxed);
    }

    /// Seconds that this run has finished.
    pub(super) fn read_s(&self) -> u64 {
        self.read_s.load(Ordering::Relaxed)
    }

    pub(super) fn cover(&self, (from, to): TimeSlice) {
        if let (Ok(from), Ok(to)) = (Timestamp::from_second(from), Timestamp::from_second(to)) {
            self.feed.covered(self.scope, Span { from, to });
        }
    }

    pub(super) fn troubled(&self, result: std::io::Result<()>) {
        if let Err(error) = result {
            locked(&self.trouble).get_or_insert_with(|| error.to_string());
        }
    }

    /// Hands on what earlier runs kept of the span. Gives the slices and how many events they held.
    pub(super) fn remembered(&self, span: TimeSlice) -> (Vec<TimeSlice>, u64) {
        let Some(checkpoint) = &self.checkpoint else {
            return (Vec::new(), 0);
        };
        let slices = checkpoint.slices().unwrap_or_else(|error| {
            self.troubled(Err(error));
            Vec::new()
        });
        let (mut held, mut events) = (Vec::new(), 0);
        for slice in slices {
            if slice.0 >= span.1 || slice.1 <= span.0 {
                continue;
            }
            if let Some(records) = checkpoint.get(slice) {
                for record in &records {
                    self.feed.record(self.scope, record.as_bytes());
                    events += 1;
                }
                self.cover(slice);
                locked(&self.done).push(slice);
                held.push(slice);
            }
        }
        (held, events)
    }
}
