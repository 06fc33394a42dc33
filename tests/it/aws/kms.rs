//! KMS: the policies of keys.

use serde::Deserialize;
use serde_json::json;

use super::call::{Asked, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetKeyPolicy {
    key_id: String,
    policy_name: Option<String>,
}

/// Answers `GetKeyPolicy`, the one operation there is. A key is known in its account and Region.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    if asked.op != "GetKeyPolicy" {
        let message = format!("no operation {}", asked.op);
        return Err(Refusal::new(400, "UnknownOperationException", message));
    }
    let params: GetKeyPolicy = asked.params()?;
    if params.policy_name.is_some_and(|name| name != "default") {
        let message = "The only valid policy name is default.";
        return Err(Refusal::new(400, "NotFoundException", message));
    }
    let (account, region) = (&asked.caller.account, &asked.caller.region);
    let key = params.key_id.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:kms:{region}:{account}:key/{key}");
    let policy = world.keys.get(&arn).ok_or_else(|| {
        let message = format!("Key '{arn}' does not exist");
        Refusal::new(400, "NotFoundException", message)
    })?;
    Ok(json_answer(
        &json!({ "Policy": policy.to_string(), "PolicyName": "default" }),
    ))
}
