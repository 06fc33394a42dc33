//! The loops of a scan, most expensive first, and the finding that each is.

use super::Scan;
use crate::domain::base::finding_kinds::{FindingCode, Severity};
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::base::reader_kind::name_of;
use crate::domain::judging::loops::{Called, LoopTerms, judge};
use crate::domain::pricing::cost::Rate;
use crate::domain::report::result::{FindingRow, LoopRow, LoopShape};
use crate::domain::sampling::Tally;
use crate::domain::usage::activity::Readers;

/// `ListSecrets` returns at most so many secrets a call.
const SECRETS_A_PAGE: u64 = 100;

/// The target of a loop: a secret, a name that is not in the inventory, or, without a name, no single secret.
#[derive(Clone, Copy)]
struct LoopTarget<'a> {
    arn: Option<&'a SecretArn>,
    name: &'a str,
    scope: Option<&'a Scope>,
}

impl<'a> Scan<'a> {
    /// Every loop that is worth reporting.
    ///
    /// With each comes what the windows of samples showed of its avoidable cost.
    pub(super) fn loops(&self) -> Vec<(LoopRow, Tally<'a>)> {
        let mut loops = Vec::new();
        for (secret, readers) in self.secrets.iter().zip(&self.activity.secrets) {
            let subject = LoopTarget {
                arn: Some(&secret.arn),
                name: &secret.name,
                scope: Some(secret.arn.scope()),
            };
            let terms = LoopTerms {
                window: self.window(),
                rate: self.cover.rate(secret.arn.scope()),
                price: self.price(&secret.arn),
                customer_key: secret.has_customer_key(),
                home: Some(secret.arn.scope()),
                samples: self.samples,
            };
            loops.extend(self.loops_of(subject, readers, &[Called::Read], terms));
        }
        for (missing, readers) in &self.activity.missing {
            let scope = missing.scope();
            let (subject, terms) = self.unnamed(&missing.target, scope.as_ref());
            let called = [Called::Missing, Called::Read];
            loops.extend(self.loops_of(subject, readers, &called, terms));
        }
        for ((scope, name), readers) in &self.activity.of_no_secret() {
            let (subject, terms) = self.unnamed(name, scope.as_ref());
            loops.extend(self.loops_of(subject, readers, &[Called::Read], terms));
        }
        loops.sort_by(|(a, _), (b, _)| {
            let worth = |row: &LoopRow| {
                let most = row.avoidable_range.and_then(|range| range.usd_month);
                let usd = row.avoidable_usd_month.max(most.map(|range| range.high));
                (usd, row.avoidable_calls_month, row.reads_month)
            };
            worth(b)
                .cmp(&worth(a))
                .then_with(|| names(a).cmp(&names(b)))
        });
        loops
    }

    /// Returns what is called where no secret of the inventory is meant, and the terms of its judgement.
    fn unnamed<'t>(
        &self,
        name: &'t str,
        scope: Option<&'t Scope>,
    ) -> (LoopTarget<'t>, LoopTerms<'a>) {
        let subject = LoopTarget {
            arn: None,
            name,
            scope,
        };
        let terms = LoopTerms {
            window: self.window(),
            rate: scope.map_or(Rate::UNKNOWN, |scope| self.cover.rate(scope)),
            price: scope.and_then(|scope| self.scope_price(scope)),
            customer_key: false,
            home: scope.and_then(|scope| Some(self.samples.get_key_value(scope)?.0)),
            samples: self.samples,
        };
        (subject, terms)
    }

    /// Returns how many calls list all secrets of an account and Region.
    fn pages(&self, scope: Option<&Scope>) -> u64 {
        let secrets = self.secrets.iter().map(|secret| secret.arn.scope());
        let held = secrets.filter(|own| Some(*own) == scope).count() as u64;
        held.div_ceil(SECRETS_A_PAGE).max(1)
    }

    fn loops_of(
        &self,
        subject: LoopTarget<'_>,
        readers: &Readers<'a>,
        reads: &[Called<'_>],
        terms: LoopTerms<'a>,
    ) -> Vec<(LoopRow, Tally<'a>)> {
        let mut rows = Vec::new();
        let is_no_secret = subject.arn.is_none() && subject.name.is_empty();
        let pages = if is_no_secret {
            self.pages(subject.scope)
        } else {
            1
        };
        for (reader, what) in readers {
            let others = Called::others(what, pages);
            for called in reads.iter().copied().chain(others) {
                let Some(found) = judge(reader, what, called, terms, self.policy) else {
                    continue;
                };
                let row = LoopRow {
                    arn: subject.arn.cloned(),
                    name: subject.name.to_owned(),
                    account: subject.scope.map(|scope| scope.account.clone()),
                    region: subject.scope.map(|scope| scope.region.clone()),
                    reader: reader.identity.clone(),
                    kind: reader.kind,
                    client: reader.client.clone(),
                    what: called.api().to_owned(),
                    reads_month: found.calls_month,
                    clients: found.clients,
                    clients_up_to: found.clients_up_to,
                    interval_s: found.interval_s,
                    shape: found.shape,
                    active_hours: found.active_hours,
                    cache_s: what.class.cache_s,
                    avoidable_calls_month: found.avoidable_month,
                    avoidable_usd_month: found.avoidable_usd,
                    avoidable_range: found.avoidable_range,
                    advice: found.advice,
                    days: found.days,
                    estimate: found.estimate,
                };
                rows.push((row, found.spread));
            }
        }
        rows
    }
}

/// Returns what orders loops of the same worth.
fn names(row: &LoopRow) -> impl Ord {
    (&row.arn, &row.name, &row.reader, &row.client, &row.what)
}

/// A loop as a finding.
pub(super) fn finding(row: &LoopRow) -> FindingRow {
    let interval = row.interval_s.map_or_else(String::new, |seconds| {
        let when = if row.estimate.is_some() {
            "while it calls"
        } else {
            "at its peak"
        };
        format!(", every {seconds} s {when}")
    });
    let about = if row.estimate.is_some() { "about " } else { "" };
    let shape = match row.shape {
        LoopShape::Unknown => "calls",
        known => known.as_str(),
    };
    FindingRow {
        code: FindingCode::HotLoop,
        severity: Severity::Medium,
        arn: row.arn.clone(),
        name: row.name.clone(),
        account: row.account.clone(),
        region: row.region.clone(),
        reader: Some(row.reader.clone()),
        text: format!(
            "{} calls {} {about}{} times a month{interval}, from {}{}{}: {}",
            name_of(&row.reader),
            row.what,
            thousands(row.reads_month),
            row.clients_bound(),
            counted(row.clients, "client", "clients"),
            saving(row),
            row.advice,
        ),
        evidence: format!(
            "{shape} in {}{}",
            if row.estimate.is_some() {
                "at least "
            } else {
                ""
            },
            counted(u64::from(row.active_hours), "active hour", "active hours")
        ),
        muted: None,
    }
}

/// Returns what can be avoided, as the end of a clause.
fn saving(row: &LoopRow) -> String {
    if let Some(range) = &row.avoidable_range {
        let usd = range.usd_month.map_or_else(String::new, |usd| {
            format!(", {} to {} a month", usd.low.dollars(), usd.high.dollars())
        });
        return format!(
            ", {} to {} calls avoidable{usd}",
            thousands(range.calls_month.low),
            thousands(range.calls_month.high)
        );
    }
    if row.avoidable_is_unknown() {
        return ", how many of them are avoidable is not known".to_owned();
    }
    row.avoidable_usd_month.map_or_else(String::new, |usd| {
        format!(", {} a month avoidable", usd.dollars())
    })
}
