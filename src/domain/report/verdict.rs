//! The three verdicts, and a reason for one.

use serde::{Deserialize, Serialize};

use crate::domain::base::words;

/// The verdict on a secret, ordered by caution: the most cautious reason wins.
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

words! {
    /// The code of a rule.
    pub enum RuleCode {
        /// It is scheduled for deletion already.
        PendingDeletion = "pending-deletion",
        /// Another AWS service looks after it.
        ServiceManaged = "service-managed",
        /// It is judged with its primary.
        Replica = "replica",
        /// A consumer read it.
        RecentlyRead = "recently-read",
        /// A client that caches it describes it.
        CachedReader = "cached-reader",
        /// A replica of it is read.
        ReplicaInUse = "replica-in-use",
        /// It is too young to be judged.
        TooYoung = "too-young",
        /// The policy protects its name.
        ProtectedName = "protected-name",
        /// A tag protects it.
        ProtectedTag = "protected-tag",
        /// A tag protects it until a day.
        ProtectedUntil = "protected-until",
        /// The evidence does not cover the idle time.
        CoverageGap = "coverage-gap",
        /// Somebody asks for it and is refused.
        FailedReads = "failed-reads",
        /// Somebody changed it.
        RecentlyWritten = "recently-written",
        /// Somebody asked for its description.
        Described = "described",
        /// Another account may read it.
        CrossAccount = "cross-account",
        /// Infrastructure code manages it.
        IacManaged = "iac-managed",
        /// It was read under a name that fits another secret, too.
        AmbiguousReads = "ambiguous-reads",
        /// Its name speaks of rare use.
        SensitiveName = "sensitive-name",
        /// Nobody read it since its creation.
        NeverRead = "never-read",
        /// Nobody read it within the idle time.
        Idle = "idle",
        /// Only its rotation reads it.
        MaintenanceOnly = "maintenance-only",
    }
    /// The code of a rule that this version does not have. Other people's text.
    else Other
}

/// Why a verdict: a rule's code and a sentence with this secret's facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonRow {
    /// The code of the rule.
    pub code: RuleCode,
    /// The sentence.
    pub text: String,
}
