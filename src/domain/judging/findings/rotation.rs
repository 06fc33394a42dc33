//! Findings about rotation, from the inventory and the service's own events. Of one secret the gravest of them is reported:
//! a rotation that fails is mostly stuck and overdue, too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::inventory::is_read;
use super::{FindingSearch, ScanFacts, about, moment};
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::counted;
use crate::domain::base::names::Scope;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::base::span::DAY_S;
use crate::domain::inventory::secret::{Secret, day_of};
use crate::domain::judging::facts::utc_day;
use crate::domain::policy::TagRule;
use crate::domain::report::result::FindingRow;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{ActivitySlice, Readers};

/// Adds the findings about rotation.
pub(super) fn find(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let told = told(facts.secrets);
    let mut unknown = 0_u64;
    for (index, secret) in facts.secrets.iter().enumerate() {
        if secret.deleted.is_some() || secret.is_replica() {
            continue;
        }
        if secret.rotation_enabled.is_none() && !told.contains(secret.arn.scope()) {
            unknown += 1;
            continue;
        }
        let one = OneSecret {
            facts,
            index,
            secret,
            readers: &facts.activity.secrets[index],
            events: Events::of(facts, index),
        };
        let rotates = secret.rotation_enabled == Some(true);
        let row = if rotates {
            one.failing()
                .or_else(|| one.stuck())
                .or_else(|| one.overdue())
        } else {
            one.off().or_else(|| one.never())
        };
        found.rows.extend(row);
        if rotates {
            found.rows.extend(one.by_hand());
        }
    }
    if unknown > 0 {
        found.unjudged.push(format!(
            "Whether {} rotate could not be judged: the inventory leaves these fields out.",
            counted(unknown, "secret", "secrets")
        ));
    }
}

/// The accounts and Regions whose inventory says which secrets rotate. An entry without `RotationEnabled` never rotated,
/// unless somebody left fields out; then no entry has its versions' stages either, which every secret with a value has.
fn told(secrets: &[Secret]) -> BTreeSet<&Scope> {
    let whole = secrets
        .iter()
        .filter(|secret| secret.rotation_enabled.is_some() || secret.has_pending_version.is_some());
    whole.map(|secret| secret.arn.scope()).collect()
}

/// The latest of each kind of event that a rotation leaves, in seconds since 1970.
#[derive(Debug, Default)]
struct Events {
    succeeded: Option<i64>,
    /// With the name of the event, and the message in it.
    failed: Option<(i64, String, String)>,
    first_success: Option<i64>,
}

impl Events {
    fn of(facts: &ScanFacts<'_>, index: usize) -> Self {
        let mut events = Self::default();
        let slices = facts.activity.service_events.get(&index);
        for slice in slices.into_iter().flatten() {
            let Some((first, last)) = slice.span_in(facts.evidence) else {
                continue;
            };
            match &*slice.access.subject.api {
                "RotationSucceeded" => {
                    events.succeeded = events.succeeded.max(Some(last));
                    let known = events.first_success.unwrap_or(first);
                    events.first_success = Some(known.min(first));
                }
                name @ ("RotationFailed" | "RotationAbandoned") => {
                    let message = slice.access.sample.as_deref().unwrap_or_default();
                    let failed = (last, name.to_owned(), message.to_owned());
                    events.failed = events.failed.max(Some(failed));
                }
                _ => {}
            }
        }
        events
    }
}

/// A secret that can be judged, with what is known of its rotation.
struct OneSecret<'a> {
    facts: &'a ScanFacts<'a>,
    index: usize,
    secret: &'a Secret,
    readers: &'a Readers<'a>,
    events: Events,
}

impl OneSecret<'_> {
    fn now(&self) -> i64 {
        self.facts.now.as_second()
    }

    fn failing(&self) -> Option<FindingRow> {
        let (failed, name, message) = self.events.failed.clone()?;
        let rotated = self.secret.last_rotated.map(Timestamp::as_second);
        let succeeded = self.events.succeeded.max(rotated);
        if succeeded.is_some_and(|succeeded| succeeded >= failed) {
            return None;
        }
        let since = succeeded.map_or_else(
            || "no success is known".to_owned(),
            |at| format!("the last success was on {}", utc_day(at)),
        );
        let text = format!("the rotation failed on {}; {since}", utc_day(failed));
        Some(FindingRow {
            evidence: match &*message {
                "" => format!("`{name}` event at {}", moment(failed)),
                message => format!("`{name}` event at {}; {message}", moment(failed)),
            },
            ..about(self.secret, FindingCode::RotationFailing, text)
        })
    }

    fn stuck(&self) -> Option<FindingRow> {
        let changed = self.secret.last_changed?.as_second();
        let limit = i64::from(self.facts.policy.findings.stuck_after) * DAY_S;
        if self.secret.has_pending_version != Some(true) || self.now() - changed < limit {
            return None;
        }
        let text = format!(
            "a version has been in staging (AWSPENDING) since {} or earlier, and is not the current one",
            utc_day(changed)
        );
        Some(about(self.secret, FindingCode::RotationStuck, text))
    }

    fn overdue(&self) -> Option<FindingRow> {
        let grace = i64::from(self.facts.policy.findings.overdue_grace) * DAY_S;
        let (due, by) = self.due()?;
        let done = self.events.succeeded.is_some_and(|at| at > due);
        if done || self.now() - due <= grace {
            return None;
        }
        let text = format!(
            "it should have been rotated by {}, {} ago, {}",
            utc_day(due),
            counted((self.now() - due).unsigned_abs() / 86_400, "day", "days"),
            match self.secret.last_rotated {
                Some(at) => format!("and was last rotated on {}", day_of(at)),
                None => "and has never been rotated".to_owned(),
            }
        );
        Some(FindingRow {
            evidence: by,
            ..about(self.secret, FindingCode::RotationOverdue, text)
        })
    }

    /// Returns when the next rotation is due, and what says so.
    fn due(&self) -> Option<(i64, String)> {
        if let Some(next) = self.secret.next_rotation {
            return Some((next.as_second(), format!("NextRotationDate {next}")));
        }
        let days = self.secret.rotation_rules.as_ref()?.interval_days()?;
        let last = self.secret.last_rotated.or(self.secret.created)?;
        let due = last.as_second().checked_add(days.checked_mul(DAY_S)?)?;
        let days = counted(days.unsigned_abs(), "day", "days");
        Some((due, format!("RotationRules: every {days}")))
    }

    fn off(&self) -> Option<FindingRow> {
        if self.secret.owner_service().is_some() || self.program_writes() {
            return None;
        }
        let (severity, because) = self.must_rotate()?;
        let text = format!("it does not rotate, and {because}");
        Some(FindingRow {
            severity,
            ..about(self.secret, FindingCode::RotationOff, text)
        })
    }

    /// Returns why the secret should rotate. What nobody reads need not, unless the policy demands it; a name is no
    /// proof.
    fn must_rotate(&self) -> Option<(Severity, String)> {
        let settings = &self.facts.policy.findings;
        let name = &self.secret.name;
        let demanded = |by: String| (Severity::Medium, format!("the policy demands it of {by}"));
        if let Some(glob) = settings.must_rotate.iter().find(|glob| glob.fits(name)) {
            return Some(demanded(format!("`{}`", glob.pattern())));
        }
        let tagged = |rule: &&TagRule| {
            let value = self.secret.tags.get(&rule.key);
            value.is_some_and(|value| rule.value.as_ref().is_none_or(|asked| asked == value))
        };
        if let Some(rule) = settings.must_rotate_tags.iter().find(tagged) {
            return Some(demanded(format!("the tag `{}`", rule.key)));
        }
        if !is_read(self.facts, self.index) {
            return None;
        }
        if let Some(last) = self.secret.last_rotated {
            let text = format!("it did so until {}", day_of(last));
            return Some((Severity::Medium, text));
        }
        let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        let word = words.find(|word| {
            let is = |known: &String| known.eq_ignore_ascii_case(word);
            settings.database_words.iter().any(is)
        })?;
        let text = format!("its name mentions a database (`{word}`)");
        Some((Severity::Low, text))
    }

    /// Returns whether a program puts new values: something else than Secrets Manager rotates the secret.
    fn program_writes(&self) -> bool {
        self.readers
            .iter()
            .filter(|(reader, _)| reader.kind != ReaderKind::Person)
            .flat_map(|(_, what)| &what.slices)
            .any(|slice| is_put(slice) && slice.span_in(self.facts.evidence).is_some())
    }

    fn by_hand(&self) -> Option<FindingRow> {
        let rotated = self.secret.last_rotated.map(Timestamp::as_second);
        let known_since = [rotated, self.events.first_success]
            .into_iter()
            .flatten()
            .min()?;
        let mut puts: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
        for (reader, what) in self.readers {
            if reader.kind == ReaderKind::Rotation {
                continue;
            }
            for slice in what.slices.iter().filter(|slice| is_put(slice)) {
                let Some((_, last)) = slice.span_in(self.facts.window) else {
                    continue;
                };
                if last > known_since {
                    let entry = puts.entry(&reader.identity).or_insert((0, last));
                    entry.0 += slice.calls_in(self.facts.window);
                    entry.1 = entry.1.max(last);
                }
            }
        }
        let (who, (times, last)) = puts.into_iter().max_by_key(|(_, (_, last))| *last)?;
        let text = format!(
            "{} put a value {}, last on {}, although the secret rotates by itself",
            name_of(who),
            counted(times, "time", "times"),
            utc_day(last)
        );
        Some(FindingRow {
            reader: Some(who.to_owned()),
            evidence: format!("last PutSecretValue at {}", moment(last)),
            ..about(self.secret, FindingCode::ChangedByHand, text)
        })
    }

    fn never(&self) -> Option<FindingRow> {
        let limit = i64::from(self.facts.policy.findings.never_rotated_after) * DAY_S;
        let changed = self.secret.last_changed?.as_second();
        let old = self.now() - changed >= limit;
        let is_plain = self.secret.owner_service().is_none() && self.secret.last_rotated.is_none();
        if !old || !is_plain || self.program_writes() || !is_read(self.facts, self.index) {
            return None;
        }
        let text = format!(
            "its value has not changed for {}, since {}",
            counted(
                (self.now() - changed).unsigned_abs() / 86_400,
                "day",
                "days"
            ),
            utc_day(changed)
        );
        Some(about(self.secret, FindingCode::NeverRotated, text))
    }
}

/// Returns whether the call put a value.
fn is_put(slice: &ActivitySlice<'_>) -> bool {
    &*slice.access.subject.api == "PutSecretValue" && slice.access.outcome == CallOutcome::Ok
}
