//! How long it takes to find out who may read, and how much memory.
//!
//! `cargo bench --bench reach`. The aim for 500 roles with 5,000 statements and 2,000 secrets is five seconds and 200 MB.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints what it measured, and stops at trouble"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use secretsweep::domain::base::names::{AccountId, SecretArn};
use secretsweep::domain::inventory::secret::Secret;
use secretsweep::domain::inventory::tags::Tags;
use secretsweep::domain::reach::{
    IamData, IamIdentity, IdentityKind, NamedPolicy, PolicyDocument, ReachInput, UsedActions, join,
};
use serde_json::{Value, json};

const ROLES: usize = 500;
const SECRETS: usize = 2_000;
const STATEMENTS: usize = 10;
const ACCOUNT: &str = "111122223333";

fn name(number: usize) -> String {
    format!(
        "team-{}/service-{}/secret-{number}",
        number % 40,
        number % 200
    )
}

/// The statements of a role: names, prefixes, tags, variables, addresses, denials, and one role in fifty may do everything.
fn statement(role: usize, number: usize) -> Value {
    let secret = |name: String| format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}");
    let base = (role * 37 + number * 101) % SECRETS;
    let listed: Vec<String> = (0..5)
        .map(|next| secret(format!("{}-??????", name((base + next) % SECRETS))))
        .collect();
    let read = [
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
    ];
    match number {
        0 if role.is_multiple_of(50) => json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        0..=2 => json!({"Effect": "Allow", "Action": read, "Resource": listed}),
        3 => {
            let prefix = format!("team-{}/*", role % 40);
            json!({"Effect": "Allow", "Action": "secretsmanager:*", "Resource": secret(prefix)})
        }
        4 => json!({
            "Effect": "Allow", "Action": read, "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": format!("team-{}", role % 40)}}
        }),
        5 => json!({
            "Effect": "Allow", "Action": read,
            "Resource": secret("${aws:PrincipalTag/team}/*".to_owned())
        }),
        6 => json!({
            "Effect": "Deny", "Action": "secretsmanager:*", "Resource": secret("team-7/*".to_owned()),
            "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        }),
        _ => json!({
            "Effect": "Allow", "Action": ["s3:GetObject", "logs:*", "kms:Decrypt"], "Resource": "*"
        }),
    }
}

fn data() -> IamData {
    let role = |role: usize| {
        let statements: Vec<Value> = (0..STATEMENTS).map(|one| statement(role, one)).collect();
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        let trust = json!({"Statement": {
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"}
        }});
        let mut tags = Tags::new();
        tags.insert("team".to_owned(), format!("team-{}", role % 40));
        IamIdentity {
            arn: format!("arn:aws:iam::{ACCOUNT}:role/role-{role:04}"),
            account: AccountId::new(ACCOUNT).unwrap(),
            kind: IdentityKind::Role,
            id: format!("AROA{role:04}"),
            name: format!("role-{role:04}"),
            created: Some(Timestamp::UNIX_EPOCH),
            tags,
            policies: vec![NamedPolicy {
                name: "policy".to_owned(),
                document: PolicyDocument::read(&document).map(Arc::new),
            }],
            boundary: None,
            trust: Some(NamedPolicy {
                name: "trust".to_owned(),
                document: PolicyDocument::read(&trust).map(Arc::new),
            }),
        }
    };
    IamData {
        identities: (0..ROLES).map(role).collect(),
        ..IamData::default()
    }
}

fn secrets() -> Vec<Secret> {
    let secret = |number: usize| {
        let resource = format!("{}-AbC123", name(number));
        let arn = format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{resource}");
        let mut secret = Secret::new(SecretArn::new(&arn).unwrap());
        let team = format!("team-{}", number % 40);
        secret.tags.insert("team".to_owned(), team);
        secret
    };
    (0..SECRETS).map(secret).collect()
}

/// The most memory that the program has held, in megabytes; Linux alone says it.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_024)
}

fn main() {
    let (data, secrets) = (data(), secrets());
    let used: BTreeMap<&str, UsedActions> = BTreeMap::new();
    let start = Instant::now();
    let joined = join(&ReachInput {
        data: &data,
        secrets: &secrets,
        used: &used,
        is_covered: &|_| true,
        since: Timestamp::UNIX_EPOCH,
        kept: &[],
    });
    let seconds = start.elapsed().as_secs_f64();
    let pairs: u64 = joined
        .report
        .secrets
        .iter()
        .map(|row| row.may_read + row.conditional)
        .sum();
    let memory = peak_mb().map_or_else(|| "-".to_owned(), |mb| format!("{mb} MB"));
    println!(
        "{ROLES} roles x {SECRETS} secrets, {} statements: {seconds:.2} s, {memory}, {pairs} pairs may read",
        ROLES * STATEMENTS
    );
}
