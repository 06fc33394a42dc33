//! How long the page takes to render and to load in a browser, and the workbook to be written.
//!
//! `cargo bench --bench page`. Loading is measured where Chromium is installed, and so is a letter in the search box: from
//! the search to the rows, the index built. The aim for 10,000 secrets is two seconds until the page has loaded, and three
//! seconds for `report.xlsx`; for 200,000 a tenth of a second for a letter.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints what it measured, and stops at trouble"
)]

use std::time::{Duration, Instant};

/// For the fixture, which names the domain as the crate itself does.
use secretsweep::domain;
use secretsweep::domain::report::result::Report;
use secretsweep::report::html::html;
use secretsweep::report::xlsx;

#[path = "../it/browser.rs"]
#[expect(dead_code, reason = "a bench clicks on nothing")]
mod browser;
#[path = "../../src/domain/fixture.rs"]
#[expect(dead_code, reason = "one report is enough")]
mod fixture;

/// The time to write the workbook of a report, the middle of five.
fn workbook(report: &Report) -> Duration {
    let mut times: Vec<_> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let mut bytes = Vec::new();
            xlsx::write(report, &mut bytes).unwrap();
            assert!(bytes.starts_with(b"PK"));
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// Milliseconds from a search to its rows, the middle of five; the page that is open waits 90 ms for more letters first,
/// which is left out by submitting the form.
fn letter(browser: &mut browser::Browser) -> f64 {
    let search = |word: &str| {
        format!(
            "(() => {{ document.getElementById('search').value = '{word}'; const from = performance.now(); \
             document.getElementById('filters').requestSubmit(); document.body.offsetHeight; \
             return performance.now() - from; }})()"
        )
    };
    // The first search builds the index.
    browser.value(&search("z"));
    let mut times: Vec<f64> = ["a", "ap", "app", "pay", "db"]
        .iter()
        .filter_map(|word| browser.value(&search(word)).as_f64())
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let mut browser = browser::Browser::start();
    println!("secrets    render      bytes     load   letter       xlsx");
    for secrets in [100, 1_000, 10_000, 200_000] {
        let report = fixture::report(secrets);
        let start = Instant::now();
        let bytes = html(&report, None).unwrap();
        let rendered = start.elapsed();
        std::fs::write(&file, &bytes).unwrap();
        let loaded = browser.as_mut().map(|browser| {
            let mut times: Vec<_> = (0..5).map(|_| browser.open(&file)).collect();
            times.sort();
            times[times.len() / 2]
        });
        let letter = browser.as_mut().map_or(f64::NAN, letter);
        let loaded = loaded.map_or_else(
            || "-".to_owned(),
            |time| format!("{:.2} s", time.as_secs_f64()),
        );
        println!(
            "{secrets:>7} {:>7.0} ms {:>10} {loaded:>8} {letter:>5.0} ms {:>7.0} ms",
            rendered.as_secs_f64() * 1e3,
            bytes.len(),
            workbook(&report).as_secs_f64() * 1e3
        );
    }
}
