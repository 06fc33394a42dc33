//! The inventory of the example organization, as `aws secretsmanager list-secrets` prints it.
//!
//! One file for each account and Region, also where there is little in it. The dates of production carry `+00:00`,
//! those of staging `+02:00`, as the command prints them in the time zone of whoever ran it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;

use jiff::tz::Offset;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::call::{Act, Call};
use super::edition::Edition;
use super::everyday::SECRETS;
use super::locations::STAGING;
use super::organization::SCOPES;
use super::random::SplitMix;
use super::roles::{Cast, DemoKey, Rotation};
use super::traffic::{created_at, deleted_at};
use super::{NOW, rotation};
use crate::domain::base::span::DAY_S;

/// Writes `inventory/<account>-<region>.json` for every account and Region.
pub(super) fn write(
    edition: Edition,
    calls: &[Call],
    put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let accessed = last_accessed(calls);
    let written = last_written(calls);
    for &(account, region, _) in SCOPES {
        let list = SecretList {
            secret_list: edition
                .indexed()
                .filter(|(_, cast)| cast.account == account && cast.region == region)
                .map(|(index, _)| entry(edition, index, accessed[index], written[index]))
                .collect(),
        };
        let mut text = Vec::new();
        let four_spaces = PrettyFormatter::with_indent(b"    ");
        list.serialize(&mut Serializer::with_formatter(&mut text, four_spaces))?;
        text.push(b'\n');
        put(&format!("inventory/{account}-{region}.json"), &text)?;
    }
    for (index, primary) in primaries() {
        let description = Description {
            arn: arn(index),
            name: primary.name,
            last_accessed_date: None::<()>,
            primary_region: primary.region,
            replication_status: replicas(primary),
        };
        let mut text = serde_json::to_vec_pretty(&description)?;
        text.push(b'\n');
        let name = primary.name.replace('/', "-");
        put(&format!("inventory/describe-{name}.json"), &text)?;
    }
    Ok(())
}

/// The secrets that have replicas, with their indexes. A list does not say where those stand.
fn primaries() -> impl Iterator<Item = (usize, &'static Cast)> {
    let all = SECRETS.iter().enumerate();
    all.filter(|(_, cast)| cast.primary == Some(cast.region))
}

fn replicas(primary: &Cast) -> Vec<ReplicationStatus> {
    SECRETS
        .iter()
        .filter(|cast| cast.account == primary.account && cast.name == primary.name)
        .filter(|cast| cast.region != primary.region)
        .map(|cast| ReplicationStatus {
            region: cast.region,
            status: "InSync",
        })
        .collect()
}

/// The part of `aws secretsmanager describe-secret` that a list does not have.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(rename = "ARN")]
    arn: &'static str,
    name: &'static str,
    last_accessed_date: Option<()>,
    primary_region: &'static str,
    replication_status: Vec<ReplicationStatus>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicationStatus {
    region: &'static str,
    status: &'static str,
}

/// The ARN of every secret, by its index in the table: most records name one.
static ARNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    SECRETS
        .iter()
        .map(|cast| format!("{}-{}", partial_arn(cast), suffix(cast, "suffix")))
        .collect()
});

/// The ARN of the secret at this index. Its suffix follows from account and name, so that replicas share it.
pub(super) fn arn(index: usize) -> &'static str {
    &ARNS[index]
}

/// The ARN of the secret that had this name before: the same but for the suffix.
pub(super) fn former_arn(cast: &Cast) -> String {
    format!("{}-{}", partial_arn(cast), suffix(cast, "former suffix"))
}

/// The ARN without its suffix.
pub(super) fn partial_arn(cast: &Cast) -> String {
    format!(
        "arn:aws:secretsmanager:{}:{}:secret:{}",
        cast.region, cast.account, cast.name
    )
}

fn suffix(cast: &Cast, purpose: &str) -> String {
    SplitMix::named(&format!("{purpose} {} {}", cast.account, cast.name)).letters(6)
}

/// The ARN of the customer's key in this account and Region.
pub(super) fn key_arn(account: &str, region: &str) -> String {
    let id = SplitMix::named(&format!("key {account} {region}")).uuid();
    format!("arn:aws:kms:{region}:{account}:key/{id}")
}

/// The id of the version that was current at this time, or of the one before it.
pub(super) fn version_id(cast: &Cast, time: i64, age: VersionAge) -> String {
    let rotations = match cast.rotation {
        Rotation::Function { every, last, .. }
        | Rotation::Failing { every, last, .. }
        | Rotation::Stuck { every, last, .. }
        | Rotation::Managed { every, last } => {
            let since = time - rotation::time(last);
            since.div_euclid(every * DAY_S).min(0)
        }
        Rotation::Unset | Rotation::Off { .. } => 0,
    };
    let number = match age {
        VersionAge::Current => rotations,
        VersionAge::Previous => rotations - 1,
        VersionAge::Pending => rotations + 1,
    };
    SplitMix::named(&format!("version {number} {} {}", cast.account, cast.name)).uuid()
}

/// A version, seen from a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionAge {
    Previous,
    Current,
    Pending,
}

/// The day of the last successful read of each secret in the trail, midnight UTC, as AWS keeps it.
fn last_accessed(calls: &[Call]) -> Vec<Option<i64>> {
    let mut accessed: Vec<Option<i64>> = SECRETS
        .iter()
        .map(|cast| cast.accessed.map(|days| NOW - days * DAY_S))
        .collect();
    for call in calls.iter().filter(|call| call.failure.is_none()) {
        if let Act::Get(target, _) = call.act
            && let Some(index) = target.index()
        {
            accessed[index] = accessed[index].max(Some(call.at - call.at.rem_euclid(DAY_S)));
        }
    }
    accessed
}

/// Returns when a value was last put into each secret in the trail.
fn last_written(calls: &[Call]) -> Vec<Option<i64>> {
    let mut written = vec![None; SECRETS.len()];
    for call in calls.iter().filter(|call| call.failure.is_none()) {
        if let Act::Put(target) = call.act
            && let Some(index) = target.index()
        {
            written[index] = written[index].max(Some(call.at));
        }
    }
    written
}

/// The names are those of the API.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecretList {
    secret_list: Vec<DemoSecret>,
}

/// One secret, its keys in the order of the API model, which is the order that the command prints.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DemoSecret {
    #[serde(rename = "ARN")]
    arn: &'static str,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_enabled: Option<bool>,
    #[serde(rename = "RotationLambdaARN", skip_serializing_if = "Option::is_none")]
    rotation_lambda_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_rules: Option<RotationRules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rotated_date: Option<String>,
    last_changed_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<String>,
    tags: Vec<DemoTag>,
    secret_versions_to_stages: BTreeMap<String, [&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owning_service: Option<&'static str>,
    created_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_region: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RotationRules {
    automatically_after_days: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DemoTag {
    key: &'static str,
    value: Cow<'static, str>,
}

/// `accessed`, `written`: the day of the last read, and when a value was last put, as the trail has it.
fn entry(
    edition: Edition,
    index: usize,
    accessed: Option<i64>,
    written: Option<i64>,
) -> DemoSecret {
    let cast = &SECRETS[index];
    let date = |seconds, millisecond| printed(edition, cast.account, seconds, millisecond);
    let created = created_at(index);
    let last_rotated = rotation::succeeded(cast).first().copied();
    let changed = [
        Some(created),
        last_rotated.map(|at| at + 18),
        cast.deleted.map(deleted_at),
        written,
    ]
    .into_iter()
    .flatten()
    .fold(created, i64::max);
    let (enabled, function, every) = match cast.rotation {
        Rotation::Unset => (None, None, None),
        Rotation::Function {
            function, every, ..
        }
        | Rotation::Failing {
            function, every, ..
        }
        | Rotation::Stuck {
            function, every, ..
        } => (Some(true), Some(function_arn(cast, function)), Some(every)),
        Rotation::Managed { every, .. } => (Some(true), None, Some(every)),
        Rotation::Off { .. } => (Some(false), None, None),
    };
    let next = every.and_then(|every| last_rotated.map(|at| at + every * DAY_S));
    let millisecond = SplitMix::named(cast.name).below(1_000);
    DemoSecret {
        arn: arn(index),
        name: cast.name,
        description: cast.description,
        kms_key_id: (cast.key == DemoKey::Customer).then(|| key_arn(cast.account, cast.region)),
        rotation_enabled: enabled,
        rotation_lambda_arn: function,
        rotation_rules: every.map(|days| RotationRules {
            automatically_after_days: days,
        }),
        last_rotated_date: last_rotated.map(|at| date(at + 18, 402)),
        last_changed_date: date(changed, millisecond),
        last_accessed_date: accessed.map(|at| date(at, 0)),
        deleted_date: cast.deleted.map(|days| date(deleted_at(days), 871)),
        next_rotation_date: next.map(|at| date(at - at.rem_euclid(DAY_S) + DAY_S - 1, 0)),
        tags: tags(edition, cast),
        secret_versions_to_stages: stages(cast),
        owning_service: cast.service,
        created_date: date(created, millisecond),
        primary_region: cast.primary,
    }
}

fn tags(edition: Edition, cast: &Cast) -> Vec<DemoTag> {
    let environment = if cast.account == STAGING {
        "staging"
    } else {
        "production"
    };
    let own = cast.service.is_none().then_some(("env", environment));
    let kept_until = cast.kept_until.map(|days| {
        let day = edition.day(days).to_string();
        ("keep-until", day.into())
    });
    cast.owner
        .into_iter()
        .chain(own)
        .chain(
            cast.tags
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        )
        .map(|(key, value)| (key, value.into()))
        .chain(kept_until)
        .map(|(key, value)| DemoTag { key, value })
        .collect()
}

fn stages(cast: &Cast) -> BTreeMap<String, [&'static str; 1]> {
    let version = |age| version_id(cast, NOW, age);
    let mut stages = BTreeMap::from([(version(VersionAge::Current), ["AWSCURRENT"])]);
    if !matches!(cast.rotation, Rotation::Unset | Rotation::Off { .. }) {
        stages.insert(version(VersionAge::Previous), ["AWSPREVIOUS"]);
    }
    if matches!(
        cast.rotation,
        Rotation::Failing { .. } | Rotation::Stuck { .. }
    ) {
        stages.insert(version(VersionAge::Pending), ["AWSPENDING"]);
    }
    stages
}

/// The ARN of a rotation function in the secret's account and Region.
pub(super) fn function_arn(cast: &Cast, function: &str) -> String {
    format!(
        "arn:aws:lambda:{}:{}:function:{function}",
        cast.region, cast.account
    )
}

/// A date as the AWS CLI prints it: with an offset, and with six digits of a second unless they are zero.
fn printed(edition: Edition, account: &str, seconds: i64, millisecond: u32) -> String {
    let hours = if account == STAGING { 2 } else { 0 };
    let local = Offset::constant(hours).to_datetime(edition.at(seconds));
    let fraction = if millisecond == 0 {
        String::new()
    } else {
        format!(".{millisecond:03}000")
    };
    format!(
        "{}T{:02}:{:02}:{:02}{fraction}+{hours:02}:00",
        local.date(),
        local.hour(),
        local.minute(),
        local.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::locations::{PRODUCTION, STAGING};

    #[test]
    fn dates_are_printed_with_the_offset_of_the_account() {
        let edition = Edition::of_day("2028-02-29T12:00:00Z".parse().unwrap());
        let printed = |account, millisecond| printed(edition, account, NOW, millisecond);
        assert_eq!(printed(PRODUCTION, 0), "2028-02-29T00:00:00+00:00");
        assert_eq!(printed(STAGING, 7), "2028-02-29T02:00:00.007000+02:00");
    }

    #[test]
    fn replicas_share_the_suffix_of_their_primary() {
        for (index, replica) in SECRETS.iter().enumerate() {
            let Some(primary_region) = replica.primary.filter(|&region| region != replica.region)
            else {
                continue;
            };
            let primary = SECRETS.iter().position(|cast| {
                cast.account == replica.account
                    && cast.name == replica.name
                    && cast.region == primary_region
            });
            let expected = arn(index).replace(replica.region, primary_region);
            assert_eq!(primary.map(arn), Some(expected.as_str()));
        }
    }

    #[test]
    fn reads_in_the_trail_move_the_day_of_the_last_access() {
        let edition = Edition::of_day(jiff::Timestamp::UNIX_EPOCH);
        let accessed = last_accessed(&super::super::traffic::calls(edition));
        let days_ago = |name: &str| {
            let index = SECRETS.iter().position(|cast| cast.name == name).unwrap();
            accessed[index].map(|at| (NOW - at) / DAY_S)
        };
        // A day is its midnight: what was read on the last day was accessed one day before the end of it.
        assert_eq!(days_ago("orders/postgres/app"), Some(1));
        assert_eq!(days_ago("payments/adyen/hmac"), Some(3), "by its rotation");
        assert_eq!(
            days_ago("identity/oidc/signing-key"),
            Some(150),
            "only described"
        );
        assert_eq!(days_ago("hr/payroll/sftp"), Some(135), "refused");
        assert_eq!(
            days_ago("search/indexer/token"),
            None,
            "its predecessor was"
        );
        assert_eq!(days_ago("loadtest/k6/token"), Some(88));
    }
}
