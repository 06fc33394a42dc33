//! The walls: which parts of the crate and which rooms of the domain may use which, what the domain may not touch, no
//! circles, one name for one type.
//!
//! The tables are those of the documentation, in `src/lib.rs` and `src/domain/mod.rs`: what they say is what is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::paths::{self, Segments, Source};
use super::{root, sources};

/// Every module of the crate, by its path, without those that are for tests alone.
pub type Tree = BTreeMap<Segments, Source>;

/// Parts of the standard library and crates by which code leaves the program, or asks what time it is.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::io",
    "std::thread",
    "std::os",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
];

/// The places that touch the world outside of `files` and `aws`, each with its reason.
const PLACES: &[(&str, &str, &str)] = &[
    ("std::fs", "crate::files", "it is the world on disk"),
    (
        "std::fs",
        "crate::aws::settings",
        "reads the bundle of certificates that `AWS_CA_BUNDLE` names",
    ),
    ("std::fs", "crate::run::demo", "writes the example"),
    (
        "std::fs",
        "crate::run::interrupt",
        "removes the empty folder of a scan that was interrupted",
    ),
    (
        "std::thread",
        "crate::run::interrupt",
        "waits for Ctrl-C beside a scan",
    ),
    (
        "std::fs",
        "crate::run::scan_paths",
        "looks whether the sources are there, and makes the folders of `--save` and `--cache`",
    ),
    (
        "std::env",
        "crate::run::session",
        "reads the settings of AWS that the environment holds",
    ),
    (
        "std::env",
        "crate::run::cleanup::apply",
        "looks whether a CI system runs it, where a journal goes with the runner",
    ),
    (
        "std::env",
        "crate::run::environment",
        "reads the environment that the settings of AWS come from",
    ),
    (
        "std::time::SystemTime",
        "crate::aws::accounts",
        "credentials have an end",
    ),
    (
        "jiff::Timestamp::now",
        "crate::run::scan_plan",
        "the one place that asks what time it is",
    ),
];

/// Type names that may be used twice, each for a reason.
const SHARED: &[&str] = &[];

/// Reads all modules of a folder of sources.
pub fn tree() -> Tree {
    let src = root().join("src");
    let mut tree = Tree::new();
    let mut tests: BTreeSet<Segments> = BTreeSet::new();
    for file in sources(&src) {
        let inside = file.strip_prefix(&src).unwrap().with_extension("");
        let (inside, package) = match inside.strip_prefix("trail") {
            Ok(inside) => (inside.to_owned(), paths::ROOMS_OF_PACKAGE),
            Err(_) => (inside, &["crate"][..]),
        };
        let mut module: Segments = package.iter().map(|part| (*part).to_owned()).collect();
        module.extend(
            inside
                .iter()
                .map(|part| part.to_string_lossy().into_owned()),
        );
        if matches!(module.last().unwrap().as_str(), "mod" | "lib") {
            module.pop();
        }
        // The package's own root declares its rooms and nothing else.
        if module[1..] == ["main"] || package.len() > 1 && module.len() == package.len() {
            continue;
        }
        let path: Vec<&str> = module.iter().map(String::as_str).collect();
        let source = paths::read(&fs::read_to_string(&file).unwrap(), &path, package);
        let below = |name: &String| module.iter().cloned().chain([name.clone()]).collect();
        tests.extend(source.test_modules.iter().map(below));
        tree.insert(module, source);
    }
    tree.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    tree
}

/// The rows of a table in a file's documentation: names in its first column, and those in its last.
pub fn table(file: &str, heading: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let quoted = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let (_, rows) = text
        .split_once(heading)
        .unwrap_or_else(|| panic!("{file} has no table `{heading}`"));
    let mut table = BTreeMap::new();
    for row in rows
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("//! |"))
        .skip(1)
    {
        let cells: Vec<&str> = row.split('|').collect();
        for name in quoted(cells[0]) {
            table.insert(name, quoted(cells[2]));
        }
    }
    table
}

/// The parts of the crate and what each may use.
pub fn layers() -> BTreeMap<String, Vec<String>> {
    table("src/lib.rs", "//! | Module | Holds | May use |")
}

/// The rooms of the domain and what each may use.
pub fn rooms() -> BTreeMap<String, Vec<String>> {
    table("src/domain/mod.rs", "//! | Room | Holds | May use |")
}

/// Uses below one folder (`crate`, or `crate::domain`) that its table does not allow.
pub fn directions(
    tree: &Tree,
    folder: &[&str],
    table: &BTreeMap<String, Vec<String>>,
) -> BTreeSet<String> {
    let part = |path: &Segments| -> Option<String> {
        let inside =
            path.len() > folder.len() && folder.iter().zip(path).all(|(one, other)| one == other);
        inside.then(|| path[folder.len()].clone())
    };
    let mut wrong = BTreeSet::new();
    for (module, source) in tree {
        let Some(own) = part(module) else {
            continue;
        };
        let Some(allowed) = table.get(&own) else {
            wrong.insert(format!("`{own}` has no row in the table"));
            continue;
        };
        for path in source.paths.iter().chain(&source.globs) {
            let used = part(path);
            let is_whole = used.is_none()
                && path.len() == folder.len()
                && path.iter().zip(folder).all(|(a, b)| a == b);
            if is_whole && !allowed.iter().any(|name| name == "all") {
                wrong.insert(format!(
                    "{}: imports the whole of `{}`",
                    module.join("::"),
                    path.join("::")
                ));
            }
            let Some(used) = used else {
                continue;
            };
            let fits = used == own || allowed.iter().any(|name| *name == used || name == "all");
            if !fits {
                wrong.insert(format!(
                    "{}: `{own}` may not use `{used}` ({})",
                    module.join("::"),
                    path.join("::")
                ));
            }
        }
    }
    wrong
}

/// Uses of the world outside of its places. The domain has none, and is not async.
pub fn worldly(tree: &Tree) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for (module, source) in tree {
        let name = module.join("::");
        let in_domain = module.get(1).is_some_and(|part| part == "domain");
        if in_domain && source.is_async {
            wrong.insert(format!("{name}: async"));
        }
        for path in source.paths.iter().chain(&source.globs) {
            let path = path.join("::").replace("core::", "std::");
            let within = |word: &str| path == word || path.starts_with(&format!("{word}::"));
            let is_all = source.globs.iter().any(|glob| glob.join("::") == "std");
            for word in WORLD {
                let guarded = in_domain
                    || matches!(*word, "std::fs" | "std::net" | "std::env")
                    || word.ends_with("::now")
                    || *word == "std::time::SystemTime";
                let has_place = PLACES.iter().any(|(what, place, _)| {
                    what == word && (name == *place || name.starts_with(&format!("{place}::")))
                });
                let allowed = has_place && !in_domain;
                if guarded && !allowed && (within(word) || is_all) {
                    wrong.insert(format!("{name}: {path}"));
                }
            }
        }
    }
    wrong
}

/// Modules that use each other in a circle, below one part of the crate. That a module uses its parent is no circle: it
/// is a part of it.
pub fn circles(tree: &Tree) -> BTreeSet<String> {
    let mut arrows: BTreeMap<&Segments, BTreeSet<&Segments>> = BTreeMap::new();
    for (module, source) in tree {
        for path in source.paths.iter().chain(&source.globs) {
            let target = (2..=path.len())
                .rev()
                .find_map(|length| tree.get_key_value(&path[..length]));
            if let Some((target, _)) = target
                && target != module
                && !module.starts_with(target)
            {
                arrows.entry(module).or_default().insert(target);
            }
        }
    }
    let reach = |from: &Segments| -> BTreeSet<&Segments> {
        let mut open: Vec<&Segments> = arrows.get(from).into_iter().flatten().copied().collect();
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(arrows.get(next).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&Segments, BTreeSet<&Segments>> =
        tree.keys().map(|module| (module, reach(module))).collect();
    let mut wrong = BTreeSet::new();
    for (module, seen) in &reached {
        if seen.contains(module) {
            let with = seen
                .iter()
                .filter(|other| reached[**other].contains(module));
            let with: Vec<String> = with.map(|other| other.join("::")).collect();
            wrong.insert(with.join(", "));
        }
    }
    wrong
}

/// Type names that more than one place defines.
pub fn shared(tree: &Tree) -> BTreeSet<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (module, source) in tree {
        for name in &source.types {
            places.entry(name).or_default().push(module.join("::"));
        }
    }
    places
        .into_iter()
        .filter(|(name, places)| places.len() > 1 && !SHARED.contains(name))
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect()
}

fn none() -> BTreeSet<String> {
    BTreeSet::new()
}

#[test]
fn every_part_uses_only_what_the_map_allows() {
    assert_eq!(directions(&tree(), &["crate"], &layers()), none());
}

#[test]
fn every_room_uses_only_what_the_table_allows() {
    assert_eq!(directions(&tree(), &["crate", "domain"], &rooms()), none());
}

#[test]
fn the_rooms_stand_in_an_order() {
    let rooms = rooms();
    let mut open: BTreeMap<_, _> = rooms.clone();
    while let Some(room) = open
        .keys()
        .find(|room| !open[*room].iter().any(|used| open.contains_key(used)))
        .cloned()
    {
        open.remove(&room);
    }
    assert_eq!(
        open,
        BTreeMap::new(),
        "these rooms may use each other in a circle"
    );
}

#[test]
fn the_world_is_touched_in_its_places_alone() {
    assert_eq!(worldly(&tree()), none());
}

#[test]
fn every_place_that_may_touch_the_world_does() {
    let tree = tree();
    let is_used = |what: &str, place: &str| {
        let begins = |path: &Segments, with: &str| {
            let path = path.join("::");
            path == with || path.starts_with(&format!("{with}::"))
        };
        tree.iter().any(|(module, source)| {
            begins(module, place) && source.paths.iter().any(|path| begins(path, what))
        })
    };
    let idle = PLACES
        .iter()
        .filter(|(what, place, _)| !is_used(what, place));
    assert_eq!(idle.collect::<Vec<_>>(), Vec::<&(&str, &str, &str)>::new());
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    assert_eq!(circles(&tree()), none());
}

#[test]
fn one_name_means_one_type() {
    assert_eq!(shared(&tree()), none());
}
