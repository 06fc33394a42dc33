//! Generated combinations of policies, evaluated here and by `@cloud-copilot/iam-simulate`.
//!
//! Each combination is simulated under several requests, which differ in what only a request knows. An answer of ours that is
//! "allowed" or "denied" must be that of every simulation; "conditional" and "unknown" claim nothing, and must not be the
//! refuge of every second case. The package is installed with its lock file, once for each target folder; without Node the
//! test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use secretsweep::domain::base::names::{AccountId, SecretArn};
use secretsweep::domain::inventory::secret::Secret;
use secretsweep::domain::inventory::tags::Tags;
use secretsweep::domain::reach::{
    AccessAction, Answer, ControlKind, ControlPolicy, Evaluator, IamData, IamIdentity,
    IdentityKind, NamedPolicy, OrganizationFacts, PolicyDocument,
};
use serde_json::{Map, Value, json};

use crate::node;

const CASES: usize = 2_500;
/// Requests for each case.
const REQUESTS: usize = 3;

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// Numbers from a seed.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn in_ten(&mut self, times: u64) -> bool {
        self.below(10) < times
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        let place = self.below(of.len() as u64);
        of[usize::try_from(place).unwrap()]
    }

    /// Some of them, at least one.
    fn some(&mut self, of: &[&str]) -> Value {
        let many = 1 + self.below(2);
        json!((0..many).map(|_| self.pick(of)).collect::<Vec<_>>())
    }
}

#[derive(Clone, Copy)]
struct Who {
    arn: &'static str,
    /// As CloudTrail and resource policies name its session; the ARN itself for a user.
    acting: &'static str,
    id: &'static str,
    name: &'static str,
    account: &'static str,
    kind: IdentityKind,
}

const WHO: [Who; 3] = [
    Who {
        arn: "arn:aws:iam::111122223333:role/web",
        acting: "arn:aws:sts::111122223333:assumed-role/web/job",
        id: "AROAEXAMPLE",
        name: "web",
        account: OWN,
        kind: IdentityKind::Role,
    },
    Who {
        arn: "arn:aws:iam::111122223333:user/ada",
        acting: "arn:aws:iam::111122223333:user/ada",
        id: "AIDAEXAMPLE",
        name: "ada",
        account: OWN,
        kind: IdentityKind::User,
    },
    Who {
        arn: "arn:aws:iam::444455556666:role/web",
        acting: "arn:aws:sts::444455556666:assumed-role/web/job",
        id: "AROAOTHER",
        name: "web",
        account: OTHER,
        kind: IdentityKind::Role,
    },
];

const SECRETS: [&str; 3] = [
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbC123",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-prod-XyZ789",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:red/ada/token-QwErTy",
];

const ACTIONS: [&str; 12] = [
    "*",
    "secretsmanager:*",
    "secretsmanager:Get*",
    "secretsmanager:GetSecretValue",
    "SecretsManager:getsecretvalue",
    "secretsmanager:DescribeSecret",
    "secretsmanager:?etSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:DeleteSecret",
    "kms:Decrypt",
    "kms:*",
    "s3:GetObject",
];

const RESOURCES: [&str; 16] = [
    "*",
    "arn:aws:secretsmanager:*:*:secret:*",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbC123",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-??????",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-*",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/*",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db",
    "arn:aws:secretsmanager:eu-west-1:*:secret:*",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:*/*/*-??????",
    "arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/team}/*",
    "arn:aws:secretsmanager:*:*:secret:*/${aws:username}/*",
    "arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/none, 'app'}/*",
    "arn:*:secretsmanager:us-*:11112222????:secret:*-QwErTy",
    "arn:aws:kms:us-east-1:111122223333:key/*",
    "arn:aws:kms:*:*:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:s3:::*",
];

const OPERATORS: [&str; 14] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "StringLikeIfExists",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringLike",
    "ForAllValues:StringLike",
    "Null",
];

/// Keys of conditions, each with values that may be met. What only the request knows is among them. The oracle does not know
/// `secretsmanager:ResourceTag`; the tables of cases beside the code have it.
const KEYS: [(&str, &[&str]); 13] = [
    (
        "aws:ResourceTag/team",
        &["red", "blue", "r*", "${aws:PrincipalTag/team}"],
    ),
    ("aws:ResourceTag/none", &["x", "*"]),
    ("aws:PrincipalTag/team", &["red", "blue", "?ed"]),
    ("aws:PrincipalTag/none", &["x"]),
    ("aws:PrincipalOrgID", &["o-example", "o-other", "o-*"]),
    ("aws:PrincipalAccount", &[OWN, OTHER, "1111*"]),
    ("aws:PrincipalType", &["User", "AssumedRole"]),
    ("aws:RequestedRegion", &["us-east-1", "eu-*", "us-*"]),
    ("aws:username", &["ada", "bob", "a*"]),
    ("aws:SourceVpce", &["vpce-1", "vpce-2", "vpce-*"]),
    ("aws:SourceVpc", &["vpc-1", "vpc-*"]),
    ("secretsmanager:VersionStage", &["AWSCURRENT", "AWS*"]),
    (
        "kms:ViaService",
        &[
            "secretsmanager.us-east-1.amazonaws.com",
            "s3.us-east-1.amazonaws.com",
        ],
    ),
];

fn condition(seed: &mut Seeded) -> Value {
    if seed.in_ten(1) {
        let value = seed.pick(&["true", "false"]);
        let key = seed.pick(&["aws:SecureTransport", "aws:MultiFactorAuthPresent"]);
        let operator = seed.pick(&["Bool", "BoolIfExists"]);
        return json!({ operator: { key: value } });
    }
    if seed.in_ten(1) {
        let arn = seed.pick(&[
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111122223333:user/ada",
            "arn:aws:iam::444455556666:*",
            "*",
        ]);
        let arn = if arn == "*" { "arn:*:*:*:*:*" } else { arn };
        let operator = seed.pick(&["ArnLike", "ArnNotLike", "ArnEquals", "ArnLikeIfExists"]);
        return json!({ operator: { "aws:PrincipalArn": arn } });
    }
    let mut operators = Map::new();
    for _ in 0..=seed.below(2) {
        let operator = seed.pick(&OPERATORS);
        let (key, values) = &KEYS[usize::try_from(seed.below(KEYS.len() as u64)).unwrap()];
        let values = if operator == "Null" {
            json!(seed.pick(&["true", "false"]))
        } else {
            seed.some(values)
        };
        operators.insert(operator.to_owned(), json!({ *key: values }));
    }
    Value::Object(operators)
}

/// What is special about the statements of a kind of policy.
#[derive(Clone, Copy, PartialEq)]
enum For {
    Identity,
    Secret,
    Key,
    ServiceControl,
    ResourceControl,
}

fn statement(seed: &mut Seeded, of: For) -> Value {
    // A resource control policy of a customer can deny alone.
    let denies = of == For::ResourceControl || seed.in_ten(2);
    let mut statement = json!({ "Effect": if denies { "Deny" } else { "Allow" } });
    // Denials of a part are more telling than those of everything.
    let actions = if denies { &ACTIONS[3..] } else { &ACTIONS[..] };
    let usable: Vec<&str> = match of {
        // Actions of other services are refused by the validation.
        For::ResourceControl => actions.iter().copied().filter(|one| *one != "*").collect(),
        _ => actions.to_vec(),
    };
    let not_action = of != For::ResourceControl && seed.in_ten(1);
    let key = if not_action { "NotAction" } else { "Action" };
    statement[key] = seed.some(&usable);
    let not_resource = of == For::Identity && seed.in_ten(1)
        || of == For::ServiceControl && denies && seed.in_ten(1);
    let key = if not_resource {
        "NotResource"
    } else {
        "Resource"
    };
    let wide = of == For::Key || of == For::ServiceControl && !denies;
    statement[key] = if wide {
        json!("*")
    } else {
        seed.some(&RESOURCES)
    };
    match of {
        For::Secret | For::Key => {
            let names = [
                WHO[0].arn,
                WHO[0].acting,
                WHO[1].arn,
                WHO[2].arn,
                OWN,
                OTHER,
                "arn:aws:iam::111122223333:root",
                "arn:aws:iam::444455556666:root",
                "*",
            ];
            statement["Principal"] = match seed.below(12) {
                0 => json!("*"),
                1 => json!({ "Service": "lambda.amazonaws.com" }),
                _ => json!({ "AWS": seed.some(&names) }),
            };
            if denies && seed.in_ten(2) {
                statement.as_object_mut().unwrap().remove("Principal");
                statement["NotPrincipal"] = json!({ "AWS": seed.some(&names[..8]) });
            }
        }
        For::ResourceControl => statement["Principal"] = json!("*"),
        For::Identity | For::ServiceControl => {}
    }
    let unconditional = of == For::ServiceControl && !denies;
    if !unconditional && seed.in_ten(4) {
        statement["Condition"] = condition(seed);
    }
    statement
}

fn policy(seed: &mut Seeded, of: For) -> Value {
    let many = 1 + seed.below(3);
    let statements: Vec<_> = (0..many).map(|_| statement(seed, of)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// One combination.
struct Case {
    who: Who,
    secret: Secret,
    action: AccessAction,
    identity: Vec<Value>,
    boundary: Option<Value>,
    resource: Option<Value>,
    key: Option<Value>,
    /// From the root down: the organization, the account.
    service_controls: Vec<Vec<Value>>,
    resource_controls: Vec<Vec<Value>>,
    tagged: bool,
}

fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
}

fn case(seed: &mut Seeded) -> Case {
    let mut secret = Secret::new(SecretArn::new(seed.pick(&SECRETS)).unwrap());
    if seed.in_ten(7) {
        let team = seed.pick(&["red", "blue"]);
        secret.tags.insert("team".to_owned(), team.to_owned());
    }
    let own_key = seed.in_ten(3);
    secret.kms_key = own_key.then(|| KEY.to_owned());
    let policies = |seed: &mut Seeded, of, times| (0..times).map(|_| policy(seed, of)).collect();
    let controls = |seed: &mut Seeded, of| -> Vec<Vec<Value>> {
        let level = |seed: &mut Seeded| {
            let mut level: Vec<Value> = Vec::new();
            if of == For::ServiceControl && !seed.in_ten(1) {
                level.push(everything());
            }
            if level.is_empty() || seed.in_ten(4) {
                level.push(policy(seed, of));
            }
            level
        };
        if seed.in_ten(6) {
            return Vec::new();
        }
        vec![level(seed), level(seed)]
    };
    let many = 1 + seed.below(2);
    Case {
        who: WHO[usize::try_from(seed.below(3)).unwrap()],
        action: [
            AccessAction::GetSecretValue,
            AccessAction::GetSecretValue,
            AccessAction::DescribeSecret,
            AccessAction::PutSecretValue,
            AccessAction::DeleteSecret,
            AccessAction::Decrypt,
        ][usize::try_from(seed.below(6)).unwrap()],
        secret,
        identity: policies(seed, For::Identity, many),
        boundary: seed.in_ten(3).then(|| policy(seed, For::Identity)),
        resource: seed.in_ten(6).then(|| policy(seed, For::Secret)),
        key: own_key.then(|| policy(seed, For::Key)),
        service_controls: controls(seed, For::ServiceControl),
        resource_controls: controls(seed, For::ResourceControl),
        tagged: seed.in_ten(6),
    }
}

fn named(document: &Value) -> NamedPolicy {
    NamedPolicy {
        name: "policy".to_owned(),
        document: PolicyDocument::read(document).map(Arc::new),
    }
}

impl Case {
    fn ours(&self) -> Answer {
        let mut tags = Tags::new();
        if self.tagged {
            tags.insert("team".to_owned(), "red".to_owned());
        }
        let who = self.who;
        let identity = IamIdentity {
            arn: who.arn.to_owned(),
            account: AccountId::new(who.account).unwrap(),
            kind: who.kind,
            id: who.id.to_owned(),
            name: who.name.to_owned(),
            created: None,
            tags,
            policies: self.identity.iter().map(named).collect(),
            boundary: self.boundary.as_ref().map(named),
            trust: Some(named(&json!({"Statement": []}))),
        };
        let secret_policies = [(self.secret.arn.clone(), self.resource.as_ref().map(named))];
        let key_policies = self.key.iter().map(|key| (KEY.to_owned(), named(key)));
        let data = IamData {
            identities: vec![identity],
            secret_policies: secret_policies.into(),
            key_policies: key_policies.collect(),
            organization: self.organization(),
            ..IamData::default()
        };
        let evaluator = Evaluator::new(&data, BTreeSet::from([AccountId::new(OWN).unwrap()]));
        evaluator
            .answer(who.arn, &self.secret, self.action)
            .unwrap()
    }

    fn organization(&self) -> OrganizationFacts {
        let mut policies = BTreeMap::new();
        for (kind, levels, account) in [
            (
                ControlKind::Service,
                &self.service_controls,
                self.who.account,
            ),
            (ControlKind::Resource, &self.resource_controls, OWN),
        ] {
            for (level, target) in levels.iter().zip(["r-root", account]) {
                // AWS attaches a resource control policy that allows everything to every level.
                let allowing = (kind == ControlKind::Resource).then(everything);
                for document in level.iter().chain(&allowing) {
                    let id = format!("p-{}", policies.len());
                    let policy = ControlPolicy {
                        kind,
                        policy: named(document),
                        targets: Some(BTreeSet::from([target.to_owned()])),
                    };
                    policies.insert(id, policy);
                }
            }
        }
        OrganizationFacts {
            id: Some("o-example".to_owned()),
            management: None,
            accounts: BTreeSet::new(),
            parents: [OWN, OTHER]
                .map(|account| (account.to_owned(), "r-root".to_owned()))
                .into(),
            policies,
        }
    }

    /// The simulations of one request: all must allow.
    fn simulations(&self, seed: &mut Seeded) -> Vec<Value> {
        let free = free(seed);
        let mut simulations = Vec::new();
        if self.action != AccessAction::Decrypt {
            simulations.push(self.simulation(&free, self.action));
        }
        if matches!(
            self.action,
            AccessAction::Decrypt | AccessAction::GetSecretValue
        ) {
            simulations.push(self.simulation(&free, AccessAction::Decrypt));
        }
        simulations
    }

    fn simulation(&self, free: &Map<String, Value>, action: AccessAction) -> Value {
        let of_key = action == AccessAction::Decrypt;
        let (resource, policy) = if of_key {
            let arn = format!("arn:aws:kms:us-east-1:{OWN}:key/{KEY}");
            let managed = "0000aaaa-12ab-34cd-56ef-1234567890ab";
            match &self.key {
                Some(key) => (arn, Some(key.clone())),
                None => (arn.replace(KEY, managed), Some(managed_key())),
            }
        } else {
            (self.secret.arn.to_string(), self.resource.clone())
        };
        let list = |documents: &[Value]| -> Vec<Value> {
            let named = documents.iter().enumerate();
            named
                .map(|(place, policy)| json!({"name": place.to_string(), "policy": policy}))
                .collect()
        };
        let levels = |levels: &[Vec<Value>]| -> Vec<Value> {
            let each = levels.iter().enumerate();
            each.map(|(place, level)| {
                json!({"orgIdentifier": place.to_string(), "policies": list(level)})
            })
            .collect()
        };
        let mut simulation = json!({
            "request": {
                "principal": self.who.acting,
                "action": action.as_str(),
                "resource": {"resource": resource, "accountId": OWN},
                "contextVariables": self.context(free, of_key),
            },
            "identityPolicies": list(&self.identity),
            "serviceControlPolicies": levels(&self.service_controls),
            "resourceControlPolicies": levels(&self.resource_controls),
        });
        if let Some(policy) = policy {
            simulation["resourcePolicy"] = policy;
        }
        if let Some(boundary) = &self.boundary {
            simulation["permissionBoundaryPolicies"] = json!(list(std::slice::from_ref(boundary)));
        }
        simulation
    }

    fn context(&self, free: &Map<String, Value>, of_key: bool) -> Map<String, Value> {
        let mut context = free.clone();
        let mut put = |key: &str, value: &str| {
            context.insert(key.to_owned(), json!(value));
        };
        put("aws:PrincipalArn", self.who.arn);
        put("aws:PrincipalAccount", self.who.account);
        put("aws:PrincipalOrgID", "o-example");
        put("aws:RequestedRegion", "us-east-1");
        put("aws:SecureTransport", "true");
        if self.who.kind == IdentityKind::User {
            put("aws:PrincipalType", "User");
            put("aws:username", self.who.name);
        } else {
            put("aws:PrincipalType", "AssumedRole");
        }
        if self.tagged {
            put("aws:PrincipalTag/team", "red");
        }
        if of_key {
            put("kms:ViaService", "secretsmanager.us-east-1.amazonaws.com");
            put("kms:CallerAccount", self.who.account);
        } else {
            for (key, value) in self.secret.tags.iter() {
                put(&format!("aws:ResourceTag/{key}"), value);
            }
        }
        context
    }
}

/// Returns what only a request knows.
fn free(seed: &mut Seeded) -> Map<String, Value> {
    let mut free = Map::new();
    for (key, values) in [
        ("aws:SourceVpce", ["vpce-1", "vpce-2"]),
        ("aws:SourceVpc", ["vpc-1", "vpc-2"]),
        ("secretsmanager:VersionStage", ["AWSCURRENT", "AWSPREVIOUS"]),
        ("aws:MultiFactorAuthPresent", ["true", "false"]),
    ] {
        if seed.in_ten(6) {
            free.insert(key.to_owned(), json!(seed.pick(&values)));
        }
    }
    free
}

/// The policy of `aws/secretsmanager` (AWS user guide, "Secret encryption and decryption").
fn managed_key() -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {
            "kms:CallerAccount": OWN, "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"
        }}
    }})
}

/// The word of the oracle for each simulation.
fn simulated(folder: &Path, simulations: &[Value]) -> Vec<String> {
    let mut child = Command::new("node")
        .arg("simulate.mjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = String::new();
    for one in simulations {
        lines.push_str(&one.to_string());
        lines.push('\n');
    }
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let words = String::from_utf8(output.stdout).unwrap();
    words.lines().map(str::to_owned).collect()
}

#[test]
fn an_evaluator_of_others_agrees_on_what_is_allowed_and_what_is_denied() {
    let Some(folder) = node::packages("reach", &["simulate.mjs"]) else {
        return;
    };
    let mut seed = Seeded(13);
    let cases: Vec<Case> = (0..CASES).map(|_| case(&mut seed)).collect();
    let requests: Vec<Vec<Vec<Value>>> = cases
        .iter()
        .map(|case| (0..REQUESTS).map(|_| case.simulations(&mut seed)).collect())
        .collect();
    let flat: Vec<Value> = requests.iter().flatten().flatten().cloned().collect();
    let words = simulated(&folder, &flat);
    assert_eq!(words.len(), flat.len());
    let mut words = words.iter();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, requests) in cases.iter().zip(&requests) {
        let ours = case.ours();
        let word = match &ours {
            Answer::Allowed => "allowed",
            Answer::Denied => "denied",
            Answer::Conditional(_) => "conditional",
            Answer::Unknown(_) => "unknown",
        };
        *counts.entry(word).or_default() += 1;
        let mut differs = None;
        for request in requests {
            let said: Vec<_> = request.iter().map(|_| words.next().unwrap()).collect();
            for one in &said {
                assert!(!one.starts_with("error"), "{one}: {}", json!(request));
            }
            let theirs = said.iter().all(|one| *one == "Allowed");
            let agrees = match ours {
                Answer::Allowed => theirs,
                Answer::Denied => !theirs,
                Answer::Conditional(_) | Answer::Unknown(_) => true,
            };
            if !agrees {
                differs = Some(format!("{ours:?}, theirs {said:?}: {}", json!(request)));
            }
        }
        wrong.extend(differs);
    }
    let first = wrong.first();
    assert!(wrong.is_empty(), "{} disagree: {first:?}", wrong.len());
    // The oracle would agree with an evaluator that never says anything.
    let many = |word: &str| counts.get(word).copied().unwrap_or_default();
    assert!(many("allowed") > CASES / 10, "{counts:?}");
    assert!(many("denied") > CASES / 4, "{counts:?}");
    assert!(many("conditional") > CASES / 50, "{counts:?}");
    assert!(many("unknown") < CASES / 20, "{counts:?}");
}
