//! The verdict on each secret.

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
