//! Counts of who may and who does, and the law of narrowing: what was read stays allowed.

#![expect(
    clippy::needless_pass_by_value,
    reason = "what `json!` makes is written in place"
)]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::base::names::SecretArn;
use crate::domain::inventory::tags::Tags;
use crate::domain::reach::{
    Answer, Evaluator, IamIdentity, IdentityKind, NamedPolicy, PolicyDocument,
};

const ROLE: &str = "arn:aws:iam::111122223333:role/web";

fn policy(statements: Value) -> NamedPolicy {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    NamedPolicy {
        name: "web".to_owned(),
        document: PolicyDocument::read(&document).map(Arc::new),
    }
}

fn data(statements: Value) -> IamData {
    let role = IamIdentity {
        arn: ROLE.to_owned(),
        account: AccountId::new("111122223333").unwrap(),
        kind: IdentityKind::Role,
        id: "AROA".to_owned(),
        name: "web".to_owned(),
        created: Some(Timestamp::UNIX_EPOCH),
        tags: Tags::new(),
        policies: vec![policy(statements)],
        boundary: None,
        trust: None,
    };
    IamData {
        identities: vec![role],
        ..IamData::default()
    }
}

const NAMES: [&str; 8] = [
    "app/a", "app/b", "app/c", "red/a", "red/b", "db", "db-prod", "x/y/z",
];

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-AbC123")
}

fn secrets() -> Vec<Secret> {
    let all = NAMES.iter();
    all.map(|name| Secret::new(SecretArn::new(&arn(name)).unwrap()))
        .collect()
}

fn joined(data: &IamData, used: UsedActions, covered: bool, kept: &[String]) -> ReachReport {
    let used = BTreeMap::from([(ROLE, used)]);
    let input = ReachInput {
        data,
        secrets: &secrets(),
        used: &used,
        is_covered: &|_| covered,
        since: Timestamp::UNIX_EPOCH,
        kept,
    };
    join(&input).report
}

fn reads(indexes: &[usize]) -> UsedActions {
    let api = || BTreeSet::from(["GetSecretValue".to_owned()]);
    UsedActions {
        by_secret: indexes.iter().map(|index| (*index, api())).collect(),
        without_secret: BTreeSet::new(),
    }
}

fn everything() -> Value {
    json!({"Sid": "All", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"})
}

#[test]
fn what_is_allowed_and_not_read_is_counted_and_narrowed() {
    let found = joined(&data(everything()), reads(&[1, 6]), true, &[]);
    let row = &found.identities[0];
    assert_eq!(
        (row.may_read, row.did_read, row.unused, row.covered),
        (8, 2, 6, true)
    );
    let grant = &row.grants[0];
    assert_eq!(
        (grant.by, grant.advice, grant.may_read, grant.did_read),
        (Breadth::Wildcard, GrantAdvice::Narrow, 8, 2)
    );
    assert_eq!(
        json!(grant.narrowed),
        json!([{
            "Sid": "All", "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"],
            "Resource": [arn("app/b"), arn("db-prod")]
        }])
    );
    let of = |index: usize| {
        let secret = &found.secrets[index];
        (secret.may_read, secret.did_read, secret.may_delete)
    };
    assert_eq!((of(0), of(1)), ((1, 0, 1), (1, 1, 1)));
    assert_eq!(found.secrets[0].never_read_by, [ROLE]);
}

#[test]
fn nothing_follows_from_what_is_unused_where_the_time_is_not_covered_or_the_policy_file_keeps_it() {
    let advice = |covered: bool, kept: &[String]| {
        let found = joined(&data(everything()), reads(&[1]), covered, kept);
        let grant = &found.identities[0].grants[0];
        assert!(grant.narrowed.is_empty());
        grant.advice
    };
    assert_eq!(advice(false, &[]), GrantAdvice::Open);
    assert_eq!(advice(true, &["we".to_owned()]), GrantAdvice::Keep);
    assert_eq!(advice(false, &["we".to_owned()]), GrantAdvice::Keep);
    let mut young = data(everything());
    young.identities[0].created = "2026-01-01T00:00:00Z".parse().ok();
    let found = joined(&young, reads(&[1]), true, &[]);
    assert!(!found.identities[0].covered);
}

#[test]
fn a_grant_that_nobody_used_can_be_removed_and_one_by_tags_is_left_alone() {
    let by_tag = json!({
        "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*",
        "Condition": {"StringEqualsIfExists": {"aws:ResourceTag/team": "red"}}
    });
    let unused = json!({
        "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn("red/*")
    });
    let found = joined(&data(json!([by_tag, unused])), reads(&[0]), true, &[]);
    let advice: Vec<_> = found.identities[0]
        .grants
        .iter()
        .map(|one| one.advice)
        .collect();
    assert_eq!(advice, [GrantAdvice::Open, GrantAdvice::Remove]);
}

#[test]
fn other_actions_that_were_used_are_kept() {
    let mut used = reads(&[0]);
    let apis = ["GetSecretValue", "DescribeSecret", "BatchGetSecretValue"];
    used.by_secret.insert(1, apis.map(str::to_owned).into());
    used.without_secret.insert("ListSecrets".to_owned());
    let found = joined(&data(everything()), used, true, &[]);
    assert_eq!(
        json!(found.identities[0].grants[0].narrowed),
        json!([
            {
                "Sid": "All", "Effect": "Allow",
                "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                "Resource": [arn("app/a"), arn("app/b")]
            },
            {
                "Sid": "AllWithoutSecret", "Effect": "Allow",
                "Action": ["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"],
                "Resource": "*"
            }
        ])
    );
}

#[test]
fn one_half_of_what_a_read_needs_is_named() {
    let key = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let for_secrets = json!({"StringEquals": {
        "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"
    }});
    let decrypt = |condition: Value| json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition});
    let lacks = |statements: Value| -> Vec<(MissingHalf, Vec<usize>)> {
        let mut data = data(statements);
        let root = json!([{
            "Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": {"AWS": "111122223333"}
        }]);
        data.key_policies.insert(key.to_owned(), policy(root));
        let mut secrets = secrets();
        for secret in &mut secrets[..2] {
            secret.kms_key = Some(key.to_owned());
        }
        let joined = join(&ReachInput {
            data: &data,
            secrets: &secrets,
            used: &BTreeMap::new(),
            is_covered: &|_| true,
            since: Timestamp::UNIX_EPOCH,
            kept: &[],
        });
        let found = joined.key_mismatches.into_iter();
        found.map(|one| (one.lacks, one.secret_indexes)).collect()
    };
    assert_eq!(lacks(everything()), [(MissingHalf::Key, vec![0, 1])]);
    let both = json!([everything(), decrypt(json!({}))]);
    assert_eq!(lacks(both), []);
    let alone = decrypt(for_secrets.clone());
    assert_eq!(lacks(alone.clone()), [(MissingHalf::Secret, vec![0, 1])]);
    // A key that is for anything says nothing about secrets, and one secret of the key is enough.
    assert_eq!(lacks(decrypt(json!({}))), []);
    let one = json!({
        "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn("app/a")
    });
    assert_eq!(lacks(json!([one, alone])), []);
}

fn statement() -> impl Strategy<Value = Value> {
    let resource = prop::sample::select(vec![
        "*",
        "arn:aws:secretsmanager:*:*:secret:*",
        "arn:aws:secretsmanager:*:*:secret:app/*",
        "arn:aws:secretsmanager:*:*:secret:db-??????",
        "arn:aws:secretsmanager:*:*:secret:db-*",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:x/y/z-AbC123",
        "arn:aws:s3:::*",
    ]);
    let action = prop::sample::select(vec![
        "*",
        "secretsmanager:*",
        "secretsmanager:GetSecretValue",
        "secretsmanager:Get*",
        "secretsmanager:DescribeSecret",
    ]);
    let condition = prop::sample::select(vec![
        json!({}),
        json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        json!({"StringNotEquals": {"aws:ResourceTag/team": "red"}}),
    ]);
    let parts = (
        prop::collection::vec(resource, 1..3),
        prop::collection::vec(action, 1..3),
        condition,
        prop::bool::weighted(0.15),
        any::<bool>(),
    );
    parts.prop_map(|(resources, actions, condition, denies, not)| {
        let resource = if not && !denies {
            "Resource"
        } else {
            "NotResource"
        };
        let resource = if denies || resources.len() == 1 {
            "Resource"
        } else {
            resource
        };
        let effect = if denies { "Deny" } else { "Allow" };
        json!({"Effect": effect, "Action": actions, resource: resources, "Condition": condition})
    })
}

proptest! {
    /// The narrowed statements instead of theirs, and no statement that can be removed: every read that was seen and
    /// was allowed is allowed as before, and no secret is allowed that was not.
    #[test]
    fn narrowed_policies_keep_every_read_that_was_seen(
        statements in prop::collection::vec(statement(), 1..5),
        read in prop::collection::btree_set(0..NAMES.len(), 0..5),
    ) {
        let before = data(json!(statements));
        let indexes: Vec<usize> = read.into_iter().collect();
        let found = joined(&before, reads(&indexes), true, &[]);
        let allowing = statements.iter().filter(|one| one["Effect"] == "Allow");
        let mut after: Vec<Value> = statements
            .iter()
            .filter(|one| one["Effect"] == "Deny")
            .cloned()
            .collect();
        // Grants are in the order of the statements, those without a secret left out.
        let grants = found.identities.first().map_or(&[][..], |row| &row.grants);
        let mut grants = grants.iter();
        let evaluator = |data: &IamData, secret: &Secret| {
            let owners = BTreeSet::from([AccountId::new("111122223333").unwrap()]);
            let answer = Evaluator::new(data, owners);
            answer.answer(ROLE, secret, AccessAction::GetSecretValue).unwrap()
        };
        let secrets = secrets();
        for one in allowing {
            let denies: Vec<_> = after.iter().filter(|it| it["Effect"] == "Deny").cloned().collect();
            let alone = data(json!([denies, vec![one.clone()]].concat()));
            let lets = |secret: &Secret| evaluator(&alone, secret) != Answer::Denied;
            let whole = secrets.iter().any(lets);
            match whole.then(|| grants.next()).flatten() {
                Some(grant) if grant.advice == GrantAdvice::Narrow => after.extend(grant.narrowed.clone()),
                Some(grant) if grant.advice == GrantAdvice::Remove => {}
                _ => after.push(one.clone()),
            }
        }
        let after = data(json!(after));
        for (index, secret) in secrets.iter().enumerate() {
            let (was, is) = (evaluator(&before, secret), evaluator(&after, secret));
            if indexes.contains(&index) {
                prop_assert_eq!(&was, &is, "{}", secret.name);
            }
            prop_assert!(was != Answer::Denied || is == Answer::Denied, "{}", secret.name);
        }
    }
}
