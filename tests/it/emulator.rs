//! The real program against moto, an emulator that nobody here wrote: what the loopback AWS believes of the protocol is
//! checked against somebody else's reading of it.
//!
//! moto is honest about listing, paging, describing, tags, replicas, accounts by role, scheduled deletions and
//! restoring. It never sets `LastAccessedDate`, shows the end of the window as `DeletedDate`, leaves `PrimaryRegion` off
//! the primary, and has neither event history nor `account:ListRegions`: nothing here rests on these, but on their
//! absence being named.
//!
//! The tests install it themselves, with the pinned `emulator/requirements.txt`, once for each target folder. Without
//! Python they say so and pass.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::run_result::{report, verdict};

/// moto's account for credentials that no role gave.
const OWN: &str = "123456789012";
const OTHER: &str = "210987654321";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// A running emulator. It ends with its standard input, so also when the test is killed.
struct Moto {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Moto {
    /// Installs the emulator if need be and starts it; `None`, with a sentence for the person who runs the tests, if there
    /// is no Python to do it with.
    fn start() -> Option<Self> {
        let python = match python() {
            Ok(python) => python,
            Err(why) => {
                // Past the harness, which would swallow it: a test that did nothing must not look like one that passed.
                let said = format!("SKIPPED: the tests with moto need python3 with venv: {why}\n");
                drop(std::io::stderr().write_all(said.as_bytes()));
                return None;
            }
        };
        let mut child = Command::new(python)
            .arg(sources().join("serve.py"))
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
        let port = port.unwrap_or_else(|_| panic!("moto did not start: {:?}", child.wait()));
        Some(Self {
            child,
            stdin,
            stdout,
            port,
        })
    }

    /// Makes every secret so many days older.
    fn age(&mut self, days: u32) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "age {days}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with("aged "), "{line}");
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client to fill it with.
    async fn client(&self, account: &str, region: &'static str) -> Client {
        let keys = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
        let config = |keys| {
            aws_config::defaults(BehaviorVersion::latest())
                .endpoint_url(self.endpoint())
                .credentials_provider(keys)
                .region(Region::new(region))
                .load()
        };
        if account == OWN {
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
    fn run(&self, folder: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        crate::aws::without_foreign(&mut command)
            .args(args)
            .current_dir(folder)
            .envs(crate::aws::environment(
                &self.endpoint(),
                "AKIAEXAMPLE",
                EAST,
            ))
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/emulator")
}

/// The Python of an environment that holds what `requirements.txt` names, made if it is not there.
///
/// # Errors
/// Why no environment can be made at all. What else goes wrong fails the test.
fn python() -> Result<PathBuf, String> {
    let wanted = sources().join("requirements.txt");
    let digest = Sha256::digest(fs::read(&wanted).unwrap());
    let name = format!(
        "moto-{:02x}{:02x}{:02x}{:02x}",
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
        "pip cannot install moto: {}",
        said(&installed)
    );
    fs::write(done, "").unwrap();
    Ok(python)
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// The row of a secret.
fn row<'a>(report: &'a Value, region: &str, name: &str) -> &'a Value {
    let mut rows = report["secrets"].as_array().unwrap().iter();
    rows.find(|row| row["region"] == region && row["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {region}"))
}

async fn create(client: &Client, name: &str) {
    let tag = Tag::builder().key("owner").value("team").build();
    let made = client
        .create_secret()
        .name(name)
        .secret_string("x")
        .tags(tag);
    made.send().await.unwrap();
}

#[tokio::test]
async fn the_inventory_of_two_accounts_and_two_regions_is_right() {
    let Some(mut moto) = Moto::start() else {
        return;
    };
    let east = moto.client(OWN, EAST).await;
    for number in 0..230 {
        create(&east, &format!("app/{number}")).await;
    }
    create(&moto.client(OWN, WEST).await, "app/0").await;
    create(&moto.client(OTHER, EAST).await, "team/=hyperlink-AbC123").await;
    let replica = ReplicaRegionType::builder().region(WEST).build();
    let replicated = east
        .create_secret()
        .name("app/replicated")
        .secret_string("x");
    replicated
        .add_replica_regions(replica)
        .send()
        .await
        .unwrap();
    let going = east.delete_secret().secret_id("app/7");
    going.recovery_window_in_days(7).send().await.unwrap();
    moto.age(400);

    let folder = tempfile::tempdir().unwrap();
    let accounts = format!("{OWN},{OTHER}");
    let scan = moto.run(
        folder.path(),
        &[
            "scan",
            "--accounts",
            &accounts,
            "--role-name",
            "audit",
            "--regions",
            "us-east-1,eu-west-1",
            "--no-trail",
            "--trust-last-accessed",
            "--save",
            "saved",
            "--out",
            "live",
        ],
    );
    assert_eq!(scan.status.code(), Some(0), "{}", said(&scan));
    let live = report(&folder.path().join("live"));
    let counts: Vec<Value> = live["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| json!([scope["account"], scope["region"], scope["secrets"]]))
        .collect();
    assert_eq!(
        counts,
        [
            json!([OWN, WEST, 2]),
            json!([OWN, EAST, 231]),
            json!([OTHER, WEST, 0]),
            json!([OTHER, EAST, 1]),
        ]
    );
    for (region, name, expected) in [
        (EAST, "app/229", "delete: never-read"),
        (EAST, "app/7", "keep: pending-deletion never-read"),
        (EAST, "app/replicated", "delete: never-read"),
        (WEST, "app/replicated", "keep: replica"),
        (EAST, "team/=hyperlink-AbC123", "delete: never-read"),
    ] {
        assert_eq!(
            verdict(row(&live, region, name)),
            expected,
            "{region} {name}"
        );
    }
    assert_eq!(
        row(&live, EAST, "app/replicated")["replicas"],
        json!([WEST])
    );
    assert_eq!(row(&live, EAST, "app/3")["owner"], "team");

    // What was saved is what `aws` would have printed, and judges alike.
    let made = live["made"].as_str().unwrap();
    let again = moto.run(
        folder.path(),
        &[
            "scan",
            "--inventory",
            "saved/inventory",
            "--no-trail",
            "--trust-last-accessed",
            "--now",
            made,
            "--out",
            "saved-scan",
        ],
    );
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(
        report(&folder.path().join("saved-scan"))["secrets"],
        live["secrets"]
    );
}

#[tokio::test]
async fn a_plan_is_applied_and_taken_back() {
    let Some(mut moto) = Moto::start() else {
        return;
    };
    let east = moto.client(OWN, EAST).await;
    for number in 0..10 {
        create(&east, &format!("app/{number}")).await;
    }
    moto.age(400);
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = moto.run(folder.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    };
    let pending = async |name: &str| {
        let secret = east.describe_secret().secret_id(name).send().await.unwrap();
        secret.deleted_date().is_some()
    };
    run(&[
        "scan",
        "--regions",
        EAST,
        "--no-trail",
        "--trust-last-accessed",
        "--out",
        "report",
    ]);
    run(&["plan", "report", "--only", "app/1", "--only", "app/2"]);
    run(&["apply", "report/plan.csv", "--no-lookup"]);
    assert!(!pending("app/1").await, "a dry run changes nothing");
    let execute = [
        "apply",
        "report/plan.csv",
        "--no-lookup",
        "--execute",
        "--yes",
        OWN,
    ];
    run(&execute);
    assert!(pending("app/1").await && pending("app/2").await && !pending("app/3").await);
    // Again: everything is done, and nothing is done twice.
    run(&execute);
    run(&["status", "report/plan.csv"]);
    run(&["restore", "report/plan.csv"]);
    assert!(!pending("app/1").await && !pending("app/2").await);
}

#[tokio::test]
async fn what_the_emulator_lacks_is_named_and_the_rest_is_read() {
    let Some(moto) = Moto::start() else {
        return;
    };
    create(&moto.client(OWN, EAST).await, "app/1").await;
    create(&moto.client(OWN, "ap-south-1").await, "app/2").await;
    let folder = tempfile::tempdir().unwrap();
    let scan = moto.run(
        folder.path(),
        &["scan", "--out", "report", "--lookup-pace", "0"],
    );
    assert_eq!(scan.status.code(), Some(3), "{}", said(&scan));
    let report = report(&folder.path().join("report"));
    assert_eq!(report["totals"]["secrets"], 2);
    assert_eq!(
        report["scopes"].as_array().unwrap().len(),
        34,
        "every Region is tried"
    );
    let gaps = report["gaps"].as_array().unwrap();
    let of = |source: &str| gaps.iter().filter(|gap| gap["source"] == source).count();
    assert_eq!(of("account:ListRegions"), 1, "{gaps:#?}");
    assert_eq!(of("cloudtrail:LookupEvents"), 34, "{gaps:#?}");
}
