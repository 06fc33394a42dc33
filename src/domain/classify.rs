//! Who reads: what a caller is, which program it is, and what to advise it.
//!
//! Fingerprints of the policy file come first, then rotation functions, then the table of [`super::readers`]; what fits
//! nothing is an application. A user agent can be forged, so a fingerprint may only move a reader between kinds, never
//! hide its calls from the cost.

use std::collections::BTreeSet;

use super::policy::Policy;
use super::readers::{FINGERPRINTS, LIBRARY_S, ReaderKind, Sign, name_of, service_of};
use super::usage::Caller;

/// What a caller is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// What it is.
    pub kind: ReaderKind,
    /// The program or platform, and its language where that is known. Policy text may stand in it.
    pub client: String,
    /// The cache time that we recommend, in seconds.
    pub cache_s: u32,
    /// What to change when it calls too often.
    pub advice: String,
}

/// The rotation functions of an inventory, as (account, function name).
#[derive(Clone, Debug, Default)]
pub struct RotationFunctions(BTreeSet<(String, String)>);

impl RotationFunctions {
    /// Takes the ARNs of `RotationLambdaARN`: `arn:aws:lambda:<region>:<account>:function:<name>[:<alias>]`.
    pub fn new<'a>(arns: impl IntoIterator<Item = &'a str>) -> Self {
        let of = |arn: &str| {
            let mut parts = arn.split(':').skip(4);
            let (account, _function, name) = (parts.next()?, parts.next()?, parts.next()?);
            Some((account.to_owned(), name.to_owned()))
        };
        Self(arns.into_iter().filter_map(of).collect())
    }

    /// Whether the caller is one of them: a Lambda function's session bears its name.
    fn has(&self, caller: &Caller) -> bool {
        !caller.session.is_empty()
            && self
                .0
                .contains(&(caller.account.clone(), caller.session.clone()))
    }
}

/// Says what a caller is: by the policy's fingerprints, as a rotation function, by the table, else as an application.
pub fn classify(caller: &Caller, rotations: &RotationFunctions, policy: &Policy) -> Class {
    let agent = caller.user_agent.to_ascii_lowercase();
    let role = name_of(&caller.identity).to_ascii_lowercase();
    let language = LANGUAGES
        .iter()
        .find(|language| language.agents.iter().any(|sign| agent.contains(sign)));
    if let Some(own) = policy.fingerprints.iter().find(|own| own.fits(caller)) {
        return Class {
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
        };
    }
    let found = FINGERPRINTS.iter().find(|row| {
        row.signs
            .iter()
            .any(|sign| sign.fits(caller, &agent, &role))
    });
    let ours = found.is_some_and(|row| row.kind == ReaderKind::Ourselves);
    if !ours && rotations.has(caller) {
        return Class {
            kind: ReaderKind::Rotation,
            client: "rotation function".to_owned(),
            cache_s: LIBRARY_S,
            advice: "rotate less often".to_owned(),
        };
    }
    let general = language.map_or(GENERAL_ADVICE, |language| language.advice);
    let Some(row) = found else {
        return Class {
            kind: ReaderKind::Application,
            client: language
                .map_or("unknown program", |language| language.name)
                .to_owned(),
            cache_s: LIBRARY_S,
            advice: general.to_owned(),
        };
    };
    let with_language = row.kind == ReaderKind::Application && !caller.user_agent.is_empty();
    let client = match language {
        Some(language) if with_language && language.name != "SDK" => {
            format!("{}, {}", row.client, language.name)
        }
        _ if matches!(row.signs, [Sign::AnyService]) => service_of(caller).to_owned(),
        _ => row.client.to_owned(),
    };
    let advice = if row.advice.is_empty() {
        general
    } else {
        row.advice
    };
    Class {
        kind: row.kind,
        client,
        cache_s: row.cache_s,
        advice: advice.to_owned(),
    }
}

/// The language of an SDK, and what caches for it.
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
        advice: "use the caching library `aws-secretsmanager-caching` (Python): one `SecretCache` a process",
    },
    Language {
        agents: &["aws-sdk-java", "lang/java", "aws-sdk-kotlin"],
        name: "Java",
        advice: "use the caching library `aws-secretsmanager-caching-java`: one `SecretCache` a process",
    },
    Language {
        agents: &["aws-sdk-go"],
        name: "Go",
        advice: "use the caching library `aws-secretsmanager-caching-go`: one `Cache` a process",
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

/// What is advised when nothing is known of the program.
const GENERAL_ADVICE: &str = "keep the value for an hour: with AWS's caching library for the language, or with the Secrets Manager Agent";
