//! Keeping the events of a live scan in AWS's own shapes (`--save`), so that it can be run again without AWS.
//!
//! A [`SnapshotWriter`] stands before the feed that counts: it passes everything on, and writes the records of our service into
//! `trail/AWSLogs/account/CloudTrail/region/YYYY/MM/DD/` as `{"Records":[...]}`, gzip, under names as CloudTrail gives
//! them, and with them the uses of keys for secrets that KMS logs. Other services' records are not kept. What the scan knew to be covered goes into `trail/.covered.json`: a trail
//! that holds one service only cannot tell quiet hours from holes.
//!
//! Windows of a sample are not kept: read again as a trail, they would pass for all there was.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::inflate::is_gzip;
use crate::domain::base::names::{AccountId, KMS, Region, SECRETS_MANAGER, Scope};
use crate::domain::base::span::Span;
use crate::domain::sampling::SamplingPlan;
use crate::domain::trail::layout;
use crate::ports::{BlobStore, Feed, LogObject, RecordCompleteness};

/// The name of the file that keeps the covered time.
pub const COVERED: &str = "trail/.covered.json";

/// Bytes of records that are held before they are written.
const HELD: usize = 8 << 20;

/// The most that a file may inflate to.
const LIMIT: u64 = 1 << 30;

/// The name of the field that holds the secret in the event of a use of a key.
const SECRET_OF_KEY: &str = "SecretARN";

/// Passes events on, and keeps those of our service.
pub struct SnapshotWriter {
    next: Arc<dyn Feed>,
    store: Arc<dyn BlobStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Records by scope and UTC day, each with its time.
    days: BTreeMap<(Scope, String), Vec<(Timestamp, String)>>,
    held: usize,
    kept: u64,
    lost: Option<String>,
    files: Vec<SavedFile>,
}

/// The records that were kept, and the first trouble with keeping them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Records of our service.
    pub records: u64,
    /// The reason why something could not be kept, the first time.
    pub trouble: Option<String>,
}

/// The part of a record that says where it belongs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordOrigin<'a> {
    event_source: Option<std::borrow::Cow<'a, str>>,
    event_time: Option<Timestamp>,
    aws_region: Option<Region>,
    recipient_account_id: Option<AccountId>,
}

#[derive(Deserialize)]
struct LogFile<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
}

/// A span of time that is covered, as it stands in [`COVERED`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct CoveredSpan {
    account: AccountId,
    region: Region,
    from: Timestamp,
    to: Timestamp,
}

/// A log file that was saved. The time is covered only as long as every one of them is there as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct SavedFile {
    name: String,
    size: u64,
    sha256: String,
}

impl SavedFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            size: bytes.len() as u64,
            sha256: format!("{:x}", Sha256::digest(bytes)),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct CoveredFile {
    format: u32,
    covered: Vec<CoveredSpan>,
    #[serde(default)]
    files: Vec<SavedFile>,
}

/// The format of [`COVERED`]. The first one did not name the files.
const FORMAT: u32 = 2;

impl SnapshotWriter {
    /// A saver that passes everything on to `next`.
    pub fn new(next: Arc<dyn Feed>, store: Arc<dyn BlobStore>) -> Self {
        Self {
            next,
            store,
            state: Mutex::default(),
        }
    }

    /// Writes what is still held, and the time that the scan found covered.
    pub fn finish(&self, covered: &[(Scope, Span)]) -> Saved {
        let mut state = self.state();
        self.write(&mut state);
        let mut spans: Vec<CoveredSpan> = covered
            .iter()
            .map(|(scope, span)| CoveredSpan {
                account: scope.account.clone(),
                region: scope.region.clone(),
                from: span.from,
                to: span.to,
            })
            .collect();
        spans.sort();
        let mut files = std::mem::take(&mut state.files);
        files.sort();
        let file = CoveredFile {
            format: FORMAT,
            covered: spans,
            files,
        };
        let put = serde_json::to_vec_pretty(&file)
            .map_err(io::Error::from)
            .and_then(|bytes| self.store.put(COVERED, &bytes));
        state.note(put);
        Saved {
            records: state.kept,
            trouble: state.lost.clone(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, scope: &Scope, time: Timestamp, record: &str) {
        let mut state = self.state();
        let day = time
            .to_zoned(TimeZone::UTC)
            .strftime("%Y/%m/%d")
            .to_string();
        state.held += record.len();
        state.kept += 1;
        state
            .days
            .entry((scope.clone(), day))
            .or_default()
            .push((time, record.to_owned()));
        if state.held >= HELD {
            self.write(&mut state);
        }
    }

    fn write(&self, state: &mut State) {
        state.held = 0;
        for ((scope, day), mut records) in std::mem::take(&mut state.days) {
            records.sort();
            records.dedup();
            let name = name(&scope, &day, &records);
            let put = packed(&records).and_then(|bytes| {
                state.files.push(SavedFile::new(&name, &bytes));
                self.store.put(&name, &bytes)
            });
            state.note(put);
        }
    }

    /// Keeps what of a log file is ours.
    fn file_records(&self, key: &str, bytes: &[u8]) -> Result<(), String> {
        let mut text = Vec::new();
        let read = if is_gzip(bytes) {
            MultiGzDecoder::new(bytes)
                .take(LIMIT)
                .read_to_end(&mut text)
        } else {
            bytes.take(LIMIT).read_to_end(&mut text)
        };
        read.map_err(|error| error.to_string())?;
        let holds = |word: &str| memchr::memmem::find(&text, word.as_bytes()).is_some();
        if !holds(SECRETS_MANAGER) && !holds(SECRET_OF_KEY) {
            return Ok(());
        }
        let file: LogFile<'_> = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let path = layout::trail_file(key).and_then(|file| {
            Some(Scope {
                account: AccountId::new(file.account).ok()?,
                region: Region::new(file.region).ok()?,
            })
        });
        for record in file.records {
            self.take(path.as_ref(), record.get());
        }
        Ok(())
    }

    /// Keeps a record if it is ours. One that cannot be read is left to the feed, which counts it.
    fn take(&self, scope: Option<&Scope>, record: &str) {
        let Ok(origin) = serde_json::from_str::<RecordOrigin<'_>>(record) else {
            return;
        };
        let own = origin
            .recipient_account_id
            .zip(origin.aws_region)
            .map(|(account, region)| Scope { account, region });
        let is_evidence = match origin.event_source.as_deref() {
            Some(SECRETS_MANAGER) => true,
            Some(KMS) => record.contains(SECRET_OF_KEY),
            _ => false,
        };
        if let (true, Some(time), Some(scope)) =
            (is_evidence, origin.event_time, own.as_ref().or(scope))
        {
            self.keep(scope, time, record);
        }
    }
}

impl State {
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.lost.get_or_insert_with(|| error.to_string());
        }
    }
}

impl Feed for SnapshotWriter {
    fn record(&self, scope: &Scope, json: &[u8]) {
        if let Ok(record) = std::str::from_utf8(json) {
            self.take(Some(scope), record);
        }
        self.next.record(scope, json);
    }

    fn file(&self, object: &LogObject, bytes: &[u8]) -> Result<(), String> {
        self.next.file(object, bytes)?;
        self.file_records(&object.key, bytes)
    }

    fn records(&self, source: &str, json: &[u8], completeness: RecordCompleteness) {
        // Read again as log files, what was picked would pass for all there was: `scan` refuses to save a log group.
        self.next.records(source, json, completeness);
    }

    fn covered(&self, scope: &Scope, span: Span) {
        self.next.covered(scope, span);
    }

    fn sampled(&self, scope: &Scope, comb: &SamplingPlan, window: u32, json: &[u8]) {
        self.next.sampled(scope, comb, window, json);
    }
}

/// The name that CloudTrail would give: the minute of the last event for that of the delivery, and a part of the
/// contents' hash for the random end.
fn name(scope: &Scope, day: &str, records: &[(Timestamp, String)]) -> String {
    let mut hash = Sha256::new();
    for (_, record) in records {
        hash.update(record);
    }
    let hash = hash.finalize();
    let unique = hash
        .iter()
        .take(8)
        .fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let minute = records
        .last()
        .map(|(time, _)| {
            time.to_zoned(TimeZone::UTC)
                .strftime("%Y%m%dT%H%MZ")
                .to_string()
        })
        .unwrap_or_default();
    let Scope { account, region } = scope;
    format!(
        "trail/AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_{unique:016X}.json.gz"
    )
}

fn packed(records: &[(Timestamp, String)]) -> io::Result<Vec<u8>> {
    let mut pack = GzEncoder::new(Vec::new(), Compression::default());
    pack.write_all(b"{\"Records\":[")?;
    for (index, (_, record)) in records.iter().enumerate() {
        if index > 0 {
            pack.write_all(b",")?;
        }
        pack.write_all(record.as_bytes())?;
    }
    pack.write_all(b"]}")?;
    pack.finish()
}

/// The time that a saved trail says is covered; `None` if it says nothing.
///
/// # Errors
/// What is wrong with the file.
pub fn covered(store: &dyn BlobStore) -> io::Result<Option<Vec<(Scope, Span)>>> {
    let Some(bytes) = store.get(COVERED)? else {
        return Ok(None);
    };
    let file: CoveredFile = serde_json::from_slice(&bytes)?;
    if file.format != FORMAT {
        let words = format!(
            "`{COVERED}` has format {}, which does not name the files that it covers: scan with `--save` again",
            file.format
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    for saved in &file.files {
        let bytes = store.get(&saved.name)?;
        if bytes.is_none_or(|bytes| SavedFile::new(&saved.name, &bytes) != *saved) {
            let words = format!(
                "`{}` is not there any more as it was saved, so what `{COVERED}` says of covered time does not hold",
                saved.name
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
    }
    let spans = file.covered.into_iter().map(|one| {
        let scope = Scope {
            account: one.account,
            region: one.region,
        };
        let (from, to) = (one.from, one.to);
        (scope, Span { from, to })
    });
    Ok(Some(spans.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::trail::event::{EventSink, TrailEvent};
    use crate::domain::trail::record;
    use crate::files::blob_store::DirStore;

    #[derive(Default)]
    struct Silent;

    impl Feed for Silent {
        fn record(&self, _scope: &Scope, _json: &[u8]) {}

        fn file(&self, _object: &LogObject, bytes: &[u8]) -> Result<(), String> {
            if bytes.is_empty() {
                Err("empty".to_owned())
            } else {
                Ok(())
            }
        }

        fn records(&self, _source: &str, _json: &[u8], _completeness: RecordCompleteness) {}

        fn covered(&self, _scope: &Scope, _span: Span) {}

        fn sampled(&self, _scope: &Scope, _comb: &SamplingPlan, _window: u32, _json: &[u8]) {}
    }

    #[derive(Default)]
    struct Ids(Vec<u128>);

    impl EventSink for Ids {
        fn event(&mut self, event: &TrailEvent<'_>) {
            self.0.push(event.id.0);
        }

        fn active_hour(&mut self, _: &str, _: &str, _: u32, _: bool) {}
    }

    fn scope() -> Scope {
        Scope {
            account: AccountId::new("111122223333").unwrap(),
            region: Region::new("us-east-1").unwrap(),
        }
    }

    fn event(number: u32, time: &str, source: &str) -> String {
        format!(
            r#"{{"eventID":"00000000-0000-4000-8000-{number:012x}","eventTime":"{time}","eventSource":"{source}","eventName":"GetSecretValue","awsRegion":"us-east-1","recipientAccountId":"111122223333","requestParameters":{{"secretId":"a"}},"userIdentity":{{}}}}"#
        )
    }

    #[test]
    fn the_events_of_our_service_are_kept_as_a_trail_that_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(DirStore::new(folder.path()));
        let saver = SnapshotWriter::new(Arc::new(Silent), store.clone());
        let one = event(1, "2026-11-22T23:59:59Z", SECRETS_MANAGER);
        saver.record(&scope(), one.as_bytes());
        saver.record(&scope(), b"{no json");
        let file = format!(
            "{{\"Records\":[{},{},{},{}]}}",
            event(2, "2026-11-23T00:00:00Z", SECRETS_MANAGER),
            event(3, "2026-11-23T00:00:01Z", "s3.amazonaws.com"),
            event(4, "2026-11-23T00:00:02Z", KMS),
            event(5, "2026-11-23T00:00:03Z", KMS).replace(
                r#"{"secretId":"a"}"#,
                r#"{"encryptionContext":{"SecretARN":"arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf","SecretVersionId":"v"}}"#
            ).replace("GetSecretValue", "Decrypt")
        );
        let object = LogObject::default();
        saver.file(&object, file.as_bytes()).unwrap();
        assert!(saver.file(&object, b"").is_err(), "the feed decides");
        let span = Span {
            from: "2026-11-22T00:00:00Z".parse().unwrap(),
            to: "2026-11-23T12:00:00Z".parse().unwrap(),
        };
        let outcome = saver.finish(&[(scope(), span)]);
        assert_eq!((outcome.records, outcome.trouble), (3, None));
        let mut ids = Ids::default();
        for (day, minute) in [
            ("2026/11/22", "20261122T2359Z"),
            ("2026/11/23", "20261123T0000Z"),
        ] {
            let below = format!("trail/AWSLogs/111122223333/CloudTrail/us-east-1/{day}");
            let names = store.names(&below).unwrap();
            let [name] = names.as_slice() else {
                panic!("{names:?}")
            };
            let path = format!("{below}/{name}");
            assert!(name.contains(minute), "{name}");
            assert!(layout::trail_file(&path).unwrap().day.is_some());
            let bytes = store.get(&path).unwrap().unwrap();
            let mut text = Vec::new();
            MultiGzDecoder::new(&bytes[..])
                .read_to_end(&mut text)
                .unwrap();
            record::read(&text, None, &mut ids);
        }
        assert_eq!(
            ids.0.len(),
            3,
            "the use of a key for a secret is evidence, too"
        );
        assert_eq!(covered(&*store).unwrap().unwrap(), [(scope(), span)]);
    }

    #[test]
    fn a_folder_that_says_nothing_of_coverage_is_no_error_and_a_damaged_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::new(folder.path());
        assert!(covered(&store).unwrap().is_none());
        let gone = "{\"format\":2,\"covered\":[],\"files\":[{\"name\":\"trail/gone.json.gz\",\"size\":1,\"sha256\":\"00\"}]}";
        for text in [
            "",
            // The first format did not name its files.
            "{\"format\":1,\"covered\":[]}",
            "{\"format\":3,\"covered\":[]}",
            gone,
        ] {
            store.put(COVERED, text.as_bytes()).unwrap();
            assert!(covered(&store).is_err(), "{text}");
        }
    }
}
