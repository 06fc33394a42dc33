//! Findings about stale copies: readers that may hold a value that has changed since, or that ask for a version by its id.

use jiff::Timestamp;

use super::change::is_steady;
use super::seen::{ReaderIdentity, consumers};
use super::{FindingSearch, ScanFacts, about, moment};
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::counted;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::base::span::DAY_S;
use crate::domain::base::span::HOUR_S;
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::FindingRow;
use crate::domain::trail::calls::{CallOutcome, RequestedVersion};
use crate::domain::trail::cell::Cell;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow};

/// Changes of a value within so many seconds are one: a rotation writes, tests and moves labels.
const ONE_CHANGE: i64 = HOUR_S;

/// Adds the findings about stale copies.
pub(super) fn find(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let mut unjudged = 0_u64;
    for (index, secret) in facts.secrets.iter().enumerate() {
        if secret.deleted.is_some() {
            continue;
        }
        let readers = consumers(facts, index);
        let of_previous = readers
            .iter()
            .filter_map(|one| previous(facts, secret, one));
        found.rows.extend(of_previous);
        let history = changes(facts, index, secret);
        let Some(&changed) = history.last() else {
            continue;
        };
        let before = history.iter().rev().find(|at| changed - **at > ONE_CHANGE);
        let old = ActivityWindow {
            from: before.copied().unwrap_or(facts.evidence.from),
            to: changed,
        };
        let is_covered = facts.is_covered(secret.arn.scope(), changed, facts.evidence.to);
        for reader in &readers {
            if !is_covered {
                unjudged += u64::from(reader.used_in(old).is_some());
                continue;
            }
            found.rows.extend(unread(facts, secret, reader, old));
        }
        found.rows.extend(
            readers
                .iter()
                .filter_map(|reader| by_version(facts, secret, reader, changed)),
        );
    }
    if unjudged > 0
        && facts
            .policy
            .findings
            .is_on(&FindingCode::UnreadSinceRotation)
    {
        found.unjudged.push(format!(
            "Whether {} fetched a changed value could not be judged: the trail does not cover the time since.",
            counted(unjudged, "reader", "readers")
        ));
    }
}

/// Returns when the value changed within the evidence span, sorted: rotations that succeeded, and values that were put.
fn changes(facts: &ScanFacts<'_>, index: usize, secret: &Secret) -> Vec<i64> {
    let events = facts.activity.service_events.get(&index);
    let rotations = events
        .into_iter()
        .flatten()
        .filter(|slice| &*slice.access.subject.api == "RotationSucceeded");
    let calls = facts.activity.secrets[index]
        .values()
        .flat_map(|what| &what.slices);
    let puts = calls.filter(|slice| {
        &*slice.access.subject.api == "PutSecretValue" && slice.access.outcome == CallOutcome::Ok
    });
    let hours = rotations.chain(puts).flat_map(ActivitySlice::cells);
    let mut moments: Vec<i64> = hours.map(Cell::last).collect();
    moments.extend(secret.last_rotated.map(Timestamp::as_second));
    moments.retain(|at| facts.evidence.holds(*at));
    moments.sort_unstable();
    moments
}

/// A program that read the value before this change and after the one before, and asked for nothing since. Steady readers
/// that stop are gone; one that reads when it starts, and runs on, is seen on few days.
fn unread(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    reader: &ReaderIdentity<'_>,
    old: ActivityWindow,
) -> Option<FindingRow> {
    let kinds = [ReaderKind::Application, ReaderKind::Cache, ReaderKind::Sync];
    let after = i64::from(facts.policy.findings.stale_after) * DAY_S;
    if !reader.is_only(&kinds) || facts.evidence.to - old.to < after || is_steady(facts, reader) {
        return None;
    }
    let since = ActivityWindow {
        from: old.to,
        to: i64::MAX,
    };
    let asked = reader.slices().any(|slice| slice.span_in(since).is_some());
    let reads = reader.slices().filter(|slice| slice.is_read());
    let (_, last) = reads
        .filter_map(|slice| slice.span_in(old))
        .max_by_key(|span| span.1)?;
    if asked {
        return None;
    }
    let text = format!(
        "{} read the value before it changed on {}, and has not asked for it since: it may hold the old one",
        reader.short(),
        moment(old.to)
    );
    Some(FindingRow {
        reader: Some(reader.name.to_owned()),
        evidence: format!("last read at {}", moment(last)),
        ..about(secret, FindingCode::UnreadSinceRotation, text)
    })
}

/// A program that asks for the version before the current one, and never for the current one. Who verifies signatures
/// asks for both.
fn previous(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    reader: &ReaderIdentity<'_>,
) -> Option<FindingRow> {
    if !reader.is_only(&[ReaderKind::Application]) {
        return None;
    }
    let reads = || reader.slices().filter(|slice| slice.is_read());
    let reads_current = reads().any(|slice| {
        slice.access.version != RequestedVersion::Previous
            && slice.span_in(facts.evidence).is_some()
    });
    let old = || reads().filter(|slice| slice.access.version == RequestedVersion::Previous);
    let spans = old().filter_map(|slice| slice.span_in(facts.window));
    let (first, last) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    if reads_current {
        return None;
    }
    let calls: u64 = old().map(|slice| slice.calls_in(facts.window)).sum();
    let text = format!(
        "{} asks for the version before the current one (`AWSPREVIOUS`), {} in the window, and never for the current one",
        reader.short(),
        counted(calls, "time", "times"),
    );
    Some(FindingRow {
        reader: Some(reader.name.to_owned()),
        evidence: format!("first {}, last {}", moment(first), moment(last)),
        ..about(secret, FindingCode::ReadsOldVersion, text)
    })
}

/// A program that asks for one version by its id before and after the value changed. A cache does so, too: it asks for the
/// description first, which names the version.
fn by_version(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    reader: &ReaderIdentity<'_>,
    changed: i64,
) -> Option<FindingRow> {
    let describes = reader.slices().any(ActivitySlice::asks_for_description);
    if describes || !reader.is_only(&[ReaderKind::Application]) {
        return None;
    }
    let named = || {
        reader
            .slices()
            .filter(|slice| slice.is_read() && slice.access.version == RequestedVersion::ById)
    };
    let spans = named().filter_map(|slice| slice.span_in(facts.evidence));
    let (first, last) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let calls: u64 = named().map(|slice| slice.calls_in(facts.window)).sum();
    if calls == 0 || first >= changed - ONE_CHANGE || last <= changed + ONE_CHANGE {
        return None;
    }
    let text = format!(
        "{} asks for a version by its id, {} in the window, before and after the value changed on {}",
        reader.short(),
        counted(calls, "time", "times"),
        moment(changed)
    );
    Some(FindingRow {
        reader: Some(reader.name.to_owned()),
        evidence: format!("first {}, last {}", moment(first), moment(last)),
        ..about(secret, FindingCode::ReadsOldVersion, text)
    })
}
