//! The sums of the sample report, by hand. They stand here and not beside the sums, because the domain knows no sample.

use crate::domain::base::money::Money;
use crate::domain::report::result::Totals;
use crate::domain::report::sums::{Grouping, groups};
use crate::report::sample;

#[test]
fn the_sample_adds_up_by_hand() {
    let totals = sample::report().totals;
    // Six secrets at $0.40; the one pending deletion is free, one has no price.
    assert_eq!(totals.cost.storage_usd, Money(6 * 400_000));
    assert_eq!(totals.cost.api_usd, Money(13_140_000 + 219_150));
    assert_eq!(totals.cost.kms_usd, Money(7_884_000));
    assert_eq!(
        totals.cost.total_usd,
        Money(2_400_000 + 13_359_150 + 7_884_000)
    );
    // Two secrets and the replica of one of them.
    assert_eq!(totals.savings_delete_usd, Money(3 * 400_000));
    assert_eq!(totals.savings_loops_usd, Money(20_954_000 + 215_350));
    assert_eq!(
        totals.savings_usd,
        totals.savings_delete_usd + totals.savings_loops_usd
    );
    assert_eq!(totals.calls, 2_592_000 + 7 + 43_233);
    assert_eq!(
        (totals.unattributed_calls, totals.unattributed_usd),
        (43_233, Money(219_150))
    );
    assert_eq!((totals.unpriced_secrets, totals.uncounted_secrets), (1, 2));
}

#[test]
fn each_grouping_adds_up_to_the_totals() {
    let report = sample::report();
    for by in [
        Grouping::Total,
        Grouping::Account,
        Grouping::Region,
        Grouping::AccountRegion,
        Grouping::Owner,
        Grouping::Prefix,
    ] {
        let groups = groups(&report, by);
        let usd = |amount: fn(&Totals) -> Money| {
            groups
                .iter()
                .map(|group| amount(&group.totals))
                .sum::<Money>()
        };
        let number = |number: fn(&Totals) -> u64| {
            groups
                .iter()
                .map(|group| number(&group.totals))
                .sum::<u64>()
        };
        let totals = &report.totals;
        assert_eq!(
            usd(|of| of.cost.storage_usd),
            totals.cost.storage_usd,
            "{by:?}"
        );
        assert_eq!(usd(|of| of.cost.api_usd), totals.cost.api_usd, "{by:?}");
        assert_eq!(usd(|of| of.cost.kms_usd), totals.cost.kms_usd, "{by:?}");
        assert_eq!(usd(|of| of.cost.total_usd), totals.cost.total_usd, "{by:?}");
        assert_eq!(usd(|of| of.savings_usd), totals.savings_usd, "{by:?}");
        assert_eq!(
            usd(|of| of.window_cost.parts.total_usd),
            totals.window_cost.parts.total_usd,
            "{by:?}"
        );
        assert_eq!(number(|of| of.secrets), totals.secrets, "{by:?}");
        assert_eq!(number(|of| of.calls), totals.calls, "{by:?}");
        assert_eq!(
            number(|of| of.uncounted_secrets),
            totals.uncounted_secrets,
            "{by:?}"
        );
    }
}

#[test]
fn groups_are_named_and_the_unattributed_come_last() {
    let report = sample::report();
    let keys = |by| -> Vec<String> {
        groups(&report, by)
            .into_iter()
            .map(|group| group.key.to_string())
            .collect()
    };
    assert_eq!(keys(Grouping::Total), ["total"]);
    assert_eq!(
        keys(Grouping::Account),
        [sample::MAIN, sample::OTHER, "(unattributed)"]
    );
    assert_eq!(
        keys(Grouping::Owner),
        [
            "(no owner)",
            "-2+3 \u{202e}owner",
            "payments",
            "(unattributed)"
        ]
    );
    assert!(keys(Grouping::Prefix).starts_with(&[FORMULA_PREFIX.to_owned(), "legacy/".to_owned()]));
    let mut report = sample::report();
    report.unattributed.clear();
    report.loops.clear();
    assert_eq!(groups(&report, Grouping::Region).len(), 2);
}

#[test]
fn a_tag_that_says_a_word_of_ours_is_an_owner_of_its_own() {
    let mut report = sample::report();
    let hostile = ["(unattributed)", "(no owner)", "\"(no owner)\""];
    for (row, owner) in report.secrets.iter_mut().zip(hostile) {
        row.owner = Some(owner.to_owned());
    }
    for row in &mut report.secrets[hostile.len()..] {
        row.owner = None;
    }
    let groups = groups(&report, Grouping::Owner);
    let keys: Vec<String> = groups.iter().map(|group| group.key.to_string()).collect();
    assert_eq!(
        keys,
        [
            "(no owner)",
            "\"\"(no owner)\"\"",
            "\"(no owner)\"",
            "\"(unattributed)\"",
            "(unattributed)"
        ]
    );
    let secrets: Vec<u64> = groups.iter().map(|group| group.totals.secrets).collect();
    assert_eq!(secrets, [report.totals.secrets - 3, 1, 1, 1, 0]);
}

/// The name that is a formula has a slash.
const FORMULA_PREFIX: &str = "=cmd|'/";

#[test]
fn rows_that_share_their_windows_were_seen_in_no_more_than_there_are() {
    let report = sample::estimated();
    let estimated = report
        .secrets
        .iter()
        .filter_map(|row| row.estimate.as_ref());
    let windows: Vec<u64> = estimated.map(|found| found.windows).collect();
    assert!(windows.len() > 1, "{windows:?}");
    assert_eq!(report.totals.estimate.map(|found| found.windows), Some(3));
}
