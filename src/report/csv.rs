//! CSV for spreadsheets and programs: RFC 4180, comma, line feed, UTF-8, one line a record, sorted.
//!
//! Days are ISO dates, moments RFC 3339 in UTC, amounts decimals with six digits after the point, unknown is empty.
//! Text that others wrote goes through [`escape::cell`]; numbers, dates and words of our own are written as they are.

mod summary;

use std::fmt::Display;
use std::io::{self, Write};

use super::escape;
use super::scope_facts::ScopeFacts;
use crate::domain::base::money::Money;
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::inventory::secret::day_of;
use crate::domain::report::result::{
    CallerRow, FindingRow, FormerSecret, ReaderRow, Report, SecretRow, UnattributedRow,
};
use crate::domain::report::sums::{Counted, PossibleSavings};

pub(super) use self::summary::GROUPINGS;
pub use self::summary::{SUMMARY, summary};

/// The columns of `secrets.csv`: a contract, new ones only at the end.
pub const SECRETS: [&str; 31] = [
    "arn",
    "name",
    "account_id",
    "region",
    "owner",
    "verdict",
    "reasons",
    "created_on",
    "last_accessed_on",
    "last_consumer_read",
    "last_consumer",
    "idle_days",
    "calls",
    "reads",
    "failed_reads",
    "consumers",
    "storage_usd_month",
    "api_usd_month",
    "kms_usd_month",
    "total_usd_month",
    "avoidable_usd_month",
    "replica_of",
    "evidence_days",
    "savings_usd_month",
    "storage_usd_window",
    "api_usd_window",
    "kms_usd_window",
    "total_usd_window",
    "extrapolated_usd_window",
    "covered_share",
    "price_basis",
];

/// The columns of `readers.csv`: a contract, new ones only at the end.
pub const READERS: [&str; 16] = [
    "arn",
    "name",
    "account_id",
    "region",
    "reader",
    "kind",
    "client",
    "reads",
    "describes",
    "failed",
    "calls",
    "first",
    "last",
    "what",
    "api_usd_month",
    "kms_usd_month",
];

/// The columns of `findings.csv`.
pub const FINDINGS: [&str; 10] = [
    "code",
    "severity",
    "arn",
    "name",
    "account_id",
    "region",
    "reader",
    "text",
    "evidence",
    "muted",
];

/// `secrets.csv`: one row a secret, by account, Region and name, then one for each secret that is gone and stood in the
/// window. The columns of the window say what it cost: with `--month` what the month accrued. With the calls that belong to
/// no secret, they add up to what the window cost.
pub fn secrets(report: &Report) -> Vec<u8> {
    bytes(|out| write_secrets(report, out))
}

/// Writes [`secrets`].
///
/// # Errors
/// What the writer says.
pub fn write_secrets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let counted = Counted::new(report);
    let savings = PossibleSavings::new(report);
    let facts = ScopeFacts::of(report);
    let rows = by_scope(report).into_iter().map(|row| {
        let saving = saving(row, &savings);
        secret(row, counted.of(row), saving, &facts)
    });
    let former = report.former.iter().map(|row| former(row, &facts));
    table(SECRETS, rows.chain(former), out)
}

/// Returns what a secret saves per month by its deletion or by fixing its loops; a replica has its own part of what
/// deleting its primary saves. Together with the loops on names that are not in the inventory, the rows add up to the
/// total.
fn saving(row: &SecretRow, savings: &PossibleSavings<'_>) -> Option<Money> {
    let saving = savings.of(row);
    let usd = saving.by_deleting + saving.by_mending;
    let is_known = if savings.goes(row) {
        row.cost.total_usd.is_some()
    } else {
        row.avoidable_usd.is_some()
    };
    (is_known || usd > Money::ZERO).then_some(usd)
}

/// The word in the column `verdict` for a secret that is gone: there is nothing to decide.
pub const GONE: &str = "gone";

/// A secret that is gone: what the trail knows of it.
fn former(row: &FormerSecret, facts: &ScopeFacts) -> [String; 31] {
    let mut cells = [const { String::new() }; 31];
    let mut set = |column: &str, value: String| {
        if let Some(at) = SECRETS.iter().position(|name| *name == column) {
            cells[at] = value;
        }
    };
    set("arn", row.arn.as_ref().map(key).unwrap_or_default());
    set("name", escape::cell(&row.name));
    set("account_id", row.account.to_string());
    set("region", row.region.to_string());
    set("verdict", GONE.to_owned());
    set("reasons", format!("deleted-{}", day_of(row.deleted)));
    set("created_on", known(row.created.map(day_of)));
    set("storage_usd_window", known(row.storage_usd));
    set("total_usd_window", known(row.storage_usd));
    set(
        "price_basis",
        if row.storage_usd.is_some() {
            facts.listed_or_paid(&Scope {
                account: row.account.clone(),
                region: row.region.clone(),
            })
        } else {
            ""
        }
        .to_owned(),
    );
    cells
}

fn secret(
    row: &SecretRow,
    counted: bool,
    saving: Option<Money>,
    facts: &ScopeFacts,
) -> [String; 31] {
    let codes: Vec<_> = row
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect();
    // Zero would say that nobody called; nobody knows.
    let count = |number: u64| {
        if counted {
            number.to_string()
        } else {
            String::new()
        }
    };
    [
        key(&row.arn),
        escape::cell(&row.name),
        row.account.to_string(),
        row.region.to_string(),
        text(row.owner.as_deref()),
        row.verdict.as_str().to_owned(),
        escape::cell(&codes.join(";")),
        known(row.created.map(day_of)),
        known(row.last_accessed),
        known(row.last_consumer_read),
        text(row.last_consumer.as_deref()),
        known(row.idle_days),
        count(row.calls),
        count(row.reads),
        count(row.failed),
        count(row.consumers),
        known(row.cost.storage_usd),
        known(row.cost.api_usd),
        known(row.cost.kms_usd),
        known(row.cost.total_usd),
        known(row.avoidable_usd),
        row.replica_of.as_deref().map(key).unwrap_or_default(),
        row.evidence_days.to_string(),
        known(saving),
        known(row.window_cost.storage_usd),
        known(row.window_cost.api_usd),
        known(row.window_cost.kms_usd),
        known(row.window_cost.total_usd),
        known(
            row.window_cost
                .api_usd
                .map(|_| row.window_detail.extrapolated_usd),
        ),
        facts.covered(&row.scope()),
        facts.price_basis(row).to_owned(),
    ]
}

/// `readers.csv`: one row for each reader of each secret, and one for each caller of no secret and what it calls. The
/// costs add up to those of all calls.
pub fn readers(report: &Report) -> Vec<u8> {
    bytes(|out| write_readers(report, out))
}

/// Writes [`readers`].
///
/// # Errors
/// What the writer says.
pub fn write_readers(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = by_scope(report).into_iter().flat_map(|row| {
        let mut readers: Vec<&ReaderRow> = row.readers.iter().collect();
        readers.sort_by_key(|reader| (reader.kind, &reader.reader, &reader.client));
        readers.into_iter().map(|found| reader(row, found))
    });
    let unattributed = report.unattributed.iter().flat_map(|row| {
        let callers = row.callers.iter();
        callers.map(|found| caller(row, found))
    });
    table(READERS, rows.chain(unattributed), out)
}

fn reader(row: &SecretRow, reader: &ReaderRow) -> [String; 16] {
    [
        key(&row.arn),
        escape::cell(&row.name),
        row.account.to_string(),
        row.region.to_string(),
        escape::cell(&reader.reader),
        reader.kind.as_str().to_owned(),
        escape::cell(&reader.client),
        reader.reads.to_string(),
        reader.describes.to_string(),
        reader.failed.to_string(),
        reader.calls.to_string(),
        reader.first.to_string(),
        reader.last.to_string(),
        String::new(),
        known(reader.api_usd),
        known(reader.kms_usd),
    ]
}

/// A caller of no secret. What it reads is nobody's, so only its calls are counted.
fn caller(row: &UnattributedRow, caller: &CallerRow) -> [String; 16] {
    [
        String::new(),
        String::new(),
        known(row.account.as_ref()),
        known(row.region.as_ref()),
        escape::cell(&caller.reader),
        caller.kind.as_str().to_owned(),
        escape::cell(&caller.client),
        String::new(),
        String::new(),
        String::new(),
        caller.calls.to_string(),
        caller.first.to_string(),
        caller.last.to_string(),
        escape::cell(&caller.what),
        known(caller.api_usd),
        String::new(),
    ]
}

/// `findings.csv`: findings, hot loops among them, most severe first, then by code and ARN. Those that the policy file
/// mutes have its reason in the last column.
pub fn findings(report: &Report) -> Vec<u8> {
    let mut rows: Vec<_> = report
        .findings
        .iter()
        .map(|row| (row.severity, finding(row)))
        .collect();
    rows.sort();
    bytes(|out| table(FINDINGS, rows.into_iter().map(|(_, row)| row), out))
}

fn finding(row: &FindingRow) -> [String; 10] {
    [
        escape::cell(row.code.as_str()),
        row.severity.as_str().to_owned(),
        row.arn.as_ref().map(key).unwrap_or_default(),
        escape::cell(&row.name),
        known(row.account.as_ref()),
        known(row.region.as_ref()),
        text(row.reader.as_deref()),
        escape::cell(&row.text),
        escape::cell(&row.evidence),
        text(row.muted.as_deref()),
    ]
}

/// The rows of secrets in the order of the files.
fn by_scope(report: &Report) -> Vec<&SecretRow> {
    let mut rows: Vec<_> = report.secrets.iter().collect();
    rows.sort_by_key(|row| (&row.account, &row.region, &row.name, &row.arn));
    rows
}

/// The ARN, the key of a row: it begins with `arn:`, so it is never a formula.
fn key(arn: &SecretArn) -> String {
    escape::one_line(arn.as_str())
}

fn text(text: Option<&str>) -> String {
    text.map(escape::cell).unwrap_or_default()
}

/// A value as a cell; empty if it is unknown.
pub(super) fn known(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Returns what a function writes, as bytes.
pub(super) fn bytes(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("writing rows of one length to memory does not fail");
    bytes
}

/// Writes the rows of a CSV file. Every table that a report writes goes this way.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(out);
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests;
