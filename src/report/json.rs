//! `report.json`: the canonical result, written and read back.
//!
//! Pretty, with a final line break, and in an order that depends on nothing but the report, so that two scans diff well.
//! Fields that this version does not know are ignored when reading: a later version may add some without a new `format`.

use std::io::{self, Write};

use serde::Deserialize;
use thiserror::Error;

use crate::domain::report::result::{FORMAT, Report};

/// Why bytes are no report that this version can read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// No JSON, or JSON that broke off.
    #[error("it is not JSON: {0}")]
    Syntax(serde_json::Error),
    /// JSON without a `format` number.
    #[error("it is JSON, but not a report of secretsweep: it has no `format` number")]
    Foreign,
    /// Written by a later version.
    #[error("its format is {found}, and this version of secretsweep reads up to format {FORMAT}")]
    Newer {
        /// The format that the file names.
        found: u64,
    },
    /// The format is known, the content is not of that format.
    #[error("it is not a valid report of format {FORMAT}: {0}")]
    Content(serde_json::Error),
}

impl ReadError {
    /// Returns what a user can do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Syntax(_) => {
                "the file was cut off or edited: scan again, or take the folder from a backup"
            }
            Self::Foreign => "name the folder that `secretsweep scan` wrote",
            Self::Newer { .. } => "install a newer secretsweep",
            Self::Content(_) => "the file was edited: scan again, or take the folder from a backup",
        }
    }
}

/// The one field that is read before all others.
#[derive(Deserialize)]
struct FormatHead {
    format: u64,
}

/// The report as bytes of `report.json`.
///
/// # Panics
/// Never: a [`Report`] holds nothing that JSON cannot hold.
pub fn write(report: &Report) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_to(report, &mut bytes).expect("map keys are strings and memory does not fail");
    bytes
}

/// Writes `report.json`.
///
/// # Errors
/// What the writer says.
pub fn write_to(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}

/// Reads the bytes of a `report.json`.
///
/// # Errors
/// [`ReadError`] for anything but a report of a format up to [`FORMAT`].
pub fn read(bytes: &[u8]) -> Result<Report, ReadError> {
    let head: FormatHead = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            ReadError::Foreign
        } else {
            ReadError::Syntax(error)
        }
    })?;
    if head.format > u64::from(FORMAT) {
        return Err(ReadError::Newer { found: head.format });
    }
    serde_json::from_slice(bytes).map_err(ReadError::Content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_report_reads_back_and_writes_the_same_bytes() {
        let report = sample::report();
        let bytes = write(&report);
        assert_eq!(bytes.last(), Some(&b'\n'));
        let again = read(&bytes).unwrap();
        assert_eq!(again, report);
        assert_eq!(write(&again), bytes);
    }

    #[test]
    fn what_is_no_report_is_refused_with_the_reason() {
        for (bytes, reason) in [
            ("", "not JSON"),
            ("{\"format\": 1", "not JSON"),
            ("[]", "no `format`"),
            ("{}", "no `format`"),
            ("{\"format\": \"one\"}", "no `format`"),
            ("{\"format\": 2}", "format is 2"),
            ("{\"format\": 1}", "missing field `tool`"),
        ] {
            let error = read(bytes.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{bytes}: {error}");
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_ignored() {
        let text = String::from_utf8(write(&sample::report())).unwrap();
        let text = text.replacen('{', "{\"weather\": [1],", 1);
        assert_eq!(read(text.as_bytes()).unwrap(), sample::report());
    }
}
