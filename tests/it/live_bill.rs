//! Bills that lie in a bucket, copied by the real program from the S3 on the loopback.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::aws::world::{Bucket, Charge};
use crate::aws::{Aws, Fault, World};
use crate::live::{scan, small};
use crate::world::words;

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
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--bill", "s3://bills/cur"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let bytes = std::fs::read(folder.path().join("bill.json")).unwrap();
    let found: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(found["totals"]["billed_usd"], "3.250000");
    assert!(run.said().contains("3 files"), "{}", run.said());
}

#[test]
fn what_cannot_be_copied_is_said_before_the_scan() {
    for (world, place, expect, help) in [
        (
            small().bucket(export().closed("cur/")),
            "s3://bills/cur",
            "the list of files",
            "help: check the address, and the permissions",
        ),
        (
            small().bucket(export()),
            "s3://bills/other",
            "holds no file of a bill of these days",
            "help: check the prefix",
        ),
        (
            small()
                .bucket(export())
                .fault(Fault::denied().on("s3", "GetObject")),
            "s3://bills/cur",
            "cannot be read",
            "help: check the address, and the permissions",
        ),
    ] {
        let aws = Aws::start(world);
        let folder = crate::scratch::tempdir().unwrap();
        let run = scan(&aws, folder.path(), &["--bill", place]);
        assert_eq!(run.code(), Some(1), "{}", run.said());
        for words in [expect, help] {
            assert!(run.said().contains(words), "{words}: {}", run.said());
        }
    }
}

#[test]
fn what_is_too_large_is_refused_before_a_byte_is_fetched() {
    let huge = export().made("cur/huge.csv", 21_000_000_000, || {
        unreachable!("it is only listed")
    });
    let aws = Aws::start(small().bucket(huge));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--bill", "s3://bills/cur"]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert!(
        run.said().contains("help: name the folder of the month"),
        "{}",
        run.said()
    );
    assert!(aws.calls_of("s3", "GetObject").is_empty());
}

/// A world in which each of the last twenty-five days was charged: storage, and calls of another account.
fn charged() -> World {
    let mut world = small();
    for back in 1..=25 {
        let day = Timestamp::now() - SignedDuration::from_hours(24 * back);
        let day = day.strftime("%Y-%m-%d").to_string();
        for (usage_type, account, usd, quantity) in [
            ("USE1-AWSSecretsManager-Secrets", A, "0.0263", "0.0657"),
            (
                "EUW1-AWSSecretsManagerAPIRequest",
                "444455556666",
                "0.01",
                "2000",
            ),
            ("USE1-KMS-Requests", A, "5", "1000000"),
        ] {
            world.charges.push(Charge {
                day: day.clone(),
                usage_type: usage_type.to_owned(),
                account: account.to_owned(),
                usd: usd.to_owned(),
                quantity: quantity.to_owned(),
            });
        }
    }
    world
}

#[test]
fn the_bill_is_asked_of_cost_explorer_page_by_page_and_what_that_costs_is_said_first() {
    let aws = Aws::start(charged());
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, folder.path(), &["--bill", "ce"]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let said = run.said();
    assert!(said.contains("at most 20 requests, $0.01 each"), "{said}");
    assert!(said.contains("was asked in 3 requests"), "{said}");
    assert_eq!(aws.calls_of("ce", "GetCostAndUsage").len(), 3);
    let asked = aws.calls_of("ce", "GetCostAndUsage").remove(0);
    assert_eq!(asked.region, "us-east-1");
    let bytes = std::fs::read(folder.path().join("bill.json")).unwrap();
    let found: Value = serde_json::from_slice(&bytes).unwrap();
    // 25 days of 0.0263 and of 0.01: what belongs to KMS alone is no part of it.
    assert_eq!(found["totals"]["billed_usd"], "0.907500");
}

#[test]
fn more_requests_than_allowed_are_an_error_before_the_scan() {
    let aws = Aws::start(charged());
    let folder = crate::scratch::tempdir().unwrap();
    let args = ["--bill", "ce", "--bill-requests", "2"];
    let run = scan(&aws, &folder.path().join("out"), &args);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    let said = run.said();
    assert!(said.contains("more pages than the 2"), "{said}");
    assert!(said.contains("--bill-requests"), "{said}");
    assert_eq!(aws.calls_of("ce", "GetCostAndUsage").len(), 2);
    assert!(aws.calls_of("secretsmanager", "ListSecrets").is_empty());
}

#[test]
fn a_caller_who_may_not_ask_for_the_bill_learns_which_permission_is_missing() {
    let aws = Aws::start(charged().fault(Fault::denied().service("ce")));
    let folder = crate::scratch::tempdir().unwrap();
    let run = scan(&aws, &folder.path().join("out"), &["--bill", "ce"]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    let said = run.said();
    assert!(said.contains("ce:GetCostAndUsage is missing"), "{said}");
}

#[test]
fn prices_are_those_that_cost_explorer_knows() {
    let mut world = charged();
    for charge in &mut world.charges {
        if charge.usage_type.ends_with("Secrets") {
            // $0.30 for each month of a secret.
            (charge.usd, charge.quantity) = ("0.03".to_owned(), "0.1".to_owned());
        }
    }
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let args = words("--bill ce --prices from-bill --regions us-east-1");
    let run = scan(&aws, folder.path(), &args);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    let cost = &run.secret("idle")["cost"];
    assert_eq!(cost["storage_usd"], "0.300000", "{cost}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_a_bill_is_copied_leaves_no_copy() {
    let slow = Fault::slow(Duration::from_millis(200)).on("s3", "GetObject");
    let aws = Aws::start(small().bucket(export()).fault(slow));
    let (temporary, folder) = (
        crate::scratch::tempdir().unwrap(),
        crate::scratch::tempdir().unwrap(),
    );
    let mut scan = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    scan.args(["scan", "--bill", "s3://bills/cur", "--out", "out"])
        .current_dir(folder.path())
        .env("TMPDIR", temporary.path());
    let mut child = aws.on(&mut scan).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while aws.calls_of("s3", "GetObject").is_empty() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status();
    assert!(killed.unwrap().success());
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(signal, Some(2), "{said}");
    assert!(said.contains("the copy of the bill was removed"), "{said}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}
