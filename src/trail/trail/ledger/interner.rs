//! The strings of a ledger, each held once and known by a number.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// A number that stands for a string of the ledger.
pub(super) type Sym = u32;

/// The strings of a ledger, each held once.
#[derive(Debug, Default)]
pub(super) struct Strings {
    all: Vec<Arc<str>>,
    table: HashTable<Sym>,
}

impl Strings {
    /// The number of a string, which is taken in if it is new.
    pub(super) fn symbol(&mut self, text: &str) -> Sym {
        let hash = FixedState::default().hash_one(text);
        let all = &self.all;
        if let Some(&symbol) = self
            .table
            .find(hash, |&symbol| &*all[symbol as usize] == text)
        {
            return symbol;
        }
        let symbol =
            Sym::try_from(self.all.len()).expect("fewer than four billion distinct strings");
        self.all.push(text.into());
        let all = &self.all;
        self.table.insert_unique(hash, symbol, |&other| {
            FixedState::default().hash_one(&*all[other as usize])
        });
        symbol
    }

    /// Takes those of another ledger in; gives their numbers here, by their numbers there.
    pub(super) fn take_in(&mut self, other: &Self) -> Vec<Sym> {
        other.all.iter().map(|text| self.symbol(text)).collect()
    }

    /// Returns the rank of each string in the alphabetical order of all.
    pub(super) fn ranks(&self) -> Vec<u32> {
        ranks(self.all.len(), |at| &*self.all[at as usize])
    }

    /// The string of a number.
    pub(super) fn text(&self, symbol: Sym) -> &str {
        &self.all[symbol as usize]
    }

    /// The string of a number, to share.
    pub(super) fn shared(&self, symbol: Sym) -> Arc<str> {
        Arc::clone(&self.all[symbol as usize])
    }
}

/// Distinct rows of `N` strings and some marks, each held once and known by a number.
#[derive(Debug)]
pub(super) struct InternedRows<const N: usize> {
    all: Vec<InternedRow<N>>,
    table: HashTable<u32>,
}

/// A row: its strings and marks.
#[derive(Clone, Copy, Debug)]
pub(super) struct InternedRow<const N: usize> {
    /// The strings.
    pub(super) strings: [Sym; N],
    /// The marks, which distinguish rows besides their strings.
    pub(super) marks: u8,
    /// The hash of its texts and marks, in every ledger the same.
    pub(super) hash: u64,
}

impl<const N: usize> Default for InternedRows<N> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            table: HashTable::new(),
        }
    }
}

impl<const N: usize> InternedRows<N> {
    /// The number of a row, which is taken in if it is new.
    pub(super) fn number(&mut self, strings: &mut Strings, texts: [&str; N], marks: u8) -> u32 {
        let hash = hash_of(texts, marks);
        let all = &self.all;
        let same = |&at: &u32| {
            let row: &InternedRow<N> = &all[at as usize];
            row.hash == hash
                && row.marks == marks
                && row
                    .strings
                    .iter()
                    .zip(texts)
                    .all(|(&symbol, text)| strings.text(symbol) == text)
        };
        if let Some(&at) = self.table.find(hash, same) {
            return at;
        }
        self.push(InternedRow {
            strings: texts.map(|text| strings.symbol(text)),
            marks,
            hash,
        })
    }

    /// The number of a row of strings that are known already; the row is taken in if it is new.
    pub(super) fn number_of(&mut self, strings: &Strings, symbols: [Sym; N], marks: u8) -> u32 {
        let hash = hash_of(symbols.map(|symbol| strings.text(symbol)), marks);
        let all = &self.all;
        let same = |&at: &u32| {
            let known: &InternedRow<N> = &all[at as usize];
            (known.strings, known.marks) == (symbols, marks)
        };
        if let Some(&at) = self.table.find(hash, same) {
            return at;
        }
        self.push(InternedRow {
            strings: symbols,
            marks,
            hash,
        })
    }

    /// Takes the rows of another ledger in, whose strings have these numbers here; gives their numbers here, by their
    /// numbers there.
    pub(super) fn take_in(&mut self, other: &Self, symbols: &[Sym]) -> Vec<u32> {
        let take_in = |row: &InternedRow<N>| {
            let strings = row.strings.map(|symbol| symbols[symbol as usize]);
            let all = &self.all;
            let same = |&at: &u32| {
                let known = &all[at as usize];
                (known.strings, known.marks) == (strings, row.marks)
            };
            match self.table.find(row.hash, same) {
                Some(&at) => at,
                None => self.push(InternedRow { strings, ..*row }),
            }
        };
        other.all.iter().map(take_in).collect()
    }

    fn push(&mut self, row: InternedRow<N>) -> u32 {
        let at = u32::try_from(self.all.len()).expect("fewer than four billion distinct rows");
        self.all.push(row);
        let all = &self.all;
        self.table
            .insert_unique(row.hash, at, |&other| all[other as usize].hash);
        at
    }

    /// The row of a number.
    pub(super) fn row(&self, number: u32) -> &InternedRow<N> {
        &self.all[number as usize]
    }

    /// All rows, by number.
    pub(super) fn rows(&self) -> &[InternedRow<N>] {
        &self.all
    }

    /// Returns the rank of each row in the order of the strings, then of the marks. `strings` are the ranks of the strings.
    pub(super) fn ranks(&self, strings: &[u32]) -> Vec<u32> {
        ranks(self.all.len(), |at| {
            let row = self.row(at);
            let string_ranks = row.strings.map(|symbol| strings[symbol as usize]);
            (string_ranks, row.marks)
        })
    }
}

/// Returns the rank of each of so many things in the order of their keys.
fn ranks<K: Ord>(count: usize, key: impl Fn(u32) -> K) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(count).collect();
    order.sort_unstable_by_key(|&at| key(at));
    let mut ranks = vec![0; count];
    for (rank, at) in (0..).zip(order) {
        ranks[at as usize] = rank;
    }
    ranks
}

fn hash_of<const N: usize>(texts: [&str; N], marks: u8) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for text in texts {
        hasher.write(text.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.write_u8(marks);
    hasher.finish()
}
