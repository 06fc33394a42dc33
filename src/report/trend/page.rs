//! The trend as a page: a bar for each month by part, a line for each of the owners that paid most, and a table beside each.
//!
//! The charts are read without colour: parts have patterns, lines have dashes and their name at the end, and a month without
//! a scan is an empty slot with a word in it.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{OWNERS, counts, forecast_sentences, marks, signed};
use crate::domain::base::money::Money;
use crate::report::escape::one_line;
use crate::trend::{Trend, TrendMonth};

const TEMPLATE: &str = include_str!("trend.html");
const STYLE: &str = include_str!("../page/page.css");

/// Height of a chart's plot, and room above, in units of the drawing.
const PLOT: i64 = 200;
const TOP: i64 = 24;
/// Width of a month, and of its bar.
const STEP: i64 = 64;
const BAR: i64 = 36;
/// Room for the names of lines.
const NAMES: i64 = 190;
/// Dashes of the lines, the first one solid.
const DASHES: [&str; OWNERS] = ["none", "8 4", "2 4", "10 3 2 3", "4 2"];

#[derive(Serialize)]
struct TrendPage {
    title: String,
    bars: Chart,
    lines: Chart,
    months: Vec<MonthRow>,
    owners: GroupTable,
    accounts: GroupTable,
    movers: Vec<MoverRow>,
    forecast: Vec<String>,
    gaps: Vec<String>,
}

/// A drawing.
#[derive(Serialize)]
struct Chart {
    alt: String,
    width: i64,
    height: i64,
    base: i64,
    rects: Vec<Rect>,
    paths: Vec<Path>,
    labels: Vec<Label>,
}

#[derive(Serialize)]
struct Rect {
    class: &'static str,
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    title: String,
}

#[derive(Serialize)]
struct Path {
    points: String,
    dash: &'static str,
}

#[derive(Serialize)]
struct Label {
    x: i64,
    y: i64,
    anchor: &'static str,
    text: String,
}

#[derive(Serialize)]
struct MonthRow {
    month: String,
    cells: Vec<String>,
    mark: String,
}

#[derive(Serialize)]
struct GroupTable {
    months: Vec<String>,
    rows: Vec<GroupRow>,
}

#[derive(Serialize)]
struct GroupRow {
    name: String,
    cells: Vec<String>,
    total: String,
}

#[derive(Serialize)]
struct MoverRow {
    month: String,
    name: String,
    scope: String,
    change: String,
    why: String,
}

/// Renders the page: one file that loads nothing and runs nothing.
///
/// # Errors
/// Only if the template and the view do not fit together, which the tests rule out.
pub fn html(trend: &Trend) -> io::Result<Vec<u8>> {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(STYLE))
    );
    let context = context! {
        page => Value::from(Serde(view(trend))),
        policy => policy,
        style => Value::from_safe_string(STYLE.to_owned()),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Its name makes the engine escape for HTML.
    let page = environment
        .render_named_str("trend.html", TEMPLATE, &context)
        .map_err(io::Error::other)?;
    Ok(page.into_bytes())
}

fn view(trend: &Trend) -> TrendPage {
    let (first, last) = (trend.months.first(), trend.months.last());
    let name =
        |month: Option<&TrendMonth>| month.map_or(String::new(), |month| month.month.clone());
    let gaps = trend.months.iter().filter(|month| !marks(month).is_empty());
    TrendPage {
        title: format!("Secrets Manager, {} to {}", name(first), name(last)),
        bars: bars(trend),
        lines: lines(trend),
        months: trend.months.iter().map(month_row).collect(),
        owners: table(trend, &trend.owners),
        accounts: table(trend, &trend.accounts),
        movers: movers(trend),
        forecast: forecast_sentences(trend),
        gaps: gaps
            .map(|month| match month.scan {
                None => format!("{}: there is no scan of this month.", month.month),
                Some(_) => format!("{}: {}.", month.month, marks(month)),
            })
            .collect(),
    }
}

fn month_row(month: &TrendMonth) -> MonthRow {
    let cells = month.scan.as_ref().map_or_else(Vec::new, |scan| {
        let cost = scan.cost.map(Money::dollars);
        let change = scan.change_usd.map_or_else(|| "-".to_owned(), signed);
        let mut cells = vec![
            cost.storage_usd,
            cost.api_usd,
            cost.kms_usd,
            cost.total_usd,
            change,
        ];
        cells.extend(counts(scan));
        cells
    });
    MonthRow {
        month: month.month.clone(),
        mark: match month.scan {
            None => "no scan".to_owned(),
            Some(_) => marks(month),
        },
        cells,
    }
}

fn table(trend: &Trend, groups: &[crate::trend::TrendGroup]) -> GroupTable {
    let dollars = |usd: &Option<Money>| usd.map_or_else(|| "no scan".to_owned(), Money::dollars);
    GroupTable {
        months: trend
            .months
            .iter()
            .map(|month| month.month.clone())
            .collect(),
        rows: groups
            .iter()
            .map(|group| GroupRow {
                name: one_line(&group.group),
                cells: group.months.iter().map(dollars).collect(),
                total: group.total_usd.dollars(),
            })
            .collect(),
    }
}

fn movers(trend: &Trend) -> Vec<MoverRow> {
    let scans = trend
        .months
        .iter()
        .filter_map(|month| Some((month, month.scan.as_ref()?)));
    scans
        .flat_map(|(month, scan)| scan.movers.iter().map(move |mover| (month, mover)))
        .map(|(month, mover)| MoverRow {
            month: month.month.clone(),
            name: one_line(&mover.name),
            scope: format!("{} {}", mover.account, mover.region),
            change: signed(mover.change_usd),
            why: one_line(&mover.why),
        })
        .collect()
}

/// Returns what of the height of the plot an amount is.
fn height(usd: Money, most: Money) -> i64 {
    if most.0 <= 0 {
        return 0;
    }
    usd.0.clamp(0, most.0).saturating_mul(PLOT) / most.0
}

/// The labels of the months along the axis, with the forecast's behind them.
fn axis(trend: &Trend, forecast: bool) -> Vec<Label> {
    let names = trend.months.iter().map(|month| month.month.clone());
    let next = forecast.then(|| format!("{} forecast", trend.forecast.month));
    names
        .chain(next)
        .enumerate()
        .map(|(at, text)| Label {
            x: middle(at),
            y: TOP + PLOT + 16,
            anchor: "middle",
            text,
        })
        .collect()
}

/// The middle of a month along the axis.
fn middle(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(0) * STEP + STEP / 2 + 8
}

fn bars(trend: &Trend) -> Chart {
    let scans = || trend.months.iter().map(|month| month.scan.as_ref());
    let costs = scans().map(|scan| scan.map(|scan| scan.cost));
    let costs: Vec<_> = costs.chain([Some(trend.forecast.cost)]).collect();
    let most = costs.iter().flatten().map(|cost| cost.total_usd).max();
    let most = most.unwrap_or_default();
    let mut labels = axis(trend, true);
    let mut rects = Vec::new();
    for (at, cost) in costs.iter().enumerate() {
        let Some(cost) = cost else {
            labels.push(Label {
                x: middle(at),
                y: TOP + PLOT - 6,
                anchor: "middle",
                text: "no scan".to_owned(),
            });
            continue;
        };
        let mut top = TOP + PLOT;
        for (class, name, usd) in [
            ("storage", "storage", cost.storage_usd),
            ("api", "API calls", cost.api_usd),
            ("kms", "KMS requests", cost.kms_usd),
        ] {
            let height = height(usd, most);
            top -= height;
            rects.push(Rect {
                class,
                x: middle(at) - BAR / 2,
                y: top,
                width: BAR,
                height,
                title: format!("{name} {}", usd.dollars()),
            });
        }
        let mark = trend.months.get(at).map(marks).unwrap_or_default();
        let mark = if mark.is_empty() { "" } else { " *" };
        labels.push(Label {
            x: middle(at),
            y: top - 5,
            anchor: "middle",
            text: format!("{}{mark}", cost.total_usd.dollars()),
        });
    }
    Chart {
        alt: "Cost of each month by part; the table below has the same numbers".to_owned(),
        width: middle(trend.months.len()) + STEP / 2 + 8,
        height: TOP + PLOT + 24,
        base: TOP + PLOT,
        rects,
        paths: Vec::new(),
        labels,
    }
}

fn lines(trend: &Trend) -> Chart {
    let shown = &trend.owners[..trend.owners.len().min(OWNERS)];
    let most = shown.iter().flat_map(|group| group.months.iter().flatten());
    let most = most.copied().max().unwrap_or_default();
    let (mut labels, mut paths) = (axis(trend, false), Vec::new());
    let end = middle(trend.months.len().saturating_sub(1)) + 8;
    let mut taken: Vec<i64> = Vec::new();
    for (group, dash) in shown.iter().zip(DASHES) {
        // A line ends at a month without a scan and begins again after it.
        let mut points: Vec<(i64, i64)> = Vec::new();
        let mut flush = |points: &mut Vec<(i64, i64)>| {
            if let [(x, y)] = points[..] {
                points.push((x + 1, y));
            }
            if !points.is_empty() {
                let text: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
                paths.push(Path {
                    points: text.join(" "),
                    dash,
                });
            }
            points.clear();
        };
        let mut last = TOP + PLOT;
        for (at, usd) in group.months.iter().enumerate() {
            match usd {
                Some(usd) => {
                    last = TOP + PLOT - height(*usd, most);
                    points.push((middle(at), last));
                }
                None => flush(&mut points),
            }
        }
        flush(&mut points);
        // Names that would lie on each other move down.
        let mut y = last + 4;
        while taken.iter().any(|other| (other - y).abs() < 13) {
            y += 13;
        }
        taken.push(y);
        labels.push(Label {
            x: end,
            y,
            anchor: "start",
            text: format!("{} {}", one_line(&group.group), group.total_usd.dollars()),
        });
    }
    Chart {
        alt: "What the owners that paid most paid in each month; the table below has the same numbers"
            .to_owned(),
        width: end + NAMES,
        height: taken.iter().copied().max().unwrap_or(0).max(TOP + PLOT + 16) + 8,
        base: TOP + PLOT,
        rects: Vec::new(),
        paths,
        labels,
    }
}
