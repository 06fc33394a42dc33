//! `report`: a finished scan, rendered again.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::scan::selection;
use crate::Exit;
use crate::cli::{Format, GroupBy, ReportArgs, View};
use crate::domain::report::Report;
use crate::domain::sums::Grouping;
use crate::files::store::{self, Overwrite};
use crate::report::select::select;
use crate::report::text::{self, Options, Style};
use crate::report::{self, json};
use crate::term::Term;

/// Runs `report`.
pub(super) fn run(args: &ReportArgs, term: &Term) -> Result<Exit> {
    let report = store::read_report(&args.dir, json::read)?;
    let report = select(report, &selection(&args.view));
    let previous = previous(&args.view)?;
    let formats: Vec<report::Format> = args
        .format
        .iter()
        .map(|format| format_of(*format))
        .collect();
    if let Some(out) = &args.out {
        let overwrite = if args.overwrite {
            Overwrite::Yes
        } else {
            Overwrite::No
        };
        for path in store::write(
            out,
            &report::files(&report, previous.as_ref(), &formats)?,
            overwrite,
        )? {
            term.say(&format!("wrote {}", path.display()));
        }
        return Ok(Exit::Done);
    }
    for format in formats {
        match format {
            report::Format::Text => {
                let shown = show(&report, &args.view, Some(&args.dir), &[], term);
                term.data(shown.as_bytes())?;
            }
            report::Format::Json => term.data(&json::write(&report))?,
            report::Format::Csv => term.data(&report::csv::secrets(&report))?,
            other => {
                for (_, bytes) in report::files(&report, previous.as_ref(), &[other])? {
                    term.data(&bytes)?;
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// The format that a word of the command line means.
pub(super) fn format_of(format: Format) -> report::Format {
    match format {
        Format::Text => report::Format::Text,
        Format::Json => report::Format::Json,
        Format::Csv => report::Format::Csv,
        Format::Html => report::Format::Html,
        Format::Focus => report::Format::Focus,
    }
}

/// The summary as the terminal shows it.
pub(super) fn show(
    report: &Report,
    view: &View,
    folder: Option<&Path>,
    files: &[String],
    term: &Term,
) -> String {
    text::summary(
        report,
        &Options {
            top: view.top,
            style: if term.is_styled() {
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

/// The earlier scan that the view compares with.
pub(super) fn previous(view: &View) -> Result<Option<Report>> {
    let read = |dir: &PathBuf| store::read_report(dir, json::read);
    Ok(view.previous.as_ref().map(read).transpose()?)
}
