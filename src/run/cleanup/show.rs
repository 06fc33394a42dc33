//! Tables and sentences of the cleaning commands. Text of other people is escaped here.

use jiff::{SignedDuration, Timestamp};

use crate::domain::names::SecretArn;
use crate::domain::secret::day_of;
use crate::report::escape::{fit, one_line, width};

/// The widest that a cell may be, but for the last of a row.
const WIDEST: usize = 48;

/// Rows as aligned columns, two spaces apart, with two before. The last column is not cut.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(rows.iter().cloned())
        .map(|row| {
            let last = row.len().saturating_sub(1);
            let cells = row.iter().enumerate();
            cells
                .map(|(place, cell)| {
                    if place == last {
                        one_line(cell)
                    } else {
                        fit(cell, WIDEST)
                    }
                })
                .collect()
        })
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest: Vec<usize> = (0..columns)
        .map(|place| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::from(" ");
        for (cell, columns) in row.iter().zip(&widest) {
            line.push(' ');
            line.push_str(cell);
            line.push_str(&" ".repeat(columns.saturating_sub(width(cell)) + 1));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Account and Region of a secret.
pub(super) fn place(arn: &SecretArn) -> String {
    arn.scope().to_string()
}

/// A count with its noun.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

/// The UTC day of a moment.
pub(super) fn day(moment: Timestamp) -> String {
    day_of(moment).to_string()
}

/// What is left of a recovery window: whole days, or hours within the last two.
pub(super) fn left(left: SignedDuration) -> String {
    match left.as_hours() {
        0 if left.is_zero() => "over".to_owned(),
        0 => "less than an hour".to_owned(),
        hours @ 1..48 => counted(usize::try_from(hours).unwrap_or(0), "hour", "hours"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_text_of_others_is_escaped() {
        let rows = vec![
            vec!["a".to_owned(), "x\u{1b}[31m".to_owned()],
            vec!["long".to_owned(), String::new()],
        ];
        assert_eq!(
            table(&["ONE", "TWO"], &rows),
            "  ONE   TWO\n  a     x\\u{1b}[31m\n  long\n"
        );
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
