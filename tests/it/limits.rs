//! The real program under limits of the system: memory, processor time, and how long somebody waits for it.
//!
//! The limits belong to the process and not to its code, so they hold for whatever the program does. The memory is all that
//! it may write to (`RLIMIT_DATA`), which is never less than what it uses at its peak. A program that wants more is told
//! so by the system, aborts, and ends by a signal.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The most memory that reading anything may take, in kilobytes.
const MEMORY: u32 = 200_000;

/// The most processor time, in seconds. What is refused in time takes less than one.
const PROCESSOR: u32 = 60;

/// The time to wait for a program that does nothing.
const PATIENCE: Duration = Duration::from_mins(3);

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    /// The text that it wrote to stderr.
    pub said: String,
}

/// Runs the program in a folder.
///
/// # Errors
/// Says so where it panicked, was ended by a signal, as by a limit, or did not end.
pub fn run(folder: &Path, args: &[&str]) -> Result<Ended, String> {
    let said = folder.join(".stderr");
    let limits = if cfg!(target_os = "linux") {
        format!("ulimit -d {MEMORY} && ulimit -t {PROCESSOR} && ulimit -c 0 && ")
    } else {
        String::new()
    };
    let mut command = Command::new("sh");
    crate::aws::without_foreign(&mut command)
        .args(["-c", &format!("{limits} exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_secretsweep"))
        .args(args)
        .current_dir(folder)
        // Whoever asks AWS meets a port of the loopback that nobody listens on.
        .envs(crate::aws::environment(
            "http://127.0.0.1:1",
            "AKIAEXAMPLE",
            "us-east-1",
        ))
        .env("AWS_MAX_ATTEMPTS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&said).unwrap());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        // The pipe ends with the program. What it says there is somebody else's test.
        drop(std::io::copy(&mut stdout, &mut std::io::sink()));
        let _ = ended.send(());
    });
    if end.recv_timeout(PATIENCE).is_err() {
        child.kill().unwrap();
        child.wait().unwrap();
        return Err(format!("it did not end in {PATIENCE:?}"));
    }
    let status = child.wait().unwrap();
    let mut bytes = Vec::new();
    File::open(&said).unwrap().read_to_end(&mut bytes).unwrap();
    let said = String::from_utf8_lossy(&bytes).into_owned();
    match status.code() {
        None => Err(format!("it was ended: {status}\n{said}")),
        Some(101) => Err(format!("it panicked\n{said}")),
        Some(_) if said.contains("panicked at") => Err(format!("a thread of it panicked\n{said}")),
        Some(code) => Ok(Ended { code, said }),
    }
}

/// The limits are there: without this, a system that ignores them would let everything pass.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_takes_too_much_is_ended() {
    let folder = crate::scratch::tempdir().unwrap();
    let script = format!("ulimit -d {MEMORY} && exec \"$0\" \"$@\"");
    let taken = Command::new("sh")
        .args(["-c", &script, "sh", "-c"])
        .arg("x=x; while [ ${#x} -lt 400000000 ]; do x=$x$x; done")
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!taken.success(), "{taken}");
}
