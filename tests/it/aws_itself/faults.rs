//! Faults: each arrives as what it claims to be, where it was sent to.

use super::*;

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
                .during(Duration::from_hours(1)),
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
    let calls = aws.calls();
    assert!(
        calls
            .windows(2)
            .all(|pair| pair[0].at + pair[0].took <= pair[1].at),
        "one after the other"
    );
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
async fn a_hook_that_panics_fails_the_test() {
    let aws =
        Aws::start(World::new(A).fault(Fault::before(|_, _| panic!("as a wrong assertion would"))));
    vault(&aws, A, EAST)
        .await
        .list_secrets()
        .send()
        .await
        .unwrap_err();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(aws))).is_err());
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
