//! The plain way to read a record: parse all of it.
//!
//! It is right for every record that is valid JSON, and slow. The walker turns to it whenever a record is written in
//! a way that no AWS service writes.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::time;
use crate::domain::event::{Event, EventId, Identity};

/// The service whose events count.
pub(super) const SERVICE: &str = "secretsmanager.amazonaws.com";

/// The `eventType` of what the service tells of itself.
pub(super) const SERVICE_EVENT: &str = "AwsServiceEvent";

/// A record that was parsed whole.
pub(super) struct Parsed {
    members: Map<String, Value>,
    /// `eventTime`, seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
}

/// Parses a record, or an entry of LookupEvents around one; `None` if there is no record with a readable time.
pub(super) fn parse(bytes: &[u8]) -> Option<Parsed> {
    let mut members = object_of(bytes)?;
    if !members.contains_key("eventTime") {
        members = object_of(text(&members, "CloudTrailEvent")?.as_bytes())?;
    }
    let time = time::seconds(text(&members, "eventTime")?.as_bytes())?;
    Some(Parsed { members, time })
}

/// Bytes that are no UTF-8 are replaced rather than losing the record.
fn object_of(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes)
        .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(bytes)))
        .ok()
}

impl Parsed {
    /// Whether it is a record of Secrets Manager.
    pub(super) fn is_ours(&self) -> bool {
        text(&self.members, "eventSource") == Some(SERVICE)
    }

    /// `recipientAccountId`.
    pub(super) fn own_account(&self) -> Option<&str> {
        text(&self.members, "recipientAccountId")
    }

    /// `awsRegion`.
    pub(super) fn own_region(&self) -> Option<&str> {
        text(&self.members, "awsRegion")
    }

    /// `userIdentity.accountId`.
    pub(super) fn caller_account(&self) -> Option<&str> {
        text(object(&self.members, "userIdentity")?, "accountId")
    }

    /// `readOnly`.
    pub(super) fn read_only(&self) -> bool {
        truth(&self.members, "readOnly")
    }

    /// The event, with the account and Region that the record itself names, else empty. `bytes` are the record's.
    pub(super) fn event(&self, bytes: &[u8]) -> Event<'_> {
        let record = &self.members;
        let part = |key| borrowed(text(record, key));
        Event {
            id: text(record, "eventID").map_or_else(|| id_of_bytes(bytes), EventId::new),
            shared_id: text(record, "sharedEventID").map(EventId::new),
            time: self.time,
            account: borrowed(self.own_account()).unwrap_or_default(),
            region: borrowed(self.own_region()).unwrap_or_default(),
            name: part("eventName").unwrap_or_default(),
            service_event: text(record, "eventType") == Some(SERVICE_EVENT),
            error_code: part("errorCode"),
            error_message: part("errorMessage"),
            target: target(record),
            version_stage: inner(record, "requestParameters", "versionStage").map(Cow::Owned),
            identity: identity(record),
            source_ip: part("sourceIPAddress"),
            user_agent: part("userAgent"),
            vpc_endpoint: text(record, "vpcEndpointId").is_some(),
            from_console: truth(record, "sessionCredentialFromConsole"),
        }
    }
}

/// The id of a record that has none.
pub(super) fn id_of_bytes(record: &[u8]) -> EventId {
    EventId::new(&String::from_utf8_lossy(record))
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
