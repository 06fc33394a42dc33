//! Watching secrets that are pending deletion: who still asks for them.
//!
//! Somebody does if a read fails, if whoever is not known to look after secrets still describes the secret, as caches do, or
//! if somebody tries to create the name again. Silence proves little: `DescribeSecret` still works on a pending secret, and a client that has the value in
//! memory asks again only when it starts next. Pure: where the events come from is the caller's business; the ledger has
//! deduplicated them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::base::names::{Index, Resolution, Scope, SecretArn};
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::cleanup::journal::{JournalState, Phase};
use crate::domain::cleanup::plan::{end_of_window, plan_mark};
use crate::domain::inventory::filters::may_select;
use crate::domain::inventory::secret::Secret;
use crate::domain::policy::Policy;
use crate::domain::trail::calls::{CallOutcome, CallSeries, RequestedVersion};
use crate::domain::trail::cell::Cell;
use crate::domain::trail::coverage::{Coverage, SETTLING, in_words};
use crate::domain::trail::event::RecordKind;
use crate::domain::usage::activity::WRITES;
use crate::domain::usage::classify::{Class, Classifier};
use crate::ports::{RecentCall, RecentTarget};

/// A secret that is pending deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The ARN of the secret.
    pub arn: SecretArn,
    /// The time when its deletion was scheduled.
    pub deleted: Timestamp,
    /// The end of its recovery window.
    pub deletion: Timestamp,
    /// Its replicas, which are gone already: who asks for one asks for the secret.
    pub replicas: Vec<SecretArn>,
}

impl Pending {
    /// The time left to take it back; zero when the window is over.
    pub fn left(&self, now: Timestamp) -> SignedDuration {
        self.deletion.duration_since(now).max(SignedDuration::ZERO)
    }
}

/// One reader that asks for one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The pending secret.
    pub arn: SecretArn,
    /// The ARN of the role or user. Other people's text.
    pub reader: String,
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The program.
    pub client: String,
    /// The API that was called.
    pub what: String,
    /// The outcome of the calls.
    pub how: CallOutcome,
    /// The number of calls. An hour is the smallest part of time that is counted: the hour of the deletion counts
    /// whole.
    pub calls: u64,
    /// The first call.
    pub first: Timestamp,
    /// The last call.
    pub last: Timestamp,
}

/// The pending secrets of a journal: those whose deletion is scheduled, and is not taken back. One that was begun without
/// an outcome on record counts: AWS may have it, and a request for it that fails must be reported.
pub fn pending(state: &JournalState) -> Vec<Pending> {
    let secrets = state.secrets.iter();
    secrets
        .filter(|(_, secret_state)| {
            matches!(
                secret_state.phase,
                Phase::Deleting | Phase::Deleted | Phase::Restoring
            )
        })
        .filter_map(|(arn, secret_state)| {
            let replicas = secret_state.removed.iter();
            let intent = secret_state.intent?;
            let likely = end_of_window(intent.at, intent.recovery_days);
            Some(Pending {
                arn: arn.clone(),
                deleted: intent.at,
                deletion: secret_state.deletion.unwrap_or(likely),
                replicas: replicas
                    .filter_map(|one| arn.in_region(&one.region).ok())
                    .collect(),
            })
        })
        .collect()
}

/// Returns who asks for pending secrets, by these calls; sorted by secret and reader.
pub fn requesters(pending: &[Pending], accesses: &[CallSeries], policy: &Policy) -> Vec<Requester> {
    let mut owners = Vec::new();
    let mut arns = Vec::new();
    for one in pending {
        for arn in std::iter::once(&one.arn).chain(&one.replicas) {
            owners.push(one);
            arns.push((arn, None));
        }
    }
    let index = Index::new(arns);
    let mut requesters: BTreeMap<_, Requester> = BTreeMap::new();
    for access in accesses
        .iter()
        .filter(|access| access.kind != RecordKind::ServiceEvent)
    {
        let class = class_of(access, policy, &BTreeSet::new());
        if !asks(access, &class, policy) {
            continue;
        }
        for (owner, cells) in meant(access, &index, &owners) {
            let Some(new) = requester(owner, access, &class, &cells) else {
                continue;
            };
            let key = (
                owner.arn.clone(),
                new.reader.clone(),
                new.client.clone(),
                new.what.clone(),
                new.how,
            );
            requesters
                .entry(key)
                .and_modify(|known| known.join(&new))
                .or_insert(new);
        }
    }
    requesters.into_values().collect()
}

/// Returns where silence proves nothing, and why: the accounts and Regions of pending secrets, and of their replicas,
/// whose log files do not cover the time from `from` or from the deletion on, whichever is later. Of that time, what
/// may still be on its way `now` is not missed yet; but where nothing is left of it then, nothing was read.
pub fn uncovered(
    pending: &[Pending],
    coverage: &Coverage,
    from: Timestamp,
    now: Timestamp,
) -> Vec<(Scope, String)> {
    // The earliest start and the latest.
    let mut since: BTreeMap<&Scope, (i64, i64)> = BTreeMap::new();
    for one in pending {
        let start = one.deleted.max(from).as_second();
        for arn in std::iter::once(&one.arn).chain(&one.replicas) {
            let starts = since.entry(arn.scope()).or_insert((start, start));
            *starts = (start.min(starts.0), start.max(starts.1));
        }
    }
    let now = now.as_second();
    let settled = now - SETTLING;
    let gaps = |(scope, (first, last)): (&Scope, (i64, i64))| {
        let covered = coverage.covered(scope, first, now);
        let holes = covered.unwrap_or_default().holes(first, settled);
        let hole = in_words(&holes, settled - first);
        let hole = hole.map(|what| format!("{what}: {}", coverage.why_not(scope, &holes)));
        let too_young = (last >= settled).then(|| too_young(last));
        let gap = |text| (scope.clone(), text);
        hole.into_iter()
            .chain(too_young)
            .map(gap)
            .collect::<Vec<_>>()
    };
    since.into_iter().flat_map(gaps).collect()
}

/// Returns why no event since a moment can have arrived yet.
fn too_young(since: i64) -> String {
    let since =
        Timestamp::from_second(since).map_or_else(|_| since.to_string(), |at| at.to_string());
    format!(
        "what happened since {since}: events take up to an hour to reach a log file, so ask later, or for a longer time"
    )
}

/// Changes of a secret that are no writes of its value: somebody works with it all the same.
const CHANGES: [&str; 4] = [
    "TagResource",
    "UntagResource",
    "DeleteResourcePolicy",
    "CancelRotateSecret",
];

/// The calls that show that somebody needs a secret or works with it: any read, failed or not, any request for its
/// description by whoever is not known to look after secrets, and any change. Reads that would come anyway (rotation,
/// refreshes of infrastructure as code) are left out, and so are our own calls.
///
/// Anybody can send our application id. A call is ours if its role or user is one of `ours`, too.
pub fn wants<'a>(
    accesses: &'a [CallSeries],
    policy: &Policy,
    ours: &BTreeSet<String>,
) -> Vec<&'a CallSeries> {
    let wants = |access: &&CallSeries| {
        if access.kind == RecordKind::ServiceEvent {
            return false;
        }
        let class = class_of(access, policy, ours);
        if access.asks_for_value() || access.asks_for_description() {
            return policy.is_consumer(class.kind);
        }
        let api = &*access.subject.api;
        class.kind != ReaderKind::Ourselves && (WRITES.contains(&api) || CHANGES.contains(&api))
    };
    accesses.iter().filter(wants).collect()
}

/// Returns what a caller is for a call.
fn class_of(access: &CallSeries, policy: &Policy, ours: &BTreeSet<String>) -> Class {
    let is_stranger = !ours.is_empty() && !ours.contains(name_of(&access.caller.identity));
    let class = Classifier::new(policy).classify(&access.caller, |kind| {
        kind == ReaderKind::Ourselves && is_stranger
    });
    let for_read = class
        .for_value_read(access.version == RequestedVersion::ById)
        .filter(|_| access.asks_for_value());
    for_read.unwrap_or(class)
}

/// Returns who wanted this secret from a moment on, of these calls, or may have. `arn` is the secret's own or a
/// replica's.
pub fn wanted(
    secret: &Secret,
    arn: &SecretArn,
    from: Timestamp,
    wants: &[&CallSeries],
) -> Vec<RecentCall> {
    let index = Index::new([(arn, None)]);
    let target_of = |access: &CallSeries, last| {
        let target = access.subject.target.as_deref().unwrap_or_default();
        let here = || access.scope().as_ref() == Some(arn.scope());
        if access.kind == RecordKind::BatchFilter {
            return (here() && may_select(target, secret)).then_some(RecentTarget::Filters);
        }
        match index.resolve(target, access.scope().as_ref(), last) {
            Resolution::One(_) | Resolution::Ambiguous(_) => Some(RecentTarget::Named),
            _ => (access.is_unnamed_refusal() && here()).then_some(RecentTarget::Unnamed),
        }
    };
    let asked = |access: &&CallSeries| {
        let (_, last) = access.cells.span()?;
        let at = Timestamp::from_second(last).ok()?;
        let target = target_of(access, last).filter(|_| at >= from)?;
        Some(RecentCall {
            at,
            reader: access.caller.identity.clone(),
            what: access.subject.api.to_string(),
            calls: access.calls(),
            target,
        })
    };
    wants.iter().filter_map(asked).collect()
}

/// The deletions that earlier runs of a plan made: by one of `ours`, with the mark of the plan.
pub fn deletions_of<'a>(
    plan: &str,
    accesses: &'a [CallSeries],
    policy: &Policy,
    ours: &BTreeSet<String>,
) -> Vec<&'a CallSeries> {
    let Some(mark) = plan_mark(plan) else {
        return Vec::new();
    };
    let is_own = |access: &&CallSeries| {
        &*access.subject.api == "DeleteSecret"
            && access.outcome == CallOutcome::Ok
            && access.caller.user_agent.split(' ').any(|word| word == mark)
            && class_of(access, policy, ours).kind == ReaderKind::Ourselves
    };
    accesses.iter().filter(is_own).collect()
}

/// The time of the last of these calls that was for this secret, by its full ARN.
pub fn last_of(arn: &SecretArn, calls: &[&CallSeries]) -> Option<Timestamp> {
    let own = calls
        .iter()
        .filter(|call| call.subject.target.as_deref() == Some(arn.as_str()));
    let last = own
        .filter_map(|call| call.cells.span())
        .map(|(_, last)| last)
        .max();
    Timestamp::from_second(last?).ok()
}

/// Returns whether a call shows that its caller wants the secret, or would.
fn asks(access: &CallSeries, class: &Class, policy: &Policy) -> bool {
    if class.kind == ReaderKind::Ourselves {
        return false;
    }
    match (&*access.subject.api, access.outcome) {
        (_, CallOutcome::Pending) => true,
        (_, outcome) if access.asks_for_value() => outcome != CallOutcome::Ok,
        // AWS answers it for a pending secret, too: a cache refreshes so, marked or not.
        _ if access.asks_for_description() => policy.is_consumer(class.kind),
        ("CreateSecret", CallOutcome::Failed) => access
            .sample
            .as_deref()
            .is_some_and(|message| message.contains("scheduled for deletion")),
        _ => false,
    }
}

/// The pending secrets that a call may mean, with the hours of it that lie after the deletion. A name that may be two
/// secrets' counts for both: better one question too many.
fn meant<'p>(
    access: &CallSeries,
    index: &Index<'_>,
    owners: &[&'p Pending],
) -> Vec<(&'p Pending, Vec<Cell>)> {
    let (Some(target), scope) = (&access.subject.target, access.scope()) else {
        return Vec::new();
    };
    let time = access.cells.span().map_or(0, |(_, last)| last);
    let positions = match index.resolve(target, scope.as_ref(), time) {
        Resolution::One(position) => vec![position],
        Resolution::Ambiguous(positions) => positions,
        Resolution::Former | Resolution::Unknown => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    positions
        .into_iter()
        .filter_map(|position| owners.get(position).copied())
        .filter(|owner| seen.insert(&owner.arn))
        .map(|owner| {
            let after = |cell: &Cell| cell.last() >= owner.deleted.as_second();
            (owner, access.cells.iter().filter(after).collect())
        })
        .collect()
}

fn requester(
    owner: &Pending,
    access: &CallSeries,
    class: &Class,
    cells: &[Cell],
) -> Option<Requester> {
    let first = cells.first()?.first().max(owner.deleted.as_second());
    let last = cells.last()?.last();
    Some(Requester {
        arn: owner.arn.clone(),
        reader: access.caller.identity.clone(),
        kind: class.kind,
        client: class.client.clone(),
        what: access.subject.api.to_string(),
        how: access.outcome,
        calls: cells.iter().map(|cell| u64::from(cell.calls)).sum(),
        first: Timestamp::from_second(first).ok()?,
        last: Timestamp::from_second(last).ok()?,
    })
}

impl Requester {
    fn join(&mut self, other: &Self) {
        self.calls += other.calls;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

#[cfg(test)]
mod tests;
