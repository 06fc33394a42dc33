//! Who may read in the example organization, as `aws iam get-account-authorization-details` and its like print it.
//!
//! Each finding about access has somebody who shows it: an application role that may read every secret and reads two, a
//! role without the key, a policy that names a secret that does not exist, and a secret whose policy lets an account in
//! that nobody knows.

use std::io;

use serde_json::{Value, json};

use super::NOW;
use super::edition::Edition;
use super::inventory::{arn, key_arn};
use super::locations::{PRODUCTION, VIRGINIA};
use crate::domain::base::span::{DAY_S, HOUR_S};

/// Roles that name what they read: (role, who assumes it, names of secrets).
const BY_NAME: &[(&str, AssumedBy, &[&str])] = &[
    (
        "checkout-api-lambda",
        AssumedBy::Service("lambda"),
        &["checkout/stripe/api-key"],
    ),
    (
        "orders-worker-task",
        AssumedBy::Service("ecs-tasks"),
        &["orders/postgres/app"],
    ),
    (
        "orders-archive-task",
        AssumedBy::Service("ecs-tasks"),
        &["orders/postgres/app"],
    ),
    (
        "loyalty-api-irsa",
        AssumedBy::Service("pods.eks"),
        &[
            "loyalty/points/cache",
            "loyalty/points/db",
            "loyalty/points/queue",
            "loyalty/points/former",
        ],
    ),
    (
        "notifications-dispatch-lambda",
        AssumedBy::Service("lambda"),
        &["notifications/sendgrid/api-key"],
    ),
    (
        "release-notes",
        AssumedBy::GitHub("example/storefront"),
        &["ops/statuspage/token"],
    ),
];

/// Roles that may use the key of the customer.
const WITH_KEY: &[&str] = &[
    "checkout-api-lambda",
    "orders-worker-task",
    "warehouse-api-task",
];

/// The secret whose policy lets another account in.
const SHARED: &str = "partners/exchange/rates-key";

/// The principal that assumes a role.
#[derive(Clone, Copy)]
enum AssumedBy {
    Service(&'static str),
    GitHub(&'static str),
}

/// Writes `iam/...`.
pub(super) fn write(
    edition: Edition,
    put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = |name: String, content: &Value| {
        let mut text = serde_json::to_vec_pretty(content)?;
        text.push(b'\n');
        put(&format!("iam/{name}"), &text)
    };
    file(format!("{PRODUCTION}.json"), &details(&created(edition)))?;
    // A secret without a policy has an answer, too: without it the policy would be one that was not given.
    for (index, cast) in edition.indexed() {
        let safe_name = cast
            .name
            .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let name = format!("policies/{}-{}-{safe_name}.json", cast.account, cast.region);
        let mut answer = json!({"ARN": arn(index), "Name": cast.name});
        if cast.name == SHARED && cast.account == PRODUCTION {
            let policy = document(&json!([{
                "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999900001111:root"},
                "Action": "secretsmanager:GetSecretValue", "Resource": "*"
            }]));
            answer["ResourcePolicy"] = json!(policy.to_string());
        }
        file(name, &answer)?;
    }
    let key = key_arn(PRODUCTION, VIRGINIA);
    let id = key.rsplit('/').next().unwrap_or_default();
    let policy = document(&json!([{
        "Sid": "EnableIAMUserPermissions", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": {"AWS": format!("arn:aws:iam::{PRODUCTION}:root")}
    }]));
    let answer = json!({"Policy": policy.to_string(), "PolicyName": "default"});
    file(format!("key-{PRODUCTION}-{id}.json"), &answer)
}

fn document(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Returns when the identities were created, long before the trail begins.
fn created(edition: Edition) -> String {
    let time = edition.at(NOW - 1_000 * DAY_S + 10 * HOUR_S + 11 * 60 + 12);
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn details(created: &str) -> Value {
    let mut roles: Vec<Value> = BY_NAME
        .iter()
        .map(|(name, assumed, secrets)| {
            let secrets: Vec<String> = secrets.iter().map(|name| pattern(name)).collect();
            let statement = json!({
                "Sid": "ReadSecrets", "Effect": "Allow", "Resource": secrets,
                "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
            });
            let policy = format!("{name}-secrets");
            role(name, *assumed, created, &policy, statement)
        })
        .collect();
    let everything = json!({
        "Sid": "Secrets", "Effect": "Allow", "Action": "secretsmanager:*",
        "Resource": format!("arn:aws:secretsmanager:*:{PRODUCTION}:secret:*")
    });
    let warehouse = AssumedBy::Service("ecs-tasks");
    roles.push(role(
        "warehouse-api-task",
        warehouse,
        created,
        "warehouse-api",
        everything,
    ));
    json!({
        "UserDetailList": [{
            "Path": "/", "UserName": "office-dashboard", "UserId": "AIDAEXAMPLEDASHBOARD",
            "Arn": format!("arn:aws:iam::{PRODUCTION}:user/office-dashboard"),
            "CreateDate": created,
            "UserPolicyList": [{
                "PolicyName": "status-page",
                "PolicyDocument": document(&json!([{
                    "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
                    "Resource": pattern("ops/statuspage/token")
                }]))
            }],
            "GroupList": [], "AttachedManagedPolicies": []
        }],
        "GroupDetailList": [],
        "RoleDetailList": roles,
        "Policies": []
    })
}

/// The ARN of a secret as a policy names it.
fn pattern(name: &str) -> String {
    format!("arn:aws:secretsmanager:{VIRGINIA}:{PRODUCTION}:secret:{name}-??????")
}

fn role(name: &str, assumed: AssumedBy, created: &str, policy: &str, statement: Value) -> Value {
    let mut statements = vec![statement];
    if WITH_KEY.contains(&name) {
        statements.push(json!({
            "Sid": "UseKey", "Effect": "Allow", "Action": "kms:Decrypt",
            "Resource": key_arn(PRODUCTION, VIRGINIA)
        }));
    }
    let trust = match assumed {
        AssumedBy::Service(service) => json!({
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": format!("{service}.amazonaws.com")}
        }),
        AssumedBy::GitHub(repository) => json!({
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!(
                "arn:aws:iam::{PRODUCTION}:oidc-provider/token.actions.githubusercontent.com"
            )},
            "Condition": {"StringLike": {
                "token.actions.githubusercontent.com:sub": format!("repo:{repository}:*")
            }}
        }),
    };
    json!({
        "Path": "/", "RoleName": name, "RoleId": format!("AROAEXAMPLE{}", name.to_uppercase().replace('-', "")),
        "Arn": format!("arn:aws:iam::{PRODUCTION}:role/{name}"),
        "CreateDate": created,
        "AssumeRolePolicyDocument": document(&json!([trust])),
        "InstanceProfileList": [],
        "RolePolicyList": [{"PolicyName": policy, "PolicyDocument": document(&json!(statements))}],
        "AttachedManagedPolicies": [],
        "Tags": []
    })
}
