//! All secrets as one block of JSON in the page, for the script: columns instead of rows, and repeated text once.
//!
//! The block stands in a `<script type="application/json">`, which a browser never runs. Every `<`, `>` and `&` in it is
//! written as `\u003c`, `\u003e` and `\u0026`, so that no text can end the element or open a comment; U+2028 and U+2029,
//! which old scripts took for line ends, are shown as a space like every line break.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::money::Money;
use crate::domain::names::SecretArn;
use crate::domain::report::{LoopRow, Report, SecretRow};
use crate::report::escape::one_line;
use crate::report::estimates::{dollars, doubts, numbers};
use crate::report::text::words;

use crate::domain::sums::Savings;

/// Text that stands once in the block and is named by its place.
#[derive(Default)]
struct Pool {
    texts: Vec<String>,
    places: HashMap<String, usize>,
}

impl Pool {
    fn place(&mut self, text: &str) -> usize {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        let place = self.texts.len();
        self.texts.push(one_line(text));
        self.places.insert(text.to_owned(), place);
        place
    }

    fn place_of(&mut self, text: Option<&str>) -> Option<usize> {
        text.map(|text| self.place(text))
    }
}

/// The block. Amounts are micro-dollars, moments seconds since 1970, `null` is unknown.
#[derive(Default, Serialize)]
struct Block {
    /// Repeated text.
    texts: Vec<String>,
    idle_days: u32,
    /// Account, Region and the ARN up to the name.
    scopes: Vec<(String, String, String)>,
    scope: Vec<usize>,
    /// The name with its suffix: the rest of the ARN.
    tail: Vec<String>,
    /// Names that are not the one in the ARN.
    names: BTreeMap<usize, String>,
    owner: Vec<Option<usize>>,
    verdict: Vec<&'static str>,
    idle: Vec<Option<u32>>,
    calls: Vec<u64>,
    reads: Vec<u64>,
    failed: Vec<u64>,
    consumers: Vec<u64>,
    /// Storage, API, KMS, total.
    cost: Vec<[Option<i64>; 4]>,
    window: Vec<Option<i64>>,
    /// By deleting, by mending.
    saves: Vec<(i64, i64)>,
    created: Vec<Option<i64>>,
    changed: Vec<Option<i64>>,
    accessed: Vec<Option<String>>,
    used: Vec<Option<i64>>,
    used_by: Vec<Option<usize>>,
    deleted: BTreeMap<usize, i64>,
    replica_of: BTreeMap<usize, String>,
    replicas: BTreeMap<usize, Vec<String>>,
    service: BTreeMap<usize, usize>,
    description: BTreeMap<usize, String>,
    evidence_days: Vec<u32>,
    customer_key: Vec<u8>,
    tags: Vec<Vec<(usize, usize)>>,
    /// Code and sentence.
    reasons: Vec<Vec<(usize, String)>>,
    /// Reader, kind, client, reads, describes, failed, calls, first, last.
    readers: Vec<Vec<[i64; 9]>>,
    loops: Vec<Loop>,
    findings: Vec<Finding>,
    /// Of secrets whose calls were estimated: the intervals of calls and of the cost of a month, and what limits them.
    estimates: BTreeMap<usize, (String, String, String)>,
}

#[derive(Serialize)]
struct Finding {
    secret: usize,
    code: usize,
    severity: &'static str,
    text: usize,
    evidence: String,
    reader: Option<usize>,
}

#[derive(Serialize)]
struct Loop {
    secret: usize,
    reader: usize,
    what: usize,
    calls: u64,
    clients: u64,
    interval: Option<f64>,
    shape: usize,
    saves: Option<i64>,
    /// How sure the numbers are, if they come from a sample.
    sure: Option<String>,
    advice: usize,
}

/// The block as JSON that can stand inside a `<script>` element.
pub(crate) fn json(report: &Report) -> String {
    let mut pool = Pool::default();
    let mut block = Block {
        idle_days: report.policy.idle_days,
        ..Block::default()
    };
    let savings = Savings::new(report);
    let mut scopes = HashMap::new();
    for row in &report.secrets {
        let next = scopes.len();
        let key = (row.arn.partition(), &row.account, &row.region);
        let scope = *scopes.entry(key).or_insert(next);
        if scope == next {
            let resource = row.arn.resource().len();
            let prefix = &row.arn.as_str()[..row.arn.as_str().len() - resource];
            block.scopes.push((
                row.account.to_string(),
                row.region.to_string(),
                one_line(prefix),
            ));
        }
        let saving = savings.of(row);
        block
            .saves
            .push((saving.by_deleting.0, saving.by_mending.0));
        block.scope.push(scope);
        block.add(row, &mut pool);
    }
    let places: HashMap<&SecretArn, usize> = report
        .secrets
        .iter()
        .enumerate()
        .map(|(place, row)| (&row.arn, place))
        .collect();
    block.loops = report
        .loops
        .iter()
        .filter_map(|row| Some(loop_of(row, *places.get(row.arn.as_ref()?)?, &mut pool)))
        .collect();
    for row in &report.findings {
        let Some(&secret) = row.arn.as_ref().and_then(|arn| places.get(arn)) else {
            continue;
        };
        block.findings.push(Finding {
            secret,
            code: pool.place(&row.code),
            severity: row.severity.as_str(),
            text: pool.place(&row.text),
            evidence: one_line(&row.evidence),
            reader: pool.place_of(row.reader.as_deref()),
        });
    }
    block.texts = pool.texts;
    // Strings and numbers in vectors and maps by number: nothing of it can fail to be written.
    let json = serde_json::to_string(&block).unwrap_or_else(|_| "null".to_owned());
    guarded(&json)
}

/// JSON that cannot end the element it stands in.
fn guarded(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + json.len() / 50);
    for letter in json.chars() {
        match letter {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            _ => text.push(letter),
        }
    }
    text
}

impl Block {
    fn add(&mut self, row: &SecretRow, pool: &mut Pool) {
        let place = self.tail.len();
        let micros = |amount: Option<Money>| amount.map(|amount| amount.0);
        self.tail.push(one_line(row.arn.resource()));
        if row.name != row.arn.name() {
            self.names.insert(place, one_line(&row.name));
        }
        self.owner.push(pool.place_of(row.owner.as_deref()));
        self.verdict.push(row.verdict.as_str());
        self.idle.push(row.idle_days);
        self.calls.push(row.calls);
        self.reads.push(row.reads);
        self.failed.push(row.failed);
        self.consumers.push(row.consumers);
        self.cost.push([
            micros(row.cost.storage_usd),
            micros(row.cost.api_usd),
            micros(row.cost.kms_usd),
            micros(row.cost.total_usd),
        ]);
        self.window.push(micros(row.window_cost.total_usd));
        self.created.push(row.created.map(Timestamp::as_second));
        self.changed
            .push(row.last_changed.map(Timestamp::as_second));
        self.accessed
            .push(row.last_accessed.map(|day| day.to_string()));
        self.used
            .push(row.last_consumer_read.map(Timestamp::as_second));
        self.used_by
            .push(pool.place_of(row.last_consumer.as_deref()));
        self.evidence_days.push(row.evidence_days);
        self.customer_key.push(u8::from(row.customer_key));
        if let Some(deleted) = row.deleted {
            self.deleted.insert(place, deleted.as_second());
        }
        if let Some(primary) = &row.replica_of {
            self.replica_of.insert(place, one_line(primary.as_str()));
        }
        if !row.replicas.is_empty() {
            let regions = row.replicas.iter().map(ToString::to_string).collect();
            self.replicas.insert(place, regions);
        }
        if let Some(service) = &row.owning_service {
            self.service.insert(place, pool.place(service));
        }
        if let Some(description) = row.description.as_deref().filter(|text| !text.is_empty()) {
            self.description.insert(place, one_line(description));
        }
        let mut tags = Vec::with_capacity(row.tags.len());
        for (key, value) in &row.tags {
            tags.push((pool.place(key), pool.place(value)));
        }
        self.tags.push(tags);
        let reasons = row.reasons.iter();
        self.reasons.push(
            reasons
                .map(|reason| (pool.place(&reason.code), one_line(&reason.text)))
                .collect(),
        );
        if let Some(found) = &row.estimate {
            let usd = found.total_usd.map(dollars).unwrap_or_default();
            let texts = (numbers(found.calls), usd, doubts(&found.caveats));
            self.estimates.insert(place, texts);
        }
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let index = |place: usize| i64::try_from(place).unwrap_or(0);
        let readers = row.readers.iter().map(|reader| {
            [
                index(pool.place(&reader.reader)),
                index(pool.place(reader.kind.as_str())),
                index(pool.place(&reader.client)),
                whole(reader.reads),
                whole(reader.describes),
                whole(reader.failed),
                whole(reader.calls),
                reader.first.as_second(),
                reader.last.as_second(),
            ]
        });
        self.readers.push(readers.collect());
    }
}

fn loop_of(row: &LoopRow, secret: usize, pool: &mut Pool) -> Loop {
    Loop {
        secret,
        reader: pool.place(&row.reader),
        what: pool.place(&row.what),
        calls: row.reads_month,
        clients: row.clients,
        interval: row.interval_s,
        shape: pool.place(&row.shape),
        saves: row.avoidable_usd_month.map(|amount| amount.0),
        sure: words::how_sure(row),
        advice: pool.place(&row.advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_the_element() {
        let json = serde_json::to_string("</script><!-- & \u{2028}\u{2029} -->").unwrap();
        let guarded = guarded(&json);
        assert!(!guarded.contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
        let back: String = serde_json::from_str(&guarded).unwrap();
        assert_eq!(back, "</script><!-- & \u{2028}\u{2029} -->");
    }
}
