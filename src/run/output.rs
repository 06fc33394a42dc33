//! Parts that `scan` and `report` share: which secrets are shown, in which format, and how the command ends.

use std::path::Path;

use anyhow::Result;

use crate::cli::{Format, GroupBy, View};
use crate::domain::base::finding_kinds::Severity;
use crate::domain::base::money::Money;
use crate::domain::report::result::Report;
use crate::domain::report::sums::Grouping;
use crate::files::store;
use crate::report::select::{SecretFilter, select};
use crate::report::text::{Options, Style};
use crate::report::{json, text};
use crate::term::Term;
use crate::{Exit, report};

/// Which secrets the view shows.
pub(super) fn selection(view: &View) -> SecretFilter {
    SecretFilter {
        only: view.only.clone(),
        exclude: view.exclude.clone(),
    }
}

/// How a finished scan ends: a finding that was asked about first, then what could not be read.
pub(super) fn exit(
    report: &Report,
    fail_on: &[String],
    fail_above: Option<Money>,
    allow_partial: bool,
) -> Exit {
    let reasons = report
        .secrets
        .iter()
        .flat_map(|row| row.reasons.iter().map(|reason| reason.code.as_str()));
    let mut codes = reasons.chain(report.open_findings().map(|finding| finding.code.as_str()));
    let too_much = fail_above.is_some_and(|limit| report.totals.savings_usd > limit);
    let worst = report.open_findings().map(|finding| finding.severity).min();
    let is_worse = |asked: Severity| worst.is_some_and(|worst| worst <= asked);
    let asked_about = codes.any(|code| fail_on.iter().any(|asked| asked == code))
        || fail_on
            .iter()
            .filter_map(|word| Severity::of(word))
            .any(is_worse);
    if too_much || asked_about {
        Exit::Found
    } else if !report.gaps.is_empty() && !allow_partial {
        Exit::Partial
    } else {
        Exit::Done
    }
}

/// The format that a word of the command line means.
pub(super) fn format_of(format: Format) -> report::OutputFormat {
    match format {
        Format::Text => report::OutputFormat::Text,
        Format::Json => report::OutputFormat::Json,
        Format::Csv => report::OutputFormat::Csv,
        Format::Html => report::OutputFormat::Html,
        Format::Focus => report::OutputFormat::Focus,
        Format::Sarif => report::OutputFormat::Sarif,
        Format::Markdown => report::OutputFormat::Markdown,
    }
}

/// The summary as the terminal shows it.
pub(super) fn show(
    report: &Report,
    view: &View,
    folder: Option<&Path>,
    files: &[String],
) -> String {
    text::summary(
        report,
        &Options {
            top: view.top,
            style: if Term::is_styled() {
                Style::Colour
            } else {
                Style::Plain
            },
            folder: folder.map(|folder| folder.display().to_string()),
            files: files.to_vec(),
            group: view.group_by.map(|by| match by {
                GroupBy::Account => Grouping::Account,
                GroupBy::Region => Grouping::Region,
                GroupBy::Owner => Grouping::Owner,
                GroupBy::Prefix => Grouping::Prefix,
            }),
        },
    )
}

/// The earlier scan that the view compares with: the same secrets of it, or what the view leaves out would be gone.
pub(super) fn previous(view: &View) -> Result<Option<Report>> {
    let Some(dir) = &view.previous else {
        return Ok(None);
    };
    let report = store::read_report(dir, json::read)?;
    Ok(Some(select(report, &selection(view))))
}
