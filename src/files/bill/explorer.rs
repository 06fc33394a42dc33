//! What `aws ce get-cost-and-usage` printed, grouped by usage type or by service, one page or an array of them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::BillFileError;
use super::columns::{moment, short, unknown};
use crate::domain::base::names::{AccountId, Region};
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::usage_type::{CostPart, is_secrets_manager, region_of};
use crate::domain::pricing::bill::{Amount, Bill, BillLine, BillLineKind};
use crate::files::bounded::{TotalReader, ValueEnd, ValueReader};

/// One page of an answer. AWS adds fields: unknown ones are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExplorerPage {
    #[serde(deserialize_with = "few::<10_000, _, _>")]
    results_by_time: Vec<Period>,
    #[serde(default, deserialize_with = "few::<16, _, _>")]
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
    #[serde(default, deserialize_with = "ours")]
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
    #[serde(deserialize_with = "few::<16, _, _>")]
    keys: Vec<String>,
    #[serde(deserialize_with = "costs")]
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    amount: String,
    #[serde(default)]
    unit: String,
}

/// The metric that is an amount of use.
const QUANTITY: &str = "UsageQuantity";

/// The metrics that are a cost, best first.
const COSTS: [&str; 4] = [
    "UnblendedCost",
    "AmortizedCost",
    "NetUnblendedCost",
    "BlendedCost",
];

/// The largest answer that is read.
const LARGEST: u64 = 256 << 20;

/// The most groups of this service in one period: one for each account, Region and usage type.
const MOST_GROUPS: usize = 200_000;

/// A list of bounded length. An answer by the hour over a year has 8,760 periods; the other lists have a few entries.
fn few<'de, const MOST: usize, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(BoundedList {
        most: MOST,
        is_wanted: |_| true,
    })
}

/// The groups that may be about this service. All others are most of an answer that was not filtered.
fn ours<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ExplorerGroup>, D::Error> {
    from.deserialize_seq(BoundedList {
        most: MOST_GROUPS,
        is_wanted: may_be_ours,
    })
}

fn may_be_ours(group: &ExplorerGroup) -> bool {
    group.keys.iter().any(|key| {
        CostPart::of_usage_type(key).is_some()
            || key.contains("AWSSecretsManager")
            || is_secrets_manager(key)
    })
}

/// The condition on which entries of a list are kept, and the most that may be kept.
struct BoundedList<T> {
    most: usize,
    is_wanted: fn(&T) -> bool,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for BoundedList<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut kept = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if !(self.is_wanted)(&entry) {
                continue;
            }
            if kept.len() == self.most {
                let words = format!("more than {} entries in one list", self.most);
                return Err(A::Error::custom(words));
            }
            kept.push(entry);
        }
        Ok(kept)
    }
}

/// The metrics that are a cost or a quantity; an answer may hold others.
fn costs<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Metric>, D::Error> {
    struct Metrics;

    impl<'de> Visitor<'de> for Metrics {
        type Value = BTreeMap<String, Metric>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut metrics: A) -> Result<Self::Value, A::Error> {
            let mut kept = BTreeMap::new();
            while let Some(name) = metrics.next_key::<String>()? {
                if COSTS.contains(&name.as_str()) || name == QUANTITY {
                    kept.insert(name, metrics.next_value()?);
                } else {
                    metrics.next_value::<IgnoredAny>()?;
                }
            }
            Ok(kept)
        }
    }

    from.deserialize_map(Metrics)
}

/// Reads the pages of an answer, one after another.
pub(super) fn read(source: impl BufRead, bill: &mut Bill) -> Result<(), BillFileError> {
    let total = TotalReader::new(source, LARGEST, ": ask for fewer months at a time");
    let source = BufReader::new(ValueReader::new(total, ValueEnd::Json));
    let answers = serde_json::Deserializer::from_reader(source).into_iter::<ExplorerAnswer>();
    for answer in answers {
        let ExplorerAnswer(pages) = answer.map_err(|fault| {
            if fault.is_io() {
                BillFileError::Io(fault.into())
            } else {
                BillFileError::Form(format!(
                    "it is JSON and no answer of Cost Explorer with `ResultsByTime` ({fault})"
                ))
            }
        })?;
        for page in &pages {
            read_page(page, bill)?;
        }
    }
    Ok(())
}

/// A page, or an array of pages: the command line has no paginator for this call, so people collect them.
struct ExplorerAnswer(Vec<ExplorerPage>);

impl<'de> Deserialize<'de> for ExplorerAnswer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        /// The most pages in one array.
        const MOST_PAGES: usize = 10_000;

        struct Pages;

        impl<'de> Visitor<'de> for Pages {
            type Value = ExplorerAnswer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer of Cost Explorer, or an array of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, page: A) -> Result<ExplorerAnswer, A::Error> {
                let page = ExplorerPage::deserialize(MapAccessDeserializer::new(page))?;
                Ok(ExplorerAnswer(vec![page]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, pages: A) -> Result<ExplorerAnswer, A::Error> {
                let list = BoundedList {
                    most: MOST_PAGES,
                    is_wanted: |_: &ExplorerPage| true,
                };
                list.visit_seq(pages).map(ExplorerAnswer)
            }
        }

        from.deserialize_any(Pages)
    }
}

fn read_page(page: &ExplorerPage, bill: &mut Bill) -> Result<(), BillFileError> {
    let index_of = |key: &str| page.group_definitions.iter().position(|by| by.key == key);
    let (usage_type, service) = (index_of("USAGE_TYPE"), index_of("SERVICE"));
    if usage_type.is_none() && service.is_none() {
        return Err(BillFileError::Form(
            "Cost Explorer was not asked by usage type or by service, so its amounts may be any service's; ask with \
             `--group-by Type=DIMENSION,Key=USAGE_TYPE Type=DIMENSION,Key=LINKED_ACCOUNT`"
                .to_owned(),
        ));
    }
    let (account, region) = (index_of("LINKED_ACCOUNT"), index_of("REGION"));
    for period in &page.results_by_time {
        let limits = &period.limits;
        let (Some(from), Some(to)) = (moment(&limits.start), moment(&limits.end)) else {
            bill.skip(format!("`{}` is no time", short(&limits.start)));
            continue;
        };
        for group in &period.groups {
            let key = |index: usize| group.keys.get(index).map(String::as_str);
            let usage = usage_type.and_then(key).unwrap_or_default();
            let is_ours = usage.contains("AWSSecretsManager")
                || service.and_then(key).is_some_and(is_secrets_manager);
            let unnamed = if usage_type.is_some() {
                CostPart::Other
            } else {
                CostPart::Whole
            };
            let other = is_ours.then_some(unnamed);
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
            let quantity = group.metrics.get(QUANTITY);
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
