//! Reading a trail by an engine: the table's columns, one query, and smaller ones where one is too large.
//!
//! A query that is too large for the engine, or that fails, is split by days, so that a damaged file takes no more than its
//! day. A day that fails twice is a gap. Parts are cut at midnight by the time of the events, so all copies of an event
//! are in one part.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::partition::DayPartition;
use super::query::{CLIENTS, QueryScope, query};
use super::rows::{RowError, RowReader, RowsRead};
use super::table::TrailTable;
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::span::Span;
use crate::domain::trail::ledger::{Ledger, LedgerBounds};
use crate::domain::trail::unread::Unread;
use crate::ports::{ProgressEvent, ProgressSink, QueryFault, QueryProgress, SqlEngine, SqlRow};

/// Why a trail could not be read by an engine at all.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EngineError {
    /// The engine cannot be asked, or refuses the query.
    #[error(transparent)]
    Query(#[from] QueryFault),
    /// The table is not one of CloudTrail records.
    #[error("{0}")]
    Table(String),
}

/// The result that an engine gave.
#[derive(Debug, Default)]
pub struct EngineRead {
    /// The events and the coverage, a ledger for each part.
    pub ledgers: Vec<Ledger>,
    /// Days that could not be read.
    pub gaps: Vec<Gap>,
    /// Sentences for the reader of the report.
    pub notes: Vec<String>,
    /// The amount of data that all queries read.
    pub read: QueryProgress,
    /// The bytes of each query that gave its rows.
    pub queries: Vec<u64>,
}

/// The column that holds the day of the folders, where the definition of the table does not show it: a view's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayColumn {
    /// Its name.
    pub name: String,
    /// The way in which it writes the day, such as `yyyy/MM/dd`.
    pub format: String,
}

/// A request to read, with its limits.
#[derive(Clone, Debug)]
pub struct EngineRequest {
    /// The time that the ledger counts.
    pub bounds: LedgerBounds,
    /// The same, as a span.
    pub span: Span,
    /// All queries together may read so many bytes.
    pub scan_limit: Option<u64>,
    /// The column of the day, if the user names it.
    pub day: Option<DayColumn>,
}

/// A table with its partitions, ready for queries.
struct Prepared {
    table: TrailTable,
    partition: Option<DayPartition>,
    notes: Vec<String>,
}

async fn prepare(engine: &dyn SqlEngine, day: Option<&DayColumn>) -> Result<Prepared, EngineError> {
    let mut columns = engine.table().await?;
    if let Some(day) = day {
        let found = columns
            .columns
            .iter_mut()
            .find(|column| column.name.eq_ignore_ascii_case(&day.name));
        let column = found
            .ok_or_else(|| EngineError::Table(format!("the table has no column `{}`", day.name)))?;
        column.is_partition = true;
        column.format = Some(day.format.clone());
    }
    let partition = DayPartition::find(&columns);
    if let (Some(day), None) = (day, &partition) {
        let why = format!(
            "the format `{}` of the day is not one that is known",
            day.format
        );
        return Err(EngineError::Table(why));
    }
    let table = TrailTable::new(engine.table_name(), &columns).map_err(EngineError::Table)?;
    let mut notes: Vec<String> = table
        .missing()
        .into_iter()
        .map(|(member, consequence)| {
            format!("The table of the trail has no column for `{member}`: {consequence}.")
        })
        .collect();
    if partition.is_none() {
        notes.push(
            "The table of the trail has no partitions by day that are understood, so all of it was read.".to_owned(),
        );
    }
    Ok(Prepared {
        table,
        partition,
        notes,
    })
}

/// The query for a trail, to be run by somebody else.
///
/// # Errors
/// If the engine cannot be asked for the columns of the table, or if they are not those of CloudTrail records.
pub async fn sql(engine: &dyn SqlEngine, request: &EngineRequest) -> Result<String, EngineError> {
    let prepared = prepare(engine, request.day.as_ref()).await?;
    Ok(query(
        &prepared.table,
        prepared.partition.as_ref(),
        QueryScope {
            bounds: request.bounds,
            part: request.span,
        },
    ))
}

/// Reads a trail. `ledger` makes an empty one.
///
/// # Errors
/// If the engine cannot be asked, or if the table or the query is not right. What fails for some days is a gap.
pub async fn read(
    engine: &dyn SqlEngine,
    request: &EngineRequest,
    ledger: &(dyn Fn() -> Ledger + Sync),
    progress: &dyn ProgressSink,
) -> Result<EngineRead, EngineError> {
    let prepared = prepare(engine, request.day.as_ref()).await?;
    let mut read = EngineRead {
        notes: prepared.notes.clone(),
        ..EngineRead::default()
    };
    let mut rest = Remarks::default();
    // The parts that are still to be read, the next one last, each with whether it failed before.
    let mut parts = vec![(request.span, false)];
    while let Some((part, failed_before)) = parts.pop() {
        let before = read.read;
        let asked = ask(engine, &prepared, request, part, ledger(), before, progress).await;
        let fault = match asked {
            Ok((rows, done)) => {
                read.read = done;
                read.queries.push(done.bytes - before.bytes);
                rest.take(&mut read, rows);
                continue;
            }
            Err(fault) => fault,
        };
        let may_be_smaller = matches!(fault, QueryFault::TooLarge(_) | QueryFault::Failed(_));
        let is_fatal = !may_be_smaller && read.ledgers.is_empty();
        if is_fatal || matches!(fault, QueryFault::ScanLimit(_)) {
            return Err(fault.into());
        }
        match halves(part) {
            Some((first, second)) if may_be_smaller => {
                parts.extend([(second, false), (first, false)]);
            }
            _ if !failed_before => parts.push((part, true)),
            _ => {
                let what = format!("{} from {} to {}", engine.table_name(), part.from, part.to);
                read.gaps
                    .push(Gap::new(GapSource::Trail, None, what, fault.to_string()));
                rest.unread.push(Unread {
                    scope: None,
                    from: part.from.as_second(),
                    to: part.to.as_second(),
                });
            }
        }
    }
    rest.finish(&mut read, &engine.table_name(), ledger());
    Ok(read)
}

/// Takes in the rows of a query that somebody else ran. `name` is that of the file.
///
/// # Errors
/// If a row cannot be read, or is of a query for another time.
pub fn from_rows(
    rows: impl Iterator<Item = Result<SqlRow, String>>,
    name: &str,
    ledger: &(dyn Fn() -> Ledger + Sync),
) -> Result<EngineRead, EngineError> {
    let wrong = |why: String| EngineError::Table(format!("{name}: {why}"));
    let mut reader = RowReader::new(ledger());
    for row in rows {
        let row = row.map_err(wrong)?;
        reader
            .take(&row)
            .map_err(|error| wrong(error.to_string()))?;
    }
    let rows = reader.finish().map_err(|error| wrong(error.to_string()))?;
    let (mut read, mut rest) = (EngineRead::default(), Remarks::default());
    rest.take(&mut read, rows);
    rest.finish(&mut read, name, ledger());
    Ok(read)
}

/// The remarks on the rows of all parts.
#[derive(Debug, Default)]
struct Remarks {
    unread: Vec<Unread>,
    unreadable: u64,
    folded: u64,
}

impl Remarks {
    fn take(&mut self, read: &mut EngineRead, rows: RowsRead) {
        self.unreadable += rows.unreadable;
        self.folded += rows.folded;
        read.ledgers.push(rows.ledger);
    }

    /// Says it. `known` is an empty ledger.
    fn finish(mut self, read: &mut EngineRead, name: &str, mut known: Ledger) {
        if self.unreadable > 0 {
            let what = counted(self.unreadable, "record", "records");
            let why = format!("{what} without a readable time");
            read.gaps.push(Gap::new(GapSource::Trail, None, name, why));
            self.unread.push(Unread::always(None));
        }
        for hole in self.unread {
            known.coverage.unread(hole);
        }
        read.ledgers.push(known);
        if self.folded > 0 {
            read.notes.push(format!(
                "In {} the calls came from more than {} sessions and addresses: the rest of them were counted as one.",
                counted(self.folded, "hour of a reader", "hours of readers"),
                thousands(CLIENTS.into()),
            ));
        }
    }
}

/// Runs the query of a part. Gives its rows, and how much was read by all parts so far.
async fn ask(
    engine: &dyn SqlEngine,
    prepared: &Prepared,
    request: &EngineRequest,
    part: Span,
    ledger: Ledger,
    before: QueryProgress,
    progress: &dyn ProgressSink,
) -> Result<(RowsRead, QueryProgress), QueryFault> {
    let scope = QueryScope {
        bounds: request.bounds,
        part,
    };
    let sql = query(&prepared.table, prepared.partition.as_ref(), scope);
    let mut reader = RowReader::new(ledger);
    let mut trouble: Option<RowError> = None;
    let together = |done: QueryProgress| QueryProgress {
        rows: before.rows + done.rows,
        bytes: before.bytes + done.bytes,
    };
    let note = |done: QueryProgress| {
        let all = together(done);
        progress.note(ProgressEvent::Query(all));
        match request.scan_limit {
            Some(limit) if all.bytes > limit => Err(QueryFault::ScanLimit(limit)),
            _ => Ok(()),
        }
    };
    let mut take = |rows: Vec<SqlRow>| {
        for row in rows {
            if trouble.is_none() {
                trouble = reader.take(&row).err();
            }
        }
    };
    let done = engine.run(&sql, &mut take, &note).await?;
    let wrong = |error: RowError| QueryFault::Wrong(error.to_string());
    if let Some(error) = trouble {
        return Err(wrong(error));
    }
    Ok((reader.finish().map_err(wrong)?, together(done)))
}

/// The two halves of a part, cut at midnight; `None`: there is no midnight in it.
fn halves(part: Span) -> Option<(Span, Span)> {
    let half = part.from.duration_until(part.to) / 2;
    let middle = part.from.checked_add(half).ok()?;
    let midnight = |moment: Timestamp| {
        let day = moment.to_zoned(TimeZone::UTC).date();
        day.to_zoned(TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    let before = midnight(middle)?;
    let after = before.checked_add(SignedDuration::from_hours(24)).ok()?;
    let cut = [before, after]
        .into_iter()
        .find(|cut| *cut > part.from && *cut < part.to)?;
    Some((Span { to: cut, ..part }, Span { from: cut, ..part }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_at_midnight_until_they_are_days() {
        let span = |from: &str, to: &str| Span {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        let mut parts = vec![span("2026-10-01T05:00:00Z", "2026-10-09T07:00:00Z")];
        let mut days = Vec::new();
        while let Some(part) = parts.pop() {
            match halves(part) {
                Some((first, second)) => parts.extend([second, first]),
                None => days.push(part),
            }
        }
        assert_eq!(days.len(), 9);
        assert_eq!(
            days[0],
            span("2026-10-01T05:00:00Z", "2026-10-02T00:00:00Z")
        );
        assert_eq!(
            days[8],
            span("2026-10-09T00:00:00Z", "2026-10-09T07:00:00Z")
        );
        for pair in days.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
        }
    }
}
