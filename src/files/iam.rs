//! IAM data from files: what `aws` printed of identities, policies of secrets and keys, grants and the organization.
//!
//! Any mix of such files may lie in a folder, also arrays of pages and several documents in a row, gzipped or not. What
//! they say is read by [`IamReader`]; what cannot be read becomes a gap that names the file, and the rest is read.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bounded::{TotalReader, inflated};
use crate::domain::base::utf_16::{UTF_16, is_utf_16};
use crate::domain::reach::IamReader;

/// The largest file that is read, in bytes of JSON: an answer about 5,000 roles has a tenth of it.
const LARGEST: u64 = 1 << 28;

/// Reads all files of some folders.
pub fn read(paths: &[PathBuf], reader: &mut IamReader) {
    let files: usize = paths.iter().map(|path| read_path(path, reader)).sum();
    if files == 0 {
        reader.gap("IAM data", "there is no file in the folder");
    }
}

/// Reads a file, or all below a folder; gives how many files there were, with those that could not be read.
fn read_path(path: &Path, reader: &mut IamReader) -> usize {
    if !path.is_dir() {
        read_file(path, reader);
        return 1;
    }
    let entries = std::fs::read_dir(path);
    let inside: Result<Vec<PathBuf>, _> =
        entries.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    match inside {
        Ok(mut inside) => {
            inside.sort();
            let is_hidden = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default();
                name.to_string_lossy().starts_with('.')
            };
            let shown = inside.iter().filter(|path| !is_hidden(path));
            shown.map(|path| read_path(path, reader)).sum()
        }
        Err(error) => {
            reader.gap(path.display().to_string(), error.to_string());
            1
        }
    }
}

fn read_file(path: &Path, reader: &mut IamReader) {
    let name = path.display().to_string();
    match contents(&name, path, reader) {
        Err(why) => reader.gap(name, why),
        Ok(()) if reader.goes_on() => reader.gap(
            name,
            "its last page is not the last one: run the command without `--max-items`",
        ),
        Ok(()) => {}
    }
}

fn contents(name: &str, path: &Path, reader: &mut IamReader) -> Result<(), String> {
    let mut bytes = Vec::new();
    let source = inflated(path).map_err(|error| error.to_string())?;
    TotalReader::new(source, LARGEST, ": give one file for each account")
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if is_utf_16(&bytes) {
        return Err(UTF_16.to_owned());
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut count = 0;
    for document in serde_json::Deserializer::from_slice(text).into_iter::<Value>() {
        let document = document
            .map_err(|error| format!("not JSON ({error}): run `aws` with `--output json`"))?;
        count += 1;
        reader.answer(name, document)?;
    }
    if count == 0 {
        return Err("the file is empty".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
