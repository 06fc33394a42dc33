//! The summary for a terminal, for somebody who has read nothing else.
//!
//! It answers in this order: what does it cost, what can be saved and how, what should be looked at, what could not be
//! seen. Lists show the first few rows and say how many more there are and where. Nothing is calculated here but sums of
//! groups; nothing is printed.

mod page;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use page::{Look, Page, left, piece, right};
use words::{agree, number};

use super::select::{self, Grouping};
use crate::domain::money::{Money, thousands};
use crate::domain::names::SecretArn;
use crate::domain::report::{FindingRow, LoopRow, Report, ScopeRow, SecretRow, Severity};
use crate::domain::verdict::Verdict;

pub use page::Style;

/// How the summary is rendered.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many rows each list shows at most.
    pub top: usize,
    /// With or without colours.
    pub style: Style,
    /// The result folder as the user named it, for the next command and the list of files.
    pub folder: Option<String>,
    /// The names of the files in the folder.
    pub files: Vec<String>,
    /// A table of costs by this, too.
    pub group: Option<Grouping>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top: 5,
            style: Style::Plain,
            folder: None,
            files: Vec::new(),
            group: None,
        }
    }
}

/// The summary: lines of at most 80 columns, each with a line feed at its end. Without colours it holds no control
/// character but those.
pub fn summary(report: &Report, options: &Options) -> String {
    let mut page = Page::new(options.style);
    head(&mut page, report);
    costs(&mut page, report);
    if let Some(by) = options.group {
        groups(&mut page, report, by);
    }
    savings(&mut page, report, options);
    attention(&mut page, report, options);
    unseen(&mut page, report, options);
    assumptions(&mut page, report);
    files(&mut page, options);
    page.finish()
}

fn head(page: &mut Page, report: &Report) {
    let span = match &report.policy.month {
        Some(month) => month.clone(),
        None => words::between(&report.window),
    };
    let line = format!("{span} ({})", words::length(&report.window));
    page.line(
        0,
        &[
            piece(Look::Strong, "Secrets Manager, "),
            piece(Look::Strong, line),
        ],
    );

    let accounts: BTreeSet<_> = report.scopes.iter().map(|scope| &scope.account).collect();
    let regions: BTreeSet<_> = report.scopes.iter().map(|scope| &scope.region).collect();
    let place = format!(
        "{} in {} and {}",
        number(report.totals.secrets, "secret"),
        number(accounts.len() as u64, "account"),
        number(regions.len() as u64, "Region")
    );
    if report.totals.secrets == 0 {
        page.line(0, &[piece(Look::Usual, format!("{place}."))]);
        return;
    }
    let of = |verdict| report.totals.verdicts.get(&verdict).copied().unwrap_or(0);
    let review = of(Verdict::Review);
    let text = format!(
        "{place}: {} can go, {} {} a look, {} {}.",
        thousands(of(Verdict::Delete)),
        thousands(review),
        agree(review, "needs", "need"),
        thousands(of(Verdict::Keep)),
        agree(of(Verdict::Keep), "stays", "stay")
    );
    page.paragraph(0, Look::Usual, &text);
}

fn costs(page: &mut Page, report: &Report) {
    let totals = &report.totals;
    let uncounted =
        totals.secrets > 0 && totals.uncounted_secrets == totals.secrets && totals.calls == 0;
    page.heading("COST A MONTH (estimate)");
    let pending = report
        .secrets
        .iter()
        .filter(|row| row.deleted.is_some())
        .count() as u64;
    let mut storage = number(totals.secrets, "secret");
    if pending > 0 {
        storage = format!(
            "{storage}; {} pending deletion {} free",
            thousands(pending),
            agree(pending, "is", "are")
        );
    }
    let mut calls = format!("{} in the window", number(totals.calls, "call"));
    if totals.unattributed_calls > 0 {
        calls = format!(
            "{calls}, {} of no known secret",
            thousands(totals.unattributed_calls)
        );
    }
    let unknown = |usd: Money| {
        if uncounted {
            "unknown".to_owned()
        } else {
            usd.dollars()
        }
    };
    let none = "no trail was read, so calls are not counted";
    let rows = [
        ("Storage", totals.storage_usd.dollars(), storage.as_str()),
        (
            "API calls",
            unknown(totals.api_usd),
            if uncounted { none } else { &calls },
        ),
        (
            "KMS",
            unknown(totals.kms_usd),
            if uncounted {
                ""
            } else {
                "reads with a customer-managed key"
            },
        ),
        ("Total", totals.total_usd.dollars(), ""),
    ];
    let columns = rows
        .iter()
        .map(|(_, amount, _)| amount.len())
        .max()
        .unwrap_or(0);
    for (label, amount, note) in rows {
        let look = if label == "Total" {
            Look::Strong
        } else {
            Look::Usual
        };
        page.line(
            2,
            &[
                left(look, label, 10),
                right(look, &amount, columns + 2),
                piece(Look::Usual, "  "),
                piece(Look::Faint, note),
            ],
        );
    }
    let note = format!(
        "These {} cost {}. By {}; the bill may differ.",
        words::length(&report.window),
        totals.window_cost.total_usd.dollars(),
        report.policy.prices
    );
    page.paragraph(2, Look::Faint, &note);
    unknown_costs(page, report, uncounted);
}

/// What the costs leave out, so that a low number is not taken for a good one.
fn unknown_costs(page: &mut Page, report: &Report, uncounted: bool) {
    let totals = &report.totals;
    let mut parts = Vec::new();
    if totals.unpriced_secrets > 0 {
        parts.push(format!(
            "the price of {}",
            number(totals.unpriced_secrets, "secret")
        ));
    }
    if totals.uncounted_secrets > 0 && !uncounted {
        parts.push(format!(
            "the calls of {}",
            number(totals.uncounted_secrets, "secret")
        ));
    }
    if !parts.is_empty() {
        let verb = if parts.len() == 1 && totals.unpriced_secrets > 0 {
            "is"
        } else {
            "are"
        };
        let text = format!(
            "Not included: {}, which {verb} unknown.",
            words::listed(&parts)
        );
        page.paragraph(2, Look::Warning, &text);
    }
}

fn groups(page: &mut Page, report: &Report, by: Grouping) {
    page.heading(&format!("COST A MONTH BY {}", by.as_str().to_uppercase()));
    let mut groups = select::groups(report, by);
    // Dearest first; the calls of no secret stay at the end.
    groups.sort_by_key(|group| (group.key == select::UNATTRIBUTED, -group.totals.total_usd.0));
    let row = |page: &mut Page, look, cells: [&str; 6]| {
        let [key, secrets, cost, saves, delete, review] = cells;
        page.line(
            2,
            &[
                left(look, key, 28),
                right(look, secrets, 9),
                right(look, cost, 13),
                right(look, saves, 12),
                right(look, delete, 7),
                right(look, review, 7),
            ],
        );
    };
    row(
        page,
        Look::Faint,
        [
            by.as_str(),
            "secrets",
            "cost",
            "savings",
            "delete",
            "review",
        ],
    );
    for group in &groups {
        let of = |verdict| thousands(group.totals.verdicts.get(&verdict).copied().unwrap_or(0));
        row(
            page,
            Look::Usual,
            [
                &group.key,
                &thousands(group.totals.secrets),
                &group.totals.total_usd.dollars(),
                &group.totals.savings_usd.dollars(),
                &of(Verdict::Delete),
                &of(Verdict::Review),
            ],
        );
    }
}

fn savings(page: &mut Page, report: &Report, options: &Options) {
    let totals = &report.totals;
    let deletes = of_verdict(report, Verdict::Delete);
    if deletes.is_empty() && report.loops.is_empty() {
        page.heading("NOTHING TO SAVE");
        page.paragraph(
            2,
            Look::Usual,
            "No secret can go for sure, and no reader fetches more often than it needs to.",
        );
    } else {
        page.heading(&format!(
            "SAVE UP TO {} A MONTH",
            totals.savings_usd.dollars()
        ));
        deletable(page, report, &deletes, options);
        hot_loops(page, report, options);
    }
    if totals.pending_usd > Money::ZERO {
        let text = format!(
            "{} a month is saved already by pending deletions.",
            totals.pending_usd.dollars()
        );
        page.paragraph(2, Look::Faint, &text);
    }
}

fn of_verdict(report: &Report, verdict: Verdict) -> Vec<&SecretRow> {
    report
        .secrets
        .iter()
        .filter(|row| row.verdict == verdict)
        .collect()
}

fn deletable(page: &mut Page, report: &Report, rows: &[&SecretRow], options: &Options) {
    if rows.is_empty() {
        return;
    }
    let count = rows.len() as u64;
    let costs = with_replicas(report);
    let mut rows: Vec<_> = rows
        .iter()
        .map(|row| (costs.get(&row.arn).copied().unwrap_or_default(), row))
        .collect();
    rows.sort_by(|(one, row), (other, next)| other.cmp(one).then_with(|| row.arn.cmp(&next.arn)));
    page.line(
        2,
        &[
            piece(Look::Good, report.totals.savings_delete_usd.dollars()),
            piece(
                Look::Strong,
                format!("  delete {}", number(count, "secret")),
            ),
        ],
    );
    by_reason(page, report, rows.iter().map(|(_, row)| **row));

    let amounts = rows
        .iter()
        .map(|(usd, _)| usd.dollars().len())
        .max()
        .unwrap_or(0)
        .max(5);
    let place = report
        .scopes
        .iter()
        .map(|scope| scope_words(scope).len())
        .max()
        .unwrap_or(0)
        .min(27);
    let name = page::COLUMNS - 4 - amounts - 2 - 12 - place - 2;
    let line = |page: &mut Page, look, usd: &str, text: &str, read: &str, scope: &str| {
        page.line(
            4,
            &[
                right(look, usd, amounts),
                piece(look, "  "),
                left(look, text, name),
                piece(look, "  "),
                left(look, read, 10),
                piece(look, "  "),
                piece(look, scope),
            ],
        );
    };
    line(
        page,
        Look::Faint,
        "saves",
        "secret",
        "last read",
        "account, Region",
    );
    for (usd, row) in rows.iter().take(options.top) {
        let scope = format!("{} {}", row.account, row.region);
        line(
            page,
            Look::Usual,
            &usd.dollars(),
            &row.name,
            &last_read(row),
            &scope,
        );
    }
    more(page, rows.len(), options, "secrets.csv");
    page.line(
        4,
        &[piece(
            Look::Usual,
            "Next, write the list of deletions for review (it deletes nothing):",
        )],
    );
    let folder = options
        .folder
        .as_deref()
        .map_or_else(|| "DIR".to_owned(), words::shell);
    page.paragraph(6, Look::Good, &format!("secretsweep plan {folder}"));
}

/// What each secret costs together with the replicas that go with it.
fn with_replicas(report: &Report) -> HashMap<&SecretArn, Money> {
    let mut costs: HashMap<&SecretArn, Money> = HashMap::new();
    for row in &report.secrets {
        *costs
            .entry(row.replica_of.as_ref().unwrap_or(&row.arn))
            .or_default() += row.cost.known();
    }
    costs
}

/// The day that a person would ask for: when the secret was last read, by whatever is known.
fn last_read(row: &SecretRow) -> String {
    row.last_accessed
        .map_or_else(|| "never".to_owned(), |day| day.to_string())
}

fn scope_words(scope: &ScopeRow) -> String {
    format!("{} {}", scope.account, scope.region)
}

/// How many secrets each deciding reason holds for, most first, in plain words.
fn by_reason<'a>(page: &mut Page, report: &Report, rows: impl Iterator<Item = &'a SecretRow>) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        let code = row
            .reasons
            .first()
            .map_or("", |reason| reason.code.as_str());
        *counts.entry(code).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(code, count)| (std::cmp::Reverse(count), code));
    let columns = counts
        .iter()
        .map(|(_, count)| thousands(*count).len())
        .max()
        .unwrap_or(0);
    for (code, count) in counts {
        let phrase = words::reason(code, &report.policy).unwrap_or_else(|| code.to_owned());
        let mark = format!("{:>columns$}  ", thousands(count));
        page.item(4, &mark, Look::Usual, &phrase);
    }
}

fn hot_loops(page: &mut Page, report: &Report, options: &Options) {
    let count = report.loops.len();
    if count == 0 {
        return;
    }
    page.line(
        2,
        &[
            piece(Look::Good, report.totals.savings_loops_usd.dollars()),
            piece(
                Look::Strong,
                format!("  mend {}", number(count as u64, "hot loop")),
            ),
            piece(Look::Usual, " (the same secret fetched again and again)"),
        ],
    );
    for found in report.loops.iter().take(options.top) {
        hot_loop(page, found);
    }
    more(page, count, options, "findings.csv");
}

fn hot_loop(page: &mut Page, found: &LoopRow) {
    let usd = found
        .avoidable_usd_month
        .map_or_else(|| "unknown".to_owned(), Money::dollars);
    let place = [
        found.account.as_ref().map(ToString::to_string),
        found.region.as_ref().map(ToString::to_string),
    ];
    let place: Vec<_> = place.into_iter().flatten().collect();
    let missing = if found.arn.is_none() {
        " (no such secret)"
    } else {
        ""
    };
    let place = format!("  {}", place.join(" "));
    let room = page::COLUMNS.saturating_sub(4 + usd.len() + 2 + missing.len() + place.len());
    page.line(
        4,
        &[
            piece(Look::Good, usd),
            piece(Look::Usual, "  "),
            piece(Look::Strong, super::escape::fit(&found.name, room)),
            piece(Look::Usual, missing),
            piece(Look::Faint, place),
        ],
    );
    let clients = if found.clients == 1 {
        String::new()
    } else {
        format!(" from {}", number(found.clients, "client"))
    };
    let reader = words::reader(
        &found.reader,
        found
            .account
            .as_ref()
            .map(crate::domain::names::AccountId::as_str),
    );
    let text = format!(
        "{reader} ({}) calls {} every {}{clients}: {} times a month, {} of them needless.",
        found.client,
        found.what,
        words::interval(found.interval_s),
        thousands(found.reads_month),
        thousands(found.avoidable_calls_month)
    );
    page.paragraph(6, Look::Usual, &text);
    page.paragraph(6, Look::Usual, &found.advice);
}

fn attention(page: &mut Page, report: &Report, options: &Options) {
    let reviews = of_verdict(report, Verdict::Review);
    if reviews.is_empty() && report.findings.is_empty() {
        return;
    }
    page.heading("LOOK AT");
    if !reviews.is_empty() {
        let count = reviews.len() as u64;
        let text = format!(
            "{} {} idle, but a person has to decide:",
            number(count, "secret"),
            agree(count, "looks", "look")
        );
        page.line(2, &[piece(Look::Strong, text)]);
        by_reason(page, report, reviews.into_iter());
    }
    if !report.findings.is_empty() {
        findings(page, report, options);
    }
}

fn findings(page: &mut Page, report: &Report, options: &Options) {
    let of = |severity| {
        report
            .findings
            .iter()
            .filter(|row| row.severity == severity)
            .count() as u64
    };
    let counts: Vec<_> = [Severity::High, Severity::Medium, Severity::Low]
        .into_iter()
        .filter(|&severity| of(severity) > 0)
        .map(|severity| format!("{} {}", thousands(of(severity)), severity.as_str()))
        .collect();
    let text = format!(
        "{}: {}",
        number(report.findings.len() as u64, "finding"),
        counts.join(", ")
    );
    page.line(2, &[piece(Look::Strong, text)]);

    // One line a code: twelve secrets without rotation are one thing to know.
    let mut codes: BTreeMap<(Severity, &str), Vec<&FindingRow>> = BTreeMap::new();
    for row in &report.findings {
        codes
            .entry((row.severity, row.code.as_str()))
            .or_default()
            .push(row);
    }
    for ((severity, code), rows) in codes.iter().take(options.top) {
        let look = match severity {
            Severity::High => Look::Bad,
            Severity::Medium => Look::Warning,
            Severity::Low => Look::Usual,
        };
        let times = if rows.len() == 1 {
            String::new()
        } else {
            format!(" ×{}", thousands(rows.len() as u64))
        };
        let name = rows[0].name.as_str();
        page.line(
            4,
            &[
                left(look, severity.as_str(), 8),
                piece(Look::Strong, super::escape::fit(code, 24)),
                piece(Look::Usual, times),
                piece(Look::Usual, if name.is_empty() { "" } else { "  " }),
                piece(Look::Usual, name),
            ],
        );
        page.paragraph(12, Look::Faint, &rows[0].text);
    }
    let shown: usize = codes.values().take(options.top).map(|_| 1).sum();
    if shown < codes.len() {
        let text = format!(
            "and {} more in findings.csv",
            number((codes.len() - shown) as u64, "kind")
        );
        page.line(4, &[piece(Look::Faint, text)]);
    }
    page.line(
        4,
        &[piece(
            Look::Faint,
            "`secretsweep rules CODE` explains a code and how to fix it",
        )],
    );
}

fn unseen(page: &mut Page, report: &Report, options: &Options) {
    let holes: Vec<_> = report
        .scopes
        .iter()
        .filter(|scope| !scope.trail.complete || scope.inventory != "read")
        .collect();
    if holes.is_empty() && report.gaps.is_empty() {
        page.heading("NOTHING WAS MISSED");
        let text = format!(
            "The trail covers {} everywhere.",
            words::length(&report.evidence)
        );
        page.paragraph(2, Look::Usual, &text);
        return;
    }
    page.heading("WHAT COULD NOT BE SEEN");
    if !holes.is_empty() {
        coverage(page, report, &holes, options);
    }
    for gap in report.gaps.iter().take(options.top) {
        let place: Vec<_> = [
            gap.account.as_ref().map(ToString::to_string),
            gap.region.as_ref().map(ToString::to_string),
        ]
        .into_iter()
        .flatten()
        .collect();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!("{}: ", place.join(" "))
        };
        page.item(
            2,
            "- ",
            Look::Usual,
            &format!("{place}{}: {}: {}", gap.source, gap.what, gap.why),
        );
    }
    more(page, report.gaps.len(), options, "report.json");
}

fn coverage(page: &mut Page, report: &Report, holes: &[&ScopeRow], options: &Options) {
    let scopes = report.scopes.len() as u64;
    let whole = scopes - holes.len() as u64;
    let text = format!(
        "The trail covers {} of {} account Regions in full. The others, least first:",
        thousands(whole),
        thousands(scopes)
    );
    page.paragraph(2, Look::Usual, &text);
    let mut holes = holes.to_vec();
    holes.sort_by_key(|scope| {
        (
            scope.trail.evidence_covered_hours,
            &scope.account,
            &scope.region,
        )
    });
    for scope in holes.iter().take(options.top) {
        page.line(
            4,
            &[
                left(Look::Usual, &scope_words(scope), 32),
                piece(Look::Warning, covered(scope)),
            ],
        );
    }
    more(page, holes.len(), options, "report.json");
}

/// How much of the evidence span is covered. Hours that are covered are never rounded up to a day, so that what is not
/// whole does not look whole.
fn covered(scope: &ScopeRow) -> String {
    let trail = &scope.trail;
    let expected = trail.evidence_expected_hours.div_ceil(24);
    let covered = trail.evidence_covered_hours / 24;
    let mut text = if trail.evidence_covered_hours == 0 {
        format!("0 of {}: no trail", words::days(expected))
    } else {
        format!("{covered} of {}", words::days(expected))
    };
    if scope.inventory != "read" {
        text.push_str(", no inventory");
    }
    text
}

fn assumptions(page: &mut Page, report: &Report) {
    if report.assumptions.is_empty() {
        return;
    }
    page.heading("ASSUMED");
    for assumption in &report.assumptions {
        page.item(2, "- ", Look::Faint, assumption);
    }
}

fn files(page: &mut Page, options: &Options) {
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
                piece(Look::Faint, words::file(name)),
            ],
        );
    }
}

fn more(page: &mut Page, rows: usize, options: &Options, file: &str) {
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
    fn colour_changes_nothing_but_the_looks() {
        let coloured = Options {
            style: Style::Colour,
            ..options()
        };
        let coloured = summary(&sample::report(), &coloured);
        assert!(coloured.contains('\u{1b}'));
        let mut bare = String::new();
        for (place, part) in coloured.split('\u{1b}').enumerate() {
            let after = part.find('m').map_or(0, |end| end + 1);
            bare.push_str(if place == 0 { part } else { &part[after..] });
        }
        assert_eq!(bare, summary(&sample::report(), &options()));
    }

    proptest! {
        #[test]
        fn any_text_keeps_to_its_lines(text in sample::any_text(), top in 0_usize..4) {
            let options = Options {
                top,
                folder: Some(text.clone()),
                files: vec![text.clone()],
                group: Some(Grouping::Prefix),
                ..Options::default()
            };
            let shown = summary(&sample::filled(&text), &options);
            for line in shown.split('\n') {
                prop_assert!(escape::width(line) <= 80, "{line:?}");
                prop_assert_eq!(&escape::one_line(line), line);
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
