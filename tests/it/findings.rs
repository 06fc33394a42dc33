//! Findings, each kind as a table of small worlds: one that a naive rule gets wrong, one that must stay silent, and one on
//! each side of its threshold.

mod absent;
mod change;
mod failing;
mod inventory;
mod network;
mod reach;
mod rotation;

use std::fs;
use std::path::Path;

use crate::world::{Call, Scan, Secret, World, denied, get, idle, program};

/// One case of a kind of finding: what it shows, a secret with its calls, and whether the finding is there.
type Case = (&'static str, Secret, Vec<Call>, bool);

/// Scans the secrets of all cases together, and compares for each whether it has a finding of this code.
fn check(code: &str, policy: &str, cases: Vec<Case>) -> Scan {
    let mut world = World::new()
        .logging(crate::world::ACCOUNT, crate::world::WEST)
        .policy(policy);
    for (_, secret, calls, _) in &cases {
        world = world.secret(secret.clone()).calls(calls.clone());
    }
    let scan = world.scan();
    for (what, secret, _, expected) in cases {
        let all = scan.findings(code);
        let own: Vec<_> = all
            .iter()
            .filter(|row| row["arn"] == secret.arn())
            .collect();
        assert_eq!(
            !own.is_empty(),
            expected,
            "{code}: {what}: {} {own:#?}",
            secret.name
        );
        assert!(own.len() < 2, "{code}: {what} is said once: {own:#?}");
    }
    scan
}

/// The policy that reports a kind that is off by default.
fn on(code: &str) -> String {
    format!("[findings]\non = [\"{code}\"]\n")
}

/// A world with one idle secret, `db`.
fn world() -> World {
    World::new().secret(idle("db"))
}

#[test]
fn the_readme_has_the_tables_that_the_program_prints() {
    let output = program(Path::new("."), &["rules", "--format", "markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let tables: Vec<_> = text.trim_end().split("\n\n").collect();
    assert_eq!(tables.len(), 2);
    for table in tables {
        let header = table.lines().next().unwrap();
        assert!(readme.contains(&format!("\n\n{table}\n\n")), "{header}");
    }
}

#[test]
fn a_severity_fails_the_scan_where_a_finding_is_as_severe() {
    let missing = || world().call(get("nothing").error("ResourceNotFoundException", "can't find"));
    let refused = || world().call(denied("GetSecretValue", "db", "because"));
    for (world, word, code) in [
        (missing(), "high", 0),
        (missing(), "medium", 4),
        (missing(), "low", 4),
        (refused(), "high", 4),
        (refused(), "medium", 4),
        (world(), "low", 0),
    ] {
        let scan = world.args(&["--fail-on", word]).scan();
        assert_eq!(scan.code, code, "{word}: {}", scan.report["findings"]);
    }
}

#[test]
fn a_muted_finding_stays_in_the_report_and_counts_nowhere() {
    let muted = |until: &str| {
        world()
            .call(denied("GetSecretValue", "db", "because"))
            .policy(&format!(
                "[[mute]]\ncode = \"failing-reads\"\nname = \"d*\"\nreason = \"=known\"\nuntil = \"{until}\"\n\
                 [[mute]]\ncode = \"hot-loop\"\nreason = \"none\"",
            ))
            .args(&["--fail-on", "failing-reads"])
            .scan()
    };
    let scan = muted("2026-11-01");
    assert_eq!(scan.code, 0);
    assert_eq!(scan.findings("failing-reads")[0]["muted"], "=known");
    assert_eq!(scan.csv("findings.csv")[0]["muted"], "'=known");
    assert!(!scan.stdout.contains("failing-reads"), "{}", scan.stdout);
    let said = scan.report["assumptions"].to_string();
    assert!(said.contains("The mute of `hot-loop` fits no finding"));
    assert!(said.contains("1 finding is muted by the policy file"));

    let scan = muted("2026-10-31");
    assert_eq!(scan.code, 4);
    assert!(scan.findings("failing-reads")[0].get("muted").is_none());
    let expired = scan.findings("expired-mute");
    let text = expired[0]["text"].as_str().unwrap();
    assert!(text.contains("`failing-reads` for `d*` ended on 2026-10-31"));
}
