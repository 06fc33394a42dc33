//! Why a bill and an estimate differ, as far as facts tell.

use serde::{Deserialize, Serialize};

use super::grain::Grain;
use super::usage_type::CostPart;
use super::{Bill, Billed, ReconciliationRow};
use crate::domain::base::money::{MONTH_HOURS, Money, counted, thousands};
use crate::domain::base::month::Month;
use crate::domain::base::span::Span;
use crate::domain::report::result::{InventoryState, Report, ScopeRow, SecretRow};

/// A difference below a cent, or below one per cent of the larger amount, needs no reason.
const SMALL: Money = Money(10_000);

/// A likely reason for a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Its code, such as `trail-hole`.
    pub code: String,
    /// The reason as a sentence.
    pub text: String,
}

fn reason(code: &str, text: impl Into<String>) -> Reason {
    Reason {
        code: code.to_owned(),
        text: text.into(),
    }
}

/// Returns what holds for the bill as a whole.
pub(super) fn of_bill(report: &Report, bill: &Bill) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(from) = bill.straddles_from {
        reasons.push(reason(
            "straddles-window",
            format!(
                "{} the beginning of the window {} to {}, so how much of that belongs to it is not known: a scan with \
                 --month {} fits a monthly bill.",
                counted(bill.straddling, "line of the bill straddles", "lines of the bill straddle"),
                report.window.from,
                report.window.to,
                Month::of(from)
            ),
        ));
    } else if bill.lines == bill.outside {
        reasons.push(reason(
            "no-line",
            format!(
                "The bill has no line of Secrets Manager in the window {} to {}; {} outside it.",
                report.window.from,
                report.window.to,
                thousands(bill.outside)
            ),
        ));
    }
    if let Some(covers) = bill.covers
        && (covers.from > report.window.from || covers.to < report.window.to)
    {
        reasons.push(reason(
            "part-of-window",
            format!(
                "The bill covers {} to {} of the window {} to {}.",
                covers.from, covers.to, report.window.from, report.window.to
            ),
        ));
    }
    if let Some(covers) = bill.covers.filter(|covers| covers.to > report.window.to) {
        reasons.push(reason(
            "beyond-window",
            format!(
                "Lines of the bill reach to {}, beyond the end of the window: a scan with --month fits a monthly bill.",
                covers.to
            ),
        ));
    }
    if bill.covers.is_none() && bill.lines > bill.outside {
        reasons.push(reason(
            "no-dates",
            "The bill has no dates: whether it is about this window is for you to say.",
        ));
    }
    let foreign: Vec<&str> = bill
        .currencies
        .iter()
        .map(String::as_str)
        .filter(|currency| !matches!(*currency, "" | "USD"))
        .collect();
    if !foreign.is_empty() {
        reasons.push(reason(
            "currency",
            format!(
                "Amounts of the bill are in {}, those of the scan in USD; nothing was converted.",
                foreign.join(", ")
            ),
        ));
    }
    if bill.estimated {
        reasons.push(reason(
            "not-final",
            "The bill itself says that it is not final yet.",
        ));
    }
    if !bill.unknown_usage_types.is_empty() {
        reasons.push(not_understood(bill));
    }
    if bill.unreadable > 0 {
        reasons.push(reason(
            "unreadable-lines",
            format!(
                "{} of the bill could not be read, the first: {}.",
                counted(bill.unreadable, "line", "lines"),
                bill.first_unreadable.as_deref().unwrap_or("unknown")
            ),
        ));
    }
    if report.totals.unpriced_secrets > 0 {
        reasons.push(reason(
            "no-price",
            format!(
                "The price of {} secrets is unknown, so they are in no estimate; --prices FILE gives one.",
                thousands(report.totals.unpriced_secrets)
            ),
        ));
    }
    reasons
}

/// The usage types that no part of the estimate can be set beside, by name.
fn not_understood(bill: &Bill) -> Reason {
    const SHOWN: usize = 5;
    let names: Vec<String> = bill
        .unknown_usage_types
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = bill.unknown_usage_types.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    reason(
        "not-understood",
        format!(
            "The bill charges Secrets Manager for usage types that are not known here: {}{more}. They stand in the rows \
             called other and in the total.",
            names.join(", ")
        ),
    )
}

/// Returns why one row differs, most likely first. `covers` is the time of the bill.
pub(super) fn of_row(
    report: &Report,
    row: &ReconciliationRow,
    billed: Option<&Billed>,
    grain: Grain,
    covers: Option<Span>,
) -> Vec<Reason> {
    let Some(difference) = row.difference_usd else {
        return Vec::new();
    };
    if is_small(row, difference) {
        return Vec::new();
    }
    let key = &row.place;
    let scopes: Vec<&ScopeRow> = report
        .scopes
        .iter()
        .filter(|scope| key.holds(&scope.account, &scope.region))
        .collect();
    let more = difference > Money::ZERO;
    let mut reasons = Vec::new();
    if key.part == CostPart::Other {
        reasons.push(reason(
            "not-understood",
            "The usage type of these lines is not known here, so the scan has no estimate of them.",
        ));
    } else if !grain.is_named(key) {
        reasons.push(reason(
            "no-place",
            "The account or the Region is not named, so the amounts stand in different rows.",
        ));
    } else if row.estimate_usd.is_none() {
        reasons.push(not_estimated(&scopes));
    } else if row.billed_usd.is_none() {
        reasons.push(reason(
            "not-in-bill",
            "The bill has no line of this account, Region and part: is the account in this export?",
        ));
    }
    if row.estimate_usd.is_some() && row.billed_usd.is_some() {
        match key.part {
            CostPart::Storage => storage(report, row, billed, covers, &mut reasons),
            CostPart::Api => api(report, row, &scopes, more, &mut reasons),
            CostPart::Kms => kms(&scopes, more, &mut reasons),
            CostPart::Whole => {
                storage(report, row, None, covers, &mut reasons);
                api(report, row, &scopes, more, &mut reasons);
            }
            // The scan estimates none of these.
            CostPart::Other => {}
        }
    }
    reasons
}

fn is_small(row: &ReconciliationRow, difference: Money) -> bool {
    let size = |amount: Money| amount.0.unsigned_abs();
    let difference = size(difference);
    let larger =
        size(row.estimate_usd.unwrap_or_default()).max(size(row.billed_usd.unwrap_or_default()));
    let unknown = row.estimate_usd.is_none() && row.billed_usd.is_some_and(|usd| usd > Money::ZERO);
    !unknown && (difference < size(SMALL) || difference.saturating_mul(100) < larger)
}

fn not_estimated(scopes: &[&ScopeRow]) -> Reason {
    match scopes.first() {
        None => reason(
            "not-scanned",
            "The scan did not look at this account and Region: add it, and the estimate has it.",
        ),
        Some(scope) if scope.inventory != InventoryState::Read => reason(
            "no-inventory",
            "The scan has no inventory of this account and Region.",
        ),
        Some(_) => reason(
            "no-estimate",
            "The scan has no amount here: no price for the partition, or no trail to count calls in.",
        ),
    }
}

/// The secrets of a row.
fn secrets<'a>(
    report: &'a Report,
    row: &'a ReconciliationRow,
) -> impl Iterator<Item = &'a SecretRow> {
    let rows = report.secrets.iter();
    rows.filter(|secret| row.place.holds(&secret.account, &secret.region))
}

fn storage(
    report: &Report,
    row: &ReconciliationRow,
    billed: Option<&Billed>,
    covers: Option<Span>,
    reasons: &mut Vec<Reason>,
) {
    let (Some(estimate), Some(usd)) = (row.estimate_usd, row.billed_usd) else {
        return;
    };
    if let Some(reason) = month_hours(report, estimate, usd, covers) {
        reasons.push(reason);
        return;
    }
    let here = secrets(report, row).count() as u64;
    let price = billed
        .filter(|billed| billed.quantity > super::Amount::default())
        .map(|billed| {
            // The price of one secret for a month, as the bill itself has it.
            let micros = billed.usage.0.saturating_mul(1_000_000) / billed.quantity.0;
            Money(i64::try_from(micros).unwrap_or(i64::MAX))
        });
    let ours = secrets(report, row)
        .filter_map(|secret| secret.cost.storage_usd)
        .max();
    if let (Some(price), Some(ours)) = (price, ours)
        && ours > Money::ZERO
        && (price.0 - ours.0).unsigned_abs().saturating_mul(100) > ours.0.unsigned_abs()
    {
        reasons.push(reason(
            "other-price",
            format!("The bill charges ${price} a secret and month, the estimate ${ours}: --prices FILE takes yours."),
        ));
    }
    if usd > estimate {
        reasons.push(reason(
            "deleted-secrets",
            format!(
                "The bill also has secrets that were deleted before the scan, and replicas in it; the scan saw {}.",
                thousands(here)
            ),
        ));
    } else {
        let pending = secrets(report, row)
            .filter(|secret| secret.deleted.is_some())
            .count() as u64;
        reasons.push(reason(
            "free-secrets",
            format!(
                "Secrets that another service pays for, or that were scheduled for deletion in between, cost nothing; {} \
                 are pending deletion here.",
                thousands(pending)
            ),
        ));
    }
}

/// The estimate of a sliding window takes each month to have 730 hours, and a bill those of the calendar. If that alone
/// explains the difference, nothing else does.
fn month_hours(
    report: &Report,
    estimate: Money,
    billed: Money,
    covers: Option<Span>,
) -> Option<Reason> {
    if report.policy.month.is_some() {
        return None;
    }
    let covers = covers?;
    let last = Month::of(jiff::Timestamp::from_second(covers.to.as_second() - 1).ok()?);
    // In the two months that a window of a month touches, the price of an hour lies between those of both.
    let charged = |month: Month| {
        let hours = u64::from(month.hours());
        estimate.scaled(u64::from(MONTH_HOURS), hours)
    };
    let (first, last) = (Month::of(covers.from), last);
    let (low, high) = (
        charged(first).min(charged(last)),
        charged(first).max(charged(last)),
    );
    let slack = Money((estimate.0 / 200).max(1));
    (low - slack <= billed && billed <= high + slack).then(|| {
        let name = |month: Month| format!("{} in {month}", month.hours());
        let months = if first == last {
            name(first)
        } else {
            format!("{} and {}", name(first), name(last))
        };
        reason(
            "month-hours",
            format!(
                "The price of a month buys 730 hours in the estimate and {months} in the bill; a scan with --month counts \
                 as the bill does."
            ),
        )
    })
}

fn api(
    report: &Report,
    row: &ReconciliationRow,
    scopes: &[&ScopeRow],
    more: bool,
    reasons: &mut Vec<Reason>,
) {
    if more {
        if let Some(hole) = trail_hole(scopes) {
            reasons.push(hole);
        } else {
            reasons.push(reason(
                "unlogged-calls",
                "The trail covers the window, yet more calls are billed: calls from other accounts, or selectors that leave \
                 out read events.",
            ));
        }
        return;
    }
    let failed: u64 = secrets(report, row).map(|secret| secret.failed).sum();
    if failed > 0 {
        reasons.push(reason(
            "failed-calls",
            format!(
                "The estimate charges {} failed reads; AWS does not say that it does.",
                thousands(failed)
            ),
        ));
    }
    reasons.push(reason(
        "free-calls",
        "The estimate charges every logged call, also those of AWS services for themselves, which may be free.",
    ));
}

fn kms(scopes: &[&ScopeRow], more: bool, reasons: &mut Vec<Reason>) {
    if more {
        reasons.push(reason(
            "other-services",
            "KMS serves every service; the estimate has only the requests of Secrets Manager.",
        ));
        reasons.extend(trail_hole(scopes));
    } else {
        reasons.push(reason(
            "free-requests",
            "The first 20,000 KMS requests of an account and month are free; the estimate charges them all.",
        ));
    }
}

fn trail_hole(scopes: &[&ScopeRow]) -> Option<Reason> {
    let hours = |of: fn(&ScopeRow) -> u32| -> u64 {
        let hours = scopes.iter().map(|scope| u64::from(of(scope)));
        hours.sum()
    };
    let covered = hours(|scope| scope.trail.covered_hours);
    let expected = hours(|scope| scope.trail.expected_hours);
    (covered < expected).then(|| {
        reason(
            "trail-hole",
            format!("The trail covers {covered} of {expected} hours; calls outside them are in the bill alone."),
        )
    })
}

#[cfg(test)]
mod tests;
