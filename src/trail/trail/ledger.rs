//! The ledger: every Secrets Manager event of a trail, counted once, by who did what to which name in which hour.
//!
//! The trail can be hundreds of gigabytes, so events are folded as they come and forgotten. What is kept grows with the
//! number of distinct (name, caller, API, outcome) and, some thirteen bytes each, the hours and addresses in which each was
//! active (`cell_store`), never with the number of events of other services. Of sessions whose names were made up, a few are kept: there may be as many as
//! events (`families`).
//!
//! An event counts once, however many files hold it ([`Deduplicator`]); of the copies that two accounts get of one call, one
//! counts (`sharedEventID`), and which one does not depend on the order of reading.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::base::span::{DAY_S, HOUR_S, start_of_hour};
use crate::trail::calls::{CallOutcome, CallSeries};
use crate::trail::cell::{Address, Cell};
use crate::trail::coverage::{Coverage, FileHours};
use crate::trail::dedup::{CopyRank, DedupReader, Deduplicator, REMEMBERED_DAYS, SharedCopy};
use crate::trail::event::{
    Delivery, EventId, EventSink, RecordedCalls, RecordedEvent, TrailEvent, Variety,
};
use crate::trail::sessions::KeptNames;

mod cell_store;
mod families;
mod interner;
mod key;
mod recorded;
mod sampled;

use cell_store::{CellStore, LineSlot};
use families::Families;
use interner::{InternedRows, Strings, Sym};
use key::{CALLER, CallKey, SELECTS, SESSION, SUBJECT, requested_version};
use recorded::KnownHalves;
use sampled::Sampled;

/// The part of time that a ledger counts. Seconds since 1970; from inclusive, to exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerBounds {
    /// Start of the evidence span: older events are not counted.
    pub from: i64,
    /// Start of the window, inside the span: cells are cut here.
    pub window_from: i64,
    /// End of both.
    pub to: i64,
}

/// Events that are alike, counted elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventGroup {
    /// The number of events.
    pub calls: u32,
    /// The last of them, in seconds after the full hour.
    pub last: u16,
    /// The number of copies of them that came and were not counted.
    pub copies: u64,
    /// They are of many sessions or addresses, of which the event names one.
    pub is_folded: bool,
}

/// A line of the ledger while it is being written: calls that are alike but for their time and address.
#[derive(Debug)]
struct CallGroup {
    what: LineKey,
    cells: LineSlot,
}

/// The number of no cell.
const NONE: u32 = u32::MAX;

/// The key of a line: the numbers of its subject and its caller, and its own marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct LineKey {
    subject: u32,
    caller: u32,
    marks: u16,
    outcome: CallOutcome,
}

impl LineKey {
    fn hash(self) -> u64 {
        FixedState::default().hash_one(self)
    }
}

/// Everything that a trail says, folded. Fill it as a [`EventSink`], join several with [`Ledger::merge`], read it with
/// [`Ledger::into_accesses`].
#[derive(Debug)]
pub struct Ledger {
    bounds: LedgerBounds,
    seen: Arc<Deduplicator>,
    strings: Strings,
    subjects: InternedRows<SUBJECT>,
    callers: InternedRows<CALLER>,
    lines: Vec<CallGroup>,
    table: HashTable<u32>,
    cells: CellStore,
    /// The first of the error messages of a line in alphabetical order, by line.
    samples: HashMap<u32, Sym, FixedState>,
    /// The calls that came from samples: in the lines as seen, and here by window.
    sampled: Sampled,
    /// The names that were made up, as far as they are kept.
    families: Families,
    /// Names that are never folded.
    names: Arc<KeptNames>,
    /// The coverage of the trail.
    pub coverage: Coverage,
    /// The hours of the file that is being read.
    file: FileHours,
    /// The halves of recorded events.
    known: KnownHalves,
    /// Events that came again and were not counted.
    pub duplicates: u64,
    /// The place of this ledger among those that fill from one trail, and the files that it is at.
    turn: DedupReader,
    delivery: Option<Delivery>,
    /// Events that were delivered so late that a copy delivered in time is no longer remembered.
    pub late: u64,
}

impl Ledger {
    /// An empty ledger. Ledgers that fill from one trail share `seen`.
    pub fn new(bounds: LedgerBounds, seen: Arc<Deduplicator>) -> Self {
        Self {
            bounds,
            turn: seen.turn(),
            seen,
            strings: Strings::default(),
            subjects: InternedRows::default(),
            callers: InternedRows::default(),
            lines: Vec::new(),
            table: HashTable::new(),
            cells: CellStore::default(),
            samples: HashMap::default(),
            sampled: Sampled::default(),
            families: Families::default(),
            names: Arc::default(),
            coverage: Coverage::default(),
            file: FileHours::default(),
            known: KnownHalves::default(),
            duplicates: 0,
            delivery: None,
            late: 0,
        }
    }

    /// Keeps every one of these session names, also those that were made up.
    #[must_use]
    pub fn keeping(mut self, names: Arc<KeptNames>) -> Self {
        self.names = names;
        self
    }

    /// The part of time that it counts.
    pub fn bounds(&self) -> LedgerBounds {
        self.bounds
    }

    /// An empty ledger of the same trail.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.bounds, Arc::clone(&self.seen)).keeping(Arc::clone(&self.names))
    }

    fn line_of(&mut self, key: &CallKey<'_>) -> u32 {
        let strings = &mut self.strings;
        let what = LineKey {
            subject: self
                .subjects
                .number(strings, key.subject, key.subject_marks),
            caller: self.callers.number(strings, key.caller, key.caller_marks),
            marks: key.marks,
            outcome: key.outcome,
        };
        self.line_at(what)
    }

    fn line_at(&mut self, what: LineKey) -> u32 {
        let hash = what.hash();
        let lines = &self.lines;
        if let Some(&at) = self.table.find(hash, |&at| lines[at as usize].what == what) {
            return at;
        }
        let at = number(self.lines.len());
        let hash_of_texts =
            self.subjects.row(what.subject).hash ^ self.callers.row(what.caller).hash;
        self.lines.push(CallGroup {
            what,
            cells: LineSlot::new(hash_of_texts),
        });
        let lines = &self.lines;
        self.table
            .insert_unique(hash, at, |&other| lines[other as usize].what.hash());
        at
    }

    fn is_late(&self, time: i64) -> bool {
        let Some(Delivery::On(day)) = self.delivery else {
            return false;
        };
        time.div_euclid(DAY_S) + i64::from(REMEMBERED_DAYS) < i64::from(day)
    }

    fn is_inside(&self, time: i64) -> bool {
        time >= self.bounds.from && time < self.bounds.to
    }

    /// Returns whether an event that one account logs lies inside and was not counted yet, and notes it as counted.
    ///
    /// Copies of a shared event are recognized by its shared id, which is never forgotten.
    fn is_first(&mut self, id: EventId, time: i64) -> bool {
        if !self.is_inside(time) {
            return false;
        }
        if !self.seen.is_new(id) {
            self.duplicates += 1;
            return false;
        }
        self.late += u64::from(self.is_late(time));
        true
    }

    /// Adds calls to a line.
    fn add(&mut self, line: u32, cell: Cell) {
        let slot = &mut self.lines[line as usize].cells;
        self.cells.add(line, cell, slot);
    }

    fn cell_at(&self, time: i64, address: Address) -> Cell {
        let hour = time.div_euclid(HOUR_S);
        let edge = self.bounds.window_from;
        let after = edge.div_euclid(HOUR_S) == hour && time >= edge;
        let second = u16::try_from(time.rem_euclid(HOUR_S)).unwrap_or(0);
        Cell {
            key: u32::try_from(hour).unwrap_or(0) << 1 | u32::from(after),
            calls: 1,
            first: second,
            last: second,
            names: 0,
            address,
        }
    }

    /// Counts calls of a line, of the session of this name if the line is that of a family.
    fn count(&mut self, line: u32, session: Option<&str>, message: &str, cell: Cell) {
        let Some(session) = session else {
            // The events of a service say in a message why a rotation failed. No call that succeeds has one.
            self.keep_sample(line, message);
            self.add(line, Cell { names: 0, ..cell });
            return;
        };
        if self.lines[line as usize].what.outcome != CallOutcome::Ok {
            self.keep_sample(line, message);
        }
        self.count_named(line, session, cell);
    }

    /// Notes a copy of a call that two accounts log.
    fn note_copy(&mut self, id: EventId, rank: CopyRank, copy: SharedCopy) {
        let time = copy.time;
        if self.seen.is_first_copy(&self.turn, id, rank, copy) {
            self.late += u64::from(self.is_late(time));
        } else {
            self.duplicates += 1;
        }
    }

    fn count_copy(&mut self, copy: &SharedCopy) {
        let cell = self.cell_at(copy.time, copy.address);
        let message = copy.message.as_deref().unwrap_or_default();
        self.count(copy.line, copy.session.as_deref(), message, cell);
    }

    /// Counts the copies of which no other can come any more.
    fn count_settled(&mut self) {
        for copy in self.seen.settled(&self.turn) {
            self.count_copy(&copy);
        }
    }

    fn keep_sample(&mut self, line: u32, new: &str) {
        if new.is_empty() {
            return;
        }
        let kept = self.samples.get(&line);
        if kept.is_none_or(|&kept| new < self.strings.text(kept)) {
            let new = self.strings.symbol(new);
            self.samples.insert(line, new);
        }
    }

    /// Takes another ledger of the same bounds in. The order of merging does not matter.
    pub fn merge(&mut self, mut other: Self) {
        if other.lines.len() > self.lines.len() {
            // The smaller one is moved.
            std::mem::swap(self, &mut other);
        }
        other.count_settled();
        // The numbers of halves were those of one of the two.
        self.known = KnownHalves::default();
        let symbols = self.strings.take_in(&other.strings);
        let subjects = self.subjects.take_in(&other.subjects, &symbols);
        let callers = self.callers.take_in(&other.callers, &symbols);
        let here = |line: CallGroup| {
            self.line_at(LineKey {
                subject: subjects[line.what.subject as usize],
                caller: callers[line.what.caller as usize],
                ..line.what
            })
        };
        let lines: Vec<u32> = std::mem::take(&mut other.lines)
            .into_iter()
            .map(here)
            .collect();
        self.cells.merge(other.cells, &lines);
        for (line, sample) in other.samples {
            self.keep_sample(lines[line as usize], other.strings.text(sample));
        }
        for id in other.sampled.shared_ids() {
            let is_in_full = other.seen.was_read_in_full(id);
            self.seen.note_in_sample(id, is_in_full);
        }
        for (id, rank, copy) in other.seen.take_copies(&other.turn) {
            let line = lines[copy.line as usize];
            let copy = SharedCopy { line, ..copy };
            // Whether it came late was said when it was found.
            let is_first = self.seen.is_first_copy(&self.turn, id, rank, copy);
            self.duplicates += u64::from(!is_first);
        }
        self.sampled.merge(other.sampled, &lines);
        self.merge_families(other.families, &lines);
        self.coverage.merge(other.coverage);
        self.duplicates += other.duplicates;
        self.late += other.late;
    }

    /// The ledger as sorted lines, and what the trail covers.
    pub fn into_accesses(mut self) -> (Vec<CallSeries>, Coverage) {
        self.known = KnownHalves::default();
        self.coverage.settle_global_events();
        self.settle_shared();
        self.count_settled();
        for (.., copy) in self.seen.take_copies(&self.turn) {
            self.count_copy(&copy);
        }
        let (mut sessions, examples) = self.settle_families();
        let order = self.order();
        let mut cells = self.cells.take(self.lines.len());
        let mut sampled = self.sampled.take();
        let strings = &self.strings;
        let subjects = self.subjects.rows().iter();
        let subjects: Vec<_> = subjects
            .map(|row| Arc::new(key::subject(row, strings)))
            .collect();
        let callers = (0..).zip(self.callers.rows());
        let callers: Vec<_> = callers
            .map(|(number, row)| {
                let example = examples.get(&number).map(|name| &**name);
                Arc::new(key::caller(row, strings, example))
            })
            .collect();
        let series = order.into_iter().map(|line| {
            let what = self.lines[line as usize].what;
            let sample = self.samples.get(&line);
            CallSeries {
                subject: Arc::clone(&subjects[what.subject as usize]),
                kind: key::kind(what.marks),
                outcome: what.outcome,
                version: requested_version(what.marks),
                tls: key::tls(what.marks),
                selects: what.marks & SELECTS != 0,
                caller: Arc::clone(&callers[what.caller as usize]),
                cells: std::mem::take(&mut cells[line as usize]),
                sampled: sampled.remove(&line).unwrap_or_default().into(),
                sessions: sessions.remove(&line).unwrap_or_default(),
                sample: sample.map(|&sample| strings.shared(sample)),
            }
        });
        // A line whose only call was the other copy of a shared one has no cells.
        let series = series.filter(|series| !series.cells.is_empty());
        // Grown step by step, the list would take up to three times as much memory for a moment.
        let mut accesses = Vec::with_capacity(self.lines.len());
        accesses.extend(series);
        sampled::weigh(&mut accesses, self.coverage.samples());
        (accesses, self.coverage)
    }

    /// The lines in the order of what they are, which does not depend on the order of reading.
    fn order(&self) -> Vec<u32> {
        let string_ranks = self.strings.ranks();
        let subject_ranks = self.subjects.ranks(&string_ranks);
        let caller_ranks = self.callers.ranks(&string_ranks);
        let mut order: Vec<u32> = (0..).take(self.lines.len()).collect();
        order.sort_unstable_by_key(|&line| {
            let what = self.lines[line as usize].what;
            (
                subject_ranks[what.subject as usize],
                what.marks,
                what.outcome,
                caller_ranks[what.caller as usize],
            )
        });
        order
    }
}

/// The number of a thing, as tables hold it.
fn number(at: usize) -> u32 {
    u32::try_from(at)
        .ok()
        .filter(|&at| at != NONE)
        .expect("fewer than four billion distinct things")
}

impl EventSink for Ledger {
    fn delivered(&mut self, delivery: Delivery) {
        if self.delivery != Some(delivery) {
            self.seen.comes_to(&self.turn, delivery);
            self.delivery = Some(delivery);
            self.count_settled();
        }
    }

    fn event(&mut self, event: &TrailEvent<'_>) {
        if event.shared_id.is_some() && self.is_inside(event.time)
            || event.shared_id.is_none() && self.is_first(event.id, event.time)
        {
            let address = Address::of(event.source_ip.as_deref());
            self.take_in(event, self.cell_at(event.time, address));
        }
    }

    fn halves_anew(&mut self) {
        self.known = KnownHalves::default();
    }

    fn recorded(&mut self, event: &RecordedEvent<'_>) {
        self.take_recorded(event);
    }

    fn recorded_calls(&mut self, calls: &RecordedCalls<'_>) {
        self.take_recorded_calls(calls);
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        let second = start_of_hour(hour);
        if second + HOUR_S > self.bounds.from && second < self.bounds.to {
            self.file.add(account, region, hour, read_only);
        }
    }

    fn selected_hour(&mut self, account: &str, region: &str, hour: u32) {
        let second = start_of_hour(hour);
        if second + HOUR_S > self.bounds.from && second < self.bounds.to {
            self.coverage.taken_out(account, region, hour);
        }
    }

    fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        self.file.end(account, region, variety, &mut self.coverage);
    }
}

impl Ledger {
    /// Counts events that are alike but for their second, and of which each is known to be no copy of another: what a query
    /// engine gives. They lie in one hour, on one side of the start of the window; the first is at the time of `event`, the
    /// last so many seconds after the full hour. `copies` are those that were left out because they came again.
    ///
    /// A group of an event that two accounts log is one event.
    pub fn group(&mut self, event: &TrailEvent<'_>, group: EventGroup) {
        if !self.is_inside(event.time) {
            return;
        }
        let cell = self.cell_at(event.time, Address::of(event.source_ip.as_deref()));
        self.duplicates += group.copies;
        let names = if group.is_folded { u32::MAX } else { 0 };
        self.take_in(
            event,
            Cell {
                calls: group.calls,
                last: group.last.max(cell.first),
                names,
                ..cell
            },
        );
    }

    /// Counts calls of one hour and address, which may be a batch.
    fn take_in(&mut self, event: &TrailEvent<'_>, cell: Cell) {
        let key = CallKey::of(event);
        self.take(&key, event, cell);
        for key in &CallKey::of_batch(event) {
            self.take(key, event, cell);
        }
    }

    /// Counts calls on the line of a key.
    fn take(&mut self, key: &CallKey<'_>, event: &TrailEvent<'_>, cell: Cell) {
        let message = event.error_message.as_deref().unwrap_or_default();
        let family = self.family(key.caller, key.caller_marks);
        let line = match family {
            Some(family) => self.line_of(&key.of_family(family)),
            None => self.line_of(key),
        };
        let session = family.map(|_| key.caller[SESSION]);
        // The copies of a call that two accounts log are distinguished by its own line; what a batch selects is the same in
        // both, and counting it twice does no harm: it is evidence, not volume.
        let Some(id) = event.shared_id.filter(|_| !key::is_selection(key.marks)) else {
            self.count(line, session, message, cell);
            return;
        };
        let copy = SharedCopy {
            line,
            time: event.time,
            address: cell.address,
            session: session.map(Into::into),
            message: (!message.is_empty()).then(|| message.into()),
        };
        self.note_copy(id, key.copy_rank(event.time, cell.address), copy);
    }
}

#[cfg(test)]
mod tests;
