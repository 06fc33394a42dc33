//! The journal: what a plan's runs did to AWS, one JSON object a line, in the order in which it happened.
//!
//! Each write to AWS has an entry before it (the intent) and one after it (the outcome). So whatever cuts a run off, the
//! journal never knows less than AWS by more than one write, and says which. [`replay`] folds the entries into where each
//! secret stands. An intent without an outcome is open: only AWS can tell what became of it, and who replays has to ask.
//!
//! A last line that was cut off is what a killed run leaves, and is dropped: its write was not made yet, or its intent
//! stands above it. A damaged line anywhere else is an error, because what it said is lost.

mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::base::money::Money;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::precondition::{OwnChanges, OwnTag};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "wire::WireEntry", into = "wire::WireEntry")]
pub struct JournalEntry {
    /// When it was written.
    pub at: Timestamp,
    /// The plan that is carried out or taken back.
    pub plan: String,
    /// Who acts: the ARN of `sts:GetCallerIdentity`.
    pub caller: String,
    /// What is said.
    pub event: JournalEvent,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalEvent {
    /// A run began.
    Begun {
        /// Name and version of the tool.
        tool: String,
        /// How many lines are to be deleted, or secrets restored.
        lines: u64,
    },
    /// Something about one secret.
    Secret {
        /// Which.
        arn: SecretArn,
        /// What.
        step: JournalStep,
    },
}

/// What happens to one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalStep {
    /// A tag is about to be set.
    Tagging(OwnTag),
    /// It was set.
    Tagged {
        /// `LastChangedDate` after it.
        last_changed: Option<Timestamp>,
    },
    /// Replicas are about to be removed, for good and at once.
    RemovingReplicas(Vec<Removed>),
    /// They were removed.
    RemovedReplicas {
        /// `LastChangedDate` after it.
        last_changed: Option<Timestamp>,
    },
    /// A change that was cut off was looked at, and the secret is otherwise as planned.
    Settled {
        /// `LastChangedDate` as it was seen.
        last_changed: Option<Timestamp>,
    },
    /// The deletion is about to be scheduled.
    Deleting {
        /// Days of the recovery window.
        recovery_days: u8,
        /// What it saves a month; `None`: not known.
        saves: Option<Money>,
    },
    /// It is scheduled.
    Deleted {
        /// The end of the recovery window.
        deletion: Timestamp,
    },
    /// Whether the last intent was carried out is not known.
    Unclear(String),
    /// A check failed, and the deletion was not begun. A tag that was set and replicas that were removed by then stand in
    /// the entries before it.
    Refused(String),
    /// AWS said no, or could not be asked.
    Failed(String),
    /// The deletion is about to be taken back.
    Restoring,
    /// It was taken back.
    Restored,
    /// The tag that was set before the deletion is about to be taken back: what stood there before is set again.
    Untagging(String),
    /// It was taken back, or somebody else has set another value since.
    Untagged(String),
    /// A replica is about to be made again.
    Replicating(Region),
    /// It was made again.
    Replicated(Region),
}

/// A replica that goes with its secret: all that is needed to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Where it stood.
    pub region: Region,
    /// Its own key; `None`: `aws/secretsmanager`.
    pub kms_key: Option<String>,
}

/// Why a journal cannot be trusted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line} of the journal: {what}")]
pub struct JournalError {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong, for people.
    pub what: String,
}

/// The text of a journal, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedJournal {
    /// The entries with their line numbers.
    pub entries: Vec<(u64, JournalEntry)>,
    /// How many bytes of the text are whole; what follows was cut off.
    pub whole: usize,
    /// The whole text lacks its last line break.
    pub unended: TornTail,
}

/// Whether the last whole line ends in a line break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TornTail {
    /// It does.
    #[default]
    No,
    /// Only the line break was cut off.
    Yes,
}

/// One entry as a line, with its line break.
///
/// # Errors
/// Only what the JSON writer itself could meet; an entry meets nothing.
pub fn line(entry: &JournalEntry) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

/// Takes a journal apart.
///
/// # Errors
/// [`JournalError`] for a line that is no entry, unless it is the last and was cut off.
pub fn parse(bytes: &[u8]) -> Result<ParsedJournal, JournalError> {
    let mut parsed = ParsedJournal::default();
    for (place, text) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let number = place as u64 + 1;
        let ended = text.ends_with(b"\n");
        if text.trim_ascii().is_empty() && ended {
            parsed.whole += text.len();
            continue;
        }
        match serde_json::from_slice(text) {
            Ok(entry) => {
                parsed.entries.push((number, entry));
                parsed.whole += text.len();
                if !ended {
                    parsed.unended = TornTail::Yes;
                }
            }
            Err(error) if !ended && was_cut_off(text, &error, &parsed.entries) => break,
            Err(error) => {
                return Err(JournalError {
                    line: number,
                    what: error.to_string(),
                });
            }
        }
    }
    Ok(parsed)
}

/// Whether the last line is the beginning of an entry. After entries it is, whatever it holds: nothing else is written
/// there. Without any, the file may be somebody else's, and only what begins as an entry does and ends too early is ours.
fn was_cut_off(text: &[u8], error: &serde_json::Error, before: &[(u64, JournalEntry)]) -> bool {
    let begins = ENTRY_BEGINS.starts_with(text) || text.starts_with(ENTRY_BEGINS);
    !before.is_empty() || (begins && error.is_eof())
}

/// How each line that `line` writes begins.
const ENTRY_BEGINS: &[u8] = b"{\"time\":\"";

/// Where everything stands after the entries of a journal.
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
    /// When it began.
    pub at: Timestamp,
    /// Who ran it.
    pub caller: String,
    /// How many lines it had to do.
    pub lines: u64,
}

/// Where one secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretState {
    /// How far it came.
    pub phase: Phase,
    /// When it came there.
    pub since: Timestamp,
    /// Who brought it there.
    pub caller: String,
    /// The deletion that was intended last.
    pub intent: Option<Intent>,
    /// The end of the recovery window, once the deletion was scheduled.
    pub deletion: Option<Timestamp>,
    /// When it was taken back.
    pub restored: Option<Timestamp>,
    /// How far it was when taking it back was begun: that it cannot be taken back says nothing of whether it was made.
    pub before_restoring: Phase,
    /// Replicas that were removed and not made again.
    pub removed: Vec<Removed>,
    /// The tag that was set.
    pub tag: Option<OwnTag>,
    /// `LastChangedDate` after our last change.
    pub last_changed: Option<Timestamp>,
    /// When a tag or the removal of replicas was begun without an outcome.
    pub unsettled: Option<Timestamp>,
    /// Why it did not go on.
    pub trouble: Option<JournalTrouble>,
}

/// How far a secret came.
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
    /// When.
    pub at: Timestamp,
    /// Days of the recovery window.
    pub recovery_days: u8,
    /// What it saves a month.
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

/// What kind of trouble.
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

    /// Whether the entry may come next.
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

    /// What each of the deletions saved from when it was made until `now`: a secret that is pending deletion is free.
    /// `None`: its price is not known.
    pub fn saved(&self, now: Timestamp) -> impl Iterator<Item = Option<Money>> + Clone {
        self.secrets.values().filter_map(move |secret_state| {
            let intent = secret_state
                .intent
                .filter(|_| secret_state.deletion.is_some())?;
            let end = secret_state.restored.unwrap_or(now);
            let hours = (end.as_second() - intent.at.as_second()) / 3_600;
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

    /// What our own runs changed, for the seal.
    pub fn own_changes(&self) -> OwnChanges {
        OwnChanges {
            tag: self.tag.clone(),
            removed: self.removed.iter().map(|one| one.region.clone()).collect(),
            last_changed: self.last_changed,
            unsettled: self.unsettled,
        }
    }

    fn take(&mut self, entry: &JournalEntry, step: &JournalStep) -> Result<(), &'static str> {
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

#[cfg(test)]
mod tests;
