//! Calls of one hour from one address: the smallest part of what a ledger counts.

use crate::base::span::start_of_hour;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// The address that a call came from: the `sourceIPAddress`, hashed to 64 bits.
///
/// Addresses are only ever compared, never shown, and there may be as many as calls. Among a million addresses of one
/// session, the chance that any two are taken for one is below one in ten million. The default stands for no address.
///
/// The lowest bit says whether the address is of a private network. AWS sees one only of a caller that comes through a
/// VPC endpoint, so it belongs to one machine or pod; behind a public address many may stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(u64);

impl Address {
    /// The address in an event; the same number on every machine.
    pub fn new(text: &str) -> Self {
        let hash = FixedState::default().hash_one(text.as_bytes());
        Self(hash & !1 | u64::from(is_private(text)))
    }

    /// The address that an event has or has not; the default if it is empty.
    #[inline]
    pub(crate) fn of(text: Option<&str>) -> Self {
        let text = text.filter(|text| !text.is_empty());
        text.map_or_else(Self::default, Self::new)
    }

    /// All that it is, to be kept.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The address that has these [`Address::bits`].
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns whether it is of a private network: one machine or pod is behind it.
    pub fn is_private(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Returns whether an address is of a network that is not routed on the internet (RFC 1918, RFC 6598, RFC 4193).
fn is_private(text: &str) -> bool {
    let is_unique_local = |text: &str| {
        let mut letters = text.bytes();
        (text.starts_with("fc") || text.starts_with("fd"))
            && text.contains(':')
            && letters.all(|letter| letter == b':' || letter.is_ascii_hexdigit())
    };
    match octets(text) {
        Some([10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..]) => true,
        Some(_) => false,
        None => is_unique_local(text),
    }
}

/// The four numbers of an address of IPv4.
fn octets(text: &str) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(octets)
}

/// Calls of one kind in one hour from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Twice the hour since 1970, plus one for the part of an hour that lies at or after the window's start.
    pub key: u32,
    /// The number of calls.
    pub calls: u32,
    /// The first and the last of them, in seconds after the full hour.
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// The names of sessions with made-up names: a bit for each, chosen by its hash. It is zero where names are kept.
    pub names: u32,
    /// The address that the calls came from.
    pub address: Address,
}

impl Cell {
    /// Takes in calls of the same hour and address.
    pub(crate) fn add(&mut self, more: Self) {
        self.names |= more.names;
        self.calls = self.calls.saturating_add(more.calls);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
    }

    /// The hour since 1970-01-01T00:00:00Z.
    pub fn hour(self) -> u32 {
        self.key >> 1
    }

    /// The first call, in seconds since 1970.
    pub fn first(self) -> i64 {
        start_of_hour(self.hour()) + i64::from(self.first)
    }

    /// The last call, in seconds since 1970.
    pub fn last(self) -> i64 {
        start_of_hour(self.hour()) + i64::from(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_marked() {
        for (text, private) in [
            ("10.0.7.31", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("100.64.0.9", true),
            ("100.20.0.9", false),
            ("203.0.113.9", false),
            ("fd12:3456::1", true),
            ("2001:db8::1", false),
            ("10.0.0.1.evil", false),
            ("firehose.amazonaws.com", false),
            ("AWS Internal", false),
        ] {
            assert_eq!(Address::new(text).is_private(), private, "{text}");
        }
        assert!(!Address::default().is_private());
    }
}
