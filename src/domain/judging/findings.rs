//! Findings that fall out of failed reads: who is refused, and who asks for what is not there.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::counted;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::inventory::secret::{Secret, day_of};
use crate::domain::policy::Mute;
use crate::domain::report::result::{FindingRow, Severity};
use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{
    Activity, ActivityWindow, FailedCalls, MissingName, Reader, Readers,
};

/// The findings of a scan, most severe first. They speak of the failures of the window alone.
pub fn find(
    secrets: &[Secret],
    activity: &Activity<'_>,
    window: ActivityWindow,
) -> Vec<FindingRow> {
    let mut findings = Vec::new();
    for (secret, readers) in secrets.iter().zip(&activity.secrets) {
        failing(secret, readers, window, &mut findings);
    }
    for (missing, readers) in &activity.missing {
        absent(missing, readers, window, &mut findings);
    }
    unnamed(activity, window, &mut findings);
    sort(&mut findings);
    findings
}

/// Sorts findings: severity, code, place, name, reader.
pub fn sort(findings: &mut [FindingRow]) {
    findings.sort_by(|a, b| {
        let key = |row: &FindingRow| {
            (
                row.severity,
                row.code.clone(),
                row.account.clone(),
                row.region.clone(),
                row.name.clone(),
                row.reader.clone(),
            )
        };
        key(a).cmp(&key(b)).then_with(|| a.text.cmp(&b.text))
    });
}

/// Whether the policy accepts a finding today.
pub fn is_muted(finding: &FindingRow, mutes: &[Mute], now: Timestamp) -> bool {
    mutes.iter().any(|mute| {
        mute.code == finding.code
            && mute
                .name
                .as_ref()
                .is_none_or(|glob| glob.fits(&finding.name))
            && mute.until.is_none_or(|until| day_of(now) <= until)
    })
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
            findings.push(FindingRow {
                code: FindingCode::FailingReads,
                severity: if outcome == CallOutcome::Throttled {
                    Severity::Medium
                } else {
                    Severity::High
                },
                arn: Some(secret.arn.clone()),
                name: secret.name.clone(),
                account: Some(secret.arn.scope().account.clone()),
                region: Some(secret.arn.scope().region.clone()),
                reader: Some(reader.identity.clone()),
                text: sentence(reader, &failures, outcome),
                evidence: evidence(&failures),
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
                code,
                severity,
                arn: None,
                name: missing.target.to_string(),
                account: scope.as_ref().map(|scope| scope.account.clone()),
                region: scope.as_ref().map(|scope| scope.region.clone()),
                reader: Some(reader.identity.clone()),
                text: sentence(reader, &failures, outcome),
                evidence: evidence(&failures),
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
        findings.push(FindingRow {
            code: FindingCode::FailingReads,
            severity: Severity::High,
            arn: None,
            name: String::new(),
            account,
            region,
            reader: Some(reader.identity.clone()),
            text: format!(
                "{}; the records name no secret, so any of this account and Region may be meant",
                sentence(reader, &failures, outcome)
            ),
            evidence: evidence(&failures),
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
