//! The signs by which a caller is recognised, and whether a caller shows one.
//!
//! Which sign means which reader is said in the table above, not here.

use crate::domain::trail::calls::Caller;
use crate::domain::trail::sessions::{is_instance, is_task};

/// One sign by which a caller is recognised.
#[derive(Clone, Copy, Debug)]
pub enum Sign {
    /// The user agent names this product: a word of it, outside of brackets, is this or begins with this and a slash,
    /// whatever the case. Written in lower case. A name inside another word (`app/terraform-registry`) is no sign.
    Product(&'static str),
    /// A word of the user agent, outside of brackets, begins with this, whatever the case. Written in lower case.
    Word(&'static str),
    /// The user agent begins with this, whatever the case. Written in lower case.
    Agent(&'static str),
    /// The session name starts with this.
    Session(&'static str),
    /// The name of the role contains this, whatever the case. Written in lower case. Only for kinds of consumers: a name
    /// must not hide one.
    Role(&'static str),
    /// The role is this service-linked role of AWS.
    ServiceRole(&'static str),
    /// The call was made by this AWS service (`invokedBy`, or the service's name as address or user agent).
    Service(&'static str),
    /// Any AWS service.
    AnyService,
    /// The session name is an EC2 instance id, or the credentials are an instance profile's.
    Instance,
    /// The session name is the id of an ECS task: 32 hexadecimal digits.
    Task,
    /// Credentials of a web identity (IRSA).
    WebIdentity,
    /// From the console: a browser, or credentials of a console session.
    Console,
    /// The root user of the account.
    Root,
}

impl Sign {
    /// Returns whether a user agent shows this sign, whoever sends it. `agent` is in lower case, and `words` are its words
    /// outside of brackets.
    pub(crate) fn fits_agent(self, agent: &str, words: &[&str]) -> bool {
        match self {
            Self::Product(name) => words.iter().any(|word| {
                word.strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
            Self::Word(start) => words.iter().any(|word| word.starts_with(start)),
            Self::Agent(start) => agent.starts_with(start),
            // AWS writes this for its services and for its console; a console session says so itself.
            Self::AnyService => agent.starts_with("aws internal"),
            Self::Console => {
                agent.starts_with("mozilla/") || agent.contains("console.amazonaws.com")
            }
            _ => false,
        }
    }

    /// Returns whether a caller shows this sign by anything but its user agent. `role` is the name of its role in lower
    /// case.
    pub(crate) fn fits_caller(self, caller: &Caller, role: &str) -> bool {
        match self {
            Self::Product(_) | Self::Word(_) | Self::Agent(_) => false,
            Self::ServiceRole(name) => role == name,
            Self::Session(start) => caller.session.starts_with(start),
            Self::Role(part) => role.contains(part),
            Self::Service(name) => service_of(caller) == name,
            Self::AnyService => {
                caller.identity_type == "AWSService"
                    || !caller.invoked_by.is_empty()
                    || service_of(caller).ends_with(".amazonaws.com")
            }
            Self::Instance => caller.ec2_delivered || is_instance(&caller.session),
            Self::Task => is_task(&caller.session),
            Self::WebIdentity => caller.web_federated,
            Self::Console => caller.from_console,
            Self::Root => caller.identity_type == "Root",
        }
    }
}

/// The words of a user agent that stand outside of brackets: products with their versions, by the convention of all SDKs.
pub(crate) fn words(agent: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    agent
        .split_inclusive(|letter: char| {
            letter == '(' || letter == ')' || letter == '[' || letter == ']'
        })
        .filter_map(move |piece| {
            let inside = depth > 0;
            match piece.chars().last() {
                Some('(' | '[') => depth += 1,
                Some(')' | ']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            (!inside).then(|| piece.trim_end_matches(['(', ')', '[', ']']))
        })
        .flat_map(str::split_whitespace)
}

/// Returns whether a service calls by itself: no role or user stands behind the call.
pub(crate) fn is_service_itself(caller: &Caller) -> bool {
    caller.identity_type == "AWSService" || !caller.identity.starts_with("arn:")
}

/// The AWS service that called: `invokedBy`, else the address or the user agent where a service's name stands there.
pub(crate) fn service_of(caller: &Caller) -> &str {
    let is_service = |text: &&str| text.ends_with(".amazonaws.com") && !text.contains(' ');
    [
        caller.invoked_by.as_str(),
        &caller.source_service,
        &caller.user_agent,
    ]
    .into_iter()
    .find(is_service)
    .unwrap_or("AWS service")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_whole_words_outside_of_brackets() {
        let terraform = "apn/1.0 hashicorp/1.0 terraform/1.7.4 (+https://www.terraform.io)";
        for (sign, agent, fits) in [
            (Sign::Product("terraform"), terraform, true),
            (
                Sign::Product("terraform"),
                "boto3/1.34 app/terraform-registry",
                false,
            ),
            (
                Sign::Product("terraform"),
                "boto3/1.34 (terraform/1.7)",
                false,
            ),
            (
                Sign::Product("terraform"),
                "aws-sdk-go/1.44 (go1.19; linux) terraform",
                true,
            ),
            (Sign::Product("redlock"), "redlock-orders/2.0", false),
            (Sign::Product("c7n"), "aws-sdk-go/1.44 abc7nx", false),
            (
                Sign::Product("app/secretsweep"),
                "aws-sdk-rust/1.3 app/secretsweep-orders",
                false,
            ),
            (
                Sign::Product("app/secretsweep"),
                "aws-sdk-rust/1.3 app/secretsweep",
                true,
            ),
            (
                Sign::Word("exec-env/aws_ecs"),
                "boto3/1.34 exec-env/aws_ecs_fargate",
                true,
            ),
        ] {
            assert_eq!(
                sign.fits_agent(agent, &words(agent).collect::<Vec<_>>()),
                fits,
                "{sign:?} {agent}"
            );
        }
    }
}
