//! Files as they lie in real buckets and folders: read, or named with the way to convert them.

use serde_json::{Value, json};

use super::*;

/// Events of `x` that only this file holds.
fn reads() -> Vec<Call> {
    get("x").days(20).every(HOUR, 5)
}

fn records() -> Vec<String> {
    reads()
        .iter()
        .enumerate()
        .map(|(number, call)| call.record(number))
        .collect()
}

fn with(file: &str, text: impl Into<Vec<u8>>) -> Scan {
    world()
        .secret(idle("x"))
        .file(&format!("trail/{file}"), text)
        .args(&["--allow-partial"])
        .scan()
}

#[track_caller]
fn is_read(file: &str, text: impl Into<Vec<u8>>) {
    let scan = with(file, text);
    assert_eq!(scan.secret("x")["reads"], 5, "{}", scan.gaps());
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[track_caller]
fn is_named(file: &str, text: impl Into<Vec<u8>>, word: &str) {
    let scan = with(file, text);
    let gaps = scan.gaps();
    assert!(gaps.contains(file), "{gaps}");
    assert!(gaps.to_lowercase().contains(word), "{word}: {gaps}");
    assert!(!gaps.contains("holds no CloudTrail records"), "{gaps}");
    stays(&scan, "x");
}

fn parsed() -> Vec<Value> {
    records()
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

#[test]
fn a_table_without_the_columns_of_records_is_named() {
    let text = "\"eventtime\",\"eventsource\",\"eventname\"\n\"2026-10-12T06:00:00Z\",\"secretsmanager.amazonaws.com\",\"GetSecretValue\"\n";
    is_named("athena.csv", text, "lack columns");
    is_named("other.csv", "date,event_count\n2026-10-12,7\n", "csv");
}

#[test]
fn structures_that_are_no_json_are_named() {
    let header = super::super::trail::forms::COLUMNS.join(",");
    let cell = |name: &str| match name {
        "eventTime" => "2026-10-12T06:00:00Z",
        "userIdentity" => "\"{type=AssumedRole, arn=a}\"",
        _ => "x",
    };
    let row: Vec<&str> = header.split(',').map(cell).collect();
    is_named(
        "raw.csv",
        format!("{header}\n{}\n", row.join(",")),
        "json_format",
    );
}

#[test]
fn a_result_of_lake_without_whole_records_is_named() {
    let rows: Vec<Value> = (0..5)
        .map(|_| json!([{"eventTime": "2026-10-12 06:00:00.000"}, {"eventName": "GetSecretValue"}]))
        .collect();
    let answer = json!({"QueryStatus": "FINISHED", "QueryResultRows": rows});
    is_named("lake.json", answer.to_string(), "eventjson");
}

#[test]
fn documents_of_filebeat_without_the_original_are_named() {
    let flat = json!({"_source": {"event": {"action": "GetSecretValue"}, "aws": {"cloudtrail": {"event_version": "1.11"}}}});
    is_named("flat.jsonl", flat.to_string(), "event.original");
    let flat = json!({"@timestamp": 1, "event": {"action": "GetSecretValue"}, "aws": {"cloudtrail": {"event_version": "1.11"}}});
    is_named("flat.json", flat.to_string(), "event.original");
}

#[test]
fn parquet_of_security_lake_is_named_however_large_it_is() {
    for size in [100, 6 << 20] {
        let mut bytes = b"PAR1".to_vec();
        bytes.resize(size, 0);
        bytes.extend_from_slice(b"metadata class_uid src_endpoint PAR1");
        is_named("lake.gz.parquet", bytes, "ocsf");
    }
}

#[test]
fn insights_without_the_message_is_named() {
    let row =
        json!([{"field": "eventName", "value": "GetSecretValue"}, {"field": "@ptr", "value": "C"}]);
    is_named(
        "insights.json",
        json!({"results": [row], "status": "Complete"}).to_string(),
        "fields @message",
    );
}

#[test]
fn a_file_that_was_compressed_twice_is_named() {
    let text = format!("{{\"Records\":[{}]}}", records().join(","));
    is_named("twice.gz", gzip(&gzip(text.as_bytes())), "compressed twice");
}

#[test]
fn events_of_eventbridge_are_read() {
    let lines: Vec<String> = parsed()
        .iter()
        .map(|record| json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.secretsmanager", "account": ACCOUNT, "region": EAST, "detail": record}).to_string())
        .collect();
    is_read("bus.json", lines.join("\n"));
}

#[test]
fn messages_of_cloudwatch_logs_are_read() {
    let events: Vec<Value> = records()
        .iter()
        .map(|text| json!({"timestamp": 1, "message": text, "eventId": "1"}))
        .collect();
    is_read(
        "logs.json",
        json!({"events": events, "searchedLogStreams": []}).to_string(),
    );
}

#[test]
fn an_array_of_looked_up_records_is_read() {
    is_read("query.json", json!(records()).to_string());
}

#[test]
fn a_zip_is_named() {
    is_named(
        "logs.zip",
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00rest".to_vec(),
        "zip",
    );
}

#[test]
fn utf_16_is_named() {
    let text = format!("{{\"Records\":[{}]}}", records().join(","));
    let bytes: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    is_named("utf16.json", bytes, "utf-16");
}

#[test]
fn the_bucket_of_a_landing_zone_has_no_gap() {
    let below = |path: &str| format!("trail/AWSLogs/o-exampleorg1/{ACCOUNT}/{path}");
    let scan = world()
        .file(&below("Config/ConfigWritabilityCheckFile"), "")
        .file(&below(&format!("Config/us-east-1/2026/10/23/ConfigHistory/{ACCOUNT}_Config_us-east-1_ConfigHistory_AWS::SecretsManager::Secret_20261023T000000Z_20261023T060000Z_1.json.gz")), gzip(b"{\"fileVersion\":\"1.0\",\"configurationItems\":[]}"))
        .file(&below(&format!("vpcflowlogs/us-east-1/2026/10/23/{ACCOUNT}_vpcflowlogs_us-east-1_fl-0a1b_20261023T0005Z_1a2b3c4d.log.gz")), gzip(b"version account-id interface-id\n2 1 eni-1\n"))
        .file(&below(&format!("elasticloadbalancing/us-east-1/2026/10/23/{ACCOUNT}_elasticloadbalancing_us-east-1_app.x.1a_20261023T0005Z_10.0.0.1_1a.log.gz")), gzip(b"https 2026-10-23T00:00:00Z app/x\n"))
        .file(&below("GuardDuty/us-east-1/2026/10/23/1a2b3c4d.jsonl.gz"), gzip(b"{\"schemaVersion\":\"2.0\",\"type\":\"Recon\"}\n"))
        .file(&below(&format!("CloudTrail-Digest/us-east-1/2026/10/23/{ACCOUNT}_CloudTrail-Digest_us-east-1_org_us-east-1_20261023T000526Z.json.gz")), gzip(b"{\"logFiles\":[]}"))
        .scan();
    assert_eq!(
        (scan.code, scan.gaps().as_str()),
        (0, "[]"),
        "{}",
        scan.stderr
    );
    goes(&scan, IDLE);
}

#[test]
fn records_without_fields_that_older_ones_lack_are_read() {
    let bare = get("x")
        .leave_out("recipientAccountId")
        .leave_out("userAgent")
        .leave_out("sourceIPAddress");
    let mut null = get("x").days(19);
    null.left_out = vec!["userAgent".to_owned()];
    let scan = world()
        .secret(idle("x"))
        .calls([bare.days(20), null.more("userAgent", Value::Null)])
        .scan();
    assert_eq!(scan.secret("x")["calls"], 2, "{}", scan.gaps());
    stays(&scan, "x");
}

#[test]
fn a_bill_that_went_through_a_spreadsheet_is_read_or_named() {
    let bill = "\u{feff}lineItem/UsageAccountId,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UnblendedCost,lineItem/UsageAmount,lineItem/LineItemType,lineItem/CurrencyCode,product/region\n\
        12345678901,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,AWSSecretsManager,USE1-AWSSecretsManager-Secrets,0.4,1,Usage,USD,us-east-1\n\
        1.23457E+11,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,AWSSecretsManager,USE1-AWSSecretsManager-Secrets,0.4,1,Usage,USD,us-east-1\n";
    let scan = World::silent()
        .logging("012345678901", EAST)
        .secret(idle(IDLE).at("012345678901", EAST))
        .file("bill.csv", bill)
        .args(&words("--bill bill.csv --month 2026-10 --allow-partial"))
        .scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    let all = scan.file("bill.json") + &scan.stderr;
    assert!(
        all.contains("1.23457E+11"),
        "the account that is lost is shown: {all}"
    );
    assert!(all.contains("0.4"), "{all}");
}

#[test]
fn amounts_with_an_exponent_are_read() {
    let group = |usage: &str, amount: &str, quantity: &str| {
        let metrics = json!({
            "UnblendedCost": {"Amount": amount, "Unit": "USD"},
            "UsageQuantity": {"Amount": quantity, "Unit": "N/A"},
        });
        json!({"Keys": [usage], "Metrics": metrics})
    };
    let groups = [
        group("USE1-AWSSecretsManager-Secrets", "3.945204E-1", "0.986301"),
        group("USE1-AWSSecretsManagerAPIRequest", "1.45E-4", "29"),
    ];
    let period = json!({"Start": "2026-10-02", "End": "2026-11-01"});
    let ce = json!({
        "GroupDefinitions": [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
        "ResultsByTime": [{"TimePeriod": period, "Total": {}, "Groups": groups, "Estimated": false}],
    });
    let scan = world()
        .file("ce.json", ce.to_string())
        .args(&["--bill", "ce.json"])
        .scan();
    let bill = scan.file("bill.json");
    assert!(
        bill.contains("0.394520") && bill.contains("0.000145"),
        "{bill}"
    );
}
