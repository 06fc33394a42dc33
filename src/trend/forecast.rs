//! What the next month will cost if nothing changes: the run rate of the last scan, with what it rests on.

use serde::{Deserialize, Serialize};

use crate::domain::base::money::{MONTH_HOURS, Money, counted, thousands};
use crate::domain::base::month::Month;
use crate::domain::report::result::{CostParts, Report};

/// The forecast of what a month will cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// `2026-11`.
    pub month: String,
    /// The cost if nothing changes.
    pub cost: CostParts<Money>,
    /// The amount that deletions that are scheduled save in it. The cost is without it.
    pub scheduled_usd: Money,
    /// The amount that it would save more to delete and fix what the last scan names.
    pub possible_usd: Money,
    /// The assumptions of the forecast, in sentences.
    pub assumptions: Vec<String>,
}

/// The forecast of a month from the scan of the month before.
pub(super) fn forecast(last: &Report, month: Month) -> Forecast {
    let totals = &last.totals;
    let hours = u64::from(month.hours());
    // The price of a month of storage buys the whole month, however long it is; calls come by the hour.
    let by_hours = |usd: Money| usd.scaled(hours, u64::from(MONTH_HOURS));
    let cost = CostParts {
        storage_usd: totals.cost.storage_usd,
        api_usd: by_hours(totals.cost.api_usd),
        kms_usd: by_hours(totals.cost.kms_usd),
        total_usd: Money::ZERO,
    };
    let pending = last.secrets.iter().filter(|row| row.deleted.is_some());
    let pending = pending.count() as u64;
    let mut assumptions = vec![
        format!(
            "The forecast assumes that the secrets of {} stay and that nobody creates new ones.",
            last.made.strftime("%Y-%m-%d")
        ),
        format!("Calls continue at the rate of the last scan for the {hours} hours of the month."),
    ];
    if pending > 0 {
        assumptions.push(format!(
            "{} pending deletion and free. The forecast assumes that none is restored.",
            counted(pending, "secret is", "secrets are")
        ));
    }
    let (covered, expected) = last.trail_hours();
    if covered < expected {
        assumptions.push(format!(
            "The rate of calls is known for {} of the {} hours of the last scan.",
            thousands(covered),
            thousands(expected)
        ));
    }
    Forecast {
        month: month.to_string(),
        cost: cost.totalled(),
        scheduled_usd: totals.pending_usd,
        possible_usd: totals.savings_usd,
        assumptions,
    }
}
