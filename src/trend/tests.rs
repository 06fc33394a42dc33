//! Months that follow each other, that are missing, and that only began.

use super::*;
use crate::domain::fixture;
use crate::domain::report::sums;

/// A scan of a month with so many secrets.
fn month(name: &str, secrets: usize) -> Report {
    let month: Month = name.parse().unwrap();
    let mut report = fixture::report(secrets);
    report.policy.month = Some(name.to_owned());
    report.window = month.span();
    report.made = month.span().to;
    report
}

fn trend(reports: Vec<Report>) -> Trend {
    let mut builder = TrendBuilder::default();
    for report in reports {
        builder.add(report);
    }
    builder.finish().unwrap()
}

#[test]
fn a_month_without_a_scan_is_there_and_nothing_is_drawn_across_it() {
    let found = trend(vec![
        month("2026-07", 20),
        month("2026-08", 22),
        month("2026-10", 30),
    ]);
    let names: Vec<_> = found
        .months
        .iter()
        .map(|month| month.month.as_str())
        .collect();
    assert_eq!(names, ["2026-07", "2026-08", "2026-09", "2026-10"]);
    let scan = |at: usize| found.months[at].scan.as_ref();
    assert!(scan(2).is_none());
    let change = |at| scan(at).unwrap().change_usd;
    assert_eq!((change(0), change(3)), (None, None));
    assert!(change(1).is_some());
    assert!(scan(3).unwrap().movers.is_empty() && scan(3).unwrap().realised_usd.is_none());
    for group in found.owners.iter().chain(&found.accounts) {
        let gaps: Vec<_> = group.months.iter().map(Option::is_none).collect();
        assert_eq!(gaps, [false, false, true, false], "{}", group.group);
    }
}

#[test]
fn the_groups_of_each_month_add_up_to_it() {
    let reports = vec![month("2026-09", 60), month("2026-10", 75)];
    let found = trend(reports.clone());
    for (at, report) in reports.iter().enumerate() {
        let total = report.totals.window_cost.parts.total_usd;
        assert_eq!(
            found.months[at].scan.as_ref().unwrap().cost.total_usd,
            total
        );
        for groups in [&found.owners, &found.accounts] {
            let sum: Money = groups.iter().filter_map(|group| group.months[at]).sum();
            assert_eq!(sum, total);
        }
    }
    let movers = &found.months[1].scan.as_ref().unwrap().movers;
    assert_eq!(movers.len(), 3);
    assert!(movers.iter().all(|mover| !mover.why.is_empty()));
    let sizes: Vec<_> = movers
        .iter()
        .map(|mover| mover.change_usd.0.abs())
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

#[test]
fn a_month_that_is_not_over_and_one_that_is_scaled_are_marked() {
    let mut begun = month("2026-10", 20);
    begun.made = "2026-10-12T00:00:00Z".parse().unwrap();
    let mut scaled = month("2026-09", 20);
    scaled.secrets[0].window_detail.extrapolated_usd = Money(7);
    scaled.totals = sums::totals(&scaled);
    let found = trend(vec![scaled, begun]);
    let marks = |at: usize| {
        let scan = found.months[at].scan.as_ref().unwrap();
        (scan.is_estimated, scan.is_partial)
    };
    assert_eq!((marks(0), marks(1)), ((true, false), (false, true)));
}

#[test]
fn the_forecast_has_the_hours_of_its_own_month() {
    let last = month("2027-01", 40);
    let run_rate = last.totals.cost;
    let found = trend(vec![last]).forecast;
    assert_eq!(found.month, "2027-02");
    assert_eq!(found.cost.storage_usd, run_rate.storage_usd);
    assert_eq!(found.cost.api_usd, run_rate.api_usd.scaled(672, 730));
    assert_eq!(found.cost, found.cost.totalled());
}

#[test]
fn sliding_windows_take_no_part() {
    let mut sliding = month("2026-10", 5);
    sliding.policy.month = None;
    let mut builder = TrendBuilder::default();
    builder.add(sliding);
    assert!(builder.finish().is_none());
}
