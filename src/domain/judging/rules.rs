//! The verdict on each secret: delete, review or keep, with every reason that applies. The most cautious reason wins.
//!
//! [`RULES`] is the one table of rules. It drives judging, the `rules` command, the manual and the tests. A rule is a
//! function of a [`SecretFacts`]: one secret with its replicas, what was seen of them, and how much of the idle time the trail
//! covers. It tells its sentence, or `None` if it does not apply.
//!
//! What makes the difference to "last accessed more than 90 days ago":
//! - a recent `LastAccessedDate` that maintenance explains (rotation, plans, audits) is not use; one that nothing
//!   explains is;
//! - an old `LastAccessedDate` is no proof while a caching client refreshes the secret with `DescribeSecret`;
//! - absence of events is no proof outside covered time.

mod delete;
mod keep;
mod review;

use crate::domain::base::money::counted;
use crate::domain::judging::facts::SecretFacts;
use crate::domain::report::verdict::{ReasonRow, RuleCode, Verdict};

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// The code, as in reports.
    pub code: RuleCode,
    /// The verdict that it gives.
    pub verdict: Verdict,
    /// The meaning, as a sentence.
    pub meaning: &'static str,
    /// The way to fix it, as a sentence.
    pub fix: &'static str,
    /// The function that decides whether it applies, and then returns a sentence about the secret at hand.
    apply: fn(&SecretFacts<'_>) -> Option<String>,
}

/// Every rule, the most cautious first.
pub const RULES: &[Rule] = &[
    Rule {
        code: RuleCode::PendingDeletion,
        verdict: Verdict::Keep,
        meaning: "It is scheduled for deletion already: it costs nothing and cannot be read.",
        fix: "Nothing. `secretsweep watch` shows whether anybody still needs it; `restore` takes the deletion back.",
        apply: keep::pending_deletion,
    },
    Rule {
        code: RuleCode::ServiceManaged,
        verdict: Verdict::Keep,
        meaning: "Another AWS service created it and deletes it itself.",
        fix: "Remove the resource that owns it, in the owning service.",
        apply: keep::service_managed,
    },
    Rule {
        code: RuleCode::Replica,
        verdict: Verdict::Keep,
        meaning: "It is a replica and is judged with its primary: deleting the primary removes it.",
        fix: "Look at the primary. A replica that nobody reads can be removed in the primary's Region.",
        apply: keep::replica,
    },
    Rule {
        code: RuleCode::RecentlyRead,
        verdict: Verdict::Keep,
        meaning: "A consumer read it within the idle time, or AWS saw a read that no maintenance explains.",
        fix: "Nothing.",
        apply: keep::recently_read,
    },
    Rule {
        code: RuleCode::CachedReader,
        verdict: Verdict::Keep,
        meaning: "A client describes it regularly, as caching clients do: they read the value only when it changes. It is \
                  in use, although LastAccessedDate grows old.",
        fix: "Nothing. If the client only lists what there is, say so with a `[[readers.fingerprint]]` of the kind `scanner`.",
        apply: keep::cached_reader,
    },
    Rule {
        code: RuleCode::ReplicaInUse,
        verdict: Verdict::Keep,
        meaning: "A replica of it is read in another Region.",
        fix: "Nothing; or promote the replica and delete the primary.",
        apply: keep::replica_in_use,
    },
    Rule {
        code: RuleCode::TooYoung,
        verdict: Verdict::Keep,
        meaning: "It is too young to be judged: younger than `young`, or not read yet and younger than `idle`.",
        fix: "Wait.",
        apply: keep::too_young,
    },
    Rule {
        code: RuleCode::ProtectedName,
        verdict: Verdict::Keep,
        meaning: "Its name is protected by the policy file.",
        fix: "Nothing, where it is protected on purpose. To have it judged like the others, take the name out of `[protect] names`.",
        apply: keep::protected_name,
    },
    Rule {
        code: RuleCode::ProtectedTag,
        verdict: Verdict::Keep,
        meaning: "A tag protects it.",
        fix: "Nothing, where it is protected on purpose. To have it judged like the others, remove the tag.",
        apply: keep::protected_tag,
    },
    Rule {
        code: RuleCode::ProtectedUntil,
        verdict: Verdict::Keep,
        meaning: "A tag protects it until a day that has not passed.",
        fix: "Wait, or change the tag.",
        apply: keep::protected_until,
    },
    Rule {
        code: RuleCode::CoverageGap,
        verdict: Verdict::Review,
        meaning: "It looks unused, but the evidence does not cover the whole idle time in all of its Regions. \
                  Absence of events proves nothing there.",
        fix: "Give the missing trail, or ask its owner. `--trust-last-accessed` judges by LastAccessedDate alone.",
        apply: review::coverage_gap,
    },
    Rule {
        code: RuleCode::FailedReads,
        verdict: Verdict::Review,
        meaning: "Somebody asks for it and is refused: that is not use, but it shows that the secret is wanted. A refused call \
                  whose record names no secret may have meant any secret of its account and Region.",
        fix: "Fix the reader or its permissions, or stop the reader.",
        apply: review::failed_reads,
    },
    Rule {
        code: RuleCode::RecentlyWritten,
        verdict: Verdict::Review,
        meaning: "A person, a program or a deploy changed its value or its access within the idle time, or restored it: \
                  somebody works with it, although nobody is seen to read it.",
        fix: "Ask the person or team that changed it.",
        apply: review::recently_written,
    },
    Rule {
        code: RuleCode::Described,
        verdict: Verdict::Review,
        meaning: "Somebody who is not known to look after secrets asked for its description a few times: it may be a cache \
                  that refreshes rarely.",
        fix: "Ask the owner of that caller. A tool that only lists secrets can be named in the policy file with a \
              `[[readers.fingerprint]]` of the kind `scanner`.",
        apply: review::described,
    },
    Rule {
        code: RuleCode::CrossAccount,
        verdict: Verdict::Review,
        meaning: "Another account may read it: it is replicated there, its key belongs to that account, or the key was used \
                  by somebody whose calls the trail does not show.",
        fix: "Scan the other account too, or ask there.",
        apply: review::cross_account,
    },
    Rule {
        code: RuleCode::IacManaged,
        verdict: Verdict::Review,
        meaning: "CloudFormation created it, or an infrastructure tool such as Terraform refreshes it: if it is deleted here, \
                  the next deploy fails or brings it back.",
        fix: "Remove it from the template or the code that manages it.",
        apply: review::iac_managed,
    },
    Rule {
        code: RuleCode::AmbiguousReads,
        verdict: Verdict::Review,
        meaning: "Calls were seen whose name may mean this secret or another one.",
        fix: "Have the callers use the full ARN. Avoid names that end in a hyphen and six characters.",
        apply: review::ambiguous_reads,
    },
    Rule {
        code: RuleCode::SensitiveName,
        verdict: Verdict::Review,
        meaning: "Its name suggests an emergency or backup secret: rarely read, but critical when needed.",
        fix: "Ask its owner; protect it by name or tag if it stays.",
        apply: review::sensitive_name,
    },
    Rule {
        code: RuleCode::NeverRead,
        verdict: Verdict::Delete,
        meaning: "Nobody has ever read it, and it is older than the idle time.",
        fix: "`secretsweep plan` puts it into a deletion plan.",
        apply: delete::never_read,
    },
    Rule {
        code: RuleCode::Idle,
        verdict: Verdict::Delete,
        meaning: "Nobody has read it for the idle time, in any of its Regions.",
        fix: "`secretsweep plan` puts it into a deletion plan.",
        apply: delete::idle,
    },
    Rule {
        code: RuleCode::MaintenanceOnly,
        verdict: Verdict::Delete,
        meaning: "Only its rotation reads it, or readers that the policy file calls maintenance: that keeps LastAccessedDate \
                  young, and nobody uses what they maintain.",
        fix: "Turn its rotation off, then run `secretsweep plan`.",
        apply: delete::maintenance_only,
    },
];

/// The judgement of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The most cautious of the reasons' verdicts.
    pub verdict: Verdict,
    /// Every reason, the most cautious first.
    pub reasons: Vec<ReasonRow>,
}

/// Applies [`RULES`]. Without any reason a secret is kept.
pub fn judge(case: &SecretFacts<'_>) -> Judgement {
    let mut verdict = None;
    let mut reasons = Vec::new();
    let grounds = case.grounds();
    for rule in RULES {
        if let Some(mut text) = (rule.apply)(case) {
            // Without grounds for it there is no deletion, whatever the rules say.
            let spoken = match rule.verdict {
                Verdict::Delete if grounds.is_none() => Verdict::Review,
                spoken => spoken,
            };
            verdict = verdict.max(Some(spoken));
            // One or two of them are kept for every secret: they take what they need.
            text.shrink_to_fit();
            reasons.push(ReasonRow {
                code: rule.code.clone(),
                text,
            });
        }
    }
    reasons.shrink_to_fit();
    Judgement {
        verdict: verdict.unwrap_or(Verdict::Keep),
        reasons,
    }
}

fn in_days(days: i64) -> String {
    counted(u64::try_from(days).unwrap_or(0), "day", "days")
}
