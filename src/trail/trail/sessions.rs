//! How the name of a session came about, by its form.
//!
//! A session is named by whoever assumes the role. Some name it after themselves, and the name stays from call to call.
//! SDKs and the AWS CLI make a name up for each process or for each renewal of credentials, and platforms take the id
//! of whatever they start. Such names distinguish calls, not callers: there may be as many as calls. So the ledger does
//! not keep them all: of a `SessionFamily` with many names it keeps a few.
//!
//! The form alone decides nothing: whether a made-up name stands for a client that stays is seen in the calls
//! (`judging::loops`). Which program calls is said in `usage::classify`.
//!
//! Sources: the source code of the SDKs (botocore `credentials.py`; `stscreds` of the SDKs for Go; the token providers of
//! the SDKs for Java, JavaScript, .NET and Rust), and the documentation of ECS, EC2, AWS `CodeBuild` and Kubernetes.

use std::fmt;

/// The way in which the name of a session came about.
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

/// At least so many digits at the end, with separators between them, make a time.
const TIME_DIGITS: usize = 8;

/// The names that are made up alike: they have the same start and the same form. Of one family, names differ in their
/// made-up part alone, so that any of them shows what all of them show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionFamily<'n> {
    /// The text before the made-up part; may be empty.
    pub start: &'n str,
    /// The kind of the made-up part.
    pub origin: SessionOrigin,
}

/// The kind of the made-up part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SessionOrigin {
    /// The time at which a process started.
    Process = 1,
    /// The id of an ECS task.
    Task,
    /// The id of an EC2 instance.
    Instance,
    /// The id of a build.
    Build,
    /// The random ends of the name of a pod.
    Pod,
    /// Anything else: a time, a UUID, letters and digits at random.
    Random,
}

impl SessionOrigin {
    fn form(self) -> SessionForm {
        match self {
            Self::Process => SessionForm::Process,
            Self::Task | Self::Instance | Self::Build | Self::Pod => SessionForm::Start,
            Self::Random => SessionForm::Renewed,
        }
    }
}

impl<'n> SessionFamily<'n> {
    /// The family of a name; `None`: somebody chose it.
    pub fn of(name: &'n str) -> Option<Self> {
        let is_time = |text: &str| text.len() >= SECONDS_DIGITS && is_digits(text);
        let after = |prefix: &&str| name.strip_prefix(*prefix);
        let process = PROCESSES
            .iter()
            .filter_map(after)
            .find(|rest| is_time(rest));
        let (offset, origin) = if let Some(time) = process {
            (name.len() - time.len(), SessionOrigin::Process)
        } else if is_task(name) {
            (0, SessionOrigin::Task)
        } else if is_instance(name) {
            (INSTANCE.len(), SessionOrigin::Instance)
        } else if is_build(name) {
            (BUILD.len(), SessionOrigin::Build)
        } else if let Some(offset) = pod_ends(name) {
            (offset, SessionOrigin::Pod)
        } else {
            let is_renewal = RENEWALS
                .iter()
                .filter_map(after)
                .any(|rest| rest.bytes().any(|byte| byte.is_ascii_digit()));
            if !(is_renewal || is_time(name) || ends_in_a_time(name) || ends_at_random(name)) {
                return None;
            }
            (first_with_digits(name), SessionOrigin::Random)
        };
        Some(Self {
            start: &name[..offset],
            origin,
        })
    }

    /// Returns whether an SDK or the AWS CLI makes such names up.
    pub fn is_of_sdk(self) -> bool {
        let mut starts = PROCESSES.iter().chain(&RENEWALS);
        starts.any(|start| self.start.starts_with(start))
    }
}

/// Session names that people wrote into the policy as the sign of a caller: whoever has one has to be known by it.
#[derive(Default)]
pub enum KeptNames {
    /// None of them.
    #[default]
    None,
    /// Those of which this is true.
    Some(Box<dyn Fn(&str) -> bool + Send + Sync>),
    /// Every name.
    All,
}

impl KeptNames {
    /// Returns whether a name is one of them.
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Some(is_kept) => is_kept(name),
            Self::All => true,
        }
    }
}

impl fmt::Debug for KeptNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Some(_) => "Some(..)",
            Self::All => "All",
        })
    }
}

impl SessionForm {
    /// The form of a name.
    pub fn of(name: &str) -> Self {
        SessionFamily::of(name).map_or(Self::Given, |family| family.origin.form())
    }

    /// Returns whether nobody chose the name.
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

/// Returns whether this is the id of an ECS task: 32 hexadecimal digits.
pub fn is_task(name: &str) -> bool {
    name.len() == 32 && is_hex(name)
}

/// The beginning of the id of an EC2 instance.
const INSTANCE: &str = "i-";

/// Returns whether this is the id of an EC2 instance.
pub fn is_instance(name: &str) -> bool {
    let id = name.strip_prefix(INSTANCE);
    id.is_some_and(|id| matches!(id.len(), 8 | 17) && is_hex(id))
}

/// The beginning of the name of a session of AWS `CodeBuild`.
const BUILD: &str = "AWSCodeBuild-";

fn is_build(name: &str) -> bool {
    name.strip_prefix(BUILD).is_some_and(is_uuid)
}

/// Returns where the random ends of the name of a pod begin: `<deployment>-<hash of the template>-<five random letters>`,
/// or of a cron job `<name>-<time in minutes>-<five random letters>`. `None`: it is no such name.
fn pod_ends(name: &str) -> Option<usize> {
    let random = |text: &str| text.chars().all(|letter| POD_LETTERS.contains(letter));
    let (rest, own) = name.rsplit_once('-')?;
    let (before, template) = rest.rsplit_once('-')?;
    let is_pod = own.len() == 5
        && random(own)
        && (8..=10).contains(&template.len())
        && (random(template) || is_digits(template));
    is_pod.then(|| before.len() + 1)
}

/// The runs of letters and digits in a name, each with its offset.
fn runs(name: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    let is_between = |letter: char| !letter.is_ascii_alphanumeric();
    name.split_inclusive(is_between).map(move |piece| {
        let here = offset;
        offset += piece.len();
        (here, piece.trim_end_matches(is_between))
    })
}

/// Returns the offset of the first letters and digits that hold a digit.
fn first_with_digits(name: &str) -> usize {
    let has_digits = |(_, run): &(usize, &str)| run.bytes().any(|byte| byte.is_ascii_digit());
    runs(name).find(has_digits).map_or(0, |(offset, _)| offset)
}

/// Returns whether the name ends in digits with no more than the separators of a time between them:
/// `2026-11-01T09:30:00Z`, or the number of a run and of its attempt.
fn ends_in_a_time(name: &str) -> bool {
    let is_of_time = |byte: &u8| byte.is_ascii_digit() || b"-:._TZ".contains(byte);
    let end = name.bytes().rev().take_while(is_of_time);
    end.filter(u8::is_ascii_digit).count() >= TIME_DIGITS
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex)
}

/// Returns whether the name ends in a UUID, in a long number, or in letters and digits at random.
fn ends_at_random(name: &str) -> bool {
    let uuid = name.len().checked_sub(36).and_then(|at| name.get(at..));
    if uuid.is_some_and(is_uuid) {
        return true;
    }
    let last = runs(name).last().map_or("", |(_, run)| run);
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
            ("aws-sdk-rust-1793491190123", Renewed),
            ("aws-sdk-php-1793491190", Renewed),
            ("aws-dotnet-sdk-session-638974563901234567", Renewed),
            ("web-identity-token-1793491190123", Renewed),
            ("GitHubActions-12345678901", Renewed),
            ("GitHubActions-12345678901-1", Renewed),
            ("sync-2026-11-01T09-30-00Z", Renewed),
            ("import-20261101T093000Z", Renewed),
            ("nightly-29891520-x7k2p", Start),
            ("ZjQ5YTk3M2UtNGQwYS00", Renewed),
            ("nightly-import-proxy", Given),
            ("ip-10-0-1-23", Given),
            ("importer-k3J9xQ2mZp", Renewed),
            ("überlang-ä", Given),
        ] {
            assert_eq!(SessionForm::of(name), form, "{name}");
        }
    }

    #[test]
    fn families_are_told_by_what_is_not_made_up() {
        for (name, start, origin) in [
            (
                "botocore-session-1793491190",
                "botocore-session-",
                SessionOrigin::Process,
            ),
            (
                "aws-sdk-js-session-1793491190123",
                "aws-sdk-js-session-",
                SessionOrigin::Random,
            ),
            ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "", SessionOrigin::Task),
            ("i-0123456789abcdef0", "i-", SessionOrigin::Instance),
            ("orders-7d9f8b6c5d-x2x4q", "orders-", SessionOrigin::Pod),
            (
                "eks-prod-orders-01234567-89ab-4cde-8f01-23456789abcd",
                "eks-prod-orders-",
                SessionOrigin::Random,
            ),
            (
                "GitHubActions-12345678901-1",
                "GitHubActions-",
                SessionOrigin::Random,
            ),
            ("sync-2026-11-01T09-30-00Z", "sync-", SessionOrigin::Random),
            ("ü-4f2a9c1b", "ü-", SessionOrigin::Random),
        ] {
            let family = SessionFamily::of(name).unwrap();
            assert_eq!((family.start, family.origin), (start, origin), "{name}");
        }
        assert_eq!(SessionFamily::of("worker"), None);
    }
}
