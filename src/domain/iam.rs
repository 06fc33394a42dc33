//! The least-privilege IAM policies, as data that serializes to the JSON that IAM takes.
//!
//! A policy is made of exactly the actions that the adapters in use declare, so it cannot grow by itself. Each allows
//! what is needed on the narrowest resource that is known, and denies reading values, so that nothing else the same
//! role is given later can undo that. The policy for acting lets a deletion through only with the recovery window that
//! was asked for, and what else may change a secret stands in a statement of its own, to be left out or taken away.
//!
//! Entry: `policy`. May use: `base`.

mod action_group;
mod resources;

use std::collections::BTreeMap;

use serde::Serialize;

use self::action_group::ActionGroup;
use super::base::log_group::LogGroup;
use super::base::names::AccountId;
use super::base::object_address::ObjectAddress;

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IamPolicy {
    /// The version of the policy language.
    pub version: &'static str,
    /// The statements, allowing ones first.
    pub statement: Vec<Statement>,
}

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// The name of its purpose, in letters and digits.
    pub sid: String,
    /// The effect: it allows or denies.
    pub effect: Effect,
    /// The actions, sorted.
    pub action: Vec<String>,
    /// On what.
    pub resource: Vec<String>,
    /// Under which conditions: operator, key, values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<&'static str, BTreeMap<&'static str, Vec<String>>>,
}

/// The effect of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Forbids, whatever else is granted.
    Deny,
}

/// The resources to which the actions apply, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyResources {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: String,
    /// The ARNs of the secrets, with wildcards or without; empty: any secret.
    pub secrets: Vec<String>,
    /// The accounts in which roles are assumed; empty: any account.
    pub accounts: Vec<AccountId>,
    /// The role that is assumed in other accounts; else any role.
    pub role: Option<String>,
    /// The buckets of trails, each with a prefix in it, which may be empty; without any, S3 actions are left out.
    pub buckets: Vec<(String, String)>,
    /// The log groups that trails deliver to; without any, the actions of CloudWatch Logs are left out.
    pub log_groups: Vec<LogGroup>,
    /// The ARNs of the keys that the trails are encrypted with, where they are customer-managed ones.
    pub trail_keys: Vec<String>,
    /// The table that Athena counts a trail in.
    pub query: Option<QueryTable>,
    /// The shortest recovery window of a deletion, in days.
    pub window: u8,
    /// The ARNs of the secrets whose replicas are made again, in any Region; empty: any secret's.
    pub replicated: Vec<String>,
    /// The key of the tag that is set; `None`: any key.
    pub tag: Option<String>,
    /// The object in which the journal is kept, where it is one.
    pub journal: Option<ObjectAddress>,
}

/// A table of Athena, and where a query over it leaves its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryTable {
    /// The data catalog.
    pub catalog: String,
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The workgroup.
    pub workgroup: String,
    /// The bucket of results and the prefix in it; `None`: the workgroup has its own, which is not known here.
    pub output: Option<(String, String)>,
}

impl Default for PolicyResources {
    fn default() -> Self {
        Self {
            partition: "aws".to_owned(),
            secrets: Vec::new(),
            accounts: Vec::new(),
            role: None,
            buckets: Vec::new(),
            log_groups: Vec::new(),
            trail_keys: Vec::new(),
            query: None,
            window: 30,
            replicated: Vec::new(),
            tag: None,
            journal: None,
        }
    }
}

/// The actions that nobody may call with these credentials: they read the value of a secret.
const FORBIDDEN: &[&str] = &[
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
];

/// The key of a condition: whether a deletion is asked for without recovery.
const FORCED: &str = "secretsmanager:ForceDeleteWithoutRecovery";

/// The actions that need no permission (AWS API reference, `GetCallerIdentity`).
const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// The actions that making a replica needs on customer-managed keys: of the primary to read it, of the replica to write
/// it (AWS API reference, `ReplicateSecretToRegions`, required permissions).
const REPLICATING: &[&str] = &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"];

/// The policy that allows exactly these actions, and what AWS itself does for them in the caller's name.
pub fn policy(actions: &[&str], resources: &PolicyResources) -> IamPolicy {
    let mut groups: BTreeMap<ActionGroup, Vec<String>> = BTreeMap::new();
    for action in actions.iter().filter(|action| !FREE.contains(action)) {
        if let Some(group) = ActionGroup::of(action, resources) {
            groups.entry(group).or_default().push((*action).to_owned());
        }
    }
    if !resources.buckets.is_empty() && !resources.trail_keys.is_empty() {
        groups.insert(ActionGroup::TrailKey, vec!["kms:Decrypt".to_owned()]);
    }
    if groups.contains_key(&ActionGroup::Replicate) {
        let actions = REPLICATING.iter().map(|action| (*action).to_owned());
        groups.insert(ActionGroup::ReplicaKey, actions.collect());
    }
    let deletes = groups.contains_key(&ActionGroup::Delete);
    let mut statement: Vec<Statement> = groups
        .into_iter()
        .flat_map(|(group, mut actions)| {
            actions.sort_unstable();
            actions.dedup();
            group.statements(&actions, resources)
        })
        .collect();
    if deletes {
        statement.push(Statement {
            sid: "NeverDeleteWithoutRecovery".to_owned(),
            effect: Effect::Deny,
            action: vec!["secretsmanager:DeleteSecret".to_owned()],
            resource: anything(),
            condition: when("Bool", FORCED, vec!["true".to_owned()]),
        });
    }
    statement.push(Statement {
        sid: "NeverReadValues".to_owned(),
        effect: Effect::Deny,
        action: FORBIDDEN
            .iter()
            .map(|action| (*action).to_owned())
            .collect(),
        resource: anything(),
        condition: BTreeMap::new(),
    });
    IamPolicy {
        version: "2012-10-17",
        statement,
    }
}

fn anything() -> Vec<String> {
    vec!["*".to_owned()]
}

fn when(
    operator: &'static str,
    key: &'static str,
    values: Vec<String>,
) -> BTreeMap<&'static str, BTreeMap<&'static str, Vec<String>>> {
    BTreeMap::from([(operator, BTreeMap::from([(key, values)]))])
}

#[cfg(test)]
mod tests;
