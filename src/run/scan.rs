//! `scan`: inventory and trail in, a result folder and a summary out.
//!
//! The way of a scan, top to bottom: [`run`] calls [`report`], in which files or AWS fill ledgers; [`judge`] merges these
//! into one and has it analysed, which builds the groups of secrets once; [`finish`] writes the report and gives the
//! summary to show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};

use super::Misuse;
use super::bill::{self, BillAccess};
use super::engine::{self, EngineTrail};
use super::interrupt::InterruptWatch;
use super::live::LiveSession;
use super::output::{ExitConditions, exit, focus, format_of, previous, selected, show};
use super::scan_paths::{OUT, folder, named_paths_exist, usable_folders};
use super::scan_plan::{ScanPlan, scan_defaults};
use super::shown;
use super::sources::{ScanData, log_groups};
use super::way_out::helpful;
use crate::Exit;
use crate::aws::bucket::Location;
use crate::cli::{ScanArgs, TrailSource, View};
use crate::domain::analysis::{Input, TrailInput, VersionAnswers, analyse};
use crate::domain::base::money::counted;
use crate::domain::base::names::SecretArn;
use crate::domain::pricing::bill::reconcile;
use crate::domain::reach::IamReader;
use crate::domain::report::result::Report;
use crate::domain::trail::dedup::REMEMBERED_DAYS;
use crate::domain::trail::ledger::Ledger;
use crate::files::cache::Cache;
use crate::files::store::{self, Overwrite};
use crate::report::estimates::FILE as ESTIMATES;
use crate::report::reach::FILE as REACH;
use crate::report::showback::FILE as OWNERS;
use crate::report::{Companions, OutputFormat, files, reconciliation};
use crate::term::Term;

/// Runs `scan`: reads files and AWS, judges what they hold, and writes and shows the result.
pub(super) fn run(args: ScanArgs, term: &Term) -> Result<Exit> {
    let file = scan_defaults(args.judging.policy.as_deref())?;
    let args = &args.or(file);
    args.complete()
        .map_err(|(what, help)| Misuse::new(what, help))?;
    let mut plan = ScanPlan::new(&args.judging)?;
    if args.print_sql {
        return engine::print_sql(&plan, args);
    }
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
    let out = args.out.as_deref().unwrap_or(Path::new(OUT));
    let out = folder(out, plan.now, again);
    // What is wrong with the earlier scan is said before the long work.
    let previous = previous(&args.view)?;
    named_paths_exist(args)?;
    store::prepare(&out, again)?;
    // Read before the long work, so that what is wrong with it is said at once.
    let access = BillAccess {
        profile: args.live.profile.as_deref(),
        request_payer: args.live.request_payer,
    };
    let charged = bill::read(&args.view, plan.spans.window, access, term)?;
    plan.notes = bill::pay(&mut plan, args.judging.prices.as_ref(), charged.as_ref())?;
    let interrupts = InterruptWatch::start(args.live.cache.as_deref(), &out, term)?;
    let report = report(&plan, args, &interrupts, term)?;
    let report = selected(report, &args.view)?;
    drop(interrupts);
    let formats: Vec<OutputFormat> = FORMATS
        .into_iter()
        .chain(args.format.iter().map(|format| format_of(*format)))
        .collect();
    let previous = previous.as_ref();
    let bill = charged.map(|bill| reconcile(&report, &bill));
    let beside = Companions {
        previous,
        bill: bill.as_ref(),
        focus: focus(&args.view),
    };
    let summary = finish(&report, beside, &formats, &out, overwrite, &args.view)?;
    let told = Term::data(summary.as_bytes());
    let asked = ExitConditions {
        fail_on: &args.fail_on,
        fail_on_new: &args.fail_on_new,
        previous,
        fail_above: args.fail_above,
        allow_partial: args.allow_partial,
    };
    let exit = exit(&report, &asked);
    let exit = if args.allow_partial {
        exit
    } else {
        bill::exit(exit, bill.as_ref())
    };
    Ok(shown(told, exit))
}

/// Everything that is asked for, from files or from AWS, judged.
fn report(
    plan: &ScanPlan,
    args: &ScanArgs,
    interrupts: &InterruptWatch,
    term: &Term,
) -> Result<Report> {
    let counted = engine::trail(&args.trail)?;
    let (mut folders, buckets) = sources(&args.trail)?;
    if counted.is_some() {
        folders.clear();
    } else if args.scan_limit.is_some() {
        let why = "`--scan-limit` is for a table of Athena or Trino";
        return Err(Misuse::new(why, "leave it out, or name a table with `--trail`").into());
    }
    if args.live.save.is_some()
        && let Some(group) = log_groups(&args.trail).next()
    {
        return Err(helpful(
            format!("`--save` cannot keep what `--trail {group}` reads"),
            "scan the log group without `--save`, or save a scan of the trail's bucket",
        ));
    }
    usable_folders(&args.live)?;
    let cache = args.live.cache.as_deref();
    let cache = cache.map(|folder| Arc::new(Cache::new(&folder.join("trail"))));
    let mut gathered = ScanData::judged_by(&plan.policy);
    let is_counted_in_aws = counted.as_ref().is_some_and(EngineTrail::is_in_aws);
    let asks_aws =
        is_counted_in_aws || log_groups(&args.trail).next().is_some() || !buckets.is_empty();
    let session = if args.inventory.is_empty() || asks_aws {
        let cache = cache.as_ref();
        let session = LiveSession::read(plan, args, &buckets, cache, &mut gathered, term)?;
        Some(session)
    } else {
        gathered.inventory_files(&args.inventory)?;
        None
    };
    let trail = if args.no_trail {
        TrailInput::Declined
    } else {
        TrailInput::Given
    };
    if !args.iam.is_empty() {
        gathered.iam_files(&args.iam);
    }
    if let Some(trail) = counted {
        let session = session.as_ref();
        trail.read(plan, args, session, &mut gathered, interrupts, term)?;
    }
    if !folders.is_empty() {
        let cache = cache.as_deref();
        gathered.trail_files(&folders, plan.bounds(), plan.threads, cache, term);
    }
    if let Some(trouble) = cache.as_deref().and_then(Cache::trouble) {
        // The scan is right without it, but the next one is no faster.
        term.say(&format!("the cache could not be written: {trouble}"));
    }
    Ok(judge(plan, gathered, trail, |doubtful| match &session {
        Some(session) => session.versions(doubtful, term),
        None => VersionAnswers::default(),
    }))
}

/// Judges what was gathered. `versions` is called once, as [`analyse`] says.
pub(super) fn judge(
    plan: &ScanPlan,
    mut gathered: ScanData,
    trail: TrailInput,
    versions: impl FnOnce(&dyn Fn() -> Vec<SecretArn>) -> VersionAnswers,
) -> Report {
    let mut iam = gathered.iam.take().map(IamReader::finished);
    if let Some(data) = &mut iam {
        gathered.gaps.append(&mut data.gaps);
    }
    let mut ledger = gathered.ledger(plan.bounds());
    for other in gathered.ledgers {
        ledger.merge(other);
    }
    let mut notes = plan.notes.clone();
    notes.extend(gathered.notes);
    notes.extend(counted_twice(&ledger));
    if let Some(month) = plan.month.filter(|month| !month.is_over(plan.now)) {
        notes.push(format!(
            "The month {month} is not over: its cost is that until {}.",
            plan.spans.window.to
        ));
    }
    let mut account_names = gathered.account_names;
    account_names.extend(plan.policy.accounts.clone());
    let (accesses, coverage) = ledger.into_accesses();
    let input = Input {
        secrets: gathered.secrets,
        accesses: &accesses,
        coverage: &coverage,
        trail,
        spans: plan.spans,
        policy: &plan.policy,
        iam: iam.as_ref(),
        gaps: gathered.gaps,
        scopes: gathered.scopes,
        now: plan.now,
        tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        caller: gathered.caller,
        account_names,
        month: plan.month.map(|month| month.to_string()),
        notes,
    };
    analyse(input, versions)
}

/// The formats that every scan writes.
pub(super) const FORMATS: [OutputFormat; 3] =
    [OutputFormat::Json, OutputFormat::Csv, OutputFormat::Html];

/// Writes the result, with what it is shown beside, and gives the summary to show.
pub(super) fn finish(
    report: &Report,
    beside: Companions<'_>,
    formats: &[OutputFormat],
    out: &Path,
    overwrite: Overwrite,
    view: &View,
) -> Result<String> {
    let mut written = files(report, beside, formats);
    written.extend(beside.bill.into_iter().flat_map(bill::files));
    store::write(out, &written, overwrite)?;
    for name in [ESTIMATES, REACH, OWNERS] {
        if !written.iter().any(|(one, _)| *one == name) {
            store::take_away(out, name)?;
        }
    }
    let names: Vec<String> = written.iter().map(|(name, _)| (*name).to_owned()).collect();
    drop(written);
    // The folder holds the selected secrets alone, so that its plan needs no selection.
    let mut summary = show(report, view, out, &names, String::new());
    if let Some(bill) = beside.bill {
        summary.push_str(&reconciliation::text(bill));
    }
    Ok(summary)
}

/// Sentences about events that came more than once, or may have.
fn counted_twice(ledger: &Ledger) -> impl Iterator<Item = String> {
    let copies = (ledger.duplicates > 0).then(|| {
        let times = counted(ledger.duplicates, "event came", "events came");
        format!("{times} more than once (two trails, two files) and were counted once.")
    });
    let late = (ledger.late > 0).then(|| {
        let times = counted(ledger.late, "event was", "events were");
        format!(
            "{times} delivered more than {REMEMBERED_DAYS} days late: if a copy of one was delivered in time, it is \
             counted twice."
        )
    });
    copies.into_iter().chain(late)
}

/// The folders and the buckets of a trail.
fn sources(trail: &[TrailSource]) -> Result<(Vec<PathBuf>, Vec<Location>)> {
    let (mut folders, mut buckets) = (Vec::new(), Vec::new());
    for source in trail {
        match source {
            TrailSource::Files(path) => folders.push(path.clone()),
            TrailSource::Bucket(location) => {
                buckets.push(location.parse().map_err(|error: String| anyhow!(error))?);
            }
            TrailSource::LogGroup(_) | TrailSource::Athena(_) | TrailSource::Trino(_) => {}
        }
    }
    Ok((folders, buckets))
}
