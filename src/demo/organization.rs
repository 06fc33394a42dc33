//! The cast of the example organization: the secrets that show a feature, and what a scan of it must say about each.
//!
//! One table for people and programs, `organization.toml`: what a row holds decides its entry in the inventory, and its
//! `shows`, `verdict` and `reason` are what the tests check a scan against. The calls that go with the rows are in
//! `traffic`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::NOW;
use super::callers::ClientKind;
use super::roles::{Cast, DemoKey, Lasting, Rotation, secret};
use crate::demo::locations::{FRANKFURT, IRELAND, PRODUCTION, STAGING, VIRGINIA};
use crate::domain::base::span::DAY_S;

/// Every account and Region of the organization: (account, Region, hours of events in one log file).
pub(super) const SCOPES: &[(&str, &str, i64)] = &[
    (PRODUCTION, VIRGINIA, 4),
    (PRODUCTION, IRELAND, 12),
    (PRODUCTION, FRANKFURT, 12),
    (STAGING, VIRGINIA, 12),
    (STAGING, IRELAND, 12),
    (STAGING, FRANKFURT, 12),
];

/// The scope and the time in which the logs are missing: account, Region, first moment, and the moment after the last.
pub(super) const HOLE: (&str, &str, i64, i64) =
    (STAGING, FRANKFURT, NOW - 32 * DAY_S, NOW - 20 * DAY_S);

/// The data, which is a part of the program.
static TABLES: LazyLock<DemoTables> = LazyLock::new(|| {
    toml::from_str(include_str!("organization.toml")).expect("each test of the example reads it")
});

/// The secrets that show something, in the order of the inventory. Which of them are written is up to the edition.
pub(super) static CAST: LazyLock<Vec<Cast>> =
    LazyLock::new(|| TABLES.secrets.iter().map(CastData::cast).collect());

/// The services that own the everyday secrets.
pub(super) fn services() -> &'static [DemoService] {
    &TABLES.services
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoTables {
    secrets: Vec<CastData>,
    services: Vec<DemoService>,
}

/// A service with secrets of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoService {
    pub(super) name: String,
    /// The value of the tag that names its owner; empty if there is no such tag.
    pub(super) owner: String,
    #[serde(default = "production", deserialize_with = "account")]
    pub(super) account: Lasting,
    #[serde(default = "virginia")]
    pub(super) region: String,
    pub(super) client: ClientKind,
}

/// A row of the table of secrets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CastData {
    name: String,
    #[serde(default = "production", deserialize_with = "account")]
    account: Lasting,
    #[serde(default = "virginia")]
    region: String,
    shows: String,
    verdict: String,
    reason: String,
    /// The description; empty: there is none.
    about: Option<String>,
    created: Option<i64>,
    accessed: Option<i64>,
    owner: Option<String>,
    team: Option<String>,
    #[serde(default)]
    tags: Vec<(String, String)>,
    kept_until: Option<i64>,
    #[serde(default)]
    customer_key: bool,
    rotation: Option<Rotation>,
    deleted: Option<i64>,
    service: Option<String>,
    #[serde(default)]
    replicated: bool,
    #[serde(default)]
    hostile: bool,
}

fn production() -> Lasting {
    PRODUCTION
}

fn virginia() -> String {
    VIRGINIA.to_owned()
}

/// Reads the one account that the table names: all other rows are of production.
fn account<'de, D: serde::Deserializer<'de>>(name: D) -> Result<Lasting, D::Error> {
    match String::deserialize(name)?.as_str() {
        "staging" => Ok(STAGING),
        other => Err(serde::de::Error::custom(format!("no account `{other}`"))),
    }
}

impl CastData {
    fn cast(&'static self) -> Cast {
        let plain = secret(self.account, &self.region, &self.name);
        let tagged = |key, value: &'static Option<String>| Some((key, value.as_deref()?));
        Cast {
            shows: &self.shows,
            verdict: &self.verdict,
            reason: &self.reason,
            description: self.about.as_deref().map_or(plain.description, |about| {
                Some(about).filter(|about| !about.is_empty())
            }),
            created: self.created.unwrap_or(plain.created),
            accessed: self.accessed,
            owner: tagged("owner", &self.owner).or_else(|| tagged("team", &self.team)),
            tags: &self.tags,
            kept_until: self.kept_until,
            key: if self.customer_key {
                DemoKey::Customer
            } else {
                DemoKey::Aws
            },
            rotation: self.rotation.unwrap_or(Rotation::Unset),
            deleted: self.deleted,
            service: self.service.as_deref(),
            primary: self.replicated.then_some(VIRGINIA),
            hostile: self.hostile,
            ..plain
        }
    }
}
