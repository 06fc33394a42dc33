//! How finely a bill tells charges apart, and the keys of bill and estimate in that grain.
//!
//! Cost Explorer answers by what it was asked for: by usage type without accounts, or by service without parts. An
//! estimate that is finer would stand in rows of its own, once too much and once too little, so it is added up to the grain
//! of the bill first. Nothing is shared out to make a bill finer than it is.

use std::collections::BTreeMap;

use super::usage_type::CostPart;
use super::{Bill, BillKey, Billed};
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region};

/// The distinctions that a bill makes.
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
        let keys = || bill.by_key.keys();
        Self {
            accounts: bill.by_key.is_empty() || keys().any(|key| key.account.is_some()),
            regions: bill.by_key.is_empty() || keys().any(|key| key.region.is_some()),
            parts: !keys().any(|key| key.part == CostPart::Whole),
        }
    }

    /// A key in this grain.
    fn coarsened(self, key: &BillKey) -> BillKey {
        BillKey {
            account: key.account.clone().filter(|_| self.accounts),
            region: key.region.clone().filter(|_| self.regions),
            part: match key.part {
                CostPart::Kms => CostPart::Kms,
                part if self.parts => part,
                _ => CostPart::Whole,
            },
        }
    }

    /// The bill by account, Region and part.
    pub(super) fn billed(self, bill: &Bill) -> BTreeMap<BillKey, Billed> {
        let mut sums: BTreeMap<BillKey, Billed> = BTreeMap::new();
        for (key, billed) in &bill.by_key {
            *sums.entry(self.coarsened(key)).or_default() += *billed;
        }
        sums
    }

    /// Returns what the scan says by account, Region and part: `None` inside where nothing of it is known.
    pub(super) fn estimated(
        self,
        estimates: BTreeMap<BillKey, Option<Money>>,
    ) -> BTreeMap<BillKey, Option<Money>> {
        let mut sums: BTreeMap<BillKey, Option<Money>> = BTreeMap::new();
        for (key, usd) in estimates {
            let sum = sums.entry(self.coarsened(&key)).or_default();
            if let Some(usd) = usd {
                *sum = Some(sum.unwrap_or_default() + usd);
            }
        }
        sums
    }

    /// Returns whether a key names all that the bill tells apart.
    pub(super) fn is_named(self, key: &BillKey) -> bool {
        (key.account.is_some() || !self.accounts) && (key.region.is_some() || !self.regions)
    }
}

impl BillKey {
    /// Returns whether an account and Region belong to this key; what the key does not name is any.
    pub(super) fn holds(&self, account: &AccountId, region: &Region) -> bool {
        self.account.as_ref().is_none_or(|own| own == account)
            && self.region.as_ref().is_none_or(|own| own == region)
    }
}
