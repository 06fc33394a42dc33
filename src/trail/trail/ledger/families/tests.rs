//! What the ledger keeps of sessions with made-up names.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::trail::calls::CallSeries;
use crate::trail::dedup::Deduplicator;
use crate::trail::event::{EventId, EventSink, Identity, RecordKind, TlsVersion, TrailEvent};
use crate::trail::ledger::LedgerBounds;
use crate::trail::sessions::KeptNames;

const BOUNDS: LedgerBounds = LedgerBounds {
    from: 0,
    window_from: 1_800,
    to: 1_000_000_000,
};

const GO: &str = "aws-sdk-go-v2/1.32.6";

/// A read of a secret by a session of a role.
#[derive(Clone, Debug)]
struct ReadCall {
    id: u128,
    secret: u8,
    role: &'static str,
    session: String,
    address: u8,
    time: i64,
    agent: &'static str,
    from_console: bool,
    shared: bool,
}

fn read(id: u128, session: &str) -> ReadCall {
    ReadCall {
        id,
        secret: 0,
        role: "app",
        session: session.to_owned(),
        address: 1,
        time: 40 * i64::try_from(id).unwrap(),
        agent: GO,
        from_console: false,
        shared: false,
    }
}

fn feed(ledger: &mut Ledger, call: &ReadCall) {
    let role = call.role;
    ledger.event(&TrailEvent {
        id: EventId(call.id),
        shared_id: call.shared.then_some(EventId(call.id)),
        time: call.time,
        account: "111122223333".into(),
        region: "us-east-1".into(),
        name: "GetSecretValue".into(),
        kind: RecordKind::Call,
        error_code: None,
        error_message: None,
        target: Some(format!("secret-{}", call.secret).into()),
        version_stage: None,
        names_version: false,
        batch: None,
        identity: Identity {
            kind: Some("AssumedRole".into()),
            arn: Some(
                format!(
                    "arn:aws:sts::111122223333:assumed-role/{role}/{}",
                    call.session
                )
                .into(),
            ),
            issuer_arn: Some(format!("arn:aws:iam::111122223333:role/{role}").into()),
            ..Identity::default()
        },
        source_ip: Some(format!("10.0.0.{}", call.address).into()),
        user_agent: Some(call.agent.into()),
        vpc_endpoint: false,
        from_console: call.from_console,
        tls: TlsVersion::Unknown,
    });
}

fn empty(names: KeptNames) -> Ledger {
    Ledger::new(BOUNDS, Arc::new(Deduplicator::default())).keeping(Arc::new(names))
}

/// The lines of these calls, read in this order.
fn lines(calls: &[ReadCall], names: KeptNames) -> Vec<CallSeries> {
    let mut ledger = empty(names);
    for call in calls {
        feed(&mut ledger, call);
    }
    ledger.into_accesses().0
}

fn processes(count: u128) -> Vec<ReadCall> {
    let name = |number: u128| format!("botocore-session-{}", 1_793_491_190 + number);
    (0..count)
        .map(|number| read(number, &name(number)))
        .collect()
}

#[test]
fn few_made_up_names_are_kept_as_they_are() {
    let calls = processes(MOST_NAMES as u128);
    assert_eq!(
        lines(&calls, KeptNames::None),
        lines(&calls, KeptNames::All)
    );
}

#[test]
fn of_many_made_up_names_a_sample_is_kept_and_every_call_is_counted() {
    let calls = processes(5_000);
    let [line] = &lines(&calls, KeptNames::None)[..] else {
        panic!("one line for all")
    };
    assert_eq!(line.calls(), 5_000);
    assert!(line.caller.is_many);
    assert!(line.caller.session.starts_with("botocore-session-17"));
    assert_eq!(line.sessions.len(), MOST_NAMES);
    assert!(line.sessions.iter().all(|session| session.cells.len() == 1));
}

#[test]
fn names_that_have_to_stay_are_kept_however_many_there_are() {
    let many = 500;
    let all = |change: fn(&mut ReadCall), names: KeptNames| {
        let mut calls = processes(many);
        calls.iter_mut().for_each(change);
        lines(&calls, names)
    };
    let own = |call: &mut ReadCall| call.session = format!("worker-{}", call.id);
    let person = |call: &mut ReadCall| call.role = "AWSReservedSSO_Admin_0123456789abcdef";
    let console = |call: &mut ReadCall| call.from_console = true;
    let function = |call: &mut ReadCall| {
        call.session = format!("stack-Rotation-{:012X}", call.id * 7_919 + 1_000_000_007);
        call.agent = "Boto3/1.40.61 exec-env/AWS_Lambda_python3.13";
    };
    let signs = || KeptNames::Some(Box::new(|name| name.starts_with("botocore-")));
    for lines in [
        all(own, KeptNames::None),
        all(person, KeptNames::None),
        all(console, KeptNames::None),
        all(function, KeptNames::None),
        all(|_| (), signs()),
    ] {
        assert_eq!(lines.len() as u128, many, "{:?}", lines[0].caller);
        assert!(lines.iter().all(|line| !line.caller.is_many));
    }
}

#[test]
fn names_of_several_origins_are_families_of_their_own() {
    let mut calls = processes(200);
    for call in &mut calls[100..] {
        call.session = format!("i-{:017x}", call.id);
    }
    let lines = lines(&calls, KeptNames::None);
    let names: Vec<&str> = lines.iter().map(|line| &line.caller.session[..2]).collect();
    assert_eq!(names, ["bo", "i-"]);
    assert!(lines.iter().all(|line| line.calls() == 100));
}

#[test]
fn with_many_families_each_keeps_fewer_names() {
    let families = 1_000;
    let letters = |number: usize| -> String {
        let digits = number.to_string();
        digits
            .bytes()
            .map(|digit| char::from(digit - b'0' + b'g'))
            .collect()
    };
    let mut ledger = empty(KeptNames::None);
    let mut id = 0;
    for family in 0..families {
        for number in 0..40 {
            id += 1;
            let session = format!("{}-{:08x}", letters(family), number * 7_919 + 0x1000_0000);
            feed(&mut ledger, &read(id, &session));
        }
    }
    let (lines, _) = ledger.into_accesses();
    assert_eq!(lines.len(), families);
    let most = ALL_NAMES / families;
    assert!(lines.iter().all(|line| line.sessions.len() == most));
    let calls: u64 = lines.iter().map(CallSeries::calls).sum();
    assert_eq!(calls, 40 * families as u64);
}

#[test]
fn calls_that_two_accounts_log_are_folded_like_others() {
    let mut calls = processes(300);
    for call in &mut calls {
        call.shared = true;
    }
    let lines = lines(&calls, KeptNames::None);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].calls(), 300);
    assert!(lines[0].caller.is_many);
}

fn any_call() -> impl Strategy<Value = (u8, u32, u8, i64)> {
    (0..3_u8, 0..150_u32, 0..4_u8, 0..20_000_i64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Names around as many as are kept, with calls in any order, in one ledger or several.
    #[test]
    fn what_is_kept_does_not_depend_on_the_order_of_reading(
        calls in prop::collection::vec(any_call(), 100..600),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
        names in 60..150_u32,
    ) {
        let calls: Vec<ReadCall> = (0..)
            .zip(calls)
            .map(|(id, (secret, session, address, time))| ReadCall {
                secret,
                address,
                time,
                shared: session % 7 == 0,
                ..read(id, &format!("AWS-CLI-session-{}", 1_793_491_190 + session % names))
            })
            .collect();
        let mut backwards = calls.clone();
        backwards.reverse();
        let once = lines(&calls, KeptNames::None);
        prop_assert_eq!(&once, &lines(&backwards, KeptNames::None));

        let mut offsets: Vec<usize> = cuts.iter().map(|cut| cut.index(calls.len())).collect();
        offsets.extend([0, calls.len()]);
        offsets.sort_unstable();
        let mut all = empty(KeptNames::None);
        for part in offsets.windows(2) {
            let mut own = all.another();
            for call in &calls[part[0]..part[1]] {
                feed(&mut own, call);
            }
            all.merge(own);
        }
        prop_assert_eq!(&once, &all.into_accesses().0);

        let count = |lines: &[CallSeries]| -> u64 { lines.iter().map(CallSeries::calls).sum() };
        prop_assert_eq!(count(&once), count(&lines(&calls, KeptNames::All)));
    }
}
