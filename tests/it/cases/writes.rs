//! Writes by people and programs, and `DescribeSecret` by whoever is not known to be maintenance.

use serde_json::json;

use super::*;

fn with(calls: impl IntoIterator<Item = Call>) -> Scan {
    world().secret(idle("x").accessed(150)).calls(calls).scan()
}

#[track_caller]
fn is_asked_about(call: Call) {
    let scan = with([person(call, "ada").days(4)]);
    is_judged(&scan, "x", "review");
    let said = scan.secret("x")["reasons"].to_string();
    assert!(said.contains("ada"), "the person to ask is named: {said}");
    goes(&scan, IDLE);
}

#[test]
fn a_value_put_by_a_person_is_a_question_to_them() {
    is_asked_about(call("PutSecretValue", "x"));
}

#[test]
fn an_update_by_a_person_is_a_question_to_them() {
    is_asked_about(call("UpdateSecret", "x"));
}

#[test]
fn a_deletion_taken_back_by_a_person_is_a_question_to_them() {
    is_asked_about(call("RestoreSecret", "x"));
}

#[test]
fn a_policy_for_another_account_put_by_a_person_is_a_question() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
    let put =
        call("PutResourcePolicy", "x").request(json!({"secretId": "x", "resourcePolicy": policy}));
    let scan = with([person(put, "ada").days(4)]);
    is_judged(&scan, "x", "review");
    goes(&scan, IDLE);
}

#[test]
fn a_replica_made_by_a_person_is_a_question() {
    let scan = with([person(call("ReplicateSecretToRegions", "x"), "ada").days(4)]);
    stays(&scan, "x");
}

#[test]
fn a_value_put_by_a_person_with_a_key_is_a_question() {
    let scan = with([call("PutSecretValue", "x")
        .by(user("grace"))
        .agent(PIPELINE)
        .days(40)]);
    is_judged(&scan, "x", "review");
    assert!(scan.secret("x")["reasons"].to_string().contains("grace"));
}

#[test]
fn a_value_put_by_a_pipeline_is_a_sign_of_life() {
    let put = call("PutSecretValue", "x")
        .by(role("github-deploy", "run-17"))
        .agent(PIPELINE);
    let scan = with([put.days(4)]);
    is_judged(&scan, "x", "review");
    goes(&scan, IDLE);
}

#[test]
fn a_value_put_by_terraform_is_a_sign_of_life() {
    let scan = with([call("PutSecretValue", "x")
        .by(role("ci", "run"))
        .agent(TERRAFORM)
        .days(4)]);
    stays(&scan, "x");
}

#[test]
fn a_value_put_by_an_application_each_day_is_a_sign_of_life() {
    let scan = with(call("PutSecretValue", "x").days(60).every(DAY, 60));
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_value_put_before_the_idle_time_is_history() {
    let scan = world()
        .secret(idle("x").accessed(150))
        .call(person(call("PutSecretValue", "x"), "ada").at(days_ago(91)))
        .scan();
    goes(&scan, "x");
}

#[test]
fn hourly_describes_by_a_plain_application_are_use() {
    let scan = with(describe("x").days(89).every(HOUR, 89 * 24));
    is_judged(&scan, "x", "keep");
    assert!(scan.has_reason("x", "cached-reader"));
    goes(&scan, IDLE);
}

#[test]
fn hourly_describes_by_a_plain_program_in_go_are_use() {
    let scan = with(
        describe("x")
            .agent(GO)
            .by(role("billing", "pod-1"))
            .days(89)
            .every(HOUR, 89 * 24),
    );
    stays_because(&scan, "x", &["cached-reader"]);
}

#[test]
fn describes_every_half_day_by_tasks_with_changing_sessions_are_use() {
    let calls = (0..170).map(|number| {
        let task = format!("{number:032x}");
        describe("x")
            .by(role("orders-task", &task))
            .at(days_ago(88) + number * DAY / 2)
    });
    stays_because(&with(calls), "x", &["cached-reader"]);
}

#[test]
fn hourly_describes_by_a_user_with_a_key_are_use() {
    stays_because(
        &with(
            describe("x")
                .by(user("legacy-app"))
                .days(89)
                .every(HOUR, 89 * 24),
        ),
        "x",
        &["cached-reader"],
    );
}

#[test]
fn three_describes_in_ninety_days_are_a_question() {
    let scan = with([
        describe("x").days(80),
        describe("x").days(50),
        describe("x").days(10),
    ]);
    is_judged(&scan, "x", "review");
    goes(&scan, IDLE);
}

#[test]
fn a_single_describe_is_a_question() {
    let scan = with([describe("x").days(30)]);
    is_judged(&scan, "x", "review");
}

#[test]
fn who_describes_in_order_to_write_is_no_reader() {
    let push = |api: &str| {
        call(api, "x")
            .by(role("external-secrets", "external-secrets-provider-aws"))
            .agent(GO)
    };
    let scan = with(
        [
            push("DescribeSecret").days(60).every(HOUR * 6, 200),
            push("PutSecretValue").days(60).every(HOUR * 6, 200),
        ]
        .concat(),
    );
    is_judged(&scan, "x", "review");
    goes(&scan, IDLE);
}

#[test]
fn describes_by_ourselves_are_no_use() {
    let agent = "aws-sdk-rust/1.3.3 ua/2.1 os/linux lang/rust#1.90 app/secretsweep";
    let mut calls = describe("x").agent(agent).days(80).every(DAY, 80);
    // Whoever sends our application id and lists secrets, as a scan does, is us.
    calls.push(call("ListSecrets", "").agent(agent).days(20));
    goes(&with(calls), "x");
}

#[test]
fn a_program_that_sends_our_application_id_and_caches_is_use() {
    let agent = "aws-sdk-rust/1.3.3 ua/2.1 os/linux lang/rust#1.90 app/secretsweep";
    let scan = with(describe("x").agent(agent).days(80).every(DAY, 80));
    stays_because(&scan, "x", &["cached-reader"]);
}

#[test]
fn describes_by_aws_config_are_no_use() {
    let config = describe("x")
        .by(role("AWSServiceRoleForConfig", "AWSConfig-Describe"))
        .invoked_by("config.amazonaws.com");
    let scan = with(config.days(80).every(DAY, 80));
    goes(&scan, "x");
}
