//! The kinds of findings: their codes, which the policy file may mute, and what they mean.

/// What a kind of finding means.
#[derive(Debug)]
pub struct FindingKind {
    /// The code, as in reports.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

/// Every kind of finding.
pub const FINDINGS: &[FindingKind] = &[
    FindingKind {
        code: "failing-reads",
        meaning: "A reader asks for a secret and is refused: by IAM, by the key, because the secret is scheduled for \
                  deletion, or because the version is not there.",
        fix: "Give the reader the permission, restore the secret, or stop the reader.",
    },
    FindingKind {
        code: "missing-secret",
        meaning: "A reader asks for a secret that does not exist. Each lookup is a call that may cost as much as a read.",
        fix: "Correct the name, create the secret, or tell the reader not to look it up here.",
    },
    FindingKind {
        code: "hot-loop",
        meaning: "A caller reads, describes, writes or lists far more often than it needs.",
        fix: "Follow the advice beside the finding: it names the setting for that kind of caller and loop.",
    },
];
