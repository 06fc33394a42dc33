//! The calls of some files, made again.

use std::borrow::Cow;

use super::half_table::{CALLER_STRINGS, SUBJECT_STRINGS};
use super::{
    ACTIVE_HOUR, ACTIVE_HOUR_READ_ONLY, BATCH, CONSOLE, Damaged, EC2, EVENT, FILTERS, FIRST_STRING,
    NAMES_VERSION, Recording, SELECTED, SHARED_EVENT, TLS, VARIETY, VPC, WEB, take, unzigzag,
};
use crate::trail::cell::Address;
use crate::trail::event::{
    Batch, CallerHalf, EventId, EventSink, RecordKind, RecordedCalls, RecordedEvent, SubjectHalf,
    TlsVersion, Values, Variety,
};

/// Makes the recorded calls to the sink of this recording, which remembers the halves.
///
/// # Errors
/// If no [`super::Recording`] wrote these bytes. The sink may have received a part of the calls by then, so bytes that come
/// from outside have to be checked first.
pub fn replay(
    bytes: &[u8],
    recording: &mut Recording,
    sink: &mut dyn EventSink,
) -> Result<(), Damaged> {
    recording.begin(sink);
    let mut rest = bytes;
    let strings = strings(&mut rest)?;
    let addresses = addresses(&mut rest)?;
    let (halves, batches) = subjects(&mut rest, &strings)?;
    let subjects = halves.into_iter().map(|(mut half, batch)| {
        half.batch = batch.map(|at| &batches[at]);
        (recording.known_subject(&half), half)
    });
    let subjects: Vec<_> = subjects.collect();
    let callers = callers(&mut rest, &strings)?.into_iter();
    let callers = callers.map(|half| (recording.known_caller(&half), half));
    let callers: Vec<_> = callers.collect();
    lines(&mut rest, &subjects, &callers, &addresses, sink)?;
    let mut time = 0_i64;
    while let Some(tag) = rest.split_off_first() {
        if let EVENT | SHARED_EVENT = *tag {
            let id = id(&mut rest)?;
            let shared_id = match *tag {
                EVENT => None,
                _ => Some(self::id(&mut rest)?),
            };
            time = time.wrapping_add(unzigzag(take(&mut rest)?));
            let (subject, subject_half) = subjects.get(take_usize(&mut rest)?).ok_or(Damaged)?;
            let (caller, caller_half) = callers.get(take_usize(&mut rest)?).ok_or(Damaged)?;
            let address = address(&mut rest, &addresses)?;
            sink.recorded(&RecordedEvent {
                id,
                shared_id,
                time,
                subject: (*subject, subject_half),
                caller: (*caller, caller_half),
                address,
            });
            continue;
        }
        let (account, region) = (text(&mut rest, &strings)?, text(&mut rest, &strings)?);
        match *tag {
            VARIETY => {
                let variety = variety(&mut rest, &strings)?;
                sink.variety(account, region, &variety);
            }
            ACTIVE_HOUR | ACTIVE_HOUR_READ_ONLY | SELECTED => {
                let hour = u32::try_from(take(&mut rest)?).map_err(|_| Damaged)?;
                match *tag {
                    SELECTED => sink.selected_hour(account, region, hour),
                    tag => sink.active_hour(account, region, hour, tag == ACTIVE_HOUR_READ_ONLY),
                }
            }
            _ => return Err(Damaged),
        }
    }
    Ok(())
}

/// Halves, each with its number in the recording.
type Numbered<H> = [(u32, H)];

/// Reads the events that are folded, line by line, and hands them on cell by cell.
fn lines(
    rest: &mut &[u8],
    subjects: &Numbered<SubjectHalf<'_>>,
    callers: &Numbered<CallerHalf<'_>>,
    addresses: &[(&str, Address)],
    sink: &mut dyn EventSink,
) -> Result<(), Damaged> {
    let mut events = Vec::new();
    for _ in 0..count(rest)? {
        let (subject, subject_half) = subjects.get(take_usize(rest)?).ok_or(Damaged)?;
        let (caller, caller_half) = callers.get(take_usize(rest)?).ok_or(Damaged)?;
        if subject_half.batch.is_some() {
            // A batch makes more than one line, so it is never folded.
            return Err(Damaged);
        }
        let mut time = 0_i64;
        for _ in 0..count(rest)? {
            let address = address(rest, addresses)?;
            events.clear();
            for _ in 0..count(rest)? {
                time = time.wrapping_add(unzigzag(take(rest)?));
                events.push((id(rest)?, time));
            }
            sink.recorded_calls(&RecordedCalls {
                subject: (*subject, subject_half),
                caller: (*caller, caller_half),
                address,
                events: &events,
            });
        }
    }
    Ok(())
}

/// Reads which address it is; zero is none.
fn address<'b>(
    rest: &mut &[u8],
    addresses: &[(&'b str, Address)],
) -> Result<Option<(&'b str, Address)>, Damaged> {
    match take_usize(rest)? {
        0 => Ok(None),
        number => Ok(Some(*addresses.get(number - 1).ok_or(Damaged)?)),
    }
}

/// Reads how many of something follow. Each has at least a byte, so damage cannot ask for more memory than there are bytes.
fn count(rest: &mut &[u8]) -> Result<usize, Damaged> {
    let count = take_usize(rest)?;
    (count <= rest.len()).then_some(count).ok_or(Damaged)
}

fn take_usize(rest: &mut &[u8]) -> Result<usize, Damaged> {
    usize::try_from(take(rest)?).map_err(|_| Damaged)
}

fn text<'b>(rest: &mut &[u8], strings: &[&'b str]) -> Result<&'b str, Damaged> {
    strings.get(take_usize(rest)?).copied().ok_or(Damaged)
}

fn strings<'b>(rest: &mut &'b [u8]) -> Result<Vec<&'b str>, Damaged> {
    let count = count(rest)?;
    let mut lengths = Vec::with_capacity(count);
    let mut total = 0_usize;
    for _ in 0..count {
        let length = take_usize(rest)?;
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

fn addresses<'b>(rest: &mut &'b [u8]) -> Result<Vec<(&'b str, Address)>, Damaged> {
    let count = count(rest)?;
    let mut addresses = Vec::with_capacity(count);
    for _ in 0..count {
        let length = take_usize(rest)?;
        let text = rest.split_off(..length).ok_or(Damaged)?;
        let text = std::str::from_utf8(text).map_err(|_| Damaged)?;
        let (bits, behind) = rest.split_first_chunk().ok_or(Damaged)?;
        *rest = behind;
        addresses.push((text, Address::from_bits(u64::from_le_bytes(*bits))));
    }
    Ok(addresses)
}

/// Halves without their batches, each with the index of its own among the batches.
type SubjectHalves<'b> = (Vec<(SubjectHalf<'b>, Option<usize>)>, Vec<Batch<'b>>);

fn subjects<'b>(rest: &mut &[u8], strings: &[&'b str]) -> Result<SubjectHalves<'b>, Damaged> {
    let count = count(rest)?;
    let mut batches = Vec::new();
    let mut halves = Vec::with_capacity(count);
    for _ in 0..count {
        let marks = take(rest)?;
        let has = |bit: u64| marks & bit != 0;
        let kind = usize::try_from(marks & (NAMES_VERSION - 1)).map_err(|_| Damaged)?;
        let ids = self::count(rest)?;
        let (account, region, name) = (
            text(rest, strings)?,
            text(rest, strings)?,
            text(rest, strings)?,
        );
        let [error_code, error_message, target, version_stage] =
            optional::<SUBJECT_STRINGS>(marks, rest, strings)?;
        let half = SubjectHalf {
            account,
            region,
            name,
            kind: *RecordKind::ALL.get(kind).ok_or(Damaged)?,
            error_code,
            error_message,
            target,
            version_stage,
            names_version: has(NAMES_VERSION),
            batch: None,
        };
        let batch = has(BATCH).then_some(batches.len());
        if has(BATCH) {
            let ids = (0..ids).map(|_| text(rest, strings).map(Cow::Borrowed));
            batches.push(Batch {
                ids: ids.collect::<Result<_, _>>()?,
                filters: if has(FILTERS) {
                    Some(text(rest, strings)?.into())
                } else {
                    None
                },
            });
        }
        halves.push((half, batch));
    }
    Ok((halves, batches))
}

fn callers<'b>(rest: &mut &[u8], strings: &[&'b str]) -> Result<Vec<CallerHalf<'b>>, Damaged> {
    let count = count(rest)?;
    let mut halves = Vec::with_capacity(count);
    for _ in 0..count {
        let marks = take(rest)?;
        let has = |bit: u64| marks & bit != 0;
        let _ids = take(rest)?;
        let [
            kind,
            arn,
            account,
            principal_id,
            user_name,
            invoked_by,
            issuer_arn,
            user_agent,
            service,
        ] = optional::<CALLER_STRINGS>(marks, rest, strings)?;
        halves.push(CallerHalf {
            kind,
            arn,
            account,
            principal_id,
            user_name,
            invoked_by,
            issuer_arn,
            user_agent,
            service,
            web_federated: has(WEB),
            ec2_delivered: has(EC2),
            vpc_endpoint: has(VPC),
            from_console: has(CONSOLE),
            tls: TlsVersion::ALL[(marks >> TLS & 3) as usize],
        });
    }
    Ok(halves)
}

/// The strings of a half that may be absent.
fn optional<'b, const N: usize>(
    marks: u64,
    rest: &mut &[u8],
    strings: &[&'b str],
) -> Result<[Option<&'b str>; N], Damaged> {
    if marks >> FIRST_STRING >> N != 0 {
        return Err(Damaged);
    }
    let mut texts = [None; N];
    for (bit, slot) in (FIRST_STRING..).zip(&mut texts) {
        if marks >> bit & 1 != 0 {
            *slot = Some(text(rest, strings)?);
        }
    }
    Ok(texts)
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

#[inline]
fn id(rest: &mut &[u8]) -> Result<EventId, Damaged> {
    let (bytes, behind) = rest.split_first_chunk().ok_or(Damaged)?;
    *rest = behind;
    Ok(EventId(u128::from_le_bytes(*bytes)))
}
