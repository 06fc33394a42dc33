//! A report as a short message for other people: Markdown for a comment, Block Kit for Slack.
//!
//! Both say the same; each form only escapes and lays it out. Nothing is sent from here.

mod markdown;
mod slack;

pub use markdown::markdown;
pub use slack::slack;

use super::text::costs::budgets;
use super::text::phrases::{self, number};
use super::text::secrets;
use crate::domain::base::finding_kinds::FindingCode;
use crate::domain::base::money::thousands;
use crate::domain::base::names::AccountId;
use crate::domain::report::result::Report;
use crate::domain::report::sums;
use crate::domain::report::verdict::Verdict;

/// The number of rows that each list has: a message is read at a glance, the rest is in the files.
const ROWS: usize = 10;

/// The content of a message. Text of other people is as it was found.
struct Message {
    title: String,
    counts: String,
    /// Labels with amounts; the last is the total.
    costs: Vec<(&'static str, String)>,
    savings: String,
    delete: TopRows<Deletion>,
    loops: TopRows<LoopLine>,
    /// The lines about secrets that need review, and about what was found.
    review: Vec<String>,
    coverage: String,
}

/// The first rows of a list, and how many more there are.
struct TopRows<T> {
    rows: Vec<T>,
    all: usize,
}

impl<T> TopRows<T> {
    /// The sentence about the rows that are left out; `None`: all are here.
    fn rest(&self, file: &str) -> Option<String> {
        let rest = self.all.saturating_sub(self.rows.len()) as u64;
        (rest > 0).then(|| format!("and {} more in {file}", thousands(rest)))
    }
}

struct Deletion {
    saves: String,
    name: String,
    unused: String,
    scope: String,
}

struct LoopLine {
    saves: String,
    name: String,
    caller: String,
    fix: String,
}

impl Message {
    fn new(report: &Report) -> Self {
        let totals = &report.totals;
        let known = sums::known(report);
        let cost = known.cost(totals);
        let of = |verdict| totals.verdicts.get(&verdict).copied().unwrap_or(0);
        let (accounts, regions) = report.accounts_and_regions();
        let span = match &report.policy.month {
            Some(month) => month.clone(),
            None => phrases::between(&report.window),
        };
        Self {
            title: format!(
                "Secrets Manager, {span} ({})",
                phrases::length(&report.window)
            ),
            counts: format!(
                "{} in {} and {}: {} to delete, {} to review, {} to keep.",
                number(totals.secrets, "secret"),
                number(accounts as u64, "account"),
                number(regions as u64, "Region"),
                thousands(of(Verdict::Delete)),
                thousands(of(Verdict::Review)),
                thousands(of(Verdict::Keep)),
            ),
            costs: vec![
                ("Storage", phrases::usd(cost.storage_usd)),
                ("API calls", phrases::usd(cost.api_usd)),
                ("KMS", phrases::usd(cost.kms_usd)),
                ("Total", phrases::usd(cost.total_usd)),
            ],
            savings: savings(report),
            delete: deletions(report),
            loops: loops(report),
            review: budgets(report).into_iter().chain(review(report)).collect(),
            coverage: coverage(report),
        }
    }
}

fn savings(report: &Report) -> String {
    let known = sums::known(report);
    let parts = known.savings();
    match parts.of(report.totals.savings_usd) {
        None => "What can be saved is not known.".to_owned(),
        Some(usd) if parts.unknown > 0 => {
            format!("Save {} per month or more.", usd.dollars())
        }
        Some(usd) => format!("Save up to {} per month.", usd.dollars()),
    }
}

fn deletions(report: &Report) -> TopRows<Deletion> {
    let rows: Vec<_> = report
        .secrets
        .iter()
        .filter(|row| row.verdict == Verdict::Delete)
        .collect();
    let sorted = secrets::by_saving(report, &rows);
    let rows = sorted.iter().take(ROWS).map(|(usd, row)| Deletion {
        saves: phrases::usd(*usd),
        name: row.name.clone(),
        unused: secrets::unused(row),
        scope: format!("{} {}", row.account, row.region),
    });
    TopRows {
        rows: rows.collect(),
        all: sorted.len(),
    }
}

fn loops(report: &Report) -> TopRows<LoopLine> {
    let loops = sums::loops(report);
    let rows = loops.iter().take(ROWS).map(|found| LoopLine {
        saves: phrases::saving(found),
        name: phrases::subject(found).0.to_owned(),
        caller: format!(
            "{}{}",
            phrases::reader(&found.reader, found.account.as_ref().map(AccountId::as_str)),
            phrases::pace(found)
        ),
        fix: found.advice.clone(),
    });
    TopRows {
        rows: rows.collect(),
        all: loops.len(),
    }
}

fn review(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let reviews: Vec<_> = report
        .secrets
        .iter()
        .filter(|row| row.verdict == Verdict::Review)
        .collect();
    if !reviews.is_empty() {
        let reasons = secrets::reasons(&reviews, &report.policy);
        lines.push(format!(
            "{} to review: {}",
            number(reviews.len() as u64, "secret"),
            reasons.join("; ")
        ));
    }
    let mut codes = std::collections::BTreeMap::new();
    for row in &report.findings {
        if row.code != FindingCode::HotLoop {
            *codes.entry((row.severity, &row.code)).or_insert(0_u64) += 1;
        }
    }
    if !codes.is_empty() {
        let total = codes.values().sum();
        let codes: Vec<String> = codes
            .iter()
            .map(|((severity, code), count)| {
                format!(
                    "{} {} ({})",
                    thousands(*count),
                    code.as_str(),
                    severity.as_str()
                )
            })
            .collect();
        lines.push(format!(
            "{}: {}",
            number(total, "finding"),
            codes.join("; ")
        ));
    }
    lines
}

fn coverage(report: &Report) -> String {
    let complete = report.scopes.iter().filter(|scope| scope.trail.complete);
    let gaps = report.gaps.len() as u64;
    let text = format!(
        "The trail is complete for {} of {} accounts and Regions",
        complete.count(),
        report.scopes.len()
    );
    if gaps == 0 {
        format!("{text}.")
    } else {
        format!("{text}; {} in report.json.", number(gaps, "coverage gap"))
    }
}
