//! The event history, read through its adapter: everything, as far as a budget goes, or a sample.

use std::time::Duration;

use jiff::SignedDuration;
use secretsweep::aws::{AwsSession, lookup};
use secretsweep::domain::base::span::Span;
use secretsweep::domain::sampling::{FinishedCombs, Sample, Series};
use secretsweep::ports::{BlobStore, LookupWay, NoProgress, ProgressEvent};

use super::{A, Basket, EAST, Memory, ProgressEvents, WEST, connect, scope, text};
use crate::aws::world::{Early, Event, Rate, at};
use crate::aws::{Aws, Fault, World};

const NOW: &str = "2026-11-23T12:00:00Z";

/// Ninety days of evidence, thirty of them counted, everything final.
fn everything(budget: Duration) -> lookup::LookupRequest {
    let now = at(NOW);
    let span = |days: i64| Span {
        from: now - SignedDuration::from_hours(24 * days),
        to: now,
    };
    lookup::LookupRequest {
        settled: now,
        seed: 7,
        ..lookup::LookupRequest::new(span(90), span(30), now, budget)
    }
}

/// Reads of one secret, evenly over the last `days`, ending a minute before now.
fn reads(region: &str, count: i64, days: i64) -> Vec<Event> {
    let step = days * 86_400 / count;
    (0..count)
        .map(|number| {
            let time = at(NOW) - SignedDuration::from_secs(60 + number * step);
            Event::read(
                &time.to_string(),
                A,
                region,
                "app/secret-00000",
                "app",
                "pod-1",
            )
        })
        .collect()
}

async fn quick(aws: &Aws, pace: Duration) -> AwsSession {
    let mut connect = connect(aws, A);
    connect.patience.lookup_pace = pace;
    AwsSession::open(connect).await.unwrap()
}

const FAST: Duration = Duration::from_millis(1);
const AMPLE: Duration = Duration::from_mins(1);

/// Reads the event history of the one account and Region that most worlds here have.
async fn look(
    session: &AwsSession,
    ask: &lookup::LookupRequest,
    basket: &Basket,
    store: Option<&dyn BlobStore>,
) -> Vec<lookup::HistoryRead> {
    lookup::read(session, &[scope(A, EAST)], ask, basket, store, &NoProgress).await
}

/// The one account and Region with so many reads over the last days, and nobody who slows look-ups down.
fn logged(count: i64, days: i64) -> World {
    World::new(A)
        .events(A, EAST, reads(EAST, count, days))
        .lookup_rate(Rate::Unlimited)
}

/// This world, and a session in it.
async fn begin(world: World) -> (Aws, AwsSession) {
    let aws = Aws::start(world);
    let session = quick(&aws, FAST).await;
    (aws, session)
}

#[tokio::test]
async fn a_history_is_read_to_its_end_once_and_asserted() {
    let mut world = logged(1_234, 80);
    world.lookup.early = Early::Refuse;
    let (aws, session) = begin(world).await;
    let basket = Basket::default();
    let read = look(&session, &everything(AMPLE), &basket, None).await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(read[0].way, LookupWay::Everything);
    assert_eq!(basket.distinct().len(), 1_234);
    assert_eq!(
        basket.covered(&scope(A, EAST)),
        [("2026-08-25T12:00:00Z".to_owned(), NOW.to_owned())]
    );
    // 25 pages; 13 probes; what the cut slices read twice or nearly empty.
    assert!((25..60).contains(&read[0].requests), "{}", read[0].requests);
    let asked = aws.calls_of("cloudtrail", "LookupEvents");
    assert!(asked.iter().all(|call| call.status == 200), "{asked:?}");
}

/// A window that ended so many days ago, thirty days long, as `--month` has it: what is newer is evidence.
fn past(days: i64, budget: Duration) -> lookup::LookupRequest {
    let to = at(NOW) - SignedDuration::from_hours(24 * days);
    let from = to - SignedDuration::from_hours(24 * 30);
    lookup::LookupRequest {
        window: Span { from, to },
        ..everything(budget)
    }
}

#[tokio::test]
async fn what_is_newer_than_the_window_is_read_to_its_end_too() {
    let (_aws, session) = begin(logged(1_234, 12)).await;
    let basket = Basket::default();
    let read = look(&session, &past(14, AMPLE), &basket, None).await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(read[0].way, LookupWay::Everything);
    assert_eq!(basket.distinct().len(), 1_234);
    assert_eq!(
        basket.covered(&scope(A, EAST)),
        [("2026-08-25T12:00:00Z".to_owned(), NOW.to_owned())]
    );
}

#[tokio::test]
async fn a_window_that_fits_the_budget_comes_before_newer_events_that_do_not() {
    let mut events = reads(EAST, 6_000, 12);
    events.extend(reads(EAST, 440, 44));
    let world = World::new(A)
        .events(A, EAST, events)
        .lookup_rate(Rate::Unlimited);
    let (_aws, session) = begin(world).await;
    let basket = Basket::default();
    let ask = lookup::LookupRequest {
        requests: Some(100),
        ..past(14, AMPLE)
    };
    let read = look(&session, &ask, &basket, None).await;
    assert_eq!(read[0].way, LookupWay::Newest, "{:?}", read[0]);
    let whole =
        |(from, to): &(String, String)| at(from) <= ask.window.from && ask.window.to <= at(to);
    let covered = basket.covered(&scope(A, EAST));
    assert!(covered.iter().any(whole), "{covered:?}");
    let gap = text(&read[0].gaps);
    assert!(gap.contains("budget was used up"), "{gap}");
}

#[tokio::test]
async fn what_earlier_runs_kept_says_nothing_of_the_work_that_is_left() {
    let (_aws, session) = begin(logged(2_000, 10)).await;
    let store = Memory::default();
    let (basket, here) = (Basket::default(), [scope(A, EAST)]);
    let whole = everything(AMPLE);
    let quiet = at(NOW) - SignedDuration::from_hours(24 * 10);
    let before = lookup::LookupRequest {
        evidence: Span {
            to: quiet,
            ..whole.evidence
        },
        settled: quiet,
        ..whole
    };
    let kept = lookup::read(&session, &here, &before, &basket, Some(&store), &NoProgress).await;
    assert_eq!((kept[0].requests, kept[0].gaps.len()), (1, 0));

    let events = ProgressEvents::default();
    lookup::read(&session, &here, &whole, &basket, Some(&store), &events).await;
    let notes = events.all();
    let planned = notes.iter().find_map(|note| match note {
        ProgressEvent::LookupPlan { full_requests, .. } => *full_requests,
        _ => None,
    });
    // 1,500 events are left after the first ten pages.
    assert!(
        planned.is_some_and(|requests| (30..45).contains(&requests)),
        "{planned:?}"
    );
    let first = notes.iter().find_map(|note| match note {
        ProgressEvent::Lookup { done_s, of_s, .. } => Some(done_s * 100 / of_s),
        _ => None,
    });
    assert!(first.is_some_and(|percent| percent < 50), "{first:?} %");
}

#[tokio::test]
async fn a_budget_beyond_all_time_is_no_bound() {
    let aws = Aws::start(World::new(A).lookup_rate(Rate::Unlimited));
    let session = quick(&aws, FAST).await;
    let (basket, ask) = (Basket::default(), everything(Duration::MAX));
    let here = scope(A, EAST);
    let read = look(&session, &ask, &basket, None).await;
    assert_eq!(read[0].gaps, []);
    let names = ["app/db".to_owned()];
    let answer = lookup::named(&session, &here, &names, &ask, &basket, &NoProgress).await;
    assert_eq!(answer, Ok(()));
}

#[tokio::test]
async fn a_quiet_history_is_one_request() {
    let aws = Aws::start(World::new(A).lookup_rate(Rate::Unlimited));
    let session = quick(&aws, FAST).await;
    let basket = Basket::default();
    let read = look(&session, &everything(AMPLE), &basket, None).await;
    assert_eq!((read[0].requests, read[0].gaps.len()), (1, 0));
    assert_eq!(
        basket.covered(&scope(A, EAST)).len(),
        1,
        "nothing logged, and that is known"
    );
}

#[tokio::test]
async fn an_interrupted_run_goes_on_where_it_stopped() {
    let (aws, session) = begin(logged(2_500, 88)).await;
    let store = Memory::default();
    for number in 35..60 {
        aws.inject(
            Fault::expired()
                .on("cloudtrail", "LookupEvents")
                .nth(number),
        );
    }
    let first = Basket::default();
    let read = look(&session, &everything(AMPLE), &first, Some(&store)).await;
    let cut_short = text(&read[0].gaps);
    assert!(cut_short.contains("expired"), "{cut_short}");
    let had = first.distinct().len();
    assert!((500..2_400).contains(&had), "{had}");

    aws.heal();
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    let second = Basket::default();
    let read = look(&session, &everything(AMPLE), &second, Some(&store)).await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(second.distinct().len(), 2_500, "none lost");
    assert_eq!(second.records.lock().unwrap().len(), 2_500, "none twice");
    assert_eq!(second.covered(&scope(A, EAST)).len(), 1);
    let missing = (2_500 - had).div_ceil(50);
    let asked = aws.calls_of("cloudtrail", "LookupEvents").len() - before;
    assert!(
        asked < missing + missing / 4 + 20,
        "{asked} requests for {missing} pages"
    );

    let third = Basket::default();
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    look(&session, &everything(AMPLE), &third, Some(&store)).await;
    assert_eq!(
        aws.calls_of("cloudtrail", "LookupEvents").len(),
        before,
        "nothing is missing"
    );
    assert_eq!(third.distinct(), second.distinct());
}

#[tokio::test]
async fn throttles_resets_cut_answers_and_tokens_that_run_out_lose_nothing() {
    let (aws, session) = begin(logged(2_000, 88)).await;
    let on = |fault: Fault| fault.on("cloudtrail", "LookupEvents");
    for number in [3, 4, 5, 25] {
        aws.inject(on(Fault::throttle()).nth(number));
    }
    aws.inject(on(Fault::reset_after()).nth(8));
    aws.inject(on(Fault::cut()).nth(28));
    aws.inject(on(Fault::broken(500)).nth(33));
    for number in [6, 38] {
        let words = "The token is no longer valid.";
        aws.inject(on(Fault::refuse(400, "InvalidNextTokenException", words)).nth(number));
    }
    let basket = Basket::default();
    let read = look(&session, &everything(AMPLE), &basket, None).await;
    assert_eq!(read[0].gaps, []);
    assert_eq!(basket.distinct().len(), 2_000);
}

#[tokio::test]
async fn the_pace_is_held_for_each_account_and_region() {
    let world = World::new(A)
        .regions(&[EAST, WEST])
        .events(A, EAST, reads(EAST, 400, 88))
        .events(A, WEST, reads(WEST, 400, 88))
        .lookup_rate(Rate::Real(20.0));
    let aws = Aws::start(world);
    let session = quick(&aws, Duration::from_millis(52)).await;
    let basket = Basket::default();
    let read = lookup::read(
        &session,
        &[scope(A, EAST), scope(A, WEST)],
        &everything(AMPLE),
        &basket,
        None,
        &NoProgress,
    )
    .await;
    assert_eq!((read[0].requests, read[1].requests), (8, 8));
    assert_eq!(basket.distinct().len(), 800);
    let calls = aws.calls_of("cloudtrail", "LookupEvents");
    for region in [EAST, WEST] {
        let times: Vec<Duration> = calls
            .iter()
            .filter(|call| call.region == region)
            .map(|call| call.at)
            .collect();
        let took = times[7].saturating_sub(times[0]);
        // Seven paces; two of them for what the machine may delay.
        assert!(took > Duration::from_millis(5 * 52), "{region}: {took:?}");
    }
    let last_of_one = calls.iter().rposition(|call| call.region == EAST);
    let first_of_other = calls.iter().position(|call| call.region == WEST);
    assert!(
        first_of_other < last_of_one,
        "Regions do not wait for each other"
    );
}

#[tokio::test]
async fn beyond_the_budget_the_newest_is_covered_and_the_rest_is_a_gap_that_names_the_way_out() {
    let (_aws, session) = begin(logged(4_000, 88)).await;
    let basket = Basket::default();
    let read = look(
        &session,
        &lookup::LookupRequest {
            requests: Some(35),
            ..everything(AMPLE)
        },
        &basket,
        None,
    )
    .await;
    let gap = text(&read[0].gaps);
    assert!(
        gap.contains("budget") && gap.contains("--trail s3://"),
        "{gap}"
    );
    let covered = basket.covered(&scope(A, EAST));
    assert_eq!(covered.last().unwrap().1, NOW);
    let (from, held) = (at(&covered.last().unwrap().0), basket.distinct());
    let expect = reads(EAST, 4_000, 88)
        .into_iter()
        .filter(|event| event.time >= from && event.time < at(NOW));
    for event in expect {
        assert!(
            held.contains(&event.text),
            "covered, but not handed on: {}",
            event.time
        );
    }
}

#[tokio::test]
async fn what_even_the_window_has_too_much_of_is_sampled_and_the_sample_can_be_repeated() {
    let (aws, session) = begin(logged(12_000, 30)).await;
    let store = Memory::default();
    let basket = Basket::default();
    let ask = lookup::LookupRequest {
        requests: Some(150),
        ..everything(AMPLE)
    };
    let read = look(&session, &ask, &basket, Some(&store)).await;
    assert_eq!(read[0].way, LookupWay::Sample, "{:?}", read[0]);
    let sample = read[0].sample.clone().unwrap();
    let (comb, done) = (sample.comb().clone(), sample.done());
    let count = |basket: &Basket| {
        let mut series = Series::default();
        for (_, window, _) in basket.sampled.lock().unwrap().iter() {
            series.add(*window, 1.0, 1.0);
        }
        series
    };
    // The basket keeps what was read in full, too, so the windows stand for all of the time.
    let alone = Sample::new(comb.clone(), done, []);
    let series = count(&basket);
    let (estimate, halves) = (
        series.estimate(&alone).unwrap(),
        series.halves(&alone).unwrap(),
    );
    assert!(
        (estimate - halves.below..=estimate + halves.above).contains(&12_000.0),
        "{estimate} {halves:?}"
    );
    assert!(
        sample.read_seconds() > 0,
        "the first pages were read in full: {sample:?}"
    );
    assert!(text(&read[0].gaps).contains("estimated from a sample"));
    let covered = at(NOW).as_second() - at(&basket.covered(&scope(A, EAST))[0].0).as_second();
    assert!(
        covered < 2 * 86_400,
        "only the first pages are covered, not the windows: {covered} s"
    );

    // Nothing is left to do, so the next run asks for nothing and has the same.
    assert_eq!(done, FinishedCombs::ALL);
    let before = aws.calls_of("cloudtrail", "LookupEvents").len();
    let again = Basket::default();
    let second = look(&session, &ask, &again, Some(&store)).await;
    assert_eq!(aws.calls_of("cloudtrail", "LookupEvents").len(), before);
    assert_eq!(second[0].sample, read[0].sample);
    assert_eq!(count(&again), count(&basket));
}

#[tokio::test]
async fn what_may_still_change_is_handed_on_but_not_kept() {
    let (aws, session) = begin(logged(100, 1)).await;
    let store = Memory::default();
    let ask = lookup::LookupRequest {
        settled: at("2026-11-23T11:40:00Z"),
        ..everything(AMPLE)
    };
    let first = Basket::default();
    let read = look(&session, &ask, &first, Some(&store)).await;
    assert_eq!(first.distinct().len(), 100);
    assert_eq!(read[0].gaps, []);
    assert_eq!(first.covered(&scope(A, EAST))[0].1, "2026-11-23T11:40:00Z");
    let late = Event::read(
        "2026-11-23T11:50:00Z",
        A,
        EAST,
        "app/secret-00000",
        "app",
        "late",
    );
    aws.world().record(A, EAST, [late]);
    let second = Basket::default();
    look(&session, &ask, &second, Some(&store)).await;
    assert_eq!(
        second.distinct().len(),
        101,
        "a late event is seen by the next run"
    );
}

#[tokio::test]
async fn a_history_that_may_not_be_read_is_a_gap_with_the_permission() {
    let aws = Aws::start(World::new(A).lookup_rate(Rate::Unlimited));
    aws.inject(Fault::denied().service("cloudtrail"));
    let session = quick(&aws, FAST).await;
    let basket = Basket::default();
    let read = look(&session, &everything(AMPLE), &basket, None).await;
    let gap = text(&read[0].gaps);
    assert!(gap.contains("cloudtrail:LookupEvents is missing"), "{gap}");
    assert!(basket.covered(&scope(A, EAST)).is_empty());
}
