//! Who may assume a role, as short phrases (IAM user guide, "Roles terms and concepts").

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{PolicyDocument, PolicyStatement, StatementEffect};
use super::iam_data::IamIdentity;

/// The names of AWS services and of the things that assume a role for them.
const SERVICES: &[(&str, &str)] = &[
    ("lambda.amazonaws.com", "Lambda function"),
    ("ecs-tasks.amazonaws.com", "ECS task"),
    ("ec2.amazonaws.com", "EC2 instance"),
    ("pods.eks.amazonaws.com", "EKS pod"),
    ("codebuild.amazonaws.com", "CodeBuild project"),
    ("glue.amazonaws.com", "Glue job"),
    ("states.amazonaws.com", "Step Functions state machine"),
    ("cloudformation.amazonaws.com", "CloudFormation stack"),
    ("batch.amazonaws.com", "Batch job"),
    ("rds.amazonaws.com", "RDS database"),
];

const GITHUB: &str = "token.actions.githubusercontent.com";

/// The phrases for one identity, sorted. A user is assumed by nobody.
pub(super) fn phrases(identity: &IamIdentity) -> Vec<String> {
    let Some(trust) = &identity.trust else {
        return Vec::new();
    };
    match &trust.document {
        Ok(document) => of_document(document),
        Err(why) => vec![format!("not known: {why}")],
    }
}

fn of_document(document: &PolicyDocument) -> Vec<String> {
    let assumes = |statement: &&PolicyStatement| {
        let kinds = [
            "sts:assumerole",
            "sts:assumerolewithsaml",
            "sts:assumerolewithwebidentity",
        ];
        statement.effect == StatementEffect::Allow
            && kinds.iter().any(|action| statement.is_about(action))
    };
    let mut phrases = BTreeSet::new();
    for statement in document.statements.iter().filter(assumes) {
        let Some(principals) = &statement.principals else {
            continue;
        };
        if principals.not {
            phrases.insert("everybody except some".to_owned());
            continue;
        }
        for (kind, name) in &principals.named {
            phrases.extend(phrase(kind, name, statement));
        }
    }
    phrases.into_iter().collect()
}

fn phrase(kind: &str, name: &str, statement: &PolicyStatement) -> Vec<String> {
    let one = match kind {
        _ if name == "*" => "everybody".to_owned(),
        "Service" => {
            let known = SERVICES.iter().find(|(service, _)| *service == name);
            match known {
                Some((_, phrase)) => (*phrase).to_owned(),
                None => format!("AWS service {}", name.trim_end_matches(".amazonaws.com")),
            }
        }
        "Federated" => return federated(name, statement),
        "AWS" => aws(name),
        other => format!("{other} {name}"),
    };
    vec![one]
}

fn aws(name: &str) -> String {
    let mut parts = name.splitn(6, ':');
    if parts.next() != Some("arn") {
        return format!("every principal of account {name}");
    }
    let account = parts.nth(3).unwrap_or_default();
    match parts.next().unwrap_or_default() {
        "root" => format!("every principal of account {account}"),
        resource => {
            let (kind, path) = resource.split_once('/').unwrap_or((resource, ""));
            let last = path.rsplit('/').next().unwrap_or_default();
            match kind {
                "role" | "user" => format!("{kind} {last} of account {account}"),
                _ => format!("{resource} of account {account}"),
            }
        }
    }
}

fn federated(name: &str, statement: &PolicyStatement) -> Vec<String> {
    let provider = name.split_once(":oidc-provider/").map(|(_, rest)| rest);
    let Some(provider) = provider else {
        return vec![match name.rsplit('/').next() {
            Some(saml) if saml.starts_with("AWSSSO_") => "IAM Identity Center".to_owned(),
            Some(saml) if name.contains(":saml-provider/") => format!("SAML provider {saml}"),
            _ => format!("identities of {name}"),
        }];
    };
    let subjects = subjects(statement, &format!("{provider}:sub"));
    if subjects.is_empty() {
        let what = if provider == GITHUB {
            "GitHub Actions"
        } else {
            provider
        };
        return vec![format!("{what}, any subject")];
    }
    let named = subjects.into_iter().map(|subject| {
        if provider == GITHUB {
            let repository = subject.strip_prefix("repo:").unwrap_or(&subject);
            let repository = repository.split(':').next().unwrap_or_default();
            format!("GitHub Actions, repository {repository}")
        } else if provider.starts_with("oidc.eks.") {
            let account = subject.strip_prefix("system:serviceaccount:");
            format!("EKS service account {}", account.unwrap_or(&subject))
        } else {
            format!("{provider}, {subject}")
        }
    });
    named.collect()
}

/// The values of a condition key under operators that demand one of them.
fn subjects(statement: &PolicyStatement, key: &str) -> Vec<String> {
    let operators = statement.condition.iter().filter_map(Value::as_object);
    let mut found = Vec::new();
    for (operator, keys) in operators.flatten() {
        let demands = operator.contains("StringEquals") || operator.contains("StringLike");
        for (name, values) in keys.as_object().into_iter().flatten() {
            if demands && name.eq_ignore_ascii_case(key) {
                found.extend(super::condition::texts(values).unwrap_or_default());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trust_policy_is_said_in_a_phrase() {
        let eks = "arn:aws:iam::1:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/AB";
        let github = "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com";
        for (principal, condition, expected) in [
            (
                json!({"Service": "lambda.amazonaws.com"}),
                json!({}),
                "Lambda function",
            ),
            (
                json!({"Service": "scheduler.amazonaws.com"}),
                json!({}),
                "AWS service scheduler",
            ),
            (json!("*"), json!({}), "everybody"),
            (
                json!({"AWS": "444455556666"}),
                json!({}),
                "every principal of account 444455556666",
            ),
            (
                json!({"AWS": "arn:aws:iam::444455556666:root"}),
                json!({}),
                "every principal of account 444455556666",
            ),
            (
                json!({"AWS": "arn:aws:iam::444455556666:role/ci/deploy"}),
                json!({}),
                "role deploy of account 444455556666",
            ),
            (
                json!({"Federated": github}),
                json!({"StringLike": {
                    "token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main"
                }}),
                "GitHub Actions, repository acme/shop",
            ),
            (
                json!({"Federated": github}),
                json!({}),
                "GitHub Actions, any subject",
            ),
            (
                json!({"Federated": eks}),
                json!({"StringEquals": {
                    "oidc.eks.us-east-1.amazonaws.com/id/AB:sub":
                        "system:serviceaccount:shop:web"
                }}),
                "EKS service account shop:web",
            ),
            (
                json!({"Federated": "arn:aws:iam::1:saml-provider/AWSSSO_1_DO_NOT_DELETE"}),
                json!({}),
                "IAM Identity Center",
            ),
        ] {
            let document = json!({"Statement": {
                "Effect": "Allow", "Action": "sts:AssumeRole*", "Principal": principal,
                "Condition": condition
            }});
            let document = PolicyDocument::read(&document).unwrap();
            assert_eq!(of_document(&document), [expected], "{principal}");
        }
    }
}
