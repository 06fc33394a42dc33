//! What AWS answered, in the shapes in which `aws` prints it and CloudTrail stores it, for `--save`.
//!
//! Written so that the tool, and others, can read it again as if it had come from AWS. Absent fields stay absent.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{
    ReplicationStatusType, SecretListEntry, SecretVersionsListEntry, StatusType, Tag,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::base::names::{Scope, SecretArn};

/// Returns where a page of the list goes.
pub(super) fn inventory_name(scope: &Scope, page: u32) -> String {
    format!(
        "inventory/{}/{}/list-secrets-{page:05}.json",
        scope.account, scope.region
    )
}

/// Returns where the description of one secret goes. Names of secrets may hold slashes and dots, so they are not used
/// as they are.
pub(super) fn describe_name(arn: &SecretArn) -> String {
    let scope = arn.scope();
    let plain: String = arn
        .resource()
        .chars()
        .map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() || letter == '-' => letter,
            _ => '_',
        })
        .collect();
    // The end holds the random suffix, so cutting the front keeps names apart.
    let tail = &plain[plain.len().saturating_sub(100)..];
    format!(
        "inventory/{}/{}/describe-secret-{tail}.json",
        scope.account, scope.region
    )
}

/// Returns where the versions of one secret go.
pub(super) fn versions_name(arn: &SecretArn) -> String {
    describe_name(arn).replace("/describe-secret-", "/list-secret-version-ids-")
}

/// Returns where the resource policy of one secret goes, below the folder of IAM data.
pub(super) fn resource_policy_name(arn: &SecretArn) -> String {
    let name = describe_name(arn).replace("/describe-secret-", "/get-resource-policy-");
    name.replacen("inventory/", "", 1)
}

/// Versions as `aws secretsmanager list-secret-version-ids` prints them.
pub(super) fn versions(arn: &SecretArn, entries: &[SecretVersionsListEntry]) -> Vec<u8> {
    let version = |entry: &SecretVersionsListEntry| {
        object([
            ("VersionId", text(entry.version_id())),
            (
                "VersionStages",
                entry.version_stages.as_ref().map(|stages| json!(stages)),
            ),
            ("LastAccessedDate", time(entry.last_accessed_date())),
            ("CreatedDate", time(entry.created_date())),
            (
                "KmsKeyIds",
                entry.kms_key_ids.as_ref().map(|keys| json!(keys)),
            ),
        ])
    };
    let versions: Vec<Value> = entries.iter().map(version).collect();
    printed(&json!({ "Versions": versions, "ARN": arn.as_str(), "Name": arn.name() }))
}

/// A page as `aws secretsmanager list-secrets` prints it.
pub(super) fn list(entries: &[SecretListEntry]) -> Vec<u8> {
    let list: Vec<Value> = entries.iter().map(entry).collect();
    printed(&json!({ "SecretList": list }))
}

/// A secret as `aws secretsmanager describe-secret` prints it.
pub(super) fn describe(answer: &DescribeSecretOutput) -> Vec<u8> {
    let replicas = (!answer.replication_status().is_empty()).then(|| {
        answer
            .replication_status()
            .iter()
            .map(replica)
            .collect::<Value>()
    });
    let rules = answer.rotation_rules().map(|rules| {
        object([
            (
                "AutomaticallyAfterDays",
                rules.automatically_after_days().map(Value::from),
            ),
            ("Duration", text(rules.duration())),
            ("ScheduleExpression", text(rules.schedule_expression())),
        ])
    });
    printed(&object([
        ("ARN", text(answer.arn())),
        ("Name", text(answer.name())),
        ("Type", text(answer.r#type())),
        ("Description", text(answer.description())),
        ("KmsKeyId", text(answer.kms_key_id())),
        (
            "RotationEnabled",
            answer.rotation_enabled().map(Value::from),
        ),
        ("RotationLambdaARN", text(answer.rotation_lambda_arn())),
        ("RotationRules", rules),
        ("LastRotatedDate", time(answer.last_rotated_date())),
        ("LastChangedDate", time(answer.last_changed_date())),
        ("LastAccessedDate", time(answer.last_accessed_date())),
        ("DeletedDate", time(answer.deleted_date())),
        ("NextRotationDate", time(answer.next_rotation_date())),
        ("Tags", tags(answer.tags.as_deref())),
        (
            "VersionIdsToStages",
            stages(answer.version_ids_to_stages.as_ref()),
        ),
        ("OwningService", text(answer.owning_service())),
        ("CreatedDate", time(answer.created_date())),
        ("PrimaryRegion", text(answer.primary_region())),
        ("ReplicationStatus", replicas),
    ]))
}

fn entry(entry: &SecretListEntry) -> Value {
    let rules = entry.rotation_rules().map(|rules| {
        object([
            (
                "AutomaticallyAfterDays",
                rules.automatically_after_days().map(Value::from),
            ),
            ("Duration", text(rules.duration())),
            ("ScheduleExpression", text(rules.schedule_expression())),
        ])
    });
    object([
        ("ARN", text(entry.arn())),
        ("Name", text(entry.name())),
        ("Type", text(entry.r#type())),
        ("Description", text(entry.description())),
        ("KmsKeyId", text(entry.kms_key_id())),
        ("RotationEnabled", entry.rotation_enabled().map(Value::from)),
        ("RotationLambdaARN", text(entry.rotation_lambda_arn())),
        ("RotationRules", rules),
        ("LastRotatedDate", time(entry.last_rotated_date())),
        ("LastChangedDate", time(entry.last_changed_date())),
        ("LastAccessedDate", time(entry.last_accessed_date())),
        ("DeletedDate", time(entry.deleted_date())),
        ("NextRotationDate", time(entry.next_rotation_date())),
        ("Tags", tags(entry.tags.as_deref())),
        (
            "SecretVersionsToStages",
            stages(entry.secret_versions_to_stages.as_ref()),
        ),
        ("OwningService", text(entry.owning_service())),
        ("CreatedDate", time(entry.created_date())),
        ("PrimaryRegion", text(entry.primary_region())),
    ])
}

fn replica(status: &ReplicationStatusType) -> Value {
    object([
        ("Region", text(status.region())),
        ("KmsKeyId", text(status.kms_key_id())),
        ("Status", text(status.status().map(StatusType::as_str))),
        ("StatusMessage", text(status.status_message())),
        ("LastAccessedDate", time(status.last_accessed_date())),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

fn text(value: Option<&str>) -> Option<Value> {
    value.map(Value::from)
}

/// A moment as `aws` prints it, in UTC.
fn time(value: Option<&DateTime>) -> Option<Value> {
    let value = value?;
    let nanoseconds = i32::try_from(value.subsec_nanos()).ok()?;
    let moment = Timestamp::new(value.secs(), nanoseconds).ok()?;
    let text = moment.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string();
    Some(Value::from(text))
}

fn tags(tags: Option<&[Tag]>) -> Option<Value> {
    let pair = |tag: &Tag| object([("Key", text(tag.key())), ("Value", text(tag.value()))]);
    tags.map(|tags| tags.iter().map(pair).collect())
}

fn stages(stages: Option<&std::collections::HashMap<String, Vec<String>>>) -> Option<Value> {
    let sorted: std::collections::BTreeMap<_, _> = stages?.iter().collect();
    Some(json!(sorted))
}

fn printed(value: &Value) -> Vec<u8> {
    // Text keys and plain values only: this cannot fail, and an empty file would be found out when it is read.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
