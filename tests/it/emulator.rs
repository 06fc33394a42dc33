//! The real program against moto and `MiniStack`, emulators that nobody here wrote: what the loopback AWS believes of the
//! protocol is checked against two other readings of it.
//!
//! moto is honest about listing, paging, describing, tags, replicas, accounts by role, scheduled deletions and
//! restoring. It never sets `LastAccessedDate`, shows the end of the window as `DeletedDate`, leaves `PrimaryRegion` off
//! the primary, and has neither event history nor `account:ListRegions`: nothing here rests on these, but on their
//! absence being named. `MiniStack` has an event history, so there the calls since a scan are looked up and watched for; it
//! records refused calls as if they had been answered.
//!
//! The tests install both themselves, with the pinned `emulator/moto.txt` and `emulator/ministack.txt`, once for each target
//! folder. Without Python they say so and pass.

mod server;

use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};
use serde_json::{Value, json};

use crate::run_result::{report, verdict};

use server::{Emulator, MINISTACK, MOTO, said};

/// moto's account for credentials that no role gave.
const OWN: &str = MOTO.account;
const OTHER: &str = "210987654321";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// The row of a secret.
fn row<'a>(report: &'a Value, region: &str, name: &str) -> &'a Value {
    let mut rows = report["secrets"].as_array().unwrap().iter();
    rows.find(|row| row["region"] == region && row["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {region}"))
}

async fn create(client: &Client, name: &str) {
    let tag = Tag::builder().key("owner").value("team").build();
    let made = client
        .create_secret()
        .name(name)
        .secret_string("x")
        .tags(tag);
    made.send().await.unwrap();
}

#[tokio::test]
async fn the_inventory_of_two_accounts_and_two_regions_is_right() {
    let Some(mut moto) = Emulator::start(&MOTO) else {
        return;
    };
    let east = moto.client(OWN, EAST).await;
    for number in 0..230 {
        create(&east, &format!("app/{number}")).await;
    }
    create(&moto.client(OWN, WEST).await, "app/0").await;
    create(&moto.client(OTHER, EAST).await, "team/=hyperlink-AbC123").await;
    let replica = ReplicaRegionType::builder().region(WEST).build();
    let replicated = east
        .create_secret()
        .name("app/replicated")
        .secret_string("x");
    replicated
        .add_replica_regions(replica)
        .send()
        .await
        .unwrap();
    let going = east.delete_secret().secret_id("app/7");
    going.recovery_window_in_days(7).send().await.unwrap();
    moto.age(400);

    let folder = crate::scratch::tempdir().unwrap();
    let accounts = format!("{OWN},{OTHER}");
    let scan = moto.run(
        folder.path(),
        &[
            "scan",
            "--accounts",
            &accounts,
            "--role-name",
            "audit",
            "--regions",
            "us-east-1,eu-west-1",
            "--no-trail",
            "--trust-last-accessed",
            "--save",
            "saved",
            "--out",
            "live",
        ],
    );
    assert_eq!(scan.status.code(), Some(0), "{}", said(&scan));
    let live = report(&folder.path().join("live"));
    let counts: Vec<Value> = live["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| json!([scope["account"], scope["region"], scope["secrets"]]))
        .collect();
    assert_eq!(
        counts,
        [
            json!([OWN, WEST, 2]),
            json!([OWN, EAST, 231]),
            json!([OTHER, WEST, 0]),
            json!([OTHER, EAST, 1]),
        ]
    );
    for (region, name, expected) in [
        (EAST, "app/229", "delete: never-read"),
        (EAST, "app/7", "keep: pending-deletion never-read"),
        (EAST, "app/replicated", "delete: never-read"),
        (WEST, "app/replicated", "keep: replica"),
        (EAST, "team/=hyperlink-AbC123", "delete: never-read"),
    ] {
        assert_eq!(
            verdict(row(&live, region, name)),
            expected,
            "{region} {name}"
        );
    }
    assert_eq!(
        row(&live, EAST, "app/replicated")["replicas"],
        json!([WEST])
    );
    assert_eq!(row(&live, EAST, "app/3")["owner"], "team");

    // What was saved is what `aws` would have printed, and judges alike.
    let made = live["made"].as_str().unwrap();
    let again = moto.run(
        folder.path(),
        &[
            "scan",
            "--inventory",
            "saved/inventory",
            "--no-trail",
            "--trust-last-accessed",
            "--now",
            made,
            "--out",
            "saved-scan",
        ],
    );
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(
        report(&folder.path().join("saved-scan"))["secrets"],
        live["secrets"]
    );
}

/// Scan, plan, apply, watch and restore; with `lookup` the calls since the scan are looked up.
async fn a_plan_is_applied_and_taken_back(emulator: &mut Emulator, lookup: &[&str]) {
    let own = emulator.make.account;
    let east = emulator.client(own, EAST).await;
    for number in 0..10 {
        create(&east, &format!("app/{number}")).await;
    }
    emulator.age(400);
    let folder = crate::scratch::tempdir().unwrap();
    let ends = |args: &[&str], code: i32| {
        let output = emulator.run(folder.path(), args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        said
    };
    // Not by DescribeSecret, which names the secret: whoever describes a secret asks for it.
    let pending = async |name: &str| {
        let list = east.list_secrets().include_planned_deletion(true);
        let list = list.send().await.unwrap();
        let mut secrets = list.secret_list().iter();
        let secret = secrets.find(|secret| secret.name() == Some(name)).unwrap();
        secret.deleted_date().is_some()
    };
    let scan = [
        "scan",
        "--regions",
        EAST,
        "--no-trail",
        "--trust-last-accessed",
    ];
    ends(&[&scan[..], &["--out", "report"]].concat(), 0);
    ends(&["plan", "report", "--only", "app/1", "--only", "app/2"], 0);
    let apply = [&["apply", "report/plan.csv"][..], lookup].concat();
    ends(&apply, 0);
    assert!(!pending("app/1").await, "a dry run changes nothing");
    let execute = [&apply[..], &["--execute", "--yes", own]].concat();
    ends(&execute, 0);
    assert!(pending("app/1").await && pending("app/2").await && !pending("app/3").await);
    // Again: everything is done, and nothing is done twice.
    ends(&execute, 0);
    ends(&["status", "report/plan.csv"], 0);
    let watch = ["watch", "report/plan.csv"];
    if emulator.make.has_event_history {
        let quiet = ends(&watch, 0);
        assert!(quiet.contains("No requests for"), "{quiet}");
        // A refused read would be on record as one that was answered, which cannot be after a deletion.
        east.describe_secret()
            .secret_id("app/1")
            .send()
            .await
            .unwrap();
        // What was asked in the second that a look ends in is not in it, and one takes far less than a second.
        let end = Instant::now() + Duration::from_mins(1);
        let mut looks = std::iter::from_fn(|| {
            (Instant::now() < end).then(|| emulator.run(folder.path(), &watch))
        });
        let asked = looks.find(|look| look.status.code() != Some(0)).unwrap();
        assert_eq!(asked.status.code(), Some(5), "{}", said(&asked));
        assert!(said(&asked).contains("app/1"), "{}", said(&asked));
    } else {
        ends(&watch, 3);
    }
    ends(&["restore", "report/plan.csv"], 0);
    assert!(!pending("app/1").await && !pending("app/2").await);
}

#[tokio::test]
async fn moto_takes_a_plan_and_gives_it_back() {
    let Some(mut moto) = Emulator::start(&MOTO) else {
        return;
    };
    a_plan_is_applied_and_taken_back(&mut moto, &["--no-lookup"]).await;
}

#[tokio::test]
async fn ministack_takes_a_plan_and_gives_it_back() {
    let Some(mut ministack) = Emulator::start(&MINISTACK) else {
        return;
    };
    a_plan_is_applied_and_taken_back(&mut ministack, &[]).await;
}

#[tokio::test]
async fn what_the_emulator_lacks_is_named_and_the_rest_is_read() {
    let Some(moto) = Emulator::start(&MOTO) else {
        return;
    };
    create(&moto.client(OWN, EAST).await, "app/1").await;
    create(&moto.client(OWN, "ap-south-1").await, "app/2").await;
    let folder = crate::scratch::tempdir().unwrap();
    let scan = moto.run(
        folder.path(),
        &["scan", "--out", "report", "--lookup-pace", "0"],
    );
    assert_eq!(scan.status.code(), Some(3), "{}", said(&scan));
    let report = report(&folder.path().join("report"));
    assert_eq!(report["totals"]["secrets"], 2);
    assert_eq!(
        report["scopes"].as_array().unwrap().len(),
        34,
        "every Region is tried"
    );
    let gaps = report["gaps"].as_array().unwrap();
    let of = |source: &str| gaps.iter().filter(|gap| gap["source"] == source).count();
    assert_eq!(of("account:ListRegions"), 1, "{gaps:#?}");
    assert_eq!(of("cloudtrail:LookupEvents"), 34, "{gaps:#?}");
}
