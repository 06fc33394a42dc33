//! Primaries and their replicas.

use std::collections::{BTreeSet, HashMap};

use crate::domain::base::names::{AccountId, Region, Scope, SecretArn};
use crate::domain::inventory::secret::Secret;
use crate::domain::usage::activity::{Activity, Readers};

/// Primaries and their replicas, by index in the inventory.
pub(super) struct Groups {
    /// The indexes of replicas, by the account, name and suffix that they share with their primary.
    replicas: HashMap<(AccountId, String), Vec<usize>>,
}

impl Groups {
    fn key(secret: &Secret) -> (AccountId, String) {
        (
            secret.arn.scope().account.clone(),
            secret.arn.resource().to_owned(),
        )
    }

    pub(super) fn new(secrets: &[Secret]) -> Self {
        let mut replicas: HashMap<_, Vec<usize>> = HashMap::new();
        let all = secrets.iter().enumerate();
        for (at, secret) in all.filter(|(_, secret)| secret.is_replica()) {
            replicas.entry(Self::key(secret)).or_default().push(at);
        }
        Self { replicas }
    }

    /// The replicas of every primary that are in the inventory: their indexes, by that of the primary.
    pub(super) fn by_primary(&self, secrets: &[Secret]) -> HashMap<usize, Vec<usize>> {
        if self.replicas.is_empty() {
            return HashMap::new();
        }
        let members = |at: usize| {
            let members = self.replicas(secrets, at);
            (!members.is_empty()).then_some((at, members))
        };
        (0..secrets.len()).filter_map(members).collect()
    }

    /// The replicas of a primary that are in the inventory.
    pub(super) fn replicas(&self, secrets: &[Secret], at: usize) -> Vec<usize> {
        let secret = &secrets[at];
        if secret.is_replica() || self.replicas.is_empty() {
            return Vec::new();
        }
        let all = self.replicas.get(&Self::key(secret));
        let own = &secret.arn.scope().region;
        let is_replica_of = |other: &usize| secrets[*other].primary_region.as_ref() == Some(own);
        let all = all.map_or(&[][..], Vec::as_slice);
        all.iter().copied().filter(is_replica_of).collect()
    }

    /// The ARN of the primary of a replica.
    pub(super) fn primary(secret: &Secret) -> Option<SecretArn> {
        let region = secret
            .primary_region
            .as_ref()
            .filter(|_| secret.is_replica())?;
        secret.arn.in_region(region).ok()
    }
}

/// Replicas that no inventory lists, by the index of their primary: their Region, and who called them there.
pub(super) type Unlisted<'a> = HashMap<usize, Vec<(Region, &'a Readers<'a>)>>;

/// Finds calls that were answered in Regions without inventory, and that name a replicated secret of the account: by its
/// name, or by its ARN but for the Region. A list of secrets does not tell in which Regions replicas stand, so such
/// calls are the only trace of them.
pub(super) fn unlisted_replicas<'a>(
    secrets: &[Secret],
    activity: &'a Activity<'a>,
    inventoried: &BTreeSet<Scope>,
) -> Unlisted<'a> {
    let mut primaries: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (at, secret) in secrets.iter().enumerate() {
        let listed = secret
            .replicas
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        if secret.is_replica() || secret.primary_region.is_none() && !listed {
            continue;
        }
        let account = secret.arn.scope().account.as_str();
        for name in [secret.arn.name(), secret.arn.resource()] {
            primaries.entry((account, name)).or_default().push(at);
        }
    }
    let mut unlisted = Unlisted::new();
    for (missing, readers) in &activity.missing {
        let Some((scope, name)) = missing.scope_and_name() else {
            continue;
        };
        let answered = readers.values().any(|what| what.last_use().is_some());
        if !answered || inventoried.contains(&scope) {
            continue;
        }
        for &at in primaries
            .get(&(scope.account.as_str(), name))
            .into_iter()
            .flatten()
        {
            unlisted
                .entry(at)
                .or_default()
                .push((scope.region.clone(), readers));
        }
    }
    unlisted
}
