//! What people reported of tools that judge secrets, each as a small world of its own: a secret that somebody needs is
//! never `delete`, and the truly idle secret beside it still is.

use crate::world::*;

mod asking;
mod batches;
mod callers;
mod coverage;
mod deploy;
mod formats;
mod inventory;
mod nobody;
mod other_forms;
mod others;
mod unread_files;
mod writes;

/// The name of the secret that nobody uses.
const IDLE: &str = "ctl/idle";
/// The client of a plain program.
const GO: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.2 md/GOOS#linux";
const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36";
const PIPELINE: &str = "aws-cli/2.15.0 md/Botocore#2.4.5 exec-env/GitHub-Actions";

/// A whole trail, and a secret that nobody uses.
fn world() -> World {
    World::new().secret(idle(IDLE))
}

/// A person of the single sign-on, in the console.
fn person(call: Call, name: &str) -> Call {
    let mut identity = role("AWSReservedSSO_Platform_0123456789abcdef", name);
    identity["sessionContext"]["attributes"]["mfaAuthenticated"] = "true".into();
    call.by(identity)
        .agent(BROWSER)
        .via("203.0.113.9")
        .more("sessionCredentialFromConsole", "true".into())
}

/// A secret that somebody needs is not deleted.
#[track_caller]
fn stays(scan: &Scan, name: &str) {
    let verdict = scan.secret(name)["verdict"].as_str().unwrap();
    assert!(
        ["keep", "review"].contains(&verdict),
        "{name} is `{}`: {}",
        scan.verdict(name),
        scan.secret(name)["reasons"]
    );
}

/// A secret that somebody needs is not deleted, and one of these is a reason.
#[track_caller]
fn stays_because(scan: &Scan, name: &str, because: &[&str]) {
    stays(scan, name);
    let all = codes(scan.secret(name));
    assert!(
        all.iter().any(|code| because.contains(&code.as_str())),
        "{name}: {all:?} holds none of {because:?}"
    );
}

/// A secret that nobody needs is deleted.
#[track_caller]
fn goes(scan: &Scan, name: &str) {
    is_judged(scan, name, "delete");
}

/// A secret has this verdict and no other.
#[track_caller]
fn is_judged(scan: &Scan, name: &str, verdict: &str) {
    let row = scan.secret(name);
    assert_eq!(row["verdict"], verdict, "{name}: {}", row["reasons"]);
}

/// Returns what is said of a secret: its reasons and the findings about it.
fn said_of(scan: &Scan, name: &str) -> String {
    let findings = scan.report["findings"].as_array().unwrap();
    let own = findings.iter().filter(|finding| finding["name"] == name);
    own.fold(scan.secret(name)["reasons"].to_string(), |text, finding| {
        text + &finding.to_string()
    })
}
