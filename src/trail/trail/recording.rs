//! The contents of log files in a form that can be stored and replayed: the calls of an [`EventSink`], recorded.
//!
//! A [`Recorder`] stands between a reader and its sink and notes every call in a [`Recording`], which becomes a block of
//! some log files, as a rule those of an account, Region and day. In the block, the events are folded: each
//! distinct half of them ([`crate::trail::event`]) stands once, and so does each string of all halves; each line (what was
//! called, and by whom) stands once with its hours and addresses; below these stand the id and the second of each event,
//! because a copy of any event may come in another file, and because windows may begin at any second.
//! [`replay`] makes calls to a sink of which the same is counted: what is known of hours in the order in which it came,
//! and events in another order, which changes nothing.
//!
//! Blocks have most halves in common, so a [`Recording`] remembers those of the blocks before, whether it wrote or replayed
//! them, and the sink is told of each by the number that it has there. A sink that goes by halves looks each of them up
//! once for all blocks, also while it records.
//!
//! This is an encoding and nothing else: it opens no file, and no bytes make it panic. What comes from outside needs a
//! check sum of its own, because damage may be found after the sink has received a part.

use crate::trail::event::{Delivery, EventSink, TrailEvent, Variety};

mod dictionary;
mod half_table;
mod replaying;
mod writing;

pub use replaying::replay;
pub use writing::Recording;

/// Changes whenever a reader may make other calls for the same file, or this encoding changes, or what is hashed in it. Files
/// that were stored under another number are read again.
pub const FORMAT: u32 = 8;

/// Bytes that no [`Recording`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored contents of log files are damaged")]
pub struct Damaged;

/// Passes calls on to a sink and records them.
pub struct Recorder<'a> {
    /// The sink that receives the calls.
    pub sink: &'a mut dyn EventSink,
    /// The recording of the calls.
    pub recording: &'a mut Recording,
}

impl EventSink for Recorder<'_> {
    fn delivered(&mut self, delivery: Delivery) {
        // This depends on the path of the file, not on its contents, so it is not recorded.
        self.sink.delivered(delivery);
    }

    fn event(&mut self, event: &TrailEvent<'_>) {
        self.recording.event(event, self.sink);
    }

    fn active_hour(&mut self, account: &str, region: &str, hour: u32, read_only: bool) {
        self.recording.active_hour(account, region, hour, read_only);
        self.sink.active_hour(account, region, hour, read_only);
    }

    fn selected_hour(&mut self, account: &str, region: &str, hour: u32) {
        self.recording.selected_hour(account, region, hour);
        self.sink.selected_hour(account, region, hour);
    }

    fn variety(&mut self, account: &str, region: &str, variety: &Variety) {
        self.recording.variety(account, region, variety);
        self.sink.variety(account, region, variety);
    }
}

/// The kind of a call. Part of the encoding.
const ACTIVE_HOUR: u8 = 0;

const ACTIVE_HOUR_READ_ONLY: u8 = 1;

const EVENT: u8 = 2;

/// An event that two accounts log: its shared id follows its own. Of other events, only those of batches stand among the
/// calls; the rest are folded.
const SHARED_EVENT: u8 = 3;

const VARIETY: u8 = 4;

const SELECTED: u8 = 5;

/// The bits below this one hold the kind of record.
const NAMES_VERSION: u64 = 1 << 3;

const BATCH: u64 = 1 << 4;

const FILTERS: u64 = 1 << 5;

const WEB: u64 = 1;

const EC2: u64 = 1 << 1;

const VPC: u64 = 1 << 2;

const CONSOLE: u64 = 1 << 3;

/// The lowest of the two bits that hold the version of TLS.
const TLS: u32 = 4;

/// In both halves, the bit of the first string that may be absent; the others follow.
const FIRST_STRING: u32 = 6;

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
#[inline]
pub fn take(rest: &mut &[u8]) -> Result<u64, Damaged> {
    let first = *rest.split_off_first().ok_or(Damaged)?;
    if first & 0x80 == 0 {
        return Ok(first.into());
    }
    let mut number = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
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
