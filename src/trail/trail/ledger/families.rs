//! Calls under made-up session names: of as many names as there are, a few are kept.
//!
//! SDKs and platforms make up a name for each process, task or renewal of credentials ([`SessionFamily`]). A line holds
//! all calls of one family, by hour and address as every line does. Beside it, the ledger keeps the calls of some of
//! the names: those with the smallest hashes, which are names taken at random. Of each kept name all calls are kept,
//! because a name that was passed over, or dropped for smaller ones, is never taken in again. Of every name, its cell
//! keeps a bit ([`Cell::names`]), which distinguishes one name from several, and names that stay for hours from names that pass.
//!
//! Which names are kept does not depend on the order of reading, nor on the number of ledgers that are merged: the
//! smallest of all are the smallest of the smallest. A family with no more names than are kept is given back name by
//! name, as if there were no families. The more families there are, the fewer names each may keep, so that memory
//! does not grow with sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::interner::Sym;
use super::key::{CALLER, SESSION, family_of, without_family};
use super::{Ledger, LineKey};
use crate::trail::calls::SampledSession;
use crate::trail::cell::Cell;
use crate::trail::sessions::SessionFamily;

/// Names that are kept of all families together, as long as each may keep [`FEWEST_NAMES`].
const ALL_NAMES: usize = 32_768;
/// Names that are kept of a family at the most.
const MOST_NAMES: usize = 64;
/// Names that are kept of a family however many families there are.
const FEWEST_NAMES: usize = 8;

/// The calls of one session on one line.
#[derive(Debug)]
struct KeptSession {
    hash: u64,
    name: Box<str>,
    /// Sorted by hour and address.
    cells: Vec<Cell>,
}

impl KeptSession {
    fn add(&mut self, cell: Cell) {
        let key = |known: &Cell| (known.key, known.address);
        let found = match self.cells.last_mut() {
            Some(last) if key(last) == key(&cell) => Ok(self.cells.len() - 1),
            Some(last) if key(last) < key(&cell) => Err(self.cells.len()),
            _ => self.cells.binary_search_by_key(&key(&cell), key),
        };
        match found {
            Ok(at) => self.cells[at].add(cell),
            Err(at) => self.cells.insert(at, cell),
        }
    }
}

/// The names of one family on one line.
#[derive(Debug, Default)]
struct KeptFamily {
    /// Sorted by hash and name.
    sessions: Vec<KeptSession>,
    /// There are more names than are kept. Then the cells of the line hold all calls, those of the kept names among
    /// them; else they hold none.
    is_many: bool,
}

impl KeptFamily {
    /// Takes in a call of a name, unless there are so many smaller names.
    fn put(&mut self, hash: u64, name: &str, cell: Cell, most: usize) {
        // Of many names, nearly every one is passed over.
        let last = self.sessions.last().map(|known| known.hash);
        if self.is_many && self.sessions.len() >= most && last.is_some_and(|last| last < hash) {
            return;
        }
        let order = |known: &KeptSession| (known.hash, &*known.name).cmp(&(hash, name));
        match self.sessions.binary_search_by(order) {
            Ok(at) => self.sessions[at].add(cell),
            Err(at) if self.is_many && at >= most => {}
            Err(at) => self.sessions.insert(
                at,
                KeptSession {
                    hash,
                    name: name.into(),
                    cells: vec![cell],
                },
            ),
        }
    }

    /// Drops what is more than may be kept. Gives the calls that the line has to hold now and did not before.
    fn cut(&mut self, most: usize) -> Vec<Cell> {
        if self.sessions.len() <= most {
            return Vec::new();
        }
        let for_line = self.become_many();
        self.sessions.truncate(most);
        for_line
    }

    /// Says that there are more names than are kept. Gives the calls that the line has to hold now and did not before.
    fn become_many(&mut self) -> Vec<Cell> {
        if std::mem::replace(&mut self.is_many, true) {
            return Vec::new();
        }
        let cells = self.sessions.iter().flat_map(|session| &session.cells);
        cells.copied().collect()
    }
}

/// The families of a ledger, by line.
#[derive(Debug, Default)]
pub(super) struct Families {
    of_lines: HashMap<u32, KeptFamily, FixedState>,
    /// The value that [`Families::most`] had when all families were last held to it.
    held_to: usize,
}

impl Families {
    /// Returns how many names of a family are kept: the fewer, the more families there are.
    fn most(&self) -> usize {
        let share = ALL_NAMES / self.of_lines.len().max(1);
        share.clamp(FEWEST_NAMES, MOST_NAMES)
    }
}

/// The samples of the families of many names, by line.
pub(super) type SessionSamples = HashMap<u32, Box<[SampledSession]>, FixedState>;

/// A name of the family that a caller stands for, by the number of the caller.
pub(super) type NameExamples = HashMap<u32, Box<str>, FixedState>;

impl Ledger {
    /// The family of the session that calls, unless its name has to stay.
    pub(super) fn family<'k>(
        &self,
        caller: [&'k str; CALLER],
        marks: u8,
    ) -> Option<SessionFamily<'k>> {
        let family = family_of(caller, marks)?;
        let is_kept = self.names.holds(caller[SESSION]);
        (!is_kept).then_some(family)
    }

    /// Counts calls of a session whose name was made up, on the line of its family.
    pub(super) fn count_named(&mut self, line: u32, name: &str, cell: Cell) {
        let hash = FixedState::default().hash_one(name);
        // By the lowest bits, because the names that are kept have low hashes, and so few of the highest.
        let names = cell.names | 1 << (hash % u64::from(u32::BITS));
        let cell = Cell { names, ..cell };
        let mut most = self.families.held_to;
        let family = match self.families.of_lines.entry(line) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                free.insert(KeptFamily::default());
                // A new family lowers what each may keep.
                most = self.families.most();
                self.families.of_lines.entry(line).or_default()
            }
        };
        let was_many = family.is_many;
        family.put(hash, name, cell, most);
        for cell in family.cut(most) {
            self.add(line, cell);
        }
        if was_many {
            self.add(line, cell);
        }
        if most != self.families.held_to {
            self.hold_families();
        }
    }

    /// Holds all families to what each may keep.
    fn hold_families(&mut self) {
        let most = self.families.most();
        self.families.held_to = most;
        let cut = |(&line, family): (&u32, &mut KeptFamily)| (line, family.cut(most));
        let for_lines: Vec<_> = self.families.of_lines.iter_mut().map(cut).collect();
        for (line, cells) in for_lines {
            for cell in cells {
                self.add(line, cell);
            }
        }
    }

    /// Takes those of another ledger in, whose lines have these numbers here.
    pub(super) fn merge_families(&mut self, other: Families, lines: &[u32]) {
        for (line, theirs) in other.of_lines {
            self.merge_family(lines[line as usize], theirs);
        }
        self.hold_families();
    }

    fn merge_family(&mut self, line: u32, mut theirs: KeptFamily) {
        let mut ours = self.families.of_lines.remove(&line).unwrap_or_default();
        let mut for_line = Vec::new();
        if ours.is_many {
            for_line.extend(theirs.become_many());
        } else if theirs.is_many {
            for_line.extend(ours.become_many());
        }
        for session in theirs.sessions {
            for cell in session.cells {
                ours.put(session.hash, &session.name, cell, usize::MAX);
            }
        }
        self.families.of_lines.insert(line, ours);
        for cell in for_line {
            self.add(line, cell);
        }
    }

    /// Gives the families of few names their names back, as lines of their own, and the others a sample of theirs.
    pub(super) fn settle_families(&mut self) -> (SessionSamples, NameExamples) {
        self.hold_families();
        let mut samples = SessionSamples::default();
        let mut examples: HashMap<u32, (u64, Box<str>), FixedState> = HashMap::default();
        for (line, family) in std::mem::take(&mut self.families.of_lines) {
            if !family.is_many {
                self.name_again(line, family.sessions);
                continue;
            }
            let caller = self.lines[line as usize].what.caller;
            if let Some(first) = family.sessions.first() {
                let example = examples
                    .entry(caller)
                    .or_insert_with(|| (first.hash, first.name.clone()));
                if (first.hash, &first.name) < (example.0, &example.1) {
                    *example = (first.hash, first.name.clone());
                }
            }
            let sample = family.sessions.into_iter().map(|session| SampledSession {
                cells: session.cells.into(),
            });
            samples.insert(line, sample.collect());
        }
        let examples = examples.into_iter();
        (
            samples,
            examples.map(|(caller, (_, name))| (caller, name)).collect(),
        )
    }

    /// Gives sessions lines of their own.
    fn name_again(&mut self, line: u32, sessions: Vec<KeptSession>) {
        let what = self.lines[line as usize].what;
        let caller = self.callers.row(what.caller);
        let (marks, shared) = (without_family(caller.marks), caller.strings);
        let message: Option<Sym> = self.samples.get(&line).copied();
        for session in sessions {
            let name = self.strings.symbol(&session.name);
            let mut strings: [Sym; CALLER] = shared;
            strings[SESSION] = name;
            let caller = self.callers.number_of(&self.strings, strings, marks);
            let own = self.line_at(LineKey { caller, ..what });
            for cell in session.cells {
                self.add(own, Cell { names: 0, ..cell });
            }
            if let Some(message) = message {
                let message = self.strings.shared(message);
                self.keep_sample(own, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests;
