//! `plan`: what a finished scan would delete, as a file to review.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jiff::Timestamp;

use super::gaps;
use super::show::{command, day, paragraph, saving, scope_text, table};
use super::{RunClock, path_word, refuse_applied};
use crate::Exit;
use crate::cli::PlanArgs;
use crate::domain::base::money::{Money, counted, thousands};
use crate::domain::base::names::Region;
use crate::domain::cleanup::plan::{
    Draft, Guards, Plan, PlanEntry, PlanSelection, VerdictScope, draft, end_of_window,
};
use crate::domain::cleanup::plan_file;
use crate::domain::report::result::Report;
use crate::files::store::{self, Overwrite};
use crate::report::json;
use crate::run::way_out::helpful;
use crate::term::Term;

/// Sets how many lines of a plan are shown: the file holds all of them.
const SHOWN: usize = 25;

/// Runs `plan`.
pub(crate) fn run(args: &PlanArgs, term: &Term) -> Result<Exit> {
    let report = store::read_report(&args.dir, json::read)?;
    let selection = PlanSelection {
        reach: if args.include_review {
            VerdictScope::DeleteAndReview
        } else {
            VerdictScope::Delete
        },
        only: args.only.clone(),
        exclude: args.exclude.clone(),
        min_saving: args.min_saving,
        recovery_days: args.recovery,
    };
    let draft = draft(&report, &selection);
    let out = args.out.clone().unwrap_or_else(|| beside(&args.dir));
    let overwrite = if args.overwrite {
        Overwrite::Yes
    } else {
        Overwrite::No
    };
    let now = RunClock::of(args.moment).now();
    write(&out, &plan_file::write(&draft.plan, now)?, overwrite)?;
    let shown = show(&draft, args.recovery, now) + &gaps::section(&report.gaps);
    Term::data(shown.as_bytes())?;
    term.say(&format!("wrote {}", out.display()));
    if let Some(warning) = sampled(&report, &draft) {
        term.say(&warning);
    }
    if !draft.plan.lines.is_empty() {
        let next = paragraph(
            "Review it in an editor or a spreadsheet: to keep a secret, delete its line or write `keep` as its decision. Then check every line against AWS; this changes nothing:",
        );
        let next = next + &command(&format!("secretsweep apply {}", path_word(&out)));
        term.say(next.trim_end());
    }
    Ok(Exit::Done)
}

/// Returns what must be known of planned secrets whose calls were estimated from a sample.
fn sampled(report: &Report, draft: &Draft) -> Option<String> {
    let planned: BTreeSet<_> = draft.plan.lines.iter().map(|line| &line.arn).collect();
    let rows = report.secrets.iter();
    let count = rows
        .filter(|row| row.estimate.is_some() && planned.contains(&row.arn))
        .count();
    (count > 0).then(|| {
        format!(
            "Of {}, only a sample of the calls was read: the saving is storage alone, and that nobody was seen is no \
             proof that nobody reads.",
            counted(count as u64, "planned secret", "planned secrets")
        )
    })
}

fn beside(dir: &Path) -> PathBuf {
    let folder = if dir.is_file() {
        dir.parent().unwrap_or(Path::new(""))
    } else {
        dir
    };
    folder.join("plan.csv")
}

/// Writes the plan whole or not at all, for its owner alone. Somebody may have worked on the one that is there.
fn write(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<()> {
    refuse_applied(path, "name another file with `--out FILE`")?;
    store::write_file(path, bytes, overwrite).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => helpful(
            format!(
                "there is a plan `{}` already, and somebody may have reviewed it",
                path.display()
            ),
            "name another file with `--out FILE`, or replace it with `--overwrite`",
        ),
        _ => anyhow::Error::from(error)
            .context(format!("cannot write the plan `{}`", path.display())),
    })
}

fn show(draft: &Draft, recovery_days: u8, now: Timestamp) -> String {
    let plan = &draft.plan;
    let mut text = paragraph(&format!(
        "Plan {}, from the scan of {} ({})",
        plan.id,
        plan.planned_at,
        counted(plan.scanned, "secret", "secrets")
    ));
    text.push('\n');
    if plan.lines.is_empty() {
        text.push_str("Nothing can be deleted.\n");
    } else {
        let rows: Vec<Vec<String>> = shown_lines(&plan.lines).into_iter().map(row).collect();
        text.push_str(&table(
            &["SECRET", "WHERE", "LAST READ", "SAVES/MONTH", "WHY"],
            &rows,
        ));
        let rest = plan.lines.len().saturating_sub(rows.len()) as u64;
        if rest > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  and {} more in the plan", thousands(rest));
        }
        text.push('\n');
        text.push_str(&paragraph(&format!(
            "{} to delete, which saves {}. If applied today, they can be restored until {}; their names cannot be reused before then. `secretsweep rules` explains each WHY.",
            counted(plan.lines.len() as u64, "secret", "secrets"),
            saving(plan.saves(), " per month"),
            day(end_of_window(now, recovery_days)),
        )));
    }
    text.push_str(&not_in_the_plan(draft));
    if !plan.lines.is_empty() {
        text.push_str(&limits(plan, now));
    }
    text
}

/// The lines that are shown: all of a short plan, and of a long one those that save most.
fn shown_lines(lines: &[PlanEntry]) -> Vec<&PlanEntry> {
    let mut shown: Vec<&PlanEntry> = lines.iter().collect();
    if shown.len() > SHOWN {
        shown.sort_by_key(|line| Reverse(line.saves));
        shown.truncate(SHOWN);
    }
    shown
}

fn row(line: &PlanEntry) -> Vec<String> {
    let mut why = line.reasons.join(" ");
    if !line.seal.replicas.is_empty() {
        let replicas: Vec<&str> = line.seal.replicas.iter().map(Region::as_str).collect();
        why.push_str("; replicas deleted at once: ");
        why.push_str(&replicas.join(", "));
    }
    vec![
        line.arn.name().to_owned(),
        scope_text(&line.arn),
        line.last_accessed
            .map_or_else(|| "never".to_owned(), |day| day.to_string()),
        line.saves
            .map_or_else(|| "unknown".to_owned(), Money::dollars),
        why,
    ]
}

/// Returns what stayed out, and why.
fn not_in_the_plan(draft: &Draft) -> String {
    let mut text = String::new();
    if !draft.refused.is_empty() {
        let rows: Vec<Vec<String>> = draft
            .refused
            .iter()
            .map(|one| {
                let why = one.why.to_string();
                vec![one.arn.name().to_owned(), scope_text(&one.arn), why]
            })
            .collect();
        text.push_str("\nNot in the plan:\n\n");
        text.push_str(&table(&["SECRET", "WHERE", "WHY NOT"], &rows));
    }
    let mut also = |count: u64, one: &str, many: &str, why: &str| {
        if count > 0 {
            let count = counted(count, one, many);
            text.push('\n');
            text.push_str(&paragraph(&format!("{count} {why}")));
        }
    };
    also(
        draft.to_review,
        "secret needs",
        "secrets need",
        "review first; add them with `--include-review`.",
    );
    also(
        draft.left_out,
        "secret was",
        "secrets were",
        "left out by `--only`, `--exclude` or `--min-saving`.",
    );
    text
}

/// Returns why `apply` would refuse the plan as it stands: better said now than after the review.
fn limits(plan: &Plan, now: Timestamp) -> String {
    let blocked = Guards::default().check(plan, now, None, &plan.accounts());
    let mut text = String::new();
    for why in blocked {
        text.push('\n');
        let way_out = why.way_out();
        text.push_str(&paragraph(&format!(
            "`apply --execute` would refuse this plan: {why}. To go on, {way_out}."
        )));
    }
    text
}
