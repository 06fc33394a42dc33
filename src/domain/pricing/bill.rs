//! The bill beside the estimate: lines of an export added up, and the gap with its likely reasons.
//!
//! A bill is right by definition and coarse; an estimate is fine and has gaps. Where they differ, either the
//! estimate misses something (a hole in the trail, an account that was not scanned) or the bill has something that no
//! price list shows (credits, discounts). Which of those it is follows from facts that both hold; nothing is guessed
//! that has no fact.

pub mod gap;
mod grain;
pub mod paid;
pub mod usage_type;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::gap::Reason;
use self::grain::Grain;
use self::usage_type::CostPart;
use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::base::span::Span;
use crate::domain::report::result::Report;

/// An amount of a bill in units of 10^-12: hourly lines have ten decimals, and are many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i128);

/// Units of [`Amount`] in one.
const ONE: i128 = 1_000_000_000_000;

impl Amount {
    /// Reads a decimal, with or without an exponent: `0.0005376344`, `-1`, `5.0E-6`. Decimals beyond the twelfth are
    /// dropped.
    ///
    /// `None` for anything else, also for more than a trillion.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = match text.as_bytes().first()? {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && decimals.is_empty()) || !plain(whole) || !plain(decimals) {
            return None;
        }
        let shift = 12 + exponent - i32::try_from(decimals.len()).ok()?;
        let all = format!("{whole}{decimals}");
        let all = all.trim_start_matches('0');
        let value: i128 = if all.is_empty() {
            0
        } else if shift >= 0 {
            let factor = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
            all.parse::<i128>().ok()?.checked_mul(factor)?
        } else {
            let dropped = usize::try_from(-shift).ok()?;
            let kept = all.get(..all.len().saturating_sub(dropped))?;
            if kept.is_empty() {
                0
            } else {
                kept.parse().ok()?
            }
        };
        (value < ONE * ONE).then_some(Self(sign * value))
    }

    /// The amount in micro-dollars, rounded half up once.
    pub fn money(self) -> Money {
        let micros = (2 * self.0 + 1_000_000).div_euclid(2_000_000);
        Money(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (
            self.0.unsigned_abs() / ONE.unsigned_abs(),
            self.0.unsigned_abs() % ONE.unsigned_abs(),
        );
        write!(f, "{sign}{whole}.{rest:012}")
    }
}

/// The kinds of lines of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillLineKind {
    /// The usage, at the price that is charged.
    Usage,
    /// A discount on usage, on a line of its own: it stands beside the usage, and is part of the price that is paid.
    Discount,
    /// Credits, refunds, taxes and fees: they stand beside the usage.
    Adjustment,
}

/// One line of a bill that is about this service or KMS requests.
#[derive(Clone, Debug, PartialEq)]
pub struct BillLine {
    /// The account that used it.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// The part.
    pub part: CostPart,
    /// The kind.
    pub kind: BillLineKind,
    /// The amount that is billed.
    pub cost: Amount,
    /// The quantity that was used, in the unit of the price.
    pub quantity: Option<Amount>,
    /// `USD`, `CNY`, ...
    pub currency: String,
    /// The secret, where the export has resource ids.
    pub secret: Option<SecretArn>,
    /// The time it was used in.
    pub span: Option<Span>,
    /// The bill itself calls the line an estimate that may still change.
    pub estimated: bool,
    /// The usage type of a line of [`CostPart::Other`]. Other people's text.
    pub usage_type: Option<String>,
}

/// An account, a Region and a part: what a bill and an estimate have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BillKey {
    /// The account; `None`: the bill does not say.
    pub account: Option<AccountId>,
    /// The Region; `None`: the bill does not say.
    pub region: Option<Region>,
    /// The part.
    pub part: CostPart,
}

/// The amounts and the quantity that a bill has for one account, Region and part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// The charge for what was used, before discounts and adjustments.
    pub usage: Amount,
    /// Credits, refunds, discounts, taxes and fees.
    pub adjustments: Amount,
    /// The part of them that is discounts on what was used.
    pub discounts: Amount,
    /// The quantity that was used.
    pub quantity: Amount,
}

impl AddAssign for Billed {
    fn add_assign(&mut self, other: Self) {
        self.usage += other.usage;
        self.adjustments += other.adjustments;
        self.discounts += other.discounts;
        self.quantity += other.quantity;
    }
}

/// A bill as far as it is about this service, and inside a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The window of the scan: lines that begin outside it are counted and left out.
    pub window: Span,
    /// The bill by account, Region and part.
    pub by_key: BTreeMap<BillKey, Billed>,
    /// The amounts by secret, storage and API together, where the export has resource ids.
    pub secrets: BTreeMap<SecretArn, Amount>,
    /// The time that the lines inside the window cover.
    pub covers: Option<Span>,
    /// Currencies of the lines.
    pub currencies: BTreeSet<String>,
    /// Lines about this service or KMS requests.
    pub lines: u64,
    /// The lines among them that are outside the window.
    pub outside: u64,
    /// The lines outside of more than a day that begin before the window and reach into it, as those of a monthly bill
    /// do: how much of them belongs to the window is not known.
    pub straddling: u64,
    /// The time when the latest of them begins.
    pub straddles_from: Option<Timestamp>,
    /// Lines that could not be read, and the first of them: other people's text.
    pub unreadable: u64,
    /// The trouble with the first of them.
    pub first_unreadable: Option<String>,
    /// The bill calls some of its lines an estimate.
    pub estimated: bool,
    /// Usage types of the service that are not known here. Other people's text.
    pub unknown_usage_types: BTreeSet<String>,
}

impl Bill {
    /// An empty bill for a window.
    pub fn new(window: Span) -> Self {
        Self {
            window,
            by_key: BTreeMap::new(),
            secrets: BTreeMap::new(),
            covers: None,
            currencies: BTreeSet::new(),
            lines: 0,
            outside: 0,
            straddling: 0,
            straddles_from: None,
            unreadable: 0,
            first_unreadable: None,
            estimated: false,
            unknown_usage_types: BTreeSet::new(),
        }
    }

    /// Takes in one line.
    pub fn add(&mut self, line: BillLine) {
        self.lines += 1;
        if let Some(span) = line.span {
            if span.from < self.window.from || span.from >= self.window.to {
                self.outside += 1;
                if span.from < self.window.from && span.to > self.window.from && span.hours() > 24 {
                    self.straddling += 1;
                    self.straddles_from = self.straddles_from.max(Some(span.from));
                }
                return;
            }
            let covers = self.covers.get_or_insert(span);
            covers.from = covers.from.min(span.from);
            covers.to = covers.to.max(span.to);
        }
        self.estimated |= line.estimated;
        if line.kind == BillLineKind::Usage {
            self.unknown_usage_types.extend(line.usage_type);
        }
        self.currencies.insert(line.currency);
        let key = BillKey {
            account: line.account,
            region: line.region,
            part: line.part,
        };
        let billed = self.by_key.entry(key).or_default();
        match line.kind {
            BillLineKind::Usage => {
                billed.usage += line.cost;
                billed.quantity += line.quantity.unwrap_or_default();
            }
            BillLineKind::Discount => {
                billed.adjustments += line.cost;
                billed.discounts += line.cost;
            }
            BillLineKind::Adjustment => billed.adjustments += line.cost,
        }
        if let Some(secret) = line.secret
            && line.kind == BillLineKind::Usage
        {
            *self.secrets.entry(secret).or_default() += line.cost;
        }
    }

    /// Counts a line that could not be read.
    pub fn skip(&mut self, why: impl Into<String>) {
        self.unreadable += 1;
        self.first_unreadable.get_or_insert_with(|| why.into());
    }
}

/// An estimate beside a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The window of the scan.
    pub window: Span,
    /// The time that the bill covers inside it; `None`: it has no line there, or no dates.
    pub bill_from: Option<Timestamp>,
    /// The end of that time.
    pub bill_to: Option<Timestamp>,
    /// One row for each account, Region and part, as far as the bill tells them apart.
    pub rows: Vec<ReconciliationRow>,
    /// The sums over all rows but those of KMS.
    pub totals: Sums,
    /// The sums over the rows of KMS: every service makes such requests, so they are no part of what Secrets Manager is
    /// billed.
    #[serde(default)]
    pub kms: Sums,
    /// One row a secret that the bill names, by ARN.
    pub secrets: Vec<SecretBilled>,
    /// The reasons that hold for the whole bill.
    pub reasons: Vec<Reason>,
    /// Lines of the bill that could not be read.
    pub unreadable_lines: u64,
}

/// One row: the bill and the estimate of one account, Region and part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationRow {
    /// The account, the Region and the part of the cost.
    pub place: BillKey,
    /// The amount that the scan says that the window cost; `None`: it knows nothing of this row.
    pub estimate_usd: Option<Money>,
    /// The amount that the bill says was used; `None`: it has no line of this row.
    pub billed_usd: Option<Money>,
    /// Credits, discounts, taxes.
    pub adjustments_usd: Money,
    /// Billed less estimate, unknown counted as nothing; `None`: nothing billed is known for the window.
    pub difference_usd: Option<Money>,
    /// The reason why they differ, most likely first; empty if they do not.
    pub reasons: Vec<Reason>,
}

/// The sums over the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// The amount that the scan says.
    pub estimate_usd: Money,
    /// The amount that the bill says was used; `None`: nothing billed is known for the window.
    pub billed_usd: Option<Money>,
    /// Credits, discounts, taxes.
    pub adjustments_usd: Money,
    /// Billed less estimate; `None`: nothing billed is known for the window.
    pub difference_usd: Option<Money>,
}

/// One secret that the bill names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBilled {
    /// The secret.
    pub arn: SecretArn,
    /// Its name, if the scan has it. Other people's text.
    pub name: Option<String>,
    /// The amount that the scan says of its storage and API calls; `None`: the scan does not have it.
    pub estimate_usd: Option<Money>,
    /// The amount that the bill says.
    pub billed_usd: Money,
}

/// Sets a bill beside what a scan says that the same window cost, at the grain of the bill.
///
/// The bill should have been read for the report's window. KMS rows exist only where the scan estimates KMS requests:
/// elsewhere the bill's KMS requests are other services'.
pub fn reconcile(report: &Report, bill: &Bill) -> Reconciliation {
    let grain = Grain::of(bill);
    let billed = grain.billed(bill);
    let estimates = grain.estimated(estimates(report));
    let mut keys: BTreeSet<&BillKey> = estimates.keys().collect();
    keys.extend(
        billed
            .keys()
            .filter(|key| key.part != CostPart::Kms || estimates.contains_key(key)),
    );
    let is_known = !bill.by_key.is_empty();
    let row = |key: &BillKey| {
        let billed = billed.get(key);
        let estimate_usd = estimates.get(key).copied().flatten();
        let billed_usd = billed.map(|billed| billed.usage.money());
        let mut row = ReconciliationRow {
            place: key.clone(),
            estimate_usd,
            billed_usd,
            adjustments_usd: billed
                .map(|billed| billed.adjustments.money())
                .unwrap_or_default(),
            difference_usd: is_known
                .then(|| billed_usd.unwrap_or_default() - estimate_usd.unwrap_or_default()),
            reasons: Vec::new(),
        };
        row.reasons = gap::of_row(report, &row, billed, grain, bill.covers);
        row
    };
    let rows: Vec<ReconciliationRow> = keys.into_iter().map(row).collect();
    let of = |kms: bool| {
        let rows = rows.iter();
        Sums::of(
            rows.filter(|row| (row.place.part == CostPart::Kms) == kms),
            is_known,
        )
    };
    Reconciliation {
        window: report.window,
        bill_from: bill.covers.map(|span| span.from),
        bill_to: bill.covers.map(|span| span.to),
        totals: of(false),
        kms: of(true),
        secrets: secrets(report, bill),
        reasons: gap::of_bill(report, bill),
        unreadable_lines: bill.unreadable,
        rows,
    }
}

impl Sums {
    /// The sums over rows; what is billed only if it is known.
    fn of<'a>(rows: impl Iterator<Item = &'a ReconciliationRow>, is_known: bool) -> Self {
        let mut sums = Self {
            billed_usd: is_known.then_some(Money::ZERO),
            difference_usd: is_known.then_some(Money::ZERO),
            ..Self::default()
        };
        for row in rows {
            sums.estimate_usd += row.estimate_usd.unwrap_or_default();
            sums.adjustments_usd += row.adjustments_usd;
            for (sum, value) in [
                (&mut sums.billed_usd, row.billed_usd),
                (&mut sums.difference_usd, row.difference_usd),
            ] {
                *sum = sum.map(|sum| sum + value.unwrap_or_default());
            }
        }
        sums
    }
}

/// Returns what the scan says by account, Region and part: `None` inside where it has them and not the amount. Those of
/// KMS that cost nothing are left out.
fn estimates(report: &Report) -> BTreeMap<BillKey, Option<Money>> {
    let mut estimates: BTreeMap<BillKey, Option<Money>> = BTreeMap::new();
    let mut add =
        |account: Option<&AccountId>, region: Option<&Region>, part, usd: Option<Money>| {
            let key = BillKey {
                account: account.cloned(),
                region: region.cloned(),
                part,
            };
            let sum = estimates.entry(key).or_default();
            if let Some(usd) = usd {
                *sum = Some(sum.unwrap_or_default() + usd);
            }
        };
    for row in &report.secrets {
        let (account, region) = (Some(&row.account), Some(&row.region));
        add(
            account,
            region,
            CostPart::Storage,
            row.window_cost.storage_usd,
        );
        add(account, region, CostPart::Api, row.window_cost.api_usd);
        if row.window_cost.kms_usd.is_some_and(|usd| usd > Money::ZERO) {
            add(account, region, CostPart::Kms, row.window_cost.kms_usd);
        }
    }
    for row in &report.former {
        let (account, region) = (Some(&row.account), Some(&row.region));
        add(account, region, CostPart::Storage, row.storage_usd);
    }
    for row in &report.unattributed {
        add(
            row.account.as_ref(),
            row.region.as_ref(),
            CostPart::Api,
            row.window_api_usd,
        );
    }
    estimates
}

fn secrets(report: &Report, bill: &Bill) -> Vec<SecretBilled> {
    let rows: BTreeMap<_, _> = report.secrets.iter().map(|row| (&row.arn, row)).collect();
    let former: BTreeMap<_, _> = report
        .former
        .iter()
        .filter_map(|row| Some((row.arn.as_ref()?, row)))
        .collect();
    let billed = bill.secrets.iter().map(|(arn, amount)| {
        let (row, gone) = (rows.get(arn), former.get(arn));
        let parts = |row: &&crate::domain::report::result::SecretRow| {
            let (storage, api) = (row.window_cost.storage_usd?, row.window_cost.api_usd);
            Some(storage + api.unwrap_or_default())
        };
        let name = row.map(|row| row.name.clone());
        SecretBilled {
            arn: arn.clone(),
            name: name.or_else(|| gone.map(|row| row.name.clone())),
            estimate_usd: row.and_then(parts).or_else(|| gone?.storage_usd),
            billed_usd: amount.money(),
        }
    });
    billed.collect()
}

#[cfg(test)]
mod tests;
