//! The sections below the key figures: most expensive secrets, hot loops, idle secrets by age, findings, coverage gaps.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::base::finding_kinds::{FindingKind, Severity};
use crate::domain::base::money::{Money, thousands};
use crate::domain::base::names::SecretArn;
use crate::domain::report::result::{
    FindingRow, InventoryState, LoopRow, LoopShape, Report, SecretRow,
};
use crate::domain::report::sums;
use crate::domain::report::verdict::Verdict;
use crate::report::escape::one_line;
use crate::report::format::percent;
use crate::report::format::{day, money_or_unknown};
use crate::report::ranking;

use crate::report::text::phrases::{self, number};

/// How many of the most expensive secrets are shown.
const MOST_EXPENSIVE: usize = 10;
/// How many loops are shown.
const LOOPS: usize = 8;
/// How many examples a kind of finding shows.
const EXAMPLES: usize = 8;
/// How many gaps are shown.
const GAPS: usize = 100;
/// The most days that a picture of calls a day shows; a longer window shows its last ones.
const DAYS: usize = 93;
/// Height of the picture of calls a day, in its own units.
const HEIGHT: u64 = 100;

/// One of the most expensive secrets.
#[derive(Serialize)]
pub(crate) struct ExpensiveSecret {
    place: usize,
    name: String,
    scope: String,
    owner: String,
    verdict: &'static str,
    cost: String,
    storage: String,
    calls: String,
    storage_width: String,
    calls_width: String,
    alt: String,
}

/// The secrets that cost most, the most expensive first.
pub(crate) fn most_expensive(report: &Report) -> Vec<ExpensiveSecret> {
    let mut rows: Vec<(usize, &SecretRow)> = report.secrets.iter().enumerate().collect();
    rows.sort_by(|(_, a), (_, b)| (b.cost.known(), &a.arn).cmp(&(a.cost.known(), &b.arn)));
    let most = rows
        .first()
        .map_or(Money::ZERO, |(_, row)| row.cost.known());
    let shown = |&(place, row): &(usize, &SecretRow)| {
        let storage = row.cost.storage_usd.unwrap_or_default();
        let counted = row.cost.api_usd.is_some() || row.cost.kms_usd.is_some();
        let calls = row.cost.known() - storage;
        let calls_text = money_or_unknown(counted.then_some(calls));
        ExpensiveSecret {
            place,
            name: one_line(&row.name),
            scope: row.scope().to_string(),
            owner: row
                .owner
                .as_deref()
                .map_or_else(|| "no owner tag".to_owned(), one_line),
            verdict: row.verdict.as_str(),
            cost: money_or_unknown(row.cost.total_usd),
            storage: money_or_unknown(row.cost.storage_usd),
            alt: format!(
                "{} for storage, {calls_text} for calls",
                money_or_unknown(row.cost.storage_usd)
            ),
            calls: calls_text,
            storage_width: percent(storage.0, most.0),
            calls_width: percent(calls.0, most.0),
        }
    };
    rows.iter()
        .filter(|(_, row)| row.cost.known() > Money::ZERO)
        .take(MOST_EXPENSIVE)
        .map(shown)
        .collect()
}

/// The hot loops.
#[derive(Serialize)]
pub(crate) struct LoopsView {
    shown: Vec<LoopView>,
    more: String,
    /// That others go with their secrets.
    going: Option<String>,
    /// What stands there where there is none.
    none: &'static str,
}

#[derive(Serialize)]
struct LoopView {
    place: Option<usize>,
    name: String,
    scope: String,
    reader: String,
    client: String,
    rate: String,
    /// How sure the numbers are, if they come from a sample.
    sure: String,
    saves: String,
    advice: Vec<Word>,
    days: DaysChart,
}

/// A piece of a sentence.
#[derive(Serialize)]
struct Word {
    text: String,
    /// It stood between backticks: a setting, a command.
    code: bool,
}

/// A sentence cut at its backticks.
fn words_of(sentence: &str) -> Vec<Word> {
    let sentence = one_line(sentence);
    let pieces = sentence.split('`').enumerate();
    pieces
        .filter(|(_, text)| !text.is_empty())
        .map(|(place, text)| Word {
            text: text.to_owned(),
            code: place % 2 == 1,
        })
        .collect()
}

/// A picture of calls a day.
#[derive(Serialize)]
struct DaysChart {
    alt: String,
    first: String,
    last: String,
    most: String,
    width: usize,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Bar {
    x: usize,
    y: u64,
    height: u64,
}

/// The loops that waste most.
pub(crate) fn loops(report: &Report) -> LoopsView {
    let places: HashMap<&SecretArn, usize> = report
        .secrets
        .iter()
        .enumerate()
        .map(|(place, row)| (&row.arn, place))
        .collect();
    let loops = sums::loops(report);
    let rest = loops.len().saturating_sub(LOOPS);
    let is_read = report.trail_hours().0 > 0 || report.totals.estimate.is_some();
    LoopsView {
        none: if is_read {
            "No caller exceeds the thresholds for a hot loop. Less frequent or cheaper repeated calls are not listed."
        } else {
            "Not known: no trail covers the window."
        },
        going: phrases::going(report, &loops),
        shown: loops
            .iter()
            .take(LOOPS)
            .map(|row| {
                let place = row.arn.as_ref().and_then(|arn| places.get(arn)).copied();
                loop_of(report, row, place)
            })
            .collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("{} more in findings.csv", thousands(rest as u64))
        },
    }
}

fn loop_of(report: &Report, row: &LoopRow, place: Option<usize>) -> LoopView {
    let home = row.account.as_ref().map(ToString::to_string);
    let place_text = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let clients = format!("{}{}", row.clients_bound(), number(row.clients, "client"));
    LoopView {
        place,
        name: one_line(phrases::subject(row).0),
        scope: format!(
            "{} {}",
            place_text(home.clone()),
            place_text(row.region.as_ref().map(ToString::to_string))
        ),
        reader: one_line(&phrases::reader(&row.reader, home.as_deref())),
        client: format!("{}, {}", row.kind.as_str(), one_line(&row.client)),
        rate: format!(
            "{} {} {} per month from {clients}{}{}",
            thousands(row.reads_month),
            one_line(&row.what),
            phrases::agree(row.reads_month, "call", "calls"),
            row.interval_s.map_or_else(String::new, |seconds| {
                let when = if row.estimate.is_some() {
                    "while it calls"
                } else {
                    "at the peak"
                };
                format!("; every {} {when}", phrases::interval(seconds))
            }),
            match row.shape {
                LoopShape::Unknown => String::new(),
                known => format!("; {}", known.as_str()),
            }
        ),
        sure: phrases::how_sure(row).map_or_else(String::new, |sure| format!("Estimate {sure}")),
        saves: phrases::saving(row),
        advice: words_of(&row.advice),
        days: days(report, &row.days),
    }
}

fn days(report: &Report, calls: &BTreeMap<Date, u64>) -> DaysChart {
    let first = report.window.from.to_zoned(TimeZone::UTC).date();
    let last = report.window.to.to_zoned(TimeZone::UTC);
    // The window ends before `to`: a `to` at midnight belongs to the day before.
    let midnight = last.time() == jiff::civil::Time::midnight();
    let mut shown: Vec<Date> = first
        .series(jiff::ToSpan::day(1))
        .take_while(|day| *day < last.date() || (*day == last.date() && !midnight))
        .take(4_000)
        .collect();
    shown.drain(..shown.len().saturating_sub(DAYS));
    let of = |day: &Date| calls.get(day).copied().unwrap_or(0);
    let most = shown.iter().map(of).max().unwrap_or(0);
    let fewest = shown.iter().map(of).min().unwrap_or(0);
    let bars = shown.iter().enumerate().map(|(place, day)| {
        let part = u128::from(of(day)) * u128::from(HEIGHT) / u128::from(most.max(1));
        let mut height = u64::try_from(part).unwrap_or(HEIGHT);
        if of(day) > 0 {
            height = height.max(2);
        }
        Bar {
            x: place * 10,
            y: HEIGHT - height,
            height,
        }
    });
    let text = |place: Option<&Date>| place.map_or_else(String::new, |date| day(*date));
    DaysChart {
        bars: bars.collect(),
        width: shown.len() * 10,
        alt: format!(
            "Calls a day from {} to {}: {} at least, {} at most",
            text(shown.first()),
            text(shown.last()),
            thousands(fewest),
            thousands(most)
        ),
        first: shown
            .first()
            .map_or_else(String::new, |day| day.strftime("%-d %b").to_string()),
        last: shown
            .last()
            .map_or_else(String::new, |day| day.strftime("%-d %b").to_string()),
        most: thousands(most),
    }
}

/// Secrets by the days since their last use.
#[derive(Serialize)]
pub(crate) struct Idle {
    rows: Vec<Age>,
    limit: u32,
}

#[derive(Default, Serialize)]
struct Age {
    label: &'static str,
    #[serde(serialize_with = "with_separators")]
    secrets: u64,
    #[serde(serialize_with = "with_separators")]
    delete: u64,
    #[serde(serialize_with = "with_separators")]
    review: u64,
    #[serde(serialize_with = "with_separators")]
    keep: u64,
    cost: String,
    alt: String,
    delete_width: String,
    review_x: String,
    review_width: String,
    keep_x: String,
    keep_width: String,
}

/// Ages in days: from the first, up to and without the second.
const AGES: &[(&str, u32, u32)] = &[
    ("under 30 days", 0, 30),
    ("30 to 89 days", 30, 90),
    ("90 to 179 days", 90, 180),
    ("180 to 364 days", 180, 365),
    ("1 to 2 years", 365, 731),
    ("over 2 years", 731, u32::MAX),
];

/// All secrets that are not pending deletion, by the days since their last use.
pub(crate) fn idle(report: &Report) -> Idle {
    let live = || report.secrets.iter().filter(|row| row.deleted.is_none());
    let mut rows: Vec<Age> = AGES
        .iter()
        .map(|&(label, from, to)| {
            age(
                label,
                live().filter(|row| row.idle_days.is_some_and(|days| days >= from && days < to)),
            )
        })
        .collect();
    let unknown = age("no use seen", live().filter(|row| row.idle_days.is_none()));
    if unknown.secrets > 0 {
        rows.push(unknown);
    }
    let most =
        i64::try_from(rows.iter().map(|row| row.secrets).max().unwrap_or(0)).unwrap_or(i64::MAX);
    for row in &mut rows {
        let width = |count: u64| percent(i64::try_from(count).unwrap_or(i64::MAX), most);
        row.delete_width = width(row.delete);
        row.review_x = width(row.delete);
        row.review_width = width(row.review);
        row.keep_x = width(row.delete + row.review);
        row.keep_width = width(row.keep);
    }
    Idle {
        rows,
        limit: report.policy.idle_days,
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn with_separators<S: serde::Serializer>(count: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&thousands(*count))
}

fn age<'a>(label: &'static str, rows: impl Iterator<Item = &'a SecretRow> + Clone) -> Age {
    let mut age = Age {
        label,
        ..Age::default()
    };
    age.cost = money_or_unknown(sums::sum(rows.clone().map(|row| row.cost.total_usd)));
    for row in rows {
        age.secrets += 1;
        match row.verdict {
            Verdict::Delete => age.delete += 1,
            Verdict::Review => age.review += 1,
            Verdict::Keep => age.keep += 1,
        }
    }
    age.alt = format!(
        "{label}: {}, {} to delete, {} to review, {} to keep",
        number(age.secrets, "secret"),
        age.delete,
        age.review,
        age.keep
    );
    age
}

/// Findings by their code.
#[derive(Serialize)]
pub(crate) struct Findings {
    kinds: Vec<FindingsOfKind>,
    total: String,
    /// What is not shown; empty: all is.
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

/// How many findings are of high severity.
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

/// What could not be seen.
#[derive(Serialize)]
pub(crate) struct Unseen {
    gaps: Vec<GapView>,
    more: String,
    scopes: Vec<ScopeView>,
    /// How many accounts and Regions the trail covers in full; they are not listed.
    complete: String,
}

#[derive(Serialize)]
struct GapView {
    place: String,
    source: String,
    what: String,
    why: String,
}

#[derive(Serialize)]
struct ScopeView {
    place: String,
    inventory: String,
    secrets: String,
    covered: String,
    width: String,
    alt: String,
}

/// Gaps, and the accounts and Regions that the trail does not cover in full.
pub(crate) fn unseen(report: &Report) -> Unseen {
    let gaps = report.gaps.iter().take(GAPS).map(|gap| {
        let parts = [
            gap.account.as_ref().map(ToString::to_string),
            gap.region.as_ref().map(ToString::to_string),
        ];
        let place: Vec<String> = parts.into_iter().flatten().collect();
        GapView {
            place: if place.is_empty() {
                "everywhere".to_owned()
            } else {
                place.join(" ")
            },
            source: one_line(gap.source.as_str()),
            what: one_line(&gap.what),
            why: one_line(&gap.why),
        }
    });
    let rest = report.gaps.len().saturating_sub(GAPS);
    let holed = report
        .scopes
        .iter()
        .filter(|row| !row.trail.complete || row.inventory != InventoryState::Read);
    let scopes = holed.take(GAPS).map(|row| {
        let (covered, expected) = (row.trail.covered_hours, row.trail.expected_hours);
        let place = format!("{} {}", row.account, row.region);
        let text = format!(
            "{} of {} hours",
            thousands(u64::from(covered)),
            thousands(u64::from(expected))
        );
        ScopeView {
            alt: format!("{place}: the trail covers {text}"),
            place,
            inventory: row.inventory.as_str().to_owned(),
            secrets: thousands(row.secrets),
            covered: text,
            width: percent(i64::from(covered), i64::from(expected)),
        }
    });
    let complete = report
        .scopes
        .iter()
        .filter(|row| row.trail.complete)
        .count();
    Unseen {
        gaps: gaps.collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("and {} more in report.json", number(rest as u64, "gap"))
        },
        scopes: scopes.collect(),
        complete: format!(
            "{} of {} were seen in full.",
            complete,
            number(report.scopes.len() as u64, "account and Region pair")
        ),
    }
}
