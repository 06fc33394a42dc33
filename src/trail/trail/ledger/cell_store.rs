//! The cells of all lines while the trail is read: the latest ones open, all others packed.
//!
//! Calls come about in the order of their time, so nearly every call falls into a cell that was touched a short while ago.
//! Those stand open in a table, which is small enough for the caches of a processor. When there are [`OPEN_CELLS`] of them,
//! all are packed into a block and the table begins anew. A call to a cell that was packed already makes a second one of
//! the same hour and address; they become one when the ledger is read. So what is counted never depends on when cells
//! were packed, nor on the order of the trail: that decides only how much memory it takes.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::{NONE, number};
use crate::trail::cell::{Address, Cell};
use crate::trail::cells::{CellIter, Cells, pack};

/// The number of cells that are open at the most: two megabytes of them.
const OPEN_CELLS: usize = 1 << 16;

/// Blocks are made by part, so that those of one part can go when its lines are joined, before the next part is begun.
const PARTS: usize = 16;

/// The place of the cells of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineSlot {
    /// The part, below [`PARTS`]: in every ledger the same for the same line.
    part: u8,
    /// The place at which its latest cell was; may be anything.
    latest: u32,
}

impl LineSlot {
    /// A line without cells. `hash` is the same in every ledger.
    pub(super) fn new(hash: u64) -> Self {
        Self {
            part: hash.to_le_bytes()[0] % u8::try_from(PARTS).unwrap_or(1),
            latest: NONE,
        }
    }
}

/// A cell and the line it belongs to.
#[derive(Clone, Copy, Debug)]
struct LineCell {
    line: u32,
    part: u8,
    cell: Cell,
}

impl LineCell {
    /// The order in which lines are packed: by part and line, in one number that is quick to compare.
    fn line_rank(&self) -> u64 {
        u64::from(self.part) << 32 | u64::from(self.line)
    }

    /// Returns what no two cells have in common.
    fn key(&self) -> (u32, u32, Address) {
        (self.line, self.cell.key, self.cell.address)
    }
}

/// Packed cells of some lines of one part, those of each line in one run.
#[derive(Debug, Default)]
struct CellBlock {
    runs: Vec<Run>,
    bytes: Vec<u8>,
}

/// The place at which the cells of a line begin in a block. They end where the next run begins.
#[derive(Clone, Copy, Debug)]
struct Run {
    line: u32,
    from: u32,
}

/// The cells of all lines.
#[derive(Debug)]
pub(super) struct CellStore {
    open: Vec<LineCell>,
    /// The place of each open cell, by line, key and address.
    table: HashTable<u32>,
    /// By part.
    blocks: [Vec<CellBlock>; PARTS],
    most: usize,
}

impl Default for CellStore {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            table: HashTable::new(),
            blocks: Default::default(),
            most: OPEN_CELLS,
        }
    }
}

impl CellStore {
    /// Adds calls to a line, which has this slot.
    pub(super) fn add(&mut self, line: u32, cell: Cell, slot: &mut LineSlot) {
        let LineSlot { part, latest } = slot;
        let line_cell = LineCell {
            line,
            part: *part,
            cell,
        };
        let open = &mut self.open;
        if let Some(known) = open.get_mut(*latest as usize)
            && known.key() == line_cell.key()
        {
            known.cell.add(cell);
            return;
        }
        let hash = |line_cell: &LineCell| FixedState::default().hash_one(line_cell.key());
        let same = |&at: &u32| open[at as usize].key() == line_cell.key();
        *latest = if let Some(&at) = self.table.find(hash(&line_cell), same) {
            open[at as usize].cell.add(cell);
            at
        } else {
            let at = number(open.len());
            open.push(line_cell);
            self.table
                .insert_unique(hash(&line_cell), at, |&other| hash(&open[other as usize]));
            at
        };
        if self.open.len() >= self.most {
            self.close();
        }
    }

    /// Packs the cells that stand open.
    fn close(&mut self) {
        self.open.sort_unstable_by_key(LineCell::line_rank);
        for line in self.open.chunk_by_mut(|one, next| one.line == next.line) {
            line.sort_unstable_by_key(LineCell::key);
        }
        let mut cells = Vec::new();
        for of_part in self.open.chunk_by(|one, next| one.part == next.part) {
            let mut block = CellBlock::default();
            for run in of_part.chunk_by(|one, next| one.line == next.line) {
                cells.clear();
                cells.extend(run.iter().map(|line_cell| line_cell.cell));
                block.runs.push(Run {
                    line: run[0].line,
                    from: number(block.bytes.len()),
                });
                pack(&cells, &mut block.bytes);
            }
            block.runs.shrink_to_fit();
            block.bytes.shrink_to_fit();
            self.blocks[usize::from(of_part[0].part)].push(block);
        }
        self.open.clear();
        self.table.clear();
    }

    /// Takes the cells of another ledger in, whose lines have these numbers here.
    pub(super) fn merge(&mut self, mut other: Self, lines: &[u32]) {
        other.close();
        for (ours, theirs) in self.blocks.iter_mut().zip(other.blocks) {
            for mut block in theirs {
                for run in &mut block.runs {
                    run.line = lines[run.line as usize];
                }
                ours.push(block);
            }
        }
    }

    /// The cells of each line, by line. `lines` is how many lines there are.
    pub(super) fn take(&mut self, lines: usize) -> Vec<Cells> {
        self.close();
        self.open = Vec::new();
        self.table = HashTable::new();
        let mut all = vec![Cells::default(); lines];
        for blocks in std::mem::take(&mut self.blocks) {
            for (line, cells) in joined(&blocks) {
                all[line as usize] = cells;
            }
        }
        all
    }
}

/// The cells of each line of some blocks.
fn joined(blocks: &[CellBlock]) -> impl Iterator<Item = (u32, Cells)> {
    // The line of each run, its block, and where it begins and ends there.
    let mut runs: Vec<(u32, u32, u32, u32)> = Vec::new();
    for (at, block) in (0..).zip(blocks) {
        let ends = block.runs.iter().skip(1).map(|run| run.from);
        let ends = ends.chain([number(block.bytes.len())]);
        let found = block.runs.iter().zip(ends);
        runs.extend(found.map(|(run, to)| (run.line, at, run.from, to)));
    }
    runs.sort_unstable();
    let (mut bytes, mut lines) = (Vec::new(), Vec::new());
    let mut cells: Vec<Cell> = Vec::new();
    for of_line in runs.chunk_by(|one, next| one.0 == next.0) {
        cells.clear();
        for &(_, block, from, to) in of_line {
            let bytes = &blocks[block as usize].bytes;
            cells.extend(CellIter::new(&bytes[from as usize..to as usize]));
        }
        if of_line.len() > 1 {
            join(&mut cells);
        }
        lines.push((of_line[0].0, pack(&cells, &mut bytes)));
    }
    bytes.shrink_to_fit();
    let bytes = Arc::new(bytes);
    let lines = lines.into_iter();
    lines.map(move |(line, packed)| (line, packed.cells(&bytes)))
}

/// Makes one of the cells of the same hour and address.
fn join(cells: &mut Vec<Cell>) {
    let key = |cell: &Cell| (cell.key, cell.address);
    // Stable, because it finds the runs that are sorted already.
    cells.sort_by_key(key);
    cells.dedup_by(|next, kept| {
        let same = key(next) == key(kept);
        if same {
            kept.add(*next);
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A call: line, hour, address, second.
    type Call = (u32, u32, u64, u16);

    fn count(calls: &[Call], most: usize) -> CellStore {
        let mut store = CellStore {
            most,
            ..CellStore::default()
        };
        let mut slots = [LineSlot::new(0), LineSlot::new(1), LineSlot::new(0)];
        for &(line, hour, address, second) in calls {
            let cell = Cell {
                key: hour * 2,
                calls: 1,
                first: second,
                last: second,
                names: 1 << (second % 32),
                address: Address::from_bits(address),
            };
            store.add(line, cell, &mut slots[line as usize]);
        }
        store
    }

    fn cells_of(mut store: CellStore) -> Vec<Vec<Cell>> {
        let cells = store.take(3).into_iter();
        cells.map(|cells| cells.iter().collect()).collect()
    }

    proptest! {
        #[test]
        fn what_is_counted_depends_neither_on_when_cells_are_packed_nor_on_order_nor_on_who_counts(
            calls in proptest::collection::vec((0..3_u32, 0..4_u32, 0..3_u64, 0..3_600_u16), 0..60),
            shuffled in any::<u64>(),
            most in 1..20_usize,
            cut in 0..60_usize,
        ) {
            let all_open = cells_of(count(&calls, usize::MAX));
            let mut other = calls.clone();
            other.sort_by_key(|call| FixedState::with_seed(shuffled).hash_one(call));
            let (mine, theirs) = other.split_at(cut.min(other.len()));
            let mut store = count(mine, most);
            // The other ledger has its lines the other way round.
            let theirs: Vec<Call> = theirs
                .iter()
                .map(|&(line, hour, address, second)| (2 - line, hour, address, second))
                .collect();
            store.merge(count(&theirs, most), &[2, 1, 0]);
            prop_assert_eq!(cells_of(store), all_open);
        }
    }

    #[test]
    fn no_more_cells_stand_open_than_may() {
        let calls: Vec<Call> = (0..100).map(|hour| (0, hour, 0, 0)).collect();
        let store = count(&calls, 8);
        assert!(store.open.len() < 8 && store.blocks[0].len() == 12);
    }
}
