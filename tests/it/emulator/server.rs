//! An emulator as a process: installed, started on the loopback, and ended with the test.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use sha2::{Digest, Sha256};

use crate::listening;

/// Describes what differs between emulators.
#[derive(Debug)]
pub(super) struct EmulatorMake {
    /// As in the names of its files: `serve_NAME.py` and `NAME.txt`.
    name: &'static str,
    /// The account of credentials that no role gave.
    pub(super) account: &'static str,
    pub(super) has_event_history: bool,
}

pub(super) const MOTO: EmulatorMake = EmulatorMake {
    name: "moto",
    account: "123456789012",
    has_event_history: false,
};

pub(super) const MINISTACK: EmulatorMake = EmulatorMake {
    name: "ministack",
    account: "000000000000",
    has_event_history: true,
};

/// A running emulator. It ends with its standard input, so also when the test is killed.
pub(super) struct Emulator {
    pub(super) make: &'static EmulatorMake,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Emulator {
    /// Installs the emulator if need be and starts it; `None`, with a sentence for the person who runs the tests, if there
    /// is no Python to do it with.
    pub(super) fn start(make: &'static EmulatorMake) -> Option<Self> {
        let name = make.name;
        let python = match python(name) {
            Ok(python) => python,
            Err(why) => {
                // Past the harness, which would swallow it: a test that did nothing must not look like one that passed.
                let said =
                    format!("SKIPPED: the tests with {name} need python3 with venv: {why}\n");
                drop(std::io::stderr().write_all(said.as_bytes()));
                return None;
            }
        };
        let mut child = Command::new(python)
            .arg(sources().join(format!("serve_{name}.py")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("{name} did not start: {:?}", child.wait()));
        Some(Self {
            make,
            child,
            stdin,
            stdout,
            port,
        })
    }

    /// Makes every secret so many days older.
    pub(super) fn age(&mut self, days: u32) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "age {days}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with("aged "), "{line}");
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client to fill it with.
    pub(super) async fn client(&self, account: &str, region: &'static str) -> Client {
        let keys = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
        let config = |keys| {
            aws_config::defaults(BehaviorVersion::latest())
                .http_client(crate::aws_itself::http_client())
                .endpoint_url(self.endpoint())
                .credentials_provider(keys)
                .region(Region::new(region))
                .load()
        };
        if account == self.make.account {
            return Client::new(&config(keys).await);
        }
        let sts = aws_sdk_sts::Client::new(&config(keys).await);
        let assumed = sts
            .assume_role()
            .role_arn(format!("arn:aws:iam::{account}:role/seed"))
            .role_session_name("seed")
            .send()
            .await
            .unwrap();
        let keys = assumed.credentials.unwrap();
        let keys = Credentials::new(
            keys.access_key_id,
            keys.secret_access_key,
            Some(keys.session_token),
            None,
            "test",
        );
        Client::new(&config(keys).await)
    }

    /// Runs the program in a folder.
    ///
    /// # Panics
    /// If somebody on another machine could reach the emulator.
    pub(super) fn run(&self, folder: &Path, args: &[&str]) -> Output {
        let open = listening::beyond_loopback(self.child.id());
        assert!(open.is_empty(), "{} listens on {open:?}", self.make.name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        crate::aws::without_foreign(&mut command)
            .args(args)
            .current_dir(folder)
            .envs(crate::aws::environment(
                &self.endpoint(),
                "AKIAEXAMPLE",
                "us-east-1",
            ))
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/emulator")
}

/// The Python of an environment that holds what the requirements of an emulator name, made if it is not there.
///
/// # Errors
/// Why no environment can be made at all. What else goes wrong fails the test.
fn python(emulator: &str) -> Result<PathBuf, String> {
    let wanted = sources().join(format!("{emulator}.txt"));
    let digest = Sha256::digest(fs::read(&wanted).unwrap());
    let name = format!(
        "{emulator}-{:02x}{:02x}{:02x}{:02x}",
        digest[0], digest[1], digest[2], digest[3]
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let done = folder.join("complete");
    fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // One installs, the others wait for it: tests of one run, and runs side by side.
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if done.exists() {
        return Ok(python);
    }
    let made = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if !made.status.success() {
        return Err(said(&made));
    }
    let installed = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--require-hashes", "--only-binary", ":all:", "-r"])
        .arg(&wanted)
        .output()
        .unwrap();
    assert!(
        installed.status.success(),
        "pip cannot install {emulator}: {}",
        said(&installed)
    );
    fs::write(done, "").unwrap();
    Ok(python)
}

/// All that a program wrote.
pub(super) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
