//! The actions of a policy, grouped into statements by the resources and conditions that they share.

use std::collections::BTreeMap;

use super::{Effect, FORCED, PolicyResources, Statement, anything, when};

/// Actions that share resources and conditions: one statement each, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ActionGroup {
    /// Actions that IAM cannot narrow to a resource.
    Anywhere,
    /// Reading what is known of secrets.
    Secrets,
    /// Reading whom their resource policies let in.
    ResourcePolicies,
    /// Reading the policies of the keys that encrypt them.
    KeyPolicies,
    /// Assuming roles.
    Roles,
    /// Listing the trail's bucket.
    TrailList,
    /// Reading its objects.
    TrailRead,
    /// Decrypting them.
    TrailKey,
    /// Reading log groups.
    LogGroups,
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
    /// Reading and writing the journal in a bucket.
    Journal,
    /// Running queries in Athena.
    Query,
}

impl ActionGroup {
    /// The group of an action; `None` for S3 without a bucket.
    pub(super) fn of(action: &str, resources: &PolicyResources) -> Option<Self> {
        Some(match action {
            "s3:ListBucket" | "s3:GetObject" if resources.buckets.is_empty() => return None,
            "s3:ListBucket" => Self::TrailList,
            "s3:GetObject" => Self::TrailRead,
            "s3:PutObject" if resources.journal.is_none() => return None,
            "s3:PutObject" => Self::Journal,
            _ if action.starts_with("athena:") => Self::Query,
            "logs:FilterLogEvents" if resources.log_groups.is_empty() => return None,
            "logs:FilterLogEvents" => Self::LogGroups,
            "sts:AssumeRole" => Self::Roles,
            "secretsmanager:DeleteSecret" => Self::Delete,
            "secretsmanager:DescribeSecret" | "secretsmanager:ListSecretVersionIds" => {
                Self::Secrets
            }
            "secretsmanager:GetResourcePolicy" => Self::ResourcePolicies,
            "kms:GetKeyPolicy" => Self::KeyPolicies,
            "secretsmanager:RestoreSecret" => Self::Restore,
            "secretsmanager:TagResource" => Self::Tag,
            "secretsmanager:UntagResource" => Self::Untag,
            "secretsmanager:RemoveRegionsFromReplication" => Self::RemoveReplicas,
            "secretsmanager:ReplicateSecretToRegions" => Self::Replicate,
            _ => Self::Anywhere,
        })
    }

    pub(super) fn sid(self) -> &'static str {
        match self {
            Self::Anywhere => "ListAndLookUp",
            Self::Secrets => "DescribeSecrets",
            Self::ResourcePolicies => "ReadResourcePolicies",
            Self::KeyPolicies => "ReadKeyPolicies",
            Self::Roles => "EnterAccounts",
            Self::TrailList => "ListTrail",
            Self::TrailRead => "ReadTrail",
            Self::LogGroups => "ReadLogGroups",
            Self::TrailKey => "DecryptTrail",
            Self::Delete => "DeleteWithRecovery",
            Self::Restore => "TakeDeletionsBack",
            Self::Tag => "TagBeforeDeleting",
            Self::Untag => "TakeTagsBack",
            Self::RemoveReplicas => "RemoveReplicas",
            Self::Replicate => "ReplicateAgain",
            Self::ReplicaKey => "KeysOfReplicas",
            Self::Journal => "KeepJournal",
            Self::Query => "Query",
        }
    }

    pub(super) fn statements(
        self,
        action: &[String],
        resources: &PolicyResources,
    ) -> Vec<Statement> {
        match self {
            Self::TrailList => return self.lists(action, resources),
            Self::Journal => return resources.journal_statements(),
            Self::Query => return resources.query_statements(action),
            _ => {}
        }
        let partition = &resources.partition;
        let resource = match self {
            Self::Anywhere | Self::TrailList | Self::Journal | Self::Query => anything(),
            Self::Secrets
            | Self::ResourcePolicies
            | Self::Delete
            | Self::Restore
            | Self::Tag
            | Self::Untag
            | Self::RemoveReplicas
            | Self::Replicate => resources.secrets(),
            Self::Roles => resources.roles(),
            Self::TrailRead => resources
                .prefixes()
                .into_iter()
                .flat_map(|(bucket, prefixes)| {
                    let all = prefixes.into_iter();
                    all.map(move |prefix| format!("arn:{partition}:s3:::{bucket}/{prefix}*"))
                })
                .collect(),
            Self::LogGroups => resources.log_group_arns(),
            Self::TrailKey => resources.trail_keys.clone(),
            // Which keys they are is known only to AWS, and a key may belong to another account: the condition narrows it.
            Self::KeyPolicies | Self::ReplicaKey => vec![format!("arn:{partition}:kms:*:*:key/*")],
        };
        let condition = match self {
            Self::Delete => {
                let mut only = when(
                    "NumericGreaterThanEquals",
                    "secretsmanager:RecoveryWindowInDays",
                    vec![resources.window.to_string()],
                );
                // A request that does not name the parameter does not force, and may lack the key.
                only.extend(when("BoolIfExists", FORCED, vec!["false".to_owned()]));
                only
            }
            Self::Tag | Self::Untag => resources.tag.as_ref().map_or_else(BTreeMap::new, |key| {
                when(
                    "ForAllValues:StringEquals",
                    "aws:TagKeys",
                    vec![key.clone()],
                )
            }),
            Self::ReplicaKey => resources.through_secrets_manager(),
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
    fn lists(self, action: &[String], resources: &PolicyResources) -> Vec<Statement> {
        let buckets = resources.prefixes().into_iter().enumerate();
        let statement = |(index, (bucket, prefixes)): (usize, (&str, Vec<&str>))| {
            let all = prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
            Statement {
                sid: match index {
                    0 => self.sid().to_owned(),
                    more => format!("{}{}", self.sid(), more + 1),
                },
                effect: Effect::Allow,
                action: action.to_vec(),
                resource: vec![format!("arn:{}:s3:::{bucket}", resources.partition)],
                condition: match prefixes.as_slice() {
                    [""] => BTreeMap::new(),
                    _ => when("StringLike", "s3:prefix", all),
                },
            }
        };
        buckets.map(statement).collect()
    }
}
