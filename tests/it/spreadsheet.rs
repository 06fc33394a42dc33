//! The CSV files in a real spreadsheet. Skipped, with a word, where `LibreOffice` is not installed.
//!
//! `LibreOffice` opens each file as a person would, saves it as a spreadsheet and as CSV again; what comes back is what
//! the person would see.

use std::path::Path;
use std::process::Command;

use secretsweep::domain::report::result::Report;
use secretsweep::report::{csv, focus, xlsx};

use crate::browser::program;
use crate::page::fixture;

/// Comma, quotes, UTF-8, from the first line, and no guessing of languages; cells in the way they are shown.
const AS_CSV: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false";

fn convert(office: &Path, folder: &Path, to: &str, file: &Path) {
    let home = folder.join("profile");
    let output = Command::new(office)
        .args(["--headless", "--norestore"])
        .arg(format!("-env:UserInstallation=file://{}", home.display()))
        .args(["--convert-to", to, "--outdir"])
        .arg(folder.join("out"))
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn rows(bytes: &[u8]) -> Vec<::csv::StringRecord> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    reader.records().map(Result::unwrap).collect()
}

fn files(report: &Report) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("secrets", csv::secrets(report)),
        ("readers", csv::readers(report)),
        ("findings", csv::findings(report)),
        ("focus", focus::csv(report, focus::FocusVersion::default())),
    ]
}

#[test]
fn a_spreadsheet_runs_no_cell_and_mangles_none() {
    let Some(office) = program(&["soffice", "libreoffice"]) else {
        return;
    };
    let report = fixture::report(150);
    let folder = crate::scratch::tempdir().unwrap();
    for (name, bytes) in files(&report) {
        let file = folder.path().join(format!("{name}.csv"));
        std::fs::write(&file, &bytes).unwrap();
        convert(&office, folder.path(), "fods", &file);
        let sheet = folder.path().join("out").join(format!("{name}.fods"));
        let text = std::fs::read_to_string(&sheet).unwrap();
        assert!(!text.contains("table:formula"), "{name} holds a formula");
        convert(&office, folder.path(), AS_CSV, &sheet);
        let back = std::fs::read(folder.path().join("out").join(format!("{name}.csv"))).unwrap();
        let (sent, back) = (rows(&bytes), rows(&back));
        assert_eq!(sent.len(), back.len(), "{name}");
        let keys: Vec<usize> = sent[0]
            .iter()
            .enumerate()
            .filter(|(_, column)| {
                let column = column.to_lowercase();
                column == "arn"
                    || column == "name"
                    || column == "resourceid"
                    || column == "resourcename"
                    || column.ends_with("_on")
            })
            .map(|(place, _)| place)
            .collect();
        assert!(!keys.is_empty(), "{name}");
        for (sent, back) in sent.iter().zip(&back) {
            for &place in &keys {
                assert_eq!(&sent[place], &back[place], "{name}");
            }
        }
    }
}

#[test]
fn a_workbook_opens_with_its_types_and_without_formulas() {
    let Some(office) = program(&["soffice", "libreoffice"]) else {
        return;
    };
    let report = fixture::report(150);
    let folder = crate::scratch::tempdir().unwrap();
    let file = folder.path().join(xlsx::FILE);
    let mut bytes = Vec::new();
    xlsx::write(&report, &mut bytes).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    convert(&office, folder.path(), "fods", &file);
    let text = std::fs::read_to_string(folder.path().join("out/report.fods")).unwrap();
    assert!(
        !text.contains("table:formula"),
        "the workbook holds a formula"
    );
    for sheet in [
        "Summary",
        "Owners",
        "Secrets",
        "Loops",
        "Findings",
        "Savings",
        "Assumptions",
    ] {
        assert!(text.contains(&format!("table:name=\"{sheet}\"")), "{sheet}");
    }
    // An account id is text with its leading zero, an amount a number, a day a date.
    let row = &report.secrets[0];
    let account = "office:value-type=\"string\"";
    let shown = format!("<text:p>{}</text:p>", row.account);
    assert!(text.contains(account) && text.contains(&shown), "{shown}");
    let id = row.account.as_str();
    assert!(!text.contains(&format!("office:value=\"{}\"", id.trim_start_matches('0'))));
    assert!(text.contains("office:value-type=\"date\""));
    let total = report.totals.window_cost.parts.total_usd;
    let number = total.to_string();
    let number = number.trim_end_matches('0').trim_end_matches('.');
    assert!(
        text.contains(&format!("office:value=\"{number}\"")),
        "{number}"
    );
}
