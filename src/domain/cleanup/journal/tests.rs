//! Tests of [`super`]: tables of data, and the laws.

use proptest::prelude::*;

use super::*;

fn arn(name: &str) -> SecretArn {
    format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-AbC123")
        .parse()
        .unwrap()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + 60 * minute).unwrap()
}

fn entry(minute: i64, event: JournalEvent) -> JournalEntry {
    JournalEntry {
        at: at(minute),
        plan: "p1".to_owned(),
        caller: "arn:aws:iam::111122223333:user/ops".to_owned(),
        event,
    }
}

fn step(minute: i64, step: JournalStep) -> JournalEntry {
    let arn = arn("a");
    entry(minute, JournalEvent::Secret { arn, step })
}

fn deleting() -> JournalStep {
    JournalStep::Deleting {
        recovery_days: 30,
        saves: Some(Money(400_000)),
    }
}

fn every_step() -> Vec<JournalStep> {
    vec![
        JournalStep::Tagging(OwnTag {
            key: "leaving".to_owned(),
            value: "yes\n".to_owned(),
            previous: Some(String::new()),
        }),
        JournalStep::Tagged {
            last_changed: Some(at(1)),
        },
        JournalStep::RemovingReplicas(vec![Removed {
            region: "eu-west-1".parse().unwrap(),
            kms_key: Some("alias/k".to_owned()),
        }]),
        JournalStep::RemovedReplicas { last_changed: None },
        deleting(),
        JournalStep::Deleted { deletion: at(9) },
        JournalStep::Restoring,
        JournalStep::Restored,
        JournalStep::Replicating("eu-west-1".parse().unwrap()),
        JournalStep::Replicated("eu-west-1".parse().unwrap()),
        JournalStep::Unclear("a".to_owned()),
        JournalStep::Refused("b".to_owned()),
        JournalStep::Failed("c".to_owned()),
        JournalStep::Settled {
            last_changed: Some(at(2)),
        },
    ]
}

fn journal(entries: &[JournalEntry]) -> Vec<u8> {
    entries.iter().flat_map(|one| line(one).unwrap()).collect()
}

fn stand(steps: &[JournalStep]) -> Result<SecretState, JournalError> {
    let entries: Vec<(u64, JournalEntry)> = (1_u64..)
        .zip(steps)
        .map(|(number, one)| (number, step(number.cast_signed(), one.clone())))
        .collect();
    replay(&entries).map(|book| book.secrets[&arn("a")].clone())
}

#[test]
fn entries_are_flat_lines_that_read_back() {
    let begun = JournalEvent::Begun {
        tool: "secretsweep 0.1.0".to_owned(),
        lines: 2,
    };
    let mut entries = vec![entry(0, begun)];
    entries.extend(
        (1..)
            .zip(every_step())
            .map(|(minute, one)| step(minute, one)),
    );
    let text = journal(&entries);
    let fifth = String::from_utf8(line(&entries[5]).unwrap()).unwrap();
    assert_eq!(
        fifth,
        concat!(
            r#"{"time":"2026-09-21T14:18:20Z","plan_id":"p1","#,
            r#""arn":"arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbC123","#,
            r#""caller":"arn:aws:iam::111122223333:user/ops","state":"deleting","#,
            r#""recovery_days":30,"saves_usd_month":"0.400000"}"#,
            "\n"
        )
    );
    let parsed = parse(&text).unwrap();
    let read: Vec<JournalEntry> = parsed.entries.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(read, entries);
    assert_eq!(parsed.whole, text.len());
}

#[test]
fn a_torn_last_line_is_dropped_and_any_other_is_an_error() {
    let text = journal(&[
        step(1, deleting()),
        step(2, JournalStep::Deleted { deletion: at(9) }),
    ]);
    let first = text.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for cut in 0..=text.len() {
        let parsed = parse(&text[..cut]).unwrap();
        let lines = if cut >= text.len() - 1 {
            2
        } else {
            usize::from(cut >= first - 1)
        };
        assert_eq!(parsed.entries.len(), lines, "cut at {cut}");
        assert_eq!(
            parsed.unended == TornTail::Yes,
            cut == first - 1 || cut == text.len() - 1
        );
        assert!(replay(&parsed.entries).is_ok());
    }
    let mut torn = text.clone();
    torn.drain(first - 10..first - 1);
    assert_eq!(parse(&torn).unwrap_err().line, 1);
    let zeros = [&text[..], &[0; 64]].concat();
    assert_eq!(parse(&zeros).unwrap().whole, text.len());
}

#[test]
fn what_this_version_does_not_know_is_not_skipped() {
    let known = String::from_utf8(journal(&[step(1, deleting())])).unwrap();
    for (from, to, says) in [
        ("\"deleting\"", "\"shredding\"", "not known to this version"),
        ("\"recovery_days\":30", "\"x\":30", "needs `recovery_days`"),
        ("\"arn\"", "\"aern\"", "needs `arn`"),
    ] {
        let error = parse(known.replace(from, to).as_bytes()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let newer = known.replace("\"caller\"", "\"later\":1,\"caller\"");
    assert_eq!(parse(newer.as_bytes()).unwrap().entries.len(), 1);
    let newer = known
        .replace("\"deleting\"", "\"begun\",\"format\":2")
        .replace("\"arn\"", "\"x\"");
    assert!(
        parse(newer.as_bytes())
            .unwrap_err()
            .what
            .contains("newer version")
    );
}

#[test]
fn the_phase_follows_the_steps() {
    let deleted = JournalStep::Deleted { deletion: at(9) };
    let failed = JournalStep::Failed("no".to_owned());
    for (steps, phase) in [
        (vec![JournalStep::Refused(String::new())], Phase::Untouched),
        (vec![deleting()], Phase::Deleting),
        (
            vec![deleting(), JournalStep::Unclear(String::new())],
            Phase::Deleting,
        ),
        (
            vec![deleting(), JournalStep::Refused(String::new())],
            Phase::Deleting,
        ),
        (vec![deleting(), failed.clone()], Phase::Untouched),
        (
            vec![deleting(), deleting(), deleted.clone()],
            Phase::Deleted,
        ),
        (
            vec![
                deleting(),
                deleted.clone(),
                JournalStep::Refused(String::new()),
            ],
            Phase::Deleted,
        ),
        (
            vec![deleting(), deleted.clone(), JournalStep::Restoring],
            Phase::Restoring,
        ),
        (
            vec![
                deleting(),
                deleted.clone(),
                JournalStep::Restoring,
                failed.clone(),
            ],
            Phase::Deleted,
        ),
        (
            vec![
                deleting(),
                deleted.clone(),
                JournalStep::Restoring,
                JournalStep::Restored,
            ],
            Phase::Restored,
        ),
        (
            vec![JournalStep::Restoring, failed.clone()],
            Phase::Untouched,
        ),
        // That it cannot be taken back says nothing of whether it was made.
        (
            vec![deleting(), JournalStep::Restoring, failed.clone()],
            Phase::Deleting,
        ),
        (
            vec![
                deleting(),
                JournalStep::Restoring,
                JournalStep::Unclear(String::new()),
                JournalStep::Restoring,
                failed.clone(),
            ],
            Phase::Deleting,
        ),
        // What was taken back once must not look as if it could be deleted again.
        (
            vec![
                deleting(),
                JournalStep::Restoring,
                JournalStep::Restored,
                JournalStep::Restoring,
                failed,
            ],
            Phase::Restored,
        ),
    ] {
        assert_eq!(stand(&steps).unwrap().phase, phase, "{steps:?}");
    }
}

#[test]
fn an_outcome_without_an_intent_and_a_second_deletion_are_errors() {
    let deleted = JournalStep::Deleted { deletion: at(9) };
    for steps in [
        vec![deleted.clone()],
        vec![JournalStep::Restored],
        vec![JournalStep::Tagged { last_changed: None }],
        vec![deleting(), deleted.clone(), deleting()],
        vec![
            deleting(),
            deleted,
            JournalStep::Restoring,
            JournalStep::Restored,
            deleting(),
        ],
    ] {
        assert_eq!(stand(&steps).unwrap_err().line, steps.len() as u64);
    }
    let other = JournalEntry {
        plan: "p2".to_owned(),
        ..step(2, deleting())
    };
    assert_eq!(
        replay(&[(1, step(1, deleting())), (2, other)])
            .unwrap_err()
            .line,
        2
    );
}

#[test]
fn own_changes_and_removed_replicas_are_remembered() {
    let steps = every_step();
    let secret_state = stand(&steps[..1]).unwrap();
    assert_eq!(secret_state.own_changes().unsettled, Some(at(1)));
    let secret_state = stand(&steps[..4]).unwrap();
    let own = secret_state.own_changes();
    assert_eq!(
        (own.unsettled, own.last_changed, own.removed.len()),
        (None, None, 1)
    );
    assert_eq!(
        stand(&steps[..6]).unwrap().removed[0].kms_key.as_deref(),
        Some("alias/k")
    );
    assert_eq!(stand(&steps[..10]).unwrap().removed, []);
}

#[test]
fn savings_run_from_the_deletion_to_the_restoration() {
    let entries = [
        deleting(),
        JournalStep::Deleted { deletion: at(9) },
        JournalStep::Restoring,
        JournalStep::Restored,
    ];
    let entries: Vec<(u64, JournalEntry)> = [1, 2, 3, 4]
        .into_iter()
        .zip(entries)
        .map(|(number, one)| (number, step(if number < 3 { 0 } else { 60 * 73 }, one)))
        .collect();
    let saved = |count: usize, hours: i64| -> Money {
        let state = replay(&entries[..count]).unwrap();
        state.saved(at(60 * hours)).flatten().sum()
    };
    assert_eq!(saved(1, 730), Money(0));
    assert_eq!(saved(2, 730), Money(400_000));
    assert_eq!(saved(4, 730), Money(40_000));
    assert_eq!(saved(2, -5), Money(0));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(parsed) = parse(&bytes) {
            let _ = replay(&parsed.entries);
        }
    }

    /// A journal that replays as a whole replays at each cut, and no cut makes a secret look further than the whole
    /// does.
    #[test]
    fn any_prefix_of_a_journal_is_consistent(picks in proptest::collection::vec((0_usize..14, 0_u8..3), 0..60)) {
        let mut state = JournalState::default();
        let mut entries = Vec::new();
        for (minute, (pick, name)) in (0..).zip(picks) {
            let arn = arn(&format!("s{name}"));
            let one = entry(minute, JournalEvent::Secret { arn, step: every_step()[pick].clone() });
            let mut next = state.clone();
            if next.take(&one).is_ok() {
                state = next;
                entries.push((1, one));
            }
        }
        for cut in 0..=entries.len() {
            let state = replay(&entries[..cut]);
            prop_assert!(state.is_ok());
            for (arn, secret_state) in state.unwrap().secrets {
                let steps = |wanted: fn(&JournalStep) -> bool| entries[..cut].iter().filter(|(_, one)| {
                    matches!(&one.event, JournalEvent::Secret { arn: of, step } if *of == arn && wanted(step))
                }).count();
                let intents = steps(|step| matches!(step, JournalStep::Deleting { .. }));
                let outcomes = steps(|step| matches!(step, JournalStep::Deleted { .. }));
                prop_assert!(outcomes <= intents.min(1));
                prop_assert_eq!(secret_state.deletion.is_some(), outcomes == 1);
                prop_assert!(secret_state.phase != Phase::Deleted || outcomes == 1);
                prop_assert!(secret_state.phase != Phase::Deleting || intents > outcomes);
            }
        }
    }
}
