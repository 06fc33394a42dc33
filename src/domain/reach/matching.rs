//! Whom the `Principal` of a statement means (IAM user guide, "AWS JSON policy elements: Principal").

use super::document::Principals;
use super::iam_data::{IamIdentity, IdentityKind};
use super::truth::Truth;

/// The ways in which a statement means an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrincipalMatch {
    /// By its ARN, its id, the ARN of a session, or as one of everybody.
    pub(super) direct: Truth,
    /// So that an implicit denial of the permissions boundary does not limit what is granted: the ARN of a user, of a
    /// session, or everybody; not the ARN of a role (IAM user guide, "Permissions boundaries").
    pub(super) unbounded: Truth,
    /// By its account, which decides for its identities.
    pub(super) account: Truth,
}

impl PrincipalMatch {
    const NONE: Self = Self {
        direct: Truth::No,
        unbounded: Truth::No,
        account: Truth::No,
    };

    fn or(self, other: Self) -> Self {
        Self {
            direct: self.direct.or(|| other.direct),
            unbounded: self.unbounded.or(|| other.unbounded),
            account: self.account.or(|| other.account),
        }
    }

    /// In any way.
    pub(super) fn at_all(&self) -> Truth {
        self.direct.clone().or(|| self.account.clone())
    }
}

/// Returns how a statement's principals mean an identity. Without any it means nobody.
pub(super) fn matched(principals: Option<&Principals>, identity: &IamIdentity) -> PrincipalMatch {
    let Some(principals) = principals else {
        return PrincipalMatch::NONE;
    };
    let mut found = PrincipalMatch::NONE;
    for (kind, name) in &principals.named {
        found = found.or(named(kind, name, identity));
    }
    if principals.not {
        return opposite(&found, identity);
    }
    found
}

/// Returns how `NotPrincipal` means an identity. Who is to be left out has to be listed with all that it acts as: its
/// account, its ARN, and for a role each session (IAM user guide, `NotPrincipal`). Whether less leaves it out is not
/// documented.
fn opposite(listed: &PrincipalMatch, identity: &IamIdentity) -> PrincipalMatch {
    let applies = if listed.at_all().is_no() {
        Truth::Yes
    } else if match identity.kind {
        IdentityKind::User => listed.direct.is_yes() && listed.account.is_yes(),
        // As one of everybody: a session alone is one of many.
        IdentityKind::Role => listed.unbounded.is_yes(),
    } {
        Truth::No
    } else {
        Truth::unclear("`NotPrincipal` that lists a part of what it acts as")
    };
    PrincipalMatch {
        direct: applies.clone(),
        unbounded: applies,
        account: Truth::No,
    }
}

fn named(kind: &str, name: &str, identity: &IamIdentity) -> PrincipalMatch {
    match kind {
        "*" | "AWS" if name == "*" => PrincipalMatch {
            direct: Truth::Yes,
            unbounded: Truth::Yes,
            account: Truth::No,
        },
        "AWS" => aws(name, identity),
        // Services and identities of other providers: no role and no user.
        "Service" | "Federated" | "CanonicalUser" => PrincipalMatch::NONE,
        _ => {
            let unclear = Truth::unclear(format!("the kind of principal `{kind}`"));
            PrincipalMatch {
                direct: unclear.clone(),
                unbounded: unclear,
                account: Truth::No,
            }
        }
    }
}

fn aws(name: &str, identity: &IamIdentity) -> PrincipalMatch {
    let itself = |how: Truth, unbounded: bool| PrincipalMatch {
        unbounded: if unbounded { how.clone() } else { Truth::No },
        direct: how,
        account: Truth::No,
    };
    let is_user = identity.kind == IdentityKind::User;
    if name == identity.arn || !identity.id.is_empty() && name == identity.id {
        return itself(Truth::Yes, is_user);
    }
    let own = identity.account.as_str();
    if name == own {
        return of_account();
    }
    let mut parts = name.splitn(6, ':');
    let service = parts.nth(2);
    let account = parts.nth(1);
    let resource = parts.next().unwrap_or_default();
    match service {
        _ if name.contains(['*', '?']) => {
            itself(Truth::unclear(format!("the principal `{name}`")), true)
        }
        Some("iam") if account == Some(own) && resource == "root" => of_account(),
        Some("sts") if account == Some(own) && !is_user => {
            let session = resource.strip_prefix("assumed-role/");
            let role = session.and_then(|session| session.split('/').next());
            if role == Some(&identity.name) {
                itself(Truth::depends_on("sts:RoleSessionName"), true)
            } else {
                PrincipalMatch::NONE
            }
        }
        _ => PrincipalMatch::NONE,
    }
}

fn of_account() -> PrincipalMatch {
    PrincipalMatch {
        account: Truth::Yes,
        ..PrincipalMatch::NONE
    }
}
