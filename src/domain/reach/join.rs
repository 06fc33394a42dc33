//! Who may read, joined with who does.
//!
//! Every identity is evaluated for every secret; what is kept are counts by identity, by grant and by secret, so the result
//! does not grow with the pairs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::access::AccessAction;
use super::decide::Placed;
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

/// What a join needs.
pub struct ReachInput<'a> {
    /// Who may.
    pub data: &'a IamData,
    /// The inventory.
    pub secrets: &'a [Secret],
    /// Who does: by the ARN of the role or user.
    pub used: &'a BTreeMap<&'a str, UsedActions>,
    /// Whether each read in an account and Region within the evidence span would have been seen.
    pub is_covered: &'a dyn Fn(&Scope) -> bool,
    /// Where the evidence span begins.
    pub since: Timestamp,
    /// Names of roles and users begin so whose access is kept.
    pub kept: &'a [String],
}

/// What the join found.
#[derive(Debug, Default)]
pub struct Joined {
    /// The result.
    pub report: ReachReport,
    /// Pairs of identity and secret that fail at the key.
    pub key_mismatches: Vec<KeyMismatch>,
}

/// An identity that may read secrets and not use their keys.
#[derive(Debug)]
pub struct KeyMismatch {
    /// The ARN of the identity.
    pub reader: String,
    /// Places of the secrets.
    pub places: Vec<usize>,
}

/// How many phrases a row shows of what is not understood.
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
    for place in 0..data.identities.len() {
        of_identity(input, &tables, place, &mut joined);
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

fn of_identity(input: &ReachInput<'_>, tables: &Tables<'_>, place: usize, joined: &mut Joined) {
    let identity = &input.data.identities[place];
    let statements: &[Placed<'_>] = &tables.get.sides[place].policies.allow;
    let none = UsedActions::new();
    let used = input.used.get(identity.arn.as_str()).unwrap_or(&none);
    let mut row = IdentityReach {
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
    };
    let mut doubt = Doubt::default();
    let mut grants: Vec<GrantCount> = Vec::new();
    grants.resize_with(statements.len() + 1, GrantCount::default);
    let mut scopes: BTreeSet<&Scope> = BTreeSet::new();
    let mut mismatched = Vec::new();
    for (number, secret) in input.secrets.iter().enumerate() {
        let counts = &mut joined.report.secrets[number];
        let changes = tables
            .put
            .on_secret(place, secret)
            .or(|| tables.update.on_secret(place, secret));
        counts.may_change += u64::from(!changes.is_no());
        counts.may_delete += u64::from(!tables.delete.on_secret(place, secret).is_no());
        let of_secret = tables.get.on_secret(place, secret);
        if of_secret.is_no() {
            continue;
        }
        let on_key = tables.decrypt.on_key(place, secret);
        if of_secret.is_yes() && on_key.is_no() {
            mismatched.push(number);
        }
        let has_read = used.get(&number).is_some_and(|apis| apis.contains(READ));
        match of_secret.and(|| on_key) {
            Truth::No => continue,
            Truth::Yes => {
                row.may_read += 1;
                counts.may_read += 1;
            }
            Truth::Maybe(open) if open.unclear.is_empty() => {
                row.conditional += 1;
                counts.conditional += 1;
                doubt.conditions.extend(open.conditions);
            }
            Truth::Maybe(open) => {
                row.unknown += 1;
                counts.unknown += 1;
                doubt.unclear.extend(open.unclear);
            }
        }
        scopes.insert(secret.arn.scope());
        if has_read {
            counts.did_read += 1;
        } else {
            row.unused += 1;
            if counts.never_read_by.len() < NAMED {
                counts.never_read_by.push(identity.arn.clone());
            }
        }
        count_grants(&tables.get, place, secret, &mut |which| {
            let which = which.unwrap_or(statements.len());
            grants[which].may_read.push(number);
            if has_read {
                grants[which].read.push(number);
            }
        });
    }
    // What it read counts also where its policies do not allow it any more.
    let read = used.iter().filter(|(_, apis)| apis.contains(READ));
    let read = read.filter_map(|(number, _)| input.secrets.get(*number));
    row.read = read.map(|secret| secret.arn.clone()).collect();
    row.did_read = row.read.len() as u64;
    row.covered &= scopes.iter().all(|scope| (input.is_covered)(scope));
    if !mismatched.is_empty() {
        joined.key_mismatches.push(KeyMismatch {
            reader: identity.arn.clone(),
            places: mismatched,
        });
    }
    if scopes.is_empty() {
        return;
    }
    row.assumed_by = trust::phrases(identity);
    row.conditions = doubt.conditions.into_iter().take(MOST_PHRASES).collect();
    row.unclear = doubt.unclear.into_iter().take(MOST_PHRASES).collect();
    let is_kept = input
        .kept
        .iter()
        .any(|begin| identity.name.starts_with(begin));
    let open = is_kept || !row.covered;
    let whole = grants.iter().enumerate();
    for (which, count) in whole.filter(|(_, count)| !count.may_read.is_empty()) {
        let grant = grant(input, statements.get(which), count, used, open, is_kept);
        row.grants.push(grant);
    }
    joined.report.identities.push(row);
}

/// The API that reads a value.
const READ: &str = "GetSecretValue";

/// Calls with the number of each statement of the identity's policies that lets it read, and with none where the policy of
/// the secret alone does.
fn count_grants<'a>(
    get: &ActionTable<'a>,
    place: usize,
    secret: &'a Secret,
    found: &mut dyn FnMut(Option<usize>),
) {
    let mut is_found = false;
    if let Some(target) = get.target(place, secret) {
        for (which, one) in get.sides[place].policies.allow.iter().enumerate() {
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

fn grant(
    input: &ReachInput<'_>,
    placed: Option<&Placed<'_>>,
    count: &GrantCount,
    used: &UsedActions,
    open: bool,
    is_kept: bool,
) -> GrantReach {
    let by = placed.map_or(Breadth::Secret, |one| breadth(one.statement));
    let (may_read, did_read) = (count.may_read.len() as u64, count.read.len() as u64);
    let advice = match by {
        _ if is_kept || did_read == may_read => GrantAdvice::Keep,
        _ if open => GrantAdvice::Open,
        Breadth::Tag | Breadth::Secret => GrantAdvice::Open,
        _ if did_read == 0 && !is_used(count, used) => GrantAdvice::Remove,
        _ => GrantAdvice::Narrow,
    };
    let statement = placed.map(|one| one.statement);
    let narrowed = match (advice, statement) {
        (GrantAdvice::Narrow, Some(statement)) => narrowing(input, statement, count, used),
        _ => Vec::new(),
    };
    GrantReach {
        policy: placed.map_or_else(
            || "policies of secrets".to_owned(),
            |one| one.policy.name.clone(),
        ),
        sid: statement.and_then(|statement| statement.sid.clone()),
        by,
        may_read,
        did_read,
        advice,
        narrowed,
    }
}

/// Whether anything was done with a secret of the grant, even if the value was not read.
fn is_used(count: &GrantCount, used: &UsedActions) -> bool {
    count
        .may_read
        .iter()
        .any(|number| used.contains_key(number))
}

fn narrowing(
    input: &ReachInput<'_>,
    statement: &PolicyStatement,
    count: &GrantCount,
    used: &UsedActions,
) -> Vec<serde_json::Value> {
    let of_grant = count.may_read.iter().filter_map(|number| {
        let apis = used.get(number)?;
        Some((input.secrets[*number].arn.as_str(), apis))
    });
    narrowed(statement, &of_grant.collect())
}
