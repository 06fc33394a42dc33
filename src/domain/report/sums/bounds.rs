//! How sure the sums over rows are, by the rows alone.
//!
//! A report does not hold what each window of a sample showed, so of some of its rows nobody can say any more how far
//! they err together. The ends of the rows' intervals are added up instead: that is never too narrow, and mostly too
//! wide. The scan itself knows better, and replaces it for the whole report.

use std::collections::BTreeSet;

use super::PossibleSavings;
use crate::domain::base::money::Money;
use crate::domain::report::result::{
    CaveatRow, Estimate, LoopRow, Range, SecretRow, UnattributedRow,
};

/// The ends of the intervals of sums.
#[derive(Default)]
pub(super) struct SumIntervals {
    calls: Range<u64>,
    reads: Range<u64>,
    failed: Range<u64>,
    api: Range<Money>,
    kms: Range<Money>,
    total: Range<Money>,
    window: Range<Money>,
    savings: Range<Money>,
    windows: u64,
    caveats: BTreeSet<CaveatRow>,
    is_estimate: bool,
}

impl SumIntervals {
    /// Adds a secret, with what it would save.
    pub(super) fn secret(&mut self, row: &SecretRow, savings: &PossibleSavings<'_>) {
        let found = row.estimate.as_deref();
        let usd = |exact: Option<Money>, range: fn(&Estimate) -> Option<Range<Money>>| {
            let exact = Range::exact(exact.unwrap_or_default());
            found.and_then(range).unwrap_or(exact)
        };
        let count = |exact: u64, range: fn(&Estimate) -> Option<Range<u64>>| {
            found.and_then(range).unwrap_or(Range::exact(exact))
        };
        let saving = savings.of(row);
        self.savings += if saving.by_deleting > Money::ZERO {
            usd(row.cost.total_usd, |found| found.total_usd)
        } else {
            usd(Some(saving.by_mending), |found| found.avoidable_usd)
        };
        self.calls += count(row.calls, |found| Some(found.calls));
        self.reads += count(row.reads, |found| found.reads);
        self.failed += count(row.failed, |found| found.failed);
        self.api += usd(row.cost.api_usd, |found| found.api_usd);
        self.kms += usd(row.cost.kms_usd, |found| found.kms_usd);
        self.total += usd(row.cost.total_usd, |found| found.total_usd);
        self.window += usd(row.window_cost.total_usd, |found| found.window_total_usd);
        self.note(found);
    }

    /// Adds calls that belong to no secret.
    pub(super) fn nobodys(&mut self, row: &UnattributedRow) {
        let found = row.estimate.as_ref();
        let exact = Range::exact(row.api_usd.unwrap_or_default());
        let usd = found.and_then(|found| found.api_usd).unwrap_or(exact);
        let exact = Range::exact(row.window_api_usd.unwrap_or_default());
        let window = found.and_then(|found| found.window_total_usd);
        self.calls += found.map_or(Range::exact(row.calls), |found| found.calls);
        self.api += usd;
        self.total += usd;
        self.window += window.unwrap_or(exact);
        self.note(found);
    }

    /// Adds what mending a loop on a name that is not in the inventory would save.
    pub(super) fn nameless(&mut self, row: &LoopRow) {
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
            let of_all = |row: &&CaveatRow| row.code == "few-windows";
            self.caveats
                .extend(found.caveats.iter().filter(of_all).cloned());
        }
    }

    /// `None` if nothing was estimated.
    pub(super) fn estimate(self) -> Option<Estimate> {
        self.is_estimate.then(|| Estimate {
            calls: self.calls,
            reads: Some(self.reads),
            failed: Some(self.failed),
            api_usd: Some(self.api),
            kms_usd: Some(self.kms),
            total_usd: Some(self.total),
            window_total_usd: Some(self.window),
            avoidable_usd: None,
            savings_usd: Some(self.savings),
            windows: self.windows,
            caveats: self.caveats.into_iter().collect(),
        })
    }
}
