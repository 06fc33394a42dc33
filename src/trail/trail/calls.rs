//! What the events of a trail say, one line for all calls that are alike but for their time.
//!
//! Two rules of evidence live here, because they are about single events: a denied call has no
//! `requestParameters` and names its secret only in `errorMessage` ([`named_in`]), and a failed call is a call, never a
//! use ([`CallOutcome`]). What a *caller* or a *name* means is not decided here: that needs the inventory and the policy.

use std::sync::Arc;

use crate::base::names::Scope;
use crate::trail::cell::{Address, Cell};
use crate::trail::cells::Cells;
use crate::trail::event::{RecordKind, SubjectHalf, TlsVersion};

/// The outcome of a call.
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
    /// Reads the outcome from what an event says was called.
    ///
    /// The codes are those that CloudTrail records of Secrets Manager have (API reference, "Common errors", and the errors of
    /// `GetSecretValue`). A call with a message and no code counts as failed: no successful
    /// call has either.
    pub(crate) fn of(half: &SubjectHalf<'_>) -> Self {
        let code = half.error_code.unwrap_or_default();
        let message = half.error_message.unwrap_or_default();
        if code.is_empty() && (message.is_empty() || half.kind == RecordKind::ServiceEvent) {
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
                if by_key || half.kind == RecordKind::KeyUse {
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

    /// Returns what happened, as part of a sentence: "312 reads were ...".
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

/// The caller, as the event names it. The strings come from other people.
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

/// The calls of one [`Cell`] that one window of a sample showed. They are among the cell's calls, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SampledCalls {
    /// The key of the cell.
    pub key: u32,
    /// The window, by its index in the comb of the line's account and Region.
    pub window: u32,
    /// The address that the calls came from.
    pub address: Address,
    /// The number of calls that were seen.
    pub calls: u32,
    /// The number of calls that they represent; zero if another account's sample represents them.
    pub stand_for: u64,
}

/// The calls of one of the sessions of a line whose names were made up. They are among the line's calls, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledSession {
    /// The times and addresses of the calls, in the order of the hours.
    pub cells: Box<[Cell]>,
}

/// The API and the secret that a call is for, with its account and Region, as the event names them.
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
    /// The API and the secret that the calls are for.
    pub subject: Arc<CallSubject>,
    /// The kind of record. Only calls are billed.
    pub kind: RecordKind,
    /// The outcome of the calls.
    pub outcome: CallOutcome,
    /// The version that was asked for.
    pub version: RequestedVersion,
    /// The version of TLS.
    pub tls: TlsVersion,
    /// A batch that says what it selects: that stands on lines of its own.
    pub selects: bool,
    /// The caller.
    pub caller: Arc<Caller>,
    /// The times and addresses of the calls, in the order of the hours.
    pub cells: Cells,
    /// The calls among them that were seen in the windows of a sample, by cell and window.
    pub sampled: Box<[SampledCalls]>,
    /// Some of the sessions, taken at random, if the caller represents many of them.
    pub sessions: Box<[SampledSession]>,
    /// The first of the error messages in alphabetical order: the same whatever the order of reading.
    pub sample: Option<Arc<str>>,
}

impl CallSeries {
    /// Returns the number of calls.
    pub fn calls(&self) -> u64 {
        self.cells.calls()
    }

    /// Returns whether the value was asked for, however the call ended, alone or in a batch.
    pub fn asks_for_value(&self) -> bool {
        matches!(&*self.subject.api, "GetSecretValue" | "BatchGetSecretValue")
    }

    /// Returns whether the description or the versions were asked for, however the call ended.
    pub fn asks_for_description(&self) -> bool {
        matches!(
            &*self.subject.api,
            "DescribeSecret" | "ListSecretVersionIds"
        )
    }

    /// Returns whether a value or a description was refused and the record names no secret: it may have meant any secret
    /// of its account and Region.
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
