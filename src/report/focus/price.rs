//! How much was used at which price: quantities and unit prices that multiply back to the cost.

use std::collections::HashMap;

use crate::domain::base::money::{Money, Price};
use crate::domain::base::names::Scope;
use crate::domain::report::result::Report;
use crate::domain::report::sums;

/// The quantity that was used, and its prices.
pub(super) struct ChargePrice {
    pub(super) quantity: String,
    pub(super) contracted: String,
    pub(super) list: String,
    pub(super) list_cost: Money,
}

/// The source of a quantity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum QuantitySource {
    Counted,
    Sampled,
    Scaled,
}

impl QuantitySource {
    pub(super) fn of<T>(estimate: Option<&T>, extrapolated: Money) -> Self {
        if extrapolated > Money::ZERO {
            Self::Scaled
        } else {
            estimate.map_or(Self::Counted, |_| Self::Sampled)
        }
    }
}

/// The unit prices of a report.
pub(super) struct UnitPrices {
    /// Those that the costs rest on, by account and Region.
    pub(super) list: HashMap<Scope, Price>,
    /// Without any of them, in a report of an older version: what a secret costs a month, by the run rates of those that
    /// pay for storage.
    seen: HashMap<Scope, Money>,
}

impl UnitPrices {
    pub(super) fn of(report: &Report) -> Self {
        let list = sums::prices(report);
        let seen = if list.is_empty() {
            let paying = report.secrets.iter().filter_map(|row| {
                let usd = row.cost.storage_usd.filter(|usd| *usd > Money::ZERO)?;
                Some((row.scope(), usd))
            });
            paying.collect()
        } else {
            HashMap::new()
        };
        Self { list, seen }
    }

    /// Returns what a secret costs a month. Where nobody in an older report pays for storage any more, the price of
    /// another account and Region has to do.
    pub(super) fn month(&self, scope: &Scope) -> Option<Money> {
        let list = self.list.get(scope).map(|price| price.secret_month);
        let seen = || self.seen.get(scope).copied();
        list.or_else(seen)
            .or_else(|| self.seen.values().copied().max())
    }
}

/// Storage at a monthly price.
pub(super) fn stored(cost: Money, contracted: Option<Money>, list: Option<Money>) -> ChargePrice {
    let Some(price) = contracted.filter(|price| *price > Money::ZERO) else {
        // Nobody in the report pays for storage any more: the whole charge is one unit.
        return ChargePrice {
            quantity: "1".to_owned(),
            contracted: cost.to_string(),
            list: cost.to_string(),
            list_cost: cost,
        };
    };
    let list = list.unwrap_or(price);
    ChargePrice {
        quantity: ratio(cost, price),
        contracted: price.to_string(),
        list: list.to_string(),
        list_cost: scaled_by(cost, list, price),
    }
}

/// Calls at a price of 10,000.
pub(super) fn called(
    cost: Money,
    count: u64,
    source: QuantitySource,
    contracted: Option<Money>,
    list: Option<Money>,
) -> ChargePrice {
    let known = contracted.filter(|price| *price > Money::ZERO);
    let (quantity, unit) = match known.filter(|_| source == QuantitySource::Scaled) {
        // More than was counted: the quantity follows from the cost.
        Some(price) => (
            decimal(i128::from(cost.0) * 10_000, i128::from(price.0), 12),
            each(price),
        ),
        None => (count.to_string(), unit_price(cost, count, contracted)),
    };
    match known.zip(list).filter(|(own, list)| own != list) {
        Some((own, list)) => ChargePrice {
            quantity,
            contracted: unit,
            list: each(list),
            list_cost: scaled_by(cost, list, own),
        },
        None => ChargePrice {
            quantity,
            list: unit.clone(),
            contracted: unit,
            list_cost: cost,
        },
    }
}

/// A cost at another price.
fn scaled_by(cost: Money, price: Money, instead_of: Money) -> Money {
    let positive = |money: Money| u64::try_from(money.0).unwrap_or(0);
    cost.scaled(positive(price), positive(instead_of))
}

/// Returns what one costs, by the price of 10,000.
fn each(of_10k: Money) -> String {
    decimal(i128::from(of_10k.0), 10_000 * 1_000_000, 10)
}

/// `cost / price` with so many decimals that the product is the cost again, to the micro-dollar.
pub(super) fn ratio(cost: Money, price: Money) -> String {
    decimal(i128::from(cost.0), i128::from(price.0), 12)
}

/// Returns what one of so many units costs: by the price of 10,000, if it is known and gives the cost; else with so
/// many decimals that the product is the cost again, to the micro-dollar.
pub(super) fn unit_price(cost: Money, count: u64, of_10k: Option<Money>) -> String {
    if let Some(price) = of_10k.filter(|price| price.scaled(count, 10_000) == cost) {
        return each(price);
    }
    let digits = usize::try_from(count.checked_ilog10().unwrap_or(0)).unwrap_or(0);
    decimal(
        i128::from(cost.0),
        i128::from(count) * 1_000_000,
        digits + 8,
    )
}

/// A quotient as a plain decimal, rounded half up, without zeros at its end. Zero for a divisor of zero.
pub(super) fn decimal(numerator: i128, divisor: i128, precision: usize) -> String {
    if divisor == 0 {
        return "0".to_owned();
    }
    let precision = precision.min(18);
    let scale = 10_i128.pow(u32::try_from(precision).unwrap_or(0));
    let scaled = (2 * numerator * scale + divisor).div_euclid(2 * divisor);
    let digits = format!("{:0>width$}", scaled.unsigned_abs(), width = precision + 1);
    let (whole, decimals) = digits.split_at(digits.len() - precision);
    let sign = if scaled < 0 { "-" } else { "" };
    let decimals = decimals.trim_end_matches('0');
    if decimals.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{decimals}")
    }
}
