//! The real program finds its credentials, its proxy and its settings where `aws` finds them.
//!
//! Every source has a server of its own on the loopback. The keys that it hands out belong to an account that no variable
//! names, so a scan of that account shows where they came from.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::aws::http::{self, Ending, Request, Response};
use crate::aws::world::{Account, Rate, Secret};
use crate::aws::{Aws, World, access_key};
use crate::run_result::report;

/// The account of the tester's variables.
const OWN: &str = "111122223333";
/// The account of the keys that a source hands out.
const FOUND: &str = "444455556666";
const EAST: &str = "us-east-1";

/// A server that answers by a function and remembers what it was asked.
struct Source {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
    accepting: Option<JoinHandle<()>>,
}

impl Source {
    fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, stop, asked) = (Arc::new(answer), Arc::clone(&stopping), Arc::clone(&seen));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
                thread::spawn(move || {
                    http::serve(&stream.unwrap(), |request| {
                        let line = format!("{} {}", request.method, request.path);
                        asked.lock().unwrap().push(line);
                        (answer(request), Ending::Whole)
                    });
                });
            }
        });
        Self {
            address,
            stopping,
            seen,
            accepting: Some(accepting),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

fn found(json: &Value) -> Response {
    Response::new(200, "application/json", json.to_string())
}

/// Keys as containers and instances hand them out.
fn keys() -> Value {
    json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "AccessKeyId": access_key(FOUND),
        "SecretAccessKey": "loopback",
        "Token": "loopback",
        "Expiration": "2099-01-01T00:00:00Z",
    })
}

fn world() -> World {
    World::new(OWN)
        .account(Account::new(FOUND, "found"))
        .lookup_rate(Rate::Unlimited)
        .secret(Secret::new(FOUND, EAST, "app/db"))
}

/// Runs a scan with these variables besides the usual ones; an empty value takes a variable away.
fn scan(aws: &Aws, folder: &Path, variables: &[(&str, &str)]) -> Output {
    scan_with(aws, folder, variables, &[])
}

fn scan_with(aws: &Aws, folder: &Path, variables: &[(&str, &str)], options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    aws.on(&mut command)
        .args([
            "scan",
            "--no-trail",
            "--regions",
            EAST,
            "--overwrite",
            "--out",
        ])
        .arg(folder.join("report"))
        .args(options)
        .env("HOME", folder);
    for (name, value) in variables {
        match value {
            &"" => command.env_remove(name),
            value => command.env(name, value),
        };
    }
    command.output().unwrap()
}

/// Words that must be said.
type Words<'a> = &'a [&'a str];

/// No keys in variables, and no other source but those that a test adds.
const NO_KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];

/// Asserts that the scan worked, with the keys of this account.
fn assert_scanned(aws: &Aws, folder: &Path, output: &Output, account: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report = report(&folder.join("report"));
    assert_eq!(report["scopes"][0]["account"], account);
    let calls = aws.calls();
    assert!(
        !calls.is_empty() && calls.iter().all(|call| call.account == account),
        "{calls:?}"
    );
}

fn assert_fails_with(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_container_gets_the_keys_of_its_task() {
    let source = Source::start(|request| match request.header("authorization") {
        Some("the-token") => found(&keys()),
        _ => Response::new(401, "text/plain", "who are you?"),
    });
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "[profile bare]\nregion = us-east-1\n").unwrap();
    let uri = format!("{}/task", source.url());
    let mut variables = NO_KEYS.to_vec();
    variables.extend([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-token"),
    ]);
    let output = scan(&aws, folder.path(), &variables);
    assert_scanned(&aws, folder.path(), &output, FOUND);
    // A profile without keys names the settings; the keys are those of the task all the same.
    variables.push(("AWS_CONFIG_FILE", config.to_str().unwrap()));
    let output = scan_with(&aws, folder.path(), &variables, &["--profile", "bare"]);
    assert_scanned(&aws, folder.path(), &output, FOUND);
    assert!(
        source.seen().contains(&"GET /task".to_owned()),
        "{:?}",
        source.seen()
    );
}

#[test]
fn an_instance_gets_the_keys_of_its_role() {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    let source = Source::start(|request| {
        let missing = || Response::new(404, "text/plain", "");
        if (request.method.as_str(), request.path.as_str()) == ("PUT", "/latest/api/token") {
            let ttl = "x-aws-ec2-metadata-token-ttl-seconds";
            return Response::new(200, "text/plain", "session").with(
                "x-aws-ec2-metadata-token-ttl-seconds",
                request.header(ttl).unwrap_or("60"),
            );
        }
        if request.header("x-aws-ec2-metadata-token") != Some("session") {
            return Response::new(401, "text/plain", "");
        }
        match request.path.strip_prefix(ROLES) {
            Some("") => Response::new(200, "text/plain", "audit"),
            Some("audit") => found(&keys()),
            _ => missing(),
        }
    });
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let url = source.url();
    let mut variables = NO_KEYS.to_vec();
    variables.extend([
        ("AWS_EC2_METADATA_DISABLED", ""),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
    ]);
    let output = scan(&aws, folder.path(), &variables);
    assert_scanned(&aws, folder.path(), &output, FOUND);
    assert!(
        source.seen().contains(&format!("GET {ROLES}audit")),
        "{:?}",
        source.seen()
    );
}

#[test]
fn a_profile_of_single_sign_on_gets_the_keys_of_its_role() {
    let source = Source::start(|request| {
        let asked = (request.query("account_id"), request.query("role_name"));
        let token = request.header("x-amz-sso_bearer_token");
        if (asked, token) != ((Some(FOUND), Some("audit")), Some("the-token")) {
            return Response::new(401, "application/json", "{}");
        }
        found(&json!({ "roleCredentials": {
            "accessKeyId": access_key(FOUND),
            "secretAccessKey": "loopback",
            "sessionToken": "loopback",
            "expiration": 4_070_908_800_000_i64,
        } }))
    });
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let config = folder.path().join("config");
    let text = format!(
        "[profile corp]\nsso_session = corp\nsso_account_id = {FOUND}\nsso_role_name = audit\nregion = {EAST}\n\
         [sso-session corp]\nsso_region = {EAST}\nsso_start_url = https://corp.example/start\n"
    );
    fs::write(&config, text).unwrap();
    // What `aws sso login` leaves behind, under the SHA-1 of the session's name.
    let cache = folder.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    fs::write(
        cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json"),
        r#"{"accessToken":"the-token","expiresAt":"2099-01-01T00:00:00Z","region":"us-east-1"}"#,
    )
    .unwrap();
    let url = source.url();
    let mut variables = NO_KEYS.to_vec();
    variables.extend([
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_ENDPOINT_URL_SSO", url.as_str()),
    ]);
    let output = scan_with(&aws, folder.path(), &variables, &["--profile", "corp"]);
    assert_scanned(&aws, folder.path(), &output, FOUND);
    variables.push(("AWS_PROFILE", "corp"));
    let output = scan(&aws, folder.path(), &variables);
    assert_scanned(&aws, folder.path(), &output, FOUND);
    assert_eq!(source.seen(), ["GET /federation/credentials"; 2]);
}

#[test]
fn a_session_made_by_aws_login_is_used() {
    const SESSION: &str = "arn:aws:iam::444455556666:user/person";
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(
        &config,
        format!("[default]\nlogin_session = {SESSION}\nregion = {EAST}\n"),
    )
    .unwrap();
    let digest = format!("{:x}", Sha256::digest(SESSION));
    let token = json!({
        "accessToken": {
            "accessKeyId": access_key(FOUND),
            "secretAccessKey": "loopback",
            "sessionToken": "loopback",
            "accountId": FOUND,
            "expiresAt": "2099-01-01T00:00:00Z",
        },
        "tokenType": "aws_sigv4",
        "refreshToken": "refresh",
        "clientId": "arn:aws:signin:::devtools/same-device",
        "dpopKey": "never used while the keys are fresh",
    });
    fs::write(
        folder.path().join(format!("{digest}.json")),
        token.to_string(),
    )
    .unwrap();
    let mut variables = NO_KEYS.to_vec();
    variables.extend([
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_LOGIN_CACHE_DIRECTORY", folder.path().to_str().unwrap()),
    ]);
    let output = scan(&aws, folder.path(), &variables);
    assert_scanned(&aws, folder.path(), &output, FOUND);
}

#[test]
fn no_source_at_all_says_how_to_log_in() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let output = scan(&aws, folder.path(), &NO_KEYS);
    let words = [
        "no credentials were found",
        "AWS_ACCESS_KEY_ID",
        "aws sso login",
        "--profile",
    ];
    assert_fails_with(&output, &words);
    let said = String::from_utf8_lossy(&output.stderr);
    // What went wrong, and the way out.
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(!said.contains("expired"), "{said}");
    assert_eq!(aws.calls().len(), 0);
}

#[test]
fn a_proxy_carries_every_request_but_those_it_is_not_for() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    // Nothing has this name: what arrives has come through the proxy, which is that AWS itself.
    let endpoint = aws.endpoint();
    let through = [
        ("AWS_ENDPOINT_URL", "http://aws.invalid"),
        ("HTTP_PROXY", endpoint.as_str()),
    ];
    let output = scan(&aws, folder.path(), &through);
    assert_scanned(&aws, folder.path(), &output, OWN);

    // A proxy that nobody serves, for everything but that AWS.
    let past = [
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let output = scan(&aws, folder.path(), &past);
    assert_scanned(&aws, folder.path(), &output, OWN);

    // To AWS itself a proxy is asked for a tunnel.
    let proxy = Source::start(|_| Response::new(403, "text/plain", "not from here"));
    let url = proxy.url();
    let tunnel = [
        ("AWS_ENDPOINT_URL", ""),
        ("HTTPS_PROXY", url.as_str()),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    let output = scan(&aws, folder.path(), &tunnel);
    assert_fails_with(&output, &["cannot reach AWS", "HTTPS_PROXY"]);
    assert_eq!(proxy.seen(), ["CONNECT sts.us-east-1.amazonaws.com:443"]);
}

#[test]
fn the_profile_is_chosen_as_aws_chooses_it() {
    /// The variables, what else is said, and whose keys are taken.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let config = folder.path().join("config");
    let keys = |account: &str| {
        let id = access_key(account);
        format!("aws_access_key_id = {id}\naws_secret_access_key = loopback\n")
    };
    let text = format!(
        "[default]\n{}[profile found]\n{}[profile bare]\nregion = {EAST}\n",
        keys(OWN),
        keys(FOUND)
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let with_keys = &[][..];
    let cases: [Case<'_>; 6] = [
        (&NO_KEYS, &[], OWN),
        (&NO_KEYS, &["AWS_DEFAULT_PROFILE=found"], FOUND),
        (
            &NO_KEYS,
            &["AWS_DEFAULT_PROFILE=nowhere", "AWS_PROFILE=found"],
            FOUND,
        ),
        (
            &NO_KEYS,
            &["AWS_DEFAULT_PROFILE=nowhere", "--profile=found"],
            FOUND,
        ),
        // Keys in variables go before a profile that a variable names, but not before one that the command line names.
        (with_keys, &["AWS_DEFAULT_PROFILE=found"], OWN),
        (with_keys, &["--profile=found"], FOUND),
    ];
    for (variables, said, account) in cases {
        let (options, more): (Vec<&str>, Vec<&str>) =
            said.iter().partition(|word| word.starts_with("--"));
        let mut all = variables.to_vec();
        all.push(("AWS_CONFIG_FILE", config));
        all.extend(more.iter().map(|word| word.split_once('=').unwrap()));
        let before = aws.calls().len();
        let output = scan_with(&aws, folder.path(), &all, &options);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said:?}: {text}");
        let calls = aws.calls().split_off(before);
        assert!(!calls.is_empty(), "{said:?}");
        assert!(
            calls.iter().all(|call| call.account == account),
            "{said:?}: {calls:?}"
        );
    }
    // A profile that the command line names, but that has no keys, is not made up for by others'.
    for profile in ["bare", "nowhere"] {
        let option = format!("--profile={profile}");
        let variables = [("AWS_CONFIG_FILE", config)];
        let output = scan_with(&aws, folder.path(), &variables, &[&option]);
        assert_fails_with(&output, &["credentials", profile]);
    }
    let output = scan_with(
        &aws,
        folder.path(),
        &[("AWS_CONFIG_FILE", config)],
        &["--profile=nowhere"],
    );
    // Nobody can log in with what is not there.
    assert_fails_with(&output, &["no profile `nowhere`", "~/.aws/config"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("sso login") && !said.contains("expired"),
        "{said}"
    );
    // Whoever names a profile means it, as for `aws`, whatever else there would be.
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let variables = [("AWS_CONFIG_FILE", config), (variable, "nowhere")];
        let output = scan(&aws, folder.path(), &variables);
        assert_fails_with(&output, &["there is no profile `nowhere`"]);
    }
}

#[test]
fn settings_of_a_profile_hold_unless_a_variable_says_otherwise() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (mine, other) = (file("mine.pem", "no certificate"), file("other.pem", ""));
    let bundle = file(
        "bundle",
        &format!("[profile a]\nca_bundle = {mine}\n[default]\n"),
    );
    let attempts = file("attempts", "[default]\nmax_attempts = many\n");
    let eager = file("eager", "[default]\nretry_mode = eager\n");
    let cases: [(&[(&str, &str)], Words<'_>); 6] = [
        (
            &[("AWS_CONFIG_FILE", &bundle), ("AWS_PROFILE", "a")],
            &["mine.pem", "no certificate"],
        ),
        (
            &[
                ("AWS_CONFIG_FILE", &bundle),
                ("AWS_PROFILE", "a"),
                ("AWS_CA_BUNDLE", &other),
            ],
            &["other.pem"],
        ),
        (
            &[("AWS_CONFIG_FILE", &attempts)],
            &["`many`", "AWS_MAX_ATTEMPTS"],
        ),
        (&[("AWS_MAX_ATTEMPTS", "0")], &["`0`", "AWS_MAX_ATTEMPTS"]),
        (
            &[("AWS_CONFIG_FILE", &eager)],
            &["`eager`", "AWS_RETRY_MODE", "adaptive"],
        ),
        (
            &[("AWS_RETRY_MODE", "never")],
            &["`never`", "AWS_RETRY_MODE"],
        ),
    ];
    for (variables, words) in cases {
        assert_fails_with(&scan(&aws, folder.path(), variables), words);
    }
    for variables in [
        &[("AWS_CONFIG_FILE", bundle.as_str())][..],
        &[("AWS_CONFIG_FILE", &attempts), ("AWS_MAX_ATTEMPTS", "2")],
        &[("AWS_CONFIG_FILE", &eager), ("AWS_RETRY_MODE", "legacy")],
        &[("AWS_RETRY_MODE", "standard")],
        &[("AWS_RETRY_MODE", "adaptive")],
    ] {
        let output = scan(&aws, folder.path(), variables);
        assert_scanned(&aws, folder.path(), &output, OWN);
    }
}
