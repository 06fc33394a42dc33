//! Evaluation of many requests: what is the same for all of them is chosen once.

use std::collections::{BTreeSet, HashMap};

use super::access::{AccessAction, AccessFacts, sessions_have_tags};
use super::control::Controls;
use super::decide::{
    Answer, Chosen, ChosenControls, ControlSides, IdentitySide, KeySide, Target, on_key, on_secret,
};
use super::iam_data::{ControlKind, IamData};
use super::pattern::split;
use super::truth::Truth;
use crate::domain::base::names::{AccountId, Region, Scope, SecretArn};
use crate::domain::inventory::secret::Secret;

/// Answers for one action.
#[derive(Debug)]
pub(super) struct ActionTable<'a> {
    data: &'a IamData,
    action: AccessAction,
    pub(super) sides: Vec<IdentitySide<'a>>,
    sessions_have_tags: Vec<bool>,
    secret_policies: HashMap<&'a SecretArn, Chosen<'a>>,
    key_policies: HashMap<&'a str, Chosen<'a>>,
    service_controls: HashMap<&'a AccountId, ChosenControls<'a>>,
    resource_controls: HashMap<AccountId, ChosenControls<'a>>,
    none: ChosenControls<'a>,
}

impl<'a> ActionTable<'a> {
    /// `owners` are the accounts of the secrets.
    pub(super) fn new(
        data: &'a IamData,
        owners: &BTreeSet<AccountId>,
        action: AccessAction,
    ) -> Self {
        let controls = |kind, account: &AccountId| {
            ChosenControls::new(&Controls::of(&data.organization, kind, account), action)
        };
        let accounts = data.accounts().into_iter();
        Self {
            data,
            action,
            sides: data
                .identities
                .iter()
                .map(|identity| IdentitySide::new(identity, action))
                .collect(),
            sessions_have_tags: data.identities.iter().map(sessions_have_tags).collect(),
            secret_policies: data
                .secret_policies
                .iter()
                .filter_map(|(arn, policy)| Some((arn, Chosen::new([policy.as_ref()?], action))))
                .collect(),
            key_policies: data
                .key_policies
                .iter()
                .map(|(key, policy)| (key.as_str(), Chosen::new([policy], action)))
                .collect(),
            service_controls: accounts
                .map(|account| (account, controls(ControlKind::Service, account)))
                .collect(),
            resource_controls: owners
                .iter()
                .map(|account| (account.clone(), controls(ControlKind::Resource, account)))
                .collect(),
            none: ChosenControls::default(),
        }
    }

    fn facts(&self, index: usize, secret: &'a Secret) -> AccessFacts<'a> {
        AccessFacts {
            identity: &self.data.identities[index],
            sessions_have_tags: self.sessions_have_tags[index],
            secret,
            organization: &self.data.organization,
            action: self.action,
        }
    }

    fn controls(&self, index: usize, owner: &AccountId) -> ControlSides<'_> {
        let account = &self.data.identities[index].account;
        ControlSides {
            of_identity: self.service_controls.get(account).unwrap_or(&self.none),
            of_resource: self.resource_controls.get(owner).unwrap_or(&self.none),
        }
    }

    /// A request of an identity, by its index in the data, for a secret.
    pub(super) fn target(&self, index: usize, secret: &'a Secret) -> Option<Target<'a>> {
        let arn = match self.action {
            // It names no resource: `*` alone fits.
            AccessAction::BatchGetSecretValue => ["*"; 5],
            _ => split(secret.arn.as_str())?,
        };
        Some(Target {
            arn,
            facts: self.facts(index, secret),
        })
    }

    /// Returns whether an identity, by its index in the data, may act on a secret.
    pub(super) fn on_secret(&self, index: usize, secret: &'a Secret) -> Truth {
        let side = &self.sides[index];
        let policy = self.secret_policies.get(&secret.arn);
        let policy = policy.filter(|_| self.action != AccessAction::BatchGetSecretValue);
        // The usual case: nothing could allow it.
        if side.policies.is_silent() && policy.is_none_or(Chosen::is_silent) {
            return Truth::No;
        }
        let Some(target) = self.target(index, secret) else {
            return Truth::unclear(format!("the ARN `{}`", secret.arn));
        };
        let controls = self.controls(index, &secret.arn.scope().account);
        on_secret(side, policy, controls, &target)
    }

    /// Returns whether an identity may use the key of a secret to read it.
    pub(super) fn on_key(&self, index: usize, secret: &'a Secret) -> Truth {
        let side = &self.sides[index];
        let facts = self.facts(index, secret);
        let scope = secret.arn.scope();
        let Some(key) = SecretKey::of(secret) else {
            let text = secret.kms_key.as_deref().unwrap_or_default();
            return Truth::unclear(format!("the key `{text}`"));
        };
        let controls = self.controls(index, &scope.account);
        let (account, region) = (scope.account.as_str(), scope.region.as_str());
        let partition = secret.arn.partition();
        match key {
            SecretKey::Managed => {
                let arn = [partition, "kms", region, account, MANAGED_KEY];
                on_key(side, &KeySide::Managed, controls, &Target { arn, facts })
            }
            SecretKey::Customer { id, arn } => {
                let resource = format!("key/{id}");
                let arn = match arn {
                    Some([partition, _, region, account, _]) => {
                        [partition, "kms", region, account, &resource]
                    }
                    None => [partition, "kms", region, account, &resource],
                };
                let key = KeySide::Customer {
                    policy: self.key_policies.get(id),
                    grants: self.data.grants.get(id).map_or(&[], Vec::as_slice),
                    own: arn[3] == side.identity.account.as_str(),
                };
                on_key(side, &key, controls, &Target { arn, facts })
            }
        }
    }
}

/// The key of Secrets Manager itself has an id of its own in each account and Region, which no policy of a customer names.
const MANAGED_KEY: &str = "key/aws-secretsmanager";

/// The key that a secret is encrypted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretKey<'a> {
    /// `aws/secretsmanager`.
    Managed,
    /// A key of a customer.
    Customer {
        /// The id.
        id: &'a str,
        /// The segments of its ARN, where the inventory has the ARN.
        arn: Option<[&'a str; 5]>,
    },
}

impl<'a> SecretKey<'a> {
    /// The key; `None` where only an alias is known, which may mean any key.
    pub(super) fn of(secret: &'a Secret) -> Option<Self> {
        let Some(key) = secret
            .kms_key
            .as_deref()
            .filter(|_| secret.has_customer_key())
        else {
            return Some(Self::Managed);
        };
        let arn = split(key);
        let resource = arn.map_or(key, |arn| arn[4]);
        if resource.starts_with("alias/") {
            return None;
        }
        Some(Self::Customer {
            id: resource.strip_prefix("key/").unwrap_or(resource),
            arn,
        })
    }
}

/// The customer-managed keys that encrypt these secrets: the account and Region of each key, and its id. Keys of which only
/// an alias is known are left out.
pub fn customer_keys(secrets: &[Secret]) -> BTreeSet<(Scope, String)> {
    let key = |secret| match SecretKey::of(secret)? {
        SecretKey::Managed => None,
        SecretKey::Customer { id, arn } => {
            let named = arn.and_then(|[_, _, region, account, _]| {
                Some(Scope {
                    account: AccountId::new(account).ok()?,
                    region: Region::new(region).ok()?,
                })
            });
            let scope = named.unwrap_or_else(|| secret.arn.scope().clone());
            Some((scope, id.to_owned()))
        }
    };
    secrets.iter().filter_map(key).collect()
}

/// Answers single questions about the IAM data of a scan.
#[derive(Debug)]
pub struct Evaluator<'a> {
    data: &'a IamData,
    owners: BTreeSet<AccountId>,
}

impl<'a> Evaluator<'a> {
    /// For secrets of these accounts.
    pub fn new(data: &'a IamData, owners: BTreeSet<AccountId>) -> Self {
        Self { data, owners }
    }

    /// Returns whether an identity may do something with a secret; reading includes the use of its key. `None`: the
    /// data has no such identity.
    pub fn answer(
        &self,
        identity: &str,
        secret: &'a Secret,
        action: AccessAction,
    ) -> Option<Answer> {
        let mut identities = self.data.identities.iter();
        let index = identities.position(|one| one.arn == identity)?;
        let table = |action| ActionTable::new(self.data, &self.owners, action);
        let on_key = || table(AccessAction::Decrypt).on_key(index, secret);
        let truth = match action {
            AccessAction::Decrypt => on_key(),
            action => {
                let of_secret = table(action).on_secret(index, secret);
                if action == AccessAction::GetSecretValue {
                    of_secret.and(on_key)
                } else {
                    of_secret
                }
            }
        };
        Some(truth.into())
    }
}
