//! How often a client has to call, and when it calls too often.

use crate::domain::base::span::HOUR_S;

/// A session that lasts half the time of a cache is a client that could have one; of a cache of more than an hour, half
/// an hour.
const LONGEST_CACHE_S: i64 = HOUR_S;

/// The needs of a client, and when it is hot.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientNeeds {
    /// Calls an hour that a client with a cache makes.
    pub(super) allowed: u64,
    /// The time of that cache, in seconds.
    pub(super) cache_s: u32,
    /// A client is hot that is above [`super::HOT_CALLS_AN_HOUR`] in so many of its hours.
    pub(super) hot_hours: usize,
    /// Programs of several owners call from one private address: an agent on a node reads for its pods.
    pub(super) is_shared: bool,
}

impl ClientNeeds {
    /// The calls of an hour that a cache would avoid.
    pub(super) fn beyond(self, calls: u64) -> u64 {
        calls - calls.min(self.allowed)
    }

    /// The time for which a client that lasts could keep a value.
    pub(super) fn cache_s(self) -> i64 {
        i64::from(self.cache_s).min(LONGEST_CACHE_S)
    }
}
