//! `report.xlsx`: one workbook for finance, with the numbers of the CSV files as numbers, dates as dates, and account ids as
//! text.
//!
//! No CSV can keep the leading zero of an account id or decimals in every language of a spreadsheet; cells with types do.
//! There are no formulas: text that others wrote stays text, whatever it begins with. The workbook says nothing that the
//! other files do not say, and holds at most what a sheet can hold; a larger report is an error, never a cut table.

use std::io::{self, Write};

use jiff::civil::Date;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::csv::{self, known};
use super::escape::one_line;
use super::showback;
use crate::domain::base::money::Money;
use crate::domain::report::result::{LoopRow, Report, SecretRow};
use crate::domain::report::sums::{self, Grouping, PossibleSavings};

/// The name of the file.
pub const FILE: &str = "report.xlsx";

/// The most letters that a cell holds (Excel specifications and limits: 32,767).
const LONGEST: usize = 32_000;

/// The kind of values that a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Text,
    Usd,
    Count,
    Share,
    Day,
}

impl CellKind {
    /// By the name of the column, as the CSV files have it.
    fn of(column: &str) -> Self {
        const COUNTS: &[&str] = &[
            "idle_days",
            "calls",
            "reads",
            "failed_reads",
            "consumers",
            "evidence_days",
            "secrets",
            "delete",
            "review",
            "keep",
            "unpriced_secrets",
            "uncounted_secrets",
            "reads_month",
            "clients",
            "active_hours",
            "avoidable_calls_month",
        ];
        if column.contains("_usd") {
            Self::Usd
        } else if COUNTS.contains(&column) {
            Self::Count
        } else if column == "covered_share" {
            Self::Share
        } else if column.ends_with("_on") {
            Self::Day
        } else {
            Self::Text
        }
    }

    /// Returns how a spreadsheet shows it.
    fn format(self) -> Format {
        match self {
            Self::Text => Format::new().set_num_format("@"),
            Self::Usd => Format::new().set_num_format("$#,##0.00####"),
            Self::Count => Format::new().set_num_format("#,##0"),
            Self::Share => Format::new().set_num_format("0.0%"),
            Self::Day => Format::new().set_num_format("yyyy-mm-dd"),
        }
    }
}

/// A sheet: a header, and rows of cells as the CSV files write them.
struct Sheet {
    name: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Writes the workbook.
///
/// # Errors
/// More rows than a sheet can hold, or what the writer says.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let bytes = workbook(report).map_err(|error| {
        io::Error::other(format!(
            "the workbook cannot be written ({error}); the CSV files have no such limit"
        ))
    })?;
    out.write_all(&bytes)
}

fn workbook(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The moment of the scan, not of the writing: the same report gives the same bytes.
    let made = ExcelDateTime::from_timestamp(report.made.as_second())?;
    let properties = DocProperties::new()
        .set_title("AWS Secrets Manager: cost and use")
        .set_creation_datetime(&made);
    workbook.set_properties(&properties);
    for sheet in [
        summary(report),
        owners(report),
        secrets(report),
        loops(report),
        findings(report),
        savings(report),
        assumptions(report),
    ] {
        fill(workbook.add_worksheet(), &sheet)?;
    }
    if let Some(bytes) = showback::csv(report) {
        fill(workbook.add_worksheet(), &table("Showback", &bytes))?;
    }
    workbook.save_to_buffer()
}

fn fill(to: &mut Worksheet, sheet: &Sheet) -> Result<(), XlsxError> {
    to.set_name(sheet.name)?;
    let heading = Format::new().set_bold();
    let kinds: Vec<CellKind> = sheet.header.iter().map(|name| CellKind::of(name)).collect();
    let formats: Vec<Format> = kinds.iter().map(|kind| kind.format()).collect();
    let column = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
    for (index, name) in sheet.header.iter().enumerate() {
        to.write_string_with_format(0, column(index), name, &heading)?;
        to.set_column_width(column(index), width(name, kinds[index]))?;
    }
    for (number, row) in sheet.rows.iter().enumerate() {
        let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
        for (index, text) in row.iter().enumerate() {
            if !text.is_empty() {
                cell(to, line, column(index), text, kinds[index], &formats[index])?;
            }
        }
    }
    to.set_freeze_panes(1, 0)?;
    let last_row = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
    let last_column = column(sheet.header.len().saturating_sub(1));
    to.autofilter(0, 0, last_row, last_column)?;
    Ok(())
}

/// Writes a value in the form of its column; what is no such value stays text, so that nothing is lost.
fn cell(
    to: &mut Worksheet,
    row: u32,
    column: u16,
    text: &str,
    kind: CellKind,
    format: &Format,
) -> Result<(), XlsxError> {
    if kind == CellKind::Day
        && let Ok(day) = text.parse::<Date>()
    {
        let (year, month, day) = (day.year(), day.month(), day.day());
        let day = ExcelDateTime::from_ymd(
            u16::try_from(year).unwrap_or_default(),
            month.unsigned_abs(),
            day.unsigned_abs(),
        )?;
        to.write_datetime_with_format(row, column, &day, format)?;
    } else if kind != CellKind::Text
        && let Ok(number) = text.parse::<f64>()
    {
        to.write_number_with_format(row, column, number, format)?;
    } else {
        to.write_string_with_format(row, column, text, format)?;
    }
    Ok(())
}

/// A width that shows the heading and what is usual below it.
fn width(name: &str, kind: CellKind) -> f64 {
    let least = match (kind, name) {
        (CellKind::Text, "arn" | "advice" | "text" | "evidence" | "assumption" | "how") => 60,
        (CellKind::Text, "name" | "reader" | "group" | "last_consumer" | "reasons") => 34,
        (CellKind::Text, _) => 14,
        _ => 12,
    };
    let letters = u16::try_from(name.len() + 3).unwrap_or(u16::MAX);
    f64::from(letters.max(least))
}

/// Text that others wrote, on one line, and not longer than a cell can be.
fn text(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= LONGEST {
        return line;
    }
    let mut short: String = line.chars().take(LONGEST).collect();
    short.push('…');
    short
}

/// A table of a CSV file. Its guard against formulas goes: a cell that is text needs none, and names stay as they are.
fn table(name: &'static str, bytes: &[u8]) -> Sheet {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes);
    let mut rows = reader.records().filter_map(Result::ok).map(|record| {
        let cells = record.iter().map(|cell| text(unguarded(cell)));
        cells.collect::<Vec<String>>()
    });
    let header = rows.next().unwrap_or_default();
    Sheet {
        name,
        header,
        rows: rows.collect(),
    }
}

/// A cell without the sign that keeps a spreadsheet from taking it for a formula.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if super::escape::cell(rest) == cell => rest,
        _ => cell,
    }
}

fn summary(report: &Report) -> Sheet {
    let mut sheet = table("Summary", &csv::summary(report, None));
    sheet.rows.retain(|row| row[0] != Grouping::Owner.as_str());
    sheet
}

fn owners(report: &Report) -> Sheet {
    let mut sheet = table("Owners", &csv::summary(report, None));
    sheet.rows.retain(|row| row[0] == Grouping::Owner.as_str());
    sheet
}

fn secrets(report: &Report) -> Sheet {
    table("Secrets", &csv::secrets(report))
}

fn findings(report: &Report) -> Sheet {
    table("Findings", &csv::findings(report))
}

fn header<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

fn loops(report: &Report) -> Sheet {
    let row = |found: &LoopRow| {
        vec![
            text(&found.name),
            known(found.arn.as_ref().map(|arn| one_line(arn.as_str()))),
            known(found.account.as_ref()),
            known(found.region.as_ref()),
            text(&found.reader),
            found.kind.as_str().to_owned(),
            text(&found.what),
            found.shape.as_str().to_owned(),
            found.reads_month.to_string(),
            found.clients.to_string(),
            found.active_hours.to_string(),
            found.avoidable_calls_month.to_string(),
            known(found.avoidable_usd_month),
            text(&found.advice),
        ]
    };
    Sheet {
        name: "Loops",
        header: header([
            "name",
            "arn",
            "account_id",
            "region",
            "reader",
            "kind",
            "what",
            "shape",
            "reads_month",
            "clients",
            "active_hours",
            "avoidable_calls_month",
            "avoidable_usd_month",
            "advice",
        ]),
        rows: report.loops.iter().map(row).collect(),
    }
}

/// Returns what the savings of the report are made of: secrets to delete with their replicas, and loops to fix on those
/// that stay.
fn savings(report: &Report) -> Sheet {
    let possible = PossibleSavings::new(report);
    let delete = |row: &SecretRow| {
        vec![
            "delete".to_owned(),
            text(&row.name),
            one_line(row.arn.as_str()),
            row.account.to_string(),
            row.region.to_string(),
            row.owner.as_deref().map(text).unwrap_or_default(),
            known(row.cost.total_usd),
            match &row.replica_of {
                Some(_) => "is deleted with its primary".to_owned(),
                None => "secretsweep plan writes it to the list for review".to_owned(),
            },
        ]
    };
    let going = report.secrets.iter().filter(|row| possible.goes(row));
    let mut rows: Vec<Vec<String>> = going.map(delete).collect();
    let owners = super::select::owners(report);
    let fixed = sums::loops(report).into_iter().map(|found| {
        let owner = found.arn.as_ref().and_then(|arn| owners.get(arn).copied());
        vec![
            "fix a loop".to_owned(),
            text(&found.name),
            known(found.arn.as_ref().map(|arn| one_line(arn.as_str()))),
            known(found.account.as_ref()),
            known(found.region.as_ref()),
            owner.flatten().map(text).unwrap_or_default(),
            known(found.avoidable_usd_month),
            text(&found.advice),
        ]
    });
    rows.extend(fixed);
    let usd = |row: &Vec<String>| Money::parse(&row[6]).unwrap_or_default();
    rows.sort_by(|a, b| usd(b).cmp(&usd(a)).then_with(|| a.cmp(b)));
    Sheet {
        name: "Savings",
        header: header([
            "what",
            "name",
            "arn",
            "account_id",
            "region",
            "owner",
            "saves_usd_month",
            "how",
        ]),
        rows,
    }
}

fn assumptions(report: &Report) -> Sheet {
    Sheet {
        name: "Assumptions",
        header: header(["assumption"]),
        rows: report
            .assumptions
            .iter()
            .map(|sentence| vec![text(sentence)])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        let report = fixture::report(40);
        let bytes = || {
            let mut bytes = Vec::new();
            write(&report, &mut bytes).unwrap();
            bytes
        };
        assert!(bytes() == bytes());
        assert!(bytes().starts_with(b"PK"));
    }

    #[test]
    fn what_is_saved_adds_up_to_the_total() {
        let report = fixture::report(200);
        let sheet = savings(&report);
        let sum: Money = sheet
            .rows
            .iter()
            .map(|row| Money::parse(&row[6]).unwrap_or_default())
            .sum();
        assert_eq!(sum, report.totals.savings_usd);
    }

    #[test]
    fn the_guard_against_formulas_goes_and_names_stay() {
        for name in ["=1+1", "plain", "'quoted", "-5", "@x"] {
            assert_eq!(unguarded(&super::super::escape::cell(name)), name);
        }
    }

    #[test]
    fn columns_have_the_kind_of_what_they_hold() {
        for (column, kind) in [
            ("account_id", CellKind::Text),
            ("total_usd_window", CellKind::Usd),
            ("window_total_usd", CellKind::Usd),
            ("created_on", CellKind::Day),
            ("last_consumer_read", CellKind::Text),
            ("covered_share", CellKind::Share),
            ("calls", CellKind::Count),
        ] {
            assert!(CellKind::of(column) == kind, "{column}");
        }
    }
}
