//! Damaged inputs of every kind, through the real program: inventory, trail, policy, prices, earlier report, bill, plan
//! and journal. None ends in a panic, without an end, or in more than 200 MB ([`limits`]).
//!
//! Inputs are made from numbers, so that each can be made again: [`INPUTS`] in every run of the tests, or as many as
//! `SECRETSWEEP_FUZZ` says from `SECRETSWEEP_FUZZ_FIRST` on. [`crate::fuzz`] compares what is read of damaged trails; here
//! it only matters that the program ends as it should.

mod whole;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;
use crate::world::gzip;

use whole::{Kind, kinds, lay_out};

/// Sets how many damaged inputs every run of the tests takes.
const INPUTS: u64 = 200;

/// Text that readers of JSON, CSV, TOML and Parquet trip over.
const ODD: [&[u8]; 24] = [
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[[[[[[[[",
    b"{{",
    b"]]]]",
    b"null",
    b"{}",
    b"[]",
    b"\"\"",
    b"-1",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"1e999",
    b"0.00000000000000000000000000000000001",
    b"\n",
    b",,,,,",
    b"9999-12-31T23:59:59Z",
    b"-9999-01-01T00:00:00Z",
    b"\0",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\xf0\x9f\x92\xa5",
];

/// Numbers from a number (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }

    /// The input with a few places damaged.
    fn damage(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.damage_once(&mut bytes);
        }
        bytes
    }

    /// Cut, doubled, moved, flipped, or with odd text.
    fn damage_once(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len());
        let end = (place + self.below(40)).min(bytes.len());
        match self.below(8) {
            0 if self.below(4) == 0 => bytes.truncate(place),
            1 => drop(bytes.drain(place..end)),
            2 => {
                let again = bytes[place..end].to_vec();
                let times = [1, 1, 3, 2_000][self.below(4)];
                bytes.splice(place..place, again.repeat(times));
            }
            3 => {
                let part: Vec<u8> = bytes.drain(place..end).collect();
                let other = self.below(bytes.len() + 1);
                bytes.splice(other..other, part);
            }
            4 | 0 => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << self.below(8);
                }
            }
            5 => self.value(bytes, place),
            _ => {
                let odd = ODD[self.below(ODD.len())];
                bytes.splice(place..end, odd.iter().copied());
            }
        }
    }

    /// Another text in the place of a whole value: what stands between two signs.
    fn value(&mut self, bytes: &mut Vec<u8>, place: usize) {
        let is_sign = |byte: &u8| b"\",:{}[]=\n".contains(byte);
        let begin = bytes[..place].iter().rposition(is_sign);
        let begin = begin.map_or(0, |sign| sign + 1);
        let end = bytes[begin..].iter().position(is_sign);
        let end = end.map_or(bytes.len(), |sign| begin + sign);
        let odd = ODD[self.below(ODD.len())];
        bytes.splice(begin..end, odd.iter().copied());
    }
}

/// The input with this number: which kind, and its bytes.
fn input(kinds: &[Kind], number: u64) -> (&Kind, Vec<u8>) {
    let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let kind = &kinds[usize::try_from(number).unwrap() % kinds.len()];
    let damaged = numbers.damage(&kind.whole);
    if !kind.packed {
        return (kind, damaged);
    }
    let mut packed = gzip(&damaged);
    if numbers.below(3) == 0 {
        packed = numbers.damage(&packed);
    }
    (kind, packed)
}

fn number_from(variable: &str, usual: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(usual, |text| text.parse().unwrap())
}

/// Gives one input to the program, in a folder where everything else is whole.
///
/// # Panics
/// If the program does not end as it should; the message says how to do it again.
fn check(kinds: &[Kind], folder: &Path, number: u64) {
    let (kind, bytes) = input(kinds, number);
    let path = folder.join(kind.path);
    std::fs::write(&path, &bytes).unwrap();
    for args in kind.commands {
        let ended = limits::run(folder, args);
        assert!(
            ended.as_ref().is_ok_and(|ended| ended.code <= 5),
            "{} {args:?}, again: SECRETSWEEP_FUZZ_FIRST={number} SECRETSWEEP_FUZZ=1\n{ended:?}\n{:?}",
            kind.path,
            String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)])
        );
    }
    if kind.kept {
        let whole = if kind.packed {
            gzip(&kind.whole)
        } else {
            kind.whole.clone()
        };
        std::fs::write(&path, whole).unwrap();
    } else {
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn no_damaged_input_ends_in_a_panic_or_without_an_end() {
    let first = number_from("SECRETSWEEP_FUZZ_FIRST", 1);
    let inputs = number_from("SECRETSWEEP_FUZZ", INPUTS);
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let folder = crate::scratch::tempdir().unwrap();
                let kinds = kinds();
                lay_out(folder.path(), &kinds);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + inputs {
                        break;
                    }
                    check(&kinds, folder.path(), number);
                }
            });
        }
    });
}

/// A fuzzer that only ever meets the first check of a reader finds nothing.
#[test]
fn every_input_is_taken_when_it_is_whole() {
    let folder = crate::scratch::tempdir().unwrap();
    let kinds = kinds();
    lay_out(folder.path(), &kinds);
    for kind in &kinds {
        let whole = if kind.packed {
            gzip(&kind.whole)
        } else {
            kind.whole.clone()
        };
        std::fs::write(folder.path().join(kind.path), whole).unwrap();
        for args in kind.commands {
            let ended = limits::run(folder.path(), args).unwrap();
            let expected = i32::from(args[0] == "apply");
            assert_eq!(
                ended.code, expected,
                "{} {args:?}: {}",
                kind.path, ended.said
            );
            // The plan is understood, and is one of long ago.
            assert!(
                args[0] != "apply" || ended.said.contains("more than 14 days ago"),
                "{}",
                ended.said
            );
        }
        if !kind.kept {
            std::fs::remove_file(folder.path().join(kind.path)).unwrap();
        }
    }
}
