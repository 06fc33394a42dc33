//! Findings about reach as it was seen in the window: who reads what, across teams, accounts and people.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::{ReaderIdentity, consumers, listed};
use super::{FindingSearch, ScanFacts, about, general, moment};
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::counted;
use crate::domain::base::names::AccountId;
use crate::domain::base::reader_kind::ReaderKind;
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::FindingRow;
use crate::domain::usage::activity::ReaderUse;

/// The number of names that a finding lists.
const LISTED: usize = 10;

/// Kinds of readers that are programs of the customer.
const PROGRAMS: [ReaderKind; 3] = [ReaderKind::Application, ReaderKind::Cache, ReaderKind::Sync];

/// Adds the findings about reach.
pub(super) fn find(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let mut read_by: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let known = known_accounts(facts);
    for (index, secret) in facts.secrets.iter().enumerate() {
        let readers = consumers(facts, index);
        let active: Vec<_> = readers
            .iter()
            .filter(|reader| reader.used_in(facts.window).is_some())
            .collect();
        for reader in &active {
            if !reader.is_any(&[ReaderKind::Sync, ReaderKind::Service]) {
                read_by.entry(reader.name).or_default().insert(index);
            }
        }
        found.rows.extend(widely_shared(facts, secret, &active));
        found.rows.extend(cross_team(facts, secret, &active));
        found
            .rows
            .extend(cross_account(facts, secret, &active, &known));
        found.rows.extend(people(facts, secret, &readers));
        found.rows.extend(root(facts, index, secret));
    }
    found.rows.extend(
        read_by
            .into_iter()
            .filter_map(|(reader, indexes)| broad(facts, reader, &indexes)),
    );
}

fn widely_shared(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    readers: &[&ReaderIdentity<'_>],
) -> Option<FindingRow> {
    let most = facts.policy.findings.most_consumers;
    if readers.len() as u64 <= most {
        return None;
    }
    let text = format!(
        "{} read it; at most {most} are expected",
        counted(readers.len() as u64, "role or user", "roles or users")
    );
    let names: Vec<_> = readers.iter().map(|reader| reader.short()).collect();
    Some(FindingRow {
        evidence: listed(&names, LISTED),
        ..about(secret, FindingCode::WidelyShared, text)
    })
}

fn broad(facts: &ScanFacts<'_>, reader: &str, indexes: &BTreeSet<usize>) -> Option<FindingRow> {
    let most = facts.policy.findings.most_secrets;
    if indexes.len() as u64 <= most {
        return None;
    }
    let names: Vec<_> = indexes
        .iter()
        .map(|&index| facts.secrets[index].name.as_str())
        .collect();
    let text = format!(
        "it reads {}; at most {most} are expected",
        counted(names.len() as u64, "secret", "secrets")
    );
    Some(FindingRow {
        reader: Some(reader.to_owned()),
        evidence: listed(&names, LISTED),
        ..general(FindingCode::BroadReader, text)
    })
}

/// Readers of another team. Teams of readers are known from the policy file alone: the trail does not show the tags of
/// roles.
fn cross_team(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    readers: &[&ReaderIdentity<'_>],
) -> Option<FindingRow> {
    let owner = secret.owner(&facts.policy.owner_tags)?;
    let teams = &facts.policy.findings.team;
    let others = readers.iter().filter_map(|reader| {
        let own: Vec<_> = teams
            .iter()
            .filter(|team| team.holds(reader.name, reader.short()))
            .collect();
        let is_other = !own.is_empty() && own.iter().all(|team| team.owner != owner);
        is_other.then(|| format!("{} ({})", reader.short(), own[0].owner))
    });
    let others: Vec<_> = others.collect();
    if others.is_empty() {
        return None;
    }
    let text = format!(
        "it belongs to {owner}, and other teams read it: {}",
        listed(&others, LISTED)
    );
    Some(about(secret, FindingCode::CrossTeam, text))
}

/// The accounts that are known to be one's own.
fn known_accounts<'a>(facts: &ScanFacts<'a>) -> BTreeSet<&'a str> {
    let own = facts
        .secrets
        .iter()
        .map(|secret| &secret.arn.scope().account);
    let named = facts.policy.accounts.keys();
    let covered = facts.covered.keys().map(|scope| &scope.account);
    own.chain(named)
        .chain(covered)
        .map(AccountId::as_str)
        .collect()
}

fn cross_account(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    readers: &[&ReaderIdentity<'_>],
    known: &BTreeSet<&str>,
) -> Option<FindingRow> {
    let own = secret.arn.scope().account.as_str();
    let trusted = &facts.policy.findings.trusted_accounts;
    let mut accounts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for reader in readers
        .iter()
        .filter(|reader| !reader.is_any(&[ReaderKind::Service]))
    {
        for slice in reader.slices().filter(|slice| slice.is_read()) {
            let account = slice.access.caller.account.as_str();
            let is_trusted = trusted.iter().any(|one| one.as_str() == account);
            let is_other = !account.is_empty() && account != own && !is_trusted;
            if is_other && slice.span_in(facts.window).is_some() {
                accounts.entry(account).or_default().insert(reader.short());
            }
        }
    }
    let is_strange = accounts.keys().any(|account| !known.contains(account));
    let names: Vec<_> = accounts.keys().copied().collect();
    if names.is_empty() {
        return None;
    }
    let readers: Vec<_> = accounts.values().flatten().copied().collect();
    let text = format!(
        "{} read it: {}{}",
        counted(names.len() as u64, "other account", "other accounts"),
        listed(&names, LISTED),
        if is_strange {
            "; not all of them are in the scan or named in the policy file"
        } else {
            ""
        }
    );
    Some(FindingRow {
        severity: if is_strange {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence: listed(&readers, LISTED),
        ..about(secret, FindingCode::CrossAccountReads, text)
    })
}

/// People who read a secret that programs use.
fn people(
    facts: &ScanFacts<'_>,
    secret: &Secret,
    readers: &[ReaderIdentity<'_>],
) -> Option<FindingRow> {
    let is_program = |reader: &&ReaderIdentity<'_>| {
        reader.is_any(&PROGRAMS) && reader.used_in(facts.evidence).is_some()
    };
    readers.iter().find(is_program)?;
    let mut names = BTreeSet::new();
    let mut latest: Option<(i64, &str)> = None;
    for reader in readers
        .iter()
        .filter(|reader| reader.is_any(&[ReaderKind::Person]))
    {
        for slice in reader.used().filter(|slice| slice.is_read()) {
            if let Some((_, last)) = slice.span_in(facts.window) {
                names.insert(slice.caller_name());
                latest = latest.max(Some((last, reader.name)));
            }
        }
    }
    let (last, reader) = latest?;
    let names: Vec<_> = names.into_iter().collect();
    let text = format!(
        "{} read the value of a secret that programs use: {}",
        counted(names.len() as u64, "person", "people"),
        listed(&names, LISTED)
    );
    Some(FindingRow {
        reader: Some(reader.to_owned()),
        evidence: format!("last read at {}", moment(last)),
        ..about(secret, FindingCode::PersonReads, text)
    })
}

fn root(facts: &ScanFacts<'_>, index: usize, secret: &Secret) -> Option<FindingRow> {
    let slices = facts.activity.secrets[index]
        .values()
        .flat_map(ReaderUse::evidence);
    let by_root =
        slices.filter(|slice| slice.is_read() && slice.access.caller.identity_type == "Root");
    let spans =
        by_root.filter_map(|slice| Some((slice.span_in(facts.window)?.1, &slice.access.caller)));
    let (last, caller) = spans.max_by_key(|(last, _)| *last)?;
    let text = format!("the root user of account {} read the value", caller.account);
    Some(FindingRow {
        reader: Some(caller.identity.clone()),
        evidence: format!("last read at {}", moment(last)),
        ..about(secret, FindingCode::RootReads, text)
    })
}
