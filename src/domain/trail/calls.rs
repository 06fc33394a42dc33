//! What the events of a trail say, one line for all calls that are alike but for their time.
//!
//! Two rules of evidence live here, because they are about single events: a denied call has no
//! `requestParameters` and names its secret only in `errorMessage` ([`named_in`]), and a failed call is a call, never a
//! use ([`CallOutcome`]). What a *caller* or a *name* means is not decided here: that needs the inventory and the policy.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::domain::base::names::Scope;
use crate::domain::trail::cells::Cells;
use crate::domain::trail::event::{RecordKind, TlsVersion, TrailEvent};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallOutcome {
    /// It succeeded.
    Ok,
    /// The caller may not do it.
    Denied,
    /// The caller may, but not decrypt with the key.
    KmsDenied,
    /// There is no such secret or version.
    NotFound,
    /// The secret is scheduled for deletion.
    Pending,
    /// Too many requests.
    Throttled,
    /// A parameter is wrong.
    Invalid,
    /// Any other error.
    Failed,
}

impl CallOutcome {
    /// Reads the outcome from an event.
    ///
    /// The codes are those that CloudTrail records of Secrets Manager have (API reference, "Common errors", and the errors of
    /// `GetSecretValue`). A call with a message and no code counts as failed: no successful
    /// call has either.
    pub fn of(event: &TrailEvent<'_>) -> Self {
        let code = event.error_code.as_deref().unwrap_or_default();
        let message = event.error_message.as_deref().unwrap_or_default();
        if code.is_empty() && (message.is_empty() || event.kind == RecordKind::ServiceEvent) {
            return Self::Ok;
        }
        if message.contains("marked for deletion") || message.contains("because it was deleted") {
            return Self::Pending;
        }
        match code {
            "ResourceNotFoundException" => Self::NotFound,
            "DecryptionFailure" | "DecryptionFailureException" => Self::KmsDenied,
            "AccessDenied"
            | "AccessDeniedException"
            | "Client.UnauthorizedAccess"
            | "UnauthorizedOperation"
            | "VpceAccessDenied" => {
                let by_key = message.contains("Access to KMS") || message.contains(" kms:");
                if by_key || event.kind == RecordKind::KeyUse {
                    Self::KmsDenied
                } else {
                    Self::Denied
                }
            }
            "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded" => Self::Throttled,
            "InvalidParameterException" | "ValidationException" | "ValidationError" => {
                Self::Invalid
            }
            _ => Self::Failed,
        }
    }

    /// What happened, as part of a sentence: "312 reads were ...".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Ok => "answered",
            Self::Denied => "denied",
            Self::KmsDenied => "refused by the key",
            Self::NotFound => "not found",
            Self::Pending => "refused because the secret is scheduled for deletion",
            Self::Throttled => "throttled",
            Self::Invalid => "refused because a parameter is wrong",
            Self::Failed => "refused with an error",
        }
    }
}

/// The secret that an error message names: `... on resource: <ARN or name> because ...`.
///
/// `None` if the message names none, or something that is no secret (a KMS key, `*`).
pub fn named_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" on resource: ")?;
    let name = rest.split_whitespace().next()?;
    let other = name.starts_with("arn:") && !name.contains(":secretsmanager:");
    (name != "*" && !other).then_some(name)
}

/// Who called, as the event says. Strings of other people.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of an event, each as the event has it"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The role (`sessionIssuer.arn`) or user (`arn`), else the service (`invokedBy`), else the principal id.
    pub identity: String,
    /// The session name: what follows the role in `arn`. Empty for users and services.
    pub session: String,
    /// The session is one of many with names that were made up alike: there is a sample of them beside each line.
    pub is_many: bool,
    /// `userIdentity.type`.
    pub identity_type: String,
    /// `userIdentity.accountId`.
    pub account: String,
    /// `invokedBy`.
    pub invoked_by: String,
    /// `sourceIPAddress` where it names an AWS service, else empty. Addresses proper are not part of a caller: there may
    /// be as many as calls ([`Cell::address`]).
    pub source_service: String,
    /// `userAgent`.
    pub user_agent: String,
    /// Credentials of a web identity: IRSA, OIDC.
    pub web_federated: bool,
    /// Credentials of an EC2 instance profile.
    pub ec2_delivered: bool,
    /// The call came through a VPC endpoint.
    pub vpc_endpoint: bool,
    /// The call was made from the console.
    pub from_console: bool,
}

/// Where a call came from: the `sourceIPAddress`, hashed to 64 bits.
///
/// Addresses are only ever compared, never shown, and there may be as many as calls. Among a million addresses of one
/// session, the chance that any two are taken for one is below one in ten million. The default stands for no address.
///
/// The lowest bit says whether the address is of a private network. AWS sees one only of a caller that comes through a
/// VPC endpoint, so it belongs to one machine or pod; behind a public address many may stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(u64);

impl Address {
    /// The address in an event; the same number on every machine.
    pub fn new(text: &str) -> Self {
        let hash = FixedState::default().hash_one(text.as_bytes());
        Self(hash & !1 | u64::from(is_private(text)))
    }

    /// All that it is, to be kept.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The address that has these [`Address::bits`].
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Whether it is of a private network: one machine or pod stands behind it.
    pub fn is_private(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Whether an address is of a network that is not routed on the internet (RFC 1918, RFC 6598, RFC 4193).
fn is_private(text: &str) -> bool {
    let is_unique_local = |text: &str| {
        let mut letters = text.bytes();
        (text.starts_with("fc") || text.starts_with("fd"))
            && text.contains(':')
            && letters.all(|letter| letter == b':' || letter.is_ascii_hexdigit())
    };
    match octets(text) {
        Some([10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..]) => true,
        Some(_) => false,
        None => is_unique_local(text),
    }
}

/// The four numbers of an address of IPv4.
fn octets(text: &str) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(octets)
}

/// Calls of one kind in one hour from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Twice the hour since 1970, plus one for the part of an hour that lies at or after the window's start.
    pub(crate) key: u32,
    /// How many calls.
    pub calls: u32,
    /// The first and the last of them, in seconds after the full hour.
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// Of sessions with made-up names, the names: of each a bit, chosen by its hash. Zero where names are kept.
    pub(crate) names: u32,
    /// Where they came from.
    pub address: Address,
}

impl Cell {
    /// Takes in calls of the same hour and address.
    pub(crate) fn add(&mut self, more: Self) {
        self.names |= more.names;
        self.calls = self.calls.saturating_add(more.calls);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
    }

    /// The hour since 1970-01-01T00:00:00Z.
    pub fn hour(self) -> u32 {
        self.key >> 1
    }

    /// The first call, in seconds since 1970.
    pub fn first(self) -> i64 {
        i64::from(self.hour()) * 3_600 + i64::from(self.first)
    }

    /// The last call, in seconds since 1970.
    pub fn last(self) -> i64 {
        i64::from(self.hour()) * 3_600 + i64::from(self.last)
    }
}

/// The calls of one [`Cell`] that one window of a sample showed. They are among the cell's calls, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SampledCalls {
    /// The key of the cell.
    pub(crate) key: u32,
    /// The window, by its place in the comb of the line's account and Region.
    pub window: u32,
    /// Where they came from.
    pub address: Address,
    /// How many calls were seen.
    pub calls: u32,
    /// How many calls they stand for; zero if another account's sample stands for them.
    pub stand_for: u64,
}

/// The calls of one of the sessions of a line whose names were made up. They are among the line's calls, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledSession {
    /// When, and from where: in the order of the hours.
    pub cells: Box<[Cell]>,
}

/// What is called, as the event says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallSubject {
    /// `recipientAccountId`; may be empty.
    pub account: Arc<str>,
    /// `awsRegion`; may be empty.
    pub region: Arc<str>,
    /// The secret as the event names it; `None`: it names none.
    pub target: Option<Arc<str>>,
    /// `eventName`.
    pub api: Arc<str>,
}

/// The version of a secret that a call asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestedVersion {
    /// The current one, or one with a stage of somebody's own.
    #[default]
    Current,
    /// The one in staging (`AWSPENDING`): what rotations ask for.
    Pending,
    /// The one before the current one (`AWSPREVIOUS`).
    Previous,
    /// One named by its id, and no stage: what Terraform's refresh of a secret that it manages asks for.
    ById,
}

impl RequestedVersion {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Current, Self::Pending, Self::Previous, Self::ById];

    /// The version that a call names by `versionStage` and `versionId`.
    pub fn of(stage: Option<&str>, names_id: bool) -> Self {
        match stage {
            Some("AWSPENDING") => Self::Pending,
            Some("AWSPREVIOUS") => Self::Previous,
            None if names_id => Self::ById,
            _ => Self::Current,
        }
    }
}

/// One line of the ledger: all calls that are alike but for their time and their address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSeries {
    /// What was called.
    pub subject: Arc<CallSubject>,
    /// The kind of record. Only calls are billed.
    pub kind: RecordKind,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The version that was asked for.
    pub version: RequestedVersion,
    /// The version of TLS.
    pub tls: TlsVersion,
    /// A batch that says what it selects: that stands on lines of its own.
    pub selects: bool,
    /// Who called.
    pub caller: Arc<Caller>,
    /// When, and from where: in the order of the hours.
    pub cells: Cells,
    /// Of the calls, those that were seen in the windows of a sample, by cell and window.
    pub sampled: Box<[SampledCalls]>,
    /// Where the caller stands for many sessions, some of them, taken at random.
    pub sessions: Box<[SampledSession]>,
    /// Of the error messages, the first in alphabetical order: the same whatever the order of reading.
    pub sample: Option<Arc<str>>,
}

impl CallSeries {
    /// How many calls.
    pub fn calls(&self) -> u64 {
        self.cells.iter().map(|cell| u64::from(cell.calls)).sum()
    }

    /// Whether the value was asked for, however the call ended, alone or in a batch.
    pub fn asks_for_value(&self) -> bool {
        matches!(&*self.subject.api, "GetSecretValue" | "BatchGetSecretValue")
    }

    /// Whether the description or the versions were asked for, however the call ended.
    pub fn asks_for_description(&self) -> bool {
        matches!(
            &*self.subject.api,
            "DescribeSecret" | "ListSecretVersionIds"
        )
    }

    /// Whether a value or a description was refused, and the record names no secret: it may have meant any secret of its
    /// account and Region.
    pub fn is_unnamed_refusal(&self) -> bool {
        let asks = self.asks_for_value() || self.asks_for_description();
        asks && self.subject.target.is_none() && !self.selects && self.outcome != CallOutcome::Ok
    }

    /// The scope of the event, if it names one.
    pub fn scope(&self) -> Option<Scope> {
        Some(Scope {
            account: self.subject.account.parse().ok()?,
            region: self.subject.region.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_marked() {
        for (text, private) in [
            ("10.0.7.31", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("100.64.0.9", true),
            ("100.20.0.9", false),
            ("203.0.113.9", false),
            ("fd12:3456::1", true),
            ("2001:db8::1", false),
            ("10.0.0.1.evil", false),
            ("firehose.amazonaws.com", false),
            ("AWS Internal", false),
        ] {
            assert_eq!(Address::new(text).is_private(), private, "{text}");
        }
        assert!(!Address::default().is_private());
    }
}
