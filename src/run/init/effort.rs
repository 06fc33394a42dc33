//! How much a scan would have to read: log files of one day, or the length of the event history.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::aws::bucket::{self, BucketRequest, Location, PayerOfRequests};
use crate::aws::{AwsSession, lookup};
use crate::domain::base::gap::Gap;
use crate::domain::base::names::Scope;
use crate::domain::base::span::Span;
use crate::domain::sampling::SamplingPlan;
use crate::domain::setup::{ScanEffort, SetupFacts};
use crate::ports::{Feed, LogObject, ProgressEvent, ProgressSink, RecordCompleteness};
use crate::run::progress::ProgressReporter;
use crate::run::scan_plan::clock;

/// Requests to the event history of one account and Region by which the length of the whole is estimated: first pages and
/// probes, some fifteen seconds.
const PROBING: u64 = 30;

/// The days of use that a scan judges by default.
pub(super) const IDLE_DAYS: i64 = 90;

/// Counts the log files of the last whole day. The gap says why the bucket cannot be read.
pub(super) async fn measure(
    session: &AwsSession,
    location: &Location,
    found: &mut SetupFacts,
    progress: &ProgressReporter<'_>,
) -> Result<Option<Gap>> {
    let midnight =
        |day: Date| -> Result<Timestamp> { Ok(day.to_zoned(TimeZone::UTC)?.timestamp()) };
    let to = midnight(found.day)?;
    let ask = BucketRequest {
        span: Span {
            from: to - SignedDuration::from_hours(24),
            to,
        },
        regions: found.secrets.keys().cloned().collect(),
        payer: PayerOfRequests::Owner,
        in_flight: bucket::IN_FLIGHT,
    };
    let files = Arc::new(FileCount::default());
    let read = bucket::read(session, location, &ask, files.clone(), progress).await;
    let [count, bytes] = [&files.count, &files.bytes].map(|sum| sum.load(Ordering::Relaxed));
    let all = count * ScanEffort::DAYS;
    found.effort.files += all;
    found.effort.bytes += bytes * ScanEffort::DAYS;
    found.effort.bucket_lists += read.branches.max(1) + all / 1_000;
    Ok(read.gaps.into_iter().find(|_| count == 0))
}

/// Estimates how long the event history is.
pub(super) async fn history(
    session: &AwsSession,
    scopes: &[Scope],
    effort: &mut ScanEffort,
    progress: &ProgressReporter<'_>,
) {
    let now = clock();
    let evidence = Span {
        from: now - SignedDuration::from_hours(24 * IDLE_DAYS),
        to: now,
    };
    let mut ask = lookup::LookupRequest::new(evidence, evidence, now, Duration::from_mins(1));
    ask.requests = Some(PROBING);
    let estimates = LookupEstimates {
        full: Mutex::default(),
        progress,
    };
    let feed = FileCount::default();
    let reads = lookup::read(session, scopes, &ask, &feed, None, &estimates).await;
    let full = estimates
        .full
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let each: Option<Vec<u64>> = reads
        .iter()
        .map(|read| match full.get(&read.scope) {
            Some(rest) => Some(rest + read.requests.min(PROBING)),
            // What was read within the probing is all there is, unless something is missing.
            None => read.gaps.is_empty().then_some(read.requests),
        })
        .collect();
    effort.longest = each.iter().flatten().copied().max().unwrap_or(0);
    effort.lookups = each.map(|each| each.iter().sum());
}

/// Takes notice of log files and leaves them where they are.
#[derive(Debug, Default)]
struct FileCount {
    count: AtomicU64,
    bytes: AtomicU64,
}

impl Feed for FileCount {
    fn record(&self, _scope: &Scope, _json: &[u8]) {}

    fn remembers(&self) -> bool {
        true
    }

    fn knows(&self, object: &LogObject) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(object.size, Ordering::Relaxed);
        true
    }

    fn file(&self, _object: &LogObject, _bytes: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn records(&self, _source: &str, _json: &[u8], _completeness: RecordCompleteness) {}

    fn covered(&self, _scope: &Scope, _span: Span) {}

    fn sampled(&self, _scope: &Scope, _comb: &SamplingPlan, _window: u32, _json: &[u8]) {}
}

/// Remembers how many requests a full read of each event history would take.
struct LookupEstimates<'a> {
    full: Mutex<BTreeMap<Scope, u64>>,
    progress: &'a ProgressReporter<'a>,
}

impl ProgressSink for LookupEstimates<'_> {
    fn note(&self, note: ProgressEvent) {
        if let ProgressEvent::LookupPlan {
            scope,
            full_requests: Some(requests),
            ..
        } = &note
        {
            let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
            full.insert(scope.clone(), *requests);
        }
        self.progress.note(note);
    }
}
