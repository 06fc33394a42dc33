//! A policy document as IAM, Secrets Manager, KMS and Organizations have it, ready to be evaluated.
//!
//! Elements that are not known make a statement unclear, never void: a statement that is passed over would be a made-up
//! "no" or "yes".

use serde_json::{Map, Value};

use super::condition::{ConditionTest, texts};
use super::fact::Facts;
use super::pattern::{ArnPattern, Pattern, Signs};
use super::truth::Truth;

/// A policy document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyDocument {
    /// The statements, in their order.
    pub statements: Vec<PolicyStatement>,
}

/// The effect of a statement of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementEffect {
    /// It grants.
    Allow,
    /// It forbids, whatever else is granted.
    Deny,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyStatement {
    /// Its name, if it has one. Other people's text.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: StatementEffect,
    /// `true` if the actions are those that it is not about.
    not_action: bool,
    /// In lower case: actions are compared without regard to case.
    actions: Vec<Pattern>,
    resources: Option<Resources>,
    /// Whom it is about; `None` in a policy that is attached to an identity.
    pub(super) principals: Option<Principals>,
    conditions: Vec<ConditionTest>,
    /// The `Condition` element as it is written.
    pub condition: Option<Value>,
    /// Elements that are not known.
    strange: Vec<String>,
}

/// The resources of a statement.
#[derive(Clone, Debug, PartialEq)]
struct Resources {
    not: bool,
    texts: Vec<String>,
    patterns: Vec<ArnPattern>,
}

/// The principals of a statement, by their kind, as they are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Principals {
    pub(super) not: bool,
    /// `("AWS", "arn:...")`; `("*", "*")` for everybody.
    pub(super) named: Vec<(String, String)>,
}

/// The elements of a statement (IAM user guide, "IAM JSON policy elements reference").
const ELEMENTS: [&str; 10] = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
    "Id",
];

impl PolicyDocument {
    /// Reads a document.
    ///
    /// # Errors
    /// What is no policy, in words that begin with a small letter.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        Self::read(&value)
    }

    /// Reads a document that is JSON already.
    ///
    /// # Errors
    /// What is no policy, in words that begin with a small letter.
    pub fn read(value: &Value) -> Result<Self, String> {
        let document = value.as_object().ok_or("it is no JSON object")?;
        let version = document.get("Version").and_then(Value::as_str);
        // Variables are text in documents of the older version, which is the default (IAM user guide, "Version").
        let variables = version == Some("2012-10-17");
        let statements = match document.get("Statement") {
            Some(Value::Array(all)) => all.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => return Err("it has no `Statement`".to_owned()),
        };
        let numbered = statements.iter().enumerate();
        let read = numbered.map(|(index, statement)| {
            PolicyStatement::read(statement, variables)
                .map_err(|why| format!("statement {}: {why}", index + 1))
        });
        Ok(Self {
            statements: read.collect::<Result<_, _>>()?,
        })
    }
}

impl PolicyStatement {
    fn read(value: &Value, variables: bool) -> Result<Self, String> {
        let members = value.as_object().ok_or("it is no JSON object")?;
        let effect = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => StatementEffect::Allow,
            Some("Deny") => StatementEffect::Deny,
            _ => return Err("its `Effect` is neither `Allow` nor `Deny`".to_owned()),
        };
        let (not_action, actions) =
            either(members, "Action", "NotAction")?.ok_or("it has no `Action`")?;
        let signs = Signs {
            wildcards: true,
            variables,
        };
        let plain = Signs {
            variables: false,
            ..signs
        };
        let resources = either(members, "Resource", "NotResource")?.map(|(not, texts)| Resources {
            not,
            patterns: texts
                .iter()
                .map(|text| ArnPattern::new(text, signs))
                .collect(),
            texts,
        });
        let condition = members.get("Condition").cloned();
        let conditions = match &condition {
            Some(condition) => ConditionTest::all(condition, variables)?,
            None => Vec::new(),
        };
        let strange = members
            .keys()
            .filter(|key| !ELEMENTS.contains(&key.as_str()));
        Ok(Self {
            sid: members
                .get("Sid")
                .and_then(Value::as_str)
                .map(str::to_owned),
            effect,
            not_action,
            actions: actions
                .iter()
                .map(|action| Pattern::new(&action.to_lowercase(), plain))
                .collect(),
            resources,
            principals: principals(members)?,
            conditions,
            condition: condition.filter(|one| one.as_object().is_none_or(|map| !map.is_empty())),
            strange: strange.cloned().collect(),
        })
    }

    /// Returns whether it is about an action, given in lower case.
    pub(super) fn is_about(&self, action: &str) -> bool {
        let named = self.actions.iter().any(|one| one.fits_plainly(action));
        named != self.not_action
    }

    /// Returns whether it is about a resource, given by the segments of its ARN, under these conditions. Its action and
    /// principal are not looked at.
    pub(super) fn applies(&self, arn: &[&str; 5], facts: &dyn Facts) -> Truth {
        let resource = match &self.resources {
            // Key policies may leave it out, and trust policies have none.
            None => Truth::Yes,
            Some(resources) => resources.fit(arn, facts),
        };
        resource
            .and(|| Truth::all(self.conditions.iter().map(|one| one.holds(facts))))
            .and(|| match self.strange.first() {
                None => Truth::Yes,
                Some(element) => Truth::unclear(format!("the element `{element}` of a statement")),
            })
    }

    /// The resources that it names, as they are written; none with `NotResource` or without any.
    pub fn resources(&self) -> &[String] {
        match &self.resources {
            Some(resources) if !resources.not => &resources.texts,
            _ => &[],
        }
    }

    /// Returns whether its resources are all but some.
    pub fn is_of_other_resources(&self) -> bool {
        self.resources
            .as_ref()
            .is_some_and(|resources| resources.not)
    }

    /// Returns whether a resource pattern or a condition rests on the tags of the secret.
    pub fn rests_on_tags(&self) -> bool {
        let of_secrets = |test: &ConditionTest| {
            let key = test.key.to_lowercase();
            key.starts_with("aws:resourcetag/") || key.starts_with("secretsmanager:resourcetag/")
        };
        self.conditions.iter().any(of_secrets)
    }

    /// The condition keys, as they are written.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().map(|test| test.key.as_str())
    }
}

impl Resources {
    fn fit(&self, arn: &[&str; 5], facts: &dyn Facts) -> Truth {
        let each = self.patterns.iter().map(|pattern| {
            // A variable without a value fits nothing (IAM user guide, "Policy variables with no value").
            match pattern.fits(arn, facts) {
                Some(fits) => fits,
                None if self.not => Truth::unclear("a variable without a value in `NotResource`"),
                None => Truth::No,
            }
        });
        let fits = Truth::any(each);
        if self.not { fits.negated() } else { fits }
    }
}

/// An element or its opposite, and whether it is the opposite.
fn either(
    members: &Map<String, Value>,
    plain: &str,
    opposite: &str,
) -> Result<Option<(bool, Vec<String>)>, String> {
    let read = |name: &str, value: &Value| {
        texts(value).ok_or_else(|| format!("its `{name}` is neither text nor a list of texts"))
    };
    match (members.get(plain), members.get(opposite)) {
        (Some(_), Some(_)) => Err(format!("it has both `{plain}` and `{opposite}`")),
        (Some(value), None) => Ok(Some((false, read(plain, value)?))),
        (None, Some(value)) => Ok(Some((true, read(opposite, value)?))),
        (None, None) => Ok(None),
    }
}

fn principals(members: &Map<String, Value>) -> Result<Option<Principals>, String> {
    let (not, value) = match (members.get("Principal"), members.get("NotPrincipal")) {
        (Some(_), Some(_)) => {
            return Err("it has both `Principal` and `NotPrincipal`".to_owned());
        }
        (Some(value), None) => (false, value),
        (None, Some(value)) => (true, value),
        (None, None) => return Ok(None),
    };
    let wrong = || "its `Principal` is neither `*` nor an object of texts".to_owned();
    let named = match value {
        Value::String(all) if all == "*" => vec![("*".to_owned(), "*".to_owned())],
        Value::Object(kinds) => {
            let mut named = Vec::new();
            for (kind, list) in kinds {
                let texts = texts(list).ok_or_else(wrong)?;
                named.extend(texts.into_iter().map(|name| (kind.clone(), name)));
            }
            named
        }
        _ => return Err(wrong()),
    };
    Ok(Some(Principals { not, named }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_policy_is_an_error_and_not_an_empty_one() {
        for (document, why) in [
            ("x", "it is not JSON"),
            ("[]", "it is no JSON object"),
            ("{}", "it has no `Statement`"),
            (
                r#"{"Statement":[{"Action":"*"}]}"#,
                "statement 1: its `Effect`",
            ),
            (
                r#"{"Statement":{"Effect":"Allow"}}"#,
                "statement 1: it has no `Action`",
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*"}}"#,
                "statement 1: it has both `Action`",
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":7.5,"Principal":7}}"#,
                "statement 1: its `Principal`",
            ),
        ] {
            let found = PolicyDocument::parse(document).unwrap_err();
            assert!(found.starts_with(why), "{document}: {found}");
        }
    }

    #[test]
    fn actions_are_compared_without_regard_to_case() {
        let statement = |action: Value, key: &str| {
            let document = json!({"Statement": {"Effect": "Allow", key: action, "Resource": "*"}});
            PolicyDocument::read(&document)
                .unwrap()
                .statements
                .remove(0)
        };
        let get = "secretsmanager:getsecretvalue";
        for (action, key, is_about) in [
            (json!("*"), "Action", true),
            (json!("SecretsManager:Get*"), "Action", true),
            (
                json!(["s3:*", "secretsmanager:GetSecretValue"]),
                "Action",
                true,
            ),
            (json!("secretsmanager:GetSecret"), "Action", false),
            (json!("secretsmanager:G?tSecretValue"), "Action", true),
            (json!("iam:*"), "NotAction", true),
            (json!("secretsmanager:*"), "NotAction", false),
            (json!("kms:*"), "Action", false),
        ] {
            assert_eq!(
                statement(action.clone(), key).is_about(get),
                is_about,
                "{key} {action}"
            );
        }
    }
}
