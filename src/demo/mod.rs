//! The example organization of `secretsweep demo`: two accounts, three Regions, ninety days of trail.
//!
//! It is written as AWS writes it, so that the demo takes the tool's real path: `aws secretsmanager list-secrets`
//! output for every account and Region, and the log files of an organization trail. Every feature of the tool has a
//! secret in [`CAST`] that shows it, with the verdict a scan must come to.
//!
//! The same bytes come out on every run and platform: no clock, no I/O, chance only from a fixed seed. Names, ids and
//! addresses are made up or reserved for documentation. No value of any secret occurs, as in a real trail.

mod call;
mod callers;
mod delivery;
mod identity;
mod inventory;
mod json;
mod organization;
mod random;
mod record;
mod rotation;
mod traffic;

use std::io;

use jiff::Timestamp;

pub use organization::{CAST, Cast};

/// The moment of the demo, in seconds since 1970-01-01T00:00:00Z: 2026-11-01T00:00:00Z.
const NOW: i64 = 1_793_491_200;
/// How many days of trail there are.
const DAYS: i64 = 90;
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const SECRETS_MANAGER: &str = "secretsmanager.amazonaws.com";

/// The fixed moment of the demo, 2026-11-01T00:00:00Z. The trail covers the 90 days before it.
#[must_use]
pub fn now() -> Timestamp {
    at(NOW)
}

/// The instant of these seconds since 1970. All times of the demo lie within what a [`Timestamp`] can hold.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Hands every file of the organization to `put`, with its relative path (`/` between folders) and its bytes.
///
/// `inventory/<account>-<region>.json` first, then `trail/AWSLogs/...` by account, Region and time.
///
/// # Errors
/// The first error of `put` ends the writing and is returned; nothing else fails.
pub fn write(put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let calls = traffic::calls();
    inventory::write(&calls, put)?;
    delivery::write(&calls, put)
}
