//! However little of it can be shown, what is to be done is done, and the exit code says what happened.

use std::process::{Command, Stdio};

use super::binary_fixture::{A, EAST, Ground, Target, idle, world};
use crate::aws::Fault;

/// Two secrets, both deleted.
fn deleted() -> Ground {
    let world = world().secret(idle("a")).secret(idle("b"));
    let ground = Ground::new(world, &["a", "b"]);
    ground.execute(&[]).expect(0);
    ground
}

/// Runs the program and takes its stdout away at once, as `| head -n 0` would; its exit code.
fn unread(mut program: Command) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = program.stdout(writer).stderr(Stdio::null()).output();
    output.unwrap().status.code()
}

/// Runs the program where nothing fits any more; its exit code, and what it says on stderr.
#[cfg(target_os = "linux")]
fn full(mut program: Command) -> (Option<i32>, String) {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = program
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

fn is_pending(ground: &Ground, name: &str) -> bool {
    ground.aws.world().named(A, EAST, name).deleted.is_some()
}

#[test]
fn a_reader_that_goes_away_keeps_nothing_from_being_taken_back() {
    let ground = deleted();
    super::restore_and_watch::ask_in_vain(&ground, "a");
    assert_eq!(unread(ground.program(&["watch", "plan.csv"])), Some(5));
    let restoring = ["watch", "plan.csv", "--restore"];
    assert_eq!(unread(ground.program(&restoring)), Some(5));
    assert!(!is_pending(&ground, "a") && is_pending(&ground, "b"));
    ground
        .aws
        .inject(Fault::denied().on("secretsmanager", "RestoreSecret"));
    let restore = || ground.program(&["restore", "plan.csv"]);
    assert_eq!(unread(restore()), Some(1));
    super::restore_and_watch::ask_in_vain(&ground, "b");
    assert_eq!(unread(ground.program(&restoring)), Some(1));
    ground.aws.heal();
    assert_eq!(unread(restore()), Some(0));
    assert!(!is_pending(&ground, "b"));
}

#[test]
fn a_reader_that_goes_away_hides_no_refusal_and_no_finding() {
    let ground = deleted();
    let check = ["apply", "plan.csv", "--max-percent", "100"];
    assert_eq!(unread(ground.program(&check)), Some(0));
    ground.aws.world().named(A, EAST, "a").deleted = None;
    assert_eq!(unread(ground.program(&check)), Some(3));
    let scan = ["scan", "--regions", EAST, "--fail-above", "0"];
    assert_eq!(unread(ground.program(&scan)), Some(4));
    ground
        .aws
        .inject(Fault::denied().on("secretsmanager", "ListSecrets"));
    let partly = ["scan", "--regions", EAST, "--overwrite"];
    assert_eq!(unread(ground.program(&partly)), Some(3));
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_fits_any_more_it_is_done_and_told_and_no_success() {
    let ground = deleted();
    super::restore_and_watch::ask_in_vain(&ground, "a");
    for (args, code) in [
        (&["watch", "plan.csv", "--restore"][..], 5),
        (&["restore", "plan.csv"], 1),
        (&["apply", "plan.csv", "--max-percent", "100"], 1),
        (&["scan", "--regions", EAST, "--fail-above", "0"], 4),
        (&["scan", "--regions", EAST, "--overwrite"], 1),
    ] {
        let (ended, said) = full(ground.program(args));
        assert_eq!(ended, Some(code), "{args:?}: {said}");
        assert!(said.contains("cannot write to stdout"), "{args:?}: {said}");
    }
    assert!(!is_pending(&ground, "a") && !is_pending(&ground, "b"));
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    let (ended, said) = full(ground.program(&Ground::executing(&[])));
    assert_eq!(ended, Some(1), "{said}");
    assert!(said.contains("cannot write to stdout"), "{said}");
    assert!(is_pending(&ground, "a"));
}

#[test]
fn the_help_names_every_exit_code() {
    let ground = Ground::new(world().secret(idle("a")), &["a"]);
    for (command, codes) in [
        ("apply", &["0 ", "1 ", "3 "][..]),
        ("watch", &["0 ", "1 ", "3 ", "5 "]),
        ("restore", &["0 ", "1 ", "3 "]),
    ] {
        let help = ground.run(&[command, "--help"]).expect(0).said();
        let (_, told) = help.split_once("Exit codes: ").unwrap();
        let told: Vec<&str> = told.split("; ").collect();
        for code in codes {
            let is_told = told.iter().any(|one| one.starts_with(code));
            assert!(is_told, "{command} {code}: {told:?}");
        }
    }
}

/// Until something is written there is nothing to finish, so a single request ends it.
#[cfg(unix)]
#[test]
fn a_request_to_stop_while_the_session_opens_ends_at_once() {
    let ground = deleted();
    for command in [
        &["apply", "plan.csv", "--max-percent", "100"][..],
        &["watch", "plan.csv"],
        &["restore", "plan.csv"],
    ] {
        ground.aws.heal();
        let target = Target::default();
        let asked = ground.aws.calls_of("sts", "GetCallerIdentity").len();
        ground
            .aws
            .inject(target.before("INT").on("sts", "GetCallerIdentity"));
        ground
            .aws
            .inject(Fault::slow(std::time::Duration::from_secs(20)).on("sts", "GetCallerIdentity"));
        let begun = std::time::Instant::now();
        let ended = target.run(ground.program(command)).expect(1);
        assert!(begun.elapsed().as_secs() < 15, "{command:?}");
        assert!(
            ended.said().contains("stopped: nothing was changed"),
            "{command:?}: {}",
            ended.said()
        );
        let now = ground.aws.calls_of("sts", "GetCallerIdentity").len();
        assert_eq!(now, asked + 1, "{command:?}");
    }
}

/// Whoever insists gets his way, in the middle of a deletion too; the next run finds out what became of it.
#[cfg(unix)]
#[test]
fn whoever_insists_on_stopping_ends_the_program() {
    for signal in ["INT", "TERM", "HUP"] {
        let world = world().secret(idle("a")).secret(idle("b"));
        let ground = Ground::new(world, &["a", "b"]);
        let target = Target::default();
        ground.aws.inject(
            Fault::before({
                let target = target.clone();
                move |_, _| while target.try_signal(signal) {}
            })
            .on("secretsmanager", "DeleteSecret")
            .nth(1),
        );
        let ended = target.run(ground.program(&Ground::executing(&[])));
        assert_eq!(ended.code(), None, "{signal}: {}", ended.said());
        ground.aws.heal();
        ground.nothing_is_unrecorded();
        ground.execute(&[]).expect(0);
        assert_eq!(ground.keeps_the_promise().deleted, 2, "{signal}");
    }
}
