//! The architecture, as tests: walls between parts and rooms, the SDK's place, module docs, the manual's tables.
//!
//! What is forbidden by name (reading a value, deleting without recovery, reading the clock) stands in `.clippy.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod paths;
mod planted;
mod walls;
mod words;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The part of the crate that a file belongs to: `src/domain/names.rs` and `src/domain.rs` are `domain`, and so is the package
/// that reads trails.
fn part(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.iter().next().unwrap().to_string_lossy();
    match first.trim_end_matches(".rs") {
        "trail" => "domain".to_owned(),
        part => part.to_owned(),
    }
}

/// The code of a file without comments, so that a link in a doc comment is no dependency, and without its tests, which
/// may borrow what they need.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_map_of_the_code_names_what_is_there() {
    let src = root().join("src");
    let parts: BTreeSet<String> = sources(&src)
        .iter()
        .map(|file| part(file))
        .filter(|part| !matches!(part.as_str(), "lib" | "main"))
        .collect();
    assert_eq!(walls::layers().into_keys().collect::<BTreeSet<_>>(), parts);
    let domain = fs::read_to_string(src.join("domain/mod.rs")).unwrap();
    let package = fs::read_to_string(src.join("trail/lib.rs")).unwrap();
    let rooms: BTreeSet<String> = domain
        .lines()
        .chain(package.lines())
        .filter_map(|line| {
            Some(
                line.strip_prefix("pub mod ")?
                    .trim_end_matches(';')
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(walls::rooms().into_keys().collect::<BTreeSet<_>>(), rooms);
}

/// Each invariant of `src/lib.rs` names the tests that keep it, and they are there.
#[test]
fn every_invariant_has_its_tests() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let (_, list) = lib.split_once("//! # Invariants").unwrap();
    let list: Vec<&str> = list
        .lines()
        .map_while(|line| line.strip_prefix("//!").or((line.is_empty()).then_some("")))
        .collect();
    let list = list.join(" ");
    let mut wrong = Vec::new();
    let mut number = 1;
    while let Some((_, from)) = list.split_once(&format!(" {number}. ")) {
        let item = from
            .split_once(&format!(" {}. ", number + 1))
            .map_or(from, |(item, _)| item);
        let tests: Vec<&str> = item
            .split_once("Test: ")
            .map(|(_, tests)| tests.split('`').skip(1).step_by(2).collect())
            .unwrap_or_default();
        if tests.is_empty() {
            wrong.push(format!("{number} names no test"));
        }
        wrong.extend(
            tests
                .iter()
                .filter(|test| !is_a_test(test))
                .map(|test| format!("{number}: no test `{test}`")),
        );
        number += 1;
    }
    assert!(number > 7, "the list of invariants cannot be read");
    assert_eq!(wrong, [""; 0]);
}

/// Returns whether the integration tests have a test of this path.
fn is_a_test(path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").unwrap();
    let file = root().join("tests/it").join(module.replace("::", "/"));
    let file = [file.with_extension("rs"), file.join("mod.rs")]
        .into_iter()
        .find(|file| file.exists());
    file.is_some_and(|file| {
        let text = fs::read_to_string(file).unwrap();
        let (before, _) = text.split_once(&format!("fn {name}(")).unwrap_or_default();
        before.rsplit("\n}").next().unwrap().contains("test")
    })
}

/// The SDK's methods that return a value are forbidden by name.
#[test]
fn no_code_can_read_a_value() {
    let lints = fs::read_to_string(root().join(".clippy.toml")).unwrap();
    for method in ["get_secret_value", "batch_get_secret_value"] {
        let path = format!("\"aws_sdk_secretsmanager::Client::{method}\"");
        assert!(lints.contains(&path), "{path} is not forbidden");
    }
}

#[test]
fn only_aws_names_the_sdk() {
    let named = |file: &PathBuf| {
        let code = code(file);
        [
            "aws_sdk_",
            "aws_config",
            "aws_smithy",
            "aws_types",
            "aws_credential",
        ]
        .iter()
        .any(|word| code.contains(word))
    };
    let found: Vec<_> = sources(&root().join("src"))
        .into_iter()
        .filter(|file| part(file) != "aws" && named(file))
        .collect();
    assert_eq!(found, Vec::<PathBuf>::new());
}

/// Three walls: the builder's methods are forbidden by name, nothing but the gate and the policy names the parameter, and
/// the gate refuses a request that holds it (a test of its own). This is the first two.
#[test]
fn no_code_can_ask_for_a_deletion_without_recovery() {
    let lints = fs::read_to_string(root().join(".clippy.toml")).unwrap();
    for builder in ["DeleteSecretFluentBuilder", "DeleteSecretInputBuilder"] {
        for method in [
            "force_delete_without_recovery",
            "set_force_delete_without_recovery",
        ] {
            let path = format!("delete_secret::builders::{builder}::{method}");
            assert!(lints.contains(&path), "{path} is not forbidden");
        }
    }
    let with = |word: &str| -> Vec<String> {
        let src = root().join("src");
        sources(&src)
            .into_iter()
            .filter(|file| !file.ends_with("tests.rs") && code(file).contains(word))
            .map(|file| file.strip_prefix(&src).unwrap().display().to_string())
            .collect()
    };
    assert_eq!(with("force_delete"), [""; 0]);
    assert_eq!(
        with("ForceDeleteWithoutRecovery"),
        ["aws/gate.rs", "domain/iam.rs"]
    );
    // Whoever silences the list is looked at: these two read the clock.
    assert_eq!(
        with("clippy::disallowed_methods"),
        ["aws/accounts.rs", "run/scan_plan.rs"]
    );
}

#[test]
fn only_the_terminal_writes_to_stdout_and_stderr() {
    let words = [
        "io::stdout",
        "io::stderr",
        "anstream::stdout",
        "anstream::stderr",
    ];
    let found: Vec<_> = sources(&root().join("src"))
        .into_iter()
        .filter(|file| part(file) != "term" && words.iter().any(|word| code(file).contains(word)))
        .collect();
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn every_module_says_what_it_is() {
    let silent: Vec<_> = [root().join("src"), root().join("tests")]
        .iter()
        .flat_map(|folder| sources(folder))
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//!"))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let declared: BTreeSet<String> = main
        .lines()
        .filter_map(|line| {
            Some(
                line.trim()
                    .strip_prefix("mod ")?
                    .trim_end_matches(';')
                    .to_owned(),
            )
        })
        .collect();
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(root().join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        let is_module = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("mod.rs").exists();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if is_module && name != "main" {
            there.insert(name);
        }
    }
    assert_eq!(declared, there);
}

#[test]
fn nothing_is_left_unfinished() {
    let words = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("dbg", "!("),
    ];
    let mut found = Vec::new();
    for file in [root().join("src"), root().join("tests")]
        .iter()
        .flat_map(|folder| sources(folder))
    {
        let text = fs::read_to_string(&file).unwrap();
        found.extend(
            words
                .iter()
                .filter(|word| text.contains(**word))
                .map(|word| format!("{}: {word}", file.display())),
        );
    }
    assert_eq!(found, [""; 0]);
}

/// The rows of the README's table after a heading, as their first cells.
fn table(heading: &str) -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, after) = readme
        .split_once(heading)
        .unwrap_or_else(|| panic!("README.md has no `{heading}`"));
    after
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            line.split('|')
                .nth(1)
                .unwrap()
                .trim()
                .trim_matches('`')
                .to_owned()
        })
        .collect()
}

/// A README is read; what is looked up stands in `reports`.
#[test]
fn the_readme_is_short_and_its_links_lead_somewhere() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(
        readme.lines().count() < 250,
        "{} lines",
        readme.lines().count()
    );
    for document in [
        "README.md",
        "reports/settings.md",
        "reports/method.md",
        "reports/examples/README.md",
        "reports/examples/ecs.md",
        "reports/examples/lambda.md",
    ] {
        let file = root().join(document);
        let text = fs::read_to_string(&file).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap();
            let is_here = !link.starts_with("https://") && !path.is_empty();
            assert!(
                !is_here || file.parent().unwrap().join(path).exists(),
                "{document}: {link}"
            );
        }
    }
}

#[test]
fn the_readme_lists_every_rule_in_order() {
    let rules: Vec<_> = secretsweep::domain::judging::rules::RULES
        .iter()
        .map(|rule| rule.code.to_string())
        .collect();
    assert_eq!(table("### Rules"), rules);
    let findings: Vec<_> = secretsweep::domain::base::finding_kinds::FINDINGS
        .iter()
        .map(|finding| finding.code.to_string())
        .collect();
    assert_eq!(table("### Findings"), findings);
}

#[test]
fn codes_are_unique_and_kebab_case() {
    let rules = secretsweep::domain::judging::rules::RULES
        .iter()
        .map(|rule| rule.code.as_str());
    let codes: Vec<&str> = rules
        .chain(
            secretsweep::domain::base::finding_kinds::FINDINGS
                .iter()
                .map(|kind| kind.code.as_str()),
        )
        .collect();
    let distinct: BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len());
    let fits = |code: &str| {
        code.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    assert!(codes.iter().all(|code| fits(code)), "{codes:?}");
}
