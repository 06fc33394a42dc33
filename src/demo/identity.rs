//! `userIdentity` of a record: who called, in the shape that each kind of caller has.

use super::call::{Act, Call};
use super::callers::{Caller, Session};
use super::json::{Json, text};
use super::organization::{CAST, Cast, Rotation};
use super::random::Random;
use super::{HOUR, SECRETS_MANAGER, at};

/// The access key id that AWS itself uses in examples: real enough to read, known not to be a credential.
const ACCESS_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
/// The identity of the last call. Neighbours in a log file are mostly of one client, and writing an identity anew for
/// each costs more than all the rest of a record.
pub(super) struct Face {
    of: Option<FaceKey>,
    identity: Json,
}

/// What an identity depends on: the log's account, the caller, its client, when the session began, and who called for it.
type FaceKey = (&'static str, &'static str, &'static str, u32, i64, Agent);

/// Who makes the call for the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agent {
    Itself,
    /// Secrets Manager, decrypting for a reader.
    ForReader,
    /// Secrets Manager, for nobody.
    Alone,
}

impl Face {
    /// Nobody's yet.
    pub(super) const fn new() -> Self {
        Self {
            of: None,
            identity: Json::Flag,
        }
    }

    /// The identity of this call.
    pub(super) fn of_call(&mut self, call: &Call) -> &Json {
        let caller = call.caller;
        let agent = match call.act {
            Act::Rotation(..) => Agent::Alone,
            Act::Decrypt(_) => Agent::ForReader,
            _ => Agent::Itself,
        };
        let began = session_began(call);
        let key = (
            call.account,
            caller.account,
            caller.role,
            call.client,
            began,
            agent,
        );
        if self.of != Some(key) {
            self.of = Some(key);
            self.identity = identity(call);
        }
        &self.identity
    }
}

/// The name of the function that rotates the secret.
pub(super) const fn rotation_function(cast: &Cast) -> Option<&'static str> {
    match cast.rotation {
        Rotation::Function { function, .. } | Rotation::Failing { function, .. } => Some(function),
        Rotation::Unset | Rotation::Managed { .. } | Rotation::Off { .. } => None,
    }
}

/// The session of one client of a caller.
fn session_name(caller: &Caller, client: u32) -> String {
    let mut random = Random::named(&format!("session {} {client}", caller.role));
    match caller.session {
        Session::Named(name) | Session::Console(name) | Session::Linked(name) => name.to_owned(),
        Session::Task => random.uuid().replace('-', ""),
        Session::Instance => format!("i-0{}{}", random.eight_digits(), random.eight_digits()),
        Session::Pod => format!("botocore-session-17{:08}", random.below(100_000_000)),
        Session::RotationFunction => usize::try_from(client)
            .ok()
            .and_then(|place| CAST.get(place))
            .and_then(rotation_function)
            .unwrap_or_default()
            .to_owned(),
        Session::User | Session::Service(_) => String::new(),
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
pub(super) fn session_arn(call: &Call) -> String {
    let account = account_of(call);
    let role = call.caller.role;
    match call.caller.session {
        Session::User => format!("arn:aws:iam::{account}:user/{role}"),
        _ => format!(
            "arn:aws:sts::{account}:assumed-role/{role}/{}",
            session_name(call.caller, call.client)
        ),
    }
}

fn identity(call: &Call) -> Json {
    let account = account_of(call);
    let caller = call.caller;
    if let Act::Rotation(..) = call.act {
        return Json::Map(vec![
            ("accountId", text(account)),
            ("invokedBy", text(SECRETS_MANAGER)),
        ]);
    }
    let mut entries = match caller.session {
        Session::Service(name) => {
            return Json::Map(vec![
                ("type", text("AWSService")),
                ("invokedBy", text(name)),
            ]);
        }
        Session::User => vec![
            ("type", text("IAMUser")),
            ("principalId", text(principal("AIDA", account, caller))),
            ("arn", text(session_arn(call))),
            ("accountId", text(account)),
            ("accessKeyId", text("AKIAIOSFODNN7EXAMPLE")),
            ("userName", text(caller.role)),
        ],
        _ if account != call.account => {
            return Json::Map(vec![
                ("type", text("AWSAccount")),
                ("principalId", text(principal_of_session(call))),
                ("accountId", text(account)),
            ]);
        }
        _ => assumed_role(call),
    };
    if let Session::Linked(service) = caller.session {
        entries.push(("invokedBy", text(service)));
    } else if let Act::Decrypt(_) = call.act {
        entries.push(("invokedBy", text(SECRETS_MANAGER)));
    }
    Json::Map(entries)
}

fn principal(prefix: &str, account: &str, caller: &Caller) -> String {
    let id = Random::named(&format!("principal {account} {}", caller.role)).letters(17);
    format!("{prefix}{}", id.to_ascii_uppercase())
}

fn principal_of_session(call: &Call) -> String {
    format!(
        "{}:{}",
        principal("AROA", account_of(call), call.caller),
        session_name(call.caller, call.client)
    )
}

/// Credentials of a session last hours: it began at the quarter of the day that the call is in.
const fn session_began(call: &Call) -> i64 {
    call.at - call.at.rem_euclid(6 * HOUR)
}

fn assumed_role(call: &Call) -> Vec<(&'static str, Json)> {
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
    if caller.session == Session::Pod {
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
            ("creationDate", text(at(session_began(call)).to_string())),
            ("mfaAuthenticated", text("false")),
        ]),
    ));
    if caller.session == Session::Instance {
        context.push(("ec2RoleDelivery", text("2.0")));
    }
    vec![
        ("type", text("AssumedRole")),
        ("principalId", text(principal_of_session(call))),
        ("arn", text(session_arn(call))),
        ("accountId", text(account)),
        ("accessKeyId", text(ACCESS_KEY)),
        ("sessionContext", Json::Map(context)),
    ]
}
