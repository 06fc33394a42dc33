//! The plain way to read a record: parse all of it.
//!
//! It is right for every record that is valid JSON, and slow. The walker turns to it whenever a record is written in
//! a way that no AWS service writes.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::heard::Speaker;
use super::{Contents, Scope, time};
use crate::domain::event::{Event, EventId, Identity, Sink};

/// The service whose events count.
pub(super) const SERVICE: &str = "secretsmanager.amazonaws.com";

/// Gives one record to the sink and counts it.
pub(super) fn record<S: Sink + ?Sized>(
    bytes: &[u8],
    speaker: &mut Speaker<'_>,
    contents: &mut Contents,
    sink: &mut S,
) {
    contents.records += 1;
    let Some(Value::Object(members)) = parse(bytes) else {
        contents.unreadable += 1;
        return;
    };
    if !members.contains_key("eventTime")
        && let Some(inner) = text(&members, "CloudTrailEvent")
    {
        match parse(inner.as_bytes()) {
            Some(Value::Object(members)) => {
                tell(&members, inner.as_bytes(), speaker, contents, sink);
            }
            _ => contents.unreadable += 1,
        }
        return;
    }
    tell(&members, bytes, speaker, contents, sink);
}

/// Parses a record. Bytes that are no UTF-8 are replaced rather than losing the record.
fn parse(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes)
        .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(bytes)))
        .ok()
}

fn tell<S: Sink + ?Sized>(
    record: &Map<String, Value>,
    bytes: &[u8],
    speaker: &mut Speaker<'_>,
    contents: &mut Contents,
    sink: &mut S,
) {
    let moment = text(record, "eventTime").and_then(|text| time::seconds(text.as_bytes()));
    let Some((moment, hour)) =
        moment.and_then(|moment| Some((moment, u32::try_from(moment / 3_600).ok()?)))
    else {
        contents.unreadable += 1;
        return;
    };
    let shared = speaker.shared((
        text(record, "recipientAccountId"),
        text(record, "awsRegion"),
    ));
    let account = account(record, speaker.path);
    let region = text(record, "awsRegion")
        .or(speaker.path.map(|path| path.region))
        .unwrap_or_default();
    let ours = text(record, "eventSource") == Some(SERVICE);
    let heard = shared
        .filter(|_| !ours)
        .unwrap_or(Scope { account, region });
    sink.heard(heard.account, heard.region, hour, truth(record, "readOnly"));
    if !ours {
        return;
    }
    contents.ours += 1;
    sink.event(&Event {
        id: text(record, "eventID").map_or_else(
            || EventId::new(&String::from_utf8_lossy(bytes)),
            EventId::new,
        ),
        shared_id: text(record, "sharedEventID").map(EventId::new),
        time: moment,
        account: Cow::Borrowed(account),
        region: Cow::Borrowed(region),
        name: borrowed(text(record, "eventName")).unwrap_or_default(),
        service_event: text(record, "eventType") == Some("AwsServiceEvent"),
        error_code: borrowed(text(record, "errorCode")),
        error_message: borrowed(text(record, "errorMessage")),
        target: target(record),
        version_stage: inner(record, "requestParameters", "versionStage").map(Cow::Owned),
        identity: identity(record),
        source_ip: borrowed(text(record, "sourceIPAddress")),
        user_agent: borrowed(text(record, "userAgent")),
        vpc_endpoint: text(record, "vpcEndpointId").is_some(),
        from_console: truth(record, "sessionCredentialFromConsole"),
    });
}

/// `recipientAccountId`, else the account of the path, else the caller's: only old records lack the first.
fn account<'a>(record: &'a Map<String, Value>, path: Option<Scope<'a>>) -> &'a str {
    text(record, "recipientAccountId")
        .or(path.map(|path| path.account))
        .or_else(|| text(object(record, "userIdentity")?, "accountId"))
        .unwrap_or_default()
}

/// The places that name the secret, the surest first.
const TARGETS: [(&str, &str); 7] = [
    ("responseElements", "arn"),
    ("responseElements", "aRN"),
    ("requestParameters", "secretId"),
    ("requestParameters", "name"),
    ("additionalEventData", "ARN"),
    ("additionalEventData", "SecretId"),
    ("serviceEventDetails", "secretId"),
];

fn target(record: &Map<String, Value>) -> Option<Cow<'_, str>> {
    TARGETS
        .iter()
        .find_map(|(member, key)| inner(record, member, key))
        .map(Cow::Owned)
}

/// A text inside a member. Athena and its exports hold these members as JSON in a string.
fn inner(record: &Map<String, Value>, member: &str, key: &str) -> Option<String> {
    match record.get(member)? {
        Value::Object(members) => text(members, key).map(str::to_owned),
        Value::String(json) => match serde_json::from_str(json).ok()? {
            Value::Object(members) => text(&members, key).map(str::to_owned),
            _ => None,
        },
        _ => None,
    }
}

fn identity(record: &Map<String, Value>) -> Identity<'_> {
    let Some(identity) = object(record, "userIdentity") else {
        return Identity::default();
    };
    let session = object(identity, "sessionContext");
    let part = |key| borrowed(text(identity, key));
    Identity {
        kind: part("type"),
        arn: part("arn"),
        account: part("accountId"),
        principal_id: part("principalId"),
        user_name: part("userName"),
        invoked_by: part("invokedBy"),
        issuer_arn: borrowed(
            session.and_then(|session| text(object(session, "sessionIssuer")?, "arn")),
        ),
        web_federated: session.is_some_and(|session| holds(session, "webIdFederationData")),
        ec2_delivered: session.is_some_and(|session| holds(session, "ec2RoleDelivery")),
    }
}

/// A string member. An empty one counts as absent: exporters write it for null.
fn text<'a>(members: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    members.get(key)?.as_str().filter(|text| !text.is_empty())
}

fn object<'a>(members: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    members.get(key)?.as_object()
}

/// `true`, or the word as a string: LookupEvents and Athena write the latter.
fn truth(members: &Map<String, Value>, key: &str) -> bool {
    match members.get(key) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// Whether a member is there and not empty.
fn holds(members: &Map<String, Value>, key: &str) -> bool {
    match members.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Array(elements)) => !elements.is_empty(),
        Some(_) => true,
    }
}

fn borrowed(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(Cow::Borrowed)
}

/// The bytes of a string without its escapes; the bytes themselves if the escapes are broken.
pub(super) fn unescaped(text: &[u8], escaped: bool) -> Cow<'_, [u8]> {
    if !escaped {
        return Cow::Borrowed(text);
    }
    let quoted = [b"\"", text, b"\""].concat();
    serde_json::from_slice::<String>(&quoted)
        .map_or(Cow::Borrowed(text), |text| Cow::Owned(text.into_bytes()))
}
