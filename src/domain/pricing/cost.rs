//! What a secret costs: storage, API calls and KMS requests, in the window and as the run rate of a month.
//!
//! Storage is paid per secret (a replica is one of its own); what is pending deletion or included with another service is
//! free. AWS charges it per month and prorates it, so an hour of February costs more than an hour of March. That AWS counts
//! by the hour is not documented: seconds are counted here, and the one rounding is [`Money::scaled`]'s. Every logged API call of the service counts, failed ones
//! included: AWS does not say that they are free. One read is one decryption, if the key is the customer's.
//!
//! The run rate scales the calls of the covered hours to 730 hours and rounds once. Where nothing is covered, the calls
//! are unknown, not zero. Where a part of the window is covered, what the window cost is scaled from that part as well, and
//! how much of it is scaled is said.

use jiff::Timestamp;

use crate::domain::base::money::{MONTH_HOURS, Money, Price};
use crate::domain::base::month::Month;
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::Secret;
use crate::domain::report::result::{Cost, MonthPart, WindowDetail};

/// The ways in which storage accrues in the window.
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

impl Volume {
    /// Takes in more calls.
    pub fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.reads += more.reads;
    }
}

/// The time by which the calls of a scope are scaled.
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

    /// Returns whether anything is known about the calls.
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

/// From what part of the window the calls of all of it are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowScale {
    /// Seconds that the trail covers.
    pub covered: u64,
    /// Seconds of the window.
    pub whole: u64,
}

impl WindowScale {
    /// An amount of the covered time as an amount of the window.
    pub fn whole_of(self, amount: Money) -> Money {
        amount.scaled(self.whole, self.covered)
    }
}

/// The terms on which the calls of the window are priced.
#[derive(Clone, Copy, Debug)]
pub struct WindowTerms<'p> {
    /// `None`: unknown.
    pub price: Option<&'p Price>,
    /// The way in which storage accrues.
    pub accrual: Accrual,
    /// `None`: all of the window was counted.
    pub scale: Option<WindowScale>,
    /// `true` if anything is known about the calls.
    pub counted: bool,
}

impl WindowTerms<'_> {
    /// Returns what calls cost by these terms, and how much of that is scaled. What was seen outside of the covered
    /// time was charged as well, so the cost is never less than what was seen.
    pub fn usd(
        &self,
        seen: Volume,
        rated: Volume,
        of: impl Fn(&Price, Volume) -> Money,
    ) -> (Money, Money) {
        let Some(price) = self.price else {
            return (Money::ZERO, Money::ZERO);
        };
        let counted = of(price, seen);
        let scaled = self
            .scale
            .map_or(counted, |scale| scale.whole_of(of(price, rated)));
        (scaled.max(counted), scaled.max(counted) - counted)
    }
}

/// The calls of one calendar month of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowPiece {
    /// The month.
    pub month: Month,
    /// The part of the window that lies in it.
    pub span: Span,
    /// All calls that were seen.
    pub seen: Volume,
    /// The calls among them that are in covered time.
    pub rated: Volume,
}

impl WindowPiece {
    /// A piece without calls.
    pub fn of_storage(month: Month, span: Span) -> Self {
        Self {
            month,
            span,
            seen: Volume::default(),
            rated: Volume::default(),
        }
    }
}

/// The cost of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowCost {
    /// The whole.
    pub cost: Cost,
    /// The part of it that is scaled, and its months.
    pub detail: WindowDetail,
}

/// Returns what the window cost, of which these are the months: storage of the spans that are paid, and calls. Each
/// month costs what it adds to those before it, so the months add up to the window although each amount is rounded.
pub fn window_cost(
    paid: &[Span],
    pieces: &[WindowPiece],
    terms: &WindowTerms<'_>,
    customer_key: bool,
) -> WindowCost {
    let (Some(price), Some(first)) = (terms.price, pieces.first()) else {
        return WindowCost::default();
    };
    let whole = match terms.accrual {
        Accrual::Sliding => MONTH_HOURS,
        Accrual::Month(hours) => hours,
    };
    let key = |price: &Price, volume: Volume| {
        if customer_key {
            price.decryptions(volume.reads)
        } else {
            Money::ZERO
        }
    };
    let api = |price: &Price, volume: Volume| price.calls(volume.calls);
    let (mut seen, mut rated) = (Volume::default(), Volume::default());
    let mut until = |piece: &WindowPiece| {
        seen.add(piece.seen);
        rated.add(piece.rated);
        let span = Span {
            from: first.span.from,
            to: piece.span.to,
        };
        let storage = price
            .secret_month
            .scaled(paid_seconds(paid, span), u64::from(whole) * 3_600);
        let (api, more) = terms.usd(seen, rated, api);
        let (kms, even_more) = terms.usd(seen, rated, key);
        let known = |amount| terms.counted.then_some(amount);
        let cost = Cost::new(Some(storage), known(api), known(kms));
        (cost, more + even_more)
    };
    let (mut cost, mut extrapolated) = (Cost::default(), Money::ZERO);
    let mut months = Vec::new();
    for piece in pieces {
        let before = cost;
        (cost, extrapolated) = until(piece);
        let part = |now: Option<Money>, then: Option<Money>| Some(now? - then.unwrap_or_default());
        months.push(MonthPart {
            month: piece.month.to_string(),
            calls: piece.seen.calls,
            reads: piece.seen.reads,
            cost: cost.zip(before).map(|(now, then)| part(now, then)),
        });
    }
    if months.len() == 1 {
        months.clear();
    }
    let extrapolated_usd = if terms.counted {
        extrapolated
    } else {
        Money::ZERO
    };
    WindowCost {
        cost,
        detail: WindowDetail {
            extrapolated_usd,
            months,
        },
    }
}

fn decryptions(secret: &Secret, volume: Volume, price: &Price) -> Money {
    if secret.has_customer_key() {
        price.decryptions(volume.reads)
    } else {
        Money::ZERO
    }
}

/// Returns when the storage of a secret is paid: from its creation until it is scheduled for deletion, without the
/// spans in which it was pending deletion and was restored then. `created` may be unknown: then it was always there.
pub fn billable(
    created: Option<Timestamp>,
    deleted: Option<Timestamp>,
    pending: &[Span],
) -> Vec<Span> {
    let mut from = created.unwrap_or(Timestamp::MIN);
    let end = deleted.unwrap_or(Timestamp::MAX);
    let mut paid = Vec::new();
    for free in pending {
        paid.push(Span {
            from,
            to: free.from.min(end),
        });
        from = from.max(free.to);
    }
    paid.push(Span { from, to: end });
    paid.retain(|span| span.from < span.to);
    paid
}

/// Returns when the storage of a secret of the inventory is paid; never, if its owning service includes it.
pub fn paid(secret: &Secret, pending: &[Span]) -> Vec<Span> {
    if secret.is_included() {
        return Vec::new();
    }
    billable(secret.created, secret.deleted, pending)
}

/// Seconds of the spans that lie in a window.
fn paid_seconds(paid: &[Span], window: Span) -> u64 {
    let inside = paid.iter().map(|span| {
        let (from, to) = (span.from.max(window.from), span.to.min(window.to));
        u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
    });
    inside.sum()
}

#[cfg(test)]
mod tests;
