//! One event of Secrets Manager as CloudTrail logged it, borrowed from the bytes it was read from.
//!
//! This is the seam between reading (`record`: bytes in, [`TrailEvent`]s out) and counting (`usage`: `Event`s in, a
//! ledger out). It holds only what a rule needs. It never holds a secret's value: CloudTrail leaves those out, and
//! nothing here would take one.
//!
//! An event has two halves: what was called and how that ended, and who called. Nearly every event of a trail has both in
//! common with others, though seldom both with the same one, so each half is stored and looked up by itself
//! (`recording`, `ledger`). What is left is the event's own: its ids, its second, and the address it came from.

use std::borrow::Cow;

use crate::trail::cell::Address;
use crate::trail::layout::Day;

/// The 128 bits of an `eventID` or `sharedEventID`.
///
/// Both are UUIDs in every record AWS writes. Text that is no UUID is hashed, so that a re-shaped trail still
/// deduplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl EventId {
    /// Reads an id from its text: a UUID by its digits, anything else by an FNV-1a hash of 128 bits.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(uuid(text.as_bytes()).unwrap_or_else(|| fnv1a(text.as_bytes())))
    }
}

/// The value of each byte as a hexadecimal digit. Bytes that are no digits have bits that no digit has.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0_u8;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// The digits of `8-4-4-4-12`. Every event has at least one id, so this looks at all bytes before it judges any.
fn uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != *b"----" {
        return None;
    }
    let mut seen = 0;
    let mut number = |from: usize, to: usize| {
        text[from..to].iter().fold(0_u64, |number, &byte| {
            let digit = DIGITS[usize::from(byte)];
            seen |= digit;
            (number << 4) | u64::from(digit & 0xf)
        })
    };
    let high = (number(0, 8) << 32) | (number(9, 13) << 16) | number(14, 18);
    let low = (number(19, 23) << 48) | number(24, 36);
    (seen <= 0xf).then(|| (u128::from(high) << 64) | u128::from(low))
}

/// FNV-1a with the offset basis and prime that its authors give for 128 bits.
fn fnv1a(text: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.iter().fold(BASIS, |hash, &byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

/// The caller: the parts of `userIdentity` that the reader rules use.
///
/// Every part may be absent: a service event has no `type`, some records have no `userIdentity` at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `type`: `AssumedRole`, `IAMUser`, `AWSService`, ...
    pub kind: Option<Cow<'a, str>>,
    /// `arn`: for an assumed role it ends in the session name.
    pub arn: Option<Cow<'a, str>>,
    /// `accountId`.
    pub account: Option<Cow<'a, str>>,
    /// `principalId`: the only trace of the caller in some cross-account copies.
    pub principal_id: Option<Cow<'a, str>>,
    /// `userName` of an IAM user.
    pub user_name: Option<Cow<'a, str>>,
    /// `invokedBy`: the AWS service that called for the customer.
    pub invoked_by: Option<Cow<'a, str>>,
    /// `sessionContext.sessionIssuer.arn`: the role behind the session.
    pub issuer_arn: Option<Cow<'a, str>>,
    /// `sessionContext.webIdFederationData` holds something (IRSA, an OIDC provider).
    pub web_federated: bool,
    /// `sessionContext.ec2RoleDelivery` is there (credentials of an EC2 instance profile).
    pub ec2_delivered: bool,
}

/// The kind of record that an event stands in. Only [`RecordKind::Call`] is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A call of the Secrets Manager API by somebody (`AwsApiCall`).
    #[default]
    Call,
    /// An event of the service itself (`AwsServiceEvent`: rotation, deletion). Nobody called it.
    ServiceEvent,
    /// A `Decrypt` by KMS for a read of a secret: its encryption context holds the ARN of the secret, and its identity is
    /// the caller of Secrets Manager (AWS KMS Developer Guide, "How AWS Secrets Manager uses AWS KMS").
    KeyUse,
    /// A network activity event (`AwsVpceEvent`) of a call that the policy of a VPC endpoint refused. Such a call does
    /// not reach the service, so there is no management event of it. (Network activity events of other calls repeat what
    /// the management event says, and are left out.)
    EndpointDenial,
    /// A secret that a `BatchGetSecretValue` names in its `SecretIdList`. The call itself is a [`RecordKind::Call`].
    BatchEntry,
    /// The `Filters` of a `BatchGetSecretValue`, as JSON. The call itself is a [`RecordKind::Call`].
    BatchFilter,
}

impl RecordKind {
    /// Every kind, by its number in ledgers and caches.
    pub const ALL: [Self; 6] = [
        Self::Call,
        Self::ServiceEvent,
        Self::KeyUse,
        Self::EndpointDenial,
        Self::BatchEntry,
        Self::BatchFilter,
    ];

    /// The number of this kind: its index in [`RecordKind::ALL`].
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// The selection of a `BatchGetSecretValue`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// `requestParameters.secretIdList`: names or ARNs.
    pub ids: Vec<Cow<'a, str>>,
    /// `requestParameters.filters`, as JSON.
    pub filters: Option<Cow<'a, str>>,
}

/// One event whose `eventSource` is `secretsmanager.amazonaws.com`, or a use of a key for it ([`RecordKind::KeyUse`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEvent<'a> {
    /// `eventID`; a record without one gets the hash of its own bytes. A record that AWS delivered again with additions
    /// has the id of the first one (`addendum.originalEventID`).
    pub id: EventId,
    /// `sharedEventID`: equal in the copies that two accounts get of one call.
    pub shared_id: Option<EventId>,
    /// `eventTime`, seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// `recipientAccountId`, else `userIdentity.accountId`, else empty.
    pub account: Cow<'a, str>,
    /// `awsRegion`, else empty.
    pub region: Cow<'a, str>,
    /// `eventName`.
    pub name: Cow<'a, str>,
    /// The kind of record.
    pub kind: RecordKind,
    /// `errorCode`.
    pub error_code: Option<Cow<'a, str>>,
    /// `errorMessage`: text that the caller can influence.
    pub error_message: Option<Cow<'a, str>>,
    /// The secret as the event names it, taken from the first of these that is there:
    /// `responseElements.arn` or `.aRN` (the full ARN, from calls that answer with it), `requestParameters.secretId`,
    /// `requestParameters.name` (`CreateSecret`), `additionalEventData.ARN`, `.SecretId`, `serviceEventDetails.secretId`.
    /// Never taken from `errorMessage` here: that is a rule, and rules live in `usage`.
    pub target: Option<Cow<'a, str>>,
    /// `requestParameters.versionStage`.
    pub version_stage: Option<Cow<'a, str>>,
    /// `requestParameters.versionId` is there: Terraform's refresh of a secret that it manages names the version.
    pub names_version: bool,
    /// The selection of a `BatchGetSecretValue`; `None` for every other call.
    pub batch: Option<Batch<'a>>,
    /// `userIdentity`.
    pub identity: Identity<'a>,
    /// `sourceIPAddress`: an address, or the name of an AWS service.
    pub source_ip: Option<Cow<'a, str>>,
    /// `userAgent`: text that the caller chooses.
    pub user_agent: Option<Cow<'a, str>>,
    /// `vpcEndpointId` is there.
    pub vpc_endpoint: bool,
    /// `sessionCredentialFromConsole` is `"true"`.
    pub from_console: bool,
    /// `tlsDetails.tlsVersion`.
    pub tls: TlsVersion,
}

/// The half of an event that holds what was called, and how that ended. The members are those of [`TrailEvent`].
#[derive(Clone, Copy, Debug)]
pub struct SubjectHalf<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: RecordKind,
    pub(crate) error_code: Option<&'a str>,
    pub(crate) error_message: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    pub(crate) version_stage: Option<&'a str>,
    pub(crate) names_version: bool,
    pub(crate) batch: Option<&'a Batch<'a>>,
}

/// The half of an event that holds who called, and by what. The members are those of [`TrailEvent`] and [`Identity`].
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of an event, each as the event has it"
)]
pub struct CallerHalf<'a> {
    pub(crate) kind: Option<&'a str>,
    pub(crate) arn: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
    pub(crate) principal_id: Option<&'a str>,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) invoked_by: Option<&'a str>,
    pub(crate) issuer_arn: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    /// The name of an AWS service that is given instead of an address.
    pub(crate) service: Option<&'a str>,
    pub(crate) web_federated: bool,
    pub(crate) ec2_delivered: bool,
    pub(crate) vpc_endpoint: bool,
    pub(crate) from_console: bool,
    pub(crate) tls: TlsVersion,
}

/// An event of a recording. Its halves are those of many, and known by their numbers.
#[derive(Clone, Copy, Debug)]
pub struct RecordedEvent<'a> {
    pub(crate) id: EventId,
    pub(crate) shared_id: Option<EventId>,
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) subject: (u32, &'a SubjectHalf<'a>),
    pub(crate) caller: (u32, &'a CallerHalf<'a>),
    /// The address that the event came from, unless that is a service.
    pub(crate) address: Option<(&'a str, Address)>,
}

/// The calls of a recording that are alike but for their time: of one line, hour and address. None is of a batch.
#[derive(Clone, Copy, Debug)]
pub struct RecordedCalls<'a> {
    pub(crate) subject: (u32, &'a SubjectHalf<'a>),
    pub(crate) caller: (u32, &'a CallerHalf<'a>),
    /// The address that the calls came from, unless that is a service.
    pub(crate) address: Option<(&'a str, Address)>,
    /// The ids of the events, and their times in seconds since 1970, in the order of time.
    pub(crate) events: &'a [(EventId, i64)],
}

impl<'a> RecordedCalls<'a> {
    /// The calls one by one.
    pub fn one_by_one(&self) -> impl Iterator<Item = RecordedEvent<'a>> {
        let Self {
            subject,
            caller,
            address,
            events,
        } = *self;
        events.iter().map(move |&(id, time)| RecordedEvent {
            id,
            shared_id: None,
            time,
            subject,
            caller,
            address,
        })
    }
}

/// Returns whether the text in place of an address is the name of an AWS service.
pub(crate) fn is_service(source: &str) -> bool {
    source.ends_with(".amazonaws.com")
}

impl<'a> SubjectHalf<'a> {
    /// Returns that half of an event.
    #[inline]
    pub(crate) fn of(event: &'a TrailEvent<'_>) -> Self {
        Self {
            account: &event.account,
            region: &event.region,
            name: &event.name,
            kind: event.kind,
            error_code: event.error_code.as_deref(),
            error_message: event.error_message.as_deref(),
            target: event.target.as_deref(),
            version_stage: event.version_stage.as_deref(),
            names_version: event.names_version,
            batch: event.batch.as_ref(),
        }
    }
}

impl<'a> CallerHalf<'a> {
    /// Returns that half of an event.
    #[inline]
    pub(crate) fn of(event: &'a TrailEvent<'_>) -> Self {
        let identity = &event.identity;
        Self {
            kind: identity.kind.as_deref(),
            arn: identity.arn.as_deref(),
            account: identity.account.as_deref(),
            principal_id: identity.principal_id.as_deref(),
            user_name: identity.user_name.as_deref(),
            invoked_by: identity.invoked_by.as_deref(),
            issuer_arn: identity.issuer_arn.as_deref(),
            user_agent: event.user_agent.as_deref(),
            service: event.source_ip.as_deref().filter(|text| is_service(text)),
            web_federated: identity.web_federated,
            ec2_delivered: identity.ec2_delivered,
            vpc_endpoint: event.vpc_endpoint,
            from_console: event.from_console,
            tls: event.tls,
        }
    }
}

impl<'a> RecordedEvent<'a> {
    /// The event in one piece.
    #[must_use]
    pub fn whole(&self) -> TrailEvent<'a> {
        let ((_, subject), (_, caller)) = (self.subject, self.caller);
        let text = |text: Option<&'a str>| text.map(Cow::Borrowed);
        TrailEvent {
            id: self.id,
            shared_id: self.shared_id,
            time: self.time,
            account: subject.account.into(),
            region: subject.region.into(),
            name: subject.name.into(),
            kind: subject.kind,
            error_code: text(subject.error_code),
            error_message: text(subject.error_message),
            target: text(subject.target),
            version_stage: text(subject.version_stage),
            names_version: subject.names_version,
            batch: subject.batch.cloned(),
            identity: Identity {
                kind: text(caller.kind),
                arn: text(caller.arn),
                account: text(caller.account),
                principal_id: text(caller.principal_id),
                user_name: text(caller.user_name),
                invoked_by: text(caller.invoked_by),
                issuer_arn: text(caller.issuer_arn),
                web_federated: caller.web_federated,
                ec2_delivered: caller.ec2_delivered,
            },
            source_ip: text(caller.service.or(self.address.map(|(text, _)| text))),
            user_agent: text(caller.user_agent),
            vpc_endpoint: caller.vpc_endpoint,
            from_console: caller.from_console,
            tls: caller.tls,
        }
    }
}

/// The version of TLS that a call came with (CloudTrail User Guide, "CloudTrail record contents", `tlsDetails`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// The record does not say: calls by AWS services, and those before 2021.
    #[default]
    Unknown,
    /// Older than 1.2: SSL 3, TLS 1.0 and 1.1.
    Old,
    /// 1.2.
    V1_2,
    /// 1.3 or newer.
    V1_3,
}

impl TlsVersion {
    /// All versions, by their number.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Old, Self::V1_2, Self::V1_3];

    /// Reads it as CloudTrail writes it: `TLSv1.2`.
    pub fn of(text: &str) -> Self {
        match text {
            "TLSv1.2" => Self::V1_2,
            "TLSv1.3" => Self::V1_3,
            "SSLv3" | "TLSv1" | "TLSv1.0" | "TLSv1.1" => Self::Old,
            _ => Self::Unknown,
        }
    }
}

/// The values that one member of the records takes: none yet, one, or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// No record has been seen.
    #[default]
    None,
    /// Every record has this value.
    One(Box<str>),
    /// There are at least two values.
    Several,
}

impl Values {
    /// Takes in another value.
    #[inline]
    pub fn add(&mut self, value: &str) {
        match self {
            Self::None => *self = Self::One(value.into()),
            Self::One(known) if **known != *value => *self = Self::Several,
            Self::One(_) | Self::Several => {}
        }
    }

    /// Takes in other values.
    pub fn merge(&mut self, other: &Self) {
        match other {
            Self::None => {}
            Self::One(value) => self.add(value),
            Self::Several => *self = Self::Several,
        }
    }
}

/// The variety of the management events of an account and Region.
///
/// A whole trail holds the calls of several services and several callers. Records that are all of one event name, one
/// service or one caller, or that all failed, are the answer to a question (`lookup-events --lookup-attributes`, a
/// query of Athena or Lake): they say who reads a secret, never who does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variety {
    /// `eventSource`.
    pub services: Values,
    /// `eventName`.
    pub names: Values,
    /// The role or user behind the calls.
    pub identities: Values,
    /// At least one of the calls succeeded.
    pub any_success: bool,
}

impl Variety {
    /// Returns whether more records would add nothing.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.any_success
            && [&self.services, &self.names, &self.identities]
                .into_iter()
                .all(|values| *values == Values::Several)
    }

    /// Takes in other records.
    pub fn merge(&mut self, other: &Self) {
        self.services.merge(&other.services);
        self.names.merge(&other.names);
        self.identities.merge(&other.identities);
        self.any_success |= other.any_success;
    }
}

/// The day on which a log file was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Its path does not say. All files of which the day is known come after.
    Unknown,
    /// On this day. No file of an earlier day comes after.
    On(Day),
    /// There are no more files.
    Over,
}

/// A receiver of the contents of log files. It is implemented by the ledger, and by tests.
pub trait EventSink {
    /// Says where what follows comes from, before the first call and then before each file.
    fn delivered(&mut self, _delivery: Delivery) {}

    /// One event of Secrets Manager. May come twice (two trails, two files): the sink deduplicates.
    fn event(&mut self, event: &TrailEvent<'_>);

    /// The numbers of the halves of recorded events begin anew.
    fn halves_anew(&mut self) {}

    /// One event of a recording: the same as [`EventSink::event`] for a sink that does not go by halves.
    fn recorded(&mut self, event: &RecordedEvent<'_>) {
        self.event(&event.whole());
    }

    /// Calls of a recording that are alike: the same as [`EventSink::recorded`] for each of them.
    fn recorded_calls(&mut self, calls: &RecordedCalls<'_>) {
        for event in calls.one_by_one() {
            self.recorded(&event);
        }
    }

    /// In this hour (hours since 1970-01-01T00:00:00Z) some service logged a management event in this account and
    /// Region. `read_only` says that a management event with `readOnly: true` is known in that account, Region and UTC
    /// day. May be called any number of times with the same values.
    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool);

    /// In this hour (hours since 1970-01-01T00:00:00Z) a record was made in this account and Region that was taken out of
    /// what a query, a log group or an event bus gave out. Such a selection may be filtered. May be called any number of
    /// times with the same values.
    fn selected_hour(&mut self, _account: &str, _region: &str, _hour: u32) {}

    /// Takes in how varied the management events of an account and Region are in one file. It is called at the end of the
    /// file.
    fn variety(&mut self, _account: &str, _region: &str, _variety: &Variety) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_equal_when_their_digits_are() {
        let id = EventId::new("c0a24f36-da17-4679-91cb-d5fb1f3a1f82");
        assert_eq!(id, EventId(0xc0a2_4f36_da17_4679_91cb_d5fb_1f3a_1f82));
        assert_eq!(id, EventId::new("C0A24F36-DA17-4679-91CB-D5FB1F3A1F82"));
        for text in [
            "c0a24f36-da17-4679-91cb-d5fb1f3a1f8g",
            "c0a24f36_da17-4679-91cb-d5fb1f3a1f82",
            "c0a24f36da17467991cbd5fb1f3a1f82",
            "EXAMPLE3-90ab-cdef-fedc-ba987EXAMPLE",
            "",
        ] {
            assert_eq!(
                EventId::new(text),
                EventId(fnv1a(text.as_bytes())),
                "{text}"
            );
        }
    }
}
