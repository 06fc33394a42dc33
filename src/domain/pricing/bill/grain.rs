//! How finely a bill tells charges apart, and the places of bill and estimate in that grain.
//!
//! Cost Explorer answers by what it was asked for: by usage type without accounts, or by service without parts. An
//! estimate that is finer would stand in rows of its own, once too much and once too little, so it is added up to the grain
//! of the bill first. Nothing is shared out to make a bill finer than it is.

use std::collections::BTreeMap;

use super::usage_type::CostPart;
use super::{Bill, BillKey, Billed};
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region};

/// What a bill tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grain {
    /// At least one line names an account.
    accounts: bool,
    /// At least one line names a Region.
    regions: bool,
    /// No line is of the whole service.
    parts: bool,
}

impl Grain {
    /// The grain of a bill; the finest for one without lines.
    pub(super) fn of(bill: &Bill) -> Self {
        let places = || bill.places.keys();
        Self {
            accounts: bill.places.is_empty() || places().any(|place| place.account.is_some()),
            regions: bill.places.is_empty() || places().any(|place| place.region.is_some()),
            parts: !places().any(|place| place.part == CostPart::Whole),
        }
    }

    /// A place in this grain.
    fn place(self, place: &BillKey) -> BillKey {
        BillKey {
            account: place.account.clone().filter(|_| self.accounts),
            region: place.region.clone().filter(|_| self.regions),
            part: match place.part {
                CostPart::Kms => CostPart::Kms,
                part if self.parts => part,
                _ => CostPart::Whole,
            },
        }
    }

    /// The bill by place.
    pub(super) fn billed(self, bill: &Bill) -> BTreeMap<BillKey, Billed> {
        let mut places: BTreeMap<BillKey, Billed> = BTreeMap::new();
        for (place, billed) in &bill.places {
            *places.entry(self.place(place)).or_default() += *billed;
        }
        places
    }

    /// Returns what the scan says by place: `None` inside where nothing of it is known.
    pub(super) fn estimated(
        self,
        estimates: BTreeMap<BillKey, Option<Money>>,
    ) -> BTreeMap<BillKey, Option<Money>> {
        let mut places: BTreeMap<BillKey, Option<Money>> = BTreeMap::new();
        for (place, usd) in estimates {
            let sum = places.entry(self.place(&place)).or_default();
            if let Some(usd) = usd {
                *sum = Some(sum.unwrap_or_default() + usd);
            }
        }
        places
    }

    /// Returns whether a place names all that the bill tells apart.
    pub(super) fn is_named(self, place: &BillKey) -> bool {
        (place.account.is_some() || !self.accounts) && (place.region.is_some() || !self.regions)
    }
}

impl BillKey {
    /// Returns whether an account and Region belong to this place; what the place does not name is any.
    pub(super) fn holds(&self, account: &AccountId, region: &Region) -> bool {
        self.account.as_ref().is_none_or(|own| own == account)
            && self.region.as_ref().is_none_or(|own| own == region)
    }
}
