//! `demo`: writes the example organization and scans it, through the same path as real files.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::scan::{FORMATS, finish, judge};
use super::shown;
use super::way_out::helpful;
use crate::Exit;
use crate::cli::{AnalysisArgs, DemoArgs};
use crate::demo::{self, Edition};
use crate::domain::analysis::{TrailInput, VersionAnswers};
use crate::domain::pricing::bill::reconcile;
use crate::files::store::Overwrite;
use crate::report::Companions;
use crate::run::bill::{self, BillAccess};
use crate::run::output::{focus, previous, selected};
use crate::run::scan_plan::{ScanPlan, clock};
use crate::run::sources::ScanData;
use crate::term::Term;

/// A file of the example that no other folder has: it shows that a folder may be written over.
const MARK: &str = ".secretsweep-demo";

/// Runs `demo`.
pub(super) fn run(args: &DemoArgs, term: &Term) -> Result<Exit> {
    let previous = previous(&args.view)?;
    // The organization lives until today: a plan that is made of it must not be too old to be applied.
    let day = Edition::of_day(args.now.unwrap_or_else(clock));
    let edition = if args.hostile {
        day.with_hostile_names()
    } else {
        day
    };
    write(&args.dir, edition)?;
    term.say(&format!(
        "Wrote an example organization to `{}`, with two accounts, three Regions and 90 days of calls.\n",
        args.dir.display()
    ));
    let plan = ScanPlan::new(&AnalysisArgs {
        now: Some(edition.now()),
        // The example's own, so that a policy file that happens to lie here changes nothing.
        policy: Some(args.dir.join("secretsweep.toml")),
        ..AnalysisArgs::default()
    })?;
    let mut gathered = ScanData::judged_by(&plan.policy);
    gathered.inventory_files(&[args.dir.join("inventory")])?;
    gathered.iam_files(&[args.dir.join("iam")]);
    gathered.trail_files(
        &[args.dir.join("trail")],
        plan.bounds(),
        plan.threads,
        None,
        term,
    );
    let report = judge(&plan, gathered, TrailInput::Given, |_| {
        VersionAnswers::default()
    });
    let report = selected(report, &args.view)?;
    let bill = bill::read(&args.view, report.window, BillAccess::default(), term)?
        .map(|bill| reconcile(&report, &bill));
    let beside = Companions {
        previous: previous.as_ref(),
        bill: bill.as_ref(),
        focus: focus(&args.view),
    };
    let summary = finish(
        &report,
        beside,
        &FORMATS,
        &args.dir.join("report"),
        Overwrite::Yes,
        &args.view,
    )?;
    // The example has a hole in its trail on purpose: that is no failure.
    Ok(shown(Term::data(summary.as_bytes()), Exit::Done))
}

fn write(dir: &Path, edition: Edition) -> Result<()> {
    let is_ours = dir.join(MARK).exists();
    let is_empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if !is_ours && !is_empty {
        return Err(helpful(
            format!("`{}` holds something other than the example", dir.display()),
            "name an empty or a new folder, such as `secretsweep demo /tmp/demo`",
        ));
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
    std::fs::write(dir.join(MARK), "")
        .with_context(|| format!("cannot write to `{}`", dir.display()))?;
    let mut put = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes)
    };
    demo::write(edition, &mut put).with_context(|| {
        format!(
            "cannot write the example organization to `{}`",
            dir.display()
        )
    })
}
