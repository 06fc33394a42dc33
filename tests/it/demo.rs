//! The example organization: every secret of its cast gets the verdict it is there to show, twice the same bytes, and
//! what it prints is what the README shows.
//!
//! `UPDATE=1 cargo test demo` writes the golden files in `reports/demo` anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use secretsweep::demo::CAST;
use serde_json::Value;
use tempfile::TempDir;

/// The demo, run once for all tests: its folder, and what it printed.
static DEMO: LazyLock<(TempDir, String)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let printed = run(folder.path(), &["demo"]);
    (folder, printed)
});

/// Runs the program in a folder; it must end well.
fn run(folder: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_secretsweep"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn organization() -> PathBuf {
    DEMO.0.path().join("secretsweep-demo")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_secret_of_the_cast_gets_the_verdict_that_it_shows() {
    let report = fs::read(organization().join("report/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let rows = report["secrets"].as_array().unwrap();
    assert_eq!(rows.len(), CAST.len());
    let mut wrong = Vec::new();
    for cast in CAST {
        let row = rows
            .iter()
            .find(|row| {
                row["name"] == cast.name
                    && row["account"] == cast.account
                    && row["region"] == cast.region
            })
            .unwrap_or_else(|| panic!("{} is not in the report", cast.name));
        let has = row["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .any(|reason| reason["code"] == cast.reason);
        if row["verdict"] != cast.verdict || !has {
            wrong.push(format!(
                "{} ({}): {} {}",
                cast.name, cast.shows, row["verdict"], row["reasons"]
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn neither_threads_nor_the_names_and_order_of_files_change_a_byte() {
    let copy = tempfile::tempdir().unwrap();
    // The same log files under other random endings and in one flat folder: another order, and no layout but the name.
    let mut number = 0_u64;
    let mut folders = vec![organization().join("trail")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.contains("Digest") {
                continue;
            }
            let (start, _) = name.rsplit_once('_').unwrap();
            let flat = copy.path().join(format!("{start}_{number:016x}.json.gz"));
            fs::copy(&path, flat).unwrap();
        }
    }
    let scan = |trail: &Path, threads: &str| {
        let out = tempfile::tempdir().unwrap();
        let (inventory, policy) = (
            organization().join("inventory"),
            organization().join("secretsweep.toml"),
        );
        let (inventory, trail) = (inventory.to_str().unwrap(), trail.to_str().unwrap());
        let (policy, folder) = (policy.to_str().unwrap(), out.path().to_str().unwrap());
        let args = [
            "scan",
            "--inventory",
            inventory,
            "--trail",
            trail,
            "--policy",
            policy,
            "--now",
            "2026-11-01T00:00:00Z",
        ];
        run(
            out.path(),
            &[
                &args[..],
                &["--threads", threads, "--allow-partial", "--out", folder],
            ]
            .concat(),
        );
        let files = [
            "report.json",
            "report.html",
            "secrets.csv",
            "readers.csv",
            "findings.csv",
            "summary.csv",
        ];
        files.map(|name| (name, fs::read(out.path().join(name)).unwrap()))
    };
    let trail = organization().join("trail");
    let one = scan(&trail, "1");
    for (what, other) in [
        ("four threads", scan(&trail, "4")),
        ("another order", scan(copy.path(), "2")),
    ] {
        for ((name, bytes), (_, others)) in one.iter().zip(&other) {
            assert!(bytes == others, "{what}: {name} differs");
        }
    }
    let report = fs::read(organization().join("report/report.json")).unwrap();
    assert!(
        report == one[0].1,
        "the demo scans through the same path as files"
    );
}

#[test]
fn the_golden_files_are_what_the_demo_writes() {
    let report = organization().join("report");
    let mut written: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in fs::read_dir(report).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        written.insert(name, fs::read(path).unwrap());
    }
    written.insert("summary.txt".to_owned(), DEMO.1.clone().into_bytes());
    let golden = root().join("reports/demo");
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&golden).unwrap();
        for (name, bytes) in &written {
            fs::write(golden.join(name), bytes).unwrap();
        }
    }
    for (name, bytes) in &written {
        let kept = fs::read(golden.join(name)).unwrap_or_default();
        assert!(
            kept == *bytes,
            "reports/demo/{name} is not what the demo writes; `UPDATE=1 cargo test demo` writes it anew"
        );
    }
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, block) = readme
        .split_once("```text\n")
        .expect("the README has a block of output");
    let (block, _) = block.split_once("```").unwrap();
    assert!(block.lines().count() > 20, "the README shows too little");
    for (shown, printed) in block.lines().zip(DEMO.1.lines()) {
        assert_eq!(shown, printed);
    }
}
