//! `report`: a finished scan, rendered again.

use crate::run::output::{exit, format_of, previous, selected, selecting_options, show};

use std::path::Path;

use anyhow::Result;

use super::bill;
use crate::Exit;
use crate::cli::{Format, ReportArgs};
use crate::domain::pricing::bill::Reconciliation;
use crate::domain::report::result::Report;
use crate::files::store::{self, Overwrite};
use crate::report::estimates::FILE as ESTIMATES;
use crate::report::{self, json, reconciliation};
use crate::term::Term;

/// Runs `report`.
pub(super) fn run(args: &ReportArgs, term: &Term) -> Result<Exit> {
    let report = store::read_report(&args.dir, json::read)?;
    let report = selected(report, &args.view)?;
    let beside = Beside {
        // Read also for what does not show it: a name that is written wrong is not passed over.
        previous: previous(&args.view)?,
        bill: bill::reconciliation(&args.view, &report)?,
    };
    match &args.out {
        Some(out) => write(args, &report, &beside, out, term)?,
        None => print(args, &report, &beside, term)?,
    }
    // What could not be read was said by the scan; rendering it again reads but the bill anew.
    let exit = exit(&report, &args.fail_on, args.fail_above, true);
    Ok(bill::exit(exit, beside.bill.as_ref()))
}

/// What a report is shown beside.
struct Beside {
    previous: Option<Report>,
    bill: Option<Reconciliation>,
}

/// Writes files to a folder.
fn write(
    args: &ReportArgs,
    report: &Report,
    beside: &Beside,
    out: &Path,
    term: &Term,
) -> Result<()> {
    let overwrite = if args.overwrite {
        Overwrite::Yes
    } else {
        Overwrite::No
    };
    let formats: Vec<_> = args.format.iter().copied().map(format_of).collect();
    let mut files = report::files(report, beside.previous.as_ref(), &formats);
    files.extend(beside.bill.iter().flat_map(bill::files));
    for path in store::write(out, &files, overwrite)? {
        term.say(&format!("wrote {}", path.display()));
    }
    let has = |wanted: &str| files.iter().any(|(name, _)| *name == wanted);
    if args.format.contains(&Format::Csv) && !has(ESTIMATES) {
        // It would speak of another scan than the tables beside it.
        store::take_away(out, ESTIMATES)?;
    }
    Ok(())
}

/// Prints to stdout.
fn print(args: &ReportArgs, report: &Report, beside: &Beside, term: &Term) -> Result<()> {
    for format in &args.format {
        match format {
            Format::Text => {
                let options = selecting_options(&args.view);
                let text = show(report, &args.view, &args.dir, &[], options);
                Term::data(text.as_bytes())?;
            }
            Format::Csv => Term::data(&report::csv::secrets(report))?,
            other => {
                let previous = beside.previous.as_ref();
                for (_, write) in report::files(report, previous, &[format_of(*other)]) {
                    let mut bytes = Vec::new();
                    write(&mut bytes)?;
                    Term::data(&bytes)?;
                }
            }
        }
    }
    if let Some(bill) = &beside.bill {
        let table = reconciliation::text(bill);
        if args.format.iter().all(|format| *format == Format::Text) {
            Term::data(table.as_bytes())?;
        } else {
            // A program reads stdout: a table behind its document would make it unreadable.
            term.say(table.trim_end());
        }
    }
    Ok(())
}
