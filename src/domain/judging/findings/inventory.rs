//! Findings that the inventory shows: owners, names, replicas, keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{FindingSearch, ScanFacts, about, last_use, moment};
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::counted;
use crate::domain::base::names::Scope;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::inventory::secret::{Secret, day_of};
use crate::domain::report::result::FindingRow;
use crate::domain::trail::calls::CallOutcome;

/// Adds the findings that the inventory shows.
pub(super) fn find(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    owners(facts, found);
    replicas(facts, found);
    let names = ListedNames::of(facts.secrets);
    for (index, secret) in judged(facts) {
        found.rows.extend(names.arn_like(secret));
        found.rows.extend(names.duplicate(secret));
        found.rows.extend(naming(facts, secret));
        found.rows.extend(undescribed(secret));
        found.rows.extend(default_key(facts, index, secret));
    }
}

/// The secrets whose names and tags somebody chose: replicas have those of their primary, other AWS services choose their
/// own, and what is pending deletion needs nothing more.
fn judged<'a>(facts: &ScanFacts<'a>) -> impl Iterator<Item = (usize, &'a Secret)> {
    facts.secrets.iter().enumerate().filter(|(_, secret)| {
        let is_own = secret.owner_service().is_none() && !secret.is_replica();
        is_own && secret.deleted.is_none()
    })
}

fn owners(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let keys = &facts.policy.owner_tags;
    let without: Vec<_> = judged(facts)
        .filter(|(_, secret)| secret.owner(keys).is_none())
        .map(|(_, secret)| secret)
        .collect();
    let tags = keys.join("`, `");
    if !without.is_empty() && without.len() == judged(facts).count() {
        if facts.policy.findings.is_on(&FindingCode::NoOwner) {
            found.unjudged.push(format!(
                "Owners are not judged: no secret has a tag of `{tags}` (`[owner] tags` in the policy file)."
            ));
        }
        return;
    }
    found.rows.extend(without.into_iter().map(|secret| {
        let text = format!("it has no owner tag (`{tags}`)");
        about(secret, FindingCode::NoOwner, text)
    }));
}

/// The names of the inventory.
struct ListedNames<'a> {
    /// By account and Region.
    by_scope: BTreeSet<(&'a Scope, &'a str)>,
    /// The scopes in which each name of an account is by itself: not as a replica, and not replicated.
    alone: BTreeMap<(&'a str, &'a str), Vec<&'a Scope>>,
}

impl<'a> ListedNames<'a> {
    fn of(secrets: &'a [Secret]) -> Self {
        let mut alone: BTreeMap<_, Vec<&Scope>> = BTreeMap::new();
        for secret in secrets {
            if secret.primary_region.is_none() && secret.deleted.is_none() {
                let scope = secret.arn.scope();
                let key = (scope.account.as_str(), secret.name.as_str());
                alone.entry(key).or_default().push(scope);
            }
        }
        let names = secrets.iter().map(|it| (it.arn.scope(), it.name.as_str()));
        Self {
            by_scope: names.collect(),
            alone,
        }
    }

    /// The end of a name that looks like the six characters AWS adds to an ARN. Many names end in a hyphen and a word of
    /// six letters (`client-secret`): that alone is none. It is one if it has digits or changes case within, as made-up
    /// characters do, or if there is a secret of the name without it.
    fn arn_like(&self, secret: &Secret) -> Option<FindingRow> {
        let (rest, end) = secret.name.rsplit_once('-')?;
        let is_suffix = end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_suffix || rest.is_empty() {
            return None;
        }
        let digits = end.bytes().filter(u8::is_ascii_digit).count();
        let is_made_up = (1..6).contains(&digits)
            || end.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
                && end.bytes().any(|byte| byte.is_ascii_lowercase());
        let twin = self.by_scope.contains(&(secret.arn.scope(), rest));
        let text = match (twin, is_made_up) {
            (true, _) => format!(
                "its name is that of another secret, `{rest}`, with an ending like that of an ARN"
            ),
            (false, true) => format!("its name ends like an ARN (`-{end}`)"),
            (false, false) => return None,
        };
        Some(about(secret, FindingCode::ArnLikeName, text))
    }

    fn duplicate(&self, secret: &Secret) -> Option<FindingRow> {
        let own = secret.arn.scope();
        let scopes = self
            .alone
            .get(&(own.account.as_str(), secret.name.as_str()))?;
        // Said once, of the first.
        if scopes.len() < 2 || *scopes.iter().min()? != own {
            return None;
        }
        let regions: BTreeSet<_> = scopes.iter().map(|scope| scope.region.as_str()).collect();
        let regions: Vec<_> = regions.into_iter().collect();
        let text = format!(
            "secrets of this name stand in {} without replication: {}",
            counted(regions.len() as u64, "Region", "Regions"),
            regions.join(", ")
        );
        Some(about(secret, FindingCode::DuplicateName, text))
    }
}

fn naming(facts: &ScanFacts<'_>, secret: &Secret) -> Option<FindingRow> {
    let account = &secret.arn.scope().account;
    let rules = facts.policy.findings.naming.iter().filter(|rule| {
        rule.account.as_ref().is_none_or(|asked| asked == account)
            && secret
                .name
                .starts_with(rule.prefix.as_deref().unwrap_or(""))
    });
    let broken = rules.into_iter().find(|rule| !rule.fits(&secret.name))?;
    let text = format!("its name does not match `{}`", broken.pattern());
    Some(about(secret, FindingCode::Naming, text))
}

fn undescribed(secret: &Secret) -> Option<FindingRow> {
    let text = secret.description.as_deref().unwrap_or("");
    let is_empty = text.trim().is_empty();
    is_empty.then(|| {
        let text = "it has no description".to_owned();
        about(secret, FindingCode::NoDescription, text)
    })
}

/// A reader of another account is refused, and the secret has the AWS managed key, which no other account can use.
fn default_key(facts: &ScanFacts<'_>, index: usize, secret: &Secret) -> Option<FindingRow> {
    if secret.has_customer_key() || !secret.access_is_known {
        return None;
    }
    let own = secret.arn.scope().account.as_str();
    for (reader, what) in &facts.activity.secrets[index] {
        if reader.kind == ReaderKind::Ourselves {
            continue;
        }
        let refused = what.evidence().filter(|slice| {
            let account = slice.access.caller.account.as_str();
            let refusal = matches!(
                slice.access.outcome,
                CallOutcome::Denied | CallOutcome::KmsDenied
            );
            refusal && slice.asks_for_value() && !account.is_empty() && account != own
        });
        let spans = refused.filter_map(|slice| {
            let (_, last) = slice.span_in(facts.window)?;
            Some((last, slice.access.caller.account.clone()))
        });
        if let Some((last, account)) = spans.max() {
            let text = format!(
                "{} of account {account} asks for it and is refused; it is encrypted with the AWS managed key, which other \
                 accounts cannot use",
                name_of(&reader.identity)
            );
            return Some(FindingRow {
                reader: Some(reader.identity.clone()),
                evidence: format!("last refused at {}", moment(last)),
                ..about(secret, FindingCode::DefaultKeyShared, text)
            });
        }
    }
    None
}

/// Replicas that nobody reads, while somebody reads the primary or another replica.
fn replicas(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let primaries: HashMap<_, _> = facts
        .secrets
        .iter()
        .enumerate()
        .filter(|(_, secret)| secret.primary_region.is_some() && !secret.is_replica())
        .map(|(index, secret)| ((&secret.arn.scope().account, secret.arn.resource()), index))
        .collect();
    let mut uncovered = 0_u64;
    for (index, secret) in facts.secrets.iter().enumerate() {
        let key = (&secret.arn.scope().account, secret.arn.resource());
        let Some(&primary) = primaries.get(&key).filter(|_| secret.is_replica()) else {
            continue;
        };
        let is_wanted = is_read(facts, index) || is_asked_for(facts, index);
        if secret.deleted.is_some() || is_young(facts, secret) || is_wanted {
            continue;
        }
        // An idle group is judged as a whole: its replicas go with the primary.
        if !is_read(facts, primary) {
            continue;
        }
        let (from, to) = (facts.idle_since().as_second(), facts.evidence.to);
        if !secret.access_is_known || !facts.is_covered(secret.arn.scope(), from, to) {
            uncovered += 1;
            continue;
        }
        let text = format!(
            "nobody has read this replica of {} for {}; it costs as much as a secret",
            secret
                .primary_region
                .as_ref()
                .map_or("", |region| region.as_str()),
            counted(u64::from(facts.policy.idle_days), "day", "days")
        );
        found
            .rows
            .push(about(secret, FindingCode::IdleReplica, text));
    }
    if uncovered > 0 && facts.policy.findings.is_on(&FindingCode::IdleReplica) {
        found.unjudged.push(format!(
            "Whether {} read could not be judged: the trail does not cover the idle time there.",
            counted(uncovered, "replica is", "replicas are")
        ));
    }
}

/// Returns whether it was created within the idle time, or nobody knows when.
fn is_young(facts: &ScanFacts<'_>, secret: &Secret) -> bool {
    secret
        .created
        .is_none_or(|created| created > facts.idle_since())
}

/// Returns whether somebody read it within the idle time and the day before it, by the trail or by `LastAccessedDate`.
pub(super) fn is_read(facts: &ScanFacts<'_>, index: usize) -> bool {
    let since = facts.idle_since();
    let edge = day_of(since).checked_sub(jiff::ToSpan::day(1));
    let accessed = facts.secrets[index].last_accessed;
    let by_date = accessed.is_some_and(|day| edge.is_ok_and(|edge| day >= edge));
    let used = last_use(&facts.activity.secrets[index], facts.policy);
    by_date || used.is_some_and(|at| at >= since.as_second())
}

/// Returns whether a consumer asked for its value within the idle time, however the call ended.
fn is_asked_for(facts: &ScanFacts<'_>, index: usize) -> bool {
    let since = facts.idle_since().as_second();
    facts.activity.secrets[index].iter().any(|(reader, what)| {
        let mut calls = what.evidence();
        let asks = calls.any(|slice| slice.asks_for_value() && slice.last() >= since);
        facts.policy.is_consumer(reader.kind) && asks
    })
}
