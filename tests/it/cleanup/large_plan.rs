//! A plan of a thousand lines, fifty of them refused and twenty throttled, by the real program.

#![expect(
    clippy::print_stdout,
    reason = "the figures, for whoever asks for them with --nocapture"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use super::binary_fixture::{Ground, idle, world};
use super::change_table::HAPPENINGS;
use crate::aws::Fault;

const LINES: usize = 1_000;
const REFUSED: usize = 50;
const THROTTLED: usize = 20;

#[test]
fn a_thousand_lines_with_refusals_and_throttling_are_all_answered() {
    let names: Vec<String> = (0..LINES).map(|number| format!("s{number:04}")).collect();
    let mut world = world();
    for name in &names {
        world = world.secret(idle(name));
    }
    let planned: Vec<&str> = names.iter().map(String::as_str).collect();
    let ground = Ground::new(world, &planned);
    let refused: Vec<(&str, &[&str])> = (0..REFUSED)
        .map(|number| {
            let name = planned[number * LINES / REFUSED];
            let (_, happen, says) = HAPPENINGS[number % HAPPENINGS.len()];
            happen(&mut ground.aws.world(), name);
            (name, says)
        })
        .collect();
    for number in 0..THROTTLED {
        // Each try counts, so that the next one to be throttled is another line's.
        let nth = 1 + number * (LINES - REFUSED) / THROTTLED;
        ground.aws.inject(
            Fault::throttle()
                .on("secretsmanager", "DeleteSecret")
                .nth(nth),
        );
    }

    let begun = Instant::now();
    let ended = ground.execute(&["--max-deletions", "1000"]).expect(3);
    let took = begun.elapsed();

    let done = LINES - REFUSED;
    let said = ended.said();
    assert!(
        said.contains(&format!("{done} deleted, {REFUSED} refused")),
        "{}",
        ended.stderr()
    );
    let stdout = ended.stdout();
    for (name, says) in &refused {
        let row = stdout
            .find(&format!(" {name} "))
            .map(|place| &stdout[place..]);
        let row = row.unwrap_or_else(|| panic!("{name} is not named"));
        let row = row.split("\n  deleted").next().unwrap();
        let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in *says {
            assert!(row.contains(words), "{name}: {words}: {row}");
        }
    }
    let mut deleted: BTreeMap<String, usize> = BTreeMap::new();
    for call in ground.changes() {
        assert_eq!((call.op.as_str(), call.status), ("DeleteSecret", 200));
        let id = call.param("SecretId").as_str().unwrap().to_owned();
        *deleted.entry(id).or_default() += 1;
    }
    assert_eq!(deleted.len(), done);
    assert!(deleted.values().all(|count| *count == 1));
    for (name, _) in &refused {
        assert!(!deleted.contains_key(ground.arn(name).as_str()), "{name}");
    }
    let state = ground.state();
    assert_eq!(state.secrets.len(), LINES, "each line is in the journal");

    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for call in ground.aws.calls() {
        *calls.entry(call.op).or_default() += 1;
    }
    assert_eq!(calls["DescribeSecret"], LINES);
    assert_eq!(calls["DeleteSecret"], done + THROTTLED);
    println!(
        "{LINES} lines, {REFUSED} refused, {THROTTLED} throttled: {took:.1?}, calls {calls:?}"
    );

    let again = ground.execute(&["--max-deletions", "1000"]).expect(3);
    assert!(
        again
            .said()
            .contains(&format!("{done} deleted before, {REFUSED} refused"))
    );
    assert_eq!(ground.changes().len(), done, "nothing is deleted twice");
}
