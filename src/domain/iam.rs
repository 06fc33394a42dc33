//! The least-privilege IAM policies, as data that serializes to the JSON that IAM takes.
//!
//! A policy is made of exactly the actions that the adapters in use declare, so it cannot grow by itself. Each allows
//! what is needed on the narrowest resource that is known, and denies reading values, so that nothing else the same
//! role is given later can undo that. The policy for acting lets a deletion through only with the recovery window that
//! was asked for, and what else may change a secret stands in a statement of its own, to be left out or taken away.
//!
//! Entry: `policy`. May use: `base`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::base::names::AccountId;

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
    /// What it is for: letters and digits.
    pub sid: String,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The actions, sorted.
    pub action: Vec<String>,
    /// On what.
    pub resource: Vec<String>,
    /// Under which conditions: operator, key, values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<&'static str, BTreeMap<&'static str, Vec<String>>>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Forbids, whatever else is granted.
    Deny,
}

/// Where the actions apply, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
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
    /// The ARNs of the keys that the trails are encrypted with, where they are customer-managed ones.
    pub trail_keys: Vec<String>,
    /// The shortest recovery window of a deletion, in days.
    pub window: u8,
    /// The ARNs of the secrets whose replicas are made again, in any Region; empty: any secret's.
    pub replicated: Vec<String>,
    /// The key of the tag that is set; `None`: any key.
    pub tag: Option<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            partition: "aws".to_owned(),
            secrets: Vec::new(),
            accounts: Vec::new(),
            role: None,
            buckets: Vec::new(),
            trail_keys: Vec::new(),
            window: 30,
            replicated: Vec::new(),
            tag: None,
        }
    }
}

/// What nobody may do with these credentials: read the value of a secret.
const FORBIDDEN: &[&str] = &[
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
];

/// What needs no permission (AWS API reference, `GetCallerIdentity`).
const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// What making a replica needs on customer-managed keys: of the primary to read it, of the replica to write it (AWS API
/// reference, `ReplicateSecretToRegions`, required permissions).
const REPLICATING: &[&str] = &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"];

/// The policy that allows exactly these actions, and what AWS itself does for them in the caller's name.
pub fn policy(actions: &[&str], places: &Places) -> IamPolicy {
    let mut groups: BTreeMap<ActionGroup, Vec<String>> = BTreeMap::new();
    for action in actions.iter().filter(|action| !FREE.contains(action)) {
        if let Some(group) = ActionGroup::of(action, places) {
            groups.entry(group).or_default().push((*action).to_owned());
        }
    }
    if !places.buckets.is_empty() && !places.trail_keys.is_empty() {
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
            group.statements(&actions, places)
        })
        .collect();
    if deletes {
        statement.push(Statement {
            sid: "NeverDeleteWithoutRecovery".to_owned(),
            effect: Effect::Deny,
            action: vec!["secretsmanager:DeleteSecret".to_owned()],
            resource: anything(),
            condition: when(
                "Bool",
                "secretsmanager:ForceDeleteWithoutRecovery",
                vec!["true".to_owned()],
            ),
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

/// Actions that share resources and conditions: one statement each, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ActionGroup {
    /// Actions that IAM cannot narrow to a resource.
    Anywhere,
    /// Reading what is known of secrets.
    Secrets,
    /// Reading whom their resource policies let in.
    ResourcePolicies,
    /// Assuming roles.
    Roles,
    /// Listing the trail's bucket.
    TrailList,
    /// Reading its objects.
    TrailRead,
    /// Decrypting them.
    TrailKey,
    /// Deleting them.
    Delete,
    /// Taking deletions back.
    Restore,
    /// Tagging secrets.
    Tag,
    /// Taking such tags back.
    Untag,
    /// Removing replicas.
    RemoveReplicas,
    /// Making replicas again.
    Replicate,
    /// Encrypting them with the customer's keys, through Secrets Manager only.
    ReplicaKey,
}

impl ActionGroup {
    /// The group of an action; `None` for S3 without a bucket.
    fn of(action: &str, places: &Places) -> Option<Self> {
        Some(match action {
            "s3:ListBucket" | "s3:GetObject" if places.buckets.is_empty() => return None,
            "s3:ListBucket" => Self::TrailList,
            "s3:GetObject" => Self::TrailRead,
            "sts:AssumeRole" => Self::Roles,
            "secretsmanager:DeleteSecret" => Self::Delete,
            "secretsmanager:DescribeSecret" | "secretsmanager:ListSecretVersionIds" => {
                Self::Secrets
            }
            "secretsmanager:GetResourcePolicy" => Self::ResourcePolicies,
            "secretsmanager:RestoreSecret" => Self::Restore,
            "secretsmanager:TagResource" => Self::Tag,
            "secretsmanager:UntagResource" => Self::Untag,
            "secretsmanager:RemoveRegionsFromReplication" => Self::RemoveReplicas,
            "secretsmanager:ReplicateSecretToRegions" => Self::Replicate,
            _ => Self::Anywhere,
        })
    }

    fn sid(self) -> &'static str {
        match self {
            Self::Anywhere => "ListAndLookUp",
            Self::Secrets => "DescribeSecrets",
            Self::ResourcePolicies => "ReadResourcePolicies",
            Self::Roles => "EnterAccounts",
            Self::TrailList => "ListTrail",
            Self::TrailRead => "ReadTrail",
            Self::TrailKey => "DecryptTrail",
            Self::Delete => "DeleteWithRecovery",
            Self::Restore => "TakeDeletionsBack",
            Self::Tag => "TagBeforeDeleting",
            Self::Untag => "TakeTagsBack",
            Self::RemoveReplicas => "RemoveReplicas",
            Self::Replicate => "ReplicateAgain",
            Self::ReplicaKey => "KeysOfReplicas",
        }
    }

    fn statements(self, action: &[String], places: &Places) -> Vec<Statement> {
        if self == Self::TrailList {
            return self.lists(action, places);
        }
        let partition = &places.partition;
        let resource = match self {
            Self::Anywhere | Self::TrailList => anything(),
            Self::Secrets
            | Self::ResourcePolicies
            | Self::Delete
            | Self::Restore
            | Self::Tag
            | Self::Untag
            | Self::RemoveReplicas
            | Self::Replicate => places.secrets(),
            Self::Roles => places.roles(),
            Self::TrailRead => places
                .prefixes()
                .into_iter()
                .flat_map(|(bucket, prefixes)| {
                    let all = prefixes.into_iter();
                    all.map(move |prefix| format!("arn:{partition}:s3:::{bucket}/{prefix}*"))
                })
                .collect(),
            Self::TrailKey => places.trail_keys.clone(),
            // Which keys they are is known only to AWS, and a key may belong to another account: the condition narrows it.
            Self::ReplicaKey => vec![format!("arn:{partition}:kms:*:*:key/*")],
        };
        let condition = match self {
            Self::Delete => {
                let mut only = when(
                    "NumericGreaterThanEquals",
                    "secretsmanager:RecoveryWindowInDays",
                    vec![places.window.to_string()],
                );
                // A request that does not name the parameter does not force, and may lack the key.
                only.extend(when(
                    "BoolIfExists",
                    "secretsmanager:ForceDeleteWithoutRecovery",
                    vec!["false".to_owned()],
                ));
                only
            }
            Self::Tag | Self::Untag => places.tag.as_ref().map_or_else(BTreeMap::new, |key| {
                when(
                    "ForAllValues:StringEquals",
                    "aws:TagKeys",
                    vec![key.clone()],
                )
            }),
            Self::ReplicaKey => places.through_secrets_manager(),
            _ => BTreeMap::new(),
        };
        vec![Statement {
            sid: self.sid().to_owned(),
            effect: Effect::Allow,
            action: action.to_vec(),
            resource,
            condition,
        }]
    }

    /// A statement for each bucket, because the condition on prefixes is one of the statement.
    fn lists(self, action: &[String], places: &Places) -> Vec<Statement> {
        let buckets = places.prefixes().into_iter().enumerate();
        let statement = |(place, (bucket, prefixes)): (usize, (&str, Vec<&str>))| {
            let all = prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
            Statement {
                sid: match place {
                    0 => self.sid().to_owned(),
                    more => format!("{}{}", self.sid(), more + 1),
                },
                effect: Effect::Allow,
                action: action.to_vec(),
                resource: vec![format!("arn:{}:s3:::{bucket}", places.partition)],
                condition: match prefixes.as_slice() {
                    [""] => BTreeMap::new(),
                    _ => when("StringLike", "s3:prefix", all),
                },
            }
        };
        buckets.map(statement).collect()
    }
}

impl Places {
    /// The buckets with the prefixes in each: only the empty one, if it is among them.
    fn prefixes(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (bucket, prefix) in &self.buckets {
            all.entry(bucket).or_default().push(prefix);
        }
        for prefixes in all.values_mut() {
            prefixes.sort_unstable();
            prefixes.dedup();
            if prefixes[0].is_empty() {
                prefixes.truncate(1);
            }
        }
        all
    }

    fn secrets(&self) -> Vec<String> {
        if self.secrets.is_empty() {
            return vec![format!(
                "arn:{}:secretsmanager:*:*:secret:*",
                self.partition
            )];
        }
        self.secrets.clone()
    }

    /// Only for these secrets, and only in requests that Secrets Manager makes (AWS Secrets Manager user guide,
    /// "Secret encryption and decryption": the encryption context holds `SecretARN`).
    fn through_secrets_manager(
        &self,
    ) -> BTreeMap<&'static str, BTreeMap<&'static str, Vec<String>>> {
        let mut only = BTreeMap::from([(
            "kms:ViaService",
            vec!["secretsmanager.*.amazonaws.com*".to_owned()],
        )]);
        if !self.replicated.is_empty() {
            only.insert("kms:EncryptionContext:SecretARN", self.replicated.clone());
        }
        BTreeMap::from([("StringLike", only)])
    }

    fn roles(&self) -> Vec<String> {
        let role = self.role.as_deref().unwrap_or("*").trim_start_matches('/');
        let partition = &self.partition;
        if self.accounts.is_empty() {
            return vec![format!("arn:{partition}:iam::*:role/{role}")];
        }
        let accounts = self.accounts.iter();
        accounts
            .map(|account| format!("arn:{partition}:iam::{account}:role/{role}"))
            .collect()
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
mod tests {
    use super::*;

    fn json(actions: &[&str], places: &Places) -> serde_json::Value {
        serde_json::to_value(policy(actions, places)).unwrap()
    }

    #[test]
    fn every_policy_denies_reading_values() {
        for actions in [&[][..], &["secretsmanager:ListSecrets"]] {
            let json = json(actions, &Places::default());
            let last = json["Statement"].as_array().unwrap().last().unwrap();
            assert_eq!(last["Effect"], "Deny");
            assert_eq!(
                last["Action"],
                serde_json::json!([
                    "secretsmanager:BatchGetSecretValue",
                    "secretsmanager:GetSecretValue"
                ])
            );
            assert_eq!(last["Resource"], serde_json::json!(["*"]));
        }
    }

    #[test]
    fn a_scan_gets_each_action_once_on_the_narrowest_resource() {
        let places = Places {
            partition: "aws-us-gov".to_owned(),
            role: Some("audit/reader".to_owned()),
            buckets: vec![("trail-logs".to_owned(), "org/".to_owned())],
            trail_keys: vec!["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k".to_owned()],
            ..Places::default()
        };
        let json = json(
            &[
                "sts:GetCallerIdentity",
                "sts:AssumeRole",
                "secretsmanager:ListSecrets",
                "secretsmanager:DescribeSecret",
                "secretsmanager:ListSecrets",
                "s3:ListBucket",
                "s3:GetObject",
            ],
            &places,
        );
        let statements = json["Statement"].as_array().unwrap();
        let of = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
        assert_eq!(
            of("ListAndLookUp")["Action"],
            serde_json::json!(["secretsmanager:ListSecrets"])
        );
        assert_eq!(
            of("DescribeSecrets")["Resource"][0],
            "arn:aws-us-gov:secretsmanager:*:*:secret:*"
        );
        assert_eq!(
            of("EnterAccounts")["Resource"][0],
            "arn:aws-us-gov:iam::*:role/audit/reader"
        );
        assert_eq!(
            of("ListTrail")["Condition"]["StringLike"]["s3:prefix"][0],
            "org/*"
        );
        assert_eq!(
            of("ReadTrail")["Resource"][0],
            "arn:aws-us-gov:s3:::trail-logs/org/*"
        );
        assert_eq!(of("DecryptTrail")["Action"][0], "kms:Decrypt");
        assert_eq!(statements.len(), 7, "{json:#}");
    }

    #[test]
    fn each_bucket_is_listed_under_its_own_prefixes() {
        let bucket = |name: &str, prefix: &str| (name.to_owned(), prefix.to_owned());
        let places = Places {
            buckets: vec![
                bucket("two", "b/"),
                bucket("whole", ""),
                bucket("two", "a/"),
                bucket("whole", "c/"),
                bucket("two", "b/"),
            ],
            ..Places::default()
        };
        let json = json(&["s3:ListBucket", "s3:GetObject"], &places);
        let list = |sid: &str, bucket: &str, condition: serde_json::Value| {
            let mut statement = serde_json::json!({
                "Sid": sid,
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [format!("arn:aws:s3:::{bucket}")],
            });
            if !condition.is_null() {
                statement["Condition"] = condition;
            }
            statement
        };
        let prefixes = serde_json::json!({ "StringLike": { "s3:prefix": ["a/*", "b/*"] } });
        assert_eq!(json["Statement"][0], list("ListTrail", "two", prefixes));
        assert_eq!(
            json["Statement"][1],
            list("ListTrail2", "whole", serde_json::Value::Null)
        );
        assert_eq!(
            json["Statement"][2]["Resource"],
            serde_json::json!([
                "arn:aws:s3:::two/a/*",
                "arn:aws:s3:::two/b/*",
                "arn:aws:s3:::whole/*"
            ])
        );
    }

    #[test]
    fn without_a_bucket_nothing_of_s3_is_allowed() {
        let json = json(&["s3:ListBucket", "s3:GetObject"], &Places::default());
        assert_eq!(json["Statement"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn deleting_is_allowed_with_the_recovery_window_and_denied_without() {
        let places = Places {
            window: 14,
            ..Places::default()
        };
        let json = json(
            &[
                "secretsmanager:DescribeSecret",
                "secretsmanager:DeleteSecret",
            ],
            &places,
        );
        let statements = json["Statement"].as_array().unwrap();
        let allowed = &statements[1];
        assert_eq!(
            allowed["Condition"],
            serde_json::json!({
                "NumericGreaterThanEquals": { "secretsmanager:RecoveryWindowInDays": ["14"] },
                "BoolIfExists": { "secretsmanager:ForceDeleteWithoutRecovery": ["false"] }
            })
        );
        let denied = &statements[2];
        assert_eq!(denied["Effect"], "Deny");
        assert_eq!(
            denied["Condition"],
            serde_json::json!({
                "Bool": { "secretsmanager:ForceDeleteWithoutRecovery": ["true"] }
            })
        );
        assert_eq!(statements.len(), 4);
    }

    #[test]
    fn each_way_to_change_a_secret_is_a_statement_of_its_own_on_the_secrets_that_are_named() {
        let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbC123";
        let places = Places {
            secrets: vec![arn.to_owned()],
            accounts: vec!["111122223333".parse().unwrap()],
            role: Some("cleaner".to_owned()),
            ..Places::default()
        };
        let changes = [
            ("secretsmanager:DeleteSecret", "DeleteWithRecovery"),
            ("secretsmanager:RestoreSecret", "TakeDeletionsBack"),
            ("secretsmanager:TagResource", "TagBeforeDeleting"),
            ("secretsmanager:UntagResource", "TakeTagsBack"),
            (
                "secretsmanager:RemoveRegionsFromReplication",
                "RemoveReplicas",
            ),
            ("secretsmanager:ReplicateSecretToRegions", "ReplicateAgain"),
        ];
        for (action, sid) in changes {
            let json = json(&[action, "sts:AssumeRole"], &places);
            let statements = json["Statement"].as_array().unwrap();
            let allowed: Vec<_> = statements
                .iter()
                .filter(|one| one["Effect"] == "Allow")
                .collect();
            let keys = usize::from(sid == "ReplicateAgain");
            assert_eq!(allowed.len(), 2 + keys, "{json:#}");
            assert_eq!(
                allowed[0]["Resource"],
                serde_json::json!(["arn:aws:iam::111122223333:role/cleaner"])
            );
            assert_eq!(
                (&allowed[1]["Sid"], &allowed[1]["Action"]),
                (&serde_json::json!(sid), &serde_json::json!([action]))
            );
            assert_eq!(allowed[1]["Resource"], serde_json::json!([arn]));
        }
    }

    #[test]
    fn sids_are_what_iam_takes() {
        let actions = [
            "secretsmanager:ListSecrets",
            "secretsmanager:DeleteSecret",
            "secretsmanager:TagResource",
        ];
        let policy = policy(&actions, &Places::default());
        assert!(
            policy
                .statement
                .iter()
                .all(|one| one.sid.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        );
    }
}
