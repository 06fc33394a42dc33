//! Files and records that cannot be read leave a hole in what the trail proves.

use std::path::{Path, PathBuf};

use super::*;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A whole trail in two Regions; a caching client refreshes `x` daily in files of its own. Every one of those is changed
/// before the scan.
fn with(damage: impl Fn(&Path)) -> Scan {
    let world = world()
        .logging(ACCOUNT, WEST)
        .secrets([idle("x"), idle("west").region(WEST)])
        .calls(describe("x").agent(JAVA_CACHE).days(88).every(DAY, 88))
        .args(&["--allow-partial"]);
    let folder = crate::scratch::tempdir().unwrap();
    world.write(folder.path());
    for file in files(&folder.path().join("trail")) {
        if file.to_string_lossy().contains("CALLS") {
            damage(&file);
        }
    }
    world.scan_in(folder)
}

#[track_caller]
fn leaves_a_hole(scan: &Scan) {
    stays_because(scan, "x", &["coverage-gap"]);
    stays_because(scan, IDLE, &["coverage-gap"]);
    goes(scan, "west");
    assert_ne!(scan.gaps(), "[]");
}

fn overwritten(bytes: &'static [u8]) -> Scan {
    with(|file| std::fs::write(file, bytes).unwrap())
}

#[test]
fn files_that_were_cut_leave_a_hole() {
    leaves_a_hole(&with(|file| {
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    }));
}

#[test]
fn empty_files_leave_a_hole() {
    leaves_a_hole(&overwritten(b""));
}

#[test]
fn an_error_page_in_place_of_a_file_leaves_a_hole() {
    leaves_a_hole(&overwritten(
        b"<!DOCTYPE html><html><body>503 Slow Down</body></html>",
    ));
}

#[test]
fn an_error_of_s3_in_place_of_a_file_leaves_a_hole() {
    leaves_a_hole(&overwritten(
        b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
    ));
}

#[test]
fn a_pointer_of_large_file_storage_leaves_a_hole() {
    leaves_a_hole(&overwritten(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1234\n",
    ));
}

#[test]
fn a_broken_record_leaves_a_hole() {
    leaves_a_hole(&overwritten(
        b"{\"Records\":[{\"eventVersion\":\"1.11\",\"eventSource\":\"secretsmanager.amazonaws.com\",\"eventName\":7}]}",
    ));
}

#[test]
fn a_record_without_a_time_leaves_a_hole() {
    leaves_a_hole(&with(|file| {
        let call = describe("x").agent(JAVA_CACHE).leave_out("eventTime");
        std::fs::write(file, gzip(log(&[call]).as_bytes())).unwrap();
    }));
}

#[test]
fn looked_up_events_without_their_record_leave_a_hole() {
    let mut text = lookup(&describe("x").agent(JAVA_CACHE).days(80).every(DAY, 80));
    for event in text["Events"].as_array_mut().unwrap() {
        event.as_object_mut().unwrap().remove("CloudTrailEvent");
    }
    let scan = world()
        .secret(idle("x"))
        .file("trail/lookup.json", text.to_string())
        .args(&["--allow-partial"])
        .scan();
    stays(&scan, "x");
}

#[test]
fn a_day_that_is_missing_among_its_neighbours_is_a_hole() {
    let hole = (days_ago(40), days_ago(39));
    let scan = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(92), NOW_S + DAY, &[hole])
        .secret(idle(IDLE))
        .args(&["--allow-partial"])
        .scan();
    stays_because(&scan, IDLE, &["coverage-gap"]);
}

#[test]
fn every_second_day_that_is_missing_is_a_hole() {
    let holes: Vec<(i64, i64)> = (1..46)
        .map(|pair| (days_ago(pair * 2), days_ago(pair * 2 - 1)))
        .collect();
    let scan = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(92), NOW_S + DAY, &holes)
        .secret(idle(IDLE))
        .args(&["--allow-partial"])
        .scan();
    stays_because(&scan, IDLE, &["coverage-gap"]);
}

#[test]
fn a_plain_file_with_the_name_of_a_compressed_one_is_read() {
    let scan = with(|file| {
        let call = describe("x").agent(JAVA_CACHE).days(30);
        std::fs::write(file, log(&[call])).unwrap();
    });
    stays_because(&scan, "x", &["cached-reader"]);
    goes(&scan, IDLE);
}
