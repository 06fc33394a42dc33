//! A folder as a [`BlobStore`]: a cache, or what `--save` keeps.
//!
//! A file is written under a temporary name and renamed, so it is there wholly or not at all, also after a kill. Files
//! are readable by their owner only. Names that would leave the folder are refused.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use crate::ports::BlobStore;

/// A folder on disk. It is made when the first file is put there.
#[derive(Clone, Debug)]
pub struct DirStore(PathBuf);

impl DirStore {
    /// A shelf in this folder.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let path = Path::new(name);
        let inside = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !inside {
            let words = format!("`{name}` is not a name of a file in this store");
            return Err(io::Error::new(ErrorKind::InvalidInput, words));
        }
        Ok(self.0.join(path))
    }
}

impl BlobStore for DirStore {
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)?;
        // The name begins with a dot, so that what a kill leaves behind is not taken for a file.
        let mut file = tempfile::Builder::new().prefix(".").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        present(fs::read(self.path(name)?))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let Some(entries) = present(fs::read_dir(self.path(folder)?))? else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        present(fs::remove_file(self.path(name)?)).map(drop)
    }
}

/// Turns the error that something is not there into `None`.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_found_again_and_can_be_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::new(&folder.path().join("not/yet/there"));
        assert_eq!(store.get("a/b.json").unwrap(), None);
        assert_eq!(store.names("a").unwrap(), [""; 0]);
        store.remove("a/b.json").unwrap();
        store.put("a/b.json", b"one").unwrap();
        store.put("a/b.json", b"two").unwrap();
        store.put("a/c/d.json", b"deeper").unwrap();
        assert_eq!(store.get("a/b.json").unwrap().unwrap(), b"two");
        assert_eq!(
            store.names("a").unwrap(),
            ["b.json"],
            "folders are no names"
        );
        store.remove("a/b.json").unwrap();
        assert_eq!(store.get("a/b.json").unwrap(), None);
    }

    #[test]
    fn what_a_kill_left_half_written_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::new(folder.path());
        store.put("a/b", b"whole").unwrap();
        fs::write(folder.path().join("a/.tmp123"), b"ha").unwrap();
        assert_eq!(store.names("a").unwrap(), ["b"]);
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::new(folder.path());
        for name in ["", "../x", "a/../../x", "/etc/x", "."] {
            let refused = store.put(name, b"").unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::new(folder.path());
        store.put("a", b"").unwrap();
        let mode = fs::metadata(folder.path().join("a"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
