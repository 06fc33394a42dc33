//! `focus.csv` against the `FinOps` Foundation's own validator, where it is installed.
//!
//! `focus-validator` is on `PyPI` and needs Python 3.12. It is looked for in `PATH`, or where `FOCUS_VALIDATOR` says; without
//! it the test is skipped with a word. Two of its rules cannot be kept by a text file: it takes ids of digits for numbers.

use std::path::{Path, PathBuf};
use std::process::Command;

use secretsweep::domain::base::money::Money;
use secretsweep::report::focus::{self, FocusVersion};

use crate::browser::program;
use crate::page::fixture;

/// Rules that fail whatever a CSV file holds: digits are inferred to be a number (`BillingAccountId`), and `InvoiceId` is
/// null where there is no invoice (`FOCUS_Spec` issue 2394).
const EXPECTED: [&str; 2] = ["BillingAccountId-C-", "InvoiceId-C-"];

/// The versions that are written, each with the rules that it cannot keep besides: the pinned validator brings the rules of
/// FOCUS 1.2 alone, and columns that later versions added are not in a file of 1.0.
const VERSIONS: [(FocusVersion, &[&str]); 3] = [
    (
        FocusVersion::V1_0,
        &[
            // `InvoiceId` came with 1.2 and `ServiceSubcategory` with 1.1, and rules of `ServiceName` look at the latter.
            "CostAndUsage-D-033-O",
            "CostAndUsage-D-042-O",
            "ServiceSubcategory-C-",
            "ServiceName-C-000-M",
            "ServiceName-C-007-C",
            "ServiceName-C-008-C",
        ],
    ),
    (FocusVersion::V1_2, &[]),
    (FocusVersion::V1_3, &[]),
];

fn validator() -> Option<PathBuf> {
    let named = std::env::var_os("FOCUS_VALIDATOR").map(PathBuf::from);
    named.or_else(|| program(&["focus-validator"]))
}

/// Returns where the package lies: it reads its list of currencies relative to that folder.
fn home(validator: &Path) -> Option<PathBuf> {
    let python = validator.with_file_name("python");
    let asks = "import focus_validator, os; print(os.path.dirname(os.path.dirname(focus_validator.__file__)))";
    // To import the package writes a log into the current folder, which is to stay clean.
    let folder = crate::scratch::tempdir().ok()?;
    let output = Command::new(python)
        .current_dir(folder.path())
        .args(["-c", asks])
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(path.trim())).filter(|path| path.is_dir())
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn the_validator_finds_nothing_but_what_no_file_can_keep() {
    let Some((validator, home)) = validator().and_then(|found| {
        let home = home(&found)?;
        Some((found, home))
    }) else {
        eprintln!(
            "skipped: focus-validator is not installed (pip install focus-validator==2.2.1, Python 3.12)"
        );
        return;
    };
    let mut report = fixture::report(60);
    // A column of whole numbers alone would be taken for integers, which the rules forbid.
    report.secrets[0].window_cost.storage_usd = Some(Money(200_000));
    for (version, other) in VERSIONS {
        let folder = crate::scratch::tempdir().unwrap();
        let file = folder.path().join("focus.csv");
        std::fs::write(&file, focus::csv(&report, version)).unwrap();
        let output = Command::new(&validator)
            .current_dir(&home)
            .arg("--data-file")
            .arg(&file)
            .args(["--validate-version", "1.2.0.1", "--block-download"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some(total) = said.lines().find(|line| line.starts_with("Total: ")) else {
            panic!("{said:.500} {}", String::from_utf8_lossy(&output.stderr));
        };
        let number = version.as_str();
        eprintln!("FOCUS {number}: {total}");
        let expected = |rule: &&str| {
            let mut all = EXPECTED.iter().chain(other);
            all.any(|expected| rule.starts_with(expected))
        };
        let failed: Vec<&str> = said
            .lines()
            .filter_map(|line| line.strip_prefix("- ")?.split(':').next())
            .filter(|rule| !expected(rule))
            .collect();
        assert!(failed.is_empty(), "FOCUS {number}: {failed:#?}");
    }
}
