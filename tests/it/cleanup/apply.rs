//! What is refused, what fails, and what a second run does.

use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secretsweep::cleanup::apply::{ApplySummary, LineOutcome, Replicas};
use secretsweep::cleanup::restore;
use secretsweep::domain::base::money::Money;
use secretsweep::domain::base::names::SecretArn;
use secretsweep::domain::cleanup::journal::Phase;
use secretsweep::domain::inventory::secret::{Replica, Secret};
use secretsweep::domain::policy::Policy;
use secretsweep::ports::{Fault, RecentCall, RecentReads, RecentTarget};

use super::vault_fixture::{Disk, Stage, arn, replicated, secret};
use crate::fake::When;

fn outcome<'a>(summary: &'a ApplySummary, name: &str) -> &'a LineOutcome {
    let line = summary.lines.iter().find(|line| line.arn == arn(name));
    &line.unwrap().outcome
}

fn why<'a>(summary: &'a ApplySummary, name: &str) -> &'a str {
    outcome(summary, name).why().unwrap_or_default()
}

#[test]
fn the_dry_run_says_what_the_run_then_does_and_changes_nothing() {
    let stage = Stage::new(&[secret("a"), secret("b")]);
    stage.vault.change(&arn("b"), |secret| {
        secret.kms_key = Some("alias/mine".to_owned());
    });
    let dry = stage.check(None);
    assert!(matches!(
        outcome(&dry, "a"),
        LineOutcome::WouldDelete { .. }
    ));
    assert!(!stage.journal().exists());
    assert!(
        stage
            .vault
            .all()
            .iter()
            .all(|kept| kept.changes == 0 && kept.deletions.is_empty())
    );
    let done = stage.execute();
    assert!(matches!(outcome(&done, "a"), LineOutcome::Deleted { .. }));
    assert_eq!(why(&dry, "b"), why(&done, "b"));
    assert_eq!((dry.exit_code(), done.exit_code()), (3, 3));
    assert_eq!(
        done.saves(|one| matches!(one, LineOutcome::Deleted { .. }))
            .collect::<Vec<_>>(),
        [Some(Money(400_000))]
    );
}

/// Each of these happened between the plan and its run.
#[test]
fn a_secret_that_is_no_longer_as_planned_is_refused_with_the_reason_and_the_others_go() {
    type Change = fn(&mut Secret);
    let changes: [(Change, &str); 12] = [
        (
            |s| s.last_accessed = Some("2026-11-02".parse().unwrap()),
            "last read: 2026-03-01 in the plan, 2026-11-02 now",
        ),
        (
            |s| s.last_changed = Some("2026-11-02T00:00:00Z".parse().unwrap()),
            "last changed: 2026-01-02T03:04:05Z in the plan",
        ),
        (
            |s| {
                s.tags.insert("x".to_owned(), "y".to_owned());
            },
            "tags: ",
        ),
        (
            |s| {
                s.tags.insert("keep".to_owned(), "true".to_owned());
            },
            "the tag `keep` protects it",
        ),
        (
            |s| {
                s.tags
                    .insert("keep-until".to_owned(), "2027-01-01".to_owned());
            },
            "protects it until 2027-01-01",
        ),
        (
            |s| {
                s.tags
                    .insert("aws:cloudformation:stack-name".to_owned(), "web".to_owned());
            },
            "CloudFormation stack `web`",
        ),
        (
            |s| s.owning_service = Some("rds".to_owned()),
            "AWS service `rds`",
        ),
        (
            |s| s.deleted = Some("2026-11-01T00:00:00Z".parse().unwrap()),
            "scheduled already, since 2026-11-01, and not by this plan",
        ),
        (
            |s| s.primary_region = Some("us-east-1".parse().unwrap()),
            "replica of the primary in us-east-1",
        ),
        (
            |s| {
                s.replicas = Some(vec![Replica {
                    region: "eu-west-1".parse().unwrap(),
                    kms_key: None,
                    status: None,
                    last_accessed: None,
                }]);
            },
            "replicas that the plan does not name, in eu-west-1",
        ),
        (
            |s| s.kms_key = Some("alias/mine".to_owned()),
            "key: aws in the plan, customer now",
        ),
        (
            |s| s.arn = arn("another"),
            "AWS answers with another secret",
        ),
    ];
    for (change, says) in changes {
        let stage = Stage::new(&[secret("a"), secret("b"), secret("c")]);
        stage.vault.change(&arn("b"), change);
        let summary = stage.execute();
        assert!(
            why(&summary, "b").contains(says),
            "{says}: {}",
            why(&summary, "b")
        );
        assert!(matches!(outcome(&summary, "b"), LineOutcome::Refused(_)));
        assert_eq!(
            summary.count(|one| matches!(one, LineOutcome::Deleted { .. })),
            2
        );
        assert!(stage.vault.kept(&arn("b")).deletions.is_empty());
        assert_eq!(summary.exit_code(), 3);
    }
    let stage = Stage::new(&[secret("a"), secret("b")]);
    stage.vault.shred(&arn("a"));
    assert!(why(&stage.execute(), "a").contains("not there any more"));
}

#[test]
fn the_policy_protects_names_at_the_last_moment() {
    let mut stage = Stage::new(&[secret("dr/a"), secret("b")]);
    stage.policy = Policy::parse("[protect]\nnames = [\"dr/*\"]").unwrap();
    let summary = stage.execute();
    assert!(why(&summary, "dr/a").contains("the policy protects `dr/*`"));
    assert!(stage.vault.kept(&arn("b")).secret.deleted.is_some());
}

#[test]
fn replicas_go_only_when_allowed_and_when_nobody_read_them() {
    let mut stage = Stage::new(&[replicated("a")]);
    assert!(why(&stage.execute(), "a").contains("eu-west-1, us-east-1 would be deleted at once"));
    stage.terms.replicas = Replicas::Remove;
    stage.vault.change(&arn("a"), |secret| {
        secret.replicas.as_mut().unwrap()[0].last_accessed = Some("2026-11-01".parse().unwrap());
    });
    assert!(why(&stage.execute(), "a").contains("its replica in eu-west-1 was read on 2026-11-01"));
    stage.vault.change(&arn("a"), |secret| {
        secret.replicas.as_mut().unwrap()[0].last_accessed = Some("2026-03-01".parse().unwrap());
    });
    let LineOutcome::WouldDelete { replicas, .. } = outcome(&stage.check(None), "a").clone() else {
        panic!()
    };
    assert_eq!(replicas.len(), 2);
    assert_eq!(stage.execute().exit_code(), 0);
    assert_eq!(stage.vault.kept(&arn("a")).secret.replicas, Some(vec![]));
}

#[test]
fn a_second_run_touches_nothing() {
    let stage = Stage::new(&[secret("a"), secret("b")]);
    assert_eq!(stage.execute().exit_code(), 0);
    let before = format!("{:?}", stage.vault.all());
    let again = stage.execute();
    assert_eq!(
        again.count(|one| matches!(one, LineOutcome::DoneBefore { .. })),
        2
    );
    assert_eq!(again.exit_code(), 0);
    assert_eq!(format!("{:?}", stage.vault.all()), before);
    stage.vault.shred(&arn("a"));
    assert!(why(&stage.execute(), "a").contains("somebody else deleted it for good"));
    stage.vault.fate.pass(15 * 86_400);
    assert!(matches!(
        outcome(&stage.execute(), "a"),
        LineOutcome::DoneBefore { .. }
    ));
}

#[test]
fn what_was_restored_is_not_deleted_again() {
    let stage = Stage::new(&[secret("a"), secret("b")]);
    stage.execute();
    stage
        .vault
        .change(&arn("a"), |secret| secret.deleted = None);
    assert!(why(&stage.execute(), "a").contains("somebody restored it since"));
    assert_eq!(
        stage
            .restore()
            .secrets
            .iter()
            .map(|back| back.outcome.as_str())
            .collect::<Vec<_>>(),
        ["there already", "restored"]
    );
    for name in ["a", "b"] {
        assert!(why(&stage.execute(), name).contains("cancelled by a restore"));
        assert_eq!(stage.vault.kept(&arn(name)).deletions.len(), 1);
    }
    assert_eq!(stage.restore().secrets, []);
}

#[test]
fn a_lost_answer_is_asked_after() {
    let reset = || Fault::Unreachable("connection reset".to_owned());
    let twice = Fault::Refused {
        code: "InvalidRequestException".to_owned(),
        message: "already scheduled".to_owned(),
    };
    let stage = Stage::new(&[secret("a"), secret("b"), secret("c"), secret("d")]);
    stage.vault.fail("delete", &arn("a"), When::After, reset());
    stage.vault.fail("delete", &arn("b"), When::After, twice);
    stage.vault.fail("delete", &arn("c"), When::Before, reset());
    stage.vault.fail(
        "delete",
        &arn("d"),
        When::Before,
        Fault::Throttled("slow".to_owned()),
    );
    let first = stage.execute();
    for name in ["a", "b"] {
        assert!(
            matches!(outcome(&first, name), LineOutcome::Deleted { .. }),
            "{name}"
        );
    }
    for name in ["c", "d"] {
        assert!(
            matches!(outcome(&first, name), LineOutcome::Failed(_)),
            "{name}"
        );
    }
    assert_eq!(first.exit_code(), 1);
    assert_eq!(stage.state().secrets[&arn("c")].phase, Phase::Deleting);
    assert_eq!(stage.state().secrets[&arn("d")].phase, Phase::Deleting);
    assert_eq!(stage.execute().exit_code(), 0);
    assert!(
        stage
            .vault
            .all()
            .iter()
            .all(|kept| kept.deletions.len() == 1)
    );
}

#[test]
fn what_nobody_can_tell_stays_open_until_the_next_run() {
    let stage = Stage::new(&[secret("a")]);
    let reset = || Fault::Unreachable("connection reset".to_owned());
    stage.vault.fail("delete", &arn("a"), When::After, reset());
    stage
        .vault
        .fail_later("describe", &arn("a"), 1, When::Before, reset());
    let first = stage.execute();
    assert!(why(&first, "a").contains("run again to see whether it was carried out"));
    assert_eq!(stage.state().secrets[&arn("a")].phase, Phase::Deleting);
    assert!(matches!(
        outcome(&stage.execute(), "a"),
        LineOutcome::DoneBefore { .. }
    ));
    assert_eq!(stage.vault.kept(&arn("a")).deletions.len(), 1);
}

/// An open intent is taken up within a day; later nobody knows whether it was made and taken back.
#[test]
fn an_old_open_intent_is_refused() {
    for (hours, deleted) in [(23, true), (25, false)] {
        let stage = Stage::new(&[secret("a")]);
        stage.vault.fail(
            "delete",
            &arn("a"),
            When::Before,
            Fault::Unreachable("reset".to_owned()),
        );
        assert_eq!(stage.execute().exit_code(), 1);
        stage.vault.fate.pass(hours * 3_600);
        stage.execute();
        assert_eq!(
            stage.vault.kept(&arn("a")).secret.deleted.is_some(),
            deleted
        );
    }
}

#[test]
fn somebody_elses_deletion_is_not_taken_for_ours() {
    let stage = Stage::new(&[secret("a")]);
    stage.vault.fail(
        "delete",
        &arn("a"),
        When::Before,
        Fault::Unreachable("reset".to_owned()),
    );
    stage.execute();
    stage.vault.fate.pass(3_600);
    stage.vault.change(&arn("a"), |secret| {
        secret.deleted = Some("2026-11-03T07:00:00Z".parse().unwrap());
    });
    assert!(why(&stage.execute(), "a").contains("not by this plan"));
}

#[test]
fn our_own_tag_does_not_break_the_seal_but_another_change_beside_it_does() {
    let mut stage = Stage::new(&[secret("a"), secret("b")]);
    stage.terms.tag = Some(("team".to_owned(), "leaving".to_owned()));
    for name in ["a", "b"] {
        stage.vault.fail(
            "delete",
            &arn(name),
            When::Before,
            Fault::Throttled("slow".to_owned()),
        );
    }
    stage.execute();
    stage.vault.fate.pass(3_600);
    stage.vault.change(&arn("b"), |secret| {
        secret.last_changed = Some("2026-11-04T00:00:00Z".parse().unwrap());
    });
    let summary = stage.execute();
    assert!(
        matches!(outcome(&summary, "a"), LineOutcome::Deleted { .. }),
        "{summary:?}"
    );
    assert!(why(&summary, "b").contains("last changed"));
    assert_eq!(stage.vault.kept(&arn("a")).changes, 1);
    assert_eq!(stage.vault.kept(&arn("a")).secret.tags["team"], "leaving");
}

#[test]
fn a_stop_leaves_the_rest_untried() {
    let stage = Stage::new(&[secret("a"), secret("b")]);
    stage.stop.store(true, Ordering::Relaxed);
    let summary = stage.execute();
    assert_eq!(summary.count(|one| *one == LineOutcome::Skipped), 2);
    assert_eq!(summary.exit_code(), 3);
    stage.stop.store(false, Ordering::Relaxed);
    assert_eq!(stage.execute().exit_code(), 0);
}

/// Event history that knows of calls for some names, and is closed for others.
struct History;

impl RecentReads for History {
    fn since<'a>(
        &'a self,
        _: &'a Secret,
        arn: &'a SecretArn,
        from: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<RecentCall>, Fault>> {
        assert_eq!(from, super::vault_fixture::planned_at());
        let call = |hour| RecentCall {
            at: from + jiff::SignedDuration::from_hours(hour),
            reader: "arn:aws:iam::111122223333:role/web".to_owned(),
            what: "GetSecretValue".to_owned(),
            calls: 1,
            target: RecentTarget::Named,
        };
        let answer = match (arn.name(), arn.scope().region.as_str()) {
            ("asked", _) | ("copied", "us-east-1") => Ok(vec![call(5), call(1)]),
            ("closed", _) => Err(Fault::Throttled("slow".to_owned())),
            _ => Ok(vec![]),
        };
        async { answer }.boxed()
    }

    fn own_deletion(&self, _: &SecretArn) -> Option<Timestamp> {
        None
    }
}

#[test]
fn a_call_since_the_scan_refuses_and_silence_is_no_proof() {
    let mut stage = Stage::new(&[
        secret("asked"),
        replicated("copied"),
        secret("closed"),
        secret("quiet"),
    ]);
    stage.terms.replicas = Replicas::Remove;
    let dry = stage.check(Some(&History));
    let done = stage.execute_with(&History);
    for summary in [&dry, &done] {
        assert!(why(summary, "asked").contains("2 calls in eu-central-1, the last GetSecretValue by arn:aws:iam::111122223333:role/web at 2026-11-01T11:00:00Z"));
        assert!(why(summary, "copied").contains("in us-east-1"));
        assert!(summary.lookup_gap.as_deref().unwrap().contains("throttled"));
    }
    assert!(why(&done, "closed").contains("could not be looked up"));
    assert_eq!(
        done.count(|one| matches!(one, LineOutcome::Deleted { .. })),
        1
    );
    assert_eq!(stage.vault.kept(&arn("copied")).changes, 0);
}

#[test]
fn replicas_that_are_gone_are_remembered_when_the_deletion_fails() {
    let mut stage = Stage::new(&[replicated("a")]);
    stage.terms.replicas = Replicas::Remove;
    let denied = Fault::Denied {
        action: "secretsmanager:DeleteSecret".to_owned(),
        message: "no".to_owned(),
    };
    stage.vault.fail("delete", &arn("a"), When::Before, denied);
    assert_eq!(stage.execute().exit_code(), 1);
    assert_eq!(stage.vault.kept(&arn("a")).secret.replicas, Some(vec![]));
    let back = stage.restore();
    assert_eq!(back.secrets[0].replicated.len(), 2);
    assert_eq!(
        stage.vault.kept(&arn("a")).secret.replicas.unwrap().len(),
        2
    );
}

#[test]
fn restoring_says_plainly_what_is_too_late_or_failed() {
    let mut stage = Stage::new(&[secret("a"), secret("b"), secret("c"), replicated("d")]);
    stage.terms.replicas = Replicas::Remove;
    stage.execute();
    stage.vault.shred(&arn("a"));
    stage.vault.fail(
        "restore",
        &arn("b"),
        When::After,
        Fault::Unreachable("reset".to_owned()),
    );
    stage.vault.fail(
        "restore",
        &arn("c"),
        When::Before,
        Fault::Throttled("slow".to_owned()),
    );
    stage.vault.fail(
        "replicate",
        &arn("d"),
        When::Before,
        Fault::Throttled("slow".to_owned()),
    );
    let back = stage.restore();
    let outcomes: Vec<&restore::RestoreOutcome> =
        back.secrets.iter().map(|one| &one.outcome).collect();
    assert!(
        outcomes[0]
            .why()
            .unwrap()
            .contains("it cannot be restored: its recovery window ended on 2026-11-17")
    );
    assert_eq!(outcomes[1], &restore::RestoreOutcome::Restored);
    assert!(outcomes[2].why().unwrap().contains("throttled"));
    assert_eq!(
        (back.secrets[3].replicated.len(), back.secrets[3].lost.len()),
        (1, 1)
    );
    assert_eq!(back.exit_code(), 1);
    let again = stage.restore();
    let names: Vec<&str> = again.secrets.iter().map(|one| one.arn.name()).collect();
    assert_eq!(names, ["a", "c", "d"]);
    assert_eq!(
        stage.vault.kept(&arn("d")).secret.replicas.unwrap().len(),
        2
    );
}

/// The journal breaks off after each of its lines in turn.
#[test]
fn what_was_begun_is_told_when_it_cannot_be_written_down() {
    let mut told = Vec::new();
    for lines in 0.. {
        let mut stage = Stage::new(&[replicated("a")]);
        stage.terms.replicas = Replicas::Remove;
        stage.terms.tag = Some(("leaving".to_owned(), "yes".to_owned()));
        stage.disk = Disk::FullAfter(lines);
        let summary = stage.execute();
        if summary.stopped.is_none() {
            break;
        }
        let why = why(&summary, "a");
        let kept = stage.vault.kept(&arn("a"));
        let is_tagged = kept.secret.tags.get("leaving").is_some();
        let is_alone = kept.secret.replicas == Some(vec![]);
        assert!(!is_tagged || why.contains("`leaving`"), "{lines}: {why}");
        assert!(
            !is_alone || why.contains("eu-west-1, us-east-1"),
            "{lines}: {why}"
        );
        assert_eq!(
            why.contains("changed nothing"),
            lines > 0 && !why.contains("begun"),
            "{lines}: {why}"
        );
        told.push((is_tagged, is_alone, kept.secret.deleted.is_some()));
    }
    assert!(told.contains(&(true, false, false)), "{told:?}");
    assert!(told.contains(&(true, true, false)), "{told:?}");
    assert!(told.contains(&(true, true, true)), "{told:?}");
}
