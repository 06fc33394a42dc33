//! `watch`: who still asks for secrets that are pending deletion.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use super::super::scan::clock;
use super::heard::{Heard, history, trail};
use super::restore::{Which, show as show_restored, take_back};
use super::show::{counted, day, left, place, table};
use super::{block_on, open, read_journal, read_policy};
use crate::Exit;
use crate::cli::WatchArgs;
use crate::domain::names::{Scope, SecretArn};
use crate::files::journal::beside;
use crate::report::escape::one_line;
use crate::term::Term;
use crate::watch::{Asker, Pending, asked, pending};

/// Runs `watch`.
pub(crate) fn run(args: &WatchArgs, term: &Term) -> Result<Exit> {
    let journal = match (&args.journal, &args.plan) {
        (Some(journal), _) => journal.clone(),
        (None, Some(plan)) => beside(plan),
        (None, None) => bail!("name a plan or a journal"),
    };
    if !journal.exists() {
        bail!(
            "there is no journal {}: nothing was applied",
            journal.display()
        );
    }
    let pending = pending(&read_journal(&journal)?);
    if pending.is_empty() {
        term.say("Nothing is pending deletion, by this journal.");
        return Ok(Exit::Done);
    }
    let policy = read_policy(args.policy.as_ref())?;
    let now = clock();
    let from = start(args, &pending, now)?;
    block_on(async |stop| {
        let heard = listen(args, &pending, from, now).await?;
        let askers = asked(&pending, &heard.accesses, &policy);
        Term::data(show(&pending, &askers, &heard, from, now).as_bytes())?;
        if args.restore && !askers.is_empty() {
            give_back(args, &journal, &askers, stop, term).await?;
        }
        Ok(if !askers.is_empty() {
            Exit::Asked
        } else if heard.gaps.is_empty() {
            Exit::Done
        } else {
            Exit::Partial
        })
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
    from: Timestamp,
    now: Timestamp,
) -> Result<Heard> {
    if !args.trail.is_empty() {
        return Ok(trail(&args.trail, from, now));
    }
    let session = open(&args.login).await?;
    let scopes: BTreeSet<Scope> = pending
        .iter()
        .flat_map(|one| std::iter::once(&one.arn).chain(&one.replicas))
        .map(|arn| arn.scope().clone())
        .collect();
    Ok(history(&session, &scopes, from, now, args.lookup_budget).await)
}

async fn give_back(
    args: &WatchArgs,
    journal: &Path,
    asked_by: &[Asker],
    stop: &AtomicBool,
    term: &Term,
) -> Result<()> {
    let secrets: BTreeSet<SecretArn> = asked_by.iter().map(|one| one.arn.clone()).collect();
    let session = open(&args.login).await?;
    let which = Which::These(secrets.into_iter().collect());
    let summary = take_back(&session, journal, which, stop).await?;
    Term::data(b"\n")?;
    show_restored(&summary, term)?;
    match &summary.stopped {
        Some(error) => bail!(
            "stopped, because the journal {} cannot be written: {error}",
            journal.display()
        ),
        None if summary.exit_code() != 0 => bail!("not everything could be taken back"),
        None => Ok(()),
    }
}

fn show(
    pending: &[Pending],
    askers: &[Asker],
    heard: &Heard,
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
            vec![
                one.arn.name().to_owned(),
                place(&one.arn),
                left(one.left(now)),
                day(one.deletion),
                calls.to_string(),
            ]
        })
        .collect();
    let header = ["PENDING", "WHERE", "LEFT", "GONE ON", "ASKED FOR"];
    text.push_str(&table(&header, &rows));
    if askers.is_empty() {
        let _ = writeln!(
            text,
            "\nNobody has asked since {from}, as far as it was heard."
        );
    } else {
        let rows: Vec<Vec<String>> = askers.iter().map(row).collect();
        let header = ["ASKED FOR", "CALLS", "LAST", "WHAT", "KIND", "READER"];
        text.push('\n');
        text.push_str(&table(&header, &rows));
        let _ = writeln!(
            text,
            "\n{} still asked for.",
            counted(
                askers
                    .iter()
                    .map(|asker| &asker.arn)
                    .collect::<BTreeSet<_>>()
                    .len(),
                "secret is",
                "secrets are"
            )
        );
    }
    text.push_str(
        "Silence is no proof: DescribeSecret still works on a pending secret, so a client that has the value in memory asks again only when it starts next. Events come up to 20 minutes late.\n",
    );
    for (scope, gap) in &heard.gaps {
        let place = scope
            .as_ref()
            .map(|scope| format!("{scope}: "))
            .unwrap_or_default();
        let _ = writeln!(text, "Not heard: {place}{}", one_line(gap));
    }
    text
}

fn row(asker: &Asker) -> Vec<String> {
    vec![
        asker.arn.name().to_owned(),
        asker.calls.to_string(),
        asker.last.to_string(),
        format!("{} {}", asker.what, asker.how.in_words()),
        format!("{} ({})", asker.kind.as_str(), asker.client),
        asker.reader.clone(),
    ]
}
