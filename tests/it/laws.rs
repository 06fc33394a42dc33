//! Laws that hold for any input: nothing panics, merging commutes, rows add up, nothing is deleted without proof.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use secretsweep::domain::analyse::{Input, Spans, Trail, analyse};
use secretsweep::domain::cost::Accrual;
use secretsweep::domain::event::{Event, EventId, Identity, Sink};
use secretsweep::domain::ledger::{Bounds, Ledger};
use secretsweep::domain::money::Money;
use secretsweep::domain::names::SecretArn;
use secretsweep::domain::policy::Policy;
use secretsweep::domain::record;
use secretsweep::domain::report::{Report, Span};
use secretsweep::domain::secret::{Secret, day_of};
use secretsweep::domain::seen::Seen;
use secretsweep::domain::verdict::Verdict;
use secretsweep::files::inventory;

const NOW: i64 = 1_793_491_200;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
const NAMES: [&str; 3] = ["a", "b/c", "d-abc123"];

fn bounds() -> Bounds {
    Bounds {
        from: NOW - 90 * DAY,
        window_from: NOW - 30 * DAY,
        to: NOW,
    }
}

fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbC123")
}

/// What makes an event, drawn from small sets so that events meet.
#[derive(Clone, Debug)]
struct Draw {
    id: u8,
    shared: Option<u8>,
    hours_ago: i64,
    account: usize,
    region: usize,
    api: usize,
    target: usize,
    by_arn: bool,
    error: usize,
    role: u8,
    agent: usize,
}

fn draw() -> impl Strategy<Value = Draw> {
    (
        (
            any::<u8>(),
            proptest::option::of(0_u8..6),
            0_i64..100 * 24,
            0_usize..2,
            0_usize..2,
        ),
        (
            0_usize..5,
            0_usize..4,
            any::<bool>(),
            0_usize..4,
            0_u8..3,
            0_usize..5,
        ),
    )
        .prop_map(
            |(
                (id, shared, hours_ago, account, region),
                (api, target, by_arn, error, role, agent),
            )| Draw {
                id,
                shared,
                hours_ago,
                account,
                region,
                api,
                target,
                by_arn,
                error,
                role,
                agent,
            },
        )
}

impl Draw {
    /// Events with one id are one event, as in a trail: everything follows from the id.
    fn event(&self) -> Event<'static> {
        const APIS: [&str; 5] = [
            "GetSecretValue",
            "DescribeSecret",
            "ListSecrets",
            "PutSecretValue",
            "BatchGetSecretValue",
        ];
        const AGENTS: [&str; 5] = [
            "Boto3/1",
            "AwsSecretCache/1",
            "Terraform/1.9",
            "app/secretsweep",
            "Prowler",
        ];
        const ERRORS: [Option<&str>; 4] = [
            None,
            None,
            Some("AccessDenied"),
            Some("ResourceNotFoundException"),
        ];
        let (account, region) = (ACCOUNTS[self.account], REGIONS[self.region]);
        let name = NAMES.get(self.target).copied().unwrap_or("missing");
        let target = if self.by_arn {
            arn(account, region, name)
        } else {
            name.to_owned()
        };
        Event {
            id: EventId(u128::from(self.id)),
            shared_id: self.shared.map(|id| EventId(u128::from(id))),
            time: NOW - self.hours_ago * HOUR - 1,
            account: Cow::Borrowed(account),
            region: Cow::Borrowed(region),
            name: Cow::Borrowed(APIS[self.api]),
            service_event: false,
            error_code: ERRORS[self.error].map(Cow::Borrowed),
            error_message: ERRORS[self.error].map(|code| Cow::Owned(format!("{code} {}", self.id))),
            target: (self.api != 2).then_some(Cow::Owned(target)),
            version_stage: None,
            identity: Identity {
                kind: Some(Cow::Borrowed("AssumedRole")),
                arn: Some(Cow::Owned(format!(
                    "arn:aws:sts::{account}:assumed-role/role-{}/session",
                    self.role
                ))),
                account: Some(Cow::Borrowed(account)),
                issuer_arn: Some(Cow::Owned(format!(
                    "arn:aws:iam::{account}:role/role-{}",
                    self.role
                ))),
                ..Identity::default()
            },
            source_ip: Some(Cow::Borrowed("10.0.0.1")),
            user_agent: Some(Cow::Borrowed(AGENTS[self.agent])),
            vpc_endpoint: false,
            from_console: false,
        }
    }
}

/// Draws in which an id stands for one event only, however often it comes.
fn draws() -> impl Strategy<Value = Vec<Draw>> {
    proptest::collection::vec(draw(), 0..40).prop_map(|draws| {
        let first = |id: u8| draws.iter().find(|draw| draw.id == id).cloned();
        draws.iter().filter_map(|draw| first(draw.id)).collect()
    })
}

/// Folds events with so many ledgers, the event at `place` going to ledger `place * step % ledgers`.
fn folded(draws: &[Draw], ledgers: usize, step: usize) -> Ledger {
    let seen = Arc::new(Seen::default());
    let mut all: Vec<Ledger> = (0..ledgers)
        .map(|_| Ledger::new(bounds(), Arc::clone(&seen)))
        .collect();
    for (place, draw) in draws.iter().enumerate() {
        all[place * step % ledgers].event(&draw.event());
    }
    let mut whole = Ledger::new(bounds(), seen);
    for ledger in all {
        whole.merge(ledger);
    }
    whole
}

fn secrets(ages: &[(i64, Option<i64>)]) -> Vec<Secret> {
    let moment =
        |days: i64| Timestamp::from_second(NOW).unwrap() - SignedDuration::from_hours(days * 24);
    let mut secrets = Vec::new();
    for (place, (created, accessed)) in ages.iter().enumerate() {
        let (account, region) = (ACCOUNTS[place % 2], REGIONS[place / 2 % 2]);
        let name = NAMES[place / 4 % 3];
        let mut secret = Secret::new(SecretArn::new(&arn(account, region, name)).unwrap());
        secret.created = Some(moment(*created));
        secret.last_accessed = accessed.map(|days| day_of(moment(days)));
        secrets.push(secret);
    }
    secrets
}

fn report(ages: &[(i64, Option<i64>)], draws: &[Draw], heard: bool, trust: bool) -> Report {
    let mut ledger = folded(draws, 2, 1);
    if heard {
        for hour in (NOW - 90 * DAY) / HOUR..NOW / HOUR {
            ledger.heard(ACCOUNTS[0], REGIONS[0], u32::try_from(hour).unwrap(), true);
        }
    }
    let (accesses, coverage) = ledger.into_accesses();
    let moment = |second| Timestamp::from_second(second).unwrap();
    let span = |days: i64| Span {
        from: moment(NOW - days * DAY),
        to: moment(NOW),
    };
    let policy = Policy {
        trust_last_accessed: trust,
        ..Policy::default()
    };
    analyse(Input {
        secrets: secrets(ages),
        accesses: &accesses,
        coverage: &coverage,
        trail: Trail::Given,
        spans: Spans {
            window: span(30),
            evidence: span(90),
            accrual: Accrual::Sliding,
        },
        policy: &policy,
        gaps: Vec::new(),
        scopes: BTreeSet::new(),
        now: moment(NOW),
        tool: "test".to_owned(),
        caller: None,
        account_names: std::collections::BTreeMap::new(),
        month: None,
        notes: Vec::new(),
    })
}

fn ages() -> impl Strategy<Value = Vec<(i64, Option<i64>)>> {
    let age = (0_i64..400, proptest::option::of(0_i64..400));
    proptest::collection::vec(age, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn merging_commutes(draws in draws()) {
        let (accesses, _) = folded(&draws, 1, 1).into_accesses();
        let mut backwards = draws.clone();
        backwards.reverse();
        for (draws, ledgers, step) in [(&draws, 2, 1), (&draws, 3, 2), (&draws, 5, 3), (&backwards, 1, 1), (&backwards, 4, 3)] {
            let (others, _) = folded(draws, ledgers, step).into_accesses();
            prop_assert_eq!(&accesses, &others);
        }
    }

    #[test]
    fn the_rows_add_up_to_the_totals(ages in ages(), draws in draws(), heard in any::<bool>()) {
        let report = report(&ages, &draws, heard, false);
        let known = |part: Option<Money>| part.unwrap_or_default();
        let rows = || report.secrets.iter();
        let rest: Money = report.unattributed.iter().map(|row| known(row.api_usd)).sum();
        prop_assert_eq!(rows().map(|row| known(row.cost.total_usd)).sum::<Money>() + rest, report.totals.total_usd);
        prop_assert_eq!(rows().map(|row| known(row.cost.api_usd)).sum::<Money>() + rest, report.totals.api_usd);
        prop_assert_eq!(rows().map(|row| known(row.cost.storage_usd)).sum::<Money>(), report.totals.storage_usd);
        let rest: u64 = report.unattributed.iter().map(|row| row.calls).sum();
        prop_assert_eq!(rows().map(|row| row.calls).sum::<u64>() + rest, report.totals.calls);
        for row in rows() {
            prop_assert_eq!(row.readers.iter().map(|reader| reader.calls).sum::<u64>(), row.calls);
            prop_assert_eq!(row.readers.iter().map(|reader| reader.reads).sum::<u64>(), row.reads);
        }
        let parts = report.totals.savings_delete_usd + report.totals.savings_loops_usd;
        prop_assert_eq!(parts, report.totals.savings_usd);
    }

    #[test]
    fn nothing_is_deleted_without_proof(ages in ages(), draws in draws(), heard in any::<bool>()) {
        let report = report(&ages, &draws, heard, false);
        for row in report.secrets.iter().filter(|row| row.verdict == Verdict::Delete) {
            let scope = report.scopes.iter().find(|scope| scope.account == row.account && scope.region == row.region);
            prop_assert!(scope.is_some_and(|scope| scope.trail.complete), "{}", row.name);
            prop_assert!(row.last_consumer_read.is_none(), "{}", row.name);
        }
    }

    #[test]
    fn any_bytes_in_an_inventory_give_secrets_or_a_gap(bytes in proptest::collection::vec(any::<u8>(), 1..400)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.json");
        std::fs::write(&path, bytes).unwrap();
        let found = inventory::read(&[path]);
        prop_assert!(!found.secrets.is_empty() || !found.gaps.is_empty());
    }

    #[test]
    fn an_inventory_with_any_byte_changed_never_panics(place in 0_usize..300, byte in any::<u8>()) {
        let mut text = format!(
            r#"{{"SecretList":[{{"ARN":"{}","Name":"a","CreatedDate":"2026-01-01T00:00:00+02:00","LastAccessedDate":1790812800.0,"Tags":[{{"Key":"k","Value":"v"}}],"RotationEnabled":true,"PrimaryRegion":"us-east-1"}}]}}"#,
            arn(ACCOUNTS[0], REGIONS[0], "a")
        )
        .into_bytes();
        let place = place % text.len();
        text[place] = byte;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.json");
        std::fs::write(&path, text).unwrap();
        let _ = inventory::read(&[path]);
    }

    #[test]
    fn any_bytes_in_a_trail_are_read_or_named(bytes in proptest::collection::vec(any::<u8>(), 1..400)) {
        let mut ledger = Ledger::new(bounds(), Arc::default());
        let contents = record::read(&bytes, None, &mut ledger);
        prop_assert!(contents.records > 0 || contents.unreadable > 0 || contents.trouble.is_some());
    }
}
