//! Who may read, joined with who does.
//!
//! Every identity is evaluated for every secret; what is kept are counts by identity, by grant and by secret, so the result
//! does not grow with the pairs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::access::AccessAction;
use super::decide::StatementInPolicy;
use super::document::PolicyStatement;
use super::evaluator::ActionTable;
use super::iam_data::IamData;
use super::narrow::{UsedActions, breadth, narrowed};
use super::trust;
use super::truth::{Doubt, Truth};
use crate::domain::base::names::{AccountId, Scope};
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::{
    Breadth, GrantAdvice, GrantReach, IdentityReach, NAMED, ReachReport, SecretReach,
};

/// The input that a join needs.
pub struct ReachInput<'a> {
    /// The identities that may read.
    pub data: &'a IamData,
    /// The inventory.
    pub secrets: &'a [Secret],
    /// The identities that do read, by the ARN of the role or user.
    pub used: &'a BTreeMap<&'a str, UsedActions>,
    /// The function that returns whether each read in an account and Region within the evidence span would have been
    /// seen.
    pub is_covered: &'a dyn Fn(&Scope) -> bool,
    /// The beginning of the evidence span.
    pub since: Timestamp,
    /// Names of roles and users begin so whose access is kept.
    pub kept: &'a [String],
}

/// The result of the join.
#[derive(Debug, Default)]
pub struct Joined {
    /// The result.
    pub report: ReachReport,
    /// Pairs of identity and secret that fail at the key.
    pub key_mismatches: Vec<KeyMismatch>,
}

/// The half of what a read needs that an identity lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingHalf {
    /// It may read secrets and not use their keys.
    Key,
    /// Its policies let it use keys for secrets, and it may read none of those.
    Secret,
}

/// An identity that has one half of what a read needs.
#[derive(Debug)]
pub struct KeyMismatch {
    /// The half that it lacks.
    pub lacks: MissingHalf,
    /// The ARN of the identity.
    pub reader: String,
    /// The indexes of the secrets.
    pub secret_indexes: Vec<usize>,
}

/// The number of phrases that a row shows of what is not understood.
const MOST_PHRASES: usize = 5;

/// Joins who may read with who does.
pub fn join(input: &ReachInput<'_>) -> Joined {
    let data = input.data;
    let owners: BTreeSet<AccountId> = input
        .secrets
        .iter()
        .map(|secret| secret.arn.scope().account.clone())
        .collect();
    let table = |action| ActionTable::new(data, &owners, action);
    let tables = Tables {
        get: table(AccessAction::GetSecretValue),
        decrypt: table(AccessAction::Decrypt),
        put: table(AccessAction::PutSecretValue),
        update: table(AccessAction::UpdateSecret),
        delete: table(AccessAction::DeleteSecret),
    };
    let row = |secret: &Secret| SecretReach {
        arn: secret.arn.clone(),
        may_read: 0,
        conditional: 0,
        unknown: 0,
        did_read: 0,
        may_change: 0,
        may_delete: 0,
        never_read_by: Vec::new(),
    };
    let mut joined = Joined::default();
    joined.report.secrets = input.secrets.iter().map(row).collect();
    for identity_index in 0..data.identities.len() {
        of_identity(input, &tables, identity_index, &mut joined);
    }
    joined
}

struct Tables<'a> {
    get: ActionTable<'a>,
    decrypt: ActionTable<'a>,
    put: ActionTable<'a>,
    update: ActionTable<'a>,
    delete: ActionTable<'a>,
}

/// The counts of one statement, or of the policies of the secrets.
#[derive(Default)]
struct GrantCount {
    may_read: Vec<usize>,
    read: Vec<usize>,
}

/// The counts of one identity while the secrets are gone through.
struct IdentityCount<'a> {
    row: IdentityReach,
    doubt: Doubt,
    /// One for each statement, and the last one for the policies of secrets.
    grants: Vec<GrantCount>,
    scopes: BTreeSet<&'a Scope>,
    /// Secrets that it may read, and not use their keys.
    mismatched: Vec<usize>,
    /// Secrets that it may not read, although policies of its own let it use their keys for secrets.
    keyed: Vec<usize>,
    /// It may read, perhaps under conditions, a secret with a customer-managed key.
    reads_with_key: bool,
}

impl IdentityCount<'_> {
    /// Notes the answer for one secret; whether the identity may read it, perhaps under conditions.
    fn note(&mut self, answer: Truth, secret: &mut SecretReach) -> bool {
        match answer {
            Truth::No => return false,
            Truth::Yes => {
                self.row.may_read += 1;
                secret.may_read += 1;
            }
            Truth::Maybe(open) if open.unclear.is_empty() => {
                self.row.conditional += 1;
                secret.conditional += 1;
                self.doubt.conditions.extend(open.conditions);
            }
            Truth::Maybe(open) => {
                self.row.unknown += 1;
                secret.unknown += 1;
                self.doubt.unclear.extend(open.unclear);
            }
        }
        true
    }
}

fn of_identity(
    input: &ReachInput<'_>,
    tables: &Tables<'_>,
    identity_index: usize,
    joined: &mut Joined,
) {
    let identity = &input.data.identities[identity_index];
    let none = UsedActions::default();
    let used = input.used.get(identity.arn.as_str()).unwrap_or(&none);
    let counts = &mut joined.report.secrets;
    let mut count = of_secrets(input, tables, identity_index, used, counts);
    let keyed = if count.reads_with_key {
        Vec::new()
    } else {
        std::mem::take(&mut count.keyed)
    };
    let mismatched = std::mem::take(&mut count.mismatched);
    for (lacks, secret_indexes) in [(MissingHalf::Key, mismatched), (MissingHalf::Secret, keyed)] {
        if !secret_indexes.is_empty() {
            joined.key_mismatches.push(KeyMismatch {
                lacks,
                reader: identity.arn.clone(),
                secret_indexes,
            });
        }
    }
    if count.scopes.is_empty() {
        return;
    }
    let mut row = count.row;
    // What it read counts also where its policies do not allow it any more.
    let read = used
        .by_secret
        .keys()
        .filter(|number| used.has(**number, READ));
    let read = read.filter_map(|number| input.secrets.get(*number));
    row.read = read.map(|secret| secret.arn.clone()).collect();
    row.did_read = row.read.len() as u64;
    row.covered &= count.scopes.iter().all(|scope| (input.is_covered)(scope));
    row.assumed_by = trust::phrases(identity);
    let conditions = count.doubt.conditions.into_iter();
    row.conditions = conditions.take(MOST_PHRASES).collect();
    let unclear = count.doubt.unclear.into_iter();
    row.unclear = unclear.take(MOST_PHRASES).collect();
    let mut kept = input.kept.iter();
    let advising = Advising {
        input,
        used,
        get: &tables.get,
        identity_index,
        is_kept: kept.any(|begin| identity.name.starts_with(begin)),
        is_covered: row.covered,
    };
    let statements = &tables.get.sides[identity_index].policies.allow;
    let grants = count.grants.iter().enumerate();
    row.grants = grants
        .filter(|(_, grant)| !grant.may_read.is_empty())
        .map(|(which, grant)| advising.grant(statements.get(which), grant))
        .collect();
    joined.report.identities.push(row);
}

/// Goes through the secrets for one identity.
fn of_secrets<'a>(
    input: &ReachInput<'a>,
    tables: &Tables<'a>,
    identity_index: usize,
    used: &UsedActions,
    counts: &mut [SecretReach],
) -> IdentityCount<'a> {
    let statements = tables.get.sides[identity_index].policies.allow.len();
    let mut count = IdentityCount {
        row: empty(input, identity_index),
        doubt: Doubt::default(),
        grants: Vec::new(),
        scopes: BTreeSet::new(),
        mismatched: Vec::new(),
        keyed: Vec::new(),
        reads_with_key: false,
    };
    let has_keys = has_keys_for_secrets(&tables.decrypt, identity_index);
    count
        .grants
        .resize_with(statements + 1, GrantCount::default);
    for (number, (secret, row)) in input.secrets.iter().zip(counts).enumerate() {
        let changes = tables.put.on_secret(identity_index, secret);
        let changes = changes.or(|| tables.update.on_secret(identity_index, secret));
        row.may_change += u64::from(!changes.is_no());
        row.may_delete += u64::from(!tables.delete.on_secret(identity_index, secret).is_no());
        let of_secret = tables.get.on_secret(identity_index, secret);
        if of_secret.is_no() {
            let may_use = || tables.decrypt.on_key(identity_index, secret).is_yes();
            if has_keys && secret.has_customer_key() && may_use() {
                count.keyed.push(number);
            }
            continue;
        }
        count.reads_with_key |= secret.has_customer_key();
        let on_key = tables.decrypt.on_key(identity_index, secret);
        if of_secret.is_yes() && on_key.is_no() {
            count.mismatched.push(number);
        }
        if !count.note(of_secret.and(|| on_key), row) {
            continue;
        }
        count.scopes.insert(secret.arn.scope());
        let has_read = used.has(number, READ);
        if has_read {
            row.did_read += 1;
        } else {
            count.row.unused += 1;
            if row.never_read_by.len() < NAMED {
                row.never_read_by.push(count.row.reader.clone());
            }
        }
        count_grants(&tables.get, identity_index, secret, &mut |which| {
            let grant = &mut count.grants[which.unwrap_or(statements)];
            grant.may_read.push(number);
            if has_read {
                grant.read.push(number);
            }
        });
    }
    count
}

/// Returns whether a statement of its policies lets it use keys for secrets in particular: its condition names Secrets
/// Manager, by `kms:ViaService` or by the encryption context. Keys that are used for other things, too, say nothing
/// about secrets.
fn has_keys_for_secrets(decrypt: &ActionTable<'_>, identity_index: usize) -> bool {
    let statements = decrypt.sides[identity_index].policies.allow.iter();
    let conditions = statements.filter_map(|one| one.statement.condition.as_ref());
    conditions.into_iter().any(|condition| {
        let text = condition.to_string();
        text.contains("kms:") && text.contains("secretsmanager")
    })
}

/// The row of an identity that nothing was counted of.
fn empty(input: &ReachInput<'_>, identity_index: usize) -> IdentityReach {
    let identity = &input.data.identities[identity_index];
    IdentityReach {
        reader: identity.arn.clone(),
        kind: identity.kind.as_str().to_owned(),
        account: identity.account.clone(),
        assumed_by: Vec::new(),
        may_read: 0,
        conditional: 0,
        conditions: Vec::new(),
        unknown: 0,
        unclear: Vec::new(),
        did_read: 0,
        unused: 0,
        covered: identity.created.is_some_and(|at| at <= input.since),
        read: Vec::new(),
        grants: Vec::new(),
    }
}

/// The API that reads a value.
const READ: &str = "GetSecretValue";

/// Calls with the number of each statement of the identity's policies that lets it read, and with none where the policy of
/// the secret alone does.
fn count_grants<'a>(
    get: &ActionTable<'a>,
    identity_index: usize,
    secret: &'a Secret,
    found: &mut dyn FnMut(Option<usize>),
) {
    let mut is_found = false;
    if let Some(target) = get.target(identity_index, secret) {
        for (which, one) in get.sides[identity_index].policies.allow.iter().enumerate() {
            if !target.applies(one.statement).is_no() {
                found(Some(which));
                is_found = true;
            }
        }
    }
    if !is_found {
        found(None);
    }
}

/// The facts that advice rests on.
struct Advising<'a> {
    input: &'a ReachInput<'a>,
    used: &'a UsedActions,
    get: &'a ActionTable<'a>,
    identity_index: usize,
    /// The policy file keeps what the identity may.
    is_kept: bool,
    is_covered: bool,
}

impl Advising<'_> {
    /// The row of a statement; of the policies of secrets where there is none.
    fn grant(&self, origin: Option<&StatementInPolicy<'_>>, count: &GrantCount) -> GrantReach {
        let statement = origin.map(|one| one.statement);
        let by = statement.map_or(Breadth::Secret, breadth);
        let advice = self.advice(by, count);
        let narrowed = match (advice, statement) {
            (GrantAdvice::Narrow, Some(statement)) => self.narrowed(statement),
            _ => Vec::new(),
        };
        let policy = origin.map_or("policies of secrets", |one| one.policy.name.as_str());
        GrantReach {
            policy: policy.to_owned(),
            sid: statement.and_then(|statement| statement.sid.clone()),
            by,
            may_read: count.may_read.len() as u64,
            did_read: count.read.len() as u64,
            advice,
            narrowed,
        }
    }

    fn advice(&self, by: Breadth, count: &GrantCount) -> GrantAdvice {
        let is_used = |number: &usize| self.used.by_secret.contains_key(number);
        if self.is_kept || count.read.len() == count.may_read.len() {
            GrantAdvice::Keep
        } else if !self.is_covered || matches!(by, Breadth::Tag | Breadth::Secret) {
            GrantAdvice::Open
        } else if count.may_read.iter().any(is_used) {
            GrantAdvice::Narrow
        } else {
            GrantAdvice::Remove
        }
    }

    /// Also what was done with secrets that the statement lets it use and something else keeps it from reading.
    fn narrowed(&self, statement: &PolicyStatement) -> Vec<Value> {
        let used = self.used.by_secret.iter().filter_map(|(number, apis)| {
            let secret = self.input.secrets.get(*number)?;
            let target = self.get.target(self.identity_index, secret)?;
            let applies = !target.applies(statement).is_no();
            applies.then(|| (secret.arn.as_str(), apis))
        });
        narrowed(statement, &used.collect(), &self.used.without_secret)
    }
}

#[cfg(test)]
mod tests;
