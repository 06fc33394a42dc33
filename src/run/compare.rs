//! `compare`: two finished scans, and what changed between them.

use anyhow::Result;

use crate::Exit;
use crate::cli::{CompareArgs, CompareFormat};
use crate::compare::compare;
use crate::files::store;
use crate::report::{comparison, json};
use crate::term::Term;

/// Runs `compare`.
pub(super) fn run(args: &CompareArgs, term: &Term) -> Result<Exit> {
    let old = store::read_report(&args.old, json::read)?;
    let new = store::read_report(&args.new, json::read)?;
    let changes = compare(&old, &new);
    let bytes = match args.format {
        CompareFormat::Text => comparison::text(&changes).into_bytes(),
        CompareFormat::Json => comparison::json(&changes),
        CompareFormat::Csv => comparison::csv(&changes),
    };
    term.data(&bytes)?;
    Ok(Exit::Done)
}
