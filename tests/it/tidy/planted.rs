//! The test of the walls: violations of each kind, planted as source text, are reported.

use std::collections::BTreeMap;

use super::paths;
use super::walls::{self, Tree};

/// A tree of modules from their paths and texts.
fn tree(files: &[(&str, &str)]) -> Tree {
    let read = |(path, text): &(&str, &str)| {
        let module: Vec<&str> = path.split("::").collect();
        let source = paths::read(text, &module, &["crate"]);
        (
            module.iter().map(|part| (*part).to_owned()).collect(),
            source,
        )
    };
    files.iter().map(read).collect()
}

/// Code planted in a file of the domain.
fn planted(text: &str) -> Tree {
    tree(&[("crate::domain::inventory::tags", text)])
}

#[test]
fn a_use_of_a_layer_above_is_seen_however_it_is_written() {
    for text in [
        "use crate::run;",
        "use crate::{run::scan as _, domain::base::names};",
        "use super::super::super::run::scan;",
        "use super::{super::{super::{run}}};",
        "use crate as x; fn f() { x::run::scan::run() }",
        "use crate::{self as x}; use x::run::scan;",
        "use self::super::super::super::run::scan;",
        "extern crate self as me; fn f() { me::run::scan::run() }",
        "fn f() { crate::run::scan::run() }",
        "fn f() -> crate::run::scan::Kind { todo() }",
        "fn f() { use crate::run::scan; scan::run() }",
        "fn f() { println!(\"{}\", crate::run::scan::NAME) }",
        "mod inner { use super::super::super::super::run::scan; }",
        "use crate::*;",
        "use super::super::super::*;",
        "#[cfg(not(test))] use crate::run;",
        "impl crate::run::Runs for Tag {}",
        "#[cfg(test)] use crate::aws; use crate::run;",
    ] {
        let wrong = walls::directions(&planted(text), &["crate"], &walls::layers());
        assert!(!wrong.is_empty(), "{text}");
    }
}

#[test]
fn a_use_of_a_room_above_is_seen_however_it_is_written() {
    for text in [
        "use crate::domain::judging::rules;",
        "use super::super::judging::rules;",
        "use crate::domain::{base::names, judging::rules as _};",
        "use crate::domain as d; fn f() { d::judging::rules::judge() }",
        "use super::super::*;",
    ] {
        let wrong = walls::directions(&planted(text), &["crate", "domain"], &walls::rooms());
        assert!(!wrong.is_empty(), "{text}");
    }
}

#[test]
fn a_use_of_a_room_above_is_seen_in_the_package_that_reads_trails() {
    let module = ["crate", "domain", "base", "names"];
    for text in [
        "use crate::trail::ledger;",
        "use super::super::trail::ledger;",
        "use crate::{self as x}; use x::sampling::Tally;",
    ] {
        let source = paths::read(text, &module, paths::ROOMS_OF_PACKAGE);
        let planted = Tree::from([(module.map(str::to_owned).to_vec(), source)]);
        let wrong = walls::directions(&planted, &["crate", "domain"], &walls::rooms());
        assert!(!wrong.is_empty(), "{text}");
    }
    // The program sees the package as what it is: rooms of the domain.
    let wrong = walls::directions(
        &planted("use secretsweep_trail::trail::ledger;"),
        &["crate", "domain"],
        &walls::rooms(),
    );
    assert!(!wrong.is_empty());
}

#[test]
fn a_domain_that_touches_the_world_is_seen() {
    for text in [
        "use std::fs;",
        "use std::{fmt, io};",
        "use std::{fs as f};",
        "use std as s; fn f() { s::fs::read(\"x\"); }",
        "fn f() { std::env::var(\"X\"); }",
        "fn f() { assert!(std::env::args().count() > 1) }",
        "use std::net::TcpStream;",
        "extern crate std as s; fn f() { s::process::abort() }",
        "use std::time::{Duration, Instant};",
        "use jiff::Timestamp; fn f() { Timestamp::now(); }",
        "fn f() { tokio::spawn(()); }",
        "use std::*;",
        "async fn f() {}",
        "fn f() { let x = async {}; }",
    ] {
        assert!(!walls::worldly(&planted(text)).is_empty(), "{text}");
    }
    let above = tree(&[("crate::compare", "use std::{fs, fmt};")]);
    assert_eq!(walls::worldly(&above).len(), 1);
}

#[test]
fn what_is_allowed_is_not_reported() {
    let allowed = planted(
        "use std::{collections::BTreeMap, fmt}; use super::super::base::{names::Region, self}; use super::secret::Secret; \
         fn f() { let run = 1; run.aws(); } #[cfg(test)] mod tests { use crate::run; use std::fs; }",
    );
    assert_eq!(
        walls::directions(&allowed, &["crate"], &walls::layers()).len(),
        0
    );
    assert_eq!(
        walls::directions(&allowed, &["crate", "domain"], &walls::rooms()).len(),
        0
    );
    assert_eq!(walls::worldly(&allowed).len(), 0);
}

#[test]
fn a_part_or_a_room_without_a_row_is_seen() {
    let no_row = tree(&[("crate::domain::cellar", ""), ("crate::shed", "")]);
    assert_eq!(
        walls::directions(&no_row, &["crate"], &walls::layers()).len(),
        1
    );
    assert_eq!(
        walls::directions(&no_row, &["crate", "domain"], &walls::rooms()).len(),
        1
    );
    assert_eq!(
        walls::directions(&no_row, &["crate"], &BTreeMap::new()).len(),
        2
    );
}

#[test]
fn circles_are_seen_and_a_parent_is_none() {
    let circle = tree(&[
        ("crate::run", "mod a; mod b; use a::A;"),
        (
            "crate::run::a",
            "use super::b::B; use super::Misuse; pub struct A;",
        ),
        ("crate::run::b", "fn f() { super::a::g() }"),
    ]);
    assert_eq!(walls::circles(&circle).len(), 1);
    let none = tree(&[
        ("crate::run", "mod a; use a::A;"),
        ("crate::run::a", "use super::Misuse; pub struct A;"),
    ]);
    assert_eq!(walls::circles(&none).len(), 0);
}

#[test]
fn a_name_of_two_types_is_seen() {
    let twice = tree(&[
        ("crate::run", "struct Line; enum Kind {}"),
        (
            "crate::files",
            "mod inner { pub type Line = u8; } #[cfg(test)] mod tests { struct Kind; }",
        ),
    ]);
    let shared = walls::shared(&twice);
    assert_eq!(
        shared.into_iter().collect::<Vec<_>>(),
        ["Line: crate::files, crate::run"]
    );
}
