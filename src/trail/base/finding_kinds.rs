//! The kinds of findings: their codes, which the policy file may mute, and what they mean.
//!
//! [`FINDINGS`] is the one table. It drives the search (a kind that is off is not reported), the `rules` command, the
//! README, the page, mutes, `--fail-on` and the tests. The search for each kind is in `judging::findings`.

mod table;

use serde::{Deserialize, Serialize};

use super::words;

pub use table::FINDINGS;

words! {
    /// The code of a kind of finding.
    pub enum FindingCode {
        /// A reader that could read fails.
        BrokenReads = "broken-reads",
        /// A reader is refused.
        FailingReads = "failing-reads",
        /// A reader asks for what is not there.
        MissingSecret = "missing-secret",
        /// A reader asks more often than a cache would.
        HotLoop = "hot-loop",
        /// The last rotation failed.
        RotationFailing = "rotation-failing",
        /// A version in staging is left over.
        RotationStuck = "rotation-stuck",
        /// A rotation is past its day.
        RotationOverdue = "rotation-overdue",
        /// A secret that should rotate does not.
        RotationOff = "rotation-off",
        /// Somebody put a value although the secret rotates.
        ChangedByHand = "changed-by-hand",
        /// The value has not changed for a long time.
        NeverRotated = "never-rotated",
        /// A secret has no owner tag.
        NoOwner = "no-owner",
        /// A name breaks the policy's rules.
        Naming = "naming",
        /// A name ends like an ARN.
        ArnLikeName = "arn-like-name",
        /// Nobody reads a replica.
        IdleReplica = "idle-replica",
        /// A name stands in several Regions without replication.
        DuplicateName = "duplicate-name",
        /// A secret has no description.
        NoDescription = "no-description",
        /// Another account cannot decrypt a secret.
        DefaultKeyShared = "default-key-shared",
        /// Many read one secret.
        WidelyShared = "widely-shared",
        /// One reads many secrets.
        BroadReader = "broad-reader",
        /// Another team reads a secret.
        CrossTeam = "cross-team",
        /// Another account reads a secret.
        CrossAccountReads = "cross-account-reads",
        /// People read a secret of programs.
        PersonReads = "person-reads",
        /// The root user reads a secret.
        RootReads = "root-reads",
        /// A reader passes the VPC endpoint.
        OutsideVpc = "outside-vpc",
        /// Long-lived keys come from the internet.
        PublicAddress = "public-address",
        /// A reader comes with an old version of TLS.
        OldTls = "old-tls",
        /// A reader has come.
        NewReader = "new-reader",
        /// A reader has left the VPC endpoint.
        NewNetwork = "new-network",
        /// A reader has gone.
        ReaderGone = "reader-gone",
        /// A reader calls far more than before.
        VolumeJump = "volume-jump",
        /// A reader has not fetched a changed value.
        UnreadSinceRotation = "unread-since-rotation",
        /// A reader asks for a version by its id.
        ReadsOldVersion = "reads-old-version",
        /// Somebody may read secrets and does not.
        UnusedAccess = "unused-access",
        /// A wildcard lets somebody read.
        WildcardAccess = "wildcard-access",
        /// The policy of a secret is for others.
        PublicOrForeignAccess = "public-or-foreign-access",
        /// A policy names a secret that does not exist.
        OrphanAccess = "orphan-access",
        /// Somebody may read a secret and not use its key.
        KeyMismatch = "key-mismatch",
        /// A mute of the policy file has ended.
        ExpiredMute = "expired-mute",
    }
    /// The code of a kind that this version does not find. Other people's text.
    else Other
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is broken, or about to be.
    High,
    /// Worth fixing.
    Medium,
    /// Worth knowing.
    Low,
}

impl Severity {
    /// Every severity, the most severe first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// The severity that a word of reports means.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A threshold of a rule: a key of `[findings]` in the policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// Its default, as the policy file would have it, without the quotes of a text.
    pub default: &'static str,
}

impl Setting {
    /// The line of the policy file that states the default.
    pub fn line(&self) -> String {
        let Self { key, default } = self;
        let is_number = default.bytes().all(|byte| byte.is_ascii_digit());
        if is_number || default.starts_with('[') || matches!(*default, "true" | "false") {
            format!("{key} = {default}")
        } else {
            format!("{key} = \"{default}\"")
        }
    }
}

/// The condition under which a kind of finding is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Unless the policy file names it in `off`.
    ByDefault,
    /// Only if the policy file names it in `on`: most organizations have many of these and do not mind.
    OnRequest,
}

/// A kind of finding.
#[derive(Debug)]
pub struct FindingKind {
    /// The code, as in reports.
    pub code: FindingCode,
    /// The usual severity; a single finding may have a lower one, which its rule states.
    pub severity: Severity,
    /// The condition under which it is reported.
    pub reported: Reported,
    /// The meaning, as a sentence.
    pub meaning: &'static str,
    /// The exact rule. `{key}` stands for a setting, see [`FindingKind::rule`].
    pub rule: &'static str,
    /// The settings of the rule.
    pub settings: &'static [Setting],
    /// The way to fix it, as a sentence.
    pub fix: &'static str,
    /// The page of AWS's documentation that it rests on.
    pub page: &'static str,
}

impl FindingKind {
    /// The exact rule as text, each setting with its default. A setting that is true or false stands for "it is true".
    /// A list that is empty by default is named first, since `[]` is not a word that a sentence can be read with.
    pub fn rule(&self) -> String {
        let mut text = self.rule.to_owned();
        for Setting { key, default } in self.settings {
            let words = match *default {
                "true" | "false" => format!("`{key}` is true (the default is {default})"),
                "[]" => format!("`{key}` (empty by default)"),
                _ => format!("{default} (`{key}`)"),
            };
            text = text.replace(&format!("{{{key}}}"), &words);
        }
        text
    }

    /// The kind of a code, if this version knows it.
    pub fn of(code: &FindingCode) -> Option<&'static Self> {
        FINDINGS.iter().find(|kind| kind.code == *code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_a_rule_stands_in_its_text_and_every_page_is_one_of_aws() {
        for kind in FINDINGS {
            let rule = kind.rule();
            assert!(!rule.contains(['{', '}']), "{}: {rule}", kind.code);
            assert!(!rule.contains("[]"), "{}: {rule}", kind.code);
            for setting in kind.settings {
                let key = format!("`{}`", setting.key);
                assert!(rule.contains(&key), "{}: {rule}", kind.code);
            }
            assert!(
                kind.page.starts_with("https://docs.aws.amazon.com/"),
                "{}",
                kind.code
            );
            for text in [kind.meaning, &rule, kind.fix] {
                assert!(text.ends_with('.') && !text.contains('|'), "{text}");
            }
        }
    }

    #[test]
    fn a_setting_of_several_rules_has_one_default() {
        let settings = || FINDINGS.iter().flat_map(|kind| kind.settings);
        for setting in settings() {
            let same = settings().filter(|other| other.key == setting.key);
            assert!(
                same.into_iter().all(|other| other == setting),
                "{setting:?}"
            );
        }
    }
}
