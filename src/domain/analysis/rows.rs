//! The rows of the secrets: each is judged, priced, and takes over the texts of its secret.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::contradictions::Contradictions;
use super::coverage_view::CoverageView;
use super::groups::{Groups, Unlisted};
use super::unnamed::Unnamed;
use super::{ScanSpans, TrailInput};
use crate::domain::base::money::{Money, Price};
use crate::domain::base::month::Month;
use crate::domain::base::names::{Region, Scope, SecretArn};
use crate::domain::base::span::DAY_S;
use crate::domain::base::span::Span;
use crate::domain::inventory::secret::{Secret, has_known_price};
use crate::domain::judging::facts::{Evidence, Indirect, RegionFacts, SecretFacts, last_use};
use crate::domain::judging::rules::{Judgement, judge};
use crate::domain::policy::Policy;
use crate::domain::pricing::cost::{
    RateShares, Volume, WindowCost, WindowPiece, WindowTerms, paid, run_rate, window_cost,
};
use crate::domain::report::result::{LoopRow, ReaderRow, SecretRow};
use crate::domain::trail::coverage::{Proof, in_days};
use crate::domain::usage::activity::{
    Activity, ActivitySlice, ActivityWindow, Reader, ReaderUse, Readers,
};

/// The accounts and Regions in which a secret and its replicas stand.
fn scopes_of(secret: &Secret, replicas: &[RegionFacts<'_>]) -> Vec<Scope> {
    let own = secret.arn.scope();
    let elsewhere = replicas.iter().map(|replica| Scope {
        account: own.account.clone(),
        region: replica.region.clone(),
    });
    std::iter::once(own.clone()).chain(elsewhere).collect()
}

/// After so many secrets their memory is given back.
const GIVEN_BACK: usize = 2_048;

/// A replica that the inventory lists as a secret of its own.
pub(super) struct Listed {
    region: Region,
    last_accessed: Option<Date>,
    access_is_known: bool,
    /// Its index in the inventory.
    at: usize,
}

impl Listed {
    /// The replicas of every primary, by the index of the primary.
    pub(super) fn all(secrets: &[Secret], groups: &Groups) -> HashMap<usize, Vec<Self>> {
        let listed = |at: usize| Self {
            region: secrets[at].arn.scope().region.clone(),
            last_accessed: secrets[at].last_accessed,
            access_is_known: secrets[at].access_is_known,
            at,
        };
        let groups = groups.by_primary(secrets).into_iter();
        groups
            .map(|(primary, replicas)| (primary, replicas.into_iter().map(listed).collect()))
            .collect()
    }
}

/// Returns what mending its loops would save a month of each secret that has any, as far as the price is known.
pub(super) fn avoidable(loops: &[LoopRow]) -> HashMap<&SecretArn, Money> {
    let mut avoidable: HashMap<&SecretArn, Money> = HashMap::new();
    for row in loops {
        if let Some(arn) = &row.arn {
            *avoidable.entry(arn).or_default() += row.avoidable_usd_month.unwrap_or_default();
        }
    }
    avoidable
}

/// The calendar months of a window, with what of it lies in each.
pub(super) fn windows(window: Span) -> Vec<(Month, Span)> {
    let mut parts = Vec::new();
    let mut month = Month::of(window.from);
    loop {
        let own = month.span();
        parts.push((
            month,
            Span {
                from: own.from.max(window.from),
                to: own.to.min(window.to),
            },
        ));
        if own.to >= window.to {
            return parts;
        }
        month = month.next();
    }
}

/// The facts that rows are made from, besides the secrets.
pub(super) struct RowBuilder<'a> {
    pub(super) replicas: HashMap<usize, Vec<Listed>>,
    pub(super) activity: &'a Activity<'a>,
    pub(super) unlisted: &'a Unlisted<'a>,
    /// The amount that fixing its loops would save, for each secret that has any.
    pub(super) avoidable: HashMap<&'a SecretArn, Money>,
    pub(super) cover: &'a CoverageView<'a>,
    pub(super) policy: &'a Policy,
    pub(super) spans: ScanSpans,
    pub(super) now: Timestamp,
    pub(super) trail: TrailInput,
    /// Evidence that names no secret, by where it was logged.
    pub(super) unnamed: &'a Unnamed<'a>,
    /// The reads that the inventory shows and the trail does not.
    pub(super) contradictions: &'a Contradictions,
    /// The time when secrets were pending deletion and were restored then, by their indexes.
    pub(super) restored: HashMap<usize, Vec<Span>>,
    /// The calendar months of the window.
    pub(super) windows: Vec<(Month, Span)>,
}

impl RowBuilder<'_> {
    /// The rows, in the order of the secrets. The secrets go while the rows come, from the end: with tens of thousands
    /// of them, both at once would be most of the program's memory.
    pub(super) fn of(&self, mut secrets: Vec<Secret>) -> Vec<SecretRow> {
        let mut rows = Vec::with_capacity(secrets.len());
        while let Some(secret) = secrets.pop() {
            rows.push(self.row(secrets.len(), secret));
            if secrets.len().is_multiple_of(GIVEN_BACK) {
                secrets.shrink_to_fit();
            }
        }
        rows.reverse();
        rows
    }

    /// The secrets whose current version would make a difference.
    pub(super) fn doubtful(&self, secrets: &[Secret]) -> Vec<SecretArn> {
        let doubtful = secrets.iter().enumerate().filter(|(at, secret)| {
            secret.current.is_none() && self.case(*at, secret).is_doubtful()
        });
        doubtful.map(|(_, secret)| secret.arn.clone()).collect()
    }

    fn window(&self) -> ActivityWindow {
        let (from, to) = self.spans.window.seconds();
        ActivityWindow { from, to }
    }

    fn price(&self, arn: &SecretArn) -> Option<&Price> {
        let Scope { account, region } = arn.scope();
        self.policy.prices.find(arn.partition(), region, account)
    }

    fn case<'c>(&'c self, at: usize, secret: &'c Secret) -> SecretFacts<'c> {
        static NOBODY: Readers<'static> = Readers::new();
        let own = RegionFacts {
            region: secret.arn.scope().region.clone(),
            last_accessed: secret.last_accessed,
            readers: &self.activity.secrets[at],
        };
        let member = |replica: &Listed| RegionFacts {
            region: replica.region.clone(),
            last_accessed: replica.last_accessed,
            readers: &self.activity.secrets[replica.at],
        };
        let listed = self.replicas.get(&at).into_iter().flatten();
        let mut replicas: Vec<RegionFacts<'_>> = listed.map(member).collect();
        for listed in secret.replicas.iter().flatten() {
            match replicas
                .iter_mut()
                .find(|replica| replica.region == listed.region)
            {
                Some(replica) => {
                    replica.last_accessed = replica.last_accessed.max(listed.last_accessed);
                }
                None => replicas.push(RegionFacts {
                    region: listed.region.clone(),
                    last_accessed: listed.last_accessed,
                    readers: &NOBODY,
                }),
            }
        }
        // The primary Region stands on replicated primaries only. A list does not say in which Regions replicas stand, so
        // those that are listed need not be all: only `describe-secret` says so.
        let replicas_known = secret.replicas.is_some() || secret.primary_region.is_none();
        for (region, readers) in self.unlisted.get(&at).into_iter().flatten() {
            replicas.push(RegionFacts {
                region: region.clone(),
                last_accessed: None,
                readers,
            });
        }
        SecretFacts {
            evidence: self.evidence(at, secret, &replicas),
            indirect: self.indirect(at, secret, &replicas),
            own,
            replicas,
            replicas_known,
            secret,
            policy: self.policy,
            now: self.now,
            ambiguous: self.activity.ambiguous.get(&at).copied().unwrap_or(0),
        }
    }

    fn indirect(&self, at: usize, secret: &Secret, replicas: &[RegionFacts<'_>]) -> Indirect<'_> {
        let key_uses = self.activity.key_uses.get(&at);
        let mut indirect = Indirect {
            key_uses: key_uses.map_or(&[], Vec::as_slice),
            ..Indirect::default()
        };
        for scope in scopes_of(secret, replicas) {
            indirect.unnamed.extend(self.unnamed.refusals(&scope));
            indirect.filters.extend(self.unnamed.filters(&scope));
        }
        indirect
    }

    fn evidence(&self, at: usize, secret: &Secret, replicas: &[RegionFacts<'_>]) -> Evidence {
        let mut listed = self.replicas.get(&at).into_iter().flatten();
        if !secret.access_is_known || listed.any(|replica| !replica.access_is_known) {
            return Evidence::Partial(
                "the inventory does not say when it was last read (LastAccessedDate): columns were left out".to_owned(),
            );
        }
        if self.trail == TrailInput::Declined {
            return Evidence::Partial("no trail was given: nothing shows who calls".to_owned());
        }
        let scopes = scopes_of(secret, replicas);
        let proofs = scopes.iter().map(|scope| self.cover.proof(scope));
        let proof = Proof::of_all(proofs);
        if let Some(text) = scopes
            .iter()
            .find_map(|scope| self.contradictions.doubt(scope))
        {
            return Evidence::Partial(text);
        }
        if let Some(proof) = proof {
            return Evidence::Complete(proof);
        }
        for scope in scopes {
            let holes = self.cover.holes(&scope);
            if holes.is_empty() {
                continue;
            }
            let days = self.policy.idle_days;
            let missing: i64 = holes.iter().map(|hole| hole.1 - hole.0).sum();
            return Evidence::Partial(if missing >= i64::from(days) * DAY_S {
                format!(
                    "the trail covers none of the last {days} days in {}",
                    scope.region
                )
            } else {
                format!(
                    "the trail misses {} of the last {days} days in {}",
                    in_days(missing),
                    scope.region
                )
            });
        }
        Evidence::Partial("the trail does not cover all of the idle time".to_owned())
    }

    fn volume(&self, at: usize) -> (Volume, u64) {
        let (mut volume, mut failed) = (Volume::default(), 0);
        for what in self.activity.secrets[at].values() {
            volume.calls += what.calls_in(self.window());
            volume.reads += what.count(self.window(), ActivitySlice::is_read);
            failed += what.count(self.window(), |slice| slice.is_get() && !slice.is_read());
        }
        (volume, failed)
    }

    /// Returns the calls for a secret that a rate is made of: those in covered time.
    fn rated(&self, at: usize, scope: &Scope, window: ActivityWindow) -> Volume {
        let mut rated = Volume::default();
        for what in self.activity.secrets[at].values() {
            rated.add(self.rated_of(scope, what, window));
        }
        rated
    }

    /// Returns what the window cost a secret.
    fn window_cost(&self, at: usize, secret: &Secret) -> WindowCost {
        let scope = secret.arn.scope();
        let piece = |(month, span): &(Month, Span)| {
            let (from, to) = span.seconds();
            let window = ActivityWindow { from, to };
            let mut seen = Volume::default();
            for what in self.activity.secrets[at].values() {
                seen.calls += what.calls_in(window);
                seen.reads += what.count(window, ActivitySlice::is_read);
            }
            WindowPiece {
                seen,
                rated: self.rated(at, scope, window),
                ..WindowPiece::of_storage(*month, *span)
            }
        };
        let pieces: Vec<WindowPiece> = self.windows.iter().map(piece).collect();
        let terms = WindowTerms {
            price: self.price(&secret.arn),
            accrual: self.spans.accrual,
            scale: self.cover.scale(scope),
            counted: self.cover.rate(scope).is_known(),
        };
        let pending = self.restored.get(&at).map_or(&[][..], Vec::as_slice);
        let paid = paid(secret, pending);
        window_cost(&paid, &pieces, &terms, secret.has_customer_key())
    }

    /// The same of what one reader did.
    fn rated_of(&self, scope: &Scope, what: &ReaderUse<'_>, window: ActivityWindow) -> Volume {
        let covered = self.cover.parts(scope);
        let mut rated = Volume::default();
        for slice in &what.slices {
            let calls = covered.map_or_else(
                || slice.calls_in(window),
                |covered| slice.covered_calls(window, covered),
            );
            rated.calls += calls;
            rated.reads += if slice.is_read() { calls } else { 0 };
        }
        rated
    }

    fn row(&self, at: usize, secret: Secret) -> SecretRow {
        let scope = secret.arn.scope();
        let case = self.case(at, &secret);
        let Judgement { verdict, reasons } = judge(&case);
        let (volume, failed) = self.volume(at);
        let (rate, price) = (self.cover.rate(scope), self.price(&secret.arn));
        let readers = &self.activity.secrets[at];
        let last = last_use(readers, self.policy);
        let consumes = |(reader, what): &(&Arc<Reader>, &ReaderUse<'_>)| {
            self.policy.is_consumer(reader.kind) && what.last_use().is_some()
        };
        let mut replicas: Vec<_> = case
            .replicas
            .iter()
            .map(|replica| replica.region.clone())
            .collect();
        replicas.sort();
        replicas.dedup();
        let WindowCost {
            cost: window_cost,
            detail: window_detail,
        } = self.window_cost(at, &secret);
        let service = secret.owner_service();
        SecretRow {
            account: scope.account.clone(),
            region: scope.region.clone(),
            owner: secret.owner(&self.policy.owner_tags).map(str::to_owned),
            verdict,
            reasons,
            created: secret.created,
            last_changed: secret.last_changed,
            last_accessed: secret.last_accessed,
            last_consumer_read: last.and_then(|(at, _)| Timestamp::from_second(at).ok()),
            last_consumer: last.map(|(_, reader)| reader.identity.clone()),
            idle_days: case.days_idle(),
            calls: volume.calls,
            reads: volume.reads,
            failed,
            consumers: readers.iter().filter(consumes).count() as u64,
            cost: run_rate(&secret, self.rated(at, scope, self.window()), rate, price),
            window_cost,
            window_detail,
            avoidable_usd: (rate.is_known() && price.is_some())
                .then(|| self.avoidable.get(&secret.arn).copied().unwrap_or_default()),
            replica_of: Groups::primary(&secret).map(Box::new),
            replicas,
            evidence_days: self.cover.hours(scope, self.spans.evidence) / 24,
            deleted: secret.deleted,
            owning_service: service.map(str::to_owned),
            price_is_assumed: price.is_some()
                && service.is_some_and(|service| !has_known_price(service)),
            customer_key: secret.has_customer_key(),
            rotates: secret.rotation_enabled == Some(true),
            readers: self.readers(at, &secret),
            arn: secret.arn,
            name: secret.name,
            description: secret.description,
            tags: secret.tags,
            estimate: None,
        }
    }

    fn readers(&self, at: usize, secret: &Secret) -> Vec<ReaderRow> {
        let moment = |second: i64| Timestamp::from_second(second).unwrap_or_default();
        let scope = secret.arn.scope();
        let (rate, price) = (self.cover.rate(scope), self.price(&secret.arn));
        let mut shares = RateShares::new(rate, price, secret.has_customer_key());
        let row = |(reader, what): (&Arc<Reader>, &ReaderUse<'_>)| {
            let (first, last) = what.span();
            let (api_usd, kms_usd) = shares.next(self.rated_of(scope, what, self.window()));
            ReaderRow {
                reader: reader.identity.clone(),
                kind: reader.kind,
                client: reader.client.clone(),
                reads: what.count(self.window(), ActivitySlice::is_read),
                describes: what.count(self.window(), ActivitySlice::is_describe),
                failed: what.count(self.window(), |slice| slice.is_get() && !slice.is_read()),
                calls: what.calls_in(self.window()),
                first: moment(first),
                last: moment(last),
                api_usd,
                kms_usd,
                estimate: None,
            }
        };
        self.activity.secrets[at].iter().map(row).collect()
    }
}
