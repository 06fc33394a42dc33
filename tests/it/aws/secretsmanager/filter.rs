//! Which secrets a listing shows, and in which order.

use jiff::Timestamp;
use serde::Deserialize;

use super::constraint;
use crate::aws::refusal::Refusal;
use crate::aws::world::Secret;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    key: String,
    values: Vec<String>,
}

/// The order of a listing.
pub type SortKey = fn(&Secret) -> (Option<Timestamp>, &str);

/// Returns what a listing is sorted by; by default the time of creation.
pub fn sort_key(name: Option<&str>) -> Result<SortKey, Refusal> {
    Ok(match name {
        None | Some("created-date") => |secret| (Some(secret.created), &secret.name),
        Some("last-accessed-date") => |secret| (secret.last_accessed, &secret.name),
        Some("last-changed-date") => |secret| (Some(secret.last_changed), &secret.name),
        Some("name") => |secret| (None, &secret.name),
        Some(_) => {
            return Err(constraint(
                "sortBy",
                "Member must satisfy enum value set: [created-date, last-accessed-date, last-changed-date, name]",
            ));
        }
    })
}

/// Refuses a filter that the API model does not allow.
pub fn check(filter: &Filter) -> Result<(), Refusal> {
    const KEYS: &[&str] = &[
        "description",
        "name",
        "tag-key",
        "tag-value",
        "primary-region",
        "owning-service",
        "all",
    ];
    if !KEYS.contains(&filter.key.as_str()) {
        return Err(constraint(
            "filters.1.member.key",
            &format!("Member must satisfy enum value set: {KEYS:?}"),
        ));
    }
    let good = |value: &String| {
        let text = value.strip_prefix('!').unwrap_or(value);
        value.len() <= 512
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " :_@/+=.-!".contains(c))
    };
    if !(1..=10).contains(&filter.values.len()) || !filter.values.iter().all(good) {
        return Err(constraint(
            "filters.1.member.values",
            "Member must satisfy regular expression pattern",
        ));
    }
    Ok(())
}

/// Returns whether a secret passes a filter: none of the values with `!` fits, and one of the others does, if there are
/// any.
pub fn passes(filter: &Filter, secret: &Secret) -> bool {
    let (negative, positive): (Vec<&str>, Vec<&str>) = filter
        .values
        .iter()
        .map(String::as_str)
        .partition(|value| value.starts_with('!'));
    let fits = |value: &str| fits(&filter.key, value, secret);
    !negative.iter().any(|value| fits(&value[1..]))
        && (positive.is_empty() || positive.iter().any(|value| fits(value)))
}

fn fits(key: &str, value: &str, secret: &Secret) -> bool {
    let starts = |text: &Option<String>| text.as_ref().is_some_and(|text| text.starts_with(value));
    let has_word = |text: &str, word: &str| {
        text.to_lowercase()
            .split_whitespace()
            .any(|own| own.starts_with(&word.to_lowercase()))
    };
    match key {
        "name" => secret.name.starts_with(value),
        "tag-key" => secret.tags.keys().any(|tag| tag.starts_with(value)),
        "tag-value" => secret.tags.values().any(|tag| tag.starts_with(value)),
        "primary-region" => starts(&secret.primary_region),
        "owning-service" => starts(&secret.owning_service),
        "description" => secret.description.as_ref().is_some_and(|text| {
            text.to_lowercase().starts_with(&value.to_lowercase())
                || value.split_whitespace().any(|word| has_word(text, word))
        }),
        _ => {
            let tags = secret.tags.iter().flat_map(|(key, value)| [key, value]);
            let texts: Vec<&String> = [&secret.name]
                .into_iter()
                .chain(&secret.description)
                .chain(&secret.owning_service)
                .chain(&secret.primary_region)
                .chain(tags)
                .collect();
            value.split_whitespace().any(|word| {
                texts
                    .iter()
                    .any(|text| text.to_lowercase().contains(&word.to_lowercase()))
            })
        }
    }
}
