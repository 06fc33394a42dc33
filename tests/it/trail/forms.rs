//! The forms in which other services and tools hand out records: the same events in each of them.

use proptest::prelude::*;
use secretsweep::domain::trail::record::RecordReader;
use serde_json::{Map, Value, json};

use super::generate::Dice;
use super::{Told, told};
use crate::world::{
    ACCOUNT, BOTO, Call, EAST, HOUR, JAVA_CACHE, background, denied, describe, get, gzip, role,
    service_event,
};

/// A form of these records: the name that a file of it may have, and its bytes.
pub type Form = (&'static str, Vec<u8>);

fn log_event(number: usize, message: &str) -> Value {
    json!({"id": format!("3885{number:052}"), "timestamp": 1_793_491_200_000_u64, "message": message})
}

/// Returns what a subscription of a log group sends: a message of control, and two with records.
fn subscription(records: &[String]) -> Vec<Value> {
    let message = |kind: &str, events: Vec<Value>| {
        json!({
            "messageType": kind, "owner": ACCOUNT, "logGroup": "CloudTrail/logs",
            "logStream": format!("{ACCOUNT}_CloudTrail_{EAST}"), "subscriptionFilters": ["secrets"],
            "logEvents": events,
        })
    };
    let control = log_event(
        0,
        "CWL CONTROL MESSAGE: Checking health of destination Firehose.",
    );
    let mut all = vec![message("CONTROL_MESSAGE", vec![control])];
    all.extend(records.chunks(records.len() / 2 + 1).map(|part| {
        let events = part.iter().enumerate();
        message(
            "DATA_MESSAGE",
            events
                .map(|(number, text)| log_event(number, text))
                .collect(),
        )
    }));
    all
}

fn parsed(records: &[String]) -> Vec<Value> {
    let all = records.iter();
    all.map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

fn lines(all: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    (all.join("\n") + "\n").into_bytes()
}

fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    rows.iter().map(line).collect::<String>().into_bytes()
}

/// The columns of Athena's table, where the structures are asked for as JSON.
pub const COLUMNS: [&str; 19] = [
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
    "eventID",
    "readOnly",
    "eventType",
    "recipientAccountId",
    "managementEvent",
    "tlsDetails",
];

/// A structure as Hive has it: its names are in lower case.
fn lower(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let all = members.iter();
            Value::Object(
                all.map(|(name, value)| (name.to_lowercase(), lower(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn table(records: &[String]) -> Vec<u8> {
    let mut rows = vec![COLUMNS.map(str::to_lowercase).to_vec()];
    for record in parsed(records) {
        let cell = |name: &&str| match &record[*name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            structure if ["userIdentity", "tlsDetails"].contains(name) => {
                lower(structure).to_string()
            }
            other => other.to_string(),
        };
        rows.push(COLUMNS.iter().map(cell).collect());
    }
    csv(&rows)
}

fn of_cloudwatch(records: &[String]) -> Vec<Form> {
    let messages = subscription(records);
    let texts: Vec<String> = messages.iter().map(Value::to_string).collect();
    let packed: Vec<u8> = texts
        .iter()
        .flat_map(|text| gzip(text.as_bytes()))
        .collect();
    let line = |between: &str| {
        let line = |text: &String| format!("2026-10-12T06:00:00.000{between}{text}\n");
        records.iter().map(line).collect::<String>().into_bytes()
    };
    let pretty = parsed(records)
        .into_iter()
        .fold(String::new(), |all, record| {
            all + &format!("2026-10-12T06:00:00+00:00 stream\n{record:#}\n")
        });
    let events: Vec<Value> = records.iter().map(|text| log_event(1, text)).collect();
    let rows: Vec<Value> = records.iter().map(|text| {
        json!([{"field": "@timestamp", "value": "2026-10-12 06:00:00.000"}, {"field": "@message", "value": text}, {"field": "@ptr", "value": "CmEK"}])
    }).collect();
    let shown = parsed(records)
        .into_iter()
        .map(|record| json!({"@timestamp": "2026-10-12 06:00:00.000", "@message": record}));
    let cells = records
        .iter()
        .map(|text| vec!["2026-10-12 06:00:00.000".to_owned(), text.clone()]);
    let header = ["@timestamp", "@message"].map(str::to_owned).to_vec();
    let cells: Vec<Vec<String>> = std::iter::once(header).chain(cells).collect();
    vec![
        ("subscription.json", texts.concat().into_bytes()),
        ("subscription-packed", packed),
        ("export/000000.gz", gzip(&line("Z "))),
        ("filter-log-events.json", json!({"events": events, "searchedLogStreams": []}).to_string().into_bytes()),
        ("tail.log", line("000+00:00 111122223333_CloudTrail_us-east-1 ")),
        ("tail-json.log", pretty.into_bytes()),
        ("insights.json", json!({"queryLanguage": "CWLI", "results": rows, "statistics": {}, "status": "Complete"}).to_string().into_bytes()),
        ("logs-insights-results.json", json!(shown.collect::<Vec<_>>()).to_string().into_bytes()),
        ("logs-insights-results.csv", csv(&cells)),
    ]
}

fn of_eventbridge(records: &[String]) -> Vec<Form> {
    let envelope = |detail_type: &str, detail: Value| json!({"version": "0", "id": "1", "detail-type": detail_type, "source": "aws.secretsmanager", "account": ACCOUNT, "time": "2026-10-12T06:00:00Z", "region": EAST, "resources": [], "detail": detail});
    let mut all: Vec<Value> = parsed(records)
        .into_iter()
        .map(|record| envelope("AWS API Call via CloudTrail", record))
        .collect();
    all.push(envelope(
        "EC2 Instance State-change Notification",
        json!({"state": "running"}),
    ));
    let joined: String = all.iter().map(Value::to_string).collect();
    vec![
        ("bus.jsonl", lines(all.clone())),
        ("bus.json", json!(all).to_string().into_bytes()),
        ("bus-firehose", joined.into_bytes()),
    ]
}

fn of_queries(records: &[String]) -> Vec<Form> {
    let rows: Vec<Value> = records
        .iter()
        .map(|text| json!([{"eventJson": text}]))
        .collect();
    let answer = json!({"QueryStatus": "FINISHED", "QueryStatistics": {"ResultsCount": 3}, "QueryResultRows": rows});
    let cells = records.iter().map(|text| vec![text.clone()]);
    let cells: Vec<Vec<String>> = std::iter::once(vec!["eventJson".to_owned()])
        .chain(cells)
        .collect();
    let columns: Vec<Value> = parsed(records)
        .iter()
        .map(|record| {
            let cell = |name: &&str| {
                let value = &record[*name];
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (!value.is_null()).then(|| json!({ *name: text }))
            };
            json!(COLUMNS.iter().filter_map(cell).collect::<Vec<_>>())
        })
        .collect();
    vec![
        ("lake.json", answer.to_string().into_bytes()),
        (
            "lake-columns.json",
            json!({"QueryStatus": "FINISHED", "QueryResultRows": columns})
                .to_string()
                .into_bytes(),
        ),
        (
            "AWSLogs/111122223333/CloudTrail-Lake/Query/2026/11/01/0c5d/result_1.csv.gz",
            gzip(&csv(&cells)),
        ),
        ("athena.csv", table(records)),
    ]
}

fn of_elastic(records: &[String]) -> Vec<Form> {
    let source = |text: &String| json!({"@timestamp": "2026-10-12T06:00:00Z", "event": {"action": "GetSecretValue", "original": text}, "aws": {"cloudtrail": {"event_version": "1.11"}}});
    let hits: Vec<Value> = records
        .iter()
        .map(|text| json!({"_index": "logs", "_id": "1", "_source": source(text)}))
        .collect();
    let search = json!({"took": 1, "timed_out": false, "hits": {"total": {"value": 3}, "max_score": null, "hits": hits}});
    let dotted = records
        .iter()
        .map(|text| json!({"@timestamp": 1, "event.original": text}));
    let plain = parsed(records).into_iter().map(|record| {
        let mut source: Map<String, Value> = record.as_object().unwrap().clone();
        source.insert("@log_group".to_owned(), json!("CloudTrail/logs"));
        json!({"_index": "cwl-2026.10.12", "_source": source})
    });
    vec![
        ("search.json", search.to_string().into_bytes()),
        ("dump.jsonl", lines(hits.clone())),
        ("documents.jsonl", lines(records.iter().map(source))),
        ("dotted.jsonl", lines(dotted)),
        ("opensearch.jsonl", lines(plain)),
    ]
}

/// Every form that is read.
pub fn forms(records: &[String]) -> Vec<Form> {
    [of_cloudwatch, of_eventbridge, of_queries, of_elastic]
        .iter()
        .flat_map(|of| of(records))
        .collect()
}

/// Calls of every kind: read, refused, by a service, of another service.
pub fn calls() -> Vec<Call> {
    let mut all = vec![
        get("app/db").days(20).by(role("app", "i-0123456789abcdef0")).agent(BOTO),
        get("arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbCdEf").days(19),
        describe("app/db").days(18).agent(JAVA_CACHE),
        denied("GetSecretValue", "app/db", "no identity-based policy allows it").days(17),
        get("app/gone").days(16).error("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        service_event("RotationFailed", json!({"SecretId": "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbCdEf"})).days(15),
    ];
    all.extend(
        get("app/loop")
            .days(10)
            .by(role("loop", "task"))
            .every(HOUR / 60, 200),
    );
    all.push(background(ACCOUNT, EAST, all[0].at));
    all
}

pub fn texts(calls: &[Call]) -> Vec<String> {
    let all = calls.iter().enumerate();
    all.map(|(number, call)| call.record(number)).collect()
}

#[test]
fn each_form_tells_the_events_that_the_plain_records_tell() {
    let records = texts(&calls()[..20]);
    let (plain, _) = told(format!("[{}]", records.join(",")).as_bytes(), None);
    assert!(!plain.events.is_empty() && !plain.hours.is_empty());
    for (name, bytes) in forms(&records) {
        let bytes = inflated(&bytes);
        let (found, contents) = told(&bytes, None);
        assert_eq!(contents.trouble, None, "{name}");
        assert_eq!(contents.records, 20, "{name}: {contents:?}");
        assert_eq!(found.events, plain.events, "{name}");
        // What was given out may have been filtered: it proves no hour.
        assert!(
            found.hours.is_empty() && found.varieties.is_empty(),
            "{name}"
        );
    }
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut text = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text);
    if read.is_ok() { text } else { bytes.to_vec() }
}

#[test]
fn windows_of_any_size_change_no_form() {
    let records = texts(&calls()[..9]);
    for (name, bytes) in forms(&records) {
        let bytes = inflated(&bytes);
        let (whole, contents) = told(&bytes, None);
        let mut dice = Dice::new(5);
        for widest in [30_u32, 900] {
            let (mut sink, mut reader, mut held) =
                (Told::default(), RecordReader::new(None), Vec::new());
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (next, others) =
                    rest.split_at((1 + dice.below(widest) as usize).min(rest.len()));
                held.extend_from_slice(next);
                rest = others;
                let taken = reader.take(&held, &mut sink);
                held.drain(..taken);
            }
            assert_eq!(reader.finish(&held, &mut sink), contents, "{name} {widest}");
            assert_eq!(sink, whole, "{name} {widest}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_forms_never_panic(which in 0_usize..21, place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let records = texts(&calls()[..3]);
        let all = forms(&records);
        let mut bytes = inflated(&all[which % all.len()].1);
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] = byte;
        }
        let _ = told(&bytes, None);
    }
}
