//! Ordinary words, for any processor.

use super::{BLOCK, FOLD, Lanes, UnendedValue, closing};

pub(super) fn container_end(bytes: &[u8], at: usize, depth: usize) -> Result<usize, UnendedValue> {
    closing::<WordLanes>(bytes, at, depth)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

#[derive(Clone, Copy)]
struct WordLanes([u64; 8]);

impl Lanes for WordLanes {
    #[inline(always)]
    fn load(block: &[u8; BLOCK]) -> Self {
        let (words, _) = block.as_chunks::<8>();
        let mut loaded = [0; 8];
        for (word, bytes) in loaded.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self(loaded)
    }

    #[inline(always)]
    fn folded(self) -> Self {
        Self(self.0.map(|word| word | (ONES * u64::from(FOLD))))
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> u64 {
        let bits = self.0.iter().zip((0..64).step_by(8));
        bits.fold(0, |all, (word, offset)| all | equal(*word, byte) << offset)
    }

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        prefix_xor(bits)
    }
}

/// Eight bits, one for each byte of the word that equals `byte`.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * u64::from(byte));
    // The high bit of each byte that is zero, and of no other.
    let zero = !(((difference & LOW) + LOW) | difference | LOW);
    // Gathers the eight high bits in the highest byte.
    (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Each bit becomes the parity of itself and all lower bits.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for step in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << step;
    }
    bits
}
