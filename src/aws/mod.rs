//! AWS itself: the only module that names the SDK.
//!
//! [`AwsSession::open`] loads what `aws` would load (in `settings`): profiles, SSO, `aws login`, environment, container and
//! instance roles, Region, endpoint overrides (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`), proxies
//! (`HTTPS_PROXY`, `NO_PROXY`), certificates, attempts and their mode. The rest are functions over a session: [`accounts::scopes`],
//! [`secrets::inventory`], [`versions::current`], [`reach::read`], [`cost_explorer::pages`], [`lookup::read`], [`bucket::read`], [`log_group::read`]; and the session is the
//! [`Vault`](crate::ports::Vault) that acts.
//!
//! Every request goes through one gate ([`gate`]): it bounds how many run at once, counts them, refuses an operation
//! that no adapter declares in its `ACTIONS`, and turns errors into [`Fault`]s. What goes wrong with one account,
//! Region or object becomes a [`Gap`](crate::domain::base::gap::Gap); only a session that cannot be opened is an error.
//!
//! What `aws` honours and this does not: the `cli_*` settings.

pub mod accounts;
pub mod athena;
pub mod bucket;
pub mod cost_explorer;
pub mod fault;
pub mod gate;
pub mod http;
pub mod journal_object;
pub mod log_group;
pub mod lookup;
mod operation;
pub mod organization;
mod plan_mark;
mod protocol;
mod raw_answer;
pub mod reach;
pub mod secrets;
mod services;
mod settings;
mod snapshot;
pub mod trails;
pub mod vault;
pub mod versions;
mod xml;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sts::config::SharedCredentialsProvider;
use aws_types::region::Region as SdkRegion;

use crate::domain::base::names::{AccountId, Region, Scope};
use crate::ports::{CallerIdentity, Fault};
use gate::RequestLimiter;
use operation::{RemoteService, ServiceOperation};

/// The application id in the user agent of every call: `app/secretsweep`. The reader rules know it as ourselves.
pub const APP: &str = "secretsweep";

/// The home Region if none is configured.
const HOME: &str = "us-east-1";

/// The uses that a command makes of AWS, as far as permissions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsUse {
    /// Listing secrets and describing primaries.
    Inventory,
    /// Asking for versions where rotation makes the last access doubtful.
    Versions,
    /// Finding out which Regions are enabled.
    Regions,
    /// Entering other accounts by a role.
    OtherAccounts,
    /// Listing the accounts of the organization.
    Organization,
    /// Finding out who may read.
    Reach,
    /// Asking for the bill.
    Bill,
    /// Counting a trail in Athena.
    Athena,
    /// Reading the event history.
    EventHistory,
    /// Reading a trail's bucket.
    Bucket,
    /// Reading a log group that a trail delivers to.
    LogGroup,
    /// Finding out which trails there are.
    Trails,
    /// Scheduling deletions.
    Delete,
    /// Taking them back.
    Restore,
    /// Tagging secrets before they are deleted.
    Tag,
    /// Taking such a tag back when the deletion is taken back.
    Untag,
    /// Removing replicas before their primary is deleted.
    RemoveReplicas,
    /// Making removed replicas again.
    Replicate,
    /// Keeping the journal in a bucket.
    Journal,
}

impl AwsUse {
    /// Everything.
    pub const ALL: &[Self] = &[
        Self::Inventory,
        Self::Versions,
        Self::Regions,
        Self::OtherAccounts,
        Self::Organization,
        Self::Reach,
        Self::Bill,
        Self::Athena,
        Self::EventHistory,
        Self::Bucket,
        Self::LogGroup,
        Self::Trails,
        Self::Delete,
        Self::Restore,
        Self::Tag,
        Self::Untag,
        Self::RemoveReplicas,
        Self::Replicate,
        Self::Journal,
    ];

    /// The IAM actions that it takes: those that the adapters declare beside their calls.
    pub fn actions(self) -> Vec<&'static str> {
        let named = |from: &[&'static str], names: &[&str]| -> Vec<&'static str> {
            let wanted = from.iter().filter(|action| {
                let name = action.split_once(':').map(|(_, name)| name);
                name.is_some_and(|name| names.contains(&name))
            });
            wanted.copied().collect()
        };
        // Every write is checked before and asked after by a describe.
        let acting = |name: &str| {
            [
                named(vault::ACTIONS, &[name]),
                named(secrets::ACTIONS, &["DescribeSecret"]),
            ]
            .concat()
        };
        match self {
            Self::Inventory => named(secrets::ACTIONS, &["ListSecrets", "DescribeSecret"]),
            Self::Versions => versions::ACTIONS.to_vec(),
            Self::Regions => named(accounts::ACTIONS, &["ListRegions", "GetCallerIdentity"]),
            Self::OtherAccounts => named(accounts::ACTIONS, &["AssumeRole"]),
            Self::Organization => named(organization::ACTIONS, &["ListAccounts"]),
            Self::Reach => [
                reach::ACTIONS.to_vec(),
                organization::ACTIONS.to_vec(),
                named(vault::ACTIONS, &["GetResourcePolicy"]),
            ]
            .concat(),
            Self::Bill => cost_explorer::ACTIONS.to_vec(),
            Self::Athena => athena::ACTIONS.to_vec(),
            Self::EventHistory => lookup::history::ACTIONS.to_vec(),
            Self::Bucket => bucket::ACTIONS.to_vec(),
            Self::LogGroup => log_group::ACTIONS.to_vec(),
            Self::Trails => trails::ACTIONS.to_vec(),
            Self::Delete => [
                acting("DeleteSecret"),
                named(vault::ACTIONS, &["GetResourcePolicy"]),
            ]
            .concat(),
            Self::Restore => acting("RestoreSecret"),
            Self::Tag => acting("TagResource"),
            Self::Untag => acting("UntagResource"),
            Self::RemoveReplicas => acting("RemoveRegionsFromReplication"),
            Self::Replicate => acting("ReplicateSecretToRegions"),
            Self::Journal => named(journal_object::ACTIONS, &["PutObject"]),
        }
    }
}

/// The IAM actions that some adapter declares, all together.
pub fn actions() -> Vec<&'static str> {
    [
        accounts::ACTIONS,
        organization::ACTIONS,
        reach::ACTIONS,
        cost_explorer::ACTIONS,
        athena::ACTIONS,
        secrets::ACTIONS,
        vault::ACTIONS,
        versions::ACTIONS,
        lookup::history::ACTIONS,
        bucket::ACTIONS,
        log_group::ACTIONS,
        trails::ACTIONS,
        journal_object::ACTIONS,
    ]
    .concat()
}

/// The settings by which AWS is reached. Everything that is `None` is found the way `aws` finds it.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// The profile (`--profile`), which goes before keys in variables; else `AWS_PROFILE`, which does not.
    pub profile: Option<String>,
    /// The profile if neither is there: the value of `AWS_DEFAULT_PROFILE` where `AWS_PROFILE` is not set.
    pub default_profile: Option<String>,
    /// The home Region; else the environment or the profile, else `us-east-1`.
    pub region: Option<Region>,
    /// An endpoint for every service; else `AWS_ENDPOINT_URL` and the profile.
    pub endpoint: Option<String>,
    /// A file of certificates to trust instead of the system's: the value of `AWS_CA_BUNDLE`; else the profile's.
    pub ca_bundle: Option<PathBuf>,
    /// The most times that a request is tried: the value of `AWS_MAX_ATTEMPTS`; else the profile's, else
    /// [`Patience::attempts`].
    pub max_attempts: Option<String>,
    /// The way in which attempts are spread: the value of `AWS_RETRY_MODE`; else the profile's, else `standard`.
    pub retry_mode: Option<String>,
    /// Fixed keys instead of the usual chain.
    pub keys: Option<Keys>,
    /// The role to take in accounts other than the caller's.
    pub role: Option<Role>,
    /// Bounds and waits.
    pub patience: Patience,
}

/// An access key. Only `Debug` without the secret.
#[derive(Clone)]
pub struct Keys {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token, if the keys are temporary.
    pub token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}

/// The role that is assumed in each account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name, with its path if it has one.
    pub name: String,
    /// The external id that its trust policy asks for.
    pub external_id: Option<String>,
}

/// Bounds and waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Requests at once, over all accounts, Regions and services.
    pub at_once: usize,
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the next byte comes.
    pub read: Duration,
    /// Attempts of one request.
    pub attempts: u32,
    /// The wait before the second attempt; later ones double, with jitter.
    pub first_wait: Duration,
    /// The time for which a throttled request is tried again.
    pub throttled: Duration,
    /// Time between two requests to the event history of one account and Region. AWS allows two a second.
    pub lookup_pace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            at_once: 32,
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            attempts: 4,
            first_wait: Duration::from_millis(500),
            throttled: Duration::from_mins(1),
            lookup_pace: Duration::from_millis(505),
        }
    }
}

/// An open connection: credentials, caller, the gate. Cheap to share by reference.
#[derive(Debug)]
pub struct AwsSession {
    base: SdkConfig,
    caller: CallerIdentity,
    partition: String,
    role: Option<Role>,
    gate: Arc<RequestLimiter>,
    accounts: Mutex<HashMap<AccountId, SharedCredentialsProvider>>,
    vaults: Mutex<HashMap<Scope, aws_sdk_secretsmanager::Client>>,
}

impl AwsSession {
    /// Loads the settings and asks who the caller is.
    ///
    /// # Errors
    /// [`Fault`] if there are no credentials, if they are not valid, if AWS cannot be reached, or if a setting cannot be
    /// used.
    pub async fn open(connect: Connect) -> Result<Self, Fault> {
        let (base, patience) = settings::load(&connect).await?;
        let gate = Arc::new(RequestLimiter::new(patience, actions()));
        let caller = accounts::caller(&base, &gate).await?;
        let partition = caller.arn.split(':').nth(1).unwrap_or("aws").to_owned();
        Ok(Self {
            base,
            caller,
            partition,
            role: connect.role,
            gate,
            accounts: Mutex::default(),
            vaults: Mutex::default(),
        })
    }

    /// Returns who is asking.
    pub fn caller(&self) -> &CallerIdentity {
        &self.caller
    }

    /// The requests made so far by IAM action, every attempt counted.
    pub fn calls(&self) -> std::collections::BTreeMap<String, u64> {
        self.gate.calls()
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The settings to work in this account, in the home Region.
    fn in_account(&self, account: &AccountId) -> Result<SdkConfig, Fault> {
        if *account == self.caller.account {
            return Ok(self.base.clone());
        }
        let Some(role) = &self.role else {
            return Err(Fault::Refused {
                code: "NoRole".to_owned(),
                message: format!(
                    "account {account} is not the caller's, and no role to assume there was named"
                ),
            });
        };
        let provider = locked(&self.accounts)
            .entry(account.clone())
            .or_insert_with(|| {
                SharedCredentialsProvider::new(accounts::Assumed::new(
                    &self.base,
                    &self.gate,
                    format!(
                        "arn:{}:iam::{account}:role/{}",
                        self.partition,
                        role.name.trim_start_matches('/')
                    ),
                    role.external_id.clone(),
                ))
            })
            .clone();
        Ok(self
            .base
            .to_builder()
            .credentials_provider(provider)
            .build())
    }

    /// An operation of a service that is asked without its SDK, with these settings.
    fn operation(
        &self,
        service: &RemoteService,
        action: &'static str,
        settings: &SdkConfig,
    ) -> Result<ServiceOperation, Fault> {
        ServiceOperation::new(service, action, &self.partition, settings, &self.gate)
    }

    /// The settings to work in this account and Region.
    fn in_scope(&self, scope: &Scope) -> Result<SdkConfig, Fault> {
        Ok(self
            .in_account(&scope.account)?
            .into_builder()
            .region(SdkRegion::new(scope.region.as_str().to_owned()))
            .build())
    }
}

/// Takes a lock; what a panicking task left behind is a cache, and still good.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
