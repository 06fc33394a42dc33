//! `iam-policy`: the permissions that a command needs, from what the adapters declare.

use anyhow::{Result, anyhow};

use crate::Exit;
use crate::aws::Use;
use crate::aws::bucket::Location;
use crate::cli::{IamPolicyArgs, PolicyFor, PolicyScanArgs, TrailSource};
use crate::domain::iam::{Places, policy};
use crate::term::Term;

/// Runs `iam-policy`.
pub(super) fn run(args: &IamPolicyArgs) -> Result<Exit> {
    let (uses, places) = match &args.command {
        PolicyFor::Scan(scan) => (uses(scan), places(scan)?),
        PolicyFor::Apply => (
            vec![Use::Apply, Use::EventHistory, Use::OtherAccounts],
            Places::default(),
        ),
    };
    let actions: Vec<&str> = uses.iter().flat_map(|one| one.actions()).collect();
    let mut json = serde_json::to_vec_pretty(&policy(&actions, &places))?;
    json.push(b'\n');
    Term::data(&json)?;
    Ok(Exit::Done)
}

fn uses(scan: &PolicyScanArgs) -> Vec<Use> {
    let mut uses = vec![Use::Inventory, Use::Versions];
    if scan.regions.is_empty() {
        uses.push(Use::Regions);
    }
    if scan.organization {
        uses.push(Use::Organization);
    }
    if scan.organization || !scan.accounts.is_empty() {
        uses.push(Use::OtherAccounts);
    }
    if scan.trail.is_empty() && !scan.no_trail {
        uses.push(Use::EventHistory);
    }
    if scan
        .trail
        .iter()
        .any(|source| matches!(source, TrailSource::Bucket(_)))
    {
        uses.push(Use::Bucket);
    }
    uses
}

fn places(scan: &PolicyScanArgs) -> Result<Places> {
    let bucket = scan.trail.iter().find_map(|source| match source {
        TrailSource::Files(_) => None,
        TrailSource::Bucket(place) => Some(place.parse::<Location>()),
    });
    let bucket = bucket.transpose().map_err(|error| anyhow!(error))?;
    Ok(Places {
        partition: scan.partition.clone(),
        role: scan.role_name.clone(),
        bucket: bucket.map(|place| (place.bucket, place.prefix)),
        trail_key: scan.trail_key.clone(),
    })
}
