//! The journal as a file: appended to and synchronized to the disk before anything goes on.
//!
//! Whoever writes holds a lock on the file, so two runs on one plan cannot be; the system lets go of it when a process
//! ends, however it ends. What cannot be written down is not done: each error here stops a run before its next write to
//! AWS.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::bounded::{ValueEnd, rest_of, whole};
use crate::domain::cleanup::journal::{
    JournalEntry, JournalError, JournalState, TornTail, line, parse, replay,
};
use crate::ports::JournalWriter;

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be read, written or locked.
    #[error("failed to {what} the journal {}", .path.display())]
    Io {
        /// Such as `open`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// It is a folder, a device or a pipe: what is written there is lost, or cannot be read again.
    #[error("{} is not a file, so it cannot be the journal", .0.display())]
    NotAFile(PathBuf),
    /// Another run holds it.
    #[error("another run is writing the journal {}", .0.display())]
    Locked(PathBuf),
    /// Its contents cannot be trusted.
    #[error("the journal {} cannot be trusted", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line and the error.
        source: JournalError,
    },
}

impl OpenError {
    /// Returns what a user can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NotAFile(_) => Some("name a file with `--journal FILE`"),
            Self::Locked(_) => Some("wait until that run has ended"),
            Self::Io { .. } | Self::Damaged { .. } => None,
        }
    }
}

/// The most that a journal may hold. An entry takes about 300 bytes, and a secret at most a dozen of them.
const LARGEST: u64 = 1 << 30;

/// Reads a journal without locking it. An absent one is empty.
///
/// # Errors
/// [`OpenError`] if it cannot be read or trusted.
pub fn read(path: &Path) -> Result<JournalState, OpenError> {
    must_be_file(path)?;
    let bytes = match whole(path, ValueEnd::Line, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(failed("read", path))?,
    };
    understand(&bytes, path).map(|(state, _)| state)
}

/// A journal that this process alone writes.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    /// The number of bytes of the file that are whole lines.
    whole: u64,
}

impl JournalFile {
    /// Opens a journal for writing, or begins one, and gives where everything stands. A last line that was cut off is
    /// taken away.
    ///
    /// # Errors
    /// [`OpenError`]; the file is as it was then.
    pub fn open(path: &Path) -> Result<(Self, JournalState), OpenError> {
        must_be_file(path)?;
        let mut file = options().open(path).map_err(failed("open", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
        }
        let bytes = rest_of(&mut file, Vec::new(), ValueEnd::Line, LARGEST)
            .map_err(failed("read", path))?;
        let (state, end) = understand(&bytes, path)?;
        let mut journal = Self {
            file,
            whole: end.whole,
        };
        journal
            .repair(end.unended)
            .map_err(failed("repair", path))?;
        journal
            .keep_name(path)
            .map_err(failed("synchronize", path))?;
        Ok((journal, state))
    }

    /// Leaves the file with whole lines only.
    fn repair(&mut self, unended: TornTail) -> io::Result<()> {
        self.file.set_len(self.whole)?;
        self.file.seek(SeekFrom::Start(self.whole))?;
        if unended == TornTail::Yes {
            self.file.write_all(b"\n")?;
            self.whole += 1;
        }
        self.file.sync_all()
    }

    /// A new file survives a crash of the machine only when its folder is synchronized too.
    fn keep_name(&self, path: &Path) -> io::Result<()> {
        if self.whole > 0 || !cfg!(unix) {
            return Ok(());
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl JournalWriter for JournalFile {
    fn append(&mut self, entry: &JournalEntry) -> io::Result<()> {
        let line = line(entry)?;
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.whole += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // A full disk leaves half a line. Taking it away is only tidy: reading drops it too.
                let _ = self.file.set_len(self.whole);
                let _ = self.file.seek(SeekFrom::Start(self.whole));
                Err(error)
            }
        }
    }
}

struct End {
    whole: u64,
    unended: TornTail,
}

fn understand(bytes: &[u8], path: &Path) -> Result<(JournalState, End), OpenError> {
    let damaged = |source| OpenError::Damaged {
        path: path.to_owned(),
        source,
    };
    let parsed = parse(bytes).map_err(damaged)?;
    let state = replay(&parsed.entries).map_err(damaged)?;
    let end = End {
        whole: parsed.whole as u64,
        unended: parsed.unended,
    };
    Ok((state, end))
}

/// Refuses what is there and is no file, before it is opened: a device may never end.
fn must_be_file(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => Err(OpenError::NotAFile(path.to_owned())),
        // Whatever else is wrong shows when it is opened.
        _ => Ok(()),
    }
}

/// Names of secrets and roles stand in a journal, so only its owner may read it.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::names::SecretArn;
    use crate::domain::cleanup::journal::{JournalEvent, JournalStep, Phase};

    fn entry(step: JournalStep) -> JournalEntry {
        let arn: SecretArn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbC123"
            .parse()
            .unwrap();
        JournalEntry {
            at: jiff::Timestamp::UNIX_EPOCH,
            plan: "p1".to_owned(),
            caller: "me".to_owned(),
            event: JournalEvent::Secret { arn, step },
        }
    }

    fn deleting() -> JournalEntry {
        entry(JournalStep::Deleting {
            recovery_days: 7,
            saves: None,
        })
    }

    fn deleted() -> JournalEntry {
        entry(JournalStep::Deleted {
            deletion: jiff::Timestamp::UNIX_EPOCH,
        })
    }

    fn phase(state: &JournalState) -> Option<Phase> {
        state
            .secrets
            .values()
            .map(|secret_state| secret_state.phase)
            .next()
    }

    #[test]
    fn what_was_appended_is_read_again_and_only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.journal.jsonl");
        assert_eq!(phase(&read(&path).unwrap()), None);
        let (mut journal, _) = JournalFile::open(&path).unwrap();
        journal.append(&deleting()).unwrap();
        assert_eq!(phase(&read(&path).unwrap()), Some(Phase::Deleting));
        journal.append(&deleted()).unwrap();
        drop(journal);
        let (_journal, state) = JournalFile::open(&path).unwrap();
        assert_eq!(phase(&state), Some(Phase::Deleted));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn two_runs_cannot_write_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (first, _) = JournalFile::open(&path).unwrap();
        assert!(matches!(
            JournalFile::open(&path),
            Err(OpenError::Locked(_))
        ));
        assert!(read(&path).is_ok());
        drop(first);
        assert!(JournalFile::open(&path).is_ok());
    }

    #[test]
    fn writing_goes_on_after_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (first, second) = (line(&deleting()).unwrap(), line(&deleted()).unwrap());
        for cut in 0..=second.len() {
            std::fs::write(&path, [&first, &second[..cut]].concat()).unwrap();
            let (mut journal, state) = JournalFile::open(&path).unwrap();
            if phase(&state) == Some(Phase::Deleting) {
                journal.append(&deleted()).unwrap();
            }
            drop(journal);
            assert_eq!(
                std::fs::read(&path).unwrap(),
                [&first[..], &second].concat(),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_first_line_that_was_cut_off_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let whole = line(&deleting()).unwrap();
        // Without its line feed only, the entry is whole.
        for cut in 0..whole.len() - 1 {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, state) = JournalFile::open(&path).unwrap();
            assert_eq!(phase(&state), None, "{cut}");
            journal.append(&deleting()).unwrap();
            drop(journal);
            assert_eq!(std::fs::read(&path).unwrap(), whole, "{cut}");
        }
    }

    #[test]
    fn a_damaged_journal_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let text = [b"{\"time\":1}\n".to_vec(), line(&deleting()).unwrap()].concat();
        std::fs::write(&path, &text).unwrap();
        assert!(matches!(
            JournalFile::open(&path),
            Err(OpenError::Damaged { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), text);
        assert!(matches!(
            JournalFile::open(folder.path()),
            Err(OpenError::NotAFile(_))
        ));
        assert!(matches!(
            JournalFile::open(&folder.path().join("absent/j")),
            Err(OpenError::Io { .. })
        ));
    }
}
