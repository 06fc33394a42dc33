//! The canonical result of a scan: what `report.json` holds and everything else is rendered from.
//!
//! Plain data that serializes to `format: 1`, the contract of `report.json`, and reads back. The numbers are final: renderers
//! sort, filter and escape, they do not calculate. US dollars are [`Money`] (strings with six decimals), times are
//! RFC 3339 UTC, days ISO dates. `None` is "unknown" (JSON `null`, empty in CSV), never zero.
//!
//! `cost` and the totals are the run rate of a month of 730 hours; `window_cost` beside them is what the window cost.

mod allocation;
mod amounts;
mod budget;
mod callers;
mod estimate;
mod loop_row;
mod reach;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::base::finding_kinds::{FindingCode, FindingKind, Severity};
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::{Money, Price};
use crate::domain::base::names::{AccountId, Region, Scope, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::includes_secrets;
use crate::domain::inventory::tags::Tags;
use crate::domain::report::verdict::{ReasonRow, Verdict};

pub use allocation::{AllocationReport, OwnerShare};
pub use amounts::{Amounts, Cost, CostParts};
pub use budget::BudgetRow;
pub use callers::{CallerRow, ReaderRow, UnattributedRow};
pub use estimate::{AvoidableRange, CaveatRow, Estimate, LoopEstimate, Range, SampleRow};
pub use loop_row::{LoopRow, LoopShape};
pub use reach::{Breadth, GrantAdvice, GrantReach, IdentityReach, NAMED, ReachReport, SecretReach};
pub use window::{FormerSecret, MonthPart, WindowDetail};

/// The format number that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// A finished scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the tool, such as `secretsweep 0.1.0`.
    pub tool: String,
    /// The moment that counts as "now".
    pub made: Timestamp,
    /// The caller who ran the scan, if it asked AWS: the ARN of `sts:GetCallerIdentity`.
    pub caller: Option<String>,
    /// The span whose calls and costs are counted: from inclusive, to exclusive.
    pub window: Span,
    /// The span over which use is judged: at least the idle time. Holds the window.
    pub evidence: Span,
    /// The names of accounts, as far as they are known. Other people's text.
    #[serde(default)]
    pub account_names: BTreeMap<AccountId, String>,
    /// The settings that the verdicts rest on.
    pub policy: PolicySummary,
    /// The assumptions of the numbers, as sentences for the reader.
    pub assumptions: Vec<String>,
    /// Every account and Region that was looked at, sorted.
    pub scopes: Vec<ScopeRow>,
    /// The parts that could not be seen, sorted.
    pub gaps: Vec<Gap>,
    /// The sums.
    pub totals: Totals,
    /// One row a secret, sorted by account, Region, name.
    pub secrets: Vec<SecretRow>,
    /// Calls that belong to no secret of the inventory, by account and Region: rows and this equal the totals.
    pub unattributed: Vec<UnattributedRow>,
    /// Secrets that stood in the window and are in no inventory any more, by account, Region and name. Their storage is in
    /// the cost of the window; their calls belong to no secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerSecret>,
    /// The budgets of the policy file, with what is spent. Empty in a selection of secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<BudgetRow>,
    /// The share of each owner, if the policy file shares out the calls that belong to no secret. `None` in a selection
    /// of secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation: Option<AllocationReport>,
    /// Hot retrieval loops, most expensive first.
    pub loops: Vec<LoopRow>,
    /// Findings, most severe first. Those that the policy file mutes are among them.
    pub findings: Vec<FindingRow>,
    /// The identities that may read; `None`: no IAM data was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<ReachReport>,
}

impl Report {
    /// In how many accounts and Regions secrets stand. One that was only looked at, or that only the trail speaks of, is
    /// none of them.
    pub fn accounts_and_regions(&self) -> (usize, usize) {
        let holding = || self.scopes.iter().filter(|scope| scope.secrets > 0);
        let accounts: BTreeSet<_> = holding().map(|scope| &scope.account).collect();
        let regions: BTreeSet<_> = holding().map(|scope| &scope.region).collect();
        (accounts.len(), regions.len())
    }

    /// The findings that the policy file does not mute.
    pub fn open_findings(&self) -> impl Iterator<Item = &FindingRow> {
        self.findings.iter().filter(|row| row.muted.is_none())
    }

    /// The budgets that are exceeded, with by how much.
    pub fn over_budget(&self) -> impl Iterator<Item = (&BudgetRow, Money)> {
        let budgets = self.budgets.iter();
        budgets.filter_map(|row| Some((row, row.over()?)))
    }

    /// Hours of the window that a trail covers, and hours there are: over all accounts and Regions.
    pub fn trail_hours(&self) -> (u64, u64) {
        let trails = || self.scopes.iter().map(|scope| &scope.trail);
        (
            trails().map(|trail| u64::from(trail.covered_hours)).sum(),
            trails().map(|trail| u64::from(trail.expected_hours)).sum(),
        )
    }

    /// Returns whether there was to be a trail, even if what was found of it covers nothing.
    pub fn has_trail(&self) -> bool {
        let covers = |scope: &ScopeRow| scope.trail.evidence_covered_hours > 0;
        self.scopes.iter().any(covers) || self.gaps.iter().any(|gap| gap.source == GapSource::Trail)
    }

    /// An account for people: `production (111122223333)`, or the id alone. Other people's text.
    pub fn account_label(&self, account: &str) -> String {
        let name = self
            .account_names
            .iter()
            .find(|(id, _)| id.as_str() == account);
        name.map_or_else(|| account.to_owned(), |(id, name)| format!("{name} ({id})"))
    }
}

/// The settings that a report rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySummary {
    /// Unread for this many days counts as idle.
    pub idle_days: u32,
    /// Younger than this many days is left alone.
    pub young_days: u32,
    /// `--trust-last-accessed`: idle secrets were judged without a trail.
    pub trust_last_accessed: bool,
    /// The tags that name an owner, first wins.
    pub owner_tags: Vec<String>,
    /// The calendar month asked for, `2026-10`; `None`: a sliding window.
    pub month: Option<String>,
    /// The source of the prices and their day.
    pub prices: String,
}

/// The state of the inventory of an account and Region: whether the secrets were listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InventoryState {
    /// They were.
    Read,
    /// The trail speaks of secrets here, and no inventory was given.
    Missing,
}

impl InventoryState {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Missing => "missing",
        }
    }
}

/// One account in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRow {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The state of its inventory: whether its secrets were listed.
    pub inventory: InventoryState,
    /// The number of secrets that it holds.
    pub secrets: u64,
    /// The time that the trail covers.
    pub trail: TrailRow,
    /// The prices that its costs rest on; `None`: unknown, or written by a version that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// The list prices beside them, where the costs rest on prices that were paid by a bill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_price: Option<Price>,
    /// The sample that was taken of the event history, if it could not be read in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleRow>,
}

/// The part of the time that the trail covers in one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailRow {
    /// Hours of the window in which reads would have been logged; as many as are expected if it has no hole.
    pub covered_hours: u32,
    /// Hours of the window, the last one begun.
    pub expected_hours: u32,
    /// Every hour of the evidence span, which holds the window, is covered: absence of events is absence of use.
    pub complete: bool,
    /// Hours of the evidence span in which reads would have been logged.
    pub evidence_covered_hours: u32,
    /// Hours of the evidence span, the last one begun.
    pub evidence_expected_hours: u32,
}

/// The sums over all rows. Amounts leave out what is unknown; `unpriced_secrets` and `uncounted_secrets` say how much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Secrets in the inventory, replicas and pending deletions included.
    pub secrets: u64,
    /// The number of secrets of each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// The run rate, with that of the unattributed calls.
    #[serde(flatten)]
    pub cost: CostParts<Money>,
    /// The amount that deleting and mending the loops would save a month.
    pub savings_usd: Money,
    /// The part of that which deleting saves, replicas included.
    pub savings_delete_usd: Money,
    /// The part of that which fixing the loops of the secrets that stay saves.
    pub savings_loops_usd: Money,
    /// API calls in the window.
    pub calls: u64,
    /// The successful `GetSecretValue` calls among them.
    pub reads: u64,
    /// The failed `GetSecretValue` calls among them.
    pub failed: u64,
    /// Calls in the window that belong to no secret of the inventory.
    pub unattributed_calls: u64,
    /// Their run rate.
    pub unattributed_usd: Money,
    /// The cost of the window.
    pub window_cost: WindowTotals,
    /// Secrets whose price is unknown.
    pub unpriced_secrets: u64,
    /// Secrets whose calls could not be counted.
    pub uncounted_secrets: u64,
    /// The monthly storage of secrets that are pending deletion: already saved.
    pub pending_usd: Money,
    /// The certainty of the numbers, if some of them come from a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
}

/// The cost of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowTotals {
    /// Its parts, with the cost of the unattributed calls.
    #[serde(flatten)]
    pub parts: CostParts<Money>,
    /// The unattributed calls alone.
    pub unattributed_usd: Money,
    /// The storage of secrets that are in no inventory any more, alone.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub former_usd: Money,
    /// The part of the whole that was not counted, but scaled from the hours that the trail covers.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub extrapolated_usd: Money,
}

impl Totals {
    /// The calls and costs among the sums.
    pub fn amounts(&self) -> Amounts<u64, Money> {
        Amounts {
            calls: self.calls,
            reads: self.reads,
            failed: self.failed,
            cost: self.cost,
            window: self.window_cost.parts.total_usd,
        }
    }
}

/// One secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRow {
    /// The key.
    pub arn: SecretArn,
    /// The name. Other people's text.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The value of the first owner tag that is set. Other people's text.
    pub owner: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Every rule that applies, the deciding ones first.
    pub reasons: Vec<ReasonRow>,
    /// The time when it was created.
    pub created: Option<Timestamp>,
    /// The time when anything about it last changed.
    pub last_changed: Option<Timestamp>,
    /// The day on which AWS last saw it read in its Region.
    pub last_accessed: Option<Date>,
    /// The time when a consumer last used it, by the trail.
    pub last_consumer_read: Option<Timestamp>,
    /// The reader of that use: the ARN of the role or user.
    pub last_consumer: Option<String>,
    /// Days since the last use that is known, or since creation if there was none; `None`: not known.
    pub idle_days: Option<u32>,
    /// API calls in the window, failed ones included.
    pub calls: u64,
    /// Successful `GetSecretValue` in the window, by whomever.
    pub reads: u64,
    /// Failed `GetSecretValue` in the window.
    pub failed: u64,
    /// Distinct consumers in the evidence span.
    pub consumers: u64,
    /// The run rate of a month.
    pub cost: Cost,
    /// The cost of the window.
    pub window_cost: Cost,
    /// The part of that which is scaled, and its months.
    #[serde(default, skip_serializing_if = "WindowDetail::is_plain")]
    pub window_detail: WindowDetail,
    /// Run rate of the calls that a cache would avoid; `None`: calls not counted.
    pub avoidable_usd: Option<Money>,
    /// The ARN of the primary, if this is a replica.
    pub replica_of: Option<Box<SecretArn>>,
    /// The Regions of its replicas, as far as they are known.
    pub replicas: Vec<Region>,
    /// Whole days of the evidence span that the trail covers.
    pub evidence_days: u32,
    /// The time when `DeleteSecret` was called.
    pub deleted: Option<Timestamp>,
    /// The AWS service that owns it.
    pub owning_service: Option<String>,
    /// `true` if it is not documented whether AWS charges for its storage, by the service that owns it; it is charged
    /// here. Written only where it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub price_is_assumed: bool,
    /// Reads decrypt with a customer-managed key.
    pub customer_key: bool,
    /// Automatic rotation is on. Written only where it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rotates: bool,
    /// The description. Other people's text.
    pub description: Option<String>,
    /// The tags. Other people's text.
    pub tags: Tags,
    /// The readers that called, sorted by kind and name.
    pub readers: Vec<ReaderRow>,
    /// The certainty of the numbers, if some of them come from a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Box<Estimate>>,
}

impl SecretRow {
    /// It is pending deletion, and its storage would be paid for if it were not.
    pub fn saves_storage(&self) -> bool {
        let service = self.owning_service.as_deref();
        self.deleted.is_some() && !service.is_some_and(includes_secrets)
    }

    /// The account and Region.
    pub fn scope(&self) -> Scope {
        self.arn.scope().clone()
    }

    /// Its calls and costs.
    pub fn amounts(&self) -> Amounts<u64, Option<Money>> {
        Amounts {
            calls: self.calls,
            reads: self.reads,
            failed: self.failed,
            cost: self.cost,
            window: self.window_cost.total_usd,
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// The code.
    pub code: FindingCode,
    /// The severity.
    pub severity: Severity,
    /// The secret; `None`: a name that is not in the inventory, or more than one secret.
    pub arn: Option<SecretArn>,
    /// The secret as people call it. Other people's text.
    pub name: String,
    /// The account.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// The reader that it is about.
    pub reader: Option<String>,
    /// The finding as a sentence.
    pub text: String,
    /// The evidence for it: counts, first and last, a sample of the error. Other people's text may stand in it.
    pub evidence: String,
    /// The reason why the policy file mutes it; `None`: it does not. A muted finding is not counted and not acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<String>,
}

impl FindingRow {
    /// A finding about no single secret, of the usual severity of its kind.
    pub fn general(code: FindingCode, text: String, evidence: String) -> Self {
        Self {
            severity: FindingKind::of(&code).map_or(Severity::Low, |kind| kind.severity),
            code,
            arn: None,
            name: String::new(),
            account: None,
            region: None,
            reader: None,
            text,
            evidence,
            muted: None,
        }
    }
}
