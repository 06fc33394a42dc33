//! The stages of reading one log file, by the share of records that are ours.
//!
//! `inflate` is what no reader can beat; `read` is what comes on top.

use std::hint::black_box;
use std::io::Write as _;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use secretsweep::domain::trail::event::{EventSink, TrailEvent};
use secretsweep::domain::trail::record::{self, TrailOwner};
use secretsweep::files::inflate::Inflater;

#[expect(dead_code, reason = "one file is enough")]
mod generate;

use generate::{LogFile, Spec, Style, restyled};

/// Takes everything in and keeps nothing.
struct Null;

impl EventSink for Null {
    fn event(&mut self, event: &TrailEvent<'_>) {
        black_box(event);
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        black_box((account, region, hour, read_only));
    }
}

const SCOPE: Option<TrailOwner<'static>> = Some(TrailOwner {
    account: "111122223333",
    region: "eu-west-1",
});

/// The first file of a trail: about 700 kB of JSON in the account and Region of [`SCOPE`].
fn file(ours: u32) -> LogFile {
    let spec = Spec {
        ours,
        ..Spec::default()
    };
    let mut files = generate::files(&spec);
    files.next().expect("a trail has files")
}

fn stages(criterion: &mut Criterion) {
    for (share, ours) in [("2 %", 20), ("20 %", 200), ("90 %", 900)] {
        let LogFile { json, path } = file(ours);
        black_box(path);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(json.as_bytes()).expect("memory");
        let gzip = gzip.finish().expect("memory");
        let mut group = criterion.benchmark_group("stages");
        group.throughput(Throughput::Bytes(json.len() as u64));
        let mut inflater = Inflater::new().expect("memory");
        group.bench_function(BenchmarkId::new("inflate", share), |bencher| {
            bencher.iter(|| inflater.whole(&gzip, 1 << 30).map(|(bytes, _)| bytes.len()));
        });
        group.bench_function(BenchmarkId::new("read", share), |bencher| {
            bencher.iter(|| record::read(json.as_bytes(), SCOPE, &mut Null));
        });
        group.finish();
    }
}

fn styles(criterion: &mut Criterion) {
    let LogFile { json, .. } = file(20);
    let mut group = criterion.benchmark_group("styles");
    for style in [
        Style::Compact,
        Style::Spaced,
        Style::Pretty,
        Style::Sorted,
        Style::Escaped,
    ] {
        let json = restyled(&json, style);
        group.throughput(Throughput::Bytes(json.len() as u64));
        group.bench_function(
            BenchmarkId::from_parameter(format!("{style:?}")),
            |bencher| {
                bencher.iter(|| record::read(json.as_bytes(), SCOPE, &mut Null));
            },
        );
    }
    // Without a path to believe, each record has to be walked to its account.
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("Compact, path unknown", |bencher| {
        bencher.iter(|| record::read(json.as_bytes(), None, &mut Null));
    });
    group.finish();
}

criterion_group!(benches, stages, styles);
criterion_main!(benches);
