//! Who asked for secrets, from the event history or from a trail on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::aws::{AwsSession, lookup};
use crate::cleanup::watch::{self, Pending};
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::Secret;
use crate::domain::policy::Policy;
use crate::domain::sampling::SamplingPlan;
use crate::domain::trail::calls::CallSeries;
use crate::domain::trail::dedup::Deduplicator;
use crate::domain::trail::ledger::{Ledger, LedgerBounds};
use crate::domain::trail::record;
use crate::domain::trail::sessions::KeptNames;
use crate::ports::{Fault, Feed, LogObject, RecentCall, RecentReads, RecordCompleteness};
use crate::run::progress::ProgressReporter;
use crate::run::sources::ScanData;
use crate::term::Term;

/// A look at the history that takes less is not announced.
const WORTH_SAYING: Duration = Duration::from_secs(2);

/// The calls that were read, and what could not be read.
pub(super) struct RecentCalls {
    /// All calls.
    pub(super) accesses: Vec<CallSeries>,
    /// The parts that are missing, by account and Region where that is known.
    pub(super) gaps: Vec<(Option<Scope>, String)>,
}

/// Reads the event history of the accounts and Regions of these secrets. Where it holds too much for half of the time,
/// the other half goes to the secrets one by one, by ARN and by name: whoever asked for one of them may be found so, and
/// what was not read stays a gap.
pub(super) async fn history(
    session: &AwsSession,
    secrets: &BTreeSet<SecretArn>,
    from: Timestamp,
    now: Timestamp,
    budget: Duration,
    term: &Term,
) -> RecentCalls {
    let progress = ProgressReporter::new(term, WORTH_SAYING);
    // Up to and including the second that is running.
    let to = Timestamp::from_second(bounds(from, now).to).unwrap_or(now);
    let span = Span { from, to };
    let feed = LedgerFeed {
        ledger: Mutex::new(ledger(from, now)),
        unread: Mutex::default(),
    };
    let mut names: BTreeMap<Scope, Vec<String>> = BTreeMap::new();
    for arn in secrets {
        let known = names.entry(arn.scope().clone()).or_default();
        known.extend([arn.to_string(), arn.name().to_owned()]);
    }
    let scopes: Vec<Scope> = names.keys().cloned().collect();
    let mut ask = lookup::LookupRequest::new(span, span, now, budget / 2);
    ask.advice = "`--lookup-budget` allows more time";
    let reads = lookup::read(session, &scopes, &ask, &feed, None, &progress).await;
    let cut = reads.iter().filter(|read| !read.gaps.is_empty());
    let one_by_one = cut.map(|read| {
        let names = names.get(&read.scope).map_or(&[][..], Vec::as_slice);
        let (feed, progress) = (&feed, &progress);
        async move {
            let asked = lookup::named(session, &read.scope, names, &ask, feed, progress).await;
            let also = match asked {
                Ok(()) => "; each secret was also looked up by its ARN and its name".to_owned(),
                Err(why) if read.gaps.iter().any(|gap| gap.why == why) => String::new(),
                Err(why) => format!("; nor could all be asked for by ARN and name: {why}"),
            };
            let gaps = read.gaps.iter();
            gaps.map(|gap| {
                let text = format!("{}: {}{also}", gap.what, gap.why);
                (Some(read.scope.clone()), text)
            })
            .collect::<Vec<_>>()
        }
        .boxed()
    });
    let mut gaps = futures_util::future::join_all(one_by_one).await.concat();
    progress.finish();
    let unread = feed
        .unread
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    gaps.extend(unread.into_iter().map(|scope| {
        let text = "records of the event history could not be read".to_owned();
        (scope, text)
    }));
    let ledger = feed
        .ledger
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    RecentCalls {
        accesses: ledger.into_accesses().0,
        gaps,
    }
}

/// Reads log files. Where they do not cover the time since a deletion, silence is no answer.
pub(super) fn trail(
    roots: &[PathBuf],
    pending: &[Pending],
    from: Timestamp,
    now: Timestamp,
    term: &Term,
) -> RecentCalls {
    let bounds = bounds(from, now);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut gathered = ScanData {
        // Who asks is said by name, and there are few days.
        names: Arc::new(KeptNames::All),
        ..ScanData::default()
    };
    gathered.trail_files(roots, bounds, threads, None, term);
    let mut all = gathered.ledger(bounds);
    for ledger in gathered.ledgers {
        all.merge(ledger);
    }
    let (accesses, coverage) = all.into_accesses();
    let troubles = gathered.gaps.into_iter();
    let troubles = troubles.map(|gap| (None, format!("{}: {}", gap.what, gap.why)));
    let uncovered = watch::uncovered(pending, &coverage, from, now).into_iter();
    let uncovered = uncovered.map(|(scope, text)| (Some(scope), text));
    RecentCalls {
        accesses,
        gaps: troubles.chain(uncovered).collect(),
    }
}

fn bounds(from: Timestamp, now: Timestamp) -> LedgerBounds {
    LedgerBounds {
        from: from.as_second(),
        window_from: from.as_second(),
        // An event of this very second counts, whatever its fraction.
        to: now.as_second() + 1,
    }
}

fn ledger(from: Timestamp, now: Timestamp) -> Ledger {
    let seen = Arc::new(Deduplicator::default());
    Ledger::new(bounds(from, now), seen).keeping(Arc::new(KeptNames::All))
}

/// Takes records from the event history into a ledger.
struct LedgerFeed {
    ledger: Mutex<Ledger>,
    /// Scopes of records that could not be read, where they are known.
    unread: Mutex<BTreeSet<Option<Scope>>>,
}

impl LedgerFeed {
    fn take(&self, scope: Option<&Scope>, json: &[u8]) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = record::read(json, None, &mut *ledger);
        if contents.trouble.is_some() || contents.unreadable > 0 {
            let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
            unread.insert(scope.cloned());
        }
    }
}

impl Feed for LedgerFeed {
    fn record(&self, scope: &Scope, json: &[u8]) {
        self.take(Some(scope), json);
    }

    fn file(&self, _object: &LogObject, bytes: &[u8]) -> Result<(), String> {
        self.take(None, bytes);
        Ok(())
    }

    fn records(&self, _source: &str, json: &[u8], _completeness: RecordCompleteness) {
        self.take(None, json);
    }

    fn covered(&self, _scope: &Scope, _span: Span) {}

    fn sampled(&self, scope: &Scope, _comb: &SamplingPlan, _window: u32, json: &[u8]) {
        // A call in a sample is a call.
        self.take(Some(scope), json);
    }
}

/// The calls since the scan, to look up who asked for a secret.
pub(super) struct Since<'a> {
    recent: &'a RecentCalls,
    wants: Vec<&'a CallSeries>,
    /// The deletions by earlier runs of the plan.
    deletions: Vec<&'a CallSeries>,
}

impl<'a> Since<'a> {
    /// Sorts out which of the calls count, once for all lines of a plan.
    pub(super) fn new(
        recent: &'a RecentCalls,
        plan: &str,
        policy: &Policy,
        ours: &BTreeSet<String>,
    ) -> Self {
        Self {
            recent,
            wants: watch::wants(&recent.accesses, policy, ours),
            deletions: watch::deletions_of(plan, &recent.accesses, policy, ours),
        }
    }
}

impl RecentReads for Since<'_> {
    fn since<'a>(
        &'a self,
        secret: &'a Secret,
        arn: &'a SecretArn,
        from: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<RecentCall>, Fault>> {
        let asked = watch::wanted(secret, arn, from, &self.wants);
        let gap = self
            .recent
            .gaps
            .iter()
            .find(|(scope, _)| scope.as_ref().is_none_or(|scope| scope == arn.scope()));
        let answer = match gap {
            Some((_, why)) if asked.is_empty() => Err(Fault::Unreachable(why.clone())),
            _ => Ok(asked),
        };
        async { answer }.boxed()
    }

    fn own_deletion(&self, arn: &SecretArn) -> Option<Timestamp> {
        watch::last_of(arn, &self.deletions)
    }
}
