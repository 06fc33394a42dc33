//! `init`.

use std::path::PathBuf;

use clap::Args;

use crate::domain::base::names::Region;

/// Where to look, and where to write what was found.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # This account: its Regions, trails and organization
  secretsweep init
  secretsweep scan

  # Every account of the organization, in which the role `audit` exists
  secretsweep init --role-name audit

It lists secrets and trails, looks at one day of the trail's bucket or at the length of the event history, and changes \
nothing in AWS. `secretsweep iam-policy init` prints the permissions that it needs.")]
pub struct InitArgs {
    /// The file to write; an existing file is never replaced
    #[arg(value_name = "FILE", default_value = "secretsweep.toml")]
    pub file: PathBuf,
    /// Also look into the other accounts of the organization, with this role, and put them in the file
    #[arg(long, value_name = "NAME")]
    pub role_name: Option<String>,
    /// The external id that the role asks for
    #[arg(long, value_name = "ID", requires = "role_name")]
    pub external_id: Option<String>,
    /// Look into these Regions instead of every Region that is enabled for the account
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub regions: Vec<Region>,
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME", value_hint = clap::ValueHint::Other)]
    pub profile: Option<String>,
    /// Milliseconds between two requests to the event history of one account and Region, for a service that simulates it.
    #[arg(long, value_name = "MS", hide = true)]
    pub lookup_pace: Option<u64>,
}
