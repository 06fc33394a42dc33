//! The `[findings]` of the policy file: which findings are reported, and the thresholds of their rules.

use regex_lite::Regex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Glob, TagRule, days, file};
use crate::domain::base::finding_kinds::{FindingCode, FindingKind, Reported};
use crate::domain::base::names::AccountId;

/// The findings that are reported, and the thresholds of their rules. The defaults are in the table of findings, too; a
/// test compares the two.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FindingSettings {
    /// Findings that are reported, although by default they are not.
    #[serde(deserialize_with = "codes")]
    pub on: Vec<FindingCode>,
    /// Findings that are not reported.
    #[serde(deserialize_with = "codes")]
    pub off: Vec<FindingCode>,
    /// Days after which a version in staging is left over.
    #[serde(deserialize_with = "whole_days")]
    pub stuck_after: u32,
    /// Days after which a rotation that is due is overdue.
    #[serde(deserialize_with = "whole_days")]
    pub overdue_grace: u32,
    /// Words of names that speak of databases.
    pub database_words: Vec<String>,
    /// Names that must rotate.
    pub must_rotate: Vec<Glob>,
    /// Tags of secrets that must rotate.
    pub must_rotate_tags: Vec<TagRule>,
    /// Days without any change after which a value is old.
    #[serde(deserialize_with = "whole_days")]
    pub never_rotated_after: u32,
    /// The rules for names.
    pub naming: Vec<NamingRule>,
    /// More roles and users than so many read no secret.
    pub most_consumers: u64,
    /// More secrets than so many reads no role or user.
    pub most_secrets: u64,
    /// The readers that belong to each owner.
    pub team: Vec<Team>,
    /// Accounts that may read secrets of other accounts.
    pub trusted_accounts: Vec<AccountId>,
    /// Programs read through a VPC endpoint.
    pub require_vpc_endpoint: bool,
    /// Programs come with TLS 1.3.
    pub require_tls_1_3: bool,
    /// Days that count as recent.
    #[serde(deserialize_with = "whole_days")]
    pub recent: u32,
    /// Days after which a steady reader has stopped.
    #[serde(deserialize_with = "whole_days")]
    pub gone_after: u32,
    /// A volume so many times that of the busiest week before is a jump.
    #[serde(deserialize_with = "factor")]
    pub jump_factor: u64,
    /// Names of roles and users begin so whose access is kept, also what is not used.
    pub keep_access: Vec<String>,
    /// Days after which a reader should have fetched a changed value.
    #[serde(deserialize_with = "whole_days")]
    pub stale_after: u32,
}

/// A rule for names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamingRule {
    /// Only secrets of this account; all if absent.
    pub account: Option<AccountId>,
    /// Only names that begin so; all if absent.
    pub prefix: Option<String>,
    /// The pattern that the name must match.
    #[serde(deserialize_with = "regex")]
    pattern: Regex,
}

impl NamingRule {
    /// Returns whether a name fits.
    pub fn fits(&self, name: &str) -> bool {
        self.pattern.is_match(name)
    }

    /// The regular expression.
    pub fn pattern(&self) -> &str {
        self.pattern.as_str()
    }
}

/// A team: an owner of secrets, and its readers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// The value of the owner tag.
    pub owner: String,
    /// The ARNs or names of its roles and users.
    pub readers: Vec<Glob>,
}

impl Team {
    /// Returns whether a role or user belongs to the team, by its ARN or its name.
    pub fn holds(&self, arn: &str, name: &str) -> bool {
        self.readers
            .iter()
            .any(|glob| glob.fits(arn) || glob.fits(name))
    }
}

impl Default for FindingSettings {
    fn default() -> Self {
        let words = [
            "db",
            "database",
            "rds",
            "aurora",
            "postgres",
            "postgresql",
            "mysql",
            "mariadb",
            "mssql",
            "sqlserver",
            "oracle",
            "redshift",
            "docdb",
            "documentdb",
        ];
        Self {
            on: Vec::new(),
            off: Vec::new(),
            stuck_after: 2,
            overdue_grace: 2,
            database_words: words.map(str::to_owned).to_vec(),
            must_rotate: Vec::new(),
            must_rotate_tags: Vec::new(),
            never_rotated_after: 365,
            naming: Vec::new(),
            most_consumers: 25,
            most_secrets: 50,
            team: Vec::new(),
            trusted_accounts: Vec::new(),
            require_vpc_endpoint: false,
            require_tls_1_3: false,
            recent: 7,
            gone_after: 14,
            jump_factor: 5,
            keep_access: Vec::new(),
            stale_after: 7,
        }
    }
}

impl FindingSettings {
    /// Returns whether findings of a kind are reported.
    pub fn is_on(&self, code: &FindingCode) -> bool {
        let by_default =
            FindingKind::of(code).is_none_or(|kind| kind.reported == Reported::ByDefault);
        !self.off.contains(code) && (by_default || self.on.contains(code))
    }
}

/// A duration of whole days.
fn whole_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    days(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// A factor that makes more of something.
fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let factor = u64::deserialize(deserializer)?;
    if factor < 2 {
        return Err(D::Error::custom("a factor is 2 at least"));
    }
    Ok(factor)
}

fn regex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text)
        .map_err(|error| D::Error::custom(format!("`{text}` is not a regular expression: {error}")))
}

/// Codes of findings that there are.
fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FindingCode>, D::Error> {
    let codes = Vec::<KnownCode>::deserialize(deserializer)?;
    Ok(codes.into_iter().map(|KnownCode(code)| code).collect())
}

#[derive(Deserialize)]
struct KnownCode(#[serde(deserialize_with = "file::finding_code")] FindingCode);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::finding_kinds::FINDINGS;
    use crate::domain::policy::Policy;

    #[test]
    fn the_table_of_findings_states_every_default_of_the_policy_file() {
        let mut keys: Vec<_> = FINDINGS.iter().flat_map(|kind| kind.settings).collect();
        keys.sort_by_key(|setting| setting.key);
        keys.dedup();
        let lines: String = keys.iter().map(|one| one.line() + "\n").collect();
        let stated = Policy::parse(&format!("[findings]\n{lines}")).unwrap();
        let default = FindingSettings::default();
        assert_eq!(format!("{:?}", stated.findings), format!("{default:?}"));
        let fields = format!("{default:#?}");
        let fields = fields.lines().filter(|line| {
            line.starts_with("    ") && !line.starts_with("     ") && line.contains(':')
        });
        assert_eq!(
            fields.count(),
            keys.len() + 2,
            "every key but `on` and `off`"
        );
    }

    #[test]
    fn kinds_are_switched_by_code() {
        let policy = Policy::parse("[findings]\noff = [\"hot-loop\"]").unwrap();
        assert!(!policy.findings.is_on(&FindingCode::HotLoop));
        assert!(policy.findings.is_on(&FindingCode::FailingReads));
        let error = Policy::parse("[findings]\non = [\"hot-lop\"]").unwrap_err();
        assert!(error.to_string().contains("there is no finding `hot-lop`"));
        assert!(Policy::parse("[findings]\nnoise = 1").is_err());
    }
}
