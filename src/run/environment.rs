//! The environment as `aws` understands it: a variable that is set to nothing is not set.
//!
//! The SDK takes an empty `AWS_ENDPOINT_URL` for an address and ends the program. Compose files and CI systems write
//! `AWS_ENDPOINT_URL: ${ENDPOINT:-}` all the time, so the program starts itself again without such variables, before it
//! does anything else.

use std::ffi::OsString;
use std::process::Command;

/// Variables that are read to reach AWS, and are set to nothing.
fn empty() -> Vec<OsString> {
    let is_read = |name: &OsString| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        name.starts_with("AWS_") || name.ends_with("_PROXY")
    };
    std::env::vars_os()
        .filter(|(name, value)| value.is_empty() && is_read(name))
        .map(|(name, _)| name)
        .collect()
}

/// Starts the program again without empty variables of AWS, in place of this process. Returns where there are none, and
/// where that is not possible: then they are as they are.
pub(crate) fn without_empty_variables() {
    let names = empty();
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    if names.is_empty() {
        return;
    }
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    replace(again);
}

#[cfg(unix)]
fn replace(mut again: Command) {
    use std::os::unix::process::CommandExt as _;
    // Returns only if it failed.
    drop(again.exec());
}

#[cfg(not(unix))]
fn replace(_again: Command) {}
