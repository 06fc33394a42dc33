//! The resources that a policy narrows its statements to: accounts, roles, buckets, log groups, tables and secrets.

use std::collections::BTreeMap;

use super::action_group::ActionGroup;
use super::{Effect, PolicyResources, QueryTable, Statement, when};
use crate::domain::base::log_group::LogGroup;

impl PolicyResources {
    /// Reading and writing the one object, and finding out that it is not there yet: without `s3:ListBucket` AWS says
    /// "access denied" of a missing object.
    pub(super) fn journal_statements(&self) -> Vec<Statement> {
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
    pub(super) fn query_statements(&self, action: &[String]) -> Vec<Statement> {
        let Some(query) = &self.query else {
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
        let QueryTable {
            catalog,
            database,
            table,
            workgroup,
            output,
        } = query;
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
    pub(super) fn log_group_arns(&self) -> Vec<String> {
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
    pub(super) fn prefixes(&self) -> BTreeMap<&str, Vec<&str>> {
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

    pub(super) fn secrets(&self) -> Vec<String> {
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
    pub(super) fn through_secrets_manager(
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

    pub(super) fn roles(&self) -> Vec<String> {
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
