//! Exports as Parquet: only the columns that are wanted are decoded.
//!
//! The decoder asserts what a damaged file breaks, so a panic in it is caught here and is an error like any other.

use std::fs::File;
use std::panic::{self, AssertUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use parquet::basic::{LogicalType, TimeUnit};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use super::BillFileError;
use super::columns::{Header, NAMES};
use crate::domain::base::span::DAY_S;
use crate::domain::pricing::bill::Bill;

/// Reads one file.
pub(super) fn read(file: File, bill: &mut Bill) -> Result<(), BillFileError> {
    // A bill that was half taken in is thrown away with the error.
    quietly(AssertUnwindSafe(|| read_rows(file, bill))).unwrap_or_else(|| {
        Err(BillFileError::Form(
            "the Parquet file is damaged".to_owned(),
        ))
    })
}

/// Runs something that may panic; `None` if it did. Nothing is printed for it, and other threads are left alone.
fn quietly<T>(work: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    let own = thread::current().id();
    let before = Arc::new(panic::take_hook());
    let others = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != own {
            others(info);
        }
    }));
    let done = panic::catch_unwind(work);
    drop(panic::take_hook());
    panic::set_hook(Box::new(move |info| before(info)));
    done.ok()
}

fn read_rows(file: File, bill: &mut Bill) -> Result<(), BillFileError> {
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema();
    // Maps and lists, such as the tags of CUR 2.0, are not wanted, and their names are in no list.
    let fields = schema.get_fields();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let header = Header::of(&names).map_err(BillFileError::Columns)?;
    let mut wanted: Vec<usize> = NAMES
        .iter()
        .filter_map(|(column, _)| header.index(*column))
        .filter(|index| fields.get(*index).is_some_and(|field| field.is_primitive()))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let projection = Type::group_type_builder(schema.name())
        .with_fields(
            wanted
                .iter()
                .map(|index| Arc::clone(&fields[*index]))
                .collect(),
        )
        .build()
        .map_err(damaged)?;
    let nanoseconds: Vec<bool> = wanted
        .iter()
        .map(|at| is_nanoseconds(&fields[*at]))
        .collect();
    for row in reader.get_row_iter(Some(projection)).map_err(damaged)? {
        let cells = RowCells::of(&row.map_err(damaged)?, &nanoseconds);
        match header.line(|index| cells.at(wanted.binary_search(&index).ok()?)) {
            Ok(Some(line)) => bill.add(line),
            Ok(None) => {}
            Err(why) => bill.skip(why),
        }
    }
    Ok(())
}

fn damaged(fault: ParquetError) -> BillFileError {
    match fault {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => BillFileError::Io(*source),
            Err(other) => BillFileError::Form(format!("the Parquet file is damaged ({other})")),
        },
        other => BillFileError::Form(format!("the Parquet file cannot be read ({other})")),
    }
}

/// Returns whether a column counts nanoseconds since 1970, as pandas writes times. The decoder hands those out as bare
/// numbers.
fn is_nanoseconds(column: &Type) -> bool {
    matches!(
        column.get_basic_info().logical_type_ref(),
        Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::NANOS
    )
}

/// The cells of a row as text, in the order of the projection.
struct RowCells(Vec<Option<String>>);

impl RowCells {
    fn of(row: &Row, nanoseconds: &[bool]) -> Self {
        let cells = row.get_column_iter().zip(nanoseconds);
        let cell = |((_, field), nanos): ((&String, &Field), &bool)| match field {
            Field::Long(number) if *nanos => {
                let moment = Timestamp::from_nanosecond(i128::from(*number));
                moment.ok().map(|moment| moment.to_string())
            }
            field => text(field),
        };
        Self(cells.map(cell).collect())
    }

    fn at(&self, index: usize) -> Option<&str> {
        self.0
            .get(index)?
            .as_deref()
            .filter(|text| !text.is_empty())
    }
}

/// A value as CSV would have it.
fn text(field: &Field) -> Option<String> {
    let moment =
        |moment: Result<Timestamp, jiff::Error>| moment.ok().map(|moment| moment.to_string());
    match field {
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok().map(str::to_owned),
        // The shortest text that reads back as the same number, never with an exponent.
        Field::Double(number) => Some(number.to_string()),
        Field::Float(number) => Some(number.to_string()),
        Field::Int(number) => Some(number.to_string()),
        Field::Long(number) => Some(number.to_string()),
        Field::UInt(number) => Some(number.to_string()),
        Field::ULong(number) => Some(number.to_string()),
        Field::Decimal(_) => Some(field.to_string()),
        Field::TimestampMillis(millis) => moment(Timestamp::from_millisecond(*millis)),
        Field::TimestampMicros(micros) => moment(Timestamp::from_microsecond(*micros)),
        Field::Date(days) => moment(Timestamp::from_second(i64::from(*days) * DAY_S)),
        _ => None,
    }
}
