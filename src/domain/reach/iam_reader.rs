//! IAM data from the answers of AWS: identities, policies of secrets and keys, grants, and the organization.
//!
//! | Answer to | What it tells |
//! |---|---|
//! | `iam get-account-authorization-details` | roles, users, groups and their policies |
//! | `secretsmanager get-resource-policy` | the policy of a secret |
//! | `kms get-key-policy` | the policy of a key; the name of the file holds the id of the key |
//! | `kms list-grants` | grants of a key |
//! | `organizations describe-organization`, `list-accounts` | the organization and its accounts |
//! | `organizations describe-policy` | a control policy |
//! | `organizations list-targets-for-policy` | its targets; the name of the file holds the id of the policy |
//! | `organizations list-parents` | the parent; the name of the file holds the id of the account or unit |
//!
//! An answer is recognized by what it holds, in the JSON that `aws` prints; a live scan hands over the same. Accounts come
//! from the ARNs. What cannot be read becomes a [`Gap`] that names the answer and the entry, and the rest is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::iam_answers::{
    AttachedPolicy, ControlAnswer, ControlSummary, CreateDate, GrantEntry, GroupDetail, IamAnswer,
    IdentityDetail, InlinePolicy, ManagedPolicy, named, tags,
};
use super::iam_data::{
    ControlKind, ControlPolicy, IamData, IamIdentity, IdentityKind, KeyGrant, NamedPolicy,
};
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::{AccountId, SecretArn};

/// The policies of a group.
#[derive(Debug, Default)]
struct GroupPolicies {
    inline: Vec<InlinePolicy>,
    attached: Vec<AttachedPolicy>,
}

/// Reads answers of AWS, in any order, into [`IamData`].
#[derive(Debug, Default)]
pub struct IamReader {
    data: IamData,
    identities: BTreeMap<String, (IdentityKind, IdentityDetail)>,
    /// By account and name.
    groups: BTreeMap<(String, String), GroupPolicies>,
    managed: BTreeMap<String, NamedPolicy>,
    /// Targets of control policies, by the id of the policy.
    targets: BTreeMap<String, BTreeSet<String>>,
    /// Control policies that a list names, by id.
    listed: BTreeMap<String, ControlSummary>,
    /// `true` if the last page goes on.
    goes_on: bool,
}

impl IamReader {
    /// Notes something that could not be read.
    pub fn gap(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let gap = Gap::new(GapSource::Iam, None, what, why);
        self.data.gaps.push(gap);
    }

    /// Takes in what one call answered, or an array of pages. The name is that of the file that holds it: where the answer
    /// does not say what it is about, the last part of the name does.
    ///
    /// # Errors
    /// Why nothing of it could be understood, as a phrase. An entry that cannot be read is a gap, and no error.
    pub fn answer(&mut self, name: &str, answer: Value) -> Result<(), String> {
        self.goes_on = false;
        match answer {
            Value::Array(pages) => pages.into_iter().try_for_each(|page| self.page(name, page)),
            page => self.page(name, page),
        }
    }

    /// Returns whether the last page that was taken in says that another one follows.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Notes that the policy of a secret could not be read: what depends on it is not known.
    pub fn unknown_policy(&mut self, secret: SecretArn, why: &str) {
        let policy = NamedPolicy {
            name: secret.name().to_owned(),
            document: Err(why.to_owned()),
        };
        self.data.secret_policies.insert(secret, Some(policy));
    }

    fn page(&mut self, name: &str, page: Value) -> Result<(), String> {
        let answer: IamAnswer = serde_json::from_value(page)
            .map_err(|error| format!("none of the answers of AWS that are read here ({error})"))?;
        let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
        self.goes_on =
            answer.is_truncated || answer.next_token.as_ref().is_some_and(|one| !one.is_null());
        let is_identities = answer.role_detail_list.is_some()
            || answer.user_detail_list.is_some()
            || answer.group_detail_list.is_some();
        let is_known = is_identities
            || answer.policies.is_some()
            || answer.grants.is_some()
            || answer.targets.is_some()
            || answer.organization.is_some()
            || answer.parents.is_some()
            || answer.accounts.is_some()
            || answer.organizational_units.is_some()
            || answer.policy.is_some()
            || answer.arn.is_some() && answer.name.is_some();
        if !is_known {
            return Err("none of the answers of AWS that are read here".to_owned());
        }
        self.details(name, &answer);
        self.policies(name, &answer);
        self.of_secret(name, &answer);
        self.of_key(name, stem, &answer)?;
        self.of_organization(name, stem, answer)
    }

    /// The entries of a list that can be read.
    fn entries<T: DeserializeOwned>(
        &mut self,
        name: &str,
        list: &str,
        entries: Option<&Vec<Value>>,
    ) -> Vec<T> {
        let mut read = Vec::new();
        for (index, entry) in entries.into_iter().flatten().enumerate() {
            match T::deserialize(entry) {
                Ok(entry) => read.push(entry),
                Err(error) => {
                    let what = format!("{name}, entry {} of `{list}`", index + 1);
                    self.gap(what, error.to_string());
                }
            }
        }
        read
    }

    /// `get-account-authorization-details`.
    fn details(&mut self, name: &str, answer: &IamAnswer) {
        let lists = [
            (
                IdentityKind::Role,
                "RoleDetailList",
                &answer.role_detail_list,
            ),
            (
                IdentityKind::User,
                "UserDetailList",
                &answer.user_detail_list,
            ),
        ];
        for (kind, list, entries) in lists {
            let details: Vec<IdentityDetail> = self.entries(name, list, entries.as_ref());
            let keyed = details
                .into_iter()
                .map(|one| (one.arn.clone(), (kind, one)));
            self.identities.extend(keyed);
        }
        let groups: Vec<GroupDetail> =
            self.entries(name, "GroupDetailList", answer.group_detail_list.as_ref());
        for group in groups {
            let key = (account_of(&group.arn).to_owned(), group.group_name);
            let policies = GroupPolicies {
                inline: group.group_policy_list,
                attached: group.attached_managed_policies,
            };
            self.groups.insert(key, policies);
        }
    }

    /// Managed policies of IAM, and summaries of control policies: both are in `Policies`.
    fn policies(&mut self, name: &str, answer: &IamAnswer) {
        let all = answer.policies.iter().flatten().cloned();
        let (managed, listed): (Vec<Value>, Vec<Value>) =
            all.partition(|one| one.get("PolicyVersionList").is_some());
        let managed: Vec<ManagedPolicy> = self.entries(name, "Policies", Some(&managed));
        for policy in managed {
            let document = policy.in_force();
            let missing = || "its version in force is not given".to_owned();
            let read = match document {
                Some(document) => named(&policy.policy_name, document),
                None => NamedPolicy {
                    name: policy.policy_name,
                    document: Err(missing()),
                },
            };
            self.managed.insert(policy.arn, read);
        }
        let listed: Vec<ControlSummary> = self.entries(name, "Policies", Some(&listed));
        let keyed = listed.into_iter().map(|one| (one.id.clone(), one));
        self.listed.extend(keyed);
    }

    /// `get-resource-policy`.
    fn of_secret(&mut self, name: &str, answer: &IamAnswer) {
        let Some(arn) = &answer.arn else {
            return;
        };
        match SecretArn::new(arn) {
            Ok(arn) => {
                let policy = answer.resource_policy.as_ref().filter(|one| !one.is_null());
                let policy = policy.map(|policy| named(arn.name(), policy));
                self.data.secret_policies.insert(arn, policy);
            }
            Err(error) => self.gap(name, error.to_string()),
        }
    }

    /// `get-key-policy` and `list-grants`.
    fn of_key(&mut self, name: &str, stem: &str, answer: &IamAnswer) -> Result<(), String> {
        if let Some(Value::String(policy)) = &answer.policy {
            let key = key_in(stem).ok_or(
                "the policy of a key, and the name of the file does not hold the id of the key",
            )?;
            let policy = named(&format!("key {key}"), &Value::String(policy.clone()));
            self.data.key_policies.insert(key.to_owned(), policy);
        }
        let grants: Vec<GrantEntry> = self.entries(name, "Grants", answer.grants.as_ref());
        for grant in grants {
            let (secret, demands_more) = grant.demands();
            let key = grant.key_id.rsplit('/').next().unwrap_or_default();
            let known = self.data.grants.entry(key.to_owned()).or_default();
            known.push(KeyGrant {
                decrypts: grant.operations.iter().any(|one| one == "Decrypt"),
                grantee: grant.grantee_principal,
                secret,
                demands_more,
            });
        }
        Ok(())
    }

    /// Returns what `organizations` answers.
    fn of_organization(&mut self, name: &str, stem: &str, answer: IamAnswer) -> Result<(), String> {
        let organization = &mut self.data.organization;
        if let Some(facts) = answer.organization {
            organization.id = Some(facts.id);
            let management = facts.master_account_id.as_deref().map(AccountId::new);
            organization.management = management.and_then(Result::ok);
        }
        let accounts = answer.accounts.into_iter().flatten();
        let accounts: Vec<String> = accounts.map(|one| one.id).collect();
        let known = accounts.iter().filter_map(|id| AccountId::new(id).ok());
        organization.accounts.extend(known);
        // `list-accounts-for-parent` and its like: the file is named after the parent.
        let units = answer.organizational_units.into_iter().flatten();
        let children = accounts.into_iter().chain(units.map(|one| one.id));
        if let Some(parent) = word_in(stem, |word| is_unit(word) || is_root(word)) {
            let pairs = children.map(|child| (child, parent.to_owned()));
            organization.parents.extend(pairs);
        }
        if let Some(parents) = answer.parents {
            let child = word_in(stem, |word| is_unit(word) || AccountId::new(word).is_ok())
                .ok_or("a parent, and the name of the file does not hold the id of the child")?;
            let parent = parents.into_iter().next();
            let pair = parent.map(|parent| (child.to_owned(), parent.id));
            organization.parents.extend(pair);
        }
        if let Some(targets) = answer.targets {
            let policy = word_in(stem, is_control)
                .ok_or("targets, and the name of the file does not hold the id of the policy")?;
            let known = self.targets.entry(policy.to_owned()).or_default();
            known.extend(targets.into_iter().map(|one| one.id));
        }
        if let Some(policy @ Value::Object(_)) = answer.policy {
            let ControlAnswer {
                policy_summary: summary,
                content,
            } = serde_json::from_value(policy).map_err(|error| error.to_string())?;
            let policy = named(&summary.name, &content);
            self.control(name, summary, policy);
        }
        Ok(())
    }

    fn control(&mut self, name: &str, summary: ControlSummary, policy: NamedPolicy) {
        let kind = match summary.kind.as_str() {
            "SERVICE_CONTROL_POLICY" => ControlKind::Service,
            "RESOURCE_CONTROL_POLICY" => ControlKind::Resource,
            // Tags, backups, chatbots: they decide nothing about access.
            _ => return,
        };
        if let Err(why) = &policy.document {
            let what = format!("{name}, policy `{}`", policy.name);
            self.gap(what, why.clone());
        }
        let policy = ControlPolicy {
            kind,
            policy,
            targets: None,
        };
        self.data.organization.policies.insert(summary.id, policy);
    }

    /// All that was taken in, put together.
    pub fn finished(mut self) -> IamData {
        for (id, summary) in std::mem::take(&mut self.listed) {
            if !self.data.organization.policies.contains_key(&id) {
                let name = summary.name.clone();
                let policy = if OF_AWS.contains(&id.as_str()) {
                    named(&name, &allows_all())
                } else {
                    NamedPolicy {
                        document: Err("its content is not given".to_owned()),
                        name: name.clone(),
                    }
                };
                self.control(&name, summary, policy);
            }
        }
        for (id, policy) in &mut self.data.organization.policies {
            policy.targets = self.targets.remove(id);
        }
        for (arn, (kind, detail)) in std::mem::take(&mut self.identities) {
            match AccountId::new(account_of(&arn)) {
                Ok(account) => {
                    let identity = self.identity(kind, detail, account);
                    self.data.identities.push(identity);
                }
                Err(_) => self.gap(arn, "it is not the ARN of a role or user"),
            }
        }
        self.data.gaps.sort();
        self.data.gaps.dedup();
        self.data
    }

    fn identity(
        &self,
        kind: IdentityKind,
        detail: IdentityDetail,
        account: AccountId,
    ) -> IamIdentity {
        let mut policies = Vec::new();
        self.attach(
            &detail.inline,
            &detail.attached_managed_policies,
            &mut policies,
        );
        for group in &detail.group_list {
            match self.groups.get(&(account.to_string(), group.clone())) {
                Some(group) => self.attach(&group.inline, &group.attached, &mut policies),
                None => policies.push(NamedPolicy {
                    name: format!("group {group}"),
                    document: Err("the group is not given".to_owned()),
                }),
            }
        }
        let boundary = detail.permissions_boundary.as_ref();
        let trust = detail.assume_role_policy_document.as_ref();
        IamIdentity {
            kind,
            policies,
            boundary: boundary.map(|one| self.managed(&one.permissions_boundary_arn)),
            trust: trust.map(|document| named("trust policy", document)),
            created: detail.create_date.as_ref().and_then(CreateDate::moment),
            tags: tags(detail.tags),
            arn: detail.arn,
            account,
            id: detail.id,
            name: detail.name,
        }
    }

    fn attach(
        &self,
        inline: &[InlinePolicy],
        attached: &[AttachedPolicy],
        policies: &mut Vec<NamedPolicy>,
    ) {
        let inline = inline.iter();
        policies.extend(inline.map(|one| named(&one.policy_name, &one.policy_document)));
        policies.extend(attached.iter().map(|one| self.managed(&one.policy_arn)));
    }

    fn managed(&self, arn: &str) -> NamedPolicy {
        let known = self.managed.get(arn).cloned();
        known.unwrap_or_else(|| NamedPolicy {
            name: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
            document: Err("its document is not given".to_owned()),
        })
    }
}

/// The control policies of AWS itself, which allow everything and cannot be changed.
const OF_AWS: [&str; 2] = ["p-FullAWSAccess", "p-RCPFullAWSAccess"];

fn allows_all() -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"
    }})
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The first word of a file's name that is one of some kind.
fn word_in(stem: &str, is: impl Fn(&str) -> bool) -> Option<&str> {
    let ends = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '-');
    stem.split(ends).find(|word| is(word))
}

/// The id of a key: a UUID, or that of a multi-Region key.
fn key_in(stem: &str) -> Option<&str> {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = |text: &str| {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && text.split('-').all(hex)
    };
    let is_multi_region = |text: &str| {
        let id = text.strip_prefix("mrk-");
        id.is_some_and(|id| id.len() == 32 && hex(id))
    };
    let whole = word_in(stem, |word| is_uuid(word) || is_multi_region(word));
    // `111122223333-us-east-1-<id>.json`: the id is the end of a word.
    let end = |length: usize| {
        let words = stem.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
        let mut ends = words.filter_map(move |word| word.get(word.len().checked_sub(length)?..));
        ends.find(|end| is_uuid(end) || is_multi_region(end))
    };
    whole.or_else(|| end(36))
}

fn is_control(word: &str) -> bool {
    word.starts_with("p-") && word.len() > 2
}

fn is_unit(word: &str) -> bool {
    word.starts_with("ou-") && word.len() > 3
}

fn is_root(word: &str) -> bool {
    word.starts_with("r-") && (6..=34).contains(&word.len())
}
