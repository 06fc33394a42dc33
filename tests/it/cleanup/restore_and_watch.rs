//! After the deletions, by the real program: who still asks, taking them back, and being killed while at it.

use jiff::{SignedDuration, Timestamp};
use secretsweep::domain::cleanup::journal::Phase;

use super::binary_fixture::{A, DAYS, EAST, Ground, NORTH, Target, WEST, idle, world};
use crate::aws::Fault;
use crate::aws::world::Event;

/// Two plain secrets and one with two replicas, one of them with a key of its own; all deleted.
fn deleted() -> Ground {
    let world = world()
        .secret(idle("a"))
        .replicated(idle("b"), &[(WEST, None), (NORTH, None)])
        .secret(idle("c"));
    let ground = Ground::new(world, &["a", "b", "c"]);
    for secret in ground.aws.world().secrets.values_mut() {
        if secret.region == NORTH {
            secret.kms_key_id = Some("alias/north".to_owned());
        }
    }
    ground.execute(&["--remove-replicas"]).expect(0);
    ground
}

/// All is as it was before the deletion: the secrets, the replicas and their keys.
fn is_back(ground: &Ground) {
    let world = ground.aws.world();
    assert_eq!(world.secrets.len(), 5, "both replicas are there");
    assert!(
        world
            .secrets
            .values()
            .all(|secret| secret.deleted.is_none())
    );
    let keys: Vec<Option<&str>> = world
        .secrets
        .values()
        .filter(|secret| secret.is_replica())
        .map(|secret| secret.kms_key_id.as_deref())
        .collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&Some("alias/north")), "{keys:?}");
    drop(world);
    let state = ground.state();
    assert!(
        state
            .secrets
            .values()
            .all(|secret_state| secret_state.phase == Phase::Restored)
    );
    assert!(
        state
            .secrets
            .values()
            .all(|secret_state| secret_state.removed.is_empty())
    );
}

#[test]
fn what_is_restored_is_as_it_was_and_restoring_again_changes_nothing() {
    let ground = deleted();
    let back = ground.run(&["restore", "plan.csv"]).expect(0);
    assert!(back.said().contains("3 restored."), "{}", back.said());
    assert!(
        back.said()
            .contains("replicated again to eu-north-1, eu-west-1")
            || back
                .said()
                .contains("replicated again to eu-west-1, eu-north-1"),
        "{}",
        back.said()
    );
    is_back(&ground);
    let changes = ground.changes().len();
    let again = ground.run(&["restore", "plan.csv"]).expect(0);
    assert!(
        again.said().contains("nothing to restore"),
        "{}",
        again.said()
    );
    let arn = ground.arn("a").to_string();
    let again = ground
        .run(&["restore", "--journal", "plan.journal.jsonl", &arn])
        .expect(0);
    assert!(
        again.said().contains("1 there already."),
        "{}",
        again.said()
    );
    assert_eq!(ground.changes().len(), changes);
    // The plan is spent: what was taken back is not deleted again.
    let refused = ground.execute(&["--remove-replicas"]).expect(3);
    assert!(
        refused.said().contains("cancelled by a restore on"),
        "{}",
        refused.said()
    );
}

#[cfg(unix)]
#[test]
fn a_restore_that_is_killed_at_any_point_ends_when_it_is_run_again() {
    type Strike = fn(&Ground, &Target, usize);
    let strikes: [(&str, usize, Strike); 6] = [
        ("before the check", 3, |ground, target, nth| {
            ground.kill_on_arrival(target, "DescribeSecret", nth);
        }),
        (
            "`restoring` on record, not sent",
            3,
            |ground, target, nth| {
                ground.kill_on_arrival(target, "RestoreSecret", nth);
            },
        ),
        ("restored, answer lost", 3, |ground, target, nth| {
            ground.kill_when_done(target, "RestoreSecret", nth);
        }),
        (
            "`replicating` on record, not sent",
            2,
            |ground, target, nth| {
                ground.kill_on_arrival(target, "ReplicateSecretToRegions", nth);
            },
        ),
        ("replicated, answer lost", 2, |ground, target, nth| {
            ground.kill_when_done(target, "ReplicateSecretToRegions", nth);
        }),
        ("after the check", 3, |ground, target, nth| {
            ground.kill_when_done(target, "DescribeSecret", nth);
        }),
    ];
    for (what, count, strike) in strikes {
        for nth in 1..=count {
            let ground = deleted();
            let target = Target::default();
            strike(&ground, &target, nth);
            let killed = target.run(ground.program(&["restore", "plan.csv"]));
            assert_eq!(killed.code(), None, "{what} {nth}: {}", killed.said());
            ground.aws.heal();
            let again = ground.run(&["restore", "plan.csv"]);
            assert_eq!(again.code(), Some(0), "{what} {nth}: {}", again.said());
            is_back(&ground);
        }
    }
}

#[test]
fn too_late_is_said_plainly() {
    let ground = deleted();
    let gone = ground.arn("a").to_string();
    ground.aws.world().secrets.remove(&gone);
    let back = ground.run(&["restore", "plan.csv"]).expect(1);
    assert!(
        back.said()
            .contains("it cannot be restored: its recovery window ended on"),
        "{}",
        back.said()
    );
    assert!(
        back.said().contains("2 restored, 1 too late."),
        "{}",
        back.said()
    );
    let never = gone.replace("secret:a-", "secret:never-");
    let back = ground.run(&["restore", &never]).expect(1);
    assert!(
        back.said()
            .contains("deleted for good, or it never existed"),
        "{}",
        back.said()
    );
}

#[test]
fn what_aws_refuses_to_restore_fails_and_the_others_come_back() {
    let ground = deleted();
    ground
        .aws
        .inject(Fault::denied().on("secretsmanager", "RestoreSecret").nth(2));
    let back = ground.run(&["restore", "plan.csv"]).expect(1);
    assert!(
        back.said()
            .contains("secretsmanager:RestoreSecret is missing"),
        "{}",
        back.said()
    );
    assert!(
        back.said()
            .contains("2 restored, 1 failed. Run the same command again"),
        "{}",
        back.said()
    );
    ground.aws.heal();
    ground.run(&["restore", "plan.csv"]).expect(0);
    is_back(&ground);
}

/// Somebody asks for a secret that is gone, in this very second.
pub(super) fn ask_in_vain(ground: &Ground, secret_id: &str) {
    let now = Timestamp::now();
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let refused = Event::read(&time, A, EAST, secret_id, "billing", "pod-1").in_vain();
    let mut world = ground.aws.world();
    world.now = now + SignedDuration::from_secs(1);
    world.record(A, EAST, [refused]);
}

#[test]
fn watching_sees_what_was_asked_for_until_this_second_and_takes_it_back() {
    let ground = deleted();
    let quiet = ground.run(&["watch", "plan.csv"]).expect(0);
    assert!(
        quiet.said().contains("No requests for them from"),
        "{}",
        quiet.said()
    );
    let since = quiet.said();
    let since = since.split("them from ").nth(1).unwrap();
    assert_eq!(since.find('Z'), Some(19), "whole seconds: {since}");
    ask_in_vain(&ground, "c");
    let watched = ground.run(&["watch", "plan.csv"]).expect(5);
    let said = watched.said();
    assert!(
        said.contains("c: GetSecretValue by arn:aws:iam::111122223333:role/billing"),
        "{said}"
    );
    assert!(said.contains("1 secret is still requested."), "{said}");
    assert!(
        said.contains(&format!(
            "secretsweep restore --journal plan.journal.jsonl {}",
            ground.arn("c")
        )),
        "{said}"
    );
    ground.run(&["watch", "plan.csv", "--restore"]).expect(5);
    let mut world = ground.aws.world();
    assert!(world.named(A, EAST, "c").deleted.is_none());
    assert!(
        world.named(A, EAST, "a").deleted.is_some(),
        "nobody asked for it"
    );
    drop(world);
    // It is not pending any more, so nobody asks for a pending secret.
    ground
        .run(&["watch", "--journal", "plan.journal.jsonl"])
        .expect(0);
}

/// The run was killed after AWS had the deletion and before it knew: a request in between must be reported.
#[cfg(unix)]
#[test]
fn watching_hears_of_a_deletion_whose_outcome_is_not_on_record() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let target = Target::default();
    ground.kill_when_done(&target, "DeleteSecret", 1);
    let killed = target.run(ground.program(&Ground::executing(&[])));
    assert_eq!(killed.code(), None);
    ground.aws.heal();
    ask_in_vain(&ground, "a");
    let said = ground.run(&["watch", "plan.csv"]).expect(5).said();
    assert!(said.contains("1 of them was interrupted"), "{said}");
    ground.run(&["watch", "plan.csv", "--restore"]).expect(5);
    assert!(ground.aws.world().named(A, EAST, "a").deleted.is_none());
}

/// Neither the deletion's outcome nor its taking back is on record: the secret is pending all the same, and each command
/// must see it until it is back.
#[cfg(unix)]
#[test]
fn a_deletion_that_was_cut_off_is_not_forgotten_when_it_cannot_be_taken_back() {
    for (what, fault) in [
        ("denied", Fault::denied()),
        (
            "refused",
            Fault::refuse(400, "InvalidRequestException", "not now"),
        ),
    ] {
        let ground = Ground::new(world().secret(idle("a")), &["a"]);
        let target = Target::default();
        ground.kill_when_done(&target, "DeleteSecret", 1);
        let killed = target.run(ground.program(&Ground::executing(&[])));
        assert_eq!(killed.code(), None, "{what}");
        ground.aws.heal();
        ground
            .aws
            .inject(fault.on("secretsmanager", "RestoreSecret"));
        ground.run(&["restore", "plan.csv"]).expect(1);
        let secret_state = ground.state().secrets[&ground.arn("a")].clone();
        let deleted = ground.aws.world().named(A, EAST, "a").deleted.unwrap();
        let end = deleted + SignedDuration::from_hours(24 * i64::from(DAYS));
        assert_eq!(
            (secret_state.phase, secret_state.deletion),
            (Phase::Deleted, Some(end)),
            "{what}"
        );
        let said = ground.run(&["status", "plan.csv"]).expect(0).said();
        assert!(said.contains("pending deletion a "), "{what}: {said}");
        ask_in_vain(&ground, "a");
        ground.run(&["watch", "plan.csv"]).expect(5);
        ground.run(&["watch", "plan.csv", "--restore"]).expect(1);
        let said = ground.execute(&[]).expect(5).said();
        assert!(said.contains("1 deleted before"), "{what}: {said}");
        assert!(
            said.contains("Still requested after the deletion"),
            "{said}"
        );
        assert!(!said.contains("shows no calls"), "{what}: {said}");
        ground.aws.heal();
        let back = ground.run(&["restore", "plan.csv"]).expect(0).said();
        assert!(back.contains("1 restored."), "{what}: {back}");
        assert!(ground.aws.world().named(A, EAST, "a").deleted.is_none());
    }
}

#[test]
fn what_watching_cannot_hear_is_told() {
    let ground = deleted();
    ground.aws.inject(
        Fault::denied()
            .on("cloudtrail", "LookupEvents")
            .region(WEST),
    );
    let watched = ground.run(&["watch", "plan.csv"]).expect(3);
    let said = watched.said();
    assert!(
        said.contains(&format!("Not looked up: {A} {WEST}")),
        "{said}"
    );
    assert!(said.contains("cloudtrail:LookupEvents"), "{said}");
}

/// A restored secret that is still marked as leaving would be taken for one that nobody wants.
#[test]
fn the_tag_that_was_set_before_deleting_is_taken_back() {
    for before in [None, Some("no")] {
        let mut secret = idle("a");
        if let Some(value) = before {
            secret = secret.tag("leaving", value);
        }
        let ground = Ground::new(world().secret(secret), &["a"]);
        ground.execute(&["--tag", "leaving=2026-11"]).expect(0);
        let value = |ground: &Ground| {
            let mut world = ground.aws.world();
            world.named(A, EAST, "a").tags.get("leaving").cloned()
        };
        assert_eq!(value(&ground).as_deref(), Some("2026-11"));
        let calls = || {
            let calls = ground.aws.calls_of("secretsmanager", "UntagResource").len();
            calls + ground.aws.calls_of("secretsmanager", "TagResource").len()
        };
        // It may not be allowed at first: then the secret is back all the same, and the next run goes on.
        for op in ["TagResource", "UntagResource"] {
            ground.aws.inject(Fault::denied().on("secretsmanager", op));
        }
        let said = ground.run(&["restore", "plan.csv"]).expect(1).said();
        assert!(said.contains("removing the tag `leaving`"), "{said}");
        assert!(ground.aws.world().named(A, EAST, "a").deleted.is_none());
        ground.aws.heal();
        ground.run(&["restore", "plan.csv"]).expect(0);
        assert_eq!(value(&ground).as_deref(), before);
        let made = calls();
        ground.run(&["restore", "plan.csv"]).expect(0);
        assert_eq!(calls(), made, "it is taken back once");
    }
    // What somebody else has set since stays.
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    ground.execute(&["--tag", "leaving=2026-11"]).expect(0);
    let changed = "stays".to_owned();
    ground
        .aws
        .world()
        .named(A, EAST, "a")
        .tags
        .insert("leaving".to_owned(), changed.clone());
    ground.run(&["restore", "plan.csv"]).expect(0);
    assert_eq!(
        ground.aws.world().named(A, EAST, "a").tags["leaving"],
        changed
    );
}

#[test]
fn one_secret_says_where_it_stands_in_the_plan_of_its_scan() {
    let ground = deleted();
    ground.aws.world().add(idle("other"));
    let scan = ["scan", "--regions", EAST, "--no-trail", "--out", "scan"];
    ground.run(&scan).expect(0);
    let who = |name: &str| {
        ground
            .run(&["who", name, "--scan", "scan"])
            .expect(0)
            .said()
    };
    assert!(who("other").contains("PLAN No plan was made from this scan."));
    let into_scan = |name: &str| {
        std::fs::copy(ground.path(name), ground.path("scan").join(name)).unwrap();
    };
    into_scan("plan.csv");
    let said = who("a");
    let nothing = "The plan says `delete`. The journal beside it has nothing about this secret.";
    assert!(said.contains(nothing), "{said}");
    assert!(who("other").contains("The plan of this scan does not list this secret."));
    into_scan("plan.journal.jsonl");
    let said = who("a");
    assert!(
        said.contains("The journal says: pending deletion since 20"),
        "{said}"
    );
    std::fs::write(ground.path("scan/plan.csv"), "nonsense").unwrap();
    let said = who("a");
    assert!(said.contains("The plan cannot be read: "), "{said}");
}
