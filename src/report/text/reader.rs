//! One role or user on one screen: what it reads, what it may read, and what its policies should say.

use std::cmp::Reverse;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Style;
use super::page::{Look, TextPage, left, piece, right};
use super::phrases::{self, number};
use crate::domain::base::money::thousands;
use crate::domain::base::nearest::nearest;
use crate::domain::base::reader_kind::name_of;
use crate::domain::report::result::{GrantAdvice, IdentityReach, ReaderRow, Report, SecretRow};

/// The number of secrets that are shown.
const SECRETS: usize = 12;

/// The readers that a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum ReaderMatch<'a> {
    /// One role or user, by its ARN.
    One(&'a str),
    /// Several.
    Several(Vec<&'a str>),
    /// None; perhaps this name was meant.
    None(Option<&'a str>),
}

/// Finds the reader that is meant: by its ARN, its name, or a part that no other has.
pub fn reader_named<'a>(report: &'a Report, typed: &str) -> ReaderMatch<'a> {
    let of_secrets = report.secrets.iter().flat_map(|row| &row.readers);
    let of_reach = report.reach.iter().flat_map(|reach| &reach.identities);
    let mut all: Vec<&str> = of_secrets
        .map(|row| row.reader.as_str())
        .chain(of_reach.map(|row| row.reader.as_str()))
        .collect();
    all.sort_unstable();
    all.dedup();
    let tries: [&dyn Fn(&str) -> bool; 3] = [
        &|reader| reader == typed,
        &|reader| name_of(reader) == typed,
        &|reader| reader.contains(typed),
    ];
    for fits in tries {
        let found: Vec<&str> = all.iter().copied().filter(|one| fits(one)).collect();
        match found.as_slice() {
            [] => (),
            [one] => return ReaderMatch::One(one),
            _ => return ReaderMatch::Several(found),
        }
    }
    ReaderMatch::None(nearest(typed, all.iter().map(|one| name_of(one))))
}

/// The explanation of one reader of a report, by its ARN.
pub fn reader(report: &Report, reader: &str, style: Style, columns: usize) -> String {
    let mut page = TextPage::new(style, columns);
    let of_reach = report.reach.iter().flat_map(|reach| &reach.identities);
    let reach = of_reach.into_iter().find(|row| row.reader == reader);
    page.line(0, &[piece(Look::Strong, name_of(reader))]);
    page.paragraph(0, Look::Faint, reader);
    if let Some(reach) = reach.filter(|reach| !reach.assumed_by.is_empty()) {
        let text = format!("Assumed by {}", reach.assumed_by.join(", "));
        page.paragraph(0, Look::Usual, &text);
    }
    reads(&mut page, report, reader);
    match (reach, &report.reach) {
        (Some(reach), _) => may(&mut page, reach),
        (None, Some(_)) => {
            page.heading("MAY READ");
            let text =
                "It may read nothing by the IAM data that was given, or it is not in that data.";
            page.paragraph(2, Look::Usual, text);
        }
        (None, None) => {
            page.heading("MAY READ");
            let text = "It is not known: the scan had no IAM data (`--iam`).";
            page.paragraph(2, Look::Usual, text);
        }
    }
    findings(&mut page, report, reader);
    page.finish()
}

fn reads(page: &mut TextPage, report: &Report, reader: &str) {
    page.heading("CALLS");
    let mut rows: Vec<(&SecretRow, &ReaderRow)> = report
        .secrets
        .iter()
        .flat_map(|secret| {
            let own = secret.readers.iter().filter(|row| row.reader == reader);
            own.map(move |row| (secret, row))
        })
        .collect();
    rows.sort_by_key(|(secret, row)| (Reverse(row.calls), &secret.name));
    if rows.is_empty() {
        page.paragraph(2, Look::Usual, "No calls were seen.");
    }
    for (secret, row) in rows.iter().take(SECRETS) {
        page.line(
            2,
            &[
                piece(Look::Strong, &secret.name),
                piece(Look::Faint, format!("  {}", secret.region)),
            ],
        );
        let text = phrases::seen_calls(row);
        page.paragraph(4, Look::Usual, &text);
    }
    more(page, rows.len(), "readers.csv");
}

fn more(page: &mut TextPage, many: usize, file: &str) {
    let rest = many.saturating_sub(SECRETS) as u64;
    if rest > 0 {
        let text = format!("and {} more in {file}", thousands(rest));
        page.line(2, &[piece(Look::Faint, text)]);
    }
}

fn may(page: &mut TextPage, reach: &IdentityReach) {
    page.heading("MAY READ");
    for (label, count) in [
        ("secrets it may read", reach.may_read),
        ("under conditions", reach.conditional),
        ("not known", reach.unknown),
        ("of these it has read", reach.did_read),
        ("it has not read", reach.unused),
    ] {
        let pieces = [
            left(Look::Usual, label, 22),
            right(Look::Usual, &thousands(count), 8),
        ];
        page.line(2, &pieces);
    }
    for (label, parts) in [
        ("Conditions: ", &reach.conditions),
        ("It is not known because of ", &reach.unclear),
    ] {
        if !parts.is_empty() {
            page.item(2, label, Look::Faint, &parts.join(", "));
        }
    }
    if !reach.covered {
        let text = "The trail does not cover enough time to call a permission unused.";
        page.paragraph(2, Look::Faint, text);
    }
    for grant in &reach.grants {
        let statement = grant.sid.as_deref().map(|sid| format!(", statement {sid}"));
        let name = format!("{}{}", grant.policy, statement.unwrap_or_default());
        let text = format!(
            "  by {}: {}, {} of them read",
            grant.by.as_str(),
            number(grant.may_read, "secret"),
            thousands(grant.did_read)
        );
        page.line(2, &[piece(Look::Strong, name), piece(Look::Faint, text)]);
        match grant.advice {
            GrantAdvice::Remove => {
                let text = "Nothing that it allows was used: remove what it says about secrets.";
                page.paragraph(4, Look::Usual, text);
            }
            GrantAdvice::Narrow => {
                let text = "Only a part of what it allows was used. `secretsweep reader NAME --policy` prints \
                            statements that allow that part and no more.";
                page.paragraph(4, Look::Usual, text);
            }
            GrantAdvice::Keep | GrantAdvice::Open => {}
        }
    }
}

/// The policy that allows what a reader used, as JSON in ASCII; `None` if nothing of its policies can be narrowed.
pub fn narrowed_policy(report: &Report, reader: &str) -> Option<String> {
    let of_reach = report.reach.iter().flat_map(|reach| &reach.identities);
    let reach = of_reach.into_iter().find(|row| row.reader == reader)?;
    let grants = reach.grants.iter();
    let statements: Vec<&Value> = grants.flat_map(|grant| &grant.narrowed).collect();
    if statements.is_empty() {
        return None;
    }
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let text = serde_json::to_string_pretty(&document).ok()?;
    let mut ascii = String::with_capacity(text.len() + 1);
    for letter in text.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii.push('\n');
    Some(ascii)
}

fn findings(page: &mut TextPage, report: &Report, reader: &str) {
    let here = report.findings.iter();
    let here: Vec<_> = here
        .filter(|found| found.reader.as_deref() == Some(reader))
        .collect();
    if here.is_empty() {
        return;
    }
    page.heading("FINDINGS");
    for found in here {
        let name = format!("  {}", found.name);
        page.line(
            2,
            &[
                piece(Look::Strong, found.code.as_str()),
                piece(Look::Faint, name.trim_end()),
            ],
        );
        page.paragraph(4, Look::Usual, &found.text);
    }
}
