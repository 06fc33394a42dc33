//! Files that hold no CloudTrail records in a form that is read here: their names, and the way to convert them.
//!
//! A wrong file is mostly a right one in another form. To say "no CloudTrail records" of it would be wrong, and would not
//! help. This looks at the first bytes of a file, or at the keys of a JSON document, and says nothing if it does not know.

use super::columns;
use super::wrapping::FLATTENED;
use crate::base::utf_16::{UTF_16, is_utf_16};

/// The form of a file by its first bytes, as a sentence that follows the name of the file.
pub(super) fn file(bytes: &[u8]) -> Option<&'static str> {
    /// First bytes, with what they show.
    const SIGNS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "the file is a zip archive: unpack it first"),
        (
            b"\xfd7zXZ\x00",
            "the file is compressed with xz: unpack it first",
        ),
        (
            b"\x28\xb5\x2f\xfd",
            "the file is compressed with zstd: unpack it first",
        ),
        (b"BZh", "the file is compressed with bzip2: unpack it first"),
        (
            b"\x1f\x8b",
            "the file is compressed twice, as Firehose does with messages of CloudWatch Logs that it compresses again: \
             unpack it once with `gunzip`",
        ),
        (
            b"version https://git-lfs",
            "the file is a pointer of Git LFS: fetch the file itself with `git lfs pull`",
        ),
        (
            b"<",
            "the file is a web page or an error message in XML: fetch the log file again",
        ),
    ];
    if is_utf_16(bytes) {
        return Some(UTF_16);
    }
    if bytes.starts_with(PARQUET) {
        return Some(parquet(bytes));
    }
    let bytes = bytes.trim_ascii_start();
    let sign = SIGNS.iter().find(|(start, _)| bytes.starts_with(start));
    sign.map(|(_, what)| *what)
}

/// The beginning of a file of Parquet.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// The kind of a file of Parquet, by the names of its columns, which stand at its end.
fn parquet(bytes: &[u8]) -> &'static str {
    let has = |name: &[u8]| memchr::memmem::find(bytes, name).is_some();
    if has(b"class_uid") && has(b"src_endpoint") {
        "the file is OCSF Parquet, as Security Lake keeps CloudTrail's events, and is not read: give the log files of the \
         trail, which Security Lake leaves where they are, or a result of a query with the columns of records"
    } else {
        "the file is Parquet: give the log files of the trail, or rows with the columns of records, or with whole \
         records, as CSV or JSON"
    }
}

/// The name of a table that has no columns of records.
pub(super) fn table(bytes: &[u8]) -> Option<&'static str> {
    is_csv(bytes).then_some(columns::OTHER)
}

/// The form of a JSON object without records, by its keys.
pub(super) fn document(json: &[u8]) -> Option<&'static str> {
    /// Keys, with what they show.
    const SIGNS: &[(&[u8], &str)] = &[
        (
            b"\"ResultSet\"",
            "the file is an answer of GetQueryResults of Athena: give the result as CSV, which Athena keeps in S3, or the log \
             files that the table reads",
        ),
        (b"\"aws.cloudtrail", FLATTENED),
        (b"\"cloudtrail\"", FLATTENED),
    ];
    let start = &json[..json.len().min(4_096)];
    let holds = |key: &[u8]| memchr::memmem::find(start, key).is_some();
    let sign = SIGNS.iter().find(|(key, _)| holds(key));
    sign.map(|(_, what)| *what)
}

/// Returns whether the first line is one of column names.
fn is_csv(bytes: &[u8]) -> bool {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let line = &bytes[..end.min(4_096)];
    line.contains(&b',')
        && line
            .to_ascii_lowercase()
            .windows(5)
            .any(|part| part == b"event")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_known_by_their_first_bytes_and_keys() {
        for (bytes, word) in [
            (&b"PK\x03\x04rest"[..], "zip"),
            (b"\xff\xfe{\x00", "UTF-16"),
            (b"<!DOCTYPE html>", "web page"),
        ] {
            assert!(
                file(bytes).is_some_and(|what| what.contains(word)),
                "{word}"
            );
        }
        assert_eq!(file(b"hello, world\n"), None);
        assert_eq!(document(b"{\"a\":1}"), None);
        assert!(document(b"{\"ResultSet\":{\"Rows\":[]}}").is_some());
        for (columns, word) in [("class_uid src_endpoint", "OCSF"), ("eventname", "Parquet")] {
            let bytes = format!("PAR1...{columns}...PAR1").into_bytes();
            assert!(
                file(&bytes).is_some_and(|what| what.contains(word)),
                "{word}"
            );
        }
        assert!(table(b"\"date\",\"event\"\n").is_some_and(|what| what.contains("CSV")));
    }
}
