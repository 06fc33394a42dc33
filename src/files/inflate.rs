//! Gzip, whole or as a stream.
//!
//! A log file is inflated whole by libdeflate, which takes half the time of a streaming inflater; that needs the file
//! in memory, so large ones are streamed (`logs`). A log file as AWS delivers it is one gzip member; more of them
//! mean that somebody packed it again. They are read to the last one and counted.
//!
//! The safe wrapper of libdeflate does not tell where a member ends. So this file calls the C function itself, and is
//! the only file outside the SIMD masks that may use `unsafe`.

use std::io::{self, BufRead, Read};
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS,
};

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Deflate cannot do better than this, so a larger size in a trailer is a lie.
const BEST_RATIO: usize = 1_032;

/// The smallest room worth trying.
const LEAST_ROOM: usize = 64 * 1_024;

/// Returns whether bytes begin as gzip does. A file's name says nothing: people unpack files and keep their names.
#[must_use]
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Why [`Inflater::whole`] gave nothing. [`GzipMembers`] reads such data as far as it goes, and tells what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// The limit does not suffice, or the trailer lies about the size.
    TooLarge,
    /// The data is damaged, cut off, or followed by something else.
    Damaged,
}

/// The inflater of one thread, with its memory.
pub struct Inflater {
    decompressor: NonNull<libdeflate_decompressor>,
    inflated: Vec<u8>,
}

impl Inflater {
    /// Makes an inflater. `None` when there is no memory for it (about 10 kB).
    #[must_use]
    #[expect(unsafe_code, reason = "a call of C; it has no conditions")]
    pub fn new() -> Option<Self> {
        // SAFETY: the function takes nothing and gives null or a decompressor of ours.
        let decompressor = NonNull::new(unsafe { libdeflate_alloc_decompressor() })?;
        Some(Self {
            decompressor,
            inflated: Vec::new(),
        })
    }

    /// Inflates all members of `gzip`, at most `limit` bytes; gives the bytes and the number of members.
    ///
    /// # Errors
    /// Says why the bytes cannot be had at once. Nothing is given then, not even what stands before the damage.
    pub fn whole(&mut self, gzip: &[u8], limit: usize) -> Result<(&[u8], u64), NotWhole> {
        let room = size_in_trailer(gzip).min(gzip.len().saturating_mul(BEST_RATIO));
        if room > limit {
            return Err(NotWhole::TooLarge);
        }
        self.make_room(room.max(LEAST_ROOM).min(limit));
        let (mut read, mut written, mut members) = (0, 0, 0);
        while read < gzip.len() {
            match self.member(&gzip[read..], written) {
                Ok((taken, given)) => {
                    read += taken;
                    written += given;
                    members += 1;
                }
                Err(NotWhole::TooLarge) if self.inflated.len() < limit => {
                    self.make_room(self.inflated.len().saturating_mul(2).min(limit));
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok((&self.inflated[..written], members))
    }

    fn make_room(&mut self, room: usize) {
        if self.inflated.len() < room {
            self.inflated.resize(room, 0);
        }
    }

    /// Inflates the member at the beginning of `gzip` behind the first `written` bytes; gives the bytes read and
    /// written.
    #[expect(
        unsafe_code,
        reason = "the safe wrapper does not tell how much of the input was read"
    )]
    fn member(&mut self, gzip: &[u8], written: usize) -> Result<(usize, usize), NotWhole> {
        let room = &mut self.inflated[written..];
        let (mut taken, mut given) = (0, 0);
        // SAFETY: the decompressor is ours and used by nobody else, for `&mut self`; each pointer goes with the length
        // of the slice it comes from, and libdeflate stays inside both.
        let result = unsafe {
            libdeflate_gzip_decompress_ex(
                self.decompressor.as_ptr(),
                gzip.as_ptr().cast(),
                gzip.len(),
                room.as_mut_ptr().cast(),
                room.len(),
                &raw mut taken,
                &raw mut given,
            )
        };
        #[expect(non_upper_case_globals, reason = "named by the C header")]
        match result {
            libdeflate_result_LIBDEFLATE_SUCCESS => Ok((taken, given)),
            libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Err(NotWhole::TooLarge),
            _ => Err(NotWhole::Damaged),
        }
    }
}

impl Drop for Inflater {
    #[expect(unsafe_code, reason = "a call of C that gives back what `new` took")]
    fn drop(&mut self) {
        // SAFETY: it came from `libdeflate_alloc_decompressor` and nobody uses it any more.
        unsafe { libdeflate_free_decompressor(self.decompressor.as_ptr()) };
    }
}

/// The size that the last member claims for itself: its last four bytes, modulo 2^32.
fn size_in_trailer(gzip: &[u8]) -> usize {
    gzip.last_chunk::<4>().map_or(0, |size| {
        usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX)
    })
}

/// The members of a gzip stream one after another, as one [`Read`].
///
/// Bytes behind the last member are an error, once everything before them was read.
pub struct GzipMembers<R> {
    decoder: Option<flate2::bufread::GzDecoder<R>>,
    /// Members begun so far.
    pub count: u64,
}

impl<R: BufRead> GzipMembers<R> {
    /// Starts at the first member.
    pub fn new(source: R) -> Self {
        Self {
            decoder: Some(flate2::bufread::GzDecoder::new(source)),
            count: 1,
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let given = decoder.read(room)?;
            if given > 0 || room.is_empty() {
                return Ok(given);
            }
            let Some(mut source) = self
                .decoder
                .take()
                .map(flate2::bufread::GzDecoder::into_inner)
            else {
                break;
            };
            match source.fill_buf()?.first() {
                None => {}
                Some(&byte) if byte == MAGIC[0] => {
                    self.decoder = Some(flate2::bufread::GzDecoder::new(source));
                    self.count += 1;
                }
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "something follows the compressed log",
                    ));
                }
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn streamed(bytes: &[u8]) -> (Vec<u8>, u64, Option<io::Error>) {
        let mut members = GzipMembers::new(bytes);
        let mut all = Vec::new();
        let fault = members.read_to_end(&mut all).err();
        (all, members.count, fault)
    }

    #[test]
    fn both_ways_read_every_member() {
        let text = vec![b'x'; 300_000];
        let one = gzip(&text);
        let two = [gzip(&text), gzip(b"tail")].concat();
        let mut inflater = Inflater::new().unwrap();
        assert_eq!(inflater.whole(&one, 1 << 20), Ok((&text[..], 1)));
        let (bytes, members) = inflater.whole(&two, 1 << 20).unwrap();
        assert_eq!(
            (bytes.len(), &bytes[300_000..], members),
            (300_004, &b"tail"[..], 2)
        );
        let (bytes, members, fault) = streamed(&two);
        assert_eq!((bytes.len(), members), (300_004, 2));
        assert!(fault.is_none(), "{fault:?}");
    }

    #[test]
    fn the_limit_holds_whatever_the_trailer_says() {
        let honest = gzip(&vec![b'x'; 300_000]);
        let mut lying = honest.clone();
        let end = lying.len();
        lying[end - 4..].fill(0);
        let mut inflater = Inflater::new().unwrap();
        assert_eq!(inflater.whole(&honest, 200_000), Err(NotWhole::TooLarge));
        assert!(inflater.whole(&lying, 200_000).is_err());
        assert!(inflater.inflated.len() <= 200_000);
    }

    #[test]
    fn damage_is_told_and_what_came_before_is_kept() {
        let text: Vec<u8> = (0..200_000_u32)
            .flat_map(|number| number.to_string().into_bytes())
            .collect();
        let whole = gzip(&text);
        let cut = &whole[..whole.len() / 2];
        let mut inflater = Inflater::new().unwrap();
        assert!(inflater.whole(cut, 1 << 24).is_err());
        let (bytes, _, fault) = streamed(cut);
        assert!(fault.is_some());
        assert!(bytes.len() > 100_000 && text.starts_with(&bytes));

        let trailed = [&whole[..], b"garbage"].concat();
        assert!(inflater.whole(&trailed, 1 << 24).is_err());
        let (bytes, _, fault) = streamed(&trailed);
        assert_eq!(bytes, text);
        assert!(fault.unwrap().to_string().contains("follows"));
    }
}
