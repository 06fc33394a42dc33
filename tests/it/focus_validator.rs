//! `focus.csv` against the `FinOps` Foundation's own validator, where it is installed.
//!
//! `focus-validator` is on `PyPI` and needs Python 3.12. It is looked for in `PATH`, or where `FOCUS_VALIDATOR` says; without
//! it the test is skipped with a word. Two of its rules cannot be kept by a text file: it takes ids of digits for numbers.

use std::path::PathBuf;
use std::process::Command;

use secretsweep::report::focus::{self, FocusVersion};

use crate::browser::program;
use crate::page::fixture;

/// Rules that fail whatever a CSV file holds: digits are inferred to be a number (`BillingAccountId`), and `InvoiceId` is
/// null where there is no invoice (FOCUS_Spec issue 2394).
const EXPECTED: [&str; 2] = ["BillingAccountId-C-", "InvoiceId-C-"];

fn validator() -> Option<PathBuf> {
    let named = std::env::var_os("FOCUS_VALIDATOR").map(PathBuf::from);
    named.or_else(|| program(&["focus-validator"]))
}

#[test]
fn the_validator_finds_nothing_but_what_no_file_can_keep() {
    let Some(validator) = validator() else {
        eprintln!(
            "skipped: focus-validator is not installed (pip install focus-validator==2.2.1, Python 3.12)"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("focus.csv");
    let report = fixture::report(60);
    std::fs::write(&file, focus::csv(&report, FocusVersion::V1_2)).unwrap();
    let output = Command::new(&validator)
        .args(["--data-file"])
        .arg(&file)
        .args(["--validate-version", "1.2", "--output-type", "console"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if said.contains("download") && said.contains("rror") {
        eprintln!("skipped: the validator could not load its rules: {said:.300}");
        return;
    }
    let failed: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("FAIL") || line.contains('✗') || line.contains('❌'))
        .filter(|line| line.contains("-C-") || line.contains("-D-"))
        .filter(|line| !EXPECTED.iter().any(|rule| line.contains(rule)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}\n{said:.2000}");
}
