//! The values and members of a record, and where they stand in its bytes.

use std::ops::Range;

use super::{scan, simd};
use crate::trail::record::unended::UnendedValue;

/// Why the fast reading of a record gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// The bytes end before the record does.
    Incomplete,
    /// The record is not written as AWS writes them, or it is no JSON.
    Unsupported,
}

impl From<UnendedValue> for Fallback {
    fn from(stop: UnendedValue) -> Self {
        match stop {
            UnendedValue::Cut => Self::Incomplete,
            UnendedValue::Broken => Self::Unsupported,
        }
    }
}

/// A value, and where it stands. Small, because every record of every service begins with twenty empty ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Value {
    pub(super) start: u32,
    pub(super) end: u32,
    pub kind: ValueKind,
}

/// The kind of a value, and what its range holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// There is none.
    #[default]
    Absent,
    /// A string without escapes: what is between its quotes.
    Text,
    /// A string with escapes.
    Escaped,
    /// An object or an array, brackets included.
    Container,
    /// A number, `true`, `false` or `null`.
    Word,
}

impl Value {
    /// Returns its place in the record.
    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    #[inline]
    pub(super) fn is_there(self) -> bool {
        self.kind != ValueKind::Absent
    }

    #[inline]
    pub(super) fn new(range: Range<usize>, kind: ValueKind) -> Result<Self, Fallback> {
        // A longer record is nothing for a fast way.
        let (Ok(start), Ok(end)) = (u32::try_from(range.start), u32::try_from(range.end)) else {
            return Err(Fallback::Unsupported);
        };
        Ok(Self { start, end, kind })
    }
}

/// The members of an object one after another.
pub(super) struct ObjectMembers<'a> {
    pub(super) bytes: &'a [u8],
    /// Behind the opening bracket, or behind the last value.
    pub at: usize,
    pub(super) begun: bool,
}

impl<'a> ObjectMembers<'a> {
    /// Starts at the opening bracket.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Result<Self, Fallback> {
        match bytes.get(at) {
            Some(b'{') => Ok(Self {
                bytes,
                at: at + 1,
                begun: false,
            }),
            Some(_) => Err(Fallback::Unsupported),
            None => Err(Fallback::Incomplete),
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

    /// The next key and the offset of its value; `None` behind the closing bracket.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<(&'a [u8], usize)>, Fallback> {
        let bytes = self.bytes;
        let mut at = scan::blank_end(bytes, self.at)?;
        match (bytes[at], self.begun) {
            (b'}', _) => {
                self.at = at + 1;
                return Ok(None);
            }
            (b',', true) => at = scan::blank_end(bytes, at + 1)?,
            (_, true) => return Err(Fallback::Unsupported),
            (_, false) => self.begun = true,
        }
        let key = scan::text(bytes, at)?;
        if key.escaped {
            return Err(Fallback::Unsupported);
        }
        at = scan::blank_end(bytes, key.end + 1)?;
        if bytes[at] != b':' {
            return Err(Fallback::Unsupported);
        }
        at = scan::blank_end(bytes, at + 1)?;
        Ok(Some((&bytes[key.start..key.end], at)))
    }

    /// Reads the value at `at` and steps behind it.
    #[inline]
    pub(super) fn value(&mut self, at: usize) -> Result<Value, Fallback> {
        let (value, end) = value(self.bytes, at)?;
        self.at = end;
        Ok(value)
    }
}

/// The value that begins at `at`, and the offset behind it.
#[inline]
pub(super) fn value(bytes: &[u8], at: usize) -> Result<(Value, usize), Fallback> {
    let (range, kind, end) = match bytes[at] {
        b'"' => {
            let text = scan::text(bytes, at)?;
            let kind = if text.escaped {
                ValueKind::Escaped
            } else {
                ValueKind::Text
            };
            (text.start..text.end, kind, text.end + 1)
        }
        b'{' | b'[' => {
            let end = simd::container_end(bytes, at + 1, 1)?;
            (at..end, ValueKind::Container, end)
        }
        _ => {
            let end = scan::scalar_end(bytes, at)?;
            (at..end, ValueKind::Word, end)
        }
    };
    Ok((Value::new(range, kind)?, end))
}

/// The places of the members of a record that a rule needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MemberSpans {
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
    pub tls: Value,
    pub management: Value,
    pub category: Value,
    pub addendum: Value,
}

impl MemberSpans {
    #[inline]
    pub(super) fn member(&mut self, key: &[u8]) -> Option<&mut Value> {
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
            10 if key == b"tlsDetails" => &mut self.tls,
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
