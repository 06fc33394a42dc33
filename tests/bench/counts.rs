//! The answer that `compare.py` asks of every tool: calls by account, Region, hour, API, error, secret and caller.
//!
//! The reading is the product's. The folding is the least that answers the question; the product's own ledger keeps
//! more, and `compare.py` measures it apart.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use foldhash::fast::RandomState;
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::event::{EventSink, RecordKind, TrailEvent};
use secretsweep::files::logs;

type Map<K, V> = hashbrown::HashMap<K, V, RandomState>;

/// Which copies of an event count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Each `eventID` once.
    Once,
    /// All of them.
    All,
}

/// What one worker counted.
struct Counts {
    seen: Option<Arc<Deduplicator>>,
    /// By hour (eight bytes) and the texts, each with a tab behind it.
    rows: Map<Vec<u8>, u64>,
    key: Vec<u8>,
}

impl EventSink for Counts {
    fn event(&mut self, event: &TrailEvent<'_>) {
        // The question is about the events of Secrets Manager alone.
        if event.kind == RecordKind::KeyUse {
            return;
        }
        if self
            .seen
            .as_ref()
            .is_some_and(|seen| !seen.is_new(event.id))
        {
            return;
        }
        self.key.clear();
        self.key
            .extend_from_slice(&(event.time / 3_600).to_be_bytes());
        for text in [
            &event.account,
            &event.region,
            &event.name,
            event.error_code.as_deref().unwrap_or_default(),
            event.target.as_deref().unwrap_or_default(),
            event.identity.arn.as_deref().unwrap_or_default(),
        ] {
            self.key.extend_from_slice(text.as_bytes());
            self.key.push(b'\t');
        }
        *self.rows.entry_ref(&self.key[..]).or_default() += 1;
    }

    fn active_hour(&mut self, _: &str, _: &str, _: u32, _: bool) {}
}

/// Reads the trail and writes the rows to `out`, in no order: hour as `YYYY-MM-DDTHH`, the texts, the count, with tabs
/// between them.
pub(crate) fn write(
    folder: &Path,
    threads: usize,
    copies: Copies,
    out: &mut impl Write,
) -> io::Result<()> {
    let seen = (copies == Copies::Once).then(Arc::<Deduplicator>::default);
    let (workers, _) = logs::read(
        &logs::LogRequest {
            roots: &[folder.to_owned()],
            span: 0..i64::MAX / 2,
            threads,
            cache: None,
        },
        || Counts {
            seen: seen.clone(),
            rows: Map::default(),
            key: Vec::new(),
        },
        None,
    );
    let mut workers: Vec<_> = workers.into_iter().map(|worker| worker.rows).collect();
    workers.sort_unstable_by_key(Map::len);
    let mut all = workers.pop().unwrap_or_default();
    for (key, count) in workers.into_iter().flatten() {
        *all.entry(key).or_default() += count;
    }
    let mut hours = BTreeMap::new();
    for (key, count) in &all {
        let (hour, texts) = key.split_first_chunk().expect("a key begins with its hour");
        let hour = hours
            .entry(i64::from_be_bytes(*hour))
            .or_insert_with_key(|hour| {
                let mut time = crate::generate::timestamp(hour * 3_600);
                time.truncate("YYYY-MM-DDTHH".len());
                time
            });
        write!(out, "{hour}\t")?;
        out.write_all(texts)?;
        writeln!(out, "{count}")?;
    }
    out.flush()
}
