//! Which hours a trail covers, in each account and Region.
//!
//! Absence of events proves something only inside covered time, so coverage is judged from everything a trail holds, of
//! every service. CloudTrail delivers a file only when something happened: an hour without a record is either a quiet
//! hour or a hole. [`Coverage::covered`] distinguishes them by the trail's own rhythm: a silence that is usual for this
//! account and Region (nights, weekends, a daily job) is covered, a silence that is not is a hole. In doubt it is a hole,
//! because a hole can only turn a deletion into a question.
//!
//! A trail that holds no read-only events is write-only (`ReadWriteType: WriteOnly`) and covers no reads at all. Records
//! that are all of Secrets Manager, one event name or one caller are the result of a query and cover nothing
//! ([`Variety`]); so are those of a single file of more than a day, whatever lies beside it ([`FileHours`]). Records that a
//! query, a log group or an event bus gave out cover nothing either, however varied they are: what stood before them may
//! have filtered them.
//! A source that was asked for a span and delivered all of it asserts the span ([`Coverage::assert`]) and needs no
//! guessing.

mod covered;
mod describe;
mod file_hours;
mod rhythm;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::base::names::{SECRETS_MANAGER, Scope};
use crate::base::span::{DAY_S, HOUR_S, next_hour, start_of_hour};
use crate::sampling::{Sample, Samples};
use crate::trail::event::{Values, Variety};
use crate::trail::global_events::home_of;
use crate::trail::unread::Unread;

pub use covered::{Covered, Proof};
pub use describe::{in_days, in_words};
pub use file_hours::FileHours;
use rhythm::{LONGEST_SILENCE, bridged, tolerance};

/// Hours since 1970-01-01T00:00:00Z, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hours(BTreeMap<u32, u64>);

impl Hours {
    fn insert(&mut self, hour: u32) {
        *self.0.entry(hour / 64).or_default() |= 1 << (hour % 64);
    }

    fn extend(&mut self, other: &Self) {
        for (&word, &bits) in &other.0 {
            *self.0.entry(word).or_default() |= bits;
        }
    }

    /// Returns whether one of the hours overlaps one of these spans (seconds since 1970, ends exclusive).
    fn touches(&self, spans: &[(i64, i64)]) -> bool {
        self.iter().any(|hour| {
            let at = start_of_hour(hour);
            spans.iter().any(|span| at < span.1 && span.0 < at + HOUR_S)
        })
    }

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(&word, &bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }
}

/// The logged activity of one account and Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeActivity {
    hours: Hours,
    /// The hours of exports that were filtered: they show use, never that there is none.
    selected: Hours,
    /// The hours of records that a query, a log group or an event bus gave out: they show use, never that there is none.
    taken_out: Hours,
    /// UTC days since 1970 that hold a record with `readOnly: true`.
    read_days: BTreeSet<u32>,
    /// Spans (seconds since 1970) of which a source delivered everything.
    asserted: Vec<(i64, i64)>,
    /// The variety of the records.
    variety: Variety,
}

/// A sign that records are a selection of a trail, with the one value that all of them have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordSelection<'a> {
    /// One event name.
    Name(&'a str),
    /// One service.
    Service(&'a str),
    /// One caller.
    Caller(&'a str),
    /// Only calls that failed.
    Failures,
}

impl<'a> RecordSelection<'a> {
    /// Returns what makes records of this variety a selection. `None`: they are as varied as those of a whole trail, or
    /// of one other service alone: what is picked for this tool holds calls of Secrets Manager, or of a caller, while a
    /// quiet Region has little more than a service that assumes a role.
    pub fn of(variety: &'a Variety) -> Option<Self> {
        let Variety {
            services,
            names,
            identities,
            any_success,
        } = variety;
        match (names, services, identities) {
            (_, Values::One(service), _) if **service != *SECRETS_MANAGER => None,
            (Values::One(name), _, _) => Some(Self::Name(name)),
            (_, Values::One(service), _) => Some(Self::Service(service)),
            (_, _, Values::One(caller)) => Some(Self::Caller(caller)),
            (Values::Several, Values::Several, Values::Several) if !any_success => {
                Some(Self::Failures)
            }
            _ => None,
        }
    }
}

/// An account and a Region, as records have them.
type Key = (Box<str>, Box<str>);

/// The logged activity of all accounts and Regions.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    scopes: HashMap<Key, ScopeActivity>,
    /// The samples, where only windows of the time were read. A sample covers nothing: it can speak for volume, never for
    /// absence.
    samples: Samples,
    /// Time of which records could not be read.
    unread: BTreeSet<Unread>,
    /// The scope of the last call: records come in runs.
    last: Option<(Box<str>, Box<str>, u32, bool)>,
}

impl Coverage {
    /// Notes that some service logged something in this hour.
    pub fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        let again = self.last.as_ref().is_some_and(|(a, r, h, known)| {
            *h == hour && (*known || !read_only) && **a == *account && **r == *region
        });
        if again {
            return;
        }
        self.last = Some((account.into(), region.into(), hour, read_only));
        let activity = self
            .scopes
            .entry((account.into(), region.into()))
            .or_default();
        activity.hours.insert(hour);
        if read_only {
            activity.read_days.insert(hour / 24);
        }
    }

    /// Notes how varied the management events of one file are.
    pub fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        let key = (account.into(), region.into());
        self.scopes.entry(key).or_default().variety.merge(variety);
    }

    /// Notes the hours of an export that was filtered.
    pub fn selected(&mut self, account: &str, region: &str, hours: impl Iterator<Item = u32>) {
        let activity = self.scopes.entry((account.into(), region.into()));
        let selected = &mut activity.or_default().selected;
        for hour in hours {
            selected.insert(hour);
        }
    }

    /// Notes an hour of which a query, a log group or an event bus gave out a record.
    pub fn taken_out(&mut self, account: &str, region: &str, hour: u32) {
        let activity = self.scopes.entry((account.into(), region.into()));
        activity.or_default().taken_out.insert(hour);
    }

    /// Notes that a source delivered every event, reads included, of a span (seconds since 1970, end exclusive).
    pub fn assert(&mut self, scope: &Scope, from: i64, to: i64) {
        let key = (scope.account.as_str().into(), scope.region.as_str().into());
        self.scopes
            .entry(key)
            .or_default()
            .asserted
            .push((from, to));
    }

    /// Notes that of this account and Region a sample was taken.
    pub fn sampled(&mut self, scope: Scope, sample: Sample) {
        self.samples.insert(scope, sample);
    }

    /// Notes time of which records could not be read.
    pub fn unread(&mut self, unread: Unread) {
        self.unread.insert(unread);
    }

    /// The time between `from` and `to` (seconds since 1970) in which a read of a secret of this account and Region would
    /// have been seen. `None`: no record speaks of it.
    pub fn covered(&self, scope: &Scope, from: i64, to: i64) -> Option<Covered> {
        let covered = self.of(scope)?.covered(from, to);
        let unread: Vec<_> = self
            .unread_of(scope)
            .map(|one| (one.from, one.to))
            .collect();
        Some(covered.without(unread))
    }

    /// The time of which records of this account and Region could not be read.
    fn unread_of(&self, scope: &Scope) -> impl Iterator<Item = &Unread> {
        self.unread.iter().filter(|one| {
            one.scope.as_ref().is_none_or(|(account, region)| {
                **account == *scope.account.as_str() && **region == *scope.region.as_str()
            })
        })
    }

    /// The samples that were taken.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Takes another coverage in. The order does not matter.
    pub fn merge(&mut self, other: Self) {
        self.last = None;
        self.samples.extend(other.samples);
        self.unread.extend(other.unread);
        for (key, activity) in other.scopes {
            self.scopes.entry(key).or_default().merge(&activity);
        }
    }

    /// Gives the global events of an account to its home Region, if no other Region of the account has records: then
    /// they come from no trail of another Region. To be called when everything was merged.
    pub fn settle_global_events(&mut self) {
        let is_global = |(_, region): &&Key| home_of(region).is_some();
        let keys: Vec<Key> = self.scopes.keys().filter(is_global).cloned().collect();
        for key in keys {
            let Some(home) = home_of(&key.1) else {
                continue;
            };
            let is_alone = self.scopes.keys().all(|(account, region)| {
                *account != key.0 || **region == *home || home_of(region).is_some()
            });
            if let Some(global) = self.scopes.remove(&key).filter(|_| is_alone) {
                let home = self.scopes.entry((key.0, home.into()));
                home.or_default().merge(&global);
            }
        }
    }

    /// The logged activity of a scope.
    pub fn of(&self, scope: &Scope) -> Option<&ScopeActivity> {
        self.scopes
            .get(&(scope.account.as_str().into(), scope.region.as_str().into()))
    }

    /// Every scope with logged activity, sorted. Text that is no account or Region is left out.
    pub fn scopes(&self) -> BTreeSet<Scope> {
        self.scopes
            .keys()
            .filter_map(|(account, region)| {
                Some(Scope {
                    account: account.parse().ok()?,
                    region: region.parse().ok()?,
                })
            })
            .collect()
    }
}

impl ScopeActivity {
    fn merge(&mut self, other: &Self) {
        self.hours.extend(&other.hours);
        self.selected.extend(&other.selected);
        self.taken_out.extend(&other.taken_out);
        self.read_days.extend(&other.read_days);
        self.asserted.extend(&other.asserted);
        self.variety.merge(&other.variety);
    }

    /// Returns whether the trail holds events here, and none of them is a read.
    pub fn is_write_only(&self) -> bool {
        self.asserted.is_empty() && self.read_days.is_empty() && self.hours.iter().next().is_some()
    }

    /// Returns the sign that the records are a selection of a trail, if there is one. A selection shows who reads a
    /// secret, never who does not.
    pub fn selection(&self) -> Option<RecordSelection<'_>> {
        RecordSelection::of(&self.variety)
    }

    /// Returns whether a source says that it delivered everything, so that nothing is concluded from the records.
    pub fn is_asserted(&self) -> bool {
        !self.asserted.is_empty()
    }

    /// Returns whether there are filtered exports of a part of these holes.
    fn is_selected_in(&self, holes: &[(i64, i64)]) -> bool {
        self.selected.touches(holes)
    }

    /// Returns whether a query, a log group or an event bus gave out records of a part of these holes, and log files gave
    /// none.
    fn is_taken_out_in(&self, holes: &[(i64, i64)]) -> bool {
        self.taken_out.touches(holes) && !self.hours.touches(holes)
    }

    /// Returns whether there was activity in these holes, and whether some of their hours had none.
    fn activity_in(&self, holes: &[(i64, i64)]) -> (bool, bool) {
        let (mut activity, mut silent) = (false, false);
        for &(from, to) in holes {
            let hours = from.div_euclid(HOUR_S)..next_hour(to);
            let all = hours.clone().count();
            let inside = self
                .hours
                .iter()
                .filter(|&hour| hours.contains(&hour.into()));
            let some = inside.count();
            activity |= some > 0;
            silent |= some < all;
        }
        (activity, silent)
    }

    /// The time between `from` and `to` (seconds since 1970) in which a read would have been logged, as far as all files
    /// could be read.
    fn covered(&self, from: i64, to: i64) -> Covered {
        // What happened within the last hour may still be on its way, and is judged by LastAccessedDate, which shows a
        // read at once.
        let settled = |end: i64| {
            if to - end <= SETTLING {
                to
            } else {
                end.min(to)
            }
        };
        // Event history moves on while it is read: of ninety days, the first minutes are gone. Idle times are days.
        let begun = |start: i64| {
            if start - from <= SETTLING {
                from
            } else {
                start
            }
        };
        let asserted = Covered::new(
            self.asserted
                .iter()
                .map(|span| (begun(span.0), settled(span.1)))
                .filter(|span| span.0 < span.1)
                .collect(),
        );
        let hours: Vec<i64> = self.hours.iter().map(i64::from).collect();
        let days: Vec<i64> = self.read_days.iter().map(|&day| i64::from(day)).collect();
        let activity = bridged(&hours, HOUR_S, tolerance(&hours, LONGEST_SILENCE), from, to);
        let with_reads = bridged(
            &days,
            DAY_S,
            tolerance(&days, LONGEST_SILENCE / 24).max(2),
            from,
            to,
        );
        let read = if self.selection().is_some() {
            Covered::default()
        } else {
            activity.and(&with_reads)
        };
        asserted.or(read)
    }
}

/// The time for which events may be on their way, in seconds. Usually they take five minutes, which is not guaranteed
/// (CloudTrail User Guide, "How CloudTrail works").
pub const SETTLING: i64 = HOUR_S;

#[cfg(test)]
mod tests;
