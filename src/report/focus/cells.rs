//! The cells of a charge: what each column of FOCUS, and each of ours, says of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::price::QuantitySource;
use super::{Charge, FocusCharge, FocusWriter, regions};
use crate::domain::base::names::{AccountId, Scope};
use crate::domain::report::result::{Report, SecretRow};
use crate::report::escape;

/// Returns what is charged. FOCUS has no column for how sure a quantity is, so the description says that it is an
/// estimate.
fn description(charge: &Charge<'_>) -> String {
    let what = match charge.part {
        FocusCharge::Storage => "Storage of a secret",
        FocusCharge::FormerStorage => "Storage of a secret until it was deleted for good",
        FocusCharge::Api => "API calls on a secret",
        FocusCharge::Kms => "KMS requests to decrypt a secret",
        FocusCharge::Unattributed => "API calls that belong to no secret",
    };
    match charge.source {
        QuantitySource::Counted => what.to_owned(),
        QuantitySource::Sampled => format!("{what} (estimated from a sample)"),
        QuantitySource::Scaled => {
            format!("{what} (estimated: scaled from the hours that the trail covers)")
        }
    }
}

fn frequency(part: FocusCharge) -> &'static str {
    match part {
        FocusCharge::Storage | FocusCharge::FormerStorage => "Recurring",
        FocusCharge::Api | FocusCharge::Kms | FocusCharge::Unattributed => "Usage-Based",
    }
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

impl FocusWriter<'_> {
    pub(super) fn cells(&self, charge: &Charge<'_>) -> BTreeMap<&'static str, String> {
        let (report, secret) = (self.report, charge.secret);
        let cost = charge.cost.to_string();
        let account = charge.account.map(ToString::to_string);
        let region = charge.region.map(ToString::to_string).unwrap_or_default();
        let (service, unit) = match charge.part {
            FocusCharge::Storage | FocusCharge::FormerStorage => {
                ("AWS Secrets Manager", "Secret-Months")
            }
            FocusCharge::Api | FocusCharge::Unattributed => ("AWS Secrets Manager", "Requests"),
            FocusCharge::Kms => ("AWS Key Management Service", "Requests"),
        };
        let text = |text: Option<&str>| text.map(escape::cell).unwrap_or_default();
        // The payer is not null by the specification; where the event names no account there is only who asked.
        let payer = account.clone().or_else(|| caller_account(report));
        let scope = charge.account.cloned().zip(charge.region.cloned());
        let covered = scope.map(|(account, region)| self.facts.covered(&Scope { account, region }));
        let is_storage = unit == "Secret-Months";
        let name = secret.map(|row| row.name.as_str());
        let name = name.or(charge.former.map(|row| row.name.as_str()));
        let arn = secret.map(|row| &row.arn);
        let arn = arn.or(charge.former.and_then(|row| row.arn.as_ref()));
        // The specification has a type only beside an id.
        let kind = arn.map(|_| "Secret".to_owned()).unwrap_or_default();
        let account_name = charge.account.and_then(|id| report.account_names.get(id));
        BTreeMap::from([
            ("BilledCost", cost.clone()),
            (
                "BillingAccountId",
                payer.unwrap_or_else(|| "unknown".to_owned()),
            ),
            ("BillingCurrency", "USD".to_owned()),
            ("BillingPeriodEnd", moment(charge.period.billing.to)),
            ("BillingPeriodStart", moment(charge.period.billing.from)),
            ("ChargeCategory", "Usage".to_owned()),
            ("ChargeDescription", description(charge)),
            ("ChargeFrequency", frequency(charge.part).to_owned()),
            ("ChargePeriodEnd", moment(charge.period.charge.to)),
            ("ChargePeriodStart", moment(charge.period.charge.from)),
            ("ConsumedQuantity", charge.price.quantity.clone()),
            ("ConsumedUnit", unit.to_owned()),
            ("ContractedCost", cost.clone()),
            ("ContractedUnitPrice", charge.price.contracted.clone()),
            ("EffectiveCost", cost),
            ("HostProviderName", "AWS".to_owned()),
            ("InvoiceIssuerName", "AWS".to_owned()),
            ("ListCost", charge.price.list_cost.to_string()),
            ("ListUnitPrice", charge.price.list.clone()),
            ("PricingCategory", "Standard".to_owned()),
            ("PricingQuantity", charge.price.quantity.clone()),
            ("PricingUnit", unit.to_owned()),
            ("ProviderName", "AWS".to_owned()),
            ("PublisherName", "AWS".to_owned()),
            (
                "RegionName",
                regions::name(&region).unwrap_or(&region).to_owned(),
            ),
            ("RegionId", region),
            (
                "ResourceId",
                arn.map(|arn| escape::one_line(arn.as_str()))
                    .unwrap_or_default(),
            ),
            ("ResourceName", text(name)),
            ("ResourceType", kind),
            ("ServiceCategory", "Security".to_owned()),
            ("ServiceName", service.to_owned()),
            ("ServiceProviderName", "AWS".to_owned()),
            ("ServiceSubcategory", "Secret Management".to_owned()),
            ("SubAccountId", account.unwrap_or_default()),
            ("SubAccountName", text(account_name.map(String::as_str))),
            ("Tags", secret.map(tags).unwrap_or_default()),
            ("x_BillingAccountIsAssumed", "true".to_owned()),
            (
                "x_CoveredShare",
                covered.filter(|_| !is_storage).unwrap_or_default(),
            ),
            (
                "x_EvidenceDays",
                secret
                    .map(|row| row.evidence_days.to_string())
                    .unwrap_or_default(),
            ),
            ("x_FocusVersion", self.version.as_str().to_owned()),
            ("x_IsEstimate", "true".to_owned()),
            ("x_Owner", text(secret.and_then(|row| row.owner.as_deref()))),
            (
                "x_PriceBasis",
                secret
                    .map_or("list", |row| self.facts.price_basis(row))
                    .to_owned(),
            ),
            ("x_PriceSource", escape::cell(&report.policy.prices)),
            (
                "x_Verdict",
                secret
                    .map(|row| row.verdict.as_str().to_owned())
                    .unwrap_or_default(),
            ),
        ])
    }
}
