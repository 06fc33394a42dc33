//! One record after another, into the sink.
//!
//! Every record proves that its trail was heard in an hour, and that is nearly all there is to tell of the records of
//! other services. Thousands of records tell the same, so what was told is remembered for the length of a file, by day.

use std::borrow::Cow;

use super::scan::{self, Stop};
use super::time::Clock;
use super::walk::{self, Leave, Service, Want};
use super::{Contents, Scope, details, plain};
use crate::domain::event::{Event, Sink};

/// Hours since 1970-01-01T00:00:00Z.
type Hour = u32;

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// The records of one file.
pub(super) struct Records<'s> {
    /// What the path of the file says.
    path: Option<Scope<'s>>,
    /// Whether records of other services speak for the path; `None` until the first record tells.
    believed: Option<bool>,
    told: Told,
    clock: Clock,
    /// What was found so far.
    pub contents: Contents,
}

impl<'s> Records<'s> {
    pub(super) fn new(path: Option<Scope<'s>>) -> Self {
        Self {
            path,
            believed: path.is_none().then_some(false),
            told: Told::default(),
            clock: Clock::default(),
            contents: Contents::default(),
        }
    }

    /// Takes the record that starts at `at` and gives the place behind it. On `Err` nothing has happened.
    #[inline]
    pub(super) fn take<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Stop> {
        let (believed, told) = (self.believed, &self.told.path);
        let wanted = |time| wanted(believed, told, time);
        match walk::record(&bytes[at..], &mut self.clock, wanted) {
            Ok(record) => {
                match record.service {
                    Service::Other => self.other(&record, sink),
                    Service::SecretsManager => self.ours(&record, sink),
                }
                Ok(at + record.bytes.len())
            }
            Err(Leave::Cut) => Err(Stop::Cut),
            Err(Leave::Odd) => {
                let end = scan::value_end(bytes, at)?;
                self.single(&bytes[at..end], sink);
                Ok(end)
            }
        }
    }

    /// Takes a record whose bytes are known, and parses it whole.
    #[cold]
    pub(super) fn single<S: Sink + ?Sized>(&mut self, record: &[u8], sink: &mut S) {
        self.contents.records += 1;
        match plain::parse(record) {
            None => self.contents.unreadable += 1,
            Some(parsed) if parsed.is_ours() => {
                self.event(parsed.event(record), parsed.read_only(), sink);
            }
            Some(parsed) => {
                let own = (parsed.own_account(), parsed.own_region());
                let caller = || parsed.caller_account().map(Cow::Borrowed);
                self.hear(own, caller, parsed.time, parsed.read_only(), sink);
            }
        }
    }

    fn ours<S: Sink + ?Sized>(&mut self, record: &walk::Record<'_>, sink: &mut S) {
        match details::event(record) {
            Ok(event) => {
                self.contents.records += 1;
                self.event(event, details::read_only(record), sink);
            }
            Err(_) => self.single(record.bytes, sink),
        }
    }

    #[inline]
    fn other<S: Sink + ?Sized>(&mut self, record: &walk::Record<'_>, sink: &mut S) {
        self.contents.records += 1;
        let (hour, read_only) = (hour(record.time), details::read_only(record));
        if let (Some(true), Some(path)) = (self.believed, self.path) {
            if self.told.path.add(hour, read_only) {
                sink.heard(path.account, path.region, hour, read_only);
            }
            return;
        }
        let account = details::text_of(record, record.spans.account);
        let region = details::text_of(record, record.spans.region);
        let own = (account.as_deref(), region.as_deref());
        let caller = || details::caller_account(record);
        self.hear(own, caller, record.time, read_only, sink);
    }

    /// Tells of a record of another service that was walked to its end.
    fn hear<'a, S: Sink + ?Sized>(
        &mut self,
        own: (Option<&'a str>, Option<&'a str>),
        caller: impl FnOnce() -> Option<Cow<'a, str>>,
        time: i64,
        read_only: bool,
        sink: &mut S,
    ) {
        self.believe(own);
        match self.path {
            Some(path) if self.believed == Some(true) => {
                self.tell((path.account, path.region), time, read_only, sink);
            }
            path => {
                let account = match own.0.or(path.map(|path| path.account)) {
                    Some(account) => Cow::Borrowed(account),
                    None => caller().unwrap_or_default(),
                };
                let region = own.1.or(path.map(|path| path.region)).unwrap_or_default();
                self.tell((&account, region), time, read_only, sink);
            }
        }
    }

    /// Gives an event to the sink, with its account and Region filled in where the record has none.
    fn event<S: Sink + ?Sized>(&mut self, mut event: Event<'_>, read_only: bool, sink: &mut S) {
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if self.believed.is_none() {
            let (account, region) = (own(&event.account), own(&event.region));
            self.believe((account.as_deref(), region.as_deref()));
        }
        if let Some(path) = self.path {
            if event.account.is_empty() {
                event.account = Cow::Owned(path.account.to_owned());
            }
            if event.region.is_empty() {
                event.region = Cow::Owned(path.region.to_owned());
            }
        }
        if event.account.is_empty()
            && let Some(account) = &event.identity.account
        {
            // Only records of before 2014 have no account of their own.
            event.account = account.clone();
        }
        self.tell((&event.account, &event.region), event.time, read_only, sink);
        self.contents.ours += 1;
        sink.event(&event);
    }

    /// Decides, on the first record, whether the path tells the truth.
    fn believe(&mut self, (account, region): (Option<&str>, Option<&str>)) {
        let Some(path) = self.path else { return };
        self.believed.get_or_insert_with(|| {
            account.is_none_or(|own| own == path.account)
                && region.is_none_or(|own| own == path.region)
        });
    }

    fn tell<S: Sink + ?Sized>(
        &mut self,
        (account, region): (&str, &str),
        time: i64,
        read_only: bool,
        sink: &mut S,
    ) {
        let hour = hour(time);
        let days = match self.path {
            Some(path) if path.account == account && path.region == region => &mut self.told.path,
            _ => self.told.of(account, region),
        };
        if days.add(hour, read_only) {
            sink.heard(account, region, hour, read_only);
        }
    }
}

/// What a record of another service has to tell, given its time.
#[inline]
fn wanted(believed: Option<bool>, told: &Days, time: i64) -> Want {
    if believed != Some(true) {
        Want::Scope
    } else if told.read_only(hour(time)) {
        Want::Time
    } else {
        Want::ReadOnly
    }
}

/// Times that can be read lie between the years 1970 and 9999, so that their hours fit.
fn hour(time: i64) -> Hour {
    Hour::try_from(time / 3_600).unwrap_or(Hour::MAX)
}

/// What the sink was told in this file.
#[derive(Default)]
struct Told {
    /// Of the account and Region of the path.
    path: Days,
    /// Of others: by account, then by Region.
    others: Map<String, Map<String, Days>>,
}

impl Told {
    fn of(&mut self, account: &str, region: &str) -> &mut Days {
        self.others
            .entry_ref(account)
            .or_default()
            .entry_ref(region)
            .or_default()
    }
}

/// Hours by the day, 24 bits, and one more that tells that a record of that day only read.
#[derive(Default)]
struct Days {
    /// The day that was asked for last, because the next record is mostly of the same.
    day: u32,
    bits: u32,
    others: Map<u32, u32>,
}

const READ_ONLY: u32 = 1 << 24;

impl Days {
    /// Whether a record of this hour's day is known to have only read.
    #[inline]
    fn read_only(&self, hour: Hour) -> bool {
        hour / 24 == self.day && self.bits & READ_ONLY != 0
    }

    /// Remembers an hour, and tells whether that is news.
    #[inline]
    fn add(&mut self, hour: Hour, read_only: bool) -> bool {
        let day = hour / 24;
        if day != self.day {
            self.turn_to(day);
        }
        let bits = self.bits | 1 << (hour % 24) | if read_only { READ_ONLY } else { 0 };
        std::mem::replace(&mut self.bits, bits) != bits
    }

    #[cold]
    fn turn_to(&mut self, day: u32) {
        self.others.insert(self.day, self.bits);
        self.day = day;
        self.bits = self.others.get(&day).copied().unwrap_or_default();
    }
}
