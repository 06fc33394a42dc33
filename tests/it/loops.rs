//! Hot loops: judged per client and hour, against what a cache would need.

use serde_json::{Value, json};

use crate::world::*;

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";

/// Calls of one client: one in `step` seconds, so many hours long, two days before the scan.
fn client(call: &Call, session: &str, address: &str, step: i64, hours: i64) -> Vec<Call> {
    call.clone()
        .by(role("app", session))
        .via(address)
        .at(days_ago(2))
        .every(step, hours * HOUR / step)
}

fn only(scan: &Scan) -> &Value {
    let [found] = scan.loops().as_slice() else {
        panic!("one loop is expected: {:#?}", scan.loops());
    };
    found
}

#[test]
fn a_fleet_with_an_hour_of_cache_is_healthy() {
    let fleet = (0..1_000).flat_map(|pod| {
        let address = format!("10.0.{}.{}", pod / 250, pod % 250);
        client(&get("db"), &format!("pod-{pod}"), &address, HOUR, 4)
    });
    let scan = World::new().secret(idle("db")).calls(fleet).scan();
    assert_eq!(scan.secret("db")["reads"], 4_000);
    assert_eq!(
        scan.loops(),
        &[json!(null); 0],
        "a read an hour is what a cache needs"
    );
    assert_eq!(scan.secret("db")["avoidable_usd"], "0.000000");
}

#[test]
fn one_client_that_reads_each_second_is_a_loop() {
    let scan = World::new()
        .secret(idle("db").customer_key())
        .calls(client(&get("db"), "pod-1", "10.0.0.1", 1, 4))
        .scan();
    let found = only(&scan);
    // 14,400 reads in 4 hours, of which one an hour is needed; 730 of 720 hours are a month.
    assert_eq!(found["what"], "GetSecretValue");
    assert_eq!(found["reads_month"], 14_600);
    assert_eq!(found["avoidable_calls_month"], 14_596);
    assert_eq!(
        found["avoidable_usd_month"], "0.116768",
        "the call and its decryption"
    );
    assert_eq!(
        (&found["clients"], &found["active_hours"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(found["interval_s"], 1.0);
    assert_eq!(found["shape"], "steady");
    assert_eq!(found["reader"], role_arn(ACCOUNT, "app"));
    assert!(
        found["advice"]
            .as_str()
            .unwrap()
            .contains("aws-secretsmanager-caching"),
        "{found}"
    );
    assert_eq!(scan.secret("db")["avoidable_usd"], "0.116768");
    assert_eq!(scan.report["totals"]["savings_loops_usd"], "0.116768");
    assert_eq!(scan.findings("hot-loop").len(), 1);
    let csv = scan.csv("findings.csv");
    assert_eq!(
        csv.iter().filter(|row| row["code"] == "hot-loop").count(),
        1,
        "a loop is told once"
    );
}

#[test]
fn a_client_is_hot_above_one_call_a_minute_in_three_of_its_hours() {
    for (step, hours, hot) in [(60, 5, false), (59, 5, true), (59, 2, false), (50, 3, true)] {
        let scan = World::new()
            .secret(idle("db"))
            .calls(client(&get("db"), "pod-1", "10.0.0.1", step, hours))
            .scan();
        assert_eq!(
            scan.loops().len(),
            usize::from(hot),
            "every {step} s for {hours} hours"
        );
    }
}

#[test]
fn clients_are_sessions_at_addresses_and_their_needs_add_up() {
    // Together 80 reads an hour, each alone no more than the hot mark: no client is hot, and the sum costs too little.
    let many = (0..4).flat_map(|pod| client(&get("db"), &format!("pod-{pod}"), "10.0.0.1", 180, 5));
    let scan = World::new().secret(idle("db")).calls(many).scan();
    assert_eq!(scan.loops().len(), 0);

    // The same with a threshold below what it costs.
    let many = (0..4).flat_map(|pod| client(&get("db"), &format!("pod-{pod}"), "10.0.0.1", 180, 5));
    let scan = World::new()
        .secret(idle("db"))
        .calls(many)
        .policy("[loops]\nmin_avoidable_usd = \"0.001\"\n")
        .scan();
    let found = only(&scan);
    assert_eq!(found["clients"], 4);
    assert_eq!(
        found["interval_s"], 180.0,
        "of one client, not of all together"
    );
    assert_eq!(found["avoidable_calls_month"], 4 * 5 * 19 * 730 / 720);
}

#[test]
fn a_loop_belongs_to_its_client_not_to_its_secret() {
    let scan = World::new()
        .secret(idle("db"))
        .calls(client(&get("db"), "hot", "10.0.0.1", 5, 6))
        .calls(
            client(&get("db"), "cool", "10.0.0.2", HOUR, 6)
                .into_iter()
                .map(|call| call.by(role("other", "cool"))),
        )
        .scan();
    assert_eq!(only(&scan)["reader"], role_arn(ACCOUNT, "app"));
}

#[test]
fn the_needed_reads_follow_the_cache_time_of_the_reader() {
    // The Lambda extension refreshes every 300 s: 12 calls an hour are needed.
    let lambda = "Boto3/1.34.2 lang/python#3.11 exec-env/AWS_Lambda_python3.11";
    let scan = World::new()
        .secret(idle("db"))
        .calls(client(&get("db").agent(lambda), "fn", "10.0.0.1", 10, 4))
        .scan();
    let found = only(&scan);
    assert_eq!(found["cache_s"], 300);
    assert_eq!(
        found["avoidable_calls_month"],
        ((360 - 12) * 4 * 730 + 360) / 720
    );
    assert!(
        found["advice"]
            .as_str()
            .unwrap()
            .contains("SECRETS_MANAGER_TTL"),
        "{found}"
    );
}

#[test]
fn storms_of_describes_and_lookups_of_missing_names_are_loops() {
    let scan = World::new()
        .secret(idle("db"))
        .calls(client(&describe("db"), "pod-1", "10.0.0.1", 2, 4))
        .calls(client(
            &get("no/such").error("ResourceNotFoundException", NOT_FOUND),
            "pod-1",
            "10.0.0.1",
            4,
            4,
        ))
        .scan();
    let mut found: Vec<_> = scan
        .loops()
        .iter()
        .map(|row| {
            (
                row["name"].as_str().unwrap(),
                row["what"].as_str().unwrap(),
                row["arn"].is_null(),
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("db", "DescribeSecret", false),
            ("no/such", "GetSecretValue", true)
        ]
    );
    let missing = scan.findings("missing-secret");
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0]["name"], "no/such");
    assert_eq!(
        scan.verdict("db"),
        "review: described idle",
        "a describe by an application may be the refresh of a cache"
    );
}

#[test]
fn refused_reads_rotations_and_people_are_no_loops() {
    let hot = |call: Call| client(&call, "pod-1", "10.0.0.1", 2, 4);
    let scan = World::new()
        .secrets([
            idle("denied"),
            idle("rotated").rotated_by("rotate-it"),
            idle("person"),
            idle("ours"),
        ])
        .calls(hot(denied("GetSecretValue", "denied", "because")))
        .calls(
            hot(get("rotated"))
                .into_iter()
                .map(|call| call.by(role("fn", "rotate-it"))),
        )
        .calls(hot(get("person").agent("Mozilla/5.0")))
        .call(call("ListSecrets", "").agent("x app/secretsweep").days(2))
        .calls(hot(describe("ours").agent("x app/secretsweep")))
        .scan();
    assert_eq!(scan.loops(), &[json!(null); 0]);
    assert_eq!(scan.findings("failing-reads").len(), 1);
}

#[test]
fn only_calls_of_the_window_make_a_loop() {
    let scan = World::new()
        .secret(idle("db"))
        .calls(get("db").at(days_ago(40)).every(2, 10_000))
        .scan();
    assert_eq!(scan.loops(), &[json!(null); 0]);
    assert_eq!(scan.secret("db")["calls"], 0);
    assert_eq!(scan.verdict("db"), "keep: recently-read");
}

/// A policy that says of a program that its reads are no use.
const BACKUP: &str = "[[readers.fingerprint]]\nkind = \"scanner\"\nuser_agent = \"AcmeBackup/\"\n";

#[test]
fn a_loop_of_a_secret_that_goes_is_not_saved_twice() {
    let scan = World::new()
        .policy(BACKUP)
        .secret(never("db").accessed(2))
        .calls(client(
            &get("db").agent("AcmeBackup/1.0"),
            "audit",
            "10.0.0.1",
            1,
            6,
        ))
        .scan();
    assert_eq!(scan.verdict("db"), "delete: maintenance-only");
    assert_eq!(scan.loops().len(), 1);
    let totals = &scan.report["totals"];
    assert_eq!(totals["savings_loops_usd"], "0.000000");
    assert_eq!(
        totals["savings_usd"], totals["total_usd"],
        "everything goes with the secret"
    );
}

#[test]
fn the_loops_under_a_sum_are_those_that_it_holds() {
    let hot = |name: &str, session: &str| client(&get(name), session, "10.0.0.1", 1, 6);
    let audit = get("gone").agent("AcmeBackup/1.0");
    let scan = World::new()
        .policy(BACKUP)
        .secrets([never("gone").accessed(2), idle("stays")])
        .calls(client(&audit, "audit", "10.0.0.1", 1, 6))
        .calls(hot("stays", "pod-1"))
        .scan();
    assert_eq!(scan.verdict("gone"), "delete: maintenance-only");
    assert_eq!(scan.loops().len(), 2);
    let (_, fix) = scan.stdout.split_once("fix 1 hot loop:").unwrap();
    let (fix, _) = fix.split_once("NEEDS REVIEW").unwrap_or((fix, ""));
    assert!(fix.contains("  stays  "), "{fix}");
    assert!(!fix.contains("  gone  "), "{fix}");
    assert!(
        fix.contains("1 more ends when its secret is deleted"),
        "{fix}"
    );
    let page = scan.file("report.html");
    assert!(page.contains("Fix 1 hot loop<"), "the step counts it");
    let (_, listed) = page.split_once("<section id=\"loops\"").unwrap();
    let (listed, _) = listed.split_once("</section>").unwrap();
    assert_eq!(listed.matches("can be saved per month").count(), 1);
    assert!(
        listed.contains("1 more ends when its secret is deleted"),
        "{listed}"
    );
}

#[test]
fn failing_and_missing_reads_are_findings_of_the_window() {
    let scan = World::new()
        .secrets([idle("db"), idle("old-failure"), idle("pending").deleted(3)])
        .call(denied("GetSecretValue", "old-failure", "because").days(40))
        .call(get("pending").error(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ))
        .calls(
            get("gone")
                .error("ResourceNotFoundException", NOT_FOUND)
                .days(3)
                .every(60, 7),
        )
        .call(
            get("gone/old")
                .error("ResourceNotFoundException", NOT_FOUND)
                .days(40),
        )
        .scan();
    let text: Vec<String> = scan.report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                row["code"].as_str().unwrap(),
                row["severity"].as_str().unwrap(),
                row["name"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        text,
        ["failing-reads high pending", "missing-secret medium gone"]
    );
    let missing = scan.findings("missing-secret")[0];
    assert!(
        missing["text"]
            .as_str()
            .unwrap()
            .starts_with("7 reads of app"),
        "{missing}"
    );
    assert_eq!(missing["arn"], json!(null));
    assert_eq!(scan.verdict("old-failure"), "review: failed-reads idle");
}

#[test]
fn findings_of_a_past_month_speak_of_that_month_alone() {
    let refused = |at: i64| denied("GetSecretValue", "db", "because").at(at);
    let missing = |at: i64| {
        get("gone")
            .error("ResourceNotFoundException", NOT_FOUND)
            .at(at)
    };
    // October, and the moments just outside of it: `later` failed only after the month.
    let (from, to) = (days_ago(31), NOW_S);
    let scan = World::new()
        .secrets([idle("db"), idle("later")])
        .calls([from - 1, from, to - 1, to].map(refused))
        .calls([from - 1, from + DAY, to].map(missing))
        .call(denied("GetSecretValue", "later", "because").at(to + DAY))
        .now("2026-11-10T00:00:00Z")
        .args(&["--month", "2026-10"])
        .scan();
    let found: Vec<String> = scan.report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap();
            let times = text("evidence").split(';').next().unwrap();
            let count = text("text").split(" of ").next().unwrap();
            format!("{}: {count}, {times}", text("name"))
        })
        .collect();
    assert_eq!(
        found,
        [
            "db: 2 reads, first 2026-10-01T00:00:00Z, last 2026-10-31T23:59:59Z",
            "gone: 1 read, first 2026-10-02T00:00:00Z, last 2026-10-02T00:00:00Z",
        ]
    );
    assert_eq!(scan.secret("db")["failed"], 2, "the same as the finding");
    for name in ["db", "later"] {
        let verdict = scan.verdict(name);
        assert!(verdict.contains("failed-reads"), "{name}: {verdict}");
    }
}

#[test]
fn a_reader_that_holds_the_arn_of_a_predecessor_asks_for_a_missing_secret() {
    let scan = World::new()
        .secret(idle("db"))
        .call(
            get(&idle("db").suffix("OLD000").arn())
                .error("ResourceNotFoundException", NOT_FOUND)
                .days(3),
        )
        .scan();
    assert_eq!(
        scan.findings("missing-secret").len(),
        1,
        "{:#}",
        scan.report["findings"]
    );
    assert_eq!(scan.verdict("db"), "delete: idle");
    assert_eq!(scan.report["totals"]["unattributed_calls"], 1);
}

#[test]
fn a_finding_may_be_muted_until_a_day() {
    let world = |until: &str| {
        World::new()
            .secret(idle("db"))
            .call(denied("GetSecretValue", "db", "because"))
            .policy(&format!(
                "[[mute]]\ncode = \"failing-reads\"\nname = \"d*\"\nreason = \"known\"\nuntil = \"{until}\"\n"
            ))
            .scan()
    };
    let mark = |until: &str| world(until).findings("failing-reads")[0]["muted"].clone();
    assert_eq!(
        mark("2026-11-01"),
        "known",
        "it stays in the report, marked"
    );
    assert_eq!(mark("2026-10-31"), json!(null));
    assert_eq!(
        world("2026-11-01").verdict("db"),
        "review: failed-reads idle",
        "a mute hides no evidence"
    );
}

#[test]
fn calls_that_stand_for_no_time_are_no_loop() {
    // The trail of the secret's own account is missing: what the reader's account logged of it is counted, and nobody
    // knows for how much of a month it stands. The same calls in a place that is covered are a loop.
    let there = idle("db").at(OTHER, EAST);
    let across = || client(&get(&there.arn()), "pod-1", "10.0.0.1", 1, 4);
    let scan = World::new().secret(there.clone()).calls(across()).scan();
    assert_eq!(scan.loops(), &[json!(null); 0]);
    assert_eq!(scan.secret("db")["calls"], 4 * HOUR, "they are counted");
    let words: Vec<&str> = scan.stdout.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains("far too often is not known"), "{said}");
    assert!(scan.gaps().contains(OTHER), "{}", scan.gaps());
    let covered = World::new().logging(OTHER, EAST).secret(there.clone());
    let covered = covered.calls(across()).scan();
    assert_eq!(only(&covered)["reads_month"], 14_600);
}
