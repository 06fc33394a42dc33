//! The message as Markdown of GitHub's kind, for a comment, an issue or a job summary.

use std::fmt::Write as _;

use super::{Message, TopRows};
use crate::domain::report::result::Report;
use crate::report::escape::fit;

/// The most columns of a name: a comment has a limit of 65,536 characters.
const NAME: usize = 120;
/// The most columns of a sentence.
const TEXT: usize = 800;

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    let message = Message::new(report);
    let mut text = format!("### {}\n\n{}\n\n", plain(&message.title), message.counts);
    text.push_str("| Cost per month (estimate) | |\n|---|---:|\n");
    for (label, amount) in &message.costs {
        // Writing to a String cannot fail.
        let _ = if *label == "Total" {
            writeln!(text, "| **{label}** | **{amount}** |")
        } else {
            writeln!(text, "| {label} | {amount} |")
        };
    }
    let _ = writeln!(text, "\n**{}**", message.savings);
    deletions(&mut text, &message);
    loops(&mut text, &message);
    if !message.review.is_empty() {
        text.push('\n');
    }
    for line in &message.review {
        let _ = writeln!(text, "- {}", plain(line));
    }
    let _ = writeln!(text, "\n{}", message.coverage);
    text
}

fn deletions(text: &mut String, message: &Message) {
    let list = &message.delete;
    if list.rows.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n<details open><summary>Delete {}</summary>\n\n| Saves per month | Secret | Unused for | Account and Region |\n|---:|---|---:|---|",
        crate::report::text::phrases::number(list.all as u64, "secret")
    );
    for row in &list.rows {
        let (saves, unused, scope) = (&row.saves, &row.unused, &row.scope);
        let _ = writeln!(
            text,
            "| {saves} | {} | {unused} | {scope} |",
            code(&row.name)
        );
    }
    end(text, list, "secrets.csv");
}

fn loops(text: &mut String, message: &Message) {
    let list = &message.loops;
    if list.rows.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n<details open><summary>Fix {}</summary>\n\n| Saves per month | Secret | Caller | Fix |\n|---:|---|---|---|",
        crate::report::text::phrases::number(list.all as u64, "hot loop")
    );
    for row in &list.rows {
        let (name, caller) = (code(&row.name), code(&row.caller));
        let _ = writeln!(
            text,
            "| {} | {name} | {caller} | {} |",
            row.saves,
            advice(&row.fix)
        );
    }
    end(text, list, "findings.csv");
}

fn end<T>(text: &mut String, list: &TopRows<T>, file: &str) {
    if let Some(rest) = list.rest(file) {
        let _ = writeln!(text, "\n{rest}");
    }
    text.push_str("\n</details>\n");
}

/// Text of other people as code in a cell: no link, no mention, no markup in it is carried out.
fn code(text: &str) -> String {
    let text = fit(text, NAME);
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Of a code span that begins and ends with a space, Markdown takes one away on each side.
    let space = if longest > 0 { " " } else { "" };
    // In a cell a bar ends it, also in code.
    format!("{fence}{space}{}{space}{fence}", text.replace('|', r"\|"))
}

/// Advice of ours in a cell: its backticks are code already.
fn advice(text: &str) -> String {
    fit(text, TEXT).replace('|', r"\|").replace('<', "&lt;")
}

/// Words without markup.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in fit(text, TEXT).chars() {
        match letter {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '@' => {
                plain.push('\\');
                plain.push(letter);
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_sample_as_a_comment() {
        insta::assert_snapshot!(markdown(&sample::report()));
    }

    #[test]
    fn text_of_other_people_is_code_that_nothing_ends() {
        assert_eq!(code("a/b"), "`a/b`");
        assert_eq!(code("@team | <b>"), r"`@team \| <b>`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(plain("*a* <b> @all"), r"\*a\* &lt;b> \@all");
    }

    #[test]
    fn a_comment_is_never_too_long() {
        let report = sample::filled(&"long`|".repeat(2_000));
        let length = markdown(&report).chars().count();
        assert!(length < 65_536, "{length}");
    }
}
