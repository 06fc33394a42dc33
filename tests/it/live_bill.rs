//! Bills that lie in a bucket, copied by the real program from the S3 on the loopback.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::aws::world::Bucket;
use crate::aws::{Aws, Fault};
use crate::live::{scan, small};

const A: &str = "111122223333";

/// Yesterday as a day, and its month: inside the window of a scan of now.
fn yesterday() -> (String, String) {
    let day = Timestamp::now() - SignedDuration::from_hours(24);
    let day = day.strftime("%Y-%m-%d").to_string();
    let month = day[..7].to_owned();
    (day, month)
}

/// An export that keeps its deliveries: two of this month, of which the manifest names one, and an old month.
fn export() -> Bucket {
    let (day, month) = yesterday();
    let bill = |usd: &str| {
        format!(
            "line_item_usage_account_id,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,\
             line_item_usage_type,line_item_unblended_cost,line_item_line_item_type\n\
             {A},{day}T00:00:00Z,{day}T01:00:00Z,AWSSecretsManager,USE1-AWSSecretsManager-Secrets,{usd},Usage\n"
        )
    };
    let data = format!("cur/x/data/BILLING_PERIOD={month}");
    let named = format!("s3://bills/{data}/new/x-1.csv");
    let manifest = json!({"dataFiles": [named]}).to_string();
    Bucket::new("bills", A, "eu-west-1")
        .object(&format!("{data}/new/x-1.csv"), bill("3.25"))
        .object(&format!("{data}/old/x-1.csv"), bill("9"))
        .object(
            &format!("cur/x/metadata/BILLING_PERIOD={month}/x-Manifest.json"),
            manifest,
        )
        .object(
            "cur/x/data/BILLING_PERIOD=2020-01/new/x-1.csv",
            "no bill at all",
        )
}

#[test]
fn an_export_in_a_bucket_is_copied_and_read_with_its_manifest() {
    let aws = Aws::start(small().bucket(export()));
    let folder = tempfile::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--bill", "s3://bills/cur"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let bytes = std::fs::read(folder.path().join("bill.json")).unwrap();
    let found: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(found["totals"]["billed_usd"], "3.250000");
    assert!(run.said().contains("3 files"), "{}", run.said());
}

#[test]
fn what_cannot_be_copied_is_said_before_the_scan() {
    for (world, place, expect) in [
        (
            small().bucket(export().closed("cur/")),
            "s3://bills/cur",
            "the list of files",
        ),
        (
            small().bucket(export()),
            "s3://bills/other",
            "is it the right prefix",
        ),
        (
            small()
                .bucket(export())
                .fault(Fault::denied().on("s3", "GetObject")),
            "s3://bills/cur",
            "cannot be read",
        ),
    ] {
        let aws = Aws::start(world);
        let folder = tempfile::tempdir().unwrap();
        let run = scan(&aws, folder.path(), &["--bill", place]);
        assert_eq!(run.code(), Some(1), "{}", run.said());
        assert!(run.said().contains(expect), "{expect}: {}", run.said());
    }
}

#[test]
fn what_is_too_large_is_refused_before_a_byte_is_fetched() {
    let huge = export().made("cur/huge.csv", 21_000_000_000, || {
        unreachable!("it is only listed")
    });
    let aws = Aws::start(small().bucket(huge));
    let folder = tempfile::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--bill", "s3://bills/cur"]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(
        run.said().contains("name the folder of the month"),
        "{}",
        run.said()
    );
    assert!(aws.calls_of("s3", "GetObject").is_empty());
}
