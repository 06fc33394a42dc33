//! `report`: a finished scan, rendered again.

use crate::run::output::{
    ExitConditions, exit, focus, format_of, previous, selected, selecting_options, show,
};

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::bill::{self, BillAccess};
use crate::Exit;
use crate::cli::{Format, ReportArgs, SplitBy};
use crate::domain::base::money::counted;
use crate::domain::pricing::bill::{Reconciliation, reconcile};
use crate::domain::report::result::Report;
use crate::files::store::{self, Overwrite};
use crate::report::estimates::FILE as ESTIMATES;
use crate::report::reach::FILE as REACH;
use crate::report::select::{owned_by, owners};
use crate::report::showback::FILE as OWNERS;
use crate::report::{self, Companions, json, reconciliation};
use crate::term::Term;

/// Runs `report`.
pub(super) fn run(args: &ReportArgs, term: &Term) -> Result<Exit> {
    let report = store::read_report(&args.dir, json::read)?;
    let report = selected(report, &args.view)?;
    let beside = Beside {
        // Read also for what does not show it: a name that is written wrong is not passed over.
        previous: previous(&args.view)?,
        bill: bill::read(&args.view, report.window, BillAccess::default(), term)?
            .map(|bill| reconcile(&report, &bill)),
    };
    match &args.out {
        Some(out) if args.split_by == Some(SplitBy::Owner) => by_owner(args, &report, out, term)?,
        Some(out) => write(args, &report, &beside, out, term)?,
        None => print(args, &report, &beside, term)?,
    }
    // What could not be read was said by the scan; rendering it again reads but the bill anew.
    let asked = ExitConditions {
        fail_on: &args.fail_on,
        fail_on_new: &args.fail_on_new,
        previous: beside.previous.as_ref(),
        fail_above: args.fail_above,
        allow_partial: true,
    };
    let exit = exit(&report, &asked);
    Ok(bill::exit(exit, beside.bill.as_ref()))
}

/// The earlier report and the bill that a report is shown beside.
struct Beside {
    previous: Option<Report>,
    bill: Option<Reconciliation>,
}

impl Beside {
    fn companions(&self, args: &ReportArgs) -> Companions<'_> {
        Companions {
            previous: self.previous.as_ref(),
            bill: self.bill.as_ref(),
            focus: focus(&args.view),
        }
    }
}

/// Writes a folder for each owner.
fn by_owner(args: &ReportArgs, report: &Report, out: &Path, term: &Term) -> Result<()> {
    let overwrite = if args.overwrite {
        Overwrite::Yes
    } else {
        Overwrite::No
    };
    let formats: Vec<_> = match args.format.as_slice() {
        // The default, which is for a terminal.
        [Format::Text] => vec![Format::Html, Format::Csv],
        asked => asked.to_vec(),
    };
    let formats: Vec<_> = formats.into_iter().map(format_of).collect();
    let owners: BTreeSet<Option<&str>> = owners(report).into_values().collect();
    for (owner, name) in folders(&owners) {
        let part = owned_by(report, owner);
        let folder = out.join(name);
        let beside = Companions {
            focus: focus(&args.view),
            ..Companions::default()
        };
        store::write(&folder, &report::files(&part, beside, &formats), overwrite)?;
        let secrets = counted(part.totals.secrets, "secret", "secrets");
        term.say(&format!("wrote {}: {secrets}", folder.display()));
    }
    Ok(())
}

/// A name of a folder for each owner. Owners are text of other people, so only letters, digits and dashes stay; owners that
/// become alike get a number.
fn folders<'a>(owners: &BTreeSet<Option<&'a str>>) -> Vec<(Option<&'a str>, String)> {
    let mut taken = BTreeSet::new();
    let name = |owner: Option<&str>| {
        let Some(owner) = owner else {
            return "no-owner".to_owned();
        };
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        };
        let name: String = owner.chars().map(plain).take(60).collect();
        match name.trim_matches('-') {
            "" => "owner".to_owned(),
            name => name.to_owned(),
        }
    };
    let unique = |owner: Option<&'a str>| {
        let base = name(owner);
        let mut unique = base.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{base}-{number}");
            number += 1;
        }
        (owner, unique)
    };
    owners.iter().copied().map(unique).collect()
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
    let mut files = report::files(report, beside.companions(args), &formats);
    files.extend(beside.bill.iter().flat_map(bill::files));
    for path in store::write(out, &files, overwrite)? {
        term.say(&format!("wrote {}", path.display()));
    }
    let has = |wanted: &str| files.iter().any(|(name, _)| *name == wanted);
    for name in [ESTIMATES, REACH, OWNERS] {
        if args.format.contains(&Format::Csv) && !has(name) {
            // It would speak of another scan than the tables beside it.
            store::take_away(out, name)?;
        }
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
            Format::Csv => Term::bytes(&report::csv::secrets(report))?,
            other => {
                let beside = beside.companions(args);
                for (_, write) in report::files(report, beside, &[format_of(*other)]) {
                    let mut bytes = Vec::new();
                    write(&mut bytes)?;
                    Term::bytes(&bytes)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_that_look_alike_have_folders_of_their_own() {
        let owners = [
            None,
            Some("../x"),
            Some("Team A"),
            Some("no-owner"),
            Some("team-a"),
            Some("日本"),
        ];
        let folders: Vec<String> = folders(&owners.into_iter().collect())
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        assert_eq!(
            folders,
            ["no-owner", "x", "team-a", "no-owner-2", "team-a-2", "owner"]
        );
    }
}
