//! Sessions of which only a sample is kept: all of one line, whose names were made up alike.
//!
//! All calls are known by hour and address, and of some sessions, taken at random, each call. The sessions of the sample
//! show whether names last, how many calls one makes in an hour, and how many of them a cache would avoid: what the
//! sessions at an address do is the calls there in the same proportion. Where all sessions do the same, as those of one
//! program do, that is exact. Whether names last at an address is told by the marks that they left there in each hour;
//! where there are too many for that, by those of the sample that were seen there; and where none was, by all of them.

use std::collections::BTreeMap;

use super::Called;
use super::addresses::{AddressCalls, AddressHour};
use super::needs::ClientNeeds;
use super::sessions::{MadeUpLives, SessionSpan, is_inside};
use crate::domain::trail::cell::{Address, Cell};
use crate::domain::trail::sessions::SessionForm;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, ReaderUse};

/// The proportions of fewer hours of sessions at an address are too rough: those of all addresses are taken.
const ENOUGH_HOURS: u64 = 8;

/// The marks of more names in an hour tell nothing: they meet by chance.
const MOST_MARKS: u32 = 16;
/// So many marks, in hours that follow each other, tell that names pass.
const ENOUGH_TO_PASS: i64 = 2;
/// So many tell that names last: some meet by chance.
const ENOUGH_TO_LAST: i64 = 4;

/// The sessions of one line.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) form: SessionForm,
    /// All calls.
    cells: Vec<Cell>,
    is_inside: Vec<bool>,
    /// The calls of each session of the sample.
    sample: Vec<Vec<Cell>>,
}

/// The calls at an address, and what the sessions there are taken for.
pub(super) struct CrowdAddress {
    pub(super) address: Address,
    pub(super) is_brief: bool,
    pub(super) calls: AddressCalls,
}

/// The lines of a reader that stand for many sessions.
pub(super) fn crowds(
    what: &ReaderUse<'_>,
    called: Called<'_>,
    window: ActivityWindow,
) -> Vec<Crowd> {
    let slices = what.slices.iter();
    let many = slices.filter(|slice| called.fits(slice) && slice.access.caller.is_many);
    many.map(|slice| Crowd::new(slice, window)).collect()
}

impl Crowd {
    fn new(slice: &ActivitySlice<'_>, window: ActivityWindow) -> Self {
        let is_in_window = |cell: &Cell| window.holds(cell.first());
        let cells: Vec<Cell> = slice.cells().filter(is_in_window).collect();
        let in_window = |cells: &[Cell]| cells.iter().copied().filter(is_in_window).collect();
        let sample = slice.sessions().map(in_window);
        Self {
            form: SessionForm::of(&slice.access.caller.session),
            is_inside: cells.iter().map(|cell| is_inside(slice, *cell)).collect(),
            cells,
            sample: sample.filter(|cells: &Vec<_>| !cells.is_empty()).collect(),
        }
    }

    /// All calls, by hour.
    pub(super) fn hours(&self) -> impl Iterator<Item = (u32, u64)> {
        let cells = self.cells.iter();
        cells.map(|cell| (cell.hour(), u64::from(cell.calls)))
    }

    /// The calls at each address.
    pub(super) fn addresses(&self, needs: ClientNeeds) -> Vec<CrowdAddress> {
        let rates = CrowdRates::new(self, needs);
        let mut found: BTreeMap<Address, Vec<(Cell, bool)>> = BTreeMap::new();
        for (&cell, &is_inside) in self.cells.iter().zip(&self.is_inside) {
            let cells = found.entry(cell.address).or_default();
            cells.push((cell, is_inside));
        }
        let judged = |(address, cells): (Address, Vec<(Cell, bool)>)| {
            let is_brief = rates.is_brief(address, &cells);
            let rate = rates.at(address, is_brief, needs);
            CrowdAddress {
                address,
                is_brief,
                calls: self.calls_at(&cells, rate, needs),
            }
        };
        found.into_iter().map(judged).collect()
    }

    fn calls_at(
        &self,
        found: &[(Cell, bool)],
        rate: SessionRate,
        needs: ClientNeeds,
    ) -> AddressCalls {
        let mut at_address = AddressCalls {
            is_inside: found.iter().all(|(_, is_inside)| *is_inside),
            are_processes: self.form == SessionForm::Process,
            ..AddressCalls::default()
        };
        for (cell, _) in found {
            at_address.first = at_address.first.min(cell.first());
            at_address.last = at_address.last.max(cell.last());
            at_address.calls += u64::from(cell.calls);
            let hour = at_address.hours.entry(cell.hour()).or_default();
            hour.calls += u64::from(cell.calls);
        }
        let marks = found.iter().map(|(cell, _)| (cell.hour(), cell.names));
        let marks: BTreeMap<u32, u32> = marks.collect();
        for (hour, of_hour) in &mut at_address.hours {
            let calls = of_hour.calls;
            let is_one = marks.get(hour).is_some_and(|names| names.is_power_of_two());
            *of_hour = if is_one {
                AddressHour {
                    calls,
                    sessions: 1,
                    most: calls,
                    apart: needs.beyond(calls),
                }
            } else {
                AddressHour {
                    calls,
                    sessions: rate.of(calls, rate.hours).max(1),
                    most: calls.min(rate.most),
                    apart: rate.of(calls, rate.beyond).min(needs.beyond(calls)),
                }
            };
        }
        at_address.sessions = rate.of(at_address.calls, rate.sessions).max(1);
        let busiest = at_address.most(|hour| hour.calls);
        at_address.at_once = rate.of(busiest, rate.seconds.div_ceil(3_600)).max(1);
        if self.form == SessionForm::Start {
            at_address.by_start = at_address.calls;
        }
        at_address
    }
}

/// The activity of sessions of the sample, added up.
#[derive(Clone, Copy, Debug, Default)]
struct SessionRate {
    sessions: u64,
    /// Hours of sessions: of each session, those in which it called.
    hours: u64,
    calls: u64,
    /// Calls that a cache of the session would have avoided.
    beyond: u64,
    /// The most calls of a session in an hour.
    most: u64,
    /// For how long they were there, together.
    seconds: u64,
}

impl SessionRate {
    fn add(&mut self, calls: u64, needs: ClientNeeds) {
        self.hours += 1;
        self.calls += calls;
        self.beyond += needs.beyond(calls);
        self.most = self.most.max(calls);
    }

    /// Returns what belongs to so many calls, where so much belongs to those of the sample.
    fn of(self, calls: u64, share: u64) -> u64 {
        let all = self.calls.max(1);
        (calls * share + all / 2) / all
    }
}

/// The sessions of the sample by whether they last.
#[derive(Clone, Copy, Debug, Default)]
struct RatePair {
    lasting: SessionRate,
    brief: SessionRate,
}

impl RatePair {
    fn of(&mut self, is_brief: bool) -> &mut SessionRate {
        if is_brief {
            &mut self.brief
        } else {
            &mut self.lasting
        }
    }

    /// Returns what most of the sessions are.
    fn is_brief(&self) -> bool {
        self.brief.sessions > self.lasting.sessions
    }
}

struct CrowdRates {
    all: RatePair,
    at: BTreeMap<Address, RatePair>,
}

impl CrowdRates {
    fn new(crowd: &Crowd, needs: ClientNeeds) -> Self {
        let span = |cells: &[Cell]| {
            let first = cells.first().map_or(0, |cell| cell.first());
            let mut span = SessionSpan::at(first);
            for cell in cells {
                span.add((cell.first(), cell.last()), u64::from(cell.calls));
            }
            span
        };
        let whole = span(&crowd.cells);
        let spans: Vec<SessionSpan> = crowd.sample.iter().map(|cells| span(cells)).collect();
        let lives = MadeUpLives::new(spans.iter().copied(), (whole.first, whole.last), needs);
        let mut rates = Self {
            all: RatePair::default(),
            at: BTreeMap::new(),
        };
        for (span, cells) in spans.into_iter().zip(&crowd.sample) {
            rates.add(span, cells, lives.is_brief(span), needs);
        }
        rates
    }

    fn add(&mut self, span: SessionSpan, of_session: &[Cell], is_brief: bool, needs: ClientNeeds) {
        let all = self.all.of(is_brief);
        all.sessions += 1;
        all.seconds += (span.last - span.first).unsigned_abs();
        let mut stays: BTreeMap<Address, SessionSpan> = BTreeMap::new();
        for cell in of_session {
            let calls = u64::from(cell.calls);
            all.add(calls, needs);
            let at = self.at.entry(cell.address).or_default();
            at.of(is_brief).add(calls, needs);
            let stay = stays.entry(cell.address);
            let stay = stay.or_insert(SessionSpan::at(cell.first()));
            stay.add((cell.first(), cell.last()), calls);
        }
        for (address, stay) in stays {
            let at = self.at.entry(address).or_default().of(is_brief);
            at.sessions += 1;
            at.seconds += (stay.last - stay.first).unsigned_abs();
        }
    }

    /// Returns whether the sessions that made these calls at an address do not last.
    fn is_brief(&self, address: Address, cells: &[(Cell, bool)]) -> bool {
        let by_marks = brief_by_marks(cells);
        let by_sample = || self.at.get(&address).map(RatePair::is_brief);
        // Of an address with many names in an hour, one would be in the sample if they were all that there are of that
        // kind.
        let is_full = || {
            cells
                .iter()
                .any(|(cell, _)| cell.names.count_ones() > MOST_MARKS)
        };
        by_marks
            .or_else(by_sample)
            .unwrap_or_else(|| is_full() || self.all.is_brief())
    }

    /// Returns what the sessions at an address do.
    fn at(&self, address: Address, is_brief: bool, needs: ClientNeeds) -> SessionRate {
        let of = |mut pair: RatePair| *pair.of(is_brief);
        let here = self.at.get(&address).copied().map(of);
        let known = here.filter(|rate| rate.hours >= ENOUGH_HOURS);
        let rate = known.unwrap_or_else(|| of(self.all));
        if rate.calls > 0 {
            return rate;
        }
        // None of that kind is in the sample: a call each.
        let mut one = SessionRate {
            sessions: 1,
            ..SessionRate::default()
        };
        one.add(1, needs);
        one
    }
}

/// Returns whether names pass, by how few of their marks are there in the next hour, too; `None`: the marks do not
/// tell.
fn brief_by_marks(cells: &[(Cell, bool)]) -> Option<bool> {
    let bits = i64::from(u32::BITS);
    let (mut stay, mut all) = (0, 0);
    for pair in cells.windows(2) {
        let [(one, _), (next, _)] = pair else {
            continue;
        };
        let [here, there] = [one, next].map(|cell| cell.names.count_ones());
        if next.hour() != one.hour() + 1 || here.max(there) > MOST_MARKS {
            continue;
        }
        // So many would meet by chance.
        let chance = i64::from(here * there);
        stay += i64::from((one.names & next.names).count_ones()) * bits - chance;
        all += i64::from(here.min(there)) * bits - chance;
    }
    let are = |marks: i64| all >= marks * bits - bits / 2;
    // Of names that change once an hour, one of two is there in the next hour, too.
    if are(ENOUGH_TO_PASS) && stay * 4 < all {
        Some(true)
    } else if are(ENOUGH_TO_LAST) && stay * 8 >= all * 3 {
        Some(false)
    } else {
        None
    }
}
