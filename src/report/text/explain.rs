//! One secret on one screen: what it costs, who calls, which rules apply, and what would change the verdict.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::Style;
use super::page::{Look, TextPage, left, piece, right};
use super::phrases::{self, number};
use crate::domain::base::money::{Money, thousands};
use crate::domain::judging::rules::RULES;
use crate::domain::report::result::{ReaderRow, Report, SecretRow};
use crate::domain::report::sums::PossibleSavings;
use crate::report::format::utc_day;

/// The number of readers that are shown.
const READERS: usize = 8;

/// The state of a secret in the plan of its scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// No plan was made.
    None,
    /// The plan cannot be read; why.
    Unreadable(String),
    /// The plan has no line for it.
    NotInPlan,
    /// The plan has a line for it.
    Planned {
        /// The decision of the reviewer: the word in the file.
        decision: &'static str,
        /// The record of it in the journal beside the plan: the state, since when, and what else to know.
        journal: Option<(&'static str, Timestamp, String)>,
    },
}

/// The explanation of one secret of a report.
pub fn explain(
    report: &Report,
    row: &SecretRow,
    plan: &PlanState,
    style: Style,
    columns: usize,
) -> String {
    let mut page = TextPage::new(style, columns);
    head(&mut page, row);
    verdict(&mut page, row);
    cost(&mut page, report, row);
    readers(&mut page, row);
    may_read(&mut page, report, row);
    findings(&mut page, report, row);
    plan_state(&mut page, plan);
    page.finish()
}

fn head(page: &mut TextPage, row: &SecretRow) {
    page.line(0, &[piece(Look::Strong, &row.name)]);
    page.paragraph(0, Look::Faint, row.arn.as_str());
    let owner = row.owner.as_deref().map_or_else(
        || "no owner tag".to_owned(),
        |owner| format!("owner {owner}"),
    );
    let created = row.created.map_or_else(
        || "creation date not known".to_owned(),
        |created| format!("created {}", utc_day(created)),
    );
    page.paragraph(0, Look::Usual, &format!("{owner}; {created}"));
    if let Some(description) = &row.description {
        page.paragraph(0, Look::Faint, description);
    }
}

/// Every reason with what can be done about it: the first ones decide.
fn verdict(page: &mut TextPage, row: &SecretRow) {
    page.heading(&format!("VERDICT: {}", row.verdict.as_str()));
    for reason in &row.reasons {
        let known = RULES.iter().find(|rule| rule.code == reason.code);
        let says = known.map_or("", |rule| rule.verdict.as_str());
        page.line(
            2,
            &[
                left(Look::Strong, reason.code.as_str(), 20),
                piece(Look::Faint, says),
            ],
        );
        page.paragraph(4, Look::Usual, &reason.text);
        if let Some(rule) = known.filter(|rule| rule.verdict == row.verdict) {
            page.item(4, "What to do: ", Look::Faint, rule.fix);
        }
    }
    let idle = row.idle_days.map_or_else(
        || "The last use is not known".to_owned(),
        |days| format!("The last use was {} ago", number(u64::from(days), "day")),
    );
    let by = match (&row.last_consumer, row.last_consumer_read) {
        (Some(reader), Some(at)) => format!(
            ", by {} on {}",
            phrases::reader(reader, Some(row.account.as_str())),
            utc_day(at)
        ),
        _ => String::new(),
    };
    let text = format!(
        "{idle}{by}. The trail covers {}.",
        number(u64::from(row.evidence_days), "day")
    );
    page.paragraph(2, Look::Usual, &text);
}

fn cost(page: &mut TextPage, report: &Report, row: &SecretRow) {
    page.heading("COST PER MONTH (estimate)");
    let saving = PossibleSavings::new(report).of(row);
    let saves = saving.by_deleting + saving.by_mending;
    let mut lines = vec![
        ("Storage", row.cost.storage_usd),
        ("API calls", row.cost.api_usd),
        ("KMS", row.cost.kms_usd),
        ("Total", row.cost.total_usd),
    ];
    if saves > Money::ZERO {
        lines.push(("Can be saved", Some(saves)));
    }
    for (label, usd) in lines {
        let amount = phrases::usd(usd);
        let pieces = [
            left(Look::Usual, label, 14),
            right(Look::Usual, &amount, 10),
        ];
        page.line(2, &pieces);
    }
    if !row.replicas.is_empty() {
        let regions: Vec<String> = row.replicas.iter().map(ToString::to_string).collect();
        let text = format!("Its replicas in {} cost extra.", phrases::listed(&regions));
        page.paragraph(2, Look::Faint, &text);
    }
}

fn readers(page: &mut TextPage, row: &SecretRow) {
    page.heading("WHO CALLS");
    let mut readers: Vec<&ReaderRow> = row.readers.iter().collect();
    readers.sort_by_key(|reader| (Reverse(reader.last), &reader.reader, &reader.client));
    if readers.is_empty() {
        let text = if row.evidence_days > 0 {
            "No calls were seen."
        } else {
            "It is not known: no trail covers this account and Region."
        };
        page.paragraph(2, Look::Usual, text);
    }
    for reader in readers.iter().take(READERS) {
        let name = phrases::reader(&reader.reader, Some(row.account.as_str()));
        page.line(
            2,
            &[
                piece(Look::Strong, name),
                piece(
                    Look::Faint,
                    format!("  {}, {}", reader.kind.as_str(), reader.client),
                ),
            ],
        );
        let text = phrases::seen_calls(reader);
        page.paragraph(4, Look::Usual, &text);
    }
    let rest = readers.len().saturating_sub(READERS) as u64;
    if rest > 0 {
        let text = format!("and {} more in readers.csv", thousands(rest));
        page.line(2, &[piece(Look::Faint, text)]);
    }
}

/// Adds to the page who may read it, where IAM data was given.
fn may_read(page: &mut TextPage, report: &Report, row: &SecretRow) {
    let all = report.reach.iter().flat_map(|reach| &reach.secrets);
    let Some(reach) = all.into_iter().find(|reach| reach.arn == row.arn) else {
        return;
    };
    page.heading("WHO MAY READ");
    for (label, count) in [
        ("may read it", reach.may_read),
        ("may read it under conditions", reach.conditional),
        ("may read it or not: not known", reach.unknown),
        ("have read it", reach.did_read),
        ("may change it", reach.may_change),
        ("may delete it", reach.may_delete),
    ] {
        let pieces = [
            left(Look::Usual, label, 30),
            right(Look::Usual, &thousands(count), 6),
        ];
        page.line(2, &pieces);
    }
    let home = Some(row.account.as_str());
    let first = reach.never_read_by.iter().take(READERS);
    let mut names: Vec<String> = first.map(|one| phrases::reader(one, home)).collect();
    let may = reach.may_read + reach.conditional + reach.unknown;
    let rest = may.saturating_sub(reach.did_read + names.len() as u64);
    if rest > 0 {
        names.push(format!("{} more", thousands(rest)));
    }
    if !names.is_empty() {
        let text = phrases::listed(&names);
        page.item(2, "These may read it and have not: ", Look::Faint, &text);
    }
}

fn findings(page: &mut TextPage, report: &Report, row: &SecretRow) {
    let here = report.findings.iter();
    let here: Vec<_> = here
        .filter(|found| found.arn.as_ref() == Some(&row.arn))
        .collect();
    if here.is_empty() {
        return;
    }
    page.heading("FINDINGS");
    for found in here {
        page.line(2, &[piece(Look::Strong, found.code.as_str())]);
        page.paragraph(4, Look::Usual, &found.text);
    }
}

/// Adds to the page its state in the plan.
fn plan_state(page: &mut TextPage, plan: &PlanState) {
    page.heading("PLAN");
    let text = match plan {
        PlanState::None => "No plan was made from this scan.".to_owned(),
        PlanState::Unreadable(why) => format!("The plan cannot be read: {why}."),
        PlanState::NotInPlan => "The plan of this scan does not list this secret.".to_owned(),
        PlanState::Planned { decision, journal } => match journal {
            None => format!(
                "The plan says `{decision}`. The journal beside it has nothing about this secret."
            ),
            Some((state, since, note)) => {
                let note = match note.as_str() {
                    "" => String::new(),
                    note => format!(" ({note})"),
                };
                format!(
                    "The plan says `{decision}`. The journal says: {state} since {}{note}.",
                    utc_day(*since)
                )
            }
        },
    };
    page.paragraph(2, Look::Usual, &text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_secret_of_the_sample() {
        let report = sample::report();
        let text: Vec<String> = report
            .secrets
            .iter()
            .filter(|row| ["payments/api-key", "legacy/db"].contains(&row.name.as_str()))
            .map(|row| explain(&report, row, &PlanState::None, Style::Plain, 80))
            .collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn it_fits_one_screen() {
        let report = crate::domain::fixture::report(200);
        for row in &report.secrets {
            let text = explain(&report, row, &PlanState::None, Style::Plain, 80);
            assert!(text.lines().count() <= 50, "{text}");
        }
    }
}
