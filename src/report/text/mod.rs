//! The summary for a terminal, for somebody who has read nothing else.
//!
//! It answers in this order: what does it cost, what can be saved and how, what should be looked at, what could not be
//! seen. Lists show the first few rows and say how many more there are and where. Nothing is calculated here but sums of
//! groups; nothing is printed.

mod attention;
pub(in crate::report) mod costs;
mod estimated;
pub mod explain;
mod page;
pub(in crate::report) mod phrases;
pub(in crate::report) mod reach;
pub mod reader;
mod savings;
pub(in crate::report) mod secrets;
mod unseen;

pub(crate) use page::COLUMNS;
pub(in crate::report) use page::{Look, painted};
pub(crate) use phrases::shell;

use page::{TextPage, left, piece};
use phrases::number;

use crate::domain::base::money::thousands;
use crate::domain::base::names::{AccountId, Region};
use crate::domain::report::result::{Report, SecretRow};
use crate::domain::report::sums::{self, Grouping};
use crate::domain::report::verdict::Verdict;

/// The style of the summary: with colours or without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences at all.
    #[default]
    Plain,
    /// ANSI colours.
    Colour,
}

/// The amount of detail in the summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// As much as fits one screen.
    Short,
    /// Everything.
    #[default]
    Full,
}

impl Detail {
    /// Returns how many rows a list shows if nobody says.
    pub fn rows(self) -> usize {
        match self {
            Self::Short => 3,
            Self::Full => 5,
        }
    }
}

/// The options by which the summary is rendered.
#[derive(Clone, Debug)]
pub struct Options {
    /// One screen, or everything.
    pub detail: Detail,
    /// The number of rows that each list shows at most.
    pub top: usize,
    /// The number of groups that a table of costs shows at most.
    pub groups: usize,
    /// With or without colours.
    pub style: Style,
    /// The number of columns that a line has at most.
    pub columns: usize,
    /// The result folder as the user named it, for the next command and the list of files.
    pub folder: Option<String>,
    /// The names of the files in the folder.
    pub files: Vec<String>,
    /// The options that select the same secrets from the folder, for the next command; each begins with a space.
    pub selecting: String,
    /// A table of costs by this, too.
    pub group: Option<Grouping>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            detail: Detail::Full,
            top: Detail::Full.rows(),
            groups: usize::MAX,
            style: Style::Plain,
            columns: page::COLUMNS,
            folder: None,
            files: Vec::new(),
            selecting: String::new(),
            group: None,
        }
    }
}

/// The summary: lines of at most as many columns as the options say, each with a line feed at its end. Without colours it holds no control
/// character but those.
pub fn summary(report: &Report, options: &Options) -> String {
    let mut page = TextPage::new(options.style, options.columns);
    head(&mut page, report);
    if report.totals.secrets > 0 || report.totals.calls > 0 {
        let known = sums::known(report);
        costs::costs(&mut page, report, &known);
        if let Some(by) = options.group {
            costs::groups(&mut page, report, by, options.groups);
        }
        costs::showback(&mut page, report, options.groups);
        estimated::estimated(&mut page, report, options);
        savings::savings(&mut page, report, &known, options);
        attention::attention(&mut page, report, options);
        reach::reach(&mut page, report, options);
    }
    unseen::unseen(&mut page, report, options);
    match options.detail {
        Detail::Short => more_to_read(&mut page, report, options),
        Detail::Full => {
            assumptions(&mut page, report);
            files(&mut page, options);
        }
    }
    next(&mut page, report, options);
    page.finish()
}

fn head(page: &mut TextPage, report: &Report) {
    let span = match &report.policy.month {
        Some(month) => month.clone(),
        None => phrases::between(&report.window),
    };
    let line = format!("{span} ({})", phrases::length(&report.window));
    page.line(
        0,
        &[
            piece(Look::Strong, "Secrets Manager, "),
            piece(Look::Strong, line),
        ],
    );

    if report.totals.secrets == 0 {
        page.line(0, &[piece(Look::Usual, "There are no secrets.")]);
        return;
    }
    let (accounts, regions) = report.accounts_and_regions();
    let counts = format!(
        "{} in {} and {}",
        number(report.totals.secrets, "secret"),
        number(accounts as u64, "account"),
        number(regions as u64, "Region")
    );
    let of = |verdict| report.totals.verdicts.get(&verdict).copied().unwrap_or(0);
    let text = format!(
        "{counts}: {} to delete, {} to review, {} to keep.",
        thousands(of(Verdict::Delete)),
        thousands(of(Verdict::Review)),
        thousands(of(Verdict::Keep)),
    );
    page.paragraph(0, Look::Usual, &text);
}

/// Writes where the rest is, for which one screen has no room.
fn more_to_read(page: &mut TextPage, report: &Report, options: &Options) {
    page.space();
    let notes = number(report.assumptions.len() as u64, "assumption");
    let text =
        format!("`--verbose` adds the advice on each loop and {notes} behind these numbers.");
    let text = match &options.folder {
        Some(folder) if !options.files.is_empty() => {
            format!("The page and the tables are in {folder}. {text}")
        }
        _ => text,
    };
    page.paragraph(0, Look::Faint, &text);
}

/// The next command, last, so that it is still on the screen.
fn next(page: &mut TextPage, report: &Report, options: &Options) {
    if of_verdict(report, Verdict::Delete).is_empty() {
        return;
    }
    page.space();
    let text = "Next, write the list of deletions for review. This deletes nothing:";
    page.line(0, &[piece(Look::Usual, text)]);
    let folder = options
        .folder
        .as_deref()
        .map_or_else(|| "DIR".to_owned(), phrases::shell);
    let command = format!("secretsweep plan {folder}{}", options.selecting);
    page.paragraph(2, Look::Good, &command);
}

fn assumptions(page: &mut TextPage, report: &Report) {
    page.heading("ASSUMPTIONS");
    for assumption in &report.assumptions {
        page.item(2, "- ", Look::Faint, assumption);
    }
    page.item(
        2,
        "- ",
        Look::Faint,
        &format!("Made by {}.", phrases::maker(report)),
    );
}

fn files(page: &mut TextPage, options: &Options) {
    let Some(folder) = options
        .folder
        .as_deref()
        .filter(|_| !options.files.is_empty())
    else {
        return;
    };
    page.heading("FILES");
    page.paragraph(2, Look::Usual, folder);
    for name in &options.files {
        page.line(
            4,
            &[
                left(Look::Usual, name, 14),
                piece(Look::Faint, phrases::file(name)),
            ],
        );
    }
}

/// The rows of one verdict.
fn of_verdict(report: &Report, verdict: Verdict) -> Vec<&SecretRow> {
    report
        .secrets
        .iter()
        .filter(|row| row.verdict == verdict)
        .collect()
}

/// The account and Region, as far as they are known.
fn scope_text(account: Option<&AccountId>, region: Option<&Region>) -> String {
    let known: Vec<_> = [
        account.map(ToString::to_string),
        region.map(ToString::to_string),
    ]
    .into_iter()
    .flatten()
    .collect();
    known.join(" ")
}

/// Writes how many rows a list leaves out, and where they are.
fn more(page: &mut TextPage, rows: usize, options: &Options, file: &str) {
    let rest = rows.saturating_sub(options.top) as u64;
    if rest > 0 {
        page.line(
            4,
            &[piece(
                Look::Faint,
                format!("and {} more in {file}", thousands(rest)),
            )],
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fixture;
    use crate::report::escape;
    use crate::report::sample;

    fn options() -> Options {
        Options {
            folder: Some("reports/2026-11-01".to_owned()),
            files: ["report.json", "secrets.csv", "report.html"]
                .map(str::to_owned)
                .to_vec(),
            group: Some(Grouping::Owner),
            ..Options::default()
        }
    }

    #[test]
    fn the_summary_of_the_sample() {
        insta::assert_snapshot!(summary(&sample::report(), &options()));
    }

    #[test]
    fn the_short_summary_of_the_sample() {
        let short = Options {
            detail: Detail::Short,
            top: Detail::Short.rows(),
            ..options()
        };
        insta::assert_snapshot!(summary(&sample::report(), &short));
    }

    #[test]
    fn the_short_summary_fits_one_screen_whatever_the_number_of_secrets() {
        for secrets in [0, 1, 3, 69, 10_000] {
            let short = Options {
                detail: Detail::Short,
                top: Detail::Short.rows(),
                folder: Some("reports/2026-11-01".to_owned()),
                files: vec!["report.html".to_owned()],
                ..Options::default()
            };
            let text = summary(&fixture::report(secrets), &short);
            assert!(text.lines().count() <= 45, "{secrets} secrets:\n{text}");
        }
    }

    #[test]
    fn on_a_narrow_terminal_nothing_is_cut() {
        for detail in [Detail::Short, Detail::Full] {
            let narrow = Options {
                columns: 40,
                detail,
                ..options()
            };
            let text = summary(&sample::report(), &narrow);
            assert!(!text.contains('…'), "{text}");
            assert!(text.contains("$0.80  legacy/db\n"), "{text}");
            assert!(text.lines().all(|line| escape::width(line) <= 40), "{text}");
        }
    }

    #[test]
    fn text_without_an_end_takes_a_paragraph_of_a_narrow_terminal() {
        let narrow = Options {
            columns: 40,
            ..options()
        };
        let lines = |text: &str| summary(&sample::filled(text), &narrow).lines().count();
        assert_eq!(lines(&"x".repeat(5_000)), lines(&"x".repeat(50_000)));
    }

    #[test]
    fn the_next_command_stands_last_and_selects_the_same_secrets() {
        for detail in [Detail::Short, Detail::Full] {
            let options = Options {
                detail,
                selecting: " --only 'legacy/*'".to_owned(),
                ..options()
            };
            let text = summary(&sample::report(), &options);
            let last = text.lines().last().unwrap();
            assert_eq!(
                last.trim(),
                "secretsweep plan reports/2026-11-01 --only 'legacy/*'"
            );
        }
    }

    #[test]
    fn the_summary_of_a_sampled_report() {
        insta::assert_snapshot!(summary(&sample::estimated(), &Options::default()));
    }

    #[test]
    fn colour_changes_nothing_but_the_looks() {
        let coloured = Options {
            style: Style::Colour,
            ..options()
        };
        let coloured = summary(&sample::report(), &coloured);
        assert!(coloured.contains('\u{1b}'));
        let mut bare = String::new();
        for (index, part) in coloured.split('\u{1b}').enumerate() {
            let after = part.find('m').map_or(0, |end| end + 1);
            bare.push_str(if index == 0 { part } else { &part[after..] });
        }
        assert_eq!(bare, summary(&sample::report(), &options()));
    }

    proptest! {
        #[test]
        fn any_text_keeps_to_its_lines(text in sample::any_text(), top in 0_usize..4, columns in 40_usize..=100) {
            let options = Options {
                top,
                columns,
                folder: Some(text.clone()),
                files: vec![text.clone()],
                group: Some(Grouping::Prefix),
                detail: if top < 2 { Detail::Short } else { Detail::Full },
                ..Options::default()
            };
            let shown = summary(&sample::filled(&text), &options);
            for line in shown.split('\n') {
                prop_assert!(escape::width(line) <= columns, "{columns}: {line:?}");
                prop_assert_eq!(&escape::one_line(line), line);
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
