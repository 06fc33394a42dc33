//! The scan as a pure function: inventory, ledger, policy and "now" in, [`Report`] out.
//!
//! The same inputs give the same bytes: everything is sorted, nothing depends on the order of reading, and the only
//! moment is the one that is handed in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::activity::{Activity, Reader, ReaderUse, Readers, Slice, Window, attribute};
use super::case::{Case, Evidence, Member, last_use};
use super::classify::RotationFunctions;
use super::cost::{Accrual, Rate, Volume, run_rate, window_cost};
use super::coverage::{Coverage, Covered};
use super::findings;
use super::loops::{Called, Terms, judge as judge_loop};
use super::money::counted;
use super::money::{Money, Price};
use super::names::{Index, Region, Scope, SecretArn, split_arn};
use super::policy::Policy;
use super::report::{
    Cost, FORMAT, FindingRow, Gap, LoopRow, PolicySummary, ReaderRow, Report, ScopeRow, SecretRow,
    Severity, Span, Totals, TrailRow, UnattributedRow, WindowTotals,
};
use super::rules::{Judgement, judge};
use super::secret::Secret;
use super::usage::Access;
use super::verdict::Verdict;

/// The spans of a scan.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    /// Whose calls and costs are counted.
    pub window: Span,
    /// Over which use is judged: at least the idle time, and the window.
    pub evidence: Span,
    /// How storage accrues.
    pub accrual: Accrual,
}

/// Where the calls come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trail {
    /// A trail was asked for.
    Given,
    /// `--no-trail`.
    Declined,
}

/// What a scan knows.
#[derive(Debug)]
pub struct Input<'a> {
    /// The inventory, one entry an ARN.
    pub secrets: Vec<Secret>,
    /// The ledger's lines.
    pub accesses: &'a [Access],
    /// What the trail covers.
    pub coverage: &'a Coverage,
    /// Whether there is a trail.
    pub trail: Trail,
    /// The spans.
    pub spans: Spans,
    /// The settings.
    pub policy: &'a Policy,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// Scopes whose inventory was read, also where they hold no secret.
    pub scopes: BTreeSet<Scope>,
    /// The moment that counts as "now".
    pub now: Timestamp,
    /// Name and version of the tool.
    pub tool: String,
    /// Who ran the scan.
    pub caller: Option<String>,
    /// The calendar month asked for.
    pub month: Option<String>,
    /// More sentences for the reader.
    pub notes: Vec<String>,
}

/// What the trail covers, by scope.
struct Cover<'a> {
    by_scope: HashMap<Scope, Covered>,
    coverage: &'a Coverage,
    spans: Spans,
    idle_from: i64,
}

impl<'a> Cover<'a> {
    fn new(coverage: &'a Coverage, scopes: &BTreeSet<Scope>, spans: Spans, idle_from: i64) -> Self {
        let (from, to) = seconds(spans.evidence);
        let covered = |scope: &Scope| {
            let heard = coverage.of(scope)?;
            Some((scope.clone(), heard.covered(from, to)))
        };
        Self {
            by_scope: scopes.iter().filter_map(covered).collect(),
            coverage,
            spans,
            idle_from,
        }
    }

    fn hours(&self, scope: &Scope, span: Span) -> u32 {
        let (from, to) = seconds(span);
        self.by_scope
            .get(scope)
            .map_or(0, |covered| covered.hours(from, to))
    }

    fn rate(&self, scope: &Scope) -> Rate {
        Rate {
            covered_hours: self.hours(scope, self.spans.window),
        }
    }

    /// What of the idle time is not covered.
    fn holes(&self, scope: &Scope) -> Vec<(i64, i64)> {
        let to = self.spans.evidence.to.as_second();
        match self.by_scope.get(scope) {
            Some(covered) => covered.holes(self.idle_from, to),
            None => vec![(self.idle_from, to)],
        }
    }

    fn row(&self, scope: &Scope) -> TrailRow {
        let (window, evidence) = (self.spans.window, self.spans.evidence);
        let complete = self.is_complete(scope, evidence);
        TrailRow {
            covered_hours: self.hours(scope, window),
            expected_hours: window.hours(),
            complete,
            evidence_covered_hours: self.hours(scope, evidence),
            evidence_expected_hours: evidence.hours(),
        }
    }

    fn is_complete(&self, scope: &Scope, span: Span) -> bool {
        let (from, to) = seconds(span);
        let covered = self.by_scope.get(scope);
        covered.is_some_and(|covered| covered.is_complete(from, to))
    }

    /// Why a scope is not covered.
    fn why(&self, scope: &Scope) -> &'static str {
        match self.coverage.of(scope) {
            None => "no log file speaks of this account and Region",
            Some(heard) if heard.is_write_only() => {
                "the trail holds no read-only events here (ReadWriteType: WriteOnly), so it shows no reads"
            }
            Some(_) => "no log file speaks of that time",
        }
    }
}

fn seconds(span: Span) -> (i64, i64) {
    (span.from.as_second(), span.to.as_second())
}

/// Runs the scan.
pub fn analyse(input: Input<'_>) -> Report {
    let Input {
        mut secrets,
        accesses,
        coverage,
        policy,
        spans,
        now,
        ..
    } = input;
    secrets.sort_by(|a, b| place(a).cmp(&place(b)));
    let idle_from = now.as_second() - i64::from(policy.idle_days) * 86_400;
    let mut scopes = input.scopes;
    scopes.extend(secrets.iter().map(|secret| secret.arn.scope().clone()));
    let known = scopes.clone();
    scopes.extend(coverage.scopes());
    let cover = Cover::new(coverage, &scopes, spans, idle_from);

    let rotations = RotationFunctions::new(
        secrets
            .iter()
            .filter_map(|secret| secret.rotation_lambda.as_deref()),
    );
    let created = |secret: &Secret| secret.created.map(floor_second);
    let index = Index::new(secrets.iter().map(|secret| (&secret.arn, created(secret))));
    let activity = attribute(accesses, &index, secrets.len(), &rotations, policy);
    let groups = Groups::new(&secrets);
    let unlisted = unlisted_replicas(&secrets, &activity, &known);

    let scan = Scan {
        secrets: &secrets,
        activity: &activity,
        groups: &groups,
        unlisted: &unlisted,
        cover: &cover,
        policy,
        spans,
        now,
        trail: input.trail,
        inventoried: &known,
    };
    let loops = scan.loops();
    let rows: Vec<SecretRow> = (0..secrets.len()).map(|at| scan.row(at, &loops)).collect();
    let unattributed = scan.unattributed();
    let (mut found, muted) = scan.findings(&loops);
    findings::sort(&mut found);
    let mut gaps = input.gaps;
    gaps.extend(scan.gaps(&rows));
    gaps.sort();
    gaps.dedup();
    let totals = totals(&rows, &unattributed, &loops, policy, &secrets);
    let mut assumptions = assumptions(policy, &totals, spans, input.trail, muted);
    assumptions.extend(input.notes);
    Report {
        format: FORMAT,
        tool: input.tool,
        made: now,
        caller: input.caller,
        window: spans.window,
        evidence: spans.evidence,
        policy: PolicySummary {
            idle_days: policy.idle_days,
            young_days: policy.young_days,
            trust_last_accessed: policy.trust_last_accessed,
            owner_tags: policy.owner_tags.clone(),
            month: input.month,
            prices: policy.prices.source.clone(),
        },
        assumptions,
        scopes: scan.scopes(&known),
        gaps,
        totals,
        secrets: rows,
        unattributed,
        loops,
        findings: found,
    }
}

/// The order of secrets in every report.
fn place(secret: &Secret) -> (&Scope, &str, &SecretArn) {
    (secret.arn.scope(), &secret.name, &secret.arn)
}

/// `eventTime` has whole seconds, `CreatedDate` has fractions: an event in the second of creation is not older.
fn floor_second(moment: Timestamp) -> i64 {
    moment
        .as_nanosecond()
        .div_euclid(1_000_000_000)
        .try_into()
        .unwrap_or(i64::MIN)
}

/// Primaries and their replicas, by place in the inventory.
struct Groups {
    /// The places that share account, name and suffix.
    members: HashMap<(String, String), Vec<usize>>,
}

impl Groups {
    fn key(secret: &Secret) -> (String, String) {
        (
            secret.arn.scope().account.to_string(),
            secret.arn.resource().to_owned(),
        )
    }

    fn new(secrets: &[Secret]) -> Self {
        let mut members: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, secret) in secrets.iter().enumerate() {
            members.entry(Self::key(secret)).or_default().push(at);
        }
        Self { members }
    }

    /// The replicas of a primary that are in the inventory.
    fn replicas(&self, secrets: &[Secret], at: usize) -> Vec<usize> {
        let secret = &secrets[at];
        if secret.is_replica() {
            return Vec::new();
        }
        let all = self
            .members
            .get(&Self::key(secret))
            .map_or(&[][..], Vec::as_slice);
        let own = &secret.arn.scope().region;
        let is_replica_of =
            |other: &usize| *other != at && secrets[*other].primary_region.as_ref() == Some(own);
        all.iter().copied().filter(is_replica_of).collect()
    }

    /// The ARN of the primary of a replica.
    fn primary(secret: &Secret) -> Option<SecretArn> {
        let region = secret
            .primary_region
            .as_ref()
            .filter(|_| secret.is_replica())?;
        secret.arn.in_region(region).ok()
    }
}

/// Replicas that no inventory lists, by the place of their primary: their Region, and who called them there.
type Unlisted<'a> = HashMap<usize, Vec<(Region, &'a Readers<'a>)>>;

/// Finds calls that were answered in Regions without inventory, and that name a replicated secret of the account: by its
/// name, or by its ARN but for the Region. A list of secrets does not tell in which Regions replicas stand, so such
/// calls are the only trace of them.
fn unlisted_replicas<'a>(
    secrets: &[Secret],
    activity: &'a Activity<'a>,
    inventoried: &BTreeSet<Scope>,
) -> Unlisted<'a> {
    let mut primaries: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (at, secret) in secrets.iter().enumerate() {
        let listed = secret
            .replicas
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        if secret.is_replica() || secret.primary_region.is_none() && !listed {
            continue;
        }
        let account = secret.arn.scope().account.as_str();
        for name in [secret.arn.name(), secret.arn.resource()] {
            primaries.entry((account, name)).or_default().push(at);
        }
    }
    let mut unlisted = Unlisted::new();
    for (missing, readers) in &activity.missing {
        let by_name = || Some((missing.scope()?, missing.target.as_str()));
        let Some((scope, name)) = split_arn(&missing.target).or_else(by_name) else {
            continue;
        };
        let answered = readers.values().any(|what| what.last_use().is_some());
        if !answered || inventoried.contains(&scope) {
            continue;
        }
        for &at in primaries
            .get(&(scope.account.as_str(), name))
            .into_iter()
            .flatten()
        {
            unlisted
                .entry(at)
                .or_default()
                .push((scope.region.clone(), readers));
        }
    }
    unlisted
}

/// What all parts of the report are made from.
struct Scan<'a> {
    secrets: &'a [Secret],
    activity: &'a Activity<'a>,
    groups: &'a Groups,
    unlisted: &'a Unlisted<'a>,
    cover: &'a Cover<'a>,
    policy: &'a Policy,
    spans: Spans,
    now: Timestamp,
    trail: Trail,
    inventoried: &'a BTreeSet<Scope>,
}

impl Scan<'_> {
    fn window(&self) -> Window {
        let (from, to) = seconds(self.spans.window);
        Window { from, to }
    }

    fn price(&self, arn: &SecretArn) -> Option<&Price> {
        self.policy
            .prices
            .find(arn.partition(), &arn.scope().region, &arn.scope().account)
    }

    fn case(&self, at: usize) -> Case<'_> {
        static NOBODY: Readers<'static> = Readers::new();
        let secret = &self.secrets[at];
        let member = |at: usize| Member {
            region: self.secrets[at].arn.scope().region.clone(),
            last_accessed: self.secrets[at].last_accessed,
            readers: &self.activity.secrets[at],
        };
        let mut replicas: Vec<Member<'_>> = self
            .groups
            .replicas(self.secrets, at)
            .into_iter()
            .map(member)
            .collect();
        for listed in secret.replicas.iter().flatten() {
            match replicas
                .iter_mut()
                .find(|replica| replica.region == listed.region)
            {
                Some(replica) => {
                    replica.last_accessed = replica.last_accessed.max(listed.last_accessed);
                }
                None => replicas.push(Member {
                    region: listed.region.clone(),
                    last_accessed: listed.last_accessed,
                    readers: &NOBODY,
                }),
            }
        }
        // The primary Region stands on replicated primaries only: with it and without any replica, they stand where
        // nobody looked.
        let replicas_known =
            secret.replicas.is_some() || secret.primary_region.is_none() || !replicas.is_empty();
        for (region, readers) in self.unlisted.get(&at).into_iter().flatten() {
            replicas.push(Member {
                region: region.clone(),
                last_accessed: None,
                readers,
            });
        }
        Case {
            own: member(at),
            evidence: self.evidence(secret, &replicas),
            replicas,
            replicas_known,
            secret,
            policy: self.policy,
            now: self.now,
            ambiguous: self.activity.ambiguous.get(&at).copied().unwrap_or(0),
        }
    }

    fn evidence(&self, secret: &Secret, replicas: &[Member<'_>]) -> Evidence {
        if self.trail == Trail::Declined {
            return Evidence::Partial("no trail was given: nothing shows who calls".to_owned());
        }
        let own = secret.arn.scope();
        let elsewhere = replicas.iter().map(|replica| Scope {
            account: own.account.clone(),
            region: replica.region.clone(),
        });
        for scope in std::iter::once(own.clone()).chain(elsewhere) {
            let holes = self.cover.holes(&scope);
            if holes.is_empty() {
                continue;
            }
            let days = self.policy.idle_days;
            let missing: i64 = holes.iter().map(|hole| hole.1 - hole.0).sum();
            return Evidence::Partial(if missing >= i64::from(days) * 86_400 {
                format!(
                    "the trail covers none of the last {days} days in {}",
                    scope.region
                )
            } else {
                format!(
                    "the trail misses {} of the last {days} days in {}",
                    in_days(missing),
                    scope.region
                )
            });
        }
        Evidence::Complete
    }

    fn volume(&self, at: usize) -> (Volume, u64) {
        let (mut volume, mut failed) = (Volume::default(), 0);
        for what in self.activity.secrets[at].values() {
            volume.calls += what.calls_in(self.window());
            volume.reads += what.count(self.window(), Slice::is_read);
            failed += what.count(self.window(), |slice| slice.is_get() && !slice.is_read());
        }
        (volume, failed)
    }

    fn row(&self, at: usize, loops: &[LoopRow]) -> SecretRow {
        let secret = &self.secrets[at];
        let scope = secret.arn.scope();
        let case = self.case(at);
        let Judgement { verdict, reasons } = judge(&case);
        let (volume, failed) = self.volume(at);
        let (rate, price) = (self.cover.rate(scope), self.price(&secret.arn));
        let readers = &self.activity.secrets[at];
        let last = last_use(readers, self.policy);
        let consumes = |(reader, what): &(&Reader, &ReaderUse<'_>)| {
            self.policy.is_consumer(reader.kind) && what.last_use().is_some()
        };
        let mut replicas: Vec<_> = case
            .replicas
            .iter()
            .map(|replica| replica.region.clone())
            .collect();
        replicas.sort();
        replicas.dedup();
        let own_loops = loops
            .iter()
            .filter(|row| row.arn.as_ref() == Some(&secret.arn));
        SecretRow {
            arn: secret.arn.clone(),
            name: secret.name.clone(),
            account: scope.account.clone(),
            region: scope.region.clone(),
            owner: secret.owner(&self.policy.owner_tags).map(str::to_owned),
            verdict,
            reasons,
            created: secret.created,
            last_changed: secret.last_changed,
            last_accessed: secret.last_accessed,
            last_consumer_read: last.and_then(|(at, _)| Timestamp::from_second(at).ok()),
            last_consumer: last.map(|(_, reader)| reader.identity.clone()),
            idle_days: case.days_idle(),
            calls: volume.calls,
            reads: volume.reads,
            failed,
            consumers: readers.iter().filter(consumes).count() as u64,
            cost: run_rate(secret, volume, rate, price),
            window_cost: window_cost(
                secret,
                volume,
                rate,
                price,
                self.spans.window,
                self.spans.accrual,
            ),
            avoidable_usd: (rate.covered_hours > 0 && price.is_some())
                .then(|| own_loops.filter_map(|row| row.avoidable_usd_month).sum()),
            replica_of: Groups::primary(secret),
            replicas,
            evidence_days: self.cover.hours(scope, self.spans.evidence) / 24,
            deleted: secret.deleted,
            owning_service: secret.owner_service().map(str::to_owned),
            customer_key: secret.has_customer_key(),
            description: secret.description.clone(),
            tags: secret.tags.clone(),
            readers: self.readers(readers),
        }
    }

    fn readers(&self, readers: &Readers<'_>) -> Vec<ReaderRow> {
        let moment = |second: i64| Timestamp::from_second(second).unwrap_or_default();
        let row = |(reader, what): (&Reader, &ReaderUse<'_>)| {
            let (first, last) = what.span();
            ReaderRow {
                reader: reader.identity.clone(),
                kind: reader.kind,
                client: reader.client.clone(),
                reads: what.count(self.window(), Slice::is_read),
                describes: what.count(self.window(), Slice::is_describe),
                failed: what.count(self.window(), |slice| slice.is_get() && !slice.is_read()),
                calls: what.calls_in(self.window()),
                first: moment(first),
                last: moment(last),
            }
        };
        readers.iter().map(row).collect()
    }

    fn loops(&self) -> Vec<LoopRow> {
        let mut loops = Vec::new();
        for (secret, readers) in self.secrets.iter().zip(&self.activity.secrets) {
            let terms = Terms {
                window: self.window(),
                rate: self.cover.rate(secret.arn.scope()),
                price: self.price(&secret.arn),
                customer_key: secret.has_customer_key(),
            };
            let scope = Some(secret.arn.scope());
            self.loops_of(
                Some(&secret.arn),
                &secret.name,
                scope,
                readers,
                &[Called::Read, Called::Describe],
                terms,
                &mut loops,
            );
        }
        for (missing, readers) in &self.activity.missing {
            let scope = missing.scope();
            let terms = Terms {
                window: self.window(),
                rate: scope
                    .as_ref()
                    .map_or(Rate { covered_hours: 0 }, |scope| self.cover.rate(scope)),
                price: scope.as_ref().and_then(|scope| {
                    self.policy
                        .prices
                        .find("aws", &scope.region, &scope.account)
                }),
                customer_key: false,
            };
            self.loops_of(
                None,
                &missing.target,
                scope.as_ref(),
                readers,
                &[Called::Missing],
                terms,
                &mut loops,
            );
        }
        loops.sort_by(|a, b| {
            let key = |row: &LoopRow| (row.avoidable_usd_month, row.avoidable_calls_month);
            let names = |row: &LoopRow| {
                (
                    row.arn.clone(),
                    row.name.clone(),
                    row.reader.clone(),
                    row.client.clone(),
                    row.what.clone(),
                )
            };
            key(b).cmp(&key(a)).then_with(|| names(a).cmp(&names(b)))
        });
        loops
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one row, named once at each of two calls"
    )]
    fn loops_of(
        &self,
        arn: Option<&SecretArn>,
        name: &str,
        scope: Option<&Scope>,
        readers: &Readers<'_>,
        called: &[Called],
        terms: Terms<'_>,
        loops: &mut Vec<LoopRow>,
    ) {
        for (reader, what) in readers {
            for &called in called {
                let Some(found) = judge_loop(reader, what, called, terms, self.policy) else {
                    continue;
                };
                loops.push(LoopRow {
                    arn: arn.cloned(),
                    name: name.to_owned(),
                    account: scope.map(|scope| scope.account.clone()),
                    region: scope.map(|scope| scope.region.clone()),
                    reader: reader.identity.clone(),
                    kind: reader.kind,
                    client: reader.client.clone(),
                    what: called.api().to_owned(),
                    reads_month: found.calls_month,
                    clients: found.clients,
                    interval_s: found.interval_s,
                    shape: found.shape.to_owned(),
                    active_hours: found.active_hours,
                    cache_s: what.class.cache_s,
                    avoidable_calls_month: found.avoidable_month,
                    avoidable_usd_month: found.avoidable_usd,
                    advice: what.class.advice.clone(),
                    days: found.days,
                });
            }
        }
    }

    fn unattributed(&self) -> Vec<UnattributedRow> {
        let mut rows: BTreeMap<Option<Scope>, BTreeMap<String, u64>> = BTreeMap::new();
        for nobody in &self.activity.unattributed {
            let calls = nobody.slice.calls_in(self.window());
            if calls > 0 {
                let row = rows.entry(nobody.slice.access.scope()).or_default();
                *row.entry(nobody.what.clone()).or_default() += calls;
            }
        }
        let row = |(scope, by_what): (Option<Scope>, BTreeMap<String, u64>)| {
            let calls = by_what.values().sum();
            let price = scope.as_ref().and_then(|scope| self.scope_price(scope));
            let cost = price.map(|price| price.calls(calls));
            let rate = scope
                .as_ref()
                .map_or(Rate { covered_hours: 0 }, |scope| self.cover.rate(scope));
            UnattributedRow {
                account: scope.as_ref().map(|scope| scope.account.clone()),
                region: scope.map(|scope| scope.region),
                calls,
                by_what,
                api_usd: cost.and_then(|cost| rate.month(cost)),
                window_api_usd: cost,
            }
        };
        rows.into_iter().map(row).collect()
    }

    /// The price in a scope, by the partition of the secrets in it; by the Region's name where there is none.
    fn scope_price(&self, scope: &Scope) -> Option<&Price> {
        let same = |secret: &&Secret| secret.arn.scope().region == scope.region;
        let partition = match self.secrets.iter().find(same) {
            Some(secret) => secret.arn.partition(),
            None => partition_of(scope.region.as_str()),
        };
        self.policy
            .prices
            .find(partition, &scope.region, &scope.account)
    }

    fn findings(&self, loops: &[LoopRow]) -> (Vec<FindingRow>, usize) {
        let mut found = findings::find(self.secrets, self.activity, self.window());
        found.extend(loops.iter().map(loop_finding));
        let all = found.len();
        found.retain(|finding| !findings::is_muted(finding, &self.policy.mutes, self.now));
        let muted = all - found.len();
        (found, muted)
    }

    fn scopes(&self, inventoried: &BTreeSet<Scope>) -> Vec<ScopeRow> {
        let row = |scope: &Scope, inventory: &str| ScopeRow {
            account: scope.account.clone(),
            region: scope.region.clone(),
            inventory: inventory.to_owned(),
            secrets: self
                .secrets
                .iter()
                .filter(|secret| secret.arn.scope() == scope)
                .count() as u64,
            trail: self.cover.row(scope),
        };
        let mut rows: Vec<ScopeRow> = inventoried.iter().map(|scope| row(scope, "read")).collect();
        rows.extend(
            self.uninventoried()
                .keys()
                .map(|scope| row(scope, "missing")),
        );
        rows.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
        rows
    }

    /// Scopes without inventory in which secrets were called successfully, with how many names.
    fn uninventoried(&self) -> BTreeMap<Scope, u64> {
        let mut scopes = BTreeMap::new();
        for (missing, readers) in &self.activity.missing {
            let answered = readers.values().any(|what| what.last_use().is_some());
            let Some(scope) = missing
                .scope()
                .filter(|scope| answered && !self.inventoried.contains(scope))
            else {
                continue;
            };
            *scopes.entry(scope).or_default() += 1;
        }
        scopes
    }

    /// What could not be seen. A hole in the trail is a gap where it limits the result: in the window, whose calls are
    /// counted, or where a secret could not be judged for it.
    fn gaps(&self, rows: &[SecretRow]) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (scope, names) in self.uninventoried() {
            gaps.push(Gap {
                account: Some(scope.account),
                region: Some(scope.region),
                source: "inventory".to_owned(),
                what: format!(
                    "no inventory, yet {} read here",
                    counted(names, "secret is", "secrets are")
                ),
                why: "no inventory file holds this account and Region".to_owned(),
            });
        }
        if self.trail == Trail::Given {
            let unjudged = unjudged(rows);
            let limits = |scope: &&Scope| {
                unjudged.contains(scope) || !self.cover.is_complete(scope, self.spans.window)
            };
            let limiting = self.inventoried.iter().filter(limits);
            gaps.extend(limiting.filter_map(|scope| self.trail_gap(scope)));
        }
        let unpriced: BTreeSet<&str> = self
            .secrets
            .iter()
            .filter(|secret| self.price(&secret.arn).is_none())
            .map(|secret| secret.arn.partition())
            .collect();
        gaps.extend(unpriced.into_iter().map(|partition| Gap {
            account: None,
            region: None,
            source: "prices".to_owned(),
            what: format!("no price is known for the partition `{partition}`"),
            why: "give one with `--prices FILE`; until then its costs are empty and left out of the totals".to_owned(),
        }));
        gaps
    }

    fn trail_gap(&self, scope: &Scope) -> Option<Gap> {
        let (from, to) = seconds(self.spans.evidence);
        let holes = match self.cover.by_scope.get(scope) {
            Some(covered) => covered.holes(from, to),
            None => vec![(from, to)],
        };
        let missing: i64 = holes.iter().map(|hole| hole.1 - hole.0).sum();
        if missing == 0 {
            return None;
        }
        let moment = |second: i64| {
            Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
        };
        let mut longest = holes.clone();
        longest.sort_by_key(|hole| (hole.0 - hole.1, hole.0));
        let mut shown: Vec<&(i64, i64)> = longest.iter().take(3).collect();
        shown.sort();
        let spans: Vec<String> = shown
            .iter()
            .map(|hole| format!("{} to {}", moment(hole.0), moment(hole.1)))
            .collect();
        let more = holes.len() - spans.len();
        let and_more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        Some(Gap {
            account: Some(scope.account.clone()),
            region: Some(scope.region.clone()),
            source: "trail".to_owned(),
            what: format!(
                "{} of {} ({}{and_more})",
                in_days(missing),
                in_days(to - from),
                spans.join(", ")
            ),
            why: self.cover.why(scope).to_owned(),
        })
    }
}

/// Where the secrets stand, replicas included, that could not be judged for want of evidence.
fn unjudged(rows: &[SecretRow]) -> BTreeSet<Scope> {
    let wants = |row: &&SecretRow| {
        row.reasons
            .iter()
            .any(|reason| reason.code == "coverage-gap")
    };
    let places = |row: &SecretRow| {
        let own = row.scope();
        let there = |region: &Region| Scope {
            account: own.account.clone(),
            region: region.clone(),
        };
        let mut places: Vec<Scope> = row.replicas.iter().map(there).collect();
        places.push(own);
        places
    };
    rows.iter().filter(wants).flat_map(places).collect()
}

/// The partition of a Region by its name (AWS's endpoint data).
fn partition_of(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("us-iso") || region.starts_with("eu-iso") => "aws-iso",
        Some("eusc") => "aws-eusc",
        _ => "aws",
    }
}

/// Seconds as days with one decimal: `12.0 days`.
fn in_days(seconds: i64) -> String {
    let tenths = (seconds * 10 + 43_200) / 86_400;
    let unit = if tenths == 10 { "day" } else { "days" };
    if tenths % 10 == 0 {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

fn loop_finding(row: &LoopRow) -> FindingRow {
    let saving = row.avoidable_usd_month.map_or_else(String::new, |usd| {
        format!(", {} a month avoidable", usd.dollars())
    });
    FindingRow {
        code: "hot-loop".to_owned(),
        severity: Severity::Medium,
        arn: row.arn.clone(),
        name: row.name.clone(),
        account: row.account.clone(),
        region: row.region.clone(),
        reader: Some(row.reader.clone()),
        text: format!(
            "{} calls {} {} times a month, every {} s at its peak, from {}{saving}: {}",
            super::readers::name_of(&row.reader),
            row.what,
            super::money::thousands(row.reads_month),
            row.interval_s,
            counted(row.clients, "client", "clients"),
            row.advice,
        ),
        evidence: format!(
            "{} in {}",
            row.shape,
            counted(u64::from(row.active_hours), "active hour", "active hours")
        ),
    }
}

fn totals(
    rows: &[SecretRow],
    unattributed: &[UnattributedRow],
    loops: &[LoopRow],
    policy: &Policy,
    secrets: &[Secret],
) -> Totals {
    let mut totals = Totals {
        secrets: rows.len() as u64,
        ..Totals::default()
    };
    let known = Option::unwrap_or_default;
    for row in rows {
        *totals.verdicts.entry(row.verdict).or_default() += 1;
        totals.calls += row.calls;
        totals.reads += row.reads;
        totals.failed += row.failed;
        add(&mut totals, &row.cost, &row.window_cost);
        totals.unpriced_secrets += u64::from(row.cost.storage_usd.is_none());
        totals.uncounted_secrets += u64::from(row.cost.api_usd.is_none());
    }
    for row in unattributed {
        totals.calls += row.calls;
        totals.unattributed_calls += row.calls;
        totals.unattributed_usd += known(row.api_usd);
        totals.window_cost.unattributed_usd += known(row.window_api_usd);
        add(
            &mut totals,
            &Cost::new(None, row.api_usd, None),
            &Cost::new(None, row.window_api_usd, None),
        );
    }
    let goes: BTreeSet<&SecretArn> = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Delete)
        .map(|row| &row.arn)
        .collect();
    let leaves = |row: &SecretRow| {
        goes.contains(&row.arn)
            || row
                .replica_of
                .as_ref()
                .is_some_and(|arn| goes.contains(arn))
    };
    totals.savings_delete_usd = rows
        .iter()
        .filter(|row| leaves(row))
        .map(|row| row.cost.known())
        .sum();
    totals.savings_loops_usd = loops
        .iter()
        .filter(|row| row.arn.as_ref().is_none_or(|arn| !goes.contains(arn)))
        .filter_map(|row| row.avoidable_usd_month)
        .sum();
    totals.savings_usd = totals.savings_delete_usd + totals.savings_loops_usd;
    totals.pending_usd = secrets
        .iter()
        .filter(|secret| secret.deleted.is_some() && !secret.is_included())
        .filter_map(|secret| {
            let scope = secret.arn.scope();
            policy
                .prices
                .find(secret.arn.partition(), &scope.region, &scope.account)
        })
        .map(|price| price.secret_month)
        .sum();
    totals
}

fn add(totals: &mut Totals, month: &Cost, window: &Cost) {
    let known = Option::unwrap_or_default;
    totals.storage_usd += known(month.storage_usd);
    totals.api_usd += known(month.api_usd);
    totals.kms_usd += known(month.kms_usd);
    totals.total_usd += month.known();
    let WindowTotals {
        storage_usd,
        api_usd,
        kms_usd,
        total_usd,
        ..
    } = &mut totals.window_cost;
    *storage_usd += known(window.storage_usd);
    *api_usd += known(window.api_usd);
    *kms_usd += known(window.kms_usd);
    *total_usd += window.known();
}

/// What the numbers assume, for the reader of the report.
fn assumptions(
    policy: &Policy,
    totals: &Totals,
    spans: Spans,
    trail: Trail,
    muted: usize,
) -> Vec<String> {
    let mut said = vec![
        "All amounts are estimates from counted calls and list prices, not a bill: free tiers, credits and discounts \
         are not in them."
            .to_owned(),
        format!("Prices: {}.", policy.prices.source),
        "A month of the run rate has 730 hours; calls are scaled from the hours that the trail covers.".to_owned(),
        "Every logged API call is priced, failed ones too: AWS does not say that they are free.".to_owned(),
        "A read with a customer-managed key costs one KMS request; the key's own $1 a month is not in the numbers."
            .to_owned(),
        "LastAccessedDate is a day in an unstated time zone: one day is allowed.".to_owned(),
        "Readers are recognised by user agent, role and session. User agents can be forged.".to_owned(),
    ];
    if let Accrual::Month(hours) = spans.accrual {
        said.push(format!(
            "Storage of the month accrues by the hour: the price of a month buys {hours} hours."
        ));
    }
    if spans.accrual != Accrual::Sliding && totals.window_cost.total_usd == Money::ZERO {
        said.push("Nothing was billable in the month.".to_owned());
    }
    if trail == Trail::Declined {
        said.push(
            "No trail was read: calls and their cost are unknown, and not in the totals."
                .to_owned(),
        );
    }
    if policy.trust_last_accessed {
        said.push(
            "--trust-last-accessed: where the trail is missing, idle secrets are judged by LastAccessedDate alone; \
             clients that cache look idle then."
                .to_owned(),
        );
    }
    if totals.unpriced_secrets > 0 {
        said.push(format!(
            "{} no known price and {} left out of the totals.",
            counted(totals.unpriced_secrets, "secret has", "secrets have"),
            if totals.unpriced_secrets == 1 {
                "is"
            } else {
                "are"
            }
        ));
    }
    if totals.uncounted_secrets > totals.unpriced_secrets && trail == Trail::Given {
        said.push(format!(
            "The calls of {} could not be counted, because the trail does not cover them; their cost is left out.",
            counted(totals.uncounted_secrets - totals.unpriced_secrets, "secret", "secrets")
        ));
    }
    if muted > 0 {
        said.push(format!(
            "{} muted by the policy file.",
            counted(muted as u64, "finding is", "findings are")
        ));
    }
    said
}
