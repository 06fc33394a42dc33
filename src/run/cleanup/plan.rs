//! `plan`: what a finished scan would delete, as a file to review.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::super::scan::clock;
use super::show::{counted, day, place, table};
use crate::Exit;
use crate::cli::PlanArgs;
use crate::domain::money::Money;
use crate::domain::names::Region;
use crate::domain::plan::{Draft, Reach, Selection, draft, end_of_window};
use crate::domain::plan_csv;
use crate::domain::report::Report;
use crate::files::journal;
use crate::files::store::{self, Overwrite};
use crate::report::json;
use crate::term::Term;

/// Runs `plan`.
pub(crate) fn run(args: &PlanArgs, term: &Term) -> Result<Exit> {
    let report = store::read_report(&args.dir, json::read)?;
    let selection = Selection {
        reach: if args.include_review {
            Reach::DeleteAndReview
        } else {
            Reach::Delete
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
    write(&out, &plan_csv::write(&draft.plan)?, overwrite)?;
    Term::data(show(&draft, args.recovery).as_bytes())?;
    term.say(&format!("wrote {}", out.display()));
    if let Some(warning) = sampled(&report, &draft) {
        term.say(&warning);
    }
    if !draft.plan.lines.is_empty() {
        term.say(&format!(
            "Review it; then `secretsweep apply {}` checks every line against AWS and changes nothing.",
            out.display()
        ));
    }
    Ok(Exit::Done)
}

/// What must be known of planned secrets whose calls were estimated from a sample.
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
            counted(count, "planned secret", "planned secrets")
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
    let journal = journal::beside(path);
    if journal.exists() {
        bail!(
            "`{}` was applied, by the journal beside it: name another file with `--out FILE`",
            path.display()
        );
    }
    let failed = || format!("cannot write the plan `{}`", path.display());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    if overwrite == Overwrite::Yes {
        file.persist(path).map(drop).map_err(|error| error.error)
    } else {
        file.persist_noclobber(path).map(drop).map_err(|error| error.error)
    }
    .map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => anyhow::anyhow!(
            "there is a plan `{}` already, and somebody may have reviewed it: name another file with `--out FILE`, or replace it with `--overwrite`",
            path.display()
        ),
        _ => anyhow::Error::from(error).context(failed()),
    })
}

fn show(draft: &Draft, recovery_days: u8) -> String {
    let plan = &draft.plan;
    let mut text = format!(
        "Plan {} rests on the scan of {} ({})\n\n",
        plan.id,
        plan.planned_at,
        counted(
            usize::try_from(plan.scanned).unwrap_or(usize::MAX),
            "secret",
            "secrets"
        )
    );
    let rows: Vec<Vec<String>> = plan
        .lines
        .iter()
        .map(|line| {
            let replicas: Vec<&str> = line.seal.replicas.iter().map(Region::as_str).collect();
            vec![
                line.arn.name().to_owned(),
                place(&line.arn),
                line.last_accessed
                    .map_or_else(|| "never".to_owned(), |day| day.to_string()),
                line.saves
                    .map_or_else(|| "unknown".to_owned(), Money::dollars),
                line.reasons.join(" "),
                replicas.join(" "),
            ]
        })
        .collect();
    if rows.is_empty() {
        text.push_str("Nothing can be deleted.\n");
    } else {
        let header = [
            "SECRET",
            "WHERE",
            "LAST READ",
            "SAVES/MONTH",
            "WHY",
            "REPLICAS GONE AT ONCE",
        ];
        text.push_str(&table(&header, &rows));
        let _ = writeln!(
            text,
            "\n{} to delete, which saves {} a month. If it is applied today, each can be taken back until {}, and its name stays blocked as long at least.",
            counted(rows.len(), "secret", "secrets"),
            plan.saves().dollars(),
            day(end_of_window(clock(), recovery_days)),
        );
    }
    if !draft.refused.is_empty() {
        let rows: Vec<Vec<String>> = draft
            .refused
            .iter()
            .map(|one| {
                vec![
                    one.arn.name().to_owned(),
                    place(&one.arn),
                    one.why.to_string(),
                ]
            })
            .collect();
        text.push_str("\nNot in the plan:\n\n");
        text.push_str(&table(&["SECRET", "WHERE", "WHY NOT"], &rows));
    }
    if draft.to_review > 0 {
        let _ = writeln!(
            text,
            "\n{} to be looked at by a person first (`--include-review` takes them in).",
            counted(
                usize::try_from(draft.to_review).unwrap_or(usize::MAX),
                "secret has",
                "secrets have"
            ),
        );
    }
    if draft.left_out > 0 {
        let _ = writeln!(
            text,
            "\n{} left out by `--only`, `--exclude` or `--min-saving`.",
            counted(
                usize::try_from(draft.left_out).unwrap_or(usize::MAX),
                "secret was",
                "secrets were"
            ),
        );
    }
    text
}
