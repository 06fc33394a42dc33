//! All secrets as one block of JSON in the page, for the script: columns instead of rows, and repeated text once.
//!
//! The block stands in a `<script type="application/json">`, which a browser never runs. Every `<`, `>` and `&` in it is
//! written as `\u003c`, `\u003e` and `\u0026`, so that no text can end the element or open a comment; U+2028 and U+2029,
//! which old scripts took for line ends, are shown as a space like every line break.
//!
//! The columns are written straight from the rows: with tens of thousands of secrets, a copy of them would be the largest
//! thing in memory. Beyond [`MOST_SECRETS`] the block holds those that somebody has to look at, and says how many more
//! there are: a page of all would be too large for a mail and too slow for a browser.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::ser::Formatter;

use crate::domain::base::money::Money;
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::report::result::{LoopRow, Range, ReaderRow, Report, SecretRow};
use crate::domain::report::sums::PossibleSavings;
use crate::domain::report::verdict::Verdict;
use crate::report::escape::one_line;
use crate::report::estimates::{dollars, doubts, numbers};
use crate::report::text::phrases;

/// Text that stands once in the block and is named by its index.
#[derive(Default)]
struct Pool<'a> {
    texts: Vec<&'a str>,
    indexes: HashMap<&'a str, usize>,
}

impl<'a> Pool<'a> {
    fn add(&mut self, text: &'a str) -> usize {
        let next = self.texts.len();
        let index = *self.indexes.entry(text).or_insert(next);
        if index == next {
            self.texts.push(text);
        }
        index
    }

    /// Adds the texts of a row.
    fn add_row(&mut self, row: &'a SecretRow) {
        let single = [&row.owner, &row.last_consumer, &row.owning_service];
        for text in single.into_iter().flatten() {
            self.add(text);
        }
        for (key, value) in row.tags.iter() {
            self.add(key);
            self.add(value);
        }
        for reason in &row.reasons {
            self.add(reason.code.as_str());
        }
        for reader in &row.readers {
            self.add(&reader.reader);
            self.add(reader.kind.as_str());
            self.add(&reader.client);
        }
    }

    fn index(&self, text: &str) -> usize {
        *self
            .indexes
            .get(text)
            .expect("the texts of all rows were added before the first is looked up")
    }

    fn index_of(&self, text: Option<&str>) -> Option<usize> {
        text.map(|text| self.index(text))
    }
}

impl Serialize for Pool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.texts.iter().map(|text| one_line(text)))
    }
}

/// One value of each row.
struct BlockColumn<'b, 'a, F>(&'b [&'a SecretRow], F);

impl<'a, T: Serialize, F: Fn(&'a SecretRow) -> T> Serialize for BlockColumn<'_, 'a, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(&self.1))
    }
}

/// One value of those rows that have it, by the index of the row.
struct Sparse<'b, 'a, F>(&'b [&'a SecretRow], F);

impl<'a, T: Serialize, F: Fn(&'a SecretRow) -> Option<T>> Serialize for Sparse<'_, 'a, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.iter().copied().enumerate();
        serializer.collect_map(rows.filter_map(|(index, row)| Some((index, (self.1)(row)?))))
    }
}

/// Partition, account and Region: what the ARNs of a scope begin with.
type Prefix<'a> = (&'a str, &'a AccountId, &'a Region);

fn prefix(row: &SecretRow) -> Prefix<'_> {
    (row.arn.partition(), &row.account, &row.region)
}

/// The most secrets of a page: it has about 15 MB then, and most mail systems take 20 to 25 MB.
const MOST_SECRETS: usize = 20_000;

/// The indexes of the secrets that the page holds, in the order of the report: all of them, or of too many those that
/// can be deleted, those to review and the most expensive ones.
fn chosen(report: &Report, savings: &PossibleSavings<'_>, most: usize) -> Vec<usize> {
    let mut indexes: Vec<usize> = (0..report.secrets.len()).collect();
    if indexes.len() <= most {
        return indexes;
    }
    let rank = |&index: &usize| {
        let row = &report.secrets[index];
        let is_kept = row.verdict == Verdict::Keep && savings.of(row).by_deleting == Money::ZERO;
        (is_kept, Reverse(row.cost.total_usd), index)
    };
    indexes.sort_by_cached_key(rank);
    indexes.truncate(most);
    indexes.sort_unstable();
    indexes
}

/// The part of a report with too many secrets that the page holds.
#[derive(serde::Serialize)]
struct PartOfAll {
    /// The indexes in the report of the secrets that the page holds.
    places: Vec<usize>,
    /// The number of secrets that there are in all.
    secrets: usize,
}

/// The block. Amounts are micro-dollars, moments seconds since 1970, `null` is unknown.
struct Block<'a> {
    report: &'a Report,
    /// The secrets that the page holds.
    rows: Vec<&'a SecretRow>,
    /// The numbers of all, if these are only some of them.
    part: Option<PartOfAll>,
    pool: Pool<'a>,
    /// Account, Region and the ARN up to the name.
    scopes: Vec<(String, String, String)>,
    scope_of: HashMap<Prefix<'a>, usize>,
    savings: PossibleSavings<'a>,
    loops: Vec<LoopBlock>,
    findings: Vec<Finding>,
}

#[derive(serde::Serialize)]
struct Finding {
    secret: usize,
    code: usize,
    severity: &'static str,
    text: usize,
    evidence: String,
    reader: Option<usize>,
}

#[derive(serde::Serialize)]
struct LoopBlock {
    secret: usize,
    reader: usize,
    what: usize,
    calls: u64,
    clients: u64,
    interval: Option<f64>,
    shape: usize,
    /// The word before the number of clients, such as `at least`.
    bound: &'static str,
    /// The amount that can be saved a month, as people read it.
    saves: String,
    /// The certainty of the numbers, if they come from a sample.
    sure: Option<String>,
    advice: usize,
}

/// Writes the block as JSON that can stand inside a `<script>` element.
///
/// # Errors
/// What the writer says.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Guarded);
    Ok(Block::new(report, MOST_SECRETS).serialize(&mut serializer)?)
}

/// The first byte of U+2028 and U+2029 in UTF-8.
const LINE_BREAK_START: u8 = 0xE2;

/// JSON that cannot end the element it stands in.
struct Guarded;

impl Formatter for Guarded {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let may_end = |found, byte| found | matches!(byte, b'<' | b'>' | b'&' | LINE_BREAK_START);
        if !fragment.bytes().fold(false, may_end) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, from) = rest.split_at(at);
            let letter = from.chars().next().unwrap_or_default();
            write!(writer, "{before}\\u{:04x}", u32::from(letter))?;
            rest = &from[letter.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

impl<'a> Block<'a> {
    /// The block of a report, with the most secrets that it may hold.
    fn new(report: &'a Report, most: usize) -> Self {
        let mut pool = Pool::default();
        let savings = PossibleSavings::new(report);
        let indexes = chosen(report, &savings, most);
        let rows: Vec<&SecretRow> = indexes.iter().map(|&at| &report.secrets[at]).collect();
        let secrets = report.secrets.len();
        let part = (rows.len() < secrets).then_some(PartOfAll {
            places: indexes,
            secrets,
        });
        let (mut scopes, mut scope_of) = (Vec::new(), HashMap::new());
        for &row in &rows {
            let next = scopes.len();
            if *scope_of.entry(prefix(row)).or_insert(next) == next {
                let resource = row.arn.resource().len();
                let start = &row.arn.as_str()[..row.arn.as_str().len() - resource];
                scopes.push((
                    row.account.to_string(),
                    row.region.to_string(),
                    one_line(start),
                ));
            }
            pool.add_row(row);
        }
        let named = report.loops.iter().map(|row| &row.arn);
        let named = named.chain(report.findings.iter().map(|row| &row.arn));
        let mut index_of: HashMap<&SecretArn, usize> =
            named.flatten().map(|arn| (arn, usize::MAX)).collect();
        for (index, row) in rows.iter().enumerate() {
            if let Some(known) = index_of.get_mut(&row.arn) {
                *known = index;
            }
        }
        index_of.retain(|_, index| *index != usize::MAX);
        let loops = report.loops.iter();
        let loops = loops
            .filter_map(|row| Some(loop_of(row, *index_of.get(row.arn.as_ref()?)?, &mut pool)))
            .collect();
        let mut findings = Vec::new();
        for row in &report.findings {
            let Some(&secret) = row.arn.as_ref().and_then(|arn| index_of.get(arn)) else {
                continue;
            };
            findings.push(Finding {
                secret,
                code: pool.add(row.code.as_str()),
                severity: row.severity.as_str(),
                text: pool.add(&row.text),
                evidence: one_line(&match &row.muted {
                    None => row.evidence.clone(),
                    Some(reason) => format!("muted: {reason}; {}", row.evidence),
                }),
                reader: row.reader.as_deref().map(|reader| pool.add(reader)),
            });
        }
        Self {
            report,
            rows,
            part,
            pool,
            scopes,
            scope_of,
            savings,
            loops,
            findings,
        }
    }

    fn each<T, F: Fn(&'a SecretRow) -> T>(&self, of: F) -> BlockColumn<'_, 'a, F> {
        BlockColumn(&self.rows, of)
    }

    fn some<T, F: Fn(&'a SecretRow) -> Option<T>>(&self, of: F) -> Sparse<'_, 'a, F> {
        Sparse(&self.rows, of)
    }

    /// Reader, kind, client, reads, describes, failed, calls, first, last.
    fn readers(&self, row: &SecretRow) -> Vec<[i64; 9]> {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let index = |text: &str| i64::try_from(self.pool.index(text)).unwrap_or(0);
        let readers = row.readers.iter().map(|reader| {
            [
                index(&reader.reader),
                index(reader.kind.as_str()),
                index(&reader.client),
                whole(reader.reads),
                whole(reader.describes),
                whole(reader.failed),
                whole(reader.calls),
                reader.first.as_second(),
                reader.last.as_second(),
            ]
        });
        readers.collect()
    }

    fn saves(&self, row: &SecretRow) -> (i64, i64) {
        let saving = self.savings.of(row);
        (saving.by_deleting.0, saving.by_mending.0)
    }
}

fn micros(amount: Option<Money>) -> Option<i64> {
    amount.map(|amount| amount.0)
}

fn second(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_second)
}

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pool = &self.pool;
        let mut block = serializer.serialize_struct("Block", 36)?;
        block.serialize_field("texts", pool)?;
        block.serialize_field("part", &self.part)?;
        block.serialize_field("idle_days", &self.report.policy.idle_days)?;
        block.serialize_field("scopes", &self.scopes)?;
        block.serialize_field("scope", &self.each(|row| self.scope_of[&prefix(row)]))?;
        // The name with its suffix: the rest of the ARN.
        block.serialize_field("tail", &self.each(|row| one_line(row.arn.resource())))?;
        let other = |row: &SecretRow| row.name != row.arn.name();
        block.serialize_field(
            "names",
            &self.some(|row| other(row).then(|| one_line(&row.name))),
        )?;
        block.serialize_field(
            "owner",
            &self.each(|row| pool.index_of(row.owner.as_deref())),
        )?;
        block.serialize_field("verdict", &self.each(|row| row.verdict.as_str()))?;
        block.serialize_field("idle", &self.each(|row| row.idle_days))?;
        block.serialize_field("calls", &self.each(|row| row.calls))?;
        block.serialize_field("reads", &self.each(|row| row.reads))?;
        block.serialize_field("failed", &self.each(|row| row.failed))?;
        block.serialize_field("consumers", &self.each(|row| row.consumers))?;
        let cost = |row: &SecretRow| {
            let cost = &row.cost;
            [cost.storage_usd, cost.api_usd, cost.kms_usd, cost.total_usd].map(micros)
        };
        block.serialize_field("cost", &self.each(cost))?;
        block.serialize_field(
            "window",
            &self.each(|row| micros(row.window_cost.total_usd)),
        )?;
        // By deleting, by mending.
        block.serialize_field("saves", &self.each(|row| self.saves(row)))?;
        let rest = self.report.totals.unattributed_usd;
        block.serialize_field("nobody", &(rest.0, self.savings.unnamed.0))?;
        block.serialize_field("created", &self.each(|row| second(row.created)))?;
        block.serialize_field("changed", &self.each(|row| second(row.last_changed)))?;
        let accessed = |row: &SecretRow| row.last_accessed.map(|day| day.to_string());
        block.serialize_field("accessed", &self.each(accessed))?;
        block.serialize_field("used", &self.each(|row| second(row.last_consumer_read)))?;
        let used_by = |row: &SecretRow| pool.index_of(row.last_consumer.as_deref());
        block.serialize_field("used_by", &self.each(used_by))?;
        block.serialize_field("deleted", &self.some(|row| second(row.deleted)))?;
        let primary = |row: &SecretRow| Some(one_line(row.replica_of.as_ref()?.as_str()));
        block.serialize_field("replica_of", &self.some(primary))?;
        let replicas =
            |row: &'_ SecretRow| (!row.replicas.is_empty()).then(|| row.replicas.clone());
        block.serialize_field("replicas", &self.some(replicas))?;
        let service = |row: &SecretRow| pool.index_of(row.owning_service.as_deref());
        block.serialize_field("service", &self.some(service))?;
        let description = |row: &SecretRow| {
            let text = row.description.as_deref().filter(|text| !text.is_empty());
            text.map(one_line)
        };
        block.serialize_field("description", &self.some(description))?;
        block.serialize_field("evidence_days", &self.each(|row| row.evidence_days))?;
        block.serialize_field("customer_key", &self.each(|row| u8::from(row.customer_key)))?;
        let tags = |row: &SecretRow| {
            let tags = row.tags.iter();
            tags.map(|(key, value)| (pool.index(key), pool.index(value)))
                .collect::<Vec<_>>()
        };
        block.serialize_field("tags", &self.each(tags))?;
        // Code and sentence.
        let reasons = |row: &SecretRow| {
            let reasons = row.reasons.iter();
            reasons
                .map(|reason| (pool.index(reason.code.as_str()), one_line(&reason.text)))
                .collect::<Vec<_>>()
        };
        block.serialize_field("reasons", &self.each(reasons))?;
        block.serialize_field("readers", &self.each(|row| self.readers(row)))?;
        block.serialize_field("loops", &self.loops)?;
        block.serialize_field("findings", &self.findings)?;
        // The intervals of calls and of the cost of a month, and what limits them.
        let estimate = |row: &SecretRow| {
            let found = row.estimate.as_ref()?;
            let usd = found.cost.total_usd.map(dollars).unwrap_or_default();
            Some((numbers(found.calls), usd, doubts(&found.caveats)))
        };
        block.serialize_field("estimates", &self.some(estimate))?;
        // Of each reader, the intervals of reads and of failed reads.
        let readers = |row: &SecretRow| {
            let ends = |reader: &ReaderRow| {
                let found = reader.estimate.as_ref()?;
                let text = |range: Option<Range<u64>>| range.map(numbers).unwrap_or_default();
                Some((text(found.reads), text(found.failed)))
            };
            let found: Vec<_> = row.readers.iter().map(ends).collect();
            found.iter().any(Option::is_some).then_some(found)
        };
        block.serialize_field("reader_estimates", &self.some(readers))?;
        block.end()
    }
}

fn loop_of<'a>(row: &'a LoopRow, secret: usize, pool: &mut Pool<'a>) -> LoopBlock {
    LoopBlock {
        secret,
        reader: pool.add(&row.reader),
        what: pool.add(&row.what),
        calls: row.reads_month,
        clients: row.clients,
        interval: row.interval_s,
        shape: pool.add(row.shape.as_str()),
        bound: row.clients_bound(),
        saves: phrases::saving(row),
        sure: phrases::how_sure(row),
        advice: pool.add(&row.advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;

    #[test]
    fn of_too_many_secrets_the_page_holds_what_can_be_deleted_then_what_costs_most() {
        let report = fixture::report(400);
        let savings = PossibleSavings::new(&report);
        assert_eq!(chosen(&report, &savings, 400), (0..400).collect::<Vec<_>>());
        let to_look_at = |row: &SecretRow| {
            row.verdict != Verdict::Keep || savings.of(row).by_deleting != Money::ZERO
        };
        let wanted = report.secrets.iter().filter(|row| to_look_at(row)).count();
        let held = chosen(&report, &savings, wanted + 10);
        assert!(held.is_sorted());
        let (some, rest): (Vec<_>, Vec<_>) = report
            .secrets
            .iter()
            .enumerate()
            .partition(|(index, _)| held.contains(index));
        assert!(rest.iter().all(|(_, row)| !to_look_at(row)));
        let kept = some.iter().filter(|(_, row)| !to_look_at(row));
        let cost = |row: &SecretRow| row.cost.total_usd;
        let least = kept.map(|(_, row)| cost(row)).min().unwrap();
        assert!(rest.iter().all(|(_, row)| cost(row) <= least));
        let block = serde_json::to_value(Block::new(&report, wanted + 10)).unwrap();
        assert_eq!(block["part"]["secrets"], 400);
        assert_eq!(block["tail"].as_array().unwrap().len(), wanted + 10);
        let loops = block["loops"].as_array().unwrap();
        assert!(
            loops
                .iter()
                .all(|row| row["secret"].as_u64().unwrap() < (wanted + 10) as u64)
        );
    }

    #[test]
    fn no_text_can_end_the_element() {
        let hostile = "</script><!-- & \u{2028}\u{2029} \"quoted\" -->";
        let mut guarded = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut guarded, Guarded);
        hostile.serialize(&mut serializer).unwrap();
        let guarded = String::from_utf8(guarded).unwrap();
        assert!(!guarded.contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
        let back: String = serde_json::from_str(&guarded).unwrap();
        assert_eq!(back, hostile);
    }
}
