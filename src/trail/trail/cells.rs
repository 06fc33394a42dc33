//! The calls of a line by hour and address, packed.
//!
//! A trail has as many cells as there are lines, hours and addresses in it: of a fleet whose programs live for an hour,
//! tens of millions. Side by side and in order, most of what they say is small: the next hour, a call or two, one name. So
//! they are kept in some thirteen bytes each, and unpacked while somebody goes through them.
//!
//! A cell is: a byte of marks; how far its key is from that of the cell before, unless it is the same; the number of calls;
//! the second of the first call and, if there are several, of the last; the marks of the names, unless they are none or one;
//! the address, unless it is that of the cell before. Numbers of no fixed size have seven bits a byte, the lowest first.

use std::sync::Arc;

use crate::trail::cell::{Address, Cell};

/// The six lowest bits of the marks: no name; or the index of the only one, plus one; or this, and all follow.
const SEVERAL_NAMES: u8 = 33;
const NAMES: u8 = 0x3f;
/// The key is that of the cell before.
const SAME_KEY: u8 = 0x40;
/// The address is that of the cell before.
const SAME_ADDRESS: u8 = 0x80;

/// The cells of a line, in the order of their hours and addresses. They lie in one piece with those of all lines.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    all: Arc<Vec<u8>>,
    line: PackedLine,
}

impl Cells {
    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.line.count as usize
    }

    /// Returns whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.line.count == 0
    }

    /// The cells, one after the other.
    pub fn iter(&self) -> CellIter<'_> {
        CellIter::new(&self.all[self.line.from as usize..self.line.to as usize])
    }

    /// Returns the number of calls in all cells.
    pub fn calls(&self) -> u64 {
        self.line.calls
    }

    /// The first and the last call, in seconds since 1970; `None`: there are no calls.
    pub fn span(&self) -> Option<(i64, i64)> {
        (!self.is_empty()).then_some(self.line.span)
    }
}

impl<'a> IntoIterator for &'a Cells {
    type Item = Cell;
    type IntoIter = CellIter<'a>;

    fn into_iter(self) -> CellIter<'a> {
        self.iter()
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Cells {}

/// The place of the cells of one line among those of all, before all are there. A scan has hundreds of thousands of
/// lines, so it is small.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PackedLine {
    from: u32,
    to: u32,
    count: u32,
    calls: u64,
    /// The first and the last call, in seconds since 1970, if there are cells.
    span: (i64, i64),
}

impl PackedLine {
    /// The cells of the line.
    pub(crate) fn cells(self, all: &Arc<Vec<u8>>) -> Cells {
        Cells {
            all: Arc::clone(all),
            line: self,
        }
    }
}

/// The first and the last call of some cells, in seconds since 1970; `None`: there are none.
pub fn span(cells: impl Iterator<Item = Cell>) -> Option<(i64, i64)> {
    let spans = cells.map(|cell| (cell.first(), cell.last()));
    spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

/// Appends the cells of one line, which are sorted by key and address, and says where they are.
pub(crate) fn pack(cells: &[Cell], out: &mut Vec<u8>) -> PackedLine {
    let from = out.len();
    let (mut key, mut address) = (0, Address::default());
    for cell in cells {
        let names = match cell.names {
            0 => 0,
            // The index of a bit is below 32.
            one if one.is_power_of_two() => one.trailing_zeros().to_le_bytes()[0] + 1,
            _ => SEVERAL_NAMES,
        };
        let mut marks = names;
        if cell.key == key {
            marks |= SAME_KEY;
        }
        if cell.address == address {
            marks |= SAME_ADDRESS;
        }
        out.push(marks);
        if cell.key != key {
            push_number(out, cell.key.wrapping_sub(key));
        }
        push_number(out, cell.calls);
        out.extend(cell.first.to_le_bytes());
        if cell.calls != 1 {
            out.extend(cell.last.to_le_bytes());
        }
        if names == SEVERAL_NAMES {
            out.extend(cell.names.to_le_bytes());
        }
        if cell.address != address {
            out.extend(cell.address.bits().to_le_bytes());
        }
        (key, address) = (cell.key, cell.address);
    }
    PackedLine {
        from: small(from),
        to: small(out.len()),
        count: small(cells.len()),
        calls: cells.iter().map(|cell| u64::from(cell.calls)).sum(),
        span: span(cells.iter().copied()).unwrap_or_default(),
    }
}

/// An offset in the packed cells of one part of the lines, or a count of them.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("the cells of a part of the lines have less than 4 GB")
}

fn push_number(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Goes through packed cells.
#[derive(Clone, Debug)]
pub struct CellIter<'a> {
    rest: &'a [u8],
    key: u32,
    address: Address,
}

impl<'a> CellIter<'a> {
    /// The cells that [`pack`] put into these bytes.
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            key: 0,
            address: Address::default(),
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    #[inline]
    fn number(&mut self) -> Option<u32> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let [byte] = self.take()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

impl Iterator for CellIter<'_> {
    type Item = Cell;

    #[inline]
    fn next(&mut self) -> Option<Cell> {
        let [marks] = self.take()?;
        if marks & SAME_KEY == 0 {
            self.key = self.key.wrapping_add(self.number()?);
        }
        let calls = self.number()?;
        let first = u16::from_le_bytes(self.take()?);
        let last = if calls == 1 {
            first
        } else {
            u16::from_le_bytes(self.take()?)
        };
        let names = match marks & NAMES {
            0 => 0,
            SEVERAL_NAMES => u32::from_le_bytes(self.take()?),
            one => 1 << (one - 1),
        };
        if marks & SAME_ADDRESS == 0 {
            self.address = Address::from_bits(u64::from_le_bytes(self.take()?));
        }
        Some(Cell {
            key: self.key,
            calls,
            first,
            last,
            names,
            address: self.address,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells() -> impl Strategy<Value = Vec<Cell>> {
        let cell = (
            prop_oneof![0..9_u32, any::<u32>()],
            prop_oneof![1..4_u32, any::<u32>()],
            (0..3_600_u16, 0..3_600_u16),
            prop_oneof![Just(0), (0..32_u32).prop_map(|bit| 1 << bit), any::<u32>()],
            prop_oneof![0..3_u64, any::<u64>()],
        );
        let cell = cell.prop_map(|(key, calls, (one, other), names, address)| Cell {
            key,
            calls,
            first: one.min(other),
            last: if calls == 1 {
                one.min(other)
            } else {
                one.max(other)
            },
            names,
            address: Address::from_bits(address),
        });
        proptest::collection::vec(cell, 0..20)
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_again(first in cells(), second in cells()) {
            let mut bytes = Vec::new();
            let lines = [&first, &second].map(|cells| pack(cells, &mut bytes));
            let all = Arc::new(bytes);
            for (line, cells) in lines.into_iter().zip([first, second]) {
                let packed = line.cells(&all);
                prop_assert_eq!(packed.len(), cells.len());
                let calls = cells.iter().map(|cell| u64::from(cell.calls));
                prop_assert_eq!(packed.calls(), calls.sum::<u64>());
                prop_assert_eq!(packed.span(), span(cells.iter().copied()));
                prop_assert_eq!(packed.iter().collect::<Vec<_>>(), cells);
            }
        }
    }

    #[test]
    fn a_call_of_one_name_takes_thirteen_bytes_and_more_from_there_six() {
        let cell = |hour: u32, calls| Cell {
            key: hour * 2,
            calls,
            first: 7,
            last: 7 + u16::try_from(calls).unwrap() - 1,
            names: 1 << 9,
            address: Address::new("10.0.0.1"),
        };
        let length = |cells: &[Cell]| {
            let mut bytes = Vec::new();
            pack(cells, &mut bytes);
            bytes.len()
        };
        let one = length(&[cell(1, 1)]);
        assert_eq!(one, 13);
        assert_eq!(length(&[cell(1, 1), cell(2, 3)]) - one, 7);
    }
}
