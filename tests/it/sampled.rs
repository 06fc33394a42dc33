//! Estimates: what a scan says where only windows of the event history were read.
//!
//! The traffic is ours, so the truth is known: it is folded once in full and once through the windows of a comb, and
//! the two reports are held against each other.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use secretsweep::domain::analysis::TrailInput;
use secretsweep::domain::base::money::Money;
use secretsweep::domain::base::names::{Scope, SecretArn};
use secretsweep::domain::inventory::secret::Secret as Entry;
use secretsweep::domain::policy::Policy;
use secretsweep::domain::report::result::{LoopRow, LoopShape, ReaderRow, Report, SecretRow};
use secretsweep::domain::report::sums::{self, Grouping, groups};
use secretsweep::domain::report::verdict::Verdict;
use secretsweep::domain::sampling::{FinishedCombs, SUBCOMBS, Sample, SamplingPlan};
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::event::{
    EventId, EventSink, Identity, RecordKind, TlsVersion, TrailEvent,
};
use secretsweep::domain::trail::ledger::Ledger;

use crate::analyse_fixture::{BOUNDS, moment, report, span};
use crate::world::{ACCOUNT, DAY, EAST, HOUR, NOW_S, OTHER, WEST, World, idle, program};

const FROM: i64 = BOUNDS.window_from;

fn scope(account: &str, region: &str) -> Scope {
    Scope {
        account: account.parse().unwrap(),
        region: region.parse().unwrap(),
    }
}

/// A call, in few words.
#[derive(Clone, Debug)]
struct Call {
    time: i64,
    place: (&'static str, &'static str),
    secret: String,
    api: &'static str,
    role: &'static str,
    session: String,
    address: String,
    failed: bool,
    /// The call is logged in this place, too.
    twin: Option<(&'static str, &'static str)>,
}

fn read(secret: &str, role: &'static str, session: impl Into<String>, time: i64) -> Call {
    Call {
        time,
        place: (ACCOUNT, EAST),
        secret: secret.to_owned(),
        api: "GetSecretValue",
        role,
        session: session.into(),
        address: "10.0.0.1".to_owned(),
        failed: false,
        twin: None,
    }
}

impl Call {
    /// The copies of it in the log, with the place of each.
    fn logged(&self, number: usize) -> Vec<(&'static str, &'static str)> {
        let _ = number;
        std::iter::once(self.place).chain(self.twin).collect()
    }

    fn tell(&self, number: usize, place: (&str, &str), tell: &mut dyn FnMut(&TrailEvent<'_>)) {
        let number = u128::try_from(number).unwrap() << 1;
        let is_copy = u128::from(place != self.place);
        let own = self.place.0;
        let text = |text: String| Some(Cow::Owned(text));
        tell(&TrailEvent {
            id: EventId(number + is_copy + 1),
            shared_id: self.twin.map(|_| EventId((1 << 100) + number)),
            time: self.time,
            account: place.0.into(),
            region: place.1.into(),
            name: self.api.into(),
            kind: RecordKind::Call,
            names_version: false,
            batch: None,
            error_code: self.failed.then(|| "ThrottlingException".into()),
            error_message: None,
            target: (self.api != "ListSecrets").then(|| self.secret.as_str().into()),
            version_stage: None,
            identity: Identity {
                kind: Some("AssumedRole".into()),
                arn: text(format!(
                    "arn:aws:sts::{own}:assumed-role/{}/{}",
                    self.role, self.session
                )),
                account: Some(own.into()),
                issuer_arn: text(format!("arn:aws:iam::{own}:role/{}", self.role)),
                ..Identity::default()
            },
            source_ip: Some(self.address.as_str().into()),
            user_agent: Some("Boto3/1.34.2 md/Botocore#1.34.2 lang/python#3.11.6".into()),
            vpc_endpoint: false,
            from_console: false,
            tls: TlsVersion::Unknown,
        });
    }
}

/// Describes how a place is read.
#[derive(Clone, Debug)]
enum Reading {
    Full,
    /// Windows, and in full from this second on.
    Windows(SamplingPlan, FinishedCombs, i64),
}

fn comb(rate: f64, windows: u32, seed: u64) -> SamplingPlan {
    SamplingPlan::new(span(FROM, NOW_S), rate, windows, seed).unwrap()
}

/// The window in which a second lies.
fn window_at(comb: &SamplingPlan, second: i64) -> Option<u32> {
    let first = comb.span.from.as_second() - i64::from(comb.width_s) + 1 + i64::from(comb.phase_s);
    let place = u32::try_from((second - first).div_euclid(comb.step_s.into())).ok()?;
    let window = comb.window(place)?;
    (window.from.as_second() <= second && second <= window.last.as_second()).then_some(place)
}

/// Scans calls as these places are read; what is not named is read in full.
fn scan(
    secrets: &[&str],
    calls: &[Call],
    readings: &[((&str, &str), Reading)],
    policy: &str,
) -> Report {
    let mut ledger = Ledger::new(BOUNDS, Arc::new(Deduplicator::default()));
    let of = |place: (&str, &str)| {
        readings
            .iter()
            .find(|(of, _)| *of == place)
            .map(|(_, how)| how)
    };
    // What is read in full comes first, in each place and here in all.
    for (number, call) in calls.iter().enumerate() {
        for place in call.logged(number) {
            let in_full = match of(place) {
                Some(Reading::Windows(_, _, full)) => call.time >= *full,
                _ => true,
            };
            if in_full {
                call.tell(number, place, &mut |event| ledger.event(event));
            }
        }
    }
    for (number, call) in calls.iter().enumerate() {
        for place in call.logged(number) {
            if let Some(Reading::Windows(comb, done, _)) = of(place)
                && let Some(window) = window_at(comb, call.time)
                && done.has(window % SUBCOMBS)
            {
                call.tell(number, place, &mut |event| ledger.sampled(event, window));
            }
        }
    }
    let mut places: BTreeSet<(&str, &str)> = calls.iter().flat_map(|call| call.logged(0)).collect();
    places.extend(readings.iter().map(|(place, _)| *place));
    for place in places {
        let scope = scope(place.0, place.1);
        match of(place) {
            Some(Reading::Windows(comb, done, full)) => {
                ledger.coverage.assert(&scope, *full, NOW_S);
                let sample = Sample::new(comb.clone(), *done, [(*full, NOW_S)]);
                ledger.coverage.sampled(scope, sample);
            }
            _ => ledger.coverage.assert(&scope, BOUNDS.from, NOW_S),
        }
    }
    let (accesses, coverage) = ledger.into_accesses();
    let secrets = secrets.iter().map(|arn| {
        let mut entry = Entry::new(SecretArn::new(arn).unwrap());
        entry.created = Some(moment(NOW_S - 900 * DAY));
        entry.kms_key = entry
            .name
            .starts_with("keyed")
            .then(|| format!("arn:aws:kms:{EAST}:{ACCOUNT}:key/1"));
        entry
    });
    let policy = Policy::parse(policy).unwrap();
    report(
        secrets.collect(),
        &accesses,
        &coverage,
        &policy,
        TrailInput::Given,
    )
}

fn arn(place: (&str, &str), name: &str) -> String {
    format!(
        "arn:aws:secretsmanager:{}:{}:secret:{name}-AbC123",
        place.1, place.0
    )
}

fn secret<'a>(report: &'a Report, name: &str) -> &'a SecretRow {
    report.secrets.iter().find(|row| row.name == name).unwrap()
}

fn found<'a>(report: &'a Report, reader: &str) -> Option<&'a LoopRow> {
    report.loops.iter().find(|row| row.reader.ends_with(reader))
}

const HERE: (&str, &str) = (ACCOUNT, EAST);

/// Calls of one client, one in `step` seconds, in these days of the window.
fn every(call: &Call, step: i64, days: std::ops::Range<i64>) -> Vec<Call> {
    let (from, to) = (FROM + days.start * DAY, FROM + days.end * DAY);
    (0..(to - from) / step)
        .map(|number| Call {
            time: from + number * step,
            ..call.clone()
        })
        .collect()
}

/// A month of a busy place: a loop, a fleet that caches, a secret seldom read, one of two days only, and nobody's calls.
fn busy() -> (Vec<String>, Vec<Call>) {
    let secrets = ["keyed/hot", "fleet", "seldom", "two-days", "idle"];
    let mut calls = every(&read("keyed/hot", "looping", "pod", 0), 20, 0..30);
    for pod in 0..60_i64 {
        let call = Call {
            address: format!("10.0.1.{pod}"),
            ..read("fleet", "caching", format!("pod-{pod}"), 0)
        };
        // Each pod lives for a day, and reads once an hour.
        let day = pod % 30;
        calls.extend(
            every(&call, HOUR, day..day + 1)
                .into_iter()
                .map(|call| Call {
                    time: call.time + pod * 53 % HOUR,
                    ..call
                }),
        );
    }
    calls.extend(every(&read("two-days", "batch", "job", 0), 5, 11..13));
    calls.extend(
        (0..3).map(|number| read("seldom", "person", "jo", FROM + (number * 9 + 2) * DAY + 77)),
    );
    calls.extend(every(
        &Call {
            api: "ListSecrets",
            ..read("", "lister", "cron", 0)
        },
        300,
        0..30,
    ));
    let denied = Call {
        failed: true,
        ..read("fleet", "denied", "pod", 0)
    };
    calls.extend(every(&denied, 61, 0..30));
    (secrets.map(|name| arn(HERE, name)).to_vec(), calls)
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

#[test]
fn calls_costs_and_totals_are_estimates_whose_intervals_hold_the_truth() {
    let (secrets, calls) = busy();
    let truth = scan(&texts(&secrets), &calls, &[], "");
    let (mut held, mut asked) = (0_u32, 0_u32);
    for seed in 0..8 {
        let how = Reading::Windows(comb(0.2, 2_400, seed), FinishedCombs::ALL, NOW_S - 2 * HOUR);
        let report = scan(&texts(&secrets), &calls, &[(HERE, how)], "");
        let mut holds = |what: &str, low: u64, point: u64, high: u64, truth: u64| {
            assert!(
                low <= point && point <= high,
                "{what}: {low} {point} {high}"
            );
            asked += 1;
            held += u32::from((low..=high).contains(&truth));
        };
        for (row, real) in report.secrets.iter().zip(&truth.secrets) {
            let estimate = row.estimate.as_ref().unwrap();
            let (reads, failed) = (estimate.reads.unwrap(), estimate.failed.unwrap());
            holds(
                &row.name,
                estimate.calls.low,
                row.calls,
                estimate.calls.high,
                real.calls,
            );
            holds(&row.name, reads.low, row.reads, reads.high, real.reads);
            holds(&row.name, failed.low, row.failed, failed.high, real.failed);
            let usd = estimate.cost.total_usd.unwrap();
            let cents = |money: Money| u64::try_from(money.0).unwrap();
            let (point, real) = (row.cost.total_usd.unwrap(), real.cost.total_usd.unwrap());
            holds(
                &row.name,
                cents(usd.low),
                cents(point),
                cents(usd.high),
                cents(real),
            );
        }
        let readers = |report: &Report| -> Vec<ReaderRow> {
            let readers = report.secrets.iter().flat_map(|row| &row.readers);
            readers.cloned().collect()
        };
        let truths = readers(&truth);
        for row in readers(&report) {
            // One that was not seen has no row; its calls are in the interval of the secret alone.
            let real = truths
                .iter()
                .find(|real| real.reader == row.reader)
                .unwrap();
            let calls = row.estimate.unwrap().calls;
            holds(&row.reader, calls.low, row.calls, calls.high, real.calls);
        }
        for (group, real) in groups(&report, Grouping::Account)
            .iter()
            .zip(groups(&truth, Grouping::Account))
        {
            let calls = group.totals.estimate.as_ref().unwrap().calls;
            let (point, real) = (group.totals.calls, real.totals.calls);
            holds(&group.key.to_string(), calls.low, point, calls.high, real);
        }
        let total = report.totals.estimate.as_ref().unwrap();
        holds(
            "total",
            total.calls.low,
            report.totals.calls,
            total.calls.high,
            truth.totals.calls,
        );
        // Rows err in different windows, so a total is surer than the sum of its rows.
        let widths: u64 = report
            .secrets
            .iter()
            .map(|row| row.estimate.as_ref().unwrap().calls)
            .map(|calls| calls.high - calls.low)
            .sum();
        assert!(total.calls.high - total.calls.low < widths);
        let lists = &report.unattributed[0];
        let estimate = lists.estimate.as_ref().unwrap();
        holds(
            "lists",
            estimate.calls.low,
            lists.calls,
            estimate.calls.high,
            truth.unattributed[0].calls,
        );
    }
    assert!(held * 100 >= asked * 93, "{held} of {asked}");
}

#[test]
fn nothing_is_judged_unused_from_a_sample() {
    let (secrets, calls) = busy();
    // So many windows that every hour was heard of.
    let how = Reading::Windows(comb(2.0, 20_000, 1), FinishedCombs::ALL, NOW_S - 2 * HOUR);
    let report = scan(&texts(&secrets), &calls, &[(HERE, how)], "idle = \"30d\"");
    let idle = secret(&report, "idle");
    assert_eq!(idle.verdict, Verdict::Review, "{:?}", idle.reasons);
    let calls = idle.estimate.as_ref().unwrap().calls;
    assert!(
        idle.calls == 0 && calls.low == 0 && calls.high > 0,
        "not seen is not absent: {calls:?}"
    );
    assert_eq!(secret(&report, "keyed/hot").verdict, Verdict::Keep);
}

#[test]
fn a_loop_is_found_and_a_fleet_that_caches_is_not() {
    let (secrets, calls) = busy();
    let truth = scan(&texts(&secrets), &calls, &[], "");
    for (windows, seed) in [(2_400, 3), (1_200, 4), (300, 5)] {
        let how = Reading::Windows(
            comb(0.2, windows, seed),
            FinishedCombs::ALL,
            NOW_S - 2 * HOUR,
        );
        let report = scan(
            &texts(&secrets),
            &calls,
            &[(HERE, how)],
            "[loops]\nmin_avoidable_usd = \"0.01\"\n",
        );
        let (row, real) = (
            found(&report, "looping").unwrap(),
            found(&truth, "looping").unwrap(),
        );
        let estimate = row.estimate.as_ref().unwrap();
        let range = estimate.avoidable_calls_month;
        assert!(
            (range.low..=range.high).contains(&real.avoidable_calls_month),
            "{windows}: {row:?} {real:?}"
        );
        let share = f64::from(u32::try_from(row.avoidable_calls_month).unwrap())
            / f64::from(u32::try_from(real.avoidable_calls_month).unwrap());
        assert!((0.9..1.1).contains(&share), "{windows}: {share}");
        assert_eq!(row.interval_s, Some(20.0), "{windows}");
        assert_eq!(row.clients, 1);
        assert!(
            found(&report, "caching").is_none(),
            "{windows}: {:?}",
            found(&report, "caching")
        );
        assert!(found(&truth, "caching").is_none());
        // Its lists cost more than this policy allows.
        let lister = found(&report, "lister");
        assert!(
            lister.is_none_or(|row| row.what == "ListSecrets"),
            "{windows}: {lister:?}"
        );
        let avoidable = secret(&report, "keyed/hot")
            .estimate
            .as_ref()
            .unwrap()
            .avoidable_usd
            .unwrap();
        assert!(avoidable.low > Money::ZERO && avoidable.high > avoidable.low);
        assert!(
            report
                .totals
                .estimate
                .as_ref()
                .unwrap()
                .savings_usd
                .unwrap()
                .low
                > Money::ZERO
        );
    }
}

#[test]
fn what_was_seen_too_little_to_know_is_left_empty() {
    let hot = every(&read("hot", "looping", "pod", 0), 20, 3..4);
    let secrets = [arn(HERE, "hot")];
    // Windows of a minute and a half hold four or five calls, those of a quarter of an hour forty-five.
    for (rate, windows, shape, pace) in [
        (0.5, 1_500, LoopShape::Unknown, Some(20.0)),
        (0.05, 700, LoopShape::Steady, Some(20.0)),
    ] {
        let how = Reading::Windows(comb(rate, windows, 2), FinishedCombs::ALL, NOW_S - HOUR);
        let report = scan(&texts(&secrets), &hot, &[(HERE, how)], "");
        let row = found(&report, "looping").unwrap();
        assert_eq!(row.shape, shape, "{row:?}");
        let off = row
            .interval_s
            .zip(pace)
            .map(|(found, real): (f64, f64)| (found - real).abs());
        assert_eq!(row.interval_s.is_some(), pace.is_some(), "{row:?}");
        assert!(off.is_none_or(|off| off < 2.0), "{row:?}");
    }
    // Five windows in the day that it ran: it was seen, and that is all.
    let how = Reading::Windows(comb(0.5, 150, 2), FinishedCombs::ALL, NOW_S - HOUR);
    let report = scan(&texts(&secrets), &hot, &[(HERE, how)], "");
    assert_eq!(report.loops, []);
    assert!(secret(&report, "hot").last_consumer_read.is_some());
    let estimate = secret(&report, "hot").estimate.clone().unwrap();
    let codes: Vec<&str> = estimate
        .caveats
        .iter()
        .map(|row| row.code.as_str())
        .collect();
    assert_eq!(codes, ["rare", "burst", "few-windows"]);
}

#[test]
fn a_sample_that_is_too_small_gives_no_number() {
    let (secrets, calls) = busy();
    let mut two = FinishedCombs::default();
    two.add(0);
    two.add(1);
    let how = Reading::Windows(comb(0.2, 2_400, 1), two, NOW_S - 2 * HOUR);
    let report = scan(&texts(&secrets), &calls, &[(HERE, how)], "");
    let row = secret(&report, "keyed/hot");
    assert_eq!((row.cost.api_usd, row.estimate.as_ref()), (None, None));
    assert!(row.calls > 0, "what was seen was seen");
    assert_eq!(report.totals.estimate, None);
    let sample = report.scopes[0].sample.as_ref().unwrap();
    assert_eq!((sample.calls, sample.calls_range), (None, None));
}

#[test]
fn the_comb_is_recorded_so_that_the_sample_can_be_repeated() {
    let (secrets, calls) = busy();
    let comb = comb(0.2, 2_400, 77);
    let how = Reading::Windows(comb.clone(), FinishedCombs::ALL, NOW_S - 2 * HOUR);
    let report = scan(&texts(&secrets), &calls, &[(HERE, how)], "");
    let sample = report.scopes[0].sample.as_ref().unwrap();
    assert_eq!((sample.step_s, sample.width_s), (comb.step_s, comb.width_s));
    assert_eq!((sample.phase_s, sample.seed), (comb.phase_s, 77));
    assert_eq!(
        (sample.windows, sample.windows_read),
        (comb.windows(), comb.windows())
    );
    assert_eq!(sample.full_s, 7_200);
    assert_eq!(sample.calls, Some(report.totals.calls));
}

#[test]
fn a_call_that_two_accounts_log_is_estimated_once() {
    let there = (OTHER, EAST);
    let name = arn(there, "shared");
    let shared = Call {
        twin: Some(there),
        ..read(&name, "across", "pod", 0)
    };
    let calls = every(&shared, 20, 0..30);
    let truth = i64::try_from(calls.len()).unwrap();
    let windows = |seed| Reading::Windows(comb(0.1, 2_400, seed), FinishedCombs::ALL, NOW_S - HOUR);
    for (what, readings) in [
        (
            "both sampled",
            vec![(HERE, windows(1)), (there, windows(2))],
        ),
        ("the caller's in full", vec![(there, windows(2))]),
        ("the owner's in full", vec![(HERE, windows(1))]),
    ] {
        let report = scan(&[&name], &calls, &readings, "");
        let calls = i64::try_from(report.totals.calls).unwrap();
        assert!(
            (calls - truth).abs() * 20 < truth,
            "{what}: {calls} of {truth}"
        );
    }
}

#[test]
fn estimates_of_an_earlier_scan_do_not_stay_beside_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new().secret(idle("db"));
    world.write(folder.path());
    std::fs::create_dir(folder.path().join("out")).unwrap();
    let stale = folder.path().join("out/estimates.csv");
    std::fs::write(&stale, "kind\ntotal\n").unwrap();
    let other = folder.path().join("out/mine.txt");
    std::fs::write(&other, "a note").unwrap();
    let scan = world.scan_in(folder);
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    assert!(!stale.exists(), "nothing was estimated");
    assert!(other.exists(), "what is not ours stays");
}

#[test]
fn estimates_of_another_scan_do_not_stay_beside_tables_that_are_written_again() {
    let scan = World::new().secret(idle("db")).scan();
    let folder = scan.into_folder();
    let write = |formats: &[&str]| {
        let again = folder.path().join("again");
        std::fs::create_dir_all(&again).unwrap();
        let stale = again.join("estimates.csv");
        std::fs::write(&stale, "kind\ntotal\n").unwrap();
        let mut args = vec!["report", "out", "--out", "again", "--overwrite"];
        args.extend(formats);
        let ended = program(folder.path(), &args);
        assert!(ended.status.success(), "{ended:?}");
        stale.exists()
    };
    assert!(!write(&["--format", "csv"]), "nothing was estimated");
    assert!(
        write(&["--format", "html"]),
        "tables that stay keep their estimates"
    );
}

// ------------------------------------------------------------------------------------------------------ laws

const PLACES: [(&str, &str); 3] = [(ACCOUNT, EAST), (ACCOUNT, WEST), (OTHER, EAST)];

fn any_call() -> impl Strategy<Value = Call> {
    let place = proptest::sample::select(PLACES.to_vec());
    let what = proptest::sample::select(vec![
        ("GetSecretValue", "keyed/a"),
        ("GetSecretValue", "b"),
        ("DescribeSecret", "b"),
        ("GetSecretValue", "missing"),
        ("ListSecrets", ""),
    ]);
    let role = proptest::sample::select(vec!["one", "two"]);
    (
        FROM..NOW_S,
        place,
        what,
        role,
        0..4_u8,
        any::<bool>(),
        proptest::option::weighted(0.2, 0..3_usize),
    )
        .prop_map(
            |(time, place, (api, name), role, session, failed, twin)| Call {
                time,
                place,
                secret: if twin.is_some() {
                    arn(place, name)
                } else {
                    name.to_owned()
                },
                api,
                role,
                session: session.to_string(),
                address: format!("10.0.0.{session}"),
                failed,
                twin: twin.map(|at| PLACES[at]).filter(|other| *other != place),
            },
        )
}

fn any_reading() -> impl Strategy<Value = Reading> {
    (0..3_u8, 1_u64..1_000, 40_u32..3_000, 0_u32..14, 0..30_i64).prop_map(
        |(kind, seed, windows, parts, full)| {
            if kind == 0 {
                return Reading::Full;
            }
            let mut done = FinishedCombs::default();
            (0..parts).for_each(|part| done.add(part));
            Reading::Windows(comb(0.5, windows, seed), done, NOW_S - full * DAY)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_and_the_unattributed_add_up_to_the_totals_whatever_was_sampled(
        calls in proptest::collection::vec(any_call(), 0..250),
        readings in [any_reading(), any_reading(), any_reading()],
    ) {
        let secrets: Vec<String> =
            PLACES.iter().flat_map(|place| ["keyed/a", "b"].map(|name| arn(*place, name))).collect();
        let readings: Vec<_> = PLACES.into_iter().zip(readings).collect();
        let report = scan(&texts(&secrets), &calls, &readings, "[loops]\nmin_avoidable_usd = \"0.000001\"\n");
        let totals = &report.totals;
        let sum = |number: fn(&SecretRow) -> u64| report.secrets.iter().map(number).sum::<u64>();
        let nobodys: u64 = report.unattributed.iter().map(|row| row.calls).sum();
        prop_assert_eq!(sum(|row| row.calls) + nobodys, totals.calls);
        prop_assert_eq!(nobodys, totals.unattributed_calls);
        prop_assert_eq!(sum(|row| row.reads), totals.reads);
        let usd = |part: fn(&SecretRow) -> Option<Money>| {
            report.secrets.iter().filter_map(part).sum::<Money>()
        };
        let nobodys: Money = report.unattributed.iter().filter_map(|row| row.api_usd).sum();
        prop_assert_eq!(usd(|row| row.cost.api_usd) + nobodys, totals.cost.api_usd);
        prop_assert_eq!(usd(|row| row.cost.kms_usd), totals.cost.kms_usd);
        prop_assert_eq!(usd(|row| row.cost.total_usd) + nobodys, totals.cost.total_usd);
        for row in &report.secrets {
            let readers = &row.readers;
            prop_assert_eq!(readers.iter().map(|reader| reader.calls).sum::<u64>(), row.calls);
            prop_assert_eq!(readers.iter().map(|reader| reader.reads).sum::<u64>(), row.reads);
            prop_assert!(row.reads + row.failed <= row.calls);
        }
        for row in &report.unattributed {
            prop_assert_eq!(row.by_what.values().sum::<u64>(), row.calls);
        }
        for (by, number) in [(sums::Grouping::Region, 2), (sums::Grouping::Account, 2)] {
            let groups = sums::groups(&report, by);
            prop_assert!(groups.len() >= number);
            prop_assert_eq!(groups.iter().map(|group| group.totals.cost.total_usd).sum::<Money>(), totals.cost.total_usd);
            for group in &groups {
                let Some(estimate) = &group.totals.estimate else { continue };
                let (calls, usd) = (estimate.calls, estimate.cost.total_usd.unwrap());
                prop_assert!(calls.low <= group.totals.calls && group.totals.calls <= calls.high);
                prop_assert!(usd.low <= group.totals.cost.total_usd && group.totals.cost.total_usd <= usd.high);
            }
        }
        // An estimate lies in its interval, and what needs none says so by having none.
        let sampled = |place: &(&str, &str)| {
            let sample = report.scopes.iter().find(|row| {
                (row.account.as_str(), row.region.as_str()) == *place
            });
            sample.and_then(|row| row.sample.as_ref()).is_some_and(|sample| sample.calls.is_some())
        };
        prop_assert_eq!(totals.estimate.is_some(), PLACES.iter().any(sampled));
        if let Some(estimate) = &totals.estimate {
            prop_assert!(estimate.calls.low <= totals.calls && totals.calls <= estimate.calls.high);
            let usd = estimate.cost.total_usd.unwrap();
            prop_assert!(usd.low <= totals.cost.total_usd && totals.cost.total_usd <= usd.high);
        }
        for row in &report.secrets {
            let Some(estimate) = &row.estimate else {
                prop_assert!(!sampled(&(row.account.as_str(), row.region.as_str())));
                continue;
            };
            prop_assert!(estimate.calls.low <= row.calls && row.calls <= estimate.calls.high);
            if let (Some(range), Some(point)) = (estimate.cost.total_usd, row.cost.total_usd) {
                prop_assert!(range.low <= point && point <= range.high, "{:?} {}", range, point);
            }
            if let (Some(range), Some(point)) = (estimate.avoidable_usd, row.avoidable_usd) {
                prop_assert!(range.low <= point && point <= range.high, "{:?} {}", range, point);
            }
        }
        for reader in report.secrets.iter().flat_map(|row| &row.readers) {
            if let Some(estimate) = &reader.estimate {
                let (calls, reads) = (estimate.calls, estimate.reads.unwrap());
                prop_assert!(calls.low <= reader.calls && reader.calls <= calls.high);
                prop_assert!(reads.low <= reader.reads && reader.reads <= reads.high);
            }
        }
        for row in &report.loops {
            if let Some(estimate) = &row.estimate {
                let range = estimate.avoidable_calls_month;
                prop_assert!(range.low <= row.avoidable_calls_month && row.avoidable_calls_month <= range.high);
                let range = estimate.reads_month;
                prop_assert!(range.low <= row.reads_month && row.reads_month <= range.high);
            }
        }
        let again: Value = serde_json::to_value(&report).unwrap();
        prop_assert_eq!(serde_json::from_value::<Report>(again).unwrap(), report);
    }
}
