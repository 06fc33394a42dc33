//! Taking deletions back while the recovery window lasts, and making removed replicas again.
//!
//! Like [`apply`](crate::cleanup::apply), every write stands in the journal before and after it, and a secret that fails never stops
//! the others. What is restored already counts as done. A replica is made again with the key that it had; its own past
//! (when it was last read there) is gone.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use crate::cleanup::apply::{ApplyContext, RunLog, ours};
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::journal::{
    JournalEvent, JournalState, JournalStep, Phase, Removed, SecretState,
};
use crate::domain::inventory::secret::{Secret, day_of};
use crate::ports::{Fault, JournalWriter};

/// The outcome for one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The ARN of the secret.
    pub arn: SecretArn,
    /// The outcome.
    pub outcome: RestoreOutcome,
    /// Replicas that were made again.
    pub replicated: Vec<Region>,
    /// Replicas that could not be made again, and why.
    pub lost: Vec<(Region, String)>,
    /// The reason why the tag that was set before the deletion could not be taken back.
    pub tagged: Option<String>,
}

/// The outcome of restoring a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// Its deletion was taken back.
    Restored,
    /// It was not pending deletion.
    Already,
    /// The recovery window is over, or it was never there.
    TooLate(String),
    /// AWS said no, or could not be asked.
    Failed(String),
    /// The run was stopped before it.
    Skipped,
}

impl RestoreOutcome {
    /// The word in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Already => "there already",
            Self::TooLate(_) => "too late",
            Self::Failed(_) => "failed",
            Self::Skipped => "not tried",
        }
    }

    /// Returns why it is not there again. Other people's text may stand in it.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::TooLate(why) | Self::Failed(why) => Some(why),
            _ => None,
        }
    }
}

/// The outcome for all secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreSummary {
    /// Each secret, in the order asked for.
    pub secrets: Vec<Back>,
    /// The reason why the run stopped before its end: the journal could not be written.
    pub stopped: Option<String>,
}

impl RestoreSummary {
    /// 1 if anything is not as it was asked for, 3 if the run was stopped, else 0.
    pub fn exit_code(&self) -> u8 {
        let bad = |back: &Back| {
            !back.lost.is_empty()
                || back.tagged.is_some()
                || matches!(
                    back.outcome,
                    RestoreOutcome::TooLate(_) | RestoreOutcome::Failed(_)
                )
        };
        if self.stopped.is_some() || self.secrets.iter().any(bad) {
            1
        } else if self
            .secrets
            .iter()
            .any(|back| back.outcome == RestoreOutcome::Skipped)
        {
            3
        } else {
            0
        }
    }
}

/// The secrets of a journal that can be taken back: deleted, perhaps deleted, or without their replicas.
pub fn all(state: &JournalState) -> Vec<SecretArn> {
    let open = |secret_state: &SecretState| match secret_state.phase {
        Phase::Deleting | Phase::Deleted | Phase::Restoring => true,
        Phase::Untouched | Phase::Restored => {
            !secret_state.removed.is_empty() || secret_state.tag.is_some()
        }
    };
    let secrets = state.secrets.iter();
    secrets
        .filter(|(_, secret_state)| open(secret_state))
        .map(|(arn, _)| arn.clone())
        .collect()
}

/// The caller who acts, and for which plan and with which tool, as the journal has it.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The plan that the journal belongs to.
    pub plan: &'a str,
    /// The ARN of `sts:GetCallerIdentity`.
    pub caller: &'a str,
    /// Name and version of the tool.
    pub tool: &'a str,
}

/// Takes the deletions back. `state` is what the journal says; `progress` is called with each secret before it is restored.
pub async fn restore(
    arns: &[SecretArn],
    state: JournalState,
    journal: &mut dyn JournalWriter,
    author: Author<'_>,
    world: ApplyContext<'_>,
    progress: &(dyn Fn(&SecretArn) + Sync),
) -> RestoreSummary {
    let mut log = RunLog {
        journal,
        state,
        plan: author.plan,
        caller: author.caller,
        clock: world.clock,
    };
    let mut summary = RestoreSummary::default();
    let begun = JournalEvent::Begun {
        tool: author.tool.to_owned(),
        lines: arns.len() as u64,
    };
    if let Err(error) = log.append(begun) {
        summary.stopped = Some(error.to_string());
    }
    for arn in arns {
        let mut back = Back {
            arn: arn.clone(),
            outcome: RestoreOutcome::Skipped,
            replicated: Vec::new(),
            lost: Vec::new(),
            tagged: None,
        };
        if summary.stopped.is_none() && !world.stop.load(Ordering::Relaxed) {
            progress(arn);
            let tried = restore_one(&mut back, &mut log, world).await;
            if let Err(error) = tried {
                summary.stopped = Some(error.to_string());
                back.outcome =
                    RestoreOutcome::Failed(format!("the journal could not be written ({error})"));
            }
        }
        summary.secrets.push(back);
    }
    summary
}

async fn restore_one(
    back: &mut Back,
    log: &mut RunLog<'_>,
    world: ApplyContext<'_>,
) -> io::Result<()> {
    let arn = back.arn.clone();
    let secret = match world.vault.describe(&arn).await {
        Ok(secret) => secret,
        Err(fault) => {
            back.outcome = absent(&fault, log.state.secrets.get(&arn));
            return Ok(());
        }
    };
    back.outcome = if let Some(deleted) = secret.deleted {
        note_deleted(&arn, deleted, log)?;
        take_back(&arn, log, world).await?
    } else {
        note_present(&arn, log)?;
        RestoreOutcome::Already
    };
    if matches!(
        back.outcome,
        RestoreOutcome::Restored | RestoreOutcome::Already
    ) {
        replicate(back, &secret, log, world).await?;
        untag(back, &secret, log, world).await?;
    }
    Ok(())
}

/// Takes back the tag that was set before the deletion. A value that somebody else has set since stays.
async fn untag(
    back: &mut Back,
    secret: &Secret,
    log: &mut RunLog<'_>,
    world: ApplyContext<'_>,
) -> io::Result<()> {
    let arn = &back.arn;
    let secret_state = log.state.secrets.get(arn);
    let Some(tag) = secret_state.and_then(|secret_state| secret_state.tag.clone()) else {
        return Ok(());
    };
    log.step(arn, JournalStep::Untagging(tag.key.clone()))?;
    let stands = secret.tags.get(&tag.key) == Some(&tag.value);
    let done = match &tag.previous {
        _ if !stands => Ok(()),
        Some(previous) => world.vault.tag(arn, &tag.key, previous).await,
        None => world.vault.untag(arn, &tag.key).await,
    };
    match done {
        Ok(()) => log.step(arn, JournalStep::Untagged(tag.key)),
        Err(fault) => {
            let why = format!("removing the tag `{}`: {fault}", tag.key);
            log.step(arn, JournalStep::Failed(why.clone()))?;
            back.tagged = Some(why);
            Ok(())
        }
    }
}

fn absent(fault: &Fault, secret_state: Option<&SecretState>) -> RestoreOutcome {
    let Fault::Gone(_) = fault else {
        return RestoreOutcome::Failed(fault.to_string());
    };
    RestoreOutcome::TooLate(
        match secret_state.and_then(|secret_state| secret_state.deletion) {
            Some(deletion) => format!(
                "it cannot be restored: its recovery window ended on {}",
                day_of(deletion)
            ),
            None => {
                "there is no such secret: it was deleted for good, or it never existed".to_owned()
            }
        },
    )
}

async fn take_back(
    arn: &SecretArn,
    log: &mut RunLog<'_>,
    world: ApplyContext<'_>,
) -> io::Result<RestoreOutcome> {
    log.step(arn, JournalStep::Restoring)?;
    let Err(fault) = world.vault.restore(arn).await else {
        log.step(arn, JournalStep::Restored)?;
        return Ok(RestoreOutcome::Restored);
    };
    // It may have been carried out although no answer came.
    match (world.vault.describe(arn).await, &fault) {
        (Ok(secret), _) if secret.deleted.is_none() => {
            log.step(arn, JournalStep::Restored)?;
            Ok(RestoreOutcome::Restored)
        }
        (Err(_), _) | (Ok(_), Fault::Unreachable(_)) => {
            let why = format!("{fault}; run again to see whether it was carried out");
            log.step(arn, JournalStep::Unclear(why.clone()))?;
            Ok(RestoreOutcome::Failed(why))
        }
        (Ok(_), _) => {
            log.step(arn, JournalStep::Failed(fault.to_string()))?;
            Ok(RestoreOutcome::Failed(fault.to_string()))
        }
    }
}

/// The secret is pending deletion. If the journal has only the intent of it, it learns the outcome first: should the secret
/// not come back, its deletion must be on record.
fn note_deleted(arn: &SecretArn, deleted: Timestamp, log: &mut RunLog<'_>) -> io::Result<()> {
    let secret_state = log.state.secrets.get(arn);
    match secret_state.and_then(|secret_state| ours(deleted, secret_state)) {
        Some(deletion) => log.step(arn, JournalStep::Deleted { deletion }),
        None => Ok(()),
    }
}

/// The secret is there. If the journal thinks otherwise, it learns that the deletion is taken back, by whomever: this plan
/// must not delete it again.
fn note_present(arn: &SecretArn, log: &mut RunLog<'_>) -> io::Result<()> {
    match log.phase(arn) {
        Phase::Untouched | Phase::Restored => return Ok(()),
        Phase::Deleting | Phase::Deleted => log.step(arn, JournalStep::Restoring)?,
        Phase::Restoring => {}
    }
    log.step(arn, JournalStep::Restored)
}

async fn replicate(
    back: &mut Back,
    secret: &Secret,
    log: &mut RunLog<'_>,
    world: ApplyContext<'_>,
) -> io::Result<()> {
    let removed: Vec<Removed> = log
        .state
        .secrets
        .get(&back.arn)
        .map(|secret_state| secret_state.removed.clone())
        .unwrap_or_default();
    let secret_state: BTreeSet<&Region> = secret
        .replicas
        .iter()
        .flatten()
        .map(|replica| &replica.region)
        .collect();
    for replica in removed {
        let region = replica.region;
        log.step(&back.arn, JournalStep::Replicating(region.clone()))?;
        let made = if secret_state.contains(&region) {
            Ok(())
        } else {
            let key = replica.kms_key.as_deref();
            world.vault.replicate(&back.arn, &region, key).await
        };
        match made {
            Ok(()) => {
                log.step(&back.arn, JournalStep::Replicated(region.clone()))?;
                back.replicated.push(region);
            }
            Err(fault) => {
                let why = fault.to_string();
                log.step(
                    &back.arn,
                    JournalStep::Failed(format!("replicating to {region}: {why}")),
                )?;
                back.lost.push((region, why));
            }
        }
    }
    Ok(())
}
