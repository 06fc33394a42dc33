//! The three verdicts, and a reason for one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What to do with a secret. Ordered by caution: the most cautious reason wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing uses it: it can go.
    Delete,
    /// A person has to look.
    Review,
    /// It stays.
    Keep,
}

impl Verdict {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Review => "review",
            Self::Keep => "keep",
        }
    }
}

/// Why a verdict: a rule's code and a sentence with this secret's facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonRow {
    /// The code of the rule.
    pub code: Cow<'static, str>,
    /// The sentence.
    pub text: String,
}
