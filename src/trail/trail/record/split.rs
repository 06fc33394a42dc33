//! Where the records of a file lie.
//!
//! One state machine for every shape a trail comes in. It stops at the end of a window wherever that falls, and goes
//! on in the next one.

use super::log_line::{self, LogLine};
use super::reader::Records;
use super::scan;
use super::table::{self, RecordTable, TableHeader};
use super::unescape;
use super::{Other, foreign};
use crate::trail::event::EventSink;
use crate::trail::record::unended::UnendedValue;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The place of the next byte in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BytePosition {
    /// Before the first byte.
    Start,
    /// Outside any document: before the first one, or behind one.
    Outside,
    /// In an array, before an element or behind one.
    Array(Within, ArrayState),
    /// In a document such as `{"Records":[...]}`, behind the array.
    Envelope,
    /// In a file of rows, before a row or behind the last one.
    Rows,
    /// In something that is no trail, for good.
    Lost,
}

/// The surroundings of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Envelope,
    Nothing,
}

/// The part of an array that may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArrayState {
    First,
    Element,
    Comma,
}

/// The splitting of one file.
#[derive(Debug)]
pub(super) struct Splitter {
    position: BytePosition,
    /// Bytes of the windows before this one.
    before: u64,
    /// Documents begun so far.
    documents: u64,
    /// The latest document has a `NextToken`: more of its list follows.
    is_followed: bool,
    /// Objects around the array of the latest document, but for the document itself.
    depth: u8,
    /// The rows, in a file of rows.
    table: Option<Box<RecordTable>>,
    /// Nothing follows the bytes that are looked at.
    is_last: bool,
    trouble: Option<String>,
    other: Option<Other>,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            position: BytePosition::Start,
            before: 0,
            documents: 0,
            is_followed: false,
            depth: 0,
            table: None,
            is_last: false,
            trouble: None,
            other: None,
        }
    }
}

impl Splitter {
    /// Reads as far as whole records go and returns how far that was.
    pub(super) fn take(
        &mut self,
        window: &[u8],
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) -> usize {
        let mut at = 0;
        loop {
            match self.step(window, at, records, sink) {
                Ok(next) => at = next,
                Err(UnendedValue::Cut) => break,
                Err(UnendedValue::Broken) => {
                    self.lose(at, "is no JSON here");
                    at = window.len();
                    break;
                }
            }
        }
        self.before += at as u64;
        at
    }

    pub(super) fn gave_up(&self) -> bool {
        self.position == BytePosition::Lost
    }

    /// Reads the last bytes. Nothing follows them, so whatever is still open is cut off.
    pub(super) fn finish(
        &mut self,
        rest: &[u8],
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) {
        self.is_last = true;
        let taken = self.take(rest, records, sink);
        let left = &rest[taken..];
        match self.position {
            BytePosition::Lost => {}
            BytePosition::Rows if left.trim_ascii().is_empty() => {}
            BytePosition::Start | BytePosition::Outside if left.trim_ascii().is_empty() => {
                if self.documents == 0 {
                    self.note("the file is empty".to_owned());
                } else if self.is_followed {
                    self.note(
                        "the list is not whole, its last page has a NextToken: run the command without `--max-items`, or \
                         fetch the pages that follow"
                            .to_owned(),
                    );
                }
            }
            // A lone number or word needs a byte behind it to have an end, and is no trail anyhow.
            _ => self.lose(left.len(), "ends in the middle of a record"),
        }
    }

    /// The form of a file of something else.
    pub(super) fn other(&self) -> Option<Other> {
        self.other
    }

    /// Returns what went wrong, in words that follow the name of the file.
    pub(super) fn trouble(self) -> Option<String> {
        self.trouble
    }

    fn lose(&mut self, at: usize, what: &str) {
        let position = self.before + at as u64;
        self.note(if position == 0 {
            format!("the file {what}")
        } else {
            format!("the file {what} (byte {position}); what stood before it was counted")
        });
        self.position = BytePosition::Lost;
    }

    fn note(&mut self, trouble: String) {
        self.trouble.get_or_insert(trouble);
    }

    /// One step of the machine, from `at`. On `Err` nothing has happened.
    #[inline]
    fn step(
        &mut self,
        bytes: &[u8],
        at: usize,
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) -> Result<usize, UnendedValue> {
        match self.position {
            BytePosition::Array(within, turn) => {
                self.array(bytes, at, (within, turn), records, sink)
            }
            BytePosition::Start => self.start(bytes, at),
            BytePosition::Outside => self.document(bytes, at, records, sink),
            BytePosition::Envelope => self.envelope(bytes, at),
            BytePosition::Rows => self.row(bytes, at, records, sink),
            BytePosition::Lost => Err(UnendedValue::Cut),
        }
    }

    fn start(&mut self, bytes: &[u8], at: usize) -> Result<usize, UnendedValue> {
        let rest = &bytes[at..];
        if rest.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(rest) {
            return Err(UnendedValue::Cut);
        }
        self.position = BytePosition::Outside;
        Ok(if rest.starts_with(BYTE_ORDER_MARK) {
            at + BYTE_ORDER_MARK.len()
        } else {
            at
        })
    }

    #[inline]
    fn array(
        &mut self,
        bytes: &[u8],
        at: usize,
        (within, turn): (Within, ArrayState),
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) -> Result<usize, UnendedValue> {
        let at = scan::blank_end(bytes, at)?;
        match (bytes[at], turn) {
            (b',', ArrayState::Comma) => {
                self.position = BytePosition::Array(within, ArrayState::Element);
                Ok(at + 1)
            }
            (b']', ArrayState::First | ArrayState::Comma) => {
                self.position = match within {
                    Within::Envelope => BytePosition::Envelope,
                    Within::Nothing => BytePosition::Outside,
                };
                Ok(at + 1)
            }
            (_, ArrayState::First | ArrayState::Element) => {
                let end = records.take(bytes, at, sink)?;
                self.position = BytePosition::Array(within, ArrayState::Comma);
                Ok(end)
            }
            _ => Err(UnendedValue::Broken),
        }
    }

    /// A document begins: an array, an envelope around an array, or an object that is itself a record.
    fn document(
        &mut self,
        bytes: &[u8],
        at: usize,
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) -> Result<usize, UnendedValue> {
        let at = scan::blank_end(bytes, at)?;
        match bytes[at] {
            b'[' => {
                self.documents += 1;
                self.position = BytePosition::Array(Within::Nothing, ArrayState::First);
                return Ok(at + 1);
            }
            b'{' => {}
            _ => return self.text(bytes, at, records, sink),
        }
        let mut depth = 0;
        let members = members(bytes, at + 1, &mut false, &mut depth)?;
        self.documents += 1;
        self.is_followed = false;
        self.depth = depth;
        match members {
            DocumentMembers::Array(inside) => {
                self.position = BytePosition::Array(Within::Envelope, ArrayState::First);
                Ok(inside)
            }
            DocumentMembers::End(end, content) => {
                match content {
                    DocumentShape::Record => records.single(&bytes[at..end], sink),
                    DocumentShape::Other => {
                        let what = foreign::document(&bytes[at..end]);
                        if what.is_none() && self.documents == 1 {
                            self.other = Some(Other::Document);
                        }
                        let what = what.unwrap_or("the file holds no CloudTrail records");
                        self.note(what.to_owned());
                    }
                }
                Ok(end)
            }
        }
    }

    /// Gives up the file for a reason; gives its end.
    fn give_up(&mut self, why: &str, bytes: &[u8]) -> usize {
        self.note(why.to_owned());
        self.position = BytePosition::Lost;
        bytes.len()
    }

    /// Takes what is no JSON at the beginning of a document: a line of a log group, a table, or text in a form that is
    /// not read.
    fn text(
        &mut self,
        bytes: &[u8],
        at: usize,
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) -> Result<usize, UnendedValue> {
        let is_first = self.documents == 0;
        if is_first && let Some(what) = foreign::file(&bytes[at..]) {
            return Ok(self.give_up(what, bytes));
        }
        match log_line::line(bytes, at, self.is_last)? {
            Some(LogLine::Record(inside)) => {
                let end = scan::value_end(bytes, inside)?;
                let value = serde_json::from_slice(&bytes[inside..end]).unwrap_or_default();
                self.documents += 1;
                self.is_followed = false;
                records.selected(&bytes[inside..end], value, sink);
                return Ok(end);
            }
            Some(LogLine::Other(end)) if !is_first => {
                records.unreadable();
                return Ok(end);
            }
            _ => {}
        }
        match is_first.then(|| table::header(bytes, at, self.is_last)) {
            Some(Err(cut)) => return Err(cut),
            Some(Ok(Some(TableHeader::Records(table, end)))) => {
                self.table = Some(table);
                self.documents += 1;
                self.position = BytePosition::Rows;
                return Ok(end);
            }
            Some(Ok(Some(TableHeader::TooFew(what)))) => return Ok(self.give_up(what, bytes)),
            Some(Ok(None)) | None => self.other_text(bytes, at),
        }
        self.position = BytePosition::Lost;
        Ok(bytes.len())
    }

    /// Gives up at text that is nothing which is read.
    fn other_text(&mut self, bytes: &[u8], at: usize) {
        if let Some(what) = foreign::table(&bytes[at..]).filter(|_| self.documents == 0) {
            self.note(what.to_owned());
            return;
        }
        let is_text = std::str::from_utf8(&bytes[at..]).is_ok_and(|text| {
            !text.contains(|letter: char| letter.is_control() && !letter.is_ascii_whitespace())
        });
        self.other = is_text
            .then_some(Other::Text)
            .filter(|_| self.documents == 0);
        self.lose(at, "holds no CloudTrail records");
    }

    fn row(
        &mut self,
        bytes: &[u8],
        at: usize,
        records: &mut Records<'_>,
        sink: &mut dyn EventSink,
    ) -> Result<usize, UnendedValue> {
        let table = self.table.as_mut().ok_or(UnendedValue::Broken)?;
        let (value, end) = table.row(bytes, at, self.is_last)?;
        records.selected(&bytes[at..end], value, sink);
        Ok(end)
    }

    /// The rest of an envelope, behind its array and from a comma on.
    fn envelope(&mut self, bytes: &[u8], at: usize) -> Result<usize, UnendedValue> {
        let at = scan::blank_end(bytes, at)?;
        let members = match bytes[at] {
            b'}' if self.depth > 0 => {
                self.depth -= 1;
                return Ok(at + 1);
            }
            b'}' => DocumentMembers::End(at + 1, DocumentShape::Other),
            b',' => {
                // On an error nothing must have happened.
                let (mut is_followed, mut depth) = (self.is_followed, self.depth);
                let found = members(bytes, at + 1, &mut is_followed, &mut depth)?;
                (self.is_followed, self.depth) = (is_followed, depth);
                found
            }
            _ => return Err(UnendedValue::Broken),
        };
        match members {
            DocumentMembers::Array(inside) => {
                self.position = BytePosition::Array(Within::Envelope, ArrayState::First);
                Ok(inside)
            }
            DocumentMembers::End(end, _) => {
                self.position = BytePosition::Outside;
                Ok(end)
            }
        }
    }
}

/// The place that the members of a document lead to.
enum DocumentMembers {
    /// The offset inside the array of records.
    Array(usize),
    /// The offset behind the document, which had no such array, and what the document is.
    End(usize, DocumentShape),
}

/// The kind of a document without an array of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DocumentShape {
    /// A record, or an entry of LookupEvents around one.
    Record,
    /// Nothing of CloudTrail.
    Other,
}

/// Walks the members of an object up to an array of records, or to the end.
///
/// `is_followed` is set where there is a `NextToken`; `depth` counts the objects that were entered on the way to the array
/// and not left.
fn members(
    bytes: &[u8],
    at: usize,
    is_followed: &mut bool,
    depth: &mut u8,
) -> Result<DocumentMembers, UnendedValue> {
    let mut content = DocumentShape::Other;
    let mut at = scan::blank_end(bytes, at)?;
    loop {
        if bytes[at] == b'}' {
            if *depth == 0 {
                return Ok(DocumentMembers::End(at + 1, content));
            }
            *depth -= 1;
            at = scan::blank_end(bytes, at + 1)?;
        } else {
            let (name, value) = key(bytes, at)?;
            at = value;
            match (name.as_ref(), bytes[at]) {
                (b"Records" | b"Events" | b"events" | b"logEvents" | b"QueryResultRows", b'[') => {
                    return Ok(DocumentMembers::Array(at + 1));
                }
                // The hits of Elasticsearch and OpenSearch stand in an object of the same name.
                (b"hits", b'[') if *depth > 0 => return Ok(DocumentMembers::Array(at + 1)),
                (b"hits", b'{') if *depth == 0 => {
                    *depth += 1;
                    at = scan::blank_end(bytes, at + 1)?;
                    continue;
                }
                (b"results", b'[') if is_rows(bytes, at)? => {
                    return Ok(DocumentMembers::Array(at + 1));
                }
                (b"NextToken" | b"nextToken", b'"') => *is_followed = true,
                _ => {}
            }
            let end = scan::value_end(bytes, at)?;
            if shows_record(&name, &bytes[at..end]) {
                content = DocumentShape::Record;
            }
            at = scan::blank_end(bytes, end)?;
        }
        match bytes[at] {
            b',' => at = scan::blank_end(bytes, at + 1)?,
            b'}' => {}
            _ => return Err(UnendedValue::Broken),
        }
    }
}

/// The key that stands at `at`, and the offset of its value.
fn key(bytes: &[u8], at: usize) -> Result<(std::borrow::Cow<'_, [u8]>, usize), UnendedValue> {
    let key = scan::text(bytes, at)?;
    let at = scan::blank_end(bytes, key.end + 1)?;
    if bytes[at] != b':' {
        return Err(UnendedValue::Broken);
    }
    let name = unescape::key(&bytes[key.start..key.end], key.escaped);
    Ok((name, scan::blank_end(bytes, at + 1)?))
}

/// Returns whether the array at `at` begins with an array: the rows of Logs Insights. Other results are other things.
fn is_rows(bytes: &[u8], at: usize) -> Result<bool, UnendedValue> {
    let inside = scan::blank_end(bytes, at + 1)?;
    Ok(bytes[inside] == b'[')
}

/// Returns whether a document with such a member is a record, or something that another service wrote around one.
fn shows_record(name: &[u8], value: &[u8]) -> bool {
    match name {
        b"CloudTrailEvent" | b"eventTime" | b"eventSource" | b"message" | b"@message"
        | b"event.original" => true,
        b"detail" | b"_source" => value.starts_with(b"{"),
        // Many documents have an event, but only Elastic's schema keeps the original in it.
        b"event" => memchr::memmem::find(value, b"\"original\"").is_some(),
        _ => name.eq_ignore_ascii_case(b"eventJson") || name.eq_ignore_ascii_case(b"eventTime"),
    }
}
