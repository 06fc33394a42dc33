//! Parts that `scan` and `report` share: which secrets are shown, in which format, and how the command ends.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::way_out::helpful;
use crate::cli::{FocusNumber, Format, GroupBy, View};
use crate::domain::base::finding_kinds::Severity;
use crate::domain::base::money::{Money, counted};
use crate::domain::base::names::SecretArn;
use crate::domain::policy::Glob;
use crate::domain::report::result::Report;
use crate::domain::report::sums::Grouping;
use crate::files::store;
use crate::report::focus::FocusVersion;
use crate::report::select::{SecretFilter, select};
use crate::report::text::{Detail, Options, Style};
use crate::report::{json, text};
use crate::term::Term;
use crate::{Exit, report};

/// Returns which secrets the view shows.
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
        return Err(helpful(
            format!(
                "none of the {} has a name that {}",
                counted(before, "secret", "secrets"),
                selection.words()
            ),
            "check `--only` and `--exclude`",
        ));
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

/// The conditions that a finished scan is asked about, for how it ends.
pub(super) struct ExitConditions<'a> {
    /// Codes of findings and reasons, and severities.
    pub(super) fail_on: &'a [String],
    /// The same, but only for what the earlier scan does not have.
    pub(super) fail_on_new: &'a [String],
    /// The earlier scan.
    pub(super) previous: Option<&'a Report>,
    /// The most that may be saved per month.
    pub(super) fail_above: Option<Money>,
    /// `true` if parts that could not be read do not matter.
    pub(super) allow_partial: bool,
}

/// Something that `--fail-on` may ask about, and what makes it the same in two scans.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct AskedAbout<'a> {
    code: &'a str,
    severity: Option<Severity>,
    subject: &'a str,
    scope: Option<(&'a str, &'a str)>,
    reader: Option<&'a str>,
}

impl AskedAbout<'_> {
    fn fits(&self, word: &str) -> bool {
        let severe = Severity::of(word).zip(self.severity);
        self.code == word || severe.is_some_and(|(asked, found)| found <= asked)
    }
}

/// The reasons of all verdicts, and the findings that are not muted.
fn asked_about(report: &Report) -> impl Iterator<Item = AskedAbout<'_>> {
    let reasons = report.secrets.iter().flat_map(|row| {
        row.reasons.iter().map(|reason| AskedAbout {
            code: reason.code.as_str(),
            severity: None,
            subject: row.arn.as_str(),
            scope: None,
            reader: None,
        })
    });
    let findings = report.open_findings().map(|finding| AskedAbout {
        code: finding.code.as_str(),
        severity: Some(finding.severity),
        subject: finding
            .arn
            .as_ref()
            .map_or(finding.name.as_str(), SecretArn::as_str),
        scope: finding
            .account
            .as_ref()
            .zip(finding.region.as_ref())
            .map(|(account, region)| (account.as_str(), region.as_str())),
        reader: finding.reader.as_deref(),
    });
    reasons.chain(findings)
}

/// Returns how a finished scan ends: a finding that was asked about first, then what could not be read.
pub(super) fn exit(report: &Report, asked: &ExitConditions<'_>) -> Exit {
    let too_much = asked
        .fail_above
        .is_some_and(|limit| report.totals.savings_usd > limit);
    let fits = |found: &AskedAbout<'_>, words: &[String]| words.iter().any(|word| found.fits(word));
    let known: BTreeSet<AskedAbout<'_>> =
        asked.previous.into_iter().flat_map(asked_about).collect();
    let is_asked_about = asked_about(report).any(|found| {
        fits(&found, asked.fail_on) || (fits(&found, asked.fail_on_new) && !known.contains(&found))
    });
    let over_budget = report.over_budget().next().is_some();
    if too_much || is_asked_about || over_budget {
        Exit::Found
    } else if !report.gaps.is_empty() && !asked.allow_partial {
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
        Format::Xlsx => report::OutputFormat::Xlsx,
    }
}

/// The version of FOCUS that the view asks for.
pub(super) fn focus(view: &View) -> FocusVersion {
    match view.focus_version.unwrap_or_default() {
        FocusNumber::V1_0 => FocusVersion::V1_0,
        FocusNumber::V1_2 => FocusVersion::V1_2,
        FocusNumber::V1_3 => FocusVersion::V1_3,
    }
}

/// Returns how text for people looks on this stdout.
pub(super) fn style() -> Style {
    if Term::is_styled() {
        Style::Colour
    } else {
        Style::Plain
    }
}

/// Returns how many columns text for people has: those of the terminal within reason, and elsewhere what a summary has
/// in a file.
pub(super) fn columns() -> usize {
    Term::columns().map_or(text::COLUMNS, |columns| columns.min(WIDEST))
}

/// The widest text: on a wider terminal the eye loses the line.
const WIDEST: usize = 160;

/// The number of groups that a table shows if nothing is said.
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

/// The report of a finished scan.
pub(super) fn json_report(folder: &Path) -> Result<Report> {
    Ok(store::read_report(folder, json::read)?)
}

/// The earlier scan that the view compares with: the same secrets of it, or what the view leaves out would be gone.
pub(super) fn previous(view: &View) -> Result<Option<Report>> {
    let Some(dir) = &view.previous else {
        return Ok(None);
    };
    let report = store::read_report(dir, json::read)?;
    Ok(Some(select(report, &selection(view))))
}
