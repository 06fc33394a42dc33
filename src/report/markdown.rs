//! The summary as Markdown, for a comment on a pull request or a message in a chat: short enough for either (GitHub takes
//! 65,536 characters), the most important first, and the rest counted.
//!
//! Names and messages of other people are escaped so that they form no link, no mention, no image and no table.

use std::fmt::Write as _;

use super::escape::fit;
use super::format;
use super::ranking::{MOST, groups, shown};
use crate::domain::base::finding_kinds::Severity;
use crate::domain::base::money::{counted, thousands};
use crate::domain::report::result::Report;
use crate::domain::report::verdict::Verdict;

/// How many columns of a text of other people are shown.
const COLUMNS: usize = 160;

/// The summary.
pub(super) fn summary(report: &Report) -> String {
    let mut text = String::from("## secretsweep\n\n");
    totals(report, &mut text);
    findings(report, &mut text);
    loops(report, &mut text);
    let gaps = report.gaps.len() as u64;
    if gaps > 0 {
        let _ = writeln!(
            text,
            "\n{} could not be read or judged; `report.json` names them.",
            counted(gaps, "part", "parts")
        );
    }
    text
}

fn totals(report: &Report, text: &mut String) {
    let totals = &report.totals;
    let of = |verdict| thousands(totals.verdicts.get(&verdict).copied().unwrap_or(0));
    let _ = writeln!(
        text,
        "{} cost **{}** a month, of which **{}** can be saved: {} can go, {} need a person to decide, {} stay.",
        counted(totals.secrets, "secret", "secrets"),
        format::money(totals.cost.total_usd),
        format::money(totals.savings_usd),
        of(Verdict::Delete),
        of(Verdict::Review),
        of(Verdict::Keep),
    );
}

fn findings(report: &Report, text: &mut String) {
    let groups = groups(report);
    if groups.is_empty() {
        text.push_str("\nNo findings.\n");
        return;
    }
    text.push_str(
        "\n| Severity | Finding | How many | Of | For example |\n|---|---|---|---|---|\n",
    );
    for group in groups.iter().take(MOST) {
        let Some(first) = group.rows.first() else {
            continue;
        };
        let named = if first.name.is_empty() {
            String::new()
        } else {
            format!("{}: ", escaped(&first.name))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {named}{} |",
            group.severity.as_str(),
            escaped(group.code.as_str()),
            thousands(group.rows.len() as u64),
            escaped(&group.owners_in_words()),
            escaped(&first.text),
        );
    }
    let rest = groups.iter().skip(MOST);
    let (kinds, more) = rest.fold((0, 0), |(kinds, more), group| {
        (kinds + 1, more + group.rows.len() as u64)
    });
    let high = shown(report).filter(|row| row.severity == Severity::High);
    let _ = write!(
        text,
        "\n{}, {} of them high",
        counted(shown(report).count() as u64, "finding", "findings"),
        thousands(high.count() as u64)
    );
    if more > 0 {
        let _ = write!(
            text,
            "; {} of {} are not shown",
            counted(more, "finding", "findings"),
            counted(kinds, "kind", "kinds")
        );
    }
    text.push_str(". `secretsweep rules CODE` says what each means and how to fix it.\n");
}

fn loops(report: &Report, text: &mut String) {
    if report.loops.is_empty() {
        return;
    }
    text.push_str("\n| Hot loop | Reader | Calls a month | Saves a month |\n|---|---|---|---|\n");
    for row in report.loops.iter().take(MOST) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            escaped(&row.name),
            escaped(&row.reader),
            thousands(row.reads_month),
            format::money_or_unknown(row.avoidable_usd_month),
        );
    }
    let rest = report.loops.len().saturating_sub(MOST) as u64;
    if rest > 0 {
        let _ = writeln!(text, "\nand {}.", counted(rest, "more loop", "more loops"));
    }
}

/// Text of other people as text: every ASCII punctuation character that Markdown could take for itself has a backslash,
/// and no name is mentioned.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in fit(text, COLUMNS).chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A word joiner keeps `@team` from calling the team.
            '@' => safe.push_str("@\u{2060}"),
            '-' | '/' | ',' | ';' | ' ' => safe.push(letter),
            _ if letter.is_ascii_punctuation() => safe.extend(['\\', letter]),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn text_of_others_forms_no_markup() {
        for (text, safe) in [
            ("a|b", "a\\|b"),
            ("[x](http://e.com)", "\\[x\\]\\(http\\://e\\.com\\)"),
            ("<img src=x>", "&lt;img src\\=x&gt;"),
            ("@security", "@\u{2060}security"),
            ("`a`\n# b", "\\`a\\` \\# b"),
            ("pay/key-1", "pay/key-1"),
        ] {
            assert_eq!(escaped(text), safe, "{text}");
        }
    }

    #[test]
    fn it_fits_a_comment_whatever_the_report_holds() {
        let mut report = sample::report();
        let many = (0..5_000).map(|number| {
            let name = format!("{}{number}", "@|<`*".repeat(100));
            let code = format!("code-{}", number % 40);
            sample::finding(&code, Severity::High, &name, &"|&".repeat(5_000), "")
        });
        report.findings.extend(many);
        let text = summary(&report);
        assert!(text.chars().count() < 65_536, "{}", text.chars().count());
        assert!(text.contains("are not shown"), "{text}");
        for row in text.lines().filter(|line| line.starts_with('|')) {
            let cells = row.replace("\\|", "").matches('|').count();
            assert!(cells == 6 || cells == 5, "{row}");
        }
    }
}
