//! Causes of failed reads, as the error messages state them.

use crate::domain::trail::calls::CallOutcome;
use crate::domain::trail::event::RecordKind;

use super::slice::ActivitySlice;

/// The cause of a failed read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureCause {
    /// No policy of the caller allows it, or one denies it.
    IdentityPolicy,
    /// The policy of the secret.
    ResourcePolicy,
    /// A service control policy or resource control policy of the organization.
    OrganizationPolicy,
    /// A permissions boundary.
    PermissionsBoundary,
    /// The policy of the caller's session.
    SessionPolicy,
    /// The policy of a VPC endpoint.
    EndpointPolicy,
    /// A denial that does not say by what.
    Denied,
    /// The key.
    Key,
    /// There is no such secret.
    NoSecret,
    /// There is no such version.
    NoVersion,
    /// The secret is scheduled for deletion.
    PendingDeletion,
    /// Too many requests.
    Throttled,
    /// A parameter that no secret has, such as a name with a space in it.
    WrongParameter,
    /// Any other error.
    Other,
}

impl FailureCause {
    /// The cause of the calls of a line, by its outcome and the message that stands for them; `None`: they succeeded.
    ///
    /// AWS names the type of the policy in the message (IAM User Guide, "Troubleshoot access denied error messages").
    pub fn of(slice: &ActivitySlice<'_>) -> Option<Self> {
        let message = slice.access.sample.as_deref().unwrap_or_default();
        Some(match slice.access.outcome {
            CallOutcome::Ok => return None,
            CallOutcome::Denied if slice.access.kind == RecordKind::EndpointDenial => {
                Self::EndpointPolicy
            }
            CallOutcome::Denied => Self::of_denial(message),
            CallOutcome::KmsDenied => Self::Key,
            CallOutcome::NotFound if is_of_version(message) => Self::NoVersion,
            CallOutcome::NotFound => Self::NoSecret,
            CallOutcome::Pending => Self::PendingDeletion,
            CallOutcome::Throttled => Self::Throttled,
            CallOutcome::Invalid => Self::WrongParameter,
            CallOutcome::Failed => Self::Other,
        })
    }

    fn of_denial(message: &str) -> Self {
        let types = [
            ("VPC endpoint policy", Self::EndpointPolicy),
            ("service control policy", Self::OrganizationPolicy),
            ("resource control policy", Self::OrganizationPolicy),
            ("permissions boundary", Self::PermissionsBoundary),
            ("session policy", Self::SessionPolicy),
            ("resource-based policy", Self::ResourcePolicy),
            ("identity-based policy", Self::IdentityPolicy),
        ];
        // What follows the resource is AWS's own text; the name of a role or secret could hold any of these words.
        let (_, reason) = message.rsplit_once(" on resource: ").unwrap_or_default();
        let (_, reason) = reason.split_once(' ').unwrap_or_default();
        let named = types.into_iter().find(|(name, _)| reason.contains(name));
        named.map_or(Self::Denied, |(_, cause)| cause)
    }

    /// Returns what happened, as part of a sentence: "312 reads were ...".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::IdentityPolicy => "denied by the policies of the role or user",
            Self::ResourcePolicy => "denied by the resource policy of the secret",
            Self::OrganizationPolicy => "denied by a policy of the organization (SCP or RCP)",
            Self::PermissionsBoundary => "denied by a permissions boundary",
            Self::SessionPolicy => "denied by the policy of the session",
            Self::EndpointPolicy => "denied by the policy of a VPC endpoint",
            Self::Denied => CallOutcome::Denied.in_words(),
            Self::Key => CallOutcome::KmsDenied.in_words(),
            Self::NoSecret => CallOutcome::NotFound.in_words(),
            Self::NoVersion => "for a version that is not there",
            Self::PendingDeletion => CallOutcome::Pending.in_words(),
            Self::Throttled => CallOutcome::Throttled.in_words(),
            Self::WrongParameter => CallOutcome::Invalid.in_words(),
            Self::Other => CallOutcome::Failed.in_words(),
        }
    }

    /// Returns whether the next call may succeed without anybody's doing.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Other)
    }
}

/// Returns whether a message of `ResourceNotFoundException` speaks of a version or a staging label of a secret that is
/// there.
fn is_of_version(message: &str) -> bool {
    message.contains("staging label")
        || message.contains("VersionId")
        || message.contains("secret value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_told_by_the_type_of_policy_and_not_by_a_name() {
        for (message, cause) in [
            (
                "User: u is not authorized to perform: secretsmanager:GetSecretValue on resource: db because no \
                 identity-based policy allows the secretsmanager:GetSecretValue action",
                FailureCause::IdentityPolicy,
            ),
            (
                "User: u is not authorized to perform: x on resource: db with an explicit deny in a service control policy",
                FailureCause::OrganizationPolicy,
            ),
            (
                "User: u is not authorized to perform: x on resource: db because no VPC endpoint policy allows the x action",
                FailureCause::EndpointPolicy,
            ),
            (
                "User: u is not authorized to perform: x on resource: db with an explicit deny in a resource-based policy",
                FailureCause::ResourcePolicy,
            ),
            (
                "User: session policy is not authorized to perform: x on resource: permissions-boundary",
                FailureCause::Denied,
            ),
            ("", FailureCause::Denied),
        ] {
            assert_eq!(FailureCause::of_denial(message), cause, "{message}");
        }
    }
}
