//! The summary for a terminal.

use crate::domain::report::Report;

/// How the summary is rendered.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many rows of each list.
    pub top: usize,
}

/// The summary.
pub fn summary(_report: &Report, _options: &Options) -> String {
    String::new()
}
