//! Where in a bucket the log files are.
//!
//! The folders are walked only as deep as AWS's layout says (`AWSLogs/[o-id/]account/CloudTrail/region/`), and below
//! that only the wanted days are listed: one listing that begins with the first day and ends behind the last. A prefix
//! that is not in this layout is listed whole, and each key is judged by itself.

use std::sync::atomic::Ordering;

use futures_util::{FutureExt, StreamExt, stream};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Sender;

use super::{ACTIONS, Bucket, Counts, gap, scope_of};
use crate::domain::base::gap::Gap;
use crate::domain::base::money::counted;
use crate::domain::base::names::{AccountId, Scope};
use crate::domain::trail::layout::{self, LogFileKind};
use crate::ports::{Fault, LogObject};

/// The number of folders that are looked into for `AWSLogs`, those near the top first. A prefix without any counts as
/// not in AWS's layout.
const LOOK: usize = 100;

/// A folder whose log files are wanted.
pub(super) struct Branch {
    /// Ends in `/`, or is empty.
    prefix: String,
    /// The account and Region that the folders name; `None`: not in AWS's layout.
    scope: Option<Scope>,
}

impl Branch {
    /// Returns whether the folder lies in AWS's layout.
    pub(super) fn in_layout(&self) -> bool {
        self.scope.is_some()
    }
}

/// The branches and gaps that the walk found.
#[derive(Default)]
pub(super) struct BucketListing {
    pub(super) branches: Vec<Branch>,
    pub(super) gaps: Vec<Gap>,
}

/// A log file.
pub(super) struct Object {
    pub(super) log: LogObject,
    pub(super) scope: Option<Scope>,
}

/// Finds the folders whose log files are wanted.
pub(super) async fn branches(bucket: &Bucket<'_>) -> BucketListing {
    let mut found = BucketListing::default();
    for root in roots(bucket, &mut found).await {
        descend(bucket, root, &mut found).await;
    }
    found
}

/// The folders in AWS's layout at or below the prefix: each ends in `AWSLogs/` or lies below one. Trails may lie side by
/// side, so finding one does not end the search; the limit does, and then the folders left out are a gap.
async fn roots(bucket: &Bucket<'_>, found: &mut BucketListing) -> Vec<String> {
    let prefix = bucket.location.prefix.clone();
    if below_logs(&prefix).is_some() {
        return vec![prefix];
    }
    let at_once = bucket.session.gate.patience().at_once.max(1);
    let (mut roots, mut closed) = (Vec::new(), Vec::new());
    let (mut left, mut level) = (LOOK, vec![prefix.clone()]);
    while left > 0 && !level.is_empty() {
        let later = level.split_off(level.len().min(left));
        left -= level.len();
        let looks: Vec<_> = level
            .into_iter()
            .map(|folder| async move { (folders(bucket, &folder).await, folder) }.boxed())
            .collect();
        let mut looks = stream::iter(looks).buffered(at_once);
        level = later;
        while let Some((inside, folder)) = looks.next().await {
            match inside {
                Ok(children) => {
                    let logs = format!("{folder}AWSLogs/");
                    let (here, below): (Vec<String>, Vec<String>) =
                        children.into_iter().partition(|child| *child == logs);
                    roots.extend(here);
                    level.extend(below);
                }
                Err(fault) => closed.push((folder, fault)),
            }
        }
    }
    if roots.is_empty() && closed.iter().all(|(folder, _)| *folder != prefix) {
        // One listing shows everything, and says by itself what it does not show.
        found.branches.push(Branch {
            prefix,
            scope: None,
        });
        return roots;
    }
    let denials = closed.iter();
    let denials = denials.map(|(folder, fault)| denied(bucket, None, folder, fault));
    found.gaps.extend(denials);
    if !level.is_empty() {
        found.gaps.push(unsearched_gap(bucket, &level));
    }
    roots
}

/// The folders that were not searched for trails: the first and the last of them.
fn unsearched_gap(bucket: &Bucket<'_>, folders: &[String]) -> Gap {
    let address = |folder: &String| format!("s3://{}/{folder}", bucket.location.bucket);
    let what = match folders {
        [only] => format!("trails below {}", address(only)),
        [first, .., last] => format!(
            "trails below {} and {}, the last of them {}",
            address(first),
            counted(folders.len() as u64 - 1, "more folder", "more folders"),
            address(last)
        ),
        [] => String::new(),
    };
    let why = format!(
        "only {LOOK} folders are searched for `AWSLogs`; name the one that holds it: `--trail s3://bucket/folder`"
    );
    gap(None, what, why)
}

/// The folders of a path below its last `AWSLogs`.
fn below_logs(prefix: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
    let index = parts.iter().rposition(|part| *part == "AWSLogs")?;
    Some(parts[index + 1..].to_vec())
}

/// Walks from a folder in AWS's layout down to the Regions.
async fn descend(bucket: &Bucket<'_>, root: String, found: &mut BucketListing) {
    let mut open = vec![root];
    while !open.is_empty() {
        let steps: Vec<_> = std::mem::take(&mut open)
            .into_iter()
            .map(|prefix| step(bucket, prefix).boxed())
            .collect();
        let at_once = bucket.session.gate.patience().at_once.max(1);
        let mut steps = stream::iter(steps).buffered(at_once);
        while let Some(step) = steps.next().await {
            match step {
                LayoutStep::Branch(branch) => found.branches.push(branch),
                LayoutStep::Down(folders) => open.extend(folders),
                LayoutStep::Gap(gap) => found.gaps.push(gap),
            }
        }
    }
}

/// The branch, folders or gap that a folder in AWS's layout leads to.
enum LayoutStep {
    Branch(Branch),
    Down(Vec<String>),
    Gap(Gap),
}

async fn step(bucket: &Bucket<'_>, prefix: String) -> LayoutStep {
    let parts = below_logs(&prefix).unwrap_or_default();
    let own = match parts.as_slice() {
        [organization, rest @ ..] if organization.starts_with("o-") => rest,
        parts => parts,
    };
    match own {
        // An account: its folder of log files has a fixed name, beside those of digests and of other services.
        [_] => LayoutStep::Down(vec![format!("{prefix}CloudTrail/")]),
        [account, "CloudTrail", region] => match scope_of(account, region) {
            Some(scope) if wants(bucket, &scope) => LayoutStep::Branch(Branch {
                prefix,
                scope: Some(scope),
            }),
            _ => LayoutStep::Down(Vec::new()),
        },
        // Within a Region the prefix names days already.
        [account, "CloudTrail", region, ..] => LayoutStep::Branch(Branch {
            scope: scope_of(account, region),
            prefix: prefix.clone(),
        }),
        [] | [_, "CloudTrail"] => match folders(bucket, &prefix).await {
            Ok(children) => {
                LayoutStep::Down(children.into_iter().filter(|child| leads(child)).collect())
            }
            Err(fault) => LayoutStep::Gap(denied(bucket, account_in(own), &prefix, &fault)),
        },
        // Digests, insights, other services.
        _ => LayoutStep::Down(Vec::new()),
    }
}

fn account_in(parts: &[&str]) -> Option<AccountId> {
    parts.first().and_then(|text| AccountId::new(text).ok())
}

/// Returns whether a folder leads on to log files: an organization, an account, or a Region below an account.
fn leads(folder: &str) -> bool {
    match below_logs(folder).unwrap_or_default().as_slice() {
        [one] => one.starts_with("o-") || AccountId::new(one).is_ok(),
        [.., account] if AccountId::new(account).is_ok() => true,
        [.., "CloudTrail", _] => true,
        _ => false,
    }
}

fn wants(bucket: &Bucket<'_>, scope: &Scope) -> bool {
    bucket.ask.regions.is_empty() || bucket.ask.regions.contains(&scope.region)
}

fn denied(bucket: &Bucket<'_>, account: Option<AccountId>, folder: &str, fault: &Fault) -> Gap {
    let what = format!("everything below s3://{}/{folder}", bucket.location.bucket);
    Gap {
        account,
        ..gap(None, what, bucket.why(fault))
    }
}

/// The folders directly in a folder.
async fn folders(bucket: &Bucket<'_>, prefix: &str) -> Result<Vec<String>, Fault> {
    let client = &bucket.client;
    let mut folders = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = bucket
            .session
            .gate
            .ask(ACTIONS[0], || {
                client
                    .list_objects_v2()
                    .bucket(&bucket.location.bucket)
                    .prefix(prefix)
                    .delimiter("/")
                    .set_request_payer(bucket.payer())
                    .set_continuation_token(token.clone())
                    .send()
            })
            .await?;
        let names = page.common_prefixes.unwrap_or_default();
        folders.extend(names.into_iter().filter_map(|folder| folder.prefix));
        token = page.next_continuation_token;
        if token.is_none() {
            return Ok(folders);
        }
    }
}

/// Lists a branch and sends on the log files that can hold events of the span.
pub(super) async fn list(
    bucket: &Bucket<'_>,
    branch: &Branch,
    send: &Sender<Object>,
    counts: &Counts,
) -> Vec<Gap> {
    match pages(bucket, branch, send, counts).await {
        Ok(()) => Vec::new(),
        Err(fault) => {
            let what = format!(
                "the list of log files in s3://{}/{}",
                bucket.location.bucket, branch.prefix
            );
            vec![gap(branch.scope.as_ref(), what, bucket.why(&fault))]
        }
    }
}

async fn pages(
    bucket: &Bucket<'_>,
    branch: &Branch,
    send: &Sender<Object>,
    counts: &Counts,
) -> Result<(), Fault> {
    let client = &bucket.client;
    let days = DayKeys::of(bucket, branch);
    let mut token: Option<String> = None;
    loop {
        let page = bucket
            .session
            .gate
            .ask(ACTIONS[0], || {
                let start = days.as_ref().map(|days| days.first.clone());
                client
                    .list_objects_v2()
                    .bucket(&bucket.location.bucket)
                    .prefix(&branch.prefix)
                    // A token says by itself where to go on.
                    .set_start_after(start.filter(|_| token.is_none()))
                    .set_request_payer(bucket.payer())
                    .set_continuation_token(token.clone())
                    .send()
            })
            .await?;
        for object in page.contents.unwrap_or_default() {
            let Some(key) = object.key else { continue };
            if days.as_ref().is_some_and(|days| key > days.behind) {
                return Ok(());
            }
            if !is_wanted(bucket, &key) {
                counts.skipped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            counts.listed.fetch_add(1, Ordering::Relaxed);
            let wanted = Object {
                scope: branch.scope.clone().or_else(|| scope_in(&key)),
                log: LogObject {
                    bucket: bucket.location.bucket.clone(),
                    key,
                    size: object
                        .size
                        .and_then(|size| u64::try_from(size).ok())
                        .unwrap_or(0),
                    etag: object.e_tag.unwrap_or_default(),
                },
            };
            if send.send(wanted).await.is_err() {
                return Ok(());
            }
        }
        token = page.next_continuation_token;
        if token.is_none() {
            return Ok(());
        }
    }
}

/// Returns whether a key is a log file that can hold events of the span. Outside AWS's layout the ending decides, and
/// the content later.
fn is_wanted(bucket: &Bucket<'_>, key: &str) -> bool {
    let span = &bucket.ask.span;
    let (from, to) = (span.from.as_second(), span.to.as_second());
    if layout::other_service(key).is_some() {
        return false;
    }
    let Some(file) = layout::trail_file(key) else {
        return [".json.gz", ".json", ".gz"]
            .iter()
            .any(|end| key.ends_with(end));
    };
    let asked = scope_of(file.account, file.region).is_none_or(|scope| wants(bucket, &scope));
    file.kind == LogFileKind::Log && file.may_hold(from, to) && asked
}

fn scope_in(key: &str) -> Option<Scope> {
    let file = layout::trail_file(key)?;
    scope_of(file.account, file.region)
}

/// Keys between which the wanted days of a Region lie. The folders tell the day of delivery, so one day follows the
/// span.
struct DayKeys {
    first: String,
    behind: String,
}

impl DayKeys {
    fn of(bucket: &Bucket<'_>, branch: &Branch) -> Option<Self> {
        let ends_in_region = matches!(
            below_logs(&branch.prefix)?.as_slice(),
            [.., "CloudTrail", _]
        );
        let span = &bucket.ask.span;
        let last = span.to.checked_add(SignedDuration::from_hours(24)).ok()?;
        ends_in_region.then(|| Self {
            first: format!("{}{}", branch.prefix, folder(span.from)),
            // Sorts behind every key in the folder of that day.
            behind: format!("{}{}/\u{10ffff}", branch.prefix, folder(last)),
        })
    }
}

fn folder(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y/%m/%d")
        .to_string()
}
