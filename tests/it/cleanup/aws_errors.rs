//! What goes wrong while the real program carries a plan out: AWS that refuses, throttles, breaks or does not answer; a
//! journal that cannot be written; two runs at once; a plan that must not be carried out at all.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use secretsweep::domain::cleanup::precondition::whole_seconds;

use super::binary_fixture::{
    A, EAST, Ended, Ground, NORTH, Tally, Target, WEST, WRITES, idle, world,
};
use crate::aws::Fault;
use crate::aws::world::Account;

const NAMES: &[&str] = &["a", "b", "c"];

fn ground() -> Ground {
    let mut world = world();
    for name in NAMES {
        world = world.secret(idle(name));
    }
    Ground::new(world, NAMES)
}

fn all_deleted(ground: &Ground) {
    let expect = Tally {
        deleted: NAMES.len(),
        refused: 0,
    };
    assert_eq!(ground.keeps_the_promise(), expect);
}

/// Returns whether the program wrote anything to AWS.
fn is_untouched(ground: &Ground) -> bool {
    let calls = ground.aws.calls();
    !calls.iter().any(|call| WRITES.contains(&call.op.as_str()))
}

#[test]
fn what_passes_by_itself_is_tried_again_and_nothing_is_deleted_twice() {
    let delete = |fault: Fault| fault.on("secretsmanager", "DeleteSecret");
    for (what, fault) in [
        ("throttled", delete(Fault::throttle()).nth(2)),
        ("broken", delete(Fault::broken(500)).nth(2)),
        ("overloaded", delete(Fault::broken(503)).nth(2)),
        (
            "reset before it was carried out",
            delete(Fault::reset_before()).nth(2),
        ),
        ("carried out, reset", delete(Fault::reset_after()).nth(2)),
        ("carried out, answer cut", delete(Fault::cut()).nth(2)),
        (
            "the check throttled",
            Fault::throttle()
                .on("secretsmanager", "DescribeSecret")
                .nth(2),
        ),
        (
            "the check reset",
            Fault::reset_after()
                .on("secretsmanager", "DescribeSecret")
                .nth(2),
        ),
    ] {
        let ground = ground();
        ground.aws.inject(fault);
        let ended = ground.execute(&[]);
        assert_eq!(ended.code(), Some(0), "{what}: {}", ended.said());
        all_deleted(&ground);
    }
}

/// A fault at the second deletion that no trying again overcomes; whether AWS has carried the deletion out.
#[test]
fn what_stays_broken_fails_that_line_and_the_next_run_finishes_it() {
    for (what, fault, says) in [
        ("broken", Fault::broken(500), "HTTP 500"),
        ("reset", Fault::reset_before(), "no answer"),
        (
            "denied",
            Fault::denied(),
            "secretsmanager:DeleteSecret is missing",
        ),
        ("expired", Fault::expired(), "expired"),
        (
            "refused",
            Fault::refuse(400, "InvalidRequestException", "not now"),
            "not now",
        ),
    ] {
        let ground = ground();
        // Four tries of one line.
        for nth in 2..6 {
            ground
                .aws
                .inject(fault.clone().on("secretsmanager", "DeleteSecret").nth(nth));
            if !matches!(what, "broken" | "reset") {
                break;
            }
        }
        let ended = ground.execute(&[]).expect(1);
        assert!(
            ended.said().contains("2 deleted, 1 failed"),
            "{what}: {}",
            ended.said()
        );
        assert!(ended.said().contains(says), "{what}: {}", ended.said());
        ground.nothing_is_unrecorded();
        ground.aws.heal();
        let again = ground.execute(&[]).expect(0);
        assert!(
            again.said().contains("1 deleted, 2 deleted before"),
            "{what}: {}",
            again.said()
        );
        all_deleted(&ground);
    }
}

/// The request went out, the connection broke, and so did every later try: did it happen?
#[test]
fn a_deletion_whose_answer_was_lost_is_asked_after() {
    let ground = ground();
    ground
        .aws
        .inject(Fault::reset_after().on("secretsmanager", "DeleteSecret"));
    let ended = ground.execute(&[]).expect(0);
    assert!(ended.said().contains("3 deleted"), "{}", ended.said());
    all_deleted(&ground);
}

#[test]
fn no_answer_about_the_answer_leaves_the_line_open_until_the_next_run() {
    let ground = ground();
    // From the first deletion on, nothing can be asked.
    ground
        .aws
        .inject(Fault::reset_after().on("secretsmanager", "DeleteSecret"));
    for nth in 2..6 {
        ground.aws.inject(
            Fault::reset_before()
                .on("secretsmanager", "DescribeSecret")
                .nth(nth),
        );
    }
    let ended = ground.execute(&[]).expect(1);
    assert!(ended.said().contains("run again"), "{}", ended.said());
    ground.nothing_is_unrecorded();
    let status = ground.run(&["status", "plan.csv"]).expect(0);
    assert!(
        status.said().contains("1 line is open"),
        "{}",
        status.said()
    );
    ground.aws.heal();
    ground.execute(&[]).expect(0);
    all_deleted(&ground);
}

#[test]
fn a_failing_lookup_is_told_and_does_not_count_as_silence() {
    let ground = ground();
    ground
        .aws
        .inject(Fault::denied().on("cloudtrail", "LookupEvents"));
    let ended = ground
        .run(&["apply", "plan.csv", "--max-percent", "100"])
        .expect(3);
    let said = ended.said();
    assert!(said.contains("could not be looked up"), "{said}");
    assert!(said.contains("cloudtrail:LookupEvents"), "{said}");
    assert!(!said.contains("No requests for"), "{said}");
}

#[test]
fn a_plan_that_must_not_be_carried_out_is_refused_before_aws_is_asked_to_do_anything() {
    let now = whole_seconds(Timestamp::now());
    let hours = |hours: i64| now - SignedDuration::from_hours(hours);
    for (what, made, says) in [
        (
            "expired",
            hours(14 * 24 + 1),
            "more than 14 days ago help: scan and plan again",
        ),
        (
            "from the future: the clock was set back",
            hours(-2),
            "set the clock right first",
        ),
    ] {
        let world = world().secret(idle("a"));
        let ground = Ground::planned_at(world, &["a"], made);
        let args = ["apply", "plan.csv", "--execute", "--yes", A];
        let ended = ground.run(&args).expect(1);
        assert!(ended.said().contains(says), "{what}: {}", ended.said());
        if made > now {
            // Nothing can be checked by a clock that is wrong.
            ground.run(&["apply", "plan.csv"]).expect(1);
        }
        assert!(ground.aws.calls().is_empty(), "{what}");
        assert!(!ground.journal().exists(), "{what}");
    }
    // The guards on numbers.
    let ground = ground();
    for (args, says) in [
        (
            &["--max-percent", "100", "--max-deletions", "2"][..],
            "deletes 3 secrets, and at most 2",
        ),
        (
            &["--max-deletions", "1"],
            "deletes 3 secrets, and at most 1",
        ),
    ] {
        let args = [&["apply", "plan.csv", "--execute", "--yes", A], args].concat();
        let ended = ground.run(&args).expect(1);
        assert!(ended.said().contains(says), "{}", ended.said());
    }
    // Nobody confirms.
    let ended = ground
        .run(&["apply", "plan.csv", "--execute", "--max-percent", "100"])
        .expect(1);
    assert!(
        ended.said().contains(&format!("`--yes {A}`")),
        "{}",
        ended.said()
    );
    assert!(is_untouched(&ground));
    assert!(!ground.journal().exists());
}

/// Without `--execute` nothing is changed, so everything is checked, and what would stop `--execute` is said.
#[test]
fn a_dry_run_checks_every_line_and_names_the_guard_that_would_stop_it() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let six = || {
        names
            .iter()
            .fold(world(), |world, name| world.secret(idle(name)))
    };
    let now = whole_seconds(Timestamp::now());
    let old = now - SignedDuration::from_hours(14 * 24 + 1);
    let many = Ground::new(six(), &names);
    for (ground, args, says) in [
        (
            &many,
            &["--max-deletions", "2"][..],
            "at most 2 are allowed",
        ),
        (&many, &[], "6 of 6 scanned secrets, more than 20 %"),
        (
            &Ground::planned_at(six(), &names[..1], old),
            &[],
            "scan and plan again",
        ),
    ] {
        let check = [&["apply", "plan.csv"], args].concat();
        let said = ground.run(&check).expect(3).said();
        assert!(said.contains("would delete"), "{said}");
        assert!(said.contains("`--execute` would be refused: "), "{said}");
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{says}: {said}");
        assert!(!said.contains("add `--execute`"), "{said}");
        let execute = [&check[..], &["--execute", "--yes", A]].concat();
        ground.run(&execute).expect(1);
        assert!(is_untouched(ground));
    }
    // Five of five are few, however small the account is.
    let few = names[..5]
        .iter()
        .fold(world(), |world, name| world.secret(idle(name)));
    Ground::new(few, &names[..5])
        .run(&["apply", "plan.csv"])
        .expect(0);
}

#[test]
fn a_journal_that_is_younger_than_the_clock_shows_that_the_clock_was_set_back() {
    let ground = ground();
    ground
        .aws
        .inject(Fault::denied().on("secretsmanager", "DeleteSecret"));
    ground.execute(&[]).expect(1);
    ground.aws.heal();
    let year = Timestamp::now().to_string()[..4].to_owned();
    let later = (year.parse::<u32>().unwrap() + 1).to_string();
    let journal = std::fs::read_to_string(ground.journal()).unwrap();
    let journal = journal.replace(
        &format!(r#""time":"{year}"#),
        &format!(r#""time":"{later}"#),
    );
    std::fs::write(ground.journal(), journal).unwrap();
    let calls = ground.aws.calls().len();
    let ended = ground.execute(&[]).expect(1);
    assert!(
        ended.said().contains("set the clock right first"),
        "{}",
        ended.said()
    );
    assert_eq!(ground.aws.calls().len(), calls);
}

#[test]
fn another_accounts_plan_is_refused_and_says_how_to_get_there() {
    const B: &str = "444455556666";
    let world = world().account(Account::new(B, "team")).secret(idle("a"));
    let ground = Ground::new(world, &["a"]);
    let mut command = ground.program(&Ground::executing(&[]));
    command.envs(ground.aws.env_for(B));
    let output = command.output().unwrap();
    let ended = Ended { output }.expect(1);
    let says = format!("secrets of account {A}, but the caller acts in {B}");
    assert!(ended.said().contains(&says), "{}", ended.said());
    assert!(ended.said().contains("--role-name"), "{}", ended.said());
    assert!(is_untouched(&ground));
}

#[test]
fn a_changed_seal_a_duplicate_and_an_unknown_arn_are_errors_with_their_line() {
    type Spoil = fn(&str) -> String;
    let spoils: [(&str, Spoil, &str); 4] = [
        (
            "a changed seal",
            |text| text.replacen("days=14", "days=7", 1),
            "line 2",
        ),
        (
            "a duplicate",
            |text| format!("{text}{}\n", text.lines().nth(2).unwrap()),
            "line 5",
        ),
        (
            "an unknown ARN",
            |text| text.replace("secret:b-", "secret:z-"),
            "line 3",
        ),
        (
            "no decision",
            |text| text.replacen("delete,", "perhaps,", 1),
            "line 2",
        ),
    ];
    for (what, spoil, says) in spoils {
        let ground = ground();
        let plan = ground.path("plan.csv");
        let text = std::fs::read_to_string(&plan).unwrap();
        std::fs::write(&plan, spoil(&text)).unwrap();
        let ended = ground.execute(&[]).expect(1);
        assert!(ended.said().contains(says), "{what}: {}", ended.said());
        assert!(ground.aws.calls().is_empty(), "{what}");
    }
}

/// A file that can hold no more: the system refuses to let it grow, as a full disk does.
#[cfg(unix)]
#[test]
fn what_the_disk_cannot_take_is_not_deleted() {
    let mut stopped = 0;
    for blocks in 0..8 {
        let ground = ground();
        let script = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$0" "$@""#);
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_secretsweep")]);
        let ended = ground
            .through(shell, &Ground::executing(&["--tag", "leaving=yes"]))
            .output()
            .unwrap();
        let ended = Ended { output: ended };
        ground.nothing_is_unrecorded();
        if ended.code() == Some(1) {
            stopped += 1;
            assert!(ended.said().contains("journal"), "{}", ended.said());
            assert!(
                ended.said().contains("cannot be written"),
                "{}",
                ended.said()
            );
        } else {
            ended.expect(0);
        }
        ground.execute(&["--tag", "leaving=yes"]).expect(0);
        all_deleted(&ground);
    }
    assert!(stopped >= 2, "{stopped}");
}

#[test]
fn without_a_journal_that_can_be_written_nothing_is_deleted() {
    let ground = ground();
    std::fs::create_dir(ground.path("folder")).unwrap();
    std::fs::write(ground.path("file"), "").unwrap();
    std::fs::write(ground.path("other"), "{\"time\":1}\n{}\n").unwrap();
    let mut places = vec!["folder", "absent/journal", "file/journal", "other"];
    if cfg!(unix) {
        // Neither is a file: one takes nothing, the other never ends.
        places.extend(["/dev/full", "/dev/zero"]);
    }
    for place in places {
        let ended = ground.execute(&["--journal", place]).expect(1);
        assert!(
            ended.said().contains("journal"),
            "{place}: {}",
            ended.said()
        );
        assert!(is_untouched(&ground), "{place}");
    }
}

#[test]
fn a_file_that_is_no_journal_is_refused_and_stays_as_it_is() {
    let ground = ground();
    for text in [
        "one line without an end",
        "{\"time\":\"2026-11-28T06:10:00Z\",\"level\":\"info\"}",
        "{\"time\":1",
        "[",
        " ",
    ] {
        std::fs::write(ground.path("other"), text).unwrap();
        let said = ground.execute(&["--journal", "other"]).expect(1).said();
        assert!(said.contains("cannot be trusted"), "{text}: {said}");
        assert_eq!(std::fs::read_to_string(ground.path("other")).unwrap(), text);
        assert!(is_untouched(&ground), "{text}");
    }
}

/// The first run is held in the middle of a deletion while the second one starts.
#[cfg(unix)]
#[test]
fn a_second_run_on_the_same_journal_is_refused() {
    let ground = ground();
    let target = Target::default();
    let (said, held) = mpsc::channel();
    ground.aws.inject(
        Fault::after({
            let target = target.clone();
            move |_, _| {
                target.signal("STOP");
                said.send(()).unwrap();
            }
        })
        .on("secretsmanager", "DeleteSecret")
        .nth(1),
    );
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            let command = ground.program(&Ground::executing(&[]));
            target.run(command)
        });
        held.recv().unwrap();
        let second = ground.execute(&[]).expect(1);
        assert!(
            second.said().contains("another run is writing the journal"),
            "{}",
            second.said()
        );
        // A dry run only reads, and says what it finds.
        ground
            .run(&["apply", "plan.csv", "--max-percent", "100"])
            .expect(0);
        target.signal("CONT");
        first.join().unwrap().expect(0);
    });
    all_deleted(&ground);
}

#[cfg(unix)]
#[test]
fn two_runs_with_journals_of_their_own_delete_each_secret_once() {
    let ground = ground();
    thread::scope(|scope| {
        let runs: Vec<_> = ["one", "two"]
            .into_iter()
            .map(|journal| {
                let ground = &ground;
                scope.spawn(move || ground.execute(&["--journal", journal]))
            })
            .collect();
        for run in runs {
            let code = run.join().unwrap().code();
            assert!(matches!(code, Some(0 | 3)), "{code:?}");
        }
    });
    let changes = ground.changes();
    assert_eq!(changes.len(), NAMES.len());
    for name in NAMES {
        let arn = ground.arn(name);
        let own = changes
            .iter()
            .filter(|call| call.param("SecretId") == arn.as_str());
        assert_eq!(own.count(), 1, "{name}");
    }
}

/// Ctrl-C, a request to terminate, a closed terminal: the line in hand is finished, the rest is not begun.
#[cfg(unix)]
#[test]
fn a_request_to_stop_finishes_the_line_in_hand() {
    for signal in ["INT", "TERM", "HUP"] {
        let ground = ground();
        let target = Target::default();
        ground.aws.inject(
            target
                .before(signal)
                .on("secretsmanager", "DeleteSecret")
                .nth(2),
        );
        let command = ground.program(&Ground::executing(&[]));
        let ended = target.run(command).expect(3);
        assert!(
            ended.said().contains("2 deleted, 1 not tried"),
            "{signal}: {}",
            ended.said()
        );
        ground.nothing_is_unrecorded();
        ground.execute(&[]).expect(0);
        all_deleted(&ground);
    }
}

/// Until the first write there is nothing to finish.
#[cfg(unix)]
#[test]
fn a_request_to_stop_while_aws_is_asked_who_reads_ends_at_once() {
    let ground = ground();
    let target = Target::default();
    ground
        .aws
        .inject(target.before("INT").on("cloudtrail", "LookupEvents"));
    // Ten pieces: far longer than the test waits.
    ground
        .aws
        .inject(Fault::slow(Duration::from_secs(6)).on("cloudtrail", "LookupEvents"));
    let begun = Instant::now();
    let ended = target
        .run(ground.program(&Ground::executing(&[])))
        .expect(1);
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(
        ended.said().contains("stopped: nothing was changed"),
        "{}",
        ended.said()
    );
    assert!(is_untouched(&ground));
    assert!(!ground.journal().exists());
}

/// `apply ... | head`: the run goes on, and ends as it would have.
#[test]
fn a_reader_that_goes_away_neither_ends_the_run_nor_hides_how_it_ended() {
    let ground = ground();
    ground
        .aws
        .inject(Fault::denied().on("secretsmanager", "DeleteSecret").nth(2));
    let mut child = ground
        .program(&Ground::executing(&[]))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1), "one line failed");
    assert_eq!(ground.changes().len(), 2);
    ground.nothing_is_unrecorded();
}

#[test]
fn replicas_stay_unless_they_are_given_up() {
    let world = world().replicated(idle("a"), &[(WEST, None), (NORTH, None)]);
    let ground = Ground::new(world, &["a"]);
    let ended = ground.execute(&[]).expect(3);
    let said = ended.said();
    assert!(
        said.contains("eu-north-1, eu-west-1") && said.contains("`--remove-replicas`"),
        "{said}"
    );
    assert!(is_untouched(&ground));
    ground.execute(&["--remove-replicas"]).expect(0);
    assert_eq!(ground.keeps_the_promise().deleted, 1);
    ground.run(&["restore", "plan.csv"]).expect(0);
    let world = ground.aws.world();
    assert_eq!(world.secrets.len(), 3, "both replicas are there again");
    drop(world);
    assert!(ground.aws.world().named(A, EAST, "a").deleted.is_none());
}

/// The first try was carried out and its answer lost, the later ones were throttled, and `DescribeSecret` was behind.
#[test]
fn a_deletion_whose_last_try_was_throttled_is_owned_by_the_next_run() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let delete = || ("secretsmanager", "DeleteSecret");
    let (service, op) = delete();
    ground.aws.inject(Fault::throttle().on(service, op));
    let once = ground
        .program(&Ground::executing(&[]))
        .env("AWS_MAX_ATTEMPTS", "1")
        .output();
    assert_eq!(once.unwrap().status.code(), Some(1));
    ground.aws.heal();
    {
        let mut world = ground.aws.world();
        let now = world.now;
        world.named(A, EAST, "a").deleted = Some(now);
    }
    let said = ground.run(&["watch", "plan.csv"]).expect(0).said();
    assert!(said.contains("1 of them was interrupted"), "{said}");
    let said = ground.execute(&[]).expect(0).said();
    assert!(said.contains("1 deleted before"), "{said}");
    ground.run(&["restore", "plan.csv"]).expect(0);
    assert!(ground.aws.world().named(A, EAST, "a").deleted.is_none());
}
