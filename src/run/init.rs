//! `init`: asks an account what it has, and writes the settings file for scans of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::iam;
use super::progress::ProgressReporter;
use super::scan_plan::clock;
use super::session;
use super::shown;
use super::way_out::helpful;
use crate::Exit;
use crate::aws::accounts::{self, Accounts, AccountsRequest};
use crate::aws::bucket::{self, BucketRequest, Location, PayerOfRequests};
use crate::aws::organization;
use crate::aws::{AwsSession, lookup, secrets, trails};
use crate::cli::{InitArgs, PolicyScanArgs, ScanDefaults};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::{PriceList, counted, thousands};
use crate::domain::base::names::{Region, Scope};
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::day_of;
use crate::domain::sampling::SamplingPlan;
use crate::domain::setup::settings_file::settings_file;
use crate::domain::setup::{
    CallSource, DescribedTrail, OrganizationSeen, ScanEffort, SetupFacts, fitting,
};
use crate::files::store::unnamed;
use crate::ports::{Feed, LogObject, ProgressEvent, ProgressSink, RecordCompleteness};
use crate::report::escape::one_line;
use crate::term::Term;

/// Requests to the event history of one account and Region by which the length of the whole is estimated: first pages and
/// probes, some fifteen seconds.
const PROBING: u64 = 30;

/// The days of use that a scan judges by default.
const IDLE_DAYS: i64 = 90;

/// A speed at which the time for log files is stated: what a good connection outside of AWS has.
const BYTES_A_SECOND: u64 = 10_000_000;

/// Runs `init`.
pub(super) fn run(args: &InitArgs, term: &Term) -> Result<Exit> {
    if args.file.exists() {
        return Err(helpful(
            format!(
                "`{}` exists already and is not replaced",
                args.file.display()
            ),
            "name another file, or move that one away",
        ));
    }
    let runtime = session::runtime()?;
    let found = runtime.block_on(find(args, term))?;
    let text = settings_file(&found);
    write(&args.file, &text)?;
    let told = Term::data(summary(&found, &args.file, &text)?.as_bytes());
    let exit = if found.gaps.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    };
    Ok(shown(told, exit))
}

/// Writes the file whole or not at all, and never over one that came meanwhile.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("cannot write `{}`", path.display());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .map_err(unnamed)
        .with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.persist_noclobber(path)
        .map_err(|error| error.error)
        .with_context(failed)?;
    Ok(())
}

/// Asks AWS.
async fn find(args: &InitArgs, term: &Term) -> Result<SetupFacts> {
    let mut connect = session::connect(
        args.profile.as_deref(),
        args.role_name.as_deref(),
        args.external_id.as_deref(),
    );
    if let Some(pace) = args.lookup_pace {
        connect.patience.lookup_pace = Duration::from_millis(pace);
    }
    let session = session::open(connect).await?;
    let progress = ProgressReporter::new(term, Duration::MAX);
    let mut found = SetupFacts {
        partition: session.partition().to_owned(),
        account: session.caller().account.clone(),
        day: day_of(clock()),
        organization: organization(&session, &progress).await,
        role: args
            .role_name
            .clone()
            .map(|name| (name, args.external_id.clone())),
        profile: args.profile.clone(),
        accounts: 0,
        asked: args.regions.iter().cloned().collect(),
        secrets: BTreeMap::new(),
        unread: BTreeSet::new(),
        trails: Vec::new(),
        calls: CallSource::History("no secret was found".to_owned()),
        effort: ScanEffort::default(),
        gaps: Vec::new(),
    };
    let scopes = inventory(&session, args, &mut found, &progress).await?;
    let own: Vec<Scope> = scopes
        .iter()
        .filter(|scope| scope.account == found.account)
        .cloned()
        .collect();
    // A trail for all Regions shows in each, so one Region is enough where no secret was found.
    let regions = found.regions();
    let asked: Vec<Scope> = if regions.is_empty() {
        own.first().cloned().into_iter().collect()
    } else {
        let with_secrets = own.iter().filter(|scope| regions.contains(&scope.region));
        with_secrets.cloned().collect()
    };
    let (trails, gaps) = trails::described(&session, &asked).await;
    (found.trails, found.gaps) = (trails, [found.gaps, gaps].concat());
    let chosen = fitting(&found.trails, &found.regions(), found.is_organization());
    found.calls = calls(&session, &mut found, chosen, &progress).await?;
    if let CallSource::History(_) = found.calls {
        let with_secrets: Vec<Scope> = scopes
            .into_iter()
            .filter(|scope| found.secrets.contains_key(&scope.region))
            .collect();
        history(&session, &with_secrets, &mut found.effort, &progress).await;
    }
    progress.finish();
    found.gaps.sort();
    found.gaps.dedup();
    Ok(found)
}

async fn organization(session: &AwsSession, progress: &ProgressReporter<'_>) -> OrganizationSeen {
    match organization::organization_size(session, progress).await {
        Ok(count) => OrganizationSeen::Members(count),
        Err(fault) if organization::is_without_organization(&fault) => OrganizationSeen::None,
        Err(fault) => OrganizationSeen::Hidden(fault.to_string()),
    }
}

/// Counts secrets; gives the accounts and Regions that could be read.
async fn inventory(
    session: &AwsSession,
    args: &InitArgs,
    found: &mut SetupFacts,
    progress: &ProgressReporter<'_>,
) -> Result<Vec<Scope>> {
    let ask = AccountsRequest {
        accounts: if found.is_organization() {
            Accounts::Organization
        } else {
            Accounts::Own
        },
        regions: args.regions.clone(),
    };
    let targets = accounts::scopes(session, &ask, progress).await;
    found.gaps.extend(targets.gaps);
    let mut accounts: Vec<_> = targets.scopes.iter().map(|scope| &scope.account).collect();
    accounts.dedup();
    found.accounts = accounts.len();
    let mut read = Vec::new();
    for part in secrets::inventory(session, &targets.scopes, progress, None).await {
        let Scope { region, .. } = &part.scope;
        found.asked.insert(region.clone());
        let count = part.secrets.len() as u64;
        found.effort.lists += count.div_ceil(ScanEffort::PAGE).max(1);
        if count > 0 {
            *found.secrets.entry(region.clone()).or_default() += count;
        }
        if part.complete {
            read.push(part.scope);
        } else {
            found.unread.insert(region.clone());
        }
        found.gaps.extend(part.gaps);
    }
    if let (true, Some(gap)) = (read.is_empty(), found.gaps.first()) {
        return Err(helpful(
            format!("no Region could be read: {}: {}", gap.what, gap.why),
            "`secretsweep iam-policy init` prints the permissions that are needed",
        ));
    }
    if !found.secrets.is_empty() {
        // A scan of the Regions with secrets asks these alone.
        let regions = found.regions().len() as u64 * found.accounts as u64;
        let all = found
            .secrets
            .values()
            .map(|count| count.div_ceil(ScanEffort::PAGE));
        found.effort.lists = regions.max(all.sum());
    }
    Ok(read)
}

/// Where the calls come from: the buckets of the chosen trails if they can be listed.
async fn calls(
    session: &AwsSession,
    found: &mut SetupFacts,
    chosen: Vec<DescribedTrail>,
    progress: &ProgressReporter<'_>,
) -> Result<CallSource> {
    if chosen.is_empty() {
        return Ok(CallSource::History(without_trail(found)));
    }
    for trail in &chosen {
        let place: Location = trail
            .place()
            .parse()
            .map_err(|error: String| anyhow!(error))?;
        if let Some(gap) = measure(session, &place, found, progress).await? {
            found.effort.files = 0;
            found.effort.bytes = 0;
            found.effort.bucket_lists = 0;
            return Ok(CallSource::History(format!(
                "the bucket {} could not be listed ({})",
                trail.bucket, gap.why
            )));
        }
    }
    Ok(CallSource::Trails(chosen))
}

/// Why no trail was chosen.
fn without_trail(found: &SetupFacts) -> String {
    let objections = found.trails.iter().filter_map(|trail| {
        let name = trail.arn.rsplit('/').next().unwrap_or_default();
        Some(format!("{name}: {}", trail.objection()?))
    });
    let objections: Vec<String> = objections.collect();
    match (found.trails.is_empty(), objections.is_empty()) {
        (true, _) => "no trail was found".to_owned(),
        (false, true) => "no trail logs all Regions with secrets".to_owned(),
        (false, false) => format!("no trail fits ({})", objections.join("; ")),
    }
}

/// Counts the log files of the last whole day. The gap says why the bucket cannot be read.
async fn measure(
    session: &AwsSession,
    place: &Location,
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
    let read = bucket::read(session, place, &ask, files.clone(), progress).await;
    let [count, bytes] = [&files.count, &files.bytes].map(|sum| sum.load(Ordering::Relaxed));
    let all = count * ScanEffort::DAYS;
    found.effort.files += all;
    found.effort.bytes += bytes * ScanEffort::DAYS;
    found.effort.bucket_lists += read.branches.max(1) + all / 1_000;
    Ok(read.gaps.into_iter().find(|_| count == 0))
}

/// Estimates how long the event history is.
async fn history(
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

    fn records(&self, _place: &str, _json: &[u8], _completeness: RecordCompleteness) {}

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

/// What was found, what a scan takes, and which permissions it needs.
fn summary(found: &SetupFacts, file: &Path, text: &str) -> Result<String> {
    let mut out = format!("Account {}", found.account);
    if found.accounts > 1 {
        let _ = write!(out, " and {} more", thousands(found.accounts as u64 - 1));
    }
    let organization = match &found.organization {
        OrganizationSeen::Members(count) if found.role.is_some() => {
            format!(
                "{}, all of them in the scan",
                counted(*count as u64, "account", "accounts")
            )
        }
        OrganizationSeen::Members(count) => format!(
            "{}; `--role-name NAME` puts all of them in the scan",
            counted(*count as u64, "account", "accounts")
        ),
        OrganizationSeen::None => "none".to_owned(),
        OrganizationSeen::Hidden(why) => format!("unknown: {why}"),
    };
    let regions: Vec<String> = found
        .secrets
        .iter()
        .map(|(region, count)| format!("{region} ({})", thousands(*count)))
        .collect();
    let secrets = match regions.as_slice() {
        [] => format!(
            "none in {}",
            counted(found.asked.len() as u64, "Region", "Regions")
        ),
        some => format!(
            "{} in {} of {} Regions: {}",
            thousands(found.secrets.values().sum()),
            some.len(),
            found.asked.len(),
            some.join(", ")
        ),
    };
    let calls = match &found.calls {
        CallSource::Trails(trails) => {
            let places: Vec<String> = trails.iter().map(DescribedTrail::place).collect();
            places.join(", ")
        }
        CallSource::History(why) => format!("CloudTrail's event history: {why}"),
    };
    let _ = write!(
        out,
        "\n  Secrets       {secrets}\n  Organization  {}\n  Calls from    {}\n",
        one_line(&organization),
        one_line(&calls)
    );
    if !found.gaps.is_empty() {
        out.push_str(
            "\nCould not be read (`secretsweep iam-policy init` prints the permissions):\n",
        );
    }
    for gap in &found.gaps {
        let region = gap.region.as_ref().map_or("", Region::as_str);
        let line = format!("  - {region} {}: {}", gap.what, gap.why);
        let _ = writeln!(out, "{}", one_line(&line).replace("-  ", "- "));
    }
    let _ = writeln!(out, "\nWrote {}.", file.display());
    out.push_str(&effort(found));
    out.push_str(&permissions(text, &found.partition)?);
    out.push_str("\nNext:\n  secretsweep scan\n");
    Ok(out)
}

/// What one scan takes.
fn effort(found: &SetupFacts) -> String {
    let effort = &found.effort;
    let list = PriceList::built_in();
    let price = found
        .secrets
        .keys()
        .next()
        .and_then(|region| list.find(&found.partition, region, &found.account));
    let cost = effort.cost(price);
    let mut out = format!(
        "\nOne scan reads {IDLE_DAYS} days and makes about:\n  {} to list secrets\n",
        counted(effort.lists, "request", "requests")
    );
    match (&found.calls, effort.lookups) {
        (CallSource::Trails(_), _) => {
            let _ = writeln!(
                out,
                "  {} of the bucket and {} ({} MB), which take {} at {} MB per second",
                counted(effort.bucket_lists, "listing", "listings"),
                counted(effort.files, "file", "files"),
                thousands(effort.bytes.div_ceil(1_000_000)),
                time(effort.seconds_at(BYTES_A_SECOND)),
                BYTES_A_SECOND / 1_000_000
            );
        }
        (CallSource::History(_), Some(requests)) => {
            let _ = writeln!(
                out,
                "  {} to the event history, which take {}",
                counted(requests, "request", "requests"),
                time(effort.lookup_seconds())
            );
        }
        (CallSource::History(_), None) => out.push_str(
            "  requests to the event history; how many could not be found out, but they take no longer than \
             `lookup_budget`\n",
        ),
    }
    match cost.usd {
        Some(usd) => {
            let _ = writeln!(
                out,
                "  It costs about ${usd}. Data that leaves the bucket's Region, and its decryption by KMS, cost extra. Later \
                 scans read only new files."
            );
        }
        None => {
            out.push_str("  What it costs is not known: there is no price for this partition.\n");
        }
    }
    out
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => "less than a minute".to_owned(),
        more => counted(more.div_ceil(60), "minute", "minutes"),
    }
}

/// The permissions of a scan with this file.
fn permissions(text: &str, partition: &str) -> Result<String> {
    let scan = PolicyScanArgs {
        partition: partition.to_owned(),
        ..PolicyScanArgs::default()
    };
    let scan = scan.or(ScanDefaults::parse(text)?);
    let mut actions = iam::scan_actions(&scan);
    actions.sort_unstable();
    actions.dedup();
    Ok(format!(
        "\nIt needs these permissions (`secretsweep iam-policy scan` prints the policy):\n  {}\n",
        actions.join("\n  ")
    ))
}
