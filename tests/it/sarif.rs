//! `--format sarif` keeps to the schema that OASIS publishes, whatever stands in names and messages.
//!
//! The schema is the one that the package `serde-sarif` generates its types from. The package is here for this file alone.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::demo::HOSTILE;
use crate::world::program;

/// Returns what a tool of Rust prints.
fn printed(program: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    output.stdout
}

/// The folder of a package that this one is built with. Packages of other platforms may not be here.
fn package(name: &str) -> PathBuf {
    let version = String::from_utf8(printed("rustc", &["-vV"])).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut args = vec!["metadata", "--format-version", "1", "--locked", "--offline"];
    args.extend([
        "--manifest-path",
        manifest,
        "--filter-platform",
        host.unwrap(),
    ]);
    let metadata: Value = serde_json::from_slice(&printed(env!("CARGO"), &args)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages.iter().find(|one| one["name"] == name).unwrap();
    let manifest = PathBuf::from(found["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().to_owned()
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = std::fs::read(package("serde-sarif").join("src/schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        schema["title"],
        "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    );
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

/// Returns what is wrong with a log.
fn faults(log: &Value) -> Vec<String> {
    let errors = SCHEMA.iter_errors(log);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn log_of_demo() -> Value {
    let report = HOSTILE.path("report");
    let output = program(&report, &["report", ".", "--format", "sarif"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_log_keeps_to_the_published_schema() {
    let log = log_of_demo();
    assert_eq!(faults(&log), Vec::<String>::new());
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 40, "{}", results.len());
    assert!(
        results.iter().any(|one| one["suppressions"].is_array()),
        "a muted one is among them"
    );
    assert!(results.iter().any(|one| {
        one["message"]["text"]
            .as_str()
            .unwrap()
            .contains("<script>")
    }));
}

#[test]
fn the_schema_refuses_what_is_none() {
    for (pointer, value) in [
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/message", json!({})),
        ("/runs/0/results/0/ruleIndex", json!("first")),
        ("/runs/0/tool/driver/rules/0/helpUri", json!("not a page")),
        ("/version", json!("2.0.0")),
    ] {
        let mut log = log_of_demo();
        *log.pointer_mut(pointer).unwrap() = value;
        assert!(!faults(&log).is_empty(), "{pointer}");
    }
}

#[test]
fn a_finding_has_the_same_fingerprint_in_the_next_scan() {
    let fingerprints = |log: &Value| -> Vec<Value> {
        let results = log["runs"][0]["results"].as_array().unwrap();
        results
            .iter()
            .map(|one| one["partialFingerprints"].clone())
            .collect()
    };
    let (first, second) = (fingerprints(&log_of_demo()), fingerprints(&log_of_demo()));
    assert_eq!(first, second);
    let mut unique: Vec<String> = first.iter().map(Value::to_string).collect();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), first.len(), "and no other finding has it");
}
