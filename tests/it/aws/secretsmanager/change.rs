//! The calls that change a secret, and when each of them is refused.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{One, find, not_found, replicas, replication, seconds};
use crate::aws::call::{Asked, Caller};
use crate::aws::refusal::Refusal;
use crate::aws::world::{Secret, World};

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

pub fn tag(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
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

pub fn untag(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
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

pub fn delete(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
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

pub fn restore(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
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

pub fn replicate(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
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

pub fn remove_replicas(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
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
