//! An error says what went wrong, and on a line of its own what to do about it: `help: ...`, for every error with a way out.

use std::process::Command;

use crate::world::*;

/// Returns what is printed for a command that fails in this folder.
fn failure(folder: &std::path::Path, args: &str) -> String {
    let args: Vec<&str> = args.split_whitespace().collect();
    let output = program(folder, &args);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_error_with_a_way_out_says_it_on_a_line_of_its_own() {
    let folder = World::new()
        .secrets([idle("a/db"), idle("a/key")])
        .scan()
        .into_folder();
    let here = folder.path();
    std::fs::write(here.join("other.csv"), "a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n").unwrap();
    for (name, text) in [
        ("cut.json", "{\"format\": 1"),
        ("other.json", "{}"),
        ("later.json", "{\"format\": 1000000}"),
        ("empty.json", "{\"format\": 1}"),
    ] {
        std::fs::write(here.join(name), text).unwrap();
    }
    assert!(program(here, &["plan", "out"]).status.success());
    let sources = "--inventory inventory --trail trail --now 2026-11-01T00:00:00Z";
    for (args, what, help) in [
        (
            "report nowhere",
            "holds no finished scan",
            "run `secretsweep scan` first",
        ),
        (
            "report .",
            "holds no finished scan",
            "did you mean `./out`?",
        ),
        (
            "report out --only zzz*",
            "none of the 2 secrets",
            "check `--only` and `--exclude`",
        ),
        (
            "explain a/ --scan out",
            "may be one of 2 secrets",
            "type more of the name, or the ARN",
        ),
        (
            "explain a/kee --scan out",
            "there is no secret `a/kee`",
            "did you mean `a/key`?",
        ),
        (
            "reader zzzzzz --scan out",
            "there is no reader `zzzzzz`",
            "readers.csv lists all readers",
        ),
        (
            "rules hot-loops",
            "there is no rule or finding",
            "did you mean `hot-loop`?",
        ),
        (
            "plan out",
            "there is a plan",
            "name another file with `--out FILE`",
        ),
        (
            "review out/plan.csv",
            "`review` needs a terminal",
            "edit the `decision` column",
        ),
        (
            "status out/plan.csv",
            "there is no journal",
            "name it with `--journal FILE`",
        ),
        (
            "restore nowhere.csv",
            "is neither a plan file nor an ARN",
            "name the plan that was applied",
        ),
        (
            "apply --execute",
            "none is named",
            "name it: `secretsweep apply PLAN --execute`",
        ),
        (
            "trend .",
            "none of a calendar month",
            "scan with `--month YYYY-MM",
        ),
        (
            "report cut.json",
            "it is not JSON",
            "scan again, or take the folder from a backup",
        ),
        (
            "report other.json",
            "it has no `format` number",
            "name the folder that `secretsweep scan` wrote",
        ),
        (
            "report later.json",
            "its format is 1000000",
            "install a newer secretsweep",
        ),
        (
            "report empty.json",
            "it is not a valid report",
            "scan again, or take the folder from a backup",
        ),
        ("compare", "there is no", "name the folders of two scans"),
        ("man scan now", "has no command `now`", "`secretsweep man`"),
        (
            "demo out",
            "holds something other than the example",
            "name an empty or a new folder",
        ),
        (
            "scan --inventory inventory",
            "`--inventory` needs a trail",
            "name one with `--trail PATH`",
        ),
        (
            "scan --inventory nope --trail trail",
            "there is no such file",
            "check the spelling",
        ),
        (
            "scan --inventory inventory --no-trail --out out",
            "holds another scan",
            "or replace that scan with `--overwrite`",
        ),
        (
            &format!("scan {sources} --month 2027-01"),
            "has not begun",
            "name a month that has begun",
        ),
        (
            &format!("scan {sources} --prices from-bill --out x"),
            "none is named",
            "name one with `--bill`",
        ),
        (
            &format!("scan {sources} --bill other.csv --out y"),
            "it has no column for the cost",
            "`--bill` takes a Cost and Usage Report",
        ),
    ] {
        let said = failure(here, args);
        let lines: Vec<&str> = said.lines().collect();
        let place = lines.iter().position(|line| line.starts_with("error: "));
        let error = place.unwrap_or_else(|| panic!("{args}: {said}"));
        assert!(lines[error].contains(what), "{args}: {said}");
        assert!(!lines[error].contains(help), "{args} says it twice: {said}");
        let helps: Vec<&&str> = lines
            .iter()
            .filter(|line| line.starts_with(" help: "))
            .collect();
        assert_eq!(helps.len(), 1, "{args}: {said}");
        assert!(helps[0].contains(help), "{args}: {said}");
    }
}

#[test]
fn an_error_is_as_wide_as_the_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        return;
    }
    let folder = World::new().secrets([idle("a")]).scan().into_folder();
    let columns = (1..40)
        .map(|at| format!("a_rather_long_column_{at}"))
        .collect::<Vec<_>>()
        .join(",");
    std::fs::write(folder.path().join("other.csv"), columns + "\n").unwrap();
    for columns in [60, 80, 100] {
        let program = env!("CARGO_BIN_EXE_secretsweep");
        let line = format!(
            "stty rows 24 cols {columns} && exec {program} --color never scan --inventory inventory --trail trail \
             --bill other.csv --out x"
        );
        let output = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(folder.path())
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let error = said.split_once("error: ").unwrap().1;
        for line in error.lines() {
            assert!(line.chars().count() <= columns, "{columns}: {line}\n{said}");
        }
    }
}
