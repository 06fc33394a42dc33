//! Whatever strikes, and wherever: each planned secret is deleted once, or untouched with a reason; the journal says the
//! same as AWS; nothing else is touched.

use proptest::prelude::*;
use secretsweep::cleanup::apply::{ApplySummary, LineOutcome, Replicas};
use secretsweep::cleanup::restore;
use secretsweep::domain::cleanup::journal::Phase;
use secretsweep::domain::inventory::secret::Secret;
use secretsweep::ports::Fault;

use super::vault_fixture::{DAYS, Disk, End, Stage, arn, replicated, secret};
use crate::fake::When;

/// A plan of four: two plain secrets, one with replicas, one that was read since; and one secret that is not planned.
fn stage() -> Stage {
    let mut stage = Stage::new(&[
        secret("a"),
        replicated("b"),
        secret("c"),
        secret("read"),
        secret("other"),
    ]);
    stage.plan.lines.retain(|line| line.arn != arn("other"));
    stage.terms.replicas = Replicas::Remove;
    stage.terms.tag = Some(("leaving".to_owned(), "yes".to_owned()));
    stage.vault.change(&arn("read"), |secret| {
        secret.last_accessed = Some("2026-11-02".parse().unwrap());
    });
    stage
}

/// The promise, whatever happened before the last whole run.
fn keeps_the_promise(stage: &Stage, last: &ApplySummary) {
    let journal = stage.state();
    for kept in stage.vault.all() {
        let Secret { arn, deleted, .. } = &kept.secret;
        let secret_state = journal.secrets.get(arn);
        let Some(done) = last.lines.iter().find(|line| line.arn == *arn) else {
            assert_eq!(
                (deleted, kept.changes, kept.deletions.len(), secret_state),
                (&None, 0, 0, None)
            );
            continue;
        };
        match &done.outcome {
            LineOutcome::Deleted { deletion } | LineOutcome::DoneBefore { deletion } => {
                assert_eq!(kept.deletions, [DAYS], "{arn}");
                assert!(deleted.is_some());
                let secret_state = secret_state.unwrap();
                assert_eq!(
                    (secret_state.phase, secret_state.deletion),
                    (Phase::Deleted, Some(*deletion))
                );
                let apart = deletion.duration_since(deleted.unwrap()).as_hours();
                assert_eq!(apart, 24 * i64::from(DAYS));
            }
            LineOutcome::Refused(_) => {
                assert_eq!((kept.deletions.len(), deleted), (0, &None), "{arn}");
                assert_eq!(secret_state.unwrap().phase, Phase::Untouched);
            }
            other => panic!("{arn}: {other:?}"),
        }
    }
}

#[test]
fn killed_at_any_point_and_run_again_it_ends_as_if_nothing_had_been() {
    let mut deaths = 0;
    for steps in 0.. {
        let stage = stage();
        stage.vault.fate.strike_after(steps);
        let killed = matches!(stage.try_execute(None), End::Killed);
        stage.vault.fate.strike_after(i64::MAX);
        let last = stage.execute();
        keeps_the_promise(&stage, &last);
        let count = |which| last.count(which);
        assert_eq!(
            count(|one| matches!(one, LineOutcome::Refused(_))),
            1,
            "after {steps} steps"
        );
        assert_eq!(last.exit_code(), 3);
        let replicas = stage.state().secrets[&arn("b")].removed.clone();
        assert_eq!(replicas.len(), 2, "after {steps} steps");
        if !killed {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 60, "{deaths}");
}

#[test]
fn killed_twice_it_still_ends_well() {
    for first in (0..90).step_by(3) {
        for second in (0..60).step_by(7) {
            let stage = stage();
            for steps in [first, second] {
                stage.vault.fate.strike_after(steps);
                let _ = stage.try_execute(None);
            }
            stage.vault.fate.strike_after(i64::MAX);
            keeps_the_promise(&stage, &stage.execute());
        }
    }
}

#[test]
fn a_restore_that_was_killed_ends_when_it_is_run_again() {
    for steps in 0.. {
        let stage = stage();
        let _ = stage.execute();
        stage.vault.fate.strike_after(steps);
        let killed = stage.try_restore().is_none();
        stage.vault.fate.strike_after(i64::MAX);
        let last = stage.restore();
        assert_eq!(last.exit_code(), 0, "{last:?}");
        for name in ["a", "b", "c"] {
            let kept = stage.vault.kept(&arn(name));
            assert_eq!(
                (kept.secret.deleted, kept.restored),
                (None, 1),
                "{name} after {steps} steps"
            );
            assert_eq!(stage.state().secrets[&arn(name)].phase, Phase::Restored);
        }
        let mut replicas = stage.vault.kept(&arn("b")).secret.replicas.unwrap();
        replicas.sort();
        let keys: Vec<Option<&str>> = replicas.iter().map(|one| one.kms_key.as_deref()).collect();
        assert_eq!(keys, [None, Some("alias/k")], "after {steps} steps");
        let again = stage.execute();
        assert_eq!(again.count(|one| matches!(one, LineOutcome::Refused(_))), 4);
        if !killed {
            break;
        }
    }
}

/// Runs that were cut off, restores that were refused or cut off: what AWS has pending is what a restore would take back.
#[test]
fn no_deletion_is_ever_lost_from_the_journal() {
    let mut pending = 0;
    for cut in 0_u8..90 {
        for again in [cut % 23, 23 + cut % 23] {
            let stage = stage();
            stage.vault.fate.strike_after(cut.into());
            let _ = stage.try_execute(None);
            for name in ["a", "b", "c"] {
                stage
                    .vault
                    .fail("restore", &arn(name), When::Before, fault(again % 5));
            }
            stage.vault.fate.strike_after(again.into());
            let _ = stage.try_restore();
            stage.vault.fate.strike_after(i64::MAX);
            let known = restore::all(&stage.state());
            for kept in stage.vault.all() {
                let arn = &kept.secret.arn;
                if kept.secret.deleted.is_some() {
                    assert!(known.contains(arn), "{arn}: {cut}, {again}");
                    pending += 1;
                }
            }
            // Each refusal strikes once.
            stage.restore();
            stage.restore();
            let all = stage.vault.all();
            assert!(
                all.iter().all(|kept| kept.secret.deleted.is_none()),
                "{cut}, {again}"
            );
        }
    }
    assert!(pending > 100, "{pending}");
}

#[test]
fn what_cannot_be_recorded_is_not_deleted() {
    for lines in 0.. {
        let mut stage = stage();
        stage.disk = Disk::FullAfter(lines);
        let summary = stage.execute();
        let journal = stage.state();
        for kept in stage.vault.all() {
            let secret_state = journal.secrets.get(&kept.secret.arn);
            let recorded = secret_state
                .is_some_and(|one| matches!(one.phase, Phase::Deleting | Phase::Deleted));
            assert!(kept.deletions.is_empty() || recorded);
        }
        if summary.stopped.is_none() {
            break;
        }
        assert_eq!(summary.exit_code(), 1);
        stage.disk = Disk::Sound;
        keeps_the_promise(&stage, &stage.execute());
    }
}

fn fault(pick: u8) -> Fault {
    match pick {
        0 => Fault::Unreachable("reset".to_owned()),
        1 => Fault::Throttled("slow".to_owned()),
        2 => Fault::Refused {
            code: "InvalidRequestException".to_owned(),
            message: "no".to_owned(),
        },
        3 => Fault::Credentials("old".to_owned()),
        _ => Fault::Denied {
            action: "secretsmanager:DeleteSecret".to_owned(),
            message: "no".to_owned(),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Faults before and after calls, deaths, and runs upon runs.
    #[test]
    fn no_mix_of_faults_and_deaths_breaks_the_promise(
        faults in proptest::collection::vec((0_usize..4, 0_usize..3, any::<bool>(), 0_u8..5), 0..8),
        deaths in proptest::collection::vec(0_i64..90, 0..4),
    ) {
        let stage = stage();
        for (call, name, after, pick) in faults {
            let call = ["describe", "delete", "tag", "remove"][call];
            let when = if after { When::After } else { When::Before };
            stage.vault.fail(call, &arn(["a", "b", "c"][name]), when, fault(pick));
        }
        for steps in deaths {
            stage.vault.fate.strike_after(steps);
            let _ = stage.try_execute(None);
        }
        stage.vault.fate.strike_after(i64::MAX);
        // Each fault strikes once, so that many runs are enough.
        let mut last = stage.execute();
        for _ in 0..8 {
            for kept in stage.vault.all() {
                prop_assert!(kept.deletions.len() <= 1);
            }
            if last.exit_code() == 3 {
                break;
            }
            last = stage.execute();
        }
        keeps_the_promise(&stage, &last);
        prop_assert_eq!(stage.vault.all().iter().filter(|kept| kept.secret.deleted.is_some()).count(), 3);
    }
}
