//! Whether a sum says anything: a sum of which no part is known is unknown, not zero.
//!
//! The sums themselves leave out what is unknown, and stand in [`Totals`]. Beside them this counts of how many parts the
//! amount was known. A sum without any parts is zero, and known.

use std::ops::{Add, AddAssign};

use super::{Counted, PossibleSavings};
use crate::domain::base::money::Money;
use crate::domain::report::result::{
    Amounts, Cost, CostParts, FormerSecret, SecretRow, Totals, UnattributedRow,
};

/// The numbers of parts of a sum whose amount is known, and whose amount is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    known: u64,
    /// The number of parts that the sum leaves out.
    pub unknown: u64,
}

impl Parts {
    /// A sum with this one part.
    pub fn one<T: Copy>(part: Option<T>) -> Self {
        let known = u64::from(part.is_some());
        Self {
            known,
            unknown: 1 - known,
        }
    }

    /// The sum of such parts; `None` if there are parts and none is known.
    pub fn of<T>(self, sum: T) -> Option<T> {
        (self.known > 0 || self.unknown == 0).then_some(sum)
    }

    fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Add for Parts {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            known: self.known + more.known,
            unknown: self.unknown + more.unknown,
        }
    }
}

impl AddAssign for Parts {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

impl FromIterator<Option<Money>> for Parts {
    fn from_iter<I: IntoIterator<Item = Option<Money>>>(parts: I) -> Self {
        let parts = parts.into_iter().map(Self::one);
        parts.fold(Self::default(), Add::add)
    }
}

/// The sum of parts of which some may be unknown; `None` if there are parts and none is known.
pub fn sum(parts: impl Iterator<Item = Option<Money>> + Clone) -> Option<Money> {
    let known: Parts = parts.clone().collect();
    known.of(parts.flatten().sum())
}

impl CostParts<Parts> {
    /// The sums of such parts, and which of them is unknown.
    pub fn of(self, sums: CostParts<Money>) -> Cost {
        self.zip(sums).map(|(parts, sum)| parts.of(sum))
    }
}

/// The parts of each sum in the totals of a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownSums {
    /// The parts of the calls and costs, those of the unattributed calls included.
    pub amounts: Amounts<Parts>,
    /// The parts of what deleting saves: the secrets that can be deleted.
    pub deleting: Parts,
    /// The parts of what fixing loops saves.
    pub(super) mending: Parts,
    /// The parts of what could have been found to loop, had it been seen and priced.
    looked_at: Parts,
}

impl KnownSums {
    /// The run rate in these totals, as far as it is known.
    pub fn cost(&self, totals: &Totals) -> Cost {
        self.amounts.cost.of(totals.cost)
    }

    /// Returns what the window cost by these totals, if it is known.
    pub fn window(&self, totals: &Totals) -> Option<Money> {
        self.amounts.window.of(totals.window_cost.parts.total_usd)
    }

    /// The parts of what can be saved. Where nothing goes or loops, that is known to be nothing only if somebody could
    /// look.
    pub fn savings(&self) -> Parts {
        self.found(self.deleting + self.mending)
    }

    /// The parts of what mending saves: the loops of what stays, or else what could have been found to loop.
    pub fn mending(&self) -> Parts {
        self.found(self.mending)
    }

    fn found(&self, parts: Parts) -> Parts {
        if parts.is_empty() {
            self.looked_at
        } else {
            parts
        }
    }

    pub(super) fn secret(
        &mut self,
        row: &SecretRow,
        savings: &PossibleSavings<'_>,
        counted: &Counted<'_>,
    ) {
        let counted = Parts::one(counted.of(row).then_some(row.calls));
        self.amounts += row.amounts().map(|_| counted, Parts::one);
        self.looked_at += Parts::one(row.avoidable_usd);
        if savings.goes(row) {
            self.deleting += Parts::one(row.cost.total_usd);
        } else {
            self.mending += savings.loops_on(row).1;
        }
    }

    /// A secret that is gone is in the cost of the window alone.
    pub(super) fn former(&mut self, row: &FormerSecret) {
        self.amounts.window += Parts::one(row.storage_usd);
    }

    pub(super) fn unattributed(&mut self, row: &UnattributedRow) {
        let (api, counted) = (Parts::one(row.api_usd), Parts::one(Some(row.calls)));
        self.amounts += Amounts {
            calls: counted,
            reads: counted,
            failed: counted,
            // Nobody pays storage or KMS requests for them, so they leave out nothing of these sums.
            cost: CostParts {
                api_usd: api,
                total_usd: api,
                ..CostParts::default()
            },
            window: Parts::one(row.window_api_usd),
        };
        self.looked_at += Parts::one(row.api_usd);
    }
}

impl AddAssign for KnownSums {
    fn add_assign(&mut self, more: Self) {
        self.amounts += more.amounts;
        self.deleting += more.deleting;
        self.mending += more.mending;
        self.looked_at += more.looked_at;
    }
}
