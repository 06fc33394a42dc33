//! The one law, on worlds that chance makes and damages: a secret that was used or asked for within the idle time is
//! never `delete`, whatever happened to the evidence. And no fear: on whole evidence what nobody needs is `delete`.
//!
//! `SECRETSWEEP_WORLDS=10000` runs more worlds; `SECRETSWEEP_WORLD_SEED=7` runs one and leaves its folder.

use std::env;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::world::*;

mod damage;
mod dice;
mod story;

use damage::Evidence;
use dice::Dice;
use story::{Story, Truth};

/// Why a use cannot be seen, and whether that is so for one use.
type Excuse = (&'static str, fn(&Lost<'_>) -> bool);

/// The excuses that no tool can see. Only these excuse a wrong `delete`.
const UNSEEN: [Excuse; 3] = [
    (
        "a log file vanished without a trace while another file of the same hours is there, no record of the use is left, \
         and AWS gives no young LastAccessedDate for it",
        |lost| lost.evidence.vanished.contains(&lost.place) && !lost.told && !lost.read,
    ),
    (
        "the trail logs only reads, so nobody is seen to write",
        |lost| {
            let written = [
                "a person put a value",
                "a person took its deletion back",
                "an application puts values",
            ];
            !lost.told && !lost.evidence.no_writes.is_empty() && written.contains(&lost.story)
        },
    ),
    (
        "the policy of a VPC endpoint refuses, and the trail does not log network activity events, which alone show it",
        |lost| {
            let unlogged = &lost.evidence.no_network_activity;
            unlogged.contains(&lost.place) && !lost.told && !lost.read
        },
    ),
];

/// A secret that should not be deleted, and what is left of the evidence for it.
struct Lost<'a> {
    evidence: &'a Evidence,
    place: usize,
    story: &'a str,
    /// A record of it is left.
    told: bool,
    /// A young LastAccessedDate is left.
    read: bool,
}

/// What a world showed.
#[derive(Debug, Default)]
struct Sum {
    worlds: u64,
    needed: u64,
    excused: u64,
    wrong: u64,
    unused: u64,
    afraid: u64,
    failures: Vec<String>,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.needed += other.needed;
        self.excused += other.excused;
        self.wrong += other.wrong;
        self.unused += other.unused;
        self.afraid += other.afraid;
        self.failures.extend(other.failures);
    }

    fn in_words(&self) -> String {
        format!(
            "{} worlds: {} of {} needed secrets wrongly deleted ({} more could not be seen), {} of {} unused ones feared for",
            self.worlds, self.wrong, self.needed, self.excused, self.afraid, self.unused
        )
    }
}

/// Makes the world of a seed, damages it, scans it and compares the report with what is so.
fn world(seed: u64, keep: bool) -> Sum {
    let mut dice = Dice(seed);
    let story = Story::new(&mut dice);
    let mut evidence = Evidence::whole(&story, &mut dice);
    let damages = dice.below(5);
    for _ in 0..damages {
        evidence.suffer(&mut dice);
    }
    let mut world = World::silent()
        .secrets(evidence.secrets.clone())
        .args(&["--allow-partial"]);
    for (path, bytes) in evidence.written() {
        world = world.file(&path, bytes);
    }
    let scan = world.scan();
    let mut sum = judge(seed, &story, &evidence, damages == 0, &scan);
    sum.worlds = 1;
    if keep {
        let folder = scan.into_folder().keep();
        let place = folder.display();
        sum.failures
            .push(format!("the files of seed {seed} are in {place}"));
    }
    sum
}

fn judge(seed: u64, story: &Story, evidence: &Evidence, whole: bool, scan: &Scan) -> Sum {
    let mut sum = Sum::default();
    let rows = scan.report["secrets"].as_array();
    let Some(rows) = rows else {
        let ended = format!(
            "seed {seed}: no report, exit {}: {} {:?}",
            scan.code, scan.stderr, evidence.done
        );
        sum.failures.push(ended);
        return sum;
    };
    let told = evidence.still_told();
    for (place, known) in story.known.iter().enumerate() {
        let arn = known.secret.arn();
        let Some(row) = rows.iter().find(|row| row["arn"] == arn) else {
            continue;
        };
        let lost = Lost {
            evidence,
            place,
            story: known.story,
            told: told.contains(&place),
            read: !evidence
                .done
                .iter()
                .any(|done| done.contains("LastAccessedDate"))
                && known.secret.accessed_within(90),
        };
        let wrong = match known.truth {
            Truth::Needed => {
                sum.needed += 1;
                row["verdict"] == "delete"
            }
            Truth::Unused if whole => {
                sum.unused += 1;
                row["verdict"] != "delete"
            }
            Truth::Unused | Truth::Open => false,
        };
        if !wrong {
            continue;
        }
        let excused = UNSEEN.iter().any(|(_, unseen)| unseen(&lost));
        if known.truth == Truth::Needed && excused {
            sum.excused += 1;
            continue;
        }
        if known.truth == Truth::Needed {
            sum.wrong += 1;
        } else {
            sum.afraid += 1;
        }
        let mut text = format!("seed {seed}: {arn} is `{}`", verdict(row));
        write!(
            text,
            ", but {}; damage: {:?}, {:?}",
            known.story, evidence.done, evidence.shape
        )
        .unwrap();
        sum.failures.push(text);
    }
    sum
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "the counts of a long run are its result"
)]
fn whatever_happens_to_the_evidence_what_somebody_needs_is_never_deleted() {
    let one = number("SECRETSWEEP_WORLD_SEED");
    let from = one.unwrap_or(0);
    let to = one.map_or_else(
        || number("SECRETSWEEP_WORLDS").unwrap_or(200),
        |seed| seed + 1,
    );
    let next = AtomicU64::new(from);
    let sum = Mutex::new(Sum::default());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to {
                        break;
                    }
                    let own = world(seed, one.is_some());
                    for failure in &own.failures {
                        eprintln!("{failure}");
                    }
                    let mut sum = sum.lock().unwrap();
                    sum.add(own);
                    // A long run that is cut off has said something.
                    if sum.worlds % 500 == 0 {
                        eprintln!("{}", sum.in_words());
                    }
                }
            });
        }
    });
    let mut sum = sum.into_inner().unwrap();
    sum.failures.sort();
    let line = sum.in_words();
    assert!(
        sum.failures.is_empty(),
        "{line}\n{}",
        sum.failures.join("\n")
    );
    eprintln!("{line}");
}
