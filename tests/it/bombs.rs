//! Files that are small and mean much: each ends in a named gap or in an error that names it, at once and in little memory.
//!
//! A gzip file may have 10 GB in 10 MB, and a sparse file any number of zeros, so the usual tests take the real sizes of
//! most of them. Where a file must be written out, they take a smaller one that reaches the same bound; with
//! `SECRETSWEEP_HEAVY=1` it is the real one.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::limits;
use crate::world::*;

/// What a file is made of: parts, each of them so many times.
struct Bomb {
    parts: Vec<(Vec<u8>, usize)>,
    packed: bool,
}

const MEGABYTE: usize = 1 << 20;

/// 10 GB of zeros in a gzip file.
fn zeros() -> Bomb {
    Bomb {
        parts: vec![(vec![0; MEGABYTE], 10_000)],
        packed: true,
    }
}

/// Something that begins well, and goes on for 2 GB.
fn endless(begin: &str, unit: &str) -> Bomb {
    Bomb {
        parts: vec![
            (begin.as_bytes().to_vec(), 1),
            (unit.repeat(MEGABYTE / unit.len()).into_bytes(), 2_048),
        ],
        packed: true,
    }
}

/// The same, not packed. 4 MB of it are enough for the bound.
fn endless_unpacked(begin: &str, unit: &str) -> Bomb {
    let mut bomb = endless(begin, unit);
    bomb.packed = false;
    bomb.parts[1].1 = if is_heavy() { 2_048 } else { 4 };
    bomb
}

fn is_heavy() -> bool {
    std::env::var_os("SECRETSWEEP_HEAVY").is_some()
}

/// A million levels.
fn nested(begin: &str, level: &str) -> Bomb {
    Bomb {
        parts: vec![
            (begin.as_bytes().to_vec(), 1),
            (level.as_bytes().to_vec(), 1_000_000),
        ],
        packed: false,
    }
}

impl Bomb {
    fn write(&self, path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = BufWriter::new(File::create(path).unwrap());
        for (part, times) in &self.parts {
            let bytes = if self.packed {
                gzip(part)
            } else {
                part.clone()
            };
            for _ in 0..*times {
                file.write_all(&bytes).unwrap();
            }
        }
        file.flush().unwrap();
    }
}

/// A file of zeros that takes no place on the disk.
fn sparse(path: &Path, bytes: u64) {
    File::create(path).unwrap().set_len(bytes).unwrap();
}

/// The program says what is wrong with this file, in one of its gaps or as its error.
fn is_named(folder: &Path, name: &str, args: &[&str], words: &str) {
    let ended = limits::run(folder, args).unwrap_or_else(|why| panic!("{name} {args:?}: {why}"));
    let report = folder.join("out/report.json");
    let report = std::fs::read(&report).unwrap_or_default();
    let said = format!("{} {}", ended.said, String::from_utf8_lossy(&report));
    assert!([1, 3].contains(&ended.code), "{name} {args:?}: {ended:?}");
    let file = name.rsplit('/').next().unwrap();
    assert!(said.contains(file), "{name}: {}", ended.said);
    assert!(said.contains(words), "{words}: {}", ended.said);
    // An error is for people: it does not repeat the file.
    assert!(ended.said.len() < 300_000, "{name}: {}", ended.said.len());
}

const ENTRY: &str =
    r#"{"SecretList":[{"ARN":"arn:aws:secretsmanager:us-east-1:111122223333:secret:x-AbC123","#;

#[test]
fn an_inventory_without_an_end_is_a_gap() {
    let long = "more than 1 MiB";
    for (name, bomb, words) in [
        ("zeros.json.gz", zeros(), "not JSON"),
        ("blanks.json.gz", endless("", " "), long),
        (
            "blanks-behind.json.gz",
            endless("{\"SecretList\":[", " "),
            long,
        ),
        (
            "text.json.gz",
            endless(&format!("{ENTRY}\"Name\":\""), "x"),
            long,
        ),
        ("key.json.gz", endless(&format!("{ENTRY}\""), "x"), long),
        (
            "digits.json.gz",
            endless(&format!("{ENTRY}\"CreatedDate\":"), "1"),
            long,
        ),
        ("line.json.gz", endless("", "x"), "not JSON"),
        ("line.json", endless_unpacked("[\"", "x"), long),
        (
            "tags.json.gz",
            endless(&format!("{ENTRY}\"Tags\":["), r#"{"Key":"k","Value":"v"},"#),
            long,
        ),
        ("fields.json.gz", endless("{", r#""Kind":1,"#), long),
        ("lists.json", nested("", "["), "not the output"),
        ("objects.json", nested("", "{\"a\":"), "recursion limit"),
        (
            "pages.json",
            nested("", "{\"SecretList\":["),
            "recursion limit",
        ),
        (
            "in-an-entry.json",
            nested(&format!("{ENTRY}\"Tags\":"), "["),
            "recursion limit",
        ),
    ] {
        let folder = crate::scratch::tempdir().unwrap();
        let path = format!("inventory/{name}");
        bomb.write(&folder.path().join(&path));
        World::silent().write(folder.path());
        let args = [
            "scan",
            "--inventory",
            "inventory",
            "--no-trail",
            "--now",
            NOW,
            "--out",
            "out",
        ];
        is_named(folder.path(), &path, &args, words);
    }
}

/// Each entry that cannot be read is named, but not a million of them.
#[test]
fn an_inventory_of_nothing_but_bad_entries_names_the_first_of_them() {
    let folder = crate::scratch::tempdir().unwrap();
    let bomb = Bomb {
        parts: vec![
            (b"[{\"ARN\":\"none\"}".to_vec(), 1),
            (b",{\"ARN\":\"none\"}".repeat(1_000), 1_000),
            (b"]".to_vec(), 1),
        ],
        packed: true,
    };
    bomb.write(&folder.path().join("inventory/bad.json.gz"));
    let args = [
        "scan",
        "--inventory",
        "inventory",
        "--no-trail",
        "--now",
        NOW,
        "--out",
        "out",
    ];
    is_named(
        folder.path(),
        "inventory/bad.json.gz",
        &args,
        "999001 more entries",
    );
}

#[test]
fn a_trail_without_an_end_is_a_gap() {
    let record = r#"{"Records":[{"eventSource":"secretsmanager.amazonaws.com","eventName":""#;
    for (name, bomb) in [
        ("zeros.json.gz", zeros()),
        ("blanks.json.gz", endless("{\"Records\":[", " ")),
        ("text.json.gz", endless(record, "x")),
        ("line.json.gz", endless("", "x")),
        ("line.json", endless_unpacked(record, "x")),
        ("lists.json", nested("", "[")),
        ("objects.json", nested("", "{\"a\":")),
        (
            "in-a-record.json",
            nested("{\"Records\":[{\"eventSource\":", "["),
        ),
    ] {
        let folder = crate::scratch::tempdir().unwrap();
        let path = format!("trail/{name}");
        bomb.write(&folder.path().join(&path));
        World::new().secret(idle("db")).write(folder.path());
        let line = format!("scan --inventory inventory --trail trail --now {NOW} --out out");
        let args = words(&line);
        is_named(folder.path(), &path, &args, "");
    }
}

const ROW: &str = "line_item_usage_start_date,line_item_usage_type,line_item_unblended_cost\n2026-10-01T00:00:00Z,";

#[test]
fn a_bill_without_an_end_is_an_error() {
    let scan = World::new().secret(idle("db")).scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    let folder = scan.into_folder();
    let definitions = r#"{"GroupDefinitions":[{"Key":"USAGE_TYPE"}],"#;
    let period = r#""ResultsByTime":[{"TimePeriod":{"Start":""#;
    let groups =
        r#""ResultsByTime":[{"TimePeriod":{"Start":"2026-10-01","End":"2026-10-02"},"Groups":["#;
    let group = r#"{"Keys":["AWSSecretsManager"],"Metrics":{}},"#;
    let long = "more than 1 MiB";
    for (name, bomb, words) in [
        ("zeros.csv.gz", zeros(), long),
        ("row.csv.gz", endless(ROW, "x"), long),
        ("quote.csv.gz", endless(&format!("{ROW}\""), "x\n"), long),
        ("cells.csv.gz", endless(ROW, ","), long),
        ("header.csv.gz", endless("", "cell,"), long),
        ("row.csv", endless_unpacked(ROW, "x"), long),
        (
            "text.json.gz",
            endless(&format!("{definitions}{period}"), "x"),
            long,
        ),
        ("blanks.json.gz", endless(definitions, " "), long),
        (
            "groups.json.gz",
            endless(&format!("{definitions}{groups}"), group),
            "200000",
        ),
        ("lists.json", nested("", "["), "answer of Cost Explorer"),
        (
            "objects.json",
            nested("", "{\"a\":"),
            "answer of Cost Explorer",
        ),
        ("lists.csv", nested("x", "["), "is not a bill"),
    ] {
        bomb.write(&folder.path().join(name));
        is_named(
            folder.path(),
            name,
            &["report", "out", "--bill", name],
            words,
        );
    }
}

#[test]
fn settings_without_an_end_are_an_error() {
    let folder = crate::scratch::tempdir().unwrap();
    World::silent().write(folder.path());
    sparse(&folder.path().join("zeros.toml"), 10 << 30);
    for (name, bomb, words) in [
        ("zeros.toml", None, "more than 1 MiB"),
        ("packed.toml", Some(zeros()), "gzip"),
        (
            "line.toml",
            Some(endless_unpacked("idle = \"", "x")),
            "more than 1 MiB",
        ),
        ("lists.toml", Some(nested("idle = ", "[")), "line 1"),
        (
            "tables.toml",
            Some(nested("idle = ", "{a=")),
            "more than 1 MiB",
        ),
        ("keys.toml", Some(nested("idle", ".a")), "more than 1 MiB"),
        ("short-keys.toml", Some(nested_keys()), "line 1"),
    ] {
        if let Some(bomb) = bomb {
            bomb.write(&folder.path().join(name));
        }
        for option in ["--policy", "--prices"] {
            let args = [
                "scan",
                "--inventory",
                "inventory",
                "--no-trail",
                "--now",
                NOW,
                "--out",
                "out",
                option,
                name,
            ];
            is_named(folder.path(), name, &args, words);
        }
    }
}

/// As many dotted keys as fit into a line.
fn nested_keys() -> Bomb {
    let mut bomb = nested("idle", ".a");
    bomb.parts[1].1 = 500_000;
    bomb
}

#[test]
fn a_plan_or_a_journal_without_an_end_is_an_error() {
    let folder = crate::scratch::tempdir().unwrap();
    let header = "decision,arn,seal,plan_id\n";
    for name in ["zeros.csv", "zeros.jsonl"] {
        sparse(&folder.path().join(name), 10 << 30);
    }
    let long = "more than 1 MiB";
    for (name, bomb, words) in [
        ("zeros.csv", None, long),
        ("packed.csv", Some(zeros()), "gzip"),
        ("line.csv", Some(endless_unpacked(header, "x")), long),
        ("lists.csv", Some(nested("", "[")), "`decision`"),
        (
            "lines.csv",
            Some(nested(header, "x\n")),
            "so many wrong lines",
        ),
        (
            "quote.csv",
            Some(nested(&format!("{header}\""), "x\n")),
            "line 2",
        ),
        ("zeros.jsonl", None, long),
        ("packed-journal.jsonl", Some(zeros()), "gzip"),
        (
            "line-journal.jsonl",
            Some(endless_unpacked("{\"time\":\"", "x")),
            long,
        ),
        ("lists-journal.jsonl", Some(nested("", "[")), "line 1"),
        (
            "objects-journal.jsonl",
            Some(nested("{\"time\":", "[")),
            "line 1",
        ),
    ] {
        if let Some(bomb) = bomb {
            bomb.write(&folder.path().join(name));
        }
        let args: &[&str] = if name.contains(".csv") {
            &["apply", name, "--no-lookup"]
        } else {
            &["status", name]
        };
        is_named(folder.path(), name, args, words);
    }
}

#[test]
fn an_earlier_report_without_an_end_is_an_error() {
    let folder = World::new().secret(idle("db")).scan().into_folder();
    sparse(&folder.path().join("zeros.json"), 10 << 30);
    for (name, bomb, words) in [
        ("zeros.json", None, "more than 1 MiB"),
        ("packed.json", Some(zeros()), "gzip"),
        (
            "text.json",
            Some(endless_unpacked("{\"format\": 1, \"tool\": \"", "x")),
            "more than 1 MiB",
        ),
        ("lists.json", Some(nested("", "[")), ""),
        (
            "objects.json",
            Some(nested("{\"format\": 1, \"tool\": ", "[")),
            "not JSON",
        ),
    ] {
        if let Some(bomb) = bomb {
            bomb.write(&folder.path().join(name));
        }
        for args in [
            &["report", name][..],
            &["compare", name, "out"],
            &["compare", "out", name],
            &["report", "out", "--previous", name],
            &["plan", name],
        ] {
            is_named(folder.path(), name, args, words);
        }
    }
}
