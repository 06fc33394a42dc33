//! The bytes of an inventory file, and the forms of output that are not JSON, each with the way out.

use std::io::Read;
use std::path::Path;

/// What to do where a file is not the whole output as JSON.
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

pub(super) fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let bytes = limited(std::fs::File::open(path)?)?;
    if !crate::files::inflate::is_gzip(&bytes) {
        return Ok(bytes);
    }
    limited(flate2::read::MultiGzDecoder::new(bytes.as_slice()))
}

fn limited(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(std::io::Error::other(
            "it has more than 1 GiB: give one file for each account and Region",
        ));
    }
    Ok(bytes)
}
