//! `LookupEvents`: order, window, tokens, the rate; and what a trail says about itself.

use super::*;

fn key(name: &str, value: &str) -> LookupAttribute {
    LookupAttribute::builder()
        .attribute_key(LookupAttributeKey::from(name))
        .attribute_value(value)
        .build()
        .unwrap()
}

fn time(text: &str) -> DateTime {
    DateTime::from_secs(at(text).as_second())
}

#[tokio::test]
async fn lookup_answers_newest_first_in_pages_within_the_window() {
    let reads = (0..120).map(|minute| {
        Event::read(
            &format!("2026-11-20T10:{:02}:{:02}Z", minute / 60, minute % 60),
            A,
            EAST,
            "db",
            "app",
            "i-1",
        )
    });
    let other = json!({
        "eventTime": "2026-11-20T10:00:30Z", "eventID": "e-1", "eventName": "RunInstances", "eventSource": "ec2.amazonaws.com",
        "userIdentity": { "userName": "ann", "accessKeyId": "AKIA1" },
    });
    let world = World::new(A)
        .regions(&[WEST])
        .lookup_rate(Rate::Unlimited)
        .events(A, EAST, reads)
        .events(
            A,
            EAST,
            [
                Event::of(other.to_string()),
                Event::read("2026-07-01T00:00:00Z", A, EAST, "db", "app", "i-1"),
            ],
        )
        .events(
            A,
            WEST,
            [Event::malformed(
                "2026-11-20T10:00:00Z",
                "{\"eventVersion\":",
            )],
        );
    let aws = Aws::start(world);
    let client = history(&aws, A, EAST).await;
    let source = || key("EventSource", "secretsmanager.amazonaws.com");

    let mut pages = client
        .lookup_events()
        .lookup_attributes(source())
        .into_paginator()
        .send();
    let mut sizes = Vec::new();
    let mut events = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.events().len());
        events.extend(page.events.unwrap());
    }
    assert_eq!(sizes, [50, 50, 20], "the one older than 90 days is gone");
    assert!(events.is_sorted_by(|a, b| a.event_time >= b.event_time));
    let first = &events[0];
    assert_eq!(
        (first.username(), first.read_only(), first.access_key_id()),
        (Some("i-1"), Some("true"), Some("ASIAEXAMPLE"))
    );
    let record: serde_json::Value =
        serde_json::from_str(first.cloud_trail_event().unwrap()).unwrap();
    assert_eq!(record["requestParameters"]["secretId"], "db");

    let window = client
        .lookup_events()
        .start_time(time("2026-11-20T10:00:10Z"))
        .end_time(time("2026-11-20T10:00:12Z"));
    assert_eq!(
        window.send().await.unwrap().events().len(),
        3,
        "both ends are included"
    );
    for (name, value, count) in [
        ("EventName", "RunInstances", 1),
        ("EventId", "e-1", 1),
        ("Username", "ann", 1),
        ("AccessKeyId", "AKIA1", 1),
        ("ReadOnly", "false", 1),
        ("ResourceName", "db", 0),
        ("ResourceType", "x", 0),
    ] {
        let answer = client
            .lookup_events()
            .lookup_attributes(key(name, value))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.events().len(), count, "{name}");
    }
    let west = history(&aws, A, WEST)
        .await
        .lookup_events()
        .send()
        .await
        .unwrap();
    assert_eq!(
        west.events()[0].cloud_trail_event(),
        Some("{\"eventVersion\":")
    );
}

#[tokio::test]
async fn lookup_refuses_what_cloudtrail_refuses() {
    let reads = (0..3).map(|second| {
        Event::read(
            &format!("2026-11-20T10:00:0{second}Z"),
            A,
            EAST,
            "db",
            "app",
            "i-1",
        )
    });
    let aws = Aws::start(
        World::new(A)
            .lookup_rate(Rate::Unlimited)
            .events(A, EAST, reads),
    );
    let client = history(&aws, A, EAST).await;
    let lookup = || client.lookup_events();
    assert_eq!(
        code(lookup().max_results(51).send().await),
        "InvalidMaxResultsException"
    );
    let two = lookup()
        .lookup_attributes(key("EventName", "a"))
        .lookup_attributes(key("EventId", "b"));
    assert_eq!(code(two.send().await), "InvalidLookupAttributesException");
    assert_eq!(
        code(lookup().lookup_attributes(key("Colour", "a")).send().await),
        "InvalidLookupAttributesException"
    );
    let backwards = lookup()
        .start_time(time("2026-11-20"))
        .end_time(time("2026-11-19"));
    assert_eq!(code(backwards.send().await), "InvalidTimeRangeException");
    let early = || lookup().start_time(time("2026-01-01")).send();
    assert_eq!(early().await.unwrap().events().len(), 3);
    aws.world().lookup.early = Early::Refuse;
    assert_eq!(code(early().await), "InvalidTimeRangeException");

    let token = lookup()
        .max_results(2)
        .end_time(time("2026-11-21"))
        .send()
        .await
        .unwrap()
        .next_token;
    let moved = lookup()
        .max_results(2)
        .end_time(time("2026-11-22"))
        .set_next_token(token.clone());
    assert_eq!(code(moved.send().await), "InvalidNextTokenException");
    let same = lookup()
        .max_results(2)
        .end_time(time("2026-11-21"))
        .set_next_token(token);
    assert_eq!(same.send().await.unwrap().events().len(), 1);

    aws.world().lookup.delay = SignedDuration::from_hours(24 * 7);
    assert_eq!(
        lookup().send().await.unwrap().events().len(),
        0,
        "not delivered yet"
    );
    let text = raw(
        &aws,
        "CloudTrail_20131101.LookupEvents",
        r#"{"StartTime":"2026-11-20"}"#,
        &signed(A, "cloudtrail"),
    );
    assert!(
        text.1.contains("SerializationException"),
        "times are numbers"
    );
}

#[tokio::test]
async fn lookup_allows_two_requests_a_second_per_account_and_region() {
    let world = World::new(A)
        .account(Account::new(B, "other"))
        .regions(&[WEST])
        .lookup_rate(Rate::Virtual(2.0));
    let aws = Aws::start(world);
    let (east, west, other) = (
        history(&aws, A, EAST).await,
        history(&aws, A, WEST).await,
        history(&aws, B, EAST).await,
    );
    for client in [&east, &west, &other] {
        client.lookup_events().send().await.unwrap();
        client.lookup_events().send().await.unwrap();
        let third = client.lookup_events().send().await.unwrap_err();
        assert_eq!(
            (third.code(), third.message()),
            (Some("ThrottlingException"), Some("Rate exceeded"))
        );
        assert_eq!(third.raw_response().unwrap().status().as_u16(), 400);
    }
    aws.world().now += SignedDuration::from_millis(500);
    east.lookup_events().send().await.unwrap();
    assert_eq!(
        code(east.lookup_events().send().await),
        "ThrottlingException"
    );
    let calls = aws.calls();
    assert!(
        calls.is_sorted_by_key(|call| call.at),
        "a test reads the pace from the instants"
    );
    assert_eq!(calls.iter().filter(|call| call.error.is_some()).count(), 4);
}

#[tokio::test]
async fn trails_say_what_they_record() {
    let mut world = World::new(A).regions(&[WEST]);
    world.trails.push(Trail {
        account: A.to_owned(),
        home: EAST.to_owned(),
        name: "main".to_owned(),
        bucket: "logs".to_owned(),
        facts: json!({ "IsMultiRegionTrail": true, "ReadWriteType": "WriteOnly", "IsLogging": false }),
    });
    let aws = Aws::start(world);
    let client = history(&aws, A, WEST).await;
    let trails = client.describe_trails().send().await.unwrap();
    let arn = trails.trail_list()[0].trail_arn().unwrap();
    assert_eq!(trails.trail_list()[0].s3_bucket_name(), Some("logs"));
    let own = client
        .describe_trails()
        .include_shadow_trails(false)
        .send()
        .await
        .unwrap();
    assert!(own.trail_list().is_empty());
    assert_eq!(
        client
            .get_trail_status()
            .name(arn)
            .send()
            .await
            .unwrap()
            .is_logging(),
        Some(false)
    );
    let selectors = client
        .get_event_selectors()
        .trail_name(arn)
        .send()
        .await
        .unwrap();
    assert_eq!(
        selectors.event_selectors()[0]
            .read_write_type()
            .unwrap()
            .as_str(),
        "WriteOnly"
    );
    assert_eq!(
        code(client.get_trail_status().name("none").send().await),
        "TrailNotFoundException"
    );
}
