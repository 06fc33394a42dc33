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
}

impl Kept {
    fn new() -> Self {
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
            let name = format!("{}/{number}.json.gz", number % 2);
            put(&trail, &name, &gzip(file.json.as_bytes()));
        }
        Self { folder, trail }
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
    let kept = Kept::new();
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    assert!(plain.1.ours > 50, "{:?}", plain.1);
    assert_eq!(kept.read(), plain, "the first time with a cache");
    for number in 0..6 {
        kept.forge(&format!("{}/{number}.json.gz", number % 2));
    }
    assert_eq!(kept.read(), plain, "the second time, from the cache");
    let before = kept.kept();
    assert_eq!(kept.read(), plain);
    assert_eq!(kept.kept(), before, "nothing is written for what is known");
}

#[test]
fn new_and_changed_files_are_read_and_gone_ones_forgotten() {
    let kept = Kept::new();
    kept.read();
    let spec = Spec {
        seed: 9,
        files: 2,
        records: 30,
        ours: 500,
        ..Spec::default()
    };
    let [changed, new] = [0, 1].map(|at| generate::files(&spec).nth(at).unwrap().json);
    put(&kept.trail, "0/0.json.gz", &gzip(changed.as_bytes()));
    put(&kept.trail, "1/new.json.gz", &gzip(new.as_bytes()));
    fs::remove_file(kept.trail.join("1/1.json.gz")).unwrap();
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    assert_eq!(kept.read(), plain);
    assert_eq!(kept.read(), plain);
}

#[test]
fn a_cache_of_files_that_change_often_does_not_grow_for_ever() {
    let kept = Kept::new();
    let plain = kept.read();
    let size = || -> usize { kept.kept().iter().map(|(_, bytes)| bytes.len()).sum() };
    let first = size();
    let start = fs::metadata(kept.trail.join("0/0.json.gz"))
        .and_then(|about| about.modified())
        .unwrap();
    for round in 1..40 {
        for number in 0..6 {
            let path = kept.trail.join(format!("{}/{number}.json.gz", number % 2));
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(start + Duration::from_secs(round))
                .unwrap();
        }
        assert_eq!(kept.read(), plain, "round {round}");
    }
    assert!(size() < first * 20, "{} after {first}", size());
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
    cache
        .record(
            &place,
            &mut CacheWriter::default(),
            &mut Told::default(),
            read,
        )
        .unwrap();
    assert_eq!(kept.kept(), before);
}

#[test]
fn a_file_with_something_wrong_is_named_each_time() {
    let kept = Kept::new();
    let bytes = fs::read(kept.trail.join("0/0.json.gz")).unwrap();
    put(&kept.trail, "0/cut.json.gz", &bytes[..bytes.len() / 2]);
    let plain = read_all(std::slice::from_ref(&kept.trail), 2);
    assert_eq!(plain.1.troubles.len(), 1);
    assert_eq!(kept.read(), plain);
    assert_eq!(kept.read(), plain);
}

#[test]
fn a_cache_with_any_byte_changed_or_cut_anywhere_changes_nothing() {
    let kept = Kept::new();
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
        kept.forge(&format!("{}/{number}.json.gz", number % 2));
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
