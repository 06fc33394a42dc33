//! Whom the resource policy of a secret lets in from outside of its account.
//!
//! Who reads a secret from another account may leave its traces in that account only, so a grant to somebody outside
//! speaks against a deletion. Principals of the own account do not: their calls stand in the account's own trail.
//! Conditions are not weighed: a grant that some condition narrows counts as a grant.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::base::names::AccountId;

/// The principals outside of this account that a policy allows something, as the policy writes them, in their order.
///
/// # Errors
/// What is not understood, in words: nothing follows from such a policy.
pub fn outsiders(policy: &str, own: &AccountId) -> Result<BTreeSet<String>, String> {
    let policy: Value =
        serde_json::from_str(policy).map_err(|error| format!("it is not JSON: {error}"))?;
    let statements = list(policy.get("Statement").ok_or("it has no `Statement`")?);
    let mut found = BTreeSet::new();
    for statement in statements {
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Deny") => {}
            Some("Allow") => found.extend(principals(statement, own)?),
            _ => return Err("a statement has no `Effect` of `Allow` or `Deny`".to_owned()),
        }
    }
    Ok(found)
}

fn principals(statement: &Value, own: &AccountId) -> Result<Vec<String>, String> {
    let named = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(Value::String(everybody)), _) => vec![everybody.clone()],
        (Some(Value::Object(kinds)), _) => kinds
            .values()
            .flat_map(list)
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or("a `Principal` is not text")?,
        (None, Some(_)) => vec!["everybody except `NotPrincipal`".to_owned()],
        _ => return Err("a statement has no `Principal`".to_owned()),
    };
    Ok(named.into_iter().filter(|name| !is_of(name, own)).collect())
}

/// Returns whether a principal is the account itself, or a user or role in it.
fn is_of(principal: &str, own: &AccountId) -> bool {
    let mut parts = principal.split(':');
    let account = match parts.next() {
        Some("arn") => parts.nth(3),
        first => first,
    };
    account == Some(own.as_str())
}

/// One value, or each of several: IAM allows both.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statement: &str) -> Result<Vec<String>, String> {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let own = "111122223333".parse().unwrap();
        outsiders(&policy, &own).map(|found| found.into_iter().collect())
    }

    #[test]
    fn grants_to_others_are_found_however_they_are_written() {
        let (own, other) = (
            "arn:aws:iam::111122223333:role/web",
            "arn:aws:iam::444455556666:root",
        );
        for (statement, expected) in [
            (
                format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{own}"}}}}"#),
                vec![],
            ),
            (
                r#"[{"Effect":"Allow","Principal":{"AWS":["111122223333"]}}]"#.to_owned(),
                vec![],
            ),
            (
                format!(r#"[{{"Effect":"Allow","Principal":{{"AWS":["{own}","{other}"]}}}}]"#),
                vec![other],
            ),
            (
                r#"{"Effect":"Allow","Principal":"*"}"#.to_owned(),
                vec!["*"],
            ),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"*"}}"#.to_owned(),
                vec!["*"],
            ),
            (r#"{"Effect":"Deny","Principal":"*"}"#.to_owned(), vec![]),
            (
                r#"{"Effect":"Allow","Principal":{"Service":"redshift.amazonaws.com"}}"#.to_owned(),
                vec!["redshift.amazonaws.com"],
            ),
            (
                r#"{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"}}"#.to_owned(),
                vec!["everybody except `NotPrincipal`"],
            ),
            ("[]".to_owned(), vec![]),
        ] {
            let expected = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(of(&statement), Ok(expected), "{statement}");
        }
    }

    #[test]
    fn a_policy_that_is_not_understood_is_an_error_and_not_an_empty_one() {
        for statement in [
            r#"{"Effect":"Allow"}"#,
            r#"{"Principal":"*"}"#,
            r#"{"Effect":"allow","Principal":"*"}"#,
            r#"{"Effect":"Allow","Principal":{"AWS":7}}"#,
            "7",
        ] {
            assert!(of(statement).is_err(), "{statement}");
        }
        let own = "111122223333".parse().unwrap();
        assert!(outsiders("{}", &own).is_err());
        assert!(outsiders("not JSON", &own).is_err());
    }
}
