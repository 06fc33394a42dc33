//! Conditions of statements: operators, sets, absent keys.
//!
//! The rules are those of the IAM user guide ("Condition operators", "Multivalued context keys"). Values of numbers,
//! dates and addresses are not compared: the keys they are about are known to the request alone.

use serde_json::Value;

use super::fact::{Fact, Facts};
use super::pattern::{ArnPattern, Pattern, Signs, split};
use super::truth::Truth;

/// The way in which values are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ValueTest {
    Text(Vec<Pattern>),
    /// The patterns are in lower case.
    TextWithoutCase(Vec<Pattern>),
    Arns(Vec<ArnPattern>),
    Bool(Vec<String>),
    /// The key is absent, for one of these.
    Null(Vec<bool>),
    /// Numbers, dates, addresses: not compared.
    Measure,
    Unknown,
}

/// The way in which the values of a key that has several are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// The key has one value.
    Single,
    /// `ForAnyValue`.
    Any,
    /// `ForAllValues`.
    All,
}

/// One key under one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConditionTest {
    /// As the policy writes it. Other people's text.
    operator: String,
    /// As the policy writes it. Other people's text.
    pub(super) key: String,
    lower_key: String,
    quantifier: Quantifier,
    if_exists: bool,
    negated: bool,
    comparison: ValueTest,
}

impl ConditionTest {
    /// Reads the tests of a `Condition` element.
    ///
    /// # Errors
    /// What is no condition, in words.
    pub(super) fn all(condition: &Value, variables: bool) -> Result<Vec<Self>, String> {
        let operators = condition
            .as_object()
            .ok_or("its `Condition` is no object")?;
        let mut tests = Vec::new();
        for (operator, keys) in operators {
            let keys = keys
                .as_object()
                .ok_or_else(|| format!("its condition `{operator}` is no object"))?;
            for (key, values) in keys {
                let values = texts(values)
                    .ok_or_else(|| format!("the values of its condition `{key}` are no texts"))?;
                tests.push(Self::new(operator, key, &values, variables));
            }
        }
        Ok(tests)
    }

    fn new(operator: &str, key: &str, values: &[String], variables: bool) -> Self {
        let (quantifier, name) = match operator.split_once(':') {
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            _ => (Quantifier::Single, operator),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let signs = |wildcards| Signs {
            wildcards,
            variables,
        };
        let patterns = |wildcards| {
            values
                .iter()
                .map(|value| Pattern::new(value, signs(wildcards)))
                .collect()
        };
        let comparison = match name {
            "StringEquals" | "StringNotEquals" => ValueTest::Text(patterns(false)),
            "StringLike" | "StringNotLike" => ValueTest::Text(patterns(true)),
            "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
                let lower = values.iter().map(|value| value.to_lowercase());
                ValueTest::TextWithoutCase(
                    lower
                        .map(|value| Pattern::new(&value, signs(false)))
                        .collect(),
                )
            }
            "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => ValueTest::Arns(
                values
                    .iter()
                    .map(|value| ArnPattern::new(value, signs(true)))
                    .collect(),
            ),
            "Bool" => ValueTest::Bool(values.iter().map(|value| value.to_lowercase()).collect()),
            "Null" => ValueTest::Null(
                values
                    .iter()
                    .map(|value| value.eq_ignore_ascii_case("true"))
                    .collect(),
            ),
            _ if ["Numeric", "Date", "IpAddress", "NotIpAddress"]
                .iter()
                .any(|begin| name.starts_with(begin)) =>
            {
                ValueTest::Measure
            }
            _ => ValueTest::Unknown,
        };
        Self {
            operator: operator.to_owned(),
            key: key.to_owned(),
            lower_key: key.to_lowercase(),
            quantifier,
            if_exists,
            negated: name.contains("Not"),
            comparison,
        }
    }

    /// Returns whether a request meets it.
    pub(super) fn holds(&self, facts: &dyn Facts) -> Truth {
        let fact = facts.fact(&self.lower_key);
        match (&self.comparison, fact) {
            (ValueTest::Unknown, _) => {
                Truth::unclear(format!("the condition operator `{}`", self.operator))
            }
            (_, Fact::Unclear(why)) => Truth::unclear(why),
            (ValueTest::Null(wanted), fact) => match fact {
                Fact::Depends { always: false } => Truth::depends_on(&self.key),
                fact => wanted.contains(&(fact == Fact::Absent)).into(),
            },
            (_, Fact::Absent) => self.of_absent().into(),
            (_, Fact::Depends { .. }) => Truth::depends_on(&self.key),
            (ValueTest::Measure, _) => {
                Truth::unclear(format!("the condition operator `{}`", self.operator))
            }
            (_, Fact::One(value)) => self.of_value(&value, facts),
            (_, Fact::Many(values)) => {
                let each = values.iter().map(|value| self.of_value(value, facts));
                match self.quantifier {
                    Quantifier::Any => Truth::any(each),
                    Quantifier::All => Truth::all(each),
                    Quantifier::Single => {
                        Truth::unclear(format!("`{}` without a set operator", self.key))
                    }
                }
            }
            (_, Fact::Either(values)) => {
                let mut each = values.iter().map(|value| self.of_value(value, facts));
                let first = each.next().unwrap_or(Truth::No);
                if each.all(|other| other == first) {
                    first
                } else {
                    Truth::depends_on(&self.key)
                }
            }
        }
    }

    /// Returns whether a request without the key meets it.
    fn of_absent(&self) -> bool {
        match self.quantifier {
            Quantifier::All => true,
            Quantifier::Any => self.if_exists,
            Quantifier::Single => self.if_exists || self.negated,
        }
    }

    fn of_value(&self, value: &str, facts: &dyn Facts) -> Truth {
        let fits = match &self.comparison {
            ValueTest::Text(patterns) => some_fit(patterns, value, facts),
            ValueTest::TextWithoutCase(patterns) => {
                some_fit(patterns, &value.to_lowercase(), facts)
            }
            ValueTest::Arns(patterns) => match split(value) {
                Some(arn) => {
                    let each = patterns.iter().map(|pattern| pattern.fits(&arn, facts));
                    some(each)
                }
                None => Some(Truth::No),
            },
            ValueTest::Bool(wanted) => Some(
                wanted
                    .iter()
                    .any(|one| value.eq_ignore_ascii_case(one))
                    .into(),
            ),
            ValueTest::Null(_) | ValueTest::Measure | ValueTest::Unknown => Some(Truth::No),
        };
        match fits {
            Some(fits) if self.negated => fits.negated(),
            Some(fits) => fits,
            // A variable without a value fits nothing. What that means for a negated operator is not documented.
            None if self.negated => {
                Truth::unclear(format!("a variable without a value in `{}`", self.key))
            }
            None => Truth::No,
        }
    }
}

fn some_fit(patterns: &[Pattern], value: &str, facts: &dyn Facts) -> Option<Truth> {
    some(patterns.iter().map(|pattern| pattern.fits(value, facts)))
}

/// Returns whether one of them fits; `None` if none does, and one has a variable without a value.
fn some(each: impl Iterator<Item = Option<Truth>>) -> Option<Truth> {
    let mut found = Truth::No;
    let mut has_no_value = false;
    for one in each {
        match one {
            Some(one) => found = found.or(|| one),
            None => has_no_value = true,
        }
    }
    (!has_no_value || !found.is_no()).then_some(found)
}

/// One text, or each of several: IAM allows both, and numbers and booleans instead of texts.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => Some(vec![text(one)?]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `one` has the value `a`, `both` the values `a` and `b`, `free` is the request's, and the rest is absent.
    struct Known;

    impl Facts for Known {
        fn fact(&self, key: &str) -> Fact<'_> {
            match key {
                "aws:one" => Fact::One("a".into()),
                "aws:both" => Fact::Many(vec!["a".into(), "b".into()]),
                "aws:choice" => Fact::Either(vec!["a".into(), "b".into()]),
                "aws:free" => Fact::Depends { always: false },
                "aws:time" => Fact::Depends { always: true },
                "aws:arn" => Fact::One("arn:aws:iam::111122223333:role/app/web".into()),
                "aws:flag" => Fact::One("true".into()),
                "new:key" => Fact::Unclear("the condition key `new:Key`".to_owned()),
                _ => Fact::Absent,
            }
        }
    }

    #[test]
    fn operators_mean_what_iam_says() {
        let open = || Truth::depends_on("aws:Free");
        for (operator, key, values, expected) in [
            ("StringEquals", "aws:One", json!("a"), Truth::Yes),
            ("StringEquals", "AWS:ONE", json!(["x", "a"]), Truth::Yes),
            ("StringEquals", "aws:One", json!("A"), Truth::No),
            ("StringEquals", "aws:One", json!("*"), Truth::No),
            ("StringLike", "aws:One", json!("*"), Truth::Yes),
            ("StringEqualsIgnoreCase", "aws:One", json!("A"), Truth::Yes),
            ("StringNotEquals", "aws:One", json!(["a", "b"]), Truth::No),
            ("StringNotEquals", "aws:One", json!(["x", "y"]), Truth::Yes),
            // Absent keys.
            ("StringEquals", "aws:None", json!("a"), Truth::No),
            ("StringLike", "aws:None", json!("*"), Truth::No),
            ("StringNotEquals", "aws:None", json!("a"), Truth::Yes),
            ("StringEqualsIfExists", "aws:None", json!("a"), Truth::Yes),
            ("StringEqualsIfExists", "aws:One", json!("x"), Truth::No),
            (
                "ForAllValues:StringEquals",
                "aws:None",
                json!("a"),
                Truth::Yes,
            ),
            (
                "ForAnyValue:StringEquals",
                "aws:None",
                json!("a"),
                Truth::No,
            ),
            ("Null", "aws:None", json!("true"), Truth::Yes),
            ("Null", "aws:None", json!(false), Truth::No),
            ("Null", "aws:One", json!("false"), Truth::Yes),
            ("Null", "aws:Time", json!("false"), Truth::Yes),
            ("Null", "aws:Free", json!("false"), open()),
            // Several values.
            (
                "ForAllValues:StringEquals",
                "aws:Both",
                json!(["a", "b", "c"]),
                Truth::Yes,
            ),
            (
                "ForAllValues:StringEquals",
                "aws:Both",
                json!(["a"]),
                Truth::No,
            ),
            (
                "ForAnyValue:StringEquals",
                "aws:Both",
                json!(["b"]),
                Truth::Yes,
            ),
            (
                "ForAnyValue:StringNotEquals",
                "aws:Both",
                json!(["a"]),
                Truth::Yes,
            ),
            (
                "ForAllValues:StringNotEquals",
                "aws:Both",
                json!(["a"]),
                Truth::No,
            ),
            (
                "ForAnyValue:StringEquals",
                "aws:One",
                json!(["a"]),
                Truth::Yes,
            ),
            ("StringEquals", "aws:Choice", json!(["a", "b"]), Truth::Yes),
            (
                "StringEquals",
                "aws:Choice",
                json!(["a"]),
                Truth::depends_on("aws:Choice"),
            ),
            // ARNs and booleans.
            (
                "ArnLike",
                "aws:Arn",
                json!("arn:aws:iam::*:role/app/*"),
                Truth::Yes,
            ),
            (
                "ArnEquals",
                "aws:Arn",
                json!("arn:aws:iam::*:role/web"),
                Truth::No,
            ),
            (
                "ArnNotLike",
                "aws:Arn",
                json!("arn:aws:iam::*:role/web"),
                Truth::Yes,
            ),
            ("ArnLike", "aws:One", json!("*"), Truth::No),
            ("Bool", "aws:Flag", json!(true), Truth::Yes),
            ("Bool", "aws:Flag", json!("False"), Truth::No),
            ("BoolIfExists", "aws:None", json!("true"), Truth::Yes),
            // What depends on the request, and what is not understood.
            ("IpAddress", "aws:Free", json!("10.0.0.0/8"), open()),
            ("StringEquals", "aws:Free", json!("x"), open()),
            ("StringNotEqualsIfExists", "aws:Free", json!("x"), open()),
            ("NumericLessThan", "aws:None", json!(3600), Truth::No),
            (
                "NumericLessThan",
                "aws:One",
                json!("3600"),
                Truth::unclear("the condition operator `NumericLessThan`"),
            ),
            (
                "StringResembles",
                "aws:One",
                json!("a"),
                Truth::unclear("the condition operator `StringResembles`"),
            ),
            (
                "StringEquals",
                "new:Key",
                json!("a"),
                Truth::unclear("the condition key `new:Key`"),
            ),
            (
                "StringEquals",
                "aws:Both",
                json!("a"),
                Truth::unclear("`aws:Both` without a set operator"),
            ),
        ] {
            let tests = ConditionTest::all(&json!({ operator: { key: values } }), true).unwrap();
            assert_eq!(
                tests[0].holds(&Known),
                expected,
                "{operator} {key} {values}"
            );
        }
    }

    #[test]
    fn what_is_no_condition_is_an_error() {
        for wrong in [
            json!([]),
            json!({"StringEquals": "x"}),
            json!({"Bool": {"a": {}}}),
        ] {
            assert!(ConditionTest::all(&wrong, true).is_err(), "{wrong}");
        }
    }
}
