//! `apply`: checks a plan against AWS, and carries it out with `--execute`.

mod outcome;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};

use self::outcome::{likely, row};
use super::gaps;
use super::journal;
use super::recent_calls::{RecentCalls, Since, history};
use super::show::{OUTCOMES, Table, item, paragraph, table};
use super::shown;
use super::{
    RunClock, TOOL, accounts, block_on, on_blocking_thread, open, read_plan, read_policy,
    unless_stopped,
};
use crate::Exit;
use crate::aws::AwsSession;
use crate::cleanup::apply::{
    self, ApplyContext, ApplyOptions, ApplySummary, LineOutcome, LineResult, Replicas,
};
use crate::cleanup::watch::{pending, requesters};
use crate::cli::ApplyArgs;
use crate::domain::base::money::counted;
use crate::domain::base::names::{AccountId, SecretArn};
use crate::domain::base::reader_kind::name_of;
use crate::domain::cleanup::journal::JournalState;
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::domain::cleanup::plan::{Blocked, Guards, Plan};
use crate::domain::policy::Policy;
use crate::ports::RecentReads;
use crate::run::cleanup::callers::{caller_sentence, restore_command};
use crate::run::way_out::helpful;
use crate::term::Term;

/// Runs `apply`.
pub(crate) fn run(args: &ApplyArgs, term: &Term) -> Result<Exit> {
    let Some(plan) = read_plan(&args.plan)? else {
        term.say("The plan has no lines: nothing is to be deleted.");
        return Ok(Exit::Done);
    };
    if plan.to_delete().next().is_none() {
        term.say("Every line of the plan says `keep`: nothing is to be deleted.");
        return Ok(Exit::Done);
    }
    let job = ApplyJob {
        clock: RunClock::before_aws(args.moment)?,
        journal: journal::of_plan(args.journal.as_ref(), &args.plan),
        policy: read_policy(args.policy.as_ref())?,
        terms: terms(args),
        plan,
        args,
        term,
    };
    block_on(async |stop| job.run(stop).await)
}

fn terms(args: &ApplyArgs) -> ApplyOptions {
    ApplyOptions {
        tag: args.tag.clone(),
        replicas: if args.remove_replicas {
            Replicas::Remove
        } else {
            Replicas::Refuse
        },
        pace: args.write_pace.map_or_else(
            || Duration::from_secs(1) / u32::from(args.rate),
            Duration::from_millis,
        ),
        patience: Duration::from_secs(2),
        tool: TOOL.to_owned(),
    }
}

struct ApplyJob<'a> {
    args: &'a ApplyArgs,
    clock: RunClock,
    plan: Plan,
    journal: JournalLocation,
    policy: Policy,
    terms: ApplyOptions,
    term: &'a Term,
}

impl ApplyJob<'_> {
    async fn run(&self, stop: &AtomicBool) -> Result<Exit> {
        // What needs no AWS to be refused is refused before AWS is asked.
        let known = journal::before_aws(&self.journal)?;
        belongs(&known, &self.plan, &self.journal)?;
        self.refuse(&self.guards(&self.plan.accounts(), &known))?;
        let session = open(&self.args.login, self.clock, stop).await?;
        let reading = Box::pin(journal::read(&self.journal, &session));
        let found = unless_stopped(stop, reading).await??;
        if self.args.execute && found.is_none() {
            self.warn_of_local_journal();
        }
        let state = found.unwrap_or_default();
        belongs(&state, &self.plan, &self.journal)?;
        let ours = accounts(&session, &self.args.login, self.plan.accounts());
        let blocked = self.guards(&ours, &state);
        self.refuse(&blocked)?;
        let gaps = gaps::beside(&self.args.plan, self.plan.planned_at);
        if !gaps.is_empty() {
            self.term.say(gaps.trim_end());
        }
        // What the history says decides, so it is read before anybody confirms.
        let recent = unless_stopped(stop, self.look_up(&session)).await?;
        if self.args.execute {
            self.confirm(stop).await?;
        }
        let ours = self.ours(&session);
        let since = recent
            .as_ref()
            .map(|recent| Since::new(recent, &self.plan.id, &self.policy, &ours));
        let now = || self.clock.now();
        let world = ApplyContext {
            vault: &session,
            reads: since.as_ref().map(|since| since as &dyn RecentReads),
            policy: &self.policy,
            clock: &now,
            stop,
        };
        let mut text = String::new();
        let summary = if self.args.execute {
            self.execute(&session, world).await?
        } else {
            let summary = self.check(&state, world).await;
            let rows: Vec<Vec<String>> = summary.lines.iter().map(row).collect();
            text.push_str(&table(&OUTCOMES, &rows));
            summary
        };
        text.push_str(&self.sum_up(&summary, recent.as_ref(), &blocked));
        let asked = match &recent {
            None => String::new(),
            Some(recent) => {
                let state = journal::read(&self.journal, &session).await?;
                self.still_requested(&summary, recent, &state.unwrap_or_default())
            }
        };
        text.push_str(&asked);
        let printed = Term::data(text.as_bytes());
        if let Some(error) = &summary.stopped {
            bail!(
                "stopped, because the journal {} cannot be written: {error}",
                self.journal
            );
        }
        Ok(shown(
            printed,
            match exit(summary.exit_code()) {
                Exit::Done | Exit::Partial if !asked.is_empty() => Exit::Asked,
                // Everything was checked, and still `--execute` would do nothing.
                Exit::Done if !blocked.is_empty() => Exit::Partial,
                // Nothing is known of who asks for what was deleted before.
                Exit::Done
                    if recent
                        .as_ref()
                        .is_some_and(|recent| !recent.gaps.is_empty()) =>
                {
                    Exit::Partial
                }
                other => other,
            },
        ))
    }

    /// The names of the roles and users that act for this run.
    fn ours(&self, session: &AwsSession) -> BTreeSet<String> {
        let caller = &session.caller().arn;
        // Of a session, `arn:aws:sts::account:assumed-role/role/session`, the role.
        let role = caller.split_once(":assumed-role/");
        let own = role.map_or_else(
            || name_of(caller),
            |(_, rest)| rest.split('/').next().unwrap_or(rest),
        );
        let entered = self.args.login.role_name.as_deref().map(name_of);
        let names = std::iter::once(own).chain(entered);
        names.map(str::to_owned).collect()
    }

    /// Returns who asks for what an earlier run of this plan deleted, as `watch` says it; empty if nobody was seen to.
    fn still_requested(
        &self,
        summary: &ApplySummary,
        recent: &RecentCalls,
        state: &JournalState,
    ) -> String {
        let before: BTreeSet<&SecretArn> = summary
            .lines
            .iter()
            .filter(|line| matches!(line.outcome, LineOutcome::DoneBefore { .. }))
            .map(|line| &line.arn)
            .collect();
        let mut pending = pending(state);
        pending.retain(|one| before.contains(&one.arn));
        let requesters = requesters(&pending, &recent.accesses, &self.policy);
        if requesters.is_empty() {
            return String::new();
        }
        let mut text = "\nStill requested after the deletion:\n".to_owned();
        for requester in &requesters {
            text.push_str(&item("  ", &caller_sentence(requester)));
        }
        text.push_str(&restore_command(
            &requesters,
            &self.journal,
            &self.args.login,
        ));
        text
    }

    /// Everything that forbids carrying out the plan.
    fn guards(&self, accounts: &BTreeSet<AccountId>, state: &JournalState) -> Vec<Blocked> {
        let guards = Guards {
            max_deletions: self.args.max_deletions,
            max_percent: self.args.max_percent,
            ..Guards::default()
        };
        guards.check(&self.plan, self.clock.now(), state.last, accounts)
    }

    /// Refuses the plan as a whole, with every reason. Without `--execute` nothing is changed, so what only forbids
    /// carrying it out is said at the end instead.
    fn refuse(&self, blocked: &[Blocked]) -> Result<()> {
        let refuses = |one: &&Blocked| self.args.execute || !one.allows_checking();
        let reasons: Vec<String> = blocked
            .iter()
            .filter(refuses)
            .map(ToString::to_string)
            .collect();
        if reasons.is_empty() {
            return Ok(());
        }
        let helps: Vec<&str> = blocked
            .iter()
            .filter(refuses)
            .map(Blocked::way_out)
            .collect();
        Err(helpful(reasons.join("\n"), helps.join("\n")))
    }

    /// Somebody has to name the accounts: on a terminal by typing them, elsewhere with `--yes`.
    async fn confirm(&self, stop: &AtomicBool) -> Result<()> {
        let named: BTreeSet<AccountId> = self.args.yes.iter().cloned().collect();
        let wanted = self.plan.accounts();
        for account in wanted.difference(&named) {
            let count = self
                .plan
                .to_delete()
                .filter(|line| line.arn.scope().account == *account)
                .count();
            let question = format!(
                "{} of account {account} are to be scheduled for deletion.\nType the account id to go on: ",
                counted(count as u64, "secret", "secrets")
            );
            let answer =
                unless_stopped(stop, on_blocking_thread(move || Term::ask(&question))).await??;
            match answer? {
                Some(answer) if answer.trim() == account.as_str() => {}
                Some(_) => bail!("that is not the account id: nothing was done"),
                None => {
                    return Err(helpful(
                        "there is no terminal to confirm on",
                        format!("allow deletions in this account with `--yes {account}`"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Reads who asked for something since the scan, where the plan's secrets and their replicas stand.
    async fn look_up(&self, session: &AwsSession) -> Option<RecentCalls> {
        if self.args.no_lookup {
            return None;
        }
        let secrets: BTreeSet<SecretArn> = self
            .plan
            .to_delete()
            .flat_map(|line| {
                let replicas = line.seal.replicas.iter();
                let replicas = replicas.filter_map(|region| line.arn.in_region(region).ok());
                std::iter::once(line.arn.clone()).chain(replicas)
            })
            .collect();
        let budget = self.args.lookup_budget;
        self.term
            .say("Looking up the calls for these secrets since the scan");
        let (from, now) = (self.plan.planned_at, self.clock.now());
        let recent = history(session, &secrets, from, now, budget, self.term).await;
        self.report_lookup_gaps(&recent);
        Some(recent)
    }

    /// Says in CI, before anything is done, that the journal is a file that goes with the runner.
    fn warn_of_local_journal(&self) {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        if in_ci && matches!(self.journal, JournalLocation::File(_)) {
            self.term.say(&format!(
                "The journal {} is a new file on this runner. Without it, no later run knows what this one did: keep it as an artifact of the job, or in a bucket with `--journal s3://BUCKET/KEY`.",
                self.journal
            ));
        }
    }

    /// Says what could not be looked up, before anybody confirms.
    fn report_lookup_gaps(&self, recent: &RecentCalls) {
        if recent.gaps.is_empty() {
            return;
        }
        let mut text = paragraph("The calls since the scan could not be looked up completely:");
        for (scope, why) in &recent.gaps {
            let prefix = scope.as_ref().map(|scope| format!("{scope}: "));
            text.push_str(&item("  ", &format!("{}{why}", prefix.unwrap_or_default())));
        }
        if self.args.execute {
            text.push_str(&paragraph(
                "Secrets in these places are refused. To continue without this check, add `--no-lookup`.",
            ));
        }
        self.term.say(text.trim_end());
    }

    async fn check(&self, state: &JournalState, world: ApplyContext<'_>) -> ApplySummary {
        let (status, checked) = (self.term.status(), AtomicUsize::new(0));
        let lines = self.plan.to_delete().count();
        let progress = |done: &LineResult| {
            let checked = checked.fetch_add(1, Ordering::Relaxed) + 1;
            status.show(&format!(
                "checked {checked} of {lines}: {}",
                done.arn.name()
            ));
        };
        let summary = apply::check(&self.plan, state, world, &self.terms, &progress).await;
        status.finish();
        summary
    }

    async fn execute(&self, session: &AwsSession, world: ApplyContext<'_>) -> Result<ApplySummary> {
        let (mut journal, state) = journal::open(&self.journal, session).await?;
        belongs(&state, &self.plan, &self.journal)?;
        let caller = &session.caller().arn;
        // The columns are laid out before the first line is done, for the longest that may come.
        let likely: Vec<Vec<String>> = self.plan.to_delete().map(likely).collect();
        let table = Table::fitted(&OUTCOMES, &likely);
        // A closed pipe must not end a run that has begun.
        let show = |line: &str| drop(Term::data(line.as_bytes()));
        show(&table.header(&OUTCOMES));
        let progress = |done: &LineResult| show(&table.row(&row(done)));
        let (plan, terms) = (&self.plan, &self.terms);
        Ok(apply::execute(plan, state, &mut *journal, caller, world, terms, &progress).await)
    }
}

fn belongs(state: &JournalState, plan: &Plan, journal: &JournalLocation) -> Result<()> {
    match &state.plan {
        Some(other) if *other != plan.id => Err(helpful(
            format!(
                "the journal {journal} belongs to plan `{other}`, and this is `{}`",
                plan.id
            ),
            "name another journal with `--journal`",
        )),
        _ => Ok(()),
    }
}

pub(super) fn exit(code: u8) -> Exit {
    match code {
        0 => Exit::Done,
        3 => Exit::Partial,
        _ => Exit::Failed,
    }
}
