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
    if old.made > new.made {
        term.say(&format!(
            "`{}` is the later scan of the two: the changes below go back in time. Name the earlier scan first.",
            args.old.display()
        ));
    }
    let changes = compare(&old, &new);
    let bytes = match args.format {
        CompareFormat::Text => comparison::text(&changes).into_bytes(),
        CompareFormat::Json => comparison::json(&changes),
        CompareFormat::Csv => comparison::csv(&changes),
    };
    Term::data(&bytes)?;
    Ok(Exit::Done)
}
