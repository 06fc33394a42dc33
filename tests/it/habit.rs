//! What a monthly user types without thinking: nothing instead of a folder, Ctrl-C, Tab, a narrow or a wide window.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::aws::world::{Rate, Secret as AwsSecret};
use crate::aws::{Aws, Fault, World as AwsWorld};
use crate::world::*;

/// Runs the program; how it ended, stdout and stderr.
fn run(folder: &TempDir, args: &[&str]) -> (Option<i32>, String, String) {
    let output = program(folder.path(), args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A folder with two scans in `reports`, a day apart.
fn two_months() -> TempDir {
    let folder = crate::scratch::tempdir().unwrap();
    World::new()
        .secrets([idle("old/db"), idle("old/key"), idle("used")])
        .call(get("used"))
        .write(folder.path());
    for (day, now) in [("2026-10-31", "2026-10-31T00:00:00Z"), ("2026-11-01", NOW)] {
        let out = format!("reports/{day}");
        let line = format!("scan --inventory inventory --trail trail --now {now} --out {out}");
        let args = words(&line);
        let (code, _, stderr) = run(&folder, &[&args[..], &["--allow-partial"]].concat());
        assert_eq!(code, Some(0), "{stderr}");
    }
    folder
}

#[test]
fn the_latest_scan_and_plan_are_meant_where_none_is_named() {
    let folder = two_months();
    let (code, stdout, stderr) = run(&folder, &["report"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("Using the latest scan, `reports/2026-11-01`."),
        "{stderr}"
    );
    assert!(
        stdout.contains("secretsweep plan reports/2026-11-01"),
        "{stdout}"
    );
    let (code, _, stderr) = run(&folder, &["status"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("there is no plan in `reports`"), "{stderr}");
    assert_eq!(run(&folder, &["plan"]).0, Some(0));
    assert!(folder.path().join("reports/2026-11-01/plan.csv").is_file());
    let (code, stdout, _) = run(&folder, &["compare"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("2026-10-31 to 2026-11-01"), "{stdout}");
    let (code, _, stderr) = run(
        &folder,
        &["report", "--previous", "latest", "--format", "html"],
    );
    assert_eq!(code, Some(0), "{stderr}");
    let (code, _, stderr) = run(&folder, &["apply", "--execute"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("needs the plan that you reviewed"),
        "{stderr}"
    );
    // A settings file that writes elsewhere is followed.
    std::fs::rename(folder.path().join("reports"), folder.path().join("scans")).unwrap();
    std::fs::write(
        folder.path().join("secretsweep.toml"),
        "[scan]\nout = \"scans/{date}\"\n",
    )
    .unwrap();
    let (code, _, stderr) = run(&folder, &["report"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("`scans/2026-11-01`"), "{stderr}");
}

#[test]
fn times_are_what_people_mean_by_them() {
    let folder = two_months();
    for (args, says) in [
        (
            &["--window", "1month"][..],
            "has no fixed length: write days",
        ),
        (&["--idle", "3months"], "has no fixed length: write days"),
        (&["--window", "1y"], "has no fixed length: write days"),
        (&["--now", "yesterday"], "or `2026-11-01`"),
    ] {
        let all = [
            &["scan", "--inventory", "inventory", "--trail", "trail"],
            args,
        ]
        .concat();
        let (code, _, stderr) = run(&folder, &all);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(says), "{stderr}");
    }
    let args = words("scan --inventory inventory --trail trail --now 2026-11-01 --out day");
    let (_, stdout, stderr) = run(&folder, &args);
    assert!(
        stdout.contains("to 2026-11-01 (30 days)"),
        "{stdout}{stderr}"
    );
}

#[test]
fn a_rule_is_explained_with_what_changes_it() {
    let folder = crate::scratch::tempdir().unwrap();
    for (code, says) in [
        ("idle", &["idle = \"90d\"", "[protect]"][..]),
        ("too-young", &["young = \"30d\""]),
        ("protected-tag", &["tags = [\"keep=true\"]"]),
        (
            "hot-loop",
            &[
                "[[mute]]\n  code = \"hot-loop\"",
                "--fail-on hot-loop",
                "Rule: ",
            ],
        ),
    ] {
        let (exit, stdout, _) = run(&folder, &["rules", code]);
        assert_eq!(exit, Some(0));
        for says in says {
            assert!(stdout.contains(says), "{code}: {says}\n{stdout}");
        }
    }
    let (_, _, stderr) = run(&folder, &["rules", "hot-loops"]);
    assert!(stderr.contains("did you mean `hot-loop`?"), "{stderr}");
}

#[test]
fn a_shell_completes_codes_and_commands() {
    let folder = crate::scratch::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&folder, &["completions", shell]);
        assert_eq!(code, Some(0));
        for word in ["failing-reads", "never-read", "iam-policy"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let (_, help, _) = run(&folder, &["scan", "--help"]);
    assert!(
        !help.contains("never-read"),
        "a list of sixty codes is no help:\n{help}"
    );
    let (code, _, stderr) = run(&folder, &["scan", "--fail-on", "hot-loops"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("invalid value 'hot-loops'"), "{stderr}");
}

#[test]
fn the_way_out_has_a_line_of_its_own() {
    let folder = crate::scratch::tempdir().unwrap();
    let mut scan = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
    scan.args(["scan", "--profile", "nobody"])
        .current_dir(folder.path())
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let stderr = String::from_utf8(scan.output().unwrap().stderr).unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(
        lines[0].starts_with("error: cannot reach AWS: there is no profile `nobody`"),
        "{stderr}"
    );
    assert!(
        lines[1].starts_with(" help: `aws configure list-profiles`"),
        "{stderr}"
    );
}

/// A command on a terminal of that size, where there is a `script` that can play one.
fn on_terminal(folder: &TempDir, columns: usize, args: &str) -> Option<Command> {
    Command::new("script").arg("--version").output().ok()?;
    let program = env!("CARGO_BIN_EXE_secretsweep");
    let line = format!("stty rows 24 cols {columns} && exec {program} {args}");
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    Some(script)
}

/// Text without the escape sequences of colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[test]
fn a_summary_uses_the_width_of_the_terminal() {
    let long =
        "data/warehouse/exports/nightly/customers/eu-central/writer-password-rotated-by-hand";
    let folder = World::new()
        .secrets([idle(long), idle("b")])
        .scan()
        .into_folder();
    for columns in [40, 60, 80, 120, 160] {
        let Some(mut report) = on_terminal(&folder, columns, "report out --verbose") else {
            return;
        };
        let shown = String::from_utf8(report.output().unwrap().stdout).unwrap();
        assert!(shown.contains('\u{1b}'), "colours");
        let shown = plain(&shown);
        let widest = shown
            .lines()
            .map(|line| line.trim_end().chars().count())
            .max()
            .unwrap();
        assert!(widest <= columns, "{columns}: {widest}\n{shown}");
        assert_eq!(shown.contains(long), columns == 160, "{columns}\n{shown}");
    }
}

#[test]
fn what_became_of_a_secret_stands_out() {
    let aws = Aws::start(AwsWorld::new("111122223333"));
    let folder = World::new()
        .secrets([idle("a"), idle("b")])
        .scan()
        .into_folder();
    assert_eq!(run(&folder, &["plan", "out"]).0, Some(0));
    let now = format!("apply out/plan.csv --now {NOW}");
    let Some(mut apply) = on_terminal(&folder, 100, &now) else {
        return;
    };
    let shown = aws
        .on(&mut apply)
        .env_remove("NO_COLOR")
        .output()
        .unwrap()
        .stdout;
    let shown = String::from_utf8(shown).unwrap();
    // The secrets are not there: the word is in colour, and says it without.
    assert!(shown.contains("\u{1b}[33mrefused"), "{shown:?}");
    let piped = {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        let args = ["apply", "out/plan.csv", "--now", NOW];
        let command = command.args(args).current_dir(folder.path());
        aws.on(command).output().unwrap().stdout
    };
    assert!(!piped.contains(&0x1b));
}

#[test]
fn colours_are_where_a_person_looks_or_where_they_are_asked_for() {
    let folder = two_months();
    let command = "compare reports/2026-10-31 reports/2026-11-01";
    for (is_terminal, options, no_color, is_coloured) in [
        (true, "", "", true),
        (true, "--color auto", "", true),
        (true, "--color auto", "1", false),
        (true, "--color never", "", false),
        (true, "--color always", "1", true),
        (false, "", "", false),
        (false, "--color auto", "", false),
        (false, "--color always", "", true),
        (false, "--color always", "1", true),
        (false, "--color never", "", false),
    ] {
        let args = format!("{command} {options}");
        let mut compare = if is_terminal {
            let Some(played) = on_terminal(&folder, 80, &args) else {
                return;
            };
            played
        } else {
            let mut plain = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
            plain
                .args(args.split_whitespace())
                .current_dir(folder.path());
            plain
        };
        compare.env("NO_COLOR", no_color);
        let shown = String::from_utf8(compare.output().unwrap().stdout).unwrap();
        let state = format!("terminal {is_terminal}, `{options}`, NO_COLOR={no_color}");
        assert_eq!(shown.contains('\u{1b}'), is_coloured, "{state}: {shown:?}");
        // What the colours say stands there in words, too.
        let plain = plain(&shown).replace("\r\n", "\n");
        assert!(
            plain.starts_with("What changed from 2026-10-31 to 2026-11-01\n"),
            "{state}: {plain:?}"
        );
    }
    let (code, _, stderr) = run(&folder, &["compare", "--color", "sometimes"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("[possible values: auto, always, never]"),
        "{stderr}"
    );
}

#[test]
fn help_and_wrong_command_lines_obey_the_option_for_colours_too() {
    let folder = crate::scratch::tempdir().unwrap();
    for (args, is_coloured) in [
        ("--help", true),
        ("--color never --help", false),
        ("--color=never scan --help", false),
        ("help scan --color never", false),
        ("--color always --color never --help", false),
        ("--color never --no-such-option", false),
        ("--no-such-option", true),
    ] {
        let Some(mut played) = on_terminal(&folder, 80, args) else {
            return;
        };
        let shown = String::from_utf8(played.output().unwrap().stdout).unwrap();
        assert!(shown.contains("Usage"), "{args}: {shown}");
        assert_eq!(shown.contains('\u{1b}'), is_coloured, "{args}: {shown:?}");
    }
    let piped = Command::new(env!("CARGO_BIN_EXE_secretsweep"))
        .args(["--color", "always", "--help"])
        .output()
        .unwrap();
    assert!(piped.stdout.contains(&0x1b));
}

/// Reads what a command shows until these words come.
fn until(shown: &mut ChildStdout, words: &str) -> String {
    let mut said = Vec::new();
    let mut byte = [0];
    let begun = Instant::now();
    while !String::from_utf8_lossy(&said).contains(words) {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "{}",
            String::from_utf8_lossy(&said)
        );
        if shown.read(&mut byte).unwrap() == 0 {
            break;
        }
        said.extend(byte);
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn started(command: &mut Command) -> (Child, ChildStdout) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, stdout)
}

#[test]
fn a_plan_is_reviewed_with_keys_and_written_as_it_was_but_for_the_decisions() {
    let folder = World::new()
        .secrets([idle("a"), idle("b"), idle("c")])
        .scan()
        .into_folder();
    assert_eq!(run(&folder, &["plan", "out"]).0, Some(0));
    let plan = folder.path().join("out/plan.csv");
    let before = std::fs::read_to_string(&plan).unwrap();
    let Some(mut review) = on_terminal(&folder, 100, "review out/plan.csv") else {
        return;
    };
    let (mut child, mut shown) = started(&mut review);
    let screen = until(&mut shown, "q quit");
    assert!(
        screen.contains("3 of 3 secrets to delete, which saves $1.20 per month"),
        "{screen}"
    );
    assert!(screen.contains("> delete"), "{screen}");
    assert!(
        screen.contains("idle: Nobody has read it for the idle time"),
        "{screen}"
    );
    let mut keys = child.stdin.take().unwrap();
    // Keep the first, look at the last, take it back, keep the second, save.
    keys.write_all(b"k\x1b[B\x1b[Bku\x1b[Aks").unwrap();
    let screen = until(&mut shown, "saved");
    assert!(screen.contains("not saved"), "{screen:?}");
    keys.write_all(b"q").unwrap();
    let rest = until(&mut shown, "\u{0}");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.contains("Saved: `out/plan.csv`."), "{rest}");
    let after = std::fs::read_to_string(&plan).unwrap();
    let decisions: Vec<&str> = after
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert_eq!(
        decisions.iter().filter(|word| **word == "keep").count(),
        2,
        "{decisions:?}"
    );
    assert_eq!(after.replace("\nkeep,", "\ndelete,"), before);
    // Without a terminal there is nothing to press.
    let (code, _, stderr) = run(&folder, &["review", "out/plan.csv"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("needs a terminal\n help: edit the `decision` column"),
        "{stderr}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_what_is_kept_and_how_to_go_on() {
    for (cache, says) in [
        (true, "What was read so far is in `kept`"),
        (false, "With `--cache DIR`"),
    ] {
        let world = AwsWorld::new("111122223333")
            .lookup_rate(Rate::Unlimited)
            .secret(AwsSecret::new("111122223333", "us-east-1", "app/db"))
            .fault(Fault::slow(Duration::from_millis(200)).on("cloudtrail", "LookupEvents"));
        let aws = Aws::start(world);
        let folder = crate::scratch::tempdir().unwrap();
        let mut scan = Command::new(env!("CARGO_BIN_EXE_secretsweep"));
        scan.args(["scan", "--out", "out"])
            .current_dir(folder.path());
        if cache {
            scan.args(["--cache", "kept"]);
        }
        let mut child = aws.on(&mut scan).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while aws.calls_of("cloudtrail", "LookupEvents").is_empty() {
            assert!(begun.elapsed() < Duration::from_mins(1));
            std::thread::yield_now();
        }
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(2),
            "{said}"
        );
        assert!(
            said.contains("Interrupted; no report was written.") && said.contains(says),
            "{said}"
        );
        assert!(!folder.path().join("out").exists());
    }
}
