//! Findings that the inventory shows.

use serde_json::json;

use super::{check, on};
use crate::world::{
    ACCOUNT, DAY, EAST, NOW_S, OTHER, Secret, WEST, World, days_ago, denied, get, idle, never,
    role_of,
};

#[test]
fn a_secret_without_an_owner_is_named_where_others_have_one() {
    let owned = |name: &str| never(name).tag("owner", "payments");
    check(
        "no-owner",
        "",
        vec![
            ("owned", owned("a"), vec![], false),
            (
                "the second tag",
                never("b").tag("team", "risk"),
                vec![],
                false,
            ),
            ("no tag", never("c"), vec![], true),
            ("an empty tag", never("d").tag("owner", " "), vec![], true),
            ("another service", never("rds!e"), vec![], false),
            ("a replica", never("f").primary(WEST), vec![], false),
            ("pending", never("g").deleted(2), vec![], false),
        ],
    );
    let none = World::new().secrets([never("a"), never("b")]).scan();
    assert_eq!(none.findings("no-owner").len(), 0);
    let said = none.report["assumptions"].to_string();
    assert!(
        said.contains("no secret has a tag of `owner`, `team`"),
        "{said}"
    );
}

#[test]
fn names_follow_the_rules_of_the_policy() {
    let policy = format!(
        "[[findings.naming]]\nprefix = \"pay/\"\npattern = '^pay/(dev|prod)/[a-z-]+$'\n\
         [[findings.naming]]\naccount = \"{OTHER}\"\npattern = '^[a-z]+$'\n"
    );
    check(
        "naming",
        &policy,
        vec![
            ("fits", never("pay/dev/key"), vec![], false),
            ("breaks it", never("pay/test/key"), vec![], true),
            ("another prefix", never("Other"), vec![], false),
            (
                "another account",
                never("Other").at(OTHER, EAST),
                vec![],
                true,
            ),
            ("fits there", never("other").at(OTHER, EAST), vec![], false),
        ],
    );
}

#[test]
fn an_ending_like_that_of_an_arn_is_told_from_a_word() {
    let name = |name: &str| never(name).suffix("ZzZzZ9");
    check(
        "arn-like-name",
        "",
        vec![
            ("letters and digits", name("report-abc123"), vec![], true),
            ("capitals within", name("app-AbCdEf"), vec![], true),
            ("a word", name("client-secret"), vec![], false),
            ("a word of a sentence", name("client-Secret"), vec![], false),
            ("a word in capitals", name("x-CLIENT"), vec![], false),
            ("a month", name("invoice-202611"), vec![], false),
            ("five letters", name("a-Ab12c"), vec![], false),
            ("seven letters", name("a-Ab12cde"), vec![], false),
            ("another one without it", name("twin-backup"), vec![], true),
            ("that other one", name("twin"), vec![], false),
            ("nothing before it", name("-Ab12cd"), vec![], false),
        ],
    );
}

/// A primary in the east and its replica in the west.
fn pair(name: &str, accessed: Option<i64>) -> [Secret; 2] {
    let primary = never(name).primary(EAST).accessed(2);
    let replica = never(name).region(WEST).primary(EAST);
    [
        primary,
        accessed.into_iter().fold(replica, Secret::accessed),
    ]
}

#[test]
fn a_replica_that_nobody_reads_is_named_where_the_trail_would_show_it() {
    let replica = |name: &str, days| pair(name, days)[1].clone();
    let primary = |name: &str| pair(name, None)[0].clone();
    let west = |secret: &str| get(secret).region(WEST).days(9);
    let refused = || {
        denied("GetSecretValue", "asked", "because")
            .region(WEST)
            .days(9)
    };
    let cases = vec![
        ("never read", replica("a", None), vec![], true),
        ("read long ago", replica("b", Some(92)), vec![], true),
        ("one day is allowed", replica("c", Some(91)), vec![], false),
        ("read", replica("d", Some(5)), vec![], false),
        (
            "read by the trail",
            replica("e", None),
            vec![west("e")],
            false,
        ),
        ("asked for", replica("asked", None), vec![refused()], false),
        ("young", replica("f", None).created(89), vec![], false),
        ("a primary", primary("a"), vec![], false),
        ("b", primary("b"), vec![], false),
        ("c", primary("c"), vec![], false),
        ("d", primary("d"), vec![], false),
        ("e", primary("e"), vec![], false),
        ("asked", primary("asked"), vec![], false),
        ("f", primary("f"), vec![], false),
        // It goes with its primary.
        ("idle as a whole", replica("g", None), vec![], false),
        ("its primary", idle("g").primary(EAST), vec![], false),
    ];
    check("idle-replica", "", cases);
    let hole = [(days_ago(40), days_ago(40) + 3 * DAY)];
    let uncovered = World::new()
        .logging_between(ACCOUNT, WEST, days_ago(92), NOW_S + DAY, &hole)
        .secrets(pair("a", None))
        .scan();
    assert_eq!(uncovered.findings("idle-replica").len(), 0);
    let said = uncovered.report["assumptions"].to_string();
    assert!(
        said.contains("Whether 1 replica is read could not be judged"),
        "{said}"
    );
}

#[test]
fn a_name_of_several_regions_is_named_once_and_on_request() {
    let both = |name: &str| [never(name), never(name).region(WEST)];
    let [east, west] = both("a");
    let [primary, replica] = pair("b", None);
    let cases = vec![
        ("the second", east, vec![], false),
        ("the first", west, vec![], true),
        ("a primary", primary, vec![], false),
        ("its replica", replica, vec![], false),
        ("another account", never("a").at(OTHER, EAST), vec![], false),
        ("alone", never("c"), vec![], false),
    ];
    check("duplicate-name", &on("duplicate-name"), cases);
    let silent = World::new().secrets(both("a")).scan();
    assert_eq!(silent.findings("duplicate-name").len(), 0, "off by default");
}

#[test]
fn a_missing_description_is_named_on_request() {
    let about = |name: &str, text: &str| never(name).set("Description", json!(text));
    let cases = vec![
        ("none", never("a"), vec![], true),
        ("blank", about("b", " "), vec![], true),
        (
            "described",
            about("c", "the key of the printer"),
            vec![],
            false,
        ),
        ("another service", never("rds!d"), vec![], false),
    ];
    check("no-description", &on("no-description"), cases);
    let silent = World::new().secret(never("a")).scan();
    assert_eq!(silent.findings("no-description").len(), 0, "off by default");
}

#[test]
fn the_managed_key_cannot_be_shared_with_another_account() {
    let kms = |secret: &Secret| {
        get(&secret.arn())
            .by(role_of(OTHER, "far", "worker"))
            .error("AccessDeniedException", "Access to KMS is not allowed")
    };
    let (plain, own) = (never("a"), never("b").customer_key());
    let (near, old) = (never("c"), never("d"));
    let calls = [
        vec![kms(&plain)],
        vec![kms(&own)],
        vec![get(&near.arn()).error("AccessDeniedException", "Access to KMS is not allowed")],
        vec![kms(&old).days(31)],
    ];
    let [plain_calls, own_calls, near_calls, old_calls] = calls;
    check(
        "default-key-shared",
        "",
        vec![
            ("refused from afar", plain, plain_calls, true),
            ("a key of the customer's", own, own_calls, false),
            ("refused at home", near, near_calls, false),
            ("before the window", old, old_calls, false),
        ],
    );
}
