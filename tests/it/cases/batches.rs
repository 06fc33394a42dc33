//! `BatchGetSecretValue`: what it names is used by its caller, or asked for if it failed.

use serde_json::{Value, json};

use super::*;

fn batch(request: Value) -> Call {
    call("BatchGetSecretValue", "").request(request)
}

fn scan(calls: impl IntoIterator<Item = Call>) -> Scan {
    world()
        .secrets([
            idle("app/x"),
            idle("app/y").tag("team", "shop"),
            idle("other/z"),
        ])
        .calls(calls)
        .scan()
}

#[test]
fn a_secret_in_a_batch_is_used_by_its_caller() {
    let scan = scan([batch(json!({"secretIdList": ["app/x", idle("app/y").arn()]})).days(20)]);
    for name in ["app/x", "app/y"] {
        stays(&scan, name);
        assert!(
            scan.secret(name)["readers"]
                .to_string()
                .contains("role/app"),
            "{name}"
        );
    }
    for name in ["other/z", IDLE] {
        goes(&scan, name);
    }
}

#[test]
fn a_secret_in_a_batch_by_a_partial_arn_is_used() {
    let partial = "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/x";
    let scan = scan([batch(json!({"secretIdList": [partial]})).days(20)]);
    stays(&scan, "app/x");
    goes(&scan, "other/z");
}

#[test]
fn a_secret_in_a_batch_that_failed_is_asked_for() {
    let failed = batch(json!({"secretIdList": ["app/x"]})).error("AccessDeniedException", "denied");
    let scan = scan([failed.days(20)]);
    stays_because(&scan, "app/x", &["failed-reads"]);
    goes(&scan, "other/z");
}

#[test]
fn the_records_of_a_batch_belong_to_its_caller() {
    let list = batch(json!({"secretIdList": ["app/x"]})).days(20);
    let mut identity = role("app", "worker");
    identity["invokedBy"] = json!("secretsmanager.amazonaws.com");
    let single = get("app/x")
        .by(identity)
        .via("secretsmanager.amazonaws.com")
        .days(20);
    let scan = scan([list, single]);
    stays(&scan, "app/x");
    assert!(
        scan.secret("app/x")["readers"]
            .to_string()
            .contains("role/app")
    );
    assert_eq!(scan.secret("app/x")["reads"], 1, "the read counts once");
}

#[track_caller]
fn fits(filters: &Value, those: &[&str], rest: &[&str]) {
    let scan = scan([batch(json!({"filters": filters})).days(20)]);
    for name in those {
        stays(&scan, name);
    }
    for name in rest {
        goes(&scan, name);
    }
}

#[test]
fn secrets_that_fit_the_name_of_a_batch_stay() {
    fits(
        &json!([{"key": "name", "values": ["app/"]}]),
        &["app/x", "app/y"],
        &["other/z", IDLE],
    );
}

#[test]
fn secrets_that_fit_the_tag_of_a_batch_stay() {
    fits(
        &json!([{"key": "tag-key", "values": ["team"]}]),
        &["app/y"],
        &[],
    );
}

#[test]
fn secrets_that_fit_both_filters_of_a_batch_stay() {
    let filters =
        json!([{"key": "name", "values": ["app/"]}, {"key": "tag-value", "values": ["shop"]}]);
    fits(&filters, &["app/y"], &["other/z"]);
}

#[test]
fn secrets_that_fit_one_of_several_values_stay() {
    fits(
        &json!([{"key": "name", "values": ["app/x", "other"]}]),
        &["app/x", "other/z"],
        &[IDLE],
    );
}

#[test]
fn a_filter_that_excludes_keeps_the_others() {
    fits(
        &json!([{"key": "name", "values": ["!app/"]}]),
        &["other/z", IDLE],
        &[],
    );
}

#[test]
fn a_filter_that_nobody_knows_may_fit_all() {
    fits(
        &json!([{"key": "owning-team", "values": ["x"]}]),
        &["app/x", "app/y", "other/z", IDLE],
        &[],
    );
}

#[test]
fn a_batch_with_filters_that_failed_asks_for_what_fits() {
    let failed = batch(json!({"filters": [{"key": "name", "values": ["app/"]}]}));
    let scan = scan([failed.error("AccessDeniedException", "denied").days(20)]);
    stays(&scan, "app/x");
}
