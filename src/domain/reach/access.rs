//! A request as far as it is known before anybody makes it: who, what, on which secret.
//!
//! The value of a condition key is known where it follows from the identity, the secret or the action; where it does not,
//! the key depends on the request. The keys are those of the service authorization reference of Secrets Manager and KMS and
//! of the IAM user guide, "AWS global condition context keys".

use std::borrow::Cow;

use super::document::{PolicyDocument, PolicyStatement};
use super::fact::{Fact, Facts};
use super::iam_data::{IamIdentity, IdentityKind, OrganizationFacts};
use crate::domain::base::names::AccountId;
use crate::domain::inventory::secret::Secret;

/// The actions that are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessAction {
    /// Read the value.
    GetSecretValue,
    /// Read the values of several secrets. It names no resource, and each value needs `GetSecretValue`, too.
    BatchGetSecretValue,
    /// Read the description.
    DescribeSecret,
    /// Put a new value.
    PutSecretValue,
    /// Change the value, the key or the description.
    UpdateSecret,
    /// Schedule the deletion.
    DeleteSecret,
    /// Use the key of the secret.
    Decrypt,
}

impl AccessAction {
    /// The name as policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GetSecretValue => "secretsmanager:GetSecretValue",
            Self::BatchGetSecretValue => "secretsmanager:BatchGetSecretValue",
            Self::DescribeSecret => "secretsmanager:DescribeSecret",
            Self::PutSecretValue => "secretsmanager:PutSecretValue",
            Self::UpdateSecret => "secretsmanager:UpdateSecret",
            Self::DeleteSecret => "secretsmanager:DeleteSecret",
            Self::Decrypt => "kms:Decrypt",
        }
    }

    /// The name in lower case: actions are compared without regard to case.
    pub(super) fn lower(self) -> &'static str {
        match self {
            Self::GetSecretValue => "secretsmanager:getsecretvalue",
            Self::BatchGetSecretValue => "secretsmanager:batchgetsecretvalue",
            Self::DescribeSecret => "secretsmanager:describesecret",
            Self::PutSecretValue => "secretsmanager:putsecretvalue",
            Self::UpdateSecret => "secretsmanager:updatesecret",
            Self::DeleteSecret => "secretsmanager:deletesecret",
            Self::Decrypt => "kms:decrypt",
        }
    }
}

/// A request of an identity for a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccessFacts<'a> {
    pub(super) identity: &'a IamIdentity,
    /// `true` if a session of the role may carry tags of its own, which replace those of the role.
    pub(super) sessions_have_tags: bool,
    pub(super) secret: &'a Secret,
    pub(super) organization: &'a OrganizationFacts,
    pub(super) action: AccessAction,
}

/// Returns whether sessions of a role may carry tags: its trust policy allows `sts:TagSession` to somebody, or is not
/// known.
pub(super) fn sessions_have_tags(identity: &IamIdentity) -> bool {
    let tags = |document: &PolicyDocument| {
        let about = |one: &PolicyStatement| one.is_about("sts:tagsession");
        document.statements.iter().any(about)
    };
    identity.kind == IdentityKind::Role
        && match &identity.trust {
            Some(trust) => trust.document.as_ref().is_ok_and(|one| tags(one)),
            None => true,
        }
}

/// Keys of requests that only the request has. The second: whether every request carries it.
const OF_REQUESTS: &[(&str, bool)] = &[
    ("aws:assumedroot", false),
    ("aws:calledvia", false),
    ("aws:calledviafirst", false),
    ("aws:calledvialast", false),
    ("aws:chatbotsourcearn", false),
    ("aws:currenttime", true),
    ("aws:ec2instancesourceprivateipv4", false),
    ("aws:ec2instancesourcevpc", false),
    ("aws:epochtime", true),
    ("aws:federatedprovider", false),
    ("aws:multifactorauthage", false),
    ("aws:multifactorauthpresent", false),
    ("aws:referer", false),
    ("aws:signinsessionarn", false),
    ("aws:sourceidentity", false),
    ("aws:sourceip", false),
    ("aws:sourcevpc", false),
    ("aws:sourcevpcarn", false),
    ("aws:sourcevpce", false),
    ("aws:tokenissuetime", false),
    ("aws:useragent", false),
    ("aws:vpceaccount", false),
    ("aws:vpceorgid", false),
    ("aws:vpceorgpaths", false),
    ("aws:vpcsourceip", false),
    ("identitystore:userid", false),
    ("lambda:sourcefunctionarn", false),
    ("ec2:sourceinstancearn", false),
    ("ssm:sourceinstancearn", false),
    ("glue:credentialissuingservice", false),
    ("codebuild:projectarn", false),
    ("codebuild:buildarn", false),
    ("secretsmanager:description", false),
    ("secretsmanager:forcedeletewithoutrecovery", false),
    ("secretsmanager:kmskeyarn", false),
    ("secretsmanager:kmskeyid", false),
    ("secretsmanager:recoverywindowindays", false),
    ("secretsmanager:resource/type", false),
    ("secretsmanager:type", false),
    ("secretsmanager:versionid", false),
    ("secretsmanager:versionstage", false),
];

/// Keys that a request of an identity for one of these actions never carries: they belong to requests of AWS services, or
/// to other actions of Secrets Manager.
const NEVER: &[&str] = &[
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "secretsmanager:addreplicaregions",
    "secretsmanager:blockpublicpolicy",
    "secretsmanager:forceoverwritereplicasecret",
    "secretsmanager:modifyrotationrules",
    "secretsmanager:name",
    "secretsmanager:rotateimmediately",
    "secretsmanager:rotationlambdaarn",
];

/// Returns whether a key of a tag is this one, given in lower case.
fn is_same(name: &str, lower: &str) -> bool {
    name.eq_ignore_ascii_case(lower) || !name.is_ascii() && name.to_lowercase() == lower
}

fn one<'a>(value: impl Into<Cow<'a, str>>) -> Fact<'a> {
    Fact::One(value.into())
}

impl Facts for AccessFacts<'_> {
    fn fact(&self, key: &str) -> Fact<'_> {
        let known = self
            .of_identity(key)
            .or_else(|| self.of_resource(key))
            .or_else(|| self.of_key(key));
        if let Some(known) = known {
            return known;
        }
        if let Some((_, always)) = OF_REQUESTS.iter().find(|(name, _)| *name == key) {
            return Fact::Depends { always: *always };
        }
        if NEVER.contains(&key) || key.starts_with("aws:requesttag/") {
            return Fact::Absent;
        }
        Fact::Unclear(format!("the condition key `{key}`"))
    }
}

impl AccessFacts<'_> {
    fn of_identity(&self, key: &str) -> Option<Fact<'_>> {
        let identity = self.identity;
        let is_user = identity.kind == IdentityKind::User;
        if let Some(tag) = key.strip_prefix("aws:principaltag/") {
            if self.sessions_have_tags {
                return Some(Fact::Depends { always: false });
            }
            let mut tags = identity.tags.iter();
            // Keys of tags are compared without regard to case, too.
            let value = tags.find(|(name, _)| is_same(name, tag));
            return Some(value.map_or(Fact::Absent, |(_, value)| one(value.as_str())));
        }
        Some(match key {
            "aws:principalarn" => one(identity.arn.as_str()),
            "aws:principalaccount" => one(identity.account.as_str()),
            "aws:principaltype" => one(if is_user { "User" } else { "AssumedRole" }),
            "aws:principalisawsservice" => one("false"),
            "aws:principalorgid" => self.organization_of(&identity.account),
            "aws:principalorgpaths" => Fact::Unclear("`aws:PrincipalOrgPaths`".to_owned()),
            "aws:username" if is_user => one(identity.name.as_str()),
            "aws:username" => Fact::Absent,
            "aws:userid" if is_user => one(identity.id.as_str()),
            // The endpoints take HTTPS alone (AWS general reference, "Secrets Manager endpoints").
            "aws:securetransport" => one("true"),
            // KMS is called by Secrets Manager on behalf of the identity; Secrets Manager may be called by another service.
            "aws:viaawsservice" if self.action == AccessAction::Decrypt => one("true"),
            "aws:userid" | "aws:viaawsservice" => Fact::Depends { always: true },
            _ => return None,
        })
    }

    fn of_resource(&self, key: &str) -> Option<Fact<'_>> {
        let secret = self.secret;
        let scope = secret.arn.scope();
        let of_key = self.action == AccessAction::Decrypt;
        let has_secret = !of_key && self.action != AccessAction::BatchGetSecretValue;
        let tag = ["aws:resourcetag/", "secretsmanager:resourcetag/"]
            .iter()
            .find_map(|prefix| key.strip_prefix(prefix));
        if let Some(tag) = tag {
            if of_key && secret.has_customer_key() {
                return Some(Fact::Unclear("the tags of the key".to_owned()));
            }
            // The AWS managed key has no tags.
            if !has_secret {
                return Some(Fact::Absent);
            }
            let mut tags = secret.tags.iter();
            let value = tags.find(|(name, _)| is_same(name, tag));
            return Some(value.map_or(Fact::Absent, |(_, value)| one(value.as_str())));
        }
        Some(match key {
            "aws:requestedregion" => one(scope.region.as_str()),
            "aws:resourceaccount" => one(scope.account.as_str()),
            "aws:resourceorgid" => self.organization_of(&scope.account),
            "aws:resourceorgpaths" => Fact::Unclear("`aws:ResourceOrgPaths`".to_owned()),
            _ if !has_secret => return None,
            // A caller names the secret by its ARN, by a part of it, or by its name.
            "secretsmanager:secretid" => Fact::Either(vec![
                secret.arn.as_str().into(),
                secret.name.as_str().into(),
            ]),
            "secretsmanager:secretprimaryregion" => match &secret.primary_region {
                Some(region) => one(region.as_str()),
                None => one(scope.region.as_str()),
            },
            "secretsmanager:resource/allowrotationlambdaarn" => {
                secret.rotation_lambda.as_deref().map_or(Fact::Absent, one)
            }
            _ => return None,
        })
    }

    /// Keys of the request that Secrets Manager makes to KMS (AWS user guide, "Secret encryption and decryption").
    fn of_key(&self, key: &str) -> Option<Fact<'_>> {
        if self.action != AccessAction::Decrypt {
            return None;
        }
        let scope = self.secret.arn.scope();
        Some(match key {
            "kms:viaservice" => one(format!("secretsmanager.{}.amazonaws.com", scope.region)),
            "kms:calleraccount" => one(self.identity.account.as_str()),
            "kms:encryptioncontext:secretarn" => one(self.secret.arn.as_str()),
            "kms:encryptioncontext:secretversionid" => Fact::Depends { always: true },
            "kms:encryptioncontextkeys" => {
                Fact::Many(vec!["SecretARN".into(), "SecretVersionId".into()])
            }
            "kms:encryptionalgorithm" | "kms:keyspec" => one("SYMMETRIC_DEFAULT"),
            "kms:keyusage" => one("ENCRYPT_DECRYPT"),
            _ => return None,
        })
    }

    fn organization_of(&self, account: &AccountId) -> Fact<'_> {
        let organization = self.organization;
        match &organization.id {
            Some(id)
                if organization.accounts.is_empty()
                    || organization.accounts.contains(account)
                    || organization.management.as_ref() == Some(account) =>
            {
                one(id.as_str())
            }
            Some(_) => Fact::Unclear(format!("the organization of account {account}")),
            None => Fact::Unclear("the id of the organization, which is not given".to_owned()),
        }
    }
}
