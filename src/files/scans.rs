//! The finished scans below a folder, for commands that look at many of them. It reads none.

use std::fs;
use std::path::{Path, PathBuf};

use super::store::{REPORT, StoreError};

/// The folders that hold a finished scan: this one, and those below it, in the order of their names. Links are not
/// followed, so a folder is met once.
///
/// # Errors
/// A folder that cannot be listed, or none that holds a scan.
pub fn scans_below(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = open.pop() {
        if path.join(REPORT).is_file() {
            found.push(path.clone());
        }
        let trouble = |source| StoreError::Read {
            path: path.clone(),
            source,
        };
        for entry in fs::read_dir(&path).map_err(trouble)? {
            let entry = entry.map_err(trouble)?;
            if entry.file_type().map_err(trouble)?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    if found.is_empty() {
        return Err(StoreError::NoScan {
            folder: folder.to_owned(),
            inside: None,
        });
    }
    found.sort();
    Ok(found)
}
