//! Secrets Manager: listing, filters, ids, deletion, replicas, and what must never be called.

use super::*;

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
    assert!(aws.calls()[0].user_agent.contains("aws-sdk-rust"));

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
            &signed(A, "dynamodb"),
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

#[test]
fn fifty_thousand_secrets_are_five_hundred_pages() {
    let mut world = World::new(A);
    for number in 0..50_000 {
        world.add(Secret::new(
            A,
            EAST,
            &format!("team-{}/app-{number}", number % 40),
        ));
    }
    let aws = Aws::start(world);
    let mut names = BTreeSet::new();
    let mut body = json!({ "MaxResults": 100 });
    loop {
        let (_, answer) = raw(
            &aws,
            "secretsmanager.ListSecrets",
            &body.to_string(),
            &signed(A, "secretsmanager"),
        );
        let page: serde_json::Value =
            serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        names.extend(
            page["SecretList"]
                .as_array()
                .unwrap()
                .iter()
                .map(|secret| secret["Name"].to_string()),
        );
        body["NextToken"] = page["NextToken"].clone();
        if body["NextToken"].is_null() {
            break;
        }
    }
    assert_eq!(names.len(), 50_000);
    assert_eq!(aws.calls().len(), 500);
}
