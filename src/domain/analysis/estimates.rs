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
    CaveatRow, Cost, Estimate, Range, Report, SampleRow, SecretRow,
};
use crate::domain::report::sums::PossibleSavings;
use crate::domain::sampling::{Sample, Samples, Tally, real, whole};
use crate::domain::usage::activity::ActivitySlice;

use super::Scan;

/// What the windows of the samples showed of a row, or of several.
#[derive(Default)]
struct Shown<'a> {
    calls: Tally<'a>,
    reads: Tally<'a>,
    failed: Tally<'a>,
    /// Millionths of a US dollar a month: API, KMS and both.
    api: Tally<'a>,
    kms: Tally<'a>,
    usd: Tally<'a>,
    /// Both, in the window.
    window: Tally<'a>,
}

/// What calls cost, in millionths of a US dollar each.
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
}

impl<'a> Shown<'a> {
    /// Notes that a sample speaks of this row, whether it shows something or not.
    fn looked_at(&mut self, scope: &'a Scope, each: Each) {
        for counted in [&mut self.calls, &mut self.reads, &mut self.failed] {
            counted.of(scope).at_most(1.0);
        }
        let both = each.api + each.kms;
        self.api.of(scope).at_most(each.api * each.factor);
        self.kms.of(scope).at_most(each.kms * each.factor);
        self.usd.of(scope).at_most(both * each.factor);
        self.window.of(scope).at_most(both);
    }

    fn add(
        &mut self,
        scope: &'a Scope,
        slice: &ActivitySlice<'_>,
        window: u32,
        calls: f64,
        each: Each,
    ) {
        let kms = if slice.is_read() { each.kms } else { 0.0 };
        let both = each.api + kms;
        self.calls.of(scope).add(window, calls, 1.0);
        if slice.is_read() {
            self.reads.of(scope).add(window, calls, 1.0);
        } else if slice.is_get() {
            self.failed.of(scope).add(window, calls, 1.0);
        }
        self.api
            .of(scope)
            .add(window, calls, each.api * each.factor);
        self.kms.of(scope).add(window, calls, kms * each.factor);
        self.usd.of(scope).add(window, calls, both * each.factor);
        self.window.of(scope).add(window, calls, both);
    }

    fn merge(&mut self, other: &Self) {
        self.calls.merge(&other.calls, 1.0);
        self.reads.merge(&other.reads, 1.0);
        self.failed.merge(&other.failed, 1.0);
        self.api.merge(&other.api, 1.0);
        self.kms.merge(&other.kms, 1.0);
        self.usd.merge(&other.usd, 1.0);
        self.window.merge(&other.window, 1.0);
    }

    /// The interval of calls and their cost alone.
    fn estimate(&self, samples: &Samples, calls: u64, api: Option<Money>) -> Estimate {
        let caveats = self.calls.caveats(samples);
        Estimate {
            calls: counts(calls, &self.calls, samples),
            api_usd: api.map(|api| usd(api, &self.api, samples)),
            windows: self.calls.seen_in() as u64,
            caveats: caveats.into_iter().map(CaveatRow::from).collect(),
            ..Estimate::default()
        }
    }
}

impl<'a> Scan<'a> {
    /// Whether a sample was taken of an account and Region, and says something.
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
            all.merge(&shown);
        }
        let mut rest = self.unattributed_shown();
        for row in &mut report.unattributed {
            let scope = row.account.clone().zip(row.region.clone());
            let scope = scope.map(|(account, region)| Scope { account, region });
            if let Some(shown) = scope.and_then(|scope| rest.remove(&scope)) {
                let window = row.window_api_usd;
                row.estimate = Some(Estimate {
                    window_total_usd: window.map(|cost| usd(cost, &shown.window, self.samples)),
                    ..shown.estimate(self.samples, row.calls, row.api_usd)
                });
                all.merge(&shown);
            }
        }
        let totals = &mut report.totals;
        let of = |point: Money, tally: &Tally<'_>| Some(usd(point, tally, self.samples));
        let reads = Some(counts(totals.reads, &all.reads, self.samples));
        totals.estimate = Some(Estimate {
            reads,
            failed: Some(counts(totals.failed, &all.failed, self.samples)),
            kms_usd: of(totals.kms_usd, &all.kms),
            total_usd: of(totals.total_usd, &all.usd),
            window_total_usd: of(totals.window_cost.total_usd, &all.window),
            savings_usd: of(totals.savings_usd, &savings),
            ..all.estimate(self.samples, totals.calls, Some(totals.api_usd))
        });
    }

    fn of_secret(&self, row: &SecretRow, shown: &Shown<'_>, loops: Option<&Tally<'_>>) -> Estimate {
        let of = |point: Option<Money>, tally| Some(usd(point?, tally, self.samples));
        let nothing = Tally::default();
        let Cost {
            kms_usd, total_usd, ..
        } = row.cost;
        Estimate {
            reads: Some(counts(row.reads, &shown.reads, self.samples)),
            failed: Some(counts(row.failed, &shown.failed, self.samples)),
            kms_usd: of(kms_usd, &shown.kms),
            total_usd: of(total_usd, &shown.usd),
            window_total_usd: of(row.window_cost.total_usd, &shown.window),
            avoidable_usd: of(row.avoidable_usd, loops.unwrap_or(&nothing)),
            ..shown.estimate(self.samples, row.calls, row.cost.api_usd)
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
                row.estimate = Some(Box::new(Estimate {
                    reads: Some(counts(row.reads, &shown.reads, self.samples)),
                    failed: Some(counts(row.failed, &shown.failed, self.samples)),
                    ..shown.estimate(self.samples, row.calls, None)
                }));
            }
        }
    }

    /// What the windows showed of a secret.
    fn shown_of(&self, at: usize) -> Shown<'a> {
        let readers = self.activity.secrets[at].values();
        self.shown_by(at, readers.flat_map(|what| &what.slices))
    }

    /// What the windows showed of some calls on a secret.
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
            for (_, calls) in slice.sampled(self.window()) {
                if calls.stand_for > 0 {
                    shown.add(scope, slice, calls.window, calls.calls.into(), each);
                }
            }
        }
    }

    /// What the windows showed of the calls that belong to no secret.
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

    /// What the windows showed of the savings: the cost of what can go, and what mending the loops of what stays avoids.
    fn savings(
        &self,
        report: &Report,
        avoidable: &HashMap<Option<SecretArn>, Tally<'a>>,
    ) -> Tally<'a> {
        let savings = PossibleSavings::new(report);
        let mut all = avoidable.get(&None).cloned().unwrap_or_default();
        for (at, row) in report.secrets.iter().enumerate() {
            if savings.of(row).by_deleting > Money::ZERO {
                all.merge(&self.shown_of(at).usd, 1.0);
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
