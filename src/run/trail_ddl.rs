//! `trail-ddl`: prints the definition of a table over a trail's bucket.

use anyhow::Result;

use crate::Exit;
use crate::cli::{SqlDialect, TrailDdlArgs};
use crate::engine::ddl::{self, TrailTableRequest};
use crate::term::Term;

/// Runs `trail-ddl`.
pub(super) fn run(args: &TrailDdlArgs) -> Result<Exit> {
    let bucket = args.bucket.trim_end_matches('/');
    let root = match &args.organization {
        Some(organization) => format!("{bucket}/AWSLogs/{organization}"),
        None => format!("{bucket}/AWSLogs"),
    };
    let accounts: Vec<String> = args.accounts.iter().map(ToString::to_string).collect();
    let regions: Vec<String> = args.regions.iter().map(ToString::to_string).collect();
    let request = TrailTableRequest {
        root: &root,
        accounts: &accounts,
        regions: &regions,
        first_day: args.first_day,
        name: &args.table,
    };
    let text = match args.dialect {
        SqlDialect::Athena => format!("{};\n", ddl::athena(&request)),
        SqlDialect::Trino => {
            let [files, view] = ddl::trino(&request);
            format!(
                "-- Days without a file need `hive.ignore-absent-partitions=true` in the catalog.\n{files};\n\n\
                 -- Scan with --trail 'trino://HOST:PORT/{}?day=day:yyyy/MM/dd'\n{view};\n",
                args.table
            )
        }
    };
    Term::data(text.as_bytes())?;
    Ok(Exit::Done)
}
