//! Plain words: what a user reads is present-day English, with one name for one thing.

use std::fs;

use proc_macro2::{TokenStream, TokenTree};

use super::{code, root, sources};

/// Words and phrases that were replaced and must not come back, each with what to write instead.
const REPLACED: &[(&str, &str)] = &[
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("mending", "fixing"),
    ("dear", "expensive"),
    ("dearer", "more expensive"),
    ("dearest", "most expensive"),
    ("needless", "avoidable"),
    ("heard", "seen, received"),
    ("told", "recorded, shown"),
    ("tells of", "shows"),
    ("speaks of", "covers, mentions"),
    ("speaks for", "supports"),
    ("speaks against", "contradicts"),
    ("in vain", "without success, denied"),
    ("a look", "a review"),
    ("looked at", "reviewed, scanned"),
    ("can go", "can be deleted"),
    ("goes with", "is deleted with"),
    ("stands in", "is in"),
    ("take back", "restore, remove"),
    ("taken back", "restored, removed"),
    ("takes back", "restores, removes"),
    ("took it back", "restored it"),
    ("gone for good", "deleted for good"),
    ("by what could be read", "in the events that could be read"),
    ("nobody knows", "is not known"),
    ("nobody can say", "is not known"),
    ("seldom", "rarely"),
    ("anew", "again"),
    ("whoever", "anybody who"),
    ("besides", "also"),
    ("promised", "found, could be saved"),
    ("realised", "saved"),
    ("go on at", "continue at"),
    ("nobody makes", "nobody creates"),
];

/// Texts in which the words are names in a file format, or text of this list's kind.
const ALLOWED: &[&str] = &["dearer"];

#[test]
fn what_a_user_reads_has_no_word_that_was_replaced() {
    let mut found = Vec::new();
    for (place, text) in read_by_users() {
        for (word, instead) in REPLACED {
            if has(&text, word) && !ALLOWED.contains(&text.as_str()) {
                found.push(format!("{place}: `{word}` (write: {instead}) in {text:?}"));
            }
        }
    }
    assert_eq!(found, [""; 0], "{}", found.join("\n"));
}

#[test]
fn the_search_sees_whole_words_in_any_case() {
    assert!(has("Mend it", "mend"));
    assert!(has("to be (mended).", "mended"));
    assert!(has("over two\n lines stands  in it", "stands in"));
    assert!(!has("recommended, amend", "mend"));
    let literals = literals(
        r#"/// a doc told
        #[expect(x, reason = "told")] const A: &str = "said"; fn f() { format!("b {}", "c") }"#,
    );
    assert_eq!(literals, ["said", "b {}", "c"]);
}

/// Texts with the places where they are: the documents, and the literals of the code.
fn read_by_users() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for document in [
        "README.md",
        "reports/cleanup.md",
        "reports/method.md",
        "reports/settings.md",
        "reports/examples/README.md",
        "reports/examples/ecs.md",
        "reports/examples/lambda.md",
    ] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        // What the program printed there comes from the literals of the code.
        let own = text.split("```").enumerate();
        let own = own.filter(|(place, part)| place % 2 == 0 || !part.starts_with("text"));
        texts.extend(own.flat_map(|(_, part)| {
            part.lines()
                .map(|line| (document.to_owned(), line.to_owned()))
        }));
    }
    for file in sources(&root().join("src")) {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        if name.contains("tests") {
            continue;
        }
        let found = if name.starts_with("src/cli/") {
            help(&fs::read_to_string(&file).unwrap())
        } else {
            literals(&code(&file))
        };
        texts.extend(found.into_iter().map(|text| (name.clone(), text)));
    }
    let page = root().join("src/report/page");
    let html = fs::read_to_string(page.join("page.html")).unwrap();
    let visible = html
        .split(['<', '{'])
        .filter_map(|piece| Some(piece.split_once(['>', '}'])?.1));
    texts.extend(visible.map(|text| ("page.html".to_owned(), text.to_owned())));
    let js = fs::read_to_string(page.join("page.js")).unwrap();
    let lines = js
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    texts.extend(lines.map(|line| ("page.js".to_owned(), line.to_owned())));
    texts
}

/// The string literals of code: not doc comments, and not the reasons given to lints.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(code.parse().unwrap(), &["doc", "reason"], &mut found);
    found
}

/// The literals and doc comments of the command line: its help is made of them.
fn help(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(code.parse().unwrap(), &["reason"], &mut found);
    found
}

fn walk(tokens: TokenStream, ignored: &[&str], found: &mut Vec<String>) {
    let mut name = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => walk(group.stream(), ignored, found),
            TokenTree::Ident(ident) => name = ident.to_string(),
            TokenTree::Punct(_) => (),
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                    && !ignored.contains(&name.as_str())
                {
                    found.push(text.value());
                }
                name.clear();
            }
        }
    }
}

/// Returns whether a text has these words one after another.
fn has(text: &str, words: &str) -> bool {
    let plain: String = text
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || letter == '_' {
                letter
            } else {
                ' '
            }
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(" {plain} ").contains(&format!(" {words} "))
}
