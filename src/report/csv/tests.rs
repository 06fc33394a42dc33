//! The CSV files of a report, read back.

use proptest::prelude::*;

use super::*;
use crate::domain::report::result::Cost;
use crate::domain::report::sums::{self, Grouping};
use crate::report::sample;

/// The records of a file by column name.
fn records(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes);
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn value<'a>(records: &'a [Vec<String>], name: &str, column: &str) -> &'a str {
    let index = |wanted: &str| {
        records[0]
            .iter()
            .position(|column| column == wanted)
            .unwrap()
    };
    let key = if records[0].contains(&"name".to_owned()) {
        "name"
    } else {
        "group"
    };
    let row = records.iter().find(|row| row[index(key)] == name).unwrap();
    &row[index(column)]
}

fn line(bytes: &[u8], number: usize) -> &str {
    std::str::from_utf8(bytes)
        .unwrap()
        .lines()
        .nth(number)
        .unwrap()
}

#[test]
fn the_columns_are_a_contract() {
    let report = sample::report();
    assert_eq!(
        line(&secrets(&report), 0),
        "arn,name,account_id,region,owner,verdict,reasons,created_on,last_accessed_on,last_consumer_read,\
         last_consumer,idle_days,calls,reads,failed_reads,consumers,storage_usd_month,api_usd_month,kms_usd_month,\
         total_usd_month,avoidable_usd_month,replica_of,evidence_days,savings_usd_month,storage_usd_window,\
         api_usd_window,kms_usd_window,total_usd_window,extrapolated_usd_window,covered_share,price_basis"
    );
    assert_eq!(
        line(&readers(&report), 0),
        "arn,name,account_id,region,reader,kind,client,reads,describes,failed,calls,first,last,what,\
         api_usd_month,kms_usd_month"
    );
    assert_eq!(
        line(&findings(&report), 0),
        "code,severity,arn,name,account_id,region,reader,text,evidence,muted"
    );
    assert_eq!(
        line(&summary(&report, None), 0),
        "group_by,group,secrets,storage_usd_month,api_usd_month,kms_usd_month,total_usd_month,savings_usd_month,\
         delete,review,keep,calls,reads,failed_reads,unpriced_secrets,uncounted_secrets,window_from,window_to,\
         window_total_usd,change_usd_month,account_name,storage_usd_window,api_usd_window,kms_usd_window,\
         extrapolated_usd_window,former_secrets_usd_window,change_usd_window"
    );
}

#[test]
fn the_summary_says_what_changed_since_an_earlier_scan() {
    let report = sample::report();
    let mut earlier = report.clone();
    earlier.totals.cost.total_usd = report.totals.cost.total_usd - Money(1_000_000);
    earlier.totals.window_cost.parts.total_usd =
        report.totals.window_cost.parts.total_usd - Money(2_000_000);
    let changes = |previous| {
        let rows = records(&summary(&report, previous));
        ["change_usd_month", "change_usd_window"]
            .map(|column| value(&rows, "total", column).to_owned())
    };
    assert_eq!(changes(Some(&earlier)), ["1.000000", "2.000000"]);
    assert_eq!(changes(None), ["", ""]);
}

#[test]
fn what_changed_by_group_adds_up_to_what_changed_in_all() {
    let report = sample::report();
    let mut earlier = report.clone();
    let mut gone = earlier.secrets[0].clone();
    gone.owner = Some("disbanded".to_owned());
    gone.region = "ap-south-2".parse().unwrap();
    gone.cost = Cost::new(Some(Money(400_000)), None, None);
    earlier.secrets.push(gone);
    earlier.totals = sums::totals(&earlier);
    let mut quiet = report.clone();
    quiet.unattributed.clear();
    quiet.loops.clear();
    quiet.totals = sums::totals(&quiet);
    for (now, before) in [(&report, &earlier), (&earlier, &report), (&quiet, &earlier)] {
        let rows = records(&summary(now, Some(before)));
        for by in GROUPINGS {
            let rows = rows.iter().filter(|row| row[0] == by.as_str());
            let changes = rows.map(|row| Money::parse(&row[19]).unwrap());
            let change = now.totals.cost.total_usd - before.totals.cost.total_usd;
            assert_eq!(changes.sum::<Money>(), change, "{by:?}");
        }
    }
    let rows = records(&summary(&report, Some(&earlier)));
    for name in ["disbanded", "ap-south-2"] {
        assert_eq!(value(&rows, name, "secrets"), "0");
        assert_eq!(value(&rows, name, "total_usd_month"), "0.000000");
        assert_eq!(value(&rows, name, "change_usd_month"), "-0.400000");
    }
    let keys = |by: Grouping| -> Vec<&str> {
        let rows = rows.iter().filter(|row| row[0] == by.as_str());
        rows.map(|row| row[1].as_str()).collect()
    };
    let regions = ["ap-south-2", "eu-west-1", "us-east-1", "(unattributed)"];
    assert_eq!(keys(Grouping::Region), regions, "where it stood before");
}

#[test]
fn a_secret_is_one_plain_row() {
    assert_eq!(
        line(&secrets(&sample::report()), 4),
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:payments/api-key-AbC123,payments/api-key,\
         111122223333,eu-west-1,payments,keep,recently-read,2024-03-05,2026-10-31,2026-10-31T23:59:59Z,\
         arn:aws:iam::111122223333:role/checkout,0,2592000,2592000,0,1,0.400000,13.140000,7.884000,21.424000,\
         20.954000,,90,20.954000,0.394521,12.960000,7.776000,21.130521,0.000000,1.0000,list"
    );
}

#[test]
fn unknown_is_empty_and_zero_is_zero() {
    let records = records(&secrets(&sample::report()));
    for column in [
        "calls",
        "reads",
        "failed_reads",
        "consumers",
        "created_on",
        "idle_days",
        "api_usd_month",
    ] {
        assert_eq!(value(&records, "unseen/key", column), "", "{column}");
    }
    assert_eq!(
        value(&records, "unseen/key", "storage_usd_month"),
        "0.400000"
    );
    assert_eq!(value(&records, "legacy/never", "calls"), "0");
    assert_eq!(
        value(&records, "old/token", "storage_usd_month"),
        "0.000000"
    );
}

#[test]
fn hostile_text_stays_one_harmless_cell() {
    let report = sample::report();
    let formula = "'=cmd|'/c calc'!A1";
    let rows = records(&secrets(&report));
    assert_eq!(value(&rows, formula, "owner"), "'-2+3 \\u{202e}owner");
    assert!(value(&rows, formula, "arn").starts_with("arn:"));
    let rows = records(&readers(&report));
    assert_eq!(
        value(&rows, formula, "client"),
        "aws-sdk-java/2.20 \\u{1b}]0;owned\\u{7}\\u{1b}[31m\\u{202e}"
    );
    let rows = records(&findings(&report));
    assert_eq!(
        value(&rows, formula, "evidence"),
        "not authorized <script>alert(1)</script> on \"it\", sorry"
    );
}

#[test]
fn findings_stand_by_severity_and_then_by_code() {
    let rows = records(&findings(&sample::report()));
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row[0].as_str(), row[1].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("code", "severity"),
            ("failing-reads", "high"),
            ("hot-loop", "medium"),
            ("hot-loop", "medium"),
            ("rotation-off", "medium"),
            ("broad-reader", "low"),
        ]
    );
    assert_eq!(value(&rows, "payments/gone", "arn"), "");
    assert!(value(&rows, "payments/api-key", "text").contains("aws-secretsmanager-caching"));
}

#[test]
fn the_summary_shows_what_belongs_to_nobody() {
    let rows = records(&summary(&sample::report(), None));
    assert_eq!(value(&rows, "total", "total_usd_month"), "23.643150");
    assert_eq!(value(&rows, "(unattributed)", "api_usd_month"), "0.219150");
    assert_eq!(
        rows.iter().filter(|row| row[1] == "(unattributed)").count(),
        4
    );
    assert_eq!(value(&rows, "111122223333", "delete"), "2");
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let report = sample::report();
    let mut turned = report.clone();
    turned.secrets.reverse();
    turned.findings.reverse();
    turned.loops.reverse();
    let alone = |report: &Report| summary(report, None);
    for render in [secrets, readers, findings, alone] {
        assert_eq!(render(&report), render(&turned));
    }
}

proptest! {
    #[test]
    fn any_text_is_one_record_a_row_and_no_formula(text in sample::any_text()) {
        let report = sample::filled(&text);
        for (bytes, rows) in [
            (secrets(&report), report.secrets.len()),
            (readers(&report), report.secrets.iter().map(|row| row.readers.len()).sum()),
            (findings(&report), report.findings.len()),
            (summary(&report, None), records(&summary(&report, None)).len() - 1),
        ] {
            let found = records(&bytes);
            prop_assert_eq!(found.len(), rows + 1);
            prop_assert_eq!(bytes.split(|&byte| byte == b'\n').count() - 1, rows + 1);
            for cell in found.iter().flatten() {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{:?}", cell);
            }
        }
    }
}
