//! An AWS of our own on the loopback: the real binary runs against it through `AWS_ENDPOINT_URL`.
//!
//! It exists because no other emulator answers LookupEvents, keeps LastAccessedDate per Region, or
//! fails on purpose. It refuses what AWS refuses, and more: an unknown operation or parameter is an
//! error, and so is an unsigned request. It does not check that signatures are right, and it knows
//! no IAM policies; [`Fault::denied`] stands for them.
//!
//! A world (plain data) goes in, an endpoint comes out, and every call is recorded. Reading a
//! secret's value or deleting without recovery is a violation: dropping [`Aws`] fails the test then.

pub mod account;
pub mod cloudtrail;
pub mod faults;
pub mod http;
pub mod organizations;
pub mod s3;
pub mod secretsmanager;
pub mod sts;
pub mod world;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use faults::Fault;
use faults::What;
use http::{Ending, Request, Response};
pub use world::World;
use world::{Cursor, Items, Opt};

/// The secret access key of every account; signatures are not checked.
const SECRET_KEY: &str = "loopback-secret-access-key-0000000000000";

/// Variables of the tester's own AWS set-up that must not reach the binary.
const FOREIGN: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_CLOUDTRAIL",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
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
}

/// A call as it arrived, and how it ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// The signing name, such as `secretsmanager`, `cloudtrail` or `s3`.
    pub service: &'static str,
    /// The operation's name.
    pub op: String,
    /// The caller's account.
    pub account: String,
    /// The Region it was signed for.
    pub region: String,
    /// Its place among all calls, from 0.
    pub index: usize,
    /// When it arrived, since the server started.
    pub at: Duration,
    /// The body as text; for S3 the path and the query.
    pub body: String,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The HTTP status of the answer; 0 while there is none.
    pub status: u16,
    /// The error code of a refusal.
    pub error: Option<String>,
}

impl Call {
    /// A parameter of a JSON call; `Null` when it is not there.
    pub fn param(&self, name: &str) -> Value {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.get(name).cloned().unwrap_or_default()
    }
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
        [
            ("AWS_ENDPOINT_URL", self.endpoint().as_str()),
            ("AWS_ACCESS_KEY_ID", &access_key(account)),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", &region),
            ("AWS_DEFAULT_REGION", &region),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Gives a command the environment and takes the tester's own AWS set-up from it.
    pub fn on<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(self.env())
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

    /// How often a secret's value was asked for. Must be 0.
    pub fn value_reads(&self) -> usize {
        self.world().runtime.value_reads
    }

    /// How often a deletion without recovery was asked for. Must be 0.
    pub fn forced_deletes(&self) -> usize {
        self.world().runtime.forced_deletes
    }

    /// Forgets the violations, for the tests that cause them on purpose.
    pub fn forgive(&self) {
        let mut world = self.world();
        world.runtime.value_reads = 0;
        world.runtime.forced_deletes = 0;
    }

    /// Ends all sessions that AssumeRole has handed out: their next call finds its token expired.
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
        if reads + forced > 0 && !thread::panicking() {
            panic!(
                "{reads} calls asked for a secret's value, {forced} for a deletion without recovery"
            );
        }
    }
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
            http::serve(stream, |request| answer(&shared, request));
            lock(&shared.streams).remove(&number);
        });
    }
}

/// Why a service says no.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Such as `ResourceNotFoundException`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// Headers that belong to it.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: Vec::new(),
        }
    }
}

/// Who calls, from the credentials.
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The user's or the session's ARN.
    pub arn: String,
    /// As in GetCallerIdentity.
    pub user_id: String,
    /// The Region of the credential scope.
    pub region: String,
}

/// A call on its way to its service.
pub struct Asked<'a> {
    /// The operation.
    pub op: &'a str,
    /// Who calls.
    pub caller: &'a Caller,
    /// The request.
    pub http: &'a Request,
    /// A fault's limit on the items of a page.
    pub page: usize,
}

impl Asked<'_> {
    /// The JSON body as the operation's parameters.
    ///
    /// # Errors
    /// `SerializationException` for a field that the operation does not have, or of another type.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body: &[u8] = if self.http.body.is_empty() {
            b"{}"
        } else {
            &self.http.body
        };
        serde_json::from_slice(body)
            .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))
    }

    /// What a token of this call is bound to: the caller and all parameters but the token.
    fn binding(&self) -> String {
        let mut body: Value = serde_json::from_slice(&self.http.body).unwrap_or_default();
        if let Some(map) = body.as_object_mut() {
            map.remove("NextToken");
        }
        let Caller {
            account, region, ..
        } = self.caller;
        format!("{account} {region} {} {body}", self.op)
    }

    /// The next items of a listing and the token for those after them.
    ///
    /// `items` is asked on the first page only. `size` is what the caller wants at most.
    ///
    /// # Errors
    /// `InvalidNextTokenException` for a token that is unknown or came with other parameters.
    fn page(
        &self,
        world: &mut World,
        token: Option<&str>,
        size: usize,
        items: impl FnOnce(&World) -> Items,
    ) -> Result<(Page, Option<String>), Refusal> {
        let bound = self.binding();
        let cursor = match token {
            None => Cursor {
                bound,
                items: items(world),
                offset: 0,
            },
            Some(token) => match world.runtime.cursors.get(token) {
                Some(cursor) if cursor.bound == bound => cursor.clone(),
                _ => {
                    return Err(Refusal::new(
                        400,
                        "InvalidNextTokenException",
                        "The NextToken value is invalid.",
                    ));
                }
            },
        };
        let take = size.min(self.page);
        let (page, len) = match &cursor.items {
            Items::Names(all) => (
                Page::Names(all.iter().skip(cursor.offset).take(take).cloned().collect()),
                all.len(),
            ),
            Items::Events(all) => (
                Page::Events(all.iter().skip(cursor.offset).take(take).cloned().collect()),
                all.len(),
            ),
        };
        let offset = cursor.offset + take;
        let next = (offset < len).then(|| {
            let number = world.runtime.cursors.len();
            let token = format!(
                "AQ{:016x}{:016x}",
                world::hash(&cursor.bound),
                world::hash(&format!("{number} {offset}"))
            );
            world
                .runtime
                .cursors
                .insert(token.clone(), Cursor { offset, ..cursor });
            token
        });
        Ok((page, next))
    }
}

/// A page of a listing.
enum Page {
    Names(Vec<String>),
    Events(Vec<Arc<world::Event>>),
}

/// An answer in the JSON protocols.
pub fn json_answer(value: &Value) -> Response {
    Response::new(200, "application/x-amz-json-1.1", value.to_string())
}

/// The service of a credential scope.
fn service(name: &str) -> Option<&'static str> {
    [
        "secretsmanager",
        "cloudtrail",
        "sts",
        "organizations",
        "account",
        "s3",
    ]
    .into_iter()
    .find(|known| *known == name)
}

/// From the request to the answer: credentials, the record of the call, faults, the service.
fn answer(shared: &Shared, request: &Request) -> (Response, Ending) {
    let (service, caller) = match identify(shared, request) {
        Ok(found) => found,
        Err((service, refusal)) => return (refused(service, &refusal), Ending::Whole),
    };
    let op = operation(service, request);
    let call = record(
        shared,
        service,
        op.as_deref().unwrap_or("?"),
        &caller,
        request,
    );
    let hits: Vec<What> = {
        let mut faults = lock(&shared.faults);
        faults
            .iter_mut()
            .filter_map(|fault| fault.hits(&call).then(|| fault.what.clone()))
            .collect()
    };
    let mut page = usize::MAX;
    let mut ending = Ending::Whole;
    let mut fault = None;
    let mut world = lock(&shared.world);
    for what in &hits {
        match what {
            What::Before(hook) => (lock(hook))(&mut world, &call),
            What::Page(items) => page = *items,
            What::Slow(pause) => ending = Ending::Slow(*pause),
            What::Cut => ending = Ending::Cut,
            What::ResetAfter => ending = Ending::Reset,
            What::ResetBefore => {
                fault = fault.or_else(|| Some(Refusal::new(0, "reset", "")));
                ending = Ending::Reset;
            }
            What::Refuse(refusal) => fault = fault.or_else(|| Some(worded(service, refusal))),
            What::Deny => fault = fault.or_else(|| Some(denied(&call, &caller))),
            What::After(_) => {}
        }
    }
    let result = match (fault, op) {
        (Some(refusal), _) | (None, Err(refusal)) => Err(refusal),
        (None, Ok(op)) => carry_out(
            &mut world,
            service,
            &Asked {
                op: &op,
                caller: &caller,
                http: request,
                page,
            },
        ),
    };
    for what in &hits {
        if let What::After(hook) = what {
            (lock(hook))(&mut world, &call);
        }
    }
    drop(world);
    let error = result.as_ref().err().map(|refusal| refusal.code.clone());
    let response = result.unwrap_or_else(|refusal| refused(service, &refusal));
    if let Some(call) = lock(&shared.calls).get_mut(call.index) {
        call.status = response.status;
        call.error = error;
    }
    let id = format!(
        "{:08x}-0000-4000-8000-{:012x}",
        call.index,
        world::hash(&call.body) & 0xffff_ffff_ffff
    );
    (
        response.with(
            if service == "s3" {
                "x-amz-request-id"
            } else {
                "x-amzn-RequestId"
            },
            id,
        ),
        ending,
    )
}

/// Writes the call down, before anything happens to it.
fn record(
    shared: &Shared,
    service: &'static str,
    op: &str,
    caller: &Caller,
    request: &Request,
) -> Call {
    let body = if service == "s3" {
        let query: Vec<String> = request
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "{}?{}",
            http::decode(&request.path, http::Plus::Literal),
            query.join("&")
        )
    } else {
        String::from_utf8_lossy(&request.body).into_owned()
    };
    let mut calls = lock(&shared.calls);
    let call = Call {
        service,
        op: op.to_owned(),
        account: caller.account.clone(),
        region: caller.region.clone(),
        index: calls.len(),
        at: shared.started.elapsed(),
        body,
        user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
        status: 0,
        error: None,
    };
    calls.push(call.clone());
    call
}

/// Who calls which service, from the `Authorization` header.
fn identify(
    shared: &Shared,
    request: &Request,
) -> Result<(&'static str, Caller), (&'static str, Refusal)> {
    let unsigned = || {
        (
            "unsigned",
            Refusal::new(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
        )
    };
    let header = request.header("authorization").ok_or_else(unsigned)?;
    let scope = header
        .strip_prefix("AWS4-HMAC-SHA256 Credential=")
        .and_then(|rest| rest.split(',').next())
        .ok_or_else(unsigned)?;
    let parts: Vec<&str> = scope.split('/').collect();
    let [key, _date, region, name, "aws4_request"] = parts[..] else {
        return Err(unsigned());
    };
    if !header.contains("Signature=") {
        return Err(unsigned());
    }
    let service = service(name).ok_or_else(|| {
        (
            "unsigned",
            Refusal::new(
                404,
                "UnknownServiceException",
                format!("there is no {name} here"),
            ),
        )
    })?;
    let world = lock(&shared.world);
    let region = region.to_owned();
    if let Some(session) = world.runtime.sessions.get(key) {
        if request.header("x-amz-security-token") != Some(&session.token) {
            let message = "The security token included in the request is expired";
            return Err((
                service,
                worded(
                    service,
                    &Refusal::new(400, "ExpiredTokenException", message),
                ),
            ));
        }
        let (account, arn, user_id) = (
            session.account.clone(),
            session.arn.clone(),
            session.user_id.clone(),
        );
        return Ok((
            service,
            Caller {
                account,
                arn,
                user_id,
                region,
            },
        ));
    }
    match world
        .accounts
        .keys()
        .find(|account| access_key(account) == key)
    {
        Some(account) => {
            let arn = format!("arn:aws:iam::{account}:user/loopback");
            Ok((
                service,
                Caller {
                    account: account.clone(),
                    arn,
                    user_id: "AIDALOOPBACK".to_owned(),
                    region,
                },
            ))
        }
        None => Err((service, invalid_token(service))),
    }
}

/// What the service says to a key that it does not know.
fn invalid_token(service: &str) -> Refusal {
    let message = "The security token included in the request is invalid.";
    match service {
        "sts" => Refusal::new(403, "InvalidClientTokenId", message),
        "s3" => Refusal::new(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        _ => Refusal::new(400, "UnrecognizedClientException", message),
    }
}

/// The operation that a request asks for.
fn operation(service: &str, request: &Request) -> Result<String, Refusal> {
    let unknown = |what: &str| {
        Refusal::new(
            400,
            "UnknownOperationException",
            format!("no operation {what}"),
        )
    };
    let target = || {
        let target = request
            .header("x-amz-target")
            .ok_or_else(|| unknown("without a target"))?;
        let prefix = match service {
            "secretsmanager" => "secretsmanager",
            "cloudtrail" => "CloudTrail_20131101",
            _ => "AWSOrganizationsV20161128",
        };
        match target.rsplit_once('.') {
            Some((before, op)) if before.ends_with(prefix) && request.method == "POST" => {
                Ok(op.to_owned())
            }
            _ => Err(unknown(target)),
        }
    };
    match service {
        "sts" => sts::operation(request),
        "s3" => s3::operation(request),
        "account" if request.method == "POST" && request.path == "/listRegions" => {
            Ok("ListRegions".to_owned())
        }
        "account" => Err(unknown(&request.path)),
        _ => target(),
    }
}

/// Hands the call to its service.
fn carry_out(world: &mut World, service: &str, asked: &Asked<'_>) -> Result<Response, Refusal> {
    if matches!(service, "secretsmanager" | "cloudtrail") {
        let account = world.accounts.get(&asked.caller.account);
        let opt = account.and_then(|account| account.regions.get(&asked.caller.region));
        if !matches!(opt, Some(Opt::Enabled | Opt::ByDefault)) {
            return Err(invalid_token(service));
        }
    }
    match service {
        "secretsmanager" => secretsmanager::answer(world, asked),
        "cloudtrail" => cloudtrail::answer(world, asked),
        "sts" => sts::answer(world, asked),
        "organizations" => organizations::answer(world, asked),
        "account" => account::answer(world, asked),
        _ => s3::answer(world, asked),
    }
}

/// A common refusal in the words of the services that have their own for it.
fn worded(service: &str, refusal: &Refusal) -> Refusal {
    let Refusal { message, .. } = refusal;
    match (service, refusal.code.as_str()) {
        ("s3", "ThrottlingException") => {
            Refusal::new(503, "SlowDown", "Please reduce your request rate.")
        }
        ("s3", "InternalFailure") => Refusal::new(refusal.status, "InternalError", message),
        ("s3", "ExpiredTokenException") => Refusal::new(400, "ExpiredToken", message),
        ("sts", "ThrottlingException") => Refusal::new(400, "Throttling", message),
        ("sts", "ExpiredTokenException") => Refusal::new(403, "ExpiredToken", message),
        ("s3" | "sts", "UnrecognizedClientException") => invalid_token(service),
        _ => refusal.clone(),
    }
}

/// IAM's refusal, in its words.
fn denied(call: &Call, caller: &Caller) -> Refusal {
    let Call {
        service,
        op,
        region,
        ..
    } = call;
    let resource = if *service == "secretsmanager" {
        match call.param("SecretId").as_str() {
            Some(arn) if arn.starts_with("arn:") => format!(" on resource: {arn}"),
            Some(name) => format!(
                " on resource: arn:aws:secretsmanager:{region}:{}:secret:{name}",
                caller.account
            ),
            None => String::new(),
        }
    } else {
        String::new()
    };
    let message = format!(
        "User: {} is not authorized to perform: {service}:{op}{resource} because no identity-based policy allows the {service}:{op} action",
        caller.arn
    );
    match *service {
        "sts" | "s3" => Refusal::new(403, "AccessDenied", message),
        "account" => Refusal::new(403, "AccessDeniedException", message),
        _ => Refusal::new(400, "AccessDeniedException", message),
    }
}

/// The refusal in the protocol of its service.
fn refused(service: &str, refusal: &Refusal) -> Response {
    let Refusal {
        status,
        code,
        message,
        headers,
    } = refusal;
    let (name, text) = (http::xml(code), http::xml(message));
    let mut response = match service {
        "sts" => {
            let fault = if *status >= 500 { "Receiver" } else { "Sender" };
            let body = format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{name}</Code><Message>{text}</Message></Error><RequestId>loopback</RequestId></ErrorResponse>",
                sts::NAMESPACE
            );
            Response::new(*status, "text/xml", body)
        }
        "s3" => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{name}</Code><Message>{text}</Message><RequestId>loopback</RequestId></Error>"
            );
            Response::new(*status, "application/xml", body)
        }
        "account" => Response::new(
            *status,
            "application/json",
            json!({ "message": message }).to_string(),
        )
        .with("x-amzn-ErrorType", code.clone()),
        _ => Response::new(
            *status,
            "application/x-amz-json-1.1",
            json!({ "__type": code, "message": message }).to_string(),
        ),
    };
    response.headers.extend(headers.iter().cloned());
    response
}
