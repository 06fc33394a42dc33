//! Who really calls: sessions that SDKs and platforms make up, writers, lists, people and services, and copies of calls.

use serde_json::{Value, json};

use super::*;

/// Calls that each have a session of their own: `name` makes it from the moment.
fn renamed(
    call: &Call,
    role_name: &str,
    from: i64,
    (step, times): (i64, i64),
    name: impl Fn(i64) -> String,
) -> Vec<Call> {
    let at = |number| from + number * step;
    (0..times)
        .map(|number| {
            call.clone()
                .by(role(role_name, &name(at(number))))
                .at(at(number))
        })
        .collect()
}

fn botocore(at: i64) -> String {
    format!("botocore-session-{at}")
}

/// The only loop of a scan.
#[track_caller]
fn only(scan: &Scan) -> &Value {
    let [found] = scan.loops().as_slice() else {
        panic!("one loop is expected: {:#?}", scan.loops());
    };
    found
}

fn text<'a>(found: &'a Value, key: &str) -> &'a str {
    found[key].as_str().unwrap()
}

#[test]
fn a_pod_whose_every_call_has_another_session_is_one_client_in_a_loop() {
    let cli = "aws-cli/2.19.1 md/awscrt#0.22.0 ua/2.0 os/linux#5.10";
    let reads = renamed(
        &get("x").agent(cli).via("10.0.7.31"),
        "batch-irsa",
        days_ago(2),
        (10, 2 * DAY / 10),
        botocore,
    );
    let scan = world()
        .secret(idle("x"))
        .calls(reads)
        .args(&["--window", "2d"])
        .scan();
    let found = only(&scan);
    assert_eq!(text(found, "shape"), "per-process");
    assert_eq!(found["clients"], 1);
    assert_eq!(found["interval_s"], 10.0);
    assert_eq!(found["reads_month"], 262_800);
    // All but one read an hour.
    assert_eq!(found["avoidable_calls_month"], (360 - 1) * 730);
    assert!(
        text(found, "advice").contains("AWS_ROLE_SESSION_NAME"),
        "{found}"
    );
    assert!(
        text(found, "advice").contains("credential_process"),
        "{found}"
    );
    assert_eq!(found.get("clients_up_to"), None);
}

#[test]
fn a_fleet_whose_names_were_made_up_is_healthy() {
    let pod = |number: i64| {
        let first = days_ago(4) + number * 17;
        let address = format!("10.0.{}.{}", number / 100, number % 100);
        (0..24).map(move |hour| {
            // Half of the pods take another name when they renew their credentials.
            let named = if number % 2 == 0 {
                first
            } else {
                first + hour * HOUR
            };
            get("x")
                .by(role("app", &botocore(named)))
                .via(&address)
                .at(first + hour * HOUR)
        })
    };
    let scan = world()
        .secret(idle("x"))
        .calls((0..200).flat_map(pod))
        .scan();
    assert_eq!(scan.secret("x")["reads"], 200 * 24);
    assert_eq!(scan.loops(), &[json!(null); 0]);
}

#[test]
fn a_fleet_behind_one_address_whose_names_last_is_healthy() {
    let pod = |number: i64| {
        let first = days_ago(4) + number * 17;
        get("x")
            .by(role("app", &botocore(first)))
            .via("203.0.113.9")
            .at(first)
            .every(HOUR, 24)
    };
    let scan = world()
        .secret(idle("x"))
        .calls((0..200).flat_map(pod))
        .scan();
    assert_eq!(scan.loops(), &[json!(null); 0]);
}

#[test]
fn one_pod_with_a_thousand_names_is_a_loop() {
    for name in [
        botocore,
        |at: i64| format!("aws-sdk-js-session-{at}000"),
        |at: i64| format!("{at}123456789"),
        |at: i64| {
            format!(
                "worker-{:010x}",
                at.wrapping_mul(0x9e37_79b9) & 0xff_ffff_ffff
            )
        },
        |at: i64| format!("step-{}", at % 100_000),
    ] {
        let reads = renamed(&get("x"), "app", days_ago(3), (30, 1_000), name);
        let scan = world().secret(idle("x")).calls(reads).scan();
        let found = only(&scan);
        assert_eq!(text(found, "shape"), "per-process", "{}", name(NOW_S));
        assert_eq!(found["clients"], 1, "{}", name(NOW_S));
    }
}

#[test]
fn behind_one_address_of_many_the_avoidable_calls_are_an_interval() {
    let reads = renamed(
        &get("x").via("203.0.113.9"),
        "app",
        days_ago(3),
        (10, 10 * 360),
        botocore,
    );
    let scan = world().secret(idle("x")).calls(reads).scan();
    let found = only(&scan);
    assert_eq!(
        found["clients"], 360,
        "as many as there are sessions in an hour"
    );
    assert_eq!(found["clients_up_to"], true);
    let calls = &found["avoidable_range"]["calls_month"];
    assert_eq!(calls["low"], 0);
    assert_eq!(calls["high"], (3_590 * 730 + 360) / 720);
    assert_eq!(found["avoidable_usd_month"], "0.000000", "what is certain");
    let said = text(scan.findings("hot-loop")[0], "text");
    assert!(said.contains("from up to 360 clients"), "{said}");
    assert!(
        said.contains("0 to 3,640 calls avoidable, $0.00 to $0.02 a month"),
        "{said}"
    );
    let words: Vec<&str> = scan.stdout.split_whitespace().collect();
    assert!(
        words.join(" ").contains("up to 360 clients"),
        "{}",
        scan.stdout
    );
}

#[test]
fn tasks_that_start_without_an_end_are_shown() {
    let ecs = "Amazon ECS Agent - v1.91.0 (5a3b8f1) (linux) (+http://aws.amazon.com/ecs/)";
    let start = |number: i64| {
        get("x")
            .agent(ecs)
            .by(role(
                "web-task-execution",
                &format!("{:032x}", number * 7_919),
            ))
            .via(&format!("10.0.{}.{}", number % 3, 20 + number % 40))
            .at(days_ago(2) + number * 35)
    };
    let scan = world()
        .secret(idle("x"))
        .calls((0..2 * DAY / 35).map(start))
        .args(&["--window", "2d"])
        .scan();
    let found = only(&scan);
    assert_eq!(text(found, "shape"), "task-start");
    assert_eq!(found["clients"], 2 * DAY / 35, "each start is seen");
    assert_eq!(found["avoidable_usd_month"], Value::Null, "nobody knows");
    assert!(text(found, "advice").contains("crash loop"), "{found}");
    let said = text(scan.findings("hot-loop")[0], "text");
    assert!(
        said.contains("how many of them are avoidable is not known"),
        "{said}"
    );
}

#[test]
fn deploys_of_many_tasks_are_healthy() {
    let deploy = |day: i64| {
        (0..200).map(move |number| {
            get("x")
                .by(role("web", &format!("{:032x}", day * 1_000 + number)))
                .via(&format!("10.0.1.{number}"))
                .at(days_ago(day) + 9 * HOUR + number * 9)
        })
    };
    let scan = world()
        .secret(idle("x"))
        .calls((1..20).flat_map(deploy))
        .scan();
    assert_eq!(scan.loops(), &[json!(null); 0]);
}

#[test]
fn a_push_without_an_end_is_a_loop_of_writes_and_no_use() {
    let push = |api: &str| {
        call(api, "x")
            .agent(GO)
            .by(role("eso-irsa", "external-secrets-provider-aws"))
            .at(days_ago(3))
            .every(20, 3 * DAY / 20)
    };
    let scan = world()
        .secret(idle("x"))
        .calls([push("DescribeSecret"), push("PutSecretValue")].concat())
        .args(&["--window", "3d"])
        .scan();
    let found = only(&scan);
    assert_eq!(found["what"], "PutSecretValue");
    assert_eq!(found["reads_month"], 12_960 * 730 / 72);
    assert_eq!(found["avoidable_calls_month"], (180 - 6) * 730);
    assert!(text(found, "advice").contains("PushSecret"), "{found}");
    let codes = codes(scan.secret("x"));
    is_judged(&scan, "x", "review");
    assert!(!codes.contains(&"cached-reader".to_owned()), "{codes:?}");
    assert!(!codes.contains(&"recently-read".to_owned()), "{codes:?}");
}

#[test]
fn a_write_in_ten_minutes_is_no_loop() {
    let scan = world()
        .secret(idle("x"))
        .calls(call("UpdateSecret", "x").days(3).every(600, 3 * 144))
        .scan();
    assert_eq!(scan.loops(), &[json!(null); 0]);
}

#[test]
fn polls_of_the_list_are_a_loop_and_an_inventory_of_each_hour_is_none() {
    let lists = |step: i64, hours: i64| {
        let list = call("ListSecrets", "").request(json!({"maxResults": 100}));
        list.by(role("inventory", "poll"))
            .days(3)
            .every(step, hours * HOUR / step)
    };
    let scan = world().calls(lists(10, 12)).scan();
    let found = only(&scan);
    assert_eq!(
        (text(found, "what"), text(found, "name")),
        ("ListSecrets", "")
    );
    assert_eq!(found["arn"], Value::Null);
    assert!(scan.stdout.contains("no single secret"), "{}", scan.stdout);
    assert_eq!(
        world().calls(lists(HOUR, 48)).scan().loops(),
        &[json!(null); 0]
    );
}

#[test]
fn what_aws_calls_for_the_customer_is_a_service_and_may_loop() {
    let call = get("x")
        .agent("AWS Internal")
        .via("AWS Internal")
        .by(role("msk-connect", "connector-1"))
        .invoked_by("AWS Internal");
    let scan = world()
        .secret(idle("x"))
        .calls(call.days(2).every(6, 4 * 600))
        .scan();
    let found = only(&scan);
    assert_eq!(found["kind"], "service");
    assert!(!text(found, "advice").contains("cach"), "{found}");
}

#[test]
fn the_same_sign_with_a_session_of_the_console_is_a_person() {
    let call = person(get("x"), "ada")
        .agent("AWS Internal")
        .via("AWS Internal");
    let scan = world()
        .secret(idle("x"))
        .calls(call.days(2).every(600, 9))
        .scan();
    assert_eq!(scan.secret("x")["readers"][0]["kind"], "person");
    assert_eq!(scan.loops(), &[json!(null); 0]);
}

#[test]
fn a_program_under_the_role_of_a_person_is_a_loop() {
    let mut call =
        person(get("x"), "ada").agent("Boto3/1.34.2 md/Botocore#1.34.2 lang/python#3.11.6");
    call.more.clear();
    let scan = world()
        .secret(idle("x"))
        .calls(call.days(4).every(6, 28_800))
        .scan();
    let found = only(&scan);
    assert_eq!(found["kind"], "person");
    assert!(text(found, "advice").contains("role of its own"), "{found}");
}

/// Reads with what else the trail holds of them; all of it is 20 calls of `x`.
#[track_caller]
fn are_twenty_calls(calls: impl IntoIterator<Item = Call>) {
    let scan = world()
        .logging(OTHER, EAST)
        .secret(idle("x"))
        .calls(calls)
        .scan();
    assert_eq!(scan.secret("x")["calls"], 20);
    assert_eq!(scan.secret("x")["window_cost"]["api_usd"], "0.000100");
    assert_eq!(scan.report["totals"]["unattributed_calls"], 0);
}

fn twenty() -> Vec<Call> {
    let calls = get("x").by(role("app", "pod-1")).days(3).every(HOUR, 20);
    let numbered = calls.into_iter().zip(0..);
    numbered
        .map(|(call, number)| call.id(&format!("00000000-0000-4000-8000-{number:012x}")))
        .collect()
}

#[test]
fn twins_of_the_network_are_no_calls() {
    let twin = |call: Call| {
        let mut twin = call.clone().category("NetworkActivity").unnamed();
        twin.id = None;
        [call, twin.shared("5f1c6cd0-0000-4000-8000-00000000abcd")]
    };
    are_twenty_calls(twenty().into_iter().flat_map(twin));
}

#[test]
fn records_that_come_again_with_additions_are_no_calls() {
    let again = |call: Call| {
        let mut again = call.clone().more(
            "addendum",
            json!({"reason": "UPDATED_DATA", "updatedFields": "userAgent", "originalEventID": call.id}),
        );
        again.id = None;
        [call, again]
    };
    are_twenty_calls(twenty().into_iter().flat_map(again));
}

#[test]
fn aggregated_events_are_no_calls() {
    let summed = |call: Call| {
        let mut summed = call.clone().category("Aggregated");
        summed.id = None;
        [call, summed]
    };
    are_twenty_calls(twenty().into_iter().flat_map(summed));
}

#[test]
fn copies_of_calls_across_accounts_are_one_call_of_one_reader() {
    let arn = idle("x").arn();
    let copies = |(call, number): (Call, u32)| {
        let shared = format!("70000000-0000-4000-8000-{number:012x}");
        let session = format!("botocore-session-{}", call.at);
        let mut theirs = call
            .by(role_of(OTHER, "partner", &session))
            .place(OTHER, EAST);
        theirs.request = json!({"secretId": arn});
        let mut ours = theirs.clone().place(ACCOUNT, EAST).by(
            json!({"type": "AWSAccount", "principalId": format!("AROAEXAMPLE7:{session}"), "accountId": OTHER}),
        );
        ours.id = None;
        [ours.shared(&shared), theirs.shared(&shared)]
    };
    let calls: Vec<Call> = twenty().into_iter().zip(0..).flat_map(copies).collect();
    let scan = world()
        .logging(OTHER, EAST)
        .secret(idle("x"))
        .calls(calls.clone())
        .scan();
    assert_eq!(scan.secret("x")["readers"].as_array().unwrap().len(), 1);
    are_twenty_calls(calls);
}
