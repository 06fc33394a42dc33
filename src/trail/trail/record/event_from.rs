//! A record that was walked, taken apart.

use std::borrow::Cow;

use super::fields::WalkedRecord;
use super::{fast_path, full_parse, scan, unescape};
use crate::trail::event::{Batch, EventId, Identity, RecordKind, TlsVersion, TrailEvent};
use crate::trail::record::members::{Fallback, ObjectMembers, Value, ValueKind};

/// The event of a record of Secrets Manager, with the account and Region that the record itself names, else empty.
///
/// Any error means that the record is odd, and has to be parsed whole.
pub(super) fn event<'a>(record: &WalkedRecord<'a>) -> Result<TrailEvent<'a>, Fallback> {
    let json = text_of_record(record)?;
    let spans = &record.spans;
    let [secret_id, name, version_stage, version_id] = inside(
        json,
        spans.request,
        [b"secretId", b"name", b"versionStage", b"versionId"],
    )?;
    let [arn, old_arn] = inside(json, spans.response, [b"arn", b"aRN"])?;
    let [data_arn, data_id] = inside(json, spans.additional, [b"ARN", b"SecretId"])?;
    let [details_id] = inside(json, spans.service_details, [b"secretId"])?;
    let by_request = || secret_id.or(name);
    let by_service = || data_arn.or(data_id).or(details_id);
    let event = without_target(record, json)?;
    Ok(TrailEvent {
        batch: batch(&event.name, json, spans.request),
        target: arn.or(old_arn).or_else(by_request).or_else(by_service),
        version_stage,
        names_version: version_id.is_some(),
        ..event
    })
}

/// The use of a key for a secret, from a record of KMS that names one; `None`: the record is of something else.
///
/// Any error means that the record is odd, and has to be parsed whole.
pub(super) fn key_use<'a>(record: &WalkedRecord<'a>) -> Result<Option<TrailEvent<'a>>, Fallback> {
    let json = text_of_record(record)?;
    if text(json, record.spans.name).as_deref() != Some(full_parse::DECRYPT) {
        return Ok(None);
    }
    let [context] = values(json, record.spans.request, [b"encryptionContext"])?;
    let [arn, version] = inside(json, context, [b"SecretARN", b"SecretVersionId"])?;
    let Some(arn) = full_parse::key_use(arn, version.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(TrailEvent {
        kind: RecordKind::KeyUse,
        target: Some(arn),
        ..without_target(record, json)?
    }))
}

/// The text of a record: one check for all of its parts costs less than one for each.
fn text_of_record<'a>(record: &WalkedRecord<'a>) -> Result<&'a str, Fallback> {
    std::str::from_utf8(record.bytes).map_err(|_| Fallback::Unsupported)
}

/// The parts of an event that do not depend on what was called.
fn without_target<'a>(
    record: &WalkedRecord<'a>,
    json: &'a str,
) -> Result<TrailEvent<'a>, Fallback> {
    let spans = &record.spans;
    let part = |value| text(json, value);
    Ok(TrailEvent {
        id: id(record, json)?,
        shared_id: part(spans.shared_id).map(|id| EventId::new(&id)),
        time: record.time,
        account: part(spans.account).unwrap_or_default(),
        region: part(spans.region).unwrap_or_default(),
        name: part(spans.name).unwrap_or_default(),
        kind: full_parse::kind(part(spans.kind).as_deref()),
        error_code: part(spans.error_code),
        error_message: part(spans.error_message),
        identity: identity(json, spans.identity)?,
        source_ip: part(spans.source_ip),
        user_agent: part(spans.user_agent),
        vpc_endpoint: part(spans.vpc_endpoint).is_some(),
        from_console: truth(record.bytes, spans.from_console),
        tls: tls(json, spans.tls)?,
        target: None,
        version_stage: None,
        names_version: false,
        batch: None,
    })
}

/// The id of a record: that of the record that it repeats, if it is one with additions.
fn id(record: &WalkedRecord<'_>, json: &str) -> Result<EventId, Fallback> {
    let [original] = inside(json, record.spans.addendum, [b"originalEventID"])?;
    let own = || text(json, record.spans.id);
    Ok(original.or_else(own).map_or_else(
        || full_parse::id_of_bytes(record.bytes),
        |id| EventId::new(&id),
    ))
}

/// The selection of a `BatchGetSecretValue`, which is parsed as JSON: such calls are few.
fn batch(name: &str, json: &str, request: Value) -> Option<Batch<'static>> {
    (name == full_parse::BATCH).then(|| {
        let request = json.get(request.range()).unwrap_or_default();
        serde_json::from_str(request)
            .map_or_else(|_| Batch::default(), |all| full_parse::batch(&all))
    })
}

/// The way in which a record counts.
pub(super) fn standing(record: &WalkedRecord<'_>) -> full_parse::RecordCategory {
    let part = |value| text_of(record, value);
    let management = record.spans.management;
    let is_null = || record.bytes[management.range()] == *b"null";
    let is_absent = management.kind == ValueKind::Absent || is_null();
    let management = (!is_absent).then(|| truth(record.bytes, management));
    full_parse::RecordCategory::of(
        part(record.spans.category).as_deref(),
        management,
        part(record.spans.kind).as_deref(),
    )
}

/// Returns whether a record says that its call failed.
pub(super) fn failed(record: &WalkedRecord<'_>) -> bool {
    text_of(record, record.spans.error_code).is_some()
}

/// The role or user behind the call, or the service where there is none.
pub(super) fn principal<'a>(record: &WalkedRecord<'a>) -> Option<Cow<'a, str>> {
    let Ok(identity) =
        text_of_record(record).and_then(|json| identity(json, record.spans.identity))
    else {
        let parsed = full_parse::parse(record.bytes).ok()?;
        return parsed.principal().map(|name| Cow::Owned(name.into_owned()));
    };
    full_parse::principal(identity)
}

/// `readOnly`, as far as the walk came past it.
#[inline]
pub(super) fn read_only(record: &WalkedRecord<'_>) -> bool {
    truth(record.bytes, record.spans.read_only)
}

/// `userIdentity.accountId`, which stands in for an account that nothing else names.
pub(super) fn caller_account<'a>(record: &WalkedRecord<'a>) -> Option<Cow<'a, str>> {
    let json = text_of_record(record).ok()?;
    identity(json, record.spans.identity).ok()?.account
}

/// A text of a record that may not be UTF-8 elsewhere.
pub(super) fn text_of<'a>(record: &WalkedRecord<'a>, value: Value) -> Option<Cow<'a, str>> {
    let bytes = record
        .bytes
        .get(value.range())
        .filter(|text| !text.is_empty())?;
    match value.kind {
        ValueKind::Text => Some(String::from_utf8_lossy(bytes)),
        ValueKind::Escaped => Some(Cow::Owned(unescape::unescaped(bytes))),
        _ => None,
    }
}

/// A text that is there and not empty.
#[inline]
fn text(json: &str, value: Value) -> Option<Cow<'_, str>> {
    let text = json.get(value.range()).filter(|text| !text.is_empty())?;
    match value.kind {
        ValueKind::Text => Some(Cow::Borrowed(text)),
        ValueKind::Escaped => Some(Cow::Owned(unescape::unescaped(text.as_bytes()))),
        _ => None,
    }
}

/// `true`, or the word as a string: LookupEvents and Athena write the latter.
#[inline]
fn truth(bytes: &[u8], value: Value) -> bool {
    matches!(value.kind, ValueKind::Text | ValueKind::Word) && bytes[value.range()] == *b"true"
}

/// Returns whether a value is neither null nor empty.
fn holds(bytes: &[u8], value: Value) -> Result<bool, Fallback> {
    let offset = value.range();
    Ok(match value.kind {
        ValueKind::Absent => false,
        ValueKind::Text | ValueKind::Escaped => !offset.is_empty(),
        ValueKind::Word => bytes[offset] != *b"null",
        ValueKind::Container => {
            let inside = scan::blank_end(bytes, offset.start + 1)?;
            !matches!(bytes[inside], b'}' | b']')
        }
    })
}

/// The version of TLS, which AWS writes first.
fn tls(json: &str, details: Value) -> Result<TlsVersion, Fallback> {
    const FIRST: &str = "{\"tlsVersion\":\"TLSv1.3\"";
    let is_usual = json
        .get(details.range())
        .is_some_and(|text| text.starts_with(FIRST));
    if is_usual {
        return Ok(TlsVersion::V1_3);
    }
    let [version] = inside(json, details, [b"tlsVersion"])?;
    Ok(version.map_or(TlsVersion::Unknown, |text| TlsVersion::of(&text)))
}

/// The texts of some members of a member. A member that holds its JSON as a string, as Athena has it, is odd.
fn inside<'a, const N: usize>(
    json: &'a str,
    value: Value,
    keys: [&[u8]; N],
) -> Result<[Option<Cow<'a, str>>; N], Fallback> {
    Ok(values(json, value, keys)?.map(|value| text(json, value)))
}

/// Some members of a member.
fn values<const N: usize>(
    json: &str,
    value: Value,
    keys: [&[u8]; N],
) -> Result<[Value; N], Fallback> {
    let mut found = [Value::default(); N];
    let (bytes, offset) = (json.as_bytes(), value.range());
    match value.kind {
        ValueKind::Container if bytes[offset.start] == b'{' => {
            let mut members = ObjectMembers::new(bytes, offset.start)?;
            while let Some((key, offset)) = members.key()? {
                let value = members.value(offset)?;
                if let Some(number) = keys.iter().position(|wanted| *wanted == key) {
                    found[number] = value;
                }
            }
        }
        ValueKind::Text | ValueKind::Escaped if !offset.is_empty() => {
            return Err(Fallback::Unsupported);
        }
        _ => {}
    }
    Ok(found)
}

/// `userIdentity`.
fn identity(json: &str, value: Value) -> Result<Identity<'_>, Fallback> {
    let mut identity = Identity::default();
    let (bytes, start) = (json.as_bytes(), value.range().start);
    if value.kind != ValueKind::Container || bytes[start] != b'{' {
        return Ok(identity);
    }
    let usual = fast_path::caller(bytes, start);
    identity.kind = text(json, usual.kind);
    identity.principal_id = text(json, usual.principal_id);
    identity.arn = text(json, usual.arn);
    identity.account = text(json, usual.account);
    let mut members = usual.rest(bytes, start)?;
    while let Some((key, offset)) = members.key()? {
        if key == b"sessionContext" && bytes[offset] == b'{' {
            members.at = session(json, offset, &mut identity)?;
            continue;
        }
        let value = members.value(offset)?;
        let member = match key {
            b"type" => &mut identity.kind,
            b"arn" => &mut identity.arn,
            b"accountId" => &mut identity.account,
            b"principalId" => &mut identity.principal_id,
            b"userName" => &mut identity.user_name,
            b"invokedBy" => &mut identity.invoked_by,
            _ => continue,
        };
        *member = text(json, value);
    }
    Ok(identity)
}

/// `userIdentity.sessionContext`, whose opening bracket stands at `at`; gives the offset behind it.
fn session<'a>(json: &'a str, at: usize, identity: &mut Identity<'a>) -> Result<usize, Fallback> {
    let bytes = json.as_bytes();
    let mut members = ObjectMembers::new(bytes, at)?;
    while let Some((key, offset)) = members.key()? {
        if key == b"sessionIssuer" && bytes[offset] == b'{' {
            let usual = fast_path::caller(bytes, offset);
            identity.issuer_arn = text(json, usual.arn);
            let mut issuer = usual.rest(bytes, offset)?;
            while let Some((key, offset)) = issuer.key()? {
                let value = issuer.value(offset)?;
                if key == b"arn" {
                    identity.issuer_arn = text(json, value);
                }
            }
            members.at = issuer.at;
            continue;
        }
        let value = members.value(offset)?;
        match key {
            b"sessionIssuer" => [identity.issuer_arn] = inside(json, value, [b"arn"])?,
            b"webIdFederationData" => identity.web_federated = holds(bytes, value)?,
            b"ec2RoleDelivery" => identity.ec2_delivered = holds(bytes, value)?,
            _ => {}
        }
    }
    Ok(members.at)
}
