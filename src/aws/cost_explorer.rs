//! The bill of a window by Cost Explorer: `GetCostAndUsage` by usage type and account.
//!
//! AWS charges for each request, also for each further page, so the number of requests has a bound, and reaching it is an
//! error: half a bill would pass for a whole one. At most two groups may be asked for; the Region follows from the usage
//! type. Only usage is asked for (`RECORD_TYPE`), because an answer by usage type does not tell credits, refunds and taxes
//! from it. Answers are handed over as they came, for the reader of Cost Explorer's JSON.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::AwsSession;
use super::services::COST_EXPLORER;
use crate::domain::base::span::Span;
use crate::ports::Fault;

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &["ce:GetCostAndUsage"];

/// Asks for what was used in a span, by the day; gives the pages as they came. A span that ends within a day is asked for to
/// the end of that day.
///
/// # Errors
/// The [`Fault`] of a request; [`Fault::Refused`] if there are more pages than requests allowed.
pub async fn pages(session: &AwsSession, span: Span, most: usize) -> Result<Vec<Value>, Fault> {
    let operation = session.operation(&COST_EXPLORER, "ce:GetCostAndUsage", &session.base)?;
    let (pages, fault) = operation
        .pages_up_to(most, input(span), "NextPageToken")
        .await;
    match fault {
        None => Ok(pages),
        Some(fault) => Err(fault),
    }
}

/// The end is exclusive.
fn input(span: Span) -> Value {
    let day = |moment: Timestamp| moment.strftime("%Y-%m-%d").to_string();
    let almost_a_day = SignedDuration::from_secs(86_399);
    let end = span.to.checked_add(almost_a_day).unwrap_or(span.to);
    let is = |key: &str, values: &[&str]| json!({"Dimensions": {"Key": key, "Values": values}});
    let by = |key: &str| json!({"Type": "DIMENSION", "Key": key});
    json!({
        "TimePeriod": {"Start": day(span.from), "End": day(end)},
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost", "UsageQuantity"],
        "GroupBy": [by("USAGE_TYPE"), by("LINKED_ACCOUNT")],
        "Filter": {"And": [
            is("SERVICE", &["AWS Secrets Manager", "AWS Key Management Service"]),
            is("RECORD_TYPE", &["Usage"]),
        ]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_of_the_span_are_asked_for() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        for (from, to, start, end) in [
            (
                "2026-10-01T00:00:00Z",
                "2026-11-01T00:00:00Z",
                "2026-10-01",
                "2026-11-01",
            ),
            (
                "2026-10-02T13:00:00Z",
                "2026-11-01T13:00:00Z",
                "2026-10-02",
                "2026-11-02",
            ),
        ] {
            let span = Span {
                from: moment(from),
                to: moment(to),
            };
            let asked = input(span);
            assert_eq!(asked["TimePeriod"], json!({"Start": start, "End": end}));
        }
    }
}
