//! A trail's bucket on S3 as a source of events.
//!
//! [`read`] finds where in the bucket AWS delivers to (a trail of one account, of an organization, below any prefix),
//! lists the days that can hold events of the span, and fetches the log files side by side: digests and insights are
//! passed over, and so are Regions that nobody asked for. What a file holds is the [`Feed`]'s business.
//!
//! Nothing is asserted as covered: a bucket cannot tell whether the trail logged all the time. A prefix that may not be
//! listed, and an object that is missing, damaged or cut short after several attempts, is a gap.

pub mod copy;
mod fetch;
mod find;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::types::RequestPayer;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::region::Region as SdkRegion;
use aws_types::service_config::ServiceConfigKey;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::{Semaphore, mpsc};

use super::AwsSession;
use super::gate::ActionGuard;
use crate::domain::base::gap::{Gap, GapSource};
use crate::domain::base::money::{counted, thousands};
use crate::domain::base::names::{AccountId, Region, Scope};
use crate::domain::base::span::Span;
use crate::domain::trail::layout;
use crate::domain::trail::unread::Unread;
use crate::ports::{Fault, Feed, ProgressEvent, ProgressSink};

/// The actions of AWS that this adapter calls. A bucket encrypted with a customer-managed key needs `kms:Decrypt` on it
/// besides.
pub const ACTIONS: &[&str] = &["s3:ListBucket", "s3:GetObject"];

/// Bytes of objects that may be in memory at once, if nothing else is asked for.
pub const IN_FLIGHT: usize = 32 << 20;

/// Objects that are fetched side by side for each permit of the gate, so that parsing does not leave a permit unused.
const AHEAD: usize = 2;

/// A bucket and where in it to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The bucket's name.
    pub bucket: String,
    /// The prefix: empty, or ending in `/`.
    pub prefix: String,
}

impl FromStr for Location {
    type Err = String;

    /// Reads `s3://bucket/prefix`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a place in S3 such as `s3://bucket/prefix`");
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(fits) {
            return Err(wrong());
        }
        let prefix = prefix.trim_matches('/');
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: match prefix {
                "" => String::new(),
                some => format!("{some}/"),
            },
        })
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// The payer of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayerOfRequests {
    /// The bucket's owner, as usual.
    #[default]
    Owner,
    /// We do (`--request-payer`): a requester-pays bucket refuses anybody who does not say so.
    Requester,
}

impl PayerOfRequests {
    /// Returns who pays, by `--request-payer`.
    pub fn requester_if(given: bool) -> Self {
        if given { Self::Requester } else { Self::Owner }
    }
}

/// A request to read, with its limits.
#[derive(Clone, Debug)]
pub struct BucketRequest {
    /// The span whose events are wanted.
    pub span: Span,
    /// Only the logs of these Regions; empty: all that are there. Always of every account: who asks for a secret from
    /// another account has the call logged there.
    pub regions: Vec<Region>,
    /// The payer of the requests.
    pub payer: PayerOfRequests,
    /// Bytes of objects that may be in memory at once; [`IN_FLIGHT`] is a good value.
    pub in_flight: usize,
}

/// The result of reading a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketRead {
    /// Accounts and Regions in AWS's layout that were read.
    pub branches: u64,
    /// Log files that were handed on.
    pub objects: u64,
    /// Their bytes, as stored.
    pub bytes: u64,
    /// Digests, insights and files of other days that the listings showed.
    pub skipped: u64,
    /// The parts that were not read.
    pub gaps: Vec<Gap>,
    /// The time of which it may have held records.
    pub unread: BTreeSet<Unread>,
}

impl BucketRead {
    /// Returns what was read, as a sentence: it tells a wrong prefix from a quiet trail.
    pub fn sentence(&self, location: &Location) -> String {
        let whose = match self.branches {
            0 => String::new(),
            some => format!(
                " of {}",
                counted(some, "account and Region", "accounts and Regions")
            ),
        };
        let other = match self.skipped {
            0 => String::new(),
            some => format!(
                "; {} there hold no events of these days",
                counted(some, "other file", "other files")
            ),
        };
        format!(
            "{} ({} KB){whose} were read in {location}{other}.",
            counted(self.objects, "log file", "log files"),
            thousands(self.bytes.div_ceil(1_000))
        )
    }
}

/// Reads the log files of a trail's bucket.
pub async fn read(
    session: &AwsSession,
    location: &Location,
    ask: &BucketRequest,
    feed: Arc<dyn Feed>,
    notes: &dyn ProgressSink,
) -> BucketRead {
    let bucket = Bucket::open(session, location, ask).await;
    let found = find::branches(&bucket).await;
    let in_layout = found.branches.iter().filter(|one| one.in_layout()).count();
    let mut read = BucketRead {
        branches: in_layout as u64,
        ..BucketRead::default()
    };
    let counts = Counts::default();
    let at_once = session.gate.patience().at_once.max(1) * AHEAD;
    let (send, receive) = mpsc::channel(1_000);
    let listing = async {
        let gaps: Vec<Vec<Gap>> = stream::iter(found.branches)
            .map(|branch| {
                let send = send.clone();
                let (bucket, counts) = (&bucket, &counts);
                async move { find::list(bucket, &branch, &send, counts).await }.boxed()
            })
            .buffered(at_once)
            .collect()
            .await;
        drop(send);
        gaps.concat()
    };
    let held = fetch::Held::new(ask.in_flight, feed);
    let objects = stream::unfold(receive, |mut receive: mpsc::Receiver<find::Object>| async {
        receive.recv().await.map(|object| (object, receive))
    });
    let fetching = objects
        .map(|object| fetch::object(&bucket, object, &held).boxed())
        .buffer_unordered(at_once)
        .fold(ObjectFailures::default(), |mut failures, outcome| {
            match outcome {
                Ok(bytes) => counts.read(bytes),
                Err(failed) => failures.add(failed),
            }
            counts.report_to(notes);
            futures_util::future::ready(failures)
        });
    let (unlisted, failures) = tokio::join!(listing, fetching);
    read.objects = counts.read.load(Ordering::Relaxed);
    read.bytes = counts.bytes.load(Ordering::Relaxed);
    read.skipped = counts.skipped.load(Ordering::Relaxed);
    read.gaps = found.gaps;
    // Where a listing broke off, nobody knows which files there are.
    let lost = unlisted.iter().map(|gap| {
        let scope = gap.account.as_ref().zip(gap.region.as_ref());
        Unread::always(
            scope.map(|(account, region)| (account.as_str().into(), region.as_str().into())),
        )
    });
    read.unread.extend(lost);
    read.unread.extend(failures.unread.iter().cloned());
    read.gaps.extend(unlisted);
    read.gaps.extend(failures.gaps(&bucket));
    // In AWS's layout a folder without files of these days is a quiet Region, not a mistake.
    if read.objects == 0 && read.gaps.is_empty() && in_layout == 0 {
        let why = match read.skipped {
            0 => "there are no log files; is it the right prefix?".to_owned(),
            other => format!("none of the {other} files there is a log file of these days"),
        };
        let what = format!("all of {location}");
        read.gaps.push(gap(None, what, why));
    }
    read.gaps.sort();
    read
}

/// The progress.
#[derive(Debug, Default)]
struct Counts {
    listed: AtomicU64,
    skipped: AtomicU64,
    read: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    fn read(&self, bytes: u64) {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn report_to(&self, notes: &dyn ProgressSink) {
        notes.note(ProgressEvent::Bucket {
            listed: self.listed.load(Ordering::Relaxed),
            read: self.read.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        });
    }
}

/// Objects that could not be read, by scope and reason: one gap each, however many there are.
#[derive(Debug, Default)]
struct ObjectFailures {
    by_reason: BTreeMap<(Option<Scope>, String), (u64, String)>,
    /// The time of which they may have held records.
    unread: BTreeSet<Unread>,
}

impl ObjectFailures {
    fn add(&mut self, failed: fetch::Failed) {
        self.unread.extend(layout::unread(&failed.key));
        let (count, first) = self
            .by_reason
            .entry((failed.scope, failed.why))
            .or_insert_with(|| (0, failed.key.clone()));
        *count += 1;
        if failed.key < *first {
            *first = failed.key;
        }
    }

    fn gaps(self, bucket: &Bucket<'_>) -> Vec<Gap> {
        let gap = |((scope, why), (count, first)): ((Option<Scope>, String), (u64, String))| {
            let name = &bucket.location.bucket;
            let what = match count {
                1 => format!("the log file s3://{name}/{first}"),
                more => format!("{more} log files, the first of them s3://{name}/{first}"),
            };
            gap(scope.as_ref(), what, why)
        };
        self.by_reason.into_iter().map(gap).collect()
    }
}

/// A bucket that can be asked.
struct Bucket<'a> {
    session: &'a AwsSession,
    client: Client,
    location: &'a Location,
    ask: &'a BucketRequest,
}

impl<'a> Bucket<'a> {
    async fn open(session: &'a AwsSession, location: &'a Location, ask: &'a BucketRequest) -> Self {
        Self {
            session,
            client: client_of(session, &location.bucket).await,
            location,
            ask,
        }
    }

    fn payer(&self) -> Option<RequestPayer> {
        match self.ask.payer {
            PayerOfRequests::Owner => None,
            PayerOfRequests::Requester => Some(RequestPayer::Requester),
        }
    }

    /// The answer with an object, by one attempt. The SDK would try a request again, but not a body that breaks off, so
    /// attempts are made, and counted, by the caller.
    async fn get(
        &self,
        key: &str,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError, HttpResponse>> {
        let alone = aws_sdk_s3::config::Builder::default().retry_config(RetryConfig::disabled());
        let request = self.client.get_object().bucket(&self.location.bucket);
        request
            .key(key)
            .set_request_payer(self.payer())
            .customize()
            .config_override(alone)
            .send()
            .await
    }

    /// Returns whether another attempt may help after so many. What is throttled the gate tries for longer, unless the
    /// attempts were named.
    fn may_retry(&self, fault: &Fault, attempt: u32) -> bool {
        let patience = self.session.gate.patience();
        let passes = match fault {
            Fault::Unreachable(_) => true,
            Fault::Throttled(_) => patience.throttled.is_zero(),
            _ => false,
        };
        passes && attempt < patience.attempts
    }

    /// Returns what a refusal means for people. AWS says "Access Denied" for nearly everything here.
    fn why(&self, fault: &Fault) -> String {
        match (fault, self.ask.payer) {
            (Fault::Denied { .. }, PayerOfRequests::Owner) => {
                format!("{fault}; a requester-pays bucket needs `--request-payer`")
            }
            _ => fault.to_string(),
        }
    }
}

/// Something of the trail that was not read.
fn gap(scope: Option<&Scope>, what: String, why: String) -> Gap {
    Gap::new(GapSource::Trail, scope, what, why)
}

/// A client for the Region of a bucket. If that Region cannot be learnt, the first request will say what is wrong.
pub(super) async fn client_of(session: &AwsSession, bucket: &str) -> Client {
    let client = in_region(session, &session.base);
    let permit = session.gate.permit().await;
    let answer = client.head_bucket().bucket(bucket).send().await;
    drop(permit);
    let region = match &answer {
        Ok(found) => found.bucket_region().map(str::to_owned),
        Err(error) => region_in(error),
    };
    match region {
        Some(region) => {
            let there = session.base.to_builder().region(SdkRegion::new(region));
            in_region(session, &there.build())
        }
        None => client,
    }
}

/// The Region that S3 names when a bucket is asked for in another one. It does so even to those who may not look inside.
fn region_in<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let headers = error.raw_response()?.headers();
    headers.get("x-amz-bucket-region").map(str::to_owned)
}

fn in_region(session: &AwsSession, config: &SdkConfig) -> Client {
    let settings = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(has_own_endpoint(config))
        .interceptor(ActionGuard(Arc::clone(&session.gate)))
        .build();
    Client::from_conf(settings)
}

/// Returns whether S3 is asked at an endpoint that the user gave: there the bucket stands in the path, as `aws` does
/// it.
fn has_own_endpoint(config: &SdkConfig) -> bool {
    let for_s3 = || {
        let key = ServiceConfigKey::builder()
            .service_id("S3")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        config.service_config()?.load_config(key)
    };
    config.endpoint_url().is_some() || for_s3().is_some()
}

/// The account and Region that two folder names spell.
fn scope_of(account: &str, region: &str) -> Option<Scope> {
    Some(Scope {
        account: AccountId::new(account).ok()?,
        region: Region::new(region).ok()?,
    })
}

/// The wait before another attempt.
fn wait(first: Duration, attempt: u32) -> Duration {
    (first * 2_u32.saturating_pow(attempt.min(8))).min(Duration::from_secs(8))
}

/// As many parses at once as there are processors.
fn parsers() -> Semaphore {
    Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_in_s3_is_read_as_people_write_it() {
        for (text, bucket, prefix) in [
            ("s3://trail-logs", "trail-logs", ""),
            ("s3://trail-logs/", "trail-logs", ""),
            ("s3://trail.logs/a/b", "trail.logs", "a/b/"),
            ("s3://trail-logs//a/b//", "trail-logs", "a/b/"),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location.bucket, bucket, "{text}");
            assert_eq!(location.prefix, prefix, "{text}");
        }
        for text in [
            "",
            "trail-logs",
            "s3://",
            "s3:///a",
            "s3://a b/c",
            "https://x/y",
        ] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }
}
