//! `focus.csv`: what the window cost, in the columns of FOCUS 1.2, the form in which finance receives cloud bills.
//!
//! One row a charge: each secret's storage, API calls and KMS requests, and the calls that belong to no secret. The file
//! is FOCUS-shaped and no bill: every row says `x_IsEstimate` = `true`, and all four cost columns hold the one estimate.
//! What costs nothing is no charge and has no row; what is unknown has none either, and `report.json` says what that is.
//!
//! Conditional columns that an estimate could only invent (SKU ids, contracts, commitments, invoices) are left out. The
//! payer of an account is not known here: `BillingAccountId` is the account itself, and `x_BillingAccountIsAssumed` says
//! so. A window over several calendar months has them all as its billing period.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::csv::{bytes, table};
use super::escape;
use crate::domain::base::money::{Money, Price};
use crate::domain::base::month::Month;
use crate::domain::base::names::{AccountId, Region, Scope};
use crate::domain::report::result::{Report, SecretRow};
use crate::domain::report::sums;

/// The version of the specification that the columns follow.
pub const VERSION: &str = "1.2";

/// The columns: those of FOCUS by name, then ours.
pub const COLUMNS: [&str; 43] = [
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
    "ServiceSubcategory",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_BillingAccountIsAssumed",
    "x_EvidenceDays",
    "x_FocusVersion",
    "x_IsEstimate",
    "x_Owner",
    "x_PriceSource",
    "x_Verdict",
];

/// What is charged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FocusCharge {
    Storage,
    Api,
    Kms,
    Unattributed,
}

/// One charge.
struct Charge<'a> {
    part: FocusCharge,
    cost: Money,
    quantity: String,
    unit_price: String,
    account: Option<&'a AccountId>,
    region: Option<&'a Region>,
    secret: Option<&'a SecretRow>,
    /// The quantity comes from a sample of the calls.
    source: QuantitySource,
}

/// Where a quantity comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum QuantitySource {
    Counted,
    Sampled,
}

impl QuantitySource {
    fn of<T>(estimate: Option<&T>) -> Self {
        estimate.map_or(Self::Counted, |_| Self::Sampled)
    }
}

/// Writes the file: a header, and the charges by account, Region, name and part.
pub fn csv(report: &Report) -> Vec<u8> {
    let prices = UnitPrices::of(report);
    let secrets = report.secrets.iter().flat_map(|row| {
        let scope = row.arn.scope();
        charges(row, prices.list.get(scope), prices.month(scope))
    });
    let unattributed = report.unattributed.iter().filter_map(|row| {
        let cost = row.window_api_usd.filter(|cost| *cost > Money::ZERO)?;
        let scope = row.account.clone().zip(row.region.clone());
        let price = scope.and_then(|(account, region)| {
            let list = prices.list.get(&Scope { account, region })?;
            Some(list.api_10k)
        });
        Some(Charge {
            part: FocusCharge::Unattributed,
            cost,
            quantity: row.calls.to_string(),
            unit_price: unit_price(cost, row.calls, price),
            account: row.account.as_ref(),
            region: row.region.as_ref(),
            secret: None,
            source: QuantitySource::of(row.estimate.as_ref()),
        })
    });
    let charges = secrets.chain(unattributed);
    let rows = charges.map(|charge| record(report, &charge));
    bytes(|out| table(COLUMNS, rows, out))
}

/// The unit prices of a report.
struct UnitPrices {
    /// Those that the costs rest on, by account and Region.
    list: HashMap<Scope, Price>,
    /// Without any of them, in a report of an older version: what a secret costs a month, by the run rates of those that
    /// pay for storage.
    seen: HashMap<Scope, Money>,
}

impl UnitPrices {
    fn of(report: &Report) -> Self {
        let list = sums::prices(report);
        let seen = if list.is_empty() {
            let paying = report.secrets.iter().filter_map(|row| {
                let usd = row.cost.storage_usd.filter(|usd| *usd > Money::ZERO)?;
                Some((row.scope(), usd))
            });
            paying.collect()
        } else {
            HashMap::new()
        };
        Self { list, seen }
    }

    /// What a secret costs a month. Where nobody in an older report pays for storage any more, the price of another
    /// place has to do.
    fn month(&self, scope: &Scope) -> Option<Money> {
        let list = self.list.get(scope).map(|price| price.secret_month);
        let seen = || self.seen.get(scope).copied();
        list.or_else(seen)
            .or_else(|| self.seen.values().copied().max())
    }
}

fn charges<'a>(
    row: &'a SecretRow,
    price: Option<&Price>,
    monthly: Option<Money>,
) -> Vec<Charge<'a>> {
    let charge = |part, cost: Option<Money>, quantity: &dyn Fn(Money) -> (String, String)| {
        let cost = cost.filter(|cost| *cost > Money::ZERO)?;
        let (quantity, unit_price) = quantity(cost);
        Some(Charge {
            part,
            cost,
            quantity,
            unit_price,
            account: Some(&row.account),
            region: Some(&row.region),
            secret: Some(row),
            source: match part {
                FocusCharge::Storage => QuantitySource::Counted,
                _ => QuantitySource::of(row.estimate.as_ref()),
            },
        })
    };
    let stored = |cost: Money| match monthly {
        Some(price) => (ratio(cost, price), price.to_string()),
        // Nobody in the report pays for storage any more: the whole charge is one unit.
        None => ("1".to_owned(), cost.to_string()),
    };
    let calls = |count: u64, of_10k: Option<Money>| {
        move |cost: Money| (count.to_string(), unit_price(cost, count, of_10k))
    };
    let (api, kms) = (
        price.map(|price| price.api_10k),
        price.map(|price| price.kms_10k),
    );
    [
        charge(FocusCharge::Storage, row.window_cost.storage_usd, &stored),
        charge(
            FocusCharge::Api,
            row.window_cost.api_usd,
            &calls(row.calls, api),
        ),
        charge(
            FocusCharge::Kms,
            row.window_cost.kms_usd,
            &calls(row.reads, kms),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `cost / price` with so many decimals that the product is the cost again, to the micro-dollar.
fn ratio(cost: Money, price: Money) -> String {
    decimal(i128::from(cost.0), i128::from(price.0), 12)
}

/// What one of so many units costs: by the price of 10,000, if it is known and gives the cost; else with so many decimals
/// that the product is the cost again, to the micro-dollar.
fn unit_price(cost: Money, count: u64, of_10k: Option<Money>) -> String {
    if let Some(price) = of_10k.filter(|price| price.scaled(count, 10_000) == cost) {
        return decimal(i128::from(price.0), 10_000 * 1_000_000, 10);
    }
    let digits = usize::try_from(count.checked_ilog10().unwrap_or(0)).unwrap_or(0);
    decimal(
        i128::from(cost.0),
        i128::from(count) * 1_000_000,
        digits + 8,
    )
}

/// A quotient as a plain decimal, rounded half up, without zeros at its end. Zero for a divisor of zero.
fn decimal(numerator: i128, divisor: i128, places: usize) -> String {
    if divisor == 0 {
        return "0".to_owned();
    }
    let places = places.min(18);
    let scale = 10_i128.pow(u32::try_from(places).unwrap_or(0));
    let scaled = (2 * numerator * scale + divisor).div_euclid(2 * divisor);
    let digits = format!("{:0>width$}", scaled.unsigned_abs(), width = places + 1);
    let (whole, decimals) = digits.split_at(digits.len() - places);
    let sign = if scaled < 0 { "-" } else { "" };
    let decimals = decimals.trim_end_matches('0');
    if decimals.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{decimals}")
    }
}

fn record(report: &Report, charge: &Charge<'_>) -> [String; COLUMNS.len()] {
    let cost = charge.cost.to_string();
    let secret = charge.secret;
    let account = charge.account.map(ToString::to_string);
    let region = charge.region.map(ToString::to_string).unwrap_or_default();
    let (start, end) = billing_period(report);
    let (service, unit) = match charge.part {
        FocusCharge::Storage => ("AWS Secrets Manager", "Secret-Months"),
        FocusCharge::Api | FocusCharge::Unattributed => ("AWS Secrets Manager", "Requests"),
        FocusCharge::Kms => ("AWS Key Management Service", "Requests"),
    };
    let text = |text: Option<&str>| text.map(escape::cell).unwrap_or_default();
    // The payer is not null by the specification; where the event names no account there is only who asked.
    let payer = account.clone().or_else(|| caller_account(report));
    let fields: BTreeMap<&str, String> = BTreeMap::from([
        ("BilledCost", cost.clone()),
        (
            "BillingAccountId",
            payer.unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("BillingCurrency", "USD".to_owned()),
        ("BillingPeriodEnd", end),
        ("BillingPeriodStart", start),
        ("ChargeCategory", "Usage".to_owned()),
        ("ChargeDescription", description(charge)),
        ("ChargeFrequency", frequency(charge.part).to_owned()),
        ("ChargePeriodEnd", moment(report.window.to)),
        ("ChargePeriodStart", moment(report.window.from)),
        ("ConsumedQuantity", charge.quantity.clone()),
        ("ConsumedUnit", unit.to_owned()),
        ("ContractedCost", cost.clone()),
        ("ContractedUnitPrice", charge.unit_price.clone()),
        ("EffectiveCost", cost.clone()),
        ("InvoiceIssuerName", "AWS".to_owned()),
        ("ListCost", cost),
        ("ListUnitPrice", charge.unit_price.clone()),
        ("PricingCategory", "Standard".to_owned()),
        ("PricingQuantity", charge.quantity.clone()),
        ("PricingUnit", unit.to_owned()),
        ("ProviderName", "AWS".to_owned()),
        ("PublisherName", "AWS".to_owned()),
        ("RegionId", region.clone()),
        ("RegionName", region),
        (
            "ResourceId",
            secret
                .map(|row| escape::one_line(row.arn.as_str()))
                .unwrap_or_default(),
        ),
        ("ResourceName", text(secret.map(|row| row.name.as_str()))),
        (
            "ResourceType",
            secret.map(|_| "Secret".to_owned()).unwrap_or_default(),
        ),
        ("ServiceCategory", "Security".to_owned()),
        ("ServiceName", service.to_owned()),
        ("ServiceSubcategory", "Secret Management".to_owned()),
        ("SubAccountId", account.unwrap_or_default()),
        ("Tags", secret.map(tags).unwrap_or_default()),
        ("x_BillingAccountIsAssumed", "true".to_owned()),
        (
            "x_EvidenceDays",
            secret
                .map(|row| row.evidence_days.to_string())
                .unwrap_or_default(),
        ),
        ("x_FocusVersion", VERSION.to_owned()),
        ("x_IsEstimate", "true".to_owned()),
        ("x_Owner", text(secret.and_then(|row| row.owner.as_deref()))),
        ("x_PriceSource", escape::cell(&report.policy.prices)),
        (
            "x_Verdict",
            secret
                .map(|row| row.verdict.as_str().to_owned())
                .unwrap_or_default(),
        ),
    ]);
    COLUMNS.map(|column| fields.get(column).cloned().unwrap_or_default())
}

/// What is charged. FOCUS has no column for how sure a quantity is, so the description says that it is an estimate.
fn description(charge: &Charge<'_>) -> String {
    let what = match charge.part {
        FocusCharge::Storage => "Storage of a secret",
        FocusCharge::Api => "API calls on a secret",
        FocusCharge::Kms => "KMS requests to decrypt a secret",
        FocusCharge::Unattributed => "API calls that belong to no secret",
    };
    match charge.source {
        QuantitySource::Counted => what.to_owned(),
        QuantitySource::Sampled => format!("{what} (estimated from a sample)"),
    }
}

fn frequency(part: FocusCharge) -> &'static str {
    match part {
        FocusCharge::Storage => "Recurring",
        FocusCharge::Api | FocusCharge::Kms | FocusCharge::Unattributed => "Usage-Based",
    }
}

/// The calendar months that hold the window.
fn billing_period(report: &Report) -> (String, String) {
    let last = Timestamp::from_second(report.window.to.as_second() - 1).unwrap_or(report.window.to);
    let start = Month::of(report.window.from).span().from;
    let end = Month::of(last.max(report.window.from)).span().to;
    (moment(start), moment(end))
}

/// `YYYY-MM-DDTHH:mm:ssZ`, without fractions.
fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn caller_account(report: &Report) -> Option<String> {
    let account = report.caller.as_ref()?.split(':').nth(4)?;
    AccountId::new(account).ok().map(String::from)
}

/// The tags as a JSON object; null without any.
fn tags(row: &SecretRow) -> String {
    if row.tags.is_empty() {
        return String::new();
    }
    let shown: BTreeMap<String, String> = row
        .tags
        .iter()
        .map(|(key, value)| (escape::one_line(key), escape::one_line(value)))
        .collect();
    serde_json::to_string(&shown).unwrap_or_default()
}

#[cfg(test)]
mod tests;
