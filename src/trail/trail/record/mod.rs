//! The bytes of one log file, inflated, into calls of a [`EventSink`].
//!
//! A trail mixes every service, and ours is a few per cent of it. So a record is not parsed: it is walked, key by
//! key, until its time and its service are known (`fields`); a record of another service is then skipped to its end
//! (`scan`), and only a record of Secrets Manager is taken apart. Nothing is guessed from the bytes: a look-alike
//! inside a string or a nested object is never at the top level of a record, and neither the order of keys nor
//! white space nor escapes change a count. A record that is written in an odd way is parsed in full (`full_parse`).
//!
//! What a file may look like (`split`): `{"Records":[...]}` with any other keys around it, a bare array, one event,
//! the answer of `aws cloudtrail lookup-events`, an array of its `CloudTrailEvent` texts, what other services write around
//! a record (`wrapping`: EventBridge, CloudWatch Logs, CloudTrail Lake, Elastic), and any number of those one after another
//! (JSON Lines); lines of `aws logs tail` and of exports of a log group (`log_line`); rows of a query as CSV (`table`,
//! `columns`); with or without a byte order mark. Other forms are named with the way to convert them (`foreign`).
//!
//! Bytes that are no JSON and that nobody looks at are not found out: this reads trails, it does not validate them.
//! No I/O happens here, and no input makes it panic.

mod columns;
mod event_from;
mod fast_path;
mod fields;
mod foreign;
mod full_parse;
mod log_line;
mod members;
mod no_record;
mod reader;
mod scan;
mod simd;
mod split;
mod table;
pub(crate) mod time;
mod unended;
mod unescape;
mod wrapping;

pub use full_parse::{BATCH, DECRYPT, TARGETS, VALIDATION, batch, principal};

use crate::trail::event::EventSink;

/// Returns whether a file that begins so is of a form that names its columns at its end: a caller that cannot hold all of
/// it gives [`read`] its beginning and its end.
pub fn has_columns_at_its_end(start: &[u8]) -> bool {
    start.starts_with(foreign::PARQUET)
}

/// The account and Region of the trail that a file belongs to, as its path says ([`crate::trail::layout`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailOwner<'a> {
    /// The account the file was delivered for.
    pub account: &'a str,
    /// The Region the file was delivered for.
    pub region: &'a str,
}

/// The contents of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Records of every service, the unreadable ones included.
    pub records: u64,
    /// Records that went to [`EventSink::event`]: of Secrets Manager, and of KMS for it.
    pub ours: u64,
    /// Records without a readable time: they were given to nobody.
    pub unreadable: u64,
    /// Why the file, or the rest of it, could not be read. What stood before the trouble was counted.
    pub trouble: Option<String>,
    /// The form of a file without records that is not known: a whole document of something else, or plain text.
    pub other: Option<Other>,
}

/// A file without a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// A whole JSON document.
    Document,
    /// Text that is no JSON.
    Text,
}

/// Reads a whole inflated file.
///
/// `scope` is what the path of the file says, when it is in AWS's layout. A record of Secrets Manager always speaks
/// for its own account and Region. Records of other services only prove that the trail was logging, and for that the
/// scope of the path is right: a record of another Region in the file says nothing about that Region's own files.
/// The path is trusted only if the first record agrees with it, and otherwise each record counts for its own scope.
pub fn read(bytes: &[u8], scope: Option<TrailOwner<'_>>, sink: &mut dyn EventSink) -> Contents {
    let mut reader = RecordReader::new(scope);
    let taken = reader.take(bytes, sink);
    reader.finish(&bytes[taken..], sink)
}

/// Reads a file window by window, for files too large to hold.
pub struct RecordReader<'s> {
    split: split::Splitter,
    records: reader::Records<'s>,
}

impl<'s> RecordReader<'s> {
    /// Starts a file; `scope` as in [`read`].
    #[must_use]
    pub fn new(scope: Option<TrailOwner<'s>>) -> Self {
        Self {
            split: split::Splitter::default(),
            records: reader::Records::new(scope),
        }
    }

    /// Takes in the next bytes and returns how many of them are done with.
    ///
    /// The others are the beginning of a record that goes on: the caller puts them in front of the next window. If
    /// nothing was taken, a larger window is needed.
    pub fn take(&mut self, window: &[u8], sink: &mut dyn EventSink) -> usize {
        self.split.take(window, &mut self.records, sink)
    }

    /// Returns whether the rest of the file can no longer be understood, so that reading on is of no use.
    #[must_use]
    pub fn gave_up(&self) -> bool {
        self.split.gave_up()
    }

    /// Ends the file: takes in the last bytes, which may be the ones that [`RecordReader::take`] left over.
    pub fn finish(mut self, rest: &[u8], sink: &mut dyn EventSink) -> Contents {
        self.split.finish(rest, &mut self.records, sink);
        self.records.finish(sink);
        let mut contents = self.records.contents;
        contents.other = self.split.other().filter(|_| contents.records == 0);
        let named = self.records.named.map(str::to_owned);
        contents.trouble = self.split.trouble().or(named);
        contents
    }
}
