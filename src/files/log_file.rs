//! One log file, into a sink: read at once if it is small, as most are, else window by window.
//!
//! The memory for that is the caller's, to be used again for the next file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::inflate::{GzipMembers, Inflater, is_gzip};
use crate::domain::trail::event::EventSink;
use crate::domain::trail::record::{self, Contents, RecordReader, TrailOwner};

/// A file up to this size is read at once. AWS's limit is 50 MB, but nearly all files are below 1 MB.
const FILE_LIMIT: usize = 4 << 20;

/// A file that inflates to at most this much is inflated at once; the memory of a worker is this and [`FILE_LIMIT`].
const WHOLE_LIMIT: usize = 24 << 20;

/// Sets how much of a larger file is looked at at a time.
const WINDOW: usize = 256 << 10;

/// Sets how much of the end of a large file is looked at, in bytes, where it names its columns there.
const TAIL: i64 = 256 << 10;

/// The longest record there may be. AWS's limit for an event is 256 KB.
const RECORD_LIMIT: usize = 16 << 20;

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

/// The result of reading one file.
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
    /// Returns what is wrong with it, if anything, for people.
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
pub fn read_bytes(
    file: &[u8],
    scope: Option<TrailOwner<'_>>,
    memory: &mut Memory,
    sink: &mut dyn EventSink,
) -> FileRead {
    from_memory(file, scope, &mut memory.pieces, sink)
}

/// Reads a log file.
///
/// # Errors
/// If it cannot be opened or read; whatever is wrong with what it holds is in [`FileRead`].
pub(super) fn read_file(
    path: &Path,
    scope: Option<TrailOwner<'_>>,
    memory: &mut Memory,
    sink: &mut dyn EventSink,
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
    if record::has_columns_at_its_end(&memory.file) {
        memory.file.truncate(WINDOW);
        file.seek(SeekFrom::End(-TAIL))?;
        file.read_to_end(&mut memory.file)?;
        let read = from_memory(&memory.file, scope, &mut memory.pieces, sink);
        return Ok(FileRead { compressed, ..read });
    }
    let begun = io::Cursor::new(&memory.file[..]);
    let source = BufReader::with_capacity(WINDOW / 4, begun.chain(file));
    let window = &mut memory.pieces.window;
    let read = if is_gzip(&memory.file) {
        stream_members(GzipMembers::new(source), scope, window, sink)
    } else {
        stream(source, scope, window, sink)
    };
    Ok(FileRead { compressed, ..read })
}

fn from_memory(
    file: &[u8],
    scope: Option<TrailOwner<'_>>,
    pieces: &mut Pieces,
    sink: &mut dyn EventSink,
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
    let read = stream_members(GzipMembers::new(file), scope, &mut pieces.window, sink);
    FileRead { compressed, ..read }
}

fn stream_members<R: io::BufRead>(
    mut members: GzipMembers<R>,
    scope: Option<TrailOwner<'_>>,
    window: &mut Vec<u8>,
    sink: &mut dyn EventSink,
) -> FileRead {
    let mut file = stream(&mut members, scope, window, sink);
    file.members = members.count;
    file
}

fn stream(
    mut source: impl Read,
    scope: Option<TrailOwner<'_>>,
    window: &mut Vec<u8>,
    sink: &mut dyn EventSink,
) -> FileRead {
    let mut reader = RecordReader::new(scope);
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
