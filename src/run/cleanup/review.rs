//! `review`: the lines of a plan on a screen, to decide on with keys.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{LARGEST_PLAN, read_plan, refuse_applied};
use crate::Exit;
use crate::cli::ReviewArgs;
use crate::domain::base::money::{Money, counted};
use crate::domain::base::names::Region;
use crate::domain::cleanup::plan::PlanEntry;
use crate::domain::cleanup::plan_file::with_decisions;
use crate::domain::cleanup::review::{PlanReview, ReviewKey, ReviewStep};
use crate::domain::judging::rules::RULES;
use crate::domain::report::verdict::Verdict;
use crate::files::bounded::{ValueEnd, whole};
use crate::files::store::{self, Overwrite};
use crate::report::escape::{fit, width};
use crate::run::way_out::helpful;
use crate::term::Term;
use crate::term::screen::{LineLook, Screen, ScreenKey};

/// The lines of the screen that are not lines of the plan: two above, and five below.
const AROUND: usize = 7;

/// Runs `review`.
pub(crate) fn run(args: &ReviewArgs, term: &Term) -> Result<Exit> {
    let path = &args.plan;
    refuse_applied(path, "`secretsweep status` shows what was done")?;
    let bytes = read(path)?;
    let Some(plan) = read_plan(path)? else {
        bail!(
            "the plan `{}` has no lines: there is nothing to review",
            path.display()
        );
    };
    let mut review = PlanReview::new(plan, is_doubtful);
    let screen = Screen::open().context("cannot use the terminal")?;
    let Some(screen) = screen else {
        return Err(helpful(
            "`review` needs a terminal",
            format!(
                "edit the `decision` column of `{}` in an editor instead",
                path.display()
            ),
        ));
    };
    let mut bytes = bytes;
    loop {
        let (columns, rows) = Screen::size();
        screen
            .show(&lines(&review, columns, rows))
            .context("cannot write to the terminal")?;
        let page = rows.saturating_sub(AROUND).max(1);
        let Some(key) = meaning(screen.key().context("cannot read from the terminal")?, page)
        else {
            continue;
        };
        match review.press(key) {
            ReviewStep::Continue => {}
            ReviewStep::Save => {
                bytes = save(path, &bytes, &review)?;
                review.is_saved();
            }
            ReviewStep::Quit => break,
        }
    }
    let is_lost = review.is_changed();
    drop(screen);
    let (count, _) = review.to_delete();
    let what = if is_lost {
        "Left without saving the last decisions"
    } else {
        "Saved"
    };
    term.say(&format!("{what}: `{}`.", path.display()));
    if !is_lost {
        term.say(&format!(
            "{} to delete. Next:\n  secretsweep apply {}",
            counted(count as u64, "secret", "secrets"),
            super::path_word(path)
        ));
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    whole(path, ValueEnd::Line, LARGEST_PLAN)
        .with_context(|| format!("cannot read the plan `{}`", path.display()))
}

/// Returns whether the rule of this code asks for a person; one that this version does not know does.
fn is_doubtful(code: &str) -> bool {
    let rule = RULES.iter().find(|rule| rule.code.as_str() == code);
    rule.is_none_or(|rule| rule.verdict != Verdict::Delete)
}

fn meaning(key: ScreenKey, page: usize) -> Option<ReviewKey> {
    Some(match key {
        ScreenKey::Letter(letter) => ReviewKey::Letter(letter),
        ScreenKey::Up => ReviewKey::Up,
        ScreenKey::Down => ReviewKey::Down,
        ScreenKey::PageUp => ReviewKey::PageUp(page),
        ScreenKey::PageDown => ReviewKey::PageDown(page),
        ScreenKey::Home => ReviewKey::Home,
        ScreenKey::End => ReviewKey::End,
        ScreenKey::Enter => ReviewKey::Enter,
        ScreenKey::Escape => ReviewKey::Escape,
        ScreenKey::Backspace => ReviewKey::Backspace,
        ScreenKey::Interrupt => ReviewKey::Interrupt,
        ScreenKey::Resized => return None,
    })
}

/// Writes the decisions whole or not at all, unless somebody else changed the file meanwhile; gives the new bytes.
fn save(path: &Path, before: &[u8], review: &PlanReview) -> Result<Vec<u8>> {
    let failed = || format!("cannot write the plan `{}`", path.display());
    if read(path)? != before {
        return Err(helpful(
            format!(
                "somebody else changed `{}` in the meantime, so it was not replaced",
                path.display()
            ),
            "review it again",
        ));
    }
    let bytes = with_decisions(before, &review.decisions()).with_context(failed)?;
    store::write_file(path, &bytes, Overwrite::Yes).with_context(failed)?;
    Ok(bytes)
}

/// The screen. Everything that other people wrote is escaped and cut to its column.
fn lines(review: &PlanReview, columns: usize, rows: usize) -> Vec<(LineLook, String)> {
    let shown = review.shown();
    let (count, saves) = review.to_delete();
    let changed = if review.is_changed() {
        ", not saved"
    } else {
        ""
    };
    let title = format!(
        "{} of {} to delete, which saves {} per month{changed}",
        count,
        counted(review.plan().lines.len() as u64, "secret", "secrets"),
        saves.dollars()
    );
    let (search, is_searching) = review.search();
    let search = match (search, is_searching) {
        ("", false) => String::new(),
        (text, true) => format!("Search: {text}_"),
        (text, false) => format!("Search: {text} ({} shown, Esc ends it)", shown.len()),
    };
    let mut lines = vec![
        (LineLook::Strong, fit(&title, columns)),
        (LineLook::Faint, fit(&search, columns)),
    ];
    let room = rows.saturating_sub(AROUND).max(1);
    let first = review.cursor().saturating_sub(room.saturating_sub(1));
    for (index, (line, entry)) in shown.iter().enumerate().skip(first).take(room) {
        let is_chosen = index == review.cursor();
        let look = if is_chosen {
            LineLook::Chosen
        } else {
            LineLook::Usual
        };
        lines.push((
            look,
            row(entry, is_chosen, review.is_doubtful(*line), columns),
        ));
    }
    if shown.is_empty() {
        lines.push((LineLook::Usual, fit("no line fits the search", columns)));
    }
    lines.resize(room + 2, (LineLook::Usual, String::new()));
    match shown.get(review.cursor()) {
        Some((_, entry)) => lines.extend(
            details(entry)
                .into_iter()
                .map(|text| (LineLook::Usual, fit(&text, columns))),
        ),
        None => lines.resize(room + 5, (LineLook::Usual, String::new())),
    }
    lines.push((
        LineLook::Strong,
        fit(review.note().unwrap_or_default(), columns),
    ));
    let keys = "d delete  k keep  space switch  u undo  / search  K keep all  D delete all  s save  q quit";
    lines.push((LineLook::Faint, fit(keys, columns)));
    lines
}

/// One line of the plan: decision, saving, name, account and Region, and whether a person has to look.
fn row(entry: &PlanEntry, is_chosen: bool, is_doubtful: bool, columns: usize) -> String {
    let mark = if is_chosen { ">" } else { " " };
    let saves = entry.saves.map_or_else(|| "?".to_owned(), Money::dollars);
    let doubt = if is_doubtful { "review" } else { "" };
    let scope = super::show::scope_text(&entry.arn);
    let before = format!("{mark} {:<6} {saves:>8}  ", entry.decision.as_str());
    let after = format!("  {doubt:<6}  {scope}");
    let room = columns
        .saturating_sub(width(&before) + width(&after))
        .max(12);
    let name = fit(entry.arn.name(), room);
    let gap = " ".repeat(room.saturating_sub(width(&name)));
    fit(&format!("{before}{name}{gap}{after}"), columns)
}

/// Reasons and evidence of the line under the cursor.
fn details(entry: &PlanEntry) -> [String; 3] {
    let meaning = |code: &String| {
        let rule = RULES.iter().find(|rule| rule.code.as_str() == code);
        let text = rule.map_or("", |rule| rule.meaning);
        let clause = text.split_once(['.', ':']).map_or(text, |(first, _)| first);
        format!("{code}: {clause}")
    };
    let reasons: Vec<String> = entry.reasons.iter().map(meaning).collect();
    let read = entry
        .last_accessed
        .map_or_else(|| "never".to_owned(), |day| day.to_string());
    let evidence = entry
        .evidence_days
        .map_or_else(|| "unknown".to_owned(), |days| format!("{days} days"));
    let replicas: Vec<&str> = entry.seal.replicas.iter().map(Region::as_str).collect();
    let replicas = match replicas.as_slice() {
        [] => String::new(),
        some => format!("; replicas deleted at once: {}", some.join(", ")),
    };
    [
        entry.arn.to_string(),
        reasons.join("; "),
        format!(
            "last read {read}; the trail covers {evidence}; can be restored for {} days{replicas}",
            entry.seal.recovery_days
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cleanup::plan::draft;
    use crate::domain::cleanup::plan::tests::{everything, report, row as secret};

    #[test]
    fn every_line_fits_the_screen_and_hides_nothing_that_a_terminal_obeys() {
        let rows = [
            "plain",
            "\u{1b}[2Jhostile\u{7}",
            "日本語/とても長い名前のシークレット/データベース",
        ]
        .map(secret);
        let review = PlanReview::new(
            draft(&report(rows.to_vec()), &everything()).plan,
            is_doubtful,
        );
        for (columns, height) in [(20, 8), (80, 24), (200, 60)] {
            let lines = lines(&review, columns, height);
            assert_eq!(lines.len(), height.max(8), "{columns}x{height}");
            for (_, line) in lines {
                assert!(width(&line) <= columns, "{columns}: {line}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }

    #[test]
    fn only_a_rule_that_says_delete_is_no_doubt() {
        assert!(!is_doubtful("idle") && !is_doubtful("never-read"));
        assert!(is_doubtful("coverage-gap") && is_doubtful("of-another-version"));
    }
}
