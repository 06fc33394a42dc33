//! Where a journal stands, for people: what was done, by whom and when, what is open, what was saved so far.

use jiff::{SignedDuration, Timestamp};

use crate::domain::base::money::Money;
use crate::domain::base::names::SecretArn;
use crate::domain::cleanup::journal::{JournalState, Phase, SecretState};

/// One secret of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// The ARN of the secret.
    pub arn: SecretArn,
    /// The state of the secret, in one or two words.
    pub state: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// The caller who brought it there.
    pub caller: String,
    /// The end of its recovery window.
    pub deletion: Option<Timestamp>,
    /// The time left to take it back; `None`: there is nothing to take back.
    pub left: Option<SignedDuration>,
    /// A note about it: why it did not go on, which replicas are gone. Other people's text may stand in it.
    pub note: String,
}

/// A journal as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusTable {
    /// The plan; `None`: the journal is empty.
    pub plan: Option<String>,
    /// Each secret, sorted by ARN.
    pub rows: Vec<StatusRow>,
    /// The number of intents that have no outcome: the next run asks AWS.
    pub open: usize,
    /// Deletions that are not taken back.
    pub deleted: usize,
    /// The amounts that each of them saves a month; `None`: not known.
    pub saves: Vec<Option<Money>>,
    /// The amounts that each deletion saved until now, also those that were taken back.
    pub saved: Vec<Option<Money>>,
}

/// Makes the table as of `now`.
pub fn status(state: &JournalState, now: Timestamp) -> StatusTable {
    let secret_states = || state.secrets.values();
    let gone = |secret_state: &&SecretState| secret_state.phase == Phase::Deleted;
    StatusTable {
        plan: state.plan.clone(),
        rows: state
            .secrets
            .iter()
            .map(|(arn, secret_state)| row(arn, secret_state, now))
            .collect(),
        open: secret_states()
            .filter(|secret_state| is_open(secret_state))
            .count(),
        deleted: secret_states().filter(gone).count(),
        saves: secret_states()
            .filter(gone)
            .map(|secret_state| secret_state.intent?.saves)
            .collect(),
        saved: state.saved(now).collect(),
    }
}

fn is_open(secret_state: &SecretState) -> bool {
    matches!(secret_state.phase, Phase::Deleting | Phase::Restoring)
        || secret_state.unsettled.is_some()
}

fn row(arn: &SecretArn, secret_state: &SecretState, now: Timestamp) -> StatusRow {
    let pending = secret_state.phase == Phase::Deleted;
    let left = secret_state
        .deletion
        .filter(|_| pending)
        .map(|end| end.duration_since(now).max(SignedDuration::ZERO));
    StatusRow {
        arn: arn.clone(),
        state: state(secret_state, left),
        since: secret_state.since,
        caller: secret_state.caller.clone(),
        deletion: secret_state.deletion,
        left,
        note: note(secret_state),
    }
}

fn state(secret_state: &SecretState, left: Option<SignedDuration>) -> &'static str {
    match secret_state.phase {
        Phase::Deleting => "open: deleting",
        Phase::Restoring => "open: restoring",
        Phase::Deleted if left.is_some_and(|left| left.is_zero()) => "gone",
        Phase::Deleted => "pending deletion",
        Phase::Restored => "restored",
        Phase::Untouched if secret_state.unsettled.is_some() => "open: preparing",
        Phase::Untouched => secret_state
            .trouble
            .as_ref()
            .map_or("prepared", |trouble| trouble.kind.as_str()),
    }
}

fn note(secret_state: &SecretState) -> String {
    let mut parts = Vec::new();
    if let Some(trouble) = &secret_state.trouble {
        parts.push(trouble.why.clone());
    }
    if !secret_state.removed.is_empty() {
        parts.push(format!(
            "replicas removed: {}",
            secret_state.removed_regions()
        ));
    }
    if let Some(tag) = &secret_state.tag {
        parts.push(format!("tagged {}={}", tag.key, tag.value));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cleanup::journal::{JournalEntry, JournalEvent, JournalStep, replay};

    #[test]
    fn a_journal_tells_what_is_done_open_and_saved() {
        let arn = |name: &str| -> SecretArn {
            format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-AbC123")
                .parse()
                .unwrap()
        };
        let at = |hour: i64| Timestamp::from_second(1_790_000_000 + 3_600 * hour).unwrap();
        let deleting = || JournalStep::Deleting {
            recovery_days: 7,
            saves: Some(Money(400_000)),
        };
        let deletion = at(24 * 7);
        let steps = [
            ("done", deleting()),
            ("done", JournalStep::Deleted { deletion }),
            ("open", deleting()),
            ("open", JournalStep::Unclear("no answer".to_owned())),
            ("kept", JournalStep::Refused("it changed".to_owned())),
            ("back", deleting()),
            ("back", JournalStep::Deleted { deletion }),
            ("back", JournalStep::Restoring),
            ("back", JournalStep::Restored),
        ];
        let entries: Vec<(u64, JournalEntry)> = (1..)
            .zip(steps)
            .map(|(number, (name, step))| {
                let entry = JournalEntry {
                    at: at(0),
                    plan: "p".to_owned(),
                    caller: "me".to_owned(),
                    event: JournalEvent::Secret {
                        arn: arn(name),
                        step,
                    },
                };
                (number, entry)
            })
            .collect();
        let state = replay(&entries).unwrap();
        let table = status(&state, at(73));
        let states: Vec<(&str, &str)> = table
            .rows
            .iter()
            .map(|row| (row.arn.name(), row.state))
            .collect();
        assert_eq!(
            states,
            [
                ("back", "restored"),
                ("done", "pending deletion"),
                ("kept", "refused"),
                ("open", "open: deleting"),
            ]
        );
        assert_eq!((table.open, table.deleted), (1, 1));
        assert_eq!(table.saves, [Some(Money(400_000))]);
        assert_eq!(table.saved, [Some(Money(0)), Some(Money(40_000))]);
        assert_eq!(table.rows[1].left.unwrap().as_hours(), 24 * 7 - 73);
        assert_eq!(status(&state, at(24 * 8)).rows[1].state, "gone");
    }
}
