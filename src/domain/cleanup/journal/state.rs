//! Where each secret of a plan is after the entries of its journal: the fold that decides what a next run may do.
//!
//! An entry that the state before it does not allow is refused, both when a journal is read and before it is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{JournalEntry, JournalError, JournalEvent, JournalStep, Removed};
use crate::domain::base::money::Money;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::base::span::HOUR_S;
use crate::domain::cleanup::precondition::{OwnChanges, OwnTag};

/// The state of everything after the entries of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalState {
    /// The plan; `None`: the journal is empty.
    pub plan: Option<String>,
    /// Each run: when, who, how many lines.
    pub runs: Vec<JournalRun>,
    /// Each secret that was looked at.
    pub secrets: BTreeMap<SecretArn, SecretState>,
    /// The latest time of an entry.
    pub last: Option<Timestamp>,
}

/// One run of `apply` or `restore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRun {
    /// The time when it began.
    pub at: Timestamp,
    /// The caller who ran it.
    pub caller: String,
    /// The number of lines that it had to do.
    pub lines: u64,
}

/// The state of one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretState {
    /// The phase that it came to.
    pub phase: Phase,
    /// The time when it came there.
    pub since: Timestamp,
    /// The caller who brought it there.
    pub caller: String,
    /// The deletion that was intended last.
    pub intent: Option<Intent>,
    /// The end of the recovery window, once the deletion was scheduled.
    pub deletion: Option<Timestamp>,
    /// The time when it was taken back.
    pub restored: Option<Timestamp>,
    /// The phase in which it was when its restoration was begun: that it cannot be restored says nothing of whether it was
    /// deleted.
    pub before_restoring: Phase,
    /// Replicas that were removed and not made again.
    pub removed: Vec<Removed>,
    /// The tag that was set.
    pub tag: Option<OwnTag>,
    /// `LastChangedDate` after our last change.
    pub last_changed: Option<Timestamp>,
    /// The time when a tag or the removal of replicas was begun without an outcome.
    pub unsettled: Option<Timestamp>,
    /// The reason why it did not go on.
    pub trouble: Option<JournalTrouble>,
}

/// The phases of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No deletion was tried, or AWS said no to it.
    Untouched,
    /// A deletion was begun, and its outcome is not on record.
    Deleting,
    /// The deletion is scheduled.
    Deleted,
    /// Taking it back was begun, and its outcome is not on record.
    Restoring,
    /// It was taken back.
    Restored,
}

/// A deletion that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The time.
    pub at: Timestamp,
    /// Days of the recovery window.
    pub recovery_days: u8,
    /// The amount that it saves a month.
    pub saves: Option<Money>,
}

/// Why a secret did not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalTrouble {
    /// `refused`, `failed` or `unclear`.
    pub kind: TroubleKind,
    /// For people. Other people's text may stand in it.
    pub why: String,
}

/// The kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// A check failed.
    Refused,
    /// AWS said no, or could not be asked.
    Failed,
    /// The outcome is not known.
    Unclear,
}

impl TroubleKind {
    /// The word in the journal and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unclear => "unclear",
        }
    }
}

/// Folds entries into where everything stands.
///
/// # Errors
/// [`JournalError`] if an outcome has no intent, or entries of two plans are mixed: then lines were lost or pasted.
pub fn replay<'a>(
    entries: impl IntoIterator<Item = &'a (u64, JournalEntry)>,
) -> Result<JournalState, JournalError> {
    let mut state = JournalState::default();
    for (line, entry) in entries {
        state
            .take(entry)
            .map_err(|what| JournalError { line: *line, what })?;
    }
    Ok(state)
}

impl JournalState {
    /// Takes in the next entry.
    ///
    /// # Errors
    /// What is wrong with it, as [`replay`] says.
    pub fn take(&mut self, entry: &JournalEntry) -> Result<(), String> {
        let plan = self.plan.get_or_insert_with(|| entry.plan.clone());
        if *plan != entry.plan {
            return Err(format!(
                "it belongs to plan `{}`, the lines above to `{plan}`",
                entry.plan
            ));
        }
        match &entry.event {
            JournalEvent::Begun { lines, .. } => self.runs.push(JournalRun {
                at: entry.at,
                caller: entry.caller.clone(),
                lines: *lines,
            }),
            JournalEvent::Secret { arn, step } => {
                let fresh = || SecretState::new(entry);
                self.secrets
                    .entry(arn.clone())
                    .or_insert_with(fresh)
                    .take(entry, step)
                    .map_err(|what| format!("{arn}: {what}"))?;
            }
        }
        self.last = self.last.max(Some(entry.at));
        Ok(())
    }

    /// Returns whether the entry may come next.
    ///
    /// # Errors
    /// What [`JournalState::take`] would say.
    pub fn allows(&self, entry: &JournalEntry) -> Result<(), String> {
        let mut state = Self {
            plan: self.plan.clone(),
            ..Self::default()
        };
        if let JournalEvent::Secret { arn, .. } = &entry.event
            && let Some(secret_state) = self.secrets.get(arn)
        {
            state.secrets.insert(arn.clone(), secret_state.clone());
        }
        state.take(entry)
    }

    /// Returns what each of the deletions saved from when it was made until `now`: a secret that is pending deletion is
    /// free. `None`: its price is not known.
    pub fn saved(&self, now: Timestamp) -> impl Iterator<Item = Option<Money>> + Clone {
        self.secrets.values().filter_map(move |secret_state| {
            let intent = secret_state
                .intent
                .filter(|_| secret_state.deletion.is_some())?;
            let end = secret_state.restored.unwrap_or(now);
            let hours = (end.as_second() - intent.at.as_second()) / HOUR_S;
            let hours = u64::try_from(hours).unwrap_or(0);
            let month = crate::domain::base::money::MONTH_HOURS.into();
            Some(intent.saves.map(|saves| saves.scaled(hours, month)))
        })
    }
}

impl SecretState {
    /// The Regions of the replicas that were removed and not made again, with commas.
    pub fn removed_regions(&self) -> String {
        let regions: Vec<&str> = self.removed.iter().map(|one| one.region.as_str()).collect();
        regions.join(", ")
    }

    fn new(entry: &JournalEntry) -> Self {
        Self {
            phase: Phase::Untouched,
            since: entry.at,
            caller: entry.caller.clone(),
            intent: None,
            deletion: None,
            restored: None,
            before_restoring: Phase::Untouched,
            removed: Vec::new(),
            tag: None,
            last_changed: None,
            unsettled: None,
            trouble: None,
        }
    }

    /// Returns what our own runs changed, for the seal.
    pub fn own_changes(&self) -> OwnChanges {
        OwnChanges {
            tag: self.tag.clone(),
            removed: self.removed.iter().map(|one| one.region.clone()).collect(),
            last_changed: self.last_changed,
            unsettled: self.unsettled,
        }
    }

    pub(super) fn take(
        &mut self,
        entry: &JournalEntry,
        step: &JournalStep,
    ) -> Result<(), &'static str> {
        let began = self.phase;
        let mut trouble = None;
        match step {
            JournalStep::Tagging(tag) => {
                self.before_deleting()?;
                self.tag = Some(tag.clone());
                self.unsettled = Some(entry.at);
            }
            JournalStep::RemovingReplicas(replicas) => {
                self.before_deleting()?;
                self.remember(replicas);
                self.unsettled = Some(entry.at);
            }
            JournalStep::Tagged { last_changed }
            | JournalStep::RemovedReplicas { last_changed }
            | JournalStep::Settled { last_changed } => {
                self.unsettled
                    .take()
                    .ok_or("a change ended that was not begun")?;
                self.last_changed = *last_changed;
            }
            JournalStep::Deleting {
                recovery_days,
                saves,
            } => {
                self.before_deleting()?;
                self.phase = Phase::Deleting;
                self.intent = Some(Intent {
                    at: entry.at,
                    recovery_days: *recovery_days,
                    saves: *saves,
                });
            }
            JournalStep::Deleted { deletion } => {
                if self.phase != Phase::Deleting {
                    return Err("a deletion ended that was not begun");
                }
                self.phase = Phase::Deleted;
                self.deletion = Some(*deletion);
                self.restored = None;
            }
            JournalStep::Refused(why) => trouble = Some((TroubleKind::Refused, why)),
            JournalStep::Unclear(why) => trouble = Some((TroubleKind::Unclear, why)),
            JournalStep::Failed(why) => {
                self.unsettled = None;
                self.phase = match self.phase {
                    Phase::Restoring if self.deletion.is_some() => Phase::Deleted,
                    Phase::Restoring => self.before_restoring,
                    Phase::Deleting => Phase::Untouched,
                    phase => phase,
                };
                trouble = Some((TroubleKind::Failed, why));
            }
            JournalStep::Restoring => {
                if self.phase != Phase::Restoring {
                    self.before_restoring = self.phase;
                }
                self.phase = Phase::Restoring;
            }
            JournalStep::Restored => {
                if self.phase != Phase::Restoring {
                    return Err("a restoration ended that was not begun");
                }
                self.phase = Phase::Restored;
                self.restored = Some(entry.at);
            }
            JournalStep::Replicating(_) | JournalStep::Untagging(_) => {}
            JournalStep::Untagged(key) => {
                if self.tag.as_ref().is_none_or(|tag| tag.key != *key) {
                    return Err("a tag was removed that was not set");
                }
                self.tag = None;
                self.phase = Phase::Restored;
            }
            JournalStep::Replicated(region) => {
                self.removed.retain(|one| one.region != *region);
                self.phase = Phase::Restored;
            }
        }
        self.trouble = trouble.map(|(kind, why)| JournalTrouble {
            kind,
            why: why.clone(),
        });
        if self.phase != began {
            self.since = entry.at;
            self.caller.clone_from(&entry.caller);
        }
        Ok(())
    }

    /// Nothing is deleted twice: what was deleted or taken back once is done with in this plan.
    fn before_deleting(&self) -> Result<(), &'static str> {
        match self.phase {
            Phase::Untouched | Phase::Deleting => Ok(()),
            Phase::Deleted => Err("a deletion was begun that was done already"),
            Phase::Restoring | Phase::Restored => Err("a deletion was begun that was cancelled"),
        }
    }

    fn remember(&mut self, replicas: &[Removed]) {
        let known: BTreeSet<Region> = self.removed.iter().map(|one| one.region.clone()).collect();
        let new = replicas.iter().filter(|one| !known.contains(&one.region));
        self.removed.extend(new.cloned());
    }
}
