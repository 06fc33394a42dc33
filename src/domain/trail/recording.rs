//! The contents of a log file in a form that can be stored and replayed: the calls of an [`EventSink`], recorded.
//!
//! A [`Recorder`] stands between a reader and its sink and writes every call to a [`Recording`]; [`replay`] makes the
//! same calls to a sink in the same order, so that whatever is made of them is the same to the byte. Strings are written once a
//! file and then called by number, because the events of a file have most of them in common.
//!
//! This is an encoding and nothing else: it opens no file, and no bytes make it panic. What comes from outside needs a
//! check sum of its own, because damage may be found after the sink has received a part.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::domain::trail::event::{
    Batch, Delivery, EventId, EventSink, Identity, RecordKind, TlsVersion, TrailEvent, Values,
    Variety,
};

/// Changes whenever a reader may make other calls for the same file, or this encoding changes. Files that were stored
/// under another number are read again.
pub const FORMAT: u32 = 6;

/// Bytes that no [`Recording`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored contents of a log file are damaged")]
pub struct Damaged;

/// The calls of one file, written down.
#[derive(Debug, Default)]
pub struct Recording {
    text: String,
    /// Where each string lies in `text`.
    strings: Vec<Range<usize>>,
    numbers: HashTable<u32>,
    calls: Vec<u8>,
    time: i64,
}

/// Passes calls on to a sink and records them.
#[derive(Debug)]
pub struct Recorder<'a, S> {
    /// The sink that receives the calls.
    pub sink: &'a mut S,
    /// The recording of the calls.
    pub recording: &'a mut Recording,
}

impl<S: EventSink> EventSink for Recorder<'_, S> {
    fn delivered(&mut self, delivery: Delivery) {
        // This depends on the path of the file, not on its contents, so it is not recorded.
        self.sink.delivered(delivery);
    }

    fn event(&mut self, event: &TrailEvent<'_>) {
        self.recording.event(event);
        self.sink.event(event);
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        self.recording.active_hour(account, region, hour, read_only);
        self.sink.active_hour(account, region, hour, read_only);
    }

    fn selected_hour(&mut self, account: &str, region: &str, hour: u32) {
        self.recording.hour(SELECTED, account, region, hour);
        self.sink.selected_hour(account, region, hour);
    }

    fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        self.recording.variety(account, region, variety);
        self.sink.variety(account, region, variety);
    }
}

const SHARED: u64 = 1;

const NAMES_VERSION: u64 = 1 << 1;

const VPC: u64 = 1 << 2;

const CONSOLE: u64 = 1 << 3;

const WEB: u64 = 1 << 4;

const EC2: u64 = 1 << 5;

const BATCH: u64 = 1 << 6;

/// The lowest of the two bits that hold the version of TLS.
const TLS: u32 = 7;

/// The bit of the first string that may be absent; the others follow.
const FIRST_STRING: u32 = 9;

/// How many strings of an event may be absent.
const OPTIONAL: usize = 13;

/// The strings of an event that may be absent, in the order in which they are written.
fn optional<'e>(event: &'e TrailEvent<'_>) -> [Option<&'e str>; OPTIONAL] {
    let Identity {
        kind,
        arn,
        account,
        principal_id,
        user_name,
        invoked_by,
        issuer_arn,
        ..
    } = &event.identity;
    [
        event.error_code.as_deref(),
        event.error_message.as_deref(),
        event.target.as_deref(),
        event.version_stage.as_deref(),
        kind.as_deref(),
        arn.as_deref(),
        account.as_deref(),
        principal_id.as_deref(),
        user_name.as_deref(),
        invoked_by.as_deref(),
        issuer_arn.as_deref(),
        event.source_ip.as_deref(),
        event.user_agent.as_deref(),
    ]
}

/// The kind of a call. Part of the encoding.
const HEARD: u8 = 0;

const HEARD_READ_ONLY: u8 = 1;

const EVENT: u8 = 2;

const VARIETY: u8 = 3;

const SELECTED: u8 = 4;

impl Recording {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.strings.clear();
        self.numbers.clear();
        self.calls.clear();
        self.time = 0;
    }

    /// Everything that was written, as bytes for [`replay`], behind what `out` holds.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        put(out, self.strings.len() as u64);
        for string in &self.strings {
            put(out, string.len() as u64);
        }
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(&self.calls);
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        let tag = if read_only { HEARD_READ_ONLY } else { HEARD };
        self.hour(tag, account, region, hour);
    }

    fn hour(&mut self, tag: u8, account: &str, region: &str, hour: u32) {
        let place = [self.number(account), self.number(region)];
        self.calls.push(tag);
        for number in place {
            put(&mut self.calls, number);
        }
        put(&mut self.calls, u64::from(hour));
    }

    fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        let Variety {
            services,
            names,
            identities,
            any_success,
        } = variety;
        let place = [self.number(account), self.number(region)];
        self.calls.push(VARIETY);
        for number in place {
            put(&mut self.calls, number);
        }
        for values in [services, names, identities] {
            let number = match values {
                Values::None => 0,
                Values::Several => 1,
                Values::One(value) => 2 + self.number(value),
            };
            put(&mut self.calls, number);
        }
        put(&mut self.calls, u64::from(*any_success));
    }

    fn event(&mut self, event: &TrailEvent<'_>) {
        let place = [&event.account, &event.region, &event.name].map(|text| self.number(text));
        let strings = optional(event).map(|text| text.map(|text| self.number(text)));
        let mark = |on: bool, bit: u64| if on { bit } else { 0 };
        let mut marks = mark(event.shared_id.is_some(), SHARED)
            | mark(event.names_version, NAMES_VERSION)
            | mark(event.batch.is_some(), BATCH)
            | mark(event.vpc_endpoint, VPC)
            | mark(event.from_console, CONSOLE)
            | mark(event.identity.web_federated, WEB)
            | mark(event.identity.ec2_delivered, EC2)
            | (event.tls as u64) << TLS;
        for (bit, string) in (FIRST_STRING..).zip(strings) {
            marks |= mark(string.is_some(), 1 << bit);
        }
        let batch = event.batch.as_ref().map(|batch| {
            let ids: Vec<u64> = batch.ids.iter().map(|id| self.number(id)).collect();
            (ids, batch.filters.as_deref().map(|text| self.number(text)))
        });
        let calls = &mut self.calls;
        calls.push(EVENT);
        put(calls, marks);
        calls.push(event.kind.number());
        calls.extend_from_slice(&event.id.0.to_le_bytes());
        if let Some(shared) = event.shared_id {
            calls.extend_from_slice(&shared.0.to_le_bytes());
        }
        // Neighbours in a file are neighbours in time: the step is one or two bytes.
        put(calls, zigzag(event.time.wrapping_sub(self.time)));
        self.time = event.time;
        for number in place.into_iter().chain(strings.into_iter().flatten()) {
            put(calls, number);
        }
        if let Some((ids, filters)) = batch {
            put(calls, ids.len() as u64);
            for id in ids {
                put(calls, id);
            }
            put(calls, filters.map_or(0, |number| number + 1));
        }
    }

    fn number(&mut self, text: &str) -> u64 {
        let hash = FixedState::default().hash_one(text);
        let (all, strings) = (&self.text, &self.strings);
        let at = |number: u32| &all[strings[number as usize].clone()];
        if let Some(&number) = self.numbers.find(hash, |&number| at(number) == text) {
            return number.into();
        }
        let number =
            u32::try_from(self.strings.len()).expect("a file has fewer strings than bytes");
        let start = self.text.len();
        self.text.push_str(text);
        self.strings.push(start..self.text.len());
        let (all, strings) = (&self.text, &self.strings);
        self.numbers.insert_unique(hash, number, |&other| {
            FixedState::default().hash_one(&all[strings[other as usize].clone()])
        });
        number.into()
    }
}

/// Makes the recorded calls to a sink.
///
/// # Errors
/// If no [`Recording`] wrote these bytes. The sink may have received a part of the calls by then, so bytes that come from
/// outside have to be checked first.
pub fn replay(bytes: &[u8], sink: &mut impl EventSink) -> Result<(), Damaged> {
    let mut rest = bytes;
    let strings = strings(&mut rest)?;
    let mut time = 0_i64;
    while let Some(tag) = rest.split_off_first() {
        let mut text = || {
            let number = usize::try_from(take(&mut rest)?).map_err(|_| Damaged)?;
            strings.get(number).copied().ok_or(Damaged)
        };
        match *tag {
            HEARD | HEARD_READ_ONLY | SELECTED => {
                let (account, region) = (text()?, text()?);
                let hour = u32::try_from(take(&mut rest)?).map_err(|_| Damaged)?;
                match *tag {
                    SELECTED => sink.selected_hour(account, region, hour),
                    tag => sink.active_hour(account, region, hour, tag == HEARD_READ_ONLY),
                }
            }
            VARIETY => {
                let (account, region) = (text()?, text()?);
                let variety = variety(&mut rest, &strings)?;
                sink.variety(account, region, &variety);
            }
            EVENT => sink.event(&event(&mut rest, &strings, &mut time)?),
            _ => return Err(Damaged),
        }
    }
    Ok(())
}

fn strings<'b>(rest: &mut &'b [u8]) -> Result<Vec<&'b str>, Damaged> {
    let count = usize::try_from(take(rest)?).map_err(|_| Damaged)?;
    // Every string has a length of at least a byte, so damage cannot ask for more memory than there are bytes.
    if count > rest.len() {
        return Err(Damaged);
    }
    let mut lengths = Vec::with_capacity(count);
    let mut total = 0_usize;
    for _ in 0..count {
        let length = usize::try_from(take(rest)?).map_err(|_| Damaged)?;
        total = total.checked_add(length).ok_or(Damaged)?;
        lengths.push(length);
    }
    let text = rest.split_off(..total).ok_or(Damaged)?;
    let mut text = std::str::from_utf8(text).map_err(|_| Damaged)?;
    let mut strings = Vec::with_capacity(count);
    for length in lengths {
        let (string, behind) = text.split_at_checked(length).ok_or(Damaged)?;
        strings.push(string);
        text = behind;
    }
    Ok(strings)
}

fn variety(rest: &mut &[u8], strings: &[&str]) -> Result<Variety, Damaged> {
    let mut values = || {
        Ok(match take(rest)? {
            0 => Values::None,
            1 => Values::Several,
            number => {
                let number = usize::try_from(number - 2).map_err(|_| Damaged)?;
                Values::One((*strings.get(number).ok_or(Damaged)?).into())
            }
        })
    };
    Ok(Variety {
        services: values()?,
        names: values()?,
        identities: values()?,
        any_success: take(rest)? != 0,
    })
}

fn batch<'b>(rest: &mut &[u8], strings: &[&'b str]) -> Result<Batch<'b>, Damaged> {
    let at = |number: u64| {
        let number = usize::try_from(number).map_err(|_| Damaged)?;
        let text = strings.get(number).ok_or(Damaged)?;
        Ok(Cow::Borrowed(*text))
    };
    let count = take(rest)?;
    // Every id has a number of at least a byte, so damage cannot ask for more memory than there are bytes.
    if count > rest.len() as u64 {
        return Err(Damaged);
    }
    let ids = (0..count)
        .map(|_| at(take(rest)?))
        .collect::<Result<_, _>>()?;
    let filters = match take(rest)? {
        0 => None,
        number => Some(at(number - 1)?),
    };
    Ok(Batch { ids, filters })
}

fn event<'b>(
    rest: &mut &'b [u8],
    strings: &[&'b str],
    time: &mut i64,
) -> Result<TrailEvent<'b>, Damaged> {
    let marks = take(rest)?;
    if marks >> (FIRST_STRING as usize + OPTIONAL) != 0 {
        return Err(Damaged);
    }
    let has = |bit: u64| marks & bit != 0;
    let kind = *rest.split_off_first().ok_or(Damaged)?;
    let kind = *RecordKind::ALL.get(usize::from(kind)).ok_or(Damaged)?;
    let id = id(rest)?;
    let shared_id = if has(SHARED) {
        Some(self::id(rest)?)
    } else {
        None
    };
    *time = time.wrapping_add(unzigzag(take(rest)?));
    let mut text = || -> Result<Cow<'b, str>, Damaged> {
        let number = usize::try_from(take(rest)?).map_err(|_| Damaged)?;
        strings
            .get(number)
            .map(|text| Cow::Borrowed(*text))
            .ok_or(Damaged)
    };
    let (account, region, name) = (text()?, text()?, text()?);
    let mut optional: [Option<Cow<'b, str>>; OPTIONAL] = Default::default();
    for (bit, place) in (FIRST_STRING..).zip(&mut optional) {
        if has(1 << bit) {
            *place = Some(text()?);
        }
    }
    let batch = if has(BATCH) {
        Some(batch(rest, strings)?)
    } else {
        None
    };
    let [
        error_code,
        error_message,
        target,
        version_stage,
        identity_type,
        arn,
        identity_account,
        principal_id,
        user_name,
        invoked_by,
        issuer_arn,
        source_ip,
        user_agent,
    ] = optional;
    Ok(TrailEvent {
        id,
        shared_id,
        time: *time,
        account,
        region,
        name,
        kind,
        error_code,
        error_message,
        target,
        version_stage,
        names_version: has(NAMES_VERSION),
        batch,
        identity: Identity {
            kind: identity_type,
            arn,
            account: identity_account,
            principal_id,
            user_name,
            invoked_by,
            issuer_arn,
            web_federated: has(WEB),
            ec2_delivered: has(EC2),
        },
        source_ip,
        user_agent,
        vpc_endpoint: has(VPC),
        from_console: has(CONSOLE),
        tls: TlsVersion::ALL[(marks >> TLS & 3) as usize],
    })
}

fn id(rest: &mut &[u8]) -> Result<EventId, Damaged> {
    let bytes = rest.split_off(..16).and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(|bytes| EventId(u128::from_le_bytes(bytes)))
        .ok_or(Damaged)
}

/// Small steps either way become small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Writes a number in seven-bit groups, the lowest first (LEB128).
pub fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let group = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            out.push(group);
            return;
        }
        out.push(group | 0x80);
    }
}

/// Reads a number that [`put`] wrote.
///
/// # Errors
/// If there is none, or one of more than 64 bits.
pub fn take(rest: &mut &[u8]) -> Result<u64, Damaged> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first().ok_or(Damaged)?;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return Err(Damaged);
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Damaged)
}
