//! Which control policies of the organization apply to an account, level by level (Organizations user guide, "SCP
//! evaluation"): every level from the root down must allow, and a denial anywhere forbids.

use super::iam_data::{ControlKind, ControlPolicy, NamedPolicy, OrganizationFacts};
use crate::domain::base::names::AccountId;

/// The policies of one level: the root, an organizational unit, or the account.
pub(super) type Level<'a> = Vec<&'a NamedPolicy>;

/// The control policies that apply to an account.
#[derive(Debug, Default)]
pub(super) struct Controls<'a> {
    pub(super) levels: Vec<Level<'a>>,
    /// Policies of organizational units to which the account may belong.
    pub(super) perhaps: Vec<&'a NamedPolicy>,
}

/// The policy that AWS attaches everywhere and that allows everything.
const ALLOWS_ALL: [&str; 2] = ["FullAWSAccess", "RCPFullAWSAccess"];

impl<'a> Controls<'a> {
    /// The policies of a kind that apply to an account; none where none are given, and none for the management account.
    pub(super) fn of(
        organization: &'a OrganizationFacts,
        kind: ControlKind,
        account: &AccountId,
    ) -> Self {
        if organization.management.as_ref() == Some(account) {
            return Self::default();
        }
        let policies = || {
            let all = organization.policies.values();
            all.filter(move |one| one.kind == kind)
        };
        let attached = |target: &str| -> Level<'a> {
            let here = policies().filter(|one| {
                let targets = one.targets.as_ref();
                targets.is_some_and(|targets| targets.contains(target))
            });
            here.map(|one| &one.policy).collect()
        };
        let mut path = vec![account.to_string()];
        while let Some(parent) = path.last().and_then(|one| organization.parents.get(one)) {
            if path.contains(parent) {
                break;
            }
            path.push(parent.clone());
        }
        let is_whole = path.last().is_some_and(|top| top.starts_with("r-"));
        let is_account = |target: &str| target.bytes().all(|byte| byte.is_ascii_digit());
        if !is_whole {
            let roots = policies()
                .filter_map(|one| one.targets.as_ref())
                .flatten()
                .filter(|target| target.starts_with("r-"));
            // An organization has one root, to which every account belongs.
            path.extend(roots.min().cloned());
        }
        let may_apply = |one: &&ControlPolicy| match &one.targets {
            None => true,
            Some(targets) => {
                !is_whole
                    && targets
                        .iter()
                        .any(|target| !is_account(target) && !path.contains(target))
            }
        };
        let perhaps = policies()
            .filter(|one| !ALLOWS_ALL.contains(&one.policy.name.as_str()))
            .filter(may_apply)
            .map(|one| &one.policy)
            .collect();
        // A level without any policy is one whose policies are not given: AWS leaves no level without.
        let levels = path.iter().rev().map(|target| attached(target));
        Self {
            levels: levels.filter(|level| !level.is_empty()).collect(),
            perhaps,
        }
    }
}
