//! Which hours a trail covers, in each account and Region.
//!
//! Absence of events proves something only inside covered time, so coverage is judged from everything a trail holds, of
//! every service. CloudTrail delivers a file only when something happened: an hour without a record is either a quiet
//! hour or a hole. [`Coverage::covered`] tells them apart by the trail's own rhythm: a silence that is usual for this
//! account and Region (nights, weekends, a daily job) is covered, a silence that is not is a hole. In doubt it is a hole,
//! because a hole can only turn a deletion into a question.
//!
//! A trail that holds no read-only events is write-only (`ReadWriteType: WriteOnly`) and covers no reads at all. Records
//! that are all of one service, one event name or one caller are the answer to a question and cover nothing
//! ([`Variety`]).
//! A source that was asked for a span and delivered all of it asserts the span ([`Coverage::assert`]) and needs no
//! guessing.

use crate::domain::trail::unread::Unread;

use std::collections::{BTreeMap, BTreeSet, HashMap};

mod describe;

pub use describe::{in_days, in_words};

use crate::domain::base::names::Scope;
use crate::domain::sampling::{Sample, Samples};
use crate::domain::trail::event::{Values, Variety};

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

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(&word, &bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }
}

/// What was heard of one account and Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeActivity {
    hours: Hours,
    /// UTC days since 1970 that hold a record with `readOnly: true`.
    read_days: BTreeSet<u32>,
    /// Spans (seconds since 1970) of which a source delivered everything.
    asserted: Vec<(i64, i64)>,
    /// How varied the records are.
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

/// What was heard everywhere.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    scopes: HashMap<(Box<str>, Box<str>), ScopeActivity>,
    /// Where only windows of the time were read. A sample covers nothing: it can stand for volume, never for absence.
    samples: Samples,
    /// Time of which records could not be read.
    unread: BTreeSet<Unread>,
    /// The scope of the last call: records come in runs.
    last: Option<(Box<str>, Box<str>, u32, bool)>,
}

impl Coverage {
    /// Notes that some service logged something in this hour.
    pub fn heard(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        let again = self.last.as_ref().is_some_and(|(a, r, h, known)| {
            *h == hour && (*known || !read_only) && **a == *account && **r == *region
        });
        if again {
            return;
        }
        self.last = Some((account.into(), region.into(), hour, read_only));
        let heard = self
            .scopes
            .entry((account.into(), region.into()))
            .or_default();
        heard.hours.insert(hour);
        if read_only {
            heard.read_days.insert(hour / 24);
        }
    }

    /// Notes how varied the management events of one file are.
    pub fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        let key = (account.into(), region.into());
        self.scopes.entry(key).or_default().variety.merge(variety);
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
            one.place.as_ref().is_none_or(|(account, region)| {
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
        for (key, heard) in other.scopes {
            let mine = self.scopes.entry(key).or_default();
            mine.hours.extend(&heard.hours);
            mine.read_days.extend(heard.read_days);
            mine.asserted.extend(heard.asserted);
            mine.variety.merge(&heard.variety);
        }
    }

    /// What was heard of a scope.
    pub fn of(&self, scope: &Scope) -> Option<&ScopeActivity> {
        self.scopes
            .get(&(scope.account.as_str().into(), scope.region.as_str().into()))
    }

    /// Every scope that was heard of, sorted. Text that is no account or Region is left out.
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

/// The proof that a read of a secret would have been seen at any moment of a span. Only covered time gives one
/// ([`Covered::proof`]), and only with one a secret is judged unused by the absence of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof(());

impl Proof {
    /// Joins the proofs of several places: all of them have one.
    pub fn of_all(proofs: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        proofs
            .into_iter()
            .try_fold(Self(()), |all, one| one.map(|_| all))
    }
}

/// Time that is covered: sorted spans without overlap, in seconds since 1970, ends exclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered(Vec<(i64, i64)>);

impl Covered {
    fn new(mut spans: Vec<(i64, i64)>) -> Self {
        spans.retain(|(from, to)| from < to);
        spans.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for (from, to) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// Covered seconds between two moments.
    pub fn seconds(&self, from: i64, to: i64) -> u64 {
        let inside = |span: &(i64, i64)| (span.1.min(to) - span.0.max(from)).max(0);
        self.0.iter().map(inside).sum::<i64>().unsigned_abs()
    }

    /// Whole covered hours between two moments. Where all of it is covered, an hour that was begun counts as one, as it
    /// does in [`crate::domain::base::span::Span::begun_hours`]: only what has a hole has fewer hours than its span.
    pub fn hours(&self, from: i64, to: i64) -> u32 {
        let seconds = self.seconds(from, to);
        let hours = if self.is_complete(from, to) {
            seconds.div_ceil(3_600)
        } else {
            seconds / 3_600
        };
        u32::try_from(hours).unwrap_or(u32::MAX)
    }

    /// Whether a moment is covered.
    pub fn holds(&self, moment: i64) -> bool {
        let behind = self.0.partition_point(|span| span.0 <= moment);
        behind > 0 && moment < self.0[behind - 1].1
    }

    /// Whether every second between two moments is covered.
    pub fn is_complete(&self, from: i64, to: i64) -> bool {
        self.holes(from, to).is_empty()
    }

    /// The proof for the span between two moments, if all of it is covered.
    pub fn proof(&self, from: i64, to: i64) -> Option<Proof> {
        self.is_complete(from, to).then_some(Proof(()))
    }

    /// What is not covered between two moments.
    pub fn holes(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut holes = Vec::new();
        let mut at = from;
        for span in &self.0 {
            if span.0.min(to) > at {
                holes.push((at, span.0.min(to)));
            }
            at = at.max(span.1);
        }
        if at < to {
            holes.push((at, to));
        }
        holes
    }

    /// What is covered outside of these spans.
    #[must_use]
    fn without(&self, spans: Vec<(i64, i64)>) -> Self {
        let spans = Self::new(spans);
        let parts = self.0.iter();
        Self::new(
            parts
                .flat_map(|&(from, to)| spans.holes(from, to))
                .collect(),
        )
    }

    /// What both cover.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let both = self.0.iter().flat_map(|one| {
            let meet = |two: &(i64, i64)| (one.0.max(two.0), one.1.min(two.1));
            other.0.iter().map(meet)
        });
        Self::new(both.collect())
    }
}

impl ScopeActivity {
    /// Whether the trail holds events here, and none of them is a read.
    pub fn is_write_only(&self) -> bool {
        self.asserted.is_empty() && self.read_days.is_empty() && self.hours.iter().next().is_some()
    }

    /// Whether the records are a selection of a trail, which says who reads a secret and never who does not.
    pub fn selection(&self) -> Option<RecordSelection<'_>> {
        let Variety {
            services,
            names,
            identities,
            any_success,
        } = &self.variety;
        match (names, services, identities) {
            (Values::One(name), _, _) => Some(RecordSelection::Name(name)),
            (_, Values::One(service), _) => Some(RecordSelection::Service(service)),
            (_, _, Values::One(caller)) => Some(RecordSelection::Caller(caller)),
            (Values::Several, Values::Several, Values::Several) if !any_success => {
                Some(RecordSelection::Failures)
            }
            _ => None,
        }
    }

    /// Whether a source says that it delivered everything, so that nothing is concluded from the records.
    pub fn is_asserted(&self) -> bool {
        !self.asserted.is_empty()
    }

    /// Whether anything was heard in these holes, and whether in some of their hours nothing was.
    fn heard_in(&self, holes: &[(i64, i64)]) -> (bool, bool) {
        let (mut heard, mut silent) = (false, false);
        for &(from, to) in holes {
            let hours = from.div_euclid(3_600)..(to + 3_599).div_euclid(3_600);
            let all = hours.clone().count();
            let inside = self
                .hours
                .iter()
                .filter(|&hour| hours.contains(&hour.into()));
            let some = inside.count();
            heard |= some > 0;
            silent |= some < all;
        }
        (heard, silent)
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
        let heard = bridged(&hours, 3_600, tolerance(&hours, LONGEST_SILENCE), from, to);
        let with_reads = bridged(
            &days,
            86_400,
            tolerance(&days, LONGEST_SILENCE / 24).max(2),
            from,
            to,
        );
        let read = if self.selection().is_some() {
            Covered::default()
        } else {
            heard.and(&with_reads)
        };
        Covered::new(asserted.0.into_iter().chain(read.0).collect())
    }
}

/// How long events may be on their way, in seconds: usually five minutes, which is not guaranteed
/// (CloudTrail User Guide, "How CloudTrail works").
pub const SETTLING: i64 = 3_600;

/// The longest silence in hours that can be usual: a weekend and half a day on each side.
const LONGEST_SILENCE: i64 = 72;

/// The chance we accept that a usual silence in a whole trail is taken for a hole.
const ODDS: f64 = 1e-3;

/// How many units (hours, days) may lie between two that were heard without a hole being assumed.
///
/// Three rhythms, told apart by the steps between heard units:
/// - nearly every unit is heard (95 % of the steps are 1): silences are chance, and `k` silent units in a row have the
///   odds `(1 - p)^k`, so the tolerance is the smallest `k` that a whole trail would not show;
/// - all steps are alike but longer (a daily job): one step and a half;
/// - mixed steps (nights, weekends): five times the 95th percentile, which takes a night to a weekend.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts of hours are far below 2^52, and the result is a small number of hours"
)]
fn tolerance(heard: &[i64], longest: i64) -> i64 {
    let mut steps: Vec<i64> = heard.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if steps.len() < 3 {
        return 1;
    }
    steps.sort_unstable();
    let (median, high) = (steps[steps.len() / 2], steps[(steps.len() - 1) * 95 / 100]);
    let silent = if high == 1 {
        let usual = steps
            .iter()
            .filter(|&&step| step <= longest)
            .sum::<i64>()
            .max(1);
        let heard_share = (steps.len() as f64 / usual as f64).min(1.0);
        let silent_share = (1.0 - heard_share).max(1.0 / (usual as f64 + 1.0));
        ((ODDS / usual as f64).ln() / silent_share.ln()).ceil() as i64
    } else if median == high {
        high + high / 2
    } else {
        5 * high
    };
    silent.clamp(1, longest)
}

/// The spans of the heard units, silences of at most `tolerated` units included, cut to `from..to`.
fn bridged(heard: &[i64], unit: i64, tolerated: i64, from: i64, to: i64) -> Covered {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for &at in heard {
        let (start, end) = (at * unit, (at + 1) * unit);
        match spans.last_mut() {
            Some(last) if start - last.1 <= tolerated * unit => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
    if let Some(first) = spans
        .first_mut()
        .filter(|span| span.0 - from <= tolerated * unit)
    {
        first.0 = first.0.min(from);
    }
    if let Some(last) = spans
        .last_mut()
        .filter(|span| to - span.1 <= tolerated * unit)
    {
        last.1 = last.1.max(to);
    }
    Covered::new(
        spans
            .iter()
            .map(|span| (span.0.max(from), span.1.min(to)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 24;
    /// 2026-08-03T00:00Z, a Monday.
    const START: u32 = 20_668 * 24;

    /// Hears these hours (after `START`) of a trail of `days`, and returns covered hours and holes in hours.
    fn check(days: u32, heard: impl Iterator<Item = u32>) -> (u32, Vec<(i64, i64)>) {
        let mut coverage = Coverage::default();
        for hour in heard {
            coverage.heard("111122223333", "us-east-1", START + hour, true);
        }
        let (from, to) = (
            i64::from(START) * 3_600,
            i64::from(START + days * DAY) * 3_600,
        );
        let scope = coverage.scopes().into_iter().next().unwrap();
        let covered = coverage.of(&scope).unwrap().covered(from, to);
        let relative = |second: i64| (second - from) / 3_600;
        let holes = covered.holes(from, to);
        let holes = holes
            .iter()
            .map(|hole| (relative(hole.0), relative(hole.1)));
        (covered.hours(from, to), holes.collect())
    }

    #[test]
    fn a_busy_trail_covers_every_hour_and_shows_short_holes() {
        let all = 0..90 * DAY;
        assert_eq!(check(90, all.clone()), (2160, vec![]));
        let hole = all.clone().filter(|hour| !(700..706).contains(hour));
        assert_eq!(check(90, hole), (2154, vec![(700, 706)]));
        let hole = all.filter(|hour| !(700..988).contains(hour));
        assert_eq!(check(90, hole), (1872, vec![(700, 988)]));
    }

    #[test]
    fn usual_silences_are_covered() {
        let office =
            (0..90 * DAY).filter(|hour| hour / DAY % 7 < 5 && (8..18).contains(&(hour % DAY)));
        assert_eq!(check(90, office).1, vec![], "nights and weekends");
        let daily = (0..90).map(|day| day * DAY + 3);
        assert_eq!(check(90, daily).1, vec![], "a daily job");
        let often = (0..90 * DAY).filter(|hour| hour.wrapping_mul(2_654_435_761) >> 16 & 7 < 6);
        assert_eq!(check(90, often).1, vec![], "three hours of four, by chance");
    }

    #[test]
    fn unusual_silences_are_holes() {
        let daily = (0..90)
            .filter(|day| !(40..44).contains(day))
            .map(|day| day * DAY + 3);
        assert_eq!(
            check(90, daily).1,
            vec![(39 * 24 + 4, 44 * 24 + 3)],
            "four days of a daily job"
        );
        let office = (0..90 * DAY)
            .filter(|hour| hour / DAY % 7 < 5 && (8..18).contains(&(hour % DAY)))
            .filter(|hour| !(28 * DAY..35 * DAY).contains(hour));
        assert_eq!(
            check(90, office).1.len(),
            1,
            "a week without an office hour"
        );
    }

    #[test]
    fn a_trail_that_starts_late_or_ends_early_says_so() {
        assert_eq!(check(90, 30 * DAY..90 * DAY).1, vec![(0, 720)]);
        assert_eq!(check(90, 0..80 * DAY).1, vec![(1920, 2160)]);
        assert_eq!(check(90, 5..90 * DAY - 2).1, vec![(0, 5)]);
    }

    #[test]
    fn a_few_events_cover_hardly_more_than_their_hours() {
        assert_eq!(check(90, [1000].into_iter()).0, 1);
        assert_eq!(check(90, [0, 2159].into_iter()).0, 2);
        assert_eq!(
            check(90, std::iter::empty::<u32>().chain([5, 900, 1800])).0,
            3
        );
    }

    #[test]
    fn a_write_only_trail_covers_no_reads() {
        let mut coverage = Coverage::default();
        for hour in 0..90 * DAY {
            coverage.heard("111122223333", "us-east-1", START + hour, false);
        }
        let scope = coverage.scopes().into_iter().next().unwrap();
        let heard = coverage.of(&scope).unwrap();
        let (from, to) = (
            i64::from(START) * 3_600,
            i64::from(START + 90 * DAY) * 3_600,
        );
        assert!(heard.is_write_only());
        assert_eq!(heard.covered(from, to).hours(from, to), 0);
    }

    #[test]
    fn a_trail_that_became_write_only_covers_reads_until_then() {
        let mut coverage = Coverage::default();
        for hour in 0..90 * DAY {
            coverage.heard("111122223333", "us-east-1", START + hour, hour < 60 * DAY);
        }
        let scope = coverage.scopes().into_iter().next().unwrap();
        let (from, to) = (
            i64::from(START) * 3_600,
            i64::from(START + 90 * DAY) * 3_600,
        );
        let covered = coverage.of(&scope).unwrap().covered(from, to);
        assert_eq!(covered.hours(from, to), 60 * DAY);
    }

    #[test]
    fn the_edges_of_an_asserted_span_may_miss_an_hour() {
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        let until = |end: i64| {
            let mut coverage = Coverage::default();
            coverage.assert(&scope, 0, end);
            coverage
                .of(&scope)
                .unwrap()
                .covered(0, 72_000)
                .holes(0, 72_000)
        };
        assert_eq!(until(72_000 - 3_600), []);
        assert_eq!(until(72_000 - 3_601), [(68_399, 72_000)]);
        let mut coverage = Coverage::default();
        coverage.assert(&scope, 3_600, 72_000);
        assert!(
            coverage
                .of(&scope)
                .unwrap()
                .covered(0, 72_000)
                .is_complete(0, 72_000)
        );
    }

    #[test]
    fn an_asserted_span_needs_no_events() {
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        let mut coverage = Coverage::default();
        coverage.assert(&scope, 0, 36_000);
        coverage.assert(&scope, 36_000, 72_000);
        let covered = coverage.of(&scope).unwrap().covered(0, 72_000);
        assert!(covered.is_complete(0, 72_000));
        assert_eq!(covered.hours(0, 72_000), 20);
    }
}
