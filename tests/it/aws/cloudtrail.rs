//! CloudTrail: `LookupEvents` over the event history, and what is to be known about trails.
//!
//! Two requests a second for an account and Region are allowed; the rest is throttled. Tests that
//! care about pacing read the instants of the recorded calls.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Asked, Caller, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::{Early, Event, Rate, Trail, World};

/// The time for which the event history is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let value = match asked.op {
        "LookupEvents" => lookup(world, asked),
        "DescribeTrails" => describe(world, asked),
        "GetTrailStatus" => status(world, asked),
        "GetEventSelectors" => selectors(world, asked),
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
struct Lookup {
    #[serde(default)]
    #[serde(rename = "LookupAttributes")]
    attributes: Vec<Attribute>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    event_category: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attribute {
    attribute_key: String,
    attribute_value: String,
}

fn lookup(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let Caller {
        account, region, ..
    } = asked.caller;
    take_one(world, account, region)?;
    let params: Lookup = asked.params()?;
    let size = usize::try_from(params.max_results.unwrap_or(50)).unwrap_or(0);
    if !(1..=50).contains(&size) {
        return Err(Refusal::new(
            400,
            "InvalidMaxResultsException",
            "MaxResults must be between 1 and 50.",
        ));
    }
    if params.attributes.len() > 1 || !params.attributes.iter().all(is_valid) {
        return Err(Refusal::new(
            400,
            "InvalidLookupAttributesException",
            "You can specify one valid lookup attribute.",
        ));
    }
    if params
        .event_category
        .as_deref()
        .is_some_and(|category| category != "insight")
    {
        return Err(Refusal::new(
            400,
            "InvalidEventCategoryException",
            "The event category is not valid.",
        ));
    }
    let oldest = seconds(world.now - KEPT);
    let newest = seconds(world.now - world.lookup.delay);
    let early = params.start_time.is_some_and(|start| start < oldest)
        && world.lookup.early == Early::Refuse;
    if early
        || params
            .start_time
            .zip(params.end_time)
            .is_some_and(|(start, end)| start > end)
    {
        return Err(Refusal::new(
            400,
            "InvalidTimeRangeException",
            "The start time is after the end time, or the range is outside the possible values.",
        ));
    }
    let from = params.start_time.unwrap_or(oldest).max(oldest);
    let to = params.end_time.unwrap_or(newest).min(newest);
    let (events, next) = asked.page(
        world,
        |runtime| &mut runtime.events,
        (params.next_token.as_deref(), size),
        |world| {
            let none = params.event_category.is_some();
            let all = world
                .events
                .get(&(account.clone(), region.clone()))
                .map(Vec::as_slice)
                .unwrap_or_default();
            let shown = all.iter().filter(|event| {
                !none
                    && (from..=to).contains(&seconds(event.time))
                    && params.attributes.iter().all(|wanted| has(event, wanted))
            });
            shown.cloned().collect()
        },
    )?;
    let mut answer =
        json!({ "Events": events.iter().map(|event| shown(event)).collect::<Vec<_>>() });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

/// Takes a request from the token bucket of the account and Region.
fn take_one(world: &mut World, account: &str, region: &str) -> Result<(), Refusal> {
    let (rate, now) = match world.lookup.rate {
        Rate::Unlimited => return Ok(()),
        Rate::Real(rate) => (rate, seconds(Timestamp::now())),
        Rate::Virtual(rate) => (rate, seconds(world.now)),
    };
    let (left, since) = world
        .runtime
        .lookups
        .entry((account.to_owned(), region.to_owned()))
        .or_insert((rate, now));
    *left = ((now - *since).max(0.0) * rate + *left).min(rate.max(1.0));
    *since = now;
    if *left < 1.0 {
        return Err(Refusal::new(400, "ThrottlingException", "Rate exceeded"));
    }
    *left -= 1.0;
    Ok(())
}

fn is_valid(attribute: &Attribute) -> bool {
    const KEYS: &[&str] = &[
        "EventId",
        "EventName",
        "ReadOnly",
        "Username",
        "ResourceType",
        "ResourceName",
        "EventSource",
        "AccessKeyId",
    ];
    let weight: usize = attribute
        .attribute_value
        .chars()
        .map(|c| if "_ ,\n".contains(c) { 2 } else { 1 })
        .sum();
    KEYS.contains(&attribute.attribute_key.as_str()) && (1..=2000).contains(&weight)
}

/// Returns whether an event has exactly that attribute.
fn has(event: &Event, wanted: &Attribute) -> bool {
    let value = wanted.attribute_value.as_str();
    match wanted.attribute_key.as_str() {
        "EventId" => event.id == value,
        "EventName" => event.name == value,
        "ReadOnly" => event.read_only == value,
        "EventSource" => event.source == value,
        "Username" => event.username.as_deref() == Some(value),
        "AccessKeyId" => event.access_key.as_deref() == Some(value),
        "ResourceType" => event.resources.iter().any(|(kind, _)| kind == value),
        _ => event.resources.iter().any(|(_, name)| name == value),
    }
}

/// An event as `LookupEvents` shows it; the record itself is text inside.
fn shown(event: &Event) -> Value {
    let resources: Vec<Value> = event
        .resources
        .iter()
        .map(|(kind, name)| json!({ "ResourceType": kind, "ResourceName": name }))
        .collect();
    let mut shown = json!({
        "EventId": event.id,
        "EventName": event.name,
        "ReadOnly": event.read_only,
        "EventTime": seconds(event.time),
        "EventSource": event.source,
        "Resources": resources,
        "CloudTrailEvent": event.text,
    });
    if let Some(username) = &event.username {
        shown["Username"] = username.as_str().into();
    }
    if let Some(key) = &event.access_key {
        shown["AccessKeyId"] = key.as_str().into();
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    trail_name_list: Option<Vec<String>>,
    include_shadow_trails: Option<bool>,
}

fn describe(world: &World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Describe = asked.params()?;
    let Caller {
        account, region, ..
    } = asked.caller;
    let shadows = params.include_shadow_trails != Some(false);
    let listed = |trail: &&Trail| {
        let named = params.trail_name_list.as_ref().is_none_or(|names| {
            names.is_empty() || names.contains(&trail.name) || names.contains(&arn(trail))
        });
        let wide = trail.facts.get("IsMultiRegionTrail") == Some(&json!(true));
        trail.account == *account && named && (trail.home == *region || (shadows && wide))
    };
    let trails: Vec<Value> = world
        .trails
        .iter()
        .filter(listed)
        .map(|trail| {
            let mut shown = json!({ "Name": trail.name, "S3BucketName": trail.bucket, "HomeRegion": trail.home, "TrailARN": arn(trail) });
            for fact in ["IsMultiRegionTrail", "IsOrganizationTrail", "S3KeyPrefix", "IncludeGlobalServiceEvents", "HasCustomEventSelectors", "KmsKeyId"] {
                if let Some(value) = trail.facts.get(fact) {
                    shown[fact] = value.clone();
                }
            }
            shown
        })
        .collect();
    Ok(json!({ "trailList": trails }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Name {
    name: String,
}

fn status(world: &World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: Name = asked.params()?;
    let trail = named(world, asked.caller, &params.name)?;
    Ok(json!({ "IsLogging": trail.facts.get("IsLogging").cloned().unwrap_or(json!(true)) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TrailName {
    trail_name: String,
}

fn selectors(world: &World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: TrailName = asked.params()?;
    let trail = named(world, asked.caller, &params.trail_name)?;
    let fact = |name: &str, default: Value| trail.facts.get(name).cloned().unwrap_or(default);
    let selector = json!({
        "ReadWriteType": fact("ReadWriteType", json!("All")),
        "IncludeManagementEvents": fact("IncludeManagementEvents", json!(true)),
        "ExcludeManagementEventSources": fact("ExcludeManagementEventSources", json!([])),
        "DataResources": [],
    });
    Ok(json!({ "TrailARN": arn(trail), "EventSelectors": [selector] }))
}

/// The trail of a name or an ARN.
fn named<'a>(world: &'a World, caller: &Caller, name: &str) -> Result<&'a Trail, Refusal> {
    let trail = world.trails.iter().find(|trail| {
        trail.account == caller.account && (arn(trail) == name || trail.name == name)
    });
    trail.ok_or_else(|| {
        Refusal::new(
            400,
            "TrailNotFoundException",
            format!("Unknown trail: {name} for the user: {}", caller.account),
        )
    })
}

fn arn(trail: &Trail) -> String {
    format!(
        "arn:aws:cloudtrail:{}:{}:trail/{}",
        trail.home, trail.account, trail.name
    )
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}
