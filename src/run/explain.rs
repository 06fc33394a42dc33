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

/// How many secrets an error lists.
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
        Match::Several(rows) => Err(helpful(
            format!(
                "`{typed}` may be one of {} secrets:\n{}",
                rows.len(),
                listed(&rows)
            ),
            "type more of the name, or the ARN",
        )),
        Match::None(other) => Err(helpful(
            format!("there is no secret `{typed}` in `{}`", folder.display()),
            other.map_or_else(
                || "secrets.csv lists all secrets of the scan".to_owned(),
                |other| format!("did you mean `{other}`?"),
            ),
        )),
    }
}

/// A finished scan and its folder: the one that is named, or the latest one.
pub(super) fn finished(named: Option<&Path>, term: &Term) -> Result<(PathBuf, Report)> {
    let mut folder = named.map_or_else(|| LATEST.into(), Path::to_owned);
    latest::scan(&mut folder, " with `--scan DIR`", term)?;
    let report = store::read_report(&folder, json::read)?;
    Ok((folder, report))
}

/// Where a secret stands in the plan of its scan, and in the journal beside it.
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

/// The ARNs of the first of these secrets, a line each.
fn listed(rows: &[&SecretRow]) -> String {
    let mut lines: Vec<String> = rows
        .iter()
        .take(LISTED)
        .map(|row| format!("  {}", row.arn))
        .collect();
    if rows.len() > LISTED {
        lines.push(format!("  and {} more", rows.len() - LISTED));
    }
    lines.join("\n")
}
