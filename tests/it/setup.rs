//! `init` and the `[scan]` table that it writes: what an account has, asked by the real program, and the monthly command
//! that needs no options then.

use std::path::Path;
use std::process::Command;

use secretsweep::cli::ScanDefaults;
use secretsweep::domain::policy::Policy;
use serde_json::json;
use tempfile::TempDir;

use crate::aws::world::{Account, Bucket, Event, Rate, Secret, Trail};
use crate::aws::{Aws, Fault, World};
use crate::run_result::Outcome;
use crate::world as files;

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// Runs the program in a folder, against AWS.
fn run(aws: &Aws, folder: &Path, args: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    command.current_dir(folder).args(args);
    Outcome::of(aws.on(&mut command), &folder.join("reports/now"))
}

fn init(aws: &Aws, args: &[&str]) -> (TempDir, Outcome) {
    let folder = crate::scratch::tempdir().unwrap();
    let all = [&["init", "--lookup-pace", "0"], args].concat();
    let outcome = run(aws, folder.path(), &all);
    (folder, outcome)
}

/// The `[scan]` table of the file that was written.
fn scan_table(folder: &TempDir) -> toml::Table {
    let text = std::fs::read_to_string(folder.path().join("secretsweep.toml")).unwrap();
    let file: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    file["scan"].as_table().unwrap().clone()
}

/// Three Regions; secrets in two of them, and a read each day.
fn world() -> World {
    let now = jiff::Timestamp::now();
    let mut world = World::new(A)
        .account(Account::new(A, "main").outside())
        .regions(&[EAST, WEST, "us-west-2"])
        .lookup_rate(Rate::Unlimited)
        .secret(Secret::new(A, EAST, "app/db").created("2024-01-01"))
        .secret(Secret::new(A, EAST, "app/key").created("2024-01-01"))
        .secret(Secret::new(A, WEST, "app/eu").created("2024-01-01"));
    world.now = now;
    let reads = (1..80).map(|days: i64| {
        let at = now - jiff::SignedDuration::from_hours(24 * days);
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Event::read(&at, A, EAST, "app/db", "app", "i-0123456789abcdef0")
    });
    world.events(A, EAST, reads)
}

fn trail(name: &str, facts: serde_json::Value) -> Trail {
    Trail {
        account: A.to_owned(),
        home: EAST.to_owned(),
        name: name.to_owned(),
        bucket: format!("{name}-logs"),
        facts,
    }
}

/// A bucket with two small log files of yesterday for an account.
fn bucket(name: &str, account: &str) -> Bucket {
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    let [day, stamp] = ["%Y/%m/%d", "%Y%m%d"].map(|form| yesterday.strftime(form).to_string());
    let key = |minute: u32| {
        format!(
            "org/AWSLogs/{account}/CloudTrail/{EAST}/{day}/{account}_CloudTrail_{EAST}_{stamp}T12{minute:02}Z_abcdefghijklmno{minute}.json.gz"
        )
    };
    Bucket::new(&format!("{name}-logs"), A, EAST)
        .object(&key(10), vec![0; 600_000])
        .object(&key(20), vec![0; 400_000])
}

#[test]
fn one_account_is_asked_what_it_has_and_the_monthly_command_needs_no_options() {
    let aws = Aws::start(world());
    let (folder, init) = init(&aws, &[]);
    assert_eq!(init.code(), Some(0), "{} {}", init.said(), init.printed());
    let printed = init.printed();
    for line in [
        "  Secrets       3 in 2 of 3 Regions: eu-west-1 (1), us-east-1 (2)",
        "  Organization  none",
        "  Calls from    CloudTrail's event history: no trail was found",
        "Wrote secretsweep.toml.",
        "  2 requests to list secrets",
        "requests to the event history, which take less than a minute",
        "  It costs about $0.000010.",
        "  cloudtrail:LookupEvents",
    ] {
        assert!(printed.contains(line), "{line}:\n{printed}");
    }
    let table = scan_table(&folder);
    assert_eq!(
        table["regions"].to_string(),
        r#"["eu-west-1", "us-east-1"]"#
    );
    let scan = run(
        &aws,
        folder.path(),
        &["scan", "--lookup-pace", "0", "--out", "reports/now"],
    );
    assert_eq!(scan.code(), Some(0), "{}", scan.said());
    assert_eq!(scan.report["totals"]["secrets"], 3);
    assert_eq!(scan.report["scopes"].as_array().unwrap().len(), 2);
    assert!(folder.path().join(".secretsweep-cache").is_dir());
    // Nothing but questions.
    assert_eq!(aws.value_reads(), 0);
}

#[test]
fn an_organization_with_its_trail_is_measured_by_one_day_of_the_bucket() {
    let mut world = world()
        .account(Account::new(A, "main"))
        .regions(&[EAST, WEST])
        .account(Account::new(B, "team"))
        .organization(A)
        .role(B, "audit", None)
        .secret(Secret::new(B, EAST, "team/db").created("2024-01-01"))
        .bucket(bucket("whole", B));
    world.trails = vec![
        trail(
            "whole",
            json!({"IsMultiRegionTrail": true, "IsOrganizationTrail": true, "S3KeyPrefix": "org"}),
        ),
        trail(
            "writes",
            json!({"IsMultiRegionTrail": true, "ReadWriteType": "WriteOnly"}),
        ),
    ];
    let aws = Aws::start(world);
    let (folder, all) = init(&aws, &["--role-name", "audit"]);
    assert_eq!(all.code(), Some(0), "{} {}", all.said(), all.printed());
    let table = scan_table(&folder);
    assert_eq!(table["organization"].as_bool(), Some(true));
    assert_eq!(table["role_name"].as_str(), Some("audit"));
    assert_eq!(table["trail"].to_string(), r#"["s3://whole-logs/org"]"#);
    let printed = all.printed();
    assert!(printed.contains("4 in 2 of 2 Regions"), "{printed}");
    // 91 days like the one with two files.
    assert!(printed.contains("and 182 files (91 MB)"), "{printed}");
    assert!(printed.contains("sts:AssumeRole\n"), "{printed}");
    assert_eq!(
        aws.calls_of("s3", "GetObject").len(),
        0,
        "nothing is fetched"
    );
    let policy = run(&aws, folder.path(), &["iam-policy", "scan"]);
    assert!(
        policy.printed().contains("arn:aws:s3:::whole-logs/org/*"),
        "{}",
        policy.printed()
    );
    // Without a role it is this account alone, and the file says how to have them all.
    let (folder, own) = init(&aws, &[]);
    assert!(!scan_table(&folder).contains_key("organization"));
    assert!(
        own.printed().contains("2 accounts; `--role-name NAME`"),
        "{}",
        own.printed()
    );
}

#[test]
fn what_is_refused_is_named_and_stays_in_the_scan() {
    let mut world = world()
        .fault(
            Fault::denied()
                .on("secretsmanager", "ListSecrets")
                .region(WEST),
        )
        .fault(Fault::denied().on("s3", "ListObjectsV2"))
        .bucket(bucket("own", A));
    world.trails = vec![trail("own", json!({"IsMultiRegionTrail": true}))];
    let aws = Aws::start(world);
    let (folder, init) = init(&aws, &[]);
    assert_eq!(init.code(), Some(3), "{} {}", init.said(), init.printed());
    let printed = init.printed();
    assert!(
        printed.contains("eu-west-1 all secrets: denied: secretsmanager:ListSecrets"),
        "{printed}"
    );
    assert!(
        printed.contains("the bucket own-logs could not be listed"),
        "{printed}"
    );
    let table = scan_table(&folder);
    assert_eq!(
        table["regions"].to_string(),
        r#"["eu-west-1", "us-east-1"]"#
    );
    assert!(!table.contains_key("trail"));
}

#[test]
fn an_account_without_secrets_is_no_error_and_one_that_refuses_all_is() {
    let empty = World::new(A).account(Account::new(A, "main").outside());
    let aws = Aws::start(empty);
    let (folder, nothing) = init(&aws, &[]);
    assert_eq!(nothing.code(), Some(0), "{}", nothing.said());
    assert!(
        nothing.printed().contains("Secrets       none in 1 Region"),
        "{}",
        nothing.printed()
    );
    assert!(!scan_table(&folder).contains_key("regions"));
    let aws = Aws::start(world().fault(Fault::denied().on("secretsmanager", "ListSecrets")));
    let (folder, refused) = init(&aws, &[]);
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.said().contains("iam-policy init"),
        "{}",
        refused.said()
    );
    assert!(!folder.path().join("secretsweep.toml").exists());
}

#[test]
fn a_file_that_is_there_is_never_replaced_and_nobody_is_asked() {
    let aws = Aws::start(world());
    let folder = crate::scratch::tempdir().unwrap();
    std::fs::write(folder.path().join("secretsweep.toml"), "idle = \"60d\"\n").unwrap();
    let init = run(&aws, folder.path(), &["init"]);
    assert_eq!(init.code(), Some(1));
    assert!(
        init.said().contains("`secretsweep.toml` exists already"),
        "{}",
        init.said()
    );
    assert!(aws.calls().is_empty());
    let text = std::fs::read_to_string(folder.path().join("secretsweep.toml")).unwrap();
    assert_eq!(text, "idle = \"60d\"\n");
}

/// A folder of files with settings.
fn with_settings(settings: &str) -> TempDir {
    let folder = crate::scratch::tempdir().unwrap();
    files::World::new()
        .secrets([files::idle("old"), files::idle("used")])
        .call(files::get("used"))
        .write(folder.path());
    std::fs::write(folder.path().join("secretsweep.toml"), settings).unwrap();
    folder
}

#[test]
fn the_settings_file_gives_the_sources_and_the_command_line_wins() {
    let folder = with_settings(
        "[scan]\ninventory = [\"inventory\"]\ntrail = [\"trail\"]\nout = \"all/{month}/{date}\"\nformat = [\"markdown\"]\n",
    );
    let now = ["--now", files::NOW];
    let scan = files::program(folder.path(), &[&["scan"], &now[..]].concat());
    assert!(scan.status.success(), "{scan:?}");
    let day = &files::NOW[..10];
    let out = folder.path().join("all").join(&day[..7]).join(day);
    assert!(out.join("report.json").is_file() && out.join("summary.md").is_file());
    let args = [
        &["scan", "--no-trail", "--out", "other", "--format", "focus"],
        &now[..],
    ]
    .concat();
    let other = files::program(folder.path(), &args);
    assert_eq!(other.status.code(), Some(0), "{other:?}");
    let other = folder.path().join("other");
    assert!(other.join("focus.csv").is_file() && !other.join("summary.md").exists());
}

#[test]
fn the_settings_that_are_documented_are_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/settings.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let scan = ScanDefaults::parse(blocks.next().unwrap()).unwrap();
    assert_eq!(scan.out(), Some(Path::new("reports/{date}")));
    Policy::parse(blocks.next().unwrap()).unwrap();
    assert_eq!(blocks.next(), None);
}

#[test]
fn a_mistake_in_the_settings_names_the_file_the_line_and_the_key() {
    for (settings, what) in [
        ("[scan]\nregoins = [\"us-east-1\"]\n", "regoins"),
        ("[scan]\ntrail = \"trail\"\n", "line 2, column 9"),
        ("[scan]\naccounts = [\"1\"]\n", "line 2, column 12"),
        (
            "[scan]\nno_trail = true\ntrail = [\"trail\"]\n",
            "`trail` and `no_trail`",
        ),
    ] {
        let folder = with_settings(settings);
        let scan = files::program(folder.path(), &["scan"]);
        let said = String::from_utf8_lossy(&scan.stderr);
        assert_eq!(scan.status.code(), Some(1), "{said}");
        assert!(
            said.contains("`[scan]` of `secretsweep.toml`") && said.contains(what),
            "{said}"
        );
        assert!(!folder.path().join("reports").exists());
    }
    let folder = with_settings("[scan]\norganization = true\n");
    let scan = files::program(folder.path(), &["scan"]);
    let said = String::from_utf8_lossy(&scan.stderr);
    assert_eq!(scan.status.code(), Some(2), "{said}");
    assert!(said.contains("`--role-name NAME`"), "{said}");
}
