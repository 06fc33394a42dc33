//! The rows of calls that belong to no secret, and who makes them.
//!
//! They cost like all others, so each has its caller, its API and its share of the cost, and the shares of an account and
//! Region add up to what its calls cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Scan;
use super::rows::windows;
use crate::domain::base::money::{Money, Price};
use crate::domain::base::month::Month;
use crate::domain::base::names::Scope;
use crate::domain::base::span::Span;
use crate::domain::pricing::cost::{
    Rate, RateShares, Volume, WindowPiece, WindowTerms, window_cost,
};
use crate::domain::report::result::{CallerRow, UnattributedRow};
use crate::domain::usage::activity::{ActivityWindow, Reader};

/// The calls of one caller for one purpose.
#[derive(Clone, Debug)]
struct Calls {
    all: u64,
    /// The number of them that make the run rate.
    rated: u64,
    /// Both by the months of the window.
    months: Vec<(u64, u64)>,
    first: i64,
    last: i64,
}

/// The calls of a scope, by who makes them and what they are.
type ByCallerAndKind<'a> = BTreeMap<(Arc<Reader>, &'a str), Calls>;

impl Scan<'_> {
    /// The calls that belong to no secret, by where they were logged.
    pub(super) fn unattributed(&self) -> Vec<UnattributedRow> {
        let months = windows(self.spans.window);
        let mut scopes: BTreeMap<Option<Scope>, ByCallerAndKind<'_>> = BTreeMap::new();
        for nobody in &self.activity.unattributed {
            let (slice, scope) = (&nobody.slice, nobody.slice.access.scope());
            let all = slice.calls_in(self.window());
            let Some((first, last)) = slice.span_in(self.window()) else {
                continue;
            };
            if all == 0 {
                continue;
            }
            let parts = scope.as_ref().and_then(|scope| self.cover.parts(scope));
            let rated = parts.map_or(all, |parts| slice.covered_calls(self.window(), parts));
            let by_month: Vec<(u64, u64)> = months
                .iter()
                .map(|(_, span)| {
                    let (from, to) = span.seconds();
                    let window = ActivityWindow { from, to };
                    let all = slice.calls_in(window);
                    let rated = parts.map_or(all, |parts| slice.covered_calls(window, parts));
                    (all, rated)
                })
                .collect();
            let callers = scopes.entry(scope).or_default();
            let key = (nobody.reader.clone(), nobody.what.as_str());
            let calls = callers.entry(key).or_insert(Calls {
                all: 0,
                rated: 0,
                months: vec![(0, 0); months.len()],
                first,
                last,
            });
            for (sum, more) in calls.months.iter_mut().zip(by_month) {
                *sum = (sum.0 + more.0, sum.1 + more.1);
            }
            calls.all += all;
            calls.rated += rated;
            calls.first = calls.first.min(first);
            calls.last = calls.last.max(last);
        }
        let scopes = scopes.into_iter();
        scopes
            .map(|(scope, callers)| self.unattributed_in(scope, callers, &months))
            .collect()
    }

    fn unattributed_in(
        &self,
        scope: Option<Scope>,
        callers: ByCallerAndKind<'_>,
        months: &[(Month, Span)],
    ) -> UnattributedRow {
        let price = scope.as_ref().and_then(|scope| self.scope_price(scope));
        let rate = scope
            .as_ref()
            .map_or(Rate::UNKNOWN, |scope| self.cover.rate(scope));
        // As of a secret: where nobody knows how many there were, what was seen is no cost of the window.
        let known = price.filter(|_| rate.is_known());
        let mut by_what: BTreeMap<String, u64> = BTreeMap::new();
        for ((_, what), calls) in &callers {
            *by_what.entry((*what).to_owned()).or_default() += calls.all;
        }
        let (calls, rated) = callers.values().fold((0, 0), |(all, rated), calls| {
            (all + calls.all, rated + calls.rated)
        });
        let month = known.and_then(|price| rate.month(price.calls(rated)));
        let volume = |calls: u64| Volume { calls, reads: 0 };
        let pieces: Vec<WindowPiece> = months
            .iter()
            .enumerate()
            .map(|(at, (month, span))| {
                let own = callers.values().map(|calls| calls.months[at]);
                let (all, rated) = own.fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
                WindowPiece {
                    seen: volume(all),
                    rated: volume(rated),
                    ..WindowPiece::of_storage(*month, *span)
                }
            })
            .collect();
        let terms = WindowTerms {
            price: known,
            accrual: self.spans.accrual,
            scale: scope.as_ref().and_then(|scope| self.cover.scale(scope)),
            counted: true,
        };
        let window = window_cost(&[], &pieces, &terms, false);
        UnattributedRow {
            account: scope.as_ref().map(|scope| scope.account.clone()),
            region: scope.map(|scope| scope.region),
            calls,
            callers: caller_rows(callers, rate, &terms),
            by_what,
            api_usd: month,
            window_api_usd: window.cost.api_usd,
            window_detail: window.detail,
            estimate: None,
        }
    }
}

/// The callers with their shares, the busiest first. What the window cost is shared out by what it was priced by: the calls
/// in covered time where it is scaled from those, else all calls.
fn caller_rows(
    callers: ByCallerAndKind<'_>,
    rate: Rate,
    terms: &WindowTerms<'_>,
) -> Vec<CallerRow> {
    let mut shares = RateShares::new(rate, terms.price, false);
    let volume = |calls: u64| Volume { calls, reads: 0 };
    let api = |price: &Price, volume: Volume| price.calls(volume.calls);
    let (all, rated) = callers.values().fold((0, 0), |(all, rated), calls| {
        (all + calls.all, rated + calls.rated)
    });
    let (_, scaled) = terms.usd(volume(all), volume(rated), api);
    let window = |all: u64, rated: u64| {
        let price = terms.price?;
        Some(match terms.scale {
            Some(scale) if scaled > Money::ZERO => scale.whole_of(price.calls(rated)),
            _ => price.calls(all),
        })
    };
    let (mut all, mut rated) = (0, 0);
    let moment = |second: i64| Timestamp::from_second(second).unwrap_or_default();
    let row = |((reader, what), calls): ((Arc<Reader>, &str), Calls)| {
        let (api_usd, _) = shares.next(volume(calls.rated));
        let before = window(all, rated);
        (all, rated) = (all + calls.all, rated + calls.rated);
        let after = window(all, rated);
        let window_api_usd = after.zip(before).map(|(after, before)| after - before);
        CallerRow {
            reader: reader.identity.clone(),
            kind: reader.kind,
            client: reader.client.clone(),
            what: what.to_owned(),
            calls: calls.all,
            api_usd,
            window_api_usd,
            first: moment(calls.first),
            last: moment(calls.last),
        }
    };
    let mut rows: Vec<CallerRow> = callers.into_iter().map(row).collect();
    rows.sort_by(|a, b| {
        let names = |row: &CallerRow| (row.kind, row.reader.clone(), row.client.clone());
        (b.calls, &a.what)
            .cmp(&(a.calls, &b.what))
            .then_with(|| names(a).cmp(&names(b)))
    });
    rows
}
