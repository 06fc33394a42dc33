//! The only source of chance in the demo: splitmix64 from a fixed seed.
//!
//! Why our own: the same bytes must come out on every run, platform and toolchain, which no crate promises across its
//! versions. It is not fit for anything that must be hard to guess.

/// A splitmix64 generator (Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct SplitMix(u64);

impl SplitMix {
    /// A generator for one name, so that adding another name changes nothing for this one.
    pub(super) fn named(text: &str) -> Self {
        let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `0..end`, and 0 when `end` is 0. The bias of the remainder does not matter here.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let end = u64::from(end.max(1));
        u32::try_from(self.next() % end).unwrap_or(0)
    }

    /// `length` characters of `[A-Za-z0-9]`, as in the suffix of an ARN or of a log file.
    pub(super) fn letters(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.next() % 62).unwrap_or(0);
                char::from(ALPHABET[index])
            })
            .collect()
    }

    /// Eight lower-case hexadecimal digits.
    pub(super) fn eight_digits(&mut self) -> String {
        let bits = u128::from(self.next());
        (0..8).map(|index| digit(bits, index)).collect()
    }

    /// A UUID of version 4 in lower case.
    pub(super) fn uuid(&mut self) -> String {
        uuid(self.next(), self.next())
    }
}

/// The UUID of version 4 made of these bits.
pub(super) fn uuid(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let bits = (u128::from(high) << 64) | u128::from(low);
    let mut text = String::with_capacity(36);
    for index in 0..32 {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit(bits, 31 - index));
    }
    text
}

/// The hexadecimal digit at an index of the bits, counted from the lowest.
fn digit(bits: u128, index: u32) -> char {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let value = usize::try_from((bits >> (4 * index)) & 0xf).unwrap_or(0);
    char::from(DIGITS[value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_its_published_sequence() {
        let mut random = SplitMix(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_uuid_is_of_version_four() {
        assert_eq!(uuid(0, 0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(
            uuid(u64::MAX, u64::MAX),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
    }
}
