//! `watch`: who still asks for secrets that are pending deletion.

use crate::run::cleanup::callers::{caller_sentence, way_out};

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use super::recent_calls::{RecentCalls, history, trail};
use super::restore::{Which, in_words, take_back, written};
use super::show::{day, item, left, paragraph, place, table};
use super::{RunClock, aside, block_on, journal, open, read_policy, shown, unless_stopped};
use crate::Exit;
use crate::cleanup::restore::RestoreSummary;
use crate::cleanup::watch::{Asker, Pending, asked, pending};
use crate::cli::WatchArgs;
use crate::domain::base::money::counted;
use crate::domain::base::names::SecretArn;
use crate::domain::cleanup::journal::{JournalState, Phase};
use crate::domain::cleanup::journal_place::JournalPlace;
use crate::domain::cleanup::precondition::whole_seconds;
use crate::term::Term;

/// Runs `watch`.
pub(crate) fn run(args: &WatchArgs, term: &Term) -> Result<Exit> {
    let journal = match (&args.journal, &args.plan) {
        (Some(journal), _) => journal.clone(),
        (None, Some(plan)) => JournalPlace::beside(plan),
        (None, None) => bail!("name a plan or a journal"),
    };
    let policy = read_policy(args.policy.as_ref())?;
    let is_object = matches!(journal, JournalPlace::Object(_));
    let asks_aws = args.trail.is_empty() || args.restore || is_object;
    let clock = if asks_aws {
        RunClock::before_aws(args.moment)?
    } else {
        RunClock::of(args.moment)
    };
    let now = clock.now();
    block_on(async |stop| {
        let loading = Box::pin(journal::load(&journal, &args.login, clock, stop));
        let Some(book) = unless_stopped(stop, loading).await?? else {
            bail!("there is no journal {journal}: nothing was applied");
        };
        let pending = pending(&book);
        if pending.is_empty() {
            term.say("Nothing is pending deletion, by this journal.");
            return Ok(Exit::Done);
        }
        let from = start(args, &pending, now)?;
        let heard = unless_stopped(
            stop,
            Box::pin(listen(args, &pending, (from, clock), term, stop)),
        )
        .await??;
        let askers = asked(&pending, &heard.accesses, &policy);
        let mut text = show(&pending, &askers, &heard, from, now);
        text.push_str(&open_lines(&book));
        if !args.restore && !askers.is_empty() {
            text.push_str(&way_out(&askers, &journal, &args.login));
        }
        // Whoever waits for a secret waits for no terminal: first it is taken back, then it is told.
        let back = if args.restore && !askers.is_empty() {
            Some(give_back(args, &journal, &askers, clock, stop, term).await)
        } else {
            None
        };
        if let Some(Ok(back)) = &back {
            let _ = write!(text, "\n{}", in_words(back));
        }
        let told = Term::data(text.as_bytes());
        if let Some(back) = back {
            whole(&back?, &journal)?;
        }
        let exit = if !askers.is_empty() {
            Exit::Asked
        } else if heard.gaps.is_empty() {
            Exit::Done
        } else {
            Exit::Partial
        };
        Ok(shown(told, exit))
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

async fn listen(
    args: &WatchArgs,
    pending: &[Pending],
    (from, clock): (Timestamp, RunClock),
    term: &Term,
    stop: &AtomicBool,
) -> Result<RecentCalls> {
    let now = clock.now();
    if !args.trail.is_empty() {
        let (roots, pending, term) = (args.trail.clone(), pending.to_vec(), term.clone());
        return aside(move || trail(&roots, &pending, from, now, &term)).await;
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
    journal: &JournalPlace,
    asked_by: &[Asker],
    clock: RunClock,
    stop: &AtomicBool,
    term: &Term,
) -> Result<RestoreSummary> {
    let secrets: BTreeSet<SecretArn> = asked_by.iter().map(|one| one.arn.clone()).collect();
    let session = open(&args.login, clock, stop).await?;
    let which = Which::These(secrets.into_iter().collect());
    take_back(&session, journal, which, clock, stop, term).await
}

/// Fails unless everything was taken back.
fn whole(back: &RestoreSummary, journal: &JournalPlace) -> Result<()> {
    written(back, journal)?;
    if back.exit_code() != 0 {
        bail!("not everything could be taken back");
    }
    Ok(())
}

fn show(
    pending: &[Pending],
    askers: &[Asker],
    heard: &RecentCalls,
    from: Timestamp,
    now: Timestamp,
) -> String {
    let mut text = String::new();
    let rows: Vec<Vec<String>> = pending
        .iter()
        .map(|one| {
            let calls: u64 = askers
                .iter()
                .filter(|asker| asker.arn == one.arn)
                .map(|asker| asker.calls)
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
                place(&one.arn),
                window,
            ]
        })
        .collect();
    let header = ["ASKED FOR", "PENDING", "WHERE", "TO TAKE IT BACK"];
    text.push_str(&table(&header, &rows));
    text.push('\n');
    if askers.is_empty() {
        text.push_str(&paragraph(&format!(
            "Nobody has asked for {} from {} to {}, by what could be read.",
            if pending.len() == 1 { "it" } else { "them" },
            whole_seconds(from),
            whole_seconds(now)
        )));
    } else {
        for asker in askers {
            text.push_str(&item("  ", &caller_sentence(asker)));
        }
        let secrets: BTreeSet<&SecretArn> = askers.iter().map(|asker| &asker.arn).collect();
        text.push('\n');
        text.push_str(&paragraph(&format!(
            "{} still asked for.",
            counted(secrets.len() as u64, "secret is", "secrets are")
        )));
    }
    text.push_str(&paragraph(
        "Silence is no proof: DescribeSecret still works on a pending secret, so a client that has the value in memory asks again only when it starts next. Events come up to 20 minutes late.",
    ));
    for (scope, gap) in &heard.gaps {
        let place = scope
            .as_ref()
            .map(|scope| format!("{scope}: "))
            .unwrap_or_default();
        text.push_str(&paragraph(&format!("Not heard: {place}{gap}")));
    }
    text
}

/// Deletions of which nobody knows whether AWS has them.
fn open_lines(book: &JournalState) -> String {
    let standings = book.secrets.values();
    let open = standings.filter(|standing| standing.phase == Phase::Deleting);
    match open.count() {
        0 => String::new(),
        count => paragraph(&format!(
            "{} cut off: whether AWS has the deletion is not known. Run `apply` again; it asks.",
            counted(count as u64, "of them was", "of them were")
        )),
    }
}
