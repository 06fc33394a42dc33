//! A trail on disk and the time it takes to read it; README.md beside this file says how to use it.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints figures, and byte counts are far below 2^52"
)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use secretsweep::domain::event::{Event, Sink};
use secretsweep::files::inflate::Inflater;
use secretsweep::files::logs;

mod generate;

use generate::{Spec, Style, restyled};

const USAGE: &str = "\
write DIR [ours=20] [files=2000] [records=450] [traps=2] [seed=1] [style=compact|spaced|pretty|sorted|escaped]
floor DIR [threads=1]            inflate every file and do nothing else
scan DIR [threads=1]             read the trail
ratio DIR [threads=1] [pairs=7]  both in turn: the median of scan / floor
scaling DIR [pairs=7]            two threads and one in turn: the median of two / one
counts DIR                       calls by account, Region, hour, event, error, secret and caller, as CSV";

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
                traps: number("traps", usual.traps),
                ..usual
            };
            write(folder, &spec, style(options.get("style").copied()));
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
                || scan(folder, threads).0,
                || floor(&paths, threads),
            );
        }
        "scaling" => ratio(
            "2 threads / 1 thread",
            pairs,
            || scan(folder, 2).0,
            || scan(folder, 1).0,
        ),
        "counts" => counts(folder),
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

fn write(folder: &Path, spec: &Spec, style: Style) {
    for file in generate::files(spec) {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("a folder to write to");
        let out = fs::File::create(path).expect("a file to write to");
        let mut gzip = flate2::write::GzEncoder::new(out, flate2::Compression::default());
        gzip.write_all(restyled(&file.json, style).as_bytes())
            .expect("room on the disk");
        gzip.finish().expect("room on the disk");
    }
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

impl Sink for Null {
    fn event(&mut self, event: &Event<'_>) {
        black_box(event);
        self.0 += 1;
    }

    fn heard(&mut self, _: &str, _: &str, _: u32, _: bool) {
        self.0 += 1;
    }
}

fn scan(folder: &Path, threads: usize) -> (f64, logs::Reading) {
    let start = Instant::now();
    let (sinks, reading) = logs::read(
        &logs::Ask {
            roots: &[folder.to_owned()],
            span: 0..i64::MAX / 2,
            threads,
            cache: None,
        },
        Null::default,
        &|_| {},
    );
    black_box(sinks.iter().map(|sink| sink.0).sum::<u64>());
    (start.elapsed().as_secs_f64(), reading)
}

fn ratio(what: &str, pairs: u32, one: impl Fn() -> f64, other: impl Fn() -> f64) {
    one();
    other();
    let (mut wall, mut one_cpu, mut other_cpu) = (Vec::new(), 0, 0);
    for _ in 0..pairs {
        let start = cpu();
        let one = one();
        let middle = cpu();
        wall.push(one / other());
        one_cpu += middle - start;
        other_cpu += cpu() - middle;
    }
    wall.sort_by(f64::total_cmp);
    println!(
        "{what}: wall {:.3} [{:.3}-{:.3}], processor {:.3}",
        wall[wall.len() / 2],
        wall[0],
        wall[wall.len() - 1],
        one_cpu as f64 / other_cpu as f64
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

/// What `compare.py` makes other tools count too.
#[derive(Default)]
struct Counts(BTreeMap<String, u64>);

impl Sink for Counts {
    fn event(&mut self, event: &Event<'_>) {
        let key = format!(
            "{},{},{},{},{},{},{}",
            event.account,
            event.region,
            event.time / 3_600,
            event.name,
            event.error_code.as_deref().unwrap_or_default(),
            event.target.as_deref().unwrap_or_default(),
            event.identity.arn.as_deref().unwrap_or_default(),
        );
        *self.0.entry(key).or_default() += 1;
    }

    fn heard(&mut self, _: &str, _: &str, _: u32, _: bool) {}
}

fn counts(folder: &Path) {
    let (sinks, _) = logs::read(
        &logs::Ask {
            roots: &[folder.to_owned()],
            span: 0..i64::MAX / 2,
            threads: 2,
            cache: None,
        },
        Counts::default,
        &|_| {},
    );
    let mut all = BTreeMap::<String, u64>::new();
    for (key, count) in sinks.into_iter().flat_map(|sink| sink.0) {
        *all.entry(key).or_default() += count;
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (key, count) in all {
        let _ = writeln!(out, "{key},{count}");
    }
}
