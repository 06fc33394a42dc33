//! The seal of a planned deletion: what the scan knew of a secret, so that `apply` can check whether it is still so.
//!
//! A plan ages while people review it. Its seal keeps the parts in plain text, and a checksum over them, the ARN and the
//! plan's id. So a line that was changed by hand or pasted from another plan is found when the plan is read, and a secret
//! that changed in AWS is refused with the part that differs. The checksum guards against mistakes, not against somebody
//! who means to forge a line.
//!
//! Everything that decides stands in here, because a spreadsheet rewrites what looks like a date or a number.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::base::names::{Region, SecretArn};
use crate::domain::inventory::secret::Secret;
use crate::domain::inventory::tags::Tags;

/// The version of the seal's text.
const VERSION: &str = "v2";

/// The part of a [`Mismatch`] that is known by its digest only.
const TAGS: &str = "tags";

/// Sets how far apart two clocks may be, and how long one request may take, in seconds.
///
/// AWS refuses signatures that are more than five minutes off; the client's own retries take less than five more.
pub const SKEW_SECONDS: i64 = 600;

/// The facts that a scan knew of a secret, and the terms of its deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// The moment that the scan calls "now", in whole seconds: evidence is no younger.
    pub planned_at: Timestamp,
    /// The number of secrets that the scan saw: what the percentage guard is taken of.
    pub scanned: u64,
    /// Days of the recovery window, 7 to 30.
    pub recovery_days: u8,
    /// The time when anything about the secret last changed, in whole seconds; `None`: the scan did not know.
    pub last_changed: Option<Timestamp>,
    /// The day on which it was last read in its Region; `None`: never.
    pub last_accessed: Option<Date>,
    /// A digest of the tags.
    pub tags: String,
    /// The Regions of the replicas, as far as the scan knew.
    pub replicas: BTreeSet<Region>,
    /// The kind of key that encrypts it: AWS's or the customer's.
    pub key: EncryptionKey,
    /// The state of automatic rotation: on or off.
    pub rotation: RotationState,
}

/// The state of automatic rotation: whether Secrets Manager rotates a secret by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationState {
    /// It does.
    On,
    /// It does not: rotation was never set up, or was cancelled.
    Off,
}

impl RotationState {
    /// The state from `RotationEnabled`, which AWS leaves out where rotation was never set up.
    pub fn of(enabled: Option<bool>) -> Self {
        if enabled == Some(true) {
            Self::On
        } else {
            Self::Off
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// The kind of key that encrypts a secret, by whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionKey {
    /// `aws/secretsmanager`.
    Aws,
    /// A key that the customer pays for.
    Customer,
}

impl EncryptionKey {
    /// The key of a secret.
    pub fn of(secret: &Secret) -> Self {
        if secret.has_customer_key() {
            Self::Customer
        } else {
            Self::Aws
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Customer => "customer",
        }
    }
}

/// Why text is no seal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// Parts are missing, in another order, or not readable.
    #[error("the seal is not readable: its part `{0}` is missing or wrong")]
    Part(&'static str),
    /// The text was changed, or belongs to another ARN or plan.
    #[error("the seal does not fit: the line was changed, or it comes from another plan")]
    Checksum,
}

/// The changes that this plan's own earlier run made to a secret, by its journal: they do not break the seal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnChanges {
    /// The tag that it set.
    pub tag: Option<OwnTag>,
    /// The replicas that it removed.
    pub removed: BTreeSet<Region>,
    /// `LastChangedDate` as it was after the last of its changes.
    pub last_changed: Option<Timestamp>,
    /// The time when it began a change whose end is not on record.
    pub unsettled: Option<Timestamp>,
}

/// A tag that was set before deleting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTag {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The text that was there before; `None`: nothing.
    pub previous: Option<String>,
}

/// One part of a secret that is no longer as the plan has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The part, in words.
    pub part: &'static str,
    /// As the plan has it.
    pub planned: String,
    /// As it is now.
    pub now: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A digest means nothing to a person.
        if self.part == TAGS {
            return write!(f, "{TAGS}: others than in the plan");
        }
        write!(
            f,
            "{}: {} in the plan, {} now",
            self.part, self.planned, self.now
        )
    }
}

impl Precondition {
    /// The text for the plan's `seal` column.
    pub fn text(&self, arn: &SecretArn, plan_id: &str) -> String {
        let body = self.body();
        let sum = checksum(&body, arn, plan_id);
        format!("{body};sum={sum}")
    }

    /// Everything but the checksum: `v2;at=...;of=...;days=...;lc=...;la=...;tags=...;rep=...;key=...;rot=...`.
    pub fn body(&self) -> String {
        format!(
            "{VERSION};at={};of={};days={};lc={};la={};tags={};rep={};key={};rot={}",
            self.planned_at,
            self.scanned,
            self.recovery_days,
            shown(self.last_changed.as_ref()),
            shown(self.last_accessed.as_ref()),
            self.tags,
            joined(&self.replicas),
            self.key.as_str(),
            self.rotation.as_str(),
        )
    }

    /// Reads the `seal` column of the line of this ARN in this plan.
    ///
    /// # Errors
    /// [`SealError`] if it is not the text that [`Precondition::text`] made for them.
    pub fn parse(text: &str, arn: &SecretArn, plan_id: &str) -> Result<Self, SealError> {
        let (body, sum) = text.rsplit_once(";sum=").ok_or(SealError::Part("sum"))?;
        if checksum(body, arn, plan_id) != sum {
            return Err(SealError::Checksum);
        }
        let mut parts = body.split(';');
        if parts.next() != Some(VERSION) {
            return Err(SealError::Part("version"));
        }
        let mut part = |key: &'static str| {
            parts
                .next()
                .and_then(|part| part.strip_prefix(key))
                .and_then(|rest| rest.strip_prefix('='))
                .ok_or(SealError::Part(key))
        };
        let seal = Self {
            planned_at: read("at", part("at")?)?,
            scanned: read("of", part("of")?)?,
            recovery_days: read("days", part("days")?)?,
            last_changed: optional("lc", part("lc")?)?,
            last_accessed: optional("la", part("la")?)?,
            tags: part("tags")?.to_owned(),
            replicas: match part("rep")? {
                "-" => BTreeSet::new(),
                list => list
                    .split('+')
                    .map(|region| read("rep", region))
                    .collect::<Result<_, _>>()?,
            },
            key: match part("key")? {
                "aws" => EncryptionKey::Aws,
                "customer" => EncryptionKey::Customer,
                _ => return Err(SealError::Part("key")),
            },
            rotation: match part("rot")? {
                "on" => RotationState::On,
                "off" => RotationState::Off,
                _ => return Err(SealError::Part("rot")),
            },
        };
        if (7..=30).contains(&seal.recovery_days) {
            Ok(seal)
        } else {
            Err(SealError::Part("days"))
        }
    }

    /// Returns what is no longer as it was, in a fixed order; empty if the seal holds.
    pub fn breaks(&self, secret: &Secret, own: &OwnChanges) -> Vec<Mismatch> {
        let mut breaks = Vec::new();
        let mut compare = |part, planned: String, now: String| {
            if planned != now {
                breaks.push(Mismatch { part, planned, now });
            }
        };
        compare(
            "last read",
            shown(self.last_accessed.as_ref()),
            shown(secret.last_accessed.as_ref()),
        );
        let changed = secret.last_changed.map(whole_seconds);
        if !own.explains(changed) {
            compare(
                "last changed",
                shown(self.last_changed.as_ref()),
                shown(changed.as_ref()),
            );
        }
        let tags = own.without_tag(&secret.tags);
        compare(TAGS, self.tags.clone(), tags_digest(&tags));
        let secret_state = secret.replicas.iter().flatten();
        let mut replicas: BTreeSet<Region> =
            secret_state.map(|replica| replica.region.clone()).collect();
        replicas.extend(own.removed.intersection(&self.replicas).cloned());
        compare("replicas", joined(&self.replicas), joined(&replicas));
        compare(
            "key",
            self.key.as_str().to_owned(),
            EncryptionKey::of(secret).as_str().to_owned(),
        );
        compare(
            "rotation",
            self.rotation.as_str().to_owned(),
            RotationState::of(secret.rotation_enabled)
                .as_str()
                .to_owned(),
        );
        breaks
    }
}

impl OwnChanges {
    /// Returns whether the last change is our own: the one on record, or one at the time of a change that was cut off.
    fn explains(&self, changed: Option<Timestamp>) -> bool {
        let Some(changed) = changed else { return false };
        let near =
            |began: Timestamp| (changed.as_second() - began.as_second()).abs() <= SKEW_SECONDS;
        self.last_changed == Some(changed) || self.unsettled.is_some_and(near)
    }

    /// The tags as they were before ours.
    fn without_tag(&self, tags: &Tags) -> Tags {
        let mut tags = tags.clone();
        if let Some(tag) = &self.tag
            && tags.get(&tag.key) == Some(&tag.value)
        {
            match &tag.previous {
                Some(previous) => tags.insert(tag.key.clone(), previous.clone()),
                None => tags.remove(&tag.key),
            };
        }
        tags
    }
}

/// The moment without its fraction of a second: a list and a describe need not agree on that.
pub fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// A digest of tags: twelve hexadecimal digits.
pub fn tags_digest(tags: &Tags) -> String {
    let parts = tags.iter().flat_map(|(key, value)| [key.as_str(), value]);
    digest(parts)
}

fn checksum(body: &str, arn: &SecretArn, plan_id: &str) -> String {
    digest([body, arn.as_str(), plan_id])
}

/// The first twelve hexadecimal digits of the SHA-256 of these texts, each with its length before it.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text.truncate(12);
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn shown<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), T::to_string)
}

fn joined(regions: &BTreeSet<Region>) -> String {
    if regions.is_empty() {
        return "-".to_owned();
    }
    let names: Vec<&str> = regions.iter().map(Region::as_str).collect();
    names.join("+")
}

fn read<T: std::str::FromStr>(part: &'static str, text: &str) -> Result<T, SealError> {
    text.parse().map_err(|_| SealError::Part(part))
}

fn optional<T: std::str::FromStr>(part: &'static str, text: &str) -> Result<Option<T>, SealError> {
    match text {
        "-" => Ok(None),
        text => read(part, text).map(Some),
    }
}

#[cfg(test)]
mod tests;
