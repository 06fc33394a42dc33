//! `status`: where a journal stands.

use anyhow::Result;

use super::show::{day, left, paragraph, saving, scope_text, table};
use super::{RunClock, block_on, journal};
use crate::Exit;
use crate::cleanup::status::{StatusRow, status};
use crate::cli::StatusArgs;
use crate::domain::base::money::counted;
use crate::domain::base::reader_kind::name_of;
use crate::domain::cleanup::journal_location::JournalLocation;
use crate::run::way_out::helpful;
use crate::term::Term;

/// Runs `status`.
pub(crate) fn run(args: &StatusArgs) -> Result<Exit> {
    let location = match &args.journal {
        JournalLocation::File(plan) if plan.extension().is_some_and(|end| end == "csv") => {
            JournalLocation::beside(plan)
        }
        other => other.clone(),
    };
    let clock = match location {
        JournalLocation::File(_) => RunClock::of(args.moment),
        JournalLocation::Object(_) => RunClock::before_aws(args.moment)?,
    };
    let found = block_on(async |stop| journal::load(&location, &args.login, clock, stop).await)?;
    let Some(state) = found else {
        return Err(helpful(
            format!("there is no journal {location}: nothing was applied"),
            "if the journal is elsewhere, name it with `--journal FILE`",
        ));
    };
    let status = status(&state, clock.now());
    let Some(plan) = &status.plan else {
        Term::data(b"The journal is empty: nothing was done.\n")?;
        return Ok(Exit::Done);
    };
    let runs = counted(state.runs.len() as u64, "run", "runs");
    let mut text = paragraph(&format!("Plan {plan}, {runs}."));
    let rows: Vec<Vec<String>> = status.rows.iter().map(row).collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(
            &["STATE", "SECRET", "WHERE", "SINCE", "BY", "LEFT", "DETAIL"],
            &rows,
        ));
    }
    text.push('\n');
    text.push_str(&paragraph(&format!(
        "{} deleted, which saves {}; {} saved so far.",
        counted(status.deleted as u64, "secret is", "secrets are"),
        saving(status.saves.iter().copied(), " per month"),
        saving(status.saved.iter().copied(), ""),
    )));
    if status.open > 0 {
        text.push_str(&paragraph(&format!(
            "{} open: a run was interrupted there. Run `apply` or `restore` again; it asks AWS for the current state.",
            counted(status.open as u64, "line is", "lines are"),
        )));
    }
    Term::data(text.as_bytes())?;
    Ok(Exit::Done)
}

fn row(row: &StatusRow) -> Vec<String> {
    vec![
        row.state.to_owned(),
        row.arn.name().to_owned(),
        scope_text(&row.arn),
        day(row.since),
        name_of(&row.caller).to_owned(),
        row.left.map(left).unwrap_or_default(),
        row.note.clone(),
    ]
}
