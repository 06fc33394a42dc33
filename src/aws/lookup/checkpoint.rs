//! What was read of an event history, stored so that an interrupted run goes on where it stopped.
//!
//! One file a finished slice of time, named by its span in seconds since 1970, and one a finished part of a sample.
//! Inside: gzip, one JSON text a line, which is the record as AWS gave it. A file that cannot be read is taken away and
//! its time asked for again; so the shelf can make a run faster, never wrong.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::domain::base::names::Scope;
use crate::domain::sampling::SamplingPlan;
use crate::ports::BlobStore;

/// Seconds since 1970, from inclusive, to exclusive.
pub(super) type TimeSlice = (i64, i64);

/// A sample that was begun: where its windows lie, and the budget that made it necessary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) comb: SamplingPlan,
    pub(super) budget_s: u64,
}

/// The first line of every file.
const FORMAT: &str = "\"secretsweep lookup 1\"";

/// The files of one account and Region.
#[derive(Clone, Copy)]
pub(super) struct Checkpoint<'a> {
    store: &'a dyn BlobStore,
    scope: &'a Scope,
}

impl<'a> Checkpoint<'a> {
    pub(super) fn new(store: &'a dyn BlobStore, scope: &'a Scope) -> Self {
        Self { store, scope }
    }

    fn folder(&self) -> String {
        format!("lookup/{}/{}", self.scope.account, self.scope.region)
    }

    /// The finished slices, sorted.
    pub(super) fn slices(&self) -> io::Result<Vec<TimeSlice>> {
        let names = self.store.names(&self.folder())?;
        let mut slices: Vec<TimeSlice> = names
            .iter()
            .filter_map(|name| {
                let (from, to) = name.strip_suffix(".jsonl.gz")?.split_once('-')?;
                Some((from.parse().ok()?, to.parse().ok()?))
            })
            .filter(|(from, to)| from < to)
            .collect();
        slices.sort_unstable();
        Ok(slices)
    }

    fn slice_name(&self, (from, to): TimeSlice) -> String {
        format!("{}/{from}-{to}.jsonl.gz", self.folder())
    }

    /// Keeps a finished slice.
    pub(super) fn put<'r>(
        &self,
        slice: TimeSlice,
        records: impl Iterator<Item = &'r str>,
    ) -> io::Result<()> {
        let lines = records.map(|record| (0, record));
        self.store.put(&self.slice_name(slice), &packed(lines)?)
    }

    /// The records of a finished slice; `None` if they cannot be read any more.
    pub(super) fn get(&self, slice: TimeSlice) -> Option<Vec<String>> {
        let name = self.slice_name(slice);
        let lines = self.lines(&name)?;
        Some(lines.into_iter().map(|(_, record)| record).collect())
    }

    fn lines(&self, name: &str) -> Option<Vec<(u32, String)>> {
        let bytes = self.store.get(name).ok()??;
        let lines = unpacked(&bytes);
        if lines.is_none() {
            // If it cannot be taken away either, it is simply unreadable again next time.
            drop(self.store.remove(name));
        }
        lines
    }

    fn comb_name(&self) -> String {
        format!("{}/sample.json", self.folder())
    }

    /// The sample that was begun, if there is one.
    pub(super) fn begun(&self) -> Option<Begun> {
        let bytes = self.store.get(&self.comb_name()).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps what a sample begins with.
    pub(super) fn put_begun(&self, begun: &Begun) -> io::Result<()> {
        let bytes = serde_json::to_vec(begun)?;
        self.store.put(&self.comb_name(), &bytes)
    }

    fn part_name(&self, comb: &SamplingPlan, part: u32) -> String {
        format!(
            "{}/sample/{}-{}-{}-{}-{part}.jsonl.gz",
            self.folder(),
            comb.span.from.as_second(),
            comb.step_s,
            comb.width_s,
            comb.phase_s
        )
    }

    /// The records of a finished part of a sample with their windows, if it is there.
    pub(super) fn part(&self, comb: &SamplingPlan, part: u32) -> Option<Vec<(u32, String)>> {
        self.lines(&self.part_name(comb, part))
    }

    /// Keeps a finished part of a sample.
    pub(super) fn put_part(
        &self,
        comb: &SamplingPlan,
        part: u32,
        records: &[(u32, String)],
    ) -> io::Result<()> {
        let lines = records
            .iter()
            .map(|(window, record)| (*window, record.as_str()));
        self.store.put(&self.part_name(comb, part), &packed(lines)?)
    }
}

fn packed<'r>(lines: impl Iterator<Item = (u32, &'r str)>) -> io::Result<Vec<u8>> {
    let mut pack = GzEncoder::new(Vec::new(), Compression::fast());
    writeln!(pack, "{FORMAT}")?;
    for line in lines {
        serde_json::to_writer(&mut pack, &line)?;
        pack.write_all(b"\n")?;
    }
    pack.finish()
}

fn unpacked(bytes: &[u8]) -> Option<Vec<(u32, String)>> {
    let mut lines = BufReader::new(GzDecoder::new(bytes).take(1 << 30)).lines();
    if lines.next()?.ok()? != FORMAT {
        return None;
    }
    lines
        .map(|line| serde_json::from_str(&line.ok()?).ok())
        .collect()
}

/// Returns what of a span no slice holds, newest first.
pub(super) fn missing(span: TimeSlice, held: &[TimeSlice]) -> Vec<TimeSlice> {
    let mut gaps = Vec::new();
    let mut at = span.0;
    for &(from, to) in held {
        if from > at && at < span.1 {
            gaps.push((at, from.min(span.1)));
        }
        at = at.max(to);
    }
    if at < span.1 {
        gaps.push((at, span.1));
    }
    gaps.reverse();
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_slice_holds_is_missing_newest_first() {
        let cases: [(&[TimeSlice], &[TimeSlice]); 6] = [
            (&[], &[(10, 20)]),
            (&[(10, 20)], &[]),
            (&[(5, 12), (15, 30)], &[(12, 15)]),
            (&[(12, 14), (16, 17)], &[(17, 20), (14, 16), (10, 12)]),
            (&[(11, 13), (11, 19), (12, 14)], &[(19, 20), (10, 11)]),
            (&[(1, 5), (25, 30)], &[(10, 20)]),
        ];
        for (held, expect) in cases {
            assert_eq!(missing((10, 20), held), expect, "{held:?}");
        }
    }

    #[test]
    fn what_is_packed_comes_back_and_what_is_damaged_does_not() {
        let records = [(3, "{\"a\":\n1}"), (9, "no json \u{1f512}")];
        let bytes = packed(records.into_iter()).unwrap();
        let back = unpacked(&bytes).unwrap();
        assert_eq!(
            back,
            records.map(|(window, text)| (window, text.to_owned()))
        );
        for cut in 0..bytes.len() {
            assert_eq!(unpacked(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
