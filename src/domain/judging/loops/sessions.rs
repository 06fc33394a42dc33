//! The sessions of a reader as they were seen: when, from where, and whether a made-up name lasts.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::Called;
use super::needs::ClientNeeds;
use crate::domain::trail::cell::{Address, Cell};
use crate::domain::trail::sessions::SessionForm;
use crate::domain::usage::activity::{ActivitySlice, ActivityWindow, ReaderUse};

/// So many sessions with few calls each, none of which lasts, were made up, whatever their form.
pub(super) const MANY_SESSIONS: usize = 12;
/// Few calls of one session.
const FEW_CALLS: u64 = 8;

/// The calls of one session from one address in one hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionHour<'a> {
    pub(super) session: &'a str,
    pub(super) address: Address,
    pub(super) hour: u32,
    pub(super) calls: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// It came through a VPC endpoint: the address is that of a machine or pod.
    pub(super) is_inside: bool,
}

/// Returns whether calls come through a VPC endpoint.
pub(super) fn is_inside(slice: &ActivitySlice<'_>, cell: Cell) -> bool {
    slice.access.caller.vpc_endpoint || cell.address.is_private()
}

/// Returns what each session of some lines did in each hour of a window: once each, by session, address and hour.
pub(super) fn session_hours<'a>(
    what: &ReaderUse<'a>,
    called: Called<'_>,
    window: ActivityWindow,
    which: impl Fn(&ActivitySlice<'a>) -> bool,
) -> Vec<SessionHour<'a>> {
    let session = |slice: &&ActivitySlice<'a>| slice.access.caller.session.as_str();
    let slices: Vec<_> = what
        .slices
        .iter()
        .filter(|slice| called.fits(slice) && which(slice))
        .collect();
    // Sorted by the index of a session among all of them, because texts take long to compare.
    let mut sessions: Vec<&str> = slices.iter().map(session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    let mut hours = Vec::new();
    for slice in slices {
        let index = sessions.partition_point(|known| *known < session(&slice));
        let cells = slice.cells();
        let inside = cells.filter(|cell| window.holds(cell.first()));
        hours.extend(inside.map(|cell| {
            let found = SessionHour {
                session: sessions[index],
                address: cell.address,
                hour: cell.hour(),
                calls: u64::from(cell.calls),
                first: cell.first(),
                last: cell.last(),
                is_inside: is_inside(slice, cell),
            };
            (index, found)
        }));
    }
    hours.sort_unstable_by_key(|&(index, found)| (index, found.address, found.hour, found.first));
    hours.dedup_by(|(index, next), (kept_index, kept)| {
        let same = (*index, next.address, next.hour) == (*kept_index, kept.address, kept.hour);
        if same {
            kept.calls += next.calls;
            kept.last = kept.last.max(next.last);
            kept.is_inside |= next.is_inside;
        }
        same
    });
    hours.into_iter().map(|(_, found)| found).collect()
}

/// The calls of one session at one address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay<'h> {
    pub(super) hours: &'h [SessionHour<'h>],
    pub(super) form: SessionForm,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) calls: u64,
}

impl<'h> Stay<'h> {
    /// The stays of all sessions in their hours, by session and address.
    pub(super) fn all(seen: &'h [SessionHour<'h>]) -> Vec<Self> {
        seen.chunk_by(|one, next| (one.session, one.address) == (next.session, next.address))
            .filter_map(Self::new)
            .collect()
    }

    fn new(hours: &'h [SessionHour<'h>]) -> Option<Self> {
        Some(Self {
            form: SessionForm::of(hours.first()?.session),
            first: hours.iter().map(|hour| hour.first).min()?,
            last: hours.iter().map(|hour| hour.last).max()?,
            calls: hours.iter().map(|hour| hour.calls).sum(),
            hours,
        })
    }

    pub(super) fn session(&self) -> &'h str {
        self.hours.first().map_or("", |hour| hour.session)
    }

    pub(super) fn address(&self) -> Address {
        self.hours
            .first()
            .map_or_else(Address::default, |hour| hour.address)
    }
}

/// The kind that a session is taken for.
pub(super) enum SessionLife {
    /// A name that somebody chose.
    Given,
    /// A made-up name that stays: a client.
    Lasting,
    /// A made-up name that does not stay.
    Brief,
}

/// The span in which a session was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionSpan {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) calls: u64,
    /// At how many addresses.
    pub(super) stays: usize,
}

impl SessionSpan {
    /// A session of which nothing is known yet but a moment.
    pub(super) fn at(moment: i64) -> Self {
        Self {
            first: moment,
            last: moment,
            calls: 0,
            stays: 0,
        }
    }

    pub(super) fn add(&mut self, (first, last): (i64, i64), calls: u64) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        self.calls += calls;
    }

    fn is_brief(self, needs: ClientNeeds) -> bool {
        self.last - self.first < needs.cache_s() / 2
    }
}

/// The facts that decide which of the sessions with made-up names last.
#[derive(Clone, Copy, Debug)]
pub(super) struct MadeUpLives {
    /// Most made-up names do not last, as far as that can be seen.
    mostly_brief: bool,
    span: (i64, i64),
    needs: ClientNeeds,
}

impl MadeUpLives {
    /// Judges by these sessions with made-up names. `span`: the first and the last call of all.
    pub(super) fn new(
        sessions: impl Iterator<Item = SessionSpan>,
        span: (i64, i64),
        needs: ClientNeeds,
    ) -> Self {
        let mut lives = Self {
            mostly_brief: false,
            span,
            needs,
        };
        // A session at the edge of what was seen may have lasted.
        let (brief, all) = sessions
            .filter(|span| !lives.is_at_edge(*span))
            .fold((0, 0), |(brief, all), span| {
                (brief + usize::from(span.is_brief(needs)), all + 1)
            });
        lives.mostly_brief = brief * 2 > all;
        lives
    }

    fn is_at_edge(&self, span: SessionSpan) -> bool {
        let cache_s = self.needs.cache_s();
        span.first < self.span.0 + cache_s || span.last + cache_s > self.span.1
    }

    /// Returns whether a made-up name does not last.
    pub(super) fn is_brief(&self, span: SessionSpan) -> bool {
        span.is_brief(self.needs) && (self.mostly_brief || !self.is_at_edge(span))
    }
}

/// The facts that decide what each session is taken for.
pub(super) struct SessionLives<'h> {
    sessions: HashMap<&'h str, SessionSpan, FixedState>,
    /// So many chosen names do not last that nobody chose them.
    many: bool,
    made_up: MadeUpLives,
    needs: ClientNeeds,
}

impl<'h> SessionLives<'h> {
    pub(super) fn new(stays: &[Stay<'h>], needs: ClientNeeds) -> Self {
        let mut sessions: HashMap<&str, SessionSpan, FixedState> = HashMap::default();
        for stay in stays {
            let known = sessions.entry(stay.session());
            let known = known.or_insert(SessionSpan::at(stay.first));
            known.add((stay.first, stay.last), stay.calls);
            known.stays += 1;
        }
        let few = |(name, span): &(&&str, &SessionSpan)| {
            span.is_brief(needs) && span.calls <= FEW_CALLS && !name.is_empty()
        };
        let many = sessions.iter().filter(few).count() >= MANY_SESSIONS;
        let made_up = sessions
            .iter()
            .filter(|(name, span)| is_made_up(name, **span, many, needs))
            .map(|(_, span)| *span);
        let made_up = MadeUpLives::new(made_up, span(stays), needs);
        Self {
            sessions,
            many,
            made_up,
            needs,
        }
    }

    pub(super) fn of(&self, stay: &Stay<'h>) -> SessionLife {
        let Some(&span) = self.sessions.get(stay.session()) else {
            return SessionLife::Given;
        };
        // One name at many addresses is that of a program, whatever its form: a function, each of its environments.
        let is_of_program = !self.made_up.is_brief(span) && span.stays >= MANY_SESSIONS;
        if is_of_program || !is_made_up(stay.session(), span, self.many, self.needs) {
            SessionLife::Given
        } else if self.made_up.is_brief(span) {
            SessionLife::Brief
        } else {
            SessionLife::Lasting
        }
    }
}

fn is_made_up(name: &str, span: SessionSpan, many: bool, needs: ClientNeeds) -> bool {
    let by_number = many && span.is_brief(needs) && span.calls <= FEW_CALLS;
    SessionForm::of(name).is_made_up() || by_number && !name.is_empty()
}

/// The first and the last call.
fn span(stays: &[Stay<'_>]) -> (i64, i64) {
    (
        stays.iter().map(|stay| stay.first).min().unwrap_or(0),
        stays.iter().map(|stay| stay.last).max().unwrap_or(0),
    )
}
