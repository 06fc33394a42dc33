//! Trails that an engine counts: the same report as from the same files.
//!
//! `trino` runs the query on a real Trino; `athena` goes through the loopback AWS; what happens to queries that fail is
//! tested here, with an engine that fails on purpose.

mod athena;
mod trino;

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secretsweep::domain::base::names::Scope;
use secretsweep::domain::base::span::Span;
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::ledger::{Ledger, LedgerBounds};
use secretsweep::engine::reading::{self, EngineError, EngineRead, EngineRequest};
use secretsweep::ports::{
    NoProgress, QueryFault, QueryProgress, QueryWatch, RowSink, SqlEngine, SqlRow, TableColumn,
    TableColumns,
};

/// A table as AWS documents it, or without some of its columns.
pub(crate) fn columns(without: &[&str]) -> Vec<TableColumn> {
    let all = [
        ("useridentity", "struct<type:string,arn:string>"),
        ("eventtime", "string"),
        ("eventsource", "string"),
        ("eventname", "string"),
        ("eventcategory", "string"),
        ("readonly", "string"),
        ("sharedeventid", "string"),
        ("vpcendpointid", "string"),
        ("tlsdetails", "struct<tlsversion:string>"),
        ("sessioncredentialfromconsole", "string"),
        ("serviceeventdetails", "string"),
    ];
    let found = all.iter().filter(|(name, _)| !without.contains(name));
    found
        .map(|(name, kind)| TableColumn {
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            ..TableColumn::default()
        })
        .collect()
}

fn second(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

const FROM: &str = "2026-10-01T00:00:00Z";
const TO: &str = "2026-10-09T00:00:00Z";

fn request(scan_limit: Option<u64>) -> EngineRequest {
    EngineRequest {
        bounds: LedgerBounds {
            from: second(FROM),
            window_from: second(FROM),
            to: second(TO),
        },
        span: Span {
            from: FROM.parse().unwrap(),
            to: TO.parse().unwrap(),
        },
        scan_limit,
        day: None,
    }
}

/// A row with these columns; the first is its kind.
pub(crate) fn row(values: &[(usize, &str)]) -> SqlRow {
    let mut row = vec![None; 36];
    for (at, value) in values {
        row[*at] = Some((*value).to_owned());
    }
    row
}

/// The row that says what the query was for.
fn span_row() -> SqlRow {
    row(&[(0, "span"), (1, FROM), (2, TO), (5, FROM)])
}

/// An hour of each day of a part, as records of other services show it.
fn hours_row(day: &str) -> SqlRow {
    row(&[
        (0, "hours"),
        (1, "111122223333"),
        (2, "eu-west-1"),
        (27, "1"),
        (29, "16777215"),
        (30, "24"),
        (32, day),
        (33, "*"),
        (34, "*"),
        (35, "*"),
    ])
}

type Script = dyn Fn(&str) -> Result<Vec<SqlRow>, QueryFault> + Send + Sync;

/// An engine that answers as a test says, and remembers what it was asked.
struct Scripted {
    columns: TableColumns,
    answer: Box<Script>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl SqlEngine for Scripted {
    fn table(&self) -> BoxFuture<'_, Result<TableColumns, QueryFault>> {
        std::future::ready(Ok(self.columns.clone())).boxed()
    }

    fn table_name(&self) -> String {
        "\"logs\".\"trail\"".to_owned()
    }

    fn run<'a>(
        &'a self,
        sql: &'a str,
        on_rows: RowSink<'a>,
        on_progress: QueryWatch<'a>,
    ) -> BoxFuture<'a, Result<QueryProgress, QueryFault>> {
        self.asked.lock().unwrap().push(sql.to_owned());
        let done = QueryProgress {
            rows: 24,
            bytes: 1_000,
        };
        let result = on_progress(done)
            .and_then(|()| (self.answer)(sql))
            .map(|rows| {
                on_rows(rows);
                done
            });
        std::future::ready(result).boxed()
    }

    fn cancel(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

fn read(
    without: &[&str],
    scan_limit: Option<u64>,
    answer: impl Fn(&str) -> Result<Vec<SqlRow>, QueryFault> + Send + Sync + 'static,
) -> (Result<EngineRead, EngineError>, usize) {
    let engine = Scripted {
        columns: TableColumns {
            columns: columns(without),
            has_path: true,
        },
        answer: Box::new(answer),
        asked: Arc::default(),
    };
    let request = request(scan_limit);
    let ledger = || Ledger::new(request.bounds, Arc::new(Deduplicator::default()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let read = runtime.block_on(reading::read(&engine, &request, &ledger, &NoProgress));
    let asked = engine.asked.lock().unwrap().len();
    (read, asked)
}

/// The days that a query asks for, by the conditions on the time of events.
fn asks_for(sql: &str, day: &str) -> bool {
    let (_, rest) = sql.split_once("'span'").unwrap();
    let moments: Vec<&str> = rest
        .split('\'')
        .filter(|part| part.ends_with('Z'))
        .collect();
    // From, to, then the part: as the columns of the row stand.
    let part = &moments[2..4];
    let at = format!("{day}T00:00:00Z");
    part[0] <= at.as_str() && at.as_str() < part[1]
}

fn hours_of(read: EngineRead) -> u32 {
    let request = request(None);
    let mut all = Ledger::new(request.bounds, Arc::new(Deduplicator::default()));
    for ledger in read.ledgers {
        all.merge(ledger);
    }
    let (_, coverage) = all.into_accesses();
    let scope = Scope {
        account: "111122223333".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
    };
    let covered = coverage.covered(&scope, request.bounds.from, request.bounds.to);
    u32::try_from(
        covered.map_or(0, |covered| {
            covered.seconds(request.bounds.from, request.bounds.to)
        }) / 3_600,
    )
    .unwrap()
}

const DAYS: [&str; 8] = [
    "2026-10-01",
    "2026-10-02",
    "2026-10-03",
    "2026-10-04",
    "2026-10-05",
    "2026-10-06",
    "2026-10-07",
    "2026-10-08",
];

fn days_of(sql: &str) -> Vec<SqlRow> {
    let days = DAYS.iter().filter(|day| asks_for(sql, day));
    let mut rows: Vec<SqlRow> = days.map(|day| hours_row(day)).collect();
    rows.push(span_row());
    rows
}

#[test]
fn a_query_that_is_too_large_is_asked_by_smaller_parts_of_the_time() {
    let (whole, asked) = read(&[], None, |sql| Ok(days_of(sql)));
    let whole = whole.unwrap();
    assert_eq!((asked, whole.gaps.len()), (1, 0));
    let (split, asked) = read(&[], None, |sql| {
        let days = days_of(sql);
        if days.len() > 3 {
            return Err(QueryFault::TooLarge("no memory".to_owned()));
        }
        Ok(days)
    });
    let split = split.unwrap();
    assert_eq!((asked, split.gaps.len(), split.queries.len()), (7, 0, 4));
    assert_eq!(hours_of(whole), 192);
    assert_eq!(hours_of(split), 192);
}

#[test]
fn a_day_that_fails_twice_is_a_gap_and_the_other_days_count() {
    let (read, _) = read(&[], None, |sql| {
        if asks_for(sql, "2026-10-05") {
            return Err(QueryFault::Failed("a file is damaged".to_owned()));
        }
        Ok(days_of(sql))
    });
    let read = read.unwrap();
    assert_eq!(read.gaps.len(), 1, "{:?}", read.gaps);
    assert!(read.gaps[0].what.contains("2026-10-05T00:00:00Z"));
    assert!(read.gaps[0].why.contains("a file is damaged"));
    assert_eq!(hours_of(read), 7 * 24);
}

#[test]
fn what_the_engine_refuses_or_forbids_is_an_error_and_not_an_empty_trail() {
    for (fault, asks) in [
        (QueryFault::Wrong("SYNTAX_ERROR".to_owned()), 1),
        (QueryFault::ScanLimit(1), 1),
    ] {
        let expected = EngineError::Query(fault.clone());
        let (read, asked) = read(&[], None, move |_| Err(fault.clone()));
        assert_eq!(read.unwrap_err(), expected);
        assert_eq!(asked, asks);
    }
    let (limited, _) = read(&[], Some(999), |sql| Ok(days_of(sql)));
    assert_eq!(
        limited.unwrap_err(),
        EngineError::Query(QueryFault::ScanLimit(999))
    );
}

#[test]
fn rows_that_are_damaged_incomplete_or_of_another_time_are_refused() {
    let broken = row(&[(0, "call"), (29, "2026-10-01T05")]);
    let other = row(&[(0, "span"), (1, "2026-01-01T00:00:00Z"), (2, TO), (5, FROM)]);
    for (rows, words) in [
        (vec![broken, span_row()], "`cells`"),
        (vec![hours_row("2026-10-01")], "not whole"),
        (vec![other], "another time"),
        (vec![row(&[(0, "surprise")]), span_row()], "surprise"),
    ] {
        let (read, _) = read(&[], None, move |_| Ok(rows.clone()));
        let error = read.unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_table_without_a_column_says_what_cannot_be_known() {
    let (blind, _) = read(&["eventcategory"], None, |sql| Ok(days_of(sql)));
    let notes = blind.unwrap().notes.join("\n");
    assert!(notes.contains("no column for `eventCategory`"), "{notes}");
    assert!(
        notes.contains("no secret is marked for deletion"),
        "{notes}"
    );
    assert!(notes.contains("no partitions by day"), "{notes}");
    let (none, asked) = read(&["eventsource", "eventname"], None, |_| Ok(Vec::new()));
    let error = none.unwrap_err().to_string();
    assert!(error.contains("eventsource, eventname"), "{error}");
    assert_eq!(asked, 0, "nothing was asked of it");
}

#[test]
fn records_without_a_readable_time_are_a_gap() {
    let unreadable = row(&[(0, "unreadable"), (30, "3")]);
    let (read, _) = read(&[], None, move |sql| {
        let mut rows = days_of(sql);
        rows.push(unreadable.clone());
        Ok(rows)
    });
    let read = read.unwrap();
    assert!(read.gaps[0].why.contains("3 records"), "{:?}", read.gaps);
    assert_eq!(hours_of(read), 0, "they may be of any time");
}
