//! The real program, killed at every point of its protocol and run again.
//!
//! Each point is tried a few times, at other lines of the plan; `SECRETSWEEP_KILLS=20` tries each twenty times, and with
//! `--nocapture` the figures are told.

#![expect(
    clippy::print_stdout,
    reason = "the figures, for whoever asks for them with --nocapture"
)]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

use jiff::Timestamp;

use super::binary_fixture::{A, DAYS, EAST, Ground, NORTH, Tally, Target, WEST, idle, world};
use crate::aws::Fault;
use crate::aws::world::at;

/// Lines that are deleted.
const GO: usize = 20;
/// Lines that are refused: one was read, one changed, one protected by a tag.
const STAY: usize = 3;
/// Secrets that no plan names.
const OTHERS: usize = 20;

/// A plan of 23 lines. Every fourth that goes has two replicas, one with a key of its own.
fn ground() -> Ground {
    let mut world = world();
    let going: Vec<String> = (0..GO).map(|number| format!("go/{number:02}")).collect();
    for (number, name) in going.iter().enumerate() {
        world = if number % 4 == 0 {
            world.replicated(idle(name), &[(WEST, None), (NORTH, None)])
        } else {
            world.secret(idle(name))
        };
    }
    for number in 0..OTHERS {
        world = world.secret(idle(&format!("other/{number:02}")));
    }
    let staying = ["read", "changed", "kept"].map(|name| format!("stay/{name}"));
    for name in &staying {
        world = world.secret(idle(name));
    }
    let mut names: Vec<&str> = going.iter().map(String::as_str).collect();
    // Among the others, so that something comes before and after each.
    for (place, name) in [0, 9, 22].into_iter().zip(&staying) {
        names.insert(place, name);
    }
    let ground = Ground::new(world, &names);
    {
        let mut world = ground.aws.world();
        let now = world.now;
        let today = at(&now.to_string()[..10]);
        world.named(A, EAST, "stay/read").last_accessed = Some(today);
        world.named(A, EAST, "stay/changed").last_changed = now;
        let kept = world.named(A, EAST, "stay/kept");
        kept.tags.insert("keep".to_owned(), "true".to_owned());
    }
    ground
}

/// Everything that a line can need: a tag, and replicas that go first.
const ALL: &[&str] = &["--remove-replicas", "--tag", "leaving=yes"];

/// The point at which a run is killed.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// A call has arrived, and is not carried out.
    Arrival(&'static str),
    /// A call is carried out, and its answer does not go.
    Done(&'static str),
    /// The answer to a deletion is on record, and the next line is looked at.
    NextLine,
    /// A line of the journal is half written: the file cannot grow beyond a byte, and the system ends the program there.
    Byte,
}

const POINTS: &[(&str, Point)] = &[
    ("before anything is asked", Point::Arrival("LookupEvents")),
    (
        "before the check of a line",
        Point::Arrival("DescribeSecret"),
    ),
    ("after the check of a line", Point::Done("DescribeSecret")),
    (
        "`tagging` on record, not sent",
        Point::Arrival("TagResource"),
    ),
    ("tagged, answer lost", Point::Done("TagResource")),
    (
        "`removing-replicas` on record, not sent",
        Point::Arrival("RemoveRegionsFromReplication"),
    ),
    (
        "replicas removed, answer lost",
        Point::Done("RemoveRegionsFromReplication"),
    ),
    (
        "`deleting` on record, not sent",
        Point::Arrival("DeleteSecret"),
    ),
    ("deleted, answer lost", Point::Done("DeleteSecret")),
    ("`deleted` on record", Point::NextLine),
    ("in the middle of a journal line", Point::Byte),
];

/// The points that this system can strike at: a limit on the size of files, to the byte, is Linux's.
fn points() -> impl Iterator<Item = &'static (&'static str, Point)> {
    let can = |point: Point| cfg!(target_os = "linux") || !matches!(point, Point::Byte);
    POINTS.iter().filter(move |(_, point)| can(*point))
}

/// Returns how often each point is tried.
fn repetitions() -> usize {
    let asked = std::env::var("SECRETSWEEP_KILLS").ok();
    asked.map_or(2, |text| text.parse().unwrap())
}

/// What an undisturbed run does, to spread the strikes over.
struct Course {
    calls: Vec<(String, usize)>,
    journal: u64,
}

impl Course {
    fn new() -> Self {
        let ground = ground();
        ground.execute(ALL).expect(3);
        let tally = ground.keeps_the_promise();
        assert_eq!((tally.deleted, tally.refused), (GO, STAY));
        let mut calls: Vec<(String, usize)> = Vec::new();
        for call in ground.aws.calls() {
            match calls.iter_mut().find(|(op, _)| *op == call.op) {
                Some((_, count)) => *count += 1,
                None => calls.push((call.op, 1)),
            }
        }
        Self {
            calls,
            journal: std::fs::metadata(ground.journal()).unwrap().len(),
        }
    }

    fn count(&self, op: &str) -> usize {
        let found = self.calls.iter().find(|(name, _)| name == op);
        found.map_or(0, |(_, count)| *count)
    }
}

/// The `turn`-th of `turns` numbers spread over `1..=count`.
fn spread(turn: usize, turns: usize, count: usize) -> usize {
    1 + (turn * 2 + 1) * count / (turns * 2)
}

/// Runs the program and strikes it; whether it died.
fn strike(ground: &Ground, course: &Course, point: Point, turn: usize, turns: usize) -> bool {
    let target = Target::default();
    let args = Ground::executing(ALL);
    let mut command = ground.program(&args);
    match point {
        Point::Arrival(op) => {
            ground.kill_on_arrival(&target, op, spread(turn, turns, course.count(op)));
        }
        Point::Done(op) => {
            ground.kill_when_done(&target, op, spread(turn, turns, course.count(op)));
        }
        Point::NextLine => {
            let nth = spread(turn, turns, GO);
            let mut deletions = 0;
            let journal = ground.journal();
            let target = target.clone();
            ground.aws.inject(
                Fault::before(move |_, call| {
                    deletions += usize::from(call.op == "DeleteSecret");
                    let text = std::fs::read_to_string(&journal).unwrap_or_default();
                    let last = text.lines().last().unwrap_or_default();
                    if deletions == nth && last.contains(r#""state":"deleted""#) {
                        target.kill();
                    }
                })
                .service("secretsmanager"),
            );
        }
        Point::Byte => {
            let byte = course.journal * (turn as u64 * 2 + 1) / (turns as u64 * 2);
            let mut limited = Command::new("prlimit");
            limited
                .args([&format!("--fsize={byte}"), "--core=0"])
                .arg(env!("CARGO_BIN_EXE_secretsweep"));
            command = ground.through(limited, &args);
        }
    }
    let ended = target.run(command);
    ground.aws.heal();
    assert!(
        ended.code().is_none_or(|code| code == 3),
        "{}",
        ended.said()
    );
    ended.code().is_none()
}

#[test]
fn killed_at_every_point_and_run_again_it_ends_as_if_nothing_had_been() {
    let begun = Instant::now();
    let course = Course::new();
    let turns = repetitions();
    let mut sum = Tally::default();
    for (what, point) in points() {
        let (mut deaths, mut tally, mut open) = (0, Tally::default(), 0);
        for turn in 0..turns {
            let ground = ground();
            deaths += usize::from(strike(&ground, &course, *point, turn, turns));
            ground.nothing_is_unrecorded();
            open += secretsweep::cleanup::status::status(&ground.state(), Timestamp::now()).open;
            ground.execute(ALL).expect(3);
            let one = ground.keeps_the_promise();
            assert_eq!((one.deleted, one.refused), (GO, STAY), "{what}");
            tally.deleted += one.deleted;
            tally.refused += one.refused;
        }
        println!(
            "{what}: {turns} runs, {deaths} died, {open} lines open after it; in the end {} deleted once, {} untouched with a reason",
            tally.deleted, tally.refused
        );
        assert_eq!(deaths, turns, "{what}");
        sum.deleted += tally.deleted;
        sum.refused += tally.refused;
    }
    println!(
        "in all: {} points x {turns} runs of {} lines, {} deleted once with {DAYS} days, {} untouched with a reason, in {:.0?}",
        points().count(),
        GO + STAY,
        sum.deleted,
        sum.refused,
        begun.elapsed()
    );
}

#[test]
fn killed_twice_at_different_points_it_still_ends_well() {
    let course = Course::new();
    let turns = repetitions();
    let points: Vec<Point> = points().map(|(_, point)| *point).collect();
    let (mut runs, mut deaths) = (0, 0);
    for turn in 0..turns {
        let first = points[turn % points.len()];
        let second = points[(turn * 7 + 8) % points.len()];
        let ground = ground();
        // The second run has less to do, so it is struck in the first half of the course.
        deaths += usize::from(strike(&ground, &course, first, turn, turns));
        deaths += usize::from(strike(&ground, &course, second, turn / 2, turns * 2));
        ground.nothing_is_unrecorded();
        ground.execute(ALL).expect(3);
        let tally = ground.keeps_the_promise();
        assert_eq!((tally.deleted, tally.refused), (GO, STAY));
        runs += 1;
    }
    println!("struck twice: {runs} runs, {deaths} deaths");
    assert!(deaths > runs, "{deaths} deaths in {runs} runs");
}

/// A kill in the middle of a write leaves any part of the line.
#[test]
fn a_last_line_that_was_cut_off_at_any_byte_is_taken_up_again() {
    let begun = Instant::now();
    let ground = Ground::new(world().secret(idle("a")).secret(idle("b")), &["a", "b"]);
    ground.execute(&[]).expect(0);
    let whole = std::fs::read(ground.journal()).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .unwrap()
        + 1;
    assert!(String::from_utf8_lossy(&whole[last..]).contains(r#""state":"deleted""#));
    let step = (whole.len() - last) / (repetitions() * 20).min(whole.len() - last);
    let mut cuts: BTreeSet<usize> = (last..whole.len()).step_by(step).collect();
    cuts.extend([whole.len() - 2, whole.len() - 1]);
    for &cut in &cuts {
        std::fs::write(ground.journal(), &whole[..cut]).unwrap();
        ground.execute(&[]).expect(0);
        let tally = ground.keeps_the_promise();
        assert_eq!((tally.deleted, tally.refused), (2, 0), "cut at {cut}");
    }
    println!(
        "cut at {} of {} bytes of the last line, each taken up again, in {:.0?}",
        cuts.len(),
        whole.len() - last,
        begun.elapsed()
    );
}
