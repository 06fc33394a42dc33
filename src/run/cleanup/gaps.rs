//! The gaps of the scan that a plan rests on, repeated wherever the plan is shown or carried out.

use std::path::Path;

use jiff::Timestamp;

use super::show::{item, paragraph};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::counted;
use crate::domain::base::names::{AccountId, Region};
use crate::domain::report::result::Report;
use crate::files::store;
use crate::report::json;

/// The number of gaps that are shown; the others are counted.
const SHOWN: usize = 10;

/// The gaps of a scan, as a section; empty if there are none.
pub(super) fn section(gaps: &[Gap]) -> String {
    if gaps.is_empty() {
        return String::new();
    }
    let count = counted(gaps.len() as u64, "gap", "gaps");
    let mut text = paragraph(&format!("The scan behind this plan has {count}:"));
    for gap in gaps.iter().take(SHOWN) {
        let scope = gap.account.iter().map(AccountId::as_str);
        let scope: Vec<&str> = scope.chain(gap.region.iter().map(Region::as_str)).collect();
        let scope = if scope.is_empty() {
            String::new()
        } else {
            format!("{}: ", scope.join(" "))
        };
        text.push_str(&item("  ", &format!("{scope}{}: {}", gap.what, gap.why)));
    }
    if gaps.len() > SHOWN {
        text.push_str(&item(
            "  ",
            &format!("and {} more, in report.json", gaps.len() - SHOWN),
        ));
    }
    text.push('\n');
    text
}

/// The gaps of the scan of this moment, from the report beside the plan. Where it is not there, that is said: a plan file
/// does not hold them.
pub(super) fn beside(plan: &Path, planned_at: Timestamp) -> String {
    let folder = plan
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let report: Option<Report> = store::read_report(folder, json::read).ok();
    match report.filter(|report| report.made == planned_at) {
        Some(report) => section(&report.gaps),
        None => paragraph(
            "The scan's report is not beside the plan, so its gaps are not repeated here. See what it could not read in its report.",
        ),
    }
}
