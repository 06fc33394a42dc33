//! The journal in a bucket: for a runner that is gone after its job, and for two runs of which one must stop.

use std::process::Command;

use super::binary_fixture::{A, EAST, Ended, Ground, idle, world};
use crate::aws::Fault;
use crate::aws::world::{Body, Bucket};

const PLACE: &str = "s3://journals/team/plan.journal.jsonl";
const KEY: &str = "team/plan.journal.jsonl";

fn ground() -> Ground {
    let bucket = Bucket::new("journals", A, EAST);
    let world = world().secret(idle("a")).secret(idle("b")).bucket(bucket);
    Ground::new(world, &["a", "b"])
}

fn execute(ground: &Ground) -> Ended {
    ground.execute(&["--journal", PLACE])
}

fn deletions(ground: &Ground) -> usize {
    ground.aws.calls_of("secretsmanager", "DeleteSecret").len()
}

/// The journal's lines: what each says became of which secret.
fn steps(ground: &Ground) -> Vec<(String, String)> {
    let world = ground.aws.world();
    let bytes = world.buckets["journals"].objects[KEY].body.bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let step = |line: &str| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        (entry["state"].to_string(), entry["arn"].to_string())
    };
    text.lines().map(step).collect()
}

#[test]
fn another_runner_knows_what_was_done_and_takes_it_back() {
    let ground = ground();
    let said = execute(&ground).expect(0).said();
    assert!(said.contains(&format!("Recorded in {PLACE}.")), "{said}");
    assert!(
        said.contains(&format!("secretsweep restore plan.csv --journal {PLACE}")),
        "{said}"
    );
    assert!(!ground.path("plan.journal.jsonl").exists());
    let again = execute(&ground).expect(0).said();
    assert!(again.contains("2 deleted before"), "{again}");
    assert_eq!(deletions(&ground), 2);
    let status = ground.run(&["status", PLACE]).expect(0).said();
    assert!(status.contains("2 secrets are deleted"), "{status}");
    let watch = ground.run(&["watch", "--journal", PLACE]).expect(0).said();
    assert!(watch.contains("RESTORE BY"), "{watch}");
    let back = ground
        .run(&["restore", "plan.csv", "--journal", PLACE])
        .expect(0)
        .said();
    assert!(back.contains("2 restored"), "{back}");
    let refused = execute(&ground).expect(3).said();
    assert!(refused.contains("2 refused"), "{refused}");
    assert_eq!(deletions(&ground), 2);
}

#[test]
fn a_run_whose_journal_another_run_has_written_stops_before_its_next_write() {
    let ground = ground();
    ground.aws.inject(
        Fault::after(|world, _| {
            let bucket = world.buckets.get_mut("journals").unwrap();
            let mut bytes = bucket.objects[KEY].body.bytes().to_vec();
            let last = bytes
                .split(|byte| *byte == b'\n')
                .rev()
                .nth(1)
                .unwrap()
                .to_vec();
            bytes.extend_from_slice(&last);
            bytes.push(b'\n');
            bucket.put(KEY, Body::Bytes(bytes.into()));
        })
        .on("s3", "PutObject")
        .first(1),
    );
    let said = execute(&ground).expect(1).said();
    assert!(
        said.contains("another run has written it in the meantime"),
        "{said}"
    );
    assert_eq!(deletions(&ground), 0, "{said}");
}

#[test]
fn two_runs_at_once_delete_each_secret_once() {
    let ground = ground();
    let args = Ground::executing(&["--journal", PLACE]);
    let mut runs: Vec<_> = (0..2)
        .map(|_| {
            let mut command: Command = ground.program(&args);
            let quiet = std::process::Stdio::null;
            command.stdout(quiet()).stderr(quiet()).spawn().unwrap()
        })
        .collect();
    let ended: Vec<Option<i32>> = runs
        .iter_mut()
        .map(|run| run.wait().unwrap().code())
        .collect();
    assert!(
        ended.contains(&Some(0)) || ended.contains(&Some(1)),
        "{ended:?}"
    );
    // Whoever had to stop is followed by a run that finds everything done, or finishes it.
    let said = execute(&ground).expect(0).said();
    assert!(said.contains("deleted"), "{said}");
    for name in ["a", "b"] {
        assert!(
            ground.aws.world().named(A, EAST, name).deleted.is_some(),
            "{name}"
        );
    }
    assert_eq!(ground.aws.forced_deletes(), 0);
}

#[test]
fn an_answer_that_is_lost_is_no_other_run() {
    let ground = ground();
    ground
        .aws
        .inject(Fault::reset_after().on("s3", "PutObject").nth(2));
    execute(&ground).expect(0);
    assert_eq!(deletions(&ground), 2);
    let lost = steps(&ground);
    let whole = {
        let ground = self::ground();
        execute(&ground).expect(0);
        steps(&ground)
    };
    assert_eq!(lost, whole, "each entry stands there once");
}

#[test]
fn a_bucket_that_cannot_be_used_stops_before_anything_is_done() {
    for (fault, words) in [
        (
            Fault::denied().on("s3", "PutObject"),
            "s3:PutObject is missing",
        ),
        (Fault::denied().on("s3", "GetObject"), "s3:ListBucket"),
    ] {
        let ground = ground();
        ground.aws.inject(fault);
        let said = execute(&ground).expect(1).said();
        assert!(said.contains(words), "{said}");
        assert_eq!(deletions(&ground), 0, "{said}");
        if words == "s3:ListBucket" {
            assert!(
                said.contains("help: check the address, and the permissions"),
                "{said}"
            );
        }
    }
    let ground = ground();
    // Before anything else, also where nothing is to be carried out.
    for command in [
        &["apply", "plan.csv"][..],
        &["apply", "plan.csv", "--execute"],
    ] {
        let args = [command, &["--journal", "s3://nowhere/j.jsonl"]].concat();
        let said = ground.run(&args).expect(1).said();
        assert!(said.contains("bucket does not exist"), "{said}");
        assert!(said.contains("help: check the address"), "{said}");
    }
    let said = ground
        .execute(&["--journal", "s3://journals"])
        .expect(2)
        .said();
    assert!(said.contains("is not the address of an object"), "{said}");
    let said = ground
        .run(&["restore", "plan.csv", "--journal", PLACE])
        .expect(1)
        .said();
    assert!(
        said.contains(&format!("there is no journal {PLACE}")),
        "{said}"
    );
    assert_eq!(deletions(&ground), 0);
}

#[test]
fn a_damaged_journal_in_a_bucket_is_refused_and_left_as_it_is() {
    let ground = ground();
    ground
        .aws
        .world()
        .buckets
        .get_mut("journals")
        .unwrap()
        .put(KEY, Body::Bytes(b"hello\nyou\n".to_vec().into()));
    let said = execute(&ground).expect(1).said();
    assert!(said.contains("cannot be trusted"), "{said}");
    let world = ground.aws.world();
    assert_eq!(
        &*world.buckets["journals"].objects[KEY].body.bytes(),
        b"hello\nyou\n"
    );
}

#[test]
fn the_policy_names_the_object_and_nothing_else_in_the_bucket() {
    let ground = ground();
    let printed = ground.run(&[
        "iam-policy",
        "apply",
        "--plan",
        "plan.csv",
        "--journal",
        PLACE,
    ]);
    let policy: serde_json::Value = serde_json::from_str(&printed.expect(0).stdout()).unwrap();
    let mut statements = policy["Statement"].as_array().unwrap().iter();
    let kept = statements.find(|one| one["Sid"] == "KeepJournal").unwrap();
    assert_eq!(
        kept["Action"],
        serde_json::json!(["s3:GetObject", "s3:PutObject"])
    );
    assert_eq!(
        kept["Resource"],
        serde_json::json!([format!("arn:aws:s3:::journals/{KEY}")])
    );
    let listed = statements
        .find(|one| one["Sid"] == "KeepJournalBucket")
        .unwrap();
    assert_eq!(
        listed["Condition"]["StringLike"]["s3:prefix"],
        serde_json::json!([KEY])
    );
}
