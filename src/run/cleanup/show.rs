//! Tables and sentences of the cleaning commands. Text of other people is escaped here.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::{SignedDuration, Timestamp};
use textwrap::{WordSplitter, WrapAlgorithm};

use crate::domain::base::money::{Money, counted, thousands};
use crate::domain::base::names::SecretArn;
use crate::domain::inventory::secret::day_of;
use crate::domain::report::sums::Parts;
use crate::report::escape::{fit, one_line, width};
use crate::term::Term;

/// The widest that a cell may be, but for the last of a row.
const WIDEST: usize = 48;

/// The narrowest that the last cell of a row becomes before it goes below the others.
const NARROWEST: usize = 24;

/// The column at which a row goes on below.
const BELOW: usize = 4;

/// The width of text that is not shown on a terminal: that of a report.
const PAGE: usize = 80;

/// The widest that a paragraph becomes on a terminal; longer lines are hard to read.
const LINE: usize = 100;

/// The columns of what became of each secret.
pub(super) const OUTCOMES: [&str; 4] = ["WHAT", "SECRET", "WHERE", "DETAIL"];

/// Returns how much these save together: `$0.40 a month`, `at least $0.40 a month (unknown for 1 of them)`, or `an
/// unknown amount`.
pub(super) fn saving(parts: impl Iterator<Item = Option<Money>> + Clone, each: &str) -> String {
    let known: Parts = parts.clone().collect();
    let unknown = thousands(known.unknown);
    match known.of(parts.flatten().sum::<Money>().dollars()) {
        None => "an unknown amount".to_owned(),
        Some(usd) if known.unknown == 0 => format!("{usd}{each}"),
        Some(usd) => format!("at least {usd}{each} (unknown for {unknown} of them)"),
    }
}

/// Aligned columns, two spaces apart, with two before. On a terminal that is too narrow for a row, its cells go on in the next
/// line, and so does the last one, which is not cut. In a pipe a row stays a line.
pub(super) struct Table {
    widest: Vec<usize>,
    terminal: Option<usize>,
}

impl Table {
    /// A table for this header and rows like these.
    pub(super) fn fitted(header: &[&str], rows: &[Vec<String>]) -> Self {
        Self::on(Term::columns(), header, rows)
    }

    fn on(terminal: Option<usize>, header: &[&str], rows: &[Vec<String>]) -> Self {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = (0..columns.max(header.len()))
            .map(|column| {
                let title = header.get(column).map_or(0, |title| width(title));
                let cells = rows.iter().filter_map(|row| row.get(column));
                let cells = cells.map(|cell| width(&fit(cell, WIDEST)));
                cells.max().unwrap_or(0).max(title)
            })
            .collect();
        Self { widest, terminal }
    }

    /// The header as a line.
    pub(super) fn header(&self, header: &[&str]) -> String {
        let cells: Vec<String> = header.iter().map(|&title| title.to_owned()).collect();
        self.row(&cells)
    }

    /// A row as a line, or several.
    pub(super) fn row(&self, cells: &[String]) -> String {
        let Some((last, cells)) = cells.split_last() else {
            return String::new();
        };
        let mut line = String::from("  ");
        let mut offset = width(&line);
        for (cell, &columns) in cells.iter().zip(&self.widest) {
            // By the widest cell, so that every row goes on below at the same one.
            if offset > BELOW && self.terminal.is_some_and(|end| offset + columns > end) {
                line.truncate(line.trim_end().len());
                let _ = write!(line, "\n{}", " ".repeat(BELOW));
                offset = BELOW;
            }
            let cell = fit(cell, WIDEST);
            let gap = columns.saturating_sub(width(&cell)) + 2;
            offset += width(&cell) + gap;
            let style = look(&cell);
            // Where there is no terminal, or no colour is wanted, what writes the text takes the colours out again.
            let _ = write!(line, "{style}{cell}{style:#}{}", " ".repeat(gap));
        }
        let last = one_line(last);
        let Some(terminal) = self
            .terminal
            .filter(|&terminal| !last.is_empty() && offset + width(&last) > terminal)
        else {
            return format!("{}\n", format!("{line}{last}").trim_end());
        };
        if terminal >= offset + NARROWEST {
            let pieces = wrapped(&last, terminal - offset);
            return format!("{line}{}\n", hanging(&pieces, offset));
        }
        let pieces = wrapped(&last, terminal.saturating_sub(BELOW).max(NARROWEST));
        format!(
            "{}\n{}{}\n",
            line.trim_end(),
            " ".repeat(BELOW),
            hanging(&pieces, BELOW)
        )
    }
}

/// Returns how a word stands out that says what became of a secret. The word says it, too: colour never stands alone.
fn look(word: &str) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match word {
        "failed" | "ASKED FOR" => colour(AnsiColor::Red).bold(),
        "refused" | "not tried" | "review" => colour(AnsiColor::Yellow),
        "deleted" | "restored" | "deletable" | "would delete" => colour(AnsiColor::Green),
        _ => Style::new(),
    }
}

/// A table with its header.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let table = Table::fitted(header, rows);
    let rows: String = rows.iter().map(|row| table.row(row)).collect();
    table.header(header) + &rows
}

/// Returns how many ended how, those that nothing ended like left out: `2 restored, 1 failed`.
pub(super) fn tally(parts: &[(usize, &str)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    parts.join(", ")
}

/// A paragraph, wrapped at words, with its line break.
pub(super) fn paragraph(text: &str) -> String {
    item("", text)
}

/// A paragraph with a mark before its first line, and the others below the text.
pub(super) fn item(mark: &str, text: &str) -> String {
    let columns = Term::columns().map_or(PAGE, |columns| columns.min(LINE));
    let hang = width(mark);
    let pieces = wrapped(&one_line(text), columns.saturating_sub(hang).max(NARROWEST));
    format!("{mark}{}\n", hanging(&pieces, hang))
}

/// A command to copy: on a line of its own, and never broken.
pub(super) fn command(line: &str) -> String {
    format!("  {}\n", one_line(line))
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let options = textwrap::Options::new(columns)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(false);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(Cow::into_owned).collect()
}

fn hanging(pieces: &[String], indent: usize) -> String {
    pieces.join(&format!("\n{}", " ".repeat(indent)))
}

/// Account and Region of a secret.
pub(super) fn scope_text(arn: &SecretArn) -> String {
    arn.scope().to_string()
}

/// The UTC day of a moment.
pub(super) fn day(moment: Timestamp) -> String {
    day_of(moment).to_string()
}

/// Returns what is left of a recovery window: whole days, or hours within the last two.
pub(super) fn left(left: SignedDuration) -> String {
    match left.as_hours() {
        0 if left.is_zero() => "over".to_owned(),
        0 => "less than an hour".to_owned(),
        hours @ 1..48 => counted(hours.unsigned_abs(), "hour", "hours"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(terminal: Option<usize>, rows: &[Vec<String>]) -> String {
        let header = ["ONE", "TWO"];
        let table = Table::on(terminal, &header, rows);
        let rows: String = rows.iter().map(|row| table.row(row)).collect();
        table.header(&header) + &rows
    }

    #[test]
    fn columns_are_aligned_and_text_of_others_is_escaped() {
        let rows = [
            vec!["a".to_owned(), "x\u{1b}[31m".to_owned()],
            vec!["long".to_owned(), String::new()],
        ];
        assert_eq!(
            shown(None, &rows),
            "  ONE   TWO\n  a     x\\u{1b}[31m\n  long\n"
        );
    }

    #[test]
    fn on_a_narrow_terminal_every_row_goes_on_below_at_the_same_cell() {
        let row = |secret: &str| {
            let cells = [secret, "111122223333 eu-west-1", "never", "idle"];
            cells.map(str::to_owned).to_vec()
        };
        let header = ["SECRET", "WHERE", "LAST READ", "WHY"];
        let rows = [row("legacy/db"), row("a")];
        let shown = |columns| {
            let table = Table::on(Some(columns), &header, &rows);
            let rows: String = rows.iter().map(|row| table.row(row)).collect();
            table.header(&header) + &rows
        };
        assert_eq!(
            shown(44),
            "  SECRET     WHERE\n    LAST READ  WHY\n  legacy/db  111122223333 eu-west-1\n    never      idle\n  a          \
             111122223333 eu-west-1\n    never      idle\n"
        );
        let lines = |text: String| text.lines().map(str::len).collect::<Vec<_>>();
        assert_eq!(lines(shown(80)).len(), 3);
        assert!(lines(shown(30)).iter().all(|columns| *columns <= 30));
    }

    #[test]
    fn the_last_cell_goes_on_below_itself_on_a_terminal_and_stays_a_line_in_a_pipe() {
        let words =
            "it changed since the scan (tags: others than in the plan): scan and plan again";
        let rows = [vec!["a".to_owned(), words.to_owned()]];
        assert_eq!(shown(None, &rows).lines().count(), 2);
        assert_eq!(
            shown(Some(48), &rows),
            "  ONE  TWO\n  a    it changed since the scan (tags: others\n       than in the plan): scan and plan again\n"
        );
        assert_eq!(
            shown(Some(28), &rows),
            "  ONE  TWO\n  a\n    it changed since the\n    scan (tags: others than\n    in the plan): scan and\n    plan again\n"
        );
        let rows = [
            rows[0].clone(),
            vec!["long and longer still".to_owned(), String::new()],
        ];
        let wide = shown(Some(30), &rows);
        assert!(wide.lines().all(|line| !line.trim().is_empty()), "{wide}");
        assert!(wide.lines().all(|line| width(line) <= 30), "{wide}");
    }

    #[test]
    fn the_last_two_days_are_told_in_hours() {
        for (seconds, words) in [
            (0, "over"),
            (60, "less than an hour"),
            (3_600, "1 hour"),
            (47 * 3_600, "47 hours"),
            (48 * 3_600, "2 days"),
            (30 * 86_400 - 1, "29 days"),
        ] {
            assert_eq!(left(SignedDuration::from_secs(seconds)), words);
        }
    }
}
