//! Calls that were refused: somebody asks, although no value was read.

use serde_json::{Value, json};

use super::*;

const KMS: &str = "Access to KMS is not allowed";

/// `x`, `y` and the secret that nobody uses, another Region with one, and these calls.
fn asked(calls: impl IntoIterator<Item = Call>) -> Scan {
    world()
        .logging(ACCOUNT, WEST)
        .secrets([idle("x"), idle("y"), idle("west").region(WEST)])
        .calls(calls)
        .args(&["--allow-partial"])
        .scan()
}

fn daily(call: Call) -> Vec<Call> {
    call.days(30).every(DAY, 30)
}

/// The calls name `x`: it stays, the caller is named, and the others go.
#[track_caller]
fn asks_for_x(call: Call) {
    let scan = asked(daily(call));
    stays_because(&scan, "x", &["failed-reads"]);
    assert!(
        said_of(&scan, "x").contains("role/app"),
        "{}",
        said_of(&scan, "x")
    );
    for name in ["y", "west", IDLE] {
        goes(&scan, name);
    }
}

/// The calls name nothing: all of the account and Region stay, and the caller is named.
#[track_caller]
fn asks_for_any(call: Call) {
    let scan = asked(daily(call));
    for name in ["x", "y", IDLE] {
        stays(&scan, name);
    }
    goes(&scan, "west");
    assert!(
        scan.report["findings"].to_string().contains("role/app"),
        "the caller is a finding"
    );
}

fn refused(call: Call, message: &str) -> Call {
    call.error("AccessDenied", message)
}

#[test]
fn a_key_that_refuses_names_the_secret() {
    asks_for_x(refused(get("x"), KMS));
}

#[test]
fn a_key_that_refuses_without_parameters_may_mean_any_secret() {
    asks_for_any(refused(get("x").unnamed(), KMS));
}

/// A record of KMS beside a read.
fn decrypt(secret: &Secret) -> Call {
    let mut call = get("x")
        .invoked_by("secretsmanager.amazonaws.com")
        .request(json!({
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "encryptionContext": {"SecretARN": secret.arn(), "SecretVersionId": "e75a49b6"},
        }));
    "kms.amazonaws.com".clone_into(&mut call.source);
    "Decrypt".clone_into(&mut call.name);
    call
}

#[test]
fn a_refusal_of_kms_names_the_secret_in_its_context() {
    let read = refused(get("x").unnamed(), KMS);
    let key = refused(
        decrypt(&idle("x")),
        "The ciphertext refers to a customer master key that does not exist",
    );
    let scan = asked([daily(read), daily(key)].concat());
    stays_because(&scan, "x", &["failed-reads"]);
    goes(&scan, "west");
}

#[test]
fn a_decrypt_of_another_account_names_the_secret() {
    let scan = asked(daily(
        decrypt(&idle("x")).by(role_of(OTHER, "partner", "1")),
    ));
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn a_decrypt_by_somebody_whose_read_is_not_shown_names_the_secret() {
    let scan = asked([decrypt(&idle("x")).days(20)]);
    stays(&scan, "x");
    goes(&scan, IDLE);
}

#[test]
fn an_endpoint_policy_that_refuses_may_mean_any_secret() {
    let message = "User: arn:aws:sts::111122223333:assumed-role/app/worker is not authorized to perform: \
         secretsmanager:GetSecretValue because no VPC endpoint policy allows the secretsmanager:GetSecretValue action";
    asks_for_any(refused(get("x").unnamed(), message));
}

#[test]
fn a_refusal_without_a_message_may_mean_any_secret() {
    let mut call = get("x").unnamed();
    call.error = Some(("AccessDenied".to_owned(), None));
    asks_for_any(call);
}

#[test]
fn a_failure_of_another_kind_without_parameters_may_mean_any_secret() {
    asks_for_any(
        get("x")
            .unnamed()
            .error("ThrottlingException", "Rate exceeded"),
    );
}

#[test]
fn a_refused_describe_asks() {
    asks_for_x(denied(
        "DescribeSecret",
        &idle("x").arn(),
        "because no identity-based policy allows it",
    ));
}

#[test]
fn a_refused_describe_by_bare_name_asks() {
    asks_for_x(denied(
        "DescribeSecret",
        "x",
        "because no identity-based policy allows it",
    ));
}

#[test]
fn a_refused_describe_that_names_nothing_may_mean_any_secret() {
    asks_for_any(refused(describe("x").unnamed(), "Access denied"));
}

#[test]
fn a_refused_batch_names_its_secret() {
    asks_for_x(denied(
        "BatchGetSecretValue",
        &idle("x").arn(),
        "because no identity-based policy allows it",
    ));
}

#[test]
fn a_refused_batch_that_names_nothing_may_mean_any_secret() {
    asks_for_any(refused(
        call("BatchGetSecretValue", "").unnamed(),
        "Access denied",
    ));
}

#[test]
fn a_refusal_at_the_endpoint_asks() {
    let event = get(&idle("x").arn()).category("NetworkActivity").error(
        "VpceAccessDenied",
        "The request was denied due to a VPC endpoint policy",
    );
    asks_for_x(event);
}

#[test]
fn a_refusal_at_the_endpoint_that_names_nothing_may_mean_any_secret() {
    let event = get("x").unnamed().category("NetworkActivity").error(
        "VpceAccessDenied",
        "The request was denied due to a VPC endpoint policy",
    );
    asks_for_any(event);
}

#[test]
fn a_key_of_the_json_behind_the_arn_names_the_secret() {
    let message = "Secrets Manager can't find the specified secret.";
    let id = format!("{}:password::", idle("x").arn());
    asks_for_x(get(&id).error("ResourceNotFoundException", message));
}

#[test]
fn a_refused_arn_with_a_key_of_the_json_names_the_secret() {
    let id = format!("{}:password:AWSCURRENT:", idle("x").arn());
    asks_for_x(denied(
        "GetSecretValue",
        &id,
        "because no identity-based policy allows it",
    ));
}

#[test]
fn an_arn_with_a_key_of_the_json_in_a_good_read_names_the_secret() {
    let scan = asked([get(&format!("{}:password::", idle("x").arn())).days(20)]);
    stays(&scan, "x");
    goes(&scan, "y");
}

#[test]
fn a_bare_name_in_a_refusal_names_the_secret_and_a_missing_one_is_a_finding() {
    let missing = denied(
        "GetSecretValue",
        "ChimeChannelID",
        "because no identity-based policy allows it",
    );
    let scan = asked(
        [
            daily(denied("GetSecretValue", "x", "because")),
            daily(missing),
        ]
        .concat(),
    );
    stays_because(&scan, "x", &["failed-reads"]);
    goes(&scan, "y");
    assert!(
        scan.report["findings"]
            .to_string()
            .contains("ChimeChannelID")
    );
}

#[test]
fn a_refusal_before_the_idle_time_is_history() {
    let scan = world()
        .calls([refused(get("x").unnamed(), KMS).at(days_ago(91))])
        .args(&["--window", "92d"])
        .scan();
    goes(&scan, IDLE);
}

#[test]
fn a_refused_list_asks_for_nothing() {
    let call = call("ListSecrets", "").request(Value::Null);
    let scan = asked(daily(refused(
        call,
        "User is not authorized to perform: secretsmanager:ListSecrets",
    )));
    goes(&scan, IDLE);
}
