//! Failed reads: who is refused, and who asks for what is not there.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ScanFacts, about, general};
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::counted;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::FindingRow;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{
    Activity, ActivityWindow, FailedCalls, MissingName, Reader, Readers,
};

/// Adds the findings about failed reads.
pub(super) fn find(facts: &ScanFacts<'_>, findings: &mut Vec<FindingRow>) {
    let (activity, window) = (facts.activity, facts.window);
    for (secret, readers) in facts.secrets.iter().zip(&activity.secrets) {
        failing(secret, readers, window, findings);
    }
    for (missing, readers) in &activity.missing {
        absent(missing, readers, window, findings);
    }
    unnamed(activity, window, findings);
}

fn failing(
    secret: &Secret,
    readers: &Readers<'_>,
    window: ActivityWindow,
    findings: &mut Vec<FindingRow>,
) {
    for (reader, what) in readers
        .iter()
        .filter(|(reader, _)| reader.kind != ReaderKind::Ourselves)
    {
        for (outcome, failures) in what.failures(window) {
            let text = sentence(reader, &failures, outcome);
            findings.push(FindingRow {
                severity: if outcome == CallOutcome::Throttled {
                    Severity::Medium
                } else {
                    Severity::High
                },
                reader: Some(reader.identity.clone()),
                evidence: evidence(&failures),
                ..about(secret, FindingCode::FailingReads, text)
            });
        }
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
        for (outcome, failures) in what.failures(window) {
            let (code, severity) = match outcome {
                CallOutcome::NotFound => (FindingCode::MissingSecret, Severity::Medium),
                _ => (FindingCode::FailingReads, Severity::Medium),
            };
            findings.push(FindingRow {
                severity,
                name: missing.target.to_string(),
                account: scope.as_ref().map(|scope| scope.account.clone()),
                region: scope.as_ref().map(|scope| scope.region.clone()),
                reader: Some(reader.identity.clone()),
                evidence: evidence(&failures),
                ..general(code, sentence(reader, &failures, outcome))
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
        {
            let key = (scope, &call.reader, call.slice.access.outcome);
            let failures = refusals.entry(key).or_default();
            failures.add(&call.slice, call.slice.calls_in(window), span);
        }
    }
    for ((scope, reader, outcome), failures) in refusals {
        let (account, region) = scope.map(|scope| (scope.account, scope.region)).unzip();
        let text = format!(
            "{}; the records name no secret, so any of this account and Region may be meant",
            sentence(reader, &failures, outcome)
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

fn sentence(reader: &Reader, failures: &FailedCalls, outcome: CallOutcome) -> String {
    format!(
        "{}{} of {} ({}) {} {}",
        if failures.estimated { "about " } else { "" },
        counted(failures.calls, "read", "reads"),
        name_of(&reader.identity),
        reader.client,
        if failures.calls == 1 { "was" } else { "were" },
        outcome.in_words(),
    )
}

fn evidence(failures: &FailedCalls) -> String {
    let at = |second: Option<i64>| {
        let moment = second.and_then(|second| Timestamp::from_second(second).ok());
        moment.map_or_else(String::new, |moment| moment.to_string())
    };
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
