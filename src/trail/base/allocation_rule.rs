//! By which rule the cost of calls that belong to no secret is shared out to owners.

use serde::{Deserialize, Serialize};

/// The rule. The policy file names it in `[allocation]`, `unattributed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationRule {
    /// It stands apart, and no owner pays for it.
    #[default]
    Apart,
    /// To the owner of the caller where that is known, else by the share of an owner in the attributed calls.
    ByCaller,
    /// By the share of an owner in the attributed calls.
    ByShare,
}

impl AllocationRule {
    /// The word in the policy file and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apart => "apart",
            Self::ByCaller => "by-caller",
            Self::ByShare => "by-share",
        }
    }

    /// The rule as a sentence for the reader of the report.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Apart => {
                "The cost of calls that belong to no secret stands apart: no owner pays for it."
            }
            Self::ByCaller => {
                "The cost of calls that belong to no secret is shared out to owners (unattributed = \"by-caller\"): to the \
                 owner of the caller, if a team of the policy file or the secrets that it reads name exactly one, else by \
                 the share of each owner in the attributed calls."
            }
            Self::ByShare => {
                "The cost of calls that belong to no secret is shared out to owners (unattributed = \"by-share\") by the \
                 share of each in the attributed calls."
            }
        }
    }
}
