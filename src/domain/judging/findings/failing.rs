//! Failed reads: who is refused and why, who broke, and who asks for what is not there.
//!
//! A reader that has read the secret and now only fails is another case than one that never could: the first is about to be
//! an outage, the second is mostly a leftover or a missing permission.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{ScanFacts, about, general, moment};
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::base::span::DAY_S;
use crate::domain::report::result::FindingRow;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::cell::Cell;
use crate::domain::usage::activity::{
    Activity, ActivitySlice, ActivityWindow, FailedCalls, FailureCause, MissingName, Reader,
    ReaderUse, Readers,
};

/// The seconds before the first failure within which a change of the secret may have caused it.
const SHORTLY: i64 = DAY_S;

/// Failures are over if the reader succeeded since, and the last of them is so many seconds ago.
const OVER: i64 = 2 * DAY_S;

/// Calls that change a secret so that readers may fail.
const CAUSES: [&str; 11] = [
    "DeleteSecret",
    "PutResourcePolicy",
    "DeleteResourcePolicy",
    "UpdateSecret",
    "PutSecretValue",
    "UpdateSecretVersionStage",
    "RotateSecret",
    "RestoreSecret",
    "RotationSucceeded",
    "RotationFailed",
    "RotationAbandoned",
];

/// Adds the findings about failed reads.
pub(super) fn find(facts: &ScanFacts<'_>, findings: &mut Vec<FindingRow>) {
    let (activity, window) = (facts.activity, facts.window);
    for index in 0..facts.secrets.len() {
        failing(facts, index, findings);
    }
    for (missing, readers) in &activity.missing {
        absent(missing, readers, window, findings);
    }
    unnamed(activity, window, findings);
}

fn failing(facts: &ScanFacts<'_>, index: usize, findings: &mut Vec<FindingRow>) {
    let secret = &facts.secrets[index];
    // A secret may have thousands of readers, and each of them is compared with what all did.
    let history = LazyCell::new(|| SecretHistory::of(facts, index));
    for (reader, what) in facts.activity.secrets[index]
        .iter()
        .filter(|(reader, _)| reader.kind != ReaderKind::Ourselves)
    {
        for (cause, failures) in what.failures(facts.window) {
            let story = FailureStory::of(facts, &history, (reader, what), cause);
            let code = if story.broke {
                FindingCode::BrokenReads
            } else {
                FindingCode::FailingReads
            };
            let text = sentence(reader, &failures, cause) + &story.in_words(facts, &failures);
            let before = story.before(&history);
            findings.push(FindingRow {
                severity: match cause {
                    _ if story.is_over => Severity::Low,
                    FailureCause::Throttled => Severity::Medium,
                    _ => Severity::High,
                },
                reader: Some(reader.identity.clone()),
                evidence: before + &evidence(&failures),
                ..about(secret, code, text)
            });
        }
    }
}

/// The history of a secret in the evidence span: what was done with it.
#[derive(Debug)]
struct SecretHistory<'a> {
    /// The first and the last use of each role or user. The same role with another program, such as another version of
    /// its SDK, is the same reader.
    uses: BTreeMap<&'a str, (i64, i64)>,
    /// The calls and events that may make a reader fail.
    changes: Vec<&'a ActivitySlice<'a>>,
}

impl<'a> SecretHistory<'a> {
    fn of(facts: &ScanFacts<'a>, index: usize) -> Self {
        let readers = &facts.activity.secrets[index];
        let mut uses: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (reader, what) in readers {
            let successful = what.evidence().filter(|slice| {
                slice.access.outcome == CallOutcome::Ok
                    && (slice.asks_for_value() || slice.is_describe())
            });
            for span in successful.filter_map(|slice| slice.span_in(facts.evidence)) {
                let known = uses.entry(&reader.identity).or_insert(span);
                *known = (known.0.min(span.0), known.1.max(span.1));
            }
        }
        let calls = readers.values().flat_map(|what| &what.slices);
        let events = facts.activity.service_events.get(&index);
        let changes = calls.chain(events.into_iter().flatten()).filter(|slice| {
            slice.access.outcome == CallOutcome::Ok && CAUSES.contains(&&*slice.access.subject.api)
        });
        Self {
            uses,
            changes: changes.collect(),
        }
    }
}

/// The relation of the failures of one cause to the other calls of the role or user.
#[derive(Debug)]
struct FailureStory {
    /// The first of them in the evidence span.
    first: i64,
    /// The last use, if there is one.
    last_use: Option<i64>,
    /// It used the secret, then failed, and has not succeeded since.
    broke: bool,
    /// It has succeeded since.
    is_over: bool,
    /// The failures of the last seven days are twice those of the seven before, and ten more.
    grows: bool,
}

impl FailureStory {
    fn of(
        facts: &ScanFacts<'_>,
        history: &SecretHistory<'_>,
        (reader, what): (&Reader, &ReaderUse<'_>),
        cause: FailureCause,
    ) -> Self {
        let own: Vec<_> = what
            .failed()
            .filter(|slice| FailureCause::of(slice) == Some(cause))
            .collect();
        let spans = own.iter().filter_map(|slice| slice.span_in(facts.evidence));
        let (first, last) = spans
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            .unwrap_or((facts.evidence.to, facts.evidence.to));
        let (first_use, last_use) = history.uses.get(reader.identity.as_str()).copied().unzip();
        let week = |number: i64| {
            let to = facts.evidence.to - number * 7 * DAY_S;
            let span = ActivityWindow {
                from: to - 7 * DAY_S,
                to,
            };
            own.iter().map(|slice| slice.calls_in(span)).sum::<u64>()
        };
        let (now, before) = (week(0), week(1));
        Self {
            first,
            last_use,
            broke: !cause.is_passing()
                && first_use.is_some_and(|used| used < first)
                && last_use.is_some_and(|used| used <= first),
            is_over: last_use.is_some_and(|used| used > last) && facts.evidence.to - last >= OVER,
            grows: before > 0 && now >= 2 * before && now - before >= 10,
        }
    }

    /// Returns how it stands, as the end of a sentence.
    fn in_words(&self, facts: &ScanFacts<'_>, failures: &FailedCalls) -> String {
        let days = (failures.last.unwrap_or(0) - failures.first.unwrap_or(0)).div_euclid(DAY_S) + 1;
        let rate = failures.calls / days.unsigned_abs();
        let mut text = match rate {
            0 | 1 => String::new(),
            many => format!(", about {} a day", thousands(many)),
        };
        let ago = counted(
            ((facts.evidence.to - self.first) / DAY_S).unsigned_abs(),
            "day",
            "days",
        );
        match self.last_use {
            Some(used) if self.broke => {
                let _ = write!(
                    text,
                    "; it read the secret until {}, and has failed since",
                    moment(used)
                );
            }
            _ if self.is_over => text += "; it succeeds again",
            Some(_) => text += "; other calls of it succeed",
            None => {
                let _ = write!(
                    text,
                    "; it has never succeeded in this time, and was first seen {ago} ago"
                );
            }
        }
        if self.grows {
            text += "; growing";
        }
        text
    }

    /// Returns what was done to the secret shortly before the first failure.
    fn before(&self, history: &SecretHistory<'_>) -> String {
        let shortly = self.first - SHORTLY..=self.first;
        let moments = history.changes.iter().filter_map(|slice| {
            let starts = slice.cells().map(Cell::first);
            let at = starts.filter(|at| shortly.contains(at)).max()?;
            Some((at, slice))
        });
        let Some((at, slice)) =
            moments.max_by_key(|(at, slice)| (*at, slice.access.subject.api.clone()))
        else {
            return String::new();
        };
        format!(
            "shortly before: {} by {} at {}; ",
            slice.access.subject.api,
            slice.caller_name(),
            moment(at)
        )
    }
}

fn absent(
    missing: &MissingName,
    readers: &Readers<'_>,
    window: ActivityWindow,
    findings: &mut Vec<FindingRow>,
) {
    let scope = missing.scope();
    for (reader, what) in readers
        .iter()
        .filter(|(reader, _)| reader.kind != ReaderKind::Ourselves)
    {
        for (cause, failures) in what.failures(window) {
            let code = match cause {
                FailureCause::NoSecret | FailureCause::NoVersion => FindingCode::MissingSecret,
                _ => FindingCode::FailingReads,
            };
            findings.push(FindingRow {
                severity: Severity::Medium,
                name: missing.target.to_string(),
                account: scope.as_ref().map(|scope| scope.account.clone()),
                region: scope.as_ref().map(|scope| scope.region.clone()),
                reader: Some(reader.identity.clone()),
                evidence: evidence(&failures),
                ..general(code, sentence(reader, &failures, cause))
            });
        }
    }
}

/// Refused calls whose records name no secret.
fn unnamed(activity: &Activity<'_>, window: ActivityWindow, findings: &mut Vec<FindingRow>) {
    let mut refusals: BTreeMap<_, FailedCalls> = BTreeMap::new();
    for call in &activity.unnamed {
        let scope = call.slice.access.scope();
        if call.reader.kind != ReaderKind::Ourselves
            && let Some(span) = call.slice.span_in(window)
            && let Some(cause) = FailureCause::of(&call.slice)
        {
            let failures = refusals.entry((scope, &call.reader, cause)).or_default();
            failures.add(&call.slice, call.slice.calls_in(window), span);
        }
    }
    for ((scope, reader, cause), failures) in refusals {
        let (account, region) = scope.map(|scope| (scope.account, scope.region)).unzip();
        let text = format!(
            "{}; the records name no secret, so any of this account and Region may be meant",
            sentence(reader, &failures, cause)
        );
        findings.push(FindingRow {
            account,
            region,
            reader: Some(reader.identity.clone()),
            evidence: evidence(&failures),
            ..general(FindingCode::FailingReads, text)
        });
    }
}

fn sentence(reader: &Reader, failures: &FailedCalls, cause: FailureCause) -> String {
    format!(
        "{}{} of {} ({}) {} {}",
        if failures.estimated { "about " } else { "" },
        counted(failures.calls, "read", "reads"),
        name_of(&reader.identity),
        reader.client,
        if failures.calls == 1 { "was" } else { "were" },
        cause.in_words(),
    )
}

fn evidence(failures: &FailedCalls) -> String {
    let at = |second: Option<i64>| second.map_or_else(String::new, moment);
    let sample = failures
        .sample
        .as_deref()
        .map_or_else(String::new, |sample| format!("; {sample}"));
    format!(
        "first {}, last {}{sample}",
        at(failures.first),
        at(failures.last)
    )
}
