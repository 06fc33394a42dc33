//! How long it takes to find out who may read, and how much memory.
//!
//! `cargo bench --bench reach` reads and joins in this process. `cargo bench --bench reach -- write DIR` writes the same data for
//! the whole program: `secretsweep scan --inventory DIR/inventory --iam DIR/iam --no-trail --out DIR/out`. The aim for 500 roles
//! with 5,000 statements and 2,000 secrets is five seconds and 200 MB.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints what it measured, and stops at trouble"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use secretsweep::domain::base::names::SecretArn;
use secretsweep::domain::inventory::secret::Secret;
use secretsweep::domain::reach::{IamReader, ReachInput, UsedActions, join};
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

/// What `aws iam get-account-authorization-details` prints.
fn details() -> Value {
    let role = |role: usize| {
        let statements: Vec<Value> = (0..STATEMENTS).map(|one| statement(role, one)).collect();
        json!({
            "RoleName": format!("role-{role:04}"), "RoleId": format!("AROA{role:04}"),
            "Arn": format!("arn:aws:iam::{ACCOUNT}:role/role-{role:04}"),
            "CreateDate": "2024-01-01T00:00:00Z",
            "Tags": [{"Key": "team", "Value": format!("team-{}", role % 40)}],
            "RolePolicyList": [{
                "PolicyName": "policy",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}
            }],
            "AssumeRolePolicyDocument": {"Statement": {
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"}
            }},
        })
    };
    json!({ "RoleDetailList": (0..ROLES).map(role).collect::<Vec<_>>() })
}

/// What `aws secretsmanager list-secrets` prints.
fn inventory() -> Value {
    let secret = |number: usize| {
        let name = name(number);
        json!({
            "ARN": format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-AbC123"),
            "Name": name, "CreatedDate": "2024-01-01T00:00:00+00:00",
            "Tags": [{"Key": "team", "Value": format!("team-{}", number % 40)}],
        })
    };
    json!({ "SecretList": (0..SECRETS).map(secret).collect::<Vec<_>>() })
}

fn secrets(inventory: &Value) -> Vec<Secret> {
    let entries = inventory["SecretList"].as_array().unwrap().iter();
    let secret = |entry: &Value| {
        let mut secret = Secret::new(SecretArn::new(entry["ARN"].as_str().unwrap()).unwrap());
        let team = entry["Tags"][0]["Value"].as_str().unwrap();
        secret.tags.insert("team".to_owned(), team.to_owned());
        secret
    };
    entries.map(secret).collect()
}

/// Writes the files that a scan takes.
fn write(folder: &Path) {
    for (name, value) in [("iam", details()), ("inventory", inventory())] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("all.json"), value.to_string()).unwrap();
    }
}

/// The most memory that the program has held, in megabytes; Linux alone says it.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_024)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, folder, ..] = args.as_slice()
        && word == "write"
    {
        return write(Path::new(folder));
    }
    let (details, secrets) = (details(), secrets(&inventory()));
    let used: BTreeMap<&str, UsedActions> = BTreeMap::new();
    let start = Instant::now();
    let mut reader = IamReader::default();
    reader.answer("all.json", details).unwrap();
    let data = reader.finished();
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
