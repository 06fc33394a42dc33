//! A trail on disk: files and folders of CloudTrail logs, into sinks.
//!
//! Each worker takes the next file, reads it into memory of its own that it uses again, and feeds a sink of its own;
//! nothing is shared but the list of files. One file never aborts the reading: what cannot be read is a [`LogTrouble`],
//! and what stood before the trouble counts.
//!
//! Files are chosen by what their path says of them ([`crate::domain::trail::layout`]): digests, insights and files of other
//! days are not opened. Whatever the path says nothing of is read and judged by its content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use super::cache::{Cache, CacheSlot, CacheWriter, FileVersion};
use super::log_file::{FileRead, Memory, read_file};
use super::reading_progress::{MeasuredWalk, TakenItem, WalkShare, Watch, locked};
use super::walk::{WalkItem, layout_path, walk};
use crate::domain::trail::event::{Delivery, EventSink};
use crate::domain::trail::layout::{self, LogFileKind, TrailFile};
use crate::domain::trail::record::{Contents, Other, TrailOwner};
use crate::domain::trail::unread::Unread;

/// A file or folder that could not be read, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogTrouble {
    /// The file or folder.
    pub path: PathBuf,
    /// The trouble with it, described for people.
    pub what: String,
}

/// The result of reading a trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailReading {
    /// Files that were opened and read, the troubled ones included.
    pub files_read: u64,
    /// Bytes of those files on disk.
    pub bytes_compressed: u64,
    /// Bytes of JSON that came out of them.
    pub bytes_inflated: u64,
    /// Records of every service.
    pub records: u64,
    /// Records of Secrets Manager.
    pub ours: u64,
    /// Files of other days, which were not opened.
    pub skipped_by_date: u64,
    /// Digest and insight files, which hold no events.
    pub skipped_digests: u64,
    /// Logs of other services, which AWS's layout names, by service.
    pub skipped_services: BTreeMap<String, u64>,
    /// Files of more than one gzip member: not as AWS delivered them.
    pub multi_member: u64,
    /// Everything that could not be read, by path.
    pub troubles: Vec<LogTrouble>,
    /// The time of which those files may have held records.
    pub unread: BTreeSet<Unread>,
}

impl TrailReading {
    fn add(&mut self, other: Self) {
        self.files_read += other.files_read;
        self.bytes_compressed += other.bytes_compressed;
        self.bytes_inflated += other.bytes_inflated;
        self.records += other.records;
        self.ours += other.ours;
        self.skipped_by_date += other.skipped_by_date;
        self.skipped_digests += other.skipped_digests;
        for (service, files) in other.skipped_services {
            *self.skipped_services.entry(service).or_default() += files;
        }
        self.unread.extend(other.unread);
        self.multi_member += other.multi_member;
        self.troubles.extend(other.troubles);
    }

    /// Notes something that could not be read at all.
    fn trouble(&mut self, path: PathBuf, what: String) {
        self.unread.extend(layout::unread(&layout_path(&path)));
        self.troubles.push(LogTrouble { path, what });
    }

    /// Notes a file that could not be read wholly. A file of something else beside the trail leaves no hole; one that held
    /// records does, whatever its name.
    fn partly_read(&mut self, path: PathBuf, contents: &Contents, what: String) {
        let text = layout_path(&path);
        let is_in_layout = layout::trail_file(&text).is_some();
        let is_other = match contents.other {
            Some(Other::Document) => true,
            Some(Other::Text) => !layout::is_named_like_records(&text),
            None => false,
        };
        if is_in_layout || contents.records == 0 && !is_other {
            self.unread.extend(layout::unread(&text));
        } else if contents.records > 0 {
            self.unread.insert(Unread::always(None));
        }
        self.troubles.push(LogTrouble { path, what });
    }

    /// The file that an item is, if it is worth opening; else it is noted why not.
    fn choose(&mut self, item: TakenItem, span: &Range<i64>) -> Option<ChosenFile> {
        let path = match item.found {
            WalkItem::File(path) => path,
            WalkItem::Trouble(path, what) => {
                self.trouble(path, what);
                return None;
            }
        };
        let text = layout_path(&path);
        if let Some(service) = layout::other_service(&text) {
            let files = self.skipped_services.entry(service.to_owned());
            *files.or_default() += 1;
            return None;
        }
        match choose(layout::trail_file(&text).as_ref(), &text, span) {
            Choice::Read => {}
            Choice::OtherDay => {
                self.skipped_by_date += 1;
                return None;
            }
            Choice::NoLog => {
                self.skipped_digests += 1;
                return None;
            }
        }
        Some(ChosenFile {
            path,
            text,
            delivery: item.delivery,
            share: item.share,
        })
    }

    /// Notes how reading a file went; gives its bytes on disk.
    fn note(&mut self, path: PathBuf, read: io::Result<FileRead>) -> u64 {
        let file = match read {
            Ok(file) => file,
            Err(fault) => {
                self.trouble(path, fault.to_string());
                return 0;
            }
        };
        self.files_read += 1;
        self.bytes_compressed += file.compressed;
        self.bytes_inflated += file.inflated;
        self.records += file.contents.records;
        self.ours += file.contents.ours;
        // AWS packs each message of a log group by itself; only its log files have one member.
        let in_layout = || layout::trail_file(&layout_path(&path)).is_some();
        self.multi_member += u64::from(file.members > 1 && in_layout());
        if let Some(what) = file.trouble() {
            self.partly_read(path, &file.contents, what);
        }
        file.compressed
    }
}

pub use super::reading_progress::{ReadProgress, Watcher};

/// A request to read log files.
#[derive(Clone, Debug)]
pub struct LogRequest<'a> {
    /// Files and folders.
    pub roots: &'a [PathBuf],
    /// Only files that can hold events of this span, in seconds since 1970-01-01T00:00:00Z.
    pub span: Range<i64>,
    /// The number of workers.
    pub threads: usize,
    /// The stored contents of files that were read before; new files are added to it.
    pub cache: Option<&'a Cache>,
}

/// Reads log files, each worker into a sink of its own from `make`.
///
/// The sinks do not know the span: a file that lies partly outside gives all its events. Troubles are in
/// [`TrailReading::troubles`]; there is no other failure.
pub fn read<S: EventSink + Send>(
    ask: &LogRequest<'_>,
    make: impl Fn() -> S + Sync,
    watcher: Option<&Watcher<'_>>,
) -> (Vec<S>, TrailReading) {
    let files = Mutex::new(MeasuredWalk::new(walk(ask.roots), ask.span.clone()));
    let watch = watcher.map(Watch::new);
    let done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..ask.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut sink = make();
                    let reading = work(&files, ask, &mut sink, watch.as_ref());
                    (sink, reading)
                })
            })
            .collect();
        let finish = |worker: std::thread::ScopedJoinHandle<'_, (S, TrailReading)>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(finish).collect::<Vec<_>>()
    });
    let mut reading = TrailReading::default();
    let mut sinks = Vec::with_capacity(done.len());
    for (sink, part) in done {
        reading.add(part);
        sinks.push(sink);
    }
    reading.troubles.sort_unstable();
    (sinks, reading)
}

/// The decision whether a file is worth opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Read,
    OtherDay,
    NoLog,
}

fn choose(file: Option<&TrailFile<'_>>, path: &str, span: &Range<i64>) -> Choice {
    match file {
        None if layout::is_signature_of_lake(path) => Choice::NoLog,
        Some(file) if file.kind != LogFileKind::Log => Choice::NoLog,
        Some(file) if !file.may_hold(span.start, span.end) => Choice::OtherDay,
        Some(_) | None => Choice::Read,
    }
}

/// The number of files that are taken at a time where a file is a matter of microseconds: to wait for one another would
/// take the workers as long.
const MANY: usize = 16;

/// A file up to this size is such a matter.
const SMALL: u64 = 32 << 10;

/// Takes the next files, with the days of their folders; with a cache, all files of the folder of a day, because they may
/// be stored as one. The sink learns of the first of them while nobody else can take one, so that no sink learns of a
/// later day before this one learns of its own.
fn take(
    files: &Mutex<MeasuredWalk>,
    count: usize,
    has_cache: bool,
    sink: &mut dyn EventSink,
) -> Vec<TakenItem> {
    let mut walk = locked(files);
    let taken = walk.take_some(count, has_cache);
    let first = taken.first();
    sink.delivered(first.map_or(Delivery::Over, |item| item.delivery));
    taken
}

fn work(
    files: &Mutex<MeasuredWalk>,
    ask: &LogRequest<'_>,
    sink: &mut dyn EventSink,
    watch: Option<&Watch<'_>>,
) -> TrailReading {
    let mut reading = TrailReading::default();
    let mut tools = Tools::default();
    let mut count = 1;
    loop {
        let taken = take(files, count, ask.cache.is_some(), sink);
        if taken.is_empty() {
            return reading;
        }
        let chosen = taken.into_iter();
        let chosen: Vec<ChosenFile> = chosen
            .filter_map(|item| reading.choose(item, &ask.span))
            .collect();
        for files in chosen.chunk_by(ChosenFile::are_of_one_day) {
            sink.delivered(files[0].delivery);
            let slots: Vec<_> = files
                .iter()
                .map(|file| ask.cache.and_then(|_| file.slot()))
                .collect();
            let stored = match ask.cache {
                Some(cache) => cache.replay(&slots, &mut tools.pen, sink),
                None => vec![None; files.len()],
            };
            for ((file, slot), stored) in files.iter().zip(&slots).zip(stored) {
                let is_stored = stored.is_some();
                let read = match stored {
                    Some(read) => Ok(read),
                    None => tools.read(file, ask.cache.zip(slot.as_ref()), sink),
                };
                let bytes = reading.note(file.path.clone(), read);
                count = if is_stored || bytes <= SMALL { MANY } else { 1 };
                if let Some(watch) = watch {
                    watch.done(bytes, file.share);
                }
            }
            if let Some(cache) = ask.cache {
                cache.store(&mut tools.pen);
            }
        }
    }
}

/// A file that is worth opening.
struct ChosenFile {
    path: PathBuf,
    /// The path as AWS's layout writes it.
    text: String,
    delivery: Delivery,
    share: WalkShare,
}

impl ChosenFile {
    /// Returns whether two files that were taken together lie in the folder of the same day.
    fn are_of_one_day(&self, other: &Self) -> bool {
        matches!(self.delivery, Delivery::On(_))
            && self.delivery == other.delivery
            && self.path.parent() == other.path.parent()
    }

    /// The file as the cache knows it. `None`: its state cannot be read, or its name is not text.
    fn slot(&self) -> Option<CacheSlot<'_>> {
        let about = fs::metadata(&self.path).ok()?;
        let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(CacheSlot {
            folder: self.path.parent()?.to_str()?,
            name: self.path.file_name()?.to_str()?,
            version: FileVersion {
                size: about.len(),
                mark: changed.as_nanos().to_string(),
            },
        })
    }
}

/// The tools that a worker uses for one file after another.
#[derive(Default)]
struct Tools {
    memory: Memory,
    pen: CacheWriter,
}

impl Tools {
    /// Reads a file into the sink and, if it can be stored in a cache, into the block in hand.
    fn read(
        &mut self,
        file: &ChosenFile,
        cache: Option<(&Cache, &CacheSlot<'_>)>,
        sink: &mut dyn EventSink,
    ) -> io::Result<FileRead> {
        let Self { memory, pen } = self;
        let scope = layout::trail_file(&file.text).map(|file| TrailOwner {
            account: file.account,
            region: file.region,
        });
        match cache {
            None => read_file(&file.path, scope, memory, sink),
            Some((cache, slot)) => cache.record(slot, pen, sink, |recorder| {
                read_file(&file.path, scope, memory, recorder)
            }),
        }
    }
}
