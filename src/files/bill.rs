//! Bills from files: CUR 2.0, legacy CUR and FOCUS exports as CSV (plain, gzip or ZIP) or Parquet, what
//! `aws ce get-cost-and-usage` printed, and the tables that the console downloads.
//!
//! What a file is shows in its first bytes, not in its name. Every row is looked at once and only this service's are
//! kept, so the size of an export does not matter. Columns are found by name, in the spelling of any of the exports;
//! the others are ignored. A row that cannot be read is counted and said; a file that cannot be is an error, because a
//! bill without some of its files is no bill. Where an export keeps several deliveries of a month, its manifest says which
//! one counts (`delivery`).

mod columnar;
mod columns;
mod console;
pub mod copy;
mod delivery;
mod explorer;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use self::columns::{Header, MissingColumns};
use self::console::ConsoleTable;
use super::bounded::Allowance;
use super::inflate::{GzipMembers, is_gzip};
use super::walk::{WalkItem, walk};
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::Bill;

/// The reasons why a bill cannot be read.
#[derive(Debug, Error)]
pub enum BillError {
    /// The file or folder cannot be opened or read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// It lacks columns without which no line can be understood.
    #[error("`{}` is not a bill that secretsweep can read: {missing}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The columns.
        missing: MissingColumns,
    },
    /// It is damaged, or something else.
    #[error("`{}` is not a bill that secretsweep can read: {why}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The trouble.
        why: String,
    },
    /// A folder without files.
    #[error("no file of a bill is under {}", list(.0))]
    Empty(Vec<PathBuf>),
}

impl BillError {
    /// Returns what a user can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Columns { .. } => Some(
                "`--bill` takes a Cost and Usage Report (CUR 2.0, legacy or FOCUS, as CSV or Parquet), the downloads of \
                 the billing console, and the JSON of `aws ce get-cost-and-usage`",
            ),
            Self::Empty(_) => Some("name the file of the bill, or a folder that holds it"),
            Self::Io { .. } | Self::Form { .. } => None,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    names.join(", ")
}

/// Reads files and folders of files into one bill for a window.
///
/// # Errors
/// [`BillError`] for the first file that cannot be read.
pub fn read(paths: &[PathBuf], window: Span) -> Result<Bill, BillError> {
    let mut files = Vec::new();
    for found in walk(paths) {
        match found {
            WalkItem::File(path) => files.push(path),
            WalkItem::Trouble(path, why) => {
                let source = io::Error::other(why);
                return Err(BillError::Io { path, source });
            }
        }
    }
    let files = delivery::current(files)?;
    if files.is_empty() {
        return Err(BillError::Empty(paths.to_vec()));
    }
    let mut bill = Bill::new(window);
    for path in files {
        read_file(&path, &mut bill)?;
    }
    Ok(bill)
}

/// Returns what an export puts beside its data.
fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.ends_with("-Manifest.json")
            || name.ends_with("anifest.json")
            || name.ends_with(".sql")
            || name.ends_with(".yml")
    })
}

fn read_file(path: &Path, bill: &mut Bill) -> Result<(), BillError> {
    let io = |source| BillError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let mut source = BufReader::with_capacity(1 << 16, file);
    let first = source.fill_buf().map_err(io)?;
    if first.starts_with(b"PAR1") {
        let file = source.into_inner();
        return columnar::read(file, bill).map_err(|fault| fault.at(path));
    }
    if first.starts_with(b"PK\x03\x04") {
        return read_archive(source, bill).map_err(|fault| fault.at(path));
    }
    if is_gzip(first) {
        return read_text(BufReader::new(GzipMembers::new(source)), bill)
            .map_err(|fault| fault.at(path));
    }
    read_text(source, bill).map_err(|fault| fault.at(path))
}

/// The files in a ZIP archive, one after another, as if they lay in a folder. Manifests and folders are passed over.
fn read_archive(source: BufReader<File>, bill: &mut Bill) -> Result<(), BillFileError> {
    let damaged = |fault: ZipError| match fault {
        ZipError::Io(source) => BillFileError::Io(source),
        other => BillFileError::Form(format!("the ZIP archive cannot be read ({other})")),
    };
    let mut archive = ZipArchive::new(source).map_err(damaged)?;
    let mut files = 0;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        if entry.is_dir() || is_manifest(Path::new(&name)) {
            continue;
        }
        files += 1;
        let mut entry = BufReader::with_capacity(1 << 16, entry);
        if is_gzip(entry.fill_buf().map_err(BillFileError::Io)?) {
            read_text(BufReader::new(GzipMembers::new(entry)), bill)?;
        } else {
            read_text(entry, bill)?;
        }
    }
    if files == 0 {
        return Err(BillFileError::Form(
            "the ZIP archive holds no file of a bill".to_owned(),
        ));
    }
    Ok(())
}

/// A failure inside a file.
#[derive(Debug)]
enum BillFileError {
    Io(io::Error),
    Columns(MissingColumns),
    Form(String),
}

impl BillFileError {
    fn at(self, path: &Path) -> BillError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => BillError::Io { path, source },
            Self::Columns(missing) => BillError::Columns { path, missing },
            Self::Form(why) => BillError::Form { path, why },
        }
    }
}

/// JSON or CSV, by the first letter that is no space.
fn read_text(mut source: impl BufRead, bill: &mut Bill) -> Result<(), BillFileError> {
    let first = source.fill_buf().map_err(BillFileError::Io)?;
    if first.starts_with(b"PAR1") {
        return Err(BillFileError::Form(
            "it is Parquet inside an archive; unpack it first".to_owned(),
        ));
    }
    let letter = first.iter().find(|byte| !byte.is_ascii_whitespace());
    match letter {
        None => Err(BillFileError::Form("it is empty".to_owned())),
        Some(b'{' | b'[') => explorer::read(source, bill),
        Some(_) => read_csv(source, bill),
    }
}

fn read_csv(source: impl Read, bill: &mut Bill) -> Result<(), BillFileError> {
    let allowance = Allowance::new();
    let source = allowance.limit(
        source,
        "one of its rows has more than 1 MiB: a quote is not closed, or it is no CSV",
    );
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
    let names: Vec<String> = reader
        .byte_headers()
        .map_err(trouble)?
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    let header = match Header::of(&names) {
        Ok(header) => header,
        Err(missing) => {
            return match ConsoleTable::of(&names) {
                Some(table) => table.read(&mut reader, &allowance, bill),
                None => Err(BillFileError::Columns(missing)),
            };
        }
    };
    let mut record = csv::ByteRecord::new();
    loop {
        allowance.renew();
        if !reader.read_byte_record(&mut record).map_err(trouble)? {
            return Ok(());
        }
        let cell = |index: usize| {
            let bytes = record.get(index)?;
            std::str::from_utf8(bytes)
                .ok()
                .filter(|text| !text.is_empty())
        };
        match header.line(cell) {
            Ok(Some(line)) => bill.add(line),
            Ok(None) => {}
            Err(why) => bill.skip(why),
        }
    }
}

fn trouble(fault: csv::Error) -> BillFileError {
    match fault.into_kind() {
        csv::ErrorKind::Io(source) => BillFileError::Io(source),
        other => BillFileError::Form(format!("it is no CSV: {other:?}")),
    }
}

#[cfg(test)]
mod tests;
