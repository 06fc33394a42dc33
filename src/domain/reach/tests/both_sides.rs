//! What decides beside the policies of the identity: other accounts, keys, grants, the organization.

use std::collections::BTreeMap;

use super::*;

#[test]
fn across_accounts_both_sides_must_allow_and_the_aws_managed_key_never_does() {
    let grant = |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "*", "Resource": "*"});
    let key =
        json!({"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "kms:*", "Resource": "*"});
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let world = |principal: Option<&str>, own: Option<&Value>, key: Option<&Value>| {
        let mut world = World::new();
        if let Some(principal) = principal {
            world = world.with_secret_policy(grant(principal));
        }
        if let Some(own) = own {
            world = world.with_policies(STRANGER, own.clone());
        }
        if let Some(key) = key {
            world = world.with_key(Some(key.clone()));
        }
        world.may_read(STRANGER)
    };
    for principal in [STRANGER, OTHER, "arn:aws:iam::444455556666:root", "*"] {
        assert_eq!(
            world(Some(principal), Some(&all), Some(&key)),
            Answer::Allowed
        );
    }
    assert_eq!(world(Some(STRANGER), None, Some(&key)), Answer::Denied);
    assert_eq!(world(None, Some(&all), Some(&key)), Answer::Denied);
    assert_eq!(world(Some(STRANGER), Some(&all), None), Answer::Denied);
}

#[test]
fn a_key_of_the_customer_follows_its_own_policy() {
    let read =
        json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"});
    let decrypt = json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"});
    let root = json!({
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:*", "Resource": "*"
    });
    let direct = json!({
        "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"
    });
    let through = |service: &str| {
        let mut statement = direct.clone();
        statement["Condition"] = json!({"StringEquals": {"kms:ViaService": service}});
        statement
    };
    let both = json!([read, decrypt]);
    for (identity, policy, expected) in [
        (&both, Some(&root), Answer::Allowed),
        (&read, Some(&root), Answer::Denied),
        (&read, Some(&direct), Answer::Allowed),
        // Without the account in the key policy, identity policies grant nothing.
        (&both, Some(&json!([])), Answer::Denied),
        (
            &read,
            Some(&through("secretsmanager.us-east-1.amazonaws.com")),
            Answer::Allowed,
        ),
        (
            &read,
            Some(&through("s3.us-east-1.amazonaws.com")),
            Answer::Denied,
        ),
        (
            &both,
            None,
            Answer::Unknown(vec!["the policy of the key, which is not given".to_owned()]),
        ),
    ] {
        let world = World::new()
            .with_policies(ROLE, identity.clone())
            .with_key(policy.cloned());
        assert_eq!(world.may_read(ROLE), expected, "{identity} {policy:?}");
    }
    // The AWS managed key needs no permission of its own, but a denial of its use counts.
    let world = World::new().with_policies(ROLE, read.clone());
    assert_eq!(world.may_read(ROLE), Answer::Allowed);
    let denial = json!([read, {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]);
    let world = World::new().with_policies(ROLE, denial);
    assert_eq!(world.may_read(ROLE), Answer::Denied);
}

#[test]
fn a_grant_lets_its_grantee_use_the_key() {
    let read = json!({"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"});
    let world = |grant: KeyGrant| {
        let mut world = World::new()
            .with_policies(ROLE, read.clone())
            .with_key(Some(json!([])));
        world.data.grants.insert(KEY.to_owned(), vec![grant]);
        world.may_read(ROLE)
    };
    let grant = KeyGrant {
        grantee: ROLE.to_owned(),
        decrypts: true,
        secret: None,
        demands_more: false,
    };
    assert_eq!(world(grant.clone()), Answer::Allowed);
    let other = secret_arn("other-AbC123");
    for wrong in [
        KeyGrant {
            decrypts: false,
            ..grant.clone()
        },
        KeyGrant {
            grantee: USER.to_owned(),
            ..grant.clone()
        },
        KeyGrant {
            secret: Some(other),
            ..grant.clone()
        },
    ] {
        assert_eq!(world(wrong.clone()), Answer::Denied, "{wrong:?}");
    }
    let more = KeyGrant {
        demands_more: true,
        ..grant
    };
    assert_eq!(world(more), on(&["kms:EncryptionContext"]));
}

#[test]
fn control_policies_limit_level_by_level_and_spare_the_management_account() {
    let all = || document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let control = |policy: NamedPolicy, targets: &[&str]| ControlPolicy {
        kind: ControlKind::Service,
        policy,
        targets: Some(targets.iter().map(|one| (*one).to_owned()).collect()),
    };
    let deny =
        || document(json!({"Effect": "Deny", "Action": "secretsmanager:*", "Resource": "*"}));
    let only_s3 = || document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    let full = || control(all(), &["r-1", "ou-1", OWN]);
    let path = || {
        BTreeMap::from([
            (OWN.to_owned(), "ou-1".to_owned()),
            ("ou-1".to_owned(), "r-1".to_owned()),
        ])
    };
    let answer = |policies: Vec<ControlPolicy>, parents: BTreeMap<String, String>, management| {
        let mut world = World::new().with_policies(ROLE, allow(json!("*")));
        let named = policies.into_iter().enumerate();
        let named = named.map(|(index, policy)| (format!("p-{index}"), policy));
        world.data.organization.policies = named.collect();
        world.data.organization.parents = parents;
        world.data.organization.management = management;
        world.may_read(ROLE)
    };
    assert_eq!(answer(vec![full()], path(), None), Answer::Allowed);
    assert_eq!(
        answer(vec![full(), control(deny(), &["ou-1"])], path(), None),
        Answer::Denied
    );
    assert_eq!(
        answer(vec![full(), control(deny(), &["ou-2"])], path(), None),
        Answer::Allowed
    );
    let narrow = vec![control(all(), &["r-1", OWN]), control(only_s3(), &["ou-1"])];
    assert_eq!(answer(narrow, path(), None), Answer::Denied);
    let denied = || vec![full(), control(deny(), &["ou-1"])];
    assert_eq!(
        answer(denied(), path(), Some(account(OWN))),
        Answer::Allowed
    );
    // Which unit the account belongs to is not given.
    assert!(matches!(
        answer(denied(), BTreeMap::new(), None),
        Answer::Unknown(_)
    ));
    let at_root = vec![full(), control(deny(), &["r-1"])];
    assert_eq!(answer(at_root, BTreeMap::new(), None), Answer::Denied);
}
