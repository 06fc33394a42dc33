//! A [`Report`] as bytes: JSON, CSV, FOCUS, a page and text.
//!
//! Everything here is a pure function of the report and the options: nothing is opened, printed or asked, and nothing is
//! judged. Numbers are those of the report; only the sums of groups and of selections are added up here, from its rows.

pub mod comparison;
pub mod csv;
pub mod escape;
pub mod estimates;
pub mod focus;
pub mod html;
pub mod json;
mod page;
pub mod reconciliation;
#[cfg(test)]
pub(crate) mod sample;
pub mod select;
pub mod text;

use crate::compare::compare;
use crate::domain::report::Report;

/// What a report can be rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `report.json`, the canonical result.
    Json,
    /// `secrets.csv`, `readers.csv`, `findings.csv` and `summary.csv`; `estimates.csv` where a sample was taken.
    Csv,
    /// `summary.txt`, the summary for a terminal without colours.
    Text,
    /// `report.html`, one page for people.
    Html,
    /// `focus.csv`: what the window cost, in the columns of FOCUS 1.2.
    Focus,
}

/// The files of these formats by name, in the order of the formats; a format that is named twice gives its files once.
/// With an earlier scan the summary and the page say what changed.
///
/// # Errors
/// [`minijinja::Error`] if the page cannot be rendered.
pub fn files(
    report: &Report,
    previous: Option<&Report>,
    formats: &[Format],
) -> Result<Vec<(&'static str, Vec<u8>)>, minijinja::Error> {
    let mut files = Vec::new();
    for (place, format) in formats.iter().enumerate() {
        if formats[..place].contains(format) {
            continue;
        }
        match format {
            Format::Json => files.push(("report.json", json::write(report))),
            Format::Csv => {
                files.extend([
                    ("secrets.csv", csv::secrets(report)),
                    ("readers.csv", csv::readers(report)),
                    ("findings.csv", csv::findings(report)),
                    ("summary.csv", csv::summary(report, previous)),
                ]);
                files.extend(estimates::csv(report).map(|bytes| (estimates::FILE, bytes)));
            }
            Format::Text => files.push((
                "summary.txt",
                text::summary(report, &text::Options::default()).into_bytes(),
            )),
            Format::Html => {
                let comparison = previous.map(|previous| compare(previous, report));
                files.push(("report.html", html::html(report, comparison.as_ref())?));
            }
            Format::Focus => files.push(("focus.csv", focus::csv(report))),
        }
    }
    Ok(files)
}
