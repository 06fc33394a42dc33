//! A scan that asks AWS: accounts and Regions, inventory, event history or a trail's bucket.
//!
//! Everything is handed to the same judging as files are. A part that cannot be read is a gap; only a session that cannot
//! be opened ends the scan.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::progress::ProgressReporter;
use super::session;
use super::sources::{ScanData, packed_again, trail_gap};
use crate::aws::accounts::{self, Accounts};
use crate::aws::bucket::{self, Location, PayerOfRequests};
use crate::aws::{AwsSession, lookup, secrets, versions};
use crate::cli::{LiveArgs, ScanArgs, TrailSource};
use crate::domain::analysis::TrailInput;
use crate::domain::base::gap::Gap;
use crate::domain::base::money::{Price, counted, thousands};
use crate::domain::base::names::{Region, Scope};
use crate::domain::base::span::Span;
use crate::domain::pricing::scan_cost::ScanCost;
use crate::domain::report::result::Report;
use crate::domain::sampling::{Sample, SamplingPlan};
use crate::domain::trail::dedup::Deduplicator;
use crate::domain::trail::event::{EventSink, TrailEvent};
use crate::domain::trail::layout;
use crate::domain::trail::ledger::{Ledger, LedgerBounds};
use crate::domain::trail::record;
use crate::domain::trail::unread::Unread;
use crate::files::blob_store::DirStore;
use crate::files::cache::{Cache, CacheSlot, CacheWriter, FileVersion};
use crate::files::log_file;
use crate::files::snapshot::SnapshotWriter;
use crate::ports::{BlobStore, Feed, LogObject, ProgressEvent, ProgressSink as _};
use crate::run::scan_plan::{ScanPlan, VersionAnswers, clock, folders, log_cache, warn_cache};
use crate::term::Term;

/// How long reading the event history may take if nothing is said.
const LOOKUP_BUDGET: Duration = Duration::from_mins(15);

/// Runs the scan.
pub(super) fn scan(job: &ScanPlan, args: &ScanArgs, term: &Term) -> Result<Report> {
    let buckets = buckets(&args.trail)?;
    if let Some(folder) = &args.live.save {
        holds_no_scan(folder)?;
    }
    for folder in args.live.save.iter().chain(&args.live.cache) {
        usable(folder)?;
    }
    let mut gathered = ScanData::default();
    let trail = if args.no_trail {
        TrailInput::Declined
    } else {
        TrailInput::Given
    };
    let cache = log_cache(args.live.cache.as_deref()).map(Arc::new);
    let runtime = session::runtime()?;
    let work = live(job, args, &buckets, cache.as_ref(), &mut gathered, term);
    let session = runtime.block_on(work)?;
    let folders = folders(&args.trail);
    if !folders.is_empty() {
        gathered.trail_files(&folders, job.bounds(), job.threads, cache.as_deref(), term);
    }
    warn_cache(cache.as_deref(), term);
    let price = gathered.secrets.first().and_then(|secret| {
        let Scope { account, region } = secret.arn.scope();
        let prices = &job.policy.prices;
        prices.find(secret.arn.partition(), region, account)
    });
    // A saved inventory stands for AWS: what it does not say is not asked elsewhere.
    let is_asked = args.inventory.is_empty();
    let save = args.live.save.as_deref().map(DirStore::new);
    let report = job.judge_with_versions(gathered, trail, |doubtful| {
        let shelf = save.as_ref().map(|folder| folder as &dyn BlobStore);
        let doubtful = if is_asked { doubtful() } else { Vec::new() };
        let teller = ProgressReporter::new(term, Duration::ZERO);
        let found = runtime.block_on(versions::current(&session, &doubtful, shelf, &teller));
        teller.finish();
        VersionAnswers {
            current: found.current,
            gaps: found.gaps,
            notes: vec![own_calls(&session, price)],
        }
    });
    Ok(report)
}

fn buckets(trail: &[TrailSource]) -> Result<Vec<Location>> {
    let bucket = |source: &TrailSource| match source {
        TrailSource::Files(_) => None,
        TrailSource::Bucket(place) => Some(place.parse().map_err(|error: String| anyhow!(error))),
    };
    trail.iter().filter_map(bucket).collect()
}

/// Asks AWS for everything that files do not give.
async fn live(
    job: &ScanPlan,
    args: &ScanArgs,
    buckets: &[Location],
    cache: Option<&Arc<Cache>>,
    gathered: &mut ScanData,
    term: &Term,
) -> Result<AwsSession> {
    let session = open(&args.live).await?;
    gathered.caller = Some(session.caller().arn.clone());
    let teller = ProgressReporter::new(term, Duration::ZERO);
    let save = args.live.save.as_deref().map(DirStore::new);
    let shelf: Option<&dyn BlobStore> = save.as_ref().map(|folder| folder as &dyn BlobStore);
    if args.inventory.is_empty() {
        inventory(&session, &args.live, gathered, &teller, shelf).await;
    } else {
        gathered.inventory_files(&args.inventory)?;
    }
    let intake = Arc::new(LedgerPool::new(
        job.bounds(),
        Arc::clone(&gathered.seen),
        cache.cloned(),
    ));
    let saver = save.map(|folder| Arc::new(SnapshotWriter::new(intake.clone(), Arc::new(folder))));
    let feed: Arc<dyn Feed> = match &saver {
        Some(saver) => saver.clone(),
        None => intake.clone(),
    };
    if args.trail.is_empty() && !args.no_trail {
        let reads = history(&session, job, &args.live, gathered, feed.as_ref(), &teller).await;
        for read in reads {
            gathered.gaps.extend(read.gaps);
            if read.textless {
                intake.rest().unread.insert(Unread::of_scope(&read.scope));
            }
            if let Some(sample) = read.sample {
                intake.rest().samples.push((read.scope, sample));
            }
        }
    }
    for bucket in buckets {
        let unread = read_bucket(
            &session,
            job,
            args,
            bucket,
            gathered,
            Arc::clone(&feed),
            &teller,
        )
        .await;
        intake.rest().unread.extend(unread);
    }
    teller.finish();
    if let Some(saver) = saver
        && let Some(trouble) = saver.finish(&intake.covered()).trouble
    {
        gathered
            .gaps
            .push(trail_gap("what --save keeps".to_owned(), trouble));
    }
    intake.hand_over(gathered);
    Ok(session)
}

async fn open(args: &LiveArgs) -> Result<AwsSession> {
    let mut connect = session::connect(
        args.profile.as_deref(),
        args.role_name.as_deref(),
        args.external_id.as_deref(),
    );
    if let Some(pace) = args.lookup_pace {
        connect.patience.lookup_pace = Duration::from_millis(pace);
    }
    session::open(connect).await
}

async fn inventory(
    session: &AwsSession,
    args: &LiveArgs,
    gathered: &mut ScanData,
    teller: &ProgressReporter<'_>,
    save: Option<&dyn BlobStore>,
) {
    let ask = accounts::AccountsRequest {
        accounts: match (args.organization, args.accounts.is_empty()) {
            (true, _) => Accounts::Organization,
            (false, true) => Accounts::Own,
            (false, false) => Accounts::Listed(args.accounts.clone()),
        },
        regions: args.regions.clone(),
    };
    let found = accounts::scopes(session, &ask, teller).await;
    gathered.notes.extend(found.notes);
    gathered.gaps.extend(found.gaps);
    gathered.account_names.extend(found.names);
    for (account, state) in found.closed {
        gathered.notes.push(format!(
            "Account {account} is closed ({state}) and was not asked."
        ));
    }
    teller.note(ProgressEvent::Scopes(found.scopes.len()));
    for read in secrets::inventory(session, &found.scopes, teller, save).await {
        if read.complete {
            gathered.scopes.insert(read.scope);
        }
        gathered.secrets.extend(read.secrets);
        gathered.gaps.extend(read.gaps);
    }
}

async fn history(
    session: &AwsSession,
    job: &ScanPlan,
    args: &LiveArgs,
    gathered: &ScanData,
    feed: &dyn Feed,
    teller: &ProgressReporter<'_>,
) -> Vec<lookup::HistoryRead> {
    let scopes: Vec<Scope> = gathered.scopes.iter().cloned().collect();
    let budget = args.lookup_budget.unwrap_or(LOOKUP_BUDGET);
    let mut ask = lookup::LookupRequest::new(job.spans.evidence, job.spans.window, clock(), budget);
    ask.requests = args.lookup_requests;
    let cache = args
        .cache
        .as_deref()
        .map(|path| DirStore::new(&path.join("lookup")));
    let cache: Option<&dyn BlobStore> = cache.as_ref().map(|folder| folder as &dyn BlobStore);
    lookup::read(session, &scopes, &ask, feed, cache, teller).await
}

async fn read_bucket(
    session: &AwsSession,
    job: &ScanPlan,
    args: &ScanArgs,
    place: &Location,
    gathered: &mut ScanData,
    feed: Arc<dyn Feed>,
    teller: &ProgressReporter<'_>,
) -> BTreeSet<Unread> {
    let ask = bucket::BucketRequest {
        span: job.spans.evidence,
        regions: regions_of(&args.live, gathered),
        payer: if args.live.request_payer {
            PayerOfRequests::Requester
        } else {
            PayerOfRequests::Owner
        },
        in_flight: bucket::IN_FLIGHT,
    };
    let read = bucket::read(session, place, &ask, feed, teller).await;
    gathered.notes.push(was_read(place, &read));
    gathered.gaps.extend(read.gaps);
    read.unread
}

/// What was read of a bucket, as a sentence: it tells a wrong prefix from a quiet trail.
fn was_read(place: &Location, read: &bucket::BucketRead) -> String {
    let whose = match read.branches {
        0 => String::new(),
        some => format!(
            " of {}",
            counted(some, "account and Region", "accounts and Regions")
        ),
    };
    let other = match read.skipped {
        0 => String::new(),
        some => format!(
            "; {} there hold no events of these days",
            counted(some, "other file", "other files")
        ),
    };
    format!(
        "{} ({} KB){whose} were read in {place}{other}.",
        counted(read.objects, "log file", "log files"),
        thousands(read.bytes.div_ceil(1_000))
    )
}

/// The Regions whose logs can tell of the secrets: none, which means all, unless Regions were named; then these, and
/// those in which a replica of a secret stands, for a primary is judged together with its replicas.
fn regions_of(args: &LiveArgs, gathered: &ScanData) -> Vec<Region> {
    if args.regions.is_empty() {
        return Vec::new();
    }
    let replicas = gathered.secrets.iter().flat_map(|secret| &secret.replicas);
    let elsewhere = replicas.flatten().map(|replica| &replica.region);
    let homes = gathered.secrets.iter().flat_map(|one| &one.primary_region);
    let named = args.regions.iter();
    let all: BTreeSet<&Region> = named.chain(elsewhere).chain(homes).collect();
    all.into_iter().cloned().collect()
}

/// What the scan itself asked for and what that cost, as a sentence.
fn own_calls(session: &AwsSession, price: Option<&Price>) -> String {
    let own = ScanCost::new(session.calls(), price);
    let calls: Vec<String> = own
        .calls
        .iter()
        .map(|(action, count)| format!("{} {action}", thousands(*count)))
        .collect();
    let cost = own
        .usd
        .map_or_else(String::new, |usd| format!("; they cost ${usd}"));
    format!(
        "This scan made {} to AWS ({}){cost}.",
        counted(own.count(), "request", "requests"),
        calls.join(", ")
    )
}

/// Takes in what AWS gives and folds it. Ledgers wait in a pool: as many as there were requests at once.
struct LedgerPool {
    bounds: LedgerBounds,
    seen: Arc<Deduplicator>,
    cache: Option<Arc<Cache>>,
    pool: Mutex<Vec<Ledger>>,
    rest: Mutex<NonEventAnswers>,
}

/// What is no event.
#[derive(Default)]
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

fn kept_place<'p>(object: &LogObject, folder: &'p str, name: &'p str) -> CacheSlot<'p> {
    CacheSlot {
        folder,
        name,
        version: FileVersion {
            size: object.size,
            mark: object.etag.clone(),
        },
    }
}

impl LedgerPool {
    fn new(bounds: LedgerBounds, seen: Arc<Deduplicator>, cache: Option<Arc<Cache>>) -> Self {
        Self {
            bounds,
            seen,
            cache,
            pool: Mutex::default(),
            rest: Mutex::default(),
        }
    }

    fn with<R>(&self, work: impl FnOnce(&mut Ledger) -> R) -> R {
        let idle = self
            .pool
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut ledger = idle.unwrap_or_else(|| Ledger::new(self.bounds, Arc::clone(&self.seen)));
        let result = work(&mut ledger);
        self.pool
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ledger);
        result
    }

    fn rest(&self) -> std::sync::MutexGuard<'_, NonEventAnswers> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn covered(&self) -> Vec<(Scope, Span)> {
        self.rest().covered.clone()
    }

    /// Counts a record of the event history.
    fn history(&self, scope: &Scope, json: &[u8], count: impl FnMut(&mut Ledger, &TrailEvent<'_>)) {
        let contents = self.with(|ledger| {
            let mut sink = WithoutCoverage { ledger, count };
            record::read(json, Some(place(scope)), &mut sink)
        });
        let trouble = match contents.unreadable {
            0 => contents.trouble,
            _ => Some("the record of an event has no readable time".to_owned()),
        };
        if let Some(trouble) = trouble {
            self.rest().unread.insert(Unread::of_scope(scope));
            let mut gap = trail_gap("a record of the event history".to_owned(), trouble);
            gap.account = Some(scope.account.clone());
            gap.region = Some(scope.region.clone());
            self.rest().gaps.push(gap);
        }
    }

    /// Gives everything to the scan.
    fn hand_over(&self, gathered: &mut ScanData) {
        let pool = std::mem::take(&mut *self.pool.lock().unwrap_or_else(PoisonError::into_inner));
        gathered.ledgers.extend(pool);
        let rest = std::mem::take(&mut *self.rest());
        gathered.gaps.extend(rest.gaps);
        gathered.notes.extend(packed_again(rest.multi_member));
        let mut known = Ledger::new(self.bounds, Arc::clone(&self.seen));
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
        gathered.ledgers.push(known);
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
        let place = kept_place(object, &folder, name);
        let mut pen = CacheWriter::default();
        let told = self.with(|ledger| cache.tell(&place, &mut pen, ledger));
        let Some(file) = told else {
            return false;
        };
        self.rest().multi_member += u64::from(file.members > 1);
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
        let place = kept_place(object, &folder, name);
        let read = self.with(|ledger| match &self.cache {
            None => log_file::read_bytes(bytes, scope, &mut memory, ledger),
            Some(cache) => {
                let mut pen = CacheWriter::default();
                let Ok(read) = cache.keep(&place, &mut pen, ledger, |recorder| {
                    Ok::<_, Infallible>(log_file::read_bytes(bytes, scope, &mut memory, recorder))
                });
                read
            }
        });
        let mut rest = self.rest();
        rest.multi_member += u64::from(read.members > 1);
        if read.contents.trouble.is_none()
            && let Some(trouble) = read.trouble()
        {
            // To fetch it once more would not help.
            rest.unread.extend(layout::unread(&object.key));
            let what = format!("s3://{}/{}", object.bucket, object.key);
            rest.gaps.push(trail_gap(what, trouble));
        }
        drop(rest);
        read.contents.trouble.map_or(Ok(()), Err)
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

    fn heard(&mut self, _account: &str, _region: &str, _hour: u32, _read_only: bool) {}
}

fn place(scope: &Scope) -> record::TrailOwner<'_> {
    record::TrailOwner {
        account: scope.account.as_str(),
        region: scope.region.as_str(),
    }
}

/// Refuses a folder that holds an earlier scan: its pages would pass for those of this one.
fn holds_no_scan(folder: &Path) -> Result<()> {
    let is_used = ["inventory", "trail"]
        .iter()
        .any(|name| folder.join(name).exists());
    if is_used {
        bail!(
            "`--save {}`: the folder holds an earlier scan; name another folder, or remove that one",
            folder.display()
        );
    }
    Ok(())
}

/// A folder for `--save` or `--cache` must be usable before the long work begins.
pub(super) fn usable(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))
}
