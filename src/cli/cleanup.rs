//! `plan`, `apply`, `watch`, `restore` and `status`: from a finished scan to fewer secrets, and back.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, SecretArn};
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::domain::policy::{self, Glob};

/// What to plan.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # What can be deleted, by the scan of 1 November
  secretsweep plan reports/2026-11-01

  # Only what saves more than one dollar per month, and nothing of the payments team
  secretsweep plan reports/2026-11-01 --min-saving 1 --exclude 'payments/*'

Then review plan.csv in an editor or a spreadsheet. To keep a secret, delete its line or write `keep` as its \
decision. Leave the rest of the file as it is.")]
pub struct PlanArgs {
    /// The folder of a finished scan, or its report.json
    #[arg(value_name = "DIR", default_value = super::LATEST)]
    pub dir: PathBuf,
    /// Also include secrets that are marked `review`
    #[arg(long)]
    pub include_review: bool,
    /// How long a deleted secret can be restored: 7d to 30d
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = recovery)]
    pub recovery: u8,
    /// Only secrets whose name or ARN matches this glob
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<Glob>,
    /// Leave out secrets whose name or ARN matches this glob
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<Glob>,
    /// Only secrets that save at least this many US dollars per month
    #[arg(long, value_name = "USD", value_parser = amount)]
    pub min_saving: Option<Money>,
    /// Where to write the plan [default: plan.csv in DIR]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace an existing plan, including the decisions in it
    #[arg(long)]
    pub overwrite: bool,
    /// The moment that counts as now.
    #[command(flatten)]
    pub moment: NowArg,
}

/// The moment that counts as now.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct NowArg {
    /// The moment that counts as now, for a run that can be repeated. What asks AWS takes it only before a service that
    /// simulates AWS.
    #[arg(long, value_name = "RFC3339", value_parser = super::scan::moment, hide = true)]
    pub now: Option<Timestamp>,
}

/// How to reach AWS.
#[derive(Args, Clone, Debug, Default)]
pub struct AwsArgs {
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME", value_hint = clap::ValueHint::Other, help_heading = "How to reach AWS")]
    pub profile: Option<String>,
    /// The role to assume in accounts other than the caller's
    #[arg(long, value_name = "NAME", help_heading = "How to reach AWS")]
    pub role_name: Option<String>,
    /// The external id that this role's trust policy asks for
    #[arg(
        long,
        value_name = "ID",
        requires = "role_name",
        help_heading = "How to reach AWS"
    )]
    pub external_id: Option<String>,
}

/// Which plan to review.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep plan && secretsweep review
  secretsweep plan --include-review && secretsweep review

Arrow keys move. `d` deletes and `k` keeps the secret under the cursor, the space bar switches, `u` takes the last \
decision back. `/` searches names, reasons and decisions; `K` and `D` decide on everything that is shown, but `D` \
leaves out secrets that are marked `review`: decide on each of them with `d`. `s` writes plan.csv, `q` ends.")]
pub struct ReviewArgs {
    /// The plan to review
    #[arg(value_name = "PLAN", default_value = super::LATEST)]
    pub plan: PathBuf,
}

/// How to carry out a plan.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Every check against AWS, and no change
  secretsweep apply reports/2026-11-01/plan.csv

  # Schedule the deletions; the account id is asked for
  secretsweep apply reports/2026-11-01/plan.csv --execute

  # The same in CI, with a tag on each secret for people who find it
  secretsweep apply plan.csv --execute --yes 111122223333 --tag leaving=2026-11

If a run was interrupted, run it again to finish it. The journal beside the plan records what was done; \
`secretsweep restore` restores the secrets while the recovery window lasts.

Exit codes: 0 all done; 1 a line failed; 3 a line was refused or not tried, the calls since the scan could \
not be looked up (`--no-lookup` skips that), or, without `--execute`, a guard would refuse the plan.")]
pub struct ApplyArgs {
    /// The reviewed plan. With `--execute` it must be named
    #[arg(value_name = "PLAN", default_value = super::LATEST)]
    pub plan: PathBuf,
    /// Schedule the deletions, not just check them
    #[arg(long)]
    pub execute: bool,
    /// Confirm this account without asking; repeat for each account of the plan
    #[arg(long, value_name = "ACCOUNT", requires = "execute")]
    pub yes: Vec<AccountId>,
    /// Remove replicas first; they are gone at once, without a recovery window
    #[arg(long)]
    pub remove_replicas: bool,
    /// Set this tag before deleting
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub tag: Option<(String, String)>,
    /// Refuse a plan that deletes more secrets than this
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = "Guards")]
    pub max_deletions: u64,
    /// Refuse a plan that deletes more than this share of the scanned secrets; five deletions are always allowed
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100), help_heading = "Guards")]
    pub max_percent: u64,
    /// Skip looking up in the event history who requested a secret since the scan
    #[arg(long, help_heading = "Guards")]
    pub no_lookup: bool,
    /// How long that lookup may take
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = policy::duration, help_heading = "Guards")]
    pub lookup_budget: Duration,
    /// The policy file, for what it protects [default: secretsweep.toml, if it is there]
    #[arg(long, value_name = "FILE", help_heading = "Guards")]
    pub policy: Option<PathBuf>,
    /// How many deletions per second
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub rate: u16,
    /// Milliseconds between two deletions, instead of `--rate`. AWS allows fifty a second; a service that simulates
    /// it may allow more.
    #[arg(long, value_name = "MS", hide = true)]
    pub write_pace: Option<u64>,
    /// The journal: a file, or an object in S3 as `s3://BUCKET/KEY` [default: beside the plan, PLAN.journal.jsonl]
    #[arg(long, value_name = "FILE|S3")]
    pub journal: Option<JournalLocation>,
    /// The moment that counts as now.
    #[command(flatten)]
    pub moment: NowArg,
    /// How to reach AWS.
    #[command(flatten)]
    pub login: AwsArgs,
}

/// What to watch.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep watch plan.csv
  secretsweep watch plan.csv --since 2d --restore
  secretsweep watch --journal plan.journal.jsonl --trail trail

Exit codes: 0 nobody asked; 5 somebody did; 3 nobody did, but not everything could be read; 1 it failed, or not \
everything could be restored.")]
pub struct WatchArgs {
    /// The plan that was applied [default: the latest, unless a journal is named]
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// The journal: a file, or an object in S3 as `s3://BUCKET/KEY` [default: beside the plan, PLAN.journal.jsonl]
    #[arg(long, value_name = "FILE|S3")]
    pub journal: Option<JournalLocation>,
    /// Look back this far [default: to the first deletion]
    #[arg(long, value_name = "DURATION", value_parser = policy::look_back)]
    pub since: Option<Duration>,
    /// Read this trail instead of the event history: a folder of log files
    #[arg(long, value_name = "DIR")]
    pub trail: Vec<PathBuf>,
    /// Restore secrets that somebody requested
    #[arg(long)]
    pub restore: bool,
    /// How long reading the event history may take
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = policy::duration)]
    pub lookup_budget: Duration,
    /// The policy file, for its readers [default: secretsweep.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The moment that counts as now.
    #[command(flatten)]
    pub moment: NowArg,
    /// How to reach AWS.
    #[command(flatten)]
    pub login: AwsArgs,
}

/// What to restore.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep restore plan.csv
  secretsweep restore arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbC123

With a plan, everything that its journal lists as deleted is restored. Replicas that were removed are created \
again with the keys that they had, and the tag that `apply --tag` set is removed.

Exit codes: 0 all back; 1 something failed or cannot be restored; 3 the run was stopped before it tried everything.")]
pub struct RestoreArgs {
    /// A plan, or ARNs of secrets
    #[arg(value_name = "PLAN|ARN", required = true)]
    pub targets: Vec<RestoreTarget>,
    /// The journal: a file, or an object in S3 as `s3://BUCKET/KEY` [default: beside the plan; with ARNs,
    /// restore.journal.jsonl]
    #[arg(long, value_name = "FILE|S3")]
    pub journal: Option<JournalLocation>,
    /// The moment that counts as now.
    #[command(flatten)]
    pub moment: NowArg,
    /// How to reach AWS.
    #[command(flatten)]
    pub login: AwsArgs,
}

/// What is meant by an argument of `restore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreTarget {
    /// One secret.
    Secret(SecretArn),
    /// All of a plan.
    Plan(PathBuf),
}

impl std::str::FromStr for RestoreTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("arn:") {
            return text.parse().map(Self::Secret).map_err(|error| {
                format!("{error}: give the full ARN, with the six characters at its end")
            });
        }
        Ok(Self::Plan(PathBuf::from(text)))
    }
}

/// Which journal to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep status plan.csv
  secretsweep status plan.journal.jsonl
  secretsweep status s3://my-bucket/plan.journal.jsonl")]
pub struct StatusArgs {
    /// A journal (a file, or an object in S3), or the plan that it belongs to
    #[arg(value_name = "JOURNAL|PLAN", default_value = super::LATEST)]
    pub journal: JournalLocation,
    /// The moment that counts as now.
    #[command(flatten)]
    pub moment: NowArg,
    /// How to reach AWS, for a journal in S3.
    #[command(flatten)]
    pub login: AwsArgs,
}

fn amount(text: &str) -> Result<Money, String> {
    Money::parse(text).map_err(|error| error.to_string())
}

pub(super) fn recovery(text: &str) -> Result<u8, String> {
    let days = policy::days(text)?;
    u8::try_from(days)
        .ok()
        .filter(|days| (7..=30).contains(days))
        .ok_or_else(|| format!("AWS keeps a deleted secret for 7 to 30 days, not for {days}"))
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, _)) if key.is_empty() || key.starts_with("aws:") => {
            Err(format!("`{key}` cannot be the key of a tag"))
        }
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!("`{text}` is not a tag: `key=value` is expected")),
    }
}
