//! The fast way to read a record: walk its members, and only as far as needed.
//!
//! A record of another service is left as soon as its time and its service are known, and whatever else the caller
//! wants to know of it. Only top-level members are looked at, one after the other, so nothing inside a string or a
//! nested object can be mistaken for one. A record that is written as AWS never does (escapes in a key, a time that is
//! no string) is [`Fallback::Unsupported`], and `full_parse` reads it.
//!
//! A key that stands twice in one object has no meaning in JSON. The last one counts, unless the walk has left by then.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::base::names::{KMS, SECRETS_MANAGER};
use crate::trail::record::members::{Fallback, MemberSpans, ObjectMembers, Value, ValueKind};

use super::full_parse::DECRYPT;
use super::time::TimeReader;
use super::{fast_path, simd};

/// A record up to where the walk left it.
pub(super) struct WalkedRecord<'a> {
    /// The record from its opening bracket to its closing one.
    pub bytes: &'a [u8],
    /// The members that the walk came past; in a record of Secrets Manager, all that matter.
    pub spans: MemberSpans,
    /// `eventTime`, seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The service whose record it is.
    pub service: Service,
}

/// The service whose record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    SecretsManager,
    /// KMS, and the record names a secret.
    KeyOfSecret,
    Other,
}

/// The facts that are wanted of a record of another service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing but its time.
    Time,
    /// The facts that it proves: who called what, and whether it is a management event and only read.
    Proof,
    /// The facts that it proves, and the account and Region for which it proves them.
    Scope,
}

/// Walks the record that `bytes` begin with. `want` is asked once, when the time of a record of another service is
/// known.
#[inline]
pub(super) fn record<'a>(
    bytes: &'a [u8],
    clock: &mut TimeReader,
    want: impl Fn(i64) -> Want,
) -> Result<WalkedRecord<'a>, Fallback> {
    let mut spans = MemberSpans::default();
    let head = fast_path::head(bytes);
    let is_in_order = head.is_some();
    let mut members = match head {
        Some(head) => {
            spans.identity = Value::new(head.identity, ValueKind::Container)?;
            spans.time = Value::new(head.time, ValueKind::Text)?;
            spans.source = Value::new(head.source, ValueKind::Text)?;
            ObjectMembers::behind(bytes, head.end)
        }
        None => ObjectMembers::new(bytes, 0)?,
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
                    members.at = fast_path::members(bytes, members.at, &mut spans);
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
        let Some((key, offset)) = members.key()? else {
            break;
        };
        let value = members.value(offset)?;
        if let Some(member) = spans.member(key) {
            *member = value;
        }
    }
    // A record without a service still shows activity, and one without a time is left to the full parser.
    let (time, service) = match known {
        Some(known) => known,
        None => (moment(bytes, spans.time, clock)?, Service::Other),
    };
    Ok(WalkedRecord {
        bytes: &bytes[..members.at],
        spans,
        time,
        service,
    })
}

fn moment(bytes: &[u8], value: Value, clock: &mut TimeReader) -> Result<i64, Fallback> {
    match value.kind {
        ValueKind::Text => clock
            .seconds(&bytes[value.range()])
            .ok_or(Fallback::Unsupported),
        _ => Err(Fallback::Unsupported),
    }
}

/// The member that names a secret in the context of a use of its key.
static SECRET_ARN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"SecretARN"));

/// The service whose record this is; `at` lies between two members of the record.
fn service(bytes: &[u8], value: Value, at: usize) -> Result<Service, Fallback> {
    if value.kind == ValueKind::Escaped {
        return Err(Fallback::Unsupported);
    }
    if value.kind != ValueKind::Text {
        return Ok(Service::Other);
    }
    let name = &bytes[value.range()];
    if *name == *SECRETS_MANAGER.as_bytes() {
        return Ok(Service::SecretsManager);
    }
    if *name == *KMS.as_bytes() {
        // Storage and disks have keys used all the time, mostly to make data keys.
        let is_other_call =
            fast_path::event_name(bytes, at).is_some_and(|name| name != DECRYPT.as_bytes());
        if is_other_call {
            return Ok(Service::Other);
        }
        let end = simd::container_end(bytes, at, 1)?;
        let names_secret = SECRET_ARN.find(&bytes[..end]).is_some();
        return Ok(if names_secret {
            Service::KeyOfSecret
        } else {
            Service::Other
        });
    }
    Ok(Service::Other)
}
