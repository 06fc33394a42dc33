//! The plain way to read a record: parse all of it.
//!
//! It is right for every record that is valid JSON, and slow. The walker turns to it whenever a record is written in
//! a way that no AWS service writes.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::no_record::NoRecord;
use super::time;
use super::wrapping;
use crate::base::names::{KMS, SECRETS_MANAGER};
use crate::trail::event::{Batch, EventId, Identity, RecordKind, TlsVersion, TrailEvent};

/// The `eventName` of a use of a key for a secret. Reads decrypt; `GenerateDataKey` belongs to writes, which are logged themselves.
pub const DECRYPT: &str = "Decrypt";

/// The `eventName` of a batch.
pub const BATCH: &str = "BatchGetSecretValue";

/// The version in the encryption context of a call by which Secrets Manager only checks whether it may use a key
/// (Secrets Manager User Guide, "Secret encryption and decryption").
pub const VALIDATION: &str = "RequestToValidateKeyAccess";

/// The kind of record by its `eventType`.
pub(super) fn kind(event_type: Option<&str>) -> RecordKind {
    match event_type {
        Some("AwsServiceEvent") => RecordKind::ServiceEvent,
        _ => RecordKind::Call,
    }
}

/// The way in which a record counts, by its category (CloudTrail User Guide, "CloudTrail record contents").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordCategory {
    /// A management event that says so: it also proves that management events are logged.
    Proof,
    /// A management event by its looks, without the members that say so: an old record or an export.
    Assumed,
    /// A network activity event: it repeats a call, or shows that the policy of an endpoint refused one.
    Network,
    /// A data, Insights or aggregated event: no call of the Secrets Manager API.
    Other,
}

impl RecordCategory {
    /// Reads it from `eventCategory`, `managementEvent` and `eventType`.
    pub(super) fn of(
        category: Option<&str>,
        management: Option<bool>,
        event_type: Option<&str>,
    ) -> Self {
        // `managementEvent` comes first in a record: where it says yes, the rest need not be read.
        match (event_type, management, category) {
            (Some("AwsVpceEvent"), ..) => Self::Network,
            (Some("AwsCloudTrailInsight"), ..) => Self::Other,
            (_, Some(true), _) | (_, None, Some("Management")) => Self::Proof,
            (_, _, Some("NetworkActivity")) => Self::Network,
            (_, None, None) => Self::Assumed,
            (_, Some(false), _) | (_, None, Some(_)) => Self::Other,
        }
    }
}

/// The ARN that a key use names, unless it is only a check.
pub(super) fn key_use<'a>(
    arn: Option<Cow<'a, str>>,
    version: Option<&str>,
) -> Option<Cow<'a, str>> {
    arn.filter(|_| version != Some(VALIDATION))
}

/// The selection of a batch, from its `requestParameters`.
pub fn batch(request: &Map<String, Value>) -> Batch<'static> {
    let ids = request.get("secretIdList").and_then(Value::as_array);
    let ids = ids
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|id| !id.is_empty())
        .map(|id| Cow::Owned(id.to_owned()))
        .collect();
    let filters = request
        .get("filters")
        .filter(|filters| filters.as_array().is_some_and(|all| !all.is_empty()));
    Batch {
        ids,
        filters: filters.map(|filters| Cow::Owned(filters.to_string())),
    }
}

/// The role or user behind an identity, or the service where there is none.
pub fn principal(identity: Identity<'_>) -> Option<Cow<'_, str>> {
    let Identity {
        issuer_arn,
        arn,
        invoked_by,
        principal_id,
        ..
    } = identity;
    issuer_arn.or(arn).or(invoked_by).or(principal_id)
}

/// A record that was parsed whole.
pub(super) struct ParsedRecord {
    members: Map<String, Value>,
    /// The record was taken out of what another service wrote around it. Such a selection may be filtered, so it proves
    /// nothing about what is not in it.
    is_selected: bool,
    /// `eventTime`, seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
}

/// Parses a record, or what services and tools write around one ([`wrapping`]).
pub(super) fn parse(bytes: &[u8]) -> Result<ParsedRecord, NoRecord> {
    let value = value_of(bytes).ok_or(NoRecord::Unreadable)?;
    of_value(value, false)
}

/// Reads a record that is parsed already, or has something around it. `is_selected`: it was taken out of something before.
pub(super) fn of_value(value: Value, is_selected: bool) -> Result<ParsedRecord, NoRecord> {
    let found = wrapping::unwrapped(value)?;
    let time = text(&found.members, "eventTime").and_then(|text| time::seconds(text.as_bytes()));
    Ok(ParsedRecord {
        time: time.ok_or(NoRecord::Unreadable)?,
        members: found.members,
        is_selected: found.is_selected || is_selected,
    })
}

/// Bytes that are no UTF-8 are replaced rather than losing the record.
fn value_of(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes)
        .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(bytes)))
        .ok()
}

impl ParsedRecord {
    /// Returns whether it was taken out of what another service wrote around it.
    pub(super) fn is_selected(&self) -> bool {
        self.is_selected
    }

    /// Returns whether it is a record of Secrets Manager.
    pub(super) fn is_ours(&self) -> bool {
        text(&self.members, "eventSource") == Some(SECRETS_MANAGER)
    }

    /// `eventSource`.
    pub(super) fn service(&self) -> Option<&str> {
        text(&self.members, "eventSource")
    }

    /// `eventName`.
    pub(super) fn name(&self) -> Option<&str> {
        text(&self.members, "eventName")
    }

    /// Returns whether the record says that its call failed.
    pub(super) fn failed(&self) -> bool {
        text(&self.members, "errorCode").is_some()
    }

    /// The role or user behind the call, or the service where there is none.
    pub(super) fn principal(&self) -> Option<Cow<'_, str>> {
        principal(identity(&self.members))
    }

    /// The way in which the record counts.
    pub(super) fn standing(&self) -> RecordCategory {
        let management = match self.members.get("managementEvent") {
            None | Some(Value::Null) => None,
            Some(_) => Some(truth(&self.members, "managementEvent")),
        };
        let standing = RecordCategory::of(
            text(&self.members, "eventCategory"),
            management,
            text(&self.members, "eventType"),
        );
        match standing {
            RecordCategory::Proof if self.is_selected => RecordCategory::Assumed,
            other => other,
        }
    }

    /// The use of a key for a secret, if that is what the record of KMS shows.
    pub(super) fn key_use(&self, bytes: &[u8]) -> Option<TrailEvent<'_>> {
        let record = &self.members;
        let is_decrypt = self.service() == Some(KMS) && text(record, "eventName") == Some(DECRYPT);
        let request = is_decrypt.then(|| member(record, "requestParameters"))??;
        let context = request.get("encryptionContext")?.as_object()?;
        let arn = text(context, "SecretARN").map(|arn| Cow::Owned(arn.to_owned()));
        let arn = key_use(arn, text(context, "SecretVersionId"))?;
        Some(TrailEvent {
            kind: RecordKind::KeyUse,
            target: Some(arn),
            ..self.event(bytes)
        })
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
    pub(super) fn event(&self, bytes: &[u8]) -> TrailEvent<'_> {
        let record = &self.members;
        let part = |key| borrowed(text(record, key));
        TrailEvent {
            id: id(record, bytes),
            shared_id: text(record, "sharedEventID").map(EventId::new),
            time: self.time,
            account: borrowed(self.own_account()).unwrap_or_default(),
            region: borrowed(self.own_region()).unwrap_or_default(),
            name: part("eventName").unwrap_or_default(),
            kind: kind(text(record, "eventType")),
            batch: (text(record, "eventName") == Some(BATCH)).then(|| {
                member(record, "requestParameters").map_or_else(Batch::default, |all| batch(&all))
            }),
            error_code: part("errorCode"),
            error_message: part("errorMessage"),
            target: target(record),
            version_stage: inner(record, "requestParameters", "versionStage").map(Cow::Owned),
            names_version: inner(record, "requestParameters", "versionId").is_some(),
            identity: identity(record),
            source_ip: part("sourceIPAddress"),
            user_agent: part("userAgent"),
            vpc_endpoint: text(record, "vpcEndpointId").is_some(),
            from_console: truth(record, "sessionCredentialFromConsole"),
            tls: inner(record, "tlsDetails", "tlsVersion")
                .map_or(TlsVersion::Unknown, |text| TlsVersion::of(&text)),
        }
    }
}

/// The id of a record that has none.
pub(super) fn id_of_bytes(record: &[u8]) -> EventId {
    EventId::new(&String::from_utf8_lossy(record))
}

/// The members that name the secret, the surest first.
pub const TARGETS: [(&str, &str); 7] = [
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

/// The id of a record: that of the record that it repeats, if it is one with additions.
fn id(record: &Map<String, Value>, bytes: &[u8]) -> EventId {
    let original = inner(record, "addendum", "originalEventID");
    match original.as_deref().or_else(|| text(record, "eventID")) {
        Some(id) => EventId::new(id),
        None => id_of_bytes(bytes),
    }
}

/// A text inside a member.
fn inner(record: &Map<String, Value>, name: &str, key: &str) -> Option<String> {
    text(member(record, name)?.as_ref(), key).map(str::to_owned)
}

/// A member that is an object. Athena and its exports hold these members as JSON in a string.
fn member<'r>(record: &'r Map<String, Value>, name: &str) -> Option<Cow<'r, Map<String, Value>>> {
    match record.get(name)? {
        Value::Object(members) => Some(Cow::Borrowed(members)),
        Value::String(json) => match serde_json::from_str(json).ok()? {
            Value::Object(members) => Some(Cow::Owned(members)),
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

/// Returns whether a member is there and not empty.
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
