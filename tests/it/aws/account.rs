//! Account: which Regions an account may use.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Asked;
use super::http::Response;
use super::refusal::Refusal;
use super::world::{Opt, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    account_id: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
    region_opt_status_contains: Option<Vec<String>>,
}

/// Answers `ListRegions`, the one operation there is.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let params: List = asked.params()?;
    let size = usize::try_from(params.max_results.unwrap_or(50)).unwrap_or(0);
    if !(1..=50).contains(&size) {
        return Err(Refusal::new(
            400,
            "ValidationException",
            "maxResults must be between 1 and 50",
        ));
    }
    let own = &asked.caller.account;
    let management = world
        .organization
        .as_ref()
        .map(|organization| &organization.management);
    let account = match params.account_id {
        None => own.clone(),
        Some(other) if management == Some(own) && other != *own => other,
        Some(_) => {
            let message = format!(
                "User: {} is not authorized to perform: account:ListRegions",
                asked.caller.arn
            );
            return Err(Refusal::new(403, "AccessDeniedException", message));
        }
    };
    if !world.accounts.contains_key(&account) {
        return Err(Refusal::new(
            404,
            "ResourceNotFoundException",
            "there is no such account",
        ));
    }
    let wanted = params.region_opt_status_contains.unwrap_or_default();
    let (names, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_token.as_deref(), size),
        |world| {
            let regions = world.accounts[&account].regions.iter();
            let shown = regions.filter(|(_, opt)| {
                wanted.is_empty() || wanted.iter().any(|wanted| wanted == status(**opt))
            });
            shown.map(|(region, _)| region.clone()).collect()
        },
    )?;
    let regions = &world.accounts[&account].regions;
    let shown: Vec<Value> = names
        .iter()
        .filter_map(|name| regions.get_key_value(name))
        .map(|(name, opt)| json!({ "RegionName": name, "RegionOptStatus": status(*opt) }))
        .collect();
    let mut answer = json!({ "Regions": shown });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(Response::new(200, "application/json", answer.to_string()))
}

fn status(opt: Opt) -> &'static str {
    match opt {
        Opt::Enabled => "ENABLED",
        Opt::ByDefault => "ENABLED_BY_DEFAULT",
        Opt::Disabled => "DISABLED",
    }
}
