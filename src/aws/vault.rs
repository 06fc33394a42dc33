//! The session as the [`Vault`] that acts on secrets: it asks for one, schedules a deletion and takes it back.
//!
//! No function here could return a secret's value, and none could delete without recovery.

use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::AwsSession;
use super::plan_mark::PlanMark;
use super::raw_answer::RawAnswer;
use super::secrets::{client, described, moment};
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::plan::plan_mark;
use crate::domain::inventory::dependents::dependents;
use crate::domain::inventory::secret::Secret;
use crate::ports::{Fault, RecoveryWindow, Scheduled, Vault};

/// The actions of AWS that acting on secrets calls, beyond `secretsmanager:DescribeSecret`.
pub const ACTIONS: &[&str] = &[
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:DeleteSecret",
    "secretsmanager:RestoreSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:RemoveRegionsFromReplication",
    "secretsmanager:ReplicateSecretToRegions",
];

impl Vault for AwsSession {
    fn describe<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<Secret, Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            let raw = RawAnswer::default();
            let answer = self
                .gate
                .ask("secretsmanager:DescribeSecret", || {
                    let request = client.describe_secret().secret_id(arn.as_str());
                    request.customize().interceptor(raw.clone()).send()
                })
                .await?;
            let entry = raw
                .json()
                .map_err(|error| Fault::Unreachable(format!("the answer is not JSON: {error}")))?;
            Ok(Secret {
                dependents: dependents(&entry),
                ..described(&answer)?
            })
        }
        .boxed()
    }

    fn resource_policy<'a>(
        &'a self,
        arn: &'a SecretArn,
    ) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            let answer = self
                .gate
                .ask("secretsmanager:GetResourcePolicy", || {
                    client.get_resource_policy().secret_id(arn.as_str()).send()
                })
                .await?;
            Ok(answer.resource_policy)
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        arn: &'a SecretArn,
        window: RecoveryWindow,
        plan: &'a str,
    ) -> BoxFuture<'a, Result<Scheduled, Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            let mark = PlanMark(plan_mark(plan));
            let answer = self
                .gate
                .ask("secretsmanager:DeleteSecret", || {
                    client
                        .delete_secret()
                        .secret_id(arn.as_str())
                        .recovery_window_in_days(window.days().into())
                        .customize()
                        .interceptor(mark.clone())
                        .send()
                })
                .await?;
            let deletion = moment(answer.deletion_date()).ok_or_else(|| {
                Fault::Unreachable("the answer has no deletion date; ask for the secret".to_owned())
            })?;
            Ok(Scheduled { deletion })
        }
        .boxed()
    }

    fn restore<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            self.gate
                .ask("secretsmanager:RestoreSecret", || {
                    client.restore_secret().secret_id(arn.as_str()).send()
                })
                .await
                .map(drop)
        }
        .boxed()
    }

    fn tag<'a>(
        &'a self,
        arn: &'a SecretArn,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            self.gate
                .ask("secretsmanager:TagResource", || {
                    client
                        .tag_resource()
                        .secret_id(arn.as_str())
                        .tags(Tag::builder().key(key).value(value).build())
                        .send()
                })
                .await
                .map(drop)
        }
        .boxed()
    }

    fn untag<'a>(&'a self, arn: &'a SecretArn, key: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            self.gate
                .ask("secretsmanager:UntagResource", || {
                    client
                        .untag_resource()
                        .secret_id(arn.as_str())
                        .tag_keys(key)
                        .send()
                })
                .await
                .map(drop)
        }
        .boxed()
    }

    fn remove_replicas<'a>(
        &'a self,
        arn: &'a SecretArn,
        regions: &'a [Region],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            let names: Vec<String> = regions.iter().map(ToString::to_string).collect();
            self.gate
                .ask("secretsmanager:RemoveRegionsFromReplication", || {
                    client
                        .remove_regions_from_replication()
                        .secret_id(arn.as_str())
                        .set_remove_replica_regions(Some(names.clone()))
                        .send()
                })
                .await
                .map(drop)
        }
        .boxed()
    }

    fn replicate<'a>(
        &'a self,
        arn: &'a SecretArn,
        region: &'a Region,
        kms_key: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let client = client(self, arn.scope())?;
            let replica = ReplicaRegionType::builder()
                .region(region.as_str())
                .set_kms_key_id(kms_key.map(str::to_owned))
                .build();
            self.gate
                .ask("secretsmanager:ReplicateSecretToRegions", || {
                    client
                        .replicate_secret_to_regions()
                        .secret_id(arn.as_str())
                        .add_replica_regions(replica.clone())
                        .send()
                })
                .await
                .map(drop)
        }
        .boxed()
    }
}
