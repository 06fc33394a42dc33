//! Money in whole micro-dollars, and the prices.
//!
//! $0.40 is 400,000; one call at $0.05 per 10,000 is exactly 5; one KMS request 3. Sums are exact. A run rate is
//! rounded once, half up, to the micro-dollar, so that the rows of a report add up to its total.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::base::names::{AccountId, Region};

/// Hours in the month of a run rate (365 days / 12, as AWS's own calculator has it).
pub const MONTH_HOURS: u32 = 730;

/// An amount of US dollars in millionths.
///
/// Serialized as a decimal string with six decimals, the form of `report.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

/// Text that is no amount.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not an amount in US dollars such as `0.40`, with at most six decimals")]
pub struct MoneyError(String);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Returns whether it is nothing.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Reads a plain decimal such as `0.40` or `-1`.
    ///
    /// # Errors
    /// [`MoneyError`] for anything else, also for more than six decimals.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let wrong = || MoneyError(text.to_owned());
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || decimals.len() > 6 || !plain(whole) || !plain(decimals) {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let micros: i64 = format!("{decimals:0<6}").parse().map_err(|_| wrong())?;
        whole
            .checked_mul(1_000_000)
            .and_then(|value| value.checked_add(micros))
            .map(|value| Self(sign * value))
            .ok_or_else(wrong)
    }

    /// `amount * numerator / denominator`, rounded half up once; zero for a denominator of zero.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        Self(divide(
            i128::from(self.0) * i128::from(numerator),
            denominator,
        ))
    }

    /// The amount for people: two decimals, rounded half up, thousands separated: `$1,234.56`.
    pub fn dollars(self) -> String {
        let cents = divide(i128::from(self.0), 10_000);
        let sign = if cents < 0 { "-" } else { "" };
        let cents = cents.unsigned_abs();
        format!("{sign}${}.{:02}", thousands(cents / 100), cents % 100)
    }
}

/// A whole number with its thousands separated: `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 day`, `1,200 days`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(number),
        if number == 1 { one } else { many }
    )
}

fn divide(numerator: i128, denominator: u64) -> i64 {
    if denominator == 0 {
        return 0;
    }
    let denominator = i128::from(denominator);
    let rounded = (2 * numerator + denominator).div_euclid(2 * denominator);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Money {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The prices of one Region. They are serialized by the words of a price file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// One secret stored for a month.
    #[serde(rename = "secret_month_usd")]
    pub secret_month: Money,
    /// 10,000 API calls.
    #[serde(rename = "api_10k_usd")]
    pub api_10k: Money,
    /// 10,000 requests to KMS with a customer-managed key.
    #[serde(rename = "kms_10k_usd")]
    pub kms_10k: Money,
}

impl Price {
    /// Returns what this many calls cost.
    pub fn calls(&self, calls: u64) -> Money {
        self.api_10k.scaled(calls, 10_000)
    }

    /// Returns what one call costs, in millionths of a US dollar: for estimates of how far a cost may be off.
    pub fn call_each(&self) -> f64 {
        each(self.api_10k)
    }

    /// Returns what one decryption costs, in millionths of a US dollar.
    pub fn decryption_each(&self) -> f64 {
        each(self.kms_10k)
    }

    /// Returns what this many decryptions cost.
    pub fn decryptions(&self, reads: u64) -> Money {
        self.kms_10k.scaled(reads, 10_000)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no price list has amounts near 2^52 millionths"
)]
fn each(of_10k: Money) -> f64 {
    of_10k.0 as f64 / 10_000.0
}

/// Prices of one partition, and, where given, of one Region or account in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// `aws`, `aws-cn`, ...
    pub partition: String,
    /// Only this Region.
    pub region: Option<Region>,
    /// Only this account: a negotiated discount.
    pub account: Option<AccountId>,
    /// The prices.
    pub price: Price,
}

/// The price list: rows, the most specific of which wins, and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// Rows in the order given; of two equally specific ones the later wins.
    pub rows: Vec<PriceRow>,
    /// The source of the prices and their day, for the report.
    pub source: String,
}

impl PriceList {
    /// The built-in list: the commercial partition, whose price is the same in each Region
    /// (aws.amazon.com/secrets-manager/pricing and the Price List's KMS rows, read 2026-09-20).
    ///
    /// No price is built in for China and GovCloud: none was found, and a default would be a made-up number.
    pub fn built_in() -> Self {
        Self {
            rows: vec![PriceRow {
                partition: "aws".to_owned(),
                region: None,
                account: None,
                price: Price {
                    secret_month: Money(400_000),
                    api_10k: Money(50_000),
                    kms_10k: Money(30_000),
                },
            }],
            source: "list prices of 2026-09-20 (aws.amazon.com/secrets-manager/pricing)".to_owned(),
        }
    }

    /// The price for an account and Region of a partition; `None`: unknown, and to be reported as unknown.
    pub fn find(&self, partition: &str, region: &Region, account: &AccountId) -> Option<&Price> {
        self.rows
            .iter()
            .filter(|row| row.partition == partition)
            .filter(|row| row.region.as_ref().is_none_or(|only| only == region))
            .filter(|row| row.account.as_ref().is_none_or(|only| only == account))
            .max_by_key(|row| (row.account.is_some(), row.region.is_some()))
            .map(|row| &row.price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, micros, shown) in [
            ("0.40", 400_000, "0.400000"),
            ("0.000005", 5, "0.000005"),
            ("-1", -1_000_000, "-1.000000"),
            ("12345.678901", 12_345_678_901, "12345.678901"),
        ] {
            assert_eq!(Money::parse(text), Ok(Money(micros)));
            assert_eq!(Money(micros).to_string(), shown);
        }
        for text in [
            "",
            ".5",
            "1,5",
            "1.2345678",
            "1e3",
            "+1",
            "99999999999999999999",
            "--1",
        ] {
            assert!(Money::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_run_rate_is_rounded_once_and_half_up() {
        assert_eq!(Money(5).scaled(730, 720), Money(5));
        assert_eq!(Money(1).scaled(1, 2), Money(1));
        assert_eq!(Money(1).scaled(1, 3), Money(0));
        assert_eq!(Money(-1).scaled(1, 2), Money(0));
        assert_eq!(Money(7).scaled(1, 0), Money(0));
    }

    #[test]
    fn people_see_cents() {
        assert_eq!(Money(1_234_567_890_000).dollars(), "$1,234,567.89");
        assert_eq!(Money(4_999).dollars(), "$0.00");
        assert_eq!(Money(5_000).dollars(), "$0.01");
        assert_eq!(Money(-1_500_000).dollars(), "-$1.50");
    }

    #[test]
    fn one_call_is_five_and_one_decryption_three() {
        let price = PriceList::built_in().rows[0].price;
        assert_eq!(price.calls(1), Money(5));
        assert_eq!(price.decryptions(1), Money(3));
    }

    #[test]
    fn the_most_specific_price_wins_and_an_unknown_partition_has_none() {
        let (region, account) = (
            "eu-west-1".parse().unwrap(),
            "111122223333".parse().unwrap(),
        );
        let mut prices = PriceList::built_in();
        assert_eq!(prices.find("aws-us-gov", &region, &account), None);
        let mut row = |price, region, account| {
            let price = Price {
                secret_month: Money(price),
                ..prices.rows[0].price
            };
            prices.rows.push(PriceRow {
                partition: "aws".to_owned(),
                region,
                account,
                price,
            });
        };
        row(300_000, Some(region.clone()), None);
        row(200_000, None, Some(account.clone()));
        let found = |region: &str, account: &str| {
            let found = prices.find("aws", &region.parse().unwrap(), &account.parse().unwrap());
            found.unwrap().secret_month.0
        };
        assert_eq!(found("eu-west-1", "111122223333"), 200_000);
        assert_eq!(found("eu-west-1", "444455556666"), 300_000);
        assert_eq!(found("us-east-1", "444455556666"), 400_000);
    }
}
