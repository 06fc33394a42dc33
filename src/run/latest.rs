//! The folder or plan that is meant when none is named: `latest`.
//!
//! Looked for where scans are written to: `reports`, or the folder that `out` of the settings file begins with.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::scan_paths::OUT;
use super::scan_plan::scan_defaults;
use super::way_out::helpful;
use crate::cli::LATEST;
use crate::files::store;
use crate::term::Term;

/// The name of a plan in the folder of its scan.
pub(super) const PLAN: &str = "plan.csv";

/// Replaces the word by the latest scan. `option` says how to name one, if not by its position: ` with ...`.
///
/// # Errors
/// If there is none.
pub(super) fn scan(dir: &mut PathBuf, option: &str, term: &Term) -> Result<()> {
    if is_word(dir) {
        let all = scans()?;
        let hint = format!("name its folder{option}, or run `secretsweep scan`");
        *dir = last(all, "finished scan", &hint)?;
        term.say(&format!("Using the latest scan, `{}`.", dir.display()));
    }
    Ok(())
}

/// Replaces the word by the latest scan that is not this one.
///
/// # Errors
/// If there is none.
pub(super) fn previous(dir: Option<&mut PathBuf>, but: Option<&Path>) -> Result<()> {
    if let Some(dir) = dir.filter(|dir| is_word(dir)) {
        let mut all = scans()?;
        all.retain(|one| but != Some(one));
        *dir = last(all, "earlier scan", "name its folder with `--previous DIR`")?;
    }
    Ok(())
}

/// Replaces the word by the plan of the latest scan that has one.
///
/// # Errors
/// If there is none.
pub(super) fn plan(path: &mut PathBuf, term: &Term) -> Result<()> {
    if is_word(path) {
        let plans = scans()?.into_iter().map(|folder| folder.join(PLAN));
        let plans = plans.filter(|plan| plan.is_file()).collect();
        *path = last(plans, "plan", "name it, or run `secretsweep plan`")?;
        term.say(&format!("Using the latest plan, `{}`.", path.display()));
    }
    Ok(())
}

/// The two scans to compare: those that are named, and the latest ones for those that are not.
///
/// # Errors
/// If there are too few.
pub(super) fn two(old: Option<&Path>, new: Option<&Path>) -> Result<(PathBuf, PathBuf)> {
    if let (Some(old), Some(new)) = (old, new) {
        return Ok((old.to_owned(), new.to_owned()));
    }
    let mut all = scans()?;
    all.retain(|one| old != Some(one));
    let hint = "name the folders of two scans";
    let new = last(all.clone(), "finished scan", hint)?;
    all.retain(|one| *one != new);
    let old = match old {
        Some(old) => old.to_owned(),
        None => last(all, "earlier scan", hint)?,
    };
    Ok((old, new))
}

/// Returns whether the word is meant: a folder of that name goes before it.
pub(super) fn is_word(path: &Path) -> bool {
    path == Path::new(LATEST) && !path.exists()
}

fn last(all: Vec<PathBuf>, what: &str, hint: &str) -> Result<PathBuf> {
    match all.into_iter().max() {
        Some(last) => Ok(last),
        None => Err(helpful(
            format!("there is no {what} in `{}`", folder()?.display()),
            hint,
        )),
    }
}

fn scans() -> Result<Vec<PathBuf>> {
    Ok(store::scans_inside(&folder()?))
}

/// The folder in which scans are written: what stands before the first placeholder.
pub(super) fn folder() -> Result<PathBuf> {
    let out = scan_defaults(None)?.out().map(Path::to_owned);
    let out = out.unwrap_or_else(|| PathBuf::from(OUT));
    let fixed = out
        .iter()
        .take_while(|part| !part.to_string_lossy().contains('{'));
    let folder: PathBuf = fixed.collect();
    Ok(if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder
    })
}
