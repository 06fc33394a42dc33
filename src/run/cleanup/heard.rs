//! Who asked for secrets, from the event history or from a trail on disk.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::aws::{Session, lookup};
use crate::domain::ledger::{Bounds, Ledger};
use crate::domain::names::{Scope, SecretArn};
use crate::domain::policy::Policy;
use crate::domain::record;
use crate::domain::report::Span;
use crate::domain::sample::Comb;
use crate::domain::seen::Seen;
use crate::domain::usage::Access;
use crate::files::logs;
use crate::ports::{Asked, Fault, Feed, LogObject, Reads, Silence};
use crate::watch;

/// What was heard, and what could not be.
pub(super) struct Heard {
    /// All calls.
    pub(super) accesses: Vec<Access>,
    /// What is missing, by account and Region where that is known.
    pub(super) gaps: Vec<(Option<Scope>, String)>,
}

/// Reads the event history of these accounts and Regions.
pub(super) async fn history(
    session: &Session,
    scopes: &BTreeSet<Scope>,
    from: Timestamp,
    now: Timestamp,
    budget: Duration,
) -> Heard {
    let span = Span { from, to: now };
    let feed = Ear(Mutex::new(ledger(from, now)));
    let scopes: Vec<Scope> = scopes.iter().cloned().collect();
    let ask = lookup::Ask::new(span, span, now, budget);
    let reads = lookup::read(session, &scopes, &ask, &feed, None, &Silence).await;
    let gaps = reads
        .iter()
        .flat_map(|read| {
            let scope = Some(read.scope.clone());
            let gaps = read.gaps.iter();
            gaps.map(move |gap| (scope.clone(), format!("{}: {}", gap.what, gap.why)))
        })
        .collect();
    let ledger = feed.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    Heard {
        accesses: ledger.into_accesses().0,
        gaps,
    }
}

/// Reads log files.
pub(super) fn trail(roots: &[PathBuf], from: Timestamp, now: Timestamp) -> Heard {
    let seen = Arc::new(Seen::default());
    let bounds = bounds(from, now);
    let (ledgers, reading) = logs::read(
        &logs::Ask {
            roots,
            span: bounds.from..bounds.to,
            threads: 2,
            cache: None,
        },
        || Ledger::new(bounds, Arc::clone(&seen)),
        &|_| {},
    );
    let mut all = Ledger::new(bounds, Arc::clone(&seen));
    for ledger in ledgers {
        all.merge(ledger);
    }
    let troubles = reading.troubles.into_iter();
    Heard {
        accesses: all.into_accesses().0,
        gaps: troubles
            .map(|trouble| {
                (
                    None,
                    format!("{}: {}", trouble.path.display(), trouble.what),
                )
            })
            .collect(),
    }
}

fn bounds(from: Timestamp, now: Timestamp) -> Bounds {
    Bounds {
        from: from.as_second(),
        window_from: from.as_second(),
        // An event of this very second counts, whatever its fraction.
        to: now.as_second() + 1,
    }
}

fn ledger(from: Timestamp, now: Timestamp) -> Ledger {
    Ledger::new(bounds(from, now), Arc::new(Seen::default()))
}

/// Takes records from the event history into a ledger.
struct Ear(Mutex<Ledger>);

impl Ear {
    fn take(&self, json: &[u8]) {
        let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        record::read(json, None, &mut *ledger);
    }
}

impl Feed for Ear {
    fn record(&self, _scope: &Scope, json: &[u8]) {
        self.take(json);
    }

    fn file(&self, _object: &LogObject, bytes: &[u8]) -> Result<(), String> {
        self.take(bytes);
        Ok(())
    }

    fn covered(&self, _scope: &Scope, _span: Span) {}

    fn sampled(&self, _scope: &Scope, _comb: &Comb, _window: u32, json: &[u8]) {
        // Who asks in a sample has asked.
        self.take(json);
    }
}

/// What was heard since the scan, as an answer to whether somebody asked.
pub(super) struct Since<'a> {
    pub(super) heard: &'a Heard,
    pub(super) policy: &'a Policy,
}

impl Reads for Since<'_> {
    fn since<'a>(
        &'a self,
        arn: &'a SecretArn,
        from: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Asked>, Fault>> {
        let asked = watch::wanted(arn, from, &self.heard.accesses, self.policy);
        let gap = self
            .heard
            .gaps
            .iter()
            .find(|(scope, _)| scope.as_ref().is_none_or(|scope| scope == arn.scope()));
        let answer = match gap {
            Some((_, why)) if asked.is_empty() => Err(Fault::Unreachable(why.clone())),
            _ => Ok(asked),
        };
        async { answer }.boxed()
    }
}
