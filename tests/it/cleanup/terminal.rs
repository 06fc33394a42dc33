//! What is shown and asked on a terminal, which `script` plays.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use super::binary_fixture::{Ended, Ground, idle, world};

/// The program on a terminal, where there is a `script` that can play one.
///
/// Shell and kind of terminal are the same wherever the tests run. The program takes the place of the shell, which would
/// otherwise answer Ctrl-C with an exit code of its own. `noflsh`, because a terminal that was sent Ctrl-C drops what is
/// written in that moment.
fn on_terminal(ground: &Ground, args: &str) -> Option<Command> {
    let line = format!(
        "stty noflsh && exec {} {args}",
        env!("CARGO_BIN_EXE_secretsweep")
    );
    let is_there = Command::new("script").arg("--version").output().is_ok();
    if !is_there {
        #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
        {
            eprintln!("skipped: `script` is not installed");
        }
        return None;
    }
    let mut script = ground.through(Command::new("script"), &["-qec", &line, "/dev/null"]);
    script.env("SHELL", "/bin/sh").env("TERM", "xterm");
    Some(script)
}

fn ground() -> Ground {
    let world = world().secret(idle("a")).secret(idle("b"));
    Ground::new(world, &["a", "b"])
}

#[test]
fn ctrl_c_is_an_answer_to_the_question_for_the_account() {
    let ground = ground();
    let Some(mut apply) = on_terminal(&ground, "apply plan.csv --max-percent 100 --execute") else {
        return;
    };
    let mut child = apply
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(b"to go on: ") && stdout.read(&mut byte).unwrap() > 0 {
        said.extend(byte);
    }
    stdin.write_all(b"\x03").unwrap();
    stdout.read_to_end(&mut said).unwrap();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("stopped: nothing was changed"), "{said}");
    assert!(ground.changes().is_empty());
    assert!(!ground.journal().exists());
}

#[test]
fn each_line_is_told_while_it_is_worked_on() {
    let ground = ground();
    let Some(mut check) = on_terminal(&ground, "apply plan.csv --max-percent 100") else {
        return;
    };
    let said = Ended {
        output: check.output().unwrap(),
    }
    .expect(0)
    .said();
    assert!(said.contains("checked 1 of 2"), "{said:?}");
    assert!(said.contains("checked 2 of 2"), "{said:?}");
    ground.execute(&[]).expect(0);
    let mut restore = on_terminal(&ground, "restore plan.csv").unwrap();
    let said = Ended {
        output: restore.output().unwrap(),
    }
    .expect(0)
    .said();
    assert!(said.contains("restoring 1 of 2: a"), "{said:?}");
    assert!(said.contains("restoring 2 of 2: b"), "{said:?}");
}
