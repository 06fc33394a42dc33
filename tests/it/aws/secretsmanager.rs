//! Secrets Manager: listing, describing, tagging, deleting, restoring and replicating.
//!
//! Checks come in the order that a client can tell apart: parameters, then the secret, then its
//! state. GetSecretValue and BatchGetSecretValue exist to be counted; they never answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::http::Response;
use super::world::{Items, Secret, World};
use super::{Asked, Caller, Page, Refusal, json_answer};

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let value = match asked.op {
        "ListSecrets" => list(world, asked),
        "DescribeSecret" => describe(world, asked),
        "ListSecretVersionIds" => versions(world, asked),
        "TagResource" => tag(world, asked),
        "UntagResource" => untag(world, asked),
        "DeleteSecret" => delete(world, asked),
        "RestoreSecret" => restore(world, asked),
        "ReplicateSecretToRegions" => replicate(world, asked),
        "RemoveRegionsFromReplication" => remove_replicas(world, asked),
        "GetSecretValue" | "BatchGetSecretValue" => {
            world.runtime.value_reads += 1;
            Err(Refusal::new(
                400,
                "AccessDeniedException",
                format!(
                    "User: {} is not authorized to perform: secretsmanager:{}",
                    asked.caller.arn, asked.op
                ),
            ))
        }
        other => Err(Refusal::new(
            400,
            "UnknownOperationException",
            format!("no operation {other}"),
        )),
    };
    value.map(|value| json_answer(&value))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    include_planned_deletion: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_order: Option<String>,
    sort_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

fn list(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: List = asked.params()?;
    let size = page_size(params.max_results)?;
    if params.filters.len() > 10 {
        return Err(constraint(
            "filters",
            "Member must have length less than or equal to 10",
        ));
    }
    params.filters.iter().try_for_each(check_filter)?;
    let descending = match params.sort_order.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => {
            return Err(constraint(
                "sortOrder",
                "Member must satisfy enum value set: [asc, desc]",
            ));
        }
    };
    let key = sort_key(params.sort_by.as_deref())?;
    let all = params.include_planned_deletion == Some(true);
    let (page, next) = asked.page(world, params.next_token.as_deref(), size, |world| {
        let Caller {
            account, region, ..
        } = asked.caller;
        let mut found: Vec<&Secret> = world
            .secrets_in(account, region)
            .filter(|secret| {
                (all || secret.deleted.is_none())
                    && params.filters.iter().all(|filter| passes(filter, secret))
            })
            .collect();
        found.sort_by(|a, b| key(a).cmp(&key(b)));
        if descending {
            found.reverse();
        }
        Items::Names(Arc::new(found.into_iter().map(Secret::arn).collect()))
    })?;
    let Page::Names(arns) = page else {
        return Err(Refusal::new(
            400,
            "InvalidNextTokenException",
            "another operation's token",
        ));
    };
    let secrets: Vec<Value> = arns
        .iter()
        .filter_map(|arn| world.secrets.get(arn))
        .filter(|secret| all || secret.deleted.is_none())
        .map(|secret| {
            let mut entry = common(secret);
            let stages: Map<String, Value> = secret
                .versions
                .iter()
                .filter(|version| !version.stages.is_empty())
                .map(|version| (version.id.clone(), json!(version.stages)))
                .collect();
            entry.insert("SecretVersionsToStages".to_owned(), stages.into());
            entry.into()
        })
        .collect();
    Ok(with_token(json!({ "SecretList": secrets }), next))
}

/// What a listing is sorted by; by default the time of creation.
fn sort_key(name: Option<&str>) -> Result<fn(&Secret) -> (Option<Timestamp>, &str), Refusal> {
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
fn check_filter(filter: &Filter) -> Result<(), Refusal> {
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

/// Whether a secret passes a filter: none of the values with `!` fits, and one of the others does, if there are any.
fn passes(filter: &Filter, secret: &Secret) -> bool {
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct One {
    secret_id: String,
}

fn describe(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: One = asked.params()?;
    let arn = find(world, asked.caller, &params.secret_id)?;
    let secret = &world.secrets[&arn];
    let mut entry = common(secret);
    let stages: Map<String, Value> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect();
    entry.insert("VersionIdsToStages".to_owned(), stages.into());
    let replicas = replication(world, secret);
    if !replicas.is_empty() {
        entry.insert("ReplicationStatus".to_owned(), replicas.into());
    }
    Ok(entry.into())
}

/// What ListSecrets and DescribeSecret have in common.
fn common(secret: &Secret) -> Map<String, Value> {
    let tags: Vec<Value> = secret
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    let entry = json!({
        "ARN": secret.arn(),
        "Name": secret.name,
        "Type": secret.kind,
        "Description": secret.description,
        "KmsKeyId": secret.kms_key_id,
        "RotationEnabled": secret.rotation_enabled,
        "RotationLambdaARN": secret.rotation_lambda_arn,
        "RotationRules": secret.rotation_rules,
        "LastRotatedDate": secret.last_rotated.map(seconds),
        "LastChangedDate": seconds(secret.last_changed),
        "LastAccessedDate": secret.last_accessed.map(seconds),
        "DeletedDate": secret.deleted.map(seconds),
        "NextRotationDate": secret.next_rotation.map(seconds),
        "Tags": tags,
        "OwningService": secret.owning_service,
        "CreatedDate": seconds(secret.created),
        "PrimaryRegion": secret.primary_region,
    });
    // AWS leaves out what it does not know instead of sending null.
    let fields = entry
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null());
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The replicas as their primary shows them: status and the day of the last read, by Region.
fn replication(world: &World, primary: &Secret) -> Vec<Value> {
    replicas(world, primary)
        .map(|replica| {
            let mut status = json!({ "Region": replica.region, "KmsKeyId": replica.kms_key_id.as_deref().unwrap_or("alias/aws/secretsmanager"), "Status": "InSync", "StatusMessage": "Replication succeeded" });
            if let Some(accessed) = replica.last_accessed {
                status["LastAccessedDate"] = seconds(accessed);
            }
            status
        })
        .collect()
}

/// The replicas of a primary secret; none for a replica.
fn replicas<'a>(world: &'a World, primary: &'a Secret) -> impl Iterator<Item = &'a Secret> {
    let of = (!primary.is_replica()).then_some(primary);
    let regions = world
        .accounts
        .get(&primary.account)
        .map(|account| &account.regions);
    of.into_iter().flat_map(move |primary| {
        regions
            .into_iter()
            .flat_map(|regions| regions.keys())
            .filter(|region| **region != primary.region)
            .filter_map(|region| {
                let replica = world.secrets.get(
                    &Secret {
                        region: region.clone(),
                        ..primary.clone()
                    }
                    .arn(),
                )?;
                (replica.primary_region.as_ref() == Some(&primary.region)).then_some(replica)
            })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Versions {
    secret_id: String,
    include_deprecated: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

fn versions(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Versions = asked.params()?;
    let size = page_size(params.max_results)?;
    let arn = find(world, asked.caller, &params.secret_id)?;
    let deprecated = params.include_deprecated == Some(true);
    let (page, next) = asked.page(world, params.next_token.as_deref(), size, |world| {
        let shown = world.secrets[&arn]
            .versions
            .iter()
            .filter(|version| deprecated || !version.stages.is_empty());
        Items::Names(Arc::new(shown.map(|version| version.id.clone()).collect()))
    })?;
    let Page::Names(ids) = page else {
        return Err(Refusal::new(
            400,
            "InvalidNextTokenException",
            "another operation's token",
        ));
    };
    let secret = &world.secrets[&arn];
    let shown = secret.versions.iter().filter(|version| ids.contains(&version.id)).map(|version| {
        let mut entry = json!({ "VersionId": version.id, "CreatedDate": seconds(version.created), "KmsKeyIds": ["DefaultEncryptionKey"] });
        if !version.stages.is_empty() {
            entry["VersionStages"] = json!(version.stages);
        }
        if let Some(accessed) = version.last_accessed {
            entry["LastAccessedDate"] = seconds(accessed);
        }
        entry
    });
    let answer = json!({ "ARN": arn, "Name": secret.name, "Versions": shown.collect::<Vec<_>>() });
    Ok(with_token(answer, next))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    secret_id: String,
    tags: Vec<KeyValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct KeyValue {
    key: String,
    value: String,
}

fn tag(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Tag = asked.params()?;
    let now = world.now;
    let secret = changeable(world, asked.caller, &params.secret_id)?;
    if params.tags.iter().any(|tag| tag.key.starts_with("aws:")) {
        return Err(Refusal::new(
            400,
            "InvalidParameterException",
            "Tag keys must not start with aws:",
        ));
    }
    secret
        .tags
        .extend(params.tags.into_iter().map(|tag| (tag.key, tag.value)));
    secret.last_changed = now;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Untag {
    secret_id: String,
    tag_keys: Vec<String>,
}

fn untag(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Untag = asked.params()?;
    let now = world.now;
    let secret = changeable(world, asked.caller, &params.secret_id)?;
    secret.tags.retain(|key, _| !params.tag_keys.contains(key));
    secret.last_changed = now;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    force_delete_without_recovery: Option<bool>,
}

fn delete(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Delete = asked.params()?;
    let invalid = |message: String| Refusal::new(400, "InvalidParameterException", message);
    let forced = params.force_delete_without_recovery == Some(true);
    if forced {
        world.runtime.forced_deletes += 1;
    }
    if forced && params.recovery_window_in_days.is_some() {
        return Err(invalid(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
                .to_owned(),
        ));
    }
    if forced {
        return Err(Refusal::new(
            400,
            "AccessDeniedException",
            "nobody deletes without recovery here",
        ));
    }
    let days = params.recovery_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(invalid(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).".to_owned(),
        ));
    }
    let arn = find(world, asked.caller, &params.secret_id)?;
    let secret = &world.secrets[&arn];
    if secret.deleted.is_some() {
        return Err(Refusal::new(
            400,
            "InvalidRequestException",
            "You tried to perform the operation on a secret that's currently marked deleted.",
        ));
    }
    refuse_owned(secret)?;
    refuse_replica(secret)?;
    let regions: Vec<&str> = replicas(world, secret)
        .map(|replica| replica.region.as_str())
        .collect();
    if !regions.is_empty() {
        return Err(invalid(format!(
            "You can't delete secret {arn} that still has replica regions [{}].",
            regions.join(", ")
        )));
    }
    let now = world.now;
    let secret = world.secrets.get_mut(&arn).ok_or_else(not_found)?;
    secret.deleted = Some(now);
    secret.last_changed = now;
    secret.rotation_enabled = secret.rotation_enabled.map(|_| false);
    secret.next_rotation = None;
    let end = now + SignedDuration::from_hours(days * 24);
    Ok(json!({ "ARN": arn, "Name": secret.name, "DeletionDate": seconds(end) }))
}

fn restore(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: One = asked.params()?;
    let now = world.now;
    let arn = find(world, asked.caller, &params.secret_id)?;
    let secret = world.secrets.get_mut(&arn).ok_or_else(not_found)?;
    refuse_replica(secret)?;
    if secret.deleted.take().is_some() {
        secret.last_changed = now;
    }
    Ok(json!({ "ARN": arn, "Name": secret.name }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Replicate {
    secret_id: String,
    add_replica_regions: Vec<ReplicaRegion>,
    force_overwrite_replica_secret: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ReplicaRegion {
    region: String,
    kms_key_id: Option<String>,
}

fn replicate(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Replicate = asked.params()?;
    let mut primary = changeable(world, asked.caller, &params.secret_id)?.clone();
    refuse_replica(&primary)?;
    primary.primary_region = Some(primary.region.clone());
    for ReplicaRegion { region, kms_key_id } in params.add_replica_regions {
        let taken = world.arn_of(&primary.account, &region, &primary.name);
        if region == primary.region
            || (taken.is_some() && params.force_overwrite_replica_secret != Some(true))
        {
            return Err(Refusal::new(
                400,
                "InvalidParameterException",
                format!("A secret of this name exists in {region}."),
            ));
        }
        if let Some(taken) = taken {
            world.secrets.remove(&taken);
        }
        world.add(Secret {
            region,
            kms_key_id,
            last_accessed: None,
            ..primary.clone()
        });
    }
    world.add(primary.clone());
    Ok(json!({ "ARN": primary.arn(), "ReplicationStatus": replication(world, &primary) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RemoveReplicas {
    secret_id: String,
    remove_replica_regions: Vec<String>,
}

fn remove_replicas(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: RemoveReplicas = asked.params()?;
    let primary = changeable(world, asked.caller, &params.secret_id)?.clone();
    refuse_replica(&primary)?;
    let present: BTreeMap<String, String> = replicas(world, &primary)
        .map(|replica| (replica.region.clone(), replica.arn()))
        .collect();
    for region in &params.remove_replica_regions {
        let arn = present.get(region).ok_or_else(|| {
            Refusal::new(
                400,
                "InvalidParameterException",
                format!("The secret has no replica in {region}."),
            )
        })?;
        world.secrets.remove(arn);
    }
    Ok(json!({ "ARN": primary.arn(), "ReplicationStatus": replication(world, &primary) }))
}

/// The full ARN of the secret that an id means: a full ARN, a name, or an ARN without its suffix.
///
/// An incomplete ARN whose name ends like a suffix is taken for a full one and not found, as AWS warns.
fn find(world: &World, caller: &Caller, id: &str) -> Result<String, Refusal> {
    let Some(rest) = id.strip_prefix("arn:") else {
        return world
            .arn_of(&caller.account, &caller.region, id)
            .ok_or_else(not_found);
    };
    let parts: Vec<&str> = rest.splitn(6, ':').collect();
    let [_, "secretsmanager", region, account, "secret", name] = parts[..] else {
        return Err(Refusal::new(400, "ValidationException", "Invalid ARN."));
    };
    if account != caller.account {
        let message = format!(
            "User: {} is not authorized to perform this on resource: {id} because no resource-based policy allows the action",
            caller.arn
        );
        return Err(Refusal::new(400, "AccessDeniedException", message));
    }
    if region != caller.region {
        return Err(not_found());
    }
    if world.secrets.contains_key(id) {
        return Ok(id.to_owned());
    }
    let complete = name.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let found = if complete {
        None
    } else {
        world.arn_of(account, region, name)
    };
    found.ok_or_else(not_found)
}

/// The secret that an id means, unless it must not be changed now.
fn changeable<'a>(
    world: &'a mut World,
    caller: &Caller,
    id: &str,
) -> Result<&'a mut Secret, Refusal> {
    let arn = find(world, caller, id)?;
    let secret = world.secrets.get_mut(&arn).ok_or_else(not_found)?;
    if secret.deleted.is_some() {
        let message =
            "You can't perform this operation on the secret because it was marked for deletion.";
        return Err(Refusal::new(400, "InvalidRequestException", message));
    }
    refuse_owned(secret)?;
    Ok(secret)
}

fn refuse_owned(secret: &Secret) -> Result<(), Refusal> {
    match secret.owning_service {
        Some(_) => Err(Refusal::new(
            400,
            "InvalidRequestException",
            "You can't perform this operation on the secret. The secret is managed by another service, and you must use that service to update it.",
        )),
        None => Ok(()),
    }
}

fn refuse_replica(secret: &Secret) -> Result<(), Refusal> {
    if secret.is_replica() {
        let message = "Operation not permitted on a replica secret. Call must be made in primary secret's region.";
        return Err(Refusal::new(400, "InvalidParameterException", message));
    }
    Ok(())
}

fn not_found() -> Refusal {
    Refusal::new(
        400,
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn constraint(member: &str, rule: &str) -> Refusal {
    Refusal::new(
        400,
        "ValidationException",
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: {rule}"
        ),
    )
}

/// The items of a page, 1 to 100 and by default 100.
fn page_size(asked: Option<i64>) -> Result<usize, Refusal> {
    let size = usize::try_from(asked.unwrap_or(100)).unwrap_or(0);
    if (1..=100).contains(&size) {
        return Ok(size);
    }
    Err(constraint(
        "maxResults",
        "Member must have value between 1 and 100",
    ))
}

fn with_token(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    answer
}

/// A time as the wire carries it: seconds since 1970, with a fraction.
fn seconds(time: Timestamp) -> Value {
    json!(time.as_duration().as_secs_f64())
}
