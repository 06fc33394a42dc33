//! What things cost, to the micro-dollar: $0.40 a secret and month, $0.000005 a call, $0.000003 a decryption.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::*;

fn cost(row: &Value) -> [String; 4] {
    ["storage_usd", "api_usd", "kms_usd", "total_usd"]
        .map(|key| row[key].as_str().unwrap_or("unknown").to_owned())
}

/// A window of 73 days is 2.4 months of 730 hours: twelve calls in it are five a month.
fn world() -> World {
    World::new().args(&["--window", "73d", "--idle", "73d"])
}

#[test]
fn storage_calls_and_decryptions_have_their_prices() {
    let calls = |name: &str| get(name).at(days_ago(9)).every(60, 84);
    let scan = world()
        .secrets([
            idle("quiet"),
            idle("read"),
            idle("keyed").customer_key(),
            idle("aws-key").set("KmsKeyId", json!("alias/aws/secretsmanager")),
            idle("described").customer_key(),
            idle("failing").customer_key(),
        ])
        .calls(calls("read"))
        .calls(calls("keyed"))
        .calls(calls("aws-key"))
        .calls(describe("described").at(days_ago(9)).every(60, 84))
        .calls(
            get("failing")
                .error("AccessDenied", "Access to KMS is not allowed")
                .at(days_ago(9))
                .every(60, 84),
        )
        .scan();
    for (name, expected) in [
        ("quiet", ["0.400000", "0.000000", "0.000000", "0.400000"]),
        ("read", ["0.400000", "0.000175", "0.000000", "0.400175"]),
        ("keyed", ["0.400000", "0.000175", "0.000105", "0.400280"]),
        ("aws-key", ["0.400000", "0.000175", "0.000000", "0.400175"]),
        (
            "described",
            ["0.400000", "0.000175", "0.000000", "0.400175"],
        ),
        ("failing", ["0.400000", "0.000175", "0.000000", "0.400175"]),
    ] {
        assert_eq!(cost(&scan.secret(name)["cost"]), expected, "{name}");
    }
    assert_eq!(
        cost(&scan.secret("keyed")["window_cost"]),
        ["0.960000", "0.000420", "0.000252", "0.960672"],
        "73 days, 2.4 months of storage"
    );
    assert_adds_up(&scan);
}

#[test]
fn replicas_cost_and_pending_or_included_secrets_do_not() {
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .secrets([
            idle("replicated")
                .primary(EAST)
                .set("ReplicationStatus", json!([{"Region": WEST}])),
            idle("replicated").region(WEST).primary(EAST),
            idle("pending").deleted(3),
            idle("events!connection/a").set("OwningService", json!("events")),
            idle("rds!cluster-1").set("OwningService", json!("rds")),
            idle("acme!unknown-owner"),
            idle("events!connection/b")
                .set("OwningService", json!("events"))
                .deleted(3),
        ])
        .scan();
    for (region, name, storage) in [
        (EAST, "replicated", "0.400000"),
        (WEST, "replicated", "0.400000"),
        (EAST, "pending", "0.000000"),
        (EAST, "events!connection/a", "0.000000"),
        (EAST, "rds!cluster-1", "0.400000"),
        (EAST, "acme!unknown-owner", "0.400000"),
        (EAST, "events!connection/b", "0.000000"),
    ] {
        assert_eq!(
            scan.secret_in(region, name)["cost"]["storage_usd"],
            storage,
            "{name}"
        );
    }
    let totals = &scan.report["totals"];
    assert_eq!(totals["storage_usd"], "1.600000");
    assert_eq!(totals["pending_usd"], "0.400000");
    // Seven less three, at $0.40 each.
    let (_, said) = scan.stdout.split_once("Storage").unwrap();
    let said: Vec<&str> = said.lines().take(2).map(str::trim).collect();
    assert_eq!(
        said,
        [
            "$1.60  7 secrets; 2 pending deletion are free",
            "1 is free (owned by another AWS service)"
        ]
    );
    assert_eq!(
        totals["savings_delete_usd"], "0.800000",
        "deleting a primary saves its replica too"
    );
    assert_adds_up(&scan);
}

#[test]
fn the_run_rate_scales_calls_by_the_covered_hours() {
    // 12 of 30 days are covered, and 288 calls in them are a call an hour: 730 a month.
    let scan = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(12), NOW_S, &[])
        .secret(idle("db"))
        .calls(get("db").at(days_ago(12)).every(HOUR, 288))
        .scan();
    let row = scan.secret("db");
    assert_eq!(row["calls"], 288);
    assert_eq!(cost(&row["cost"])[1], "0.003650");
    assert_eq!(cost(&row["window_cost"])[1], "0.001440", "what was seen");
    assert_eq!(scan.report["scopes"][0]["trail"]["covered_hours"], 288);
    assert_eq!(scan.report["scopes"][0]["trail"]["expected_hours"], 720);
    assert_adds_up(&scan);
}

#[test]
fn the_run_rate_stands_on_the_covered_time_and_not_on_its_full_hours() {
    for (now, calls) in [
        ("2026-11-01T01:59:00Z", 119),
        ("2026-11-01T00:30:00Z", 30),
        ("2026-11-01T02:00:00Z", 120),
    ] {
        let scan = World::new()
            .secret(idle("db"))
            .calls(get("db").at(NOW_S).every(60, calls))
            .args(&["--month", "2026-11"])
            .now(now)
            .scan();
        let row = scan.secret("db");
        assert_eq!(row["calls"], calls, "{now}");
        assert_eq!(cost(&row["cost"])[1], "0.219000", "a call a minute, {now}");
        let trail = &scan.report["scopes"][0]["trail"];
        assert_eq!(trail["covered_hours"], trail["expected_hours"], "{now}");
        assert_adds_up(&scan);
    }
}

#[test]
fn calls_in_time_that_is_not_covered_are_no_part_of_the_run_rate() {
    // Until 15 days ago the trail logged writes alone: what it shows of that time is not all.
    let put = |name: &str| call("PutSecretValue", name).writes();
    let scan = World::silent()
        .logging_writes(ACCOUNT, EAST)
        .logging_between(ACCOUNT, EAST, days_ago(15), NOW_S, &[])
        .secrets([idle("before"), idle("since")])
        .calls(put("before").at(days_ago(29)).every(HOUR, 240))
        .calls(put("nobody's").at(days_ago(29)).every(HOUR, 240))
        .calls(put("since").at(days_ago(15)).every(HOUR, 360))
        .scan();
    let of = |name: &str, which: &str| cost(&scan.secret(name)[which])[1].clone();
    assert_eq!(of("before", "cost"), "0.000000");
    assert_eq!(of("before", "window_cost"), "0.001200", "what was seen");
    assert_eq!(of("since", "cost"), "0.003650", "one an hour: 730 a month");
    let nobody = &scan.report["unattributed"][0];
    assert_eq!(nobody["calls"], 240);
    assert_eq!(nobody["api_usd"], "0.000000");
    assert_eq!(nobody["window_api_usd"], "0.001200");
    assert!(
        scan.gaps().contains("hold no read-only events"),
        "{}",
        scan.gaps()
    );
    assert_adds_up(&scan);
}

#[test]
fn calls_of_nobody_where_nothing_is_covered_are_no_more_known_than_those_of_a_secret() {
    let create = call("CreateSecret", &never("new").region(WEST).arn()).region(WEST);
    let scan = World::new()
        .secret(idle("db"))
        .call(create.writes().days(3))
        .scan();
    let nobody = scan.report["unattributed"].as_array().unwrap();
    let west = nobody.iter().find(|row| row["region"] == WEST).unwrap();
    assert_eq!(west["calls"], 1);
    assert_eq!(west["api_usd"], json!(null));
    assert_eq!(west["window_api_usd"], json!(null));
    assert!(
        scan.gaps()
            .contains("no inventory, yet 1 secret is called here"),
        "{}",
        scan.gaps()
    );
    assert_adds_up(&scan);
}

#[test]
fn a_month_of_the_calendar_accrues_exactly_its_price() {
    let scan = World::new()
        .secrets([
            idle("whole"),
            never("half").set("CreatedDate", json!("2026-10-16T12:00:00Z")),
            idle("left").set("DeletedDate", json!("2026-10-08T18:00:00Z")),
            idle("gone").set("DeletedDate", json!("2026-09-08T18:00:00Z")),
        ])
        .calls(get("whole").at(days_ago(32)).every(DAY, 40))
        .args(&["--month", "2026-10"])
        .scan();
    for (name, storage) in [
        ("whole", "0.400000"),
        ("half", "0.200000"),
        ("left", "0.100000"),
        ("gone", "0.000000"),
    ] {
        assert_eq!(
            scan.secret(name)["window_cost"]["storage_usd"],
            storage,
            "{name}"
        );
    }
    assert_eq!(scan.secret("whole")["calls"], 31);
    assert_eq!(scan.report["policy"]["month"], "2026-10");
    assert_eq!(
        scan.report["window"],
        json!({"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"})
    );
    assert_adds_up(&scan);
}

#[test]
fn what_belongs_to_no_secret_is_a_row_of_its_own() {
    let not_found = "Secrets Manager can't find the specified secret.";
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .secret(idle("db"))
        .calls(
            call("ListSecrets", "")
                .request(json!({"maxResults": 100}))
                .days(3)
                .every(60, 5),
        )
        .calls(
            get("no/such")
                .error("ResourceNotFoundException", not_found)
                .days(3)
                .every(60, 3),
        )
        .calls(get("db").days(3).every(60, 2))
        .calls(
            call("GetRandomPassword", "")
                .request(Value::Null)
                .region(WEST)
                .days(3)
                .every(60, 4),
        )
        .call(call("ListSecrets", "").days(31))
        .scan();
    let rows = scan.report["unattributed"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["region"], &rows[0]["calls"]),
        (&json!(WEST), &json!(4))
    );
    assert_eq!(rows[1]["calls"], 8);
    assert_eq!(
        rows[1]["by_what"],
        json!({"ListSecrets": 5, "name not in the inventory": 3})
    );
    assert_eq!(rows[1]["window_api_usd"], "0.000040");
    assert_eq!(scan.report["totals"]["unattributed_calls"], 12);
    assert_eq!(scan.report["totals"]["calls"], 14);
    assert_adds_up(&scan);
}

#[test]
fn a_partition_without_a_price_is_unknown_and_a_price_file_makes_it_known() {
    let secret = || {
        let arn = "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:db-AbC123";
        idle("db").region("cn-north-1").set("ARN", json!(arn))
    };
    let world = || {
        World::new()
            .logging(ACCOUNT, "cn-north-1")
            .secrets([secret(), idle("usual")])
    };
    let scan = world().call(get("db").region("cn-north-1")).scan();
    let row = scan.secret("db");
    assert_eq!(cost(&row["cost"]), ["unknown"; 4]);
    assert_eq!(scan.report["totals"]["total_usd"], "0.400000");
    assert_eq!(scan.report["totals"]["unpriced_secrets"], 1);
    assert!(scan.gaps().contains("aws-cn"), "{}", scan.gaps());
    assert_eq!(scan.code, 3);
    let record = &scan.csv("secrets.csv")[0];
    assert_eq!(
        (record["name"].as_str(), record["total_usd_month"].as_str()),
        ("db", "")
    );
    assert_adds_up(&scan);

    let prices = "[[prices]]\npartition = \"aws-cn\"\nsecret_month_usd = \"0.42\"\napi_10k_usd = \"0.06\"\nkms_10k_usd = \"0.03\"\n";
    let with_list = world()
        .file("prices.toml", prices)
        .args(&["--prices", "prices.toml"])
        .scan();
    assert_eq!(with_list.secret("db")["cost"]["storage_usd"], "0.420000");
    assert_eq!(with_list.code, 0, "{}", with_list.gaps());
    assert_adds_up(&with_list);
}

/// A secret in a partition that has no price of its own.
fn unpriced(name: &str) -> Secret {
    let arn = format!("arn:aws-cn:secretsmanager:cn-north-1:{OTHER}:secret:{name}-AbC123");
    idle(name).at(OTHER, "cn-north-1").set("ARN", json!(arn))
}

/// The cells of a row of `summary.csv`.
fn summed(scan: &Scan, by: &str, group: &str, columns: &[&str]) -> Vec<String> {
    let rows = scan.csv("summary.csv");
    let row = rows
        .iter()
        .find(|row| row["group_by"] == by && row["group"] == group)
        .unwrap_or_else(|| panic!("no {by} {group}"));
    columns.iter().map(|&column| row[column].clone()).collect()
}

const AMOUNTS: [&str; 6] = [
    "storage_usd_month",
    "api_usd_month",
    "kms_usd_month",
    "total_usd_month",
    "savings_usd_month",
    "window_total_usd",
];

#[test]
fn a_sum_of_unknown_prices_is_unknown_and_not_zero() {
    let scan = World::new()
        .logging(OTHER, "cn-north-1")
        .secrets([unpriced("db"), unpriced("used")])
        .calls(get("used").place(OTHER, "cn-north-1").days(3).every(60, 5))
        .call(call("ListSecrets", "").place(OTHER, "cn-north-1"))
        .scan();
    assert_eq!(scan.verdict("db"), "delete: idle");
    for (by, group) in [
        ("total", "total"),
        ("account", OTHER),
        ("region", "cn-north-1"),
        ("owner", "(no owner)"),
    ] {
        assert_eq!(summed(&scan, by, group, &AMOUNTS), [""; 6], "{by} {group}");
        let counts = summed(&scan, by, group, &["secrets", "reads", "unpriced_secrets"]);
        assert_eq!(counts, ["2", "5", "2"], "{by} {group}");
    }
    let nobodys = [
        "api_usd_month",
        "total_usd_month",
        "window_total_usd",
        "calls",
    ];
    let nobodys = summed(&scan, "account", "(unattributed)", &nobodys);
    assert_eq!(nobodys, ["", "", "", "1"]);
    let page = scan.file("report.html");
    assert!(page.contains("The price of 2 secrets is unknown"));
    assert!(!page.contains("could not be counted"), "they were");
    let plan = program(&scan.path(), &["plan", "out"]);
    let by_account = program(&scan.path(), &["report", "out", "--group-by", "account"]);
    for (name, text) in [
        ("the terminal", scan.stdout.clone()),
        ("the page", scan.file("report.html")),
        ("the plan", String::from_utf8(plan.stdout).unwrap()),
        ("the groups", String::from_utf8(by_account.stdout).unwrap()),
    ] {
        assert!(text.contains("unknown"), "{name}: {text}");
        // What no secrets cost is known.
        let zero = |line: &&str| line.contains("$0.00") && !line.contains(": 0 secrets");
        let zeros: Vec<&str> = text.lines().filter(zero).collect();
        assert_eq!(zeros, [""; 0], "{name}");
    }
}

#[test]
fn a_sum_of_which_something_is_known_is_that_and_says_what_it_leaves_out() {
    let scan = World::new()
        .logging(OTHER, "cn-north-1")
        .secrets([unpriced("db"), idle("usual")])
        .scan();
    let sums = summed(&scan, "total", "total", &AMOUNTS);
    let [storage, savings] = ["0.400000", "0.400000"];
    assert_eq!(
        sums[..5],
        [storage, "0.000000", "0.000000", "0.400000", savings]
    );
    assert_eq!(summed(&scan, "account", OTHER, &AMOUNTS), [""; 6]);
    assert_adds_up(&scan);
    let said = "$0.40  delete 2 secrets; what 1 of them costs is unknown";
    assert!(scan.stdout.contains(said), "{}", scan.stdout);
    let plan = program(&scan.path(), &["plan", "out"]);
    let plan = String::from_utf8(plan.stdout).unwrap().replace('\n', " ");
    let said = "2 secrets to delete, which saves at least $0.40 per month (unknown for 1 of them).";
    assert!(plan.contains(said), "{plan}");
}

#[test]
fn without_a_trail_the_sums_of_calls_are_unknown_too() {
    let scan = World::new().secret(idle("db")).no_trail().scan();
    for (by, group) in [("total", "total"), ("account", ACCOUNT)] {
        let counts = [
            "calls",
            "reads",
            "failed_reads",
            "api_usd_month",
            "kms_usd_month",
        ];
        assert_eq!(summed(&scan, by, group, &counts), [""; 5], "{by}");
        let known = summed(&scan, by, group, &["storage_usd_month", "total_usd_month"]);
        assert_eq!(known, ["0.400000"; 2], "{by}");
        let savings = summed(&scan, by, group, &["savings_usd_month"]);
        assert_eq!(savings, [""], "{by}: nobody could see what loops");
    }
}

#[test]
fn odd_numbers_still_add_up_to_the_micro_dollar() {
    // Covered hours and counts that do not divide: every row rounds for itself, and the sum is of the rounded rows.
    let mut world = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(29) + 7 * HOUR, NOW_S, &[])
        .logging_between(OTHER, WEST, days_ago(23), NOW_S, &[]);
    for number in 0..23 {
        let (account, region) = if number % 3 == 0 {
            (OTHER, WEST)
        } else {
            (ACCOUNT, EAST)
        };
        let name = format!("s-{number}");
        let secret = idle(&name)
            .at(account, region)
            .tag("owner", &format!("team-{}", number % 4));
        world = world
            .secret(if number % 2 == 0 {
                secret.customer_key()
            } else {
                secret
            })
            .calls(
                get(&name)
                    .place(account, region)
                    .by(role_of(account, "app", "w"))
                    .days(5)
                    .every(977, number + 1),
            )
            .calls(
                get("missing")
                    .place(account, region)
                    .error("ResourceNotFoundException", "no")
                    .days(4)
                    .every(991, number),
            );
    }
    let scan = world.scan();
    assert_eq!(scan.report["totals"]["reads"], 23 * 24 / 2);
    assert_adds_up(&scan);
}

/// Rows and the unattributed rows equal the totals: in the report and in each CSV file.
fn assert_adds_up(scan: &Scan) {
    let (report, totals) = (&scan.report, &scan.report["totals"]);
    let amount = |value: &Value| value.as_str().map_or(0, micros_of);
    let sum = |rows: &Value, path: &str| -> i64 {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| amount(row.pointer(path).unwrap()))
            .sum()
    };
    for (cost, totals) in [("cost", totals), ("window_cost", &totals["window_cost"])] {
        let unattributed = if cost == "cost" {
            "/api_usd"
        } else {
            "/window_api_usd"
        };
        let nobody = sum(&report["unattributed"], unattributed);
        assert_eq!(nobody, micros(&totals["unattributed_usd"]), "{cost}");
        for part in ["storage_usd", "api_usd", "kms_usd", "total_usd"] {
            let rows = sum(&report["secrets"], &format!("/{cost}/{part}"));
            let nobody = if matches!(part, "api_usd" | "total_usd") {
                nobody
            } else {
                0
            };
            assert_eq!(rows + nobody, micros(&totals[part]), "{cost} {part}");
        }
        let parts: i64 = ["storage_usd", "api_usd", "kms_usd"]
            .iter()
            .map(|part| micros(&totals[*part]))
            .sum();
        assert_eq!(parts, micros(&totals["total_usd"]), "{cost}");
    }
    for count in ["calls", "reads", "failed"] {
        let rows: u64 = report["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[count].as_u64().unwrap())
            .sum();
        let nobody = if count == "calls" {
            totals["unattributed_calls"].as_u64().unwrap()
        } else {
            0
        };
        assert_eq!(rows + nobody, totals[count].as_u64().unwrap(), "{count}");
    }

    let cell = |record: &BTreeMap<String, String>, column: &str| match record[column].as_str() {
        "" => 0,
        text => micros_of(text),
    };
    let secrets = scan.csv("secrets.csv");
    let summary = scan.csv("summary.csv");
    for (column, total) in [
        ("storage_usd_month", "storage_usd"),
        ("api_usd_month", "api_usd"),
        ("kms_usd_month", "kms_usd"),
        ("total_usd_month", "total_usd"),
    ] {
        let rows: i64 = secrets.iter().map(|record| cell(record, column)).sum();
        let nobody = if matches!(total, "api_usd" | "total_usd") {
            micros(&totals["unattributed_usd"])
        } else {
            0
        };
        assert_eq!(
            rows + nobody,
            micros(&totals[total]),
            "secrets.csv {column}"
        );
        let mut by_group: BTreeMap<&str, i64> = BTreeMap::new();
        for record in &summary {
            *by_group.entry(&record["group_by"]).or_default() += cell(record, column);
        }
        assert!(by_group.len() >= 5, "{by_group:?}");
        for (by, sum) in by_group {
            assert_eq!(sum, micros(&totals[total]), "summary.csv {by} {column}");
        }
    }
    let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
    let mut window: BTreeMap<&str, i64> = BTreeMap::new();
    let mut savings: BTreeMap<&str, i64> = BTreeMap::new();
    for record in &summary {
        *calls.entry(&record["group_by"]).or_default() +=
            record["calls"].parse::<u64>().unwrap_or(0);
        *window.entry(&record["group_by"]).or_default() += cell(record, "window_total_usd");
        *savings.entry(&record["group_by"]).or_default() += cell(record, "savings_usd_month");
    }
    for by in calls.keys() {
        assert_eq!(
            calls[by],
            totals["calls"].as_u64().unwrap(),
            "summary.csv {by}"
        );
        assert_eq!(
            window[by],
            micros(&totals["window_cost"]["total_usd"]),
            "summary.csv {by}"
        );
        assert_eq!(
            savings[by],
            micros(&totals["savings_usd"]),
            "summary.csv {by}"
        );
    }
}
