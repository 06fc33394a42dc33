//! What a ledger counts from the cache is what it counts from the trail, whatever happened to both since.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use secretsweep::domain::trail::calls::CallSeries;
use secretsweep::domain::trail::coverage::ScopeActivity;
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::ledger::{Ledger, LedgerBounds};
use secretsweep::domain::trail::sessions::KeptNames;
use secretsweep::files::cache::Cache;
use secretsweep::files::logs;

use super::generate::{self, Dice, LogFile, Spec};
use super::{below, put};
use crate::world::gzip;

const DAY: i64 = 86_400;

/// How long the trails are.
const DAYS: u32 = 7;

/// What happens between two scans.
#[derive(Clone, Copy, Debug)]
enum Change {
    Nothing,
    /// A part of the files comes into the folders of a second trail, as copies.
    Copies,
    /// Files come that were not there.
    NewFiles,
    /// A file gets the contents of another one.
    Changed,
    /// A file ends in the middle.
    CutOff,
    Removed,
    /// A byte of each file of the cache changes.
    DamagedCache,
    /// Each file of the cache ends in the middle.
    CutOffCache,
}

/// How a scan asks: the days before the end of the trail at which the span and the window begin and both end.
#[derive(Clone, Copy, Debug)]
struct Ask {
    from: i64,
    window: i64,
    to: i64,
    threads: usize,
    keeps_names: bool,
}

fn ask() -> impl Strategy<Value = Ask> {
    let shape = (0..9_i64, 0..9_i64, 0..9_i64, 1..3_usize, any::<bool>());
    shape.prop_map(|(one, two, three, threads, keeps_names)| {
        let mut days = [one, two, three];
        days.sort_unstable();
        let [to, window, from] = days;
        Ask {
            from,
            window,
            to,
            threads,
            keeps_names,
        }
    })
}

fn change() -> impl Strategy<Value = Change> {
    select(vec![
        Change::Nothing,
        Change::Copies,
        Change::NewFiles,
        Change::Changed,
        Change::CutOff,
        Change::Removed,
        Change::DamagedCache,
        Change::CutOffCache,
    ])
}

/// Files in a folder, with their paths below it.
fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    files
}

/// The trail, and how far it has come.
struct Trail {
    folder: tempfile::TempDir,
    files: Vec<LogFile>,
    written: usize,
    dice: Dice,
    changes: u64,
}

impl Trail {
    fn new(seed: u64, again: u32, sessions: u32) -> Self {
        let spec = Spec {
            seed,
            files: 10,
            records: 12,
            ours: 500,
            uses: 700,
            traps: 200,
            secrets: 4,
            days: DAYS,
            again,
            sessions,
        };
        let mut trail = Self {
            folder: crate::scratch::tempdir().unwrap(),
            files: generate::files(&spec).collect(),
            written: 0,
            dice: Dice::new(seed),
            changes: 0,
        };
        trail.write(trail.files.len() / 2);
        trail
    }

    fn roots(&self) -> [PathBuf; 2] {
        ["one", "two"].map(|name| self.folder.path().join(name))
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn write(&mut self, files: usize) {
        let [root, other] = self.roots();
        fs::create_dir_all(&other).unwrap();
        for file in self.files.iter().skip(self.written).take(files) {
            put(&root, &file.path, &gzip(file.json.as_bytes()));
        }
        self.written += files;
    }

    fn change(&mut self, change: Change) {
        self.changes += 1;
        let [one, two] = self.roots();
        let files = files_below(&one);
        match change {
            Change::Nothing => {}
            Change::NewFiles => self.write(2),
            Change::Copies => {
                for path in files.iter().step_by(2) {
                    let name = path.strip_prefix(&one).unwrap().to_str().unwrap();
                    put(&two, name, &fs::read(path).unwrap());
                }
            }
            Change::Changed | Change::CutOff | Change::Removed if files.is_empty() => {}
            Change::Changed | Change::CutOff => {
                let path = &files[below(&mut self.dice, files.len())];
                let other = &files[below(&mut self.dice, files.len())];
                let bytes = fs::read(other).unwrap();
                let end = match change {
                    Change::CutOff => bytes.len() / 2,
                    _ => bytes.len(),
                };
                fs::write(path, &bytes[..end]).unwrap();
                let file = fs::File::options().write(true).open(path).unwrap();
                let when = fs::metadata(path).unwrap().modified().unwrap();
                file.set_modified(when + Duration::from_secs(self.changes))
                    .unwrap();
            }
            Change::Removed => {
                fs::remove_file(&files[below(&mut self.dice, files.len())]).unwrap();
            }
            Change::DamagedCache | Change::CutOffCache => {
                for path in files_below(&self.cache()) {
                    let mut bytes = fs::read(&path).unwrap();
                    if bytes.is_empty() {
                        // An earlier cut left nothing, and no scan has come there since.
                        continue;
                    }
                    let at = below(&mut self.dice, bytes.len());
                    if let Change::DamagedCache = change {
                        bytes[at] ^= 1 << below(&mut self.dice, 8);
                    } else {
                        bytes.truncate(at);
                    }
                    fs::write(path, bytes).unwrap();
                }
            }
        }
    }

    /// What a scan counts, with this cache or without one.
    fn counted(&self, ask: Ask, cache: Option<&Cache>) -> Counted {
        let end = generate::START + i64::from(DAYS) * DAY;
        let bounds = LedgerBounds {
            from: end - ask.from * DAY,
            window_from: end - ask.window * DAY,
            to: end - ask.to * DAY,
        };
        let names = if ask.keeps_names {
            KeptNames::Some(Box::new(|name| name.ends_with(['1', '2', '3', '4'])))
        } else {
            KeptNames::None
        };
        let (names, seen) = (Arc::new(names), Arc::new(Deduplicator::default()));
        let new = || Ledger::new(bounds, Arc::clone(&seen)).keeping(Arc::clone(&names));
        let request = logs::LogRequest {
            roots: &self.roots(),
            span: bounds.from..bounds.to.max(bounds.from + 1),
            threads: ask.threads,
            cache,
        };
        let (ledgers, reading) = logs::read(&request, new, None);
        let mut all = new();
        for ledger in ledgers {
            all.merge(ledger);
        }
        let duplicates = all.duplicates;
        let (lines, coverage) = all.into_accesses();
        let scopes = coverage.scopes();
        let activity = scopes.iter().map(|scope| coverage.of(scope).cloned());
        Counted {
            lines,
            duplicates,
            activity: activity.collect(),
            reading,
        }
    }
}

#[derive(Debug, PartialEq)]
struct Counted {
    lines: Vec<CallSeries>,
    duplicates: u64,
    activity: Vec<Option<ScopeActivity>>,
    reading: logs::TrailReading,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_with_a_cache_counts_what_one_without_counts_whatever_changed_between_scans(
        seed in any::<u64>(),
        again in select(vec![0_u32, 500]),
        sessions in select(vec![0_u32, 700]),
        scans in proptest::collection::vec((change(), ask()), 2..6),
    ) {
        let mut trail = Trail::new(seed, again, sessions);
        for (change, ask) in scans {
            trail.change(change);
            let cache = Cache::new(&trail.cache());
            let plain = trail.counted(ask, None);
            prop_assert_eq!(trail.counted(ask, Some(&cache)), plain, "after {:?}, by {:?}", change, ask);
            prop_assert_eq!(cache.trouble(), None);
        }
    }
}

#[test]
fn the_trails_of_these_tests_have_copies_lines_and_sessions() {
    let trail = Trail::new(1, 500, 700);
    let ask = Ask {
        from: 60,
        window: 30,
        to: 0,
        threads: 1,
        keeps_names: false,
    };
    let counted = trail.counted(ask, None);
    assert!(counted.duplicates > 0, "{counted:?}");
    assert!(counted.lines.len() > 20, "{counted:?}");
    let mut sessions = counted.lines.iter().map(|line| &line.caller.session);
    assert!(sessions.any(|session| session.starts_with("botocore-session-")));
}
