//! A whole organization, scanned once by the real program, while parts of it cannot be read.
//!
//! How long that takes, and in how much memory, is the bench `live`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::world::large::{Large, READS, ROLE};
use crate::aws::{Aws, Fault};

const REGIONS: [&str; 5] = [
    "us-east-1",
    "eu-west-1",
    "eu-central-1",
    "ap-south-1",
    "us-west-2",
];

const SIZE: Large = Large {
    accounts: 12,
    regions: &REGIONS,
    secrets: 300,
};

/// Where what goes wrong: the place of the account, and the Region.
const DENIED: (u64, &str) = (3, "eu-west-1");
const THROTTLED: (u64, &str) = (5, "eu-central-1");
const DEAD: (u64, &str) = (7, "ap-south-1");

/// One run of the program and what it left behind.
struct Run {
    aws: Aws,
    code: Option<i32>,
    said: String,
    report: Value,
}

/// Scans the organization with one Region denied, one without an endpoint, and one that is throttled as the caller says.
fn scan(throttle: Fault, variables: &[(&str, &str)]) -> Run {
    let at = |fault: Fault, (place, region): (u64, &str)| {
        fault.account(&Large::account(place)).region(region)
    };
    let world = SIZE
        .world(Timestamp::now())
        .fault(at(Fault::denied(), DENIED))
        .fault(at(throttle, THROTTLED))
        .fault(at(Fault::reset_before(), DEAD));
    let aws = Aws::start(world);
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let command = aws.on(command
        .args(["scan", "--organization", "--role-name", ROLE])
        .args(["--lookup-pace", "0", "--out"])
        .arg(folder.path().join("report")));
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let report = std::fs::read(folder.path().join("report/report.json"));
    Run {
        aws,
        code: output.status.code(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
        report: report.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap()),
    }
}

impl Run {
    /// The gaps as account, Region and reason, sorted.
    fn gaps(&self) -> Vec<(String, String, String)> {
        let word = |gap: &Value, key: &str| gap[key].as_str().unwrap_or_default().to_owned();
        let gaps = self.report["gaps"].as_array().unwrap().iter();
        let mut gaps: Vec<_> = gaps
            .map(|gap| (word(gap, "account"), word(gap, "region"), word(gap, "why")))
            .collect();
        gaps.sort();
        gaps
    }

    /// Asserts that so many accounts and Regions were read, and that every number in them is right.
    fn has_right_numbers_of(&self, scopes: u64) {
        let totals = &self.report["totals"];
        let (used, all) = (SIZE.used(), SIZE.secrets);
        assert_eq!(totals["secrets"], scopes * all, "{}", self.said);
        assert_eq!(
            totals["verdicts"],
            json!({ "keep": scopes * used, "delete": scopes * (all - used) })
        );
        let micros = scopes * all * 400_000;
        let storage = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        assert_eq!(totals["storage_usd"], storage);
        let rows = self.report["secrets"].as_array().unwrap();
        let mut reads: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for row in rows {
            let scope = (row["account"].as_str().unwrap(), row["region"].as_str().unwrap());
            *reads.entry(scope).or_default() += row["readers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reader| reader["reads"].as_i64().unwrap())
                .sum::<i64>();
        }
        // The window is 30 days, and there was a read at this time of each day; the first one lies on its edge.
        let reads: BTreeSet<i64> = reads.into_values().collect();
        assert!(reads.is_subset(&BTreeSet::from([29, 30])), "{reads:?} of {READS}");
    }

    /// How often an operation was asked for in one account and Region.
    fn calls(&self, service: &str, op: &str, (place, region): (u64, &str)) -> usize {
        let calls = self.aws.calls_of(service, op).into_iter();
        calls
            .filter(|call| call.account == Large::account(place) && call.region == region)
            .count()
    }
}

#[test]
fn ten_seconds_of_throttling_cost_patience_and_no_number() {
    let run = scan(Fault::throttle().during(Duration::from_secs(10)), &[]);
    assert_eq!(run.code, Some(3), "{}", run.said);
    run.has_right_numbers_of(58);
    let gaps = run.gaps();
    let places: Vec<(&str, &str)> = gaps
        .iter()
        .map(|(account, region, _)| (account.as_str(), region.as_str()))
        .collect();
    let place = |(place, region): (u64, &'static str)| (Large::account(place), region);
    let (denied, dead) = (place(DENIED), place(DEAD));
    assert_eq!(
        places,
        [(denied.0.as_str(), denied.1), (dead.0.as_str(), dead.1)],
        "{gaps:?}"
    );
}
