//! The beginning of a record as CloudTrail writes it.
//!
//! Its own files all begin their records in the same way: version, identity, time and service, without white space. To
//! compare with that costs less than to look keys up, and for most records of other services it is all there is to do.
//! Anything else is no mistake: the walk then begins at the first member.

use std::ops::Range;

use super::simd;

/// Where the first members of a record stand.
pub(super) struct Head {
    /// `userIdentity`, brackets included.
    pub identity: Range<usize>,
    /// What is between the quotes of `eventTime`.
    pub time: Range<usize>,
    /// What is between the quotes of `eventSource`.
    pub source: Range<usize>,
    /// Behind the value of `eventSource`.
    pub end: usize,
}

/// Finds the head of the record that `bytes` begin with, if it is written like that and whole.
#[inline]
pub(super) fn head(bytes: &[u8]) -> Option<Head> {
    let version = text(bytes, behind(bytes, 0, b"{\"eventVersion\":\"")?)?;
    let identity = behind(bytes, version.end, b"\",\"userIdentity\":")?;
    let inside = behind(bytes, identity, b"{")?;
    let identity = identity..simd::container_end(bytes, inside, 1).ok()?;
    let time = text(bytes, behind(bytes, identity.end, b",\"eventTime\":\"")?)?;
    let source = text(bytes, behind(bytes, time.end, b"\",\"eventSource\":\"")?)?;
    let end = source.end + 1;
    Some(Head {
        identity,
        time,
        source,
        end,
    })
}

/// The place behind `expected`, which must stand at `at`.
#[inline]
fn behind<const N: usize>(bytes: &[u8], at: usize, expected: &[u8; N]) -> Option<usize> {
    (bytes.get(at..at + N)? == expected).then_some(at + N)
}

/// The rest of a string without escapes.
#[inline]
fn text(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let end = simd::quote_or_backslash(bytes, start)?;
    (bytes[end] == b'"').then_some(start..end)
}
