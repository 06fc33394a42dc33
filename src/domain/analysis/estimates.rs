//! How sure the numbers are where only a sample of the event history was read.
//!
//! The numbers themselves are made where all numbers are made, from calls that stand for others ([`SampledCalls`]), so
//! that rows add up to totals. Here is what each row's windows showed, in calls and in money, and from it the interval.
//! The interval of a sum comes from the sum of the windows, not from the bounds of its rows: rows that err, err in
//! different windows.
//!
//! [`SampledCalls`]: crate::domain::trail::calls::SampledCalls

use std::collections::HashMap;

use crate::domain::base::money::{Money, Price};
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::pricing::cost::Rate;
use crate::domain::report::result::{
    Amounts, CaveatRow, CostParts, Estimate, Range, Report, SampleRow, SecretRow,
};
use crate::domain::report::sums::PossibleSavings;
use crate::domain::sampling::{Sample, Samples, Tally, real, whole};
use crate::domain::usage::activity::ActivitySlice;

use super::Scan;

/// The amounts that the windows of the samples showed of a row, or of several; those of costs in millionths of a US
/// dollar.
type Shown<'a> = Amounts<Tally<'a>>;

/// The cost of a call, in millionths of a US dollar.
#[derive(Clone, Copy)]
struct Each {
    api: f64,
    kms: f64,
    /// From the window to a month.
    factor: f64,
}

impl Each {
    fn new(price: Option<&Price>, customer_key: bool, rate: Rate) -> Self {
        let kms = price.filter(|_| customer_key);
        Self {
            api: price.map_or(0.0, Price::call_each),
            kms: kms.map_or(0.0, Price::decryption_each),
            factor: rate.factor(),
        }
    }

    /// Returns what a call adds to each amount that it adds to. Storage is not paid by the call.
    fn amounts(self) -> Amounts<f64> {
        let both = self.api + self.kms;
        Amounts {
            calls: 1.0,
            reads: 1.0,
            failed: 1.0,
            cost: CostParts {
                storage_usd: 0.0,
                api_usd: self.api * self.factor,
                kms_usd: self.kms * self.factor,
                total_usd: both * self.factor,
            },
            window: both,
        }
    }

    /// Returns what a call of this kind adds to each amount: only a read decrypts.
    fn of(self, slice: &ActivitySlice<'_>) -> Amounts<f64> {
        let (is_read, is_get) = (slice.is_read(), slice.is_get());
        let only = |condition: bool| if condition { 1.0 } else { 0.0 };
        let each = Self {
            kms: self.kms * only(is_read),
            ..self
        };
        Amounts {
            reads: only(is_read),
            failed: only(is_get && !is_read),
            ..each.amounts()
        }
    }
}

impl<'a> Shown<'a> {
    /// Notes that a sample speaks of this row, whether it shows something or not.
    fn looked_at(&mut self, scope: &'a Scope, each: Each) {
        let note = |(tally, each): (&mut Tally<'a>, f64)| tally.of(scope).at_most(each);
        self.as_mut().zip(each.amounts()).map(note, note);
    }

    fn add(&mut self, scope: &'a Scope, each: Amounts<f64>, window: u32, calls: f64) {
        let add = |(tally, each): (&mut Tally<'a>, f64)| tally.of(scope).add(window, calls, each);
        self.as_mut().zip(each).map(add, add);
    }

    /// The intervals around these amounts. There is none around what is unknown.
    fn estimate(&self, samples: &Samples, points: Amounts<u64, Option<Money>>) -> Estimate {
        let ranges = points.zip(self.as_ref()).map(
            |(point, tally)| counts(point, tally, samples),
            |(point, tally)| point.map(|point| usd(point, tally, samples)),
        );
        let caveats = self.calls.caveats(samples).into_iter();
        let windows = self.calls.seen_in() as u64;
        Estimate::new(ranges, windows, caveats.map(CaveatRow::from).collect())
    }
}

impl<'a> Scan<'a> {
    /// Returns whether a sample was taken of an account and Region, and says something.
    fn sampled(&self, scope: &Scope) -> Option<(&'a Scope, &'a Sample)> {
        let (scope, sample) = self.samples.get_key_value(scope)?;
        sample.weight().map(|_| (scope, sample))
    }

    /// Adds to a report how sure its numbers are. `spreads` is what the windows showed of the avoidable cost of each
    /// loop.
    pub(super) fn estimate(&self, report: &mut Report, spreads: &[Tally<'a>]) {
        if !self
            .samples
            .values()
            .any(|sample| sample.weight().is_some())
        {
            return;
        }
        let mut avoidable: HashMap<Option<SecretArn>, Tally<'a>> = HashMap::new();
        for (row, spread) in report.loops.iter().zip(spreads) {
            let of_secret = avoidable.entry(row.arn.clone()).or_default();
            of_secret.merge(spread, 1.0);
        }
        let savings = self.savings(report, &avoidable);
        let mut all = Shown::default();
        for (at, row) in report.secrets.iter_mut().enumerate() {
            self.of_readers(at, row);
            let shown = self.shown_of(at);
            if !shown.calls.is_empty() {
                let spread = avoidable.get(&Some(row.arn.clone()));
                row.estimate = Some(Box::new(self.of_secret(row, &shown, spread)));
            }
            all += shown;
        }
        let mut rest = self.unattributed_shown();
        for row in &mut report.unattributed {
            let scope = row.account.clone().zip(row.region.clone());
            let scope = scope.map(|(account, region)| Scope { account, region });
            if let Some(shown) = scope.and_then(|scope| rest.remove(&scope)) {
                let points = Amounts {
                    calls: row.calls,
                    cost: CostParts {
                        api_usd: row.api_usd,
                        ..CostParts::default()
                    },
                    window: row.window_api_usd,
                    ..Amounts::default()
                };
                row.estimate = Some(Estimate {
                    reads: None,
                    failed: None,
                    ..shown.estimate(self.samples, points)
                });
                all += shown;
            }
        }
        let totals = &mut report.totals;
        let points = totals.amounts().map(|count| count, Some);
        totals.estimate = Some(Estimate {
            savings_usd: Some(usd(totals.savings_usd, &savings, self.samples)),
            ..all.estimate(self.samples, points)
        });
    }

    fn of_secret(&self, row: &SecretRow, shown: &Shown<'_>, loops: Option<&Tally<'_>>) -> Estimate {
        let nothing = Tally::default();
        let loops = loops.unwrap_or(&nothing);
        let avoidable = row.avoidable_usd;
        Estimate {
            avoidable_usd: avoidable.map(|point| usd(point, loops, self.samples)),
            ..shown.estimate(self.samples, row.amounts())
        }
    }

    /// Adds how sure the counts of each reader of a secret are.
    fn of_readers(&self, at: usize, row: &mut SecretRow) {
        // The rows were made from these, in this order.
        let readers = row
            .readers
            .iter_mut()
            .zip(self.activity.secrets[at].values());
        for (row, what) in readers {
            let shown = self.shown_by(at, &what.slices);
            if !shown.calls.is_empty() {
                row.estimate = Some(Box::new(shown.estimate(self.samples, row.amounts())));
            }
        }
    }

    /// Returns what the windows showed of a secret.
    fn shown_of(&self, at: usize) -> Shown<'a> {
        let readers = self.activity.secrets[at].values();
        self.shown_by(at, readers.flat_map(|what| &what.slices))
    }

    /// Returns what the windows showed of some calls on a secret.
    fn shown_by<'s>(
        &self,
        at: usize,
        slices: impl IntoIterator<Item = &'s ActivitySlice<'a>>,
    ) -> Shown<'a>
    where
        'a: 's,
    {
        let secret = &self.secrets[at];
        let scope = secret.arn.scope();
        let rate = self.cover.rate(scope);
        let each = Each::new(self.price(&secret.arn), secret.has_customer_key(), rate);
        let mut shown = Shown::default();
        if let Some((scope, _)) = self.sampled(scope) {
            shown.looked_at(scope, each);
        }
        for slice in slices {
            self.count(&mut shown, slice, each);
        }
        shown
    }

    fn count(&self, shown: &mut Shown<'a>, slice: &ActivitySlice<'_>, each: Each) {
        if slice.access.sampled.is_empty() {
            return;
        }
        let scope = slice.access.scope();
        if let Some((scope, _)) = scope.and_then(|scope| self.sampled(&scope)) {
            let each = each.of(slice);
            for (_, calls) in slice.sampled(self.window()) {
                if calls.stand_for > 0 {
                    shown.add(scope, each, calls.window, calls.calls.into());
                }
            }
        }
    }

    /// Returns what the windows showed of the calls that belong to no secret.
    fn unattributed_shown(&self) -> HashMap<Scope, Shown<'a>> {
        let mut rows: HashMap<Scope, Shown<'a>> = HashMap::new();
        for nobody in &self.activity.unattributed {
            let Some(own) = nobody.slice.access.scope() else {
                continue;
            };
            if let Some((scope, _)) = self.sampled(&own) {
                let each = Each::new(self.scope_price(&own), false, self.cover.rate(&own));
                let shown = rows.entry(own).or_default();
                shown.looked_at(scope, each);
                self.count(shown, &nobody.slice, each);
            }
        }
        rows
    }

    /// Returns what the windows showed of the savings: the cost of what can go, and what mending the loops of what
    /// stays avoids.
    fn savings(
        &self,
        report: &Report,
        avoidable: &HashMap<Option<SecretArn>, Tally<'a>>,
    ) -> Tally<'a> {
        let savings = PossibleSavings::new(report);
        let mut all = avoidable.get(&None).cloned().unwrap_or_default();
        for (at, row) in report.secrets.iter().enumerate() {
            if savings.of(row).by_deleting > Money::ZERO {
                all += self.shown_of(at).cost.total_usd;
            } else if let Some(loops) = avoidable.get(&Some(row.arn.clone())) {
                all.merge(loops, 1.0);
            }
        }
        all
    }

    /// The sample of an account and Region, as the report records it.
    pub(super) fn sample_row(&self, scope: &Scope) -> Option<SampleRow> {
        let (scope, sample) = self.samples.get_key_value(scope)?;
        let mut shown = Tally::default();
        shown.of(scope).at_most(1.0);
        let mut calls = 0;
        let here = |slice: &&ActivitySlice<'_>| {
            let subject = &slice.access.subject;
            *subject.account == *scope.account.as_str() && *subject.region == *scope.region.as_str()
        };
        for slice in self.activity.slices().filter(here) {
            calls += slice.calls_in(self.window());
            for (_, seen) in slice.sampled(self.window()) {
                if seen.stand_for > 0 {
                    shown.of(scope).add(seen.window, seen.calls.into(), 1.0);
                }
            }
        }
        let comb = sample.comb();
        let is_known = sample.weight().is_some();
        let caveats = shown.caveats(self.samples);
        Some(SampleRow {
            from: comb.span.from,
            to: comb.span.to,
            step_s: comb.step_s,
            width_s: comb.width_s,
            phase_s: comb.phase_s,
            seed: comb.seed,
            windows: comb.windows(),
            windows_read: sample.windows(),
            full_s: sample.read_seconds(),
            calls: is_known.then_some(calls),
            calls_range: is_known.then(|| counts(calls, &shown, self.samples)),
            caveats: caveats.into_iter().map(CaveatRow::from).collect(),
        })
    }
}

/// The interval of a number of calls, of which some are estimated.
fn counts(point: u64, tally: &Tally<'_>, samples: &Samples) -> Range<u64> {
    let (low, high) = around(real(point), tally, samples);
    Range {
        low: whole(low).min(point),
        high: whole(high).max(point),
    }
}

/// The interval of an amount, of which some is estimated.
fn usd(point: Money, tally: &Tally<'_>, samples: &Samples) -> Range<Money> {
    let amount = real(u64::try_from(point.0).unwrap_or(0));
    let (low, high) = around(amount, tally, samples);
    let money = |amount: f64| Money(i64::try_from(whole(amount)).unwrap_or(i64::MAX));
    Range {
        low: money(low).min(point),
        high: money(high).max(point),
    }
}

/// The interval around a number, but never less than what was seen of it.
fn around(point: f64, tally: &Tally<'_>, samples: &Samples) -> (f64, f64) {
    let halves = tally.halves(samples);
    let least = point - tally.estimate(samples) + tally.sum();
    ((point - halves.below).max(least), point + halves.above)
}
