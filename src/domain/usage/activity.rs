//! What happened to each secret: the ledger's lines, resolved to the inventory and grouped by reader.
//!
//! Names are resolved at the time of each call, so that calls to a predecessor of the same name are not taken for calls
//! to the present secret. What belongs to no secret, or to no single one, is kept apart and counted, never dropped.

mod callers;
mod failure;
mod reader_use;
mod slice;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::base::names::{Index, NameMeaning, Resolution, Scope, split_arn};
use crate::domain::policy::Policy;
use crate::domain::trail::calls::{CallOutcome, CallSeries, CallSubject};
use crate::domain::trail::cell::Cell;
use crate::domain::trail::event::RecordKind;
use crate::domain::usage::classify::{Class, RotationFunctions};

pub use failure::FailureCause;
pub use reader_use::{FailedCalls, Reader, ReaderUse, Readers};
pub use slice::{ActivitySlice, ActivityWindow, WRITES};

use callers::{Callers, Who};

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

    /// Returns where the secret would stand, and its name there: the scope of the ARN with what follows it, or else the
    /// scope of the event with the name. A role may ask for a secret of another account or Region.
    pub fn scope_and_name(&self) -> Option<(Scope, &str)> {
        let by_name = || Some((self.scope()?, &*self.target));
        split_arn(&self.target).or_else(by_name)
    }
}

/// Calls that belong to no secret, by what they are.
#[derive(Clone, Debug)]
pub struct Unattributed<'a> {
    /// The API's name where the call names no secret; else why the name is nobody's.
    pub what: String,
    /// The reader that called.
    pub reader: Arc<Reader>,
    /// The cache time and advice for this caller.
    pub class: Arc<Class>,
    /// The calls.
    pub slice: ActivitySlice<'a>,
}

/// The calls whose name means several secrets.
const AMBIGUOUS: &str = "ambiguous name";

/// Everything that happened, by secret.
#[derive(Debug, Default)]
pub struct Activity<'a> {
    /// By index in the inventory.
    pub secrets: Vec<Readers<'a>>,
    /// Names that are not in the inventory, by who asked.
    pub missing: BTreeMap<MissingName, Readers<'a>>,
    /// Calls that are nobody's: they still cost.
    pub unattributed: Vec<Unattributed<'a>>,
    /// Indexes in the inventory that ambiguous calls may have meant, with how many calls.
    pub ambiguous: HashMap<usize, u64>,
    /// Service events (rotation, deletion) by index in the inventory: nobody called, nothing is billed.
    pub service_events: HashMap<usize, Vec<ActivitySlice<'a>>>,
    /// Uses of keys for secrets, by index in the inventory.
    pub key_uses: HashMap<usize, Vec<ByCaller<'a>>>,
    /// Refused calls for a secret whose records name none.
    pub unnamed: Vec<ByCaller<'a>>,
    /// Batches that select secrets by filters.
    pub filters: Vec<ByCaller<'a>>,
}

/// Calls with their caller.
#[derive(Clone, Debug)]
pub struct ByCaller<'a> {
    /// The reader that called.
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
    let mut meanings = SubjectMeaning::new(index);
    for access in accesses {
        for (slice, resolution) in slices(access, meanings.of(access)) {
            let who = callers.towards(access, resolution.as_ref());
            activity.put(slice, resolution, who);
        }
    }
    activity
}

/// The meaning of the names in lines: looked up once for the lines of one subject, which follow one another.
struct SubjectMeaning<'a, 'i> {
    index: &'i Index<'i>,
    last: Option<(&'a Arc<CallSubject>, Option<NameMeaning>)>,
}

impl<'a, 'i> SubjectMeaning<'a, 'i> {
    fn new(index: &'i Index<'i>) -> Self {
        Self { index, last: None }
    }

    /// Returns what a line means; `None`: it names nothing.
    fn of(&mut self, access: &'a CallSeries) -> Option<&NameMeaning> {
        let subject = &access.subject;
        let is_same = |(last, _): &(&Arc<CallSubject>, _)| Arc::ptr_eq(last, subject);
        if !self.last.as_ref().is_some_and(is_same) {
            let target = subject.target.as_deref();
            let scope = access.scope();
            let meaning = target.map(|target| self.index.meaning(target, scope.as_ref()));
            self.last = Some((subject, meaning));
        }
        self.last.as_ref()?.1.as_ref()
    }
}

/// The hours of a line, in runs that mean the same secret.
fn slices<'a>(
    access: &'a CallSeries,
    meaning: Option<&NameMeaning>,
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
    let Some(meaning) = meaning else {
        return whole(None);
    };
    let at = |time| meaning.at(time);
    let Some((first, last)) = access.cells.span() else {
        return Vec::new();
    };
    let at_first = at(first);
    if at_first == at(last) {
        return whole(Some(at_first));
    }
    let mut runs: Vec<(ActivitySlice<'a>, Option<Resolution>)> = Vec::new();
    let mut end = 0;
    let cells: Vec<Cell> = access.cells.iter().collect();
    for hour in cells.chunk_by(|one, next| one.key == next.key) {
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

    /// The calls that belong to no single secret, by where they were logged and the name that may mean several, which is
    /// empty where they name none. Names that are not in the inventory are left out: they are in [`Activity::missing`].
    pub fn of_no_secret(&self) -> BTreeMap<(Option<Scope>, &'a str), Readers<'a>> {
        let mut groups: BTreeMap<_, Readers<'a>> = BTreeMap::new();
        for nobody in &self.unattributed {
            let access = nobody.slice.access;
            let name = match &access.subject.target {
                None => "",
                Some(target) if nobody.what == AMBIGUOUS => target,
                Some(_) => continue,
            };
            let who = (nobody.reader.clone(), nobody.class.clone());
            let readers = groups.entry((access.scope(), name)).or_default();
            add(readers, nobody.slice.clone(), &who);
        }
        groups
    }

    fn put(&mut self, slice: ActivitySlice<'a>, resolution: Option<Resolution>, who: &Who) {
        let access = slice.access;
        if access.kind != RecordKind::Call {
            self.note(slice, resolution, who);
            return;
        }
        let needs = access.asks_for_value() || !who.0.kind.is_maintenance();
        if access.is_unnamed_refusal() && needs {
            self.unnamed.push(by(who, slice.clone()));
        }
        let what = match resolution {
            Some(Resolution::One(secret_index)) => {
                add(&mut self.secrets[secret_index], slice, who);
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
            Some(Resolution::Ambiguous(secret_indexes)) => {
                let calls = slice.calls_in(ActivityWindow::ALWAYS);
                for secret_index in secret_indexes {
                    *self.ambiguous.entry(secret_index).or_default() += calls;
                }
                AMBIGUOUS.to_owned()
            }
            Some(Resolution::Unknown) => {
                let target = access.subject.target.clone().unwrap_or_default();
                self.miss(access, target, slice.clone(), who);
                "name not in the inventory".to_owned()
            }
        };
        let (reader, class) = who.clone();
        self.unattributed.push(Unattributed {
            what,
            reader,
            class,
            slice,
        });
    }

    /// Takes in evidence that is no call.
    fn note(&mut self, slice: ActivitySlice<'a>, resolution: Option<Resolution>, who: &Who) {
        match (slice.access.kind, resolution) {
            (RecordKind::BatchFilter, _) => self.filters.push(by(who, slice)),
            (RecordKind::EndpointDenial, None) => self.unnamed.push(by(who, slice)),
            (RecordKind::ServiceEvent, Some(Resolution::One(secret_index))) => {
                self.service_events
                    .entry(secret_index)
                    .or_default()
                    .push(slice);
            }
            (RecordKind::KeyUse, Some(Resolution::One(secret_index))) => {
                self.key_uses
                    .entry(secret_index)
                    .or_default()
                    .push(by(who, slice));
            }
            (
                RecordKind::BatchEntry | RecordKind::EndpointDenial,
                Some(Resolution::One(secret_index)),
            ) => {
                let used = reader_use(&mut self.secrets[secret_index], who);
                used.batches.push(slice);
            }
            (kind, Some(Resolution::Ambiguous(secret_indexes)))
                if kind != RecordKind::ServiceEvent =>
            {
                let calls = slice.calls_in(ActivityWindow::ALWAYS);
                for secret_index in secret_indexes {
                    *self.ambiguous.entry(secret_index).or_default() += calls;
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
