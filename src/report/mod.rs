//! A [`Report`] as bytes: JSON, CSV and text.
//!
//! Everything here is a pure function of the report and the options: nothing is opened, printed or asked, and nothing is
//! judged. Numbers are those of the report; only the sums of groups and of selections are added up here, from its rows.

pub mod comparison;
pub mod csv;
pub mod escape;
#[cfg(test)]
pub(crate) mod fixture;
pub mod focus;
pub mod html;
pub mod json;
mod page;
#[cfg(test)]
pub(crate) mod sample;
pub mod select;
pub mod sums;
pub mod text;

use crate::domain::report::Report;

/// What a report can be rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `report.json`, the canonical result.
    Json,
    /// `secrets.csv`, `readers.csv`, `findings.csv` and `summary.csv`.
    Csv,
    /// `summary.txt`, the summary for a terminal without colours.
    Text,
}

/// The files of these formats by name, in the order of the formats; a format that is named twice gives its files once.
pub fn files(report: &Report, formats: &[Format]) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = Vec::new();
    for (place, format) in formats.iter().enumerate() {
        if formats[..place].contains(format) {
            continue;
        }
        match format {
            Format::Json => files.push(("report.json", json::write(report))),
            Format::Csv => files.extend([
                ("secrets.csv", csv::secrets(report)),
                ("readers.csv", csv::readers(report)),
                ("findings.csv", csv::findings(report)),
                ("summary.csv", csv::summary(report)),
            ]),
            Format::Text => files.push((
                "summary.txt",
                text::summary(report, &text::Options::default()).into_bytes(),
            )),
        }
    }
    files
}
