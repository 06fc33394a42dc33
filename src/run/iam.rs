//! `iam-policy`: the permissions that a command needs, from what the adapters declare.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};

use super::cleanup::read_plan;
use super::engine;
use super::scan_plan::scan_defaults;
use super::sources::log_groups;
use crate::Exit;
use crate::aws::AwsUse;
use crate::aws::accounts::tells_regions;
use crate::aws::bucket::Location;
use crate::cli::{
    BillSource, IamPolicyArgs, PolicyApplyArgs, PolicyFor, PolicyInitArgs, PolicyScanArgs,
    TrailSource,
};
use crate::domain::base::names::{AccountId, Region};
use crate::domain::cleanup::plan::{Plan, PlanEntry};
use crate::domain::iam::{PolicyResources, policy};
use crate::term::Term;

/// Runs `iam-policy`.
pub(super) fn run(args: &IamPolicyArgs, term: &Term) -> Result<Exit> {
    let (uses, resources) = match &args.command {
        PolicyFor::Scan(scan) => {
            let scan = scan.clone().or(scan_defaults(scan.policy.as_deref())?);
            (uses(&scan), resources(&scan)?)
        }
        PolicyFor::Init(init) => (
            uses_of_init(init),
            PolicyResources {
                partition: init.partition.clone(),
                role: init.role_name.clone(),
                buckets: vec![("*".to_owned(), String::new())],
                ..PolicyResources::default()
            },
        ),
        PolicyFor::Apply(apply) => (uses_of_apply(apply), resources_of_apply(apply)?),
    };
    let actions: Vec<&str> = uses.iter().flat_map(|one| one.actions()).collect();
    let policy = policy(&actions, &resources);
    let mut json = serde_json::to_vec_pretty(&policy)?;
    json.push(b'\n');
    Term::bytes(&json)?;
    let size = serde_json::to_vec(&policy)?.len();
    if size > MANAGED_POLICY {
        let way = match &args.command {
            PolicyFor::Scan(_) | PolicyFor::Init(_) => {
                "name fewer `--accounts` at a time, or none, which allows any"
            }
            PolicyFor::Apply(_) => {
                "narrow it by `--accounts` and `--regions` instead of a plan, or split the plan"
            }
        };
        term.say(&format!(
            "This policy has {size} characters without blanks, and IAM takes {MANAGED_POLICY} in a managed policy: {way}."
        ));
    }
    Ok(Exit::Done)
}

/// Returns what finding out takes, before anything is known of the trails.
fn uses_of_init(init: &PolicyInitArgs) -> Vec<AwsUse> {
    let mut uses = vec![
        AwsUse::Inventory,
        AwsUse::Organization,
        AwsUse::Trails,
        AwsUse::EventHistory,
        AwsUse::Bucket,
    ];
    if tells_regions(&init.partition) {
        uses.push(AwsUse::Regions);
    }
    if init.role_name.is_some() {
        uses.push(AwsUse::OtherAccounts);
    }
    uses
}

/// The longest managed policy, in characters without white space (IAM user guide, quotas).
const MANAGED_POLICY: usize = 6_144;

fn uses_of_apply(apply: &PolicyApplyArgs) -> Vec<AwsUse> {
    let mut uses = vec![AwsUse::Delete];
    if !apply.no_restore {
        uses.push(AwsUse::Restore);
    }
    if apply.tag.is_some() {
        uses.push(AwsUse::Tag);
        if !apply.no_restore {
            uses.push(AwsUse::Untag);
        }
    }
    if apply.remove_replicas {
        uses.push(AwsUse::RemoveReplicas);
    }
    if apply.remove_replicas && !apply.no_restore {
        uses.push(AwsUse::Replicate);
    }
    if !apply.no_lookup {
        uses.push(AwsUse::EventHistory);
    }
    if apply.role_name.is_some() {
        uses.push(AwsUse::OtherAccounts);
    }
    if apply.journal.is_some() {
        uses.push(AwsUse::Journal);
    }
    uses
}

fn resources_of_apply(apply: &PolicyApplyArgs) -> Result<PolicyResources> {
    let resources = PolicyResources {
        partition: apply.partition.clone(),
        accounts: apply.accounts.clone(),
        role: apply.role_name.clone(),
        journal: apply.journal.clone(),
        // `apply` takes `KEY=VALUE`, and the same text is right here.
        tag: apply.tag.clone().flatten().map(|tag| {
            let key = tag.split_once('=').map_or(tag.as_str(), |(key, _)| key);
            key.to_owned()
        }),
        ..PolicyResources::default()
    };
    let Some(path) = &apply.plan else {
        return Ok(PolicyResources {
            secrets: patterns(&apply.partition, &apply.accounts, &apply.regions),
            window: apply.recovery,
            ..resources
        });
    };
    let plan = read_plan(path)?;
    let lines: Vec<&PlanEntry> = plan.iter().flat_map(Plan::to_delete).collect();
    let Some(first) = lines.first() else {
        bail!(
            "the plan `{}` deletes nothing, so it needs no permission",
            path.display()
        );
    };
    let windows = lines.iter().map(|line| line.seal.recovery_days);
    let accounts: BTreeSet<&AccountId> =
        lines.iter().map(|line| &line.arn.scope().account).collect();
    Ok(PolicyResources {
        partition: first.arn.partition().to_owned(),
        secrets: lines.iter().map(|line| line.arn.to_string()).collect(),
        accounts: accounts.into_iter().cloned().collect(),
        replicated: lines.iter().map(|line| in_any_region(line)).collect(),
        window: windows.min().unwrap_or(resources.window),
        ..resources
    })
}

/// The pattern for a secret and its replicas, which have its ARN but for the Region.
fn in_any_region(line: &PlanEntry) -> String {
    let region = format!(":{}:", line.arn.scope().region);
    line.arn.as_str().replacen(&region, ":*:", 1)
}

/// The secrets of these accounts and Regions; none if any will do.
fn patterns(partition: &str, accounts: &[AccountId], regions: &[Region]) -> Vec<String> {
    let any = || vec!["*".to_owned()];
    let named = |names: Vec<String>| if names.is_empty() { any() } else { names };
    let accounts = named(accounts.iter().map(ToString::to_string).collect());
    let regions = named(regions.iter().map(ToString::to_string).collect());
    let in_account = |account: &String| {
        let regions = regions.iter();
        regions
            .map(|region| format!("arn:{partition}:secretsmanager:{region}:{account}:secret:*"))
            .collect::<Vec<_>>()
    };
    accounts.iter().flat_map(in_account).collect()
}

/// The IAM actions that a scan of these sources takes.
pub(super) fn scan_actions(scan: &PolicyScanArgs) -> Vec<&'static str> {
    uses(scan).iter().flat_map(|one| one.actions()).collect()
}

fn uses(scan: &PolicyScanArgs) -> Vec<AwsUse> {
    let mut uses = vec![AwsUse::Inventory, AwsUse::Versions];
    if scan.regions.is_empty() && tells_regions(&scan.partition) {
        uses.push(AwsUse::Regions);
    }
    if scan.organization {
        uses.push(AwsUse::Organization);
    }
    if scan.organization || !scan.accounts.is_empty() {
        uses.push(AwsUse::OtherAccounts);
    }
    if scan.bill.contains(&BillSource::CostExplorer) {
        uses.push(AwsUse::Bill);
    }
    let is_athena = |source: &TrailSource| matches!(source, TrailSource::Athena(_));
    if scan.trail.iter().any(is_athena) {
        uses.push(AwsUse::Athena);
    }
    if scan.reach {
        uses.push(AwsUse::Reach);
    }
    if scan.trail.is_empty() && !scan.no_trail {
        uses.push(AwsUse::EventHistory);
    }
    if scan
        .trail
        .iter()
        .any(|source| matches!(source, TrailSource::Bucket(_)))
        || scan
            .bill
            .iter()
            .any(|source| matches!(source, BillSource::Bucket(_)))
    {
        uses.push(AwsUse::Bucket);
    }
    if log_groups(&scan.trail).next().is_some() {
        uses.push(AwsUse::LogGroup);
    }
    uses
}

fn resources(scan: &PolicyScanArgs) -> Result<PolicyResources> {
    let mut buckets = Vec::new();
    for source in &scan.trail {
        if let TrailSource::Bucket(location) = source {
            let location: Location = location.parse().map_err(|error: String| anyhow!(error))?;
            buckets.push((location.bucket, location.prefix));
        }
    }
    for source in &scan.bill {
        if let BillSource::Bucket(location) = source {
            let location: Location = location.parse().map_err(|error: String| anyhow!(error))?;
            buckets.push((location.bucket, location.prefix));
        }
    }
    let mut query = None;
    for source in &scan.trail {
        if let TrailSource::Athena(text) = source {
            query = Some(engine::query_target(text)?);
        }
    }
    Ok(PolicyResources {
        query,
        partition: scan.partition.clone(),
        // Of other accounts it would say nothing: the policy of a role reaches the secrets of its own account.
        secrets: match scan.regions.as_slice() {
            [] => Vec::new(),
            regions => patterns(&scan.partition, &[], regions),
        },
        accounts: scan.accounts.clone(),
        role: scan.role_name.clone(),
        buckets,
        log_groups: log_groups(&scan.trail).cloned().collect(),
        trail_keys: scan.trail_key.clone(),
        ..PolicyResources::default()
    })
}
