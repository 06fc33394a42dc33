//! Text that other people wrote comes out harmless: in CSV, on the terminal, in the page.

use serde_json::json;

use crate::world::{self, World, days_ago};

/// What must not come through as it is.
const TEXTS: &[&str] = &[
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\tTab",
    "\rReturn",
    "two\nlines",
    "a \"quoted\" word, and a comma",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{9b}31m",
    "right \u{202e}to left",
    "<script>alert(1)</script>",
    "]]>--></script><img src=x onerror=alert(1)>",
];

/// A world in which every text stands wherever other people can write.
fn world() -> World {
    let mut world = World::new().heard(world::ACCOUNT, world::EAST);
    for (place, text) in TEXTS.iter().enumerate() {
        let name = format!("hostile-{place}");
        world = world.secret(
            world::idle(&name)
                .set("Name", json!(text))
                .set("Description", json!(text))
                .tag("owner", text)
                .tag(text, text),
        );
        let asked = world::denied("GetSecretValue", &name, text)
            .by(world::role(text, text))
            .agent(text)
            .at(days_ago(2));
        let missing = world::get(&format!("missing {text}"))
            .error("ResourceNotFoundException", text)
            .agent(text)
            .by(world::role(text, text));
        world = world.call(asked).calls(missing.every(20, 600));
    }
    world.secret(world::idle(&"long/".repeat(80)))
}

#[test]
fn csv_holds_one_line_a_record_and_no_formula() {
    let scan = world().scan();
    for name in ["secrets.csv", "readers.csv", "findings.csv", "summary.csv"] {
        let text = scan.file(name);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(
            records.len(),
            text.lines().count(),
            "{name}: a line is a record"
        );
        for cell in records.iter().flat_map(csv::StringRecord::iter) {
            let number = cell.parse::<f64>().is_ok();
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number;
            assert!(!formula, "{name}: {cell:?}");
            assert!(!cell.contains(char::is_control), "{name}: {cell:?}");
        }
    }
    assert!(scan.file("secrets.csv").contains("'=cmd|'/c calc'!A1"));
}

#[test]
fn the_terminal_gets_no_control_character_and_no_long_line() {
    let scan = world().scan();
    let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    for (stream, text) in [("stdout", &scan.stdout), ("stderr", &scan.stderr)] {
        assert!(!text.contains(bad), "{stream}: {text:?}");
    }
    let longest = scan.stdout.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{longest:?}");
    assert!(
        scan.stdout.contains("hostile") || scan.stdout.contains("=cmd"),
        "{}",
        scan.stdout
    );
}

#[test]
fn the_page_holds_no_markup_of_others() {
    let page = world().scan().file("report.html");
    for text in ["<script>alert", "<img src=x", "\u{1b}"] {
        assert!(!page.contains(text), "{text}");
    }
}
