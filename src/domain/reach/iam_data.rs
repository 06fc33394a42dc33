//! The IAM data of a scan, as far as it was given: identities with their policies, policies of secrets and keys, grants,
//! and the policies of the organization.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::document::PolicyDocument;
use crate::domain::base::gap::Gap;
use crate::domain::base::names::{AccountId, SecretArn};
use crate::domain::inventory::tags::Tags;

/// A policy with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPolicy {
    /// The name that IAM shows. Other people's text.
    pub name: String,
    /// The document; or why it could not be read, as a phrase.
    pub document: Result<Arc<PolicyDocument>, String>,
}

/// The kinds of identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityKind {
    /// A role: its sessions act.
    Role,
    /// A user.
    User,
}

impl IdentityKind {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

/// A role or a user.
#[derive(Clone, Debug, PartialEq)]
pub struct IamIdentity {
    /// The ARN.
    pub arn: String,
    /// The account.
    pub account: AccountId,
    /// Role or user.
    pub kind: IdentityKind,
    /// The unique id, `AROA...` or `AIDA...`.
    pub id: String,
    /// The name, without its path.
    pub name: String,
    /// The time when it was created.
    pub created: Option<Timestamp>,
    /// Its tags. Other people's text.
    pub tags: Tags,
    /// The policies that grant: managed, inline, of its groups.
    pub policies: Vec<NamedPolicy>,
    /// The permissions boundary.
    pub boundary: Option<NamedPolicy>,
    /// The trust policy: who may assume the role.
    pub trust: Option<NamedPolicy>,
}

impl IamIdentity {
    /// Returns whether it is a service-linked role: service control policies do not apply to it (Organizations user
    /// guide, "Service control policies").
    pub fn is_service_linked(&self) -> bool {
        self.kind == IdentityKind::Role && self.arn.contains(":role/aws-service-role/")
    }
}

/// A grant of a KMS key, as far as it is about decrypting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    /// The ARN of the grantee.
    pub grantee: String,
    /// `true` if `Decrypt` is among its operations.
    pub decrypts: bool,
    /// The encryption context that it demands: the `SecretARN`, if it names one.
    pub secret: Option<String>,
    /// `true` if it demands more of the encryption context than the ARN of a secret.
    pub demands_more: bool,
}

/// The kinds of control policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControlKind {
    /// A service control policy: limits the identities of accounts.
    Service,
    /// A resource control policy: limits the access to resources of accounts.
    Resource,
}

/// A control policy and the ids of its targets: root, organizational units, accounts.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlPolicy {
    /// Service or resource control policy.
    pub kind: ControlKind,
    /// The document.
    pub policy: NamedPolicy,
    /// The ids of the targets. `None`: not given.
    pub targets: Option<BTreeSet<String>>,
}

/// The organization, as far as it was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrganizationFacts {
    /// Its id, `o-...`.
    pub id: Option<String>,
    /// The management account, to which control policies do not apply.
    pub management: Option<AccountId>,
    /// The accounts that are known to belong to it.
    pub accounts: BTreeSet<AccountId>,
    /// The parent of an account or organizational unit, by id.
    pub parents: BTreeMap<String, String>,
    /// The control policies, by id.
    pub policies: BTreeMap<String, ControlPolicy>,
}

/// The IAM data of a scan, as far as it was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IamData {
    /// Roles and users, sorted by ARN.
    pub identities: Vec<IamIdentity>,
    /// Policies of secrets; `None`: the secret has none.
    pub secret_policies: BTreeMap<SecretArn, Option<NamedPolicy>>,
    /// Policies of customer-managed keys, by key id.
    pub key_policies: BTreeMap<String, NamedPolicy>,
    /// Grants of keys, by key id.
    pub grants: BTreeMap<String, Vec<KeyGrant>>,
    /// The organization.
    pub organization: OrganizationFacts,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
}

impl IamData {
    /// The accounts whose identities are known.
    pub fn accounts(&self) -> BTreeSet<&AccountId> {
        self.identities.iter().map(|one| &one.account).collect()
    }
}
