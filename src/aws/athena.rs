//! Athena: a query over a table of trail records, from its start to its rows.
//!
//! A query is started, asked about until it ends, and read page by page (Athena API reference, `StartQueryExecution`,
//! `GetQueryExecution`, `GetQueryResults`). Athena writes the result to a location in S3: that of the address, or else
//! that of the workgroup, which may enforce its own. The columns of the table come from `GetTableMetadata`, which reads
//! AWS Glue.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::operation::ServiceOperation;
use super::services::ATHENA;
use super::{AwsSession, locked};
use crate::ports::{
    Fault, QueryFault, QueryProgress, QueryWatch, RowSink, SqlEngine, SqlRow, TableColumn,
    TableColumns,
};

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &[
    "athena:GetTableMetadata",
    "athena:StartQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:StopQueryExecution",
];

/// The catalog of AWS Glue.
const GLUE: &str = "AwsDataCatalog";

/// The wait before a query is asked about again; each further one is longer, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);

const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The most rows of a page.
const PAGE: u32 = 1_000;

/// The address of a table of Athena: `athena://[catalog.]database.table[?workgroup=NAME&output=s3://bucket/prefix]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AthenaTable {
    /// The data catalog.
    pub catalog: String,
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The workgroup; `None`: `primary`.
    pub workgroup: Option<String>,
    /// The location where results go; `None`: the workgroup names it.
    pub output: Option<String>,
}

impl std::str::FromStr for AthenaTable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "`{text}` is not `athena://[catalog.]database.table[?workgroup=NAME&output=s3://bucket/prefix]`"
            )
        };
        let rest = text.strip_prefix("athena://").ok_or_else(expected)?;
        let (names, options) = rest.split_once('?').unwrap_or((rest, ""));
        let odd = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "/#\x22'`\\".contains(letter)
        };
        let names: Vec<&str> = names.split('.').collect();
        let (catalog, database, table) = match names[..] {
            [database, table] => (GLUE, database, table),
            [catalog, database, table] => (catalog, database, table),
            _ => return Err(expected()),
        };
        let all = [catalog, database, table];
        if all.iter().any(|name| name.is_empty() || name.contains(odd)) {
            return Err(expected());
        }
        let (mut workgroup, mut output) = (None, None);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("workgroup", name)) if !name.is_empty() => workgroup = Some(name.to_owned()),
                Some(("output", location)) if location.starts_with("s3://") => {
                    output = Some(location.to_owned());
                }
                _ => return Err(expected()),
            }
        }
        Ok(Self {
            catalog: catalog.to_owned(),
            database: database.to_owned(),
            table: table.to_owned(),
            workgroup,
            output,
        })
    }
}

/// A table of Athena, in the account and Region of the session.
#[derive(Debug)]
pub struct Athena {
    table: AthenaTable,
    metadata: ServiceOperation,
    start: ServiceOperation,
    execution: ServiceOperation,
    results: ServiceOperation,
    stop: ServiceOperation,
    /// The id of the query that runs.
    running: Mutex<Option<String>>,
}

impl Athena {
    /// The table at this address.
    ///
    /// # Errors
    /// [`Fault::Refused`] if the partition is known to have no Athena.
    pub fn new(session: &AwsSession, table: AthenaTable) -> Result<Self, Fault> {
        let operation = |action| session.operation(&ATHENA, action, &session.base);
        Ok(Self {
            table,
            metadata: operation("athena:GetTableMetadata")?,
            start: operation("athena:StartQueryExecution")?,
            execution: operation("athena:GetQueryExecution")?,
            results: operation("athena:GetQueryResults")?,
            stop: operation("athena:StopQueryExecution")?,
            running: Mutex::default(),
        })
    }

    fn note_running(&self, id: Option<String>) {
        *locked(&self.running) = id;
    }

    /// Starts a query; gives its id.
    async fn begin(&self, sql: &str) -> Result<String, Fault> {
        let table = &self.table;
        let mut input = json!({
            "QueryString": sql,
            // A request that is sent again starts no second query.
            "ClientRequestToken": token(sql),
            "QueryExecutionContext": {"Catalog": table.catalog, "Database": table.database},
        });
        if let Some(workgroup) = &table.workgroup {
            input["WorkGroup"] = json!(workgroup);
        }
        if let Some(output) = &table.output {
            input["ResultConfiguration"] = json!({"OutputLocation": output});
        }
        let answer = self.start.call(&input).await?;
        let id = answer["QueryExecutionId"].as_str();
        id.map(str::to_owned).ok_or_else(|| {
            Fault::Unreachable("the answer to athena:StartQueryExecution has no id".to_owned())
        })
    }

    /// Waits for the end of a query.
    async fn wait(
        &self,
        id: &str,
        on_progress: QueryWatch<'_>,
    ) -> Result<QueryProgress, QueryFault> {
        let mut wait = FIRST_WAIT;
        loop {
            let answer = self
                .execution
                .call(&json!({"QueryExecutionId": id}))
                .await?;
            let execution = &answer["QueryExecution"];
            let done = QueryProgress {
                rows: 0,
                bytes: execution["Statistics"]["DataScannedInBytes"]
                    .as_u64()
                    .unwrap_or(0),
            };
            let status = &execution["Status"];
            match status["State"].as_str() {
                Some("SUCCEEDED") => return on_progress(done).map(|()| done),
                Some("FAILED") => return Err(fault_of(status)),
                // To ask again for parts of it would go against whoever canceled it.
                Some("CANCELLED") => {
                    let reason = status["StateChangeReason"].as_str();
                    let reason = reason.unwrap_or("somebody canceled it");
                    return Err(QueryFault::Wrong(format!("it was canceled: {reason}")));
                }
                Some("QUEUED" | "RUNNING") => {}
                other => {
                    let state = other.unwrap_or("none");
                    return Err(Fault::Unreachable(format!(
                        "athena:GetQueryExecution answers with the state `{state}`"
                    ))
                    .into());
                }
            }
            if let Err(fault) = on_progress(done) {
                self.cancel().await;
                return Err(fault);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    /// Hands the rows of a query over. The first row of the first page has the names of the columns.
    async fn hand_over(&self, id: &str, on_rows: RowSink<'_>) -> Result<(), QueryFault> {
        let input = json!({"QueryExecutionId": id, "MaxResults": PAGE});
        let mut is_first = true;
        let take = |page: Value| {
            let rows = page["ResultSet"]["Rows"].as_array();
            let rows = rows.into_iter().flatten().map(row);
            on_rows(rows.skip(usize::from(is_first)).collect());
            is_first = false;
        };
        let pages = self.results.each_page(usize::MAX, input, "NextToken", take);
        Ok(pages.await?)
    }

    async fn query(
        &self,
        sql: &str,
        on_rows: RowSink<'_>,
        on_progress: QueryWatch<'_>,
    ) -> Result<QueryProgress, QueryFault> {
        let id = self.begin(sql).await?;
        self.note_running(Some(id.clone()));
        let done = self.wait(&id, on_progress).await;
        self.note_running(None);
        let done = done?;
        self.hand_over(&id, on_rows).await?;
        Ok(done)
    }
}

/// A token that no other query has.
fn token(sql: &str) -> String {
    let half = || RandomState::new().hash_one(sql);
    format!("secretsweep-{:016x}{:016x}", half(), half())
}

/// The values of a row; a value that is missing is NULL.
fn row(row: &Value) -> SqlRow {
    let values = row["Data"].as_array().into_iter().flatten();
    values
        .map(|value| value["VarCharValue"].as_str().map(str::to_owned))
        .collect()
}

/// Returns why a query ended without a result.
fn fault_of(status: &Value) -> QueryFault {
    /// The category of errors that the query itself makes (Athena API reference, `AthenaError`).
    const USER: u64 = 2;
    let reason = status["StateChangeReason"].as_str();
    let message = status["AthenaError"]["ErrorMessage"].as_str();
    let why = reason.or(message).unwrap_or("Athena gives no reason");
    let says = |words: &[&str]| {
        let lower = why.to_ascii_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    if says(&["bytes scanned limit"]) {
        // To split the query would go around the limit of the workgroup.
        QueryFault::Wrong(format!("the workgroup allows no more: {why}"))
    } else if says(&["exhausted resources", "timeout", "timed out", "time limit"]) {
        QueryFault::TooLarge(why.to_owned())
    } else if status["AthenaError"]["ErrorCategory"] == USER {
        QueryFault::Wrong(why.to_owned())
    } else {
        QueryFault::Failed(why.to_owned())
    }
}

/// A table as `GetTableMetadata` describes it.
fn columns_of(metadata: &Value) -> TableColumns {
    let parameters = &metadata["Parameters"];
    let list = |member: &str, is_partition: bool| {
        let columns = metadata[member].as_array().into_iter().flatten();
        let columns = columns.map(move |column| {
            let name = column["Name"].as_str().unwrap_or_default();
            let format = parameters[format!("projection.{name}.format")].as_str();
            TableColumn {
                name: name.to_owned(),
                kind: column["Type"].as_str().unwrap_or_default().to_owned(),
                is_partition,
                format: format.map(str::to_owned),
                sample: None,
            }
        });
        columns.collect::<Vec<_>>()
    };
    let mut columns = list("Columns", false);
    columns.extend(list("PartitionKeys", true));
    TableColumns {
        has_path: metadata["TableType"] != "VIRTUAL_VIEW"
            || columns.iter().any(|column| column.name == "$path"),
        columns,
    }
}

impl SqlEngine for Athena {
    fn table(&self) -> BoxFuture<'_, Result<TableColumns, QueryFault>> {
        async move {
            let table = &self.table;
            let mut input = json!({
                "CatalogName": table.catalog,
                "DatabaseName": table.database,
                "TableName": table.table,
            });
            if let Some(workgroup) = &table.workgroup {
                input["WorkGroup"] = json!(workgroup);
            }
            let answer = self.metadata.call(&input).await?;
            Ok(columns_of(&answer["TableMetadata"]))
        }
        .boxed()
    }

    fn table_name(&self) -> String {
        let AthenaTable {
            catalog,
            database,
            table,
            ..
        } = &self.table;
        format!("\"{catalog}\".\"{database}\".\"{table}\"")
    }

    fn run<'a>(
        &'a self,
        sql: &'a str,
        on_rows: RowSink<'a>,
        on_progress: QueryWatch<'a>,
    ) -> BoxFuture<'a, Result<QueryProgress, QueryFault>> {
        self.query(sql, on_rows, on_progress).boxed()
    }

    fn cancel(&self) -> BoxFuture<'_, ()> {
        async move {
            let running = locked(&self.running).take();
            if let Some(id) = running {
                // Whether Athena got it or not: nothing more can be done.
                let _ = self.stop.call(&json!({"QueryExecutionId": id})).await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_table() {
        let table: AthenaTable = "athena://logs.trail?workgroup=finops&output=s3://results/x"
            .parse()
            .unwrap();
        assert_eq!(
            (table.catalog.as_str(), table.table.as_str()),
            (GLUE, "trail")
        );
        assert_eq!(table.workgroup.as_deref(), Some("finops"));
        assert_eq!(table.output.as_deref(), Some("s3://results/x"));
        let table: AthenaTable = "athena://lake.logs.trail".parse().unwrap();
        assert_eq!((table.catalog.as_str(), table.workgroup), ("lake", None));
        for text in [
            "athena://trail",
            "athena://a.b.c.d",
            "athena://a.",
            "athena://a.b\x22",
            "athena://a.b?workgroup=",
            "athena://a.b?output=/tmp",
            "athena://a.b?password=x",
        ] {
            assert!(text.parse::<AthenaTable>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_says_whether_a_smaller_query_may_work() {
        let status = |reason: &str, category: u64| json!({"StateChangeReason": reason, "AthenaError": {"ErrorCategory": category}});
        let of = |reason, category| fault_of(&status(reason, category));
        assert!(matches!(
            of("Query exhausted resources at this scale factor", 2),
            QueryFault::TooLarge(_)
        ));
        assert!(matches!(of("Query timeout", 1), QueryFault::TooLarge(_)));
        assert!(matches!(
            of("Bytes scanned limit was exceeded", 2),
            QueryFault::Wrong(_)
        ));
        assert!(matches!(
            of("SYNTAX_ERROR: line 1", 2),
            QueryFault::Wrong(_)
        ));
        assert!(matches!(of("Internal error", 1), QueryFault::Failed(_)));
    }
}
