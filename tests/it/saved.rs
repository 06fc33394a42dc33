//! What `--save` keeps of a live scan: a whole, and what it says is covered only as long as all of it is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::aws::Aws;
use crate::live::{scan, small};
use crate::run_result::Outcome;

/// A folder in which a scan was saved, and the AWS that it was made of.
fn saved() -> (Aws, tempfile::TempDir) {
    let aws = Aws::start(small());
    let folder = crate::scratch::tempdir().unwrap();
    let run = save(&aws, folder.path());
    assert_eq!(run.code(), Some(0), "{}", run.said());
    (aws, folder)
}

fn save(aws: &Aws, folder: &Path) -> Outcome {
    let save = folder.join("saved");
    scan(
        aws,
        &folder.join("live"),
        &["--save", save.to_str().unwrap()],
    )
}

/// Scans what was saved.
fn again(aws: &Aws, folder: &Path) -> Outcome {
    let part = |name: &str| folder.join("saved").join(name).display().to_string();
    let args = ["--inventory", &part("inventory"), "--trail", &part("trail")];
    scan(aws, &folder.join("again"), &args)
}

/// One of the log files that were saved.
fn log_file(folder: &Path) -> PathBuf {
    let mut at = folder.join("saved/trail/AWSLogs");
    while at.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&at)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        at = entries.swap_remove(0);
    }
    at
}

#[track_caller]
fn proves_nothing_any_more(run: &Outcome) {
    let verdict = run.verdict("idle");
    assert!(verdict.starts_with("review: coverage-gap"), "{verdict}");
    assert_eq!(run.code(), Some(3));
}

#[test]
fn a_folder_that_holds_a_saved_scan_is_refused_and_stays_as_it_is() {
    let (aws, folder) = saved();
    let before = fs::read(log_file(folder.path())).unwrap();
    let calls = aws.calls().len();
    let run = save(&aws, folder.path());
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(
        run.said().contains("the folder holds an earlier scan"),
        "{}",
        run.said()
    );
    assert_eq!(fs::read(log_file(folder.path())).unwrap(), before);
    assert_eq!(aws.calls().len(), calls, "AWS is not asked for nothing");
}

#[test]
fn a_saved_scan_proves_what_the_live_one_did() {
    let (aws, folder) = saved();
    let run = again(&aws, folder.path());
    assert_eq!(run.verdict("idle"), "delete: idle", "{}", run.said());
}

#[test]
fn a_saved_log_file_that_is_gone_leaves_nothing_covered() {
    let (aws, folder) = saved();
    fs::remove_file(log_file(folder.path())).unwrap();
    proves_nothing_any_more(&again(&aws, folder.path()));
}

#[test]
fn a_saved_log_file_that_was_changed_leaves_nothing_covered() {
    let (aws, folder) = saved();
    let file = log_file(folder.path());
    let other = crate::world::gzip(b"{\"Records\":[]}");
    fs::write(file, other).unwrap();
    proves_nothing_any_more(&again(&aws, folder.path()));
}
