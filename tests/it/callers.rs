//! Labelled traffic: callers of many shapes, healthy ones and loops, made from a seed and judged together.
//!
//! A loop that is not found is a failure, and a loop where there is none is another. What the shapes are is said in
//! `shapes`. The loops last hours or days instead of a month, so that thousands of worlds take minutes; the threshold of
//! the policy is smaller in the same measure.
//!
//! `SECRETSWEEP_LOOP_SEEDS=1000 cargo test --test it -- callers::` makes as many worlds.

use std::collections::BTreeMap;
use std::sync::Arc;

use secretsweep::domain::analysis::TrailInput;
use secretsweep::domain::base::money::Money;
use secretsweep::domain::base::names::{Scope, SecretArn};
use secretsweep::domain::base::reader_kind::name_of;
use secretsweep::domain::inventory::secret::Secret as Entry;
use secretsweep::domain::policy::Policy;
use secretsweep::domain::report::result::{LoopRow, Report};
use secretsweep::domain::trail::dedup::Deduplicator;
use secretsweep::domain::trail::event::{
    EventId, EventSink, Identity, RecordKind, TlsVersion, TrailEvent,
};
use secretsweep::domain::trail::ledger::Ledger;

use crate::analyse_fixture::{BOUNDS, moment, report};
use crate::world::{ACCOUNT, DAY, EAST, NOW_S, idle};

mod shapes;

use shapes::{Expected, Generated, Random, shapes};

/// A loop of a day or two costs this much where one of a month costs the policy's dollar.
const POLICY: &str = "[loops]\nmin_avoidable_usd = \"0.012\"\n";

/// The amount in it, in millionths of a US dollar.
const MIN_AVOIDABLE: Money = Money(12_000);

/// Worlds in an ordinary run of the tests.
const SEEDS: u64 = 6;

fn record(ledger: &mut Ledger, id: u128, role: &str, secret: &str, call: &Generated) {
    let text = |text: &str| Some(text.to_owned().into());
    let names_one = call.api != "ListSecrets";
    ledger.event(&TrailEvent {
        id: EventId(id),
        shared_id: None,
        time: call.at,
        account: ACCOUNT.into(),
        region: EAST.into(),
        name: call.api.into(),
        kind: RecordKind::Call,
        error_code: call.missing.then(|| "ResourceNotFoundException".into()),
        error_message: None,
        target: names_one.then(|| {
            let name = if call.missing {
                format!("{secret}-missing")
            } else {
                secret.to_owned()
            };
            name.into()
        }),
        version_stage: None,
        names_version: false,
        batch: None,
        identity: Identity {
            kind: text("AssumedRole"),
            arn: Some(
                format!(
                    "arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{}",
                    call.session
                )
                .into(),
            ),
            account: Some(ACCOUNT.into()),
            invoked_by: call.invoked_by.map(Into::into),
            issuer_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/{role}").into()),
            ..Identity::default()
        },
        source_ip: text(&call.address),
        user_agent: text(call.agent),
        vpc_endpoint: false,
        from_console: call.from_console,
        tls: TlsVersion::Unknown,
    });
}

/// The role of a shape: unlike all others, and of a person where the shape is one.
fn role_of(shape: &shapes::Shape) -> String {
    format!("{}{}", shape.role, shape.name.replace(' ', "-"))
}

/// All shapes of one seed in one account, scanned.
fn world(seed: u64) -> Report {
    let mut ledger = Ledger::new(BOUNDS, Arc::new(Deduplicator::default()));
    let mut id = 0;
    let mut secrets = Vec::new();
    for (number, shape) in (0_u64..).zip(shapes()) {
        let name = format!("secret-{number}");
        let mut random = Random::new(seed.wrapping_mul(1_000_003) ^ number);
        for call in (shape.calls)(&mut random) {
            assert!(
                (NOW_S - 30 * DAY..NOW_S).contains(&call.at),
                "{}: outside of the window",
                shape.name
            );
            id += 1;
            record(&mut ledger, id, &role_of(shape), &name, &call);
        }
        let mut entry = Entry::new(SecretArn::new(&idle(&name).arn()).unwrap());
        entry.created = Some(moment(NOW_S - 900 * DAY));
        secrets.push(entry);
    }
    let scope = Scope {
        account: ACCOUNT.parse().unwrap(),
        region: EAST.parse().unwrap(),
    };
    ledger.coverage.assert(&scope, BOUNDS.from, NOW_S);
    let (accesses, coverage) = ledger.into_accesses();
    let policy = Policy::parse(POLICY).unwrap();
    report(secrets, &accesses, &coverage, &policy, TrailInput::Given)
}

/// Returns what is wrong with what a report says of a shape.
fn faults(shape: &shapes::Shape, rows: &[&LoopRow]) -> Vec<String> {
    if let Expected::Writes { api } = shape.expected {
        let reaches_threshold = |row: &LoopRow| row.avoidable_usd_month >= Some(MIN_AVOIDABLE);
        let is_beside = |row: &LoopRow| row.what == "DescribeSecret" && reaches_threshold(row);
        let writes: Vec<&LoopRow> = rows.iter().copied().filter(|row| !is_beside(row)).collect();
        let expected = Expected::Loop {
            api,
            shape: "",
            sure: true,
        };
        return faults_of(&expected, &writes);
    }
    faults_of(&shape.expected, rows)
}

/// Returns what is wrong with these rows.
fn faults_of(expected: &Expected, rows: &[&LoopRow]) -> Vec<String> {
    let shown = |row: &&LoopRow| {
        format!(
            "{} {} from {}{} clients, {} a month, {:?} {:?}",
            row.what,
            row.shape.as_str(),
            row.clients_bound(),
            row.clients,
            row.reads_month,
            row.avoidable_usd_month,
            row.avoidable_range.map(|range| range.calls_month)
        )
    };
    let all: Vec<String> = rows.iter().map(shown).collect();
    match (expected, rows) {
        (Expected::Healthy, []) => Vec::new(),
        (Expected::Healthy, _) => vec![format!("a wrong loop: {all:?}")],
        (Expected::Loop { .. }, []) => vec!["no loop".to_owned()],
        (Expected::Loop { api, shape, sure }, [row]) => {
            let mut wrong = Vec::new();
            if row.what != *api {
                wrong.push("another API");
            }
            if !shape.is_empty() && row.shape.as_str() != *shape {
                wrong.push("another shape");
            }
            let is_sure = row.avoidable_usd_month.is_some() && row.avoidable_range.is_none();
            if is_sure != *sure {
                wrong.push("how much is avoidable for certain");
            }
            let wrong = wrong.into_iter();
            wrong.map(|what| format!("{what}: {all:?}")).collect()
        }
        _ => vec![format!("more than one loop: {all:?}")],
    }
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "the counts of a long run are its result"
)]
fn callers_of_every_shape_are_judged_rightly() {
    let seeds = std::env::var("SECRETSWEEP_LOOP_SEEDS").map_or(SEEDS, |text| text.parse().unwrap());
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for seed in 0..seeds {
        let report = world(seed);
        for shape in shapes() {
            let role = role_of(shape);
            let rows = report.loops.iter();
            let rows: Vec<_> = rows.filter(|row| name_of(&row.reader) == role).collect();
            let found = faults(shape, &rows);
            let found = found.into_iter().map(|fault| format!("{seed}: {fault}"));
            wrong.entry(shape.name).or_default().extend(found);
        }
        let is_known = |row: &LoopRow| shapes().any(|shape| role_of(shape) == name_of(&row.reader));
        assert!(report.loops.iter().all(is_known), "a loop of nobody");
    }
    wrong.retain(|_, faults| !faults.is_empty());
    let faults: Vec<String> = wrong
        .iter()
        .map(|(name, faults)| format!("{name} ({} of {seeds}): {}", faults.len(), faults[0]))
        .collect();
    let kinds = shapes().count();
    eprintln!(
        "{seeds} worlds of {kinds} shapes: {} shapes judged wrongly",
        faults.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn there_are_shapes_of_both_kinds() {
    let is_healthy = |shape: &&shapes::Shape| matches!(shape.expected, Expected::Healthy);
    let healthy = shapes().filter(is_healthy).count();
    assert!(healthy >= 12, "{healthy}");
    let looping = shapes().count() - healthy;
    assert!(looping >= 18, "{looping}");
}
