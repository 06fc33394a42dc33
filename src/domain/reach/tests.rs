//! Tables of cases for the pitfalls of policy evaluation, each through [`Evaluator`].

#![expect(
    clippy::needless_pass_by_value,
    reason = "what `json!` makes is written in place"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::domain::base::names::{AccountId, SecretArn};
use crate::domain::inventory::secret::Secret;
use crate::domain::inventory::tags::Tags;

mod both_sides;

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::111122223333:role/app/web";
const USER: &str = "arn:aws:iam::111122223333:user/ada";
const STRANGER: &str = "arn:aws:iam::444455556666:role/web";
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbC123";

fn named(document: Value) -> NamedPolicy {
    let document = PolicyDocument::read(&document).map(Arc::new);
    NamedPolicy {
        name: "policy".to_owned(),
        document,
    }
}

/// A document of version 2012-10-17.
fn document(statements: Value) -> NamedPolicy {
    named(json!({"Version": "2012-10-17", "Statement": statements}))
}

fn allow(resource: Value) -> Value {
    json!({"Effect": "Allow", "Action": "secretsmanager:*", "Resource": resource})
}

fn account(id: &str) -> AccountId {
    AccountId::new(id).unwrap()
}

struct World {
    data: IamData,
    secret: Secret,
}

impl World {
    fn new() -> Self {
        let identity = |arn: &str, id: &str| IamIdentity {
            arn: arn.to_owned(),
            account: account(arn.split(':').nth(4).unwrap()),
            kind: if arn.contains(":role/") {
                IdentityKind::Role
            } else {
                IdentityKind::User
            },
            id: id.to_owned(),
            name: arn.rsplit('/').next().unwrap().to_owned(),
            created: None,
            tags: Tags::new(),
            policies: Vec::new(),
            boundary: None,
            trust: Some(document(json!({
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"}
            }))),
        };
        let data = IamData {
            identities: vec![
                identity(ROLE, "AROAEXAMPLE"),
                identity(USER, "AIDAEXAMPLE"),
                identity(STRANGER, "AROAOTHER"),
            ],
            ..IamData::default()
        };
        let secret = Secret::new(SecretArn::new(SECRET).unwrap());
        Self { data, secret }
    }

    fn identity(&mut self, arn: &str) -> &mut IamIdentity {
        let mut all = self.data.identities.iter_mut();
        all.find(|one| one.arn == arn).unwrap()
    }

    fn with_policies(mut self, arn: &str, statements: Value) -> Self {
        self.identity(arn).policies.push(document(statements));
        self
    }

    fn with_boundary(mut self, arn: &str, statements: Value) -> Self {
        self.identity(arn).boundary = Some(document(statements));
        self
    }

    fn with_secret_policy(mut self, statements: Value) -> Self {
        let policy = Some(document(statements));
        self.data
            .secret_policies
            .insert(self.secret.arn.clone(), policy);
        self
    }

    fn with_key(mut self, statements: Option<Value>) -> Self {
        self.secret.kms_key = Some(KEY.to_owned());
        if let Some(statements) = statements {
            let policy = document(statements);
            self.data.key_policies.insert(KEY.to_owned(), policy);
        }
        self
    }

    fn may(&self, arn: &str, action: AccessAction) -> Answer {
        let owners = BTreeSet::from([account(OWN)]);
        let evaluator = Evaluator::new(&self.data, owners);
        evaluator.answer(arn, &self.secret, action).unwrap()
    }

    fn may_read(&self, arn: &str) -> Answer {
        self.may(arn, AccessAction::GetSecretValue)
    }
}

fn on(keys: &[&str]) -> Answer {
    Answer::Conditional(keys.iter().map(|key| (*key).to_owned()).collect())
}

fn secret_arn(resource: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:{OWN}:secret:{resource}")
}

#[test]
fn a_resource_means_a_secret_with_its_suffix() {
    for (resource, expected) in [
        (SECRET.to_owned(), Answer::Allowed),
        (secret_arn("app/db"), Answer::Denied),
        (secret_arn("app/db-*"), Answer::Allowed),
        (secret_arn("app/db-??????"), Answer::Allowed),
        (secret_arn("app/db-?????"), Answer::Denied),
        (secret_arn("app/d-??????"), Answer::Denied),
        (secret_arn("app/*"), Answer::Allowed),
        (secret_arn("*"), Answer::Allowed),
        ("*".to_owned(), Answer::Allowed),
        (
            "arn:aws:secretsmanager:*:*:secret:*".to_owned(),
            Answer::Allowed,
        ),
        (
            "arn:aws:secretsmanager:eu-west-1:*:secret:*".to_owned(),
            Answer::Denied,
        ),
        ("arn:aws:ssm:*:*:parameter/*".to_owned(), Answer::Denied),
    ] {
        let world = World::new().with_policies(ROLE, allow(json!(resource)));
        assert_eq!(world.may_read(ROLE), expected, "{resource}");
    }
}

#[test]
fn elements_with_not_mean_all_others() {
    let others = secret_arn("other/*");
    for (statement, expected) in [
        (
            json!({"Effect": "Allow", "Action": "*", "NotResource": [others]}),
            Answer::Allowed,
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "NotResource": [SECRET]}),
            Answer::Denied,
        ),
        (
            json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
            Answer::Allowed,
        ),
        (
            json!({"Effect": "Allow", "NotAction": "secretsmanager:Get*", "Resource": "*"}),
            Answer::Denied,
        ),
        (
            json!([allow(json!("*")), {
                "Effect": "Deny", "Action": "secretsmanager:*", "NotResource": [SECRET]
            }]),
            Answer::Allowed,
        ),
        // Such a denial of every action is about the key, too.
        (
            json!([allow(json!("*")), {"Effect": "Deny", "Action": "*", "NotResource": [SECRET]}]),
            Answer::Denied,
        ),
        (
            json!([allow(json!("*")), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]),
            Answer::Denied,
        ),
    ] {
        let world = World::new().with_policies(ROLE, statement.clone());
        assert_eq!(world.may_read(ROLE), expected, "{statement}");
    }
}

#[test]
fn conditions_that_rest_on_the_request_make_it_conditional_and_what_is_not_known_unknown() {
    let with = |condition: Value| {
        let mut statement = allow(json!("*"));
        statement["Condition"] = condition;
        statement
    };
    let deny = |condition: Value| {
        json!([allow(json!("*")), {
            "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition
        }])
    };
    let ip = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    let tag = |value: &str| json!({"StringEquals": {"aws:ResourceTag/team": value}});
    for (statement, expected) in [
        (with(ip.clone()), on(&["aws:SourceIp"])),
        (deny(ip.clone()), on(&["aws:SourceIp"])),
        (
            json!([with(ip.clone()), allow(json!("*"))]),
            Answer::Allowed,
        ),
        (
            deny(json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})),
            on(&["aws:SourceVpce"]),
        ),
        (with(tag("red")), Answer::Allowed),
        (with(tag("blue")), Answer::Denied),
        (
            with(json!({"StringEquals": {"secretsmanager:ResourceTag/team": "red"}})),
            Answer::Allowed,
        ),
        (
            with(json!({"StringEquals": {
                "secretsmanager:ResourceTag/team": "${aws:PrincipalTag/team}"
            }})),
            Answer::Allowed,
        ),
        // A denial whose key is absent: negated operators hold, others do not.
        (
            deny(json!({"StringNotEquals": {"aws:ResourceTag/none": "x"}})),
            Answer::Denied,
        ),
        (
            deny(json!({"StringEquals": {"aws:ResourceTag/none": "x"}})),
            Answer::Allowed,
        ),
        (
            deny(json!({"StringEqualsIfExists": {"aws:ResourceTag/none": "x"}})),
            Answer::Denied,
        ),
        (
            with(json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["x"]}})),
            Answer::Allowed,
        ),
        (
            with(json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["x"]}})),
            Answer::Denied,
        ),
        (
            deny(json!({"Bool": {"aws:SecureTransport": "false"}})),
            Answer::Allowed,
        ),
        (
            with(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app/*"}})),
            Answer::Allowed,
        ),
        (
            with(json!({"StringEquals": {"secretsmanager:SecretId": [SECRET, "app/db"]}})),
            Answer::Allowed,
        ),
        (
            with(json!({"StringEquals": {"secretsmanager:SecretId": SECRET}})),
            on(&["secretsmanager:SecretId"]),
        ),
        (
            with(json!({"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}})),
            on(&["secretsmanager:VersionStage"]),
        ),
        (
            with(json!({"StringEquals": {"new:Key": "x"}})),
            Answer::Unknown(vec!["the condition key `new:key`".to_owned()]),
        ),
        (
            with(json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
            Answer::Unknown(vec![
                "the id of the organization, which is not given".to_owned(),
            ]),
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Grants": "x"}),
            Answer::Unknown(vec!["the element `Grants` of a statement".to_owned()]),
        ),
    ] {
        let mut world = World::new().with_policies(ROLE, statement.clone());
        world
            .secret
            .tags
            .insert("Team".to_owned(), "red".to_owned());
        let tags = &mut world.identity(ROLE).tags;
        tags.insert("team".to_owned(), "red".to_owned());
        assert_eq!(world.may_read(ROLE), expected, "{statement}");
    }
}

#[test]
fn tags_of_a_role_are_open_where_its_sessions_may_carry_others() {
    let by_tag = json!({"StringEquals": {"aws:PrincipalTag/team": "red"}});
    let mut statement = allow(json!("*"));
    statement["Condition"] = by_tag;
    let mut world = World::new().with_policies(ROLE, statement);
    assert_eq!(world.may_read(ROLE), Answer::Denied);
    world.identity(ROLE).trust = Some(document(json!({
        "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"AWS": "*"}
    })));
    assert_eq!(world.may_read(ROLE), on(&["aws:PrincipalTag/team"]));
}

#[test]
fn in_one_account_the_resource_policy_alone_is_enough() {
    let grant = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"});
    let session = "arn:aws:sts::111122223333:assumed-role/web/job";
    for (principal, role, user) in [
        (json!({"AWS": ROLE}), Answer::Allowed, Answer::Denied),
        (json!({"AWS": USER}), Answer::Denied, Answer::Allowed),
        (
            json!({"AWS": "AROAEXAMPLE"}),
            Answer::Allowed,
            Answer::Denied,
        ),
        (
            json!({"AWS": session}),
            on(&["sts:RoleSessionName"]),
            Answer::Denied,
        ),
        (json!("*"), Answer::Allowed, Answer::Allowed),
        (json!({"AWS": "*"}), Answer::Allowed, Answer::Allowed),
        // The account decides for its identities: that alone grants nothing in the same account.
        (json!({"AWS": OWN}), Answer::Denied, Answer::Denied),
        (
            json!({"AWS": "arn:aws:iam::111122223333:root"}),
            Answer::Denied,
            Answer::Denied,
        ),
        (
            json!({"Service": "lambda.amazonaws.com"}),
            Answer::Denied,
            Answer::Denied,
        ),
    ] {
        let world = World::new().with_secret_policy(grant(principal.clone()));
        assert_eq!(world.may_read(ROLE), role, "{principal}");
        assert_eq!(world.may_read(USER), user, "{principal}");
    }
}

#[test]
fn a_boundary_limits_what_is_granted_to_a_role_and_not_what_is_granted_to_a_user_or_a_session() {
    let grant = |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "*", "Resource": "*"});
    let nothing = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let bounded = |arn: &str, principal: &str| {
        World::new()
            .with_boundary(arn, nothing.clone())
            .with_secret_policy(grant(principal))
            .may_read(arn)
    };
    assert_eq!(bounded(ROLE, ROLE), Answer::Denied);
    assert_eq!(bounded(USER, USER), Answer::Allowed);
    let session = "arn:aws:sts::111122223333:assumed-role/web/job";
    assert_eq!(bounded(ROLE, session), on(&["sts:RoleSessionName"]));
    let by_identity = |boundary: Value| {
        World::new()
            .with_policies(ROLE, allow(json!("*")))
            .with_boundary(ROLE, boundary)
            .may_read(ROLE)
    };
    assert_eq!(by_identity(nothing.clone()), Answer::Denied);
    assert_eq!(
        by_identity(allow(json!(secret_arn("app/*")))),
        Answer::Allowed
    );
    let denial = json!([allow(json!("*")), {"Effect": "Deny", "Action": "*", "Resource": SECRET}]);
    assert_eq!(by_identity(denial), Answer::Denied);
}

#[test]
fn not_principal_leaves_out_only_what_is_listed_whole() {
    let deny = |listed: Value| {
        World::new()
            .with_policies(ROLE, allow(json!("*")))
            .with_policies(USER, allow(json!("*")))
            .with_secret_policy(json!({
                "Effect": "Deny", "NotPrincipal": {"AWS": listed}, "Action": "*", "Resource": "*"
            }))
    };
    let whole = deny(json!([USER, OWN]));
    assert_eq!(whole.may_read(USER), Answer::Allowed);
    assert!(matches!(whole.may_read(ROLE), Answer::Unknown(_)));
    let part = deny(json!([USER]));
    assert!(matches!(part.may_read(USER), Answer::Unknown(_)));
    assert_eq!(part.may_read(ROLE), Answer::Denied);
}

#[test]
fn a_batch_needs_a_statement_for_every_resource() {
    let batch = AccessAction::BatchGetSecretValue;
    let world = World::new().with_policies(ROLE, allow(json!("*")));
    assert_eq!(world.may(ROLE, batch), Answer::Allowed);
    let world = World::new().with_policies(ROLE, allow(json!(SECRET)));
    assert_eq!(world.may(ROLE, batch), Answer::Denied);
    assert_eq!(world.may_read(ROLE), Answer::Allowed);
}

#[test]
fn a_policy_that_cannot_be_read_makes_every_answer_unknown() {
    let mut world = World::new().with_policies(ROLE, allow(json!("*")));
    let broken = named(json!({}));
    world.identity(ROLE).policies.push(broken);
    let why = "the policy `policy`: it has no `Statement`".to_owned();
    assert_eq!(world.may_read(ROLE), Answer::Unknown(vec![why]));
}

#[test]
fn documents_of_the_older_version_have_no_variables() {
    let statement = allow(json!("arn:aws:secretsmanager:*:*:secret:${aws:username}/*"));
    let of = |version: Value| {
        let mut world = World::new();
        let policy = named(json!({"Version": version, "Statement": statement}));
        world.secret = Secret::new(SecretArn::new(&secret_arn("ada/x-AbC123")).unwrap());
        world.identity(USER).policies.push(policy);
        world.may_read(USER)
    };
    assert_eq!(of(json!("2012-10-17")), Answer::Allowed);
    assert_eq!(of(json!("2008-10-17")), Answer::Denied);
}
