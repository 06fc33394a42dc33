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
    /// The log groups that trails deliver to; without any, the actions of CloudWatch Logs are left out.
    pub log_groups: Vec<LogGroup>,
    /// The ARNs of the keys that the trails are encrypted with, where they are customer-managed ones.
    pub trail_keys: Vec<String>,
    /// The table that Athena counts a trail in.
    pub query: Option<QueryPlace>,
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
pub struct QueryPlace {
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

impl Default for Places {
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
    fn of(action: &str, places: &Places) -> Option<Self> {
        Some(match action {
            "s3:ListBucket" | "s3:GetObject" if places.buckets.is_empty() => return None,
            "s3:ListBucket" => Self::TrailList,
            "s3:GetObject" => Self::TrailRead,
            "s3:PutObject" if places.journal.is_none() => return None,
            "s3:PutObject" => Self::Journal,
            _ if action.starts_with("athena:") => Self::Query,
            "logs:FilterLogEvents" if places.log_groups.is_empty() => return None,
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

    fn sid(self) -> &'static str {
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

    fn statements(self, action: &[String], places: &Places) -> Vec<Statement> {
        match self {
            Self::TrailList => return self.lists(action, places),
            Self::Journal => return places.journal_statements(),
            Self::Query => return places.query_statements(action),
            _ => {}
        }
        let partition = &places.partition;
        let resource = match self {
            Self::Anywhere | Self::TrailList | Self::Journal | Self::Query => anything(),
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
            Self::LogGroups => places.log_group_arns(),
            Self::TrailKey => places.trail_keys.clone(),
            // Which keys they are is known only to AWS, and a key may belong to another account: the condition narrows it.
            Self::KeyPolicies | Self::ReplicaKey => vec![format!("arn:{partition}:kms:*:*:key/*")],
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
    /// Reading and writing the one object, and finding out that it is not there yet: without `s3:ListBucket` AWS says
    /// "access denied" of a missing object.
    fn journal_statements(&self) -> Vec<Statement> {
        let Some(address) = &self.journal else {
            return Vec::new();
        };
        let bucket = format!("arn:{}:s3:::{}", self.partition, address.bucket);
        let statement = |end: &str, action: &[&str], resource, condition| Statement {
            sid: format!("{}{end}", ActionGroup::Journal.sid()),
            effect: Effect::Allow,
            action: action.iter().map(|&one| one.to_owned()).collect(),
            resource: vec![resource],
            condition,
        };
        let object = format!("{bucket}/{}", address.key);
        let only = when("StringLike", "s3:prefix", vec![address.key.clone()]);
        vec![
            statement(
                "",
                &["s3:GetObject", "s3:PutObject"],
                object,
                BTreeMap::new(),
            ),
            statement("Bucket", &["s3:ListBucket"], bucket, only),
        ]
    }

    /// Asking Athena, and what Athena does in the caller's name: it reads the definition of the table from Glue, and writes
    /// its result to S3 (Athena User Guide, "Identity and access management"). The files of the trail are read in the caller's
    /// name, too: name their bucket with `--trail s3://...` beside the table.
    fn query_statements(&self, action: &[String]) -> Vec<Statement> {
        let Some(place) = &self.query else {
            return Vec::new();
        };
        let partition = &self.partition;
        let statement = |end: &str, action: &[&str], resource: Vec<String>| Statement {
            sid: format!("{}{end}", ActionGroup::Query.sid()),
            effect: Effect::Allow,
            action: action.iter().map(|&one| one.to_owned()).collect(),
            resource,
            condition: BTreeMap::new(),
        };
        let action: Vec<&str> = action.iter().map(String::as_str).collect();
        let QueryPlace {
            catalog,
            database,
            table,
            workgroup,
            output,
        } = place;
        let athena = |what: String| format!("arn:{partition}:athena:*:*:{what}");
        let glue = |what: String| format!("arn:{partition}:glue:*:*:{what}");
        let results = match output {
            Some((bucket, _)) => format!("arn:{partition}:s3:::{bucket}"),
            None => format!("arn:{partition}:s3:::*"),
        };
        let prefix = output.as_ref().map_or("", |(_, prefix)| prefix.as_str());
        vec![
            statement(
                "Trail",
                &action,
                vec![
                    athena(format!("workgroup/{workgroup}")),
                    athena(format!("datacatalog/{catalog}")),
                ],
            ),
            statement(
                "Table",
                &["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"],
                vec![
                    glue("catalog".to_owned()),
                    glue(format!("database/{database}")),
                    glue(format!("table/{database}/{table}")),
                ],
            ),
            statement("Place", &["s3:GetBucketLocation"], vec![results.clone()]),
            statement(
                "Result",
                &["s3:GetObject", "s3:PutObject"],
                vec![format!("{results}/{prefix}*")],
            ),
        ]
    }

    /// The ARNs that stand for log groups in policies, which end in `:*` (CloudWatch Logs User Guide, "CloudWatch Logs
    /// resources and operations").
    fn log_group_arns(&self) -> Vec<String> {
        let arn = |group: &LogGroup| {
            let (account, region) = match &group.scope {
                Some((account, region)) => (account.as_str(), region.as_str()),
                None => ("*", "*"),
            };
            let (partition, name) = (&self.partition, &group.name);
            format!("arn:{partition}:logs:{region}:{account}:log-group:{name}:*")
        };
        self.log_groups.iter().map(arn).collect()
    }

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
mod tests;
