//! What is true in the loopback AWS: accounts, secrets, events, buckets, roles and the time.
//!
//! Plain data with public fields and a few builders. A test writes the state down, starts the
//! server with it, and may change it while the client runs. Nothing here speaks a protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::faults::Fault;

mod bucket;
mod event;
pub mod large;
pub mod reach;
mod secret;

pub use bucket::{Body, Bucket, Object, Payer};
pub use event::Event;
pub use reach::Control;
pub use secret::{Secret, Version};

/// Somebody who answers queries: the rows of one.
pub type QueryAnswer = Box<dyn Fn(&str) -> Vec<Vec<Option<String>>> + Send>;

/// A table of Athena and what becomes of the queries over it.
pub struct AthenaWorld {
    /// The answers of `GetQueryExecution`, one after another; the last stays.
    pub states: Vec<Value>,
    /// The columns of the table, with their types.
    pub columns: Vec<(String, String)>,
    /// The column of the day, which is a partition.
    pub day: &'static str,
    /// The function that answers the queries; `None`: each gives the rows of four calls.
    pub engine: Option<QueryAnswer>,
    /// The rows of the queries that were started.
    pub results: Vec<Vec<Vec<Option<String>>>>,
}

impl Default for AthenaWorld {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            columns: Vec::new(),
            day: "timestamp",
            engine: None,
            results: Vec::new(),
        }
    }
}

/// Everything the server knows.
pub struct World {
    /// The time of the services. It stands still until the test moves it.
    pub now: Timestamp,
    /// The account whose credentials [`super::Aws::env`] hands out.
    pub caller: String,
    /// The Region that [`super::Aws::env`] hands out.
    pub region: String,
    /// The partition in the ARN of the caller; secrets and roles stand in `aws`, whatever it is.
    pub partition: &'static str,
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
    /// The behaviour of `LookupEvents`.
    pub lookup: Lookup,
    /// Trails by their home account.
    pub trails: Vec<Trail>,
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// By account: lists of `GetAccountAuthorizationDetails` and entries in them, in the order of its pages.
    pub identities: BTreeMap<String, Vec<(String, Value)>>,
    /// The policies of customer-managed keys, by the ARN of the key.
    pub keys: BTreeMap<String, Value>,
    /// The parents of accounts and units of the organization.
    pub parents: BTreeMap<String, String>,
    /// The policies of the organization.
    pub controls: Vec<Control>,
    /// The charges that Cost Explorer knows.
    pub charges: Vec<Charge>,
    /// The tables and results that Athena knows.
    pub athena: AthenaWorld,
    /// The messages of log groups, each with its time in milliseconds since 1970, by account, Region and name.
    pub log_groups: BTreeMap<(String, String, String), Vec<(i64, String)>>,
    pub(super) faults: Vec<Fault>,
    pub(super) runtime: Runtime,
}

/// What the server remembers between calls and no test writes down.
#[derive(Default)]
pub(super) struct Runtime {
    /// Listings in progress of secrets, versions, accounts and Regions by their names.
    pub names: Cursors<String>,
    /// Listings in progress of events.
    pub events: Cursors<Arc<Event>>,
    /// Sessions from `AssumeRole`, by access key id.
    pub sessions: BTreeMap<String, Session>,
    /// `LookupEvents` requests left, and when that was true in seconds, by account and Region.
    pub lookups: BTreeMap<(String, String), (f64, f64)>,
    /// Calls that read a value.
    pub value_reads: usize,
    /// Calls that asked for a deletion without recovery.
    pub forced_deletes: usize,
}

/// Listings by the token that goes on with them. A token stays valid, so that a page can be asked for again.
pub(super) type Cursors<T> = BTreeMap<String, Cursor<T>>;

/// The place at which a listing continues. It serves the order found by its first page, whatever changed since.
#[derive(Clone)]
pub(super) struct Cursor<T> {
    /// The caller and the parameters it is valid with.
    pub bound: String,
    /// The items that are listed.
    pub items: Arc<[T]>,
    /// How many of them were handed out.
    pub offset: usize,
}

/// Temporary credentials.
pub(super) struct Session {
    /// Whose it is.
    pub account: String,
    /// `arn:aws:sts::...:assumed-role/...`.
    pub arn: String,
    /// As in `GetCallerIdentity`.
    pub user_id: String,
    /// The token that `x-amz-security-token` must hold.
    pub token: String,
}

/// An AWS account.
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// As in `ListAccounts`.
    pub name: String,
    /// As in `ListAccounts`.
    pub status: Status,
    /// The membership in the organization.
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
    /// Listed by `ListAccounts`.
    Member,
    /// An account of its own.
    Outside,
}

/// The opt-in state of a Region, as in `ListRegions`.
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

/// What was charged on a day for one usage type in one account.
pub struct Charge {
    /// The day.
    pub day: String,
    /// Such as `USE1-AWSSecretsManager-Secrets`.
    pub usage_type: String,
    /// The account.
    pub account: String,
    /// The unblended cost.
    pub usd: String,
    /// The usage.
    pub quantity: String,
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

/// The behaviour of `LookupEvents`.
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

/// What a `StartTime` before the kept 90 days does; AWS does not say.
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
            partition: "aws",
            accounts: BTreeMap::new(),
            organization: None,
            roles: Vec::new(),
            secrets: BTreeMap::new(),
            events: BTreeMap::new(),
            lookup,
            trails: Vec::new(),
            buckets: BTreeMap::new(),
            identities: BTreeMap::new(),
            keys: BTreeMap::new(),
            parents: BTreeMap::new(),
            controls: Vec::new(),
            charges: Vec::new(),
            athena: AthenaWorld::default(),
            log_groups: BTreeMap::new(),
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
            (*region).clone_into(&mut replica.region);
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

    /// Adds a log group with records, each under the time at which it was made.
    pub fn log_group(
        mut self,
        account: &str,
        region: &str,
        name: &str,
        records: impl IntoIterator<Item = String>,
    ) -> Self {
        let messages = records.into_iter().map(|text| {
            let time = Event::of(text.clone()).time.as_millisecond();
            (time, text)
        });
        let mut messages: Vec<(i64, String)> = messages.collect();
        messages.sort();
        let key = (account.to_owned(), region.to_owned(), name.to_owned());
        self.log_groups.insert(key, messages);
        self
    }

    /// Sets the `LookupEvents` rate.
    pub fn lookup_rate(mut self, rate: Rate) -> Self {
        self.lookup.rate = rate;
        self
    }

    /// Adds a bucket.
    pub fn athena(mut self, athena: AthenaWorld) -> Self {
        self.athena = athena;
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

/// FNV-1a: stable, so that ids do not change from run to run.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
