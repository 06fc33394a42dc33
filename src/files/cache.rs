//! The contents of log files, stored from one scan to the next, so that the next one reads only new files (`--cache DIR`).
//!
//! CloudTrail never changes a file that it has delivered, so a file that has the same path, size and version (time of
//! modification, or `ETag`) has the same contents. Its calls are stored ([`crate::domain::trail::recording`]), not what was
//! concluded from them: every scan counts and judges anew, with its own window and policy, and with the same result as without
//! a cache. Each id is looked up all the same, because a copy of the event may stand in any other file.
//!
//! There is one cache file for each folder of the trail, as a rule that of an account, Region and day. Blocks are appended to
//! it: what one scan read anew of the folder is one block, folded. A block is used when all its files are still
//! there as they were; else those that are there are read again, into a new block.
//!
//! Nothing in a cache file is trusted: it begins with the format and the folder it is for, and each block has check sums. What
//! does not fit is read again from the trail and stored anew; a run that was killed in the middle of writing loses the block
//! in hand and nothing else. Files with faults are not stored: their faults are found anew each time.

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

/// So many files stay in blocks although there are newer blocks with the same files.
const FEW: usize = 32;

/// The number of files in a block at the most, so that its head stays below the limit.
const MOST_FILES: usize = 1 << 10;

/// The longest head of a block that is accepted, in bytes.
const HEAD_LIMIT: usize = 1 << 20;

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
    blocks: Vec<CacheBlock>,
    /// By the name of a file, the latest block with it and its index in there.
    index: HashMap<Box<str>, (usize, usize), FixedState>,
    /// `None` until there is something to store.
    file: RwLock<Option<File>>,
}

/// A block of files, and its location in the cache file.
#[derive(Clone, Debug)]
struct CacheBlock {
    files: Vec<CachedFile>,
    at: u64,
    length: u64,
    sum: u32,
}

/// A file in a block, and what reading it gave apart from its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CachedFile {
    name: String,
    version: FileVersion,
    read: FileRead,
}

/// The block that a sink is filling, and buffers to be used again. [`Cache::store`] ends the block.
#[derive(Debug, Default)]
pub struct CacheWriter {
    recording: Recording,
    /// The folder of the trail that the block is of.
    folder: String,
    /// The files that are in the block so far.
    files: Vec<CachedFile>,
    payload: Vec<u8>,
    block: Vec<u8>,
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

    /// Replays those of these files to `sink` that are stored in this version. All are of one folder; of files that are
    /// stored in one block, all have to be among them. `None` stands for a file that cannot be stored. Gives what reading
    /// each of them gave, `None` for those that are to be read.
    pub fn replay(
        &self,
        slots: &[Option<CacheSlot<'_>>],
        pen: &mut CacheWriter,
        sink: &mut dyn EventSink,
    ) -> Vec<Option<FileRead>> {
        let mut read = vec![None; slots.len()];
        let Some(first) = slots.iter().flatten().next() else {
            return read;
        };
        self.store(pen);
        let folder = self.folder(first.folder);
        let mut known: Vec<(usize, usize, usize)> = (0..)
            .zip(slots)
            .filter_map(|(at, slot)| {
                let slot = slot.as_ref()?;
                let &(block, file) = folder.index.get(slot.name)?;
                let stored = &folder.blocks[block].files[file].version;
                (*stored == slot.version).then_some((block, file, at))
            })
            .collect();
        known.sort_unstable();
        for of_block in known.chunk_by(|one, next| one.0 == next.0) {
            let block = &folder.blocks[of_block[0].0];
            if of_block.len() < block.files.len() || folder.replay(block, pen, sink).is_none() {
                continue;
            }
            for &(_, file, at) in of_block {
                read[at] = Some(block.files[file].read.clone());
            }
        }
        read
    }

    /// Reads a file by `read`, which is given the sink to fill, and takes its contents into the block in hand.
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
        if pen.folder != slot.folder {
            self.store(pen);
            slot.folder.clone_into(&mut pen.folder);
        }
        let recording = &mut pen.recording;
        if pen.files.is_empty() {
            recording.begin(sink);
        }
        let before = recording.mark();
        let file = read(&mut Recorder { sink, recording });
        let is_sound = |file: &FileRead| {
            let Contents {
                trouble,
                unreadable,
                ..
            } = &file.contents;
            trouble.is_none() && *unreadable == 0 && file.compressed == slot.version.size
        };
        match &file {
            Ok(file) if is_sound(file) => pen.files.push(CachedFile {
                name: slot.name.to_owned(),
                version: slot.version.clone(),
                read: file.clone(),
            }),
            _ => pen.recording.take_back(before),
        }
        if pen.files.len() >= MOST_FILES || pen.recording.is_full() {
            self.store(pen);
        }
        file
    }

    /// Ends the block in hand and stores it. What cannot be stored is a [`Cache::trouble`].
    pub fn store(&self, pen: &mut CacheWriter) {
        if pen.files.is_empty() {
            return;
        }
        pen.write();
        let folder = self.folder(&pen.folder);
        if !folder.holds(pen)
            && let Err(error) = folder.append(&pen.block)
        {
            let trouble = format!("{}: {error}", folder.path.display());
            locked(&self.trouble).get_or_insert(trouble);
        }
        pen.files.clear();
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
    /// Makes the bytes of the block.
    fn write(&mut self) {
        self.payload.clear();
        self.recording.write_to(&mut self.payload);
        let mut head = Vec::new();
        put(&mut head, self.files.len() as u64);
        for file in &self.files {
            put_text(&mut head, &file.name);
            put_text(&mut head, &file.version.mark);
            let FileRead {
                contents: Contents { records, ours, .. },
                compressed,
                inflated,
                members,
            } = file.read;
            for number in [compressed, records, ours, inflated, members] {
                put(&mut head, number);
            }
        }
        put(&mut head, self.payload.len() as u64);
        head.extend_from_slice(&crc32fast::hash(&self.payload).to_le_bytes());
        self.block.clear();
        put(&mut self.block, head.len() as u64);
        self.block.extend_from_slice(&head);
        let sum = crc32fast::hash(&self.block);
        self.block.extend_from_slice(&sum.to_le_bytes());
        self.block.extend_from_slice(&self.payload);
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
            blocks: Vec::new(),
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

    /// Notes the blocks that are whole and cuts off what is not. An error ends it where it stands.
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
        let mut stored = 0;
        while at < end {
            let Some(block) = read_head(&mut source, at, &mut head)
                .filter(|block| block.at.saturating_add(block.length) <= end)
            else {
                return file.set_len(at);
            };
            at = block.at + block.length;
            source.seek_relative(block.length.cast_signed())?;
            for (number, file) in block.files.iter().enumerate() {
                let location = (self.blocks.len(), number);
                self.index.insert(file.name.as_str().into(), location);
            }
            stored += block.files.len();
            self.blocks.push(block);
        }
        if stored > 2 * self.index.len() + FEW {
            // Most of them are of files that have changed since: it is begun anew, lest it grow for ever.
            self.index.clear();
            self.blocks.clear();
            file.set_len(0)?;
            (&*file).write_all(&opening)?;
        }
        Ok(())
    }

    /// Replays a block, if it is whole.
    fn replay(
        &self,
        block: &CacheBlock,
        pen: &mut CacheWriter,
        sink: &mut dyn EventSink,
    ) -> Option<()> {
        self.payload(block, &mut pen.payload)?;
        recording::replay(&pen.payload, &mut pen.recording, sink).ok()
    }

    /// The payload of a block, if it is whole.
    fn payload(&self, block: &CacheBlock, payload: &mut Vec<u8>) -> Option<()> {
        payload.clear();
        // No longer than the cache file, as its index was read.
        payload.resize(usize::try_from(block.length).ok()?, 0);
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        read_at(file.as_ref()?, block.at, payload).ok()?;
        (crc32fast::hash(payload) == block.sum).then_some(())
    }

    /// Returns whether the block that the pen has just written is there already, and whole.
    fn holds(&self, pen: &mut CacheWriter) -> bool {
        let first = pen.files.first();
        let known = first.and_then(|file| self.index.get(file.name.as_str()));
        known.is_some_and(|&(block, _)| {
            let block = &self.blocks[block];
            block.files == pen.files
                && block.sum == crc32fast::hash(&pen.payload)
                && self.payload(block, &mut pen.payload).is_some()
        })
    }

    fn append(&self, block: &[u8]) -> io::Result<()> {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(create(&self.path, &opening(&self.name))?),
        };
        // In one call, so that the blocks of two runs at once do not mix.
        file.write_all(block)
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

/// Reads the head of the block at `at`. `None`: there is no whole one.
fn read_head(source: &mut impl Read, at: u64, head: &mut Vec<u8>) -> Option<CacheBlock> {
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
    let count = take(&mut rest).ok()?;
    let files = (0..count).map(|_| take_file(&mut rest));
    let files = files.collect::<Option<_>>()?;
    let length = take(&mut rest).ok()?;
    let sum = u32::from_le_bytes(rest.try_into().ok()?);
    Some(CacheBlock {
        files,
        at: at + (head.len() + 4) as u64,
        length,
        sum,
    })
}

/// Takes a file from the head of a block.
fn take_file(rest: &mut &[u8]) -> Option<CachedFile> {
    let name = take_text(rest)?.to_owned();
    let mark = take_text(rest)?.to_owned();
    let mut number = || take(rest).ok();
    let (size, records, ours) = (number()?, number()?, number()?);
    let contents = Contents {
        records,
        ours,
        ..Contents::default()
    };
    Some(CachedFile {
        name,
        version: FileVersion { size, mark },
        read: FileRead {
            contents,
            compressed: size,
            inflated: number()?,
            members: number()?,
        },
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
