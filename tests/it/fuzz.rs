//! Files that nobody would write: trails in every shape, damaged, packed, and damaged again.
//!
//! [`check`] holds for any bytes at all. The test makes inputs from numbers, so that each can be made again, and takes
//! [`INPUTS`] of them, or as many as `SECRETSWEEP_FUZZ_INPUTS` says from `SECRETSWEEP_FUZZ_FIRST` on.

use std::io::Read as _;

use secretsweep::domain::trail::record::{Contents, RecordReader, TrailOwner};
use secretsweep::files::log_file::{self, FileRead, Memory};

use super::reference_reader::{Told, parsed_whole};
use super::trail::generate::{self, Dice, Spec, Style, restyled};
use super::trail::{SCOPE, STYLES, below, shapes, told};

/// The number of inputs that every run of the tests takes.
const INPUTS: u64 = 1_000;

/// What [`check`] could compare.
#[derive(Clone, Copy, Debug, Default)]
struct Checked {
    /// The file had a certain meaning, and the reading told it.
    compared: bool,
    /// It was packed, and its packing was damaged.
    damaged: bool,
}

/// Reads a file in every way that there is, and once more without haste.
///
/// # Panics
/// If the ways differ.
fn check(file: &[u8], scope: Option<TrailOwner<'_>>) -> Checked {
    let (whole, read) = read_file(file, scope);
    let mut checked = Checked::default();
    let content = match unpacked(file) {
        Ok(content) => content,
        Err(begun) => {
            // How far an inflater comes is its own affair; what it gave must be the beginning.
            assert!(read.contents.trouble.is_some(), "damage is named: {read:?}");
            assert!(
                within(&whole, &told(&begun, scope).0) || read.inflated > begun.len() as u64,
                "what stood before the damage"
            );
            checked.damaged = true;
            begun
        }
    };
    let (plain, contents) = told(&content, scope);
    if !checked.damaged {
        assert_eq!(whole, plain, "packed or not");
        assert_eq!(read.contents, contents, "packed or not");
        assert_eq!(read.inflated, content.len() as u64);
    }
    let widest = [3, 90, 2_000][content.len() % 3];
    let (found, ended) = windows(&content, scope, widest);
    assert_eq!(ended, contents, "windows up to {widest}");
    assert_eq!(found, plain, "windows up to {widest}");
    if let (Some(answer), None) = (parsed_whole(&content, scope), &contents.trouble) {
        assert_eq!(plain, answer.told);
        assert_eq!(contents.unreadable, answer.unreadable);
        checked.compared = true;
    }
    checked
}

fn read_file(file: &[u8], scope: Option<TrailOwner<'_>>) -> (Told, FileRead) {
    let mut sink = Told::default();
    let read = log_file::read_bytes(file, scope, &mut Memory::default(), &mut sink);
    (sink, read)
}

/// The content of a file, or what of it comes out before it is damaged.
fn unpacked(file: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    if !file.starts_with(b"\x1f\x8b") {
        return Ok(file.to_vec());
    }
    let mut content = Vec::new();
    match flate2::read::MultiGzDecoder::new(file).read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(_) => Err(content),
    }
}

/// Returns whether everything in `part` is in `all`.
fn within(part: &Told, all: &Told) -> bool {
    let count = |event: &String| all.events.get(event).copied().unwrap_or_default();
    part.events
        .iter()
        .all(|(event, times)| *times <= count(event))
        && part.hours.is_subset(&all.hours)
        && part.read_only_days.is_subset(&all.read_only_days)
}

fn windows(content: &[u8], scope: Option<TrailOwner<'_>>, widest: u32) -> (Told, Contents) {
    let mut dice = Dice::new(content.len() as u64);
    let (mut sink, mut reader, mut held) = (Told::default(), RecordReader::new(scope), Vec::new());
    let mut rest = content;
    // A tiny window at every byte of a large file would take the square of its length.
    let least = content.len() / 200;
    while !rest.is_empty() {
        let width = (least + 1 + dice.below(widest) as usize).min(rest.len());
        held.extend_from_slice(&rest[..width]);
        rest = &rest[width..];
        let taken = reader.take(&held, &mut sink);
        held.drain(..taken);
    }
    let contents = reader.finish(&held, &mut sink);
    (sink, contents)
}

/// A file, what is known of it, and where it claims to come from.
struct Input {
    file: Vec<u8>,
    scope: Option<TrailOwner<'static>>,
    /// Neither its JSON nor its packing was damaged.
    sound: bool,
}

/// The input with this number.
fn input(number: u64) -> Input {
    let mut dice = Dice::new(number);
    let spec = Spec {
        seed: number,
        files: 1 + dice.below(3),
        records: 1 + dice.below(9),
        ours: [0, 20, 300, 900, 1_000][below(&mut dice, 5)],
        uses: 700,
        traps: [0, 300, 900][below(&mut dice, 3)],
        secrets: 1 + dice.below(9),
        days: 1 + dice.below(3),
        again: [0, 500, 1_000][below(&mut dice, 3)],
        sessions: 0,
    };
    let mut json = content(&spec, &mut dice).into_bytes();
    let damages = dice.below(4).saturating_sub(1);
    for _ in 0..damages {
        damage(&mut json, &mut dice);
    }
    let (file, hits) = packed(&json, &mut dice);
    Input {
        file,
        scope: [None, Some(SCOPE)][below(&mut dice, 2)],
        sound: damages == 0 && hits == 0,
    }
}

/// A trail's records in one of the shapes and styles of a file.
fn content(spec: &Spec, dice: &mut Dice) -> String {
    let files: Vec<String> = generate::files(spec).map(|file| file.json).collect();
    let inside: Vec<&str> = files
        .iter()
        .map(|json| &json["{\"Records\":[".len()..json.len() - 2])
        .filter(|records| !records.is_empty())
        .collect();
    let mut shapes = shapes(&inside.join(","));
    let (shape, text) = shapes.swap_remove(below(dice, shapes.len()));
    let style = STYLES[below(dice, STYLES.len())];
    // Lines stay lines, and the mark is no JSON to sort.
    if shape.starts_with("lines") || style == Style::Sorted && shape == "byte order mark" {
        text
    } else {
        restyled(&text, style)
    }
}

/// One thing that goes wrong with bytes.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.is_empty() {
        return;
    }
    let place = below(dice, bytes.len());
    let end = (place + 1 + below(dice, 60)).min(bytes.len());
    match dice.below(9) {
        0 => bytes[place] = dice.roll().to_le_bytes()[0],
        1 => bytes[place] = b"{}[]\",:\\"[below(dice, 8)],
        2 => bytes[place] ^= 1 << dice.below(8),
        3 => drop(bytes.remove(place)),
        4 => bytes.insert(place, bytes[place]),
        5 => drop(bytes.drain(place..end)),
        6 => {
            let again = bytes[place..end].to_vec();
            let other = below(dice, bytes.len());
            bytes.splice(other..other, again);
        }
        7 => bytes.truncate(place),
        _ => bytes[place] = bytes[place].wrapping_add(1),
    }
}

/// The bytes as they are, or as gzip members cut anywhere, which may be damaged too; and how often they were.
fn packed(mut rest: &[u8], dice: &mut Dice) -> (Vec<u8>, u32) {
    if dice.below(3) == 0 {
        return (rest.to_vec(), 0);
    }
    let mut file = Vec::new();
    for _ in 0..dice.below(4).saturating_sub(1) {
        let (member, others) = rest.split_at(below(dice, rest.len() + 1));
        file.extend(member_of(member, dice));
        rest = others;
    }
    file.extend(member_of(rest, dice));
    let hits = dice.below(4).saturating_sub(2);
    for _ in 0..hits {
        damage(&mut file, dice);
    }
    if hits > 0 && dice.below(4) == 0 {
        file.extend(b"\0\0garbage");
    }
    (file, hits)
}

fn member_of(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let level = flate2::Compression::new(dice.below(10));
    let mut out = Vec::new();
    let mut packer = flate2::GzBuilder::new();
    if dice.below(4) == 0 {
        packer = packer
            .filename("a.json")
            .comment("packed again")
            .extra([7; 9]);
    }
    let mut packer = packer.write(&mut out, level);
    std::io::Write::write_all(&mut packer, bytes).unwrap();
    packer.finish().unwrap();
    out
}

fn number_from(variable: &str, usual: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn every_way_of_reading_tells_what_a_full_parse_tells() {
    let first = number_from("SECRETSWEEP_FUZZ_FIRST", 1);
    let inputs = number_from("SECRETSWEEP_FUZZ_INPUTS", INPUTS);
    let (mut compared, mut damaged) = (0, 0);
    for number in first..first + inputs {
        let Input { file, scope, sound } = input(number);
        // The panic itself says what differs.
        let checked = std::panic::catch_unwind(|| check(&file, scope)).unwrap_or_else(|_| {
            panic!("again: SECRETSWEEP_FUZZ_FIRST={number} SECRETSWEEP_FUZZ_INPUTS=1")
        });
        assert!(checked.compared || !sound, "input {number} is a trail");
        compared += u64::from(checked.compared);
        damaged += u64::from(checked.damaged);
    }
    // Most inputs must be worth something.
    if inputs >= INPUTS {
        assert!(compared > inputs / 2, "{compared} of {inputs} compared");
        assert!(damaged > inputs / 20, "{damaged} of {inputs} damaged");
    }
}
