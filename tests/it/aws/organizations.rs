//! Organizations: the accounts, and whether there is an organization at all.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Asked, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::{Control, Membership, Organization, Status, World};

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let value = match asked.op {
        "ListAccounts" => list(world, asked),
        "DescribeOrganization" => {
            let Nothing {} = asked.params()?;
            let Organization { id, management, .. } = organization(world, asked)?;
            Ok(json!({ "Organization": {
                "Id": id,
                "Arn": format!("arn:aws:organizations::{management}:organization/{id}"),
                "FeatureSet": "ALL",
                "MasterAccountArn": format!("arn:aws:organizations::{management}:account/{id}/{management}"),
                "MasterAccountId": management,
                "MasterAccountEmail": format!("{management}@example.com"),
            } }))
        }
        "ListPolicies" => policies(world, asked),
        "DescribePolicy" => policy(world, asked),
        "ListTargetsForPolicy" => targets(world, asked),
        "ListParents" => parents(world, asked),
        other => Err(Refusal::new(
            400,
            "UnknownOperationException",
            format!("no operation {other}"),
        )),
    };
    value.map(|value| json_answer(&value))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    next_token: Option<String>,
    max_results: Option<i64>,
}

fn list(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: List = asked.params()?;
    let size = usize::try_from(params.max_results.unwrap_or(20)).unwrap_or(0);
    if !(1..=20).contains(&size) {
        return Err(Refusal::new(
            400,
            "InvalidInputException",
            "MaxResults must be between 1 and 20.",
        ));
    }
    let Organization { id, management, .. } = administered(world, asked)?;
    let arn = format!("arn:aws:organizations::{management}:account/{id}");
    let (ids, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), size),
        |world| {
            let members = world
                .accounts
                .values()
                .filter(|account| account.membership == Membership::Member);
            members.map(|account| account.id.clone()).collect()
        },
    )?;
    let accounts = ids
        .iter()
        .filter_map(|id| world.accounts.get(id))
        .map(|account| {
            let status = match account.status {
                Status::Active => "ACTIVE",
                Status::Suspended => "SUSPENDED",
            };
            json!({
                "Id": account.id,
                "Arn": format!("{arn}/{}", account.id),
                "Email": format!("{}@example.com", account.id),
                "Name": account.name,
                "Status": status,
                "State": status,
                "JoinedMethod": "CREATED",
                "JoinedTimestamp": 1_600_000_000.5,
            })
        });
    let mut answer = json!({ "Accounts": accounts.collect::<Vec<_>>() });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

/// The organization, if the caller belongs to it.
fn organization<'a>(world: &'a World, asked: &Asked<'_>) -> Result<&'a Organization, Refusal> {
    let member = world
        .accounts
        .get(&asked.caller.account)
        .is_some_and(|account| account.membership == Membership::Member);
    let organization = world.organization.as_ref().filter(|_| member);
    organization.ok_or_else(|| {
        Refusal::new(
            400,
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        )
    })
}

/// The organization, if the caller administers it: the management account, or one to which that is delegated.
fn administered<'a>(world: &'a World, asked: &Asked<'_>) -> Result<&'a Organization, Refusal> {
    let found = organization(world, asked)?;
    let own = &asked.caller.account;
    if found.management != *own && !found.delegated.contains(own) {
        return Err(Refusal::new(
            400,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        ));
    }
    Ok(found)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListPolicies {
    filter: String,
    next_token: Option<String>,
}

fn policies(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: ListPolicies = asked.params()?;
    administered(world, asked)?;
    let (ids, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), 20),
        |world| {
            let of_kind = world.controls.iter();
            let of_kind = of_kind.filter(|control| control.kind == params.filter);
            of_kind.map(|control| control.id.clone()).collect()
        },
    )?;
    let shown: Result<Vec<Value>, Refusal> = ids
        .iter()
        .map(|id| control(world, id).map(summary))
        .collect();
    Ok(paged(json!({ "Policies": shown? }), next))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OfPolicy {
    policy_id: String,
    next_token: Option<String>,
}

fn policy(world: &World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: OfPolicy = asked.params()?;
    administered(world, asked)?;
    let control = control(world, &params.policy_id)?;
    let content = control.content.to_string();
    Ok(json!({ "Policy": { "PolicySummary": summary(control), "Content": content } }))
}

fn targets(world: &mut World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let params: OfPolicy = asked.params()?;
    administered(world, asked)?;
    control(world, &params.policy_id)?;
    let (ids, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), 20),
        |world| {
            let found = control(world, &params.policy_id);
            found.map(|one| one.targets.clone()).unwrap_or_default()
        },
    )?;
    let shown: Vec<Value> = ids.iter().map(|id| json!({ "TargetId": id })).collect();
    Ok(paged(json!({ "Targets": shown }), next))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListParents {
    child_id: String,
}

fn parents(world: &World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let ListParents { child_id } = asked.params()?;
    administered(world, asked)?;
    let Some(parent) = world.parents.get(&child_id) else {
        let message = "You specified a child that does not exist.";
        return Err(Refusal::new(400, "ChildNotFoundException", message));
    };
    let kind = if parent.starts_with("r-") {
        "ROOT"
    } else {
        "ORGANIZATIONAL_UNIT"
    };
    Ok(json!({ "Parents": [{ "Id": parent, "Type": kind }] }))
}

fn control<'a>(world: &'a World, id: &str) -> Result<&'a Control, Refusal> {
    let mut all = world.controls.iter();
    all.find(|control| control.id == id).ok_or_else(|| {
        let message = "You specified a policy that does not exist.";
        Refusal::new(400, "PolicyNotFoundException", message)
    })
}

fn summary(control: &Control) -> Value {
    json!({ "Id": control.id, "Name": control.name, "Type": control.kind, "AwsManaged": false })
}

fn paged(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    answer
}
