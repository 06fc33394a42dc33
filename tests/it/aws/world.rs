//! What is true in the loopback AWS: accounts, secrets, events, buckets, roles and the time.
//!
//! Plain data with public fields and a few builders. A test writes the state down, starts the
//! server with it, and may change it while the client runs. Nothing here speaks a protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::faults::Fault;

/// Everything the server knows.
pub struct World {
    /// The time of the services. It stands still until the test moves it.
    pub now: Timestamp,
    /// The account whose credentials [`super::Aws::env`] hands out.
    pub caller: String,
    /// The Region that [`super::Aws::env`] hands out.
    pub region: String,
    /// Accounts by their id.
    pub accounts: BTreeMap<String, Account>,
    /// The organization, if there is one.
    pub organization: Option<Organization>,
    /// Roles that may be assumed.
    pub roles: Vec<Role>,
    /// Secrets by their full ARN, replicas included.
    pub secrets: BTreeMap<String, Secret>,
    /// CloudTrail events by account and Region, newest first.
    pub events: BTreeMap<(String, String), Vec<Arc<Event>>>,
    /// How LookupEvents behaves.
    pub lookup: Lookup,
    /// Trails by their home account.
    pub trails: Vec<Trail>,
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    pub(super) faults: Vec<Fault>,
    pub(super) runtime: Runtime,
}

/// What the server remembers between calls and no test writes down.
#[derive(Default)]
pub(super) struct Runtime {
    /// Listings in progress, by their token.
    pub cursors: BTreeMap<String, Cursor>,
    /// Sessions from AssumeRole, by access key id.
    pub sessions: BTreeMap<String, Session>,
    /// LookupEvents requests left, and when that was true in seconds, by account and Region.
    pub lookups: BTreeMap<(String, String), (f64, f64)>,
    /// Calls that read a value.
    pub value_reads: usize,
    /// Calls that asked for a deletion without recovery.
    pub forced_deletes: usize,
}

/// Where a listing goes on. It serves the order found by its first page, whatever changed since.
#[derive(Clone)]
pub(super) struct Cursor {
    /// The caller and the parameters it is valid with.
    pub bound: String,
    /// What is listed.
    pub items: Items,
    /// How many of them were handed out.
    pub offset: usize,
}

#[derive(Clone)]
pub(super) enum Items {
    Names(Arc<Vec<String>>),
    Events(Arc<Vec<Arc<Event>>>),
}

/// Temporary credentials.
pub(super) struct Session {
    pub account: String,
    pub arn: String,
    pub user_id: String,
    pub token: String,
}

/// An AWS account.
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// As in ListAccounts.
    pub name: String,
    /// As in ListAccounts.
    pub status: Status,
    /// Whether it belongs to the organization.
    pub membership: Membership,
    /// Regions and whether they can be used; one that is absent does not exist.
    pub regions: BTreeMap<String, Opt>,
}

/// The state of an account.
#[derive(Clone, Copy, PartialEq)]
pub enum Status {
    /// In use.
    Active,
    /// Closed or suspended: still listed, its roles cannot be assumed.
    Suspended,
}

/// Whether an account belongs to the organization.
#[derive(Clone, Copy, PartialEq)]
pub enum Membership {
    /// Listed by ListAccounts.
    Member,
    /// An account of its own.
    Outside,
}

/// The opt-in state of a Region, as in ListRegions.
#[derive(Clone, Copy, PartialEq)]
pub enum Opt {
    /// Opted in.
    Enabled,
    /// Needs no opt-in.
    ByDefault,
    /// Not opted in.
    Disabled,
}

/// An organization.
pub struct Organization {
    /// Such as `o-exampleorg1`.
    pub id: String,
    /// The management account's id.
    pub management: String,
    /// Accounts that may list the accounts besides the management account.
    pub delegated: Vec<String>,
}

/// A role that may be assumed.
pub struct Role {
    /// The account it lives in.
    pub account: String,
    /// The name without a path.
    pub name: String,
    /// The external id its trust policy asks for.
    pub external_id: Option<String>,
}

/// A CloudTrail trail.
pub struct Trail {
    /// The account it was made in.
    pub account: String,
    /// The Region it was made in.
    pub home: String,
    /// Its name.
    pub name: String,
    /// The bucket it delivers to.
    pub bucket: String,
    /// `DescribeTrails`, `GetTrailStatus` and `GetEventSelectors` take what they do not know from here:
    /// `IsMultiRegionTrail`, `IsOrganizationTrail`, `S3KeyPrefix`, `IsLogging`, `ReadWriteType`, ...
    pub facts: Value,
}

/// How LookupEvents behaves.
pub struct Lookup {
    /// The token bucket of each account and Region.
    pub rate: Rate,
    /// What a start before the kept 90 days does.
    pub early: Early,
    /// How long an event stays invisible after it happened.
    pub delay: SignedDuration,
}

/// A token bucket.
#[derive(Clone, Copy)]
pub enum Rate {
    /// None.
    Unlimited,
    /// This many a second of real time, and as many at once.
    Real(f64),
    /// This many a second of [`World::now`], and as many at once.
    Virtual(f64),
}

/// What a StartTime before the kept 90 days does; AWS does not say.
#[derive(Clone, Copy, PartialEq)]
pub enum Early {
    /// Answers with what is kept.
    Trim,
    /// `InvalidTimeRangeException`.
    Refuse,
}

impl World {
    /// One account without an organization, enabled in `us-east-1` only; it is the caller. 2026-11-23 12:00 UTC.
    pub fn new(account: &str) -> Self {
        let lookup = Lookup {
            rate: Rate::Real(2.0),
            early: Early::Trim,
            delay: SignedDuration::ZERO,
        };
        let world = Self {
            now: at("2026-11-23T12:00:00Z"),
            caller: account.to_owned(),
            region: "us-east-1".to_owned(),
            accounts: BTreeMap::new(),
            organization: None,
            roles: Vec::new(),
            secrets: BTreeMap::new(),
            events: BTreeMap::new(),
            lookup,
            trails: Vec::new(),
            buckets: BTreeMap::new(),
            faults: Vec::new(),
            runtime: Runtime::default(),
        };
        world.account(Account::new(account, "main"))
    }

    /// Adds or replaces an account.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.insert(account.id.clone(), account);
        self
    }

    /// Opens a Region by default in every account that is in the world by now.
    pub fn regions(mut self, regions: &[&str]) -> Self {
        for account in self.accounts.values_mut() {
            account.regions.extend(
                regions
                    .iter()
                    .map(|region| ((*region).to_owned(), Opt::ByDefault)),
            );
        }
        self
    }

    /// Makes an organization of all accounts that are members, with this management account.
    pub fn organization(mut self, management: &str) -> Self {
        self.organization = Some(Organization {
            id: "o-exampleorg1".to_owned(),
            management: management.to_owned(),
            delegated: Vec::new(),
        });
        self
    }

    /// Adds a role of that account; with an external id, only a caller who says it may assume it.
    pub fn role(mut self, account: &str, name: &str, external_id: Option<&str>) -> Self {
        self.roles.push(Role {
            account: account.to_owned(),
            name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
        });
        self
    }

    /// Adds a secret.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.add(secret);
        self
    }

    /// Adds a secret and a replica of it in a Region, which was last read on that day, if ever.
    pub fn replicated(mut self, mut secret: Secret, replicas: &[(&str, Option<&str>)]) -> Self {
        secret.primary_region = Some(secret.region.clone());
        for (region, accessed) in replicas {
            let mut replica = secret.clone();
            replica.region = (*region).to_owned();
            replica.last_accessed = accessed.map(at);
            self.add(replica);
        }
        self.secret(secret)
    }

    /// Adds a secret to a world that runs.
    pub fn add(&mut self, secret: Secret) {
        self.secrets.insert(secret.arn(), secret);
    }

    /// The secret of that name, to look at or to change.
    ///
    /// # Panics
    /// When there is none; the test is wrong then.
    pub fn named(&mut self, account: &str, region: &str, name: &str) -> &mut Secret {
        let arn = self
            .arn_of(account, region, name)
            .unwrap_or_else(|| panic!("no secret {name} in {account} {region}"));
        self.secrets.get_mut(&arn).expect("an ARN just found")
    }

    /// The ARN of the secret of that name.
    pub(super) fn arn_of(&self, account: &str, region: &str, name: &str) -> Option<String> {
        let start = format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-");
        let mut near = self
            .secrets
            .range(start.clone()..)
            .take_while(|(arn, _)| arn.starts_with(&start));
        near.find(|(_, secret)| secret.name == name)
            .map(|(arn, _)| arn.clone())
    }

    /// The secrets of an account in a Region.
    pub(super) fn secrets_in(&self, account: &str, region: &str) -> impl Iterator<Item = &Secret> {
        let start = format!("arn:aws:secretsmanager:{region}:{account}:secret:");
        self.secrets
            .range(start.clone()..)
            .take_while(move |(arn, _)| arn.starts_with(&start))
            .map(|(_, secret)| secret)
    }

    /// Adds CloudTrail events of an account and Region, in any order.
    pub fn events(
        mut self,
        account: &str,
        region: &str,
        events: impl IntoIterator<Item = Event>,
    ) -> Self {
        self.record(account, region, events);
        self
    }

    /// Adds CloudTrail events to a world that runs. Listings in progress do not see them.
    pub fn record(&mut self, account: &str, region: &str, events: impl IntoIterator<Item = Event>) {
        let all = self
            .events
            .entry((account.to_owned(), region.to_owned()))
            .or_default();
        all.extend(events.into_iter().map(Arc::new));
        all.sort_by_key(|event| std::cmp::Reverse(event.time));
    }

    /// Sets the LookupEvents rate.
    pub fn lookup_rate(mut self, rate: Rate) -> Self {
        self.lookup.rate = rate;
        self
    }

    /// Adds a bucket.
    pub fn bucket(mut self, bucket: Bucket) -> Self {
        self.buckets.insert(bucket.name.clone(), bucket);
        self
    }

    /// Adds a fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
}

impl Account {
    /// An active member account, enabled in `us-east-1` only.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            status: Status::Active,
            membership: Membership::Member,
            regions: BTreeMap::from([("us-east-1".to_owned(), Opt::ByDefault)]),
        }
    }

    /// Sets a Region's state.
    pub fn region(mut self, region: &str, opt: Opt) -> Self {
        self.regions.insert(region.to_owned(), opt);
        self
    }

    /// Sets the state.
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Takes it out of the organization.
    pub fn outside(mut self) -> Self {
        self.membership = Membership::Outside;
        self
    }
}

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
    pub description: Option<String>,
    /// Absent for the key `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
    /// Absent when rotation was never configured.
    pub rotation_enabled: Option<bool>,
    pub rotation_lambda_arn: Option<String>,
    /// `{"AutomaticallyAfterDays":30}` and the like.
    pub rotation_rules: Option<Value>,
    pub created: Timestamp,
    pub last_changed: Timestamp,
    pub last_rotated: Option<Timestamp>,
    pub next_rotation: Option<Timestamp>,
    /// Midnight UTC of the day; absent when it was never read in this Region.
    pub last_accessed: Option<Timestamp>,
    /// The moment of the DeleteSecret call, while the deletion is pending.
    pub deleted: Option<Timestamp>,
    pub tags: BTreeMap<String, String>,
    pub versions: Vec<Version>,
    pub owning_service: Option<String>,
    /// On a primary with replicas and on its replicas.
    pub primary_region: Option<String>,
    /// The partner of a managed external secret.
    pub kind: Option<String>,
}

/// A version of a secret.
#[derive(Clone)]
pub struct Version {
    /// The version's id.
    pub id: String,
    /// Its staging labels; none makes it deprecated.
    pub stages: Vec<String>,
    /// When it was made.
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

    /// Whether it is a replica of a secret in another Region.
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

/// A record of CloudTrail's event history.
#[derive(Clone, Default)]
pub struct Event {
    /// When it happened.
    pub time: Timestamp,
    pub id: String,
    pub name: String,
    pub source: String,
    pub read_only: String,
    /// Absent for service events.
    pub username: Option<String>,
    pub access_key: Option<String>,
    /// Type and name of each.
    pub resources: Vec<(String, String)>,
    /// The whole record, as `CloudTrailEvent` hands it out.
    pub text: String,
}

impl Event {
    /// Takes what LookupEvents shows beside the record out of the record.
    ///
    /// # Panics
    /// When the text is no record with an `eventTime`; [`Event::malformed`] is for that.
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        let record: Value = serde_json::from_str(&text).expect("a record is JSON");
        let word = |path: &str| {
            record
                .pointer(path)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let session =
            word("/userIdentity/arn").and_then(|arn| Some(arn.rsplit_once('/')?.1.to_owned()));
        let read_only = record.get("readOnly").and_then(Value::as_bool) == Some(true);
        Self {
            time: at(&word("/eventTime").expect("a record has an eventTime")),
            id: word("/eventID").unwrap_or_default(),
            name: word("/eventName").unwrap_or_default(),
            source: word("/eventSource").unwrap_or_default(),
            read_only: read_only.to_string(),
            username: word("/userIdentity/userName").or(session),
            access_key: word("/userIdentity/accessKeyId"),
            resources: Vec::new(),
            text,
        }
    }

    /// A `GetSecretValue` at that time by a role's session, as the application's SDK would cause it.
    /// The event id follows from all arguments.
    pub fn read(
        time: &str,
        account: &str,
        region: &str,
        secret_id: &str,
        role: &str,
        session: &str,
    ) -> Self {
        let id = hash(&[time, account, region, secret_id, role, session].join("|"));
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": format!("AROAEXAMPLE:{session}"),
                "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
                "accountId": account,
                "accessKeyId": "ASIAEXAMPLE",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLE",
                        "arn": format!("arn:aws:iam::{account}:role/{role}"),
                        "accountId": account,
                        "userName": role,
                    },
                    "attributes": { "creationDate": time, "mfaAuthenticated": "false" },
                },
            },
            "eventTime": time,
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": "GetSecretValue",
            "awsRegion": region,
            "sourceIPAddress": "10.0.0.7",
            "userAgent": "Boto3/1.40.0 md/Botocore#1.40.0 lang/python#3.13",
            "requestParameters": { "secretId": secret_id },
            "responseElements": null,
            "requestID": format!("{id:016x}"),
            "eventID": format!("{:08x}-0000-4000-8000-{:012x}", id >> 32, id & 0xffff_ffff),
            "readOnly": true,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management",
        });
        Self::of(record.to_string())
    }

    /// An event of Secrets Manager whose record is broken text.
    pub fn malformed(time: &str, text: &str) -> Self {
        Self {
            time: at(time),
            id: format!("broken-{:x}", hash(text)),
            name: "GetSecretValue".to_owned(),
            source: "secretsmanager.amazonaws.com".to_owned(),
            read_only: "true".to_owned(),
            text: text.to_owned(),
            ..Self::default()
        }
    }
}

/// An S3 bucket.
pub struct Bucket {
    /// Unique in the world.
    pub name: String,
    /// The account it belongs to.
    pub account: String,
    /// The Region it lives in.
    pub region: String,
    /// Who pays for requests.
    pub payer: Payer,
    /// Other accounts that may read it.
    pub readers: Vec<String>,
    /// Prefixes that nobody may list or read.
    pub closed: Vec<String>,
    /// Objects by key.
    pub objects: BTreeMap<String, Object>,
}

/// Who pays for the requests to a bucket.
#[derive(Clone, Copy, PartialEq)]
pub enum Payer {
    /// The owner.
    Owner,
    /// The requester, who has to say so in each request.
    Requester,
}

/// An S3 object.
#[derive(Clone)]
pub struct Object {
    /// The bytes.
    pub body: Body,
    /// Handed out as the header, while the bytes stay what they are.
    pub content_encoding: Option<String>,
    /// When it was written.
    pub modified: Timestamp,
}

/// Where an object's bytes come from.
#[derive(Clone)]
pub enum Body {
    /// Here they are.
    Bytes(Arc<[u8]>),
    /// Made anew for each request, always the same; with their length.
    Made(usize, Arc<dyn Fn() -> Vec<u8> + Send + Sync>),
}

impl Body {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Made(len, _) => *len,
        }
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> Arc<[u8]> {
        match self {
            Self::Bytes(bytes) => Arc::clone(bytes),
            Self::Made(_, make) => make().into(),
        }
    }
}

impl Bucket {
    /// An empty bucket that its owner pays for and nobody else reads.
    pub fn new(name: &str, account: &str, region: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            payer: Payer::Owner,
            readers: Vec::new(),
            closed: Vec::new(),
            objects: BTreeMap::new(),
        }
    }

    /// Adds an object.
    pub fn object(mut self, key: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.put(key, Body::Bytes(bytes.into().into()));
        self
    }

    /// Adds an object that is made when it is asked for, which keeps a large trail out of memory.
    pub fn made(
        mut self,
        key: &str,
        len: usize,
        make: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.put(key, Body::Made(len, Arc::new(make)));
        self
    }

    /// Adds or replaces an object.
    pub fn put(&mut self, key: &str, body: Body) {
        let object = Object {
            body,
            content_encoding: None,
            modified: at("2026-11-01"),
        };
        self.objects.insert(key.to_owned(), object);
    }

    /// Lets another account read.
    pub fn shared_with(mut self, account: &str) -> Self {
        self.readers.push(account.to_owned());
        self
    }

    /// Lets nobody list or read below a prefix.
    pub fn closed(mut self, prefix: &str) -> Self {
        self.closed.push(prefix.to_owned());
        self
    }

    /// Makes the requester pay.
    pub fn requester_pays(mut self) -> Self {
        self.payer = Payer::Requester;
        self
    }
}

/// The instant of an RFC 3339 text, or midnight UTC of a date.
///
/// # Panics
/// When it is neither; the test is wrong then.
pub fn at(text: &str) -> Timestamp {
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    full.parse()
        .unwrap_or_else(|error| panic!("{text} is no time: {error}"))
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

/// FNV-1a: stable, so that ids do not change from run to run.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
