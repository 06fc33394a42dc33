//! A [`Report`] as bytes: JSON, CSV, FOCUS, SARIF, a page, text and Markdown.
//!
//! Everything here is a pure function of the report and the options: nothing is opened, printed or asked, and nothing is
//! judged. Numbers are those of the report; only the sums of groups and of selections are added up here, from its rows.

pub mod comparison;
pub mod csv;
pub mod escape;
pub mod estimates;
pub mod focus;
mod format;
pub mod html;
pub mod json;
pub mod message;
pub mod named;
mod page;
mod ranking;
pub mod reach;
pub mod reconciliation;
#[cfg(test)]
pub(crate) mod sample;
mod sarif;
mod scope_facts;
pub mod select;
pub mod showback;
pub mod text;
pub mod trend;
pub mod xlsx;

use std::io::{self, Write};

use self::focus::FocusVersion;
use crate::compare::compare;
use crate::domain::pricing::bill::Reconciliation;
use crate::domain::report::result::Report;

/// The formats that a report can be rendered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputFormat {
    /// `report.json`, the canonical result.
    Json,
    /// `secrets.csv`, `readers.csv`, `findings.csv` and `summary.csv`; `estimates.csv` where a sample was taken,
    /// `reach.csv` where IAM data was given, `owners.csv` where the policy file shares out calls.
    Csv,
    /// `summary.txt`, the summary for a terminal without colours.
    Text,
    /// `report.html`, one page for people.
    Html,
    /// `focus.csv`: what the window cost, in the columns of FOCUS.
    Focus,
    /// `findings.sarif`: the findings in SARIF 2.1.0.
    Sarif,
    /// `summary.md`, a short message for a comment or an issue.
    Markdown,
    /// `slack.json`, the same for Slack.
    Slack,
    /// `report.xlsx`: one workbook with the tables of finance.
    Xlsx,
}

/// The companions of a report: what it is shown beside, and how its files are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Companions<'a> {
    /// An earlier scan: the summary and the page say what changed.
    pub previous: Option<&'a Report>,
    /// The comparison with a bill: the page shows it.
    pub bill: Option<&'a Reconciliation>,
    /// The columns of `focus.csv`.
    pub focus: FocusVersion,
}

/// Writes the content of a file. May be asked more than once, and from any thread, and writes the same bytes each time.
pub type RenderContent<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'a>;

/// The files of these formats by name, in the order of the formats; a format that is named twice gives its files once.
///
/// They are not rendered here: together they may be larger than everything else in memory.
pub fn files<'a>(
    report: &'a Report,
    beside: Companions<'a>,
    formats: &[OutputFormat],
) -> Vec<(&'static str, RenderContent<'a>)> {
    let Companions {
        previous,
        bill,
        focus,
    } = beside;
    let mut files: Vec<(&'static str, RenderContent<'a>)> = Vec::new();
    for (index, format) in formats.iter().enumerate() {
        if formats[..index].contains(format) {
            continue;
        }
        match format {
            OutputFormat::Json => files.push((
                "report.json",
                Box::new(move |out| json::write_to(report, out)),
            )),
            OutputFormat::Csv => {
                files.extend::<[(&'static str, RenderContent<'a>); 4]>([
                    (
                        "secrets.csv",
                        Box::new(move |out| csv::write_secrets(report, out)),
                    ),
                    (
                        "readers.csv",
                        Box::new(move |out| csv::write_readers(report, out)),
                    ),
                    (
                        "findings.csv",
                        Box::new(move |out| out.write_all(&csv::findings(report))),
                    ),
                    (
                        "summary.csv",
                        Box::new(move |out| out.write_all(&csv::summary(report, previous))),
                    ),
                ]);
                let estimates = estimates::csv(report);
                files.extend(estimates.map(|bytes| {
                    let content: RenderContent<'a> = Box::new(move |out| out.write_all(&bytes));
                    (estimates::FILE, content)
                }));
                files.extend(reach::csv(report).map(|bytes| {
                    let content: RenderContent<'a> = Box::new(move |out| out.write_all(&bytes));
                    (reach::FILE, content)
                }));
                files.extend(showback::csv(report).map(|bytes| {
                    let content: RenderContent<'a> = Box::new(move |out| out.write_all(&bytes));
                    (showback::FILE, content)
                }));
            }
            OutputFormat::Text => files.push((
                "summary.txt",
                Box::new(move |out| {
                    out.write_all(text::summary(report, &text::Options::default()).as_bytes())
                }),
            )),
            OutputFormat::Html => {
                let comparison = previous.map(|previous| compare(previous, report));
                files.push((
                    "report.html",
                    Box::new(move |out| html::write(report, comparison.as_ref(), bill, out)),
                ));
            }
            OutputFormat::Focus => files.push((
                "focus.csv",
                Box::new(move |out| out.write_all(&focus::csv(report, focus))),
            )),
            OutputFormat::Sarif => files.push((
                "findings.sarif",
                Box::new(move |out| sarif::write(report, out)),
            )),
            OutputFormat::Markdown => files.push((
                "summary.md",
                Box::new(move |out| out.write_all(message::markdown(report).as_bytes())),
            )),
            OutputFormat::Xlsx => {
                files.push((xlsx::FILE, Box::new(move |out| xlsx::write(report, out))));
            }
            OutputFormat::Slack => files.push((
                "slack.json",
                Box::new(move |out| out.write_all(&message::slack(report))),
            )),
        }
    }
    files
}
