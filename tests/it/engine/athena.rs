//! Athena through the loopback AWS: queued, running, failed, throttled, paged, and what a workgroup says.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::aws::world::AthenaWorld;
use crate::aws::{Aws, Fault};
use crate::live::{scan, small};
use crate::world::program;

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
    let folder = crate::scratch::tempdir().unwrap();
    // Four calls do not cover the time.
    let run = scan(&aws, folder.path(), &["--trail", TABLE, "--allow-partial"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["totals"]["calls"], 4, "two pages of rows");
    let sentences = report["assumptions"].to_string();
    assert!(sentences.contains("1 query scanned 25 MB"), "{sentences}");
    // What it will take was said before.
    let said = run.said();
    assert!(said.contains("charges about $5 for each TB"), "{said}");
    assert!(
        said.contains("`--scan-limit 100GB` would cancel it"),
        "{said}"
    );
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
fn the_policy_grants_exactly_the_calls_of_athena() {
    let aws = Aws::start(small().athena(world(&["SUCCEEDED"].map(state))));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--trail", TABLE, "--allow-partial"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let called: BTreeSet<String> = aws
        .calls()
        .iter()
        .filter(|call| call.service == "athena")
        .map(|call| format!("athena:{}", call.op))
        .chain(["athena:StopQueryExecution".to_owned()])
        .collect();
    let policy = program(folder.path(), &["iam-policy", "scan", "--trail", TABLE]);
    let policy: Value = serde_json::from_slice(&policy.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let of = |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap();
    let granted = of("QueryTrail")["Action"].as_array().unwrap().iter();
    let granted: BTreeSet<String> = granted
        .map(|one| one.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(granted, called, "and the one that Ctrl-C needs");
    assert_eq!(
        of("QueryTrail")["Resource"],
        json!([
            "arn:aws:athena:*:*:workgroup/finops",
            "arn:aws:athena:*:*:datacatalog/AwsDataCatalog"
        ])
    );
    assert_eq!(
        of("QueryResult")["Resource"],
        json!(["arn:aws:s3:::results/x*"])
    );
    assert!(!policy.to_string().contains("cloudtrail:LookupEvents"));
}

#[test]
fn a_trail_that_an_engine_counts_is_the_only_one_and_its_options_need_it() {
    let folder = crate::scratch::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("trail")).unwrap();
    for (args, words) in [
        (
            &["--trail", TABLE, "--trail", "trail"][..],
            "would count twice",
        ),
        (
            &["--trail", "trail", "--scan-limit", "1GB"],
            "is for a table",
        ),
        (&["--trail", "trail", "--print-sql"], "needs a table"),
        (
            &["--trail", "athena://x"],
            "athena://[catalog.]database.table",
        ),
        (&["--trail", "trino://h/a.b"], "catalog.schema.table"),
        (&["--trail", "trino://u:secret@h/a.b.c"], "TRINO_PASSWORD"),
    ] {
        let args = [&["scan", "--inventory", "trail"], args].concat();
        let run = program(folder.path(), &args);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(!said.contains("secret@"), "{said}");
    }
}

#[test]
fn what_athena_refuses_is_an_error_that_says_why() {
    let failed = json!({"Status": {"State": "FAILED", "StateChangeReason": "COLUMN_NOT_FOUND: line 1",
        "AthenaError": {"ErrorCategory": 2}}, "Statistics": {}});
    let aws = Aws::start(small().athena(world(&[failed])));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--trail", TABLE]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(run.said().contains("COLUMN_NOT_FOUND"), "{}", run.said());
    assert!(run.said().contains("--print-sql"), "{}", run.said());

    let aws = Aws::start(small().athena(world(&[])));
    aws.inject(Fault::denied().on("athena", "StartQueryExecution"));
    let folder = crate::scratch::tempdir().unwrap();
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
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(
        &aws,
        folder.path(),
        &["--trail", TABLE, "--scan-limit", "10MB"],
    );
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(run.said().contains("10000000 bytes"), "{}", run.said());
    assert!(
        run.said().contains("canceled if it scans more than 10 MB"),
        "{}",
        run.said()
    );
    assert!(
        aws.calls()
            .iter()
            .any(|call| call.op == "StopQueryExecution")
    );
}

#[test]
fn ctrl_c_cancels_the_query_on_the_server() {
    let states = ["RUNNING", "RUNNING"].map(state);
    let aws = Aws::start(small().athena(world(&states)));
    let folder = crate::scratch::tempdir().unwrap();
    let mut scan = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    scan.args(["scan", "--trail", TABLE, "--out", "out"])
        .current_dir(folder.path());
    let child = aws.on(&mut scan).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while aws.calls_of("athena", "GetQueryExecution").is_empty() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status();
    assert!(killed.unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success(), "{said}");
    let canceled = aws.calls_of("athena", "StopQueryExecution");
    assert_eq!(canceled.len(), 1, "{said}");
    assert!(!folder.path().join("out/report.json").exists());
}

#[test]
fn throttled_requests_are_sent_again_and_the_workgroup_keeps_its_place_for_results() {
    let aws = Aws::start(small().athena(world(&["SUCCEEDED"].map(state))));
    for op in [
        "StartQueryExecution",
        "GetQueryExecution",
        "GetQueryResults",
    ] {
        aws.inject(Fault::throttle().on("athena", op).first(2));
    }
    let folder = crate::scratch::tempdir().unwrap();
    let table = "athena://logs.trail?workgroup=enforced";
    let run = scan(&aws, folder.path(), &["--trail", table, "--allow-partial"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let started = aws.calls_of("athena", "StartQueryExecution");
    assert_eq!(started.len(), 3, "throttled twice");
    // One token, so that a query that was started and not answered for is not started again.
    let token = |at: usize| started[at].param("ClientRequestToken");
    assert_eq!(token(0), token(2));
    // A workgroup that enforces its place for results is not given another one.
    assert!(started[2].param("ResultConfiguration").is_null());
}

#[test]
fn a_query_that_somebody_else_canceled_is_an_error() {
    let canceled = json!({"Status": {"State": "CANCELLED", "StateChangeReason": "Query cancelled by user"},
        "Statistics": {}});
    let aws = Aws::start(small().athena(world(&[canceled])));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--trail", TABLE]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(run.said().contains("cancelled by user"), "{}", run.said());
    assert_eq!(aws.calls_of("athena", "StartQueryExecution").len(), 1);
}
