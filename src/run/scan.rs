//! `scan`: inventory and trail in, a result folder and a summary out.

use crate::run::scan_plan::{ScanPlan, folders, log_cache, warn_cache};

use crate::run::output::{exit, selection};

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::bill;
use super::live;
use super::shown;
use crate::Exit;
use crate::cli::{ScanArgs, TrailSource, View};
use crate::domain::inventory::secret::day_of;
use crate::domain::pricing::bill::Reconciliation;
use crate::domain::report::result::Report;
use crate::files::store::{self, Overwrite};
use crate::report::estimates::FILE as ESTIMATES;
use crate::report::select::select;
use crate::report::{OutputFormat, files, reconciliation};
use crate::run::output::{format_of, previous, show};
use crate::term::Term;

/// Runs `scan`.
pub(super) fn run(args: &ScanArgs, term: &Term) -> Result<Exit> {
    let job = ScanPlan::new(&args.judging)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("reports").join(day_of(job.now).to_string()));
    let overwrite = if args.overwrite {
        Overwrite::Yes
    } else {
        Overwrite::No
    };
    // A scan of another moment is another scan; only with `--now` can the same one be written again.
    let again = if args.judging.now.is_some() {
        Overwrite::Yes
    } else {
        overwrite
    };
    // What is wrong with the earlier scan is said before the long work.
    let previous = previous(&args.view)?;
    named_paths_exist(args)?;
    store::prepare(&out, again)?;
    let in_bucket = |source: &TrailSource| matches!(source, TrailSource::Bucket(_));
    let report = if args.inventory.is_empty() || args.trail.iter().any(in_bucket) {
        live::scan(&job, args, term)?
    } else {
        let trail = folders(&args.trail);
        if let Some(folder) = &args.live.cache {
            live::usable(folder)?;
        }
        let cache = log_cache(args.live.cache.as_deref());
        let report = job.scan(
            &args.inventory,
            (!args.no_trail).then_some(trail.as_slice()),
            cache.as_ref(),
            term,
        )?;
        warn_cache(cache.as_ref(), term);
        report
    };
    let report = select(report, &selection(&args.view));
    let formats: Vec<OutputFormat> = FORMATS
        .into_iter()
        .chain(args.format.iter().map(|format| format_of(*format)))
        .collect();
    let previous = previous.as_ref();
    let (summary, bill) = finish(&report, previous, &formats, &out, overwrite, &args.view)?;
    let told = Term::data(summary.as_bytes());
    let exit = exit(&report, &args.fail_on, args.fail_above, args.allow_partial);
    let exit = if args.allow_partial {
        exit
    } else {
        bill::exit(exit, bill.as_ref())
    };
    Ok(shown(told, exit))
}

/// Refuses files and folders that are named and are not there, before anything is written: a mistyped name is no empty
/// trail.
fn named_paths_exist(args: &ScanArgs) -> Result<()> {
    let folders = folders(&args.trail);
    let trail = folders.iter().map(|path| ("--trail", path));
    let inventory = args.inventory.iter().map(|path| ("--inventory", path));
    for (option, path) in inventory.chain(trail) {
        if let Err(error) = std::fs::symlink_metadata(path)
            && error.kind() == std::io::ErrorKind::NotFound
        {
            bail!(
                "`{option} {}`: there is no such file or folder",
                path.display()
            );
        }
    }
    Ok(())
}

/// What every scan writes.
pub(super) const FORMATS: [OutputFormat; 3] =
    [OutputFormat::Json, OutputFormat::Csv, OutputFormat::Html];

/// Writes the result and gives the summary to show, and the comparison with the bill if there is one.
pub(super) fn finish(
    report: &Report,
    previous: Option<&Report>,
    formats: &[OutputFormat],
    out: &Path,
    overwrite: Overwrite,
    view: &View,
) -> Result<(String, Option<Reconciliation>)> {
    let bill = bill::reconciliation(view, report)?;
    let mut written = files(report, previous, formats);
    written.extend(bill.iter().flat_map(bill::files));
    store::write(out, &written, overwrite)?;
    if !written.iter().any(|(name, _)| *name == ESTIMATES) {
        store::take_away(out, ESTIMATES)?;
    }
    let names: Vec<String> = written.iter().map(|(name, _)| (*name).to_owned()).collect();
    drop(written);
    let mut summary = show(report, view, Some(out), &names);
    if let Some(bill) = &bill {
        summary.push_str(&reconciliation::text(bill));
    }
    Ok((summary, bill))
}
