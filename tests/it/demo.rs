//! The example organization: what a scan of it says is what its cast is there to show, the same bytes on every run.
//!
//! The files in `reports/demo` are what the demo writes, kept in the repository so that a change of any report shows up
//! as a difference that somebody reads. `UPDATE=1 cargo test demo` writes them again. They are those of a fixed day, whereas
//! the command without options lives on the day it is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::Timestamp;
use secretsweep::demo::Edition;
use secretsweep::domain::base::finding_kinds::{FINDINGS, FindingKind};
use serde_json::Value;
use tempfile::TempDir;

use crate::run_result::codes;
use crate::world::program;

/// The folder that the README's first command writes.
const DEMO: &str = "secretsweep-demo";

/// The day of the files in the repository.
pub const DAY: &str = "2026-11-01T00:00:00Z";

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
    edition: Edition,
    stdout: String,
}

pub static MADE: LazyLock<Made> = LazyLock::new(|| made(edition(DAY), &["--now", DAY]));

/// The same with names, tags and messages that attack whoever reads them: what is escaped is tested with it.
pub static HOSTILE: LazyLock<Made> = LazyLock::new(|| {
    let edition = edition(DAY).with_hostile_names();
    made(edition, &["--now", DAY, "--hostile"])
});

fn edition(day: &str) -> Edition {
    Edition::of_day(day.parse().unwrap())
}

fn made(edition: Edition, options: &[&str]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path(), &[&["demo", DEMO], options].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Made {
        folder,
        edition,
        stdout: String::from_utf8(output.stdout).unwrap(),
    }
}

impl Made {
    /// A file of it.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(DEMO).join(inside)
    }

    fn result(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("report").join(name)).unwrap()
    }

    fn report(&self) -> Value {
        serde_json::from_str(&self.result("report.json")).unwrap()
    }

    /// The verdict and the reasons of every secret, by its account, Region and name, and how often each kind of finding
    /// occurs.
    fn judgement(&self) -> (BTreeMap<String, String>, BTreeMap<String, usize>) {
        let report = self.report();
        let rows = report["secrets"].as_array().unwrap().iter();
        let verdicts = rows.map(|row| {
            let name = format!("{} {} {}", row["account"], row["region"], row["name"]);
            (name, format!("{} {:?}", row["verdict"], codes(row)))
        });
        let mut findings = BTreeMap::new();
        for row in report["findings"].as_array().unwrap() {
            *findings.entry(row["code"].to_string()).or_default() += 1;
        }
        (verdicts.collect(), findings)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Scans the hostile organization from other files or with other settings.
fn scan(trail: &Path, args: &[&str]) -> TempDir {
    let out = crate::scratch::tempdir().unwrap();
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (inventory, policy) = (
        text(HOSTILE.path("inventory")),
        text(HOSTILE.path("secretsweep.toml")),
    );
    let iam = text(HOSTILE.path("iam"));
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
        DAY,
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

/// What is wrong with the verdicts of a scan of the organization.
fn wrong_verdicts(made: &Made) -> Vec<String> {
    let report = made.report();
    let rows = report["secrets"].as_array().unwrap();
    let mut wrong = Vec::new();
    for cast in made.edition.cast() {
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
    if rows.len() != made.edition.cast().count() {
        wrong.push(format!("{} secrets are in the report", rows.len()));
    }
    wrong
}

#[test]
fn every_secret_of_the_cast_gets_the_verdict_that_it_shows() {
    for made in [&MADE, &HOSTILE] {
        let wrong = wrong_verdicts(made);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// The example must show the same on whatever day somebody tries it.
fn assert_judged_as_on_the_fixed_day(day: &str) {
    let other = made(edition(day), &["--now", day]);
    assert_eq!(other.report()["made"], edition(day).now().to_string());
    let ((verdicts, findings), expected) = (other.judgement(), MADE.judgement());
    assert_eq!(verdicts, expected.0);
    assert_eq!(findings, expected.1);
}

#[test]
fn the_first_day_of_a_year_is_judged_as_any_other() {
    assert_judged_as_on_the_fixed_day("2027-01-01T00:00:00Z");
}

#[test]
fn a_leap_day_at_the_end_of_a_month_is_judged_as_any_other() {
    assert_judged_as_on_the_fixed_day("2028-02-29T23:59:59Z");
}

#[test]
fn without_options_the_organization_lives_until_today_and_its_plan_is_not_old() {
    let before = Timestamp::now();
    let today = made(edition(DAY), &[]);
    let report = today.report();
    let days = [before, Timestamp::now()].map(|time| Edition::of_day(time).now().to_string());
    assert!(
        days.iter().any(|day| report["made"] == **day),
        "{} is none of {days:?}",
        report["made"]
    );
    assert_eq!(wrong_verdicts(&today), Vec::<String>::new());
    assert_eq!(today.judgement(), MADE.judgement());

    let folder = today.folder.path();
    let output = program(folder, &["plan", &format!("{DEMO}/report")]);
    assert_eq!(output.status.code(), Some(0));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let deletions = today.edition.cast();
    let deletions = deletions.filter(|cast| cast.verdict == "delete").count();
    let sum = format!("{deletions} secrets to delete");
    assert!(said.contains(&sum), "{sum}: {said}");
    assert!(!said.contains("would refuse"), "{said}");
    assert!(!said.contains("days ago"), "{said}");
}

#[test]
fn every_kind_of_finding_occurs() {
    let report = MADE.report();
    let findings = report["findings"].as_array().unwrap();
    let is_found =
        |kind: &&FindingKind| findings.iter().any(|row| row["code"] == kind.code.as_str());
    let missing = FINDINGS.iter().filter(|kind| !is_found(kind));
    let missing: Vec<_> = missing.map(|kind| kind.code.as_str()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// A scan of the whole trail takes long, so that each number of threads is tried where the trail is scanned anyway: four
/// here, and one where the files have other names.
#[test]
fn a_scan_from_the_cache_and_with_four_threads_writes_the_same_bytes() {
    let cache = crate::scratch::tempdir().unwrap();
    let args = ["--threads", "4", "--cache", cache.path().to_str().unwrap()];
    for run in ["the first run", "the second run"] {
        let out = scan(&HOSTILE.path("trail"), &args);
        for name in RESULTS {
            let again = std::fs::read_to_string(out.path().join("out").join(name)).unwrap();
            assert_same(&format!("{name}, {run}"), &again, &HOSTILE.result(name));
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
fn neither_the_names_of_the_log_files_nor_their_order_nor_one_thread_change_the_result() {
    let trail = HOSTILE.path("trail");
    let renamed = crate::scratch::tempdir().unwrap();
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
    let out = scan(renamed.path(), &["--threads", "1"]);
    for name in RESULTS {
        let again = std::fs::read_to_string(out.path().join("out").join(name)).unwrap();
        assert_same(name, &again, &HOSTILE.result(name));
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
fn nothing_in_what_a_newcomer_sees_attacks_or_frightens() {
    let seen = RESULTS.iter().map(|name| (*name, MADE.result(name)));
    for (name, text) in seen.chain([("summary", MADE.stdout.clone())]) {
        for word in ["evil", "HYPERLINK", "alert(", "-2+3", "cmd|"] {
            assert!(!text.contains(word), "{word} in {name}");
        }
    }
}

#[test]
fn hostile_names_arrive_as_text_and_do_nothing() {
    let tables = RESULTS.iter().filter(|name| name.contains(".csv"));
    let mut hostile = BTreeSet::new();
    for name in tables {
        let text = HOSTILE.result(name);
        for row in ::csv::Reader::from_reader(text.as_bytes()).records() {
            for cell in &row.unwrap() {
                let number = cell.parse::<f64>().is_ok();
                assert!(
                    number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{name}: {cell:?}"
                );
                assert!(
                    !cell.contains(['\u{1b}', '\u{7}', '\n']),
                    "{name}: {cell:?}"
                );
                if let Some(text) = cell.strip_prefix('\'') {
                    hostile.insert(text.to_owned());
                }
            }
        }
    }
    for text in ["=HYPERLINK/evil", "=cmd|'/c calc'!A1", "-2+3"] {
        assert!(hostile.contains(text), "{text} is not in {hostile:?}");
    }
    let page = HOSTILE.result("report.html");
    assert!(page.contains("alert(1)") && page.contains("alert(document.title)"));
    for page in [page, MADE.result("report.html")] {
        assert!(!page.contains("<script>alert") && !page.contains("<b>now"));
        assert!(!page.contains(['\u{1b}', '\u{7}']));
    }
    assert!(!HOSTILE.stdout.contains(['\u{1b}', '\u{7}']));
    for secret in ["=HYPERLINK/evil", "secret:-2+3-4IAhYu"] {
        let report = HOSTILE.report();
        let mut rows = report["secrets"].as_array().unwrap().iter();
        let row = rows.find(|row| row["arn"].as_str().unwrap().contains(secret));
        let arn = row.unwrap()["arn"].as_str().unwrap();
        let args = ["explain", arn, "--scan", &format!("{DEMO}/report")];
        let shown = program(HOSTILE.folder.path(), &args);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains("evil-corp-connector"), "{shown}");
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\t', '\r']),
            "{shown:?}"
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
    let folder = crate::scratch::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    std::fs::write(folder.path().join("mine/thesis.txt"), "years of work").unwrap();
    let output = program(folder.path(), &["demo", "mine"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("`mine` holds something other than the example"),
        "{message}"
    );
    assert_eq!(below(folder.path()).len(), 1, "nothing was written");
}
