//! The commands that act: planning deletions, applying, watching and taking them back.
//!
//! Each function reads its files, opens what it needs, calls the use case and shows the result. What decides whether a
//! secret may go stands in [`apply`](crate::cleanup::apply), not here.

mod apply;
mod callers;
mod gaps;
mod journal;
mod plan;
mod recent_calls;
mod restore;
mod review;
mod show;
mod status;
mod watch;

pub(super) use apply::run as apply;
pub(super) use plan::run as plan;
pub(super) use restore::run as restore;
pub(super) use review::run as review;
pub(super) use status::run as status;
pub(super) use watch::run as watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::scan_plan::clock;
use super::way_out::helpful;
use super::{session, shown};
use crate::aws::AwsSession;
use crate::cli::{AnalysisArgs, AwsArgs, NowArg};
use crate::domain::base::names::{AccountId, SecretArn};
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::domain::cleanup::plan::Plan;
use crate::domain::cleanup::plan_file;
use crate::domain::policy::Policy;
use crate::files::bounded::{ValueEnd, whole};
use crate::files::journal as journal_file;
use crate::report::text::shell;

/// Name and version of the tool, for journals.
const TOOL: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

pub(super) fn read_plan(path: &Path) -> Result<Option<Plan>> {
    let bytes = whole(path, ValueEnd::Line, LARGEST_PLAN)
        .with_context(|| format!("cannot read the plan `{}`", path.display()))?;
    plan_file::read(&bytes).with_context(|| format!("cannot use the plan `{}`", path.display()))
}

/// Refuses to change a plan that was applied.
fn refuse_applied(plan: &Path, help: &str) -> Result<()> {
    match JournalLocation::beside(plan) {
        JournalLocation::File(journal) if journal.exists() => Err(helpful(
            format!(
                "`{}` was already applied, as the journal beside it shows",
                plan.display()
            ),
            help,
        )),
        _ => Ok(()),
    }
}

/// Returns what the journal beside a plan says of a secret, if it says anything: its state, since when, and what to
/// know besides.
pub(super) fn standing(
    plan: &Path,
    arn: &SecretArn,
) -> Result<Option<(&'static str, Timestamp, String)>> {
    let JournalLocation::File(path) = JournalLocation::beside(plan) else {
        return Ok(None);
    };
    if !path.exists() {
        return Ok(None);
    }
    let table = crate::cleanup::status::status(&journal_file::read(&path)?, clock());
    let row = table.rows.into_iter().find(|row| row.arn == *arn);
    Ok(row.map(|row| (row.state, row.since, row.note)))
}

/// The most that a plan may hold: a line takes about 500 bytes, and a plan has one for each secret at most.
const LARGEST_PLAN: u64 = 256 << 20;

/// The policy, for what it protects and whom it knows.
fn read_policy(path: Option<&PathBuf>) -> Result<Policy> {
    crate::run::scan_plan::policy(&AnalysisArgs {
        policy: path.cloned(),
        ..AnalysisArgs::default()
    })
}

/// The accounts that may be acted in: the caller's, and with a role to take those of the plan.
fn accounts(
    session: &AwsSession,
    login: &AwsArgs,
    wanted: BTreeSet<AccountId>,
) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::from([session.caller().account.clone()]);
    if login.role_name.is_some() {
        accounts.extend(wanted);
    }
    accounts
}

/// The words of a command line that reach AWS in the same way, each after a blank.
fn login_words(login: &AwsArgs) -> String {
    let words = [
        ("--profile", &login.profile),
        ("--role-name", &login.role_name),
        ("--external-id", &login.external_id),
    ];
    words
        .into_iter()
        .filter_map(|(option, value)| Some(format!(" {option} {}", shell(value.as_ref()?))))
        .collect()
}

/// A path as a word of a command line.
fn path_word(path: &Path) -> String {
    shell(&path.display().to_string())
}

/// Opens the session, unless somebody asks to stop. At another time than the real one it reaches nothing but the service
/// that stands in for AWS.
async fn open(login: &AwsArgs, clock: RunClock, stop: &AtomicBool) -> Result<AwsSession> {
    let mut connect = session::connect(
        login.profile.as_deref(),
        login.role_name.as_deref(),
        login.external_id.as_deref(),
    );
    if clock.0.is_some() {
        connect.endpoint = Some(session::stand_in()?);
    }
    unless_stopped(stop, Box::pin(session::open(connect))).await?
}

/// The time of one run.
#[derive(Clone, Copy)]
struct RunClock(Option<Timestamp>);

impl RunClock {
    /// The clock of a command that asks no AWS.
    fn of(moment: NowArg) -> Self {
        Self(moment.now)
    }

    /// The clock of a command that asks AWS: the real one. A wrong time would let an old plan through.
    fn before_aws(moment: NowArg) -> Result<Self> {
        if moment.now.is_some() {
            session::stand_in()?;
        }
        Ok(Self(moment.now))
    }

    fn now(self) -> Timestamp {
        self.0.unwrap_or_else(crate::run::scan_plan::clock)
    }
}

/// Runs a command to its end. The flag is set by Ctrl-C, a request to terminate or a closed terminal; who insists ends the
/// program at once.
fn block_on<T>(work: impl AsyncFnOnce(&AtomicBool) -> Result<T>) -> Result<T> {
    let (stop, insisting) = (Arc::default(), Arc::default());
    catch_signals(&stop, &insisting).context("cannot listen for Ctrl-C")?;
    run_until(&stop, &insisting, work)
}

fn run_until<T>(
    stop: &Arc<AtomicBool>,
    insisting: &Arc<AtomicBool>,
    work: impl AsyncFnOnce(&AtomicBool) -> Result<T>,
) -> Result<T> {
    let runtime = session::runtime()?;
    let (asked, armed) = (Arc::clone(stop), Arc::clone(insisting));
    runtime.spawn(async move {
        stopped(&asked).await;
        tokio::time::sleep(ONE_WISH).await;
        armed.store(true, Ordering::Relaxed);
    });
    let done = runtime.block_on(work(stop));
    // What was left behind, such as a question that nobody answers, must not hold up the end.
    runtime.shutdown_background();
    done
}

/// Signals within this time are one wish: a terminal that closes and `timeout` send theirs twice.
const ONE_WISH: Duration = Duration::from_millis(500);

/// The first flag is set in the moment of the signal, not when a task gets its turn: no further line may be begun after it.
/// A signal that finds the second one set does what it does to any program.
fn catch_signals(stop: &Arc<AtomicBool>, insisting: &Arc<AtomicBool>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_default};

    #[cfg(unix)]
    let signals = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
    #[cfg(not(unix))]
    let signals = [SIGINT, SIGTERM];
    for signal in signals {
        register_conditional_default(signal, Arc::clone(insisting))?;
        register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

/// Sets how long it takes at most to see that somebody asks to stop while nothing is being written.
const GLANCE: Duration = Duration::from_millis(50);

/// Waits until somebody asks to stop.
async fn stopped(stop: &AtomicBool) {
    let mut glance = tokio::time::interval(GLANCE);
    while !stop.load(Ordering::Relaxed) {
        glance.tick().await;
    }
}

/// Runs a future that changes nothing, to its end or until somebody asks to stop.
async fn unless_stopped<T>(stop: &AtomicBool, work: impl Future<Output = T>) -> Result<T> {
    tokio::select! {
        done = work => Ok(done),
        () = stopped(stop) => bail!("stopped: nothing was changed"),
    }
}

/// Does what would keep the thread from seeing anything else: asking on a terminal, reading files. Who does not wait for
/// it any more leaves it behind.
async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("a part of the program has failed")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_request_to_stop_waits_for_nothing_that_is_done_aside() {
        let (answer, question) = mpsc::channel::<()>();
        let (stop, insisting) = (Arc::default(), Arc::default());
        let done: Result<()> = run_until(&stop, &insisting, async |stop| {
            stop.store(true, Ordering::Relaxed);
            let work = on_blocking_thread(move || question.recv().unwrap_or_default());
            unless_stopped(stop, work).await?
        });
        assert_eq!(
            done.unwrap_err().to_string(),
            "stopped: nothing was changed"
        );
        drop(answer);
    }
}
