//! The calls of one file, written down.

use super::dictionary::{Dictionary, DictionaryLookup};
use super::half_table::HalfTable;
use super::{
    ACTIVE_HOUR, ACTIVE_HOUR_READ_ONLY, EVENT, SELECTED, SHARED_EVENT, VARIETY, put, zigzag,
};
use crate::trail::cell::Address;
use crate::trail::event::{
    CallerHalf, EventSink, RecordedEvent, SubjectHalf, TrailEvent, Values, Variety,
};

/// The number of bytes that are remembered from file to file at the most.
const REMEMBERED: usize = 4 << 20;

/// The calls of one file, written down. What one file has in common with the next is remembered.
#[derive(Debug, Default)]
pub struct Recording {
    strings: Dictionary,
    subjects: HalfTable,
    callers: HalfTable,
    addresses: Dictionary,
    /// The hash of each address.
    hashed: Vec<Address>,
    calls: Vec<u8>,
    time: i64,
    /// The sink knows that the numbers of halves begin with this.
    has_begun: bool,
    /// The tables of a file.
    tables: Vec<u8>,
}

impl Recording {
    /// Begins another file of this sink. A recording is of one sink, which goes by the numbers of its halves.
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
    }

    /// Everything that was written, as bytes for [`super::replay`], behind what `out` holds.
    pub fn write_to(&mut self, out: &mut Vec<u8>) {
        self.tables.clear();
        self.subjects.write(&mut self.strings, &mut self.tables);
        self.callers.write(&mut self.strings, &mut self.tables);
        let strings = &self.strings;
        put(out, strings.of_file().len() as u64);
        for &at in strings.of_file() {
            put(out, strings.bytes(at).len() as u64);
        }
        for &at in strings.of_file() {
            out.extend_from_slice(strings.bytes(at));
        }
        let addresses = &self.addresses;
        put(out, addresses.of_file().len() as u64);
        for &at in addresses.of_file() {
            let text = addresses.bytes(at);
            put(out, text.len() as u64);
            out.extend_from_slice(text);
            out.extend_from_slice(&self.hashed[at as usize].bits().to_le_bytes());
        }
        out.extend_from_slice(&self.tables);
        out.extend_from_slice(&self.calls);
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
        let numbers = [
            self.subjects.number(subject),
            self.callers.number(caller),
            index.map_or(0, |at| 1 + self.addresses.number(at)),
        ];
        let address = text.zip(index.map(|at| self.hashed[at as usize]));
        let calls = &mut self.calls;
        calls.push(if event.shared_id.is_some() {
            SHARED_EVENT
        } else {
            EVENT
        });
        calls.extend_from_slice(&event.id.0.to_le_bytes());
        if let Some(shared) = event.shared_id {
            calls.extend_from_slice(&shared.0.to_le_bytes());
        }
        // Neighbours in a file are neighbours in time: the step is one or two bytes.
        put(calls, zigzag(event.time.wrapping_sub(self.time)));
        self.time = event.time;
        for number in numbers {
            put(calls, number);
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

    /// The number of what was called, among those of all files so far.
    pub(super) fn known_subject(&mut self, half: &SubjectHalf<'_>) -> u32 {
        self.subjects.subject(half, &mut self.strings)
    }

    /// The number of who called, among those of all files so far.
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
