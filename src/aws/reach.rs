//! Who may read: the identities of accounts with their policies, the policies of secrets and of the keys that encrypt them,
//! and those of the organization.
//!
//! What AWS answers is handed over as `aws` prints it, so that one reader understands a live scan, what it saved, and what
//! others saved. What is refused becomes a gap; the policy of a secret that was not read is not known, and stands for no
//! answer.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{FutureExt, StreamExt, stream};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::services::{IAM, KMS};
use super::{AwsSession, fault, organization, snapshot};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::counted;
use crate::domain::base::names::{AccountId, Scope};
use crate::domain::inventory::secret::Secret;
use crate::domain::reach::customer_keys;
use crate::ports::{Fault, IamSink, PolicyHolder, ProgressEvent, ProgressSink, Vault as _};

/// The actions of AWS that this adapter calls, beyond `secretsmanager:GetResourcePolicy` and what the organization is
/// asked.
pub const ACTIONS: &[&str] = &["iam:GetAccountAuthorizationDetails", "kms:GetKeyPolicy"];

/// The parts that could not be read.
#[derive(Debug, Default)]
pub struct ReachRead {
    /// The parts that are missing although they were asked for.
    pub gaps: Vec<Gap>,
    /// Sentences for the reader of the report.
    pub notes: Vec<String>,
}

/// Reads who may read these secrets, by the identities of these accounts.
pub async fn read(
    session: &AwsSession,
    accounts: &BTreeSet<AccountId>,
    secrets: &[Secret],
    sink: &dyn IamSink,
    notes: &dyn ProgressSink,
) -> ReachRead {
    let mut read = ReachRead::default();
    let of_organization = organization::controls(session, accounts, sink).await;
    read.gaps.extend(of_organization.gaps);
    read.notes.extend(of_organization.notes);
    read.gaps
        .extend(identities(session, accounts, sink, notes).await);
    read.gaps
        .extend(secret_policies(session, secrets, sink, notes).await);
    let (keys, elsewhere): (BTreeSet<_>, BTreeSet<_>) = customer_keys(secrets)
        .into_iter()
        .partition(|(scope, _)| accounts.contains(&scope.account));
    read.gaps
        .extend(key_policies(session, &keys, sink, notes).await);
    if !elsewhere.is_empty() {
        read.notes.push(format!(
            "{} in accounts that were not scanned: whether a reader may use such a key is not known.",
            counted(
                elsewhere.len() as u64,
                "key that encrypts secrets is",
                "keys that encrypt secrets are"
            )
        ));
    }
    read
}

/// The number of accounts that are read at once: each answer may have many megabytes.
const ACCOUNTS_AT_ONCE: usize = 4;

/// The number of policies that are asked for at once.
const POLICIES_AT_ONCE: usize = 8;

/// Asks for each of these, so many at once; the answers in their order.
async fn each<'a, T, A, F>(
    (holder, all): (PolicyHolder, &'a [T]),
    at_once: usize,
    notes: &dyn ProgressSink,
    ask: impl Fn(&'a T) -> F,
) -> Vec<(&'a T, A)>
where
    F: Future<Output = A> + Send,
    A: Send,
{
    let of = all.len();
    let mut answers = Vec::with_capacity(of);
    let mut asking = stream::iter(all)
        .map(|one| ask(one).boxed())
        .buffered(at_once);
    while let Some(answer) = asking.next().await {
        answers.push(answer);
        let done = answers.len();
        notes.note(ProgressEvent::Policies { holder, done, of });
    }
    drop(asking);
    all.iter().zip(answers).collect()
}

/// The identities of each account.
async fn identities(
    session: &AwsSession,
    accounts: &BTreeSet<AccountId>,
    sink: &dyn IamSink,
    notes: &dyn ProgressSink,
) -> Vec<Gap> {
    let accounts: Vec<&AccountId> = accounts.iter().collect();
    let all = (PolicyHolder::Account, accounts.as_slice());
    let answers = each(all, ACCOUNTS_AT_ONCE, notes, |account| {
        of_account(session, account, sink)
    });
    let failed = answers.await.into_iter().filter_map(|(account, answer)| {
        let fault = answer.err()?;
        Some(Gap {
            account: Some((*account).clone()),
            ..Gap::new(
                "iam:GetAccountAuthorizationDetails",
                None,
                "roles and users: who of them may read is not known",
                fault.to_string(),
            )
        })
    });
    failed.collect()
}

/// The identities of one account. What came before a failure is handed over, too.
async fn of_account(
    session: &AwsSession,
    account: &AccountId,
    sink: &dyn IamSink,
) -> Result<(), Fault> {
    let config = session.in_account(account)?;
    let action = "iam:GetAccountAuthorizationDetails";
    let operation = session.operation(&IAM, action, &config)?;
    // The most that IAM gives at once (IAM API reference).
    let (pages, fault) = operation
        .pages(json!({ "MaxItems": 1_000 }), "Marker")
        .await;
    if !pages.is_empty() {
        let pages = pages.into_iter().map(printed).collect();
        let name = format!("{account}/get-account-authorization-details.json");
        sink.answer(&name, Value::Array(pages));
    }
    fault.map_or(Ok(()), Err)
}

/// Members that are lists in the answers of IAM: an empty one is an empty element.
const LISTS: &[&str] = &[
    "AttachedManagedPolicies",
    "GroupDetailList",
    "GroupList",
    "GroupPolicyList",
    "InstanceProfileList",
    "Policies",
    "PolicyVersionList",
    "RoleDetailList",
    "RolePolicyList",
    "Roles",
    "Tags",
    "UserDetailList",
    "UserPolicyList",
];

/// Members that hold the text of a policy in percent-encoding (IAM API reference, "policies are URL-encoded").
const DOCUMENTS: &[&str] = &["AssumeRolePolicyDocument", "Document", "PolicyDocument"];

/// An answer of IAM as `aws` prints it: with lists, truth values and policies instead of texts.
fn printed(answer: Value) -> Value {
    match answer {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| {
                let value = member(&key, printed(value));
                (key, value)
            })
            .collect(),
        Value::Array(entries) => entries.into_iter().map(printed).collect(),
        other => other,
    }
}

fn member(key: &str, value: Value) -> Value {
    let Some(text) = value.as_str() else {
        return value;
    };
    let made = match text.trim() {
        "" if LISTS.contains(&key) => Some(Value::Array(Vec::new())),
        "true" if key.starts_with("Is") => Some(Value::Bool(true)),
        "false" if key.starts_with("Is") => Some(Value::Bool(false)),
        _ if DOCUMENTS.contains(&key) => {
            let plain = percent_decode_str(text).decode_utf8().ok();
            plain.and_then(|plain| serde_json::from_str(&plain).ok())
        }
        _ => None,
    };
    made.unwrap_or(value)
}

/// Faults by account and Region, with how often: one gap each.
type Failures = BTreeMap<Scope, (u64, Fault)>;

fn gaps(failures: Failures, action: &str, what: impl Fn(u64) -> String) -> Vec<Gap> {
    let each = failures.into_iter();
    each.map(|(scope, (count, fault))| fault::gap(&scope, action, &what(count), &fault))
        .collect()
}

/// The resource policy of each secret. One whose deletion is scheduled is left out: nobody may read it until it is restored.
async fn secret_policies(
    session: &AwsSession,
    secrets: &[Secret],
    sink: &dyn IamSink,
    notes: &dyn ProgressSink,
) -> Vec<Gap> {
    let there = secrets.iter().filter(|secret| secret.deleted.is_none());
    let there: Vec<&Secret> = there.collect();
    let all = (PolicyHolder::Secret, there.as_slice());
    let asking = each(all, POLICIES_AT_ONCE, notes, |secret| {
        session.resource_policy(&secret.arn)
    });
    let mut failures = Failures::new();
    for (secret, answer) in asking.await {
        let arn = &secret.arn;
        match answer {
            Ok(policy) => {
                let mut printed = json!({ "ARN": arn.as_str(), "Name": arn.name() });
                if let Some(policy) = policy {
                    printed["ResourcePolicy"] = Value::String(policy);
                }
                sink.answer(&snapshot::resource_policy_name(arn), printed);
            }
            // Deleted since it was listed.
            Err(Fault::Gone(_)) => {}
            Err(fault) => {
                sink.unknown_policy(arn, &fault);
                failures.entry(arn.scope().clone()).or_insert((0, fault)).0 += 1;
            }
        }
    }
    gaps(failures, "secretsmanager:GetResourcePolicy", |count| {
        format!(
            "resource policies of {}: who may read them is not known",
            counted(count, "secret", "secrets")
        )
    })
}

/// The policy of each of these keys, by the account and Region of the key.
async fn key_policies(
    session: &AwsSession,
    keys: &BTreeSet<(Scope, String)>,
    sink: &dyn IamSink,
    notes: &dyn ProgressSink,
) -> Vec<Gap> {
    let keys: Vec<&(Scope, String)> = keys.iter().collect();
    let all = (PolicyHolder::Key, keys.as_slice());
    let asking = each(all, POLICIES_AT_ONCE, notes, |(scope, key)| {
        of_key(session, scope, key)
    });
    let mut failures = Failures::new();
    for ((scope, key), answer) in asking.await {
        match answer {
            Ok(policy) => {
                let Scope { account, region } = scope;
                sink.answer(
                    &format!("{account}/{region}/get-key-policy.{key}.json"),
                    policy,
                );
            }
            Err(fault) => failures.entry(scope.clone()).or_insert((0, fault)).0 += 1,
        }
    }
    gaps(failures, "kms:GetKeyPolicy", |count| {
        format!(
            "policies of {}: whether a reader may use them is not known",
            counted(
                count,
                "key that encrypts secrets",
                "keys that encrypt secrets"
            )
        )
    })
}

async fn of_key(session: &AwsSession, scope: &Scope, key: &str) -> Result<Value, Fault> {
    let config = session.in_scope(scope)?;
    let operation = session.operation(&KMS, "kms:GetKeyPolicy", &config)?;
    operation
        .call(&json!({ "KeyId": key, "PolicyName": "default" }))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_iam_is_written_as_aws_prints_it() {
        let answer = json!({
            "IsTruncated": "false",
            "UserDetailList": "\n  ",
            "RoleDetailList": [{
                "RoleName": "true",
                "RolePolicyList": "",
                "Tags": [{ "Key": "team", "Value": "" }],
                "AssumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%7D",
            }],
            "Policies": [{ "PolicyVersionList": [
                { "IsDefaultVersion": "true", "VersionId": "v1", "Document": "%7B" },
            ] }],
        });
        assert_eq!(
            printed(answer),
            json!({
                "IsTruncated": false,
                "UserDetailList": [],
                "RoleDetailList": [{
                    "RoleName": "true",
                    "RolePolicyList": [],
                    "Tags": [{ "Key": "team", "Value": "" }],
                    "AssumeRolePolicyDocument": { "Version": "2012-10-17" },
                }],
                // What cannot be read stays as it is: whoever reads it says so.
                "Policies": [{ "PolicyVersionList": [
                    { "IsDefaultVersion": true, "VersionId": "v1", "Document": "%7B" },
                ] }],
            })
        );
    }
}
