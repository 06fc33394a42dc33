//! Who may read, in a report: only where IAM data was given.
//!
//! Names of policies, statements and condition keys are other people's text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::base::names::{AccountId, SecretArn};

/// The identities that may read secrets, and those that do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReachReport {
    /// Roles and users that may read at least one secret, or perhaps may, sorted by ARN.
    pub identities: Vec<IdentityReach>,
    /// One row a secret, in the order of the secrets.
    pub secrets: Vec<SecretReach>,
}

/// The secrets that one role or user may read, and those that it read in the evidence span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityReach {
    /// The ARN.
    pub reader: String,
    /// `role` or `user`.
    pub kind: String,
    /// Its account.
    pub account: AccountId,
    /// The principals that may assume the role, as phrases: `Lambda function`, `every principal of account
    /// 444455556666`.
    pub assumed_by: Vec<String>,
    /// Secrets that it may read, whatever the request is like.
    pub may_read: u64,
    /// Secrets that it may read under conditions of the request.
    pub conditional: u64,
    /// The keys of those conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Secrets of which it is not known whether it may read them.
    pub unknown: u64,
    /// The conditions that are not understood or not given there, as phrases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unclear: Vec<String>,
    /// Secrets that it read in the evidence span.
    pub did_read: u64,
    /// Secrets that it may read, perhaps under conditions, and did not read in the evidence span.
    pub unused: u64,
    /// `true` if each of its reads in the evidence span would have been seen, and it existed all that time. If not,
    /// nothing follows from what is unused.
    pub covered: bool,
    /// The secrets that it read.
    pub read: Vec<SecretArn>,
    /// The grants that let it read.
    pub grants: Vec<GrantReach>,
}

/// The way in which a grant names secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Breadth {
    /// By a pattern that more than one secret fits.
    Wildcard,
    /// By tags.
    Tag,
    /// One by one.
    List,
    /// The policies of the secrets name the reader.
    Secret,
}

impl Breadth {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wildcard => "wildcard",
            Self::Tag => "tag",
            Self::List => "list",
            Self::Secret => "secret",
        }
    }
}

/// The advice on a grant, as far as it is about secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantAdvice {
    /// All of it is used, or the policy file keeps it.
    Keep,
    /// A part of it is used: the narrowed statements allow that part.
    Narrow,
    /// None of it is used.
    Remove,
    /// Nothing follows: the time is not covered, or it is granted by tags, which a list would replace.
    Open,
}

impl GrantAdvice {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Narrow => "narrow",
            Self::Remove => "remove",
            Self::Open => "open",
        }
    }
}

/// One statement that lets a role or user read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrantReach {
    /// The policy.
    pub policy: String,
    /// The name of the statement.
    pub sid: Option<String>,
    /// The way in which it names secrets.
    pub by: Breadth,
    /// Secrets that it lets the identity read, perhaps under conditions.
    pub may_read: u64,
    /// The secrets among them that the identity read in the evidence span.
    pub did_read: u64,
    /// The advice on it.
    pub advice: GrantAdvice,
    /// Statements that allow what was used and no more; the policy language of IAM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub narrowed: Vec<Value>,
}

/// The identities that may read one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretReach {
    /// The secret.
    pub arn: SecretArn,
    /// Roles and users that may read it, whatever the request is like.
    pub may_read: u64,
    /// Roles and users that may read it under conditions of the request.
    pub conditional: u64,
    /// Roles and users of which it is not known.
    pub unknown: u64,
    /// The identities among all these that read it in the evidence span.
    pub did_read: u64,
    /// Roles and users that may change its value, perhaps under conditions.
    pub may_change: u64,
    /// Roles and users that may delete it, perhaps under conditions.
    pub may_delete: u64,
    /// The ARNs of those that may read it, perhaps under conditions, and did not, the first [`NAMED`] of them.
    pub never_read_by: Vec<String>,
}

/// Sets how many roles and users the row of a secret names.
pub const NAMED: usize = 50;
