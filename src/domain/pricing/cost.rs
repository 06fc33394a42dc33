//! What a secret costs: storage, API calls and KMS requests, in the window and as the run rate of a month.
//!
//! Storage is paid per secret (a replica is one of its own); what is pending deletion or included with another service is
//! free. AWS charges it per month and prorates it, so an hour of February costs more than an hour of March. That AWS counts
//! by the hour is not documented: seconds are counted here, and the one rounding is [`Money::scaled`]'s. Every logged API call of the service counts, failed ones
//! included: AWS does not say that they are free. One read is one decryption, if the key is the customer's.
//!
//! The run rate scales the calls of the covered hours to 730 hours and rounds once. Where nothing is covered, the calls
//! are unknown, not zero.

use crate::domain::base::money::{MONTH_HOURS, Money, Price};
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::Cost;

/// How storage accrues in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accrual {
    /// A sliding window: the price of a month buys 730 hours.
    Sliding,
    /// A calendar month of this many hours: the price of a month buys exactly it.
    Month(u32),
}

/// Calls of one secret in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// All API calls.
    pub calls: u64,
    /// The successful reads among them.
    pub reads: u64,
}

/// What the calls of a scope are scaled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time of the window that the calls stand for. Zero: calls are unknown.
    seconds: u64,
}

impl Rate {
    /// Nothing is known about the calls.
    pub const UNKNOWN: Self = Self { seconds: 0 };

    /// The calls of so many seconds, counted or estimated.
    pub fn seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// Whether anything is known about the calls.
    pub fn is_known(self) -> bool {
        self.seconds > 0
    }

    /// An amount of the window as an amount a month; `None` if nothing is covered.
    pub fn month(self, amount: Money) -> Option<Money> {
        self.is_known()
            .then(|| amount.scaled(MONTH_SECONDS, self.seconds))
    }

    /// A number of calls in the window as a number a month, rounded half up; `None` if nothing is covered.
    pub fn month_calls(self, calls: u64) -> Option<u64> {
        let seconds = u128::from(self.seconds);
        let scaled = u128::from(calls) * u128::from(MONTH_SECONDS) * 2 + seconds;
        let month = scaled.checked_div(2 * seconds)?;
        Some(u64::try_from(month).unwrap_or(u64::MAX))
    }

    /// By what an amount of the window is multiplied to give that of a month; zero if nothing is known.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a window has far fewer than 2^52 seconds"
    )]
    pub fn factor(self) -> f64 {
        if self.is_known() {
            MONTH_SECONDS as f64 / self.seconds as f64
        } else {
            0.0
        }
    }
}

/// Seconds of the month of a run rate.
const MONTH_SECONDS: u64 = MONTH_HOURS as u64 * 3_600;

/// The run rate of a month: storage of what is billable now, calls at the rate of the covered hours.
pub fn run_rate(secret: &Secret, volume: Volume, rate: Rate, price: Option<&Price>) -> Cost {
    let Some(price) = price else {
        return Cost::default();
    };
    let free = secret.deleted.is_some() || secret.is_included();
    let storage = if free {
        Money::ZERO
    } else {
        price.secret_month
    };
    Cost::new(
        Some(storage),
        rate.month(price.calls(volume.calls)),
        rate.month(decryptions(secret, volume, price)),
    )
}

/// Shares the run rate of calls out among those who make them: each gets what its calls add to those before it. So the
/// shares add up to the whole, although each amount is rounded.
#[derive(Clone, Copy, Debug)]
pub struct RateShares<'p> {
    rate: Rate,
    price: Option<&'p Price>,
    customer_key: bool,
    before: Volume,
}

impl<'p> RateShares<'p> {
    /// Nothing is shared out yet.
    pub fn new(rate: Rate, price: Option<&'p Price>, customer_key: bool) -> Self {
        Self {
            rate,
            price,
            customer_key,
            before: Volume::default(),
        }
    }

    /// The share of the next caller: of the API calls and of the KMS requests. `None`: unknown.
    pub fn next(&mut self, own: Volume) -> (Option<Money>, Option<Money>) {
        let before = self.usd();
        self.before.calls += own.calls;
        self.before.reads += own.reads;
        let after = self.usd();
        let share = |after: Option<Money>, before: Option<Money>| Some(after? - before?);
        (share(after.0, before.0), share(after.1, before.1))
    }

    fn usd(self) -> (Option<Money>, Option<Money>) {
        let month = |of: fn(&Price, u64) -> Money, count| {
            self.price
                .and_then(|price| self.rate.month(of(price, count)))
        };
        let reads = if self.customer_key {
            self.before.reads
        } else {
            0
        };
        (
            month(Price::calls, self.before.calls),
            month(Price::decryptions, reads),
        )
    }
}

/// What the window cost. Calls that the trail does not cover are not in it.
pub fn window_cost(
    secret: &Secret,
    volume: Volume,
    rate: Rate,
    price: Option<&Price>,
    window: Span,
    accrual: Accrual,
) -> Cost {
    let Some(price) = price else {
        return Cost::default();
    };
    let whole = match accrual {
        Accrual::Sliding => MONTH_HOURS,
        Accrual::Month(hours) => hours,
    };
    let seconds = if secret.is_included() {
        0
    } else {
        billable_seconds(secret, window)
    };
    let storage = price.secret_month.scaled(seconds, u64::from(whole) * 3_600);
    let known = rate.is_known();
    Cost::new(
        Some(storage),
        known.then(|| price.calls(volume.calls)),
        known.then(|| decryptions(secret, volume, price)),
    )
}

fn decryptions(secret: &Secret, volume: Volume, price: &Price) -> Money {
    if secret.has_customer_key() {
        price.decryptions(volume.reads)
    } else {
        Money::ZERO
    }
}

/// How long the secret existed in the window without being scheduled for deletion.
fn billable_seconds(secret: &Secret, window: Span) -> u64 {
    let from = secret
        .created
        .map_or(window.from, |created| created.max(window.from));
    let to = secret
        .deleted
        .map_or(window.to, |deleted| deleted.min(window.to));
    u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::money::PriceList;
    use crate::domain::base::month::Month;
    use crate::domain::base::names::SecretArn;

    fn secret() -> Secret {
        Secret::new(
            SecretArn::new("arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbC123")
                .unwrap(),
        )
    }

    fn cost(secret: &Secret, calls: u64, reads: u64, covered_hours: u64) -> [Option<i64>; 4] {
        let price = PriceList::built_in().rows[0].price;
        let cost = run_rate(
            secret,
            Volume { calls, reads },
            Rate::seconds(covered_hours * 3_600),
            Some(&price),
        );
        [cost.storage_usd, cost.api_usd, cost.kms_usd, cost.total_usd]
            .map(|part| part.map(|money| money.0))
    }

    #[test]
    fn the_run_rate_scales_calls_and_not_storage() {
        let plain = secret();
        assert_eq!(
            cost(&plain, 720, 700, 720),
            [Some(400_000), Some(3_650), Some(0), Some(403_650)]
        );
        let keyed = Secret {
            kms_key: Some("arn:aws:kms:us-east-1:111122223333:key/1".to_owned()),
            ..secret()
        };
        assert_eq!(
            cost(&keyed, 730, 100, 730),
            [Some(400_000), Some(3_650), Some(300), Some(403_950)]
        );
        let aws_key = Secret {
            kms_key: Some("alias/aws/secretsmanager".to_owned()),
            ..secret()
        };
        assert_eq!(cost(&aws_key, 730, 100, 730)[2], Some(0));
    }

    #[test]
    fn what_is_free_is_free_and_what_is_unknown_unknown() {
        let pending = Secret {
            deleted: Some("2026-10-01T00:00:00Z".parse().unwrap()),
            ..secret()
        };
        assert_eq!(cost(&pending, 0, 0, 730)[0], Some(0));
        let included = Secret {
            owning_service: Some("events".to_owned()),
            ..secret()
        };
        assert_eq!(cost(&included, 0, 0, 730)[0], Some(0));
        let charged = Secret {
            owning_service: Some("rds".to_owned()),
            ..secret()
        };
        assert_eq!(cost(&charged, 0, 0, 730)[0], Some(400_000));
        assert_eq!(
            cost(&secret(), 7, 7, 0),
            [Some(400_000), None, None, Some(400_000)]
        );
        let unknown = run_rate(
            &secret(),
            Volume::default(),
            Rate::seconds(730 * 3_600),
            None,
        );
        assert_eq!(unknown, Cost::default());
    }

    /// The cost of storage, in micro-dollars, in a span of a secret that was created and scheduled for deletion then.
    fn storage(
        window: Span,
        accrual: Accrual,
        created: Option<&str>,
        deleted: Option<&str>,
    ) -> i64 {
        let price = PriceList::built_in().rows[0].price;
        let secret = Secret {
            created: created.map(|text| text.parse().unwrap()),
            deleted: deleted.map(|text| text.parse().unwrap()),
            ..secret()
        };
        let (volume, rate) = (Volume::default(), Rate::seconds(3_600));
        let cost = window_cost(&secret, volume, rate, Some(&price), window, accrual);
        cost.storage_usd.unwrap().0
    }

    #[test]
    fn storage_accrues_from_creation_until_deletion_is_scheduled() {
        for (month, created, deleted, micros) in [
            ("2026-02", None, None, 400_000),
            ("2028-02", None, None, 400_000),
            ("2026-10", None, None, 400_000),
            ("2026-10", Some("2026-10-16T12:00:00Z"), None, 200_000),
            ("2026-10", None, Some("2026-10-16T12:00:00Z"), 200_000),
            ("2026-10", Some("2026-10-17T00:00:00Z"), None, 193_548),
            ("2026-02", Some("2026-02-15T00:00:00Z"), None, 200_000),
            ("2028-02", Some("2028-02-29T00:00:00Z"), None, 13_793),
            (
                "2026-11",
                Some("2026-11-10T00:00:00Z"),
                Some("2026-11-11T00:00:00Z"),
                13_333,
            ),
            ("2026-11", Some("2026-11-30T23:30:00Z"), None, 278),
            ("2026-11", Some("2026-12-01T00:00:00Z"), None, 0),
            ("2026-11", None, Some("2026-11-01T00:00:00Z"), 0),
            (
                "2026-11",
                Some("2020-01-01T00:00:00Z"),
                Some("2027-01-01T00:00:00Z"),
                400_000,
            ),
            (
                "2026-11",
                Some("2026-11-11T00:00:00Z"),
                Some("2026-11-10T00:00:00Z"),
                0,
            ),
        ] {
            let month: Month = month.parse().unwrap();
            let accrual = Accrual::Month(month.hours());
            let found = storage(month.span(), accrual, created, deleted);
            assert_eq!(found, micros, "{month} {created:?} {deleted:?}");
        }
        let october = "2026-10".parse::<Month>().unwrap().span();
        assert_eq!(storage(october, Accrual::Sliding, None, None), 407_671);
    }
}
