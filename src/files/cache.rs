//! The contents of log files, stored from one scan to the next, so that the next one reads only new files (`--cache DIR`).
//!
//! CloudTrail never changes a file that it has delivered, so a file that has the same path, size and version (time of
//! modification, or `ETag`) has the same contents. Its calls are stored ([`crate::domain::trail::recording`]), not what was
//! concluded from them: every scan folds and judges anew, with its own window and policy, and with the same result as without a cache.
//! They are stored in halves, what was called and who called, and the ledger is told of each half by a number, so that it
//! looks up what most events have in common once a scan. Each id is looked up all the same, because a copy of the event may
//! stand in any other file.
//!
//! There is one cache file for each folder of the trail, to which entries are appended. Nothing in it is trusted: it
//! begins with the format and the folder it is for, and each entry has check sums. What does not fit is read again from
//! the trail and stored anew; a run that was killed in the middle of writing loses the entry in hand and nothing else.
//! Files with faults are not stored: their faults are found anew each time.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use foldhash::fast::FixedState;
use sha2::{Digest, Sha256};

use super::log_file::FileRead;
use crate::domain::trail::event::EventSink;
use crate::domain::trail::record::Contents;
use crate::domain::trail::recording::{self, FORMAT, Recorder, Recording, put, take};

/// The number of folders that are open at once. Files come folder by folder.
const OPEN: usize = 16;

/// So many entries stay although there are newer ones of the same files.
const FEW: usize = 32;

/// The longest head of an entry that is accepted, in bytes.
const HEAD_LIMIT: usize = 64 << 10;

/// The facts that distinguish one state of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Bytes as stored.
    pub size: u64,
    /// The time of modification, or the `ETag`.
    pub mark: String,
}

/// A log file of a certain state.
#[derive(Clone, Debug)]
pub struct CacheSlot<'p> {
    /// The folder it lies in: a path, or a bucket with a prefix.
    pub folder: &'p str,
    /// Its name in there.
    pub name: &'p str,
    /// Its state.
    pub version: FileVersion,
}

/// A folder with the contents of log files.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    open: Mutex<VecDeque<Arc<CachedFolder>>>,
    /// Why something could not be stored, the first time.
    trouble: Mutex<Option<String>>,
}

/// The stored files of one folder.
#[derive(Debug)]
struct CachedFolder {
    /// The folder of the trail, as text.
    name: String,
    path: PathBuf,
    index: HashMap<Box<str>, CacheEntry, FixedState>,
    /// `None` until there is something to store.
    file: RwLock<Option<File>>,
}

/// The location of an entry in the cache file.
#[derive(Clone, Debug)]
struct CacheEntry {
    version: FileVersion,
    at: u64,
    length: u64,
    sum: u32,
}

/// The buffers that are used for one file of a sink after another.
#[derive(Debug, Default)]
pub struct CacheWriter {
    recording: Recording,
    payload: Vec<u8>,
    entry: Vec<u8>,
}

impl Cache {
    /// A cache in this folder, which is made when something is stored.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            open: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Why something could not be stored, if so: the scan is right all the same, but the next one will be no faster.
    pub fn trouble(&self) -> Option<String> {
        locked(&self.trouble).take()
    }

    /// Replays this file to `sink`, if it is stored in this version.
    pub fn replay(
        &self,
        slot: &CacheSlot<'_>,
        pen: &mut CacheWriter,
        sink: &mut dyn EventSink,
    ) -> Option<FileRead> {
        let folder = self.folder(slot.folder);
        let entry = folder.index.get(slot.name)?;
        if entry.version != slot.version {
            return None;
        }
        folder.payload(entry, &mut pen.payload)?;
        let mut rest = &pen.payload[..];
        let read = outcome(&mut rest, slot.version.size)?;
        recording::replay(rest, &mut pen.recording, sink).ok()?;
        Some(read)
    }

    /// Reads a file by `read`, which is given the sink to fill, and stores its contents.
    ///
    /// # Errors
    /// Those of `read`. What cannot be stored is a [`Cache::trouble`].
    pub fn record<E>(
        &self,
        slot: &CacheSlot<'_>,
        pen: &mut CacheWriter,
        sink: &mut dyn EventSink,
        read: impl FnOnce(&mut Recorder<'_>) -> Result<FileRead, E>,
    ) -> Result<FileRead, E> {
        pen.recording.begin(sink);
        let recording = &mut pen.recording;
        let file = read(&mut Recorder { sink, recording })?;
        let sound = file.contents.trouble.is_none() && file.contents.unreadable == 0;
        if sound && file.compressed == slot.version.size {
            pen.write(slot, &file);
            let folder = self.folder(slot.folder);
            if folder.holds(slot, pen) {
                return Ok(file);
            }
            if let Err(error) = folder.append(&pen.entry) {
                let trouble = format!("{}: {error}", folder.path.display());
                locked(&self.trouble).get_or_insert(trouble);
            }
        }
        Ok(file)
    }

    /// The cache file for a folder of the trail.
    fn folder(&self, name: &str) -> Arc<CachedFolder> {
        let mut open = locked(&self.open);
        if let Some(folder) = open.iter().find(|folder| folder.name == name) {
            return Arc::clone(folder);
        }
        let folder = Arc::new(CachedFolder::open(&self.root, name));
        if open.len() == OPEN {
            open.pop_front();
        }
        open.push_back(Arc::clone(&folder));
        folder
    }
}

impl CacheWriter {
    /// Makes the entry for a file whose calls are on the tape.
    fn write(&mut self, slot: &CacheSlot<'_>, file: &FileRead) {
        self.payload.clear();
        let Contents { records, ours, .. } = file.contents;
        for number in [records, ours, file.inflated, file.members] {
            put(&mut self.payload, number);
        }
        self.recording.write_to(&mut self.payload);
        let mut head = Vec::new();
        put_text(&mut head, slot.name);
        put_text(&mut head, &slot.version.mark);
        put(&mut head, slot.version.size);
        put(&mut head, self.payload.len() as u64);
        head.extend_from_slice(&crc32fast::hash(&self.payload).to_le_bytes());
        self.entry.clear();
        put(&mut self.entry, head.len() as u64);
        self.entry.extend_from_slice(&head);
        let sum = crc32fast::hash(&self.entry);
        self.entry.extend_from_slice(&sum.to_le_bytes());
        self.entry.extend_from_slice(&self.payload);
    }
}

/// The first bytes of a cache file: what wrote it, and for which folder.
fn opening(name: &str) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    format!("secretsweep {version}, trail cache, format {FORMAT}\n{name}\n").into_bytes()
}

impl CachedFolder {
    /// Opens the cache file of a folder; whatever is wrong with it, what can be used of it is.
    fn open(root: &Path, name: &str) -> Self {
        let digits = format!("{:.32x}", Sha256::digest(name.as_bytes()));
        let path = root.join(&digits[..2]).join(&digits[2..]);
        let mut folder = Self {
            name: name.to_owned(),
            path,
            index: HashMap::default(),
            file: RwLock::default(),
        };
        if let Ok(file) = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&folder.path)
        {
            let _ = folder.read_index(&file);
            folder.file = RwLock::new(Some(file));
        }
        folder
    }

    /// Notes the entries that are whole and cuts off what is not. An error ends it where it stands.
    fn read_index(&mut self, file: &File) -> io::Result<()> {
        let mut source = BufReader::with_capacity(1 << 18, file);
        let opening = opening(&self.name);
        let mut begin = vec![0; opening.len()];
        if source.read_exact(&mut begin).is_err() || begin != opening {
            file.set_len(0)?;
            return (&*file).write_all(&opening);
        }
        let end = file.metadata()?.len();
        let mut at = opening.len() as u64;
        let mut head = Vec::new();
        let mut entries = 0;
        while at < end {
            let Some((name, entry)) = read_head(&mut source, at, &mut head)
                .filter(|(_, entry)| entry.at.saturating_add(entry.length) <= end)
            else {
                return file.set_len(at);
            };
            at = entry.at + entry.length;
            source.seek_relative(entry.length.cast_signed())?;
            self.index.insert(name, entry);
            entries += 1;
        }
        if entries > 2 * self.index.len() + FEW {
            // Most of them are of files that have changed since: it is begun anew, lest it grow for ever.
            self.index.clear();
            file.set_len(0)?;
            (&*file).write_all(&opening)?;
        }
        Ok(())
    }

    /// The payload of an entry, if it is whole.
    fn payload(&self, entry: &CacheEntry, payload: &mut Vec<u8>) -> Option<()> {
        payload.clear();
        // No longer than the cache file, as its index was read.
        payload.resize(usize::try_from(entry.length).ok()?, 0);
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        read_at(file.as_ref()?, entry.at, payload).ok()?;
        (crc32fast::hash(payload) == entry.sum).then_some(())
    }

    /// Returns whether what the pen has just written of a file is there already, and whole.
    fn holds(&self, slot: &CacheSlot<'_>, pen: &mut CacheWriter) -> bool {
        let known = self.index.get(slot.name);
        known.is_some_and(|entry| {
            entry.version == slot.version
                && entry.sum == crc32fast::hash(&pen.payload)
                && self.payload(entry, &mut pen.payload).is_some()
        })
    }

    fn append(&self, entry: &[u8]) -> io::Result<()> {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(create(&self.path, &opening(&self.name))?),
        };
        // In one call, so that the entries of two runs at once do not mix.
        file.write_all(entry)
    }
}

/// Fills `bytes` from an offset in the file. Where that moves a position which all readers share, two at once may get
/// each other's bytes: the check sum tells.
fn read_at(file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, bytes, at);
    #[cfg(not(unix))]
    {
        use std::io::{Seek as _, SeekFrom};
        let mut file = file;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }
}

fn create(path: &Path, opening: &[u8]) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    if file.metadata()?.len() == 0 {
        file.write_all(opening)?;
    }
    Ok(file)
}

/// Reads the head of the entry at `at`. `None`: there is no whole one.
fn read_head(
    source: &mut impl Read,
    at: u64,
    head: &mut Vec<u8>,
) -> Option<(Box<str>, CacheEntry)> {
    let mut length = [0; 1];
    head.clear();
    loop {
        source.read_exact(&mut length).ok()?;
        head.push(length[0]);
        if length[0] & 0x80 == 0 {
            break;
        }
    }
    let start = head.len();
    let length = usize::try_from(take(&mut &head[..]).ok()?).ok()?;
    if length > HEAD_LIMIT {
        return None;
    }
    head.resize(start + length, 0);
    source.read_exact(&mut head[start..]).ok()?;
    let mut sum = [0; 4];
    source.read_exact(&mut sum).ok()?;
    if crc32fast::hash(head) != u32::from_le_bytes(sum) {
        return None;
    }
    let mut rest = &head[start..];
    let name = take_text(&mut rest)?.into();
    let mark = take_text(&mut rest)?.to_owned();
    let size = take(&mut rest).ok()?;
    let length = take(&mut rest).ok()?;
    let sum = u32::from_le_bytes(rest.try_into().ok()?);
    let version = FileVersion { size, mark };
    let entry = CacheEntry {
        version,
        at: at + (head.len() + 4) as u64,
        length,
        sum,
    };
    Some((name, entry))
}

/// Takes from `rest` what reading the file gave apart from its calls.
fn outcome(rest: &mut &[u8], size: u64) -> Option<FileRead> {
    let mut number = || take(rest).ok();
    let (records, ours, inflated, members) = (number()?, number()?, number()?, number()?);
    let contents = Contents {
        records,
        ours,
        ..Contents::default()
    };
    Some(FileRead {
        contents,
        compressed: size,
        inflated,
        members,
    })
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let length = usize::try_from(take(rest).ok()?).ok()?;
    std::str::from_utf8(rest.split_off(..length)?).ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks hold is whole at every moment, also when a thread panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
