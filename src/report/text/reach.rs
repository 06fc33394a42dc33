//! Who may read, in the summary: the roles and users that may read most and do not.

use std::cmp::Reverse;

use super::page::{Look, TextPage, left, piece, right};
use super::phrases;
use super::{Detail, Options};
use crate::domain::base::money::{counted, thousands};
use crate::domain::report::result::{Breadth, IdentityReach, Report};

/// The section, if IAM data was given.
pub(super) fn reach(page: &mut TextPage, report: &Report, options: &Options) {
    let Some(reach) = &report.reach else {
        return;
    };
    page.heading("WHO MAY READ");
    if reach.identities.is_empty() {
        page.paragraph(2, Look::Usual, "No role and no user of the IAM data.");
        return;
    }
    let all = counted(
        reach.identities.len() as u64,
        "role or user",
        "roles and users",
    );
    page.line(
        2,
        &[piece(Look::Strong, all), piece(Look::Faint, " (reach.csv)")],
    );
    let mut rows: Vec<&IdentityReach> = reach.identities.iter().collect();
    rows.sort_by_key(|row| (Reverse(row.unused), &row.reader));
    if options.detail == Detail::Short {
        if let Some(row) = rows.first().filter(|row| row.unused > 0) {
            let text = format!(
                "Most unused: {} may read {} and read {} ({})",
                phrases::reader(&row.reader, None),
                phrases::number(may(row), "secret"),
                thousands(row.did_read),
                how(row)
            );
            page.paragraph(2, Look::Usual, &text);
        }
        return;
    }
    let head = ["may", "read", "unused"];
    let mut pieces = vec![left(Look::Faint, "", 34)];
    pieces.extend(head.map(|text| right(Look::Faint, text, 8)));
    page.line(2, &pieces);
    for row in rows.iter().take(options.top) {
        let name = phrases::reader(&row.reader, None);
        let mut pieces = vec![left(Look::Usual, &name, 34)];
        let counts = [may(row), row.did_read, row.unused];
        pieces.extend(counts.map(|count| right(Look::Usual, &thousands(count), 8)));
        pieces.push(piece(Look::Faint, format!("  {}", how(row))));
        page.line(2, &pieces);
        if !row.assumed_by.is_empty() {
            page.paragraph(4, Look::Faint, &row.assumed_by.join(", "));
        }
    }
    let rest = rows.len().saturating_sub(options.top) as u64;
    if rest > 0 {
        let text = format!("and {} more in reach.csv", thousands(rest));
        page.line(2, &[piece(Look::Faint, text)]);
    }
}

/// Secrets that it may read, perhaps under conditions.
fn may(row: &IdentityReach) -> u64 {
    row.may_read + row.conditional + row.unknown
}

/// By what its grants name secrets, and whether something follows from what is unused.
pub(in crate::report) fn how(row: &IdentityReach) -> String {
    let mut kinds: Vec<Breadth> = row.grants.iter().map(|grant| grant.by).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kinds: Vec<&str> = kinds
        .into_iter()
        .map(|by| match by {
            Breadth::Wildcard => "wildcard",
            Breadth::Tag => "tags",
            Breadth::List => "list",
            Breadth::Secret => "secret's policy",
        })
        .collect();
    let open = if row.covered { "" } else { "; not covered" };
    format!("by {}{open}", kinds.join(", "))
}
