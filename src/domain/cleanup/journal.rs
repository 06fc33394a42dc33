//! The journal: what a plan's runs did to AWS, one JSON object a line, in the order in which it happened.
//!
//! Each write to AWS has an entry before it (the intent) and one after it (the outcome). So whatever cuts a run off, the
//! journal never knows less than AWS by more than one write, and says which. [`replay`] folds the entries into where each
//! secret stands. An intent without an outcome is open: only AWS can tell what became of it, and who replays has to ask.
//!
//! A last line that was cut off is what a killed run leaves, and is dropped: its write was not made yet, or its intent
//! stands above it. A damaged line anywhere else is an error, because what it said is lost.

mod state;
mod wire;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::state::{
    Intent, JournalRun, JournalState, JournalTrouble, Phase, SecretState, TroubleKind, replay,
};

use crate::domain::base::money::Money;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::precondition::OwnTag;

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "wire::WireEntry", into = "wire::WireEntry")]
pub struct JournalEntry {
    /// The time when it was written.
    pub at: Timestamp,
    /// The plan that is carried out or taken back.
    pub plan: String,
    /// The caller: the ARN of `sts:GetCallerIdentity`.
    pub caller: String,
    /// The event itself.
    pub event: JournalEvent,
}

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalEvent {
    /// A run began.
    Begun {
        /// Name and version of the tool.
        tool: String,
        /// The number of lines that are to be deleted, or secrets restored.
        lines: u64,
    },
    /// Something about one secret.
    Secret {
        /// The ARN of the secret.
        arn: SecretArn,
        /// The step.
        step: JournalStep,
    },
}

/// The steps of what happens to one secret.
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
        /// The amount that it saves a month; `None`: not known.
        saves: Option<Money>,
    },
    /// It is scheduled.
    Deleted {
        /// The end of the recovery window.
        deletion: Timestamp,
    },
    /// It is not known whether the last intent was carried out.
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
    /// The Region in which it was.
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
    /// The trouble, described for people.
    pub what: String,
}

/// The text of a journal, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedJournal {
    /// The entries with their line numbers.
    pub entries: Vec<(u64, JournalEntry)>,
    /// The number of bytes of the text that are whole; what follows was cut off.
    pub whole: usize,
    /// The whole text lacks its last line break.
    pub unended: TornTail,
}

/// The end of the last whole line: whether it ends in a line break.
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
    for (index, text) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let number = index as u64 + 1;
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

/// Returns whether the last line is the beginning of an entry. After entries it is, whatever it holds: nothing else is
/// written there. Without any, the file may be somebody else's, and only what begins as an entry does and ends too
/// early is ours.
fn was_cut_off(text: &[u8], error: &serde_json::Error, before: &[(u64, JournalEntry)]) -> bool {
    let begins = ENTRY_BEGINS.starts_with(text) || text.starts_with(ENTRY_BEGINS);
    !before.is_empty() || (begins && error.is_eof())
}

/// The beginning of each line that `line` writes.
const ENTRY_BEGINS: &[u8] = b"{\"time\":\"";

#[cfg(test)]
mod tests;
