//! What could not be seen: where the trail has holes, and everything else that could not be read.

use super::page::{Look, TextPage, left, piece};
use super::phrases;
use super::{Detail, Options, more, scope_text};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::thousands;
use crate::domain::report::result::{InventoryState, Report, ScopeRow};

/// The section: also when everything was seen, because then the reader may rely on it.
pub(super) fn unseen(page: &mut TextPage, report: &Report, options: &Options) {
    let holes: Vec<_> = report
        .scopes
        .iter()
        .filter(|scope| !scope.trail.complete || scope.inventory != InventoryState::Read)
        .collect();
    if holes.is_empty() && report.gaps.is_empty() {
        if !report.scopes.is_empty() {
            page.heading("FULL COVERAGE");
            let text = format!(
                "The trail covers all of the {} that the verdicts depend on.",
                phrases::length(&report.evidence)
            );
            page.paragraph(2, Look::Usual, &text);
        }
        return;
    }
    page.heading("COVERAGE GAPS");
    let mut shown = Vec::new();
    if !holes.is_empty() {
        shown = coverage(page, report, holes, options);
    }
    let rest: Vec<_> = report
        .gaps
        .iter()
        .filter(|gap| !shown.contains(gap))
        .collect();
    for gap in rest.iter().take(options.top) {
        let scope = match scope_text(gap.account.as_ref(), gap.region.as_ref()) {
            scope if scope.is_empty() => scope,
            scope => format!("{scope}, "),
        };
        let text = format!("{scope}{}: {}: {}", gap.source, gap.what, gap.why);
        page.item(2, "- ", Look::Usual, &text);
    }
    more(page, rest.len(), options, "report.json");
}

/// The accounts and Regions with holes, the least covered first, each with the reasons. Gives the gaps that are
/// shown or counted by that.
fn coverage<'a>(
    page: &mut TextPage,
    report: &'a Report,
    mut holes: Vec<&'a ScopeRow>,
    options: &Options,
) -> Vec<&'a Gap> {
    let scopes = report.scopes.len();
    let unseen = |scope: &&ScopeRow| {
        scope.trail.evidence_covered_hours == 0 && scope.inventory == InventoryState::Read
    };
    if holes.len() == scopes && holes.iter().all(unseen) {
        let of = match scopes {
            1 => "the account and Region".to_owned(),
            more => format!("any of the {more} accounts and Regions"),
        };
        let text = format!("No trail covers {of}, so it is not known who reads what.");
        page.paragraph(2, Look::Usual, &text);
        return Vec::new();
    }
    let text = format!(
        "The trail is complete for {} of {} accounts and Regions, but not for:",
        thousands((scopes - holes.len()) as u64),
        thousands(scopes as u64),
    );
    page.paragraph(2, Look::Usual, &text);
    holes.sort_by_key(|scope| {
        (
            scope.trail.evidence_covered_hours,
            &scope.account,
            &scope.region,
        )
    });
    let mut shown = Vec::new();
    for (index, scope) in holes.iter().enumerate() {
        let here = |gap: &&Gap| {
            gap.account.as_ref() == Some(&scope.account)
                && gap.region.as_ref() == Some(&scope.region)
        };
        // The gaps of the accounts and Regions that are only counted below are counted with them.
        shown.extend(report.gaps.iter().filter(here));
        if index >= options.top {
            continue;
        }
        let name = format!("{} {}", scope.account, scope.region);
        page.line(
            4,
            &[
                left(Look::Usual, &name, 32),
                piece(Look::Warning, covered(scope)),
            ],
        );
        if options.detail == Detail::Full {
            for gap in report.gaps.iter().filter(here) {
                page.paragraph(6, Look::Faint, &format!("{}: {}", gap.what, gap.why));
            }
        }
    }
    more(page, holes.len(), options, "report.json");
    if !report.policy.trust_last_accessed && options.detail == Detail::Full {
        let text = "Secrets that look unused there are marked `review`, never `delete`.";
        page.paragraph(4, Look::Usual, text);
    }
    shown
}

/// Returns how much of the evidence span is covered. Covered hours are never rounded up to a day, so that what is not
/// whole does not look whole.
fn covered(scope: &ScopeRow) -> String {
    let trail = &scope.trail;
    let expected = phrases::days(trail.evidence_expected_hours.div_ceil(24));
    let covered = trail.evidence_covered_hours / 24;
    let mut text = match (trail.evidence_covered_hours, trail.complete) {
        (0, _) => format!("0 of {expected}: no trail"),
        (_, true) => format!("{expected}, complete"),
        (_, false) => format!("{covered} of {expected}"),
    };
    if scope.inventory != InventoryState::Read {
        text.push_str("; no inventory was given");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_day_that_is_not_whole_is_not_counted() {
        let mut scope = sample::report().scopes[0].clone();
        scope.trail.complete = false;
        for (hours, shown) in [
            (2_160, "90 of 90 days"),
            (2_159, "89 of 90 days"),
            (23, "0 of 90 days"),
            (0, "0 of 90 days: no trail"),
        ] {
            scope.trail.evidence_covered_hours = hours;
            assert_eq!(covered(&scope), shown);
        }
        scope.trail.evidence_expected_hours = 2_150;
        scope.trail.evidence_covered_hours = 24;
        assert_eq!(covered(&scope), "1 of 90 days");
    }
}
