//! One call of the example organization, before it is written as a record.
//!
//! Only what differs from call to call; the words around it are in `record`, and the script is in `traffic`.

use super::SECRETS_MANAGER;
use super::callers::{self, DemoCaller};

/// One call, or one event of a service, as one account's trail logs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// The account whose trail has the record.
    pub account: &'static str,
    pub region: &'static str,
    pub caller: &'static DemoCaller,
    /// The number of the caller's client, from 0.
    pub client: u32,
    pub act: Act,
    pub failure: Option<Failure>,
    /// The number that `sharedEventID` is made of, when two accounts log the same call.
    pub shared: Option<u64>,
}

/// The calls of the example.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Get(CallTarget, VersionRequest),
    Describe(CallTarget),
    ResourcePolicy(CallTarget),
    VersionIds(CallTarget),
    List,
    /// `BatchGetSecretValue` of these names.
    Batch(&'static [&'static str]),
    Put(CallTarget),
    PutPolicy(CallTarget),
    MoveStage(CallTarget),
    Create(CallTarget),
    /// With this many days of recovery, or forced when there are none.
    Delete(CallTarget, Option<u32>),
    /// An event of rotation with this name, about the secret at this index of the table.
    Rotation(&'static str, usize),
    /// `kms:Decrypt` by the service, for a read of the secret at this index.
    Decrypt(usize),
    /// A call of another service, at this index of [`ELSEWHERE`].
    Elsewhere(usize),
}

impl Act {
    /// `eventSource`: the service that is called.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Decrypt(_) => "kms.amazonaws.com",
            Self::Elsewhere(kind) => ELSEWHERE[kind].source,
            _ => SECRETS_MANAGER,
        }
    }
}

/// The secret, and the form in which the caller writes it. The number is the secret's index in the table.
#[derive(Clone, Copy, Debug)]
pub(super) enum CallTarget {
    Name(usize),
    Arn(usize),
    /// The ARN without its suffix.
    Partial(usize),
    /// The secret that had this name before, by name.
    Former(usize),
    /// No secret of ours.
    Text(&'static str),
}

impl CallTarget {
    /// The index in the table of the secret that answers, if it is one of ours and still the same.
    pub(super) const fn index(self) -> Option<usize> {
        match self {
            Self::Name(index) | Self::Arn(index) | Self::Partial(index) => Some(index),
            Self::Former(_) | Self::Text(_) => None,
        }
    }
}

/// The version that a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionRequest {
    /// None named: AWS gives the current one.
    Unsaid,
    /// `AWSCURRENT` by its stage.
    Current,
    /// `AWSPENDING` by its stage and id.
    Pending,
    /// The current one by its id.
    Id,
    /// The one that was current when the trail begins, by its id.
    Old,
}

/// The reasons why a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No policy allows it. The record then has no request parameters.
    Denied,
    /// As `Denied`, in a message that carries markup.
    DeniedWithMarkup,
    /// The key refuses.
    Key,
    Missing,
    PendingDeletion,
    Invalid,
    /// The rotation function failed: an event without a code.
    Rotation,
}

/// A call of a service other than Secrets Manager.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere {
    pub source: &'static str,
    pub event: &'static str,
    pub access: CallAccess,
    pub caller: &'static DemoCaller,
    pub parameters: &'static [(&'static str, &'static str)],
}

/// The access of a call: whether it changes anything (`readOnly`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallAccess {
    Read,
    Write,
}

/// The calls to other services, which fill an ordinary trail.
pub(super) static ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        source: "sts.amazonaws.com",
        event: "AssumeRole",
        access: CallAccess::Read,
        caller: &callers::LAMBDA,
        parameters: &[("roleSessionName", "checkout-api"), ("externalId", "none")],
    },
    Elsewhere {
        source: "ec2.amazonaws.com",
        event: "DescribeInstances",
        access: CallAccess::Read,
        caller: &callers::MONITOR,
        parameters: &[("maxResults", "1000")],
    },
    Elsewhere {
        source: "s3.amazonaws.com",
        event: "GetBucketAcl",
        access: CallAccess::Read,
        caller: &callers::CONFIG,
        parameters: &[
            ("bucketName", "example-orders-archive"),
            ("Host", "example-orders-archive.s3.amazonaws.com"),
            ("acl", ""),
        ],
    },
    Elsewhere {
        source: "lambda.amazonaws.com",
        event: "ListFunctions20150331",
        access: CallAccess::Read,
        caller: &callers::MONITOR,
        parameters: &[],
    },
    Elsewhere {
        source: "kms.amazonaws.com",
        event: "DescribeKey",
        access: CallAccess::Read,
        caller: &callers::CONFIG,
        parameters: &[("keyId", "alias/aws/secretsmanager")],
    },
    Elsewhere {
        source: "logs.amazonaws.com",
        event: "CreateLogStream",
        access: CallAccess::Write,
        caller: &callers::MONITOR,
        parameters: &[
            ("logGroupName", "/aws/lambda/checkout-api"),
            ("logStreamName", "instance"),
        ],
    },
];
