//! Rhythms of trails and what they cover, in hours since 2026-08-03.

use super::*;

const DAY: u32 = 24;
/// 2026-08-03T00:00Z, a Monday.
const START: u32 = 20_668 * 24;

/// Hears these hours (after `START`) of a trail of `days`, and returns covered hours and holes in hours.
fn check(days: u32, activity: impl Iterator<Item = u32>) -> (u32, Vec<(i64, i64)>) {
    let mut coverage = Coverage::default();
    for hour in activity {
        coverage.active_hour("111122223333", "us-east-1", START + hour, true);
    }
    let (from, to) = (
        i64::from(START) * 3_600,
        i64::from(START + days * DAY) * 3_600,
    );
    let scope = coverage.scopes().into_iter().next().unwrap();
    let covered = coverage.of(&scope).unwrap().covered(from, to);
    let relative = |second: i64| (second - from) / 3_600;
    let holes = covered.holes(from, to);
    let holes = holes
        .iter()
        .map(|hole| (relative(hole.0), relative(hole.1)));
    (covered.hours(from, to), holes.collect())
}

#[test]
fn a_busy_trail_covers_every_hour_and_shows_short_holes() {
    let all = 0..90 * DAY;
    assert_eq!(check(90, all.clone()), (2160, vec![]));
    let hole = all.clone().filter(|hour| !(700..706).contains(hour));
    assert_eq!(check(90, hole), (2154, vec![(700, 706)]));
    let hole = all.filter(|hour| !(700..988).contains(hour));
    assert_eq!(check(90, hole), (1872, vec![(700, 988)]));
}

#[test]
fn usual_silences_are_covered() {
    let office = (0..90 * DAY).filter(|hour| hour / DAY % 7 < 5 && (8..18).contains(&(hour % DAY)));
    assert_eq!(check(90, office).1, vec![], "nights and weekends");
    let daily = (0..90).map(|day| day * DAY + 3);
    assert_eq!(check(90, daily).1, vec![], "a daily job");
    let often = (0..90 * DAY).filter(|hour| hour.wrapping_mul(2_654_435_761) >> 16 & 7 < 6);
    assert_eq!(check(90, often).1, vec![], "three hours of four, by chance");
}

#[test]
fn unusual_silences_are_holes() {
    let daily = (0..90)
        .filter(|day| !(40..44).contains(day))
        .map(|day| day * DAY + 3);
    assert_eq!(
        check(90, daily).1,
        vec![(39 * 24 + 4, 44 * 24 + 3)],
        "four days of a daily job"
    );
    let office = (0..90 * DAY)
        .filter(|hour| hour / DAY % 7 < 5 && (8..18).contains(&(hour % DAY)))
        .filter(|hour| !(28 * DAY..35 * DAY).contains(hour));
    assert_eq!(
        check(90, office).1.len(),
        1,
        "a week without an office hour"
    );
}

#[test]
fn a_trail_that_starts_late_or_ends_early_says_so() {
    assert_eq!(check(90, 30 * DAY..90 * DAY).1, vec![(0, 720)]);
    assert_eq!(check(90, 0..80 * DAY).1, vec![(1920, 2160)]);
    assert_eq!(check(90, 5..90 * DAY - 2).1, vec![(0, 5)]);
}

#[test]
fn a_few_events_cover_hardly_more_than_their_hours() {
    assert_eq!(check(90, [1000].into_iter()).0, 1);
    assert_eq!(check(90, [0, 2159].into_iter()).0, 2);
    assert_eq!(
        check(90, std::iter::empty::<u32>().chain([5, 900, 1800])).0,
        3
    );
}

#[test]
fn a_write_only_trail_covers_no_reads() {
    let mut coverage = Coverage::default();
    for hour in 0..90 * DAY {
        coverage.active_hour("111122223333", "us-east-1", START + hour, false);
    }
    let scope = coverage.scopes().into_iter().next().unwrap();
    let activity = coverage.of(&scope).unwrap();
    let (from, to) = (
        i64::from(START) * 3_600,
        i64::from(START + 90 * DAY) * 3_600,
    );
    assert!(activity.is_write_only());
    assert_eq!(activity.covered(from, to).hours(from, to), 0);
}

#[test]
fn a_trail_that_became_write_only_covers_reads_until_then() {
    let mut coverage = Coverage::default();
    for hour in 0..90 * DAY {
        coverage.active_hour("111122223333", "us-east-1", START + hour, hour < 60 * DAY);
    }
    let scope = coverage.scopes().into_iter().next().unwrap();
    let (from, to) = (
        i64::from(START) * 3_600,
        i64::from(START + 90 * DAY) * 3_600,
    );
    let covered = coverage.of(&scope).unwrap().covered(from, to);
    assert_eq!(covered.hours(from, to), 60 * DAY);
}

#[test]
fn the_edges_of_an_asserted_span_may_miss_an_hour() {
    let scope = Scope {
        account: "111122223333".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
    };
    let until = |end: i64| {
        let mut coverage = Coverage::default();
        coverage.assert(&scope, 0, end);
        coverage
            .of(&scope)
            .unwrap()
            .covered(0, 72_000)
            .holes(0, 72_000)
    };
    assert_eq!(until(72_000 - 3_600), []);
    assert_eq!(until(72_000 - 3_601), [(68_399, 72_000)]);
    let mut coverage = Coverage::default();
    coverage.assert(&scope, 3_600, 72_000);
    assert!(
        coverage
            .of(&scope)
            .unwrap()
            .covered(0, 72_000)
            .is_complete(0, 72_000)
    );
}

#[test]
fn an_asserted_span_needs_no_events() {
    let scope = Scope {
        account: "111122223333".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
    };
    let mut coverage = Coverage::default();
    coverage.assert(&scope, 0, 36_000);
    coverage.assert(&scope, 36_000, 72_000);
    let covered = coverage.of(&scope).unwrap().covered(0, 72_000);
    assert!(covered.is_complete(0, 72_000));
    assert_eq!(covered.hours(0, 72_000), 20);
}

#[test]
fn scopes_are_proved_together_only_where_each_one_is() {
    let proof = Covered::new(vec![(0, 10)]).proof(0, 10);
    assert!(proof.is_some());
    for (proofs, is_proved) in [
        (vec![], false),
        (vec![proof], true),
        (vec![proof, proof], true),
        (vec![proof, None], false),
        (vec![None, proof], false),
    ] {
        assert_eq!(Proof::of_all(proofs).is_some(), is_proved);
    }
}
