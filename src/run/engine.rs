//! A trail that Athena or Trino counts: opening the engine, asking it, and what is said of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::runtime::{Handle, Runtime};

use super::Misuse;
use super::interrupt::InterruptWatch;
use super::live::LiveSession;
use super::progress::ProgressReporter;
use super::scan_plan::ScanPlan;
use super::session;
use super::sources::ScanData;
use super::way_out::helpful;
use crate::Exit;
use crate::aws::athena::{Athena, AthenaTable};
use crate::aws::http::PlainHttp;
use crate::cli::{LiveArgs, ScanArgs, TrailSource};
use crate::domain::base::money::{Money, counted, thousands};
use crate::domain::iam::QueryTable;
use crate::engine::reading::{self, DayColumn, EngineError, EngineRead, EngineRequest};
use crate::engine::rows;
use crate::engine::trino::{Trino, TrinoAddress, TrinoLogin};
use crate::files::bounded::begins_with;
use crate::ports::{Fault, HttpSender, QueryFault, SqlEngine};
use crate::term::Term;

/// Sets how long Trino may take for one answer: it holds a request for about a second until there is news.
const TRINO_READ: Duration = Duration::from_mins(2);

/// A trail that was counted, or will be, where it lies.
#[derive(Debug)]
pub(super) enum EngineTrail {
    /// A table that an engine is asked about.
    Table(EngineTable),
    /// The result of a query that somebody else ran.
    Result(PathBuf),
}

/// A table with a trail, as the command line names it, and the column of its days.
#[derive(Debug)]
pub(super) struct EngineTable {
    address: EngineAddress,
    day: Option<DayColumn>,
}

#[derive(Debug)]
enum EngineAddress {
    Athena(AthenaTable),
    Trino(TrinoAddress),
}

/// The part of a trail that an engine counts; `None`: the trail lies elsewhere.
///
/// # Errors
/// [`Misuse`] for an address that is none, and for a table or result beside another trail: an engine gives no ids of
/// events, so events that are in both would count twice.
pub(super) fn trail(trail: &[TrailSource]) -> Result<Option<EngineTrail>> {
    let mut found = None;
    for source in trail {
        match source {
            TrailSource::Athena(text) | TrailSource::Trino(text) => {
                found = Some(EngineTrail::Table(EngineTable::parse(text)?));
            }
            TrailSource::Files(path) if is_result(path) => {
                found = Some(EngineTrail::Result(path.clone()));
            }
            TrailSource::Files(_) | TrailSource::Bucket(_) | TrailSource::LogGroup(_) => {}
        }
    }
    if found.is_some() && trail.len() > 1 {
        return Err(Misuse::new(
            "what Athena or Trino counts cannot be combined with another trail: events that are in both would count twice",
            "give one `--trail`",
        )
        .into());
    }
    Ok(found)
}

/// Returns what the permissions for a table of Athena are about.
///
/// # Errors
/// [`Misuse`] for an address that is none.
pub(super) fn query_target(text: &str) -> Result<QueryTable> {
    let EngineAddress::Athena(table) = EngineTable::parse(text)?.address else {
        return Err(Misuse::new(
            format!("`{text}` is no table of Athena"),
            "write `athena://`",
        )
        .into());
    };
    let output = table.output.as_deref().and_then(|location| {
        let location = location.strip_prefix("s3://")?;
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        Some((bucket.to_owned(), prefix.to_owned()))
    });
    Ok(QueryTable {
        catalog: table.catalog,
        database: table.database,
        table: table.table,
        workgroup: table.workgroup.unwrap_or_else(|| "primary".to_owned()),
        output,
    })
}

/// Returns whether a file holds the rows of our query.
fn is_result(path: &Path) -> bool {
    let name = rows::FIRST_COLUMN.as_bytes();
    begins_with(path, name) || begins_with(path, &[b"\"", name].concat())
}

impl EngineTable {
    /// Reads an address, with `day=COLUMN:FORMAT` among its options.
    fn parse(text: &str) -> Result<Self> {
        let (base, options) = text.split_once('?').unwrap_or((text, ""));
        let (mut rest, mut day) = (Vec::new(), None);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option
                .strip_prefix("day=")
                .and_then(|day| day.split_once(':'))
            {
                Some((name, format)) => {
                    day = Some(DayColumn {
                        name: name.to_owned(),
                        format: format.to_owned(),
                    });
                }
                None => rest.push(option),
            }
        }
        let address = if rest.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", rest.join("&"))
        };
        let parsed = if address.starts_with("athena:") {
            let wrong = |why: String| {
                Misuse::new(
                    why,
                    "such as `athena://default.cloudtrail_logs?workgroup=primary`",
                )
            };
            EngineAddress::Athena(address.parse().map_err(wrong)?)
        } else {
            let wrong = |why: String| {
                Misuse::new(
                    why,
                    "such as `trino://localhost:8080/hive.default.cloudtrail_logs`",
                )
            };
            EngineAddress::Trino(address.parse().map_err(wrong)?)
        };
        Ok(Self {
            address: parsed,
            day,
        })
    }

    /// Opens the engine. A session is opened for Athena if there is none.
    fn open(self, session: Option<&LiveSession>, args: &LiveArgs) -> Result<OpenEngine> {
        let day = self.day;
        match self.address {
            EngineAddress::Athena(table) => {
                let own;
                let (aws, handle, runtime) = if let Some(session) = session {
                    (session.aws(), session.handle().clone(), None)
                } else {
                    let runtime = session::runtime()?;
                    own = runtime.block_on(super::live::open(args))?;
                    (&own, runtime.handle().clone(), Some(runtime))
                };
                Ok(OpenEngine {
                    engine: Arc::new(Athena::new(aws, table)?),
                    handle,
                    _runtime: runtime,
                    kind: EngineKind::Athena,
                    day,
                })
            }
            EngineAddress::Trino(address) => {
                let bundle = session::variable("AWS_CA_BUNDLE").map(PathBuf::from);
                let http = PlainHttp::new(bundle.as_deref(), TRINO_READ)?;
                let http: Arc<dyn HttpSender> = Arc::new(http);
                let user = session::variable("USER").unwrap_or_else(|| "secretsweep".to_owned());
                let login = session::variable("TRINO_ACCESS_TOKEN")
                    .map(TrinoLogin::Token)
                    .or_else(|| session::variable("TRINO_PASSWORD").map(TrinoLogin::Password));
                let runtime = session::runtime()?;
                Ok(OpenEngine {
                    engine: Arc::new(Trino::new(http, address, &user, login)?),
                    handle: runtime.handle().clone(),
                    _runtime: Some(runtime),
                    kind: EngineKind::Trino,
                    day,
                })
            }
        }
    }
}

/// The kinds of engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EngineKind {
    Athena,
    Trino,
}

impl EngineKind {
    /// Its name, for sentences.
    fn name(self) -> &'static str {
        match self {
            Self::Athena => "Athena",
            Self::Trino => "Trino",
        }
    }
}

/// An engine that was opened, and the runtime in which it is asked.
struct OpenEngine {
    engine: Arc<dyn SqlEngine>,
    handle: Handle,
    /// The engine's own runtime, unless the session's is used.
    _runtime: Option<Runtime>,
    kind: EngineKind,
    day: Option<DayColumn>,
}

impl EngineTrail {
    /// Returns whether a session with AWS is needed.
    pub(super) fn is_in_aws(&self) -> bool {
        match self {
            Self::Table(table) => matches!(table.address, EngineAddress::Athena(_)),
            Self::Result(_) => false,
        }
    }

    /// Reads the trail.
    pub(super) fn read(
        self,
        plan: &ScanPlan,
        args: &ScanArgs,
        session: Option<&LiveSession>,
        gathered: &mut ScanData,
        interrupts: &InterruptWatch,
        term: &Term,
    ) -> Result<()> {
        let pattern = gathered.ledger(plan.bounds());
        let ledger = || pattern.another();
        let read = match self {
            Self::Table(table) => {
                let open = table.open(session, &args.live)?;
                let (engine, handle) = (Arc::clone(&open.engine), open.handle.clone());
                interrupts.also(move || handle.block_on(engine.cancel()));
                term.say(&open.beforehand(args.scan_limit));
                let progress = ProgressReporter::new(term, Duration::ZERO);
                let request = open.request(plan, args.scan_limit);
                let reading = reading::read(open.engine.as_ref(), &request, &ledger, &progress);
                let read = open.handle.block_on(reading);
                progress.finish();
                let read = read.map_err(|error| open.error(&error))?;
                gathered.notes.push(open.sentence(&read));
                read
            }
            Self::Result(path) => {
                let read = result(&path, &ledger)?;
                gathered.notes.push(format!(
                    "The trail is the result of a query that was run before, in {}.",
                    path.display()
                ));
                read
            }
        };
        gathered.ledgers.extend(read.ledgers);
        gathered.gaps.extend(read.gaps);
        gathered.notes.extend(read.notes);
        Ok(())
    }
}

/// Reads the result of a query that somebody else ran.
fn result(
    path: &Path,
    ledger: &(dyn Fn() -> crate::domain::trail::ledger::Ledger + Sync),
) -> Result<EngineRead> {
    let name = path.display().to_string();
    let mut file = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(path)
        .with_context(|| format!("cannot read `{name}`"))?;
    let header = file
        .headers()
        .with_context(|| format!("cannot read `{name}`"))?;
    if !rows::is_header(header) {
        return Err(helpful(
            format!("`{name}` is a result of another version of the query"),
            "run the query that `--print-sql` prints again, and save its rows as CSV with the names of the columns",
        ));
    }
    let records = file.into_records().map(|record| {
        let record = record.map_err(|error| error.to_string())?;
        Ok(record
            .iter()
            .map(|value| (!value.is_empty()).then(|| value.to_owned()))
            .collect())
    });
    reading::from_rows(records, &name, ledger).map_err(|error| {
        helpful(
            format!("cannot count the trail: {error}"),
            "run `scan` with the `--now` and the window of the command that printed the query",
        )
    })
}

/// The price of a terabyte that a query of Athena scans (Athena pricing, most Regions), in millionths of a dollar.
const ATHENA_TB: u64 = 5_000_000;

/// Athena charges for whole megabytes, and at least for ten of them a query.
fn athena_price(queries: &[u64]) -> Money {
    const MB: u64 = 1 << 20;
    let megabytes = queries.iter().map(|bytes| bytes.div_ceil(MB).max(10));
    let all: u64 = megabytes.sum();
    Money(i64::try_from(all * ATHENA_TB / (1 << 20)).unwrap_or(i64::MAX))
}

impl OpenEngine {
    /// Returns what a scan asks for.
    fn request(&self, plan: &ScanPlan, scan_limit: Option<u64>) -> EngineRequest {
        EngineRequest {
            bounds: plan.bounds(),
            span: plan.spans.evidence,
            scan_limit,
            day: self.day.clone(),
        }
    }

    /// Returns what a query will take, as a sentence. Neither engine knows how much a query over JSON will scan
    /// (`EXPLAIN (TYPE IO)` gives no number for tables without statistics), so the limit is what can be said.
    fn beforehand(&self, scan_limit: Option<u64>) -> String {
        let name = self.engine.table_name();
        let price = match self.kind {
            EngineKind::Athena => " It charges about $5 for each TB.",
            EngineKind::Trino => "",
        };
        let limit = match scan_limit {
            Some(limit) => {
                let megabytes = thousands(limit / 1_000_000);
                format!("It is canceled if it scans more than {megabytes} MB.")
            }
            None => "`--scan-limit 100GB` would cancel it above that.".to_owned(),
        };
        format!(
            "{} counts the trail in {name}. How much the query scans is known only while it runs.{price} {limit}",
            self.kind.name()
        )
    }

    /// Returns what was read, for the reader of the report.
    fn sentence(&self, read: &EngineRead) -> String {
        let megabytes = thousands(read.read.bytes / 1_000_000);
        let what = format!(
            "{} counted the trail in {}",
            self.kind.name(),
            self.engine.table_name()
        );
        if self.kind == EngineKind::Trino {
            let records = counted(read.read.rows, "row", "rows");
            return format!("{what}: it read {records} of the table and {megabytes} MB.");
        }
        format!(
            "{what}: {} scanned {megabytes} MB, which costs about {} at $5 per TB.",
            counted(read.queries.len() as u64, "query", "queries"),
            athena_price(&read.queries),
        )
    }

    /// An error with its way out.
    fn error(&self, error: &EngineError) -> anyhow::Error {
        let help = match error {
            EngineError::Query(QueryFault::ScanLimit(_)) => {
                "name a shorter window, or raise `--scan-limit`"
            }
            EngineError::Query(QueryFault::Fault(Fault::Credentials(_)))
                if self.kind == EngineKind::Trino =>
            {
                "set TRINO_PASSWORD or TRINO_ACCESS_TOKEN, and use `trinos://`"
            }
            EngineError::Query(QueryFault::Fault(Fault::Denied { .. }))
                if self.kind == EngineKind::Athena =>
            {
                "`secretsweep iam-policy scan --trail athena://...` prints the permissions that are needed"
            }
            EngineError::Query(QueryFault::Fault(Fault::Denied { .. })) => {
                "the user needs to read the table; `--print-sql` prints the query for somebody who may"
            }
            EngineError::Query(QueryFault::Fault(Fault::Unreachable(_))) => {
                "check the address, and that the service is up"
            }
            EngineError::Query(QueryFault::Fault(_)) => match self.kind {
                EngineKind::Athena => {
                    "check the names of the table, the workgroup and the place for results (`output=s3://...`)"
                }
                EngineKind::Trino => "check the names of the catalog, the schema and the table",
            },
            EngineError::Query(_) => {
                "`--print-sql` prints the query, so that it can be tried by hand"
            }
            EngineError::Table(_) => {
                "`secretsweep trail-ddl` prints the definition of a table that fits"
            }
        };
        helpful(
            format!("{} cannot count the trail: {error}", self.kind.name()),
            help,
        )
    }
}

/// Prints the query for the table of the trail.
pub(super) fn print_sql(plan: &ScanPlan, args: &ScanArgs) -> Result<Exit> {
    let Some(EngineTrail::Table(table)) = trail(&args.trail)? else {
        let why = "`--print-sql` needs a table of Athena or Trino";
        let help = "name one with `--trail athena://...` or `--trail trino://...`";
        return Err(Misuse::new(why, help).into());
    };
    let open = table.open(None, &args.live)?;
    let request = open.request(plan, None);
    let sql = open
        .handle
        .block_on(reading::sql(open.engine.as_ref(), &request));
    let sql = sql.map_err(|error| open.error(&error))?;
    Term::data(format!("{sql}\n").as_bytes())?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_athena_costs_at_least_ten_megabytes() {
        assert_eq!(
            athena_price(&[1]).to_string(),
            athena_price(&[10 << 20]).to_string()
        );
        assert_eq!(athena_price(&[1 << 40]), Money(5_000_000));
        assert_eq!(athena_price(&[1 << 39, 1 << 39]), Money(5_000_000));
    }

    #[test]
    fn the_column_of_the_day_is_an_option_of_the_address() {
        let table = EngineTable::parse("athena://a.b?day=dt:yyyy-MM-dd&workgroup=w").unwrap();
        let day = table.day.unwrap();
        assert_eq!(
            (day.name.as_str(), day.format.as_str()),
            ("dt", "yyyy-MM-dd")
        );
        assert!(matches!(
            table.address,
            EngineAddress::Athena(found) if found.workgroup.as_deref() == Some("w")
        ));
    }
}
