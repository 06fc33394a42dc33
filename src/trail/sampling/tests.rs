//! Samples of traffic whose truth is known.

use jiff::Timestamp;

use super::*;
use crate::base::span::Span;

const MONTH: u32 = 30 * 86_400;

fn span(length: u32) -> Span {
    let from = Timestamp::from_second(1_790_000_000).unwrap();
    Span {
        from,
        to: Timestamp::from_second(from.as_second() + i64::from(length)).unwrap(),
    }
}

/// A small generator of our own, so that the numbers stay the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap()
    }
}

/// Seconds within a month at which calls happen, by shape. Sorted.
fn traffic(shape: &str, seed: u64) -> Vec<u32> {
    let mut random = Random(seed);
    let mut times: Vec<u32> = match shape {
        "steady" => (0..120_000).map(|_| random.below(MONTH)).collect(),
        "day and night" => (0..160_000)
            .map(|_| random.below(MONTH))
            .filter(|second| {
                let hour = second / 3_600 % 24;
                (8..20).contains(&hour) || second % 2 == 0
            })
            .collect(),
        "every five minutes" => (0..MONTH / 300)
            .flat_map(|tick| (0..14).map(move |_| tick * 300))
            .map(|second| second + random.below(3))
            .collect(),
        "every hour" => (0..MONTH / 3_600)
            .flat_map(|tick| (0..166).map(move |_| tick * 3_600))
            .map(|second| second + random.below(10))
            .collect(),
        "two hot days" => (0..120_000)
            .map(|_| 11 * 86_400 + random.below(2 * 86_400))
            .collect(),
        other => panic!("no shape {other}"),
    };
    times.sort_unstable();
    times
}

fn sample(comb: &SamplingPlan, times: &[u32]) -> Series {
    let mut series = Series::default();
    let begin = comb.span.from.as_second();
    for index in 0..comb.windows() {
        let window = comb.window(index).unwrap();
        let offset = |moment: Timestamp| u32::try_from(moment.as_second() - begin).unwrap();
        let from = times.partition_point(|&time| time < offset(window.from));
        let to = times.partition_point(|&time| time <= offset(window.last));
        if from < to {
            series.add(index, f64::from(u32::try_from(to - from).unwrap()), 1.0);
        }
    }
    series
}

/// A number as it stands in an estimate.
fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Returns whether the interval holds the truth.
fn holds(series: &Series, sample: &Sample, truth: f64) -> bool {
    let estimate = series.estimate(sample).unwrap();
    let halves = series.halves(sample).unwrap();
    (estimate - halves.below..=estimate + halves.above).contains(&truth)
}

#[test]
fn the_estimate_is_right_on_average_and_its_interval_holds_for_every_shape() {
    for shape in [
        "steady",
        "day and night",
        "every five minutes",
        "every hour",
        "two hot days",
    ] {
        let times = traffic(shape, 7);
        let truth = real(times.len());
        let (mut sum, mut inside) = (0.0, 0);
        let repetitions = 200;
        for seed in 0..repetitions {
            let comb = SamplingPlan::new(span(MONTH), 3.9, 2_400, seed).unwrap();
            let series = sample(&comb, &times);
            let sample = Sample::new(comb, FinishedCombs::ALL, []);
            sum += series.estimate(&sample).unwrap() / truth;
            inside += usize::from(holds(&series, &sample, truth));
        }
        let repetitions = f64::from(u32::try_from(repetitions).unwrap());
        let bias = sum / repetitions - 1.0;
        assert!(bias.abs() < 0.02, "{shape}: bias {bias}");
        let coverage = real(inside) / repetitions;
        assert!(coverage >= 0.90, "{shape}: coverage {coverage}");
    }
}

#[test]
fn every_second_of_the_span_is_in_a_window_for_equally_many_phases() {
    let mut comb = SamplingPlan::new(span(1_000), 9.0, 30, 1).unwrap();
    assert_eq!((comb.step_s, comb.width_s), (43, 5));
    let mut covered = vec![0; 1_000];
    for phase in 0..comb.step_s {
        comb.phase_s = phase;
        for index in 0..comb.windows() {
            let window = comb.window(index).unwrap();
            let begin = comb.span.from.as_second();
            for second in window.from.as_second()..=window.last.as_second() {
                covered[usize::try_from(second - begin).unwrap()] += 1;
            }
        }
        assert!(comb.window(comb.windows()).is_none());
    }
    assert!(covered.iter().all(|&times| times == 5), "{covered:?}");
}

#[test]
fn the_sub_combs_are_the_comb() {
    let comb = SamplingPlan::new(span(86_400), 20.0, 700, 3).unwrap();
    let mut indexes: Vec<u32> = (0..SUBCOMBS)
        .flat_map(|part| comb.subcomb(part).map(|window| window.index))
        .collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..comb.windows()).collect::<Vec<_>>());
}

#[test]
fn the_step_is_a_prime_and_not_more_windows_than_asked_for() {
    for about in [1, 7, 60, 293, 300, 1_800, 3_600, 14_400, 43_200, 86_400] {
        let step = step(about, 1, MONTH / about);
        assert!(is_prime(step) && step >= about, "{about}: {step}");
        assert!(step <= about + about / 12 + 20, "{about}: {step}");
    }
}

#[test]
fn the_largest_gap_is_that_of_the_windows_laid_on_the_schedule() {
    for (step, schedule, windows) in [
        (7, 60, 5),
        (43_201, 43_200, 60),
        (1_201, 3_600, 2_160),
        (13, 60, 60),
        (61, 60, 200),
        (300, 3_600, 100),
        (14_081, 86_400, 184),
        (11, 7, 1),
    ] {
        let mut positions: Vec<u32> = (0..windows)
            .map(|window| window * step % schedule)
            .collect();
        positions.sort_unstable();
        let around = positions[0] + schedule - positions[positions.len() - 1];
        let gaps = positions.windows(2).map(|two| two[1] - two[0]);
        let real = gaps.chain([around]).max().unwrap();
        let found = largest_gap(step, schedule, windows);
        // With exactly as many windows as close a round of gaps, the sum of the two sorts of gap does not occur.
        assert!(
            real <= found && found <= 2 * real,
            "{step} {schedule} {windows}: {found} {real}"
        );
    }
}

#[test]
fn no_budget_makes_the_windows_meet_a_schedule_at_one_second() {
    // As many windows as give a step that is nearly a day, half a day, an hour or a third of it.
    for windows in [30, 60, 120, 180, 360, 720, 1_440, 2_160, 2_400, 8_640] {
        let comb = SamplingPlan::new(span(MONTH), 1_000.0, windows, 1).unwrap();
        for schedule in SCHEDULES {
            let gap = largest_gap(comb.step_s, schedule, windows);
            let fair = f64::from(schedule) / f64::from(windows);
            assert!(
                f64::from(gap) <= 8.0 * fair.max(2.0),
                "{windows} windows, step {}: {gap} of {schedule} s unseen",
                comb.step_s
            );
        }
    }
}

#[test]
fn a_comb_that_would_read_most_of_the_span_is_none() {
    assert_eq!(
        SamplingPlan::new(span(1_000), 1.0, 30, 1),
        None,
        "steps of some 40 s, windows of 45 s"
    );
    assert_eq!(
        SamplingPlan::new(span(0), 100.0, 30, 1),
        None,
        "an empty span"
    );
    assert_eq!(
        SamplingPlan::new(span(5), 1e9, 1, 1),
        None,
        "a span shorter than the smallest step"
    );
}

#[test]
fn a_sample_cut_short_still_estimates_from_the_sub_combs_that_are_whole() {
    let times = traffic("steady", 11);
    let mut done = FinishedCombs::default();
    done.add(0);
    done.add(1);
    let comb = |seed| SamplingPlan::new(span(MONTH), 3.9, 2_400, seed).unwrap();
    let two = Sample::new(comb(0), done, []);
    let finished = |comb: &SamplingPlan| {
        let mut series = Series::default();
        for (index, calls) in sample(comb, &times).windows {
            if index % SUBCOMBS < 4 {
                series.add(index, calls, 1.0);
            }
        }
        series
    };
    assert_eq!(
        finished(&comb(0)).halves(&two),
        None,
        "two give no interval"
    );
    assert_eq!(two.weight(), None);
    done.add(2);
    done.add(3);
    let inside = (0..100)
        .filter(|&seed| {
            let series = finished(&comb(seed));
            let four = Sample::new(comb(seed), done, []);
            assert!(matches!(
                series.caveats(&four)[..],
                [IntervalCaveat::FewWindows(_)]
            ));
            holds(&series, &four, 120_000.0)
        })
        .count();
    assert!(inside >= 90, "the interval held {inside} times of 100");
}

#[test]
fn what_was_not_seen_may_still_be_and_rare_things_say_so() {
    let comb = SamplingPlan::new(span(MONTH), 3.9, 2_400, 5).unwrap();
    let sample = Sample::new(comb, FinishedCombs::ALL, []);
    let weight = sample.weight().unwrap();
    let mut series = Series::default();
    series.at_most(1.0);
    assert_eq!(series.estimate(&sample), Some(0.0));
    let none = series.halves(&sample).unwrap();
    assert!(
        (none.below - weight).abs() < 1e-9,
        "at least one counted call"
    );
    assert!(
        (none.above - 3.0 * weight).abs() < 1e-9,
        "not seen is not absent"
    );
    series.add(17, 1.0, 1.0);
    let once = series.halves(&sample).unwrap();
    assert!(once.above > 4.5 * weight, "{once:?}");
    assert_eq!(
        series.caveats(&sample),
        [IntervalCaveat::Rare(1), IntervalCaveat::Burst]
    );
}

#[test]
fn rare_things_are_in_their_interval() {
    // Seen five times on average, and once in a while not at all.
    for calls in [100_u32, 600, 1_200] {
        let mut random = Random(99);
        let inside = (0..300)
            .filter(|&seed| {
                let mut times: Vec<u32> = (0..calls).map(|_| random.below(MONTH)).collect();
                times.sort_unstable();
                let comb = SamplingPlan::new(span(MONTH), 3.9, 2_400, seed).unwrap();
                let mut series = sample(&comb, &times);
                series.at_most(1.0);
                holds(
                    &series,
                    &Sample::new(comb, FinishedCombs::ALL, []),
                    f64::from(calls),
                )
            })
            .count();
        assert!(inside >= 280, "{calls} calls: {inside} of 300");
    }
}

#[test]
fn what_was_read_in_full_is_not_estimated_again() {
    // A day in windows of 5 s, of which the last quarter was read in full.
    let comb = SamplingPlan::new(span(86_400), 9.0, 700, 4).unwrap();
    let end = comb.span.to.as_second();
    let alone = Sample::new(comb.clone(), FinishedCombs::ALL, []);
    let both = Sample::new(
        comb.clone(),
        FinishedCombs::ALL,
        [(end - 21_600, end + 600), (end - 60, end)],
    );
    let (alone, weight) = (alone.weight().unwrap(), both.weight().unwrap());
    assert!((weight / alone - 1.0).abs() < 0.01, "{alone} {weight}");
    assert_eq!(both.seconds(i64::MIN, i64::MAX), 87_000);
    assert_eq!(both.seconds(end, i64::MAX), 600);
    assert_eq!(both.read_seconds(), 22_200);
    let late = both
        .looked()
        .iter()
        .filter(|(index, _)| comb.window(*index).unwrap().from.as_second() >= end - 21_600);
    assert!(late.clone().count() > 100);
    assert!(late.into_iter().all(|(_, seconds)| *seconds == 0.0));
    // Everything read: nothing is left for the windows to say.
    let whole = Sample::new(comb, FinishedCombs::ALL, [(0, end)]);
    assert_eq!(whole.weight(), None);
}

#[test]
fn samples_of_several_scopes_are_independent_and_what_comes_together_spreads_together() {
    let scope = |region: &str| crate::base::names::Scope {
        account: "111122223333".parse().unwrap(),
        region: region.parse().unwrap(),
    };
    let (here, there) = (scope("us-east-1"), scope("eu-west-1"));
    let times = traffic("day and night", 3);
    let mut samples = Samples::new();
    let mut tally = Tally::default();
    for (seed, scope) in [(1, &here), (2, &there)] {
        let comb = SamplingPlan::new(span(MONTH), 3.9, 2_400, seed).unwrap();
        tally.of(scope).merge(&sample(&comb, &times), 1.0);
        samples.insert(scope.clone(), Sample::new(comb, FinishedCombs::ALL, []));
    }
    let one = |scope: &crate::base::names::Scope| {
        let series = tally.0.get(scope).unwrap();
        series.halves(&samples[scope]).unwrap().above
    };
    let both = tally.halves(&samples).above;
    assert!((both - one(&here).hypot(one(&there))).abs() < 1e-6);
    let mut doubled = tally.clone();
    doubled.merge(&tally, 1.0);
    assert!((doubled.halves(&samples).above - 2.0 * both).abs() < 1e-6);
    assert!((doubled.estimate(&samples) - 2.0 * tally.estimate(&samples)).abs() < 1e-6);
}

#[test]
fn seeds_of_scopes_differ_and_survive_any_reader() {
    let seeds: std::collections::BTreeSet<u64> = ["us-east-1", "us-east-2", "eu-west-1"]
        .iter()
        .flat_map(|region| [1, 2].map(|seed| seed_of(seed, "111122223333", region)))
        .collect();
    assert_eq!(seeds.len(), 6);
    assert!(seeds.iter().all(|&seed| seed < 1 << 53));
}
