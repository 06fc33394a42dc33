//! Where a journal stands, for people: what was done, by whom and when, what is open, what was saved so far.

use jiff::{SignedDuration, Timestamp};

use crate::domain::base::money::Money;
use crate::domain::base::names::SecretArn;
use crate::domain::cleanup::journal::{JournalState, Phase, SecretState};

/// One secret of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// Which.
    pub arn: SecretArn,
    /// How it stands, in one or two words.
    pub state: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// Who brought it there.
    pub caller: String,
    /// The end of its recovery window.
    pub deletion: Option<Timestamp>,
    /// The time left to take it back; `None`: there is nothing to take back.
    pub left: Option<SignedDuration>,
    /// What to know besides: why it did not go on, which replicas are gone. Other people's text may stand in it.
    pub note: String,
}

/// A journal as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusTable {
    /// The plan; `None`: the journal is empty.
    pub plan: Option<String>,
    /// Each secret, sorted by ARN.
    pub rows: Vec<StatusRow>,
    /// How many intents have no outcome: the next run asks AWS.
    pub open: usize,
    /// Deletions that are not taken back.
    pub deleted: usize,
    /// What each of them saves a month; `None`: not known.
    pub saves: Vec<Option<Money>>,
    /// What each deletion saved until now, also those that were taken back.
    pub saved: Vec<Option<Money>>,
}

/// Makes the table as of `now`.
pub fn status(book: &JournalState, now: Timestamp) -> StatusTable {
    let standings = || book.secrets.values();
    let gone = |standing: &&SecretState| standing.phase == Phase::Deleted;
    StatusTable {
        plan: book.plan.clone(),
        rows: book
            .secrets
            .iter()
            .map(|(arn, standing)| row(arn, standing, now))
            .collect(),
        open: standings().filter(|standing| is_open(standing)).count(),
        deleted: standings().filter(gone).count(),
        saves: standings()
            .filter(gone)
            .map(|standing| standing.intent?.saves)
            .collect(),
        saved: book.saved(now).collect(),
    }
}

fn is_open(standing: &SecretState) -> bool {
    matches!(standing.phase, Phase::Deleting | Phase::Restoring) || standing.unsettled.is_some()
}

fn row(arn: &SecretArn, standing: &SecretState, now: Timestamp) -> StatusRow {
    let pending = standing.phase == Phase::Deleted;
    let left = standing
        .deletion
        .filter(|_| pending)
        .map(|end| end.duration_since(now).max(SignedDuration::ZERO));
    StatusRow {
        arn: arn.clone(),
        state: state(standing, left),
        since: standing.since,
        caller: standing.caller.clone(),
        deletion: standing.deletion,
        left,
        note: note(standing),
    }
}

fn state(standing: &SecretState, left: Option<SignedDuration>) -> &'static str {
    match standing.phase {
        Phase::Deleting => "open: deleting",
        Phase::Restoring => "open: restoring",
        Phase::Deleted if left.is_some_and(|left| left.is_zero()) => "gone",
        Phase::Deleted => "pending deletion",
        Phase::Restored => "restored",
        Phase::Untouched if standing.unsettled.is_some() => "open: preparing",
        Phase::Untouched => standing
            .trouble
            .as_ref()
            .map_or("prepared", |trouble| trouble.kind.as_str()),
    }
}

fn note(standing: &SecretState) -> String {
    let mut parts = Vec::new();
    if let Some(trouble) = &standing.trouble {
        parts.push(trouble.why.clone());
    }
    if !standing.removed.is_empty() {
        parts.push(format!("replicas removed: {}", standing.removed_regions()));
    }
    if let Some(tag) = &standing.tag {
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
        let book = replay(&entries).unwrap();
        let table = status(&book, at(73));
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
        assert_eq!(status(&book, at(24 * 8)).rows[1].state, "gone");
    }
}
