//! `scan` and `demo`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::suggest::suggested;
use super::{Format, View};
use crate::domain::base::finding_kinds::{FINDINGS, Severity};
use crate::domain::base::log_group::{LogGroup, LogGroupError};
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region};
use crate::domain::policy;

const EXAMPLES: &str = "\
Examples:
  # This account, every enabled Region, with CloudTrail's event history
  secretsweep scan

  # Every account of the organization, with the trail's bucket
  secretsweep scan --organization --role-name audit --trail s3://my-trail

  # Files: the output of list-secrets, and a copy of the trail's bucket
  aws secretsmanager list-secrets --include-planned-deletion > inventory/us-east-1.json
  aws s3 sync s3://my-trail/AWSLogs trail/AWSLogs
  secretsweep scan --inventory inventory --trail trail

  # Last month, for the finance review
  secretsweep scan --inventory inventory --trail trail --month 2026-10 --out reports/2026-10

  # In CI: fail when reads are failing, or when more than $50 per month could be saved
  secretsweep scan --inventory inventory --trail trail --fail-on failing-reads --fail-above 50";

/// What to read and how to judge it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ScanArgs {
    /// Read the inventory from files instead of AWS: the output of `aws secretsmanager list-secrets` or `describe-secret`; a file
    /// or a folder
    #[arg(long, value_name = "PATH", help_heading = "What to read")]
    pub inventory: Vec<PathBuf>,
    /// A CloudTrail trail: a folder of its log files in any layout, `s3://bucket/prefix`, `logs://GROUP`, or a table that an
    /// engine counts in: `athena://database.table` or `trino://host:port/catalog.schema.table` [default: CloudTrail's event
    /// history, when the inventory comes from AWS]
    ///
    /// A folder may also hold records in the forms that other services give: messages of CloudWatch Logs (exports,
    /// subscriptions, `aws logs filter-log-events` and `tail`, Logs Insights), events of EventBridge, results of CloudTrail
    /// Lake and Athena with whole records, documents of Elasticsearch or OpenSearch with `event.original`. They show who
    /// reads a secret. They never prove that nobody does.
    ///
    /// `logs://GROUP` reads a log group of the caller's account and Region, `logs://ACCOUNT:REGION:GROUP` one of another
    /// account or Region. It asks `FilterLogEvents` for the records of Secrets Manager only, which show who reads. With
    /// `?all` after the name it reads the records of every service, one request for each MB, so that hours without a call
    /// count as evidence, too.
    ///
    /// Athena and Trino count the calls where the trail is stored. `?workgroup=NAME&output=s3://bucket/prefix` sets the
    /// workgroup of Athena and the place for its results. `trinos://` connects to Trino with TLS, with the password in
    /// `TRINO_PASSWORD` or the token in `TRINO_ACCESS_TOKEN`. `?day=COLUMN:FORMAT` names the column of the day if the table
    /// has no partition that shows it. The result of `--print-sql`, saved as a CSV file, can be used as a trail, too.
    #[arg(long, value_name = "DIR|URL", help_heading = "What to read")]
    pub trail: Vec<TrailSource>,
    /// Print the query for the engine of `--trail` and stop. Save its result as CSV with the names of the columns, and give
    /// that file to `--trail` with the same `--now`
    #[arg(long, help_heading = "What to read")]
    pub print_sql: bool,
    /// Cancel the query when it has read more than this, such as `500GB`
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "What to read")]
    pub scan_limit: Option<u64>,
    /// Skip CloudTrail. Only storage cost and LastAccessedDate are used, so no secret is marked for deletion
    #[arg(long, conflicts_with = "trail", help_heading = "What to read")]
    pub no_trail: bool,
    /// Find out who may read from files: the output of `aws iam get-account-authorization-details`, `get-resource-policy`,
    /// `get-key-policy`, `list-grants` and `organizations`; a file or a folder
    #[arg(long, value_name = "DIR", help_heading = "What to read")]
    pub iam: Vec<PathBuf>,
    /// How to reach AWS.
    #[command(flatten)]
    pub live: LiveArgs,
    /// How to judge.
    #[command(flatten)]
    pub judging: AnalysisArgs,
    /// Where to write the result; `{date}` and `{month}` in it become those of the scan [default: reports/{date}. Where
    /// the folder of a `{date}` is taken, the time is added]
    #[arg(long, value_name = "DIR", help_heading = "What to write")]
    pub out: Option<PathBuf>,
    /// Replace another scan's result in that folder
    #[arg(long, help_heading = "What to write")]
    pub overwrite: bool,
    /// Also write this format. JSON, CSV and the page are always written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        help_heading = "What to write"
    )]
    pub format: Vec<Format>,
    /// What to show.
    #[command(flatten)]
    pub view: View,
    /// Exit 4 if any of these rule or finding codes occurs, or a finding of this severity (`high`, `medium`, `low`) or a
    /// higher one; muted findings do not count
    #[arg(long, value_name = "CODE,...", value_delimiter = ',', value_parser = suggested(known_code, asked_about), hide_possible_values = true, help_heading = "Exit code")]
    pub fail_on: Vec<String>,
    /// Like `--fail-on`, but only for what the scan of `--previous` does not have
    #[arg(long, value_name = "CODE,...", value_delimiter = ',', value_parser = suggested(known_code, asked_about), hide_possible_values = true, requires = "previous", help_heading = "Exit code")]
    pub fail_on_new: Vec<String>,
    /// Exit 4 if more than this many US dollars per month could be saved
    #[arg(long, value_name = "USD", value_parser = amount, help_heading = "Exit code")]
    pub fail_above: Option<Money>,
    /// Exit 0 instead of 3 when a part of what was asked could not be read
    #[arg(long, help_heading = "Exit code")]
    pub allow_partial: bool,
}

/// How to reach AWS, and how much to ask.
#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    /// Scan these accounts instead of the caller's own
    #[arg(long, value_name = "ID,...", value_delimiter = ',', conflicts_with_all = ["inventory", "organization"], help_heading = "Accounts and Regions")]
    pub accounts: Vec<AccountId>,
    /// Scan every active account of the caller's organization
    #[arg(
        long,
        conflicts_with = "inventory",
        help_heading = "Accounts and Regions"
    )]
    pub organization: bool,
    /// The role to assume in accounts other than the caller's
    #[arg(long, value_name = "NAME", help_heading = "Accounts and Regions")]
    pub role_name: Option<String>,
    /// The external id that the role asks for
    #[arg(
        long,
        value_name = "ID",
        requires = "role_name",
        help_heading = "Accounts and Regions"
    )]
    pub external_id: Option<String>,
    /// Scan these Regions instead of every Region that is enabled for the account
    #[arg(
        long,
        value_name = "REGION,...",
        value_delimiter = ',',
        conflicts_with = "inventory",
        help_heading = "Accounts and Regions"
    )]
    pub regions: Vec<Region>,
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME", value_hint = clap::ValueHint::Other, help_heading = "Accounts and Regions")]
    pub profile: Option<String>,
    /// Also find out who may read, from the policies of roles and users, of secrets, of the keys that encrypt them, and of the
    /// organization where the caller may read those
    #[arg(long, conflicts_with = "inventory", help_heading = "What to read")]
    pub reach: bool,
    /// How long reading CloudTrail's event history may take. History that does not fit is reported as a gap; if even the
    /// window does not fit, calls are estimated from a sample [default: 15m]
    #[arg(long, value_name = "DURATION", value_parser = policy::duration, conflicts_with_all = ["inventory", "trail", "no_trail"], help_heading = "What to read")]
    pub lookup_budget: Option<Duration>,
    /// Pay for the requests to a requester-pays bucket
    #[arg(long, help_heading = "What to read")]
    pub request_payer: bool,
    /// Store what was read in this folder, so that the next run reads only new log files
    #[arg(long, value_name = "DIR", help_heading = "What to read")]
    pub cache: Option<PathBuf>,
    /// Save the AWS responses to this folder, so that you can scan them again offline
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "inventory",
        help_heading = "What to write"
    )]
    pub save: Option<PathBuf>,
    /// Milliseconds between two requests to the event history of one account and Region. AWS allows two a second; a
    /// service that simulates it may allow more.
    #[arg(long, value_name = "MS", hide = true)]
    pub lookup_pace: Option<u64>,
    /// The most requests to the event history of one account and Region: a budget that no clock has a part in, so that a
    /// run can be repeated.
    #[arg(long, value_name = "N", hide = true)]
    pub lookup_requests: Option<u64>,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailSource {
    /// A file or folder.
    Files(PathBuf),
    /// A bucket, with a prefix: `s3://bucket/prefix`.
    Bucket(String),
    /// A table of Athena: `athena://database.table`.
    Athena(String),
    /// A table of Trino: `trino://host:port/catalog.schema.table`.
    Trino(String),
    /// A log group that a trail delivers to: `logs://GROUP`.
    LogGroup(LogGroup),
}

impl std::str::FromStr for TrailSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("athena", _)) => return Ok(Self::Athena(text.to_owned())),
            Some(("trino" | "trinos", _)) => return Ok(Self::Trino(text.to_owned())),
            Some(("logs", _)) => {
                let group = text.parse().map(Self::LogGroup);
                return group.map_err(|error: LogGroupError| error.to_string());
            }
            _ if text.is_empty() => return Err("a folder is expected".to_owned()),
            _ => {}
        }
        Ok(if is_bucket(text, "a trail")? {
            Self::Bucket(text.to_owned())
        } else {
            Self::Files(PathBuf::from(text))
        })
    }
}

/// Whether a source is a bucket, `s3://bucket/prefix`, and not a path; `what` names the source.
///
/// # Errors
/// For an address of any other kind: nobody means a path by it.
pub(super) fn is_bucket(text: &str, what: &str) -> Result<bool, String> {
    match text.split_once("://") {
        Some(("s3", location)) if !location.is_empty() && !location.starts_with('/') => Ok(true),
        Some((scheme, _)) => Err(format!(
            "{what} at `{scheme}://` cannot be read directly: copy it into a folder and give that"
        )),
        None => Ok(false),
    }
}

/// How to judge.
#[derive(Args, Clone, Debug, Default)]
pub struct AnalysisArgs {
    /// Count calls and costs of this long before now [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = window, conflicts_with = "month", help_heading = "How to judge")]
    pub window: Option<Duration>,
    /// Count a calendar month (UTC) instead: what it cost, beside the run rate
    #[arg(long, value_name = "YYYY-MM", value_parser = month, help_heading = "How to judge")]
    pub month: Option<String>,
    /// A secret that nobody uses for this long is idle [default: 90d]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = policy::days, help_heading = "How to judge")]
    pub idle: Option<u32>,
    /// A secret younger than this is left alone [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = policy::days, help_heading = "How to judge")]
    pub young: Option<u32>,
    /// Where the trail is missing, judge idle secrets by LastAccessedDate alone
    #[arg(long, help_heading = "How to judge")]
    pub trust_last_accessed: bool,
    /// The policy file: protected names and tags, owners, thresholds, readers
    /// [default: secretsweep.toml, if it is there]
    #[arg(long, value_name = "FILE", help_heading = "How to judge")]
    pub policy: Option<PathBuf>,
    /// A price file, for discounts and other partitions, or `from-bill` for the prices that the bill of `--bill` shows
    #[arg(long, value_name = "FILE", help_heading = "How to judge")]
    pub prices: Option<PriceSource>,
    /// Use this as the current time, for repeatable runs
    #[arg(long, value_name = "RFC3339", value_parser = moment, help_heading = "How to judge")]
    pub now: Option<Timestamp>,
    /// How many threads read the trail [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "What to read")]
    pub threads: Option<u16>,
}

/// Where the example goes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep demo
  secretsweep demo /tmp/demo && secretsweep report /tmp/demo/report --group-by owner")]
pub struct DemoArgs {
    /// Where to write the organization and its report
    #[arg(default_value = "secretsweep-demo")]
    pub dir: PathBuf,
    /// Use the start (UTC) of this day as the current time, for repeatable runs [default: today]
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// With names, tags and messages that attack their readers, for tests.
    #[arg(long, hide = true)]
    pub hostile: bool,
    /// What to show.
    #[command(flatten)]
    pub view: View,
}

/// A window is at least an hour, the unit in which calls are counted.
pub(super) fn window(text: &str) -> Result<Duration, String> {
    let window = policy::look_back(text)?;
    if window < Duration::from_hours(1) {
        return Err(format!("`{text}` is shorter than an hour"));
    }
    Ok(window)
}

/// A moment, as RFC 3339 writes it.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let midnight = || {
        let day: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
        let zoned = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    };
    text.parse().ok().or_else(midnight).ok_or_else(|| {
        format!(
            "a moment is expected, such as `2026-11-01T00:00:00Z` or `2026-11-01`, and not after {}",
            Timestamp::MAX.strftime("%Y-%m-%d")
        )
    })
}

pub(super) fn amount(text: &str) -> Result<Money, String> {
    Money::parse(text).map_err(|error| error.to_string())
}

/// A number of bytes: `500GB`, in powers of 1,000.
fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 5] = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KB", 1_000),
        ("B", 1),
    ];
    let upper = text.to_ascii_uppercase();
    let unit = UNITS.iter().find(|(unit, _)| upper.ends_with(unit));
    let (digits, factor) = match unit {
        Some((unit, factor)) => (upper.trim_end_matches(unit).trim(), *factor),
        None => (upper.as_str(), 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is not a number of bytes such as `500GB`"))
}

fn month(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a month such as `2026-10`");
    let (year, number) = text.split_once('-').ok_or_else(wrong)?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = year.len() == 4 && number.len() == 2 && digits(year) && digits(number);
    let first: Result<jiff::civil::Date, _> = format!("{text}-01").parse();
    if fits && first.is_ok() {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

/// The codes of all rules and findings.
pub(super) fn codes() -> Vec<&'static str> {
    let rules = crate::domain::judging::rules::RULES
        .iter()
        .map(|rule| rule.code.as_str());
    let findings = FINDINGS.iter().map(|finding| finding.code.as_str());
    rules.chain(findings).collect()
}

/// What `--fail-on` takes: codes and severities.
pub(super) fn asked_about() -> Vec<&'static str> {
    let severities = Severity::ALL.into_iter().map(Severity::as_str);
    codes().into_iter().chain(severities).collect()
}

pub(super) fn known_code(text: &str) -> Result<String, String> {
    let codes = asked_about();
    if codes.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "there is no rule, finding or severity of that name; `secretsweep rules` lists them: {}",
            codes.join(", ")
        ))
    }
}

/// Where prices come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// A price file.
    File(PathBuf),
    /// `from-bill`: what was paid, by the bill of `--bill`.
    Bill,
}

impl From<OsString> for PriceSource {
    fn from(text: OsString) -> Self {
        if text == "from-bill" {
            Self::Bill
        } else {
            Self::File(text.into())
        }
    }
}
