//! The files under the folders a user named, each once: those of AWS's layout last and in the order of their days, all
//! others in the order of their names.
//!
//! A trail has a folder for each account, Region and day. In the order of names all days of one account come before the
//! first day of the next; in the order of days, copies of one event come close to one another
//! ([`crate::domain::trail::dedup`]). For that the walk notes the folders of days as it passes, and enters them at the end.
//!
//! Only one folder's listing a level is held at a time, and a few bytes for each folder of a day, so memory does not grow
//! with the number of files. A folder may be named twice, lie in another one or be reached by a symbolic link, even one
//! that leads back up: every file still comes once. Files and folders whose names begin with a dot are passed over,
//! unless they are named themselves.

use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::domain::trail::layout::{self, Day};

/// The items that the walk comes across.
#[derive(Debug)]
pub(super) enum WalkItem {
    /// A regular file.
    File(PathBuf),
    /// Something that cannot be read, and why.
    Trouble(PathBuf, String),
}

/// A walk; an iterator.
pub(super) struct Walk {
    /// Troubles of the roots themselves, to be reported first.
    lost: VecDeque<WalkItem>,
    /// Canonical paths still to walk.
    waiting: VecDeque<PathBuf>,
    /// The canonical paths that were named. None lies where the walk from another one comes past.
    roots: HashSet<PathBuf>,
    /// Those that links led to, each a root of its own. Only from one of these can the walk come to another root.
    linked: HashSet<PathBuf>,
    /// The folders from the present root down to the present folder.
    open: Vec<WalkFolder>,
    /// Folders of days, to be walked at the end; the last one first once that has begun.
    days: Vec<DayFolder>,
    /// The folders that those lie in.
    months: Vec<PathBuf>,
    /// The day whose folder is being walked.
    pub(super) day: Option<Day>,
}

/// The folder of a day. Small, because an organization has hundreds of thousands of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DayFolder {
    day: Day,
    /// The number of the folder it lies in; they are numbered as they come.
    month: u32,
    /// Its name: the day of the month, in two digits.
    name: [u8; 2],
}

struct WalkFolder {
    path: PathBuf,
    /// The number of its entries.
    count: usize,
    /// The entries that are left, the last name first.
    entries: Vec<(OsString, FileType)>,
}

/// Starts a walk over files and folders.
pub(super) fn walk(named: &[PathBuf]) -> Walk {
    let mut lost = VecDeque::new();
    let mut paths = Vec::new();
    for path in named {
        match fs::canonicalize(path) {
            Ok(path) => paths.push(path),
            Err(fault) => lost.push_back(WalkItem::Trouble(path.clone(), fault.to_string())),
        }
    }
    paths.sort_unstable();
    let mut roots = HashSet::new();
    let mut waiting = VecDeque::new();
    for path in paths {
        // In sorted order a folder comes before what lies in it.
        if !reached(&[&roots], &path) {
            roots.insert(path.clone());
            waiting.push_back(path);
        }
    }
    Walk {
        lost,
        waiting,
        roots,
        linked: HashSet::new(),
        open: Vec::new(),
        days: Vec::new(),
        months: Vec::new(),
        day: None,
    }
}

/// Returns whether a walk from one of these roots comes past `path`.
fn reached(roots: &[&HashSet<PathBuf>], path: &Path) -> bool {
    for folder in path.ancestors() {
        if roots.iter().any(|roots| roots.contains(folder)) {
            return true;
        }
        let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
        if folder.file_name().is_some_and(is_hidden) {
            return false;
        }
    }
    false
}

/// A path as AWS's layout writes it. Names that are no Unicode cannot be AWS's.
pub(super) fn layout_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

impl Iterator for Walk {
    type Item = WalkItem;

    fn next(&mut self) -> Option<WalkItem> {
        if let Some(trouble) = self.lost.pop_front() {
            return Some(trouble);
        }
        loop {
            let found = match self.open.last_mut() {
                None => match self.waiting.pop_front() {
                    Some(root) => {
                        self.day = None;
                        self.root(root)
                    }
                    None => self.next_day()?,
                },
                Some(folder) => match folder.entries.pop() {
                    None => {
                        self.open.pop();
                        None
                    }
                    Some((name, file_type)) => {
                        let path = folder.path.join(name);
                        self.visit(path, file_type)
                    }
                },
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

impl Walk {
    /// Returns which part of what stands open has been walked, the latest item included: from 0 to 1. A folder counts
    /// as much as a file beside it.
    pub(super) fn walked(&self) -> f64 {
        let mut inner: Option<f64> = None;
        for folder in self.open.iter().rev() {
            let taken = f64::from(small(folder.count - folder.entries.len()));
            let walked = inner.map_or(taken, |inner| taken - 1.0 + inner);
            inner = Some(walked / f64::from(small(folder.count).max(1)));
        }
        inner.unwrap_or(1.0)
    }

    /// Returns whether folders of days were found, which come last.
    pub(super) fn has_days(&self) -> bool {
        !self.months.is_empty()
    }

    /// Returns how many folders of days are still to be walked whose files can hold events of a span, in seconds since
    /// 1970. For when the first of all has been entered.
    pub(super) fn days_ahead(&self, span: &Range<i64>) -> usize {
        let days = layout::days_around(span.start, span.end);
        // The last one comes first.
        let after = |day: i64| move |folder: &DayFolder| i64::from(folder.day) > day;
        let end = self.days.partition_point(after(days.start() - 1));
        end - self.days.partition_point(after(*days.end())).min(end)
    }

    fn root(&mut self, path: PathBuf) -> Option<WalkItem> {
        match fs::metadata(&path) {
            Ok(about) if about.is_dir() => self.enter(path),
            Ok(about) if about.is_file() => Some(WalkItem::File(path)),
            Ok(_) => Some(irregular(path)),
            Err(fault) => Some(WalkItem::Trouble(path, fault.to_string())),
        }
    }

    fn visit(&mut self, path: PathBuf, file_type: FileType) -> Option<WalkItem> {
        if file_type.is_symlink() {
            return self.follow(path);
        }
        let is_root = |path| self.roots.contains(path) || self.linked.contains(path);
        if !self.linked.is_empty() && is_root(&path) {
            return None;
        }
        if file_type.is_dir() {
            self.enter(path)
        } else if file_type.is_file() {
            Some(WalkItem::File(path))
        } else {
            Some(irregular(path))
        }
    }

    /// A link leads to something that is walked anyhow, to a file, or to a folder that becomes a root of its own.
    fn follow(&mut self, link: PathBuf) -> Option<WalkItem> {
        let target = fs::canonicalize(&link).and_then(|path| Ok((fs::metadata(&path)?, path)));
        let (about, target) = match target {
            Ok(target) => target,
            Err(fault) => {
                let what = format!("the link leads nowhere: {fault}");
                return Some(WalkItem::Trouble(link, what));
            }
        };
        if reached(&[&self.roots, &self.linked], &target) {
            return None;
        }
        if about.is_dir() && self.day.is_some() {
            // Their days are not known, and the order of days is promised.
            let what = "is a link to a folder, in the folder of a day: name where it leads to as a trail of its own";
            return Some(WalkItem::Trouble(link, what.to_owned()));
        }
        self.linked.insert(target.clone());
        if about.is_file() {
            return Some(WalkItem::File(target));
        }
        self.waiting.push_back(target);
        None
    }

    /// Enters the folder of the first of the days that are left. `None`: there is none.
    #[expect(
        clippy::option_option,
        reason = "no more folders, or a folder and perhaps a trouble of it"
    )]
    fn next_day(&mut self) -> Option<Option<WalkItem>> {
        if self.day.is_none() {
            self.days.sort_unstable_by(|one, other| other.cmp(one));
        }
        let DayFolder { day, month, name } = self.days.pop()?;
        self.day = Some(day);
        // Two digits are always text.
        let name = str::from_utf8(&name).unwrap_or_default();
        let path = self.months[month as usize].join(name);
        Some(self.list(path))
    }

    fn enter(&mut self, path: PathBuf) -> Option<WalkItem> {
        let day = match self.day {
            None => self.day_folder(&path),
            Some(_) => None,
        };
        match day {
            Some(folder) => {
                self.days.push(folder);
                None
            }
            None => self.list(path),
        }
    }

    /// The folder as that of a day, if it is one.
    fn day_folder(&mut self, path: &Path) -> Option<DayFolder> {
        let day = layout::day_folder(&layout_path(path))?;
        let name = path.file_name()?.as_encoded_bytes().try_into().ok()?;
        let month = path.parent()?;
        if self.months.last().is_none_or(|last| last != month) {
            self.months.push(month.to_owned());
        }
        let month = u32::try_from(self.months.len() - 1).ok()?;
        Some(DayFolder { day, month, name })
    }

    fn list(&mut self, path: PathBuf) -> Option<WalkItem> {
        match listing(&path) {
            Ok(entries) => {
                let count = entries.len();
                self.open.push(WalkFolder {
                    path,
                    count,
                    entries,
                });
                None
            }
            Err(fault) => Some(WalkItem::Trouble(path, fault.to_string())),
        }
    }
}

/// A count, as far as it matters for a share.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A pipe or a device: opening it might wait for ever.
fn irregular(path: PathBuf) -> WalkItem {
    WalkItem::Trouble(path, "is no regular file".to_owned())
}

fn listing(path: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            entries.push((name, entry.file_type()?));
        }
    }
    entries.sort_unstable_by(|one, other| other.0.cmp(&one.0));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(named: &[PathBuf], below: &Path) -> Vec<String> {
        walk(named)
            .map(|found| match found {
                WalkItem::File(path) => path
                    .strip_prefix(below)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
                WalkItem::Trouble(path, why) => format!("! {}: {why}", path.display()),
            })
            .collect()
    }

    #[test]
    fn every_file_comes_once_in_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        for path in ["b/2", "b/1", "a/x/3", "a/.hidden", ".git/4", "c"] {
            let path = base.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(
            names(std::slice::from_ref(&base), &base),
            ["a/x/3", "b/1", "b/2", "c"]
        );
        let overlapping = [
            base.join("b"),
            base.clone(),
            base.join("b/../b/1"),
            base.join("a/.hidden"),
        ];
        assert_eq!(
            names(&overlapping, &base),
            ["a/x/3", "b/1", "b/2", "c", "a/.hidden"],
            "a hidden file is read only when named"
        );
    }

    #[test]
    fn folders_of_days_come_last_and_by_day() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let day = |account: &str, day: &str| {
            format!("x/AWSLogs/{account}/CloudTrail/eu-west-1/2026/{day}")
        };
        let (one, two) = ("111122223333", "444455556666");
        let files = [
            format!("{}/b", day(one, "10/02")),
            format!("{}/a", day(one, "10/01")),
            format!("{}/deep/er", day(one, "10/01")),
            format!("{}/c", day(two, "10/01")),
            format!("{}/d", day(two, "09/30")),
            "x/AWSLogs/readme".to_owned(),
            "y/flat".to_owned(),
        ];
        for path in &files {
            let path = base.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut walk = walk(&[base.join("x"), base.join("y")]);
        let mut found = Vec::new();
        while let Some(WalkItem::File(path)) = walk.next() {
            found.push((path.file_name().unwrap().to_owned(), walk.day.is_some()));
        }
        let expected = [
            ("readme", false),
            ("flat", false),
            ("d", true),
            ("a", true),
            ("er", true),
            ("c", true),
            ("b", true),
        ];
        assert_eq!(found, expected.map(|(name, dated)| (name.into(), dated)));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_loops_end() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        for path in ["in/trail/1", "out/2"] {
            let path = base.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        symlink(base.join("in"), base.join("in/trail/loop")).unwrap();
        symlink(base.join("out"), base.join("in/other")).unwrap();
        symlink(base.join("out/2"), base.join("in/twin")).unwrap();
        assert_eq!(names(&[base.join("in")], &base), ["in/trail/1", "out/2"]);

        symlink(&base, base.join("in/up")).unwrap();
        assert_eq!(names(&[base.join("in")], &base), ["in/trail/1", "out/2"]);

        symlink(base.join("gone"), base.join("in/void")).unwrap();
        let found = names(&[base.join("in")], &base);
        assert!(
            found.iter().any(|name| name.contains("leads nowhere")),
            "{found:?}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_in_the_folder_of_a_day_keep_the_order_of_days() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let day = |day: &str| format!("in/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/{day}");
        for path in [
            format!("{}/a", day("01")),
            format!("{}/b", day("02")),
            "out/stored".to_owned(),
            "other/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/30/c".to_owned(),
        ] {
            let path = base.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for link in ["linked", "linked again"] {
            symlink(base.join("out/stored"), base.join(day("01")).join(link)).unwrap();
        }
        symlink(base.join("other"), base.join(day("02")).join("copy")).unwrap();
        let mut walk = walk(&[base.join("in")]);
        let mut found = Vec::new();
        while let Some(next) = walk.next() {
            let (path, what) = match next {
                WalkItem::File(path) => (path, "file"),
                WalkItem::Trouble(path, why) => {
                    assert!(why.contains("a trail of its own"), "{why}");
                    (path, "trouble")
                }
            };
            let name = path.file_name().unwrap().to_owned().into_string().unwrap();
            found.push((name, what, walk.day.unwrap()));
        }
        let first = found[0].2;
        let expected = [
            ("a", "file", first),
            ("stored", "file", first),
            ("b", "file", first + 1),
            ("copy", "trouble", first + 1),
        ];
        assert_eq!(
            found,
            expected.map(|(name, what, day)| (name.to_owned(), what, day))
        );
    }

    #[test]
    fn a_path_that_is_not_there_is_a_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let found = names(&[folder.path().join("gone")], folder.path());
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("! "), "{found:?}");
    }
}
