//! A [`Comparison`] as text for a terminal, as CSV and as JSON. The page has its own section.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::csv::{bytes, known, table};
use super::escape::{self, fit, one_line};
use super::text::{Look, Style, painted, phrases};
use crate::compare::{Change, CompareBasis, Comparison, LoopChange};
use crate::domain::base::money::{Money, thousands};

/// Columns of a line of text.
const WIDTH: usize = 80;
/// The number of secrets that a list of the text shows.
const LISTED: usize = 10;

/// The columns of `comparison.csv`.
pub const COLUMNS: [&str; 15] = [
    "change",
    "arn",
    "name",
    "account_id",
    "region",
    "owner",
    "verdict",
    "idle_days",
    "old_usd_month",
    "new_usd_month",
    "change_usd_month",
    "reader",
    "api",
    "calls_month",
    "avoidable_usd_month",
];

/// The lists of secrets: the code in the files, the heading for people, the rows.
pub fn secret_lists(comparison: &Comparison) -> [(&'static str, &'static str, &[Change]); 8] {
    [
        ("new", "New", &comparison.appeared),
        ("gone", "Gone", &comparison.gone),
        ("scheduled", "Scheduled for deletion", &comparison.scheduled),
        ("restored", "Restored", &comparison.restored),
        ("dearer", "More expensive", &comparison.dearer),
        ("cheaper", "Cheaper", &comparison.cheaper),
        (
            "newly-idle",
            "Newly idle (current cost)",
            &comparison.newly_idle,
        ),
        (
            "used-again",
            "In use again (current cost)",
            &comparison.used_again,
        ),
    ]
}

/// The lists of loops, in the same way.
pub fn loop_lists(comparison: &Comparison) -> [(&'static str, &'static str, &[LoopChange]); 3] {
    [
        ("loop-found", "New loops", &comparison.loops_found),
        ("loop-fixed", "Loops fixed", &comparison.loops_fixed),
        (
            "loop-unseen",
            "Loops not checked: the trail has a gap there",
            &comparison.loops_unseen,
        ),
    ]
}

/// The comparison as JSON, for programs.
pub fn json(comparison: &Comparison) -> Vec<u8> {
    // Plain data: strings, numbers and lists of them.
    let mut bytes = serde_json::to_vec_pretty(comparison).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The comparison as CSV: one row a change, in the order of the lists. A secret may stand in two lists, such as `dearer`
/// and `used-again`; a total over the file is only right within one value of `change`.
pub fn csv(comparison: &Comparison) -> Vec<u8> {
    let secrets = secret_lists(comparison).into_iter();
    let secrets = secrets.flat_map(|(code, _, rows)| {
        let rows = rows.iter();
        rows.map(move |row| secret_record(code, row))
    });
    let loops = loop_lists(comparison).into_iter();
    let loops = loops.flat_map(|(code, _, rows)| {
        let rows = rows.iter();
        rows.map(move |row| loop_record(code, row))
    });
    bytes(|out| table(COLUMNS, secrets.chain(loops), out))
}

fn secret_record(code: &str, row: &Change) -> [String; 15] {
    let none = String::new;
    [
        code.to_owned(),
        one_line(row.arn.as_str()),
        escape::cell(&row.name),
        row.account.to_string(),
        row.region.to_string(),
        row.owner.as_deref().map(escape::cell).unwrap_or_default(),
        row.verdict.as_str().to_owned(),
        known(row.idle_days),
        known(row.old_usd),
        known(row.new_usd),
        row.change_usd.to_string(),
        none(),
        none(),
        none(),
        none(),
    ]
}

fn loop_record(code: &str, row: &LoopChange) -> [String; 15] {
    let none = String::new;
    [
        code.to_owned(),
        row.arn
            .as_ref()
            .map(|arn| one_line(arn.as_str()))
            .unwrap_or_default(),
        escape::cell(&row.name),
        known(row.account.as_ref()),
        known(row.region.as_ref()),
        none(),
        none(),
        none(),
        none(),
        none(),
        none(),
        escape::cell(&row.reader),
        escape::cell(&row.what),
        row.reads_month.to_string(),
        known(row.avoidable_usd_month),
    ]
}

/// A text that grows by lines of at most 80 columns.
struct Lines {
    text: String,
    style: Style,
}

impl Lines {
    fn push(&mut self, look: Look, line: &str) {
        let line = fit(line, WIDTH);
        let line = line.trim_end();
        self.text.push_str(&painted(self.style, look, line));
        self.text.push('\n');
    }

    fn space(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.push(Look::Strong, heading);
    }

    fn plain(&mut self, line: &str) {
        self.push(Look::Usual, line);
    }

    /// A row whose amount looks like this: the sign or the heading says the same in words.
    fn amount(&mut self, look: Look, label: &str, number: &str, amount: &str) {
        let line = fit(&row(label, number, amount), WIDTH);
        let line = line.trim_end();
        // An amount that did not fit was cut, and is no amount any more.
        match line.strip_suffix(amount) {
            Some(before) => {
                self.text.push_str(before);
                self.text.push_str(&painted(self.style, look, amount));
            }
            None => self.text.push_str(line),
        }
        self.text.push('\n');
    }
}

/// Returns how a change of cost looks.
fn look(change: Money) -> Look {
    match change.cmp(&Money::ZERO) {
        Ordering::Greater => Look::Warning,
        Ordering::Less => Look::Good,
        Ordering::Equal => Look::Usual,
    }
}

/// The comparison for a terminal of 80 columns.
pub fn text(comparison: &Comparison, style: Style) -> String {
    let mut page = Lines {
        text: String::new(),
        style,
    };
    page.heading(&format!(
        "What changed from {} to {}",
        side(&comparison.old),
        side(&comparison.new)
    ));
    page.space();
    bridge(&mut page, comparison);
    page.space();
    let savings = &comparison.savings;
    let good = |saved: Money| {
        if saved > Money::ZERO {
            Look::Good
        } else {
            Look::Usual
        }
    };
    for (label, usd, look) in [
        (
            "savings that the earlier scan found, per month",
            savings.promised_usd,
            Look::Usual,
        ),
        (
            "  saved by deleting",
            savings.deleted_usd,
            good(savings.deleted_usd),
        ),
        (
            "  saved by fixing loops",
            savings.mended_usd,
            good(savings.mended_usd),
        ),
        ("  still open", savings.open_usd, Look::Usual),
    ] {
        page.amount(look, label, "", &usd.dollars());
    }
    for (code, heading, rows) in secret_lists(comparison) {
        list(&mut page, heading, rows, |change| {
            let look = match code {
                "newly-idle" => Look::Warning,
                "used-again" => Look::Usual,
                _ => look(change.change_usd),
            };
            (secret_label(change), amount(code, change), look)
        });
    }
    for (code, heading, rows) in loop_lists(comparison) {
        list(&mut page, heading, rows, |found| {
            let usd = found
                .avoidable_usd_month
                .map_or_else(|| "unknown".to_owned(), Money::dollars);
            let label = format!("{} by {}", one_line(&found.name), reader(found));
            let look = match code {
                "loop-found" => Look::Warning,
                "loop-fixed" => Look::Good,
                _ => Look::Usual,
            };
            (label, usd, look)
        });
    }
    for note in estimates(comparison) {
        page.space();
        for part in textwrap::wrap(&note, WIDTH) {
            page.plain(&part);
        }
    }
    for (scopes, words) in [
        (
            &comparison.scopes_added,
            "Scanned only this time, so nothing there counts as new:",
        ),
        (
            &comparison.scopes_lost,
            "Scanned only last time, so nothing there counts as gone:",
        ),
    ] {
        if !scopes.is_empty() {
            page.space();
            page.push(Look::Warning, words);
            for scope in scopes {
                page.plain(&format!("  {scope}"));
            }
        }
    }
    page.text
}

/// The totals, and the steps from the one to the other.
fn bridge(page: &mut Lines, comparison: &Comparison) {
    let (before, now) = totals(comparison);
    page.amount(
        Look::Usual,
        &before,
        "",
        &comparison.old.total_usd.dollars(),
    );
    for step in &comparison.bridge {
        if step.count > 0 || step.change_usd != Money::ZERO {
            let count = if step.count > 0 {
                thousands(step.count)
            } else {
                String::new()
            };
            page.amount(
                look(step.change_usd),
                &format!("  {}", one_line(&step.text)),
                &count,
                &signed(step.change_usd),
            );
        }
    }
    page.amount(
        Look::Strong,
        &now,
        &signed(comparison.change_usd),
        &comparison.new.total_usd.dollars(),
    );
}

/// Returns what of the comparison rests on estimates from a sample, in sentences.
pub(super) fn estimates(comparison: &Comparison) -> Vec<String> {
    let sides = [("before", &comparison.old), ("now", &comparison.new)];
    let mut notes: Vec<String> = sides
        .into_iter()
        .filter_map(|(when, side)| {
            let range = side.total_usd_range?;
            Some(format!(
                "The cost {when} is an estimate from a sample: {} with 95 % certainty.",
                super::estimates::dollars(range)
            ))
        })
        .collect();
    if !comparison.uncertain.is_empty() {
        notes.push(format!(
            "For {} the estimates do not show whether the cost rose or fell, so neither list has them.",
            phrases::number(comparison.uncertain.len() as u64, "secret")
        ));
    }
    notes
}

/// Returns what the totals are: run rates, or what calendar months cost.
fn totals(comparison: &Comparison) -> (String, String) {
    match comparison.basis {
        CompareBasis::RunRate => (
            "monthly cost before".to_owned(),
            "monthly cost now".to_owned(),
        ),
        CompareBasis::Accrued => (
            format!("cost of {}", side(&comparison.old)),
            format!("cost of {}", side(&comparison.new)),
        ),
    }
}

fn side(side: &crate::compare::Side) -> String {
    side.month
        .as_deref()
        .map_or_else(|| side.made.strftime("%Y-%m-%d").to_string(), one_line)
}

fn secret_label(change: &Change) -> String {
    format!(
        "{} ({} {})",
        one_line(&change.name),
        change.account,
        change.region
    )
}

/// The reader of a loop as people call it.
pub fn reader(found: &LoopChange) -> String {
    let home = found.account.as_ref().map(ToString::to_string);
    one_line(&phrases::reader(&found.reader, home.as_deref()))
}

/// Returns what a list says of a secret: its change, or what it costs where use changed and not the cost.
pub fn amount(code: &str, change: &Change) -> String {
    match (code, change.new_usd) {
        ("newly-idle" | "used-again", Some(usd)) => usd.dollars(),
        ("newly-idle" | "used-again", None) => "unknown".to_owned(),
        _ => signed(change.change_usd),
    }
}

fn list<T>(
    page: &mut Lines,
    heading: &str,
    rows: &[T],
    show: impl Fn(&T) -> (String, String, Look),
) {
    if rows.is_empty() {
        return;
    }
    page.space();
    page.heading(&format!("{heading}: {}", thousands(rows.len() as u64)));
    for found in rows.iter().take(LISTED) {
        let (name, amount, look) = show(found);
        page.amount(look, &format!("  {name}"), "", &amount);
    }
    if rows.len() > LISTED {
        page.plain(&format!(
            "  and {} more",
            thousands((rows.len() - LISTED) as u64)
        ));
    }
}

/// A label, a number and an amount in columns that fill the line.
fn row(label: &str, number: &str, amount: &str) -> String {
    const NUMBER: usize = 12;
    const AMOUNT: usize = 14;
    let label_columns = WIDTH - NUMBER - AMOUNT;
    let (room, number) = if number.is_empty() {
        (label_columns + NUMBER, String::new())
    } else {
        (label_columns, format!("{number:>NUMBER$}"))
    };
    let label = fit(label, room);
    let mut text = label.clone();
    // Padding by columns, not by letters: a name may hold wide ones. Writing to a String cannot fail.
    let _ = write!(
        text,
        "{:pad$}{number}{amount:>AMOUNT$}",
        "",
        pad = room - escape::width(&label)
    );
    text
}

/// An amount with its sign.
pub fn signed(amount: Money) -> String {
    let plus = if amount > Money::ZERO { "+" } else { "" };
    format!("{plus}{}", amount.dollars())
}

#[cfg(test)]
mod tests;
