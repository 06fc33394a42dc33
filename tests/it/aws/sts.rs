//! STS: who am I, and becoming a role of another account.
//!
//! There are no policies: a role that is in the world may be assumed by everybody who knows its
//! external id, if it has one, unless its account is suspended.

use jiff::{SignedDuration, Timestamp};

use super::call::Asked;
use super::http::{self, Plus, Request, Response};
use super::refusal::Refusal;
use super::world::{Session, Status, World};

/// The XML namespace of the answers.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The value of `Action` in a request of the Query protocol.
///
/// # Errors
/// `InvalidAction` when it is missing or the protocol version is another one.
pub fn operation(request: &Request, version: &str) -> Result<String, Refusal> {
    let form = form(request);
    let value = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    match (value("Action"), value("Version").as_deref()) {
        (Some(action), Some(of)) if of == version && request.method == "POST" => Ok(action),
        _ => Err(Refusal::new(
            400,
            "InvalidAction",
            format!("no action of version {version}"),
        )),
    }
}

/// Answers a call.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let form = form(asked.http);
    let result = match asked.op {
        "GetCallerIdentity" => {
            only(&form, &[])?;
            let caller = asked.caller;
            format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                http::xml(&caller.arn),
                caller.user_id,
                caller.account
            )
        }
        "AssumeRole" => assume(world, asked, &form)?,
        other => {
            return Err(Refusal::new(
                400,
                "InvalidAction",
                format!("Could not find operation {other} for version 2011-06-15"),
            ));
        }
    };
    let op = asked.op;
    let body = format!(
        "<{op}Response xmlns=\"{NAMESPACE}\"><{op}Result>{result}</{op}Result><ResponseMetadata><RequestId>loopback</RequestId></ResponseMetadata></{op}Response>"
    );
    Ok(Response::new(200, "text/xml", body))
}

fn assume(
    world: &mut World,
    asked: &Asked<'_>,
    form: &[(String, String)],
) -> Result<String, Refusal> {
    only(
        form,
        &[
            "RoleArn",
            "RoleSessionName",
            "DurationSeconds",
            "ExternalId",
            "SourceIdentity",
            "Policy",
        ],
    )?;
    let invalid = |message: &str| Refusal::new(400, "ValidationError", message);
    let value = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let arn = value("RoleArn").ok_or_else(|| invalid("RoleArn is missing"))?;
    let session = value("RoleSessionName").ok_or_else(|| invalid("RoleSessionName is missing"))?;
    if !(2..=64).contains(&session.len())
        || !session
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
    {
        return Err(invalid("RoleSessionName must satisfy [\\w+=,.@-]*"));
    }
    let duration: i64 = value("DurationSeconds")
        .unwrap_or("3600")
        .parse()
        .map_err(|_| invalid("DurationSeconds is no number"))?;
    if !(900..=43_200).contains(&duration) {
        return Err(invalid("DurationSeconds must be between 900 and 43200"));
    }
    let (account, path) = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .ok_or_else(|| invalid(&format!("{arn} is invalid")))?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let active = world
        .accounts
        .get(account)
        .is_some_and(|account| account.status == Status::Active);
    let role = world
        .roles
        .iter()
        .find(|role| role.account == account && role.name == name);
    let trusted = role.is_some_and(|role| {
        role.external_id.is_none() || role.external_id.as_deref() == value("ExternalId")
    });
    if !active || !trusted {
        let message = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            asked.caller.arn
        );
        return Err(Refusal::new(403, "AccessDenied", message));
    }
    let number = world.runtime.sessions.len() + 1;
    let key = format!("ASIALOOPBACK{number:08}");
    let token = format!("loopback-session-{number}");
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
    let user_id = format!("AROALOOPBACK:{session}");
    // The client compares this with its own clock, not with the world's.
    let end = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
        + SignedDuration::from_secs(duration);
    let answer = format!(
        "<AssumedRoleUser><AssumedRoleId>{user_id}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>",
        super::SECRET_KEY
    );
    world.runtime.sessions.insert(
        key,
        Session {
            account: account.to_owned(),
            arn,
            user_id,
            token,
        },
    );
    Ok(answer)
}

/// Refuses parameters that the operation does not have.
pub fn only(form: &[(String, String)], known: &[&str]) -> Result<(), Refusal> {
    match form.iter().find(|(name, _)| {
        !["Action", "Version"].contains(&name.as_str()) && !known.contains(&name.as_str())
    }) {
        Some((name, _)) => Err(Refusal::new(
            400,
            "ValidationError",
            format!("unknown parameter {name}"),
        )),
        None => Ok(()),
    }
}

/// The parameters of a request of the Query protocol.
pub fn form(request: &Request) -> Vec<(String, String)> {
    http::pairs(&String::from_utf8_lossy(&request.body), Plus::Blank)
}
