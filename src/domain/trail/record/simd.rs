//! Where brackets and strings end, 64 bytes at a time.
//!
//! A block becomes four masks of 64 bits, one bit a byte: quotes, backslashes, opening and closing brackets. From them
//! a few operations on whole words tell which brackets stand outside of strings (the method of simdjson: Langdale and
//! Lemire, "Parsing Gigabytes of JSON per Second"). On processors with AVX2 and a carry-less product the masks come from
//! vector instructions, found out when the program runs; everywhere else from ordinary 64-bit words. A test holds both
//! equal, and equal to reading byte by byte.

#![expect(
    clippy::inline_always,
    reason = "these run inside functions for other processors, which only inlining carries over"
)]

use std::sync::OnceLock;

use crate::domain::trail::record::unended::UnendedValue;

const BLOCK: usize = 64;

/// The place behind the bracket that closes `depth` open ones, starting at `at` outside any string.
///
/// Braces and square brackets count alike: in JSON they are nested properly.
pub(super) fn container_end(bytes: &[u8], at: usize, depth: usize) -> Result<usize, UnendedValue> {
    container_end_with(instructions(), bytes, at, depth)
}

#[inline]
fn container_end_with(
    instructions: Instructions,
    bytes: &[u8],
    at: usize,
    depth: usize,
) -> Result<usize, UnendedValue> {
    match instructions {
        Instructions::Words => closing(bytes, at, depth, word::masks, word::prefix_xor),
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the compiler cannot know which instructions are there"
        )]
        // SAFETY: every feature that the function is compiled for was found on this processor.
        Instructions::Avx2 => unsafe { vector::container_end_avx2(bytes, at, depth) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the compiler cannot know which instructions are there"
        )]
        // SAFETY: as above.
        Instructions::Avx512 => unsafe { vector::container_end_avx512(bytes, at, depth) },
    }
}

/// What to make masks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    Words,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The best that this processor has; asked of it once.
#[inline]
fn instructions() -> Instructions {
    static BEST: OnceLock<Instructions> = OnceLock::new();
    *BEST.get_or_init(|| *all_instructions().last().unwrap_or(&Instructions::Words))
}

/// All that this processor has, the best last. The only place that makes one, so whoever holds one may use it.
fn all_instructions() -> Vec<Instructions> {
    let mut all = vec![Instructions::Words];
    #[cfg(target_arch = "x86_64")]
    {
        if vector::has_avx2() {
            all.push(Instructions::Avx2);
        }
        if vector::has_avx512() {
            all.push(Instructions::Avx512);
        }
    }
    all
}

/// The first quote or backslash from `at` on.
#[inline]
pub(super) fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(piece) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let found = strings::quotes_and_backslashes(piece);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += piece.len();
    }
    let tail = bytes.get(at..)?;
    Some(at + tail.iter().position(|byte| matches!(byte, b'"' | b'\\'))?)
}

/// Every processor of this kind has SSE2.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod strings {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };

    /// A bit for each quote or backslash; the lowest one is the first.
    #[inline(always)]
    pub(super) fn quotes_and_backslashes(piece: &[u8; 16]) -> u32 {
        #[expect(
            unsafe_code,
            reason = "the compiler wants it even where SSE2 is always there"
        )]
        // SAFETY: this module is compiled only for processors that have SSE2.
        unsafe {
            found(piece)
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn found(piece: &[u8; 16]) -> u32 {
        let (words, _) = piece.as_chunks::<8>();
        let word = |offset: usize| i64::from_le_bytes(words[offset]);
        let piece = _mm_set_epi64x(word(1), word(0));
        let quotes = _mm_cmpeq_epi8(piece, _mm_set1_epi8(b'"'.cast_signed()));
        let backslashes = _mm_cmpeq_epi8(piece, _mm_set1_epi8(b'\\'.cast_signed()));
        _mm_movemask_epi8(_mm_or_si128(quotes, backslashes)).cast_unsigned()
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
mod strings {
    /// A bit for each quote or backslash; the lowest one is the first.
    #[inline(always)]
    pub(super) fn quotes_and_backslashes(piece: &[u8; 16]) -> u32 {
        let bit = |offset: usize| u32::from(matches!(piece[offset], b'"' | b'\\')) << offset;
        (0..piece.len()).map(bit).sum()
    }
}

/// The bytes of a block that matter; bit n stands for byte n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Masks {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

/// What one block leaves behind for the next.
#[derive(Clone, Copy, Debug, Default)]
struct Carry {
    /// All ones inside a string.
    in_string: u64,
    /// One if the first byte of the next block is escaped.
    escaped: u64,
}

#[inline(always)]
fn closing(
    bytes: &[u8],
    mut at: usize,
    mut depth: usize,
    masks: impl Fn(&[u8; BLOCK]) -> Masks,
    prefix_xor: impl Fn(u64) -> u64,
) -> Result<usize, UnendedValue> {
    let mut carry = Carry::default();
    let (blocks, tail) = bytes
        .get(at..)
        .ok_or(UnendedValue::Cut)?
        .as_chunks::<BLOCK>();
    for block in blocks {
        match in_block(masks(block), &mut carry, depth, &prefix_xor) {
            Ok(offset) => return Ok(at + offset + 1),
            Err(left) => depth = left,
        }
        at += BLOCK;
    }
    let mut last = [b' '; BLOCK];
    last[..tail.len()].copy_from_slice(tail);
    let offset = in_block(masks(&last), &mut carry, depth, &prefix_xor);
    offset
        .map(|offset| at + offset + 1)
        .map_err(|_| UnendedValue::Cut)
}

/// The place in the block of the bracket that closes the last open one, or else the depth behind the block.
#[inline(always)]
fn in_block(
    masks: Masks,
    carry: &mut Carry,
    depth: usize,
    prefix_xor: impl Fn(u64) -> u64,
) -> Result<usize, usize> {
    let quotes = masks.quote & !escaped(masks.backslash, carry);
    // Inside a string from its opening quote up to the byte before its closing one.
    let strings = prefix_xor(quotes) ^ carry.in_string;
    carry.in_string = 0_u64.wrapping_sub(strings >> 63);
    let open = masks.open & !strings;
    let close = masks.close & !strings;
    let closes = close.count_ones() as usize;
    if closes < depth {
        return Err(depth + open.count_ones() as usize - closes);
    }
    let mut left = close;
    let mut behind = 0;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        behind += 1;
        if depth + (open & (bit - 1)).count_ones() as usize == behind {
            return Ok(bit.trailing_zeros() as usize);
        }
        left ^= bit;
    }
    Err(depth + open.count_ones() as usize - closes)
}

/// The odd places.
const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// The bytes behind a backslash that is not itself escaped.
#[inline(always)]
fn escaped(backslash: u64, carry: &mut Carry) -> u64 {
    if backslash == 0 {
        return std::mem::take(&mut carry.escaped);
    }
    // A run of backslashes escapes what follows it if it begins at an even place and has an odd length, or begins at
    // an odd place and has an even one. Adding the beginnings at odd places carries through their runs and so tells
    // the two cases apart.
    let potential = backslash & !carry.escaped;
    let maybe_escaped = potential << 1;
    let codes_and_ends = (maybe_escaped | ODD).wrapping_sub(potential);
    let escape_and_terminal = codes_and_ends ^ ODD;
    let escaped = escape_and_terminal ^ (backslash | carry.escaped);
    carry.escaped = (escape_and_terminal & backslash) >> 63;
    escaped
}

/// `[` and `{` differ in one bit, and so do `]` and `}`. No other byte becomes one of them by setting it.
const FOLD: u8 = b'{' ^ b'[';

/// Ordinary words, for any processor.
mod word {
    use super::{BLOCK, FOLD, Masks};

    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

    pub(super) fn masks(block: &[u8; BLOCK]) -> Masks {
        let mut masks = Masks {
            quote: 0,
            backslash: 0,
            open: 0,
            close: 0,
        };
        let (words, _) = block.as_chunks::<8>();
        for (number, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let folded = word | (ONES * u64::from(FOLD));
            let offset = number * 8;
            masks.quote |= equal(word, b'"') << offset;
            masks.backslash |= equal(word, b'\\') << offset;
            masks.open |= equal(folded, b'{') << offset;
            masks.close |= equal(folded, b'}') << offset;
        }
        masks
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
    pub(super) fn prefix_xor(mut bits: u64) -> u64 {
        for step in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << step;
        }
        bits
    }
}

/// AVX2 and the carry-less product.
#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{
        __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
        _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_or_si512, _mm512_set1_epi8,
    };

    use super::{BLOCK, FOLD, Masks, UnendedValue, closing};

    pub(super) fn has_avx512() -> bool {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") && has_avx2()
    }

    pub(super) fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
    }

    #[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1")]
    pub(super) fn container_end_avx2(
        bytes: &[u8],
        at: usize,
        depth: usize,
    ) -> Result<usize, UnendedValue> {
        closing(
            bytes,
            at,
            depth,
            |block| masks(block),
            |bits| prefix_xor(bits),
        )
    }

    #[target_feature(enable = "avx512f,avx512bw,avx2,pclmulqdq,popcnt,bmi1")]
    pub(super) fn container_end_avx512(
        bytes: &[u8],
        at: usize,
        depth: usize,
    ) -> Result<usize, UnendedValue> {
        closing(
            bytes,
            at,
            depth,
            |block| wide_masks(block),
            |bits| prefix_xor(bits),
        )
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn wide_masks(block: &[u8; BLOCK]) -> Masks {
        #[expect(unsafe_code, reason = "safe ways to fill a vector compile to shuffles")]
        // SAFETY: the block has the 64 bytes that are loaded, and the load needs no alignment.
        let whole = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let folded = _mm512_or_si512(whole, _mm512_set1_epi8(FOLD.cast_signed()));
        let equal =
            |bytes, byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()));
        Masks {
            quote: equal(whole, b'"'),
            backslash: equal(whole, b'\\'),
            open: equal(folded, b'{'),
            close: equal(folded, b'}'),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn masks(block: &[u8; BLOCK]) -> Masks {
        let (low, high) = halves(block);
        let fold = _mm256_set1_epi8(FOLD.cast_signed());
        let (low_folded, high_folded) = (_mm256_or_si256(low, fold), _mm256_or_si256(high, fold));
        Masks {
            quote: equal(low, high, b'"'),
            backslash: equal(low, high, b'\\'),
            open: equal(low_folded, high_folded, b'{'),
            close: equal(low_folded, high_folded, b'}'),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn halves(block: &[u8; BLOCK]) -> (__m256i, __m256i) {
        let (halves, _) = block.as_chunks::<32>();
        #[expect(unsafe_code, reason = "safe ways to fill a vector compile to shuffles")]
        // SAFETY: each half has the 32 bytes that are loaded, and the load needs no alignment.
        let load = |half: &[u8; 32]| unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
        (load(&halves[0]), load(&halves[1]))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal(low: __m256i, high: __m256i, byte: u8) -> u64 {
        let byte = _mm256_set1_epi8(byte.cast_signed());
        let bits =
            |half| u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(half, byte)).cast_unsigned());
        (bits(high) << 32) | bits(low)
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq")]
    fn prefix_xor(bits: u64) -> u64 {
        let product =
            _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits.cast_signed()), _mm_set_epi64x(0, -1));
        _mm_cvtsi128_si64(product).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, one byte after the other.
    fn byte_by_byte(bytes: &[u8], depth: usize) -> Option<usize> {
        let (mut depth, mut in_string, mut offset) = (depth, false, 0);
        while offset < bytes.len() {
            match (bytes[offset], in_string) {
                (b'\\', _) if matches!(bytes.get(offset + 1), Some(b'"' | b'\\')) => offset += 1,
                (b'"', _) => in_string = !in_string,
                (b'{' | b'[', false) => depth += 1,
                (b'}' | b']', false) => depth -= 1,
                _ => {}
            }
            offset += 1;
            if depth == 0 {
                return Some(offset);
            }
        }
        None
    }

    fn marks() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            8 => Just(b'a'),
            2 => Just(b'"'),
            2 => Just(b'\\'),
            1 => Just(b'{'),
            1 => Just(b'['),
            1 => Just(b'}'),
            1 => Just(b']'),
            2 => any::<u8>(),
        ];
        proptest::collection::vec(byte, 0..400)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn the_first_quote_or_backslash_is_found(bytes in marks(), at in 0_usize..400) {
            let expected = (at..bytes.len()).find(|&offset| matches!(bytes[offset], b'"' | b'\\'));
            prop_assert_eq!(quote_or_backslash(&bytes, at), expected);
        }

        #[test]
        fn every_way_agrees_with_reading_byte_by_byte(bytes in marks(), depth in 1_usize..4, at in 0_usize..70) {
            let at = at.min(bytes.len());
            let expected = byte_by_byte(&bytes[at..], depth).map(|end| at + end).ok_or(UnendedValue::Cut);
            for instructions in all_instructions() {
                let found = container_end_with(instructions, &bytes, at, depth);
                prop_assert_eq!(found, expected, "{:?}", instructions);
            }
        }
    }
}
