//! The events that were counted already: an `eventID` counts once, however many files hold it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;

use super::event::EventId;

/// The event ids that were counted already. Shared by all ledgers that fill from one trail.
///
/// Sixty-four sets, so that threads seldom wait for one another. Sixteen bytes and some an event of our service.
#[derive(Debug)]
pub struct Seen {
    shards: Vec<Mutex<HashSet<u128, FixedState>>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            shards: (0..64).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Seen {
    /// Notes an event; tells whether it is new.
    pub fn is_new(&self, id: EventId) -> bool {
        let shard = usize::try_from(id.0 % 64).unwrap_or(0);
        // A set of numbers is whole whatever a panicking thread was doing, so a poisoned lock is as good as any.
        let mut ids = self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.0)
    }
}
