//! The cache of log files: what a scan reads from it is what it would read from the trail.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use secretsweep::domain::trail::recording::{self, Recorder, Recording};
use secretsweep::files::cache::{Cache, CacheSlot, CacheWriter, FileVersion};
use secretsweep::files::log_file::{self, FileRead, Memory};
use secretsweep::files::logs;

use super::generate::{self, Dice, Spec};
use super::{Told, below, gzip, put, read_all, read_with};

/// A trail of a few files in two folders, and a cache beside it.
struct Kept {
    folder: tempfile::TempDir,
    trail: PathBuf,
    /// The two folders below the trail.
    folders: [&'static str; 2],
}

/// Folders of no day: each file is stored by itself.
const OF_NO_DAY: [&str; 2] = ["0", "1"];

/// Folders of days in AWS's layout: the files of each are stored together.
const OF_DAYS: [&str; 2] = [
    "AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/01",
    "AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/02",
];

impl Kept {
    fn new() -> Self {
        Self::with(OF_NO_DAY)
    }

    fn with(folders: [&'static str; 2]) -> Self {
        let folder = crate::scratch::tempdir().unwrap();
        let trail = folder.path().join("trail");
        let spec = Spec {
            files: 6,
            records: 40,
            ours: 300,
            traps: 100,
            ..Spec::default()
        };
        for (number, file) in generate::files(&spec).enumerate() {
            let name = format!("{}/{number}.json.gz", folders[number % 2]);
            put(&trail, &name, &gzip(file.json.as_bytes()));
        }
        Self {
            folder,
            trail,
            folders,
        }
    }

    fn name(&self, number: usize) -> String {
        format!("{}/{number}.json.gz", self.folders[number % 2])
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn read(&self) -> (Told, logs::TrailReading) {
        let cache = Cache::new(&self.cache());
        let told = read_with(std::slice::from_ref(&self.trail), 2, Some(&cache));
        assert_eq!(cache.trouble(), None);
        told
    }

    /// The cache files with their bytes.
    fn kept(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut kept = Vec::new();
        for folder in fs::read_dir(self.cache()).unwrap() {
            for file in fs::read_dir(folder.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let bytes = fs::read(&path).unwrap();
                kept.push((path, bytes));
            }
        }
        kept.sort();
        kept
    }

    /// Other bytes in a file, of which its size and time tell nothing.
    fn forge(&self, name: &str) {
        let path = self.trail.join(name);
        let about = fs::metadata(&path).unwrap();
        let size = usize::try_from(about.len()).unwrap();
        fs::write(&path, vec![b'?'; size]).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(about.modified().unwrap()).unwrap();
    }
}

#[test]
fn a_file_that_is_known_is_not_opened_and_tells_the_same() {
    for folders in [OF_NO_DAY, OF_DAYS] {
        a_known_file_is_not_opened(&Kept::with(folders));
    }
}

fn a_known_file_is_not_opened(kept: &Kept) {
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    assert!(plain.1.ours > 50, "{:?}", plain.1);
    assert_eq!(kept.read(), plain, "the first time with a cache");
    for number in 0..6 {
        kept.forge(&kept.name(number));
    }
    assert_eq!(kept.read(), plain, "the second time, from the cache");
    let before = kept.kept();
    assert_eq!(kept.read(), plain);
    assert_eq!(kept.kept(), before, "nothing is written for what is known");
}

#[test]
fn new_and_changed_files_are_read_and_gone_ones_forgotten() {
    for folders in [OF_NO_DAY, OF_DAYS] {
        changes_are_seen(&Kept::with(folders));
    }
}

fn changes_are_seen(kept: &Kept) {
    kept.read();
    let spec = Spec {
        seed: 9,
        files: 2,
        records: 30,
        ours: 500,
        ..Spec::default()
    };
    let [changed, new] = [0, 1].map(|at| generate::files(&spec).nth(at).unwrap().json);
    let name = format!("{}/new.json.gz", kept.folders[1]);
    put(&kept.trail, &kept.name(0), &gzip(changed.as_bytes()));
    put(&kept.trail, &name, &gzip(new.as_bytes()));
    fs::remove_file(kept.trail.join(kept.name(1))).unwrap();
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    assert_eq!(kept.read(), plain);
    assert_eq!(kept.read(), plain);
}

#[test]
fn a_cache_of_files_that_change_often_does_not_grow_for_ever() {
    for folders in [OF_NO_DAY, OF_DAYS] {
        it_does_not_grow_for_ever(&Kept::with(folders));
    }
}

fn it_does_not_grow_for_ever(kept: &Kept) {
    let plain = kept.read();
    let size = || -> usize { kept.kept().iter().map(|(_, bytes)| bytes.len()).sum() };
    let first = size();
    let start = fs::metadata(kept.trail.join(kept.name(0)))
        .and_then(|about| about.modified())
        .unwrap();
    for round in 1..40 {
        for number in 0..6 {
            let path = kept.trail.join(kept.name(number));
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(start + Duration::from_secs(round))
                .unwrap();
        }
        assert_eq!(kept.read(), plain, "round {round}");
    }
    assert!(size() < first * 20, "{} after {first}", size());
}

#[test]
fn the_files_of_a_day_are_stored_as_one_and_used_only_together() {
    let kept = Kept::with(OF_DAYS);
    kept.read();
    let before = kept.kept();
    // Of the first day, one file can be read no more, and one is gone: the third is read from the trail again.
    kept.forge(&kept.name(0));
    fs::remove_file(kept.trail.join(kept.name(2))).unwrap();
    let (told, reading) = kept.read();
    assert_eq!(reading.troubles.len(), 1, "{:?}", reading.troubles);
    assert!(
        told.events.len() > 10 && reading.files_read == 5,
        "{reading:?}"
    );
    let grown = kept.kept().into_iter().zip(&before);
    let grown: Vec<bool> = grown
        .map(|(now, then)| now.1.len() > then.1.len())
        .collect();
    assert_eq!(grown.iter().filter(|&&grown| grown).count(), 1);
    // What was read again is stored again, and new files come into a block beside it.
    let spec = Spec {
        seed: 9,
        files: 1,
        ours: 500,
        ..Spec::default()
    };
    let new = generate::files(&spec).next().unwrap().json;
    let name = format!("{}/new.json.gz", kept.folders[0]);
    put(&kept.trail, &name, &gzip(new.as_bytes()));
    let with_new = kept.read();
    kept.forge(&kept.name(4));
    kept.forge(&name);
    assert_eq!(kept.read(), with_new);
}

#[test]
fn what_is_kept_already_is_not_kept_again_by_a_reading_that_does_not_ask() {
    let kept = Kept::new();
    kept.read();
    let before = kept.kept();
    let name = "0.json.gz";
    let path = kept.trail.join("0").join(name);
    let about = fs::metadata(&path).unwrap();
    let changed = about.modified().unwrap().duration_since(UNIX_EPOCH);
    let folder = fs::canonicalize(kept.trail.join("0")).unwrap();
    let place = CacheSlot {
        folder: folder.to_str().unwrap(),
        name,
        version: FileVersion {
            size: about.len(),
            mark: changed.unwrap().as_nanos().to_string(),
        },
    };
    let bytes = fs::read(&path).unwrap();
    let cache = Cache::new(&kept.cache());
    let read = |sink: &mut Recorder<'_>| -> Result<FileRead, Infallible> {
        Ok(log_file::read_bytes(
            &bytes,
            None,
            &mut Memory::default(),
            sink,
        ))
    };
    let mut pen = CacheWriter::default();
    cache
        .record(&place, &mut pen, &mut Told::default(), read)
        .unwrap();
    cache.store(&mut pen);
    assert_eq!(kept.kept(), before);
}

#[test]
fn a_file_with_something_wrong_is_named_each_time() {
    for folders in [OF_NO_DAY, OF_DAYS] {
        a_fault_is_named(&Kept::with(folders));
    }
}

fn a_fault_is_named(kept: &Kept) {
    let bytes = fs::read(kept.trail.join(kept.name(0))).unwrap();
    let name = format!("{}/cut.json.gz", kept.folders[0]);
    put(&kept.trail, &name, &bytes[..bytes.len() / 2]);
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    assert_eq!(plain.1.troubles.len(), 1);
    assert_eq!(kept.read(), plain);
    assert_eq!(kept.read(), plain);
}

#[test]
fn a_cache_with_any_byte_changed_or_cut_anywhere_changes_nothing() {
    for folders in [OF_NO_DAY, OF_DAYS] {
        damage_changes_nothing(&Kept::with(folders));
    }
}

fn damage_changes_nothing(kept: &Kept) {
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    kept.read();
    let sound = kept.kept();
    let mut dice = Dice::new(3);
    for round in 0..400 {
        for (path, bytes) in &sound {
            let mut bytes = bytes.clone();
            let at = match round {
                // The opening, and the first heads.
                0..200 => round.min(bytes.len() - 1),
                _ => below(&mut dice, bytes.len()),
            };
            if round % 2 == 0 {
                bytes[at] ^= 1 << below(&mut dice, 8);
            } else {
                bytes.truncate(at);
            }
            fs::write(path, bytes).unwrap();
        }
        assert_eq!(kept.read(), plain, "round {round}");
    }
    kept.read();
    for number in 0..6 {
        kept.forge(&kept.name(number));
    }
    assert_eq!(kept.read(), plain, "and what was lost is kept again");
}

#[test]
fn a_cache_that_cannot_be_written_is_named_and_the_answer_is_the_same() {
    let kept = Kept::new();
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    // A file where a folder would be.
    fs::write(kept.cache(), "").unwrap();
    let cache = Cache::new(&kept.cache());
    let told = read_with(std::slice::from_ref(&kept.trail), 2, Some(&cache));
    assert_eq!(told, plain);
    let trouble = cache.trouble().unwrap();
    assert!(trouble.contains("cache"), "{trouble}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_that_no_tape_wrote_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut told = Told::default();
        let _ = recording::replay(&bytes, &mut Recording::default(), &mut told);
    }
}
