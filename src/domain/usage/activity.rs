//! What happened to each secret: the ledger's lines, resolved to the inventory and grouped by reader.
//!
//! Names are resolved at the time of each call, so that calls to a predecessor of the same name are not taken for calls
//! to the present secret. What belongs to no secret, or to no single one, is kept apart and counted, never dropped.

mod callers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::domain::base::names::{Index, Resolution, Scope, split_arn};
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::policy::Policy;
use crate::domain::trail::calls::{
    CallOutcome, CallSeries, Cell, SampledCalls, first_call, last_call,
};
use crate::domain::trail::coverage::Covered;
use crate::domain::trail::event::RecordKind;
use crate::domain::usage::classify::{Class, RotationFunctions};

use callers::{Callers, Who};

/// A span of time in seconds since 1970: from inclusive, to exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityWindow {
    /// Inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

impl ActivityWindow {
    /// All time.
    pub const ALWAYS: Self = Self {
        from: i64::MIN,
        to: i64::MAX,
    };

    /// Whether a moment lies in it.
    pub fn holds(self, second: i64) -> bool {
        self.from <= second && second < self.to
    }
}

/// Some hours of one line of the ledger.
#[derive(Clone, Debug)]
pub struct ActivitySlice<'a> {
    /// The line.
    pub access: &'a CallSeries,
    /// Which of its hours.
    hours: Range<usize>,
}

impl ActivitySlice<'_> {
    /// The hours, one by one and by address.
    pub fn cells(&self) -> &[Cell] {
        &self.access.cells[self.hours.clone()]
    }

    /// The calls of samples that lie in a window, each with its cell.
    pub fn sampled(&self, window: ActivityWindow) -> impl Iterator<Item = (Cell, SampledCalls)> {
        let cells = self.cells();
        let sampled = &self.access.sampled;
        let first = cells.first().map_or(0, |cell| cell.key);
        let last = cells.last().map_or(0, |cell| cell.key);
        let cell_of = move |calls: &SampledCalls| {
            let begin = cells.partition_point(|cell| cell.key < calls.key);
            let mut of_hour = cells[begin..]
                .iter()
                .take_while(|cell| cell.key == calls.key);
            of_hour.find(|cell| cell.address == calls.address).copied()
        };
        sampled[sampled.partition_point(|calls| calls.key < first)..]
            .iter()
            .take_while(move |calls| calls.key <= last)
            .filter_map(move |calls| Some((cell_of(calls)?, *calls)))
            .filter(move |(cell, _)| window.holds(cell.first()))
    }

    /// How many calls were seen in a window.
    pub fn seen_in(&self, window: ActivityWindow) -> u64 {
        let since = self
            .cells()
            .iter()
            .filter(|cell| window.holds(cell.first()));
        since.map(|cell| u64::from(cell.calls)).sum()
    }

    /// How many calls lie in a window (at whose start cells are cut, and whose end is the end or a full hour).
    ///
    /// Where only a sample was read, that is an estimate: those that were seen, and those that they stand for.
    pub fn calls_in(&self, window: ActivityWindow) -> u64 {
        let mut calls = self.seen_in(window);
        if !self.access.sampled.is_empty() {
            for (_, sampled) in self.sampled(window) {
                calls = calls.saturating_sub(sampled.calls.into()) + sampled.stand_for;
            }
        }
        calls
    }

    /// How many calls lie in a window and in covered time.
    pub fn covered_calls(&self, window: ActivityWindow, covered: &Covered) -> u64 {
        if !self.access.sampled.is_empty() {
            return self.calls_in(window);
        }
        let counts = |cell: &&Cell| window.holds(cell.first()) && covered.holds(cell.first());
        let cells = self.cells().iter().filter(counts);
        cells.map(|cell| u64::from(cell.calls)).sum()
    }

    /// The first and the last call in a window, in seconds since 1970; `None` if none lies in it.
    pub(crate) fn span_in(&self, window: ActivityWindow) -> Option<(i64, i64)> {
        let cells = self.cells().iter();
        let spans = cells
            .filter(|cell| window.holds(cell.first()))
            .map(|cell| (cell.first(), cell.last()));
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn first(&self) -> i64 {
        first_call(self.cells()).unwrap_or(i64::MAX)
    }

    /// The name of the person or program behind the calls: the session of a person, else the role or user.
    pub fn caller_name(&self) -> &str {
        let caller = &self.access.caller;
        let is_person = caller.identity.contains("AWSReservedSSO_") || caller.from_console;
        if is_person && !caller.session.is_empty() {
            &caller.session
        } else {
            name_of(&caller.identity)
        }
    }

    /// The last call, in seconds since 1970.
    pub fn last(&self) -> i64 {
        last_call(self.cells()).unwrap_or(i64::MIN)
    }

    /// Whether the value was asked for, however the call ended, alone or in a batch.
    pub fn asks_for_value(&self) -> bool {
        matches!(
            &*self.access.subject.api,
            "GetSecretValue" | "BatchGetSecretValue"
        )
    }

    /// Whether the description or the versions were asked for, however the call ended.
    pub fn asks_for_description(&self) -> bool {
        matches!(
            &*self.access.subject.api,
            "DescribeSecret" | "ListSecretVersionIds"
        )
    }

    /// Whether the call changes the value of the secret or who may read it, however it ended. Tags and descriptions are
    /// left out: tools that label everything write those.
    pub fn is_write(&self) -> bool {
        WRITES.contains(&&*self.access.subject.api)
    }

    /// Whether this is a `GetSecretValue`, however it ended.
    pub fn is_get(&self) -> bool {
        &*self.access.subject.api == "GetSecretValue"
    }

    /// Whether this is a `GetSecretValue` that was answered.
    pub fn is_read(&self) -> bool {
        self.is_get() && self.access.outcome == CallOutcome::Ok
    }

    /// Whether this is a `DescribeSecret` that was answered.
    pub fn is_describe(&self) -> bool {
        &*self.access.subject.api == "DescribeSecret" && self.access.outcome == CallOutcome::Ok
    }
}

/// Calls that change the value of a secret or who may read it, or that take a deletion back: somebody works with it.
pub const WRITES: [&str; 11] = [
    "PutSecretValue",
    "UpdateSecret",
    "RestoreSecret",
    "PutResourcePolicy",
    "RotateSecret",
    "UpdateSecretVersionStage",
    "ReplicateSecretToRegions",
    "RemoveRegionsFromReplication",
    "StopReplicationToReplica",
    "AssociateCrossAccountReplica",
    "AcceptCrossAccountReplication",
];

/// A caller that describes a secret on so many days, or in so many hours, does so regularly: it refreshes a cache.
const REGULAR_DAYS: usize = 4;
const REGULAR_HOURS: usize = 12;

/// Whether calls come on so many days, or in so many hours, that somebody makes them by habit.
fn is_regular<'c>(cells: impl Iterator<Item = &'c Cell>) -> bool {
    let hours: BTreeSet<u32> = cells.map(|cell| cell.hour()).collect();
    let days: BTreeSet<u32> = hours.iter().map(|hour| hour / 24).collect();
    hours.len() >= REGULAR_HOURS || days.len() >= REGULAR_DAYS
}

/// Who reads, as reports group it: never by session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader {
    /// What it is.
    pub kind: ReaderKind,
    /// The ARN of the role or user, or the name of the service.
    pub identity: String,
    /// The program.
    pub client: String,
}

/// What one reader did with one secret, or with one name that is not in the inventory.
#[derive(Clone, Debug)]
pub struct ReaderUse<'a> {
    /// The cache time and advice for this reader.
    pub class: Arc<Class>,
    /// Its calls.
    pub slices: Vec<ActivitySlice<'a>>,
    /// The batches that name the secret. The calls themselves belong to no secret: what a batch reads is logged once more
    /// for each secret.
    pub batches: Vec<ActivitySlice<'a>>,
}

impl<'a> ReaderUse<'a> {
    /// Calls in a window.
    pub fn calls_in(&self, window: ActivityWindow) -> u64 {
        self.slices.iter().map(|slice| slice.calls_in(window)).sum()
    }

    /// Calls in a window of which something is true.
    pub fn count(&self, window: ActivityWindow, which: impl Fn(&ActivitySlice<'a>) -> bool) -> u64 {
        let chosen = self.slices.iter().filter(|slice| which(slice));
        chosen.map(|slice| slice.calls_in(window)).sum()
    }

    /// The calls, and the batches that name the secret.
    pub fn evidence(&self) -> impl Iterator<Item = &ActivitySlice<'a>> {
        self.slices.iter().chain(&self.batches)
    }

    /// The first and the last call, in seconds since 1970.
    pub fn span(&self) -> (i64, i64) {
        let first = self.evidence().map(ActivitySlice::first).min().unwrap_or(0);
        (
            first,
            self.evidence().map(ActivitySlice::last).max().unwrap_or(0),
        )
    }

    /// The last call by which this reader used the secret: a read, alone or in a batch, or the refresh of a cache.
    pub fn last_use(&self) -> Option<i64> {
        let refreshes = self.refreshes();
        let used = self.evidence().filter(|slice| {
            slice.asks_for_value() && slice.access.outcome == CallOutcome::Ok
                || refreshes && slice.is_describe()
        });
        used.map(ActivitySlice::last).max()
    }

    /// Whether the reader writes the secret.
    pub fn writes(&self) -> bool {
        self.slices.iter().any(ActivitySlice::is_write)
    }

    /// Whether a `DescribeSecret` by this reader refreshes a cache.
    ///
    /// AWS's caching libraries refresh so, and say who they are only where they make their own client: the examples in
    /// their READMEs hand one in. So whoever describes a secret regularly is taken for a cache, unless it is known to look
    /// after secrets, or writes this one: then it describes the secret in order to write it.
    pub fn refreshes(&self) -> bool {
        if self.class.kind.is_maintenance() || self.writes() {
            return false;
        }
        self.class.kind.describes_to_use() || self.describes_regularly()
    }

    fn describes_regularly(&self) -> bool {
        let describes = self.slices.iter().filter(|slice| slice.is_describe());
        is_regular(describes.flat_map(ActivitySlice::cells))
    }

    /// The UTC days since 1970 on which it read.
    pub fn read_days(&self) -> BTreeSet<i64> {
        let reads = self.slices.iter().filter(|slice| slice.is_read());
        reads
            .flat_map(|slice| {
                slice
                    .cells()
                    .iter()
                    .map(|cell| cell.first().div_euclid(86_400))
            })
            .collect()
    }

    /// The failed attempts in a window to use the secret, by how they ended. A describe counts by whoever is not known to
    /// look after secrets: a cache may want to refresh.
    pub fn failures(&self, window: ActivityWindow) -> BTreeMap<CallOutcome, FailedCalls> {
        let describes = !self.class.kind.is_maintenance();
        let mut failures: BTreeMap<CallOutcome, FailedCalls> = BTreeMap::new();
        for slice in self.evidence() {
            let asks = slice.asks_for_value() || describes && slice.asks_for_description();
            if !asks || slice.access.outcome == CallOutcome::Ok {
                continue;
            }
            if let Some(span) = slice.span_in(window) {
                let found = failures.entry(slice.access.outcome).or_default();
                found.add(slice, slice.calls_in(window), span);
            }
        }
        failures
    }
}

/// Failed calls that ended alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedCalls {
    /// How many.
    pub calls: u64,
    /// Some of them were not seen: a sample stands for them.
    pub estimated: bool,
    /// The first of them, in seconds since 1970.
    pub first: Option<i64>,
    /// The last of them.
    pub last: Option<i64>,
    /// One of the error messages. Other people's text.
    pub sample: Option<String>,
}

impl FailedCalls {
    /// Adds so many calls, the first and the last of them at these moments.
    pub(crate) fn add(&mut self, slice: &ActivitySlice<'_>, calls: u64, (first, last): (i64, i64)) {
        self.calls += calls;
        self.first = Some(self.first.map_or(first, |kept| kept.min(first)));
        self.last = self.last.max(Some(last));
        self.estimated |= !slice.access.sampled.is_empty();
        let sample = slice.access.sample.as_deref();
        if let Some(sample) =
            sample.filter(|new| self.sample.as_deref().is_none_or(|kept| *new < kept))
        {
            self.sample = Some(sample.to_owned());
        }
    }
}

/// Readers with what they did, sorted.
pub type Readers<'a> = BTreeMap<Arc<Reader>, ReaderUse<'a>>;

/// A name that was asked for and that is not in the inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingName {
    /// The account of the event; may be empty.
    pub account: Arc<str>,
    /// The Region of the event; may be empty.
    pub region: Arc<str>,
    /// The name or ARN as it was asked for. Other people's text.
    pub target: Arc<str>,
}

impl MissingName {
    /// The scope of the event, if it names one: where the call was logged.
    pub fn scope(&self) -> Option<Scope> {
        Some(Scope {
            account: self.account.parse().ok()?,
            region: self.region.parse().ok()?,
        })
    }

    /// Where the secret would stand, and its name there: the scope of the ARN with what follows it, or else the scope of
    /// the event with the name. A role may ask for a secret of another account or Region.
    pub fn place(&self) -> Option<(Scope, &str)> {
        let by_name = || Some((self.scope()?, &*self.target));
        split_arn(&self.target).or_else(by_name)
    }
}

/// Calls that belong to no secret, by what they are.
#[derive(Clone, Debug)]
pub struct Unattributed<'a> {
    /// The API's name where the call names no secret; else why the name is nobody's.
    pub what: String,
    /// The calls.
    pub slice: ActivitySlice<'a>,
}

/// Everything that happened, by secret.
#[derive(Debug, Default)]
pub struct Activity<'a> {
    /// By place in the inventory.
    pub secrets: Vec<Readers<'a>>,
    /// Names that are not in the inventory, by who asked.
    pub missing: BTreeMap<MissingName, Readers<'a>>,
    /// Calls that are nobody's: they still cost.
    pub unattributed: Vec<Unattributed<'a>>,
    /// Places in the inventory that ambiguous calls may have meant, with how many calls.
    pub ambiguous: HashMap<usize, u64>,
    /// Service events (rotation, deletion) by place in the inventory: nobody called, nothing is billed.
    pub service_events: HashMap<usize, Vec<ActivitySlice<'a>>>,
    /// Uses of keys for secrets, by place in the inventory.
    pub key_uses: HashMap<usize, Vec<ByCaller<'a>>>,
    /// Refused calls for a secret whose records name none.
    pub unnamed: Vec<ByCaller<'a>>,
    /// Batches that select secrets by filters.
    pub filters: Vec<ByCaller<'a>>,
}

/// Calls with their caller.
#[derive(Clone, Debug)]
pub struct ByCaller<'a> {
    /// Who called.
    pub reader: Arc<Reader>,
    /// The calls.
    pub slice: ActivitySlice<'a>,
}

/// Resolves and groups the lines of a ledger. `len` is the number of secrets that `index` was made from.
pub fn attribute<'a>(
    accesses: &'a [CallSeries],
    index: &Index<'_>,
    len: usize,
    rotations: &RotationFunctions,
    policy: &Policy,
) -> Activity<'a> {
    let mut activity = Activity {
        secrets: vec![Readers::new(); len],
        ..Activity::default()
    };
    let mut callers = Callers::new(accesses, index, rotations, policy);
    for access in accesses {
        for (slice, resolution) in slices(access, index) {
            let who = callers.towards(access, resolution.as_ref());
            activity.put(slice, resolution, who);
        }
    }
    activity
}

/// The hours of a line, in runs that mean the same secret.
fn slices<'a>(
    access: &'a CallSeries,
    index: &Index<'_>,
) -> Vec<(ActivitySlice<'a>, Option<Resolution>)> {
    let whole = |resolution| {
        vec![(
            ActivitySlice {
                access,
                hours: 0..access.cells.len(),
            },
            resolution,
        )]
    };
    let Some(target) = &access.subject.target else {
        return whole(None);
    };
    let scope = access.scope();
    let at = |time| index.resolve(target, scope.as_ref(), time);
    let (Some(first), Some(last)) = (first_call(&access.cells), last_call(&access.cells)) else {
        return Vec::new();
    };
    let at_first = at(first);
    if at_first == at(last) {
        return whole(Some(at_first));
    }
    let mut runs: Vec<(ActivitySlice<'a>, Option<Resolution>)> = Vec::new();
    let mut end = 0;
    for hour in access.cells.chunk_by(|one, next| one.key == next.key) {
        let start = end;
        end += hour.len();
        // An hour that straddles a creation counts for the secret that was created: a name is free again at the
        // earliest days after its secret was deleted, so no other secret can have borne it in that hour.
        let last = hour.iter().map(|cell| cell.last()).max();
        let resolution = last.map(at);
        match runs.last_mut() {
            Some((slice, same)) if *same == resolution => slice.hours.end = end,
            _ => runs.push((
                ActivitySlice {
                    access,
                    hours: start..end,
                },
                resolution,
            )),
        }
    }
    runs
}

impl<'a> Activity<'a> {
    /// Every call, once.
    pub fn slices(&self) -> impl Iterator<Item = &ActivitySlice<'a>> {
        let of_secrets = self.secrets.iter().flat_map(BTreeMap::values);
        of_secrets
            .flat_map(|what| &what.slices)
            .chain(self.unattributed.iter().map(|nobody| &nobody.slice))
    }

    fn put(&mut self, slice: ActivitySlice<'a>, resolution: Option<Resolution>, who: &Who) {
        let access = slice.access;
        if access.kind != RecordKind::Call {
            self.note(slice, resolution, who);
            return;
        }
        if resolution.is_none() && is_unnamed_refusal(&slice, who) {
            self.unnamed.push(by(who, slice.clone()));
        }
        let what = match resolution {
            Some(Resolution::One(place)) => {
                add(&mut self.secrets[place], slice, who);
                return;
            }
            None => access.subject.api.to_string(),
            Some(Resolution::Former) => {
                let target = access.subject.target.clone().unwrap_or_default();
                if target.starts_with("arn:") && access.outcome != CallOutcome::Ok {
                    self.miss(access, target, slice.clone(), who);
                }
                "former secret".to_owned()
            }
            Some(Resolution::Ambiguous(places)) => {
                let calls = slice.calls_in(ActivityWindow::ALWAYS);
                for place in places {
                    *self.ambiguous.entry(place).or_default() += calls;
                }
                "ambiguous name".to_owned()
            }
            Some(Resolution::Unknown) => {
                let target = access.subject.target.clone().unwrap_or_default();
                self.miss(access, target, slice.clone(), who);
                "name not in the inventory".to_owned()
            }
        };
        self.unattributed.push(Unattributed { what, slice });
    }

    /// Takes in evidence that is no call.
    fn note(&mut self, slice: ActivitySlice<'a>, resolution: Option<Resolution>, who: &Who) {
        match (slice.access.kind, resolution) {
            (RecordKind::BatchFilter, _) => self.filters.push(by(who, slice)),
            (RecordKind::EndpointDenial, None) => self.unnamed.push(by(who, slice)),
            (RecordKind::ServiceEvent, Some(Resolution::One(place))) => {
                self.service_events.entry(place).or_default().push(slice);
            }
            (RecordKind::KeyUse, Some(Resolution::One(place))) => {
                self.key_uses.entry(place).or_default().push(by(who, slice));
            }
            (RecordKind::BatchEntry | RecordKind::EndpointDenial, Some(Resolution::One(place))) => {
                let used = reader_use(&mut self.secrets[place], who);
                used.batches.push(slice);
            }
            (kind, Some(Resolution::Ambiguous(places))) if kind != RecordKind::ServiceEvent => {
                let calls = slice.calls_in(ActivityWindow::ALWAYS);
                for place in places {
                    *self.ambiguous.entry(place).or_default() += calls;
                }
            }
            // The call itself is counted by its own line, and what the service says of an unknown secret says nothing.
            _ => {}
        }
    }

    /// Notes who asked for a name that stands for no secret of the inventory.
    fn miss(&mut self, access: &CallSeries, target: Arc<str>, slice: ActivitySlice<'a>, who: &Who) {
        let missing = MissingName {
            account: access.subject.account.clone(),
            region: access.subject.region.clone(),
            target,
        };
        add(self.missing.entry(missing).or_default(), slice, who);
    }
}

fn add<'a>(readers: &mut Readers<'a>, slice: ActivitySlice<'a>, who: &Who) {
    reader_use(readers, who).slices.push(slice);
}

fn reader_use<'r, 'a>(
    readers: &'r mut Readers<'a>,
    (reader, class): &Who,
) -> &'r mut ReaderUse<'a> {
    readers.entry(reader.clone()).or_insert_with(|| ReaderUse {
        class: class.clone(),
        slices: Vec::new(),
        batches: Vec::new(),
    })
}

fn by<'a>((reader, _): &Who, slice: ActivitySlice<'a>) -> ByCaller<'a> {
    ByCaller {
        reader: reader.clone(),
        slice,
    }
}

/// Whether a call that names no secret was refused one: it may have meant any secret of its account and Region.
fn is_unnamed_refusal(slice: &ActivitySlice<'_>, (reader, _): &Who) -> bool {
    let asks =
        slice.asks_for_value() || slice.asks_for_description() && !reader.kind.is_maintenance();
    asks && !slice.access.selects && slice.access.outcome != CallOutcome::Ok
}
