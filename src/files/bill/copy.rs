//! A temporary folder for a copy of a bill, and which objects of an export belong into it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use jiff::SignedDuration;
use tempfile::TempDir;

use super::delivery::month_of;
use crate::domain::base::month::Month;
use crate::domain::base::span::Span;
use crate::ports::FolderSink;

/// A folder that is removed with the value.
#[derive(Debug)]
pub struct BillCopy(TempDir);

impl BillCopy {
    /// An empty one, where the system keeps temporary files.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        tempfile::Builder::new()
            .prefix("secretsweep-bill-")
            .tempdir()
            .map(Self)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The folder in it for one of several sources, whose files may have the same names.
    pub fn part(&self, number: usize) -> BillPart {
        BillPart(self.path().join(number.to_string()))
    }
}

/// The part of a copy that comes from one source.
#[derive(Debug)]
pub struct BillPart(PathBuf);

impl FolderSink for BillPart {
    fn create(&self, key: &str) -> io::Result<Box<dyn Write + Send>> {
        let below = plain(key).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "its name leads out of the folder",
            )
        })?;
        let path = self.0.join(below);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(Box::new(BufWriter::new(File::create(path)?)))
    }
}

/// A key as a path below a folder; `None` if it leads out of it. Others chose the name.
fn plain(key: &str) -> Option<PathBuf> {
    let path = Path::new(key);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    (!key.is_empty() && !key.contains('\\') && path.components().all(is_plain))
        .then(|| path.to_owned())
}

/// Returns whether an object of an export may hold lines of a window: one in the folder of a month may only hold that
/// month's.
pub fn may_hold(key: &str, window: Span) -> bool {
    let Some(month) = month_of(key) else {
        return true;
    };
    // The window ends before its last moment.
    let end = window.to.checked_sub(SignedDuration::from_secs(1));
    let (first, last) = (Month::of(window.from), Month::of(end.unwrap_or(window.to)));
    let day = |month: Month| month.first_day();
    day(first) <= day(month) && day(month) <= day(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;

    #[test]
    fn a_key_never_leads_out_of_the_folder() {
        let folder = BillCopy::new().unwrap();
        let copy = folder.part(0);
        for key in ["../x", "/etc/x", "a/../../x", "", "a\\..\\x"] {
            assert!(copy.create(key).is_err(), "{key}");
        }
        copy.create("a/b.csv").unwrap().write_all(b"x").unwrap();
        assert_eq!(fs::read(folder.path().join("0/a/b.csv")).unwrap(), b"x");
    }

    #[test]
    fn only_the_months_of_the_window_are_copied() {
        let october = fixture::report(0).window;
        for (key, expect) in [
            ("x/data/BILLING_PERIOD=2026-10/a.csv", true),
            ("x/data/BILLING_PERIOD=2026-09/a.csv", false),
            ("x/metadata/BILLING_PERIOD=2026-09/a-Manifest.json", false),
            ("r/20261001-20261101/id/r-1.csv.gz", true),
            ("r/20250101-20250201/id/r-1.csv.gz", false),
            ("anything.csv", true),
        ] {
            assert_eq!(may_hold(key, october), expect, "{key}");
        }
    }
}
