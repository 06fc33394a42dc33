//! A whole organization, scanned once by the real program, while parts of it cannot be read.
//!
//! How long that takes, and in how much memory, is the bench `live`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::world::large::{DEAD, DENIED, Large, REGIONS, ROLE, THROTTLED, three_faults};
use crate::aws::{Aws, Fault, World};
use crate::run_result::Outcome;

const SIZE: Large = Large {
    accounts: 12,
    regions: &REGIONS,
    secrets: 300,
};

/// One run of the program and what it left behind.
struct Run {
    aws: Aws,
    outcome: Outcome,
}

/// Scans the organization with one Region denied, one without an endpoint, and one that is throttled as the caller says.
fn scan(throttle: Fault, variables: &[(&str, &str)]) -> Run {
    let world = SIZE.world(Timestamp::now());
    let world = three_faults(throttle).into_iter().fold(world, World::fault);
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    let command = aws.on(command
        .args(["scan", "--organization", "--role-name", ROLE])
        .args(["--lookup-pace", "0", "--out"])
        .arg(folder.path().join("report")));
    let command = command.envs(variables.iter().copied());
    let outcome = Outcome::of(command, &folder.path().join("report"));
    Run { aws, outcome }
}

impl Run {
    /// Asserts that these are the gaps: account, Region, and words of the reason.
    fn has_gaps(&self, expected: &[((u64, &str), &str)]) {
        let word = |gap: &Value, key: &str| gap[key].as_str().unwrap_or_default().to_owned();
        let gaps = self.outcome.report["gaps"].as_array().unwrap();
        assert_eq!(gaps.len(), expected.len(), "{gaps:#?}");
        for ((place, region), why) in expected {
            let account = Large::account(*place);
            let fits = |gap: &&Value| {
                word(gap, "account") == account
                    && word(gap, "region") == *region
                    && word(gap, "source") == "secretsmanager:ListSecrets"
                    && word(gap, "why").contains(why)
            };
            assert!(
                gaps.iter().any(|gap| fits(&gap)),
                "{account} {region}: {gaps:#?}"
            );
        }
        // They are said, not only written.
        let summary = self.outcome.printed();
        for ((place, region), _) in expected {
            let account = Large::account(*place);
            assert!(
                summary
                    .lines()
                    .any(|line| line.contains(&account) && line.contains(region)),
                "{summary}"
            );
        }
    }

    /// Asserts that so many accounts and Regions were read, and that every number in them is right.
    fn has_right_numbers_of(&self, scopes: u64) {
        let totals = &self.outcome.report["totals"];
        let (used, all) = (SIZE.used(), SIZE.secrets);
        assert_eq!(totals["secrets"], scopes * all, "{}", self.outcome.said());
        assert_eq!(
            totals["verdicts"],
            json!({ "keep": scopes * used, "delete": scopes * (all - used) })
        );
        let micros = scopes * all * 400_000;
        let storage = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        assert_eq!(totals["storage_usd"], storage);
        let mut reads: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for row in self.outcome.report["secrets"].as_array().unwrap() {
            let word = |key: &str| row[key].as_str().unwrap();
            let scope = (word("account"), word("region"));
            *reads.entry(scope).or_default() += row["reads"].as_u64().unwrap();
        }
        assert_eq!(reads.len() as u64, scopes);
        // A read a day and a window of 30 days; one read lies on its edge.
        assert!(
            reads.values().all(|reads| [29, 30].contains(reads)),
            "{reads:?}"
        );
    }

    /// Returns how often an operation was asked for, by account and Region.
    fn calls(&self, service: &str, op: &str) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for call in self.aws.calls_of(service, op) {
            *counts.entry((call.account, call.region)).or_default() += 1;
        }
        counts
    }

    /// Asserts that where nothing went wrong, nothing was asked for twice, and no secret alone.
    fn asked_no_more_than_needed(&self) {
        let sick = [DENIED, THROTTLED, DEAD]
            .map(|(place, region)| (Large::account(place), region.to_owned()));
        let mut pages = self.calls("secretsmanager", "ListSecrets");
        assert_eq!(pages[&sick[0]], 1, "a refusal is not asked for again");
        pages.retain(|scope, _| !sick.contains(scope));
        assert_eq!(pages.len(), 57);
        assert_eq!(
            pages.into_values().collect::<BTreeSet<_>>(),
            BTreeSet::from([3])
        );
        let mut lookups = self.calls("cloudtrail", "LookupEvents");
        lookups.retain(|scope, _| !sick.contains(scope));
        assert_eq!(lookups.len(), 57);
        assert_eq!(
            lookups.into_values().collect::<BTreeSet<_>>(),
            BTreeSet::from([2])
        );
        for (service, op, count) in [
            ("secretsmanager", "DescribeSecret", 0),
            ("secretsmanager", "ListSecretVersionIds", 0),
            ("sts", "AssumeRole", 11),
            ("sts", "GetCallerIdentity", 1),
            ("account", "ListRegions", 12),
            ("organizations", "ListAccounts", 1),
        ] {
            assert_eq!(self.aws.calls_of(service, op).len(), count, "{op}");
        }
    }
}

#[test]
fn ten_seconds_of_throttling_cost_patience_and_no_number() {
    let run = scan(Fault::throttle().during(Duration::from_secs(10)), &[]);
    assert_eq!(run.outcome.code(), Some(3), "{}", run.outcome.said());
    run.has_right_numbers_of(58);
    run.has_gaps(&[(DENIED, "not authorized"), (DEAD, "no answer")]);
    run.asked_no_more_than_needed();
}

#[test]
fn a_region_throttled_beyond_the_patience_is_a_third_gap() {
    let run = scan(Fault::throttle(), &[("AWS_MAX_ATTEMPTS", "2")]);
    assert_eq!(run.outcome.code(), Some(3), "{}", run.outcome.said());
    run.has_right_numbers_of(57);
    run.has_gaps(&[
        (DENIED, "not authorized"),
        (THROTTLED, "throttled"),
        (DEAD, "no answer"),
    ]);
    run.asked_no_more_than_needed();
    let pages = run.calls("secretsmanager", "ListSecrets");
    for (place, region) in [THROTTLED, DEAD] {
        let scope = (Large::account(place), region.to_owned());
        assert_eq!(
            pages[&scope], 2,
            "{region}: as many attempts as were allowed"
        );
    }
}
