//! Findings about access: what is allowed and not used, too wide, for others, to nothing, or stopped by a key.
//!
//! What each kind means is in `base::finding_kinds`.

use std::collections::{BTreeSet, HashSet};

use super::access::AccessAction;
use super::decide::Chosen;
use super::document::PolicyStatement;
use super::fact::{Fact, Facts};
use super::iam_data::{IamData, IamIdentity};
use super::join::{Joined, MissingHalf};
use super::narrow::plain_name;
use super::pattern::{ArnPattern, Signs, split};
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::counted;
use crate::domain::base::names::{AccountId, Scope};
use crate::domain::inventory::secret::Secret;
use crate::domain::policy::Policy;
use crate::domain::report::result::{Breadth, FindingRow, GrantAdvice, GrantReach, IdentityReach};

/// The number of names that a finding lists.
const LISTED: usize = 10;

/// The facts that the findings are made from.
#[derive(Debug)]
pub struct AccessScan<'a> {
    /// The identities that may read.
    pub data: &'a IamData,
    /// The inventory.
    pub secrets: &'a [Secret],
    /// The accounts and Regions whose secrets were listed.
    pub scopes: &'a BTreeSet<Scope>,
    /// The settings.
    pub policy: &'a Policy,
    /// The identities that may read, joined with those that do.
    pub joined: &'a Joined,
}

/// The findings about access, in no particular order.
pub fn access_findings(facts: &AccessScan<'_>) -> Vec<FindingRow> {
    let mut rows = Vec::new();
    for identity in &facts.joined.report.identities {
        rows.extend(unused(identity));
        rows.extend(wildcard(identity));
    }
    rows.extend(facts.secrets.iter().filter_map(|one| foreign(facts, one)));
    let known: HashSet<&str> = facts
        .secrets
        .iter()
        .flat_map(|secret| [secret.arn.name(), secret.arn.resource()])
        .collect();
    let identities = facts.data.identities.iter();
    rows.extend(identities.filter_map(|one| orphan(facts, &known, one)));
    rows.extend(key_mismatches(facts));
    rows.retain(|row| facts.policy.findings.is_on(&row.code));
    rows
}

fn about_reader(reader: &str, account: &AccountId, row: FindingRow) -> FindingRow {
    FindingRow {
        reader: Some(reader.to_owned()),
        account: Some(account.clone()),
        ..row
    }
}

fn secrets(many: u64) -> String {
    counted(many, "secret", "secrets")
}

/// The policies and statements of grants.
fn named(grants: &[&GrantReach]) -> String {
    let one = |grant: &&GrantReach| match &grant.sid {
        Some(sid) => format!("{} ({sid})", grant.policy),
        None => grant.policy.clone(),
    };
    let names: BTreeSet<String> = grants.iter().map(one).collect();
    listed(names.into_iter())
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let many = names.len();
    let mut shown: Vec<String> = names.take(LISTED).collect();
    if many > LISTED {
        shown.push(format!("and {} more", many - LISTED));
    }
    shown.join(", ")
}

fn unused(identity: &IdentityReach) -> Option<FindingRow> {
    let is_too_much =
        |grant: &&GrantReach| matches!(grant.advice, GrantAdvice::Narrow | GrantAdvice::Remove);
    let grants: Vec<&GrantReach> = identity.grants.iter().filter(is_too_much).collect();
    if grants.is_empty() || !identity.covered || identity.unused == 0 {
        return None;
    }
    let may = identity.unused + identity.did_read;
    let text = format!(
        "it may read {} and read {} of them within the idle time",
        secrets(may),
        identity.did_read
    );
    let found = FindingRow::general(FindingCode::UnusedAccess, text, named(&grants));
    Some(about_reader(&identity.reader, &identity.account, found))
}

fn wildcard(identity: &IdentityReach) -> Option<FindingRow> {
    let wide: Vec<&GrantReach> = identity
        .grants
        .iter()
        .filter(|grant| grant.by == Breadth::Wildcard && grant.may_read > 1)
        .collect();
    let most = wide.iter().map(|grant| grant.may_read).max()?;
    let text = format!("a wildcard lets it read {}", secrets(most));
    let found = FindingRow::general(FindingCode::WildcardAccess, text, named(&wide));
    Some(about_reader(&identity.reader, &identity.account, found))
}

/// Everybody, or other accounts, by the policy of the secret.
fn foreign(facts: &AccessScan<'_>, secret: &Secret) -> Option<FindingRow> {
    let policy = facts.data.secret_policies.get(&secret.arn)?.as_ref()?;
    let own = &secret.arn.scope().account;
    let trusted = &facts.policy.findings.trusted_accounts;
    let mut known: BTreeSet<&AccountId> = facts.data.accounts();
    known.extend(facts.scopes.iter().map(|scope| &scope.account));
    known.extend(facts.policy.accounts.keys());
    known.extend(&facts.data.organization.accounts);
    let mut found: Option<(Severity, String)> = None;
    let chosen = Chosen::new([policy], AccessAction::GetSecretValue);
    for one in &chosen.allow {
        for who in outsiders(one.statement, own) {
            let (severity, words) = match &who {
                Outsider::Everybody if has_conditions(one.statement) => {
                    (Severity::Medium, "everybody, under conditions".to_owned())
                }
                Outsider::Everybody => (Severity::High, "everybody".to_owned()),
                Outsider::Account(account) if trusted.contains(account) => continue,
                Outsider::Account(account) if known.contains(account) => {
                    (Severity::Low, format!("account {account}"))
                }
                Outsider::Account(account) => (
                    Severity::High,
                    format!("account {account}, which is not known"),
                ),
            };
            found = Some(match found {
                None => (severity, words),
                Some((worst, all)) if all.contains(&words) => (worst.min(severity), all),
                Some((worst, all)) => (worst.min(severity), format!("{all}; {words}")),
            });
        }
    }
    let (severity, words) = found?;
    let scope = secret.arn.scope();
    let text = format!("its policy lets others read it: {words}");
    Some(FindingRow {
        severity,
        arn: Some(secret.arn.clone()),
        name: secret.name.clone(),
        account: Some(scope.account.clone()),
        region: Some(scope.region.clone()),
        ..FindingRow::general(FindingCode::PublicOrForeignAccess, text, String::new())
    })
}

enum Outsider {
    Everybody,
    Account(AccountId),
}

fn has_conditions(statement: &PolicyStatement) -> bool {
    statement.condition_keys().next().is_some()
}

fn outsiders(statement: &PolicyStatement, own: &AccountId) -> Vec<Outsider> {
    let Some(principals) = &statement.principals else {
        return Vec::new();
    };
    if principals.not {
        return vec![Outsider::Everybody];
    }
    let mut found = Vec::new();
    for (kind, name) in &principals.named {
        if name == "*" {
            found.push(Outsider::Everybody);
        } else if kind == "AWS" {
            let account = name.split(':').nth(4).unwrap_or(name);
            if let Ok(account) = AccountId::new(account)
                && account != *own
            {
                found.push(Outsider::Account(account));
            }
        }
    }
    found
}

/// Condition keys are not asked about where only the resource counts.
struct Nothing;

impl Facts for Nothing {
    fn fact(&self, _: &str) -> Fact<'_> {
        Fact::Absent
    }
}

/// Secrets that its policies name one by one, and that do not exist.
fn orphan(
    facts: &AccessScan<'_>,
    known: &HashSet<&str>,
    identity: &IamIdentity,
) -> Option<FindingRow> {
    let mut missing = BTreeSet::new();
    let chosen = Chosen::new(&identity.policies, AccessAction::GetSecretValue);
    for one in &chosen.allow {
        for resource in one.statement.resources() {
            if !exists(facts, known, resource) {
                missing.insert(resource.clone());
            }
        }
    }
    if missing.is_empty() {
        return None;
    }
    let many = counted(missing.len() as u64, "secret that does", "secrets that do");
    let text = format!("its policies name {many} not exist");
    let evidence = listed(missing.into_iter());
    let found = FindingRow::general(FindingCode::OrphanAccess, text, evidence);
    Some(about_reader(&identity.arn, &identity.account, found))
}

/// Returns whether a resource that names one secret means one of the inventory. What names none or several, or is in an
/// account or Region that was not listed, cannot be judged. `known` are the names of all secrets, with and without the
/// six characters.
fn exists(facts: &AccessScan<'_>, known: &HashSet<&str>, resource: &str) -> bool {
    let Some([_, "secretsmanager", region, account, name]) = split(resource) else {
        return true;
    };
    let Some(one) = name.strip_prefix("secret:").and_then(plain_name) else {
        return true;
    };
    let is_listed = facts
        .scopes
        .iter()
        .any(|scope| scope.account.as_str() == account && scope.region.as_str() == region);
    if !is_listed {
        return true;
    }
    let pattern = ArnPattern::new(
        resource,
        Signs {
            wildcards: true,
            variables: false,
        },
    );
    let fits = |secret: &Secret| {
        let arn = split(secret.arn.as_str());
        let fits = arn.and_then(|arn| pattern.fits(&arn, &Nothing));
        fits.is_some_and(|fits| fits.is_yes())
    };
    let is_named = |secret: &&Secret| [secret.arn.name(), secret.arn.resource()].contains(&one);
    // The usual case is a secret of that name. `db-*` may also mean `db-prod`, which has another.
    let mut secrets = facts.secrets.iter();
    known.contains(one) && secrets.clone().filter(is_named).any(fits) || secrets.any(fits)
}

fn key_mismatches(facts: &AccessScan<'_>) -> impl Iterator<Item = FindingRow> {
    facts.joined.key_mismatches.iter().map(|one| {
        let names = one.secret_indexes.iter();
        let names = names.map(|index| facts.secrets[*index].name.clone());
        let many = one.secret_indexes.len() as u64;
        let text = if one.lacks == MissingHalf::Secret {
            format!(
                "it may use the key of {} and read none of them",
                secrets(many)
            )
        } else {
            let keys = if many == 1 { "its key" } else { "their keys" };
            format!("it may read {} and may not use {keys}", secrets(many))
        };
        let found = FindingRow::general(FindingCode::KeyMismatch, text, listed(names));
        let account = one.reader.split(':').nth(4);
        let account = account.and_then(|account| AccountId::new(account).ok());
        FindingRow {
            reader: Some(one.reader.clone()),
            account,
            ..found
        }
    })
}

/// Sentences about what was not given, and what follows.
pub fn unjudged(data: &IamData, inventory: &[Secret]) -> Vec<String> {
    let mut said = Vec::new();
    let known = data.accounts();
    let owners: BTreeSet<&AccountId> = inventory
        .iter()
        .map(|secret| &secret.arn.scope().account)
        .collect();
    let without: Vec<String> = owners
        .iter()
        .filter(|account| !known.contains(**account))
        .map(ToString::to_string)
        .collect();
    if !without.is_empty() {
        said.push(format!(
            "No IAM data was given for {}: who may read from there is not known.",
            listed(without.into_iter())
        ));
    }
    let open = inventory
        .iter()
        .filter(|secret| !data.secret_policies.contains_key(&secret.arn));
    let open = open.count() as u64;
    if open > 0 {
        said.push(format!(
            "The policies of {} were not given, so they are treated as having none.",
            secrets(open)
        ));
    }
    if data.organization.policies.is_empty() {
        said.push(
            "The policies of the organization were not given, so who may read is judged as if there were none.".to_owned(),
        );
    }
    said
}
