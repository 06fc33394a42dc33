//! The answers of AWS about identities, policies, keys and the organization, as the `aws` CLI prints them.
//!
//! Fields that are not needed are passed over, also unknown ones. An entry of a list is read by itself, so that one that
//! cannot be read hides no other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use super::document::PolicyDocument;
use super::iam_data::NamedPolicy;
use crate::domain::inventory::tags::Tags;

/// One document of a file: the fields of all answers that are understood.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct IamAnswer {
    pub(super) user_detail_list: Option<Vec<Value>>,
    pub(super) group_detail_list: Option<Vec<Value>>,
    pub(super) role_detail_list: Option<Vec<Value>>,
    /// Managed policies of IAM, or the summaries of control policies.
    pub(super) policies: Option<Vec<Value>>,
    #[serde(rename = "ARN")]
    pub(super) arn: Option<String>,
    pub(super) resource_policy: Option<Value>,
    /// The text of a key policy, or a control policy.
    pub(super) policy: Option<Value>,
    pub(super) grants: Option<Vec<Value>>,
    pub(super) targets: Option<Vec<IdOnly>>,
    pub(super) organization: Option<OrganizationAnswer>,
    pub(super) parents: Option<Vec<IdOnly>>,
    pub(super) accounts: Option<Vec<IdOnly>>,
    pub(super) organizational_units: Option<Vec<IdOnly>>,
    pub(super) is_truncated: bool,
    pub(super) next_token: Option<Value>,
    /// `Name` of `get-resource-policy`, which is all that a secret without a policy has besides its ARN.
    pub(super) name: Option<String>,
}

/// Something of the organization.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IdOnly {
    #[serde(alias = "TargetId")]
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OrganizationAnswer {
    pub(super) id: String,
    pub(super) master_account_id: Option<String>,
}

/// A role or a user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IdentityDetail {
    pub(super) arn: String,
    #[serde(alias = "RoleId", alias = "UserId", rename = "Id", default)]
    pub(super) id: String,
    #[serde(alias = "RoleName", alias = "UserName", rename = "Name")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) create_date: Option<CreateDate>,
    #[serde(default)]
    pub(super) tags: Vec<TagEntry>,
    #[serde(
        alias = "RolePolicyList",
        alias = "UserPolicyList",
        rename = "Inline",
        default
    )]
    pub(super) inline: Vec<InlinePolicy>,
    #[serde(default)]
    pub(super) attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(default)]
    pub(super) permissions_boundary: Option<BoundaryEntry>,
    #[serde(default)]
    pub(super) assume_role_policy_document: Option<Value>,
    #[serde(default)]
    pub(super) group_list: Vec<String>,
}

/// A moment as the CLI prints it: text, or seconds with `--cli-timestamp-format none`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum CreateDate {
    Text(String),
    Seconds(f64),
}

impl CreateDate {
    pub(super) fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => text.parse().ok(),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "seconds of this age fit, and a fraction of one does not matter"
            )]
            Self::Seconds(seconds) => Timestamp::from_second(*seconds as i64).ok(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupDetail {
    pub(super) arn: String,
    pub(super) group_name: String,
    #[serde(default)]
    pub(super) group_policy_list: Vec<InlinePolicy>,
    #[serde(default)]
    pub(super) attached_managed_policies: Vec<AttachedPolicy>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InlinePolicy {
    pub(super) policy_name: String,
    pub(super) policy_document: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttachedPolicy {
    pub(super) policy_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BoundaryEntry {
    pub(super) permissions_boundary_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagEntry {
    key: String,
    #[serde(default)]
    value: String,
}

/// A managed policy of IAM.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ManagedPolicy {
    pub(super) arn: String,
    pub(super) policy_name: String,
    pub(super) policy_version_list: Vec<PolicyVersion>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyVersion {
    #[serde(default)]
    is_default_version: bool,
    document: Value,
}

/// The summary of a control policy.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ControlSummary {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "Type")]
    pub(super) kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ControlAnswer {
    pub(super) policy_summary: ControlSummary,
    pub(super) content: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GrantEntry {
    pub(super) key_id: String,
    #[serde(default)]
    pub(super) grantee_principal: String,
    #[serde(default)]
    pub(super) operations: Vec<String>,
    #[serde(default)]
    constraints: Option<GrantConstraints>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GrantConstraints {
    #[serde(default)]
    encryption_context_subset: Option<BTreeMap<String, String>>,
    #[serde(default)]
    encryption_context_equals: Option<BTreeMap<String, String>>,
}

impl GrantEntry {
    /// The secret that the grant demands in the encryption context, and whether it demands more.
    pub(super) fn demands(&self) -> (Option<String>, bool) {
        let Some(constraints) = &self.constraints else {
            return (None, false);
        };
        let subset = constraints.encryption_context_subset.iter().flatten();
        let equals = constraints.encryption_context_equals.iter().flatten();
        let mut secret = None;
        let mut more = false;
        for (key, value) in subset.chain(equals) {
            if key == "SecretARN" {
                secret = Some(value.clone());
            } else {
                more = true;
            }
        }
        // An exact context names the version of the secret, too.
        (
            secret,
            more || constraints.encryption_context_equals.is_some(),
        )
    }
}

/// Tags as a map.
pub(super) fn tags(entries: Vec<TagEntry>) -> Tags {
    let mut tags = Tags::new();
    for TagEntry { key, value } in entries {
        tags.insert(key, value);
    }
    tags
}

impl ManagedPolicy {
    /// The version in force.
    pub(super) fn in_force(&self) -> Option<&Value> {
        let versions = &self.policy_version_list;
        let default = versions.iter().find(|version| version.is_default_version);
        let only = || versions.first().filter(|_| versions.len() == 1);
        default.or_else(only).map(|version| &version.document)
    }
}

/// A policy with its name.
pub(super) fn named(name: &str, document: &Value) -> NamedPolicy {
    NamedPolicy {
        name: name.to_owned(),
        document: parsed(document).map(Arc::new),
    }
}

/// A document: an object, its text, or its text as the API sends it, in percent-encoding.
fn parsed(document: &Value) -> Result<PolicyDocument, String> {
    let Some(text) = document.as_str() else {
        return PolicyDocument::read(document);
    };
    if text.trim_start().starts_with('{') {
        return PolicyDocument::parse(text);
    }
    let text: Cow<'_, str> = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| "it is not UTF-8".to_owned())?;
    PolicyDocument::parse(&text)
}
