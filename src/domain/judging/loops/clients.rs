//! The clients behind the calls of one reader, and how many of their calls a cache would avoid.
//!
//! A session that stays is a client: whoever reads under it could keep the value. SDKs, the AWS CLI and platforms make
//! up a name for each process, each renewal of credentials or each task ([`SessionForm`]), so the sessions of one
//! program may be as many as its calls. Such names are recognized by their form, or by their number, and only where they
//! do not last: a made-up name that stays for hours is the client that it seems to be.
//!
//! What is behind names that do not last is told by the address. A private address belongs to one machine or pod: all
//! processes on it are one client. Behind a public address, or on a node whose agent reads for its pods, there may be
//! one client or as many as there are sessions at a time, so what a cache would avoid lies between two numbers. Where
//! the addresses pass as quickly as the sessions, something starts anew each time, and what a cache would avoid is not
//! known: what it could keep ends with it.
//!
//! What is worth a report is not decided here.

use std::collections::BTreeMap;

use super::addresses::AddressCalls;
use super::crowds::Crowd;
use super::needs::ClientNeeds;
use super::sessions::{MANY_SESSIONS, SessionHour, SessionLife, SessionLives, Stay};
use crate::domain::trail::cell::Address;
use crate::domain::trail::sessions::SessionForm;

/// At an address with fewer sessions than this that do not last, the address itself may be passing.
const SESSIONS_OF_AN_ADDRESS: u64 = 3;

/// The clients of a reader, added up.
#[derive(Clone, Debug, Default)]
pub(super) struct FoldedClients {
    /// The number of clients, or, if `up_to`, the most that there may be.
    pub(super) count: u64,
    pub(super) up_to: bool,
    pub(super) calls: u64,
    pub(super) hours: BTreeMap<u32, u64>,
    /// The most calls of one client in an hour.
    pub(super) peak: u64,
    /// Calls that a cache would avoid for certain.
    pub(super) avoidable: u64,
    /// Those that it would avoid besides if one client stood behind each address.
    pub(super) perhaps: u64,
    /// Calls of what starts anew each time.
    pub(super) unknown: u64,
    /// Calls under names that were made up for processes and do not last.
    pub(super) by_process: u64,
    /// Calls under ids of tasks, instances and builds that do not last.
    pub(super) by_start: u64,
    pub(super) is_hot: bool,
}

/// Sorts the calls of a reader by the clients that stand behind them, and adds up what they need. `crowds` are those of
/// which not every session is kept.
pub(super) fn fold(
    seen: &[SessionHour<'_>],
    crowds: &[Crowd],
    needs: ClientNeeds,
) -> FoldedClients {
    let mut sums = FoldedClients::default();
    let hours = seen.iter().map(|hour| (hour.hour, hour.calls));
    for (hour, calls) in hours.chain(crowds.iter().flat_map(Crowd::hours)) {
        sums.calls += calls;
        *sums.hours.entry(hour).or_default() += calls;
    }
    let mut sorted = SortedSessions::new(seen, needs);
    for crowd in crowds {
        sorted.add(crowd, needs);
    }
    for stays in sorted.given.values() {
        sums.given(stays, needs);
    }
    for found in sorted.lasting.values() {
        sums.lasting(found, needs);
    }
    for found in sorted.brief.into_values() {
        if found.sessions < SESSIONS_OF_AN_ADDRESS && found.last - found.first < needs.cache_s() / 2
        {
            sorted.anew.join(found);
        } else {
            sums.brief(&found, needs);
        }
    }
    sums.anew(&sorted.anew, needs);
    sums
}

/// The sessions of a reader by what they are taken for.
struct SortedSessions<'h> {
    /// By name.
    given: BTreeMap<&'h str, Vec<Stay<'h>>>,
    /// By address.
    lasting: BTreeMap<Address, AddressCalls>,
    /// By address.
    brief: BTreeMap<Address, AddressCalls>,
    /// Adds a client that starts again each time.
    anew: AddressCalls,
}

impl<'h> SortedSessions<'h> {
    fn new(seen: &'h [SessionHour<'h>], needs: ClientNeeds) -> Self {
        let stays = Stay::all(seen);
        let lives = SessionLives::new(&stays, needs);
        let mut given: BTreeMap<&str, Vec<Stay<'_>>> = BTreeMap::new();
        let mut lasting: BTreeMap<Address, Vec<Stay<'_>>> = BTreeMap::new();
        let mut brief: BTreeMap<Address, Vec<Stay<'_>>> = BTreeMap::new();
        let mut anew = Vec::new();
        for stay in stays {
            match lives.of(&stay) {
                SessionLife::Given => given.entry(stay.session()).or_default().push(stay),
                SessionLife::Lasting => lasting.entry(stay.address()).or_default().push(stay),
                SessionLife::Brief if stay.form == SessionForm::Start => anew.push(stay),
                SessionLife::Brief => brief.entry(stay.address()).or_default().push(stay),
            }
        }
        let by_address = |stays: BTreeMap<Address, Vec<Stay<'_>>>| {
            let stays = stays.into_iter();
            stays
                .map(|(address, stays)| (address, AddressCalls::of(&stays, needs)))
                .collect()
        };
        Self {
            given,
            lasting: by_address(lasting),
            brief: by_address(brief),
            anew: AddressCalls::of(&anew, needs),
        }
    }

    fn add(&mut self, crowd: &Crowd, needs: ClientNeeds) {
        for found in crowd.addresses(needs) {
            let kept = match (found.is_brief, crowd.form) {
                (true, SessionForm::Start) => &mut self.anew,
                (true, _) => self.brief.entry(found.address).or_default(),
                (false, _) => self.lasting.entry(found.address).or_default(),
            };
            kept.join(found.calls);
        }
    }
}

impl FoldedClients {
    /// A session with a chosen name: at each address a client. If it comes from as many addresses as it makes calls,
    /// something starts anew at each of them.
    fn given(&mut self, stays: &[Stay<'_>], needs: ClientNeeds) {
        let is_passing = |stay: &&Stay<'_>| {
            stay.calls <= 2
                && stay.last - stay.first < needs.cache_s() / 2
                && !stay.session().is_empty()
        };
        let passing: Vec<Stay<'_>> = stays.iter().filter(is_passing).copied().collect();
        let comes_from_many = passing.len() >= MANY_SESSIONS;
        for stay in stays {
            if !(comes_from_many && is_passing(&stay)) {
                self.lasting(&AddressCalls::of(&[*stay], needs), needs);
            }
        }
        if comes_from_many {
            let passing = AddressCalls::of(&passing, needs);
            self.count += passing.most(|hour| hour.sessions);
            self.up_to = true;
            self.unknown += passing.calls;
            self.by_process += passing.calls;
            self.peak = self.peak.max(1);
        }
    }

    /// Sessions at one address that stay: each could keep the value for itself. Those that follow each other are one
    /// client under changing names.
    fn lasting(&mut self, found: &AddressCalls, needs: ClientNeeds) {
        self.avoidable += found.apart();
        self.peak = self.peak.max(found.most(|hour| hour.most));
        self.is_hot |= found.hot(|hour| hour.most).count() >= needs.hot_hours;
        self.count += found.at_once;
    }

    /// Sessions at one address that do not stay.
    fn brief(&mut self, found: &AddressCalls, needs: ClientNeeds) {
        let together = found.together(needs);
        self.by_process += found.calls;
        self.peak = self.peak.max(found.most(|hour| hour.calls));
        if found.is_inside && !needs.is_shared {
            self.avoidable += together;
            self.count += found.at_once;
            self.is_hot |= found.hot(|hour| hour.calls).count() >= needs.hot_hours;
            return;
        }
        let apart = found.apart();
        self.avoidable += apart;
        self.perhaps += together - apart;
        self.count += found.most(|hour| hour.sessions);
        self.up_to = true;
        // A client that renews its name with its credentials and reads once an hour looks the same. A name of a process
        // that does not last is none of such a client.
        self.is_hot |= found.hot(|hour| hour.most).count() >= needs.hot_hours
            || found.are_processes && in_a_row(found.hot(|hour| hour.calls)) >= needs.hot_hours;
    }

    /// Adds a client that starts again each time.
    fn anew(&mut self, found: &AddressCalls, needs: ClientNeeds) {
        if found.calls == 0 {
            return;
        }
        let apart = found.apart();
        self.by_start += found.by_start;
        self.by_process += found.calls - found.by_start;
        self.avoidable += apart;
        self.unknown += found.calls - apart;
        self.is_hot |= in_a_row(found.hot(|hour| hour.calls)) >= needs.hot_hours;
        self.count += found.sessions;
        self.up_to |= found.by_start < found.calls;
        if found.calls * 2 > self.calls {
            self.peak = self.peak.max(found.most(|hour| hour.calls));
        }
    }
}

/// The most hours that follow each other without a gap.
pub(super) fn in_a_row(hours: impl Iterator<Item = u32>) -> usize {
    let (mut longest, mut row, mut before) = (0, 0, None);
    for hour in hours {
        row = if before == hour.checked_sub(1) && before.is_some() {
            row + 1
        } else {
            1
        };
        before = Some(hour);
        longest = longest.max(row);
    }
    longest
}
