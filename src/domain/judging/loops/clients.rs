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

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::trail::calls::Address;
use crate::domain::trail::sessions::SessionForm;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, ReaderUse};

use super::{Called, HOT_CALLS_AN_HOUR};

/// So many sessions with few calls each, none of which lasts, were made up, whatever their form.
const MANY_SESSIONS: usize = 12;
/// Few calls of one session.
const FEW_CALLS: u64 = 8;
/// At an address with fewer sessions than this that do not last, the address itself may be passing.
const SESSIONS_OF_A_PLACE: usize = 3;
/// What lasts half the time of a cache is a client that could have one; of a cache of more than an hour, half an hour.
const LONGEST_CACHE_S: i64 = 3_600;

/// The calls of one session from one address in one hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionHour<'a> {
    pub(super) session: &'a str,
    pub(super) address: Address,
    pub(super) hour: u32,
    pub(super) calls: u64,
    first: i64,
    last: i64,
    /// It came through a VPC endpoint: the address is that of a machine or pod.
    is_inside: bool,
}

/// What each session did in each hour of a window: once each, by session, address and hour.
pub(super) fn session_hours<'a>(
    what: &ReaderUse<'a>,
    called: Called<'_>,
    window: ActivityWindow,
) -> Vec<SessionHour<'a>> {
    let session = |slice: &&ActivitySlice<'a>| slice.access.caller.session.as_str();
    let slices: Vec<_> = what
        .slices
        .iter()
        .filter(|slice| called.fits(slice))
        .collect();
    // Sorted by the place of a session among all of them, because texts take long to compare.
    let mut sessions: Vec<&str> = slices.iter().map(session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    let mut hours = Vec::new();
    for slice in slices {
        let place = sessions.partition_point(|known| *known < session(&slice));
        let cells = slice.cells().iter();
        let inside = cells.filter(|cell| window.holds(cell.first()));
        hours.extend(inside.map(|cell| {
            let found = SessionHour {
                session: sessions[place],
                address: cell.address,
                hour: cell.hour(),
                calls: u64::from(cell.calls),
                first: cell.first(),
                last: cell.last(),
                is_inside: slice.access.caller.vpc_endpoint || cell.address.is_private(),
            };
            (place, found)
        }));
    }
    hours.sort_unstable_by_key(|&(place, found)| (place, found.address, found.hour, found.first));
    hours.dedup_by(|(place, next), (kept_place, kept)| {
        let same = (*place, next.address, next.hour) == (*kept_place, kept.address, kept.hour);
        if same {
            kept.calls += next.calls;
            kept.last = kept.last.max(next.last);
            kept.is_inside |= next.is_inside;
        }
        same
    });
    hours.into_iter().map(|(_, found)| found).collect()
}

/// What a client needs, and when it is hot.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientNeeds {
    /// Calls an hour that a client with a cache makes.
    pub(super) allowed: u64,
    /// The time of that cache, in seconds.
    pub(super) cache_s: u32,
    /// A client is hot that is above [`HOT_CALLS_AN_HOUR`] in so many of its hours.
    pub(super) hot_hours: usize,
    /// Programs of several owners call from one private address: an agent on a node reads for its pods.
    pub(super) is_shared: bool,
}

impl ClientNeeds {
    fn beyond(self, calls: u64) -> u64 {
        calls - calls.min(self.allowed)
    }

    fn cache_s(self) -> i64 {
        i64::from(self.cache_s).min(LONGEST_CACHE_S)
    }
}

/// What the clients of a reader add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct FoldedClients {
    /// How many clients, or, if `up_to`, how many there may be.
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

/// The calls of one session at one address.
#[derive(Clone, Copy, Debug)]
struct Stay<'h> {
    hours: &'h [SessionHour<'h>],
    form: SessionForm,
    first: i64,
    last: i64,
    calls: u64,
}

impl<'h> Stay<'h> {
    fn new(hours: &'h [SessionHour<'h>]) -> Option<Self> {
        Some(Self {
            form: SessionForm::of(hours.first()?.session),
            first: hours.iter().map(|hour| hour.first).min()?,
            last: hours.iter().map(|hour| hour.last).max()?,
            calls: hours.iter().map(|hour| hour.calls).sum(),
            hours,
        })
    }

    fn session(&self) -> &'h str {
        self.hours.first().map_or("", |hour| hour.session)
    }

    fn address(&self) -> Address {
        self.hours
            .first()
            .map_or_else(Address::default, |hour| hour.address)
    }
}

/// Sorts the calls of a reader by the clients that stand behind them, and adds up what they need.
pub(super) fn fold(seen: &[SessionHour<'_>], needs: ClientNeeds) -> FoldedClients {
    let mut sums = FoldedClients::default();
    for hour in seen {
        sums.calls += hour.calls;
        *sums.hours.entry(hour.hour).or_default() += hour.calls;
    }
    let stays: Vec<Stay<'_>> = seen
        .chunk_by(|one, next| (one.session, one.address) == (next.session, next.address))
        .filter_map(Stay::new)
        .collect();
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
    for stays in given.values() {
        sums.given(stays, needs);
    }
    for stays in lasting.values() {
        sums.lasting(stays, needs);
    }
    for stays in brief.into_values() {
        let (first, last) = span(&stays);
        if stays.len() < SESSIONS_OF_A_PLACE && last - first < needs.cache_s() / 2 {
            anew.extend(stays);
        } else {
            sums.place(&stays, needs);
        }
    }
    sums.anew(&anew, needs);
    sums
}

/// What a session is taken for.
enum SessionLife {
    /// A name that somebody chose.
    Given,
    /// A made-up name that stays: a client.
    Lasting,
    /// A made-up name that does not stay.
    Brief,
}

/// When each session was seen.
struct SessionLives<'h> {
    sessions: HashMap<&'h str, SessionSpan>,
    /// So many chosen names do not last that nobody chose them.
    many: bool,
    /// Most made-up names do not last, as far as that can be seen.
    mostly_brief: bool,
    span: (i64, i64),
    needs: ClientNeeds,
}

#[derive(Clone, Copy, Debug)]
struct SessionSpan {
    first: i64,
    last: i64,
    calls: u64,
}

impl<'h> SessionLives<'h> {
    fn new(stays: &[Stay<'h>], needs: ClientNeeds) -> Self {
        let mut sessions: HashMap<&str, SessionSpan> = HashMap::new();
        for stay in stays {
            let known = sessions.entry(stay.session()).or_insert(SessionSpan {
                first: stay.first,
                last: stay.last,
                calls: 0,
            });
            known.first = known.first.min(stay.first);
            known.last = known.last.max(stay.last);
            known.calls += stay.calls;
        }
        let mut lives = Self {
            sessions,
            many: false,
            mostly_brief: false,
            span: span(stays),
            needs,
        };
        let few = |(name, span): &(&&str, &SessionSpan)| {
            lives.is_brief(**span) && span.calls <= FEW_CALLS && !name.is_empty()
        };
        lives.many = lives.sessions.iter().filter(few).count() >= MANY_SESSIONS;
        // A session at the edge of what was seen may have lasted.
        let (brief, all) = lives
            .sessions
            .iter()
            .filter(|(name, span)| lives.is_made_up(name, **span) && !lives.is_at_edge(**span))
            .fold((0, 0), |(brief, all), (_, span)| {
                (brief + usize::from(lives.is_brief(*span)), all + 1)
            });
        lives.mostly_brief = brief * 2 > all;
        lives
    }

    fn is_brief(&self, span: SessionSpan) -> bool {
        span.last - span.first < self.needs.cache_s() / 2
    }

    fn is_at_edge(&self, span: SessionSpan) -> bool {
        let cache_s = self.needs.cache_s();
        span.first < self.span.0 + cache_s || span.last + cache_s > self.span.1
    }

    fn is_made_up(&self, name: &str, span: SessionSpan) -> bool {
        let by_number = self.many && self.is_brief(span) && span.calls <= FEW_CALLS;
        SessionForm::of(name).is_made_up() || by_number && !name.is_empty()
    }

    fn of(&self, stay: &Stay<'h>) -> SessionLife {
        let Some(&span) = self.sessions.get(stay.session()) else {
            return SessionLife::Given;
        };
        if !self.is_made_up(stay.session(), span) {
            SessionLife::Given
        } else if self.is_brief(span) && (self.mostly_brief || !self.is_at_edge(span)) {
            SessionLife::Brief
        } else {
            SessionLife::Lasting
        }
    }
}

/// The first and the last call.
fn span(stays: &[Stay<'_>]) -> (i64, i64) {
    (
        stays.iter().map(|stay| stay.first).min().unwrap_or(0),
        stays.iter().map(|stay| stay.last).max().unwrap_or(0),
    )
}

/// The calls of one hour at an address, under however many sessions.
#[derive(Clone, Copy, Debug, Default)]
struct PlaceHour {
    calls: u64,
    sessions: u64,
    /// The calls of the session that made the most.
    most: u64,
    /// What caches would avoid if each session were a client.
    apart: u64,
}

fn place_hours(stays: &[Stay<'_>], needs: ClientNeeds) -> BTreeMap<u32, PlaceHour> {
    let mut hours: BTreeMap<u32, PlaceHour> = BTreeMap::new();
    for hour in stays.iter().flat_map(|stay| stay.hours) {
        let place = hours.entry(hour.hour).or_default();
        place.calls += hour.calls;
        place.sessions += 1;
        place.most = place.most.max(hour.calls);
        place.apart += needs.beyond(hour.calls);
    }
    hours
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
                self.lasting(&[*stay], needs);
            }
        }
        if comes_from_many {
            let hours = place_hours(&passing, needs);
            let calls: u64 = passing.iter().map(|stay| stay.calls).sum();
            self.count += hours.values().map(|hour| hour.sessions).max().unwrap_or(0);
            self.up_to = true;
            self.unknown += calls;
            self.by_process += calls;
            self.peak = self.peak.max(1);
        }
    }

    /// Sessions at one address that stay: each could keep the value for itself. Those that follow each other are one
    /// client under changing names.
    fn lasting(&mut self, stays: &[Stay<'_>], needs: ClientNeeds) {
        let hours = place_hours(stays, needs);
        self.avoidable += hours.values().map(|hour| hour.apart).sum::<u64>();
        self.peak = self.peak.max(most(&hours, |hour| hour.most));
        self.is_hot |= hot(&hours, |hour| hour.most).count() >= needs.hot_hours;
        self.count += at_once(stays);
    }

    /// Sessions at one address that do not stay.
    fn place(&mut self, stays: &[Stay<'_>], needs: ClientNeeds) {
        let hours = place_hours(stays, needs);
        let together: u64 = hours.values().map(|hour| needs.beyond(hour.calls)).sum();
        let apart: u64 = hours.values().map(|hour| hour.apart).sum();
        let is_one = stays
            .iter()
            .flat_map(|stay| stay.hours)
            .all(|hour| hour.is_inside);
        self.by_process += stays.iter().map(|stay| stay.calls).sum::<u64>();
        self.peak = self.peak.max(most(&hours, |hour| hour.calls));
        if is_one && !needs.is_shared {
            self.avoidable += together;
            self.count += at_once(stays);
            self.is_hot |= hot(&hours, |hour| hour.calls).count() >= needs.hot_hours;
            return;
        }
        self.avoidable += apart;
        self.perhaps += together - apart;
        self.count += hours.values().map(|hour| hour.sessions).max().unwrap_or(0);
        self.up_to = true;
        // A client that renews its name with its credentials and reads once an hour looks the same. A name of a process
        // that does not last is none of such a client.
        let are_processes = stays.iter().all(|stay| stay.form == SessionForm::Process);
        self.is_hot |= hot(&hours, |hour| hour.most).count() >= needs.hot_hours
            || are_processes && in_a_row(hot(&hours, |hour| hour.calls)) >= needs.hot_hours;
    }

    /// What starts anew each time.
    fn anew(&mut self, stays: &[Stay<'_>], needs: ClientNeeds) {
        let hours = place_hours(stays, needs);
        let calls: u64 = stays.iter().map(|stay| stay.calls).sum();
        let apart: u64 = hours.values().map(|hour| hour.apart).sum();
        let starts = stays.iter().filter(|stay| stay.form == SessionForm::Start);
        let by_start: u64 = starts.map(|stay| stay.calls).sum();
        self.by_start += by_start;
        self.by_process += calls - by_start;
        self.avoidable += apart;
        self.unknown += calls - apart;
        self.is_hot |= in_a_row(hot(&hours, |hour| hour.calls)) >= needs.hot_hours;
        let sessions: BTreeSet<&str> = stays.iter().map(Stay::session).collect();
        self.count += sessions.len() as u64;
        self.up_to |= by_start < calls;
        if calls * 2 > self.calls {
            self.peak = self.peak.max(most(&hours, |hour| hour.calls));
        }
    }
}

fn most(hours: &BTreeMap<u32, PlaceHour>, of: impl Fn(&PlaceHour) -> u64) -> u64 {
    hours.values().map(of).max().unwrap_or(0)
}

/// The hours with more calls than a client may make.
fn hot<'h>(
    hours: &'h BTreeMap<u32, PlaceHour>,
    of: impl Fn(&PlaceHour) -> u64 + 'h,
) -> impl Iterator<Item = u32> + 'h {
    let hot = hours
        .iter()
        .filter(move |(_, hour)| of(hour) > HOT_CALLS_AN_HOUR);
    hot.map(|(&hour, _)| hour)
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

/// How many of them were there at the same time.
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
