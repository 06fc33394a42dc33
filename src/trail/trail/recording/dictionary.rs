//! Byte strings by number, of the block that is being recorded and of those before it.
//!
//! Blocks of one trail have most of their strings in common, so what was taken apart and hashed for one block is known in
//! the next. Each block has numbers of its own all the same, because it is stored by itself.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Distinct byte strings.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    bytes: Vec<u8>,
    entries: Vec<DictionaryEntry>,
    table: HashTable<u32>,
    /// The block that is being recorded.
    turn: u32,
    /// The entries that the block has, by their numbers in it.
    of_block: Vec<u32>,
}

#[derive(Debug)]
struct DictionaryEntry {
    range: Range<usize>,
    hash: u64,
    /// The last block that has it, and its number there.
    turn: u32,
    number: u32,
}

/// Instead of the block that has an entry: none has.
const NEVER: u32 = u32::MAX;

/// The answer of a dictionary about bytes.
pub(super) struct DictionaryLookup {
    /// Their index in the dictionary.
    pub(super) at: u32,
    /// They were not there before.
    pub(super) is_new: bool,
}

impl Dictionary {
    /// Begins another block.
    pub(super) fn begin(&mut self) {
        self.turn += 1;
        self.of_block.clear();
    }

    /// Returns the number of bytes that it holds.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Finds bytes, which are taken in if they are new.
    pub(super) fn find(&mut self, bytes: &[u8]) -> DictionaryLookup {
        let hash = FixedState::default().hash_one(bytes);
        let (all, entries) = (&self.bytes, &self.entries);
        let same = |&at: &u32| {
            let entry = &entries[at as usize];
            entry.hash == hash && all[entry.range.clone()] == *bytes
        };
        if let Some(&at) = self.table.find(hash, same) {
            return DictionaryLookup { at, is_new: false };
        }
        let at = small(self.entries.len());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.entries.push(DictionaryEntry {
            range: start..self.bytes.len(),
            hash,
            turn: NEVER,
            number: 0,
        });
        let entries = &self.entries;
        self.table
            .insert_unique(hash, at, |&other| entries[other as usize].hash);
        DictionaryLookup { at, is_new: true }
    }

    /// The number of an entry in the block, which has it from now on.
    pub(super) fn number(&mut self, at: u32) -> u64 {
        let entry = &mut self.entries[at as usize];
        if entry.turn != self.turn {
            entry.turn = self.turn;
            entry.number = small(self.of_block.len());
            self.of_block.push(at);
        }
        entry.number.into()
    }

    /// The entries of the block, in the order of their numbers.
    pub(super) fn of_block(&self) -> &[u32] {
        &self.of_block
    }

    /// The bytes of an entry.
    pub(super) fn bytes(&self, at: u32) -> &[u8] {
        &self.bytes[self.entries[at as usize].range.clone()]
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).expect("a dictionary is emptied long before it has four billion entries")
}
