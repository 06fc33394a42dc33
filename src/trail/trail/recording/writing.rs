//! The calls of some files, written down as one block.

use super::dictionary::{Dictionary, DictionaryLookup};
use super::half_table::HalfTable;
use super::{
    ACTIVE_HOUR, ACTIVE_HOUR_READ_ONLY, EVENT, SELECTED, SHARED_EVENT, VARIETY, put, zigzag,
};
use crate::base::span::HOUR_S;
use crate::trail::cell::Address;
use crate::trail::event::{
    CallerHalf, EventId, EventSink, RecordedEvent, SubjectHalf, TrailEvent, Values, Variety,
};

/// The number of bytes that are remembered from block to block at the most.
const REMEMBERED: usize = 4 << 20;

/// A block with so many events is written, so that memory does not grow with what a day holds: 3 MB of them.
const FULL_ROWS: usize = 1 << 16;

/// A block with so many bytes of calls that are not folded is written.
const FULL_CALLS: usize = 4 << 20;

/// The calls of some files, to be written down as a block. What one block has in common with the next is remembered.
#[derive(Debug, Default)]
pub struct Recording {
    strings: Dictionary,
    subjects: HalfTable,
    callers: HalfTable,
    addresses: Dictionary,
    /// The hash of each address.
    hashed: Vec<Address>,
    /// The calls that are not folded, as they came.
    calls: Vec<u8>,
    time: i64,
    /// The events that will be folded.
    rows: Vec<EventRow>,
    /// The sink knows that the numbers of halves begin with this.
    has_begun: bool,
    /// The tables of a block, and its lines.
    tables: Vec<u8>,
    lines: Vec<u8>,
}

/// An event, by the numbers that its parts have in the block.
#[derive(Clone, Copy, Debug)]
struct EventRow {
    subject: u64,
    caller: u64,
    /// One more than the number of its address; zero: none, or a service.
    address: u64,
    time: i64,
    id: EventId,
}

impl EventRow {
    /// Returns what the events of a line have in common.
    fn line(&self) -> (u64, u64) {
        (self.subject, self.caller)
    }

    /// Returns what the events of a cell of a line have in common.
    fn cell(&self) -> (i64, u64) {
        (self.time.div_euclid(HOUR_S), self.address)
    }
}

/// How far a recording had come.
#[derive(Clone, Copy, Debug)]
pub struct RecordingMark {
    calls: usize,
    time: i64,
    rows: usize,
}

impl Recording {
    /// Begins another block for this sink. A recording is of one sink, which goes by the numbers of its halves.
    pub fn begin(&mut self, sink: &mut dyn EventSink) {
        let remembered =
            self.strings.len() + self.subjects.len() + self.callers.len() + self.addresses.len();
        if remembered > REMEMBERED {
            *self = Self::default();
        }
        if !self.has_begun {
            self.has_begun = true;
            sink.halves_anew();
        }
        self.strings.begin();
        self.subjects.begin();
        self.callers.begin();
        self.addresses.begin();
        self.calls.clear();
        self.time = 0;
        self.rows.clear();
    }

    /// How far it has come in its block.
    pub fn mark(&self) -> RecordingMark {
        RecordingMark {
            calls: self.calls.len(),
            time: self.time,
            rows: self.rows.len(),
        }
    }

    /// Takes back what came since a mark in the same block.
    pub fn take_back(&mut self, mark: RecordingMark) {
        self.calls.truncate(mark.calls);
        self.time = mark.time;
        self.rows.truncate(mark.rows);
    }

    /// Returns whether so much is recorded that the block should be written.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= FULL_ROWS || self.calls.len() >= FULL_CALLS
    }

    /// Everything that was recorded, as bytes for [`super::replay`], behind what `out` holds.
    pub fn write_to(&mut self, out: &mut Vec<u8>) {
        self.tables.clear();
        self.fold();
        self.subjects.write(&mut self.strings, &mut self.tables);
        self.callers.write(&mut self.strings, &mut self.tables);
        let strings = &self.strings;
        put(out, strings.of_block().len() as u64);
        for &at in strings.of_block() {
            put(out, strings.bytes(at).len() as u64);
        }
        for &at in strings.of_block() {
            out.extend_from_slice(strings.bytes(at));
        }
        let addresses = &self.addresses;
        put(out, addresses.of_block().len() as u64);
        for &at in addresses.of_block() {
            let text = addresses.bytes(at);
            put(out, text.len() as u64);
            out.extend_from_slice(text);
            out.extend_from_slice(&self.hashed[at as usize].bits().to_le_bytes());
        }
        out.extend_from_slice(&self.tables);
        out.extend_from_slice(&self.lines);
        out.extend_from_slice(&self.calls);
    }

    /// Writes the events by line, hour and address.
    fn fold(&mut self) {
        self.rows
            .sort_unstable_by_key(|row| (row.line(), row.cell(), row.time, row.id.0));
        let out = &mut self.lines;
        out.clear();
        let lines = || self.rows.chunk_by(|one, next| one.line() == next.line());
        put(out, lines().count() as u64);
        for line in lines() {
            put(out, line[0].subject);
            put(out, line[0].caller);
            let cells = || line.chunk_by(|one, next| one.cell() == next.cell());
            put(out, cells().count() as u64);
            let mut time = 0;
            for cell in cells() {
                put(out, cell[0].address);
                put(out, cell.len() as u64);
                for row in cell {
                    // The hours of a line come in their order; in each, the addresses do, which takes the time back.
                    put(out, zigzag(row.time.wrapping_sub(time)));
                    time = row.time;
                    out.extend_from_slice(&row.id.0.to_le_bytes());
                }
            }
        }
    }

    pub(super) fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        let tag = if read_only {
            ACTIVE_HOUR_READ_ONLY
        } else {
            ACTIVE_HOUR
        };
        self.hour(tag, account, region, hour);
    }

    pub(super) fn selected_hour(&mut self, account: &str, region: &str, hour: u32) {
        self.hour(SELECTED, account, region, hour);
    }

    fn hour(&mut self, tag: u8, account: &str, region: &str, hour: u32) {
        self.scope(tag, account, region);
        put(&mut self.calls, u64::from(hour));
    }

    fn scope(&mut self, tag: u8, account: &str, region: &str) {
        let scope = [self.number(account), self.number(region)];
        self.calls.push(tag);
        for number in scope {
            put(&mut self.calls, number);
        }
    }

    pub(super) fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        let Variety {
            services,
            names,
            identities,
            any_success,
        } = variety;
        self.scope(VARIETY, account, region);
        for values in [services, names, identities] {
            let number = match values {
                Values::None => 0,
                Values::Several => 1,
                Values::One(value) => 2 + self.number(value),
            };
            put(&mut self.calls, number);
        }
        put(&mut self.calls, u64::from(*any_success));
    }

    /// Writes an event down and passes it on.
    pub(super) fn event(&mut self, event: &TrailEvent<'_>, sink: &mut dyn EventSink) {
        let (subject_half, caller_half) = (SubjectHalf::of(event), CallerHalf::of(event));
        let subject = self.known_subject(&subject_half);
        let caller = self.known_caller(&caller_half);
        let text = event.source_ip.as_deref();
        let text = text.filter(|_| caller_half.service.is_none());
        let index = text.map(|text| self.address(text));
        let address = text.zip(index.map(|at| self.hashed[at as usize]));
        let row = EventRow {
            subject: self.subjects.number(subject),
            caller: self.callers.number(caller),
            address: index.map_or(0, |at| 1 + self.addresses.number(at)),
            time: event.time,
            id: event.id,
        };
        if event.shared_id.is_none() && event.batch.is_none() {
            self.rows.push(row);
        } else {
            self.unfolded(row, event.shared_id);
        }
        sink.recorded(&RecordedEvent {
            id: event.id,
            shared_id: event.shared_id,
            time: event.time,
            subject: (subject, &subject_half),
            caller: (caller, &caller_half),
            address,
        });
    }

    /// Writes an event among the calls that are not folded.
    fn unfolded(&mut self, row: EventRow, shared_id: Option<EventId>) {
        let calls = &mut self.calls;
        calls.push(if shared_id.is_some() {
            SHARED_EVENT
        } else {
            EVENT
        });
        calls.extend_from_slice(&row.id.0.to_le_bytes());
        if let Some(shared) = shared_id {
            calls.extend_from_slice(&shared.0.to_le_bytes());
        }
        // Neighbours in a file are neighbours in time: the step is one or two bytes.
        put(calls, zigzag(row.time.wrapping_sub(self.time)));
        self.time = row.time;
        for number in [row.subject, row.caller, row.address] {
            put(calls, number);
        }
    }

    /// The number of what was called, among those of all blocks so far.
    pub(super) fn known_subject(&mut self, half: &SubjectHalf<'_>) -> u32 {
        self.subjects.subject(half, &mut self.strings)
    }

    /// The number of who called, among those of all blocks so far.
    pub(super) fn known_caller(&mut self, half: &CallerHalf<'_>) -> u32 {
        self.callers.caller(half, &mut self.strings)
    }

    fn number(&mut self, text: &str) -> u64 {
        let DictionaryLookup { at, .. } = self.strings.find(text.as_bytes());
        self.strings.number(at)
    }

    fn address(&mut self, text: &str) -> u32 {
        let DictionaryLookup { at, is_new } = self.addresses.find(text.as_bytes());
        if is_new {
            self.hashed.push(Address::of(Some(text)));
        }
        at
    }
}
