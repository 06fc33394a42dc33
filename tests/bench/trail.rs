//! A trail on disk and the time it takes to read it; README.md beside this file says how to use it.

#![expect(
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench prints figures; byte counts are far below 2^52, and those of one file below 2^32"
)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use secretsweep::domain::trail::event::{EventSink, TrailEvent};
use secretsweep::files::inflate::Inflater;
use secretsweep::files::logs;

mod counts;
mod fleet;
mod generate;

use counts::Copies;
use generate::{Dice, LogFile, Spec, Style, restyled};

const USAGE: &str = "\
write DIR [ours=20] [files=2000] [records=450] [traps=2] [seed=1] [style=compact|spaced|pretty|sorted|escaped]
          [again=0] [sessions=0] [members=0] [uses=1000]
                                 a trail; `again`: per mille of records delivered twice; `members`: per cent of files
                                 of several gzip members; `ours` and `traps`: per mille of records; `sessions`: per mille
                                 of ours with a session name of its own; `uses`: per mille of the values read whose use
                                 of a key is logged behind them
fleet DIR [accounts=2] [roles=5000] [secrets=2000] [sessions=200000] [events=2000000] [days=90] [seed=1]
                                 the trail of a fleet of short-lived sessions in DIR/trail, its secrets in
                                 DIR/inventory.json; it ends at 2026-10-31T00:00:00Z
inventory FILE                   the secrets of such a trail, as list-secrets prints them
floor DIR [threads=1]            inflate every file and do nothing else
scan DIR [threads=1]             read the trail
ratio DIR [threads=1] [pairs=7]  both in turn: the median of scan / floor
scaling DIR [pairs=7]            two threads and one in turn: the median of two / one
pair DIR with=DIR [threads=1] [pairs=7]  read both in turn: the median of time per byte of JSON, first / second
counts DIR [threads=2] [once=1]  calls by hour, account, Region, API, error, secret and caller, for compare.py";

fn main() -> ExitCode {
    // Cargo adds a flag of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let [command, folder, options @ ..] = &words[..] else {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    };
    let options: BTreeMap<&str, &str> = options
        .iter()
        .filter_map(|word| word.split_once('='))
        .collect();
    let number = |key: &str, usual: u32| {
        options
            .get(key)
            .map_or(usual, |text| text.parse().expect("a number"))
    };
    let threads = number("threads", 1) as usize;
    let pairs = number("pairs", 7);
    let folder = Path::new(folder);
    match command.as_str() {
        "write" => {
            let usual = Spec::default();
            let spec = Spec {
                seed: u64::from(number("seed", 1)),
                files: number("files", usual.files),
                records: number("records", usual.records),
                ours: number("ours", usual.ours),
                uses: number("uses", usual.uses),
                traps: number("traps", usual.traps),
                again: number("again", usual.again),
                sessions: number("sessions", usual.sessions),
                ..usual
            };
            let style = style(options.get("style").copied());
            write(folder, &spec, style, number("members", 0).min(90));
        }
        "fleet" => {
            let fleet = fleet::Fleet::read(number);
            let fast = |bytes: &[u8], out: &mut Vec<u8>| {
                pack_at(flate2::Compression::fast(), bytes, out);
            };
            fleet.write(&folder.join("trail"), fast);
            fs::write(folder.join("inventory.json"), fleet.inventory())
                .expect("a file to write to");
        }
        "inventory" => {
            fs::write(folder, generate::inventory(&Spec::default())).expect("a file to write to");
        }
        "floor" => println!("{:.3} s", floor(&paths(folder), threads)),
        "scan" => {
            let (seconds, reading) = scan(folder, threads);
            println!("{seconds:.3} s, peak {} KiB", peak());
            println!("{reading:?}");
        }
        "ratio" => {
            let paths = paths(folder);
            ratio(
                "scan / floor",
                pairs,
                1.0,
                || scan(folder, threads).0,
                || floor(&paths, threads),
            );
        }
        "scaling" => ratio(
            "2 threads / 1 thread",
            pairs,
            1.0,
            || scan(folder, 2).0,
            || scan(folder, 1).0,
        ),
        "pair" => {
            let other = Path::new(options.get("with").expect("with=DIR"));
            let bytes = |folder| scan(folder, threads).1.bytes_inflated as f64;
            ratio(
                "time per byte, first / second",
                pairs,
                bytes(folder) / bytes(other),
                || scan(folder, threads).0,
                || scan(other, threads).0,
            );
        }
        "counts" => {
            let copies = if number("once", 1) == 1 {
                Copies::Once
            } else {
                Copies::All
            };
            let threads = number("threads", 2) as usize;
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            counts::write(folder, threads, copies, &mut out).expect("somebody who reads");
        }
        _ => {
            println!("{USAGE}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn style(name: Option<&str>) -> Style {
    match name {
        Some("spaced") => Style::Spaced,
        Some("pretty") => Style::Pretty,
        Some("sorted") => Style::Sorted,
        Some("escaped") => Style::Escaped,
        _ => Style::Compact,
    }
}

/// Writes a trail; of a hundred files, `members` consist of several gzip members, cut anywhere.
fn write(folder: &Path, spec: &Spec, style: Style, members: u32) {
    let mut dice = Dice::new(spec.seed);
    for LogFile { path, json } in generate::files(spec) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("a folder to write to");
        let json = restyled(&json, style);
        let mut rest = json.as_bytes();
        let mut gzip = Vec::new();
        while dice.below(100) < members {
            let (member, others) = rest.split_at(dice.below(rest.len() as u32) as usize);
            pack(member, &mut gzip);
            rest = others;
        }
        pack(rest, &mut gzip);
        fs::write(path, gzip).expect("room on the disk");
    }
}

/// Appends a gzip member.
fn pack(bytes: &[u8], out: &mut Vec<u8>) {
    pack_at(flate2::Compression::default(), bytes, out);
}

fn pack_at(level: flate2::Compression, bytes: &[u8], out: &mut Vec<u8>) {
    let mut gzip = flate2::write::GzEncoder::new(out, level);
    gzip.write_all(bytes).expect("memory takes it");
    gzip.finish().expect("memory takes it");
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder to read").flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Seconds to inflate all files whole: what no reader can beat.
fn floor(paths: &[PathBuf], threads: usize) -> f64 {
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut inflater = Inflater::new().expect("memory for an inflater");
                let mut file = Vec::new();
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    file.clear();
                    std::io::Read::read_to_end(
                        &mut fs::File::open(path).expect("a file"),
                        &mut file,
                    )
                    .expect("a file");
                    let (bytes, _) = inflater.whole(&file, 1 << 30).expect("one of our files");
                    black_box(bytes);
                }
            });
        }
    });
    start.elapsed().as_secs_f64()
}

/// Counts and forgets.
#[derive(Default)]
struct Null(u64);

impl EventSink for Null {
    fn event(&mut self, event: &TrailEvent<'_>) {
        black_box(event);
        self.0 += 1;
    }

    fn active_hour(&mut self, _: &str, _: &str, _: u32, _: bool) {
        self.0 += 1;
    }
}

fn scan(folder: &Path, threads: usize) -> (f64, logs::TrailReading) {
    let start = Instant::now();
    let (sinks, reading) = logs::read(
        &logs::LogRequest {
            roots: &[folder.to_owned()],
            span: 0..i64::MAX / 2,
            threads,
            cache: None,
        },
        Null::default,
        None,
    );
    black_box(sinks.iter().map(|sink| sink.0).sum::<u64>());
    (start.elapsed().as_secs_f64(), reading)
}

/// Runs both in turn and prints how much longer the first takes for the same work, when it has `work` times as much to
/// do as the other.
fn ratio(what: &str, pairs: u32, work: f64, one: impl Fn() -> f64, other: impl Fn() -> f64) {
    one();
    other();
    let (mut wall, mut one_cpu, mut other_cpu) = (Vec::new(), 0, 0);
    for _ in 0..pairs {
        let start = cpu();
        let one = one();
        let middle = cpu();
        wall.push(one / other() / work);
        one_cpu += middle - start;
        other_cpu += cpu() - middle;
    }
    wall.sort_by(f64::total_cmp);
    println!(
        "{what}: wall {:.3} [{:.3}-{:.3}], processor {:.3}",
        wall[wall.len() / 2],
        wall[0],
        wall[wall.len() - 1],
        one_cpu as f64 / other_cpu as f64 / work
    );
}

/// Ticks that this process has spent on a processor, where the system tells: the steadier figure beside busy
/// neighbours.
fn cpu() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(") ").next().unwrap_or_default();
    let field = |number: usize| {
        behind_name
            .split(' ')
            .nth(number)
            .and_then(|text| text.parse::<u64>().ok())
    };
    field(11).unwrap_or_default() + field(12).unwrap_or_default()
}

/// The most memory this process ever held, where the system tells.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("?", |line| line.trim().trim_end_matches(" kB"))
        .to_owned()
}
