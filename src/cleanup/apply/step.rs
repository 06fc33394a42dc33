//! The writes of one line, each between its two entries in the journal.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::examine::{Check, OnRecord, examine, ours, refusal};
use super::{ApplyContext, ApplyOptions, LineOutcome, RunLog};
use crate::domain::base::names::Region;
use crate::domain::cleanup::journal::{JournalStep, Phase, Removed, SecretState};
use crate::domain::cleanup::plan::PlanEntry;
use crate::domain::cleanup::precondition::{OwnTag, whole_seconds};
use crate::domain::inventory::secret::Secret;
use crate::ports::{Fault, RecoveryWindow};

/// Sets how often to ask whether replicas are gone.
const ASKING: u32 = 5;

/// Keeps deletions apart.
pub(super) struct DeletionPace {
    apart: Duration,
    next: Option<Instant>,
}

impl DeletionPace {
    pub(super) fn new(apart: Duration) -> Self {
        Self { apart, next: None }
    }

    /// Waits until the next deletion may be made.
    async fn wait(&mut self) {
        if let Some(next) = self.next {
            sleep_until(next).await;
        }
        self.next = Instant::now().checked_add(self.apart);
    }
}

/// One line in hand. An `Err` of its functions means that the journal could not be written.
pub(super) struct LineRun<'a, 'b> {
    pub(super) line: &'a PlanEntry,
    pub(super) world: ApplyContext<'a>,
    pub(super) terms: &'a ApplyOptions,
    pub(super) log: &'a mut RunLog<'b>,
    pub(super) pace: &'a mut DeletionPace,
    pub(super) lookup_gap: &'a mut Option<String>,
}

/// A step that went well gives the secret as it is now, one that did not what became of the line.
type Stepped = io::Result<Result<Box<Secret>, LineOutcome>>;

impl LineRun<'_, '_> {
    /// Checks the line and deletes the secret.
    pub(super) async fn carry_out(&mut self) -> io::Result<LineOutcome> {
        let secret_state = self.log.state.secrets.get(&self.line.arn);
        let found = examine(self.line, secret_state, self.world, self.terms).await;
        if found.lookup_gap.is_some() {
            *self.lookup_gap = found.lookup_gap;
        }
        match found.check {
            Check::Go(secret) => match self.prepare(secret).await? {
                Ok(()) => self.delete().await,
                Err(outcome) => Ok(outcome),
            },
            Check::Done { deletion, record } => {
                if record == OnRecord::No {
                    self.adopt(deletion)?;
                }
                Ok(LineOutcome::DoneBefore { deletion })
            }
            Check::Refused(why) => self.refused(why),
            Check::Failed(why) => self.unanswered(why),
        }
    }

    /// Tags and removes replicas, as far as it is asked for and not done. What can be taken back comes first.
    async fn prepare(&mut self, secret: Box<Secret>) -> io::Result<Result<(), LineOutcome>> {
        let secret_state = self.log.state.secrets.get(&self.line.arn);
        if secret_state.is_some_and(|secret_state| secret_state.unsettled.is_some()) {
            let last_changed = secret.last_changed.map(whole_seconds);
            self.write(JournalStep::Settled { last_changed })?;
        }
        let secret = match self.tag(secret).await? {
            Ok(secret) => secret,
            Err(outcome) => return Ok(Err(outcome)),
        };
        Ok(self.remove_replicas(secret).await?.map(|_| ()))
    }

    async fn tag(&mut self, secret: Box<Secret>) -> Stepped {
        let Some((key, value)) = self.terms.tag.clone() else {
            return Ok(Ok(secret));
        };
        let previous = secret.tags.get(&key).cloned();
        if previous.as_ref() == Some(&value) {
            return Ok(Ok(secret));
        }
        self.write(JournalStep::Tagging(OwnTag {
            key: key.clone(),
            value: value.clone(),
            previous,
        }))?;
        if let Err(fault) = self.world.vault.tag(&self.line.arn, &key, &value).await {
            let made = |now: &Secret| now.tags.get(&key) == Some(&value);
            let failed = self.not_made("tagging", &fault, &secret, made).await?;
            if let Some(outcome) = failed {
                return Ok(Err(outcome));
            }
        }
        let settled = self.settled(|last_changed| JournalStep::Tagged { last_changed });
        settled.await
    }

    async fn remove_replicas(&mut self, secret: Box<Secret>) -> Stepped {
        let replicas: Vec<Removed> = secret
            .replicas
            .iter()
            .flatten()
            .map(|replica| Removed {
                region: replica.region.clone(),
                kms_key: replica.kms_key.clone(),
            })
            .collect();
        if replicas.is_empty() {
            return Ok(Ok(secret));
        }
        let regions: Vec<Region> = replicas.iter().map(|one| one.region.clone()).collect();
        self.write(JournalStep::RemovingReplicas(replicas))?;
        let arn = &self.line.arn;
        let gone = |now: &Secret| now.replicas.iter().flatten().next().is_none();
        if let Err(fault) = self.world.vault.remove_replicas(arn, &regions).await {
            let what = "removing its replicas";
            let failed = self.not_made(what, &fault, &secret, gone).await?;
            if let Some(outcome) = failed {
                return Ok(Err(outcome));
            }
        }
        for _ in 0..ASKING {
            let now = self.world.vault.describe(arn).await;
            if now.as_ref().map_or(true, gone) {
                break;
            }
            sleep(self.terms.patience).await;
        }
        let settled = self.settled(|last_changed| JournalStep::RemovedReplicas { last_changed });
        let secret = match settled.await? {
            Ok(secret) => secret,
            Err(outcome) => return Ok(Err(outcome)),
        };
        if !gone(&secret) {
            let why = "its replicas are still being removed: run again in a minute".to_owned();
            return self.failed(why).map(Err);
        }
        Ok(Ok(secret))
    }

    /// Looks at the secret after our own change, and writes down how it stands. Anything but our change refuses the line.
    async fn settled(
        &mut self,
        step: impl FnOnce(Option<jiff::Timestamp>) -> JournalStep,
    ) -> Stepped {
        let arn = &self.line.arn;
        let secret = match self.world.vault.describe(arn).await {
            Ok(secret) => secret,
            Err(fault) => return self.unanswered(fault.to_string()).map(Err),
        };
        let own = self
            .log
            .state
            .secrets
            .get(arn)
            .map(SecretState::own_changes)
            .unwrap_or_default();
        let now = (self.world.clock)();
        self.write(step(secret.last_changed.map(whole_seconds)))?;
        if secret.deleted.is_some() {
            let why = "somebody else scheduled its deletion just now".to_owned();
            return self.refused(why).map(Err);
        }
        match refusal(self.line, &secret, &own, self.world, now) {
            Some(why) => self.refused(why).map(Err),
            None => Ok(Ok(Box::new(secret))),
        }
    }

    async fn delete(&mut self) -> io::Result<LineOutcome> {
        let days = self.line.seal.recovery_days;
        let Some(window) = RecoveryWindow::new(days.into()) else {
            return self.refused(format!("{days} days are no recovery window"));
        };
        self.pace.wait().await;
        self.write(JournalStep::Deleting {
            recovery_days: window.days(),
            saves: self.line.saves,
        })?;
        match self
            .world
            .vault
            .delete(&self.line.arn, window, self.log.plan)
            .await
        {
            Ok(scheduled) => {
                let deletion = scheduled.deletion;
                self.write(JournalStep::Deleted { deletion })?;
                Ok(LineOutcome::Deleted { deletion })
            }
            Err(fault) => self.ask_what_became(&fault).await,
        }
    }

    /// Writes down a deletion that an earlier run of this plan made. An outcome needs its intent before it.
    fn adopt(&mut self, deletion: jiff::Timestamp) -> io::Result<()> {
        let secret_state = self.log.state.secrets.get(&self.line.arn);
        if secret_state.is_none_or(|secret_state| secret_state.phase != Phase::Deleting) {
            self.write(JournalStep::Deleting {
                recovery_days: self.line.seal.recovery_days,
                saves: self.line.saves,
            })?;
        }
        self.write(JournalStep::Deleted { deletion })
    }

    /// The request failed, but it may have been carried out: its first try, or the try whose answer was lost.
    async fn ask_what_became(&mut self, fault: &Fault) -> io::Result<LineOutcome> {
        let now = self.world.vault.describe(&self.line.arn).await;
        let secret_state = self.log.state.secrets.get(&self.line.arn);
        let deleted = now.as_ref().ok().and_then(|secret| secret.deleted);
        let end = deleted.and_then(|deleted| ours(deleted, secret_state?));
        if let Some(deletion) = end {
            self.write(JournalStep::Deleted { deletion })?;
            return Ok(LineOutcome::Deleted { deletion });
        }
        match (now, fault) {
            // Of a request that was tried several times, only the last answer is known: that one was throttled or its
            // credentials had run out says nothing of those before. `DescribeSecret` may be behind, too. So the intent
            // stays open, and the next run asks.
            (Err(_), _)
            | (Ok(_), Fault::Unreachable(_) | Fault::Throttled(_) | Fault::Credentials(_)) => {
                let why = format!("{fault}; run again to see whether it was carried out");
                self.write(JournalStep::Unclear(why.clone()))?;
                Ok(LineOutcome::Failed(why))
            }
            (Ok(_), _) => self.failed(fault.to_string()),
        }
    }

    fn write(&mut self, step: JournalStep) -> io::Result<()> {
        self.log.step(&self.line.arn, step)
    }

    fn refused(&mut self, why: String) -> io::Result<LineOutcome> {
        self.write(JournalStep::Refused(why.clone()))?;
        Ok(LineOutcome::Refused(why))
    }

    fn failed(&mut self, why: String) -> io::Result<LineOutcome> {
        self.write(JournalStep::Failed(why.clone()))?;
        Ok(LineOutcome::Failed(why))
    }

    /// AWS could not be asked. An open intent stays open.
    fn unanswered(&mut self, why: String) -> io::Result<LineOutcome> {
        let secret_state = self.log.state.secrets.get(&self.line.arn);
        let open = secret_state.is_some_and(|secret_state| {
            secret_state.phase == Phase::Deleting || secret_state.unsettled.is_some()
        });
        if !open {
            return self.failed(why);
        }
        self.write(JournalStep::Unclear(why.clone()))?;
        Ok(LineOutcome::Failed(why))
    }

    /// A change before the deletion failed, but it may have been made: its first try, or the try whose answer was lost.
    /// `None`: it was made.
    async fn not_made(
        &mut self,
        what: &str,
        fault: &Fault,
        before: &Secret,
        made: impl Fn(&Secret) -> bool,
    ) -> io::Result<Option<LineOutcome>> {
        let why = format!("{what}: {fault}");
        let untouched = |now: &Secret| now.last_changed == before.last_changed;
        match (self.world.vault.describe(&self.line.arn).await, fault) {
            (Ok(now), _) if made(&now) => Ok(None),
            (Ok(now), fault) if untouched(&now) && !matches!(fault, Fault::Unreachable(_)) => {
                self.failed(why).map(Some)
            }
            _ => self.unanswered(why).map(Some),
        }
    }
}
