//! The same numbers in every file that is rendered from a report.

use secretsweep::domain::base::money::Money;
use secretsweep::domain::report::result::Report;
use secretsweep::domain::report::sums::PossibleSavings;
use secretsweep::report::{csv, focus, html, json, text};

use crate::page::fixture;

/// The sum of a column over the rows that fit.
fn sum(bytes: &[u8], column: &str, fits: impl Fn(&::csv::StringRecord) -> bool) -> Money {
    let mut reader = ::csv::Reader::from_reader(bytes);
    let place = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == column)
        .unwrap();
    reader
        .records()
        .map(Result::unwrap)
        .filter(|row| fits(row) && !row[place].is_empty())
        .map(|row| Money::parse(&row[place]).unwrap())
        .sum()
}

#[test]
fn text_csv_json_focus_and_page_say_the_same() {
    for secrets in [0, 7, 250] {
        let report: Report = fixture::report(secrets);
        let totals = &report.totals;
        assert_eq!(json::read(&json::write(&report)).unwrap(), report);

        let rows = csv::secrets(&report);
        let listed = sum(&rows, "total_usd_month", |_| true);
        assert_eq!(
            listed + totals.unattributed_usd,
            totals.cost.total_usd,
            "secrets.csv"
        );

        let saved = sum(&rows, "savings_usd_month", |_| true);
        let unnamed = PossibleSavings::new(&report).unnamed;
        assert_eq!(saved + unnamed, totals.savings_usd, "secrets.csv");

        let summary = csv::summary(&report, None);
        for by in ["total", "account", "region", "account+region", "owner"] {
            for (column, expect) in [
                ("total_usd_month", totals.cost.total_usd),
                ("savings_usd_month", totals.savings_usd),
                ("window_total_usd", totals.window_cost.parts.total_usd),
            ] {
                let found = sum(&summary, column, |row| &row[0] == by);
                assert_eq!(found, expect, "{column} by {by} in summary.csv");
            }
        }

        let billed = sum(
            &focus::csv(&report, focus::FocusVersion::default()),
            "BilledCost",
            |_| true,
        );
        assert_eq!(billed, totals.window_cost.parts.total_usd, "focus.csv");

        let page = String::from_utf8(html::html(&report, None).unwrap()).unwrap();
        let summary = text::summary(&report, &text::Options::default());
        for amount in [totals.cost.total_usd, totals.savings_usd] {
            assert!(
                page.contains(&amount.dollars()),
                "{} in the page",
                amount.dollars()
            );
            assert!(
                summary.contains(&amount.dollars()),
                "{} in the text",
                amount.dollars()
            );
        }
    }
}

/// A file that is printed for a program is the file itself, byte for byte: a workbook has bytes that look like those of
/// a terminal.
#[test]
fn each_format_is_printed_as_it_is_written() {
    let folder = crate::scratch::tempdir().unwrap();
    let report = crate::demo::MADE.path("report");
    let report = report.to_str().unwrap();
    for (format, name) in [
        ("csv", "secrets.csv"),
        ("json", "report.json"),
        ("html", "report.html"),
        ("focus", "focus.csv"),
        ("markdown", "summary.md"),
        ("slack", "slack.json"),
        ("sarif", "findings.sarif"),
        ("xlsx", "report.xlsx"),
    ] {
        let args = ["report", report, "--format", format];
        let printed = crate::world::program(folder.path(), &args).stdout;
        let with_folder = [&args[..], &["--out", format]].concat();
        let written = crate::world::program(folder.path(), &with_folder);
        assert!(written.status.success(), "{format}: {written:?}");
        let file = std::fs::read(folder.path().join(format).join(name)).unwrap();
        assert!(printed == file, "{format}");
    }
}
