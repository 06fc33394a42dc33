//! Athena through the loopback AWS: queued, running, failed, throttled, paged, and what a workgroup says.

use serde_json::{Value, json};

use crate::aws::world::AthenaWorld;
use crate::aws::{Aws, Fault};
use crate::live::{scan, small};

const TABLE: &str = "athena://logs.trail?workgroup=finops&output=s3://results/x";

/// Rows for a scan of now are of a time that no test knows before, so the loopback makes the row of the span from the query.
fn world(states: &[Value]) -> AthenaWorld {
    AthenaWorld {
        states: states.to_vec(),
        columns: super::columns(&[])
            .into_iter()
            .map(|column| (column.name, column.kind))
            .collect(),
        ..AthenaWorld::default()
    }
}

fn state(name: &str) -> Value {
    json!({"Status": {"State": name}, "Statistics": {"DataScannedInBytes": 25_000_000}})
}

#[test]
fn a_query_is_followed_to_its_end_and_its_rows_are_read_page_by_page() {
    let states = ["QUEUED", "RUNNING", "SUCCEEDED"].map(state);
    let aws = Aws::start(small().athena(world(&states)));
    let folder = tempfile::tempdir().unwrap();
    // Four calls do not cover the time.
    let run = scan(&aws, folder.path(), &["--trail", TABLE, "--allow-partial"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["totals"]["calls"], 4, "two pages of rows");
    let sentences = report["assumptions"].to_string();
    assert!(sentences.contains("1 query scanned 25 MB"), "{sentences}");
    let calls = aws.calls();
    let started: Vec<_> = calls
        .iter()
        .filter(|call| call.op == "StartQueryExecution")
        .collect();
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].param("WorkGroup"), "finops");
    assert_eq!(
        started[0].param("ResultConfiguration")["OutputLocation"],
        "s3://results/x"
    );
}

#[test]
fn what_athena_refuses_is_an_error_that_says_why() {
    let failed = json!({"Status": {"State": "FAILED", "StateChangeReason": "COLUMN_NOT_FOUND: line 1",
        "AthenaError": {"ErrorCategory": 2}}, "Statistics": {}});
    let aws = Aws::start(small().athena(world(&[failed])));
    let folder = tempfile::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--trail", TABLE]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(run.said().contains("COLUMN_NOT_FOUND"), "{}", run.said());
    assert!(run.said().contains("--print-sql"), "{}", run.said());

    let aws = Aws::start(small().athena(world(&[])));
    aws.inject(Fault::denied().on("athena", "StartQueryExecution"));
    let folder = tempfile::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--trail", TABLE]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(
        run.said().contains("athena:StartQueryExecution"),
        "{}",
        run.said()
    );
    assert!(run.said().contains("iam-policy scan"), "{}", run.said());
}

#[test]
fn a_query_above_the_limit_is_canceled() {
    let states = ["RUNNING", "RUNNING"].map(state);
    let aws = Aws::start(small().athena(world(&states)));
    let folder = tempfile::tempdir().unwrap();
    let run = scan(
        &aws,
        folder.path(),
        &["--trail", TABLE, "--scan-limit", "10MB"],
    );
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(run.said().contains("10000000 bytes"), "{}", run.said());
    assert!(
        aws.calls()
            .iter()
            .any(|call| call.op == "StopQueryExecution")
    );
}
