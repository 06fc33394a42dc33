//! Each rule of the verdict at its boundary: where it fires, and where it just does not.

use serde_json::json;

use crate::world::*;

/// Scans these secrets, and checks the verdict with the codes of each.
fn check(world: World, cases: &[(Secret, &str)]) -> Scan {
    let scan = world
        .secrets(cases.iter().map(|(secret, _)| secret.clone()))
        .scan();
    for (secret, expected) in cases {
        assert_eq!(
            verdict(scan.secret_in(&secret.region, &secret.name)),
            *expected,
            "{} in {}",
            secret.name,
            secret.region
        );
    }
    scan
}

#[test]
fn an_idle_secret_without_anything_else_can_go() {
    let scan = check(
        World::new(),
        &[
            (idle("a"), "delete: idle"),
            (never("b"), "delete: never-read"),
        ],
    );
    assert_eq!(scan.code, 0);
    assert_eq!(scan.secret("a")["idle_days"], 200);
    assert_eq!(scan.secret("b")["idle_days"], 400);
    assert_eq!(scan.report["totals"]["verdicts"], json!({"delete": 2}));
}

#[test]
fn a_consumer_within_the_idle_time_keeps() {
    let calls = |name: &str, at: i64| get(name).at(at);
    check(
        World::new()
            .call(calls("at-the-edge", days_ago(90)))
            .call(calls("just-before", days_ago(90) - 1))
            .call(calls("today", NOW_S - 1))
            .call(get("two-kinds").agent(TERRAFORM))
            .call(get("two-kinds").days(89)),
        &[
            (idle("at-the-edge"), "keep: recently-read"),
            (idle("just-before"), "delete: idle"),
            (idle("today"), "keep: recently-read"),
            (idle("two-kinds"), "keep: recently-read"),
            (never("not-in-the-list-yet"), "delete: never-read"),
        ],
    );
}

#[test]
fn pending_service_managed_and_protected_secrets_stay() {
    let until = |name: &str, value: &str| idle(name).tag("keep-until", value);
    check(
        World::new()
            .policy("[protect]\nnames = [\"break-glass/*\", \"*/root\"]\ntags = [\"tier=gold\"]\n"),
        &[
            (idle("pending").deleted(3), "keep: pending-deletion idle"),
            (
                idle("owned").set("OwningService", json!("rds")),
                "keep: service-managed idle",
            ),
            (
                idle("tagged").tag("aws:secretsmanager:owningService", "events"),
                "keep: service-managed idle",
            ),
            (idle("rds!cluster-1"), "keep: service-managed idle"),
            (idle("Not!a-service"), "delete: idle"),
            (
                idle("break-glass/a/b"),
                "keep: protected-name sensitive-name idle",
            ),
            (idle("team/db/root"), "keep: protected-name idle"),
            (idle("team/db/roots"), "delete: idle"),
            (idle("keep").tag("keep", "true"), "keep: protected-tag idle"),
            (idle("keep-false").tag("keep", "false"), "delete: idle"),
            (
                idle("never-delete").tag("do-not-delete", ""),
                "keep: protected-tag idle",
            ),
            (idle("gold").tag("tier", "gold"), "keep: protected-tag idle"),
            (idle("silver").tag("tier", "silver"), "delete: idle"),
            (until("yesterday", "2026-10-31"), "delete: idle"),
            (until("today", "2026-11-01"), "keep: protected-until idle"),
            (
                until("tomorrow", "2026-11-02"),
                "keep: protected-until idle",
            ),
            (
                until("a-moment", "2026-11-01T00:00:00+14:00"),
                "keep: protected-until idle",
            ),
            (
                until("no-date", "when the migration is over"),
                "keep: protected-until idle",
            ),
            (until("empty", ""), "keep: protected-until idle"),
        ],
    );
}

#[test]
fn stacks_and_sensitive_names_want_a_person() {
    check(
        World::new(),
        &[
            (
                idle("stack").tag("aws:cloudformation:stack-name", "shop"),
                "review: iac-managed idle",
            ),
            (
                idle("stack-id").tag("aws:cloudformation:stack-id", "arn:x"),
                "review: iac-managed idle",
            ),
            (idle("team/dr/token"), "review: sensitive-name idle"),
            (idle("Prod_BACKUP_key"), "review: sensitive-name idle"),
            (idle("ops/break-glass"), "review: sensitive-name idle"),
            (idle("ops/disaster-recovery"), "review: sensitive-name idle"),
            (idle("draft/backupper"), "delete: idle"),
            (idle("glass/break"), "delete: idle"),
        ],
    );
}

#[test]
fn a_used_secret_is_kept_whatever_else_is_said_of_it() {
    let scan = check(
        World::new()
            .call(get("a"))
            .call(denied("GetSecretValue", "a", "because"))
            .call(get("b/dr")),
        &[
            (idle("a"), "keep: recently-read failed-reads"),
            (
                idle("b/dr").tag("aws:cloudformation:stack-name", "s"),
                "keep: recently-read iac-managed sensitive-name",
            ),
        ],
    );
    assert_eq!(scan.report["totals"]["savings_usd"], "0.000000");
}

#[test]
fn maintenance_alone_is_no_use_only_where_the_trail_shows_all_of_it() {
    let world = |from: i64| {
        World::silent()
            .logging_between(ACCOUNT, EAST, from, NOW_S, &[])
            .call(get("db").by(role("rotation", "rotate-db")).days(10))
            .secret(never("db").accessed(10).rotated_by("rotate-db"))
    };
    assert_eq!(
        world(days_ago(91)).scan().verdict("db"),
        "delete: maintenance-only"
    );
    assert_eq!(
        world(days_ago(80)).scan().verdict("db"),
        "review: coverage-gap maintenance-only"
    );
    assert_eq!(
        world(days_ago(80))
            .args(&["--trust-last-accessed"])
            .scan()
            .verdict("db"),
        "review: coverage-gap maintenance-only",
        "LastAccessedDate says that it was read: there is nothing to trust"
    );
    let without = World::new()
        .no_trail()
        .secret(never("db").accessed(10))
        .scan();
    assert_eq!(
        without.verdict("db"),
        "keep: recently-read",
        "nobody knows who read it"
    );
}

#[test]
fn maintenance_on_a_young_secret_is_too_early_to_judge() {
    check(
        World::new()
            .call(get("young").by(role("rotation", "rotate-db")).days(10))
            .call(get("old").by(role("rotation", "rotate-db")).days(10)),
        &[
            (
                never("young")
                    .created(60)
                    .accessed(10)
                    .rotated_by("rotate-db"),
                "keep: too-young",
            ),
            (
                never("old")
                    .created(91)
                    .accessed(10)
                    .rotated_by("rotate-db"),
                "delete: maintenance-only",
            ),
        ],
    );
}

#[test]
fn the_last_access_may_be_a_day_off_what_maintenance_explains() {
    // The time zone of the date is not documented.
    for (day, expected) in [
        (12, "keep: recently-read"),
        (11, "delete: maintenance-only"),
        (10, "delete: maintenance-only"),
        (9, "delete: maintenance-only"),
        (8, "keep: recently-read"),
    ] {
        check(
            World::new().call(
                get("db")
                    .by(role("rotation", "rotate-db"))
                    .at(days_ago(10) + 12 * HOUR),
            ),
            &[(never("db").accessed(day).rotated_by("rotate-db"), expected)],
        );
    }
}

// Readers.

/// Compares the class of each caller: (what it is, kind, part of the client, whether its read is use).
#[test]
fn readers_are_told_apart() {
    let lambda = "Boto3/1.34.2 lang/python#3.11 exec-env/AWS_Lambda_python3.11";
    let java = "aws-sdk-java/2.25.1 Linux/5.10 lang/java#17";
    let task = "0123456789abcdef0123456789abcdef";
    let agent = |agent: &str| get("").agent(agent);
    let who = |identity| get("").by(identity);
    let invoked = |service: &str| {
        let mut identity = role("app", "x");
        identity["invokedBy"] = json!(service);
        get("").by(identity).via(service).agent(service)
    };
    let irsa = {
        let mut identity = role("app", "botocore-session-1790000000");
        identity["sessionContext"]["webIdFederationData"] =
            json!({"federatedProvider": "arn:aws:iam::1:oidc-provider/oidc.eks", "attributes": {}});
        identity
    };
    let instance = {
        let mut identity = role("app", "i-0123456789abcdef0");
        identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
        identity
    };
    let sso = role("AWSReservedSSO_Admin_0123456789abcdef", "ann@example.com");
    let service_linked = |service: &str| {
        get("")
            .by(json!({"type": "AWSService", "invokedBy": service}))
            .via(service)
            .agent(service)
    };
    let table: Vec<(&str, Call, &str, &str)> = vec![
        (
            "java-cache",
            agent(JAVA_CACHE),
            "cache",
            "AWS caching library",
        ),
        (
            "rust-cache",
            agent("aws-sdk-rust/1.3 AWSSecretsManagerCachingRust/2.0"),
            "cache",
            "AWS caching library",
        ),
        (
            "agent",
            agent("aws-secrets-manager-agent/1.2 aws-sdk-rust/1.3"),
            "cache",
            "Secrets Manager Agent",
        ),
        (
            "extension",
            agent("aws-parameters-and-secrets-lambda-extension/1.0 exec-env/AWS_Lambda_x"),
            "cache",
            "Lambda extension",
        ),
        (
            "eso",
            agent("aws-sdk-go-v2/1.30 external-secrets"),
            "sync",
            "External Secrets",
        ),
        (
            "eso-session",
            who(role("app", "external-secrets-provider-aws")),
            "sync",
            "External Secrets",
        ),
        (
            "csi",
            agent("secrets-store-csi-driver-provider-aws/0.3.9"),
            "sync",
            "CSI",
        ),
        (
            "console",
            agent("Mozilla/5.0 (X11; Linux x86_64)"),
            "person",
            "console",
        ),
        (
            "console-flag",
            get("").more("sessionCredentialFromConsole", json!("true")),
            "person",
            "console",
        ),
        (
            "sso",
            who(sso.clone()).agent("aws-cli/2.15"),
            "person",
            "SSO",
        ),
        (
            "sso-with-terraform",
            who(sso).agent(TERRAFORM),
            "iac",
            "Terraform",
        ),
        (
            "root",
            who(
                json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": ACCOUNT}),
            ),
            "person",
            "root",
        ),
        ("terraform", agent(TERRAFORM), "iac", "Terraform"),
        ("tofu", agent("APN/1.0 OpenTofu/1.8"), "iac", "Terraform"),
        (
            "pulumi",
            agent("pulumi-aws/6.0 aws-sdk-go-v2/1"),
            "iac",
            "Pulumi",
        ),
        (
            "cloudformation",
            invoked("cloudformation.amazonaws.com"),
            "iac",
            "CloudFormation",
        ),
        (
            "prowler",
            agent("Boto3/1.34 APN_1826889 prowler"),
            "scanner",
            "audit",
        ),
        (
            "custodian",
            agent("cloud-custodian/0.9 Boto3/1.34"),
            "scanner",
            "audit",
        ),
        (
            "config",
            who(role(
                "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
                "x",
            )),
            "scanner",
            "audit",
        ),
        (
            "ourselves",
            agent("aws-sdk-rust/1.3 app/secretsweep"),
            "ourselves",
            "secretsweep",
        ),
        ("lambda", agent(lambda), "application", "Lambda"),
        (
            "ecs",
            agent(&format!("{java} exec-env/AWS_ECS_FARGATE")),
            "application",
            "Fargate, Java",
        ),
        (
            "task",
            who(role("app", task)).agent(java),
            "application",
            "ECS, Java",
        ),
        ("eks", who(irsa), "application", "EKS"),
        ("ec2", who(instance), "application", "EC2"),
        (
            "codebuild",
            who(role("build", "AWSCodeBuild-0123")),
            "application",
            "CodeBuild",
        ),
        (
            "apprunner",
            agent("aws-sdk-js/3 exec-env/AWS_APPRUNNER"),
            "application",
            "App Runner",
        ),
        (
            "msk",
            service_linked("kafka.amazonaws.com"),
            "service",
            "kafka.amazonaws.com",
        ),
        (
            "rotation-service",
            service_linked("secretsmanager.amazonaws.com"),
            "rotation",
            "",
        ),
        (
            "user",
            who(user("ann")).agent(BOTO),
            "application",
            "Python",
        ),
        (
            "unknown",
            agent("my-own-client/0.1"),
            "application",
            "unknown",
        ),
        (
            "no-agent",
            get("").leave_out("userAgent"),
            "application",
            "unknown",
        ),
    ];
    let mut world = World::new();
    for (name, call, kind, _) in &table {
        let looks_only = matches!(*kind, "iac" | "scanner" | "ourselves");
        let api = if looks_only {
            "DescribeSecret"
        } else {
            "GetSecretValue"
        };
        let call = Call {
            name: api.to_owned(),
            request: json!({"secretId": name}),
            ..call.clone()
        };
        let secret = if looks_only {
            idle(name)
        } else {
            never(name).accessed(4)
        };
        world = world.secret(secret).call(call.days(4));
    }
    // Whoever sends our application id, and lists secrets as we do, is us.
    let list = call("ListSecrets", "").agent("aws-sdk-rust/1.3 app/secretsweep");
    let scan = world.call(list.days(4)).scan();
    for (name, _, kind, client) in &table {
        let readers = scan.secret(name)["readers"].as_array().unwrap();
        assert_eq!(readers.len(), 1, "{name}");
        assert_eq!(readers[0]["kind"], *kind, "{name}: {}", readers[0]);
        assert!(
            readers[0]["client"].as_str().unwrap().contains(client),
            "{name}: {}",
            readers[0]
        );
        let expected = match *kind {
            "rotation" => "delete: maintenance-only",
            "iac" => "review: iac-managed idle",
            "scanner" | "ourselves" => "delete: idle",
            _ => "keep: recently-read",
        };
        assert_eq!(scan.verdict(name), expected, "{name}");
    }
}

#[test]
fn caching_and_synchronizing_readers_keep_by_describing() {
    let agents = [
        ("java", JAVA_CACHE),
        ("agent", "aws-secrets-manager-agent/1.2 aws-sdk-rust/1.3"),
        (
            "extension",
            "aws-parameters-and-secrets-lambda-extension/1.0",
        ),
        ("csi", "secrets-store-csi-driver-provider-aws/0.3.9"),
        ("eso", "aws-sdk-go-v2/1.30 external-secrets"),
        ("plain", BOTO),
        ("console", "Mozilla/5.0"),
        ("scanner", "prowler"),
    ];
    let mut world = World::new();
    for (name, agent) in agents {
        world = world
            .secret(idle(name))
            .call(describe(name).agent(agent).days(89));
    }
    let scan = world.scan();
    for (name, _) in agents {
        let caches = matches!(name, "java" | "agent" | "extension" | "csi" | "eso");
        assert_eq!(scan.has_reason(name, "cached-reader"), caches, "{name}");
        assert_eq!(scan.secret(name)["verdict"] == "keep", caches, "{name}");
    }
    let old = World::new()
        .secret(idle("db"))
        .call(describe("db").agent(JAVA_CACHE).at(days_ago(90) - 1))
        .scan();
    assert_eq!(
        old.verdict("db"),
        "delete: idle",
        "the last refresh is older than the idle time"
    );
}

#[test]
fn a_rotation_function_is_known_by_its_name_and_by_what_it_does() {
    let lambda = "Boto3/1.34.2 exec-env/AWS_Lambda_python3.11";
    let by = |api: &str, secret: &str, session: &str| {
        call(api, secret)
            .by(role("fn", session))
            .agent(lambda)
            .days(6)
    };
    let staged = |secret: &str, session: &str| {
        by("GetSecretValue", secret, session)
            .request(json!({"secretId": secret, "versionStage": "AWSPENDING"}))
    };
    let moves =
        |secret: &str, session: &str| by("UpdateSecretVersionStage", secret, session).writes();
    let scan = check(
        World::new()
            .call(by("GetSecretValue", "named", "rotate-named"))
            .call(by("GetSecretValue", "by-behaviour", "unnamed"))
            .call(staged("by-behaviour", "unnamed"))
            .call(moves("by-behaviour", "unnamed"))
            .call(by("GetSecretValue", "only-staged", "stager"))
            .call(staged("only-staged", "stager"))
            .call(by("GetSecretValue", "only-moves", "mover"))
            .call(moves("only-moves", "mover"))
            .call(
                by("GetSecretValue", "other-account", "rotate-named").by(role_of(
                    OTHER,
                    "fn",
                    "rotate-named",
                )),
            ),
        &[
            (
                never("named").accessed(6).rotated_by("rotate-named"),
                "delete: maintenance-only",
            ),
            (
                never("by-behaviour").accessed(6),
                "delete: maintenance-only",
            ),
            (never("only-staged").accessed(6), "keep: recently-read"),
            (
                never("only-moves").accessed(6),
                "keep: recently-read recently-written",
            ),
            (never("other-account").accessed(6), "keep: recently-read"),
        ],
    );
    assert_eq!(
        scan.reader("named", &role_arn(ACCOUNT, "fn"))["kind"],
        "rotation"
    );
}

const LAMBDA: &str = "Boto3/1.34.2 exec-env/AWS_Lambda_python3.11";

/// The calls of one rotation of a secret by this caller: it reads the version in staging, and moves the label.
fn rotates(secret: &str, by: &serde_json::Value, agent: &str) -> [Call; 3] {
    let staged = json!({"secretId": secret, "versionStage": "AWSPENDING"});
    [
        get(secret),
        get(secret).request(staged),
        call("UpdateSecretVersionStage", secret).writes(),
    ]
    .map(|call| call.by(by.clone()).agent(agent).days(6))
}

#[test]
fn what_a_rotation_function_reads_besides_its_own_secret_it_uses() {
    // With alternating users the function of one secret logs in by another one, which nobody else need read.
    let (named, unnamed) = (role("fn", "rotate-db"), role("fn", "unnamed"));
    let scan = check(
        World::new()
            .calls(rotates("app/db", &named, LAMBDA))
            .call(get("app/master").by(named).agent(LAMBDA).days(6))
            .calls(rotates("old/db", &unnamed, LAMBDA))
            .call(get("old/master").by(unnamed).agent(LAMBDA).days(6)),
        &[
            (
                never("app/db").accessed(6).rotated_by("rotate-db"),
                "delete: maintenance-only",
            ),
            (never("app/master").accessed(6), "keep: recently-read"),
            (never("old/db").accessed(6), "delete: maintenance-only"),
            (never("old/master").accessed(6), "keep: recently-read"),
        ],
    );
    let function = role_arn(ACCOUNT, "fn");
    for (name, kind) in [
        ("app/db", "rotation"),
        ("app/master", "application"),
        ("old/db", "rotation"),
        ("old/master", "application"),
    ] {
        assert_eq!(scan.reader(name, &function)["kind"], kind, "{name}");
    }
    assert_eq!(scan.secret("app/master")["consumers"], 1);
}

#[test]
fn who_rotates_by_hand_is_no_rotation_function() {
    let policy = "[[readers.fingerprint]]\nkind = \"application\"\nsession = \"worker-*\"\n";
    let table = [
        ("by-a-user", user("ann"), BOTO),
        ("by-a-user-in-lambda", user("ann"), LAMBDA),
        ("by-a-role", role("ops", "ann"), BOTO),
        ("by-what-the-policy-knows", role("fn", "worker-1"), LAMBDA),
    ];
    let mut world = World::new().policy(policy);
    for (name, who, agent) in &table {
        let other = format!("{name}/other");
        world = world
            .secrets([never(name).accessed(6), never(&other).accessed(6)])
            .calls(rotates(name, who, agent))
            .call(get(&other).by(who.clone()).agent(agent).days(6));
    }
    let refused = rotates("not-moved", &role("fn", "refused"), LAMBDA).map(|call| {
        if call.name == "UpdateSecretVersionStage" {
            call.error("AccessDenied", "no")
        } else {
            call
        }
    });
    let scan = world
        .secret(never("not-moved").accessed(6))
        .calls(refused)
        .scan();
    for (name, ..) in &table {
        let expected = "keep: recently-read recently-written";
        assert_eq!(scan.verdict(name), expected, "{name}");
        let other = format!("{name}/other");
        assert_eq!(scan.verdict(&other), "keep: recently-read", "{other}");
    }
    assert_eq!(
        scan.verdict("not-moved"),
        "keep: recently-read recently-written"
    );
}

#[test]
fn the_policy_moves_a_kind_between_consumer_and_maintenance() {
    let world = || {
        World::new()
            .secrets([never("planned").accessed(4), never("looked-at").accessed(4)])
            .call(refresh("planned").days(4))
            .call(get("looked-at").agent("Mozilla/5.0").days(4))
    };
    let usual = world().scan();
    assert_eq!(
        usual.verdict("planned"),
        "review: iac-managed maintenance-only"
    );
    assert_eq!(usual.verdict("looked-at"), "keep: recently-read");
    let moved = world()
        .policy("[readers]\nmaintenance = [\"rotation\", \"scanner\", \"person\"]\n")
        .scan();
    assert_eq!(moved.verdict("planned"), "keep: recently-read iac-managed");
    assert_eq!(moved.verdict("looked-at"), "delete: maintenance-only");
}

#[test]
fn fingerprints_of_the_policy_come_first_and_all_their_signs_must_fit() {
    let policy = r#"
        [[readers.fingerprint]]
        kind = "scanner"
        user_agent = "AcmeAudit/"

        [[readers.fingerprint]]
        kind = "cache"
        role = "edge-*"
        session = "cache-*"
        client = "our cache"

        [[readers.fingerprint]]
        kind = "application"
        user_agent = "terraform-provider-aws"
        client = "our runner"
    "#;
    let scan = check(
        World::new()
            .policy(policy)
            .call(get("acme").agent("AcmeAudit/2").days(4))
            .call(get("acme-lower-case").agent("acmeaudit/2").days(4))
            .call(describe("edge").by(role("edge-1", "cache-a")).days(4))
            .call(
                describe("edge-other-session")
                    .by(role("edge-1", "shell"))
                    .days(4),
            )
            .call(get("runner").agent(TERRAFORM).days(4)),
        &[
            (never("acme").accessed(4), "delete: maintenance-only"),
            (never("acme-lower-case").accessed(4), "keep: recently-read"),
            (idle("edge"), "keep: recently-read cached-reader"),
            (idle("edge-other-session"), "review: described idle"),
            (never("runner").accessed(4), "keep: recently-read"),
        ],
    );
    assert_eq!(
        scan.reader("edge", &role_arn(ACCOUNT, "edge-1"))["client"],
        "our cache"
    );
    assert_eq!(
        scan.reader("runner", &role_arn(ACCOUNT, "app"))["client"],
        "our runner"
    );
}

#[test]
fn a_reader_is_its_role_whatever_the_session() {
    let bare = {
        let mut identity = role("app", "s-9");
        identity.as_object_mut().unwrap().remove("sessionContext");
        identity
    };
    let scan = World::new()
        .secret(idle("db"))
        .calls((0..5).map(|number| {
            get("db")
                .by(role("app", &format!("s-{number}")))
                .days(number + 1)
        }))
        .call(get("db").by(role("other", "s-1")).days(3))
        .call(get("db").by(bare).days(7))
        .call(get("db").leave_out("userIdentity").days(8))
        .scan();
    let row = scan.secret("db");
    assert_eq!(row["reads"], 8, "every read counts, whoever it was");
    assert_eq!(scan.reader("db", &role_arn(ACCOUNT, "app"))["reads"], 5);
    assert_eq!(scan.reader("db", &role_arn(ACCOUNT, "other"))["reads"], 1);
    assert_eq!(
        scan.reader("db", "arn:aws:sts::111122223333:assumed-role/app")["reads"],
        1,
        "without a session context the role stands in the ARN"
    );
    assert_eq!(row["last_consumer"], role_arn(ACCOUNT, "app"));
}

// Without a trail.

#[test]
fn without_a_trail_an_idle_secret_wants_a_person_unless_the_date_is_trusted() {
    let world = || {
        World::new()
            .no_trail()
            .secrets([idle("idle"), never("never"), never("read").accessed(4)])
    };
    let asked = world().scan();
    assert_eq!(asked.verdict("idle"), "review: coverage-gap idle");
    assert_eq!(asked.verdict("never"), "review: coverage-gap never-read");
    assert_eq!(asked.verdict("read"), "keep: recently-read");
    assert_eq!(asked.code, 0, "nothing that was asked for is missing");
    let trusted = world().args(&["--trust-last-accessed"]).scan();
    assert_eq!(trusted.verdict("idle"), "delete: idle");
    assert_eq!(trusted.verdict("never"), "delete: never-read");
    assert_eq!(trusted.verdict("read"), "keep: recently-read");
    let text = trusted.secret("idle")["reasons"][0]["text"]
        .as_str()
        .unwrap();
    assert!(text.contains("by LastAccessedDate alone"), "{text}");
    assert!(
        trusted.report["assumptions"]
            .to_string()
            .contains("--trust-last-accessed")
    );
    assert_eq!(trusted.report["policy"]["trust_last_accessed"], true);
}

#[test]
fn the_settings_of_the_command_line_win_over_the_policy_file() {
    let world = || {
        World::new()
            .policy("idle = \"300d\"\nyoung = \"10d\"\n")
            .secret(idle("db"))
    };
    assert_eq!(world().scan().verdict("db"), "keep: recently-read");
    let scan = world().args(&["--idle", "14d", "--window", "7d"]).scan();
    assert_eq!(scan.verdict("db"), "delete: idle");
    assert_eq!(scan.report["policy"]["idle_days"], 14);
    assert_eq!(scan.report["policy"]["young_days"], 10);
    assert_eq!(scan.report["window"]["from"], "2026-10-25T00:00:00Z");
    assert_eq!(scan.report["evidence"]["from"], "2026-10-18T00:00:00Z");
}

#[test]
fn now_need_not_be_a_full_hour() {
    let now = NOW_S + 37 * 60 + 11;
    let scan = World::new()
        .now("2026-11-01T00:37:11Z")
        .secrets([
            idle("last"),
            idle("next"),
            idle("edge"),
            idle("before-edge"),
        ])
        .call(get("last").at(now - 1))
        .call(get("next").at(now))
        .call(get("edge").at(now - 90 * DAY))
        .call(get("before-edge").at(now - 90 * DAY - 1))
        .calls(get("last").at(now - 30 * DAY - 2).every(1, 4))
        .scan();
    assert_eq!(scan.verdict("last"), "keep: recently-read");
    assert_eq!(scan.verdict("next"), "delete: idle");
    assert_eq!(scan.verdict("edge"), "keep: recently-read");
    assert_eq!(scan.verdict("before-edge"), "delete: idle");
    assert_eq!(
        scan.secret("last")["calls"],
        3,
        "two of four lie in the window, and the last"
    );
    assert_eq!(scan.gaps(), "[]");
}
