//! `reader`: one role or user of a finished scan.

use anyhow::{Context as _, Result};

use super::explain::{ambiguous, finished, unknown};
use super::output::{columns, style};
use crate::Exit;
use crate::cli::ReaderArgs;
use crate::report::text::reader::{ReaderMatch, narrowed_policy, reader, reader_named};
use crate::term::Term;

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
        ReaderMatch::Several(all) => Err(ambiguous(typed, "roles and users", &all)),
        ReaderMatch::None(nearest) => {
            let all = "readers.csv lists all readers of the scan";
            Err(unknown("reader", typed, &folder, nearest, all))
        }
    }
}
