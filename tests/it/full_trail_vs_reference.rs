//! The whole program on a trail with every trap: the report counts what a full parse counts, each event once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::trail::generate::{self, Dice, LogFile, Spec, Style, restyled};
use super::trail::{STYLES, below, put};
use super::world::{gzip, program};

const SPEC: Spec = Spec {
    seed: 11,
    files: 40,
    records: 12,
    ours: 400,
    uses: 700,
    traps: 300,
    secrets: 7,
    days: 20,
    again: 500,
    sessions: 0,
};

/// What both ways count.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    calls: u64,
    /// Successful reads by account, Region and name of the secret.
    reads: BTreeMap<[String; 3], u64>,
    /// Refused and failed reads of all secrets.
    failed: u64,
}

/// Every record parsed, each `eventID` counted once.
fn parsed(files: &[LogFile]) -> Counted {
    let mut counted = Counted::default();
    let mut seen = BTreeSet::new();
    for file in files {
        let document: Value = serde_json::from_str(&file.json).unwrap();
        for record in document["Records"].as_array().unwrap() {
            let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
            let new = seen.insert(text("/eventID").unwrap().to_owned());
            // What the service tells of itself is no call.
            if !new
                || text("/eventSource") != Some("secretsmanager.amazonaws.com")
                || text("/eventType") == Some("AwsServiceEvent")
            {
                continue;
            }
            counted.calls += 1;
            if text("/eventName") != Some("GetSecretValue") {
                continue;
            }
            if text("/errorCode").is_some() {
                counted.failed += 1;
                continue;
            }
            let asked = text("/requestParameters/secretId").unwrap();
            // An ARN ends in a hyphen and six characters.
            let name = asked
                .split_once(":secret:")
                .map_or(asked, |(_, name)| &name[..name.len() - 7]);
            let place = [text("/recipientAccountId"), text("/awsRegion"), Some(name)];
            let place = place.map(|text| text.unwrap().to_owned());
            *counted.reads.entry(place).or_default() += 1;
        }
    }
    counted
}

/// Returns what the report of a scan says.
fn reported(folder: &Path) -> Counted {
    let args = "--quiet scan --allow-partial --window 30d --now 2026-10-31T00:00:00Z --threads 3 \
                --inventory inventory.json --trail trail --out report";
    let run = program(folder, &args.split_whitespace().collect::<Vec<_>>());
    assert!(run.status.success(), "{run:?}");
    let report = fs::read(folder.join("report/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let mut counted = Counted {
        calls: number(&report["totals"]["calls"]),
        failed: number(&report["totals"]["failed"]),
        reads: BTreeMap::new(),
    };
    for secret in report["secrets"].as_array().unwrap() {
        let place =
            ["account", "region", "name"].map(|key| secret[key].as_str().unwrap().to_owned());
        if number(&secret["reads"]) > 0 {
            counted.reads.insert(place, number(&secret["reads"]));
        }
    }
    counted
}

/// Writes an inventory and a trail with every trap into a folder, the files as AWS delivers them.
pub(crate) fn write_traps(folder: &Path) {
    put(
        folder,
        "inventory/inventory.json",
        generate::inventory(&SPEC).as_bytes(),
    );
    for LogFile { path, json } in generate::files(&SPEC) {
        let json = restyled(&json, Style::Compact);
        put(&folder.join("trail"), &path, &gzip(json.as_bytes()));
    }
}

#[test]
fn a_report_counts_what_a_full_parse_counts() {
    let files: Vec<LogFile> = generate::files(&SPEC).collect();
    let expected = parsed(&files);
    assert!(expected.calls > 100 && expected.failed > 5 && expected.reads.len() > 20);
    let mut dice = Dice::new(SPEC.seed);
    for style in STYLES {
        let folder = crate::scratch::tempdir().unwrap();
        put(
            folder.path(),
            "inventory.json",
            generate::inventory(&SPEC).as_bytes(),
        );
        let trail = folder.path().join("trail");
        for LogFile { path, json } in &files {
            let json = restyled(json, style);
            put(&trail, path, &members(json.as_bytes(), style, &mut dice));
        }
        assert_eq!(reported(folder.path()), expected, "{style:?}");
    }
}

/// A file as it is delivered, as it is unpacked, or packed again as two gzip members.
fn members(json: &[u8], style: Style, dice: &mut Dice) -> Vec<u8> {
    match dice.below(10) {
        0..=2 => {
            let (head, tail) = json.split_at(below(dice, json.len()));
            [gzip(head), gzip(tail)].concat()
        }
        3 if style == Style::Compact => json.to_vec(),
        _ => gzip(json),
    }
}
