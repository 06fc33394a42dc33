//! Result folders: written whole or not at all, never over another scan by accident.
//!
//! All files are written under temporary names in the folder, then flushed to the disk, then renamed, so that a reader sees
//! the old content or the new, never half of it. They are written side by side, and then flushed side by side: a disk that
//! is made to hold one file holds most of the others by then. `report.json` comes last: a folder that has it has everything
//! else.
//! Files are for their owner alone (mode 0600, new folders 0700), because a report names what an attacker looks for.
//! What else stands in the folder is left alone, but for what [`take_away`] is given.
//!
//! What the bytes mean is not known here; the caller says how to read a report.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use thiserror::Error;

use super::bounded::{ValueEnd, whole};

/// The canonical result of a scan. Its presence makes a folder a result folder.
pub const REPORT: &str = "report.json";

/// The most that a report may hold. One of 200,000 secrets has about 400 MB.
const LARGEST_REPORT: u64 = 4 << 30;

/// The decision whether a folder that holds another scan may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Refuse it.
    No,
    /// Replace the files of the same names.
    Yes,
}

/// A failure of a result folder. Each names the file, and the way out if there is one.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder could not be made.
    #[error("cannot create the folder `{}`: {source}", folder.display())]
    Create {
        /// The folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The folder holds another scan.
    #[error("`{}` holds another scan", folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The folder holds no report, or is not there.
    #[error("`{}` holds no finished scan: there is no `{REPORT}`", folder.display())]
    NoScan {
        /// The folder.
        folder: PathBuf,
        /// A folder in it that holds one.
        inside: Option<PathBuf>,
    },
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file was read, and is not what it should be.
    #[error("cannot use `{}`: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The trouble with it.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Writes the content of a file. May be asked more than once, and writes the same bytes each time.
pub type WriteContent<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'a>;

/// Writes files, by name, into a folder, which is made if it is not there; answers with their paths in the same order.
///
/// Refused if the folder holds a `report.json` with other content than the one that is to be written: writing the same
/// scan again, or further renderings of it, is no harm.
///
/// # Errors
/// [`StoreError`]; files that were renamed before the failure stay.
pub fn write(
    folder: &Path,
    files: &[(impl AsRef<str> + Sync, WriteContent<'_>)],
    overwrite: Overwrite,
) -> Result<Vec<PathBuf>, StoreError> {
    if overwrite == Overwrite::No {
        refuse_another_scan(folder, files)?;
    }
    make(folder).map_err(|source| StoreError::Create {
        folder: folder.to_owned(),
        source,
    })?;
    let written = |name: &str| folder.join(name);
    let failed = |path: &Path, source| StoreError::Write {
        path: path.to_owned(),
        source,
    };
    let staged = side_by_side(files, |(name, content)| {
        let path = written(name.as_ref());
        match stage(folder, content) {
            Ok(file) => Ok((path, file)),
            Err(source) => Err(failed(&path, source)),
        }
    });
    let mut ready = staged.into_iter().collect::<Result<Vec<_>, _>>()?;
    let held = side_by_side(&ready, |(path, file)| {
        file.as_file()
            .sync_all()
            .map_err(|source| failed(path, source))
    });
    held.into_iter().collect::<Result<(), _>>()?;
    // Stable, so that only the report moves to the end.
    ready.sort_by_key(|(path, _)| path.file_name().is_some_and(|name| name == REPORT));
    for (path, file) in ready {
        file.persist(&path)
            .map_err(|error| failed(&path, error.error))?;
    }
    flush(folder).map_err(|source| failed(folder, source))?;
    Ok(files
        .iter()
        .map(|(name, _)| written(name.as_ref()))
        .collect())
}

/// Does the same to each item, as many at a time as there are cores; what comes of it is in the order of the items.
fn side_by_side<'i, I: Sync, O: Send>(items: &'i [I], work: impl Fn(&'i I) -> O + Sync) -> Vec<O> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let some = || {
        let take = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, work(items.get(at)?)))
        };
        std::iter::from_fn(take).collect::<Vec<_>>()
    };
    let mut done = std::thread::scope(|scope| {
        let others = 1..cores.min(items.len());
        let others: Vec<_> = others.map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            done.extend(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}

/// Takes a file of an earlier scan away that the present one has nothing for: it would be taken for a part of it.
///
/// # Errors
/// [`StoreError::Write`] if it is there and stays.
pub fn take_away(folder: &Path, name: &str) -> Result<(), StoreError> {
    let path = folder.join(name);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Write { path, source })
        }
        _ => Ok(()),
    }
}

/// Reads the report of a result folder with the reader that the caller brings; the path of the `report.json` itself is
/// taken, too.
///
/// # Errors
/// [`StoreError`] if there is none, or if it cannot be read.
pub fn read_report<T, E>(
    folder_or_file: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, StoreError>
where
    E: Error + Send + Sync + 'static,
{
    let path = if folder_or_file.is_file() {
        folder_or_file.to_owned()
    } else {
        folder_or_file.join(REPORT)
    };
    let bytes =
        whole(&path, ValueEnd::Json, LARGEST_REPORT).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::NoScan {
                folder: folder_or_file.to_owned(),
                inside: newest_inside(folder_or_file),
            },
            _ => StoreError::Read {
                path: path.clone(),
                source,
            },
        })?;
    read(&bytes).map_err(|error| StoreError::Content {
        path,
        source: Box::new(error),
    })
}

/// The last of the folders in a folder that holds a finished scan: their names begin with the date.
pub fn newest_inside(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let folders = entries.map(|entry| entry.path());
    folders.filter(|folder| folder.join(REPORT).is_file()).max()
}

/// The folders in a folder, and in the folders in it, that hold a finished scan.
pub fn scans_inside(folder: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok);
        entries.map(|entry| entry.path()).collect()
    };
    let first = below(folder);
    let second = first.iter().flat_map(|folder| below(folder)).collect();
    let all = [first, second].concat().into_iter();
    all.filter(|folder| folder.join(REPORT).is_file()).collect()
}

/// The help for a folder without a scan.
impl StoreError {
    /// Returns what a user can do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Create { .. } => "name another folder with `--out DIR`".to_owned(),
            Self::Taken { .. } => {
                "name another folder with `--out DIR`, or replace that scan with `--overwrite`"
                    .to_owned()
            }
            Self::NoScan {
                inside: Some(folder),
                ..
            } => format!("did you mean `{}`?", folder.display()),
            Self::NoScan { inside: None, .. } => "run `secretsweep scan` first".to_owned(),
            Self::Write { .. } | Self::Read { .. } | Self::Content { .. } => return None,
        })
    }
}

/// Makes the folder and tries to write to it, so that a bad path fails before the long work and not after it.
///
/// With [`Overwrite::No`] a folder that holds a scan is refused here already: for callers whose result cannot be the
/// same one again.
///
/// # Errors
/// [`StoreError`].
pub fn prepare(folder: &Path, overwrite: Overwrite) -> Result<(), StoreError> {
    if overwrite == Overwrite::No && folder.join(REPORT).exists() {
        return Err(StoreError::Taken {
            folder: folder.to_owned(),
        });
    }
    let create = |source| StoreError::Create {
        folder: folder.to_owned(),
        source,
    };
    make(folder).map_err(create)?;
    tempfile::tempfile_in(folder)
        .map_err(unnamed)
        .map_err(create)?;
    Ok(())
}

fn refuse_another_scan(
    folder: &Path,
    files: &[(impl AsRef<str>, WriteContent<'_>)],
) -> Result<(), StoreError> {
    let Some((_, ours)) = files.iter().find(|(name, _)| name.as_ref() == REPORT) else {
        return Ok(());
    };
    let path = folder.join(REPORT);
    let theirs = match fs::File::open(&path) {
        Ok(theirs) => theirs,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(StoreError::Read { path, source }),
    };
    match is_content_of(theirs, ours) {
        Ok(true) => Ok(()),
        Ok(false) => Err(StoreError::Taken {
            folder: folder.to_owned(),
        }),
        Err(source) => Err(StoreError::Read { path, source }),
    }
}

/// Returns whether a file holds exactly what would be written.
fn is_content_of(file: fs::File, content: &WriteContent<'_>) -> io::Result<bool> {
    let mut compared = Compared {
        theirs: BufReader::new(file),
        part: Vec::new(),
        same: true,
    };
    content(&mut BufWriter::new(&mut compared))?;
    let rest = compared.theirs.fill_buf()?;
    Ok(compared.same && rest.is_empty())
}

/// Takes what is written for comparison with what is there.
struct Compared {
    theirs: BufReader<fs::File>,
    part: Vec<u8>,
    same: bool,
}

impl Write for Compared {
    fn write(&mut self, ours: &[u8]) -> io::Result<usize> {
        if self.same {
            self.part.resize(ours.len(), 0);
            self.same = match self.theirs.read_exact(&mut self.part) {
                Ok(()) => self.part == ours,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
                Err(error) => return Err(error),
            };
        }
        Ok(ours.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the folder and those above it, for their owner alone. A folder that is there keeps its mode.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A file with this content, under a temporary name that vanishes unless it is renamed.
fn stage(folder: &Path, content: &WriteContent<'_>) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".secretsweep-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    let file = builder.tempfile_in(folder).map_err(unnamed)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file.as_file());
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    Ok(file)
}

/// Writes one file whole or not at all, for its owner alone.
///
/// # Errors
/// The error of the operating system: `AlreadyExists` for a file that is there and is not to be replaced.
pub fn write_file(path: &Path, bytes: &[u8], overwrite: Overwrite) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(unnamed)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let written = match overwrite {
        Overwrite::Yes => file.persist(path),
        Overwrite::No => file.persist_noclobber(path),
    };
    written.map(drop).map_err(|error| error.error)
}

/// Returns what the system said of a temporary file, without its name: nobody will find a file of that name.
fn unnamed(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    // The library puts the name around the system's error and gives only the kind of that.
    io::Error::from(error.kind())
}

/// Brings the renames to the disk. Only Unix can open a folder for that.
fn flush(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
