//! The form of an entry in the file: one flat object, so that a person or `jq` can read it.
//!
//! `{"time", "plan_id", "arn", "caller", "state", ...}`; what else there is depends on the state. A key that this version
//! does not know is ignored, a state that it does not know is an error: it may be a write that was made.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FORMAT, JournalEntry, JournalEvent, JournalStep, Removed};
use crate::domain::base::money::Money;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::precondition::OwnTag;

/// One line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct WireEntry {
    time: Timestamp,
    plan_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arn: Option<SecretArn>,
    caller: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_changed: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replicas: Option<Vec<Removed>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recovery_days: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saves_usd_month: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deletion: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<JournalEntry> for WireEntry {
    fn from(entry: JournalEntry) -> Self {
        let mut line = Self {
            time: entry.at,
            plan_id: entry.plan,
            caller: entry.caller,
            ..Self::default()
        };
        match entry.event {
            JournalEvent::Begun { tool, lines } => {
                "begun".clone_into(&mut line.state);
                line.format = Some(FORMAT);
                line.tool = Some(tool);
                line.lines = Some(lines);
            }
            JournalEvent::Secret { arn, step } => {
                line.arn = Some(arn);
                line.fill(step);
            }
        }
        line
    }
}

impl WireEntry {
    fn fill(&mut self, step: JournalStep) {
        let state = match step {
            JournalStep::Tagging(tag) => {
                (self.key, self.value) = (Some(tag.key), Some(tag.value));
                self.previous = tag.previous;
                "tagging"
            }
            JournalStep::Tagged { last_changed } => {
                self.last_changed = last_changed;
                "tagged"
            }
            JournalStep::RemovingReplicas(replicas) => {
                self.replicas = Some(replicas);
                "removing-replicas"
            }
            JournalStep::RemovedReplicas { last_changed } => {
                self.last_changed = last_changed;
                "removed-replicas"
            }
            JournalStep::Settled { last_changed } => {
                self.last_changed = last_changed;
                "settled"
            }
            JournalStep::Deleting {
                recovery_days,
                saves,
            } => {
                self.recovery_days = Some(recovery_days);
                self.saves_usd_month = saves;
                "deleting"
            }
            JournalStep::Deleted { deletion } => {
                self.deletion = Some(deletion);
                "deleted"
            }
            JournalStep::Unclear(why) => {
                self.why = Some(why);
                "unclear"
            }
            JournalStep::Refused(why) => {
                self.why = Some(why);
                "refused"
            }
            JournalStep::Failed(why) => {
                self.why = Some(why);
                "failed"
            }
            JournalStep::Restoring => "restoring",
            JournalStep::Restored => "restored",
            JournalStep::Untagging(key) => {
                self.key = Some(key);
                "untagging"
            }
            JournalStep::Untagged(key) => {
                self.key = Some(key);
                "untagged"
            }
            JournalStep::Replicating(region) => {
                self.region = Some(region);
                "replicating"
            }
            JournalStep::Replicated(region) => {
                self.region = Some(region);
                "replicated"
            }
        };
        state.clone_into(&mut self.state);
    }

    fn step(self) -> Result<JournalStep, String> {
        fn needed<T>(value: Option<T>, key: &str, state: &str) -> Result<T, String> {
            value.ok_or_else(|| format!("`{state}` needs `{key}`"))
        }
        let state = self.state.as_str();
        Ok(match state {
            "tagging" => JournalStep::Tagging(OwnTag {
                key: needed(self.key, "key", state)?,
                value: needed(self.value, "value", state)?,
                previous: self.previous,
            }),
            "tagged" => JournalStep::Tagged {
                last_changed: self.last_changed,
            },
            "removing-replicas" => {
                JournalStep::RemovingReplicas(needed(self.replicas, "replicas", state)?)
            }
            "removed-replicas" => JournalStep::RemovedReplicas {
                last_changed: self.last_changed,
            },
            "settled" => JournalStep::Settled {
                last_changed: self.last_changed,
            },
            "deleting" => JournalStep::Deleting {
                recovery_days: needed(self.recovery_days, "recovery_days", state)?,
                saves: self.saves_usd_month,
            },
            "deleted" => JournalStep::Deleted {
                deletion: needed(self.deletion, "deletion", state)?,
            },
            "unclear" => JournalStep::Unclear(self.why.unwrap_or_default()),
            "refused" => JournalStep::Refused(self.why.unwrap_or_default()),
            "failed" => JournalStep::Failed(self.why.unwrap_or_default()),
            "restoring" => JournalStep::Restoring,
            "restored" => JournalStep::Restored,
            "untagging" => JournalStep::Untagging(needed(self.key, "key", state)?),
            "untagged" => JournalStep::Untagged(needed(self.key, "key", state)?),
            "replicating" => JournalStep::Replicating(needed(self.region, "region", state)?),
            "replicated" => JournalStep::Replicated(needed(self.region, "region", state)?),
            other => {
                let other = other.escape_debug();
                return Err(format!("the state `{other}` is not known to this version"));
            }
        })
    }
}

impl TryFrom<WireEntry> for JournalEntry {
    type Error = String;

    fn try_from(mut line: WireEntry) -> Result<Self, String> {
        let (at, plan) = (line.time, std::mem::take(&mut line.plan_id));
        let caller = std::mem::take(&mut line.caller);
        let event = match (line.state.as_str(), line.arn.take()) {
            ("begun", None) => {
                if line.format.is_some_and(|format| format > FORMAT) {
                    return Err("the journal is of a newer version of this tool".to_owned());
                }
                JournalEvent::Begun {
                    tool: line.tool.unwrap_or_default(),
                    lines: line.lines.unwrap_or_default(),
                }
            }
            (_, Some(arn)) => JournalEvent::Secret {
                arn,
                step: line.step()?,
            },
            (state, None) => return Err(format!("`{}` needs `arn`", state.escape_debug())),
        };
        Ok(Self {
            at,
            plan,
            caller,
            event,
        })
    }
}
