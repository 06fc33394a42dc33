//! Secrets Manager: listing, describing, tagging, deleting, restoring and replicating.
//!
//! Checks come in the order that a client can tell apart: parameters, then the secret, then its
//! state. `GetSecretValue` and `BatchGetSecretValue` exist to be counted; they never answer.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Asked, Caller, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::{Secret, World};

mod change;
mod filter;

use filter::{Filter, passes, sort_key};

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let value = match asked.op {
        "ListSecrets" => list(world, asked),
        "DescribeSecret" => describe(world, asked),
        "GetResourcePolicy" => resource_policy(world, asked),
        "ListSecretVersionIds" => versions(world, asked),
        "TagResource" => change::tag(world, asked),
        "UntagResource" => change::untag(world, asked),
        "DeleteSecret" => change::delete(world, asked),
        "RestoreSecret" => change::restore(world, asked),
        "ReplicateSecretToRegions" => change::replicate(world, asked),
        "RemoveRegionsFromReplication" => change::remove_replicas(world, asked),
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

fn list(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: List = asked.params()?;
    let size = page_size(params.max_results)?;
    if params.filters.len() > 10 {
        return Err(constraint(
            "filters",
            "Member must have length less than or equal to 10",
        ));
    }
    params.filters.iter().try_for_each(filter::check)?;
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
    let (arns, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), size),
        |world| {
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
            found.into_iter().map(Secret::arn).collect()
        },
    )?;
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
    if let Some(account) = &secret.cross_account_replica {
        let replica = format!(
            "arn:aws:secretsmanager:{}:{account}:secret:{}",
            secret.region, secret.name
        );
        let status = json!([{ "ReplicaSecretARN": replica, "Status": "InSync" }]);
        entry.insert("CrossAccountReplicas".to_owned(), status);
    }
    Ok(entry.into())
}

fn resource_policy(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: One = asked.params()?;
    let arn = find(world, asked.caller, &params.secret_id)?;
    let secret = &world.secrets[&arn];
    let mut answer = json!({ "ARN": arn, "Name": secret.name });
    if let Some(policy) = &secret.resource_policy {
        answer["ResourcePolicy"] = json!(policy);
    }
    Ok(answer)
}

/// Returns what `ListSecrets` and `DescribeSecret` have in common.
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
    match entry {
        Value::Object(mut fields) => {
            fields.retain(|_, value| !value.is_null());
            fields
        }
        _ => Map::new(),
    }
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
    let (ids, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), size),
        |world| {
            let shown = world.secrets[&arn]
                .versions
                .iter()
                .filter(|version| deprecated || !version.stages.is_empty());
            shown.map(|version| version.id.clone()).collect()
        },
    )?;
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
