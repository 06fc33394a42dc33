//! `trail-ddl`.

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use crate::domain::base::names::{AccountId, Region};

/// The engine that a definition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqlDialect {
    /// Amazon Athena.
    Athena,
    /// Trino, with the Hive connector.
    Trino,
}

/// What the table is over.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secretsweep trail-ddl athena --bucket s3://my-trail --accounts 111122223333 --regions eu-west-1,us-east-1
  secretsweep trail-ddl trino --bucket s3://my-trail --organization o-exampleorg1 \\
    --accounts 111122223333,444455556666 --regions eu-west-1 --table hive.logs.cloudtrail")]
pub struct TrailDdlArgs {
    /// The engine
    #[arg(value_name = "ENGINE")]
    pub dialect: SqlDialect,
    /// The bucket of the trail, with the prefix that stands before `AWSLogs`
    #[arg(long, value_name = "S3", value_parser = location)]
    pub bucket: String,
    /// The id of the organization, for the trail of one
    #[arg(long, value_name = "ID", value_parser = plain)]
    pub organization: Option<String>,
    /// The accounts whose logs are in the table
    #[arg(long, value_name = "ID,...", value_delimiter = ',', required = true)]
    pub accounts: Vec<AccountId>,
    /// The Regions whose logs are in the table
    #[arg(
        long,
        value_name = "REGION,...",
        value_delimiter = ',',
        required = true
    )]
    pub regions: Vec<Region>,
    /// The first day of the logs
    #[arg(long, value_name = "DAY", default_value = "2020-01-01")]
    pub first_day: Date,
    /// The name of the table, with its database or schema
    #[arg(long, value_name = "NAME", default_value = "cloudtrail_logs", value_parser = plain)]
    pub table: String,
}

/// A name without anything that ends it in SQL.
fn plain(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("a name has letters, digits, `_`, `-` and `.`".to_owned())
}

/// A location in storage.
fn location(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"'\"`\\$".contains(letter);
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !scheme.is_empty() && !rest.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("a place such as `s3://my-trail` is expected".to_owned())
}
