//! What a scan asks AWS: accounts and Regions, inventory, event history or a trail's bucket, and at the end the versions
//! of secrets that are in doubt.
//!
//! A part that cannot be read is a gap; only a session that cannot be opened ends the scan.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::{Handle, Runtime};

use super::progress::ProgressReporter;
use super::reach_intake::ReachIntake;
use super::scan_plan::{ScanPlan, clock};
use super::session;
use super::sources::{ScanData, log_groups, trail_gap};
use crate::aws::accounts::{self, Accounts};
use crate::aws::bucket::{self, Location, PayerOfRequests};
use crate::aws::{AwsSession, log_group, lookup, reach, secrets, versions};
use crate::cli::{LiveArgs, ScanArgs};
use crate::domain::analysis::VersionAnswers;
use crate::domain::base::money::Price;
use crate::domain::base::names::{AccountId, Region, Scope, SecretArn};
use crate::domain::pricing::scan_cost::ScanCost;
use crate::domain::trail::sessions::KeptNames;
use crate::domain::trail::unread::Unread;
use crate::files::blob_store::DirStore;
use crate::files::cache::Cache;
use crate::files::ledger_pool::LedgerPool;
use crate::files::snapshot::SnapshotWriter;
use crate::ports::{BlobStore, Feed, ProgressEvent, ProgressSink as _};
use crate::term::Term;

/// The time that reading the event history may take if none is given.
const LOOKUP_BUDGET: Duration = Duration::from_mins(15);

/// A session that has read what AWS had to give, and can be asked once more.
pub(super) struct LiveSession {
    runtime: Runtime,
    session: AwsSession,
    save: Option<DirStore>,
    /// A saved inventory stands for AWS: what it does not say is not asked elsewhere.
    asks_for_versions: bool,
    /// The price of a call where the scan was made, if it is known.
    price: Option<Price>,
}

impl LiveSession {
    /// Reads everything that files do not give.
    pub(super) fn read(
        plan: &ScanPlan,
        args: &ScanArgs,
        buckets: &[Location],
        cache: Option<&Arc<Cache>>,
        gathered: &mut ScanData,
        term: &Term,
    ) -> Result<Self> {
        let runtime = session::runtime()?;
        let work = read(plan, args, buckets, cache, gathered, term);
        let session = runtime.block_on(work)?;
        let price = gathered.secrets.first().and_then(|secret| {
            let Scope { account, region } = secret.arn.scope();
            let prices = &plan.policy.prices;
            prices.find(secret.arn.partition(), region, account)
        });
        Ok(Self {
            runtime,
            session,
            save: args.live.save.as_deref().map(DirStore::new),
            asks_for_versions: args.inventory.is_empty(),
            price: price.copied(),
        })
    }

    /// The session.
    pub(super) fn aws(&self) -> &AwsSession {
        &self.session
    }

    /// The runtime of its requests.
    pub(super) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Asks for the current versions of the secrets that are in doubt, and tells what the whole scan cost.
    pub(super) fn versions(
        &self,
        doubtful: &dyn Fn() -> Vec<SecretArn>,
        term: &Term,
    ) -> VersionAnswers {
        let save = self.save.as_ref().map(|folder| folder as &dyn BlobStore);
        let doubtful = if self.asks_for_versions {
            doubtful()
        } else {
            Vec::new()
        };
        let progress = ProgressReporter::new(term, Duration::ZERO);
        let asking = versions::current(&self.session, &doubtful, save, &progress);
        let found = self.runtime.block_on(asking);
        progress.finish();
        let cost = ScanCost::new(self.session.calls(), self.price.as_ref());
        VersionAnswers {
            current: found.current,
            gaps: found.gaps,
            notes: vec![cost.to_string()],
        }
    }
}

/// Asks AWS for everything that files do not give.
async fn read(
    plan: &ScanPlan,
    args: &ScanArgs,
    buckets: &[Location],
    cache: Option<&Arc<Cache>>,
    gathered: &mut ScanData,
    term: &Term,
) -> Result<AwsSession> {
    let session = open(&args.live).await?;
    gathered.caller = Some(session.caller().arn.clone());
    let progress = ProgressReporter::new(term, Duration::ZERO);
    let save = args.live.save.as_deref().map(DirStore::new);
    let store: Option<&dyn BlobStore> = save.as_ref().map(|folder| folder as &dyn BlobStore);
    if args.inventory.is_empty() {
        inventory(&session, &args.live, gathered, &progress, store).await;
    } else {
        gathered.inventory_files(&args.inventory)?;
    }
    if args.live.reach {
        reach(&session, gathered, &progress, store).await;
    }
    if args.trail.is_empty() {
        // The event history is short, and a sample of it knows clients by all their names.
        gathered.names = Arc::new(KeptNames::All);
    }
    let ledger = gathered.ledger(plan.bounds());
    let pool = Arc::new(LedgerPool::new(ledger, cache.cloned()));
    let saver = save.map(|folder| Arc::new(SnapshotWriter::new(pool.clone(), Arc::new(folder))));
    let feed: Arc<dyn Feed> = match &saver {
        Some(saver) => saver.clone(),
        None => pool.clone(),
    };
    if args.trail.is_empty() && !args.no_trail {
        let reads = history(
            &session,
            plan,
            &args.live,
            gathered,
            feed.as_ref(),
            &progress,
        )
        .await;
        for read in reads {
            gathered.gaps.extend(read.gaps);
            pool.unread(read.textless.then(|| Unread::of_scope(&read.scope)));
            if let Some(sample) = read.sample {
                pool.sample(read.scope, sample);
            }
        }
    }
    for bucket in buckets {
        let feed = Arc::clone(&feed);
        pool.unread(read_bucket(&session, plan, args, bucket, gathered, feed, &progress).await);
    }
    for group in log_groups(&args.trail) {
        term.say(&log_group::beforehand(group));
        let read = log_group::read(
            &session,
            group,
            plan.spans.evidence,
            feed.as_ref(),
            &progress,
        );
        let read = read.await;
        gathered.notes.push(read.sentence(group));
        gathered.gaps.extend(read.gaps);
        pool.unread(read.unread);
    }
    progress.finish();
    if let Some(saver) = saver
        && let Some(trouble) = saver.finish(&pool.covered()).trouble
    {
        gathered
            .gaps
            .push(trail_gap("what --save keeps".to_owned(), trouble));
    }
    gathered.take_in(pool.take());
    Ok(session)
}

/// Opens a session as the command line asks.
pub(super) async fn open(args: &LiveArgs) -> Result<AwsSession> {
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
    progress: &ProgressReporter<'_>,
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
    let found = accounts::scopes(session, &ask, progress).await;
    gathered.notes.extend(found.notes);
    gathered.gaps.extend(found.gaps);
    gathered.account_names.extend(found.names);
    for (account, state) in found.closed {
        gathered.notes.push(format!(
            "Account {account} is closed ({state}) and was not asked."
        ));
    }
    progress.note(ProgressEvent::Scopes(found.scopes.len()));
    for read in secrets::inventory(session, &found.scopes, progress, save).await {
        if read.complete {
            gathered.scopes.insert(read.scope);
        }
        gathered.secrets.extend(read.secrets);
        gathered.gaps.extend(read.gaps);
    }
}

/// Finds out who may read the secrets of the inventory.
async fn reach(
    session: &AwsSession,
    gathered: &mut ScanData,
    progress: &ProgressReporter<'_>,
    save: Option<&dyn BlobStore>,
) {
    let scopes = gathered.scopes.iter();
    let accounts: BTreeSet<AccountId> = scopes.map(|scope| scope.account.clone()).collect();
    let intake = ReachIntake::new(save);
    let read = reach::read(session, &accounts, &gathered.secrets, &intake, progress).await;
    gathered.gaps.extend(read.gaps);
    gathered.notes.extend(read.notes);
    let (reader, gap) = intake.finished();
    gathered.gaps.extend(gap);
    gathered.iam = Some(reader);
}

async fn history(
    session: &AwsSession,
    plan: &ScanPlan,
    args: &LiveArgs,
    gathered: &ScanData,
    feed: &dyn Feed,
    progress: &ProgressReporter<'_>,
) -> Vec<lookup::HistoryRead> {
    let scopes: Vec<Scope> = gathered.scopes.iter().cloned().collect();
    let budget = args.lookup_budget.unwrap_or(LOOKUP_BUDGET);
    let mut ask =
        lookup::LookupRequest::new(plan.spans.evidence, plan.spans.window, clock(), budget);
    ask.requests = args.lookup_requests;
    let cache = args
        .cache
        .as_deref()
        .map(|path| DirStore::new(&path.join("lookup")));
    let cache: Option<&dyn BlobStore> = cache.as_ref().map(|folder| folder as &dyn BlobStore);
    lookup::read(session, &scopes, &ask, feed, cache, progress).await
}

async fn read_bucket(
    session: &AwsSession,
    plan: &ScanPlan,
    args: &ScanArgs,
    location: &Location,
    gathered: &mut ScanData,
    feed: Arc<dyn Feed>,
    progress: &ProgressReporter<'_>,
) -> BTreeSet<Unread> {
    let ask = bucket::BucketRequest {
        span: plan.spans.evidence,
        regions: regions_of(&args.live, gathered),
        payer: PayerOfRequests::requester_if(args.live.request_payer),
        in_flight: bucket::IN_FLIGHT,
    };
    let read = bucket::read(session, location, &ask, feed, progress).await;
    gathered.notes.push(read.sentence(location));
    gathered.gaps.extend(read.gaps);
    read.unread
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
