//! `trend`: the finished scans of calendar months below a folder, side by side.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::output::json_report;
use super::way_out::helpful;
use crate::Exit;
use crate::cli::{TrendArgs, TrendFormat};
use crate::domain::base::money::counted;
use crate::domain::base::month::Month;
use crate::files::scans;
use crate::files::store::{self, Overwrite};
use crate::report::{RenderContent, trend as render};
use crate::term::Term;
use crate::trend::{Trend, TrendBuilder, month_of};

/// Runs `trend`.
pub(super) fn run(args: &TrendArgs, term: &Term) -> Result<Exit> {
    let folders = scans::scans_below(&args.dir)?;
    let months = months(&folders, term)?;
    if months.is_empty() {
        return Err(helpful(
            format!(
                "`{}` holds {}, and none of a calendar month",
                args.dir.display(),
                counted(folders.len() as u64, "finished scan", "finished scans")
            ),
            format!(
                "scan with `--month YYYY-MM --out {}/YYYY-MM`",
                args.dir.display()
            ),
        ));
    }
    let mut builder = TrendBuilder::default();
    for (_, folder) in months.values() {
        builder.add(json_report(folder)?);
    }
    let Some(trend) = builder.finish() else {
        bail!("`{}` holds no scan of a calendar month", args.dir.display());
    };
    show(args, &trend, term)?;
    Ok(Exit::Done)
}

/// The folder of each month: of several scans of a month the latest. The others, and scans of sliding windows, are named.
fn months(folders: &[PathBuf], term: &Term) -> Result<BTreeMap<Month, (Timestamp, PathBuf)>> {
    let mut months: BTreeMap<Month, (Timestamp, PathBuf)> = BTreeMap::new();
    for folder in folders {
        let report = json_report(folder)?;
        let Some(month) = month_of(&report) else {
            term.say(&format!(
                "`{}` is skipped, because its window is not a calendar month",
                folder.display()
            ));
            continue;
        };
        let this = (report.made, folder.clone());
        let Some(other) = months.insert(month, this.clone()) else {
            continue;
        };
        let (later, earlier) = if other > this {
            (other, this)
        } else {
            (this, other)
        };
        term.say(&format!(
            "`{}` is left out: `{}` is a later scan of {month}",
            earlier.1.display(),
            later.1.display()
        ));
        months.insert(month, later);
    }
    Ok(months)
}

fn show(args: &TrendArgs, trend: &Trend, term: &Term) -> Result<()> {
    let name = match args.format {
        TrendFormat::Text => "trend.txt",
        TrendFormat::Csv => "trend.csv",
        TrendFormat::Json => "trend.json",
        TrendFormat::Html => "trend.html",
    };
    let bytes = match args.format {
        TrendFormat::Text => render::text(trend).into_bytes(),
        TrendFormat::Csv => render::csv(trend),
        TrendFormat::Json => render::json(trend),
        TrendFormat::Html => render::html(trend)?,
    };
    let Some(out) = &args.out else {
        Term::data(&bytes)?;
        return Ok(());
    };
    let content: RenderContent<'_> = Box::new(move |file| file.write_all(&bytes));
    for path in store::write(Path::new(out), &[(name, content)], Overwrite::Yes)? {
        term.say(&format!("wrote {}", path.display()));
    }
    Ok(())
}
