//! The stumbles of a first month: what is mistyped, run again, copied from the screen, or read on one.

use std::process::Command;

use tempfile::TempDir;

use crate::aws::world::{Rate, Secret as AwsSecret};
use crate::aws::{Aws, World as AwsWorld};
use crate::run_result::Outcome;
use crate::world::*;

fn world() -> World {
    World::new()
        .secrets([idle("old/db"), idle("old/it's"), idle("used")])
        .call(get("used"))
}

/// A finished scan in `out`.
fn scanned() -> TempDir {
    let scan = world().scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    scan.into_folder()
}

/// Runs the program; how it ended, stdout and stderr.
fn run(folder: &TempDir, args: &[&str]) -> (Option<i32>, String, String) {
    let output = program(folder.path(), args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_path_that_is_not_there_is_an_error_before_anything_is_written() {
    for (option, path) in [
        ("--trail", "nope"),
        ("--trail", "s3:/bucket"),
        ("--inventory", "nope"),
    ] {
        let folder = crate::scratch::tempdir().unwrap();
        world().write(folder.path());
        let mut args = vec![
            "scan",
            "--inventory",
            "inventory",
            "--trail",
            "trail",
            option,
            path,
        ];
        args.extend(["--now", NOW]);
        let (code, stdout, stderr) = run(&folder, &args);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(
            stderr.contains(&format!("`{option} {path}`: there is no such file")),
            "{stderr}"
        );
        let is_told_the_form = stderr.contains("`s3://BUCKET/PREFIX`");
        assert_eq!(is_told_the_form, path.starts_with("s3:"), "{stderr}");
        assert!(!folder.path().join("reports").exists());
    }
}

#[test]
fn globs_that_select_nothing_are_an_error_and_write_nothing() {
    let scan = world().args(&["--only", "odl/*"]).scan();
    assert_eq!((scan.code, scan.stdout.as_str()), (1, ""));
    let says = "none of the 3 secrets has a name that matches `odl/*`\n help: check `--only` and `--exclude`";
    assert!(scan.stderr.contains(says), "{}", scan.stderr);
    assert!(scan.report.is_null());
    let folder = scanned();
    let (code, stdout, stderr) = run(&folder, &["report", "out", "--exclude", "*"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("does not match `*`"), "{stderr}");
    // An account without secrets is no mistake.
    let none = World::new()
        .file("inventory/none.json", r#"{"SecretList": []}"#)
        .scan();
    assert_eq!(none.code, 0, "{}", none.stderr);
    assert!(
        none.stdout.contains("There are no secrets."),
        "{}",
        none.stdout
    );
}

#[test]
fn the_plan_that_a_report_suggests_selects_what_it_shows() {
    let folder = scanned();
    let args = ["report", "out", "--only", "old/*", "--exclude", "old/it's"];
    let (code, stdout, _) = run(&folder, &args);
    assert_eq!(code, Some(0));
    let command = stdout.lines().last().unwrap().trim();
    assert_eq!(
        command,
        r"secretsweep plan out --only 'old/*' --exclude 'old/it'\''s'"
    );
    let output = Command::new("sh")
        .args([
            "-c",
            &command.replacen("secretsweep", env!("CARGO_BIN_EXE_secretsweep"), 1),
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let planned = String::from_utf8(output.stdout).unwrap();
    assert!(planned.contains("1 secret to delete"), "{planned}");
}

#[test]
fn a_second_scan_of_a_day_has_a_folder_of_its_own() {
    let folder = crate::scratch::tempdir().unwrap();
    world().write(folder.path());
    let args = words("scan --inventory inventory --trail trail --allow-partial");
    for times in 1..=2 {
        let (code, _, stderr) = run(&folder, &args);
        assert_eq!(code, Some(0), "run {times}: {stderr}");
    }
    let names = std::fs::read_dir(folder.path().join("reports")).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    // A folder that was named is never changed for another one.
    let explicit = [&args[..], &["--out", "reports/mine"]].concat();
    assert_eq!(run(&folder, &explicit).0, Some(0));
    let (code, _, stderr) = run(&folder, &explicit);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("holds another scan"), "{stderr}");
}

#[test]
fn a_folder_above_the_scan_names_the_scan() {
    let folder = scanned();
    let (code, _, stderr) = run(&folder, &["report", "."]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("did you mean `./out`?"), "{stderr}");
}

#[test]
fn a_mistyped_rule_suggests_the_one_that_was_meant() {
    let folder = crate::scratch::tempdir().unwrap();
    let (code, _, stderr) = run(&folder, &["rules", "hot-loops"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("did you mean `hot-loop`?"), "{stderr}");
}

#[test]
fn a_name_is_neither_a_plan_nor_an_arn() {
    let folder = crate::scratch::tempdir().unwrap();
    let (code, _, stderr) = run(&folder, &["restore", "team0/svc0/db"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("`team0/svc0/db` is neither a plan file nor an ARN"),
        "{stderr}"
    );
}

#[test]
fn a_comparison_that_goes_back_in_time_says_so() {
    let folder = scanned();
    world()
        .now("2026-11-20T00:00:00Z")
        .args(&["--allow-partial"])
        .write(folder.path());
    let args = words("scan --inventory inventory --trail trail --out later");
    let later = [
        &args[..],
        &["--now", "2026-11-20T00:00:00Z", "--allow-partial"],
    ]
    .concat();
    let (code, _, stderr) = run(&folder, &later);
    assert_eq!(code, Some(0), "{stderr}");
    let (_, _, right) = run(&folder, &["compare", "out", "later"]);
    assert_eq!(right, "");
    let (_, _, swapped) = run(&folder, &["compare", "later", "out"]);
    assert!(
        swapped.contains("Name the earlier scan first."),
        "{swapped}"
    );
}

#[test]
fn one_screen_by_default_and_everything_with_verbose() {
    let folder = scanned();
    let (_, short, _) = run(&folder, &["report", "out"]);
    let (_, whole, _) = run(&folder, &["report", "out", "--verbose"]);
    assert!(short.lines().count() <= 45, "{short}");
    assert!(!short.contains("ASSUMPTIONS"), "{short}");
    assert!(whole.contains("ASSUMPTIONS"), "{whole}");
    let first = |text: &str| text.lines().next().map(str::to_owned);
    assert_eq!(first(&short), first(&whole));
}

#[test]
fn a_table_of_groups_has_as_many_rows_as_were_asked_for() {
    let names: Vec<String> = (0..30)
        .map(|number| format!("team{number:02}/db"))
        .collect();
    let folder = World::new()
        .secrets(names.iter().map(|name| idle(name)))
        .scan()
        .into_folder();
    let rows = |args: &[&str]| {
        let all = [&["report", "out", "--group-by", "prefix"], args].concat();
        let (_, stdout, _) = run(&folder, &all);
        let (_, table) = stdout.split_once("BY PREFIX").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        table.matches("\n  team").count()
    };
    assert_eq!(rows(&[]), 20);
    assert_eq!(rows(&["--top", "3"]), 3);
}

#[test]
fn explain_finds_a_secret_by_a_part_of_its_name() {
    let folder = scanned();
    let (code, stdout, _) = run(&folder, &["explain", "db", "--scan", "out"]);
    assert_eq!(code, Some(0));
    for says in ["old/db", "VERDICT: delete", "idle", "$0.40", "WHO CALLS"] {
        assert!(stdout.contains(says), "{says}: {stdout}");
    }
    for (typed, says) in [
        ("old/", "`old/` may be one of 2 secrets:\n  arn:aws:"),
        ("odl/db", "did you mean `old/db`?"),
        (
            "zzzzzz",
            "there is no secret `zzzzzz` in `out`\n help: secrets.csv lists all secrets of the scan",
        ),
    ] {
        let (code, _, stderr) = run(&folder, &["explain", typed, "--scan", "out"]);
        assert_eq!(code, Some(1));
        assert!(stderr.contains(says), "{says}: {stderr}");
    }
    let (code, _, stderr) = run(&folder, &["explain", "db"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("name its folder with `--scan DIR`"),
        "{stderr}"
    );
    std::fs::create_dir(folder.path().join("reports")).unwrap();
    std::fs::rename(
        folder.path().join("out"),
        folder.path().join("reports/2026-11-01"),
    )
    .unwrap();
    assert_eq!(
        run(&folder, &["explain", "db"]).0,
        Some(0),
        "the latest scan"
    );
}

#[test]
fn a_message_goes_to_stdout_or_to_a_file() {
    let folder = scanned();
    let (code, stdout, _) = run(&folder, &["report", "out", "--format", "markdown"]);
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("### Secrets Manager, "), "{stdout}");
    assert!(stdout.contains("| $0.40 | `old/it's` |"), "{stdout}");
    let args = [
        "report", "out", "--format", "slack", "--format", "markdown", "--out", "message",
    ];
    assert_eq!(run(&folder, &args).0, Some(0));
    let read =
        |name: &str| std::fs::read_to_string(folder.path().join("message").join(name)).unwrap();
    assert_eq!(read("summary.md"), stdout);
    let slack: serde_json::Value = serde_json::from_str(&read("slack.json")).unwrap();
    assert_eq!(slack["blocks"][0]["type"], "header");
}

#[test]
fn each_owner_gets_a_folder_with_only_their_secrets() {
    let folder = World::new()
        .secrets([
            idle("a/db").tag("owner", "Team A"),
            idle("a/key").tag("owner", "Team A"),
            idle("b/db").tag("owner", "../b"),
            idle("nobody"),
        ])
        .scan()
        .into_folder();
    let args = ["report", "out", "--split-by", "owner", "--out", "owners"];
    let (code, _, stderr) = run(&folder, &args);
    assert_eq!(code, Some(0), "{stderr}");
    let names = |owner: &str| -> Vec<String> {
        let file = folder.path().join("owners").join(owner).join("secrets.csv");
        let rows = csv_records(&std::fs::read(file).unwrap());
        rows.into_iter()
            .map(|mut row| row.remove("name").unwrap())
            .collect()
    };
    assert_eq!(names("team-a"), ["a/db", "a/key"]);
    assert_eq!(names("b"), ["b/db"]);
    assert_eq!(names("no-owner"), ["nobody"]);
    let page = std::fs::read_to_string(folder.path().join("owners/b/report.html")).unwrap();
    assert!(page.contains("b/db") && !page.contains("a/key"));
    assert_eq!(
        std::fs::read_dir(folder.path().join("owners"))
            .unwrap()
            .count(),
        3
    );
    let without_a_place = run(&folder, &["report", "out", "--split-by", "owner"]);
    assert_eq!(without_a_place.0, Some(2));
}

#[test]
fn a_long_plan_shows_a_part_and_its_file_holds_all() {
    let names: Vec<String> = (0..30)
        .map(|number| format!("old/db-{number:02}"))
        .collect();
    let folder = World::new()
        .secrets(names.iter().map(|name| idle(name)))
        .scan()
        .into_folder();
    let (code, stdout, _) = run(&folder, &["plan", "out"]);
    assert_eq!(code, Some(0));
    assert_eq!(stdout.matches("\n  old/db-").count(), 25, "{stdout}");
    assert!(stdout.contains("  and 5 more in the plan\n"), "{stdout}");
    assert!(stdout.contains("30 secrets to delete"), "{stdout}");
    let plan = std::fs::read_to_string(folder.path().join("out/plan.csv")).unwrap();
    assert_eq!(plan.lines().count(), 31);
}

/// A live scan on a terminal, which `script` plays: what is left on the screen when it is over.
#[cfg(unix)]
#[test]
fn the_progress_of_a_live_scan_leaves_nothing_behind() {
    if Command::new("script").arg("--version").output().is_err() {
        return;
    }
    let mut world = AwsWorld::new("111122223333")
        .regions(&["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2"])
        .lookup_rate(Rate::Unlimited);
    for region in ["us-east-1", "eu-west-1"] {
        world = world.secret(AwsSecret::new("111122223333", region, "app/db"));
    }
    let aws = Aws::start(world);
    let folder = crate::scratch::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_secretsweep");
    let line = format!("exec {program} scan --lookup-pace 0 --out out 2>&1 >summary.txt");
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm");
    let run = Outcome::of(aws.on(&mut script), &folder.path().join("out"));
    assert!(!run.report.is_null(), "{}", run.printed());
    let left = screen(&run.printed());
    assert_eq!(left.join("\n").trim(), "", "{left:?}\n{:?}", run.printed());
}

/// The lines that a terminal shows in the end: carriage returns, moves up and down, and erasing are carried out.
fn screen(bytes: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::<char>::new()], 0_usize, 0_usize);
    let mut letters = bytes.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                lines.resize(lines.len().max(row + 1), Vec::new());
            }
            '\u{1b}' => {
                letters.next_if_eq(&'[');
                let mut count = String::new();
                let command = loop {
                    match letters.next() {
                        Some(letter) if letter.is_ascii_alphabetic() => break Some(letter),
                        Some(letter) => count.push(letter),
                        None => break None,
                    }
                };
                let count: usize = count.parse().unwrap_or(0);
                match command {
                    Some('A') => row = row.saturating_sub(count.max(1)),
                    Some('B') => row += count.max(1),
                    Some('K') if count == 2 => lines[row].clear(),
                    Some('K') => lines[row].truncate(column),
                    Some('J') => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    _ => (),
                }
                lines.resize(lines.len().max(row + 1), Vec::new());
            }
            other => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = other;
                column += 1;
            }
        }
    }
    lines.into_iter().map(String::from_iter).collect()
}
