//! The fast way to read a record: walk its members, and only as far as needed.
//!
//! A record of another service is left as soon as its time and its service are known, and whatever else the caller
//! wants to know of it. Only top-level members are looked at, each at its place, so nothing inside a string or a nested
//! object can be mistaken for one. A record that is written as AWS never does (escapes in a key, a time that is no
//! string) is [`Leave::Odd`], and `plain` reads it.
//!
//! A key that stands twice in one object has no meaning in JSON. The last one counts, unless the walk has left by then.

use std::ops::Range;

use super::scan::{self, Stop};
use super::time::Clock;
use super::{plain, simd, usual};

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

/// A value, and where it stands. Small, because every record of every service begins with twenty empty ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Value {
    start: u32,
    end: u32,
    pub kind: Kind,
}

/// What a value is, and what its place means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is none.
    #[default]
    Absent,
    /// A string without escapes; the place of what is between its quotes.
    Text,
    /// A string with escapes.
    Escaped,
    /// An object or an array, brackets included.
    Container,
    /// A number, `true`, `false` or `null`.
    Word,
}

impl Value {
    /// Where it stands in the record.
    #[inline]
    pub(super) fn place(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    #[inline]
    fn is_there(self) -> bool {
        self.kind != Kind::Absent
    }

    #[inline]
    pub(super) fn new(place: Range<usize>, kind: Kind) -> Result<Self, Leave> {
        // A longer record is nothing for a fast way.
        let (Ok(start), Ok(end)) = (u32::try_from(place.start), u32::try_from(place.end)) else {
            return Err(Leave::Odd);
        };
        Ok(Self { start, end, kind })
    }
}

/// The members of an object one after another.
pub(super) struct Members<'a> {
    bytes: &'a [u8],
    /// Behind the opening bracket, or behind the last value.
    pub at: usize,
    begun: bool,
}

impl<'a> Members<'a> {
    /// Starts at the opening bracket.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Result<Self, Leave> {
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

    /// Starts behind a member.
    pub(super) fn behind(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            begun: true,
        }
    }

    /// The next key and the place of its value; `None` behind the closing bracket.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<(&'a [u8], usize)>, Leave> {
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
    #[inline]
    pub(super) fn value(&mut self, at: usize) -> Result<Value, Leave> {
        let (value, end) = value(self.bytes, at)?;
        self.at = end;
        Ok(value)
    }
}

/// The value that begins at `at`, and the place behind it.
#[inline]
pub(super) fn value(bytes: &[u8], at: usize) -> Result<(Value, usize), Leave> {
    let (place, kind, end) = match bytes[at] {
        b'"' => {
            let text = scan::text(bytes, at)?;
            let kind = if text.escaped {
                Kind::Escaped
            } else {
                Kind::Text
            };
            (text.start..text.end, kind, text.end + 1)
        }
        b'{' | b'[' => {
            let end = simd::container_end(bytes, at + 1, 1)?;
            (at..end, Kind::Container, end)
        }
        _ => {
            let end = scan::scalar_end(bytes, at)?;
            (at..end, Kind::Word, end)
        }
    };
    Ok((Value::new(place, kind)?, end))
}

/// Where the members of a record stand that a rule needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spans {
    pub time: Value,
    pub source: Value,
    pub name: Value,
    pub region: Value,
    pub account: Value,
    pub read_only: Value,
    pub identity: Value,
    pub id: Value,
    pub shared_id: Value,
    pub kind: Value,
    pub error_code: Value,
    pub error_message: Value,
    pub source_ip: Value,
    pub user_agent: Value,
    pub request: Value,
    pub response: Value,
    pub additional: Value,
    pub service_details: Value,
    pub vpc_endpoint: Value,
    pub from_console: Value,
    pub management: Value,
    pub category: Value,
    pub addendum: Value,
}

impl Spans {
    #[inline]
    fn member(&mut self, key: &[u8]) -> Option<&mut Value> {
        Some(match key.len() {
            7 if key == b"eventID" => &mut self.id,
            8 if key == b"readOnly" => &mut self.read_only,
            8 if key == b"addendum" => &mut self.addendum,
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
            13 if key == b"eventCategory" => &mut self.category,
            15 if key == b"sourceIPAddress" => &mut self.source_ip,
            15 if key == b"managementEvent" => &mut self.management,
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
    /// The record from its opening bracket to its closing one.
    pub bytes: &'a [u8],
    /// What the walk came past; all that matters, in a record of Secrets Manager.
    pub spans: Spans,
    /// `eventTime`, seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// Whether it is a record of Secrets Manager.
    pub service: Service,
}

/// Whose record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    SecretsManager,
    /// KMS, and the record names a secret.
    KeyOfSecret,
    Other,
}

/// What there is to know of a record of another service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing but its time.
    Time,
    /// What it proves: who called what, and whether it is a management event and only read.
    Proof,
    /// What it proves, and for which account and Region.
    Scope,
}

/// Walks the record that `bytes` begin with. `want` is asked once, when the time of a record of another service is
/// known.
#[inline]
pub(super) fn record<'a>(
    bytes: &'a [u8],
    clock: &mut Clock,
    want: impl Fn(i64) -> Want,
) -> Result<Record<'a>, Leave> {
    let mut spans = Spans::default();
    let head = usual::head(bytes);
    let is_in_order = head.is_some();
    let mut members = match head {
        Some(head) => {
            spans.identity = Value::new(head.identity, Kind::Container)?;
            spans.time = Value::new(head.time, Kind::Text)?;
            spans.source = Value::new(head.source, Kind::Text)?;
            Members::behind(bytes, head.end)
        }
        None => Members::new(bytes, 0)?,
    };
    let mut known = None;
    let mut wanted = Want::Scope;
    loop {
        if known.is_none() && spans.time.is_there() && spans.source.is_there() {
            let time = moment(bytes, spans.time, clock)?;
            let service = service(bytes, spans.source, members.at)?;
            known = Some((time, service));
            match service {
                Service::Other => wanted = want(time),
                Service::SecretsManager | Service::KeyOfSecret => {
                    members.at = usual::members(bytes, members.at, &mut spans);
                }
            }
        }
        // AWS writes `readOnly` and `managementEvent` behind everything else that a proof needs. A record whose members
        // stand in another order is walked to its end.
        let is_proved = is_in_order && spans.read_only.is_there() && spans.management.is_there();
        if wanted == Want::Time || wanted == Want::Proof && is_proved {
            members.at = simd::container_end(bytes, members.at, 1)?;
            break;
        }
        let Some((key, place)) = members.key()? else {
            break;
        };
        let value = members.value(place)?;
        if let Some(member) = spans.member(key) {
            *member = value;
        }
    }
    // A record without a service of its own is still heard, and one without a time is odd.
    let (time, service) = match known {
        Some(known) => known,
        None => (moment(bytes, spans.time, clock)?, Service::Other),
    };
    Ok(Record {
        bytes: &bytes[..members.at],
        spans,
        time,
        service,
    })
}

fn moment(bytes: &[u8], value: Value, clock: &mut Clock) -> Result<i64, Leave> {
    match value.kind {
        Kind::Text => clock.seconds(&bytes[value.place()]).ok_or(Leave::Odd),
        _ => Err(Leave::Odd),
    }
}

/// The service whose record this is; `at` lies between two members of the record.
fn service(bytes: &[u8], value: Value, at: usize) -> Result<Service, Leave> {
    if value.kind == Kind::Escaped {
        return Err(Leave::Odd);
    }
    if value.kind != Kind::Text {
        return Ok(Service::Other);
    }
    let name = &bytes[value.place()];
    if *name == *plain::SERVICE.as_bytes() {
        return Ok(Service::SecretsManager);
    }
    if *name == *plain::KEY_SERVICE.as_bytes() {
        let end = simd::container_end(bytes, at, 1)?;
        let names_secret = memchr::memmem::find(&bytes[..end], b"SecretARN").is_some();
        return Ok(if names_secret {
            Service::KeyOfSecret
        } else {
            Service::Other
        });
    }
    Ok(Service::Other)
}
