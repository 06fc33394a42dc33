//! Which calls ask for a secret that is pending deletion, and who made them.

use std::borrow::Cow;
use std::sync::Arc;

use super::*;
use crate::domain::trail::dedup::Deduplicator;
use crate::domain::trail::event::{EventId, EventSink, Identity, TrailEvent};
use crate::domain::trail::ledger::{Ledger, LedgerBounds};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbC123";
const MARKED: &str =
    "You can't perform this operation on the secret because it was marked for deletion.";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn gone() -> Pending {
    let arn: SecretArn = ARN.parse().unwrap();
    Pending {
        replicas: vec![arn.in_region(&"eu-west-1".parse().unwrap()).unwrap()],
        arn,
        deleted: at("2026-11-02T10:00:00Z"),
        deletion: at("2026-12-02T10:00:00Z"),
    }
}

fn event<'a>(
    time: &str,
    name: &'a str,
    target: &'a str,
    error: Option<(&'a str, &'a str)>,
) -> TrailEvent<'a> {
    TrailEvent {
        id: EventId::new(&format!("{time}{name}{target}")),
        shared_id: None,
        time: at(time).as_second(),
        account: Cow::Borrowed("111122223333"),
        region: Cow::Borrowed("eu-central-1"),
        name: Cow::Borrowed(name),
        kind: RecordKind::Call,
        names_version: false,
        batch: None,
        error_code: error.map(|(code, _)| Cow::Borrowed(code)),
        error_message: error.map(|(_, message)| Cow::Borrowed(message)),
        target: (!target.is_empty()).then_some(Cow::Borrowed(target)),
        version_stage: None,
        identity: Identity {
            kind: Some(Cow::Borrowed("AssumedRole")),
            arn: Some(Cow::Borrowed(
                "arn:aws:sts::111122223333:assumed-role/web/pod-1",
            )),
            issuer_arn: Some(Cow::Borrowed("arn:aws:iam::111122223333:role/web")),
            ..Identity::default()
        },
        source_ip: None,
        user_agent: Some(Cow::Borrowed("Boto3/1.34 Python/3.12")),
        vpc_endpoint: false,
        from_console: false,
        tls: crate::domain::trail::event::TlsVersion::Unknown,
    }
}

fn run(events: &[TrailEvent<'_>]) -> Vec<Requester> {
    let bounds = LedgerBounds {
        from: 0,
        window_from: 0,
        to: i64::MAX,
    };
    let mut ledger = Ledger::new(bounds, Arc::new(Deduplicator::default()));
    for event in events {
        ledger.event(event);
    }
    requesters(&[gone()], &ledger.into_accesses().0, &Policy::default())
}

const REFUSED: Option<(&str, &str)> = Some(("InvalidRequestException", MARKED));

#[test]
fn failed_reads_are_counted_by_reader_however_they_name_the_secret() {
    let partial = ARN.trim_end_matches("-AbC123");
    let requesters = run(&[
        event("2026-11-03T10:00:00Z", "GetSecretValue", "app/db", REFUSED),
        event("2026-11-03T10:00:00Z", "GetSecretValue", "app/db", REFUSED),
        event("2026-11-03T11:00:00Z", "GetSecretValue", ARN, REFUSED),
        event("2026-11-05T11:30:00Z", "GetSecretValue", partial, REFUSED),
    ]);
    let [requester] = requesters.as_slice() else {
        panic!("one reader: {requesters:?}")
    };
    assert_eq!(requester.reader, "arn:aws:iam::111122223333:role/web");
    assert_eq!(
        (requester.calls, requester.what.as_str(), requester.how),
        (3, "GetSecretValue", CallOutcome::Pending)
    );
    assert_eq!(
        (requester.first, requester.last),
        (at("2026-11-03T10:00:00Z"), at("2026-11-05T11:30:00Z"))
    );
}

#[test]
fn each_sign_of_somebody_asking_counts_and_nothing_else_does() {
    let denied = "User: x is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbC123 because no policy allows it";
    let replica = ARN.replace("eu-central-1", "eu-west-1");
    let mut cached = event("2026-11-03T10:00:00Z", "DescribeSecret", ARN, None);
    cached.user_agent = Some(Cow::Borrowed("AwsSecretCache/2.0.0"));
    let mut ours = event("2026-11-03T10:00:00Z", "RestoreSecret", ARN, REFUSED);
    ours.user_agent = Some(Cow::Borrowed("aws-sdk-rust/1.3 app/secretsweep"));
    let mut elsewhere = event("2026-11-03T10:00:00Z", "GetSecretValue", "app/db", REFUSED);
    elsewhere.region = Cow::Borrowed("us-east-1");
    let late = "2026-11-03T10:00:00Z";
    for (what, event, counts) in [
        (
            "denied, named in the message",
            event(late, "GetSecretValue", "", Some(("AccessDenied", denied))),
            true,
        ),
        (
            "a removed replica",
            event(
                late,
                "GetSecretValue",
                &replica,
                Some(("ResourceNotFoundException", "no")),
            ),
            true,
        ),
        ("rotation", event(late, "RotateSecret", ARN, REFUSED), true),
        (
            "the name again",
            event(
                late,
                "CreateSecret",
                "app/db",
                Some((
                    "InvalidRequestException",
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                )),
            ),
            true,
        ),
        (
            "another creation",
            event(
                late,
                "CreateSecret",
                "app/db",
                Some(("InvalidRequestException", "no")),
            ),
            false,
        ),
        ("a caching client", cached, true),
        (
            "a describe by whoever may cache",
            event(late, "DescribeSecret", ARN, None),
            true,
        ),
        (
            "before the deletion",
            event(
                "2026-11-01T10:00:00Z",
                "GetSecretValue",
                ARN,
                Some(("AccessDenied", "no")),
            ),
            false,
        ),
        (
            "a read before the deletion",
            event("2026-11-01T10:00:00Z", "GetSecretValue", ARN, None),
            false,
        ),
        (
            "throttled",
            event(
                late,
                "GetSecretValue",
                ARN,
                Some(("ThrottlingException", "no")),
            ),
            true,
        ),
        (
            "another secret",
            event(late, "GetSecretValue", "app/db2", REFUSED),
            false,
        ),
        ("ourselves", ours, false),
        ("another Region", elsewhere, false),
    ] {
        assert_eq!(run(&[event]).len(), usize::from(counts), "{what}");
    }
}

#[test]
fn a_deletion_of_this_hour_is_unheard_also_beside_one_of_long_ago() {
    let old = gone();
    let arn = ARN.replace("app/db-AbC123", "app/queue-DeF456");
    let young = |deleted: &str| Pending {
        arn: arn.parse().unwrap(),
        replicas: Vec::new(),
        deleted: at(deleted),
        deletion: at("2026-12-05T10:00:00Z"),
    };
    let (from, now) = (at("2026-11-02T10:00:00Z"), at("2026-11-05T10:00:00Z"));
    let mut coverage = Coverage::default();
    for region in ["eu-central-1", "eu-west-1"] {
        let scope = old.arn.in_region(&region.parse().unwrap()).unwrap();
        coverage.assert(scope.scope(), from.as_second(), now.as_second());
    }
    for (deleted, count) in [
        ("2026-11-05T08:59:59Z", 0),
        ("2026-11-05T09:00:00Z", 1),
        ("2026-11-05T10:00:00Z", 1),
    ] {
        let gaps = uncovered(&[old.clone(), young(deleted)], &coverage, from, now);
        assert_eq!(gaps.len(), count, "{deleted}: {gaps:?}");
        assert!(
            gaps.iter().all(|(_, why)| why.contains(deleted)),
            "{gaps:?}"
        );
    }
}

#[test]
fn days_left_end_at_zero() {
    assert_eq!(gone().left(at("2026-11-30T10:00:00Z")).as_hours(), 48);
    assert!(gone().left(at("2026-12-30T10:00:00Z")).is_zero());
}
