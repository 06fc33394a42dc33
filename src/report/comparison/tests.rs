//! A comparison as text, CSV and JSON.

use super::*;
use crate::compare::compare;
use crate::domain::fixture;

fn months() -> Comparison {
    let (old, new) = fixture::two_months(400);
    compare(&old, &new)
}

#[test]
fn the_text_fits_80_columns_and_shows_nothing_raw() {
    let text = text(&months(), Style::Plain);
    for line in text.lines() {
        assert!(escape::width(line) <= 80, "{line}");
    }
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2028}']));
    assert!(text.starts_with("What changed from 2026-09 to 2026-10\n"));
}

#[test]
fn colours_add_nothing_to_the_words() {
    let coloured = text(&months(), Style::Colour);
    assert!(coloured.contains("\u{1b}[33m+$"), "{coloured}");
    assert!(coloured.contains("\u{1b}[32m-$"), "{coloured}");
    let mut plain = String::new();
    for part in coloured.split('\u{1b}') {
        let (sequence, rest) = part.split_once('m').unwrap_or(("", part));
        plain.push_str(if sequence.starts_with('[') {
            rest
        } else {
            part
        });
    }
    assert_eq!(plain, text(&months(), Style::Plain));
}

#[test]
fn no_cell_of_the_csv_starts_a_formula() {
    let bytes = csv(&months());
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    let mut rows = 0;
    for record in reader.records() {
        let record = record.unwrap();
        rows += 1;
        for (column, cell) in COLUMNS.iter().zip(&record) {
            let number = column.ends_with("_month");
            assert!(
                number || !cell.starts_with(['=', '+', '-', '@']),
                "{column}: {cell}"
            );
            assert!(!cell.contains(['\n', '\r']), "{column}");
        }
    }
    assert!(rows > 50);
}

#[test]
fn json_reads_back() {
    let comparison = months();
    let back: Comparison = serde_json::from_slice(&json(&comparison)).unwrap();
    assert_eq!(back, comparison);
}

#[test]
fn the_summary_for_people() {
    insta::assert_snapshot!(text(&months(), Style::Plain));
}
