//! `focus.csv`: what the window cost, in the columns of FOCUS, the form in which finance receives cloud bills.
//!
//! One row a charge and calendar month: each secret's storage, API calls and KMS requests, secrets that are gone, and the
//! calls that belong to no secret. The file is FOCUS-shaped and no bill: every row says `x_IsEstimate` = `true`.
//! What costs nothing is no charge and has no row; what is unknown has none either, and `report.json` says what that is.
//! Where the trail covers a part of the window, `x_CoveredShare` says how much, and the description that it is scaled.
//!
//! The billed, effective and contracted cost are the one estimate; the list cost is that of AWS's public price, so that a
//! negotiated price of a price file shows as the difference.
//!
//! Conditional columns that an estimate could only invent (SKU ids, contracts, commitments) are left out; the invoice is
//! null. The payer of an account is not known here: `BillingAccountId` is the account itself, and
//! `x_BillingAccountIsAssumed` says so. A report of a version that did not keep the months of its window has them all as one
//! billing period.

mod cells;
mod price;
mod regions;

use jiff::Timestamp;

use self::price::{ChargePrice, QuantitySource, UnitPrices, called, stored};
use super::csv::bytes;
use super::scope_facts::ScopeFacts;
use crate::domain::base::money::{Money, Price, PriceList};
use crate::domain::base::month::Month;
use crate::domain::base::names::{AccountId, Region, Scope};
use crate::domain::base::span::Span;
use crate::domain::report::result::{
    Cost, FormerSecret, MonthPart, Report, SecretRow, UnattributedRow,
};

/// A version of the specification (<https://focus.finops.org/focus-specification/>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FocusVersion {
    /// 1.0.
    V1_0,
    /// 1.2, that of AWS's own exports.
    #[default]
    V1_2,
    /// 1.3, which names the providers anew and keeps the old names.
    V1_3,
}

impl FocusVersion {
    /// The number.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }

    /// The columns of this version: those of FOCUS by name, then ours.
    pub fn columns(self) -> Vec<&'static str> {
        let is_in = |column: &&str| match *column {
            "ServiceSubcategory" | "InvoiceId" => self != Self::V1_0,
            "HostProviderName" | "ServiceProviderName" => self == Self::V1_3,
            _ => true,
        };
        COLUMNS.into_iter().filter(is_in).collect()
    }
}

/// The columns of all versions: those of FOCUS by name, then ours.
pub const COLUMNS: [&str; 48] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_BillingAccountIsAssumed",
    "x_CoveredShare",
    "x_EvidenceDays",
    "x_FocusVersion",
    "x_IsEstimate",
    "x_Owner",
    "x_PriceBasis",
    "x_PriceSource",
    "x_Verdict",
];

/// The kinds of charges.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FocusCharge {
    Storage,
    FormerStorage,
    Api,
    Kms,
    Unattributed,
}

/// One charge.
struct Charge<'a> {
    part: FocusCharge,
    period: ChargePeriod,
    cost: Money,
    price: ChargePrice,
    account: Option<&'a AccountId>,
    region: Option<&'a Region>,
    secret: Option<&'a SecretRow>,
    former: Option<&'a FormerSecret>,
    /// The source of the quantity.
    source: QuantitySource,
}

/// The period of a charge.
#[derive(Clone, Copy)]
struct ChargePeriod {
    billing: Span,
    charge: Span,
}

/// Writes the file: a header, and the charges by account, Region, name, part and month.
pub fn csv(report: &Report, version: FocusVersion) -> Vec<u8> {
    let writer = FocusWriter::of(report, version);
    let secrets = report.secrets.iter().flat_map(|row| writer.secret(row));
    let former = report.former.iter().flat_map(|row| writer.former(row));
    let nobodys = report
        .unattributed
        .iter()
        .flat_map(|row| writer.unattributed(row));
    let columns = version.columns();
    let rows = secrets.chain(former).chain(nobodys);
    bytes(|out| {
        let mut table = csv::WriterBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(out);
        table.write_record(&columns)?;
        for charge in rows {
            let mut cells = writer.cells(&charge);
            table.write_record(
                columns
                    .iter()
                    .map(|name| cells.remove(name).unwrap_or_default()),
            )?;
        }
        table.flush()
    })
}

/// The data that the rows of a report have in common.
struct FocusWriter<'a> {
    report: &'a Report,
    version: FocusVersion,
    prices: UnitPrices,
    facts: ScopeFacts,
    public: PriceList,
}

impl<'a> FocusWriter<'a> {
    fn of(report: &'a Report, version: FocusVersion) -> Self {
        Self {
            report,
            version,
            prices: UnitPrices::of(report),
            facts: ScopeFacts::of(report),
            public: PriceList::built_in(),
        }
    }

    /// The months of a row: what each of them cost, with its calls and reads.
    fn months(&self, whole: &MonthPart, months: &[MonthPart]) -> Vec<(ChargePeriod, MonthPart)> {
        let window = self.report.window;
        let part = |part: &MonthPart| {
            let own = part.month.parse::<Month>().ok()?.span();
            let charge = Span {
                from: own.from.max(window.from),
                to: own.to.min(window.to),
            };
            let billing = own;
            Some((ChargePeriod { billing, charge }, part.clone()))
        };
        let parts: Vec<_> = months.iter().filter_map(part).collect();
        if parts.is_empty() {
            let period = ChargePeriod {
                billing: months_of(window),
                charge: window,
            };
            return vec![(period, whole.clone())];
        }
        parts
    }

    /// AWS's public price instead of a contracted one. Where none is built in, none is known, and the contracted price
    /// stands for it.
    fn public(&self, partition: &str, scope: &Scope) -> Option<&Price> {
        self.public.find(partition, &scope.region, &scope.account)
    }

    fn secret(&self, row: &'a SecretRow) -> Vec<Charge<'a>> {
        let scope = row.arn.scope();
        let (price, public) = (
            self.prices.list.get(scope),
            self.public(row.arn.partition(), scope),
        );
        let whole = MonthPart {
            month: String::new(),
            calls: row.calls,
            reads: row.reads,
            cost: row.window_cost,
        };
        let detail = &row.window_detail;
        let counted = QuantitySource::of(row.estimate.as_ref(), detail.extrapolated_usd);
        let mut charges = Vec::new();
        for (period, part) in self.months(&whole, &detail.months) {
            let mut add =
                |part, cost: Option<Money>, price: &dyn Fn(Money) -> ChargePrice, source| {
                    if let Some(cost) = cost.filter(|cost| *cost > Money::ZERO) {
                        charges.push(Charge {
                            part,
                            period,
                            cost,
                            price: price(cost),
                            account: Some(&row.account),
                            region: Some(&row.region),
                            secret: Some(row),
                            former: None,
                            source,
                        });
                    }
                };
            let calls = |count, of: fn(&Price) -> Money| {
                let (own, list) = (price.map(of), public.map(of));
                move |cost| called(cost, count, counted, own, list)
            };
            let stored = |cost| {
                let list = public.map(|price| price.secret_month);
                stored(cost, self.prices.month(scope), list)
            };
            let usual = QuantitySource::Counted;
            add(FocusCharge::Storage, part.cost.storage_usd, &stored, usual);
            let api = calls(part.calls, |price| price.api_10k);
            add(FocusCharge::Api, part.cost.api_usd, &api, counted);
            let kms = calls(part.reads, |price| price.kms_10k);
            add(FocusCharge::Kms, part.cost.kms_usd, &kms, counted);
        }
        charges
    }

    fn former(&self, row: &'a FormerSecret) -> Vec<Charge<'a>> {
        let scope = Scope {
            account: row.account.clone(),
            region: row.region.clone(),
        };
        let list = self
            .public(self.partition(&row.region), &scope)
            .map(|price| price.secret_month);
        let whole = MonthPart {
            month: String::new(),
            calls: 0,
            reads: 0,
            cost: Cost::new(row.storage_usd, None, None),
        };
        let months = self.months(&whole, &row.months).into_iter();
        let charge = |(period, part): (ChargePeriod, MonthPart)| {
            let cost = part.cost.storage_usd.filter(|cost| *cost > Money::ZERO)?;
            Some(Charge {
                part: FocusCharge::FormerStorage,
                period,
                cost,
                price: stored(cost, self.prices.month(&scope), list),
                account: Some(&row.account),
                region: Some(&row.region),
                secret: None,
                former: Some(row),
                source: QuantitySource::Counted,
            })
        };
        months.filter_map(charge).collect()
    }

    fn unattributed(&self, row: &'a UnattributedRow) -> Vec<Charge<'a>> {
        let scope = row.account.clone().zip(row.region.clone());
        let scope = scope.map(|(account, region)| Scope { account, region });
        let price = scope.as_ref().and_then(|scope| self.prices.list.get(scope));
        let public = scope
            .as_ref()
            .and_then(|scope| self.public(self.partition(&scope.region), scope));
        let detail = &row.window_detail;
        let source = QuantitySource::of(row.estimate.as_ref(), detail.extrapolated_usd);
        let whole = MonthPart {
            month: String::new(),
            calls: row.calls,
            reads: 0,
            cost: Cost::new(None, row.window_api_usd, None),
        };
        let months = self.months(&whole, &detail.months).into_iter();
        let charge = |(period, part): (ChargePeriod, MonthPart)| {
            let cost = part.cost.api_usd.filter(|cost| *cost > Money::ZERO)?;
            let (own, list) = (
                price.map(|price| price.api_10k),
                public.map(|price| price.api_10k),
            );
            Some(Charge {
                part: FocusCharge::Unattributed,
                period,
                cost,
                price: called(cost, part.calls, source, own, list),
                account: row.account.as_ref(),
                region: row.region.as_ref(),
                secret: None,
                former: None,
                source,
            })
        };
        months.filter_map(charge).collect()
    }

    /// The partition of a Region, by the secrets that stand in it.
    fn partition(&self, region: &Region) -> &'a str {
        let mut rows = self.report.secrets.iter();
        let here = rows.find(|row| row.region == *region);
        here.map_or("aws", |row| row.arn.partition())
    }
}

/// The calendar months that hold a window.
fn months_of(window: Span) -> Span {
    let last = Timestamp::from_second(window.to.as_second() - 1).unwrap_or(window.to);
    Span {
        from: Month::of(window.from).span().from,
        to: Month::of(last.max(window.from)).span().to,
    }
}

#[cfg(test)]
mod tests;
