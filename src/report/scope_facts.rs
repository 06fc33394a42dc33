//! What the tables say of a secret because of its account and Region: how much of the window the trail covers there, and
//! what the price of its storage rests on.

use std::collections::HashMap;

use crate::domain::base::names::Scope;
use crate::domain::inventory::secret::includes_secrets;
use crate::domain::report::result::{Report, ScopeRow, SecretRow};

/// The facts by account and Region.
pub(super) struct ScopeFacts(HashMap<Scope, ScopeFact>);

struct ScopeFact {
    /// A decimal with four digits after the point.
    covered: String,
    /// Storage has another price here than in the list: the one that was paid.
    is_paid: bool,
}

impl ScopeFacts {
    /// Reads them from a report.
    pub(super) fn of(report: &Report) -> Self {
        let fact = |row: &ScopeRow| {
            let (covered, expected) = (row.trail.covered_hours, row.trail.expected_hours);
            let of_10k = u64::from(covered) * 10_000 / u64::from(expected.max(1));
            let listed = row.list_price.map(|price| price.secret_month);
            let scope = Scope {
                account: row.account.clone(),
                region: row.region.clone(),
            };
            let fact = ScopeFact {
                covered: format!("{}.{:04}", of_10k / 10_000, of_10k % 10_000),
                is_paid: listed.is_some() && row.price.map(|price| price.secret_month) != listed,
            };
            (scope, fact)
        };
        Self(report.scopes.iter().map(fact).collect())
    }

    /// The share of the window that the trail covers; empty if it is unknown.
    pub(super) fn covered(&self, scope: &Scope) -> String {
        let fact = self.0.get(scope);
        fact.map(|fact| fact.covered.clone()).unwrap_or_default()
    }

    /// Returns what the price of a secret's storage rests on; empty if it is unknown.
    pub(super) fn price_basis(&self, row: &SecretRow) -> &'static str {
        let service = row.owning_service.as_deref();
        match row.cost.storage_usd {
            None => "",
            Some(_) if row.price_is_assumed => "assumed",
            Some(_) if service.is_some_and(includes_secrets) => "included",
            Some(_) => self.listed_or_paid(&row.scope()),
        }
    }

    /// Returns what the price of storage rests on in an account and Region.
    pub(super) fn listed_or_paid(&self, scope: &Scope) -> &'static str {
        match self.0.get(scope) {
            Some(fact) if fact.is_paid => "paid",
            _ => "list",
        }
    }
}
