//! What happened to each secret: the ledger's lines, resolved to the inventory and grouped by reader.
//!
//! Names are resolved at the time of each call, so that calls to a predecessor of the same name are not taken for calls
//! to the present secret. What belongs to no secret, or to no single one, is kept apart and counted, never dropped.

mod callers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::classify::{Class, RotationFunctions};
use super::coverage::Covered;
use super::names::{Index, Resolution, Scope, split_arn};
use super::policy::Policy;
use super::readers::ReaderKind;
use super::usage::{Access, Caller, Cell, Outcome, SampledCalls, first_call, last_call};

use callers::{Known, Who, rotated};

/// A span of time in seconds since 1970: from inclusive, to exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

impl Window {
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
pub struct Slice<'a> {
    /// The line.
    pub access: &'a Access,
    /// Which of its hours.
    hours: Range<usize>,
}

impl Slice<'_> {
    /// The hours, one by one and by address.
    pub fn cells(&self) -> &[Cell] {
        &self.access.cells[self.hours.clone()]
    }

    /// The calls of samples that lie in a window, each with its cell.
    pub fn sampled(&self, window: Window) -> impl Iterator<Item = (Cell, SampledCalls)> {
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
    pub fn seen_in(&self, window: Window) -> u64 {
        let since = self
            .cells()
            .iter()
            .filter(|cell| window.holds(cell.first()));
        since.map(|cell| u64::from(cell.calls)).sum()
    }

    /// How many calls lie in a window (at whose start cells are cut, and whose end is the end or a full hour).
    ///
    /// Where only a sample was read, that is an estimate: those that were seen, and those that they stand for.
    pub fn calls_in(&self, window: Window) -> u64 {
        let mut calls = self.seen_in(window);
        if !self.access.sampled.is_empty() {
            for (_, sampled) in self.sampled(window) {
                calls = calls.saturating_sub(sampled.calls.into()) + sampled.stand_for;
            }
        }
        calls
    }

    /// How many calls lie in a window and in covered time.
    pub fn covered_calls(&self, window: Window, covered: &Covered) -> u64 {
        if !self.access.sampled.is_empty() {
            return self.calls_in(window);
        }
        let counts = |cell: &&Cell| window.holds(cell.first()) && covered.holds(cell.first());
        let cells = self.cells().iter().filter(counts);
        cells.map(|cell| u64::from(cell.calls)).sum()
    }

    /// The first and the last call in a window, in seconds since 1970; `None` if none lies in it.
    fn span_in(&self, window: Window) -> Option<(i64, i64)> {
        let cells = self.cells().iter();
        let spans = cells
            .filter(|cell| window.holds(cell.first()))
            .map(|cell| (cell.first(), cell.last()));
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn first(&self) -> i64 {
        first_call(self.cells()).unwrap_or(i64::MAX)
    }

    /// The last call, in seconds since 1970.
    pub fn last(&self) -> i64 {
        last_call(self.cells()).unwrap_or(i64::MIN)
    }

    /// Whether this is a `GetSecretValue`, however it ended.
    pub fn is_get(&self) -> bool {
        &*self.access.subject.api == "GetSecretValue"
    }

    /// Whether this is a `GetSecretValue` that was answered.
    pub fn is_read(&self) -> bool {
        self.is_get() && self.access.outcome == Outcome::Ok
    }

    /// Whether this is a `DescribeSecret` that was answered.
    pub fn is_describe(&self) -> bool {
        &*self.access.subject.api == "DescribeSecret" && self.access.outcome == Outcome::Ok
    }
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
    pub slices: Vec<Slice<'a>>,
}

impl<'a> ReaderUse<'a> {
    /// Calls in a window.
    pub fn calls_in(&self, window: Window) -> u64 {
        self.slices.iter().map(|slice| slice.calls_in(window)).sum()
    }

    /// Calls in a window of which something is true.
    pub fn count(&self, window: Window, which: impl Fn(&Slice<'a>) -> bool) -> u64 {
        let chosen = self.slices.iter().filter(|slice| which(slice));
        chosen.map(|slice| slice.calls_in(window)).sum()
    }

    /// The first and the last call, in seconds since 1970.
    pub fn span(&self) -> (i64, i64) {
        let first = self.slices.iter().map(Slice::first).min().unwrap_or(0);
        (
            first,
            self.slices.iter().map(Slice::last).max().unwrap_or(0),
        )
    }

    /// The last call by which this reader used the secret: a read, or a caching client's refresh.
    pub fn last_use(&self) -> Option<i64> {
        let describes = self.class.kind.describes_to_use();
        let used = self
            .slices
            .iter()
            .filter(|slice| slice.is_read() || describes && slice.is_describe());
        used.map(Slice::last).max()
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

    /// The failed attempts in a window to use the secret, by how they ended. A describe counts where it would have been
    /// use.
    pub fn failures(&self, window: Window) -> BTreeMap<Outcome, Failures> {
        let describes = self.class.kind.describes_to_use();
        let mut failures: BTreeMap<Outcome, Failures> = BTreeMap::new();
        for slice in &self.slices {
            let asks =
                slice.is_get() || describes && &*slice.access.subject.api == "DescribeSecret";
            if !asks || slice.access.outcome == Outcome::Ok {
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
pub struct Failures {
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

impl Failures {
    /// Adds so many calls, the first and the last of them at these moments.
    fn add(&mut self, slice: &Slice<'_>, calls: u64, (first, last): (i64, i64)) {
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
pub struct Missing {
    /// The account of the event; may be empty.
    pub account: Arc<str>,
    /// The Region of the event; may be empty.
    pub region: Arc<str>,
    /// The name or ARN as it was asked for. Other people's text.
    pub target: Arc<str>,
}

impl Missing {
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
    pub slice: Slice<'a>,
}

/// Everything that happened, by secret.
#[derive(Debug, Default)]
pub struct Activity<'a> {
    /// By place in the inventory.
    pub secrets: Vec<Readers<'a>>,
    /// Names that are not in the inventory, by who asked.
    pub missing: BTreeMap<Missing, Readers<'a>>,
    /// Calls that are nobody's: they still cost.
    pub unattributed: Vec<Unattributed<'a>>,
    /// Places in the inventory that ambiguous calls may have meant, with how many calls.
    pub ambiguous: HashMap<usize, u64>,
    /// Service events (rotation, deletion) by place in the inventory: nobody called, nothing is billed.
    pub service_events: HashMap<usize, Vec<Slice<'a>>>,
}

/// Resolves and groups the lines of a ledger. `len` is the number of secrets that `index` was made from.
pub fn attribute<'a>(
    accesses: &'a [Access],
    index: &Index<'_>,
    len: usize,
    rotations: &RotationFunctions,
    policy: &Policy,
) -> Activity<'a> {
    let mut activity = Activity {
        secrets: vec![Readers::new(); len],
        ..Activity::default()
    };
    let mut known: HashMap<&Caller, Known, FixedState> = HashMap::default();
    let rotated = rotated(accesses, index);
    for access in accesses {
        let known = known
            .entry(&*access.caller)
            .or_insert_with(|| Known::new(&access.caller, rotations, &rotated, policy));
        for (slice, resolution) in slices(access, index) {
            let who = known.towards(resolution.as_ref());
            activity.put(slice, resolution, who);
        }
    }
    activity
}

/// The hours of a line, in runs that mean the same secret.
fn slices<'a>(access: &'a Access, index: &Index<'_>) -> Vec<(Slice<'a>, Option<Resolution>)> {
    let whole = |resolution| {
        vec![(
            Slice {
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
    let mut runs: Vec<(Slice<'a>, Option<Resolution>)> = Vec::new();
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
                Slice {
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
    pub fn slices(&self) -> impl Iterator<Item = &Slice<'a>> {
        let of_secrets = self.secrets.iter().flat_map(BTreeMap::values);
        of_secrets
            .flat_map(|what| &what.slices)
            .chain(self.unattributed.iter().map(|nobody| &nobody.slice))
    }

    fn put(&mut self, slice: Slice<'a>, resolution: Option<Resolution>, who: &Who) {
        let access = slice.access;
        if access.service_event {
            if let Some(Resolution::One(place)) = resolution {
                self.service_events.entry(place).or_default().push(slice);
            }
            return;
        }
        let what = match resolution {
            Some(Resolution::One(place)) => {
                add(&mut self.secrets[place], slice, who);
                return;
            }
            None => access.subject.api.to_string(),
            Some(Resolution::Former) => {
                let target = access.subject.target.clone().unwrap_or_default();
                if target.starts_with("arn:") && access.outcome != Outcome::Ok {
                    self.miss(access, target, slice.clone(), who);
                }
                "former secret".to_owned()
            }
            Some(Resolution::Ambiguous(places)) => {
                let calls = slice.calls_in(Window::ALWAYS);
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

    /// Notes who asked for a name that stands for no secret of the inventory.
    fn miss(&mut self, access: &Access, target: Arc<str>, slice: Slice<'a>, who: &Who) {
        let missing = Missing {
            account: access.subject.account.clone(),
            region: access.subject.region.clone(),
            target,
        };
        add(self.missing.entry(missing).or_default(), slice, who);
    }
}

fn add<'a>(readers: &mut Readers<'a>, slice: Slice<'a>, (reader, class): &Who) {
    if let Some(what) = readers.get_mut(reader) {
        what.slices.push(slice);
        return;
    }
    let what = ReaderUse {
        class: class.clone(),
        slices: vec![slice],
    };
    readers.insert(reader.clone(), what);
}
