//! A trail that Athena or Trino counts: opening the engine, asking it, and what is said of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
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
use crate::aws::http::PlainHttp;
use crate::cli::{ScanArgs, TrailSource};
use crate::domain::base::money::{counted, thousands};
use crate::engine::reading::{self, EngineError, EngineRequest};
use crate::engine::trino::{Trino, TrinoAddress, TrinoLogin};
use crate::ports::{Fault, HttpSender, QueryFault, SqlEngine};
use crate::term::Term;

/// How long Trino may take for one answer: it holds a request for about a second until there is news.
const TRINO_READ: Duration = Duration::from_mins(2);

/// A table with a trail, as the command line names it.
#[derive(Debug)]
pub(super) enum EngineTable {
    /// In Trino.
    Trino(TrinoAddress),
}

/// The table of a trail; `None`: the trail lies elsewhere.
///
/// # Errors
/// [`Misuse`] for an address that is none, and for a table beside another trail: an engine gives no ids of events, so
/// events that are in both would count twice.
pub(super) fn table(trail: &[TrailSource]) -> Result<Option<EngineTable>> {
    let mut table = None;
    for source in trail {
        table = match source {
            TrailSource::Trino(text) => {
                let address = text.parse().map_err(|why: String| {
                    Misuse::new(
                        why,
                        "such as `trino://localhost:8080/hive.default.cloudtrail_logs`",
                    )
                })?;
                Some(EngineTable::Trino(address))
            }
            TrailSource::Athena(_) => return Err(anyhow!("not yet")),
            TrailSource::Files(_) | TrailSource::Bucket(_) => table,
        };
    }
    if table.is_some() && trail.len() > 1 {
        return Err(Misuse::new(
            "a table of Athena or Trino cannot be combined with another trail: events that are in both would count twice",
            "give one `--trail`",
        )
        .into());
    }
    Ok(table)
}

/// An engine that was opened, and the runtime in which it is asked.
pub(super) struct OpenEngine {
    engine: Arc<dyn SqlEngine>,
    runtime: EngineRuntime,
    /// Its name, for sentences.
    name: &'static str,
}

/// The runtime of a session, or one for the engine alone.
enum EngineRuntime {
    Own(Runtime),
}

impl EngineRuntime {
    fn handle(&self) -> &Handle {
        match self {
            Self::Own(runtime) => runtime.handle(),
        }
    }
}

impl EngineTable {
    /// Whether a session with AWS is needed.
    pub(super) fn is_in_aws(&self) -> bool {
        match self {
            Self::Trino(_) => false,
        }
    }

    /// Opens the engine.
    pub(super) fn open(self, _session: Option<&LiveSession>) -> Result<OpenEngine> {
        match self {
            Self::Trino(address) => {
                let bundle = session::variable("AWS_CA_BUNDLE").map(PathBuf::from);
                let http = PlainHttp::new(bundle.as_deref(), TRINO_READ)?;
                let http: Arc<dyn HttpSender> = Arc::new(http);
                let user = session::variable("USER").unwrap_or_else(|| "secretsweep".to_owned());
                let login = session::variable("TRINO_ACCESS_TOKEN")
                    .map(TrinoLogin::Token)
                    .or_else(|| session::variable("TRINO_PASSWORD").map(TrinoLogin::Password));
                Ok(OpenEngine {
                    engine: Arc::new(Trino::new(http, address, &user, login)?),
                    runtime: EngineRuntime::Own(session::runtime()?),
                    name: "Trino",
                })
            }
        }
    }
}

/// What a scan asks an engine for.
fn request(plan: &ScanPlan, scan_limit: Option<u64>) -> EngineRequest {
    EngineRequest {
        bounds: plan.bounds(),
        span: plan.spans.evidence,
        scan_limit,
    }
}

impl OpenEngine {
    /// Reads the trail.
    pub(super) fn read(
        &self,
        plan: &ScanPlan,
        scan_limit: Option<u64>,
        gathered: &mut ScanData,
        interrupts: &InterruptWatch,
        term: &Term,
    ) -> Result<()> {
        let teller = ProgressReporter::new(term, Duration::ZERO);
        let (engine, handle) = (Arc::clone(&self.engine), self.runtime.handle().clone());
        interrupts.also(move || handle.block_on(engine.cancel()));
        let bounds = plan.bounds();
        let pattern = gathered.ledger(bounds);
        let ledger = || pattern.another();
        let request = request(plan, scan_limit);
        let reading = reading::read(self.engine.as_ref(), &request, &ledger, &teller);
        let read = self.runtime.handle().block_on(reading);
        teller.finish();
        let read = read.map_err(|error| self.error(&error))?;
        gathered.ledgers.extend(read.ledgers);
        gathered.gaps.extend(read.gaps);
        gathered.notes.push(format!(
            "{} counted the trail in {}: it read {} and {} MB.",
            self.name,
            self.engine.table_name(),
            counted(read.read.rows, "record", "records"),
            thousands(read.read.bytes / 1_000_000),
        ));
        gathered.notes.extend(read.notes);
        Ok(())
    }

    /// An error with its way out.
    fn error(&self, error: &EngineError) -> anyhow::Error {
        let help = match error {
            EngineError::Query(QueryFault::ScanLimit(_)) => {
                "name a shorter window, or raise `--scan-limit`"
            }
            EngineError::Query(QueryFault::Fault(Fault::Credentials(_))) => {
                "set TRINO_PASSWORD or TRINO_ACCESS_TOKEN, and use `trinos://`"
            }
            EngineError::Query(QueryFault::Fault(Fault::Denied { .. })) => {
                "the user needs to read the table; `--print-sql` prints the query for somebody who may"
            }
            EngineError::Query(QueryFault::Fault(Fault::Unreachable(_))) => {
                "check the address, and that the server is up"
            }
            EngineError::Query(QueryFault::Fault(_)) => {
                "check the names of catalog, schema and table"
            }
            EngineError::Query(_) => {
                "`--print-sql` prints the query, so that it can be tried by hand"
            }
            EngineError::Table(_) => {
                "`secretsweep trail-ddl` prints the definition of a table that fits"
            }
        };
        helpful(
            format!("{} cannot count the trail: {error}", self.name),
            help,
        )
    }
}

/// Prints the query for the table of the trail.
pub(super) fn print_sql(plan: &ScanPlan, args: &ScanArgs) -> Result<Exit> {
    let Some(table) = table(&args.trail)? else {
        let why = "`--print-sql` needs a table of Athena or Trino";
        return Err(Misuse::new(
            why,
            "name one with `--trail athena://...` or `--trail trino://...`",
        )
        .into());
    };
    let open = table.open(None)?;
    let request = request(plan, None);
    let sql = open
        .runtime
        .handle()
        .block_on(reading::sql(open.engine.as_ref(), &request));
    let sql = sql.map_err(|error| open.error(&error))?;
    Term::data(format!("{sql}\n").as_bytes())?;
    Ok(Exit::Done)
}
