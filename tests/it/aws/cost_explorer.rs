//! Cost Explorer: what was charged by the day, grouped by usage type and account.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Asked, json_answer};
use super::http::Response;
use super::refusal::Refusal;
use super::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetCostAndUsage {
    time_period: Period,
    granularity: String,
    metrics: Vec<String>,
    group_by: Vec<Value>,
    filter: Value,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Period {
    start: String,
    end: String,
}

/// Days on a page.
const DAYS: usize = 10;

/// Answers `GetCostAndUsage`, the one operation there is.
pub fn answer(world: &mut World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let invalid = |message: &str| Refusal::new(400, "ValidationException", message);
    if asked.op != "GetCostAndUsage" {
        let message = format!("no operation {}", asked.op);
        return Err(Refusal::new(400, "UnknownOperationException", message));
    }
    let params: GetCostAndUsage = asked.params()?;
    let Period { start, end } = params.time_period;
    if start >= end || params.granularity != "DAILY" || params.group_by.len() > 2 {
        return Err(invalid(
            "the period, the granularity or the groups are wrong",
        ));
    }
    // Without it credits and taxes would be in the same rows.
    if !params.filter.to_string().contains(r#"["Usage"]"#) {
        return Err(invalid("this test asks for usage alone"));
    }
    let (days, next) = asked.page(
        world,
        |runtime| &mut runtime.names,
        (params.next_page_token.as_deref(), DAYS),
        |world| {
            let days = world.charges.iter().map(|charge| charge.day.clone());
            let mut days: Vec<String> = days.filter(|day| (&start..&end).contains(&day)).collect();
            days.sort();
            days.dedup();
            days
        },
    )?;
    let periods = days.iter().map(|day| {
        let groups = world.charges.iter().filter(|charge| charge.day == *day);
        let groups = groups.map(|charge| {
            let metrics = params.metrics.iter().map(|metric| {
                let (amount, unit) = match metric.as_str() {
                    "UsageQuantity" => (&charge.quantity, "N/A"),
                    _ => (&charge.usd, "USD"),
                };
                (metric.clone(), json!({"Amount": amount, "Unit": unit}))
            });
            let metrics: serde_json::Map<String, Value> = metrics.collect();
            json!({"Keys": [charge.usage_type, charge.account], "Metrics": metrics})
        });
        json!({
            "TimePeriod": {"Start": day, "End": world_day_after(day)},
            "Total": {}, "Estimated": false, "Groups": groups.collect::<Vec<_>>(),
        })
    });
    let mut answer = json!({
        "ResultsByTime": periods.collect::<Vec<_>>(),
        "GroupDefinitions": params.group_by,
        "DimensionValueAttributes": [],
    });
    if let Some(next) = next {
        answer["NextPageToken"] = next.into();
    }
    Ok(json_answer(&answer))
}

fn world_day_after(day: &str) -> String {
    let day: jiff::civil::Date = day.parse().expect("a day");
    day.tomorrow().expect("a day after").to_string()
}
