//! `plan.csv`: the plan as a file that people review in a spreadsheet or an editor.
//!
//! Writing gives exactly the columns of [`COLUMNS`]. Reading expects that a spreadsheet was in between: rows in another
//! order, columns moved, added or dropped, quotes, a byte order mark, CRLF, `;` or tabs between the cells, account ids
//! without their leading zero, dates in another form. None of that changes what is meant, because only four columns
//! decide: `decision`, `arn`, `seal` and `plan_id`. The seal holds the terms and a checksum over all of them.
//!
//! What cannot be meant is an error that names its line, and every such line is named at once, up to `MOST_NAMED`: a
//! file with more of them is no plan, and its lines are not worth the memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use jiff::Timestamp;
use thiserror::Error;

use crate::domain::base::formula::is_formula;
use crate::domain::base::money::Money;
use crate::domain::base::names::{Region, SecretArn};
use crate::domain::cleanup::plan::{Decision, Plan, PlanEntry};
use crate::domain::cleanup::precondition::Precondition;
use crate::domain::inventory::secret::day_of;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 16] = [
    "decision",
    "arn",
    "name",
    "account_id",
    "region",
    "reasons",
    "last_accessed_on",
    "last_consumer_read",
    "evidence_days",
    "saves_usd_month",
    "recovery_days",
    "name_blocked_until",
    "replicas",
    "seal",
    "planned_at",
    "plan_id",
];

/// Columns without which a line cannot be understood.
const NEEDED: [&str; 4] = ["decision", "arn", "seal", "plan_id"];

/// Sets how many wrong lines are named before the rest of the file is left alone.
const MOST_NAMED: usize = 1_000;

/// The most letters of a message about one of them.
const MOST_SAID: usize = 2_000;

/// A line that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line in the file, from 1.
    pub line: u64,
    /// The trouble, described for people.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Why a file is no plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanFileError {
    /// The text is UTF-16.
    #[error("the plan is UTF-16 text: save it as CSV in UTF-8")]
    Utf16,
    /// A needed column is missing or is there twice.
    #[error("the plan's first line has no single column `{0}`")]
    Column(&'static str),
    /// Lines are wrong.
    #[error("{}", listed(.0))]
    Lines(Vec<Wrong>),
}

fn listed(wrong: &[Wrong]) -> String {
    let mut lines: Vec<String> = wrong.iter().map(Wrong::to_string).collect();
    if wrong.len() >= MOST_NAMED {
        lines.push(
            "what follows was not read: a file with so many wrong lines is no plan".to_owned(),
        );
    }
    lines.join("\n")
}

/// The plan as CSV: RFC 4180 with LF, one line a secret. Names stay blocked as if it was applied `now`, the earliest that
/// can be.
///
/// # Errors
/// Only what the writer itself could meet; writing to memory meets nothing.
pub fn write(plan: &Plan, now: Timestamp) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for line in &plan.lines {
        writer.write_record(cells(plan, line, now))?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

fn cells(plan: &Plan, line: &PlanEntry, now: Timestamp) -> [String; COLUMNS.len()] {
    let scope = line.arn.scope();
    let replicas: Vec<String> = line.seal.replicas.iter().map(ToString::to_string).collect();
    let blocked = day_of(line.name_blocked_until(now));
    [
        line.decision.as_str().to_owned(),
        line.arn.to_string(),
        guarded(line.arn.name()),
        scope.account.to_string(),
        scope.region.to_string(),
        line.reasons.join(" "),
        text(line.last_accessed),
        text(line.last_consumer_read),
        text(line.evidence_days),
        text(line.saves),
        line.seal.recovery_days.to_string(),
        blocked.to_string(),
        replicas.join(" "),
        line.seal.text(&line.arn, &plan.id),
        plan.planned_at.to_string(),
        plan.id.clone(),
    ]
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Keeps a spreadsheet from taking the cell for a formula.
fn guarded(cell: &str) -> String {
    if is_formula(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// The file with these decisions and otherwise as it is: its rows, their order, and columns that people added.
///
/// # Errors
/// [`PlanFileError`] if the file is no plan.
pub fn with_decisions(
    bytes: &[u8],
    decisions: &BTreeMap<SecretArn, Decision>,
) -> Result<Vec<u8>, PlanFileError> {
    read(bytes)?;
    let (mark, body) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(body) => (&b"\xEF\xBB\xBF"[..], body),
        None => (&[][..], bytes),
    };
    let delimiter = delimiter(body);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(body);
    let crlf = memchr::memmem::find(body, b"\r\n").is_some();
    let mut writer = WriterBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .terminator(if crlf {
            Terminator::CRLF
        } else {
            Terminator::Any(b'\n')
        })
        .from_writer(mark.to_vec());
    let failed = |error: &dyn fmt::Display| {
        PlanFileError::Lines(vec![Wrong {
            line: 0,
            what: error.to_string(),
        }])
    };
    let mut columns: Option<(usize, usize)> = None;
    for record in reader.byte_records() {
        let record = record.map_err(|error| failed(&error))?;
        let mut cells: Vec<Vec<u8>> = record.iter().map(<[u8]>::to_vec).collect();
        let text = |column: usize| {
            record
                .get(column)
                .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
        };
        if let Some((decision, arn)) = columns {
            let line = text(arn).and_then(|arn| unguarded(&arn).parse::<SecretArn>().ok());
            let new = line.and_then(|arn| decisions.get(&arn));
            let is_same = new.is_none_or(|new| {
                text(decision).is_some_and(|old| old.eq_ignore_ascii_case(new.as_str()))
            });
            if let (false, Some(new), Some(cell)) = (is_same, new, cells.get_mut(decision)) {
                new.as_str().as_bytes().clone_into(cell);
            }
        } else {
            let find = |name: &str| {
                (0..record.len()).find(|&column| {
                    text(column).is_some_and(|cell| cell.eq_ignore_ascii_case(name))
                })
            };
            columns = find(COLUMNS[0]).zip(find(COLUMNS[1]));
        }
        writer
            .write_record(&cells)
            .map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// Takes that guard off again.
fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

/// Reads a plan. `None`: the file has its columns and no line, so nothing is to be done.
///
/// # Errors
/// [`PlanFileError`], with every line that is wrong.
pub fn read(bytes: &[u8]) -> Result<Option<Plan>, PlanFileError> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(PlanFileError::Utf16);
    }
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(body))
        .from_reader(body);
    let mut rows = PlanFileReader::default();
    for record in reader.byte_records() {
        // Reading from memory with flexible rows meets no error; should it, the row is named and nothing is done.
        match record {
            Ok(record) => rows.take(&record)?,
            Err(error) => rows.wrong(0, error.to_string()),
        }
        if rows.wrong.len() >= MOST_NAMED {
            return Err(PlanFileError::Lines(rows.wrong));
        }
    }
    rows.finish()
}

/// Returns what stands between the cells: what the first line that holds `plan_id` uses most.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut lines = bytes.split(|&byte| byte == b'\n' || byte == b'\r');
    let header = lines
        .find(|line| memchr::memmem::find(line, b"plan_id").is_some())
        .unwrap_or_default();
    let count = |wanted: u8| memchr::memchr_iter(wanted, header).count();
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|&wanted| count(wanted))
        .unwrap_or(b',')
}

/// The state of reading.
#[derive(Default)]
struct PlanFileReader {
    header: Option<BTreeMap<&'static str, usize>>,
    /// The line on which each ARN was first.
    seen: BTreeMap<SecretArn, u64>,
    plan: Option<Plan>,
    /// Names that are not their ARN's, and where they stand.
    strange: Vec<(u64, String)>,
    wrong: Vec<Wrong>,
}

impl PlanFileReader {
    fn wrong(&mut self, line: u64, mut what: String) {
        if let Some((end, _)) = what.char_indices().nth(MOST_SAID) {
            what.truncate(end);
        }
        self.wrong.push(Wrong { line, what });
    }

    fn take(&mut self, record: &ByteRecord) -> Result<(), PlanFileError> {
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = record
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
            .collect();
        let empty = cells.iter().all(String::is_empty);
        let separator = cells.first().is_some_and(|cell| cell.starts_with("sep="));
        let Some(header) = &self.header else {
            if !empty && !separator {
                self.header = Some(columns(&cells)?);
            }
            return Ok(());
        };
        if empty {
            return Ok(());
        }
        let row = PlanFileRow {
            header,
            cells: &cells,
        };
        match row.read() {
            Err(what) => self.wrong(line, what),
            Ok((id, read)) => {
                let name = row.cell("name");
                if name != read.arn.name() {
                    self.strange.push((line, name.to_owned()));
                }
                self.add(line, &id, read);
            }
        }
        Ok(())
    }

    fn add(&mut self, at: u64, id: &str, line: PlanEntry) {
        if let Some(first) = self.seen.get(&line.arn) {
            let what = format!("{} is already in line {first}", line.arn);
            return self.wrong(at, what);
        }
        self.seen.insert(line.arn.clone(), at);
        let plan = self.plan.get_or_insert_with(|| Plan {
            id: id.to_owned(),
            planned_at: line.seal.planned_at,
            scanned: line.seal.scanned,
            lines: Vec::new(),
        });
        let seal = (line.seal.planned_at, line.seal.scanned);
        if plan.id == id && (plan.planned_at, plan.scanned) == seal {
            plan.lines.push(line);
        } else {
            let what = format!(
                "it belongs to plan `{id}`, the lines above to `{}`",
                plan.id
            );
            self.wrong(at, what);
        }
    }

    /// A name that a spreadsheet took for a date or a number means nothing. The name of another line means that columns
    /// were sorted apart, and then a decision may stand beside a secret that it was not made for.
    fn sorted_apart(&mut self) {
        let names: BTreeSet<&str> = self.seen.keys().map(SecretArn::name).collect();
        let apart = self
            .strange
            .iter()
            .filter(|(_, name)| names.contains(name.as_str()));
        let found: Vec<Wrong> = apart
            .map(|(line, name)| Wrong {
                line: *line,
                what: format!(
                    "the name `{name}` is that of another line: were columns sorted apart?"
                ),
            })
            .collect();
        self.wrong.extend(found);
    }

    fn finish(mut self) -> Result<Option<Plan>, PlanFileError> {
        if self.header.is_none() {
            return Err(PlanFileError::Column(NEEDED[0]));
        }
        self.sorted_apart();
        if self.wrong.is_empty() {
            Ok(self.plan)
        } else {
            Err(PlanFileError::Lines(self.wrong))
        }
    }
}

fn columns(cells: &[String]) -> Result<BTreeMap<&'static str, usize>, PlanFileError> {
    let mut columns = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (index, cell) in cells.iter().enumerate() {
        let known = COLUMNS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(cell));
        if let Some(known) = known
            && columns.insert(known, index).is_some()
        {
            twice.insert(known);
        }
    }
    let unclear = NEEDED
        .into_iter()
        .find(|needed| !columns.contains_key(needed) || twice.contains(needed));
    match unclear.or_else(|| twice.pop_first()) {
        Some(column) => Err(PlanFileError::Column(column)),
        None => Ok(columns),
    }
}

/// One line of the file.
struct PlanFileRow<'a> {
    header: &'a BTreeMap<&'static str, usize>,
    cells: &'a [String],
}

impl PlanFileRow<'_> {
    fn cell(&self, column: &'static str) -> &str {
        let index = self.header.get(column);
        index
            .and_then(|&index| self.cells.get(index))
            .map_or("", |cell| unguarded(cell))
    }

    fn read(&self) -> Result<(String, PlanEntry), String> {
        let decision = match self.cell("decision").to_ascii_lowercase().as_str() {
            "delete" => Decision::Delete,
            "keep" => Decision::Keep,
            "" => return Err("the decision is empty: write `delete` or `keep`".to_owned()),
            other => {
                return Err(format!(
                    "the decision `{}` is neither `delete` nor `keep`",
                    other.escape_debug()
                ));
            }
        };
        let arn: SecretArn = self.cell("arn").parse().map_err(|_| {
            let cell = self.cell("arn").escape_debug();
            format!("`{cell}` is not the ARN of a secret")
        })?;
        let id = self.cell("plan_id").to_owned();
        let seal =
            Precondition::parse(self.cell("seal"), &arn, &id).map_err(|error| error.to_string())?;
        self.agrees(&seal)?;
        let reasons = self.cell("reasons").split_whitespace();
        let line = PlanEntry {
            decision,
            reasons: reasons.map(str::to_owned).collect(),
            last_accessed: seal.last_accessed,
            last_consumer_read: self.cell("last_consumer_read").parse().ok(),
            evidence_days: self.cell("evidence_days").parse().ok(),
            saves: amount(self.cell("saves_usd_month")),
            arn,
            seal,
        };
        Ok((id, line))
    }

    /// The terms that stand in columns of their own are there to be read. Somebody who changes one means it, and must not
    /// believe that it counts.
    fn agrees(&self, seal: &Precondition) -> Result<(), String> {
        let days = self.cell("recovery_days");
        if !days.is_empty() && number(days) != Some(seal.recovery_days) {
            return Err(format!(
                "recovery_days is `{}`, and was planned as {}: plan again to change it",
                days.escape_debug(),
                seal.recovery_days
            ));
        }
        let listed: BTreeSet<&str> = self.cell("replicas").split_whitespace().collect();
        let planned: BTreeSet<&str> = seal.replicas.iter().map(Region::as_str).collect();
        if self.header.contains_key("replicas") && listed != planned {
            return Err("the replicas are not those that were planned: plan again".to_owned());
        }
        Ok(())
    }
}

/// A whole number as spreadsheets may write it: `30`, `30.0`, `30,00`.
fn number(cell: &str) -> Option<u8> {
    let (whole, zeros) = cell.split_once(['.', ',']).unwrap_or((cell, ""));
    zeros
        .bytes()
        .all(|byte| byte == b'0')
        .then(|| whole.parse().ok())
        .flatten()
}

/// An amount as spreadsheets may write it; it only informs, so what is not readable is unknown.
fn amount(cell: &str) -> Option<Money> {
    Money::parse(&cell.trim_start_matches('$').replace(',', ".")).ok()
}

#[cfg(test)]
mod tests;
