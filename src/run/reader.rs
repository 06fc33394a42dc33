//! `reader`: one role or user of a finished scan.

use anyhow::{Context as _, Result};

use super::explain::finished;
use super::output::{columns, style};
use super::way_out::helpful;
use crate::Exit;
use crate::cli::ReaderArgs;
use crate::report::text::reader::{ReaderMatch, narrowed_policy, reader, reader_named};
use crate::term::Term;

/// How many readers an error lists.
const LISTED: usize = 10;

/// Runs `reader`.
pub(super) fn run(args: &ReaderArgs, term: &Term) -> Result<Exit> {
    let (folder, report) = finished(args.scan.as_deref(), term)?;
    let typed = &args.reader;
    match reader_named(&report, typed) {
        ReaderMatch::One(found) if args.policy => {
            let policy = narrowed_policy(&report, found).with_context(|| {
                format!(
                    "there is nothing to narrow for `{found}`: `secretsweep reader` without `--policy` says what it may \
                     read, and whether its time is covered"
                )
            })?;
            Term::data(policy.as_bytes())?;
            Ok(Exit::Done)
        }
        ReaderMatch::One(found) => {
            Term::data(reader(&report, found, style(), columns()).as_bytes())?;
            Ok(Exit::Done)
        }
        ReaderMatch::Several(all) => {
            let shown: Vec<String> = all
                .iter()
                .take(LISTED)
                .map(|one| format!("  {one}"))
                .collect();
            Err(helpful(
                format!(
                    "`{typed}` may be one of {} roles and users:\n{}",
                    all.len(),
                    shown.join("\n")
                ),
                "type more of the name, or the ARN",
            ))
        }
        ReaderMatch::None(other) => Err(helpful(
            format!("there is no reader `{typed}` in `{}`", folder.display()),
            other.map_or_else(
                || "readers.csv lists all readers of the scan".to_owned(),
                |other| format!("did you mean `{other}`?"),
            ),
        )),
    }
}
