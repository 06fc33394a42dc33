//! A secret and its versions, in one Region.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{at, hash};

/// A secret in one Region. Field names follow the API; times are instants.
#[derive(Clone)]
pub struct Secret {
    /// The account it lives in.
    pub account: String,
    /// The Region it lives in.
    pub region: String,
    /// The name; unique in its account and Region.
    pub name: String,
    /// The six characters after the name in the ARN.
    pub suffix: String,
    /// Free text, with line breaks and quotes if somebody wrote them.
    pub description: Option<String>,
    /// Absent for the key `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
    /// Absent when rotation was never configured.
    pub rotation_enabled: Option<bool>,
    /// Absent for managed rotation.
    pub rotation_lambda_arn: Option<String>,
    /// `{"AutomaticallyAfterDays":30}` and the like.
    pub rotation_rules: Option<Value>,
    /// The time when it was created, to the millisecond.
    pub created: Timestamp,
    /// The time when anything about it was changed, tags included.
    pub last_changed: Timestamp,
    /// Absent when it was never rotated.
    pub last_rotated: Option<Timestamp>,
    /// May lie in the past when rotations fail.
    pub next_rotation: Option<Timestamp>,
    /// Midnight UTC of the day; absent when it was never read in this Region.
    pub last_accessed: Option<Timestamp>,
    /// The moment of the `DeleteSecret` call, while the deletion is pending.
    pub deleted: Option<Timestamp>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// Versions, deprecated ones included.
    pub versions: Vec<Version>,
    /// The service that manages it, such as `rds`.
    pub owning_service: Option<String>,
    /// On a primary with replicas and on its replicas.
    pub primary_region: Option<String>,
    /// The partner of a managed external secret.
    pub kind: Option<String>,
    /// The policy on the secret itself, as JSON.
    pub resource_policy: Option<String>,
    /// The account of its replica in another account.
    pub cross_account_replica: Option<String>,
}

/// A version of a secret.
#[derive(Clone)]
pub struct Version {
    /// The version's id.
    pub id: String,
    /// Its staging labels; none makes it deprecated.
    pub stages: Vec<String>,
    /// The time when it was made.
    pub created: Timestamp,
    /// Midnight UTC of the day it was last read.
    pub last_accessed: Option<Timestamp>,
}

impl Secret {
    /// A secret created on 2025-01-15, never read, never rotated, with one version.
    /// The ARN suffix follows from the name.
    pub fn new(account: &str, region: &str, name: &str) -> Self {
        let created = at("2025-01-15T09:30:00.125Z");
        let version = Version {
            id: format!(
                "00000000-0000-4000-8000-{:012x}",
                hash(name) & 0xffff_ffff_ffff
            ),
            stages: vec!["AWSCURRENT".to_owned()],
            created,
            last_accessed: None,
        };
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            suffix: suffix(name),
            description: None,
            kms_key_id: None,
            rotation_enabled: None,
            rotation_lambda_arn: None,
            rotation_rules: None,
            created,
            last_changed: created,
            last_rotated: None,
            next_rotation: None,
            last_accessed: None,
            deleted: None,
            tags: BTreeMap::new(),
            versions: vec![version],
            owning_service: None,
            primary_region: None,
            kind: None,
            resource_policy: None,
            cross_account_replica: None,
        }
    }

    /// The full ARN.
    pub fn arn(&self) -> String {
        let Self {
            account,
            region,
            name,
            suffix,
            ..
        } = self;
        format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}")
    }

    /// Returns whether it is a replica of a secret in another Region.
    pub fn is_replica(&self) -> bool {
        self.primary_region
            .as_ref()
            .is_some_and(|primary| *primary != self.region)
    }

    /// Created then, and unchanged since; see [`at`].
    pub fn created(mut self, time: &str) -> Self {
        self.created = at(time);
        self.last_changed = self.created;
        self
    }

    /// Last read on that day.
    pub fn accessed(mut self, day: &str) -> Self {
        self.last_accessed = Some(at(day));
        self
    }

    /// Pending deletion since then.
    pub fn deleted(mut self, time: &str) -> Self {
        self.deleted = Some(at(time));
        self
    }

    /// Sets a tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Owned by a service, such as `rds`.
    pub fn owned_by(mut self, service: &str) -> Self {
        self.owning_service = Some(service.to_owned());
        self.tag("aws:secretsmanager:owningService", service)
    }

    /// Encrypted with a customer-managed key.
    pub fn key(mut self, key: &str) -> Self {
        self.kms_key_id = Some(key.to_owned());
        self
    }

    /// Changes any field.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// Six characters that follow from the name, as an ARN ends with.
fn suffix(name: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rest = hash(name);
    (0..6)
        .map(|_| {
            let index = usize::try_from(rest % 62).expect("below 62");
            rest /= 62;
            char::from(ALPHABET[index])
        })
        .collect()
}
