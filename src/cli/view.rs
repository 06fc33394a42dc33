//! What to show of a result, in `scan`, `demo` and `report` alike.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::scan::{amount, asked_about, codes, is_bucket, known_code};
use super::suggest::suggested;
use crate::domain::base::money::Money;
use crate::domain::policy::Glob;

/// What to show.
#[derive(Args, Clone, Debug)]
pub struct View {
    /// Show the whole summary: each reason, loop and gap with its advice, the assumptions and the files
    #[arg(long, short, help_heading = "What to show")]
    pub verbose: bool,
    /// How many rows each list of the summary shows [default: 3, or 5 with --verbose; 20 groups]
    #[arg(long, value_name = "N", help_heading = "What to show")]
    pub top: Option<usize>,
    /// Add a table of costs by this to the summary
    #[arg(long, value_enum, value_name = "KEY", help_heading = "What to show")]
    pub group_by: Option<GroupBy>,
    /// Only secrets whose name matches this glob
    #[arg(long, value_name = "GLOB", help_heading = "What to show")]
    pub only: Vec<Glob>,
    /// Leave out secrets whose name matches this glob
    #[arg(long, value_name = "GLOB", help_heading = "What to show")]
    pub exclude: Vec<Glob>,
    /// The folder of an earlier scan, or `latest`: summary.csv and the page say what changed since
    #[arg(long, value_name = "DIR", help_heading = "What to show")]
    pub previous: Option<PathBuf>,
    /// Compare with the bill: a Cost and Usage Report (CUR 2.0, legacy or FOCUS; CSV or Parquet, gzipped or not) or Cost
    /// Explorer JSON; or the tables of the console; in a folder, or below `s3://bucket/prefix`; or `ce`: ask Cost
    /// Explorer, which costs $0.01 per request
    #[arg(long, value_name = "FILE|S3|ce", help_heading = "What to show")]
    pub bill: Vec<BillSource>,
    /// The most requests to Cost Explorer; a longer answer is an error [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "What to show")]
    pub bill_requests: Option<u16>,
    /// The version of FOCUS that focus.csv follows [default: 1.2]
    #[arg(
        long,
        value_enum,
        value_name = "VERSION",
        help_heading = "What to write"
    )]
    pub focus_version: Option<FocusNumber>,
}

/// Where a bill is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillSource {
    /// A file or folder.
    Files(PathBuf),
    /// A bucket, with a prefix: `s3://bucket/prefix`.
    Bucket(String),
    /// `ce`: Cost Explorer.
    CostExplorer,
}

impl std::str::FromStr for BillSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("a file or folder is expected".to_owned()),
            "ce" => Ok(Self::CostExplorer),
            _ if is_bucket(text, "a bill")? => Ok(Self::Bucket(text.to_owned())),
            _ => Ok(Self::Files(PathBuf::from(text))),
        }
    }
}

/// A version of FOCUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FocusNumber {
    /// FOCUS 1.0.
    #[value(name = "1.0")]
    V1_0,
    /// FOCUS 1.2, the version of AWS's own exports.
    #[default]
    #[value(name = "1.2")]
    V1_2,
    /// FOCUS 1.3.
    #[value(name = "1.3")]
    V1_3,
}

/// What to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupBy {
    /// The AWS account.
    Account,
    /// The Region.
    Region,
    /// The owner tag.
    Owner,
    /// The name up to its first slash.
    Prefix,
}

/// What to write a folder for each of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitBy {
    /// The owner tag.
    Owner,
}

/// What to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The summary.
    Text,
    /// report.json.
    Json,
    /// secrets.csv, readers.csv, findings.csv and summary.csv.
    Csv,
    /// report.html: one page for people.
    Html,
    /// focus.csv: what the window cost, in the columns of FOCUS.
    Focus,
    /// findings.sarif: the findings in SARIF 2.1.0, for code-scanning pages.
    Sarif,
    /// summary.md: a short message for a pull request, an issue or a job summary.
    Markdown,
    /// report.xlsx: one workbook with the summary, owners, secrets, loops, findings, savings and assumptions.
    Xlsx,
    /// slack.json: the same as Block Kit JSON for a Slack webhook.
    Slack,
}

/// Which two scans to compare, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep compare
  secretsweep compare reports/2026-10-01 reports/2026-11-01
  secretsweep compare reports/2026-10-01 reports/2026-11-01 --format csv > changes.csv")]
pub struct CompareArgs {
    /// The folder of the earlier scan [default: the one before the latest]
    pub old: Option<PathBuf>,
    /// The folder of the later scan [default: the latest]
    pub new: Option<PathBuf>,
    /// How to show it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CompareFormat::Text)]
    pub format: CompareFormat,
}

/// What a comparison is rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Which scans to show side by side, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep scan --inventory inventory --trail trail --month 2026-10 --out reports/2026-10
  secretsweep trend
  secretsweep trend reports --format html --out reports/trend")]
pub struct TrendArgs {
    /// The folder above the finished scans of calendar months
    #[arg(value_name = "DIR", default_value = "reports")]
    pub dir: PathBuf,
    /// How to show it. Printed to stdout unless --out is given
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TrendFormat::Text)]
    pub format: TrendFormat,
    /// Write trend.txt, trend.csv, trend.json or trend.html to this folder instead
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What a trend is rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrendFormat {
    /// For people.
    Text,
    /// For spreadsheets.
    Csv,
    /// For programs.
    Json,
    /// One page with charts.
    Html,
}

/// Which scan to render, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep report
  secretsweep report reports/2026-11-01
  secretsweep report reports/2026-11-01 --group-by owner --top 20
  secretsweep report reports/2026-11-01 --only 'payments/*' --format csv --out payments
  secretsweep report reports/2026-11-01 --format json | jq .totals
  secretsweep report reports/2026-11-01 --format markdown >> summary.md
  secretsweep report reports/2026-11-01 --split-by owner --out owners
  secretsweep report reports/2026-10 --bill cur/2026-10.csv.gz
  secretsweep report reports/2026-11-01 --format focus --out reports/2026-11-01")]
pub struct ReportArgs {
    /// The folder of a finished scan, or its report.json
    #[arg(value_name = "DIR", default_value = super::LATEST)]
    pub dir: PathBuf,
    /// What to render. Printed to stdout unless --out is given (for `csv`: secrets.csv)
    #[arg(long, value_enum, value_name = "FORMAT", default_values_t = [Format::Text])]
    pub format: Vec<Format>,
    /// Write files to this folder instead
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write a folder for each owner with only their secrets: the page and the CSV files, or what `--format` says
    #[arg(long, value_enum, value_name = "KEY", requires = "out")]
    pub split_by: Option<SplitBy>,
    /// Replace another scan's result in that folder
    #[arg(long)]
    pub overwrite: bool,
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
    /// What to show.
    #[command(flatten)]
    pub view: View,
}

/// Which secret to explain.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep explain payments/stripe/api-key
  secretsweep explain stripe --scan reports/2026-11-01")]
pub struct ExplainArgs {
    /// The secret: its name or ARN, or a part of it that no other secret has
    pub secret: String,
    /// The folder of a finished scan [default: the latest one in `reports`]
    #[arg(long, value_name = "DIR")]
    pub scan: Option<PathBuf>,
}

/// Which role or user to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep reader checkout-api
  secretsweep reader arn:aws:iam::111122223333:role/checkout-api --scan reports/2026-11-01
  secretsweep reader checkout-api --policy > narrowed.json")]
pub struct ReaderArgs {
    /// The role or user: its name or ARN, or a part of it that no other has
    pub reader: String,
    /// The folder of a finished scan [default: the latest one in `reports`]
    #[arg(long, value_name = "DIR")]
    pub scan: Option<PathBuf>,
    /// Print only the policy that allows what it used, as JSON: statements that can replace the wide ones
    #[arg(long)]
    pub policy: bool,
}

/// Which rule to explain.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// The code of a rule or finding; all are listed without it
    #[arg(value_parser = suggested(|text| Ok(text.to_owned()), codes), hide_possible_values = true)]
    pub code: Option<String>,
    /// How to show it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = RulesFormat::Text)]
    pub format: RulesFormat,
}

/// What the rules are shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesFormat {
    /// For people.
    Text,
    /// Tables of Markdown.
    Markdown,
}
