//! The section of gaps, and of the accounts and Regions whose trail is not complete.

use serde::Serialize;

use crate::domain::base::money::thousands;
use crate::domain::report::result::{InventoryState, Report};
use crate::report::escape::one_line;
use crate::report::format::percent;
use crate::report::text::phrases::number;

/// The number of gaps that are shown.
const GAPS: usize = 100;

/// The parts that could not be seen.
#[derive(Serialize)]
pub(crate) struct Unseen {
    gaps: Vec<GapView>,
    more: String,
    scopes: Vec<ScopeView>,
    /// A sentence on how many accounts and Regions the trail covers in full; they are not listed.
    complete: String,
}

#[derive(Serialize)]
struct GapView {
    place: String,
    source: String,
    what: String,
    why: String,
}

#[derive(Serialize)]
struct ScopeView {
    place: String,
    inventory: String,
    secrets: String,
    covered: String,
    width: String,
    alt: String,
}

/// Gaps, and the accounts and Regions that the trail does not cover in full.
pub(crate) fn unseen(report: &Report) -> Unseen {
    let gaps = report.gaps.iter().take(GAPS).map(|gap| {
        let parts = [
            gap.account.as_ref().map(ToString::to_string),
            gap.region.as_ref().map(ToString::to_string),
        ];
        let scope: Vec<String> = parts.into_iter().flatten().collect();
        GapView {
            place: if scope.is_empty() {
                "everywhere".to_owned()
            } else {
                scope.join(" ")
            },
            source: one_line(gap.source.as_str()),
            what: one_line(&gap.what),
            why: one_line(&gap.why),
        }
    });
    let rest = report.gaps.len().saturating_sub(GAPS);
    let holed = report
        .scopes
        .iter()
        .filter(|row| !row.trail.complete || row.inventory != InventoryState::Read);
    let scopes = holed.take(GAPS).map(|row| {
        let (covered, expected) = (row.trail.covered_hours, row.trail.expected_hours);
        let scope = format!("{} {}", row.account, row.region);
        let text = format!(
            "{} of {} hours",
            thousands(u64::from(covered)),
            thousands(u64::from(expected))
        );
        ScopeView {
            alt: format!("{scope}: the trail covers {text}"),
            place: scope,
            inventory: row.inventory.as_str().to_owned(),
            secrets: thousands(row.secrets),
            covered: text,
            width: percent(i64::from(covered), i64::from(expected)),
        }
    });
    let complete = report
        .scopes
        .iter()
        .filter(|row| row.trail.complete)
        .count();
    Unseen {
        gaps: gaps.collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("and {} more in report.json", number(rest as u64, "gap"))
        },
        scopes: scopes.collect(),
        complete: format!(
            "{} of {} were seen in full.",
            complete,
            number(report.scopes.len() as u64, "account and Region pair")
        ),
    }
}
