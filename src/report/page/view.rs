//! What the template shows, as text that is ready to be shown: key figures and the steps to take.
//!
//! Nothing is judged here. Sums are the report's own, or those of `summary.csv`.

use crate::report::format::{day, moment, money, share, utc_day};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::bill::{self, BillView};
use super::change::{self, Changes};
use super::estimated::{self, Estimated};
use super::payers::{self, Payers};
use super::reach::{self, ReachView};
use super::sections;
use super::sections::finding_list::{self, Findings};
use super::sections::idle_ages::{self, Idle};
use super::sections::loop_list::{self, LoopsView};
use super::sections::unseen::{self, Unseen};
use super::shares::{self, Shares};
use super::unattributed::{self, UnattributedSection};
use crate::compare::Comparison;
use crate::domain::base::money::{Money, thousands};
use crate::domain::base::month::Month;
use crate::domain::base::span::Span;
use crate::domain::pricing::bill::Reconciliation;
use crate::domain::report::result::Report;
use crate::domain::report::sums::{self, KnownSums};
use crate::domain::report::verdict::Verdict;
use crate::report::escape::one_line;
use crate::report::estimates::dollars;
use crate::report::format::percent;
use crate::report::text::phrases::{maker, number, storage_alone, usd};

/// Everything that the template shows.
#[derive(Serialize)]
pub(crate) struct PageView {
    title: String,
    period: String,
    scope: String,
    made: String,
    tool: String,
    figures: Vec<Figure>,
    /// The parts of the money: what stays, what deleting saves, what mending saves.
    future: BarView,
    /// Storage, API, KMS.
    parts: BarView,
    caveats: Vec<CaveatView>,
    steps: Vec<NextStep>,
    changes: Option<Changes>,
    bill: Option<BillView>,
    payers: Vec<Payers>,
    shares: Option<Shares>,
    estimated: Option<Estimated>,
    most_expensive: Vec<sections::ExpensiveSecret>,
    loops: LoopsView,
    unattributed: UnattributedSection,
    idle: Idle,
    findings: Findings,
    reach: Option<ReachView>,
    unseen: Unseen,
    assumptions: Vec<String>,
    policy: String,
    secrets: String,
}

/// A big number.
#[derive(Serialize)]
struct Figure {
    label: &'static str,
    value: String,
    note: String,
    class: &'static str,
}

/// A bar of parts with its legend.
#[derive(Serialize)]
pub(crate) struct BarView {
    alt: String,
    parts: Vec<BarPart>,
}

#[derive(Serialize)]
struct BarPart {
    class: &'static str,
    label: String,
    value: String,
    x: String,
    width: String,
}

/// A sentence that limits what the numbers say.
#[derive(Serialize)]
struct CaveatView {
    text: String,
    link: Option<&'static str>,
}

/// One thing to do next.
#[derive(Serialize)]
struct NextStep {
    what: String,
    how: String,
    worth: String,
    link: &'static str,
    /// The link shows the secrets of this verdict alone.
    verdict: Option<&'static str>,
}

/// Reads the view from a report.
pub(crate) fn page(
    report: &Report,
    previous: Option<&Comparison>,
    bill: Option<&Reconciliation>,
) -> PageView {
    let totals = &report.totals;
    let known = sums::known(report);
    let (accounts, regions) = report.accounts_and_regions();
    PageView {
        title: format!("Secrets Manager: {}", period(report)),
        period: period(report),
        scope: if totals.secrets == 0 {
            "No secrets".to_owned()
        } else {
            format!(
                "{} in {} and {}",
                number(totals.secrets, "secret"),
                number(accounts as u64, "account"),
                number(regions as u64, "Region")
            )
        },
        made: moment(report.made),
        tool: one_line(&maker(report)),
        figures: figures(report, &known),
        future: future(report, &known),
        parts: parts(report, &known),
        caveats: caveats(report),
        steps: steps(report, &known),
        changes: previous.map(change::changes),
        bill: bill.map(bill::bill),
        payers: payers::payers(report, &known),
        shares: shares::shares(report),
        estimated: estimated::estimated(report),
        most_expensive: sections::most_expensive(report),
        loops: loop_list::loops(report),
        unattributed: unattributed::unattributed(report),
        idle: idle_ages::idle(report),
        findings: finding_list::findings(report),
        reach: reach::reach(report),
        unseen: unseen::unseen(report),
        assumptions: report
            .assumptions
            .iter()
            .map(|text| one_line(text))
            .collect(),
        policy: policy(report),
        secrets: thousands(totals.secrets),
    }
}

/// The window in words: the month, or its days.
pub(crate) fn period(report: &Report) -> String {
    let month = report.policy.month.as_ref();
    month
        .and_then(|text| text.parse::<Month>().ok())
        .map_or_else(
            || span(&report.window),
            |month| month_name(month.first_day()),
        )
}

fn month_name(day: Date) -> String {
    day.strftime("%B %Y").to_string()
}

/// A span by its first and last day.
pub(crate) fn span(span: &Span) -> String {
    let last = Timestamp::from_second(span.to.as_second() - 1).unwrap_or(span.to);
    let (from, to) = (utc_day(span.from), utc_day(last));
    if from == to {
        return day(from);
    }
    if from.year() == to.year() {
        return format!("{} to {}", from.strftime("%-d %B"), day(to));
    }
    format!("{} to {}", day(from), day(to))
}

fn figures(report: &Report, known: &KnownSums) -> Vec<Figure> {
    let totals = &report.totals;
    let savings = known.savings().of(totals.savings_usd);
    let verdicts = |verdict| totals.verdicts.get(&verdict).copied().unwrap_or(0);
    let partial = totals.unpriced_secrets + totals.uncounted_secrets > 0;
    let rate = if partial {
        "At least, at today's rate"
    } else {
        "At today's rate"
    };
    let window = match &report.policy.month {
        Some(_) => period(report),
        None => format!(
            "The {} of the window",
            crate::report::text::phrases::length(&report.window)
        ),
    };
    let year = Money(totals.savings_usd.0.saturating_mul(12));
    vec![
        Figure {
            label: "Cost per month",
            value: usd(known.cost(totals).total_usd),
            note: format!("{rate}. {window} cost {}.", usd(known.window(totals))),
            class: "cost",
        },
        Figure {
            label: "Can be saved per month",
            value: usd(savings),
            note: if savings.is_some() {
                format!(
                    "{} of the cost. {} per year.",
                    share(totals.savings_usd, totals.cost.total_usd),
                    year.dollars()
                )
            } else {
                "Not known without prices and calls.".to_owned()
            },
            class: "save",
        },
        Figure {
            label: "Secrets to delete",
            value: thousands(verdicts(Verdict::Delete)),
            note: format!(
                "Of {}. {} to review, {} to keep.",
                thousands(totals.secrets),
                thousands(verdicts(Verdict::Review)),
                thousands(verdicts(Verdict::Keep))
            ),
            class: "count",
        },
    ]
}

fn split(what: &str, whole: Money, parts: &[(&'static str, &str, Option<Money>)]) -> BarView {
    let mut start = 0;
    let shown: Vec<BarPart> = parts
        .iter()
        .map(|&(class, label, amount)| {
            let value = amount.map_or_else(
                || "unknown".to_owned(),
                |amount| format!("{} ({})", money(amount), share(amount, whole)),
            );
            let amount = amount.unwrap_or_default();
            let part = BarPart {
                class,
                label: label.to_owned(),
                value,
                x: percent(start, whole.0),
                width: percent(amount.0, whole.0),
            };
            start += amount.0.max(0);
            part
        })
        .collect();
    let listed: Vec<String> = shown
        .iter()
        .map(|part| format!("{} {}", part.label, part.value))
        .collect();
    BarView {
        alt: format!("{what}: {}", listed.join(", ")),
        parts: shown,
    }
}

fn future(report: &Report, known: &KnownSums) -> BarView {
    let totals = &report.totals;
    let stays = totals.cost.total_usd - totals.savings_usd;
    let stays = known.amounts.cost.total_usd.of(stays.max(Money::ZERO));
    let deleting = known.deleting.of(totals.savings_delete_usd);
    let mending = known.mending().of(totals.savings_loops_usd);
    split(
        "Monthly cost",
        totals.cost.total_usd,
        &[
            ("stay", "remains", stays),
            ("delete", "saved by deleting", deleting),
            ("fix", "saved by fixing loops", mending),
        ],
    )
}

fn parts(report: &Report, known: &KnownSums) -> BarView {
    let totals = &report.totals;
    let cost = known.cost(totals);
    split(
        "Monthly cost by type",
        totals.cost.total_usd,
        &[
            ("storage", "storage", cost.storage_usd),
            ("api", "API calls", cost.api_usd),
            ("kms", "KMS requests", cost.kms_usd),
        ],
    )
}

fn caveats(report: &Report) -> Vec<CaveatView> {
    let totals = &report.totals;
    let plain = |text: String| CaveatView { text, link: None };
    let mut caveats = vec![plain(format!(
        "An estimate from {}, not a bill.",
        one_line(&report.policy.prices)
    ))];
    let month = report.policy.month.as_deref().map(str::parse::<Month>);
    if let Some(Ok(month)) = month
        && !month.is_over(report.made)
    {
        caveats.push(plain(
            "The month is not over, so its cost is only the cost so far.".to_owned(),
        ));
    }
    let (covered, expected) = report.trail_hours();
    if covered > 0 {
        let share = share(Money(covered.cast_signed()), Money(expected.cast_signed()));
        let scaled = totals.window_cost.extrapolated_usd;
        let scaled = if scaled > Money::ZERO {
            format!(" {} of what it cost is scaled.", money(scaled))
        } else {
            String::new()
        };
        caveats.push(plain(format!(
            "The trail covers {share} of the window's hours.{scaled}"
        )));
    } else {
        let why = if report.has_trail() {
            "The trail covers none of the window"
        } else {
            "No trail was read"
        };
        caveats.push(plain(format!(
            "{why}: calls and what they cost are unknown."
        )));
    }
    if let Some(range) = totals
        .estimate
        .as_ref()
        .and_then(|found| found.cost.total_usd)
    {
        caveats.push(CaveatView {
            text: format!(
                "Calls are estimated from a sample: the monthly cost is {} with 95 % certainty.",
                dollars(range)
            ),
            link: Some("#estimated"),
        });
    }
    let uncounted = storage_alone(totals);
    if uncounted > 0 {
        caveats.push(plain(format!(
            "The calls of {} could not be counted; their cost is storage alone.",
            number(uncounted, "secret")
        )));
    }
    if totals.unpriced_secrets > 0 {
        caveats.push(plain(format!(
            "The price of {} is unknown and is not included in any total.",
            number(totals.unpriced_secrets, "secret")
        )));
    }
    if totals.pending_usd > Money::ZERO {
        caveats.push(plain(format!(
            "{} per month is already saved: secrets that are pending deletion are free.",
            totals.pending_usd.dollars()
        )));
    }
    if !report.gaps.is_empty() {
        caveats.push(CaveatView {
            text: format!(
                "{} in the coverage.",
                number(report.gaps.len() as u64, "gap")
            ),
            link: Some("#unseen"),
        });
    }
    caveats
}

/// Returns what a step is worth.
fn worth(amount: Option<Money>) -> String {
    amount.map_or_else(
        || "an unknown amount".to_owned(),
        |amount| format!("{} per month", amount.dollars()),
    )
}

fn steps(report: &Report, known: &KnownSums) -> Vec<NextStep> {
    let totals = &report.totals;
    let verdicts = |verdict| totals.verdicts.get(&verdict).copied().unwrap_or(0);
    let mut steps = Vec::new();
    let going = verdicts(Verdict::Delete);
    if going > 0 {
        steps.push(NextStep {
            what: format!("Delete {} that nothing uses", number(going, "secret")),
            how: "secretsweep plan writes the list; every deletion has a recovery window"
                .to_owned(),
            worth: worth(known.deleting.of(totals.savings_delete_usd)),
            link: "#all",
            verdict: Some(Verdict::Delete.as_str()),
        });
    }
    let loops = sums::loops(report);
    if let Some(first) = loops.first() {
        steps.push(NextStep {
            what: format!("Fix {}", number(loops.len() as u64, "hot loop")),
            how: format!("the most expensive one reads {}", one_line(&first.name)),
            worth: worth(known.mending().of(totals.savings_loops_usd)),
            link: "#loops",
            verdict: None,
        });
    }
    if totals.savings_loops_usd > totals.savings_delete_usd {
        steps.reverse();
    }
    let reviewed = verdicts(Verdict::Review);
    if reviewed > 0 {
        let rows = report.secrets.iter();
        let rows = rows.filter(|row| row.verdict == Verdict::Review);
        let cost = sums::sum(rows.map(|row| row.cost.total_usd));
        steps.push(NextStep {
            what: format!(
                "Review {} that only a person can judge",
                number(reviewed, "secret")
            ),
            how: "the table says why for each of them".to_owned(),
            worth: cost.map_or_else(
                || "what they cost is unknown".to_owned(),
                |cost| format!("they cost {} per month", cost.dollars()),
            ),
            link: "#all",
            verdict: Some(Verdict::Review.as_str()),
        });
    }
    let severe = finding_list::severe(report);
    if severe > 0 {
        steps.push(NextStep {
            what: format!("Fix {} of high severity", number(severe, "finding")),
            how: "something is broken, or about to be".to_owned(),
            worth: String::new(),
            link: "#findings",
            verdict: None,
        });
    }
    if !report.gaps.is_empty() {
        steps.push(NextStep {
            what: format!("Fix {}", number(report.gaps.len() as u64, "coverage gap")),
            how: "without coverage no secret is marked for deletion".to_owned(),
            worth: String::new(),
            link: "#unseen",
            verdict: None,
        });
    }
    steps
}

fn policy(report: &Report) -> String {
    let policy = &report.policy;
    let trust = if policy.trust_last_accessed {
        " Where no trail was read, LastAccessedDate alone was trusted."
    } else {
        ""
    };
    format!(
        "A secret is idle if no consumer has used it for {}. Secrets younger than {} are kept. The search for use covers {}.{trust}",
        number(u64::from(policy.idle_days), "day"),
        number(u64::from(policy.young_days), "day"),
        span(&report.evidence),
    )
}
