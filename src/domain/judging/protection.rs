//! What forbids deleting a secret whatever the scan found: asked again of each secret right before it is deleted.

use crate::domain::inventory::secret::Secret;
use crate::domain::judging::facts::{Evidence, Indirect, RegionFacts, SecretFacts};
use crate::domain::judging::rules::judge;
use crate::domain::policy::Policy;
use crate::domain::report::verdict::RuleCode;
use crate::domain::usage::activity::Readers;

/// The rules that look at nothing but the secret and the policy, and forbid deleting it here.
const CODES: &[RuleCode] = &[
    RuleCode::ServiceManaged,
    RuleCode::Replica,
    RuleCode::ProtectedName,
    RuleCode::ProtectedTag,
    RuleCode::ProtectedUntil,
    RuleCode::IacManaged,
    RuleCode::CrossAccount,
];

/// Returns why the secret must not be deleted at `now`; `None` if no rule forbids it.
pub fn protection(secret: &Secret, policy: &Policy, now: jiff::Timestamp) -> Option<String> {
    let nobody = Readers::new();
    let case = SecretFacts {
        secret,
        policy,
        now,
        own: RegionFacts {
            region: secret.arn.scope().region.clone(),
            last_accessed: secret.last_accessed,
            readers: &nobody,
        },
        replicas: Vec::new(),
        evidence: Evidence::Partial(String::new()),
        replicas_known: true,
        ambiguous: 0,
        indirect: Indirect::default(),
    };
    let reasons = judge(&case).reasons;
    reasons
        .into_iter()
        .find(|reason| CODES.contains(&reason.code))
        .map(|reason| reason.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_foreign_and_managed_secrets_are_forbidden_and_others_are_not() {
        let policy = Policy::parse("[protect]\nnames = [\"dr/*\"]").unwrap();
        let now: jiff::Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let secret = |name: &str, tag: &str, value: &str| {
            let arn =
                format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-AbC123");
            let mut secret = Secret::new(arn.parse().unwrap());
            secret.last_accessed = Some("2026-10-31".parse().unwrap());
            secret.tags.insert(tag.to_owned(), value.to_owned());
            secret
        };
        for (name, tag, value, forbidden) in [
            ("app", "team", "a", false),
            ("dr/app", "team", "a", true),
            ("app", "do-not-delete", "", true),
            ("app", "keep-until", "2026-12-01", true),
            ("app", "keep-until", "2026-10-01", false),
            ("app", "aws:cloudformation:stack-name", "web", true),
            ("app", "aws:secretsmanager:owningService", "rds", true),
            ("events!connection/x", "team", "a", true),
        ] {
            let found = protection(&secret(name, tag, value), &policy, now);
            assert_eq!(
                found.is_some(),
                forbidden,
                "{name} {tag}={value}: {found:?}"
            );
        }
        let mut replica = secret("app", "team", "a");
        replica.primary_region = Some("us-east-1".parse().unwrap());
        assert!(protection(&replica, &policy, now).is_some());
    }
}
