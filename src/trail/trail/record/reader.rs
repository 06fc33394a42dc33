//! One record after another, into the sink.
//!
//! A management event of any service proves that the trail logs management events in that hour, and that is nearly all
//! that records of other services are good for. Thousands of them prove the same, so what the sink knows already is
//! remembered for the length of a file, by day, and further records are left as soon as their time is known. Data,
//! network activity, Insights and aggregated events prove nothing: a trail may log those alone.

use std::borrow::Cow;

use super::fields::{self, Service, Want};
use super::full_parse::{ParsedRecord, RecordCategory};
use super::no_record::NoRecord;
use super::scan;
use super::time::TimeReader;
use super::{Contents, TrailOwner, event_from, full_parse};
use crate::base::span::HOUR_S;
use crate::trail::event::{EventSink, RecordKind, TrailEvent, Variety};
use crate::trail::global_events::region_of_event;
use crate::trail::record::members::Fallback;
use crate::trail::record::unended::UnendedValue;

/// Hours since 1970-01-01T00:00:00Z.
type Hour = u32;

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// The records of one file.
pub(super) struct Records<'s> {
    /// The account and Region that the path of the file names.
    path: Option<TrailOwner<'s>>,
    /// A flag: records of other services speak for the path; `None` until the first record decides.
    trusts_path: Option<bool>,
    reported: ReportedHours,
    clock: TimeReader,
    /// The account, Region and hour of the last record that was taken out of something.
    last_selected: Option<(String, String, Hour)>,
    /// The thing that the file holds instead of records: the first such thing in it.
    pub named: Option<&'static str>,
    /// The contents that were found so far.
    pub contents: Contents,
}

impl<'s> Records<'s> {
    pub(super) fn new(path: Option<TrailOwner<'s>>) -> Self {
        Self {
            path,
            trusts_path: path.is_none().then_some(false),
            reported: ReportedHours::default(),
            clock: TimeReader::default(),
            last_selected: None,
            named: None,
            contents: Contents::default(),
        }
    }

    /// Takes the record that starts at `at` and gives the offset behind it. On `Err` nothing has happened.
    #[inline]
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        at: usize,
        sink: &mut dyn EventSink,
    ) -> Result<usize, UnendedValue> {
        let (trusts_path, reported) = (self.trusts_path, &self.reported.path);
        let wanted = |time| wanted(trusts_path, reported, time);
        match fields::record(&bytes[at..], &mut self.clock, wanted) {
            Ok(record) => {
                match record.service {
                    Service::Other => self.other(&record, sink),
                    Service::KeyOfSecret => self.key(&record, sink),
                    Service::SecretsManager => self.ours(&record, sink),
                }
                Ok(at + record.bytes.len())
            }
            Err(Fallback::Incomplete) => Err(UnendedValue::Cut),
            Err(Fallback::Unsupported) => {
                let end = scan::value_end(bytes, at)?;
                self.single(&bytes[at..end], sink);
                Ok(end)
            }
        }
    }

    /// Takes a record whose bytes are known, and parses it whole.
    #[cold]
    pub(super) fn single(&mut self, record: &[u8], sink: &mut dyn EventSink) {
        self.parsed(record, full_parse::parse(record), sink);
    }

    /// Takes a record that was taken out of something, as a value.
    pub(super) fn selected(
        &mut self,
        bytes: &[u8],
        value: serde_json::Value,
        sink: &mut dyn EventSink,
    ) {
        self.parsed(bytes, full_parse::of_value(value, true), sink);
    }

    /// Counts something that is no record where one should be.
    pub(super) fn unreadable(&mut self) {
        self.contents.records += 1;
        self.contents.unreadable += 1;
    }

    fn parsed(
        &mut self,
        record: &[u8],
        parsed: Result<ParsedRecord, NoRecord>,
        sink: &mut dyn EventSink,
    ) {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(NoRecord::Other) => return,
            Err(NoRecord::Named(what)) => {
                self.named.get_or_insert(what);
                return;
            }
            Err(NoRecord::Unreadable) => return self.unreadable(),
        };
        self.contents.records += 1;
        if parsed.is_selected() {
            self.report_selected(&parsed, sink);
        }
        if parsed.is_ours() {
            let seen = TrailSigns::of_parsed(&parsed);
            self.event(parsed.event(record), parsed.standing(), &seen, sink);
            return;
        }
        if let Some(event) = parsed.key_use(record) {
            self.key_use(event, parsed.standing(), sink);
        }
        let own = (parsed.own_account(), parsed.own_region());
        self.believe(own);
        if parsed.standing() == RecordCategory::Proof {
            let caller = || parsed.caller_account().map(Cow::Borrowed);
            self.hear(own, caller, &TrailSigns::of_parsed(&parsed), sink);
        }
    }

    fn ours(&mut self, record: &fields::WalkedRecord<'_>, sink: &mut dyn EventSink) {
        match event_from::event(record) {
            Ok(event) => {
                self.contents.records += 1;
                let seen = TrailSigns::of_walked(record);
                self.event(event, event_from::standing(record), &seen, sink);
            }
            Err(_) => self.single(record.bytes, sink),
        }
    }

    /// A record of KMS that names a secret: it may show a use of the key, and it is one of another service besides.
    fn key(&mut self, record: &fields::WalkedRecord<'_>, sink: &mut dyn EventSink) {
        match event_from::key_use(record) {
            Ok(event) => {
                if let Some(event) = event {
                    self.key_use(event, event_from::standing(record), sink);
                }
                self.other(record, sink);
            }
            Err(_) => self.single(record.bytes, sink),
        }
    }

    #[inline]
    fn other(&mut self, record: &fields::WalkedRecord<'_>, sink: &mut dyn EventSink) {
        self.contents.records += 1;
        if let (Some(true), Some(_)) = (self.trusts_path, self.path)
            && self.reported.path.proves_nothing_new(hour(record.time))
        {
            return;
        }
        let account = event_from::text_of(record, record.spans.account);
        let region = event_from::text_of(record, record.spans.region);
        let own = (account.as_deref(), region.as_deref());
        self.believe(own);
        // Only a management event shows that management events are logged.
        if event_from::standing(record) == RecordCategory::Proof {
            let caller = || event_from::caller_account(record);
            self.hear(own, caller, &TrailSigns::of_walked(record), sink);
        }
    }

    /// Says of a record that was taken out of something when and where it was made: what speaks of that time may be
    /// filtered.
    fn report_selected(&mut self, parsed: &ParsedRecord, sink: &mut dyn EventSink) {
        let path = self.path;
        let own = parsed.own_account().or(path.map(|path| path.account));
        let account = own.or(parsed.caller_account()).unwrap_or_default();
        let region = parsed.own_region().or(path.map(|path| path.region));
        let region = region.unwrap_or_default();
        let hour = hour(parsed.time);
        let is_last =
            |(a, r, h): &(String, String, Hour)| a == account && r == region && *h == hour;
        if !self.last_selected.as_ref().is_some_and(is_last) {
            sink.selected_hour(account, region, hour);
            self.last_selected = Some((account.to_owned(), region.to_owned(), hour));
        }
    }

    /// Takes in a management event of another service.
    fn hear<'a>(
        &mut self,
        own: (Option<&'a str>, Option<&'a str>),
        caller: impl FnOnce() -> Option<Cow<'a, str>>,
        seen: &TrailSigns<'_>,
        sink: &mut dyn EventSink,
    ) {
        match self.path {
            Some(path) if self.trusts_path == Some(true) => {
                self.report_hour((path.account, path.region), seen, sink);
            }
            path => {
                let account = match own.0.or(path.map(|path| path.account)) {
                    Some(account) => Cow::Borrowed(account),
                    None => caller().unwrap_or_default(),
                };
                let region = own.1.or(path.map(|path| path.region)).unwrap_or_default();
                let region = region_of_event(region, &seen.service);
                self.report_hour((&account, region), seen, sink);
            }
        }
    }

    /// Gives an event to the sink, with its account and Region filled in where the record has none.
    fn event(
        &mut self,
        mut event: TrailEvent<'_>,
        standing: RecordCategory,
        seen: &TrailSigns<'_>,
        sink: &mut dyn EventSink,
    ) {
        if self.trusts_path.is_none() {
            let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let (account, region) = (own(&event.account), own(&event.region));
            self.believe((account.as_deref(), region.as_deref()));
        }
        self.complete(&mut event);
        match standing {
            RecordCategory::Proof => self.report_hour((&event.account, &event.region), seen, sink),
            RecordCategory::Assumed => {}
            RecordCategory::Network if event.error_code.is_some() => {
                event.kind = RecordKind::EndpointDenial;
            }
            // A copy of a call that is logged by itself, or no call.
            RecordCategory::Network | RecordCategory::Other => return,
        }
        self.contents.ours += 1;
        sink.event(&event);
    }

    fn key_use(
        &mut self,
        mut event: TrailEvent<'_>,
        standing: RecordCategory,
        sink: &mut dyn EventSink,
    ) {
        if matches!(standing, RecordCategory::Proof | RecordCategory::Assumed) {
            self.complete(&mut event);
            self.contents.ours += 1;
            sink.event(&event);
        }
    }

    /// Fills in the account and the Region of a record that has none.
    fn complete(&self, event: &mut TrailEvent<'_>) {
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
    }

    /// Decides, on the first record, whether the path is right.
    fn believe(&mut self, (account, region): (Option<&str>, Option<&str>)) {
        let Some(path) = self.path else { return };
        self.trusts_path.get_or_insert_with(|| {
            account.is_none_or(|own| own == path.account)
                && region.is_none_or(|own| own == path.region)
        });
    }

    fn report_hour(
        &mut self,
        (account, region): (&str, &str),
        seen: &TrailSigns<'_>,
        sink: &mut dyn EventSink,
    ) {
        let hour = hour(seen.time);
        let days = match self.path {
            Some(path) if path.account == account && path.region == region => {
                &mut self.reported.path
            }
            _ => self.reported.of(account, region),
        };
        if !days.variety.is_settled() {
            seen.add_to(&mut days.variety);
        }
        if days.add(hour, seen.read_only) {
            sink.active_hour(account, region, hour, seen.read_only);
        }
    }

    /// Ends the file: says how varied its records were.
    pub(super) fn finish(&self, sink: &mut dyn EventSink) {
        if let Some(path) = self
            .path
            .filter(|_| self.reported.path.variety != Variety::default())
        {
            sink.variety(path.account, path.region, &self.reported.path.variety);
        }
        // In order: what is recorded for the next scan must not depend on the order of a hash table.
        let mut others: Vec<_> = self
            .reported
            .others
            .iter()
            .flat_map(|(account, regions)| regions.iter().map(move |of| (account, of)))
            .collect();
        others.sort_by_key(|(account, (region, _))| (*account, *region));
        for (account, (region, days)) in others {
            sink.variety(account, region, &days.variety);
        }
    }
}

/// The parts of a management event that show what kind of trail it stands in.
struct TrailSigns<'r> {
    time: i64,
    read_only: bool,
    service: Cow<'r, str>,
    record: SignSource<'r>,
}

/// The record, for the signs that only the first records of a file are asked for.
enum SignSource<'r> {
    Walked(&'r fields::WalkedRecord<'r>),
    Parsed(&'r full_parse::ParsedRecord),
}

impl<'r> TrailSigns<'r> {
    fn of_walked(record: &'r fields::WalkedRecord<'r>) -> Self {
        Self {
            time: record.time,
            read_only: event_from::read_only(record),
            service: event_from::text_of(record, record.spans.source).unwrap_or_default(),
            record: SignSource::Walked(record),
        }
    }

    fn of_parsed(parsed: &'r full_parse::ParsedRecord) -> Self {
        Self {
            time: parsed.time,
            read_only: parsed.read_only(),
            service: Cow::Borrowed(parsed.service().unwrap_or_default()),
            record: SignSource::Parsed(parsed),
        }
    }

    fn add_to(&self, variety: &mut Variety) {
        let (name, principal, failed) = match self.record {
            SignSource::Walked(record) => (
                event_from::text_of(record, record.spans.name),
                event_from::principal(record),
                event_from::failed(record),
            ),
            SignSource::Parsed(parsed) => (
                parsed.name().map(Cow::Borrowed),
                parsed.principal(),
                parsed.failed(),
            ),
        };
        for (values, value) in [
            (&mut variety.services, Some(&self.service)),
            (&mut variety.names, name.as_ref()),
            (&mut variety.identities, principal.as_ref()),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                values.add(value);
            }
        }
        variety.any_success |= !failed;
    }
}

/// Returns what has to be read of a record of another service, given its time.
#[inline]
fn wanted(trusts_path: Option<bool>, reported: &HoursByDay, time: i64) -> Want {
    if trusts_path != Some(true) {
        Want::Scope
    } else if reported.proves_nothing_new(hour(time)) {
        Want::Time
    } else {
        Want::Proof
    }
}

/// Times that can be read lie between the years 1970 and 9999, so that their hours fit.
fn hour(time: i64) -> Hour {
    Hour::try_from(time / HOUR_S).unwrap_or(Hour::MAX)
}

/// The hours of this file that the sink knows already.
#[derive(Default)]
struct ReportedHours {
    /// The hours of the account and Region of the path.
    path: HoursByDay,
    /// The hours of others: by account, then by Region.
    others: Map<String, Map<String, HoursByDay>>,
}

impl ReportedHours {
    fn of(&mut self, account: &str, region: &str) -> &mut HoursByDay {
        self.others
            .entry_ref(account)
            .or_default()
            .entry_ref(region)
            .or_default()
    }
}

/// Hours by the day, 24 bits, and one more for a day with a record that is read-only.
#[derive(Default)]
struct HoursByDay {
    /// The day that was asked for last, because the next record is mostly of the same.
    day: u32,
    bits: u32,
    others: Map<u32, u32>,
    /// The variety of the records.
    variety: Variety,
}

const READ_ONLY: u32 = 1 << 24;

impl HoursByDay {
    /// Returns whether one more record of this hour would add nothing to what the sink knows.
    #[inline]
    fn proves_nothing_new(&self, hour: Hour) -> bool {
        let known = READ_ONLY | 1 << (hour % 24);
        hour / 24 == self.day && self.bits & known == known && self.variety.is_settled()
    }

    /// Remembers an hour and returns whether it is new.
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
