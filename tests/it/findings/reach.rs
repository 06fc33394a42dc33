//! Findings about reach as it was seen.

use serde_json::{Value, json};

use super::check;
use crate::world::{
    ACCOUNT, Call, OTHER, TERRAFORM, World, call, get, never, role, role_arn, role_of,
};

fn person(name: &str) -> Value {
    role("AWSReservedSSO_Admin_0123456789abcdef", name)
}

fn reads_by(secret: &str, roles: std::ops::Range<usize>, days: i64) -> Vec<Call> {
    roles
        .map(|number| {
            let name = format!("app-{number}");
            get(secret).by(role(&name, "worker")).days(days)
        })
        .collect()
}

#[test]
fn more_readers_than_the_policy_allows_are_counted_by_role() {
    let again = reads_by("again", 0..3, 5)
        .into_iter()
        .chain(reads_by("again", 0..3, 4));
    let refused = reads_by("refused", 0..5, 5).into_iter();
    let refused = refused
        .map(|call| call.error("AccessDenied", "because"))
        .collect();
    check(
        "widely-shared",
        "[findings]\nmost_consumers = 3\n",
        vec![
            ("as many", never("a"), reads_by("a", 0..3, 5), false),
            ("one more", never("b"), reads_by("b", 0..4, 5), true),
            ("the same again", never("again"), again.collect(), false),
            (
                "before the window",
                never("c"),
                reads_by("c", 0..4, 31),
                false,
            ),
            ("refused", never("refused"), refused, false),
        ],
    );
}

#[test]
fn a_role_that_reads_more_secrets_than_the_policy_allows_is_named_with_them() {
    let names = ["one", "two", "three"];
    let reads = |role_name: &'static str, many: usize| {
        let own = names.iter().take(many);
        own.map(move |name| get(name).by(role(role_name, "worker")))
    };
    let sync = reads("sync", 3).map(|call| Call {
        identity: role("sync", "external-secrets-provider-aws"),
        ..call
    });
    let scan = World::new()
        .secrets(names.map(never))
        .calls(reads("broad", 3).chain(reads("narrow", 2)).chain(sync))
        .calls(reads("plan", 3).map(|call| call.agent(TERRAFORM)))
        .policy("[findings]\nmost_secrets = 2\n")
        .scan();
    let found = scan.findings("broad-reader");
    let readers: Vec<_> = found
        .iter()
        .map(|row| row["reader"].as_str().unwrap())
        .collect();
    // A data source of Terraform reads values, so that is a deploy like any reader.
    assert_eq!(
        readers,
        [role_arn(ACCOUNT, "broad"), role_arn(ACCOUNT, "plan")]
    );
    assert_eq!(found[0]["evidence"], "one, three, two");
}

#[test]
fn readers_of_other_teams_are_those_that_the_policy_assigns() {
    let policy = "[[findings.team]]\nowner = \"pay\"\nreaders = [\"pay-*\"]\n\
                  [[findings.team]]\nowner = \"risk\"\nreaders = [\"risk-*\", \"pay-shared\"]\n";
    let own = |name: &str, owner: &str| never(name).tag("owner", owner);
    let by = |secret: &str, name: &str| vec![get(secret).by(role(name, "worker"))];
    check(
        "cross-team",
        policy,
        vec![
            ("own", own("a", "pay"), by("a", "pay-api"), false),
            ("another's", own("b", "risk"), by("b", "pay-api"), true),
            ("of both", own("c", "risk"), by("c", "pay-shared"), false),
            ("of nobody", own("d", "risk"), by("d", "stranger"), false),
            ("no owner", never("e"), by("e", "pay-api"), false),
        ],
    );
}

#[test]
fn reads_from_other_accounts_are_worse_where_nobody_knows_them() {
    let far = "999988887777";
    let by = |secret: &str, account: &str| {
        let call = get(&never(secret).arn()).by(role_of(account, "far", "worker"));
        vec![call]
    };
    let refused = by("d", far).remove(0).error("AccessDenied", "because");
    let scan = check(
        "cross-account-reads",
        "[findings]\ntrusted_accounts = [\"123412341234\"]\n[accounts]\n444455556666 = \"staging\"\n",
        vec![
            ("home", never("a"), by("a", ACCOUNT), false),
            ("unknown", never("b"), by("b", far), true),
            ("named", never("c"), by("c", OTHER), true),
            ("refused", never("d"), vec![refused], false),
            ("trusted", never("e"), by("e", "123412341234"), false),
        ],
    );
    let severities: Vec<_> = scan.findings("cross-account-reads").into_iter().collect();
    let severities: Vec<_> = severities
        .iter()
        .map(|row| (&row["name"], &row["severity"]))
        .collect();
    assert_eq!(
        severities,
        [
            (&json!("b"), &json!("medium")),
            (&json!("c"), &json!("low"))
        ]
    );
}

#[test]
fn people_are_named_where_programs_use_the_secret() {
    let app = |secret: &str| get(secret).days(50);
    let ann = |secret: &str| get(secret).by(person("ann"));
    let describe = call("DescribeSecret", "d").by(person("ann"));
    let scan = check(
        "person-reads",
        "",
        vec![
            (
                "both",
                never("a"),
                vec![app("a"), ann("a"), get("a").by(person("bob"))],
                true,
            ),
            ("a person's own", never("b"), vec![ann("b")], false),
            ("a program", never("c"), vec![app("c")], false),
            ("no value", never("d"), vec![app("d"), describe], false),
            (
                "before the window",
                never("e"),
                vec![app("e"), ann("e").days(31)],
                false,
            ),
        ],
    );
    let text = scan.findings("person-reads")[0]["text"].to_string();
    assert!(
        text.contains("2 people read") && text.contains("ann, bob"),
        "{text}"
    );
}

#[test]
fn the_root_user_is_no_reader() {
    let root = |secret: &str| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:root");
        get(secret)
            .by(json!({"type": "Root", "principalId": ACCOUNT, "arn": arn, "accountId": ACCOUNT}))
    };
    check(
        "root-reads",
        "",
        vec![
            ("root", never("a"), vec![root("a")], true),
            (
                "a role called root",
                never("b"),
                vec![get("b").by(role("root", "x"))],
                false,
            ),
            (
                "refused",
                never("c"),
                vec![root("c").error("AccessDenied", "because")],
                false,
            ),
            (
                "before the window",
                never("d"),
                vec![root("d").days(31)],
                false,
            ),
        ],
    );
}
