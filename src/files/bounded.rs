//! Reading what somebody else wrote with a bound on what one value may take.
//!
//! A reader of JSON, CSV or lines collects a value before anybody can look at it, so a value without an end takes all the
//! memory there is: one string of 2 GB, a row of a CSV file that is never closed, or 10 GB of zeros in a gzip file of
//! 10 MB. The bounds here end such a value while it is read, so memory and time depend on the bound, and not on the file.
//!
//! There are two bounds. `Allowance` is for readers that take one value after another from a stream: they renew it
//! before each. [`whole`] is for formats that must be in memory as a whole: it stops at the first value that is too long.
//! Neither understands a format; what a value means is the business of its reader.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use super::inflate::is_gzip;

/// The most bytes that one value may take: a line, a row, a string, or an entry of a list. The longest that AWS writes
/// have less than a tenth of it.
pub(super) const LONGEST: usize = 1 << 20;

/// Returns whether a file begins with these bytes; one that cannot be read does not.
pub fn begins_with(path: &Path, bytes: &[u8]) -> bool {
    let mut start = vec![0; bytes.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == bytes
}

/// The number of bytes that may be read before the next value has to begin. Clones are the same allowance.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Rc<Cell<usize>>);

impl Allowance {
    /// A full one.
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(LONGEST)))
    }

    /// The next value begins.
    pub(super) fn renew(&self) {
        self.0.set(LONGEST);
    }

    /// Returns the bytes that are left for the value at hand.
    pub(super) fn left(&self) -> usize {
        self.0.get()
    }

    /// Goes back to what was left for a value that was interrupted by those inside it.
    pub(super) fn resume(&self, left: usize) {
        self.0.set(left);
    }

    /// A source that gives as many bytes as are allowed, and then fails with these words.
    pub(super) fn limit<R: Read>(&self, source: R, too_long: &'static str) -> AllowedReader<R> {
        AllowedReader {
            source,
            allowance: self.clone(),
            too_long,
        }
    }
}

/// A source under an [`Allowance`].
pub(super) struct AllowedReader<R> {
    source: R,
    allowance: Allowance,
    too_long: &'static str,
}

impl<R: Read> Read for AllowedReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.left();
        if left == 0 {
            return Err(io::Error::other(self.too_long));
        }
        let wanted = room.len().min(left);
        let given = self.source.read(&mut room[..wanted])?;
        self.allowance.resume(left - given);
        Ok(given)
    }
}

/// A source that fails when more than so many bytes come.
pub(super) struct TotalReader<R> {
    source: R,
    left: u64,
    most: u64,
    way_out: &'static str,
}

impl<R: Read> TotalReader<R> {
    /// Allows `most` bytes; the error ends with the way out.
    pub(super) fn new(source: R, most: u64, way_out: &'static str) -> Self {
        Self {
            source,
            left: most,
            most,
            way_out,
        }
    }
}

impl<R: Read> Read for TotalReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let given = self.source.read(room)?;
        match self.left.checked_sub(given as u64) {
            Some(left) => {
                self.left = left;
                Ok(given)
            }
            None => Err(io::Error::other(format!(
                "it has more than {}{}",
                size(self.most),
                self.way_out
            ))),
        }
    }
}

/// Whole MiB or GiB for people.
fn size(bytes: u64) -> String {
    if bytes >= 1 << 30 {
        format!("{} GiB", bytes >> 30)
    } else {
        format!("{} MiB", bytes >> 20)
    }
}

/// The end of a value in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueEnd {
    /// A line break.
    Line,
    /// The end of a string, or a sign between values, as in JSON.
    Json,
}

/// A source that fails at the first value that is longer than [`LONGEST`].
pub(super) struct ValueReader<R> {
    source: R,
    end: ValueEnd,
    /// The number of bytes that the value at hand has so far.
    run: usize,
    in_string: bool,
    escaped: bool,
}

impl<R: Read> ValueReader<R> {
    /// Starts between two values.
    pub(super) fn new(source: R, end: ValueEnd) -> Self {
        Self {
            source,
            end,
            run: 0,
            in_string: false,
            escaped: false,
        }
    }

    /// Returns whether no value in what came so far is too long.
    fn allows(&mut self, bytes: &[u8]) -> bool {
        match self.end {
            ValueEnd::Line => self.allows_lines(bytes),
            ValueEnd::Json => self.allows_json(bytes),
        }
    }

    fn allows_lines(&mut self, mut rest: &[u8]) -> bool {
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.run + end > LONGEST {
                return false;
            }
            self.run = 0;
            rest = &rest[end + 1..];
        }
        self.run += rest.len();
        self.run <= LONGEST
    }

    fn allows_json(&mut self, mut rest: &[u8]) -> bool {
        while !rest.is_empty() && self.run <= LONGEST {
            if self.escaped {
                self.escaped = false;
                self.run += 1;
                rest = &rest[1..];
                continue;
            }
            let sign = if self.in_string {
                memchr::memchr2(b'"', b'\\', rest)
            } else {
                rest.iter().position(|byte| b"\"{}[],:".contains(byte))
            };
            let Some(offset) = sign else {
                self.run += rest.len();
                break;
            };
            self.run += offset + 1;
            if self.run > LONGEST {
                break;
            }
            if rest[offset] == b'\\' {
                self.escaped = true;
            } else {
                self.in_string = !self.in_string && rest[offset] == b'"';
                self.run = 0;
            }
            rest = &rest[offset + 1..];
        }
        self.run <= LONGEST
    }
}

impl<R: Read> Read for ValueReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let given = self.source.read(room)?;
        if self.allows(&room[..given]) {
            return Ok(given);
        }
        Err(io::Error::other(match self.end {
            ValueEnd::Line => "one of its lines has more than 1 MiB",
            ValueEnd::Json => "one of its values has more than 1 MiB",
        }))
    }
}

/// Opens a file, inflated if it is gzip.
///
/// # Errors
/// What the system says, or that it is no file.
pub(super) fn inflated(path: &Path) -> io::Result<Box<dyn Read>> {
    let (begun, source) = begun(path)?;
    let is_packed = is_gzip(&begun);
    let source = BufReader::new(io::Cursor::new(begun).chain(source));
    Ok(if is_packed {
        Box::new(flate2::bufread::MultiGzDecoder::new(source))
    } else {
        Box::new(source)
    })
}

/// The first bytes of a file, and the rest.
fn begun(path: &Path) -> io::Result<(Vec<u8>, File)> {
    let mut source = File::open(path)?;
    if !source.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut begun = Vec::new();
    (&mut source).take(2).read_to_end(&mut begun)?;
    Ok((begun, source))
}

/// A file that has to be in memory as a whole, if neither it nor one of its values is too large.
///
/// # Errors
/// What the system says, or what is too large. A gzip file is named as such: nobody would find it in what a reader of text
/// says of it.
pub fn whole(path: &Path, end: ValueEnd, most: u64) -> io::Result<Vec<u8>> {
    let mut source = File::open(path)?;
    let mut bytes = Vec::new();
    (&mut source).take(2).read_to_end(&mut bytes)?;
    if is_gzip(&bytes) {
        return Err(io::Error::other("it is gzip: unpack it first"));
    }
    rest_of(source, bytes, end, most)
}

/// The bytes of a source behind those that were read of it, under the bounds of [`whole`].
///
/// # Errors
/// What the source says, or what is too large.
pub(super) fn rest_of(
    source: impl Read,
    begun: Vec<u8>,
    end: ValueEnd,
    most: u64,
) -> io::Result<Vec<u8>> {
    let source = io::Cursor::new(begun).chain(source);
    let total = TotalReader::new(source, most, "");
    let mut bytes = Vec::new();
    ValueReader::new(total, end).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of one size, as a file may be read.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let given = self.1.min(room.len()).min(self.0.len());
            room[..given].copy_from_slice(&self.0[..given]);
            self.0 = &self.0[given..];
            Ok(given)
        }
    }

    fn is_read(text: &[u8], end: ValueEnd) -> bool {
        let ends = [text.len(), 7_001, 3].map(|size| {
            let mut bytes = Vec::new();
            let read = ValueReader::new(Pieces(text, size), end).read_to_end(&mut bytes);
            assert!(read.is_err() || bytes == text);
            read.is_ok()
        });
        assert_eq!(ends, [ends[0]; 3], "the pieces make no difference");
        ends[0]
    }

    #[test]
    fn a_value_may_be_long_and_not_endless() {
        let long = |count: usize, unit: &str| unit.repeat(count);
        let (fits, too_long) = (LONGEST - 1, LONGEST + 1);
        for (value, shape) in [
            ("x", "\"?\""),
            (" ", "[?]"),
            ("1", "[?]"),
            ("\\\"", "\"?\""),
        ] {
            let text = |count: usize| {
                let value = long(count / value.len(), value);
                format!("[1, {}, 2]", shape.replace('?', &value)).into_bytes()
            };
            assert!(is_read(&text(fits - 1), ValueEnd::Json), "{value}");
            assert!(!is_read(&text(too_long + 2), ValueEnd::Json), "{value}");
        }
        // Signs inside a string end nothing, and many values may be as long as they like together.
        let signs = format!("\"{}\"", long(too_long / 7 + 1, "{}[],: "));
        assert!(!is_read(signs.as_bytes(), ValueEnd::Json));
        assert!(is_read(long(too_long, "\"a\",").as_bytes(), ValueEnd::Json));
        let line = |count: usize| format!("a\n{}\nb", long(count, "x")).into_bytes();
        assert!(is_read(&line(fits), ValueEnd::Line));
        assert!(!is_read(&line(too_long), ValueEnd::Line));
        assert!(is_read(long(too_long, "x\n").as_bytes(), ValueEnd::Line));
    }

    #[test]
    fn an_allowance_is_for_one_value() {
        let allowance = Allowance::new();
        let mut source = allowance.limit(io::repeat(b'x'), "too long");
        let mut room = vec![0; LONGEST / 2];
        for _ in 0..5 {
            allowance.renew();
            source.read_exact(&mut room).unwrap();
        }
        source.read_exact(&mut room).unwrap();
        let fault = source.read_exact(&mut room).unwrap_err();
        assert_eq!(fault.to_string(), "too long");
    }

    #[test]
    fn a_file_may_be_large_and_not_endless() {
        let mut bytes = Vec::new();
        let endless = TotalReader::new(io::repeat(b'\n'), 3 << 20, ": split it");
        let fault = io::copy(&mut { endless }, &mut bytes).unwrap_err();
        assert_eq!(fault.to_string(), "it has more than 3 MiB: split it");
        assert!(bytes.len() <= 3 << 20);
    }
}
