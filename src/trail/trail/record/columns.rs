//! Rows of a query over a table of records: a column for each member of a record, or one that holds whole records.
//!
//! The tables of Athena and CloudTrail Lake name their columns like the members of a record, in lower case (CloudTrail User
//! Guide, "Supported SQL schemas for event data stores"; Athena User Guide, "Query AWS CloudTrail logs"). A structure is
//! read where the query gave it as JSON. As `{type=AssumedRole, ...}`, which is how both write one, it cannot be taken
//! apart with certainty, because a value may hold a comma.

use serde_json::{Map, Value};

use super::no_record::NoRecord;

/// Rows that lack something without which a call cannot be judged.
pub(super) const MISSING: &str = "the rows of the query's result lack columns of the records: select whole records (`eventJson` in CloudTrail Lake), or at least \
     eventTime, eventSource, eventName, awsRegion, recipientAccountId, userIdentity, userAgent, sourceIPAddress, \
     errorCode, errorMessage, requestParameters, responseElements, additionalEventData and eventID";

/// Structures that are no JSON.
pub(super) const STRUCTURES: &str = "the structures in the query's result are not JSON (`{type=AssumedRole, ...}`): select `eventJson` in CloudTrail Lake, or \
     `json_format(CAST(useridentity AS JSON)) AS useridentity` and the other columns in Athena";

/// A table of another form.
pub(super) const OTHER: &str = "the file is CSV, such as a result of Athena or of CloudTrail Lake, without the columns of records: give the \
     log files of the trail, or a result that has them (`SELECT *`, or `eventJson` in CloudTrail Lake)";

/// The columns that hold whole records, in lower case.
const WHOLE: [&str; 5] = [
    "eventjson",
    "@message",
    "cloudtrailevent",
    "event.original",
    "_source.event.original",
];

/// The members of a record that a query may give, and those inside of its structures.
const MEMBERS: [&str; 43] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "eventType",
    "managementEvent",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "vpcEndpointId",
    "eventCategory",
    "addendum",
    "sessionCredentialFromConsole",
    "tlsDetails",
    "type",
    "principalId",
    "arn",
    "accountId",
    "userName",
    "invokedBy",
    "sessionContext",
    "sessionIssuer",
    "webIdFederationData",
    "ec2RoleDelivery",
    "attributes",
    "federatedProvider",
    "creationDate",
    "mfaAuthenticated",
    "tlsVersion",
    "originalEventID",
    "onBehalfOf",
];

/// The columns without which a row of a list says too little: it may leave out those that are null.
const NEEDED: [&str; 5] = [
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "userIdentity",
];

/// The columns that a table must have besides: without one, a refusal would pass for a read, or a call for somebody else's.
const NEEDED_OF_TABLE: [&str; 9] = [
    "recipientAccountId",
    "userAgent",
    "sourceIPAddress",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "eventID",
];

/// Returns whether a column of this name holds whole records.
pub(super) fn holds_records(name: &str) -> bool {
    WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole))
}

/// The member of a record that a column of this name holds.
fn member(name: &str) -> Option<&'static str> {
    let mut all = MEMBERS.iter();
    all.find(|member| name.eq_ignore_ascii_case(member))
        .copied()
}

/// The contents of a table of these columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// Whole records, in this column.
    Whole(usize),
    /// A member of a record in each column that has a name here.
    Members(Vec<Option<&'static str>>),
}

impl Columns {
    /// Reads the header of a table. `Err`: it has columns of records, but not enough of them; `None`: it has none.
    pub(super) fn of<'n>(
        header: impl Iterator<Item = &'n str>,
    ) -> Option<Result<Self, &'static str>> {
        let names: Vec<&str> = header.map(str::trim).collect();
        if let Some(column) = names.iter().position(|name| holds_records(name)) {
            return Some(Ok(Self::Whole(column)));
        }
        let members: Vec<_> = names.iter().map(|name| member(name)).collect();
        let has = |name: &&str| members.contains(&Some(*name));
        if !members
            .iter()
            .flatten()
            .any(|name| name.starts_with("event"))
        {
            return None;
        }
        let is_whole = NEEDED.iter().all(has) && NEEDED_OF_TABLE.iter().all(has);
        Some(is_whole.then_some(Self::Members(members)).ok_or(MISSING))
    }

    /// The record in a row, or what stands there instead.
    pub(super) fn value<'c>(&self, cells: impl Iterator<Item = &'c str>) -> Value {
        let text = |cell: &str| Value::String(cell.to_owned());
        match self {
            Self::Whole(column) => cells.skip(*column).map(text).next().unwrap_or_default(),
            // A cell by itself, as CloudTrail Lake has it, so that a column passes for no member of a record.
            Self::Members(names) => {
                let pairs = names.iter().zip(cells);
                let row = pairs.filter_map(|(name, cell)| {
                    let part = [((*name)?.to_owned(), text(cell))];
                    Some(Value::Object(part.into_iter().collect()))
                });
                Value::Array(row.collect())
            }
        }
    }
}

/// The record that a row holds, a column for each member.
pub(super) fn record(row: Map<String, Value>) -> Result<Map<String, Value>, NoRecord> {
    let mut record = Map::new();
    for (name, value) in row {
        let Some(name) = member(&name) else {
            continue;
        };
        let value = match name {
            "userIdentity" | "tlsDetails" | "addendum" => structure(value).map(named_as_in_records),
            "requestParameters"
            | "responseElements"
            | "additionalEventData"
            | "serviceEventDetails" => structure(value),
            _ => Ok(value),
        };
        match value {
            Ok(value) => {
                record.insert(name.to_owned(), value);
            }
            // The version of TLS is not worth a record.
            Err(()) if name == "tlsDetails" => {}
            Err(()) => return Err(NoRecord::Named(STRUCTURES)),
        }
    }
    let has = |name: &&str| record.contains_key(*name);
    if NEEDED.iter().all(has) {
        Ok(record)
    } else if record.contains_key("eventSource") || record.contains_key("eventName") {
        Err(NoRecord::Named(MISSING))
    } else {
        Err(NoRecord::Unreadable)
    }
}

/// A structure, which a row holds as JSON in a text.
fn structure(value: Value) -> Result<Value, ()> {
    let Value::String(text) = value else {
        return Ok(value);
    };
    if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|_| ())
    } else {
        Ok(Value::String(text))
    }
}

/// A structure of Hive or Trino has its names in lower case, in the record they are not.
fn named_as_in_records(value: Value) -> Value {
    let Value::Object(members) = value else {
        return value;
    };
    let renamed = members.into_iter().map(|(name, value)| {
        let name = member(&name).map_or(name, str::to_owned);
        (name, named_as_in_records(value))
    });
    Value::Object(renamed.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Value {
        json!({
            "eventtime": "2026-10-12 06:00:00.000",
            "eventsource": "secretsmanager.amazonaws.com",
            "eventname": "GetSecretValue",
            "awsregion": "us-east-1",
            "useridentity": "{\"type\":\"AssumedRole\",\"accountid\":\"1\",\"sessioncontext\":{\"sessionissuer\":{\"arn\":\"a\"}}}",
            "eventday": "12",
        })
    }

    #[test]
    fn a_row_becomes_the_record_that_it_was() {
        let Value::Object(row) = row() else {
            unreachable!("it is an object");
        };
        let record = Value::Object(record(row).unwrap());
        assert_eq!(record["eventSource"], "secretsmanager.amazonaws.com");
        assert_eq!(record["userIdentity"]["accountId"], "1");
        let session = &record["userIdentity"]["sessionContext"];
        assert_eq!(session["sessionIssuer"]["arn"], "a");
        assert_eq!(record.get("eventday"), None);
    }

    #[test]
    fn structures_that_are_no_json_and_missing_columns_are_named() {
        let Value::Object(mut row) = row() else {
            unreachable!("it is an object");
        };
        let mut less = row.clone();
        less.remove("useridentity");
        assert_eq!(record(less), Err(NoRecord::Named(MISSING)));
        row.insert(
            "useridentity".to_owned(),
            json!("{type=AssumedRole, arn=a}"),
        );
        assert_eq!(record(row), Err(NoRecord::Named(STRUCTURES)));
    }

    #[test]
    fn tables_are_known_by_their_header() {
        let of = |header: &str| Columns::of(header.split(','));
        assert_eq!(of("@timestamp,@message"), Some(Ok(Columns::Whole(1))));
        assert_eq!(of("eventtime,eventname"), Some(Err(MISSING)));
        assert_eq!(of("date,amount"), None);
    }
}
