//! What a person should review: secrets that only a person can judge, and findings by how much they matter.

use std::fmt::Write as _;

use super::page::{self, Look, TextPage, left, piece};
use super::phrases::number;
use super::{Detail, Options, of_verdict, secrets};
use crate::domain::base::finding_kinds::Severity;
use crate::domain::base::money::thousands;
use crate::domain::report::result::{FindingRow, Report};
use crate::domain::report::verdict::Verdict;
use crate::report::ranking::{self, FindingGroup};

/// The section, if there is anything in it.
pub(super) fn attention(page: &mut TextPage, report: &Report, options: &Options) {
    let reviews = of_verdict(report, Verdict::Review);
    // Loops stand among the savings already.
    let findings: Vec<_> = ranking::shown(report).collect();
    if reviews.is_empty() && findings.is_empty() {
        return;
    }
    page.heading("NEEDS REVIEW");
    if !reviews.is_empty() {
        let count = number(reviews.len() as u64, "secret");
        let text = format!("{count} may be unused; a person has to decide");
        let note = " (`review` in secrets.csv)";
        page.line(2, &[piece(Look::Strong, text), piece(Look::Faint, note)]);
        match options.detail {
            Detail::Short => secrets::by_reason(page, report, &reviews, Detail::Short),
            Detail::Full => secrets::list(page, report, &reviews, options),
        }
        if !findings.is_empty() && options.detail == Detail::Full {
            page.space();
        }
    }
    if !findings.is_empty() {
        by_code(page, report, &findings, options);
    }
}

fn by_code(page: &mut TextPage, report: &Report, findings: &[&FindingRow], options: &Options) {
    let counts: Vec<_> = Severity::ALL
        .into_iter()
        .map(|severity| {
            (
                severity,
                findings
                    .iter()
                    .filter(|row| row.severity == severity)
                    .count() as u64,
            )
        })
        .filter(|&(_, count)| count > 0)
        .map(|(severity, count)| format!("{} {}", thousands(count), severity.as_str()))
        .collect();
    let total = number(findings.len() as u64, "finding");
    let total = piece(Look::Strong, format!("{total}: {}", counts.join(", ")));
    let note = match options.detail {
        Detail::Short => " (findings.csv)",
        Detail::Full => "",
    };
    page.line(2, &[total, piece(Look::Faint, note)]);

    if options.detail == Detail::Short {
        page.paragraph(4, Look::Faint, &in_short(report));
        return;
    }
    let groups = ranking::groups(report);
    let most = options.top.min(ranking::MOST);
    for group in groups.iter().take(most) {
        entry(page, group);
    }
    let rest = groups.iter().skip(most);
    let (kinds, more) = rest.fold((0, 0), |(kinds, more), group| {
        (kinds + 1, more + group.rows.len() as u64)
    });
    if more > 0 {
        let (more, kinds) = (number(more, "more finding"), number(kinds, "kind"));
        let text = format!("and {more} of {kinds} in findings.csv");
        page.line(4, &[piece(Look::Faint, text)]);
    }
    let text = "`secretsweep rules CODE` explains a code and how to fix it";
    page.line(4, &[piece(Look::Faint, text)]);
}

/// The kinds that matter most in one sentence, by severity, and how many findings more there are.
fn in_short(report: &Report) -> String {
    let groups = ranking::groups(report);
    let mut text = String::new();
    let mut severity = None;
    for group in groups.iter().take(ranking::MOST) {
        let is_first = severity.replace(group.severity) != Some(group.severity);
        let gap = match (text.is_empty(), is_first) {
            (true, _) => "",
            (false, true) => "; ",
            (false, false) => ", ",
        };
        text.push_str(gap);
        if is_first {
            text.push_str(group.severity.as_str());
            text.push_str(": ");
        }
        let count = thousands(group.rows.len() as u64);
        let _ = write!(text, "{count} {}", group.code.as_str());
    }
    let rest = groups.iter().skip(ranking::MOST);
    let (kinds, more) = rest.fold((0, 0), |(kinds, more), group| {
        (kinds + 1, more + group.rows.len() as u64)
    });
    if more > 0 {
        let (more, kinds) = (number(more, "more finding"), number(kinds, "kind"));
        let _ = write!(text, "; and {more} of {kinds}");
    }
    text
}

/// A kind with its number of findings, the first of which stands for all, and whose secrets they are about.
fn entry(page: &mut TextPage, group: &FindingGroup<'_>) {
    let (severity, code, rows) = (group.severity, group.code.as_str(), &group.rows);
    let look = match severity {
        Severity::High => Look::Bad,
        Severity::Medium => Look::Warning,
        Severity::Low => Look::Usual,
    };
    let Some(first) = rows.first() else { return };
    let times = match rows.len() {
        1 => String::new(),
        many if first.name.is_empty() => format!(" in {} cases", thousands(many as u64)),
        many => format!(" in {} cases,", thousands(many as u64)),
    };
    let gap = match rows.len() {
        _ if first.name.is_empty() => "",
        1 => "  ",
        _ => " such as ",
    };
    page.line(
        4,
        &[
            left(look, severity.as_str(), 8),
            page::cut(Look::Strong, code, 24),
            piece(Look::Usual, times),
            piece(Look::Usual, gap),
            piece(Look::Usual, &first.name),
        ],
    );
    page.paragraph(12, Look::Faint, &first.text);
    let owners = group.owners_in_words();
    if rows.len() > 1 && !owners.is_empty() {
        page.paragraph(12, Look::Faint, &format!("Owners: {owners}"));
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::base::finding_kinds::Severity;
    use crate::report::sample;
    use crate::report::text::{Options, summary};

    #[test]
    fn loops_are_shown_once_and_equal_findings_together() {
        let mut report = sample::report();
        let another = sample::finding(
            "rotation-off",
            Severity::Medium,
            "other/db",
            "It never rotates.",
            "",
        );
        report.findings.push(another);
        let text = summary(&report, &Options::default());
        assert!(!text.contains("hot-loop"), "{text}");
        assert!(
            text.contains("4 findings: 1 high, 2 medium, 1 low"),
            "{text}"
        );
        assert!(
            text.contains("medium  rotation-off in 2 cases, such as legacy/db"),
            "{text}"
        );
        assert!(text.contains("high    failing-reads  =cmd"), "{text}");
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let options = Options {
            top: 1,
            ..Options::default()
        };
        let text = summary(&sample::report(), &options);
        assert!(
            text.contains("and 2 more findings of 2 kinds in findings.csv"),
            "{text}"
        );
    }
}
