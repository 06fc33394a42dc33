//! The policy: what counts as idle, what is protected, who owns, what is worth reporting.
//!
//! Read from `secretsweep.toml`. Every key is optional, an unknown key or a bad value is an error with its line and
//! column: on a tool that deletes, a typo must not pass. Flags of the command line override the file; that is done by
//! the caller, on the [`Policy`] itself.

use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::money::{Money, Price, PriceRow, Prices};
use super::names::{AccountId, Region};
use super::readers::ReaderKind;
use super::usage::Caller;

/// What is wrong with a policy file: the message names line and column.
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

    /// Whether a name fits.
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
    /// What the reader is.
    pub kind: ReaderKind,
    /// Part of the user agent.
    pub user_agent: Option<String>,
    /// The ARN or the name of the role or user.
    pub role: Option<Glob>,
    /// The session name.
    pub session: Option<Glob>,
    /// The AWS service that called.
    pub invoked_by: Option<String>,
    /// What to call it in reports.
    pub client: Option<String>,
    /// The cache time to recommend.
    pub cache_s: Option<u32>,
    /// What to advise.
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
    #[serde(default, rename = "cache", deserialize_with = "optional_seconds")]
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
    /// Whether a caller shows every sign given.
    pub fn fits(&self, caller: &Caller) -> bool {
        let role = |glob: &Glob| {
            glob.fits(&caller.identity) || glob.fits(super::readers::name_of(&caller.identity))
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
    pub code: String,
    /// Secrets by name; all if absent.
    pub name: Option<Glob>,
    /// Why. For the reader of the policy file.
    pub reason: String,
    /// The last day on which it holds; for good if absent.
    #[serde(default, deserialize_with = "optional_day")]
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
    /// Accepted findings.
    pub mutes: Vec<Mute>,
    /// The price list.
    pub prices: Prices,
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
            mutes: Vec::new(),
            prices: Prices::built_in(),
        }
    }
}

impl Policy {
    /// Reads a policy file's text.
    ///
    /// # Errors
    /// [`PolicyError`] for an unknown key or a bad value, with line and column.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)
            .map_err(|error| PolicyError(error.to_string().trim_end().to_owned()))?;
        let mut policy = Self::default();
        if let Some(days) = file.idle {
            policy.idle_days = days;
        }
        if let Some(days) = file.young {
            policy.young_days = days;
        }
        if let Some(protect) = file.protect {
            policy.protected_names.extend(protect.names);
            policy.protected_tags.extend(protect.tags);
            policy.until_tag = protect.until_tag.unwrap_or(policy.until_tag);
        }
        if let Some(owner) = file.owner {
            policy.owner_tags = owner.tags;
        }
        if let Some(least) = file.loops.and_then(|loops| loops.min_avoidable_usd) {
            policy.min_avoidable = least;
        }
        if let Some(readers) = file.readers {
            policy.maintenance = readers.maintenance.unwrap_or(policy.maintenance);
            policy.fingerprints = readers.fingerprint;
        }
        policy.mutes = file.mute;
        policy.add_prices(file.prices, "the policy file");
        Ok(policy)
    }

    /// Reads a price file: the `[[prices]]` of a policy file alone.
    ///
    /// # Errors
    /// [`PolicyError`] for an unknown key or a bad value, with line and column.
    pub fn add_price_file(&mut self, text: &str, name: &str) -> Result<(), PolicyError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct PriceFile {
            prices: Vec<PriceEntry>,
        }
        let file: PriceFile = toml::from_str(text)
            .map_err(|error| PolicyError(error.to_string().trim_end().to_owned()))?;
        self.add_prices(file.prices, name);
        Ok(())
    }

    fn add_prices(&mut self, entries: Vec<PriceEntry>, from: &str) {
        if entries.is_empty() {
            return;
        }
        self.prices.source = format!("{from}, else {}", self.prices.source);
        for entry in entries {
            let base = Prices::built_in().rows[0].price;
            let of_commercial = entry.partition == "aws";
            let or_list =
                |given: Option<Money>, list: Money| given.or(of_commercial.then_some(list));
            let price = Price {
                secret_month: or_list(entry.secret_month_usd, base.secret_month)
                    .unwrap_or_default(),
                api_10k: or_list(entry.api_10k_usd, base.api_10k).unwrap_or_default(),
                kms_10k: or_list(entry.kms_10k_usd, base.kms_10k).unwrap_or_default(),
            };
            self.prices.rows.push(PriceRow {
                partition: entry.partition,
                region: entry.region,
                account: entry.account,
                price,
            });
        }
    }

    /// Whether reads by this kind are use.
    pub fn is_consumer(&self, kind: ReaderKind) -> bool {
        kind != ReaderKind::Ourselves && !self.maintenance.contains(&kind)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, deserialize_with = "optional_days")]
    idle: Option<u32>,
    #[serde(default, deserialize_with = "optional_days")]
    young: Option<u32>,
    protect: Option<Protect>,
    owner: Option<Owner>,
    loops: Option<Loops>,
    readers: Option<Readers>,
    #[serde(default)]
    mute: Vec<Mute>,
    #[serde(default)]
    prices: Vec<PriceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Protect {
    #[serde(default)]
    names: Vec<Glob>,
    #[serde(default)]
    tags: Vec<TagRule>,
    until_tag: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loops {
    min_avoidable_usd: Option<Money>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Readers {
    maintenance: Option<Vec<ReaderKind>>,
    #[serde(default)]
    fingerprint: Vec<OwnFingerprint>,
}

/// A price of the file. In the commercial partition what is not given keeps its list price; elsewhere all three must
/// be given, because there is no list price to keep.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawPriceEntry")]
struct PriceEntry {
    partition: String,
    region: Option<Region>,
    account: Option<AccountId>,
    secret_month_usd: Option<Money>,
    api_10k_usd: Option<Money>,
    kms_10k_usd: Option<Money>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPriceEntry {
    #[serde(default = "commercial")]
    partition: String,
    region: Option<Region>,
    account: Option<AccountId>,
    secret_month_usd: Option<Money>,
    api_10k_usd: Option<Money>,
    kms_10k_usd: Option<Money>,
}

fn commercial() -> String {
    "aws".to_owned()
}

impl TryFrom<RawPriceEntry> for PriceEntry {
    type Error = String;

    fn try_from(raw: RawPriceEntry) -> Result<Self, String> {
        let all = [raw.secret_month_usd, raw.api_10k_usd, raw.kms_10k_usd];
        if raw.partition != "aws" && all.iter().any(Option::is_none) {
            return Err(format!(
                "partition `{}` has no list price: give `secret_month_usd`, `api_10k_usd` and `kms_10k_usd`",
                raw.partition
            ));
        }
        if all.iter().flatten().any(|amount| *amount < Money::ZERO) {
            return Err("a price is not negative".to_owned());
        }
        Ok(Self {
            partition: raw.partition,
            region: raw.region,
            account: raw.account,
            secret_month_usd: raw.secret_month_usd,
            api_10k_usd: raw.api_10k_usd,
            kms_10k_usd: raw.kms_10k_usd,
        })
    }
}

/// Reads a duration as people write it (`90d`, `12weeks`) into whole days.
///
/// # Errors
/// A message that names the text.
pub fn days(text: &str) -> Result<u32, String> {
    let duration = duration(text)?;
    let days = duration.as_secs() / 86_400;
    if !duration.as_secs().is_multiple_of(86_400) || days == 0 {
        return Err(format!(
            "`{text}` is not a whole number of days, such as `90d`"
        ));
    }
    u32::try_from(days)
        .ok()
        .filter(|&days| days <= 36_500)
        .ok_or_else(|| format!("`{text}` is more than a hundred years"))
}

/// Reads a duration as people write it.
///
/// # Errors
/// A message that names the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("`{text}` is not a duration such as `90d`: {error}"))
}

fn optional_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    days(&String::deserialize(deserializer)?)
        .map(Some)
        .map_err(D::Error::custom)
}

fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let seconds = duration(&text).map_err(D::Error::custom)?.as_secs();
    u32::try_from(seconds)
        .ok()
        .filter(|&seconds| seconds > 0)
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`{text}` is no cache time")))
}

fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map(Some)
        .map_err(|_| D::Error::custom(format!("`{text}` is not a day such as `2027-03-31`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_manual_is_read() {
        let policy = Policy::parse(
            r#"
            idle = "120d"
            young = "6weeks"
            [protect]
            names = ["break-glass/*"]
            tags = ["keep=yes", "legal-hold"]
            until_tag = "hold-until"
            [owner]
            tags = ["cost-center"]
            [loops]
            min_avoidable_usd = "0.50"
            [readers]
            maintenance = ["rotation", "scanner"]
            [[readers.fingerprint]]
            kind = "scanner"
            user_agent = "AcmeAudit/"
            cache = "15m"
            [[mute]]
            code = "rotation-off"
            name = "legacy/*"
            reason = "replaced in Q1"
            until = "2027-03-31"
            [[prices]]
            account = "111122223333"
            secret_month_usd = "0.32"
            "#,
        )
        .unwrap();
        assert_eq!((policy.idle_days, policy.young_days), (120, 42));
        assert!(policy.protected_names[0].fits("break-glass/a/b"));
        assert_eq!(policy.protected_tags.len(), 4);
        assert_eq!(policy.until_tag, "hold-until");
        assert_eq!(policy.owner_tags, ["cost-center"]);
        assert_eq!(policy.min_avoidable, Money(500_000));
        assert!(policy.is_consumer(ReaderKind::Iac));
        assert_eq!(policy.fingerprints[0].cache_s, Some(900));
        assert_eq!(policy.mutes[0].until, Some(jiff::civil::date(2027, 3, 31)));
        let price = policy.prices.rows[1].price;
        assert_eq!(
            (price.secret_month, price.api_10k),
            (Money(320_000), Money(50_000))
        );
    }

    #[test]
    fn a_typo_is_an_error_with_its_place() {
        for (text, place, what) in [
            ("idel = \"90d\"", "line 1, column 1", "idel"),
            ("\nidle = 90", "line 2, column 8", "invalid type"),
            (
                "idle = \"90 parsecs\"",
                "line 1, column 8",
                "not a duration",
            ),
            ("idle = \"36h\"", "line 1, column 8", "whole number of days"),
            (
                "[protect]\nname = [\"a\"]",
                "line 2, column 1",
                "unknown field `name`",
            ),
            (
                "[protect]\nnames = [\"a[\"]",
                "line 2, column 9",
                "not a glob",
            ),
            (
                "[loops]\nmin_avoidable_usd = \"1,50\"",
                "line 2, column 21",
                "not an amount",
            ),
            (
                "[readers]\nmaintenance = [\"robots\"]",
                "line 2, column 16",
                "robots",
            ),
            (
                "[[readers.fingerprint]]\nkind = \"scanner\"",
                "",
                "has no sign",
            ),
            (
                "[[mute]]\ncode = \"x\"\nreason = \"y\"\nuntil = \"soon\"",
                "line 4, column 9",
                "not a day",
            ),
            (
                "[[prices]]\npartition = \"aws-cn\"\nsecret_month_usd = \"1\"",
                "line 1",
                "no list price",
            ),
        ] {
            let error = Policy::parse(text).unwrap_err().to_string();
            assert!(
                error.contains(place) && error.contains(what),
                "{text}: {error}"
            );
        }
    }
}
