//! `userIdentity` of a record: who called, in the shape that each kind of caller has.

use serde_json::value::{RawValue, to_raw_value};

use super::call::{Act, Call};
use super::callers::{DemoCaller, Origin, SessionNaming};
use super::edition::Edition;
use super::everyday::SECRETS;
use super::json::{Json, text};
use super::random::SplitMix;
use super::roles::{Cast, Rotation};
use super::{BEGIN, SECRETS_MANAGER};
use crate::domain::base::span::HOUR_S;

/// The access key id that AWS itself uses in examples: real enough to read, known not to be a credential.
const ACCESS_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
/// The fields of a record that describe its caller, already as JSON.
///
/// Neighbours in a log file are mostly calls of one client, and writing these parts again for each would cost more than
/// all the rest of a record.
pub(super) struct Face {
    of: FaceKey,
    /// `userIdentity`.
    pub identity: Box<RawValue>,
    /// `userAgent`.
    pub agent: Box<RawValue>,
    /// `tlsDetails`, which calls by AWS services have not.
    pub tls: Option<Box<RawValue>>,
}

/// The facts that a face depends on: the log's account and Region, the caller and its client, when the session began, the
/// service that is called, and who called for it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FaceKey {
    account: &'static str,
    region: &'static str,
    caller: (&'static str, &'static str),
    client: u32,
    began: i64,
    source: &'static str,
    agent: Agent,
}

/// The agent that makes the call for the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agent {
    Itself,
    /// Secrets Manager, decrypting for a reader.
    ForReader,
    /// Secrets Manager, for nobody.
    Alone,
}

/// The face of this call, which is `last` again when nothing of it has changed.
///
/// # Errors
/// Those of the serializer, which has none for these types.
pub(super) fn face_of<'a>(
    last: &'a mut Option<Face>,
    call: &Call,
    edition: Edition,
) -> serde_json::Result<&'a Face> {
    let key = FaceKey {
        account: call.account,
        region: call.region,
        caller: (call.caller.account, call.caller.role),
        client: call.client,
        began: session_began(call),
        source: call.act.source(),
        agent: match call.act {
            Act::Rotation(..) => Agent::Alone,
            Act::Decrypt(_) => Agent::ForReader,
            _ => Agent::Itself,
        },
    };
    let face = match last.take() {
        Some(face) if face.of == key => face,
        _ => new_face(key, call, edition)?,
    };
    Ok(last.insert(face))
}

fn new_face(key: FaceKey, call: &Call, edition: Edition) -> serde_json::Result<Face> {
    let (agent, by_service) = match key.agent {
        Agent::Itself => (
            call.caller.agent,
            matches!(call.caller.from, Origin::Service(_)),
        ),
        Agent::ForReader | Agent::Alone => (SECRETS_MANAGER, true),
    };
    let tls = if by_service {
        None
    } else {
        Some(to_raw_value(&tls(call.caller.tls, key.source, key.region))?)
    };
    Ok(Face {
        of: key,
        identity: to_raw_value(&identity(call, edition))?,
        agent: to_raw_value(agent)?,
        tls,
    })
}

fn tls(version: &'static str, source: &str, region: &str) -> Json {
    let service = source.trim_end_matches(".amazonaws.com");
    let host = format!("{service}.{region}.amazonaws.com");
    Json::Map(vec![
        ("tlsVersion", text(version)),
        ("cipherSuite", text("TLS_AES_128_GCM_SHA256")),
        ("clientProvidedHostHeader", text(host)),
        ("keyExchange", text("X25519MLKEM768")),
    ])
}

/// The name of the function that rotates the secret.
pub(super) const fn rotation_function(cast: &Cast) -> Option<&'static str> {
    match cast.rotation {
        Rotation::Function { function, .. }
        | Rotation::Failing { function, .. }
        | Rotation::Stuck { function, .. } => Some(function),
        Rotation::Unset | Rotation::Managed { .. } | Rotation::Off { .. } => None,
    }
}

/// The session of one client of a caller.
fn session_name(caller: &DemoCaller, client: u32, edition: Edition) -> String {
    let mut random = SplitMix::named(&format!("session {} {client}", caller.role));
    match caller.session {
        SessionNaming::Named(name) | SessionNaming::Console(name) | SessionNaming::Linked(name) => {
            name.to_owned()
        }
        SessionNaming::Task => random.uuid().replace('-', ""),
        SessionNaming::Instance => format!("i-0{}{}", random.eight_digits(), random.eight_digits()),
        SessionNaming::Pod => format!("botocore-session-17{:08}", random.below(100_000_000)),
        SessionNaming::Process => {
            let started = edition.at(BEGIN + i64::from(client));
            format!("botocore-session-{}", started.as_second())
        }
        SessionNaming::RotationFunction => usize::try_from(client)
            .ok()
            .and_then(|index| SECRETS.get(index))
            .and_then(rotation_function)
            .unwrap_or_default()
            .to_owned(),
        SessionNaming::User | SessionNaming::Root | SessionNaming::Service(_) => String::new(),
    }
}

/// The account of the caller: its own, or that of the log for one that is in every account.
fn account_of(call: &Call) -> &'static str {
    if call.caller.account.is_empty() {
        call.account
    } else {
        call.caller.account
    }
}

/// `userIdentity.arn`: it ends in the session.
pub(super) fn session_arn(call: &Call, edition: Edition) -> String {
    let account = account_of(call);
    let role = call.caller.role;
    match call.caller.session {
        SessionNaming::User => format!("arn:aws:iam::{account}:user/{role}"),
        SessionNaming::Root => format!("arn:aws:iam::{account}:root"),
        _ => format!(
            "arn:aws:sts::{account}:assumed-role/{role}/{}",
            session_name(call.caller, call.client, edition)
        ),
    }
}

fn identity(call: &Call, edition: Edition) -> Json {
    let account = account_of(call);
    let caller = call.caller;
    if let Act::Rotation(..) = call.act {
        return Json::Map(vec![
            ("accountId", text(account)),
            ("invokedBy", text(SECRETS_MANAGER)),
        ]);
    }
    let mut entries = match caller.session {
        SessionNaming::Service(name) => {
            return Json::Map(vec![
                ("type", text("AWSService")),
                ("invokedBy", text(name)),
            ]);
        }
        SessionNaming::User => vec![
            ("type", text("IAMUser")),
            ("principalId", text(principal("AIDA", account, caller))),
            ("arn", text(session_arn(call, edition))),
            ("accountId", text(account)),
            ("accessKeyId", text("AKIAIOSFODNN7EXAMPLE")),
            ("userName", text(caller.role)),
        ],
        SessionNaming::Root => vec![
            ("type", text("Root")),
            ("principalId", text(account)),
            ("arn", text(session_arn(call, edition))),
            ("accountId", text(account)),
        ],
        _ if account != call.account => {
            return Json::Map(vec![
                ("type", text("AWSAccount")),
                ("principalId", text(principal_of_session(call, edition))),
                ("accountId", text(account)),
            ]);
        }
        _ => assumed_role(call, edition),
    };
    if let SessionNaming::Linked(service) = caller.session {
        entries.push(("invokedBy", text(service)));
    } else if let Act::Decrypt(_) = call.act {
        entries.push(("invokedBy", text(SECRETS_MANAGER)));
    }
    Json::Map(entries)
}

fn principal(prefix: &str, account: &str, caller: &DemoCaller) -> String {
    let id = SplitMix::named(&format!("principal {account} {}", caller.role)).letters(17);
    format!("{prefix}{}", id.to_ascii_uppercase())
}

fn principal_of_session(call: &Call, edition: Edition) -> String {
    format!(
        "{}:{}",
        principal("AROA", account_of(call), call.caller),
        session_name(call.caller, call.client, edition)
    )
}

/// Credentials of a session last hours: it began at the quarter of the day that the call is in.
const fn session_began(call: &Call) -> i64 {
    call.at - call.at.rem_euclid(6 * HOUR_S)
}

fn assumed_role(call: &Call, edition: Edition) -> Vec<(&'static str, Json)> {
    let caller = call.caller;
    let account = account_of(call);
    let issuer = vec![
        ("type", text("Role")),
        ("principalId", text(principal("AROA", account, caller))),
        (
            "arn",
            text(format!(
                "arn:aws:iam::{account}:role{}{}",
                caller.path, caller.role
            )),
        ),
        ("accountId", text(account)),
        ("userName", text(caller.role)),
    ];
    let mut context = vec![("sessionIssuer", Json::Map(issuer))];
    if caller.session == SessionNaming::Pod {
        let provider = format!(
            "arn:aws:iam::{account}:oidc-provider/oidc.eks.{}.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
            call.region
        );
        context.push((
            "webIdFederationData",
            Json::Map(vec![
                ("federatedProvider", text(provider)),
                ("attributes", Json::Map(Vec::new())),
            ]),
        ));
    }
    context.push((
        "attributes",
        Json::Map(vec![
            (
                "creationDate",
                text(edition.at(session_began(call)).to_string()),
            ),
            ("mfaAuthenticated", text("false")),
        ]),
    ));
    if caller.session == SessionNaming::Instance {
        context.push(("ec2RoleDelivery", text("2.0")));
    }
    vec![
        ("type", text("AssumedRole")),
        ("principalId", text(principal_of_session(call, edition))),
        ("arn", text(session_arn(call, edition))),
        ("accountId", text(account)),
        ("accessKeyId", text(ACCESS_KEY)),
        ("sessionContext", Json::Map(context)),
    ]
}
