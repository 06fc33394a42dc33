//! How sure the sums over rows are, by the rows alone.
//!
//! A report does not hold what each window of a sample showed, so of some of its rows nobody can say any more how far
//! they err together. The ends of the rows' intervals are added up instead: that is never too narrow, and mostly too
//! wide. The scan itself knows better, and replaces it for the whole report.

use std::collections::BTreeSet;

use super::PossibleSavings;
use crate::domain::base::money::Money;
use crate::domain::report::result::{
    Amounts, CaveatRow, Cost, Estimate, LoopRow, Range, SecretRow, UnattributedRow,
};
use crate::domain::sampling::CaveatCode;

/// The ends of the intervals of sums.
#[derive(Default)]
pub(super) struct SumIntervals {
    amounts: Amounts<Range<u64>, Range<Money>>,
    savings: Range<Money>,
    windows: u64,
    caveats: BTreeSet<CaveatRow>,
    is_estimate: bool,
}

impl SumIntervals {
    /// Adds a secret, with what it would save.
    pub(super) fn secret(&mut self, row: &SecretRow, savings: &PossibleSavings<'_>) {
        let found = row.estimate.as_deref();
        let ranges = ends(row.amounts(), found);
        let saving = savings.of(row);
        self.savings += if saving.by_deleting > Money::ZERO {
            ranges.cost.total_usd
        } else {
            let avoidable = found.and_then(|found| found.avoidable_usd);
            avoidable.unwrap_or(Range::exact(saving.by_mending))
        };
        self.amounts += ranges;
        self.note(found);
    }

    /// Adds calls that belong to no secret.
    pub(super) fn nobodys(&mut self, row: &UnattributedRow) {
        let found = row.estimate.as_ref();
        let exact = Amounts {
            calls: row.calls,
            cost: Cost::new(None, row.api_usd, None),
            window: row.window_api_usd,
            ..Amounts::default()
        };
        let mut ranges = ends(exact, found);
        // They cost nothing but the calls.
        ranges.cost.total_usd = ranges.cost.api_usd;
        self.amounts += ranges;
        self.note(found);
    }

    /// Adds what mending a loop on a name that is not in the inventory would save.
    pub(super) fn unnamed(&mut self, row: &LoopRow) {
        let found = row.estimate.as_ref();
        let exact = Range::exact(row.avoidable_usd_month.unwrap_or_default());
        let usd = found.and_then(|found| found.avoidable_usd_month);
        self.savings += usd.unwrap_or(exact);
        self.is_estimate |= found.is_some();
    }

    fn note(&mut self, found: Option<&Estimate>) {
        if let Some(found) = found {
            // Rows of one account and Region share their windows: which are the same nobody can say any more.
            self.windows = self.windows.max(found.windows);
            self.is_estimate = true;
            // What holds for one row only is not said of the sum.
            let of_all = |row: &&CaveatRow| row.code == CaveatCode::FewWindows;
            self.caveats
                .extend(found.caveats.iter().filter(of_all).cloned());
        }
    }

    /// `None` if nothing was estimated.
    pub(super) fn estimate(self) -> Option<Estimate> {
        let ranges = self.amounts.map(|range| range, Some);
        let caveats = self.caveats.into_iter().collect();
        self.is_estimate.then(|| Estimate {
            savings_usd: Some(self.savings),
            ..Estimate::new(ranges, self.windows, caveats)
        })
    }
}

/// The ends of the interval of each amount; both are the amount itself where it is exact.
fn ends(
    exact: Amounts<u64, Option<Money>>,
    found: Option<&Estimate>,
) -> Amounts<Range<u64>, Range<Money>> {
    let ranges = found.map(Estimate::ranges).unwrap_or_default();
    exact.zip(ranges).map(
        |(exact, range)| range.unwrap_or(Range::exact(exact)),
        |(exact, range)| range.unwrap_or(Range::exact(exact.unwrap_or_default())),
    )
}
