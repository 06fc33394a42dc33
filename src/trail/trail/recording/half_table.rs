//! Distinct halves of events, and what is written of each.

use super::dictionary::{Dictionary, DictionaryLookup};
use super::{BATCH, CONSOLE, EC2, FILTERS, FIRST_STRING, NAMES_VERSION, TLS, VPC, WEB, put};
use crate::trail::event::{CallerHalf, SubjectHalf};

/// The number of strings of what was called that may be absent.
pub(super) const SUBJECT_STRINGS: usize = 4;

/// The number of strings of who called that may be absent.
pub(super) const CALLER_STRINGS: usize = 9;

/// Distinct halves of the blocks so far, and which of them the present block has.
#[derive(Debug, Default)]
pub(super) struct HalfTable {
    known: Dictionary,
    rows: Vec<HalfRow>,
    /// The strings of all rows, by their indexes among all strings.
    parts: Vec<u32>,
    /// A half as bytes.
    half: Vec<u8>,
}

/// The data that is written of a half.
#[derive(Debug)]
struct HalfRow {
    marks: u64,
    /// The number of names of secrets that a batch has.
    ids: u64,
    /// The index at which its strings end among those of all rows. They begin where those of the row before end.
    end: usize,
}

impl HalfTable {
    /// Begins another block.
    pub(super) fn begin(&mut self) {
        self.known.begin();
    }

    /// Returns the number of bytes that are remembered.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The number of a half in the present block.
    pub(super) fn number(&mut self, at: u32) -> u64 {
        self.known.number(at)
    }

    /// The index of what was called, which is taken in if it is new.
    pub(super) fn subject(&mut self, half: &SubjectHalf<'_>, strings: &mut Dictionary) -> u32 {
        let sometimes = [
            half.error_code,
            half.error_message,
            half.target,
            half.version_stage,
        ];
        let mut marks = u64::from(half.kind.number())
            | mark(half.names_version, NAMES_VERSION)
            | presence(sometimes);
        let [one, two, three, four] = sometimes.map(Option::unwrap_or_default);
        let always = [half.account, half.region, half.name];
        let [account, region, name] = always;
        let mut of_batch: Vec<&str> = Vec::new();
        let mut ids = 0;
        if let Some(batch) = half.batch {
            marks |= BATCH | mark(batch.filters.is_some(), FILTERS);
            ids = batch.ids.len() as u64;
            let names = batch.ids.iter().chain(&batch.filters);
            of_batch.extend(names.map(|text| &**text));
        }
        self.begin_half(marks);
        self.add([account, region, name, one, two, three, four]);
        for &text in &of_batch {
            self.add([text]);
        }
        let DictionaryLookup { at, is_new } = self.known.find(&self.half);
        if is_new {
            let texts = sometimes.into_iter().flatten().chain(of_batch);
            self.push(marks, ids, always.into_iter().chain(texts), strings);
        }
        at
    }

    /// The index of who called, which is taken in if it is new.
    pub(super) fn caller(&mut self, half: &CallerHalf<'_>, strings: &mut Dictionary) -> u32 {
        let texts = [
            half.kind,
            half.arn,
            half.account,
            half.principal_id,
            half.user_name,
            half.invoked_by,
            half.issuer_arn,
            half.user_agent,
            half.service,
        ];
        let marks = mark(half.web_federated, WEB)
            | mark(half.ec2_delivered, EC2)
            | mark(half.vpc_endpoint, VPC)
            | mark(half.from_console, CONSOLE)
            | (half.tls as u64) << TLS
            | presence(texts);
        self.begin_half(marks);
        self.add(texts.map(Option::unwrap_or_default));
        let DictionaryLookup { at, is_new } = self.known.find(&self.half);
        if is_new {
            self.push(marks, 0, texts.into_iter().flatten(), strings);
        }
        at
    }

    fn begin_half(&mut self, marks: u64) {
        self.half.clear();
        self.half.extend_from_slice(&marks.to_le_bytes());
    }

    /// Adds strings to the half as bytes: their lengths, then their letters. Which of them are absent is in its marks.
    fn add<const N: usize>(&mut self, texts: [&str; N]) {
        for text in texts {
            self.half.extend_from_slice(&text.len().to_le_bytes());
        }
        for text in texts {
            self.half.extend_from_slice(text.as_bytes());
        }
    }

    fn push<'t>(
        &mut self,
        marks: u64,
        ids: u64,
        texts: impl Iterator<Item = &'t str>,
        strings: &mut Dictionary,
    ) {
        self.parts
            .extend(texts.map(|text| strings.find(text.as_bytes()).at));
        let end = self.parts.len();
        self.rows.push(HalfRow { marks, ids, end });
    }

    /// Appends the rows of the present block, whose strings get numbers.
    pub(super) fn write(&self, strings: &mut Dictionary, out: &mut Vec<u8>) {
        put(out, self.known.of_block().len() as u64);
        for &at in self.known.of_block() {
            let at = at as usize;
            let row = &self.rows[at];
            let start = at.checked_sub(1).map_or(0, |before| self.rows[before].end);
            put(out, row.marks);
            // The number of names is zero in all other rows.
            put(out, row.ids);
            for &part in &self.parts[start..row.end] {
                put(out, strings.number(part));
            }
        }
    }
}

/// A bit that is set or not.
const fn mark(on: bool, bit: u64) -> u64 {
    if on { bit } else { 0 }
}

/// The bits of the strings that are there.
fn presence<const N: usize>(strings: [Option<&str>; N]) -> u64 {
    let mut marks = 0;
    for (bit, text) in (FIRST_STRING..).zip(strings) {
        marks |= u64::from(text.is_some()) << bit;
    }
    marks
}
