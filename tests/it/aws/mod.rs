//! An AWS of our own on the loopback: the real binary runs against it through `AWS_ENDPOINT_URL`.
//!
//! It exists because no other emulator answers `LookupEvents`, keeps `LastAccessedDate` per Region, or
//! fails on purpose. It refuses what AWS refuses, and more: an unknown operation or parameter is an
//! error, and so is an unsigned request. It does not check that signatures are right, and it knows
//! no IAM policies; [`Fault::denied`] stands for them.
//!
//! A world (plain data) goes in, an endpoint comes out, and every call is recorded. Reading a
//! secret's value or deleting without recovery is a violation: dropping [`Aws`] fails the test then, and
//! so it does when a hook has panicked, or when our program has sent a `DeleteSecret` that names the
//! parameter at all or no recovery window.

mod account;
mod answer;
mod athena;
mod call;
mod cloudtrail;
mod cost_explorer;
mod faults;
pub mod http;
mod iam;
mod kms;
mod logs;
mod organizations;
mod refusal;
mod s3;
mod secretsmanager;
mod sts;
pub mod world;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

pub use call::Call;
pub use faults::Fault;
pub use world::World;

/// The secret access key of every account; signatures are not checked.
const SECRET_KEY: &str = "loopback-secret-access-key-0000000000000";

/// Variables of the tester's own set-up, or of a CI runner's, that must not reach the program: they change what it does or
/// prints.
const FOREIGN: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_CA_BUNDLE",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_CLOUDTRAIL",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_ORGANIZATIONS",
    "AWS_ENDPOINT_URL_ACCOUNT",
    "AWS_ENDPOINT_URL_COST_EXPLORER",
    "AWS_ENDPOINT_URL_ATHENA",
    "TRINO_PASSWORD",
    "TRINO_ACCESS_TOKEN",
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "CI",
    "NO_COLOR",
    "COLUMNS",
];

/// A running server; dropping it stops it.
pub struct Aws {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    world: Mutex<World>,
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<Vec<Call>>,
    /// Open connections, so that stopping ends them. The last handle goes with the connection's
    /// thread: a socket is closed, or reset, only when nobody holds it.
    streams: Mutex<BTreeMap<usize, TcpStream>>,
    started: Instant,
    stopping: AtomicBool,
    /// Connections that ended with a panic, which is a hook's.
    panics: AtomicUsize,
    /// Objects of buckets that are on their way.
    objects: Arc<http::Flights>,
}

impl Aws {
    /// Starts a server with that world.
    pub fn start(mut world: World) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            faults: Mutex::new(std::mem::take(&mut world.faults)),
            world: Mutex::new(world),
            calls: Mutex::default(),
            streams: Mutex::default(),
            started: Instant::now(),
            stopping: AtomicBool::new(false),
            panics: AtomicUsize::new(0),
            objects: Arc::default(),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// The value for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment of a client with the credentials of [`World::caller`].
    pub fn env(&self) -> Vec<(String, String)> {
        let caller = self.world().caller.clone();
        self.env_for(&caller)
    }

    /// The environment of a client with the credentials of that account.
    pub fn env_for(&self, account: &str) -> Vec<(String, String)> {
        let region = self.world().region.clone();
        environment(&self.endpoint(), &access_key(account), &region)
    }

    /// Gives a command the environment and takes the tester's own AWS set-up from it.
    pub fn on<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        without_foreign(command).envs(self.env())
    }

    /// The world, locked: no call is carried out until the guard goes.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared.world)
    }

    /// Adds a fault to the running server. Not to be called from a hook.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// All calls so far, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// The calls of one operation so far.
    pub fn calls_of(&self, service: &str, op: &str) -> Vec<Call> {
        self.calls()
            .into_iter()
            .filter(|call| call.service == service && call.op == op)
            .collect()
    }

    /// Objects of buckets that are on their way to the client, and the most that ever were.
    pub fn objects(&self) -> &http::Flights {
        &self.shared.objects
    }

    /// Returns how often a secret's value was asked for. Must be 0.
    pub fn value_reads(&self) -> usize {
        self.world().runtime.value_reads
    }

    /// Returns how often a deletion without recovery was asked for. Must be 0.
    pub fn forced_deletes(&self) -> usize {
        self.world().runtime.forced_deletes
    }

    /// Forgets the violations, for the tests that cause them on purpose.
    pub fn forgive(&self) {
        let mut world = self.world();
        world.runtime.value_reads = 0;
        world.runtime.forced_deletes = 0;
    }

    /// Ends all sessions that `AssumeRole` has handed out: their next call finds its token expired.
    pub fn expire_sessions(&self) {
        for session in self.world().runtime.sessions.values_mut() {
            "expired".clone_into(&mut session.token);
        }
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // The accepting thread sleeps in accept(); a connection wakes it up.
        drop(TcpStream::connect(self.address));
        for stream in lock(&self.shared.streams).values() {
            drop(stream.shutdown(Shutdown::Both));
        }
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        let (reads, forced) = (self.value_reads(), self.forced_deletes());
        let panics = self.shared.panics.load(Ordering::SeqCst);
        let careless = self.calls_of("secretsmanager", "DeleteSecret");
        let careless = careless.iter().filter(|call| {
            let days = call.param("RecoveryWindowInDays").as_i64();
            call.user_agent.contains("app/secretsweep")
                && (!call.param("ForceDeleteWithoutRecovery").is_null()
                    || !days.is_some_and(|days| (7..=30).contains(&days)))
        });
        let careless = careless.count();
        // A second panic would abort the process and hide the first.
        assert!(
            reads + forced + careless + panics == 0 || thread::panicking(),
            "{reads} calls asked for a secret's value, {forced} for a deletion without recovery, {careless} of ours for one without a window; {panics} hooks panicked"
        );
    }
}

/// The environment of a client of an endpoint: these keys and this Region, and nothing from the machine's own set-up.
pub fn environment(endpoint: &str, key: &str, region: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Takes the tester's own set-up from a command.
pub fn without_foreign(command: &mut Command) -> &mut Command {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
}

/// The access key id of an account's user; 20 characters as usual.
pub fn access_key(account: &str) -> String {
    format!("AKIALOOP{account}")
}

/// Locks; a test thread that panicked with the lock held must not hide its message behind a second one.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in listener.incoming().enumerate() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        drop(stream.set_nodelay(true));
        if let Ok(handle) = stream.try_clone() {
            lock(&shared.streams).insert(number, handle);
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let served = panic::catch_unwind(AssertUnwindSafe(|| {
                http::serve(&stream, |request| answer::answer(&shared, request));
            }));
            if served.is_err() {
                shared.panics.fetch_add(1, Ordering::SeqCst);
            }
            drop(stream);
            lock(&shared.streams).remove(&number);
        });
    }
}
