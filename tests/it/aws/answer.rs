//! From a request to its answer: credentials, the record of the call, faults, the service.

use std::time::Duration;

use super::call::{Asked, Call, Caller, json_answer};
use super::faults::What;
use super::http::{self, Ending, Request, Response};
use super::refusal::{Refusal, denied, invalid_token, refused, worded};
use super::world::{self, Opt, World};
use super::{
    Shared, access_key, account, athena, cloudtrail, cost_explorer, iam, kms, lock, logs,
    organizations, s3, secretsmanager, sts,
};

/// The service of a credential scope.
fn service(name: &str) -> Option<&'static str> {
    [
        "secretsmanager",
        "cloudtrail",
        "sts",
        "organizations",
        "account",
        "iam",
        "kms",
        "ce",
        "athena",
        "logs",
        "s3",
    ]
    .into_iter()
    .find(|known| *known == name)
}

/// From the request to the answer: credentials, the record of the call, faults, the service.
pub fn answer(shared: &Shared, request: &Request) -> (Response, Ending) {
    let (service, caller) = match identify(shared, request) {
        Ok(found) => found,
        Err((service, refusal)) => return (refused(service, &refusal), Ending::Whole),
    };
    let op = operation(service, request);
    let call = record(
        shared,
        service,
        op.as_deref().unwrap_or("?"),
        &caller,
        request,
    );
    let flight = (call.op == "GetObject").then(|| shared.objects.begin());
    let hits: Vec<What> = {
        let mut faults = lock(&shared.faults);
        faults
            .iter_mut()
            .filter_map(|fault| fault.hits(&call).then(|| fault.what.clone()))
            .collect()
    };
    let mut page = usize::MAX;
    let mut ending = Ending::Whole;
    let (mut fault, mut said) = (None, None);
    let mut world = lock(&shared.world);
    for what in &hits {
        match what {
            What::Before(hook) => (lock(hook))(&mut world, &call),
            What::Page(items) => page = *items,
            What::Say(value) => said = Some(json_answer(value)),
            What::Slow(pause) => ending = Ending::Slow(*pause),
            What::Cut => ending = Ending::Cut,
            What::ResetAfter => ending = Ending::Reset,
            What::ResetBefore => {
                fault = fault.or_else(|| Some(Refusal::new(0, "reset", "")));
                ending = Ending::Reset;
            }
            What::Refuse(refusal) => fault = fault.or_else(|| Some(worded(service, refusal))),
            What::Deny => fault = fault.or_else(|| Some(denied(&call, &caller))),
            What::After(_) => {}
        }
    }
    let result = match (fault, said, op) {
        (Some(refusal), _, _) | (None, None, Err(refusal)) => Err(refusal),
        (None, Some(said), _) => Ok(said),
        (None, None, Ok(op)) => carry_out(
            &mut world,
            service,
            &Asked {
                op: &op,
                caller: &caller,
                http: request,
                page,
            },
        ),
    };
    for what in &hits {
        if let What::After(hook) = what {
            (lock(hook))(&mut world, &call);
        }
    }
    drop(world);
    let error = result.as_ref().err().map(|refusal| refusal.code.clone());
    let mut response = result.unwrap_or_else(|refusal| refused(service, &refusal));
    response.flight = flight;
    if let Some(call) = lock(&shared.calls).get_mut(call.index) {
        call.status = response.status;
        call.error = error;
        call.took = shared.started.elapsed().saturating_sub(call.at);
    }
    let id = format!(
        "{:08x}-0000-4000-8000-{:012x}",
        call.index,
        world::hash(&call.body) & 0xffff_ffff_ffff
    );
    (
        response.with(
            if service == "s3" {
                "x-amz-request-id"
            } else {
                "x-amzn-RequestId"
            },
            id,
        ),
        ending,
    )
}

/// Writes the call down, before anything happens to it.
fn record(
    shared: &Shared,
    service: &'static str,
    op: &str,
    caller: &Caller,
    request: &Request,
) -> Call {
    let body = if service == "s3" {
        let query: Vec<String> = request
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "{}?{}",
            http::decode(&request.path, http::Plus::Literal),
            query.join("&")
        )
    } else {
        String::from_utf8_lossy(&request.body).into_owned()
    };
    let mut calls = lock(&shared.calls);
    let call = Call {
        service,
        op: op.to_owned(),
        account: caller.account.clone(),
        region: caller.region.clone(),
        index: calls.len(),
        at: shared.started.elapsed(),
        took: Duration::ZERO,
        body,
        user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
        status: 0,
        error: None,
    };
    calls.push(call.clone());
    call
}

/// Returns who calls which service, from the `Authorization` header.
fn identify(
    shared: &Shared,
    request: &Request,
) -> Result<(&'static str, Caller), (&'static str, Refusal)> {
    let unsigned = || {
        (
            "unsigned",
            Refusal::new(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
        )
    };
    let header = request.header("authorization").ok_or_else(unsigned)?;
    let scope = header
        .strip_prefix("AWS4-HMAC-SHA256 Credential=")
        .and_then(|rest| rest.split(',').next())
        .ok_or_else(unsigned)?;
    let parts: Vec<&str> = scope.split('/').collect();
    let [key, _date, region, name, "aws4_request"] = parts[..] else {
        return Err(unsigned());
    };
    if !header.contains("Signature=") {
        return Err(unsigned());
    }
    let service = service(name).ok_or_else(|| {
        (
            "unsigned",
            Refusal::new(
                404,
                "UnknownServiceException",
                format!("there is no {name} here"),
            ),
        )
    })?;
    let world = lock(&shared.world);
    let region = region.to_owned();
    if let Some(session) = world.runtime.sessions.get(key) {
        if request.header("x-amz-security-token") != Some(&session.token) {
            let message = "The security token included in the request is expired";
            return Err((
                service,
                worded(
                    service,
                    &Refusal::new(400, "ExpiredTokenException", message),
                ),
            ));
        }
        let (account, arn, user_id) = (
            session.account.clone(),
            session.arn.clone(),
            session.user_id.clone(),
        );
        return Ok((
            service,
            Caller {
                account,
                arn,
                user_id,
                region,
            },
        ));
    }
    match world
        .accounts
        .keys()
        .find(|account| access_key(account) == key)
    {
        Some(account) => {
            let arn = format!("arn:{}:iam::{account}:user/loopback", world.partition);
            Ok((
                service,
                Caller {
                    account: account.clone(),
                    arn,
                    user_id: "AIDALOOPBACK".to_owned(),
                    region,
                },
            ))
        }
        None => Err((service, invalid_token(service))),
    }
}

/// The operation that a request asks for.
fn operation(service: &str, request: &Request) -> Result<String, Refusal> {
    let unknown = |what: &str| {
        Refusal::new(
            400,
            "UnknownOperationException",
            format!("no operation {what}"),
        )
    };
    let target = || {
        let target = request
            .header("x-amz-target")
            .ok_or_else(|| unknown("without a target"))?;
        let prefix = match service {
            "secretsmanager" => "secretsmanager",
            "cloudtrail" => "CloudTrail_20131101",
            "kms" => "TrentService",
            "ce" => "AWSInsightsIndexService",
            "athena" => "AmazonAthena",
            "logs" => "Logs_20140328",
            _ => "AWSOrganizationsV20161128",
        };
        match target.rsplit_once('.') {
            Some((before, op)) if before.ends_with(prefix) && request.method == "POST" => {
                Ok(op.to_owned())
            }
            _ => Err(unknown(target)),
        }
    };
    match service {
        "sts" => sts::operation(request, "2011-06-15"),
        "iam" => sts::operation(request, "2010-05-08"),
        "s3" => s3::operation(request),
        "account" if request.method == "POST" && request.path == "/listRegions" => {
            Ok("ListRegions".to_owned())
        }
        "account" => Err(unknown(&request.path)),
        _ => target(),
    }
}

/// Hands the call to its service.
fn carry_out(world: &mut World, service: &str, asked: &Asked<'_>) -> Result<Response, Refusal> {
    if matches!(service, "secretsmanager" | "cloudtrail") {
        let account = world.accounts.get(&asked.caller.account);
        let opt = account.and_then(|account| account.regions.get(&asked.caller.region));
        if !matches!(opt, Some(Opt::Enabled | Opt::ByDefault)) {
            return Err(invalid_token(service));
        }
    }
    match service {
        "secretsmanager" => secretsmanager::answer(world, asked),
        "cloudtrail" => cloudtrail::answer(world, asked),
        "sts" => sts::answer(world, asked),
        "organizations" => organizations::answer(world, asked),
        "account" => account::answer(world, asked),
        "iam" => iam::answer(world, asked),
        "kms" => kms::answer(world, asked),
        "ce" => cost_explorer::answer(world, asked),
        "athena" => athena::answer(world, asked),
        "logs" => logs::answer(world, asked),
        _ => s3::answer(world, asked),
    }
}
