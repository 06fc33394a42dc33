//! Organizations: the accounts, and whether there is an organization at all.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Asked, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::{Membership, Organization, Status, World};

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
    let Organization {
        id,
        management,
        delegated,
    } = organization(world, asked)?;
    if *management != asked.caller.account && !delegated.contains(&asked.caller.account) {
        return Err(Refusal::new(
            400,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        ));
    }
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
