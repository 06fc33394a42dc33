//! A trail on disk: files and folders of CloudTrail logs, into sinks.
//!
//! Each worker takes the next file, reads it into memory of its own that it uses again, and feeds a sink of its own;
//! nothing is shared but the list of files. One file never aborts the reading: what cannot be read is a [`Trouble`],
//! and what stood before the trouble counts.
//!
//! Files are chosen by what their path says of them ([`crate::domain::layout`]): digests, insights and files of other
//! days are not opened. Whatever the path says nothing of is read and judged by its content.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::cache::{Cache, Pen, Place, Version};
use super::inflate::{Inflater, Members, is_gzip};
use super::walk::{Found, Walk, walk};
use crate::domain::event::{Delivery, Sink};
use crate::domain::layout::{self, Kind, TrailFile};
use crate::domain::record::{self, Contents, Reader, Scope};

/// A file up to this size is read at once. AWS's limit is 50 MB, but nearly all files are below 1 MB.
const FILE_LIMIT: usize = 4 << 20;

/// A file that inflates to at most this much is inflated at once; the memory of a worker is this and [`FILE_LIMIT`].
const WHOLE_LIMIT: usize = 24 << 20;

/// How much of a larger file is looked at at a time.
const WINDOW: usize = 256 << 10;

/// The longest record there may be. AWS's limit for an event is 256 KB.
const RECORD_LIMIT: usize = 16 << 20;

/// What could not be read, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it, for people.
    pub what: String,
}

/// How the reading of a trail went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
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
    /// Files of more than one gzip member: not as AWS delivered them.
    pub multi_member: u64,
    /// Everything that could not be read, by path.
    pub troubles: Vec<Trouble>,
}

impl Reading {
    fn add(&mut self, other: Self) {
        self.files_read += other.files_read;
        self.bytes_compressed += other.bytes_compressed;
        self.bytes_inflated += other.bytes_inflated;
        self.records += other.records;
        self.ours += other.ours;
        self.skipped_by_date += other.skipped_by_date;
        self.skipped_digests += other.skipped_digests;
        self.multi_member += other.multi_member;
        self.troubles.extend(other.troubles);
    }
}

/// How far the reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk of the files that are done.
    pub bytes_done: u64,
    /// Bytes on disk of all files that will be read, once that is known.
    pub bytes_total: Option<u64>,
}

/// Somebody who wants to know how far the reading is.
pub struct Watcher<'a> {
    /// After this time it is found out how much there is to read: a look at every file, which a short reading is spared.
    pub patience: Duration,
    /// Called from the workers, after each file.
    pub tell: &'a (dyn Fn(Progress) + Sync),
}

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Files and folders.
    pub roots: &'a [PathBuf],
    /// Only files that can hold events of this span, in seconds since 1970-01-01T00:00:00Z.
    pub span: Range<i64>,
    /// How many workers.
    pub threads: usize,
    /// What files told before, and what they tell now is kept there.
    pub cache: Option<&'a Cache>,
}

/// Reads log files, each worker into a sink of its own from `make`.
///
/// The sinks are not told of the span: a file that lies partly outside gives all its events. Troubles are in
/// [`Reading::troubles`]; there is no other failure.
pub fn read<S: Sink + Send>(
    ask: &Ask<'_>,
    make: impl Fn() -> S + Sync,
    watcher: Option<&Watcher<'_>>,
) -> (Vec<S>, Reading) {
    let queue = Mutex::new(Queue {
        walk: walk(ask.roots),
        span: ask.span.clone(),
        reading: Reading::default(),
    });
    let watch = watcher.map(|watcher| Watch::new(watcher, ask));
    let sinks = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..ask.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut sink = make();
                    let reading = work(&queue, ask.cache, &mut sink, watch.as_ref());
                    locked(&queue).reading.add(reading);
                    sink
                })
            })
            .collect();
        let finish = |worker: std::thread::ScopedJoinHandle<'_, S>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(finish).collect()
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut reading = queue.reading;
    reading.troubles.sort_unstable();
    (sinks, reading)
}

/// The files still to read; the workers share it.
struct Queue {
    walk: Walk,
    span: Range<i64>,
    reading: Reading,
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells a [`Watcher`] how far the workers are.
struct Watch<'a> {
    watcher: &'a Watcher<'a>,
    ask: &'a Ask<'a>,
    begun: Instant,
    /// Taken by the one worker that finds out how much there is.
    unmeasured: AtomicBool,
    progress: Mutex<Progress>,
}

impl<'a> Watch<'a> {
    fn new(watcher: &'a Watcher<'a>, ask: &'a Ask<'a>) -> Self {
        Self {
            watcher,
            ask,
            begun: Instant::now(),
            unmeasured: AtomicBool::new(true),
            progress: Mutex::default(),
        }
    }

    /// A file of so many bytes is done.
    fn done(&self, bytes: u64) {
        let is_time = self.begun.elapsed() >= self.watcher.patience;
        let total = (is_time && self.unmeasured.swap(false, Ordering::Relaxed))
            .then(|| bytes_to_read(self.ask.roots, &self.ask.span));
        let mut progress = locked(&self.progress);
        progress.bytes_done += bytes;
        progress.bytes_total = progress.bytes_total.or(total);
        let now = *progress;
        drop(progress);
        (self.watcher.tell)(now);
    }
}

/// Whether a file is worth opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Read,
    OtherDay,
    NoLog,
}

fn choose(file: Option<&TrailFile<'_>>, span: &Range<i64>) -> Choice {
    match file {
        Some(file) if file.kind != Kind::Log => Choice::NoLog,
        Some(file) if !file.may_hold(span.start, span.end) => Choice::OtherDay,
        Some(_) | None => Choice::Read,
    }
}

/// A path as the layout wants it. Names that are no Unicode cannot be AWS's.
fn layout_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// A walk of its own, only to know how much there is to read. Troubles are told by the other one.
fn bytes_to_read(roots: &[PathBuf], span: &Range<i64>) -> u64 {
    walk(roots)
        .filter_map(|found| match found {
            Found::File(path) => {
                let text = layout_path(&path);
                let chosen = choose(layout::trail_file(&text).as_ref(), span) == Choice::Read;
                chosen.then(|| fs::metadata(&path).map_or(0, |about| about.len()))
            }
            Found::Trouble(..) => None,
        })
        .sum()
}

impl Queue {
    /// The next file to read, and the day of delivery if files come by days.
    fn next(&mut self) -> Option<(PathBuf, Delivery)> {
        loop {
            match self.walk.next()? {
                Found::Trouble(path, what) => self.reading.troubles.push(Trouble { path, what }),
                Found::File(path) => {
                    let text = layout_path(&path);
                    match choose(layout::trail_file(&text).as_ref(), &self.span) {
                        Choice::Read => {
                            let day = self.walk.day;
                            return Some((path, day.map_or(Delivery::Unknown, Delivery::On)));
                        }
                        Choice::OtherDay => self.reading.skipped_by_date += 1,
                        Choice::NoLog => self.reading.skipped_digests += 1,
                    }
                }
            }
        }
    }
}

fn work<S: Sink>(
    queue: &Mutex<Queue>,
    cache: Option<&Cache>,
    sink: &mut S,
    watch: Option<&Watch<'_>>,
) -> Reading {
    let mut reading = Reading::default();
    let mut memory = Memory::default();
    let mut pen = Pen::default();
    loop {
        let mut files = locked(queue);
        let next = files.next();
        // Said while nobody else can take a file: no sink hears of a later day before this one hears of its own.
        sink.delivered(
            next.as_ref()
                .map_or(Delivery::Over, |(_, delivery)| *delivery),
        );
        drop(files);
        let Some((path, _)) = next else {
            return reading;
        };
        let text = layout_path(&path);
        let scope = layout::trail_file(&text).map(|file| Scope {
            account: file.account,
            region: file.region,
        });
        let outcome = match cache.and_then(|cache| Some((cache, place(&path)?))) {
            None => read_file(&path, scope, &mut memory, sink),
            Some((cache, place)) => match cache.tell(&place, &mut pen, sink) {
                Some(file) => Ok(file),
                None => cache.keep(&place, &mut pen, sink, |recorder| {
                    read_file(&path, scope, &mut memory, recorder)
                }),
            },
        };
        let bytes = match outcome {
            Ok(file) => {
                reading.files_read += 1;
                reading.bytes_compressed += file.compressed;
                reading.bytes_inflated += file.inflated;
                reading.records += file.contents.records;
                reading.ours += file.contents.ours;
                reading.multi_member += u64::from(file.members > 1);
                if let Some(what) = file.trouble() {
                    reading.troubles.push(Trouble { path, what });
                }
                file.compressed
            }
            Err(fault) => {
                let what = fault.to_string();
                reading.troubles.push(Trouble { path, what });
                0
            }
        };
        if let Some(watch) = watch {
            watch.done(bytes);
        }
    }
}

/// A file as the cache knows it. `None`: its state cannot be told, or its name is no text.
fn place(path: &Path) -> Option<Place<'_>> {
    let about = fs::metadata(path).ok()?;
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Place {
        folder: path.parent()?.to_str()?,
        name: path.file_name()?.to_str()?,
        version: Version {
            size: about.len(),
            mark: changed.as_nanos().to_string(),
        },
    })
}

/// The memory a worker uses for one file after another.
#[derive(Default)]
pub struct Memory {
    file: Vec<u8>,
    pieces: Pieces,
}

#[derive(Default)]
struct Pieces {
    inflater: Option<Inflater>,
    window: Vec<u8>,
}

/// What one file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRead {
    /// Its records, and what was wrong with it.
    pub contents: Contents,
    /// Bytes on disk.
    pub compressed: u64,
    /// Bytes of JSON.
    pub inflated: u64,
    /// Gzip members; none in a file that is not compressed.
    pub members: u64,
}

impl FileRead {
    /// What is wrong with it, if anything, for people.
    pub fn trouble(&self) -> Option<String> {
        let unreadable = match self.contents.unreadable {
            0 => None,
            1 => Some("1 record without a readable time".to_owned()),
            count => Some(format!("{count} records without a readable time")),
        };
        match (self.contents.trouble.clone(), unreadable) {
            (Some(trouble), Some(unreadable)) => Some(format!("{trouble}; {unreadable}")),
            (trouble, unreadable) => trouble.or(unreadable),
        }
    }
}

/// Reads a log file that is in memory already, compressed or not.
pub fn read_bytes<S: Sink>(
    file: &[u8],
    scope: Option<Scope<'_>>,
    memory: &mut Memory,
    sink: &mut S,
) -> FileRead {
    from_memory(file, scope, &mut memory.pieces, sink)
}

fn read_file<S: Sink>(
    path: &Path,
    scope: Option<Scope<'_>>,
    memory: &mut Memory,
    sink: &mut S,
) -> io::Result<FileRead> {
    let mut file = File::open(path)?;
    memory.file.clear();
    (&mut file)
        .take(FILE_LIMIT as u64)
        .read_to_end(&mut memory.file)?;
    if memory.file.len() < FILE_LIMIT {
        return Ok(from_memory(&memory.file, scope, &mut memory.pieces, sink));
    }
    let compressed = file.metadata()?.len();
    let begun = io::Cursor::new(&memory.file[..]);
    let source = BufReader::with_capacity(WINDOW / 4, begun.chain(file));
    let window = &mut memory.pieces.window;
    let read = if is_gzip(&memory.file) {
        stream_members(Members::new(source), scope, window, sink)
    } else {
        stream(source, scope, window, sink)
    };
    Ok(FileRead { compressed, ..read })
}

fn from_memory<S: Sink>(
    file: &[u8],
    scope: Option<Scope<'_>>,
    pieces: &mut Pieces,
    sink: &mut S,
) -> FileRead {
    let compressed = file.len() as u64;
    if !is_gzip(file) {
        let contents = record::read(file, scope, sink);
        return FileRead {
            contents,
            compressed,
            inflated: compressed,
            members: 0,
        };
    }
    if pieces.inflater.is_none() {
        pieces.inflater = Inflater::new();
    }
    if let Some(inflater) = &mut pieces.inflater
        && let Ok((bytes, members)) = inflater.whole(file, WHOLE_LIMIT)
    {
        let contents = record::read(bytes, scope, sink);
        return FileRead {
            contents,
            compressed,
            inflated: bytes.len() as u64,
            members,
        };
    }
    // Too large to hold, or damaged: the stream gives what stands before the damage, and says what it is.
    let read = stream_members(Members::new(file), scope, &mut pieces.window, sink);
    FileRead { compressed, ..read }
}

fn stream_members<S: Sink, R: io::BufRead>(
    mut members: Members<R>,
    scope: Option<Scope<'_>>,
    window: &mut Vec<u8>,
    sink: &mut S,
) -> FileRead {
    let mut file = stream(&mut members, scope, window, sink);
    file.members = members.count;
    file
}

fn stream<S: Sink>(
    mut source: impl Read,
    scope: Option<Scope<'_>>,
    window: &mut Vec<u8>,
    sink: &mut S,
) -> FileRead {
    let mut reader = Reader::new(scope);
    let (mut filled, mut inflated) = (0, 0);
    let mut fault = None;
    if window.len() < WINDOW {
        window.resize(WINDOW, 0);
    }
    while fault.is_none() && !reader.gave_up() {
        let given = fill(&mut source, &mut window[filled..], &mut fault);
        if given == 0 {
            break;
        }
        filled += given;
        inflated += given as u64;
        let taken = reader.take(&window[..filled], sink);
        window.copy_within(taken..filled, 0);
        filled -= taken;
        if filled == window.len() {
            if filled >= RECORD_LIMIT {
                fault = Some("a record has more than 16 MiB".to_owned());
            } else {
                window.resize(filled * 2, 0);
            }
        }
    }
    let mut contents = reader.finish(&window[..filled], sink);
    if let Some(fault) = fault {
        contents.trouble = Some(format!("{fault}; what stood before it was counted"));
    }
    window.truncate(WINDOW);
    window.shrink_to(WINDOW);
    FileRead {
        contents,
        compressed: 0,
        inflated,
        members: 0,
    }
}

/// Reads until the room is full, the source ends, or it fails.
fn fill(source: &mut impl Read, room: &mut [u8], fault: &mut Option<String>) -> usize {
    let mut filled = 0;
    while filled < room.len() {
        match source.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(given) => filled += given,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                *fault = Some(if error.kind() == io::ErrorKind::UnexpectedEof {
                    "the compressed data is cut off".to_owned()
                } else {
                    error.to_string()
                });
                break;
            }
        }
    }
    filled
}
