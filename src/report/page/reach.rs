//! Who may read, on the page: the roles and users that may read most and do not, with the statements that would do.
//!
//! `reach.csv` holds all of them.

use std::cmp::Reverse;

use serde::Serialize;

use crate::domain::base::money::thousands;
use crate::domain::report::result::{GrantAdvice, IdentityReach, Report};
use crate::report::escape::one_line;
use crate::report::text::phrases;
use crate::report::text::reach::how;

/// Sets how many roles and users are shown.
const SHOWN: usize = 12;

/// The section; `None` in a page without IAM data.
#[derive(Serialize)]
pub(crate) struct ReachView {
    rows: Vec<ReachRow>,
    narrowed: Vec<NarrowedView>,
    /// The number of further ones; empty if there are none.
    more: String,
}

#[derive(Serialize)]
struct ReachRow {
    reader: String,
    assumed_by: String,
    may: String,
    read: String,
    unused: String,
    how: String,
}

/// The statements that allow what one reader used.
#[derive(Serialize)]
struct NarrowedView {
    reader: String,
    policy: String,
    text: String,
}

/// Reads the section from a report.
pub(crate) fn reach(report: &Report) -> Option<ReachView> {
    let reach = report.reach.as_ref()?;
    let mut all: Vec<&IdentityReach> = reach.identities.iter().collect();
    all.sort_by_key(|row| (Reverse(row.unused), &row.reader));
    let rest = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    Some(ReachView {
        rows: all.iter().copied().map(row).collect(),
        narrowed: all.iter().copied().flat_map(narrowed).collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("{} more in reach.csv", thousands(rest as u64))
        },
    })
}

fn row(row: &IdentityReach) -> ReachRow {
    ReachRow {
        reader: one_line(&phrases::reader(&row.reader, None)),
        assumed_by: one_line(&row.assumed_by.join(", ")),
        may: thousands(row.may_read + row.conditional + row.unknown),
        read: thousands(row.did_read),
        unused: thousands(row.unused),
        how: how(row),
    }
}

fn narrowed(row: &IdentityReach) -> impl Iterator<Item = NarrowedView> {
    let narrow = |advice| advice == GrantAdvice::Narrow;
    let grants = row.grants.iter().filter(move |one| narrow(one.advice));
    grants.map(|grant| {
        let statements = &grant.narrowed;
        let text = serde_json::to_string_pretty(statements).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(one_line).collect();
        NarrowedView {
            reader: one_line(&phrases::reader(&row.reader, None)),
            policy: one_line(&grant.policy),
            text: lines.join("\n"),
        }
    })
}
