//! What `aws ce get-cost-and-usage` printed, grouped by usage type.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;

use super::BillFileError;
use super::columns::{moment, short, unknown};
use crate::domain::base::names::{AccountId, Region};
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::usage_type::{CostPart, is_secrets_manager, region_of};
use crate::domain::pricing::bill::{Amount, Bill, BillLine, BillLineKind};

/// One page of an answer. AWS adds fields: unknown ones are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExplorerPage {
    results_by_time: Vec<Period>,
    #[serde(default)]
    group_definitions: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Period {
    #[serde(rename = "TimePeriod")]
    limits: Limits,
    #[serde(default)]
    groups: Vec<ExplorerGroup>,
    #[serde(default)]
    estimated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Limits {
    start: String,
    end: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExplorerGroup {
    keys: Vec<String>,
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    amount: String,
    #[serde(default)]
    unit: String,
}

/// The metrics that are a cost, best first.
const COSTS: [&str; 4] = [
    "UnblendedCost",
    "AmortizedCost",
    "NetUnblendedCost",
    "BlendedCost",
];

/// Reads the pages of an answer, one after another.
pub(super) fn read(source: impl BufRead, bill: &mut Bill) -> Result<(), BillFileError> {
    let pages = serde_json::Deserializer::from_reader(source).into_iter::<ExplorerPage>();
    for page in pages {
        let page = page.map_err(|fault| {
            if fault.is_io() {
                BillFileError::Io(fault.into())
            } else {
                BillFileError::Form(format!(
                    "it is JSON and no answer of Cost Explorer with `ResultsByTime` ({fault})"
                ))
            }
        })?;
        read_page(&page, bill)?;
    }
    Ok(())
}

fn read_page(page: &ExplorerPage, bill: &mut Bill) -> Result<(), BillFileError> {
    let place = |key: &str| page.group_definitions.iter().position(|by| by.key == key);
    let Some(usage_type) = place("USAGE_TYPE") else {
        return Err(BillFileError::Form(
            "Cost Explorer was not asked by usage type; ask with `--group-by Type=DIMENSION,Key=USAGE_TYPE \
             Type=DIMENSION,Key=LINKED_ACCOUNT`"
                .to_owned(),
        ));
    };
    let (account, region) = (place("LINKED_ACCOUNT"), place("REGION"));
    let service = place("SERVICE");
    for period in &page.results_by_time {
        let limits = &period.limits;
        let (Some(from), Some(to)) = (moment(&limits.start), moment(&limits.end)) else {
            bill.skip(format!("`{}` is no time", short(&limits.start)));
            continue;
        };
        for group in &period.groups {
            let key = |place: usize| group.keys.get(place).map(String::as_str);
            let usage = key(usage_type).unwrap_or_default();
            let is_ours = usage.contains("AWSSecretsManager")
                || service.and_then(key).is_some_and(is_secrets_manager);
            let other = is_ours.then_some(CostPart::Other);
            let Some(part) = CostPart::of_usage_type(usage).or(other) else {
                continue;
            };
            let Some(metric) = COSTS.iter().find_map(|cost| group.metrics.get(*cost)) else {
                bill.skip("a group has no cost");
                continue;
            };
            let Some(cost) = Amount::parse(&metric.amount) else {
                bill.skip(format!("`{}` is no amount", short(&metric.amount)));
                continue;
            };
            let named = region
                .and_then(key)
                .and_then(|region| Region::new(region).ok());
            let quantity = group.metrics.get("UsageQuantity");
            bill.add(BillLine {
                account: account.and_then(key).and_then(|id| AccountId::new(id).ok()),
                region: named.or_else(|| region_of(usage)),
                part,
                kind: BillLineKind::Usage,
                cost,
                quantity: quantity.and_then(|quantity| Amount::parse(&quantity.amount)),
                currency: short(&metric.unit),
                secret: None,
                span: Some(Span { from, to }),
                estimated: period.estimated,
                usage_type: (part == CostPart::Other).then(|| unknown(usage)),
            });
        }
    }
    Ok(())
}
