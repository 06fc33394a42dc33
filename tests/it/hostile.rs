//! Text that other people chose, in every place where it can stand, through the whole program: it arrives as text.
//!
//! Names, descriptions, tags, role names, sessions, user agents and error messages are written by whoever may call AWS. A
//! spreadsheet would run a cell, a terminal would obey an escape sequence, a browser would run a script.

use std::sync::LazyLock;

use serde_json::json;

use crate::world::*;

/// The texts that hostile people write, each in each place below.
const HOSTILE: &[&str] = &[
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u{feff}=1+1",
    "\u{200b}=1+1",
    "\u{ff1d}1+1",
    "\"=1+1\"",
    "a\",\"=1+1",
    "two\nlines\r\nand\u{2028}three\u{85}four",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{8}\u{7f}",
    "\u{202e}txt.exe\u{2066}\u{2069}",
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "'\"><svg/onload=alert(4)>",
    "{{ 7*7 }}{% raw %}",
    "]]>&lt;&amp;",
    "{0} %s %n $(id) `id` ${HOME}",
];

/// The texts of [`HOSTILE`] and a very long one.
fn texts() -> Vec<String> {
    let long = format!(
        "={}",
        "long\u{301}\u{1b}<script>alert(5)</script> ".repeat(60)
    );
    let all = HOSTILE.iter().map(|text| (*text).to_owned());
    all.chain([long]).collect()
}

/// One scan in which every text stands in every place.
static SCAN: LazyLock<Scan> = LazyLock::new(|| {
    let mut world = World::new()
        .policy("[owner]\ntags = [\"owner\"]\n[loops]\nmin_avoidable_usd = \"0.000001\"\n");
    for (number, text) in texts().iter().enumerate() {
        let suffix = format!("Ab{number:04}");
        // A read name and an idle one, so that the text stands in lists of deletions and of readers.
        let tagged = |secret: Secret| {
            secret
                .suffix(&suffix)
                .set("Description", json!(text))
                .tag("owner", text)
                .tag(text, text)
                .tag("aws:cloudformation:stack-name", text)
        };
        world = world
            .secret(tagged(idle(&format!("{text}{number}"))))
            .secret(tagged(idle(text)).set("RotationLambdaARN", json!(text)))
            .secret(idle(&format!("{text}/gone/{number}")).suffix(&suffix));
        let by = role(text, text);
        let name = format!("{text}{number}");
        let read = get(&name).by(by.clone()).agent(text).via(text);
        world = world
            .calls(read.clone().days(3).every(20, 400))
            .call(read.clone().error(text, text))
            .call(describe(text).by(by.clone()).agent(text))
            .call(call(text, &name).by(by.clone()))
            .call(
                denied("GetSecretValue", text, &format!("because {text}"))
                    .by(by.clone())
                    .agent(text),
            )
            .calls(
                get(&format!("{text}/missing"))
                    .by(by)
                    .agent(text)
                    .error("ResourceNotFoundException", text)
                    .every(60, 50),
            );
    }
    // It stays for the whole run, so it does not belong into memory.
    let folder = tempfile::tempdir().unwrap();
    world.write(folder.path());
    let scan = world.scan_in(folder);
    assert!(matches!(scan.code, 0 | 3), "{} {}", scan.code, scan.stderr);
    scan
});

const TABLES: &[&str] = &["secrets.csv", "readers.csv", "findings.csv", "summary.csv"];

#[test]
fn the_texts_are_all_there() {
    let secrets = SCAN.report["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 3 * texts().len());
    for text in texts() {
        let name = SCAN.secret(&text);
        assert_eq!(name["description"], text, "programs get the text as it is");
        assert_eq!(name["owner"], text);
    }
    for code in ["failing-reads", "missing-secret"] {
        assert!(!SCAN.findings(code).is_empty(), "{code}");
    }
    assert!(!SCAN.loops().is_empty());
}

#[test]
fn a_table_has_one_line_a_record_and_no_cell_starts_a_formula() {
    for file in TABLES {
        let text = SCAN.file(file);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().unwrap().len();
        let mut records = 0;
        for record in reader.records() {
            let record = record.unwrap();
            assert_eq!(record.len(), columns, "{file}: {record:?}");
            records += 1;
            for cell in &record {
                let number = cell.strip_prefix('-').is_some_and(|rest| {
                    rest.bytes()
                        .all(|byte| byte.is_ascii_digit() || byte == b'.')
                });
                let shown = cell.trim_start_matches([' ', '\u{feff}', '\u{200b}']);
                let starts =
                    shown.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}']);
                assert!(number || !starts, "{file} has the cell {cell:?}");
                let steers = cell.chars().find(|letter| {
                    letter.is_control()
                        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                });
                assert_eq!(steers, None, "{file} has the cell {cell:?}");
            }
        }
        assert_eq!(
            text.lines().count(),
            records + 1,
            "{file}: one line a record"
        );
        assert!(records > 1 && !text.contains('\r'), "{file}");
    }
    assert_eq!(SCAN.csv("secrets.csv").len(), 3 * texts().len());
}

/// Returns what a terminal would obey, or show in another order than it stands.
fn steering(text: &str) -> Option<char> {
    text.chars().find(|&letter| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
    })
}

#[test]
fn the_terminal_gets_nothing_to_obey() {
    for (name, text) in [("stdout", &SCAN.stdout), ("stderr", &SCAN.stderr)] {
        assert_eq!(steering(text), None, "{name}");
    }
    let out = SCAN.path();
    for args in [
        ["report", "out", "--format", "text"].as_slice(),
        &["plan", "out", "--out", "plan.csv", "--now", NOW],
    ] {
        let output = program(&out, args);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!text.is_empty(), "{args:?}");
        assert_eq!(steering(&text), None, "{args:?}: {text}");
    }
    for line in SCAN.stdout.lines() {
        let columns = line.chars().count();
        assert!(columns <= 80, "{columns} columns: {line}");
    }
}

#[test]
fn an_error_message_does_not_pass_on_what_a_file_says() {
    for policy in [
        "idle = \"\\u001b]0;owned\\u0007\"\n",
        "idle = \"\u{1b}]0;owned\u{7}\"\n",
        "\"\\u001b[31m\" = 1\n",
        "[[mute]]\ncode = \"\\u202e\"\nreason = \"x\"\nuntil = \"\\u001b\"\n",
        "idle = \"\u{202e}\"\n",
    ] {
        let scan = World::new().secret(idle("db")).policy(policy).scan();
        assert_eq!(scan.code, 1, "{policy:?}: {}", scan.stderr);
        assert_eq!(steering(&scan.stderr), None, "{:?}", scan.stderr);
    }
    let scan = World::new()
        .secret(idle("db"))
        .file("trail/\u{1b}[31mred.json", "{\"Records\":[{")
        .scan();
    assert_eq!(scan.code, 3);
    assert!(scan.stdout.contains("red.json"), "{}", scan.stdout);
    for text in [&scan.stdout, &scan.stderr] {
        assert_eq!(steering(text), None, "{text:?}");
    }
    let none = World::new()
        .file("inventory/\u{1b}[31mred.json", "hello")
        .scan();
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("red.json"), "{}", none.stderr);
    assert_eq!(steering(&none.stderr), None, "{:?}", none.stderr);
    let folder = crate::scratch::tempdir().unwrap();
    let output = program(folder.path(), &["report", "\u{1b}[31mnowhere"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(steering(&text), None, "{text:?}");
}

#[test]
fn the_page_runs_nothing_that_others_wrote() {
    let page = SCAN.file("report.html");
    for bait in [
        "<script>alert",
        "<img src=x",
        "<svg/onload",
        "\u{1b}",
        "\u{202e}",
    ] {
        assert!(!page.contains(bait), "{bait:?} stands in the page as it is");
    }
    assert!(page.contains("alert(1)"), "the text itself is there");
}
