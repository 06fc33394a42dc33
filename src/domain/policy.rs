//! The policy: what counts as idle, what is protected, who owns, what is worth reporting.
//!
//! Read from `secretsweep.toml`. Every key is optional, an unknown key or a bad value is an error with its line and
//! column: on a tool that deletes, a typo must not pass. Flags of the command line override the file; that is done by
//! the caller, on the [`Policy`] itself.
//!
//! Entry: `Policy`. May use: `base`, `trail`.

use std::collections::BTreeMap;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::base::money::{Money, PriceList, PriceRow};
use super::base::names::AccountId;
use super::trail::calls::Caller;
use super::trail::sessions::KeptNames;
use crate::domain::base::allocation_rule::AllocationRule;
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::reader_kind::ReaderKind;

mod budget;
mod file;
mod findings;

pub use budget::BudgetLimits;
pub use file::toml_fault;
pub use findings::{FindingSettings, NamingRule, Team};

/// An error in a policy file: the message names line and column.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct PolicyError(String);

/// A glob over secret names: `*` also crosses `/`, as in IAM policies.
#[derive(Clone, Debug)]
pub struct Glob(GlobMatcher);

impl Glob {
    /// Compiles a pattern of `*`, `?`, `[...]` and `{a,b}`.
    ///
    /// # Errors
    /// A message that names the pattern.
    pub fn new(pattern: &str) -> Result<Self, String> {
        GlobBuilder::new(pattern)
            .literal_separator(false)
            .backslash_escape(true)
            .build()
            .map(|glob| Self(glob.compile_matcher()))
            .map_err(|error| format!("`{pattern}` is not a glob: {error}"))
    }

    /// Returns whether a name fits.
    pub fn fits(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// The pattern.
    pub fn pattern(&self) -> &str {
        self.0.glob().glob()
    }
}

impl std::str::FromStr for Glob {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        Self::new(pattern)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A tag that protects: a key alone, or a key with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRule {
    /// The key.
    pub key: String,
    /// The value; `None`: any.
    pub value: Option<String>,
}

impl TagRule {
    fn new(text: &str) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        if key.is_empty() {
            return Err(format!(
                "`{text}` is not a tag: `key` or `key=value` is expected"
            ));
        }
        Ok(Self {
            key: key.to_owned(),
            value,
        })
    }
}

impl<'de> Deserialize<'de> for TagRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A fingerprint of the policy file. All the signs that are given must fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawFingerprint")]
pub struct OwnFingerprint {
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// Part of the user agent.
    pub user_agent: Option<String>,
    /// The ARN or the name of the role or user.
    pub role: Option<Glob>,
    /// The session name.
    pub session: Option<Glob>,
    /// The AWS service that called.
    pub invoked_by: Option<String>,
    /// The name that it has in reports.
    pub client: Option<String>,
    /// The cache time to recommend.
    pub cache_s: Option<u32>,
    /// The advice that is given for it.
    pub advice: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFingerprint {
    kind: ReaderKind,
    user_agent: Option<String>,
    role: Option<Glob>,
    session: Option<Glob>,
    invoked_by: Option<String>,
    client: Option<String>,
    #[serde(default, rename = "cache", deserialize_with = "file::optional_seconds")]
    cache_s: Option<u32>,
    advice: Option<String>,
}

impl TryFrom<RawFingerprint> for OwnFingerprint {
    type Error = &'static str;

    /// Refuses a fingerprint that would fit everybody.
    fn try_from(raw: RawFingerprint) -> Result<Self, Self::Error> {
        let own = Self {
            kind: raw.kind,
            user_agent: raw.user_agent,
            role: raw.role,
            session: raw.session,
            invoked_by: raw.invoked_by,
            client: raw.client,
            cache_s: raw.cache_s,
            advice: raw.advice,
        };
        if own.has_a_sign() {
            Ok(own)
        } else {
            Err(
                "a `[[readers.fingerprint]]` has no sign: give `user_agent`, `role`, `session` or `invoked_by`",
            )
        }
    }
}

impl OwnFingerprint {
    /// Returns whether a caller shows every sign given.
    pub fn fits(&self, caller: &Caller) -> bool {
        let role = |glob: &Glob| {
            glob.fits(&caller.identity)
                || glob.fits(crate::domain::base::reader_kind::name_of(&caller.identity))
        };
        self.user_agent
            .as_deref()
            .is_none_or(|part| caller.user_agent.contains(part))
            && self.role.as_ref().is_none_or(role)
            && self
                .session
                .as_ref()
                .is_none_or(|glob| glob.fits(&caller.session))
            && self
                .invoked_by
                .as_deref()
                .is_none_or(|service| caller.invoked_by == service)
    }

    fn has_a_sign(&self) -> bool {
        self.user_agent
            .as_deref()
            .is_some_and(|part| !part.is_empty())
            || self.role.is_some()
            || self.session.is_some()
            || self.invoked_by.is_some()
    }
}

/// A finding that is known and accepted, until a day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mute {
    /// The code of the finding.
    #[serde(deserialize_with = "file::finding_code")]
    pub code: FindingCode,
    /// Secrets by name or ARN; all if absent.
    pub name: Option<Glob>,
    /// Readers by ARN or by the name of the role or user; all if absent.
    pub reader: Option<Glob>,
    /// The account of the secret; all if absent.
    pub account: Option<AccountId>,
    /// The reason, for the reader of the policy file and of the report.
    pub reason: String,
    /// The last day on which it holds; for good if absent.
    #[serde(default, deserialize_with = "file::optional_day")]
    pub until: Option<Date>,
}

/// The settings that verdicts, loops and costs rest on.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Unused for this many days is idle.
    pub idle_days: u32,
    /// Younger than this many days is left alone.
    pub young_days: u32,
    /// Judge idle secrets without a trail.
    pub trust_last_accessed: bool,
    /// Names that are never deleted.
    pub protected_names: Vec<Glob>,
    /// Tags that protect.
    pub protected_tags: Vec<TagRule>,
    /// The tag that protects until the day in its value.
    pub until_tag: String,
    /// Tags that name an owner; the first that is set wins.
    pub owner_tags: Vec<String>,
    /// A loop is reported from this much avoidable cost a month on.
    pub min_avoidable: Money,
    /// Kinds of readers whose reads are not use.
    pub maintenance: Vec<ReaderKind>,
    /// Fingerprints that come before the built-in ones.
    pub fingerprints: Vec<OwnFingerprint>,
    /// The findings that are reported, and their thresholds.
    pub findings: FindingSettings,
    /// Accepted findings.
    pub mutes: Vec<Mute>,
    /// The price list.
    pub prices: PriceList,
    /// The list before prices that were paid by a bill replaced it; `None`: none did.
    pub list_prices: Option<PriceList>,
    /// The names of accounts, for reports.
    pub accounts: BTreeMap<AccountId, String>,
    /// The budgets.
    pub budget: BudgetLimits,
    /// The rule for who pays for calls that belong to no secret.
    pub unattributed: AllocationRule,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            idle_days: 90,
            young_days: 30,
            trust_last_accessed: false,
            protected_names: Vec::new(),
            protected_tags: vec![
                TagRule {
                    key: "keep".to_owned(),
                    value: Some("true".to_owned()),
                },
                TagRule {
                    key: "do-not-delete".to_owned(),
                    value: None,
                },
            ],
            until_tag: "keep-until".to_owned(),
            owner_tags: vec!["owner".to_owned(), "team".to_owned()],
            min_avoidable: Money(1_000_000),
            maintenance: vec![ReaderKind::Rotation, ReaderKind::Iac, ReaderKind::Scanner],
            fingerprints: Vec::new(),
            findings: FindingSettings::default(),
            mutes: Vec::new(),
            prices: PriceList::built_in(),
            list_prices: None,
            accounts: BTreeMap::new(),
            budget: BudgetLimits::default(),
            unattributed: AllocationRule::default(),
        }
    }
}

impl Policy {
    /// Puts prices that were paid by a bill before those of the list, which is kept for comparison.
    pub fn pay(&mut self, rows: Vec<PriceRow>) {
        let list = self.prices.clone();
        self.prices.source = format!("paid by the bill, else {}", list.source);
        self.prices.rows.extend(rows);
        self.list_prices = Some(list);
    }

    /// Returns whether reads by this kind are use.
    pub fn is_consumer(&self, kind: ReaderKind) -> bool {
        kind != ReaderKind::Ourselves && !self.maintenance.contains(&kind)
    }

    /// The names of sessions that are signs of callers: the ledger must keep each of them, also where there are many.
    pub fn session_signs(&self) -> KeptNames {
        let signs = self.fingerprints.iter();
        let signs: Vec<Glob> = signs.filter_map(|own| own.session.clone()).collect();
        if signs.is_empty() {
            KeptNames::None
        } else {
            KeptNames::Some(Box::new(move |name| {
                signs.iter().any(|sign| sign.fits(name))
            }))
        }
    }
}

/// Reads a duration as people write it (`90d`, `12weeks`) into whole days.
///
/// # Errors
/// A message that names the text.
pub fn days(text: &str) -> Result<u32, String> {
    let duration = look_back(text)?;
    let days = duration.as_secs() / 86_400;
    if !duration.as_secs().is_multiple_of(86_400) || days == 0 {
        return Err(format!(
            "`{text}` is not a whole number of days: write for example `90d`"
        ));
    }
    u32::try_from(days).map_err(|_| too_long(text))
}

/// Reads a duration as people write it.
///
/// # Errors
/// A message that names the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    // A month of `humantime` has 30.44 days, which nobody means.
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ');
    if unit == "M"
        || ["month", "year", "y"]
            .iter()
            .any(|word| unit.starts_with(word))
    {
        return Err(format!(
            "`{text}` has no fixed length: write days, such as `30d` or `365d`"
        ));
    }
    humantime::parse_duration(text).map_err(|_| {
        format!("`{text}` is not a duration: write a number with its unit, such as `90d` or `12h`")
    })
}

/// Reads how far to look back: a duration of a hundred years at most, so that it leads to no time before the calendar
/// begins.
///
/// # Errors
/// A message that names the text.
pub fn look_back(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration > Duration::from_hours(24 * 36_500) {
        return Err(too_long(text));
    }
    Ok(duration)
}

fn too_long(text: &str) -> String {
    format!("`{text}` is more than a hundred years")
}
