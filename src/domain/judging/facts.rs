//! What the rules look at: one secret with its replicas, what was seen of them, and how much of the idle time the trail
//! covers. The questions that several rules ask are answered here once.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::base::names::Region;
use crate::domain::base::span::DAY_S;
use crate::domain::inventory::filters;
use crate::domain::inventory::secret::{Secret, day_of};
use crate::domain::policy::Policy;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::coverage::Proof;
use crate::domain::usage::activity::{ActivitySlice, ByCaller, Reader, ReaderUse, Readers};

/// A version that nobody fetched says something after so many days: a reader that comes once a week has had its turn.
const UNFETCHED_DAYS: i64 = 7;

/// The part of the idle time that the trail covers, for a secret and all its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// All of it: absence of events is absence of use.
    Complete(Proof),
    /// Not all of it. The text says what is missing.
    Partial(String),
}

/// One Region of a secret: the primary or a replica.
#[derive(Clone, Debug)]
pub struct RegionFacts<'a> {
    /// The Region.
    pub region: Region,
    /// The day on which AWS last saw it read there. `None`: never.
    pub last_accessed: Option<Date>,
    /// The readers that called it there.
    pub readers: &'a Readers<'a>,
}

/// A refused call whose record names no secret: it may have meant any secret of its account and Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnnamedRefusal {
    /// The last of the calls, in seconds since 1970.
    pub last: i64,
    /// The role or user. Other people's text.
    pub identity: String,
    /// The outcome of the calls.
    pub outcome: CallOutcome,
}

impl UnnamedRefusal {
    /// Returns whether a secret may have been meant: it was there at the time. (That a key refused narrows nothing: a
    /// policy may deny the use of every key.)
    fn may_mean(&self, secret: &Secret) -> bool {
        let created = secret.created;
        created.is_none_or(|created| created.as_second() <= self.last)
    }
}

/// Evidence that names no caller of the secret, or not for sure.
#[derive(Clone, Debug, Default)]
pub struct Indirect<'a> {
    /// Uses of its key.
    pub key_uses: &'a [ByCaller<'a>],
    /// Refused calls for an unnamed secret in its accounts and Regions, the latest first.
    pub unnamed: Vec<&'a UnnamedRefusal>,
    /// Batches that select secrets by filters, in its accounts and Regions.
    pub filters: Vec<&'a ByCaller<'a>>,
}

/// Everything that the rules look at.
#[derive(Debug)]
pub struct SecretFacts<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// The settings.
    pub policy: &'a Policy,
    /// The moment that counts as "now".
    pub now: Timestamp,
    /// The secret in its own Region.
    pub own: RegionFacts<'a>,
    /// Its replicas. Empty for a replica: that is judged with its primary.
    pub replicas: Vec<RegionFacts<'a>>,
    /// The time that the trail covers.
    pub evidence: Evidence,
    /// `true` if all replicas are known.
    pub replicas_known: bool,
    /// Calls that may have meant this secret or another.
    pub ambiguous: u64,
    /// Evidence that names no caller of the secret, or not for sure.
    pub indirect: Indirect<'a>,
}

/// The grounds on which a secret may be called unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// A use would have been seen.
    Proof(Proof),
    /// The policy trusts `LastAccessedDate` alone (`--trust-last-accessed`).
    LastAccessedDate,
}

/// The last access to a member by `LastAccessedDate`, and what explains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accessed {
    Never,
    /// Longer ago than the idle time.
    Idle(Date),
    /// Recently, and maintenance read it on that day.
    Explained(Date),
    /// Recently, on the day of the last rotation; and nobody has fetched the version that is current since then.
    Unfetched(Date),
    /// Recently, and nothing but use explains it.
    Read(Date),
}

/// Why a secret looks unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unused {
    NeverRead,
    Idle,
    MaintenanceOnly,
}

impl<'a> SecretFacts<'a> {
    pub(crate) fn members(&self) -> impl Iterator<Item = &RegionFacts<'a>> {
        std::iter::once(&self.own).chain(&self.replicas)
    }

    /// The grounds on which the secret may be called unused; `None`: a deletion would rest on nothing.
    pub(crate) fn grounds(&self) -> Option<Grounds> {
        let is_dated =
            self.secret.access_is_known && !matches!(self.unused(), Some(Unused::MaintenanceOnly));
        match self.evidence {
            Evidence::Complete(proof) => Some(Grounds::Proof(proof)),
            Evidence::Partial(_) if self.policy.trust_last_accessed && is_dated => {
                Some(Grounds::LastAccessedDate)
            }
            Evidence::Partial(_) => None,
        }
    }

    /// Readers with what they did, of the secret and its replicas.
    pub(crate) fn readers(&self) -> impl Iterator<Item = (&'a Reader, &'a ReaderUse<'a>)> {
        let readers = self.members().flat_map(|member| member.readers);
        readers.map(|(reader, what)| (&**reader, what))
    }

    /// The refused call for an unnamed secret that may have meant this one, the latest within the idle time.
    pub(crate) fn unnamed_refusal(&self) -> Option<&'a UnnamedRefusal> {
        let mut recent = self.indirect.unnamed.iter().copied();
        recent.find(|refusal| refusal.last >= self.idle_since() && refusal.may_mean(self.secret))
    }

    /// A batch within the idle time whose filters may select the secret.
    pub(crate) fn selecting_batch(&self) -> Option<&'a ByCaller<'a>> {
        let mut filters = self.indirect.filters.iter().copied();
        filters.find(|batch| {
            let filters = batch.slice.access.subject.target.as_deref();
            batch.slice.last() >= self.idle_since()
                && filters.is_some_and(|filters| filters::may_select(filters, self.secret))
        })
    }

    /// The last use of the key for this secret, within the idle time, by somebody who is not seen to call for it on that
    /// day or the days beside it: a reader whose own calls are logged elsewhere. With `failed`, the last that was refused.
    pub(crate) fn unexplained_key_use(&self, failed: bool) -> Option<&'a ByCaller<'a>> {
        let uses = self.indirect.key_uses.iter();
        let mut uses = uses
            .filter(|it| (it.slice.access.outcome != CallOutcome::Ok) == failed)
            .filter(|it| it.slice.last() >= self.idle_since())
            .peekable();
        uses.peek()?;
        let days = self.days_of_callers();
        uses.filter(|it| !explains(&days, &it.slice))
            .max_by_key(|it| it.slice.last())
    }

    /// The days (UTC, since 1970) on which each role or user calls for the secret, sorted.
    fn days_of_callers(&self) -> CallDays<'a> {
        let mut days = CallDays::default();
        for slice in self.readers().flat_map(|(_, what)| what.evidence()) {
            let known: &mut Vec<u32> = days.entry(&slice.access.caller.identity).or_default();
            let mut latest = None;
            for day in slice.cells().map(|cell| cell.hour() / 24) {
                if latest.replace(day) != Some(day) {
                    known.push(day);
                }
            }
        }
        for known in days.values_mut() {
            known.sort_unstable();
            known.dedup();
        }
        days
    }

    pub(crate) fn idle_since(&self) -> i64 {
        self.now.as_second() - i64::from(self.policy.idle_days) * DAY_S
    }

    /// Whole days since a moment.
    fn days_since(&self, moment: Timestamp) -> i64 {
        (self.now.as_second() - moment.as_second()).div_euclid(DAY_S)
    }

    pub(crate) fn age_days(&self) -> Option<i64> {
        self.secret.created.map(|created| self.days_since(created))
    }

    /// `LastAccessedDate` is a day in an unstated time zone: the access may lie up to a day after that day's midnight.
    fn is_idle(&self, day: Date) -> bool {
        self.now.as_second() - (midnight(day) + DAY_S) >= i64::from(self.policy.idle_days) * DAY_S
    }

    pub(crate) fn accessed(&self, member: &RegionFacts<'_>) -> Accessed {
        let Some(day) = member.last_accessed else {
            return Accessed::Never;
        };
        if self.is_idle(day) {
            return Accessed::Idle(day);
        }
        let number = midnight(day).div_euclid(DAY_S);
        let explains = |(reader, what): (&Arc<Reader>, &ReaderUse<'_>)| {
            !self.policy.is_consumer(reader.kind)
                && what
                    .read_days()
                    .range(number - 1..=number + 1)
                    .next()
                    .is_some()
        };
        if member.readers.iter().any(explains) {
            Accessed::Explained(day)
        } else if self.is_unfetched(member, day) {
            Accessed::Unfetched(day)
        } else {
            Accessed::Read(day)
        }
    }

    /// Returns whether a recent access is a rotation's own, although the trail cannot show it: it fell on the day of
    /// the last rotation, and the version that is current since then has never been fetched, for a week or longer.
    ///
    /// AWS keeps a last access for each version, and a rotation's reads of the old version count for the secret only
    /// (seen in recorded answers of `ListSecretVersionIds`). A rotation that reads the new version, too, to test it, cannot
    /// be told from a reader: that is a read, as without this rule. It never speaks for a deletion: without the trail the
    /// verdict is to review.
    fn is_unfetched(&self, member: &RegionFacts<'_>, day: Date) -> bool {
        let Some(current) = &self.secret.current else {
            return false;
        };
        current.last_accessed.is_none()
            && current
                .created
                .is_some_and(|rotated| self.rotation_explains(member, day, rotated))
    }

    /// Returns whether reads by a rotation at this moment would explain the access of a member on that day, and there
    /// was time since for a reader to come.
    fn rotation_explains(&self, member: &RegionFacts<'_>, day: Date, rotated: Timestamp) -> bool {
        let apart = midnight(day) - midnight(day_of(rotated));
        matches!(self.evidence, Evidence::Partial(_))
            && self.secret.rotation_enabled == Some(true)
            && !self.secret.is_replica()
            // A rotation works on the primary; who reads a replica is somebody else.
            && member.region == self.secret.arn.scope().region
            && apart.abs() <= DAY_S
            && self.days_since(rotated) >= UNFETCHED_DAYS
    }

    /// Returns whether the current version would make a difference that nothing else makes: the secret is in use only
    /// by an access that its rotation may have caused.
    pub(crate) fn is_doubtful(&self) -> bool {
        let Some(rotated) = self.secret.last_rotated else {
            return false;
        };
        let judged = self.secret.deleted.is_none() && self.secret.owner_service().is_none();
        let old = self.age_days().is_some_and(|age| age >= self.idle_days());
        let used = self
            .members()
            .any(|member| self.recent_use(member).is_some());
        let read = |member: &RegionFacts<'_>| match self.accessed(member) {
            Accessed::Read(day) => Some(day),
            _ => None,
        };
        judged
            && old
            && !used
            && !self.replicas.iter().any(|replica| read(replica).is_some())
            && read(&self.own).is_some_and(|day| self.rotation_explains(&self.own, day, rotated))
    }

    /// The last use by a consumer within the idle time, with the reader.
    pub(crate) fn recent_use<'m>(&self, member: &'m RegionFacts<'_>) -> Option<(i64, &'m Reader)> {
        last_use(member.readers, self.policy).filter(|(at, _)| *at >= self.idle_since())
    }

    /// Returns whether and why the secret looks unused, whatever protects it and whatever the trail covers.
    pub(crate) fn unused(&self) -> Option<Unused> {
        if self.secret.is_replica()
            || self
                .members()
                .any(|member| self.recent_use(member).is_some())
        {
            return None;
        }
        let mut unused = Unused::NeverRead;
        for member in self.members() {
            unused = match (self.accessed(member), unused) {
                (Accessed::Read(_), _) => return None,
                (Accessed::Explained(_) | Accessed::Unfetched(_), _)
                | (_, Unused::MaintenanceOnly) => Unused::MaintenanceOnly,
                (Accessed::Idle(_), _) => Unused::Idle,
                (Accessed::Never, other) => other,
            };
        }
        Some(unused)
    }

    /// Returns what [`SecretFacts::unused`] says, for a secret that is old enough to be judged.
    pub(crate) fn judged_unused(&self, which: Unused) -> bool {
        self.unused() == Some(which)
            && (which == Unused::Idle || self.age_days().is_some_and(|age| age >= self.idle_days()))
    }

    pub(crate) fn idle_days(&self) -> i64 {
        i64::from(self.policy.idle_days)
    }

    /// A sentence for what the judgement rests on, where it is less than the whole trail.
    pub(crate) fn basis(&self) -> &'static str {
        match self.evidence {
            Evidence::Complete(_) => "and the trail shows no use",
            Evidence::Partial(_) => "by LastAccessedDate alone",
        }
    }

    /// Days since the last use that is known; since creation if it was never read; `None`: not known.
    pub fn days_idle(&self) -> Option<u32> {
        let used = last_use(self.own.readers, self.policy).map(|(at, _)| at);
        let days =
            |seconds: i64| u32::try_from((self.now.as_second() - seconds).max(0) / 86_400).ok();
        match (self.accessed(&self.own), used) {
            (Accessed::Read(day) | Accessed::Idle(day), used) => {
                let today = midnight(day_of(self.now));
                let by_date = u32::try_from((today - midnight(day)).max(0) / 86_400).ok();
                used.and_then(days)
                    .map_or(by_date, |used| by_date.map(|date| date.min(used)))
            }
            (_, Some(used)) => days(used),
            (Accessed::Never, None) if !self.secret.access_is_known => None,
            (Accessed::Never, None) => self
                .secret
                .created
                .and_then(|created| days(created.as_second())),
            (Accessed::Explained(_) | Accessed::Unfetched(_), None) => None,
        }
    }
}

/// The days (UTC, since 1970) on which each role or user calls for a secret.
type CallDays<'a> = HashMap<&'a str, Vec<u32>, FixedState>;

/// Returns whether the caller of a key use calls for the secret on each of its days, or on a day beside it.
fn explains(days: &CallDays<'_>, key_use: &ActivitySlice<'_>) -> bool {
    let own = days.get(key_use.access.caller.identity.as_str());
    let own = own.map_or(&[][..], Vec::as_slice);
    key_use.cells().all(|cell| {
        let day = cell.hour() / 24;
        let next = own.partition_point(|known| *known + 1 < day);
        own.get(next).is_some_and(|known| *known <= day + 1)
    })
}

/// The last use by a consumer, with the reader.
pub fn last_use<'m>(readers: &'m Readers<'_>, policy: &Policy) -> Option<(i64, &'m Reader)> {
    readers
        .iter()
        .filter(|(reader, _)| policy.is_consumer(reader.kind))
        .filter_map(|(reader, what)| Some((what.last_use()?, &**reader)))
        .max()
}

/// The UTC day of a moment in seconds since 1970, as text.
pub(super) fn utc_day(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| day_of(at).to_string())
}

fn midnight(day: Date) -> i64 {
    day.to_zoned(TimeZone::UTC)
        .map_or(0, |zoned| zoned.timestamp().as_second())
}
