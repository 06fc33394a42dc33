//! CloudWatch Logs: the events of a log group.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Asked, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FilterLogEvents {
    log_group_name: String,
    start_time: i64,
    end_time: i64,
    filter_pattern: Option<String>,
    next_token: Option<String>,
}

/// Events on a page.
const SIZE: usize = 500;

/// Answers `FilterLogEvents`, the one operation there is.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    if asked.op != "FilterLogEvents" {
        let message = format!("no operation {}", asked.op);
        return Err(Refusal::new(400, "UnknownOperationException", message));
    }
    let params: FilterLogEvents = asked.params()?;
    if params.start_time > params.end_time {
        let message = "the start is behind the end";
        return Err(Refusal::new(400, "InvalidParameterException", message));
    }
    let key = (
        asked.caller.account.clone(),
        asked.caller.region.clone(),
        params.log_group_name,
    );
    if !world.log_groups.contains_key(&key) {
        let message = "The specified log group does not exist.";
        return Err(Refusal::new(400, "ResourceNotFoundException", message));
    }
    let (messages, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), SIZE),
        |world| {
            let span = params.start_time..=params.end_time;
            let all = world.log_groups[&key].iter();
            let fits = all.filter(|(time, text)| {
                span.contains(time) && (params.filter_pattern.is_none() || is_ours(text))
            });
            fits.map(|(_, text)| text.clone()).collect()
        },
    )?;
    let events: Vec<Value> = messages
        .iter()
        .map(|text| json!({"logStreamName": "trail", "timestamp": params.start_time, "message": text, "eventId": "3"}))
        .collect();
    let mut answer = json!({ "events": events, "searchedLogStreams": [] });
    if let Some(next) = next {
        answer["nextToken"] = next.into();
    }
    Ok(json_answer(&answer))
}

/// The one filter that is known: records of Secrets Manager, and uses of keys for secrets.
fn is_ours(text: &str) -> bool {
    let record: Value = serde_json::from_str(text).unwrap_or_default();
    let context = &record["requestParameters"]["encryptionContext"]["SecretARN"];
    match record["eventSource"].as_str() {
        Some("secretsmanager.amazonaws.com") => true,
        Some("kms.amazonaws.com") => context.is_string(),
        _ => false,
    }
}
