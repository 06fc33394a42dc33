//! Trino by its client protocol: a statement is posted, and its rows are fetched page by page from the address that each
//! answer names (Trino documentation, "Client REST API").
//!
//! The answers of a server may name any address, and each request carries the password, so only addresses of the server
//! itself are followed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::table::quoted;
use crate::ports::{
    Fault, HttpAnswer, HttpRequest, HttpSender, QueryFault, QueryProgress, QueryWatch, RowSink,
    SqlEngine, SqlRow, TableColumn, TableColumns,
};

/// The address of a table of Trino: `trino://[user@]host[:port]/catalog.schema.table`, with TLS `trinos://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrinoAddress {
    /// By HTTPS.
    pub secure: bool,
    /// The user; `None`: nobody is named.
    pub user: Option<String>,
    /// Host and port.
    pub host: String,
    /// Catalog, schema and table.
    pub table: [String; 3],
}

impl std::str::FromStr for TrinoAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "`{text}` is not `trino://[user@]host:port/catalog.schema.table` (`trinos://` for TLS)"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(expected)?;
        let secure = match scheme {
            "trino" => false,
            "trinos" => true,
            _ => return Err(expected()),
        };
        let (authority, table) = rest.split_once('/').ok_or_else(expected)?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if user.as_deref().is_some_and(|user| user.contains(':')) {
            return Err(
                "a password does not belong on the command line: set TRINO_PASSWORD".to_owned(),
            );
        }
        let odd = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "/?#@\"'\\".contains(letter)
        };
        let names: Vec<&str> = table.split('.').collect();
        let [catalog, database, table] = names[..] else {
            return Err(expected());
        };
        let all = [host, catalog, database, table];
        if all.iter().any(|part| part.is_empty() || part.contains(odd)) {
            return Err(expected());
        }
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = match (has_port, secure) {
            (true, _) => host.to_owned(),
            (false, true) => format!("{host}:443"),
            (false, false) => format!("{host}:8080"),
        };
        Ok(Self {
            secure,
            user: user.filter(|user| !user.is_empty()),
            host,
            table: [catalog, database, table].map(str::to_owned),
        })
    }
}

/// The proof of who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum TrinoLogin {
    /// A password, from `TRINO_PASSWORD`.
    Password(String),
    /// A token, from `TRINO_ACCESS_TOKEN`.
    Token(String),
}

impl std::fmt::Debug for TrinoLogin {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("TrinoLogin")
    }
}

/// Sets how often a request is sent that the server is too busy for, or that gets no answer.
const ATTEMPTS: u32 = 6;

/// The wait before the second attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A table of Trino.
pub struct Trino {
    http: Arc<dyn HttpSender>,
    address: TrinoAddress,
    user: String,
    login: Option<TrinoLogin>,
    /// The address by which the query that runs can be canceled.
    running: Mutex<Option<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatementPage {
    next_uri: Option<String>,
    data: Vec<Vec<serde_json::Value>>,
    error: Option<StatementError>,
    stats: StatementStats,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatementError {
    message: String,
    error_name: String,
    error_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatementStats {
    processed_rows: u64,
    physical_input_bytes: u64,
}

impl Trino {
    /// The table at this address, asked as this user unless the address names one.
    ///
    /// # Errors
    /// [`Fault::Refused`] for a password or token that would travel without TLS.
    pub fn new(
        http: Arc<dyn HttpSender>,
        address: TrinoAddress,
        user: &str,
        login: Option<TrinoLogin>,
    ) -> Result<Self, Fault> {
        if login.is_some() && !address.secure {
            return Err(Fault::Refused {
                code: "NoTls".to_owned(),
                message: "a password or a token is only sent with TLS: write `trinos://` instead of `trino://`".to_owned(),
            });
        }
        Ok(Self {
            http,
            user: address.user.clone().unwrap_or_else(|| user.to_owned()),
            address,
            login,
            running: Mutex::default(),
        })
    }

    fn base(&self) -> String {
        let scheme = if self.address.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address.host)
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let [catalog, schema, _] = &self.address.table;
        let mut headers = vec![
            ("X-Trino-User", self.user.clone()),
            ("X-Trino-Source", "secretsweep".to_owned()),
            ("X-Trino-Catalog", catalog.clone()),
            ("X-Trino-Schema", schema.clone()),
            // Moments are compared as texts in UTC.
            ("X-Trino-Time-Zone", "UTC".to_owned()),
            ("User-Agent", "secretsweep".to_owned()),
        ];
        match &self.login {
            Some(TrinoLogin::Password(password)) => {
                let both = format!("{}:{password}", self.user);
                let coded = base64::engine::general_purpose::STANDARD.encode(both);
                headers.push(("Authorization", format!("Basic {coded}")));
            }
            Some(TrinoLogin::Token(token)) => {
                headers.push(("Authorization", format!("Bearer {token}")));
            }
            None => {}
        }
        headers
    }

    /// Sends a request until it is answered.
    async fn send(&self, method: &'static str, url: &str, body: &str) -> Result<HttpAnswer, Fault> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let request = HttpRequest {
                method,
                url: url.to_owned(),
                headers: self.headers(),
                body: body.to_owned(),
            };
            let why = match self.http.send(request).await {
                Ok(answer) if matches!(answer.status, 429 | 502 | 503 | 504) => {
                    format!("Trino answers with status {}", answer.status)
                }
                Ok(answer) => return Ok(answer),
                Err(why) => format!("Trino at {}: {why}", self.address.host),
            };
            if attempt == ATTEMPTS {
                return Err(Fault::Unreachable(why));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        unreachable!("the loop ends with the last attempt")
    }

    async fn ask(
        &self,
        method: &'static str,
        url: &str,
        body: &str,
    ) -> Result<StatementPage, QueryFault> {
        let answer = self.send(method, url, body).await?;
        let text = || {
            let text = String::from_utf8_lossy(&answer.body);
            text.chars().take(200).collect::<String>()
        };
        match answer.status {
            200 => {}
            401 => {
                return Err(Fault::Credentials(format!(
                    "Trino wants to know who asks ({}); set TRINO_PASSWORD or TRINO_ACCESS_TOKEN",
                    text()
                ))
                .into());
            }
            403 => {
                return Err(Fault::Denied {
                    action: "access to Trino".to_owned(),
                    message: text(),
                }
                .into());
            }
            status => {
                let why = format!("Trino answers with status {status}: {}", text());
                return Err(Fault::Unreachable(why).into());
            }
        }
        let parsed: StatementPage = serde_json::from_slice(&answer.body).map_err(|error| {
            Fault::Unreachable(format!("the answer of Trino cannot be read: {error}"))
        })?;
        if let Some(next) = &parsed.next_uri
            && !next.starts_with(&format!("{}/", self.base()))
        {
            return Err(Fault::Unreachable(format!(
                "Trino at {} sends to another address ({next}): set `http-server.process-forwarded=true` on the server \
                 if it stands behind a proxy",
                self.base()
            ))
            .into());
        }
        Ok(parsed)
    }

    fn running(&self) -> MutexGuard<'_, Option<String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn statement(
        &self,
        sql: &str,
        on_rows: RowSink<'_>,
        on_progress: QueryWatch<'_>,
    ) -> Result<QueryProgress, QueryFault> {
        let mut answer = self
            .ask("POST", &format!("{}/v1/statement", self.base()), sql)
            .await?;
        loop {
            self.running().clone_from(&answer.next_uri);
            if let Some(error) = answer.error {
                *self.running() = None;
                return Err(fault_of(error));
            }
            let done = QueryProgress {
                rows: answer.stats.processed_rows,
                bytes: answer.stats.physical_input_bytes,
            };
            if let Err(fault) = on_progress(done) {
                self.cancel().await;
                return Err(fault);
            }
            if !answer.data.is_empty() {
                on_rows(answer.data.into_iter().map(texts).collect());
            }
            match answer.next_uri {
                Some(next) => answer = self.ask("GET", &next, "").await?,
                None => return Ok(done),
            }
        }
    }

    /// The rows of a small statement.
    async fn all(&self, sql: &str) -> Result<Vec<SqlRow>, QueryFault> {
        let mut rows = Vec::new();
        self.statement(sql, &mut |more| rows.extend(more), &|_| Ok(()))
            .await?;
        Ok(rows)
    }

    /// Fetches how the values of partition columns look, where the engine lists them. A table without a list is no
    /// error.
    async fn samples(&self, columns: &mut [TableColumn]) {
        let wanted: Vec<usize> = (0..columns.len())
            .filter(|at| columns[*at].is_partition && columns[*at].format.is_none())
            .collect();
        if wanted.is_empty() {
            return;
        }
        let names: Vec<String> = wanted
            .iter()
            .map(|at| format!("CAST(max({}) AS varchar)", quoted(&columns[*at].name)))
            .collect();
        let [catalog, schema, table] = &self.address.table;
        let partitions = [
            catalog.clone(),
            schema.clone(),
            format!("{table}$partitions"),
        ];
        let from = partitions.map(|name| quoted(&name)).join(".");
        let sql = format!("SELECT {} FROM {from}", names.join(", "));
        let Ok(rows) = self.all(&sql).await else {
            return;
        };
        let values = rows.into_iter().next().into_iter().flatten();
        for (at, value) in wanted.into_iter().zip(values) {
            columns[at].sample = value;
        }
    }
}

/// The values of a row as texts.
fn texts(row: Vec<serde_json::Value>) -> SqlRow {
    row.into_iter()
        .map(|value| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        })
        .collect()
}

fn fault_of(error: StatementError) -> QueryFault {
    let StatementError {
        message,
        error_name,
        error_type,
    } = error;
    match (error_name.as_str(), error_type.as_str()) {
        ("PERMISSION_DENIED", _) => Fault::Denied {
            action: "a permission in Trino".to_owned(),
            message,
        }
        .into(),
        ("TABLE_NOT_FOUND" | "SCHEMA_NOT_FOUND" | "CATALOG_NOT_FOUND", _) => {
            Fault::Gone(message).into()
        }
        ("EXCEEDED_TIME_LIMIT" | "EXCEEDED_CPU_LIMIT", _) | (_, "INSUFFICIENT_RESOURCES") => {
            QueryFault::TooLarge(message)
        }
        (_, "USER_ERROR") => QueryFault::Wrong(format!("{error_name}: {message}")),
        _ => QueryFault::Failed(format!("{error_name}: {message}")),
    }
}

/// The format of a partition column in the definition of a table: `partition_projection_format = 'yyyy/MM/dd'`.
fn projected_format(definition: &str, column: &str) -> Option<String> {
    let line = definition.lines().map(str::trim_start).find(|line| {
        let name = line.split([' ', '\t']).next().unwrap_or_default();
        name.trim_matches('"').eq_ignore_ascii_case(column)
    })?;
    let (_, rest) = line.split_once("partition_projection_format")?;
    let mut quotes = rest.split('\'');
    quotes.next()?;
    quotes.next().map(str::to_owned)
}

impl SqlEngine for Trino {
    fn table(&self) -> BoxFuture<'_, Result<TableColumns, QueryFault>> {
        async move {
            let name = self.table_name();
            let described = self.all(&format!("DESCRIBE {name}")).await?;
            let definition = self.all(&format!("SHOW CREATE TABLE {name}")).await;
            let definition = definition
                .ok()
                .and_then(|rows| rows.into_iter().flatten().flatten().next());
            let column = |row: SqlRow| {
                let mut parts = row.into_iter().map(Option::unwrap_or_default);
                let name = parts.next().unwrap_or_default();
                let kind = parts.next().unwrap_or_default();
                let is_partition = parts
                    .next()
                    .is_some_and(|extra| extra.contains("partition"));
                let format = definition
                    .as_deref()
                    .filter(|_| is_partition)
                    .and_then(|definition| projected_format(definition, &name));
                TableColumn {
                    name,
                    kind,
                    is_partition,
                    format,
                    sample: None,
                }
            };
            let mut columns: Vec<TableColumn> = described.into_iter().map(column).collect();
            self.samples(&mut columns).await;
            let probe = format!("SELECT \"$path\" FROM {name} WHERE false");
            let has_path = self.all(&probe).await.is_ok();
            Ok(TableColumns { columns, has_path })
        }
        .boxed()
    }

    fn table_name(&self) -> String {
        self.address
            .table
            .each_ref()
            .map(|name| quoted(name))
            .join(".")
    }

    fn run<'a>(
        &'a self,
        sql: &'a str,
        on_rows: RowSink<'a>,
        on_progress: QueryWatch<'a>,
    ) -> BoxFuture<'a, Result<QueryProgress, QueryFault>> {
        self.statement(sql, on_rows, on_progress).boxed()
    }

    fn cancel(&self) -> BoxFuture<'_, ()> {
        async move {
            let running = self.running().take();
            if let Some(uri) = running {
                // Whether the server got it or not: nothing more can be done.
                let _ = self.send("DELETE", &uri, "").await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
