//! Calls that two accounts log: what is forgotten after its days changes nothing.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::trail::event::{Identity, RecordKind, TlsVersion};
use crate::trail::layout::Day;

const DAYS: Day = 30;

const BOUNDS: LedgerBounds = LedgerBounds {
    from: 0,
    window_from: 10 * DAY_S + 1_800,
    to: 1_000 * DAY_S,
};

/// A call of a role on a secret of another account, which the role's account and the owner's may both log.
#[derive(Clone, Debug)]
struct SharedCall {
    day: Day,
    second: i64,
    session: u8,
    denied: bool,
    /// Of the role's account, then of the owner's: after how many days the copy is delivered, if at all, and to which
    /// reader.
    copies: [Option<(Day, usize)>; 2],
}

fn any_call() -> impl Strategy<Value = SharedCall> {
    let copy = || prop::option::weighted(0.9, (0..=REMEMBERED_DAYS, 0..3_usize));
    let when = (0..DAYS, 0..DAY_S);
    (when, any::<u8>(), any::<bool>(), copy(), copy()).prop_map(
        |((day, second), session, denied, caller, owner)| SharedCall {
            day,
            second,
            session,
            denied,
            copies: [caller, owner],
        },
    )
}

impl SharedCall {
    fn event(&self, number: u128, is_owner: bool) -> TrailEvent<'static> {
        let session = format!("AWS-CLI-session-17934911{:02}", self.session % 90);
        let role = "arn:aws:iam::111122223333:role/app";
        let identity = if is_owner {
            Identity {
                kind: Some("AWSAccount".into()),
                principal_id: Some(format!("AROAEXAMPLE:{session}").into()),
                ..Identity::default()
            }
        } else {
            let arn = format!("arn:aws:sts::111122223333:assumed-role/app/{session}");
            Identity {
                kind: Some("AssumedRole".into()),
                arn: Some(arn.into()),
                issuer_arn: Some(role.into()),
                ..Identity::default()
            }
        };
        let account = if is_owner {
            "444455556666"
        } else {
            "111122223333"
        };
        TrailEvent {
            id: EventId(2 * number + u128::from(is_owner)),
            shared_id: Some(EventId(number)),
            time: i64::from(self.day) * DAY_S + self.second,
            account: account.into(),
            region: "us-east-1".into(),
            name: "GetSecretValue".into(),
            kind: RecordKind::Call,
            error_code: self.denied.then(|| "AccessDenied".into()),
            error_message: self.denied.then(|| format!("denied to {session}").into()),
            target: Some("arn:aws:secretsmanager:us-east-1:444455556666:secret:db-AbC123".into()),
            version_stage: None,
            names_version: false,
            batch: None,
            identity,
            source_ip: Some("10.0.0.1".into()),
            user_agent: Some("aws-sdk-go-v2/1.32.6".into()),
            vpc_endpoint: false,
            from_console: false,
            tls: TlsVersion::Unknown,
        }
    }

    fn copies(&self) -> impl Iterator<Item = (bool, Day, usize)> {
        let copies = [false, true].into_iter().zip(self.copies);
        copies.filter_map(|(is_owner, copy)| copy.map(|(days, at)| (is_owner, self.day + days, at)))
    }
}

fn empty() -> Ledger {
    Ledger::new(BOUNDS, Arc::default())
}

/// The lines and the number of copies if nothing is forgotten.
fn unbounded(calls: &[SharedCall]) -> (Vec<CallSeries>, u64) {
    let mut ledger = empty();
    for (number, call) in (0..).zip(calls) {
        for (is_owner, ..) in call.copies() {
            ledger.event(&call.event(number, is_owner));
        }
    }
    let duplicates = ledger.duplicates;
    (ledger.into_accesses().0, duplicates)
}

/// The same of readers that read the days in their order, side by side.
fn by_days(calls: &[SharedCall]) -> (Vec<CallSeries>, u64) {
    let mut all = empty();
    let mut readers: [Ledger; 3] = std::array::from_fn(|_| all.another());
    for day in 0..DAYS + REMEMBERED_DAYS {
        for (at, reader) in readers.iter_mut().enumerate() {
            reader.delivered(Delivery::On(day));
            for (number, call) in (0..).zip(calls) {
                for (is_owner, delivered, by) in call.copies() {
                    if (delivered, by) == (day, at) {
                        reader.event(&call.event(number, is_owner));
                    }
                }
            }
        }
    }
    for reader in &mut readers {
        reader.delivered(Delivery::Over);
    }
    for reader in readers {
        all.merge(reader);
    }
    assert_eq!(all.late, 0);
    let duplicates = all.duplicates;
    (all.into_accesses().0, duplicates)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_of_two_accounts_count_alike_whether_they_are_forgotten_or_not(
        calls in prop::collection::vec(any_call(), 0..200),
    ) {
        prop_assert_eq!(by_days(&calls), unbounded(&calls));
    }
}

#[test]
fn nothing_is_held_of_sessions_whose_calls_two_accounts_log() {
    let mut ledger = empty();
    for day in 0..300_u16 {
        ledger.delivered(Delivery::On(day.into()));
        for number in 0..10_u16 {
            let call = SharedCall {
                day: day.into(),
                second: i64::from(number),
                session: 0,
                denied: false,
                copies: [Some((0, 0)); 2],
            };
            let id = u128::from(day) * 10 + u128::from(number);
            for is_owner in [false, true] {
                let mut event = call.event(id, is_owner);
                let session = format!("botocore-session-{}", 1_793_491_190 + id);
                let arn = format!("arn:aws:sts::111122223333:assumed-role/app/{session}");
                event.identity.arn = (!is_owner).then(|| arn.into());
                event.identity.principal_id =
                    is_owner.then(|| format!("AROAEXAMPLE:{session}").into());
                ledger.event(&event);
            }
        }
    }
    assert_eq!(ledger.lines.len(), 2, "one for each account");
    assert_eq!(ledger.duplicates, 3_000);
    let (lines, _) = ledger.into_accesses();
    assert_eq!(lines.iter().map(CallSeries::calls).sum::<u64>(), 3_000);
}

#[test]
fn a_copy_that_comes_too_late_to_be_known_is_named() {
    let mut ledger = empty();
    let call = SharedCall {
        day: 5,
        second: 0,
        session: 0,
        denied: false,
        copies: [None; 2],
    };
    for day in 5..=20 {
        ledger.delivered(Delivery::On(day));
        match day {
            5 => ledger.event(&call.event(1, false)),
            20 => ledger.event(&call.event(1, true)),
            _ => {}
        }
    }
    assert_eq!((ledger.late, ledger.duplicates), (1, 0));
}
