//! The example organization: what a scan of it says is what its cast is there to show, the same bytes on every run.
//!
//! The files in `reports/demo` are what the demo writes, kept in the repository so that a change of any report shows up
//! as a difference that somebody reads. `UPDATE=1 cargo test demo` writes them again.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use secretsweep::demo::CAST;
use secretsweep::domain::base::finding_kinds::{FINDINGS, FindingKind};
use serde_json::Value;
use tempfile::TempDir;

use crate::run_result::codes;
use crate::world::program;

/// The folder that the README's first command writes.
const DEMO: &str = "secretsweep-demo";

/// The results that do not depend on where they are written.
const RESULTS: &[&str] = &[
    "report.json",
    "secrets.csv",
    "readers.csv",
    "reach.csv",
    "findings.csv",
    "summary.csv",
    "report.html",
];

/// The organization and its scan, made once for all tests.
pub struct Made {
    folder: TempDir,
    stdout: String,
}

pub static MADE: LazyLock<Made> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path(), &["demo", DEMO]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Made {
        folder,
        stdout: String::from_utf8(output.stdout).unwrap(),
    }
});

impl Made {
    /// A file of it.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(DEMO).join(inside)
    }

    fn result(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("report").join(name)).unwrap()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Scans the organization from other files or with other settings.
fn scan(trail: &Path, args: &[&str]) -> TempDir {
    let out = tempfile::tempdir().unwrap();
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (inventory, policy) = (
        text(MADE.path("inventory")),
        text(MADE.path("secretsweep.toml")),
    );
    let iam = text(MADE.path("iam"));
    let mut all = vec![
        "scan",
        "--iam",
        &iam,
        "--inventory",
        &inventory,
        "--trail",
        trail.to_str().unwrap(),
        "--policy",
        &policy,
        "--now",
        "2026-11-01T00:00:00Z",
        "--out",
        "out",
        "--allow-partial",
    ];
    all.extend(args);
    let output = program(out.path(), &all);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}

/// Compares two texts and shows the first line that differs, not a hundred thousand characters.
fn assert_same(name: &str, actual: &str, expected: &str) {
    if actual == expected {
        return;
    }
    let pairs = actual.lines().zip(expected.lines()).enumerate();
    let first = pairs
        .into_iter()
        .find(|(_, (actual, expected))| actual != expected);
    let short = |line: &str| line.chars().take(300).collect::<String>();
    match first {
        Some((number, (actual, expected))) => panic!(
            "{name}, line {}:\n  is       {}\n  expected {}",
            number + 1,
            short(actual),
            short(expected)
        ),
        None => panic!("{name}: one is longer than the other, or ends its lines in another way"),
    }
}

#[test]
fn every_secret_of_the_cast_gets_the_verdict_that_it_shows() {
    let report: Value = serde_json::from_str(&MADE.result("report.json")).unwrap();
    let rows = report["secrets"].as_array().unwrap();
    let mut wrong = Vec::new();
    for cast in CAST {
        let row = rows.iter().find(|row| {
            row["name"] == cast.name
                && row["account"] == cast.account
                && row["region"] == cast.region
        });
        let Some(row) = row else {
            wrong.push(format!("{}: not in the report", cast.name));
            continue;
        };
        let reasons = codes(row);
        if row["verdict"] != cast.verdict || !reasons.iter().any(|code| code == cast.reason) {
            wrong.push(format!(
                "{}: {} {reasons:?}, but {} {} is expected ({})",
                cast.name, row["verdict"], cast.verdict, cast.reason, cast.shows
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(rows.len(), CAST.len(), "and there is no other secret");
}

#[test]
fn every_kind_of_finding_occurs() {
    let report: Value = serde_json::from_str(&MADE.result("report.json")).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let is_found =
        |kind: &&FindingKind| findings.iter().any(|row| row["code"] == kind.code.as_str());
    let missing = FINDINGS.iter().filter(|kind| !is_found(kind));
    let missing: Vec<_> = missing.map(|kind| kind.code.as_str()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn a_scan_of_the_same_files_writes_the_same_bytes_with_any_number_of_threads() {
    for threads in ["1", "4"] {
        let out = scan(&MADE.path("trail"), &["--threads", threads]);
        for name in RESULTS {
            let again = std::fs::read_to_string(out.path().join("out").join(name)).unwrap();
            assert_same(
                &format!("{name} with {threads} threads"),
                &again,
                &MADE.result(name),
            );
        }
    }
}

#[test]
fn a_scan_from_the_cache_writes_the_same_bytes() {
    let cache = tempfile::tempdir().unwrap();
    let args = ["--cache", cache.path().to_str().unwrap()];
    for run in ["the first run", "the second run"] {
        let out = scan(&MADE.path("trail"), &args);
        for name in RESULTS {
            let again = std::fs::read_to_string(out.path().join("out").join(name)).unwrap();
            assert_same(&format!("{name}, {run}"), &again, &MADE.result(name));
        }
    }
    assert!(!below(&cache.path().join("trail")).is_empty());
}

/// Every file below a folder, sorted by its path.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn neither_the_names_nor_the_order_of_the_log_files_change_the_result() {
    let trail = MADE.path("trail");
    let renamed = tempfile::tempdir().unwrap();
    let files = below(&trail);
    // AWS ends a name in sixteen characters that say nothing. Counting them down turns the order within each folder and
    // minute of delivery round, and copying from the last file on turns that of the directory round.
    for (number, from) in files.iter().enumerate().rev() {
        let inside = from.strip_prefix(&trail).unwrap().to_str().unwrap();
        let (start, end) = inside.rsplit_once('_').unwrap();
        let (_, extension) = end.split_once('.').unwrap();
        let unique = (files.len() - number) * 7_919;
        let to = renamed
            .path()
            .join(format!("{start}_{unique:016}.{extension}"));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, &to).unwrap();
    }
    assert_eq!(below(renamed.path()).len(), files.len());
    let out = scan(renamed.path(), &["--threads", "3"]);
    for name in RESULTS {
        let again = std::fs::read_to_string(out.path().join("out").join(name)).unwrap();
        assert_same(name, &again, &MADE.result(name));
    }
}

#[test]
fn the_demo_writes_what_the_repository_shows() {
    let folder = root().join("reports/demo");
    let mut shown = vec![("summary.txt", MADE.stdout.clone())];
    shown.extend(RESULTS.iter().map(|name| (*name, MADE.result(name))));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in shown {
            std::fs::write(folder.join(name), text).unwrap();
        }
        return;
    }
    for (name, text) in shown {
        let golden = std::fs::read_to_string(folder.join(name)).unwrap();
        assert_same(
            &format!("reports/demo/{name} (`UPDATE=1 cargo test demo` writes it)"),
            &text,
            &golden,
        );
    }
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, after) = readme
        .split_once("cargo run -- demo\ncargo test\n```\n")
        .expect("the two commands stand on the first screen");
    let block = after
        .trim_start()
        .strip_prefix("```text\n")
        .expect("what the first command prints follows them");
    let (block, _) = block.split_once("\n```").unwrap();
    let lines = block.lines().count();
    assert!(lines > 10, "the block shows the answers, not a title");
    let summary = std::fs::read_to_string(root().join("reports/demo/summary.txt")).unwrap();
    let first: Vec<&str> = summary.lines().take(lines).collect();
    assert_same("README.md", block, first.join("\n").as_str());
}

#[test]
fn the_demo_may_be_run_again_and_touches_no_other_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    std::fs::write(folder.path().join("mine/thesis.txt"), "years of work").unwrap();
    let output = program(folder.path(), &["demo", "mine"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("`mine` holds something else"), "{message}");
    assert_eq!(below(folder.path()).len(), 1, "nothing was written");
}
