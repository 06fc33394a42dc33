//! The calls of one file, written down.

use super::dictionary::{Dictionary, Found};
use super::{
    BATCH, CONSOLE, EC2, EVENT, FILTERS, FIRST_STRING, HEARD, HEARD_READ_ONLY, NAMES_VERSION,
    SELECTED, SHARED_EVENT, TLS, VARIETY, VPC, WEB, put, strings_of_called, strings_of_caller,
    zigzag,
};
use crate::domain::trail::cell::Address;
use crate::domain::trail::event::{TrailEvent, Values, Variety};
use crate::domain::trail::halves::{CalledHalf, CallerHalf};

/// How many bytes are remembered from file to file at the most.
const REMEMBERED: usize = 8 << 20;

/// The calls of one file, written down. What one file has in common with the next is remembered.
#[derive(Debug, Default)]
pub struct Recording {
    strings: Dictionary,
    called: HalfTable,
    callers: HalfTable,
    addresses: Dictionary,
    /// Of each address, what it is hashed to.
    hashed: Vec<Address>,
    calls: Vec<u8>,
    time: i64,
    /// A half as bytes.
    half: Vec<u8>,
    /// The tables of a file.
    tables: Vec<u8>,
}

/// Distinct halves, and what is written of each.
#[derive(Debug, Default)]
struct HalfTable {
    known: Dictionary,
    rows: Vec<HalfRow>,
    /// The strings of all rows, by their places among all strings.
    parts: Vec<u32>,
}

/// What is written of a half.
#[derive(Debug)]
struct HalfRow {
    marks: u64,
    /// How many names of secrets a batch has.
    ids: u64,
    /// Where its strings end among those of all rows. They begin where those of the row before end.
    end: usize,
}

impl HalfTable {
    fn begin(&mut self) {
        self.known.begin();
    }

    /// The number of a half in the file.
    fn number<'t>(
        &mut self,
        bytes: &[u8],
        strings: &mut Dictionary,
        row: impl FnOnce() -> (u64, u64, Vec<&'t str>),
    ) -> u64 {
        let Found { at, is_new } = self.known.find(bytes);
        if is_new {
            let (marks, ids, texts) = row();
            let texts = texts.into_iter();
            self.parts
                .extend(texts.map(|text| strings.find(text.as_bytes()).at));
            let end = self.parts.len();
            self.rows.push(HalfRow { marks, ids, end });
        }
        self.known.number(at)
    }

    /// Appends the rows of the file, whose strings get numbers.
    fn write(&self, strings: &mut Dictionary, out: &mut Vec<u8>) {
        put(out, self.known.of_file().len() as u64);
        for &at in self.known.of_file() {
            let at = at as usize;
            let row = &self.rows[at];
            let start = at.checked_sub(1).map_or(0, |before| self.rows[before].end);
            put(out, row.marks);
            if row.marks & BATCH != 0 && row.ids != NO_BATCH {
                put(out, row.ids);
            }
            for &part in &self.parts[start..row.end] {
                put(out, strings.number(part));
            }
        }
    }
}

/// In place of the number of names of a half that can have no batch.
const NO_BATCH: u64 = u64::MAX;

impl Recording {
    /// Begins another file.
    pub fn clear(&mut self) {
        let dictionaries = [
            &self.strings,
            &self.called.known,
            &self.callers.known,
            &self.addresses,
        ];
        if dictionaries.map(Dictionary::len).iter().sum::<usize>() > REMEMBERED {
            *self = Self::default();
        }
        self.strings.begin();
        self.called.begin();
        self.callers.begin();
        self.addresses.begin();
        self.calls.clear();
        self.time = 0;
    }

    /// Everything that was written, as bytes for [`super::replay`], behind what `out` holds.
    pub fn write_to(&mut self, out: &mut Vec<u8>) {
        self.tables.clear();
        self.called.write(&mut self.strings, &mut self.tables);
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
        let tag = if read_only { HEARD_READ_ONLY } else { HEARD };
        self.hour(tag, account, region, hour);
    }

    pub(super) fn selected_hour(&mut self, account: &str, region: &str, hour: u32) {
        self.hour(SELECTED, account, region, hour);
    }

    fn hour(&mut self, tag: u8, account: &str, region: &str, hour: u32) {
        self.place(tag, account, region);
        put(&mut self.calls, u64::from(hour));
    }

    fn place(&mut self, tag: u8, account: &str, region: &str) {
        let place = [self.number(account), self.number(region)];
        self.calls.push(tag);
        for number in place {
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
        self.place(VARIETY, account, region);
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

    pub(super) fn event(&mut self, event: &TrailEvent<'_>) {
        let caller_half = CallerHalf::of(event);
        let called = self.called(&CalledHalf::of(event));
        let caller = self.caller(&caller_half);
        let address = match event.source_ip.as_deref() {
            Some(text) if caller_half.service.is_none() => 1 + self.address(text),
            _ => 0,
        };
        let calls = &mut self.calls;
        match event.shared_id {
            None => {
                calls.push(EVENT);
                calls.extend_from_slice(&event.id.0.to_le_bytes());
            }
            Some(shared) => {
                calls.push(SHARED_EVENT);
                calls.extend_from_slice(&event.id.0.to_le_bytes());
                calls.extend_from_slice(&shared.0.to_le_bytes());
            }
        }
        // Neighbours in a file are neighbours in time: the step is one or two bytes.
        put(calls, zigzag(event.time.wrapping_sub(self.time)));
        self.time = event.time;
        for number in [called, caller, address] {
            put(calls, number);
        }
    }

    fn number(&mut self, text: &str) -> u64 {
        let Found { at, .. } = self.strings.find(text.as_bytes());
        self.strings.number(at)
    }

    fn address(&mut self, text: &str) -> u64 {
        let Found { at, is_new } = self.addresses.find(text.as_bytes());
        if is_new {
            self.hashed.push(Address::of(Some(text)));
        }
        self.addresses.number(at)
    }

    fn called(&mut self, half: &CalledHalf<'_>) -> u64 {
        let always = [half.account, half.region, half.name];
        let sometimes = strings_of_called(half);
        let filters = half.batch.and_then(|batch| batch.filters.as_deref());
        let marks = u64::from(half.kind.number())
            | mark(half.names_version, NAMES_VERSION)
            | mark(half.batch.is_some(), BATCH)
            | mark(filters.is_some(), FILTERS)
            | presence(&sometimes);
        let ids = || half.batch.into_iter().flat_map(|batch| &batch.ids);
        let texts = || {
            let sometimes = sometimes.into_iter().flatten();
            let of_batch = ids().map(|id| &**id).chain(filters);
            always.into_iter().chain(sometimes).chain(of_batch)
        };
        as_bytes(marks, texts(), &mut self.half);
        self.called.number(&self.half, &mut self.strings, || {
            (marks, ids().count() as u64, texts().collect())
        })
    }

    fn caller(&mut self, half: &CallerHalf<'_>) -> u64 {
        let texts = strings_of_caller(half);
        let marks = mark(half.web_federated, WEB)
            | mark(half.ec2_delivered, EC2)
            | mark(half.vpc_endpoint, VPC)
            | mark(half.from_console, CONSOLE)
            | (half.tls as u64) << TLS
            | presence(&texts);
        as_bytes(marks, texts.into_iter().flatten(), &mut self.half);
        self.callers.number(&self.half, &mut self.strings, || {
            (marks, NO_BATCH, texts.into_iter().flatten().collect())
        })
    }
}

fn mark(on: bool, bit: u64) -> u64 {
    if on { bit } else { 0 }
}

/// Which of the strings are there.
fn presence(strings: &[Option<&str>]) -> u64 {
    let bits = (FIRST_STRING..).zip(strings);
    bits.fold(0, |marks, (bit, text)| {
        marks | u64::from(text.is_some()) << bit
    })
}

/// A half as bytes that no other half has.
fn as_bytes<'t>(marks: u64, texts: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&marks.to_le_bytes());
    for text in texts {
        out.extend_from_slice(&text.len().to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}
