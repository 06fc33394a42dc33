//! Who reads: what a caller is, which program it is, and what to advise it.
//!
//! Fingerprints of the policy file come first, then the table of [`crate::domain::usage::fingerprints`]; what fits nothing is an application.
//! A user agent can be forged, so a fingerprint may only move a reader between kinds, never hide its calls from the cost.
//!
//! A rotation function is one for the secrets that it rotates, and a reader like any other for the rest
//! ([`RotationFunctions`]): the function that rotates the users of a database by turns logs in by a second secret, which
//! nobody else need read and without which it fails. Which those secrets are needs the calls as well as the caller, so it
//! is put together in [`crate::domain::usage::activity`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;

use crate::domain::base::names::SECRETS_MANAGER;
use crate::domain::base::reader_kind::{ReaderKind, name_of};
use crate::domain::policy::{OwnFingerprint, Policy};
use crate::domain::trail::calls::Caller;
use crate::domain::usage::fingerprints::{
    AgentSigns, Fingerprint, LIBRARY_S, Sign, ValueReads, is_service_itself, service_of,
};

/// The class of a caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// The kind of reader that it is.
    pub kind: ReaderKind,
    /// The program or platform, and its language where that is known. Policy text may stand in it.
    pub client: String,
    /// The cache time that we recommend, in seconds.
    pub cache_s: u32,
    /// The advice for when it calls too often.
    pub advice: String,
    /// The meaning of its reads of values.
    pub value_reads: ValueReads,
}

impl Class {
    /// The same caller, for a read of a value: a deploy that needs the value, or an audit tool that reads its own
    /// credential, is a consumer. `None`: it is what it is for every call.
    pub fn for_value_read(&self, by_version: bool) -> Option<Self> {
        let kind = match self.value_reads {
            ValueReads::Use(kind) => kind,
            ValueReads::UseUnlessByVersion(kind) if !by_version => kind,
            ValueReads::UseUnlessByVersion(_) | ValueReads::Maintenance => return None,
        };
        Some(Self {
            kind,
            ..self.clone()
        })
    }
}

/// The meaning of reads of values by a kind.
fn value_reads(kind: ReaderKind, refreshes_by_version: bool) -> ValueReads {
    match kind {
        ReaderKind::Iac if refreshes_by_version => {
            ValueReads::UseUnlessByVersion(ReaderKind::Deploy)
        }
        ReaderKind::Iac => ValueReads::Use(ReaderKind::Deploy),
        // Audit tools list and describe, and so do we. Whoever reads a value needs it.
        ReaderKind::Scanner | ReaderKind::Ourselves => ValueReads::Use(ReaderKind::Application),
        _ => ValueReads::Maintenance,
    }
}

/// The rotation functions of an inventory by (account, function name), each with the indexes of the secrets that name
/// it.
#[derive(Clone, Debug, Default)]
pub struct RotationFunctions(BTreeMap<(String, String), BTreeSet<usize>>);

impl RotationFunctions {
    /// Takes the indexes of secrets with their `RotationLambdaARN`:
    /// `arn:aws:lambda:<region>:<account>:function:<name>[:<alias>]`.
    pub fn new<'a>(functions: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut all = Self::default();
        for (index, arn) in functions {
            let mut parts = arn.split(':').skip(4);
            if let (Some(account), Some(_function), Some(name)) =
                (parts.next(), parts.next(), parts.next())
            {
                let key = (account.to_owned(), name.to_owned());
                all.0.entry(key).or_default().insert(index);
            }
        }
        all
    }

    /// The indexes of the secrets that name this caller as their function: a Lambda function's session bears its name.
    pub(crate) fn of(&self, caller: &Caller) -> Option<&BTreeSet<usize>> {
        if caller.session.is_empty() || caller.is_many {
            return None;
        }
        let key = (caller.account.clone(), caller.session.clone());
        self.0.get(&key)
    }
}

/// The fingerprint of the policy that fits.
fn own<'p>(caller: &Caller, policy: &'p Policy) -> Option<&'p OwnFingerprint> {
    policy.fingerprints.iter().find(|own| own.fits(caller))
}

/// Says what a caller is, for all secrets but those that it rotates: by the policy's fingerprints, by the table, else as
/// an application.
pub fn classify(caller: &Caller, policy: &Policy) -> Class {
    Classifier::new(policy).classify(caller, |_| false)
}

/// Says what callers are, one after another. It remembers what user agents show: there are far fewer of them than callers.
#[derive(Debug)]
pub struct Classifier<'p> {
    policy: &'p Policy,
    agents: HashMap<Box<str>, KnownAgent, FixedState>,
}

/// What a user agent shows.
#[derive(Clone, Copy, Debug)]
struct KnownAgent {
    signs: AgentSigns,
    language: Option<&'static Language>,
}

impl KnownAgent {
    fn of(agent: &str) -> Self {
        let agent = agent.to_ascii_lowercase();
        let mut languages = LANGUAGES.iter();
        Self {
            signs: AgentSigns::of(&agent),
            language: languages
                .find(|language| language.agents.iter().any(|sign| agent.contains(sign))),
        }
    }
}

impl<'p> Classifier<'p> {
    /// One that goes by this policy.
    pub fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            agents: HashMap::default(),
        }
    }

    fn agent(&mut self, agent: &str) -> KnownAgent {
        if let Some(known) = self.agents.get(agent) {
            return *known;
        }
        let known = KnownAgent::of(agent);
        self.agents.insert(agent.into(), known);
        known
    }

    /// As [`classify`], without the rows of some kinds.
    pub fn classify(&mut self, caller: &Caller, is_out: impl Fn(ReaderKind) -> bool) -> Class {
        // The service calls for the role: a batch is logged so for each of its secrets. The role is the reader.
        let by_role = service_of(caller) == SECRETS_MANAGER && !is_service_itself(caller);
        if by_role {
            let caller = Caller {
                invoked_by: String::new(),
                source_service: String::new(),
                user_agent: String::new(),
                ..caller.clone()
            };
            return self.classify(&caller, is_out);
        }
        if let Some(own) = own(caller, self.policy) {
            return of_policy(own);
        }
        let KnownAgent { signs, language } = self.agent(&caller.user_agent);
        let role = name_of(&caller.identity).to_ascii_lowercase();
        match signs.row(caller, &role, is_out) {
            Some(row) => of_row(row, caller, language),
            None => Class {
                kind: ReaderKind::Application,
                client: language
                    .map_or("unknown program", |language| language.name)
                    .to_owned(),
                cache_s: LIBRARY_S,
                advice: general_advice(language).to_owned(),
                value_reads: ValueReads::Maintenance,
            },
        }
    }

    /// Returns what a caller is for the secrets that name it as their rotation function. `None`: what it is for every
    /// secret, by the policy or because the calls are our own.
    pub(crate) fn as_rotation(&self, caller: &Caller, usual: &Class) -> Option<Class> {
        let decided = usual.kind == ReaderKind::Ourselves || own(caller, self.policy).is_some();
        (!decided).then(|| Class {
            kind: ReaderKind::Rotation,
            client: "rotation function".to_owned(),
            cache_s: LIBRARY_S,
            advice: "rotate less often".to_owned(),
            value_reads: ValueReads::Maintenance,
        })
    }

    /// Returns whether a caller may rotate without being named by any secret: an application in a session of Lambda.
    /// Whoever moves the stages of a secret by hand, with a key or in a shell, is no function, and what he reads he uses.
    pub(crate) fn may_rotate_unnamed(&mut self, caller: &Caller, usual: &Class) -> bool {
        usual.kind == ReaderKind::Application
            && !caller.session.is_empty()
            && self.agent(&caller.user_agent).signs.is_in_lambda
    }
}

/// The class that the policy file gives.
fn of_policy(own: &OwnFingerprint) -> Class {
    Class {
        kind: own.kind,
        client: own
            .client
            .clone()
            .unwrap_or_else(|| own.kind.as_str().to_owned()),
        cache_s: own.cache_s.unwrap_or(LIBRARY_S),
        advice: own
            .advice
            .clone()
            .unwrap_or_else(|| GENERAL_ADVICE.to_owned()),
        // The policy file says what all calls of this caller are.
        value_reads: ValueReads::Maintenance,
    }
}

fn general_advice(language: Option<&Language>) -> &'static str {
    language.map_or(GENERAL_ADVICE, |language| language.advice)
}

fn of_row(row: &Fingerprint, caller: &Caller, language: Option<&Language>) -> Class {
    let with_language = row.kind == ReaderKind::Application && !caller.user_agent.is_empty();
    let client = match language {
        Some(language) if with_language && language.name != "SDK" => {
            format!("{}, {}", row.client, language.name)
        }
        _ if matches!(row.signs, [Sign::AnyService]) => service_of(caller).to_owned(),
        _ => row.client.to_owned(),
    };
    let advice = if row.advice.is_empty() {
        general_advice(language)
    } else {
        row.advice
    };
    Class {
        kind: row.kind,
        client,
        cache_s: row.cache_s,
        advice: advice.to_owned(),
        value_reads: value_reads(row.kind, row.refreshes_by_version),
    }
}

/// The language of an SDK, and what caches for it.
#[derive(Debug)]
struct Language {
    agents: &'static [&'static str],
    name: &'static str,
    advice: &'static str,
}

/// SDKs by their user agents. The caching libraries are AWS's own.
const LANGUAGES: &[Language] = &[
    Language {
        agents: &["aws-cli/"],
        name: "AWS CLI",
        advice: "read the secret once and keep it in a variable",
    },
    Language {
        agents: &["boto", "python"],
        name: "Python",
        advice: "use the caching library `aws-secretsmanager-caching` (Python): one `SecretCache` per process",
    },
    Language {
        agents: &["aws-sdk-java", "lang/java", "aws-sdk-kotlin"],
        name: "Java",
        advice: "use the caching library `aws-secretsmanager-caching-java`: one `SecretCache` per process",
    },
    Language {
        agents: &["aws-sdk-go"],
        name: "Go",
        advice: "use the caching library `aws-secretsmanager-caching-go`: one `Cache` per process",
    },
    Language {
        agents: &["aws-sdk-dotnet", ".net"],
        name: ".NET",
        advice: "use the caching library `AWSSDK.SecretsManager.Caching`: one `SecretsManagerCache` a process",
    },
    Language {
        agents: &["aws-sdk-rust"],
        name: "Rust",
        advice: "use the caching library `aws_secretsmanager_caching`, or the Secrets Manager Agent",
    },
    Language {
        agents: &["aws-sdk-js", "aws-sdk-nodejs", "lang/js"],
        name: "JavaScript",
        advice: "keep the value in the process for an hour, or read it through the Secrets Manager Agent",
    },
    Language {
        agents: &[
            "aws-sdk-ruby",
            "aws-sdk-php",
            "aws-sdk-cpp",
            "aws-sdk-swift",
        ],
        name: "SDK",
        advice: "keep the value in the process for an hour, or read it through the Secrets Manager Agent",
    },
];

/// The advice when nothing is known of the program.
const GENERAL_ADVICE: &str = "keep the value for an hour: with AWS's caching library for the language, or with the Secrets Manager Agent";

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(account: &str, session: &str, agent: &str) -> Caller {
        Caller {
            identity: format!("arn:aws:iam::{account}:role/fn"),
            account: account.to_owned(),
            session: session.to_owned(),
            user_agent: agent.to_owned(),
            ..Caller::default()
        }
    }

    #[test]
    fn a_function_rotates_the_secrets_that_name_it() {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:rotate-db";
        let functions = RotationFunctions::new([
            (0, arn),
            (2, &format!("{arn}:live")),
            (3, &arn.replace("rotate-db", "other")),
            (4, "arn:aws:lambda:x"),
            (5, ""),
        ]);
        let cases: [(&str, &str, &[usize]); 5] = [
            ("111122223333", "rotate-db", &[0, 2]),
            ("111122223333", "other", &[3]),
            ("111122223333", "rotate-db:live", &[]),
            ("444455556666", "rotate-db", &[]),
            ("111122223333", "", &[]),
        ];
        for (account, session, expected) in cases {
            let indexes = functions.of(&caller(account, session, ""));
            let indexes: Vec<usize> = indexes.into_iter().flatten().copied().collect();
            assert_eq!(indexes, expected, "{account} {session}");
        }
    }

    #[test]
    fn only_an_application_in_a_session_of_lambda_rotates_unnamed() {
        let lambda = "Boto3/1.34 exec-env/AWS_Lambda_python3.13";
        let cases = [
            ("fn", lambda, true),
            ("", lambda, false),
            ("fn", "Boto3/1.34", false),
            ("fn", "prowler/4 exec-env/AWS_Lambda_python3.13", false),
            ("fn", "Boto3/1.34 exec-env/AWS_ECS_FARGATE", false),
        ];
        for (session, agent, expected) in cases {
            let caller = caller("111122223333", session, agent);
            let policy = Policy::default();
            let class = classify(&caller, &policy);
            assert_eq!(
                Classifier::new(&policy).may_rotate_unnamed(&caller, &class),
                expected,
                "{session} {agent}"
            );
        }
    }

    #[test]
    fn neither_our_own_calls_nor_what_the_policy_knows_become_rotations() {
        let policy = "[[readers.fingerprint]]\nkind = \"sync\"\nsession = \"sync-*\"\n";
        let policy = Policy::parse(policy).unwrap();
        let cases = [
            ("fn", "Boto3/1.34", true),
            ("fn", "x app/secretsweep", false),
            ("sync-1", "Boto3/1.34", false),
        ];
        for (session, agent, expected) in cases {
            let caller = caller("111122223333", session, agent);
            let class = classify(&caller, &policy);
            let rotation = Classifier::new(&policy).as_rotation(&caller, &class);
            assert_eq!(rotation.is_some(), expected, "{session} {agent}");
        }
    }
}
