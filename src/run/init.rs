//! `init`: asks an account what it has, and writes the settings file for scans of it.

mod effort;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use self::effort::{history, measure};
use self::summary::summary;
use super::progress::ProgressReporter;
use super::scan_plan::clock;
use super::session;
use super::shown;
use super::way_out::helpful;
use crate::Exit;
use crate::aws::accounts::{self, Accounts, AccountsRequest};
use crate::aws::bucket::Location;
use crate::aws::organization;
use crate::aws::{AwsSession, secrets, trails};
use crate::cli::InitArgs;
use crate::domain::base::names::Scope;
use crate::domain::inventory::secret::day_of;
use crate::domain::setup::settings_file::settings_file;
use crate::domain::setup::{
    CallSource, DescribedTrail, OrganizationSeen, ScanEffort, SetupFacts, fitting,
};
use crate::files::store::{self, Overwrite};
use crate::term::Term;

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
    // One that came meanwhile is not replaced.
    store::write_file(&args.file, text.as_bytes(), Overwrite::No)
        .with_context(|| format!("cannot write `{}`", args.file.display()))?;
    let told = Term::data(summary(&found, &args.file, &text)?.as_bytes());
    let exit = if found.gaps.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    };
    Ok(shown(told, exit))
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

/// Returns where the calls come from: the buckets of the chosen trails if they can be listed.
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
        let location: Location = trail
            .location()
            .parse()
            .map_err(|error: String| anyhow!(error))?;
        if let Some(gap) = measure(session, &location, found, progress).await? {
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

/// Returns why no trail was chosen.
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
