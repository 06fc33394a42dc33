//! The real program against a large AWS on the loopback; README.md beside this file says how to use it.

#![expect(
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints figures, stops where it meets the unexpected, and borrows the tests' AWS, which has the real time"
)]

#[path = "../it/aws/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod aws;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use aws::world::large::{Large, REGIONS, ROLE, three_faults};
use aws::{Aws, Fault};
use jiff::Timestamp;

const USAGE: &str = "\
scan [accounts=12] [regions=5] [secrets=300]      seconds, peak memory and calls of one scan
gaps                                              12 x 5 x 300, one Region denied, one throttled for 10 s, one dead";

fn main() {
    // Cargo adds a flag of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let options: BTreeMap<&str, &str> = words
        .iter()
        .filter_map(|word| word.split_once('='))
        .collect();
    let number = |key: &str, usual: usize| {
        options
            .get(key)
            .map_or(usual, |text| text.parse().expect("a number"))
    };
    let size = Large {
        accounts: number("accounts", 12) as u64,
        regions: &REGIONS[..number("regions", 5)],
        secrets: number("secrets", 300) as u64,
    };
    match words.first().map(String::as_str) {
        Some("scan") => scan(size, &[]),
        Some("gaps") => {
            let faults = three_faults(Fault::throttle().during(Duration::from_secs(10)));
            scan(size, &faults);
        }
        _ => println!("{USAGE}"),
    }
}

fn scan(size: Large, faults: &[Fault]) {
    let world = size.world(Timestamp::now());
    let aws = Aws::start(faults.iter().cloned().fold(world, aws::World::fault));
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    command
        .args([
            "scan",
            "--organization",
            "--role-name",
            ROLE,
            "--lookup-pace",
            "0",
            "--quiet",
        ])
        .arg("--out")
        .arg(folder.path().join("report"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = aws.on(&mut command).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (status, peak) = peak(child);
    let seconds = begun.elapsed().as_secs_f64();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for call in aws.calls() {
        *counts
            .entry(format!("{}:{}", call.service, call.op))
            .or_default() += 1;
    }
    println!(
        "exit {:?}, {seconds:.2} s, peak {} MiB",
        status.code(),
        peak / 1024
    );
    println!("{} calls: {counts:?}", counts.values().sum::<usize>());
    let report = fs::read(folder.path().join("report/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    println!(
        "{} secrets, {}",
        report["totals"]["secrets"], report["totals"]["verdicts"]
    );
    println!("gaps: {:#}", report["gaps"]);
    print!("{said}");
}

/// Waits for the child's end; gives how it ended, and the most memory that it had in use, in KiB. The system keeps the
/// highest value; what is added in its last two milliseconds is not seen.
fn peak(mut child: Child) -> (ExitStatus, u64) {
    let status = format!("/proc/{}/status", child.id());
    let (on_progress, ended) = mpsc::channel();
    thread::spawn(move || on_progress.send(child.wait().unwrap()));
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(found.unwrap_or(0));
        if let Ok(status) = ended.recv_timeout(Duration::from_millis(2)) {
            return (status, peak);
        }
    }
}
