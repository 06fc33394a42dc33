//! A [`Trend`] as text for a terminal, as CSV, as JSON, and as a page with charts.
//!
//! A month without a scan is shown as such, and a month that is estimated, not over or not known in full is marked.

mod page;

use super::csv::bytes;
use super::escape::{self, fit, one_line};
use crate::domain::base::money::{Money, thousands};
use crate::domain::report::result::CostParts;
use crate::trend::{MonthScan, Trend, TrendGroup, TrendMonth};

pub use page::html;

/// Columns of a line of text.
const WIDTH: usize = 80;
/// The number of owners that the text and the chart show; the files hold them all.
const OWNERS: usize = 5;

/// Sets how many of the last months a table of groups shows: as many as a line holds.
const MONTHS: usize = 4;

/// The columns of the CSV.
pub const COLUMNS: [&str; 17] = [
    "month",
    "state",
    "group_by",
    "group",
    "storage_usd",
    "api_usd",
    "kms_usd",
    "total_usd",
    "extrapolated_usd",
    "unattributed_usd",
    "change_usd",
    "secrets",
    "made_secrets",
    "deleted_secrets",
    "idle_secrets",
    "promised_usd_month",
    "realised_usd_month",
];

/// The trend as JSON, for programs.
pub fn json(trend: &Trend) -> Vec<u8> {
    // Plain data: strings, numbers and lists of them.
    let mut bytes = serde_json::to_vec_pretty(trend).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Returns what has to be known of a month before its numbers are used: `missing`, or any of `partial`, `estimated` and
/// `incomplete`, or `complete`.
fn state(month: &TrendMonth) -> String {
    let Some(scan) = &month.scan else {
        return "missing".to_owned();
    };
    let marks: Vec<&str> = [
        (scan.is_partial, "partial"),
        (scan.is_estimated, "estimated"),
        (scan.is_incomplete, "incomplete"),
    ]
    .into_iter()
    .filter_map(|(is, word)| is.then_some(word))
    .collect();
    if marks.is_empty() {
        "complete".to_owned()
    } else {
        marks.join(" ")
    }
}

/// The trend as CSV: for each month a row `total`, one for each account and one for each owner, and a row `forecast` for the
/// month after the last. The rows of a grouping add up to the total of their month.
pub fn csv(trend: &Trend) -> Vec<u8> {
    let mut rows: Vec<[String; COLUMNS.len()]> = Vec::new();
    for (at, month) in trend.months.iter().enumerate() {
        rows.push(month_row(month));
        for (by, groups) in [("account", &trend.accounts), ("owner", &trend.owners)] {
            for group in groups {
                if let Some(usd) = group.months[at] {
                    rows.push(group_row(month, by, group, usd));
                }
            }
        }
    }
    let forecast = &trend.forecast;
    let mut row = [const { String::new() }; COLUMNS.len()];
    row[0].clone_from(&forecast.month);
    "forecast".clone_into(&mut row[1]);
    "total".clone_into(&mut row[2]);
    amounts(&mut row, &forecast.cost);
    rows.push(row);
    bytes(|out| super::csv::table(COLUMNS, rows.into_iter(), out))
}

fn amounts(row: &mut [String; COLUMNS.len()], cost: &CostParts<Money>) {
    for (at, usd) in [cost.storage_usd, cost.api_usd, cost.kms_usd, cost.total_usd]
        .into_iter()
        .enumerate()
    {
        row[4 + at] = usd.to_string();
    }
}

fn month_row(month: &TrendMonth) -> [String; COLUMNS.len()] {
    let mut row = [const { String::new() }; COLUMNS.len()];
    row[0].clone_from(&month.month);
    row[1] = state(month);
    "total".clone_into(&mut row[2]);
    if let Some(scan) = &month.scan {
        amounts(&mut row, &scan.cost);
        let rest = [
            scan.extrapolated_usd.to_string(),
            scan.unattributed_usd.to_string(),
            super::csv::known(scan.change_usd),
            scan.secrets.to_string(),
            scan.made_secrets.to_string(),
            scan.deleted_secrets.to_string(),
            scan.idle_secrets.to_string(),
            scan.promised_usd.to_string(),
            super::csv::known(scan.realised_usd),
        ];
        row[8..].clone_from_slice(&rest);
    }
    row
}

fn group_row(
    month: &TrendMonth,
    by: &str,
    group: &TrendGroup,
    usd: Money,
) -> [String; COLUMNS.len()] {
    let mut row = [const { String::new() }; COLUMNS.len()];
    row[0].clone_from(&month.month);
    row[1] = state(month);
    by.clone_into(&mut row[2]);
    row[3] = escape::cell(&group.group);
    row[7] = usd.to_string();
    row
}

/// The trend for a terminal of 80 columns, without colours.
pub fn text(trend: &Trend) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(fit(text, WIDTH).trim_end());
        page.push('\n');
    };
    let (first, last) = (trend.months.first(), trend.months.last());
    let name = |month: Option<&TrendMonth>| month.map_or("", |month| &month.month).to_owned();
    line(&format!(
        "Secrets Manager, {} to {}",
        name(first),
        name(last)
    ));
    line("");
    line(&columns(
        "month",
        ["storage", "API", "KMS", "total", "change"],
        "",
    ));
    for month in &trend.months {
        let Some(scan) = &month.scan else {
            line(&format!("{:<9}no scan of this month", month.month));
            continue;
        };
        let change = scan.change_usd.map_or_else(|| "-".to_owned(), signed);
        let cost = scan.cost.map(Money::dollars);
        line(&columns(
            &month.month,
            [
                &cost.storage_usd,
                &cost.api_usd,
                &cost.kms_usd,
                &cost.total_usd,
                &change,
            ],
            &marks(month),
        ));
    }
    let forecast = &trend.forecast;
    let cost = forecast.cost.map(Money::dollars);
    line(&columns(
        &forecast.month,
        [
            &cost.storage_usd,
            &cost.api_usd,
            &cost.kms_usd,
            &cost.total_usd,
            "",
        ],
        "forecast",
    ));
    secrets(trend, &mut line);
    groups("BY OWNER", trend, &trend.owners, &mut line);
    groups("BY ACCOUNT", trend, &trend.accounts, &mut line);
    movers(trend, &mut line);
    line("");
    line("FORECAST");
    for sentence in forecast_sentences(trend) {
        for part in textwrap::wrap(&sentence, WIDTH - 2) {
            line(&format!("  {part}"));
        }
    }
    page
}

/// The forecast in sentences.
fn forecast_sentences(trend: &Trend) -> Vec<String> {
    let forecast = &trend.forecast;
    let mut said = vec![format!(
        "{} will cost {} if nothing changes.",
        forecast.month,
        forecast.cost.total_usd.dollars()
    )];
    if forecast.scheduled_usd > Money::ZERO {
        said.push(format!(
            "Scheduled deletions will save {} of storage in that month. The forecast leaves this out.",
            forecast.scheduled_usd.dollars()
        ));
    }
    if forecast.possible_usd > Money::ZERO {
        said.push(format!(
            "Deleting and fixing what the last scan found would save another {} per month.",
            forecast.possible_usd.dollars()
        ));
    }
    said.extend(forecast.assumptions.iter().map(|text| one_line(text)));
    said
}

fn columns(month: &str, cells: [&str; 5], mark: &str) -> String {
    let [storage, api, kms, total, change] = cells;
    format!("{month:<9}{storage:>11}{api:>11}{kms:>10}{total:>11}{change:>11}  {mark}")
}

/// The marks of a month; nothing for one that is known in full.
fn marks(month: &TrendMonth) -> String {
    Some(state(month))
        .filter(|state| state != "complete")
        .unwrap_or_default()
}

fn signed(amount: Money) -> String {
    let plus = if amount > Money::ZERO { "+" } else { "" };
    format!("{plus}{}", amount.dollars())
}

fn secrets(trend: &Trend, line: &mut impl FnMut(&str)) {
    line("");
    line("SECRETS AND SAVINGS");
    line(&row_of_counts(
        "month",
        [
            "secrets",
            "created",
            "deleted",
            "idle",
            "could save",
            "saved",
        ]
        .map(str::to_owned),
    ));
    for month in &trend.months {
        let Some(scan) = &month.scan else {
            line(&format!("{:<9}no scan of this month", month.month));
            continue;
        };
        line(&row_of_counts(&month.month, counts(scan)));
    }
}

/// Returns how many secrets a month had, created, lost and left idle, what could be saved and what was.
fn counts(scan: &MonthScan) -> [String; 6] {
    [
        thousands(scan.secrets),
        thousands(scan.made_secrets),
        thousands(scan.deleted_secrets),
        thousands(scan.idle_secrets),
        scan.promised_usd.dollars(),
        scan.realised_usd
            .map_or_else(|| "-".to_owned(), Money::dollars),
    ]
}

fn row_of_counts(month: &str, cells: [String; 6]) -> String {
    let [secrets, created, deleted, idle, could_save, saved] = cells;
    format!("{month:<9}{secrets:>9}{created:>8}{deleted:>9}{idle:>8}{could_save:>12}{saved:>12}")
}

fn groups(heading: &str, trend: &Trend, groups: &[TrendGroup], line: &mut impl FnMut(&str)) {
    line("");
    line(heading);
    let from = trend.months.len().saturating_sub(MONTHS);
    let row = |name: &str, cells: &[String], total: &str| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>11}")).collect();
        let cells = cells.concat();
        let name = fit(name, 22);
        let room = 22 - escape::width(&name);
        format!("{name}{:room$}{cells}{total:>12}", "")
    };
    let months: Vec<String> = trend.months[from..]
        .iter()
        .map(|month| month.month.clone())
        .collect();
    line(&row("", &months, "all months"));
    for group in groups.iter().take(OWNERS) {
        let cells: Vec<String> = group.months[from..]
            .iter()
            .map(|usd| usd.map_or_else(|| "no scan".to_owned(), Money::dollars))
            .collect();
        line(&row(
            &one_line(&group.group),
            &cells,
            &group.total_usd.dollars(),
        ));
    }
    if groups.len() > OWNERS {
        line(&format!(
            "and {} more in the CSV",
            thousands((groups.len() - OWNERS) as u64)
        ));
    }
}

fn movers(trend: &Trend, line: &mut impl FnMut(&str)) {
    let mut months = trend.months.iter().filter_map(|month| {
        let scan = month.scan.as_ref()?;
        (!scan.movers.is_empty()).then_some((month, scan))
    });
    let Some(first) = months.next() else { return };
    line("");
    line("WHAT MOVED THE COST MOST");
    for (month, scan) in std::iter::once(first).chain(months) {
        for mover in &scan.movers {
            let name = fit(&one_line(&mover.name), 30);
            let room = 30 - escape::width(&name);
            line(&format!(
                "{:<9}{:>11}  {name}{:room$}  {}",
                month.month,
                signed(mover.change_usd),
                "",
                one_line(&mover.why)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::base::month::Month;
    use crate::domain::fixture;
    use crate::trend::TrendBuilder;

    fn trend() -> Trend {
        let mut builder = TrendBuilder::default();
        for (name, secrets) in [("2026-07", 30), ("2026-08", 34), ("2026-10", 40)] {
            let month: Month = name.parse().unwrap();
            let mut report = fixture::report(secrets);
            report.policy.month = Some(name.to_owned());
            report.window = month.span();
            report.made = month.span().to;
            builder.add(report);
        }
        builder.finish().unwrap()
    }

    #[test]
    fn the_text_fits_80_columns_and_shows_nothing_raw() {
        let text = text(&trend());
        for line in text.lines() {
            assert!(escape::width(line) <= WIDTH, "{line}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("2026-09  no scan of this month"), "{text}");
        assert!(text.contains("2026-11"), "{text}");
    }

    #[test]
    fn the_rows_of_each_grouping_add_up_to_the_month() {
        let bytes = csv(&trend());
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        let mut sums: std::collections::BTreeMap<(String, String), Money> =
            std::collections::BTreeMap::new();
        for record in reader.records() {
            let record = record.unwrap();
            if record[1] == *"forecast" || record[1] == *"missing" {
                continue;
            }
            let key = (record[0].to_owned(), record[2].to_owned());
            *sums.entry(key).or_default() += Money::parse(&record[7]).unwrap();
            assert!(!record[3].starts_with(['=', '+', '@']), "{record:?}");
        }
        for month in ["2026-07", "2026-08", "2026-10"] {
            let of = |by: &str| sums[&(month.to_owned(), by.to_owned())];
            assert_eq!(of("total"), of("account"), "{month}");
            assert_eq!(of("total"), of("owner"), "{month}");
        }
    }

    #[test]
    fn json_reads_back() {
        let trend = trend();
        let back: Trend = serde_json::from_slice(&json(&trend)).unwrap();
        assert_eq!(back, trend);
    }

    #[test]
    fn the_page_has_charts_tables_and_no_text_that_acts() {
        let page = String::from_utf8(html(&trend()).unwrap()).unwrap();
        for says in ["<svg", "no scan", "<table", "2026-11", "forecast"] {
            assert!(page.contains(says), "{says}");
        }
        for hostile in ["<img src=x", "<script", "\u{202e}"] {
            assert!(!page.contains(hostile), "{hostile:?}");
        }
    }
}
