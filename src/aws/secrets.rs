//! Secrets Manager: reading the inventory.
//!
//! A scan lists 100 secrets a request and asks for a single secret only if it is a primary with replicas, which lists
//! leave out: 10,000 secrets without replicas are 100 requests. What is read before a failure is kept, and the rest is
//! a gap.
//!
//! No function here could return a secret's value.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{
    ReplicationStatusType, RotationRulesType, SecretListEntry, Tag,
};
use aws_smithy_types::DateTime;
use futures_util::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;

use super::gate::ActionGuard;
use super::{AwsSession, fault, locked, snapshot};
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::names::{Region, Scope, SecretArn};
use crate::domain::inventory::secret::{Replica, RotationSchedule, Secret, day_of, has_pending};
use crate::domain::inventory::tags::Tags;
use crate::ports::{BlobStore, Fault, ProgressEvent, ProgressSink};

/// The actions of AWS that reading calls.
pub const ACTIONS: &[&str] = &[
    "secretsmanager:ListSecrets",
    "secretsmanager:DescribeSecret",
];

/// Secrets on a page: the most that AWS gives.
pub(super) const PAGE: i32 = 100;

/// The inventory of one account and Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The account and Region.
    pub scope: Scope,
    /// The secrets, as far as they were read; in AWS's order.
    pub secrets: Vec<Secret>,
    /// Nothing is missing from the list. A replica's state may be: that is in `gaps`.
    pub complete: bool,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
}

/// Lists the secrets of all scopes side by side, pending deletions included. The order is that of `scopes`.
///
/// With a shelf, what AWS answered is kept there as `aws secretsmanager list-secrets` and `describe-secret` print it.
pub async fn inventory(
    session: &AwsSession,
    scopes: &[Scope],
    notes: &dyn ProgressSink,
    save: Option<&dyn BlobStore>,
) -> Vec<Inventory> {
    let at_once = session.gate.patience().at_once.max(1);
    stream::iter(scopes)
        .map(|scope| read_scope(session, scope, notes, save).boxed())
        .buffered(at_once)
        .collect()
        .await
}

async fn read_scope(
    session: &AwsSession,
    scope: &Scope,
    notes: &dyn ProgressSink,
    save: Option<&dyn BlobStore>,
) -> Inventory {
    let mut read = Inventory {
        scope: scope.clone(),
        secrets: Vec::new(),
        complete: false,
        gaps: Vec::new(),
    };
    match list(session, &mut read, notes, save).await {
        Ok(()) => read.complete = true,
        Err(fault) => {
            let what = match read.secrets.len() {
                0 => "all secrets".to_owned(),
                some => format!("secrets after the first {some}"),
            };
            let mut gap = fault::gap(scope, "secretsmanager:ListSecrets", &what, &fault);
            if matches!(fault, Fault::Credentials(_)) && read.secrets.is_empty() {
                gap.why.push_str(
                    "; if other Regions can be read, this one is not enabled for the account",
                );
            }
            read.gaps.push(gap);
        }
    }
    notes.note(ProgressEvent::Inventory {
        scope: scope.clone(),
        secrets: read.secrets.len(),
        done: true,
    });
    read
}

async fn list(
    session: &AwsSession,
    read: &mut Inventory,
    notes: &dyn ProgressSink,
    save: Option<&dyn BlobStore>,
) -> Result<(), Fault> {
    let scope = read.scope.clone();
    let client = client(session, &scope)?;
    let mut token: Option<String> = None;
    for number in 1_u32.. {
        let page = session
            .gate
            .ask("secretsmanager:ListSecrets", || {
                client
                    .list_secrets()
                    .include_planned_deletion(true)
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        let entries = page.secret_list();
        if let Some(store) = save {
            let name = snapshot::inventory_name(&scope, number);
            keep(store, &name, &snapshot::list(entries), read);
        }
        let begin = read.secrets.len();
        for entry in entries {
            match secret_of(entry, &scope) {
                Ok(secret) => read.secrets.push(secret),
                Err(why) => read.gaps.push(unreadable(&scope, entry.arn(), why)),
            }
        }
        describe_primaries(session, &client, read, begin, save).await;
        notes.note(ProgressEvent::Inventory {
            scope: scope.clone(),
            secrets: read.secrets.len(),
            done: false,
        });
        // An empty page with a token is not the end (AWS API reference, ListSecrets).
        let next = page.next_token;
        if next.is_none() {
            break;
        }
        if next == token {
            return Err(same_token());
        }
        token = next;
    }
    Ok(())
}

/// A listing that would never end: its next page is this one.
pub(super) fn same_token() -> Fault {
    Fault::Refused {
        code: "SameToken".to_owned(),
        message: "the next page has the token of this one".to_owned(),
    }
}

/// Asks for the replicas of the primaries from this index on, which are those of the page that was read last: lists do
/// not have them.
async fn describe_primaries(
    session: &AwsSession,
    client: &Client,
    read: &mut Inventory,
    begin: usize,
    save: Option<&dyn BlobStore>,
) {
    let primaries: Vec<(usize, SecretArn)> = (begin..read.secrets.len())
        .filter(|&index| read.secrets[index].primary_region.is_some())
        .filter(|&index| !read.secrets[index].is_replica())
        .map(|index| (index, read.secrets[index].arn.clone()))
        .collect();
    let requests: Vec<_> = primaries
        .iter()
        .map(|(_, arn)| describe(session, client, arn).boxed())
        .collect();
    let answers: Vec<_> = stream::iter(requests).buffered(8).collect().await;
    for ((index, arn), answer) in primaries.into_iter().zip(answers) {
        match answer.and_then(|answer| described(&answer).map(|secret| (answer, secret))) {
            Ok((answer, secret)) => {
                if let Some(store) = save {
                    keep(
                        store,
                        &snapshot::describe_name(&arn),
                        &snapshot::describe(&answer),
                        read,
                    );
                }
                let listed = std::mem::replace(&mut read.secrets[index], Secret::new(arn));
                read.secrets[index] = listed.merged(secret);
            }
            Err(fault) => read.gaps.push(fault::gap(
                arn.scope(),
                "secretsmanager:DescribeSecret",
                &format!("the replicas of `{}`", arn.name()),
                &fault,
            )),
        }
    }
}

fn keep(store: &dyn BlobStore, name: &str, bytes: &[u8], read: &mut Inventory) {
    let unsaved = unsaved(store, name, bytes, &read.scope);
    read.gaps.extend(unsaved);
}

/// Puts bytes on the shelf; the gap, if that failed.
pub(super) fn unsaved(
    store: &dyn BlobStore,
    name: &str,
    bytes: &[u8],
    scope: &Scope,
) -> Option<Gap> {
    let error = store.put(name, bytes).err()?;
    let what = format!("`{name}` could not be saved");
    Some(Gap::new(
        GapSource::Save,
        Some(scope),
        what,
        error.to_string(),
    ))
}

fn unreadable(scope: &Scope, arn: Option<&str>, why: String) -> Gap {
    let what = format!("the secret `{}`", arn.unwrap_or("without an ARN"));
    Gap::new("secretsmanager:ListSecrets", Some(scope), what, why)
}

pub(super) fn client(session: &AwsSession, scope: &Scope) -> Result<Client, Fault> {
    if let Some(client) = locked(&session.vaults).get(scope) {
        return Ok(client.clone());
    }
    let settings = aws_sdk_secretsmanager::config::Builder::from(&session.in_scope(scope)?)
        .interceptor(ActionGuard(Arc::clone(&session.gate)))
        .build();
    let client = Client::from_conf(settings);
    locked(&session.vaults).insert(scope.clone(), client.clone());
    Ok(client)
}

async fn describe(
    session: &AwsSession,
    client: &Client,
    arn: &SecretArn,
) -> Result<DescribeSecretOutput, Fault> {
    session
        .gate
        .ask("secretsmanager:DescribeSecret", || {
            client.describe_secret().secret_id(arn.as_str()).send()
        })
        .await
}

/// The moment that AWS gave; one that no calendar holds is unknown.
pub(super) fn moment(time: Option<&DateTime>) -> Option<Timestamp> {
    let time = time?;
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanoseconds).ok()
}

pub(super) fn day(time: Option<&DateTime>) -> Option<Date> {
    moment(time).map(day_of)
}

fn region(name: Option<&str>) -> Option<Region> {
    Region::new(name?).ok()
}

fn tags(tags: &[Tag]) -> Tags {
    let pairs = tags.iter().filter_map(|tag| {
        let value = tag.value().unwrap_or_default();
        Some((tag.key()?.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

fn secret_of(entry: &SecretListEntry, scope: &Scope) -> Result<Secret, String> {
    let arn = SecretArn::new(entry.arn().unwrap_or_default())
        .map_err(|error| error.to_string())?
        .sharing(scope);
    let name = entry.name().unwrap_or_else(|| arn.name()).to_owned();
    Ok(Secret {
        name,
        description: entry.description().map(str::to_owned),
        kms_key: entry.kms_key_id().map(str::to_owned),
        created: moment(entry.created_date()),
        last_changed: moment(entry.last_changed_date()),
        last_accessed: day(entry.last_accessed_date()),
        access_is_known: true,
        dependents: Vec::new(),
        last_rotated: moment(entry.last_rotated_date()),
        next_rotation: moment(entry.next_rotation_date()),
        rotation_enabled: entry.rotation_enabled(),
        rotation_lambda: entry.rotation_lambda_arn().map(str::to_owned),
        rotation_rules: entry.rotation_rules().map(rules),
        has_pending_version: entry.secret_versions_to_stages().and_then(pending),
        deleted: moment(entry.deleted_date()),
        owning_service: entry.owning_service().map(str::to_owned),
        primary_region: region(entry.primary_region()),
        tags: tags(entry.tags()),
        replicas: None,
        current: None,
        arn,
    })
}

pub(super) fn described(answer: &DescribeSecretOutput) -> Result<Secret, Fault> {
    let arn = SecretArn::new(answer.arn().unwrap_or_default())
        .map_err(|error| Fault::Unreachable(error.to_string()))?;
    let name = answer.name().unwrap_or_else(|| arn.name()).to_owned();
    Ok(Secret {
        name,
        description: answer.description().map(str::to_owned),
        kms_key: answer.kms_key_id().map(str::to_owned),
        created: moment(answer.created_date()),
        last_changed: moment(answer.last_changed_date()),
        last_accessed: day(answer.last_accessed_date()),
        access_is_known: true,
        dependents: Vec::new(),
        last_rotated: moment(answer.last_rotated_date()),
        next_rotation: moment(answer.next_rotation_date()),
        rotation_enabled: answer.rotation_enabled(),
        rotation_lambda: answer.rotation_lambda_arn().map(str::to_owned),
        rotation_rules: answer.rotation_rules().map(rules),
        has_pending_version: answer.version_ids_to_stages().and_then(pending),
        deleted: moment(answer.deleted_date()),
        owning_service: answer.owning_service().map(str::to_owned),
        primary_region: region(answer.primary_region()),
        tags: tags(answer.tags()),
        replicas: Some(
            answer
                .replication_status()
                .iter()
                .filter_map(replica)
                .collect(),
        ),
        current: None,
        arn,
    })
}

fn rules(rules: &RotationRulesType) -> RotationSchedule {
    RotationSchedule {
        after_days: rules.automatically_after_days(),
        schedule: rules.schedule_expression().map(str::to_owned),
    }
}

fn pending(versions: &HashMap<String, Vec<String>>) -> Option<bool> {
    has_pending(
        versions
            .values()
            .map(|it| it.iter().map(String::as_str).collect()),
    )
}

fn replica(status: &ReplicationStatusType) -> Option<Replica> {
    Some(Replica {
        region: region(status.region())?,
        kms_key: status.kms_key_id().map(str::to_owned),
        status: status.status().map(|status| status.as_str().to_owned()),
        last_accessed: day(status.last_accessed_date()),
    })
}
