//! `iam-policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{BillSource, TrailSource};
use crate::domain::base::names::{AccountId, Region};
use crate::domain::base::object_address::ObjectAddress;

/// Which command's policy to print.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep iam-policy init > init.json
  secretsweep iam-policy scan > scan.json          # for the sources of secretsweep.toml, if it is there
  secretsweep iam-policy scan --organization --role-name audit --trail s3://my-trail
  secretsweep iam-policy apply --plan reports/today/plan.csv > apply.json
  secretsweep iam-policy apply --accounts 111122223333 --recovery 14d --tag --remove-replicas")]
pub struct IamPolicyArgs {
    /// The command that the policy is for.
    #[command(subcommand)]
    pub command: PolicyFor,
}

/// The command that a policy is for.
#[derive(Debug, Subcommand)]
pub enum PolicyFor {
    /// What `scan` needs, for exactly the sources given; reading values is denied
    Scan(PolicyScanArgs),
    /// What `init` needs to find out what an account has
    Init(PolicyInitArgs),
    /// What `apply`, `watch` and `restore` need; deleting without recovery is denied
    Apply(PolicyApplyArgs),
}

/// What a clean-up may do, and to which secrets.
#[derive(Debug, Args)]
pub struct PolicyApplyArgs {
    /// Only the secrets of this plan, with its recovery window
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["accounts", "regions", "recovery", "partition"])]
    pub plan: Option<PathBuf>,
    /// Only in these accounts
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub accounts: Vec<AccountId>,
    /// Only in these Regions
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub regions: Vec<Region>,
    /// The recovery window of the plan: deletions with a shorter one are not allowed
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = super::cleanup::recovery)]
    pub recovery: u8,
    /// For `--tag`: also tagging, with no other key than this one if it is named
    #[arg(long, value_name = "KEY")]
    pub tag: Option<Option<String>>,
    /// For `--remove-replicas`: also removing replicas, and making them again
    #[arg(long)]
    pub remove_replicas: bool,
    /// Leave out restoring: somebody else does that
    #[arg(long)]
    pub no_restore: bool,
    /// Leave out reading the event history, for `apply --no-lookup`; `watch` needs it, too
    #[arg(long)]
    pub no_lookup: bool,
    /// For `--journal s3://...`: also reading and writing this object
    #[arg(long, value_name = "S3")]
    pub journal: Option<ObjectAddress>,
    /// The role to assume in other accounts
    #[arg(long, value_name = "NAME")]
    pub role_name: Option<String>,
    /// `aws`, `aws-cn` or `aws-us-gov`
    #[arg(long, value_name = "NAME", default_value = "aws")]
    pub partition: String,
}

/// Where `init` looks.
#[derive(Debug, Args)]
pub struct PolicyInitArgs {
    /// The role that is assumed in the other accounts of the organization
    #[arg(long, value_name = "NAME")]
    pub role_name: Option<String>,
    /// `aws`, `aws-cn` or `aws-us-gov`
    #[arg(long, value_name = "NAME", default_value = "aws")]
    pub partition: String,
}

/// The sources of a scan, as they are given to `scan`. Without any, those of the settings file.
#[derive(Clone, Debug, Default, Args)]
pub struct PolicyScanArgs {
    /// `s3://bucket/prefix` of the trail, `logs://GROUP`, or a folder [default: CloudTrail's event history]
    #[arg(long, value_name = "DIR|S3|LOGS")]
    pub trail: Vec<TrailSource>,
    /// Skip CloudTrail
    #[arg(long, conflicts_with = "trail")]
    pub no_trail: bool,
    /// The ARN of the key that a trail is encrypted with, if it is a customer-managed one; one for each
    #[arg(long, value_name = "ARN", requires = "trail")]
    pub trail_key: Vec<String>,
    /// `s3://bucket/prefix` of the bill, or a file, or `ce` for Cost Explorer
    #[arg(long, value_name = "FILE|S3|ce")]
    pub bill: Vec<BillSource>,
    /// Also allow what `scan --reach` needs to find out who may read
    #[arg(long)]
    pub reach: bool,
    /// For every account of the organization
    #[arg(long, conflicts_with = "accounts")]
    pub organization: bool,
    /// For these accounts
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub accounts: Vec<AccountId>,
    /// The role that is assumed in other accounts
    #[arg(long, value_name = "NAME")]
    pub role_name: Option<String>,
    /// For these Regions only, so that listing the enabled ones needs no permission
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub regions: Vec<Region>,
    /// The file whose `[scan]` says what is not given here [default: secretsweep.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// `aws`, `aws-cn` or `aws-us-gov`
    #[arg(long, value_name = "NAME", default_value = "aws")]
    pub partition: String,
}
