//! The amounts of a row or of a sum: how many calls, and what they and the storage cost.
//!
//! A value of an amount may be money that is known or not, the interval of an estimate, the number of parts that a sum
//! leaves out, or what a sample showed. Whatever it is, there is one for each amount, so a new part of a cost is a new
//! field of [`CostParts`], and every sum has it.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::domain::base::money::Money;

/// A value for each part of a cost, and one for the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostParts<T> {
    /// Storage.
    pub storage_usd: T,
    /// API calls.
    pub api_usd: T,
    /// Requests to KMS with a customer-managed key.
    pub kms_usd: T,
    /// The whole.
    pub total_usd: T,
}

/// A cost. A part is `None` if it is unknown: no price for the partition, or no trail to count calls in. The total is the
/// sum of the parts that are known, and `None` if none is.
pub type Cost = CostParts<Option<Money>>;

impl<T> CostParts<T> {
    /// The parts without the whole.
    fn parts(&self) -> [&T; 3] {
        [&self.storage_usd, &self.api_usd, &self.kms_usd]
    }

    /// Each value with the name of its field.
    pub fn named(&self) -> [(&'static str, &T); 4] {
        [
            ("storage_usd", &self.storage_usd),
            ("api_usd", &self.api_usd),
            ("kms_usd", &self.kms_usd),
            ("total_usd", &self.total_usd),
        ]
    }

    /// The same of each value.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> CostParts<U> {
        CostParts {
            storage_usd: change(self.storage_usd),
            api_usd: change(self.api_usd),
            kms_usd: change(self.kms_usd),
            total_usd: change(self.total_usd),
        }
    }

    /// Each value beside the one of another cost.
    pub fn zip<U>(self, other: CostParts<U>) -> CostParts<(T, U)> {
        CostParts {
            storage_usd: (self.storage_usd, other.storage_usd),
            api_usd: (self.api_usd, other.api_usd),
            kms_usd: (self.kms_usd, other.kms_usd),
            total_usd: (self.total_usd, other.total_usd),
        }
    }

    /// References to the values.
    pub fn as_ref(&self) -> CostParts<&T> {
        CostParts {
            storage_usd: &self.storage_usd,
            api_usd: &self.api_usd,
            kms_usd: &self.kms_usd,
            total_usd: &self.total_usd,
        }
    }

    /// References to the values, to change them.
    pub fn as_mut(&mut self) -> CostParts<&mut T> {
        CostParts {
            storage_usd: &mut self.storage_usd,
            api_usd: &mut self.api_usd,
            kms_usd: &mut self.kms_usd,
            total_usd: &mut self.total_usd,
        }
    }
}

impl<T: AddAssign> AddAssign for CostParts<T> {
    fn add_assign(&mut self, other: Self) {
        self.as_mut().zip(other).map(|(sum, value)| *sum += value);
    }
}

impl CostParts<Money> {
    /// The same parts, with their sum as the whole.
    #[must_use]
    pub fn totalled(self) -> Self {
        Self {
            total_usd: self.parts().into_iter().copied().sum(),
            ..self
        }
    }
}

impl Cost {
    /// A cost of these parts.
    pub fn new(storage: Option<Money>, api: Option<Money>, kms: Option<Money>) -> Self {
        let parts = Self {
            storage_usd: storage,
            api_usd: api,
            kms_usd: kms,
            total_usd: None,
        };
        let known = || parts.parts().into_iter().flatten();
        let is_known = known().next().is_some();
        Self {
            total_usd: is_known.then(|| known().copied().sum()),
            ..parts
        }
    }

    /// The total, unknown counted as nothing.
    pub fn known(&self) -> Money {
        self.total_usd.unwrap_or_default()
    }

    /// Every part, unknown counted as nothing.
    pub fn or_zero(self) -> CostParts<Money> {
        self.map(Option::unwrap_or_default)
    }
}

/// A value for each number of calls and each cost: `C` of calls, `M` of money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts<C, M = C> {
    /// API calls in the window.
    pub calls: C,
    /// The successful `GetSecretValue` calls among them.
    pub reads: C,
    /// The failed `GetSecretValue` calls among them.
    pub failed: C,
    /// The run rate of a month.
    pub cost: CostParts<M>,
    /// The cost of the window.
    pub window: M,
}

impl<C, M> Amounts<C, M> {
    /// The same of each number of calls, and the same of each cost.
    pub fn map<D, N>(
        self,
        mut count: impl FnMut(C) -> D,
        mut money: impl FnMut(M) -> N,
    ) -> Amounts<D, N> {
        Amounts {
            calls: count(self.calls),
            reads: count(self.reads),
            failed: count(self.failed),
            cost: self.cost.map(&mut money),
            window: money(self.window),
        }
    }

    /// Each value beside the one of other amounts.
    pub fn zip<D, N>(self, other: Amounts<D, N>) -> Amounts<(C, D), (M, N)> {
        Amounts {
            calls: (self.calls, other.calls),
            reads: (self.reads, other.reads),
            failed: (self.failed, other.failed),
            cost: self.cost.zip(other.cost),
            window: (self.window, other.window),
        }
    }

    /// References to the values.
    pub fn as_ref(&self) -> Amounts<&C, &M> {
        Amounts {
            calls: &self.calls,
            reads: &self.reads,
            failed: &self.failed,
            cost: self.cost.as_ref(),
            window: &self.window,
        }
    }

    /// References to the values, to change them.
    pub fn as_mut(&mut self) -> Amounts<&mut C, &mut M> {
        Amounts {
            calls: &mut self.calls,
            reads: &mut self.reads,
            failed: &mut self.failed,
            cost: self.cost.as_mut(),
            window: &mut self.window,
        }
    }
}

impl<C: AddAssign, M: AddAssign> AddAssign for Amounts<C, M> {
    fn add_assign(&mut self, other: Self) {
        self.as_mut()
            .zip(other)
            .map(|(sum, value)| *sum += value, |(sum, value)| *sum += value);
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::report::result::Totals;

    #[test]
    fn the_parts_stand_among_the_totals_in_the_order_of_the_format() {
        let json = serde_json::to_string(&Totals::default()).unwrap();
        let zero = r#":"0.000000""#;
        let parts = ["storage_usd", "api_usd", "kms_usd", "total_usd"];
        let parts = parts.map(|name| format!("\"{name}\"{zero}")).join(",");
        assert!(json.starts_with(&format!(
            r#"{{"secrets":0,"verdicts":{{}},{parts},"savings_usd""#
        )));
        let window = format!(r#""window_cost":{{{parts},"unattributed_usd"{zero}}}"#);
        assert!(json.contains(&window), "{json}");
        assert_eq!(
            serde_json::from_str::<Totals>(&json).unwrap(),
            Totals::default()
        );
        let without = json.replacen(&format!("\"kms_usd\"{zero},"), "", 1);
        let error = serde_json::from_str::<Totals>(&without).unwrap_err();
        assert!(
            error.to_string().starts_with("missing field `kms_usd`"),
            "{error}"
        );
    }
}
