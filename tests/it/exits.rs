//! How the program ends, what it refuses, and what it promises to programs that read its result.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::*;

const USAGE: i32 = 2;

fn world() -> World {
    World::new()
        .secrets([idle("db"), idle("used")])
        .call(get("used"))
}

#[test]
fn a_complete_scan_ends_with_zero() {
    let scan = world().scan();
    assert_eq!((scan.code, scan.stderr.as_str()), (0, ""));
    assert!(scan.stdout.contains("2 secrets"), "{}", scan.stdout);
}

#[test]
fn what_could_not_be_read_ends_with_three_unless_it_is_allowed() {
    let broken = || world().file("trail/broken.json.gz", b"\x1f\x8b no gzip".as_slice());
    let scan = broken().scan();
    assert_eq!(scan.code, 3);
    assert!(scan.gaps().contains("broken.json.gz"), "{}", scan.gaps());
    assert_eq!(
        scan.verdict("db"),
        "review: coverage-gap idle",
        "nobody knows of what the file told"
    );
    let allowed = broken().args(&["--allow-partial"]).scan();
    assert_eq!(allowed.code, 0);
    assert!(
        allowed.gaps().contains("broken.json.gz"),
        "allowed, not hidden"
    );

    for (file, bytes) in [
        (
            "inventory/other.json",
            "{\"SecretList\": [{\"Name\": \"x\"}]}",
        ),
        ("inventory/cut.json", "{\"SecretList\": ["),
        ("trail/cut.json", "{\"Records\":[{\"eventTime\":\"2026"),
    ] {
        let scan = world().file(file, bytes).scan();
        assert_eq!(scan.code, 3, "{file}");
        assert!(
            scan.gaps().contains(file.rsplit('/').next().unwrap()),
            "{}",
            scan.gaps()
        );
    }
}

#[test]
fn a_trail_without_any_log_file_of_these_days_says_so() {
    let name = |service: &str, day: &str| {
        format!("trail/111122223333_{service}_eu-west-1_{day}T0855Z_AbCdEfGhIjKlMnOp.json.gz")
    };
    let old = |world: World| world.file(&name("CloudTrail", "20200131"), b"".as_slice());
    let secrets = || World::silent().secrets([idle("db")]);
    let scan = old(secrets()).scan();
    assert_eq!(scan.code, 3);
    let one = "the one file there is no log file of these days";
    assert!(scan.gaps().contains(one), "{}", scan.gaps());

    let digest = name("CloudTrail-Digest", "20200131");
    let scan = old(secrets().file(&digest, b"".as_slice())).scan();
    let none = "none of the 2 files there is a log file of these days";
    assert!(scan.gaps().contains(none), "{}", scan.gaps());
}

#[test]
fn findings_that_were_asked_about_end_with_four() {
    let failing = || world().call(denied("GetSecretValue", "db", "because"));
    for (args, code) in [
        (vec!["--fail-on", "failing-reads"], 4),
        (vec!["--fail-on", "missing-secret,failing-reads"], 4),
        (vec!["--fail-on", "failed-reads"], 4),
        (vec!["--fail-on", "missing-secret"], 0),
        (vec!["--fail-on", "recently-read"], 4),
        (vec!["--fail-above", "0"], 0),
    ] {
        assert_eq!(failing().args(&args).scan().code, code, "{args:?}");
    }
    // Deleting `db` saves $0.40 a month.
    for (limit, code) in [("0.39", 4), ("0.399999", 4), ("0.4", 0), ("1", 0)] {
        assert_eq!(
            world().args(&["--fail-above", limit]).scan().code,
            code,
            "{limit}"
        );
    }
    let both = world()
        .file("trail/cut.json", "{")
        .args(&["--fail-on", "idle"])
        .scan();
    assert_eq!(
        both.code, 4,
        "what was asked about comes before what is missing"
    );
}

#[test]
fn a_wrong_command_line_ends_with_two_and_says_what_is_wrong() {
    for (args, word) in [
        (vec!["--fail-on", "fialing-reads"], "failing-reads"),
        (vec!["--fail-above", "much"], "0.40"),
        (vec!["--idle", "ninety"], "90d"),
        (vec!["--idle", "0d"], "90d"),
        (vec!["--idle", "36h"], "whole number of days"),
        (vec!["--window", "7d", "--month", "2026-10"], "--month"),
        (vec!["--month", "2026-13"], "2026-10"),
        (vec!["--month", "2027-01"], "has not begun"),
        (vec!["--window", "99999999999d"], "a hundred years"),
        (vec!["--no-trail"], "--trail"),
        (vec!["--threads", "0"], "0"),
        (vec!["--wat"], "--wat"),
    ] {
        let scan = world().args(&args).scan();
        assert_eq!(scan.code, USAGE, "{args:?}: {}", scan.stderr);
        assert!(scan.stderr.contains(word), "{args:?}: {}", scan.stderr);
        assert_eq!(scan.report, Value::Null, "{args:?}");
    }
    let folder = crate::scratch::tempdir().unwrap();
    for args in [
        vec!["scan", "--inventory", "x"],
        vec![
            "scan",
            "--inventory",
            "x",
            "--trail",
            "x",
            "--now",
            "yesterday",
        ],
    ] {
        let output = program(folder.path(), &args);
        assert_eq!(output.status.code(), Some(USAGE), "{args:?}");
    }
}

#[test]
fn what_cannot_be_done_at_all_ends_with_one() {
    for (args, word) in [
        (vec!["--policy", "nowhere.toml"], "nowhere.toml"),
        (vec!["--prices", "nowhere.toml"], "nowhere.toml"),
    ] {
        let scan = world().args(&args).scan();
        assert_eq!(scan.code, 1, "{args:?}");
        assert!(
            scan.stderr.starts_with("error:") && scan.stderr.contains(word),
            "{}",
            scan.stderr
        );
    }
    let empty = World::new().scan();
    assert!(
        matches!(empty.code, 0 | 3),
        "an organization without secrets is none that failed: {}",
        empty.stderr
    );
    let nothing = World::new().file("inventory/a.json", "hello").scan();
    assert_eq!(nothing.code, 1);
    assert!(nothing.stderr.contains("a.json"), "{}", nothing.stderr);
}

#[test]
fn a_policy_file_with_a_mistake_is_refused_with_its_place() {
    for (text, place, word) in [
        ("idel = \"90d\"\n", (1, 1), "idel"),
        ("idle = \"90d\"\nyoung = \"soon\"\n", (2, 9), "soon"),
        ("idle = 90\n", (1, 8), "90"),
        ("idle = \"36h\"\n", (1, 8), "36h"),
        ("[protect]\nnames = [\"a\", \"[\"]\n", (2, 9), "glob"),
        ("[protect]\ntags = [\"=true\"]\n", (2, 8), "=true"),
        ("[protect]\nnmaes = [\"a\"]\n", (2, 1), "nmaes"),
        (
            "[loops]\nmin_avoidable_usd = \"1.0000001\"\n",
            (2, 21),
            "1.0000001",
        ),
        ("[readers]\nmaintenance = [\"robots\"]\n", (2, 16), "robots"),
        (
            "[[readers.fingerprint]]\nkind = \"scanner\"\n",
            (1, 1),
            "no sign",
        ),
        (
            "[[readers.fingerprint]]\nkind = \"scanner\"\nagent = \"x\"\n",
            (3, 1),
            "agent",
        ),
        (
            "[loops]\nmin_avoidable_usd = \"-1\"\n",
            (2, 21),
            "not negative",
        ),
        ("[[mute]]\ncode = \"hot-loop\"\n", (1, 1), "reason"),
        (
            "[[mute]]\ncode = \"hot-lop\"\nreason = \"x\"\n",
            (2, 8),
            "failing-reads, missing-secret, hot-loop",
        ),
        (
            "[[mute]]\ncode = \"hot-loop\"\nreason = \"x\"\nuntil = \"soon\"\n",
            (4, 9),
            "soon",
        ),
        (
            "[[prices]]\npartition = \"aws-cn\"\napi_10k_usd = \"0.05\"\n",
            (1, 1),
            "secret_month_usd",
        ),
        ("idle = \"90d\nyoung", (2, 6), ""),
    ] {
        let scan = world().policy(text).scan();
        assert_eq!(scan.code, 1, "{text}: {}", scan.stderr);
        let expected = format!("line {}, column {}", place.0, place.1);
        assert!(
            scan.stderr.contains("secretsweep.toml"),
            "{text}: {}",
            scan.stderr
        );
        assert!(
            scan.stderr.contains(&expected),
            "{text}: {expected} is expected:\n{}",
            scan.stderr
        );
        assert!(scan.stderr.contains(word), "{text}: {}", scan.stderr);
        assert_eq!(scan.report, Value::Null, "{text}");
    }
}

#[test]
fn another_scan_is_not_written_over_and_the_same_one_may_be_written_again() {
    let first = world();
    let folder = first.scan().into_folder();
    let again = first.scan_in(folder);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let before = again.file("report.json");
    let folder = again.into_folder();
    let other = world().args(&["--idle", "30d"]).scan_in(folder);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("--overwrite"), "{}", other.stderr);
    assert_eq!(other.file("report.json"), before, "nothing was touched");
    let folder = other.into_folder();
    let replaced = world()
        .args(&["--idle", "30d", "--overwrite"])
        .scan_in(folder);
    assert_eq!(replaced.code, 0);
    assert_ne!(replaced.file("report.json"), before);
}

#[cfg(unix)]
#[test]
fn the_result_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scan = world().scan();
    for file in [
        "report.json",
        "secrets.csv",
        "readers.csv",
        "findings.csv",
        "summary.csv",
    ] {
        let mode = std::fs::metadata(scan.path().join("out").join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// The types of the contract: `?` may be null, `#` a count, `$` an amount, `@` a moment, `~` a day.
const CONTRACT: &[(&str, &str)] = &[
    ("/format", "#"),
    ("/tool", "text"),
    ("/made", "@"),
    ("/window/from", "@"),
    ("/window/to", "@"),
    ("/scopes/*/account", "text"),
    ("/scopes/*/region", "text"),
    ("/scopes/*/inventory", "text"),
    ("/scopes/*/trail/covered_hours", "#"),
    ("/scopes/*/trail/expected_hours", "#"),
    ("/scopes/*/trail/complete", "bool"),
    ("/gaps/*/account", "?text"),
    ("/gaps/*/region", "?text"),
    ("/gaps/*/source", "text"),
    ("/gaps/*/what", "text"),
    ("/gaps/*/why", "text"),
    ("/totals/secrets", "#"),
    ("/totals/storage_usd", "$"),
    ("/totals/api_usd", "$"),
    ("/totals/kms_usd", "$"),
    ("/totals/total_usd", "$"),
    ("/totals/savings_usd", "$"),
    ("/totals/unattributed_calls", "#"),
    ("/totals/unattributed_usd", "$"),
    ("/totals/window_cost/total_usd", "$"),
    ("/secrets/*/arn", "text"),
    ("/secrets/*/name", "text"),
    ("/secrets/*/account", "text"),
    ("/secrets/*/region", "text"),
    ("/secrets/*/verdict", "text"),
    ("/secrets/*/reasons/*/code", "text"),
    ("/secrets/*/reasons/*/text", "text"),
    ("/secrets/*/last_accessed", "?~"),
    ("/secrets/*/last_consumer_read", "?@"),
    ("/secrets/*/last_consumer", "?text"),
    ("/secrets/*/idle_days", "?#"),
    ("/secrets/*/calls", "#"),
    ("/secrets/*/reads", "#"),
    ("/secrets/*/failed", "#"),
    ("/secrets/*/cost/storage_usd", "?$"),
    ("/secrets/*/cost/api_usd", "?$"),
    ("/secrets/*/cost/kms_usd", "?$"),
    ("/secrets/*/cost/total_usd", "?$"),
    ("/secrets/*/window_cost/total_usd", "?$"),
    ("/secrets/*/avoidable_usd", "?$"),
    ("/secrets/*/readers/*/reader", "text"),
    ("/secrets/*/readers/*/kind", "text"),
    ("/secrets/*/readers/*/client", "text"),
    ("/secrets/*/readers/*/reads", "#"),
    ("/secrets/*/readers/*/describes", "#"),
    ("/secrets/*/readers/*/failed", "#"),
    ("/secrets/*/readers/*/first", "@"),
    ("/secrets/*/readers/*/last", "@"),
    ("/loops/*/arn", "?text"),
    ("/loops/*/reader", "text"),
    ("/loops/*/kind", "text"),
    ("/loops/*/reads_month", "#"),
    ("/loops/*/clients", "#"),
    ("/loops/*/interval_s", "number"),
    ("/loops/*/shape", "text"),
    ("/loops/*/avoidable_calls_month", "#"),
    ("/loops/*/avoidable_usd_month", "?$"),
    ("/loops/*/advice", "text"),
    ("/findings/*/code", "text"),
    ("/findings/*/severity", "text"),
    ("/findings/*/arn", "?text"),
    ("/findings/*/reader", "?text"),
    ("/findings/*/text", "text"),
    ("/findings/*/evidence", "text"),
];

/// Every value at a path in which `*` stands for each entry of a list.
fn values<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for part in path.split('/').skip(1) {
        found = found
            .into_iter()
            .flat_map(|value| match part {
                "*" => value
                    .as_array()
                    .unwrap_or_else(|| panic!("{path}: no list"))
                    .iter()
                    .collect::<Vec<_>>(),
                key => vec![
                    value
                        .get(key)
                        .unwrap_or_else(|| panic!("{path}: no `{key}` in {value}")),
                ],
            })
            .collect();
    }
    found
}

fn fits(value: &Value, form: &str) -> bool {
    let text = |holds: &dyn Fn(&str) -> bool| value.as_str().is_some_and(holds);
    match form {
        "text" => value.is_string(),
        "bool" => value.is_boolean(),
        "number" => value.is_number(),
        "#" => value.is_u64(),
        "@" => text(&|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()),
        "~" => text(&|text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()),
        "$" => text(&|text| {
            let (whole, decimals) = text.split_once('.').unwrap_or_default();
            let digits =
                |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits(whole) && digits(decimals) && decimals.len() == 6
        }),
        _ => value.is_null() || fits(value, form.strip_prefix('?').unwrap()),
    }
}

#[test]
fn the_report_keeps_its_contract() {
    let scan = World::new()
        .secrets([
            idle("db").customer_key(),
            never("never"),
            idle("west").region(WEST),
            idle("used"),
        ])
        .calls(get("used").at(days_ago(2)).every(2, 8_000))
        .call(get("used").agent(TERRAFORM))
        .call(denied("GetSecretValue", "db", "because"))
        .call(get("no/such").error("ResourceNotFoundException", "no"))
        .file(
            // Of a time before the window, so that the calls of the window are known.
            &format!("trail/{ACCOUNT}_CloudTrail_{EAST}_20260810T0000Z_cut.json.gz"),
            "{",
        )
        .scan();
    let report = &scan.report;
    assert_eq!(report["format"], 1);
    let mut nulls: BTreeSet<&str> = BTreeSet::new();
    for (path, form) in CONTRACT {
        let found = values(report, path);
        assert!(!found.is_empty(), "{path} occurs in this report");
        for value in found {
            assert!(fits(value, form), "{path} is {value}, `{form}` is expected");
            if value.is_null() {
                nulls.insert(path);
            }
        }
    }
    assert!(
        nulls.contains("/secrets/*/cost/api_usd"),
        "calls outside the trail are unknown"
    );
    assert!(nulls.contains("/findings/*/arn") && nulls.contains("/gaps/*/region"));
    let words = |path: &str| {
        values(report, path)
            .iter()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert!(
        words("/secrets/*/verdict")
            .is_subset(&["delete", "review", "keep"].map(str::to_owned).into())
    );
    assert!(
        words("/findings/*/severity")
            .is_subset(&["high", "medium", "low"].map(str::to_owned).into())
    );
    assert_eq!(
        report["window"],
        json!({"from": "2026-10-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"})
    );
}

#[test]
fn the_columns_of_the_files_keep_their_order() {
    let scan = world().scan();
    let header = |file: &str| scan.file(file).lines().next().unwrap().to_owned();
    assert_eq!(
        header("secrets.csv"),
        "arn,name,account_id,region,owner,verdict,reasons,created_on,last_accessed_on,last_consumer_read,last_consumer,\
         idle_days,calls,reads,failed_reads,consumers,storage_usd_month,api_usd_month,kms_usd_month,total_usd_month,\
         avoidable_usd_month,replica_of,evidence_days,savings_usd_month,storage_usd_window,api_usd_window,\
         kms_usd_window,total_usd_window,extrapolated_usd_window,covered_share,price_basis"
    );
    let used = &scan.csv("secrets.csv")[1];
    let expected = [
        ("name", "used"),
        ("account_id", ACCOUNT),
        ("verdict", "keep"),
        ("reasons", "recently-read"),
        ("created_on", &day(days_ago(400))),
        ("last_accessed_on", &day(days_ago(200))),
        ("last_consumer_read", "2026-10-31T06:00:00Z"),
        ("last_consumer", &role_arn(ACCOUNT, "app")),
        ("idle_days", "0"),
        ("reads", "1"),
        ("consumers", "1"),
        ("evidence_days", "90"),
        ("owner", ""),
    ];
    for (column, value) in expected {
        assert_eq!(used[column], value, "{column}");
    }
}

#[test]
fn a_finished_scan_is_rendered_again_without_its_inputs() {
    let scan = world().scan();
    let (before, stdout) = (scan.file("report.json"), scan.stdout.clone());
    let folder = scan.into_folder();
    std::fs::remove_dir_all(folder.path().join("inventory")).unwrap();
    std::fs::remove_dir_all(folder.path().join("trail")).unwrap();
    let again = program(folder.path(), &["report", "out"]);
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let again = String::from_utf8(again.stdout).unwrap();
    assert_eq!(
        again.lines().take(12).collect::<Vec<_>>(),
        stdout.lines().take(12).collect::<Vec<_>>()
    );
    let json = program(folder.path(), &["report", "out", "--format", "json"]);
    assert_eq!(String::from_utf8(json.stdout).unwrap(), before);
}
