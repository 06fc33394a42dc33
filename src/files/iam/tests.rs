//! What is read of IAM data, and what becomes a gap.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::domain::base::names::AccountId;
use crate::domain::reach::{IamData, IdentityKind, NamedPolicy, PolicyDocument};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// Reads files of these names and contents.
fn read_all(files: &[(&str, Value)]) -> IamData {
    let texts: Vec<_> = files
        .iter()
        .map(|(name, content)| (*name, content.to_string()))
        .collect();
    read_texts(&texts)
}

fn read_texts(files: &[(&str, String)]) -> IamData {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut reader = IamReader::default();
    read(&[folder.path().to_owned()], &mut reader);
    let mut data = reader.finished();
    let root = folder.path().display().to_string();
    for gap in &mut data.gaps {
        gap.what = gap.what.replace(&root, "DIR");
    }
    data
}

fn statement(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": "*"}
    ]})
}

fn details() -> Value {
    json!({
        "UserDetailList": [{
            "Path": "/", "UserName": "ada", "UserId": "AIDA1",
            "Arn": "arn:aws:iam::111122223333:user/ada",
            "CreateDate": "2026-01-02T03:04:05+00:00",
            "GroupList": ["developers", "gone"],
            "AttachedManagedPolicies": [
                {"PolicyName": "Elsewhere", "PolicyArn": "arn:aws:iam::aws:policy/Elsewhere"}
            ],
            "New": {"Field": 1}
        }],
        "GroupDetailList": [{
            "GroupName": "developers", "Arn": "arn:aws:iam::111122223333:group/developers",
            "GroupPolicyList": [{"PolicyName": "inline", "PolicyDocument": statement("s3:*")}],
            "AttachedManagedPolicies": []
        }],
        "RoleDetailList": [{
            "RoleName": "web", "RoleId": "AROA1", "Arn": "arn:aws:iam::111122223333:role/app/web",
            "CreateDate": 1_767_323_045.0,
            "AssumeRolePolicyDocument": {"Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"}
            }]},
            "RolePolicyList": [{
                "PolicyName": "encoded",
                "PolicyDocument": "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22secretsmanager%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
            }],
            "AttachedManagedPolicies": [
                {"PolicyName": "own", "PolicyArn": "arn:aws:iam::111122223333:policy/own"}
            ],
            "PermissionsBoundary": {
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/own"
            },
            "Tags": [{"Key": "team", "Value": "red"}]
        }],
        "Policies": [{
            "PolicyName": "own", "Arn": "arn:aws:iam::111122223333:policy/own",
            "DefaultVersionId": "v2",
            "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": false, "Document": statement("iam:*")},
                {"VersionId": "v2", "IsDefaultVersion": true, "Document": statement("kms:*")}
            ]
        }]
    })
}

#[test]
fn identities_come_with_all_of_their_policies() {
    let data = read_all(&[("details.json", json!([details()]))]);
    assert_eq!(data.gaps, []);
    let [role, user] = data.identities.as_slice() else {
        panic!("{:?}", data.identities);
    };
    assert_eq!((role.kind, role.name.as_str()), (IdentityKind::Role, "web"));
    assert_eq!(role.account.as_str(), "111122223333");
    assert_eq!(role.tags.get("team").map(String::as_str), Some("red"));
    assert!(role.trust.is_some() && role.created.is_some());
    let names = |policies: &[NamedPolicy]| -> Vec<(String, bool)> {
        let each = policies.iter();
        each.map(|one| (one.name.clone(), one.document.is_ok()))
            .collect()
    };
    assert_eq!(
        names(&role.policies),
        [("encoded".to_owned(), true), ("own".to_owned(), true)]
    );
    assert_eq!(
        role.boundary.as_ref(),
        Some(&NamedPolicy {
            name: "own".to_owned(),
            document: PolicyDocument::read(&statement("kms:*")).map(Arc::new),
        })
    );
    // What is not given makes the user's access unknown, not smaller.
    assert_eq!(
        names(&user.policies),
        [
            ("Elsewhere".to_owned(), false),
            ("inline".to_owned(), true),
            ("group gone".to_owned(), false)
        ]
    );
    assert_eq!(user.created, Some("2026-01-02T03:04:05Z".parse().unwrap()));
}

#[test]
fn policies_of_secrets_and_keys_grants_and_the_organization_are_recognized() {
    let secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbC123";
    let policy = statement("secretsmanager:*").to_string();
    let key = format!("keys/111122223333-us-east-1-{KEY}.json");
    let data = read_all(&[
        (
            "secret.json",
            json!({"ARN": secret, "Name": "db", "ResourcePolicy": policy}),
        ),
        (
            "secret-2.json",
            json!({"ARN": secret.replace("db", "db2"), "Name": "db2"}),
        ),
        (&key, json!({"Policy": policy, "PolicyName": "default"})),
        (
            "grants.json",
            json!({"Grants": [{
                "KeyId": format!("arn:aws:kms:us-east-1:111122223333:key/{KEY}"),
                "GranteePrincipal": "arn:aws:iam::111122223333:role/app/web",
                "Operations": ["Decrypt"],
                "Constraints": {"EncryptionContextSubset": {"SecretARN": secret}}
            }]}),
        ),
        (
            "organization.json",
            json!({"Organization": {"Id": "o-1", "MasterAccountId": "999900001111"}}),
        ),
        (
            "accounts.json",
            json!({"Accounts": [{"Id": "111122223333"}]}),
        ),
        (
            "p-abc.json",
            json!({"Policy": {
                "PolicySummary": {
                    "Id": "p-abc", "Name": "limits", "Type": "SERVICE_CONTROL_POLICY"
                },
                "Content": policy
            }}),
        ),
        (
            "targets-of p-abc.json",
            json!({"Targets": [{"TargetId": "ou-1-a", "Type": "ORGANIZATIONAL_UNIT"}]}),
        ),
        (
            "parents.111122223333.json",
            json!({"Parents": [{"Id": "ou-1-a", "Type": "ORGANIZATIONAL_UNIT"}]}),
        ),
    ]);
    assert_eq!(data.gaps, []);
    let known: Vec<bool> = data.secret_policies.values().map(Option::is_some).collect();
    assert_eq!(known, [true, false]);
    assert!(data.key_policies[KEY].document.is_ok());
    assert_eq!(data.grants[KEY][0].secret.as_deref(), Some(secret));
    let organization = &data.organization;
    assert_eq!(organization.id.as_deref(), Some("o-1"));
    assert_eq!(organization.management, AccountId::new("999900001111").ok());
    assert_eq!(organization.accounts.len(), 1);
    assert_eq!(organization.parents["111122223333"], "ou-1-a");
    let control = &organization.policies["p-abc"];
    assert_eq!(control.targets, Some(BTreeSet::from(["ou-1-a".to_owned()])));
}

#[test]
fn control_policies_that_are_only_listed_are_unknown_but_those_of_aws() {
    let summary =
        |id: &str, name: &str| json!({"Id": id, "Name": name, "Type": "SERVICE_CONTROL_POLICY"});
    let data = read_all(&[(
        "policies.json",
        json!({"Policies": [summary("p-FullAWSAccess", "FullAWSAccess"), summary("p-1", "own")]}),
    )]);
    let readable = |id: &str| data.organization.policies[id].policy.document.is_ok();
    assert!(readable("p-FullAWSAccess") && !readable("p-1"));
    let gaps: Vec<&str> = data.gaps.iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(gaps, ["own, policy `own`"]);
}

#[test]
fn what_cannot_be_read_is_named_and_hides_nothing_else() {
    let mut broken = details();
    broken["RoleDetailList"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"Arn": 7}));
    broken["IsTruncated"] = json!(true);
    let policy = json!({"Policy": "{}", "PolicyName": "default"}).to_string();
    let data = read_texts(&[
        ("a.json", broken.to_string()),
        ("b.json", "{\"RoleDetailList\"".to_owned()),
        ("c.json", String::new()),
        ("d.json", json!({"SecretList": []}).to_string()),
        ("e.json", policy),
    ]);
    assert_eq!(data.identities.len(), 2);
    let gaps: Vec<(&str, &str)> = data
        .gaps
        .iter()
        .map(|gap| (gap.what.as_str(), gap.why.as_str()))
        .collect();
    let expected = [
        ("DIR/a.json", "its last page is not the last one"),
        ("DIR/a.json, entry 1 of `RoleDetailList`", "invalid type"),
        ("DIR/b.json", "not JSON"),
        ("DIR/c.json", "the file is empty"),
        (
            "DIR/d.json",
            "none of the answers of AWS that are read here",
        ),
        (
            "DIR/e.json",
            "the policy of a key, and the name of the file",
        ),
    ];
    assert_eq!(gaps.len(), expected.len(), "{gaps:?}");
    for ((what, why), (source, begin)) in gaps.iter().zip(expected) {
        assert!(*what == source && why.starts_with(begin), "{what}: {why}");
    }
}

#[test]
fn a_folder_without_a_file_is_a_gap() {
    assert_eq!(read_all(&[]).gaps.len(), 1);
}
