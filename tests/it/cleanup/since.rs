//! The event history since the scan decides: every call that shows that somebody needs a secret or works with it refuses
//! its line, with the event and the caller, also where the journal is gone.

use jiff::SignedDuration;

use super::binary_fixture::{A, EAST, Ground, idle, world};
use crate::aws::world::Event;

/// A call of the event history, so many seconds ago, by this role with this user agent.
fn event(ground: &Ground, ago: i64, api: &str, secret: &str, role: &str, agent: &str) -> Event {
    let time = ground.aws.world().now - SignedDuration::from_secs(ago);
    let time = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let read = Event::read(&time, A, EAST, secret, role, &format!("{api}-{ago}"));
    let reads = api.starts_with("Get") || api.starts_with("Describe") || api.starts_with("List");
    let text = read
        .text
        .replace("\"GetSecretValue\"", &format!("\"{api}\""))
        .replace("Boto3/1.40.0 md/Botocore#1.40.0 lang/python#3.13", agent)
        .replace("\"readOnly\":true", &format!("\"readOnly\":{reads}"));
    Event::of(text)
}

const BOTO: &str = "Boto3/1.40.0 md/Botocore#1.40.0 lang/python#3.13";

fn happens(ground: &Ground, events: impl IntoIterator<Item = Event>) {
    ground.aws.world().record(A, EAST, events);
}

fn deletions(ground: &Ground) -> usize {
    ground.aws.calls_of("secretsmanager", "DeleteSecret").len()
}

#[test]
fn every_call_that_shows_a_need_refuses_its_line_with_the_caller() {
    let apis = [
        "RestoreSecret",
        "PutSecretValue",
        "UpdateSecret",
        "TagResource",
        "UntagResource",
        "PutResourcePolicy",
        "DeleteResourcePolicy",
        "RotateSecret",
        "ReplicateSecretToRegions",
        "UpdateSecretVersionStage",
        "DescribeSecret",
        "ListSecretVersionIds",
        "GetSecretValue",
    ];
    let mut names: Vec<String> = apis.iter().map(|api| format!("by/{api}")).collect();
    names.push("calm".to_owned());
    let world = names
        .iter()
        .fold(world(), |world, name| world.secret(idle(name)));
    let planned: Vec<&str> = names.iter().map(String::as_str).collect();
    let ground = Ground::new(world, &planned);
    let events: Vec<Event> = apis
        .iter()
        .zip(&names)
        .map(|(api, name)| event(&ground, 60, api, name, "orders", BOTO))
        .collect();
    happens(&ground, events);
    let ended = ground.execute(&[]).expect(3);
    let said = ended.said();
    for api in apis {
        let words = format!("the last {api} by arn:aws:iam::{A}:role/orders");
        assert!(said.contains(&words), "{words}: {said}");
    }
    assert!(said.contains("1 deleted, 13 refused"), "{said}");
    assert_eq!(deletions(&ground), 1);
}

/// A `GetSecretValue` that was denied before AWS knew the secret: the record has no parameters.
fn unnamed_refusal(ground: &Ground, agent: &str) -> Event {
    let named = event(ground, 60, "GetSecretValue", "x", "orders", agent);
    let mut record: serde_json::Value = serde_json::from_str(&named.text).unwrap();
    record["requestParameters"] = serde_json::Value::Null;
    record["responseElements"] = serde_json::Value::Null;
    record["errorCode"] = "AccessDenied".into();
    record["errorMessage"] = "explicit deny in a VPC endpoint policy".into();
    record.as_object_mut().unwrap().remove("resources");
    Event::of(record.to_string())
}

#[test]
fn a_refused_call_that_names_no_secret_refuses_each_line_of_its_region() {
    let ground = Ground::new(world().secret(idle("a")).secret(idle("b")), &["a", "b"]);
    let refusal = unnamed_refusal(&ground, BOTO);
    happens(&ground, [refusal]);
    let said = ground.execute(&[]).expect(3).said();
    assert!(said.contains("do not name the secret"), "{said}");
    assert!(said.contains(":role/orders"), "{said}");
    assert_eq!(deletions(&ground), 0, "{said}");
}

#[test]
fn a_batch_by_filters_refuses_the_lines_that_it_may_select() {
    let ground = Ground::new(
        world().secret(idle("team/a")).secret(idle("other")),
        &["team/a", "other"],
    );
    let named = event(&ground, 60, "BatchGetSecretValue", "x", "orders", BOTO);
    let mut record: serde_json::Value = serde_json::from_str(&named.text).unwrap();
    record["requestParameters"] =
        serde_json::json!({"filters": [{"key": "name", "values": ["team/"]}]});
    record.as_object_mut().unwrap().remove("resources");
    happens(&ground, [Event::of(record.to_string())]);
    let said = ground.execute(&[]).expect(3).said();
    assert!(said.contains("by filters that may select it"), "{said}");
    assert!(said.contains("1 deleted, 1 refused"), "{said}");
    assert_eq!(deletions(&ground), 1, "{said}");
}

#[test]
fn what_looks_after_secrets_refuses_nothing() {
    let terraform = "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 terraform-provider-aws/5.41.0";
    let ground = Ground::new(world().secret(idle("a")).secret(idle("b")), &["a", "b"]);
    let events = [
        event(&ground, 60, "DescribeSecret", "a", "ci", terraform),
        event(
            &ground,
            60,
            "DescribeSecret",
            "b",
            "audit",
            "prowler/4.3.0 Boto3/1.34",
        ),
        event(&ground, 60, "ListSecrets", "", "orders", BOTO),
    ];
    happens(&ground, events);
    let said = ground.execute(&[]).expect(0).said();
    assert!(said.contains("2 deleted."), "{said}");
    assert!(
        said.contains("shows no calls for those 2 secrets"),
        "{said}"
    );
}

#[test]
fn a_secret_that_a_person_restored_is_not_deleted_again_although_the_journal_is_gone() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let changed = ground.aws.world().named(A, EAST, "a").last_changed;
    ground.execute(&[]).expect(0);
    std::fs::remove_file(ground.journal()).unwrap();
    {
        // Whether RestoreSecret moves LastChangedDate is not documented: here it does not.
        let mut world = ground.aws.world();
        let secret = world.named(A, EAST, "a");
        (secret.deleted, secret.last_changed) = (None, changed);
    }
    let restored = event(
        &ground,
        1,
        "RestoreSecret",
        "a",
        "AWSReservedSSO_Admin_01",
        "Mozilla/5.0",
    );
    happens(&ground, [restored]);
    let said = ground.execute(&[]).expect(3).said();
    assert!(said.contains("the last RestoreSecret by"), "{said}");
    assert_eq!(deletions(&ground), 1, "the first one only");
}

/// The deletion that the program made, as CloudTrail logs it: by the user whose keys it has.
fn logged_deletion(ground: &Ground, agent: &str) -> Event {
    let arn = ground.arn("a").to_string();
    let logged = event(ground, 0, "DeleteSecret", &arn, "loopback", agent);
    let mut record: serde_json::Value = serde_json::from_str(&logged.text).unwrap();
    record["userIdentity"] = serde_json::json!({
        "type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": A, "accessKeyId": "AKIAEXAMPLE",
        "arn": format!("arn:aws:iam::{A}:user/loopback"), "userName": "loopback",
    });
    Event::of(record.to_string())
}

#[test]
fn a_run_without_the_journal_owns_the_deletion_that_bears_the_mark_of_its_plan() {
    for (mark, code, words) in [
        ("", 0, "1 deleted before"),
        ("md/plan#another", 3, "not by this plan"),
        ("none", 3, "not by this plan"),
    ] {
        let ground = Ground::new(world().secret(idle("a")), &["a"]);
        ground.execute(&[]).expect(0);
        std::fs::remove_file(ground.journal()).unwrap();
        let sent = ground.aws.calls_of("secretsmanager", "DeleteSecret")[0]
            .user_agent
            .clone();
        let own = sent
            .split(' ')
            .find(|word| word.starts_with("md/plan#"))
            .unwrap();
        let agent = match mark {
            "" => sent.clone(),
            other => sent.replace(own, other),
        };
        happens(&ground, [logged_deletion(&ground, &agent)]);
        let said = ground.execute(&[]).expect(code).said();
        assert!(said.contains(words), "{mark}: {said}");
        assert_eq!(deletions(&ground), 1, "{mark}: {said}");
        let back = ground.run(&["restore", "plan.csv"]).said();
        assert_eq!(back.contains("1 restored"), code == 0, "{mark}: {back}");
    }
}

#[test]
fn our_application_id_hides_no_other_caller() {
    let agent = "aws-sdk-rust/1.3 ua/2.1 lang/rust#1.90 app/secretsweep";
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let events = [event(&ground, 60, "DescribeSecret", "a", "orders", agent)];
    happens(&ground, events);
    let said = ground.execute(&[]).expect(3).said();
    assert!(said.contains("the last DescribeSecret by"), "{said}");
}

#[test]
fn a_second_run_says_who_asks_for_what_the_first_one_deleted() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    ground.execute(&[]).expect(0);
    let quiet = ground.execute(&[]).expect(0).said();
    assert!(
        !quiet.contains("shows no calls"),
        "nothing was checked: {quiet}"
    );
    // In this very second: what comes later is not read yet.
    super::restore_and_watch::ask_in_vain(&ground, "a");
    let said = ground.execute(&[]).expect(5).said();
    assert!(
        said.contains("Still requested after the deletion"),
        "{said}"
    );
    assert!(said.contains("role/billing"), "{said}");
    assert!(!said.contains("shows no calls"), "{said}");
}

/// AWS's caching libraries do not say who they are where the application hands in its own client: the whole chain.
#[test]
fn a_cache_without_a_name_is_seen_from_the_scan_to_the_watch() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let hourly = |from: i64, to: i64| -> Vec<Event> {
        (from..to)
            .map(|hour| {
                event(
                    &ground,
                    hour * 3_600 + 30,
                    "DescribeSecret",
                    "a",
                    "orders",
                    BOTO,
                )
            })
            .collect()
    };
    happens(&ground, hourly(0, 72));
    ground.run(&["scan", "--regions", EAST, "--out", "scanned"]);
    let report = std::fs::read_to_string(ground.path("scanned/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let row = report["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "a");
    assert_eq!(row.unwrap()["verdict"], "keep", "{row:?}");
    let said = ground.execute(&[]).expect(3).said();
    assert!(said.contains("the last DescribeSecret by"), "{said}");
    assert_eq!(deletions(&ground), 0);
    // Somebody deletes it all the same: the watch hears the cache.
    ground.execute(&["--no-lookup"]).expect(0);
    // In this very second: what comes later the watch does not read yet.
    let now = jiff::Timestamp::now();
    ground.aws.world().now = now;
    let describe = event(&ground, 0, "DescribeSecret", "a", "orders", BOTO);
    ground.aws.world().now = now + SignedDuration::from_secs(1);
    happens(&ground, [describe]);
    let said = ground.run(&["watch", "plan.csv"]).expect(5).said();
    assert!(said.contains("DescribeSecret by arn:aws:iam"), "{said}");
}

#[test]
fn an_empty_variable_is_no_variable() {
    let names = [
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_CLOUDTRAIL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CA_BUNDLE",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_SESSION_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_SDK_UA_APP_ID",
    ];
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    for name in names {
        let mut program = ground.program(&["apply", "plan.csv", "--max-percent", "100"]);
        let output = program.env(name, "").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
    }
    // Without an endpoint and without credentials nothing is asked for, and nothing panics.
    let mut program = ground.program(&["scan", "--regions", EAST]);
    program
        .env("AWS_ENDPOINT_URL", "")
        .env_remove("AWS_ACCESS_KEY_ID");
    program
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "none");
    let output = program
        .env("AWS_SHARED_CREDENTIALS_FILE", "none")
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
