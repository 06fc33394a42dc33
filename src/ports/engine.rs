//! What a query over a table of trail records needs: an engine that runs SQL, and a sender of HTTP requests.

use futures_util::future::BoxFuture;
use thiserror::Error;

use super::Fault;

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the engine writes it.
    pub kind: String,
    /// The folders of the table are named by it.
    pub is_partition: bool,
    /// The way in which its values write a day, such as `yyyy/MM/dd`, if the table says so (partition projection).
    pub format: Option<String>,
    /// One of its values, if the engine lists them.
    pub sample: Option<String>,
}

/// The columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumns {
    /// All columns.
    pub columns: Vec<TableColumn>,
    /// Each row knows the file that it lies in (`"$path"`): a view does not.
    pub has_path: bool,
}

/// The progress of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryProgress {
    /// Rows that were read.
    pub rows: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Why a query gave no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QueryFault {
    /// It took longer, or needs more memory, than the engine allows: a smaller part of the time may work.
    #[error("the query is too large for the engine: {0}")]
    TooLarge(String),
    /// The engine cannot run such a query, whatever part of the time it is for.
    #[error("the engine refuses the query: {0}")]
    Wrong(String),
    /// The query began and failed.
    #[error("the query failed: {0}")]
    Failed(String),
    /// It read more bytes than it may, and was ended.
    #[error("the query read more than {0} bytes and was canceled")]
    ScanLimit(u64),
    /// The engine could not be asked.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The values of a row, as texts; `None` for NULL.
pub type SqlRow = Vec<Option<String>>;

/// A request by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for none.
    pub body: String,
}

/// An answer by HTTP, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Such as 200.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Sends requests by HTTP or HTTPS, through the proxy and with the certificates of the environment.
pub trait HttpSender: Send + Sync {
    /// Sends one and waits for its answer. The error says what kept it from coming.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpAnswer, String>>;
}

/// Takes the rows of a query, page by page.
pub type RowSink<'a> = &'a mut (dyn FnMut(Vec<SqlRow>) + Send);

/// Learns how much a query has read so far; if it gives an error, the query is canceled.
pub type QueryWatch<'a> = &'a (dyn Fn(QueryProgress) -> Result<(), QueryFault> + Sync);

/// An engine that runs SQL over a table of trail records: Athena or Trino.
pub trait SqlEngine: Send + Sync {
    /// The columns of the table.
    fn table(&self) -> BoxFuture<'_, Result<TableColumns, QueryFault>>;

    /// The name of the table, quoted, for a query.
    fn table_name(&self) -> String;

    /// Runs a query and hands its rows over, page by page, without the names of the columns. Gives how much it read.
    ///
    /// `on_progress` is called with how much was read so far. If it gives an error, the query is canceled and ends with it.
    fn run<'a>(
        &'a self,
        sql: &'a str,
        on_rows: RowSink<'a>,
        on_progress: QueryWatch<'a>,
    ) -> BoxFuture<'a, Result<QueryProgress, QueryFault>>;

    /// Ends the query that runs, if one does.
    fn cancel(&self) -> BoxFuture<'_, ()>;
}
