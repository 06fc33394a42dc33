//! The cases of evidence that decide whether a secret looks used: each rule as a user sees it, in the report of the
//! program. Every test here fails when its rule is taken out.

use serde_json::{Value, json};

use crate::world::*;

/// The reader of most calls here.
fn app() -> String {
    role_arn(ACCOUNT, "app")
}

// 1. Used looks unused.

#[test]
fn a_describe_by_a_caching_client_is_use_and_by_others_is_not() {
    let java = role("app", "app");
    let scan = World::new()
        .secrets(["cached", "looked-at", "seldom", "failed-refresh"].map(idle))
        .calls(
            describe("cached")
                .by(java)
                .agent(JAVA_CACHE)
                .days(40)
                .every(3_600, 24),
        )
        .calls(describe("looked-at").days(40).every(3_600, 24))
        .calls(describe("seldom").days(40).every(86_400, 3))
        .call(describe("failed-refresh").agent(JAVA_CACHE).days(40).error(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        ))
        .scan();
    assert_eq!(scan.secret("cached")["verdict"], "keep");
    assert!(scan.has_reason("cached", "cached-reader"));
    assert_eq!(scan.secret("cached")["last_consumer"], app());
    assert_eq!(scan.secret("cached")["reads"], 0, "no value was read");
    assert_eq!(
        scan.verdict("looked-at"),
        "keep: recently-read cached-reader",
        "a caching library does not say who it is where the application hands in its own client"
    );
    assert_eq!(
        scan.verdict("seldom"),
        "review: described idle",
        "a few describes may be a cache that refreshes seldom"
    );
    assert_eq!(
        scan.verdict("failed-refresh"),
        "review: failed-reads idle",
        "a refresh that fails is no use, but somebody asks"
    );
}

// 2. Unused looks used.

#[test]
fn maintenance_keeps_the_last_access_young_and_is_no_use() {
    let rotator = role("rotation", "rotate-db");
    let lambda = "Boto3/1.34.2 lang/python#3.11 exec-env/AWS_Lambda_python3.11";
    let scan = World::new()
        .secrets([
            never("rotated").accessed(5).rotated_by("rotate-db"),
            never("planned").accessed(5),
            never("audited").accessed(5),
            never("scanned-by-us").accessed(5),
            never("unexplained").accessed(5),
            never("explained-another-day").accessed(5),
        ])
        .call(get("rotated").by(rotator).agent(lambda).days(5))
        .call(refresh("planned").by(role("ci", "plan")).days(5))
        .call(
            get("audited")
                .by(role("audit", "x"))
                .agent("prowler/4.0 Boto3/1.34")
                .days(5),
        )
        .call(
            get("scanned-by-us")
                .agent("aws-sdk-rust/1.3 app/secretsweep")
                .days(5),
        )
        .call(refresh("explained-another-day").days(9))
        .scan();
    assert_eq!(scan.verdict("rotated"), "delete: maintenance-only");
    assert_eq!(
        scan.verdict("planned"),
        "review: iac-managed maintenance-only",
        "it has to go where it is managed"
    );
    for name in ["audited", "scanned-by-us"] {
        assert_eq!(
            scan.verdict(name),
            "keep: recently-read",
            "{name}: audit tools describe, and so do we; who reads a value needs it"
        );
    }
    assert_eq!(scan.verdict("unexplained"), "keep: recently-read");
    assert_eq!(
        scan.verdict("explained-another-day"),
        "keep: recently-read iac-managed",
        "AWS saw a read that no maintenance explains"
    );
    assert_eq!(scan.secret("rotated")["consumers"], 0);
    assert_eq!(scan.secret("rotated")["last_consumer_read"], json!(null));
}

#[test]
fn a_consumer_beside_the_maintenance_is_use() {
    let scan = World::new()
        .secret(never("db").accessed(5).rotated_by("rotate-db"))
        .call(get("db").by(role("rotation", "rotate-db")).days(5))
        .call(get("db").days(80))
        .scan();
    assert_eq!(scan.verdict("db"), "keep: recently-read");
    assert_eq!(scan.secret("db")["consumers"], 1);
}

// 3. Failed reads, and where a denied call names its secret.

#[test]
fn failed_reads_are_no_use_and_block_deletion() {
    let no_policy =
        "because no identity-based policy allows the secretsmanager:GetSecretValue action";
    let by_arn = idle("by-arn");
    let failures: [(&str, Call); 8] = [
        ("by-arn", denied("GetSecretValue", &by_arn.arn(), no_policy)),
        ("team/by-name", denied("GetSecretValue", "team/by-name", no_policy)),
        (
            "with-explicit-deny",
            denied(
                "GetSecretValue",
                "with-explicit-deny",
                "with an explicit deny in a service control policy",
            ),
        ),
        (
            "suffix-unknown",
            denied(
                "GetSecretValue",
                "arn:aws:secretsmanager:us-east-1:111122223333:secret:suffix-unknown-??????",
                no_policy,
            ),
        ),
        (
            "other-code",
            denied("GetSecretValue", "other-code", no_policy).error(
                "AccessDeniedException",
                "User: x is not authorized to perform: secretsmanager:GetSecretValue on resource: other-code because no \
                 resource-based policy allows the secretsmanager:GetSecretValue action",
            ),
        ),
        ("by-key", get("by-key").error("AccessDenied", "Access to KMS is not allowed")),
        (
            "no-version",
            get("no-version").error(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
            ),
        ),
        ("throttled", get("throttled").error("ThrottlingException", "Rate exceeded")),
    ];
    let mut world = World::new().secret(idle("quiet"));
    for (name, call) in failures.clone() {
        world = world.secret(idle(name)).calls(call.days(3).every(HOUR, 5));
    }
    let scan = world.scan();
    assert_eq!(scan.verdict("quiet"), "delete: idle");
    for (name, _) in failures {
        assert_eq!(scan.verdict(name), "review: failed-reads idle", "{name}");
        let row = scan.secret(name);
        assert_eq!(
            (&row["calls"], &row["reads"], &row["failed"]),
            (&json!(5), &json!(0), &json!(5)),
            "{name}"
        );
        assert_eq!(row["last_consumer_read"], json!(null), "{name}");
        let finding = scan
            .findings("failing-reads")
            .into_iter()
            .find(|finding| finding["name"] == name)
            .unwrap_or_else(|| panic!("no finding for {name}"));
        assert_eq!(finding["reader"], app(), "{name}");
        assert_eq!(finding["arn"], idle(name).arn(), "{name}");
    }
}

#[test]
fn an_old_failure_does_not_block() {
    let scan = World::new()
        .secrets([idle("old"), idle("young")])
        .call(denied("GetSecretValue", "old", "because").at(days_ago(90) - 1))
        .call(denied("GetSecretValue", "young", "because").at(days_ago(90)))
        .args(&["--window", "92d"])
        .scan();
    assert_eq!(scan.verdict("old"), "delete: idle");
    assert_eq!(scan.verdict("young"), "review: failed-reads idle");
    assert_eq!(scan.secret("old")["failed"], 1, "it is still a call");
}

#[test]
fn a_denied_call_that_names_no_secret_may_have_meant_any() {
    let scan = World::new()
        .secret(idle("db"))
        .call(denied("GetSecretValue", "*", "because"))
        .call(denied("ListSecrets", "*", "because"))
        .call(denied(
            "GetSecretValue",
            "arn:aws:kms:us-east-1:111122223333:key/1",
            "because",
        ))
        .scan();
    assert_eq!(
        scan.verdict("db"),
        "review: failed-reads idle",
        "it may have been this one"
    );
    assert_eq!(scan.report["totals"]["unattributed_calls"], 3);
}

// 4. LastAccessedDate is a day in a Region; a primary is judged with its replicas.

#[test]
fn the_last_access_is_a_day_and_one_day_is_allowed() {
    for (days, expected) in [
        (-1, "keep: recently-read"),
        (0, "keep: recently-read"),
        (1, "keep: recently-read"),
        (89, "keep: recently-read"),
        (90, "keep: recently-read"),
        (91, "delete: idle"),
        (92, "delete: idle"),
    ] {
        let scan = World::new().secret(never("db").accessed(days)).scan();
        assert_eq!(
            scan.verdict("db"),
            expected,
            "last accessed {days} days ago"
        );
    }
}

#[test]
fn a_primary_is_judged_together_with_its_replicas() {
    let pair = |name: &str, there: Option<i64>| {
        let primary = idle(name)
            .primary(EAST)
            .set("ReplicationStatus", json!([{"Region": WEST}]));
        let replica = never(name).region(WEST).primary(EAST);
        [
            primary,
            there.map_or(replica.clone(), |days| replica.accessed(days)),
        ]
    };
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .secrets(pair("used-there", Some(3)))
        // Without it the trail there would show none of the reads that the dates show.
        .secret(never("busy").region(WEST).accessed(3))
        .call(get("busy").region(WEST).days(3))
        .secrets(pair("cached-there", Some(150)))
        .secrets(pair("idle-both", Some(150)))
        .secrets(pair("asked-there", Some(150)))
        .call(
            describe("cached-there")
                .region(WEST)
                .agent(JAVA_CACHE)
                .days(4),
        )
        .call(
            denied("GetSecretValue", "asked-there", "because")
                .region(WEST)
                .days(4),
        )
        .scan();
    let of = |name: &str| verdict(scan.secret_in(EAST, name));
    assert_eq!(of("used-there"), "keep: replica-in-use");
    assert_eq!(of("cached-there"), "keep: replica-in-use");
    assert_eq!(of("idle-both"), "delete: idle");
    assert_eq!(of("asked-there"), "review: failed-reads idle");
    for name in ["used-there", "idle-both"] {
        let replica = scan.secret_in(WEST, name);
        assert!(verdict(replica).starts_with("keep: replica"), "{replica}");
        assert_eq!(replica["replica_of"], idle(name).arn());
    }
}

#[test]
fn the_trail_of_every_region_of_a_replicated_secret_counts() {
    let scan = World::new()
        .secrets([
            idle("db").primary(EAST),
            idle("db").region(WEST).primary(EAST),
            idle("plain"),
        ])
        .scan();
    assert_eq!(
        verdict(scan.secret_in(EAST, "db")),
        "review: coverage-gap idle",
        "the replica's Region is not covered"
    );
    assert_eq!(scan.verdict("plain"), "delete: idle");
}

#[test]
fn the_same_name_in_two_regions_is_no_replica() {
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .secrets([idle("db"), idle("db").region(WEST).suffix("XyZ789")])
        .call(get("db").region(WEST))
        .scan();
    assert_eq!(verdict(scan.secret_in(EAST, "db")), "delete: idle");
    assert_eq!(verdict(scan.secret_in(WEST, "db")), "keep: recently-read");
}

#[test]
fn replicas_that_nobody_looked_at_may_be_in_use() {
    let listed =
        json!([{"Region": WEST, "Status": "InSync", "LastAccessedDate": time(days_ago(2))}]);
    let idle_there =
        json!([{"Region": WEST, "Status": "InSync", "LastAccessedDate": time(days_ago(200))}]);
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .secrets([
            idle("unknown").primary(EAST),
            idle("described-in-use")
                .primary(EAST)
                .set("ReplicationStatus", listed),
            idle("described-idle")
                .primary(EAST)
                .set("ReplicationStatus", idle_there),
            idle("described-none")
                .primary(EAST)
                .set("ReplicationStatus", json!([])),
        ])
        .scan();
    assert_eq!(scan.verdict("unknown"), "review: coverage-gap idle");
    assert_eq!(scan.verdict("described-in-use"), "keep: replica-in-use");
    assert_eq!(scan.verdict("described-idle"), "delete: idle");
    assert_eq!(scan.verdict("described-none"), "delete: idle");
}

#[test]
fn a_read_in_a_region_without_inventory_is_a_read_of_the_replica() {
    // One replica is known, the other stands where no inventory was taken.
    let pair = |name: &str| {
        [
            idle(name)
                .primary(EAST)
                .set("ReplicationStatus", json!([{"Region": WEST}])),
            idle(name).region(WEST).primary(EAST),
        ]
    };
    let frankfurt = "eu-central-1";
    let there = idle("by-arn").region(frankfurt).arn();
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .logging(ACCOUNT, frankfurt)
        .secrets(pair("by-name"))
        .secrets(pair("by-arn"))
        .secrets(pair("other"))
        .secret(idle("plain"))
        .call(get("by-name").region(frankfurt))
        .call(get(&there).region(frankfurt))
        .call(get("plain").region(frankfurt))
        .args(&["--allow-partial"])
        .scan();
    assert_eq!(
        verdict(scan.secret_in(EAST, "by-name")),
        "keep: replica-in-use"
    );
    assert_eq!(
        verdict(scan.secret_in(EAST, "by-arn")),
        "keep: replica-in-use"
    );
    assert_eq!(verdict(scan.secret_in(EAST, "other")), "delete: idle");
    assert_eq!(
        scan.verdict("plain"),
        "delete: idle",
        "not replicated: another secret of the name"
    );
    assert!(scan.gaps().contains(frankfurt), "{}", scan.gaps());
}

// 5. Never read, and young.

#[test]
fn a_never_read_secret_is_judged_by_its_creation_date() {
    for (days, expected) in [
        (0, "keep: too-young"),
        (29, "keep: too-young"),
        (30, "keep: too-young"),
        (89, "keep: too-young"),
        (90, "delete: never-read"),
        (91, "delete: never-read"),
    ] {
        let secret = never("db").set("CreatedDate", json!(time(days_ago(days))));
        let scan = World::new().secret(secret).scan();
        assert_eq!(scan.verdict("db"), expected, "created {days} days ago");
    }
    let scan = World::new()
        .secret(never("db").without("CreatedDate"))
        .scan();
    assert_eq!(
        scan.verdict("db"),
        "review: coverage-gap",
        "nobody knows its age"
    );
}

#[test]
fn a_young_secret_is_left_alone() {
    for (days, expected) in [(29, "keep: too-young idle"), (30, "delete: idle")] {
        // An access before the creation: what counts is the age.
        let secret = idle("db").set("CreatedDate", json!(time(days_ago(days))));
        let scan = World::new().secret(secret).scan();
        assert_eq!(scan.verdict("db"), expected, "created {days} days ago");
    }
}

// 6. Absence of events proves something only inside covered time.

#[test]
fn a_hole_in_the_trail_is_no_proof() {
    let hole = (days_ago(50), days_ago(50) + 9 * HOUR);
    let world = |holes: &[(i64, i64)]| {
        World::silent()
            .logging_between(ACCOUNT, EAST, days_ago(92), NOW_S, holes)
            .secrets([
                idle("idle"),
                never("never"),
                never("rotated").accessed(5).rotated_by("rotate-db"),
                idle("used"),
            ])
            .call(get("rotated").by(role("rotation", "rotate-db")).days(5))
            .call(get("used").days(5))
            .scan()
    };
    let whole = world(&[]);
    assert_eq!(whole.verdict("idle"), "delete: idle");
    assert_eq!(whole.verdict("never"), "delete: never-read");
    assert_eq!(whole.verdict("rotated"), "delete: maintenance-only");
    assert_eq!((whole.code, whole.gaps().as_str()), (0, "[]"));
    assert_eq!(whole.report["scopes"][0]["trail"]["complete"], true);

    let holed = world(&[hole]);
    assert_eq!(holed.verdict("idle"), "review: coverage-gap idle");
    assert_eq!(holed.verdict("never"), "review: coverage-gap never-read");
    assert_eq!(
        holed.verdict("rotated"),
        "review: coverage-gap maintenance-only"
    );
    assert_eq!(holed.verdict("used"), "keep: recently-read");
    assert_eq!(holed.code, 3);
    let trail = &holed.report["scopes"][0]["trail"];
    assert_eq!(trail["complete"], false);
    assert_eq!(trail["evidence_covered_hours"], 90 * 24 - 9);
    assert_eq!(trail["covered_hours"], 720, "the window has no hole");
    assert!(
        holed.gaps().contains("0.4 of 90 days") || holed.gaps().contains("0.4 days of 90 days"),
        "{}",
        holed.gaps()
    );
}

#[test]
fn coverage_is_judged_for_each_account_and_region() {
    let scan = World::new()
        .secrets([
            idle("here"),
            idle("there").region(WEST),
            idle("elsewhere").at(OTHER, EAST),
        ])
        .scan();
    assert_eq!(scan.verdict("here"), "delete: idle");
    assert_eq!(scan.verdict("there"), "review: coverage-gap idle");
    assert_eq!(scan.verdict("elsewhere"), "review: coverage-gap idle");
    assert_eq!(scan.code, 3);
    let row = scan.secret("there");
    assert_eq!(row["evidence_days"], 0);
    assert_eq!(row["cost"]["api_usd"], json!(null), "unknown is not zero");
}

#[test]
fn a_write_only_trail_covers_no_reads() {
    let scan = World::silent()
        .logging_writes(ACCOUNT, EAST)
        .secret(idle("db"))
        .call(call("PutSecretValue", "db").writes())
        .scan();
    assert_eq!(
        scan.verdict("db"),
        "review: coverage-gap recently-written idle"
    );
    assert_eq!(scan.report["scopes"][0]["trail"]["covered_hours"], 0);
    assert!(scan.gaps().contains("WriteOnly"), "{}", scan.gaps());
    assert_eq!(scan.code, 3);
}

#[test]
fn a_trail_that_starts_late_covers_only_its_time() {
    let scan = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(60), NOW_S, &[])
        .secret(idle("db"))
        .scan();
    assert_eq!(scan.verdict("db"), "review: coverage-gap idle");
    assert_eq!(scan.secret("db")["evidence_days"], 60);
    let shorter = World::silent()
        .logging_between(ACCOUNT, EAST, days_ago(60), NOW_S, &[])
        .secret(idle("db"))
        .args(&["--idle", "60d"])
        .scan();
    assert_eq!(
        shorter.verdict("db"),
        "delete: idle",
        "the idle time is covered"
    );
}

#[test]
fn a_region_that_is_quiet_at_night_has_no_hole() {
    let office = (0..92 * 24)
        .map(|hour| days_ago(92) + hour * HOUR)
        .filter(|at| (8..18).contains(&(at.rem_euclid(DAY) / HOUR)))
        .map(|at| background(ACCOUNT, EAST, at + 300));
    let scan = World::silent().calls(office).secret(idle("db")).scan();
    assert_eq!(scan.verdict("db"), "delete: idle");
}

// 7. Which secret an event means.

#[test]
fn names_and_arns_resolve_to_their_secret() {
    let orders = idle("orders");
    let partial = format!("{}orders", orders.arn().trim_end_matches("orders-AbC123"));
    let by_partial = idle("by-partial");
    let scan = World::new()
        .logging(ACCOUNT, WEST)
        .secrets([
            orders.clone(),
            by_partial.clone(),
            idle("by-name"),
            idle("prefix"),
            idle("prefix/longer"),
            idle("report"),
            idle("report-abc123").suffix("QQQQQQ"),
            idle("by-name").region(WEST),
        ])
        .call(get(&orders.arn()))
        .call(get(&partial).days(2))
        .call(get(&by_partial.arn().replace("-AbC123", "")))
        .call(get("by-name"))
        .call(get("prefix/longer"))
        .call(get("report-abc123"))
        .scan();
    assert_eq!(scan.secret("orders")["reads"], 2, "full and partial ARN");
    assert_eq!(scan.secret("by-partial")["reads"], 1);
    assert_eq!(scan.secret_in(EAST, "by-name")["reads"], 1);
    assert_eq!(
        scan.secret_in(WEST, "by-name")["reads"],
        0,
        "a name counts in its Region"
    );
    assert_eq!(scan.secret("prefix/longer")["reads"], 1);
    assert_eq!(scan.verdict("prefix"), "delete: idle");
    assert_eq!(
        scan.secret("report-abc123")["reads"],
        1,
        "a name that ends like a suffix"
    );
    assert_eq!(scan.verdict("report"), "delete: idle");
    assert_eq!(scan.report["totals"]["unattributed_calls"], 0);
}

#[test]
fn what_may_be_two_secrets_is_nobodys_and_blocks_both() {
    // `report-abc123` may be a secret of that name or, by its ARN, the predecessor of `report`.
    let young = idle("report").created(40);
    let scan = World::new()
        .secrets([young, idle("report-abc123").suffix("QQQQQQ")])
        .call(get("arn:aws:secretsmanager:us-east-1:111122223333:secret:report-abc123").days(60))
        .scan();
    for name in ["report", "report-abc123"] {
        assert_eq!(scan.verdict(name), "review: ambiguous-reads idle", "{name}");
        assert_eq!(scan.secret(name)["calls"], 0, "{name}");
    }
}

#[test]
fn a_read_by_name_before_the_creation_belongs_to_the_predecessor() {
    let recreated = never("db").set("CreatedDate", json!(time(days_ago(20))));
    let scan = World::new()
        .secrets([recreated, idle("other")])
        .call(get("db").at(days_ago(20) - 1))
        .call(get(&never("db").suffix("OLD000").arn()).days(60))
        .args(&["--young", "10d", "--idle", "15d", "--window", "90d"])
        .scan();
    assert_eq!(scan.verdict("db"), "delete: never-read");
    assert_eq!(scan.secret("db")["reads"], 0);
    assert_eq!(
        scan.report["unattributed"][0]["by_what"]["former secret"],
        2
    );
    let after = World::new()
        .secret(never("db").set(
            "CreatedDate",
            json!(time(days_ago(20)).replace('Z', ".900Z")),
        ))
        .call(get("db").at(days_ago(20)))
        .args(&["--young", "10d", "--idle", "15d"])
        .scan();
    assert_eq!(
        after.secret("db")["reads"],
        1,
        "in the second of its creation"
    );
}

// 8. The same event twice.

#[test]
fn an_event_counts_once_however_often_it_comes() {
    let copy = get("db").id("0a0a0a0a-0000-4000-8000-000000000001");
    let again = log(std::slice::from_ref(&copy));
    let other = get("db").id("0a0a0a0a-0000-4000-8000-000000000002").days(2);
    let scan = World::new()
        .secret(idle("db"))
        .call(copy.clone())
        .call(copy.clone())
        .call(other)
        .file("trail/second-trail/copy.json", again.clone())
        .file(
            &format!("trail/prefix/{}", log_path(ACCOUNT, EAST, copy.at, "TWICE")),
            gzip(again.as_bytes()),
        )
        .scan();
    assert_eq!(scan.secret("db")["reads"], 2);
    assert_eq!(scan.report["totals"]["calls"], 2);
}

#[test]
fn the_twins_of_a_cross_account_call_count_once() {
    let secret = idle("shared");
    let arn = secret.arn();
    let reader = role_of(OTHER, "partner", "job");
    let shared = "0b0b0b0b-0000-4000-8000-000000000001";
    let theirs = get(&arn)
        .by(reader)
        .place(OTHER, EAST)
        .shared(shared)
        .id("0c0c0c0c-0000-4000-8000-000000000001");
    let ours = theirs
        .clone()
        .by(json!({"type": "AWSAccount", "principalId": "AROAEXAMPLE7:job", "accountId": OTHER}))
        .place(ACCOUNT, EAST)
        .id("0c0c0c0c-0000-4000-8000-000000000002");
    let scan = World::new()
        .logging(OTHER, EAST)
        .secret(secret)
        .call(theirs)
        .call(ours)
        .scan();
    assert_eq!(scan.secret("shared")["reads"], 1);
    assert_eq!(scan.verdict("shared"), "keep: recently-read");
    assert_eq!(
        scan.secret("shared")["last_consumer"],
        role_arn(OTHER, "partner"),
        "of the copies the one that tells more"
    );
}

#[test]
fn a_reader_in_another_account_is_a_reader() {
    let secret = idle("shared");
    let scan = World::new()
        .secret(secret.clone())
        .call(
            get(&secret.arn())
                .by(role_of(OTHER, "partner", "job"))
                .place(OTHER, EAST),
        )
        .call(
            get("shared")
                .by(role_of(OTHER, "partner", "job"))
                .place(OTHER, EAST),
        )
        .scan();
    assert_eq!(
        scan.secret("shared")["reads"],
        1,
        "a bare name means a secret of the own account"
    );
    assert_eq!(scan.report["totals"]["unattributed_calls"], 1);
}

// 9. A batch logs one GetSecretValue more for each secret.

#[test]
fn a_batch_is_one_call_and_its_reads_count_once() {
    let batch = Call {
        request: json!({"secretIdList": ["one", "two"]}),
        ..call("BatchGetSecretValue", "")
    };
    let scan = World::new()
        .secrets([idle("one"), idle("two")])
        .call(batch)
        .call(get("one"))
        .call(get("two"))
        .scan();
    for name in ["one", "two"] {
        assert_eq!(
            (&scan.secret(name)["reads"], &scan.secret(name)["calls"]),
            (&json!(1), &json!(1))
        );
    }
    assert_eq!(scan.report["totals"]["reads"], 2);
    assert_eq!(scan.report["totals"]["calls"], 3);
    assert_eq!(
        scan.report["unattributed"][0]["by_what"],
        json!({"BatchGetSecretValue": 1})
    );
}

// 10. Service events.

#[test]
fn service_events_are_nobodys_calls() {
    let arn = idle("db").arn();
    let scan = World::new()
        .secret(idle("db"))
        .call(service_event("RotationStarted", json!({"SecretId": arn})).days(3))
        .call(service_event("RotationSucceeded", json!({"SecretId": arn})).days(3))
        .call(
            service_event(
                "StartSecretVersionDelete",
                json!({"ARN": arn, "Name": "db"}),
            )
            .days(3),
        )
        .call(Call {
            error: Some((
                String::new(),
                Some("Error when executing lambda during setSecret step".to_owned()),
            )),
            ..service_event("RotationFailed", json!({"SecretId": arn})).days(3)
        })
        .scan();
    assert_eq!(scan.code, 0, "{}", scan.gaps());
    assert_eq!(scan.verdict("db"), "delete: idle");
    assert_eq!(
        scan.report["totals"]["calls"], 0,
        "nobody called, nothing is billed"
    );
    assert_eq!(scan.secret("db")["readers"], json!([]));
}

// 11. The path tells the day of delivery.

#[test]
fn an_event_lies_in_the_folder_of_its_delivery_and_counts_at_its_own_time() {
    let last = NOW_S - 60;
    let old = "arn:aws:secretsmanager:us-east-1:111122223333:secret:old-AbC123";
    let late = log(&[get("db").at(last), get(old).at(days_ago(91))]);
    let scan = World::new()
        .secrets([idle("db"), idle("old"), idle("future")])
        // Delivered on the day after the window, in its folder.
        .file(
            &format!("trail/{}", log_path(ACCOUNT, EAST, last, "LATE")),
            gzip(late.as_bytes()),
        )
        .call(get("future").at(NOW_S))
        .scan();
    assert_eq!(scan.verdict("db"), "keep: recently-read");
    assert_eq!(
        scan.secret("db")["last_consumer_read"],
        "2026-10-31T23:59:00Z"
    );
    assert_eq!(
        scan.verdict("old"),
        "delete: idle",
        "its event is older than the idle time"
    );
    assert_eq!(scan.verdict("future"), "delete: idle", "`to` is exclusive");
    assert_eq!(scan.report["totals"]["reads"], 1);
}

#[test]
fn a_read_by_arn_counts_where_the_secret_stands() {
    let listed = never("listed");
    let elsewhere = never("elsewhere").at(OTHER, EAST);
    let scan = World::new()
        .logging(OTHER, EAST)
        .secret(listed)
        .call(get(&elsewhere.arn()).days(3))
        .scan();
    assert_eq!(scan.code, 3, "{}", scan.stderr);
    assert!(
        scan.gaps()
            .contains("no inventory, yet 1 secret is called here"),
        "{}",
        scan.gaps()
    );
    let scopes = scan.report["scopes"].as_array().unwrap();
    let place = |row: &Value| (row["account"].clone(), row["inventory"].clone());
    let places: Vec<_> = scopes.iter().map(place).collect();
    assert_eq!(
        places,
        [
            (json!(ACCOUNT), json!("read")),
            (json!(OTHER), json!("missing"))
        ]
    );
}

#[test]
fn a_read_of_a_deleted_secret_elsewhere_asks_for_no_inventory_of_the_caller() {
    let listed = never("listed").at(OTHER, EAST);
    let gone = never("gone").at(OTHER, EAST);
    let scan = World::new()
        .logging(OTHER, EAST)
        .secret(listed)
        .call(get(&gone.arn()).days(3))
        .scan();
    assert_eq!((scan.code, scan.gaps().as_str()), (0, "[]"));
    let scopes = scan.report["scopes"].as_array().unwrap();
    assert_eq!(scopes.len(), 1, "{scopes:#?}");
    assert_eq!(scopes[0]["account"], OTHER);
}
