//! Parts that `scan` and `report` share: which secrets are shown, in which format, and how the command ends.

use std::path::Path;

use anyhow::{Result, bail};

use crate::cli::{Format, GroupBy, View};
use crate::domain::base::finding_kinds::Severity;
use crate::domain::base::money::{Money, counted};
use crate::domain::policy::Glob;
use crate::domain::report::result::Report;
use crate::domain::report::sums::Grouping;
use crate::files::store;
use crate::report::select::{SecretFilter, select};
use crate::report::text::{Detail, Options, Style};
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

/// The part of a report that the view selects.
///
/// # Errors
/// If the globs leave nothing of secrets that are there: a mistyped glob must not look like a clean account.
pub(super) fn selected(report: Report, view: &View) -> Result<Report> {
    let before = report.secrets.len() as u64;
    let selection = selection(view);
    let report = select(report, &selection);
    if before > 0 && report.secrets.is_empty() {
        bail!(
            "none of the {} has a name that {}: check `--only` and `--exclude`",
            counted(before, "secret", "secrets"),
            selection.words()
        );
    }
    Ok(report)
}

/// The options of the view that select secrets, for a command that is to select the same ones.
pub(super) fn selecting_options(view: &View) -> String {
    let option = |name: &str, globs: &[Glob]| -> String {
        let words = globs
            .iter()
            .map(|glob| format!(" {name} {}", text::shell(glob.pattern())));
        words.collect()
    };
    option("--only", &view.only) + &option("--exclude", &view.exclude)
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
        Format::Slack => report::OutputFormat::Slack,
    }
}

/// How text for people looks on this stdout.
pub(super) fn style() -> Style {
    if Term::is_styled() {
        Style::Colour
    } else {
        Style::Plain
    }
}

/// How many columns text for people has: those of the terminal within reason, and elsewhere what a summary has in a file.
pub(super) fn columns() -> usize {
    Term::columns().map_or(text::COLUMNS, |columns| columns.min(WIDEST))
}

/// The widest text: on a wider terminal the eye loses the line.
const WIDEST: usize = 160;

/// How many groups a table shows if nothing is said.
const GROUPS: usize = 20;

/// The summary as the terminal shows it. `selecting` are the options that select the same secrets from the folder.
pub(super) fn show(
    report: &Report,
    view: &View,
    folder: &Path,
    files: &[String],
    selecting: String,
) -> String {
    let detail = if view.verbose {
        Detail::Full
    } else {
        Detail::Short
    };
    text::summary(
        report,
        &Options {
            detail,
            top: view.top.unwrap_or_else(|| detail.rows()),
            groups: view.top.unwrap_or(GROUPS),
            style: style(),
            columns: columns(),
            folder: Some(folder.display().to_string()),
            files: files.to_vec(),
            selecting,
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
