//! How an inventory file begins, and the forms of output that are not JSON, each with the way out.

use std::io::{BufReader, Read};
use std::path::Path;

use crate::files::bounded::{TotalReader, inflated};

/// The help for a file that is not the whole output as JSON.
pub(super) const AS_JSON: &str = "run `aws secretsmanager list-secrets --output json`, without `--query`, and save all it prints";

/// The form of text that is not JSON, with the way out; `None` for what may be JSON.
pub(super) fn not_json(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii_start();
    let first = *text.first()?;
    if matches!(first, b'{' | b'[' | b'"') {
        return None;
    }
    let starts = |start: &str| text.starts_with(start.as_bytes());
    let form = if starts("SecretList:") || starts("- ARN:") || starts("---\n") || starts("ARN:") {
        "it is YAML"
    } else if starts("---") || starts("+--") || starts("|") {
        "it is a table"
    } else if starts("SECRETLIST") || text.split(|byte| *byte == b'\n').next()?.contains(&b'\t') {
        "it is text"
    } else {
        "it is not JSON"
    };
    Some(format!("{form}: {AS_JSON}"))
}

/// The largest inventory file that is read, in bytes of JSON. A list of 200,000 secrets has a quarter of it.
const LARGEST: u64 = 1 << 30;

/// Sets how much of a file shows its form.
const BEGIN: u64 = 4_096;

/// The begin of a file, inflated if it is gzip, and the rest of it.
pub(super) fn opened(path: &Path) -> std::io::Result<(Vec<u8>, impl Read)> {
    let source = inflated(path)?;
    let mut source = TotalReader::new(
        source,
        LARGEST,
        ": give one file for each account and Region",
    );
    let mut begin = Vec::new();
    (&mut source).take(BEGIN).read_to_end(&mut begin)?;
    Ok((begin, BufReader::with_capacity(1 << 16, source)))
}
