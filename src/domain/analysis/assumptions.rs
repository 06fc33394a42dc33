//! What the numbers assume, as sentences for the reader of the report.

use std::collections::BTreeSet;

use crate::domain::base::money::{Money, counted, thousands};
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::Accrual;
use crate::domain::report::result::Report;

use super::{ScanSpans, TrailInput};

/// Returns what the numbers assume, for the reader of the report.
pub(super) fn assumptions(
    policy: &Policy,
    report: &Report,
    spans: ScanSpans,
    trail: TrailInput,
) -> Vec<String> {
    let totals = &report.totals;
    let muted = report.findings.len() - report.open_findings().count();
    let mut said = vec![
        "All amounts are estimates from counted calls and list prices, not a bill: free tiers, credits and discounts \
         are not included."
            .to_owned(),
        format!("Prices: {}.", policy.prices.source),
        "A month of the run rate has 730 hours; calls are scaled from the hours that the trail covers.".to_owned(),
        "Every logged API call is priced, including failed ones: AWS does not say that they are free.".to_owned(),
        "A read with a customer-managed key costs one KMS request; the $1 per month for the key itself is not included."
            .to_owned(),
        "LastAccessedDate is a day, and AWS does not say in which time zone, so it may be off by one day.".to_owned(),
        "Readers are recognised by user agent, role and session. User agents can be forged.".to_owned(),
    ];
    if let Accrual::Month(hours) = spans.accrual {
        said.push(format!(
            "Storage is charged by the hour: the monthly price pays for the {hours} hours of this month."
        ));
    }
    if spans.accrual != Accrual::Sliding && totals.window_cost.parts.total_usd == Money::ZERO {
        said.push("Nothing was billable in the month.".to_owned());
    }
    if totals.window_cost.extrapolated_usd > Money::ZERO {
        let (covered, expected) = report.trail_hours();
        said.push(format!(
            "${} of what the window cost is scaled: the trail covers {} of its {} hours, and the other hours are assumed \
             to have as many calls.",
            totals.window_cost.extrapolated_usd,
            thousands(covered),
            thousands(expected)
        ));
    }
    if !report.former.is_empty() {
        said.push(format!(
            "${} of what the window cost is storage of {} deleted for good; the trail shows when they were created and deleted.",
            totals.window_cost.former_usd,
            counted(report.former.len() as u64, "secret that was", "secrets that were")
        ));
    }
    if spans.accrual != Accrual::Sliding && trail == TrailInput::Given {
        said.push(
            "Secrets that were deleted for good before the scan are in the month's cost only where the trail holds their \
             DeleteSecret; replicas that went with them are not."
                .to_owned(),
        );
    }
    let assumed = assumed_services(report);
    if !assumed.is_empty() {
        said.push(format!(
            "AWS does not document whether it charges for secrets of {}: the usual price is assumed.",
            assumed.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    if trail == TrailInput::Declined {
        said.push(
            "No trail was read, so calls and their cost are unknown and not included in the totals."
                .to_owned(),
        );
    }
    if totals.estimate.is_some() {
        said.push(
            "Where the event history was too long to read, calls and what follows from them are estimates from windows of \
             it, each with its 95 % interval in `report.json`, `estimates.csv` and on the page. What was seen proves use; \
             what was not seen proves nothing, so nothing is called unused from a sample."
                .to_owned(),
        );
    }
    if policy.trust_last_accessed {
        said.push(
            "--trust-last-accessed: where the trail is missing, idle secrets are judged by LastAccessedDate alone, \
             so secrets that are read through a cache may look idle."
                .to_owned(),
        );
    }
    if totals.unpriced_secrets > 0 {
        said.push(format!(
            "{} no known price and {} left out of the totals.",
            counted(totals.unpriced_secrets, "secret has", "secrets have"),
            if totals.unpriced_secrets == 1 {
                "is"
            } else {
                "are"
            }
        ));
    }
    if totals.uncounted_secrets > totals.unpriced_secrets && trail == TrailInput::Given {
        said.push(format!(
            "The calls of {} could not be counted, because the trail does not cover them; their cost is left out.",
            counted(totals.uncounted_secrets - totals.unpriced_secrets, "secret", "secrets")
        ));
    }
    let shared = report.allocation.as_ref();
    said.extend(shared.map(|shared| shared.rule.sentence().to_owned()));
    if muted > 0 {
        said.push(format!(
            "{} muted by the policy file.",
            counted(muted as u64, "finding is", "findings are")
        ));
    }
    said
}

/// The services of whose secrets it is assumed that they are charged.
fn assumed_services(report: &Report) -> BTreeSet<&str> {
    let rows = report.secrets.iter().filter(|row| row.price_is_assumed);
    rows.filter_map(|row| row.owning_service.as_deref())
        .collect()
}
