//! The rules by which a secret can go. They speak only where covered time shows that nobody uses it
//! ([`SecretFacts::judged_unused`]).

use super::in_days;
use crate::domain::base::reader_kind::name_of;
use crate::domain::judging::facts::{Accessed, SecretFacts, Unused};

pub(super) fn never_read(case: &SecretFacts<'_>) -> Option<String> {
    let age = case.age_days().filter(|_| case.secret.access_is_known)?;
    case.judged_unused(Unused::NeverRead).then(|| {
        format!(
            "never read since it was created {} ago, {}",
            in_days(age),
            case.basis()
        )
    })
}

pub(super) fn idle(case: &SecretFacts<'_>) -> Option<String> {
    if !case.judged_unused(Unused::Idle) {
        return None;
    }
    let day = case
        .members()
        .filter_map(|member| member.last_accessed)
        .max()?;
    Some(format!("last read on {day}, {}", case.basis()))
}

pub(super) fn maintenance_only(case: &SecretFacts<'_>) -> Option<String> {
    if !case.judged_unused(Unused::MaintenanceOnly) {
        return None;
    }
    let mut kinds: Vec<String> = case
        .members()
        .flat_map(|member| member.readers.iter())
        .filter(|(reader, what)| {
            !case.policy.is_consumer(reader.kind) && !what.read_days().is_empty()
        })
        .map(|(reader, _)| format!("{} ({})", name_of(&reader.identity), reader.kind.as_str()))
        .collect();
    kinds.sort();
    kinds.dedup();
    if let (Accessed::Unfetched(day), true) = (case.accessed(&case.own), kinds.is_empty()) {
        return Some(format!(
            "last read on {day}, when it was rotated; nobody has fetched the version that is current since then"
        ));
    }
    Some(format!("read only by {}", kinds.join(", ")))
}
