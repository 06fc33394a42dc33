//! The order in which CloudTrail writes the members of a record.
//!
//! Its own files begin every record in the same way, with version, identity, time and service, and go on in the same
//! order, without white space. To compare with that costs less than to look keys up. For most records of other services
//! the beginning is all there is to do. Anything else is no mistake: the walk goes on, key by key, from the first member
//! that is not where it usually stands.

use std::ops::Range;

use super::simd;
use crate::trail::record::members::{Fallback, MemberSpans, ObjectMembers, Value, ValueKind};

/// The places of the first members of a record.
pub(super) struct RecordHead {
    /// `userIdentity`, brackets included.
    pub identity: Range<usize>,
    /// The range between the quotes of `eventTime`.
    pub time: Range<usize>,
    /// The range between the quotes of `eventSource`.
    pub source: Range<usize>,
    /// Behind the value of `eventSource`.
    pub end: usize,
}

/// Finds the head of the record that `bytes` begin with, if it is written like that and whole.
#[inline]
pub(super) fn head(bytes: &[u8]) -> Option<RecordHead> {
    let version = text(bytes, behind(bytes, 0, b"{\"eventVersion\":\"")?)?;
    let identity = behind(bytes, version.end, b"\",\"userIdentity\":")?;
    let inside = behind(bytes, identity, b"{")?;
    let identity = identity..simd::container_end(bytes, inside, 1).ok()?;
    let time = text(bytes, behind(bytes, identity.end, b",\"eventTime\":\"")?)?;
    let source = text(bytes, behind(bytes, time.end, b"\",\"eventSource\":\"")?)?;
    let end = source.end + 1;
    Some(RecordHead {
        identity,
        time,
        source,
        end,
    })
}

/// `eventName`, if it comes next and is written without escapes.
#[inline]
pub(super) fn event_name(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let name = text(bytes, behind(bytes, at, b",\"eventName\":\"")?)?;
    Some(&bytes[name])
}

/// Takes the members behind the head of a record of Secrets Manager, as far as they come in their usual order, and gives
/// the offset behind the last one.
#[inline]
pub(super) fn members(bytes: &[u8], at: usize, spans: &mut MemberSpans) -> usize {
    let mut along = FastCursor { bytes, at };
    along.text(b",\"eventName\":\"", &mut spans.name);
    along.text(b",\"awsRegion\":\"", &mut spans.region);
    along.text(b",\"sourceIPAddress\":\"", &mut spans.source_ip);
    along.text(b",\"userAgent\":\"", &mut spans.user_agent);
    along.text(b",\"errorCode\":\"", &mut spans.error_code);
    along.text(b",\"errorMessage\":\"", &mut spans.error_message);
    along.value(b",\"requestParameters\":", &mut spans.request);
    along.value(b",\"responseElements\":", &mut spans.response);
    along.value(b",\"additionalEventData\":", &mut spans.additional);
    along.text(b",\"requestID\":\"", &mut Value::default());
    along.text(b",\"eventID\":\"", &mut spans.id);
    along.value(b",\"readOnly\":", &mut spans.read_only);
    along.value(b",\"resources\":", &mut Value::default());
    along.text(b",\"eventType\":\"", &mut spans.kind);
    along.value(b",\"managementEvent\":", &mut spans.management);
    along.text(b",\"recipientAccountId\":\"", &mut spans.account);
    along.text(b",\"sharedEventID\":\"", &mut spans.shared_id);
    along.text(b",\"vpcEndpointId\":\"", &mut spans.vpc_endpoint);
    along.text(b",\"eventCategory\":\"", &mut spans.category);
    along.value(b",\"tlsDetails\":", &mut spans.tls);
    along.at
}

/// The members that `userIdentity` begins with, and `sessionIssuer` in it.
#[derive(Default)]
pub(super) struct IdentitySpans {
    pub kind: Value,
    pub principal_id: Value,
    pub arn: Value,
    pub account: Value,
    /// Behind the last of them; at the bracket, if there is none.
    pub end: usize,
}

impl IdentitySpans {
    /// The other members of the object that begins at `at`.
    pub(super) fn rest<'a>(
        &self,
        bytes: &'a [u8],
        at: usize,
    ) -> Result<ObjectMembers<'a>, Fallback> {
        if self.end == at {
            ObjectMembers::new(bytes, at)
        } else {
            Ok(ObjectMembers::behind(bytes, self.end))
        }
    }
}

/// Takes the members of such an object, whose bracket stands at `at`, as far as they come in their usual order.
#[inline]
pub(super) fn caller(bytes: &[u8], at: usize) -> IdentitySpans {
    let mut along = FastCursor { bytes, at };
    let mut caller = IdentitySpans::default();
    along.text(b"{\"type\":\"", &mut caller.kind);
    // Without its first member, none of the others can follow a comma.
    if along.at > at {
        along.text(b",\"principalId\":\"", &mut caller.principal_id);
        along.text(b",\"arn\":\"", &mut caller.arn);
        along.text(b",\"accountId\":\"", &mut caller.account);
        along.text(b",\"accessKeyId\":\"", &mut Value::default());
    }
    caller.end = along.at;
    caller
}

/// Goes along members that are written as usual.
struct FastCursor<'a> {
    bytes: &'a [u8],
    /// Behind the last member that was taken.
    at: usize,
}

impl FastCursor<'_> {
    /// Takes a string without escapes, if this key with its opening quote comes next.
    #[inline]
    fn text<const N: usize>(&mut self, key: &[u8; N], into: &mut Value) {
        let found = behind(self.bytes, self.at, key).and_then(|start| text(self.bytes, start));
        if let Some(offset) = found
            && let Ok(value) = Value::new(offset.clone(), ValueKind::Text)
        {
            *into = value;
            self.at = offset.end + 1;
        }
    }

    /// Takes a value of any kind, if this key comes next and the value is whole.
    #[inline]
    fn value<const N: usize>(&mut self, key: &[u8; N], into: &mut Value) {
        let found = behind(self.bytes, self.at, key);
        if let Some(Ok((value, end))) = found
            .filter(|&start| start < self.bytes.len())
            .map(|start| crate::trail::record::members::value(self.bytes, start))
        {
            *into = value;
            self.at = end;
        }
    }
}

/// The offset behind `expected`, if it stands at `at`.
#[inline]
fn behind<const N: usize>(bytes: &[u8], at: usize, expected: &[u8; N]) -> Option<usize> {
    (bytes.get(at..at + N)? == expected).then_some(at + N)
}

/// The rest of a string without escapes.
#[inline]
fn text(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let end = simd::quote_or_backslash(bytes, start)?;
    (bytes[end] == b'"').then_some(start..end)
}
