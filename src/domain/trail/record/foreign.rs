//! Files that hold no CloudTrail records in a form that is read here: their names, and the way to convert them.
//!
//! A wrong file is mostly a right one in another form. To say "no CloudTrail records" of it would be wrong, and would not
//! help. This looks at the first bytes of a file, or at the keys of a JSON document, and says nothing if it does not know.

use crate::domain::base::utf_16::{UTF_16, is_utf_16};

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
            b"PAR1",
            "the file is Parquet: give the log files of the trail, or export the records as JSON",
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
    let bytes = bytes.trim_ascii_start();
    let sign = SIGNS.iter().find(|(start, _)| bytes.starts_with(start));
    sign.map(|(_, what)| *what)
        .or_else(|| is_csv(bytes).then_some(CSV))
}

/// The form of a JSON object without records, by its keys.
pub(super) fn document(json: &[u8]) -> Option<&'static str> {
    /// Keys, with what they show.
    const SIGNS: &[(&[u8], &str)] = &[
        (
            b"\"QueryResultRows\"",
            "the file is a result of CloudTrail Lake: give the log files of the trail, or export the event data store to S3",
        ),
        (
            b"\"ResultSet\"",
            "the file is a result of Athena: give the log files that the table reads",
        ),
        (
            b"\"_source\"",
            "the file is an answer of Elasticsearch or OpenSearch: export the original records (`event.original`), one to a line",
        ),
    ];
    let start = &json[..json.len().min(4_096)];
    let holds = |key: &[u8]| memchr::memmem::find(start, key).is_some();
    let sign = SIGNS.iter().find(|(key, _)| holds(key));
    sign.map(|(_, what)| *what)
}

const CSV: &str = "the file is CSV, such as a result of Athena or of CloudTrail Lake: give the log files of the trail, or \
                   export the records as JSON";

/// Whether the first line is one of column names.
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
            (b"\"eventtime\",\"eventname\"\n", "CSV"),
            (b"<!DOCTYPE html>", "web page"),
        ] {
            assert!(
                file(bytes).is_some_and(|what| what.contains(word)),
                "{word}"
            );
        }
        assert_eq!(file(b"hello, world\n"), None);
        assert_eq!(document(b"{\"a\":1}"), None);
        assert!(document(b"{\"hits\":{\"hits\":[{\"_source\":{}}]}}").is_some());
    }
}
