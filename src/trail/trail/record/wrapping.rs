//! What other services and tools write around a record of CloudTrail, taken off.
//!
//! Known are entries of LookupEvents (`CloudTrailEvent`), events of CloudWatch Logs (`message`, and `@message` in results of
//! Logs Insights), events of EventBridge (`detail`), documents of Elasticsearch and OpenSearch (`event.original`), and rows
//! of CloudTrail Lake and Athena (`eventJson`, or a column for each member).

use serde_json::{Map, Value};

use super::columns;
use super::no_record::NoRecord;

/// A record without what was around it.
pub(super) struct UnwrappedRecord {
    pub members: Map<String, Value>,
    /// The record was taken out of what another service wrote around it. Such a selection may be filtered, so it proves
    /// nothing about what is not in it.
    pub is_selected: bool,
}

/// Documents of Filebeat or an ingest pipeline that keep no original.
pub(super) const FLATTENED: &str = "the documents of Elasticsearch or OpenSearch hold the fields of the records (`aws.cloudtrail`) \
     without `event.original`: index with `preserve_original_event`, or give the log files of the trail";

/// Results of Logs Insights without the records.
pub(super) const NO_MESSAGE: &str = "the result of CloudWatch Logs Insights has no `@message`: ask for \
     `fields @message | filter eventSource = \"secretsmanager.amazonaws.com\"`";

/// The beginning of a message that CloudWatch Logs itself sends to the receiver of a subscription.
const CONTROL: &str = "CWL CONTROL MESSAGE";

/// The end of the `detail-type` that EventBridge gives to what CloudTrail recorded.
const BY_CLOUDTRAIL: &str = "via CloudTrail";

/// Wrappings in one another that are taken off. Real ones are three: a hit, a document and a text.
const DEPTH: u8 = 8;

/// Takes off what is around a record.
pub(super) fn unwrapped(value: Value) -> Result<UnwrappedRecord, NoRecord> {
    match value {
        // The elements of an array of records are texts only where somebody took them out of something.
        Value::Object(members) if members.contains_key("eventTime") => Ok(UnwrappedRecord {
            members,
            is_selected: false,
        }),
        // A record as AWS writes it, whose time is damaged: no row of a query, which would lack a column.
        Value::Object(members)
            if members.contains_key("eventVersion")
                && members.get("userIdentity").is_some_and(Value::is_object) =>
        {
            Err(NoRecord::Unreadable)
        }
        Value::Object(mut members) if members.contains_key("CloudTrailEvent") => {
            let entry = members.remove("CloudTrailEvent").unwrap_or_default();
            let found = inside(entry, DEPTH)?;
            Ok(UnwrappedRecord {
                is_selected: false,
                ..found
            })
        }
        other => inside(other, DEPTH),
    }
}

fn inside(value: Value, depth: u8) -> Result<UnwrappedRecord, NoRecord> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(NoRecord::Unreadable);
    };
    match value {
        Value::Object(members) if members.contains_key("eventTime") => Ok(UnwrappedRecord {
            members,
            is_selected: true,
        }),
        Value::Object(members) => in_object(members, depth),
        Value::Array(parts) => in_row(row_of(parts)?, depth),
        Value::String(text) if text.starts_with(CONTROL) => Err(NoRecord::Other),
        Value::String(text) => {
            let value = serde_json::from_str(&text).map_err(|_| NoRecord::Unreadable)?;
            inside(value, depth)
        }
        _ => Err(NoRecord::Unreadable),
    }
}

fn in_object(mut members: Map<String, Value>, depth: u8) -> Result<UnwrappedRecord, NoRecord> {
    if let Some(original) = original(&mut members) {
        return inside(original, depth);
    }
    for key in ["_source", "@message", "message"] {
        if let Some(value) = members.remove(key) {
            return inside(value, depth);
        }
    }
    if let Some(detail) = members.remove("detail") {
        let of = members.get("detail-type").and_then(Value::as_str);
        if of.is_some_and(|of| !of.ends_with(BY_CLOUDTRAIL)) {
            return Err(NoRecord::Other);
        }
        return match detail {
            Value::Object(_) => inside(detail, depth),
            _ => Err(NoRecord::Unreadable),
        };
    }
    let is_flattened = |key: &String| key.starts_with("aws.cloudtrail");
    let has_part = members.get("aws").and_then(|aws| aws.get("cloudtrail"));
    if has_part.is_some() || members.keys().any(is_flattened) {
        return Err(NoRecord::Named(FLATTENED));
    }
    in_row(members, depth)
}

/// The record as it came, in a document of Elastic's common schema.
fn original(members: &mut Map<String, Value>) -> Option<Value> {
    let dotted = members.remove("event.original");
    let nested = || {
        members
            .get_mut("event")?
            .as_object_mut()?
            .remove("original")
    };
    dotted.or_else(nested).filter(Value::is_string)
}

/// The row that an array is: of Logs Insights, a `field` and a `value` for each column; of CloudTrail Lake, an object of
/// one member for each.
fn row_of(parts: Vec<Value>) -> Result<Map<String, Value>, NoRecord> {
    let mut row = Map::new();
    for part in parts {
        let Value::Object(mut part) = part else {
            return Err(NoRecord::Unreadable);
        };
        match (part.remove("field"), part.remove("value")) {
            (Some(Value::String(name)), Some(value)) => {
                row.insert(name, value);
            }
            (None, None) => row.extend(part),
            _ => return Err(NoRecord::Unreadable),
        }
    }
    if row.contains_key("@ptr") && !row.contains_key("@message") {
        return Err(NoRecord::Named(NO_MESSAGE));
    }
    Ok(row)
}

/// A row with one column that holds whole records, or with a column for each member of them.
fn in_row(mut row: Map<String, Value>, depth: u8) -> Result<UnwrappedRecord, NoRecord> {
    let whole = row
        .keys()
        .find(|name| columns::holds_records(name))
        .cloned();
    if let Some(value) = whole.and_then(|name| row.remove(&name)) {
        return inside(value, depth);
    }
    let members = columns::record(row)?;
    Ok(UnwrappedRecord {
        members,
        is_selected: true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_belongs_there_and_is_no_record_is_passed_over() {
        let control = json!({"id": "", "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose."});
        let other = json!({"detail-type": "EC2 Instance State-change Notification", "detail": {"state": "running"}});
        for value in [control, other] {
            assert_eq!(unwrapped(value).err(), Some(NoRecord::Other));
        }
    }

    #[test]
    fn a_record_without_its_time_is_no_row_that_lacks_a_column() {
        let damaged = json!({
            "eventVersion": "1.11", "userIdentity": {"type": "Root"}, "\u{feff}eventTime": "2026-10-12T06:00:00Z",
            "eventSource": "secretsmanager.amazonaws.com", "eventName": "GetSecretValue", "awsRegion": "us-east-1",
        });
        assert_eq!(unwrapped(damaged.clone()).err(), Some(NoRecord::Unreadable));
        // As text in another's field it is a row of a query.
        let mut row = damaged;
        row["userIdentity"] = json!("{\"type\": \"Root\"}");
        let lacks = NoRecord::Named(columns::MISSING);
        assert_eq!(unwrapped(row).err(), Some(lacks));
        // And so is one that has neither a time nor what every record begins with.
        let rest =
            json!({"eventSource": "secretsmanager.amazonaws.com", "eventName": "GetSecretValue"});
        assert_eq!(
            unwrapped(rest).err(),
            Some(NoRecord::Named(columns::MISSING))
        );
    }

    #[test]
    fn texts_in_texts_have_an_end() {
        let mut text = json!({"eventTime": "2026-10-12T06:00:00Z"}).to_string();
        for _ in 0..DEPTH {
            text = json!(text).to_string();
        }
        assert_eq!(unwrapped(json!(text)).err(), Some(NoRecord::Unreadable));
    }

    #[test]
    fn fields_without_the_record_are_named() {
        let flat = json!({"_source": {"aws": {"cloudtrail": {"event_type": "AwsApiCall"}}, "event": {"action": "GetSecretValue"}}});
        assert_eq!(unwrapped(flat).err(), Some(NoRecord::Named(FLATTENED)));
        let insights = json!([{"field": "eventName", "value": "GetSecretValue"}, {"field": "@ptr", "value": "C"}]);
        assert_eq!(unwrapped(insights).err(), Some(NoRecord::Named(NO_MESSAGE)));
    }
}
