//! Finding the end of a JSON value without reading it.
//!
//! Every function takes an offset in the bytes and gives the offset behind something, or says why it cannot. Only
//! quotes, backslashes and brackets are looked at.

use crate::trail::record::unended::UnendedValue;

use super::simd;

/// The offset of the first byte that is not white space.
#[inline]
pub(super) fn blank_end(bytes: &[u8], mut at: usize) -> Result<usize, UnendedValue> {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\n' | b'\t' | b'\r') => at += 1,
            Some(_) => return Ok(at),
            None => return Err(UnendedValue::Cut),
        }
    }
}

/// A string as it stands in the bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    /// The first byte after the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
    /// There is a backslash inside.
    pub escaped: bool,
}

/// Reads the string whose opening quote stands at `at`.
#[inline]
pub(super) fn text(bytes: &[u8], at: usize) -> Result<Text, UnendedValue> {
    match bytes.get(at) {
        Some(b'"') => {}
        Some(_) => return Err(UnendedValue::Broken),
        None => return Err(UnendedValue::Cut),
    }
    let start = at + 1;
    let end = simd::quote_or_backslash(bytes, start).ok_or(UnendedValue::Cut)?;
    if bytes[end] == b'"' {
        return Ok(Text {
            start,
            end,
            escaped: false,
        });
    }
    escaped_text(bytes, start, end)
}

/// Goes on from the first backslash.
#[cold]
fn escaped_text(bytes: &[u8], start: usize, backslash: usize) -> Result<Text, UnendedValue> {
    let mut offset = backslash;
    while bytes[offset] == b'\\' {
        offset = simd::quote_or_backslash(bytes, offset + 2).ok_or(UnendedValue::Cut)?;
    }
    Ok(Text {
        start,
        end: offset,
        escaped: true,
    })
}

/// The offset behind the value that starts at `at`.
#[inline]
pub(super) fn value_end(bytes: &[u8], at: usize) -> Result<usize, UnendedValue> {
    match bytes.get(at) {
        None => Err(UnendedValue::Cut),
        Some(b'"') => text(bytes, at).map(|text| text.end + 1),
        Some(b'{' | b'[') => simd::container_end(bytes, at + 1, 1),
        Some(_) => scalar_end(bytes, at),
    }
}

/// The offset behind a number, `true`, `false` or `null`.
#[inline]
pub(super) fn scalar_end(bytes: &[u8], at: usize) -> Result<usize, UnendedValue> {
    let mut end = at;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'E' => end += 1,
            b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r' if end > at => return Ok(end),
            _ => return Err(UnendedValue::Broken),
        }
    }
    Err(UnendedValue::Cut)
}
