//! `apply`: checks a plan against AWS, and carries it out with `--execute`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::heard::{Heard, Since, history};
use super::show::{OUTCOMES, Table, command, day, item, paragraph, place, saving, table, tally};
use super::shown;
use super::{
    Clock, TOOL, accounts, aside, block_on, login_words, open, path_word, read_journal, read_plan,
    read_policy, unless_stopped,
};
use crate::Exit;
use crate::apply::{self, Done, Outcome, Replicas, Summary, Terms, World};
use crate::aws::Session;
use crate::cli::ApplyArgs;
use crate::domain::journal::Book;
use crate::domain::money::counted;
use crate::domain::names::{AccountId, Region, SecretArn};
use crate::domain::plan::{Guards, Line, Plan};
use crate::domain::policy::Policy;
use crate::files::journal::{JournalFile, beside};
use crate::ports::Reads;
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
    let job = Job {
        clock: Clock::before_aws(args.moment)?,
        journal: args.journal.clone().unwrap_or_else(|| beside(&args.plan)),
        policy: read_policy(args.policy.as_ref())?,
        terms: terms(args),
        plan,
        args,
        term,
    };
    block_on(async |stop| job.run(stop).await)
}

fn terms(args: &ApplyArgs) -> Terms {
    Terms {
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

struct Job<'a> {
    args: &'a ApplyArgs,
    clock: Clock,
    plan: Plan,
    journal: PathBuf,
    policy: Policy,
    terms: Terms,
    term: &'a Term,
}

impl Job<'_> {
    async fn run(&self, stop: &AtomicBool) -> Result<Exit> {
        let book = read_journal(&self.journal)?;
        belongs(&book, &self.plan, &self.journal)?;
        // What needs no AWS to be refused is refused before AWS is asked.
        self.guard(&self.plan.accounts(), &book)?;
        let session = open(&self.args.login, self.clock, stop).await?;
        let ours = accounts(&session, &self.args.login, self.plan.accounts());
        self.guard(&ours, &book)?;
        if self.args.execute {
            self.confirm(stop).await?;
        }
        let heard = unless_stopped(stop, self.listen(&session)).await?;
        let since = heard.as_ref().map(|heard| Since::new(heard, &self.policy));
        let now = || self.clock.now();
        let world = World {
            vault: &session,
            reads: since.as_ref().map(|since| since as &dyn Reads),
            policy: &self.policy,
            clock: &now,
            stop,
        };
        let mut text = String::new();
        let summary = if self.args.execute {
            self.execute(&session, world).await?
        } else {
            let summary = self.check(&book, world).await;
            let rows: Vec<Vec<String>> = summary.lines.iter().map(row).collect();
            text.push_str(&table(&OUTCOMES, &rows));
            summary
        };
        text.push_str(&self.sum_up(&summary));
        let told = Term::data(text.as_bytes());
        if let Some(error) = &summary.stopped {
            bail!(
                "stopped, because the journal {} cannot be written: {error}",
                self.journal.display()
            );
        }
        Ok(shown(told, exit(summary.exit_code())))
    }

    /// Refuses the plan as a whole, with every reason.
    fn guard(&self, accounts: &BTreeSet<AccountId>, book: &Book) -> Result<()> {
        let guards = Guards {
            max_deletions: self.args.max_deletions,
            max_percent: self.args.max_percent,
            ..Guards::default()
        };
        let blocked = guards.check(&self.plan, self.clock.now(), book.last, accounts);
        if blocked.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = blocked.iter().map(ToString::to_string).collect();
        bail!("{}", reasons.join("\n"))
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
            let answer = unless_stopped(stop, aside(move || Term::ask(&question))).await??;
            match answer? {
                Some(answer) if answer.trim() == account.as_str() => {}
                Some(_) => bail!("that is not the account id: nothing was done"),
                None => bail!(
                    "nobody is there to confirm: `--yes {account}` says that the secrets of this account may be deleted"
                ),
            }
        }
        Ok(())
    }

    /// Reads who asked for something since the scan, where the plan's secrets and their replicas stand.
    async fn listen(&self, session: &Session) -> Option<Heard> {
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
            .say("Looking up who asked for these secrets since the scan");
        let (from, now) = (self.plan.planned_at, self.clock.now());
        let heard = history(session, &secrets, from, now, budget, self.term).await;
        self.tell_unheard(&heard);
        Some(heard)
    }

    /// Says before the first deletion what could not be looked up: it is the last moment to stop.
    fn tell_unheard(&self, heard: &Heard) {
        if heard.gaps.is_empty() {
            return;
        }
        let mut text = paragraph("Who asked since the scan could not be looked up in full:");
        for (scope, why) in &heard.gaps {
            let place = scope.as_ref().map(|scope| format!("{scope}: "));
            text.push_str(&item("  ", &format!("{}{why}", place.unwrap_or_default())));
        }
        if self.args.execute {
            text.push_str(&paragraph(
                "What is checked besides is still checked, and the deletions go on. Ctrl-C stops them.",
            ));
        }
        self.term.say(text.trim_end());
    }

    async fn check(&self, book: &Book, world: World<'_>) -> Summary {
        let (status, checked) = (self.term.status(), AtomicUsize::new(0));
        let lines = self.plan.to_delete().count();
        let progress = |done: &Done| {
            let checked = checked.fetch_add(1, Ordering::Relaxed) + 1;
            status.show(&format!(
                "checked {checked} of {lines}: {}",
                done.arn.name()
            ));
        };
        let summary = apply::check(&self.plan, book, world, &self.terms, &progress).await;
        status.finish();
        summary
    }

    async fn execute(&self, session: &Session, world: World<'_>) -> Result<Summary> {
        let (mut journal, book) = JournalFile::open(&self.journal)?;
        belongs(&book, &self.plan, &self.journal)?;
        let caller = &session.caller().arn;
        // The columns are laid out before the first line is done, for the longest that may come.
        let likely: Vec<Vec<String>> = self.plan.to_delete().map(likely).collect();
        let table = Table::fitted(&OUTCOMES, &likely);
        // A closed pipe must not end a run that has begun.
        let show = |line: &str| drop(Term::data(line.as_bytes()));
        show(&table.header(&OUTCOMES));
        let progress = |done: &Done| show(&table.row(&row(done)));
        let (plan, terms) = (&self.plan, &self.terms);
        Ok(apply::execute(plan, book, &mut journal, caller, world, terms, &progress).await)
    }

    fn sum_up(&self, summary: &Summary) -> String {
        let mut text = String::new();
        let count = |which: fn(&Outcome) -> bool| summary.count(which);
        let parts = [
            (
                count(|one| matches!(one, Outcome::WouldDelete { .. })),
                "would be deleted",
            ),
            (
                count(|one| matches!(one, Outcome::Deleted { .. })),
                "deleted",
            ),
            (
                count(|one| matches!(one, Outcome::DoneBefore { .. })),
                "deleted before",
            ),
            (count(|one| matches!(one, Outcome::Refused(_))), "refused"),
            (count(|one| matches!(one, Outcome::Failed(_))), "failed"),
            (count(|one| *one == Outcome::Skipped), "not tried"),
        ];
        let goes: fn(&Outcome) -> bool = |one| {
            matches!(
                one,
                Outcome::WouldDelete { .. } | Outcome::Deleted { .. } | Outcome::DoneBefore { .. }
            )
        };
        let _ = write!(text, "{}.", tally(&parts));
        if count(goes) > 0 {
            let saves = saving(summary.saves(goes), " a month");
            let _ = write!(text, " That saves {saves}.");
        }
        text = paragraph(&text);
        text.insert(0, '\n');
        text.push_str(&paragraph(&self.what_was_heard(summary, count(goes) > 0)));
        text.push_str(&self.what_next(summary));
        text
    }

    fn what_was_heard(&self, summary: &Summary, any: bool) -> String {
        if self.args.no_lookup {
            return "Who asked since the scan was not looked up (`--no-lookup`).".to_owned();
        }
        match &summary.unheard {
            Some(why) => {
                format!("Who asked since the scan could not be looked up in full ({why}).")
            }
            None if any => {
                "Nobody has asked for these since the scan, by the event history. That is no proof: events come up to 20 minutes late, and caching clients seldom ask.".to_owned()
            }
            None => String::new(),
        }
    }

    fn what_next(&self, summary: &Summary) -> String {
        let count = |which: fn(&Outcome) -> bool| summary.count(which);
        let mut text = String::from("\n");
        if !self.args.execute {
            text.push_str("Nothing was changed.");
            if count(|one| matches!(one, Outcome::WouldDelete { .. })) > 0 {
                text.push_str(" The same with `--execute` schedules the deletions.");
            }
            text.push('\n');
            return text;
        }
        let journal = &self.journal;
        text.push_str(&paragraph(&format!(
            "What was done stands in {}.",
            journal.display()
        )));
        let open: fn(&Outcome) -> bool = |one| matches!(one, Outcome::Failed(_) | Outcome::Skipped);
        if count(open) > 0 {
            text.push_str("Run the same again for what failed or was not tried.\n");
        }
        let mut words = path_word(&self.args.plan);
        if self.args.journal.is_some() {
            let _ = write!(words, " --journal {}", path_word(journal));
        }
        words.push_str(&login_words(&self.args.login));
        text.push_str("To see who still asks for what is deleted, and to take deletions back:\n");
        text.push_str(&command(&format!("secretsweep watch {words}")));
        text.push_str(&command(&format!("secretsweep restore {words}")));
        text
    }
}

fn belongs(book: &Book, plan: &Plan, journal: &Path) -> Result<()> {
    match &book.plan {
        Some(other) if *other != plan.id => bail!(
            "the journal {} belongs to plan `{other}`, and this is `{}`: name another with `--journal FILE`",
            journal.display(),
            plan.id
        ),
        _ => Ok(()),
    }
}

/// A row as wide as that of this line may become, but for its last cell.
fn likely(line: &Line) -> Vec<String> {
    let place = place(&line.arn);
    let longest = Outcome::DoneBefore {
        deletion: Timestamp::UNIX_EPOCH,
    };
    let what = longest.as_str().to_owned();
    vec![what, line.arn.name().to_owned(), place, String::new()]
}

fn row(done: &Done) -> Vec<String> {
    let until = |moment: Timestamp| format!("can be taken back until {}", day(moment));
    let detail = match &done.outcome {
        Outcome::WouldDelete {
            blocked_until,
            replicas,
        } => {
            let regions: Vec<&str> = replicas.iter().map(Region::as_str).collect();
            if regions.is_empty() {
                until(*blocked_until)
            } else {
                format!(
                    "{}; replicas gone at once: {}",
                    until(*blocked_until),
                    regions.join(", ")
                )
            }
        }
        Outcome::Deleted { deletion } | Outcome::DoneBefore { deletion } => until(*deletion),
        Outcome::Refused(why) | Outcome::Failed(why) => why.clone(),
        Outcome::Skipped => "the run was stopped before".to_owned(),
    };
    vec![
        done.outcome.as_str().to_owned(),
        done.arn.name().to_owned(),
        place(&done.arn),
        detail,
    ]
}

pub(super) fn exit(code: u8) -> Exit {
    match code {
        0 => Exit::Done,
        3 => Exit::Partial,
        _ => Exit::Failed,
    }
}
