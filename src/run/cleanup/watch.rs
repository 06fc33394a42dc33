//! `watch`: who still asks for secrets that are pending deletion.

use crate::run::cleanup::callers::{caller_sentence, restore_command};
use crate::run::way_out::helpful;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use super::recent_calls::{RecentCalls, history, trail};
use super::restore::{Which, in_words, take_back, written};
use super::show::{day, item, left, paragraph, scope_text, table};
use super::{
    RunClock, block_on, journal, on_blocking_thread, open, read_policy, shown, unless_stopped,
};
use crate::Exit;
use crate::cleanup::restore::RestoreSummary;
use crate::cleanup::watch::{Pending, Requester, pending, requesters};
use crate::cli::WatchArgs;
use crate::domain::base::money::counted;
use crate::domain::base::names::SecretArn;
use crate::domain::cleanup::journal::{JournalState, Phase};
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::domain::cleanup::precondition::whole_seconds;
use crate::term::Term;

/// Runs `watch`.
pub(crate) fn run(args: &WatchArgs, term: &Term) -> Result<Exit> {
    let journal = match (&args.journal, &args.plan) {
        (Some(journal), _) => journal.clone(),
        (None, Some(plan)) => JournalLocation::beside(plan),
        (None, None) => {
            return Err(helpful(
                "there is nothing to watch",
                "name a plan, or a journal with `--journal FILE`",
            ));
        }
    };
    let policy = read_policy(args.policy.as_ref())?;
    let is_object = matches!(journal, JournalLocation::Object(_));
    let asks_aws = args.trail.is_empty() || args.restore || is_object;
    let clock = if asks_aws {
        RunClock::before_aws(args.moment)?
    } else {
        RunClock::of(args.moment)
    };
    let now = clock.now();
    block_on(async |stop| {
        let loading = Box::pin(journal::load(&journal, &args.login, clock, stop));
        let Some(state) = unless_stopped(stop, loading).await?? else {
            return Err(helpful(
                format!("there is no journal {journal}: nothing was applied"),
                "if the journal is elsewhere, name it with `--journal FILE`",
            ));
        };
        let pending = pending(&state);
        if pending.is_empty() {
            term.say("According to this journal, nothing is pending deletion.");
            return Ok(Exit::Done);
        }
        let from = start(args, &pending, now)?;
        let recent = unless_stopped(
            stop,
            Box::pin(look_up(args, &pending, (from, clock), term, stop)),
        )
        .await??;
        let requesters = requesters(&pending, &recent.accesses, &policy);
        let mut text = show(&pending, &requesters, &recent, from, now);
        text.push_str(&open_lines(&state));
        if !args.restore && !requesters.is_empty() {
            text.push_str(&restore_command(&requesters, &journal, &args.login));
        }
        // Somebody is waiting for the secret, so it is restored before anything is printed.
        let back = if args.restore && !requesters.is_empty() {
            Some(give_back(args, &journal, &requesters, clock, stop, term).await)
        } else {
            None
        };
        if let Some(Ok(back)) = &back {
            let _ = write!(text, "\n{}", in_words(back));
        }
        let printed = Term::data(text.as_bytes());
        if let Some(back) = back {
            whole(&back?, &journal)?;
        }
        let exit = if !requesters.is_empty() {
            Exit::Asked
        } else if recent.gaps.is_empty() {
            Exit::Done
        } else {
            Exit::Partial
        };
        Ok(shown(printed, exit))
    })
}

/// From when on to look: what is asked for, else the first deletion.
fn start(args: &WatchArgs, pending: &[Pending], now: Timestamp) -> Result<Timestamp> {
    let Some(since) = args.since else {
        let first = pending.iter().map(|one| one.deleted).min();
        return Ok(first.unwrap_or(now));
    };
    SignedDuration::try_from(since)
        .ok()
        .and_then(|since| now.checked_sub(since).ok())
        .context("`--since` reaches before the calendar begins")
}

async fn look_up(
    args: &WatchArgs,
    pending: &[Pending],
    (from, clock): (Timestamp, RunClock),
    term: &Term,
    stop: &AtomicBool,
) -> Result<RecentCalls> {
    let now = clock.now();
    if !args.trail.is_empty() {
        let (roots, pending, term) = (args.trail.clone(), pending.to_vec(), term.clone());
        return on_blocking_thread(move || trail(&roots, &pending, from, now, &term)).await;
    }
    let session = open(&args.login, clock, stop).await?;
    let secrets: BTreeSet<SecretArn> = pending
        .iter()
        .flat_map(|one| std::iter::once(&one.arn).chain(&one.replicas))
        .cloned()
        .collect();
    Ok(history(&session, &secrets, from, now, args.lookup_budget, term).await)
}

/// Takes back what was asked for.
async fn give_back(
    args: &WatchArgs,
    journal: &JournalLocation,
    requested_by: &[Requester],
    clock: RunClock,
    stop: &AtomicBool,
    term: &Term,
) -> Result<RestoreSummary> {
    let secrets: BTreeSet<SecretArn> = requested_by.iter().map(|one| one.arn.clone()).collect();
    let session = open(&args.login, clock, stop).await?;
    let which = Which::These(secrets.into_iter().collect());
    take_back(&session, journal, which, clock, stop, term).await
}

/// Fails unless everything was taken back.
fn whole(back: &RestoreSummary, journal: &JournalLocation) -> Result<()> {
    written(back, journal)?;
    if back.exit_code() != 0 {
        bail!("not everything could be restored");
    }
    Ok(())
}

fn show(
    pending: &[Pending],
    requesters: &[Requester],
    recent: &RecentCalls,
    from: Timestamp,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    let rows: Vec<Vec<String>> = pending
        .iter()
        .map(|one| {
            let calls: u64 = requesters
                .iter()
                .filter(|requester| requester.arn == one.arn)
                .map(|requester| requester.calls)
                .sum();
            let (time, end) = (one.left(now), day(one.deletion));
            let window = if time.is_zero() {
                format!("too late: it ended on {end}")
            } else {
                format!("{} left, until {end}", left(time))
            };
            vec![
                calls.to_string(),
                one.arn.name().to_owned(),
                scope_text(&one.arn),
                window,
            ]
        })
        .collect();
    let header = ["REQUESTS", "SECRET", "WHERE", "RESTORE BY"];
    text.push_str(&table(&header, &rows));
    text.push('\n');
    if requesters.is_empty() {
        text.push_str(&paragraph(&format!(
            "No requests for {} from {} to {} in the events that could be read.",
            if pending.len() == 1 { "it" } else { "them" },
            whole_seconds(from),
            whole_seconds(now)
        )));
    } else {
        for requester in requesters {
            text.push_str(&item("  ", &caller_sentence(requester)));
        }
        let secrets: BTreeSet<&SecretArn> =
            requesters.iter().map(|requester| &requester.arn).collect();
        text.push('\n');
        text.push_str(&paragraph(&format!(
            "{} still requested.",
            counted(secrets.len() as u64, "secret is", "secrets are")
        )));
    }
    text.push_str(&paragraph(
        "This is no proof: DescribeSecret still works on a pending secret, and a client that has the value in memory reads it again only when it restarts. Events arrive up to 20 minutes late.",
    ));
    for (scope, gap) in &recent.gaps {
        let prefix = scope
            .as_ref()
            .map(|scope| format!("{scope}: "))
            .unwrap_or_default();
        text.push_str(&paragraph(&format!("Not looked up: {prefix}{gap}")));
    }
    text
}

/// Deletions of which nobody knows whether AWS has them.
fn open_lines(state: &JournalState) -> String {
    let secret_states = state.secrets.values();
    let open = secret_states.filter(|secret_state| secret_state.phase == Phase::Deleting);
    match open.count() {
        0 => String::new(),
        count => paragraph(&format!(
            "{} interrupted: it is not known whether AWS has scheduled the deletion. Run `apply` again to find out.",
            counted(count as u64, "of them was", "of them were")
        )),
    }
}
