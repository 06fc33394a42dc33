//! The current versions of rotated secrets: asked for only where judging cannot do without, because each is a request of
//! its own and AWS allows fifty a second.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::SecretVersionsListEntry;
use futures_util::{FutureExt, StreamExt, stream};

use super::secrets::{PAGE, client, day, moment, same_token, unsaved};
use super::{AwsSession, fault, snapshot};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::counted;
use crate::domain::base::names::{Scope, SecretArn};
use crate::domain::inventory::secret::CurrentVersion;
use crate::ports::{BlobStore, Fault, ProgressEvent, ProgressSink};

/// The actions of AWS that this adapter calls.
pub const ACTIONS: &[&str] = &["secretsmanager:ListSecretVersionIds"];

/// The current versions of some secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentVersions {
    /// The current version by ARN; nothing for a secret that has none.
    pub current: BTreeMap<SecretArn, CurrentVersion>,
    /// The parts that could not be read: one gap an account and Region.
    pub gaps: Vec<Gap>,
}

/// Asks for the current versions of these secrets, one request each.
///
/// With a shelf, what AWS answered is kept there as `aws secretsmanager list-secret-version-ids` prints it.
pub async fn current(
    session: &AwsSession,
    secrets: &[SecretArn],
    save: Option<&dyn BlobStore>,
    notes: &dyn ProgressSink,
) -> CurrentVersions {
    if secrets.is_empty() {
        return CurrentVersions::default();
    }
    let of = secrets.len();
    let report_progress = |done| notes.note(ProgressEvent::Versions { done, of });
    let at_once = session.gate.patience().at_once.clamp(1, 8);
    let mut asking = stream::iter(secrets)
        .map(|arn| versions_of(session, arn).boxed())
        .buffered(at_once);
    let mut answers = Vec::new();
    report_progress(0);
    while let Some(answer) = asking.next().await {
        answers.push(answer);
        report_progress(answers.len());
    }
    let mut found = CurrentVersions::default();
    let mut failed: BTreeMap<Scope, (u64, Fault)> = BTreeMap::new();
    for (arn, answer) in secrets.iter().zip(answers) {
        let entries = match answer {
            Ok(entries) => entries,
            Err(fault) => {
                failed.entry(arn.scope().clone()).or_insert((0, fault)).0 += 1;
                continue;
            }
        };
        if let Some(store) = save {
            let name = snapshot::versions_name(arn);
            let bytes = snapshot::versions(arn, &entries);
            found
                .gaps
                .extend(unsaved(store, &name, &bytes, arn.scope()));
        }
        let current = entries
            .iter()
            .find(|version| version.version_stages().iter().any(|s| s == "AWSCURRENT"));
        if let Some(version) = current {
            found.current.insert(
                arn.clone(),
                CurrentVersion {
                    created: moment(version.created_date()),
                    last_accessed: day(version.last_accessed_date()),
                },
            );
        }
    }
    found
        .gaps
        .extend(failed.into_iter().map(|(scope, (count, fault))| {
            let what = format!(
                "who fetched the current version of {}: their last access may be their rotation's",
                counted(count, "rotated secret", "rotated secrets")
            );
            fault::gap(&scope, "secretsmanager:ListSecretVersionIds", &what, &fault)
        }));
    found
}

/// The versions of a secret that carry a label.
async fn versions_of(
    session: &AwsSession,
    arn: &SecretArn,
) -> Result<Vec<SecretVersionsListEntry>, Fault> {
    let client = client(session, arn.scope())?;
    let mut versions = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = session
            .gate
            .ask("secretsmanager:ListSecretVersionIds", || {
                client
                    .list_secret_version_ids()
                    .secret_id(arn.as_str())
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        versions.extend(page.versions.unwrap_or_default());
        let next = page.next_token;
        if next.is_none() {
            return Ok(versions);
        }
        if next == token {
            return Err(same_token());
        }
        token = next;
    }
}
