//! AVX2 and the carry-less product.

#![expect(
    unsafe_code,
    reason = "the functions of a trait cannot say for which instructions they are compiled"
)]

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::{BLOCK, FOLD, Lanes, UnendedValue, closing};

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi1")
}

#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1")]
pub(super) fn container_end(bytes: &[u8], at: usize, depth: usize) -> Result<usize, UnendedValue> {
    closing::<Avx2Lanes>(bytes, at, depth)
}

/// Used in [`container_end`] alone, which runs where the instructions are there.
#[derive(Clone, Copy)]
struct Avx2Lanes([__m256i; 2]);

impl Lanes for Avx2Lanes {
    #[inline(always)]
    fn load(block: &[u8; BLOCK]) -> Self {
        let (halves, _) = block.as_chunks::<32>();
        // SAFETY: the instruction is there; each half has the 32 bytes that are loaded, and the load needs no
        // alignment.
        let load = |half: &[u8; 32]| unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
        Self([load(&halves[0]), load(&halves[1])])
    }

    #[inline(always)]
    fn folded(self) -> Self {
        // SAFETY: the instructions are there.
        let fold = |half| unsafe { _mm256_or_si256(half, _mm256_set1_epi8(FOLD.cast_signed())) };
        Self(self.0.map(fold))
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> u64 {
        // SAFETY: the instructions are there.
        let bits = |half| unsafe {
            let same = _mm256_cmpeq_epi8(half, _mm256_set1_epi8(byte.cast_signed()));
            u64::from(_mm256_movemask_epi8(same).cast_unsigned())
        };
        (bits(self.0[1]) << 32) | bits(self.0[0])
    }

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the instructions are there.
        unsafe {
            let bits = _mm_set_epi64x(0, bits.cast_signed());
            let product = _mm_clmulepi64_si128::<0>(bits, _mm_set_epi64x(0, -1));
            _mm_cvtsi128_si64(product).cast_unsigned()
        }
    }
}
