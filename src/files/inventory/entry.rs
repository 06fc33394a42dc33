//! One secret or its versions, as the AWS CLI prints them.
//!
//! Dates come in the forms of several tools. A date that lies before Secrets Manager stands for an absent one.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::base::names::SecretArn;
use crate::domain::inventory::secret::{
    CurrentVersion, Replica, RotationSchedule, Secret, day_of, has_pending,
};

/// An entry of `SecretList`, or the answer of `describe-secret`. Unknown fields are ignored: AWS adds some.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedSecret {
    #[serde(rename = "ARN")]
    arn: String,
    name: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    created_date: Option<CliTimestamp>,
    last_changed_date: Option<CliTimestamp>,
    last_accessed_date: Option<CliTimestamp>,
    last_rotated_date: Option<CliTimestamp>,
    next_rotation_date: Option<CliTimestamp>,
    rotation_enabled: Option<bool>,
    #[serde(rename = "RotationLambdaARN")]
    rotation_lambda: Option<String>,
    rotation_rules: Option<ListedRules>,
    /// In lists.
    secret_versions_to_stages: Option<BTreeMap<String, Vec<String>>>,
    /// In descriptions.
    version_ids_to_stages: Option<BTreeMap<String, Vec<String>>>,
    deleted_date: Option<CliTimestamp>,
    owning_service: Option<String>,
    primary_region: Option<String>,
    tags: Option<Vec<ListedTag>>,
    replication_status: Option<Vec<ReplicaEntry>>,
}

/// One version in the answer of `list-secret-version-ids`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionEntry {
    #[serde(default)]
    version_stages: Vec<String>,
    created_date: Option<CliTimestamp>,
    last_accessed_date: Option<CliTimestamp>,
}

impl VersionEntry {
    /// The version, if it is the current one.
    pub(super) fn current(self) -> Option<CurrentVersion> {
        let is_current = self.version_stages.iter().any(|s| s == "AWSCURRENT");
        is_current.then(|| CurrentVersion {
            created: self.created_date.and_then(CliTimestamp::known),
            last_accessed: self
                .last_accessed_date
                .and_then(CliTimestamp::known)
                .map(day_of),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedRules {
    automatically_after_days: Option<i64>,
    schedule_expression: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedTag {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaEntry {
    region: String,
    kms_key_id: Option<String>,
    status: Option<String>,
    last_accessed_date: Option<CliTimestamp>,
}

impl ListedSecret {
    pub(super) fn secret(self) -> Result<Secret, String> {
        let arn = SecretArn::new(&self.arn).map_err(|error| error.to_string())?;
        let moment = |moment: Option<CliTimestamp>| moment.and_then(CliTimestamp::known);
        let day = |date: Option<CliTimestamp>| moment(date).map(day_of);
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let region = |region: String| region.parse().map_err(|error| format!("{error}"));
        let replica = |entry: ReplicaEntry| -> Result<Replica, String> {
            Ok(Replica {
                region: region(entry.region)?,
                kms_key: text(entry.kms_key_id),
                status: text(entry.status),
                last_accessed: day(entry.last_accessed_date),
            })
        };
        let replicas = self
            .replication_status
            .map(|list| list.into_iter().map(replica).collect::<Result<_, _>>());
        Ok(Secret {
            name: text(self.name).unwrap_or_else(|| arn.name().to_owned()),
            description: text(self.description),
            kms_key: text(self.kms_key_id),
            created: moment(self.created_date),
            last_changed: moment(self.last_changed_date),
            last_accessed: day(self.last_accessed_date),
            access_is_known: true,
            dependents: Vec::new(),
            last_rotated: moment(self.last_rotated_date),
            next_rotation: moment(self.next_rotation_date),
            rotation_enabled: self.rotation_enabled,
            rotation_lambda: text(self.rotation_lambda),
            rotation_rules: self.rotation_rules.map(|rules| RotationSchedule {
                after_days: rules.automatically_after_days,
                schedule: text(rules.schedule_expression),
            }),
            has_pending_version: {
                let versions = self
                    .secret_versions_to_stages
                    .or(self.version_ids_to_stages);
                let versions = versions.unwrap_or_default();
                has_pending(
                    versions
                        .values()
                        .map(|it| it.iter().map(String::as_str).collect()),
                )
            },
            deleted: moment(self.deleted_date),
            owning_service: text(self.owning_service),
            primary_region: text(self.primary_region).map(region).transpose()?,
            tags: self
                .tags
                .into_iter()
                .flatten()
                .map(|tag| (tag.key, tag.value.unwrap_or_default()))
                .collect(),
            replicas: replicas.transpose()?,
            current: None,
            arn,
        })
    }
}

/// A moment as the AWS CLI prints it: RFC 3339 with any offset, or a number of seconds since 1970.
struct CliTimestamp(Timestamp);

impl CliTimestamp {
    /// The moment, unless it lies before Secrets Manager: AWS Tools for PowerShell write the first moment of .NET
    /// (`0001-01-01`) for a date that is absent, and others write 1970.
    fn known(self) -> Option<Timestamp> {
        /// 2017-01-01T00:00:00Z. The service was announced in April 2018.
        const BEGINNING: i64 = 1_483_228_800;
        Some(self.0).filter(|at| at.as_second() >= BEGINNING)
    }
}

impl<'de> Deserialize<'de> for CliTimestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = CliTimestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date such as `2026-10-01T02:00:00+02:00`, or seconds since 1970")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CliTimestamp, E> {
                let day = || {
                    text.parse::<Date>()
                        .ok()?
                        .to_zoned(jiff::tz::TimeZone::UTC)
                        .ok()
                };
                // Windows PowerShell writes `/Date(milliseconds)/`.
                let windows = || {
                    let number = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
                    Timestamp::from_millisecond(number.parse().ok()?).ok()
                };
                text.parse()
                    .ok()
                    .or_else(windows)
                    .or_else(|| day().map(|zoned| zoned.timestamp()))
                    .map(CliTimestamp)
                    .ok_or_else(|| E::custom(format!("`{text}` is not a date")))
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<CliTimestamp, E> {
                i64::try_from(seconds)
                    .map_err(E::custom)
                    .and_then(|seconds| self.visit_i64(seconds))
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<CliTimestamp, E> {
                Timestamp::from_second(seconds)
                    .map(CliTimestamp)
                    .map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<CliTimestamp, E> {
                jiff::SignedDuration::try_from_secs_f64(seconds)
                    .and_then(Timestamp::from_duration)
                    .map(CliTimestamp)
                    .map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Any).map_err(D::Error::custom)
    }
}
