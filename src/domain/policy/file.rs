//! The policy file and price files: TOML into a [`Policy`].
//!
//! Whatever is not understood is an error with its line and column.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::{
    BudgetLimits, FindingSettings, Glob, Mute, OwnFingerprint, Policy, PolicyError, TagRule, days,
    duration,
};
use crate::domain::base::allocation_rule::AllocationRule;
use crate::domain::base::finding_kinds::{FINDINGS, FindingCode};
use crate::domain::base::money::{Money, Price, PriceList, PriceRow};
use crate::domain::base::names::{AccountId, Region};
use crate::domain::base::reader_kind::ReaderKind;

impl Policy {
    /// Reads a policy file's text.
    ///
    /// # Errors
    /// [`PolicyError`] for an unknown key or a bad value, with line and column.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: File = read(text)?;
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
        policy.accounts = file.accounts;
        if let Some(rule) = file
            .allocation
            .and_then(|allocation| allocation.unattributed)
        {
            policy.unattributed = rule;
        }
        policy.budget = file.budget;
        policy.findings = file.findings;
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
        let file: PriceFile = read(text)?;
        self.add_prices(file.prices, name);
        Ok(())
    }

    fn add_prices(&mut self, entries: Vec<PriceEntry>, from: &str) {
        if entries.is_empty() {
            return;
        }
        self.prices.source = format!("{from}, else {}", self.prices.source);
        for PriceEntry(entry) in entries {
            let base = PriceList::built_in().rows[0].price;
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
}

/// The longest message that shows the line it is about, in bytes.
const MOST_SHOWN: usize = 4_096;

/// Reads TOML; what is wrong comes with its line and column.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, PolicyError> {
    toml::from_str(text).map_err(|error| PolicyError(toml_fault(text, &error)))
}

/// Returns what is wrong with a text that is no TOML, or has other keys or values than it should: with the line and the
/// column, and the line itself unless it is long.
pub fn toml_fault(text: &str, error: &toml::de::Error) -> String {
    let shown = error.to_string();
    if shown.len() <= MOST_SHOWN {
        return shown.trim_end().to_owned();
    }
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let what: String = error.message().chars().take(MOST_SHOWN).collect();
    format!("line {line}, which is too long to be shown: {what}")
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
    loops: Option<LoopSettings>,
    readers: Option<ReaderSettings>,
    #[serde(default)]
    accounts: BTreeMap<AccountId, String>,
    #[serde(default)]
    budget: BudgetLimits,
    allocation: Option<AllocationSettings>,
    #[serde(default)]
    findings: FindingSettings,
    #[serde(default)]
    mute: Vec<Mute>,
    #[serde(default)]
    prices: Vec<PriceEntry>,
    /// The sources of a scan, which say nothing about judging: the command line reads them.
    #[serde(default, rename = "scan")]
    _scan: IgnoredAny,
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
struct LoopSettings {
    #[serde(default, deserialize_with = "optional_amount")]
    min_avoidable_usd: Option<Money>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllocationSettings {
    unattributed: Option<AllocationRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReaderSettings {
    maintenance: Option<Vec<ReaderKind>>,
    #[serde(default)]
    fingerprint: Vec<OwnFingerprint>,
}

/// A price of the file. In the commercial partition what is not given keeps its list price; elsewhere all three must
/// be given, because there is no list price to keep.
#[derive(Deserialize)]
#[serde(try_from = "RawPriceEntry")]
struct PriceEntry(RawPriceEntry);

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
        Ok(Self(raw))
    }
}

/// An amount that is not negative.
fn optional_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    let amount = Money::deserialize(deserializer)?;
    if amount < Money::ZERO {
        return Err(D::Error::custom("the amount is not negative"));
    }
    Ok(Some(amount))
}

/// The code of a finding that there is.
pub(super) fn finding_code<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<FindingCode, D::Error> {
    let code = FindingCode::deserialize(deserializer)?;
    if !matches!(code, FindingCode::Other(_)) {
        return Ok(code);
    }
    let known: Vec<&str> = FINDINGS.iter().map(|kind| kind.code.as_str()).collect();
    let known = known.join(", ");
    Err(D::Error::custom(format!(
        "there is no finding `{code}`; there are: {known}"
    )))
}

fn optional_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    days(&String::deserialize(deserializer)?)
        .map(Some)
        .map_err(D::Error::custom)
}

pub(super) fn optional_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let seconds = duration(&text).map_err(D::Error::custom)?.as_secs();
    u32::try_from(seconds)
        .ok()
        .filter(|&seconds| seconds > 0)
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`{text}` is no cache time")))
}

pub(super) fn optional_day<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Date>, D::Error> {
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
            [accounts]
            111122223333 = "production"
            [[mute]]
            code = "hot-loop"
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
        assert_eq!(policy.accounts.values().next().unwrap(), "production");
        assert_eq!(policy.mutes[0].until, Some(jiff::civil::date(2027, 3, 31)));
        let price = policy.prices.rows[1].price;
        assert_eq!(
            (price.secret_month, price.api_10k),
            (Money(320_000), Money(50_000))
        );
    }

    #[test]
    fn a_typo_is_an_error_with_its_position() {
        for (text, position, what) in [
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
                "[allocation]\nunattributed = \"by-hand\"",
                "line 2, column 16",
                "expected one of `apart`, `by-caller`, `by-share`",
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
                "[[mute]]\ncode = \"hot-loop\"\nreason = \"y\"\nuntil = \"soon\"",
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
                error.contains(position) && error.contains(what),
                "{text}: {error}"
            );
        }
    }
}
