//! Calls that two accounts log: of the copies of one call, which have a `sharedEventID` in common, one counts.
//!
//! The copies lie in the folders of two accounts, which two readers may read. So the copy that counts so far is noted here, for
//! all readers: the one that says more about the caller, whoever found it and whenever. When the days of a call are
//! over, it is forgotten like an id, and the reader whose copy is left is given it to count. Until then a reader
//! counts none of them.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{DedupReader, Deduplicator, locked};
use crate::trail::cell::Address;
use crate::trail::event::EventId;

/// The copies that count so far, by the shared id of their calls.
pub(super) type Claims = HashMap<u128, Claim, FixedState>;

/// The order of the copies of one call: the least one counts. It is the same in every ledger and on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CopyRank {
    /// The number of facts about the caller that the copy lacks.
    pub(crate) unknown: usize,
    /// The hash of everything that it says, to decide between copies that say as much.
    pub(crate) hash: u64,
}

/// The copy of a call that one account logged, as the ledger counts it that found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedCopy {
    /// The line of the call in that ledger.
    pub(crate) line: u32,
    /// Seconds since 1970.
    pub(crate) time: i64,
    /// The address that the call came from.
    pub(crate) address: Address,
    /// The name of the session that called, if the line is that of a family of sessions.
    pub(crate) session: Option<Box<str>>,
    /// The error message, if there is one.
    pub(crate) message: Option<Box<str>>,
}

/// The copy of a call that counts so far, and who found it.
#[derive(Debug)]
pub(super) struct Claim {
    rank: CopyRank,
    reader: u32,
    copy: SharedCopy,
}

impl Deduplicator {
    /// Notes a copy of a call that a reader found, if it counts rather than the ones before it. Returns whether it is the
    /// first one.
    pub(crate) fn is_first_copy(
        &self,
        reader: &DedupReader,
        id: EventId,
        rank: CopyRank,
        copy: SharedCopy,
    ) -> bool {
        let shard = &mut *self.shard(id);
        if let Some(is_in_full) = shard.sampled.get_mut(&id.0) {
            *is_in_full = true;
        }
        let claim = Claim {
            rank,
            reader: reader.0,
            copy,
        };
        for claims in shard.shared.all() {
            if let Some(known) = claims.get_mut(&id.0) {
                if claim.rank < known.rank {
                    *known = claim;
                }
                return false;
            }
        }
        shard.shared.now.insert(id.0, claim);
        true
    }

    /// Notes that a sample holds a call. `is_in_full`: it is known that the call was read in full, too.
    pub(crate) fn note_in_sample(&self, id: EventId, is_in_full: bool) {
        let shard = &mut *self.shard(id);
        let mut claims = shard.shared.all().into_iter();
        let is_known = claims.any(|claims| claims.contains_key(&id.0));
        *shard.sampled.entry(id.0).or_default() |= is_in_full || is_known;
    }

    /// Returns whether a call that a sample holds was read in full, too.
    pub(crate) fn was_read_in_full(&self, id: EventId) -> bool {
        self.shard(id).sampled.get(&id.0).is_some_and(|&full| full)
    }

    /// Takes the copies that a reader found and that count, because the days of their calls are over.
    pub(crate) fn settled(&self, reader: &DedupReader) -> Vec<SharedCopy> {
        locked(&self.settled).remove(&reader.0).unwrap_or_default()
    }

    /// Takes all copies that a reader found and that count so far, with the ids of their calls.
    pub(crate) fn take_copies(&self, reader: &DedupReader) -> Vec<(EventId, CopyRank, SharedCopy)> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            for claims in locked(shard).shared.all() {
                let own = claims.extract_if(|_, claim| claim.reader == reader.0);
                taken.extend(own.map(|(id, claim)| (EventId(id), claim.rank, claim.copy)));
            }
        }
        taken
    }

    /// Gives copies of calls whose days are over to those who found them.
    pub(super) fn settle(&self, claims: &mut Claims) {
        if claims.is_empty() {
            return;
        }
        let mut settled = locked(&self.settled);
        for (_, claim) in claims.drain() {
            settled.entry(claim.reader).or_default().push(claim.copy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::event::Delivery;
    use crate::trail::layout::Day;

    fn copy(line: u32) -> SharedCopy {
        SharedCopy {
            line,
            time: 0,
            address: Address::default(),
            session: None,
            message: None,
        }
    }

    fn rank(unknown: usize) -> CopyRank {
        CopyRank { unknown, hash: 0 }
    }

    fn held(seen: &Deduplicator) -> usize {
        let shards = seen.shards.iter();
        let held = shards.flat_map(|shard| locked(shard).shared.all().map(|claims| claims.len()));
        held.sum()
    }

    #[test]
    fn the_copy_that_says_more_is_given_to_who_found_it_when_its_days_are_over() {
        for worse_first in [true, false] {
            let seen = Deduplicator::default();
            let (one, other) = (seen.turn(), seen.turn());
            for reader in [&one, &other] {
                seen.comes_to(reader, Delivery::On(100));
            }
            let id = EventId(7);
            let mut copies = [(&one, rank(3), copy(1)), (&other, rank(1), copy(2))];
            if !worse_first {
                copies.reverse();
            }
            let [first, second] = copies;
            assert!(seen.is_first_copy(first.0, id, first.1, first.2));
            for day in 101..=104 {
                assert_eq!(seen.settled(&other), [], "day {day}: a copy may yet come");
                seen.comes_to(&one, Delivery::On(day));
                seen.comes_to(&other, Delivery::On(day));
                if day == 102 {
                    assert!(!seen.is_first_copy(second.0, id, second.1, second.2.clone()));
                }
            }
            for day in 105..=110 {
                seen.comes_to(&one, Delivery::On(day));
                seen.comes_to(&other, Delivery::On(day));
            }
            assert_eq!(seen.settled(&one), []);
            assert_eq!(seen.settled(&other), [copy(2)]);
            assert_eq!(seen.settled(&other), [], "only once");
            assert_eq!(held(&seen), 0);
        }
    }

    #[test]
    fn as_much_is_held_after_a_year_as_after_a_week() {
        let after = |days: Day| {
            let seen = Deduplicator::default();
            let reader = seen.turn();
            let mut counted = 0;
            for day in 0..days {
                seen.comes_to(&reader, Delivery::On(day));
                counted += seen.settled(&reader).len();
                for event in 0..100 {
                    let id = EventId(u128::from(day) * 100 + event);
                    assert!(seen.is_first_copy(&reader, id, rank(0), copy(0)));
                }
            }
            assert!(held(&seen) <= 600, "{days} days: {}", held(&seen));
            counted + seen.take_copies(&reader).len()
        };
        for days in [8, 30, 365, 366, 367] {
            assert_eq!(after(days), 100 * days as usize, "none is lost");
        }
    }

    #[test]
    fn a_call_of_a_sample_is_known_to_have_been_read_in_full_whichever_came_first() {
        let seen = Deduplicator::default();
        let reader = seen.turn();
        let [before, after, never] = [EventId(1), EventId(2), EventId(3)];
        seen.is_first_copy(&reader, before, rank(0), copy(0));
        for id in [before, after, never] {
            seen.note_in_sample(id, false);
        }
        seen.is_first_copy(&reader, after, rank(0), copy(0));
        for day in 1..20 {
            seen.comes_to(&reader, Delivery::On(day));
        }
        let full = [before, after, never].map(|id| seen.was_read_in_full(id));
        assert_eq!(full, [true, true, false]);
    }
}
