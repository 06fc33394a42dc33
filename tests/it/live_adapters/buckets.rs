//! A trail's bucket, read through its adapter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secretsweep::aws::bucket::{self, PayerOfRequests};
use secretsweep::aws::{AwsSession, Connect};
use secretsweep::domain::base::span::Span;
use secretsweep::ports::{Feed, NoProgress};

use super::{A, B, Basket, C, EAST, WEST, connect, session, text};
use crate::aws::world::{Bucket, at};
use crate::aws::{Aws, Fault, World};

fn key(root: &str, account: &str, region: &str, day: &str, number: usize) -> String {
    let date = day.replace('/', "");
    format!(
        "{root}{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{date}T0005Z_{number:016}.json.gz"
    )
}

fn to_read(regions: &[&str]) -> bucket::BucketRequest {
    bucket::BucketRequest {
        span: Span {
            from: at("2026-11-01T00:00:00Z"),
            to: at("2026-11-03T12:00:00Z"),
        },
        regions: regions.iter().map(|name| name.parse().unwrap()).collect(),
        payer: PayerOfRequests::Owner,
        in_flight: 64 << 10,
    }
}

async fn fetch(
    session: &AwsSession,
    place: &str,
    ask: &bucket::BucketRequest,
) -> (bucket::BucketRead, BTreeMap<String, Vec<u8>>) {
    let basket = Arc::new(Basket::default());
    let feed: Arc<dyn Feed> = basket.clone();
    let read = bucket::read(session, &place.parse().unwrap(), ask, feed, &NoProgress).await;
    let files = std::mem::take(&mut *basket.files.lock().unwrap());
    (read, files)
}

/// Fills a folder in AWS's layout with five days of one account and Region, a digest and an insight.
fn fill(mut bucket: Bucket, root: &str, account: &str, region: &str) -> Bucket {
    for day in [
        "2026/10/31",
        "2026/11/01",
        "2026/11/03",
        "2026/11/04",
        "2026/11/05",
    ] {
        for number in 0..3 {
            let key = key(root, account, region, day, number);
            bucket = bucket.object(&key, format!("{day} {number}"));
        }
    }
    let digest = format!(
        "{root}{account}/CloudTrail-Digest/{region}/2026/11/01/{account}_CloudTrail-Digest_{region}_t_{region}_20261101T000000Z.json.gz"
    );
    bucket
        .object(&digest, "digest")
        .object(&digest.replace("Digest", "Insight"), "insight")
        .object(&format!("{root}{account}/Config/x/y.json.gz"), "other")
}

#[tokio::test]
async fn a_bucket_gives_the_log_files_of_the_days_and_nothing_else() {
    let layouts = [
        ("AWSLogs/", "s3://logs-1"),
        ("AWSLogs/", "s3://logs-1/AWSLogs/"),
        ("AWSLogs/", "s3://logs-1/AWSLogs/111122223333"),
        (
            "AWSLogs/",
            "s3://logs-1/AWSLogs/111122223333/CloudTrail/us-east-1",
        ),
        ("AWSLogs/o-abc/", "s3://logs-1"),
        ("AWSLogs/o-abc/", "s3://logs-1/AWSLogs/o-abc/"),
        ("team/trails/AWSLogs/", "s3://logs-1"),
        ("team/trails/AWSLogs/o-abc/", "s3://logs-1/team/trails/"),
    ];
    for (root, place) in layouts {
        let bucket = fill(Bucket::new("logs-1", A, WEST), root, A, EAST);
        let aws = Aws::start(World::new(A).regions(&[EAST, WEST]).bucket(bucket));
        let session = session(&aws).await;
        let (read, files) = fetch(&session, place, &to_read(&[])).await;
        assert_eq!(read.gaps, [], "{place}");
        let days = ["2026/11/01", "2026/11/03", "2026/11/04"];
        let expect: BTreeMap<String, Vec<u8>> = days
            .iter()
            .flat_map(|day| {
                (0..3).map(move |n| {
                    (
                        key(root, A, EAST, day, n),
                        format!("{day} {n}").into_bytes(),
                    )
                })
            })
            .collect();
        assert_eq!(files, expect, "{place}");
        assert_eq!((read.objects, read.bytes), (9, 9 * 12), "{place}");
        let lists = aws.calls_of("s3", "ListObjectsV2").len();
        assert!(lists < 12, "{place}: {lists} listings");
    }
}

#[tokio::test]
async fn only_the_regions_that_were_asked_for_are_listed() {
    let mut bucket = Bucket::new("logs-1", A, EAST);
    for (account, region) in [(A, EAST), (A, WEST), (B, EAST), (C, WEST)] {
        bucket = fill(bucket, "AWSLogs/o-abc/", account, region);
    }
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    // Of every account: a call for a secret is logged by the account that makes it, too.
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[WEST])).await;
    assert_eq!((read.branches, files.len(), read.gaps.len()), (2, 18, 0));
    assert!(files.keys().all(|key| key.contains(WEST)));
    let listed = aws.calls_of("s3", "ListObjectsV2");
    assert!(
        listed.iter().all(|call| !call.body.contains(EAST)),
        "nobody asked for {EAST}"
    );
}

#[tokio::test]
async fn a_place_that_is_not_in_the_layout_is_read_by_name_and_content() {
    let name = "111122223333_CloudTrail_us-east-1_20261102T0005Z_0000000000000000.json.gz";
    let old = name.replace("20261102", "20260102");
    let bucket = Bucket::new("copies", A, EAST)
        .object(&format!("flat/{name}"), "wanted")
        .object(&format!("flat/{old}"), "old")
        .object("flat/export.json", "perhaps")
        .object("flat/readme.txt", "no");
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://copies/flat", &to_read(&[])).await;
    assert_eq!(read.gaps, []);
    assert_eq!(
        files.into_values().collect::<Vec<_>>(),
        [b"wanted".to_vec(), b"perhaps".to_vec()]
    );
}

#[tokio::test]
async fn what_a_bucket_does_not_give_is_a_gap_and_the_rest_is_read() {
    let mut bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    bucket = fill(bucket, "AWSLogs/", B, EAST).closed(&format!("AWSLogs/{B}/"));
    bucket = fill(bucket, "AWSLogs/", C, EAST);
    let damaged = key("AWSLogs/", C, EAST, "2026/11/03", 1);
    bucket = bucket.object(&damaged, "damaged");
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let missing = key("AWSLogs/", A, EAST, "2026/11/01", 2);
    let gone = missing.clone();
    // Listed, and taken away before it is fetched.
    aws.inject(
        Fault::after(move |world: &mut World, call| {
            if call.body.contains(A) && call.body.contains("us-east-1") {
                world
                    .buckets
                    .get_mut("logs-1")
                    .unwrap()
                    .objects
                    .remove(&gone);
            }
        })
        .on("s3", "ListObjectsV2"),
    );
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(files.len(), 9 + 9 - 2);
    let gaps = text(&read.gaps);
    assert_eq!(read.gaps.len(), 3, "{gaps}");
    for words in [
        missing.as_str(),
        damaged.as_str(),
        "not found",
        "no gzip",
        "s3:ListBucket is missing",
        "--request-payer",
    ] {
        assert!(gaps.contains(words), "{words} in {gaps}");
    }
}

#[tokio::test]
async fn bodies_that_break_off_and_answers_that_fail_are_fetched_again() {
    let bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let get = |fault: Fault| fault.on("s3", "GetObject");
    aws.inject(get(Fault::cut()).nth(1));
    aws.inject(get(Fault::cut()).nth(2));
    aws.inject(get(Fault::reset_before()).nth(5));
    aws.inject(
        get(Fault::refuse(
            503,
            "SlowDown",
            "Please reduce your request rate.",
        ))
        .nth(7),
    );
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(
        (files.len(), read.gaps.len()),
        (9, 0),
        "{}",
        text(&read.gaps)
    );
}

#[tokio::test]
async fn a_requester_pays_bucket_is_read_when_that_is_said() {
    let bucket = fill(Bucket::new("logs-1", B, WEST), "AWSLogs/", A, EAST)
        .shared_with(A)
        .requester_pays();
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert!(files.is_empty());
    assert!(
        text(&read.gaps).contains("--request-payer"),
        "{}",
        text(&read.gaps)
    );
    let ask = bucket::BucketRequest {
        payer: PayerOfRequests::Requester,
        ..to_read(&[])
    };
    let (read, files) = fetch(&session, "s3://logs-1", &ask).await;
    assert_eq!(
        (files.len(), read.gaps.len()),
        (9, 0),
        "{}",
        text(&read.gaps)
    );
}

#[tokio::test]
async fn a_bucket_that_is_not_there_or_empty_is_a_gap() {
    let aws = Aws::start(World::new(A).bucket(Bucket::new("empty-1", A, EAST)));
    let session = session(&aws).await;
    let (read, _) = fetch(&session, "s3://empty-1/x", &to_read(&[])).await;
    assert_eq!(read.objects, 0);
    assert!(
        text(&read.gaps).contains("right prefix"),
        "{}",
        text(&read.gaps)
    );
    let (read, _) = fetch(&session, "s3://nothing-1", &to_read(&[])).await;
    assert!(
        text(&read.gaps).contains("not found"),
        "{}",
        text(&read.gaps)
    );
}

#[tokio::test]
async fn objects_are_fetched_side_by_side_within_the_bound_on_memory() {
    let mut bucket = Bucket::new("logs-1", A, EAST);
    for number in 0..40 {
        let key = key("AWSLogs/", A, EAST, "2026/11/02", number);
        bucket = bucket.made(&key, 100_000, move || vec![b'x'; 100_000]);
    }
    let slow = Fault::slow(Duration::from_millis(1)).on("s3", "GetObject");
    let aws = Aws::start(World::new(A).bucket(bucket).fault(slow));
    let session = session(&aws).await;
    // Room for eight, for two, and for less than one: that is still one object at a time.
    for (in_flight, most) in [(800 << 10, 2..=8), (200 << 10, 2..=2), (1, 1..=1)] {
        aws.objects().forget();
        let ask = bucket::BucketRequest {
            in_flight,
            ..to_read(&[])
        };
        let (read, files) = fetch(&session, "s3://logs-1", &ask).await;
        assert_eq!((read.bytes, files.len()), (4_000_000, 40));
        let seen = aws.objects().most();
        assert!(most.contains(&seen), "{seen} at once in {in_flight} bytes");
    }
}

#[tokio::test]
async fn every_trail_of_a_bucket_is_read_wherever_its_folder_lies() {
    let mut bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    bucket = fill(bucket, "org/AWSLogs/o-abc/", B, EAST);
    bucket = fill(bucket, "a/b/c/d/AWSLogs/", C, EAST);
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(read.gaps, []);
    for account in [A, B, C] {
        let of = files.keys().filter(|key| key.contains(account)).count();
        assert_eq!(of, 9, "{account}");
    }
}

#[tokio::test]
async fn where_the_search_for_trails_ends_early_the_folders_left_out_are_named() {
    let mut bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    for number in 0..150 {
        bucket = bucket.object(&format!("job-{number:03}/data.txt"), "other");
    }
    bucket = fill(bucket, "zoo/AWSLogs/", B, EAST);
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(files.len(), 9);
    let gaps = text(&read.gaps);
    assert_eq!(read.gaps.len(), 1, "{gaps}");
    for words in [
        "s3://logs-1/job-099/",
        "51 more folders",
        "s3://logs-1/zoo/",
        "AWSLogs",
    ] {
        assert!(gaps.contains(words), "{words} in {gaps}");
    }
    let (read, files) = fetch(&session, "s3://logs-1/zoo", &to_read(&[])).await;
    assert_eq!((files.len(), read.gaps.len()), (9, 0));
}

#[tokio::test]
async fn a_closed_folder_hides_only_what_is_in_it() {
    let bucket = Bucket::new("copies", A, EAST)
        .object("a/export.json", "perhaps")
        .object("b/export.json", "closed")
        .closed("b/");
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://copies", &to_read(&[])).await;
    assert_eq!(files.into_keys().collect::<Vec<_>>(), ["a/export.json"]);
    assert_eq!(read.gaps.len(), 1);
    assert!(
        text(&read.gaps).contains("b/export.json"),
        "{:?}",
        read.gaps
    );
}

#[tokio::test]
async fn many_folders_without_a_trail_are_listed_whole() {
    let mut bucket = Bucket::new("copies", A, EAST);
    for number in 0..150 {
        bucket = bucket.object(&format!("{number:03}/export.json"), "perhaps");
    }
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let (read, files) = fetch(&session, "s3://copies", &to_read(&[])).await;
    assert_eq!((files.len(), read.gaps.len()), (150, 0));
}

#[tokio::test]
async fn an_object_is_asked_for_as_often_as_was_said_and_no_more() {
    for fault in [
        Fault::reset_before(),
        Fault::cut(),
        Fault::refuse(503, "SlowDown", "Please reduce your request rate."),
    ] {
        let bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
        let aws = Aws::start(World::new(A).bucket(bucket));
        let session = AwsSession::open(Connect {
            max_attempts: Some("2".to_owned()),
            ..connect(&aws, A)
        })
        .await
        .unwrap();
        aws.inject(fault.on("s3", "GetObject"));
        let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
        assert_eq!((files.len(), read.gaps.len()), (0, 1), "{:?}", read.gaps);
        let asked = aws.calls_of("s3", "GetObject").len();
        assert_eq!(asked, 9 * 2, "{:?}", read.gaps);
    }
}

#[tokio::test]
async fn a_bucket_that_is_busy_is_waited_for() {
    let bucket = fill(Bucket::new("logs-1", A, EAST), "AWSLogs/", A, EAST);
    let aws = Aws::start(World::new(A).bucket(bucket));
    let session = session(&aws).await;
    let busy = Fault::refuse(503, "SlowDown", "Please reduce your request rate.");
    aws.inject(
        busy.on("s3", "GetObject")
            .during(Duration::from_millis(1_500)),
    );
    let (read, files) = fetch(&session, "s3://logs-1", &to_read(&[])).await;
    assert_eq!(
        (files.len(), read.gaps.len()),
        (9, 0),
        "{}",
        text(&read.gaps)
    );
}
