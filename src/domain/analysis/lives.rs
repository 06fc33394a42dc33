//! When secrets came and went by the trail: what the inventory of today cannot tell.
//!
//! The inventory has a secret's creation and the deletion that is pending. It has neither a deletion that ended in a
//! restoration, whose days were free, nor a secret that is gone, whose days were not. Both stand in the trail as `CreateSecret`,
//! `DeleteSecret` and `RestoreSecret`. Replicas that went with their primary have no such events and are not found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::Scan;
use super::rows::windows;
use crate::domain::base::names::{Scope, SecretArn, split_arn, split_suffix};
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::{includes_secrets, owner_by_name};
use crate::domain::pricing::cost::{WindowPiece, WindowTerms, billable, window_cost};
use crate::domain::report::result::FormerSecret;
use crate::domain::trail::calls::CallOutcome;
use crate::domain::usage::activity::{Activity, ActivitySlice};

/// An event in the life of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Created,
    Deleted,
    Restored,
}

impl Turn {
    fn of(slice: &ActivitySlice<'_>) -> Option<Self> {
        if slice.access.outcome != CallOutcome::Ok {
            return None;
        }
        match &*slice.access.subject.api {
            "CreateSecret" => Some(Self::Created),
            "DeleteSecret" => Some(Self::Deleted),
            "RestoreSecret" => Some(Self::Restored),
            _ => None,
        }
    }
}

/// The turns of one secret, or of those that bore one name after each other.
type Turns<'a> = BTreeSet<(i64, Turn, Option<&'a str>)>;

fn note<'a>(turns: &mut Turns<'a>, slice: &ActivitySlice<'a>) {
    let Some(turn) = Turn::of(slice) else { return };
    let target = slice.access.subject.target.as_deref();
    for cell in slice.cells() {
        turns.insert((cell.first(), turn, target));
        turns.insert((cell.last(), turn, target));
    }
}

/// The spans in which secrets of the inventory were pending deletion and were then restored, by index.
pub(super) fn restored(activity: &Activity<'_>) -> HashMap<usize, Vec<Span>> {
    let mut all = HashMap::new();
    for (at, readers) in activity.secrets.iter().enumerate() {
        let mut turns = Turns::new();
        for slice in readers.values().flat_map(|what| &what.slices) {
            note(&mut turns, slice);
        }
        let (pending, _) = pending(&turns);
        if !pending.is_empty() {
            all.insert(at, pending);
        }
    }
    all
}

/// The spans from a deletion to its restoration, and the deletion that was not taken back.
fn pending(turns: &Turns<'_>) -> (Vec<Span>, Option<i64>) {
    let (mut spans, mut since) = (Vec::new(), None);
    for (time, turn, _) in turns {
        match (turn, since) {
            (Turn::Deleted, None) => since = Some(*time),
            (Turn::Restored, Some(from)) => {
                if let (Ok(from), Ok(to)) =
                    (Timestamp::from_second(from), Timestamp::from_second(*time))
                {
                    spans.push(Span { from, to });
                }
                since = None;
            }
            _ => {}
        }
    }
    (spans, since)
}

/// A secret that is gone.
struct PastLife<'a> {
    arn: Option<&'a str>,
    created: Option<i64>,
    deleted: i64,
    pending: Vec<Span>,
}

/// The lives of those that bore one name, each of which ended: a name is free again only when its secret is gone.
fn past_lives<'a>(turns: &Turns<'a>) -> Vec<PastLife<'a>> {
    let mut lives = Vec::new();
    let mut own = Turns::new();
    let close = |own: &mut Turns<'a>, lives: &mut Vec<PastLife<'a>>| {
        let (pending, deleted) = pending(own);
        let created = own.iter().find(|(_, turn, _)| *turn == Turn::Created);
        if let Some(deleted) = deleted {
            lives.push(PastLife {
                arn: own.iter().find_map(|(_, _, target)| {
                    target.filter(|target| target.starts_with("arn:") && full(target))
                }),
                created: created.map(|(time, ..)| *time),
                deleted,
                pending,
            });
        }
        own.clear();
    };
    for turn in turns {
        // Several in one hour stand on one line with the first and the last; what comes between two creations is one life.
        let is_new =
            turn.1 == Turn::Created && own.iter().any(|(_, turn, _)| *turn == Turn::Deleted);
        if is_new {
            close(&mut own, &mut lives);
        }
        own.insert(*turn);
    }
    close(&mut own, &mut lives);
    lives
}

/// Returns whether an ARN has the six characters that make it one secret's.
fn full(arn: &str) -> bool {
    split_arn(arn).is_some_and(|(_, rest)| split_suffix(rest).is_some())
}

impl Scan<'_> {
    /// The secrets that the trail shows to be gone, and that stood in the window, by account, Region, name and end. Only
    /// of accounts and Regions whose inventory was read: elsewhere nobody knows what is gone.
    pub(super) fn former(&self) -> Vec<FormerSecret> {
        let mut names: BTreeMap<(Scope, &str), Turns<'_>> = BTreeMap::new();
        for nobody in &self.activity.unattributed {
            let Some(target) = nobody.slice.access.subject.target.as_deref() else {
                continue;
            };
            if Turn::of(&nobody.slice).is_none() {
                continue;
            }
            let by_name = || Some((nobody.slice.access.scope()?, target));
            let Some((scope, name)) = split_arn(target).or_else(by_name) else {
                continue;
            };
            if !self.inventoried.contains(&scope) {
                continue;
            }
            let name = if target.starts_with("arn:") {
                split_suffix(name).map_or(name, |(name, _)| name)
            } else {
                name
            };
            note(names.entry((scope, name)).or_default(), &nobody.slice);
        }
        let mut former = Vec::new();
        for ((scope, name), turns) in &names {
            let lives = past_lives(turns);
            former.extend(
                lives
                    .iter()
                    .filter_map(|life| self.former_one(scope, name, life)),
            );
        }
        former
    }

    /// One of them; `None` if it did not stand in the window.
    fn former_one(&self, scope: &Scope, name: &str, life: &PastLife<'_>) -> Option<FormerSecret> {
        let moment = |second: i64| Timestamp::from_second(second).ok();
        let (created, deleted) = (life.created.and_then(moment), moment(life.deleted)?);
        let window = self.spans.window;
        if deleted <= window.from || created.is_some_and(|created| created >= window.to) {
            return None;
        }
        let is_included = owner_by_name(name).is_some_and(includes_secrets);
        let paid = if is_included {
            Vec::new()
        } else {
            billable(created, Some(deleted), &life.pending)
        };
        let pieces: Vec<_> = windows(window)
            .into_iter()
            .map(|(month, span)| WindowPiece::of_storage(month, span))
            .collect();
        let terms = WindowTerms {
            price: self.scope_price(scope),
            accrual: self.spans.accrual,
            scale: None,
            counted: false,
        };
        let found = window_cost(&paid, &pieces, &terms, false);
        Some(FormerSecret {
            arn: life.arn.and_then(|arn| SecretArn::new(arn).ok()),
            name: name.to_owned(),
            account: scope.account.clone(),
            region: scope.region.clone(),
            created,
            deleted,
            storage_usd: found.cost.storage_usd,
            months: found.detail.months,
        })
    }
}
