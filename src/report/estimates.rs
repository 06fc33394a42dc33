//! Estimates from a sample: the words for intervals, and `estimates.csv`.
//!
//! The columns of the other files are a contract and hold the estimate alone. So where there is a sample, this file
//! stands beside them: a row for the totals and each group of `summary.csv`, for each account and Region that was sampled,
//! for each secret, reader and loop whose numbers rest on it, and for the calls on no known secret of each account and
//! Region, each number with the ends of its 95 % interval.

use std::fmt::Display;

use super::csv::{GROUPINGS, bytes, table};
use super::escape;
use crate::domain::base::money::{Money, counted, thousands};
use crate::domain::base::names::{AccountId, Region, SecretArn};
use crate::domain::report::result::{
    CaveatRow, Estimate, LoopRow, Range, Report, SampleRow, ScopeRow, SecretRow,
};
use crate::domain::report::sums::{self, GroupSums, Grouping};
use crate::domain::sampling::CaveatCode;

/// The name of the file. It is there only where something was estimated.
pub const FILE: &str = "estimates.csv";

/// The columns of `estimates.csv`. A number is followed by the ends of its interval.
pub const COLUMNS: [&str; 35] = [
    "kind",
    "arn",
    "name",
    "account_id",
    "region",
    "reader",
    "api",
    "calls",
    "calls_low",
    "calls_high",
    "reads",
    "reads_low",
    "reads_high",
    "failed_reads",
    "failed_reads_low",
    "failed_reads_high",
    "calls_month",
    "calls_month_low",
    "calls_month_high",
    "avoidable_calls_month",
    "avoidable_calls_month_low",
    "avoidable_calls_month_high",
    "api_usd_month",
    "api_usd_month_low",
    "api_usd_month_high",
    "total_usd_month",
    "total_usd_month_low",
    "total_usd_month_high",
    "saves_usd_month",
    "saves_usd_month_low",
    "saves_usd_month_high",
    "windows",
    "caveats",
    "sample",
    "client",
];

/// Returns whether anything in a report was estimated from a sample.
pub fn any(report: &Report) -> bool {
    report.totals.estimate.is_some() || report.scopes.iter().any(|row| row.sample.is_some())
}

/// An interval of money: `$1.20 to $3.40`.
pub(super) fn dollars(range: Range<Money>) -> String {
    format!("{} to {}", range.low.dollars(), range.high.dollars())
}

/// An interval of counts: `1,200 to 3,400`.
pub(super) fn numbers(range: Range<u64>) -> String {
    format!("{} to {}", thousands(range.low), thousands(range.high))
}

/// So many accounts and Regions, each an account in a Region.
pub(super) fn scope_count(count: usize) -> String {
    match count {
        1 => "one account and Region".to_owned(),
        more => format!("{} accounts and Regions", thousands(more as u64)),
    }
}

/// Returns what limits the interval of one row, besides what holds for the whole sample.
pub(super) fn doubts(caveats: &[CaveatRow]) -> String {
    // That the sample as a whole has few windows is said once.
    let own = caveats
        .iter()
        .filter(|row| row.code != CaveatCode::FewWindows);
    let texts: Vec<&str> = own.map(|row| row.text.as_str()).collect();
    texts.join("; ")
}

/// A sample in words: `1,163 windows of 11 s, one in 2,221 s`.
pub(super) fn sample(sample: &SampleRow) -> String {
    let read = if sample.windows_read == sample.windows {
        counted(sample.windows.into(), "window", "windows")
    } else {
        format!(
            "{} of {}",
            thousands(sample.windows_read.into()),
            counted(sample.windows.into(), "window", "windows")
        )
    };
    format!(
        "{read} of {} s, one in {} s",
        sample.width_s,
        thousands(sample.step_s.into())
    )
}

/// `estimates.csv`; `None` if nothing was estimated.
pub fn csv(report: &Report) -> Option<Vec<u8>> {
    any(report).then(|| {
        let groups = GROUPINGS.into_iter().flat_map(|by| {
            let groups = sums::groups(report, by).into_iter();
            groups.filter_map(move |found| group(by, &found))
        });
        let scopes = report.scopes.iter().filter_map(scope);
        let mut secrets: Vec<_> = report.secrets.iter().collect();
        secrets.sort_by_key(|row| (&row.account, &row.region, &row.name, &row.arn));
        let readers = secrets.iter().flat_map(|row| readers(row));
        let readers: Vec<_> = readers.collect();
        let secrets = secrets.into_iter().filter_map(|row| {
            let found = row.estimate.as_ref()?;
            let mut line = EstimateRow::new("secret", found.windows, &found.caveats);
            line.subject(
                Some(&row.arn),
                &row.name,
                Some(&row.account),
                Some(&row.region),
            );
            line.put("reads", Some(row.reads), found.reads);
            line.put("failed_reads", Some(row.failed), found.failed);
            line.put("total_usd_month", row.cost.total_usd, found.cost.total_usd);
            line.put("saves_usd_month", row.avoidable_usd, found.avoidable_usd);
            line.calls(row.calls, row.cost.api_usd, found);
            Some(line.0)
        });
        let loops = report.loops.iter().filter_map(hot_loop);
        let rest = report.unattributed.iter().filter_map(|row| {
            let found = row.estimate.as_ref()?;
            let mut line = EstimateRow::new("unattributed", found.windows, &found.caveats);
            line.subject(None, "", row.account.as_ref(), row.region.as_ref());
            line.calls(row.calls, row.api_usd, found);
            Some(line.0)
        });
        let things = secrets.chain(readers).chain(loops).chain(rest);
        bytes(|out| table(COLUMNS, groups.chain(scopes).chain(things), out))
    })
}

/// A row of `summary.csv`, by the same words: what it is grouped by, and the group as its name.
fn group(by: Grouping, group: &GroupSums) -> Option<[String; COLUMNS.len()]> {
    let (totals, known) = (&group.totals, &group.known);
    let found = totals.estimate.as_ref()?;
    let mut line = EstimateRow::new(by.as_str(), found.windows, &found.caveats);
    if by != Grouping::Total {
        line.set("name", escape::cell(&group.key.to_string()));
    }
    line.put("reads", Some(totals.reads), found.reads);
    line.put("failed_reads", Some(totals.failed), found.failed);
    let cost = known.cost(totals);
    line.put("total_usd_month", cost.total_usd, found.cost.total_usd);
    let savings = known.savings().of(totals.savings_usd);
    line.put("saves_usd_month", savings, found.savings_usd);
    line.calls(totals.calls, cost.api_usd, found);
    Some(line.0)
}

fn readers(row: &SecretRow) -> impl Iterator<Item = [String; COLUMNS.len()]> {
    row.readers.iter().filter_map(|reader| {
        let found = reader.estimate.as_ref()?;
        let mut line = EstimateRow::new("reader", found.windows, &found.caveats);
        line.subject(
            Some(&row.arn),
            &row.name,
            Some(&row.account),
            Some(&row.region),
        );
        line.set("reader", escape::cell(&reader.reader));
        line.set("client", escape::cell(&reader.client));
        line.put("reads", Some(reader.reads), found.reads);
        line.put("failed_reads", Some(reader.failed), found.failed);
        line.calls(reader.calls, None, found);
        Some(line.0)
    })
}

fn scope(row: &ScopeRow) -> Option<[String; COLUMNS.len()]> {
    let found = row.sample.as_ref()?;
    let mut line = EstimateRow::new("scope", u64::from(found.windows_read), &found.caveats);
    line.subject(None, "", Some(&row.account), Some(&row.region));
    line.put("calls", found.calls, found.calls_range);
    let comb = format!(
        "from={} to={} step_s={} width_s={} phase_s={} seed={} windows={} read_in_full_s={}",
        found.from,
        found.to,
        found.step_s,
        found.width_s,
        found.phase_s,
        found.seed,
        found.windows,
        found.full_s
    );
    line.set("sample", comb);
    Some(line.0)
}

fn hot_loop(row: &LoopRow) -> Option<[String; COLUMNS.len()]> {
    let found = row.estimate.as_ref()?;
    let mut line = EstimateRow::new("loop", found.windows, &found.caveats);
    line.subject(
        row.arn.as_ref(),
        &row.name,
        row.account.as_ref(),
        row.region.as_ref(),
    );
    line.set("reader", escape::cell(&row.reader));
    line.set("api", escape::cell(&row.what));
    line.put(
        "calls_month",
        Some(row.reads_month),
        Some(found.reads_month),
    );
    line.put(
        "avoidable_calls_month",
        Some(row.avoidable_calls_month),
        Some(found.avoidable_calls_month),
    );
    line.put(
        "saves_usd_month",
        row.avoidable_usd_month,
        found.avoidable_usd_month,
    );
    Some(line.0)
}

/// A row being filled.
struct EstimateRow([String; COLUMNS.len()]);

impl EstimateRow {
    fn new(kind: &str, windows: u64, caveats: &[CaveatRow]) -> Self {
        let mut line = Self(std::array::from_fn(|_| String::new()));
        line.set("kind", kind.to_owned());
        line.set("windows", windows.to_string());
        let codes: Vec<&str> = caveats.iter().map(|row| row.code.as_str()).collect();
        line.set("caveats", escape::cell(&codes.join(";")));
        line
    }

    /// Fills a column; the name is one of [`COLUMNS`].
    fn set(&mut self, column: &str, text: String) {
        if let Some(at) = COLUMNS.iter().position(|name| *name == column) {
            self.0[at] = text;
        }
    }

    fn subject(
        &mut self,
        arn: Option<&SecretArn>,
        name: &str,
        account: Option<&AccountId>,
        region: Option<&Region>,
    ) {
        let text = |value: Option<&dyn Display>| value.map(ToString::to_string).unwrap_or_default();
        let arn = arn.map(|arn| escape::one_line(arn.as_str()));
        self.set("arn", arn.unwrap_or_default());
        self.set("name", escape::cell(name));
        self.set(
            "account_id",
            text(account.map(|account| account as &dyn Display)),
        );
        self.set("region", text(region.map(|region| region as &dyn Display)));
    }

    /// Fills a number and the ends of its interval; empty if it is unknown.
    fn put<T: Display + Copy>(&mut self, column: &str, number: Option<T>, range: Option<Range<T>>) {
        let text = |value: Option<T>| value.map(|value| value.to_string()).unwrap_or_default();
        let Some(at) = COLUMNS.iter().position(|name| *name == column) else {
            return;
        };
        self.0[at] = text(number);
        self.0[at + 1] = text(range.map(|range| range.low));
        self.0[at + 2] = text(range.map(|range| range.high));
    }

    fn calls(&mut self, calls: u64, api: Option<Money>, found: &Estimate) {
        self.put("calls", Some(calls), Some(found.calls));
        self.put("api_usd_month", api, found.cost.api_usd);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::compare::compare;
    use crate::report::text::Style;
    use crate::report::{OutputFormat, comparison, files, focus, html, sample};

    fn rows(report: &Report) -> Vec<BTreeMap<String, String>> {
        let bytes = csv(report).unwrap();
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        let rows = reader.deserialize();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_row_for_each_thing_that_was_estimated() {
        let report = sample::estimated();
        let rows = rows(&report);
        let kinds: Vec<&str> = rows.iter().map(|row| row["kind"].as_str()).collect();
        assert_eq!(
            kinds,
            [
                "total",
                "account",
                "account",
                "region",
                "region",
                "account+region",
                "account+region",
                "owner",
                "owner",
                "owner",
                "scope",
                "secret",
                "secret",
                "secret",
                "secret",
                "reader",
                "reader",
                "loop",
                "loop"
            ]
        );
        let of = |kind: &str, name: &str| {
            let same = |row: &&BTreeMap<String, String>| row["kind"] == kind && row["name"] == name;
            rows.iter().find(same).unwrap()
        };
        let owner = of("owner", "payments");
        assert_eq!(owner["calls"], "2592000");
        assert_eq!(owner["calls_low"], "2332800");
        let reader = of("reader", "payments/api-key");
        assert_eq!(reader["reader"], "arn:aws:iam::111122223333:role/checkout");
        assert_eq!(reader["reads_high"], "2851200");
        let looping = rows
            .iter()
            .find(|row| row["name"] == "payments/api-key" && row["kind"] == "secret")
            .unwrap();
        assert_eq!(looping["calls"], "2592000");
        assert_eq!(looping["calls_low"], "2332800");
        assert_eq!(looping["calls_high"], "2851200");
        assert_eq!(looping["total_usd_month"], "21.424000");
        assert_eq!(looping["total_usd_month_high"], "23.566400");
        assert_eq!(looping["caveats"], "rare;few-windows");
        assert_eq!(
            of("scope", "")["sample"],
            "from=2026-10-02T00:00:00Z to=2026-10-31T23:40:00Z step_s=2221 width_s=11 phase_s=1017 \
             seed=4503599627370497 windows=1167 read_in_full_s=96"
        );
    }

    #[test]
    fn there_is_no_such_file_without_a_sample() {
        let names = |report: &Report| -> Vec<&str> {
            let files = files(
                report,
                crate::report::Companions::default(),
                &[OutputFormat::Csv],
            );
            files.into_iter().map(|(name, _)| name).collect()
        };
        assert!(!names(&sample::report()).contains(&"estimates.csv"));
        assert!(names(&sample::estimated()).contains(&"estimates.csv"));
    }

    #[test]
    fn every_rendering_says_what_is_an_estimate() {
        let report = sample::estimated();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let page = text(html::html(&report, None).unwrap());
        assert!(page.contains("id=\"estimated\""));
        assert!(
            page.contains("1,163 of 1,167 windows of 11 s, one in 2,221 s"),
            "{page}"
        );
        assert!(page.contains("$19.28 to $23.57"));
        assert!(!text(html::html(&sample::report(), None).unwrap()).contains("id=\"estimated\""));
        let focus = text(focus::csv(&report, focus::FocusVersion::default()));
        assert!(focus.contains("API calls on a secret (estimated from a sample)"));
        assert!(!focus.contains("Storage of a secret (estimated"));
    }

    #[test]
    fn a_change_that_the_intervals_leave_open_is_no_news() {
        let old = sample::estimated();
        let mut new = sample::estimated();
        let dearer = |report: &mut Report, tenths: i64| {
            let row = report
                .secrets
                .iter_mut()
                .find(|row| row.name == "payments/api-key")
                .unwrap();
            let more = |amount: Money| Money(amount.0 + amount.0 * tenths / 10);
            row.cost.api_usd = row.cost.api_usd.map(more);
            row.cost.total_usd = row.cost.total_usd.map(more);
            let found = row.estimate.as_mut().unwrap();
            found.cost.total_usd = found.cost.total_usd.map(|range| Range {
                low: more(range.low),
                high: more(range.high),
            });
        };
        dearer(&mut new, 1);
        let changes = compare(&old, &new);
        assert_eq!((changes.uncertain.len(), changes.dearer.len()), (1, 0));
        let shown = comparison::text(&changes, Style::Plain);
        assert!(shown.contains("estimate from a sample"), "{shown}");
        assert!(
            shown.contains("do not show whether the cost rose or fell"),
            "{shown}"
        );
        let sum: Money = changes.bridge.iter().map(|step| step.change_usd).sum();
        assert_eq!(sum, changes.change_usd);
        dearer(&mut new, 5);
        let changes = compare(&old, &new);
        assert_eq!((changes.uncertain.len(), changes.dearer.len()), (0, 1));
    }
}
