//! Carrying out a plan: [`check`] says what would happen, [`execute`] does it.
//!
//! Both ask the same questions of each line (`examine`); only `execute` can write to AWS, and it
//! writes nothing that is not in the journal before. The protocol for one line, each step on disk before the next:
//! describe and check, `tagging`, tag, `tagged`, `removing-replicas`, remove, `removed-replicas`, `deleting`, delete,
//! `deleted`. A line that is refused or fails never stops the others. A journal that cannot be written stops them all.
//!
//! Killed anywhere, the next run reads the journal, asks AWS what became of an open intent, and goes on from there.

mod examine;
mod step;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::domain::base::money::Money;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::journal::{
    JournalEntry, JournalEvent, JournalState, JournalStep, Phase, SecretState,
};
use crate::domain::cleanup::plan::{Plan, PlanEntry};
use crate::domain::policy::Policy;
use crate::ports::{JournalWriter, RecentReads, Vault};
pub(crate) use examine::ours;
use examine::{Check, examine};

/// The ports, the policy, the clock and the signal that applying a plan works with.
#[derive(Clone, Copy)]
pub struct ApplyContext<'a> {
    /// The port by which secrets are acted on.
    pub vault: &'a dyn Vault,
    /// The port by which calls since the scan are looked up; `None`: there is none.
    pub reads: Option<&'a dyn RecentReads>,
    /// The policy, which says what is protected.
    pub policy: &'a Policy,
    /// The present moment.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Set when somebody asks to stop: the line in hand is finished.
    pub stop: &'a AtomicBool,
}

/// The options by which a plan is carried out.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// A tag to set before each deletion.
    pub tag: Option<(String, String)>,
    /// The decision about replicas.
    pub replicas: Replicas,
    /// The least time between two deletions. AWS allows 50 a second in an account and Region.
    pub pace: Duration,
    /// The time to wait before asking again whether replicas are gone.
    pub patience: Duration,
    /// Name and version of the tool, for the journal.
    pub tool: String,
}

/// The treatment of the replicas of a secret that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// Refuse such a secret: replicas would be gone at once, without a recovery window.
    Refuse,
    /// Remove them first, and remember them in the journal.
    Remove,
}

/// The outcome of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineOutcome {
    /// All checks passed; nothing was done.
    WouldDelete {
        /// Until when the name would be blocked.
        blocked_until: Timestamp,
        /// The Regions of replicas that would be deleted at once.
        replicas: Vec<Region>,
    },
    /// The deletion is scheduled.
    Deleted {
        /// The end of the recovery window.
        deletion: Timestamp,
    },
    /// An earlier run of this plan had scheduled it.
    DoneBefore {
        /// The end of the recovery window.
        deletion: Timestamp,
    },
    /// A check failed, and the deletion was not begun. The tag may be set and replicas may be gone: the journal knows.
    Refused(String),
    /// AWS said no, or could not be asked.
    Failed(String),
    /// The run was stopped before this line.
    Skipped,
}

impl LineOutcome {
    /// The word in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::WouldDelete { .. } => "would delete",
            Self::Deleted { .. } => "deleted",
            Self::DoneBefore { .. } => "done before",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Skipped => "not tried",
        }
    }

    /// Returns why it did not go on. Other people's text may stand in it.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Refused(why) | Self::Failed(why) => Some(why),
            _ => None,
        }
    }
}

/// The outcome of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplySummary {
    /// Each line that was to be deleted, in the plan's order.
    pub lines: Vec<LineResult>,
    /// The reason why calls since the scan could not be looked up, for some line at least.
    pub lookup_gap: Option<String>,
    /// The reason why the run stopped before its end: the journal could not be written.
    pub stopped: Option<String>,
}

/// One line with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineResult {
    /// The ARN of the secret.
    pub arn: SecretArn,
    /// The amount that it saves a month.
    pub saves: Option<Money>,
    /// The outcome.
    pub outcome: LineOutcome,
}

impl ApplySummary {
    /// Returns how many lines ended like this.
    pub fn count(&self, which: fn(&LineOutcome) -> bool) -> usize {
        self.lines
            .iter()
            .filter(|line| which(&line.outcome))
            .count()
    }

    /// Returns what each of the lines that ended like this saves a month; `None`: not known.
    pub fn saves(
        &self,
        which: fn(&LineOutcome) -> bool,
    ) -> impl Iterator<Item = Option<Money>> + Clone {
        let lines = self.lines.iter();
        let lines = lines.filter(move |line| which(&line.outcome));
        lines.map(|line| line.saves)
    }

    /// 1 if a line failed or the journal did, 3 if one was refused or not tried, or if it could not be looked up who asked
    /// since the scan, else 0.
    pub fn exit_code(&self) -> u8 {
        let any = |which| self.count(which) > 0;
        if self.stopped.is_some() || any(|one| matches!(one, LineOutcome::Failed(_))) {
            1
        } else if self.lookup_gap.is_some()
            || any(|one| matches!(one, LineOutcome::Refused(_) | LineOutcome::Skipped))
        {
            3
        } else {
            0
        }
    }
}

/// Makes every check of every line against AWS, and changes nothing.
///
/// The order of the summary is the plan's. A few lines are checked side by side; `progress` is called with each that is
/// done.
pub async fn check(
    plan: &Plan,
    state: &JournalState,
    world: ApplyContext<'_>,
    terms: &ApplyOptions,
    progress: &(dyn Fn(&LineResult) + Sync),
) -> ApplySummary {
    let lines: Vec<&PlanEntry> = plan.to_delete().collect();
    let questions = lines.into_iter().map(|line| async move {
        if world.stop.load(Ordering::Relaxed) {
            return (done(line, LineOutcome::Skipped), None);
        }
        let found = examine(line, state.secrets.get(&line.arn), world, terms).await;
        let outcome = match found.check {
            Check::Go(secret) => LineOutcome::WouldDelete {
                blocked_until: line.name_blocked_until((world.clock)()),
                replicas: secret
                    .replicas
                    .into_iter()
                    .flatten()
                    .map(|replica| replica.region)
                    .collect(),
            },
            Check::Done { deletion, .. } => LineOutcome::DoneBefore { deletion },
            Check::Refused(why) => LineOutcome::Refused(why),
            Check::Failed(why) => LineOutcome::Failed(why),
        };
        let done = done(line, outcome);
        progress(&done);
        (done, found.lookup_gap)
    });
    let answers: Vec<_> = stream::iter(questions).buffered(8).collect().await;
    let mut summary = ApplySummary::default();
    for (done, lookup_gap) in answers {
        summary.lookup_gap = summary.lookup_gap.or(lookup_gap);
        summary.lines.push(done);
    }
    summary
}

/// Carries the plan out. `state` is what its journal says, `caller` is who acts; `progress` is called with each line that has ended.
///
/// The plan must have passed its [`Guards`](crate::domain::cleanup::plan::Guards), and the journal must be this plan's.
pub async fn execute(
    plan: &Plan,
    state: JournalState,
    journal: &mut dyn JournalWriter,
    caller: &str,
    world: ApplyContext<'_>,
    terms: &ApplyOptions,
    progress: &(dyn Fn(&LineResult) + Sync),
) -> ApplySummary {
    let mut log = RunLog {
        journal,
        state,
        plan: &plan.id,
        caller,
        clock: world.clock,
    };
    let lines: Vec<&PlanEntry> = plan.to_delete().collect();
    let mut summary = ApplySummary::default();
    let begun = JournalEvent::Begun {
        tool: terms.tool.clone(),
        lines: lines.len() as u64,
    };
    if let Err(error) = log.append(begun) {
        summary.stopped = Some(error.to_string());
    }
    let mut pace = step::DeletionPace::new(terms.pace);
    for line in lines {
        let stop = summary.stopped.is_some() || world.stop.load(Ordering::Relaxed);
        let outcome = if stop {
            LineOutcome::Skipped
        } else {
            let mut hand = step::LineRun {
                line,
                world,
                terms,
                log: &mut log,
                pace: &mut pace,
                lookup_gap: &mut summary.lookup_gap,
            };
            match hand.carry_out().await {
                Ok(outcome) => outcome,
                Err(error) => {
                    summary.stopped = Some(error.to_string());
                    unrecorded(log.state.secrets.get(&line.arn), &error.to_string())
                }
            }
        };
        let done = done(line, outcome);
        progress(&done);
        summary.lines.push(done);
    }
    summary
}

/// Returns what to say of the line at which the journal failed: all that was begun, by this run or one before it.
fn unrecorded(secret_state: Option<&SecretState>, error: &str) -> LineOutcome {
    let begun = secret_state.map(begun).unwrap_or_default();
    let unfinished = if begun.is_empty() {
        "this run changed nothing of it".to_owned()
    } else {
        format!(
            "begun was {}; the next run asks AWS what became of it",
            begun.join(", ")
        )
    };
    LineOutcome::Failed(format!(
        "the journal could not be written ({error}); {unfinished}"
    ))
}

/// The changes on the way to a deletion that is not on record as done.
fn begun(secret_state: &SecretState) -> Vec<String> {
    if !matches!(secret_state.phase, Phase::Untouched | Phase::Deleting) {
        return Vec::new();
    }
    let mut begun = Vec::new();
    if let Some(tag) = &secret_state.tag {
        begun.push(format!("the tag `{}`", tag.key));
    }
    if !secret_state.removed.is_empty() {
        begun.push(format!(
            "the removal of its replicas in {}, at once and for good",
            secret_state.removed_regions()
        ));
    }
    if secret_state.phase == Phase::Deleting {
        begun.push("its deletion".to_owned());
    }
    begun
}

fn done(line: &PlanEntry, outcome: LineOutcome) -> LineResult {
    LineResult {
        arn: line.arn.clone(),
        saves: line.saves,
        outcome,
    }
}

/// The journal and where it stands, for one run.
pub(crate) struct RunLog<'a> {
    pub(crate) journal: &'a mut dyn JournalWriter,
    pub(crate) state: JournalState,
    pub(crate) plan: &'a str,
    pub(crate) caller: &'a str,
    pub(crate) clock: &'a (dyn Fn() -> Timestamp + Sync),
}

impl RunLog<'_> {
    /// Writes down, and only then believes, what is said.
    pub(crate) fn append(&mut self, event: JournalEvent) -> std::io::Result<()> {
        let entry = JournalEntry {
            at: (self.clock)(),
            plan: self.plan.to_owned(),
            caller: self.caller.to_owned(),
            event,
        };
        // An entry that does not follow from the journal would make it unreadable, so it must not get there.
        self.state.allows(&entry).map_err(std::io::Error::other)?;
        self.journal.append(&entry)?;
        self.state.take(&entry).map_err(std::io::Error::other)
    }

    /// Writes down a step of one secret.
    pub(crate) fn step(&mut self, arn: &SecretArn, step: JournalStep) -> std::io::Result<()> {
        let arn = arn.clone();
        self.append(JournalEvent::Secret { arn, step })
    }

    pub(crate) fn phase(&self, arn: &SecretArn) -> Phase {
        let secret_state = self.state.secrets.get(arn);
        secret_state.map_or(Phase::Untouched, |secret_state| secret_state.phase)
    }
}
