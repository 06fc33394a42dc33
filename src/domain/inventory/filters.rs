//! The filters of `ListSecrets` and `BatchGetSecretValue`, as CloudTrail logs them.
//!
//! A batch by filters names no secret: which ones it got follows from their names and tags. What is not understood here
//! (negations, keys that AWS adds later, values that CloudTrail has shortened) may select every secret.

use crate::domain::inventory::secret::Secret;

/// Returns whether the filters of a batch (as JSON) may select a secret. What is not understood may.
///
/// `name`, `tag-key` and `tag-value` are prefixes, several filters must all fit, and several values of one need not
/// (API reference, `Filter`).
pub(crate) fn may_select(filters: &str, secret: &Secret) -> bool {
    #[derive(serde::Deserialize)]
    struct Filter {
        #[serde(default)]
        key: String,
        #[serde(default)]
        values: Vec<String>,
    }
    let Ok(filters) = serde_json::from_str::<Vec<Filter>>(filters) else {
        return true;
    };
    filters.iter().all(|filter| {
        let any = |fits: &dyn Fn(&str) -> bool| {
            let mut values = filter.values.iter();
            filter.values.is_empty() || values.any(|value| value.starts_with('!') || fits(value))
        };
        match filter.key.as_str() {
            "name" => any(&|value| secret.name.starts_with(value)),
            "tag-key" => any(&|value| secret.tags.iter().any(|(key, _)| key.starts_with(value))),
            "tag-value" => any(&|value| secret.tags.iter().any(|(_, tag)| tag.starts_with(value))),
            _ => true,
        }
    })
}
