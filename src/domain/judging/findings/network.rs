//! Findings about the way of reads, by reader: past the VPC endpoint, with long-lived keys from the internet, or with an
//! old version of TLS.
//!
//! A person sits anywhere, a deploy runs anywhere, and an AWS service calls from inside: but for TLS they are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::{ReaderIdentity, consumers, is_public, is_through_endpoint, listed};
use super::{FindingSearch, ScanFacts, general, moment};
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::counted;
use crate::domain::base::names::Scope;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::base::span::DAY_S;
use crate::domain::report::result::FindingRow;
use crate::domain::trail::event::TlsVersion;

const PROGRAMS: [ReaderKind; 3] = [ReaderKind::Application, ReaderKind::Cache, ReaderKind::Sync];

/// A reader that read through an endpoint on so many days before has a usual way.
const USUAL_DAYS: usize = 7;

/// The first and the last call of one way, how many there were in the window, and the days.
#[derive(Debug, Default)]
struct Way {
    first: Option<i64>,
    last: Option<i64>,
    calls: u64,
    days: BTreeSet<i64>,
}

impl Way {
    fn add(&mut self, first: i64, last: i64, calls: u64) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = self.last.max(Some(last));
        self.calls += calls;
        self.days.insert(first.div_euclid(DAY_S));
    }
}

/// The ways of one reader in one account and Region.
#[derive(Debug, Default)]
struct Ways<'a> {
    private: Way,
    public: Way,
    /// Secrets that it read over the public way in the window.
    secrets: BTreeSet<usize>,
    /// It has long-lived keys.
    is_user: bool,
    /// Only a sample of the calls was seen.
    is_sampled: bool,
    name: &'a str,
}

/// Adds the findings about the network.
pub(super) fn find(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let mut ways: BTreeMap<(&Scope, &str), Ways<'_>> = BTreeMap::new();
    let mut through_endpoint: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (index, secret) in facts.secrets.iter().enumerate() {
        for reader in consumers(facts, index) {
            if reader.is_only(&PROGRAMS) {
                let way = ways.entry((secret.arn.scope(), reader.name)).or_default();
                way.name = reader.name;
                if way.add(facts, index, &reader) {
                    through_endpoint
                        .entry(index)
                        .or_default()
                        .insert(reader.name);
                }
            }
        }
    }
    let mut users: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    let mut unjudged = 0_u64;
    for ((scope, name), way) in &ways {
        if way.is_user && way.public.calls > 0 {
            let user = users.entry(name).or_default();
            user.0 += way.public.calls;
            user.1 = user.1.max(way.public.last.unwrap_or(0));
        }
        match new_network(facts, scope, way) {
            Judged::Row(row) => found.rows.push(*row),
            Judged::Silent => found
                .rows
                .extend(outside(facts, scope, way, &through_endpoint)),
            Judged::Unknown => {
                unjudged += 1;
                found
                    .rows
                    .extend(outside(facts, scope, way, &through_endpoint));
            }
        }
    }
    if unjudged > 0 && facts.policy.findings.is_on(&FindingCode::NewNetwork) {
        found.unjudged.push(format!(
            "Whether {} new could not be judged: the trail does not cover the time before.",
            counted(
                unjudged,
                "public network path is",
                "public network paths are"
            )
        ));
    }
    old_tls(facts, found);
    found.rows.extend(users.into_iter().map(|(name, (calls, last))| {
        let text = format!(
            "an IAM user with long-lived keys made {} from public addresses, through no VPC endpoint",
            counted(calls, "read", "reads")
        );
        FindingRow {
            reader: Some(name.to_owned()),
            evidence: format!("last read at {}", moment(last)),
            ..general(FindingCode::PublicAddress, text)
        }
    }));
}

impl Ways<'_> {
    /// Takes in the reads of a reader. Returns whether some of the window came through an endpoint.
    fn add(&mut self, facts: &ScanFacts<'_>, index: usize, reader: &ReaderIdentity<'_>) -> bool {
        let mut through_endpoint = false;
        for slice in reader.used() {
            self.is_sampled |= !slice.access.sampled.is_empty();
            self.is_user |= slice.access.caller.identity_type == "IAMUser";
            for cell in slice.cells() {
                if !facts.evidence.holds(cell.first()) {
                    continue;
                }
                let in_window = facts.window.holds(cell.first());
                let calls = if in_window { u64::from(cell.calls) } else { 0 };
                if is_public(slice, cell) {
                    self.public.add(cell.first(), cell.last(), calls);
                    if in_window {
                        self.secrets.insert(index);
                    }
                } else if is_through_endpoint(slice, cell) {
                    self.private.add(cell.first(), cell.last(), calls);
                    through_endpoint |= in_window;
                }
            }
        }
        through_endpoint
    }
}

/// The calls that one reader made with an old version of TLS in one account and Region.
#[derive(Debug, Default)]
struct OldTls<'a> {
    versions: BTreeSet<TlsVersion>,
    secrets: BTreeSet<&'a str>,
    calls: u64,
    last: i64,
    name: &'a str,
}

fn old_tls(facts: &ScanFacts<'_>, found: &mut FindingSearch) {
    let mut readers: BTreeMap<(&Scope, &str), OldTls<'_>> = BTreeMap::new();
    for (index, secret) in facts.secrets.iter().enumerate() {
        for reader in consumers(facts, index) {
            for slice in reader.slices() {
                let is_old = match slice.access.tls {
                    TlsVersion::Old => true,
                    TlsVersion::V1_2 => facts.policy.findings.require_tls_1_3,
                    TlsVersion::V1_3 | TlsVersion::Unknown => false,
                };
                let Some((_, last)) = slice.span_in(facts.window).filter(|_| is_old) else {
                    continue;
                };
                let old = readers
                    .entry((secret.arn.scope(), reader.name))
                    .or_default();
                old.versions.insert(slice.access.tls);
                old.secrets.insert(&secret.name);
                old.calls += slice.calls_in(facts.window);
                old.last = old.last.max(last);
                old.name = reader.name;
            }
        }
    }
    found
        .rows
        .extend(readers.into_iter().map(|((scope, _), old)| {
            let is_old = old.versions.contains(&TlsVersion::Old);
            let (severity, version) = if is_old {
                (Severity::Medium, "a version of TLS before 1.2")
            } else {
                (Severity::Low, "TLS 1.2")
            };
            let secrets: Vec<&str> = old.secrets.into_iter().collect();
            let text = format!(
                "{} made {} with {version}, about {}",
                name_of(old.name),
                counted(old.calls, "call", "calls"),
                listed(&secrets, 5)
            );
            FindingRow {
                severity,
                account: Some(scope.account.clone()),
                region: Some(scope.region.clone()),
                reader: Some(old.name.to_owned()),
                evidence: format!("last call at {}", moment(old.last)),
                ..general(FindingCode::OldTls, text)
            }
        }));
}

/// So many of something over the public way, of which a sample shows some.
fn number(way: &Ways<'_>, one: &str, many: &str) -> String {
    let least = if way.is_sampled { "at least " } else { "" };
    format!("{least}{}", counted(way.public.calls, one, many))
}

enum Judged {
    Row(Box<FindingRow>),
    Silent,
    Unknown,
}

/// A reader that always came through an endpoint, and now does not.
fn new_network(facts: &ScanFacts<'_>, scope: &Scope, way: &Ways<'_>) -> Judged {
    let recent = i64::from(facts.policy.findings.recent) * DAY_S;
    let cut = facts.evidence.to - recent;
    let (Some(first), Some(last)) = (way.public.first, way.public.last) else {
        return Judged::Silent;
    };
    let before = way.private.days.range(..cut.div_euclid(DAY_S)).count();
    if first < cut || before < USUAL_DAYS {
        return Judged::Silent;
    }
    if !facts.is_covered(scope, facts.evidence.from, cut) {
        return Judged::Unknown;
    }
    let text = format!(
        "it read through a VPC endpoint before, and since {} over the internet, {}",
        moment(first),
        number(way, "time", "times")
    );
    Judged::Row(Box::new(FindingRow {
        account: Some(scope.account.clone()),
        region: Some(scope.region.clone()),
        reader: Some(way.name.to_owned()),
        evidence: format!("first {}, last {}", moment(first), moment(last)),
        ..general(FindingCode::NewNetwork, text)
    }))
}

/// A reader that passes an endpoint by which it or another reader of the same secret uses. One that has moved to the
/// endpoint is none.
fn outside(
    facts: &ScanFacts<'_>,
    scope: &Scope,
    way: &Ways<'_>,
    through_endpoint: &BTreeMap<usize, BTreeSet<&str>>,
) -> Option<FindingRow> {
    let last = way.public.last.filter(|_| way.public.calls > 0)?;
    if way.private.first.is_some_and(|first| first > last) {
        return None;
    }
    let shared: Vec<_> = way
        .secrets
        .iter()
        .filter(|index| {
            through_endpoint
                .get(index)
                .is_some_and(|it| it.iter().any(|one| *one != way.name))
        })
        .map(|&index| facts.secrets[index].name.as_str())
        .collect();
    let why = if way.private.calls > 0 {
        "and through a VPC endpoint at other times".to_owned()
    } else if !shared.is_empty() {
        format!(
            "and others read the same secrets through a VPC endpoint: {}",
            listed(&shared, 5)
        )
    } else if facts.policy.findings.require_vpc_endpoint {
        "and the policy demands a VPC endpoint".to_owned()
    } else {
        return None;
    };
    let text = format!(
        "{} made {} over the internet, {why}",
        name_of(way.name),
        number(way, "read", "reads")
    );
    Some(FindingRow {
        account: Some(scope.account.clone()),
        region: Some(scope.region.clone()),
        reader: Some(way.name.to_owned()),
        evidence: format!("last read over the internet at {}", moment(last)),
        ..general(FindingCode::OutsideVpc, text)
    })
}
