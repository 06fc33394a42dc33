//! What holds for every input: nothing makes the program panic, the order of reading changes nothing, sums add up, and
//! nothing is deleted on the word of a trail that was not there.
//!
//! The library is called directly, so that thousands of inputs take seconds; a few go through the whole program.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use secretsweep::domain::analysis::TrailInput;
use secretsweep::domain::base::money::Money;
use secretsweep::domain::base::names::SecretArn;
use secretsweep::domain::inventory::secret::{Secret as Entry, day_of};
use secretsweep::domain::policy::Policy;
use secretsweep::domain::report::sums;
use secretsweep::domain::report::verdict::Verdict;
use secretsweep::domain::trail::calls::CallSeries;
use secretsweep::domain::trail::coverage::Coverage;
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::event::{Delivery, EventSink, RecordKind};
use secretsweep::domain::trail::ledger::Ledger;
use secretsweep::domain::trail::record;
use secretsweep::files::inventory;

use crate::analyse_fixture::{BOUNDS, moment, report};
use crate::world::*;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn ledger(seen: &Arc<Deduplicator>) -> Ledger {
    Ledger::new(BOUNDS, Arc::clone(seen))
}

/// Reads files into one ledger.
fn folded<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Ledger {
    let mut ledger = ledger(&Arc::default());
    for file in files {
        record::read(file, None, &mut ledger);
    }
    ledger
}

// ------------------------------------------------------------------------------------------------- any bytes

#[test]
fn an_event_is_late_if_its_copies_may_be_forgotten() {
    let today = u32::try_from(NOW_S / DAY).unwrap();
    let cases = [
        (get("db").days(1), 0),
        (get("db").days(10), 1),
        (get("db").days(1).shared("3e0f"), 0),
        (get("db").days(10).shared("3e0f"), 1),
    ];
    for (call, late) in cases {
        let mut ledger = ledger(&Arc::default());
        ledger.delivered(Delivery::On(today));
        record::read(
            log(std::slice::from_ref(&call)).as_bytes(),
            None,
            &mut ledger,
        );
        assert_eq!(ledger.late, late, "{call:?}");
    }
}

/// A log file of two calls, to be damaged.
fn sound_log() -> String {
    log(&[
        get("prod/db").days(3),
        denied("GetSecretValue", "prod/db", "because of \"\\\u{1f512}").days(2),
    ])
}

/// The output of `list-secrets`, to be damaged.
const SOUND_LIST: &str = r#"{"SecretList":[{"ARN":"arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-AbC123",
"Name":"prod/db","CreatedDate":"2025-10-01T02:00:00.1+02:00","LastAccessedDate":1790000000.5,"RotationEnabled":true,
"Tags":[{"Key":"owner","Value":"x"}],"ReplicationStatus":[{"Region":"eu-west-1","Status":"InSync"}]}]}"#;

/// What stands where in a file instead of what should.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Byte(Index, u8),
    Remove(Index, Index),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let wrong = select(vec![
        "null",
        "-1",
        "1e999",
        "[[[[",
        "{}",
        "\"",
        "\\u",
        "\\ud800",
        "\u{0}",
        "\u{feff}",
        "}",
        "]",
        ",",
        "true",
        "\"Z\"",
        "99999999999999999999",
        "\"9999-99-99T99:99:99Z\"",
        "\u{1f}\u{8b}",
    ]);
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Remove(from, to)),
        (any::<Index>(), wrong).prop_map(|(at, text)| Damage::Insert(at, text.into())),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn damaged(text: &str, all: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for damage in all {
        let length = bytes.len();
        if length == 0 {
            break;
        }
        let span = |a: &Index, b: &Index| {
            let (a, b) = (a.index(length), b.index(length));
            a.min(b)..a.max(b)
        };
        match damage {
            Damage::Cut(at) => bytes.truncate(at.index(length)),
            Damage::Byte(at, byte) => bytes[at.index(length)] = *byte,
            Damage::Remove(from, to) => drop(bytes.drain(span(from, to))),
            Damage::Insert(at, new) => {
                let at = at.index(length);
                bytes.splice(at..at, new.iter().copied());
            }
            Damage::Repeat(from, to) => {
                let part = bytes[span(from, to)].to_vec();
                bytes.extend(part);
            }
        }
    }
    bytes
}

fn bytes_of(sound: String) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => "[\\[\\]{}\":,a-zA-Z0-9\\\\ \n]{0,200}".prop_map(String::into_bytes),
        6 => proptest::collection::vec(damage(), 1..4).prop_map(move |all| damaged(&sound, &all)),
    ]
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn any_bytes_in_a_trail_are_read_or_named(bytes in bytes_of(sound_log()), after in 0_usize..400) {
        let mut ledger = ledger(&Arc::default());
        let contents = record::read(&bytes, None, &mut ledger);
        prop_assert!(contents.ours <= contents.records);
        let file = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
        if let Some(records) = file["Records"].as_array()
            && records.iter().all(serde_json::Value::is_object)
        {
            // What has no time is no record of AWS: it may be a row of a query, and is named as one that lacks columns.
            let is_row = !records.iter().all(|record| record.get("eventTime").is_some());
            let names_row = |trouble: &String| trouble.starts_with("the rows of the query's result lack columns");
            let trouble = contents.trouble.as_ref();
            prop_assert!(trouble.is_none_or(|trouble| is_row && names_row(trouble)), "{:?} of a sound file", trouble);
        }
        let (accesses, coverage) = ledger.into_accesses();
        let counted: u64 = accesses.iter().map(CallSeries::calls).sum();
        prop_assert!(counted <= contents.ours);
        let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-AbC123";
        let secrets = vec![Entry::new(SecretArn::new(arn).unwrap())];
        let report = report(secrets, &accesses, &coverage, &Policy::default(), TrailInput::Given);
        prop_assert_eq!(report.totals.secrets, 1);

        // Window by window the same is found as at once.
        let mut parts = self::ledger(&Arc::default());
        let mut reader = record::RecordReader::new(None);
        let (mut taken, mut end) = (0, 0);
        while end < bytes.len() && !reader.gave_up() {
            end = (end + after + 1).min(bytes.len());
            taken += reader.take(&bytes[taken..end], &mut parts);
        }
        let again = reader.finish(&bytes[taken..], &mut parts);
        prop_assert_eq!(again.ours, contents.ours);
        prop_assert_eq!(parts.into_accesses().0, accesses);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_bytes_in_an_inventory_are_read_or_named(bytes in bytes_of(SOUND_LIST.to_owned())) {
        let folder = crate::scratch::tempdir().unwrap();
        let file = folder.path().join("list.json");
        std::fs::write(&file, &bytes).unwrap();
        let found = inventory::read(&[file]);
        let says_none = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        prop_assert!(
            says_none || !found.gaps.is_empty(),
            "a broken file is never skipped in silence"
        );
        let (accesses, coverage) = folded([]).into_accesses();
        let secrets = found.secrets.len() as u64;
        let report = report(found.secrets, &accesses, &coverage, &Policy::default(), TrailInput::Given);
        prop_assert_eq!(report.totals.secrets, secrets);
        prop_assert!(report.secrets.iter().all(|row| row.verdict != Verdict::Delete));
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn the_program_ends_with_a_report_or_an_error(
        trail in bytes_of(sound_log()),
        list in bytes_of(SOUND_LIST.to_owned()),
        packed in proptest::bool::ANY,
    ) {
        let (name, trail) = if packed { ("trail/a.json.gz", gzip(&trail)) } else { ("trail/a.json", trail) };
        let scan = World::silent().secret(idle("sound")).file(name, trail).file("inventory/a.json", list).scan();
        prop_assert!(matches!(scan.code, 0 | 1 | 3), "{} {}", scan.code, scan.stderr);
        prop_assert!(!scan.stderr.contains("panicked"), "{}", scan.stderr);
        prop_assert_eq!(scan.code == 1, scan.report.is_null());
        prop_assert_eq!(scan.code == 1, scan.stderr.contains("error:"));
    }
}

// --------------------------------------------------------------------------------------------------- merging

/// A call: small numbers, so that events meet.
#[derive(Clone, Debug)]
struct Event {
    number: u8,
    secret: usize,
    role: usize,
    hour: i64,
    failed: bool,
    api: &'static str,
    /// The call is logged by two accounts, each copy in its own words.
    twin: Option<bool>,
}

const NAMES: &[&str] = &["prod/db", "prod/queue", "no/such", "west/cache"];

fn event() -> impl Strategy<Value = Event> {
    (
        0_u8..30,
        0..NAMES.len(),
        0_usize..3,
        0_i64..100 * 24,
        proptest::bool::weighted(0.2),
        select(vec![
            "GetSecretValue",
            "DescribeSecret",
            "PutSecretValue",
            "ListSecrets",
        ]),
        proptest::option::weighted(0.4, any::<bool>()),
    )
        .prop_map(|(number, secret, role, hour, failed, api, twin)| Event {
            number,
            secret,
            role,
            hour,
            failed,
            api,
            twin,
        })
}

impl Event {
    /// The log record. Equal numbers give equal ids and, as in a trail, equal contents: what a call is follows from it.
    fn call(&self) -> Call {
        let mut call = call(self.api, NAMES[self.secret])
            .at(NOW_S - self.hour * HOUR - 7 * i64::from(self.number))
            .by(role(["app", "worker", "terraform"][self.role], "session"));
        if self.failed {
            call = call.error("AccessDenied", &format!("no {}", self.number));
        }
        let id = format!("{}-{:?}", self.number, self.twin);
        match self.twin {
            None => call.id(&id),
            Some(own) => {
                let call = call.id(&id).shared(&format!("shared-{}", self.number));
                if own { call } else { call.place(OTHER, EAST) }
            }
        }
    }
}

/// Calls in which one id is one event: a later event of the same id becomes a copy of the first.
fn calls(events: &[Event]) -> Vec<Call> {
    events
        .iter()
        .map(|event| {
            let same = |first: &&Event| first.number == event.number;
            let first = events.iter().find(same).unwrap();
            Event {
                twin: event.twin,
                ..first.clone()
            }
            .call()
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn neither_the_split_nor_the_order_of_a_trail_changes_what_it_says(
        events in proptest::collection::vec(event(), 0..40),
        places in proptest::collection::vec(0_usize..4, 40),
        keys in proptest::collection::vec(any::<u32>(), 40),
        backwards in any::<bool>(),
    ) {
        let calls = calls(&events);
        let whole = folded([log(&calls).as_bytes()]);
        let duplicates = whole.duplicates;
        let (expected, _) = whole.into_accesses();
        // What time a trail covers depends on its files: one of a hundred days is an export.
        let files: Vec<String> = calls.iter().map(|call| log(std::slice::from_ref(call))).collect();
        let (_, coverage) = folded(files.iter().map(String::as_bytes)).into_accesses();

        let mut shuffled: Vec<(usize, Call)> = calls.into_iter().enumerate().collect();
        shuffled.sort_by_key(|(at, _)| keys[*at]);
        let seen = Arc::default();
        let mut parts: Vec<Ledger> = (0..4).map(|_| ledger(&seen)).collect();
        for (at, call) in shuffled {
            record::read(log(&[call]).as_bytes(), None, &mut parts[places[at]]);
        }
        if backwards {
            parts.reverse();
        }
        let last = parts.pop().unwrap();
        let mut first = parts.remove(0);
        // ((a + b) + c) + d, or b + c first.
        if backwards {
            let mut middle = parts.remove(0);
            middle.merge(parts.remove(0));
            first.merge(middle);
        } else {
            for part in parts {
                first.merge(part);
            }
        }
        first.merge(last);
        prop_assert_eq!(first.duplicates, duplicates);
        let (accesses, merged) = first.into_accesses();
        prop_assert_eq!(&accesses, &expected);
        prop_assert_eq!(merged.scopes(), coverage.scopes());
        for scope in merged.scopes() {
            prop_assert_eq!(merged.of(&scope), coverage.of(&scope));
        }
    }
}

// ------------------------------------------------------------------------------------------- sums and verdicts

/// A secret of a random organization.
fn entry() -> impl Strategy<Value = Entry> {
    let days = |most| proptest::option::weighted(0.7, 0_i64..most);
    (
        select(NAMES.to_vec()),
        select(vec![EAST, WEST]),
        select(vec![ACCOUNT, OTHER]),
        (
            days(800),
            days(400),
            proptest::option::weighted(0.1, 0_i64..20),
        ),
        proptest::option::weighted(0.2, select(vec![EAST, WEST])),
        any::<bool>(),
    )
        .prop_map(
            |(name, region, account, (created, accessed, deleted), primary, key)| {
                let arn = format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbC123");
                let mut entry = Entry::new(SecretArn::new(&arn).unwrap());
                entry.created = created.map(|days| moment(days_ago(days)));
                entry.last_accessed = accessed.map(|days| day_of(moment(days_ago(days))));
                entry.deleted = deleted.map(|days| moment(days_ago(days)));
                entry.primary_region = primary.map(|region| region.parse().unwrap());
                entry.kms_key =
                    key.then(|| "arn:aws:kms:us-east-1:111122223333:key/0f2a".to_owned());
                entry
            },
        )
}

/// Which of the four scopes are heard, and whether a day of silence or only writes are in it.
#[derive(Clone, Copy, Debug)]
struct ScopeLog {
    speaks: bool,
    hole: Option<u32>,
    reads: bool,
}

fn scope_log() -> impl Strategy<Value = ScopeLog> {
    (
        proptest::bool::weighted(0.8),
        proptest::option::weighted(0.4, 2_u32..88),
        proptest::bool::weighted(0.8),
    )
        .prop_map(|(speaks, hole, reads)| ScopeLog {
            speaks,
            hole,
            reads,
        })
}

/// The order in which [`ScopeLog`]s are given.
const SCOPES: [(&str, &str); 4] = [
    (ACCOUNT, EAST),
    (ACCOUNT, WEST),
    (OTHER, EAST),
    (OTHER, WEST),
];

fn coverage(given: &[ScopeLog], coverage: &mut Coverage) {
    let last = u32::try_from(NOW_S / HOUR).unwrap();
    for (scope_log, (account, region)) in given.iter().zip(SCOPES) {
        for ago in (1..=92 * 24_u32).filter(|_| scope_log.speaks) {
            if scope_log
                .hole
                .is_none_or(|hole| ago / 24 != hole && ago / 24 != hole + 1)
            {
                coverage.active_hour(account, region, last - ago, scope_log.reads);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn rows_add_up_and_nothing_goes_without_a_complete_trail(
        secrets in proptest::collection::vec(entry(), 0..12),
        events in proptest::collection::vec(event(), 0..40),
        given in proptest::collection::vec(scope_log(), 4),
        trust in any::<bool>(),
        declined in proptest::bool::weighted(0.2),
    ) {
        let mut secrets = secrets;
        secrets.sort_by(|a, b| a.arn.cmp(&b.arn));
        secrets.dedup_by(|a, b| a.arn == b.arn);
        let ours = calls(&events);
        let (accesses, mut covered) = if declined {
            (Vec::new(), Coverage::default())
        } else {
            folded([log(&ours).as_bytes()]).into_accesses()
        };
        if !declined {
            coverage(&given, &mut covered);
        }
        let policy = Policy { trust_last_accessed: trust, ..Policy::default() };
        let trail = if declined { TrailInput::Declined } else { TrailInput::Given };
        let report = report(secrets.clone(), &accesses, &covered, &policy, trail);

        let totals = &report.totals;
        let rows = &report.secrets;
        prop_assert_eq!(rows.len(), secrets.len());
        let add = |part: &dyn Fn(&secretsweep::domain::report::result::SecretRow) -> Option<Money>| -> Money {
            rows.iter().filter_map(part).sum()
        };
        let unattributed = report.unattributed.iter();
        let calls: u64 = rows.iter().map(|row| row.calls).sum();
        prop_assert_eq!(
            calls + unattributed.clone().map(|row| row.calls).sum::<u64>(),
            totals.calls
        );
        prop_assert_eq!(rows.iter().map(|row| row.reads).sum::<u64>(), totals.reads);
        prop_assert_eq!(rows.iter().map(|row| row.failed).sum::<u64>(), totals.failed);
        let elsewhere: Money = unattributed.clone().filter_map(|row| row.api_usd).sum();
        prop_assert_eq!(elsewhere, totals.unattributed_usd);
        prop_assert_eq!(add(&|row| row.cost.storage_usd), totals.cost.storage_usd);
        prop_assert_eq!(add(&|row| row.cost.api_usd) + elsewhere, totals.cost.api_usd);
        prop_assert_eq!(add(&|row| row.cost.kms_usd), totals.cost.kms_usd);
        prop_assert_eq!(add(&|row| row.cost.total_usd) + elsewhere, totals.cost.total_usd);
        let elsewhere: Money = unattributed.clone().filter_map(|row| row.window_api_usd).sum();
        prop_assert_eq!(add(&|row| row.window_cost.total_usd) + elsewhere, totals.window_cost.parts.total_usd);
        prop_assert_eq!(totals.cost.storage_usd + totals.cost.api_usd + totals.cost.kms_usd, totals.cost.total_usd);
        prop_assert!(totals.savings_usd <= totals.cost.total_usd);
        let again = sums::totals(&report);
        prop_assert_eq!(again.cost.total_usd, totals.cost.total_usd);
        // Every billable call of the window belongs to a row or to nobody, none to two.
        let logged: u64 = accesses
            .iter()
            .filter(|access| access.kind == RecordKind::Call)
            .flat_map(|access| access.cells.iter())
            .filter(|cell| cell.first() >= BOUNDS.window_from)
            .map(|cell| u64::from(cell.calls))
            .sum();
        prop_assert_eq!(totals.calls, logged);

        for row in rows.iter().filter(|row| row.verdict == Verdict::Delete) {
            let scope = report
                .scopes
                .iter()
                .find(|scope| scope.account == row.account && scope.region == row.region)
                .unwrap();
            prop_assert!(scope.trail.complete || trust, "{} without coverage: {:?}", row.arn, row.reasons);
            // The oracle does not ask the coverage: a scope that was silent, had two days of silence or no reads.
            let place = SCOPES.iter().position(|(account, region)| {
                *account == row.account.as_str() && *region == row.region.as_str()
            });
            let known = given[place.unwrap()];
            let whole = !declined && known.speaks && known.hole.is_none();
            prop_assert!(whole || trust, "{} with {known:?}: {:?}", row.arn, row.reasons);
            prop_assert!(row.deleted.is_none() && row.replica_of.is_none());
        }
    }
}
