//! The fast way to read a record: walk its members, and only as far as needed.
//!
//! A record of another service is left as soon as its time and its service are known, and whatever else the caller
//! wants to know of it. Only top-level members are looked at, each at its place, so nothing inside a string or a nested
//! object can be mistaken for one. A record that is written as AWS never does (escapes in a key, a time that is no
//! string) is [`Leave::Odd`], and `plain` reads it.
//!
//! A key that stands twice in one object has no meaning in JSON. The last one counts, unless the walk has left by then.

use std::borrow::Cow;

use super::scan::{self, Stop, Text};
use super::{plain, simd, time, unescape};
use crate::domain::event::{Event, EventId, Identity};

/// Why a walk did not come to the end of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// The bytes end first.
    Cut,
    /// The record is not written as AWS writes them, or it is no JSON.
    Odd,
}

impl From<Stop> for Leave {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cut => Self::Cut,
            Stop::Broken => Self::Odd,
        }
    }
}

/// A value, and where it stands.
#[derive(Clone, Copy, Debug)]
enum Value {
    Text(Text),
    /// An object or an array, from its opening bracket to the place behind the closing one.
    Container(usize, usize),
    /// A number, `true`, `false` or `null`.
    Word(usize, usize),
}

/// The members of an object one after another.
struct Members<'a> {
    bytes: &'a [u8],
    /// Behind the opening bracket, or behind the last value.
    at: usize,
    begun: bool,
}

impl<'a> Members<'a> {
    /// Starts at the opening bracket.
    fn new(bytes: &'a [u8], at: usize) -> Result<Self, Leave> {
        match bytes.get(at) {
            Some(b'{') => Ok(Self {
                bytes,
                at: at + 1,
                begun: false,
            }),
            Some(_) => Err(Leave::Odd),
            None => Err(Leave::Cut),
        }
    }

    /// The next key and the place of its value; `None` behind the closing bracket.
    #[inline(always)]
    fn key(&mut self) -> Result<Option<(&'a [u8], usize)>, Leave> {
        let bytes = self.bytes;
        let mut at = scan::blank_end(bytes, self.at)?;
        match (bytes[at], self.begun) {
            (b'}', _) => {
                self.at = at + 1;
                return Ok(None);
            }
            (b',', true) => at = scan::blank_end(bytes, at + 1)?,
            (_, true) => return Err(Leave::Odd),
            (_, false) => self.begun = true,
        }
        let key = scan::text(bytes, at)?;
        if key.escaped {
            return Err(Leave::Odd);
        }
        at = scan::blank_end(bytes, key.end + 1)?;
        if bytes[at] != b':' {
            return Err(Leave::Odd);
        }
        at = scan::blank_end(bytes, at + 1)?;
        Ok(Some((&bytes[key.start..key.end], at)))
    }

    /// Reads the value at `at` and steps behind it.
    #[inline(always)]
    fn value(&mut self, at: usize) -> Result<Value, Leave> {
        Ok(match self.bytes[at] {
            b'"' => {
                let text = scan::text(self.bytes, at)?;
                self.at = text.end + 1;
                Value::Text(text)
            }
            b'{' | b'[' => {
                self.at = simd::container_end(self.bytes, at + 1, 1)?;
                Value::Container(at, self.at)
            }
            _ => {
                self.at = scan::value_end(self.bytes, at)?;
                Value::Word(at, self.at)
            }
        })
    }
}

/// Where the members of a record stand that a rule needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spans {
    time: Option<Value>,
    source: Option<Value>,
    name: Option<Value>,
    region: Option<Value>,
    account: Option<Value>,
    read_only: Option<Value>,
    identity: Option<Value>,
    id: Option<Value>,
    shared_id: Option<Value>,
    kind: Option<Value>,
    error_code: Option<Value>,
    error_message: Option<Value>,
    source_ip: Option<Value>,
    user_agent: Option<Value>,
    request: Option<Value>,
    response: Option<Value>,
    additional: Option<Value>,
    service_details: Option<Value>,
    vpc_endpoint: Option<Value>,
    from_console: Option<Value>,
}

impl Spans {
    #[inline(always)]
    fn member(&mut self, key: &[u8]) -> Option<&mut Option<Value>> {
        Some(match key.len() {
            7 if key == b"eventID" => &mut self.id,
            8 if key == b"readOnly" => &mut self.read_only,
            9 => match key {
                b"eventTime" => &mut self.time,
                b"eventName" => &mut self.name,
                b"eventType" => &mut self.kind,
                b"awsRegion" => &mut self.region,
                b"userAgent" => &mut self.user_agent,
                b"errorCode" => &mut self.error_code,
                _ => return None,
            },
            11 if key == b"eventSource" => &mut self.source,
            12 if key == b"userIdentity" => &mut self.identity,
            12 if key == b"errorMessage" => &mut self.error_message,
            13 if key == b"vpcEndpointId" => &mut self.vpc_endpoint,
            13 if key == b"sharedEventID" => &mut self.shared_id,
            15 if key == b"sourceIPAddress" => &mut self.source_ip,
            16 if key == b"responseElements" => &mut self.response,
            17 if key == b"requestParameters" => &mut self.request,
            18 if key == b"recipientAccountId" => &mut self.account,
            19 if key == b"additionalEventData" => &mut self.additional,
            19 if key == b"serviceEventDetails" => &mut self.service_details,
            28 if key == b"sessionCredentialFromConsole" => &mut self.from_console,
            _ => return None,
        })
    }
}

/// A record up to where the walk left it.
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    spans: Spans,
    /// `eventTime`, seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// Whether it is a record of Secrets Manager.
    pub service: Service,
    /// The place behind the record.
    pub end: usize,
}

/// Whose record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    SecretsManager,
    Other,
}

/// What there is to know of a record of another service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing but its time.
    Time,
    /// Its time and whether it only read.
    ReadOnly,
    /// Everything that it tells of account and Region as well.
    Scope,
}

/// Walks the record whose opening bracket stands at `at`. `want` is asked once, when the time of a record of another
/// service is known.
#[inline(always)]
pub(super) fn record(
    bytes: &[u8],
    at: usize,
    want: impl Fn(i64) -> Want,
) -> Result<Record<'_>, Leave> {
    let mut members = Members::new(bytes, at)?;
    let mut spans = Spans::default();
    let mut known = None;
    let mut leave_at_read_only = false;
    while let Some((key, place)) = members.key()? {
        let value = members.value(place)?;
        let Some(member) = spans.member(key) else {
            continue;
        };
        *member = Some(value);
        if known.is_none()
            && let (Some(time), Some(source)) = (spans.time, spans.source)
        {
            let time = moment(bytes, time)?;
            let service = service(bytes, source)?;
            known = Some((time, service));
            if service == Service::Other {
                match want(time) {
                    Want::Time => {
                        members.at = simd::container_end(bytes, members.at, 1)?;
                        break;
                    }
                    Want::ReadOnly => leave_at_read_only = true,
                    Want::Scope => {}
                }
            }
        }
        if leave_at_read_only && spans.read_only.is_some() {
            members.at = simd::container_end(bytes, members.at, 1)?;
            break;
        }
    }
    // A record without a service of its own is still heard, and one without a time is odd.
    let (time, service) = match (known, spans.time) {
        (Some(known), _) => known,
        (None, Some(time)) => (moment(bytes, time)?, Service::Other),
        (None, None) => return Err(Leave::Odd),
    };
    Ok(Record {
        bytes,
        spans,
        time,
        service,
        end: members.at,
    })
}

fn moment(bytes: &[u8], value: Value) -> Result<i64, Leave> {
    match value {
        Value::Text(Text {
            start,
            end,
            escaped: false,
        }) => time::seconds(&bytes[start..end]).ok_or(Leave::Odd),
        _ => Err(Leave::Odd),
    }
}

fn service(bytes: &[u8], value: Value) -> Result<Service, Leave> {
    match value {
        Value::Text(Text { escaped: true, .. }) => Err(Leave::Odd),
        Value::Text(Text { start, end, .. }) if bytes[start..end] == *plain::SERVICE.as_bytes() => {
            Ok(Service::SecretsManager)
        }
        _ => Ok(Service::Other),
    }
}

impl<'a> Record<'a> {
    /// `recipientAccountId`.
    pub(super) fn own_account(&self) -> Option<Cow<'a, str>> {
        text(self.bytes, self.spans.account)
    }

    /// `awsRegion`.
    pub(super) fn own_region(&self) -> Option<Cow<'a, str>> {
        text(self.bytes, self.spans.region)
    }

    /// `readOnly`.
    pub(super) fn read_only(&self) -> bool {
        truth(self.bytes, self.spans.read_only)
    }

    /// The event, with the account and Region that the record itself names, else empty. `at` is where it begins.
    pub(super) fn event(&self, at: usize) -> Result<Event<'a>, Leave> {
        let spans = &self.spans;
        let part = |value| text(self.bytes, value);
        let request = self.inside(spans.request, [b"secretId", b"name", b"versionStage"])?;
        let [secret_id, name, version_stage] = request;
        let [arn, old_arn] = self.inside(spans.response, [b"arn", b"aRN"])?;
        let [data_arn, data_id] = self.inside(spans.additional, [b"ARN", b"SecretId"])?;
        let [details_id] = self.inside(spans.service_details, [b"secretId"])?;
        Ok(Event {
            id: part(spans.id).map_or_else(
                || plain::id_of_bytes(&self.bytes[at..self.end]),
                |id| EventId::new(&id),
            ),
            shared_id: part(spans.shared_id).map(|id| EventId::new(&id)),
            time: self.time,
            account: self.own_account().unwrap_or_default(),
            region: self.own_region().unwrap_or_default(),
            name: part(spans.name).unwrap_or_default(),
            service_event: part(spans.kind).as_deref() == Some(plain::SERVICE_EVENT),
            error_code: part(spans.error_code),
            error_message: part(spans.error_message),
            target: arn
                .or(old_arn)
                .or(secret_id)
                .or(name)
                .or(data_arn)
                .or(data_id)
                .or(details_id),
            version_stage,
            identity: self.identity()?,
            source_ip: part(spans.source_ip),
            user_agent: part(spans.user_agent),
            vpc_endpoint: part(spans.vpc_endpoint).is_some(),
            from_console: truth(self.bytes, spans.from_console),
        })
    }

    /// The texts of some members of a member. A member that holds its JSON as a string is odd.
    fn inside<const N: usize>(
        &self,
        value: Option<Value>,
        keys: [&[u8]; N],
    ) -> Result<[Option<Cow<'a, str>>; N], Leave> {
        let mut found = [const { None }; N];
        match value {
            Some(Value::Container(start, end)) if self.bytes[start] == b'{' => {
                let mut members = Members::new(&self.bytes[..end], start)?;
                while let Some((key, place)) = members.key()? {
                    let value = members.value(place)?;
                    if let Some(number) = keys.iter().position(|wanted| *wanted == key) {
                        found[number] = text(self.bytes, Some(value));
                    }
                }
            }
            Some(Value::Text(text)) if text.start != text.end => return Err(Leave::Odd),
            _ => {}
        }
        Ok(found)
    }

    /// `userIdentity`.
    pub(super) fn identity(&self) -> Result<Identity<'a>, Leave> {
        let mut identity = Identity::default();
        let Some(Value::Container(start, end)) = self.spans.identity else {
            return Ok(identity);
        };
        if self.bytes[start] != b'{' {
            return Ok(identity);
        }
        let mut members = Members::new(&self.bytes[..end], start)?;
        while let Some((key, place)) = members.key()? {
            if key == b"sessionContext" && self.bytes[place] == b'{' {
                members.at = self.session(&self.bytes[..end], place, &mut identity)?;
                continue;
            }
            let value = members.value(place)?;
            let member = match key {
                b"type" => &mut identity.kind,
                b"arn" => &mut identity.arn,
                b"accountId" => &mut identity.account,
                b"principalId" => &mut identity.principal_id,
                b"userName" => &mut identity.user_name,
                b"invokedBy" => &mut identity.invoked_by,
                _ => continue,
            };
            *member = text(self.bytes, Some(value));
        }
        Ok(identity)
    }

    /// `userIdentity.sessionContext`, whose opening bracket stands at `at`; gives the place behind it.
    fn session(
        &self,
        bytes: &'a [u8],
        at: usize,
        identity: &mut Identity<'a>,
    ) -> Result<usize, Leave> {
        let mut members = Members::new(bytes, at)?;
        while let Some((key, place)) = members.key()? {
            let value = members.value(place)?;
            match key {
                b"sessionIssuer" => [identity.issuer_arn] = self.inside(Some(value), [b"arn"])?,
                b"webIdFederationData" => identity.web_federated = holds(bytes, value)?,
                b"ec2RoleDelivery" => identity.ec2_delivered = holds(bytes, value)?,
                _ => {}
            }
        }
        Ok(members.at)
    }
}

/// A text that is there and not empty.
fn text(bytes: &[u8], value: Option<Value>) -> Option<Cow<'_, str>> {
    let Some(Value::Text(Text {
        start,
        end,
        escaped,
    })) = value
    else {
        return None;
    };
    let text = bytes.get(start..end).filter(|text| !text.is_empty())?;
    if escaped {
        return Some(Cow::Owned(unescape::unescaped(text)));
    }
    Some(String::from_utf8_lossy(text))
}

/// `true`, or the word as a string.
fn truth(bytes: &[u8], value: Option<Value>) -> bool {
    match value {
        Some(Value::Word(start, end)) => bytes[start..end] == *b"true",
        value => text(bytes, value).as_deref() == Some("true"),
    }
}

/// Whether a value is neither null nor empty.
fn holds(bytes: &[u8], value: Value) -> Result<bool, Leave> {
    Ok(match value {
        Value::Text(text) => text.start != text.end,
        Value::Word(start, end) => bytes[start..end] != *b"null",
        Value::Container(start, _) => {
            let inside = scan::blank_end(bytes, start + 1)?;
            !matches!(bytes[inside], b'}' | b']')
        }
    })
}
