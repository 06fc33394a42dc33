//! A file of rows: CSV with a header that names columns of records.

use std::fmt;

use csv_core::{ReadRecordResult, Reader};

use super::columns::Columns;
use super::unended::UnendedValue;

/// A header longer than this is none.
const LONGEST_HEADER: usize = 64 << 10;

/// The rows of one file, and the memory to read the next one into.
pub(super) struct RecordTable {
    reader: Box<Reader>,
    row: Row,
    pub columns: Columns,
}

impl fmt::Debug for RecordTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordTable")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// The cells of a row.
#[derive(Default)]
struct Row {
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Row {
    fn cells(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let ends = self.ends[..self.count].iter();
        ends.scan(0, |start, &end| {
            let cell = &self.text[*start..end];
            *start = end;
            Some(String::from_utf8_lossy(cell))
        })
    }
}

/// The meaning of a header.
pub(super) enum TableHeader {
    /// Rows with records follow, from here on.
    Records(Box<RecordTable>, usize),
    /// The columns are some of records, and too few.
    TooFew(&'static str),
}

/// Reads the header of a file, if it is one of records. `is_last`: nothing follows these bytes.
pub(super) fn header(
    bytes: &[u8],
    at: usize,
    is_last: bool,
) -> Result<Option<TableHeader>, UnendedValue> {
    let rest = &bytes[at..];
    let is_whole = memchr::memchr(b'\n', &rest[..rest.len().min(LONGEST_HEADER)]).is_some();
    if !is_whole && rest.len() > LONGEST_HEADER {
        return Ok(None);
    }
    if !is_whole && !is_last {
        return Err(UnendedValue::Cut);
    }
    let mut reader = Box::new(Reader::new());
    let mut row = Row::default();
    let end = next(&mut reader, &mut row, rest, is_last)?;
    let cells: Vec<String> = row.cells().map(std::borrow::Cow::into_owned).collect();
    Ok(match Columns::of(cells.iter().map(String::as_str)) {
        None => None,
        Some(Err(why)) => Some(TableHeader::TooFew(why)),
        Some(Ok(columns)) => {
            let table = Box::new(RecordTable {
                reader,
                row,
                columns,
            });
            Some(TableHeader::Records(table, at + end))
        }
    })
}

impl RecordTable {
    /// The next row as a value, and the offset behind it. `is_last` as in [`header`].
    pub(super) fn row(
        &mut self,
        bytes: &[u8],
        at: usize,
        is_last: bool,
    ) -> Result<(serde_json::Value, usize), UnendedValue> {
        let length = next(&mut self.reader, &mut self.row, &bytes[at..], is_last)?;
        let cells: Vec<_> = self.row.cells().collect();
        let value = self.columns.value(cells.iter().map(AsRef::as_ref));
        Ok((value, at + length))
    }
}

/// Reads the row that the bytes begin with, and gives its length.
fn next(
    reader: &mut Reader,
    row: &mut Row,
    bytes: &[u8],
    is_last: bool,
) -> Result<usize, UnendedValue> {
    reader.reset();
    let (mut read, mut written, mut count) = (0, 0, 0);
    loop {
        let (result, taken, put, ended) = reader.read_record(
            &bytes[read..],
            &mut row.text[written..],
            &mut row.ends[count..],
        );
        read += taken;
        written += put;
        count += ended;
        match result {
            ReadRecordResult::OutputFull => row.text.resize((row.text.len() * 2).max(4_096), 0),
            ReadRecordResult::OutputEndsFull => row.ends.resize((row.ends.len() * 2).max(64), 0),
            ReadRecordResult::Record => {
                row.count = count;
                return Ok(read);
            }
            ReadRecordResult::InputEmpty if is_last && read == bytes.len() => {
                // The reader ends the last row at the end of its input, which an empty one is.
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => return Err(UnendedValue::Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_whole_or_not_at_all() {
        let text = b"\"@message\"\r\n\"{\"\"a\"\":\n1}\"\nlast";
        let Ok(Some(TableHeader::Records(mut table, at))) = header(text, 0, false) else {
            unreachable!("it is a table of records");
        };
        assert!(table.row(&text[..20], at, false).is_err());
        let (row, at) = table.row(text, at, false).unwrap();
        assert_eq!(row, "{\"a\":\n1}");
        assert!(table.row(text, at, false).is_err());
        let (row, at) = table.row(text, at, true).unwrap();
        assert_eq!((row, at), ("last".into(), text.len()));
        assert!(table.row(text, at, true).is_err());
    }
}
