//! Events from AWS on their way into ledgers: records of the event history, and log files of a bucket.
//!
//! Log files may come from the cache of earlier scans, and go there. Whatever is read at once goes into ledgers of its
//! own, so that no task waits for another.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cache::{Cache, CacheSlot, CacheWriter, FileVersion};
use super::log_file;
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::Scope;
use crate::domain::base::span::Span;
use crate::domain::sampling::{Sample, SamplingPlan};
use crate::domain::trail::event::{EventSink, TrailEvent};
use crate::domain::trail::layout;
use crate::domain::trail::ledger::Ledger;
use crate::domain::trail::record;
use crate::domain::trail::unread::Unread;
use crate::ports::{Feed, LogObject, RecordCompleteness};

/// Takes in what AWS gives and folds it. Ledgers wait in a pool: as many as there were requests at once.
#[derive(Debug)]
pub struct LedgerPool {
    /// An empty one, after which the others are made.
    pattern: Ledger,
    cache: Option<Arc<Cache>>,
    pool: Mutex<Vec<Ledger>>,
    rest: Mutex<NonEventAnswers>,
}

/// The answers that are no events.
#[derive(Debug, Default)]
struct NonEventAnswers {
    covered: Vec<(Scope, Span)>,
    gaps: Vec<Gap>,
    samples: Vec<(Scope, Sample)>,
    /// Time of which records could not be read.
    unread: BTreeSet<Unread>,
    /// Log files of several gzip members.
    multi_member: u64,
}

/// The folder of a log file, with its bucket, and its name in there.
fn folder_and_name(object: &LogObject) -> (String, &str) {
    let (folder, name) = object.key.rsplit_once('/').unwrap_or(("", &object.key));
    (format!("s3://{}/{folder}", object.bucket), name)
}

fn slot_of<'p>(object: &LogObject, folder: &'p str, name: &'p str) -> CacheSlot<'p> {
    CacheSlot {
        folder,
        name,
        version: FileVersion {
            size: object.size,
            mark: object.etag.clone(),
        },
    }
}

/// Returns whether a log file has several gzip members, which AWS never writes. Messages of a log group are packed one by
/// one.
fn is_packed_again(object: &LogObject, file: &log_file::FileRead) -> bool {
    file.members > 1 && layout::trail_file(&object.key).is_some()
}

/// Everything that a pool took in.
#[derive(Debug)]
pub struct PoolContents {
    /// The events, folded, and the time in which there were no others.
    pub ledgers: Vec<Ledger>,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
    /// Log files of several gzip members.
    pub multi_member: u64,
}

impl LedgerPool {
    /// A pool of ledgers like this empty one. With a cache, log files are read from it.
    pub fn new(pattern: Ledger, cache: Option<Arc<Cache>>) -> Self {
        Self {
            pattern,
            cache,
            pool: Mutex::default(),
            rest: Mutex::default(),
        }
    }

    fn ledger(&self) -> Ledger {
        self.pattern.another()
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Ledger>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(&self, work: impl FnOnce(&mut Ledger) -> R) -> R {
        let idle = self.pool().pop();
        let mut ledger = idle.unwrap_or_else(|| self.ledger());
        let result = work(&mut ledger);
        self.pool().push(ledger);
        result
    }

    fn rest(&self) -> MutexGuard<'_, NonEventAnswers> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that the sources say is covered.
    pub fn covered(&self) -> Vec<(Scope, Span)> {
        self.rest().covered.clone()
    }

    /// Notes time of which records could not be read.
    pub fn unread(&self, unread: impl IntoIterator<Item = Unread>) {
        self.rest().unread.extend(unread);
    }

    /// Notes the sample that was taken of an account and Region.
    pub fn sample(&self, scope: Scope, sample: Sample) {
        self.rest().samples.push((scope, sample));
    }

    /// Counts a record of the event history.
    fn history(&self, scope: &Scope, json: &[u8], count: impl FnMut(&mut Ledger, &TrailEvent<'_>)) {
        let contents = self.with(|ledger| {
            let mut sink = WithoutCoverage { ledger, count };
            record::read(json, Some(owner(scope)), &mut sink)
        });
        let trouble = match contents.unreadable {
            0 => contents.trouble,
            _ => Some("the record of an event has no readable time".to_owned()),
        };
        if let Some(trouble) = trouble {
            self.rest().unread.insert(Unread::of_scope(scope));
            let what = "a record of the event history";
            let gap = Gap::new(GapSource::Trail, Some(scope), what, trouble);
            self.rest().gaps.push(gap);
        }
    }

    /// Everything that was taken in. The pool is empty then.
    pub fn take(&self) -> PoolContents {
        let mut ledgers = std::mem::take(&mut *self.pool());
        let rest = std::mem::take(&mut *self.rest());
        let mut known = self.ledger();
        for (scope, span) in rest.covered {
            known
                .coverage
                .assert(&scope, span.from.as_second(), span.to.as_second());
        }
        for unread in rest.unread {
            known.coverage.unread(unread);
        }
        for (scope, sample) in rest.samples {
            known.coverage.sampled(scope, sample);
        }
        ledgers.push(known);
        PoolContents {
            ledgers,
            gaps: rest.gaps,
            multi_member: rest.multi_member,
        }
    }
}

impl Feed for LedgerPool {
    fn record(&self, scope: &Scope, json: &[u8]) {
        self.history(scope, json, Ledger::event);
    }

    fn remembers(&self) -> bool {
        self.cache.is_some()
    }

    fn knows(&self, object: &LogObject) -> bool {
        let Some(cache) = self.cache.as_ref() else {
            return false;
        };
        let (folder, name) = folder_and_name(object);
        let slot = slot_of(object, &folder, name);
        let mut pen = CacheWriter::default();
        let mut replayed = self.with(|ledger| cache.replay(&[Some(slot)], &mut pen, ledger));
        let Some(file) = replayed.pop().flatten() else {
            return false;
        };
        self.rest().multi_member += u64::from(is_packed_again(object, &file));
        true
    }

    fn file(&self, object: &LogObject, bytes: &[u8]) -> Result<(), String> {
        let file = layout::trail_file(&object.key);
        let scope = file.map(|file| record::TrailOwner {
            account: file.account,
            region: file.region,
        });
        let mut memory = log_file::Memory::default();
        let (folder, name) = folder_and_name(object);
        let slot = slot_of(object, &folder, name);
        let read = self.with(|ledger| match &self.cache {
            None => log_file::read_bytes(bytes, scope, &mut memory, ledger),
            Some(cache) => {
                let mut pen = CacheWriter::default();
                let Ok(read) = cache.record(&slot, &mut pen, ledger, |recorder| {
                    Ok::<_, Infallible>(log_file::read_bytes(bytes, scope, &mut memory, recorder))
                });
                cache.store(&mut pen);
                read
            }
        });
        let mut rest = self.rest();
        rest.multi_member += u64::from(is_packed_again(object, &read));
        if read.contents.trouble.is_none()
            && let Some(trouble) = read.trouble()
        {
            // To fetch it once more would not help.
            rest.unread.extend(layout::unread(&object.key));
            let what = format!("s3://{}/{}", object.bucket, object.key);
            rest.gaps
                .push(Gap::new(GapSource::Trail, None, what, trouble));
        }
        drop(rest);
        read.contents.trouble.map_or(Ok(()), Err)
    }

    fn records(&self, source: &str, json: &[u8], completeness: RecordCompleteness) {
        let mut memory = log_file::Memory::default();
        let read = self.with(|ledger| match completeness {
            RecordCompleteness::Whole => log_file::read_bytes(json, None, &mut memory, ledger),
            RecordCompleteness::Selection => {
                log_file::read_bytes(json, None, &mut memory, &mut PickedRecords { ledger })
            }
        });
        if let Some(trouble) = read.trouble() {
            let mut rest = self.rest();
            rest.unread.insert(Unread::always(None));
            let gap = Gap::new(GapSource::Trail, None, source, trouble);
            if !rest.gaps.contains(&gap) {
                rest.gaps.push(gap);
            }
        }
    }

    fn covered(&self, scope: &Scope, span: Span) {
        self.rest().covered.push((scope.clone(), span));
    }

    fn sampled(&self, scope: &Scope, _comb: &SamplingPlan, window: u32, json: &[u8]) {
        self.history(scope, json, |ledger, event| ledger.sampled(event, window));
    }
}

/// Counts the events of the event history, and hears nothing in them: what was read in full is asserted, and of a window
/// nothing follows for the time around it, however many there are.
struct WithoutCoverage<'a, F> {
    ledger: &'a mut Ledger,
    count: F,
}

impl<F: FnMut(&mut Ledger, &TrailEvent<'_>)> EventSink for WithoutCoverage<'_, F> {
    fn event(&mut self, event: &TrailEvent<'_>) {
        (self.count)(self.ledger, event);
    }

    fn active_hour(&mut self, _account: &str, _region: &str, _hour: u32, _read_only: bool) {}
}

/// Counts the events of records that were picked, and notes of their hours no more than that.
struct PickedRecords<'a> {
    ledger: &'a mut Ledger,
}

impl EventSink for PickedRecords<'_> {
    fn event(&mut self, event: &TrailEvent<'_>) {
        self.ledger.event(event);
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, _read_only: bool) {
        self.ledger.selected_hour(account, region, hour);
    }
}

fn owner(scope: &Scope) -> record::TrailOwner<'_> {
    record::TrailOwner {
        account: scope.account.as_str(),
        region: scope.region.as_str(),
    }
}
