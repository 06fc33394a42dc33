//! Statements that allow what was used, and no more.
//!
//! A narrowed statement keeps name and conditions of its statement, and lists the actions and secrets that were used
//! through it. It is about Secrets Manager alone: what the statement allows in other services stays a matter of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::document::PolicyStatement;
use crate::domain::report::result::Breadth;

/// The calls that somebody made with success: the names of the APIs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedActions {
    /// By the index of the secret.
    pub by_secret: BTreeMap<usize, BTreeSet<String>>,
    /// Calls that name no secret, such as `ListSecrets`.
    pub without_secret: BTreeSet<String>,
}

impl UsedActions {
    /// Returns whether an API was called for a secret.
    pub(super) fn has(&self, index: usize, api: &str) -> bool {
        let apis = self.by_secret.get(&index);
        apis.is_some_and(|apis| apis.contains(api))
    }
}

/// Actions that name no secret: a statement allows them on `*`.
const WITHOUT_RESOURCE: [&str; 3] = ["BatchGetSecretValue", "ListSecrets", "GetRandomPassword"];

/// The statements that allow these uses as far as `statement` does. `used` has the ARNs with the APIs, `without` the APIs
/// that were called for no secret.
pub(super) fn narrowed(
    statement: &PolicyStatement,
    used: &BTreeMap<&str, &BTreeSet<String>>,
    without: &BTreeSet<String>,
) -> Vec<Value> {
    let is_about = |api: &str| {
        let action = format!("secretsmanager:{api}").to_lowercase();
        statement.is_about(&action)
    };
    let apis: BTreeSet<&str> = used
        .values()
        .flat_map(|apis| apis.iter())
        .chain(without)
        .map(String::as_str)
        .filter(|api| is_about(api))
        .collect();
    let (free, bound): (Vec<&str>, Vec<&str>) = apis
        .into_iter()
        .partition(|api| WITHOUT_RESOURCE.contains(api));
    let secrets: Vec<&str> = used.keys().copied().collect();
    let mut statements = Vec::new();
    if !bound.is_empty() && !secrets.is_empty() {
        statements.push(written(statement, "", &bound, json!(secrets)));
    }
    if !free.is_empty() {
        statements.push(written(statement, "WithoutSecret", &free, json!("*")));
    }
    statements
}

fn written(statement: &PolicyStatement, suffix: &str, apis: &[&str], resource: Value) -> Value {
    let actions: Vec<String> = apis
        .iter()
        .map(|api| format!("secretsmanager:{api}"))
        .collect();
    let mut members = Map::new();
    if let Some(sid) = &statement.sid {
        members.insert("Sid".to_owned(), json!(format!("{sid}{suffix}")));
    }
    members.insert("Effect".to_owned(), json!("Allow"));
    members.insert("Action".to_owned(), json!(actions));
    members.insert("Resource".to_owned(), resource);
    if let Some(condition) = &statement.condition {
        members.insert("Condition".to_owned(), condition.clone());
    }
    Value::Object(members)
}

/// Returns how a statement names secrets.
pub(super) fn breadth(statement: &PolicyStatement) -> Breadth {
    let resources = statement.resources();
    let has_variable = resources.iter().any(|one| one.contains("${"));
    if statement.rests_on_tags() || has_variable {
        Breadth::Tag
    } else if statement.is_of_other_resources() || resources.iter().any(|one| is_wide(one)) {
        Breadth::Wildcard
    } else {
        Breadth::List
    }
}

/// Returns whether a resource means more than one secret. Wildcards instead of the six characters behind a name do not
/// count, nor those instead of account and Region.
fn is_wide(resource: &str) -> bool {
    let parts: Vec<&str> = resource.splitn(7, ':').collect();
    let name = match parts.as_slice() {
        ["arn", _, service, _, _, kind, name] => {
            if !matches!(*service, "secretsmanager" | "*") {
                return false;
            }
            if *kind != "secret" {
                return kind.contains(['*', '?']);
            }
            *name
        }
        // `*`, `arn:aws:secretsmanager:*`, `...:secret*`.
        ["arn", _, service, ..] => return matches!(*service, "secretsmanager" | "*"),
        _ => return true,
    };
    plain_name(name).is_none()
}

/// The name that a pattern of a secret means, if it is one name: written out, with or without what stands for the six
/// characters.
pub(super) fn plain_name(resource: &str) -> Option<&str> {
    let suffixes = ["-??????", "-*"];
    let name = suffixes
        .iter()
        .find_map(|suffix| resource.strip_suffix(suffix))
        .unwrap_or(resource);
    (!name.is_empty() && !name.contains(['*', '?', '$'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reach::PolicyDocument;

    #[test]
    fn a_statement_is_wide_if_it_means_more_than_it_lists() {
        let with = |members: Value| {
            let mut statement = json!({"Effect": "Allow", "Action": "*"});
            for (key, value) in members.as_object().unwrap() {
                statement[key] = value.clone();
            }
            let document = json!({"Version": "2012-10-17", "Statement": statement});
            PolicyDocument::read(&document)
                .unwrap()
                .statements
                .remove(0)
        };
        let secret = |name: &str| format!("arn:aws:secretsmanager:*:*:secret:{name}");
        for (members, expected) in [
            (json!({"Resource": "*"}), Breadth::Wildcard),
            (
                json!({"Resource": "arn:aws:secretsmanager:*"}),
                Breadth::Wildcard,
            ),
            (json!({"Resource": secret("*")}), Breadth::Wildcard),
            (json!({"Resource": secret("app/*")}), Breadth::Wildcard),
            (
                json!({"Resource": [secret("app/db-??????"), secret("x-*")]}),
                Breadth::List,
            ),
            (json!({"Resource": secret("app/db-AbC123")}), Breadth::List),
            (
                json!({"Resource": [secret("a-AbC123"), "arn:aws:s3:::*"]}),
                Breadth::List,
            ),
            (
                json!({"NotResource": secret("app/db-AbC123")}),
                Breadth::Wildcard,
            ),
            (
                json!({"Resource": secret("${aws:PrincipalTag/team}/*")}),
                Breadth::Tag,
            ),
            (
                json!({"Resource": "*", "Condition": {"StringEquals": {
                    "aws:ResourceTag/team": "red"
                }}}),
                Breadth::Tag,
            ),
        ] {
            assert_eq!(breadth(&with(members.clone())), expected, "{members}");
        }
    }
}
