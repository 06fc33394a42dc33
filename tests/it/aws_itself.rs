//! The loopback AWS proves itself: the SDK's own clients understand it, it refuses what AWS
//! refuses, and its faults arrive as what they claim to be.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_account::types::RegionOptStatus;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_sdk_s3::types::RequestPayer;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::types::{
    Filter, FilterNameStringType, ReplicaRegionType, SortByType, SortOrderType, Tag,
};
use jiff::SignedDuration;
use serde_json::json;

use crate::aws::world::{
    Account, Body, Bucket, Early, Event, Opt, Rate, Secret, Status, Trail, Version, at,
};
use crate::aws::{Aws, Fault, World, access_key};

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// Clients that never try again, so that each refusal is seen.
async fn config(aws: &Aws, account: &str, region: &str) -> SdkConfig {
    config_with(
        aws,
        region,
        Credentials::new(access_key(account), "secret", None, None, "test"),
    )
    .await
}

async fn config_with(aws: &Aws, region: &str, credentials: Credentials) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(aws.endpoint())
        .credentials_provider(credentials)
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}

async fn vault(aws: &Aws, account: &str, region: &str) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(&config(aws, account, region).await)
}

async fn history(aws: &Aws, account: &str, region: &str) -> aws_sdk_cloudtrail::Client {
    aws_sdk_cloudtrail::Client::new(&config(aws, account, region).await)
}

async fn store(aws: &Aws, account: &str, region: &str) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(&config(aws, account, region).await)
}

/// The error code of a call that must be refused; empty when the failure has none.
fn code<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>) -> String {
    result
        .expect_err("this call is refused")
        .code()
        .unwrap_or_default()
        .to_owned()
}

/// The error message of a call that must be refused.
fn message<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>) -> String {
    result
        .expect_err("this call is refused")
        .message()
        .unwrap_or_default()
        .to_owned()
}

/// A request that no SDK client of this project may make; status and body of the answer.
fn raw(aws: &Aws, target: &str, body: &str, authorization: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(aws.endpoint().trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nX-Amz-Target: {target}\r\n{authorization}Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

fn signed(account: &str, service: &str) -> String {
    let key = access_key(account);
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20261123/{EAST}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    )
}

// Secrets Manager.

#[tokio::test]
async fn list_secrets_pages_in_order_of_creation_and_shows_every_field() {
    let mut world = World::new(A).regions(&[WEST]);
    for number in 0..250 {
        let day = format!("2025-03-{:02}", 28 - number % 28);
        world.add(Secret::new(A, EAST, &format!("app/{number}")).created(&day));
    }
    world.add(
        Secret::new(A, EAST, "full")
            .created("2026-01-01T08:00:00.250Z")
            .accessed("2026-11-20")
            .tag("owner", "payments")
            .owned_by("rds")
            .key("alias/payments")
            .with(|secret| {
                secret.description = Some("a \"quoted\"\nline".to_owned());
                secret.rotation_enabled = Some(true);
                secret.rotation_lambda_arn = Some("arn:aws:lambda:x".to_owned());
                secret.rotation_rules = Some(json!({ "AutomaticallyAfterDays": 30 }));
                secret.last_rotated = Some(at("2026-11-01"));
                secret.next_rotation = Some(at("2026-12-01"));
                secret.kind = Some("partner".to_owned());
            }),
    );
    world.add(Secret::new(A, WEST, "elsewhere"));
    world.add(Secret::new(A, EAST, "going").deleted("2026-11-10"));
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;

    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_secrets()
            .max_results(100)
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        token = page.next_token;
        pages.push(page.secret_list.unwrap());
        if token.is_none() {
            break;
        }
    }
    assert_eq!(
        pages.iter().map(Vec::len).collect::<Vec<_>>(),
        [100, 100, 51]
    );
    let all: Vec<_> = pages.into_iter().flatten().collect();
    assert!(all.is_sorted_by_key(|secret| secret.created_date));
    let full = all.last().unwrap();
    assert_eq!(full.name(), Some("full"));
    assert_eq!(full.arn(), Some(&*Secret::new(A, EAST, "full").arn()));
    assert_eq!(
        full.created_date().unwrap().to_millis().unwrap(),
        at("2026-01-01T08:00:00.250Z").as_millisecond()
    );
    assert_eq!(
        full.last_accessed_date().unwrap().secs(),
        at("2026-11-20").as_second()
    );
    assert_eq!(
        full.next_rotation_date().unwrap().secs(),
        at("2026-12-01").as_second()
    );
    assert_eq!(
        full.rotation_rules().unwrap().automatically_after_days(),
        Some(30)
    );
    assert_eq!(full.description(), Some("a \"quoted\"\nline"));
    assert_eq!(full.owning_service(), Some("rds"));
    assert_eq!(full.kms_key_id(), Some("alias/payments"));
    assert_eq!(full.tags().len(), 2);
    assert_eq!(full.secret_versions_to_stages().unwrap().len(), 1);
    assert_eq!(all[0].last_accessed_date(), None);

    let planned = client
        .list_secrets()
        .include_planned_deletion(true)
        .filters(name("going"))
        .send()
        .await
        .unwrap();
    assert!(planned.secret_list()[0].deleted_date().is_some());
    let last = client
        .list_secrets()
        .sort_by(SortByType::Name)
        .sort_order(SortOrderType::Desc)
        .max_results(1);
    assert_eq!(
        last.send().await.unwrap().secret_list()[0].name(),
        Some("full")
    );
    assert_eq!(
        code(client.list_secrets().max_results(101).send().await),
        "ValidationException"
    );
    assert_eq!(
        code(client.list_secrets().max_results(0).send().await),
        "ValidationException"
    );
    assert_eq!(
        code(client.list_secrets().next_token("1").send().await),
        "InvalidNextTokenException"
    );
    let token = client
        .list_secrets()
        .max_results(5)
        .send()
        .await
        .unwrap()
        .next_token;
    let other = client.list_secrets().max_results(6).set_next_token(token);
    assert_eq!(code(other.send().await), "InvalidNextTokenException");
}

fn name(prefix: &str) -> Filter {
    Filter::builder()
        .key(FilterNameStringType::Name)
        .values(prefix)
        .build()
}

#[tokio::test]
async fn filters_select_as_documented() {
    let world = World::new(A)
        .regions(&[WEST])
        .secret(Secret::new(A, EAST, "prod/db").tag("owner", "Payments"))
        .secret(Secret::new(A, EAST, "rds!db").owned_by("rds"))
        .secret(
            Secret::new(A, EAST, "test/db")
                .with(|secret| secret.description = Some("Old Payments key".to_owned())),
        )
        .replicated(Secret::new(A, EAST, "wide"), &[(WEST, None)]);
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("name", &["prod"], &["prod/db"]),
        ("name", &["PROD"], &[]),
        ("name", &["prod", "test"], &["prod/db", "test/db"]),
        ("name", &["!prod"], &["rds!db", "test/db", "wide"]),
        ("tag-key", &["own"], &["prod/db"]),
        ("tag-value", &["pay"], &[]),
        ("tag-value", &["Pay"], &["prod/db"]),
        ("description", &["payments"], &["test/db"]),
        ("primary-region", &["us-east"], &["wide"]),
        ("owning-service", &["rds"], &["rds!db"]),
        ("all", &["payments"], &["prod/db", "test/db"]),
    ];
    for (key, values, expected) in cases {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let filter = Filter::builder()
            .key(FilterNameStringType::from(*key))
            .set_values(Some(values))
            .build();
        let answer = client.list_secrets().filters(filter).send().await.unwrap();
        let found: BTreeSet<&str> = answer
            .secret_list()
            .iter()
            .filter_map(|secret| secret.name())
            .collect();
        assert_eq!(found, expected.iter().copied().collect(), "{key}");
    }
    let unknown = Filter::builder()
        .key(FilterNameStringType::from("color"))
        .values("x")
        .build();
    assert_eq!(
        code(client.list_secrets().filters(unknown).send().await),
        "ValidationException"
    );
}

#[tokio::test]
async fn describe_finds_by_name_by_arn_and_by_arn_without_suffix() {
    let world = World::new(A)
        .regions(&[WEST])
        .secret(Secret::new(A, EAST, "app/db"))
        .secret(Secret::new(A, EAST, "app/db-abcdef"))
        .secret(Secret::new(A, EAST, "app"))
        .secret(Secret::new(A, EAST, "going").deleted("2026-11-10"));
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    let prefix = format!("arn:aws:secretsmanager:{EAST}:{A}:secret:");
    let full = Secret::new(A, EAST, "app/db").arn();
    for (id, expected) in [
        ("app/db", "app/db"),
        (&full, "app/db"),
        (&format!("{prefix}app/db"), "app/db"),
        ("app/db-abcdef", "app/db-abcdef"),
        ("app", "app"),
        ("going", "going"),
    ] {
        let answer = client.describe_secret().secret_id(id).send().await.unwrap();
        assert_eq!(answer.name(), Some(expected), "{id}");
    }
    for id in [
        "App",
        "app/d",
        "gone",
        &format!("{prefix}app/db-abcdef"),
        &Secret::new(A, WEST, "app/db").arn(),
    ] {
        assert_eq!(
            code(client.describe_secret().secret_id(id).send().await),
            "ResourceNotFoundException",
            "{id}"
        );
    }
    let foreign = Secret::new(B, EAST, "app/db").arn();
    assert_eq!(
        code(client.describe_secret().secret_id(foreign).send().await),
        "AccessDeniedException"
    );
    let said = message(client.describe_secret().secret_id("gone").send().await);
    assert_eq!(said, "Secrets Manager can't find the specified secret.");
}

#[tokio::test]
async fn versions_carry_their_own_day_of_access() {
    let old = Version {
        id: "v0".to_owned(),
        stages: Vec::new(),
        created: at("2024-01-01"),
        last_accessed: Some(at("2024-02-01")),
    };
    let world =
        World::new(A).secret(Secret::new(A, EAST, "db").with(|secret| secret.versions.push(old)));
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    let current = client
        .list_secret_version_ids()
        .secret_id("db")
        .send()
        .await
        .unwrap();
    assert_eq!(current.versions().len(), 1);
    assert_eq!(current.versions()[0].last_accessed_date(), None);
    let all = client
        .list_secret_version_ids()
        .secret_id("db")
        .include_deprecated(true)
        .send()
        .await
        .unwrap();
    assert_eq!(
        all.versions()[1].last_accessed_date().unwrap().secs(),
        at("2024-02-01").as_second()
    );
}

#[tokio::test]
async fn deletion_is_scheduled_remembered_and_taken_back() {
    let world = World::new(A).secret(Secret::new(A, EAST, "db").with(|secret| {
        secret.rotation_enabled = Some(true);
        secret.next_rotation = Some(at("2026-12-01"));
    }));
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    let delete = |days| {
        client
            .delete_secret()
            .secret_id("db")
            .recovery_window_in_days(days)
            .send()
    };
    for days in [6, 31] {
        assert_eq!(code(delete(days).await), "InvalidParameterException");
    }
    let tag = Tag::builder().key("note").value("x").build();
    client
        .tag_resource()
        .secret_id("db")
        .tags(tag.clone())
        .send()
        .await
        .unwrap();
    client
        .untag_resource()
        .secret_id("db")
        .tag_keys("note")
        .send()
        .await
        .unwrap();

    let now = aws.world().now;
    let answer = delete(7).await.unwrap();
    let end = now + SignedDuration::from_hours(7 * 24);
    assert_eq!(answer.deletion_date().unwrap().secs(), end.as_second());
    let found = client
        .describe_secret()
        .secret_id("db")
        .send()
        .await
        .unwrap();
    assert_eq!(found.deleted_date().unwrap().secs(), now.as_second());
    assert_eq!(
        (found.rotation_enabled(), found.next_rotation_date()),
        (Some(false), None)
    );
    let again = delete(7).await;
    assert!(message(again).contains("currently marked deleted"));
    let refused = client.tag_resource().secret_id("db").tags(tag).send().await;
    assert!(message(refused).ends_with("marked for deletion."));
    assert_eq!(
        code(
            client
                .untag_resource()
                .secret_id("db")
                .tag_keys("x")
                .send()
                .await
        ),
        "InvalidRequestException"
    );

    client
        .restore_secret()
        .secret_id("db")
        .send()
        .await
        .unwrap();
    assert_eq!(
        client
            .describe_secret()
            .secret_id("db")
            .send()
            .await
            .unwrap()
            .deleted_date(),
        None
    );
    assert_eq!(
        aws.calls_of("secretsmanager", "DeleteSecret")[2].param("RecoveryWindowInDays"),
        7
    );
}

#[tokio::test]
async fn owned_and_replicated_secrets_are_not_deleted() {
    let world = World::new(A)
        .regions(&[WEST, "eu-north-1"])
        .secret(Secret::new(A, EAST, "rds!x").owned_by("rds"))
        .replicated(
            Secret::new(A, EAST, "wide").accessed("2026-11-01"),
            &[(WEST, Some("2026-11-20")), ("eu-north-1", None)],
        );
    let aws = Aws::start(world);
    let east = vault(&aws, A, EAST).await;
    let west = vault(&aws, A, WEST).await;
    let delete = |client: &aws_sdk_secretsmanager::Client, id: &str| {
        client
            .delete_secret()
            .secret_id(id)
            .recovery_window_in_days(30)
            .send()
    };
    assert!(message(delete(&east, "rds!x").await).contains("managed by another service"));
    let arn = Secret::new(A, EAST, "wide").arn();
    let said = message(delete(&east, "wide").await);
    assert_eq!(
        said,
        format!(
            "You can't delete secret {arn} that still has replica regions [eu-north-1, eu-west-1]."
        )
    );
    assert!(
        message(delete(&west, "wide").await)
            .starts_with("Operation not permitted on a replica secret.")
    );

    let found = east
        .describe_secret()
        .secret_id("wide")
        .send()
        .await
        .unwrap();
    let status = found.replication_status();
    assert_eq!(found.primary_region(), Some(EAST));
    assert_eq!(
        status
            .iter()
            .map(|status| status.region().unwrap())
            .collect::<Vec<_>>(),
        ["eu-north-1", WEST]
    );
    assert_eq!(
        status[1].last_accessed_date().unwrap().secs(),
        at("2026-11-20").as_second()
    );
    assert_eq!(status[0].last_accessed_date(), None);

    let remove = east.remove_regions_from_replication().secret_id("wide");
    remove
        .remove_replica_regions(WEST)
        .remove_replica_regions("eu-north-1")
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(west.describe_secret().secret_id("wide").send().await),
        "ResourceNotFoundException"
    );
    delete(&east, "wide").await.unwrap();
    east.restore_secret()
        .secret_id("wide")
        .send()
        .await
        .unwrap();
    let region = ReplicaRegionType::builder().region(WEST).build();
    east.replicate_secret_to_regions()
        .secret_id("wide")
        .add_replica_regions(region)
        .send()
        .await
        .unwrap();
    assert_eq!(
        west.describe_secret()
            .secret_id("wide")
            .send()
            .await
            .unwrap()
            .primary_region(),
        Some(EAST)
    );
}

#[test]
fn values_and_forced_deletions_are_violations() {
    let aws = Aws::start(World::new(A).secret(Secret::new(A, EAST, "db")));
    let auth = signed(A, "secretsmanager");
    for (op, body) in [
        ("GetSecretValue", r#"{"SecretId":"db"}"#),
        ("BatchGetSecretValue", r#"{"SecretIdList":["db"]}"#),
        (
            "DeleteSecret",
            r#"{"SecretId":"db","ForceDeleteWithoutRecovery":true}"#,
        ),
        (
            "DeleteSecret",
            r#"{"SecretId":"db","ForceDeleteWithoutRecovery":true,"RecoveryWindowInDays":7}"#,
        ),
    ] {
        assert_eq!(
            raw(&aws, &format!("secretsmanager.{op}"), body, &auth).0,
            400,
            "{op}"
        );
    }
    assert_eq!((aws.value_reads(), aws.forced_deletes()), (2, 2));
    assert!(aws.world().named(A, EAST, "db").deleted.is_none());
    assert!(
        catch_unwind(AssertUnwindSafe(|| drop(aws))).is_err(),
        "a violation fails the test that forgets to look"
    );

    let aws = Aws::start(World::new(A));
    raw(&aws, "secretsmanager.GetSecretValue", "{}", &auth);
    aws.forgive();
}

#[test]
fn wrong_requests_are_refused() {
    let aws = Aws::start(World::new(A).secret(Secret::new(A, EAST, "db")));
    let auth = signed(A, "secretsmanager");
    let cases = [
        (
            "secretsmanager.ListSecrets",
            "{}",
            "",
            403,
            "MissingAuthenticationToken",
        ),
        (
            "secretsmanager.ListSecrets",
            "{}",
            "Authorization: Bearer x\r\n",
            403,
            "MissingAuthenticationToken",
        ),
        (
            "secretsmanager.ListSecrets",
            "{}",
            &signed("999999999999", "secretsmanager"),
            400,
            "UnrecognizedClient",
        ),
        (
            "secretsmanager.ListSecrets",
            "{}",
            &signed(A, "kms"),
            404,
            "UnknownService",
        ),
        (
            "secretsmanager.ListSecrets",
            r#"{"Colour":1}"#,
            &auth,
            400,
            "SerializationException",
        ),
        (
            "secretsmanager.ListSecrets",
            r#"{"MaxResults":"1"}"#,
            &auth,
            400,
            "SerializationException",
        ),
        (
            "secretsmanager.CreateSecret",
            "{}",
            &auth,
            400,
            "UnknownOperation",
        ),
        (
            "secretsmanager.DescribeSecret",
            "{}",
            &auth,
            400,
            "SerializationException",
        ),
        ("ListSecrets", "{}", &auth, 400, "UnknownOperation"),
        ("secretsmanager.ListSecrets", "{}", &auth, 200, "SecretList"),
    ];
    for (target, body, authorization, status, said) in cases {
        let (found, answer) = raw(&aws, target, body, authorization);
        assert_eq!(found, status, "{target} {body} {authorization}");
        assert!(answer.contains(said), "{target} {body}: {answer}");
    }
}

#[tokio::test]
async fn fifty_thousand_secrets_are_five_hundred_pages() {
    let mut world = World::new(A);
    for number in 0..50_000 {
        world.add(Secret::new(
            A,
            EAST,
            &format!("team-{}/app-{number}", number % 40),
        ));
    }
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    let mut pages = client
        .list_secrets()
        .max_results(100)
        .into_paginator()
        .send();
    let mut names = BTreeSet::new();
    while let Some(page) = pages.next().await {
        names.extend(
            page.unwrap()
                .secret_list
                .unwrap()
                .into_iter()
                .map(|secret| secret.name.unwrap()),
        );
    }
    assert_eq!(names.len(), 50_000);
    assert_eq!(aws.calls().len(), 500);
    assert!(aws.calls()[0].user_agent.contains("aws-sdk-rust"));
}

// CloudTrail.

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

// Identity, accounts, Regions.

#[tokio::test]
async fn roles_are_assumed_by_those_who_may_and_act_in_their_account() {
    let world = World::new(A)
        .account(Account::new(B, "member"))
        .account(Account::new("777788889999", "closed").status(Status::Suspended))
        .role(B, "audit", Some("ext-1"))
        .role("777788889999", "audit", None)
        .secret(Secret::new(B, EAST, "theirs"));
    let aws = Aws::start(world);
    let client = aws_sdk_sts::Client::new(&config(&aws, A, EAST).await);
    let me = client.get_caller_identity().send().await.unwrap();
    assert_eq!(me.account(), Some(A));

    let assume = |account: &str, name: &str| {
        client
            .assume_role()
            .role_arn(format!("arn:aws:iam::{account}:role/path/{name}"))
            .role_session_name("it")
    };
    for (account, name) in [(B, "audit"), (B, "other"), ("777788889999", "audit")] {
        let refused = assume(account, name).send().await;
        assert_eq!(code(refused), "AccessDenied", "{account} {name}");
    }
    let granted = assume(B, "audit")
        .external_id("ext-1")
        .send()
        .await
        .unwrap()
        .credentials
        .unwrap();
    assert!(granted.expiration().secs() > jiff::Timestamp::now().as_second());
    let token = Some(granted.session_token().to_owned());
    let credentials = Credentials::new(
        granted.access_key_id(),
        granted.secret_access_key(),
        token,
        None,
        "test",
    );
    let theirs = config_with(&aws, EAST, credentials).await;
    let who = aws_sdk_sts::Client::new(&theirs)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(
        who.arn(),
        Some(format!("arn:aws:sts::{B}:assumed-role/audit/it").as_str())
    );
    let vault = aws_sdk_secretsmanager::Client::new(&theirs);
    assert_eq!(
        vault
            .list_secrets()
            .send()
            .await
            .unwrap()
            .secret_list()
            .len(),
        1
    );
    assert_eq!(aws.calls().last().unwrap().account, B);
    aws.expire_sessions();
    assert_eq!(
        code(vault.list_secrets().send().await),
        "ExpiredTokenException"
    );
    assert_eq!(
        code(
            aws_sdk_sts::Client::new(&theirs)
                .get_caller_identity()
                .send()
                .await
        ),
        "ExpiredToken"
    );
    let stranger = Credentials::new("AKIANOBODY", "x", None, None, "test");
    let stranger = aws_sdk_sts::Client::new(&config_with(&aws, EAST, stranger).await);
    assert_eq!(
        code(stranger.get_caller_identity().send().await),
        "InvalidClientTokenId"
    );
}

#[tokio::test]
async fn accounts_are_listed_to_the_management_account_in_pages_of_twenty() {
    let mut world = World::new(A)
        .account(Account::new(B, "alone").outside())
        .organization(A);
    for number in 1..45 {
        world = world.account(
            Account::new(&format!("2000000000{number:02}"), &format!("team {number}"))
                .status(Status::Suspended),
        );
    }
    let aws = Aws::start(world);
    let client = aws_sdk_organizations::Client::new(&config(&aws, A, EAST).await);
    let mut pages = client.list_accounts().into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().accounts().len());
    }
    assert_eq!(sizes, [20, 20, 5]);
    let organization = client
        .describe_organization()
        .send()
        .await
        .unwrap()
        .organization
        .unwrap();
    assert_eq!(organization.master_account_id(), Some(A));
    let member = aws_sdk_organizations::Client::new(&config(&aws, "200000000001", EAST).await);
    assert_eq!(
        code(member.list_accounts().send().await),
        "AccessDeniedException"
    );
    aws.world()
        .organization
        .as_mut()
        .unwrap()
        .delegated
        .push("200000000001".to_owned());
    member.list_accounts().send().await.unwrap();
    let alone = aws_sdk_organizations::Client::new(&config(&aws, B, EAST).await);
    assert_eq!(
        code(alone.describe_organization().send().await),
        "AWSOrganizationsNotInUseException"
    );
    assert_eq!(
        code(client.list_accounts().max_results(21).send().await),
        "InvalidInputException"
    );
}

#[tokio::test]
async fn regions_are_listed_and_closed_ones_refuse() {
    let account = Account::new(A, "main")
        .region(WEST, Opt::Enabled)
        .region("ap-east-1", Opt::Disabled);
    let aws = Aws::start(
        World::new(A)
            .account(account)
            .account(Account::new(B, "member"))
            .organization(A),
    );
    let client = aws_sdk_account::Client::new(&config(&aws, A, EAST).await);
    let first = client.list_regions().max_results(2).send().await.unwrap();
    assert_eq!(first.regions()[0].region_name(), Some("ap-east-1"));
    assert_eq!(
        first.regions()[0].region_opt_status(),
        Some(&RegionOptStatus::Disabled)
    );
    let second = client
        .list_regions()
        .max_results(2)
        .set_next_token(first.next_token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        second.regions()[0].region_opt_status(),
        Some(&RegionOptStatus::EnabledByDefault)
    );
    let enabled = client
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(enabled.regions().len(), 1);
    assert_eq!(
        client
            .list_regions()
            .account_id(B)
            .send()
            .await
            .unwrap()
            .regions()
            .len(),
        1
    );
    assert_eq!(
        code(client.list_regions().account_id(A).send().await),
        "AccessDeniedException"
    );
    assert_eq!(
        code(client.list_regions().max_results(51).send().await),
        "ValidationException"
    );
    for closed in ["ap-east-1", "xx-none-1"] {
        let vault = vault(&aws, A, closed).await;
        assert_eq!(
            code(vault.list_secrets().send().await),
            "UnrecognizedClientException"
        );
    }
}

// S3.

#[tokio::test]
async fn objects_are_listed_by_prefix_folder_and_page_and_fetched_in_parts() {
    let mut bucket = Bucket::new("logs", A, EAST)
        .object("AWSLogs/1/a & b.json", "0123456789")
        .object("AWSLogs/1/c.json", "c")
        .object("AWSLogs/2/d.json", "d")
        .object("other", "x")
        .made("AWSLogs/3/big.gz", 100_000, || vec![7; 100_000]);
    bucket.put("zipped", Body::Bytes(vec![31, 139].into()));
    bucket.objects.get_mut("zipped").unwrap().content_encoding = Some("gzip".to_owned());
    let aws = Aws::start(World::new(A).bucket(bucket));
    let client = store(&aws, A, EAST).await;
    let list = || client.list_objects_v2().bucket("logs");

    let mut keys = Vec::new();
    let mut pages = list()
        .prefix("AWSLogs/")
        .max_keys(1)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        keys.extend(
            page.unwrap()
                .contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    assert_eq!(
        keys,
        [
            "AWSLogs/1/a & b.json",
            "AWSLogs/1/c.json",
            "AWSLogs/2/d.json",
            "AWSLogs/3/big.gz"
        ]
    );
    let mut folders = Vec::new();
    let mut pages = list()
        .prefix("AWSLogs/")
        .delimiter("/")
        .max_keys(2)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        folders.extend(
            page.unwrap()
                .common_prefixes()
                .iter()
                .map(|folder| folder.prefix().unwrap().to_owned()),
        );
    }
    assert_eq!(folders, ["AWSLogs/1/", "AWSLogs/2/", "AWSLogs/3/"]);
    let after = list().start_after("AWSLogs/3/big.gz").send().await.unwrap();
    assert_eq!(after.key_count(), Some(2));
    assert_eq!(after.contents()[0].size(), Some(1));
    let encoded = list()
        .prefix("AWSLogs/1/a")
        .encoding_type(aws_sdk_s3::types::EncodingType::Url)
        .send()
        .await
        .unwrap();
    assert_eq!(
        encoded.contents()[0].key(),
        Some("AWSLogs/1/a%20%26%20b.json")
    );
    assert_eq!(
        code(list().continuation_token("xyz").send().await),
        "InvalidArgument"
    );

    let get = |key: &str| client.get_object().bucket("logs").key(key);
    let whole = get("AWSLogs/1/a & b.json").send().await.unwrap();
    let etag = whole.e_tag().unwrap().to_owned();
    assert_eq!(whole.body.collect().await.unwrap().to_vec(), b"0123456789");
    for (range, expected) in [
        ("bytes=2-4", "234"),
        ("bytes=7-", "789"),
        ("bytes=-2", "89"),
        ("bytes=8-99", "89"),
    ] {
        let part = get("AWSLogs/1/a & b.json")
            .range(range)
            .if_match(&etag)
            .send()
            .await
            .unwrap();
        assert_eq!(
            part.body.collect().await.unwrap().to_vec(),
            expected.as_bytes(),
            "{range}"
        );
    }
    assert_eq!(
        code(get("AWSLogs/1/c.json").range("bytes=5-6").send().await),
        "InvalidRange"
    );
    assert_eq!(
        code(get("AWSLogs/1/c.json").if_match("\"x\"").send().await),
        "PreconditionFailed"
    );
    assert_eq!(
        get("AWSLogs/3/big.gz")
            .send()
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .to_vec()
            .len(),
        100_000
    );
    assert_eq!(
        get("zipped").send().await.unwrap().content_encoding(),
        Some("gzip")
    );
    assert_eq!(code(get("none").send().await), "NoSuchKey");
    let head = client
        .head_object()
        .bucket("logs")
        .key("other")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(1));
}

#[tokio::test]
async fn buckets_refuse_strangers_wrong_regions_and_closed_prefixes() {
    let shared = Bucket::new("paid", A, WEST)
        .shared_with(B)
        .requester_pays()
        .object("a", "1");
    let own = Bucket::new("own", A, EAST)
        .closed("secret/")
        .object("secret/x", "1");
    let aws = Aws::start(
        World::new(A)
            .account(Account::new(B, "other"))
            .bucket(shared)
            .bucket(own),
    );
    let (east, west) = (store(&aws, A, EAST).await, store(&aws, B, WEST).await);

    let moved = east
        .list_objects_v2()
        .bucket("paid")
        .send()
        .await
        .unwrap_err();
    assert_eq!(moved.code(), Some("PermanentRedirect"));
    assert_eq!(
        moved
            .raw_response()
            .unwrap()
            .headers()
            .get("x-amz-bucket-region"),
        Some(WEST)
    );
    let head = east.head_bucket().bucket("paid").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 301);
    let place = east
        .get_bucket_location()
        .bucket("paid")
        .send()
        .await
        .unwrap();
    assert_eq!(place.location_constraint().unwrap().as_str(), WEST);
    let place = east
        .get_bucket_location()
        .bucket("own")
        .send()
        .await
        .unwrap();
    assert!(
        place
            .location_constraint()
            .is_none_or(|place| place.as_str().is_empty())
    );
    assert_eq!(
        east.head_bucket()
            .bucket("own")
            .send()
            .await
            .unwrap()
            .bucket_region(),
        Some(EAST)
    );

    assert_eq!(
        code(west.get_object().bucket("paid").key("a").send().await),
        "AccessDenied"
    );
    let paying = west
        .get_object()
        .bucket("paid")
        .key("a")
        .request_payer(RequestPayer::Requester);
    paying.send().await.unwrap();
    let stranger = store(&aws, B, EAST).await;
    assert_eq!(
        code(stranger.list_objects_v2().bucket("own").send().await),
        "AccessDenied"
    );
    assert_eq!(
        code(
            east.list_objects_v2()
                .bucket("own")
                .prefix("secret/")
                .send()
                .await
        ),
        "AccessDenied"
    );
    assert_eq!(
        code(east.get_object().bucket("own").key("secret/x").send().await),
        "AccessDenied"
    );
    assert_eq!(
        code(east.list_objects_v2().bucket("none").send().await),
        "NoSuchBucket"
    );
    assert_eq!(
        code(east.list_objects().bucket("own").send().await),
        "NotImplemented"
    );
    assert_eq!(
        code(
            east.delete_object()
                .bucket("own")
                .key("secret/x")
                .send()
                .await
        ),
        "MethodNotAllowed"
    );
}

// Faults.

#[tokio::test]
async fn faults_hit_the_calls_they_are_addressed_to() {
    let world = World::new(A)
        .account(Account::new(B, "other"))
        .regions(&[WEST])
        .secret(Secret::new(A, EAST, "db"))
        .fault(
            Fault::throttle()
                .on("secretsmanager", "ListSecrets")
                .account(A)
                .region(EAST)
                .nth(2),
        );
    let aws = Aws::start(world);
    let east = vault(&aws, A, EAST).await;
    vault(&aws, B, EAST)
        .await
        .list_secrets()
        .send()
        .await
        .unwrap();
    vault(&aws, A, WEST)
        .await
        .list_secrets()
        .send()
        .await
        .unwrap();
    east.describe_secret().secret_id("db").send().await.unwrap();
    east.list_secrets().send().await.unwrap();
    assert_eq!(
        code(east.list_secrets().send().await),
        "ThrottlingException"
    );
    east.list_secrets().send().await.unwrap();

    for (fault, expected) in [
        (Fault::denied(), "AccessDeniedException"),
        (Fault::expired(), "ExpiredTokenException"),
        (Fault::not_opted_in(), "UnrecognizedClientException"),
        (Fault::broken(503), "InternalFailure"),
        (
            Fault::refuse(400, "InvalidNextTokenException", "too old"),
            "InvalidNextTokenException",
        ),
        (
            Fault::throttle()
                .service("secretsmanager")
                .during(Duration::from_secs(3600)),
            "ThrottlingException",
        ),
    ] {
        aws.inject(fault);
        assert_eq!(code(east.list_secrets().send().await), expected);
        aws.heal();
    }
    aws.inject(Fault::throttle().during(Duration::ZERO));
    east.list_secrets().send().await.unwrap();
    aws.inject(Fault::denied());
    let said = message(east.describe_secret().secret_id("db").send().await);
    let arn = format!("arn:aws:secretsmanager:{EAST}:{A}:secret:db");
    let user = format!("arn:aws:iam::{A}:user/loopback");
    assert_eq!(
        said,
        format!(
            "User: {user} is not authorized to perform: secretsmanager:DescribeSecret on resource: {arn} because no identity-based policy allows the secretsmanager:DescribeSecret action"
        )
    );
    let slow_down = store(&aws, A, EAST)
        .await
        .list_objects_v2()
        .bucket("x")
        .send()
        .await;
    assert_eq!(code(slow_down), "AccessDenied");
}

#[tokio::test]
async fn a_client_that_tries_again_gets_through() {
    let world = World::new(A)
        .fault(
            Fault::throttle()
                .on("secretsmanager", "ListSecrets")
                .first(1),
        )
        .fault(
            Fault::broken(500)
                .on("secretsmanager", "ListSecrets")
                .nth(2),
        )
        .fault(
            Fault::reset_before()
                .on("secretsmanager", "ListSecrets")
                .nth(3),
        )
        .fault(Fault::cut().on("secretsmanager", "ListSecrets").nth(4));
    let aws = Aws::start(world);
    let retry = RetryConfig::standard()
        .with_max_attempts(5)
        .with_initial_backoff(Duration::from_millis(1));
    let patient = config(&aws, A, EAST)
        .await
        .into_builder()
        .retry_config(retry)
        .build();
    aws_sdk_secretsmanager::Client::new(&patient)
        .list_secrets()
        .send()
        .await
        .unwrap();
    let statuses: Vec<u16> = aws.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [400, 500, 0, 200, 200]);
}

#[tokio::test]
async fn a_reset_tells_nothing_about_whether_the_call_was_carried_out() {
    let world = World::new(A)
        .secret(Secret::new(A, EAST, "one"))
        .secret(Secret::new(A, EAST, "two"))
        .fault(
            Fault::reset_before()
                .on("secretsmanager", "DeleteSecret")
                .nth(1),
        )
        .fault(
            Fault::reset_after()
                .on("secretsmanager", "DeleteSecret")
                .nth(2),
        );
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    for (name, happened) in [("one", false), ("two", true)] {
        let error = client
            .delete_secret()
            .secret_id(name)
            .recovery_window_in_days(30)
            .send()
            .await
            .unwrap_err();
        assert!(
            error.code().is_none(),
            "a transport error has no code: {error:?}"
        );
        assert_eq!(
            aws.world().named(A, EAST, name).deleted.is_some(),
            happened,
            "{name}"
        );
    }
}

#[tokio::test]
async fn bodies_may_drip_or_stop_and_pages_may_be_empty() {
    let bucket = Bucket::new("logs", A, EAST)
        .object("a", vec![1; 1000])
        .object("b", "2");
    let mut world = World::new(A).bucket(bucket).lookup_rate(Rate::Unlimited);
    for name in ["a", "b", "c"] {
        world.add(Secret::new(A, EAST, name));
    }
    world.record(
        A,
        EAST,
        [Event::read(
            "2026-11-20T10:00:00Z",
            A,
            EAST,
            "a",
            "app",
            "i-1",
        )],
    );
    let aws = Aws::start(world);
    let s3 = store(&aws, A, EAST).await;
    aws.inject(Fault::cut().on("s3", "GetObject").nth(1));
    aws.inject(
        Fault::slow(Duration::from_millis(1))
            .on("s3", "GetObject")
            .nth(2),
    );
    let get = || s3.get_object().bucket("logs").key("a").send();
    assert!(
        get().await.unwrap().body.collect().await.is_err(),
        "half a body is an error"
    );
    assert_eq!(
        get().await.unwrap().body.collect().await.unwrap().to_vec(),
        [1; 1000]
    );
    aws.heal();

    aws.inject(Fault::empty_page().nth(1));
    let list = |token| {
        s3.list_objects_v2()
            .bucket("logs")
            .set_continuation_token(token)
            .send()
    };
    let empty = list(None).await.unwrap();
    assert_eq!(
        (empty.key_count(), empty.is_truncated()),
        (Some(0), Some(true))
    );
    assert_eq!(
        list(empty.next_continuation_token)
            .await
            .unwrap()
            .key_count(),
        Some(2)
    );
    aws.heal();

    aws.inject(
        Fault::empty_page()
            .on("secretsmanager", "ListSecrets")
            .nth(1),
    );
    aws.inject(
        Fault::short_page(2)
            .on("secretsmanager", "ListSecrets")
            .nth(2),
    );
    aws.inject(Fault::empty_page().on("cloudtrail", "LookupEvents").nth(1));
    let client = vault(&aws, A, EAST).await;
    let mut sizes = Vec::new();
    let mut token = None;
    for _ in 0..3 {
        let page = client
            .list_secrets()
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        sizes.push(page.secret_list().len());
        token = page.next_token;
    }
    assert_eq!((sizes, token), (vec![0, 2, 1], None));
    let history = history(&aws, A, EAST).await;
    let empty = history.lookup_events().send().await.unwrap();
    assert!(empty.events().is_empty() && empty.next_token().is_some());
    let rest = history
        .lookup_events()
        .set_next_token(empty.next_token)
        .send()
        .await
        .unwrap();
    assert_eq!(rest.events().len(), 1);
}

#[tokio::test]
async fn hooks_change_the_world_or_end_the_client_at_a_chosen_call() {
    let child = Command::new("sleep").arg("600").spawn().unwrap();
    let child = Arc::new(Mutex::new(child));
    let victim = Arc::clone(&child);
    let world = World::new(A)
        .secret(Secret::new(A, EAST, "db"))
        .fault(
            Fault::before(|world, call| {
                assert_eq!(call.param("SecretId"), "db");
                world.named(A, EAST, "db").last_accessed = Some(at("2026-11-23"));
            })
            .on("secretsmanager", "DescribeSecret")
            .nth(2),
        )
        .fault(
            Fault::after(move |world, _| {
                assert!(
                    world.named(A, EAST, "db").deleted.is_some(),
                    "carried out, not answered yet"
                );
                victim.lock().unwrap().kill().unwrap();
            })
            .on("secretsmanager", "DeleteSecret"),
        );
    let aws = Aws::start(world);
    let client = vault(&aws, A, EAST).await;
    let describe = || client.describe_secret().secret_id("db").send();
    assert_eq!(describe().await.unwrap().last_accessed_date(), None);
    assert!(describe().await.unwrap().last_accessed_date().is_some());
    client
        .delete_secret()
        .secret_id("db")
        .recovery_window_in_days(30)
        .send()
        .await
        .unwrap();
    assert!(!child.lock().unwrap().wait().unwrap().success());
}

#[test]
fn a_command_gets_the_environment_and_nothing_of_the_testers_own() {
    let aws = Aws::start(World::new(A).account(Account::new(B, "other")));
    let mut command = Command::new("true");
    command.env("AWS_PROFILE", "mine");
    aws.on(&mut command);
    let set = |name: &str| {
        let found = command.get_envs().find(|(key, _)| *key == name);
        found
            .and_then(|(_, value)| value)
            .and_then(|value| value.to_str())
            .map(str::to_owned)
    };
    assert_eq!(set("AWS_ENDPOINT_URL"), Some(aws.endpoint()));
    assert_eq!(set("AWS_ACCESS_KEY_ID"), Some(access_key(A)));
    assert_eq!(set("AWS_EC2_METADATA_DISABLED").as_deref(), Some("true"));
    assert_eq!(set("AWS_PROFILE"), None);
    assert!(
        aws.env_for(B)
            .contains(&("AWS_ACCESS_KEY_ID".to_owned(), access_key(B)))
    );
}
