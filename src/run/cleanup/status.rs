//! `status`: where a journal stands.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::super::scan::clock;
use super::read_journal;
use super::show::{counted, day, left, place, table};
use crate::Exit;
use crate::cli::StatusArgs;
use crate::domain::readers::name_of;
use crate::files::journal::beside;
use crate::status::{Row, status};
use crate::term::Term;

/// Runs `status`.
pub(crate) fn run(args: &StatusArgs) -> Result<Exit> {
    let is_plan = args.journal.extension().is_some_and(|end| end == "csv");
    let path = if is_plan {
        beside(&args.journal)
    } else {
        args.journal.clone()
    };
    if !path.exists() {
        bail!(
            "there is no journal {}: nothing was applied",
            path.display()
        );
    }
    let book = read_journal(&path)?;
    let status = status(&book, clock());
    let mut text = String::new();
    let plan = status.plan.as_deref().unwrap_or("none");
    let _ = writeln!(
        text,
        "Plan {plan}, {}\n",
        counted(book.runs.len(), "run", "runs")
    );
    let rows: Vec<Vec<String>> = status.rows.iter().map(row).collect();
    let header = ["STATE", "SECRET", "WHERE", "SINCE", "BY", "LEFT", "DETAIL"];
    text.push_str(&table(&header, &rows));
    let _ = writeln!(
        text,
        "\n{} deleted, which saves {} a month; {} saved so far. {} open.",
        counted(status.deleted, "secret is", "secrets are"),
        status.saves.dollars(),
        status.saved.dollars(),
        counted(status.open, "line is", "lines are"),
    );
    if status.open > 0 {
        text.push_str("Run `apply` or `restore` again: it asks AWS what became of what is open.\n");
    }
    Term::data(text.as_bytes())?;
    Ok(Exit::Done)
}

fn row(row: &Row) -> Vec<String> {
    vec![
        row.state.to_owned(),
        row.arn.name().to_owned(),
        place(&row.arn),
        day(row.since),
        name_of(&row.caller).to_owned(),
        row.left.map(left).unwrap_or_default(),
        row.note.clone(),
    ]
}
