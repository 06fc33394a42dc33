//! The rules by which a secret is kept: it is used, it is not to be judged yet or not here, or somebody protects it.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::in_days;
use crate::domain::base::reader_kind::name_of;
use crate::domain::inventory::secret::day_of;
use crate::domain::judging::facts::utc_day;
use crate::domain::judging::facts::{Accessed, Evidence, SecretFacts, Unused};
use crate::domain::policy::TagRule;
use crate::domain::usage::activity::{ActivitySlice, Reader, ReaderUse};

pub(super) fn pending_deletion(case: &SecretFacts<'_>) -> Option<String> {
    let deleted = case.secret.deleted?;
    Some(format!("scheduled for deletion on {}", day_of(deleted)))
}

pub(super) fn service_managed(case: &SecretFacts<'_>) -> Option<String> {
    Some(format!(
        "owned by the AWS service `{}`",
        case.secret.owner_service()?
    ))
}

pub(super) fn replica(case: &SecretFacts<'_>) -> Option<String> {
    let primary = case
        .secret
        .primary_region
        .as_ref()
        .filter(|_| case.secret.is_replica())?;
    Some(format!("replica of the primary in {primary}"))
}

pub(super) fn recently_read(case: &SecretFacts<'_>) -> Option<String> {
    if let Some((at, reader)) = case.recent_use(&case.own) {
        return Some(format!(
            "used by {} on {}",
            name_of(&reader.identity),
            utc_day(at)
        ));
    }
    match case.accessed(&case.own) {
        Accessed::Read(day) if matches!(case.evidence, Evidence::Complete(_)) => Some(format!(
            "AWS saw a read on {day} that the trail does not show (a reader in another account?)"
        )),
        Accessed::Read(day) => Some(format!("AWS saw a read on {day}")),
        _ => None,
    }
}

pub(super) fn cached_reader(case: &SecretFacts<'_>) -> Option<String> {
    let refreshed = |(reader, what): (&Arc<Reader>, &ReaderUse<'_>)| {
        let caching = what.refreshes() && case.policy.is_consumer(reader.kind);
        let describes = what
            .slices
            .iter()
            .filter(|slice| caching && slice.is_describe());
        let last = describes.map(ActivitySlice::last).max()?;
        (last >= case.idle_since()).then(|| {
            (
                last,
                name_of(&reader.identity).to_owned(),
                reader.client.clone(),
            )
        })
    };
    let (last, who, client) = case.own.readers.iter().filter_map(refreshed).max()?;
    Some(format!(
        "{who} ({client}) refreshed its cache on {}",
        utc_day(last)
    ))
}

pub(super) fn replica_in_use(case: &SecretFacts<'_>) -> Option<String> {
    case.replicas.iter().find_map(|member| {
        let region = &member.region;
        if let Some((at, reader)) = case.recent_use(member) {
            return Some(format!(
                "the replica in {region} was used by {} on {}",
                name_of(&reader.identity),
                utc_day(at)
            ));
        }
        match case.accessed(member) {
            Accessed::Read(day) => Some(format!("the replica in {region} was read on {day}")),
            _ => None,
        }
    })
}

pub(super) fn too_young(case: &SecretFacts<'_>) -> Option<String> {
    let age = case.age_days().filter(|_| !case.secret.is_replica())?;
    if age < i64::from(case.policy.young_days) {
        return Some(format!("created {} ago", in_days(age)));
    }
    let by_creation = matches!(
        case.unused(),
        Some(Unused::NeverRead | Unused::MaintenanceOnly)
    );
    (by_creation && age < case.idle_days()).then(|| {
        format!(
            "created {} ago and not used yet: judged after {}",
            in_days(age),
            in_days(case.idle_days())
        )
    })
}

pub(super) fn protected_name(case: &SecretFacts<'_>) -> Option<String> {
    let glob = case
        .policy
        .protected_names
        .iter()
        .find(|glob| glob.fits(&case.secret.name))?;
    Some(format!("the policy protects `{}`", glob.pattern()))
}

pub(super) fn protected_tag(case: &SecretFacts<'_>) -> Option<String> {
    let fits = |rule: &&TagRule| {
        let value = case.secret.tags.get(&rule.key);
        value.is_some_and(|value| rule.value.as_ref().is_none_or(|wanted| wanted == value))
    };
    let rule = case.policy.protected_tags.iter().find(fits)?;
    Some(format!("the tag `{}` protects it", rule.key))
}

pub(super) fn protected_until(case: &SecretFacts<'_>) -> Option<String> {
    let key = &case.policy.until_tag;
    let text = case.secret.tags.get(key)?.trim();
    let day: Option<Date> = text
        .parse()
        .ok()
        .or_else(|| text.parse::<Timestamp>().ok().map(day_of));
    match day {
        Some(day) if day < day_of(case.now) => None,
        Some(day) => Some(format!("the tag `{key}` protects it until {day}")),
        None => Some(format!(
            "the tag `{key}` protects it; its value is not a date"
        )),
    }
}
