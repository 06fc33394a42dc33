//! Reading trails: whatever the file looks like, the sink hears what a full parse would tell it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::event::EventSink as _;
use secretsweep::domain::trail::ledger::{Ledger, LedgerBounds};
use secretsweep::domain::trail::record::{self, Contents, RecordReader, TrailOwner};
use secretsweep::files::cache::Cache;
use secretsweep::files::logs;
use serde_json::Value;

use super::reference_reader::{Told, parsed_whole};
use crate::world::gzip;

mod cache;
mod cached_ledger;
pub mod forms;

#[path = "../bench/generate.rs"]
pub mod generate;

use generate::{Dice, Spec, Style, restyled};

pub const STYLES: [Style; 5] = [
    Style::Compact,
    Style::Spaced,
    Style::Pretty,
    Style::Sorted,
    Style::Escaped,
];

pub const SCOPE: TrailOwner<'static> = TrailOwner {
    account: "111122223333",
    region: "eu-west-1",
};

pub fn below(dice: &mut Dice, end: usize) -> usize {
    dice.below(u32::try_from(end).unwrap()) as usize
}

pub fn told(bytes: &[u8], scope: Option<TrailOwner<'_>>) -> (Told, Contents) {
    let mut sink = Told::default();
    let contents = record::read(bytes, scope, &mut sink);
    (sink, contents)
}

/// A small trail full of traps, as one file's records.
pub fn records(seed: u64) -> String {
    let spec = Spec {
        seed,
        files: 4,
        records: 25,
        ours: 300,
        uses: 700,
        traps: 400,
        secrets: 9,
        days: 2,
        again: 0,
        sessions: 0,
    };
    let files: Vec<String> = generate::files(&spec).map(|file| file.json).collect();
    let inside: Vec<&str> = files
        .iter()
        .map(|json| &json["{\"Records\":[".len()..json.len() - 2])
        .collect();
    inside.join(",")
}

pub fn shapes(records: &str) -> Vec<(&'static str, String)> {
    let entries: Vec<Value> = serde_json::from_str(&format!("[{records}]")).unwrap();
    let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
    let lookup: Vec<Value> = entries
        .iter()
        .map(|entry| serde_json::json!({"EventId": entry["eventID"], "EventTime": 1.5, "Username": "x", "CloudTrailEvent": entry.to_string(), "Resources": []}))
        .collect();
    let half = entries.len() / 2;
    let part = |entries: &[Value]| serde_json::json!({ "Records": entries }).to_string();
    vec![
        ("records", format!("{{\"Records\":[{records}]}}")),
        (
            "keys before and after",
            format!(
                "{{\"a\":{{\"Records\":[1]}},\"b\":\"]}}\",\"Records\":[{records}],\"c\":[{{}}],\"d\":null}}"
            ),
        ),
        ("array", format!("[{records}]")),
        ("one event", entries[0].to_string()),
        ("lines of events", lines.join("\n")),
        (
            "lines of records",
            format!("{}\n{}\r\n", part(&entries[..half]), part(&entries[half..])),
        ),
        (
            "lookup",
            serde_json::json!({ "Events": lookup, "NextToken": null }).to_string(),
        ),
        (
            "byte order mark",
            format!("\u{feff}{{\"Records\":[{records}]}}\n"),
        ),
        ("empty", "{\"Records\":[]}".to_owned()),
    ]
}

#[test]
fn every_style_and_shape_tells_what_a_full_parse_tells() {
    for seed in 0..2 {
        let records = records(seed);
        for (shape, text) in shapes(&records) {
            for style in STYLES {
                if style != Style::Compact && shape.starts_with("lines")
                    || style == Style::Sorted && shape == "byte order mark"
                {
                    continue;
                }
                let text = restyled(&text, style);
                for scope in [None, Some(SCOPE)] {
                    let (found, contents) = told(text.as_bytes(), scope);
                    assert_eq!(
                        Some(found),
                        parsed_whole(text.as_bytes(), scope).map(|answer| answer.told),
                        "{shape} {style:?} {scope:?}"
                    );
                    assert_eq!(
                        (contents.unreadable, contents.trouble),
                        (0, None),
                        "{shape} {style:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn windows_of_any_size_change_nothing() {
    let records = records(7);
    for (shape, text) in shapes(&records) {
        let (whole, contents) = told(text.as_bytes(), Some(SCOPE));
        let mut dice = Dice::new(3);
        for widest in [40_u32, 700, 9_000] {
            let (mut sink, mut reader, mut held) =
                (Told::default(), RecordReader::new(Some(SCOPE)), Vec::new());
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                let (next, others) =
                    rest.split_at((1 + dice.below(widest) as usize).min(rest.len()));
                held.extend_from_slice(next);
                rest = others;
                let taken = reader.take(&held, &mut sink);
                held.drain(..taken);
            }
            assert_eq!(
                reader.finish(&held, &mut sink),
                contents,
                "{shape} {widest}"
            );
            assert_eq!(sink, whole, "{shape} {widest}");
        }
    }
}

#[test]
fn what_is_no_trail_is_named() {
    for (text, trouble) in [
        ("", "is empty"),
        ("  \n", "is empty"),
        (
            "Dear reader, this is a note.",
            "holds no CloudTrail records",
        ),
        ("{\"logFiles\":[]}", "holds no CloudTrail records"),
        ("{\"Records\":null}", "holds no CloudTrail records"),
        ("{\"Records\":[", "ends in the middle"),
        ("{\"Records\":[]", "ends in the middle"),
        ("{\"Records\":[}]", "no JSON"),
        ("{\"Records\":[]} and more", "holds no CloudTrail records"),
        ("[1,]", "no JSON"),
        ("7", "holds no CloudTrail records"),
    ] {
        let (found, contents) = told(text.as_bytes(), Some(SCOPE));
        assert_eq!(found, Told::default(), "{text}");
        assert!(
            contents
                .trouble
                .as_deref()
                .unwrap_or_default()
                .contains(trouble),
            "{text}: {contents:?}"
        );
    }
}

#[test]
fn a_record_without_a_readable_time_is_counted_and_the_others_are_told() {
    let odd = r#"null, 7, "text", [], {}, {"eventTime":7}, {"eventTime":"soon","eventSource":"secretsmanager.amazonaws.com"}"#;
    let text = format!("{{\"Records\":[{odd},{}]}}", records(1));
    let (found, contents) = told(text.as_bytes(), None);
    assert_eq!(contents.unreadable, 7);
    assert_eq!(contents.trouble, None);
    let (whole, _) = told(format!("[{}]", records(1)).as_bytes(), None);
    assert_eq!(found, whole);
}

#[test]
fn a_file_cut_anywhere_tells_every_whole_record_before_the_cut() {
    let text = format!("{{\"Records\":[{}]}}", records(5));
    let ends: Vec<usize> = serde_json::from_str::<Value>(&text).unwrap()["Records"]
        .as_array()
        .unwrap()
        .iter()
        .scan("{\"Records\":[".len(), |at, _| {
            let mut record = serde_json::Deserializer::from_str(&text[*at..])
                .into_iter::<serde::de::IgnoredAny>();
            record.next().unwrap().unwrap();
            *at += record.byte_offset() + 1;
            Some(*at - 1)
        })
        .collect();
    let mut dice = Dice::new(9);
    for _ in 0..60 {
        let cut = below(&mut dice, text.len() - 1);
        let text = &text[..text.floor_char_boundary(cut)];
        let (_, contents) = told(text.as_bytes(), None);
        assert_eq!(
            contents.records,
            ends.iter().filter(|end| **end <= text.len()).count() as u64,
            "cut at {cut}"
        );
        assert!(contents.trouble.is_some());
    }
}

#[test]
fn times_of_every_form_and_words_for_truth_are_understood() {
    let record = |time: &str, read_only: &str| {
        format!(
            r#"{{"eventTime":"{time}","eventSource":"secretsmanager.amazonaws.com","eventID":"{time}","readOnly":{read_only},"awsRegion":"r-1","managementEvent":true}}"#
        )
    };
    let text = [
        record("2024-10-17T21:48:45Z", "true"),
        record("2024-10-18 21:48:45.000000000", "\"true\""),
        record("2024-10-19T21:48:45.710Z", "false"),
        record("2024-10-21T01:48:45+05:00", "\"false\""),
    ]
    .join("\n");
    let (found, _) = told(text.as_bytes(), None);
    assert_eq!(
        Some(&found),
        parsed_whole(text.as_bytes(), None)
            .map(|answer| answer.told)
            .as_ref()
    );
    assert_eq!(found.hours.len(), 4);
    assert_eq!(found.read_only_days.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = told(&bytes, Some(SCOPE));
    }

    #[test]
    fn random_marks_never_panic(text in "[{}\\[\\]\",:\\\\ a0eRcordsvntTim]{0,200}") {
        let _ = told(text.as_bytes(), None);
        let _ = told(format!("{{\"Records\":[{text}").as_bytes(), None);
        let _ = told(format!("{{\"Records\":[{{{text}").as_bytes(), None);
    }
}

/// Bounded, seeded fuzzing: bytes flipped, dropped and doubled must not panic, and as long as the result is a trail,
/// it is told as a full parse tells it.
#[test]
fn damaged_bytes_never_panic_and_what_is_still_a_trail_is_told_rightly() {
    let mut dice = Dice::new(17);
    let mut trails = 0;
    for seed in 0..20 {
        let text = records(seed);
        let end = text[..6_000].rfind(",{\"eventVersion\"").unwrap();
        let text = format!("{{\"Records\":[{}]}}", &text[..end]).into_bytes();
        for _ in 0..150 {
            let mut bytes = text.clone();
            for _ in 0..=dice.below(3) {
                let place = below(&mut dice, bytes.len());
                match dice.below(5) {
                    0 => bytes[place] = dice.roll().to_le_bytes()[0],
                    1 => bytes[place] = b"{}[]\",:\\"[dice.below(8) as usize],
                    2 => bytes[place] ^= 1,
                    3 => {
                        bytes.remove(place);
                    }
                    _ => bytes.insert(place, bytes[place]),
                }
            }
            let (found, contents) = told(&bytes, Some(SCOPE));
            let whole = parsed_whole(&bytes, Some(SCOPE));
            if let (Some(whole), None) = (whole, contents.trouble) {
                assert_eq!(found, whole.told, "{}", String::from_utf8_lossy(&bytes));
                trails += 1;
            }
        }
    }
    assert!(
        trails > 300,
        "only {trails} of the damaged files were still trails"
    );
}

pub fn put(base: &Path, path: &str, bytes: &[u8]) {
    let path = base.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn read_all(roots: &[PathBuf], threads: usize) -> (Told, logs::TrailReading) {
    read_with(roots, threads, None)
}

fn read_with(
    roots: &[PathBuf],
    threads: usize,
    cache: Option<&Cache>,
) -> (Told, logs::TrailReading) {
    let ask = logs::LogRequest {
        roots,
        span: 0..i64::MAX / 2,
        threads,
        cache,
    };
    let (sinks, reading) = logs::read(&ask, Told::default, None);
    let mut all = Told::default();
    for sink in sinks {
        for (event, count) in sink.events {
            *all.events.entry(event).or_default() += count;
        }
        all.hours.extend(sink.hours);
        all.read_only_days.extend(sink.read_only_days);
        for ((account, region), variety) in &sink.varieties {
            all.variety(account, region, variety);
        }
    }
    (all, reading)
}

#[test]
fn a_trail_on_disk_is_read_once_by_any_number_of_threads() {
    let folder = crate::scratch::tempdir().unwrap();
    let spec = Spec {
        seed: 3,
        files: 12,
        records: 15,
        ours: 200,
        uses: 700,
        traps: 200,
        secrets: 5,
        days: 3,
        again: 0,
        sessions: 0,
    };
    let mut expected = Told::default();
    for (number, file) in generate::files(&spec).enumerate() {
        let bytes = match number % 3 {
            0 => file.json.clone().into_bytes(),
            1 => gzip(file.json.as_bytes()),
            _ => {
                let (head, tail) = file.json.as_bytes().split_at(file.json.len() / 2);
                [gzip(head), gzip(tail)].concat()
            }
        };
        put(folder.path(), &file.path, &bytes);
        let (account, region) = (&file.path[8..20], file.path.split('/').nth(3).unwrap());
        let answer =
            parsed_whole(file.json.as_bytes(), Some(TrailOwner { account, region })).unwrap();
        let told = answer.told;
        expected.events.extend(told.events);
        expected.hours.extend(told.hours);
        expected.read_only_days.extend(told.read_only_days);
        for ((account, region), variety) in &told.varieties {
            expected.variety(account, region, variety);
        }
    }
    for threads in [1, 3] {
        let (found, reading) = read_all(
            &[folder.path().to_owned(), folder.path().join("AWSLogs")],
            threads,
        );
        assert_eq!(found, expected);
        assert_eq!(
            (
                reading.files_read,
                reading.multi_member,
                reading.troubles.len()
            ),
            (12, 4, 0)
        );
        assert_eq!(
            reading.ours,
            u64::from(expected.events.values().sum::<u32>())
        );
    }
}

#[test]
fn large_files_are_read_window_by_window() {
    let folder = crate::scratch::tempdir().unwrap();
    let one = records(2);
    let times = 26_000_000 / one.len();
    let text = format!("{{\"Records\":[{}]}}", vec![one.as_str(); times].join(","));
    put(folder.path(), "a.json", text.as_bytes());
    put(folder.path(), "b.json.gz", &gzip(text.as_bytes()));
    let (found, reading) = read_all(&[folder.path().to_owned()], 1);
    assert_eq!(reading.troubles, []);
    assert_eq!(reading.bytes_inflated, 2 * text.len() as u64);
    let (mut small, contents) = told(format!("[{one}]").as_bytes(), None);
    small
        .events
        .values_mut()
        .for_each(|count| *count *= 2 * u32::try_from(times).unwrap());
    assert_eq!(found, small);
    assert_eq!(reading.records, contents.records * 2 * times as u64);
}

#[test]
fn damaged_and_foreign_files_are_named_and_their_whole_records_counted() {
    let folder = crate::scratch::tempdir().unwrap();
    let text = format!("{{\"Records\":[{}]}}", records(4));
    let packed = gzip(text.as_bytes());
    put(
        folder.path(),
        "cut.json.gz",
        &packed[..packed.len() * 2 / 3],
    );
    put(
        folder.path(),
        "trailed.json.gz",
        &[&packed[..], b"\0\0garbage"].concat(),
    );
    let mut wrong_sum = packed.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    put(folder.path(), "wrong-sum.json.gz", &wrong_sum);
    put(folder.path(), "not-gzip.json.gz", text.as_bytes());
    put(folder.path(), "README.txt", b"About this folder");
    put(folder.path(), ".DS_Store", b"x");
    put(folder.path(), "whole.json.gz", &packed);
    let (_, contents) = told(text.as_bytes(), None);

    let (_, reading) = read_all(&[folder.path().to_owned(), folder.path().join("gone")], 2);
    let named: Vec<_> = reading
        .troubles
        .iter()
        .map(|trouble| trouble.path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "README.txt",
            "cut.json.gz",
            "gone",
            "trailed.json.gz",
            "wrong-sum.json.gz"
        ]
    );
    // Four files give all of their records, and the one that is cut gives some.
    assert!(
        reading.records > contents.records * 4 && reading.records < contents.records * 5,
        "{reading:?}"
    );
}

#[test]
fn other_days_and_digests_are_not_opened() {
    let folder = crate::scratch::tempdir().unwrap();
    let account = "AWSLogs/111122223333";
    for day in 1..=9 {
        put(
            folder.path(),
            &format!("{account}/CloudTrail/us-east-1/2026/10/0{day}/x.json"),
            b"{\"Records\":[]}",
        );
    }
    put(
        folder.path(),
        &format!("{account}/CloudTrail-Digest/us-east-1/2026/10/04/x.json"),
        b"?",
    );
    put(
        folder.path(),
        &format!("{account}/CloudTrail-Insight/us-east-1/2026/10/04/x.json"),
        b"?",
    );
    let day = |number: i64| generate::START + (number - 1) * 86_400;
    let told = std::sync::Mutex::new(Vec::new());
    let (_, reading) = logs::read(
        &logs::LogRequest {
            roots: &[folder.path().to_owned()],
            span: day(3)..day(5),
            threads: 1,
            cache: None,
        },
        Told::default,
        Some(&logs::Watcher {
            patience: Duration::ZERO,
            on_progress: &|progress| told.lock().unwrap().push(progress),
        }),
    );
    // The 3rd and 4th, the 5th because the window ends there, and the 6th because delivery is late.
    assert_eq!(
        (
            reading.files_read,
            reading.skipped_by_date,
            reading.skipped_digests
        ),
        (4, 5, 2)
    );
    assert_eq!(reading.troubles, []);
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 4);
    assert_eq!(
        (told[3].bytes_done, told[3].bytes_total),
        (56, Some(56)),
        "{told:?}"
    );
    // Folders without files of the trail count as much as those with some.
    let is_about_right = |total: u64| (56 / 2..=56 * 2).contains(&total);
    assert!(
        told.iter()
            .all(|progress| progress.bytes_total.is_some_and(is_about_right)),
        "{told:?}"
    );
}

#[test]
fn copies_in_a_second_trail_are_found_although_ids_are_forgotten_after_days() {
    let folder = crate::scratch::tempdir().unwrap();
    let spec = Spec {
        files: 120,
        records: 20,
        ours: 400,
        uses: 700,
        ..Spec::default()
    };
    let roots = ["one", "two"].map(|name| folder.path().join(name));
    for file in generate::files(&spec) {
        for root in &roots {
            put(root, &file.path, &gzip(file.json.as_bytes()));
        }
    }
    let all_time = LedgerBounds {
        from: 0,
        window_from: 0,
        to: i64::MAX / 2,
    };
    let count = |roots: &[PathBuf]| {
        let seen = Arc::new(Deduplicator::default());
        let new = || Ledger::new(all_time, Arc::clone(&seen));
        let ask = logs::LogRequest {
            roots,
            span: 0..i64::MAX / 2,
            threads: 2,
            cache: None,
        };
        let (ledgers, reading) = logs::read(&ask, new, None);
        let mut all = new();
        for ledger in ledgers {
            all.merge(ledger);
        }
        (
            all.duplicates,
            all.late,
            all.into_accesses().0,
            reading.ours,
        )
    };
    let (none, late, once, ours) = count(&roots[..1]);
    assert_eq!((none, late), (0, 0));
    let (copies, late, twice, all) = count(&roots);
    assert_eq!((copies, late, all), (ours, 0, 2 * ours));
    assert!(ours > 500, "{ours}");
    assert_eq!(once, twice);
}
