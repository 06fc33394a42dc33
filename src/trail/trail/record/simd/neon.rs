//! NEON and the carry-less product, which belongs to the instructions for AES.

#![expect(
    unsafe_code,
    reason = "the functions of a trait cannot say for which instructions they are compiled"
)]

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vmull_p64, vorrq_u8,
    vpaddq_u8, vreinterpretq_u64_u8,
};

use super::{BLOCK, FOLD, Lanes, UnendedValue, closing};

pub(super) fn is_there() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
        && std::arch::is_aarch64_feature_detected!("aes")
}

#[target_feature(enable = "neon,aes")]
pub(super) fn container_end(bytes: &[u8], at: usize, depth: usize) -> Result<usize, UnendedValue> {
    closing::<NeonLanes>(bytes, at, depth)
}

/// The bit of each byte among eight.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

/// Used in [`container_end`] alone, which runs where the instructions are there.
#[derive(Clone, Copy)]
struct NeonLanes([uint8x16_t; 4]);

impl Lanes for NeonLanes {
    #[inline(always)]
    fn load(block: &[u8; BLOCK]) -> Self {
        let (quarters, _) = block.as_chunks::<16>();
        // SAFETY: the instruction is there; each quarter has the 16 bytes that are loaded, and the load needs no
        // alignment.
        let load = |quarter: usize| unsafe { vld1q_u8(quarters[quarter].as_ptr()) };
        Self([load(0), load(1), load(2), load(3)])
    }

    #[inline(always)]
    fn folded(self) -> Self {
        // SAFETY: the instructions are there.
        Self(
            self.0
                .map(|quarter| unsafe { vorrq_u8(quarter, vdupq_n_u8(FOLD)) }),
        )
    }

    /// There is no instruction that gathers the bits. Of each byte that is equal its own bit is kept, and three times
    /// neighbours are added.
    #[inline(always)]
    fn equal(self, byte: u8) -> u64 {
        // SAFETY: the instructions are there, and 16 bytes are loaded from 16.
        unsafe {
            let (byte, bits) = (vdupq_n_u8(byte), vld1q_u8(BITS.as_ptr()));
            let [one, two, three, four] = self
                .0
                .map(|quarter| vandq_u8(vceqq_u8(quarter, byte), bits));
            let pairs = vpaddq_u8(vpaddq_u8(one, two), vpaddq_u8(three, four));
            vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)))
        }
    }

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the instructions are there.
        unsafe { prefix_xor(bits) }
    }
}

#[inline]
#[target_feature(enable = "neon,aes")]
fn prefix_xor(bits: u64) -> u64 {
    let [low, _] = halves(vmull_p64(bits, u64::MAX));
    low
}

fn halves(product: u128) -> [u64; 2] {
    let bytes = product.to_le_bytes();
    let (halves, _) = bytes.as_chunks::<8>();
    [u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1])]
}
