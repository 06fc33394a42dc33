//! The scan as a pure function: inventory, ledger, policy and "now" in, [`Report`] out.
//!
//! The same inputs give the same bytes: everything is sorted, nothing depends on the order of reading, and the only
//! moment is the one that is handed in.
//!
//! Entry: `analyse`. May use: `base`, `inventory`, `judging`, `policy`, `pricing`, `reach`, `report`, `sampling`, `trail`, `usage`.

mod access;
mod allocation;
mod assumptions;
mod budgets;
mod callers;
mod contradictions;
mod coverage_view;
mod estimates;
mod gaps;
mod groups;
mod lives;
mod loop_rows;
mod rows;
mod unnamed;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::base::money::{Price, PriceList};
use super::base::names::{AccountId, Index, Region, Scope, SecretArn};
use super::inventory::secret::{CurrentVersion, Secret};
use super::judging::findings::{self, FindingSearch, ScanFacts};
use super::policy::Policy;
use super::pricing::cost::Accrual;
use super::reach::IamData;
use super::report::result::{
    FORMAT, FindingRow, LoopRow, PolicySummary, Report, ScopeRow, SecretRow, Totals,
};
use super::report::sums;
use super::sampling::Samples;
use super::trail::calls::CallSeries;
use super::trail::coverage::Coverage;
use super::usage::activity::{Activity, ActivityWindow, attribute};
use super::usage::classify::RotationFunctions;
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::gap::Gap;
use crate::domain::base::span::DAY_S;
use crate::domain::base::span::Span;
use crate::domain::report::result::InventoryState;

use contradictions::Contradictions;
use coverage_view::CoverageView;
use groups::{Groups, unlisted_replicas};
use rows::{Listed, RowBuilder, avoidable};
use unnamed::Unnamed;

/// The spans of a scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanSpans {
    /// The span whose calls and costs are counted.
    pub window: Span,
    /// Over which use is judged: at least the idle time, and the window.
    pub evidence: Span,
    /// The way in which storage accrues.
    pub accrual: Accrual,
}

/// The source of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailInput {
    /// A trail was asked for.
    Given,
    /// `--no-trail`.
    Declined,
}

/// The facts that a scan has gathered, from which the report is made.
#[derive(Debug)]
pub struct Input<'a> {
    /// The inventory, one entry an ARN.
    pub secrets: Vec<Secret>,
    /// The ledger's lines.
    pub accesses: &'a [CallSeries],
    /// The time that the trail covers.
    pub coverage: &'a Coverage,
    /// The state of the trail: given, or declined.
    pub trail: TrailInput,
    /// The spans.
    pub spans: ScanSpans,
    /// The settings.
    pub policy: &'a Policy,
    /// The identities that may read, as far as they were asked for.
    pub iam: Option<&'a IamData>,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
    /// Scopes whose inventory was read, also where they hold no secret.
    pub scopes: BTreeSet<Scope>,
    /// The moment that counts as "now".
    pub now: Timestamp,
    /// Name and version of the tool.
    pub tool: String,
    /// The caller who ran the scan.
    pub caller: Option<String>,
    /// The names of accounts, as far as they are known.
    pub account_names: BTreeMap<AccountId, String>,
    /// The calendar month asked for.
    pub month: Option<String>,
    /// More sentences for the reader.
    pub notes: Vec<String>,
}

/// The answers to what was asked about secrets in doubt while they were judged.
#[derive(Debug, Default)]
pub struct VersionAnswers {
    /// Current versions.
    pub current: BTreeMap<SecretArn, CurrentVersion>,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
    /// Sentences for the reader of the report.
    pub notes: Vec<String>,
}

/// Runs the scan. `ask` is called once, and may call the function it is given to find out which secrets are in doubt:
/// those of which the current version would decide.
pub fn analyse(
    mut input: Input<'_>,
    ask: impl FnOnce(&dyn Fn() -> Vec<SecretArn>) -> VersionAnswers,
) -> Report {
    input.secrets.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    let (scopes, known) = scopes(&input);
    let cover = CoverageView::new(input.coverage, &scopes, input.spans, idle_from(&input));
    let activity = activity(&input);
    let Input {
        mut secrets,
        mut gaps,
        policy,
        spans,
        now,
        ..
    } = input;
    let unlisted = unlisted_replicas(&secrets, &activity, &known);
    let unnamed = Unnamed::new(&activity);
    let contradictions = Contradictions::new(&secrets, &activity, &cover, now);
    let rows = RowBuilder {
        replicas: Listed::all(&secrets, &Groups::new(&secrets)),
        activity: &activity,
        unlisted: &unlisted,
        unnamed: &unnamed,
        contradictions: &contradictions,
        avoidable: HashMap::new(),
        cover: &cover,
        policy,
        spans,
        now,
        trail: input.trail,
        restored: lives::restored(&activity),
        windows: rows::windows(spans.window),
    };
    let mut answers = ask(&|| doubtful(&rows, &secrets));
    add_versions(&mut secrets, &mut answers);
    let scan = Scan {
        secrets: &secrets,
        activity: &activity,
        cover: &cover,
        policy,
        spans,
        now,
        inventoried: &known,
        samples: input.coverage.samples(),
        partitions: partitions(&secrets),
    };
    let (loops, spreads): (Vec<LoopRow>, Vec<_>) = scan.loops().into_iter().unzip();
    let (unattributed, former) = (scan.unattributed(), scan.former());
    let access = scan.access(input.iam);
    let (found, about_findings) = scan.findings(&loops, access.findings);
    let scope_rows = scan.scopes(&known);
    let missing = scan.unpriced().into_iter().chain(scan.missing());
    let rows = RowBuilder {
        avoidable: avoidable(&loops),
        ..rows
    };
    let whole = |rows: Vec<SecretRow>, loops: Vec<LoopRow>| {
        gaps.extend(answers.gaps);
        gaps.extend(missing);
        gaps.extend(contradictions.gaps());
        gaps.extend(gaps::in_trail(&cover, &known, input.trail, spans, &rows));
        gaps.sort();
        gaps.dedup();
        let mut report = Report {
            format: FORMAT,
            tool: input.tool,
            made: now,
            caller: input.caller,
            window: spans.window,
            evidence: spans.evidence,
            account_names: input.account_names,
            policy: summary(policy, input.month),
            assumptions: Vec::new(),
            scopes: scope_rows,
            gaps,
            totals: Totals::default(),
            secrets: rows,
            unattributed,
            former,
            budgets: Vec::new(),
            allocation: None,
            loops,
            findings: found,
            reach: access.reach,
        };
        report.totals = sums::totals(&report);
        report.totals.pending_usd = sums::pending(&report).unwrap_or_default();
        report
    };
    let mut report = if scan.samples.is_empty() {
        whole(rows.of(secrets), loops)
    } else {
        // How sure the numbers are is said when they are there, and for that the secrets are needed once more.
        let mut report = whole(rows.of(secrets.clone()), loops);
        scan.estimate(&mut report, &spreads);
        report
    };
    report.budgets = budgets::budgets(&report, &policy.budget);
    report.allocation = allocation::allocation(&report, policy);
    report.assumptions = assumptions::assumptions(policy, &report, spans, input.trail);
    let notes = access.notes.into_iter().chain(input.notes);
    let notes = about_findings.into_iter().chain(notes);
    report.assumptions.extend(notes.chain(answers.notes));
    report
}

/// Adds the current versions that AWS was asked for.
fn add_versions(secrets: &mut [Secret], answers: &mut VersionAnswers) {
    for secret in secrets {
        let current = answers.current.remove(&secret.arn).map(Box::new);
        secret.current = current.or(secret.current.take());
    }
}

/// The settings as the report names them.
fn summary(policy: &Policy, month: Option<String>) -> PolicySummary {
    PolicySummary {
        idle_days: policy.idle_days,
        young_days: policy.young_days,
        trust_last_accessed: policy.trust_last_accessed,
        owner_tags: policy.owner_tags.clone(),
        month,
        prices: policy.prices.source.clone(),
    }
}

/// The secrets whose current version would tell whether anybody uses them, where nothing else that is known does.
fn doubtful(rows: &RowBuilder<'_>, secrets: &[Secret]) -> Vec<SecretArn> {
    let rotates = |secret: &Secret| secret.rotation_enabled == Some(true);
    if !secrets.iter().any(rotates) {
        return Vec::new();
    }
    let mut doubtful = rows.doubtful(secrets);
    doubtful.sort();
    doubtful
}

/// Every account and Region that the inventory or the trail speaks of, and those whose inventory was read.
fn scopes(input: &Input<'_>) -> (BTreeSet<Scope>, BTreeSet<Scope>) {
    let mut scopes = input.scopes.clone();
    scopes.extend(
        input
            .secrets
            .iter()
            .map(|secret| secret.arn.scope().clone()),
    );
    let known = scopes.clone();
    scopes.extend(input.coverage.scopes());
    (scopes, known)
}

/// Since when nothing may have used what is idle, in seconds since 1970.
fn idle_from(input: &Input<'_>) -> i64 {
    input.now.as_second() - i64::from(input.policy.idle_days) * DAY_S
}

/// Returns who called which secret.
fn activity<'a>(input: &Input<'a>) -> Activity<'a> {
    let secrets = &input.secrets;
    let functions = secrets
        .iter()
        .enumerate()
        .filter_map(|(secret_index, secret)| {
            Some((secret_index, secret.rotation_lambda.as_deref()?))
        });
    let rotations = RotationFunctions::new(functions);
    let created = |secret: &Secret| secret.created.map(floor_second);
    let index = Index::new(secrets.iter().map(|secret| (&secret.arn, created(secret))));
    attribute(
        input.accesses,
        &index,
        secrets.len(),
        &rotations,
        input.policy,
    )
}

/// The order of secrets in every report.
fn sort_key(secret: &Secret) -> (&Scope, &str, &SecretArn) {
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

/// The facts that all parts of the report are made from.
struct Scan<'a> {
    secrets: &'a [Secret],
    activity: &'a Activity<'a>,
    cover: &'a CoverageView<'a>,
    policy: &'a Policy,
    spans: ScanSpans,
    now: Timestamp,
    inventoried: &'a BTreeSet<Scope>,
    samples: &'a Samples,
    /// The partition of each Region that holds secrets.
    partitions: HashMap<&'a Region, &'a str>,
}

impl<'a> Scan<'a> {
    fn window(&self) -> ActivityWindow {
        let (from, to) = self.spans.window.seconds();
        ActivityWindow { from, to }
    }

    fn price(&self, arn: &SecretArn) -> Option<&'a Price> {
        self.policy
            .prices
            .find(arn.partition(), &arn.scope().region, &arn.scope().account)
    }

    /// The price in a scope, by the partition of the secrets in it; by the Region's name where there is none.
    fn scope_price(&self, scope: &Scope) -> Option<&'a Price> {
        self.price_in(&self.policy.prices, scope)
    }

    fn price_in<'l>(&self, list: &'l PriceList, scope: &Scope) -> Option<&'l Price> {
        let known = self.partitions.get(&scope.region).copied();
        let partition = known.unwrap_or_else(|| scope.region.partition());
        list.find(partition, &scope.region, &scope.account)
    }

    /// The findings, most severe first, and sentences about those that could not be judged and about idle mutes.
    fn findings(
        &self,
        loops: &[LoopRow],
        access: Vec<FindingRow>,
    ) -> (Vec<FindingRow>, Vec<String>) {
        let (from, to) = self.spans.evidence.seconds();
        let FindingSearch {
            mut rows,
            unjudged: mut said,
        } = findings::find(&ScanFacts {
            secrets: self.secrets,
            activity: self.activity,
            policy: self.policy,
            now: self.now,
            window: self.window(),
            evidence: ActivityWindow { from, to },
            covered: &self.cover.by_scope,
        });
        if self.policy.findings.is_on(&FindingCode::HotLoop) {
            rows.extend(loops.iter().map(loop_rows::finding));
        }
        rows.extend(access);
        said.extend(findings::mute(&mut rows, self.policy, self.now));
        findings::sort(&mut rows);
        (rows, said)
    }

    fn scopes(&self, inventoried: &BTreeSet<Scope>) -> Vec<ScopeRow> {
        let mut held: HashMap<&Scope, u64> = HashMap::new();
        for secret in self.secrets {
            *held.entry(secret.arn.scope()).or_default() += 1;
        }
        let row = |scope: &Scope, inventory: InventoryState| ScopeRow {
            account: scope.account.clone(),
            region: scope.region.clone(),
            inventory,
            secrets: held.get(scope).copied().unwrap_or(0),
            trail: self.cover.row(scope),
            price: self.scope_price(scope).copied(),
            list_price: self
                .policy
                .list_prices
                .as_ref()
                .and_then(|list| self.price_in(list, scope).copied()),
            sample: self.sample_row(scope),
        };
        let mut rows: Vec<ScopeRow> = inventoried
            .iter()
            .map(|scope| row(scope, InventoryState::Read))
            .collect();
        rows.extend(
            self.uninventoried()
                .keys()
                .map(|scope| row(scope, InventoryState::Missing)),
        );
        rows.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
        rows
    }
}

/// The partition of each Region that holds secrets, by the first of them.
fn partitions(secrets: &[Secret]) -> HashMap<&Region, &str> {
    let mut partitions = HashMap::new();
    for arn in secrets.iter().map(|secret| &secret.arn) {
        partitions
            .entry(&arn.scope().region)
            .or_insert_with(|| arn.partition());
    }
    partitions
}
