//! Where brackets and strings end, 64 bytes at a time.
//!
//! A block becomes four masks of 64 bits, one bit a byte: quotes, backslashes, opening and closing brackets. From them
//! a few operations on whole words tell which brackets stand outside of strings (the method of simdjson: Langdale and
//! Lemire, "Parsing Gigabytes of JSON per Second"). What makes the masks is a [`Lanes`]: vector instructions where the
//! processor has them, found out when the program runs, and ordinary 64-bit words everywhere else. A test holds all of
//! them equal to reading byte by byte.

#![expect(
    clippy::inline_always,
    reason = "these run inside functions for other processors, which only inlining carries over"
)]

use std::sync::OnceLock;

use crate::trail::record::unended::UnendedValue;

const BLOCK: usize = 64;

/// The offset behind the bracket that closes `depth` open ones, starting at `at` outside any string.
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
        Instructions::Words => word::container_end(bytes, at, depth),
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the compiler cannot know which instructions are there"
        )]
        // SAFETY: every feature that the function is compiled for was found on this processor.
        Instructions::Avx2 => unsafe { avx2::container_end(bytes, at, depth) },
        #[cfg(target_arch = "aarch64")]
        #[expect(
            unsafe_code,
            reason = "the compiler cannot know which instructions are there"
        )]
        // SAFETY: as above.
        Instructions::Neon => unsafe { neon::container_end(bytes, at, depth) },
    }
}

/// The instructions to make masks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    Words,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// The best that this processor has; asked of it once.
#[inline]
fn instructions() -> Instructions {
    static BEST: OnceLock<Instructions> = OnceLock::new();
    *BEST.get_or_init(|| *all_instructions().last().unwrap_or(&Instructions::Words))
}

/// All that this processor has, the best last. No other function makes one, so whoever holds one may use it.
fn all_instructions() -> Vec<Instructions> {
    let mut all = vec![Instructions::Words];
    #[cfg(target_arch = "x86_64")]
    if avx2::is_there() {
        all.push(Instructions::Avx2);
    }
    #[cfg(target_arch = "aarch64")]
    if neon::is_there() {
        all.push(Instructions::Neon);
    }
    all
}

/// The first quote or backslash from `at` on.
#[inline]
pub(super) fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(piece) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        if let Some(offset) = strings::quote_or_backslash(piece) {
            return Some(at + offset);
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

    /// Returns the index of the first quote or backslash.
    #[inline(always)]
    pub(super) fn quote_or_backslash(piece: &[u8; 16]) -> Option<usize> {
        #[expect(
            unsafe_code,
            reason = "the compiler wants it even where SSE2 is always there"
        )]
        // SAFETY: this module is compiled only for processors that have SSE2.
        let found = unsafe { found(piece) };
        (found != 0).then_some(found.trailing_zeros() as usize)
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

/// Every processor of this kind has NEON.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod strings {
    use std::arch::aarch64::{
        vceqq_u8, vdupq_n_u8, vget_lane_u64, vld1q_u8, vorrq_u8, vreinterpret_u64_u8,
        vreinterpretq_u16_u8, vshrn_n_u16,
    };

    /// Returns the index of the first quote or backslash.
    #[inline(always)]
    pub(super) fn quote_or_backslash(piece: &[u8; 16]) -> Option<usize> {
        #[expect(unsafe_code, reason = "safe ways to fill a vector compile to shuffles")]
        // SAFETY: this module is compiled only for processors that have NEON, and 16 bytes are loaded from 16.
        let found = unsafe {
            let piece = vld1q_u8(piece.as_ptr());
            let quotes = vceqq_u8(piece, vdupq_n_u8(b'"'));
            let backslashes = vceqq_u8(piece, vdupq_n_u8(b'\\'));
            let pairs = vreinterpretq_u16_u8(vorrq_u8(quotes, backslashes));
            // Four bits of each byte.
            vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(pairs)))
        };
        (found != 0).then_some(found.trailing_zeros() as usize / 4)
    }
}

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
)))]
mod strings {
    /// Returns the index of the first quote or backslash.
    #[inline(always)]
    pub(super) fn quote_or_backslash(piece: &[u8; 16]) -> Option<usize> {
        piece.iter().position(|byte| matches!(byte, b'"' | b'\\'))
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

/// The state that one block leaves behind for the next.
#[derive(Clone, Copy, Debug, Default)]
struct Carry {
    /// All ones inside a string.
    in_string: u64,
    /// One if the first byte of the next block is escaped.
    escaped: u64,
}

/// The 64 bytes of a block, as a kind of processor takes them.
///
/// The functions are always inlined into the one function of each module that is compiled for its instructions.
trait Lanes: Copy {
    /// Takes the bytes of a block.
    fn load(block: &[u8; BLOCK]) -> Self;

    /// The same with the bits of [`FOLD`] set in each byte.
    fn folded(self) -> Self;

    /// Bit n is set if byte n equals `byte`.
    fn equal(self, byte: u8) -> u64;

    /// Each bit becomes the parity of itself and all lower bits.
    fn prefix_xor(bits: u64) -> u64;
}

#[inline(always)]
fn masks<L: Lanes>(block: &[u8; BLOCK]) -> Masks {
    let lanes = L::load(block);
    let folded = lanes.folded();
    Masks {
        quote: lanes.equal(b'"'),
        backslash: lanes.equal(b'\\'),
        open: folded.equal(b'{'),
        close: folded.equal(b'}'),
    }
}

#[inline(always)]
fn closing<L: Lanes>(bytes: &[u8], mut at: usize, mut depth: usize) -> Result<usize, UnendedValue> {
    let mut carry = Carry::default();
    let (blocks, tail) = bytes
        .get(at..)
        .ok_or(UnendedValue::Cut)?
        .as_chunks::<BLOCK>();
    for block in blocks {
        match in_block::<L>(masks::<L>(block), &mut carry, depth) {
            Ok(offset) => return Ok(at + offset + 1),
            Err(left) => depth = left,
        }
        at += BLOCK;
    }
    let mut last = [b' '; BLOCK];
    last[..tail.len()].copy_from_slice(tail);
    let offset = in_block::<L>(masks::<L>(&last), &mut carry, depth);
    offset
        .map(|offset| at + offset + 1)
        .map_err(|_| UnendedValue::Cut)
}

/// The offset in the block of the bracket that closes the last open one, or else the depth behind the block.
#[inline(always)]
fn in_block<L: Lanes>(masks: Masks, carry: &mut Carry, depth: usize) -> Result<usize, usize> {
    let quotes = masks.quote & !escaped(masks.backslash, carry);
    // Inside a string from its opening quote up to the byte before its closing one.
    let strings = L::prefix_xor(quotes) ^ carry.in_string;
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

/// The bits at odd positions.
const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// The bytes behind a backslash that is not itself escaped.
#[inline(always)]
fn escaped(backslash: u64, carry: &mut Carry) -> u64 {
    if backslash == 0 {
        return std::mem::take(&mut carry.escaped);
    }
    // A run of backslashes escapes what follows it if it begins at an even position and has an odd length, or begins at
    // an odd position and has an even one. Adding the beginnings at odd positions carries through their runs and so
    // tells the two cases apart.
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

mod word;

#[cfg(target_arch = "x86_64")]
mod avx2;

#[cfg(target_arch = "aarch64")]
mod neon;

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
