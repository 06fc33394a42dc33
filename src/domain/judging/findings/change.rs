//! Findings about what changed: readers that came, readers that went, and readers that call far more than before.
//!
//! All of them compare with the time before, so they need covered time there, and none of them is judged from a sample.

use super::seen::{ReaderIdentity, consumers};
use super::{FindingSearch, ScanFacts, about, moment};
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::base::span::DAY_S;
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::FindingRow;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow};

/// A role that replaces another one begins within so many seconds of the other's end.
const HANDOVER: i64 = 2 * DAY_S;

/// A reader that used a secret on so many days was a steady one.
const STEADY_DAYS: usize = 10;

/// A volume is compared with so many weeks before it at most, and at least.
const WEEKS: std::ops::RangeInclusive<i64> = 4..=8;

/// A jump adds so many calls a week at least.
const LEAST_MORE: u64 = 1_000;

/// Adds the findings about what changed.
pub(super) fn find(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let mut unjudged = 0_u64;
    for (index, secret) in facts.secrets.iter().enumerate() {
        if secret.deleted.is_some() {
            continue;
        }
        let readers = consumers(facts, index);
        if readers.is_empty() {
            continue;
        }
        let scope = secret.arn.scope();
        if facts.is_covered(scope, facts.evidence.from, facts.evidence.to) {
            for reader in &readers {
                found
                    .rows
                    .extend(new_reader(facts, secret, reader, &readers));
                found.rows.extend(gone(facts, secret, reader, &readers));
            }
        } else {
            unjudged += 1;
        }
        for reader in &readers {
            found.rows.extend(jump(facts, secret, reader));
        }
    }
    let settings = &facts.policy.findings;
    let is_on = settings.is_on(&FindingCode::NewReader) || settings.is_on(&FindingCode::ReaderGone);
    if unjudged > 0 && is_on {
        found.unjudged.push(format!(
            "New and vanished readers of {} could not be judged: the trail does not cover the time before.",
            counted(unjudged, "secret", "secrets")
        ));
    }
}

fn new_reader(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    reader: &ReaderIdentity<'_>,
    readers: &[ReaderIdentity<'_>],
) -> Option<FindingRow> {
    if reader.is_any(&[ReaderKind::Deploy, ReaderKind::Service]) {
        return None;
    }
    let cut = facts.evidence.to - i64::from(facts.policy.findings.recent) * DAY_S;
    let (first, last) = reader.used_in(facts.evidence)?;
    // A secret that is new itself has none but new readers.
    let old = secret
        .created
        .is_some_and(|created| created.as_second() < facts.evidence.from);
    let before = readers.iter().any(|other| {
        other
            .used_in(facts.evidence)
            .is_some_and(|(first, _)| first < cut)
    });
    if first < cut || !old || !before || follows(facts, reader, first, readers) {
        return None;
    }
    let text = format!(
        "{} has read it since {}, and did not in the {} before",
        reader.short(),
        moment(first),
        counted(
            ((first - facts.evidence.from) / DAY_S).unsigned_abs(),
            "day",
            "days"
        )
    );
    Some(FindingRow {
        reader: Some(reader.name.to_owned()),
        evidence: format!("first {}, last {}", moment(first), moment(last)),
        ..about(secret, FindingCode::NewReader, text)
    })
}

/// Returns whether a reader replaces another one with the same program, as after a deploy that gives the role another
/// name.
fn follows(
    facts: &ScanFacts<'_>,
    reader: &ReaderIdentity<'_>,
    first: i64,
    readers: &[ReaderIdentity<'_>],
) -> bool {
    readers.iter().any(|other| {
        let last = other.used_in(facts.evidence).map(|(_, last)| last);
        let hands_over = last.is_some_and(|last| {
            let has_ended = facts.evidence.to - last >= DAY_S;
            has_ended && (first - HANDOVER..first + DAY_S).contains(&last)
        });
        other.name != reader.name && hands_over && other.is_like(reader)
    })
}

/// Returns whether a steady reader has stopped: it is silent for longer than the policy's time and than three times its
/// longest pause. Returns its last use.
fn stopped(facts: &ScanFacts<'_>, reader: &ReaderIdentity<'_>) -> Option<(usize, i64)> {
    let days = reader.days(facts.evidence);
    let (_, last) = reader.used_in(facts.evidence)?;
    let pauses = days
        .iter()
        .zip(days.iter().skip(1))
        .map(|(one, next)| next - one);
    let longest = pauses.max().unwrap_or(1);
    let patience = i64::from(facts.policy.findings.gone_after).max(3 * longest);
    let silence = facts.evidence.to - last;
    (days.len() >= STEADY_DAYS && silence >= patience * DAY_S).then_some((days.len(), last))
}

fn gone(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    reader: &ReaderIdentity<'_>,
    readers: &[ReaderIdentity<'_>],
) -> Option<FindingRow> {
    if reader.is_any(&[ReaderKind::Deploy, ReaderKind::Service, ReaderKind::Person]) {
        return None;
    }
    let (days, last) = stopped(facts, reader)?;
    let successor = readers.iter().any(|other| {
        let first = other.used_in(facts.evidence).map(|(first, _)| first);
        let takes_over =
            first.is_some_and(|first| (last - HANDOVER..=last + HANDOVER).contains(&first));
        other.name != reader.name && takes_over && other.is_like(reader)
    });
    if successor {
        return None;
    }
    let text = format!(
        "{} used it on {}, and not since {}",
        reader.short(),
        counted(days as u64, "day", "days"),
        moment(last)
    );
    Some(FindingRow {
        reader: Some(reader.name.to_owned()),
        evidence: format!("last use at {}", moment(last)),
        ..about(secret, FindingCode::ReaderGone, text)
    })
}

fn jump(facts: &ScanFacts<'_>, secret: &Secret, reader: &ReaderIdentity<'_>) -> Option<FindingRow> {
    let to = facts.evidence.to;
    let slices: Vec<&ActivitySlice<'_>> = reader.slices().collect();
    let is_sampled = slices.iter().any(|slice| !slice.access.sampled.is_empty());
    let week = |number: i64| {
        let span = ActivityWindow {
            from: to - (number + 1) * 7 * DAY_S,
            to: to - number * 7 * DAY_S,
        };
        slices.iter().map(|slice| slice.calls_in(span)).sum::<u64>()
    };
    let last = week(0);
    if is_sampled || last < LEAST_MORE {
        return None;
    }
    let from = |weeks: i64| to - (weeks + 1) * 7 * DAY_S;
    let is_covered = |weeks: i64| {
        from(weeks) >= facts.evidence.from && facts.is_covered(secret.arn.scope(), from(weeks), to)
    };
    let weeks = WEEKS.rev().find(|weeks| is_covered(*weeks))?;
    let before: Vec<u64> = (1..=weeks).map(week).collect();
    let most = before.iter().copied().max().unwrap_or(0);
    let active = before.iter().filter(|calls| **calls > 0).count();
    let factor = facts.policy.findings.jump_factor;
    if active < 3 || last < most.saturating_mul(factor) || last - most < LEAST_MORE {
        return None;
    }
    let text = format!(
        "{} made {} calls in the last week, and at most {} in each of the {weeks} weeks before",
        reader.short(),
        thousands(last),
        thousands(most)
    );
    let shown: Vec<String> = before.iter().rev().map(|calls| thousands(*calls)).collect();
    Some(FindingRow {
        reader: Some(reader.name.to_owned()),
        evidence: format!("calls by week: {}; {}", shown.join("; "), thousands(last)),
        ..about(secret, FindingCode::VolumeJump, text)
    })
}

/// Returns whether a reader used a secret on so many days that [`gone`] judges it.
pub(super) fn is_steady(facts: &ScanFacts<'_>, reader: &ReaderIdentity<'_>) -> bool {
    reader.days(facts.evidence).len() >= STEADY_DAYS
}
