//! Addresses, and what the sessions at each of them call in an hour.

use std::collections::{BTreeMap, BTreeSet};

use super::HOT_CALLS_AN_HOUR;
use super::needs::ClientNeeds;
use super::sessions::Stay;
use crate::domain::trail::sessions::SessionForm;

/// The calls of one hour at an address, under however many sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AddressHour {
    pub(super) calls: u64,
    pub(super) sessions: u64,
    /// The calls of the session that made the most.
    pub(super) most: u64,
    /// The number of calls that caches would avoid if each session were a client.
    pub(super) apart: u64,
}

/// The calls at an address, or at several.
#[derive(Clone, Debug)]
pub(super) struct AddressCalls {
    pub(super) hours: BTreeMap<u32, AddressHour>,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) calls: u64,
    /// The calls among them that were made under ids of tasks, instances, pods and builds.
    pub(super) by_start: u64,
    /// The number of sessions.
    pub(super) sessions: u64,
    /// The most of them at the same time.
    pub(super) at_once: u64,
    /// All calls came through a VPC endpoint.
    pub(super) is_inside: bool,
    /// All names were made up for processes.
    pub(super) are_processes: bool,
}

impl Default for AddressCalls {
    fn default() -> Self {
        Self {
            hours: BTreeMap::new(),
            first: i64::MAX,
            last: i64::MIN,
            calls: 0,
            by_start: 0,
            sessions: 0,
            at_once: 0,
            is_inside: true,
            are_processes: true,
        }
    }
}

impl AddressCalls {
    /// The calls of some sessions.
    pub(super) fn of(stays: &[Stay<'_>], needs: ClientNeeds) -> Self {
        let mut hours: BTreeMap<u32, AddressHour> = BTreeMap::new();
        for hour in stays.iter().flat_map(|stay| stay.hours) {
            let of_hour = hours.entry(hour.hour).or_default();
            of_hour.calls += hour.calls;
            of_hour.sessions += 1;
            of_hour.most = of_hour.most.max(hour.calls);
            of_hour.apart += needs.beyond(hour.calls);
        }
        let starts = stays.iter().filter(|stay| stay.form == SessionForm::Start);
        let sessions: BTreeSet<&str> = stays.iter().map(Stay::session).collect();
        let mut seen = stays.iter().flat_map(|stay| stay.hours);
        Self {
            hours,
            first: stays
                .iter()
                .map(|stay| stay.first)
                .min()
                .unwrap_or(i64::MAX),
            last: stays.iter().map(|stay| stay.last).max().unwrap_or(i64::MIN),
            calls: stays.iter().map(|stay| stay.calls).sum(),
            by_start: starts.map(|stay| stay.calls).sum(),
            sessions: sessions.len() as u64,
            at_once: at_once(stays),
            is_inside: seen.all(|hour| hour.is_inside),
            are_processes: stays.iter().all(|stay| stay.form == SessionForm::Process),
        }
    }

    /// Takes in other sessions.
    pub(super) fn join(&mut self, other: Self) {
        for (hour, more) in other.hours {
            let of_hour = self.hours.entry(hour).or_default();
            of_hour.calls += more.calls;
            of_hour.sessions += more.sessions;
            of_hour.most = of_hour.most.max(more.most);
            of_hour.apart += more.apart;
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.calls += other.calls;
        self.by_start += other.by_start;
        self.sessions += other.sessions;
        self.at_once += other.at_once;
        self.is_inside &= other.is_inside;
        self.are_processes &= other.are_processes;
    }

    /// Returns what caches would avoid if each session were a client.
    pub(super) fn apart(&self) -> u64 {
        self.hours.values().map(|hour| hour.apart).sum()
    }

    /// Returns what a cache would avoid if all sessions were one client.
    pub(super) fn together(&self, needs: ClientNeeds) -> u64 {
        let hours = self.hours.values();
        hours.map(|hour| needs.beyond(hour.calls)).sum()
    }

    /// The most of something in an hour.
    pub(super) fn most(&self, of: impl Fn(&AddressHour) -> u64) -> u64 {
        self.hours.values().map(of).max().unwrap_or(0)
    }

    /// The hours with more of some calls than a client may make.
    pub(super) fn hot(&self, of: impl Fn(&AddressHour) -> u64) -> impl Iterator<Item = u32> {
        let hours = self.hours.iter();
        let hot = hours.filter(move |(_, hour)| of(hour) > HOT_CALLS_AN_HOUR);
        hot.map(|(&hour, _)| hour)
    }
}

/// Returns how many of them were there at the same time.
fn at_once(stays: &[Stay<'_>]) -> u64 {
    let starts = stays.iter().map(|stay| (stay.first, 0_u8));
    let ends = stays.iter().map(|stay| (stay.last, 1));
    let mut moments: Vec<(i64, u8)> = starts.chain(ends).collect();
    moments.sort_unstable();
    let (mut now, mut most) = (0_u64, 0);
    for (_, is_end) in moments {
        if is_end == 1 {
            now -= 1;
        } else {
            now += 1;
            most = most.max(now);
        }
    }
    most
}
