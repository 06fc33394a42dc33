//! The plan: which secrets are to be deleted, on what terms, and what must not be.
//!
//! [`draft`] takes what a finished scan would delete, and [`Guards::check`] says whether a plan may be carried out at all.
//! A plan never holds a secret whose verdict is `keep`, whatever is asked for. Pure: what a plan looks like as a file is
//! [`plan_csv`](crate::domain::cleanup::plan_file)'s business, and whether each line still holds is decided against AWS when it is applied.

mod guards;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::cleanup::precondition::{
    EncryptionKey, Precondition, RotationState, digest, tags_digest, whole_seconds,
};
use crate::domain::inventory::secret::day_of;
use crate::domain::policy::Glob;
use crate::domain::report::result::{Report, SecretRow};
use crate::domain::report::verdict::Verdict;

pub use self::guards::{ALWAYS_FEW, Blocked, Guards};

/// A plan to delete secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Made from the lines, so that two different plans never share one.
    pub id: String,
    /// The moment that the scan calls "now": the evidence is no younger, so the plan ages from here.
    pub planned_at: Timestamp,
    /// The number of secrets that the scan saw.
    pub scanned: u64,
    /// Sorted by account, Region and name when drafted; as people left them when read.
    pub lines: Vec<PlanEntry>,
}

/// One secret in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanEntry {
    /// The decision of the reviewer.
    pub decision: Decision,
    /// The key.
    pub arn: SecretArn,
    /// The codes of the rules that speak for deleting.
    pub reasons: Vec<String>,
    /// The day on which AWS last saw it read.
    pub last_accessed: Option<Date>,
    /// The time when a consumer last used it, by the trail.
    pub last_consumer_read: Option<Timestamp>,
    /// Whole days that the trail covers.
    pub evidence_days: Option<u32>,
    /// The amount that deleting it with its replicas saves a month; `None`: not known.
    pub saves: Option<Money>,
    /// The facts that must still hold, and the terms of the deletion.
    pub seal: Precondition,
}

impl PlanEntry {
    /// Until when the name cannot be used again, if it were deleted at this moment. AWS may take longer.
    pub fn name_blocked_until(&self, deleted: Timestamp) -> Timestamp {
        end_of_window(deleted, self.seal.recovery_days)
    }
}

/// The end of a recovery window. AWS gives no guarantee that the deletion follows at once.
pub fn end_of_window(deleted: Timestamp, days: u8) -> Timestamp {
    deleted
        .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .unwrap_or(Timestamp::MAX)
}

/// The word in the user agent of a deletion that says which plan it belongs to; `None`: the plan's id is no such word.
pub fn plan_mark(id: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_word = (1..=64).contains(&id.len()) && id.bytes().all(fits);
    is_word.then(|| format!("md/plan#{id}"))
}

/// The decision of a reviewer on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Delete it.
    Delete,
    /// Leave it alone.
    Keep,
}

impl Decision {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// The selection of what is taken into a plan.
#[derive(Clone, Debug)]
pub struct PlanSelection {
    /// The verdicts that are taken in.
    pub reach: VerdictScope,
    /// Only secrets whose name or ARN fits one of these; empty: all.
    pub only: Vec<Glob>,
    /// No secret whose name or ARN fits one of these.
    pub exclude: Vec<Glob>,
    /// Only secrets that save at least this a month.
    pub min_saving: Option<Money>,
    /// Days of the recovery window, 7 to 30.
    pub recovery_days: u8,
}

/// The verdicts that a plan takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictScope {
    /// The secrets that can be deleted.
    Delete,
    /// Also what a person has to look at first; somebody looked.
    DeleteAndReview,
}

impl VerdictScope {
    fn takes(self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Delete => true,
            Verdict::Review => self == Self::DeleteAndReview,
            Verdict::Keep => false,
        }
    }
}

/// The result of drafting: the plan, and what stayed out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The plan.
    pub plan: Plan,
    /// The secrets that were asked for and must not be planned, each with the reason.
    pub refused: Vec<Refused>,
    /// Secrets with the verdict `review` that were not asked for.
    pub to_review: u64,
    /// Secrets that the selection left out.
    pub left_out: u64,
}

/// A secret that cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The ARN of the secret.
    pub arn: SecretArn,
    /// The reason.
    pub why: Refusal,
}

/// Why a secret cannot be planned although its verdict would allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is a replica of this secret, and goes or stays with it.
    Replica(SecretArn),
    /// An AWS service owns it.
    Service(String),
    /// A CloudFormation stack owns it.
    Stack(String),
    /// Its deletion is scheduled already.
    Pending,
    /// No secret in AWS can have this name.
    Name,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replica(primary) => {
                write!(f, "a replica: it is deleted with its primary {primary}")
            }
            Self::Service(service) => write!(f, "{service} manages it: delete it there"),
            Self::Stack(stack) => {
                write!(
                    f,
                    "CloudFormation stack {stack} manages it: delete it there"
                )
            }
            Self::Pending => f.write_str("its deletion is scheduled already"),
            Self::Name => f.write_str("its name has characters that no secret in AWS can have"),
        }
    }
}

/// Drafts the plan for what a finished scan would delete. The same report and selection give the same plan.
pub fn draft(report: &Report, selection: &PlanSelection) -> Draft {
    let replicas = replicas_by_primary(report);
    let planned_at = whole_seconds(report.made);
    let scanned = report.totals.secrets;
    let mut lines = Vec::new();
    let (mut refused, mut to_review, mut left_out) = (Vec::new(), 0, 0);
    for row in &report.secrets {
        if !selection.reach.takes(row.verdict) {
            to_review += u64::from(row.verdict == Verdict::Review);
            continue;
        }
        let own = replicas.get(&row.arn).map_or(&[][..], Vec::as_slice);
        let saves = saving(row, own);
        if !selection.wants(row, saves) {
            left_out += 1;
        } else if let Some(why) = refusal(row) {
            let arn = row.arn.clone();
            refused.push(Refused { arn, why });
        } else {
            let seal = seal(row, own, planned_at, scanned, selection.recovery_days);
            lines.push(line(row, saves, seal));
        }
    }
    lines.sort_by(|a, b| sort_key(&a.arn).cmp(&sort_key(&b.arn)));
    lines.dedup_by(|a, b| a.arn == b.arn);
    refused.sort_by(|a, b| sort_key(&a.arn).cmp(&sort_key(&b.arn)));
    Draft {
        plan: Plan {
            id: plan_id(planned_at, &lines),
            planned_at,
            scanned,
            lines,
        },
        refused,
        to_review,
        left_out,
    }
}

impl PlanSelection {
    fn wants(&self, row: &SecretRow, saves: Option<Money>) -> bool {
        let dear_enough = self
            .min_saving
            .is_none_or(|least| saves.is_some_and(|saves| saves >= least));
        let fits = |glob: &Glob| glob.fits(row.arn.name()) || glob.fits(row.arn.as_str());
        let refusal_for_calls = self.only.is_empty() || self.only.iter().any(fits);
        refusal_for_calls && !self.exclude.iter().any(fits) && dear_enough
    }
}

fn sort_key(arn: &SecretArn) -> (&AccountId, &Region, &str) {
    let scope = arn.scope();
    (&scope.account, &scope.region, arn.resource())
}

fn replicas_by_primary(report: &Report) -> BTreeMap<&SecretArn, Vec<&SecretRow>> {
    let mut replicas: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in &report.secrets {
        if let Some(primary) = row.replica_of.as_deref() {
            replicas.entry(primary).or_default().push(row);
        }
    }
    replicas
}

/// Returns what the secret and its replicas cost a month; `None` if that is not known of each of them. Where calls were
/// estimated from a sample, storage alone: a plan promises what is certain.
fn saving(row: &SecretRow, replicas: &[&SecretRow]) -> Option<Money> {
    let rows = std::iter::once(row).chain(replicas.iter().copied());
    rows.map(|row| match row.estimate {
        Some(_) => row.cost.storage_usd,
        None => row.cost.total_usd,
    })
    .sum()
}

fn refusal(row: &SecretRow) -> Option<Refusal> {
    let tag = |key| row.tags.get(key).cloned();
    let stack =
        || tag("aws:cloudformation:stack-name").or_else(|| tag("aws:cloudformation:stack-id"));
    if let Some(primary) = row.replica_of.as_deref() {
        Some(Refusal::Replica(primary.clone()))
    } else if let Some(service) = &row.owning_service {
        Some(Refusal::Service(service.clone()))
    } else if row.deleted.is_some() {
        Some(Refusal::Pending)
    } else if let Some(stack) = stack() {
        Some(Refusal::Stack(stack))
    } else {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte);
        (!row.arn.resource().bytes().all(legal)).then_some(Refusal::Name)
    }
}

fn seal(
    row: &SecretRow,
    replicas: &[&SecretRow],
    planned_at: Timestamp,
    scanned: u64,
    recovery_days: u8,
) -> Precondition {
    let secret_state = replicas.iter().map(|replica| &replica.region);
    Precondition {
        planned_at,
        scanned,
        recovery_days,
        last_changed: row.last_changed.map(whole_seconds),
        last_accessed: row.last_accessed,
        tags: tags_digest(&row.tags),
        replicas: row.replicas.iter().chain(secret_state).cloned().collect(),
        key: if row.customer_key {
            EncryptionKey::Customer
        } else {
            EncryptionKey::Aws
        },
        rotation: if row.rotates {
            RotationState::On
        } else {
            RotationState::Off
        },
    }
}

fn line(row: &SecretRow, saves: Option<Money>, seal: Precondition) -> PlanEntry {
    PlanEntry {
        decision: Decision::Delete,
        arn: row.arn.clone(),
        reasons: row
            .reasons
            .iter()
            .map(|reason| reason.code.to_string())
            .collect(),
        last_accessed: row.last_accessed,
        last_consumer_read: row.last_consumer_read,
        evidence_days: Some(row.evidence_days),
        saves,
        seal,
    }
}

fn plan_id(planned_at: Timestamp, lines: &[PlanEntry]) -> String {
    let parts: Vec<String> = lines
        .iter()
        .flat_map(|line| [line.arn.to_string(), line.seal.body()])
        .collect();
    let day = day_of(planned_at).strftime("%Y%m%d");
    format!("p{day}-{}", digest(parts.iter().map(String::as_str)))
}

impl Plan {
    /// The lines that are to be deleted.
    pub fn to_delete(&self) -> impl Iterator<Item = &PlanEntry> + Clone {
        self.lines
            .iter()
            .filter(|line| line.decision == Decision::Delete)
    }

    /// The accounts of the lines that are to be deleted.
    pub fn accounts(&self) -> BTreeSet<AccountId> {
        self.to_delete()
            .map(|line| line.arn.scope().account.clone())
            .collect()
    }

    /// Returns what each of the deletions saves a month; `None`: not known.
    pub fn saves(&self) -> impl Iterator<Item = Option<Money>> + Clone {
        self.to_delete().map(|line| line.saves)
    }
}

#[cfg(test)]
pub(crate) mod tests;
