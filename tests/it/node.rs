//! Packages of npm that judge what we make, each at the version of a lock file beside its test.
//!
//! They are installed once for each target folder. Without npm there is nothing to judge with: the test says so and
//! passes, except where the environment says with `SECRETSWEEP_TEST_PROGRAMS=required` that all is installed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::browser::skipped;

/// The folder in which the packages of `tests/it/NAME/package.json` are installed, with these files of ours beside them.
/// `None`, and a word of it, without npm.
pub(crate) fn packages(name: &str, files: &[&str]) -> Option<PathBuf> {
    if let Err(why) = Command::new("npm").arg("--version").output() {
        skipped(&format!("{name} needs Node with npm: {why}"));
        return None;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(name);
    let lock = fs::read_to_string(sources.join("package-lock.json")).unwrap();
    let length = lock.len();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("npm-{name}-{length}"));
    fs::create_dir_all(&folder).unwrap();
    // One installs, the others wait for it.
    let guard = File::create(folder.with_extension("lock")).unwrap();
    guard.lock().unwrap();
    for file in ["package.json", "package-lock.json"].iter().chain(files) {
        fs::copy(sources.join(file), folder.join(file)).unwrap();
    }
    if folder.join("complete").exists() {
        return Some(folder);
    }
    let done = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "npm cannot install the packages of {name}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    fs::write(folder.join("complete"), "").unwrap();
    Some(folder)
}
