//! Who else depends on a secret, as the JSON of `ListSecrets` and `DescribeSecret` says.
//!
//! Replicas in other accounts exist since 2026, and the models of the AWS SDKs do not know their fields yet. So this looks
//! at the names of fields and not at a model: a field that AWS adds later counts, too.

use serde_json::Value;

/// Returns what an entry says of others that depend on the secret, besides its replicas in other Regions: a field that
/// names replicas or accounts and holds something. Fields that AWS will add are of that shape, too.
pub(crate) fn dependents(entry: &Value) -> Vec<String> {
    let fields = entry.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| key.contains("Replica") || key.contains("CrossAccount"))
        .filter(|(key, _)| key.as_str() != "ReplicationStatus")
        .filter_map(|(key, value)| {
            let holds = match value {
                Value::Array(all) => all.iter().any(|one| {
                    let status = one.get("Status").and_then(Value::as_str);
                    status != Some("Detached")
                }),
                Value::Object(members) => !members.is_empty(),
                Value::String(text) => !text.is_empty(),
                Value::Null | Value::Bool(false) | Value::Number(_) => false,
                Value::Bool(true) => true,
            };
            holds.then(|| key.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_names_others_counts_and_what_is_empty_or_detached_does_not() {
        for (entry, expected) in [
            (
                json!({"CrossAccountReplicas": [{"Status": "InSync"}]}),
                &["CrossAccountReplicas"][..],
            ),
            (
                json!({"CrossAccountReplicas": [{"Status": "Detached"}]}),
                &[],
            ),
            (json!({"CrossAccountReplicas": []}), &[]),
            (
                json!({"CrossAccountPrimary": {"Arn": "a"}}),
                &["CrossAccountPrimary"],
            ),
            (
                json!({"ReplicationStatus": [{"Region": "eu-west-1"}], "Name": "Replica"}),
                &[],
            ),
            (json!("no object"), &[]),
        ] {
            assert_eq!(dependents(&entry), expected, "{entry}");
        }
    }
}
