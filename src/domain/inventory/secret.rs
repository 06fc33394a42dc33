//! One secret as the inventory describes it. Never its value: no field could hold one.
//!
//! Plain data with public fields. What the inventory does not say is `None` ("unknown"), never `false`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::base::names::{Region, SecretArn};
use crate::domain::inventory::tags::Tags;

/// The tag by which Secrets Manager marks secrets of other services.
const OWNING_SERVICE_TAG: &str = "aws:secretsmanager:owningService";

/// Services whose price includes the secrets they own, as documented in the Secrets Manager user guide
/// ("How AWS services use secrets"), read 2023-06. Everybody else's secrets are charged.
pub const INCLUDED_SERVICES: &[&str] = &[
    "appflow",
    "databrew",
    "directconnect",
    "events",
    "opsworks-cm",
    "sqlworkbench",
];

/// Returns whether the price of a service includes the storage of its secrets ([`INCLUDED_SERVICES`]).
pub fn includes_secrets(service: &str) -> bool {
    let service = service.strip_suffix(".amazonaws.com").unwrap_or(service);
    INCLUDED_SERVICES.contains(&service)
}

/// Services whose secrets AWS documents as charged to the customer (RDS user guide, "Password management with Secrets
/// Manager"), and Redshift's, which work alike.
const CHARGED_SERVICES: &[&str] = &["rds", "redshift"];

/// Returns whether AWS documents what the storage of a service's secrets costs the customer: nothing, or the usual
/// price.
pub fn has_known_price(service: &str) -> bool {
    let short = service.strip_suffix(".amazonaws.com").unwrap_or(service);
    includes_secrets(service) || CHARGED_SERVICES.contains(&short)
}

/// The service that a name of the form `service!...` names (AWS user guide, service-linked-secrets).
pub fn owner_by_name(name: &str) -> Option<&str> {
    let (service, _) = name.split_once('!')?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!service.is_empty() && service.bytes().all(fits)).then_some(service)
}

/// A replica as `DescribeSecret` lists it in `ReplicationStatus`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replica {
    /// The Region of the replica.
    pub region: Region,
    /// Its own key, if it is not `aws/secretsmanager`.
    pub kms_key: Option<String>,
    /// `InSync`, `Failed` or `InProgress`.
    pub status: Option<String>,
    /// The day on which it was last read there (UTC).
    pub last_accessed: Option<Date>,
}

/// The version of a secret that carries `AWSCURRENT`, as `ListSecretVersionIds` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentVersion {
    /// The time when the version was created: with rotation, the last rotation.
    pub created: Option<Timestamp>,
    /// The day (UTC) on which this version was last read. `None`: nobody has fetched it.
    pub last_accessed: Option<Date>,
}

/// The schedule by which a secret is to be rotated: `RotationRules` of the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationSchedule {
    /// `AutomaticallyAfterDays`.
    pub after_days: Option<i64>,
    /// `ScheduleExpression`: `rate(10 days)` or `cron(0 8 1 * ? *)`. Other people's text.
    pub schedule: Option<String>,
}

impl RotationSchedule {
    /// The days from one rotation to the next, where the rules state a rate. A `cron()` schedule states days of the
    /// calendar: those are in `NextRotationDate`.
    pub fn interval_days(&self) -> Option<i64> {
        let Some(schedule) = &self.schedule else {
            return self.after_days.filter(|days| *days > 0);
        };
        let rate = schedule.trim().strip_prefix("rate(")?.strip_suffix(')')?;
        let (number, unit) = rate.trim().split_once(' ')?;
        let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
        match unit.trim() {
            "day" | "days" => Some(number),
            "hour" | "hours" => Some(number.div_euclid(24) + i64::from(number % 24 != 0)),
            _ => None,
        }
    }
}

/// Returns whether the stages of a secret's versions show one in staging that is not the current one: what a rotation
/// leaves that did not come to its end. `None`: no stages are known.
pub fn has_pending<'s>(versions: impl Iterator<Item = Vec<&'s str>>) -> Option<bool> {
    let pending =
        |stages: Vec<&str>| stages.contains(&"AWSPENDING") && !stages.contains(&"AWSCURRENT");
    versions.map(pending).reduce(|one, other| one || other)
}

/// One secret in one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The key of everything.
    pub arn: SecretArn,
    /// The name, as the inventory gives it.
    pub name: String,
    /// Free text, up to 2,048 characters, written by other people.
    pub description: Option<String>,
    /// `KmsKeyId`; absent when the key is `aws/secretsmanager`.
    pub kms_key: Option<String>,
    /// The time when it was created.
    pub created: Option<Timestamp>,
    /// The time when anything about it last changed, tags included.
    pub last_changed: Option<Timestamp>,
    /// The day (UTC) on which it was last read in its Region. `None`: never read there, if [`Secret::access_is_known`].
    pub last_accessed: Option<Date>,
    /// `true` if the inventory says when the secret was last read. An export that left the column out does not: then
    /// nothing follows from its absence.
    pub access_is_known: bool,
    /// Links that depend on this secret and are no replicas in other Regions, such as replicas in other accounts: the
    /// field of the inventory, with what it says. Other people's text.
    pub dependents: Vec<String>,
    /// The time when it was last rotated; `None`: never, or rotation is off.
    pub last_rotated: Option<Timestamp>,
    /// The latest moment of the next rotation; may lie in the past after failures.
    pub next_rotation: Option<Timestamp>,
    /// Rotation is on. `None`: never configured.
    pub rotation_enabled: Option<bool>,
    /// The function that rotates it.
    pub rotation_lambda: Option<String>,
    /// `RotationRules`, as far as they are there.
    pub rotation_rules: Option<RotationSchedule>,
    /// A version is in staging (`AWSPENDING`) that is not the current one. `None`: the inventory does not say.
    pub has_pending_version: Option<bool>,
    /// The time when `DeleteSecret` was called. `Some`: the secret is pending deletion.
    pub deleted: Option<Timestamp>,
    /// The AWS service that owns it, as the inventory says; see [`Secret::owner_service`].
    pub owning_service: Option<String>,
    /// The Region of the primary: on the primary itself and on each replica.
    pub primary_region: Option<Region>,
    /// The tags.
    pub tags: Tags,
    /// The replicas. `None`: the inventory does not say (`ListSecrets` never does).
    pub replicas: Option<Vec<Replica>>,
    /// The current version. `None`: nobody asked for it, which is so for nearly all.
    pub current: Option<Box<CurrentVersion>>,
}

impl Secret {
    /// A secret of which nothing but the ARN is known.
    pub fn new(arn: SecretArn) -> Self {
        Self {
            name: arn.name().to_owned(),
            arn,
            description: None,
            kms_key: None,
            created: None,
            last_changed: None,
            last_accessed: None,
            access_is_known: true,
            dependents: Vec::new(),
            last_rotated: None,
            next_rotation: None,
            rotation_enabled: None,
            rotation_lambda: None,
            rotation_rules: None,
            has_pending_version: None,
            deleted: None,
            owning_service: None,
            primary_region: None,
            tags: Tags::new(),
            replicas: None,
            current: None,
        }
    }

    /// The AWS service that owns the secret: by `OwningService`, by the tag that Secrets Manager sets, or by a name of
    /// the form `service!...` (AWS user guide, service-linked-secrets).
    pub fn owner_service(&self) -> Option<&str> {
        self.owning_service
            .as_deref()
            .or_else(|| self.tags.get(OWNING_SERVICE_TAG).map(String::as_str))
            .filter(|service| !service.is_empty())
            .or_else(|| owner_by_name(&self.name))
    }

    /// Returns whether the price of the owning service includes the secret's storage.
    pub fn is_included(&self) -> bool {
        self.owner_service().is_some_and(includes_secrets)
    }

    /// Returns whether it is a replica: the primary stands in another Region.
    pub fn is_replica(&self) -> bool {
        self.primary_region
            .as_ref()
            .is_some_and(|primary| *primary != self.arn.scope().region)
    }

    /// Returns whether reads decrypt with a key that the customer pays for.
    pub fn has_customer_key(&self) -> bool {
        self.kms_key
            .as_deref()
            .is_some_and(|key| !key.is_empty() && !key.ends_with("alias/aws/secretsmanager"))
    }

    /// The first of these tags that the secret has, as its owner.
    pub fn owner(&self, keys: &[String]) -> Option<&str> {
        keys.iter()
            .find_map(|key| self.tags.get(key))
            .map(String::as_str)
            .filter(|owner| !owner.trim().is_empty())
    }

    /// The stack of CloudFormation that created it, by the tags that CloudFormation sets.
    pub fn stack(&self) -> Option<&str> {
        [
            "aws:cloudformation:stack-name",
            "aws:cloudformation:stack-id",
        ]
        .iter()
        .find_map(|key| self.tags.get(key))
        .map(String::as_str)
    }

    /// Joins two descriptions of one secret (two pages, a list and a describe), whichever comes first.
    ///
    /// The description with the later `LastChangedDate` wins where both speak; what only one says is kept; the later
    /// access and a pending deletion are kept, because both speak against deleting.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let rank = |secret: &Self| (secret.last_changed, format!("{secret:?}"));
        let (newer, older) = if rank(&self) >= rank(&other) {
            (self, other)
        } else {
            (other, self)
        };
        Self {
            description: newer.description.or(older.description),
            kms_key: newer.kms_key.or(older.kms_key),
            created: newer.created.or(older.created),
            last_changed: newer.last_changed.or(older.last_changed),
            last_accessed: newer.last_accessed.max(older.last_accessed),
            access_is_known: newer.access_is_known || older.access_is_known,
            dependents: {
                let mut all = newer.dependents;
                all.extend(older.dependents);
                all.sort();
                all.dedup();
                all
            },
            last_rotated: newer.last_rotated.max(older.last_rotated),
            next_rotation: newer.next_rotation.max(older.next_rotation),
            rotation_enabled: newer.rotation_enabled.or(older.rotation_enabled),
            rotation_lambda: newer.rotation_lambda.or(older.rotation_lambda),
            rotation_rules: newer.rotation_rules.or(older.rotation_rules),
            has_pending_version: newer.has_pending_version.or(older.has_pending_version),
            deleted: newer.deleted.or(older.deleted),
            owning_service: newer.owning_service.or(older.owning_service),
            primary_region: newer.primary_region.or(older.primary_region),
            tags: if newer.tags.is_empty() {
                older.tags
            } else {
                newer.tags
            },
            replicas: newer.replicas.or(older.replicas),
            current: newer.current.or(older.current),
            arn: newer.arn,
            name: newer.name,
        }
    }
}

/// The UTC day of a moment.
pub fn day_of(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_states_days_and_a_calendar_does_not() {
        for (schedule, days) in [
            ("rate(10 days)", Some(10)),
            ("rate(1 day)", Some(1)),
            ("rate(4 hours)", Some(1)),
            ("rate(36 hours)", Some(2)),
            ("cron(0 8 1 * ? *)", None),
            ("rate(0 days)", None),
            ("rate(-3 days)", None),
            ("rate(ten days)", None),
            ("rate(10 weeks)", None),
            ("", None),
        ] {
            let rules = RotationSchedule {
                after_days: Some(99),
                schedule: Some(schedule.to_owned()),
            };
            assert_eq!(rules.interval_days(), days, "{schedule}");
        }
        let rules = |after_days| RotationSchedule {
            after_days,
            schedule: None,
        };
        assert_eq!(rules(Some(30)).interval_days(), Some(30));
        assert_eq!(rules(Some(0)).interval_days(), None);
        assert_eq!(rules(None).interval_days(), None);
    }

    #[test]
    fn a_version_in_staging_that_is_current_is_not_left_over() {
        for (versions, pending) in [
            (vec![], None),
            (vec![vec!["AWSCURRENT"]], Some(false)),
            (vec![vec!["AWSCURRENT", "AWSPENDING"]], Some(false)),
            (vec![vec!["AWSCURRENT"], vec!["AWSPENDING"]], Some(true)),
        ] {
            assert_eq!(
                has_pending(versions.clone().into_iter()),
                pending,
                "{versions:?}"
            );
        }
    }
}
