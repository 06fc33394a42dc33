//! `explain`: one secret of a finished scan.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::output::{columns, style};
use super::way_out::helpful;
use super::{cleanup, latest};
use crate::Exit;
use crate::cli::{ExplainArgs, LATEST};
use crate::domain::report::result::{Report, SecretRow};
use crate::files::store;
use crate::report::json;
use crate::report::named::{Match, named};
use crate::report::text::explain::{PlanState, explain};
use crate::term::Term;

/// The number of secrets that an error lists.
const LISTED: usize = 10;

/// Runs `explain`.
pub(super) fn run(args: &ExplainArgs, term: &Term) -> Result<Exit> {
    let (folder, report) = finished(args.scan.as_deref(), term)?;
    let typed = &args.secret;
    match named(&report, typed) {
        Match::One(row) => {
            let plan = plan_state(&folder, row);
            let text = explain(&report, row, &plan, style(), columns());
            Term::data(text.as_bytes())?;
            Ok(Exit::Done)
        }
        Match::Several(rows) => {
            let fitting: Vec<&str> = rows.iter().map(|row| row.arn.as_str()).collect();
            Err(ambiguous(typed, "secrets", &fitting))
        }
        Match::None(nearest) => {
            let all = "secrets.csv lists all secrets of the scan";
            Err(unknown("secret", typed, &folder, nearest, all))
        }
    }
}

/// A finished scan and its folder: the one that is named, or the latest one.
pub(super) fn finished(named: Option<&Path>, term: &Term) -> Result<(PathBuf, Report)> {
    let mut folder = named.map_or_else(|| LATEST.into(), Path::to_owned);
    latest::scan(&mut folder, " with `--scan DIR`", term)?;
    let report = store::read_report(&folder, json::read)?;
    Ok((folder, report))
}

/// Returns the state of a secret in the plan of its scan, and in the journal beside it.
fn plan_state(folder: &Path, row: &SecretRow) -> PlanState {
    let path = folder.join(latest::PLAN);
    if !path.exists() {
        return PlanState::None;
    }
    let plan = match cleanup::read_plan(&path) {
        Ok(plan) => plan,
        Err(error) => return PlanState::Unreadable(format!("{error:#}")),
    };
    let mut lines = plan.iter().flat_map(|plan| &plan.lines);
    let Some(line) = lines.find(|line| line.arn == row.arn) else {
        return PlanState::NotInPlan;
    };
    let journal = match cleanup::standing(&path, &row.arn) {
        Ok(journal) => journal,
        Err(error) => return PlanState::Unreadable(format!("{error:#}")),
    };
    PlanState::Planned {
        decision: line.decision.as_str(),
        journal,
    }
}

/// The error for what somebody typed that fits several: the first of them, a line each.
pub(super) fn ambiguous(typed: &str, kinds: &str, fitting: &[&str]) -> anyhow::Error {
    let first = fitting.iter().take(LISTED);
    let mut lines: Vec<String> = first.map(|one| format!("  {one}")).collect();
    if fitting.len() > LISTED {
        lines.push(format!("  and {} more", fitting.len() - LISTED));
    }
    let what = format!(
        "`{typed}` may be one of {} {kinds}:\n{}",
        fitting.len(),
        lines.join("\n")
    );
    helpful(what, "type more of the name, or the ARN")
}

/// The error for what somebody typed that fits nothing in the scan. `all` says where to look if nothing is near.
pub(super) fn unknown(
    kind: &str,
    typed: &str,
    folder: &Path,
    nearest: Option<&str>,
    all: &str,
) -> anyhow::Error {
    helpful(
        format!("there is no {kind} `{typed}` in `{}`", folder.display()),
        nearest.map_or_else(
            || all.to_owned(),
            |nearest| format!("did you mean `{nearest}`?"),
        ),
    )
}
