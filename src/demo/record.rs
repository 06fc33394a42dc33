//! One call as the record that the trail keeps of it, with the keys and in the order that AWS writes.
//!
//! Nothing here decides what happens; `traffic` does. What AWS leaves out is left out: a denied call has no request
//! parameters, a service event no type of identity, and no record a secret's value.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::call::{Act, Call, CallAccess, CallTarget, ELSEWHERE, Failure, VersionRequest};
use super::callers::{Origin, SessionNaming};
use super::edition::Edition;
use super::everyday::SECRETS;
use super::identity::{Face, face_of, rotation_function, session_arn};
use super::inventory::{
    VersionAge, arn, former_arn, function_arn, key_arn, partial_arn, version_id,
};
use super::json::{Json, text};
use super::random::{SplitMix, uuid};
use super::roles::Cast;
use super::{BEGIN, SECRETS_MANAGER};
use crate::domain::base::span::{DAY_S, HOUR_S};

/// Appends the record of a call, as compact JSON. `last` is the face of the record before, if there was one.
///
/// # Errors
/// Those of the serializer, which has none for these types.
pub(super) fn write(
    out: &mut Vec<u8>,
    call: &Call,
    edition: Edition,
    last: &mut Option<Face>,
    random: &mut SplitMix,
) -> serde_json::Result<()> {
    let face = face_of(last, call, edition)?;
    serde_json::to_writer(out, &record(call, edition, face, random))
}

/// The keys in the order that real records have. Keys that do not apply are absent, four are null instead.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DemoRecord<'a> {
    event_version: &'static str,
    user_identity: &'a RawValue,
    event_time: String,
    event_source: &'static str,
    event_name: &'static str,
    aws_region: &'static str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Cow<'static, str>,
    user_agent: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    request_parameters: Option<Json>,
    response_elements: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_event_data: Option<Json>,
    #[serde(rename = "requestID")]
    request_id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Json>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_account_id: Option<&'static str>,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    shared_event_id: Option<String>,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_details: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_credential_from_console: Option<&'static str>,
}

fn record<'a>(
    call: &Call,
    edition: Edition,
    face: &'a Face,
    random: &mut SplitMix,
) -> DemoRecord<'a> {
    let event_id = random.uuid();
    let request_id = match call.act {
        Act::Rotation(_, index) => format!("Rotation-{}-{}", arn(index), random.uuid()),
        _ => request_id(&event_id, random),
    };
    let parameters = match call.failure {
        Some(Failure::Denied | Failure::DeniedWithMarkup) => None,
        _ => parameters(call),
    };
    let from_console = matches!(call.caller.session, SessionNaming::Console(_));
    let mut record = DemoRecord {
        event_version: "1.11",
        user_identity: &face.identity,
        event_time: edition.at(call.at).to_string(),
        event_source: call.act.source(),
        event_name: event_name(call.act),
        aws_region: call.region,
        source_ip_address: address(call),
        user_agent: &face.agent,
        error_code: call.failure.and_then(error_code),
        error_message: call
            .failure
            .map(|failure| error_message(call, failure, edition)),
        request_parameters: parameters,
        response_elements: response(call, edition),
        additional_event_data: None,
        request_id,
        event_id,
        read_only: read_only(call.act),
        resources: None,
        event_type: "AwsApiCall",
        management_event: true,
        recipient_account_id: call.account,
        vpc_endpoint_id: endpoint(call),
        vpc_endpoint_account_id: endpoint(call).map(|_| call.caller.account),
        // The lower digits hold the version of the UUID.
        shared_event_id: call.shared.map(|number| uuid(number << 16, 0x5a)),
        event_category: "Management",
        tls_details: face.tls.as_deref(),
        session_credential_from_console: from_console.then_some("true"),
    };
    match call.act {
        Act::Rotation(_, index) => by_the_service(&mut record, index),
        Act::Decrypt(index) => by_the_key(&mut record, &SECRETS[index]),
        _ => {}
    }
    record
}

/// A request id that shares its tail with the event's id. Nothing joins on it, and the files stay a fifth smaller.
fn request_id(event_id: &str, random: &mut SplitMix) -> String {
    format!("{}{}", random.eight_digits(), &event_id[8..])
}

/// Service events name the secret in their additional data, and nobody as the caller.
fn by_the_service(record: &mut DemoRecord<'_>, index: usize) {
    record.event_type = "AwsServiceEvent";
    record.source_ip_address = SECRETS_MANAGER.into();
    record.request_parameters = None;
    record.additional_event_data = Some(Json::Map(vec![("SecretId", text(arn(index)))]));
    record.vpc_endpoint_id = None;
    record.vpc_endpoint_account_id = None;
    record.session_credential_from_console = None;
}

/// KMS logs the decryption that a read needs, with the caller's identity and the service as its agent.
fn by_the_key(record: &mut DemoRecord<'_>, cast: &Cast) {
    record.source_ip_address = SECRETS_MANAGER.into();
    record.resources = Some(Json::List(vec![Json::Map(vec![
        ("accountId", text(cast.account)),
        ("type", text("AWS::KMS::Key")),
        ("ARN", text(key_arn(cast.account, cast.region))),
    ])]));
    record.vpc_endpoint_id = None;
    record.vpc_endpoint_account_id = None;
}

const fn event_name(act: Act) -> &'static str {
    match act {
        Act::Get(..) => "GetSecretValue",
        Act::Describe(_) => "DescribeSecret",
        Act::ResourcePolicy(_) => "GetResourcePolicy",
        Act::VersionIds(_) => "ListSecretVersionIds",
        Act::List => "ListSecrets",
        Act::Batch(_) => "BatchGetSecretValue",
        Act::Put(_) => "PutSecretValue",
        Act::PutPolicy(_) => "PutResourcePolicy",
        Act::MoveStage(_) => "UpdateSecretVersionStage",
        Act::Create(_) => "CreateSecret",
        Act::Delete(..) => "DeleteSecret",
        Act::Rotation(name, _) => name,
        Act::Decrypt(_) => "Decrypt",
        Act::Elsewhere(kind) => ELSEWHERE[kind].event,
    }
}

fn read_only(act: Act) -> bool {
    match act {
        Act::Put(_)
        | Act::PutPolicy(_)
        | Act::MoveStage(_)
        | Act::Create(_)
        | Act::Delete(..)
        | Act::Rotation(..) => false,
        Act::Elsewhere(kind) => ELSEWHERE[kind].access == CallAccess::Read,
        _ => true,
    }
}

/// Returns what the caller wrote to name the secret.
fn secret_id(target: CallTarget) -> String {
    match target {
        CallTarget::Name(index) | CallTarget::Former(index) => SECRETS[index].name.to_owned(),
        CallTarget::Arn(index) => arn(index).to_owned(),
        CallTarget::Partial(index) => partial_arn(&SECRETS[index]),
        CallTarget::Text(text) => text.to_owned(),
    }
}

fn parameters(call: &Call) -> Option<Json> {
    let secret = |target| ("secretId", text(secret_id(target)));
    let entries = match call.act {
        Act::Get(target, version) => {
            let mut entries = vec![secret(target)];
            entries.extend(version_asked(call, target, version));
            entries
        }
        Act::Describe(target) | Act::ResourcePolicy(target) => vec![secret(target)],
        Act::VersionIds(target) => vec![secret(target), ("maxResults", Json::Number(100))],
        Act::List => vec![
            ("maxResults", Json::Number(100)),
            ("includePlannedDeletion", Json::Flag),
        ],
        Act::Batch(names) => {
            let list = names.iter().map(|&name| text(name)).collect();
            vec![("secretIdList", Json::List(list))]
        }
        Act::Put(target) => {
            let token = text(version(call, target, VersionAge::Pending));
            let mut entries = vec![secret(target), ("clientRequestToken", token)];
            if call.caller.session == SessionNaming::RotationFunction {
                entries.push(("versionStages", Json::List(vec![text("AWSPENDING")])));
            }
            entries
        }
        Act::PutPolicy(target) => vec![secret(target), ("blockPublicPolicy", Json::Flag)],
        Act::MoveStage(target) => vec![
            secret(target),
            ("versionStage", text("AWSCURRENT")),
            (
                "moveToVersionId",
                text(version(call, target, VersionAge::Pending)),
            ),
            (
                "removeFromVersionId",
                text(version(call, target, VersionAge::Current)),
            ),
        ],
        Act::Create(target) => vec![
            ("name", text(secret_id(target))),
            (
                "clientRequestToken",
                text(version(call, target, VersionAge::Current)),
            ),
        ],
        Act::Delete(target, Some(days)) => {
            vec![secret(target), ("recoveryWindowInDays", Json::Number(days))]
        }
        Act::Delete(target, None) => {
            vec![secret(target), ("forceDeleteWithoutRecovery", Json::Flag)]
        }
        Act::Rotation(..) => return None,
        Act::Decrypt(index) => {
            let cast = &SECRETS[index];
            let context = vec![
                ("SecretARN", text(arn(index))),
                (
                    "SecretVersionId",
                    text(version_id(cast, call.at, VersionAge::Current)),
                ),
            ];
            vec![
                ("encryptionContext", Json::Map(context)),
                ("encryptionAlgorithm", text("SYMMETRIC_DEFAULT")),
            ]
        }
        Act::Elsewhere(kind) => ELSEWHERE[kind]
            .parameters
            .iter()
            .map(|&(key, value)| (key, text(value)))
            .collect(),
    };
    if matches!(call.act, Act::Elsewhere(_)) && entries.is_empty() {
        return None;
    }
    Some(Json::Map(entries))
}

fn version_asked(
    call: &Call,
    target: CallTarget,
    version_asked: VersionRequest,
) -> Vec<(&'static str, Json)> {
    match version_asked {
        VersionRequest::Unsaid => Vec::new(),
        VersionRequest::Current => vec![("versionStage", text("AWSCURRENT"))],
        VersionRequest::Pending => vec![
            (
                "versionId",
                text(version(call, target, VersionAge::Pending)),
            ),
            ("versionStage", text("AWSPENDING")),
        ],
        VersionRequest::Old => {
            let first = Call { at: BEGIN, ..*call };
            vec![(
                "versionId",
                text(version(&first, target, VersionAge::Current)),
            )]
        }
        VersionRequest::Id => vec![(
            "versionId",
            text(version(call, target, VersionAge::Current)),
        )],
    }
}

/// The id of a version of the secret as of the call. While a rotation runs, the version it makes is still pending.
fn version(call: &Call, target: CallTarget, age: VersionAge) -> String {
    let Some(index) = target.index() else {
        return String::new();
    };
    let in_rotation = call.caller.session == SessionNaming::RotationFunction;
    let time = if in_rotation {
        call.at - HOUR_S
    } else {
        call.at
    };
    version_id(&SECRETS[index], time, age)
}

fn response(call: &Call, edition: Edition) -> Option<Json> {
    if call.failure.is_some() {
        return None;
    }
    let arn_of = |target: CallTarget| match target {
        CallTarget::Former(index) => former_arn(&SECRETS[index]),
        _ => target
            .index()
            .map(|index| arn(index).to_owned())
            .unwrap_or_default(),
    };
    match call.act {
        Act::Put(target)
        | Act::PutPolicy(target)
        | Act::MoveStage(target)
        | Act::Create(target) => Some(Json::Map(vec![("arn", text(arn_of(target)))])),
        Act::Delete(target, days) => {
            let end = call.at + i64::from(days.unwrap_or(0)) * DAY_S;
            let name = target
                .index()
                .map_or_else(|| secret_id(target), |index| SECRETS[index].name.to_owned());
            Some(Json::Map(vec![
                ("deletionDate", text(edition.at(end).to_string())),
                ("name", text(name)),
                ("arn", text(arn_of(target))),
            ]))
        }
        _ => None,
    }
}

const fn error_code(failure: Failure) -> Option<&'static str> {
    match failure {
        Failure::Denied | Failure::DeniedWithMarkup | Failure::Key => Some("AccessDenied"),
        Failure::Missing => Some("ResourceNotFoundException"),
        Failure::PendingDeletion => Some("InvalidRequestException"),
        Failure::Invalid => Some("ValidationException"),
        Failure::Rotation => None,
    }
}

fn error_message(call: &Call, failure: Failure, edition: Edition) -> String {
    let asked = match call.act {
        Act::Get(target, _) => secret_id(target),
        _ => String::new(),
    };
    let denied = || {
        format!(
            "User: {} is not authorized to perform: secretsmanager:GetSecretValue on resource: {asked} because no \
             identity-based policy allows the secretsmanager:GetSecretValue action",
            session_arn(call, edition)
        )
    };
    match failure {
        Failure::Denied => denied(),
        Failure::DeniedWithMarkup => format!("{}<script>alert(1)</script>", denied()),
        Failure::Key => "Access to KMS is not allowed".to_owned(),
        Failure::Missing => "Secrets Manager can't find the specified secret.".to_owned(),
        Failure::PendingDeletion => {
            "You can't perform this operation on the secret because it was marked for deletion."
                .to_owned()
        }
        Failure::Invalid => {
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
                             following: -/_+=.@!"
                .to_owned()
        }
        Failure::Rotation => {
            let Act::Rotation(_, index) = call.act else {
                return String::new();
            };
            let cast = &SECRETS[index];
            format!(
                "Error when executing lambda {} during setSecret step",
                function_arn(cast, rotation_function(cast).unwrap_or_default())
            )
        }
    }
}

fn address(call: &Call) -> Cow<'static, str> {
    // The processes of one machine share its address.
    let machine = match call.caller.session {
        SessionNaming::Process => 0,
        _ => call.client,
    };
    match call.caller.from {
        Origin::Endpoint(net) => format!("{net}{}", 10 + machine % 240).into(),
        Origin::Outside(address) | Origin::Service(address) => address.into(),
    }
}

/// The endpoint of the VPC in the Region, one for each.
fn endpoint(call: &Call) -> Option<&'static str> {
    let Origin::Endpoint(_) = call.caller.from else {
        return None;
    };
    Some(match call.region {
        crate::demo::locations::VIRGINIA => "vpce-0a1b2c3d4e5f60718",
        super::locations::IRELAND => "vpce-0b2c3d4e5f6071829",
        _ => "vpce-0c3d4e5f607182930",
    })
}
