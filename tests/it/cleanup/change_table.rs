//! What may happen to a secret between the plan and `apply`, as a table.

use jiff::{SignedDuration, Timestamp};

use super::binary_fixture::{A, EAST, WEST};
use crate::aws::World;
use crate::aws::world::{Event, at};

/// Describes what it is, how it happens to the secret of this name, and what the refusal says.
pub(crate) type Happening = (&'static str, fn(&mut World, &str), &'static [&'static str]);

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

/// Each of them refuses its line.
pub(crate) const HAPPENINGS: &[Happening] = &[
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
        &["requested since the scan", "role/billing"],
    ),
    (
        "read by name, by the event history",
        read_event,
        &["requested since the scan", "role/billing"],
    ),
    (
        "asked for in vain",
        |world, name| {
            let arn = world.named(A, EAST, name).arn();
            let text = Event::read(&lately(), A, EAST, name, "billing", "pod-1").text;
            let denied = format!(
                r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::{A}:assumed-role/billing/pod-1 is not authorized to perform: secretsmanager:GetSecretValue on resource: {arn} because no identity-based policy allows the secretsmanager:GetSecretValue action","requestParameters":null"#
            );
            let asked = format!(r#""requestParameters":{{"secretId":"{name}"}}"#);
            assert!(text.contains(&asked), "{text}");
            let text = text.replace(&asked, &denied);
            world.record(A, EAST, [Event::of(text)]);
        },
        &["requested since the scan", "role/billing"],
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
