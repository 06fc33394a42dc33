//! Who is asking, in which accounts and in which Regions there is something to look at.
//!
//! An account of an organization that is suspended is skipped and named, because nothing in it can be asked. An account
//! or a list of Regions that cannot be had is a gap, and the built-in list of those that have Secrets Manager is tried one
//! by one. In a partition where AWS tells nobody its Regions (GovCloud), that list is all there is, and no gap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

use super::gate::{ActionGuard, RequestLimiter};
use super::organization::{closed, list_accounts};
use super::services::ACCOUNT;
use super::{APP, AwsSession, fault};
use crate::domain::base::gap::Gap;
use crate::domain::base::names::{AccountId, Region, Scope};
use crate::ports::{CallerIdentity, Fault, ProgressEvent, ProgressSink};

/// The actions of AWS that this adapter calls. `sts:GetCallerIdentity` needs no permission.
pub const ACTIONS: &[&str] = &[
    "sts:GetCallerIdentity",
    "sts:AssumeRole",
    "account:ListRegions",
];

/// The Regions that have Secrets Manager, by partition, as of 2026-08 (the endpoint list of botocore).
pub const REGIONS: &[(&str, &[&str])] = &[
    (
        "aws",
        &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("aws-cn", &["cn-north-1", "cn-northwest-1"]),
    ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
    ("aws-eusc", &["eusc-de-east-1"]),
    ("aws-iso", &["us-iso-east-1", "us-iso-west-1"]),
    ("aws-iso-b", &["us-isob-east-1", "us-isob-west-1"]),
    ("aws-iso-e", &["eu-isoe-west-1"]),
    ("aws-iso-f", &["us-isof-east-1", "us-isof-south-1"]),
];

/// The partitions in which AWS tells an account's Regions: elsewhere `account:ListRegions` has no endpoint (the endpoint
/// list of botocore, 2026-08).
const TELLING: &[&str] = &["aws", "aws-cn"];

/// Returns whether AWS can be asked which Regions are enabled in this partition. In one that is not known it is tried.
pub fn tells_regions(partition: &str) -> bool {
    TELLING.contains(&partition) || !REGIONS.iter().any(|(known, _)| *known == partition)
}

/// The accounts that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// The caller's.
    Own,
    /// These.
    Listed(Vec<AccountId>),
    /// All of the caller's organization.
    Organization,
}

/// The accounts and Regions that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsRequest {
    /// The accounts.
    pub accounts: Accounts,
    /// The Regions; empty: every Region that is enabled in the account.
    pub regions: Vec<Region>,
}

/// The accounts and Regions that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTargets {
    /// The accounts and Regions, sorted.
    pub scopes: Vec<Scope>,
    /// The parts that could not be found out.
    pub gaps: Vec<Gap>,
    /// Accounts of the organization that are closed, and how AWS calls their state. Not gaps: nothing can run there.
    pub closed: Vec<(AccountId, String)>,
    /// Further facts for the reader of the report, in sentences.
    pub notes: Vec<String>,
    /// The names of the organization's accounts. Other people's text.
    pub names: BTreeMap<AccountId, String>,
}

/// Finds the accounts and Regions to look at.
pub async fn scopes(
    session: &AwsSession,
    ask: &AccountsRequest,
    notes: &dyn ProgressSink,
) -> AccountTargets {
    let mut found = AccountTargets::default();
    let mut accounts = match &ask.accounts {
        Accounts::Own => vec![session.caller.account.clone()],
        Accounts::Listed(accounts) => accounts.clone(),
        Accounts::Organization => organization(session, &mut found, notes).await,
    };
    accounts.sort();
    accounts.dedup();
    let at_once = session.gate.patience().at_once.max(1);
    let of = accounts.len();
    let report_progress = |done| notes.note(ProgressEvent::Accounts { done, of });
    let mut asking = stream::iter(accounts)
        .map(|account| async move {
            let regions = account_regions(session, &account, &ask.regions).await;
            (account, regions)
        })
        .buffered(at_once);
    let mut regions = Vec::new();
    report_progress(0);
    while let Some(answer) = asking.next().await {
        regions.push(answer);
        report_progress(regions.len());
    }
    if ask.regions.is_empty() && !tells_regions(session.partition()) {
        found.notes.push(format!(
            "AWS does not tell which Regions an account uses in the partition {}: every Region known to have Secrets \
             Manager was asked.",
            session.partition()
        ));
    }
    for (account, regions) in regions {
        found.gaps.extend(regions.gap);
        for region in regions.regions {
            let account = account.clone();
            found.scopes.push(Scope { account, region });
        }
    }
    found.scopes.sort();
    found.scopes.dedup();
    found.gaps.sort();
    found.closed.sort();
    found
}

/// The Regions of one account, and what was not to be had.
struct Regions {
    regions: Vec<Region>,
    gap: Option<Gap>,
}

async fn account_regions(session: &AwsSession, account: &AccountId, wanted: &[Region]) -> Regions {
    let gap = |source: &str, what: String, fault: &Fault| {
        Some(Gap {
            account: Some(account.clone()),
            region: None,
            source: source.into(),
            what,
            why: fault.to_string(),
        })
    };
    let config = match enter(session, account).await {
        Ok(config) => config,
        Err(fault) => {
            return Regions {
                regions: Vec::new(),
                gap: gap("inventory", "the whole account".to_owned(), &fault),
            };
        }
    };
    if !wanted.is_empty() {
        return Regions {
            regions: wanted.to_vec(),
            gap: None,
        };
    }
    if !tells_regions(session.partition()) {
        return Regions {
            regions: built_in(session.partition()),
            gap: None,
        };
    }
    match enabled(session, &config).await {
        Ok(regions) => Regions { regions, gap: None },
        Err(fault) => Regions {
            regions: built_in(session.partition()),
            gap: gap(
                "account:ListRegions",
                "which Regions are enabled; every Region known to have Secrets Manager was tried"
                    .to_owned(),
                &fault,
            ),
        },
    }
}

/// The settings for an account, once its role is known to be assumable: one gap for the account, not one a Region.
async fn enter(session: &AwsSession, account: &AccountId) -> Result<SdkConfig, Fault> {
    let config = session.in_account(account)?;
    if *account != session.caller.account
        && let Some(provider) = config.credentials_provider()
    {
        provider
            .provide_credentials()
            .await
            .map_err(|error| fault::of_credentials(&error))?;
    }
    Ok(config)
}

/// A Region in the answer of `ListRegions`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedRegion {
    region_name: Option<String>,
}

async fn enabled(session: &AwsSession, config: &SdkConfig) -> Result<Vec<Region>, Fault> {
    let input = json!({
        "MaxResults": 50,
        "RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"],
    });
    let operation = session.operation(&ACCOUNT, "account:ListRegions", config)?;
    let listed: Vec<ListedRegion> = operation.list(input, "NextToken", "Regions").await?;
    let names = listed.into_iter().filter_map(|region| region.region_name);
    Ok(names.filter_map(|name| Region::new(&name).ok()).collect())
}

fn built_in(partition: &str) -> Vec<Region> {
    REGIONS
        .iter()
        .filter(|(name, _)| *name == partition)
        .flat_map(|(_, regions)| *regions)
        .filter_map(|region| Region::new(region).ok())
        .collect()
}

/// The open accounts of the organization. If they cannot be listed, the caller's own account and a gap.
async fn organization(
    session: &AwsSession,
    found: &mut AccountTargets,
    notes: &dyn ProgressSink,
) -> Vec<AccountId> {
    match list_accounts(session, notes).await {
        Ok(all) => {
            let mut open = Vec::new();
            for account in all {
                let id = account.id.as_deref().and_then(|id| AccountId::new(id).ok());
                let Some(id) = id else {
                    continue;
                };
                let state = closed(&account);
                if let Some(name) = account.name {
                    found.names.insert(id.clone(), name);
                }
                match state {
                    Some(state) => found.closed.push((id, state)),
                    None => open.push(id),
                }
            }
            open
        }
        Err(fault) => {
            let what = "every account of the organization but the caller's";
            let why = fault.to_string();
            let gap = Gap::new("organizations:ListAccounts", None, what, why);
            found.gaps.push(gap);
            vec![session.caller.account.clone()]
        }
    }
}

fn sts(config: &SdkConfig, gate: &Arc<RequestLimiter>) -> aws_sdk_sts::Client {
    let settings = aws_sdk_sts::config::Builder::from(config)
        .interceptor(ActionGuard(Arc::clone(gate)))
        .build();
    aws_sdk_sts::Client::from_conf(settings)
}

/// Asks who the caller is.
pub(super) async fn caller(
    config: &SdkConfig,
    gate: &Arc<RequestLimiter>,
) -> Result<CallerIdentity, Fault> {
    let client = sts(config, gate);
    let answer = gate
        .ask("sts:GetCallerIdentity", || {
            client.get_caller_identity().send()
        })
        .await?;
    let account = answer
        .account()
        .and_then(|account| AccountId::new(account).ok());
    match (account, answer.arn) {
        (Some(account), Some(arn)) => Ok(CallerIdentity { account, arn }),
        _ => Err(Fault::Unreachable(
            "sts:GetCallerIdentity answered without an account".to_owned(),
        )),
    }
}

/// The credentials of a role in another account. Assumed when first needed, and again before they run out.
#[derive(Debug)]
pub(super) struct Assumed {
    client: aws_sdk_sts::Client,
    gate: Arc<RequestLimiter>,
    arn: String,
    external_id: Option<String>,
    held: tokio::sync::Mutex<Option<Credentials>>,
}

/// Credentials with less time left are fetched again.
const MARGIN: Duration = Duration::from_mins(5);

impl Assumed {
    pub(super) fn new(
        base: &SdkConfig,
        gate: &Arc<RequestLimiter>,
        arn: String,
        external_id: Option<String>,
    ) -> Self {
        Self {
            client: sts(base, gate),
            gate: Arc::clone(gate),
            arn,
            external_id,
            held: tokio::sync::Mutex::default(),
        }
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let mut held = self.held.lock().await;
        #[expect(
            clippy::disallowed_methods,
            reason = "credentials run out by the real clock, whatever `--now` says"
        )]
        let soon = SystemTime::now() + MARGIN;
        if let Some(credentials) = held.as_ref()
            && credentials.expiry().is_none_or(|end| end > soon)
        {
            return Ok(credentials.clone());
        }
        let client = &self.client;
        let answer = self
            .gate
            .ask("sts:AssumeRole", || {
                client
                    .assume_role()
                    .role_arn(&self.arn)
                    .role_session_name(APP)
                    .set_external_id(self.external_id.clone())
                    .send()
            })
            .await
            .map_err(|fault| CredentialsError::provider_error(self.explained(fault)))?;
        let keys = answer.credentials.ok_or_else(|| {
            CredentialsError::provider_error(Fault::Unreachable(
                "sts:AssumeRole answered without credentials".to_owned(),
            ))
        })?;
        let credentials = Credentials::new(
            keys.access_key_id,
            keys.secret_access_key,
            Some(keys.session_token),
            SystemTime::try_from(keys.expiration).ok(),
            "assumed role",
        );
        *held = Some(credentials.clone());
        Ok(credentials)
    }

    /// AWS does not tell a role that is missing from one that may not be assumed; the reader needs to know both.
    fn explained(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Denied { action, message } => Fault::Denied {
                action,
                message: format!(
                    "{message}; is `{}` there, and does it trust the caller?",
                    self.arn
                ),
            },
            other => other,
        }
    }
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_is_sound_and_complete_for_its_date() {
        for (partition, regions) in REGIONS {
            assert_eq!(built_in(partition).len(), regions.len(), "{partition}");
            assert!(regions.is_sorted(), "{partition}");
        }
        assert_eq!(REGIONS[0].1.len(), 34);
        assert!(built_in("aws-new").is_empty(), "unknown: none is guessed");
    }
}
