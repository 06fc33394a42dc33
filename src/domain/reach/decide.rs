//! The decision: identity and group policies, boundary, resource policy, key policy, grants and control policies together.
//!
//! Source: IAM user guide, "Policy evaluation logic", for one account and across accounts; KMS developer guide, "Key
//! policies" and "Grants". An explicit denial anywhere decides first. Policies of sessions and of VPC endpoints are not
//! known to anybody before a request, and are left out.

use super::access::{AccessAction, AccessFacts};
use super::control::Controls;
use super::document::{PolicyStatement, StatementEffect};
use super::iam_data::{IamIdentity, KeyGrant, NamedPolicy};
use super::matching::{PrincipalMatch, matched};
use super::truth::{Doubt, Truth};

/// The answer to whether a request would be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It would.
    Allowed,
    /// It would not.
    Denied,
    /// The answer depends on the request: on these condition keys. Other people's text.
    Conditional(Vec<String>),
    /// Not known: these phrases say what is not understood or not given.
    Unknown(Vec<String>),
}

impl From<Truth> for Answer {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::Allowed,
            Truth::No => Self::Denied,
            Truth::Maybe(doubt) => {
                let Doubt {
                    conditions,
                    unclear,
                } = *doubt;
                if unclear.is_empty() {
                    Self::Conditional(conditions.into_iter().collect())
                } else {
                    Self::Unknown(unclear.into_iter().collect())
                }
            }
        }
    }
}

/// A statement with the policy that it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatementInPolicy<'a> {
    pub(super) policy: &'a NamedPolicy,
    pub(super) statement: &'a PolicyStatement,
}

/// The statements of some policies that are about one action: chosen once, evaluated for many secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen<'a> {
    pub(super) allow: Vec<StatementInPolicy<'a>>,
    deny: Vec<StatementInPolicy<'a>>,
    /// Policies that could not be read, with the reason.
    unread: Vec<String>,
}

impl<'a> Chosen<'a> {
    pub(super) fn new(
        policies: impl IntoIterator<Item = &'a NamedPolicy>,
        action: AccessAction,
    ) -> Self {
        let mut chosen = Self::default();
        for policy in policies {
            let document = match &policy.document {
                Ok(document) => document,
                Err(why) => {
                    let name = &policy.name;
                    chosen.unread.push(format!("the policy `{name}`: {why}"));
                    continue;
                }
            };
            for statement in &document.statements {
                if statement.is_about(action.lower()) {
                    let one = StatementInPolicy { policy, statement };
                    match statement.effect {
                        StatementEffect::Allow => chosen.allow.push(one),
                        StatementEffect::Deny => chosen.deny.push(one),
                    }
                }
            }
        }
        chosen
    }

    fn unread(&self) -> Truth {
        self.unread
            .first()
            .map_or(Truth::No, |what| Truth::unclear(what.clone()))
    }

    /// Returns whether one of the statements allows, whomever it is about.
    pub(super) fn allows(&self, target: &Target<'_>) -> Truth {
        let each = self.allow.iter().map(|one| target.applies(one.statement));
        Truth::any(each).or(|| self.unread())
    }

    fn denies(&self, target: &Target<'_>) -> Truth {
        let each = self.deny.iter().map(|one| target.applies(one.statement));
        Truth::any(each).or(|| self.unread())
    }

    /// Returns whether there is nothing in it that could apply.
    pub(super) fn is_silent(&self) -> bool {
        self.allow.is_empty() && self.unread.is_empty()
    }

    /// Returns how statements with principals allow an identity.
    fn allows_identity(&self, target: &Target<'_>) -> PrincipalMatch {
        let mut found = PrincipalMatch {
            direct: self.unread(),
            unbounded: self.unread(),
            account: Truth::No,
        };
        for one in &self.allow {
            let principal = matched(one.statement.principals.as_ref(), target.facts.identity);
            if principal.at_all().is_no() {
                continue;
            }
            let applies = target.applies(one.statement);
            let with = |how: Truth| how.and(|| applies.clone());
            let (direct, unbounded) = (with(principal.direct), with(principal.unbounded));
            found.direct = found.direct.or(|| direct);
            found.unbounded = found.unbounded.or(|| unbounded);
            let account = with(principal.account);
            found.account = found.account.or(|| account);
        }
        found
    }

    fn denies_identity(&self, target: &Target<'_>) -> Truth {
        let identity = target.facts.identity;
        let each = self.deny.iter().map(|one| {
            let principals = one.statement.principals.as_ref();
            // `NotPrincipal` in a denial means every identity that has a boundary (IAM user guide, "NotPrincipal").
            let by_boundary = principals.is_some_and(|one| one.not) && identity.boundary.is_some();
            let means = if by_boundary {
                Truth::Yes
            } else {
                matched(principals, identity).at_all()
            };
            means.and(|| target.applies(one.statement))
        });
        Truth::any(each).or(|| self.unread())
    }
}

/// A resource in a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// The segments of its ARN.
    pub(super) arn: [&'a str; 5],
    pub(super) facts: AccessFacts<'a>,
}

impl Target<'_> {
    /// Returns whether a statement is about the resource, under its conditions.
    pub(super) fn applies(&self, statement: &PolicyStatement) -> Truth {
        statement.applies(&self.arn, &self.facts)
    }
}

/// The control policies of an account that are about one action.
#[derive(Debug, Default)]
pub(super) struct ChosenControls<'a> {
    levels: Vec<Chosen<'a>>,
    perhaps: Vec<Chosen<'a>>,
}

impl<'a> ChosenControls<'a> {
    pub(super) fn new(controls: &Controls<'a>, action: AccessAction) -> Self {
        let choose = |policies: &[&'a NamedPolicy]| Chosen::new(policies.iter().copied(), action);
        Self {
            levels: controls.levels.iter().map(|level| choose(level)).collect(),
            perhaps: controls.perhaps.iter().map(|one| choose(&[one])).collect(),
        }
    }

    /// Returns whether every level allows. A policy of an organizational unit to which the account may belong makes a
    /// doubt where it allows something, and not this.
    fn allow(&self, target: &Target<'_>) -> Truth {
        let levels = Truth::all(self.levels.iter().map(|level| level.allows(target)));
        levels.and(|| {
            let could = self.perhaps.iter().filter(|one| !one.allow.is_empty());
            let mut could = could.map(|one| one.allows(target)).peekable();
            if could.peek().is_none() || Truth::any(could).is_yes() {
                Truth::Yes
            } else {
                Truth::unclear(UNKNOWN_UNITS)
            }
        })
    }

    fn deny(&self, target: &Target<'_>) -> Truth {
        let levels = Truth::any(self.levels.iter().map(|level| level.denies(target)));
        levels.or(|| {
            let perhaps = Truth::any(self.perhaps.iter().map(|one| one.denies(target)));
            perhaps.and(|| Truth::unclear(UNKNOWN_UNITS))
        })
    }
}

const UNKNOWN_UNITS: &str = "the organizational units of the account, which are not given";

/// The policies and the boundary that an identity brings to requests for one action.
#[derive(Debug)]
pub(super) struct IdentitySide<'a> {
    pub(super) identity: &'a IamIdentity,
    pub(super) policies: Chosen<'a>,
    boundary: Option<Chosen<'a>>,
}

impl<'a> IdentitySide<'a> {
    pub(super) fn new(identity: &'a IamIdentity, action: AccessAction) -> Self {
        let boundary = identity.boundary.as_ref();
        Self {
            identity,
            policies: Chosen::new(&identity.policies, action),
            boundary: boundary.map(|one| Chosen::new([one], action)),
        }
    }

    fn denies(&self, target: &Target<'_>) -> Truth {
        self.policies.denies(target).or(|| match &self.boundary {
            Some(boundary) => boundary.denies(target),
            None => Truth::No,
        })
    }

    fn boundary_allows(&self, target: &Target<'_>) -> Truth {
        match &self.boundary {
            Some(boundary) => boundary.allows(target),
            None => Truth::Yes,
        }
    }
}

/// The control policies on both sides of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct ControlSides<'a> {
    pub(super) of_identity: &'a ChosenControls<'a>,
    pub(super) of_resource: &'a ChosenControls<'a>,
}

impl ControlSides<'_> {
    fn allow(&self, target: &Target<'_>) -> Truth {
        let identity = target.facts.identity;
        let service = if identity.is_service_linked() {
            Truth::Yes
        } else {
            self.of_identity.allow(target)
        };
        service.and(|| self.of_resource.allow(target))
    }

    fn deny(&self, target: &Target<'_>) -> Truth {
        let identity = target.facts.identity;
        let service = if identity.is_service_linked() {
            Truth::No
        } else {
            self.of_identity.deny(target)
        };
        service.or(|| self.of_resource.deny(target))
    }
}

/// Returns whether an action on a secret is allowed. `policy` is the secret's own, if it has one.
pub(super) fn on_secret(
    side: &IdentitySide<'_>,
    policy: Option<&Chosen<'_>>,
    controls: ControlSides<'_>,
    target: &Target<'_>,
) -> Truth {
    let by_policy = match policy {
        Some(policy) => policy.allows_identity(target),
        None => NOBODY,
    };
    let own = target.facts.secret.arn.scope().account == side.identity.account;
    let granted = if own {
        by_policy.unbounded.or(|| {
            let either = by_policy.direct.or(|| side.policies.allows(target));
            either.and(|| side.boundary_allows(target))
        })
    } else {
        let from_there = by_policy.direct.or(|| by_policy.account);
        from_there
            .and(|| side.policies.allows(target))
            .and(|| side.boundary_allows(target))
    };
    granted
        .and(|| controls.allow(target))
        .and(|| side.denies(target).negated())
        .and(|| controls.deny(target).negated())
        .and(|| match policy {
            Some(policy) => policy.denies_identity(target).negated(),
            None => Truth::Yes,
        })
}

const NOBODY: PrincipalMatch = PrincipalMatch {
    direct: Truth::No,
    unbounded: Truth::No,
    account: Truth::No,
};

/// The key of a secret, as far as it is known.
#[derive(Debug)]
pub(super) enum KeySide<'a> {
    /// The AWS managed key of Secrets Manager: whoever of the account may read the secret may use it through Secrets
    /// Manager, and nobody of another account (AWS user guide, "Secret encryption and decryption").
    Managed,
    /// A customer-managed key.
    Customer {
        /// Its policy. `None`: not given.
        policy: Option<&'a Chosen<'a>>,
        grants: &'a [KeyGrant],
        /// `true` if the key belongs to the account of the identity.
        own: bool,
    },
}

/// Returns whether the key of a secret may be used to read it. `target` is the key.
pub(super) fn on_key(
    side: &IdentitySide<'_>,
    key: &KeySide<'_>,
    controls: ControlSides<'_>,
    target: &Target<'_>,
) -> Truth {
    let secret = &target.facts.secret.arn;
    let granted = match key {
        KeySide::Managed => Truth::from(secret.scope().account == side.identity.account),
        KeySide::Customer { policy: None, .. } => {
            Truth::unclear("the policy of the key, which is not given")
        }
        KeySide::Customer {
            policy: Some(policy),
            grants,
            own,
        } => {
            let by_policy = policy.allows_identity(target);
            let by_identity = || side.policies.allows(target);
            let granted = if *own {
                let PrincipalMatch {
                    direct,
                    unbounded,
                    account,
                } = by_policy;
                unbounded.or(|| {
                    // Without a statement for the account, identity policies grant nothing on a key.
                    let either = direct.or(|| account.and(by_identity));
                    either.and(|| side.boundary_allows(target))
                })
            } else {
                let from_there = by_policy.direct.or(|| by_policy.account);
                from_there
                    .and(by_identity)
                    .and(|| side.boundary_allows(target))
            };
            granted.or(|| by_grants(grants, side, *own, target))
        }
    };
    granted
        .and(|| controls.allow(target))
        .and(|| side.denies(target).negated())
        .and(|| controls.deny(target).negated())
        .and(|| match key {
            KeySide::Customer {
                policy: Some(policy),
                ..
            } => policy.denies_identity(target).negated(),
            _ => Truth::Yes,
        })
}

/// Returns whether a grant allows it.
fn by_grants(
    grants: &[KeyGrant],
    side: &IdentitySide<'_>,
    own: bool,
    target: &Target<'_>,
) -> Truth {
    let secret = target.facts.secret.arn.as_str();
    let mine = grants.iter().filter(|grant| {
        let fits = grant.secret.as_deref().is_none_or(|named| named == secret);
        grant.decrypts && fits && grant.grantee == side.identity.arn
    });
    Truth::any(mine.map(|grant| {
        let sure = own && side.boundary.is_none();
        match (grant.demands_more, sure) {
            (true, _) => Truth::depends_on("kms:EncryptionContext"),
            (false, true) => Truth::Yes,
            // Whether a boundary, or the other account's policies, limit a grant is not documented.
            (false, false) => Truth::unclear("a grant across accounts or beside a boundary"),
        }
    }))
}
