//! The events that were counted already: an `eventID` counts once, however many files hold it.
//!
//! Copies of an event come from a second trail, or from a second copy of a file. `CloudTrail` delivers them within hours
//! of one another, so where files are read in the order of their days of delivery, an id need not be remembered for
//! longer than a few days of the trail: memory is bounded by the busiest days, not by the length of the trail. Where
//! the order is not known (files outside AWS's layout, event history, a bucket), every id is remembered to the end.
//!
//! A call that two accounts log is remembered for the same days (`shared_calls`).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::FixedState;

use crate::trail::event::{Delivery, EventId};
use crate::trail::layout::Day;

mod shared_calls;

use shared_calls::Claims;
pub(crate) use shared_calls::{CopyRank, SharedCopy};

/// An id is remembered for at least as many days of delivery after its own.
pub const REMEMBERED_DAYS: Day = 2;

/// The event ids that were counted already. Shared by all ledgers that fill from one trail.
///
/// Sixty-four sets, so that threads seldom wait for one another. Sixteen bytes and some an event of our service.
#[derive(Debug)]
pub struct Deduplicator {
    shards: Vec<Mutex<Shard>>,
    days: Mutex<OpenDays>,
    /// By reader, its copies of shared calls that count, because the days of their calls are over.
    settled: Mutex<HashMap<u32, Vec<SharedCopy>, FixedState>>,
}

type EventIds = HashSet<u128, FixedState>;

#[derive(Debug, Default)]
struct Shard {
    /// The ids of events that one account logs.
    ids: ByDays<EventIds>,
    /// The copies of shared calls that count so far, by shared id.
    shared: ByDays<Claims>,
    /// The shared ids that samples hold, and whether the call was read in full, too.
    sampled: HashMap<u128, bool, FixedState>,
}

/// What was found, by the days in which it was.
#[derive(Debug, Default)]
struct ByDays<T> {
    /// What was found until all readers had come to files of which the day is known: in the files that have none, and in
    /// the first days by those who were there sooner. It is never forgotten. It is empty where no reader declares its
    /// days: then everything is in `now`, and stays there.
    always: T,
    /// From days until [`OpenDays::edge`].
    before: T,
    /// What was found since.
    now: T,
}

impl<T: Default> ByDays<T> {
    /// The first day begins for the last of the readers.
    fn begin(&mut self) {
        self.always = std::mem::take(&mut self.now);
    }

    /// Days are over. Gives what was found in those before them, to be emptied.
    fn forget(&mut self) -> &mut T {
        std::mem::swap(&mut self.before, &mut self.now);
        &mut self.now
    }

    /// All of it, in no order.
    fn all(&mut self) -> [&mut T; 3] {
        [&mut self.always, &mut self.before, &mut self.now]
    }
}

/// The days that are being read.
#[derive(Debug, Default)]
struct OpenDays {
    /// The last day that `before` may be of: the one that the fastest reader was at. `None`: no day has begun.
    edge: Option<Day>,
    /// The last day that any reader came to, those included that are done.
    furthest: Option<Day>,
    /// The files that each reader is at.
    readers: HashMap<u32, Delivery, FixedState>,
    next_reader: u32,
}

/// One of those who read the files of a trail side by side.
#[derive(Debug, PartialEq, Eq)]
pub struct DedupReader(u32);

impl Default for Deduplicator {
    fn default() -> Self {
        Self {
            shards: (0..64).map(|_| Mutex::default()).collect(),
            days: Mutex::default(),
            settled: Mutex::default(),
        }
    }
}

impl Deduplicator {
    /// Notes an event and returns whether it is new.
    pub fn is_new(&self, id: EventId) -> bool {
        let ids = &mut self.shard(id).ids;
        let known = ids.always.contains(&id.0) || ids.before.contains(&id.0);
        !known && ids.now.insert(id.0)
    }

    fn shard(&self, id: EventId) -> MutexGuard<'_, Shard> {
        locked(&self.shards[usize::try_from(id.0 % 64).unwrap_or(0)])
    }

    /// A reader that will declare its days.
    pub fn turn(&self) -> DedupReader {
        let mut days = locked(&self.days);
        days.next_reader += 1;
        DedupReader(days.next_reader)
    }

    /// A reader comes to other files; it will not go back.
    ///
    /// Days end when the slowest reader has left them, so that what is forgotten does not depend on who was fast.
    pub fn comes_to(&self, turn: &DedupReader, delivery: Delivery) {
        let mut days = locked(&self.days);
        days.readers.insert(turn.0, delivery);
        if let Delivery::On(day) = delivery {
            days.furthest = days.furthest.max(Some(day));
        }
        let Some(&Delivery::On(slowest)) = days.readers.values().min() else {
            return;
        };
        // A reader that is done is at no day any more, but what it noted is still of the days it was at.
        let fastest = days.furthest;
        match days.edge {
            None => {
                days.edge = fastest;
                for shard in &self.shards {
                    let mut shard = locked(shard);
                    shard.ids.begin();
                    shard.shared.begin();
                }
            }
            Some(edge) if slowest > edge.saturating_add(REMEMBERED_DAYS) => {
                days.edge = fastest;
                for shard in &self.shards {
                    let mut shard = locked(shard);
                    shard.ids.forget().clear();
                    self.settle(shard.shared.forget());
                }
            }
            Some(_) => {}
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A set of numbers is whole whatever a panicking thread was doing, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(seen: &Deduplicator) -> usize {
        seen.shards
            .iter()
            .map(|shard| {
                let mut shard = locked(shard);
                shard.ids.all().map(|ids| ids.len()).iter().sum::<usize>()
            })
            .sum()
    }

    #[test]
    fn what_a_reader_saw_that_is_done_is_remembered_as_long_as_what_others_saw() {
        let (seen, id) = (Deduplicator::default(), EventId(7));
        let (slow, fast) = (seen.turn(), seen.turn());
        seen.comes_to(&slow, Delivery::On(100));
        seen.comes_to(&fast, Delivery::On(110));
        assert!(seen.is_new(id));
        seen.comes_to(&fast, Delivery::Over);
        for day in 101..=110 {
            seen.comes_to(&slow, Delivery::On(day));
        }
        assert!(!seen.is_new(id), "a copy of the same day");
    }

    #[test]
    fn a_copy_is_known_for_two_days_of_delivery_whenever_the_first_one_came() {
        for first in 100..104 {
            for later in 0..=REMEMBERED_DAYS {
                let (seen, id) = (Deduplicator::default(), EventId(7));
                let turn = seen.turn();
                for day in 100..=first {
                    seen.comes_to(&turn, Delivery::On(day));
                }
                assert!(seen.is_new(id));
                for day in first..=first + later {
                    seen.comes_to(&turn, Delivery::On(day));
                }
                assert!(
                    !seen.is_new(id),
                    "first on day {first}, again {later} days later"
                );
            }
        }
    }

    #[test]
    fn a_fast_reader_makes_nobody_forget() {
        // The fast one is days ahead of the slow one, and the copy comes on the day of the fast one.
        for ahead in 0..20 {
            let seen = Deduplicator::default();
            let (slow, fast) = (seen.turn(), seen.turn());
            let day = 100 + ahead;
            seen.comes_to(&slow, Delivery::On(100));
            seen.comes_to(&fast, Delivery::On(day));
            assert!(seen.is_new(EventId(1)));
            for reached in 100..=day + REMEMBERED_DAYS {
                seen.comes_to(&slow, Delivery::On(reached));
            }
            assert!(!seen.is_new(EventId(1)), "{ahead} days ahead");
        }
    }

    #[test]
    fn what_has_no_day_is_known_to_the_end() {
        let seen = Deduplicator::default();
        assert!(seen.is_new(EventId(1)));
        let turn = seen.turn();
        for day in 1..50 {
            seen.comes_to(&turn, Delivery::On(day));
        }
        seen.comes_to(&turn, Delivery::Over);
        assert!(!seen.is_new(EventId(1)));
    }

    #[test]
    fn as_much_is_held_after_a_year_as_after_a_week() {
        let after = |days: Day| {
            let seen = Deduplicator::default();
            let turn = seen.turn();
            for day in 0..days {
                seen.comes_to(&turn, Delivery::On(day));
                for event in 0..100 {
                    assert!(seen.is_new(EventId(u128::from(day) * 100 + event)));
                }
            }
            held(&seen)
        };
        for days in [8, 30, 365, 366, 367] {
            assert!(after(days) <= 600, "{days} days: {}", after(days));
        }
    }

    #[test]
    fn what_a_slow_reader_finds_in_files_without_a_day_is_known_to_the_end() {
        let seen = Deduplicator::default();
        let (slow, fast) = (seen.turn(), seen.turn());
        seen.comes_to(&slow, Delivery::Unknown);
        seen.comes_to(&fast, Delivery::On(1));
        assert!(seen.is_new(EventId(1)));
        for day in 2..20 {
            seen.comes_to(&fast, Delivery::On(day));
        }
        seen.comes_to(&slow, Delivery::On(20));
        for day in 20..40 {
            seen.comes_to(&slow, Delivery::On(day));
            seen.comes_to(&fast, Delivery::On(day));
        }
        assert!(!seen.is_new(EventId(1)));
    }

    #[test]
    fn a_slow_reader_keeps_its_days() {
        let seen = Deduplicator::default();
        let (slow, fast) = (seen.turn(), seen.turn());
        seen.comes_to(&slow, Delivery::On(1));
        for day in 1..20 {
            seen.comes_to(&fast, Delivery::On(day));
            seen.is_new(EventId(day.into()));
        }
        assert!(
            !seen.is_new(EventId(1)),
            "the slow one may bring its copy yet"
        );
        seen.comes_to(&slow, Delivery::Over);
        for day in 20..30 {
            seen.comes_to(&fast, Delivery::On(day));
        }
        assert!(seen.is_new(EventId(1)), "now it is over");
    }
}
