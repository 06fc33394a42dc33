//! `restore`: takes deletions back.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Result, bail};

use super::apply::exit;
use super::show::{OUTCOMES, scope_text, table, tally};
use super::{RunClock, TOOL, block_on, journal, open, shown};
use crate::Exit;
use crate::aws::AwsSession;
use crate::cleanup::apply::ApplyContext;
use crate::cleanup::restore::{self, Author, Back, RestoreOutcome, RestoreSummary};
use crate::cli::{RestoreArgs, RestoreTarget};
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::domain::policy::Policy;
use crate::run::way_out::helpful;
use crate::term::Term;

/// The word that stands for the plan in a journal that has none.
const NO_PLAN: &str = "restore";

/// Runs `restore`.
pub(crate) fn run(args: &RestoreArgs, term: &Term) -> Result<Exit> {
    let mut secrets = Vec::new();
    let mut plans: Vec<&PathBuf> = Vec::new();
    for target in &args.targets {
        match target {
            RestoreTarget::Secret(arn) => secrets.push(arn.clone()),
            RestoreTarget::Plan(plan) => plans.push(plan),
        }
    }
    let journal = match (plans.as_slice(), &args.journal) {
        (_, Some(journal)) => journal.clone(),
        ([], None) => JournalLocation::File(PathBuf::from("restore.journal.jsonl")),
        ([plan], None) => JournalLocation::beside(plan),
        _ => {
            return Err(helpful(
                "more than one plan is named, and each has a journal of its own",
                "restore one plan at a time",
            ));
        }
    };
    let which = if plans.is_empty() {
        Which::These(secrets)
    } else if secrets.is_empty() {
        Which::All
    } else {
        return Err(helpful(
            "a plan and ARNs cannot be restored together",
            "name either; ARNs alone take their replicas from the journal that `--journal FILE` names",
        ));
    };
    let clock = RunClock::before_aws(args.moment)?;
    block_on(async |stop| {
        if let JournalLocation::File(path) = &journal
            && let [plan, ..] = plans.as_slice()
            && !path.exists()
        {
            if !plan.exists() {
                return Err(helpful(
                    format!("`{}` is neither a plan file nor an ARN", plan.display()),
                    "name the plan that was applied, or the full ARN of the secret",
                ));
            }
            return Err(no_journal(&journal));
        }
        let session = open(&args.login, clock, stop).await?;
        if matches!(which, Which::All) && journal::read(&journal, &session).await?.is_none() {
            return Err(no_journal(&journal));
        }
        let summary = take_back(&session, &journal, which, clock, stop, term).await?;
        if summary.secrets.is_empty() {
            term.say("There is nothing to restore.");
        }
        let printed = Term::data(in_words(&summary).as_bytes());
        written(&summary, &journal)?;
        Ok(shown(printed, exit(summary.exit_code())))
    })
}

fn no_journal(location: &JournalLocation) -> anyhow::Error {
    helpful(
        format!("there is no journal {location}: this plan was not applied"),
        "if its journal is elsewhere, name it with `--journal FILE`",
    )
}

/// The secrets of a journal that are to be restored.
pub(super) enum Which {
    /// Whatever it has as deleted.
    All,
    /// These.
    These(Vec<SecretArn>),
}

/// Takes deletions back, by the journal.
pub(super) async fn take_back(
    session: &AwsSession,
    journal: &JournalLocation,
    which: Which,
    clock: RunClock,
    stop: &AtomicBool,
    term: &Term,
) -> Result<RestoreSummary> {
    let (mut writer, state) = journal::open(journal, session).await?;
    let arns = match which {
        Which::All => restore::all(&state),
        Which::These(arns) => arns,
    };
    let plan = state.plan.clone().unwrap_or_else(|| NO_PLAN.to_owned());
    let policy = Policy::default();
    let now = || clock.now();
    let world = ApplyContext {
        vault: session,
        reads: None,
        policy: &policy,
        clock: &now,
        stop,
    };
    let author = Author {
        plan: &plan,
        caller: &session.caller().arn,
        tool: TOOL,
    };
    let (status, begun) = (term.status(), AtomicUsize::new(0));
    let progress = |arn: &SecretArn| {
        let begun = begun.fetch_add(1, Ordering::Relaxed) + 1;
        status.show(&format!(
            "restoring {begun} of {}: {}",
            arns.len(),
            arn.name()
        ));
    };
    let summary = restore::restore(&arns, state, &mut *writer, author, world, &progress).await;
    status.finish();
    Ok(summary)
}

/// Fails if the journal could not be written to the end.
pub(super) fn written(summary: &RestoreSummary, journal: &JournalLocation) -> Result<()> {
    if let Some(error) = &summary.stopped {
        bail!("stopped, because the journal {journal} cannot be written: {error}");
    }
    Ok(())
}

/// Returns what became of each.
pub(super) fn in_words(summary: &RestoreSummary) -> String {
    if summary.secrets.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = summary.secrets.iter().map(row).collect();
    let mut text = table(&OUTCOMES, &rows);
    let count = |which: fn(&RestoreOutcome) -> bool| {
        let secrets = summary.secrets.iter();
        secrets.filter(|back| which(&back.outcome)).count()
    };
    let parts = [
        (count(|one| *one == RestoreOutcome::Restored), "restored"),
        (
            count(|one| *one == RestoreOutcome::Already),
            "there already",
        ),
        (
            count(|one| matches!(one, RestoreOutcome::TooLate(_))),
            "too late",
        ),
        (
            count(|one| matches!(one, RestoreOutcome::Failed(_))),
            "failed",
        ),
        (count(|one| *one == RestoreOutcome::Skipped), "not tried"),
    ];
    let _ = write!(text, "\n{}.", tally(&parts));
    let again = |back: &Back| {
        !back.lost.is_empty()
            || back.tagged.is_some()
            || matches!(
                back.outcome,
                RestoreOutcome::Failed(_) | RestoreOutcome::Skipped
            )
    };
    if summary.secrets.iter().any(again) {
        text.push_str(" Run the same command again to retry what failed or was not tried.");
    }
    text.push('\n');
    text
}

fn row(back: &Back) -> Vec<String> {
    let mut details = Vec::new();
    if let Some(why) = back.outcome.why() {
        details.push(why.to_owned());
    }
    if !back.replicated.is_empty() {
        let regions: Vec<&str> = back.replicated.iter().map(Region::as_str).collect();
        details.push(format!("replicated again to {}", regions.join(", ")));
    }
    for (region, why) in &back.lost {
        details.push(format!("not replicated to {region}: {why}"));
    }
    details.extend(back.tagged.clone());
    vec![
        back.outcome.as_str().to_owned(),
        back.arn.name().to_owned(),
        scope_text(&back.arn),
        details.join("; "),
    ]
}
