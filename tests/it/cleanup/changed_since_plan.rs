//! What may happen to a secret between the plan and `apply`: the real program sees it, refuses that line, and says what
//! to do instead.

use jiff::SignedDuration;
use secretsweep::domain::cleanup::journal::{Phase, TroubleKind};

use super::binary_fixture::{A, EAST, Ground, Tally, WRITES, idle, world};
use super::change_table::HAPPENINGS;
use crate::aws::world::Event;

/// The rows of a table, each with the lines on which its last cell goes on, on one line.
fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = line.starts_with("  ") && !line.starts_with("   ");
        match rows.last_mut() {
            Some(row) if !begins => {
                row.push(' ');
                row.push_str(line.trim());
            }
            _ => rows.push(line.trim().to_owned()),
        }
    }
    rows
}

/// The plan, and a secret beside each that stays as it was.
fn ground() -> (Ground, Vec<String>) {
    let names: Vec<String> = (0..HAPPENINGS.len())
        .flat_map(|number| [format!("app/{number:02}"), format!("calm/{number:02}")])
        .collect();
    let mut world = world();
    for name in &names {
        world = world.secret(idle(name));
    }
    let planned: Vec<&str> = names.iter().map(String::as_str).collect();
    (Ground::new(world, &planned), names)
}

#[test]
fn whatever_happened_since_the_plan_refuses_that_line_and_no_other() {
    let (ground, names) = ground();
    {
        let mut world = ground.aws.world();
        for (pair, (_, happen, _)) in names.chunks(2).zip(HAPPENINGS) {
            happen(&mut world, &pair[0]);
        }
    }
    let dry = ground
        .run(&["apply", "plan.csv", "--max-percent", "100"])
        .expect(3);
    assert!(
        ground
            .aws
            .calls()
            .iter()
            .all(|call| !WRITES.contains(&call.op.as_str()))
    );
    assert!(!ground.journal().exists(), "a dry run begins no journal");
    let done = ground.execute(&[]).expect(3);
    for ended in [&dry, &done] {
        let stdout = ended.stdout();
        let rows = rows(&stdout);
        for (pair, (what, _, says)) in names.chunks(2).zip(HAPPENINGS) {
            let row = rows.iter().find(|row| row.contains(&pair[0]));
            let row = row.unwrap_or_else(|| panic!("{what}: no row\n{stdout}"));
            assert!(row.starts_with("refused"), "{what}: {row}");
            for words in *says {
                assert!(row.contains(words), "{what}: {words}: {row}");
            }
        }
    }
    let all = HAPPENINGS.len();
    assert!(
        dry.said()
            .contains(&format!("{all} would be deleted, {all} refused"))
    );
    assert!(
        done.said()
            .contains(&format!("{all} deleted, {all} refused"))
    );
    let expect = Tally {
        deleted: all,
        refused: all,
    };
    assert_eq!(recorded(&ground), expect);
}

/// Like [`Ground::keeps_the_promise`], for a world that others have changed too.
fn recorded(ground: &Ground) -> Tally {
    let mut tally = Tally::default();
    for (arn, secret_state) in ground.state().secrets {
        let calls = ground.changes();
        let deletions = calls
            .iter()
            .filter(|call| call.param("SecretId") == arn.as_str())
            .count();
        match secret_state.phase {
            Phase::Deleted => {
                assert_eq!(deletions, 1, "{arn}");
                tally.deleted += 1;
            }
            Phase::Untouched => {
                assert_eq!(deletions, 0, "{arn}");
                assert_eq!(
                    secret_state.trouble.unwrap().kind,
                    TroubleKind::Refused,
                    "{arn}"
                );
                tally.refused += 1;
            }
            other => panic!("{arn}: {other:?}"),
        }
    }
    tally
}

/// A busy account: what is read in the time that there is does not reach back to the scan.
#[test]
fn where_the_history_is_too_long_each_secret_is_asked_for_by_arn_and_by_name() {
    let mut world = world()
        .secret(idle("quiet"))
        .secret(idle("by-arn"))
        .secret(idle("by-name"));
    let now = world.now;
    let time = |seconds: i64| (now - SignedDuration::from_secs(seconds)).to_string();
    let noise = (0..3_000).map(|number| {
        Event::read(
            &time(number),
            A,
            EAST,
            "hot",
            "web",
            &format!("pod-{number}"),
        )
    });
    world.record(A, EAST, noise);
    let arn = world.named(A, EAST, "by-arn").arn();
    for (id, filed) in [(arn.as_str(), arn.as_str()), ("by-name", "by-name")] {
        let mut read = Event::read(&time(3_500), A, EAST, id, "billing", "pod-1");
        read.resources = vec![("AWS::SecretsManager::Secret".to_owned(), filed.to_owned())];
        world.record(A, EAST, [read]);
    }
    let ground = Ground::new(world, &["quiet", "by-arn", "by-name"]);
    let ended = ground.execute(&["--lookup-budget", "8s"]).expect(3);
    let said = ended.said();
    assert!(said.contains("3 refused"), "{said}");
    assert!(
        said.contains("could not be looked up"),
        "silence is no proof: {said}"
    );
    assert!(
        said.contains("also looked up by its ARN and its name"),
        "{said}"
    );
    assert!(
        said.contains("`--lookup-budget` allows more time"),
        "{said}"
    );
    assert!(
        !said.contains("--trail"),
        "there is no such option here: {said}"
    );
    let rows = rows(&ended.stdout()).join("\n");
    assert!(
        rows.contains("refused      quiet") && !rows.contains("deleted      "),
        "what was not looked up is not deleted: {rows}"
    );
}
