//! What may happen to a secret between the plan and `apply`: the real program sees it, refuses that line, and says what
//! to do instead.

use jiff::{SignedDuration, Timestamp};

use secretsweep::domain::journal::{Phase, TroubleKind};

use super::ground::{A, EAST, Ground, Tally, WEST, WRITES, idle, world};
use crate::aws::World;
use crate::aws::world::{Event, at};

/// One thing that happens to the secret of this name, and what the refusal says.
type Happening = (&'static str, fn(&mut World, &str), &'static [&'static str]);

/// An instant after the plan, as CloudTrail writes it.
fn lately() -> String {
    let at = Timestamp::now() - SignedDuration::from_mins(30);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn read_event(world: &mut World, secret_id: &str) {
    let event = Event::read(
        &lately(),
        A,
        EAST,
        secret_id,
        "billing",
        "i-0123456789abcdef0",
    );
    world.record(A, EAST, [event]);
}

const HAPPENINGS: &[Happening] = &[
    (
        "read, by its own date",
        |world, name| {
            let today = at(&world.now.to_string()[..10]);
            world.named(A, EAST, name).last_accessed = Some(today);
        },
        &["last read: 2025-06-01 in the plan", "scan and plan again"],
    ),
    (
        "read by ARN, by the event history",
        |world, name| {
            let arn = world.named(A, EAST, name).arn();
            read_event(world, &arn);
        },
        &["asked for since the scan", "role/billing"],
    ),
    (
        "read by name, by the event history",
        read_event,
        &["asked for since the scan", "role/billing"],
    ),
    (
        "asked for in vain",
        |world, name| {
            let arn = world.named(A, EAST, name).arn();
            let text = Event::read(&lately(), A, EAST, "x", "billing", "pod-1").text;
            let denied = format!(
                r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::{A}:assumed-role/billing/pod-1 is not authorized to perform: secretsmanager:GetSecretValue on resource: {arn} because no identity-based policy allows the secretsmanager:GetSecretValue action","requestParameters":null"#
            );
            let text = text.replace(r#""requestParameters":{"secretId":"x"}"#, &denied);
            world.record(A, EAST, [Event::of(text)]);
        },
        &["asked for since the scan", "role/billing"],
    ),
    (
        "changed",
        |world, name| {
            let now = world.now;
            world.named(A, EAST, name).last_changed = now;
        },
        &[
            "last changed: 2024-01-01T00:00:00Z in the plan",
            "scan and plan again",
        ],
    ),
    (
        "rotated",
        |world, name| {
            let now = world.now;
            let secret = world.named(A, EAST, name);
            secret.last_rotated = Some(now);
            secret.last_changed = now;
        },
        &["last changed: ", "scan and plan again"],
    ),
    (
        "tagged",
        |world, name| {
            let secret = world.named(A, EAST, name);
            secret.tags.insert("owner".to_owned(), "b".to_owned());
        },
        &["tags: others than in the plan", "scan and plan again"],
    ),
    (
        "tagged to be kept",
        |world, name| {
            let secret = world.named(A, EAST, name);
            secret.tags.insert("keep".to_owned(), "true".to_owned());
        },
        &["the tag `keep` protects it"],
    ),
    (
        "replicated",
        |world, name| {
            let mut primary = world.named(A, EAST, name).clone();
            primary.primary_region = Some(EAST.to_owned());
            let mut replica = primary.clone();
            WEST.clone_into(&mut replica.region);
            world.add(primary);
            world.add(replica);
        },
        &[
            "replicas that the plan does not name, in eu-west-1",
            "scan and plan again",
        ],
    ),
    (
        "encrypted with another key",
        |world, name| {
            let secret = world.named(A, EAST, name);
            secret.kms_key_id = Some("alias/mine".to_owned());
        },
        &["key: aws in the plan, customer now", "scan and plan again"],
    ),
    (
        "taken over by a service",
        |world, name| {
            let secret = world.named(A, EAST, name);
            secret.owning_service = Some("rds".to_owned());
        },
        &["AWS service `rds`"],
    ),
    (
        "taken over by a stack",
        |world, name| {
            let secret = world.named(A, EAST, name);
            let tag = "aws:cloudformation:stack-name".to_owned();
            secret.tags.insert(tag, "web".to_owned());
        },
        &["CloudFormation stack `web`"],
    ),
    (
        "deleted by somebody",
        |world, name| {
            let now = world.now;
            world.named(A, EAST, name).deleted = Some(now - SignedDuration::from_mins(20));
        },
        &["scheduled already", "not by this plan"],
    ),
    (
        "deleted for good",
        |world, name| {
            let arn = world.named(A, EAST, name).arn();
            world.secrets.remove(&arn);
        },
        &["not there any more"],
    ),
    (
        "made anew under the same name",
        |world, name| {
            let mut secret = world.named(A, EAST, name).clone();
            world.secrets.remove(&secret.arn());
            "NewOne".clone_into(&mut secret.suffix);
            world.add(secret);
        },
        &["not there any more"],
    ),
];

/// The rows of a table, each with the lines on which its last cell goes on, on one line.
fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = line.starts_with("  ") && !line.starts_with("   ");
        match rows.last_mut() {
            Some(row) if !begins => {
                row.push(' ');
                row.push_str(line.trim());
            }
            _ => rows.push(line.trim().to_owned()),
        }
    }
    rows
}

/// The plan, and a secret beside each that stays as it was.
fn ground() -> (Ground, Vec<String>) {
    let names: Vec<String> = (0..HAPPENINGS.len())
        .flat_map(|number| [format!("app/{number:02}"), format!("calm/{number:02}")])
        .collect();
    let mut world = world();
    for name in &names {
        world = world.secret(idle(name));
    }
    let planned: Vec<&str> = names.iter().map(String::as_str).collect();
    (Ground::new(world, &planned), names)
}

#[test]
fn whatever_happened_since_the_plan_refuses_that_line_and_no_other() {
    let (ground, names) = ground();
    {
        let mut world = ground.aws.world();
        for (pair, (_, happen, _)) in names.chunks(2).zip(HAPPENINGS) {
            happen(&mut world, &pair[0]);
        }
    }
    let dry = ground
        .run(&["apply", "plan.csv", "--max-percent", "100"])
        .expect(3);
    assert!(
        ground
            .aws
            .calls()
            .iter()
            .all(|call| !WRITES.contains(&call.op.as_str()))
    );
    assert!(!ground.journal().exists(), "a dry run begins no journal");
    let done = ground.execute(&[]).expect(3);
    for ended in [&dry, &done] {
        let stdout = ended.stdout();
        let rows = rows(&stdout);
        for (pair, (what, _, says)) in names.chunks(2).zip(HAPPENINGS) {
            let row = rows.iter().find(|row| row.contains(&pair[0]));
            let row = row.unwrap_or_else(|| panic!("{what}: no row\n{stdout}"));
            assert!(row.starts_with("refused"), "{what}: {row}");
            for words in *says {
                assert!(row.contains(words), "{what}: {words}: {row}");
            }
        }
    }
    let all = HAPPENINGS.len();
    assert!(
        dry.said()
            .contains(&format!("{all} would be deleted, {all} refused"))
    );
    assert!(
        done.said()
            .contains(&format!("{all} deleted, {all} refused"))
    );
    let expect = Tally {
        deleted: all,
        refused: all,
    };
    assert_eq!(recorded(&ground), expect);
}

/// Like [`Ground::keeps_the_promise`], for a world that others have changed too.
fn recorded(ground: &Ground) -> Tally {
    let mut tally = Tally::default();
    for (arn, standing) in ground.book().secrets {
        let calls = ground.changes();
        let deletions = calls
            .iter()
            .filter(|call| call.param("SecretId") == arn.as_str())
            .count();
        match standing.phase {
            Phase::Deleted => {
                assert_eq!(deletions, 1, "{arn}");
                tally.deleted += 1;
            }
            Phase::Untouched => {
                assert_eq!(deletions, 0, "{arn}");
                assert_eq!(
                    standing.trouble.unwrap().kind,
                    TroubleKind::Refused,
                    "{arn}"
                );
                tally.refused += 1;
            }
            other => panic!("{arn}: {other:?}"),
        }
    }
    tally
}

/// A busy account: what is read in the time that there is does not reach back to the scan.
#[test]
fn where_the_history_is_too_long_each_secret_is_asked_for_by_arn_and_by_name() {
    let mut world = world()
        .secret(idle("quiet"))
        .secret(idle("by-arn"))
        .secret(idle("by-name"));
    let now = world.now;
    let time = |seconds: i64| (now - SignedDuration::from_secs(seconds)).to_string();
    let noise = (0..3_000).map(|number| {
        Event::read(
            &time(number),
            A,
            EAST,
            "hot",
            "web",
            &format!("pod-{number}"),
        )
    });
    world.record(A, EAST, noise);
    let arn = world.named(A, EAST, "by-arn").arn();
    for (id, filed) in [(arn.as_str(), arn.as_str()), ("by-name", "by-name")] {
        let mut read = Event::read(&time(3_500), A, EAST, id, "billing", "pod-1");
        read.resources = vec![("AWS::SecretsManager::Secret".to_owned(), filed.to_owned())];
        world.record(A, EAST, [read]);
    }
    let ground = Ground::new(world, &["quiet", "by-arn", "by-name"]);
    let ended = ground.execute(&["--lookup-budget", "8s"]).expect(3);
    let said = ended.said();
    assert!(said.contains("1 deleted, 2 refused"), "{said}");
    assert!(
        said.contains("could not be looked up in full"),
        "silence is no proof: {said}"
    );
    assert!(said.contains("by its ARN and its name besides"), "{said}");
    assert!(
        said.contains("`--lookup-budget` allows more time"),
        "{said}"
    );
    assert!(
        !said.contains("--trail"),
        "there is no such option here: {said}"
    );
    let rows = rows(&ended.stdout()).join("\n");
    assert!(
        rows.contains("deleted quiet") || rows.contains("deleted      quiet"),
        "{rows}"
    );
}
