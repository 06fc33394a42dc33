//! The section of findings, grouped by code.

use serde::Serialize;

use super::{Word, words_of};
use crate::domain::base::finding_kinds::{FindingKind, Severity};
use crate::domain::base::money::thousands;
use crate::domain::report::result::{FindingRow, Report};
use crate::report::escape::one_line;
use crate::report::ranking;
use crate::report::text::phrases::{self, number};

/// The number of examples that a kind of finding shows.
const EXAMPLES: usize = 8;

/// Findings by their code.
#[derive(Serialize)]
pub(crate) struct Findings {
    kinds: Vec<FindingsOfKind>,
    total: String,
    /// A sentence about the rows that are not shown; empty if all are.
    more: String,
}

#[derive(Serialize)]
struct FindingsOfKind {
    code: String,
    severity: &'static str,
    count: String,
    owners: String,
    meaning: Vec<Word>,
    fix: Vec<Word>,
    examples: Vec<Example>,
    more: String,
}

#[derive(Serialize)]
struct Example {
    name: String,
    scope: String,
    reader: String,
    text: Vec<Word>,
    evidence: String,
}

/// Returns how many findings are of high severity.
pub(crate) fn severe(report: &Report) -> u64 {
    let high = |row: &&FindingRow| row.severity == Severity::High;
    report.open_findings().filter(high).count() as u64
}

/// The findings, most severe kinds first.
pub(crate) fn findings(report: &Report) -> Findings {
    let groups = ranking::groups(report);
    let kinds = groups.iter().take(ranking::MOST).map(|group| {
        let rows = &group.rows;
        let rest = rows.len().saturating_sub(EXAMPLES);
        let known = FindingKind::of(group.code);
        FindingsOfKind {
            code: one_line(group.code.as_str()),
            severity: group.severity.as_str(),
            count: thousands(rows.len() as u64),
            owners: group.owners_in_words(),
            meaning: words_of(known.map_or("", |known| known.meaning)),
            fix: words_of(known.map_or("", |known| known.fix)),
            examples: rows.iter().take(EXAMPLES).map(|row| example(row)).collect(),
            more: if rest == 0 {
                String::new()
            } else {
                format!("and {} more in findings.csv", thousands(rest as u64))
            },
        }
    });
    let rest = groups.iter().skip(ranking::MOST);
    let (hidden, more) = rest.fold((0, 0), |(kinds, more), group| {
        (kinds + 1, more + group.rows.len() as u64)
    });
    Findings {
        kinds: kinds.collect(),
        total: number(ranking::shown(report).count() as u64, "finding"),
        more: if more == 0 {
            String::new()
        } else {
            format!(
                "{} of {} less important are in findings.csv and with each secret.",
                number(more, "more finding"),
                number(hidden, "kind")
            )
        },
    }
}

fn example(row: &FindingRow) -> Example {
    let home = row.account.as_ref().map(ToString::to_string);
    let region = row.region.as_ref().map(ToString::to_string);
    Example {
        name: one_line(&row.name),
        scope: [home.clone(), region]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
        reader: row.reader.as_deref().map_or_else(String::new, |reader| {
            one_line(&phrases::reader(reader, home.as_deref()))
        }),
        text: words_of(&row.text),
        evidence: one_line(&row.evidence),
    }
}
