//! `compare`: two finished scans, and what changed between them.

use anyhow::Result;

use super::{latest, output};
use crate::Exit;
use crate::cli::{CompareArgs, CompareFormat};
use crate::compare::compare;
use crate::files::store;
use crate::report::{comparison, json};
use crate::term::Term;

/// Runs `compare`.
pub(super) fn run(args: &CompareArgs, term: &Term) -> Result<Exit> {
    let (earlier, later) = latest::two(args.old.as_deref(), args.new.as_deref())?;
    let old = store::read_report(&earlier, json::read)?;
    let new = store::read_report(&later, json::read)?;
    if old.made > new.made {
        term.say(&format!(
            "`{}` is the later scan of the two: the changes below go back in time. Name the earlier scan first.",
            earlier.display()
        ));
    }
    let changes = compare(&old, &new);
    let bytes = match args.format {
        CompareFormat::Text => comparison::text(&changes, output::style()).into_bytes(),
        CompareFormat::Json => comparison::json(&changes),
        CompareFormat::Csv => comparison::csv(&changes),
    };
    Term::data(&bytes)?;
    Ok(Exit::Done)
}
