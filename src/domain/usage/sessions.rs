//! How the name of a session came about, by its form.
//!
//! A session is named by whoever assumes the role. Some name it after themselves, and the name stays from call to call.
//! SDKs and the AWS CLI make a name up for each process or for each renewal of credentials, and platforms take the id
//! of whatever they start. Such names tell calls apart, not callers.
//!
//! The form alone decides nothing: whether a made-up name stands for a client that stays is seen in the calls
//! (`judging::loops`). Which program calls is said in [`crate::domain::usage::classify`].
//!
//! Sources: the source code of the SDKs (botocore `credentials.py`; `stscreds` of the SDKs for Go; the token providers of
//! the SDKs for Java, JavaScript, .NET and Rust), and the documentation of ECS, EC2, AWS `CodeBuild` and Kubernetes.

/// How the name of a session came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionForm {
    /// Somebody chose it: a function, a pipeline, a person. Also no session at all.
    Given,
    /// An SDK or the AWS CLI made it up when a process started.
    Process,
    /// It was made up for a process or for a renewal of credentials, which comes about once an hour: the name does not
    /// say which.
    Renewed,
    /// The id of something that was started: an ECS task, an EC2 instance, a pod, a build.
    Start,
}

/// Prefixes before the time at which a process started.
const PROCESSES: [&str; 2] = ["botocore-session-", "AWS-CLI-session-"];

/// Prefixes of names that SDKs make up anew when they renew their credentials.
const RENEWALS: [&str; 5] = [
    "aws-sdk-",
    "aws-go-sdk-",
    "aws-dotnet-sdk-session-",
    "web-identity-token-",
    "eks-",
];

/// The letters and digits of which Kubernetes makes the random ends of names.
const POD_LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The number of digits of a time since 1970 in seconds.
const SECONDS_DIGITS: usize = 10;

/// At least so many letters and digits make a random part.
const RANDOM_LENGTH: usize = 8;

impl SessionForm {
    /// The form of a name.
    pub fn of(name: &str) -> Self {
        let is_time = |text: &str| text.len() >= SECONDS_DIGITS && is_digits(text);
        let after = |prefix: &&str| name.strip_prefix(*prefix);
        if PROCESSES.iter().filter_map(after).any(is_time) {
            return Self::Process;
        }
        if is_task(name) || is_instance(name) || is_build(name) || is_pod(name) {
            return Self::Start;
        }
        let is_renewal = RENEWALS
            .iter()
            .filter_map(after)
            .any(|rest| rest.bytes().any(|byte| byte.is_ascii_digit()));
        if is_renewal || is_time(name) || ends_at_random(name) {
            return Self::Renewed;
        }
        Self::Given
    }

    /// Whether nobody chose the name.
    pub fn is_made_up(self) -> bool {
        self != Self::Given
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether this is the id of an ECS task: 32 hexadecimal digits.
pub(crate) fn is_task(name: &str) -> bool {
    name.len() == 32 && is_hex(name)
}

/// Whether this is the id of an EC2 instance.
pub(crate) fn is_instance(name: &str) -> bool {
    let id = name.strip_prefix("i-");
    id.is_some_and(|id| matches!(id.len(), 8 | 17) && is_hex(id))
}

fn is_build(name: &str) -> bool {
    name.strip_prefix("AWSCodeBuild-").is_some_and(is_uuid)
}

/// Whether this is the name of a pod of a deployment: `<deployment>-<hash of the template>-<five random letters>`.
fn is_pod(name: &str) -> bool {
    let random = |text: &str| text.chars().all(|letter| POD_LETTERS.contains(letter));
    let Some((rest, own)) = name.rsplit_once('-') else {
        return false;
    };
    let Some((_, template)) = rest.rsplit_once('-') else {
        return false;
    };
    own.len() == 5 && random(own) && (8..=10).contains(&template.len()) && random(template)
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex)
}

/// Whether the name ends in a UUID, in a long number, or in letters and digits at random.
fn ends_at_random(name: &str) -> bool {
    let uuid = name.len().checked_sub(36).and_then(|at| name.get(at..));
    if uuid.is_some_and(is_uuid) {
        return true;
    }
    let last = name
        .rsplit(|letter: char| !letter.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let digits = last.bytes().filter(u8::is_ascii_digit).count();
    last.len() >= RANDOM_LENGTH
        && (is_digits(last) || is_hex(last) && digits > 0 || digits > 1 && last.len() - digits > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_their_form() {
        use SessionForm::{Given, Process, Renewed, Start};
        for (name, form) in [
            ("", Given),
            ("checkout-api", Given),
            ("ada@example.com", Given),
            ("plan-production", Given),
            ("AmazonMWAA-airflow", Given),
            ("external-secrets-provider-aws", Given),
            ("GitHubActions", Given),
            ("run-17", Given),
            ("app/worker", Given),
            ("botocore-session-1793491190", Process),
            ("AWS-CLI-session-1793491190", Process),
            ("botocore-session-", Given),
            ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", Start),
            ("i-0123456789abcdef0", Start),
            ("AWSCodeBuild-01234567-89ab-4cde-8f01-23456789abcd", Start),
            ("orders-7d9f8b6c5d-x2x4q", Start),
            ("aws-sdk-js-session-1793491190123", Renewed),
            ("aws-sdk-java-1793491190123", Renewed),
            ("aws-go-sdk-1793491190123456789", Renewed),
            ("1793491190123456789", Renewed),
            (
                "eks-prod-orders-01234567-89ab-4cde-8f01-23456789abcd",
                Renewed,
            ),
            ("01234567-89ab-4cde-8f01-23456789abcd", Renewed),
            ("job-20261101093000", Renewed),
            ("worker-4f2a9c1b", Renewed),
            ("importer-k3J9xQ2mZp", Renewed),
            ("überlang-ä", Given),
        ] {
            assert_eq!(SessionForm::of(name), form, "{name}");
        }
    }
}
