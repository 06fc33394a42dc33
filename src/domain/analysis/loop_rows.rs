//! The loops of a scan, dearest first, and the finding that each is.

use super::Scan;
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::base::reader_kind::name_of;
use crate::domain::judging::loops::{Called, LoopTerms, judge};
use crate::domain::pricing::cost::Rate;
use crate::domain::report::result::{FindingRow, LoopRow, LoopShape, Severity};
use crate::domain::sampling::Tally;
use crate::domain::usage::activity::Readers;

/// What is fetched in a loop: a secret, or a name that is not in the inventory.
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
            let called = [Called::Read, Called::Describe];
            loops.extend(self.loops_of(subject, readers, &called, terms));
        }
        for (missing, readers) in &self.activity.missing {
            let scope = missing.scope();
            let subject = LoopTarget {
                arn: None,
                name: &missing.target,
                scope: scope.as_ref(),
            };
            let terms = LoopTerms {
                window: self.window(),
                rate: subject
                    .scope
                    .map_or(Rate::UNKNOWN, |scope| self.cover.rate(scope)),
                price: subject.scope.and_then(|scope| self.scope_price(scope)),
                customer_key: false,
                home: subject
                    .scope
                    .and_then(|scope| Some(self.samples.get_key_value(scope)?.0)),
                samples: self.samples,
            };
            loops.extend(self.loops_of(subject, readers, &[Called::Missing], terms));
        }
        loops.sort_by(|(a, _), (b, _)| {
            let worth = |row: &LoopRow| (row.avoidable_usd_month, row.avoidable_calls_month);
            worth(b)
                .cmp(&worth(a))
                .then_with(|| names(a).cmp(&names(b)))
        });
        loops
    }

    fn loops_of(
        &self,
        subject: LoopTarget<'_>,
        readers: &Readers<'a>,
        called: &[Called],
        terms: LoopTerms<'a>,
    ) -> Vec<(LoopRow, Tally<'a>)> {
        let mut rows = Vec::new();
        for (reader, what) in readers {
            for &called in called {
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
                    interval_s: found.interval_s,
                    shape: found.shape,
                    active_hours: found.active_hours,
                    cache_s: what.class.cache_s,
                    avoidable_calls_month: found.avoidable_month,
                    avoidable_usd_month: found.avoidable_usd,
                    advice: what.class.advice.clone(),
                    days: found.days,
                    estimate: found.estimate,
                };
                rows.push((row, found.spread));
            }
        }
        rows
    }
}

/// What tells loops of the same worth apart.
fn names(row: &LoopRow) -> impl Ord {
    (&row.arn, &row.name, &row.reader, &row.client, &row.what)
}

/// A loop as a finding.
pub(super) fn finding(row: &LoopRow) -> FindingRow {
    let saving = row.avoidable_usd_month.map_or_else(String::new, |usd| {
        format!(", {} a month avoidable", usd.dollars())
    });
    let interval = row.interval_s.map_or_else(String::new, |seconds| {
        let when = if row.estimate.is_some() {
            "while it calls"
        } else {
            "at its peak"
        };
        format!(", every {seconds} s {when}")
    });
    let (about, least) = if row.estimate.is_some() {
        ("about ", "at least ")
    } else {
        ("", "")
    };
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
            "{} calls {} {about}{} times a month{interval}, from {least}{}{saving}: {}",
            name_of(&row.reader),
            row.what,
            thousands(row.reads_month),
            counted(row.clients, "client", "clients"),
            row.advice,
        ),
        evidence: format!(
            "{shape} in {least}{}",
            counted(u64::from(row.active_hours), "active hour", "active hours")
        ),
    }
}
