//! Folders for one test, in memory where the system has room for them.
//!
//! The tests create and remove some hundred thousand small files. On a disk, most of their time went into looking for free
//! inodes. A file system in memory has no such search; what a folder holds disappears with it. What stays for the whole
//! run, such as the example organization, is made on the disk instead.

use std::io;

use tempfile::TempDir;

/// A folder that is removed at the end of the test. `TMPDIR` decides where, if it is set.
pub fn tempdir() -> io::Result<TempDir> {
    match memory() {
        Some(place) => tempfile::tempdir_in(place),
        None => tempfile::tempdir(),
    }
}

/// The system's file system in memory, if it can hold what the tests write at the same time. In a container it often has
/// 64 MiB, which is too little.
#[cfg(target_os = "linux")]
fn memory() -> Option<&'static str> {
    use std::sync::LazyLock;

    const PLACE: &str = "/dev/shm";
    const ROOM: u64 = 2 << 30;
    static FITS: LazyLock<bool> = LazyLock::new(|| {
        let is_free = std::env::var_os("TMPDIR").is_none();
        let room = rustix::fs::statvfs(PLACE).map_or(0, |found| found.f_bavail * found.f_frsize);
        is_free && room >= ROOM && tempfile::tempdir_in(PLACE).is_ok()
    });
    FITS.then_some(PLACE)
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<&'static str> {
    None
}
